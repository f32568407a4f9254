//! The physical tables of an account: their columns with types. One look at the catalog of a database says of all its tables when each
//! was changed last; only one that was is described anew. Must not know rooms, nor what a column is for.
//!
//! Source: Snowflake SQL reference, TABLES view of `INFORMATION_SCHEMA`: every CREATE, ALTER, DROP and UNDROP of a table or view sets
//! `LAST_DDL`. Its COLUMNS view would say the columns too, without collations, which decide whether keys are equal.

use crate::entry::Table;
use crate::reach::Seat;
use crate::session::Session;
use crate::sql::Sql;
use adapter_spi::{CallClass, ErrorKind, Result};
use futures::future::try_join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A table is described anew after so long, whatever the catalog says of it.
const REMEMBERED: Duration = Duration::from_hours(1);
/// So many tables are described at the same time.
const TOGETHER: usize = 8;

/// Columns with their types, as DESC spells them.
pub(crate) type Columns = BTreeMap<String, String>;

/// When a table was made, when it was changed last, and what it is: as the catalog says it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp([String; 3]);

#[derive(Debug)]
struct Described {
    stamp: Stamp,
    columns: Columns,
    at: Instant,
}

/// What was described before, by account.
#[derive(Debug)]
pub(crate) struct Tables {
    known: Mutex<BTreeMap<(Seat, Table), Described>>,
    remembered: Duration,
}

impl Default for Tables {
    fn default() -> Self {
        Self { known: Mutex::default(), remembered: REMEMBERED }
    }
}

impl Tables {
    /// The columns of tables, or of views in their places; none of one that is not there or not shown.
    pub(crate) async fn columns(
        &self,
        session: &Session,
        tables: BTreeSet<Table>,
    ) -> Result<BTreeMap<Table, Option<Columns>>> {
        // Stamps come first: what changes between the two looks is described again by the next.
        let stamps = stamps(session, &tables).await?;
        let (mut found, mut unknown) = (BTreeMap::new(), Vec::new());
        for table in tables {
            let known = stamps.get(&table).and_then(|stamp| self.known(session, &table, stamp));
            match known {
                Some(columns) => drop(found.insert(table, Some(columns))),
                None => unknown.push(table),
            }
        }
        for some in unknown.chunks(TOGETHER) {
            let all = try_join_all(some.iter().map(|table| described(session, table))).await?;
            for (table, columns) in some.iter().zip(all) {
                if let (Some(stamp), Some(columns)) = (stamps.get(table), &columns) {
                    self.keep(session, table, (stamp, columns));
                }
                found.insert(table.clone(), columns);
            }
        }
        Ok(found)
    }

    fn known(&self, session: &Session, table: &Table, stamp: &Stamp) -> Option<Columns> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let described = known.get(&(session.seat.clone(), table.clone()))?;
        let is_it = described.stamp == *stamp && described.at.elapsed() < self.remembered;
        is_it.then(|| described.columns.clone())
    }

    fn keep(&self, session: &Session, table: &Table, (stamp, columns): (&Stamp, &Columns)) {
        let (stamp, columns) = (stamp.clone(), columns.clone());
        let described = Described { stamp, columns, at: Instant::now() };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, one| one.at.elapsed() < self.remembered);
        known.insert((session.seat.clone(), table.clone()), described);
    }
}

/// What the catalogs of these tables' databases say of them. Nothing of a database whose catalog is refused, as where no warehouse runs:
/// its tables are described, which takes none.
async fn stamps(session: &Session, tables: &BTreeSet<Table>) -> Result<BTreeMap<Table, Stamp>> {
    let mut stamps = BTreeMap::new();
    let databases: BTreeSet<&str> = tables.iter().map(|[database, ..]| database.as_str()).collect();
    for database in databases {
        let own = || tables.iter().filter(|[of, ..]| of == database);
        let sql = Sql::new("SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, CREATED, LAST_DDL FROM ");
        let sql = sql.name(database).word(".INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA IN (");
        let schemas: BTreeSet<&str> = own().map(|[_, schema, _]| schema.as_str()).collect();
        let names: BTreeSet<&str> = own().map(|[.., name]| name.as_str()).collect();
        let sql = sql.texts(schemas).word(") AND TABLE_NAME IN (").texts(names).word(")");
        let found = match session.rows("TABLES", CallClass::List, sql).await {
            Err(error) if is_refused(error.kind) => continue,
            found => found?,
        };
        let columns = ["table_schema", "table_name", "table_type", "created", "last_ddl"];
        for [schema, name, of, created, changed] in found.of(columns)? {
            let (Some(schema), Some(name)) = (schema, name) else { continue };
            let (Some(of), Some(created), Some(changed)) = (of, created, changed) else { continue };
            let table = [database.to_owned(), schema, name];
            if tables.contains(&table) {
                stamps.insert(table, Stamp([of, created, changed]));
            }
        }
    }
    Ok(stamps)
}

/// Whether the account answered, and refused this one statement.
const fn is_refused(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::Unsupported
            | ErrorKind::Conflict
    )
}

/// The columns of a table, or of a view in its place, as it is now.
pub(crate) async fn described(
    session: &Session,
    [database, schema, name]: &Table,
) -> Result<Option<Columns>> {
    for words in ["DESC TABLE ", "DESC VIEW "] {
        let sql = Sql::new(words).path(&[database, schema, name]);
        let found = match session.rows("DESC TABLE", CallClass::Read, sql).await {
            Err(error) if error.kind == ErrorKind::NotFound => continue,
            found => found?,
        };
        let columns = found.of(["name", "type"])?.into_iter();
        return Ok(Some(columns.filter_map(|[name, of]| Some((name?, of?))).collect()));
    }
    Ok(None)
}
