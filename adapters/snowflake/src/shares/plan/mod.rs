//! From what was seen to what is wanted: statements, most restrictive first. Names are ours, so that most can be said before what
//! they need is there; what can't comes in the next pass, and a pass may be killed anywhere. Pure.

mod offers;
mod runs;
mod waiting;

#[cfg(test)]
mod tests;

use super::call::{AT, Call};
use super::mark::{Comment, Mark};
use super::seen::{Account, Past, Seen};
use super::wanted::{Offer, Wanted, wanted};
use crate::connection::Connections;
use crate::entry::misfits;
use crate::reach::{Seat, seat};
use crate::region::{canonical, is_in};
use crate::side_by_side;
use adapter_spi::{
    Desired, Effect, Native, Observation, Plan, PlanRefused, Resource, ResourceKind, Step,
};
use mappings::model::{Agreement, DatasetName, Digest, MemberId, PlatformId};
use serde::Deserialize as _;
use std::collections::BTreeSet;
use std::sync::Arc;

/// In which order statements of one effect run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Of what closes: accounts leave, whatever else fails. Of what gives: SELECT.
    First,
    /// Of what closes: grants. Of what gives: accounts.
    Next,
    /// Whatever stands on the others.
    Last,
}

/// A statement, in whose account, and what it does to access.
#[derive(Debug, Clone)]
struct Planned {
    member: MemberId,
    effect: Effect,
    rank: Rank,
    name: String,
    call: Call,
    touches: BTreeSet<ResourceKind>,
    leaves: BTreeSet<ResourceKind>,
    /// In an account of an earlier agreement; else in the member's own.
    at: Option<Seat>,
}

/// Everything that planning looks at.
struct Subject<'a> {
    desired: &'a Desired,
    /// The agreement's.
    digest: Digest,
    wanted: Wanted,
    seen: &'a Seen,
    connections: &'a Connections,
    /// All agreements that say what a name means, the newest first.
    agreements: Vec<&'a Arc<Agreement>>,
    /// Whose look of the room's place it is.
    platform: PlatformId,
}

/// The steps of one pass, and what others have to do first.
pub(crate) fn plan(
    desired: &Desired,
    observation: &Observation,
    connections: &Connections,
) -> Result<Plan, PlanRefused> {
    let seen = Seen::deserialize(&observation.native)
        .map_err(|_| refused("observation-unreadable", "the observation is of another version"))?;
    let scope = &observation.scope;
    let agreements = [&desired.agreement, &scope.agreement].into_iter().chain(&scope.past);
    let subject = Subject {
        desired,
        digest: desired.agreement.digest(),
        wanted: wanted(desired),
        seen: &seen,
        connections,
        agreements: agreements.collect(),
        platform: PlatformId::snowflake(),
    };
    let mut planned = Vec::new();
    for (member, account) in &seen.accounts {
        planned.extend(subject.offers(member, account));
    }
    let mut pending = false;
    for (member, account) in &seen.accounts {
        let (steps, waits) = subject.runs(member, account);
        planned.extend(steps);
        pending |= waits;
    }
    planned.extend(subject.past());
    planned.sort_by_key(|one| (one.effect, one.rank));
    let refused = subject.possible().err();
    if refused.is_some() {
        planned.retain(|one| one.effect.takes_away());
    }
    let steps = side_by_side::each(&planned, |one| subject.step(one));
    let mut waiting = subject.waiting();
    let pending = pending && refused.is_none() && steps.is_empty() && waiting.is_empty();
    waiting.extend(subject.beside());
    Ok(Plan { steps, waiting, pending, refused })
}

fn refused(code: &str, message: impl Into<String>) -> PlanRefused {
    PlanRefused { code: code.to_owned(), message: message.into() }
}

impl Subject<'_> {
    fn step(&self, planned: &Planned) -> Step {
        let agreement = &self.desired.agreement;
        let own = || seat(&self.platform, agreement, &planned.member).ok();
        let seat = planned.at.clone().or_else(own);
        let mut call = serde_json::json!(planned.call);
        if let (Some(parts), Some(seat)) = (call.as_object_mut(), seat) {
            parts.insert(AT.to_owned(), serde_json::json!(seat));
        }
        let digest = Digest::of(&mappings::agreement::canonical(&call));
        let whose = ResourceKind::Member(planned.member.clone());
        let noun = planned.call.operation().to_ascii_lowercase().replace(' ', "-");
        let (member, name) = (planned.member.clone(), planned.name.clone());
        let native = Native { member, noun, name };
        let resource = Resource { kind: ResourceKind::Native(native), digest };
        let mut touches = planned.touches.clone();
        if touches.is_empty() {
            touches.insert(whose);
        }
        let step = Step::new(agreement.collaboration.clone(), planned.effect, resource, 0);
        step.touching(touches).leaving(planned.leaves.clone()).calling(call)
    }

    /// Whatever is left in accounts that no agreement in force names.
    fn past(&self) -> Vec<Planned> {
        let nothing = Subject {
            wanted: Wanted::default(),
            agreements: self.agreements.clone(),
            platform: self.platform.clone(),
            ..*self
        };
        let mut all = Vec::new();
        for Past { seat, account } in &self.seen.past {
            let mut planned = nothing.offers(&seat.member, account);
            planned.extend(nothing.runs(&seat.member, account).0);
            all.extend(planned.into_iter().map(|one| Planned { at: Some(seat.clone()), ..one }));
        }
        all
    }

    /// The mark of a schema or a share.
    fn mark(&self) -> Mark {
        Mark { agreement: Some(self.digest), ..Mark::of(&self.desired.agreement.collaboration) }
    }

    /// The offers of an owner to others.
    fn offers_of<'s>(&'s self, owner: &'s MemberId) -> impl Iterator<Item = &'s Offer> {
        let all = self.wanted.offers.values();
        all.filter(move |offer| offer.owner == *owner && !offer.is_own())
    }

    /// The dataset and the runner that a name of ours stands for, as any agreement has them.
    fn named(&self, of: impl Fn(&DatasetName, &MemberId) -> bool) -> BTreeSet<ResourceKind> {
        let found = self.agreements.iter().find_map(|agreement| {
            let pairs = agreement
                .datasets
                .keys()
                .flat_map(|dataset| agreement.members.keys().map(move |runner| (dataset, runner)));
            pairs.into_iter().find(|(dataset, runner)| of(dataset, runner))
        });
        found.map(|(dataset, _)| ResourceKind::Dataset(dataset.clone())).into_iter().collect()
    }

    /// What this gateway can't do without, and what no share can do.
    fn possible(&self) -> Result<(), PlanRefused> {
        let room = self.desired.agreement.rooms.iter().find(|room| room.platform == self.platform);
        let region = room.and_then(|room| room.region.as_ref());
        for (member, account) in &self.seen.accounts {
            let takes_part = self.wanted.runners.contains_key(member)
                || self.wanted.offers.values().any(|offer| offer.owner == *member);
            if !takes_part {
                continue;
            }
            if let Some(region) = region.filter(|region| !is_in(&account.region, region)) {
                let message = format!(
                    "the account of {member} is in {}, the room in {region}: a direct share reaches accounts of its own region alone, and an account elsewhere needs a listing, which this version does not make; agree on a room where the accounts are",
                    canonical(&account.region)
                );
                return Err(refused("account-elsewhere", message));
            }
            if !account.has_database {
                let message = format!(
                    "{member}'s account has no database {}, or its role does not see it; create it and grant USAGE and CREATE SCHEMA, or name another as `database` in its connection",
                    account.database
                );
                return Err(refused("database-missing", message));
            }
            ours(member, account)?;
            self.fitting(member, account)?;
        }
        self.together()
    }

    /// All accounts of one share have to be in one region.
    fn together(&self) -> Result<(), PlanRefused> {
        for offer in self.wanted.offers.values().filter(|offer| !offer.is_own()) {
            let account = |member| self.seen.accounts.get(member);
            let (Some(owner), Some(runner)) = (account(&offer.owner), account(&offer.runner))
            else {
                continue;
            };
            if owner.region != runner.region {
                let message = format!(
                    "the accounts of {} ({}) and {} ({}) are in different regions: a direct share does not reach across, and a listing is needed, which this version does not make",
                    offer.owner,
                    canonical(&owner.region),
                    offer.runner,
                    canonical(&runner.region)
                );
                return Err(refused("account-elsewhere", message));
            }
        }
        Ok(())
    }

    /// The physical columns are of the declared types.
    fn fitting(&self, member: &MemberId, account: &Account) -> Result<(), PlanRefused> {
        for offer in self.wanted.offers.values().filter(|offer| offer.owner == *member) {
            let Some(found) = account.tables.get(&offer.dataset) else { continue };
            let Some(dataset) = self.desired.agreement.datasets.get(&offer.dataset) else {
                continue;
            };
            let Some(found) = found else {
                let message = format!(
                    "the table of {} is not there, or the role of {member} does not see it; grant SELECT on it and USAGE on its database and schema",
                    offer.dataset
                );
                return Err(refused("table-missing", message));
            };
            if let Some((column, wants)) = misfits(dataset, found).into_iter().next() {
                let message = format!(
                    "column {column} of the table of {} is not of its declared type; what would pass: {wants}",
                    offer.dataset
                );
                return Err(refused("column-misfit", message));
            }
        }
        Ok(())
    }
}

/// What has a name of ours and no mark of ours is left alone; on what has one that can't be read nothing is given.
fn ours(member: &MemberId, account: &Account) -> Result<(), PlanRefused> {
    let unread = account.shares.iter().find(|(_, share)| !share.unknown.is_empty());
    if let Some((name, share)) = unread {
        let what: Vec<&str> = share.unknown.iter().map(String::as_str).collect();
        let message = format!(
            "the share {name} of {member} has what this version can't take back: {}; nothing is given by it until that is taken out there",
            what.join(", ")
        );
        return Err(refused("share-unread", message));
    }
    let schemas = [&account.offers, &account.runs].into_iter().flatten();
    let schemas = schemas.map(|schema| ("a schema", &schema.mark));
    let shares = account.shares.iter().map(|(name, share)| (name.as_str(), &share.mark));
    let all: Vec<_> = shares.chain(schemas).collect();
    if let Some((name, _)) = all.iter().find(|(_, mark)| **mark == Comment::Unread) {
        let message = format!(
            "{member}'s account has {name} under a name of ours, and this version can't read its mark: what it allows is unknown, and nothing is given on it; let the version that wrote it go on, or let its comment be as it was"
        );
        return Err(refused("mark-unread", message));
    }
    let Some((name, _)) = all.iter().find(|(_, mark)| !mark.is_ours()) else { return Ok(()) };
    let message = format!(
        "{member}'s account has {name} under a name of ours and without our comment; nothing is given on it: drop or rename it, or let its comment be as it was"
    );
    Err(refused("name-taken", message))
}
