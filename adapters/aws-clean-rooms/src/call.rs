//! The calls that change something, as plain values: what a step carries, what an export prints. Must not know clients.

use crate::rule::Rule;
use crate::wanted::{Budget, Parameter, Party};
use mappings::model::{Digest, MemberId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Tags of a new thing.
pub(crate) type Tags = BTreeMap<String, String>;

/// Where a membership's results go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Landing {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    /// `PARQUET` or `CSV`.
    pub(crate) format: String,
    pub(crate) role: Option<String>,
}

/// One call with its whole input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation")]
pub(crate) enum Call {
    CreateCollaboration {
        name: String,
        creator: Party,
        members: Vec<Party>,
        regions: Vec<String>,
        tags: Tags,
    },
    DeleteCollaboration {
        id: String,
        name: String,
    },
    DeleteMember {
        collaboration: String,
        account: String,
    },
    CreateMembership {
        collaboration: String,
        pays: Option<bool>,
        landing: Option<Landing>,
        tags: Tags,
    },
    DeleteMembership {
        id: String,
    },
    CreateConfiguredTable {
        name: String,
        database: String,
        table: String,
        columns: Vec<String>,
        tags: Tags,
    },
    UpdateConfiguredTable {
        id: String,
        database: String,
        table: String,
        columns: Vec<String>,
    },
    DeleteConfiguredTable {
        id: String,
    },
    CreateConfiguredTableAnalysisRule {
        table: String,
        rule: Rule,
    },
    UpdateConfiguredTableAnalysisRule {
        table: String,
        rule: Rule,
        was: Digest,
    },
    DeleteConfiguredTableAnalysisRule {
        table: String,
        kind: String,
    },
    CreateConfiguredTableAssociation {
        membership: String,
        name: String,
        table: String,
        role: String,
        tags: Tags,
    },
    UpdateConfiguredTableAssociation {
        membership: String,
        id: String,
        role: String,
    },
    DeleteConfiguredTableAssociation {
        membership: String,
        id: String,
    },
    CreateConfiguredTableAssociationAnalysisRule {
        membership: String,
        association: String,
        receivers: BTreeSet<String>,
    },
    UpdateConfiguredTableAssociationAnalysisRule {
        membership: String,
        association: String,
        receivers: BTreeSet<String>,
        was: BTreeSet<String>,
    },
    DeleteConfiguredTableAssociationAnalysisRule {
        membership: String,
        association: String,
    },
    CreateAnalysisTemplate {
        membership: String,
        name: String,
        text: String,
        description: String,
        parameters: Vec<Parameter>,
        tags: Tags,
    },
    DeleteAnalysisTemplate {
        membership: String,
        id: String,
    },
    CreatePrivacyBudgetTemplate {
        membership: String,
        resource: String,
        budget: Budget,
        tags: Tags,
    },
    UpdatePrivacyBudgetTemplate {
        membership: String,
        id: String,
        budget: Budget,
        was: Option<Budget>,
    },
    DeletePrivacyBudgetTemplate {
        membership: String,
        id: String,
    },
}

/// Where and for whom a call is made, beside it in its step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct At {
    pub(crate) member: MemberId,
    pub(crate) account: String,
    pub(crate) region: String,
}

/// Its name there.
pub(crate) const AT: &str = "at";

/// The digest of a rule, which a change of it was planned on.
pub(crate) fn version(rule: &Rule) -> Digest {
    Digest::of(&mappings::agreement::canonical(&serde_json::json!(rule)))
}
