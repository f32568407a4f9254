//! The native room: `DataFusion` over Parquet where it lies. It starts empty and denies what no step granted; it runs only
//! text that a checker, which did not write it, accepts. Must not know the agreement log, HTTP or a clock.

mod assess;
mod check;
mod dataset;
mod failure;
mod footer;
mod landing;
mod matched;
mod prepare;
mod room;
mod run;
mod storage;
mod threshold;
mod token;
mod values;

pub use assess::assess;
pub use prepare::{Preparation, Prepared, PreparedKey, prepare};
pub use room::{KeySource, NativeRoom};
pub use storage::{Place, StorageError};
