//! A runner's side: mounts of what it is let read, a schema in which its texts find the datasets by name, and the list of the
//! templates that run there.

use super::offers::{Acts, Standing, bare, drop_views};
use super::{Planned, Rank, Subject};
use crate::names;
use crate::shares::call::{Call, SchemaPath};
use crate::shares::mark::Comment;
use crate::shares::seen::{Account, View, inbound};
use crate::shares::wanted::Offer;
use adapter_spi::{Effect, ResourceKind};
use mappings::model::{DatasetName, Digest, MemberId, TemplateName};
use std::collections::{BTreeMap, BTreeSet};

type Templates = BTreeMap<TemplateName, Digest>;

impl Subject<'_> {
    /// What a runner's account lacks, and what it has too much; whether something that it waits for is somebody else's to show.
    pub(super) fn runs(&self, member: &MemberId, account: &Account) -> (Vec<Planned>, bool) {
        let collaboration = &self.desired.agreement.collaboration;
        let path = [account.database.clone(), names::runs(collaboration)];
        let mut acts = Acts { member, planned: Vec::new() };
        let room = self.wanted.runners.get(member);
        let all: Vec<&Offer> = self.offers_to(member).collect();
        let own = all.iter().filter(|offer| offer.is_own()).filter_map(|one| one.guarded.as_ref());
        let minima: BTreeSet<u64> = own.map(|guarded| guarded.entities_min).collect();
        if room.is_some() {
            self.schema(&path, account.runs.as_ref(), &minima, &mut acts);
        }
        let (mut changing, mut lacking) = (BTreeSet::new(), BTreeSet::new());
        for offer in &all {
            let ready = if offer.is_own() {
                if self.own(offer, account, &mut acts) {
                    changing.insert(offer.dataset.clone());
                }
                true
            } else {
                self.foreign(offer, account, &mut acts)
            };
            if !ready {
                lacking.insert(offer.dataset.clone());
            }
        }
        self.clear(&path, account, &all, &mut acts);
        let waits = self.list(&path, account, (&changing, &lacking), &mut acts);
        (acts.planned, waits)
    }

    /// The datasets of a runner's texts.
    fn offers_to<'s>(&'s self, runner: &'s MemberId) -> impl Iterator<Item = &'s Offer> {
        self.wanted.offers.values().filter(move |offer| offer.runner == *runner)
    }

    /// The view of a runner's own dataset; whether it changes into another while texts may read it.
    fn own(&self, offer: &Offer, account: &Account, acts: &mut Acts<'_>) -> bool {
        let touches = BTreeSet::from([ResourceKind::Dataset(offer.dataset.clone())]);
        let name = offer.dataset.to_string();
        let view = account.runs.as_ref().and_then(|schema| schema.views.get(&name));
        let put = offer.put(&account.database);
        match self.standing(offer, account, view) {
            Standing::Whole => false,
            Standing::Bare => {
                bare(&put.path, offer, &touches, acts);
                false
            }
            Standing::Wide => {
                acts.push((Effect::Restrict, Rank::Next), &name, Call::PutView(put), &touches);
                false
            }
            standing @ (Standing::Missing | Standing::Other) => {
                acts.push((Effect::Neutral, Rank::Next), &name, Call::PutView(put), &touches);
                standing == Standing::Other
            }
        }
    }

    /// A dataset of another's, mounted and found by its name; whether it will be after this pass.
    fn foreign(&self, offer: &Offer, account: &Account, acts: &mut Acts<'_>) -> bool {
        if !offer.given {
            return false;
        }
        let touches = BTreeSet::from([ResourceKind::Dataset(offer.dataset.clone())]);
        let share = offer.share();
        let seen = account.inbound.get(&inbound(&offer.provider, &share));
        let own = names::mount(&self.desired.agreement.collaboration, &offer.dataset);
        let mount = seen.cloned().flatten();
        if mount.is_none() {
            // Its owner lets this account in within this pass, or did; else it is not there to be mounted.
            if seen.is_none() && !self.seen.accounts.contains_key(&offer.owner) {
                return false;
            }
            if account.mounts.contains(&own) {
                // What it was mounted from is gone, and with it what could be read there.
                let call = Call::DropMount { database: own.clone() };
                acts.push((Effect::Neutral, Rank::Last), &own, call, &touches);
            }
            let (database, provider) = (own.clone(), offer.provider.clone());
            let call = Call::Mount { database, provider, share };
            acts.push((Effect::Grant, Rank::Last), &own, call, &touches);
        }
        let put = offer.mounted(&account.database, mount.as_deref().unwrap_or(&own));
        let name = offer.dataset.to_string();
        let view = account.runs.as_ref().and_then(|schema| schema.views.get(&name));
        let is_it = |view: &View| put.text() == Some(view.text);
        if mount.is_none() || !view.is_some_and(is_it) {
            acts.push((Effect::Grant, Rank::Last), &name, Call::PutView(put), &touches);
        }
        true
    }

    /// Views, mounts and the schema that nobody wants.
    fn clear(&self, path: &SchemaPath, account: &Account, all: &[&Offer], acts: &mut Acts<'_>) {
        let collaboration = &self.desired.agreement.collaboration;
        let of = |name: &str| -> BTreeSet<ResourceKind> {
            DatasetName::new(name).ok().map(ResourceKind::Dataset).into_iter().collect()
        };
        let wanted: BTreeSet<String> = all.iter().map(|offer| offer.dataset.to_string()).collect();
        if let Some(runs) = &account.runs {
            drop_views((path, runs), &wanted, &of, acts);
            let ours = runs.mark.is_ours() && runs.views.values().all(|view| view.mark.is_ours());
            if ours && !self.wanted.runners.contains_key(acts.member) {
                let call = Call::DropSchema { path: path.clone() };
                acts.push((Effect::Revoke, Rank::Last), "runs", call, &BTreeSet::new());
            }
        }
        let foreign = all.iter().filter(|offer| !offer.is_own());
        let mounts = foreign.map(|offer| names::mount(collaboration, &offer.dataset));
        let mounts: BTreeSet<String> = mounts.collect();
        for mount in account.mounts.iter().filter(|mount| !mounts.contains(*mount)) {
            let touches = self.named(|dataset, _| names::mount(collaboration, dataset) == *mount);
            let call = Call::DropMount { database: mount.clone() };
            acts.push((Effect::Revoke, Rank::Last), mount, call, &touches);
        }
    }

    /// The list of what runs there: what may not any more leaves it first, what may enters it last.
    fn list(
        &self,
        path: &SchemaPath,
        account: &Account,
        (changing, lacking): (&BTreeSet<DatasetName>, &BTreeSet<DatasetName>),
        acts: &mut Acts<'_>,
    ) -> bool {
        let room = self.wanted.runners.get(acts.member).cloned().unwrap_or_default();
        let mark = match account.runs.as_ref().map(|schema| &schema.mark) {
            Some(Comment::Mark(mark)) => (**mark).clone(),
            Some(Comment::Unread) => {
                self.forget(path, &room.templates, acts);
                return false;
            }
            Some(Comment::Other) => return false,
            None => self.mark(),
        };
        let reads = |name: &TemplateName, of: &BTreeSet<DatasetName>| {
            room.reads.get(name).is_some_and(|reads| !reads.is_disjoint(of))
        };
        let wanted = room.templates.iter().filter(|(name, _)| !reads(name, lacking));
        let wanted: Templates = wanted.map(|(name, digest)| (name.clone(), *digest)).collect();
        let stays = mark
            .templates
            .iter()
            .filter(|(name, digest)| wanted.get(*name) == Some(*digest) && !reads(name, changing));
        let stays: Templates = stays.map(|(name, digest)| (name.clone(), *digest)).collect();
        let mut set = |effect, templates: &Templates, touched: &BTreeSet<ResourceKind>| {
            let mark = mark.listing(templates, &room.texts);
            let call = Call::MarkSchema { path: path.clone(), mark, was: stays.clone() };
            let rank = if effect == Effect::Grant { Rank::Last } else { Rank::First };
            acts.push((effect, rank), "runs", call, touched);
        };
        let kinds = |all: Vec<&TemplateName>| -> BTreeSet<ResourceKind> {
            all.into_iter().cloned().map(ResourceKind::Template).collect()
        };
        if stays != mark.templates {
            let goes =
                mark.templates.iter().filter(|(name, digest)| stays.get(*name) != Some(*digest));
            let goes = kinds(goes.map(|(name, _)| name).collect());
            set(Effect::Revoke, &stays, &goes);
        }
        if stays != wanted {
            let comes = wanted.iter().filter(|(name, _)| !stays.contains_key(*name));
            let comes = kinds(comes.map(|(name, _)| name).collect());
            set(Effect::Grant, &wanted, &comes);
        }
        wanted.len() < room.templates.len()
    }

    /// A list that this version can't read may have whatever any agreement let its runner run. Where some of that is not to run now, it is
    /// written anew, empty; else it is another version's to keep, and nothing is given by it.
    fn forget(&self, path: &SchemaPath, wanted: &Templates, acts: &mut Acts<'_>) {
        let all = self.agreements.iter().flat_map(|agreement| &agreement.templates);
        let own = all.filter(|(_, template)| template.run_by.contains(acts.member));
        let mut gone =
            own.clone().filter(|(name, one)| wanted.get(*name) != Some(&one.digest(name)));
        if gone.next().is_some() {
            let touches = own.map(|(name, _)| ResourceKind::Template(name.clone())).collect();
            let (path, mark) = (path.clone(), self.mark());
            let call = Call::MarkSchema { path, mark, was: Templates::new() };
            acts.push((Effect::Revoke, Rank::First), "runs", call, &touches);
        }
    }
}
