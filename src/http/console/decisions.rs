//! Decisions by form: read as the session's own, tied to what was shown, done to their end, and told on a page that can be loaded again.

use super::super::done::finished;
use super::super::problem::{Own, Problem};
use super::Console;
use super::form::{Fields, Sent};
use super::page::place;
use super::recorded;
use super::session::{Kind, Session, Told};
use super::withdraw::{NAMES, thing, told};
use crate::app::Tied;
use crate::app::desk::{Decided, Done};
use crate::wire::{Answer, RunAsked, RunLimits, Version, Waived};
use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Accepts the agreement that waits.
pub(super) async fn join(
    State(console): State<Console>,
    Path(name): Path<String>,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = sent.read("join", &[&name], &["agreement"])?;
    let (session, tied, answer) = answer(&fields)?;
    let work = {
        let (console, session) = (console.clone(), Arc::clone(&session));
        async move { console.desk(session.caller()).join(&name, &answer, &tied).await }
    };
    let done = finished(&console.gateway.begun, work).await?;
    Ok(on_record(&session, "You joined the agreement", done))
}

/// Declines it.
pub(super) async fn decline(
    State(console): State<Console>,
    Path(name): Path<String>,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = sent.read("decline", &[&name], &["agreement"])?;
    let (session, tied, answer) = answer(&fields)?;
    let work = {
        let (console, session) = (console.clone(), Arc::clone(&session));
        async move { console.desk(session.caller()).decline(&name, &answer, &tied).await }
    };
    let done = finished(&console.gateway.begun, work).await?;
    Ok(on_record(&session, "You declined the agreement", done))
}

fn answer(fields: &Fields) -> Result<(Arc<Session>, Tied, Answer), Own> {
    let answer = Answer { agreement: fields.one("agreement")? };
    Ok((Arc::clone(fields.session()), fields.tied()?, answer))
}

/// Approves a template in the version that was shown.
pub(super) async fn approve(
    State(console): State<Console>,
    Path((name, template)): Path<(String, String)>,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = sent.read("approve", &[&name, &template], &["digest"])?;
    let (session, tied) = (Arc::clone(fields.session()), fields.tied()?);
    let version = Version { digest: fields.one("digest")? };
    let what = format!("You approved {template}");
    let work = {
        let (console, session) = (console.clone(), Arc::clone(&session));
        async move { console.desk(session.caller()).approve(&name, &template, &version, &tied).await }
    };
    let done = finished(&console.gateway.begun, work).await?;
    Ok(decided(&session, &what, done))
}

/// Asks for a run of the template version that was shown.
pub(super) async fn run(
    State(console): State<Console>,
    Path(name): Path<String>,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = sent.read("run", &[&name], &["template", "digest"])?;
    let (session, tied) = (Arc::clone(fields.session()), fields.tied()?);
    let [template, digest, room] = ["template", "digest", "room"].map(|field| fields.one(field));
    // What is left empty is not named.
    let mut parameters = fields.beginning("set.");
    parameters.retain(|_, value| !value.is_empty());
    let (template, digest, room) = (template?, digest?, Some(room?));
    let asked = RunAsked { template, digest, room, parameters, limits: RunLimits::default() };
    let begun = console.gateway.begun.clone();
    let work =
        async move { console.desk(session.caller()).request_run(&name, &asked, &tied).await };
    let (run, done) = finished(&begun, work).await?;
    let to = place(done.collaboration.as_str(), &format!("/runs/{run}"));
    let to = HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/console"));
    Ok((StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response())
}

/// Stops a run.
pub(super) async fn cancel(
    State(console): State<Console>,
    Path((name, run)): Path<(String, String)>,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = sent.read("cancel", &[&name, &run], &[])?;
    let (session, tied) = (Arc::clone(fields.session()), fields.once()?);
    let what = format!("You stopped {run}");
    let work = {
        let (console, session) = (console.clone(), Arc::clone(&session));
        async move { console.desk(session.caller()).cancel(&name, &run, &tied).await }
    };
    let done = finished(&console.gateway.begun, work).await?;
    Ok(on_record(&session, &what, done))
}

/// Consents to a room's holding a term more loosely.
pub(super) async fn waive(
    State(console): State<Console>,
    Path(name): Path<String>,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = sent.read("waive", &[&name], &["room", "at", "agreement"])?;
    let (session, tied) = (Arc::clone(fields.session()), fields.tied()?);
    let [room, at, agreement] = ["room", "at", "agreement"].map(|field| fields.one(field));
    let waived = Waived { room: room?, at: at?, agreement: agreement? };
    let what = format!("You waived {} in {}", waived.at, waived.room);
    let work = {
        let (console, session) = (console.clone(), Arc::clone(&session));
        async move { console.desk(session.caller()).waive(&name, &waived, &tied).await }
    };
    let done = finished(&console.gateway.begun, work).await?;
    Ok(decided(&session, &what, done))
}

/// Withdraws. Tied to nothing, and with the places that withdrawals have: where the log can't be written it is in force here all the same.
pub(super) async fn revoke(
    State(console): State<Console>,
    Path(name): Path<String>,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = sent.read("revoke", &[&name], &NAMES)?;
    let [kind, dataset, column, template] = NAMES.map(|field| fields.any(field));
    let thing = thing([&kind, &dataset, &column, &template]).ok_or(Own::FormUnreadable)?;
    let (session, (of, _)) = (Arc::clone(fields.session()), told(&thing));
    let (place_of, share_of) = (name.clone(), console.clone());
    let work = {
        let session = Arc::clone(&session);
        async move {
            let share = share_of.gateway.denying.take(session.caller().tenant());
            match share {
                Ok(_share) => share_of.desk(session.caller()).revoke(&name, &thing).await.map(Ok),
                Err(own) => Ok(Err(own)),
            }
        }
    };
    let revoked = finished(&console.gateway.begun, work).await??;
    let told = Told {
        collaboration: place_of,
        what: format!("You withdrew {of}"),
        receipt: revoked.receipt,
        why: revoked.why,
        repeated: false,
        kind: Kind::Denied,
    };
    if revoked.durable {
        return Ok(moved(&session, told));
    }
    // A browser goes nowhere from a 202: it is told here.
    let page = recorded::shown(&told, None, &session, &console.desk(session.caller()));
    Ok((StatusCode::ACCEPTED, page).into_response())
}

/// Has the worker look at a room soon. Nothing is decided by that, and nothing recorded.
pub(super) async fn look(
    State(console): State<Console>,
    Path((name, room)): Path<(String, String)>,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = sent.read("look", &[&name, &room], &[])?;
    let session = Arc::clone(fields.session());
    let asked = console.desk(session.caller()).look(&name, &room).await?;
    let told = Told {
        collaboration: name,
        what: format!("{} is looked at soon", asked.room),
        kind: Kind::Asked,
        receipt: None,
        why: None,
        repeated: false,
    };
    Ok(moved(&session, told))
}

/// What was recorded, or that it is recorded once a second person decides the same.
fn decided(session: &Session, what: &str, decided: Decided) -> Response {
    match decided {
        Decided::Done(done) => on_record(session, what, done),
        Decided::Waits { collaboration, .. } => {
            let told = Told {
                collaboration: collaboration.to_string(),
                what: format!(
                    "{what}, and it waits for a second person of your organisation: it counts once they do the same within a day"
                ),
                receipt: None,
                why: None,
                repeated: false,
                kind: Kind::Asked,
            };
            moved(session, told)
        }
    }
}

pub(super) fn on_record(session: &Session, what: &str, done: Done) -> Response {
    let told = Told {
        collaboration: done.collaboration.to_string(),
        what: what.to_owned(),
        receipt: Some(done.given.receipt),
        why: None,
        repeated: done.repeated,
        kind: Kind::Decided,
    };
    moved(session, told)
}

/// Where it is told what was recorded.
fn moved(session: &Session, told: Told) -> Response {
    let collaboration = told.collaboration.clone();
    let to = place(&collaboration, &format!("/recorded/{}", session.tell(told)));
    let to = HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/console"));
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
}
