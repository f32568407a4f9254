//! Looks that somebody outside asked for: earlier, few, and never at the cost of anything that was planned.

use super::*;
use crate::reconcile::schedule::hints::APART_MS;

#[test]
fn a_word_from_outside_makes_a_look_earlier_and_nothing_urgent() {
    let mut schedule = settled(2, 2);
    schedule.hint(&id(0), Some(&room(1)), 81_000);
    schedule.hint(&id(9), None, 81_000);
    schedule.hint(&id(1), Some(&room(7)), 81_000);
    let [turn] = schedule.due(81_000, SLOTS).try_into().unwrap();
    assert_eq!((number(&turn), turn.room.clone(), turn.urgent), (0, Some(room(1)), false));
    schedule.ended(turn, CALM, 81_000);
    schedule.hint(&id(1), None, 82_000);
    assert_eq!(names(&schedule.due(82_000, SLOTS)), [(1, Some(room(0))), (1, Some(room(1)))]);
}

#[test]
fn a_flood_makes_a_look_every_ten_seconds_and_leaves_the_planned_ones() {
    let (mut plain, mut flooded) = (settled(1, 1), settled(1, 1));
    let planned_ms = 80_000 + i64::try_from(plain.next_ms(80_000).unwrap()).unwrap();
    let mut looks = Vec::new();
    for now in (80_000..=planned_ms).step_by(100).chain([planned_ms]) {
        for _ in 0..50 {
            flooded.hint(&id(0), None, now);
        }
        for turn in flooded.due(now, SLOTS) {
            looks.push(now);
            flooded.ended(turn, CALM, now);
        }
    }
    let most = usize::try_from((planned_ms - 80_000) / APART_MS).unwrap() + 2;
    assert!((most - 2..=most).contains(&looks.len()), "{looks:?}");
    let apart = looks.windows(2).filter(|two| two[1] - two[0] < APART_MS && two[1] != planned_ms);
    assert_eq!(apart.count(), 0, "{looks:?}");
    assert_eq!(looks.last(), Some(&planned_ms), "{looks:?}");
    let [turn] = plain.due(planned_ms, SLOTS).try_into().unwrap();
    plain.ended(turn, CALM, planned_ms);
    let calm = |schedule: &Schedule| schedule.book.slots.iter().map(|slot| slot.calm).max();
    assert_eq!(calm(&plain), calm(&flooded), "only planned looks make it calmer");
}

#[test]
fn a_word_during_a_look_makes_another() {
    let mut schedule = settled(1, 1);
    schedule.hint(&id(0), None, 81_000);
    let [turn] = schedule.due(81_000, SLOTS).try_into().unwrap();
    schedule.hint(&id(0), None, 82_000);
    schedule.ended(turn, CALM, 83_000);
    assert!(schedule.due(83_000 + APART_MS - 1, SLOTS).is_empty());
    let [turn] = schedule.due(83_000 + APART_MS, SLOTS).try_into().unwrap();
    schedule.ended(turn, CALM, 93_000);
    assert!(schedule.next_ms(93_000).unwrap() > 10_000, "that is all");
}

#[test]
fn who_fails_or_closes_keeps_its_pace() {
    let mut schedule = settled(2, 1);
    schedule.wake(&id(0), None, Class::Closing, 81_000);
    schedule.wake(&id(1), None, Class::Exposed, 81_000);
    for turn in schedule.due(81_000, ALL) {
        let closing = End { class: Class::Closing, ..CALM };
        let end = if number(&turn) == 0 { closing } else { FAILED };
        schedule.ended(turn, end, 81_000);
    }
    let before = schedule.next_ms(81_001);
    schedule.hint(&id(0), None, 81_001);
    schedule.hint(&id(1), None, 81_001);
    assert_eq!(schedule.next_ms(81_001), before);
}

#[test]
fn what_words_leave_is_bounded_by_rooms_and_goes_with_them() {
    let mut schedule = settled(3, 2);
    for now in 81_000..91_000 {
        schedule.hint(&id(usize::try_from(now).unwrap() % 100), None, now);
    }
    let one = schedule.book.hints.bytes() / 6;
    assert!(one > 0);
    schedule.forget(&id(0));
    assert_eq!(schedule.book.hints.bytes(), 4 * one);
}
