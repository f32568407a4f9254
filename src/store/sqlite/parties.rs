//! Who is a party of which log, in `SQLite`. What is written is written inside the writer's transaction. Must not know what a
//! party may do.

use super::{stored, told};
use crate::store::{Parties, Stands, StoreError};
use mappings::model::{CollaborationId, MemberId};
use sqlx::sqlite::{SqliteConnection, SqlitePool};

/// Keeps that these and nobody else are the parties of a log.
pub(super) async fn keep(
    connection: &mut SqliteConnection,
    collaboration: &CollaborationId,
    parties: &Parties,
) -> Result<(), StoreError> {
    const KEEP: &str = "INSERT INTO party (member, collaboration, stands) VALUES (?1, ?2, ?3)";
    let before = sqlx::query("DELETE FROM party WHERE collaboration = ?1");
    let before = before.bind(collaboration.as_str()).execute(&mut *connection).await;
    before.map_err(|e| told(&e))?;
    for (member, stands) in parties {
        let insert = sqlx::query(KEEP)
            .bind(member.as_str())
            .bind(collaboration.as_str())
            .bind(stands.name());
        insert.execute(&mut *connection).await.map_err(|e| told(&e))?;
    }
    Ok(())
}

/// Keeps who the parties are of a log of this length; whether it has it.
pub(super) async fn project(
    connection: &mut SqliteConnection,
    collaboration: &CollaborationId,
    size: u64,
    parties: &Parties,
) -> Result<bool, StoreError> {
    const MARK: &str = "UPDATE log SET projected = size WHERE collaboration = ?1 AND size = ?2";
    let mark = sqlx::query(MARK).bind(collaboration.as_str()).bind(stored(size)?);
    let marked = mark.execute(&mut *connection).await.map_err(|e| told(&e))?;
    if marked.rows_affected() == 0 {
        return Ok(false);
    }
    keep(connection, collaboration, parties).await?;
    Ok(true)
}

/// A page of the logs that a member is a party of.
pub(super) async fn logs_of(
    readers: &SqlitePool,
    tenant: &MemberId,
    after: Option<&CollaborationId>,
    max: usize,
) -> Result<Vec<(CollaborationId, Stands)>, StoreError> {
    const LOGS: &str = "SELECT collaboration, stands FROM party WHERE member = ?1 AND collaboration > ?2 \
        ORDER BY collaboration LIMIT ?3";
    let page = sqlx::query_as::<_, (String, String)>(LOGS)
        .bind(tenant.as_str())
        .bind(after.map_or("", CollaborationId::as_str))
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .fetch_all(readers);
    let read = |(name, stands): (String, String)| Ok((read_name(&name)?, read_stands(&stands)?));
    page.await.map_err(|e| told(&e))?.into_iter().map(read).collect()
}

/// Where a member stands in a log.
pub(super) async fn stands(
    readers: &SqlitePool,
    collaboration: &CollaborationId,
    tenant: &MemberId,
) -> Result<Option<Stands>, StoreError> {
    const STANDS: &str = "SELECT stands FROM party WHERE member = ?1 AND collaboration = ?2";
    let stands = sqlx::query_scalar::<_, String>(STANDS)
        .bind(tenant.as_str())
        .bind(collaboration.as_str())
        .fetch_optional(readers);
    stands.await.map_err(|e| told(&e))?.map(|word| read_stands(&word)).transpose()
}

/// A page of the logs whose parties at their end are not known.
pub(super) async fn unprojected(
    readers: &SqlitePool,
    after: Option<&CollaborationId>,
    max: usize,
) -> Result<Vec<CollaborationId>, StoreError> {
    const BEHIND: &str = "SELECT collaboration FROM log WHERE projected <> size AND collaboration > ?1 \
        ORDER BY collaboration LIMIT ?2";
    let page = sqlx::query_scalar::<_, String>(BEHIND)
        .bind(after.map_or("", CollaborationId::as_str))
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .fetch_all(readers);
    page.await.map_err(|e| told(&e))?.iter().map(|name| read_name(name)).collect()
}

pub(super) fn read_name(name: &str) -> Result<CollaborationId, StoreError> {
    CollaborationId::new(name).map_err(|_| StoreError::Corrupt)
}

fn read_stands(word: &str) -> Result<Stands, StoreError> {
    Stands::named(word).ok_or(StoreError::Corrupt)
}
