//! Every state of a small world in which withdrawals race with grants: up to three platforms, two workers, three withdrawals
//! open at once and any number over time, with new grants between them. The verdicts are the fold's own (`Giving`, `Closing`);
//! the model is what surrounds them: workers with old views, leases that are lost, calls that land late, answers that are old,
//! crashes. Must not know I/O.
//!
//! # What is abstracted
//! - One thing is granted and withdrawn. Of the log's length it only matters whether anything was decided since it was read, and
//!   of a withdrawal that was seen closed everywhere nothing matters any more.
//! - Tokens are not numbered: one worker has the newest, or nobody does. A lease may be lost at any time.
//! - A worker turns to one platform at a time and forgets the looks at the one before. A dead worker is one that rests.
//! - A worker has one open intent to give, and so one call; a platform one call that takes away, of which it doesn't matter
//!   whose it is.
//! - A look shows the truth or its opposite, unless it must be newer than a look that counted and nothing changed since.
//! - Whoever is tried is never refused nor served: no probe saves a wrong verdict.
//! - A worker gives whatever fold and store let it; what it wants decides only what it takes away.

#![expect(
    clippy::indexing_slicing,
    reason = "numbers of platforms, workers and states are made here and never come from outside"
)]

pub mod explore;
pub mod promise;
pub mod rules;
pub mod step;
#[cfg(test)]
mod tests;
pub mod words;
pub mod world;
