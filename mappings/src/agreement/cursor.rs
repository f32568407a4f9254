//! Reading a tree field by field and collecting everything that is wrong. Knows shapes, not what an agreement means.

use super::diagnostic::{DIAGNOSTICS_MAX, Diagnostic, listed, nearest, segment, shown, suggestion};
use super::tree::{Entry, Node, Value};
use crate::model::IdError;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The longest text of any field but SQL, in bytes.
const TEXT_BYTES_MAX: usize = 4096;

/// What was found so far.
#[derive(Default)]
pub(super) struct Cx {
    found: Vec<Diagnostic>,
}

impl Cx {
    pub(super) fn new(found: Vec<Diagnostic>) -> Self {
        Self { found }
    }

    /// Everything found, in the order of the text.
    pub(super) fn into_found(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|d| (d.line, d.column));
        self.found
    }

    /// Notes one reason at a place.
    pub(super) fn refuse(
        &mut self,
        at: &Place<'_>,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.found.len() < DIAGNOSTICS_MAX {
            let (path, message, help) = (at.path.clone(), message.into(), help.into());
            self.found.push(Diagnostic {
                code,
                path,
                line: at.line,
                column: at.column,
                message,
                help,
            });
        }
    }

    /// Notes that an identifier does not have its shape.
    pub(super) fn bad_id(&mut self, at: &Place<'_>, name: &str, error: &IdError) {
        let message = format!("{} is no name for {}", shown(name), error.kind);
        let help = format!("{} of at most {} characters", error.pattern, error.length_max);
        self.refuse(at, "bad-identifier", message, help);
    }
}

/// A node and the path that leads to it.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub(super) node: &'a Node,
    pub(super) path: String,
    line: u32,
    column: u32,
}

fn joined(path: &str, next: &str) -> String {
    if path.is_empty() { next.to_owned() } else { format!("{path}.{next}") }
}

impl<'a> Place<'a> {
    pub(super) fn root(node: &'a Node) -> Self {
        Self { node, path: String::new(), line: node.line, column: node.column }
    }

    fn child(&self, name: &str, node: &'a Node) -> Self {
        Self {
            node,
            path: joined(&self.path, &segment(name)),
            line: node.line,
            column: node.column,
        }
    }

    /// The place of a member's name rather than of its value.
    fn name_of(&self, entry: &'a Entry) -> Self {
        let path = joined(&self.path, &segment(&entry.name));
        Self { node: &entry.node, path, line: entry.line, column: entry.column }
    }

    /// The deepest place that exists on a dotted path from here; carries the whole path.
    pub(super) fn seek(&self, path: &str) -> Self {
        let mut at = self.clone();
        for part in path.split('.') {
            let next = match &at.node.value {
                Value::Map(entries) => {
                    entries.iter().find(|e| e.name == part).map(|e| at.child(part, &e.node))
                }
                Value::List(items) => {
                    part.parse::<usize>().ok().and_then(|i| items.get(i)).map(|n| at.child(part, n))
                }
                Value::Null
                | Value::Boolean(_)
                | Value::Integer(_)
                | Value::Float(_)
                | Value::Text(_)
                | Value::Refused => None,
            };
            let Some(next) = next else { break };
            at = next;
        }
        at.path = joined(&self.path, path);
        at
    }

    fn mistyped(&self, cx: &mut Cx, wanted: &str) {
        let found = match &self.node.value {
            Value::Null => "nothing",
            Value::Boolean(_) => "a true or false",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a fraction",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Refused => return,
        };
        let quoting =
            matches!(self.node.value, Value::Boolean(_) | Value::Integer(_) | Value::Float(_))
                && wanted == "a text";
        let help = if quoting { "put it in quotes".to_owned() } else { format!("write {wanted}") };
        cx.refuse(self, "wrong-type", format!("{wanted} is wanted here, not {found}"), help);
    }

    /// A map of which only these fields are known.
    pub(super) fn fields(&self, cx: &mut Cx, known: &[&str]) -> Option<Fields<'a>> {
        let entries = self.map(cx)?;
        for entry in entries.iter().filter(|e| !known.contains(&e.name.as_str())) {
            let message = format!("{} is not a field here", shown(&entry.name));
            cx.refuse(
                &self.name_of(entry),
                "unknown-field",
                message,
                suggestion(&entry.name, known),
            );
        }
        Some(Fields { place: self.clone(), entries })
    }

    fn map(&self, cx: &mut Cx) -> Option<&'a [Entry]> {
        if let Value::Map(entries) = &self.node.value {
            return Some(entries);
        }
        self.mistyped(cx, "a map");
        None
    }

    /// A map from identifiers; those that are none are noted and left out.
    pub(super) fn named<K>(
        &self,
        cx: &mut Cx,
        new: fn(&str) -> Result<K, IdError>,
    ) -> Vec<(K, Self)> {
        let mut out = Vec::new();
        for entry in self.map(cx).unwrap_or_default() {
            match new(&entry.name) {
                Ok(name) => out.push((name, self.child(&entry.name, &entry.node))),
                Err(error) => cx.bad_id(&self.name_of(entry), &entry.name, &error),
            }
        }
        out
    }

    /// The names of a map's members, right or wrong.
    pub(super) fn names(&self) -> BTreeSet<&'a str> {
        if let Value::Map(entries) = &self.node.value {
            entries.iter().map(|e| e.name.as_str()).collect()
        } else {
            BTreeSet::new()
        }
    }

    /// The texts of a list, in order.
    pub(super) fn texts(&self) -> Vec<&'a str> {
        let text = |node: &'a Node| {
            if let Value::Text(text) = &node.value { text.as_str() } else { "" }
        };
        if let Value::List(items) = &self.node.value {
            items.iter().map(text).collect()
        } else {
            Vec::new()
        }
    }

    /// The platforms of a list of rooms, in order.
    pub(super) fn room_names(&self) -> Vec<&'a str> {
        let Value::List(items) = &self.node.value else {
            return Vec::new();
        };
        let name = |node: &'a Node| match &node.value {
            Value::Text(text) => text.as_str(),
            Value::Map(_) => Self::root(node).seek("platform").as_text(),
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::List(_)
            | Value::Refused => "",
        };
        items.iter().map(name).collect()
    }

    fn as_text(&self) -> &'a str {
        if let Value::Text(text) = &self.node.value { text } else { "" }
    }

    /// Whether this is a list without entries.
    pub(super) fn is_empty_list(&self) -> bool {
        matches!(&self.node.value, Value::List(items) if items.is_empty())
    }

    pub(super) fn list(&self, cx: &mut Cx) -> Option<Vec<Self>> {
        if let Value::List(items) = &self.node.value {
            return Some(
                items.iter().enumerate().map(|(i, n)| self.child(&i.to_string(), n)).collect(),
            );
        }
        self.mistyped(cx, "a list");
        None
    }

    /// A list that names nothing twice.
    pub(super) fn set<T: Ord>(
        &self,
        cx: &mut Cx,
        mut read: impl FnMut(&mut Cx, &Self) -> Option<T>,
    ) -> Option<BTreeSet<T>> {
        let mut out = BTreeSet::new();
        for item in self.list(cx)? {
            if let Some(value) = read(cx, &item)
                && !out.insert(value)
            {
                cx.refuse(
                    &item,
                    "duplicate-value",
                    "this entry is in the list already",
                    "keep one of them",
                );
            }
        }
        Some(out)
    }

    /// A text of one line, not empty.
    pub(super) fn text(&self, cx: &mut Cx) -> Option<&'a str> {
        let text = self.any_text(cx)?;
        if text.trim().is_empty()
            || text.len() > TEXT_BYTES_MAX
            || text.chars().any(char::is_control)
        {
            let help = format!("one line of 1 to {TEXT_BYTES_MAX} bytes");
            cx.refuse(
                self,
                "bad-text",
                "this text is empty, too long or has control characters",
                help,
            );
            return None;
        }
        Some(text)
    }

    /// Any text.
    pub(super) fn any_text(&self, cx: &mut Cx) -> Option<&'a str> {
        if let Value::Text(text) = &self.node.value {
            return Some(text);
        }
        self.mistyped(cx, "a text");
        None
    }

    pub(super) fn id<K>(&self, cx: &mut Cx, new: fn(&str) -> Result<K, IdError>) -> Option<K> {
        let text = self.any_text(cx)?;
        new(text).map_err(|error| cx.bad_id(self, text, &error)).ok()
    }

    pub(super) fn boolean(&self, cx: &mut Cx) -> Option<bool> {
        if let Value::Boolean(value) = self.node.value {
            return Some(value);
        }
        self.mistyped(cx, "true or false");
        None
    }

    pub(super) fn integer(&self, cx: &mut Cx, range: &RangeInclusive<u64>) -> Option<u64> {
        let Value::Integer(value) = self.node.value else {
            self.mistyped(cx, "an integer");
            return None;
        };
        let value = u64::try_from(value).ok().filter(|v| range.contains(v));
        if value.is_none() {
            let help = format!("from {} to {}", range.start(), range.end());
            cx.refuse(self, "out-of-range", "this number is out of its range", help);
        }
        value
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, cx: &mut Cx, words: &[(&str, T)]) -> Option<T> {
        let text = self.any_text(cx)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let near = nearest(text, known.iter().copied());
            let help = near.map_or_else(
                || format!("one of: {}", listed(&known)),
                |n| format!("did you mean `{n}`?"),
            );
            cx.refuse(self, "unknown-word", format!("{} is not known here", shown(text)), help);
        }
        found
    }
}

/// A map whose fields were checked.
pub(super) struct Fields<'a> {
    pub(super) place: Place<'a>,
    entries: &'a [Entry],
}

impl<'a> Fields<'a> {
    /// A field that may be missing.
    pub(super) fn get(&self, name: &str) -> Option<Place<'a>> {
        self.entries.iter().find(|e| e.name == name).map(|e| self.place.child(name, &e.node))
    }

    /// A field that may not.
    pub(super) fn need(&self, cx: &mut Cx, name: &str) -> Option<Place<'a>> {
        let found = self.get(name);
        if found.is_none() {
            let message = format!("`{name}` is missing");
            cx.refuse(&self.place, "missing-field", message, format!("add `{name}:`"));
        }
        found
    }

    /// Refuses fields that have no meaning here.
    pub(super) fn forbid(&self, cx: &mut Cx, names: &[&str], code: &'static str, why: &str) {
        for entry in self.entries.iter().filter(|e| names.contains(&e.name.as_str())) {
            let message = format!("`{}` has no meaning {why}", entry.name);
            cx.refuse(&self.place.name_of(entry), code, message, "remove it");
        }
    }
}
