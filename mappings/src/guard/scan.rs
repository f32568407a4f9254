//! How a dataset enters the guarded text: one CTE a dataset with tokens, consent and row filters, before any join. Where a
//! runner may go past the gateway, the bounds of the parameters stand there as well.
//! Knows nothing of what is asked of it.

use super::relation::{quoted, sql_type, text};
use crate::model::{
    ColumnName, ColumnType, ColumnUse, Consent, Dataset, DatasetName, Hashed, Literal, MatchKey,
    Normaliser, Parameter, ParameterName, RowFilter,
};
use std::collections::{BTreeMap, BTreeSet};

/// The CTE of a dataset over its physical table, with the columns used; no row of it passes unless these conditions hold.
pub(crate) fn cte(
    name: &DatasetName,
    dataset: &Dataset,
    used: &BTreeSet<ColumnName>,
    conditions: &[String],
) -> String {
    let mut columns = Vec::new();
    let mut several = Vec::new();
    for (column, declared) in dataset.columns.iter().filter(|(column, _)| used.contains(*column)) {
        let out = quoted(column.as_str());
        match &declared.r#use {
            ColumnUse::Match { keys } => match keys.as_slice() {
                [key] => columns.push(format!("{} AS {out}", token(key))),
                keys => {
                    columns
                        .extend(keys.iter().map(|key| {
                            format!("{} AS {}", token(key), quoted(&part(column, key)))
                        }));
                    several.push(column);
                }
            },
            ColumnUse::Dimension | ColumnUse::Measure { .. } | ColumnUse::Filter => {
                columns.push(format!(
                    "CAST({} AS {}) AS {out}",
                    quoted(&declared.from),
                    sql_type(declared.r#type)
                ));
            }
        }
    }
    let mut body = format!(
        "  SELECT {}\n  FROM \"room\".{}",
        columns.join(",\n         "),
        quoted(name.as_str())
    );
    let own = dataset.consent.iter().map(consent).chain(dataset.rows.iter().flat_map(rows));
    let filters: Vec<String> = own.chain(conditions.iter().cloned()).collect();
    if !filters.is_empty() {
        body = format!("{body}\n  WHERE {}", filters.join("\n    AND "));
    }
    if !several.is_empty() {
        let own = several.iter().map(|column| own_identity(column, dataset)).collect::<Vec<_>>();
        body = format!("  SELECT \"k\".*, {}\n  FROM (\n{body}\n  ) AS \"k\"", own.join(", "));
    }
    format!("{} AS (\n{body}\n)", quoted(name.as_str()))
}

/// The name of one key's token among several.
pub(crate) fn part(column: &ColumnName, key: &MatchKey) -> String {
    format!("{column}__{}", key.key.as_str().replace('-', "_"))
}

fn own_identity(column: &ColumnName, dataset: &Dataset) -> String {
    let parts: Vec<String> = keys_of(dataset, column)
        .iter()
        .map(|key| format!("\"k\".{}", quoted(&part(column, key))))
        .collect();
    format!("COALESCE({}) AS {}", parts.join(", "), quoted(column.as_str()))
}

/// The keys of a match column, in declared order.
pub(super) fn keys_of<'a>(dataset: &'a Dataset, column: &ColumnName) -> &'a [MatchKey] {
    match dataset.columns.get(column).map(|declared| &declared.r#use) {
        Some(ColumnUse::Match { keys }) => keys,
        Some(ColumnUse::Dimension | ColumnUse::Measure { .. } | ColumnUse::Filter) | None => &[],
    }
}

fn token(key: &MatchKey) -> String {
    let column = quoted(&key.from);
    match key.hashed {
        None => {
            let kind = format!("{}:{}", key.key, normaliser(key.normalise));
            format!("airlock_token({}, {column})", text(&kind))
        }
        Some(hashed) => {
            let form = match hashed {
                Hashed::Sha256Hex => "sha256-hex",
                Hashed::Sha256Bytes => "sha256-bytes",
                Hashed::HmacBytes => "hmac-bytes",
                Hashed::HmacHex => "hmac-hex",
            };
            format!("airlock_hashed({}, '{form}', {column})", text(key.key.as_str()))
        }
    }
}

const fn normaliser(of: Normaliser) -> &'static str {
    match of {
        Normaliser::Email => "email",
        Normaliser::Phone => "phone",
        Normaliser::PhoneUs => "phone-us",
        Normaliser::DeviceId => "device-id",
        Normaliser::LowerTrim => "lower-trim",
        Normaliser::None => "none",
    }
}

fn consent(consent: &Consent) -> String {
    listed(&cast(&consent.from, consent.r#type), consent.r#type, &consent.granted)
}

fn rows(filter: &RowFilter) -> Vec<String> {
    let column = cast(&filter.from, filter.r#type);
    within(&column, filter.r#type, &filter.any_of, filter.min.as_ref(), filter.max.as_ref())
}

/// What the declarations of these parameters ask of their values. No value of a parameter that is out of them meets any row.
pub(crate) fn bounds(parameters: &BTreeMap<ParameterName, Parameter>) -> Vec<String> {
    let asked = parameters.iter().flat_map(|(name, declared)| {
        let (of, value) = (declared.r#type, parameter(name, declared.r#type));
        within(&value, of, &declared.values, declared.min.as_ref(), declared.max.as_ref())
    });
    asked.collect()
}

/// A parameter as a value of its type: dates and times are bound as text.
pub(super) fn parameter(name: &ParameterName, of: ColumnType) -> String {
    match of {
        ColumnType::Date | ColumnType::Timestamp => {
            format!("TRY_CAST(${name} AS {})", sql_type(of))
        }
        ColumnType::Int64
        | ColumnType::Float64
        | ColumnType::Utf8
        | ColumnType::Boolean
        | ColumnType::Binary => format!("${name}"),
    }
}

fn within(
    value: &str,
    of: ColumnType,
    any_of: &[Literal],
    min: Option<&Literal>,
    max: Option<&Literal>,
) -> Vec<String> {
    let bound = |op: &str, limit: &Literal| format!("{value} {op} {}", literal(limit, of));
    let any = (!any_of.is_empty()).then(|| listed(value, of, any_of));
    let min = min.map(|limit| bound(">=", limit));
    let max = max.map(|limit| bound("<=", limit));
    any.into_iter().chain(min).chain(max).collect()
}

fn listed(value: &str, of: ColumnType, values: &[Literal]) -> String {
    let values: Vec<String> = values.iter().map(|value| literal(value, of)).collect();
    format!("{value} IN ({})", values.join(", "))
}

fn cast(column: &str, of: ColumnType) -> String {
    format!("CAST({} AS {})", quoted(column), sql_type(of))
}

/// A constant of the agreement as the engine writes it.
fn literal(value: &Literal, of: ColumnType) -> String {
    let bare = match value {
        Literal::Boolean(value) => value.to_string(),
        Literal::Int64(value) => value.to_string(),
        Literal::Float64(value) => format!("{value:?}"),
        Literal::Utf8(value) => text(value),
    };
    match of {
        ColumnType::Date | ColumnType::Timestamp | ColumnType::Float64 => {
            format!("CAST({bare} AS {})", sql_type(of))
        }
        ColumnType::Int64 | ColumnType::Utf8 | ColumnType::Boolean | ColumnType::Binary => bare,
    }
}
