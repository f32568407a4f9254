//! Why something was not done: a problem document (RFC 9457).

use crate::error::Problem as Wrong;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A problem document, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProblemDocument {
    /// Where the code is explained, relative to this gateway.
    #[serde(rename = "type")]
    #[schema(example = "/problems/token-invalid")]
    pub kind: String,
    /// The code in words.
    #[schema(example = "token invalid")]
    pub title: String,
    /// The status of the answer.
    #[schema(example = 401, minimum = 400, maximum = 599)]
    pub status: u16,
    /// The stable code.
    #[schema(example = "token-invalid")]
    pub code: String,
    /// What was wrong.
    pub detail: String,
    /// What would pass.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// Where it was wrong, when that is known place by place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Place>,
    /// The request's own name, as in the header `Airlock-Request-Id`.
    pub request_id: String,
}

/// One of several things that were wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The stable code.
    pub code: String,
    /// Where.
    pub at: String,
    /// What was wrong.
    pub detail: String,
    /// What would pass.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
}

impl From<Wrong> for Place {
    fn from(one: Wrong) -> Self {
        let Wrong { code, at, message: detail, help } = one;
        Self { code, at, detail, help }
    }
}

impl From<Place> for Wrong {
    fn from(one: Place) -> Self {
        let Place { code, at, detail: message, help } = one;
        Self { code, at, message, help }
    }
}
