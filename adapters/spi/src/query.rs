//! One run of a template version with bound parameters, and what is told of it while it runs.

use crate::Landing;
use mappings::guard::Guarded;
use mappings::model::{
    Agreement, ColumnName, DatasetName, Literal, MemberId, ParameterName, RunId,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use url::Url;

/// Limits of one run. A run that meets one fails with a code; it never answers with less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLimits {
    /// Memory for the run's operators, in bytes.
    pub memory_bytes_max: u64,
    /// Spilled bytes on disk.
    pub spill_bytes_max: u64,
    /// Rows of output.
    pub rows_max: u64,
    /// Wall time in milliseconds.
    pub duration_ms_max: u64,
}

impl Default for RunLimits {
    /// 2 GiB of memory, 64 GiB of spill, 50 million rows, one hour.
    fn default() -> Self {
        Self {
            memory_bytes_max: 2 << 30,
            spill_bytes_max: 64 << 30,
            rows_max: 50_000_000,
            duration_ms_max: 3_600_000,
        }
    }
}

/// One run.
#[derive(Debug, Clone)]
pub struct ProtectedQuery {
    /// Its id.
    pub run: RunId,
    /// Who asked for it.
    pub by: MemberId,
    /// Who shall receive.
    pub receivers: Vec<MemberId>,
    /// The agreement it runs under.
    pub agreement: Arc<Agreement>,
    /// Columns that were withdrawn when it was asked for: what reads none of them runs over what is left.
    pub hidden: BTreeSet<(DatasetName, ColumnName)>,
    /// The guarded template.
    pub guarded: Arc<Guarded>,
    /// The bound parameters; every declared one has a value.
    pub parameters: BTreeMap<ParameterName, Literal>,
    /// Where output lands.
    pub landing: Landing,
    /// Its limits.
    pub limits: RunLimits,
    /// Where relative dataset locations start (the agreement file's folder).
    pub base: Option<Url>,
}

/// What a run has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunProgress {
    /// Rows read from datasets.
    pub rows_read: u64,
    /// Bytes read from storage.
    pub bytes_read: u64,
}

/// What a finished run left at its landing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOutput {
    /// Files under the landing prefix, by name, in order: Parquet, or CSV with a header where the name ends in `.csv`.
    pub files: Vec<String>,
    /// Rows in them, where the platform says so.
    pub rows: Option<u64>,
    /// Groups (or audiences) that a threshold withheld, where the platform says so.
    pub withheld: Option<u64>,
    /// Rows read, by dataset, before consent and row filters.
    pub rows_read: BTreeMap<String, u64>,
}

/// Why a run ended without a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable code, kebab-case.
    pub code: String,
    /// A sentence built from names only.
    pub reason: String,
}

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum RunStatus {
    /// At work.
    Running(RunProgress),
    /// Asked to stop.
    Cancelling,
    /// Stopped; nothing of it is left.
    Cancelled,
    /// Ended without a result; nothing of it is left.
    Failed(Failure),
    /// Its output is at the landing.
    Succeeded(RunOutput),
}
