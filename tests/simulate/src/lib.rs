//! A deterministic simulation of the whole sync loop: the real log with its signatures and tree, and the real passes, over a store,
//! platforms and clocks that the world plays. Must not know engines, sockets or files of a gateway.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a world of many small kinds: what a place does not name is none of its business"
)]

mod adapter;
mod answer;
mod case;
mod check;
mod clock;
mod conflict;
mod console;
pub mod crash;
mod deliver;
mod executor;
mod faults;
mod happen;
mod offline;
mod oracle;
mod pass;
mod people;
mod platform;
mod pool;
mod rng;
mod rule;
mod run;
mod shrink;
mod store;
mod trace;
mod turn;
mod wanted;
mod wire;
mod worker;
mod world;

pub use case::Kind;
pub use check::Violation;
pub use run::{Replay, Tally, replay, run_seed, run_told, smaller};
pub use world::Outcome;
