//! Whether a place lies in another, by its URL alone, and where it is local by the real path. Must not know who may name which.

use std::path::PathBuf;
use url::Url;

/// Whether one of two places lies in the other, by their real paths where they are local.
#[must_use]
pub fn overlaps(one: &str, two: &str) -> bool {
    match (real(one), real(two)) {
        (Some(one), Some(two)) => one.starts_with(&two) || two.starts_with(&one),
        (None, None) => {
            slashed(one).starts_with(&slashed(two)) || slashed(two).starts_with(&slashed(one))
        }
        (_, _) => false,
    }
}

/// Whether a place lies in another, or is it. A place that is not written plainly lies nowhere: what two readers may read differently is
/// not compared.
#[must_use]
pub fn lies_in(place: &str, within: &str) -> bool {
    if !is_plain(place) || !is_plain(within) {
        return false;
    }
    match (real(place), real(within)) {
        (Some(place), Some(within)) => place.starts_with(within),
        (None, None) => slashed(place).starts_with(&slashed(within)),
        (_, _) => false,
    }
}

/// Whether a place has one reading: a scheme that is known, a host of plain letters or none, and segments of plain letters.
fn is_plain(place: &str) -> bool {
    let Some((scheme, rest)) = place.split_once("://") else { return false };
    let Some((host, path)) = rest.split_once('/') else { return false };
    let letters = |text: &str, also: &[u8]| {
        text.bytes().all(|b| b.is_ascii_alphanumeric() || also.contains(&b))
    };
    let known = match scheme {
        "file" => host.is_empty(),
        "s3" | "gs" | "az" => !host.is_empty() && !host.contains("..") && letters(host, b"-."),
        _ => false,
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    let plain =
        |part: &str| !part.is_empty() && part != "." && part != ".." && letters(part, b"-_.=+,@ ");
    known && (path.is_empty() || path.split('/').all(plain))
}

fn slashed(place: &str) -> String {
    format!("{}/", place.trim_end_matches('/'))
}

/// The real path of a local place, as far as there is one.
fn real(place: &str) -> Option<PathBuf> {
    let path = Url::parse(place).ok()?.to_file_path().ok()?;
    let there = path
        .ancestors()
        .find_map(|part| part.canonicalize().ok().map(|real| (part.to_path_buf(), real)));
    let (known, real) = there?;
    path.strip_prefix(known).ok().map(|rest| real.join(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_place_lies_in_what_was_written_down() {
        for (place, within) in [
            ("s3://grocer/sales/2026.parquet", "s3://grocer/sales/"),
            ("s3://grocer/sales", "s3://grocer/sales"),
            ("s3://grocer/a/b=1/c_d.parquet", "s3://grocer/"),
            ("file:///srv/grocer/sales.parquet", "file:///srv/grocer"),
            ("file:///srv/grocer/a b/", "file:///srv/grocer/"),
        ] {
            assert!(lies_in(place, within), "{place} in {within}");
        }
    }

    /// Places that try to get out of `s3://grocer/sales`.
    const OUT: &[&str] = &[
        "s3://brand/sales/a",
        "s3://grocer/sales-2/a",
        "s3://grocer/sale",
        "s3://grocer/",
        "s3://grocer",
        "s3://grocer/sales/../brand",
        "s3://grocer/sales/..",
        "s3://grocer/sales/./a",
        "s3://grocer/sales//a",
        "s3://grocer//sales/a",
        "s3://grocer/sales/%2e%2e/a",
        "s3://grocer/sales/%2E%2E%2Fa",
        "s3://grocer/sales/..%2fa",
        "s3://grocer/sales/a%00",
        "s3://grocer/sales/\u{0}",
        "s3://grocer/sales/a?x",
        "s3://grocer/sales/a#x",
        "s3://grocer/sales/a\\..\\b",
        "s3://grocer\\@brand/sales/a",
        "s3://grocer@brand/sales/a",
        "s3://x:y@grocer/sales/a",
        "s3://grocer:443/sales/a",
        "S3://grocer/sales/a",
        "s3:/grocer/sales/a",
        "s3:grocer/sales/a",
        "//grocer/sales/a",
        "grocer/sales/a",
        "https://grocer/sales/a",
        "http://169.254.169.254/sales/a",
        "memory:///sales/a",
        "s3://Grocer/sales/a",
        "s3://grocer./sales/a",
        "s3://grocer.brand/sales/a",
        "s3://grocer..x/sales/a",
        "s3:///grocer/sales/a",
        "s3://grocer/sales\u{2215}a",
        "s3://grocer/sales/\u{ff0e}\u{ff0e}/a",
        "s3://grocer/sales/a\u{202e}b",
        "s3://gr\u{f6}cer/sales/a",
        " s3://grocer/sales/a",
        "s3://grocer/sales/*",
        "s3://grocer/sales/a\nb",
        "s3://grocer/sales/[x]",
        "s3://grocer/sales/a'b",
        "s3://grocer/sales/a\"b",
        "s3://grocer/sales/{x}",
        "",
        "s3://",
        "s3:///",
        "s3://grocer/sales/%252e%252e/a",
        "s3://grocer/sales/....//a",
        "s3://grocer/sales/a/..",
        "s3://grocer/sales/a/../../brand/a",
        "s3://grocer/Sales/a",
        "s3://grocer/sales%2fa",
        "s3://grocer%2fsales/a",
        "s3://grocer/sales;/a",
        "s3a://grocer/sales/a",
        "gs://grocer/sales/a",
        "az://grocer/sales/a",
        "s3://s3.amazonaws.com/grocer/sales/a",
    ];

    #[test]
    fn nothing_gets_out_of_it() {
        let mut tried = BTreeSet::new();
        let mut is_out = |place: &str, within: &str| {
            assert!(!lies_in(place, within), "{place}");
            tried.insert(place.to_owned());
        };
        for place in OUT {
            is_out(place, "s3://grocer/sales");
        }
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["grocer", "grocer-2", "brand"] {
            std::fs::create_dir(root.join(name)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("brand"), root.join("grocer/link")).unwrap();
        std::os::unix::fs::symlink(root.join("grocer"), root.join("alias")).unwrap();
        let at = |rest: &str| format!("file://{}/{rest}", root.display());
        let within = at("grocer");
        for rest in [
            "brand/a",
            "grocer-2/a",
            "grocer/../brand/a",
            "grocer/link/a",
            "grocer/link",
            "grocer/./a",
            "grocer//a",
            "grocer/%2e%2e/brand",
            "",
            "..",
        ] {
            is_out(&at(rest), &within);
        }
        for place in [
            format!("file://localhost{}/grocer/a", root.display()),
            format!("file:{}/grocer/a", root.display()),
            format!("file:////{}/grocer/a", root.display()),
        ] {
            is_out(&place, &within);
        }
        assert!(tried.len() >= 60, "{}", tried.len());
        // By the real path, whatever the way there is called.
        assert!(lies_in(&at("alias/a"), &within));
        assert!(lies_in(&at("grocer/not/there/yet"), &within));
    }
}
