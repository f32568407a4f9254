//! Characters and plain scalars: what hides, how JSON escapes, what looks like a number. Knows no structure.

use super::tree::INTEGER_MAX;
use std::borrow::Cow;

/// Line and column of the first character that shows nothing but changes what is read.
pub(super) fn hidden_character(text: &str) -> Option<(u32, u32)> {
    let (mut line, mut column) = (1u32, 1u32);
    for (index, c) in text.char_indices() {
        let hidden = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}')
            || (c == '\u{feff}' && index > 0)
            || (c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        if hidden {
            return Some((line, column));
        }
        if c == '\n' {
            (line, column) = (line.saturating_add(1), 1);
        } else {
            column = column.saturating_add(1);
        }
    }
    None
}

/// Controls, marks of direction, and what has no width: whoever reads the text does not see them.
#[must_use]
pub const fn shows_nothing(c: char) -> bool {
    matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// JSON writes characters beyond 16 bits as two escapes, YAML as one. Only a text that is JSON throughout is changed.
pub(super) fn paired(text: &str) -> Cow<'_, str> {
    if !text.contains(r"\u") || serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let unit = |from: usize| {
            let hex = escape.get(from..from + 6).and_then(|e| e.strip_prefix(r"\u"))?;
            u16::from_str_radix(hex, 16).ok()
        };
        let pair = unit(0).zip(unit(6)).and_then(|(a, b)| char::decode_utf16([a, b]).next()?.ok());
        let length = if let Some(c) = pair.filter(|c| u32::from(*c) > 0xffff) {
            out.push_str(r"\U");
            let code = u32::from(c);
            out.extend((0..8).rev().filter_map(|n| char::from_digit(code >> (4 * n) & 15, 16)));
            12
        } else {
            // In JSON a backslash is always followed by one ASCII character.
            out.push_str(escape.get(..2).unwrap_or(escape));
            2.min(escape.len())
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// What a plain scalar is when it looks like a number.
pub(super) enum Lexed {
    Text,
    Integer(i64),
    Float(f64),
    Ambiguous,
    Overflow,
}

pub(super) fn number(text: &str) -> Lexed {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if matches!(body, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Lexed::Overflow;
    }
    let radix = body
        .strip_prefix("0x")
        .map(|s| (s, 16))
        .or_else(|| body.strip_prefix("0o").map(|s| (s, 8)));
    if let Some((rest, radix)) = radix {
        let all = !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix));
        return if all { Lexed::Ambiguous } else { Lexed::Text };
    }
    if digits(body) {
        if body.len() > 1 && body.starts_with('0') {
            return Lexed::Ambiguous;
        }
        return match text.parse::<i64>() {
            Ok(n) if (-INTEGER_MAX..=INTEGER_MAX).contains(&n) => Lexed::Integer(n),
            _ => Lexed::Overflow,
        };
    }
    let (mantissa, exponent) =
        body.split_once(['e', 'E']).map_or((body, None), |(m, e)| (m, Some(e)));
    let (whole, part) = mantissa.split_once('.').map_or((mantissa, None), |(w, p)| (w, Some(p)));
    let exponent_ok = exponent.is_none_or(|e| digits(e.strip_prefix(['-', '+']).unwrap_or(e)));
    let part_ok = part.is_none_or(|p| p.is_empty() || digits(p));
    let whole_ok = digits(whole) || (whole.is_empty() && part.is_some_and(digits));
    if !(exponent_ok && part_ok && whole_ok) {
        return Lexed::Text;
    }
    match text.parse::<f64>() {
        Ok(n) if n.is_finite() => Lexed::Float(n),
        _ => Lexed::Overflow,
    }
}
