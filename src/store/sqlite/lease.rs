//! Leases in `SQLite`, inside the writer's transaction. Must not know what is leased, nor the time.

use super::write::Written;
use super::{read_back, stored, told};
use crate::store::{Lease, StoreError};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};

pub(super) use crate::store::lease::Kept;

/// What is kept of a resource's lease.
pub(super) async fn kept(
    connection: &mut SqliteConnection,
    resource: &str,
) -> Result<Option<Kept>, StoreError> {
    const KEPT: &str = "SELECT holder, token, ttl_ms, until_ms FROM lease WHERE resource = ?1";
    let row = sqlx::query(KEPT).bind(resource).fetch_optional(connection).await;
    row.map_err(|e| told(&e))?.map(|row| read(&row)).transpose()
}

/// The leases that are held, of resources whose name begins so.
pub(super) async fn held(
    readers: &SqlitePool,
    prefix: &str,
    now_ms: i64,
) -> Result<Vec<Lease>, StoreError> {
    const NAMED: &str = "SELECT holder, token, ttl_ms, until_ms, resource FROM lease \
        WHERE substr(resource, 1, length(?1)) = ?1 ORDER BY resource";
    let rows = sqlx::query(NAMED).bind(prefix).fetch_all(readers).await.map_err(|e| told(&e))?;
    let mut leases = Vec::new();
    for row in rows {
        let resource: String = row.try_get(4).map_err(|e| told(&e))?;
        leases.extend(read(&row)?.held(&resource, now_ms));
    }
    Ok(leases)
}

fn read(row: &SqliteRow) -> Result<Kept, StoreError> {
    Ok(Kept {
        holder: row.try_get(0).map_err(|e| told(&e))?,
        token: read_back(row.try_get(1).map_err(|e| told(&e))?)?,
        ttl_ms: row.try_get(2).map_err(|e| told(&e))?,
        until_ms: row.try_get(3).map_err(|e| told(&e))?,
    })
}

async fn keep(
    connection: &mut SqliteConnection,
    resource: &str,
    kept: &Kept,
) -> Result<(), StoreError> {
    const KEEP: &str = "INSERT INTO lease (resource, holder, token, ttl_ms, until_ms) VALUES (?1, ?2, ?3, ?4, ?5) \
        ON CONFLICT (resource) DO UPDATE SET holder = excluded.holder, token = excluded.token, \
        ttl_ms = excluded.ttl_ms, until_ms = excluded.until_ms";
    let upsert = sqlx::query(KEEP)
        .bind(resource)
        .bind(kept.holder.as_deref())
        .bind(stored(kept.token)?)
        .bind(kept.ttl_ms)
        .bind(kept.until_ms);
    upsert.execute(connection).await.map(|_| ()).map_err(|e| told(&e))
}

/// Gives a resource's next lease to a holder, when it is free. Answered with the token.
pub(super) async fn acquire(
    connection: &mut SqliteConnection,
    (resource, holder): (&str, &str),
    ttl_ms: i64,
    now_ms: i64,
) -> Written {
    let before = kept(connection, resource).await?;
    let Some(next) = Kept::acquired(before.as_ref(), holder, ttl_ms, now_ms) else {
        return Ok(Ok(None));
    };
    keep(connection, resource, &next).await?;
    Ok(Ok(Some(next.token)))
}

/// Changes a lease that is still held. Answered with the token.
pub(super) async fn change(
    connection: &mut SqliteConnection,
    lease: &Lease,
    change: impl Fn(&Kept) -> Option<Kept> + Send,
) -> Written {
    let Some(kept) = kept(connection, &lease.resource).await? else { return Ok(Ok(None)) };
    let Some(next) = change(&kept) else { return Ok(Ok(None)) };
    keep(connection, &lease.resource, &next).await?;
    Ok(Ok(Some(next.token)))
}
