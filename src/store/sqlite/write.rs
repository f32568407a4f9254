//! The writer: whatever is queued goes into one transaction; every caller is answered after its commit.

use super::{read_back, stored, told};
use crate::store::{Appended, StoreError};
use mappings::model::CollaborationId;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Row as _};
use tokio::sync::{mpsc, oneshot};

const BATCH_MAX: usize = 256;

/// What to append where, and who waits for it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) collaboration: CollaborationId,
    pub(super) expected: u64,
    pub(super) appended: Appended,
    pub(super) answer: oneshot::Sender<Result<u64, StoreError>>,
}

/// The only connection that writes.
#[derive(Debug)]
pub(super) struct Writer {
    connection: SqliteConnection,
}

impl Writer {
    pub(super) const fn new(connection: SqliteConnection) -> Self {
        Self { connection }
    }

    /// Writes until nobody can ask any more.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut batch = Vec::new();
        while requests.recv_many(&mut batch, BATCH_MAX).await > 0 {
            let answers = self.commit_all(&batch).await;
            for (request, result) in batch.drain(..).zip(answers) {
                // Whoever stopped waiting finds the outcome in the log.
                let _ = request.answer.send(result);
            }
        }
        let _ = self.connection.close().await;
    }

    /// One transaction for all; when it fails, one for each, so that nobody fails for another's sake.
    async fn commit_all(&mut self, requests: &[Request]) -> Vec<Result<u64, StoreError>> {
        match self.commit(requests).await {
            Ok(answers) => answers,
            Err(error) if requests.len() <= 1 => requests.iter().map(|_| Err(error)).collect(),
            Err(_) => {
                let mut answers = Vec::with_capacity(requests.len());
                for request in requests {
                    let alone = self.commit(std::slice::from_ref(request)).await;
                    let first = alone.map(|mut answers| answers.pop());
                    answers.push(first.and_then(|a| a.unwrap_or(Err(StoreError::Unavailable))));
                }
                answers
            }
        }
    }

    /// Plain statements, not the driver's transaction: `SQLite` undoes one by itself when the disk is full, and the
    /// driver would go on counting it.
    async fn commit(
        &mut self,
        requests: &[Request],
    ) -> Result<Vec<Result<u64, StoreError>>, StoreError> {
        self.tell("BEGIN IMMEDIATE").await?;
        let written = match self.write_all(requests).await {
            Ok(answers) => self.tell("COMMIT").await.map(|()| answers),
            Err(error) => Err(error),
        };
        if written.is_err() {
            // Fails when `SQLite` has undone it already, which is as good.
            let _ = self.tell("ROLLBACK").await;
        }
        written
    }

    async fn tell(&mut self, statement: &'static str) -> Result<(), StoreError> {
        let told_so = sqlx::query(statement).execute(&mut self.connection).await;
        told_so.map(|_| ()).map_err(|e| told(&e))
    }

    async fn write_all(
        &mut self,
        requests: &[Request],
    ) -> Result<Vec<Result<u64, StoreError>>, StoreError> {
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            answers.push(append(&mut self.connection, request).await?);
        }
        Ok(answers)
    }
}

/// The inner result refuses before anything was written; the outer one undoes the transaction.
type Written = Result<Result<u64, StoreError>, StoreError>;

async fn log_of(
    connection: &mut SqliteConnection,
    collaboration: &CollaborationId,
) -> Result<Option<(i64, u64)>, StoreError> {
    let row = sqlx::query("SELECT id, size FROM log WHERE collaboration = ?1")
        .bind(collaboration.as_str())
        .fetch_optional(connection)
        .await
        .map_err(|e| told(&e))?;
    let Some(row) = row else { return Ok(None) };
    let id = row.try_get(0).map_err(|e| told(&e))?;
    let size = row.try_get(1).map_err(|e| told(&e))?;
    Ok(Some((id, read_back(size)?)))
}

async fn append(connection: &mut SqliteConnection, request: &Request) -> Written {
    let Request { collaboration, expected, appended, .. } = request;
    let found = log_of(connection, collaboration).await?;
    let size = found.map_or(0, |(_, size)| size);
    if size != *expected {
        return Ok(Err(StoreError::Conflict { size }));
    }
    let id = if let Some((id, _)) = found {
        id
    } else {
        let insert = "INSERT INTO log (collaboration, size) VALUES (?1, 0)";
        let inserted = sqlx::query(insert).bind(collaboration.as_str());
        inserted.execute(&mut *connection).await.map_err(|e| told(&e))?.last_insert_rowid()
    };
    for (leaf, position) in appended.leaves.iter().zip(size..) {
        sqlx::query("INSERT INTO leaf (log, position, body) VALUES (?1, ?2, ?3)")
            .bind(id)
            .bind(stored(position)?)
            .bind(leaf.as_slice())
            .execute(&mut *connection)
            .await
            .map_err(|e| told(&e))?;
    }
    let grown = size + appended.leaves.len() as u64;
    sqlx::query("UPDATE log SET size = ?2 WHERE id = ?1")
        .bind(id)
        .bind(stored(grown)?)
        .execute(&mut *connection)
        .await
        .map_err(|e| told(&e))?;
    let upsert = "INSERT INTO checkpoint (log, size, note) VALUES (?1, ?2, ?3) \
        ON CONFLICT (log) DO UPDATE SET size = excluded.size, note = excluded.note";
    sqlx::query(upsert)
        .bind(id)
        .bind(stored(grown)?)
        .bind(appended.checkpoint.as_str())
        .execute(&mut *connection)
        .await
        .map_err(|e| told(&e))?;
    Ok(Ok(grown))
}
