//! The gateway: whatever has state, a socket or a clock. `src/ARCHITECTURE.md` is the map.

#[cfg(feature = "gateway")]
pub mod access;
#[cfg(feature = "gateway")]
pub mod app;
#[cfg(feature = "gateway")]
pub mod cli;
#[cfg(feature = "client")]
pub mod client;
pub mod clock;
#[cfg(feature = "gateway")]
pub mod demo;
#[cfg(feature = "gateway")]
pub mod egress;
pub mod error;
#[cfg(feature = "gateway")]
pub mod home;
#[cfg(feature = "gateway")]
mod http;
#[cfg(feature = "gateway")]
mod keyed;
pub mod log;
#[cfg(feature = "gateway")]
mod metrics;
#[cfg(feature = "gateway")]
pub mod publication;
pub mod reconcile;
#[cfg(feature = "gateway")]
pub mod results;
#[cfg(feature = "gateway")]
mod settings;
#[cfg(feature = "gateway")]
mod sharing;
mod stands;
pub mod store;
#[cfg(feature = "gateway")]
pub mod tokens;
#[cfg(feature = "gateway")]
mod traces;
#[cfg(feature = "gateway")]
mod triggers;
#[cfg(feature = "client")]
pub mod wire;
#[cfg(feature = "gateway")]
pub mod wiring;
