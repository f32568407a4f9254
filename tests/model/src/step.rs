//! What may happen next, and what must never. The verdicts on giving and closing are the fold's own; the rest is what workers,
//! the store and platforms do, each step as small as another's may come between. Must not know how states are found.

use crate::promise::{
    FENCED, NOT_CLOSED, Promise, STALE, UNCONFIRMED, WITHDRAWN, is_unconfirmed, may_open, reopened,
};
use crate::rules::{Break, Rules};
use crate::world::{NOBODY, Phase, Worker, World};
use airlock::log::fold::{Closing, Giving};

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A member withdraws.
    Withdraw,
    /// It is granted anew.
    Regrant,
    /// A worker takes the lease, whoever had it: it has expired.
    Acquire(usize),
    /// A worker dies, or starts anew: it has forgotten everything.
    Crash(usize),
    /// A worker reads the log and turns to a platform.
    Load(usize, usize),
    /// It looks.
    Look {
        /// Who.
        by: usize,
        /// Whether the answer is one version old.
        old: bool,
    },
    /// It writes down what it saw and reads the log again.
    Reread(usize),
    /// It settles an open intent of a worker's.
    Settle(usize, usize),
    /// It sends a call that takes away.
    Take(usize),
    /// It records that these withdrawals are seen closed.
    Confirm(usize, u8),
    /// It records that it will give.
    Intend(usize),
    /// Its pass ends.
    Done(usize),
    /// Its call that gives leaves.
    Send(usize),
    /// It is too late for that call: it records that it made none.
    TooLate(usize),
    /// It hears nothing, and goes on.
    GiveUp(usize),
    /// It records the answer.
    Record(usize),
    /// A worker's call that gives takes effect on a platform.
    Deliver(usize, usize),
    /// It is refused.
    Refuse(usize, usize),
    /// It is lost.
    Lose(usize, usize),
    /// A call that takes away takes effect on a platform.
    Taken(usize),
    /// It is lost.
    LoseTaking(usize),
}

impl Step {
    /// Whether it comes to pass by itself in a world in which nothing goes wrong any more.
    #[must_use]
    pub const fn is_fair(self) -> bool {
        !matches!(
            self,
            Self::Withdraw | Self::Regrant | Self::Crash(_) | Self::Look { old: true, .. }
        )
    }
}

/// A step, where it leads, and what it breaks.
#[derive(Debug, Clone, Copy)]
pub struct Next {
    /// What happens.
    pub step: Step,
    /// The world after it.
    pub world: World,
    /// The promise that it breaks.
    pub broken: Option<Promise>,
}

/// All that may happen in one state.
#[derive(Debug)]
pub struct Steps<'a> {
    rules: Rules,
    world: World,
    out: &'a mut Vec<Next>,
}

/// Writes all that may happen into `out`.
pub fn steps(rules: Rules, world: &World, out: &mut Vec<Next>) {
    out.clear();
    let mut steps = Steps { rules, world: *world, out };
    steps.people();
    (0..2).for_each(|by| steps.worker(by));
    (0..usize::from(rules.platforms)).for_each(|at| steps.platform(at));
}

const fn bit(of: usize) -> u8 {
    1 << of
}

impl Steps<'_> {
    fn then(&mut self, step: Step, change: impl FnOnce(&mut World)) {
        self.or_broken(step, None, change);
    }

    fn or_broken(&mut self, step: Step, broken: Option<Promise>, change: impl FnOnce(&mut World)) {
        let mut world = self.world;
        change(&mut world);
        world.settle(usize::from(self.rules.platforms));
        let broken = broken.or_else(|| reopened(self.rules, &world));
        self.out.push(Next { step, world, broken });
    }

    fn people(&mut self) {
        if self.world.stands && self.world.open < self.rules.epochs {
            self.then(Step::Withdraw, |world| {
                world.open += 1;
                decide(world, false);
            });
        }
        if !self.world.stands {
            self.then(Step::Regrant, |world| decide(world, true));
        }
    }

    fn worker(&mut self, by: usize) {
        let worker = self.world.workers[by];
        let holds = worker.leased && usize::from(self.world.newest) == by;
        if worker != Worker::default() {
            self.then(Step::Crash(by), |world| {
                world.workers[by] = Worker::default();
                if usize::from(world.newest) == by {
                    world.newest = NOBODY;
                }
            });
        }
        match worker.phase {
            Phase::Idle => self.idle(by, holds),
            Phase::Loaded => self.look(by),
            Phase::Looked => {
                if holds {
                    self.write_down(by);
                }
                self.judge(by);
            }
            Phase::Intended => {
                let at = usize::from(worker.place);
                self.then(Step::Send(by), |world| {
                    world.places[at].giving |= bit(by);
                    world.workers[by].calls(Phase::Sent);
                });
                self.ends(Step::TooLate(by), by, true);
            }
            Phase::Sent => self.ends(Step::GiveUp(by), by, false),
            Phase::Answered => {
                self.ends(Step::GiveUp(by), by, false);
                self.ends(Step::Record(by), by, true);
            }
        }
    }

    fn ends(&mut self, step: Step, by: usize, recorded: bool) {
        self.then(step, |world| {
            let at = usize::from(world.workers[by].place);
            if recorded {
                world.places[at].intents &= !bit(by);
            }
            world.workers[by].end();
        });
    }

    fn idle(&mut self, by: usize, holds: bool) {
        if !holds {
            self.then(Step::Acquire(by), |world| {
                world.workers[by].leased = true;
                world.newest = u8::from(by != 0);
            });
        }
        let rules = self.rules;
        for at in 0..rules.platforms {
            self.then(Step::Load(by, usize::from(at)), |world| {
                let place = world.places[usize::from(at)];
                let awaits = world.awaited(&place);
                let worker = &mut world.workers[by];
                if worker.place != at {
                    (worker.once, worker.moved) = (0, false);
                }
                (worker.place, worker.phase) = (at, Phase::Loaded);
                (worker.saw, worker.late) = (false, place.intents != 0);
                worker.awaits = awaits;
                read(rules, world, by);
            });
        }
    }

    /// What was so at the last look that counted, or has been since, may be shown; before any, whatever there is to show.
    fn look(&mut self, by: usize) {
        let worker = self.world.workers[by];
        let open = self.world.places[usize::from(worker.place)].open;
        let apart = self.rules.has(Break::ApartByEnd);
        let old = self.rules.lags && (worker.once == 0 || worker.moved || !apart);
        for old in [false, true].into_iter().filter(|one| !one || old) {
            self.then(Step::Look { by, old }, |world| {
                let worker = &mut world.workers[by];
                (worker.phase, worker.saw) = (Phase::Looked, open != old);
                worker.moved &= worker.saw;
            });
        }
    }

    fn write_down(&mut self, by: usize) {
        let (rules, worker) = (self.rules, self.world.workers[by]);
        let at = usize::from(worker.place);
        let place = self.world.places[at];
        self.then(Step::Reread(by), |world| reread(rules, world, by));
        if !rules.has(Break::Settling) {
            return;
        }
        for owner in (0..2).filter(|owner| place.intents & bit(*owner) != 0) {
            let lands = place.giving & bit(owner) != 0;
            if lands && rules.has(Break::LateBound) {
                continue;
            }
            self.then(Step::Settle(by, owner), |world| {
                world.places[at].intents &= !bit(owner);
                let waits = &mut world.workers[owner];
                let sends = waits.phase == Phase::Intended && usize::from(waits.place) == at;
                if sends && rules.has(Break::SendBound) && rules.has(Break::LateBound) {
                    waits.end();
                }
                reread(rules, world, by);
            });
        }
    }

    /// Everything that follows from a look.
    fn judge(&mut self, by: usize) {
        let (rules, worker) = (self.rules, self.world.workers[by]);
        let at = usize::from(worker.place);
        let place = self.world.places[at];
        if worker.saw && !worker.wants {
            self.then(Step::Take(by), |world| {
                world.places[at].taking = true;
                world.workers[by].end();
            });
            self.then(Step::Done(by), |world| world.workers[by].end());
            return;
        }
        let late = worker.late && rules.has(Break::LateGrant);
        let discounts = worker.saw || late && rules.has(Break::CountLate);
        let agrees = if discounts { 0 } else { worker.awaits };
        let twice = rules.looks() > 1;
        let closed = if twice { agrees & worker.once } else { agrees };
        let seen = (worker.once | agrees) & self.world.awaited(&place);
        let once = if twice && !discounts { seen } else { 0 };
        if closed != 0 && !late {
            self.confirm(by, closed, once);
        } else if !worker.saw {
            self.intend(by);
        }
        self.then(Step::Done(by), |world| remember(world, by, once));
    }

    fn confirm(&mut self, by: usize, closed: u8, once: u8) {
        let at = usize::from(self.world.workers[by].place);
        let place = self.world.places[at];
        let late = place.intents != 0 && self.rules.has(Break::LateGrant);
        let legal = (0..3).filter(|epoch| closed & bit(*epoch) != 0).all(|epoch| {
            let confirmed = place.confirmed & bit(epoch) != 0;
            // That looks are newer than what they prove is a rule of the workers' here, with a switch of its own.
            let (reads, basis, since) = (self.rules.looks(), 1, 0);
            let closing = Closing { confirmed, reads, served: false, late, basis, since };
            closing.permitted().is_ok()
        });
        if !legal {
            return;
        }
        let broken = may_open(&self.world, at).then_some(NOT_CLOSED);
        self.or_broken(Step::Confirm(by, closed), broken, |world| {
            world.places[at].confirmed |= closed;
            remember(world, by, once & !closed);
        });
    }

    /// The fold and the store decide alone: the worker would give whatever it may.
    fn intend(&mut self, by: usize) {
        let (rules, world, worker) = (self.rules, self.world, self.world.workers[by]);
        let at = usize::from(worker.place);
        let newest = usize::from(world.newest) == by;
        let places = world.places.iter();
        let busy = places.fold(0, |busy, place| busy | place.giving | place.intents);
        if !worker.leased || (!newest && rules.has(Break::Fence)) || busy & bit(by) != 0 {
            return;
        }
        // Of a log's length it only matters whether anything was decided since.
        let size = 2;
        let unconfirmed = is_unconfirmed(rules, &world);
        let giving = Giving {
            basis: if worker.current { size } else { size - 1 },
            size,
            decided: size,
            stands: world.stands || !rules.has(Break::Standing),
            unconfirmed: unconfirmed && rules.has(Break::Unconfirmed),
        };
        let planned = !rules.has(Break::Basis) || giving.planned().is_ok();
        if !planned || giving.permitted().is_err() {
            return;
        }
        let broken = match (newest, worker.current, world.stands, unconfirmed) {
            (false, ..) => Some(FENCED),
            (_, false, ..) => Some(STALE),
            (_, _, false, _) => Some(WITHDRAWN),
            (.., true) => Some(UNCONFIRMED),
            (true, true, true, false) => None,
        };
        self.or_broken(Step::Intend(by), broken, |world| {
            world.places[at].intents |= bit(by);
            remember(world, by, 0);
            world.workers[by].place = worker.place;
            world.workers[by].calls(Phase::Intended);
        });
    }

    fn platform(&mut self, at: usize) {
        let (rules, place) = (self.rules, self.world.places[at]);
        for by in (0..2).filter(|by| place.giving & bit(*by) != 0) {
            let worker = self.world.workers[by];
            let waits = worker.phase == Phase::Sent && usize::from(worker.place) == at;
            self.then(Step::Deliver(at, by), |world| {
                world.places[at].giving &= !bit(by);
                becomes(rules, world, at, true);
                if waits {
                    world.workers[by].phase = Phase::Answered;
                }
            });
            if waits {
                self.then(Step::Refuse(at, by), |world| {
                    world.places[at].giving &= !bit(by);
                    world.workers[by].phase = Phase::Answered;
                });
            }
            self.then(Step::Lose(at, by), |world| world.places[at].giving &= !bit(by));
        }
        if place.taking {
            self.then(Step::Taken(at), |world| {
                world.places[at].taking = false;
                becomes(rules, world, at, false);
            });
            self.then(Step::LoseTaking(at), |world| world.places[at].taking = false);
        }
    }
}

fn decide(world: &mut World, stands: bool) {
    world.stands = stands;
    world.workers.iter_mut().for_each(|worker| worker.current = false);
}

/// What a worker knows of the log as it is.
fn read(rules: Rules, world: &mut World, by: usize) {
    let (stands, place) = (world.stands, world.places[usize::from(world.workers[by].place)]);
    let open = world.awaited(&place);
    let worker = &mut world.workers[by];
    worker.current = true;
    worker.wants = stands && (open == 0 || !rules.has(Break::Wanted));
}

/// The plan is made anew; what the look proves still rests on what was known before it.
fn reread(rules: Rules, world: &mut World, by: usize) {
    read(rules, world, by);
    let place = world.places[usize::from(world.workers[by].place)];
    let (awaited, late) = (world.awaited(&place), place.intents != 0);
    let worker = &mut world.workers[by];
    if rules.has(Break::JudgeReread) {
        worker.awaits &= awaited;
        worker.late |= late;
    } else {
        (worker.awaits, worker.late) = (awaited, late);
    }
}

fn remember(world: &mut World, by: usize, once: u8) {
    let worker = &mut world.workers[by];
    worker.once = once;
    worker.end();
}

fn becomes(rules: Rules, world: &mut World, at: usize, open: bool) {
    if world.places[at].open == open {
        return;
    }
    world.places[at].open = open;
    for worker in world.workers.iter_mut().filter(|worker| usize::from(worker.place) == at) {
        // Of no consequence where every look shows the truth.
        worker.moved |= rules.lags && (worker.once != 0 || worker.has_seen_closed());
    }
}
