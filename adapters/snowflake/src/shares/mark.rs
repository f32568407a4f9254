//! What stands in the comment of a thing of ours: of which agreement it is. Tags would take a look of their own at each thing; a
//! comment stands in the list. Pure.

use mappings::model::{CollaborationId, ColumnName, Digest, TemplateName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mark {
    /// Of which collaboration.
    pub(crate) airlock: CollaborationId,
    /// Of a schema or a share: the agreement that it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) agreement: Option<Digest>,
    /// Of a view: what was agreed of its dataset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) terms: Option<Digest>,
    /// Of a view: the columns that were withdrawn.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) without: BTreeSet<ColumnName>,
    /// Of a runner's schema: the versions of the templates that run there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) templates: BTreeMap<TemplateName, Digest>,
}

impl Mark {
    /// A mark of this collaboration and nothing else.
    pub(crate) fn of(collaboration: &CollaborationId) -> Self {
        Self {
            airlock: collaboration.clone(),
            agreement: None,
            terms: None,
            without: BTreeSet::new(),
            templates: BTreeMap::new(),
        }
    }

    /// The mark of a comment, if it is one of this collaboration.
    pub(crate) fn read(comment: &str, collaboration: &CollaborationId) -> Option<Self> {
        let mark: Self = serde_json::from_str(comment).ok()?;
        (mark.airlock == *collaboration).then_some(mark)
    }

    /// The mark of a comment, of whichever collaboration.
    pub(crate) fn whose(comment: &str) -> Option<Self> {
        serde_json::from_str(comment).ok()
    }

    /// As it stands in a comment.
    pub(crate) fn text(&self) -> String {
        serde_json::to_value(self).map(|value| value.to_string()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_as_itself_and_as_nobody_elses() {
        let (one, two) = ("spring".parse().unwrap(), "autumn".parse().unwrap());
        let mark = Mark { terms: Some(Digest::of(b"x")), ..Mark::of(&one) };
        assert_eq!(Mark::read(&mark.text(), &one), Some(mark.clone()));
        assert_eq!(Mark::read(&mark.text(), &two), None);
        for comment in ["", "spring", "{}", "{\"airlock\":\"spring\",\"more\":1}", "null"] {
            assert_eq!(Mark::read(comment, &one), None, "{comment}");
        }
    }
}
