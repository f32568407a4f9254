//! Whether what was withdrawn is really closed, tried as the one who could use it: by the runner's own reading calls. No query is
//! started, nobody's rows are read.

use crate::connection::{Client, listed};
use crate::held::{allows, is_ready};
use crate::observe::{batch, templates};
use crate::room::AwsCleanRooms;
use crate::seats::{past, seat};
use crate::seen::{Room, Seat};
use crate::wanted::{self, wanted};
use adapter_spi::{Cx, Desired, Probe, ResourceKind, Result, Scope};
use aws_sdk_cleanrooms::types::{CollaborationSummary, MemberStatus};
use mappings::model::{Agreement, DatasetName, MemberId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl AwsCleanRooms {
    /// Tries it in every collaboration of every agreement of a scope, in whose runner's account this gateway can.
    pub(crate) async fn tried(&self, what: &ResourceKind, scope: &Scope, cx: &Cx) -> Result<Probe> {
        let mut answer = Probe::NotPossible;
        for agreement in std::iter::once(&scope.agreement).chain(&scope.past) {
            let all = wanted(&Desired::whole(Arc::clone(agreement)));
            for room in all.rooms.values() {
                let Some(user) = user(what, agreement, room) else { continue };
                let seat = seat(agreement, user).ok().filter(|seat| self.reaches(seat, scope));
                let Some(seat) = seat else { continue };
                let client = self.seated(&scope.collaboration, &seat).await?.within(cx);
                if served(&client, agreement, room, what).await? {
                    return Ok(Probe::Served);
                }
                answer = Probe::Denied;
            }
        }
        Ok(answer)
    }

    /// Whether this gateway has a connection for an account. Of one that only earlier agreements name it is the member's other
    /// account that it has, unless it looked there before.
    fn reaches(&self, seat: &Seat, scope: &Scope) -> bool {
        let earlier = past(scope).contains_key(seat);
        self.connection(&seat.member).is_some()
            && (!earlier || self.kept(&scope.collaboration, seat).is_some())
    }
}

/// Who could use it in a collaboration: the runner; of a membership, its member.
fn user<'a>(
    what: &'a ResourceKind,
    agreement: &Agreement,
    room: &'a wanted::Room,
) -> Option<&'a MemberId> {
    let touched = match what {
        ResourceKind::Dataset(name) => {
            room.templates.values().any(|text| text.touches.contains(name))
        }
        ResourceKind::Template(name) => room.templates.contains_key(name),
        ResourceKind::Approval(name, owner) => room.templates.get(name).is_some_and(|text| {
            let mut tables = text.touches.iter().filter_map(|one| agreement.datasets.get(one));
            tables.any(|dataset| dataset.owner == *owner)
        }),
        ResourceKind::Member(member) => {
            return room.parties.contains_key(member).then_some(member);
        }
        ResourceKind::Native(_) => false,
    };
    touched.then_some(&room.runner)
}

async fn served(
    client: &Client,
    agreement: &Agreement,
    room: &wanted::Room,
    what: &ResourceKind,
) -> Result<bool> {
    let creator = room.parties.get(&room.runner).map(|party| &party.account);
    let request = client.rooms.list_collaborations();
    let all = listed!(client, "ListCollaborations", request, collaboration_list);
    let named = |one: &&CollaborationSummary| {
        one.name() == room.name && creator.is_some_and(|own| own == one.creator_account_id())
    };
    for found in all.iter().filter(named) {
        let joined = *found.member_status() == MemberStatus::Active;
        let open = match what {
            ResourceKind::Member(_) => joined,
            _ if !joined => false,
            ResourceKind::Dataset(name) => {
                is_ready(&offered(client, found, &BTreeSet::from([name.clone()])).await?, name)
            }
            ResourceKind::Template(name) => {
                let Some(text) = room.templates.get(name) else { continue };
                usable(&offered(client, found, &text.touches).await?, text, &|_| true)
            }
            ResourceKind::Approval(name, owner) => {
                let Some(text) = room.templates.get(name) else { continue };
                let own = |one: &&DatasetName| {
                    agreement.datasets.get(*one).is_some_and(|dataset| dataset.owner == *owner)
                };
                usable(&offered(client, found, &text.touches).await?, text, &own)
            }
            ResourceKind::Native(_) => false,
        };
        if open {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether these of the tables that a text reads are ready for it.
fn usable(view: &Room, text: &wanted::Text, of: &dyn Fn(&&DatasetName) -> bool) -> bool {
    let mut tables = text.touches.iter().filter(of);
    allows(view, text, of) && tables.all(|dataset| is_ready(view, dataset))
}

/// What the runner is offered of these tables, with all templates.
async fn offered(
    client: &Client,
    found: &CollaborationSummary,
    datasets: &BTreeSet<DatasetName>,
) -> Result<Room> {
    let names: Vec<String> = datasets.iter().map(ToString::to_string).collect();
    let schemas = batch(client, found.id(), &names).await?;
    Ok(Room {
        id: found.id().to_owned(),
        arn: found.arn().to_owned(),
        creator: found.creator_account_id().to_owned(),
        members: BTreeMap::new(),
        membership: None,
        schemas: schemas.into_iter().collect(),
        templates: templates(client, found.id()).await?,
    })
}
