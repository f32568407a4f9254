//! The gateway: whatever has state, a socket or a clock. `src/ARCHITECTURE.md` is the map.

pub mod app;
pub mod cli;
pub mod clock;
pub mod demo;
pub mod error;
pub mod home;
pub mod log;
pub mod reconcile;
pub mod results;
mod settings;
pub mod store;
pub mod wiring;
