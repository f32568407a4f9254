//! What members have to do whom this gateway does not operate: the statements that do it, as they would be run.

use super::Subject;
use crate::connection::Connection;
use crate::names;
use crate::reach::seat;
use crate::shares::call::{Call, Shown};
use crate::shares::import::closing;
use crate::shares::seen::{Beside, inbound};
use crate::shares::wanted::Offer;
use adapter_spi::NeedsCounterparty;
use mappings::model::{DatasetName, MemberId};
use std::collections::BTreeSet;

impl Subject<'_> {
    /// Shares that an operated runner is not let into, of owners whom nobody here operates.
    pub(super) fn waiting(&self) -> Vec<NeedsCounterparty> {
        let lacking = self.wanted.offers.values().filter(|offer| {
            let operated = self.connections.members.contains_key(&offer.owner);
            let runner = self.seen.accounts.get(&offer.runner);
            let inbound = inbound(&offer.provider, &offer.share());
            let seen = runner.is_some_and(|runner| !runner.inbound.contains_key(&inbound));
            offer.given && !offer.is_own() && !operated && seen
        });
        let waits = lacking.map(|offer| NeedsCounterparty {
            member: offer.owner.clone(),
            what: format!("dataset {} for {}", offer.dataset, offer.runner),
            act: self.script(offer),
        });
        waits.chain(self.left_over()).collect()
    }

    /// Shares in accounts that owners had, out of this gateway's reach, that let an operated runner in still.
    fn left_over(&self) -> impl Iterator<Item = NeedsCounterparty> + '_ {
        let let_in = self.seen.accounts.iter().flat_map(|(runner, account)| {
            let all = account.inbound.keys().filter_map(|key| key.rsplit_once('.'));
            all.map(move |(owner, share)| (runner, account, owner, share))
        });
        let_in.filter(|(_, _, owner, _)| !self.reaches(owner)).filter_map(
            |(runner, account, owner, share)| {
                let (dataset, member) = self.owned(owner, share, runner)?;
                let accounts = BTreeSet::from([account.identifier.clone()]);
                let call = Call::RemoveAccounts { share: share.to_owned(), accounts };
                let act = format!("{};", call.sql().as_text().ok()?);
                let what = format!("takes {dataset} from {runner}, in its account {owner}");
                Some(NeedsCounterparty { member: member.clone(), what, act })
            },
        )
    }

    /// Whether an account is looked at, or is one that the agreement names.
    fn reaches(&self, account: &str) -> bool {
        let mut seen = self.seen.accounts.values().map(|one| &one.identifier);
        let mut past = self.seen.past.iter().map(|one| &one.seat.account);
        let agreement = &self.desired.agreement;
        let mut now = agreement.members.keys();
        seen.any(|one| one == account)
            || past.any(|one| one == account)
            || now.any(|member| {
                let seat = seat(&self.platform, agreement, member);
                seat.is_ok_and(|seat| seat.account == account)
            })
    }

    /// The dataset that an account's share is of, and its owner, by an earlier agreement that put the owner there.
    fn owned(
        &self,
        account: &str,
        share: &str,
        runner: &MemberId,
    ) -> Option<(&DatasetName, &MemberId)> {
        let id = &self.desired.agreement.collaboration;
        self.agreements.iter().find_map(|agreement| {
            let mut all = agreement.datasets.iter();
            let (dataset, of) = all.find(|(name, _)| names::share(id, name, runner) == share)?;
            let seat = seat(&self.platform, agreement, &of.owner).ok()?;
            (seat.account == account).then_some((dataset, &of.owner))
        })
    }

    /// The same data, open beside what is agreed: its owner let it stand, and its owner closes it. Of what is over nothing is said.
    pub(super) fn beside(&self) -> Vec<NeedsCounterparty> {
        let accounts = self.seen.accounts.iter();
        let all = accounts
            .flat_map(|(member, account)| account.beside.iter().map(move |one| (member, one)));
        let stands = all.filter(|(_, one)| self.desired.offers(&one.dataset));
        stands.map(|(member, one)| wider(member, one)).collect()
    }

    /// All that shares a dataset, in order.
    fn script(&self, offer: &Offer) -> String {
        let elsewhere = Connection::default();
        let database = elsewhere.database();
        let path = [database.to_owned(), names::offers(&offer.mark.airlock)];
        let put = offer.put(database);
        let (share, mut calls) = (offer.share(), Vec::new());
        calls.push(Call::CreateSchema { path: path.clone(), mark: self.mark() });
        if let Some(guarded) = &offer.guarded {
            let entities_min = guarded.entities_min;
            calls.push(Call::CreatePolicy { schema: path, entities_min });
        }
        let Some(text) = put.text() else { return String::new() };
        let view = Shown { text, guarded: offer.guarded.clone() };
        calls.push(Call::PutView(put));
        calls.push(Call::CreateShare { share: share.clone(), mark: self.mark() });
        let grants = offer.grants(database);
        calls.extend(grants.iter().map(|grant| Call::GrantToShare {
            share: share.clone(),
            grant: grant.clone(),
            view: Some(view.clone()),
        }));
        let (account, grants) = (offer.consumer.clone(), grants.into_iter().collect());
        calls.push(Call::AddAccount { share, account, grants, view });
        let said = calls.iter().map(|call| call.sql().as_text().map(ToOwned::to_owned));
        let said: Result<Vec<String>, _> = said.collect();
        said.map(|lines| lines.join(";\n") + ";").unwrap_or_default()
    }
}

fn wider(member: &MemberId, one: &Beside) -> NeedsCounterparty {
    let Beside { dataset, share, to } = one;
    let with = to.keys().map(MemberId::as_str).collect::<Vec<_>>().join(", ");
    let share: String =
        share.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect();
    let what = format!(
        "{dataset} is open wider than agreed: to {with} by share {share}, which Airlock did not make"
    );
    let act = closing(&one.share, &to.values().cloned().collect());
    NeedsCounterparty { member: member.clone(), what, act }
}
