//! Verdicts: the platform's table, and what only a look at the agreement itself can say. Pure and total.

use super::wanted::texts;
use crate::entry::{entry, table};
use crate::reach::account_of;
use adapter_spi::{Assessment, Fidelity, Residual, Verdict};
use mappings::guard::guard;
use mappings::model::{
    Agreement, ColumnUse, Dataset, DatasetName, KeyName, MatchKey, Normaliser, PlatformId,
    ResultClass,
};
use mappings::snowflake::{Room, snowflake};
use mappings::table::{Table, TableError, Term};
use std::collections::{BTreeMap, BTreeSet};

/// What shares of views can hold of an agreement: a verdict for every term, wherever it is agreed.
pub fn assess(agreement: &Agreement) -> Result<Assessment, TableError> {
    let table = mappings::table::snowflake()?;
    let platform = PlatformId::snowflake();
    let mut assessment = Assessment::by_table(platform.clone(), &table, agreement);
    let mut found = identities(agreement, &platform);
    found.extend(keys(agreement, &table));
    for (name, dataset) in &agreement.datasets {
        found.extend(place(name, dataset, &platform));
        found.extend(unguarded(name, dataset));
    }
    found.extend(away(agreement, &platform));
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

/// A member is an account there, named by its organisation, and no two members' alike.
fn identities(agreement: &Agreement, platform: &PlatformId) -> Vec<Verdict> {
    let mut seen = BTreeSet::new();
    let wrong = agreement.members.iter().filter_map(|(name, member)| {
        let why = match member.identity.get(platform).map(|pinned| account_of(pinned)) {
            None => "it has no pinned account; add `identity: { snowflake: \"ORG.ACCOUNT\" }`",
            Some(None) => "an account is ORG.ACCOUNT; a locator names none to share with",
            Some(Some(account)) if !seen.insert(account.clone()) => {
                "another member has the same account; a share can't be given to its own account"
            }
            Some(Some(_)) => return None,
        };
        Some(refused(Term::Members, format!("members.{name}"), why))
    });
    wrong.collect()
}

/// A dataset without a table there is not held there.
fn place(name: &DatasetName, dataset: &Dataset, platform: &PlatformId) -> Option<Verdict> {
    let at = format!("datasets.{name}.at");
    if !dataset.at.contains_key(platform) {
        let reason = "the dataset has no table there; templates that touch it run elsewhere";
        return Some(narrower(Term::Location, at, reason));
    }
    if table(platform, dataset).is_none() {
        return Some(refused(Term::Location, at, "the place is no DATABASE.SCHEMA.TABLE"));
    }
    let speechless = entry(platform, name, dataset).is_none();
    let reason = "the dataset has no view there; templates that touch it run elsewhere";
    speechless.then(|| narrower(Term::Location, at, reason))
}

/// A dataset whose rule asks for one entity is under no policy: who mounts its share reads rows.
fn unguarded(name: &DatasetName, dataset: &Dataset) -> Vec<Verdict> {
    let tails = [(Term::ActivationTo, "to"), (Term::AudienceMin, "audience_min")];
    let bare = dataset.rule.entities_min <= 1 && dataset.rule.activation.is_some();
    let said = tails.into_iter().filter(|_| bare).map(|(term, tail)| {
        let at = format!("datasets.{name}.rule.activation.{tail}");
        let reason = "with a minimum of one there is no policy on the view: the account that mounts it reads its rows";
        Verdict { fidelity: Fidelity::Wider, ..refused(term, at, reason) }
    });
    said.collect()
}

/// Raw keys that need no normaliser are hashed in the owner's view; others can't be. Keys of one kind must be hashed in one way.
fn keys(agreement: &Agreement, table: &Table) -> Vec<Verdict> {
    let mut ways: BTreeMap<&KeyName, BTreeSet<bool>> = BTreeMap::new();
    let mut places: Vec<(String, &MatchKey)> = Vec::new();
    for (name, dataset) in &agreement.datasets {
        for (column, declared) in &dataset.columns {
            let ColumnUse::Match { keys } = &declared.r#use else { continue };
            let at = || format!("datasets.{name}.columns.{column}");
            places.extend(keys.iter().map(|key| (at(), key)));
        }
    }
    for (_, key) in &places {
        ways.entry(&key.key).or_default().insert(is_hmac(key));
    }
    let unsaid = table.row(Term::RawKey).map(|row| row.reason.clone()).unwrap_or_default();
    let verdict = |(at, key): &(String, &MatchKey)| {
        let term = if key.hashed.is_some() { Term::HashedKey } else { Term::RawKey };
        if ways.get(&key.key).is_some_and(|ways| ways.len() > 1) {
            let reason = format!(
                "{} is an HMAC in one dataset and a plain hash in another: in this room they never meet",
                key.key
            );
            return Some(refused(term, at, reason));
        }
        match (key.hashed, key.normalise) {
            (Some(_), _) => None,
            (None, Normaliser::None) => Some(Verdict {
                fidelity: Fidelity::Exact,
                construct: "SHA2 in the owner's view".to_owned(),
                ..refused(term, at, "the raw identifier is in no view: its owner's hashes it")
            }),
            (None, _) => {
                let reason = format!(
                    "{unsaid}; templates that match on it run elsewhere, unless {} is prepared with `airlock prepare` and declared `hashed`",
                    key.key
                );
                Some(narrower(term, at, reason))
            }
        }
    };
    let mut by_place: BTreeMap<(Term, String), Verdict> = BTreeMap::new();
    for verdict in places.iter().filter_map(verdict) {
        let place = (verdict.term, verdict.at.clone());
        let known = by_place.get(&place);
        // One verdict a place: a refusal before anything else, what does not run before what does.
        let is_worse = known.is_none_or(|known| {
            known.is_held() && (!verdict.is_held() || known.fidelity == Fidelity::Exact)
        });
        if is_worse {
            by_place.insert(place, verdict);
        }
    }
    by_place.into_values().collect()
}

fn is_hmac(key: &MatchKey) -> bool {
    use mappings::model::Hashed;
    matches!(key.hashed, Some(Hashed::HmacBytes | Hashed::HmacHex))
}

/// The templates that don't run there, and why not: nobody is admitted to anything by them.
fn away(agreement: &Agreement, platform: &PlatformId) -> Vec<Verdict> {
    let held = texts(agreement);
    let mut found = Vec::new();
    for (name, template) in agreement.templates.iter().filter(|(name, _)| !held.contains_key(*name))
    {
        let Ok(guarded) = guard(agreement, name) else { continue };
        let mut touched = guarded.datasets.keys();
        let lacking = touched.find(|dataset| {
            let dataset = agreement.datasets.get(*dataset);
            dataset.is_none_or(|dataset| table(platform, dataset).is_none())
        });
        let why = match (lacking, snowflake(agreement, &guarded, Room::Shares)) {
            (Some(dataset), _) => format!("it touches {dataset}, which has no table there"),
            (None, Err(unsaid)) => unsaid.to_string(),
            (None, Ok(_)) => continue,
        };
        let at = format!("templates.{name}.sql");
        found.push(narrower(Term::TemplateText, at, format!("it does not run there: {why}")));
        if template.class == ResultClass::Aggregate {
            let at = format!("templates.{name}.class");
            found.push(narrower(Term::Aggregate, at, "it does not run there"));
        }
    }
    found
}
