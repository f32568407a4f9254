//! Spent keys in `SQLite`. They are spent inside the writer's transaction. Must not know what a key stands for, nor the time.

use super::parties::read_name;
use super::{read_back, stored, told};
use crate::store::once::{KEPT_MS, SWEPT_MAX};
use crate::store::{Spent, StoreError};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteExecutor, SqliteRow};

/// What a key was spent on, unless that is over.
pub(super) async fn spent(
    on: impl SqliteExecutor<'_>,
    scope: &[u8; 32],
    now_ms: i64,
) -> Result<Option<Spent>, StoreError> {
    const SPENT: &str = "SELECT collaboration, position, leaves, fingerprint FROM once \
        WHERE scope = ?1 AND until_ms > ?2";
    let row = sqlx::query(SPENT).bind(scope.as_slice()).bind(now_ms).fetch_optional(on).await;
    row.map_err(|e| told(&e))?.map(|row| read(&row)).transpose()
}

fn read(row: &SqliteRow) -> Result<Spent, StoreError> {
    let fingerprint: Vec<u8> = row.try_get(3).map_err(|e| told(&e))?;
    Ok(Spent {
        collaboration: read_name(row.try_get(0).map_err(|e| told(&e))?)?,
        index: read_back(row.try_get(1).map_err(|e| told(&e))?)?,
        count: read_back(row.try_get(2).map_err(|e| told(&e))?)?,
        fingerprint: fingerprint.try_into().map_err(|_| StoreError::Corrupt)?,
    })
}

/// Spends a key, and removes some of those that are over.
pub(super) async fn spend(
    connection: &mut SqliteConnection,
    scope: &[u8; 32],
    spent: &Spent,
    now_ms: i64,
) -> Result<(), StoreError> {
    const SPEND: &str = "INSERT INTO once (scope, fingerprint, collaboration, position, leaves, until_ms) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (scope) DO UPDATE SET fingerprint = excluded.fingerprint, \
        collaboration = excluded.collaboration, position = excluded.position, leaves = excluded.leaves, \
        until_ms = excluded.until_ms";
    const SWEEP: &str = "DELETE FROM once WHERE scope IN \
        (SELECT scope FROM once WHERE until_ms <= ?1 ORDER BY until_ms LIMIT ?2)";
    let upsert = sqlx::query(SPEND)
        .bind(scope.as_slice())
        .bind(spent.fingerprint.as_slice())
        .bind(spent.collaboration.as_str())
        .bind(stored(spent.index)?)
        .bind(stored(spent.count)?)
        .bind(now_ms.saturating_add(KEPT_MS));
    upsert.execute(&mut *connection).await.map_err(|e| told(&e))?;
    let sweep = sqlx::query(SWEEP).bind(now_ms).bind(SWEPT_MAX);
    sweep.execute(connection).await.map(|_| ()).map_err(|e| told(&e))
}

/// Spends a key that goes with no append, and removes some of those that are over. Whether it was not spent.
pub(super) async fn spend_alone(
    connection: &mut SqliteConnection,
    scope: &[u8; 32],
    now_ms: i64,
) -> Result<bool, StoreError> {
    const SPEND: &str = "INSERT INTO spent (scope, until_ms) VALUES (?1, ?2) ON CONFLICT (scope) \
        DO UPDATE SET until_ms = excluded.until_ms WHERE spent.until_ms <= ?3";
    const SWEEP: &str = "DELETE FROM spent WHERE scope IN \
        (SELECT scope FROM spent WHERE ?1 >= until_ms ORDER BY until_ms LIMIT ?2)";
    let spend = sqlx::query(SPEND).bind(scope.as_slice()).bind(now_ms.saturating_add(KEPT_MS));
    let spend = spend.bind(now_ms).execute(&mut *connection).await.map_err(|e| told(&e))?;
    let sweep = sqlx::query(SWEEP).bind(now_ms).bind(SWEPT_MAX);
    sweep.execute(connection).await.map_err(|e| told(&e))?;
    Ok(spend.rows_affected() == 1)
}
