//! The world: one queue of what happens next, one thread, and everything that workers believe is elsewhere. Each step takes one
//! event off the queue, lets the workers think, sends what they ask, and is checked.

use crate::answer::apart;
use crate::case::{Case, Kind, Point};
use crate::check::{Check, Violation};
use crate::clock::TrueTime;
use crate::executor::{Executor, lock};
use crate::faults::{Faults, Treat};
use crate::people::Told;
use crate::platform::{Held, Platform};
use crate::pool::{self, Pool};
use crate::rng::Rng;
use crate::store::StoreTruth;
use crate::trace::Trace;
use crate::turn::End;
use crate::wire::{Answer, Net, Request};
use crate::worker::Worker;
use adapter_spi::ResourceKind;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::{Arc, Mutex};

/// More than any case needs.
const STEPS_MAX: u64 = 200_000;

/// What happens next.
pub(crate) enum Event {
    /// A call arrives; nobody may wait for its answer any more.
    Arrive(Box<Travel>),
    Reply {
        call: u64,
        worker: usize,
        answer: Box<Answer>,
        shown: Option<(usize, i64)>,
    },
    Tick {
        worker: usize,
        at: usize,
        stamp: u64,
    },
    Wake {
        worker: usize,
    },
    Resume {
        worker: usize,
    },
    Restart {
        worker: usize,
    },
    Fault(usize),
    Act {
        number: usize,
        tries: u32,
    },
    Deliver {
        number: usize,
        tries: u32,
    },
    /// An owner takes away what was just given.
    TakeBack {
        at: usize,
        gift: Gift,
    },
    /// Whoever no gateway operates does its part on a platform.
    Follow {
        at: usize,
    },
    Repair,
    LeaseClock,
    Fair,
    Late,
}

/// What a call of the gateway's has just given.
#[derive(Debug, Clone)]
pub(crate) struct Gift {
    pub(crate) kind: ResourceKind,
    pub(crate) held: Held,
    /// The call's intent.
    pub(crate) intent: u64,
}

/// A call on its way to where it is answered.
pub(crate) struct Travel {
    pub(crate) request: Request,
    pub(crate) treat: Treat,
    pub(crate) intent: Option<u64>,
    pub(crate) answered: bool,
    pub(crate) doomed: Option<Point>,
}

/// What tasks leave when they end.
pub(crate) enum Done {
    Turn { worker: usize, life: u32, at: usize, end: Box<End> },
    Deed { number: usize, tries: u32, told: Told },
    Delivered { number: usize, tries: u32, told: Told },
}

/// Where a run is on its way to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Faults,
    /// Nothing goes wrong any more.
    Fair,
    /// Everything settled once; so many rounds more may change nothing.
    Quiet {
        rounds: u32,
        size: u64,
        writes: u64,
    },
    Over,
}

/// What a run was.
#[derive(Debug)]
pub struct Outcome {
    /// The first promise that was broken.
    pub broken: Option<Violation>,
    /// The hash of the trace.
    pub hash: String,
    /// Events that happened.
    pub steps: u64,
    /// Virtual milliseconds.
    pub virtual_ms: i64,
    /// How often each kind of fault struck.
    pub fired: BTreeMap<Kind, u64>,
    /// Kept lines of the trace.
    pub lines: Vec<String>,
    /// How many effects workers made since kills were counted, in their last lives.
    pub effects: usize,
    /// How many kills never came: there were no effects left for them.
    pub unmet: usize,
    /// Leaves in the log at the end.
    pub leaves: u64,
    /// What the platforms hold at the end.
    pub holds: String,
}

/// A world.
pub(crate) struct World {
    pub(crate) case: Case,
    pub(crate) pool: &'static Pool,
    pub(crate) time: TrueTime,
    queue: BinaryHeap<Reverse<(i64, u64)>>,
    events: BTreeMap<u64, Event>,
    made: u64,
    pub(crate) executor: Executor,
    pub(crate) net: Arc<Mutex<Net>>,
    pub(crate) done: Arc<Mutex<Vec<Done>>>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) still: BTreeSet<usize>,
    pub(crate) store: StoreTruth,
    pub(crate) platforms: Vec<Platform>,
    pub(crate) faults: Faults,
    pub(crate) check: Check,
    pub(crate) trace: Trace,
    pub(crate) rng: Rng,
    pub(crate) phase: Phase,
    pub(crate) settled: BTreeMap<usize, u64>,
    pub(crate) rounds: BTreeMap<usize, u32>,
    pub(crate) kills: Vec<crate::case::Kill>,
    pub(crate) effects: usize,
    pub(crate) doomed: Option<(usize, u64)>,
    pub(crate) decided: u64,
    pub(crate) steps: u64,
}

impl World {
    pub(crate) fn new(case: Case, keep: bool) -> Self {
        let pool = pool::of(case.seed);
        let rng = Rng::named(case.seed, "net");
        let time = TrueTime::default();
        let net: Arc<Mutex<Net>> = Arc::default();
        let platforms: Vec<Platform> = (0..)
            .zip(&pool.rooms)
            .map(|(at, name)| Platform::new(name, apart(&case, at)))
            .collect();
        // The desk, where people decide, comes last.
        let workers = (0..=case.workers).map(|number| {
            let skew_ms = i64::try_from(number).unwrap_or(0) * 700 - 300;
            Worker::new(number, pool, &net, (&time, skew_ms), &platforms)
        });
        let workers = workers.collect();
        let mut world = Self {
            kills: case.kills.clone(),
            case,
            pool,
            time,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            made: 0,
            executor: Executor::default(),
            net,
            done: Arc::default(),
            workers,
            still: BTreeSet::new(),
            store: StoreTruth::new(),
            platforms,
            faults: Faults::default(),
            check: Check::new(pool),
            trace: Trace::new(keep),
            rng,
            phase: Phase::Faults,
            settled: BTreeMap::new(),
            rounds: BTreeMap::new(),
            effects: 0,
            doomed: None,
            decided: 0,
            steps: 0,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        for (number, at_ms) in
            self.case.acts.iter().map(|act| act.at_ms).enumerate().collect::<Vec<_>>()
        {
            self.at(at_ms, Event::Act { number, tries: 0 });
        }
        for (number, at_ms) in
            self.case.faults.iter().map(|fault| fault.at_ms).enumerate().collect::<Vec<_>>()
        {
            self.at(at_ms, Event::Fault(number));
        }
        for worker in 0..self.case.workers {
            for at in 0..self.platforms.len() {
                let first = self.rng.range(100, 5_000);
                self.tick(worker, at, first);
            }
        }
        self.at(self.case.horizon_ms, Event::Fair);
    }

    pub(crate) fn now(&self) -> i64 {
        self.time.get()
    }

    /// Something happens at a time.
    pub(crate) fn at(&mut self, at_ms: i64, event: Event) {
        self.made += 1;
        self.queue.push(Reverse((at_ms.max(self.now()), self.made)));
        self.events.insert(self.made, event);
    }

    /// Something happens after a while.
    pub(crate) fn after(&mut self, ms: i64, event: Event) {
        self.at(self.now().saturating_add(ms), event);
    }

    /// A worker looks at a platform after a while, and not before.
    pub(crate) fn tick(&mut self, worker: usize, at: usize, ms: i64) {
        let post = self.workers.get_mut(worker).and_then(|worker| worker.posts.get_mut(at));
        let Some(post) = post else { return };
        post.stamp += 1;
        let stamp = post.stamp;
        self.after(ms, Event::Tick { worker, at, stamp });
    }

    pub(crate) fn is_desk(&self, worker: usize) -> bool {
        worker == self.case.workers
    }

    /// Runs to its end, or to the first broken promise.
    pub(crate) fn run(mut self) -> Outcome {
        while self.phase != Phase::Over && self.check.broken.is_none() {
            let Some(Reverse((at_ms, number))) = self.queue.pop() else {
                self.check.hold(31, false, || "nothing happens any more".to_owned());
                break;
            };
            let Some(event) = self.events.remove(&number) else { continue };
            self.time.set(at_ms);
            self.check.now_ms = at_ms;
            self.steps += 1;
            self.happen(event);
            self.think();
            if self.steps > STEPS_MAX {
                self.check.hold(31, false, || "it never comes to rest".to_owned());
            }
        }
        if self.check.broken.is_none() {
            self.check.end();
        }
        // An export costs files: every so many seeds.
        if self.check.broken.is_none() && self.case.seed.is_multiple_of(25) {
            let said = crate::offline::verified(&mut self.store, self.pool);
            match said {
                Err(why) => self.check.hold(27, false, || why),
                Ok(None) => {}
                Ok(Some((size, root))) => {
                    let same = self.check.is_head(size, root);
                    self.check.hold(24, same, || "an export is of another log".to_owned());
                }
            }
        }
        Outcome {
            hash: self.trace.hash(),
            holds: self.holds(),
            lines: self.trace.lines().to_vec(),
            steps: self.steps,
            virtual_ms: self.now(),
            fired: self.faults.fired,
            effects: self.effects,
            unmet: self.kills.len(),
            leaves: self.check.oracle.size,
            broken: self.check.broken,
        }
    }

    /// What the platforms hold, in words.
    fn holds(&self) -> String {
        let held = self.platforms.iter().map(|platform| {
            let things = platform.holds.things.iter();
            let things = things.map(|(kind, held)| format!("{kind}={}", held.digest.short()));
            format!("{}: {}", platform.name, things.collect::<Vec<_>>().join(", "))
        });
        held.collect::<Vec<_>>().join("; ")
    }

    /// Lets workers think until each of them waits for the world.
    fn think(&mut self) {
        loop {
            self.executor.run(&self.still);
            if let Some((worker, _)) = self.doomed.take_if(|(_, call)| *call == 0) {
                self.line(worker, format_args!("dies with its next call unsent"));
                self.die(worker);
                continue;
            }
            let new = std::mem::take(&mut lock(&self.net).new);
            let done = std::mem::take(&mut *lock(&self.done));
            if new.is_empty() && done.is_empty() {
                return;
            }
            for done in done {
                self.ended(done);
            }
            for request in new {
                self.send(request);
            }
        }
    }

    pub(crate) fn line(&mut self, worker: usize, what: std::fmt::Arguments<'_>) {
        let who = match worker {
            0 => "w0",
            1 => "w1",
            2 => "w2",
            3 => "w3",
            _ => "world",
        };
        let who = if self.is_desk(worker) { "desk" } else { who };
        self.trace.line(self.time.get(), who, what);
    }
}
