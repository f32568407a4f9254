//! AWS Clean Rooms: agreements held, run and withdrawn there, in the accounts of the members whom a gateway operates. Must not
//! know the gateway, other adapters or HTTP.

mod apply;
mod assess;
mod call;
mod clients;
mod connection;
mod error;
mod event;
mod export;
mod fetch;
mod held;
mod import;
mod names;
mod observe;
mod plan;
mod probe;
mod queue;
mod room;
mod rule;
mod runs;
mod seats;
mod seen;
mod test_connection;
mod wanted;

pub use assess::assess;
pub use connection::{Connection, Connections, ResultFormat};
pub use event::{NotAnEvent, accounts_told};
pub use export::{Form, export};
pub use import::Import;
pub use queue::{Message, Queue};
pub use room::{AwsCleanRooms, ExternalIds};

#[cfg(test)]
mod tests;
