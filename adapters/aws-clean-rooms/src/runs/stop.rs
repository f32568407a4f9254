//! Runs that nothing allows any more, whoever started them: where they can be, and their end. Must not know this process's own.

use crate::connection::{Client, listed, sent};
use crate::error::made;
use crate::seats::seat;
use crate::seen::{Seat, Seen};
use crate::wanted::{Text, Wanted};
use adapter_spi::{AdapterError, ErrorKind, Result, Retry, Scope};
use aws_sdk_cleanrooms::types::{ProtectedQueryStatus, TargetProtectedQueryStatus};
use mappings::model::MemberId;
use std::collections::{BTreeMap, BTreeSet};

/// Whoever runs in any agreement of a scope and could not be looked at: what runs there is not known.
pub(super) fn unseen(scope: &Scope, seen: &Seen) -> Option<AdapterError> {
    let agreements = std::iter::once(&scope.agreement).chain(&scope.past);
    let mut templates = agreements.flat_map(|agreement| agreement.templates.values());
    let unseen = |member: &&MemberId| seen.unseen.contains_key(*member);
    let member = templates.find_map(|template| template.run_by.iter().find(unseen))?;
    let code = seen.unseen.get(member)?;
    let reason = format!("the account of {member}, who runs there, could not be looked at: {code}");
    Some(made(ErrorKind::Unavailable, "runs-unseen", Retry::NextCycle, "stop", reason))
}

/// A runner's membership in its collaboration, and the templates that may run there.
pub(super) struct Place {
    pub(super) seat: Seat,
    membership: String,
    allowed: BTreeSet<String>,
}

/// Everywhere that anybody who was looked at can run.
pub(super) fn places(all: &Wanted, scope: &Scope, seen: &Seen) -> Vec<Place> {
    let now = seen.accounts.iter().filter_map(|(member, account)| {
        Some((seat(&scope.agreement, member).ok()?, account, true))
    });
    let past = seen.past.iter().map(|past| (past.seat.clone(), &past.account, false));
    let mut places = Vec::new();
    for (seat, account, is_now) in now.chain(past) {
        let own = account.rooms.iter().filter(|(name, _)| runs_in(&seat.member, name));
        for (name, found) in own {
            let Some(membership) = &found.membership else { continue };
            let mut wanted = all.rooms.values().filter(|_| is_now);
            let room = wanted.find(|room| room.name == *name && room.runner == seat.member);
            let texts = room.into_iter().flat_map(|room| room.templates.values());
            let texts = texts
                .filter(|text| owners(all, text).all(|owner| text.approved_by.contains(owner)));
            let allowed = texts.filter_map(|text| {
                let found = found.templates.get(&text.alias).filter(|found| text.is(found));
                found.map(|found| found.arn.clone())
            });
            let (membership, allowed) = (membership.id.clone(), allowed.collect());
            places.push(Place { seat: seat.clone(), membership, allowed });
        }
    }
    places
}

/// Whether a member is the one who runs in a collaboration.
fn runs_in(member: &MemberId, name: &str) -> bool {
    name.rsplit('.').nth(1) == Some(member.as_str())
}

fn owners<'a>(all: &'a Wanted, text: &'a Text) -> impl Iterator<Item = &'a MemberId> {
    text.touches.iter().filter_map(|dataset| all.tables.get(dataset).map(|table| &table.owner))
}

/// Cancels what runs in a membership without leave; how much of that ran still. What is being cancelled may deliver yet.
pub(super) async fn stop(client: &Client, place: &Place) -> Result<usize> {
    let membership = &place.membership;
    let mut live = BTreeMap::new();
    for status in [
        ProtectedQueryStatus::Submitted,
        ProtectedQueryStatus::Started,
        ProtectedQueryStatus::Cancelling,
    ] {
        let request = client.rooms.list_protected_queries().membership_identifier(membership);
        let request = request.status(status.clone());
        let all = listed!(client, "ListProtectedQueries", request, protected_queries);
        live.extend(all.into_iter().map(|found| (found.id, status.clone())));
    }
    let (mut running, mut failed) = (0, None);
    for (query, status) in live {
        let request = client.rooms.get_protected_query().membership_identifier(membership);
        let request = request.protected_query_identifier(&query);
        let answer = sent!(read, client, "GetProtectedQuery", request)?;
        let sql = answer.protected_query().and_then(|query| query.sql_parameters());
        let template = sql.and_then(|sql| sql.analysis_template_arn());
        if template.is_some_and(|arn| place.allowed.contains(arn)) {
            continue;
        }
        running += 1;
        if status == ProtectedQueryStatus::Cancelling {
            continue;
        }
        let request = client.writes.update_protected_query().membership_identifier(membership);
        let request = request
            .protected_query_identifier(&query)
            .target_status(TargetProtectedQueryStatus::Cancelled);
        match sent!(write, client, "UpdateProtectedQuery", request) {
            // It ended by itself meanwhile.
            Err(error) if error.kind != ErrorKind::Conflict => failed = failed.or(Some(error)),
            Ok(_) | Err(_) => {}
        }
    }
    failed.map_or(Ok(running), Err)
}
