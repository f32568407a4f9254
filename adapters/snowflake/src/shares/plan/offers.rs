//! An owner's side: its schema, views under policies, shares, and whom they let in.

use super::{Planned, Rank, Subject};
use crate::names;
use crate::shares::call::{Call, Grant, Guarded, Path, Privilege, SchemaPath, Shown};
use crate::shares::mark::Mark;
use crate::shares::seen::{Account, Schema, Share, View};
use crate::shares::wanted::Offer;
use adapter_spi::{Effect, ResourceKind};
use mappings::model::MemberId;
use std::collections::{BTreeMap, BTreeSet};

/// Collects what is to be done in one account.
pub(super) struct Acts<'a> {
    pub(super) member: &'a MemberId,
    pub(super) planned: Vec<Planned>,
}

impl Acts<'_> {
    pub(super) fn push(
        &mut self,
        (effect, rank): (Effect, Rank),
        name: &str,
        call: Call,
        touches: &BTreeSet<ResourceKind>,
    ) {
        self.planned.push(Planned {
            member: self.member.clone(),
            effect,
            rank,
            name: name.to_owned(),
            leaves: leaves(&call, touches),
            call,
            touches: touches.clone(),
            at: None,
        });
    }
}

/// What the whole value that a statement sets leaves open: landing late it opens that again.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every other statement gives or takes one thing"
)]
fn leaves(call: &Call, touches: &BTreeSet<ResourceKind>) -> BTreeSet<ResourceKind> {
    match call {
        Call::PutView(_) => touches.clone(),
        Call::MarkSchema { mark, .. } => {
            mark.templates.keys().cloned().map(ResourceKind::Template).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// A view's state against what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is not there.
    Missing,
    /// It is as wanted.
    Whole,
    /// It is as wanted, and its policy is not on it.
    Bare,
    /// It is an earlier one with columns that were withdrawn since, and nothing else differs.
    Wide,
    /// It is another.
    Other,
}

impl Subject<'_> {
    /// What an owner's account lacks, and what it has too much.
    pub(super) fn offers(&self, member: &MemberId, account: &Account) -> Vec<Planned> {
        let mut acts = Acts { member, planned: Vec::new() };
        let offers: Vec<&Offer> = self.offers_of(member).collect();
        let schema = names::offers(&self.desired.agreement.collaboration);
        let path = [account.database.clone(), schema];
        let minima = offers.iter().filter_map(|offer| offer.guarded.as_ref());
        let minima: BTreeSet<u64> = minima.map(|guarded| guarded.entities_min).collect();
        if !offers.is_empty() {
            self.schema(&path, account.offers.as_ref(), &minima, &mut acts);
        }
        for offer in &offers {
            self.offer(offer, account, &mut acts);
        }
        let wanted: BTreeSet<String> = offers.iter().map(|offer| offer.share()).collect();
        for (name, share) in account.shares.iter().filter(|(name, _)| !wanted.contains(*name)) {
            self.unshare(name, share, &mut acts);
        }
        let places: BTreeSet<String> = offers.iter().map(|offer| offer.place().1).collect();
        if let Some(schema) = &account.offers {
            let left =
                |name: &str| self.named(|dataset, runner| names::view(dataset, runner) == name);
            drop_views((&path, schema), &places, &left, &mut acts);
            let ours =
                schema.mark.is_ours() && schema.views.values().all(|view| view.mark.is_ours());
            if offers.is_empty() && ours {
                let call = Call::DropSchema { path: path.clone() };
                acts.push((Effect::Revoke, Rank::Last), "offers", call, &BTreeSet::new());
            }
        }
        acts.planned
    }

    /// A schema of ours with its policies, each with the body that its name says.
    pub(super) fn schema(
        &self,
        path: &SchemaPath,
        seen: Option<&Schema>,
        minima: &BTreeSet<u64>,
        acts: &mut Acts<'_>,
    ) {
        let none = BTreeSet::new();
        let [_, name] = path;
        if seen.is_none() {
            let (path, mark) = (path.clone(), self.mark());
            let call = Call::CreateSchema { path, mark };
            acts.push((Effect::Neutral, Rank::First), name, call, &none);
        }
        for entities_min in minima.iter().copied() {
            let (schema, policy) = (path.clone(), names::minimum(entities_min));
            let (effect, call) = match seen.and_then(|seen| seen.policies.get(&policy)) {
                Some(true) => continue,
                Some(false) => (Effect::Restrict, Call::SetPolicyBody { schema, entities_min }),
                None => (Effect::Neutral, Call::CreatePolicy { schema, entities_min }),
            };
            acts.push((effect, Rank::First), &policy, call, &none);
        }
        // A policy that no minimum of now names may be on a view that is given still.
        let odd = seen.iter().flat_map(|seen| &seen.policies).filter(|(_, whole)| !**whole);
        for (policy, _) in odd {
            if let Some(entities_min) = names::minimum_of(policy).filter(|n| !minima.contains(n)) {
                let call = Call::SetPolicyBody { schema: path.clone(), entities_min };
                acts.push((Effect::Restrict, Rank::First), policy, call, &none);
            }
        }
    }

    fn offer(&self, offer: &Offer, account: &Account, acts: &mut Acts<'_>) {
        let touches = BTreeSet::from([ResourceKind::Dataset(offer.dataset.clone())]);
        let name = offer.share();
        let share = account.shares.get(&name);
        let put = offer.put(&account.database);
        let mut grants = offer.grants(&account.database);
        let Some(select) = grants.pop() else { return };
        let given = share.is_some_and(|share| share.grants.contains(&select));
        let closes = |templates: bool| {
            let readers = offer.readers.iter().filter(|_| templates);
            let readers = readers.cloned().map(ResourceKind::Template);
            touches.iter().cloned().chain(readers).collect::<BTreeSet<_>>()
        };
        let revoke = || Call::RevokeFromShare { share: name.clone(), grant: select.clone() };
        let view = account.offers.as_ref().and_then(|schema| schema.views.get(&offer.place().1));
        let mut again = false;
        match self.standing(offer, account, view) {
            Standing::Whole => {}
            Standing::Bare => bare(&put.path, offer, &touches, acts),
            Standing::Wide => {
                let call = Call::PutView(put.clone());
                acts.push((Effect::Restrict, Rank::Next), &name, call, &touches);
            }
            standing @ (Standing::Missing | Standing::Other) => {
                if standing == Standing::Other && given {
                    acts.push((Effect::Restrict, Rank::Next), &name, revoke(), &touches);
                    again = true;
                }
                let call = Call::PutView(put.clone());
                acts.push((Effect::Neutral, Rank::Next), &name, call, &touches);
            }
        }
        strays((&name, share), offer, (&grants, &select), acts);
        if share.is_none() {
            let call = Call::CreateShare { share: name.clone(), mark: self.mark() };
            acts.push((Effect::Neutral, Rank::Last), &name, call, &touches);
        }
        for grant in &grants {
            if !share.is_some_and(|share| share.grants.contains(grant)) {
                let (share, grant) = (name.clone(), grant.clone());
                let call = Call::GrantToShare { share, grant, view: None };
                acts.push((Effect::Neutral, Rank::Last), &name, call, &touches);
            }
        }
        let unread = share.is_some_and(|share| !share.unknown.is_empty());
        if !offer.given || unread {
            if given && !again {
                acts.push((Effect::Revoke, Rank::Next), &name, revoke(), &closes(true));
            }
            return;
        }
        let Some(text) = put.text() else { return };
        let view = Shown { text, guarded: offer.guarded.clone() };
        if !given || again {
            let (grant, view) = (select.clone(), Some(view.clone()));
            let call = Call::GrantToShare { share: name.clone(), grant, view };
            acts.push((Effect::Grant, Rank::First), &name, call, &touches);
        }
        if !share.is_some_and(|share| share.to.contains(&offer.consumer)) {
            let grants = grants.into_iter().chain([select]).collect();
            let account = offer.consumer.clone();
            let call = Call::AddAccount { share: name.clone(), account, grants, view };
            acts.push((Effect::Grant, Rank::Next), &name, call, &touches);
        }
    }

    /// A share that nobody wants: its accounts leave, its grants go, and then the share.
    fn unshare(&self, name: &str, share: &Share, acts: &mut Acts<'_>) {
        let collaboration = &self.desired.agreement.collaboration;
        let touches =
            self.named(|dataset, runner| names::share(collaboration, dataset, runner) == name);
        if !share.to.is_empty() {
            let (name_, accounts) = (name.to_owned(), share.to.clone());
            let call = Call::RemoveAccounts { share: name_, accounts };
            acts.push((Effect::Revoke, Rank::First), name, call, &touches);
        }
        let reads = share.grants.iter().filter(|grant| grant.privilege == Privilege::Select);
        for grant in reads {
            let call = Call::RevokeFromShare { share: name.to_owned(), grant: grant.clone() };
            acts.push((Effect::Revoke, Rank::Next), name, call, &touches);
        }
        if share.mark.is_ours() {
            let call = Call::DropShare { share: name.to_owned() };
            acts.push((Effect::Revoke, Rank::Last), name, call, &touches);
        }
    }

    /// How a view stands.
    pub(super) fn standing(
        &self,
        offer: &Offer,
        account: &Account,
        view: Option<&View>,
    ) -> Standing {
        let Some(view) = view else { return Standing::Missing };
        let text = |offer: &Offer| offer.put(&account.database).text();
        if view.secure && text(offer) == Some(view.text) {
            let schema = if offer.is_own() { &account.runs } else { &account.offers };
            let is_there = |guarded: &Guarded| {
                let policy = names::minimum(guarded.entities_min);
                schema.as_ref().is_some_and(|schema| schema.policies.contains_key(&policy))
            };
            return match &offer.guarded {
                guarded if *guarded == view.guarded => Standing::Whole,
                // A policy that nobody agreed on, put there by hand, lets less out.
                None => Standing::Whole,
                Some(guarded) if is_there(guarded) => Standing::Bare,
                Some(_) => Standing::Other,
            };
        }
        let narrower = || {
            let mark: &Mark = view.mark.mark()?;
            let fewer = mark.without.is_subset(&offer.mark.without);
            let mut earlier = self.desired.clone();
            earlier.hidden.retain(|(dataset, _)| *dataset != offer.dataset);
            let without = mark.without.iter().cloned();
            earlier.hidden.extend(without.map(|column| (offer.dataset.clone(), column)));
            let earlier = crate::shares::wanted::offer(&earlier, &offer.dataset, &offer.runner)?;
            let same = view.secure && view.guarded == offer.guarded;
            (fewer && same && text(&earlier) == Some(view.text)).then_some(())
        };
        if narrower().is_some() { Standing::Wide } else { Standing::Other }
    }
}

/// Accounts and grants that a share of ours should not have.
fn strays(
    (name, share): (&str, Option<&Share>),
    offer: &Offer,
    (grants, select): (&[Grant], &Grant),
    acts: &mut Acts<'_>,
) {
    let Some(share) = share else { return };
    let touches = BTreeSet::from([ResourceKind::Dataset(offer.dataset.clone())]);
    let unreadable = !share.unknown.is_empty();
    let stray = |account: &&String| unreadable || **account != offer.consumer;
    let accounts: BTreeSet<String> = share.to.iter().filter(stray).cloned().collect();
    if !accounts.is_empty() {
        let call = Call::RemoveAccounts { share: name.to_owned(), accounts };
        acts.push((Effect::Revoke, Rank::First), name, call, &touches);
    }
    let agreed = |grant: &&Grant| grants.contains(*grant) || **grant == *select;
    for grant in share.grants.iter().filter(|grant| !agreed(grant)) {
        let call = Call::RevokeFromShare { share: name.to_owned(), grant: grant.clone() };
        acts.push((Effect::Revoke, Rank::Next), name, call, &touches);
    }
}

/// A view's policy is put on it again, in the place of whatever is there.
pub(super) fn bare(
    path: &Path,
    offer: &Offer,
    touches: &BTreeSet<ResourceKind>,
    acts: &mut Acts<'_>,
) {
    if let Some(guarded) = &offer.guarded {
        let (path, guarded) = (path.clone(), guarded.clone());
        let [.., name] = path.clone();
        let call = Call::SetPolicy { path, guarded };
        acts.push((Effect::Restrict, Rank::First), &name, call, touches);
    }
}

/// Views that nobody wants.
pub(super) fn drop_views(
    ([database, schema], seen): (&SchemaPath, &Schema),
    wanted: &BTreeSet<String>,
    touches: &dyn Fn(&str) -> BTreeSet<ResourceKind>,
    acts: &mut Acts<'_>,
) {
    let views: BTreeMap<&String, &View> =
        seen.views.iter().filter(|(name, _)| !wanted.contains(*name)).collect();
    for (name, view) in views {
        if view.mark.is_ours() {
            let path = [database.clone(), schema.clone(), name.clone()];
            let call = Call::DropView { path };
            acts.push((Effect::Revoke, Rank::Last), name, call, &touches(name));
        }
    }
}
