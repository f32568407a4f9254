//! What the fold promises, through a real log: a run needs everybody, and a withdrawal is never undone.

use super::*;
use crate::clock::FixedClock;
use crate::log::{AgreementLog, Entry, SecretKey};
use crate::store::MemoryStore;
use mappings::model::{Agreement, CollaborationId, ColumnName, DatasetName, RunId};
use std::sync::Arc;

const AGREEMENT: &str = r"agreement: v1
collaboration: spring
members:
  grocer: { name: Grocer, abilities: [contribute] }
  brand: { name: Brand, abilities: [contribute, run, receive] }
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
templates:
  weekly:
    class: aggregate
    sql: SELECT week, COUNT(DISTINCT person) AS people FROM sales GROUP BY week
    run_by: [brand]
    received_by: [brand]
limits: { runs_max: 2, within: 24h }
destinations: { brand: /results/brand }
";

struct Room {
    clock: Arc<FixedClock>,
    log: AgreementLog,
    name: CollaborationId,
    agreement: Agreement,
    keys: BTreeMap<MemberId, SecretKey>,
}

fn member(name: &str) -> MemberId {
    MemberId::new(name).unwrap()
}

fn weekly() -> TemplateName {
    TemplateName::new("weekly").unwrap()
}

impl Room {
    async fn proposed() -> Self {
        let agreement = mappings::agreement::read(AGREEMENT).unwrap();
        let clock = Arc::new(FixedClock::default());
        clock.set(1_700_000_000_000);
        let key = SecretKey::from_seed([9; 32]);
        let log =
            AgreementLog::new(Arc::new(MemoryStore::new()), key, Arc::<FixedClock>::clone(&clock));
        let keys = [("brand", 1), ("grocer", 2)]
            .map(|(name, seed)| (member(name), SecretKey::from_seed([seed; 32])));
        let name = agreement.collaboration.clone();
        let room = Self { clock, log, name, agreement, keys: keys.into() };
        let digest = room.agreement.digest();
        let agreement = Box::new(room.agreement.clone());
        let proposed = Body::Proposed { agreement, digest };
        let entry = |_: &State| Ok::<_, String>(vec![Entry::gateway(proposed.clone())]);
        room.log.decide(&room.name, entry).await.unwrap();
        room
    }

    async fn joined() -> Self {
        let room = Self::proposed().await;
        for name in ["grocer", "brand"] {
            let key = room.keys[&member(name)].public();
            let agreement = room.agreement.digest();
            let body = Body::Joined { member: member(name), key, agreement };
            room.decide(name, body).await.unwrap();
        }
        room
    }

    async fn approved() -> Self {
        let room = Self::joined().await;
        room.approve().await.unwrap();
        room
    }

    async fn approve(&self) -> Result<(), String> {
        let (template, digest) = (weekly(), self.version());
        self.decide("grocer", Body::Approved { member: member("grocer"), template, digest }).await
    }

    fn version(&self) -> Digest {
        self.agreement.templates[&weekly()].digest(&weekly())
    }

    async fn decide(&self, by: &str, body: Body) -> Result<(), String> {
        // A second decision with the same words is another one only at another time.
        self.clock.step(1);
        let key = &self.keys[&member(by)];
        let entry =
            |_: &State| Ok::<_, String>(vec![Entry::member(&member(by), key, body.clone())]);
        let decided = self.log.decide(&self.name, entry).await;
        decided.map(drop).map_err(|error| error.to_string())
    }

    async fn request(&self, run: &str) -> Result<(), String> {
        let dataset = DatasetName::new("sales").unwrap();
        let column = |name: &str| ColumnName::new(name).unwrap();
        let body = Body::RunRequested {
            run: RunId::new(run).unwrap(),
            agreement: self.agreement.digest(),
            template: weekly(),
            digest: self.version(),
            text_digest: Digest::of(b"text"),
            platform: PlatformId::native(),
            by: member("brand"),
            receivers: vec![member("brand")],
            parameters: Digest::of(b"commitment"),
            touched: BTreeMap::from([(dataset, [column("person"), column("week")].into())]),
        };
        self.decide("brand", body).await
    }
}

#[tokio::test]
async fn a_run_needs_every_member_and_every_owner() {
    assert!(Room::proposed().await.request("r1").await.is_err());
    assert!(Room::joined().await.request("r1").await.is_err());
    Room::approved().await.request("r1").await.unwrap();
}

#[tokio::test]
async fn attempts_are_capped_and_an_id_serves_once() {
    let room = Room::approved().await;
    room.request("r1").await.unwrap();
    assert!(room.request("r1").await.is_err());
    room.request("r2").await.unwrap();
    assert!(room.request("r3").await.is_err());
}

#[tokio::test]
async fn a_withdrawn_dataset_is_never_granted_again() {
    let room = Room::approved().await;
    let what = Revocable::Dataset { dataset: DatasetName::new("sales").unwrap() };
    room.request("r1").await.unwrap();
    room.decide("grocer", Body::Revoked { by: member("grocer"), what }).await.unwrap();
    assert!(room.request("r2").await.is_err());
    let _ = room.approve().await;
    assert!(room.request("r3").await.is_err());
    let state = room.log.load(&room.name).await.unwrap().state;
    assert!(state.may_deliver(&RunId::new("r1").unwrap()).is_err());
}

#[tokio::test]
async fn a_withdrawn_approval_takes_a_newer_one() {
    let room = Room::approved().await;
    let (template, digest, of) = (weekly(), room.version(), member("grocer"));
    let what = Revocable::Approval { template, digest, of };
    room.decide("grocer", Body::Revoked { by: member("grocer"), what }).await.unwrap();
    assert!(room.request("r1").await.is_err());
    room.approve().await.unwrap();
    room.request("r2").await.unwrap();
}

#[tokio::test]
async fn nobody_decides_for_another() {
    let room = Room::joined().await;
    let (template, digest) = (weekly(), room.version());
    let forged = Body::Approved { member: member("grocer"), template, digest };
    assert!(room.decide("brand", forged).await.is_err());
    room.approve().await.unwrap();
}
