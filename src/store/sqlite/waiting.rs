//! What waits for a second person, in `SQLite`. It is used up inside the writer's transaction. Must not know what is decided.

use super::parties::read_name;
use super::told;
use crate::store::waiting::{Row, WAITS_MS};
use crate::store::{Second, StoreError, Waiting, Waits};
use mappings::model::{CollaborationId, MemberId};
use sqlx::sqlite::{SqliteConnection, SqliteExecutor};

/// Keeps it, unless it waits already; removes what waits no more.
pub(super) async fn wait(
    connection: &mut SqliteConnection,
    waiting: &Waiting,
    now_ms: i64,
) -> Result<(), StoreError> {
    const WAIT: &str = "INSERT INTO waiting (collaboration, tenant, fingerprint, asked_by, about, asked_ms, until_ms) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
    let over = sqlx::query("DELETE FROM waiting WHERE until_ms <= ?1").bind(now_ms);
    over.execute(&mut *connection).await.map_err(|e| told(&e))?;
    let wait = sqlx::query(WAIT)
        .bind(waiting.collaboration.as_str())
        .bind(waiting.tenant.as_str())
        .bind(waiting.fingerprint.as_slice())
        .bind(waiting.by.as_slice())
        .bind(waiting.about.as_str())
        .bind(now_ms)
        .bind(now_ms.saturating_add(WAITS_MS));
    wait.execute(connection).await.map(drop).map_err(|e| told(&e))
}

/// Whether this second person finds it waiting.
pub(super) async fn seconds(
    connection: &mut SqliteConnection,
    collaboration: &CollaborationId,
    second: &Second,
    now_ms: i64,
) -> Result<bool, StoreError> {
    const WAITS: &str = "SELECT count(*) FROM waiting WHERE collaboration = ?1 AND tenant = ?2 AND fingerprint = ?3 \
        AND asked_by <> ?4 AND until_ms > ?5";
    let found = sqlx::query_scalar::<_, i64>(WAITS)
        .bind(collaboration.as_str())
        .bind(second.tenant.as_str())
        .bind(second.fingerprint.as_slice())
        .bind(second.by.as_slice())
        .bind(now_ms);
    Ok(found.fetch_one(connection).await.map_err(|e| told(&e))? == 1)
}

/// Takes it out; whether it was waiting still.
pub(super) async fn take(
    connection: &mut SqliteConnection,
    (collaboration, tenant): (&CollaborationId, &MemberId),
    fingerprint: &[u8; 32],
    now_ms: i64,
) -> Result<bool, StoreError> {
    const TAKE: &str = "DELETE FROM waiting WHERE collaboration = ?1 AND tenant = ?2 AND fingerprint = ?3 AND until_ms > ?4";
    let take = sqlx::query(TAKE)
        .bind(collaboration.as_str())
        .bind(tenant.as_str())
        .bind(fingerprint.as_slice())
        .bind(now_ms);
    Ok(take.execute(connection).await.map_err(|e| told(&e))?.rows_affected() > 0)
}

/// What of a member's waits in a collaboration, the oldest first.
pub(super) async fn waiting(
    on: impl SqliteExecutor<'_>,
    (collaboration, tenant): (&CollaborationId, &MemberId),
    max: usize,
    now_ms: i64,
) -> Result<Vec<Waits>, StoreError> {
    const WAITING: &str = "SELECT collaboration, fingerprint, asked_by, about, asked_ms, until_ms FROM waiting \
        WHERE collaboration = ?1 AND tenant = ?2 AND until_ms > ?3 ORDER BY asked_ms, fingerprint LIMIT ?4";
    let rows = sqlx::query_as::<_, Row>(WAITING)
        .bind(collaboration.as_str())
        .bind(tenant.as_str())
        .bind(now_ms)
        .bind(i64::try_from(max).unwrap_or(i64::MAX));
    let read = |row: Row| Waits::read(read_name(&row.0)?, tenant, row);
    rows.fetch_all(on).await.map_err(|e| told(&e))?.into_iter().map(read).collect()
}
