//! Datasets of Airlock's own views: what their statements say, once the same statements come out again. Pure.

use super::kinds::of_native;
use super::{Draft, Own, Source, is_plain, is_shown, key, rule, usable};
use mappings::heard::{self, KeyForm, Scan, Within, hear_view};
use mappings::model::{Column, ColumnName, ColumnType, ColumnUse, Dataset, Hashed, RowFilter};
use mappings::snowflake::view;
use std::collections::BTreeMap;

impl Draft<'_> {
    /// A dataset as Airlock's own view says it.
    pub(super) fn heard(&mut self, source: &Source<'_>, own: &Own<'_>) -> Option<Dataset> {
        let at = source.object.at();
        let change = "the agreement that it was made by, from its file or log";
        let (table, scan) = match hear_view(own.query) {
            Ok(heard) => heard,
            Err(unheard) => {
                self.left_out("view-unheard", at, ("its statement", &unheard.message, change));
                return None;
            }
        };
        let named = |scan: &Scan| {
            let of = scan.columns.values().map(|source| match source {
                heard::Source::Column(from, _) | heard::Source::Key(from, _) => from,
            });
            of.chain(scan.rows.iter().map(|(from, ..)| from)).all(|name| is_shown(name))
        };
        if !table.iter().all(|name| is_plain(name)) || !named(&scan) {
            let why = "an agreement can't hold names of its table or of its columns";
            self.left_out("table-source", at, ("its names", why, change));
            return None;
        }
        let physical = self.tables.get(&table).cloned().unwrap_or_default();
        let columns = columns(&scan, &physical);
        let entity = own.guarded.as_ref().and_then(|(key, _)| ColumnName::new(key).ok());
        let is_key = |name: &&ColumnName| {
            matches!(columns.get(*name).map(|one| &one.r#use), Some(ColumnUse::Match { .. }))
        };
        let entity = entity.or_else(|| columns.keys().find(is_key).cloned());
        let Some(entity) = entity.filter(|name| is_key(&name)) else {
            let why = "no key of it says whose rows these are";
            self.left_out("table-no-entity", at, ("its keys", why, change));
            return None;
        };
        let dataset = Dataset {
            owner: source.owner.clone(),
            at: self.place(&table),
            entity,
            columns,
            rule: rule(own.guarded.as_ref().map_or(own.otherwise, |(_, least)| *least)),
            consent: None,
            rows: rows(scan.rows),
        };
        let parts: Vec<&str> = table.iter().map(String::as_str).collect();
        if view(&source.name, &dataset, &parts).ok().as_deref() != Some(own.query) {
            let why = "what is read from it would be written otherwise";
            self.left_out("view-differs", at, ("its statement", why, change));
            return None;
        }
        let path = format!("datasets.{}", source.name);
        if !dataset.rows.is_empty() {
            let said = "a consent column is a row filter like any other there; say `consent:` where one is";
            self.remark(&format!("{path}.rows"), said);
        }
        let said = "the view does not say what columns may be used for: numbers are measures, others dimensions; keys of one name are of one kind";
        self.remark(&format!("{path}.columns"), said);
        if own.guarded.is_none() && own.otherwise > 1 {
            let said =
                "chosen: thresholds stand in the texts of templates there; 100 is Airlock's own";
            self.remark(&format!("{path}.rule"), said);
        }
        Some(dataset)
    }
}

fn rows(all: Vec<(String, ColumnType, Within)>) -> Vec<RowFilter> {
    let filter = |(from, of, within): (String, ColumnType, Within)| RowFilter {
        from,
        r#type: of,
        any_of: within.any_of,
        min: within.min,
        max: within.max,
    };
    all.into_iter().map(filter).collect()
}

/// The columns of a view, those that aren't keys as narrow as an agreement that shows them can be.
fn columns(scan: &Scan, physical: &BTreeMap<String, String>) -> BTreeMap<ColumnName, Column> {
    let mut columns = BTreeMap::new();
    for (name, source) in &scan.columns {
        let Ok(id) = ColumnName::new(name) else { continue };
        let column = match source {
            heard::Source::Column(from, of) => {
                Column { from: from.clone(), r#type: *of, r#use: usable(*of), activate: false }
            }
            heard::Source::Key(from, form) => {
                let there = physical.get(from).and_then(|native| of_native(native));
                let (of, hashed) = match form {
                    KeyForm::Hex => (ColumnType::Utf8, Some(Hashed::Sha256Hex)),
                    KeyForm::Bytes => (ColumnType::Binary, Some(Hashed::Sha256Bytes)),
                    KeyForm::Raw => (there.unwrap_or(ColumnType::Utf8), None),
                };
                let Some(column) = key(name, from, (of, hashed)) else { continue };
                column
            }
        };
        columns.insert(id, column);
    }
    columns
}
