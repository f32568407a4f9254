//! Match keys: raw identifiers brought to one form, so that both sides of a join hash the same bytes.
//!
//! Pure, and total: any text gives one key or none. `None` means the row has no such key and matches nobody; it never means
//! an error, because an error would have to name the value. It must not know of hashing, tokens or platforms.

mod phone;
#[cfg(test)]
mod tests;

use crate::model::Normaliser;

/// The longest raw identifier that is looked at, in bytes.
const RAW_BYTES_MAX: usize = 1024;
/// The longest e-mail address, in bytes (RFC 5321's path without its brackets).
const EMAIL_BYTES_MAX: usize = 254;

/// The one form of an identifier, or nothing where there is no identifier.
///
/// - `email`: trimmed, lower-cased, without `mailto:`, the name before `<…>` and dots at the end; exactly one `@` with
///   text on both sides and no spaces. Dots and `+tags` stay: folding them is one provider's habit and would match
///   different people elsewhere.
/// - `phone`: E.164: `+` or `00` and 8 to 15 digits. A national number has none: its country would be a guess.
/// - `phone-us`: the same, or North America's 10 digits (11 with a leading 1).
/// - `device-id`: trimmed, lower-cased, 8-4-4-4-12 hex digits; the all-zero id (tracking limited) is none.
/// - `lower-trim`: trimmed and lower-cased.
/// - `none`: as it is; only the empty text is none.
///
/// Characters that nobody sees (zero-width ones, marks of direction, soft hyphens) are left out of all but the last.
#[must_use]
pub fn normalise(normaliser: Normaliser, raw: &str) -> Option<String> {
    if raw.len() > RAW_BYTES_MAX {
        return None;
    }
    match normaliser {
        Normaliser::Email => email(raw),
        Normaliser::Phone => phone::e164(&seen(raw), false),
        Normaliser::PhoneUs => phone::e164(&seen(raw), true),
        Normaliser::DeviceId => device_id(&seen(raw)),
        Normaliser::LowerTrim => Some(lower(raw)).filter(|key| !key.is_empty()),
        Normaliser::None => Some(raw.to_owned()).filter(|key| !key.is_empty()),
    }
}

fn lower(raw: &str) -> String {
    // Trimmed after as well: no letter lowers to a space, but nothing here should depend on that.
    seen(raw).trim().to_lowercase().trim().to_owned()
}

/// The text without characters that nobody sees, such as those that copying from a web page leaves.
fn seen(raw: &str) -> String {
    let hidden = |c: char| {
        matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    raw.chars().filter(|c| !hidden(*c)).collect()
}

fn email(raw: &str) -> Option<String> {
    let text = lower(raw);
    let mut key = text.as_str();
    // However they are nested, and whatever is left is looked at once more.
    loop {
        let bare = key.strip_prefix("mailto:").unwrap_or(key);
        let inside = bare.strip_suffix('>').and_then(|bare| bare.rsplit_once('<'));
        let bare = inside.map_or(bare, |(_, address)| address);
        let bare = bare.trim().trim_end_matches('.').trim_end();
        if bare.len() == key.len() {
            break;
        }
        key = bare;
    }
    let (local, domain) = key.split_once('@')?;
    let whole = !local.is_empty() && !domain.is_empty() && !domain.contains('@');
    let stray = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>');
    let clean = !key.chars().any(stray);
    (whole && clean && key.len() <= EMAIL_BYTES_MAX).then(|| key.to_owned())
}

fn device_id(raw: &str) -> Option<String> {
    let key = raw.trim().to_ascii_lowercase();
    let lengths: Vec<_> = key.split('-').map(str::len).collect();
    let hex = key.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let limited = key.bytes().all(|b| matches!(b, b'0' | b'-'));
    (lengths == [8, 4, 4, 4, 12] && hex && !limited).then_some(key)
}
