//! Text to a tree of located values: YAML 1.2 core schema, and JSON as its subset. Knows nothing of agreements.
//!
//! What makes one text mean two things to two readers (anchors, tags, duplicate keys, more documents, octal-looking
//! numbers, invisible direction marks) is refused here.

use super::diagnostic::{DIAGNOSTICS_MAX, Diagnostic, segment, shown};
use super::lexical::{Lexed, hidden_character, number, paired};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use std::collections::HashSet;

/// The longest text that is read, in bytes.
pub const SOURCE_BYTES_MAX: usize = 4 << 20;
/// The deepest nesting.
pub(super) const DEPTH_MAX: usize = 32;
/// The most values in one document.
pub(super) const VALUES_MAX: usize = 200_000;
/// The largest magnitude of an integer that every JSON reader keeps exactly.
pub(super) const INTEGER_MAX: i64 = (1 << 53) - 1;

/// A value and where it starts.
pub(super) struct Node {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) value: Value,
}

/// What a node holds.
pub(super) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Refused already; whoever meets it says no more.
    Refused,
}

/// One member of a map.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) node: Node,
}

/// A container that is still open.
enum Open {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, names: HashSet<String>, key: Option<(String, u32, u32)> },
}

struct Frame {
    line: u32,
    column: u32,
    open: Open,
}

struct Builder {
    stack: Vec<Frame>,
    root: Option<Node>,
    documents: usize,
    values: usize,
    found: Vec<Diagnostic>,
}

/// Nothing more can be read.
struct Stop;

/// The tree, as far as it could be read, and what is wrong with it.
pub(super) fn parse(text: &str) -> (Option<Node>, Vec<Diagnostic>) {
    let mut builder =
        Builder { stack: Vec::new(), root: None, documents: 0, values: 0, found: Vec::new() };
    if text.len() > SOURCE_BYTES_MAX {
        let message = format!("the text is longer than {SOURCE_BYTES_MAX} bytes");
        builder.refuse((1, 1), "source-too-long", message, "split it into several collaborations");
        return (None, builder.found);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(at) = hidden_character(text) {
        let message = "the text holds a control or direction character that readers do not see";
        builder.refuse(at, "hidden-character", message, "remove it, or write it as an escape");
        return (None, builder.found);
    }
    if builder.run(&paired(text)).is_err() {
        return (None, builder.found);
    }
    if builder.root.is_none() {
        builder.refuse(
            (1, 1),
            "empty-document",
            "there is no agreement here",
            "start with `agreement: v1`",
        );
    }
    (builder.root, builder.found)
}

fn place(mark: &Marker) -> (u32, u32) {
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (small(mark.line()).max(1), small(mark.col()).saturating_add(1))
}

impl Builder {
    fn refuse(
        &mut self,
        (line, column): (u32, u32),
        code: &'static str,
        message: impl Into<String>,
        help: &str,
    ) {
        if self.found.len() < DIAGNOSTICS_MAX {
            let (path, message, help) = (self.path(), message.into(), help.to_owned());
            self.found.push(Diagnostic { code, path, line, column, message, help });
        }
    }

    fn path(&self) -> String {
        let part = |frame: &Frame| match &frame.open {
            Open::List(items) => Some(items.len().to_string()),
            Open::Map { key, .. } => key.as_ref().map(|(name, _, _)| segment(name)),
        };
        self.stack.iter().filter_map(part).collect::<Vec<_>>().join(".")
    }

    fn run(&mut self, text: &str) -> Result<(), Stop> {
        let mut parser = Parser::new_from_str(text);
        loop {
            match parser.next_event() {
                None | Some(Ok((Event::StreamEnd, _))) => return Ok(()),
                Some(Ok((event, span))) => self.event(event, place(&span.start))?,
                Some(Err(error)) => {
                    let message = format!("not YAML or JSON from here: {}", error.info());
                    let help =
                        "check indentation, quotes and brackets; `*`, `&` and `!` need quotes";
                    self.refuse(place(error.marker()), "syntax", message, help);
                    return Err(Stop);
                }
            }
        }
    }

    fn event(&mut self, event: Event<'_>, at: (u32, u32)) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.refuse(
                        at,
                        "many-documents",
                        "a second document starts here",
                        "one text is one agreement",
                    );
                    return Err(Stop);
                }
                Ok(())
            }
            Event::Alias(_) => {
                self.refuse(
                    at,
                    "alias",
                    "aliases are refused",
                    "write the value out where it is used",
                );
                self.scalar(Value::Refused, "*", at)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let ok = self.plain(anchor, tag.is_some(), at);
                let value = if ok { self.resolve(&text, style, at) } else { Value::Refused };
                self.scalar(value, &text, at)
            }
            Event::SequenceStart(anchor, tag) => {
                self.plain(anchor, tag.is_some(), at);
                self.open(Open::List(Vec::new()), at)
            }
            Event::MappingStart(anchor, tag) => {
                self.plain(anchor, tag.is_some(), at);
                self.open(Open::Map { entries: Vec::new(), names: HashSet::new(), key: None }, at)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    /// Refuses anchors and tags.
    fn plain(&mut self, anchor: usize, tagged: bool, at: (u32, u32)) -> bool {
        if anchor != 0 {
            self.refuse(at, "anchor", "anchors are refused", "remove the `&name`");
        }
        if tagged {
            self.refuse(
                at,
                "tag",
                "tags are refused",
                "remove the `!tag`; quote a text, write a number plainly",
            );
        }
        anchor == 0 && !tagged
    }

    fn counted(&mut self, at: (u32, u32)) -> Result<(), Stop> {
        self.values += 1;
        if self.values > VALUES_MAX {
            let message = format!("there are more than {VALUES_MAX} values");
            self.refuse(at, "too-many-values", message, "split it into several collaborations");
            return Err(Stop);
        }
        Ok(())
    }

    fn awaits_key(&self) -> bool {
        self.stack.last().is_some_and(|f| matches!(f.open, Open::Map { key: None, .. }))
    }

    fn open(&mut self, open: Open, at: (u32, u32)) -> Result<(), Stop> {
        self.counted(at)?;
        if self.awaits_key() {
            self.refuse(at, "bad-key", "a field's name must be a text", "write `name: value`");
            return Err(Stop);
        }
        if self.stack.len() >= DEPTH_MAX {
            let message = format!("nested deeper than {DEPTH_MAX} levels");
            self.refuse(at, "too-deep", message, "an agreement needs no more than ten");
            return Err(Stop);
        }
        self.stack.push(Frame { line: at.0, column: at.1, open });
        Ok(())
    }

    fn close(&mut self) {
        let Some(Frame { line, column, open }) = self.stack.pop() else {
            return;
        };
        let value = match open {
            Open::List(items) => Value::List(items),
            Open::Map { entries, .. } => Value::Map(entries),
        };
        self.attach(Node { line, column, value });
    }

    fn scalar(&mut self, value: Value, text: &str, at: (u32, u32)) -> Result<(), Stop> {
        self.counted(at)?;
        if !self.awaits_key() {
            self.attach(Node { line: at.0, column: at.1, value });
            return Ok(());
        }
        let fresh = match self.stack.last_mut().map(|frame| &mut frame.open) {
            Some(Open::Map { names, key, .. }) => {
                *key = Some((text.to_owned(), at.0, at.1));
                names.insert(text.to_owned())
            }
            Some(Open::List(_)) | None => true,
        };
        if !fresh {
            let message = format!("{} is written twice in one place", shown(text));
            self.refuse(at, "duplicate-key", message, "keep one of them");
        }
        Ok(())
    }

    fn attach(&mut self, node: Node) {
        match self.stack.last_mut().map(|frame| &mut frame.open) {
            None => self.root = Some(node),
            Some(Open::List(items)) => items.push(node),
            Some(Open::Map { entries, names, key }) => {
                if let Some((name, line, column)) = key.take()
                    && entries.len() < names.len()
                {
                    entries.push(Entry { name, line, column, node });
                }
            }
        }
    }

    fn resolve(&mut self, text: &str, style: ScalarStyle, at: (u32, u32)) -> Value {
        if style != ScalarStyle::Plain || self.awaits_key() {
            return Value::Text(text.to_owned());
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
            "true" | "True" | "TRUE" => return Value::Boolean(true),
            "false" | "False" | "FALSE" => return Value::Boolean(false),
            _ => {}
        }
        match number(text) {
            Lexed::Text => Value::Text(text.to_owned()),
            Lexed::Integer(n) => Value::Integer(n),
            Lexed::Float(n) => Value::Float(n),
            Lexed::Ambiguous => {
                let message = "readers disagree on what this number is";
                self.refuse(
                    at,
                    "ambiguous-number",
                    message,
                    "write it in decimal without leading zeros, or quote a text",
                );
                Value::Refused
            }
            Lexed::Overflow => {
                let help = "integers up to 9007199254740991 and finite floats are exact everywhere; quote a text";
                self.refuse(at, "number-overflow", "this number can't be kept exactly", help);
                Value::Refused
            }
        }
    }
}
