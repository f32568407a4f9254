//! A guarded text as Spark SQL says it, for AWS Clean Rooms. The guard's own text is translated sign by sign, by closed lists
//! of words, functions, types and operators: what is not listed is refused, so nothing passes that was not thought about.
//! Must not know the guard's rules or any platform's client.
//!
//! Names of the physical tables are those of the datasets; each dataset enters as a stage `airlock_NAME` with its consent, row
//! filters, bounds of parameters and tokens. Where Spark means something else than the engine of the native room, the text says which is meant.

mod call;
mod tree;
mod word;

#[cfg(test)]
mod tests;

pub use crate::unsaid::Unsaid;

use crate::guard::Guarded;
use crate::model::{DatasetName, Digest};
use crate::unsaid::{Said, unsaid};
use serde::Serialize;
use sqlparser::tokenizer::{Token, Whitespace};
use std::collections::BTreeSet;
use tree::Part;

/// A template in Spark SQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SparkText {
    /// The text; parameters stand as `:name`.
    pub sql: String,
    /// The digest of the text.
    pub digest: Digest,
}

/// The same text in Spark SQL, or why there is none.
pub fn spark(guarded: &Guarded) -> Result<SparkText, Unsaid> {
    let parts = tree::parts(&guarded.bounded)?;
    let datasets = guarded.datasets.keys().collect();
    let sql = Speaker { datasets }.say(&parts)?;
    Ok(SparkText { digest: Digest::of(sql.as_bytes()), sql })
}

/// Says parts of one text.
struct Speaker<'a> {
    datasets: BTreeSet<&'a DatasetName>,
}

impl Speaker<'_> {
    fn say(&self, parts: &[Part]) -> Said {
        let mut text = String::new();
        let mut rest = parts;
        // The last word or sign that was no space.
        let mut before = String::new();
        while let [first, after @ ..] = rest {
            rest = after;
            match first {
                Part::Sign(Token::Whitespace(space)) => {
                    text.push_str(spaced(space));
                    continue;
                }
                Part::Group(inner) => text.extend(["(", &self.say(inner)?, ")"]),
                Part::Sign(Token::Word(word)) => {
                    let said;
                    (said, rest) = match word.quote_style {
                        Some('"') => self.name(&word.value, &before, after)?,
                        None => self.word(&word.value, after)?,
                        Some(_) => return unsaid("a word quoted otherwise", "a guarded text"),
                    };
                    text.push_str(&said);
                }
                Part::Sign(sign) => text.push_str(&signed(sign)?),
            }
            before = match first {
                Part::Sign(sign) => sign.to_string(),
                Part::Group(_) => String::new(),
            };
        }
        Ok(text)
    }

    /// A quoted name, and what follows it. `"room"."x"` is the physical table; a dataset's stage is told from it.
    fn name<'p>(&self, name: &str, before: &str, after: &'p [Part]) -> Said<(String, &'p [Part])> {
        if let [Part::Group(_), ..] = after {
            return unsaid("a quoted word before brackets", "a function of the list");
        }
        if let ("room", [Part::Sign(Token::Period), Part::Sign(Token::Word(table)), rest @ ..]) =
            (name, after)
        {
            return Ok((quoted(&table.value), rest));
        }
        if self.is_dataset(name) && is_relation(before, after) {
            return Ok((quoted(&format!("airlock_{name}")), after));
        }
        Ok((quoted(name), after))
    }

    /// A function with its arguments, or a keyword; and what follows it.
    fn word<'p>(&self, word: &str, after: &'p [Part]) -> Said<(String, &'p [Part])> {
        match after {
            [Part::Group(arguments), rest @ ..] if word::is_function(word) => {
                Ok((self.call(word, arguments)?, rest))
            }
            _ => Ok((word::keyword(word)?.to_owned(), after)),
        }
    }

    fn is_dataset(&self, name: &str) -> bool {
        self.datasets.iter().any(|dataset| dataset.as_str() == name)
    }
}

/// Whether a name stands where a relation does: read in FROM or JOIN, or defined in WITH.
fn is_relation(before: &str, after: &[Part]) -> bool {
    let mut signs = after.iter().filter(|part| !part.is_space());
    let (next, then) = (signs.next(), signs.next());
    let is_as = matches!(next, Some(Part::Sign(Token::Word(word))) if word.quote_style.is_none() && word.value == "AS");
    match before {
        "FROM" | "JOIN" => !matches!(next, Some(Part::Sign(Token::Period))),
        "WITH" | "," => is_as && matches!(then, Some(Part::Group(_))),
        _ => false,
    }
}

const fn spaced(space: &Whitespace) -> &'static str {
    match space {
        Whitespace::Newline => "\n",
        Whitespace::Space
        | Whitespace::Tab
        | Whitespace::SingleLineComment { .. }
        | Whitespace::MultiLineComment(_) => " ",
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the tokenizer's signs grow; whatever is not named here is refused"
)]
fn signed(sign: &Token) -> Said {
    Ok(match sign {
        Token::Number(digits, false) => digits.clone(),
        Token::SingleQuotedString(value) => literal(value),
        Token::Placeholder(name) => match name.strip_prefix('$') {
            Some(name) if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                format!(":{name}")
            }
            _ => return unsaid("a parameter of this form", "a named parameter"),
        },
        Token::Comma => ",".to_owned(),
        Token::Period => ".".to_owned(),
        Token::Eq => "=".to_owned(),
        Token::Neq => "<>".to_owned(),
        Token::Lt => "<".to_owned(),
        Token::Gt => ">".to_owned(),
        Token::LtEq => "<=".to_owned(),
        Token::GtEq => ">=".to_owned(),
        Token::Plus => "+".to_owned(),
        Token::Minus => "-".to_owned(),
        Token::Mul => "*".to_owned(),
        Token::Div => "/".to_owned(),
        Token::Mod => "%".to_owned(),
        Token::StringConcat => "||".to_owned(),
        _ => return unsaid("a sign outside the list", "the operators of the language"),
    })
}

/// An identifier, quoted as Spark quotes.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text literal: Spark reads backslashes in it, and takes two quotes in a row for two literals.
fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}
