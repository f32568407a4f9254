//! A statement's result: partitions read one after another, when they are asked for. Must not know what is in them.

use crate::answer::{self, Done, Reply};
use crate::columns::{Column, schema};
use crate::decode;
use crate::error::{Error, Fate, Invalid, Result};
use crate::handle::Handle;
use crate::rows::Rows;
use crate::transport::{Ask, Transport, blocking};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use futures::stream::{self, Stream};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Conversions of more rows than this are done beside the threads that answer others.
const BYTES_A_CELL: usize = 16;

/// The result of a statement that ended well. Snowflake keeps it for a day.
#[derive(Clone)]
pub struct ResultSet {
    transport: Arc<Transport>,
    handle: Handle,
    children: Vec<Handle>,
    columns: Arc<[Column]>,
    partitions: Vec<u64>,
    first: Arc<Rows>,
    stats: BTreeMap<String, u64>,
}

/// A result as text, for the answers of SHOW and DESC: read by names of columns, whose order changes.
#[derive(Clone, PartialEq, Eq)]
pub struct Table {
    names: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

impl ResultSet {
    pub(crate) fn new(transport: Arc<Transport>, done: Done) -> Self {
        let Done { handle, children, columns, partitions, first, stats } = done;
        let (columns, first) = (columns.into(), Arc::new(first));
        Self { transport, handle, children, columns, partitions, first, stats }
    }

    /// The statement.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Of several statements in one request: each one, in order. Their results are read with `Client::wait`.
    #[must_use]
    pub fn children(&self) -> &[Handle] {
        &self.children
    }

    /// The columns.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// What a statement that changed rows did, by Snowflake's names (`numRowsInserted`).
    #[must_use]
    pub fn stats(&self) -> &BTreeMap<String, u64> {
        &self.stats
    }

    /// How many rows there are.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.partitions.iter().sum()
    }

    /// How many partitions there are; one at least.
    #[must_use]
    pub fn partition_count(&self) -> usize {
        self.partitions.len()
    }

    /// The schema of every batch.
    pub fn schema(&self) -> Result<SchemaRef> {
        let schema = schema(&self.columns).map_err(|error| self.about(error))?;
        Ok(Arc::new(schema))
    }

    /// One partition, counted from 0. The first came with the answer; each other one is fetched.
    pub async fn partition(&self, number: usize) -> Result<RecordBatch> {
        let (schema, columns) = (self.schema()?, Arc::clone(&self.columns));
        let rows = self.rows(number).await?;
        let size = rows.len().saturating_mul(columns.len()).saturating_mul(BYTES_A_CELL);
        let batch = blocking(size, move || decode::batch(&schema, &columns, &rows)).await;
        batch.map_err(|error| self.about(error))
    }

    /// Every partition as a batch, fetched when it is asked for.
    pub fn batches(self) -> impl Stream<Item = Result<RecordBatch>> + Send {
        stream::try_unfold((self, 0), |(result, number)| async move {
            if number >= result.partitions.len() {
                return Ok(None);
            }
            let batch = result.partition(number).await?;
            Ok(Some((batch, (result, number + 1))))
        })
    }

    /// All rows as text.
    pub async fn table(&self) -> Result<Table> {
        let mut table = Table {
            names: self.columns.iter().map(|column| column.name.clone()).collect(),
            rows: Vec::new(),
        };
        let width = self.columns.len();
        for number in 0..self.partitions.len() {
            let rows = self.rows(number).await?;
            table.rows.extend((0..rows.len()).map(|row| {
                let cells = (0..width).map(|at| rows.cell(width, row, at).ok().flatten());
                cells.map(|cell| cell.map(str::to_owned)).collect()
            }));
        }
        Ok(table)
    }

    async fn rows(&self, number: usize) -> Result<Arc<Rows>> {
        let Some(count) = self.partitions.get(number).copied() else {
            return Err(self.about(Error::invalid(Invalid::Partition)));
        };
        if number == 0 {
            return Ok(Arc::clone(&self.first));
        }
        let width = self.columns.len();
        let read = move |reply: &Reply| answer::of_partition(reply, count, width);
        let ask = Ask::Partition(self.handle.clone(), number);
        let rows = self.transport.asked(&ask, read).await;
        rows.map(Arc::new).map_err(|error| self.about(error))
    }

    /// Whatever is wrong with its result, the statement ended well.
    fn about(&self, error: Error) -> Error {
        error.with_fate(Fate::Succeeded).with_handle(Some(&self.handle))
    }
}

impl Table {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The names of the columns.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The cells of a column, if there is exactly one of that name, in whatever case.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<Vec<Option<&str>>> {
        let is_it = |own: &String| own.eq_ignore_ascii_case(name);
        let at = self.names.iter().position(is_it)?;
        if self.names.iter().filter(|own| is_it(own)).count() > 1 {
            return None;
        }
        self.rows.iter().map(|row| row.get(at).map(Option::as_deref)).collect()
    }
}

/// Values of members are not shown.
impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} columns, {} rows)", self.names.len(), self.rows.len())
    }
}

impl fmt::Debug for ResultSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultSet")
            .field("handle", &self.handle)
            .field("columns", &self.columns.len())
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}
