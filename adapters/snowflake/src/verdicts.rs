//! What both rooms say of accounts, places and keys: it is of the platform, and of no room. Pure.

use crate::entry::{entry, table};
use crate::reach::account_of;
use adapter_spi::{Fidelity, Residual, Verdict};
use mappings::model::{
    Agreement, ColumnUse, Dataset, DatasetName, Hashed, KeyName, MatchKey, Normaliser, PlatformId,
};
use mappings::table::{Table, Term};
use std::collections::{BTreeMap, BTreeSet};

/// What the platform can't hold at all.
pub(crate) fn refused(term: Term, at: impl Into<String>, reason: impl Into<String>) -> Verdict {
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
pub(crate) fn narrower(term: Term, at: impl Into<String>, reason: impl Into<String>) -> Verdict {
    Verdict { fidelity: Fidelity::Narrower, ..refused(term, at, reason) }
}

/// A member is an account there, named by its organisation, and no two members' alike.
pub(crate) fn identities(agreement: &Agreement, platform: &PlatformId) -> Vec<Verdict> {
    let mut seen = BTreeSet::new();
    let wrong = agreement.members.iter().filter_map(|(name, member)| {
        let why = match member.identity.get(platform).map(|pinned| account_of(pinned)) {
            None => {
                format!(
                    "it has no pinned account; add `identity: {{ {platform}: \"ORG.ACCOUNT\" }}`"
                )
            }
            Some(None) => {
                "an account is ORG.ACCOUNT; a locator names none to share with".to_owned()
            }
            Some(Some(account)) if !seen.insert(account.clone()) => {
                "another member has the same account; a room takes each account once".to_owned()
            }
            Some(Some(_)) => return None,
        };
        Some(refused(Term::Members, format!("members.{name}"), why))
    });
    wrong.collect()
}

/// A dataset without a table there is not held there.
pub(crate) fn place(
    name: &DatasetName,
    dataset: &Dataset,
    platform: &PlatformId,
) -> Option<Verdict> {
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

/// Raw keys that need no normaliser are hashed in the owner's view; others can't be. Keys of one kind must be hashed in one way.
pub(crate) fn keys(agreement: &Agreement, table: &Table) -> Vec<Verdict> {
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
    matches!(key.hashed, Some(Hashed::HmacBytes | Hashed::HmacHex))
}
