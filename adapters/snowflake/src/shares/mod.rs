//! The room of shares: secure views of owners' tables under aggregation policies, granted to shares that let runners' accounts in,
//! and texts run there. Must not know the room of the Collaboration API.

mod apply;
mod assess;
mod beside;
mod call;
mod held;
mod import;
mod mark;
mod observe;
mod plan;
mod probe;
mod room;
mod runs;
mod seen;
#[cfg(any(test, feature = "model"))]
mod settled;
mod test_connection;
mod verify;
mod wanted;

#[cfg(test)]
mod tests;

pub use assess::assess;
pub use room::SnowflakeShares;
#[cfg(any(test, feature = "model"))]
pub use settled::settled;
