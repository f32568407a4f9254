//! Snowflake: agreements held, run and withdrawn there, in the accounts of the members whom a gateway operates. Two rooms: shares of
//! secure views under policies, and data clean rooms of the Collaboration API. Must not know the gateway, other adapters or HTTP.

mod behaviours;
mod collaboration;
mod connection;
mod entry;
mod error;
#[cfg(test)]
mod hostile;
mod import;
mod landing;
#[cfg(any(test, feature = "model"))]
pub mod model;
mod names;
mod reach;
mod region;
#[cfg(test)]
mod run_tests;
mod running;
mod session;
mod shares;
mod side_by_side;
mod sql;
mod tables;
#[cfg(test)]
mod twin;
#[cfg(test)]
mod twin_tests;
mod unload;
mod verdicts;
mod verify;

pub use behaviours::{behaviours, unknown as unknown_behaviours};
pub use collaboration::{SnowflakeCollaborations, assess as assess_collaborations};
pub use connection::{Connection, Connections, TokenKind};
pub use import::Import;
pub use session::Took;
pub use shares::{SnowflakeShares, assess as assess_shares};
pub use verify::{Columns, Found, Report};
