//! What a recipient asks of a table: the format that it reads, by its header `delta-sharing-capabilities`; and the body of a query. Hints are hints:
//! none of them keeps a row back. What can't be told apart from a table that changes is refused. Must not know what a table is.

use super::VERSION;
use crate::error::{Error, Result};
use serde::Deserialize;

/// Lines of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// As the first version of the protocol has them.
    Parquet,
    /// With what a Delta table has in them.
    Delta,
}

impl Format {
    /// As the header has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Delta => "delta",
        }
    }
}

/// What a client says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wants {
    pub(crate) format: Format,
    /// Whether a last line says that the answer is whole.
    pub(crate) end: bool,
}

impl Wants {
    /// Read from the header; without one, or without a format in it, a client of the first version. What else stands there is no concern of a
    /// result's.
    pub(crate) fn read(header: Option<&str>) -> Result<Self> {
        let header = header.unwrap_or_default().to_ascii_lowercase();
        let parts = header.split(';').filter_map(|part| part.split_once('='));
        let parts = parts.map(|(name, value)| (name.trim(), value.trim()));
        let mut wants = Self { format: Format::Parquet, end: false };
        for (name, value) in parts {
            if name == "includeendstreamaction" {
                wants.end = value == "true";
            }
            if name == "responseformat" {
                let named =
                    |format: Format| value.split(',').any(|one| one.trim() == format.name());
                wants.format = match (named(Format::Parquet), named(Format::Delta)) {
                    (true, _) => Format::Parquet,
                    (false, true) => Format::Delta,
                    (false, false) => return Err(unsupported("a format that is not written here")),
                };
            }
        }
        Ok(wants)
    }

    /// The header of the answer.
    pub(crate) fn told(self) -> String {
        let end = if self.end { ";includeendstreamaction=true" } else { "" };
        format!("responseformat={}{end}", self.format.name())
    }
}

/// The body of a query.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Query {
    /// Rows that are enough.
    limit_hint: Option<u64>,
    version: Option<i64>,
    timestamp: Option<serde_json::Value>,
    starting_version: Option<serde_json::Value>,
    ending_version: Option<serde_json::Value>,
    starting_timestamp: Option<serde_json::Value>,
    /// Files that one answer has at most.
    max_files: Option<u32>,
    /// Where a page goes on.
    pub(crate) page_token: Option<String>,
}

impl Query {
    /// Read from a body; an empty one asks for everything.
    pub(crate) fn read(body: &[u8]) -> Result<Self> {
        let unread = |_| {
            Error::invalid("share-query-invalid", "the query can't be read")
                .help("a JSON object as the protocol has it")
        };
        let body = if body.is_empty() { b"{}" } else { body };
        let said: serde_json::Map<_, _> = serde_json::from_slice(body).map_err(unread)?;
        let query: Self = serde_json::from_value(said.into()).map_err(unread)?;
        query.is_of_now()?;
        Ok(query)
    }

    fn is_of_now(&self) -> Result<()> {
        let of_changes = [&self.starting_version, &self.ending_version, &self.starting_timestamp];
        if of_changes.into_iter().any(Option::is_some) {
            return Err(unsupported("changes between versions"));
        }
        if self.timestamp.is_some() {
            return Err(unsupported("a table as it was at a time"));
        }
        version(self.version)
    }

    /// Which of so many files, each with its rows, it is told of: until there are rows enough, and no more than a page.
    pub(crate) fn page(&self, from: usize, rows: &[u64]) -> std::ops::Range<usize> {
        let enough = self.limit_hint.map_or(rows.len(), |limit| {
            let mut before = 0_u64;
            let needed = rows.iter().take_while(|rows| {
                let needed = before < limit;
                before = before.saturating_add(**rows);
                needed
            });
            needed.count().max(1)
        });
        let enough = enough.min(rows.len());
        let page = self.max_files.map_or(enough, |max| usize::try_from(max.max(1)).unwrap_or(1));
        let from = from.min(enough);
        from..from.saturating_add(page).min(enough)
    }
}

/// Refuses another version of a table than the one there is.
pub(crate) fn version(asked: Option<i64>) -> Result<()> {
    if asked.is_none_or(|asked| asked == VERSION) {
        return Ok(());
    }
    Err(unsupported("another version than the one there is"))
}

pub(crate) fn unsupported(what: &str) -> Error {
    Error::invalid("share-unsupported", format!("a shared result does not have this: {what}"))
        .help("the whole result, in its one version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_answered_in_a_format_that_it_reads() {
        let of = |header: Option<&str>| Wants::read(header).map(|wants| (wants.format, wants.end));
        for (header, format, end) in [
            (None, Format::Parquet, false),
            (Some(""), Format::Parquet, false),
            (
                Some("responseformat=delta,parquet;readerfeatures=deletionvectors"),
                Format::Parquet,
                false,
            ),
            (Some("ResponseFormat = Delta ; includeEndStreamAction=true"), Format::Delta, true),
            (Some("responseformat=parquet;includeendstreamaction=false"), Format::Parquet, false),
            (Some("asyncquery=true;;=;x"), Format::Parquet, false),
        ] {
            assert_eq!(of(header), Ok((format, end)), "{header:?}");
        }
        let code = of(Some("responseformat=iceberg")).unwrap_err().code;
        assert_eq!(code, "share-unsupported");
    }

    #[test]
    fn hints_are_read_and_what_asks_for_another_table_is_refused() {
        for good in [
            "",
            "{}",
            r#"{"version":0}"#,
            r#"{"limitHint":3,"jsonPredicateHints":"{\"op\":\"equal\"}","predicateHints":["a = 1"]}"#,
            r#"{"includeRefreshToken":true,"idempotencyKey":"x"}"#,
        ] {
            assert!(Query::read(good.as_bytes()).is_ok(), "{good}");
        }
        for (bad, code) in [
            (r#"{"version":1}"#, "share-unsupported"),
            (r#"{"version":-1}"#, "share-unsupported"),
            (r#"{"timestamp":"2026-01-01T00:00:00Z"}"#, "share-unsupported"),
            (r#"{"startingVersion":0}"#, "share-unsupported"),
            ("[]", "share-query-invalid"),
            ("{", "share-query-invalid"),
            (r#"{"limitHint":-1}"#, "share-query-invalid"),
            (r#"{"maxFiles":"3"}"#, "share-query-invalid"),
        ] {
            assert_eq!(Query::read(bad.as_bytes()).unwrap_err().code, code, "{bad}");
        }
    }

    #[test]
    fn pages_have_every_file_once_and_a_limit_has_enough_rows() {
        let rows = [5, 5, 5, 1];
        let of = |limit_hint, max_files| Query { limit_hint, max_files, ..Query::default() };
        assert_eq!(of(None, None).page(0, &rows), 0..4);
        for (limit, files) in [(0, 1), (1, 1), (5, 1), (6, 2), (15, 3), (16, 4), (99, 4)] {
            assert_eq!(of(Some(limit), None).page(0, &rows), 0..files, "{limit}");
        }
        for max in 0..6 {
            let (query, mut from, mut seen) = (of(None, Some(max)), 0, Vec::new());
            while from < rows.len() {
                let page = query.page(from, &rows);
                assert!(!page.is_empty() && page.len() <= max.max(1) as usize);
                from = page.end;
                seen.extend(page);
            }
            assert_eq!(seen, [0, 1, 2, 3]);
        }
        assert_eq!(of(Some(6), Some(1)).page(1, &rows), 1..2);
        assert_eq!(of(None, None).page(9, &rows), 4..4);
        assert_eq!(of(None, None).page(0, &[]), 0..0);
    }
}
