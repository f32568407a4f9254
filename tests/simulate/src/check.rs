//! The checker: after every step, what must hold still holds. It reads leaves, store heads and what platforms truly hold; never a
//! worker. Numbers are those of the invariants in the design.

use self::narrowed::Narrowed;
use crate::conflict;
use crate::oracle::Oracle;
use crate::platform::{Change, Hand, Platform};
use crate::pool::Pool;
use crate::rule::opened;
use crate::wanted::wanted;
use adapter_spi::{Effect, ResourceKind, Step};
use airlock::log::checkpoint::Checkpoint;
use airlock::log::tree::{Hash, Tree, leaf_hash, verify_consistency};
use airlock::log::{Receipt, Revocable};
use airlock::store::{Appended, Fence};
use mappings::model::{Digest, PlatformId};
use std::collections::BTreeMap;

mod narrowed;

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant.
    pub invariant: u32,
    /// When, in virtual milliseconds.
    pub at_ms: i64,
    /// How.
    pub why: String,
}

/// What a run's parameters are, and no leaf may show.
pub(crate) const SECRET: &str = "secret-of-the-runner";

/// What the checker knows.
#[derive(Debug)]
pub(crate) struct Check {
    pool: &'static Pool,
    pub(crate) oracle: Oracle,
    tree: Tree,
    heads: Vec<(u64, Hash)>,
    tokens: BTreeMap<String, u64>,
    acknowledged: Vec<(u64, Hash)>,
    narrowed: Vec<Narrowed>,
    pub(crate) broken: Option<Violation>,
    pub(crate) now_ms: i64,
    /// When each platform last showed a worker anything, and how old that was.
    pub(crate) shown: BTreeMap<(usize, PlatformId), i64>,
}

impl Check {
    pub(crate) fn new(pool: &'static Pool) -> Self {
        Self {
            pool,
            oracle: Oracle::default(),
            tree: Tree::default(),
            heads: Vec::new(),
            tokens: BTreeMap::new(),
            acknowledged: Vec::new(),
            narrowed: Vec::new(),
            broken: None,
            now_ms: 0,
            shown: BTreeMap::new(),
        }
    }

    /// Keeps the first promise that is broken.
    pub(crate) fn hold(&mut self, invariant: u32, held: bool, why: impl FnOnce() -> String) {
        if !held && self.broken.is_none() {
            let at_ms = self.now_ms;
            self.broken = Some(Violation { invariant, at_ms, why: why() });
        }
    }

    /// Leaves were appended.
    pub(crate) fn appended(
        &mut self,
        (worker, older): (usize, bool),
        (expected, appended): (u64, &Appended),
        fence: Option<&Fence>,
        platforms: &[Platform],
    ) {
        self.hold(22, !older, || format!("worker {worker} signed on an older copy of the log"));
        self.hold(22, expected == self.oracle.size, || "an append was not at the end".to_owned());
        if let Some(fence) = fence {
            let newest = self.tokens.get(&fence.resource).copied();
            self.hold(37, newest == Some(fence.token), || {
                format!("an append under token {} passed; the newest is {newest:?}", fence.token)
            });
        }
        for bytes in &appended.leaves {
            let secret = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
            self.hold(25, !secret, || "a leaf shows a run's parameter".to_owned());
            self.tree.push(leaf_hash(bytes));
            let leaf = serde_json::from_slice(bytes).unwrap_or_default();
            self.leaf(&leaf, platforms);
        }
        let size = self.tree.size();
        let root = self.tree.root(size);
        let signed = Checkpoint::parse(&appended.checkpoint).ok();
        self.hold(
            21,
            signed.as_ref().map(|head| (head.size, Some(head.root))) == Some((size, root)),
            || format!("the head over {size} leaves is not over these leaves"),
        );
        self.heads.extend(root.map(|root| (size, root)));
    }

    fn leaf(&mut self, leaf: &serde_json::Value, platforms: &[Platform]) {
        let index = self.oracle.size;
        let kind = leaf.pointer("/body/kind").and_then(|kind| kind.as_str()).unwrap_or_default();
        match kind {
            "run-requested" | "delivery-intended" => self.native(leaf, kind),
            _ => {}
        }
        let before = self.oracle.revoked.clone();
        self.oracle.take(self.pool, leaf);
        match kind {
            "effect-intended" => {
                let step = leaf.pointer("/body/step").and_then(|step| step.as_str());
                if let Some(step) = step {
                    self.intended(step);
                }
            }
            "revocation-confirmed" => self.confirmed(leaf, platforms),
            "found-withdrawn" => self.found(leaf, platforms),
            "revoked" => {
                let grew = self.oracle.revoked.iter().all(|(what, at)| {
                    before.get(what).is_none_or(|was| was == at || (was < at && *at == index))
                });
                self.hold(32, grew, || "the position of a withdrawal fell".to_owned());
            }
            _ => {}
        }
    }

    /// A native run begins or delivers.
    fn native(&mut self, leaf: &serde_json::Value, kind: &str) {
        let run = leaf.pointer("/body/run").and_then(|run| run.as_str()).unwrap_or_default();
        let typed = |at: &str| leaf.pointer(at).cloned().unwrap_or_default();
        let known = if kind == "run-requested" {
            let name = serde_json::from_value(typed("/body/template"));
            let digest = serde_json::from_value(typed("/body/digest"));
            name.ok().zip(digest.ok())
        } else {
            self.oracle.runs.get(run).map(|(_, name, digest)| (name.clone(), *digest))
        };
        let Some((name, digest)) = known else { return };
        let since = self.oracle.runs.get(run).map_or(0, |(index, _, _)| *index);
        let platform = PlatformId::native();
        let allowed = self.oracle.desired(self.pool, &platform).is_some_and(|desired| {
            let all = wanted(self.pool, &desired);
            let reads = self.pool.reads(&name, digest);
            all.get(&ResourceKind::Template(name.clone())) == Some(&digest)
                && reads.is_some_and(|reads| {
                    reads.owners.iter().all(|owner| {
                        all.contains_key(&ResourceKind::Approval(name.clone(), owner.clone()))
                    })
                })
        });
        let untouched = kind == "run-requested"
            || !self.oracle.withdrawals.iter().any(|(at, withdrawal)| {
                *at > since
                    && withdrawal.what.iter().any(|what| {
                        conflict::gives(
                            self.pool,
                            what,
                            &ResourceKind::Template(name.clone()),
                            digest,
                        )
                    })
            });
        self.hold(29, allowed && untouched, || format!("{kind} of run {run} after a withdrawal"));
    }

    /// An intent was written down.
    fn intended(&mut self, step: &str) {
        let Some(intent) = self.oracle.intents.get(step).cloned() else { return };
        if !intent.gives() || self.oracle.withdrawals.is_empty() {
            return;
        }
        let Some(basis) = intent.basis else { return };
        for (at, withdrawal) in self.oracle.withdrawals.clone() {
            let meets = |what: &Revocable| {
                intent.of.is_empty() || intent.of.iter().any(|one| self.pool.meets(what, one))
            };
            if !withdrawal.what.iter().any(meets) {
                continue;
            }
            self.hold(28, at < basis || at > intent.index, || {
                format!("{step} was planned at {basis} and intended after withdrawal {at}")
            });
            if intent.effect != "grant" {
                continue;
            }
            let unseen =
                withdrawal.platforms.iter().find(|p| !withdrawal.confirmed.contains_key(*p));
            let unseen = unseen.filter(|p| !withdrawal.left.contains(*p) || **p == intent.platform);
            self.hold(28, unseen.is_none(), || {
                format!(
                    "{step} gives what withdrawal {at} took away, not seen closed on {unseen:?}"
                )
            });
        }
    }

    /// A withdrawal was said to be closed somewhere.
    fn confirmed(&mut self, leaf: &serde_json::Value, platforms: &[Platform]) {
        let at = leaf.pointer("/body/revocation").and_then(serde_json::Value::as_u64);
        let name = leaf.pointer("/body/platform").and_then(|name| name.as_str());
        let (Some(at), Some(name)) = (at, name) else { return };
        let Some(withdrawal) = self.oracle.withdrawals.get(&at).cloned() else {
            self.hold(30, false, || {
                format!("what {at} took away is called closed, and is nothing")
            });
            return;
        };
        let Some(platform) = platforms.iter().find(|platform| platform.name.as_str() == name)
        else {
            return;
        };
        let shown_ms = self.last_shown(&platform.name);
        for (kind, held) in &platform.holds.things {
            if held.by == Hand::Person && held.at_ms > shown_ms {
                continue;
            }
            let column =
                withdrawal.what.iter().any(|what| matches!(what, Revocable::Column { .. }));
            let account = Platform::account(self.pool, kind);
            if column && account.is_some() && account == platform.apart {
                // No adapter says which columns somebody else's account shows.
                continue;
            }
            let served = match kind {
                ResourceKind::Template(name) => platform.serves(self.pool, name),
                _ => true,
            };
            let open = served
                && withdrawal.what.iter().any(|what| {
                    withdrawal.narrowed.is_empty()
                        && conflict::holds(self.pool, what, kind, held.digest)
                });
            let kept = served
                && withdrawal.narrowed.iter().any(|(of, digest)| {
                    let value = self.pool.terms(&held.digest).map(|terms| terms.agreed);
                    of == kind
                        && (held.digest == *digest || value == Some(*digest))
                        && !self.is_wanted(platform, kind, held.digest)
                });
            self.hold(30, !open && !kept, || {
                format!("withdrawal {at} is called closed on {name}, which holds {kind} by {:?} since {}", held.by, held.at_ms)
            });
        }
    }

    /// When a platform last showed anybody anything.
    pub(crate) fn last_shown(&self, platform: &PlatformId) -> i64 {
        let shown = self.shown.iter().filter(|((_, of), _)| of == platform);
        shown.map(|(_, at)| *at).max().unwrap_or(0)
    }

    /// Something was called taken away by its owner: so it was, by a person's hand.
    fn found(&mut self, leaf: &serde_json::Value, platforms: &[Platform]) {
        let name = leaf.pointer("/body/platform").and_then(|name| name.as_str());
        let what = leaf.pointer("/body/what").cloned().unwrap_or_default();
        let Ok(what) = serde_json::from_value::<Revocable>(what) else { return };
        let platform = platforms.iter().find(|platform| Some(platform.name.as_str()) == name);
        let Some(platform) = platform else { return };
        let kind = match &what {
            Revocable::Member { member } => ResourceKind::Member(member.clone()),
            Revocable::Dataset { dataset } => ResourceKind::Dataset(dataset.clone()),
            Revocable::Approval { template, of, .. } => {
                ResourceKind::Approval(template.clone(), of.clone())
            }
            Revocable::Template { template, .. } => ResourceKind::Template(template.clone()),
            Revocable::Column { .. } => return,
            Revocable::Room => {
                let held = self.oracle.observed.get(platform.name.as_str());
                let was = |kind: &ResourceKind| match kind {
                    ResourceKind::Member(member) => held.is_some_and(|held| {
                        held.contains(&Revocable::Member { member: member.clone() })
                    }),
                    _ => false,
                };
                let own = platform
                    .taken
                    .iter()
                    .find(|(kind, hand)| was(kind) && matches!(hand, Hand::Gateway(_)));
                let own = own.map(|(kind, hand)| format!("{kind} by {hand:?}"));
                self.hold(39, own.is_none(), || {
                    format!("{name:?} is called left by its owners, and {own:?} took it away")
                });
                return;
            }
        };
        // Where a dataset is brought by an association, whoever took that out took it away as well.
        let about = |one: &ResourceKind| match (one, &kind) {
            (ResourceKind::Native(native), ResourceKind::Dataset(dataset)) => {
                native.noun == "association" && native.name == dataset.as_str()
            }
            _ => *one == kind,
        };
        let mut hands = platform.taken.iter().filter(|(one, _)| about(one)).map(|(_, hand)| *hand);
        let owner = hands.any(|hand| !matches!(hand, Hand::Gateway(_)));
        let hand = platform.taken.get(&kind).copied();
        self.hold(39, owner, || {
            format!("{kind} is called taken away by its owner on {name:?}, and {hand:?} did")
        });
    }

    fn is_wanted(&self, platform: &Platform, kind: &ResourceKind, digest: Digest) -> bool {
        let desired = self.oracle.desired(self.pool, &platform.name);
        desired.is_some_and(|desired| wanted(self.pool, &desired).get(kind) == Some(&digest))
    }

    /// A lease was given out.
    pub(crate) fn leased(&mut self, resource: &str, token: u64) {
        let before = self.tokens.insert(resource.to_owned(), token).unwrap_or(0);
        self.hold(37, before < token, || format!("token {token} after {before}"));
    }

    /// A person was told that it is on record.
    pub(crate) fn acknowledged(&mut self, receipt: &Receipt) {
        let there = self.tree.leaf(receipt.index) == Some(receipt.leaf);
        let proof = airlock::log::tree::verify_inclusion(
            &receipt.leaf,
            receipt.index,
            receipt.size,
            &receipt.inclusion,
            &receipt.root,
        );
        self.hold(20, there && proof, || format!("leaf {} is not there", receipt.index));
        self.acknowledged.push((receipt.index, receipt.leaf));
    }

    /// The newest intent for a step on a platform, at the moment its call is sent.
    pub(crate) fn intent(&self, platform: &PlatformId, step: &Step) -> Option<u64> {
        let short = step.key().short();
        let named =
            self.oracle.intents.iter().filter(|(name, intent)| {
                intent.platform == platform.as_str() && name.contains(&short)
            });
        named.filter(|(_, intent)| intent.is_open()).map(|(_, intent)| intent.index).max()
    }

    /// A call that gives something is sent.
    pub(crate) fn sent(&mut self, platform: &PlatformId, step: &Step, intent: Option<u64>) {
        self.hold(23, intent.is_some(), || {
            let name = &step.resource.kind;
            format!("{name} is given on {platform} without an intent")
        });
        let Some(intent) = intent else { return };
        for (name, digest) in opened(step) {
            self.opens(platform, (&name, digest), intent);
        }
    }

    /// A call is sent that opens this, or leaves it open.
    fn opens(&mut self, platform: &PlatformId, of: (&ResourceKind, Digest), intent: u64) {
        let (name, digest) = of;
        let standing = self.oracle.withdrawals.iter().find(|(at, withdrawal)| {
            **at < intent
                && withdrawal.narrowed.is_empty()
                && withdrawal.what.iter().any(|what| {
                    self.oracle.stands(**at, what) && conflict::gives(self.pool, what, name, digest)
                })
        });
        let standing = standing.map(|(at, _)| *at);
        self.hold(28, standing.is_none(), || {
            format!("{name} on {platform} was intended at {intent}, after withdrawal {standing:?}")
        });
    }

    /// A platform changed by the gateway's hand.
    pub(crate) fn changed(
        &mut self,
        platform: &Platform,
        step: &Step,
        change: &Change,
        (intent, shown_ms): (Option<u64>, i64),
    ) {
        let Some(after) = change.after.as_ref().filter(|_| !self.is_echo(intent)) else { return };
        let (kind, digest, name) = (&change.kind, after.digest, &platform.name);
        // What narrows is planned on nothing that the log says: it must open nothing that was seen closed, whenever it was intended.
        let narrows = step.effect <= Effect::Restrict;
        let late = self.oracle.withdrawals.iter().find(|(at, withdrawal)| {
            withdrawal.confirmed.contains_key(name.as_str())
                && (narrows || intent < Some(**at))
                && withdrawal.narrowed.is_empty()
                && withdrawal.what.iter().any(|what| {
                    self.oracle.stands(**at, what) && conflict::holds(self.pool, what, kind, digest)
                })
        });
        let late = late.map(|(at, _)| *at);
        self.hold(28, late.is_none(), || {
            format!("{kind} arrives on {name} by intent {intent:?}, after withdrawal {late:?} was seen closed there")
        });
        self.tightened(platform, kind, digest, intent);
        self.controls(platform, kind, shown_ms);
    }

    /// Whether this is a call arriving a second time whose end is on record: no gateway can know of it. What it gave must go at the
    /// next look.
    pub(crate) fn is_echo(&self, intent: Option<u64>) -> bool {
        let known = self.oracle.intents.values().find(|known| Some(known.index) == intent);
        known.is_some_and(|known| !known.is_open())
    }

    /// Where queries are served after giving something, every owner is in and every control is there.
    fn controls(&mut self, platform: &Platform, kind: &ResourceKind, shown_ms: i64) {
        let names = match kind {
            ResourceKind::Template(name) | ResourceKind::Approval(name, _) => vec![name.clone()],
            ResourceKind::Dataset(_) | ResourceKind::Member(_) => {
                crate::pool::TEMPLATES.iter().map(|name| crate::pool::template(name)).collect()
            }
            // By itself it lets nobody in.
            ResourceKind::Native(_) => Vec::new(),
        };
        for name in names {
            if !platform.serves(self.pool, &name) {
                continue;
            }
            let text = platform.holds.things.get(&ResourceKind::Template(name.clone()));
            let reads = text.and_then(|text| self.pool.reads(&name, text.digest));
            for dataset in reads.into_iter().flat_map(|reads| reads.datasets.keys()) {
                let held = platform.holds.things.get(&ResourceKind::Dataset(dataset.clone()));
                let Some(held) = held else { continue };
                let account = self.pool.owner(dataset);
                // What nobody here operates is nobody's here to mend.
                let apart = account.is_some() && account == platform.apart.as_ref();
                let by_hand = held.by == Hand::Person && (apart || held.at_ms >= shown_ms);
                let known = self.pool.terms(&held.digest).is_some();
                let joined = self.oracle.everyone_joined();
                self.hold(40, (known || by_hand) && joined, || {
                    format!("{name} is served on {} over {dataset} without its rule", platform.name)
                });
            }
        }
    }

    /// Whether a thing is in the account of somebody who ever was a party: what a stranger has in its own is its own.
    fn is_looked_at(&self, kind: &ResourceKind) -> bool {
        Platform::account(self.pool, kind).is_some_and(|of| self.oracle.was_party(&of))
    }

    /// A pass said that the room is as agreed: so it was when it was last shown.
    pub(crate) fn settled(&mut self, platform: &Platform, shown_ms: i64) {
        let Some(desired) = self.oracle.desired(self.pool, &platform.name) else { return };
        let wanted = wanted(self.pool, &desired);
        let excess = platform.holds.things.iter().find(|(kind, held)| {
            !matches!(kind, ResourceKind::Native(_))
                && self.is_looked_at(kind)
                && wanted.get(*kind) != Some(&held.digest)
                && held.at_ms < shown_ms
        });
        let excess =
            excess.map(|(kind, held)| format!("{kind} by {:?} since {}", held.by, held.at_ms));
        self.hold(39, excess.is_none(), || {
            format!("a pass calls {} settled, which holds {excess:?}", platform.name)
        });
    }

    /// Nothing has happened for long, and every platform was within reach: everything is as agreed.
    pub(crate) fn quiet(&mut self, platforms: &[Platform]) {
        for platform in platforms {
            if !self.oracle.ever(&platform.name) {
                continue;
            }
            let desired = self.oracle.desired(self.pool, &platform.name);
            let wanted = desired.map(|desired| wanted(self.pool, &desired)).unwrap_or_default();
            let held = &platform.holds.things;
            let mut looked_at = held.iter().filter(|(kind, _)| self.is_looked_at(kind));
            let excess = looked_at.find(|(kind, held)| {
                match kind {
                ResourceKind::Native(native) => !wanted.keys().any(|kind| {
                    matches!(kind, ResourceKind::Dataset(name) if name.as_str() == native.name)
                }),
                _ => wanted.get(*kind) != Some(&held.digest),
            }
            });
            let excess =
                excess.map(|(kind, held)| format!("{kind} by {:?} since {}", held.by, held.at_ms));
            let orphan = excess.as_ref().is_some_and(|text| text.contains("Gateway"));
            self.hold(if orphan { 36 } else { 38 }, excess.is_none(), || {
                format!("{} still holds {excess:?}", platform.name)
            });
            let missing = wanted.iter().find(|(kind, digest)| {
                held.get(*kind).map(|held| held.digest) != Some(**digest)
                    && !platform.holds.gone.contains(*kind)
                    && !rests_on_gone(self.pool, platform, kind, **digest)
            });
            let missing = missing.map(|(kind, _)| kind.to_string());
            self.hold(38, missing.is_none() || platform.holds.stranger, || {
                format!("{} still lacks {missing:?}", platform.name)
            });
        }
        let based = self.oracle.intents.values().any(|intent| intent.basis.is_some());
        for (at, withdrawal) in self.oracle.withdrawals.clone() {
            let unseen =
                withdrawal.platforms.iter().find(|p| !withdrawal.confirmed.contains_key(*p));
            self.hold(31, unseen.is_none() || !based, || {
                format!(
                    "withdrawal {at} of {:?} at {} was never seen closed on {unseen:?}",
                    withdrawal.what, withdrawal.at_ms
                )
            });
        }
        let open = self.oracle.intents.iter().find(|(_, intent)| intent.is_open());
        let open = open.map(|(step, _)| step.clone());
        self.hold(23, open.is_none() || !based, || format!("nobody ever said how {open:?} ended"));
    }

    /// Whether the log ends so.
    pub(crate) fn is_head(&self, size: u64, root: Hash) -> bool {
        (self.tree.size(), self.tree.root(size)) == (size, Some(root))
    }

    /// At the end: what was acknowledged is there, and every signed head is the beginning of every later one.
    pub(crate) fn end(&mut self) {
        for (index, leaf) in self.acknowledged.clone() {
            let there = self.tree.leaf(index) == Some(leaf);
            self.hold(20, there, || format!("leaf {index} was acknowledged and is not there"));
        }
        let every = (self.heads.len() / 12).max(1);
        let some: Vec<(u64, Hash)> = self.heads.iter().step_by(every).copied().collect();
        for (old, new) in some.iter().zip(some.iter().skip(1)) {
            let proof = self.tree.consistency_proof(old.0, new.0).unwrap_or_default();
            let good = verify_consistency((old.0, &old.1), (new.0, &new.1), &proof);
            self.hold(19, good || old.0 == new.0, || {
                format!("{} is no beginning of {}", old.0, new.0)
            });
        }
    }
}

/// Whether something can't be given because a membership ended for good.
fn rests_on_gone(pool: &Pool, platform: &Platform, kind: &ResourceKind, digest: Digest) -> bool {
    platform.holds.gone.iter().any(|gone| match gone {
        ResourceKind::Member(member) => {
            let left = Revocable::Member { member: member.clone() };
            conflict::gives(pool, &left, kind, digest)
        }
        _ => gone == kind,
    })
}
