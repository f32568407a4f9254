//! Where a command's words go: tables and sentences for people, or one JSON object for machines. Never both.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;
use std::io::Write;

/// The terminal, or a pipe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    json: bool,
}

impl Screen {
    /// A screen for people, or for machines.
    #[must_use]
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Says a line to people; machines don't see it.
    pub(super) fn say(self, line: impl AsRef<str>) {
        if !self.json {
            put(line.as_ref());
        }
    }

    /// Shows a table to people.
    pub(super) fn table<R, C>(self, header: &[&str], rows: R)
    where
        R: IntoIterator<Item = Vec<C>>,
        C: ToString,
    {
        let mut table = Table::new();
        table
            .load_preset(presets::UTF8_HORIZONTAL_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(header.iter().map(ToString::to_string));
        for row in rows {
            table.add_row(row.iter().map(ToString::to_string));
        }
        self.say(table.to_string());
    }

    /// The one object that machines get.
    pub(super) fn object(self, value: &Value) {
        if self.json {
            put(&value.to_string());
        }
    }
}

/// Text that is the command's output in both modes: a schema.
pub(super) fn put(text: &str) {
    // A closed pipe (`| head`) is the reader's choice, not a failure of the command.
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
}
