//! Who is a party of which log, in `PostgreSQL`. Must not know what a party may do.

use super::{stored, within};
use crate::store::{Parties, Stands, StoreError};
use mappings::model::{CollaborationId, MemberId};
use sqlx::postgres::PgPool;

/// Parties as the database's functions take them: their names, and where each stands.
pub(super) fn apart(parties: &Parties) -> (Vec<String>, Vec<String>) {
    let apart = |(member, stands): (&MemberId, &Stands)| {
        (member.as_str().to_owned(), stands.name().to_owned())
    };
    parties.iter().map(apart).unzip()
}

/// Keeps who the parties are of a log of this length; whether it has it.
pub(super) async fn project(
    pool: &PgPool,
    collaboration: &CollaborationId,
    size: u64,
    parties: &Parties,
) -> Result<bool, StoreError> {
    let (members, stands) = apart(parties);
    let project = sqlx::query_scalar::<_, bool>("SELECT airlock.project($1, $2, $3, $4)")
        .bind(collaboration.as_str())
        .bind(stored(size)?)
        .bind(members)
        .bind(stands);
    within(project.fetch_one(pool)).await
}

/// A page of the logs that a member is a party of.
pub(super) async fn logs_of(
    pool: &PgPool,
    tenant: &MemberId,
    after: Option<&CollaborationId>,
    max: usize,
) -> Result<Vec<(CollaborationId, Stands)>, StoreError> {
    const LOGS: &str = "SELECT collaboration, stands FROM airlock.party WHERE member = $1 AND collaboration > $2 \
        ORDER BY collaboration LIMIT $3";
    let page = sqlx::query_as::<_, (String, String)>(LOGS)
        .bind(tenant.as_str())
        .bind(after.map_or("", CollaborationId::as_str))
        .bind(i64::try_from(max).unwrap_or(i64::MAX));
    let read = |(name, stands): (String, String)| Ok((read_name(&name)?, read_stands(&stands)?));
    within(page.fetch_all(pool)).await?.into_iter().map(read).collect()
}

/// Where a member stands in a log.
pub(super) async fn stands(
    pool: &PgPool,
    collaboration: &CollaborationId,
    tenant: &MemberId,
) -> Result<Option<Stands>, StoreError> {
    const STANDS: &str =
        "SELECT stands FROM airlock.party WHERE member = $1 AND collaboration = $2";
    let stands =
        sqlx::query_scalar::<_, String>(STANDS).bind(tenant.as_str()).bind(collaboration.as_str());
    within(stands.fetch_optional(pool)).await?.map(|word| read_stands(&word)).transpose()
}

/// A page of the logs whose parties at their end are not known.
pub(super) async fn unprojected(
    pool: &PgPool,
    after: Option<&CollaborationId>,
    max: usize,
) -> Result<Vec<CollaborationId>, StoreError> {
    const BEHIND: &str = "SELECT collaboration FROM airlock.log WHERE projected <> size AND collaboration > $1 \
        ORDER BY collaboration LIMIT $2";
    let page = sqlx::query_scalar::<_, String>(BEHIND)
        .bind(after.map_or("", CollaborationId::as_str))
        .bind(i64::try_from(max).unwrap_or(i64::MAX));
    within(page.fetch_all(pool)).await?.iter().map(|name| read_name(name)).collect()
}

pub(super) fn read_name(name: &str) -> Result<CollaborationId, StoreError> {
    CollaborationId::new(name).map_err(|_| StoreError::Corrupt)
}

fn read_stands(word: &str) -> Result<Stands, StoreError> {
    Stands::named(word).ok_or(StoreError::Corrupt)
}
