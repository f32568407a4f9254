//! The canonical language of Airlock: what parties agree, and how each platform says it.
//! Pure: no I/O, no clock, no async, and no knowledge of any platform's client.

pub mod agreement;
pub mod guard;
pub mod heard;
pub mod keys;
pub mod model;
pub mod snowflake;
pub mod spark;
pub mod table;
pub mod text;
pub mod unsaid;
