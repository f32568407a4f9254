//! Datasets of Airlock's own views: what their statements say, once the same statements come out again. Pure.

use super::kinds::of_native;
use super::look::path;
use super::templates::MADE_BY;
use super::{Draft, Own, Source, is_plain, is_shown, key, rule, usable};
use adapter_spi::Unexpressed;
use mappings::heard::{self, KeyForm, Scan, Within, hear_view};
use mappings::model::{
    Column, ColumnName, ColumnType, ColumnUse, Dataset, DatasetName, Hashed, Location, MemberId,
    PlatformId, RowFilter,
};
use mappings::snowflake::view;
use std::collections::{BTreeMap, BTreeSet};

impl Draft<'_> {
    /// A dataset as Airlock's own view says it.
    pub(super) fn heard(&mut self, source: &Source<'_>, own: &Own<'_>) -> Option<Dataset> {
        let at = source.object.at();
        if let Some(told) = &own.told {
            return self.told(source, told);
        }
        let change = MADE_BY;
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
        let least = own.guarded.as_ref().map(|(_, least)| *least).or(own.otherwise);
        let mut dataset = Dataset {
            owner: source.owner.clone(),
            at: self.place(&table),
            entity,
            columns,
            rule: rule(least.unwrap_or(1)),
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
        if least.is_none() {
            let why = "thresholds stand in the texts of templates there, which are not read back";
            dataset.rule = rule(self.chosen(&source.name, source.object.at(), why));
        }
        self.unheard(source);
        Some(dataset)
    }

    fn unheard(&mut self, source: &Source<'_>) {
        self.unsaid(Unexpressed {
            code: "terms-missing",
            at: source.object.at(),
            what: "what its columns may be used for, and who may receive".to_owned(),
            why: "what lies beside the view does not hold them: an earlier version made it, they were too long, or the view is not what they say".to_owned(),
            change: MADE_BY.to_owned(),
            wider: false,
        });
    }

    /// A dataset whose terms lie beside its view.
    fn told(&mut self, source: &Source<'_>, told: &Dataset) -> Option<Dataset> {
        let rule = &told.rule;
        let to = rule.receivers.iter().flatten();
        let to = to.chain(rule.activation.iter().flat_map(|one| &one.to));
        let all: Vec<&MemberId> = to.chain([&told.owner]).collect();
        if told.owner != source.owner || !self.are_members(all) {
            self.strangers(source.object.at());
            return None;
        }
        Some(told.clone())
    }
}

/// A dataset of these terms where a view reads it, less what was withdrawn of it; none where the view would be written otherwise.
pub(crate) fn placed(
    platform: &PlatformId,
    name: &DatasetName,
    (terms, without): (&Dataset, &BTreeSet<ColumnName>),
    query: &str,
) -> Option<Dataset> {
    let mut left = terms.clone();
    left.columns.retain(|column, _| !without.contains(column));
    let mut tables = query.split("FROM ").skip(1).filter_map(|rest| path(first(rest)));
    let table = tables.find(|table| {
        let parts: Vec<&str> = table.iter().map(String::as_str).collect();
        table.len() == 3
            && parts.iter().all(|part| is_plain(part))
            && view(name, &left, &parts).ok().as_deref() == Some(query)
    })?;
    let at = [(platform.clone(), Location::Name(table.join(".")))].into();
    Some(Dataset { at, ..terms.clone() })
}

/// What stands before the first blank outside of quotation marks.
fn first(text: &str) -> &str {
    let mut quoted = false;
    let end = text.find(|sign: char| {
        quoted ^= sign == '"';
        sign.is_whitespace() && !quoted
    });
    end.and_then(|end| text.get(..end)).unwrap_or(text)
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
