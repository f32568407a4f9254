//! Looking: lists of the platform read to their end, the newest value of everything that is named like ours and tagged by us.
//! Never writes.

mod account;
mod beside;
mod partner;
mod rooms;
mod tables;

pub(crate) use partner::{batch, partner, templates};
pub(crate) use tables::{
    budget as budget_of, is_rule, received as received_by, receivers as receivers_of,
    rule as rule_of,
};

use crate::connection::{Client, WRONG_ACCOUNT, sent};
use crate::error::made;
use crate::names;
use crate::seen::{Account, Past, Room, Seat, Seen};
use adapter_spi::{AdapterError, ErrorKind, Result, Retry};
use mappings::model::{Agreement, CollaborationId, MemberId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The tag by which a thing of ours is known.
pub(crate) const TAG_COLLABORATION: &str = "airlock:collaboration";
/// Of which agreement it was when it was made.
pub(crate) const TAG_AGREEMENT: &str = "airlock:agreement";

/// An account that is looked at.
pub(crate) struct Watched {
    pub(crate) seat: Seat,
    pub(crate) client: Result<Client>,
    /// The agreement whose account this is; of an earlier account, all that named it.
    pub(crate) agreements: Vec<Arc<Agreement>>,
    /// Whether no agreement in force names it.
    pub(crate) is_past: bool,
}

/// What all operated members see. A member that can't be looked at is named; whatever is missing from its view is unknown, not
/// gone.
pub(crate) async fn observe(watched: &[Watched], known: &Known) -> Seen {
    let mut seen = Seen::default();
    let mut clients: BTreeMap<&Seat, &Client> = BTreeMap::new();
    for one in watched {
        let member = &one.seat.member;
        match look(one, known).await {
            Ok(account) if one.is_past => {
                let tables = account.tables.is_empty() && account.spare.is_empty();
                let left = !(account.rooms.is_empty() && tables);
                let (seat, account) = (one.seat.clone(), account);
                seen.past.extend(left.then_some(Past { seat, account }));
            }
            Ok(account) => drop(seen.accounts.insert(member.clone(), account)),
            // The member's connection is for the account that is in force: there is none for this one.
            Err(error) if one.is_past && error.code == WRONG_ACCOUNT => continue,
            Err(error) => drop(seen.unseen.insert(member.clone(), error.code.to_owned())),
        }
        if let Ok(client) = &one.client {
            clients.insert(&one.seat, client);
        }
    }
    let now = watched.iter().filter(|one| !one.is_past);
    let now: BTreeMap<&MemberId, &Seat> = now.map(|one| (&one.seat.member, &one.seat)).collect();
    for (name, viewer) in viewers(&seen) {
        let client = now.get(&viewer).and_then(|seat| clients.get(*seat));
        let room = seen.accounts.get_mut(&viewer).and_then(|one| one.rooms.get_mut(&name));
        let (Some(client), Some(room)) = (client, room) else { continue };
        if let Err(error) = view(client, room).await {
            seen.accounts.remove(&viewer);
            seen.unseen.insert(viewer, error.code.to_owned());
        }
    }
    let mut failed = Vec::new();
    for past in &mut seen.past {
        let Some(client) = clients.get(&past.seat) else { continue };
        for room in past.account.rooms.values_mut() {
            if let Err(error) = view(client, room).await {
                failed.push((past.seat.clone(), error.code));
                break;
            }
        }
    }
    seen.past.retain(|past| !failed.iter().any(|(seat, _)| *seat == past.seat));
    seen.unseen.extend(failed.into_iter().map(|(seat, code)| (seat.member, code.to_owned())));
    seen
}

async fn look(one: &Watched, known: &Known) -> Result<Account> {
    let client = one.client.as_ref().map_err(Clone::clone)?;
    let (member, agreements) = (&one.seat.member, one.agreements.as_slice());
    let (notes, is_past) = (BTreeSet::new(), one.is_past);
    account::Look { member, client, agreements, known, notes, is_past }.account().await
}

async fn view(client: &Client, room: &mut Room) -> Result<()> {
    (room.schemas, room.templates) = partner(client, room).await?;
    Ok(())
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

/// What needs no second reading: ARNs that were found to be tagged by us, and what tables of others are over.
#[derive(Debug, Default)]
pub(crate) struct Known {
    tagged: Mutex<BTreeSet<String>>,
    glue: Mutex<beside::Kept>,
}

impl Known {
    fn has(&self, arn: &str) -> bool {
        self.tagged.lock().unwrap_or_else(PoisonError::into_inner).contains(arn)
    }

    fn add(&self, arn: &str) {
        self.tagged.lock().unwrap_or_else(PoisonError::into_inner).insert(arn.to_owned());
    }

    fn glue(&self, arn: &str, changed_ms: i64) -> Option<beside::Over> {
        let kept = self.glue.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(arn).filter(|(at, _)| *at == changed_ms).map(|(_, glue)| glue.clone())
    }

    fn keep_glue(&self, arn: &str, changed_ms: i64, glue: beside::Over) {
        let mut kept = self.glue.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(arn.to_owned(), (changed_ms, glue));
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
    let request = client.rooms.list_tags_for_resource().resource_arn(arn);
    let tags = match sent!(read, client, "ListTagsForResource", request) {
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
