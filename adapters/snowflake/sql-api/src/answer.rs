//! The API's documents, held against what was asked. Texts in them are not read. Must not know any connection.

use crate::columns::{Column, RowType};
use crate::error::{Error, ErrorKind, Fate, Fault, Result};
use crate::handle::Handle;
use crate::meaning;
use crate::rows::Rows;
use crate::settings::Limits;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

const JWT_INVALID: &str = "390144";
const INCOMPLETE: &str = "391908";
/// So far apart may the clocks be.
const SKEW_S_MAX: u64 = 60;
const FORMAT: &str = "jsonv2";

/// What came back, unpacked.
#[derive(Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) retry_after: Option<Duration>,
    /// How far this machine's clock is from the answer's date.
    pub(crate) skew_s: Option<u64>,
}

/// What an answer says of a statement.
pub(crate) enum Answer {
    Running(Handle),
    Done(Box<Done>),
}

/// A statement that ended well, with the first part of its result.
pub(crate) struct Done {
    pub(crate) handle: Handle,
    pub(crate) children: Vec<Handle>,
    pub(crate) columns: Vec<Column>,
    /// How many rows each partition has.
    pub(crate) partitions: Vec<u64>,
    pub(crate) first: Rows,
    pub(crate) stats: BTreeMap<String, u64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Said {
    code: Option<String>,
    sql_state: Option<String>,
    statement_handle: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultDocument {
    code: Option<String>,
    statement_handle: Option<String>,
    #[serde(default)]
    statement_handles: Vec<String>,
    result_set_meta_data: Option<Metadata>,
    data: Option<Rows>,
    stats: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    num_rows: u64,
    format: Option<String>,
    row_type: Vec<RowType>,
    partition_info: Option<Vec<PartitionInfo>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PartitionInfo {
    row_count: u64,
    uncompressed_size: Option<u64>,
}

#[derive(Deserialize)]
struct PartitionDocument {
    data: Rows,
}

/// What is said of a statement: of the one that was asked after, or of a new one.
pub(crate) fn of_statement(
    reply: &Reply,
    asked: Option<&Handle>,
    limits: Limits,
) -> Result<Answer> {
    match reply.status {
        200 => done(reply, asked, limits).map(|done| Answer::Done(Box::new(done))),
        202 => {
            let said: Said = document(reply, Fate::Unknown)?;
            let handle = own(said.statement_handle.as_deref(), asked, Fate::Unknown)?;
            Ok(Answer::Running(handle))
        }
        _ => Err(failure(reply, asked)),
    }
}

/// Rows of a partition: so many, so wide.
pub(crate) fn of_partition(reply: &Reply, count: u64, width: usize) -> Result<Rows> {
    match reply.status {
        200 => {
            let PartitionDocument { data } = document(reply, Fate::Succeeded)?;
            checked(data, count, width)
        }
        202 => Err(Error::protocol(Fault::Status, Fate::Succeeded).with_status(202)),
        _ => Err(failure(reply, None).with_fate(Fate::Succeeded)),
    }
}

/// Whether a statement was cancelled, or had ended before.
pub(crate) fn of_cancel(reply: &Reply, asked: &Handle) -> Result<bool> {
    const NOT_RUNNING: &str = "000605";
    let said: Said = serde_json::from_slice(&reply.body).unwrap_or_default();
    match (reply.status, said.code.as_deref()) {
        (200, _) => {
            own(said.statement_handle.as_deref(), Some(asked), Fate::Unknown)?;
            Ok(true)
        }
        (422, Some(NOT_RUNNING)) => Ok(false),
        (202, _) => Err(Error::protocol(Fault::Status, Fate::Unknown).with_status(202)),
        _ => Err(failure(reply, Some(asked)).with_fate(Fate::Unknown)),
    }
}

fn document<'a, T: Deserialize<'a>>(reply: &'a Reply, fate: Fate) -> Result<T> {
    let read = serde_json::from_slice(&reply.body);
    read.map_err(|_| Error::protocol(Fault::Document, fate).with_status(reply.status))
}

/// The handle of an answer, which is the one that was asked for.
fn own(said: Option<&str>, asked: Option<&Handle>, fate: Fate) -> Result<Handle> {
    let handle = said.and_then(Handle::read);
    let wrong = || Error::protocol(Fault::Handle, fate).with_handle(asked);
    let handle = handle.ok_or_else(wrong)?;
    if asked.is_some_and(|asked| *asked != handle) { Err(wrong()) } else { Ok(handle) }
}

fn checked(rows: Rows, count: u64, width: usize) -> Result<Rows> {
    let fault = if !rows.are_of(width) {
        Fault::RowWidth
    } else if u64::try_from(rows.len()) != Ok(count) {
        Fault::RowCount
    } else {
        return Ok(rows);
    };
    Err(Error::protocol(fault, Fate::Succeeded))
}

fn done(reply: &Reply, asked: Option<&Handle>, limits: Limits) -> Result<Done> {
    let said: ResultDocument = document(reply, Fate::Unknown)?;
    // An answer about another statement says nothing about this one.
    let fate = if asked.is_some() { Fate::Unknown } else { Fate::Succeeded };
    let handle = own(said.statement_handle.as_deref(), asked, fate)?;
    let wrong = |kind| Error::new(kind, Fate::Succeeded).with_handle(Some(&handle));
    if said.code.as_deref() == Some(INCOMPLETE) {
        return Err(wrong(ErrorKind::TooLarge).with_codes(said.code.as_deref(), None));
    }
    let metadata = said.result_set_meta_data;
    let metadata = metadata.ok_or_else(|| wrong(ErrorKind::Protocol(Fault::Format)))?;
    if metadata.format.as_deref().is_some_and(|format| format != FORMAT) {
        return Err(wrong(ErrorKind::Protocol(Fault::Format)));
    }
    let partitions = partitions(&metadata, limits).map_err(wrong)?;
    let columns = metadata.row_type.into_iter().map(RowType::column).collect::<Result<Vec<_>>>();
    let columns = columns.map_err(|error| error.with_handle(Some(&handle)))?;
    let first = checked(
        said.data.unwrap_or_default(),
        partitions.first().copied().unwrap_or_default(),
        columns.len(),
    );
    let first = first.map_err(|error| error.with_handle(Some(&handle)))?;
    let children = said.statement_handles.iter().map(|text| Handle::read(text));
    let children = children.collect::<Option<Vec<_>>>();
    let children = children.ok_or_else(|| wrong(ErrorKind::Protocol(Fault::Handle)))?;
    let stats = said.stats.into_iter().flatten();
    let stats = stats.filter_map(|(name, value)| Some((name, value.as_u64()?))).collect();
    Ok(Done { handle, children, columns, partitions, first, stats })
}

/// How many rows each partition has; there is always one.
fn partitions(metadata: &Metadata, limits: Limits) -> std::result::Result<Vec<u64>, ErrorKind> {
    let said = metadata.partition_info.as_deref().unwrap_or_default();
    let size_max = u64::try_from(limits.answer_bytes_max).unwrap_or(u64::MAX);
    let is_large = |part: &PartitionInfo| part.uncompressed_size.is_some_and(|s| s > size_max);
    if metadata.num_rows > limits.rows_max
        || said.len() > limits.partitions_max
        || said.iter().any(is_large)
    {
        return Err(ErrorKind::TooLarge);
    }
    if said.is_empty() {
        return Ok(vec![metadata.num_rows]);
    }
    let sum = said.iter().try_fold(0_u64, |sum, part| sum.checked_add(part.row_count));
    if sum != Some(metadata.num_rows) {
        return Err(ErrorKind::Protocol(Fault::RowCount));
    }
    Ok(said.iter().map(|part| part.row_count).collect())
}

/// A statement that failed, with what is known of it.
fn ended(kind: ErrorKind) -> (ErrorKind, Fate) {
    let fate = if kind == ErrorKind::StatementUnknown {
        Fate::Unknown
    } else if kind == ErrorKind::TooLarge {
        Fate::Succeeded
    } else {
        Fate::Failed
    };
    (kind, fate)
}

/// What an answer that is no success means.
fn failure(reply: &Reply, asked: Option<&Handle>) -> Error {
    use ErrorKind as Kind;
    let said: Said = serde_json::from_slice(&reply.body).unwrap_or_default();
    let code = said.code.as_deref().unwrap_or_default();
    let state = said.sql_state.as_deref().unwrap_or_default();
    let handle = said.statement_handle.as_deref().and_then(Handle::read);
    let is_other = asked.is_some() && handle.is_some() && handle.as_ref() != asked;
    let (kind, fate) = match reply.status {
        422 | 408 if is_other => (Kind::Protocol(Fault::Handle), Fate::Unknown),
        422 => ended(meaning::of_failure(code, state)),
        408 => (Kind::StatementTimeout, Fate::Failed),
        429 => (Kind::Throttled, Fate::NotStarted),
        401 if code == JWT_INVALID && reply.skew_s.is_some_and(|s| s > SKEW_S_MAX) => {
            (Kind::ClockSkewed, Fate::NotStarted)
        }
        401 => (meaning::of_refusal(code), Fate::NotStarted),
        403 => (Kind::AccessRefused, Fate::NotStarted),
        400..=499 => (Kind::RequestRefused, Fate::NotStarted),
        500..=599 => (Kind::Unavailable, Fate::Unknown),
        300..=399 => (Kind::Protocol(Fault::Redirect), Fate::Unknown),
        _ => (Kind::Protocol(Fault::Status), Fate::Unknown),
    };
    Error::new(kind, fate)
        .with_status(reply.status)
        .with_codes(said.code.as_deref(), said.sql_state.as_deref())
        .with_retry_after(reply.retry_after)
        .with_handle(asked.or(handle.as_ref()))
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
