//! Spark SQL as it is written: names in backticks, backslashes in texts. Knows one statement and nothing of what it means.

use super::{Unheard, unheard};
use sqlparser::ast::{Query, Statement};
use sqlparser::dialect::{Dialect, GenericDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};
use std::any::TypeId;

/// The longest text that is read, in bytes, and the most signs in it.
const TEXT_BYTES_MAX: usize = 256 << 10;
const TOKENS_MAX: usize = 64 << 10;
const DEPTH_MAX: usize = 64;

/// The language of templates but for quotes.
#[derive(Debug)]
struct Spark;

impl Dialect for Spark {
    fn dialect(&self) -> TypeId {
        TypeId::of::<GenericDialect>()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_ascii_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_ascii_alphanumeric() || ch == '_'
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }
}

/// The one query that a text is.
pub(super) fn parse(text: &str) -> Result<Query, Unheard> {
    let no = |message: &str| unheard(message, "one SELECT in Spark SQL");
    if text.len() > TEXT_BYTES_MAX {
        return no("the text is longer than 256 KiB");
    }
    let tokens = Tokenizer::new(&Spark, text).with_unescape(false).tokenize();
    let Ok(mut tokens) = tokens else { return no("the text is not SQL") };
    if tokens.len() > TOKENS_MAX {
        return no("the text has too many signs");
    }
    for token in &mut tokens {
        if let Token::SingleQuotedString(raw) = token {
            *raw = literal(raw)?;
        }
    }
    let parser = Parser::new(&Spark).with_recursion_limit(DEPTH_MAX);
    let statements = parser.with_tokens(tokens).parse_statements();
    let Ok(mut statements) = statements else {
        return no("the text is not SQL that is known here, or nests too deeply");
    };
    match (statements.pop(), statements.is_empty()) {
        (Some(Statement::Query(query)), true) => Ok(*query),
        (_, _) => no("the text is no single SELECT"),
    }
}

/// A text literal's value. Only what Airlock itself escapes is read: other signs mean other things in other settings there.
fn literal(raw: &str) -> Result<String, Unheard> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(sign) = rest.next() {
        match sign {
            '\\' => match rest.next() {
                Some(escaped @ ('\\' | '\'')) => value.push(escaped),
                Some(_) | None => {
                    return unheard(
                        "a text literal with an escape that is not read here",
                        r"\\ and \' alone",
                    );
                }
            },
            '\'' => return unheard("two text literals in a row", "one literal"),
            sign => value.push(sign),
        }
    }
    // The library that writes SQL takes these for escapes.
    if value.contains("''") || value.contains("\\'") {
        return unheard("a text literal with quotes side by side", "a literal without them");
    }
    Ok(value)
}
