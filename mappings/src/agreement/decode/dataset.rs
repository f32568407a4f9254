//! One dataset: where it lies, its columns, its rule, and what is dropped at the scan.

use super::super::cursor::{Cx, Place};
use super::super::literal;
use super::super::location;
use super::{column, platforms};
use crate::model::{
    ActivationRule, AnalysisRule, ColumnName, ColumnType, Consent, Dataset, DatasetName, JoinRule,
    Literal, Location, MemberId, PlatformId, RowFilter,
};
use std::collections::{BTreeMap, BTreeSet};

const FIELDS: [&str; 7] = ["owner", "at", "entity", "columns", "rule", "consent", "rows"];
const ENTITIES_MIN: u64 = 100;
const ENTITIES_MIN_MAX: u64 = 1_000_000;
const AUDIENCE_MIN: u64 = 1000;
const AUDIENCE_MIN_MAX: u64 = 1_000_000_000;
const JOINS: [(&str, JoinRule); 2] =
    [("required", JoinRule::Required), ("optional", JoinRule::Optional)];

/// The types that a column may have, by their names.
pub(super) const TYPES: [(&str, ColumnType); 7] = [
    ("int64", ColumnType::Int64),
    ("float64", ColumnType::Float64),
    ("utf8", ColumnType::Utf8),
    ("boolean", ColumnType::Boolean),
    ("date", ColumnType::Date),
    ("timestamp", ColumnType::Timestamp),
    ("binary", ColumnType::Binary),
];

/// Refuses names that the emitted text needs for itself.
pub(super) fn reserved(cx: &mut Cx, place: &Place<'_>, name: &str, also: &str) {
    if name.starts_with("airlock") || name == also {
        let message = format!("`{name}` is a name that Airlock keeps for itself");
        cx.refuse(place, "reserved-name", message, "choose another name");
    }
}

pub(super) fn dataset(cx: &mut Cx, name: &DatasetName, place: &Place<'_>) -> Option<Dataset> {
    reserved(cx, place, name.as_str(), "room");
    let fields = place.fields(cx, &FIELDS)?;
    let owner = fields.need(cx, "owner").and_then(|p| p.id(cx, MemberId::new));
    let at = fields.need(cx, "at").map(|p| locations(cx, &p)).unwrap_or_default();
    let mut columns = BTreeMap::new();
    let mut known = BTreeSet::new();
    if let Some(place) = fields.need(cx, "columns") {
        known = place.names();
        for (name, place) in place.named(cx, ColumnName::new) {
            columns.extend(column::column(cx, &name, &place).map(|c| (name, c)));
        }
    }
    let entity = fields.need(cx, "entity").and_then(|p| {
        let entity = p.id(cx, ColumnName::new)?;
        if !known.contains(entity.as_str()) {
            let known: Vec<_> = known.iter().copied().collect();
            let help = super::super::diagnostic::suggestion(entity.as_str(), &known);
            cx.refuse(
                &p,
                "unknown-reference",
                format!("`{entity}` is not a column of this dataset"),
                help,
            );
        }
        Some(entity)
    });
    let rule = match fields.get("rule") {
        Some(place) => rule(cx, &place),
        None => AnalysisRule {
            entities_min: ENTITIES_MIN,
            join: JoinRule::Required,
            receivers: None,
            activation: None,
        },
    };
    let consent = fields.get("consent").and_then(|p| consent(cx, &p));
    let rows = fields.get("rows").and_then(|p| p.list(cx)).unwrap_or_default();
    let rows = rows.iter().filter_map(|p| row_filter(cx, p)).collect();
    Some(Dataset { owner: owner?, at, entity: entity?, columns, rule, consent, rows })
}

fn locations(cx: &mut Cx, place: &Place<'_>) -> BTreeMap<PlatformId, Location> {
    let mut out = BTreeMap::new();
    for (platform, place) in platforms(cx, place) {
        out.extend(location::decode(cx, &platform, &place).map(|l| (platform, l)));
    }
    out
}

fn rule(cx: &mut Cx, place: &Place<'_>) -> AnalysisRule {
    let mut rule = AnalysisRule {
        entities_min: ENTITIES_MIN,
        join: JoinRule::Required,
        receivers: None,
        activation: None,
    };
    let Some(fields) = place.fields(cx, &["entities_min", "join", "receivers", "activation"])
    else {
        return rule;
    };
    if let Some(n) = fields.get("entities_min").and_then(|p| p.integer(cx, &(1..=ENTITIES_MIN_MAX)))
    {
        rule.entities_min = n;
    }
    if let Some(join) = fields.get("join").and_then(|p| p.word(cx, &JOINS)) {
        rule.join = join;
    }
    rule.receivers = fields.get("receivers").and_then(|p| members(cx, &p));
    rule.activation = fields.get("activation").and_then(|p| activation(cx, &p, rule.entities_min));
    rule
}

/// A list of members that is not empty.
pub(super) fn members(cx: &mut Cx, place: &Place<'_>) -> Option<BTreeSet<MemberId>> {
    let members = place.set(cx, |cx, p| p.id(cx, MemberId::new))?;
    if place.is_empty_list() {
        cx.refuse(place, "empty-list", "this list names nobody", "name at least one member");
    }
    Some(members)
}

fn activation(cx: &mut Cx, place: &Place<'_>, entities_min: u64) -> Option<ActivationRule> {
    let fields = place.fields(cx, &["to", "audience_min"])?;
    let to = fields.need(cx, "to").and_then(|p| members(cx, &p));
    let audience_min = match fields.get("audience_min") {
        None => AUDIENCE_MIN.max(entities_min),
        Some(p) => {
            let n = p.integer(cx, &(1..=AUDIENCE_MIN_MAX));
            if n.is_some_and(|n| n < entities_min) {
                let message = "the smallest audience is below `entities_min` of this rule";
                cx.refuse(
                    &p,
                    "audience-below-entities",
                    message,
                    format!("at least {entities_min}"),
                );
            }
            n.unwrap_or(AUDIENCE_MIN)
        }
    };
    Some(ActivationRule { to: to?, audience_min })
}

fn consent(cx: &mut Cx, place: &Place<'_>) -> Option<Consent> {
    let fields = place.fields(cx, &["from", "type", "granted"])?;
    let from = fields.need(cx, "from").and_then(|p| column::physical(cx, &p));
    let kind = fields.get("type").map_or(Some(ColumnType::Utf8), |p| scanned_type(cx, &p));
    let granted = fields.need(cx, "granted");
    let values = granted.as_ref().zip(kind).and_then(|(p, kind)| literals(cx, kind, p));
    if let Some(place) = granted.as_ref().filter(|p| p.is_empty_list()) {
        cx.refuse(
            place,
            "empty-list",
            "no value means yes, so no row would remain",
            "name at least one value",
        );
    }
    Some(Consent { from: from?, r#type: kind?, granted: values? })
}

fn row_filter(cx: &mut Cx, place: &Place<'_>) -> Option<RowFilter> {
    let fields = place.fields(cx, &["from", "type", "any_of", "min", "max"])?;
    let from = fields.need(cx, "from").and_then(|p| column::physical(cx, &p));
    let kind = fields.need(cx, "type").and_then(|p| scanned_type(cx, &p))?;
    let any_of = fields.get("any_of").and_then(|p| literals(cx, kind, &p));
    let (min, max) = bounds(cx, kind, fields.get("min"), fields.get("max"));
    if fields.get("any_of").is_none() && fields.get("min").is_none() && fields.get("max").is_none()
    {
        cx.refuse(
            place,
            "empty-filter",
            "this filter filters nothing",
            "add `any_of`, `min` or `max`",
        );
    }
    if let Some(place) = fields.get("any_of").filter(Place::is_empty_list) {
        cx.refuse(&place, "empty-list", "no row has one of no values", "name at least one value");
    }
    Some(RowFilter { from: from?, r#type: kind, any_of: any_of.unwrap_or_default(), min, max })
}

fn scanned_type(cx: &mut Cx, place: &Place<'_>) -> Option<ColumnType> {
    let kind = place.word(cx, &TYPES)?;
    if kind == ColumnType::Binary {
        cx.refuse(
            place,
            "binary-column",
            "binary columns can only be hashed match keys",
            "choose another type",
        );
        return None;
    }
    Some(kind)
}

/// One constant.
pub(super) fn literal(cx: &mut Cx, kind: ColumnType, place: &Place<'_>) -> Option<Literal> {
    let found = literal::from_value(kind, &place.node.value);
    if found.is_none() && !matches!(place.node.value, super::super::tree::Value::Refused) {
        let message = format!("this constant is not of type {}", literal::type_name(kind));
        cx.refuse(place, "literal-type", message, literal::shape(kind));
    }
    found
}

/// A list of constants that holds none twice.
pub(super) fn literals(cx: &mut Cx, kind: ColumnType, place: &Place<'_>) -> Option<Vec<Literal>> {
    let mut out: Vec<Literal> = Vec::new();
    for item in place.list(cx)? {
        let Some(value) = literal(cx, kind, &item) else {
            continue;
        };
        if out.contains(&value) {
            cx.refuse(
                &item,
                "duplicate-value",
                "this entry is in the list already",
                "keep one of them",
            );
        }
        out.push(value);
    }
    Some(out)
}

/// A smallest and a largest constant, in order.
pub(super) fn bounds(
    cx: &mut Cx,
    kind: ColumnType,
    min: Option<Place<'_>>,
    max: Option<Place<'_>>,
) -> (Option<Literal>, Option<Literal>) {
    for place in [&min, &max].into_iter().flatten().filter(|_| !literal::ordered(kind)) {
        let message = format!("{} has no order to bound", literal::type_name(kind));
        cx.refuse(place, "unordered-bound", message, "list the values instead");
    }
    let low = min.and_then(|p| literal(cx, kind, &p));
    let high = max.as_ref().and_then(|p| literal(cx, kind, p));
    if let (Some(place), Some(a), Some(b)) = (max, &low, &high)
        && literal::order(kind, a, b).is_some_and(std::cmp::Ordering::is_gt)
    {
        cx.refuse(&place, "parameter-bounds", "`max` is below `min`", "swap them");
    }
    (low, high)
}
