//! The shared store: a `PostgreSQL` database that several gateways work on. What writes is one statement, so that no
//! gateway holds a lock between two of them; the clock is the database's. Must not know what the bytes mean.

mod address;
mod lease;
mod once;
mod parties;
mod waiting;

pub use address::{Address, AddressError};

use super::once::{KEPT_MS, SWEPT_MAX};
use super::{
    Appended, Fence, Head, Lease, Mark, Parties, Spent, Stands, Store, StoreError, Waiting, Waits,
};
use async_trait::async_trait;
use mappings::model::{CollaborationId, MemberId};
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Row as _};
use std::future::Future;
use std::time::Duration;

/// Each script moves the schema on by one; they are never edited once released.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/postgres/0001_logs.sql"),
    include_str!("migrations/postgres/0002_leases.sql"),
    include_str!("migrations/postgres/0003_heads.sql"),
    include_str!("migrations/postgres/0004_parties.sql"),
    include_str!("migrations/postgres/0005_waiting.sql"),
    include_str!("migrations/postgres/0006_spent.sql"),
];
/// Held by whoever migrates.
const MIGRATING: &str = "SELECT pg_advisory_xact_lock(7020097108108111099)";
/// What every connection is held to, whatever the server, the database or the role default to.
const SESSION: &str = "SET search_path = pg_catalog; \
    SET default_transaction_isolation = 'read committed'; \
    SET statement_timeout = '10s'; SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '10s'; \
    SELECT set_config('synchronous_commit', 'on', false) \
        WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')";
const CONNECTIONS_MAX: u32 = 8;
/// Longer than the server's own limits: it answers for a server that doesn't.
const CALL_MAX: Duration = Duration::from_secs(15);
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Logs and leases in a `PostgreSQL` database, in a schema of its own.
#[derive(Debug)]
pub struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    /// Connects, and makes or brings up to date the schema.
    pub async fn open(address: &Address) -> Result<Self, StoreError> {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(CONNECT_MAX)
            .after_connect(|connection, _| {
                Box::pin(async move { sqlx::raw_sql(SESSION).execute(connection).await.map(drop) })
            });
        let options = address.options();
        // The pool would go on trying until its time is up; the first failure says why.
        let first = within(async { PgConnection::connect_with(&options).await });
        let _ = first.await?.close().await;
        let pool = pool.connect_lazy_with(options);
        let mut connection = within(pool.acquire()).await?;
        migrate(&mut connection).await?;
        drop(connection);
        Ok(Self { pool })
    }
}

/// A call's answer, or `Unavailable` when there is none in time.
async fn within<T>(call: impl Future<Output = sqlx::Result<T>> + Send) -> Result<T, StoreError> {
    let answer = tokio::time::timeout(CALL_MAX, call).await;
    answer.map_err(|_| StoreError::Unavailable)?.map_err(|error| told(&error))
}

/// Runs the scripts that the database has not seen, all or none. One of a newer version is left alone.
async fn migrate(connection: &mut PgConnection) -> Result<(), StoreError> {
    if current(version(connection).await?)? {
        return Ok(());
    }
    let mut transaction = within(connection.begin()).await?;
    within(sqlx::raw_sql(MIGRATING).execute(&mut *transaction)).await?;
    let seen = version(&mut transaction).await?;
    if current(seen)? {
        return Ok(());
    }
    for (script, number) in MIGRATIONS.iter().zip(1i32..).skip(seen) {
        within(sqlx::raw_sql(*script).execute(&mut *transaction)).await?;
        let mark = sqlx::query("INSERT INTO airlock.version (number) VALUES ($1)").bind(number);
        within(mark.execute(&mut *transaction)).await?;
    }
    within(transaction.commit()).await
}

fn current(seen: usize) -> Result<bool, StoreError> {
    if seen > MIGRATIONS.len() { Err(StoreError::Newer) } else { Ok(seen == MIGRATIONS.len()) }
}

async fn version(connection: &mut PgConnection) -> Result<usize, StoreError> {
    // Looked for in the catalogue's tables: the functions answer from a cache that may not know yet what another made.
    const THERE: &str = "SELECT EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
        WHERE nspname = 'airlock' AND relname = 'version')";
    const NEWEST: &str = "SELECT coalesce(max(number), 0) FROM airlock.version";
    if !within(sqlx::query_scalar::<_, bool>(THERE).fetch_one(&mut *connection)).await? {
        return Ok(0);
    }
    let number = within(sqlx::query_scalar::<_, i32>(NEWEST).fetch_one(connection)).await?;
    usize::try_from(number).map_err(|_| StoreError::Corrupt)
}

/// What the driver says that is no answer of the server's.
fn untold(error: &sqlx::Error) -> StoreError {
    let undecodable = matches!(
        error,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound
    );
    let (tls, io) = (matches!(error, sqlx::Error::Tls(_)), matches!(error, sqlx::Error::Io(_)));
    tracing::debug!(undecodable, tls, io, "no answer from PostgreSQL");
    if undecodable { StoreError::Corrupt } else { StoreError::Unavailable }
}

/// What the server's answer means. The codes are those of its manual's appendix A. Nothing but the code is told on: the
/// text may quote what must not be in a log.
fn told(error: &sqlx::Error) -> StoreError {
    let Some(code) = error.as_database_error().map(|e| e.code().unwrap_or_default()) else {
        return untold(error);
    };
    tracing::debug!(sqlstate = %code, "PostgreSQL refused");
    match (code.get(..2).unwrap_or_default(), &*code) {
        (_, "53100") => StoreError::Full,
        (_, "25006") => StoreError::ReadOnly,
        ("28", _) | (_, "42501" | "3D000") => StoreError::Denied,
        // Damaged pages; a key or a check that does not hold; a trigger's refusal; a schema that is not ours.
        ("XX", "XX001" | "XX002") | ("23" | "42" | "P0" | "3F", _) => StoreError::Corrupt,
        _ => StoreError::Unavailable,
    }
}

fn stored(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Full)
}

fn read_back(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Corrupt)
}

#[async_trait]
impl Store for PostgresStore {
    async fn append(
        &self,
        collaboration: &CollaborationId,
        expected: &Head,
        appended: Appended,
        fence: Option<&Fence>,
    ) -> Result<u64, StoreError> {
        const APPEND: &str = "SELECT outcome, number FROM \
            airlock.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        const SECONDED: &str = "SELECT outcome, number FROM \
            airlock.append_seconded($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
        let (members, stands) = appended.parties.as_ref().map(parties::apart).unzip();
        let token = fence.map(|fence| stored(fence.token)).transpose()?;
        let call = if appended.second.is_some() { SECONDED } else { APPEND };
        let mut row = sqlx::query(call)
            .bind(collaboration.as_str())
            .bind(stored(expected.size)?)
            .bind(expected.checkpoint.as_deref())
            .bind(&appended.leaves)
            .bind(&appended.checkpoint)
            .bind(fence.map(|fence| fence.resource.as_str()))
            .bind(token)
            .bind(members)
            .bind(stands)
            .bind(appended.once.as_ref().map(|once| once.scope.as_slice()))
            .bind(appended.once.as_ref().map(|once| once.fingerprint.as_slice()))
            .bind(KEPT_MS)
            .bind(SWEPT_MAX);
        if let Some(second) = &appended.second {
            row = row.bind(second.tenant.as_str());
            row = row.bind(second.fingerprint.as_slice()).bind(second.by.as_slice());
        }
        // The driver reads on to the end of the transaction: an answer is a commit.
        let row = within(row.fetch_one(&self.pool)).await?;
        let number = read_back(row.try_get(1).map_err(|e| told(&e))?)?;
        match row.try_get(0).map_err(|e| told(&e))? {
            "appended" => Ok(number),
            "conflict" => Err(StoreError::Conflict { size: number }),
            "repeated" => Err(StoreError::Repeated),
            "unseconded" => Err(StoreError::Unseconded),
            "fenced" => Err(StoreError::Fenced { token: number }),
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn read(
        &self,
        collaboration: &CollaborationId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        const READ: &str = "SELECT size, position, body FROM airlock.log LEFT JOIN airlock.leaf \
            ON log = id AND position >= $2 AND position < size WHERE collaboration = $1 ORDER BY position LIMIT $3";
        // Of a log without such leaves there is one row all the same: it says how long the log is.
        let rows = sqlx::query(READ)
            .bind(collaboration.as_str())
            .bind(stored(from)?)
            .bind(i64::try_from(max.max(1)).unwrap_or(i64::MAX));
        let rows = within(rows.fetch_all(&self.pool)).await?;
        let Some(first) = rows.first() else { return Ok(Vec::new()) };
        let size = read_back(first.try_get(0).map_err(|e| told(&e))?)?;
        let wanted = size.saturating_sub(from).min(u64::try_from(max).unwrap_or(u64::MAX));
        let mut leaves = Vec::new();
        for (row, expected) in rows.iter().zip(from..from.saturating_add(wanted)) {
            // A gap is damage, not a shorter log.
            if row.try_get::<Option<i64>, _>(1).map_err(|e| told(&e))? != Some(stored(expected)?) {
                return Err(StoreError::Corrupt);
            }
            leaves.push(row.try_get(2).map_err(|e| told(&e))?);
        }
        if leaves.len() as u64 == wanted { Ok(leaves) } else { Err(StoreError::Corrupt) }
    }

    async fn size(&self, collaboration: &CollaborationId) -> Result<u64, StoreError> {
        const SIZE: &str = "SELECT size FROM airlock.log WHERE collaboration = $1";
        let size = sqlx::query_scalar::<_, i64>(SIZE).bind(collaboration.as_str());
        read_back(within(size.fetch_optional(&self.pool)).await?.unwrap_or(0))
    }

    async fn head(&self, collaboration: &CollaborationId) -> Result<Head, StoreError> {
        const HEAD: &str = "SELECT log.size, note FROM airlock.log LEFT JOIN airlock.checkpoint \
            ON checkpoint.log = log.id AND checkpoint.size = log.size WHERE collaboration = $1";
        let row = sqlx::query(HEAD).bind(collaboration.as_str());
        let row = within(row.fetch_optional(&self.pool)).await?;
        let Some(row) = row else { return Ok(Head::default()) };
        let size = read_back(row.try_get(0).map_err(|e| told(&e))?)?;
        Ok(Head { size, checkpoint: row.try_get(1).map_err(|e| told(&e))? })
    }

    async fn sizes(&self) -> Result<Vec<(CollaborationId, u64)>, StoreError> {
        const SIZES: &str =
            "SELECT collaboration, size FROM airlock.log ORDER BY collaboration COLLATE \"C\"";
        let logs = within(sqlx::query_as::<_, (String, i64)>(SIZES).fetch_all(&self.pool)).await?;
        let read = |(name, size): &(String, i64)| {
            Ok((CollaborationId::new(name).map_err(|_| StoreError::Corrupt)?, read_back(*size)?))
        };
        logs.iter().map(read).collect()
    }

    async fn mark(&self) -> Result<Option<Mark>, StoreError> {
        // Which transactions are seen: the same ones, the same rows. Other databases of the server make others of it, too.
        const SEEN: &str = "SELECT pg_current_snapshot()::text";
        let seen = within(sqlx::query_scalar::<_, String>(SEEN).fetch_one(&self.pool)).await?;
        Ok(Some(Mark(seen)))
    }

    async fn logs_of(
        &self,
        tenant: &MemberId,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<(CollaborationId, Stands)>, StoreError> {
        parties::logs_of(&self.pool, tenant, after, max).await
    }

    async fn stands(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
    ) -> Result<Option<Stands>, StoreError> {
        parties::stands(&self.pool, collaboration, tenant).await
    }

    async fn unprojected(
        &self,
        after: Option<&CollaborationId>,
        max: usize,
    ) -> Result<Vec<CollaborationId>, StoreError> {
        parties::unprojected(&self.pool, after, max).await
    }

    async fn project(
        &self,
        collaboration: &CollaborationId,
        size: u64,
        parties: &Parties,
    ) -> Result<bool, StoreError> {
        parties::project(&self.pool, collaboration, size, parties).await
    }

    async fn spent(&self, scope: &[u8; 32]) -> Result<Option<Spent>, StoreError> {
        once::spent(&self.pool, scope).await
    }

    async fn wait(&self, waiting: &Waiting) -> Result<(), StoreError> {
        waiting::wait(&self.pool, waiting).await
    }

    async fn waiting(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
        max: usize,
    ) -> Result<Vec<Waits>, StoreError> {
        waiting::waiting(&self.pool, (collaboration, tenant), max).await
    }

    async fn take_back(
        &self,
        collaboration: &CollaborationId,
        tenant: &MemberId,
        fingerprint: &[u8; 32],
    ) -> Result<bool, StoreError> {
        waiting::take(&self.pool, (collaboration, tenant), fingerprint).await
    }

    async fn spend(&self, scope: &[u8; 32]) -> Result<bool, StoreError> {
        once::spend_alone(&self.pool, scope).await
    }

    async fn acquire(
        &self,
        resource: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        lease::acquire(&self.pool, (resource, holder), ttl).await
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, StoreError> {
        lease::renew(&self.pool, lease, ttl).await
    }

    async fn leases(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        lease::held(&self.pool, prefix).await
    }

    async fn release(&self, lease: &Lease) -> Result<bool, StoreError> {
        lease::release(&self.pool, lease).await
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::Database as SharedDatabase;
