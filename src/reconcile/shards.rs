//! Which collaborations a worker works on: all of them, cut into shards by their names, each worked on by whoever holds its
//! lease, an equal share each. Pure: must not know stores or clocks.

use mappings::model::{CollaborationId, Digest};
use std::collections::BTreeSet;

/// So many shards: as many workers can share the work, and so many leases are renewed.
pub const SHARDS: u16 = 16;

/// The shard of a collaboration.
#[must_use]
pub fn shard(collaboration: &CollaborationId) -> u16 {
    let digest = Digest::of(collaboration.as_str().as_bytes()).short();
    let last = digest.chars().last().and_then(|digit| digit.to_digit(16)).unwrap_or_default();
    u16::try_from(last).unwrap_or_default() % SHARDS
}

/// What a worker does about its leases at the next beat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// To be given back: others wait for their share.
    pub give_back: Vec<u16>,
    /// To be asked for.
    pub ask_for: Vec<u16>,
}

/// With so many workers alive, this one of a place among them, and these shards held by it and by others: what it does next. Nobody
/// keeps more than its share rounded up while others hold less, and nothing stays without a worker.
#[must_use]
pub fn claim(
    (place, alive): (usize, usize),
    mine: &BTreeSet<u16>,
    theirs: &BTreeSet<u16>,
) -> Claim {
    let share = usize::from(SHARDS).div_ceil(alive.max(1));
    let free = || (0..SHARDS).filter(|shard| !mine.contains(shard) && !theirs.contains(shard));
    // Each begins elsewhere, so that those who come together don't all ask for the same.
    let begin = place.saturating_mul(usize::from(SHARDS)) / alive.max(1);
    let begin = u16::try_from(begin).unwrap_or_default() % SHARDS;
    let mut ask_for: Vec<u16> = free().collect();
    ask_for.sort_by_key(|shard| (shard + SHARDS - begin) % SHARDS);
    ask_for.truncate(share.saturating_sub(mine.len()));
    let more = mine.len().saturating_sub(share);
    let give_back = mine.iter().rev().take(more).copied().collect();
    Claim { give_back, ask_for }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Workers in turn do what they claim, until nobody wants anything.
    fn settled(workers: &mut [BTreeSet<u16>]) -> usize {
        for beat in 0..64 {
            let before = workers.to_vec();
            for at in 0..workers.len() {
                let theirs = workers.iter().enumerate().filter(|(other, _)| *other != at);
                let theirs: BTreeSet<u16> = theirs.flat_map(|(_, held)| held).copied().collect();
                let Claim { give_back, ask_for } =
                    claim((at, workers.len()), &workers[at], &theirs);
                workers[at].retain(|shard| !give_back.contains(shard));
                workers[at].extend(ask_for);
            }
            if before == workers {
                return beat;
            }
        }
        panic!("they go on for ever");
    }

    #[test]
    fn one_has_everything_and_others_get_their_share() {
        let mut workers = vec![BTreeSet::new()];
        settled(&mut workers);
        assert_eq!(workers[0].len(), usize::from(SHARDS));
        workers.extend([BTreeSet::new(), BTreeSet::new()]);
        assert!(settled(&mut workers) <= 4);
        let mut counts: Vec<usize> = workers.iter().map(BTreeSet::len).collect();
        counts.sort_unstable();
        assert_eq!(counts, [4, 6, 6]);
        // One dies: its leases expire, the others take them.
        workers.pop();
        settled(&mut workers);
        assert_eq!(workers.iter().map(BTreeSet::len).collect::<Vec<_>>(), [8, 8]);
    }

    proptest! {
        #[test]
        fn every_shard_has_one_worker_in_the_end(cuts in proptest::collection::vec(0..6_usize, 16), workers in 1..6_usize) {
            let mut held = vec![BTreeSet::new(); workers];
            for (shard, to) in cuts.iter().enumerate() {
                if *to < workers {
                    held[*to].insert(u16::try_from(shard).unwrap());
                }
            }
            settled(&mut held);
            let mut all: Vec<u16> = held.iter().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..SHARDS).collect::<Vec<_>>());
            let share = usize::from(SHARDS).div_ceil(workers);
            prop_assert!(held.iter().all(|one| one.len() <= share));
        }
    }

    #[test]
    fn those_who_come_together_ask_for_different_shards() {
        for alive in 1..=5 {
            let none = BTreeSet::new();
            let asked = (0..alive).map(|place| claim((place, alive), &none, &none).ask_for);
            let asked: Vec<u16> = asked.flatten().collect();
            let different: BTreeSet<u16> = asked.iter().copied().collect();
            assert_eq!(different.len(), usize::from(SHARDS), "{alive} leave nothing over");
            assert!(asked.len() - different.len() < alive, "{alive} ask for hardly anything twice");
        }
    }

    #[test]
    fn a_name_has_one_shard() {
        let named = |name: &str| shard(&CollaborationId::new(name).unwrap());
        assert_eq!(named("spring"), named("spring"));
        let all: BTreeSet<u16> = (0..500).map(|n| named(&format!("room-{n}"))).collect();
        assert_eq!(all.len(), usize::from(SHARDS));
    }
}
