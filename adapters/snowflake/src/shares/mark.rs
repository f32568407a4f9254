//! What stands in the comment of a thing of ours: of which agreement it is. Tags would take a look of their own at each thing; a
//! comment stands in the list. Pure.
//!
//! What an import needs and no statement says stands there too: a dataset's terms and the texts of templates, as the agreement has
//! them. Whoever reads a share reads its view's comment: where data lies is not in it.

use crate::entry::terms;
use mappings::model::{CollaborationId, ColumnName, Dataset, Digest, Template, TemplateName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The longest mark, in bytes: no page of the platform says how long a comment may be. What would be longer holds digests alone.
const TEXT_BYTES_MAX: usize = 8 << 10;

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
    /// Of a view: its dataset's terms, whole, where there is room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dataset: Option<Box<Dataset>>,
    /// Of a runner's schema: these templates, whole, as far as there is room.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) texts: BTreeMap<TemplateName, Template>,
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
            dataset: None,
            texts: BTreeMap::new(),
        }
    }

    /// Its text with a dataset's terms, where there is room; else without them.
    pub(crate) fn telling(&self, dataset: &Dataset) -> String {
        let told = Self { dataset: Some(Box::new(terms(dataset))), ..self.clone() }.text();
        if told.len() <= TEXT_BYTES_MAX { told } else { self.text() }
    }

    /// The same for this list of templates, with those of the texts that are in it, as many as there is room for.
    pub(crate) fn listing(
        &self,
        templates: &BTreeMap<TemplateName, Digest>,
        texts: &BTreeMap<TemplateName, Template>,
    ) -> Self {
        let (templates, none) = (templates.clone(), BTreeMap::new());
        let mut mark = Self { templates, texts: none, ..self.clone() };
        let mut length = mark.text().len();
        for (name, text) in texts.iter().filter(|(name, _)| mark.templates.contains_key(*name)) {
            let entry = serde_json::json!({ name.as_str(): text }).to_string().len();
            if length + entry + "\"texts\":{},".len() <= TEXT_BYTES_MAX {
                length += entry;
                mark.texts.insert(name.clone(), text.clone());
            }
        }
        mark
    }

    /// The same without what only an import needs.
    pub(crate) fn without_terms(self) -> Self {
        Self { dataset: None, ..self }
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

/// What the comment of a thing under a name of ours says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Comment {
    /// It is a mark of this collaboration.
    Mark(Box<Mark>),
    /// It is a mark that this version can't read, of another version or changed by hand. What it says is unknown; that it says
    /// nothing is not said.
    Unread,
    /// It is no mark, or another collaboration's.
    Other,
}

/// The key that the marks of all versions have: whose they are stands behind it.
const KEY: &str = "\"airlock\"";

/// Whether a comment is a mark that somebody changed, or a later version wrote. What only speaks of this product is anybody's.
fn is_mark(comment: &str) -> bool {
    comment.trim_start().starts_with('{') && comment.to_ascii_lowercase().contains(KEY)
}

impl Comment {
    /// What a comment says for this collaboration.
    pub(crate) fn read(comment: &str, collaboration: &CollaborationId) -> Self {
        match Mark::whose(comment) {
            Some(mark) if mark.airlock == *collaboration => Self::Mark(Box::new(mark)),
            None if is_mark(comment) => Self::Unread,
            Some(_) | None => Self::Other,
        }
    }

    /// The same without what only an import needs.
    pub(crate) fn without_terms(self) -> Self {
        match self {
            Self::Mark(mark) => mark.without_terms().into(),
            Self::Unread | Self::Other => self,
        }
    }

    /// The mark, where it can be read.
    pub(crate) fn mark(&self) -> Option<&Mark> {
        match self {
            Self::Mark(mark) => Some(mark),
            Self::Unread | Self::Other => None,
        }
    }

    /// Whether a gateway made the thing, as far as its comment tells: what takes away takes it.
    pub(crate) fn is_ours(&self) -> bool {
        *self != Self::Other
    }
}

impl From<Mark> for Comment {
    fn from(mark: Mark) -> Self {
        Self::Mark(Box::new(mark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mappings::model::{Agreement, PlatformId};

    #[test]
    fn a_mark_reads_as_itself_and_as_nobody_elses() {
        let (one, two) = ("spring".parse().unwrap(), "autumn".parse().unwrap());
        let mark = Mark { terms: Some(Digest::of(b"x")), ..Mark::of(&one) };
        assert_eq!(Comment::read(&mark.text(), &one), mark.clone().into());
        assert_eq!(Comment::read(&mark.text(), &two), Comment::Other);
        for comment in
            ["", "spring", "mine", "{}", "null", "for the Airlock audit", "airlock/0 spring"]
        {
            assert_eq!(Comment::read(comment, &one), Comment::Other, "{comment}");
        }
        let text = mark.text();
        let newer = text.replacen('{', "{\"format\":2,", 1);
        let cut = text.get(..text.len() - 3).unwrap();
        for comment in [&newer, cut, &text.replace("airlock", "Airlock"), " {\"airlock\": 7}"] {
            assert_eq!(Comment::read(comment, &one), Comment::Unread, "{comment}");
        }
    }

    #[test]
    fn what_has_no_room_is_left_to_its_digest() {
        let document = adapter_spi::suite::agreement(&PlatformId::snowflake(), "spring", 1);
        let agreement: Agreement = serde_json::from_value(document).unwrap();
        let mark = Mark::of(&agreement.collaboration);
        let dataset = &agreement.datasets[&"orders".parse().unwrap()];
        let text = mark.telling(dataset);
        let told = Mark::whose(&text).unwrap();
        let held = told.dataset.as_deref().unwrap();
        assert_eq!((held.at.len(), &held.columns), (0, &dataset.columns));
        assert!(!text.contains("SUITE"), "{text}");
        assert_eq!((told.text(), Mark { dataset: None, ..told }), (text, mark.clone()));
        let mut long = dataset.clone();
        let column = long.columns.values().next().unwrap().clone();
        for n in 0..200 {
            long.columns.insert(format!("c{n}").parse().unwrap(), column.clone());
        }
        assert_eq!(mark.telling(&long), mark.text());
        let (_, template) = agreement.templates.first_key_value().unwrap();
        let texts: BTreeMap<TemplateName, Template> =
            (0..99).map(|n| (format!("t{n}").parse().unwrap(), template.clone())).collect();
        let listed = texts.iter().map(|(name, one)| (name.clone(), one.digest(name))).collect();
        let full = mark.listing(&listed, &texts);
        assert!(full.text().len() <= TEXT_BYTES_MAX && full.templates == listed);
        assert!(!full.texts.is_empty() && full.texts.len() < texts.len());
        let one = [listed.first_key_value().unwrap()].map(|(name, digest)| (name.clone(), *digest));
        assert_eq!(full.listing(&one.into(), &texts).texts.len(), 1);
    }
}
