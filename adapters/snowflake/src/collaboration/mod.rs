//! The room `snowflake-dcr`: data clean rooms of the Collaboration API. A collaboration a runner, a view and an offering a dataset, texts
//! that every provider approves. Must not know the other room, the gateway, or HTTP.

mod apply;
mod assess;
mod beside;
mod call;
mod held;
mod import;
mod known;
mod names;
mod observe;
mod plan;
mod probe;
mod room;
mod runs;
mod seen;
#[cfg(any(test, feature = "model"))]
mod settled;
mod specs;
mod test_connection;
mod told;
mod verify;
mod wanted;
mod yaml;

pub use assess::assess;
pub use room::SnowflakeCollaborations;
#[cfg(any(test, feature = "model"))]
pub use settled::settled;
#[cfg(test)]
pub(crate) use verify::HOSTILE;

#[cfg(test)]
mod tests;
