//! What a budget promises.

use super::*;
use proptest::prelude::*;

const LIMIT: Limit = Limit { calls: 5, within_ms: 1_000, burst: 20 };

fn key(account: &str, operation: &'static str) -> Key {
    Key { platform: PlatformId::aws_clean_rooms(), account: account.to_owned(), operation }
}

fn one() -> Key {
    key("a", "GetTable")
}

/// Takes one by one until there is a wait: how many were had, and the wait.
fn drained(budgets: &mut Budgets, urgent: bool, now_ms: i64) -> (u32, u64) {
    let mut had = 0;
    loop {
        match budgets.take(&one(), 1, urgent, now_ms) {
            Ok(()) => had += 1,
            Err(wait_ms) => return (had, wait_ms),
        }
    }
}

#[test]
fn what_is_ordinary_leaves_three_tenths_and_what_is_urgent_nothing() {
    let mut budgets = Budgets::new(LIMIT);
    let (had, wait_ms) = drained(&mut budgets, false, 0);
    assert_eq!(had, 14);
    assert_eq!(wait_ms, 200);
    assert_eq!(drained(&mut budgets, true, 0).0, 6);
    assert_eq!(budgets.take(&one(), 1, true, 199), Err(1));
    assert_eq!(budgets.take(&one(), 1, true, 200), Ok(()));
}

#[test]
fn several_calls_are_had_together_or_not_at_all() {
    let mut budgets = Budgets::new(LIMIT);
    assert_eq!(budgets.take(&one(), 14, false, 0), Ok(()));
    assert!(budgets.take(&one(), 7, true, 0).is_err());
    assert_eq!(budgets.take(&one(), 6, true, 0), Ok(()));
    assert_eq!(budgets.take(&one(), 15, false, 1_000_000), Err(NEVER_MS), "more than the share");
    assert_eq!(budgets.take(&one(), 21, true, 1_000_000), Err(NEVER_MS), "more than there is");
    assert_eq!(budgets.take(&one(), 20, true, 1_000_000), Ok(()));
}

#[test]
fn of_several_buckets_all_is_had_or_nothing() {
    let (read, list) = (one(), key("a", "ListTables"));
    let mut budgets = Budgets::new(LIMIT);
    assert_eq!(budgets.take(&list, 14, false, 0), Ok(()));
    let asked = [(&read, 14), (&list, 2)];
    assert_eq!(budgets.take_all(&asked, false, 0), Err(400), "the longest wait");
    assert_eq!(budgets.take_all(&asked, false, 399), Err(1), "nothing was taken");
    assert_eq!(budgets.take_all(&asked, false, 400), Ok(()));
    assert_eq!(budgets.take_all(&[(&read, 1), (&list, 15)], false, 400), Err(NEVER_MS));
    assert_eq!(budgets.take_all(&[], false, 400), Ok(()));
}

#[test]
fn a_limit_of_no_calls_gives_its_burst_and_then_none() {
    let mut budgets = Budgets::new(Limit { calls: 0, within_ms: 0, burst: 1 });
    assert_eq!(drained(&mut budgets, true, 0), (1, NEVER_MS));
}

#[test]
fn a_limit_of_its_own_is_one_platforms_and_one_operations() {
    let own = Limit { calls: 1, within_ms: 60_000, burst: 2 };
    let mut budgets = Budgets::new(LIMIT).with(PlatformId::aws_clean_rooms(), "CreateTable", own);
    assert_eq!(budgets.take(&key("a", "CreateTable"), 3, true, 0), Err(NEVER_MS));
    assert_eq!(budgets.take(&key("a", "GetTable"), 3, true, 0), Ok(()));
    let native = Key { platform: PlatformId::native(), ..key("a", "CreateTable") };
    assert_eq!(budgets.take(&native, 3, true, 0), Ok(()));
}

#[test]
fn to_ask_how_long_takes_nothing() {
    let (read, list) = (one(), key("a", "ListTables"));
    let mut budgets = Budgets::new(LIMIT);
    assert_eq!(budgets.take(&list, 14, false, 0), Ok(()));
    let both = [read, list];
    assert_eq!(budgets.wait_ms(&both, 2, false, 0), 400, "the longest");
    assert_eq!(budgets.wait_ms(&both, 6, true, 0), 0);
    assert_eq!(budgets.wait_ms(&both, 6, true, 0), 0, "again");
    assert_eq!(budgets.wait_ms(&[], 2, false, 0), 0);
}

#[test]
fn a_clock_that_steps_fills_nothing_back_and_no_more_than_a_bucket_forth() {
    let mut budgets = Budgets::new(LIMIT);
    assert_eq!(drained(&mut budgets, true, 0).0, 20);
    assert_eq!(drained(&mut budgets, true, -86_400_000).0, 0);
    assert_eq!(drained(&mut budgets, true, -86_399_000).0, 5, "it goes on from there");
    assert_eq!(drained(&mut budgets, true, i64::MAX).0, 20);
    assert_eq!(drained(&mut budgets, true, i64::MIN).0, 0);
}

proptest! {
    #[test]
    fn whatever_is_asked_the_limit_holds(
        asked in prop::collection::vec((0..400_i64, 1..8_u32, any::<bool>()), 1..300),
    ) {
        let mut budgets = Budgets::new(LIMIT);
        let (mut now, mut had) = (0, Vec::new());
        for (step, calls, urgent) in asked {
            now += step;
            if budgets.take(&one(), calls, urgent, now).is_ok() {
                had.push((now, calls));
            }
        }
        for (from, _) in &had {
            for (to, _) in had.iter().filter(|(to, _)| to >= from) {
                let inside = had.iter().filter(|(at, _)| (from..=to).contains(&at));
                let calls: i64 = inside.map(|(_, calls)| i64::from(*calls)).sum();
                prop_assert!(calls <= 20 + (to - from) * 5 / 1_000, "{calls} in {} ms", to - from);
            }
        }
    }

    #[test]
    fn three_tenths_are_there_for_the_urgent_whatever_the_others_ask(
        asked in prop::collection::vec((1..2_000_i64, 1..30_u32), 0..200), quiet in 0..100_000_i64,
    ) {
        let mut budgets = Budgets::new(LIMIT);
        let mut now = 0;
        for (step, calls) in asked {
            now += step;
            for calls in [calls, 1, 1, 1, 1, 1, 1, 1, 1, 1] {
                let _ = budgets.take(&one(), calls, false, now);
            }
        }
        let ordinary = drained(&mut budgets, false, now + quiet).0;
        prop_assert!(ordinary <= 14);
        prop_assert_eq!(drained(&mut budgets, true, now + quiet).0, 6);
    }

    #[test]
    fn who_waits_as_long_as_was_said_is_served(
        drain in 0..40_u32, calls in 1..=14_u32, urgent in any::<bool>(),
    ) {
        let mut budgets = Budgets::new(LIMIT);
        for _ in 0..drain {
            let _ = budgets.take(&one(), 1, true, 0);
        }
        if let Err(wait_ms) = budgets.take(&one(), calls, urgent, 0) {
            let then = i64::try_from(wait_ms).unwrap();
            prop_assert!(budgets.take(&one(), calls, urgent, then - 1).is_err());
            prop_assert!(budgets.take(&one(), calls, urgent, then).is_ok());
        }
    }
}
