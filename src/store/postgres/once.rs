//! Spent keys in `PostgreSQL`, by its clock; they are spent by the function that appends. Must not know what a key stands for.

use super::parties::read_name;
use super::{read_back, within};
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
