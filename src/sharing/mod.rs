//! Delta Sharing as words and lines: what a recipient shows (`words`), what it asks (`asked`), what it is told of a result (`lines`). Pure. Must not
//! know HTTP, stores or logs, nor who may read what.

mod asked;
mod lines;
mod words;

pub(crate) use asked::{Query, Wants, unsupported, version};
pub(crate) use lines::{File, Table, id, lines};
pub(crate) use words::{Bearer, Fresh, Ticket, Words};

/// The version of every table: a result is written once.
pub(crate) const VERSION: i64 = 0;
/// A file's URL lives no longer, in seconds.
pub(crate) const URL_S_MAX: i64 = 300;
