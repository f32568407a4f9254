//! Signs of a text with brackets paired. Knows nothing of what they mean.

use super::{Said, unsaid};
use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

/// A sign, or what stands in a pair of brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Sign(Token),
    Group(Vec<Part>),
}

impl Part {
    pub(super) const fn is_space(&self) -> bool {
        matches!(self, Self::Sign(Token::Whitespace(_)))
    }
}

/// The parts of a text.
pub(super) fn parts(sql: &str) -> Said<Vec<Part>> {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
        return unsaid("a text that is not SQL", "a guarded text");
    };
    let mut open: Vec<Vec<Part>> = vec![Vec::new()];
    for token in tokens {
        if token == Token::LParen {
            open.push(Vec::new());
            continue;
        }
        let closes = token == Token::RParen;
        let done = if closes { open.pop().map(Part::Group) } else { Some(Part::Sign(token)) };
        match (done, open.last_mut()) {
            (Some(part), Some(within)) => within.push(part),
            (_, _) => return unsaid("brackets that don't pair", "a guarded text"),
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(parts), true) => Ok(parts),
        (_, _) => unsaid("brackets that don't pair", "a guarded text"),
    }
}

/// Parts between commas, without the spaces around them.
pub(super) fn listed(parts: &[Part]) -> Vec<&[Part]> {
    let items = parts.split(|part| *part == Part::Sign(Token::Comma));
    items.map(trimmed).filter(|item| !item.is_empty()).collect()
}

/// Parts without the spaces around them.
pub(super) fn trimmed(mut parts: &[Part]) -> &[Part] {
    while let [first, rest @ ..] = parts
        && first.is_space()
    {
        parts = rest;
    }
    while let [rest @ .., last] = parts
        && last.is_space()
    {
        parts = rest;
    }
    parts
}
