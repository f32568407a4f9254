//! A statement with all that goes with it, and the document that it is sent as. Must not know any connection.

use crate::binding::{Binding, Sent};
use crate::error::{Error, ErrorKind, Fate, Invalid, Result};
use bytes::Bytes;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

const TEXT_MAX: usize = 1_000_000;
const TIMEOUT_S_MAX: u32 = 604_800;
const PARAMETER_MAX: usize = 2_000;
const COUNT: &str = "MULTI_STATEMENT_COUNT";

/// Where a statement runs, by names exactly as Snowflake shows them. What is not said is the user's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Context {
    /// Its role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Its warehouse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<String>,
    /// Its database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Its schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
}

/// A statement, or several when that is asked for. Its `Debug` shows neither text nor values.
#[derive(Clone, PartialEq)]
pub struct Statement {
    text: String,
    bindings: Vec<Binding>,
    context: Context,
    parameters: BTreeMap<String, String>,
    timeout_s: Option<u32>,
    several: Option<u32>,
    asynchronous: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    statement: &'a str,
    #[serde(flatten)]
    context: &'a Context,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<u32>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    bindings: BTreeMap<String, Sent>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<String, String>,
}

impl Statement {
    /// A statement of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            bindings: Vec::new(),
            context: Context::default(),
            parameters: BTreeMap::new(),
            timeout_s: None,
            several: None,
            asynchronous: false,
        }
    }

    /// With one value more, for the next `?`.
    #[must_use]
    pub fn bind(mut self, value: Binding) -> Self {
        self.bindings.push(value);
        self
    }

    /// Where it runs.
    #[must_use]
    pub fn within(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    /// With a session parameter. Those that change how results are spelled are refused when it is sent.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parameters.insert(name.to_ascii_uppercase(), value.into());
        self
    }

    /// With a tag that stands in the query history.
    #[must_use]
    pub fn query_tag(self, tag: impl Into<String>) -> Self {
        self.parameter("QUERY_TAG", tag)
    }

    /// After how many seconds Snowflake ends it.
    #[must_use]
    pub fn timeout_s(mut self, seconds: u32) -> Self {
        self.timeout_s = Some(seconds);
        self
    }

    /// It is several statements: so many, or any number (0). They are no transaction, and take no bindings.
    #[must_use]
    pub fn several(mut self, count: u32) -> Self {
        self.several = Some(count);
        self
    }

    /// Snowflake answers with a handle at once: for what takes long.
    #[must_use]
    pub fn asynchronous(mut self) -> Self {
        self.asynchronous = true;
        self
    }

    pub(crate) fn is_asynchronous(&self) -> bool {
        self.asynchronous
    }

    fn check(&self) -> Result<()> {
        let wrong = if self.text.trim().is_empty() || self.text.len() > TEXT_MAX {
            Some(Invalid::StatementSize)
        } else if self.several.is_some_and(|count| count != 1) && !self.bindings.is_empty() {
            Some(Invalid::SeveralWithBindings)
        } else if self.timeout_s.is_some_and(|s| !(1..=TIMEOUT_S_MAX).contains(&s)) {
            Some(Invalid::Timeout)
        } else if self.parameters.iter().any(|(name, value)| !is_parameter(name, value)) {
            Some(Invalid::Parameter)
        } else {
            None
        };
        wrong.map_or(Ok(()), |what| Err(Error::invalid(what)))
    }

    /// The document that is sent.
    pub(crate) fn document(&self) -> Result<Bytes> {
        self.check()?;
        let bindings = self.bindings.iter().enumerate();
        let bindings = bindings.map(|(at, value)| Ok(((at + 1).to_string(), value.sent()?)));
        let mut parameters = self.parameters.clone();
        if let Some(count) = self.several {
            parameters.insert(COUNT.to_owned(), count.to_string());
        }
        let document = Document {
            statement: &self.text,
            context: &self.context,
            timeout: self.timeout_s,
            bindings: bindings.collect::<Result<_>>()?,
            parameters,
        };
        let bytes = serde_json::to_vec(&document);
        bytes.map(Bytes::from).map_err(|_| Error::new(ErrorKind::Internal, Fate::NotStarted))
    }
}

/// Results are read in one spelling; a parameter that changes it is none that can be set.
fn is_parameter(name: &str, value: &str) -> bool {
    let sign = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (1..=255).contains(&name.len())
        && name.chars().all(sign)
        && name != COUNT
        && !name.ends_with("_OUTPUT_FORMAT")
        && value.len() <= PARAMETER_MAX
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement")
            .field("bytes", &self.text.len())
            .field("bindings", &self.bindings.len())
            .field("several", &self.several)
            .field("asynchronous", &self.asynchronous)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    //! The document, and what is refused before it is sent.
    use super::*;

    #[test]
    fn the_document() {
        let context = Context { role: Some("R".to_owned()), ..Context::default() };
        let statement = Statement::new("SELECT ?")
            .bind(Binding::text("it's"))
            .within(context)
            .query_tag("airlock")
            .timeout_s(60);
        let sent: serde_json::Value =
            serde_json::from_slice(&statement.document().unwrap()).unwrap();
        let expected = serde_json::json!({
            "statement": "SELECT ?", "role": "R", "timeout": 60,
            "bindings": { "1": { "type": "TEXT", "value": "it's" } },
            "parameters": { "QUERY_TAG": "airlock" },
        });
        assert_eq!(sent, expected);
        let plain = Statement::new("SHOW SHARES").document().unwrap();
        assert_eq!(&plain[..], br#"{"statement":"SHOW SHARES"}"#);
        let several = Statement::new("A; B").several(2).document().unwrap();
        assert!(several.ends_with(br#""parameters":{"MULTI_STATEMENT_COUNT":"2"}}"#));
    }

    #[test]
    fn what_cannot_be_sent() {
        let select = || Statement::new("SELECT 1");
        let wrong = [
            (Statement::new(" \n"), Invalid::StatementSize),
            (Statement::new("x".repeat(TEXT_MAX + 1)), Invalid::StatementSize),
            (select().several(2).bind(Binding::Fixed(1)), Invalid::SeveralWithBindings),
            (select().timeout_s(0), Invalid::Timeout),
            (select().timeout_s(604_801), Invalid::Timeout),
            (select().parameter("date_output_format", "X"), Invalid::Parameter),
            (select().parameter("multi_statement_count", "0"), Invalid::Parameter),
            (select().parameter("A B", ""), Invalid::Parameter),
            (select().parameter("A", "x".repeat(2_001)), Invalid::Parameter),
            (select().bind(Binding::Real(f64::NAN)), Invalid::Binding),
        ];
        for (statement, what) in wrong {
            let error = statement.document().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid(what));
        }
        assert!(Statement::new("x".repeat(TEXT_MAX)).document().is_ok());
        let shown = format!("{:?}", Statement::new("zqsentinel").bind(Binding::text("zqvalue")));
        assert!(!shown.contains("zq"), "{shown}");
    }
}
