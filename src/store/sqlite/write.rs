//! The writer: whatever is queued goes into one transaction; every caller is answered after its commit.

use super::{lease, once, parties, read_back, stored, told, waiting};
use crate::clock::Clock;
use crate::store::{Appended, Fence, Head, Lease, Once, Parties, Spent, StoreError, Waiting};
use mappings::model::{CollaborationId, MemberId};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Row as _};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

const BATCH_MAX: usize = 256;

/// What to write.
#[derive(Debug)]
pub(super) enum Work {
    /// Answered with the new size.
    Append {
        collaboration: CollaborationId,
        expected: Head,
        appended: Appended,
        fence: Option<Fence>,
    },
    /// Answered with the size, or nothing when the log has another.
    Project { collaboration: CollaborationId, size: u64, parties: Parties },
    /// Answered with nothing.
    Wait { waiting: Waiting },
    /// Answered with a number, or nothing when it was not waiting.
    TakeBack { collaboration: CollaborationId, tenant: MemberId, fingerprint: [u8; 32] },
    /// Answered with a number, or nothing when it is spent.
    Spend { scope: [u8; 32] },
    /// Answered with the token, or nothing when another holds it.
    Acquire { resource: String, holder: String, ttl_ms: i64 },
    /// Answered with the token, or nothing when it isn't held any more.
    Renew { lease: Lease, ttl_ms: i64 },
    /// The same.
    Release { lease: Lease },
}

/// What to write, and who waits for it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) work: Work,
    pub(super) answer: oneshot::Sender<Answer>,
}

pub(super) type Answer = Result<Option<u64>, StoreError>;

/// The inner result refuses before anything was written; the outer one undoes the transaction.
pub(super) type Written = Result<Answer, StoreError>;

/// The only connection that writes.
#[derive(Debug)]
pub(super) struct Writer {
    connection: SqliteConnection,
    clock: Arc<dyn Clock>,
}

impl Writer {
    pub(super) const fn new(connection: SqliteConnection, clock: Arc<dyn Clock>) -> Self {
        Self { connection, clock }
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
    async fn commit_all(&mut self, requests: &[Request]) -> Vec<Answer> {
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
    async fn commit(&mut self, requests: &[Request]) -> Result<Vec<Answer>, StoreError> {
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

    async fn write_all(&mut self, requests: &[Request]) -> Result<Vec<Answer>, StoreError> {
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            answers.push(self.write(&request.work).await?);
        }
        Ok(answers)
    }

    async fn write(&mut self, work: &Work) -> Written {
        let (connection, now_ms) = (&mut self.connection, self.clock.now_ms());
        match work {
            Work::Append { collaboration, expected, appended, fence } => {
                if let Some(Once { scope, .. }) = &appended.once
                    && once::spent(&mut *connection, scope, now_ms).await?.is_some()
                {
                    return Ok(Err(StoreError::Repeated));
                }
                if let Some(second) = &appended.second
                    && !waiting::seconds(connection, collaboration, second, now_ms).await?
                {
                    return Ok(Err(StoreError::Unseconded));
                }
                if let Some(fence) = fence {
                    let token = lease::kept(connection, &fence.resource).await?;
                    let token = token.map_or(0, |kept| kept.token);
                    if token != fence.token {
                        return Ok(Err(StoreError::Fenced { token }));
                    }
                }
                append(connection, collaboration, (expected, appended), now_ms).await
            }
            Work::Project { collaboration, size, parties } => {
                let known = parties::project(connection, collaboration, *size, parties).await?;
                Ok(Ok(known.then_some(*size)))
            }
            Work::Wait { waiting } => {
                waiting::wait(connection, waiting, now_ms).await?;
                Ok(Ok(None))
            }
            Work::TakeBack { collaboration, tenant, fingerprint } => {
                let of = (collaboration, tenant);
                let taken = waiting::take(connection, of, fingerprint, now_ms).await?;
                Ok(Ok(taken.then_some(1)))
            }
            Work::Spend { scope } => {
                let spent = once::spend_alone(connection, scope, now_ms).await?;
                Ok(Ok(spent.then_some(1)))
            }
            Work::Acquire { resource, holder, ttl_ms } => {
                lease::acquire(connection, (resource, holder), *ttl_ms, now_ms).await
            }
            Work::Renew { lease, ttl_ms } => {
                let renewed = |kept: &lease::Kept| kept.renewed(lease, *ttl_ms, now_ms);
                lease::change(connection, lease, renewed).await
            }
            Work::Release { lease } => {
                lease::change(connection, lease, |kept| kept.released(lease)).await
            }
        }
    }
}

/// A log's id and its head.
async fn log_of(
    connection: &mut SqliteConnection,
    collaboration: &CollaborationId,
) -> Result<Option<(i64, Head)>, StoreError> {
    const LOG: &str = "SELECT log.id, log.size, note FROM log LEFT JOIN checkpoint ON checkpoint.log = log.id \
        AND checkpoint.size = log.size WHERE collaboration = ?1";
    let row = sqlx::query(LOG)
        .bind(collaboration.as_str())
        .fetch_optional(connection)
        .await
        .map_err(|e| told(&e))?;
    let Some(row) = row else { return Ok(None) };
    let id = row.try_get(0).map_err(|e| told(&e))?;
    let size = read_back(row.try_get(1).map_err(|e| told(&e))?)?;
    Ok(Some((id, Head { size, checkpoint: row.try_get(2).map_err(|e| told(&e))? })))
}

async fn append(
    connection: &mut SqliteConnection,
    collaboration: &CollaborationId,
    (expected, appended): (&Head, &Appended),
    now_ms: i64,
) -> Written {
    let (id, found) = log_of(connection, collaboration).await?.unzip();
    let found = found.unwrap_or_default();
    let size = found.size;
    if found != *expected {
        return Ok(Err(StoreError::Conflict { size }));
    }
    let id = if let Some(id) = id {
        id
    } else {
        let insert = "INSERT INTO log (collaboration, size) VALUES (?1, 0)";
        let inserted = sqlx::query(insert).bind(collaboration.as_str());
        inserted.execute(&mut *connection).await.map_err(|e| told(&e))?.last_insert_rowid()
    };
    let grown = grow(connection, id, size, appended).await?;
    if let Some(parties) = &appended.parties {
        parties::keep(connection, collaboration, parties).await?;
    }
    if let Some(Once { scope, fingerprint }) = appended.once {
        let (collaboration, count) = (collaboration.clone(), grown - size);
        let spent = Spent { collaboration, index: size, count, fingerprint };
        once::spend(connection, &scope, &spent, now_ms).await?;
    }
    if let Some(second) = &appended.second {
        let of = (collaboration, &second.tenant);
        waiting::take(connection, of, &second.fingerprint, now_ms).await?;
    }
    Ok(Ok(Some(grown)))
}

/// Leaves and checkpoint, after so many leaves. Answered with how many there are then.
async fn grow(
    connection: &mut SqliteConnection,
    id: i64,
    size: u64,
    appended: &Appended,
) -> Result<u64, StoreError> {
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
    // Parties that were not known at the log's end before are not known by staying who they are.
    let update = "UPDATE log SET projected = CASE WHEN ?3 OR projected = size THEN ?2 ELSE projected END, size = ?2 \
        WHERE id = ?1";
    sqlx::query(update)
        .bind(id)
        .bind(stored(grown)?)
        .bind(appended.parties.is_some())
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
    Ok(grown)
}
