//! Collaborations as they lie on the platform, whoever made them, as plain values. Must not know clients, nor what of them an
//! agreement can say.

use crate::collaboration::seen::{Spec, State};
use crate::import::{Object, Tables};
use mappings::model::{Dataset, Template, TemplateName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    /// As `CURRENT_REGION()` says it.
    pub(crate) region: String,
    /// By source name.
    pub(crate) rooms: BTreeMap<String, Room>,
    /// What owners offer, by their account and the id, as far as their registries show it.
    pub(crate) offerings: BTreeMap<(String, String), Vec<Offered>>,
    /// What could not be seen: on what, and the code of the error.
    pub(crate) unseen: Vec<(String, String)>,
    /// Columns with their types of the tables under Airlock's views.
    pub(crate) tables: Tables,
}

/// One collaboration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Room {
    pub(crate) spec: Spec,
    /// How far each collaborator is, by alias, where that was seen.
    pub(crate) states: BTreeMap<String, State>,
    /// Templates that are listed, by id.
    pub(crate) templates: BTreeMap<String, Text>,
}

/// A listed template.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Text {
    /// `sql_analysis`, or what else it is.
    pub(crate) kind: String,
    /// Its text.
    pub(crate) sql: String,
    /// The template of an agreement that its spec tells of.
    pub(crate) told: Option<(TemplateName, Template)>,
}

/// A dataset of an offering.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Offered {
    pub(crate) alias: String,
    /// Columns that are exposed, each with its category.
    pub(crate) columns: BTreeMap<String, String>,
    /// What it has that agreements have no word for.
    pub(crate) further: BTreeSet<String>,
    /// The terms that its spec tells of.
    pub(crate) told: Option<Dataset>,
    /// The view or table; none of one that could not be looked at.
    pub(crate) object: Option<Object>,
}
