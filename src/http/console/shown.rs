//! How things are shown: texts of which nothing is hidden, times, digests, standings as marks. Must not know where they come from.

use mappings::agreement::shows_nothing;
use maud::{Markup, html};

/// A text of somebody's. What shows nothing but changes how the rest reads is named in its place.
pub(super) fn text(text: &str) -> Markup {
    html! { bdi { (plain(text)) } }
}

/// The same where lines matter: SQL.
pub(super) fn code(text: &str, name: &str) -> Markup {
    // It scrolls in itself, so it is reached by the keyboard.
    html! { pre dir="ltr" tabindex="0" role="region" aria-label=(name) { code { (plain(text)) } } }
}

fn plain(text: &str) -> Markup {
    html! {
        @for part in parts(text) {
            @match part {
                Part::Plain(text) => (text),
                Part::Hidden(c) => span.hidden title="a character that shows nothing" { "U+" (format!("{:04X}", u32::from(c))) },
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Plain(&'a str),
    Hidden(char),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| shows_nothing(*c)) {
        let (before, after) = rest.split_at(at);
        if !before.is_empty() {
            parts.push(Part::Plain(before));
        }
        parts.push(Part::Hidden(c));
        rest = after.get(c.len_utf8()..).unwrap_or_default();
    }
    if !rest.is_empty() {
        parts.push(Part::Plain(rest));
    }
    parts
}

/// A time, in UTC.
pub(super) fn time(at_ms: i64) -> Markup {
    let at = chrono::DateTime::from_timestamp_millis(at_ms);
    let of = |form: &str| at.map_or_else(|| at_ms.to_string(), |at| at.format(form).to_string());
    html! {
        time datetime=(of("%Y-%m-%dT%H:%M:%S%.3fZ")) { (of("%Y-%m-%d %H:%M:%S")) " UTC" }
    }
}

/// How long something took.
pub(super) fn span(ms: i64) -> String {
    match ms {
        ..10_000 => format!("{ms} ms"),
        10_000..600_000 => format!("{} s", ms / 1000),
        _ => format!("{} min", ms / 60_000),
    }
}

/// A window of time.
pub(super) fn window(seconds: u64) -> String {
    match seconds {
        s if s > 86_400 && s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s > 0 && s % 3_600 == 0 => format!("{} h", s / 3_600),
        s if s > 0 && s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// A digest or key: enough of it to compare by eye, and all of it where somebody asks.
pub(super) fn digest(whole: &str) -> Markup {
    let hex = whole.split_once(':').map_or(whole, |(_, hex)| hex);
    let short: String = hex.chars().take(12).collect();
    html! { code.digest title=(whole) { (short) "…" } }
}

/// A digest or key, whole.
pub(super) fn whole(text: &str) -> Markup {
    html! { code.whole { (text) } }
}

/// A word that says how something stands, with the weight that it has.
pub(super) fn mark(word: &str) -> Markup {
    let weight = match word {
        "open to it" | "exact" | "joined" | "member" | "settled" | "succeeded" | "closed"
        | "in force" | "approved" | "current" => "good",
        "narrower" | "gateway" | "template" | "waived" | "requested" | "delivering" | "opening"
        | "never-seen" | "former" | "invited" => "mild",
        "wider" | "unsupported" | "failed" | "closing" | "open-not-wanted" | "unsettled-calls"
        | "loosened" | "found-withdrawn" | "no-worker" | "waits" | "open" | "in doubt" => "grave",
        _ => "plain",
    };
    html! { span class={ "mark " (weight) } { (word.replace('-', " ")) } }
}

/// Names one after the other; a dash where there is none.
pub(super) fn list(all: &[String]) -> Markup {
    html! {
        @if all.is_empty() { span.none { "none" } }
        @for (n, one) in all.iter().enumerate() { @if n > 0 { ", " } (text(one)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_named_and_what_is_markup_is_not() {
        let shown = text("a\u{202e}<script>\"'&").into_string();
        assert!(shown.contains("U+202E") && !shown.contains('\u{202e}'), "{shown}");
        assert!(shown.contains("&lt;script&gt;&quot;") && !shown.contains("<script"), "{shown}");
        for hidden in
            ['\u{200b}', '\u{2066}', '\u{61c}', '\u{feff}', '\u{0}', '\u{1b}', '\u{e0041}']
        {
            assert_eq!(parts(&format!("{hidden}x")), [Part::Hidden(hidden), Part::Plain("x")]);
        }
        assert_eq!(parts("größe\n\tשלום"), [Part::Plain("größe\n\tשלום")]);
        assert!(parts("").is_empty());
    }

    #[test]
    fn times_and_windows_are_readable() {
        assert!(time(0).into_string().contains("1970-01-01 00:00:00 UTC"));
        assert_eq!(
            (window(86_400).as_str(), window(7_200).as_str(), window(61).as_str()),
            ("24 h", "2 h", "61 s")
        );
        assert_eq!(
            (span(15).as_str(), span(61_000).as_str(), span(900_000).as_str()),
            ("15 ms", "61 s", "15 min")
        );
        assert!(digest("sha256:0123456789abcdef").into_string().contains(">0123456789ab…<"));
    }
}
