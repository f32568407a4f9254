//! What others made, as a dataset that is the shared thing itself: its filters, masks and policies stay where they are and hold for
//! whatever reads it, and what an agreement says is said beside them. Pure.

use super::kinds::{least, of_native, shows};
use super::{Draft, Object, Policy, Source, is_key, is_plain, is_shown, key, rule, usable};
use adapter_spi::Unexpressed;
use mappings::agreement::identifier;
use mappings::model::{Column, ColumnName, ColumnType, ColumnUse, Dataset, Hashed};
use std::collections::{BTreeMap, BTreeSet};

const ENTITIES_MIN_MAX: u64 = 1_000_000;
/// Policies that let views stand over what they are on, and go on holding.
const STAYING: [&str; 5] = ["AGGREGATION", "PROJECTION", "JOIN", "ROW_ACCESS", "MASKING"];

impl Draft<'_> {
    /// The dataset of a thing that others made.
    pub(super) fn foreign(&mut self, source: &Source<'_>) -> Option<Dataset> {
        let (object, place) = (source.object, source.object.at());
        if !object.path.iter().all(|name| is_plain(name)) {
            let why = "an agreement's place is three names of letters, digits, `_` and `$`";
            let change = "a view of a plain name over it, and a share of that";
            self.left_out("table-source", place, ("its name", why, change));
            return None;
        }
        if let Some(one) = object.policies.iter().find(|one| !STAYING.contains(&one.kind.as_str()))
        {
            let what = format!("{} policy", one.kind);
            let why = "under an agreement its data would be read without it, or not at all";
            let change = "a view without it, by its owner's own decision, and the import again";
            self.left_out("policy-narrower", place, (&what, why, change));
            return None;
        }
        let entity = self.entity(source)?;
        let columns = self.columns(source, &entity);
        let (entity, _) = columns.iter().find(|(_, column)| column.from == entity)?;
        let dataset = Dataset {
            owner: source.owner.clone(),
            at: self.place(&object.path),
            entity: entity.clone(),
            rule: rule(self.entities_min(source)),
            columns,
            consent: None,
            rows: Vec::new(),
        };
        self.stays(source);
        Some(dataset)
    }

    /// The column that says whose rows these are: as a policy or a join names it, else as it was said.
    fn entity(&mut self, source: &Source<'_>) -> Option<String> {
        let object = source.object;
        let of = |kind: &str| {
            object.policies.iter().find(|one| one.kind == kind).map(|one| one.takes.clone())
        };
        let offered = source.offered.as_ref().map(|all| {
            all.iter().filter(|(_, is_key)| **is_key).map(|(name, _)| name.clone()).collect()
        });
        let said = self.entities.get(&source.name).cloned().map(|one| vec![one]);
        let mut all =
            [of("AGGREGATION"), said, of("JOIN"), offered].into_iter().flatten().flatten();
        // What a mask makes of a key may be another for each row.
        let masked = |name: &String| {
            let on = |one: &Policy| one.kind == "MASKING" && one.column.as_ref() == Some(name);
            object.policies.iter().any(on)
        };
        let can_be = |name: &String| {
            let native = object.columns.iter().find(|(column, _)| column == name);
            let of = native.and_then(|(_, native)| of_native(native));
            is_shown(name)
                && !masked(name)
                && source.offered.as_ref().is_none_or(|all| all.contains_key(name))
                && of.is_some_and(is_key)
        };
        let found = all.find(can_be);
        if found.is_none() {
            let name = &source.name;
            let change = format!("--entity {name}=COLUMN, a whole number, a text or 32 bytes");
            let why = "thresholds of an agreement count entities";
            let what = "no column says whose rows these are";
            self.left_out("table-no-entity", object.at(), (what, why, &change));
        }
        found
    }

    fn entities_min(&mut self, source: &Source<'_>) -> u64 {
        let path = format!("datasets.{}.rule", source.name);
        let policy = source.object.policies.iter().find(|one| one.kind == "AGGREGATION");
        if let Some(known) = policy.and_then(least) {
            let several = policy.is_some_and(|one| one.takes.len() != 1);
            if several {
                let said = "the policy there counts rows or several columns; the entity alone is counted here, which is never less strict";
                self.remark(&path, said);
            }
            return known.clamp(1, ENTITIES_MIN_MAX);
        }
        let why = "nothing there names a smallest group plainly";
        self.chosen(&source.name, source.object.at(), why)
    }

    fn columns(&mut self, source: &Source<'_>, entity: &str) -> BTreeMap<ColumnName, Column> {
        let object = source.object;
        let by_policy = object.policies.iter().filter(|one| one.kind == "JOIN");
        let offered = source.offered.iter().flatten();
        let joins: BTreeSet<&String> = by_policy
            .flat_map(|one| &one.takes)
            .chain(offered.filter(|(_, is_key)| **is_key).map(|(name, _)| name))
            .collect();
        let (mut columns, mut taken) = (BTreeMap::new(), BTreeSet::new());
        let is_offered = |name: &String| {
            source.offered.as_ref().is_none_or(|offered| offered.contains_key(name))
        };
        for (from, native) in object.columns.iter().filter(|(name, _)| is_offered(name)) {
            let Some((of, name)) = self.column(source, (from, native), &mut taken) else {
                continue;
            };
            let column = if from == entity || (joins.contains(from) && is_key(of)) {
                let hashed = (of == ColumnType::Binary).then_some(Hashed::Sha256Bytes);
                let path = format!("datasets.{}.columns.{name}", source.name);
                let said = "compared as it is; if these are hashes already, say `hashed:`";
                self.remark(&path, said);
                key(name.as_str(), from, (of, hashed))
            } else {
                let r#use = if hides(object, from) { ColumnUse::Filter } else { usable(of) };
                Some(Column { from: from.clone(), r#type: of, r#use, activate: false })
            };
            columns.extend(column.map(|column| (name, column)));
        }
        let said = "nothing there says what columns may be used for: numbers are measures, others dimensions, what no result may show is for filters";
        self.remark(&format!("datasets.{}.columns", source.name), said);
        columns
    }

    /// A column's type and name, if an agreement can say both.
    fn column(
        &mut self,
        source: &Source<'_>,
        (from, native): (&String, &String),
        taken: &mut BTreeSet<String>,
    ) -> Option<(ColumnType, ColumnName)> {
        let left = |code, what: String, why: &str, change: &str| Unexpressed {
            code,
            at: format!("{}, column {from}", source.object.at()),
            what,
            why: format!("{why}; the column is left out"),
            change: change.to_owned(),
            wider: true,
        };
        if !is_shown(from) {
            let why = "an agreement can't hold it";
            self.unsaid(left("column-name", "its name".to_owned(), why, "another name, in a view"));
            return None;
        }
        let Some(of) = of_native(native) else {
            // A type may have a collation behind it, which is free text.
            let bare = native.split(['(', ' ']).next().unwrap_or_default().to_owned();
            let change =
                "a view with the column as text without a collation, number, date or TIMESTAMP_NTZ";
            self.unsaid(left("column-type", bare, "agreements have no such type", change));
            return None;
        };
        let spelled = from.to_ascii_lowercase();
        Some((of, identifier(&spelled, '_', ColumnName::new, taken)?))
    }

    /// What stays on the thing and is in no agreement.
    fn stays(&mut self, source: &Source<'_>) {
        let object = source.object;
        for policy in &object.policies {
            let on = policy.column.as_ref().map_or_else(String::new, |one| format!(" on {one}"));
            let known = match policy.kind.as_str() {
                "AGGREGATION" => least(policy).is_some() && policy.takes.len() == 1,
                "PROJECTION" => shows(policy),
                _ => false,
            };
            if known {
                continue;
            }
            self.unsaid(Unexpressed {
                code: "policy-stays",
                at: object.at(),
                what: format!("{} policy {}{on}", policy.kind, policy.path.join(".")),
                why: "agreements have no word for it; it goes on holding where it is, also for Airlock's own view".to_owned(),
                change: "nothing, as long as its owner keeps it".to_owned(),
                wider: false,
            });
        }
        if object.is_view {
            let said = "a view of its owner's: what rows it leaves out and how it is put together stays in it";
            self.remark(&format!("datasets.{}.at", source.name), said);
        }
    }
}

/// Whether no result may show a column.
fn hides(object: &Object, column: &str) -> bool {
    let on = |one: &&Policy| one.kind == "PROJECTION" && one.column.as_deref() == Some(column);
    object.policies.iter().filter(on).any(|one| !shows(one))
}
