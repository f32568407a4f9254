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
/// - `email`: trimmed, lower-cased, without `mailto:`, the name before `<…>`, signs that have no width and a dot at its end;
///   exactly one `@` with text on both sides and no spaces. Dots and `+tags` stay: folding them is one provider's habit and
///   would match different people elsewhere.
/// - `phone`: E.164: `+` or `00` and 8 to 15 digits, or North America's 10 digits (11 with a leading 1).
/// - `device-id`: trimmed, lower-cased, 8-4-4-4-12 hex digits; the all-zero id (tracking limited) is none.
/// - `lower-trim`: trimmed and lower-cased.
/// - `none`: as it is; only the empty text is none.
#[must_use]
pub fn normalise(normaliser: Normaliser, raw: &str) -> Option<String> {
    if raw.len() > RAW_BYTES_MAX {
        return None;
    }
    match normaliser {
        Normaliser::Email => email(raw),
        Normaliser::Phone => phone::e164(raw),
        Normaliser::DeviceId => device_id(raw),
        Normaliser::LowerTrim => Some(lower(raw)).filter(|key| !key.is_empty()),
        Normaliser::None => Some(raw.to_owned()).filter(|key| !key.is_empty()),
    }
}

fn lower(raw: &str) -> String {
    // Trimmed after as well: no letter lowers to a space, but nothing here should depend on that.
    raw.trim().to_lowercase().trim().to_owned()
}

/// Signs that nobody sees: copied along from web pages and documents.
const fn has_no_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

fn email(raw: &str) -> Option<String> {
    let seen: String = raw.chars().filter(|c| !has_no_width(*c)).collect();
    let lowered = lower(&seen);
    let inside = lowered.strip_suffix('>').and_then(|text| text.rsplit_once('<'));
    let address = inside.map_or(lowered.as_str(), |(_, address)| address);
    let address = address.strip_prefix("mailto:").unwrap_or(address);
    let key = address.trim_end_matches('.').trim().to_owned();
    let (local, domain) = key.split_once('@')?;
    let whole = !local.is_empty() && !domain.is_empty() && !domain.contains('@');
    let signs = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>');
    let clean = !key.chars().any(signs) && !key.starts_with("mailto:") && !key.ends_with('.');
    (whole && clean && key.len() <= EMAIL_BYTES_MAX).then_some(key)
}

fn device_id(raw: &str) -> Option<String> {
    let key = raw.trim().to_ascii_lowercase();
    let lengths: Vec<_> = key.split('-').map(str::len).collect();
    let hex = key.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let limited = key.bytes().all(|b| matches!(b, b'0' | b'-'));
    (lengths == [8, 4, 4, 4, 12] && hex && !limited).then_some(key)
}
