//! Keeps platforms true to the log. Must not know any platform by name, nor the gateway's sockets and folders.
//!
//! # Expected flow
//! A worker takes turns: one collaboration in one room each. A pass reads the log, looks at the platform, writes down what the
//! look says (settled calls, what owners took away there, what is held), closes what is open and not wanted, confirms what is
//! seen closed, and gives what nothing stands in the way of. It takes no other input; the next pass starts from nothing again.
//!
//! # Guarantees
//! - A pass may be dropped at any await, run twice, or race another: an intent is on record before each call, and the fold
//!   decides on the very state that it is appended to whether it may be.
//! - Nothing is given while a withdrawal of the same thing has not been seen closed anywhere, nor on a plan older than the
//!   newest decision, nor without the lease's fence. Taking away asks nobody, and goes on when the log can't be written.
//! - A withdrawal counts as closed on a platform after whole looks far enough apart that show nothing of it, with no call
//!   pending that could give it still.
//! - What an owner took away on a platform becomes a withdrawal once that is certain; until then nothing is done about it.
//! - In an unchanged world a pass writes nothing.
//!
//! # Assumptions
//! A platform shows what was done after `settles_ms`, and no call takes effect `late_ms` after it was sent ([`adapter_spi::Lag`]).
//! A call that gives is sent within ten seconds of its intent, by the steady clock, or not at all.
//!
//! # Caveats
//! A process that is stopped between its last look at the clock and its socket, for longer than all of these, may still give
//! late. The next look takes that away and says so.

pub mod budget;
mod desired;
mod drift;
mod gate;
mod losses;
mod memory;
mod pass;
mod record;
mod report;
pub mod schedule;
mod settle;
mod shards;
mod steady;
mod things;

pub use desired::{desired, desired_on};
pub use drift::{Drift, DriftClass, UNSURE, listed, said};
pub use gate::Wait;
pub use losses::{Loss, losses, touched};
pub use memory::Memory;
pub use pass::pass;
pub use report::{End, Report, Turn, Waiting};
pub use shards::{Claim, SHARDS, claim, shard};
pub use things::Subject;

#[cfg(test)]
mod tests;
