//! What a platform holds, as an agreement, and what no agreement can say of it.

use mappings::agreement::Remarks;
use mappings::model::{Agreement, CollaborationId, Limits, MemberId};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Something that is on the platform and not in the agreement, or that was not seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unexpressed {
    /// Stable code.
    pub code: &'static str,
    /// On what: a noun of the platform's and a name, or a member.
    pub at: String,
    /// What is there, or was not seen. Names and codes, never a value.
    pub what: String,
    /// Why the agreement does not say it.
    pub why: String,
    /// What would do.
    pub change: String,
    /// Whether the platform lets more happen by it than the agreement would.
    pub wider: bool,
}

impl Unexpressed {
    /// The same with names as far as they can be shown: on a platform they may hold anything.
    #[must_use]
    pub fn shown(self) -> Self {
        let (at, what) = (shown(&self.at), shown(&self.what));
        Self { at, what, ..self }
    }
}

fn shown(text: &str) -> String {
    let plain = |c: char| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric();
    text.chars().take(300).map(|c| if plain(c) { c } else { '?' }).collect()
}

/// An agreement that says nothing yet.
#[must_use]
pub fn blank(collaboration: CollaborationId) -> Agreement {
    Agreement {
        agreement: "v1".to_owned(),
        collaboration,
        description: String::new(),
        residency: Vec::new(),
        members: BTreeMap::new(),
        rooms: Vec::new(),
        datasets: BTreeMap::new(),
        templates: BTreeMap::new(),
        limits: Limits::default(),
        destinations: BTreeMap::new(),
    }
}

/// A remark above a field, once.
pub fn remarked(remarks: &mut Remarks, path: &str, remark: String) {
    let all = remarks.entry(path.to_owned()).or_default();
    if !all.contains(&remark) {
        all.push(remark);
    }
}

/// A place for whoever receives by a template: as it was said, else one that has to be looked at.
pub fn delivered(
    agreement: &mut Agreement,
    remarks: &mut Remarks,
    said: &BTreeMap<MemberId, String>,
) {
    let receivers: BTreeSet<MemberId> =
        agreement.templates.values().flat_map(|one| one.received_by.clone()).collect();
    for member in receivers {
        let place = said.get(&member).cloned();
        if place.is_none() {
            let remark =
                "chosen: the platform does not say it; where this member's results are delivered";
            remarked(remarks, &format!("destinations.{member}"), remark.to_owned());
        }
        let place = place.unwrap_or_else(|| format!("results/{member}"));
        agreement.destinations.insert(member, place);
    }
}

/// An agreement that describes what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What could be said.
    pub agreement: Agreement,
    /// Choices that were made, each above the field that it is about.
    pub remarks: Remarks,
    /// What could not, sorted.
    pub unexpressed: Vec<Unexpressed>,
    /// What is there is Airlock's already, and what the agreement takes has the same names: nothing is made anew.
    pub is_own: bool,
}
