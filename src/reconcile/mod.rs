//! Keeping platforms true to the log over time. Pure: must not know stores, adapters or clocks.

mod budget;
mod schedule;
mod steady;

pub use budget::{Budgets, Key, Limit, Rate};
pub use schedule::{Class, End, Failure, Interval, Pace, Schedule, Slots, Turn};
