//! What is set at a gateway, and where each value stands.

use super::Place;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is set, as it stands now in `gateway.toml` and in the variables of the process; most of it holds from the next start on. Secrets are named, never shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Every setting of the sections that can be read.
    pub settings: Vec<Setting>,
    /// What may not stand where it stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Place>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Which.
    #[schema(example = "http.listen")]
    pub key: String,
    /// Its value; `null` of what is not set and is nothing then. Of a secret the name of its variable.
    pub value: serde_json::Value,
    /// `file`, `environment` or `default`.
    #[schema(example = "file")]
    pub from: String,
    /// The line of the file, the variable, or `default`.
    #[schema(example = "gateway.toml:2")]
    pub at: String,
}
