//! What a turn says to the schedule: what its room is to be looked at for from now on. Knows no platform by name.

use super::Pass;
use super::addresses::Address;
use crate::error::Problem;
use crate::reconcile::budget::Key;
use crate::reconcile::schedule::{Class, Failure, Turn};
use crate::reconcile::{DriftClass, End, Report};
use mappings::model::{CollaborationId, PlatformId};
use std::collections::BTreeSet;

/// The same.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) class: Class,
    pub(super) changed: bool,
    /// Whether it was one at all.
    pub(super) failed: Option<Failure>,
    /// Whether a call was not done.
    pub(super) undone: bool,
    /// Whether it did nothing and asks for another at once.
    pub(super) idle: bool,
    /// How far the log was taken in.
    pub(super) size: u64,
    pub(super) rooms: Option<Vec<(PlatformId, Class)>>,
    pub(super) pass: Option<Pass>,
    /// Rooms that are not reached, and what that means; none where that is not known.
    pub(super) missing: Option<Vec<Problem>>,
    /// The accounts that the log names; none where that is not known.
    pub(super) addresses: Option<BTreeSet<Address>>,
    /// Whose calls it cost.
    pub(super) used: BTreeSet<Key>,
}

/// What the log says after a turn.
#[derive(Debug)]
pub(super) struct After {
    /// How far it was taken in.
    pub(super) size: u64,
    /// Whether it could be read, and is the one that was seen.
    pub(super) whole: bool,
    /// Its rooms that are reached, and whether anything is to be closed there; none where nothing is known of it.
    pub(super) rooms: Option<Vec<(PlatformId, Class)>>,
    /// Its rooms that are not, and what that means.
    pub(super) missing: Option<Vec<Problem>>,
    /// The accounts that it names.
    pub(super) addresses: Option<BTreeSet<Address>>,
}

impl Seen {
    /// A turn that read a log.
    pub(super) const fn nothing(size: u64) -> Self {
        Self {
            class: Class::Exposed,
            changed: false,
            failed: None,
            undone: false,
            idle: false,
            size,
            rooms: None,
            pass: None,
            missing: None,
            addresses: None,
            used: BTreeSet::new(),
        }
    }

    /// A turn that could not be finished: what it was made for is still to be done.
    pub(super) fn broken(turn: &Turn, size: u64, pass: Pass) -> Self {
        let failed = Some(Failure { retry_after_ms: None });
        let class = if turn.room.is_none() { turn.class.min(Class::Opening) } else { turn.class };
        Self { class, failed, pass: Some(pass), ..Self::nothing(size) }
    }

    /// A turn at a room.
    pub(super) fn of(
        (collaboration, room, was): (&CollaborationId, &PlatformId, Class),
        report: Report,
        after: After,
    ) -> Self {
        let failed = match &report.end {
            End::Failed { retry_ms, .. } | End::Undone { retry_ms, .. } => {
                Some(Failure { retry_after_ms: *retry_ms })
            }
            // An account that does not answer is none that can be looked at.
            End::Settled | End::Waiting | End::Again | End::Refused { .. } => {
                let blind = !report.unseen.is_empty() && report.steps == 0;
                blind.then_some(Failure { retry_after_ms: None })
            }
        };
        // Whatever is not certain yet is looked at at the same pace until it is.
        let changed = report.steps > 0 || report.unsure > 0;
        let (undone, idle) = (
            matches!(report.end, End::Undone { .. }),
            report.end == End::Again && report.steps == 0,
        );
        let class = class(room, was, &report, &after);
        let pass = Pass::of(collaboration, room, report);
        let pass = pass.is_news().then_some(pass);
        let (rooms, missing) = (after.rooms.filter(|_| after.whole), after.missing);
        let seen = Self { addresses: after.addresses, ..Self::nothing(after.size) };
        Self { class, changed, failed, undone, idle, rooms, pass, missing, ..seen }
    }
}

/// What a room is looked at for after a turn.
fn class(room: &PlatformId, was: Class, report: &Report, after: &After) -> Class {
    let loosened = report.drift.iter().any(|drift| drift.class == DriftClass::Loosened);
    let closing = match &after.rooms {
        Some(rooms) => rooms.iter().any(|(name, class)| name == room && *class == Class::Closing),
        None => !report.closing.is_empty(),
    };
    if closing || report.may_lack {
        Class::Closing
    } else if loosened
        || report.unsure > 0
        || report.plan.iter().any(|step| step.effect.takes_away())
    {
        Class::Loosened
    } else if matches!(report.end, End::Failed { .. }) || report.unread.is_some() {
        // Nothing new is known of it, but that nothing is to be closed where the log could be read.
        if was == Class::Closing && after.whole { Class::Opening } else { was }
    } else if report.end == End::Again || report.pending || !report.waits.is_empty() {
        Class::Opening
    } else if report.open.is_empty() && report.end == End::Settled {
        Class::Idle
    } else {
        Class::Exposed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> PlatformId {
        PlatformId::aws_clean_rooms()
    }

    fn after(whole: bool, class: Option<Class>) -> After {
        let rooms = class.map(|class| vec![(room(), class)]);
        After { size: 9, whole, rooms, missing: None, addresses: None }
    }

    fn seen(was: Class, report: Report, after: After) -> Seen {
        Seen::of((&"spring".parse().unwrap(), &room(), was), report, after)
    }

    #[test]
    fn a_log_that_cannot_be_read_makes_nothing_urgent_that_was_not() {
        let unread =
            || Report { unread: Some("store-unavailable"), end: End::Waiting, ..Report::default() };
        let known = || after(false, Some(Class::Opening));
        assert_eq!(seen(Class::Exposed, unread(), known()).class, Class::Exposed);
        assert_eq!(seen(Class::Closing, unread(), known()).class, Class::Closing);
        let lacks = Report { may_lack: true, ..unread() };
        assert_eq!(seen(Class::Exposed, lacks, known()).class, Class::Closing);
        let closing = after(false, Some(Class::Closing));
        assert_eq!(seen(Class::Exposed, unread(), closing).class, Class::Closing);
    }

    #[test]
    fn a_look_that_failed_forgets_no_withdrawal() {
        let failed = || Report {
            end: End::Failed { code: "throttled", retry_ms: None },
            ..Report::default()
        };
        let closing = after(true, Some(Class::Closing));
        assert_eq!(seen(Class::Exposed, failed(), closing).class, Class::Closing);
        assert_eq!(
            seen(Class::Loosened, failed(), after(true, Some(Class::Opening))).class,
            Class::Loosened
        );
        assert_eq!(
            seen(Class::Closing, failed(), after(true, Some(Class::Opening))).class,
            Class::Opening
        );
        assert_eq!(seen(Class::Closing, failed(), after(false, None)).class, Class::Closing);
    }

    #[test]
    fn a_look_that_missed_somebodys_part_and_did_nothing_is_none() {
        let member = "grocer".parse().unwrap();
        let blind = Report {
            unseen: vec![(member, "denied".to_owned())],
            end: End::Waiting,
            ..Report::default()
        };
        let worked = Report { steps: 1, ..blind.clone() };
        assert!(seen(Class::Exposed, blind, after(true, Some(Class::Opening))).failed.is_some());
        assert!(seen(Class::Exposed, worked, after(true, Some(Class::Opening))).failed.is_none());
    }
}
