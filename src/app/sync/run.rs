//! The worker at work: turns, leases and what the logs say, none of which waits for another. Knows no platform by name.

use super::Pass;
use super::addresses::addresses;
use super::first::First;
use super::inbox::Inbox;
use super::seen::{After, Seen};
use super::worker::Worker;
use crate::app::App;
use crate::app::pace::Paced;
use crate::app::rooms::unreached;
use crate::app::shards::{RENEW_EVERY, Shards};
use crate::error::{Error, Problem, Result};
use crate::log::State;
use crate::metrics::Event;
use crate::reconcile::Memory;
use crate::reconcile::budget::Budgets;
use crate::reconcile::schedule::{Class, Turn};
use crate::store::{Fence, Grown, Mark, StoreError};
use adapter_spi::Cx;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use mappings::model::{CollaborationId, PlatformId};
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// How often the logs are asked whether they have grown.
const WAKE_EVERY: Duration = Duration::from_millis(500);
/// Once it is to end, turns under way have this long.
pub(super) const END_WITHIN: Duration = Duration::from_secs(if cfg!(test) { 5 } else { 10 });
/// And leases this long to be given back.
const GIVE_BACK_WITHIN: Duration = Duration::from_secs(5);

const LISTED: &str = "the logs can't be listed";

/// What a worker waits for.
enum Done {
    Turn(Box<(Turn, Memory, Seen)>),
    Beat(Shards, Result<(), String>),
    Grown(Result<Grown, String>),
    Recorded(Result<(), String>),
}

/// What is under way.
struct Work<'a> {
    all: FuturesUnordered<BoxFuture<'a, Done>>,
    turns: usize,
    /// While they are not renewed.
    shards: Option<Shards>,
    listing: bool,
    /// Of the store when its logs were listed.
    listed: Option<Mark>,
    recording: bool,
    /// Whether the logs that this gateway saw once are known.
    named: bool,
    budgets: Arc<Mutex<Budgets>>,
    first: Arc<First>,
    troubles: BTreeMap<&'static str, String>,
    inbox: Option<&'a Inbox>,
}

impl Work<'_> {
    /// Says what goes wrong beside the turns, when it begins and when it is over.
    fn trouble(&mut self, what: &'static str, code: Option<String>) {
        if self.troubles.get(what) == code.as_ref() {
            return;
        }
        if let Some(code) = code {
            tracing::warn!(code, "{what}");
            self.troubles.insert(what, code);
        } else {
            self.troubles.remove(what);
            tracing::warn!("over: {what}");
        }
    }
}

impl App {
    /// Takes turns until it is cancelled: at once where a log has grown, else by class, calm and failures. Then no more are begun,
    /// those under way have a moment, and the leases are given back. What comes into the inbox makes a look earlier. `tell` must not wait.
    pub async fn sync(
        &self,
        every: Duration,
        inbox: Option<&Inbox>,
        cancel: &CancellationToken,
        mut tell: impl FnMut(&Pass),
    ) -> Result<()> {
        let every_ms = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
        let mut worker = Worker::new(every_ms, u64::from(std::process::id()));
        if inbox.is_some() {
            worker = worker.told_from_outside();
        }
        let mut work = Work {
            all: FuturesUnordered::new(),
            turns: 0,
            shards: Some(self.shards().await?),
            listing: false,
            listed: None,
            recording: false,
            named: false,
            budgets: Arc::clone(&self.budgets),
            first: Arc::default(),
            troubles: BTreeMap::new(),
            inbox,
        };
        let (mut wake, mut renew) = (beats(WAKE_EVERY), beats(RENEW_EVERY));
        let mut until = None::<Instant>;
        loop {
            tokio::select! {
                () = cancel.cancelled(), if until.is_none() => until = Some(Instant::now() + END_WITHIN),
                () = at(until) => break,
                Some(done) = work.all.next() => self.done(done, (&mut worker, &mut work), &mut tell),
                // Neither waits for the other, nor do turns: a store that is silent keeps nobody from closing.
                _ = renew.tick() => if let Some(shards) = work.shards.take() {
                    work.all.push(self.beat(shards));
                },
                _ = wake.tick() => self.woken(&mut worker, &mut work),
            }
            if until.is_none() {
                self.begin(&mut worker, &mut work);
            } else if work.turns == 0 {
                break;
            }
        }
        if tokio::time::timeout(GIVE_BACK_WITHIN, self.ended(work)).await.is_err() {
            tracing::warn!("leases are left to expire");
        }
        Ok(())
    }

    fn done(
        &self,
        done: Done,
        (worker, work): (&mut Worker, &mut Work<'_>),
        tell: &mut impl FnMut(&Pass),
    ) {
        let now_ms = self.clock.now_ms();
        match done {
            Done::Turn(done) => {
                let (turn, memory, mut seen) = *done;
                work.turns = work.turns.saturating_sub(1);
                let missing = seen.missing.take();
                let untold = missing.map(|all| worker.untold(&turn.collaboration, all));
                let nothing = || Pass::without_rooms(&turn.collaboration, None);
                let mut pass = seen.pass.take().unwrap_or_else(nothing);
                pass.problems.extend(untold.unwrap_or_default());
                if pass.is_news() {
                    tell(&pass);
                }
                worker.ended(turn, memory, seen, now_ms);
            }
            Done::Beat(shards, renewed) => {
                work.trouble("leases are not renewed", renewed.err());
                worker.led(shards.fences(), now_ms);
                self.metrics.standings.keep(|of| worker.is_mine(of));
                work.shards = Some(shards);
                self.log.keep(worker.len());
            }
            Done::Grown(grown) => {
                work.listing = false;
                let grown = grown.map_err(|code| work.trouble(LISTED, Some(code)));
                let Ok(Grown { mark, sizes }) = grown else { return };
                work.trouble(LISTED, None);
                let Some(sizes) = sizes else { return };
                work.listed = mark;
                worker.listed(&sizes, now_ms);
                if !std::mem::replace(&mut work.named, true) {
                    worker.named(self.log.seen(), now_ms);
                }
                self.log.keep(worker.len());
            }
            Done::Recorded(recorded) => {
                work.recording = false;
                work.trouble("withdrawals wait for the log", recorded.err());
            }
        }
    }

    /// Begins what is due.
    fn begin<'a>(&'a self, worker: &mut Worker, work: &mut Work<'a>) {
        let due = {
            let mut budgets = work.budgets.lock().unwrap_or_else(PoisonError::into_inner);
            worker.due(&mut budgets, self.clock.now_ms(), self.clock.steady_ms())
        };
        for turn in due {
            let (memory, fence) = worker.remembered(&turn);
            work.turns += 1;
            let shared = (Arc::clone(&work.budgets), Arc::clone(&work.first));
            work.all.push(Box::pin(self.taken(turn, memory, fence, shared)));
        }
    }

    /// Asks whether logs have grown, takes what was told from outside, and sees to what is withdrawn and not on record.
    fn woken<'a>(&'a self, worker: &mut Worker, work: &mut Work<'a>) {
        self.metrics.told(Event::Beat);
        if let Some(inbox) = work.inbox {
            worker.hinted(inbox.emptied(), self.clock.now_ms());
        }
        if !std::mem::replace(&mut work.listing, true) {
            work.all.push(self.grown(work.listed.clone()));
        }
        let pending = self.home.withdrawals();
        let unread = pending.as_ref().err().map(|error| error.code().to_owned());
        work.trouble("withdrawals are not read", unread);
        let Ok(pending) = pending else { return };
        if !pending.is_empty() && !std::mem::replace(&mut work.recording, true) {
            work.all.push(Box::pin(async move {
                let waits = AssertUnwindSafe(self.recorded_pending()).catch_unwind().await;
                Done::Recorded(waits.map_err(bug).and_then(|why| why.map_or(Ok(()), Err)))
            }));
        }
        worker.reserved(pending, self.clock.now_ms());
    }

    /// Gives the leases back, once they are at hand.
    async fn ended(&self, mut work: Work<'_>) {
        while work.shards.is_none() {
            match work.all.next().await {
                Some(Done::Beat(shards, _)) => work.shards = Some(shards),
                Some(Done::Turn(_) | Done::Grown(_) | Done::Recorded(_)) => {}
                None => return,
            }
        }
        drop(work.all);
        if let Some(shards) = work.shards {
            shards.give_back(self.store.as_ref()).await;
        }
    }

    fn beat(&self, mut shards: Shards) -> BoxFuture<'_, Done> {
        Box::pin(async move {
            let renewed = AssertUnwindSafe(shards.beat(self.store.as_ref())).catch_unwind().await;
            let renewed = renewed.map_err(bug).and_then(|renewed| renewed.map_err(coded));
            Done::Beat(shards, renewed)
        })
    }

    fn grown(&self, listed: Option<Mark>) -> BoxFuture<'_, Done> {
        Box::pin(async move {
            let grown = self.store.sizes_since(listed.as_ref());
            let grown = AssertUnwindSafe(grown).catch_unwind().await;
            Done::Grown(grown.map_err(bug).and_then(|grown| grown.map_err(coded)))
        })
    }

    /// A turn, whatever becomes of it. One that panics costs what was remembered for it, and nothing else.
    async fn taken(
        &self,
        turn: Turn,
        mut memory: Memory,
        fence: Option<Fence>,
        (budgets, first): (Arc<Mutex<Budgets>>, Arc<First>),
    ) -> Done {
        if turn.room.is_none() && !turn.urgent {
            first.turn().await;
        }
        let look = self.looked(&turn, &mut memory, fence.as_ref(), budgets);
        let seen = AssertUnwindSafe(look).catch_unwind().await.unwrap_or_else(|_| {
            self.log.forget(&turn.collaboration);
            memory = Memory::default();
            let bug = Error::failed("bug", "this gateway failed in a turn at it, and goes on")
                .help("please report it, with what it says where it was started");
            let pass = Pass::without_rooms(&turn.collaboration, Some(bug));
            Seen::broken(&turn, 0, pass)
        });
        self.log.lay_by(&turn.collaboration);
        Done::Turn(Box::new((turn, memory, seen)))
    }

    async fn looked(
        &self,
        turn: &Turn,
        memory: &mut Memory,
        fence: Option<&Fence>,
        budgets: Arc<Mutex<Budgets>>,
    ) -> Seen {
        let collaboration = &turn.collaboration;
        let before = match self.store.size(collaboration).await {
            Ok(size) => size,
            // What can't be read is not taken in.
            Err(_) => self.log.known_size(collaboration),
        };
        let Some(room) = &turn.room else { return self.rooms_of(turn, before).await };
        let (platform, urgent) = (room.clone(), turn.urgent);
        let (clock, used) = (Arc::clone(&self.clock), Arc::<Mutex<BTreeSet<_>>>::default());
        let pace = Paced { budgets, platform, urgent, clock, used: Arc::clone(&used) };
        let cx = Cx { pace: Some(Arc::new(pace)), ..Cx::default() };
        let report = self.visit((collaboration, room, fence), cx, memory).await;
        let after = self.after(collaboration, before).await;
        let used = std::mem::take(&mut *used.lock().unwrap_or_else(PoisonError::into_inner));
        Seen { used, ..Seen::of((collaboration, room, turn.class), report, after) }
    }

    /// How far the log is known after a turn: to its end, unless something was decided since the turn began.
    async fn after(&self, collaboration: &CollaborationId, before: u64) -> After {
        let Ok(loaded) = self.load_denying(collaboration).await else {
            return After {
                size: before,
                whole: false,
                rooms: None,
                missing: None,
                addresses: None,
            };
        };
        let state = &loaded.state;
        self.stands(collaboration, state);
        let size = if state.decided() <= before { state.size() } else { before };
        let (whole, rooms) = (loaded.doubt.is_none(), Some(self.reached(state)));
        let (missing, addresses) = (Some(self.missing(state)), Some(addresses(state)));
        After { size, whole, rooms, missing, addresses }
    }

    /// Which rooms a collaboration has, and what each is looked at for.
    pub(super) async fn rooms_of(&self, turn: &Turn, size: u64) -> Seen {
        let collaboration = &turn.collaboration;
        let loaded = match self.load_denying(collaboration).await {
            Ok(loaded) => loaded,
            Err(error) => {
                let pass = Pass::without_rooms(collaboration, Some(error));
                return Seen::broken(turn, size, pass);
            }
        };
        self.stands(collaboration, &loaded.state);
        let pass = Pass::without_rooms(collaboration, loaded.doubt.map(Error::from));
        let pass = pass.is_news().then_some(pass);
        let (rooms, missing) = (self.reached(&loaded.state), Some(self.missing(&loaded.state)));
        let addresses = Some(addresses(&loaded.state));
        // Where no room is reached, nothing is open by this gateway's doing: what is appended wakes it.
        let class = if rooms.is_empty() && pass.is_none() { Class::Idle } else { Class::Exposed };
        Seen { class, rooms: Some(rooms), pass, missing, addresses, ..Seen::nothing(size) }
    }

    /// The rooms that can't be looked at, and what that means.
    fn missing(&self, state: &State) -> Vec<Problem> {
        let foreign = state.rooms().keys().filter(|room| **room != PlatformId::native());
        let missing = foreign.filter(|room| self.rooms.adapter(room).is_err());
        missing.filter_map(|room| unreached(room, state)).collect()
    }

    /// The rooms that can be looked at, and whether there is something to be closed.
    fn reached(&self, state: &State) -> Vec<(PlatformId, Class)> {
        let pending = state.decided() > state.size();
        let class = |room: &PlatformId| {
            let closing = pending || state.awaited(room).next().is_some();
            if closing { Class::Closing } else { Class::Opening }
        };
        let foreign = state.rooms().keys().filter(|room| **room != PlatformId::native());
        let reached = foreign.filter(|room| self.rooms.adapter(room).is_ok());
        reached.map(|room| (room.clone(), class(room))).collect()
    }
}

fn coded(error: StoreError) -> String {
    error.code().to_owned()
}

/// A panic; its place was told where it struck.
fn bug(_: Box<dyn Any + Send>) -> String {
    "bug".to_owned()
}

fn beats(every: Duration) -> Interval {
    let mut beat = tokio::time::interval(every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat
}

/// That moment, or never.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
