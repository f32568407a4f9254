//! An agreement that two members hold in two rooms, over a real log. Must not know what a test is about.

use super::platform::Platform;
use super::store::Failing;
use crate::clock::FixedClock;
use crate::log::{
    AgreementLog, Body, Code, Effect, Entry, Pending, Reserve, ReserveError, Revocable, SecretKey,
    State,
};
use crate::reconcile::{Memory, Report, Turn, pass};
use crate::store::{Fence, Store};
use adapter_spi::{Cx, Lag};
use mappings::model::{Agreement, CollaborationId, Digest, MemberId, TemplateName};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(super) const AWS: &str = "aws-clean-rooms";
pub(super) const SNOW: &str = "snowflake";
/// What is done shows after a tenth of a second, and lands within one second.
const LAG: Lag = Lag { late_ms: 1_000, settles_ms: 100, reads_min: 3 };

const AGREEMENT: &str = r"agreement: v1
collaboration: spring
members:
  brand: { name: Brand, abilities: [contribute, run, receive] }
  grocer: { name: Grocer, abilities: [contribute] }
rooms: [native]
datasets:
  sales:
    owner: grocer
    at: { native: data/sales.parquet }
    entity: person
    columns:
      person: { type: utf8, use: match, key: email }
      week: { type: int64, use: dimension }
    rule: { entities_min: 100, join: optional }
  visits:
    owner: brand
    at: { native: data/visits.parquet }
    entity: person
    columns:
      person: { type: utf8, use: match, key: email }
      day: { type: int64, use: dimension }
    rule: { entities_min: 50, join: optional }
templates:
  reach:
    class: aggregate
    sql: SELECT v.day, COUNT(DISTINCT v.person) AS people FROM visits v JOIN sales s ON v.person = s.person GROUP BY v.day
    run_by: [brand]
    received_by: [brand]
  daily:
    class: aggregate
    sql: SELECT day, COUNT(DISTINCT person) AS people FROM visits GROUP BY day
    run_by: [brand]
    received_by: [brand]
limits: { runs_max: 100000, within: 24h }
destinations: { brand: /results/brand }
";

/// What each template reads, and whose it is.
pub(super) fn reads(name: &TemplateName) -> &'static [(&'static str, &'static str)] {
    match name.as_str() {
        "reach" => &[("sales", "grocer"), ("visits", "brand")],
        _ => &[("visits", "brand")],
    }
}

pub(super) fn named() -> CollaborationId {
    "spring".parse().unwrap()
}

pub(super) fn dataset(name: &str) -> Revocable {
    Revocable::Dataset { dataset: name.parse().unwrap() }
}

pub(super) fn member(name: &str) -> Revocable {
    Revocable::Member { member: name.parse().unwrap() }
}

/// Withdrawals in force that are not on record.
#[derive(Debug, Default)]
pub(super) struct Kept(pub(super) Mutex<Vec<Pending>>);

impl Reserve for Kept {
    fn pending(&self, _: &CollaborationId) -> Result<Vec<Pending>, ReserveError> {
        Ok(self.0.lock().unwrap().clone())
    }
}

pub(super) struct House {
    pub(super) clock: Arc<FixedClock>,
    pub(super) store: Arc<Failing>,
    pub(super) log: AgreementLog,
    pub(super) kept: Arc<Kept>,
    pub(super) aws: Platform,
    pub(super) snow: Platform,
    pub(super) agreement: Agreement,
    pub(super) fence: Option<Fence>,
    keys: BTreeMap<MemberId, SecretKey>,
    pub(super) memories: [Memory; 2],
}

impl House {
    /// Agreed and approved, and nothing is done yet.
    pub(super) async fn agreed() -> Self {
        let mut agreement = mappings::agreement::read(AGREEMENT).unwrap();
        let rooms = serde_json::json!([{ "platform": AWS }, { "platform": SNOW }]);
        agreement.rooms = serde_json::from_value(rooms).unwrap();
        let clock = Arc::new(FixedClock::new(1_700_000_000_000));
        let store = Arc::new(Failing::new(&clock));
        let (kept, gateway) = (Arc::new(Kept::default()), SecretKey::from_seed([9; 32]));
        let shared: Arc<dyn Store> = Arc::<Failing>::clone(&store);
        let log = AgreementLog::new(shared, gateway, Arc::<FixedClock>::clone(&clock))
            .with_reserve(Arc::<Kept>::clone(&kept));
        let lease = store.acquire("shard-1", "worker-1", Duration::from_mins(1)).await;
        let keys = [("brand", 1), ("grocer", 2)];
        let keys = keys.map(|(name, n)| (name.parse().unwrap(), SecretKey::from_seed([n; 32])));
        let (aws, snow) = (Platform::new(AWS, LAG, &store), Platform::new(SNOW, LAG, &store));
        let fence = Some(lease.unwrap().unwrap().fence());
        let (keys, memories) = (keys.into(), Default::default());
        let house = Self { clock, store, log, kept, aws, snow, agreement, fence, keys, memories };
        house.propose().await;
        house.approve(&["reach", "daily"]).await;
        house
    }

    /// Open in both rooms, and all of it on record.
    pub(super) async fn open() -> Self {
        let mut house = Self::agreed().await;
        for room in [AWS, SNOW] {
            let report = house.turn(room).await;
            assert_eq!(report.end, crate::reconcile::End::Settled, "{report:?}");
        }
        house.aws.calls();
        house.snow.calls();
        house
    }

    pub(super) async fn propose(&self) {
        let (agreement, digest) = (Box::new(self.agreement.clone()), self.agreement.digest());
        let proposed = Body::Proposed { agreement, digest };
        // What members accepted, one of them proposes to replace.
        if self.log.load(&self.agreement.collaboration).await.is_ok() {
            self.member("grocer", proposed).await;
        } else {
            self.gateway(proposed).await;
        }
        for (name, key) in &self.keys {
            let (member, key) = (name.clone(), key.public());
            self.member(name.as_str(), Body::Joined { member, key, agreement: digest }).await;
        }
    }

    pub(super) async fn approve(&self, names: &[&str]) {
        for name in names {
            let (template, digest) = self.version(name);
            for owner in self.keys.keys() {
                let (member, template) = (owner.clone(), template.clone());
                self.member(owner.as_str(), Body::Approved { member, template, digest }).await;
            }
        }
    }

    fn version(&self, name: &str) -> (TemplateName, Digest) {
        let template: TemplateName = name.parse().unwrap();
        let digest = self.agreement.templates[&template].digest(&template);
        (template, digest)
    }

    pub(super) fn template(&self, name: &str) -> Revocable {
        let (template, digest) = self.version(name);
        Revocable::Template { template, digest }
    }

    pub(super) async fn member(&self, name: &str, body: Body) {
        self.clock.step(1);
        let name: MemberId = name.parse().unwrap();
        let entry = Entry::member(&name, &self.keys[&name], body);
        self.log.decide(&named(), |_| Ok::<_, String>(vec![entry.clone()])).await.unwrap();
    }

    pub(super) async fn gateway(&self, body: Body) {
        let entry = Entry::gateway(body);
        self.log.decide(&named(), |_| Ok::<_, String>(vec![entry.clone()])).await.unwrap();
    }

    /// Withdraws, and says at which position that stands.
    pub(super) async fn revoke(&self, by: &str, what: Revocable) -> u64 {
        self.member(by, Body::Revoked { by: by.parse().unwrap(), what }).await;
        self.state().await.size() - 1
    }

    /// A withdrawal that is in force and not on record.
    pub(super) async fn pending(&self, by: &str, what: Revocable) -> Pending {
        let leaf = crate::log::Leaf {
            actor: crate::log::Actor::Member(by.parse().unwrap()),
            at_ms: 1,
            body: Body::Revoked { by: by.parse().unwrap(), what },
            collaboration: named(),
            signature: None,
        };
        Pending { leaf, since: Some(self.state().await.size()) }
    }

    /// An intent of somebody who died before its end was known.
    pub(super) async fn intent(&self, on: &str, effect: Effect, of: Vec<Revocable>) -> Code {
        let (size, platform) = (self.state().await.size(), on.parse().unwrap());
        let step = Code::new(&format!("step-{size}")).unwrap();
        let (name, basis) = (step.clone(), Some(size));
        self.gateway(Body::EffectIntended {
            step: name,
            platform,
            effect,
            of,
            leaves: Vec::new(),
            basis,
        })
        .await;
        step
    }

    pub(super) async fn state(&self) -> Arc<State> {
        self.log.load_denying(&named()).await.unwrap().state
    }

    /// Every leaf from a position on.
    pub(super) async fn leaves(&self, from: u64) -> Vec<Body> {
        let leaves = self.store.inner.read(&named(), from, 1000).await.unwrap();
        leaves.iter().map(|bytes| crate::log::Leaf::parse(bytes).unwrap().body).collect()
    }

    /// One pass over a room.
    pub(super) async fn turn(&mut self, room: &str) -> Report {
        let (adapter, memory) = match room {
            AWS => (&self.aws, &mut self.memories[0]),
            _ => (&self.snow, &mut self.memories[1]),
        };
        let turn = Turn {
            log: &self.log,
            adapter,
            clock: &*self.clock,
            collaboration: &named(),
            fence: self.fence.as_ref(),
            looks_only: false,
            cx: Cx::default(),
        };
        pass(&turn, memory).await
    }

    /// So many passes, each after what was done shows.
    pub(super) async fn turns(&mut self, room: &str, count: usize) -> Report {
        let mut report = Report::default();
        for _ in 0..count {
            self.clock.step(150);
            report = self.turn(room).await;
        }
        report
    }

    pub(super) fn full(&self, is: bool) {
        self.store.full.store(is, Ordering::SeqCst);
    }

    pub(super) fn away(&self, is: bool) {
        self.store.away.store(is, Ordering::SeqCst);
    }
}
