//! What a collaboration's log wants of every platform, before any platform's words for it.

use crate::{Resource, ResourceKind};
use mappings::agreement::canonical;
use mappings::model::{
    Agreement, ColumnName, Dataset, DatasetName, Digest, MemberId, Template, TemplateName,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An agreement in force, less everything that was withdrawn from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The agreement.
    pub agreement: Arc<Agreement>,
    /// Whether nobody closed the room.
    pub open: bool,
    /// Members who joined and have not left.
    pub members: BTreeSet<MemberId>,
    /// Datasets that nobody withdrew.
    pub datasets: BTreeSet<DatasetName>,
    /// Columns that were withdrawn.
    pub hidden: BTreeSet<(DatasetName, ColumnName)>,
    /// Templates that nobody withdrew, each with the owners whose approval of this version holds.
    pub approvals: BTreeMap<TemplateName, BTreeSet<MemberId>>,
}

impl Desired {
    /// Everything agreed, with everybody's approval.
    #[must_use]
    pub fn whole(agreement: Arc<Agreement>) -> Self {
        let members: BTreeSet<MemberId> = agreement.members.keys().cloned().collect();
        let datasets = agreement.datasets.keys().cloned().collect();
        let approvals =
            agreement.templates.keys().map(|name| (name.clone(), members.clone())).collect();
        Self { agreement, open: true, members, datasets, hidden: BTreeSet::new(), approvals }
    }

    /// Nothing at all.
    #[must_use]
    pub fn closed(agreement: Arc<Agreement>) -> Self {
        Self {
            agreement,
            open: false,
            members: BTreeSet::new(),
            datasets: BTreeSet::new(),
            hidden: BTreeSet::new(),
            approvals: BTreeMap::new(),
        }
    }

    /// Whether a dataset may be used: nobody closed the room, withdrew it, or is its owner and left.
    #[must_use]
    pub fn offers(&self, name: &DatasetName) -> bool {
        let owned = |dataset: &Dataset| self.members.contains(&dataset.owner);
        self.open
            && self.datasets.contains(name)
            && self.agreement.datasets.get(name).is_some_and(owned)
    }

    /// What a platform that knows datasets and template versions holds then, sorted.
    #[must_use]
    pub fn resources(&self) -> Vec<Resource> {
        let agreement = &self.agreement;
        let datasets = agreement.datasets.iter().filter(|(name, _)| self.offers(name));
        let templates = agreement
            .templates
            .iter()
            .filter(|(name, _)| self.open && self.approvals.contains_key(*name));
        let datasets = datasets.map(|(name, dataset)| Resource::dataset(name, dataset));
        let templates = templates.map(|(name, template)| Resource::template(name, template));
        let mut all: Vec<Resource> = datasets.chain(templates).collect();
        all.sort();
        all
    }
}

impl Resource {
    /// A dataset, with all that the agreement says of it.
    #[must_use]
    pub fn dataset(name: &DatasetName, dataset: &Dataset) -> Self {
        let terms = serde_json::json!({ "dataset": name, "terms": dataset });
        Self { kind: ResourceKind::Dataset(name.clone()), digest: Digest::of(&canonical(&terms)) }
    }

    /// A template's version.
    #[must_use]
    pub fn template(name: &TemplateName, template: &Template) -> Self {
        Self { kind: ResourceKind::Template(name.clone()), digest: template.digest(name) }
    }
}
