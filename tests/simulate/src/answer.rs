//! What a platform answers to a call that arrives, truly or not.

use crate::adapter::error;
use crate::case::Case;
use crate::faults::Treat;
use crate::platform::{Change, Platform, Refused, Sight, applied};
use crate::pool::{MEMBERS, Pool, member};
use crate::rule::Rule;
use crate::wanted::wanted;
use crate::wire::{Answer, PlatformAsk};
use adapter_spi::{AdapterError, ErrorKind, Outcome, Probe, ResourceKind, Retry, Step};

/// An answer, and what it changed.
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    pub(crate) changes: Vec<Change>,
    /// When what was shown was true.
    pub(crate) shown_ms: Option<i64>,
}

impl Answered {
    fn only(answer: Answer) -> Self {
        Self { answer, changes: Vec::new(), shown_ms: None }
    }
}

/// What happens when a call arrives.
pub(crate) fn arrive(
    platform: &mut Platform,
    pool: &Pool,
    ask: &PlatformAsk,
    treat: &Treat,
    now_ms: i64,
) -> Answered {
    match ask {
        PlatformAsk::Observe(scope) => {
            if let Some(error) = failed(platform, treat, false) {
                return Answered::only(Answer::Seen(Err(error)));
            }
            let mut sight = Sight::default();
            let settles = i64::try_from(platform.lag.settles_ms).unwrap_or(0);
            match treat {
                Treat::Stale { age } => sight.age_ms = settles * age / 1000,
                Treat::Blind { member: at, code } => {
                    if let Some(name) = MEMBERS.get(*at) {
                        sight.blind.insert(member(name), (*code).to_owned());
                    }
                }
                Treat::Unreadable => sight.unknown = true,
                _ => {}
            }
            let seen = platform.look(pool, scope, now_ms, &sight);
            let shown_ms = Some(now_ms - sight.age_ms);
            Answered { answer: Answer::Seen(Ok(Box::new(seen))), changes: Vec::new(), shown_ms }
        }
        PlatformAsk::Peek(step) => {
            let held = platform.holds.things.get(&step.resource.kind).map(|held| held.digest);
            let gives = step.effect > adapter_spi::Effect::Restrict;
            let already = gives == (held == Some(step.resource.digest));
            let said = if already {
                adapter_spi::Applied::Already
            } else {
                adapter_spi::Applied::Changed { version: platform.holds.version, shown: true }
            };
            let answer = failed(platform, treat, false).map_or(Ok(said), Err);
            Answered::only(Answer::Applied(
                answer.map_err(|error| AdapterError { outcome: Outcome::NotApplied, ..error }),
            ))
        }
        PlatformAsk::Rule(owner) => {
            let answer =
                failed(platform, treat, false).map_or_else(|| Ok(platform.rule(owner)), Err);
            Answered::only(Answer::Rule(answer))
        }
        PlatformAsk::Apply(step, sets) => apply(platform, (step, sets.as_ref()), treat, now_ms),
        PlatformAsk::Probe(kind) => {
            let served = match kind {
                ResourceKind::Template(name) => Some(platform.serves(pool, name)),
                _ => None,
            };
            let probed = match served {
                Some(true) => Probe::Served,
                Some(false) => Probe::Denied,
                None => Probe::NotPossible,
            };
            let answer = failed(platform, treat, false).map_or(Ok(probed), Err);
            Answered::only(Answer::Probed(answer))
        }
        PlatformAsk::Stop(desired) => {
            if let Some(error) = failed(platform, treat, false) {
                return Answered::only(Answer::Stopped(Err(error)));
            }
            let all = wanted(pool, desired);
            let kept = all.keys().filter_map(|kind| match kind {
                ResourceKind::Template(name) => Some(name.clone()),
                _ => None,
            });
            let stopped = platform.stop(&kept.collect());
            Answered::only(Answer::Stopped(Ok(stopped)))
        }
    }
}

fn apply(
    platform: &mut Platform,
    (step, sets): (&Step, Option<&Rule>),
    treat: &Treat,
    now_ms: i64,
) -> Answered {
    let unapplied = matches!(
        treat,
        Treat::Unapplied
            | Treat::Lying
            | Treat::Quota
            | Treat::Throttled { .. }
            | Treat::WrongAccount
            | Treat::Late { .. }
            | Treat::Lost
    );
    let done = if unapplied { Ok(Vec::new()) } else { platform.enact(step, sets, now_ms) };
    let changes = done.as_ref().ok().cloned().unwrap_or_default();
    let answer = match (failed(platform, treat, true), &done) {
        (Some(error), _) => Err(error),
        (None, Err(refused)) => Err(refusal(platform, *refused)),
        (None, Ok(_)) if *treat == Treat::Lying => {
            let version = platform.holds.version;
            Ok(adapter_spi::Applied::Changed { version, shown: false })
        }
        (None, Ok(changes)) => Ok(applied(changes, platform.holds.version)),
    };
    Answered { answer: Answer::Applied(answer), changes, shown_ms: None }
}

fn refusal(platform: &Platform, refused: Refused) -> AdapterError {
    let (kind, code, retry) = match refused {
        Refused::Stale => (ErrorKind::StaleVersion, "stale-version", Retry::NextCycle),
        Refused::Conflict => (ErrorKind::Conflict, "conflict", Retry::NextCycle),
        Refused::Ended => (ErrorKind::Conflict, "ended", Retry::Never),
    };
    AdapterError { retry, ..error(&platform.name, kind, code, Outcome::NotApplied) }
}

/// The error that a fault makes of an answer.
fn failed(platform: &Platform, treat: &Treat, writes: bool) -> Option<AdapterError> {
    let unsure = if writes { Outcome::Unknown } else { Outcome::NotApplied };
    let said = |kind, code, outcome| error(&platform.name, kind, code, outcome);
    Some(match treat {
        Treat::Unapplied | Treat::Applied => said(ErrorKind::Unavailable, "server-error", unsure),
        Treat::TimedOut | Treat::Late { .. } | Treat::Lost | Treat::Unanswered => {
            said(ErrorKind::Timeout, "no-answer", unsure)
        }
        Treat::WrongAccount => {
            said(ErrorKind::PermissionDenied, "wrong-account", Outcome::NotApplied)
        }
        Treat::Unreadable if writes => said(ErrorKind::InvalidNative, "unreadable", unsure),
        Treat::Quota => AdapterError {
            retry: Retry::Never,
            ..said(ErrorKind::QuotaExceeded, "quota", Outcome::NotApplied)
        },
        Treat::Throttled { ms } => AdapterError {
            retry: ms.map_or(Retry::NextCycle, Retry::AfterMs),
            ..said(ErrorKind::Throttled, "throttled", Outcome::NotApplied)
        },
        _ => return None,
    })
}

/// How long after it was sent a call that is late arrives.
pub(crate) fn late_ms(platform: &Platform, amount: i64) -> i64 {
    let most = i64::try_from(platform.lag.late_ms).unwrap_or(0);
    (most - 1) * amount / 1000
}

/// Which member no gateway operates where, in a case.
pub(crate) fn apart(case: &Case, at: usize) -> Option<mappings::model::MemberId> {
    let (platform, who) = case.apart?;
    (platform == at).then(|| MEMBERS.get(who).map(|name| member(name))).flatten()
}
