//! One native call. What gives is looked at again before it is made; what takes away is made at once, and looked at only where the
//! platform refuses, since it refuses as well what is done already.

use super::call::{Call, WITHDRAWN};
use super::observe::{Found, listed_rooms, requests, states};
use super::plan::view_sql;
use super::seen::{Asks, Runner, State, Status};
use crate::error::Told;
use crate::session::{Session, request_of};
use crate::sql::Sql;
use adapter_spi::{AdapterError, Applied, Effect, ErrorKind, Result, Retry, Step};
use snowflake_sql_api::Binding;
use std::collections::BTreeSet;

const REGISTER_OFFERING: &str =
    "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.REGISTER_DATA_OFFERING(?)";
const REGISTER_TEMPLATE: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.REGISTER_TEMPLATE(?)";
const UNREGISTER_OFFERING: &str =
    "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.UNREGISTER_DATA_OFFERING(?)";
const UNREGISTER_TEMPLATE: &str =
    "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.UNREGISTER_TEMPLATE(?)";
const INITIALIZE: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.INITIALIZE(?)";
const REVIEW: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.REVIEW(?, ?, ?)";
const JOIN: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.JOIN(?)";
const LEAVE: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.LEAVE(?)";
const TEARDOWN: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.TEARDOWN(?)";
const LINK: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.LINK_DATA_OFFERING";
const UNLINK: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.UNLINK_DATA_OFFERING";
const REQUEST: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.ADD_TEMPLATE_REQUEST";
const REMOVE: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.REMOVE_TEMPLATE";
const APPROVE: &str =
    "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.APPROVE_UPDATE_REQUEST(?, ?)";
const REJECT: &str =
    "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.REJECT_UPDATE_REQUEST(?, ?, ?)";
const EDIT: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.EDIT(?, ?)";

/// It changed something; almost always what it does comes after its answer.
const CHANGED: Applied = Applied::Changed { version: 0, shown: false };

/// Makes the call in this member's account.
pub(crate) async fn apply(session: &Session, call: &Call, step: &Step) -> Result<Applied> {
    if !step.effect.takes_away() {
        match state_of(session, call).await? {
            There::Done => return Ok(Applied::Already),
            There::Ready => {}
            There::Stale => return Err(stale(session, call.operation())),
        }
    }
    let sql = statement(call);
    let (operation, request) = (call.operation(), request_of(&step.id, 0));
    let sending = if step.effect.takes_away() { session.lasting() } else { session.patient() };
    let Err(error) = Box::pin(sending.write(operation, request, sql)).await else {
        return Ok(CHANGED);
    };
    if error.kind == ErrorKind::AlreadyExists && step.effect != Effect::Grant {
        return Ok(Applied::Already);
    }
    // A view that could not be dropped is there; one that is not found is not.
    let failed = error.kind == ErrorKind::Conflict && !matches!(call, Call::DropView { .. });
    let refused = failed || error.kind == ErrorKind::NotFound;
    if refused && Box::pin(is_done(session, call)).await? {
        return Ok(Applied::Already);
    }
    Err(lacking(call, error))
}

/// What the role may have lacked. A procedure refuses whatever it refuses with one code, so that it is said as one reason among others.
fn lacking(call: &Call, error: AdapterError) -> AdapterError {
    let (needs, before) = (call.needs(), &error.reason);
    let lacks = [ErrorKind::NotFound, ErrorKind::PermissionDenied].contains(&error.kind);
    let reason = if lacks {
        format!("{before}; its role needs {needs}")
    } else if error.kind == ErrorKind::Conflict {
        format!("{before}; among what it needs is its role's: {needs}")
    } else {
        return error;
    };
    AdapterError { reason, ..error }
}

fn stale(session: &Session, operation: &'static str) -> AdapterError {
    let told: Told = (ErrorKind::StaleVersion, "stale-version", Retry::NextCycle);
    session.error(told, operation, "the collaboration changed since this step was planned")
}

/// What a call that makes or gives would meet.
enum There {
    Done,
    Ready,
    Stale,
}

/// A collaboration as this account lists it now.
async fn found(session: &Session, room: &str) -> Result<Option<Found>> {
    let all = listed_rooms(session).await?;
    let mut ours: Vec<Found> = all.into_iter().filter(|one| one.name == room).collect();
    ours.sort_by_key(|one| one.local.is_none());
    Ok(ours.into_iter().next())
}

fn own_alias(session: &Session, found: &Found) -> Option<String> {
    let mut aliases = found.spec.aliases.iter();
    let own = aliases.find(|(_, account)| **account == session.seat.account);
    own.map(|(alias, _)| alias.clone())
}

/// How far this account is in a collaboration.
async fn own_state(session: &Session, found: &Found) -> Result<Option<State>> {
    let Some(alias) = own_alias(session, found) else { return Ok(None) };
    if found.local.is_none() && alias != found.spec.owner {
        return Ok(Some(State::Invited));
    }
    Ok(states(session, &found.name).await?.get(&alias).copied())
}

/// Whether a call that makes or gives has anything to do, and may do it.
async fn state_of(session: &Session, call: &Call) -> Result<There> {
    let room = match call {
        // Names that hold their content: who finds them there is done.
        Call::CreateSchema { .. }
        | Call::CreateView { .. }
        | Call::RegisterOffering { .. }
        | Call::RegisterTemplate { .. }
        | Call::UnregisterOffering { .. }
        | Call::UnregisterTemplate { .. }
        | Call::DropView { .. }
        | Call::Leave { .. }
        | Call::Teardown { .. }
        | Call::Unlink { .. }
        | Call::RemoveTemplate { .. }
        | Call::Reject { .. }
        | Call::Edit { .. } => return Ok(There::Ready),
        Call::Initialize { room, .. } => {
            let there = found(session, room).await?.is_some();
            return Ok(if there { There::Done } else { There::Ready });
        }
        Call::Review { room, .. }
        | Call::Join { room }
        | Call::Link { room, .. }
        | Call::RequestTemplate { room, .. }
        | Call::Approve { room, .. } => room,
    };
    let Some(found) = found(session, room).await? else { return Ok(There::Stale) };
    let state = own_state(session, &found).await?;
    if matches!(call, Call::Review { .. } | Call::Join { .. }) {
        return Ok(entering(call, state));
    }
    if state != Some(State::Joined) || !is_alive(session, &found).await? {
        return Ok(There::Stale);
    }
    opening(session, call, &found).await
}

fn entering(call: &Call, state: Option<State>) -> There {
    let reviews = matches!(call, Call::Review { .. });
    match state {
        Some(State::Joined | State::Moving) => There::Done,
        Some(State::InReview) if reviews => There::Done,
        Some(State::Invited) if reviews => There::Ready,
        Some(State::InReview | State::Created) if !reviews => There::Ready,
        Some(State::InstallFailed | State::JoinFailed) => There::Ready,
        Some(_) | None => There::Stale,
    }
}

/// Whether the owner of a collaboration is in it.
async fn is_alive(session: &Session, found: &Found) -> Result<bool> {
    let states = states(session, &found.name).await?;
    Ok(states.get(&found.spec.owner) == Some(&State::Joined))
}

/// Whether what opens access has anything to do.
async fn opening(session: &Session, call: &Call, found: &Found) -> Result<There> {
    let nothing = Runner::default();
    Ok(match call {
        Call::Link { offering, runner, .. } => {
            let own = own_alias(session, found).unwrap_or_default();
            let held = found.spec.runners.get(runner).unwrap_or(&nothing);
            match held.providers.get(&own) {
                Some(linked) if linked.contains(offering) => There::Done,
                Some(_) => There::Ready,
                None => There::Stale,
            }
        }
        Call::RequestTemplate { template, runner, .. } => {
            let held = found.spec.runners.get(runner);
            let asked = requests(session, &found.name).await?.into_iter().any(|request| {
                let same = matches!(&request.asks, Asks::Template { id, .. } if id == template);
                same && request.status.is_open()
            });
            match held {
                Some(held) if asked || held.templates.contains(template) => There::Done,
                Some(_) => There::Ready,
                None => There::Stale,
            }
        }
        Call::Approve { request: wanted, template, .. } => {
            let all = requests(session, &found.name).await?;
            let request = all.into_iter().find(|one| one.id == *wanted);
            let same = |asks: &Asks| matches!(asks, Asks::Template { id, .. } if id == template);
            match request.filter(|one| same(&one.asks)).map(|one| one.status) {
                Some(Status::Mine) => There::Ready,
                Some(Status::Others | Status::Approved | Status::Done) => There::Done,
                Some(Status::Rejected | Status::Failed | Status::Unknown) | None => There::Stale,
            }
        }
        Call::CreateSchema { .. }
        | Call::CreateView { .. }
        | Call::DropView { .. }
        | Call::RegisterOffering { .. }
        | Call::RegisterTemplate { .. }
        | Call::UnregisterOffering { .. }
        | Call::UnregisterTemplate { .. }
        | Call::Initialize { .. }
        | Call::Review { .. }
        | Call::Join { .. }
        | Call::Leave { .. }
        | Call::Teardown { .. }
        | Call::Unlink { .. }
        | Call::RemoveTemplate { .. }
        | Call::Reject { .. }
        | Call::Edit { .. } => There::Stale,
    })
}

/// After a refusal: whether what takes away is done all the same, or what is registered is there.
async fn is_done(session: &Session, call: &Call) -> Result<bool> {
    Ok(match call {
        Call::CreateSchema { .. }
        | Call::CreateView { .. }
        | Call::Initialize { .. }
        | Call::Review { .. }
        | Call::Join { .. }
        | Call::Link { .. }
        | Call::RequestTemplate { .. }
        | Call::Approve { .. }
        | Call::Edit { .. } => false,
        Call::RegisterOffering { id, .. } => is_registered(session, id, true).await?,
        Call::RegisterTemplate { id, .. } => is_registered(session, id, false).await?,
        Call::UnregisterOffering { id } => !is_registered(session, id, true).await?,
        Call::UnregisterTemplate { id } => !is_registered(session, id, false).await?,
        // The schema, or the database, is gone with everything in it.
        Call::DropView { .. } => true,
        Call::Leave { room, again } | Call::Teardown { room, again } => {
            let Some(found) = found(session, room).await? else { return Ok(true) };
            match own_state(session, &found).await? {
                Some(State::Leaving | State::Out) | None => true,
                Some(State::DropPending) => !again,
                Some(_) => false,
            }
        }
        Call::Unlink { room, offering, runners } => {
            let Some(found) = found(session, room).await? else { return Ok(true) };
            let own = own_alias(session, &found).unwrap_or_default();
            let linked = |runner: &String| {
                let held = found.spec.runners.get(runner);
                held.and_then(|held| held.providers.get(&own))
                    .is_some_and(|ids| ids.contains(offering))
            };
            !runners.iter().any(linked) || is_out(session, &found).await?
        }
        Call::RemoveTemplate { room, template, runners } => {
            let Some(found) = found(session, room).await? else { return Ok(true) };
            let listed = |runner: &String| {
                found.spec.runners.get(runner).is_some_and(|held| held.templates.contains(template))
            };
            !runners.iter().any(listed) || is_out(session, &found).await?
        }
        Call::Reject { room, request } => {
            let Some(found) = found(session, room).await? else { return Ok(true) };
            if is_out(session, &found).await? {
                return Ok(true);
            }
            let all = requests(session, &found.name).await?;
            let one = all.into_iter().find(|one| one.id == *request);
            one.is_none_or(|one| !one.status.is_open())
        }
    })
}

/// Whether this account is out of a collaboration, and with it what it brought.
async fn is_out(session: &Session, found: &Found) -> Result<bool> {
    let state = own_state(session, found).await?;
    Ok(state.is_none_or(|state| matches!(state, State::Out | State::DropPending)))
}

async fn is_registered(session: &Session, id: &str, offering: bool) -> Result<bool> {
    let (operation, text, column) = if offering {
        let text = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS()";
        ("VIEW_REGISTERED_DATA_OFFERINGS", text, "data_offering_id")
    } else {
        let text = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_TEMPLATES()";
        ("VIEW_REGISTERED_TEMPLATES", text, "template_id")
    };
    let rows = session.rows(operation, adapter_spi::CallClass::List, Sql::new(text)).await?;
    let rows = rows.of([column])?;
    Ok(rows.into_iter().any(|[found]| found.is_some_and(|found| found.eq_ignore_ascii_case(id))))
}

/// A call whose last argument is a list of names, each bound.
fn with_list(words: &'static str, texts: [&str; 2], list: &BTreeSet<String>) -> Sql {
    let mut sql = Sql::new(words).word("(?, ?, ARRAY_CONSTRUCT(");
    for at in 0..list.len() {
        sql = sql.word(if at == 0 { "?" } else { ", ?" });
    }
    sql = sql.word("))");
    let bound = texts.into_iter().chain(list.iter().map(String::as_str));
    bound.fold(sql, |sql, text| sql.bind(Binding::text(text)))
}

fn bound(words: &'static str, texts: &[&str]) -> Sql {
    texts.iter().fold(Sql::new(words), |sql, text| sql.bind(Binding::text(*text)))
}

/// The one statement of a call. Texts are bound: none of them is part of the statement.
pub(super) fn statement(call: &Call) -> Sql {
    match call {
        Call::CreateSchema { database, schema } => {
            Sql::new("CREATE SCHEMA IF NOT EXISTS ").path(&[database, schema])
        }
        Call::CreateView { database, schema, view, entry } => {
            view_sql([database, schema, view], entry)
        }
        Call::DropView { database, schema, view } => {
            Sql::new("DROP VIEW IF EXISTS ").path(&[database, schema, view])
        }
        Call::RegisterOffering { spec, .. } => bound(REGISTER_OFFERING, &[spec]),
        Call::RegisterTemplate { spec, .. } => bound(REGISTER_TEMPLATE, &[spec]),
        Call::UnregisterOffering { id } => bound(UNREGISTER_OFFERING, &[id]),
        Call::UnregisterTemplate { id } => bound(UNREGISTER_TEMPLATE, &[id]),
        Call::Initialize { spec, .. } => bound(INITIALIZE, &[spec]),
        Call::Review { room, owner } => bound(REVIEW, &[room, owner, room]),
        Call::Join { room } => bound(JOIN, &[room]),
        Call::Leave { room, .. } => bound(LEAVE, &[room]),
        Call::Teardown { room, .. } => bound(TEARDOWN, &[room]),
        Call::Link { room, offering, runner } => {
            with_list(LINK, [room, offering], &BTreeSet::from([runner.clone()]))
        }
        Call::Unlink { room, offering, runners } => with_list(UNLINK, [room, offering], runners),
        Call::RequestTemplate { room, template, runner } => {
            with_list(REQUEST, [room, template], &BTreeSet::from([runner.clone()]))
        }
        Call::RemoveTemplate { room, template, runners } => {
            with_list(REMOVE, [room, template], runners)
        }
        Call::Approve { room, request, .. } => bound(APPROVE, &[room, request]),
        Call::Reject { room, request } => bound(REJECT, &[room, request, WITHDRAWN]),
        Call::Edit { room, spec } => bound(EDIT, &[room, spec]),
    }
}

#[cfg(test)]
mod tests {
    //! What is sent: names and texts bound or quoted, whatever is in them.
    use super::*;

    #[test]
    fn texts_are_bound_and_names_quoted() {
        let hostile = || "x'), ('y\") $$; DROP".to_owned();
        let runners = BTreeSet::from([hostile(), "b".to_owned()]);
        let call = Call::Unlink { room: hostile(), offering: hostile(), runners };
        let sql = statement(&call);
        let text = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.UNLINK_DATA_OFFERING(?, ?, ARRAY_CONSTRUCT(?, ?))";
        assert_eq!(sql.as_text(), Ok(text));
        let all = [
            Call::RegisterOffering { id: hostile(), spec: hostile() },
            Call::RegisterTemplate { id: hostile(), spec: hostile() },
            Call::UnregisterOffering { id: hostile() },
            Call::UnregisterTemplate { id: hostile() },
            Call::Initialize { room: hostile(), spec: hostile() },
            Call::Review { room: hostile(), owner: hostile() },
            Call::Join { room: hostile() },
            Call::Leave { room: hostile(), again: true },
            Call::Teardown { room: hostile(), again: false },
            Call::Link { room: hostile(), offering: hostile(), runner: hostile() },
            Call::RequestTemplate { room: hostile(), template: hostile(), runner: hostile() },
            Call::Approve { room: hostile(), request: hostile(), template: hostile() },
            Call::Reject { room: hostile(), request: hostile() },
            Call::Edit { room: hostile(), spec: hostile() },
        ];
        for call in all {
            let sql = statement(&call);
            let text = sql.as_text().unwrap();
            assert!(!text.contains("DROP") && text.starts_with("CALL SAMOOHA_BY"), "{text}");
        }
        let view = Call::DropView { database: hostile(), schema: "S".to_owned(), view: hostile() };
        let sql = statement(&view);
        let quoted = "\"x'), ('y\"\") $$; DROP\"";
        assert_eq!(
            sql.as_text(),
            Ok(format!("DROP VIEW IF EXISTS {quoted}.\"S\".{quoted}").as_str())
        );
    }
}
