//! Who calls a webhook, this gateway's own or one that it tells, knows a secret: `t=<unix seconds>,v1=<hex of hmac-sha256(secret, t + "." + body)>`, not older nor newer than five
//! minutes. Pure, and as long for a wrong signature as for a right one.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use std::fmt;

/// How far the caller's clock may be off.
const TOLERANCE_S: u64 = 300;
/// The longest header that is read.
const HEADER_MAX: usize = 512;
/// Signatures in one header: more than one while a secret is changed.
const SIGNATURES_MAX: usize = 4;

/// What only the gateway and its callers know. It is never shown.
pub(crate) struct Secret(Hmac<Sha256>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    pub(crate) fn new(secret: &str) -> Self {
        // Keys of any length are taken.
        let keyed = Hmac::new_from_slice(secret.as_bytes());
        Self(keyed.unwrap_or_else(|_| Hmac::new(&hmac::digest::Key::<Hmac<Sha256>>::default())))
    }

    /// The header that signs a body at this time, in seconds since 1970.
    pub(crate) fn sign(&self, at_s: i64, body: &[u8]) -> String {
        let at = at_s.to_string();
        let keyed = self.0.clone().chain_update(&at).chain_update(b".").chain_update(body);
        let signed = keyed.finalize().into_bytes();
        signed.iter().fold(format!("t={at},v1="), |text, byte| text + &format!("{byte:02x}"))
    }

    /// Whether a header signs a body at this time.
    pub(crate) fn signs(&self, header: &str, body: &[u8], now_ms: i64) -> bool {
        let Some((at, signatures)) = parts(header) else { return false };
        let is_near =
            at.parse::<i64>().is_ok_and(|at| at.abs_diff(now_ms.div_euclid(1_000)) <= TOLERANCE_S);
        let keyed = self.0.clone().chain_update(at).chain_update(b".").chain_update(body);
        is_near && signatures.iter().any(|one| keyed.clone().verify_slice(one).is_ok())
    }
}

/// The time as it stands there, and every signature of the form that is known. Other parts are of forms to come.
fn parts(header: &str) -> Option<(&str, Vec<[u8; 32]>)> {
    if header.len() > HEADER_MAX {
        return None;
    }
    let (mut at, mut signatures) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=')? {
            ("t", text) if at.is_none() && is_number(text) => at = Some(text),
            ("v1", text) if signatures.len() < SIGNATURES_MAX => signatures.push(bytes(text)?),
            ("t" | "v1", _) => return None,
            _ => {}
        }
    }
    Some((at?, signatures))
}

fn is_number(text: &str) -> bool {
    (1..=12).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit())
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(n * 2..n * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BODY: &[u8] = br#"{"collaboration":"spring"}"#;
    /// From `printf '%s' "1700000000.$BODY" | openssl dgst -sha256 -hmac "$SECRET"`.
    const SIGNED: &str = "c33d1c7ae570f84e4c218087e2fa9e265f97db0b46b325dfacf99eee7aa4bc4b";
    const NOW_MS: i64 = 1_700_000_000_123;

    fn secret() -> Secret {
        Secret::new("0123456789abcdef0123456789abcdef")
    }

    fn header() -> String {
        format!("t=1700000000,v1={SIGNED}")
    }

    #[test]
    fn what_another_program_signed_is_taken_within_five_minutes() {
        let signs = |now_ms| secret().signs(&header(), BODY, now_ms);
        assert!(signs(NOW_MS) && signs(NOW_MS + 299_000) && signs(NOW_MS - 299_000));
        assert!(!signs(NOW_MS + 301_000) && !signs(NOW_MS - 301_000));
        assert!(!signs(i64::MIN) && !signs(i64::MAX));
    }

    #[test]
    fn what_this_program_signs_is_what_another_would() {
        assert_eq!(secret().sign(1_700_000_000, BODY), header());
        assert!(!secret().signs(&secret().sign(1_700_000_000, b"{}"), BODY, NOW_MS));
    }

    #[test]
    fn a_secret_is_changed_by_two_signatures_and_other_forms_are_passed_over() {
        let both = format!("t=1700000000,v1={},v1={SIGNED},v2=later", "0".repeat(64));
        assert!(secret().signs(&both, BODY, NOW_MS));
    }

    #[test]
    fn nothing_else_is_taken() {
        let other = SIGNED.replace(&SIGNED[..2], "zz");
        for wrong in [
            String::new(),
            "t=1700000000".to_owned(),
            format!("v1={SIGNED}"),
            format!("t=1700000001,v1={SIGNED}"),
            format!("t=1700000000,t=1700000000,v1={SIGNED}"),
            format!("t=+1700000000,v1={SIGNED}"),
            format!("t=1700000000,v1={}", &SIGNED[..62]),
            format!("t=1700000000,v1={other}"),
            format!("t=1700000000,v1={}", "0".repeat(64)),
            format!("t=1700000000,v0={SIGNED}"),
            format!("t=1700000000{}", format!(",v1={SIGNED}").repeat(5)),
            format!("{}{}", header(), " ".repeat(HEADER_MAX)),
        ] {
            assert!(!secret().signs(&wrong, BODY, NOW_MS), "{wrong}");
        }
        assert!(!secret().signs(&header(), b"{}", NOW_MS));
        let another = Secret::new("0123456789abcdef0123456789abcdeF");
        assert!(!another.signs(&header(), BODY, NOW_MS));
        assert_eq!(format!("{another:?}"), "Secret");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_header_that_was_made_up_signs(
            header in prop_oneof![".{0,200}", "t=[0-9]{0,14}(,v1=[0-9a-f]{62,66}){0,6}"], body: Vec<u8>, now_ms: i64,
        ) {
            prop_assert!(!secret().signs(&header, &body, now_ms));
        }
    }
}
