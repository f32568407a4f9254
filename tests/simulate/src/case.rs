//! A case: everything that happens to a world from outside, as a list. It is drawn from a seed once; a run only reads it, so that
//! it can be replayed, and made smaller by leaving lines out.

use crate::rng::Rng;
use serde::{Deserialize, Serialize};

/// Minutes, in milliseconds.
pub(crate) const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;
/// When the last fault is over.
pub(crate) const HORIZON: i64 = 7 * DAY;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $text:literal,)*) => {
        /// The kinds of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

kinds! {
    /// A worker dies and starts anew.
    Crash "crash",
    /// A worker dies with an append on its way.
    CrashMidAppend "crash-mid-append",
    /// A worker stands still for ten leases.
    Pause "pause",
    /// A look shows what was a while ago.
    StaleRead "stale-read",
    /// A look misses one account, and says so.
    PartialRead "partial-read",
    /// One account can't be looked at for a while.
    BlindMember "blind-member",
    /// A worker is not told that a log has grown.
    MissedWake "missed-wake",
    /// A worker is told twice.
    DuplicateWake "duplicate-wake",
    /// A worker is told much later.
    ReorderedWakes "reordered-wakes",
    /// Nothing of a worker reaches a platform.
    PartitionOut "partition-out",
    /// Nothing of a platform reaches a worker, but the worker's calls do arrive.
    PartitionIn "partition-in",
    /// An answer takes very long.
    SlowCall "slow-call",
    /// Too many calls, with a time to wait.
    Throttled "throttled",
    /// Too many calls, without one.
    ThrottledBare "throttled-bare",
    /// An error of the server's; nothing was done.
    ServerErrorUnapplied "server-error-unapplied",
    /// An error of the server's; it was done.
    ServerErrorApplied "server-error-applied",
    /// It was done, and the answer never came.
    TimeoutAfterSuccess "timeout-after-success",
    /// It says done, and nothing was.
    LyingSuccess "lying-success",
    /// A call takes effect long after it was given up.
    LateArrival "late-arrival",
    /// A call takes effect a second time, later.
    DuplicateArrival "duplicate-arrival",
    /// The answer is of somebody else's account.
    WrongAccount "wrong-account",
    /// The answer has words that nobody knows here.
    UnreadableAnswer "unreadable-answer",
    /// A worker's clock steps ahead.
    ClockAhead "clock-ahead",
    /// A worker's clock steps back.
    ClockBack "clock-back",
    /// A worker's clock runs fast or slow.
    ClockDrift "clock-drift",
    /// The clock that leases expire by is an hour off.
    LeaseClockOff "lease-clock-off",
    /// The store takes nothing more for a while.
    StoreFull "store-full",
    /// The store committed, and its answer was lost.
    CommitAnswerLost "commit-answer-lost",
    /// The store fails over without what it had not answered yet.
    StoreFailover "store-failover",
    /// An older copy of the store is in its place for a while.
    SnapshotRestored "snapshot-restored",
    /// A lease is given to a second worker while the first is at work.
    TwoLeaders "two-leaders",
    /// A member's credentials have expired for a while.
    CredentialsExpired "credentials-expired",
    /// A quota is spent.
    QuotaExhausted "quota-exhausted",
    /// A worker is older than the store's schema for a while.
    NewerSchema "newer-schema",
    /// An owner takes away what was just given, before anybody has looked.
    TakenAtOnce "taken-at-once",
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Injected {
    pub(crate) at_ms: i64,
    pub(crate) kind: Kind,
    pub(crate) worker: usize,
    pub(crate) platform: usize,
    pub(crate) member: usize,
    /// How much, between 0 and 999, in the kind's own measure.
    pub(crate) amount: i64,
}

/// What can be withdrawn, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    Member,
    Dataset,
    Column,
    Template(usize),
    Approval(usize),
    Room,
}

/// What a person does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Deed {
    Propose {
        version: usize,
    },
    Join {
        member: usize,
    },
    Approve {
        member: usize,
        template: usize,
    },
    Revoke {
        member: usize,
        what: What,
    },
    /// Offers again everything of the member's that was found withdrawn.
    Reoffer {
        member: usize,
    },
    /// Asks for a run in the native room and lets it deliver a little later.
    Run {
        template: usize,
    },
    Leave {
        platform: usize,
        member: usize,
    },
    DropDataset {
        platform: usize,
        dataset: usize,
    },
    DropApproval {
        platform: usize,
        template: usize,
        member: usize,
    },
    /// Puts a looser value in a dataset's place.
    Loosen {
        platform: usize,
        dataset: usize,
    },
    /// Allows a template in an owner's name.
    Allow {
        platform: usize,
        template: usize,
        member: usize,
    },
    /// Puts back what was dropped last.
    Restore {
        platform: usize,
    },
    Stranger {
        platform: usize,
        there: bool,
    },
    Query {
        platform: usize,
        template: usize,
    },
    /// The first of the steps to a dataset is there already.
    HalfCreate {
        platform: usize,
    },
}

impl Deed {
    /// Whether it goes into the log, and there alone.
    pub(crate) const fn is_decision(&self) -> bool {
        matches!(
            self,
            Self::Propose { .. }
                | Self::Join { .. }
                | Self::Approve { .. }
                | Self::Revoke { .. }
                | Self::Run { .. }
        )
    }
}

/// One act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Act {
    pub(crate) at_ms: i64,
    pub(crate) deed: Deed,
}

/// Where a worker dies: at its so-manieth effect since it was last started, at one of four points of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Kill {
    pub(crate) effect: usize,
    pub(crate) point: Point,
}

/// The points of one effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Point {
    /// It is about to be sent.
    BeforeSend,
    /// It was done, and no answer came.
    AfterSend,
    /// The answer was there, and nobody had looked at it.
    AfterReply,
    /// The answer was taken, and the next thing was about to be done.
    AfterPersist,
}

impl Point {
    pub(crate) const ALL: [Self; 4] =
        [Self::BeforeSend, Self::AfterSend, Self::AfterReply, Self::AfterPersist];
}

/// Everything that happens to a world from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    /// A member whom no gateway operates on one platform.
    #[serde(default)]
    pub(crate) apart: Option<(usize, usize)>,
    pub(crate) horizon_ms: i64,
    pub(crate) faults: Vec<Injected>,
    pub(crate) acts: Vec<Act>,
    #[serde(default)]
    pub(crate) kills: Vec<Kill>,
    /// From when on effects are counted for kills.
    #[serde(default)]
    pub(crate) kills_from_ms: i64,
}

/// Everybody joins and approves.
pub(crate) fn prelude(version: usize, step_ms: i64) -> Vec<Act> {
    let mut deeds = vec![Deed::Propose { version }];
    deeds.extend((0..3).map(|member| Deed::Join { member }));
    let owners = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 2)];
    deeds.extend(owners.map(|(template, member)| Deed::Approve { member, template }));
    let at = |(n, deed)| Act { at_ms: step_ms.saturating_mul(n), deed };
    (0..).zip(deeds).map(at).collect()
}

impl Case {
    /// The case of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut people = Rng::named(seed, "people");
        let mut faults = Rng::named(seed, "faults");
        let version = usize::from(!people.once_in(3));
        let mut case = Self {
            seed,
            workers: if faults.once_in(3) { 3 } else { 2 },
            apart: faults.once_in(4).then(|| (small(&mut faults, 3), 0)),
            horizon_ms: HORIZON,
            faults: Vec::new(),
            acts: prelude(version, people.range(20, 2_000)),
            kills: Vec::new(),
            kills_from_ms: 0,
        };
        let mut episodes: Vec<i64> = vec![0];
        episodes.extend((0..people.range(3, 6)).map(|_| people.range(MINUTE, HORIZON - DAY / 2)));
        episodes.sort_unstable();
        for begin in episodes {
            episode(&mut case, begin, &mut people, &mut faults);
        }
        if people.once_in(6) {
            late_write(&mut case, &mut people);
        }
        case.acts.sort_by_key(|act| act.at_ms);
        case.faults.sort_by_key(|fault| fault.at_ms);
        case
    }
}

fn small(rng: &mut Rng, end: u64) -> usize {
    usize::try_from(rng.below(end)).unwrap_or(0)
}

fn episode(case: &mut Case, begin: i64, people: &mut Rng, faults: &mut Rng) {
    let acts = people.range(1, 5);
    let mut at_ms = begin;
    for _ in 0..acts {
        at_ms += if people.once_in(3) { people.range(0, 90_000) } else { people.range(0, 3_000) };
        for deed in deeds(people) {
            at_ms += people.range(1, 1_500);
            case.acts.push(Act { at_ms, deed });
        }
    }
    for _ in 0..faults.range(3, 9) {
        let kind = faults.pick(Kind::ALL).copied().unwrap_or(Kind::Crash);
        let near = if faults.once_in(3) { at_ms - begin + 300_000 } else { 20_000 };
        case.faults.push(Injected {
            at_ms: (begin + faults.range(-4_000, near)).max(1),
            kind,
            worker: small(faults, case.workers as u64),
            platform: small(faults, 3),
            member: small(faults, 3),
            amount: faults.range(0, 1000),
        });
    }
}

/// An owner changes its mind twice while the platform where all that it allows is one value takes writes late: whatever the first
/// leaves open was withdrawn since.
fn late_write(case: &mut Case, rng: &mut Rng) {
    let begin = rng.range(10 * MINUTE, HORIZON - DAY / 2);
    let platform = crate::pool::whole(case.seed);
    for _ in 0..rng.range(1, 4) {
        let (worker, amount) = (small(rng, case.workers as u64), rng.range(400, 1_000));
        let kind = Kind::LateArrival;
        case.faults.push(Injected { at_ms: begin, kind, worker, platform, member: 0, amount });
    }
    let (one, other) = (small(rng, 3), small(rng, 3));
    let gone = |template| Deed::Revoke { member: 2, what: What::Approval(template) };
    let first = if rng.once_in(2) { gone(one) } else { Deed::Approve { member: 2, template: one } };
    case.acts.push(Act { at_ms: begin + 1, deed: first });
    case.acts.push(Act { at_ms: begin + rng.range(500, 40_000), deed: gone(other) });
}

/// One thing that a person does, with what belongs to it.
fn deeds(rng: &mut Rng) -> Vec<Deed> {
    let (member, template) = (small(rng, 3), small(rng, 3));
    let (platform, dataset) = (small(rng, 3), small(rng, 3));
    match rng.below(40) {
        0..=3 => {
            let mut all = vec![Deed::Propose { version: small(rng, 8) }];
            all.extend((0..3).map(|member| Deed::Join { member }));
            all.extend(
                [(0, 1), (0, 2), (1, 0), (1, 2), (2, 2)]
                    .map(|(template, member)| Deed::Approve { member, template }),
            );
            all
        }
        4..=7 => vec![Deed::Approve { member, template }],
        8..=9 => vec![Deed::Revoke { member, what: What::Dataset }],
        10..=12 => vec![Deed::Revoke { member, what: What::Template(template) }],
        13..=16 => {
            let gone = Deed::Revoke { member, what: What::Approval(template) };
            if rng.once_in(2) { vec![gone, Deed::Approve { member, template }] } else { vec![gone] }
        }
        17 => vec![Deed::Revoke { member, what: What::Column }],
        18 => vec![Deed::Revoke { member, what: What::Member }],
        19 if rng.once_in(3) => vec![Deed::Revoke { member, what: What::Room }],
        19..=21 => vec![Deed::Reoffer { member }],
        22..=24 => vec![Deed::Run { template }],
        25 => vec![Deed::Leave { platform, member }],
        26..=28 => vec![Deed::DropDataset { platform, dataset }],
        29..=30 => vec![Deed::DropApproval { platform, template, member }],
        31..=32 => vec![Deed::Loosen { platform, dataset }],
        33..=34 => vec![Deed::Allow { platform, template, member }],
        35..=36 => vec![Deed::Restore { platform }],
        37 => vec![
            Deed::Stranger { platform, there: true },
            Deed::Approve { member, template },
            Deed::Stranger { platform, there: false },
        ],
        _ => vec![Deed::Query { platform, template }],
    }
}
