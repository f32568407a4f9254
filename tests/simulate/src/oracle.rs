//! The checker's own reading of a log: plain JSON leaves folded by rules written a second time, so that a mistake of the product's
//! fold does not excuse itself.

use crate::pool::Pool;
use adapter_spi::{Desired, ResourceKind};
use airlock::log::Revocable;
use mappings::model::{Agreement, DatasetName, Digest, MemberId, PlatformId, TemplateName};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An intent on record.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub(crate) index: u64,
    pub(crate) platform: String,
    pub(crate) effect: String,
    pub(crate) of: Vec<Revocable>,
    pub(crate) leaves: Vec<Revocable>,
    pub(crate) basis: Option<u64>,
    pub(crate) outcome: Option<String>,
    /// Where the leaf stands that says that its answer showed what it gave.
    pub(crate) shown: Option<u64>,
}

impl Intent {
    pub(crate) fn gives(&self) -> bool {
        self.effect == "grant" || self.effect == "neutral"
    }

    /// Whether it sets a whole rule that this is a part of: until its end is known it may take that away.
    pub(crate) fn sets_whole(&self, thing: &Revocable) -> bool {
        let Revocable::Approval { of: owner, .. } = thing else { return false };
        let narrows = self.effect == "restrict";
        let same = |one: &Revocable| matches!(one, Revocable::Approval { of, .. } if of == owner);
        let nobodys = |one: &Revocable| matches!(one, Revocable::Template { .. });
        (narrows || !self.leaves.is_empty())
            && (self.of.iter().chain(&self.leaves).any(same)
                || (narrows && self.of.iter().all(nobodys)))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.outcome.as_deref().is_none_or(|outcome| outcome == "unknown")
    }
}

/// What was taken away at a position.
#[derive(Debug, Clone)]
pub(crate) struct Withdrawal {
    pub(crate) what: Vec<Revocable>,
    /// A later agreement's doing: these values must be seen no more.
    pub(crate) narrowed: Vec<(ResourceKind, Digest)>,
    /// Platforms that had been written to or looked at by then.
    pub(crate) platforms: BTreeSet<String>,
    pub(crate) confirmed: BTreeMap<String, u64>,
    /// Platforms that the new agreement leaves.
    pub(crate) left: BTreeSet<String>,
    pub(crate) at_ms: i64,
}

#[derive(Debug, Clone)]
struct Version {
    digest: Digest,
    agreement: Arc<Agreement>,
    accepted: BTreeSet<MemberId>,
}

/// Everything that the leaves say, as far as the checker asks.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) size: u64,
    in_force: Option<Version>,
    waiting: Option<Version>,
    pub(crate) in_force_since: u64,
    approvals: BTreeMap<(TemplateName, Digest, MemberId), u64>,
    pub(crate) revoked: BTreeMap<Revocable, u64>,
    found: BTreeMap<Revocable, u64>,
    pub(crate) reoffered: BTreeMap<Revocable, u64>,
    /// Who has offered again what was found withdrawn.
    again: BTreeMap<Revocable, BTreeSet<String>>,
    pub(crate) intents: BTreeMap<String, Intent>,
    pub(crate) withdrawals: BTreeMap<u64, Withdrawal>,
    pub(crate) observed: BTreeMap<String, BTreeSet<Revocable>>,
    touched: BTreeSet<String>,
    /// Platforms that an agreement left and that were seen closed, and nothing was given there since.
    quit: BTreeSet<String>,
    /// Every platform that ever was a room of an agreement in force.
    rooms: BTreeSet<String>,
    /// Every party of an agreement that ever was in force: nobody looks into anybody else's account.
    parties: BTreeSet<MemberId>,
    pub(crate) drift: u64,
    /// Runs that are open: what they read, and where their request stands.
    pub(crate) runs: BTreeMap<String, (u64, TemplateName, Digest)>,
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn typed<T: serde::de::DeserializeOwned>(value: &Value, key: &str) -> Option<T> {
    serde_json::from_value(value.get(key)?.clone()).ok()
}

impl Oracle {
    /// Takes the next leaf in.
    pub(crate) fn take(&mut self, pool: &Pool, leaf: &Value) {
        let index = self.size;
        self.size += 1;
        let Some(body) = leaf.get("body") else { return };
        let at_ms = leaf.get("at_ms").and_then(Value::as_i64).unwrap_or(0);
        match text(body, "kind") {
            "proposed" => {
                let digest: Option<Digest> = typed(body, "digest");
                let known = digest.and_then(|digest| Some((digest, pool.version(digest)?)));
                self.waiting = known.map(|(digest, agreement)| Version {
                    digest,
                    agreement: Arc::clone(agreement),
                    accepted: BTreeSet::new(),
                });
            }
            "joined" => self.joined(pool, index, at_ms, typed(body, "member")),
            "approved" => {
                let key = (typed(body, "template"), typed(body, "digest"), typed(body, "member"));
                if let (Some(template), Some(digest), Some(member)) = key {
                    self.approvals.insert((template, digest, member), index);
                }
            }
            "revoked" => {
                if let Some(what) = typed::<Revocable>(body, "what") {
                    self.revoked.insert(what.clone(), index);
                    self.withdraw(index, at_ms, vec![what]);
                }
            }
            "found-withdrawn" => {
                if let Some(what) = typed::<Revocable>(body, "what") {
                    self.found.insert(what.clone(), index);
                    self.again.remove(&what);
                    self.withdraw(index, at_ms, vec![what]);
                }
            }
            "reoffered" => {
                if let Some(what) = typed::<Revocable>(body, "what") {
                    self.reoffered(index, what, text(body, "by"));
                }
            }
            "effect-intended" => self.intended(index, body),
            "effect-outcome" => {
                let outcome = text(body, "outcome").to_owned();
                if let Some(intent) = self.intents.get_mut(text(body, "step")) {
                    intent.outcome = Some(outcome);
                    let shown = body.get("shown").and_then(Value::as_bool);
                    intent.shown = shown.unwrap_or(false).then_some(index);
                }
            }
            "room-observed" => {
                let platform = text(body, "platform").to_owned();
                self.touched.insert(platform.clone());
                self.observed.insert(platform, typed(body, "holds").unwrap_or_default());
            }
            "revocation-confirmed" => self.confirmed(index, body),
            "drift-found" => self.drift += 1,
            "run-requested" => {
                let known = (typed(body, "template"), typed(body, "digest"));
                if let (Some(template), Some(digest)) = known {
                    self.runs.insert(text(body, "run").to_owned(), (index, template, digest));
                }
            }
            "run-cancelled" | "run-failed" | "run-succeeded" => {
                self.runs.remove(text(body, "run"));
            }
            _ => {}
        }
    }

    fn confirmed(&mut self, index: u64, body: &Value) {
        let of = body.get("revocation").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let platform = text(body, "platform").to_owned();
        if let Some(withdrawal) = self.withdrawals.get_mut(&of) {
            if withdrawal.left.contains(&platform) {
                self.quit.insert(platform.clone());
            }
            withdrawal.confirmed.insert(platform, index);
        }
    }

    fn intended(&mut self, index: u64, body: &Value) {
        let platform = text(body, "platform").to_owned();
        self.touched.insert(platform.clone());
        let intent = Intent {
            index,
            platform,
            effect: text(body, "effect").to_owned(),
            of: typed(body, "of").unwrap_or_default(),
            leaves: typed(body, "leaves").unwrap_or_default(),
            basis: body.get("basis").and_then(Value::as_u64),
            outcome: None,
            shown: None,
        };
        if intent.gives() {
            self.quit.remove(&intent.platform);
        }
        self.intents.insert(text(body, "step").to_owned(), intent);
    }

    fn withdraw(&mut self, index: u64, at_ms: i64, what: Vec<Revocable>) {
        let in_force = self.in_force.as_ref();
        let rooms = in_force.into_iter().flat_map(|version| &version.agreement.rooms);
        let held: BTreeSet<String> = rooms.map(|room| room.platform.to_string()).collect();
        let touched = self.touched.intersection(&self.rooms);
        let there = touched.filter(|room| held.contains(*room) || !self.quit.contains(*room));
        let withdrawal = Withdrawal {
            what,
            narrowed: Vec::new(),
            platforms: there.cloned().collect(),
            confirmed: BTreeMap::new(),
            left: BTreeSet::new(),
            at_ms,
        };
        self.withdrawals.insert(index, withdrawal);
    }

    fn joined(&mut self, pool: &Pool, index: u64, at_ms: i64, member: Option<MemberId>) {
        let (Some(mut version), Some(member)) = (self.waiting.take(), member) else { return };
        version.accepted.insert(member);
        if !version.agreement.members.keys().all(|m| version.accepted.contains(m)) {
            self.waiting = Some(version);
            return;
        }
        if let Some(old) = self.in_force.clone() {
            let (mut narrowed, mut what) = (Vec::new(), Vec::new());
            for name in old.agreement.datasets.keys() {
                let before = pool.agreed(old.digest, name);
                if before != pool.agreed(version.digest, name) {
                    let digest = before.unwrap_or(old.digest);
                    narrowed.push((ResourceKind::Dataset(name.clone()), digest));
                    what.push(Revocable::Dataset { dataset: name.clone() });
                }
            }
            for name in old.agreement.templates.keys() {
                let before = pool.digest(old.digest, name);
                if before != pool.digest(version.digest, name) {
                    let digest = before.unwrap_or(old.digest);
                    narrowed.push((ResourceKind::Template(name.clone()), digest));
                    what.push(Revocable::Template { template: name.clone(), digest });
                }
            }
            let members = &version.agreement.members;
            for name in old.agreement.members.keys().filter(|name| !members.contains_key(*name)) {
                let digest = Digest::of(name.as_str().as_bytes());
                narrowed.push((ResourceKind::Member(name.clone()), digest));
                what.push(Revocable::Member { member: name.clone() });
            }
            let rooms = old.agreement.rooms.iter().map(|room| &room.platform);
            let left = rooms.filter(|room| !version.agreement.is_held_in(room));
            let left: BTreeSet<String> =
                left.map(ToString::to_string).filter(|room| self.touched.contains(room)).collect();
            if !what.is_empty() || !left.is_empty() {
                self.withdraw(index, at_ms, what);
            }
            if let Some(made) = self.withdrawals.get_mut(&index) {
                made.narrowed = narrowed;
                if made.narrowed.is_empty() {
                    made.platforms.clone_from(&left);
                }
                made.left = left;
            }
        }
        let rooms = version.agreement.rooms.iter().map(|room| room.platform.to_string());
        self.rooms.extend(rooms);
        self.parties.extend(version.agreement.members.keys().cloned());
        self.in_force = Some(version);
        self.in_force_since = index;
    }

    /// A whole room waits for every member who has not left.
    fn reoffered(&mut self, index: u64, what: Revocable, by: &str) {
        let again = self.again.entry(what.clone()).or_default();
        again.insert(by.to_owned());
        let members = self.in_force.iter().flat_map(|version| version.agreement.members.keys());
        let left = |member: &MemberId| {
            self.revoked.contains_key(&Revocable::Member { member: member.clone() })
        };
        let mut waits = members.filter(|member| !left(member) && !again.contains(member.as_str()));
        if what != Revocable::Room || waits.next().is_none() {
            self.reoffered.insert(what, index);
        }
    }

    /// The newest withdrawal of exactly this that stands.
    pub(crate) fn withdrawn(&self, what: &Revocable) -> Option<u64> {
        let found = self.found.get(what).filter(|at| self.reoffered.get(what) < Some(*at));
        self.revoked.get(what).max(found).copied()
    }

    fn approved(&self, template: &TemplateName, digest: Digest, of: &MemberId) -> bool {
        let key = (template.clone(), digest, of.clone());
        let Some(given) = self.approvals.get(&key) else { return false };
        let (template, of) = (template.clone(), of.clone());
        let whole = self.withdrawn(&Revocable::Template { template: template.clone(), digest });
        let own = self.withdrawn(&Revocable::Approval { template, digest, of: of.clone() });
        let left = self.withdrawn(&Revocable::Member { member: of }).is_some();
        whole.max(own) < Some(*given) && !left
    }

    /// Whether a withdrawal is in force still: nothing given later took its place.
    pub(crate) fn stands(&self, index: u64, what: &Revocable) -> bool {
        match what {
            Revocable::Approval { template, digest, of } => {
                self.withdrawn(what) >= Some(index) && !self.approved(template, *digest, of)
            }
            Revocable::Template { template, digest } => {
                let later = self.approvals.iter().any(|((name, version, _), at)| {
                    name == template && version == digest && *at > index
                });
                self.withdrawn(what) >= Some(index) && !later
            }
            Revocable::Member { .. }
            | Revocable::Dataset { .. }
            | Revocable::Column { .. }
            | Revocable::Room => self.withdrawn(what) >= Some(index),
        }
    }

    /// Whether a platform ever was a room of an agreement in force.
    pub(crate) fn ever(&self, platform: &PlatformId) -> bool {
        self.rooms.contains(platform.as_str())
    }

    /// Whether a member ever was a party of an agreement in force.
    pub(crate) fn was_party(&self, member: &MemberId) -> bool {
        self.parties.contains(member)
    }

    /// Whether every member of the agreement in force joined it.
    pub(crate) fn everyone_joined(&self) -> bool {
        self.in_force.as_ref().is_some_and(|version| {
            version.agreement.members.keys().all(|m| version.accepted.contains(m))
        })
    }

    /// Everything that a platform has to be seen closed of.
    pub(crate) fn awaited(&self, platform: &PlatformId) -> Vec<Revocable> {
        let name = platform.as_str();
        let open = self.withdrawals.values().filter(|withdrawal| {
            withdrawal.platforms.contains(name) && !withdrawal.confirmed.contains_key(name)
        });
        open.flat_map(|withdrawal| withdrawal.what.clone()).collect()
    }

    /// What is desired of a platform.
    pub(crate) fn desired(&self, pool: &Pool, platform: &PlatformId) -> Option<Desired> {
        let version = self.in_force.as_ref()?;
        let agreement = &version.agreement;
        if !agreement.is_held_in(platform) {
            return Some(Desired::closed(Arc::clone(agreement)));
        }
        let stands = |what: Revocable| self.withdrawn(&what).is_none();
        let columns = agreement.datasets.iter().flat_map(|(dataset, declared)| {
            declared.columns.keys().map(move |column| (dataset.clone(), column.clone()))
        });
        let templates = agreement.templates.keys().filter_map(|name| {
            let digest = pool.digest(version.digest, name)?;
            let owners = agreement.members.keys().filter(|m| self.approved(name, digest, m));
            let owners: BTreeSet<MemberId> = owners.cloned().collect();
            let kept = stands(Revocable::Template { template: name.clone(), digest });
            (kept || !owners.is_empty()).then(|| (name.clone(), owners))
        });
        Some(Desired {
            agreement: Arc::clone(agreement),
            open: stands(Revocable::Room),
            members: agreement
                .members
                .keys()
                .filter(|m| stands(Revocable::Member { member: (*m).clone() }))
                .cloned()
                .collect(),
            datasets: agreement
                .datasets
                .keys()
                .filter(|d| stands(Revocable::Dataset { dataset: (*d).clone() }))
                .cloned()
                .collect(),
            hidden: columns
                .filter(|(dataset, column): &(DatasetName, _)| {
                    let (dataset, column) = (dataset.clone(), column.clone());
                    !stands(Revocable::Column { dataset, column })
                })
                .collect(),
            approvals: templates.collect(),
        })
    }
}
