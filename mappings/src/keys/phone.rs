//! Telephone numbers to E.164. Knows the form of numbers, not which ones exist.

/// `+` and 8 to 15 digits.
///
/// The international form is required: `+` or `00`, then country code and number; spaces of any width, dots, dashes, slashes and
/// parentheses between digits are dropped, and so is the `(0)` that people write after a country code. The one national
/// form accepted is North America's, 10 digits or 11 with a leading 1, where area code and exchange begin with 2 to 9.
/// Any other number is none: guessing its country would match strangers. Ten digits of another country that look like those
/// become North America's: an owner elsewhere writes the country code.
pub(super) fn e164(raw: &str) -> Option<String> {
    let seen: String = raw.chars().filter(|c| !super::has_no_width(*c)).collect();
    let text = seen.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let (plus, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    let abroad = plus || rest.starts_with("00");
    let rest = if abroad { rest.replace("(0)", "") } else { rest.to_owned() };
    let separator = |c: char| {
        c.is_whitespace() || matches!(c, '.' | '-' | '/' | '(' | ')' | '\u{2010}'..='\u{2013}')
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
        None => north_american(&digits),
    }
}

fn north_american(digits: &str) -> Option<String> {
    let national = if digits.len() == 11 { digits.strip_prefix('1')? } else { digits };
    let opens = |at: usize| national.as_bytes().get(at).is_some_and(|b| matches!(b, b'2'..=b'9'));
    (national.len() == 10 && opens(0) && opens(3)).then(|| format!("+1{national}"))
}
