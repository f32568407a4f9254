//! The writer: whatever is queued goes into one transaction; every caller is answered after its commit.

use super::{read_back, stored, told};
use crate::store::{StoreError, may_follow};
use mappings::model::CollaborationId;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Row as _};
use tokio::sync::{mpsc, oneshot};

const BATCH_MAX: usize = 256;

/// One thing to write.
#[derive(Debug)]
pub(super) enum Work {
    /// Leaves at a position.
    Append { collaboration: CollaborationId, expected: u64, leaves: Vec<Vec<u8>> },
    /// A checkpoint.
    Checkpoint { collaboration: CollaborationId, size: u64, note: String },
}

/// Work and who waits for it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) work: Work,
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
            let (work, waiting): (Vec<Work>, Vec<_>) =
                batch.drain(..).map(|request| (request.work, request.answer)).unzip();
            let answers = self.commit_all(&work).await;
            for (answer, result) in waiting.into_iter().zip(answers) {
                // Whoever stopped waiting finds the outcome in the log.
                let _ = answer.send(result);
            }
        }
        let _ = self.connection.close().await;
    }

    /// One transaction for all; when it fails, one for each, so that nobody fails for another's sake.
    async fn commit_all(&mut self, works: &[Work]) -> Vec<Result<u64, StoreError>> {
        match self.commit(works).await {
            Ok(answers) => answers,
            Err(error) if works.len() <= 1 => works.iter().map(|_| Err(error)).collect(),
            Err(_) => {
                let mut answers = Vec::with_capacity(works.len());
                for work in works {
                    let alone = self.commit(std::slice::from_ref(work)).await;
                    let first = alone.map(|mut answers| answers.pop());
                    answers.push(first.and_then(|a| a.unwrap_or(Err(StoreError::Unavailable))));
                }
                answers
            }
        }
    }

    /// Plain statements, not the driver's transaction: `SQLite` undoes one by itself when the disk is full, and the
    /// driver would go on counting it.
    async fn commit(&mut self, works: &[Work]) -> Result<Vec<Result<u64, StoreError>>, StoreError> {
        self.tell("BEGIN IMMEDIATE").await?;
        let written = match self.write_all(works).await {
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
        works: &[Work],
    ) -> Result<Vec<Result<u64, StoreError>>, StoreError> {
        let mut answers = Vec::with_capacity(works.len());
        for work in works {
            answers.push(match work {
                Work::Append { collaboration, expected, leaves } => {
                    append(&mut self.connection, collaboration, *expected, leaves).await?
                }
                Work::Checkpoint { collaboration, size, note } => {
                    checkpoint(&mut self.connection, collaboration, *size, note).await?
                }
            });
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

async fn append(
    connection: &mut SqliteConnection,
    collaboration: &CollaborationId,
    expected: u64,
    leaves: &[Vec<u8>],
) -> Written {
    let found = log_of(connection, collaboration).await?;
    let size = found.map_or(0, |(_, size)| size);
    if size != expected {
        return Ok(Err(StoreError::Conflict { size }));
    }
    if leaves.is_empty() {
        return Ok(Ok(size));
    }
    let id = if let Some((id, _)) = found {
        id
    } else {
        let insert = "INSERT INTO log (collaboration, size) VALUES (?1, 0)";
        let inserted = sqlx::query(insert).bind(collaboration.as_str());
        inserted.execute(&mut *connection).await.map_err(|e| told(&e))?.last_insert_rowid()
    };
    for (leaf, position) in leaves.iter().zip(size..) {
        sqlx::query("INSERT INTO leaf (log, position, body) VALUES (?1, ?2, ?3)")
            .bind(id)
            .bind(stored(position)?)
            .bind(leaf.as_slice())
            .execute(&mut *connection)
            .await
            .map_err(|e| told(&e))?;
    }
    let grown = size + leaves.len() as u64;
    sqlx::query("UPDATE log SET size = ?2 WHERE id = ?1")
        .bind(id)
        .bind(stored(grown)?)
        .execute(&mut *connection)
        .await
        .map_err(|e| told(&e))?;
    Ok(Ok(grown))
}

async fn checkpoint(
    connection: &mut SqliteConnection,
    collaboration: &CollaborationId,
    size: u64,
    note: &str,
) -> Written {
    let Some((id, log_size)) = log_of(connection, collaboration).await? else {
        return Ok(Err(StoreError::NotFound));
    };
    let row = sqlx::query("SELECT size, note FROM checkpoint WHERE log = ?1")
        .bind(id)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|e| told(&e))?;
    let kept = match row {
        Some(row) => {
            let kept_size = read_back(row.try_get(0).map_err(|e| told(&e))?)?;
            Some((kept_size, row.try_get::<String, _>(1).map_err(|e| told(&e))?))
        }
        None => None,
    };
    let kept = kept.as_ref().map(|(size, note)| (*size, note.as_str()));
    match may_follow(kept, log_size, (size, note)) {
        Ok(true) => {}
        Ok(false) => return Ok(Ok(size)),
        Err(refused) => return Ok(Err(refused)),
    }
    let upsert = "INSERT INTO checkpoint (log, size, note) VALUES (?1, ?2, ?3) \
        ON CONFLICT (log) DO UPDATE SET size = excluded.size, note = excluded.note";
    sqlx::query(upsert)
        .bind(id)
        .bind(stored(size)?)
        .bind(note)
        .execute(&mut *connection)
        .await
        .map_err(|e| told(&e))?;
    Ok(Ok(size))
}
