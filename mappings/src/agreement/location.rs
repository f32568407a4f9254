//! Where datasets lie and results go: which texts name a place, and whether two places touch. Opens nothing.

use super::cursor::{Cx, Place};
use super::tree::Value;
use crate::model::{Location, PlatformId};
use std::collections::BTreeMap;

/// A place in storage, brought to one form.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Spot {
    root: Root,
    parts: Vec<String>,
}

#[derive(Clone, PartialEq, Eq)]
enum Root {
    /// The file system, from its root.
    File,
    /// The file system, from wherever the gateway runs.
    Relative,
    /// A bucket.
    S3(String),
}

impl Spot {
    /// Where results may go.
    pub(super) fn destination(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    /// Where a native dataset may lie.
    fn native(text: &str) -> Option<Self> {
        Self::parse(text).filter(|spot| !spot.parts.is_empty())
    }

    fn parse(text: &str) -> Option<Self> {
        let (root, path) = if let Some(path) = text.strip_prefix("file://") {
            // A host before the path would be another machine's file.
            (Root::File, path.strip_prefix('/')?)
        } else if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
            let plain =
                |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
            let named = (3..=63).contains(&bucket.len()) && bucket.bytes().all(plain);
            (named.then(|| Root::S3(bucket.to_owned()))?, path)
        } else if text.contains("://") {
            return None;
        } else if let Some(path) = text.strip_prefix('/') {
            (Root::File, path)
        } else {
            (Root::Relative, text)
        };
        // Only a file URL has escapes; anywhere else a `%` would mean one place here and another there.
        let escaped = text.starts_with("file://");
        let path = if escaped { unescaped(path)? } else { path.to_owned() };
        // Wildcards, queries and credentials would hide which place is meant.
        let unclear = |c: char| c.is_control() || "?#*[]\\:@".contains(c) || (c == '%' && !escaped);
        if path.contains(unclear) {
            return None;
        }
        let folded = matches!(root, Root::File | Root::Relative);
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
        let parts: Vec<_> =
            parts.map(|p| if folded { p.to_lowercase() } else { p.to_owned() }).collect();
        (!parts.iter().any(|part| part == "..")).then_some(Self { root, parts })
    }

    /// Whether one is the other, or lies inside it. A relative place counts as anywhere that ends like it.
    pub(super) fn touches(&self, other: &Self) -> bool {
        match (&self.root, &other.root) {
            (Root::File, Root::Relative) => self.ends_inside(other),
            (Root::Relative, Root::File) => other.ends_inside(self),
            (a, b) => a == b && self.parts.iter().zip(&other.parts).all(|(a, b)| a == b),
        }
    }

    fn ends_inside(&self, relative: &Self) -> bool {
        let length = relative.parts.len().max(1);
        self.parts.windows(length).any(|window| window == relative.parts)
    }
}

/// A file URL's path without its escapes; an escaped separator would hide a folder.
fn unescaped(path: &str) -> Option<String> {
    let mut out = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit =
            || char::from(bytes.next()?).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let decoded = digit()? << 4 | digit()?;
        if decoded == b'/' {
            return None;
        }
        out.push(decoded);
    }
    String::from_utf8(out).ok()
}

/// Whether two places of datasets are one, or one lies in the other.
#[must_use]
pub fn touch(one: &Location, two: &Location) -> bool {
    match (native_spot(one), native_spot(two)) {
        (Some(one), Some(two)) => one.touches(&two),
        (_, _) => one == two,
    }
}

/// The place of a dataset that the native room reads.
pub(super) fn native_spot(location: &Location) -> Option<Spot> {
    match location {
        Location::Name(text) => Spot::native(text),
        Location::Glue { .. } => None,
    }
}

/// Where a dataset lies on one platform.
pub(super) fn decode(cx: &mut Cx, platform: &PlatformId, place: &Place<'_>) -> Option<Location> {
    if platform.as_str() == "aws-clean-rooms" {
        return glue(cx, place);
    }
    let help = if *platform == PlatformId::native() {
        "a file:// or s3:// URL or a path, without wildcards or `..`"
    } else {
        "DATABASE.SCHEMA.TABLE"
    };
    if matches!(place.node.value, Value::Map(_)) {
        cx.refuse(place, "location", format!("`{platform}` wants a text here"), help);
        return None;
    }
    let text = place.text(cx)?;
    let ok = if *platform == PlatformId::native() {
        Spot::native(text).is_some()
    } else {
        three_names(text)
    };
    if !ok {
        cx.refuse(place, "location", format!("this is no place that `{platform}` can read"), help);
        return None;
    }
    Some(Location::Name(text.to_owned()))
}

fn three_names(text: &str) -> bool {
    let start = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let rest = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$');
    let name = |part: &str| {
        part.len() <= 255 && part.bytes().next().is_some_and(start) && part.bytes().all(rest)
    };
    text.split('.').count() == 3 && text.split('.').all(name)
}

fn glue(cx: &mut Cx, place: &Place<'_>) -> Option<Location> {
    let fields = place.fields(cx, &["glue"])?;
    let table = fields.need(cx, "glue")?.fields(cx, &["database", "table"])?;
    let mut out = BTreeMap::new();
    for name in ["database", "table"] {
        let place = table.need(cx, name);
        let Some((place, text)) = place.and_then(|p| p.text(cx).map(|text| (p, text))) else {
            continue;
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if text.len() > 255 || !text.bytes().all(plain) {
            cx.refuse(
                &place,
                "location",
                format!("this is no Glue {name}"),
                "letters, digits, `_` and `-`",
            );
        }
        out.insert(name.to_owned(), text.to_owned());
    }
    (out.len() == 2).then_some(Location::Glue { glue: out })
}
