//! Which bytes of a file are asked for (RFC 9110, section 14). One range, or the whole: what can't be read, or asks for several, asks for the whole.

use crate::error::{Error, Result};
use axum::http::HeaderMap;
use axum::http::header::{IF_RANGE, RANGE};
use std::ops::Range;

/// The range of a file of so many bytes; none where the whole is asked for.
pub(super) fn wanted(headers: &HeaderMap, bytes: u64, mark: &str) -> Result<Option<Range<u64>>> {
    let one = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(said) = one(RANGE).and_then(|said| said.trim().strip_prefix("bytes=")) else {
        return Ok(None);
    };
    // Of another file than the one that was seen before the whole is sent.
    if one(IF_RANGE).is_some_and(|seen| seen != format!("\"{mark}\"")) {
        return Ok(None);
    }
    let Some((first, last)) = read(said) else { return Ok(None) };
    let range = match (first, last) {
        (Some(first), None) => first..bytes,
        (Some(first), Some(last)) if first > last => return Ok(None),
        (Some(first), Some(last)) => first..last.saturating_add(1).min(bytes),
        (None, Some(count)) => bytes.saturating_sub(count)..bytes,
        (None, None) => return Ok(None),
    };
    if range.is_empty() || range.start >= bytes {
        return Err(Error::invalid("share-range", "the file has no such bytes")
            .help("a range within Content-Length"));
    }
    Ok(Some(range))
}

/// `a-b`, `a-` or `-n`.
fn read(said: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (first, last) = said.trim().split_once('-')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let number =
        |text: &str| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
    (digits(first) && digits(last)).then_some(())?;
    Some((number(first)?, number(last)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    fn of(range: &str) -> Result<Option<Range<u64>>> {
        let value = HeaderValue::from_str(range).unwrap();
        wanted(&HeaderMap::from_iter([(RANGE, value)]), 10, "m")
    }

    #[test]
    fn a_range_is_within_the_file() {
        for (said, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("bytes=2-", 2..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
            ("bytes=8-99", 8..10),
            ("bytes=0-18446744073709551615", 0..10),
        ] {
            assert_eq!(of(said), Ok(Some(range)), "{said}");
        }
        for whole in [
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=+1-2",
        ] {
            assert_eq!(of(whole), Ok(None), "{whole}");
        }
        for none in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(of(none).unwrap_err().code, "share-range", "{none}");
        }
        let seen = |mark: &'static str| {
            let headers = [
                (RANGE, HeaderValue::from_static("bytes=1-2")),
                (IF_RANGE, HeaderValue::from_static(mark)),
            ];
            wanted(&HeaderMap::from_iter(headers), 10, "m").unwrap()
        };
        assert_eq!((seen("\"m\""), seen("\"n\"")), (Some(1..3), None));
        assert_eq!(wanted(&HeaderMap::new(), 10, "m"), Ok(None));
    }

    proptest! {
        #[test]
        fn whatever_is_said_nothing_beyond_the_file_is_meant(said in "bytes=[0-9,\\-]{0,24}") {
            if let Ok(Some(range)) = of(&said) {
                prop_assert!(range.start < range.end && range.end <= 10);
            }
        }
    }
}
