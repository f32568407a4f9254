//! Whether anything was written to the file: `SQLite` tells one connection by a number that changes with every commit of another,
//! the writer's and other processes'. Must not know what is written.

use super::told;
use crate::store::{Mark, StoreError};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

/// The connection that is asked. It writes nothing itself.
#[derive(Debug)]
pub(super) struct Watch {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
    /// The number means something to one connection only: a new one begins anew.
    opened: u64,
}

impl Watch {
    pub(super) const fn new(options: SqliteConnectOptions) -> Self {
        Self { options, connection: None, opened: 0 }
    }

    #[cfg(test)]
    pub(super) fn lose(&mut self) {
        self.connection = None;
    }

    pub(super) async fn mark(&mut self) -> Result<Mark, StoreError> {
        let mut connection = if let Some(connection) = self.connection.take() {
            connection
        } else {
            self.opened += 1;
            SqliteConnection::connect_with(&self.options).await.map_err(|e| told(&e))?
        };
        // Whoever stops waiting here, or fails, leaves no connection behind: the next mark is another.
        let version = sqlx::query_scalar::<_, i64>("PRAGMA data_version");
        let version = version.fetch_one(&mut connection).await.map_err(|e| told(&e))?;
        self.connection = Some(connection);
        Ok(Mark(format!("{}:{version}", self.opened)))
    }
}
