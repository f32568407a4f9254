//! Leases in `PostgreSQL`, by its clock: the rules of `store/lease.rs`, each as one statement. Must not know what is leased.

use super::{read_back, stored, within};
use crate::store::lease::ttl_ms;
use crate::store::{Lease, StoreError};
use sqlx::postgres::PgPool;
use std::time::Duration;

/// Gives a resource's next lease to a holder, when it is free.
pub(super) async fn acquire(
    pool: &PgPool,
    (resource, holder): (&str, &str),
    ttl: Duration,
) -> Result<Option<Lease>, StoreError> {
    const ACQUIRE: &str = "INSERT INTO airlock.lease AS kept (resource, holder, token, ttl_ms, until_ms) \
        VALUES ($1, $2, 1, $3, airlock.now_ms() + $3) ON CONFLICT (resource) DO UPDATE \
        SET holder = excluded.holder, token = kept.token + 1, ttl_ms = $3, until_ms = airlock.now_ms() + $3 \
        WHERE kept.holder IS NULL OR kept.holder = excluded.holder OR kept.until_ms <= airlock.now_ms() \
        OR kept.until_ms > airlock.now_ms() + 2 * kept.ttl_ms RETURNING token";
    let token = sqlx::query_scalar::<_, i64>(ACQUIRE).bind(resource).bind(holder).bind(ttl_ms(ttl));
    let Some(token) = within(token.fetch_optional(pool)).await? else { return Ok(None) };
    let (resource, holder) = (resource.to_owned(), holder.to_owned());
    Ok(Some(Lease { resource, holder, token: read_back(token)? }))
}

/// Holds a lease for longer, unless it isn't this one any more.
pub(super) async fn renew(pool: &PgPool, lease: &Lease, ttl: Duration) -> Result<bool, StoreError> {
    const RENEW: &str = "UPDATE airlock.lease SET ttl_ms = $4, until_ms = airlock.now_ms() + $4 \
        WHERE resource = $1 AND holder = $2 AND token = $3";
    let renewed = sqlx::query(RENEW)
        .bind(&lease.resource)
        .bind(&lease.holder)
        .bind(stored(lease.token)?)
        .bind(ttl_ms(ttl));
    Ok(within(renewed.execute(pool)).await?.rows_affected() == 1)
}

/// The leases that are held, of resources whose name begins so.
pub(super) async fn held(pool: &PgPool, prefix: &str) -> Result<Vec<Lease>, StoreError> {
    const HELD: &str = "SELECT resource, holder, token FROM airlock.lease \
        WHERE starts_with(resource, $1) AND holder IS NOT NULL AND until_ms > airlock.now_ms() \
        AND until_ms <= airlock.now_ms() + 2 * ttl_ms ORDER BY resource COLLATE \"C\"";
    let rows = sqlx::query_as::<_, (String, String, i64)>(HELD).bind(prefix);
    let rows = within(rows.fetch_all(pool)).await?;
    let read = |(resource, holder, token)| Ok(Lease { resource, holder, token: read_back(token)? });
    rows.into_iter().map(read).collect()
}

/// Gives a lease back, unless it isn't this one any more.
pub(super) async fn release(pool: &PgPool, lease: &Lease) -> Result<bool, StoreError> {
    const RELEASE: &str =
        "UPDATE airlock.lease SET holder = NULL WHERE resource = $1 AND holder = $2 AND token = $3";
    let released =
        sqlx::query(RELEASE).bind(&lease.resource).bind(&lease.holder).bind(stored(lease.token)?);
    Ok(within(released.execute(pool)).await?.rows_affected() == 1)
}
