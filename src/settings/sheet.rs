//! One section of the settings as it holds: what the file says, before it what a variable says, after both what holds unless somebody sets it;
//! and of each where that stands. Secrets are named, never read. Must not know what a setting is for.

use super::table::{self, SECTIONS, SETTINGS, Setting};
use crate::error::{Error, Result};
use crate::home::Home;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

/// Variables by name.
#[derive(Default)]
pub(crate) struct Environment(pub(super) BTreeMap<String, String>);

impl Environment {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// A variable's value; an empty one is none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A line of the file.
    File(usize),
    /// A variable.
    Variable(&'static str),
    /// Nobody set it.
    Default,
}

impl Source {
    /// Which it is: `file`, `environment` or `default`.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Variable(_) => "environment",
            Self::Default => "default",
        }
    }

    /// Where that stands: a line, a variable, or `default`.
    pub(crate) fn at(&self) -> String {
        match self {
            Self::File(line) => format!("gateway.toml:{line}"),
            Self::Variable(name) => (*name).to_owned(),
            Self::Default => "default".to_owned(),
        }
    }
}

/// One setting, for whoever looks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) key: String,
    /// `Null` of what is not set and is nothing then.
    pub(crate) value: Value,
    pub(crate) source: Source,
}

/// A section, read.
#[derive(Debug)]
pub(super) struct Section<T> {
    pub(super) set: T,
    /// Whether it stands in the file, or a variable says something of it.
    pub(super) is_set: bool,
    pub(super) rows: Vec<Row>,
    path: PathBuf,
}

impl<T> Section<T> {
    /// Where a setting stands, for an error.
    pub(super) fn at(&self, key: &str) -> String {
        let file = self.path.display();
        match self.rows.iter().find(|row| row.key == key).map(|row| &row.source) {
            Some(Source::File(line)) => format!("{file}:{line}"),
            Some(Source::Variable(name)) => (*name).to_owned(),
            Some(Source::Default) | None => file.to_string(),
        }
    }
}

/// Keys with the offset at which they stand in the file.
type Places = BTreeMap<String, usize>;

/// Reads a section.
pub(super) fn section<T: DeserializeOwned>(
    home: &Home,
    variables: &Environment,
    name: &str,
    help: &str,
) -> Result<Section<T>> {
    let path = home.settings();
    let text = text_of(&path)?;
    let wrong = |at: usize| super::not_that(&path, &text, at, "settings-invalid", help);
    let parsed = DeTable::parse(&text);
    let mut root = parsed.map_err(|error| wrong(start(error.span())))?.into_inner();
    if let Some(other) = root.keys().find(|key| !SECTIONS.contains(&key.get_ref().as_ref())) {
        return Err(wrong(other.span().start));
    }
    let found = root.remove(name);
    let mut is_set = found.is_some();
    let mut own = match found.map(|found| (found.span().start, found.into_inner())) {
        None => DeTable::new(),
        Some((_, DeValue::Table(own))) => own,
        Some((at, _)) => return Err(wrong(at)),
    };
    let mut places = Places::new();
    placed(&own, (name, name), &mut places).map_err(wrong)?;
    let own_settings = || SETTINGS.iter().filter(|setting| setting.section() == name);
    let mut said = BTreeMap::new();
    for setting in own_settings() {
        if let Some((variable, value)) = said_by(setting, variables)? {
            put(&mut own, leaf(setting), value);
            said.insert(setting.key, variable);
            is_set = true;
        }
    }
    for setting in own_settings() {
        fill(&mut own, leaf(setting), setting.default);
    }
    let line = |at: &usize| Source::File(super::line(&text, *at));
    let source = |key: &str| match (said.get(key), places.get(key)) {
        (Some(variable), _) => Source::Variable(variable),
        (None, Some(at)) => line(at),
        (None, None) => Source::Default,
    };
    let mut rows = Vec::new();
    for setting in own_settings() {
        listed(&own, (name.to_owned(), leaf(setting)), &source, &mut rows);
    }
    rows.dedup();
    let whole = Deserializer::from(Spanned::new(0..text.len(), own));
    let set = T::deserialize(whole).map_err(|error| wrong(start(error.span())))?;
    Ok(Section { set, is_set, rows, path })
}

fn text_of(path: &Path) -> Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Error::io("read", path, &error)),
    }
}

fn start(span: Option<std::ops::Range<usize>>) -> usize {
    span.map_or(0, |span| span.start)
}

/// The key within its section.
fn leaf(setting: &Setting) -> &'static str {
    setting.key.split_once('.').map_or("", |(_, leaf)| leaf)
}

/// Finds where each setting stands; the offset of what is none.
fn placed(table: &DeTable<'_>, (at, of): (&str, &str), places: &mut Places) -> Result<(), usize> {
    for (key, value) in table {
        let (at, of) = (format!("{at}.{}", key.get_ref()), format!("{of}.{}", key.get_ref()));
        let (begins, each) = (key.span().start, format!("{of}[]"));
        match value.get_ref() {
            _ if table::is_setting(&of) => drop(places.insert(at, begins)),
            DeValue::Table(inner) if table::holds(&of) => placed(inner, (&at, &of), places)?,
            DeValue::Array(all) if table::holds(&each) => {
                for (n, one) in all.iter().enumerate() {
                    let DeValue::Table(inner) = one.get_ref() else { return Err(begins) };
                    placed(inner, (&format!("{at}[{n}]"), &each), places)?;
                }
            }
            DeValue::Array(_)
            | DeValue::Table(_)
            | DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => return Err(begins),
        }
    }
    Ok(())
}

/// What a variable says of a setting.
fn said_by(
    setting: &Setting,
    variables: &Environment,
) -> Result<Option<(&'static str, DeValue<'static>)>> {
    let Some((name, form)) = setting.variable else { return Ok(None) };
    let Some(text) = variables.get(name) else { return Ok(None) };
    if !form.takes(text) {
        // What stands there may be a secret in the wrong place.
        let message = format!("{name}: this is not what may stand there");
        return Err(Error::invalid("settings-invalid", message).help(form.help()));
    }
    let value = match form {
        table::Form::Flag => DeValue::Boolean(text == "true"),
        table::Form::Address | table::Form::Text => DeValue::String(Cow::Owned(text.to_owned())),
    };
    Ok(Some((name, value)))
}

fn put(table: &mut DeTable<'_>, key: &'static str, value: DeValue<'static>) {
    table.insert(Spanned::new(0..0, Cow::Borrowed(key)), Spanned::new(0..0, value));
}

/// Puts a default where nothing is set, in a table that is there.
fn fill(table: &mut DeTable<'_>, key: &'static str, default: Option<&'static str>) {
    let Some(text) = default else { return };
    let Some((head, rest)) = key.split_once('.') else {
        if let (false, Ok(value)) = (table.contains_key(key), DeValue::parse(text)) {
            put(table, key, value.into_inner());
        }
        return;
    };
    match table.get_mut(head.trim_end_matches("[]")).map(Spanned::get_mut) {
        Some(DeValue::Table(inner)) => fill(inner, rest, default),
        Some(DeValue::Array(all)) => {
            for one in all.iter_mut() {
                if let DeValue::Table(inner) = one.get_mut() {
                    fill(inner, rest, default);
                }
            }
        }
        _ => {}
    }
}

/// A setting as it holds, one row for each element of an array.
fn listed(
    table: &DeTable<'_>,
    (at, key): (String, &str),
    source: &impl Fn(&str) -> Source,
    rows: &mut Vec<Row>,
) {
    let row = |key: String, value| Row { source: source(&key), key, value };
    let Some((head, rest)) = key.split_once('.') else {
        let value = table.get(key).map_or(Value::Null, |value| shown(value.get_ref()));
        return rows.push(row(format!("{at}.{key}"), value));
    };
    let name = head.trim_end_matches("[]");
    match table.get(name).map(Spanned::get_ref) {
        Some(DeValue::Table(inner)) => listed(inner, (format!("{at}.{name}"), rest), source, rows),
        Some(DeValue::Array(all)) if !all.is_empty() => {
            for (n, one) in all.iter().enumerate() {
                if let DeValue::Table(inner) = one.get_ref() {
                    listed(inner, (format!("{at}.{name}[{n}]"), rest), source, rows);
                }
            }
        }
        _ if head == name => rows.push(row(format!("{at}.{key}"), Value::Null)),
        // One row for the whole array, whatever each of its elements would have.
        _ => rows.push(row(format!("{at}.{name}"), Value::Array(Vec::new()))),
    }
}

/// A value in JSON.
fn shown(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Array(all) => all.iter().map(|one| shown(one.get_ref())).collect(),
        DeValue::Integer(number) => number.as_str().parse::<i64>().map_or(Value::Null, Value::from),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => Value::Null,
    }
}
