//! The same pure work on many things, on as many threads as there are cores. Must not know what is done.

use std::num::NonZero;

/// Fewer things are done one after the other.
const FEW: usize = 16;
const LANES_MAX: usize = 8;

/// What an act makes of each thing, in the things' order.
pub(crate) fn each<T: Sync, R: Send>(things: &[T], act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get).min(LANES_MAX);
    if things.len() < FEW || cores == 1 {
        return things.iter().map(act).collect();
    }
    let lane = things.len().div_ceil(cores);
    let act = &act;
    std::thread::scope(|scope| {
        let lanes: Vec<_> = things
            .chunks(lane)
            .map(|things| (things, scope.spawn(move || things.iter().map(act).collect::<Vec<R>>())))
            .collect();
        // What a lane gave up is done here, and ends here as it would have without lanes.
        let done = lanes.into_iter().flat_map(|(things, lane)| {
            lane.join().unwrap_or_else(|_| things.iter().map(act).collect())
        });
        done.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_once_and_in_order() {
        for many in [0, 1, FEW - 1, FEW, 100, 1_001] {
            let things: Vec<usize> = (0..many).collect();
            assert_eq!(each(&things, |n| n * 2), things.iter().map(|n| n * 2).collect::<Vec<_>>());
        }
    }
}
