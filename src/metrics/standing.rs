//! Where each log stands, by the last look at it: what is open, what is in doubt, how much of the cap is used. Names stay in here; what leaves
//! are sums, or rooms whose collaborations somebody else names. Must not know how a look is made.

use mappings::model::{CollaborationId, PlatformId};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Attempts that are kept of a log; a cap above that is not used up by so few.
const ATTEMPTS_MAX: usize = 65_536;

/// A log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LogNow {
    /// When each thing was taken away that was not seen closed everywhere.
    pub(crate) open_ms: Vec<i64>,
    /// When runs were asked for, oldest first.
    pub(crate) attempts_ms: Vec<i64>,
    /// So many may be within a window of so long.
    pub(crate) runs_max: u32,
    pub(crate) window_ms: i64,
    /// Rooms in which something is still to be seen closed.
    pub(crate) closing: Vec<PlatformId>,
}

/// A room, by its last pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RoomNow {
    /// Whether more was found open than agreed.
    pub(crate) wider: bool,
    /// Why it could not be looked at, closed or brought to what is agreed.
    pub(crate) failed: Option<String>,
}

#[derive(Debug, Default)]
struct Standing {
    log: LogNow,
    doubt: Option<&'static str>,
    rooms: BTreeMap<PlatformId, RoomNow>,
}

/// A room that is not as agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Behind {
    pub(crate) collaboration: CollaborationId,
    pub(crate) room: PlatformId,
    /// `wider`, `closing` or the code of what went wrong.
    pub(crate) why: String,
}

/// All logs together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sum {
    pub(crate) logs: usize,
    pub(crate) in_doubt: usize,
    pub(crate) open: usize,
    pub(crate) oldest_ms: Option<i64>,
    pub(crate) wider: usize,
    pub(crate) cap_used: f64,
}

/// The same.
#[derive(Debug, Default)]
pub(crate) struct Standings(Mutex<BTreeMap<CollaborationId, Standing>>);

impl Standings {
    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<CollaborationId, Standing>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A log was read.
    pub(crate) fn read(&self, of: &CollaborationId, mut log: LogNow) {
        let many = log.attempts_ms.len().saturating_sub(ATTEMPTS_MAX);
        log.attempts_ms.drain(..many);
        self.with(|all| all.entry(of.clone()).or_default().log = log);
    }

    /// Whether a log is what this gateway saw. One that is, and of which nothing else is known, takes no room.
    pub(crate) fn believed(&self, of: &CollaborationId, doubt: Option<&'static str>) {
        self.with(|all| match (all.get_mut(of), doubt) {
            (Some(standing), _) => standing.doubt = doubt,
            (None, Some(_)) => all.entry(of.clone()).or_default().doubt = doubt,
            (None, None) => {}
        });
    }

    /// A room was looked at.
    pub(crate) fn looked(&self, of: &CollaborationId, room: &PlatformId, now: RoomNow) {
        self.with(|all| all.entry(of.clone()).or_default().rooms.insert(room.clone(), now));
    }

    /// Another worker looks at the rest. What is in doubt is so wherever it is looked at.
    pub(crate) fn keep(&self, mine: impl Fn(&CollaborationId) -> bool) {
        self.with(|all| {
            all.retain(|of, standing| {
                let is_mine = mine(of);
                if !is_mine {
                    *standing = Standing { doubt: standing.doubt, ..Standing::default() };
                }
                is_mine || standing.doubt.is_some()
            });
        });
    }

    /// All together, at this time.
    pub(crate) fn sum(&self, now_ms: i64) -> Sum {
        self.with(|all| {
            let mut sum = Sum { logs: all.len(), ..Sum::default() };
            for standing in all.values() {
                let Standing { log, doubt, rooms } = standing;
                sum.in_doubt += usize::from(doubt.is_some());
                sum.open += log.open_ms.len();
                sum.oldest_ms = sum.oldest_ms.into_iter().chain(log.open_ms.iter().copied()).min();
                sum.wider += rooms.values().filter(|room| room.wider).count();
                sum.cap_used = sum.cap_used.max(log.cap_used(now_ms));
            }
            sum
        })
    }

    /// Logs in doubt with the code of why, up to so many.
    pub(crate) fn in_doubt(&self, max: usize) -> Vec<(CollaborationId, &'static str)> {
        self.with(|all| {
            let doubted = all.iter().filter_map(|(of, one)| Some((of.clone(), one.doubt?)));
            doubted.take(max).collect()
        })
    }

    /// Rooms that are not as agreed, up to so many; what is open first.
    pub(crate) fn behind(&self, max: usize) -> Vec<Behind> {
        self.with(|all| {
            let mut behind = Vec::new();
            for (of, standing) in all.iter() {
                let row = |room: &PlatformId, why: &str| Behind {
                    collaboration: of.clone(),
                    room: room.clone(),
                    why: why.to_owned(),
                };
                behind.extend(standing.log.closing.iter().map(|room| row(room, "closing")));
                for (room, now) in &standing.rooms {
                    behind.extend(now.wider.then(|| row(room, "wider")));
                    behind.extend(now.failed.as_ref().map(|code| row(room, code)));
                }
            }
            behind.sort_by_key(|one| match one.why.as_str() {
                "wider" => 0,
                "closing" => 1,
                _ => 2,
            });
            behind.truncate(max);
            behind
        })
    }
}

impl LogNow {
    fn cap_used(&self, now_ms: i64) -> f64 {
        let since = now_ms.saturating_sub(self.window_ms);
        let used = self.attempts_ms.iter().filter(|at| **at > since).count();
        // Where nothing may be run, nothing of it is used.
        if self.runs_max == 0 {
            return 0.0;
        }
        f64::from(u32::try_from(used).unwrap_or(u32::MAX)) / f64::from(self.runs_max)
    }
}
