//! What a schedule promises, case by case. `promises.rs` asks the same of whatever may happen.

mod hints;
mod promises;

use super::*;
use std::collections::BTreeMap;

const SLOTS: Slots = Slots { ordinary: 8, reserved: 4 };
const ALL: Slots = Slots { ordinary: 1_000_000, reserved: 1_000_000 };
/// How a look ends where all is as it should be.
const CALM: End = End { class: Class::Exposed, changed: false, failed: None, size: 1 };
const FAILED: End = End { failed: Some(Failure { retry_after_ms: None }), ..CALM };
const OPEN: End = End { class: Class::Closing, ..FAILED };

fn id(n: usize) -> CollaborationId {
    CollaborationId::new(&format!("deal-{n}")).unwrap()
}

fn room(n: usize) -> PlatformId {
    PlatformId::new(&format!("platform-{n}")).unwrap()
}

fn number(turn: &Turn) -> usize {
    turn.collaboration.as_str()[5..].parse().unwrap()
}

fn names(turns: &[Turn]) -> Vec<(usize, Option<PlatformId>)> {
    turns.iter().map(|turn| (number(turn), turn.room.clone())).collect()
}

/// So many collaborations with so many rooms each, all of them known, at ten seconds.
fn known(count: usize, rooms: usize) -> Schedule {
    let mut schedule = Schedule::new(Pace::default(), 7);
    schedule.heads(0, (0..count).map(|n| (id(n), 1)));
    for turn in schedule.due(10_000, ALL) {
        let rooms = (0..rooms).map(|n| (room(n), Class::Exposed));
        schedule.rooms(&turn.collaboration, rooms, 10_000);
        schedule.ended(turn, CALM, 10_000);
    }
    schedule
}

/// The same, each room looked at once at 80 seconds and calm.
fn settled(count: usize, rooms: usize) -> Schedule {
    let mut schedule = known(count, rooms);
    let turns = schedule.due(80_000, ALL);
    assert_eq!(turns.len(), count * rooms);
    for turn in turns {
        schedule.ended(turn, CALM, 80_000);
    }
    schedule
}

#[test]
fn a_start_is_spread_over_one_interval() {
    let mut schedule = Schedule::new(Pace::default(), 7);
    schedule.heads(0, (0..10_000).map(|n| (id(n), 1)));
    let (mut read, mut looked) = (BTreeMap::new(), BTreeMap::new());
    for now in (0..80_000).step_by(100) {
        for turn in schedule.due(now, ALL) {
            if turn.room.is_none() {
                *read.entry(now / 1_000).or_insert(0) += 1;
                let rooms = (0..3).map(|n| (room(n), Class::Exposed));
                schedule.rooms(&turn.collaboration, rooms, now);
            } else {
                *looked.entry(now / 1_000).or_insert(0) += 1;
            }
            if turn.room.is_none() {
                schedule.ended(turn, CALM, now);
            }
        }
    }
    assert_eq!(read.values().sum::<i32>(), 10_000);
    assert!(read.values().all(|many| *many <= 2_000), "mean 1,000: {read:?}");
    assert_eq!(looked.values().sum::<i32>(), 30_000);
    assert!(looked.values().all(|many| *many <= 1_000), "mean 500: {looked:?}");
}

#[test]
fn what_is_urgent_at_the_start_is_looked_at_at_once() {
    let mut schedule = Schedule::new(Pace::default(), 7);
    schedule.heads(0, [(id(0), 1)]);
    let [turn] = schedule.due(0, SLOTS).try_into().unwrap();
    assert_eq!((turn.room.clone(), turn.urgent), (None, false));
    let rooms = [(room(0), Class::Exposed), (room(1), Class::Closing), (room(2), Class::Opening)];
    schedule.rooms(&id(0), rooms, 0);
    schedule.ended(turn, CALM, 0);
    let [closing] = schedule.due(0, SLOTS).try_into().unwrap();
    assert_eq!((closing.room.clone(), closing.urgent), (Some(room(1)), true));
    assert_eq!(names(&schedule.due(2_000, SLOTS)), [(0, Some(room(2)))]);
    assert_eq!(names(&schedule.due(60_000, SLOTS)), [(0, Some(room(0)))]);
    assert!(schedule.due(i64::MAX, SLOTS).is_empty(), "all are looked at, and the log is read");
}

#[test]
fn a_log_without_rooms_is_read_again() {
    let mut schedule = Schedule::new(Pace::default(), 7);
    schedule.heads(0, [(id(0), 1)]);
    let [turn] = schedule.due(0, SLOTS).try_into().unwrap();
    schedule.ended(turn, End { class: Class::Idle, ..CALM }, 0);
    assert!(schedule.due(60_000, SLOTS).is_empty());
    schedule.heads(60_000, [(id(0), 2)]);
    let [turn] = schedule.due(60_000, SLOTS).try_into().unwrap();
    assert!(turn.room.is_none() && turn.urgent);
    schedule.ended(turn, End { class: Class::Idle, size: 2, ..CALM }, 60_000);
    let wait_ms = schedule.next_ms(60_000).unwrap();
    assert!((2_880_000..=4_320_000).contains(&wait_ms), "{wait_ms}");
}

#[test]
fn a_grown_log_goes_before_those_who_wait_and_whatever_it_failed() {
    let mut schedule = settled(5, 2);
    for turn in schedule.due(300_000, ALL) {
        let end = if number(&turn) == 2 { FAILED } else { CALM };
        schedule.ended(turn, end, 300_000);
    }
    schedule.heads(300_001, (0..5).map(|n| (id(n), if n == 2 { 2 } else { 1 })));
    let turns = schedule.due(300_001, SLOTS);
    assert_eq!(names(&turns[..2]), [(2, Some(room(0))), (2, Some(room(1)))]);
    assert!(turns[..2].iter().all(|turn| turn.urgent));
}

#[test]
fn what_comes_during_a_look_makes_another_and_a_rooms_own_leaves_wake_only_the_others() {
    let mut schedule = settled(1, 2);
    schedule.heads(90_000, [(id(0), 2)]);
    let [one, two] = schedule.due(90_000, SLOTS).try_into().unwrap();
    schedule.ended(two, End { size: 2, ..CALM }, 90_000);
    schedule.heads(90_500, [(id(0), 4)]);
    assert_eq!(names(&schedule.due(90_500, SLOTS)), [(0, Some(room(1)))], "one is looked at");
    schedule.ended(one, End { size: 4, ..CALM }, 90_500);
    assert!(schedule.due(90_500, SLOTS).is_empty(), "it knew how long the log is");
    schedule.heads(91_000, [(id(0), 5)]);
    let [one] = schedule.due(91_000, SLOTS).try_into().unwrap();
    schedule.heads(91_500, [(id(0), 6)]);
    schedule.ended(one, End { size: 5, ..CALM }, 91_500);
    assert_eq!(names(&schedule.due(91_500, SLOTS)), [(0, Some(room(0)))]);
}

#[test]
fn who_never_sees_the_end_of_a_log_is_not_asked_without_a_pause() {
    let mut schedule = settled(1, 1);
    schedule.heads(90_000, [(id(0), 9)]);
    let mut looks = 0;
    for now in (90_000..120_000).step_by(10) {
        for turn in schedule.due(now, SLOTS) {
            looks += 1;
            schedule.ended(turn, End { size: 0, ..CALM }, now);
        }
    }
    assert!((2..=40).contains(&looks), "{looks}");
}

#[test]
fn a_log_that_got_shorter_is_looked_at_even_by_who_looks() {
    let mut schedule = settled(1, 1);
    schedule.heads(90_000, [(id(0), 9)]);
    let [turn] = schedule.due(90_000, SLOTS).try_into().unwrap();
    schedule.heads(90_500, [(id(0), 6)]);
    schedule.ended(turn, End { size: 9, ..CALM }, 91_000);
    let [turn] = schedule.due(91_000, SLOTS).try_into().unwrap();
    schedule.ended(turn, End { size: 6, ..CALM }, 91_000);
    assert!(schedule.due(91_000, SLOTS).is_empty());
    schedule.heads(91_500, [(id(0), 3)]);
    assert_eq!(schedule.due(91_500, SLOTS).len(), 1);
}

#[test]
fn who_is_woken_is_due_and_a_room_that_is_not_known_is_looked_for() {
    let mut schedule = settled(2, 2);
    schedule.wake(&id(0), Some(&room(1)), Class::Loosened, 81_000);
    schedule.wake(&id(9), None, Class::Loosened, 81_000);
    let [turn] = schedule.due(81_000, SLOTS).try_into().unwrap();
    assert_eq!((number(&turn), turn.room.clone(), turn.urgent), (0, Some(room(1)), true));
    schedule.wake(&id(0), Some(&room(1)), Class::Exposed, 81_500);
    schedule.ended(turn, CALM, 82_000);
    let [turn] = schedule.due(82_000, SLOTS).try_into().unwrap();
    schedule.ended(turn, CALM, 82_000);
    schedule.wake(&id(1), Some(&room(7)), Class::Opening, 82_000);
    assert_eq!(names(&schedule.due(82_000, SLOTS)), [(1, None)]);
    schedule.wake(&id(1), None, Class::Exposed, 82_000);
    assert_eq!(names(&schedule.due(82_000, SLOTS)), [(1, Some(room(0))), (1, Some(room(1)))]);
}

#[test]
fn retry_after_is_waited_for_even_by_who_is_woken() {
    let mut schedule = settled(1, 1);
    schedule.wake(&id(0), None, Class::Closing, 81_000);
    let [turn] = schedule.due(81_000, SLOTS).try_into().unwrap();
    let asked = Failure { retry_after_ms: Some(45_000) };
    schedule.ended(turn, End { failed: Some(asked), ..OPEN }, 81_000);
    schedule.wake(&id(0), None, Class::Closing, 82_000);
    schedule.heads(83_000, [(id(0), 2)]);
    assert!(schedule.due(125_999, SLOTS).is_empty());
    let [turn] = schedule.due(126_000, SLOTS).try_into().unwrap();
    let asked = Failure { retry_after_ms: Some(u64::MAX) };
    schedule.ended(turn, End { failed: Some(asked), ..OPEN }, 126_000);
    assert_eq!(schedule.next_ms(126_000), Some(RETRY_AFTER_MAX_MS), "but not for ever");
}

#[test]
fn a_silent_platform_holds_half_at_most_and_nobody_elses() {
    let mut schedule = settled(100, 3);
    for n in 0..100 {
        schedule.wake(&id(n), Some(&room(0)), Class::Closing, 200_000);
    }
    let silent = schedule.due(200_000, SLOTS);
    let of = |n: usize, urgent: bool, turns: &[Turn]| {
        turns.iter().filter(|turn| turn.room == Some(room(n)) && turn.urgent == urgent).count()
    };
    assert_eq!(of(0, true, &silent), 1 + 4, "{silent:?}");
    assert!(of(1, false, &silent) > 0 && of(2, false, &silent) > 0, "{silent:?}");
    for n in 0..2 {
        schedule.wake(&id(n), Some(&room(1)), Class::Closing, 201_000);
        schedule.wake(&id(n), Some(&room(2)), Class::Closing, 201_000);
    }
    let others = schedule.due(201_000, SLOTS);
    assert_eq!((of(1, true, &others), of(2, true, &others)), (1, 1), "{others:?}");
}

#[test]
fn one_platform_alone_leaves_a_turn_and_what_is_urgent_leaves_some_to_looks() {
    let mut schedule = settled(100, 1);
    assert_eq!(schedule.due(200_000, SLOTS).len(), 7);
    let mut schedule = settled(100, 3);
    for n in 0..100 {
        schedule.wake(&id(n), None, Class::Closing, 81_000);
    }
    let turns = schedule.due(81_000, SLOTS);
    assert_eq!(turns.len(), 3 + 4, "each platform keeps one for looks, and so do the logs");
    assert!(turns.iter().all(|turn| turn.urgent));
}

#[test]
fn a_platform_that_comes_back_is_closed_at_once_but_not_over_and_over() {
    let mut schedule = settled(20, 1);
    for n in 0..10 {
        schedule.wake(&id(n), None, Class::Closing, 100_000);
    }
    for turn in schedule.due(100_000, ALL) {
        let end = if number(&turn) < 10 { OPEN } else { FAILED };
        schedule.ended(turn, end, 100_000);
    }
    let tries = schedule.due(102_000, SLOTS);
    assert_eq!(tries.len(), 2, "it is away: one reserved and one ordinary turn try");
    for turn in tries {
        schedule.ended(turn, OPEN, 102_000);
    }
    let mut back = |from_ms: i64, expected: bool| {
        schedule.wake(&id(19), None, Class::Loosened, from_ms);
        let mut last = None;
        for turn in schedule.due(from_ms, ALL) {
            if number(&turn) == 19 {
                last = Some(turn);
            } else {
                schedule.ended(turn, OPEN, from_ms);
            }
        }
        schedule.ended(last.unwrap(), CALM, from_ms);
        let now = schedule.due(from_ms, ALL);
        let all = now.iter().filter(|turn| turn.urgent).count() >= 9;
        for turn in now {
            schedule.ended(turn, OPEN, from_ms);
        }
        assert_eq!(all, expected, "{from_ms}");
    };
    back(130_000, true);
    back(159_000, false);
    back(190_000, true);
}

#[test]
fn what_was_begun_before_a_platform_came_back_and_fails_after_is_tried_at_once() {
    let mut schedule = settled(20, 1);
    for n in 0..12 {
        schedule.wake(&id(n), None, Class::Closing, 100_000);
    }
    let (mut held, others): (Vec<_>, Vec<_>) =
        schedule.due(100_000, ALL).into_iter().partition(|turn| number(turn) < 2);
    for turn in others {
        let end = if number(&turn) < 12 { OPEN } else { FAILED };
        schedule.ended(turn, end, 100_000);
    }
    schedule.wake(&id(19), None, Class::Loosened, 109_000);
    for turn in schedule.due(109_000, ALL) {
        let end = if number(&turn) == 19 { CALM } else { OPEN };
        schedule.ended(turn, end, 109_000);
    }
    for turn in schedule.due(109_000, ALL) {
        schedule.ended(turn, CALM, 109_000);
    }
    let asked = Failure { retry_after_ms: Some(5_000) };
    schedule.ended(held.remove(1), End { failed: Some(asked), ..OPEN }, 110_000);
    schedule.ended(held.remove(0), OPEN, 110_000);
    let [again] = schedule.due(110_000, SLOTS).try_into().unwrap();
    assert_eq!((number(&again), again.urgent), (0, true));
    schedule.ended(again, OPEN, 110_000);
    assert!(schedule.due(110_000, SLOTS).is_empty(), "that one failed as it is now");
    assert!(!names(&schedule.due(114_999, ALL)).contains(&(1, Some(room(0)))));
    assert!(names(&schedule.due(115_000, ALL)).contains(&(1, Some(room(0)))));
}

#[test]
fn a_turn_given_back_is_as_urgent_and_as_calm_as_it_was() {
    let mut schedule = settled(1, 1);
    schedule.wake(&id(0), None, Class::Closing, 81_000);
    let [turn] = schedule.due(81_000, SLOTS).try_into().unwrap();
    schedule.back(turn, 5_000, 81_000);
    assert!(schedule.due(85_999, SLOTS).is_empty());
    let [turn] = schedule.due(86_000, SLOTS).try_into().unwrap();
    assert!(turn.urgent);
    schedule.ended(turn, CALM, 86_000);
    let wait_ms = schedule.next_ms(86_000).unwrap();
    assert!((48_000..=72_000).contains(&wait_ms), "{wait_ms}");
}

#[test]
fn who_waits_for_an_accounts_calls_keeps_its_place_and_holds_up_nobody_elses() {
    let mut schedule = settled(4, 1);
    for n in 0..4 {
        schedule.account(&id(n), &room(0), if n < 3 { "rich" } else { "poor" });
        let at = 90_000 + i64::try_from(n).unwrap();
        schedule.wake(&id(n), None, Class::Exposed, at);
    }
    let one = Slots { ordinary: 2, reserved: 1 };
    let [first] = schedule.due(95_000, one).try_into().unwrap();
    assert_eq!(number(&first), 0);
    schedule.back(first, 2_000, 95_000);
    let [other] = schedule.due(95_000, one).try_into().unwrap();
    assert_eq!(number(&other), 3, "the other account's");
    schedule.ended(other, CALM, 95_000);
    assert_eq!(schedule.next_ms(95_500), Some(1_500));
    assert!(schedule.due(96_000, one).is_empty());
    schedule.wake(&id(2), None, Class::Loosened, 96_000);
    let [urgent] = schedule.due(96_000, one).try_into().unwrap();
    assert_eq!(number(&urgent), 2, "what is urgent asks for itself");
    schedule.ended(urgent, CALM, 96_000);
    let [first] = schedule.due(97_000, one).try_into().unwrap();
    assert_eq!(number(&first), 0, "before who came later");
    schedule.ended(first, CALM, 97_000);
    assert_eq!(names(&schedule.due(97_000, one)), [(1, Some(room(0)))]);
}

#[test]
fn who_is_forgotten_or_dropped_is_looked_at_no_more() {
    let mut schedule = settled(3, 2);
    let turns = schedule.due(300_000, ALL);
    schedule.forget(&id(0));
    schedule.rooms(&id(1), [(room(0), Class::Exposed)], 300_000);
    assert_eq!(schedule.len(), 2 + 3);
    for turn in turns {
        schedule.ended(turn, CALM, 300_000);
    }
    schedule.forget(&id(2));
    assert_eq!(names(&schedule.due(i64::MAX, ALL)), [(1, Some(room(0)))]);
    schedule.heads(i64::MAX, [(id(5), 1), (id(6), 1)]);
    assert_eq!(schedule.book.slots.len(), 9, "what became free is used again");
    assert_eq!(schedule.due(i64::MAX, ALL).len(), 2);
}

#[test]
fn a_clock_that_steps_stops_nothing() {
    let mut schedule = settled(50, 3);
    let mut looks = 0;
    for beat in 0..1_200_i64 {
        // An hour back after five minutes, and a day forth and back for one beat after eight.
        let step = if beat >= 300 { -3_600_000 } else { 0 };
        let now = 80_000 + beat * 1_000 + step + if beat == 480 { 86_400_000 } else { 0 };
        for turn in schedule.due(now, SLOTS) {
            looks += 1;
            schedule.ended(turn, End { changed: true, ..CALM }, now);
        }
    }
    // 150 rooms each 60 s over 20 minutes.
    assert!((2_400..=3_900).contains(&looks), "{looks}");
}

#[test]
fn ten_thousand_collaborations_fit_into_a_few_megabytes() {
    assert_eq!((size_of::<Slot>(), size_of::<lanes::Due>()), (40, 16));
    let mut schedule = settled(10_000, 3);
    assert_eq!((schedule.len(), schedule.book.slots.len()), (40_000, 40_000));
    for round in 0..50 {
        let now = 90_000 + round * 1_000;
        schedule.heads(now, (0..10_000).map(|n| (id(n), u64::try_from(round).unwrap() + 2)));
        for turn in schedule.due(now, ALL) {
            let size = u64::try_from(round).unwrap() + 2;
            schedule.ended(turn, End { size, ..CALM }, now);
        }
    }
    assert!(schedule.book.lanes.capacity() <= 40_000 * 6, "{}", schedule.book.lanes.capacity());
    let bytes = schedule.bytes();
    assert!(bytes < 10_000_000, "{bytes}");
}
