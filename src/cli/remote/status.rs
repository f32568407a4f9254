//! `status` at a gateway elsewhere, as far as the caller's member sees it.

use super::revoke::evidence;
use super::{Elsewhere, digest, named};
use crate::app::{Condition, RoomStanding, Standing, TemplateStanding, Thing};
use crate::cli::screen::Screen;
use crate::cli::status::{Standings, Status, Watched};
use crate::client::Client;
use crate::error::{Error, Kind, Problem, Result, codes};
use crate::wire;
use mappings::model::{CollaborationId, Digest, MemberId};
use std::time::Duration;

/// How often a gateway is asked: each look is some questions a collaboration.
const WATCH_EVERY: Duration = Duration::from_secs(2);

pub(super) async fn status(
    mut client: Client,
    status: Status,
    (at, screen): (&Elsewhere, Screen),
) -> Result<()> {
    let mut watched = Watched::default();
    loop {
        let mut read = standings(&client, &status).await;
        // A token ends long before anybody stops watching: its file may have another one, and where it has none that is the end.
        if status.watch && matches!(&read, Err(error) if error.code == "token-invalid") {
            read = match at.open().await {
                Ok(opened) => {
                    opened.speaks_for(client.member())?;
                    client = opened;
                    standings(&client, &status).await
                }
                Err(error) if is_over(&error) => return Err(error),
                // The gateway begins anew, or the file is being written.
                Err(error) => Err(error),
            };
        }
        watched.show(&status, read, screen)?;
        if !status.watch {
            return Ok(());
        }
        tokio::time::sleep(WATCH_EVERY).await;
    }
}

/// Whether no other token is to come.
fn is_over(error: &Error) -> bool {
    matches!(error.code.as_str(), "token-invalid" | "token-missing")
}

async fn standings(client: &Client, status: &Status) -> Result<Standings> {
    let mut standings = Vec::new();
    let mut unread = Vec::new();
    if let Some(one) = &status.collaboration {
        standings.push(standing(client, one).await?);
    } else {
        for listed in client.collaborations().await? {
            let of: CollaborationId = named(&listed.name)?;
            match standing(client, &of).await {
                Ok(one) => standings.push(one),
                Err(error) if error.code == "token-invalid" => return Err(error),
                Err(error) => unread.push((of, error)),
            }
        }
    }
    Ok((standings, unread))
}

/// Nothing, where the caller's member does not see it: invited, or gone.
fn seen<T: Default>(read: Result<T>) -> Result<T> {
    match read {
        Err(error) if error.code == "not-found" => Ok(T::default()),
        read => read,
    }
}

async fn standing(client: &Client, of: &CollaborationId) -> Result<Standing> {
    let (stands, _) = client.collaboration(of).await?;
    let members = seen(client.members(of).await)?;
    let (templates, rooms) = (seen(client.templates(of).await)?, seen(client.rooms(of).await)?);
    let revocations = seen(client.revocations(of).await)?;
    let mut runs = seen(client.runs(of).await)?;
    runs.sort_by(|one, other| one.run.cmp(&other.run));
    let of_version = |text: &Option<String>| text.as_ref().map(|text| digest(text)).transpose();
    let invited = members.iter().filter(|one| one.state == "invited");
    let invited = invited.map(|one| named(&one.member)).collect::<Result<Vec<MemberId>>>()?;
    let waiting: Option<(Digest, Vec<MemberId>)> =
        of_version(&stands.waiting)?.map(|version| (version, invited));
    let closing = revocations.into_iter().map(evidence).collect::<Result<Vec<_>>>()?;
    let member = |one: &wire::Member| Ok((named(&one.member)?, one.state.clone()));
    let run = |one: &wire::Run| Ok((named(&one.run)?, state_of(one)));
    Ok(Standing {
        collaboration: of.clone(),
        leaves: stands.leaves,
        doubt: stands.doubt.as_deref().map(doubt),
        agreement: of_version(&stands.agreement)?,
        waiting,
        members: members.iter().map(member).collect::<Result<_>>()?,
        templates: templates.into_iter().map(template).collect::<Result<_>>()?,
        revocations: stands.withdrawn,
        pending: stands.pending,
        rooms: rooms.into_iter().map(room).collect::<Result<_>>()?,
        closing: closing.into_iter().filter(|one| !one.is_complete()).collect(),
        runs: runs.iter().map(run).collect::<Result<_>>()?,
        runs_left: stands.runs_left,
    })
}

fn doubt(code: &str) -> Error {
    let known = codes::explained(code);
    let message = known.map_or("its log can't be used", |one| one.means);
    let kind = if code == "log-rolled-back" { Kind::Refused } else { Kind::Failed };
    Error::new(kind, code, message).help(known.map_or("", |one| one.pass))
}

/// A template and its approvals; refused of one that the guard there refuses, as it is here.
fn template(one: wire::Template) -> Result<TemplateStanding> {
    if !one.refusals.is_empty() {
        let message = format!("the guard refuses template {}", one.template);
        let problems = one.refusals.into_iter().map(Problem::from).collect();
        return Err(Error::refused("template-refused", message).problems(problems));
    }
    let members = |all: Vec<String>| all.iter().map(|one| named(one)).collect::<Result<_>>();
    Ok(TemplateStanding {
        template: named(&one.template)?,
        digest: digest(&one.digest)?,
        approved_by: members(one.approved_by)?,
        waits_for: members(one.waits_for)?,
    })
}

fn room(one: wire::Room) -> Result<RoomStanding> {
    let thing =
        |one: wire::Held| Thing { of: one.of, desired: one.desired, observed: one.observed };
    let condition = |one: wire::Condition| Condition {
        kind: kind(&one.kind),
        reason: one.reason,
        since_ms: one.since_ms,
    };
    Ok(RoomStanding {
        room: named(&one.room)?,
        generation: one.generation,
        observed_generation: one.observed_generation,
        things: one.things.into_iter().map(thing).collect(),
        conditions: one.conditions.into_iter().map(condition).collect(),
        looked_ms: one.looked_ms,
        look: None,
    })
}

/// A condition by its name; one that this version has no name for is not left out.
fn kind(text: &str) -> &'static str {
    const KINDS: [&str; 9] = [
        "settled",
        "opening",
        "closing",
        "open-not-wanted",
        "unsettled-calls",
        "found-withdrawn",
        "loosened",
        "never-seen",
        "no-worker",
    ];
    KINDS.into_iter().find(|kind| *kind == text).unwrap_or("unknown")
}

fn state_of(run: &wire::Run) -> String {
    let code = run.code.as_deref().unwrap_or("unknown");
    match run.state {
        wire::RunState::Requested => "requested".to_owned(),
        wire::RunState::Delivering => "delivering".to_owned(),
        wire::RunState::Succeeded => {
            let withheld = run.withheld.map(|n| format!(", {n} withheld")).unwrap_or_default();
            format!("succeeded: {} rows{withheld}", run.rows.unwrap_or_default())
        }
        wire::RunState::Failed => format!("failed: {code}"),
        wire::RunState::Cancelled => format!("cancelled: {code}"),
    }
}
