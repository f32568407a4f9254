//! Verdicts: the platform's table, and what only a look at the agreement itself can say. Pure and total.

use crate::names;
use crate::rule::threshold;
use adapter_spi::{Assessment, Fidelity, Residual, Verdict};
use mappings::guard::{Guarded, guard, has_optional_side};
use mappings::model::{
    Agreement, ColumnUse, Dataset, DatasetName, Digest, Hashed, KeyName, Location, MatchKey,
    MemberId, Normaliser, PlatformId, TemplateName,
};
use mappings::spark::spark;
use mappings::table::{Table, TableError, Term, aws_clean_rooms};
use std::collections::{BTreeMap, BTreeSet};

/// What AWS Clean Rooms can hold of an agreement: a verdict for every term, wherever it is agreed.
pub fn assess(agreement: &Agreement) -> Result<Assessment, TableError> {
    let table = aws_clean_rooms()?;
    let platform = PlatformId::aws_clean_rooms();
    let mut assessment = Assessment::by_table(platform.clone(), &table, agreement);
    let mut found = identities(agreement, &platform);
    found.extend(names_that_fit(agreement));
    found.extend(region(agreement, &platform));
    found.extend(keys(agreement, &table));
    for (name, dataset) in &agreement.datasets {
        found.extend(place(name, dataset, &platform));
        found.extend(spelling(name, dataset));
    }
    let (held, away) = texts(agreement, &platform);
    found.extend(away);
    found.extend(receivers(agreement, &held));
    found.extend(optional(agreement, &held));
    for verdict in found {
        assessment.say(verdict);
    }
    Ok(assessment)
}

fn refused(term: Term, at: impl Into<String>, reason: impl Into<String>) -> Verdict {
    Verdict {
        term,
        at: at.into(),
        fidelity: Fidelity::Unsupported,
        residual: Residual::None,
        construct: String::new(),
        reason: reason.into(),
    }
}

/// What simply does not happen there: nobody is admitted to anything by it.
fn narrower(term: Term, at: impl Into<String>, reason: impl Into<String>) -> Verdict {
    Verdict { fidelity: Fidelity::Narrower, ..refused(term, at, reason) }
}

/// A member is an account there: twelve digits, and no two members' alike.
fn identities(agreement: &Agreement, platform: &PlatformId) -> Vec<Verdict> {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (name, member) in &agreement.members {
        let account = member.identity.get(platform);
        let at = format!("members.{name}");
        match account {
            None => wrong.push(refused(
                Term::Members,
                at,
                "it has no pinned account; add `identity: { aws-clean-rooms: \"…\" }`",
            )),
            Some(account)
                if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) =>
            {
                wrong.push(refused(Term::Members, at, "an account is twelve digits"));
            }
            Some(account) if !seen.insert(account) => {
                wrong.push(refused(
                    Term::Members,
                    at,
                    "another member has the same account; a collaboration takes each account once",
                ));
            }
            Some(_) => {}
        }
    }
    wrong
}

/// Collaborations and configured tables have names of ours, and the platform a longest one.
fn names_that_fit(agreement: &Agreement) -> Vec<Verdict> {
    let (id, mut wrong) = (&agreement.collaboration, Vec::new());
    let none = Digest::of(&[]);
    for member in agreement.members.keys() {
        if names::room(id, member, &none).len() > names::NAME_MAX {
            let reason =
                "the collaboration's and the member's names are too long for the platform together";
            wrong.push(refused(Term::Members, format!("members.{member}"), reason));
        }
    }
    for dataset in agreement.datasets.keys() {
        if names::table(id, dataset).len() > names::NAME_MAX {
            let reason = "the collaboration's and the dataset's names are too long for the platform together";
            wrong.push(refused(Term::Location, format!("datasets.{dataset}.at"), reason));
        }
    }
    wrong
}

fn region(agreement: &Agreement, platform: &PlatformId) -> Option<Verdict> {
    let room = agreement.rooms.iter().find(|room| room.platform == *platform)?;
    room.region.is_none().then(|| {
        refused(
            Term::Residency,
            "rooms.aws-clean-rooms",
            "a collaboration lives in one Region; add `region:` to the room",
        )
    })
}

/// A dataset without a table there is not held there; one that has another kind of place can't be.
fn place(name: &DatasetName, dataset: &Dataset, platform: &PlatformId) -> Option<Verdict> {
    let at = format!("datasets.{name}.at");
    match dataset.at.get(platform) {
        Some(Location::Glue { .. }) => None,
        Some(Location::Name(_)) => Some(refused(Term::Location, at, "the place is no Glue table")),
        None => {
            let reason = "the dataset has no table there; templates that touch it run elsewhere";
            Some(narrower(Term::Location, at, reason))
        }
    }
}

/// Physical names as the platform can spell them: `[a-z0-9_]` and, inside, blanks and hyphens, at most 127 characters. Upper
/// case is folded, as Glue does; two columns that fold into one are refused.
fn spelling(name: &DatasetName, dataset: &Dataset) -> Vec<Verdict> {
    let mut folded: BTreeMap<String, &str> = BTreeMap::new();
    let mut wrong = Vec::new();
    for physical in physical(dataset) {
        let fold = physical.to_ascii_lowercase();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let inner = |b: u8| plain(b) || b == b' ' || b == b'-';
        let ends = fold.bytes().next().is_some_and(plain)
            && fold.bytes().last().is_some_and(|b| plain(b) || b == b' ');
        let at = format!("datasets.{name}.columns");
        if fold.len() > 127 || !ends || !fold.bytes().all(inner) || fold.contains("--") {
            wrong.push(refused(
                Term::HiddenColumns,
                at,
                "a physical column has a name that the platform can't spell; rename it in a view",
            ));
        } else if folded.insert(fold, physical).is_some_and(|other| other != physical) {
            wrong.push(refused(
                Term::HiddenColumns,
                at,
                "two physical columns differ in upper and lower case only",
            ));
        }
    }
    wrong.dedup();
    wrong
}

fn physical(dataset: &Dataset) -> BTreeSet<&str> {
    let columns = dataset.columns.values().flat_map(|column| match &column.r#use {
        ColumnUse::Match { keys } => keys.iter().map(|key| key.from.as_str()).collect::<Vec<_>>(),
        ColumnUse::Dimension | ColumnUse::Measure { .. } | ColumnUse::Filter => {
            vec![column.from.as_str()]
        }
    });
    let consent = dataset.consent.iter().map(|consent| consent.from.as_str());
    columns.chain(consent).chain(dataset.rows.iter().map(|filter| filter.from.as_str())).collect()
}

/// Raw keys that need no normaliser are hashed in the text; others can't be. Keys of one kind must be hashed in one way.
fn keys(agreement: &Agreement, table: &Table) -> Vec<Verdict> {
    let mut ways: BTreeMap<&KeyName, BTreeSet<bool>> = BTreeMap::new();
    let mut places: Vec<(String, &MatchKey)> = Vec::new();
    for (name, dataset) in &agreement.datasets {
        for (column, declared) in &dataset.columns {
            let ColumnUse::Match { keys } = &declared.r#use else { continue };
            places
                .extend(keys.iter().map(|key| (format!("datasets.{name}.columns.{column}"), key)));
        }
    }
    for (_, key) in &places {
        ways.entry(&key.key).or_default().insert(is_hmac(key));
    }
    let unsaid = table.row(Term::RawKey).map(|row| row.reason.clone()).unwrap_or_default();
    let verdict = |(at, key): &(String, &MatchKey)| {
        let term = if key.hashed.is_some() { Term::HashedKey } else { Term::RawKey };
        if ways.get(&key.key).is_some_and(|ways| ways.len() > 1) {
            return refused(
                term,
                at,
                format!(
                    "{} is an HMAC in one dataset and a plain hash in another: in this room they never meet",
                    key.key
                ),
            );
        }
        if key.hashed.is_none() && key.normalise != Normaliser::None {
            let reason = format!(
                "{unsaid}; templates that match on it run elsewhere, unless {} is prepared with `airlock prepare` and declared `hashed`",
                key.key
            );
            return narrower(term, at, reason);
        }
        let raw = key.hashed.is_none();
        Verdict {
            term,
            at: at.clone(),
            fidelity: if raw { Fidelity::Wider } else { Fidelity::Exact },
            residual: Residual::Template,
            construct: if raw {
                "SHA2 in the template"
            } else {
                "the column, in lower-case hexadecimal"
            }
            .to_owned(),
            reason: if raw {
                "the raw identifier lies in the owner's table and enters the query hashed; the text that runs compares keys alone".to_owned()
            } else {
                "matched as its owner hashed it".to_owned()
            },
        }
    };
    worst(places.iter().map(verdict))
}

fn is_hmac(key: &MatchKey) -> bool {
    matches!(key.hashed, Some(Hashed::HmacBytes | Hashed::HmacHex))
}

/// A table's rule names the receivers of everything that a runner runs over it. Where each table of a template lets another
/// one receive, the runner can name it there, and nothing in the platform stands against it.
fn receivers(agreement: &Agreement, held: &BTreeMap<&TemplateName, Guarded>) -> Vec<Verdict> {
    let received = |name: &TemplateName| agreement.templates.get(name).map(|t| &t.received_by);
    let mut found = Vec::new();
    for (name, guarded) in held {
        let Some(template) = agreement.templates.get(*name) else { continue };
        let admitted = template.run_by.iter().flat_map(|runner| {
            let of_table = |dataset: &DatasetName| -> BTreeSet<&MemberId> {
                let touching = held.iter().filter(|(other, guarded)| {
                    let by = agreement.templates.get(**other).map(|t| &t.run_by);
                    by.is_some_and(|by| by.contains(runner))
                        && guarded.datasets.contains_key(dataset)
                });
                touching.filter_map(|(other, _)| received(other)).flatten().collect()
            };
            let tables = guarded.datasets.keys().map(of_table);
            tables.reduce(|all, one| &all & &one).unwrap_or_default()
        });
        let more: BTreeSet<&MemberId> =
            admitted.filter(|member| !template.received_by.contains(*member)).collect();
        if more.is_empty() {
            continue;
        }
        let more = more.into_iter().map(MemberId::as_str).collect::<Vec<_>>().join(", ");
        found.push(Verdict {
            term: Term::ReceivedBy,
            at: format!("templates.{name}.received_by"),
            fidelity: Fidelity::Wider,
            residual: Residual::None,
            construct: "allowedResultReceivers of the collaboration analysis rule".to_owned(),
            reason: format!(
                "other templates of the runner over the same tables go to {more}, whom the runner could name at the platform for this one as well; give them the same receivers, or other runners, or have the owners waive it"
            ),
        });
    }
    found
}

/// Templates of which the platform may leave out more than thin groups. It may ask the largest threshold of all tables of each of them; a
/// text in which some group has fewer people of an optional side than of the other loses that group, though it passed every minimum.
fn optional(agreement: &Agreement, held: &BTreeMap<&TemplateName, Guarded>) -> Vec<Verdict> {
    let asked = |name: &DatasetName| {
        let touching = held.values().filter(|guarded| guarded.datasets.contains_key(name));
        let touching: Vec<&Guarded> = touching.collect();
        threshold(agreement.datasets.get(name)?, &touching).map(|(_, least)| least)
    };
    let least = |name: &DatasetName| {
        agreement.datasets.get(name).and_then(|one| i32::try_from(one.rule.entities_min).ok())
    };
    let mut found = Vec::new();
    for (name, guarded) in held {
        let Some(template) = agreement.templates.get(*name) else { continue };
        let asks = guarded.datasets.keys().filter_map(asked).max();
        let more = asks.filter(|most| guarded.datasets.keys().any(|one| least(one) < Some(*most)));
        let Some(most) = more.filter(|_| has_optional_side(template)) else { continue };
        let reason = format!(
            "thin groups are left out silently; of a LEFT JOIN so may be groups in which either side has fewer than {most} people, the largest minimum of its datasets"
        );
        let construct = "an analysis template of SQL".to_owned();
        let verdict = narrower(Term::Aggregate, format!("templates.{name}.class"), reason);
        found.push(Verdict { construct, ..verdict });
    }
    found
}

/// One verdict a place: a refusal before anything else.
fn worst(verdicts: impl Iterator<Item = Verdict>) -> Vec<Verdict> {
    let mut by_place: BTreeMap<(Term, String), Verdict> = BTreeMap::new();
    for verdict in verdicts {
        let place = (verdict.term, verdict.at.clone());
        match by_place.get(&place) {
            Some(known) if !known.is_held() || verdict.is_held() => {}
            Some(_) | None => {
                by_place.insert(place, verdict);
            }
        }
    }
    by_place.into_values().collect()
}

/// The templates that run there; of the others, which have no text there or touch a dataset without a table there, why not.
fn texts<'a>(
    agreement: &'a Agreement,
    platform: &PlatformId,
) -> (BTreeMap<&'a TemplateName, Guarded>, Vec<Verdict>) {
    let (mut held, mut found) = (BTreeMap::new(), Vec::new());
    for name in agreement.templates.keys() {
        let Ok(guarded) = guard(agreement, name) else { continue };
        let away = guarded.datasets.keys().find(|dataset| {
            agreement.datasets.get(*dataset).is_none_or(|known| !known.at.contains_key(platform))
        });
        let why = match (away, spark(&guarded)) {
            (Some(dataset), _) => format!("it touches {dataset}, which has no table there"),
            (None, Err(unsaid)) => unsaid.to_string(),
            (None, Ok(_)) => {
                held.insert(name, guarded);
                continue;
            }
        };
        let at = format!("templates.{name}.sql");
        found.push(narrower(Term::TemplateText, at, format!("it does not run there: {why}")));
    }
    (held, found)
}
