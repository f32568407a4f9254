//! One statement. What would give access is read again before: the view as it was agreed, under its policy, and a share that holds
//! nothing else.

use super::call::{Call, Grant, Privilege, Shown};
use super::observe::Look;
use crate::names;
use crate::session::{Session, request_of};
use crate::sql::Sql;
use adapter_spi::{AdapterError, Applied, CallClass, Effect, ErrorKind, Result, Retry, Step};
use mappings::model::{CollaborationId, Digest};
use std::collections::BTreeSet;

/// It changed something, and its answer does not show what. The platform has no versions.
const CHANGED: Applied = Applied::Changed { version: 0, shown: false };

/// What an account does not have, by the client's code.
const UNSUPPORTED: &str = "unsupported";

/// Runs a step's statement in its account.
pub(crate) async fn apply(session: &Session, step: &Step, call: &Call) -> Result<Applied> {
    if step.effect == Effect::Grant {
        given(session, &step.collaboration, call).await?;
    }
    let session = if step.effect.takes_away() { session.lasting() } else { session.clone() };
    let done = session.write(call.operation(), request_of(&step.id, 0), call.sql()).await;
    match done {
        Ok(_) => Ok(CHANGED),
        Err(error) => failed(call, error),
    }
}

/// Taking away what is gone is done, and so is making what is there; else the error says what was lacking.
fn failed(call: &Call, error: AdapterError) -> Result<Applied> {
    let takes = match call {
        Call::DropSchema { .. }
        | Call::DropView { .. }
        | Call::DropShare { .. }
        | Call::DropMount { .. }
        | Call::RevokeFromShare { .. }
        | Call::RemoveAccounts { .. } => true,
        Call::CreateSchema { .. }
        | Call::MarkSchema { .. }
        | Call::CreatePolicy { .. }
        | Call::SetPolicyBody { .. }
        | Call::PutView(_)
        | Call::SetPolicy { .. }
        | Call::CreateShare { .. }
        | Call::GrantToShare { .. }
        | Call::AddAccount { .. }
        | Call::Mount { .. } => false,
    };
    // A list that loses something which is gone as a whole has lost it.
    let takes = takes || matches!(call, Call::MarkSchema { mark, .. } if mark.templates.is_empty());
    let is_mount = matches!(call, Call::Mount { .. });
    // An edition that has no policies says that they are no feature of it.
    let edition = matches!(call, Call::CreatePolicy { .. }) && error.code == UNSUPPORTED;
    let lacks = [ErrorKind::NotFound, ErrorKind::PermissionDenied].contains(&error.kind) || edition;
    if (error.kind == ErrorKind::NotFound && takes)
        || (error.kind == ErrorKind::AlreadyExists && is_mount)
    {
        Ok(Applied::Already)
    } else if lacks {
        let reason = format!("{}; its role needs {}", error.reason, call.needs());
        Err(AdapterError { reason, ..error })
    } else {
        Err(error)
    }
}

fn stale(session: &Session, call: &Call, what: &str) -> AdapterError {
    let told = (ErrorKind::StaleVersion, "stale-version", Retry::NextCycle);
    session.error(told, call.operation(), format!("{what} changed since this step was planned"))
}

/// What a grant rests on is as it was planned.
async fn given(session: &Session, collaboration: &CollaborationId, call: &Call) -> Result<()> {
    let look = Look { session: session.clone(), collaboration: collaboration.clone() };
    match call {
        Call::GrantToShare { grant, view: Some(shown), .. } => {
            let is_it = is_shown(&look, grant, shown).await?;
            if is_it { Ok(()) } else { Err(stale(session, call, "the view")) }
        }
        Call::AddAccount { share, grants, view, .. } => {
            let (found, unknown): (BTreeSet<Grant>, _) = look.grants(share).await?;
            if found != *grants || !unknown.is_empty() {
                return Err(stale(session, call, "what the share holds"));
            }
            // A view that was replaced keeps its grants: they do not say what it shows now.
            let mut reads = grants.iter().filter(|grant| grant.privilege == Privilege::Select);
            let Some(grant) = reads.next().filter(|_| reads.next().is_none()) else {
                return Err(stale(session, call, "what the share holds"));
            };
            let is_it = is_shown(&look, grant, view).await?;
            if is_it { Ok(()) } else { Err(stale(session, call, "the view of the share")) }
        }
        Call::MarkSchema { path, was, .. } => {
            let mark = look.mark(path).await?;
            let is_it = mark.mark().is_some_and(|mark| mark.templates == *was);
            if is_it { Ok(()) } else { Err(stale(session, call, "the list of templates")) }
        }
        Call::CreateSchema { .. }
        | Call::DropSchema { .. }
        | Call::CreatePolicy { .. }
        | Call::SetPolicyBody { .. }
        | Call::PutView(_)
        | Call::SetPolicy { .. }
        | Call::DropView { .. }
        | Call::CreateShare { .. }
        | Call::GrantToShare { view: None, .. }
        | Call::RevokeFromShare { .. }
        | Call::RemoveAccounts { .. }
        | Call::DropShare { .. }
        | Call::Mount { .. }
        | Call::DropMount { .. } => Ok(()),
    }
}

/// Whether a view is the statement that was planned, secure, and under its policy with the body that its name says.
async fn is_shown(look: &Look, grant: &Grant, shown: &Shown) -> Result<bool> {
    let [database, schema, name] = grant.on.as_slice() else { return Ok(false) };
    let sql = Sql::new("SHOW VIEWS LIKE ").text(name);
    let sql = sql.word(" IN SCHEMA ").path(&[database, schema]);
    let found = look.session.rows("SHOW VIEWS", CallClass::List, sql).await?;
    let is_it = found.of(["name", "text", "is_secure"])?.into_iter().any(|[own, text, secure]| {
        own.as_ref() == Some(name)
            && text.is_some_and(|text| Digest::of(text.as_bytes()) == shown.text)
            && secure.as_deref() == Some("true")
    });
    let Some(guarded) = shown.guarded.as_ref().filter(|_| is_it) else { return Ok(is_it) };
    let policy = names::minimum(guarded.entities_min);
    let on = look.on([database, schema], &BTreeSet::from([guarded.entities_min])).await?;
    let path = [database.as_str(), schema.as_str(), policy.as_str()];
    Ok(on.get(name) == Some(guarded) && look.body(&path, guarded.entities_min).await?)
}
