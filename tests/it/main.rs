//! The binary as its users meet it: real processes, real files, bad input, limits. Knows only the command line, its JSON
//! and what lies on disk.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may end by panicking; clippy knows that only inside test functions"
)]

mod agreements;
mod answers;
mod asked;
mod begun;
mod clients;
mod datasets;
mod denied;
mod destinations;
mod http;
mod looked;
mod matrix;
mod operations;
mod policies;
mod records;
mod remote;
mod runs;
mod schedules;
mod serve;
mod shared;
mod shares;
mod shares_console;
mod tiles;
mod token;
mod traced;
mod worker;
mod world;
