//! The promises, whatever happens.

use super::*;
use crate::reconcile::schedule::pace::draw;
use proptest::prelude::*;

/// One thing that may happen.
#[derive(Debug, Clone)]
enum Act {
    Pass(i64),
    Heads(usize),
    Wake(usize, Option<usize>, Class),
    Hint(usize, Option<usize>),
    Due,
    End(usize, Class, bool, Option<Failure>),
    Back(usize, u64),
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(Class::ALL.to_vec())
}

fn act() -> impl Strategy<Value = Act> {
    let failure =
        prop::option::of(0..120_000_u64).prop_map(|retry_after_ms| Failure { retry_after_ms });
    let failed = prop::option::weighted(0.3, failure);
    prop_oneof![
        3 => (-5_000..90_000_i64).prop_map(Act::Pass),
        1 => (0..6_usize).prop_map(Act::Heads),
        2 => (0..6_usize, prop::option::of(0..4_usize), class())
            .prop_map(|(one, room, why)| Act::Wake(one, room, why)),
        2 => (0..6_usize, prop::option::of(0..4_usize)).prop_map(|(one, room)| Act::Hint(one, room)),
        4 => Just(Act::Due),
        4 => (0..9_usize, class(), any::<bool>(), failed)
            .prop_map(|(at, class, changed, failed)| Act::End(at, class, changed, failed)),
        1 => (0..9_usize, 0..5_000_u64).prop_map(|(at, wait)| Act::Back(at, wait)),
    ]
}

struct Run {
    schedule: Schedule,
    now: i64,
    sizes: [u64; 6],
    running: Vec<Turn>,
    trace: Vec<String>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut schedule = known(6, 3);
        schedule.seed = seed;
        Self { schedule, now: 10_000, sizes: [1; 6], running: Vec::new(), trace: Vec::new() }
    }

    fn act(&mut self, act: &Act, slots: Slots) {
        match act {
            Act::Pass(ms) => self.now += ms,
            Act::Heads(one) => {
                self.sizes[*one] += 1;
                self.schedule.heads(self.now, [(id(*one), self.sizes[*one])]);
            }
            Act::Wake(one, at, why) => {
                let at = at.map(room);
                self.schedule.wake(&id(*one), at.as_ref(), *why, self.now);
            }
            Act::Hint(one, at) => self.schedule.hint(&id(*one), at.map(room).as_ref(), self.now),
            Act::Due => {
                let turns = self.schedule.due(self.now, slots);
                self.trace.extend(turns.iter().map(|turn| format!("{} {turn:?}", self.now)));
                self.running.extend(turns);
            }
            Act::End(at, class, changed, failed) if *at < self.running.len() => {
                let turn = self.running.remove(*at);
                let size = self.sizes[number(&turn)];
                let end = End { class: *class, changed: *changed, failed: *failed, size };
                self.schedule.ended(turn, end, self.now);
            }
            Act::Back(at, wait_ms) if *at < self.running.len() => {
                let turn = self.running.remove(*at);
                self.schedule.back(turn, *wait_ms, self.now);
            }
            Act::End(..) | Act::Back(..) => {}
        }
    }

    /// Who waits, until when and for what.
    fn waiting(&self) -> BTreeMap<u32, (i64, Class)> {
        let all = (0_u32..).zip(&self.schedule.book.slots);
        let waiting = all.filter(|(_, slot)| slot.phase == Phase::Waiting);
        waiting.map(|(at, slot)| (at, (slot.due_ms, slot.class))).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_seed_gives_the_same_turns(
        seed in any::<u64>(), acts in prop::collection::vec(act(), 1..120),
    ) {
        let run = || {
            let mut run = Run::new(seed);
            for act in &acts {
 run.act(act, SLOTS);
}
            run.trace
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn to_wake_never_delays_and_never_calms(acts in prop::collection::vec(act(), 1..120)) {
        let mut run = Run::new(3);
        for act in &acts {
            let before = run.waiting();
            run.act(act, SLOTS);
            if matches!(act, Act::Wake(..) | Act::Heads(_) | Act::Hint(..)) {
                let after = run.waiting();
                for (slot, (due, class)) in before {
                    prop_assert!(after[&slot].0 <= due && after[&slot].1 <= class, "{act:?}");
                    let is_hint = matches!(act, Act::Hint(..));
                    prop_assert!(!is_hint || after[&slot].1 == class, "{act:?}");
                }
            }
        }
    }

    #[test]
    fn nobody_gets_two_turns_and_all_keep_to_the_slots(
        acts in prop::collection::vec(act(), 1..160), ordinary in 0..6_usize, reserved in 0..6_usize,
    ) {
        let (mut run, slots) = (Run::new(5), Slots { ordinary, reserved });
        let (ordinary, reserved) = (ordinary.max(1), reserved.max(1));
        for act in &acts {
            run.act(act, slots);
            let mut held: Vec<_> = run.running.iter().map(|turn| turn.slot).collect();
            held.sort_unstable();
            prop_assert!(held.windows(2).all(|two| two[0] != two[1]));
            let urgent = run.running.iter().filter(|turn| turn.urgent).count();
            prop_assert!(run.running.len() <= ordinary + reserved);
            prop_assert!(run.running.len() - urgent <= ordinary);
            // A platform holds all places of a kind only where there is one.
            for (is_reserved, size) in [(true, reserved), (false, ordinary)] {
                for lane in 0..4 {
                    let kind = |turn: &Turn| (turn.pool == Pool::Reserved) == is_reserved;
                    let of = |turn: &&Turn| turn.lane == lane && kind(turn);
                    let held = run.running.iter().filter(of).count();
                    prop_assert!(held < size.max(2), "{held} of {size}");
                }
            }
        }
    }

    #[test]
    fn what_is_urgent_never_waits_behind_what_is_not(
        acts in prop::collection::vec(act(), 1..160),
    ) {
        let mut run = Run::new(11);
        for act in &acts {
            let (before, waiting) = (run.running.len(), run.waiting());
            run.act(act, SLOTS);
            if !matches!(act, Act::Due) {
                continue;
            }
            let given = &run.running[before..];
            prop_assert!(given.is_sorted_by_key(|turn| !turn.urgent), "the urgent come first");
            // One of a platform that has no reserved turn gets one, whatever the others hold.
            let now = run.schedule.steady.at(run.now);
            for (at, (due, class)) in waiting {
                let lane = run.schedule.book.get(at).unwrap().lane;
                let of = |turn: &&Turn| turn.lane == lane && turn.pool == Pool::Reserved;
                if class.is_urgent() && due <= now {
                    prop_assert!(run.running.iter().any(|turn| of(&turn)), "{at} waits");
                }
            }
        }
    }

    #[test]
    fn nobody_starves(
        seed in any::<u64>(), ordinary in 2..5_usize, reserved in 0..4_usize,
        urgent in 0..4_usize, takes in 1..4_usize,
    ) {
        let mut schedule = known(8, 3);
        schedule.seed = seed;
        let slots = Slots { ordinary, reserved };
        let (mut running, mut last): (Vec<(i64, Turn)>, _) = (Vec::new(), BTreeMap::new());
        // More urgent looks are wanted than there are turns for, and one platform fails as long as it lasts.
        for now in (10_000..3_000_000_i64).step_by(1_000) {
            let over = running.extract_if(.., |(until, _)| *until <= now).collect::<Vec<_>>();
            for (_, turn) in over {
                last.insert(turn.slot, now);
                let class = if number(&turn) < urgent { Class::Closing } else { Class::Exposed };
                let failed = (turn.lane == 1).then_some(Failure { retry_after_ms: None });
                let end = End { class, changed: true, failed, size: 1 };
                schedule.ended(turn, end, now);
            }
            let until = now + i64::try_from(takes).unwrap() * 1_000;
            running.extend(schedule.due(now, slots).into_iter().map(|turn| (until, turn)));
        }
        for (slot, at) in &last {
            prop_assert!(3_000_000 - at < 900_000, "{slot} was last looked at at {at}");
        }
        prop_assert!(last.len() >= 24, "{}", last.len());
    }

    #[test]
    fn chance_stays_within_its_bounds(
        seed in any::<u64>(), slot in any::<u32>(), stamp in any::<u32>(), class in class(),
        calm in any::<u8>(), every in 1..100_000_000_i64,
    ) {
        let (pace, chance) = (Pace::default().every(every), draw(seed, slot, stamp));
        let Interval { base_ms, max_ms } = pace.of(class);
        let plain = (base_ms << calm.min(6)).min(max_ms);
        let ms = pace.interval_ms(class, calm, chance);
        prop_assert!(ms * 10 >= plain * 8 - 10 && ms * 10 <= plain * 12 + 10, "{ms} of {plain}");
        let retry = pace.retry_ms(class, calm, chance);
        let most = if class == Class::Closing { 30_000 } else { 300_000 };
        prop_assert!((0..=most).contains(&retry), "{retry}");
        prop_assert!(retry <= base_ms.saturating_mul(1 << calm.min(40)));
        let first = pace.first_ms(class, chance);
        prop_assert!((0..=every.min(base_ms)).contains(&first));
        prop_assert!(!class.is_urgent() || first == 0);
    }
}

#[test]
fn chance_is_spread_evenly() {
    let mut tenths = [0_u32; 10];
    for slot in 0..30_000 {
        let ms = Pace::default().interval_ms(Class::Exposed, 0, draw(1, slot, 1));
        let tenth = usize::try_from((ms - 48_000) * 10 / 24_001).unwrap();
        tenths[tenth] += 1;
    }
    assert!(tenths.iter().all(|many| (2_700..3_300).contains(many)), "{tenths:?}");
}
