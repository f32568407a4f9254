//! Vectors that both sides of a join must agree on, and what no text may break.

use super::normalise;
use crate::model::Normaliser::{self, DeviceId, Email, LowerTrim, None as Raw, Phone, PhoneUs};
use proptest::prelude::*;

fn check(normaliser: Normaliser, vectors: &[(&str, Option<&str>)]) {
    for (raw, expected) in vectors {
        assert_eq!(normalise(normaliser, raw).as_deref(), *expected, "{normaliser:?} {raw:?}");
    }
}

#[test]
fn email() {
    check(
        Email,
        &[
            ("Ada@Example.COM", Some("ada@example.com")),
            ("  ada@example.com\t\r\n", Some("ada@example.com")),
            ("\u{a0}ada@example.com\u{3000}", Some("ada@example.com")),
            ("Ada.Love+lace@gmail.com", Some("ada.love+lace@gmail.com")),
            ("ÄDA@EXAMPLE.DE", Some("äda@example.de")),
            ("a@localhost", Some("a@localhost")),
            ("mailto:Ada@example.com", Some("ada@example.com")),
            (" <ada@example.com> ", Some("ada@example.com")),
            ("<MAILTO:ada@example.com>", Some("ada@example.com")),
            ("ada@example.com.", Some("ada@example.com")),
            ("\u{feff}ada@exam\u{200b}ple\u{ad}.com\u{202f}", Some("ada@example.com")),
            ("\u{202a}ada@example.com\u{202c}", Some("ada@example.com")),
            ("mailto:", None),
            ("<>", None),
            ("<ada@example.com", None),
            ("ada@.", None),
            ("ada\u{202f}lovelace@example.com", None),
            ("", None),
            ("   ", None),
            ("ada", None),
            ("@example.com", None),
            ("ada@", None),
            ("a@b@c", None),
            ("ada lovelace@example.com", None),
            ("ada@exam\u{0}ple.com", None),
        ],
    );
    let long = |n: usize| format!("{}@b", "a".repeat(n));
    assert!(normalise(Email, &long(252)).is_some() && normalise(Email, &long(253)).is_none());
}

#[test]
fn phone() {
    check(
        Phone,
        &[
            ("+49 30 901820", Some("+4930901820")),
            ("+49 (0)30 901820", Some("+4930901820")),
            ("0049 30/901-820", Some("+4930901820")),
            ("0049 (0)30 901820", Some("+4930901820")),
            ("+44.20.7946.0018", Some("+442079460018")),
            ("tel:+1-555-234-5678", Some("+15552345678")),
            ("+49\u{202f}30\u{a0}90\u{2009}18\u{2212}20", Some("+4930901820")),
            ("\u{200e}+4930901820\u{202c}", Some("+4930901820")),
            ("+12345678", Some("+12345678")),
            // An Indian mobile number, or one of Dallas: nobody can tell.
            ("9876543210", None),
            ("(555) 223-4567", None),
            ("1-555-223-4567", None),
            ("+123456789012345", Some("+123456789012345")),
            ("+1234567", None),
            ("+1234567890123456", None),
            ("+0301234567", None),
            ("030 901820", None),
            ("0301234567", None),
            ("155522345", None),
            ("25552234567", None),
            ("1555223456x", None),
            ("+1 555 223 4567 ext. 9", None),
            ("++15552234567", None),
            ("+٤٩٣٠٩٠١٨٢٠", None),
            ("+", None),
            ("", None),
        ],
    );
}

#[test]
fn phone_us() {
    check(
        PhoneUs,
        &[
            ("(555) 223-4567", Some("+15552234567")),
            ("1-555-223-4567", Some("+15552234567")),
            ("555\u{202f}223\u{2011}4567", Some("+15552234567")),
            ("+49 30 901820", Some("+4930901820")),
            ("0301234567", None),
            ("155522345", None),
            ("25552234567", None),
            ("1555223456x", None),
            ("", None),
        ],
    );
}

#[test]
fn device_id() {
    check(
        DeviceId,
        &[
            (
                " EA7583CD-A667-48BC-B806-42ECB2B48606 ",
                Some("ea7583cd-a667-48bc-b806-42ecb2b48606"),
            ),
            ("ea7583cd-a667-48bc-b806-42ecb2b48606", Some("ea7583cd-a667-48bc-b806-42ecb2b48606")),
            ("00000000-0000-0000-0000-000000000000", None),
            ("ea7583cda66748bcb80642ecb2b48606", None),
            ("ea7583cd-a667-48bc-b806-42ecb2b4860g", None),
            ("{ea7583cd-a667-48bc-b806-42ecb2b48606}", None),
            ("", None),
        ],
    );
}

#[test]
fn plain() {
    check(
        LowerTrim,
        &[
            (" Card-0042 ", Some("card-0042")),
            ("STRASSE", Some("strasse")),
            (" \t", None),
            ("", None),
        ],
    );
    check(Raw, &[(" Card-0042 ", Some(" Card-0042 ")), (" ", Some(" ")), ("", None)]);
}

#[test]
fn texts_too_long_to_identify_anybody_are_none() {
    for normaliser in [Email, Phone, PhoneUs, DeviceId, LowerTrim, Raw] {
        assert_eq!(normalise(normaliser, &"1".repeat(1025)), None);
    }
    assert!(normalise(Raw, &"1".repeat(1024)).is_some());
}

fn any_normaliser() -> impl Strategy<Value = Normaliser> {
    prop::sample::select(vec![Email, Phone, PhoneUs, DeviceId, LowerTrim, Raw])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_key_is_its_own_key(normaliser in any_normaliser(), raw in ".{0,60}") {
        if let Some(key) = normalise(normaliser, &raw) {
            prop_assert_eq!(normalise(normaliser, &key), Some(key));
        }
    }

    #[test]
    fn a_written_email_is_found_and_its_own_key(raw in "[ \t]{0,2}[A-ZÀ-Þa-z0-9.+İ]{1,20}@[A-Za-z.İ]{0,19}[A-Za-zİ][ \n]{0,2}") {
        let key = normalise(Email, &raw).unwrap();
        prop_assert_eq!(normalise(Email, &key), Some(key));
    }

    #[test]
    fn separators_never_change_a_phone(number in "[1-9][0-9]{7,14}", gap in "[ .()-]{0,2}", at in 1usize..7) {
        let plain = format!("+{number}");
        let (head, tail) = number.split_at(at);
        prop_assert_eq!(normalise(Phone, &plain), Some(plain.clone()));
        prop_assert_eq!(normalise(Phone, &format!("+{head}{gap}{tail}")), Some(plain.clone()));
        prop_assert_eq!(normalise(Phone, &format!(" 00{head}{gap}{tail} ")), Some(plain));
    }

    #[test]
    fn case_and_margins_never_change_a_device(id in "[1-9a-f][0-9a-f]{7}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}") {
        prop_assert_eq!(normalise(DeviceId, &format!(" {}\n", id.to_uppercase())), Some(id));
    }
}
