//! Faults: those that hit one call and wait for one that they fit, and those that last for a while.

use crate::case::{Injected, Kind, MINUTE};
use crate::wire::{Ask, PlatformAsk, StoreAsk};
use adapter_spi::Effect;
use mappings::model::MemberId;
use std::collections::BTreeMap;

/// How one call goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Treat {
    Well,
    /// Lost on its way there.
    Lost,
    /// Its answer is lost.
    Unanswered,
    Stale {
        age: i64,
    },
    Blind {
        member: usize,
        code: &'static str,
    },
    Unreadable,
    WrongAccount,
    Unapplied,
    Applied,
    TimedOut,
    Lying,
    Late {
        by: i64,
    },
    Twice {
        by: i64,
    },
    Quota,
    Throttled {
        ms: Option<u64>,
    },
    Slow {
        by: i64,
    },
    AnswerLost,
    Failover,
    Newer,
    /// The worker dies with this on its way, which arrives or does not.
    Dying {
        arrives: bool,
    },
}

/// The faults that are about.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Vec<Injected>,
    lasting: Vec<(i64, Injected)>,
    pub(crate) fired: BTreeMap<Kind, u64>,
}

impl Faults {
    pub(crate) fn count(&mut self, kind: Kind) {
        *self.fired.entry(kind).or_default() += 1;
    }

    /// Waits for a call that it fits.
    pub(crate) fn arm(&mut self, fault: &Injected) {
        self.armed.push(fault.clone());
    }

    /// Lasts for a while, longer the larger its amount is.
    pub(crate) fn last(&mut self, fault: &Injected, now_ms: i64) {
        let for_ms = match fault.kind {
            Kind::CredentialsExpired | Kind::BlindMember => fault.amount * 3_600,
            Kind::NewerSchema => fault.amount * 60,
            _ => 5_000 + fault.amount * 300,
        };
        self.lasting.push((now_ms + for_ms.min(60 * MINUTE), fault.clone()));
    }

    /// Nothing goes wrong any more.
    pub(crate) fn clear(&mut self) {
        self.armed.clear();
        self.lasting.clear();
    }

    /// A wake goes wrong: the kind, when one waits for this worker.
    pub(crate) fn wake(&mut self, worker: usize) -> Option<(Kind, i64)> {
        let fits = |fault: &Injected| {
            fault.worker == worker
                && matches!(
                    fault.kind,
                    Kind::MissedWake | Kind::DuplicateWake | Kind::ReorderedWakes
                )
        };
        let at = self.armed.iter().position(fits)?;
        let fault = self.armed.remove(at);
        self.count(fault.kind);
        Some((fault.kind, fault.amount))
    }

    /// Whether what is given on a platform now is taken away at once, and after how long.
    pub(crate) fn taken_at_once(&mut self, platform: usize) -> Option<i64> {
        let fits = |one: &Injected| one.kind == Kind::TakenAtOnce && one.platform == platform;
        let at = self.armed.iter().position(fits)?;
        Some(self.armed.remove(at).amount)
    }

    /// How a call goes.
    pub(crate) fn treat(
        &mut self,
        worker: usize,
        platform: Option<usize>,
        ask: &Ask,
        now_ms: i64,
    ) -> Treat {
        self.lasting.retain(|(until, _)| *until > now_ms);
        if let Some(treat) = self.lasting(worker, platform, ask) {
            return treat;
        }
        let fits = |fault: &Injected| fits(fault, worker, platform, ask);
        let Some(at) = self.armed.iter().position(fits) else { return Treat::Well };
        let fault = self.armed.remove(at);
        self.count(fault.kind);
        treat(&fault)
    }

    fn lasting(&mut self, worker: usize, platform: Option<usize>, ask: &Ask) -> Option<Treat> {
        let hits = |fault: &Injected| match (fault.kind, ask) {
            (Kind::NewerSchema, Ask::Store(_)) => fault.worker == worker,
            (Kind::PartitionOut | Kind::PartitionIn, Ask::Platform(..)) => {
                fault.worker == worker && platform == Some(fault.platform)
            }
            (Kind::BlindMember, Ask::Platform(_, PlatformAsk::Observe(_))) => {
                platform == Some(fault.platform)
            }
            (Kind::CredentialsExpired, Ask::Platform(_, PlatformAsk::Observe(_))) => true,
            _ => false,
        };
        let fault =
            self.lasting.iter().map(|(_, fault)| fault).find(|fault| hits(fault)).cloned()?;
        self.count(fault.kind);
        Some(match fault.kind {
            Kind::NewerSchema => Treat::Newer,
            Kind::PartitionOut => Treat::Lost,
            Kind::PartitionIn => Treat::Unanswered,
            Kind::BlindMember => Treat::Blind { member: fault.member, code: "access-denied" },
            _ => Treat::Blind { member: fault.member, code: "credentials-expired" },
        })
    }

    /// Whether a member's credentials have expired.
    pub(crate) fn expired(&self, member: &MemberId, now_ms: i64) -> bool {
        self.lasting.iter().any(|(until, fault)| {
            *until > now_ms
                && fault.kind == Kind::CredentialsExpired
                && crate::pool::MEMBERS.get(fault.member) == Some(&member.as_str())
        })
    }
}

fn fits(fault: &Injected, worker: usize, platform: Option<usize>, ask: &Ask) -> bool {
    let there = platform == Some(fault.platform);
    match (fault.kind, ask) {
        (
            Kind::StaleRead | Kind::PartialRead | Kind::WrongAccount,
            Ask::Platform(_, PlatformAsk::Observe(_)),
        )
        | (
            Kind::UnreadableAnswer,
            Ask::Platform(_, PlatformAsk::Observe(_) | PlatformAsk::Apply(..)),
        )
        | (
            Kind::ServerErrorUnapplied
            | Kind::ServerErrorApplied
            | Kind::TimeoutAfterSuccess
            | Kind::LyingSuccess
            | Kind::LateArrival
            | Kind::DuplicateArrival,
            Ask::Platform(_, PlatformAsk::Apply(..)),
        )
        | (Kind::SlowCall | Kind::Throttled | Kind::ThrottledBare, Ask::Platform(..)) => there,
        (Kind::QuotaExhausted, Ask::Platform(_, PlatformAsk::Apply(step, _))) => {
            there && step.effect > Effect::Restrict
        }
        (
            Kind::CrashMidAppend | Kind::CommitAnswerLost | Kind::StoreFailover,
            Ask::Store(StoreAsk::Append { .. }),
        ) => fault.worker == worker,
        _ => false,
    }
}

fn treat(fault: &Injected) -> Treat {
    let amount = fault.amount;
    match fault.kind {
        Kind::StaleRead => Treat::Stale { age: amount },
        Kind::PartialRead => Treat::Blind { member: fault.member, code: "throttled" },
        Kind::UnreadableAnswer => Treat::Unreadable,
        Kind::WrongAccount => Treat::WrongAccount,
        Kind::ServerErrorUnapplied => Treat::Unapplied,
        Kind::ServerErrorApplied => Treat::Applied,
        Kind::TimeoutAfterSuccess => Treat::TimedOut,
        Kind::LyingSuccess => Treat::Lying,
        Kind::LateArrival => Treat::Late { by: amount },
        Kind::DuplicateArrival => Treat::Twice { by: amount },
        Kind::QuotaExhausted => Treat::Quota,
        Kind::Throttled => Treat::Throttled { ms: u64::try_from(amount * 60 + 1).ok() },
        Kind::ThrottledBare => Treat::Throttled { ms: None },
        Kind::SlowCall => Treat::Slow { by: 1_000 + amount * 50 },
        Kind::CrashMidAppend => Treat::Dying { arrives: amount % 2 == 0 },
        Kind::CommitAnswerLost => Treat::AnswerLost,
        Kind::StoreFailover => Treat::Failover,
        _ => Treat::Well,
    }
}
