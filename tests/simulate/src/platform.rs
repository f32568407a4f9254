//! A platform as it truly is: what it holds, since when and by whose hand, what it held a while ago, and who runs queries there.
//! Only the world and the checker see this; a worker sees what its adapter is answered.

use crate::pool::Pool;
use crate::rule::{Rule, Write};
use adapter_spi::{
    Applied, Coverage, Effect, Lag, Native, Note, NoteClass, Observation, Resource, ResourceKind,
    Scope, Step,
};
use mappings::model::{DatasetName, Digest, MemberId, PlatformId, TemplateName};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// How a platform is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A write names the version it was planned on.
    Versioned,
    /// The adapter reads, then writes, and the platform takes what it is given.
    Unversioned,
    /// A dataset takes three steps: its table, its association, leave to use it. All that an owner allows is one value.
    Steps,
}

/// Whose hand it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hand {
    /// The gateway's, by a step of this id.
    Gateway(Digest),
    /// A person's, on the platform's console.
    Person,
    /// A call of the gateway's that arrived a second time, after its end was on record.
    Echo,
    /// A call of the gateway's that took something away while nothing could be recorded.
    Unrecorded,
}

/// A thing that a platform holds.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) digest: Digest,
    pub(crate) by: Hand,
    pub(crate) at_ms: i64,
}

/// Everything that a platform holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Holds {
    pub(crate) version: u64,
    pub(crate) things: BTreeMap<ResourceKind, Held>,
    pub(crate) gone: BTreeSet<ResourceKind>,
    pub(crate) stranger: bool,
    pub(crate) running: BTreeMap<u64, TemplateName>,
}

impl Holds {
    /// Whether a query of this template would be served now.
    pub(crate) fn serves(&self, pool: &Pool, name: &TemplateName) -> bool {
        let has = |kind: ResourceKind| self.things.contains_key(&kind);
        let Some(text) = self.things.get(&ResourceKind::Template(name.clone())) else {
            return false;
        };
        let Some(reads) = pool.reads(name, text.digest) else { return false };
        let allowed = |owner: &MemberId| {
            let part = ResourceKind::Approval(name.clone(), owner.clone());
            has(ResourceKind::Member(owner.clone()))
                && self.things.get(&part).is_some_and(|held| held.digest == text.digest)
        };
        reads.datasets.keys().all(|dataset| has(ResourceKind::Dataset(dataset.clone())))
            && reads.owners.iter().all(allowed)
            && has(ResourceKind::Member(crate::pool::member("brand")))
    }
}

/// How a look goes wrong.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sight {
    /// How old the state is that is shown.
    pub(crate) age_ms: i64,
    /// Accounts that show nothing, and why.
    pub(crate) blind: BTreeMap<MemberId, String>,
    /// Whether something shown has no word here.
    pub(crate) unknown: bool,
}

/// Why a write was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Stale,
    Conflict,
    Ended,
}

/// A change that was made.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) kind: ResourceKind,
    pub(crate) before: Option<Held>,
    pub(crate) after: Option<Held>,
}

/// One platform.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) name: PlatformId,
    pub(crate) way: Way,
    pub(crate) lag: Lag,
    /// A member that no gateway operates here.
    pub(crate) apart: Option<MemberId>,
    pub(crate) holds: Holds,
    history: VecDeque<(i64, Arc<Holds>)>,
    /// What people took away here, newest last.
    pub(crate) dropped: Vec<(ResourceKind, Digest)>,
    /// Whose hand took each thing away last.
    pub(crate) taken: BTreeMap<ResourceKind, Hand>,
    pub(crate) writes: u64,
    queries: u64,
}

impl Platform {
    pub(crate) fn new(name: &PlatformId, apart: Option<MemberId>) -> Self {
        let (way, lag) = match name.as_str() {
            "vault" => (Way::Versioned, Lag { late_ms: 1_000, settles_ms: 0, reads_min: 2 }),
            "plain" => {
                (Way::Unversioned, Lag { late_ms: 900_000, settles_ms: 30_000, reads_min: 2 })
            }
            _ => (Way::Steps, Lag { late_ms: 300_000, settles_ms: 60_000, reads_min: 3 }),
        };
        Self {
            name: name.clone(),
            way,
            lag,
            apart,
            holds: Holds::default(),
            history: VecDeque::new(),
            dropped: Vec::new(),
            taken: BTreeMap::new(),
            writes: 0,
            queries: 0,
        }
    }

    /// Keeps what was, as far as a look may still show it.
    fn keep(&mut self, now_ms: i64) {
        let settles = i64::try_from(self.lag.settles_ms).unwrap_or(0);
        if settles == 0 {
            return;
        }
        self.history.push_back((now_ms, Arc::new(self.holds.clone())));
        while self.history.len() > 1
            && self.history.get(1).is_some_and(|(until, _)| *until < now_ms - settles)
        {
            self.history.pop_front();
        }
    }

    /// What was held some time ago: each kept state was true until the time beside it.
    fn past(&self, at_ms: i64) -> &Holds {
        let found = self.history.iter().find(|(until, _)| at_ms < *until);
        found.map_or(&self.holds, |(_, holds)| holds.as_ref())
    }

    /// Does a step, or refuses it.
    pub(crate) fn enact(
        &mut self,
        step: &Step,
        sets: Option<&Rule>,
        now_ms: i64,
    ) -> Result<Vec<Change>, Refused> {
        let kind = &step.resource.kind;
        let (digest, by) = (step.resource.digest, Hand::Gateway(step.id));
        if let Some(write) = Write::of(step) {
            let rule = sets.unwrap_or(&write.rule);
            let changes = self.set(&write.owner, rule, (by, now_ms));
            self.writes += u64::from(!changes.is_empty());
            return Ok(changes);
        }
        let held = self.holds.things.get(kind).cloned();
        if step.effect <= Effect::Restrict {
            if held.is_none_or(|held| held.digest != digest) {
                return Ok(Vec::new());
            }
            self.writes += 1;
            return Ok(self.remove(kind, now_ms).into_iter().collect());
        }
        match held {
            Some(held) if held.digest == digest => return Ok(Vec::new()),
            Some(_) => return Err(Refused::Conflict),
            None => {}
        }
        if self.way == Way::Versioned && step.requires != self.holds.version {
            return Err(Refused::Stale);
        }
        if self.holds.gone.contains(kind) {
            return Err(Refused::Ended);
        }
        if !self.ready(kind) {
            return Err(Refused::Conflict);
        }
        self.writes += 1;
        Ok(vec![self.put(kind, Held { digest, by, at_ms: now_ms })])
    }

    /// Something goes.
    pub(crate) fn remove(&mut self, kind: &ResourceKind, now_ms: i64) -> Option<Change> {
        if !self.holds.things.contains_key(kind) {
            return None;
        }
        self.keep(now_ms);
        let before = self.holds.things.remove(kind);
        self.holds.version += 1;
        Some(Change { kind: kind.clone(), before, after: None })
    }

    fn ready(&self, kind: &ResourceKind) -> bool {
        let ResourceKind::Dataset(name) = kind else { return true };
        self.way != Way::Steps
            || self.holds.things.iter().any(|(kind, _)| match kind {
                ResourceKind::Native(native) => {
                    native.noun == "association" && native.name == name.as_str()
                }
                _ => false,
            })
    }

    pub(crate) fn put(&mut self, kind: &ResourceKind, held: Held) -> Change {
        self.keep(held.at_ms);
        let before = self.holds.things.insert(kind.clone(), held.clone());
        Change { kind: kind.clone(), before, after: Some(held) }
    }

    /// A person puts something there.
    pub(crate) fn put_by_hand(
        &mut self,
        kind: &ResourceKind,
        digest: Digest,
        now_ms: i64,
    ) -> Change {
        self.holds.version += 1;
        self.put(kind, Held { digest, by: Hand::Person, at_ms: now_ms })
    }

    /// A person takes something away there, for good or not.
    pub(crate) fn drop_by_hand(
        &mut self,
        kind: &ResourceKind,
        finally: bool,
        now_ms: i64,
    ) -> Option<Change> {
        let change = self.remove(kind, now_ms)?;
        self.taken.insert(kind.clone(), Hand::Person);
        self.dropped.extend(change.before.iter().map(|before| (kind.clone(), before.digest)));
        if finally {
            self.holds.gone.insert(kind.clone());
        }
        Some(change)
    }

    /// With a dataset goes what it stands on, where it takes more than one step.
    pub(crate) fn withdraw_by_hand(&mut self, pool: &Pool, name: &DatasetName, now_ms: i64) {
        let Some(owner) = pool.owner(name) else { return };
        let part = native(owner, "association", name.as_str());
        if self.holds.things.contains_key(&part) {
            self.keep(now_ms);
            self.holds.things.remove(&part);
            self.taken.insert(ResourceKind::Dataset(name.clone()), Hand::Person);
        }
    }

    /// In whose account a thing is.
    pub(crate) fn account(pool: &Pool, kind: &ResourceKind) -> Option<MemberId> {
        match kind {
            ResourceKind::Member(member) | ResourceKind::Approval(_, member) => {
                Some(member.clone())
            }
            ResourceKind::Dataset(name) => pool.owner(name).cloned(),
            ResourceKind::Template(_) => Some(crate::pool::member("brand")),
            ResourceKind::Native(native) => Some(native.member.clone()),
        }
    }

    /// What a look shows.
    pub(crate) fn look(
        &self,
        pool: &Pool,
        scope: &Scope,
        now_ms: i64,
        sight: &Sight,
    ) -> Observation {
        let shown = self.past(now_ms - sight.age_ms);
        let agreements = scope.past.iter().chain([&scope.agreement]);
        let known: BTreeSet<&MemberId> =
            agreements.flat_map(|agreement| agreement.members.keys()).collect();
        let visible = |kind: &ResourceKind| {
            Self::account(pool, kind)
                .is_some_and(|of| known.contains(&of) && !sight.blind.contains_key(&of))
        };
        let things: Vec<(&ResourceKind, Digest)> = shown
            .things
            .iter()
            .filter(|(kind, _)| visible(kind))
            .map(|(kind, held)| (kind, held.digest))
            .collect();
        let mut seen = Observation::whole(scope, shown.version, Vec::new());
        let mut offered = BTreeSet::new();
        for (kind, digest) in &things {
            match kind {
                ResourceKind::Member(member) => {
                    seen.members.insert(member.clone());
                }
                // A part in another version is none in this one.
                ResourceKind::Approval(template, _) if !agrees(scope, template, *digest) => {
                    seen.remains.insert((*kind).clone());
                }
                ResourceKind::Approval(template, owner) => {
                    seen.approvals.insert((template.clone(), owner.clone()));
                }
                ResourceKind::Dataset(_) => {
                    // As agreed, less what is held back of it.
                    let digest = pool.terms(digest).map_or(*digest, |terms| terms.agreed);
                    seen.resources.push(Resource { kind: (*kind).clone(), digest });
                }
                // Leave that nobody can use for lack of somebody's part is none.
                ResourceKind::Template(name) if shown.serves(pool, name) => {
                    seen.resources.push(Resource { kind: (*kind).clone(), digest: *digest });
                }
                ResourceKind::Native(native) if native.noun == "association" => {
                    offered.insert(crate::pool::dataset(&native.name));
                }
                ResourceKind::Template(_) | ResourceKind::Native(_) => {}
            }
        }
        seen.offered = (self.way == Way::Steps).then_some(offered);
        seen.resources.sort();
        seen.gone = shown.gone.iter().filter(|kind| visible(kind)).cloned().collect();
        seen.unseen = sight.blind.iter().map(|(of, code)| (of.clone(), code.clone())).collect();
        if !seen.unseen.is_empty() {
            seen.coverage = Coverage::Partial;
        }
        if let Some((kind, _)) = things.first().filter(|_| sight.unknown) {
            let (kind, at) = ((*kind).clone(), "mode".to_owned());
            seen.notes.insert(Note { kind, class: NoteClass::Unknown, at });
        }
        seen.native = serde_json::json!({ "things": things, "stranger": shown.stranger });
        seen
    }

    /// Whether a query of this template would be served now.
    pub(crate) fn serves(&self, pool: &Pool, name: &TemplateName) -> bool {
        self.holds.serves(pool, name)
    }

    /// A query begins, where one would be served.
    pub(crate) fn query(&mut self, pool: &Pool, name: &TemplateName) -> bool {
        let serves = self.serves(pool, name);
        if serves {
            self.queries += 1;
            self.holds.running.insert(self.queries, name.clone());
        }
        serves
    }

    /// Ends every query of a template that is not named; how many.
    pub(crate) fn stop(&mut self, wanted: &BTreeSet<TemplateName>) -> usize {
        let before = self.holds.running.len();
        self.holds.running.retain(|_, template| wanted.contains(template));
        before - self.holds.running.len()
    }
}

fn agrees(scope: &Scope, template: &TemplateName, digest: Digest) -> bool {
    let agreed = scope.agreement.templates.get(template);
    agreed.is_some_and(|agreed| agreed.digest(template) == digest)
}

/// A platform's own thing on the way to a dataset.
pub(crate) fn native(owner: &MemberId, noun: &str, name: &str) -> ResourceKind {
    let (noun, name) = (noun.to_owned(), name.to_owned());
    ResourceKind::Native(Native { member: owner.clone(), noun, name })
}

/// What a write that was not refused says.
pub(crate) fn applied(changes: &[Change], version: u64) -> Applied {
    if changes.is_empty() { Applied::Already } else { Applied::Changed { version, shown: true } }
}
