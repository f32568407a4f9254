//! From what was seen to what is wanted: the calls that can be made now, most restrictive first. Almost every call of the platform goes on
//! after its answer; what needs its end comes in a later pass, so that a pass may be killed anywhere. Pure.

mod giving;
mod taking;
mod tidying;
mod waiting;

use super::call::{AT, Call};
use super::held::{is_over, listed, names_of};
use super::known::Known;
use super::names;
use super::seen::{Account, Room as View, Seen, State, Text};
use super::wanted::{Offering, Room, Said, Wanted, texts, wanted_of};
use crate::behaviours::PRESET_TABLES;
use crate::entry::{View as Entry, misfits};
use crate::reach::{Seat, seat};
use crate::region::{canonical, is_in};
use crate::side_by_side;
use crate::sql::Sql;
use adapter_spi::{
    Desired, Effect, Native, Observation, Plan, PlanRefused, Resource, ResourceKind, Step,
};
use mappings::model::{DatasetName, Digest, MemberId, PlatformId};
use serde::Deserialize as _;
use std::collections::BTreeSet;

/// So many collaborations that could not even be made are enough.
const FAILED_MAX: usize = 3;

/// A call, in whose account, and what it does to access.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) member: MemberId,
    pub(crate) effect: Effect,
    /// Its place among those of the same effect.
    rank: u8,
    noun: &'static str,
    name: String,
    pub(crate) call: Call,
    /// What of the agreement it is about; the member in whose account it is where that has no name there.
    touches: BTreeSet<ResourceKind>,
    /// What else stays open by it, should it land late.
    leaves: BTreeSet<ResourceKind>,
    /// The one thing of the agreement that it takes away, where it is one and in that version.
    takes: Option<Resource>,
    /// The account, where it is not simply the member's.
    at: Option<String>,
}

/// Everything that planning looks at.
pub(crate) struct Subject<'a> {
    desired: &'a Desired,
    wanted: Wanted,
    known: Known,
    seen: &'a Seen,
    /// Whether the operator says that a text's preset tables bind every runner.
    presets_bind: bool,
}

/// The steps of one pass, and what others have to do first.
/// Nothing is given where a runner reads others' data, until the operator says that it saw that no runner puts other tables into a text.
pub(crate) fn plan(
    desired: &Desired,
    observation: &Observation,
    verified: &BTreeSet<String>,
) -> Result<Plan, PlanRefused> {
    let seen = Seen::deserialize(&observation.native)
        .map_err(|_| refused("observation-unreadable", "the observation is of another version"))?;
    let scope = &observation.scope;
    let (agreement, others) = (&desired.agreement, std::iter::once(&scope.agreement));
    let texts = texts(agreement);
    let wanted = wanted_of(desired, &texts);
    let known = Known::narrowed((desired, &texts, &wanted), others.chain(&scope.past));
    let presets_bind = verified.contains(PRESET_TABLES);
    let subject = Subject { desired, wanted, known, seen: &seen, presets_bind };
    let mut planned = subject.taking();
    planned.extend(subject.giving());
    planned.sort_by_key(|one| (one.effect, one.rank));
    let refused = subject.possible().err();
    if refused.is_some() {
        planned.retain(|one| one.effect.takes_away());
    }
    let mut waiting = subject.waiting(refused.is_none());
    let idle = planned.is_empty() && refused.is_none() && waiting.is_empty();
    if idle && subject.is_there() && !subject.is_moving() {
        planned.extend(subject.tidying());
    }
    let steps = side_by_side::each(&planned, |one| subject.step(one, observation.version));
    let steps: Vec<Step> = steps.into_iter().flatten().collect();
    let settled = refused.is_some() || !steps.is_empty() || !waiting.is_empty();
    let pending = !settled && (!subject.is_there() || subject.is_moving());
    waiting.extend(subject.beside());
    Ok(Plan { steps, waiting, pending, refused })
}

pub(crate) fn refused(code: &str, message: impl Into<String>) -> PlanRefused {
    PlanRefused { code: code.to_owned(), message: message.into() }
}

/// The statement that makes a view.
pub(crate) fn view_sql(path: [&str; 3], entry: &Entry) -> Sql {
    Sql::new("CREATE SECURE VIEW ").path(&path).word(" AS ").view(entry)
}

/// The digest of that statement, as the platform keeps it.
pub(super) fn made_by(path: [&str; 3], entry: &Entry) -> Option<Digest> {
    view_sql(path, entry).as_text().ok().map(|text| Digest::of(text.as_bytes()))
}

impl Planned {
    fn new(member: &MemberId, effect: Effect, noun: &'static str, call: Call) -> Self {
        let (touches, leaves, takes) = (BTreeSet::new(), BTreeSet::new(), None);
        let (rank, name, at) = (0, String::new(), None);
        Self { member: member.clone(), effect, rank, noun, name, call, touches, leaves, takes, at }
    }

    fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    fn ranked(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    fn touching(self, kinds: impl IntoIterator<Item = ResourceKind>) -> Self {
        Self { touches: kinds.into_iter().collect(), ..self }
    }

    fn leaving(self, kinds: impl IntoIterator<Item = ResourceKind>) -> Self {
        Self { leaves: kinds.into_iter().collect(), ..self }
    }

    fn taking(self, takes: Option<Resource>) -> Self {
        Self { takes, ..self }
    }
}

impl Subject<'_> {
    fn step(&self, planned: &Planned, version: u64) -> Option<Step> {
        let agreement = &self.desired.agreement;
        let mut call = serde_json::to_value(&planned.call).ok()?;
        let own = self.seen.accounts.get(&planned.member);
        let own = || own.map(|account| account.identifier.clone());
        let account = planned.at.clone().or_else(own)?;
        let at = match seat(&PlatformId::snowflake_dcr(), agreement, &planned.member) {
            Ok(seat) if seat.account == account => seat,
            // Where only an earlier agreement puts somebody nothing is given.
            Ok(_) | Err(_) if planned.effect.takes_away() => {
                Seat { member: planned.member.clone(), account }
            }
            Ok(_) | Err(_) => return None,
        };
        call.as_object_mut()?.insert(AT.to_owned(), serde_json::to_value(at).ok()?);
        let digest = Digest::of(&mappings::agreement::canonical(&call));
        let whose = ResourceKind::Member(planned.member.clone());
        let (noun, name) = (planned.noun.to_owned(), planned.name.clone());
        let member = planned.member.clone();
        let kind = ResourceKind::Native(Native { member, noun, name });
        let resource = planned.takes.clone().unwrap_or(Resource { kind, digest });
        let mut touches = planned.touches.clone();
        if touches.is_empty() {
            touches.insert(whose);
        }
        let step = Step::new(agreement.collaboration.clone(), planned.effect, resource, version);
        Some(step.touching(touches).leaving(planned.leaves.clone()).calling(call))
    }

    fn operates(&self, member: &MemberId) -> bool {
        self.seen.accounts.contains_key(member) || self.seen.unseen.contains_key(member)
    }

    fn stays(&self, member: &MemberId) -> bool {
        self.desired.open && self.desired.members.contains(member)
    }

    /// The making of a collaboration that lives.
    fn live(&self, room: &Room) -> Option<String> {
        let all = names_of(self.seen).into_iter();
        let makings = all.filter_map(|name| Some((names::generation_of(&room.base, name)?, name)));
        let alive = makings.filter(|(_, name)| !is_over(self.seen, &room.runner, name));
        alive.max().map(|(_, name)| name.clone())
    }

    /// A wanted collaboration's making that lives, with how it looks.
    fn lives(&self, room: &Room) -> Option<(String, &View)> {
        let name = self.live(room)?;
        let view = self.seen.view(&name, &room.runner)?;
        Some((name, view))
    }

    fn state(&self, name: &str, member: &MemberId) -> Option<State> {
        self.seen.state(name, member)
    }

    fn is_joined(&self, name: &str, member: &MemberId) -> bool {
        self.state(name, member) == Some(State::Joined)
    }

    /// What is linked for a collaboration's runner.
    fn is_linked(view: &View, room: &Room, offering: &Offering) -> bool {
        let runner = view.spec.runners.get(&names::alias(&room.runner));
        let linked = runner.and_then(|runner| runner.providers.get(&names::alias(&offering.owner)));
        linked.is_some_and(|linked| linked.contains(&offering.id))
    }

    /// Whether a listed or registered text is the agreed one, word for word.
    fn is_said(said: &Said, found: Option<Digest>) -> bool {
        found.is_some() && found == said.meant
    }

    /// Whether a member registered a template, and it is that.
    fn is_registered(&self, member: &MemberId, said: &Said) -> bool {
        let account = self.seen.accounts.get(member);
        let found = account.and_then(|account| account.templates.get(&said.id));
        found.is_some_and(|found| Self::is_said(said, *found))
    }

    /// What a collaboration's listed text says, as a member reads it; nothing where it is not shown, or can't be read.
    fn reads(&self, name: &str, member: &MemberId, id: &str) -> Option<Digest> {
        self.shown(name, member, id)?.spec
    }

    /// The same, told apart from a text that is not shown.
    fn shown(&self, name: &str, member: &MemberId, id: &str) -> Option<&Text> {
        let own = self.seen.account(name, member).and_then(|account| account.rooms.get(name));
        let own = own.filter(|view| view.texts.contains_key(id));
        let view = own.or_else(|| self.seen.view(name, member))?;
        view.texts.get(id)
    }

    /// Whether somebody else made a collaboration, or changed it: nothing is given there.
    fn agrees(room: &Room, view: &View) -> bool {
        let (spec, runner) = (&view.spec, names::alias(&room.runner));
        let party = |alias: &String| {
            let mut parties = room.parties.iter();
            parties.find(|(member, _)| names::alias(member) == *alias).map(|(_, account)| account)
        };
        let mut aliases = spec.aliases.iter();
        let known = aliases.all(|(alias, account)| party(alias) == Some(account));
        let provides =
            |alias: &String| room.providers.iter().any(|member| names::alias(member) == *alias);
        let mut runners = spec.runners.iter();
        let fits = runners.all(|(alias, held)| {
            *alias == runner && held.receivers.is_empty() && held.providers.keys().all(provides)
        });
        known && fits && spec.owner == runner && room.owner() == Some(&view.owner)
    }

    /// Whether a template of this id may read a dataset: one that no agreement knows may read any.
    fn may_read(&self, id: &str, dataset: &DatasetName) -> bool {
        match self.known.templates.get(id) {
            Some(said) => said.reads.contains_key(dataset),
            None => self.reads_of(id).is_none_or(|reads| reads.contains(dataset)),
        }
    }

    /// The datasets that a template of this id reads; nothing of one that no agreement knows.
    fn reads_of(&self, id: &str) -> Option<BTreeSet<DatasetName>> {
        if let Some(said) = self.known.templates.get(id) {
            return Some(said.reads.keys().cloned().collect());
        }
        let name = self.known.template(&self.desired.agreement, id)?;
        let kind = ResourceKind::Template(name);
        let mut all = self.known.templates.values();
        let said = all.find(|said| said.version.kind == kind)?;
        Some(said.reads.keys().cloned().collect())
    }

    /// Whether all that is wanted is seen.
    fn is_there(&self) -> bool {
        self.wanted.rooms.values().all(|room| {
            let Some((name, view)) = self.lives(room) else { return false };
            let mut parties = room.parties.keys().filter(|member| self.stays(member));
            let joined = parties.all(|member| self.is_joined(&name, member));
            let mut datasets =
                room.datasets.iter().filter_map(|dataset| self.wanted.offerings.get(dataset));
            let linked = datasets.all(|offering| Self::is_linked(view, room, offering));
            let runner = view.spec.runners.get(&names::alias(&room.runner));
            let listed = |said: &Said| {
                runner.is_some_and(|runner| runner.templates.contains(&said.id))
                    && Self::is_said(said, self.reads(&name, &room.runner, &said.id))
            };
            joined && linked && room.templates.values().all(listed)
        })
    }

    /// Whether something goes on that ends by itself: somebody operated is on the way out, or an approved text is about to be listed.
    fn is_moving(&self) -> bool {
        let leaving = |name: &String| {
            self.seen.all().any(|(member, _)| {
                matches!(self.state(name, member), Some(State::Leaving | State::DropPending))
            })
        };
        let mut rooms = self.seen.all().flat_map(|(_, account)| account.rooms.values());
        let coming = rooms.any(|room| {
            let mut aliases = room.spec.runners.keys();
            aliases.any(|alias| {
                let applied = room.spec.runners.get(alias).map(|runner| &runner.templates);
                applied.is_some_and(|applied| listed(room, alias) != *applied)
            })
        });
        coming || names_of(self.seen).into_iter().any(leaving)
    }

    /// The accounts of the agreement's members; those of earlier ones give nothing.
    fn agreed(&self) -> impl Iterator<Item = (&MemberId, &Account)> {
        let members = &self.desired.agreement.members;
        self.seen.accounts.iter().filter(move |(member, _)| members.contains_key(*member))
    }

    /// What this gateway can't do without: no stranger under our names, and a platform that makes collaborations.
    fn possible(&self) -> Result<(), PlanRefused> {
        for (member, account) in self.agreed() {
            if let Some(name) = account.strangers.first() {
                let message = format!(
                    "{member}'s account has something named {name} that is not ours; it is left alone: decline it, or ask who made it to name it otherwise"
                );
                return Err(refused("name-taken", message));
            }
        }
        self.fitting()?;
        for (runner, room) in &self.wanted.rooms {
            let failed = names_of(self.seen).into_iter().filter(|name| {
                names::generation_of(&room.base, name).is_some()
                    && self.state(name, runner) == Some(State::CreateFailed)
            });
            if failed.count() >= FAILED_MAX && self.live(room).is_none() {
                let message = format!(
                    "the collaboration of {runner} could not be made {FAILED_MAX} times; see GET_STATUS of {} there",
                    room.base
                );
                return Err(refused("collaboration-failed", message));
            }
        }
        let others = |room: &&Room| room.providers.iter().any(|provider| *provider != room.runner);
        if let Some(room) = self.wanted.rooms.values().find(others).filter(|_| !self.presets_bind) {
            let message = format!(
                "that nobody puts another table where a template names one was seen on no real account, and {} runs over data of others: from its account, RUN with another table in a preset table's place; once that was refused, write verified = [\"preset-tables\"] below [snowflake] in connections.toml",
                room.runner
            );
            return Err(refused("preset-tables-unverified", message));
        }
        Ok(())
    }

    /// The accounts are where the room is, and the physical columns of the declared types.
    fn fitting(&self) -> Result<(), PlanRefused> {
        let agreement = &self.desired.agreement;
        let room = agreement.rooms.iter().find(|room| room.platform == PlatformId::snowflake_dcr());
        let region = room.and_then(|room| room.region.as_ref());
        for (member, account) in self.agreed() {
            if region.is_some_and(|region| !is_in(&account.region, region)) {
                let message = format!(
                    "the account of {member} is in {}, and the room elsewhere: its data would be replicated",
                    canonical(&account.region)
                );
                return Err(refused("account-elsewhere", message));
            }
        }
        for (name, offering) in &self.wanted.offerings {
            let account = self.seen.accounts.get(&offering.owner);
            let Some(found) = account.and_then(|account| account.tables.get(name)) else {
                continue;
            };
            let Some(found) = found else {
                let message = format!(
                    "the table of {name} is not there, or the role of {} does not see it; grant SELECT on it and USAGE on its database and schema",
                    offering.owner
                );
                return Err(refused("table-missing", message));
            };
            if let Some((column, wants)) = misfits(&offering.dataset, found).into_iter().next() {
                let message = format!(
                    "column {column} of the table of {name} is not of its declared type; what would pass: {wants}"
                );
                return Err(refused("column-misfit", message));
            }
        }
        Ok(())
    }
}
