//! A query in the language of templates: names plain where they can be, one clause a line. Knows nothing of what it means.

use super::{Unheard, unheard};
use sqlparser::ast::Query;
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::ALL_KEYWORDS;
use sqlparser::tokenizer::{Token, Tokenizer, Word};

/// The text of a query.
pub(super) fn printed(query: &Query) -> Result<String, Unheard> {
    let whole = words(&query.to_string())?;
    let shown = words(&format!("{query:#}"))?;
    // Lines are for people: where they would change a literal, there is one.
    Ok(if signs(&shown)? == signs(&whole)? { shown } else { whole })
}

fn tokens(text: &str) -> Result<Vec<Token>, Unheard> {
    let tokens = Tokenizer::new(&GenericDialect {}, text).with_unescape(false).tokenize();
    tokens.or_else(|_| unheard("a text that can't be written again", "one SELECT in Spark SQL"))
}

fn signs(text: &str) -> Result<Vec<Token>, Unheard> {
    let mut signs = tokens(text)?;
    signs.retain(|token| !matches!(token, Token::Whitespace(_)));
    Ok(signs)
}

/// The same text with its names in the quotes of the language, or in none.
fn words(text: &str) -> Result<String, Unheard> {
    let mut said = String::with_capacity(text.len());
    let mut last = String::new();
    for token in tokens(text)? {
        let named = last == "." || last.eq_ignore_ascii_case("AS");
        let written = if let Token::Word(word) = &token
            && word.quote_style.is_some()
        {
            name(word, named)
        } else {
            token.to_string()
        };
        if !matches!(token, Token::Whitespace(_)) {
            last.clone_from(&written);
        }
        said.push_str(&written);
    }
    Ok(said)
}

fn name(word: &Word, named: bool) -> String {
    let value = &word.value;
    let first = value.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
    let plain = value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let keyword = ALL_KEYWORDS.iter().any(|known| known.eq_ignore_ascii_case(value));
    if first && plain && (named || !keyword) {
        return value.clone();
    }
    format!("\"{}\"", value.replace('"', "\"\""))
}
