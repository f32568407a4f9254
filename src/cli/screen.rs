//! Where a command's words go: tables and sentences for people, or one JSON object for machines. Never both.

use comfy_table::{ContentArrangement, Table, TableComponent, presets};
use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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

    /// Whether a machine looks.
    #[must_use]
    pub(super) const fn is_json(self) -> bool {
        self.json
    }

    /// Says a line to people; machines don't see it.
    pub(super) fn say(self, line: impl AsRef<str>) {
        if !self.json {
            put(line.as_ref());
        }
    }

    /// A heading, bold on a terminal.
    pub(super) fn heading(self, line: &str) {
        if std::io::stdout().is_terminal() {
            self.say(format!("\n\u{1b}[1m{line}\u{1b}[0m"));
        } else {
            self.say(format!("\n{line}"));
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
            .remove_style(TableComponent::HorizontalLines)
            .remove_style(TableComponent::MiddleIntersections)
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
            let mut value = value.clone();
            value.sort_all_objects();
            put(&value.to_string());
        }
    }

    /// A progress line on the error stream, for people at a terminal, shown after two seconds.
    #[must_use]
    pub(super) fn progress(self, what: &str) -> Progress {
        let shown = !self.json && std::io::stderr().is_terminal();
        Progress { bar: None, what: what.to_owned(), started: std::time::Instant::now(), shown }
    }
}

/// A spinner with rows and bytes that appears once something has taken two seconds.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<indicatif::ProgressBar>,
    what: String,
    started: std::time::Instant,
    shown: bool,
}

impl Progress {
    /// Tells how far it is.
    pub(super) fn tell(&mut self, rows: u64, bytes: u64) {
        if !self.shown || self.started.elapsed() < Duration::from_secs(2) {
            return;
        }
        let bar = self.bar.get_or_insert_with(indicatif::ProgressBar::new_spinner);
        bar.set_message(format!(
            "{}: {} rows, {}",
            self.what,
            indicatif::HumanCount(rows),
            indicatif::HumanBytes(bytes)
        ));
        bar.tick();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Text that is the command's output in both modes: a schema.
pub(super) fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        // A closed pipe (`| head`) is the reader's choice, not a failure of the command.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            LOST.store(true, Ordering::Relaxed);
        }
        Ok(()) | Err(_) => {}
    }
}

/// Whether something that was to be shown could not be written.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether the output is not whole.
pub(super) fn lost() -> bool {
    LOST.load(Ordering::Relaxed)
}
