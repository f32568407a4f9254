//! One column: its physical source, its type, its use, and the keys of a match column.

use super::super::cursor::{Cx, Fields, Place};
use super::super::literal::type_name;
use super::dataset::{TYPES, reserved};
use crate::model::{
    Aggregate, Column, ColumnName, ColumnType, ColumnUse, Hashed, KeyName, MatchKey, Normaliser,
};
use std::collections::BTreeSet;

const FIELDS: [&str; 9] =
    ["from", "type", "use", "key", "keys", "normalise", "hashed", "aggregates", "activate"];
const KEYS_MAX: usize = 8;
const PHYSICAL_BYTES_MAX: usize = 255;
const NORMALISERS: [(&str, Normaliser); 6] = [
    ("email", Normaliser::Email),
    ("phone", Normaliser::Phone),
    ("phone-us", Normaliser::PhoneUs),
    ("device-id", Normaliser::DeviceId),
    ("lower-trim", Normaliser::LowerTrim),
    ("none", Normaliser::None),
];
const HASHES: [(&str, Hashed); 4] = [
    ("sha256-hex", Hashed::Sha256Hex),
    ("sha256-bytes", Hashed::Sha256Bytes),
    ("hmac-bytes", Hashed::HmacBytes),
    ("hmac-hex", Hashed::HmacHex),
];
const AGGREGATES: [(&str, Aggregate); 6] = [
    ("count", Aggregate::Count),
    ("count-distinct", Aggregate::CountDistinct),
    ("sum", Aggregate::Sum),
    ("avg", Aggregate::Avg),
    ("min", Aggregate::Min),
    ("max", Aggregate::Max),
];

#[derive(Clone, Copy)]
enum Use {
    Match,
    Dimension,
    Measure,
    Filter,
}

const USES: [(&str, Use); 4] = [
    ("match", Use::Match),
    ("dimension", Use::Dimension),
    ("measure", Use::Measure),
    ("filter", Use::Filter),
];

pub(super) fn column(cx: &mut Cx, name: &ColumnName, place: &Place<'_>) -> Option<Column> {
    reserved(cx, place, name.as_str(), "airlock");
    let fields = place.fields(cx, &FIELDS)?;
    let r#use = fields.need(cx, "use").and_then(|p| p.word(cx, &USES));
    let activate = fields.get("activate").and_then(|p| p.boolean(cx)).unwrap_or_default();
    match r#use? {
        Use::Match => match_column(cx, name, &fields),
        Use::Dimension => plain(cx, name, &fields, ColumnUse::Dimension, activate),
        Use::Filter => plain(cx, name, &fields, ColumnUse::Filter, activate),
        Use::Measure => {
            fields.forbid(
                cx,
                &["key", "keys", "normalise", "hashed"],
                "field-not-for-use",
                "for a measure",
            );
            let (from, kind) = source(cx, name, &fields);
            let aggregates = aggregates(cx, &fields, kind);
            Some(Column {
                from: from?,
                r#type: kind?,
                r#use: ColumnUse::Measure { aggregates: aggregates? },
                activate,
            })
        }
    }
}

fn plain(
    cx: &mut Cx,
    name: &ColumnName,
    fields: &Fields<'_>,
    r#use: ColumnUse,
    activate: bool,
) -> Option<Column> {
    let names = ["key", "keys", "normalise", "hashed", "aggregates"];
    fields.forbid(cx, &names, "field-not-for-use", "for a dimension or filter");
    let (from, kind) = source(cx, name, fields);
    Some(Column { from: from?, r#type: kind?, r#use, activate })
}

/// The physical column and type of a column that is no match key.
fn source(
    cx: &mut Cx,
    name: &ColumnName,
    fields: &Fields<'_>,
) -> (Option<String>, Option<ColumnType>) {
    let from = from_or_name(cx, name, fields);
    let kind = fields.need(cx, "type").and_then(|p| {
        let kind = p.word(cx, &TYPES)?;
        if kind == ColumnType::Binary {
            let message = "binary columns can only be hashed match keys";
            cx.refuse(&p, "binary-column", message, "use: match with hashed, or another type");
        }
        Some(kind)
    });
    (from, kind)
}

fn from_or_name(cx: &mut Cx, name: &ColumnName, fields: &Fields<'_>) -> Option<String> {
    fields.get("from").map_or_else(|| Some(name.as_str().to_owned()), |p| physical(cx, &p))
}

/// The name of a physical column.
pub(super) fn physical(cx: &mut Cx, place: &Place<'_>) -> Option<String> {
    let text = place.text(cx)?;
    if text.len() > PHYSICAL_BYTES_MAX
        || text.contains(['"', '`', '\'', '\\'])
        || text.trim() != text
    {
        let help = format!(
            "at most {PHYSICAL_BYTES_MAX} bytes, no quotes or backslashes, no spaces around it"
        );
        cx.refuse(place, "bad-column-source", "this is no name of a physical column", help);
        return None;
    }
    Some(text.to_owned())
}

fn aggregates(
    cx: &mut Cx,
    fields: &Fields<'_>,
    kind: Option<ColumnType>,
) -> Option<BTreeSet<Aggregate>> {
    let place = fields.need(cx, "aggregates")?;
    if place.list(cx)?.is_empty() {
        cx.refuse(&place, "empty-list", "a measure needs its aggregates", "such as [sum, avg]");
    }
    place.set(cx, |cx, item| {
        let aggregate = item.word(cx, &AGGREGATES)?;
        if let Some(kind) = kind.filter(|kind| !sensible(*kind, aggregate)) {
            let message = format!("this aggregate has no meaning for {}", type_name(kind));
            cx.refuse(
                item,
                "aggregate-type",
                message,
                "count and count-distinct work for every type",
            );
        }
        Some(aggregate)
    })
}

const fn sensible(kind: ColumnType, aggregate: Aggregate) -> bool {
    match aggregate {
        Aggregate::Count | Aggregate::CountDistinct => true,
        Aggregate::Sum | Aggregate::Avg => matches!(kind, ColumnType::Int64 | ColumnType::Float64),
        Aggregate::Min | Aggregate::Max => {
            matches!(
                kind,
                ColumnType::Int64 | ColumnType::Float64 | ColumnType::Date | ColumnType::Timestamp
            )
        }
    }
}

fn match_column(cx: &mut Cx, name: &ColumnName, fields: &Fields<'_>) -> Option<Column> {
    fields.forbid(
        cx,
        &["aggregates", "activate"],
        "field-not-for-use",
        "for a match key: it never leaves",
    );
    let Some(place) = fields.get("keys") else {
        let key = match_key(cx, name, fields, None);
        return key.map(|key| Column {
            from: key.from.clone(),
            r#type: key.r#type,
            r#use: ColumnUse::Match { keys: vec![key] },
            activate: false,
        });
    };
    fields.forbid(
        cx,
        &["from", "key", "normalise", "hashed"],
        "conflicting-fields",
        "beside `keys`: say it of each key",
    );
    let usual = fields.get("type").and_then(|p| p.word(cx, &TYPES));
    let items = place.list(cx)?;
    if items.is_empty() || items.len() > KEYS_MAX {
        let help = format!("one to {KEYS_MAX} keys, the surest first");
        cx.refuse(&place, "keys-count", "a match column needs its keys", help);
    }
    let mut keys: Vec<MatchKey> = Vec::new();
    for item in &items {
        let Some(fields) = item.fields(cx, &["key", "from", "type", "normalise", "hashed"]) else {
            continue;
        };
        fields.need(cx, "key");
        fields.need(cx, "from");
        let Some(key) = match_key(cx, name, &fields, usual) else {
            continue;
        };
        if keys.iter().any(|k| k.key == key.key) {
            let message = format!("`{}` is a key of this column already", key.key);
            cx.refuse(item, "duplicate-value", message, "keep one of them");
        }
        keys.push(key);
    }
    let first = keys.first()?;
    let (from, kind) = (first.from.clone(), usual.unwrap_or(first.r#type));
    Some(Column { from, r#type: kind, r#use: ColumnUse::Match { keys }, activate: false })
}

fn match_key(
    cx: &mut Cx,
    name: &ColumnName,
    fields: &Fields<'_>,
    usual: Option<ColumnType>,
) -> Option<MatchKey> {
    let key = match fields.get("key") {
        Some(p) => p.id(cx, KeyName::new),
        None => KeyName::new(&name.as_str().replace('_', "-")).ok(),
    };
    let from = from_or_name(cx, name, fields);
    let kind = match (fields.get("type"), usual) {
        (Some(p), _) => p.word(cx, &TYPES),
        (None, Some(usual)) => Some(usual),
        (None, None) => fields.need(cx, "type").and(None),
    };
    let normalise = fields.get("normalise").and_then(|p| p.word(cx, &NORMALISERS));
    let hashed = match fields.get("hashed") {
        Some(p) => Some(p.word(cx, &HASHES)?),
        None => None,
    };
    let (key, from, kind) = (key?, from?, kind?);
    hashed_fits(cx, fields, kind, hashed);
    let normalise = if hashed.is_some() {
        if let (Some(p), Some(_)) =
            (fields.get("normalise"), normalise.filter(|n| *n != Normaliser::None))
        {
            let message = "what was hashed beforehand can't be normalised any more";
            cx.refuse(
                &p,
                "hashed-normalise",
                message,
                "normalise: none, and normalise before hashing",
            );
        }
        Normaliser::None
    } else {
        let chosen = normalise.unwrap_or_else(|| usual_normaliser(key.as_str(), kind));
        if chosen != Normaliser::None && kind != ColumnType::Utf8 {
            let at = fields.get("normalise").unwrap_or_else(|| fields.place.clone());
            let message = format!("only utf8 keys are normalised, not {}", type_name(kind));
            cx.refuse(&at, "normalise-type", message, "type: utf8, or normalise: none");
        }
        chosen
    };
    Some(MatchKey { key, from, r#type: kind, normalise, hashed })
}

/// A normaliser by its name in an agreement.
#[must_use]
pub fn normaliser(name: &str) -> Option<Normaliser> {
    NORMALISERS.iter().find(|(known, _)| *known == name).map(|(_, normaliser)| *normaliser)
}

/// A key's own normaliser, by its name; identifiers that are no text stay as they are.
#[must_use]
pub fn usual_normaliser(key: &str, kind: ColumnType) -> Normaliser {
    match (key, kind) {
        (_, k) if k != ColumnType::Utf8 => Normaliser::None,
        ("email", _) => Normaliser::Email,
        ("phone", _) => Normaliser::Phone,
        ("device-id", _) => Normaliser::DeviceId,
        _ => Normaliser::LowerTrim,
    }
}

fn hashed_fits(cx: &mut Cx, fields: &Fields<'_>, kind: ColumnType, hashed: Option<Hashed>) {
    let at = |name: &str| fields.get(name).unwrap_or_else(|| fields.place.clone());
    let wanted = match hashed {
        Some(Hashed::Sha256Hex | Hashed::HmacHex) => ColumnType::Utf8,
        Some(Hashed::Sha256Bytes | Hashed::HmacBytes) => ColumnType::Binary,
        None if kind == ColumnType::Binary => {
            let message = "a binary match key is one that was hashed beforehand";
            cx.refuse(&at("type"), "hashed-type", message, "hashed: sha256-bytes or hmac-bytes");
            return;
        }
        None => {
            if !matches!(kind, ColumnType::Int64 | ColumnType::Utf8) {
                let message = format!("{} identifies nobody", type_name(kind));
                cx.refuse(
                    &at("type"),
                    "key-type",
                    message,
                    "type: int64, utf8, or binary when hashed",
                );
            }
            return;
        }
    };
    if kind != wanted {
        let message = format!("this hash comes as {}, not {}", type_name(wanted), type_name(kind));
        cx.refuse(&at("hashed"), "hashed-type", message, format!("type: {}", type_name(wanted)));
    }
}
