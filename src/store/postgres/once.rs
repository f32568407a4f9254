//! Spent keys in `PostgreSQL`, by its clock; they are spent by the function that appends. Must not know what a key stands for.

use super::parties::read_name;
use super::{read_back, within};
use crate::store::once::{KEPT_MS, SWEPT_MAX};
use crate::store::{Spent, StoreError};
use sqlx::postgres::PgPool;

/// What a key was spent on, unless that is over.
pub(super) async fn spent(pool: &PgPool, scope: &[u8; 32]) -> Result<Option<Spent>, StoreError> {
    const SPENT: &str = "SELECT collaboration, position, leaves, fingerprint FROM airlock.once \
        WHERE scope = $1 AND until_ms > airlock.now_ms()";
    let row = sqlx::query_as::<_, (String, i64, i64, Vec<u8>)>(SPENT).bind(scope.as_slice());
    let row = within(row.fetch_optional(pool)).await?;
    let Some((name, index, count, fingerprint)) = row else { return Ok(None) };
    Ok(Some(Spent {
        collaboration: read_name(&name)?,
        index: read_back(index)?,
        count: read_back(count)?,
        fingerprint: fingerprint.try_into().map_err(|_| StoreError::Corrupt)?,
    }))
}

/// Spends a key that goes with no append, and removes some of those that are over. Whether it was not spent.
pub(super) async fn spend_alone(pool: &PgPool, scope: &[u8; 32]) -> Result<bool, StoreError> {
    const SPEND: &str = "WITH swept AS (DELETE FROM airlock.spent WHERE scope IN (\
        SELECT scope FROM airlock.spent WHERE until_ms <= airlock.now_ms() AND scope <> $1 \
        ORDER BY until_ms LIMIT $3 FOR UPDATE SKIP LOCKED)) \
        INSERT INTO airlock.spent AS known (scope, until_ms) VALUES ($1, airlock.now_ms() + $2) \
        ON CONFLICT (scope) DO UPDATE SET until_ms = excluded.until_ms WHERE known.until_ms <= airlock.now_ms()";
    let spend = sqlx::query(SPEND).bind(scope.as_slice()).bind(KEPT_MS).bind(SWEPT_MAX);
    Ok(within(spend.execute(pool)).await?.rows_affected() == 1)
}
