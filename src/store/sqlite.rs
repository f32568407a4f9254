//! The embedded store: one `SQLite` file. One writer task takes what has queued up into one transaction, so that
//! concurrent appends share one flush to disk. Must not know what the bytes mean.

mod lease;
mod once;
mod parties;
mod waiting;
mod watch;
mod write;

use super::{
    Appended, Fence, Head, Lease, Mark, Parties, Spent, Stands, Store, StoreError, Waiting, Waits,
    lease::ttl_ms,
};
use crate::clock::{Clock, SystemClock};
use async_trait::async_trait;
use mappings::model::{CollaborationId, MemberId};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{Connection as _, Row as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot};
use watch::Watch;
use write::{Request, Work, Writer};

/// Each script moves the schema on by one; they are never edited once released.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/sqlite/0001_logs.sql"),
    include_str!("migrations/sqlite/0002_leases.sql"),
    include_str!("migrations/sqlite/0003_parties.sql"),
    include_str!("migrations/sqlite/0004_waiting.sql"),
    include_str!("migrations/sqlite/0005_spent.sql"),
];
const BUSY_MAX: Duration = Duration::from_secs(10);
const QUEUE_MAX: usize = 4096;
const READERS_MAX: u32 = 4;
const OPEN_ATTEMPTS_MAX: u32 = 50;

/// Logs and leases in a `SQLite` file, which several processes of one machine may have open at once.
#[derive(Debug)]
pub struct SqliteStore {
    readers: SqlitePool,
    watch: Mutex<Watch>,
    queue: mpsc::Sender<Request>,
    clock: Arc<dyn Clock>,
}

impl SqliteStore {
    /// Opens or creates the file. Its writer stops when the store is dropped and the last queued write is done.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::with_clock(path, Arc::new(SystemClock)).await
    }

    /// The same, with leases and keys that expire by this clock.
    pub async fn with_clock(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_MAX);
        let connection = connect(&options).await?;
        let reads = options.create_if_missing(false).pragma("query_only", "ON");
        let watch = Mutex::new(Watch::new(reads.clone()));
        let readers =
            SqlitePoolOptions::new().max_connections(READERS_MAX).connect_lazy_with(reads);
        let (queue, requests) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(Writer::new(connection, Arc::clone(&clock)).run(requests));
        Ok(Self { readers, watch, queue, clock })
    }

    /// What the writer answers once it is on disk.
    async fn written(&self, work: Work) -> Result<Option<u64>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let request = Request { work, answer };
        self.queue.send(request).await.map_err(|_| StoreError::Unavailable)?;
        answered.await.map_err(|_| StoreError::Unavailable)?
    }
}

/// Connects and brings the schema up to date. Switching a new file to WAL does not wait for other openers by itself.
async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    let mut last = StoreError::Unavailable;
    for _ in 0..OPEN_ATTEMPTS_MAX {
        match SqliteConnection::connect_with(options).await {
            Ok(mut connection) => {
                migrate(&mut connection).await?;
                return Ok(connection);
            }
            Err(error) => last = told(&error),
        }
        if last != StoreError::Unavailable {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(last)
}

/// Runs the scripts that the file has not seen, all or none. A file from a newer version is left alone.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    if version(connection).await? == MIGRATIONS.len() {
        return Ok(());
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(|e| told(&e))?;
    let seen = version(&mut transaction).await?;
    if seen > MIGRATIONS.len() {
        return Err(StoreError::Newer);
    }
    for script in MIGRATIONS.iter().skip(seen) {
        sqlx::raw_sql(*script).execute(&mut *transaction).await.map_err(|e| told(&e))?;
    }
    let mark = format!("PRAGMA user_version = {}", MIGRATIONS.len());
    let mark = sqlx::raw_sql(sqlx::AssertSqlSafe(mark));
    mark.execute(&mut *transaction).await.map_err(|e| told(&e))?;
    transaction.commit().await.map_err(|e| told(&e))
}

async fn version(connection: &mut SqliteConnection) -> Result<usize, StoreError> {
    let read: Result<i64, _> =
        sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await;
    usize::try_from(read.map_err(|e| told(&e))?).map_err(|_| StoreError::Corrupt)
}

/// What `SQLite`'s answer means. The codes are those of sqlite.org/rescode.html.
fn told(error: &sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(|e| e.code().and_then(|c| c.parse::<u32>().ok()));
    match code.map(|code| code & 0xff) {
        Some(8) => StoreError::ReadOnly,
        Some(13) => StoreError::Full,
        Some(11 | 26) => StoreError::Corrupt,
        // Out of space surfaces as a short write in some places, and where the shared index grows.
        Some(10) if matches!(code, Some(778 | 4874)) => StoreError::Full,
        Some(_) | None => StoreError::Unavailable,
    }
}

fn stored(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Full)
}

fn read_back(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Corrupt)
}

#[async_trait]
impl Store for SqliteStore {
    async fn append(
        &self,
        collaboration: &CollaborationId,
        expected: &Head,
        appended: Appended,
        fence: Option<&Fence>,
    ) -> Result<u64, StoreError> {
        let (collaboration, fence) = (collaboration.clone(), fence.cloned());
        let expected = expected.clone();
        let size = self.written(Work::Append { collaboration, expected, appended, fence }).await?;
        size.ok_or(StoreError::Unavailable)
    }

    async fn read(
        &self,
        collaboration: &CollaborationId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        const READ: &str = "SELECT position, body FROM leaf WHERE log = (SELECT id FROM log WHERE collaboration = ?1) \
            AND position >= ?2 ORDER BY position LIMIT ?3";
        let rows = sqlx::query(READ)
            .bind(collaboration.as_str())
            .bind(stored(from)?)
            .bind(i64::try_from(max).unwrap_or(i64::MAX))
            .fetch_all(&self.readers);
        let mut leaves = Vec::new();
        for (row, expected) in rows.await.map_err(|e| told(&e))?.into_iter().zip(from..) {
            // A gap is damage, not a shorter log.
            if row.try_get::<i64, _>(0).map_err(|e| told(&e))? != stored(expected)? {
                return Err(StoreError::Corrupt);
            }
            leaves.push(row.try_get(1).map_err(|e| told(&e))?);
        }
        Ok(leaves)
    }

    async fn size(&self, collaboration: &CollaborationId) -> Result<u64, StoreError> {
        const SIZE: &str = "SELECT size FROM log WHERE collaboration = ?1";
        let size: Option<i64> = sqlx::query_scalar(SIZE)
            .bind(collaboration.as_str())
            .fetch_optional(&self.readers)
            .await
            .map_err(|e| told(&e))?;
        read_back(size.unwrap_or(0))
    }

    async fn head(&self, collaboration: &CollaborationId) -> Result<Head, StoreError> {
        const HEAD: &str = "SELECT log.size, note FROM log LEFT JOIN checkpoint ON checkpoint.log = log.id \
            AND checkpoint.size = log.size WHERE collaboration = ?1";
        let row = sqlx::query(HEAD).bind(collaboration.as_str());
        let row = row.fetch_optional(&self.readers).await.map_err(|e| told(&e))?;
        let Some(row) = row else { return Ok(Head::default()) };
        let size = read_back(row.try_get(0).map_err(|e| told(&e))?)?;
        Ok(Head { size, checkpoint: row.try_get(1).map_err(|e| told(&e))? })
    }

    async fn sizes(&self) -> Result<Vec<(CollaborationId, u64)>, StoreError> {
        const SIZES: &str = "SELECT collaboration, size FROM log ORDER BY collaboration";
        let logs = sqlx::query_as::<_, (String, i64)>(SIZES).fetch_all(&self.readers).await;
        let read = |(name, size): &(String, i64)| {
            Ok((CollaborationId::new(name).map_err(|_| StoreError::Corrupt)?, read_back(*size)?))
        };
        logs.map_err(|e| told(&e))?.iter().map(read).collect()
    }

    async fn mark(&self) -> Result<Option<Mark>, StoreError> {
        self.watch.lock().await.mark().await.map(Some)
    }

    async fn logs_of(
        &self,
        tenant: &MemberId,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<(CollaborationId, Stands)>, StoreError> {
        parties::logs_of(&self.readers, tenant, after, max).await
    }

    async fn stands(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
    ) -> Result<Option<Stands>, StoreError> {
        parties::stands(&self.readers, collaboration, tenant).await
    }

    async fn unprojected(
        &self,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<CollaborationId>, StoreError> {
        parties::unprojected(&self.readers, after, max).await
    }

    async fn project(
        &self,
        collaboration: &CollaborationId,
        size: u64,
        parties: &Parties,
    ) -> Result<bool, StoreError> {
        let (collaboration, parties) = (collaboration.clone(), parties.clone());
        Ok(self.written(Work::Project { collaboration, size, parties }).await?.is_some())
    }

    async fn spent(&self, scope: &[u8; 32]) -> Result<Option<Spent>, StoreError> {
        once::spent(&self.readers, scope, self.clock.now_ms()).await
    }

    async fn wait(&self, waiting: &Waiting) -> Result<(), StoreError> {
        self.written(Work::Wait { waiting: waiting.clone() }).await.map(drop)
    }

    async fn waiting(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
        max: usize,
    ) -> Result<Vec<Waits>, StoreError> {
        let of = (collaboration, tenant);
        waiting::waiting(&self.readers, of, max, self.clock.now_ms()).await
    }

    async fn take_back(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
        fingerprint: &[u8; 32],
    ) -> Result<bool, StoreError> {
        let (collaboration, tenant) = (collaboration.clone(), tenant.clone());
        let work = Work::TakeBack { collaboration, tenant, fingerprint: *fingerprint };
        Ok(self.written(work).await?.is_some())
    }

    async fn spend(&self, scope: &[u8; 32]) -> Result<bool, StoreError> {
        Ok(self.written(Work::Spend { scope: *scope }).await?.is_some())
    }

    async fn acquire(
        &self,
        resource: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let (resource, holder) = (resource.to_owned(), holder.to_owned());
        let (on, by) = (resource.clone(), holder.clone());
        let token = self.written(Work::Acquire { resource, holder, ttl_ms: ttl_ms(ttl) }).await?;
        Ok(token.map(|token| Lease { resource: on, holder: by, token }))
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, StoreError> {
        let work = Work::Renew { lease: lease.clone(), ttl_ms: ttl_ms(ttl) };
        Ok(self.written(work).await?.is_some())
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        lease::held(&self.readers, prefix, self.clock.now_ms()).await
    }

    async fn release(&self, lease: &Lease) -> Result<bool, StoreError> {
        Ok(self.written(Work::Release { lease: lease.clone() }).await?.is_some())
    }
}

#[cfg(test)]
mod tests;
