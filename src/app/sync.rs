//! The worker: it takes turns at the rooms of every collaboration whose lease it has, for as long as it runs, and is woken by the
//! logs. What a turn does is `reconcile::pass`'s. Knows no platform by name.

use super::pace::{LIMIT, Paced};
use super::rooms::{problem, unreached};
use super::shards::{RENEW_EVERY, Shards};
use super::{App, RoomReport};
use crate::error::{Error, Problem, Result};
use crate::log::Loaded;
use crate::reconcile::budget::Budgets;
use crate::reconcile::schedule::{Class, End as Ended, Failure, Pace, Schedule, Slots, Turn};
use crate::reconcile::{Drift, DriftClass, End, Memory, Report, Turn as Site, UNSURE, pass, shard};
use crate::store::Fence;
use adapter_spi::Cx;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use mappings::model::{CollaborationId, PlatformId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// Rooms that are looked at at the same time, and so many more where something is to be closed.
const SLOTS: Slots = Slots { ordinary: 8, reserved: 4 };
/// How often the logs are asked whether they have grown.
const WAKE_EVERY: Duration = Duration::from_millis(500);
/// Rooms of which something is remembered between turns.
const MEMORIES_MAX: usize = 1024;
/// Turns of one room in one `--once`.
const ONCE_MAX: usize = 40;
/// Between them.
const ONCE_EVERY: Duration = Duration::from_secs(1);

type Key = (CollaborationId, PlatformId);

/// What one turn did and found.
#[derive(Debug, Clone, Serialize)]
pub struct Pass {
    /// Which.
    pub collaboration: CollaborationId,
    /// Calls that changed something.
    pub steps: usize,
    /// The rooms as they were left.
    pub rooms: Vec<RoomReport>,
    /// What is on its way: what waits, and for what.
    pub waits: Vec<String>,
    /// What could not be closed, not be seen or not be done.
    pub problems: Vec<Problem>,
}

impl Pass {
    /// Whether there is anything to tell.
    #[must_use]
    pub fn is_news(&self) -> bool {
        let known = |drift: &Drift| match drift.class {
            DriftClass::Loosened => true,
            DriftClass::Tightened => drift.detail != UNSURE,
            DriftClass::ServerDefault | DriftClass::FormatOnly | DriftClass::Unknown => false,
        };
        let alarm = |room: &RoomReport| room.drift.iter().any(known);
        self.steps > 0 || !self.problems.is_empty() || self.rooms.iter().any(alarm)
    }

    /// What stands against a collaboration's log itself, if anything.
    fn without_rooms(collaboration: &CollaborationId, error: Option<Error>) -> Self {
        let told = |Error { code, message, help, .. }: Error| Problem {
            code,
            at: collaboration.to_string(),
            message,
            help,
        };
        let problems = error.map(told).into_iter().collect();
        let (rooms, waits) = (Vec::new(), Vec::new());
        Self { collaboration: collaboration.clone(), steps: 0, rooms, waits, problems }
    }

    fn of(collaboration: &CollaborationId, room: &PlatformId, report: Report) -> Self {
        let waits = report.waits.iter().map(|step| format!("{}: {}", step.what, step.why));
        Self {
            collaboration: collaboration.clone(),
            steps: report.steps,
            waits: waits.collect(),
            problems: problems(room, &report),
            rooms: vec![RoomReport::of(room, report)],
        }
    }

    /// The same with a later turn of the same collaboration.
    fn then(mut self, later: Self) -> Self {
        let again = |room: &RoomReport| later.rooms.iter().any(|other| other.room == room.room);
        let before: usize =
            self.rooms.iter().filter(|room| again(room)).map(|room| room.steps).sum();
        self.rooms.retain(|room| !again(room));
        self.rooms.extend(
            later.rooms.into_iter().map(|room| RoomReport { steps: room.steps + before, ..room }),
        );
        self.steps += later.steps;
        (self.waits, self.problems) = (later.waits, later.problems);
        self
    }
}

/// What went wrong in a turn.
pub(super) fn problems(room: &PlatformId, report: &Report) -> Vec<Problem> {
    let unseen = report.unseen.iter().map(|(member, code)| {
        let message = format!("what {member} has there could not be looked at");
        problem(room, code, &message, "airlock connections test COLLABORATION")
    });
    let beside = report.problems.iter().map(|(code, reason)| problem(room, code, reason, ""));
    let unread = report.unread.iter().map(|code| {
        problem(
            room,
            code,
            "its log can't be used; closing goes on by what is known",
            "airlock status",
        )
    });
    let end = match &report.end {
        End::Settled | End::Waiting | End::Again => None,
        End::Refused { code, message } => Some(problem(room, code, message, "")),
        End::Undone { what, call, code, reason, .. } => {
            Some(problem(room, code, &format!("{call} of {what} was not done: {reason}"), ""))
        }
        End::Failed { code, .. } => {
            Some(problem(room, code, "it could not be looked at, or its log not be used", ""))
        }
    };
    unseen.chain(beside).chain(unread).chain(end).collect()
}

impl App {
    /// Turns at every room of every collaboration until each is settled or waits for somebody else.
    pub async fn sync_once(&self, mut tell: impl FnMut(&Pass)) -> Result<Vec<Pass>> {
        self.record_pending().await;
        let mut shards = self.shards()?;
        if let Err(error) = shards.beat(self.store.as_ref()).await {
            tracing::warn!(code = error.code(), "without leases nothing is given");
        }
        let all = self.log.collaborations().await?;
        let looks = all.into_iter().map(|one| {
            let fence = shards.fence(&one);
            Box::pin(async move { self.once(&one, fence.as_ref()).await })
        });
        let mut looks = futures::stream::iter(looks).buffer_unordered(SLOTS.ordinary);
        let mut passes = Vec::new();
        while let Some(pass) = looks.next().await {
            tell(&pass);
            passes.push(pass);
        }
        drop(looks);
        shards.give_back(self.store.as_ref()).await;
        passes.sort_by(|one, other| one.collaboration.cmp(&other.collaboration));
        Ok(passes)
    }

    async fn once(&self, collaboration: &CollaborationId, fence: Option<&Fence>) -> Pass {
        let (state, mut whole) = match self.load_denying(collaboration).await {
            Ok(loaded) => {
                (loaded.state, Pass::without_rooms(collaboration, loaded.doubt.map(Error::from)))
            }
            Err(error) => return Pass::without_rooms(collaboration, Some(error)),
        };
        let foreign = state.rooms().keys().filter(|room| **room != PlatformId::native());
        for room in foreign {
            if self.rooms.adapter(room).is_err() {
                whole.problems.extend(unreached(room, &state));
                continue;
            }
            let (mut memory, mut done) = (Memory::default(), None::<Pass>);
            for _ in 0..ONCE_MAX {
                let report =
                    self.visit((collaboration, room, fence), Cx::default(), &mut memory).await;
                let (more, idle) = (is_more(&report), report.steps == 0);
                let pass = Pass::of(collaboration, room, report);
                done = Some(match done {
                    Some(before) => before.then(pass),
                    None => pass,
                });
                if !more {
                    break;
                }
                if idle {
                    tokio::time::sleep(ONCE_EVERY).await;
                }
            }
            if let Some(done) = done {
                whole.steps += done.steps;
                whole.rooms.extend(done.rooms);
                whole.waits.extend(done.waits);
                whole.problems.extend(done.problems);
            }
        }
        whole
    }

    /// Takes turns until it is cancelled: at once where a log has grown, else by class, calm and failures.
    pub async fn sync(
        &self,
        every: Duration,
        cancel: &CancellationToken,
        mut tell: impl FnMut(&Pass),
    ) -> Result<()> {
        let every_ms = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
        let mut worker = Worker {
            schedule: Schedule::new(Pace::default().every(every_ms), u64::from(std::process::id())),
            memories: BTreeMap::new(),
            shards: None,
            fences: BTreeMap::new(),
            heads: BTreeMap::new(),
        };
        let mut work = FuturesUnordered::new();
        work.push(self.beat(self.shards()?));
        let (mut wake, mut renew) = (beats(WAKE_EVERY), beats(RENEW_EVERY));
        let budgets = Arc::new(Mutex::new(Budgets::new(LIMIT)));
        let mut listing = false;
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                Some(done) = work.next() => match done {
                    Done::Turn(done) => {
                        let (turn, memory, seen) = *done;
                        if let Some(pass) = &seen.pass {
                            tell(pass);
                        }
                        worker.ended(turn, memory, seen, self.clock.now_ms());
                    }
                    Done::Beat(shards) => worker.led(shards, self.clock.now_ms()),
                    Done::Heads(heads) => {
                        listing = false;
                        worker.headed(heads, self.clock.now_ms());
                    }
                },
                // Neither waits for the other, nor do turns: a store that is silent keeps nobody from closing.
                _ = renew.tick() => work.extend(worker.shards.take().map(|shards| self.beat(shards))),
                _ = wake.tick(), if !listing => {
                    listing = true;
                    work.push(self.heads());
                }
            }
            for turn in worker.schedule.due(self.clock.now_ms(), SLOTS) {
                let memory = worker.remembered(&turn);
                let fence = worker.fences.get(&shard(&turn.collaboration)).cloned();
                work.push(Box::pin(self.taken(turn, memory, fence, Arc::clone(&budgets))));
            }
        }
        drop(work);
        if let Some(shards) = worker.shards {
            shards.give_back(self.store.as_ref()).await;
        }
        Ok(())
    }

    fn beat(&self, mut shards: Shards) -> BoxFuture<'_, Done> {
        Box::pin(async move {
            if let Err(error) = shards.beat(self.store.as_ref()).await {
                tracing::warn!(code = error.code(), "leases are not renewed");
            }
            Done::Beat(shards)
        })
    }

    fn heads(&self) -> BoxFuture<'_, Done> {
        Box::pin(async move {
            let heads = self.store.sizes().await;
            if let Err(error) = &heads {
                tracing::warn!(code = error.code(), "the logs could not be listed");
            }
            Done::Heads(heads.ok())
        })
    }

    async fn taken(
        &self,
        turn: Turn,
        mut memory: Memory,
        fence: Option<Fence>,
        budgets: Arc<Mutex<Budgets>>,
    ) -> Done {
        self.record_pending().await;
        let size = self.store.size(&turn.collaboration).await.unwrap_or_default();
        let seen = match &turn.room {
            None => self.rooms_of(&turn.collaboration, size).await,
            Some(room) => {
                let (platform, urgent) = (room.clone(), turn.urgent);
                let pace = Paced { budgets, platform, urgent, clock: Arc::clone(&self.clock) };
                let cx = Cx { pace: Some(Arc::new(pace)), ..Cx::default() };
                let on = (&turn.collaboration, room, fence.as_ref());
                let report = self.visit(on, cx, &mut memory).await;
                let size = self.known_to(&turn.collaboration, size).await;
                Seen::of(&turn.collaboration, room, report, size)
            }
        };
        Done::Turn(Box::new((turn, memory, seen)))
    }

    async fn visit(
        &self,
        (collaboration, room, fence): (&CollaborationId, &PlatformId, Option<&Fence>),
        cx: Cx,
        memory: &mut Memory,
    ) -> Report {
        match self.turn(collaboration, room, fence) {
            Ok(turn) => {
                let turn = Site { cx, ..turn };
                let report = Box::pin(pass(&turn, memory)).await;
                self.keep_look(collaboration, room, &report);
                report
            }
            Err(_) => Report {
                end: End::Failed { code: "room-unreached", retry_ms: None },
                ..Report::default()
            },
        }
    }

    /// How far the log is known after a turn: to its end, unless something was decided since the turn began.
    async fn known_to(&self, collaboration: &CollaborationId, before: u64) -> u64 {
        match self.load_denying(collaboration).await {
            Ok(loaded) if loaded.state.decided() <= before => loaded.state.size(),
            Ok(_) | Err(_) => before,
        }
    }

    /// Which rooms a collaboration has, and what each is looked at for.
    async fn rooms_of(&self, collaboration: &CollaborationId, size: u64) -> Seen {
        let Loaded { state, doubt, .. } = match self.load_denying(collaboration).await {
            Ok(loaded) => loaded,
            Err(error) => {
                return Seen {
                    failed: Some(Failure { retry_after_ms: None }),
                    pass: Some(Pass::without_rooms(collaboration, Some(error))),
                    ..Seen::nothing(size)
                };
            }
        };
        let pass = doubt.map(|doubt| Pass::without_rooms(collaboration, Some(doubt.into())));
        let reached =
            |room: &&PlatformId| **room != PlatformId::native() && self.rooms.adapter(room).is_ok();
        let class = |room: &PlatformId| {
            if state.awaited(room).next().is_some() { Class::Closing } else { Class::Opening }
        };
        let rooms = state.rooms().keys().filter(reached).map(|room| (room.clone(), class(room)));
        Seen { rooms: Some(rooms.collect()), pass, ..Seen::nothing(size) }
    }
}

/// What a worker waits for.
enum Done {
    Turn(Box<(Turn, Memory, Seen)>),
    Beat(Shards),
    Heads(Option<Vec<(CollaborationId, u64)>>),
}

fn beats(every: Duration) -> Interval {
    let mut beat = tokio::time::interval(every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat
}

/// What a turn says to the schedule.
#[derive(Debug)]
struct Seen {
    class: Class,
    changed: bool,
    /// Whether it was one at all.
    failed: Option<Failure>,
    size: u64,
    rooms: Option<Vec<(PlatformId, Class)>>,
    pass: Option<Pass>,
}

impl Seen {
    const fn nothing(size: u64) -> Self {
        Self { class: Class::Exposed, changed: false, failed: None, size, rooms: None, pass: None }
    }

    fn of(collaboration: &CollaborationId, room: &PlatformId, report: Report, size: u64) -> Self {
        let failed = match &report.end {
            End::Failed { retry_ms, .. } | End::Undone { retry_ms, .. } => {
                Some(Failure { retry_after_ms: *retry_ms })
            }
            End::Settled | End::Waiting | End::Again | End::Refused { .. } => None,
        };
        // Whatever is not certain yet is looked at at the same pace until it is.
        let (class, changed) = (class(&report), report.steps > 0 || report.unsure > 0);
        let pass = Pass::of(collaboration, room, report);
        let pass = pass.is_news().then_some(pass);
        Self { class, changed, failed, size, rooms: None, pass }
    }
}

/// What a room is looked at for after a turn.
fn class(report: &Report) -> Class {
    let loosened = report.drift.iter().any(|drift| drift.class == DriftClass::Loosened);
    if !report.closing.is_empty() || report.unread.is_some() {
        Class::Closing
    } else if loosened
        || report.unsure > 0
        || report.plan.iter().any(|step| step.effect.takes_away())
    {
        Class::Loosened
    } else if report.end == End::Again || report.pending || !report.waits.is_empty() {
        Class::Opening
    } else if report.open.is_empty() && report.end == End::Settled {
        Class::Idle
    } else {
        Class::Exposed
    }
}

/// Whether another turn at once brings a room further.
fn is_more(report: &Report) -> bool {
    match &report.end {
        End::Settled | End::Refused { .. } => false,
        End::Again => true,
        End::Waiting => {
            let elsewhere = report.plan.len() == report.waits.len();
            let closing = !report.closing.is_empty() && report.unsettled == 0;
            closing || report.unsure > 0 || report.pending || !elsewhere
        }
        End::Undone { retry_ms, .. } | End::Failed { retry_ms, .. } => retry_ms.is_some(),
    }
}

/// What a worker keeps between turns.
#[derive(Debug)]
struct Worker {
    schedule: Schedule,
    memories: BTreeMap<Key, Memory>,
    /// While they are not renewed.
    shards: Option<Shards>,
    fences: BTreeMap<u16, Fence>,
    heads: BTreeMap<CollaborationId, u64>,
}

impl Worker {
    fn led(&mut self, shards: Shards, now_ms: i64) {
        self.fences = shards.fences();
        self.shards = Some(shards);
        self.noted(now_ms);
    }

    /// The logs there are; those that were, while that can't be told.
    fn headed(&mut self, heads: Option<Vec<(CollaborationId, u64)>>, now_ms: i64) {
        if let Some(heads) = heads {
            self.heads = heads.into_iter().collect();
            self.noted(now_ms);
        }
    }

    /// Logs of other workers are not looked at.
    fn noted(&mut self, now_ms: i64) {
        let mine = |(name, _): &(&CollaborationId, &u64)| self.fences.contains_key(&shard(name));
        let (mine, theirs): (Vec<_>, Vec<_>) = self.heads.iter().partition(mine);
        for (collaboration, _) in theirs {
            self.schedule.forget(collaboration);
        }
        self.schedule.heads(now_ms, mine.into_iter().map(|(name, size)| (name.clone(), *size)));
    }

    fn remembered(&mut self, turn: &Turn) -> Memory {
        let key = turn.room.clone().map(|room| (turn.collaboration.clone(), room));
        key.and_then(|key| self.memories.remove(&key)).unwrap_or_default()
    }

    fn ended(&mut self, turn: Turn, memory: Memory, seen: Seen, now_ms: i64) {
        let Seen { class, changed, failed, size, rooms, .. } = seen;
        if let Some(room) = &turn.room {
            if self.memories.len() >= MEMORIES_MAX {
                self.memories.pop_first();
            }
            self.memories.insert((turn.collaboration.clone(), room.clone()), memory);
        }
        if let Some(rooms) = rooms {
            self.schedule.rooms(&turn.collaboration, rooms, now_ms);
        }
        self.schedule.ended(turn, Ended { class, changed, failed, size }, now_ms);
    }
}
