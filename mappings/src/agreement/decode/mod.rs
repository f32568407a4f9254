//! A located tree to the model: fields, words, defaults. Names that refer to others are checked after this.
//!
//! What fails is noted and left out, so that one reading finds everything.

mod column;
mod dataset;
mod template;

pub use column::{normaliser, usual_normaliser};

use super::cursor::{Cx, Place};
use super::tree::Value;
use crate::model::{
    Ability, Agreement, CollaborationId, DatasetName, Limits, Member, MemberId, PlatformId, Region,
    Room, TemplateName,
};
use std::collections::BTreeMap;

/// The platforms that an agreement can name.
pub(super) const PLATFORMS: [&str; 4] = ["native", "aws-clean-rooms", "snowflake", "snowflake-dcr"];

const FIELDS: [&str; 10] = [
    "agreement",
    "collaboration",
    "description",
    "residency",
    "members",
    "rooms",
    "datasets",
    "templates",
    "limits",
    "destinations",
];
const ABILITIES: [(&str, Ability); 4] = [
    ("contribute", Ability::Contribute),
    ("run", Ability::Run),
    ("receive", Ability::Receive),
    ("pay", Ability::Pay),
];
const DESCRIPTION_BYTES_MAX: usize = 4096;
const WINDOW_S_MAX: u64 = 366 * 86_400;

/// The agreement with whatever could be read; `None` where the version is not known.
pub(super) fn agreement(cx: &mut Cx, root: &Place<'_>) -> Option<Agreement> {
    version(cx, root)?;
    let top = root.fields(cx, &FIELDS)?;
    let unnamed = || CollaborationId::new("unnamed").ok();
    let collaboration = top.need(cx, "collaboration").and_then(|p| p.id(cx, CollaborationId::new));
    let description = top.get("description").and_then(|p| paragraph(cx, &p)).unwrap_or_default();
    let residency = top.get("residency").and_then(|p| p.set(cx, |cx, r| r.id(cx, Region::new)));
    let members = top.need(cx, "members").map(|p| members(cx, &p)).unwrap_or_default();
    let rooms = top.need(cx, "rooms").map(|p| rooms(cx, &p)).unwrap_or_default();
    let mut datasets = BTreeMap::new();
    for (name, place) in
        top.need(cx, "datasets").map(|p| p.named(cx, DatasetName::new)).unwrap_or_default()
    {
        datasets.extend(dataset::dataset(cx, &name, &place).map(|d| (name, d)));
    }
    let mut templates = BTreeMap::new();
    for (name, place) in
        top.need(cx, "templates").map(|p| p.named(cx, TemplateName::new)).unwrap_or_default()
    {
        templates.extend(template::template(cx, &place).map(|t| (name, t)));
    }
    let limits = top.get("limits").and_then(|p| limits(cx, &p)).unwrap_or_default();
    let mut destinations = BTreeMap::new();
    for (member, place) in
        top.get("destinations").map(|p| p.named(cx, MemberId::new)).unwrap_or_default()
    {
        destinations.extend(place.text(cx).map(|text| (member, text.to_owned())));
    }
    Some(Agreement {
        agreement: "v1".to_owned(),
        collaboration: collaboration.or_else(unnamed)?,
        description,
        residency: residency.unwrap_or_default().into_iter().collect(),
        members,
        rooms,
        datasets,
        templates,
        limits,
        destinations,
    })
}

/// The version comes first: another version's fields mean nothing here.
fn version(cx: &mut Cx, root: &Place<'_>) -> Option<()> {
    if !matches!(root.node.value, Value::Map(_)) {
        cx.refuse(
            root,
            "not-an-agreement",
            "an agreement is a map of fields",
            "start with `agreement: v1`",
        );
        return None;
    }
    let written = root.seek("agreement");
    match &written.node.value {
        Value::Text(text) if text == "v1" => Some(()),
        Value::Map(_) => {
            cx.refuse(
                root,
                "missing-field",
                "`agreement` is missing",
                "start with `agreement: v1`",
            );
            None
        }
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Refused => {
            let message = "this version of the format is not known here";
            cx.refuse(&written, "unknown-version", message, "write `agreement: v1`");
            None
        }
    }
}

/// Text for people, which may have lines.
fn paragraph(cx: &mut Cx, place: &Place<'_>) -> Option<String> {
    let text = place.any_text(cx)?;
    let hidden = |c: char| c.is_control() && c != '\n';
    if text.len() > DESCRIPTION_BYTES_MAX || text.chars().any(hidden) {
        let help = format!("at most {DESCRIPTION_BYTES_MAX} bytes without control characters");
        cx.refuse(place, "bad-text", "this text is too long or has control characters", help);
        return None;
    }
    Some(text.to_owned())
}

fn members(cx: &mut Cx, place: &Place<'_>) -> BTreeMap<MemberId, Member> {
    let mut out = BTreeMap::new();
    for (id, place) in place.named(cx, MemberId::new) {
        let Some(fields) = place.fields(cx, &["name", "abilities", "identity", "key"]) else {
            continue;
        };
        let name = fields.need(cx, "name").and_then(|p| p.text(cx)).unwrap_or_default().to_owned();
        let abilities =
            fields.get("abilities").and_then(|p| p.set(cx, |cx, a| a.word(cx, &ABILITIES)));
        let mut identity = BTreeMap::new();
        for (platform, place) in
            fields.get("identity").map(|p| platforms(cx, &p)).unwrap_or_default()
        {
            identity.extend(place.text(cx).map(|text| (platform, text.to_owned())));
        }
        let key = fields.get("key").and_then(|p| public_key(cx, &p));
        out.insert(id, Member { name, abilities: abilities.unwrap_or_default(), identity, key });
    }
    out
}

fn public_key(cx: &mut Cx, place: &Place<'_>) -> Option<String> {
    let text = place.any_text(cx)?;
    let hex = |s: &str| s.len() == 64 && s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if text.strip_prefix("ed25519:").is_some_and(hex) {
        return Some(text.to_owned());
    }
    cx.refuse(place, "bad-key", "this is no public key", "`ed25519:` and 64 lower-case hex digits");
    None
}

/// A map from platforms; those that nobody knows are noted and left out.
fn platforms<'a>(cx: &mut Cx, place: &Place<'a>) -> Vec<(PlatformId, Place<'a>)> {
    let mut named = place.named(cx, PlatformId::new);
    named.retain(|(platform, place)| known_platform(cx, place, platform));
    named
}

fn known_platform(cx: &mut Cx, place: &Place<'_>, platform: &PlatformId) -> bool {
    let known = PLATFORMS.contains(&platform.as_str());
    if !known {
        let message = format!("`{platform}` is not a platform that Airlock knows");
        let help = super::diagnostic::suggestion(platform.as_str(), &PLATFORMS);
        cx.refuse(place, "unknown-platform", message, help);
    }
    known
}

fn rooms(cx: &mut Cx, place: &Place<'_>) -> Vec<Room> {
    let mut out: Vec<Room> = Vec::new();
    for place in place.list(cx).unwrap_or_default() {
        let Some(room) = room(cx, &place) else {
            continue;
        };
        if out.contains(&room) {
            cx.refuse(
                &place,
                "duplicate-value",
                "this room is in the list already",
                "keep one of them",
            );
        } else {
            out.push(room);
        }
    }
    out
}

fn room(cx: &mut Cx, place: &Place<'_>) -> Option<Room> {
    if matches!(place.node.value, Value::Text(_)) {
        let platform = place.id(cx, PlatformId::new)?;
        return known_platform(cx, place, &platform).then_some(Room { platform, region: None });
    }
    let fields = place.fields(cx, &["platform", "region"])?;
    let at = fields.need(cx, "platform")?;
    let platform = at.id(cx, PlatformId::new)?;
    let region = match fields.get("region") {
        Some(region) => Some(region.id(cx, Region::new)?),
        None => None,
    };
    known_platform(cx, &at, &platform).then_some(Room { platform, region })
}

fn limits(cx: &mut Cx, place: &Place<'_>) -> Option<Limits> {
    let fields = place.fields(cx, &["runs_max", "within"])?;
    let usual = Limits::default();
    let runs = fields.get("runs_max").and_then(|p| p.integer(cx, &(1..=1_000_000)));
    let runs_max = runs.and_then(|n| u32::try_from(n).ok()).unwrap_or(usual.runs_max);
    let within_s = fields.get("within").and_then(|p| window(cx, &p)).unwrap_or(usual.within_s);
    Some(Limits { runs_max, within_s })
}

fn window(cx: &mut Cx, place: &Place<'_>) -> Option<u64> {
    let text = place.any_text(cx)?;
    let unit = |c| match c {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(86_400),
        _ => None,
    };
    let mut digits = text.chars();
    let unit = digits.next_back().and_then(unit);
    let plain = |d: &&str| d.len() <= 9 && d.bytes().all(|b| b.is_ascii_digit());
    let count = Some(digits.as_str()).filter(plain).and_then(|d| d.parse::<u64>().ok());
    let seconds = count.zip(unit).map(|(n, s)| n * s).filter(|s| (1..=WINDOW_S_MAX).contains(s));
    if seconds.is_none() {
        let help = "a number and s, m, h or d, such as 24h or 30m; at most 366d";
        cx.refuse(place, "bad-duration", "this is no window of time", help);
    }
    seconds
}
