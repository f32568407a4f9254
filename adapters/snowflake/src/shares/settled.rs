//! What a look at the accounts finds once everything that is desired is there. Pure. Must not know plans.

use super::call::PutView;
use super::held::holding;
use super::mark::{Comment, Mark};
use super::seen::{Account, Schema, Seen, Share, View, inbound};
use super::wanted::{Offer, wanted};
use crate::connection::Connection;
use crate::entry::as_declared;
use crate::names;
use crate::reach::seat;
use adapter_spi::{Desired, Observation, Scope};
use mappings::model::{MemberId, PlatformId};
use std::collections::{BTreeMap, BTreeSet};

/// The observation of a room in which all of this is there, in accounts that this gateway operates, and nothing else.
#[must_use]
pub fn settled(desired: &Desired, scope: &Scope) -> Observation {
    let seen = seen(desired);
    let holding = holding(scope, &seen);
    Observation {
        offered: Some(holding.offered),
        native: serde_json::json!(seen),
        ..Observation::whole(scope, 0, holding.resources.into_iter().collect())
    }
}

fn seen(desired: &Desired) -> Seen {
    let (agreement, connection) = (&desired.agreement, Connection::default());
    let collaboration = &agreement.collaboration;
    let mark = Mark { agreement: Some(agreement.digest()), ..Mark::of(collaboration) };
    let wanted = wanted(desired);
    let mut accounts: BTreeMap<MemberId, Account> = BTreeMap::new();
    for member in agreement.members.keys() {
        let Ok(seat) = seat(&PlatformId::snowflake(), agreement, member) else { continue };
        let own = agreement.datasets.iter().filter(|(_, dataset)| dataset.owner == *member);
        let account = Account {
            identifier: seat.account,
            region: "AWS_US_EAST_1".to_owned(),
            database: connection.database().to_owned(),
            has_database: true,
            tables: own.map(|(name, one)| (name.clone(), Some(as_declared(one)))).collect(),
            ..Account::default()
        };
        accounts.insert(member.clone(), account);
    }
    for (runner, room) in &wanted.runners {
        let Some(account) = accounts.get_mut(runner) else { continue };
        let mark = mark.listing(&room.templates, &room.texts);
        account.runs = Some(empty(&mark));
    }
    for offer in wanted.offers.values() {
        if let Some(owner) = accounts.get_mut(&offer.owner) {
            offered(offer, owner, &mark);
        }
        let runner = accounts.get_mut(&offer.runner).filter(|_| offer.given && !offer.is_own());
        if let Some(runner) = runner {
            let mount = names::mount(collaboration, &offer.dataset);
            let put = offer.mounted(&runner.database, &mount);
            let from = inbound(&offer.provider, &offer.share());
            runner.inbound.insert(from, Some(mount.clone()));
            runner.mounts.insert(mount);
            add(runner.runs.get_or_insert_with(|| empty(&mark)), &put);
        }
    }
    Seen { accounts, ..Seen::default() }
}

fn offered(offer: &Offer, owner: &mut Account, mark: &Mark) {
    let put = offer.put(&owner.database);
    if offer.is_own() {
        add(owner.runs.get_or_insert_with(|| empty(mark)), &put);
        return;
    }
    add(owner.offers.get_or_insert_with(|| empty(mark)), &put);
    let mut grants = offer.grants(&owner.database);
    let mut to = BTreeSet::from([offer.consumer.clone()]);
    if !offer.given {
        grants.pop();
        to.clear();
    }
    let grants = grants.into_iter().collect();
    let share = Share { mark: mark.clone().into(), to, grants, unknown: BTreeSet::new() };
    owner.shares.insert(offer.share(), share);
}

fn empty(mark: &Mark) -> Schema {
    Schema { mark: mark.clone().into(), views: BTreeMap::new(), policies: BTreeMap::new() }
}

fn add(schema: &mut Schema, put: &PutView) {
    let Some(text) = put.text() else { return };
    if let Some(guarded) = &put.guarded {
        schema.policies.insert(names::minimum(guarded.entities_min), true);
    }
    let mark = Mark::whose(&put.comment);
    let mark = mark.map_or(Comment::Other, |mark| mark.without_terms().into());
    let guarded = put.guarded.clone();
    let [.., name] = &put.path;
    schema.views.insert(name.clone(), View { mark, text, secure: true, guarded });
}
