//! A worker: one life of one gateway process, with its own view of the log, its own clock and what it remembers. All of it but the
//! clock and the newest head that it saw is lost when it dies.

use crate::adapter::SimAdapter;
use crate::clock::{SimClock, TrueTime};
use crate::pass::Memory;
use crate::platform::Platform;
use crate::pool::Pool;
use crate::store::SimStore;
use crate::turn::Turn;
use crate::wire::{Net, Wire};
use airlock::clock::Clock;
use airlock::log::{AgreementLog, Checkpoint, MemoryPins, Pins, SecretKey};
use airlock::store::{Lease, Store};
use std::sync::{Arc, Mutex};

/// What a worker does at one platform.
#[derive(Default)]
pub(crate) struct Post {
    pub(crate) memory: Option<Memory>,
    pub(crate) lease: Option<Lease>,
    pub(crate) busy: bool,
    pub(crate) again: bool,
    pub(crate) failures: u32,
    /// The tick that counts; older ones are void.
    pub(crate) stamp: u64,
    /// How much was decided when the turn that is on its way began.
    pub(crate) began: u64,
}

/// A worker.
pub(crate) struct Worker {
    pub(crate) number: usize,
    pub(crate) life: u32,
    pub(crate) alive: bool,
    pub(crate) log: Arc<AgreementLog>,
    pub(crate) clock: Arc<SimClock>,
    /// The newest head that it saw, which outlives it.
    pins: Arc<MemoryPins>,
    pub(crate) posts: Vec<Post>,
    store: Arc<dyn Store>,
    adapters: Vec<Arc<SimAdapter>>,
}

impl Worker {
    pub(crate) fn new(
        number: usize,
        pool: &'static Pool,
        net: &Arc<Mutex<Net>>,
        (time, skew_ms): (&TrueTime, i64),
        platforms: &[Platform],
    ) -> Self {
        let clock = Arc::new(SimClock::new(time.clone(), skew_ms));
        let wire = Wire { net: Arc::clone(net), worker: number };
        let store: Arc<dyn Store> = Arc::new(SimStore(wire.clone()));
        let adapter =
            |platform: &Platform| Arc::new(SimAdapter::new(wire.clone(), pool, platform, time));
        let pins: Arc<MemoryPins> = Arc::default();
        let log = Arc::new(log(&store, &clock, &pins));
        Self {
            number,
            life: 0,
            alive: true,
            log,
            clock,
            pins,
            posts: platforms.iter().map(|_| Post::default()).collect(),
            store,
            adapters: platforms.iter().map(adapter).collect(),
        }
    }

    /// How long the log was that it saw last, in whatever life.
    pub(crate) fn seen(&self, pool: &Pool) -> u64 {
        let kept = self.pins.pinned(&pool.collaboration).unwrap_or_default();
        let head = kept.note.and_then(|note| Checkpoint::parse(&note).ok());
        head.map_or(0, |head| head.size)
    }

    /// It dies: nothing is left of it but its clock.
    pub(crate) fn die(&mut self) {
        self.alive = false;
        self.life += 1;
        self.posts.iter_mut().for_each(|post| {
            let stamp = post.stamp + 1;
            *post = Post { stamp, ..Post::default() };
        });
    }

    /// It starts anew.
    pub(crate) fn start(&mut self) {
        self.log = Arc::new(log(&self.store, &self.clock, &self.pins));
        self.alive = true;
    }

    /// A turn at a platform, unless one is on its way.
    pub(crate) fn turn(&mut self, pool: &Pool, at: usize, anyway: bool) -> Option<Turn> {
        let adapter = self.adapters.get(at)?;
        let name = adapter_spi::Adapter::platform(adapter.as_ref());
        let post = self.posts.get_mut(at)?;
        if post.busy {
            post.again = true;
            return None;
        }
        post.busy = true;
        let clock: Arc<dyn Clock> = Arc::<SimClock>::clone(&self.clock);
        Some(Turn {
            log: Arc::clone(&self.log),
            store: Arc::clone(&self.store),
            adapter: Arc::clone(adapter),
            clock,
            collaboration: pool.collaboration.clone(),
            resource: format!("{}/{name}", pool.collaboration),
            holder: format!("worker-{}-{}", self.number, self.life),
            lease: post.lease.take(),
            memory: post.memory.take().unwrap_or_default(),
            anyway,
        })
    }
}

fn log(store: &Arc<dyn Store>, clock: &Arc<SimClock>, pins: &Arc<MemoryPins>) -> AgreementLog {
    let clock: Arc<dyn Clock> = Arc::<SimClock>::clone(clock);
    let pins: Arc<dyn Pins> = Arc::<MemoryPins>::clone(pins);
    AgreementLog::new(Arc::clone(store), SecretKey::from_seed([9; 32]), clock).with_pins(pins)
}
