//! `revoke` at a gateway elsewhere. Its worker closes platforms; with `--wait` what is seen closed is shown as it comes onto the record.

use super::{named, receipt};
use crate::app::{Evidence, Exposure, RoomEvidence, Withdrawal as Asked};
use crate::cli::revoke::{Revoke, ended, say, still_open};
use crate::cli::screen::Screen;
use crate::client::{Client, Withdrawal, Withdrawn};
use crate::error::{Error, Result, codes};
use crate::log::Receipt;
use crate::wire;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// How often the record is read for what is new in it.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A withdrawal of which there is no evidence to be had by then had no platform to be closed on.
const SEEN_WITHIN: Duration = Duration::from_secs(2);

fn withdrawn(asked: Asked) -> Withdrawn {
    match asked {
        Asked::Membership => Withdrawn::Membership,
        Asked::Dataset(dataset) => Withdrawn::Dataset(dataset),
        Asked::Column(dataset, column) => Withdrawn::Column(dataset, column),
        Asked::Template(template) => Withdrawn::Template(template),
        Asked::Approval(template) => Withdrawn::Approval(template),
        Asked::Room => Withdrawn::Room,
    }
}

pub(super) async fn revoke(client: &Client, mut revoke: Revoke, screen: Screen) -> Result<()> {
    let what = withdrawn(std::mem::take(&mut revoke.what).withdrawal()?);
    let (of, member) = (&revoke.collaboration, &revoke.member);
    client.speaks_for(member)?;
    let who = format!("{member} withdrew {what} from {of}");
    let (proof, because) = match client.withdraw(of, &what).await? {
        Withdrawal::OnRecord(decided) => {
            let index = decided.receipt.index;
            screen.say(format!("{who}, leaf {index}; the native room denies from now on"));
            if revoke.wait {
                return waited(client, &revoke, &what, &decided.receipt, screen).await;
            }
            (Some(decided.receipt), None)
        }
        Withdrawal::There(code) => {
            let means = codes::explained(&code).map_or("its log can't be written", |one| one.means);
            screen.say(format!(
                "{who}: in force at that gateway, not yet on record; its native room denies from now on. Others don't know of it before it is on record; the same again asks for that. Why: {means} [{code}]"
            ));
            (None, Some(Error::failed(&code, means)))
        }
    };
    let rooms: [u8; 0] = [];
    screen.object(&serde_json::json!({
        "collaboration": of, "withdrawn": what.to_string(),
        "receipt": proof.as_ref().map(receipt), "durable": proof.is_some(), "because": because,
        "rooms": rooms, "unread": null,
    }));
    ended((proof.is_some(), revoke.wait), Vec::new(), None, screen)
}

/// What became of a withdrawal, as it is shown at the gateway itself.
pub(super) fn evidence(one: wire::Revocation) -> Result<Evidence> {
    let room = |one: wire::RoomClosure| -> Result<RoomEvidence> {
        Ok(RoomEvidence {
            room: named(&one.room)?,
            confirmed: one.confirmed,
            at_ms: one.at_ms,
            latency_ms: one.latency_ms,
            reads: one.reads,
            probe: one.probe,
            late_calls: usize::try_from(one.late_calls).unwrap_or(usize::MAX),
        })
    };
    let rooms = one.rooms.into_iter().map(room).collect::<Result<Vec<_>>>()?;
    let unseen = rooms.iter().filter(|room| room.confirmed.is_none());
    let unseen = unseen.map(|room| room.room.clone()).collect();
    let runs = one.runs.iter().map(|run| named(run)).collect::<Result<_>>()?;
    Ok(Evidence {
        revocation: one.index,
        what: one.what,
        cause: match one.cause.as_str() {
            "found" => "found",
            "narrowed" => "narrowed",
            _ => "withdrawn",
        },
        at_ms: one.at_ms,
        exposure: Exposure { rooms: unseen, runs },
        rooms,
    })
}

/// Its evidence; none where no platform had it.
async fn seen(client: &Client, of: &Revoke, index: u64) -> Result<Option<Evidence>> {
    match client.revocation(&of.collaboration, index).await {
        Ok(one) => evidence(one).map(Some),
        Err(error) if error.code == "not-found" => Ok(None),
        Err(error) => Err(error),
    }
}

async fn waited(
    client: &Client,
    of: &Revoke,
    what: &Withdrawn,
    proof: &Receipt,
    screen: Screen,
) -> Result<()> {
    let (since, mut told) = (Instant::now(), BTreeSet::new());
    let within = Duration::from_secs(of.within * 60);
    let (found, unread) = loop {
        let looked = seen(client, of, proof.index).await;
        if let Ok(Some(one)) = &looked {
            let closed = one.rooms.iter().filter(|room| room.confirmed.is_some());
            for room in closed.filter(|room| told.insert(room.room.clone())) {
                say(one, room, screen);
            }
        }
        let is_done = match &looked {
            Ok(Some(one)) => one.is_complete(),
            Ok(None) => since.elapsed() >= SEEN_WITHIN,
            Err(_) => false,
        };
        if is_done || since.elapsed() >= within {
            break match looked {
                Ok(found) => (found, None),
                Err(error) => (None, Some(error)),
            };
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    screen.object(&serde_json::json!({
        "collaboration": of.collaboration, "withdrawn": what.to_string(),
        "receipt": receipt(proof), "durable": true, "evidence": Vec::from_iter(&found),
        "unread": unread.as_ref().map(|error| &error.code),
    }));
    let help = "the gateway's worker goes on; airlock status COLLABORATION";
    let open = still_open(&found, help);
    if open.is_empty() && unread.is_none() {
        screen.say("seen closed everywhere");
    }
    ended((true, true), open, unread, screen)
}
