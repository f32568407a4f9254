//! Names and texts as they stand inside a statement where nothing can be bound. Must not know any statement.

use crate::error::{Error, Invalid, Result};
use std::fmt;

const LENGTH_MAX: usize = 255;

/// A name of an object or column, exact in case. Shows itself quoted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identifier(String);

impl Identifier {
    /// A name: any signs but NUL, 255 of them at most.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let fits = (1..=LENGTH_MAX).contains(&name.chars().count()) && !name.contains('\0');
        if fits { Ok(Self(name)) } else { Err(Error::invalid(Invalid::Identifier)) }
    }

    /// In double quotes, each quote of its own doubled.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0.replace('"', "\"\""))
    }

    /// As it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Names one below the other, quoted, with dots between.
    #[must_use]
    pub fn path(names: &[Self]) -> String {
        names.iter().map(Self::quoted).collect::<Vec<_>>().join(".")
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.quoted())
    }
}

/// A text in single quotes, for the places of DDL that take no bindings (comments, URLs). Backslashes are escapes there.
pub fn text_literal(text: &str) -> Result<String> {
    if text.contains('\0') {
        return Err(Error::invalid(Invalid::Text));
    }
    Ok(format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    //! Quoting is undone by reading, whatever stands inside.
    use super::*;
    use proptest::prelude::*;

    /// What a lexer makes of a quoted name, and what it leaves.
    fn read(text: &str, quote: char, escapes: bool) -> Option<(String, &str)> {
        let mut found = String::new();
        let mut rest = text.strip_prefix(quote)?;
        loop {
            let sign = rest.chars().next()?;
            rest = rest.strip_prefix(sign)?;
            if sign == '\\' && escapes {
                let next = rest.chars().next()?;
                rest = rest.strip_prefix(next)?;
                found.push(next);
            } else if sign != quote {
                found.push(sign);
            } else if let Some(after) = rest.strip_prefix(quote) {
                found.push(quote);
                rest = after;
            } else {
                return Some((found, rest));
            }
        }
    }

    #[test]
    fn names_that_cannot_be() {
        for name in [String::new(), "a\0b".to_owned(), "x".repeat(256)] {
            assert!(Identifier::new(name).is_err());
        }
        assert!(Identifier::new("ü".repeat(255)).is_ok());
        assert!(text_literal("a\0b").is_err());
    }

    #[test]
    fn a_path() {
        let names = ["D", "s\"x", "T.U"].map(|n| Identifier::new(n).unwrap());
        assert_eq!(Identifier::path(&names), "\"D\".\"s\"\"x\".\"T.U\"");
    }

    proptest! {
        #[test]
        fn a_quoted_name_reads_as_itself(name in "[^\0]{1,40}") {
            let quoted = Identifier::new(name.clone()).unwrap().to_string();
            prop_assert_eq!(read(&quoted, '"', false), Some((name, "")));
        }

        #[test]
        fn a_literal_reads_as_itself(text in "[^\0]{0,40}") {
            let quoted = text_literal(&text).unwrap();
            prop_assert_eq!(read(&quoted, '\'', true), Some((text, "")));
        }
    }
}
