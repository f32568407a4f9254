//! Functions: those of the list under the names and with the meaning that they have in Spark.

use super::tree::{Part, listed, trimmed};
use super::word::type_name;
use super::{Said, Speaker, literal, unsaid};
use sqlparser::tokenizer::Token;

impl Speaker<'_> {
    /// A call of a function of the list.
    pub(super) fn call(&self, name: &str, arguments: &[Part]) -> Said {
        let name = name.to_ascii_uppercase();
        match name.as_str() {
            "CAST" | "TRY_CAST" => self.cast(&name, arguments),
            "EXTRACT" => self.extract(arguments),
            "AIRLOCK_TOKEN" => self.token(&listed(arguments)),
            "AIRLOCK_HASHED" => self.hashed(&listed(arguments)),
            "AIRLOCK_AT_LEAST" => self.at_least(&listed(arguments)),
            "SUBSTR" => self.substr(&listed(arguments)),
            // NULL arguments are left out there and here; Spark's CONCAT of one NULL is NULL.
            "CONCAT" => Ok(format!("CONCAT_WS('', {})", self.say(trimmed(arguments))?)),
            "CHARACTER_LENGTH" => Ok(format!("CHAR_LENGTH({})", self.say(arguments)?)),
            // Whole numbers in Spark.
            "FLOOR" | "CEIL" => Ok(format!("CAST({name}({}) AS DOUBLE)", self.say(arguments)?)),
            _ => Ok(format!("{name}({})", self.say(arguments)?)),
        }
    }

    fn cast(&self, name: &str, arguments: &[Part]) -> Said {
        let misshapen = || unsaid("a cast of this form", "CAST(value AS type)");
        let [value @ .., Part::Sign(Token::Word(to))] = trimmed(arguments) else {
            return misshapen();
        };
        let [value @ .., Part::Sign(Token::Word(by))] = trimmed(value) else { return misshapen() };
        if by.value != "AS" || to.quote_style.is_some() {
            return misshapen();
        }
        Ok(format!("{name}({} AS {})", self.say(trimmed(value))?, type_name(&to.value)?))
    }

    fn extract(&self, arguments: &[Part]) -> Said {
        let [Part::Sign(Token::Word(field)), rest @ ..] = trimmed(arguments) else {
            return unsaid("an EXTRACT of this form", "EXTRACT(field FROM value)");
        };
        let [Part::Sign(Token::Word(from)), value @ ..] = trimmed(rest) else {
            return unsaid("an EXTRACT of this form", "EXTRACT(field FROM value)");
        };
        if from.value != "FROM" {
            return unsaid("an EXTRACT of this form", "EXTRACT(field FROM value)");
        }
        let value = self.say(trimmed(value))?;
        // Sunday is 1 there and 0 here.
        if field.value == "DOW" {
            return Ok(format!("(DAYOFWEEK({value}) - 1)"));
        }
        Ok(format!("EXTRACT({} FROM {value})", super::word::keyword(&field.value)?))
    }

    /// A place before the first character counts backwards in Spark.
    fn substr(&self, arguments: &[&[Part]]) -> Said {
        let [value, from, length @ ..] = arguments else {
            return unsaid("a SUBSTR of this form", "SUBSTR(value, from, length)");
        };
        let from = self.say(from)?;
        if !from.parse().is_ok_and(|place: i64| place >= 1) {
            return unsaid(
                "a SUBSTR from a place that is computed, or before the first",
                "a whole number from 1",
            );
        }
        let length = length.iter().map(|part| self.say(part)).collect::<Said<Vec<_>>>()?;
        let length = length.iter().fold(String::new(), |text, part| format!("{text}, {part}"));
        Ok(format!("SUBSTR({}, {from}{length})", self.say(value)?))
    }

    /// A raw identifier as the hexadecimal SHA-256 of its one form.
    fn token(&self, arguments: &[&[Part]]) -> Said {
        let [[Part::Sign(Token::SingleQuotedString(kind))], column] = arguments else {
            return unsaid("a key of this form", "a match key");
        };
        let (key, normaliser) = kind.rsplit_once(':').unwrap_or((kind, ""));
        if normaliser != "none" {
            let message = format!(
                "match key {key} would be normalised as {normaliser} inside the platform, which has no such function"
            );
            let change = "`airlock prepare` in the owner's domain, and `hashed:` on the key";
            return unsaid(message, change);
        }
        // The native room takes none of more than 1,024 bytes; here they are too long to be written into a shape that every
        // engine reads.
        let column = self.say(column)?;
        Ok(format!("SHA2({}, 256)", shaped(&format!("CAST({column} AS STRING)"), "(?s)^.+$")))
    }

    /// A hashed identifier as 64 lower-case digits; anything else is none.
    fn hashed(&self, arguments: &[&[Part]]) -> Said {
        let [_, [Part::Sign(Token::SingleQuotedString(form))], column] = arguments else {
            return unsaid("a key of this form", "a match key");
        };
        let column = self.say(column)?;
        Ok(match form.as_str() {
            "sha256-hex" | "hmac-hex" => {
                format!("LOWER({})", shaped(&column, "^[0-9A-Fa-f]{64}$"))
            }
            "sha256-bytes" | "hmac-bytes" => {
                format!("LOWER({})", shaped(&format!("HEX({column})"), "^[0-9A-F]{64}$"))
            }
            _ => {
                return unsaid(
                    "a form of hashed key outside the list",
                    "sha256-hex, sha256-bytes, hmac-hex or hmac-bytes",
                );
            }
        })
    }

    /// The threshold in plain words.
    fn at_least(&self, arguments: &[&[Part]]) -> Said {
        let mut all = Vec::new();
        for pair in arguments.chunks(2) {
            let [count, min] = pair else {
                return unsaid("a threshold without its minimum", "a guarded text");
            };
            all.push(format!("{} >= {}", self.say(count)?, self.say(min)?));
        }
        Ok(if let [one] = all.as_slice() {
            one.clone()
        } else {
            format!("({})", all.join(" AND "))
        })
    }
}

/// A text of this shape, NULL otherwise. It is no comparison: the platform refuses those of an identity with a constant.
fn shaped(text: &str, shape: &str) -> String {
    format!("REGEXP_SUBSTR({text}, {})", literal(shape))
}
