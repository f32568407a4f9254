//! What a look says beside what was wanted: what owners took away there, what is open beyond the agreement, what is only written
//! otherwise. Pure: must not know adapters, stores or clocks. Absence counts only when it is certain.

use super::memory::{Memory, When};
use super::report::whose;
use super::things::Subject;
use crate::log::{Holding, Revocable, State};
use adapter_spi::{Desired, Lag, NoteClass, Observation, Plan};
use mappings::model::{MemberId, PlatformId};
use serde::Serialize;
use std::collections::BTreeSet;

/// How what was seen differs from what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftClass {
    /// The platform filled in what nobody asked for.
    ServerDefault,
    /// The same, written otherwise.
    FormatOnly,
    /// An owner took something away there: a withdrawal, once it is certain.
    Tightened,
    /// More is open than was agreed, and not by this gateway: closed first, reported after.
    Loosened,
    /// Something that this version has no word for: nothing is given on it.
    Unknown,
}

/// What is said of something missing while it is not certain.
pub const UNSURE: &str = "not-certain-yet";

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Drift {
    /// Which kind.
    pub class: DriftClass,
    /// On what, for people.
    pub on: String,
    /// What is known: the platform's word for it, or how often it was missed.
    pub detail: String,
    /// In whose account, of the platform's own things.
    #[serde(skip)]
    pub member: Option<MemberId>,
}

/// What a whole look adds to the record.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Missing, and not certain yet: nothing is done about these.
    pub(super) unsure: BTreeSet<Revocable>,
    /// Taken away by their owners, and how that is known.
    pub(super) found: Vec<(Revocable, &'static str)>,
    /// Everything that is held, when the record says otherwise, and how long a log that look knows.
    pub(super) holds: Option<(Vec<Revocable>, u64)>,
}

/// A room as it is looked at.
pub(super) struct Sight<'a> {
    pub(super) state: &'a State,
    pub(super) platform: &'a PlatformId,
    pub(super) subject: &'a Subject,
    pub(super) desired: &'a Desired,
    pub(super) seen: &'a Observation,
}

impl Sight<'_> {
    /// What the platform says is over for good.
    fn gone(&self) -> BTreeSet<Revocable> {
        self.seen.gone.iter().filter_map(|kind| self.subject.thing(kind)).collect()
    }

    /// What calls gave, as their answers showed before this look began, that it does not show: what the same calls would give
    /// again, and what the platform says is over for good.
    pub(super) fn undone(
        &self,
        held: &BTreeSet<Revocable>,
        plan: &Plan,
        basis: u64,
    ) -> BTreeSet<Revocable> {
        let gone = self.gone();
        let mut undone = BTreeSet::new();
        for (call, own) in self.state.given_by(self.platform, basis) {
            let again = plan.steps.iter().filter(|step| State::is_call(call, &step.key()));
            let again: BTreeSet<_> = again.flat_map(|step| self.subject.itself(step)).collect();
            let missing = |thing: &&Revocable| again.contains(thing) || gone.contains(thing);
            undone.extend(own.iter().filter(missing).cloned());
        }
        undone.retain(|thing| !held.contains(thing));
        undone
    }

    /// Compares a whole look with the one on record and with what was given since; `taking` is what would be taken away after it.
    pub(super) fn account(
        &self,
        (held, undone): (&BTreeSet<Revocable>, &BTreeSet<Revocable>),
        taking: &[Revocable],
        (memory, lag, when): (&mut Memory, &Lag, When),
    ) -> Account {
        let never = Holding::default();
        let last = self.state.holding(self.platform).unwrap_or(&never);
        let over = self.state.is_over(self.platform, |thing| held.contains(thing));
        let missing = last.things.difference(held).chain(undone);
        let missing = missing.filter(|thing| !over && self.is_unexplained(thing));
        let mut all: BTreeSet<Revocable> = missing.cloned().collect();
        // A template follows from its owners' parts.
        let part = |thing: &Revocable| matches!(thing, Revocable::Approval { .. });
        let follows = |thing: &&Revocable| {
            matches!(thing, Revocable::Template { .. })
                && all.iter().any(|one| part(one) && self.state.meets(one, thing))
        };
        let following: Vec<Revocable> = all.iter().filter(follows).cloned().collect();
        all.retain(|thing| !following.contains(thing));
        // What was only given goes with what it rests on.
        let goes = |thing: &Revocable| {
            let gone = |on: &Revocable| last.things.contains(on) && all.contains(on);
            !last.things.contains(thing) && self.state.rests_on(self.platform, thing, gone)
        };
        let along: Vec<Revocable> = all.iter().filter(|thing| goes(thing)).cloned().collect();
        all.retain(|thing| !along.contains(thing));
        let missing = self.reduced(&all, &last.things);
        let gone = self.gone();
        let agreed = memory.missed(&missing, lag, when);
        let how = |thing: &Revocable| match (gone.contains(thing), agreed.contains(thing)) {
            (true, _) => Some("final-on-platform"),
            (false, true) => Some("missing-repeatedly"),
            (false, false) => None,
        };
        let found = missing.iter().filter_map(|thing| Some((thing.clone(), how(thing)?)));
        let found: Vec<_> = found.collect();
        let unsure: BTreeSet<Revocable> =
            missing.iter().filter(|thing| how(thing).is_none()).cloned().collect();
        // What no withdrawal found here explains stays on record as held, for the next look to miss.
        let explained =
            |thing: &Revocable| found.iter().any(|(what, _)| self.explains(what, thing));
        let rest = all.iter().filter(|thing| last.things.contains(*thing) && !explained(thing));
        let holds: BTreeSet<Revocable> = held.iter().chain(rest).cloned().collect();
        let late = memory.taken_lately(last.taken.values().copied(), lag, when);
        let basis = self.shown(last, taking, &late).unwrap_or(when.basis).min(when.basis);
        let stays = last.taken.iter().any(|(thing, at)| *at < basis && held.contains(thing));
        let changed = holds != last.things || stays;
        let holds = (changed && unsure.is_empty()).then(|| (holds.into_iter().collect(), basis));
        Account { unsure, found, holds }
    }

    /// What this gateway took away and would take away again may not show itself in this look yet: the position of the leaf that
    /// says so, the first of them. What it would not is there for good, or again, unless it was taken away so lately that this look
    /// or the next may show what was.
    fn shown(&self, last: &Holding, taking: &[Revocable], late: &BTreeSet<u64>) -> Option<u64> {
        let again = |thing: &Revocable| taking.iter().any(|one| self.state.meets(thing, one));
        let again = last.taken.iter().filter(|(thing, at)| late.contains(at) || again(thing));
        again.map(|(_, at)| *at).min()
    }

    fn is_unexplained(&self, thing: &Revocable) -> bool {
        let template = match thing {
            Revocable::Template { template, .. } => template,
            // One of a template that can't stand goes along, or is not needed any more.
            Revocable::Approval { template, .. } => {
                return self.subject.could_stand(self.desired, template)
                    && self.state.is_missed(self.platform, thing);
            }
            // Each follows from others.
            Revocable::Column { .. } | Revocable::Room => return false,
            Revocable::Member { .. } | Revocable::Dataset { .. } => {
                return self.state.is_missed(self.platform, thing);
            }
        };
        // A template follows from its owners' parts, where the platform shows these.
        let mut last = self.state.holding(self.platform).into_iter().flat_map(|last| &last.things);
        let shown = |one: &Revocable| matches!(one, Revocable::Approval { template: of, .. } if of == template);
        let taken = self.state.taken(self.platform).any(|one| self.state.meets(one, thing));
        !last.any(shown)
            && !taken
            && self.state.stands(thing)
            && self.subject.may_stand(self.desired, template)
    }

    /// The withdrawals that explain everything that is missing: a room its members, a member what it owns, a dataset the
    /// approvals that rest on it.
    fn reduced(
        &self,
        missing: &BTreeSet<Revocable>,
        before: &BTreeSet<Revocable>,
    ) -> BTreeSet<Revocable> {
        let is_member = |thing: &&Revocable| matches!(thing, Revocable::Member { .. });
        let members: BTreeSet<Revocable> = missing.iter().filter(is_member).cloned().collect();
        let stay = before.iter().filter(is_member).filter(|member| self.state.stands(member));
        let (stay, all) = (stay.count(), before.iter().filter(is_member).count());
        let known = members.iter().filter(|member| before.contains(member)).count();
        if all > 1 && known == stay {
            // The room itself is gone: whoever ended it has left, and the others did nothing.
            let left: BTreeSet<Revocable> =
                self.gone().into_iter().filter(|thing| members.contains(thing)).collect();
            return match (left.is_empty(), stay == all) {
                (true, true) => BTreeSet::from([Revocable::Room]),
                (true, false) | (false, _) => left,
            };
        }
        let is_dataset = |thing: &&Revocable| matches!(thing, Revocable::Dataset { .. });
        let datasets: BTreeSet<&Revocable> = missing.iter().filter(is_dataset).collect();
        let whose = |thing: &Revocable| {
            !members.contains(thing) && members.iter().any(|member| self.state.meets(member, thing))
        };
        let root = |thing: &&Revocable| match thing {
            Revocable::Approval { template, .. } | Revocable::Template { template, .. } => {
                !whose(thing) && !self.subject.reads_any(template, &datasets)
            }
            Revocable::Room
            | Revocable::Member { .. }
            | Revocable::Dataset { .. }
            | Revocable::Column { .. } => !whose(thing),
        };
        missing.iter().filter(root).cloned().collect()
    }

    /// Whether one withdrawal makes it clear that another thing is missing, as the fold sees it.
    fn explains(&self, what: &Revocable, thing: &Revocable) -> bool {
        let own = |of: &MemberId| {
            let own = Revocable::Member { member: of.clone() };
            matches!(what, Revocable::Dataset { .. }) && self.state.meets(what, &own)
        };
        self.state.meets(what, thing)
            || matches!(thing, Revocable::Template { .. })
            || matches!(thing, Revocable::Approval { of, .. } if own(of))
    }

    /// Every difference, for people.
    pub(super) fn drift(&self, account: &Account, loosened: &[Vec<Revocable>]) -> Vec<Drift> {
        let class = |class| match class {
            NoteClass::ServerDefault => DriftClass::ServerDefault,
            NoteClass::FormatOnly => DriftClass::FormatOnly,
            NoteClass::Unknown => DriftClass::Unknown,
        };
        let notes = self.seen.notes.iter().map(|note| Drift {
            class: class(note.class),
            on: note.kind.to_string(),
            detail: note.at.clone(),
            member: whose(&note.kind),
        });
        let tightened = |thing: &Revocable, detail: &str| Drift {
            class: DriftClass::Tightened,
            on: said(thing),
            detail: detail.to_owned(),
            member: None,
        };
        let unsure = account.unsure.iter().map(|thing| tightened(thing, UNSURE));
        let found = account.found.iter().map(|(thing, how)| tightened(thing, how));
        let wider = loosened.iter().map(|of| Drift {
            class: DriftClass::Loosened,
            on: if of.is_empty() { "the room".to_owned() } else { listed(of) },
            detail: "closed-first".to_owned(),
            member: None,
        });
        let all: BTreeSet<Drift> = notes.chain(unsure).chain(found).chain(wider).collect();
        all.into_iter().collect()
    }
}

/// A thing in a person's words.
#[must_use]
pub fn said(what: &Revocable) -> String {
    match what {
        Revocable::Member { member } => format!("membership of {member}"),
        Revocable::Dataset { dataset } => format!("dataset {dataset}"),
        Revocable::Column { dataset, column } => format!("column {dataset}.{column}"),
        Revocable::Template { template, .. } => format!("template {template}"),
        Revocable::Approval { template, of, .. } => format!("approval of {template} by {of}"),
        Revocable::Room => "the whole room".to_owned(),
    }
}

/// Several.
#[must_use]
pub fn listed(of: &[Revocable]) -> String {
    of.iter().map(said).collect::<Vec<_>>().join(", ")
}

/// Members whose part was not seen, with the code of what failed.
pub(super) fn unseen(seen: &Observation) -> Vec<(MemberId, String)> {
    seen.unseen.iter().map(|(member, code)| (member.clone(), code.clone())).collect()
}
