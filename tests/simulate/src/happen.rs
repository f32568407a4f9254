//! What happens: workers' turns and their ends, deaths and restarts, faults that strike at once, what people do, and how a world
//! comes to rest.

use crate::case::{Deed, Injected, Kind, MINUTE};
use crate::deliver::WORLD;
use crate::executor::lock;
use crate::people::{Told, decide, deliver};
use crate::turn::End;
use crate::world::{Done, Event, Phase, World};
use std::sync::Arc;

/// How often a worker looks where nothing happens.
const IDLE_MS: i64 = 1_440 * MINUTE;
/// The same where its deaths are counted.
const BUSY_MS: i64 = 10 * MINUTE;
/// How long a fair world may take to come to rest.
const REST_MAX: i64 = 720 * MINUTE;
const TRIES_MAX: u32 = 60;

/// Passes in a row that did not rest, as far as they are counted.
const FAILURES_MAX: u32 = 9;

impl World {
    /// One event.
    pub(crate) fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive(travel) => self.arrived(*travel),
            Event::Reply { call, worker, answer, shown } => {
                self.replied((call, worker), *answer, shown);
            }
            Event::Tick { worker, at, stamp } => self.ticked(worker, at, stamp),
            Event::Wake { worker } => {
                for at in 0..self.platforms.len() {
                    let idle = self.workers.get_mut(worker).and_then(|w| w.posts.get_mut(at));
                    if let Some(post) = idle {
                        post.failures = 0;
                    }
                    self.tick(worker, at, 0);
                }
            }
            Event::Resume { worker } => {
                self.line(worker, format_args!("goes on"));
                self.still.remove(&worker);
            }
            Event::Restart { worker } => self.restart(worker),
            Event::Fault(number) => {
                if let Some(fault) = self.case.faults.get(number).cloned()
                    && self.phase == Phase::Faults
                {
                    self.strike(&fault);
                }
            }
            Event::Act { number, tries } => self.act(number, tries),
            Event::Deliver { number, tries } => {
                let (log, done) = (self.desk(), Arc::clone(&self.done));
                let collaboration = self.pool.collaboration.clone();
                self.executor.spawn(self.case.workers, async move {
                    let told = deliver(log, collaboration, number).await;
                    lock(&done).push(Done::Delivered { number, tries, told });
                });
            }
            Event::TakeBack { at, gift } => self.take_back(at, &gift),
            Event::Follow { at } => self.follow(at),
            Event::Repair => {
                let repaired = self.store.repair();
                self.line(WORLD, format_args!("the newer copy is back: {repaired}"));
            }
            Event::LeaseClock => self.store.skew_ms = 0,
            Event::Fair => self.fair(),
            Event::Late => {
                if self.phase == Phase::Fair {
                    self.unsettled();
                }
            }
        }
    }

    fn desk(&self) -> Arc<airlock::log::AgreementLog> {
        let desk = self.workers.get(self.case.workers).or(self.workers.last());
        desk.map_or_else(|| unreachable!("there is a desk"), |desk| Arc::clone(&desk.log))
    }

    fn ticked(&mut self, number: usize, at: usize, stamp: u64) {
        let anyway = self.rng.once_in(3);
        let still = self.still.contains(&number);
        let Some(worker) = self.workers.get_mut(number) else { return };
        let current = worker.posts.get(at).is_some_and(|post| post.stamp == stamp);
        if !worker.alive || !current || still {
            return;
        }
        let life = worker.life;
        if let Some(post) = worker.posts.get_mut(at).filter(|post| !post.busy) {
            post.began = self.decided;
        }
        let Some(turn) = worker.turn(self.pool, at, anyway) else { return };
        let done = Arc::clone(&self.done);
        self.executor.spawn(number, async move {
            let end = Box::new(turn.take().await);
            lock(&done).push(Done::Turn { worker: number, life, at, end });
        });
    }

    /// A task ended.
    pub(crate) fn ended(&mut self, done: Done) {
        match done {
            Done::Turn { worker, life, at, end } => self.turned(worker, life, at, *end),
            Done::Deed { number, tries, told } => match told {
                Told::Recorded(receipt) => {
                    self.line(
                        self.case.workers,
                        format_args!("act {number} is leaf {}", receipt.index),
                    );
                    self.check.acknowledged(&receipt);
                    let run = self.case.acts.get(number).map(|act| &act.deed);
                    if matches!(run, Some(Deed::Run { .. })) {
                        let ms = self.rng.range(100, 60_000);
                        self.after(ms, Event::Deliver { number, tries: 0 });
                    }
                }
                Told::Later if tries < TRIES_MAX => {
                    self.after(
                        i64::from(tries.min(10)) * 3_000 + 3_000,
                        Event::Act { number, tries: tries + 1 },
                    );
                }
                Told::Refused | Told::Later => {}
            },
            Done::Delivered { number, tries, told } => {
                if matches!(told, Told::Later) && tries < TRIES_MAX {
                    self.after(
                        i64::from(tries.min(10)) * 3_000 + 3_000,
                        Event::Deliver { number, tries: tries + 1 },
                    );
                }
            }
        }
    }

    fn turned(&mut self, number: usize, life: u32, at: usize, end: End) {
        let End { lease, memory, report, leased } = end;
        let fair = self.phase != Phase::Faults;
        let jitter = self.rng.range(80, 121);
        let idle_ms = if self.case.kills.is_empty() { IDLE_MS } else { BUSY_MS };
        let Some(worker) = self.workers.get_mut(number) else { return };
        let Some(post) = worker.posts.get_mut(at).filter(|_| worker.life == life) else { return };
        post.busy = false;
        post.memory = Some(memory);
        post.lease = lease;
        let again = std::mem::take(&mut post.again);
        let current = post.began == self.decided;
        let settled = report.as_ref().map(|report| report.settled);
        let rests = report.as_ref().is_some_and(|report| report.rests);
        post.failures = if rests { 0 } else { post.failures.saturating_add(1) };
        let failures = post.failures.min(FAILURES_MAX);
        let wait = match &report {
            _ if again => 0,
            Some(report) if report.again && failures < 4 => 20 * jitter / 10,
            Some(report) if report.rests => idle_ms / 100 * jitter,
            Some(report) => {
                let backoff = (1_000_i64 << failures).min(5 * MINUTE);
                report.retry_ms.unwrap_or(backoff).clamp(200, 15 * MINUTE) / 100 * jitter
            }
            None if failures > 6 => idle_ms / 100 * jitter,
            None => 160 * jitter,
        };
        let said = report.as_ref().map_or("not its turn", |report| report.said.as_str()).to_owned();
        self.line(number, format_args!("pass at {at}: settled {settled:?} {said}"));
        self.tick(number, at, wait);
        if settled == Some(true) && current {
            let shown = self.platforms.get(at).and_then(|platform| {
                self.check.shown.get(&(number, platform.name.clone())).copied()
            });
            if let (Some(platform), Some(shown_ms)) = (self.platforms.get(at), shown) {
                self.check.settled(platform, shown_ms);
            }
        }
        // Whoever is asked again and again does it, although something else is waited for as well.
        let asked = report.as_ref().is_some_and(|report| report.needs > 0);
        if fair && asked && failures == FAILURES_MAX {
            self.follow(at);
        }
        // Whoever has no lease writes nothing down, and can't say that nothing is left to be.
        if fair && leased {
            self.rest(at, rests && !again);
        }
    }

    /// In a fair world: everything settled once, and then changes nothing for rounds.
    fn rest(&mut self, at: usize, settled: bool) {
        match self.phase {
            Phase::Fair => {
                if settled {
                    self.settled.insert(at, self.decided);
                } else {
                    self.settled.remove(&at);
                }
                let same = |at: usize| self.settled.get(&at) == Some(&self.decided);
                if (0..self.platforms.len()).all(same) {
                    let before = self.changes();
                    (0..self.platforms.len()).for_each(|at| self.follow(at));
                    if self.changes() != before {
                        return self.settled.clear();
                    }
                    self.check.quiet(&self.platforms);
                    let (size, writes) = (self.check.oracle.size, self.writes());
                    let rounds = if self.case.kills.is_empty() { 10 } else { 2 };
                    self.phase = Phase::Quiet { rounds, size, writes };
                    self.rounds.clear();
                    self.look_again();
                }
            }
            Phase::Quiet { rounds, size, writes } => {
                *self.rounds.entry(at).or_default() += 1;
                let (now_size, now_writes) = (self.check.oracle.size, self.writes());
                self.check.hold(33, (size, writes) == (now_size, now_writes), || {
                    format!(
                        "at rest, and still {} leaves and {} writes more",
                        now_size - size,
                        now_writes - writes
                    )
                });
                let all = (0..self.platforms.len()).all(|at| self.rounds.contains_key(&at));
                if all {
                    self.rounds.clear();
                    let rounds = rounds.saturating_sub(1);
                    self.phase = Phase::Quiet { rounds, size, writes };
                    if rounds == 0 {
                        self.phase = Phase::Over;
                    } else {
                        self.look_again();
                    }
                }
            }
            Phase::Faults | Phase::Over => {}
        }
    }

    fn changes(&self) -> u64 {
        self.platforms.iter().map(|platform| platform.holds.version).sum()
    }

    fn writes(&self) -> u64 {
        self.platforms.iter().map(|platform| platform.writes).sum()
    }

    fn look_again(&mut self) {
        for worker in 0..self.case.workers {
            for at in 0..self.platforms.len() {
                let ms = self.rng.range(60_000, 300_000);
                self.tick(worker, at, ms);
            }
        }
    }

    /// Nothing goes wrong any more.
    fn fair(&mut self) {
        self.line(WORLD, format_args!("from here on nothing goes wrong"));
        self.phase = Phase::Fair;
        self.faults.clear();
        self.still.clear();
        self.store.skew_ms = 0;
        (self.store.down_until, self.store.full_until) = (0, 0);
        self.store.repair();
        for at in 0..self.platforms.len() {
            if let Some(platform) = self.platforms.get_mut(at) {
                platform.holds.stranger = false;
            }
            for n in 1..12 {
                self.after(n * 20 * MINUTE, Event::Follow { at });
            }
        }
        for number in 0..self.case.workers {
            self.restart(number);
            self.after(10, Event::Wake { worker: number });
        }
        self.after(REST_MAX, Event::Late);
    }

    /// It had all the time in the world.
    fn unsettled(&mut self) {
        self.check.quiet(&self.platforms);
        let open: Vec<String> = (0..)
            .zip(&self.platforms)
            .filter(|(at, _)| self.settled.get(at) != Some(&self.decided))
            .map(|(_, platform)| platform.name.to_string())
            .collect();
        self.check.hold(31, false, || format!("no pass ever settles on {}", open.join(", ")));
    }

    pub(crate) fn die(&mut self, number: usize) {
        self.executor.kill(number);
        lock(&self.net).new.retain(|request| request.worker != number);
        self.still.remove(&number);
        self.effects = 0;
        self.doomed = self.doomed.take().filter(|(worker, _)| *worker != number);
        if let Some(worker) = self.workers.get_mut(number) {
            worker.die();
        }
        if !self.case.kills.is_empty() {
            self.after(1_000, Event::Restart { worker: number });
        }
    }

    fn restart(&mut self, number: usize) {
        let Some(worker) = self.workers.get_mut(number) else { return };
        if worker.alive {
            return;
        }
        worker.start();
        self.line(number, format_args!("starts"));
        self.after(5, Event::Wake { worker: number });
    }

    /// A fault strikes, or waits for a call that it fits.
    fn strike(&mut self, fault: &Injected) {
        let Injected { kind, worker, platform, amount, .. } = *fault;
        self.line(WORLD, format_args!("fault {} w{worker} p{platform} {amount}", kind.name()));
        let now = self.now();
        let alive = self.workers.get(worker).is_some_and(|worker| worker.alive);
        let clock = self.workers.get(worker).map(|worker| Arc::clone(&worker.clock));
        match kind {
            Kind::Crash if alive => {
                self.die(worker);
                self.after(200 + amount * 60, Event::Restart { worker });
            }
            Kind::Pause if alive => {
                self.still.insert(worker);
                self.after(150_000 + amount * 100, Event::Resume { worker });
            }
            Kind::ClockAhead => clock.iter().for_each(|clock| clock.step(amount * 86_400)),
            Kind::ClockBack => clock.iter().for_each(|clock| clock.step(-amount * 86_400)),
            Kind::ClockDrift => clock.iter().for_each(|clock| clock.drift(amount * 200 - 100_000)),
            Kind::LeaseClockOff => {
                self.store.skew_ms = if amount % 2 == 0 { 3_600_000 } else { -3_600_000 };
                self.after(60_000 + amount * 600, Event::LeaseClock);
            }
            Kind::TwoLeaders => {
                // Every lease runs out at once, and everybody wants one.
                self.store.skew_ms = 20_000;
                self.after(1_000 + amount * 20, Event::LeaseClock);
                (0..self.case.workers).for_each(|worker| self.after(1, Event::Wake { worker }));
            }
            Kind::StoreFull => self.store.full_until = now + 2_000 + amount * 300,
            Kind::SnapshotRestored => return self.snapshot(amount),
            Kind::PartitionOut
            | Kind::PartitionIn
            | Kind::BlindMember
            | Kind::CredentialsExpired
            | Kind::NewerSchema => return self.faults.last(fault, now),
            Kind::Crash | Kind::Pause => return,
            _ => return self.faults.arm(fault),
        }
        if kind != Kind::StoreFull {
            self.faults.count(kind);
        }
    }

    /// An older copy is put back, where everybody alive has seen more than it holds.
    fn snapshot(&mut self, amount: i64) {
        let lost = usize::try_from(1 + amount % 5).unwrap_or(1);
        let size = self.store.size(&self.pool.collaboration);
        let pool = self.pool;
        if self.workers.iter().any(|worker| worker.seen(pool) < size) {
            return;
        }
        if self.store.restore(lost) {
            self.faults.count(Kind::SnapshotRestored);
            let left = self.store.size(&self.pool.collaboration);
            self.line(WORLD, format_args!("an older copy is there: {left} of {size} leaves"));
            self.after(20_000 + amount * 600, Event::Repair);
        }
    }

    fn act(&mut self, number: usize, tries: u32) {
        let Some(deed) = self.case.acts.get(number).map(|act| act.deed.clone()) else { return };
        if tries == 0 {
            self.line(
                WORLD,
                format_args!("act {number}: {}", format!("{deed:?}").replace('"', "")),
            );
        }
        if self.by_hand(&deed) {
            return;
        }
        let (log, done, pool) = (self.desk(), Arc::clone(&self.done), self.pool);
        let collaboration = self.pool.collaboration.clone();
        self.executor.spawn(self.case.workers, async move {
            let told = decide(pool, log, collaboration, (deed, number)).await;
            lock(&done).push(Done::Deed { number, tries, told });
        });
    }
}
