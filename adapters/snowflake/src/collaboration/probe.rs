//! Whether what was withdrawn is really closed, tried as the one who could use it: by what its runner is shown. No query is started,
//! nobody's rows are read.

use super::known::Known;
use super::observe::{listed_rooms, states, texts};
use super::room::SnowflakeCollaborations;
use super::seen::State;
use super::{names, wanted};
use crate::session::Session;
use crate::sql::Sql;
use adapter_spi::{CallClass, Cx, Probe, ResourceKind, Result, Scope};
use mappings::model::{DatasetName, MemberId};
use snowflake_sql_api::Binding;
use std::collections::BTreeSet;

impl SnowflakeCollaborations {
    /// Tries it in every collaboration of a scope, in whose runner's account this gateway can.
    pub(super) async fn tried(&self, what: &ResourceKind, scope: &Scope, cx: &Cx) -> Result<Probe> {
        let known = Known::of(scope);
        let mut answer = Probe::NotPossible;
        for room in known.rooms.values() {
            let user = match what {
                ResourceKind::Member(member) => room.parties.contains_key(member).then_some(member),
                ResourceKind::Native(_) => None,
                ResourceKind::Dataset(_)
                | ResourceKind::Template(_)
                | ResourceKind::Approval(..) => Some(&room.runner),
            };
            let Some(user) = user else { continue };
            for seat in self.reach.seats(scope) {
                if seat.member != *user {
                    continue;
                }
                let session = Box::pin(self.reach.seated(&seat, cx)).await?;
                if Box::pin(served(&session, &known, (room, user, what), scope)).await? {
                    return Ok(Probe::Served);
                }
                answer = Probe::Denied;
            }
        }
        Ok(answer)
    }
}

async fn served(
    session: &Session,
    known: &Known,
    (room, user, what): (&wanted::Room, &MemberId, &ResourceKind),
    scope: &Scope,
) -> Result<bool> {
    for found in listed_rooms(session).await? {
        let ours = names::generation_of(&room.base, &found.name).is_some();
        let own = found.local.is_some() || *user == room.runner;
        if !ours || !own || room.owner() != Some(&found.owner) {
            continue;
        }
        let states = states(session, &found.name).await?;
        let state = |member: &MemberId| states.get(&names::alias(member)).copied();
        let over = state(&room.runner).is_none_or(State::is_over);
        let joined = state(user).is_some_and(State::is_in);
        if !joined || over {
            continue;
        }
        let linked = || Box::pin(linked(session, known, scope, &found.name));
        let open = match what {
            ResourceKind::Member(_) => true,
            ResourceKind::Dataset(dataset) => linked().await?.contains(dataset),
            ResourceKind::Template(template) | ResourceKind::Approval(template, _) => {
                let listed = texts(session, &found.name).await?;
                let name = names::template(&scope.collaboration, template);
                let reads = known
                    .templates
                    .values()
                    .find(|said| said.version.kind == ResourceKind::Template(template.clone()));
                let reads: BTreeSet<DatasetName> =
                    reads.into_iter().flat_map(|said| said.reads.keys().cloned()).collect();
                let is_it =
                    |id: &String| id.rsplit_once('_').is_some_and(|(begin, _)| begin == name);
                listed.keys().any(is_it) && reads.is_subset(&linked().await?)
            }
            ResourceKind::Native(_) => false,
        };
        if open {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The datasets that an account is shown in a collaboration.
async fn linked(
    session: &Session,
    known: &Known,
    scope: &Scope,
    room: &str,
) -> Result<BTreeSet<DatasetName>> {
    const TEXT: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_DATA_OFFERINGS(?)";
    let sql = Sql::new(TEXT).bind(Binding::text(room));
    let rows = session.rows("VIEW_DATA_OFFERINGS", CallClass::List, sql).await?;
    let ids = rows.of(["data_offering_id"])?.into_iter().filter_map(|[id]| id);
    let ids = ids.map(|id| id.to_ascii_lowercase());
    Ok(ids.filter_map(|id| known.dataset(&scope.agreement, &id)).collect())
}
