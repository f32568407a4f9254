//! The manifest: what a result is, how it came about, and which files it has. Signed by the gateway; written last.

use crate::log::{PublicKey, SecretKey};
use mappings::model::{
    CollaborationId, ColumnType, DatasetName, Digest, MemberId, PlatformId, ResultClass, RunId,
    TemplateName,
};
use serde::{Deserialize, Serialize};

const DOMAIN: &[u8] = b"airlock/manifest/v1\n";

/// One column of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnLine {
    /// Its name.
    pub name: String,
    /// Its type.
    pub r#type: ColumnType,
}

/// One file of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLine {
    /// Its name, beside the manifest.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// The digest of its content.
    pub sha256: Digest,
}

/// One threshold that held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLine {
    /// Whose entities were counted.
    pub dataset: DatasetName,
    /// Distinct entities behind every row.
    pub entities_min: u64,
    /// Whose rule asked for it.
    pub rule_of: MemberId,
}

/// The manifest of one receiver's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `airlock-result/v1`.
    pub format: String,
    /// The collaboration.
    pub collaboration: CollaborationId,
    /// The run.
    pub run: RunId,
    /// The template.
    pub template: TemplateName,
    /// Its version.
    pub template_digest: Digest,
    /// The guarded text that ran.
    pub text_digest: Digest,
    /// The agreement it ran under.
    pub agreement_digest: Digest,
    /// What kind of result this is.
    pub class: ResultClass,
    /// Where it ran.
    pub platform: PlatformId,
    /// Whose result this is.
    pub receiver: MemberId,
    /// The columns, in order.
    pub columns: Vec<ColumnLine>,
    /// The files.
    pub files: Vec<FileLine>,
    /// Rows in all files.
    pub rows: u64,
    /// Groups (or audiences) that a threshold withheld; null where the platform doesn't say.
    pub withheld: Option<u64>,
    /// What became of groups below a minimum: `dropped`, or `merged` where their owners waived that a room may give all of them as one row
    /// whose keys are null.
    pub suppression: String,
    /// The thresholds that held.
    pub rules: Vec<RuleLine>,
    /// The position of the run's request in the agreement log.
    pub log_index: u64,
    /// The gateway's signature over everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl Manifest {
    fn signed_bytes(&self) -> Vec<u8> {
        let unsigned = Self { signature: None, ..self.clone() };
        [DOMAIN, &mappings::agreement::canonical(&serde_json::json!(unsigned))].concat()
    }

    /// The same manifest, signed.
    #[must_use]
    pub fn signed(mut self, key: &SecretKey) -> Self {
        self.signature = Some(key.sign(&self.signed_bytes()).to_string());
        self
    }

    /// Whether this gateway signed exactly this.
    #[must_use]
    pub fn verifies(&self, key: &PublicKey) -> bool {
        let signature = self
            .signature
            .as_ref()
            .and_then(|text| serde_json::from_value(serde_json::json!(text)).ok());
        signature.is_some_and(|signature| key.verifies(&self.signed_bytes(), &signature))
    }

    /// Canonical bytes, as they are written.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        mappings::agreement::canonical(&serde_json::json!(self))
    }
}
