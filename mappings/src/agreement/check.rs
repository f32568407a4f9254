//! What a decoded agreement must be as a whole: names that refer, abilities, residency, destinations apart from sources.
//!
//! Runs on whatever could be decoded, so a name counts as declared even where its own declaration was refused.

use super::cursor::{Cx, Place};
use super::diagnostic::suggestion;
use super::location::{Spot, native_spot};
use crate::guard::part;
use crate::model::{
    Ability, Agreement, ColumnUse, Dataset, DatasetName, MemberId, PlatformId, Room, Template,
};
use std::collections::{BTreeMap, BTreeSet};

/// Checks the whole.
pub(super) fn agreement(cx: &mut Cx, root: &Place<'_>, agreement: &Agreement) {
    let members = root.seek("members").names();
    let mut checks = Checks { cx, root, agreement, members };
    checks.rooms();
    for (name, dataset) in &agreement.datasets {
        checks.dataset(name, dataset);
    }
    for (name, template) in &agreement.templates {
        checks.template(&format!("templates.{name}"), template);
    }
    checks.owners_apart();
    checks.destinations();
}

struct Checks<'c, 'a> {
    cx: &'c mut Cx,
    root: &'c Place<'a>,
    agreement: &'c Agreement,
    members: BTreeSet<&'a str>,
}

impl Checks<'_, '_> {
    fn refuse(
        &mut self,
        path: &str,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.cx.refuse(&self.root.seek(path), code, message, help);
    }

    /// Whether a name is a member's.
    fn member(&mut self, path: &str, id: &MemberId) -> bool {
        let known = self.members.contains(id.as_str());
        if !known {
            let names: Vec<_> = self.members.iter().copied().collect();
            let help = suggestion(id.as_str(), &names);
            self.refuse(path, "unknown-reference", format!("`{id}` is not a member"), help);
        }
        known
    }

    /// Whether a member that was read lacks an ability.
    fn lacks(&self, id: &MemberId, ability: Ability) -> bool {
        self.agreement.members.get(id).is_some_and(|m| !m.abilities.contains(&ability))
    }

    fn rooms(&mut self) {
        let agreement = self.agreement;
        if agreement.members.is_empty() && self.members.is_empty() {
            self.refuse("members", "no-member", "nobody takes part", "name at least one member");
        }
        if self.root.seek("rooms").is_empty_list() {
            self.refuse(
                "rooms",
                "no-room",
                "this collaboration is held nowhere",
                "rooms: [native]",
            );
        }
        for (index, room) in written(self.root, &agreement.rooms) {
            if !agreement.residency.is_empty() {
                self.residency(&format!("rooms.{index}"), room);
            }
        }
    }

    fn residency(&mut self, path: &str, room: &Room) {
        let local = room.platform == PlatformId::native();
        let region = room.region.as_ref().map(ToString::to_string);
        let Some(region) = region.or_else(|| local.then(|| "local".to_owned())) else {
            let message = format!(
                "residency is limited, and this room on `{}` does not say where it is",
                room.platform
            );
            self.refuse(path, "residency", message, "add `region:`");
            return;
        };
        if !self.agreement.residency.iter().any(|r| r.as_str() == region) {
            let message = format!("`{region}` is not among the regions of `residency`");
            self.refuse(path, "residency", message, "leave this room out, or agree on its region");
        }
    }

    fn dataset(&mut self, name: &DatasetName, dataset: &Dataset) {
        let path = format!("datasets.{name}");
        let owner = format!("{path}.owner");
        if self.member(&owner, &dataset.owner) && self.lacks(&dataset.owner, Ability::Contribute) {
            let message =
                format!("`{}` owns this dataset without the ability to contribute", dataset.owner);
            let help = format!("add contribute to members.{}.abilities", dataset.owner);
            self.refuse(&owner, "owner-cannot-contribute", message, help);
        }
        self.places(&path, dataset);
        self.entity(&path, dataset);
        self.keys_alone(&path, dataset);
        let named = dataset.rule.receivers.iter().flatten();
        for (index, id) in self.indexed(&format!("{path}.rule.receivers"), named) {
            self.member(&format!("{path}.rule.receivers.{index}"), id);
        }
        if let Some(activation) = &dataset.rule.activation {
            self.activation(&format!("{path}.rule.activation.to"), dataset, &activation.to);
        }
    }

    fn activation(&mut self, path: &str, dataset: &Dataset, to: &BTreeSet<MemberId>) {
        for (index, id) in self.indexed(path, to.iter()) {
            let at = format!("{path}.{index}");
            if !self.member(&at, id) {
                continue;
            }
            let narrower = dataset.rule.receivers.as_ref().is_some_and(|r| !r.contains(id));
            if narrower {
                let message =
                    format!("`{id}` may receive rows but is not among this rule's receivers");
                self.refuse(
                    &at,
                    "activation-to",
                    message,
                    "add it to `receivers`, or take it out here",
                );
            } else if self.lacks(id, Ability::Receive) {
                let message = format!("`{id}` may receive rows without the ability to receive");
                self.refuse(
                    &at,
                    "activation-to",
                    message,
                    format!("add receive to members.{id}.abilities"),
                );
            }
        }
    }

    fn places(&mut self, path: &str, dataset: &Dataset) {
        if self.root.seek(&format!("{path}.at")).names().is_empty() {
            self.refuse(
                &format!("{path}.at"),
                "no-location",
                "this dataset lies nowhere",
                "at: { native: file:///… }",
            );
        }
        for platform in dataset.at.keys() {
            if !self.agreement.is_held_in(platform) {
                let message = format!("no room of this collaboration is on `{platform}`");
                self.refuse(
                    &format!("{path}.at.{platform}"),
                    "no-room",
                    message,
                    "add it to `rooms`, or remove this place",
                );
            }
        }
    }

    /// A raw key stands under no other name, and no other column under a key's.
    fn keys_alone(&mut self, path: &str, dataset: &Dataset) {
        let mut keys: BTreeSet<&str> = BTreeSet::new();
        let mut parts: BTreeSet<String> = BTreeSet::new();
        for (column, declared) in &dataset.columns {
            let ColumnUse::Match { keys: all } = &declared.r#use else { continue };
            keys.extend(all.iter().map(|key| key.from.as_str()));
            parts.extend(all.iter().map(|key| part(column, key)));
        }
        for (column, declared) in &dataset.columns {
            let at = format!("{path}.columns.{column}");
            if parts.contains(column.as_str()) {
                let message =
                    format!("`{column}` is what a match key is called inside guarded texts");
                self.refuse(&at, "name-reserved", message, "another name");
            }
            let shown = !matches!(declared.r#use, ColumnUse::Match { .. });
            if shown && keys.contains(declared.from.as_str()) {
                let message = format!("`{column}` is the raw identifier of a match key");
                let help = "leave it out: a match key is matched and counted, and never shown";
                self.refuse(&at, "match-key-shown", message, help);
            }
        }
    }

    fn entity(&mut self, path: &str, dataset: &Dataset) {
        // A column that was refused itself is in the text but not here.
        let Some(column) = dataset.columns.get(&dataset.entity) else {
            return;
        };
        match &column.r#use {
            ColumnUse::Match { .. } => {}
            ColumnUse::Dimension | ColumnUse::Measure { .. } | ColumnUse::Filter => {
                let message = format!(
                    "`{}` names the privacy unit but is not a match column",
                    dataset.entity
                );
                let help = format!("use: match for `{}`, or name a match column", dataset.entity);
                self.refuse(&format!("{path}.entity"), "entity-not-match", message, help);
            }
        }
    }

    fn template(&mut self, path: &str, template: &Template) {
        for (index, id) in self.indexed(&format!("{path}.run_by"), template.run_by.iter()) {
            let at = format!("{path}.run_by.{index}");
            if self.member(&at, id) && self.lacks(id, Ability::Run) {
                let message = format!("`{id}` is to run this without the ability to run");
                self.refuse(
                    &at,
                    "runner-cannot-run",
                    message,
                    format!("add run to members.{id}.abilities"),
                );
            }
        }
        for (index, id) in self.indexed(&format!("{path}.received_by"), template.received_by.iter())
        {
            let at = format!("{path}.received_by.{index}");
            if !self.member(&at, id) {
                continue;
            }
            if self.lacks(id, Ability::Receive) {
                let message = format!("`{id}` is to receive this without the ability to receive");
                self.refuse(
                    &at,
                    "receiver-cannot-receive",
                    message,
                    format!("add receive to members.{id}.abilities"),
                );
            }
            if !self.root.seek("destinations").names().contains(id.as_str()) {
                let message = format!("`{id}` is to receive this and has no destination");
                self.refuse(&at, "destination-missing", message, format!("add destinations.{id}"));
            }
        }
    }

    /// Two members' datasets never lie in each other: the second one's rule would undo the first one's.
    fn owners_apart(&mut self) {
        let agreement = self.agreement;
        let mut earlier: Vec<(&DatasetName, &MemberId, Spot)> = Vec::new();
        for (name, dataset) in &agreement.datasets {
            let Some(spot) = dataset.at.get(&PlatformId::native()).and_then(native_spot) else {
                continue;
            };
            let other = earlier
                .iter()
                .find(|(_, owner, known)| **owner != dataset.owner && known.touches(&spot));
            if let Some((other, owner, _)) = other {
                let message = format!("this is where `{other}` of `{owner}` lies");
                let help = "each owner's data in a place of its own";
                self.refuse(
                    &format!("datasets.{name}.at.native"),
                    "place-of-another",
                    message,
                    help,
                );
            }
            earlier.push((name, &dataset.owner, spot));
        }
    }

    fn destinations(&mut self) {
        let agreement = self.agreement;
        let mut earlier: BTreeMap<&MemberId, Spot> = BTreeMap::new();
        for (id, text) in &agreement.destinations {
            let path = format!("destinations.{id}");
            self.member(&path, id);
            let Some(spot) = Spot::destination(text) else {
                let help = "a file:// or s3:// URL or a path, without wildcards or `..`";
                self.refuse(&path, "destination-scheme", "results can't go to this place", help);
                continue;
            };
            for (name, dataset) in &agreement.datasets {
                let sources = dataset.at.iter().filter(|(p, _)| **p == PlatformId::native());
                if sources.filter_map(|(_, l)| native_spot(l)).any(|source| source.touches(&spot)) {
                    let message = format!("results would go where dataset `{name}` lies");
                    self.refuse(
                        &path,
                        "destination-is-source",
                        message,
                        "choose a place apart from every dataset",
                    );
                }
            }
            if let Some(other) = earlier.iter().find(|(_, s)| s.touches(&spot)).map(|(id, _)| *id) {
                let message = format!(
                    "`{other}` has this destination too, or one that holds or is held by it"
                );
                self.refuse(
                    &path,
                    "destination-shared",
                    message,
                    "give each receiver a place of its own",
                );
            }
            earlier.insert(id, spot);
        }
    }

    /// Members with their numbers in the list as it is written.
    fn indexed<'m>(
        &self,
        path: &str,
        ids: impl Iterator<Item = &'m MemberId>,
    ) -> Vec<(usize, &'m MemberId)> {
        let written = self.root.seek(path).texts();
        ids.map(|id| (written.iter().position(|t| *t == id.as_str()).unwrap_or_default(), id))
            .collect()
    }
}

/// Rooms with their numbers in the list as it is written; where some were refused, numbers may name an earlier one.
fn written<'m>(root: &Place<'_>, rooms: &'m [Room]) -> Vec<(usize, &'m Room)> {
    let names = root.seek("rooms").room_names();
    let mut used = BTreeSet::new();
    let mut number = |room: &Room| {
        let mut found = names
            .iter()
            .enumerate()
            .filter(|(i, name)| **name == room.platform.as_str() && !used.contains(i));
        let index = found.next().map_or(0, |(i, _)| i);
        used.insert(index);
        index
    };
    rooms.iter().map(|room| (number(room), room)).collect()
}
