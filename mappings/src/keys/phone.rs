//! Telephone numbers to E.164. Knows the form of numbers, not which ones exist.

/// `+` and 8 to 15 digits.
///
/// The international form is required: `+` or `00`, then country code and number; spaces, dots, dashes, slashes and
/// parentheses between digits are dropped, and so is the `(0)` that people write after a country code. The one national
/// form accepted, and only where the owner says so, is North America's: 10 digits or 11 with a leading 1, where area code
/// and exchange begin with 2 to 9. Any other number is none: guessing its country would match strangers.
pub(super) fn e164(raw: &str, national: bool) -> Option<String> {
    let text = raw.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let (plus, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    let abroad = plus || rest.starts_with("00");
    let rest = if abroad { rest.replace("(0)", "") } else { rest.to_owned() };
    let separator = |c: char| {
        c.is_whitespace()
            || matches!(c, '.' | '-' | '/' | '(' | ')' | '\u{2010}'..='\u{2015}' | '\u{2212}')
    };
    if !rest.chars().all(|c| c.is_ascii_digit() || separator(c)) {
        return None;
    }
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    let international = if plus { Some(digits.as_str()) } else { digits.strip_prefix("00") };
    match international {
        Some(number) => {
            let fits = (8..=15).contains(&number.len()) && !number.starts_with('0');
            fits.then(|| format!("+{number}"))
        }
        None if national => north_american(&digits),
        None => None,
    }
}

fn north_american(digits: &str) -> Option<String> {
    let national = if digits.len() == 11 { digits.strip_prefix('1')? } else { digits };
    let opens = |at: usize| national.as_bytes().get(at).is_some_and(|b| matches!(b, b'2'..=b'9'));
    (national.len() == 10 && opens(0) && opens(3)).then(|| format!("+1{national}"))
}
