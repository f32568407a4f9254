//! Looking: lists of the platform read to their end, the newest value of everything that is named like ours and tagged by us.
//! Never writes.

mod account;
mod partner;

pub(crate) use account::rule as rule_of;

use crate::connection::Client;
use crate::error::{Act, made, told};
use crate::names;
use crate::seen::{Account, Seen};
use adapter_spi::{AdapterError, ErrorKind, Result, Retry, Scope};
use mappings::model::{CollaborationId, MemberId};
use std::collections::{BTreeMap, BTreeSet};

/// The tag by which a thing of ours is known.
pub(crate) const TAG_COLLABORATION: &str = "airlock:collaboration";
/// Of which agreement it was when it was made.
pub(crate) const TAG_AGREEMENT: &str = "airlock:agreement";

/// What all operated members see. A member that can't be looked at is named; whatever is missing from its view is unknown, not
/// gone.
pub(crate) async fn observe(
    scope: &Scope,
    clients: &BTreeMap<MemberId, Result<Client>>,
    known: &Known,
) -> Seen {
    let mut seen = Seen::default();
    for (member, client) in clients {
        let looked = match client {
            Ok(client) => account::account(&scope.agreement, client, known).await,
            Err(error) => Err(error.clone()),
        };
        match looked {
            Ok(account) => drop(seen.accounts.insert(member.clone(), account)),
            Err(error) => drop(seen.unseen.insert(member.clone(), error.code.to_owned())),
        }
    }
    for (room, viewer) in viewers(&seen) {
        let Some(Ok(client)) = clients.get(&viewer) else { continue };
        let looked = partner::partner(client, seen.accounts.get(&viewer), &room).await;
        let account =
            seen.accounts.get_mut(&viewer).and_then(|account| account.rooms.get_mut(&room));
        match (looked, account) {
            (Ok((schemas, templates)), Some(seen)) => {
                seen.schemas = schemas;
                seen.templates = templates;
            }
            (Ok(_), None) => {}
            (Err(error), _) => {
                seen.accounts.remove(&viewer);
                seen.unseen.insert(viewer, error.code.to_owned());
            }
        }
    }
    seen
}

/// Whose view of each collaboration is taken: its creator's, who is the runner; else the first member's.
fn viewers(seen: &Seen) -> BTreeMap<String, MemberId> {
    let mut viewers: BTreeMap<String, MemberId> = BTreeMap::new();
    for (member, account) in &seen.accounts {
        for name in account.rooms.keys() {
            let runner = name.rsplit('.').nth(1) == Some(member.as_str());
            if runner || !viewers.contains_key(name) {
                viewers.insert(name.clone(), member.clone());
            }
        }
    }
    viewers
}

/// ARNs that were found to be tagged by us; a tag read once needs no second reading.
#[derive(Debug, Default)]
pub(crate) struct Known(std::sync::Mutex<BTreeSet<String>>);

impl Known {
    fn has(&self, arn: &str) -> bool {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).contains(arn)
    }

    fn add(&self, arn: &str) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(arn.to_owned());
    }
}

/// Whether a thing carries our tag for this agreement. One that is gone meanwhile carries none.
pub(crate) async fn is_ours(
    client: &Client,
    arn: &str,
    collaboration: &CollaborationId,
    known: &Known,
) -> Result<bool> {
    if known.has(arn) {
        return Ok(true);
    }
    let tags = client.rooms.list_tags_for_resource().resource_arn(arn).send().await;
    let tags = match tags.map_err(|error| told("ListTagsForResource", Act::Read, &error)) {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(false),
        read => read?,
    };
    let ours = tags.tags().get(TAG_COLLABORATION).is_some_and(|tag| tag == collaboration.as_str());
    if ours {
        known.add(arn);
    }
    Ok(ours)
}

/// Whether a name begins like those of this agreement.
fn is_named(name: &str, collaboration: &CollaborationId) -> bool {
    name.starts_with(&names::rooms(collaboration))
}

/// An answer that lacks what the model requires, or says what this version has no word for.
fn unreadable(operation: &'static str, what: &str) -> AdapterError {
    made(
        ErrorKind::InvalidNative,
        "answer-unreadable",
        Retry::NextCycle,
        operation,
        what.to_owned(),
    )
}

/// Puts a thing under its name; a second one of the same name makes both strangers.
fn put<T>(things: &mut BTreeMap<String, T>, account: &mut Account, name: String, thing: T) {
    if things.insert(name.clone(), thing).is_some() {
        things.remove(&name);
        account.strangers.insert(name);
    }
}
