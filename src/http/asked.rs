//! What a request says, read strictly: what is not read is refused. Must not know what it asks for.

use super::problem::Own;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Things on a page, unless a number is asked for, and at most.
pub(super) const PAGE: usize = 50;
pub(super) const PAGE_MAX: usize = 200;

/// A position in a log. None is as large as the store's numbers go.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct Position(pub(super) u64);

impl TryFrom<u64> for Position {
    type Error = &'static str;

    fn try_from(position: u64) -> Result<Self, Self::Error> {
        let known = i64::try_from(position).map(|_| Self(position));
        known.map_err(|_| "no log is as long")
    }
}

/// A query of which every name is known.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Own;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Own> {
        let Query(query) = Query::try_from_uri(&parts.uri).map_err(|_| Own::QueryInvalid)?;
        Ok(Self(query))
    }
}

/// How many things a page has.
pub(super) fn page(limit: Option<usize>) -> Result<usize, Own> {
    match limit.unwrap_or(PAGE) {
        limit @ 1..=PAGE_MAX => Ok(limit),
        _ => Err(Own::QueryInvalid),
    }
}
