//! The specs that the Collaboration API takes, field by field. Every text is put into its field whole: none is part of another.
//! Must not know agreements, nor what is there.
//! Source: Snowflake Data Clean Rooms Documentation, Collaboration, Data offering, Template and Analysis spec.

use super::yaml;
use mappings::model::Digest;
use serde::Serialize;
use std::collections::BTreeMap;

const API: &str = "2.0.0";
/// Columns of an offering are for templates alone: no query of a runner's own reads them.
const TEMPLATES_ONLY: &str = "template_only";

/// A spec with what it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Document<'a, T> {
    api_version: &'static str,
    spec_type: &'static str,
    #[serde(flatten)]
    spec: &'a T,
}

/// Something by its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Named {
    pub(crate) id: String,
}

/// Who takes part, who runs and on whose data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Collaboration {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) owner: String,
    /// Accounts as `ORG.ACCOUNT`, by alias.
    pub(crate) collaborator_identifier_aliases: BTreeMap<String, String>,
    pub(crate) analysis_runners: BTreeMap<String, Runner>,
}

/// What a runner may use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Runner {
    pub(crate) data_providers: BTreeMap<String, Provider>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) templates: Vec<Named>,
}

/// What a provider offers a runner.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Provider {
    pub(crate) data_offerings: Vec<Named>,
}

/// A version of what a provider offers: one dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Offering {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) datasets: Vec<Dataset>,
}

/// A view, with the columns of it that are exposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Dataset {
    pub(crate) alias: String,
    /// A path, each name quoted where it must be.
    pub(crate) data_object_fqn: String,
    pub(crate) allowed_analyses: &'static str,
    /// By column, quoted.
    pub(crate) schema_and_template_policies: BTreeMap<String, Policy>,
}

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Policy {
    pub(crate) category: Category,
}

/// The categories that are used: a key under its own name, and everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Category {
    JoinCustom,
    Passthrough,
}

/// A version of a text that may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) r#type: &'static str,
    pub(crate) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) methodology: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) preset_tables: Vec<Preset>,
    #[serde(rename = "template")]
    pub(crate) sql: String,
}

/// A parameter of a template. Each has a value in every run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) required: bool,
    /// `string`, `integer`, `number` or `boolean`.
    pub(crate) r#type: &'static str,
}

/// A table that the text names, and no caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Preset {
    pub(crate) alias: String,
    /// The provider's alias, the offering's id and the dataset's alias.
    pub(crate) template_view_name: String,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Analysis {
    pub(crate) template: String,
    pub(crate) template_configuration: Configuration,
}

/// What a run is given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Configuration {
    pub(crate) arguments: BTreeMap<String, Argument>,
}

/// A parameter's value, of its type.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Argument {
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Text(String),
}

/// Values are not shown.
impl std::fmt::Debug for Argument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// The text of a spec of a kind.
pub(super) fn said(spec_type: &'static str, spec: &impl Serialize) -> Option<String> {
    yaml::write(&Document { api_version: API, spec_type, spec })
}

impl Category {
    /// As a spec says it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::JoinCustom => "join_custom",
            Self::Passthrough => "passthrough",
        }
    }
}

impl Collaboration {
    /// Its text.
    pub(crate) fn text(&self) -> Option<String> {
        said("collaboration", self)
    }
}

impl Offering {
    /// Its text.
    pub(crate) fn text(&self) -> Option<String> {
        said("data_offering", self)
    }
}

impl Dataset {
    /// A view that templates alone may read.
    pub(crate) fn new(alias: String, path: String, columns: BTreeMap<String, Policy>) -> Self {
        Self {
            alias,
            data_object_fqn: path,
            allowed_analyses: TEMPLATES_ONLY,
            schema_and_template_policies: columns,
        }
    }
}

impl Template {
    /// Its text.
    pub(crate) fn text(&self) -> Option<String> {
        said("template", self)
    }
}

impl Analysis {
    /// Its text; none where a number has no digits.
    pub(crate) fn text(&self) -> Option<String> {
        said("analysis", self)
    }
}

/// What a spec says, whoever wrote it down and how: the digest of its tree. None of what is no spec.
pub(crate) fn meaning(text: &str) -> Option<Digest> {
    let tree = yaml::read(text)?;
    let value = serde_json::to_value(&tree).ok()?;
    Some(Digest::of(&mappings::agreement::canonical(&value)))
}
