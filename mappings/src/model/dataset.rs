//! Datasets by reference: where they lie, which columns exist for templates and how each may be used.

use super::analysis_rule::AnalysisRule;
use super::ids::{ColumnName, KeyName, MemberId, PlatformId};
use super::template::Literal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The canonical column types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnType {
    /// 64-bit signed integer; narrower integers are widened when read.
    Int64,
    /// 64-bit float.
    Float64,
    /// UTF-8 text.
    Utf8,
    /// True or false.
    Boolean,
    /// Calendar date.
    Date,
    /// Microseconds since 1970 UTC.
    Timestamp,
    /// Bytes of any length, only for keys hashed at the source.
    Binary,
}

/// Aggregates that a measure's owner may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregate {
    /// `COUNT(column)`.
    Count,
    /// `COUNT(DISTINCT column)`.
    CountDistinct,
    /// `SUM(column)`.
    Sum,
    /// `AVG(column)`.
    Avg,
    /// `MIN(column)`: gives one entity's value away, so only where the owner says so.
    Min,
    /// `MAX(column)`: gives one entity's value away, so only where the owner says so.
    Max,
}

/// How raw identifiers are brought to one form before they are tokenised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normaliser {
    /// E-mail address: trimmed, lower-cased, checked for shape.
    Email,
    /// Telephone number in international form, to E.164.
    Phone,
    /// The same, and North America's national form.
    PhoneUs,
    /// Advertising or device id: trimmed, lower-cased, hyphens kept as in RFC 4122 text.
    DeviceId,
    /// Trimmed and lower-cased.
    LowerTrim,
    /// Taken as it is.
    None,
}

/// The form of a key that its owner hashed beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hashed {
    /// SHA-256 as 64 hex digits.
    Sha256Hex,
    /// SHA-256 as 32 bytes.
    Sha256Bytes,
    /// HMAC-SHA-256 under the collaboration's key as 32 bytes, as `airlock prepare` writes it.
    HmacBytes,
    /// The same as 64 hex digits, as warehouses like to write it.
    HmacHex,
}

/// One way to match an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchKey {
    /// What kind of identifier it is; two columns join only on the same kind.
    pub key: KeyName,
    /// The physical column.
    pub from: String,
    /// Type of the physical column.
    pub r#type: ColumnType,
    /// How the raw value is normalised.
    pub normalise: Normaliser,
    /// Set when the owner hashed it beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashed: Option<Hashed>,
}

/// What a column may be used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "use")]
pub enum ColumnUse {
    /// Join key, in the order in which keys are tried. Never in output, never compared with constants.
    Match {
        /// At least one.
        keys: Vec<MatchKey>,
    },
    /// May be grouped by, filtered on and shown.
    Dimension,
    /// Only inside its aggregates.
    Measure {
        /// The aggregates its owner allows.
        aggregates: BTreeSet<Aggregate>,
    },
    /// Only in `WHERE`.
    Filter,
}

/// One column that exists for templates. What is not listed does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The physical column; unused for match columns, whose keys name their own.
    pub from: String,
    /// Its type.
    pub r#type: ColumnType,
    /// What it may be used for.
    #[serde(flatten)]
    pub r#use: ColumnUse,
    /// Whether it may leave in the rows of an activation.
    #[serde(default)]
    pub activate: bool,
}

/// A consent column: rows whose value is not among `granted` are dropped at the scan. NULL is not consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The physical column.
    pub from: String,
    /// Its type.
    pub r#type: ColumnType,
    /// The values that mean yes.
    pub granted: Vec<Literal>,
}

/// One conjunct of a dataset's row filter: the physical column is one of these values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowFilter {
    /// The physical column.
    pub from: String,
    /// Its type.
    pub r#type: ColumnType,
    /// Rows pass when the value is one of these (empty: no restriction).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<Literal>,
    /// Rows pass when the value is at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Literal>,
    /// Rows pass when the value is at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Literal>,
}

/// Where a dataset lies on one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Location {
    /// A URL or a platform's dotted name.
    Name(String),
    /// A table of a Glue catalog.
    Glue {
        /// Database and table.
        glue: BTreeMap<String, String>,
    },
}

/// What a member contributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// Who decides over it.
    pub owner: MemberId,
    /// Where it lies, one entry a platform that holds it.
    pub at: BTreeMap<PlatformId, Location>,
    /// The match column that names the privacy unit.
    pub entity: ColumnName,
    /// The columns that exist.
    pub columns: BTreeMap<ColumnName, Column>,
    /// What may be computed.
    pub rule: AnalysisRule,
    /// Applied at the scan, before any join.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// Applied at the scan, before any join; all must pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<RowFilter>,
}
