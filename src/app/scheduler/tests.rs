//! Slots over a log in memory and a clock that is set: each is one run, whoever makes it, and nothing is made up for but the latest.

use super::*;
use crate::app::supervisor::RunsMax;
use crate::app::{ScheduleRequest, Withdrawal, members};
use crate::clock::FixedClock;
use crate::home::Home;
use crate::log::SlotOutcome;
use crate::store::{MemoryStore, Store as _};
use adapter_spi::RunLimits;
use mappings::model::{CollaborationId, MemberId, PlatformId, ScheduleId};
use std::collections::BTreeMap;
use std::path::Path;

/// 2026-11-27 06:00 UTC.
const SIX: i64 = 1_795_759_200_000;
const HOUR: i64 = 3_600_000;
const AGREEMENT: &str = "agreement: v1
collaboration: spring
members:
  grocer: { name: Grocer, abilities: [contribute] }
  brand: { name: Brand, abilities: [contribute, run, receive] }
rooms: [native]
datasets:
  sales:
    owner: grocer
    at: { native: 'file:///nowhere/sales.parquet' }
    entity: person
    columns:
      person: { use: match, key: email, from: email, type: utf8 }
      segment: { type: utf8, use: dimension }
      amount: { type: float64, use: measure, aggregates: [sum, avg] }
    rule: { entities_min: 3, join: optional }
templates:
  reach:
    class: aggregate
    sql: SELECT s.segment, COUNT(DISTINCT s.person) AS people FROM sales s WHERE s.segment = :segment GROUP BY s.segment
    parameters: { segment: { type: utf8 } }
    run_by: [brand]
    received_by: [brand]
limits: { runs_max: 3, within: 24h }
destinations: { brand: 'file:///nowhere/results' }
";

struct Gateway {
    _folder: tempfile::TempDir,
    app: Arc<App>,
    scheduler: Scheduler,
}

struct World {
    store: Arc<MemoryStore>,
    clock: Arc<FixedClock>,
}

fn spring() -> CollaborationId {
    "spring".parse().unwrap()
}

fn nightly() -> ScheduleId {
    "nightly".parse().unwrap()
}

fn member(name: &str) -> MemberId {
    name.parse().unwrap()
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(FixedClock::new(SIX - HOUR));
        Self { store: Arc::new(MemoryStore::new()), clock }
    }

    async fn gateway(&self, like: Option<&Path>) -> Gateway {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        for part in ["keys", "schedules/spring"] {
            let Some(from) = like.map(|like| like.join(part)) else { continue };
            std::fs::create_dir_all(folder.path().join(part)).unwrap();
            for file in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
                std::fs::copy(file.path(), folder.path().join(part).join(file.file_name()))
                    .unwrap();
            }
        }
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let app = Arc::new(App::over_at(home, store, clock).await.unwrap());
        let max = RunsMax { in_all: 64, of_member: BTreeMap::new() };
        let runs = Runs::new(Arc::clone(&app), max).unwrap();
        let scheduler = Scheduler::new(Arc::clone(&app), runs);
        Gateway { _folder: folder, app, scheduler }
    }

    /// Everybody joined and approved, and a run is wanted at each full hour.
    async fn scheduled(&self) -> Gateway {
        let gateway = self.gateway(None).await;
        let (app, tied) = (&gateway.app, Tied::default());
        for name in ["grocer", "brand"] {
            members::keygen(&app.home, &member(name)).unwrap();
        }
        let agreement = mappings::agreement::read(AGREEMENT).unwrap();
        app.propose(&agreement, &member("grocer"), &tied).await.unwrap();
        for name in ["grocer", "brand"] {
            self.clock.step(1);
            app.join(&spring(), &member(name), None, &tied).await.unwrap();
        }
        self.clock.step(1);
        app.approve(&spring(), None, &member("grocer")).await.unwrap();
        app.schedule(self.request(), &tied).await.unwrap();
        gateway
    }

    fn request(&self) -> ScheduleRequest {
        self.clock.step(1);
        ScheduleRequest {
            collaboration: spring(),
            schedule: nightly(),
            template: "reach".parse().unwrap(),
            digest: None,
            room: PlatformId::native(),
            by: member("brand"),
            cron: "0 * * * *".parse().unwrap(),
            parameters: BTreeMap::from([("segment".to_owned(), "zqsegment".to_owned())]),
            limits: RunLimits::default(),
        }
    }
}

impl Gateway {
    async fn at(&mut self, world: &World, now_ms: i64) {
        world.clock.set(now_ms);
        self.scheduler.turn(now_ms).await;
    }

    async fn schedule(&self) -> Schedule {
        let state = self.app.load(&spring()).await.unwrap().state;
        state.schedules()[&nightly()].clone()
    }

    async fn last(&self) -> (i64, String) {
        let last = self.schedule().await.last.unwrap();
        let what = match last.outcome {
            SlotOutcome::Requested(run) => run.to_string(),
            SlotOutcome::Refused(code) => code.to_string(),
        };
        (last.at_ms, what)
    }

    async fn attempts(&self) -> usize {
        self.app.load(&spring()).await.unwrap().state.attempts().len()
    }
}

#[tokio::test]
async fn a_slot_is_one_run_whichever_gateway_makes_it() {
    let world = World::new();
    let mut one = world.scheduled().await;
    let mut other = world.gateway(Some(one.app.home.root())).await;
    one.at(&world, SIX - 1).await;
    assert_eq!(one.attempts().await, 0);
    tokio::join!(one.at(&world, SIX), other.at(&world, SIX));
    other.at(&world, SIX + 10).await;
    assert_eq!(one.attempts().await, 1);
    assert_eq!(one.last().await, (SIX, "nightly-20261127t060000z".to_owned()));
    let shown = one.app.schedules(&spring()).await.unwrap();
    assert_eq!((shown[0].next_ms, shown[0].values_here), (Some(SIX + HOUR), true));
    // Values are in the folder and in no leaf.
    let leaves = world.store.read(&spring(), 0, 100).await.unwrap().concat();
    assert!(!String::from_utf8_lossy(&leaves).contains("zqsegment"));
}

#[tokio::test]
async fn of_missed_slots_the_latest_is_run_and_a_clock_that_steps_back_repeats_none() {
    let world = World::new();
    let mut gateway = world.scheduled().await;
    gateway.at(&world, SIX + 3 * HOUR + 60_000).await;
    assert_eq!(gateway.last().await.0, SIX + 3 * HOUR);
    gateway.at(&world, SIX + 60_000).await;
    gateway.at(&world, SIX + 2 * HOUR).await;
    assert_eq!(gateway.attempts().await, 1, "they are earlier than one that was run");
    // Begun anew, it knows from the log.
    let mut again = world.gateway(Some(gateway.app.home.root())).await;
    again.at(&world, SIX + 3 * HOUR + 120_000).await;
    assert_eq!(gateway.attempts().await, 1);
    again.at(&world, SIX + 4 * HOUR).await;
    assert_eq!(gateway.attempts().await, 2);
}

#[tokio::test]
async fn a_cap_that_is_spent_is_told_once_and_the_schedule_goes_on() {
    let world = World::new();
    let mut gateway = world.scheduled().await;
    for hour in 0..3 {
        gateway.at(&world, SIX + hour * HOUR).await;
    }
    let size = gateway.app.load(&spring()).await.unwrap().state.size();
    for hour in 3..24 {
        gateway.at(&world, SIX + hour * HOUR).await;
        assert_eq!(gateway.last().await, (SIX + 3 * HOUR, "cap-spent".to_owned()));
    }
    let told = gateway.app.load(&spring()).await.unwrap().state;
    assert_eq!(gateway.attempts().await, 3);
    let refusals = world.store.read(&spring(), size, 100).await.unwrap();
    let refusals = refusals.iter().filter(|leaf| leaf.windows(12).any(|w| w == b"slot-refused"));
    assert_eq!(refusals.count(), 1, "{}", told.size());
    gateway.at(&world, SIX + 24 * HOUR + 1_000).await;
    assert_eq!(gateway.last().await.0, SIX + 24 * HOUR, "a place is free again");
    assert_eq!(gateway.attempts().await, 4);
}

#[tokio::test]
async fn what_was_withdrawn_between_slots_refuses_the_next_and_an_approval_lets_it_go_on() {
    let world = World::new();
    let mut gateway = world.scheduled().await;
    gateway.at(&world, SIX).await;
    world.clock.set(SIX + 10_000);
    let what = Withdrawal::Approval("reach".parse().unwrap());
    gateway.app.revoke(&spring(), &what, &member("grocer")).await.unwrap();
    gateway.at(&world, SIX + HOUR).await;
    assert_eq!(gateway.last().await, (SIX + HOUR, "approval-missing".to_owned()));
    // The same reason is not written again, and that slot is over as well.
    gateway.at(&world, SIX + 2 * HOUR).await;
    assert_eq!(gateway.last().await.0, SIX + HOUR);
    world.clock.step(1_000);
    gateway.app.approve(&spring(), None, &member("grocer")).await.unwrap();
    gateway.at(&world, SIX + 2 * HOUR + 5_000).await;
    assert_eq!(gateway.attempts().await, 1, "what was refused is over");
    gateway.at(&world, SIX + 3 * HOUR).await;
    assert_eq!(gateway.attempts().await, 2);
}

#[tokio::test]
async fn what_has_ended_makes_no_run_and_its_values_are_gone() {
    let world = World::new();
    let gateway = world.scheduled().await;
    let mut other = world.gateway(Some(gateway.app.home.root())).await;
    assert_eq!(
        gateway.app.schedule(world.request(), &Tied::default()).await.unwrap_err().code,
        "schedule-id-used"
    );
    assert_eq!(gateway.app.home.kept_schedules().len(), 1, "of what is refused nothing is kept");
    let by = member("grocer");
    let refused = gateway.app.unschedule(&spring(), &nightly(), &by, &Tied::default()).await;
    assert_eq!(refused.unwrap_err().code, "schedule-of-another");
    let by = member("brand");
    gateway.app.unschedule(&spring(), &nightly(), &by, &Tied::default()).await.unwrap();
    assert!(gateway.app.home.kept_schedules().is_empty());
    assert!(gateway.app.schedules(&spring()).await.unwrap().is_empty());
    other.at(&world, SIX).await;
    assert!(other.app.home.kept_schedules().is_empty());
    assert_eq!(gateway.attempts().await, 0);
}

#[tokio::test]
async fn without_the_values_nothing_is_made_and_nothing_is_said() {
    let world = World::new();
    let mut gateway = world.scheduled().await;
    for kept in gateway.app.home.kept_schedules() {
        gateway.app.home.forget_schedule(&kept);
    }
    gateway.at(&world, SIX + HOUR).await;
    assert!(gateway.schedule().await.last.is_none());
    assert!(!gateway.app.schedules(&spring()).await.unwrap()[0].values_here);
}
