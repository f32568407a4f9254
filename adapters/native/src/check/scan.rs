//! A dataset's way into a plan: named columns only, keys only as tokens, consent and row filters all there.

use super::expression::Kind;
use super::{Checked, wrong};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator, Projection};
use mappings::model::{ColumnUse, Dataset, DatasetName, Hashed, Literal, MatchKey, Normaliser};
use std::collections::BTreeSet;

/// One condition on a physical column: column, operator, constants.
type Condition = (String, &'static str, BTreeSet<String>);

/// The dataset that this projection scans, when it is a scan.
pub(super) fn scanned(projection: &Projection) -> Option<(&str, Option<&Expr>)> {
    let (input, predicate) = match &*projection.input {
        LogicalPlan::Filter(filter) => (&*filter.input, Some(&filter.predicate)),
        other => (other, None),
    };
    let LogicalPlan::TableScan(scan) = input else { return None };
    (scan.table_name.schema() == Some("room")).then(|| (scan.table_name.table(), predicate))
}

/// What the columns of a scan are; refuses one that is not exactly as the agreement says.
pub(super) fn columns(
    projection: &Projection,
    predicate: Option<&Expr>,
    (name, dataset): (&DatasetName, &Dataset),
    id: usize,
) -> Checked<Vec<Kind>> {
    let found: BTreeSet<Condition> = predicate
        .map_or_else(
            || Some(BTreeSet::new()),
            |predicate| {
                split_conjunction(predicate).into_iter().map(condition).collect::<Option<_>>()
            },
        )
        .ok_or_else(|| format!("the scan of {name} has a condition that is not the owner's"))?;
    if found != wanted(dataset) {
        return wrong(format!("consent or row filters of {name} are not all at its scan"));
    }
    projection.expr.iter().map(|expr| column(expr, (name, dataset), id)).collect()
}

fn column(expr: &Expr, (name, dataset): (&DatasetName, &Dataset), id: usize) -> Checked<Kind> {
    let unknown = || format!("the scan of {name} has a column that the agreement does not");
    let Expr::Alias(alias) = expr else { return Err(unknown()) };
    if let Expr::ScalarFunction(call) = &*alias.expr {
        let words = call.args.iter().map(constant).collect::<Vec<_>>();
        let from = call.args.last().and_then(physical).ok_or_else(unknown)?;
        for (column, declared) in &dataset.columns {
            let ColumnUse::Match { keys } = &declared.r#use else { continue };
            let named = |key: &MatchKey| {
                let part = format!("{column}__{}", key.key.as_str().replace('-', "_"));
                alias.name == if keys.len() > 1 { part } else { column.to_string() }
            };
            let fits = |key: &&MatchKey| {
                key.from == from && named(key) && tokenised(key, call.name(), &words)
            };
            if let Some(place) = keys.iter().position(|key| fits(&key)) {
                return Ok(Kind::token(id, *column == dataset.entity, (place, keys.len())));
            }
        }
        return wrong(format!("the scan of {name} does not tokenise its keys as agreed"));
    }
    let from = physical(&alias.expr).ok_or_else(unknown)?;
    let declared = dataset.columns.iter().find(|(column, _)| column.as_str() == alias.name);
    match declared {
        Some((column, declared)) if declared.from == from => match &declared.r#use {
            ColumnUse::Dimension => Ok(Kind::Dimension(Some((name.clone(), column.clone())))),
            ColumnUse::Filter => Ok(Kind::Filter),
            ColumnUse::Measure { aggregates } => Ok(Kind::measure(aggregates, &dataset.owner)),
            ColumnUse::Match { .. } => wrong(format!("a raw match key of {name} leaves its scan")),
        },
        Some(_) | None => Err(unknown()),
    }
}

fn tokenised(key: &MatchKey, function: &str, words: &[Option<String>]) -> bool {
    let is = |n: usize, want: &str| words.get(n).and_then(Option::as_deref) == Some(want);
    match key.hashed {
        None => {
            let normaliser = match key.normalise {
                Normaliser::Email => "email",
                Normaliser::Phone => "phone",
                Normaliser::PhoneUs => "phone-us",
                Normaliser::DeviceId => "device-id",
                Normaliser::LowerTrim => "lower-trim",
                Normaliser::None => "none",
            };
            function == "airlock_token" && is(0, &format!("{}:{normaliser}", key.key))
        }
        Some(hashed) => {
            let form = match hashed {
                Hashed::Sha256Hex => "sha256-hex",
                Hashed::Sha256Bytes => "sha256-bytes",
                Hashed::HmacBytes => "hmac-bytes",
                Hashed::HmacHex => "hmac-hex",
            };
            function == "airlock_hashed" && is(0, key.key.as_str()) && is(1, form)
        }
    }
}

/// The conditions that the owner asks for.
fn wanted(dataset: &Dataset) -> BTreeSet<Condition> {
    let list = |values: &[Literal]| values.iter().map(written).collect::<BTreeSet<_>>();
    let mut all = BTreeSet::new();
    all.extend(
        dataset.consent.iter().map(|consent| (consent.from.clone(), "in", list(&consent.granted))),
    );
    for filter in &dataset.rows {
        let one = |value: &Literal| BTreeSet::from([written(value)]);
        all.extend(
            (!filter.any_of.is_empty()).then(|| (filter.from.clone(), "in", list(&filter.any_of))),
        );
        all.extend(filter.min.as_ref().map(|value| (filter.from.clone(), ">=", one(value))));
        all.extend(filter.max.as_ref().map(|value| (filter.from.clone(), "<=", one(value))));
    }
    all
}

fn written(value: &Literal) -> String {
    match value {
        Literal::Boolean(value) => value.to_string(),
        Literal::Int64(value) => value.to_string(),
        Literal::Float64(value) => value.to_string(),
        Literal::Utf8(value) => value.clone(),
    }
}

fn condition(expr: &Expr) -> Option<Condition> {
    match expr {
        Expr::InList(list) if !list.negated => {
            let values = list.list.iter().map(constant).collect::<Option<_>>()?;
            Some((physical(&list.expr)?, "in", values))
        }
        Expr::BinaryExpr(binary) => {
            let op = match binary.op {
                Operator::GtEq => ">=",
                Operator::LtEq => "<=",
                _ => return None,
            };
            Some((physical(&binary.left)?, op, BTreeSet::from([constant(&binary.right)?])))
        }
        _ => None,
    }
}

/// The physical column behind at most one cast.
fn physical(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Column(column) => Some(column.name.clone()),
        Expr::Cast(cast) => match &*cast.expr {
            Expr::Column(column) => Some(column.name.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// A constant as text, behind at most one cast.
pub(super) fn constant(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(value, _) => match value {
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)) => Some(text.clone()),
            ScalarValue::Int64(Some(number)) => Some(number.to_string()),
            ScalarValue::Float64(Some(number)) => Some(number.to_string()),
            ScalarValue::Boolean(Some(truth)) => Some(truth.to_string()),
            _ => None,
        },
        Expr::Negative(inner) => constant(inner).map(|text| format!("-{text}")),
        Expr::Cast(cast) => constant(&cast.expr),
        _ => None,
    }
}
