//! One template: its text is measured, not read; its parameters are typed and bounded.

use super::super::cursor::{Cx, Fields, Place};
use super::super::literal;
use super::dataset::{TYPES, bounds, literal as constant, literals, members};
use crate::model::{ColumnType, Parameter, ParameterName, ResultClass, Template};
use std::collections::BTreeMap;

/// The longest template text, in bytes.
pub(super) const SQL_BYTES_MAX: usize = 64 << 10;
const FIELDS: [&str; 5] = ["class", "sql", "parameters", "run_by", "received_by"];
const CLASSES: [(&str, ResultClass); 2] =
    [("aggregate", ResultClass::Aggregate), ("activation", ResultClass::Activation)];

pub(super) fn template(cx: &mut Cx, place: &Place<'_>) -> Option<Template> {
    let fields = place.fields(cx, &FIELDS)?;
    let class = fields.need(cx, "class").and_then(|p| p.word(cx, &CLASSES));
    let sql = fields.need(cx, "sql").and_then(|p| sql(cx, &p));
    let mut parameters = BTreeMap::new();
    for (name, place) in
        fields.get("parameters").map(|p| p.named(cx, ParameterName::new)).unwrap_or_default()
    {
        parameters.extend(parameter(cx, &place).map(|p| (name, p)));
    }
    let run_by = fields.need(cx, "run_by").and_then(|p| members(cx, &p));
    let received_by = fields.need(cx, "received_by").and_then(|p| members(cx, &p));
    Some(Template {
        class: class.unwrap_or(ResultClass::Aggregate),
        sql: sql.unwrap_or_default(),
        parameters,
        run_by: run_by.unwrap_or_default(),
        received_by: received_by.unwrap_or_default(),
    })
}

fn sql(cx: &mut Cx, place: &Place<'_>) -> Option<String> {
    let text = place.any_text(cx)?;
    if text.len() > SQL_BYTES_MAX {
        let help = format!("at most {SQL_BYTES_MAX} bytes");
        cx.refuse(place, "template-too-long", "this template is too long", help);
        return None;
    }
    if text.trim().is_empty() {
        cx.refuse(place, "template-empty", "this template asks nothing", "write one SELECT");
        return None;
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
        cx.refuse(place, "bad-text", "this template has control characters", "remove them");
        return None;
    }
    Some(text.to_owned())
}

fn parameter(cx: &mut Cx, place: &Place<'_>) -> Option<Parameter> {
    let fields = place.fields(cx, &["type", "min", "max", "values", "default"])?;
    let kind_at = fields.need(cx, "type")?;
    let kind = kind_at.word(cx, &TYPES)?;
    if kind == ColumnType::Binary {
        cx.refuse(&kind_at, "parameter-type", "a parameter can't be binary", "choose another type");
        return None;
    }
    let (min, max) = bounds(cx, kind, fields.get("min"), fields.get("max"));
    let values = fields.get("values").and_then(|p| literals(cx, kind, &p));
    if let Some(p) = fields.get("values").filter(Place::is_empty_list) {
        cx.refuse(&p, "empty-list", "no value would be accepted", "name at least one value");
    }
    let default = fields.get("default").and_then(|p| constant(cx, kind, &p));
    let parameter =
        Parameter { r#type: kind, min, max, values: values.unwrap_or_default(), default };
    within(cx, &fields, &parameter);
    Some(parameter)
}

/// Listed values and the default must themselves be accepted.
fn within(cx: &mut Cx, fields: &Fields<'_>, parameter: &Parameter) {
    let outside = |value| !literal::bounded(parameter, value);
    if let Some(place) = fields.get("values").filter(|_| parameter.values.iter().any(outside)) {
        cx.refuse(
            &place,
            "parameter-bounds",
            "a listed value is outside `min` and `max`",
            "remove it or widen them",
        );
    }
    let refused = |value| outside(value) || !literal::listed(parameter, value);
    if let Some(place) =
        fields.get("default").filter(|_| parameter.default.as_ref().is_some_and(refused))
    {
        cx.refuse(
            &place,
            "parameter-bounds",
            "the default is not an accepted value",
            "choose one that is",
        );
    }
}
