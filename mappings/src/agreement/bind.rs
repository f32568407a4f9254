//! Values for a template's parameters, from text. Everything a run may choose passes through here.

use super::diagnostic::{DIAGNOSTICS_MAX, Diagnostic, nearest, segment, shown};
use super::literal::{bounded, from_text, listed, settled, shape, type_name};
use crate::model::{Literal, Parameter, ParameterName, Template};
use std::collections::BTreeMap;

/// Binds a value to every parameter of a template: given, or its default.
///
/// Types, calendar dates, bounds and listed values are checked; a name that the template does not have is refused. Times
/// come back in UTC. Diagnostics have no line, since there is no document, and never show a value.
pub fn bind(
    template: &Template,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<ParameterName, Literal>, Vec<Diagnostic>> {
    let mut found: Vec<Diagnostic> = Vec::new();
    for name in
        given.keys().filter(|name| !template.parameters.keys().any(|p| p.as_str() == **name))
    {
        let known = template.parameters.keys().map(ParameterName::as_str);
        let help = match nearest(name, known.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if template.parameters.is_empty() => "it has none".to_owned(),
            None => format!("one of: {}", known.take(20).collect::<Vec<_>>().join(", ")),
        };
        found.push(refusal(
            &segment(name),
            "unknown-parameter",
            format!("{} is not a parameter of this template", shown(name)),
            help,
        ));
    }
    let mut bound = BTreeMap::new();
    for (name, parameter) in &template.parameters {
        match value(name, parameter, given.get(name.as_str())) {
            Ok(literal) => drop(bound.insert(name.clone(), literal)),
            Err(refused) => found.push(refused),
        }
    }
    found.truncate(DIAGNOSTICS_MAX);
    if found.is_empty() { Ok(bound) } else { Err(found) }
}

fn value(
    name: &ParameterName,
    parameter: &Parameter,
    given: Option<&String>,
) -> Result<Literal, Diagnostic> {
    let refuse = |code, message: &str, help: String| {
        Err(refusal(name.as_str(), code, format!("`{name}` {message}"), help))
    };
    let kind = parameter.r#type;
    let Some(text) = given else {
        return match &parameter.default {
            Some(default) => Ok(settled(kind, default)),
            None => refuse("missing-parameter", "has no value", format!("give {}", shape(kind))),
        };
    };
    let Some(literal) = from_text(kind, text) else {
        return refuse(
            "parameter-type",
            &format!("is not of type {}", type_name(kind)),
            format!("give {}", shape(kind)),
        );
    };
    if !bounded(parameter, &literal) {
        return refuse(
            "parameter-bounds",
            "is outside its bounds",
            "see `min` and `max` of the template".to_owned(),
        );
    }
    if !listed(parameter, &literal) {
        return refuse(
            "parameter-values",
            "is not among the listed values",
            "see `values` of the template".to_owned(),
        );
    }
    Ok(literal)
}

fn refusal(path: &str, code: &'static str, message: String, help: String) -> Diagnostic {
    Diagnostic { code, path: format!("parameters.{path}"), line: 0, column: 0, message, help }
}
