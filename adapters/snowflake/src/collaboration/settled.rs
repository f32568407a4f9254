//! What a look at the accounts finds once everything that is desired is there. Pure. Must not know plans' steps.

use super::held::holding;
use super::plan::made_by;
use super::seen::{Account, Room, Runner, Seen, Spec, State, Text};
use super::wanted::{self, Wanted, wanted};
use super::{names, specs};
use crate::connection::Connection;
use crate::entry::as_declared;
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
        members: holding.members,
        remains: holding.remains,
        offered: Some(holding.offered),
        gone: holding.gone,
        notes: holding.notes,
        native: serde_json::json!(seen),
        ..Observation::whole(scope, seen.version(), holding.resources.into_iter().collect())
    }
}

fn seen(desired: &Desired) -> Seen {
    let agreement = &desired.agreement;
    let wanted = wanted(desired);
    let accounts = agreement.members.keys().filter_map(|member| {
        let seat = seat(&PlatformId::snowflake_dcr(), agreement, member).ok()?;
        Some((member.clone(), account(desired, &wanted, (member, seat.account))))
    });
    Seen { accounts: accounts.collect(), ..Seen::default() }
}

fn account(
    desired: &Desired,
    wanted: &Wanted,
    (member, identifier): (&MemberId, String),
) -> Account {
    let (agreement, connection) = (&desired.agreement, Connection::default());
    let (database, schema) = (connection.database(), names::schema(&agreement.collaboration));
    let own = agreement.datasets.iter().filter(|(_, dataset)| dataset.owner == *member);
    let mut account = Account {
        identifier,
        region: "AWS_US_EAST_1".to_owned(),
        database: database.to_owned(),
        tables: own.map(|(name, one)| (name.clone(), Some(as_declared(one)))).collect(),
        ..Account::default()
    };
    for offering in wanted.offerings.values().filter(|offering| offering.owner == *member) {
        let made = made_by([database, &schema, &offering.view], &offering.entry);
        account.views.extend(made.map(|made| (offering.view.clone(), made)));
        let spec = offering.spec(database, &schema);
        let meant = spec.and_then(|spec| specs::meaning(&spec));
        account.offerings.insert(offering.id.clone(), meant);
        account.schema = true;
    }
    for room in wanted.rooms.values() {
        let registered = room.templates.values().filter(|said| said.registrar == *member);
        account.templates.extend(registered.map(|said| (said.id.clone(), said.meant)));
        if room.parties.contains_key(member) {
            account.rooms.insert(room.base.clone(), applied(room, wanted));
        }
    }
    account
}

/// A runner's collaboration, in which everybody is, with all that it reads linked and all that may run listed.
fn applied(room: &wanted::Room, wanted: &Wanted) -> Room {
    let linked = |provider: &MemberId| -> BTreeSet<String> {
        let all = room.datasets.iter().filter_map(|dataset| wanted.offerings.get(dataset));
        all.filter(|one| one.owner == *provider).map(|one| one.id.clone()).collect()
    };
    let runner = Runner {
        providers: room.providers.iter().map(|one| (names::alias(one), linked(one))).collect(),
        templates: room.templates.values().map(|said| said.id.clone()).collect(),
        receivers: BTreeSet::new(),
    };
    let parties = || room.parties.iter().map(|(member, account)| (names::alias(member), account));
    let owner = names::alias(&room.runner);
    let texts = room.templates.values();
    let texts = texts.map(|said| (said.id.clone(), Text { spec: said.meant, sql: Some(said.sql) }));
    Room {
        installed: true,
        owner: room.owner().cloned().unwrap_or_default(),
        updated: String::new(),
        states: parties().map(|(alias, _)| (alias, State::Joined)).collect(),
        spec: Spec {
            aliases: parties().map(|(alias, account)| (alias, account.clone())).collect(),
            runners: BTreeMap::from([(owner.clone(), runner)]),
            owner,
        },
        requests: Vec::new(),
        texts: texts.collect(),
    }
}
