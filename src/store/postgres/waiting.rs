//! What waits for a second person, in `PostgreSQL`, by its clock; it is used up by the function that appends. Must not know what is decided.

use super::parties::read_name;
use super::within;
use crate::store::waiting::{Row, WAITS_MS};
use crate::store::{StoreError, Waiting, Waits};
use mappings::model::{CollaborationId, MemberId};
use sqlx::postgres::PgPool;

/// Keeps it, unless it waits already; removes what waits no more.
pub(super) async fn wait(pool: &PgPool, waiting: &Waiting) -> Result<(), StoreError> {
    const OVER: &str = "DELETE FROM airlock.waiting WHERE until_ms <= airlock.now_ms()";
    const WAIT: &str = "INSERT INTO airlock.waiting (collaboration, tenant, fingerprint, asked_by, about, asked_ms, until_ms) \
        SELECT $1, $2, $3, $4, $5, now, now + $6 FROM (SELECT airlock.now_ms() AS now) AS clock ON CONFLICT DO NOTHING";
    within(sqlx::query(OVER).execute(pool)).await?;
    let wait = sqlx::query(WAIT)
        .bind(waiting.collaboration.as_str())
        .bind(waiting.tenant.as_str())
        .bind(waiting.fingerprint.as_slice())
        .bind(waiting.by.as_slice())
        .bind(waiting.about.as_str())
        .bind(WAITS_MS);
    within(wait.execute(pool)).await.map(drop)
}

/// Takes it out; whether it was waiting still.
pub(super) async fn take(
    pool: &PgPool,
    (collaboration, tenant): (&CollaborationId, &MemberId),
    fingerprint: &[u8; 32],
) -> Result<bool, StoreError> {
    const TAKE: &str = "DELETE FROM airlock.waiting WHERE collaboration = $1 AND tenant = $2 AND fingerprint = $3 \
        AND until_ms > airlock.now_ms()";
    let take = sqlx::query(TAKE)
        .bind(collaboration.as_str())
        .bind(tenant.as_str())
        .bind(fingerprint.as_slice());
    Ok(within(take.execute(pool)).await?.rows_affected() > 0)
}

/// What of a member's waits in a collaboration, the oldest first.
pub(super) async fn waiting(
    pool: &PgPool,
    (collaboration, tenant): (&CollaborationId, &MemberId),
    max: usize,
) -> Result<Vec<Waits>, StoreError> {
    const WAITING: &str = "SELECT collaboration, fingerprint, asked_by, about, asked_ms, until_ms FROM airlock.waiting \
        WHERE collaboration = $1 AND tenant = $2 AND until_ms > airlock.now_ms() ORDER BY asked_ms, fingerprint LIMIT $3";
    let rows = sqlx::query_as::<_, Row>(WAITING)
        .bind(collaboration.as_str())
        .bind(tenant.as_str())
        .bind(i64::try_from(max).unwrap_or(i64::MAX));
    let read = |row: Row| Waits::read(read_name(&row.0)?, tenant, row);
    within(rows.fetch_all(pool)).await?.into_iter().map(read).collect()
}
