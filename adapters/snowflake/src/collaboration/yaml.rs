//! Specs as texts, and texts of the platform as trees. Must not know what a spec says.
//!
//! A spec is written in YAML's JSON form: every text stands in quotes, nothing is folded and nothing looks like a number that is none.
//! What is read holds texts, lists and maps alone: a comparison needs no types. What makes one text mean two things to two readers
//! (anchors, tags, a key that stands twice, more documents) is not read.

use saphyr_parser::{Event, Parser};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use std::collections::BTreeMap;
use std::io::{Result as Written, Write};

/// The longest text that is read, in bytes.
const BYTES_MAX: usize = 4 << 20;
/// The deepest nesting.
const DEPTH_MAX: usize = 24;

/// What a text of the platform says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Tree {
    /// Any single value, as it was written.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// A map.
    Map(BTreeMap<String, Tree>),
}

impl Tree {
    /// What stands under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.get(key),
            Self::Text(_) | Self::List(_) => None,
        }
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&String, &Self)> {
        match self {
            Self::Map(entries) => Some(entries),
            Self::Text(_) | Self::List(_) => None,
        }
        .into_iter()
        .flatten()
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Text(_) | Self::Map(_) => &[],
        }
    }

    /// A single value.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::List(_) | Self::Map(_) => None,
        }
    }
}

/// JSON that readers of YAML 1.1 and 1.2 alike take for the same: what they would not print, or would fold as a line's end, is
/// written as an escape; an exponent has a point before it and a sign.
struct Yaml(PrettyFormatter<'static>);

/// Whether YAML takes a character in quotes for itself.
const fn is_plain(c: char) -> bool {
    !matches!(
        c,
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
    )
}

impl Formatter for Yaml {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, to: &mut W, text: &str) -> Written<()> {
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| !is_plain(*c)) {
            let (plain, after) = rest.split_at(at);
            to.write_all(plain.as_bytes())?;
            write!(to, "\\u{:04x}", u32::from(c))?;
            rest = after.get(c.len_utf8()..).unwrap_or_default();
        }
        to.write_all(rest.as_bytes())
    }

    fn write_f64<W: ?Sized + Write>(&mut self, to: &mut W, value: f64) -> Written<()> {
        let text = format!("{value:?}");
        let Some((digits, exponent)) = text.split_once('e') else {
            return to.write_all(text.as_bytes());
        };
        let point = if digits.contains('.') { "" } else { ".0" };
        let sign = if exponent.starts_with('-') { "" } else { "+" };
        write!(to, "{digits}{point}e{sign}{exponent}")
    }

    fn begin_array<W: ?Sized + Write>(&mut self, to: &mut W) -> Written<()> {
        self.0.begin_array(to)
    }

    fn end_array<W: ?Sized + Write>(&mut self, to: &mut W) -> Written<()> {
        self.0.end_array(to)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> Written<()> {
        self.0.begin_array_value(to, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, to: &mut W) -> Written<()> {
        self.0.end_array_value(to)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, to: &mut W) -> Written<()> {
        self.0.begin_object(to)
    }

    fn end_object<W: ?Sized + Write>(&mut self, to: &mut W) -> Written<()> {
        self.0.end_object(to)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> Written<()> {
        self.0.begin_object_key(to, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, to: &mut W) -> Written<()> {
        self.0.begin_object_value(to)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, to: &mut W) -> Written<()> {
        self.0.end_object_value(to)
    }
}

/// A spec as a text; nothing of one that holds what has no place in JSON, such as an infinite number.
pub(crate) fn write(spec: &impl Serialize) -> Option<String> {
    let mut text = Vec::new();
    let mut to = Serializer::with_formatter(&mut text, Yaml(PrettyFormatter::with_indent(b"  ")));
    spec.serialize(&mut to).ok()?;
    String::from_utf8(text).ok()
}

/// A container that is still open: what it is, and the key that waits for its value.
enum Open {
    List(Vec<Tree>),
    Map(BTreeMap<String, Tree>, Option<String>),
}

/// A text as a tree; nothing of one that is not read here.
pub(crate) fn read(text: &str) -> Option<Tree> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let (mut stack, mut root, mut documents) = (Vec::new(), None, 0);
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let done = match event.ok()?.0 {
            Event::DocumentStart(_) => {
                documents += 1;
                None
            }
            Event::Scalar(text, _, 0, None) => Some(Tree::Text(text.into_owned())),
            Event::SequenceStart(0, None) => {
                stack.push(Open::List(Vec::new()));
                None
            }
            Event::MappingStart(0, None) => {
                stack.push(Open::Map(BTreeMap::new(), None));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => Some(match stack.pop()? {
                Open::List(items) => Tree::List(items),
                Open::Map(entries, None) => Tree::Map(entries),
                Open::Map(_, Some(_)) => return None,
            }),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => None,
            Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::MappingStart(..) => return None,
        };
        if stack.len() > DEPTH_MAX || documents > 1 {
            return None;
        }
        if let Some(tree) = done {
            put(&mut stack, &mut root, tree)?;
        }
    }
    root
}

fn put(stack: &mut [Open], root: &mut Option<Tree>, tree: Tree) -> Option<()> {
    match stack.last_mut() {
        None => *root = Some(tree),
        Some(Open::List(items)) => items.push(tree),
        Some(Open::Map(entries, key)) => match key.take() {
            None => *key = Some(tree.text()?.to_owned()),
            Some(key) => {
                if entries.insert(key, tree).is_some() {
                    return None;
                }
            }
        },
    }
    Some(())
}

#[cfg(test)]
mod tests {
    //! What is written reads as itself, whatever stands in it; what means two things is not read.
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_another_reader_would_fold_is_an_escape() {
        let text =
            write(&serde_json::json!({ "a": "x\u{2028}\u{85}\u{feff}\t\"\\ü\u{1f600}" })).unwrap();
        assert_eq!(text, "{\n  \"a\": \"x\\u2028\\u0085\\ufeff\\t\\\"\\\\ü\u{1f600}\"\n}");
        assert_eq!(
            write(&[1e16, 1.5e-9, 0.1, -2.0]).unwrap(),
            "[\n  1.0e+16,\n  1.5e-9,\n  0.1,\n  -2.0\n]"
        );
    }

    #[test]
    fn block_and_flow_read_alike() {
        let block = "a:\n  - x\n  - 'it''s'\nb: {c: 1, d: ''}\n";
        let flow = r#"{"a": ["x", "it's"], "b": {"c": 1, "d": ""}}"#;
        assert_eq!(read(block), read(flow));
        assert_eq!(read(block).unwrap().get("a").unwrap().items().len(), 2);
    }

    #[test]
    fn what_means_two_things_is_not_read() {
        let deep = "[".repeat(30) + &"]".repeat(30);
        let wrong = [
            "a: 1\na: 2",
            "a: &x 1\nb: *x",
            "a: !!int 1",
            "a: 1\n---\nb: 2",
            "a: [",
            "[a]: 1",
            &deep,
        ];
        for text in wrong {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_itself(key in any::<String>(), texts in prop::collection::vec(any::<String>(), 0..4)) {
            let spec = BTreeMap::from([(key.clone(), texts.clone())]);
            let tree = read(&write(&spec).unwrap());
            let items = texts.into_iter().map(Tree::Text).collect();
            prop_assert_eq!(tree, Some(Tree::Map(BTreeMap::from([(key, Tree::List(items))]))));
        }
    }
}
