//! Waivers: what a platform would hold more loosely than agreed, whom that touches, and their recorded consent to it. Knows
//! no platform by name.

use super::{App, Recorded, Tied, known, members};
use crate::error::{Error, Problem, Result};
use crate::log::{Body, State, TermPath};
use crate::reconcile::{Loss, losses, touched};
use crate::wiring;
use adapter_spi::{Assessment, Verdict};
use mappings::model::{Agreement, CollaborationId, Digest, MemberId, PlatformId};
use std::collections::BTreeSet;

/// What stands against giving a room anything: each term that it holds more loosely, without the waivers it needs.
pub(super) fn unwaived(
    losses: &[Loss],
    room: &PlatformId,
    collaboration: &CollaborationId,
) -> Option<Error> {
    let open: Vec<&Loss> = losses.iter().filter(|loss| !loss.needs.is_empty()).collect();
    if open.is_empty() {
        return None;
    }
    let problems = open.iter().map(|loss| {
        let needs = loss.needs.iter().map(MemberId::as_str).collect::<Vec<_>>().join(", ");
        Problem {
            code: "wider".to_owned(),
            at: format!("{room} {}", loss.at),
            message: loss.reason.clone(),
            help: format!(
                "waived by {needs}: airlock waive {collaboration} --room {room} --at {} --as OWNER",
                loss.at
            ),
        }
    });
    let message = format!("{room} would hold {} terms more loosely than agreed", open.len());
    Some(Error::refused("wider", message).problems(problems.collect()))
}

/// What of a room's losses touches an owner, waived before or not.
#[derive(Debug, Clone)]
pub struct Waivable {
    /// The agreement that was assessed.
    pub agreement: Digest,
    /// Each with its reason, in the agreement's order.
    pub losses: Vec<Verdict>,
    /// Of all that is told of them: an owner says by it what it looked at.
    pub digest: Digest,
}

/// The losses of a room that touch an owner; refused where there are none.
pub(crate) fn waivable(
    agreement: &Agreement,
    room: &PlatformId,
    member: &MemberId,
) -> Result<Waivable> {
    let assessed = wiring::assess(agreement)?;
    let held = assessed.iter().find(|assessment| assessment.platform == *room);
    let wider = held.into_iter().flat_map(Assessment::wider);
    let losses = wider.filter(|one| touched(agreement, &one.at).contains(member));
    let losses: Vec<Verdict> = losses.cloned().collect();
    if losses.is_empty() {
        let message = format!("{room} holds nothing of {member}'s more loosely than agreed");
        return Err(Error::invalid("nothing-to-waive", message));
    }
    let agreement = agreement.digest();
    let all = serde_json::json!({
        "agreement": agreement, "room": room, "member": member, "losses": losses,
    });
    let digest = Digest::of(&mappings::agreement::canonical(&all));
    Ok(Waivable { agreement, losses, digest })
}

impl App {
    /// What of a room's losses touches an owner, and where it waived one before.
    pub async fn waivable(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
        member: &MemberId,
    ) -> Result<(Waivable, BTreeSet<String>)> {
        let state = self.load(collaboration).await?.state;
        let looked = waivable(known(&state)?, room, member)?;
        let given = looked.losses.iter().filter(|one| {
            let at = TermPath::new(&one.at);
            at.is_ok_and(|at| state.waived(looked.agreement, room, &at).contains(member))
        });
        let given = given.map(|one| one.at.clone()).collect();
        Ok((looked, given))
    }

    /// Refuses a room that holds something more loosely than agreed without the waivers that it needs.
    pub(super) fn waived(
        &self,
        agreement: &Agreement,
        state: &State,
        room: &PlatformId,
    ) -> Result<()> {
        let assessed = self.rooms.adapter(room)?.assess(agreement);
        let losses = losses((agreement, agreement.digest()), &assessed, state);
        unwaived(&losses, room, &agreement.collaboration).map_or(Ok(()), Err)
    }

    /// Records an owner's consent to a room's holding one term more loosely, for the agreement whose digest comes with it; refused where
    /// no such loss touches it.
    pub async fn waive(
        &self,
        collaboration: &CollaborationId,
        (room, at): (&PlatformId, &TermPath),
        member: &MemberId,
        (only, tied): (Option<Digest>, &Tied),
    ) -> Result<(Verdict, Recorded, Digest)> {
        let key = members::signing_key(&self.home, member)?;
        let state = self.load(collaboration).await?.state;
        let agreement = known(&state)?.clone();
        if only.is_some_and(|only| only != agreement.digest()) {
            return Err(changed());
        }
        let assessed = wiring::assess(&agreement)?;
        let held = assessed.iter().find(|assessment| assessment.platform == *room);
        let wider: Vec<&Verdict> = held.into_iter().flat_map(Assessment::wider).collect();
        let Some(verdict) = wider.iter().find(|verdict| verdict.at == at.as_str()) else {
            let message =
                format!("{room} holds {at} as agreed, or not at all: there is nothing to waive");
            let places = wider.iter().map(|verdict| verdict.at.as_str()).collect::<Vec<_>>();
            return Err(Error::invalid("nothing-to-waive", message).help(places.join(", ")));
        };
        if !touched(&agreement, at.as_str()).contains(member) {
            let message = format!("{at} touches no dataset of {member}");
            return Err(Error::refused("not-an-owner", message));
        }
        let digest = agreement.digest();
        let recorded = self.decide(collaboration, (member, &key), tied, |state| {
            if state.digest() != Some(digest) {
                return Err(changed());
            }
            Ok(Body::WaiverGiven {
                member: member.clone(),
                platform: room.clone(),
                at: at.clone(),
                agreement: digest,
            })
        });
        Ok(((*verdict).clone(), recorded.await?, digest))
    }
}

fn changed() -> Error {
    Error::refused("changed-meanwhile", "another agreement is in force or waits than was looked at")
        .help("another look, and the decision again on what it shows")
}
