//! Matches rows of two sides on 128-bit tokens and aggregates what matched; knows arrow and Parquet, not agreements or SQL.
//!
//! Tokens are the first 16 bytes of uniformly distributed 32-byte keys, so they need no further hashing:
//! their top bits split both sides into partitions that fit a core's cache, and each partition is matched
//! in a small open-addressing table. Distinct entities are counted in the same pass.

mod aggregate;
mod error;
mod filter;
mod groups;
mod measure;
mod overlap;
mod partitions;
mod settings;
pub mod source;
mod spill;
mod store;
mod table;
mod token;

pub use aggregate::{MatchAggregate, MatchWriter, MatchedGroup, Shape};
pub use error::MatchError;
pub use groups::{GroupEncoder, GroupKeys};
pub use measure::{MeasureColumn, MeasureKind, MeasureTotal, Total};
pub use overlap::{Overlap, OverlapCount, OverlapWriter};
pub use settings::{MemoryLimit, Settings, Side};
pub use store::Usage;
pub use token::{Token, TokenColumn};
