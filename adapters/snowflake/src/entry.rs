//! How a dataset enters: the view that its owner makes, over a physical table whose columns are of the declared types. Both rooms
//! make it. Pure.

use crate::side_by_side;
use adapter_spi::{Desired, Resource};
use mappings::model::{
    Agreement, ColumnType, ColumnUse, Dataset, DatasetName, Digest, Location, PlatformId,
};
use mappings::snowflake::{columns, view};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The query of the view by which a dataset enters. Made here alone, by the closed lists of `mappings`; a step carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct View {
    query: String,
    columns: Vec<String>,
}

impl View {
    /// Its text.
    pub(crate) fn query(&self) -> &str {
        &self.query
    }

    /// Its columns, in order.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }
}

/// A table's database, schema and name, spelled as the platform spells them.
pub(crate) type Table = [String; 3];

/// The table of a dataset on a platform.
pub(crate) fn table(platform: &PlatformId, dataset: &Dataset) -> Option<Table> {
    match dataset.at.get(platform)? {
        Location::Name(name) => {
            let parts: Vec<String> = name.split('.').map(str::to_owned).collect();
            parts.try_into().ok()
        }
        Location::Glue { .. } => None,
    }
}

/// The terms of a dataset: everything that was agreed of it but where it lies.
pub(crate) fn terms(dataset: &Dataset) -> Dataset {
    Dataset { at: BTreeMap::new(), ..dataset.clone() }
}

/// The version of a dataset that one room holds: where it lies in others is no matter of that room's.
pub(crate) fn version(platform: &PlatformId, name: &DatasetName, dataset: &Dataset) -> Digest {
    let at = dataset.at.iter().filter(|(room, _)| *room == platform);
    let at = at.map(|(room, place)| (room.clone(), place.clone())).collect();
    Resource::dataset(name, &Dataset { at, ..dataset.clone() }).digest
}

/// A dataset without the columns that were withdrawn; none of one whose entity was.
pub(crate) fn left(desired: &Desired, name: &DatasetName) -> Option<Dataset> {
    let mut left = desired.agreement.datasets.get(name)?.clone();
    left.columns.retain(|column, _| !desired.hidden.contains(&(name.clone(), column.clone())));
    left.columns.contains_key(&left.entity).then_some(left)
}

/// The view of a dataset on a platform; none of one that has no table there, or no words.
pub(crate) fn entry(platform: &PlatformId, name: &DatasetName, dataset: &Dataset) -> Option<View> {
    let table = table(platform, dataset)?;
    let parts: Vec<&str> = table.iter().map(String::as_str).collect();
    let query = view(name, dataset, &parts).ok()?;
    Some(View { query, columns: columns(dataset).into_keys().collect() })
}

/// The whole views of an agreement's datasets on a platform, by name.
pub(crate) fn views<'a>(
    platform: &PlatformId,
    agreement: &'a Agreement,
) -> BTreeMap<&'a DatasetName, View> {
    let all: Vec<_> = agreement.datasets.iter().collect();
    let made = side_by_side::each(&all, |&(name, dataset)| {
        entry(platform, name, dataset).map(|view| (name, view))
    });
    made.into_iter().flatten().collect()
}

/// The physical columns that a view reads, with their declared types; none of one that is declared twice, differently.
fn physical(dataset: &Dataset) -> BTreeMap<&str, Option<ColumnType>> {
    let columns = dataset.columns.values().flat_map(|column| match &column.r#use {
        ColumnUse::Match { keys } => {
            keys.iter().map(|key| (key.from.as_str(), key.r#type)).collect::<Vec<_>>()
        }
        ColumnUse::Dimension | ColumnUse::Measure { .. } | ColumnUse::Filter => {
            vec![(column.from.as_str(), column.r#type)]
        }
    });
    let consent = dataset.consent.iter().map(|one| (one.from.as_str(), one.r#type));
    let rows = dataset.rows.iter().map(|one| (one.from.as_str(), one.r#type));
    let mut all: BTreeMap<&str, Option<ColumnType>> = BTreeMap::new();
    for (from, of) in columns.chain(consent).chain(rows) {
        let known = all.entry(from).or_insert(Some(of));
        if *known != Some(of) {
            *known = None;
        }
    }
    all
}

/// The physical columns that are not as declared, given the types that the platform says, each with what would pass.
pub(crate) fn misfits(
    dataset: &Dataset,
    found: &BTreeMap<String, String>,
) -> Vec<(String, &'static str)> {
    let wrong = physical(dataset).into_iter().filter_map(|(from, of)| {
        let Some(of) = of else { return Some((from.to_owned(), "one type for one column")) };
        let native = found.get(from).map(String::as_str);
        (!native.is_some_and(|native| fits(native, of))).then(|| (from.to_owned(), wants(of)))
    });
    wrong.collect()
}

/// A declared type as DESC TABLE spells it.
#[cfg(any(test, feature = "model"))]
pub(crate) const fn spelled(of: ColumnType) -> &'static str {
    match of {
        ColumnType::Int64 => "NUMBER(38,0)",
        ColumnType::Float64 => "FLOAT",
        ColumnType::Utf8 => "VARCHAR(16777216)",
        ColumnType::Boolean => "BOOLEAN",
        ColumnType::Date => "DATE",
        ColumnType::Timestamp => "TIMESTAMP_NTZ(9)",
        ColumnType::Binary => "BINARY(8388608)",
    }
}

/// A table that is as a dataset declares it, as DESC TABLE spells it.
#[cfg(any(test, feature = "model"))]
pub(crate) fn as_declared(dataset: &Dataset) -> BTreeMap<String, String> {
    let all = physical(dataset).into_iter();
    all.filter_map(|(from, of)| Some((from.to_owned(), spelled(of?).to_owned()))).collect()
}

/// What a declared type wants of a physical column.
const fn wants(of: ColumnType) -> &'static str {
    match of {
        ColumnType::Int64 => "NUMBER without digits behind the point",
        ColumnType::Float64 => "FLOAT or NUMBER",
        ColumnType::Utf8 => "VARCHAR without a collation",
        ColumnType::Boolean => "BOOLEAN",
        ColumnType::Date => "DATE",
        ColumnType::Timestamp => "TIMESTAMP_NTZ",
        ColumnType::Binary => "BINARY",
    }
}

/// Whether a type as DESC TABLE spells it is a declared one. Whatever stands behind it, such as a collation, makes it another.
pub(crate) fn fits(native: &str, of: ColumnType) -> bool {
    let (word, numbers) = match native.split_once('(') {
        Some((word, rest)) => {
            let Some(numbers) = rest.strip_suffix(')') else { return false };
            (word, numbers.split(',').map(str::trim).collect::<Vec<_>>())
        }
        None => (native, Vec::new()),
    };
    let whole =
        numbers.iter().all(|size| !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit()));
    let plain = whole && numbers.len() <= 1;
    match of {
        ColumnType::Int64 => word == "NUMBER" && whole && matches!(numbers.as_slice(), [_, "0"]),
        ColumnType::Float64 => {
            (word == "FLOAT" && numbers.is_empty())
                || (word == "NUMBER" && whole && numbers.len() == 2)
        }
        ColumnType::Utf8 => word == "VARCHAR" && plain,
        ColumnType::Boolean => word == "BOOLEAN" && numbers.is_empty(),
        ColumnType::Date => word == "DATE" && numbers.is_empty(),
        ColumnType::Timestamp => word == "TIMESTAMP_NTZ" && plain,
        ColumnType::Binary => word == "BINARY" && plain,
    }
}

#[cfg(test)]
mod tests {
    //! Which physical columns are what was declared.
    use super::*;

    #[test]
    fn types_as_the_platform_spells_them() {
        use ColumnType as Of;
        let all = [
            ("NUMBER(38,0)", vec![Of::Int64, Of::Float64]),
            ("NUMBER(12, 2)", vec![Of::Float64]),
            ("FLOAT", vec![Of::Float64]),
            ("VARCHAR(16777216)", vec![Of::Utf8]),
            ("VARCHAR(10) COLLATE 'en-ci'", vec![]),
            ("VARCHAR", vec![Of::Utf8]),
            ("BOOLEAN", vec![Of::Boolean]),
            ("DATE", vec![Of::Date]),
            ("TIMESTAMP_NTZ(9)", vec![Of::Timestamp]),
            ("TIMESTAMP_LTZ(9)", vec![]),
            ("TIMESTAMP_TZ(9)", vec![]),
            ("BINARY(32)", vec![Of::Binary]),
            ("NUMBER", vec![]),
            ("NUMBER(38,0", vec![]),
            ("VARIANT", vec![]),
            ("", vec![]),
        ];
        let every =
            [Of::Int64, Of::Float64, Of::Utf8, Of::Boolean, Of::Date, Of::Timestamp, Of::Binary];
        for (native, fitting) in all {
            for of in every {
                assert_eq!(fits(native, of), fitting.contains(&of), "{native} {of:?}");
            }
        }
    }

    #[test]
    fn a_column_that_is_missing_or_another_is_named() {
        let platform = PlatformId::snowflake();
        let document = adapter_spi::suite::agreement(&platform, "suite-entry", 1);
        let agreement: Agreement = serde_json::from_value(document).unwrap();
        let name = "orders".parse().unwrap();
        let dataset = &agreement.datasets[&name];
        let found = |email: &str, spent: &str| {
            BTreeMap::from([
                ("email_sha256".to_owned(), email.to_owned()),
                ("spent".to_owned(), spent.to_owned()),
            ])
        };
        assert!(misfits(dataset, &found("VARCHAR(64)", "NUMBER(12,2)")).is_empty());
        let wrong = misfits(dataset, &found("VARCHAR(64) COLLATE 'en-ci'", "FLOAT"));
        assert_eq!(wrong, [("email_sha256".to_owned(), "VARCHAR without a collation")]);
        assert_eq!(misfits(dataset, &BTreeMap::new()).len(), 2);
        let view = entry(&platform, &name, dataset).unwrap();
        assert_eq!(view.columns(), ["measured", "person"]);
        assert!(view.query().contains("FROM \"SUITE\".\"PUBLIC\".\"ORDERS\""), "{}", view.query());
    }
}
