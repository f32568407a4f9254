//! The native room from outside, over real files: thresholds to the entity, consent, keys, hostile files, limits, the checker.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may end by panicking; clippy knows that only inside test functions"
)]

mod backed;
mod checker;
mod counted;
mod limits;
mod meaning;
mod prepared;
mod twins;
mod world;
