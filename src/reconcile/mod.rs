//! Keeping platforms true to the log over time. Pure: must not know stores, adapters or clocks.

mod schedule;

pub use schedule::Schedule;
