//! Waivers: what a platform would hold more loosely than agreed, whom that touches, and their recorded consent to it. Knows
//! no platform by name.

use super::{App, Recorded, known, members};
use crate::error::{Error, Problem, Result};
use crate::log::{Body, State, TermPath};
use crate::wiring;
use adapter_spi::{Assessment, Fidelity, Residual, Verdict};
use mappings::guard::guard;
use mappings::model::{Agreement, CollaborationId, Digest, MemberId, PlatformId, TemplateName};
use mappings::table::Term;
use serde::Serialize;
use std::collections::BTreeSet;

/// How a room holds one term that it does not hold exactly as agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The term.
    pub term: Term,
    /// Where it stands in the agreement.
    pub at: String,
    /// What the platform does with it.
    pub fidelity: Fidelity,
    /// Who closes the gap.
    pub residual: Residual,
    /// Why.
    pub reason: String,
    /// The owners who waived it.
    pub waived_by: BTreeSet<MemberId>,
    /// The owners without whose waiver nothing is given to the room.
    pub needs: BTreeSet<MemberId>,
}

/// Every term that a room does not hold exactly, with the waivers on record.
pub(super) fn losses(agreement: &Agreement, room: &Assessment, state: &State) -> Vec<Loss> {
    let digest = agreement.digest();
    let lost = room.verdicts.iter().filter(|verdict| verdict.fidelity != Fidelity::Exact);
    lost.map(|verdict| loss(agreement, digest, &room.platform, verdict, state)).collect()
}

fn loss(
    agreement: &Agreement,
    digest: Digest,
    room: &PlatformId,
    verdict: &Verdict,
    state: &State,
) -> Loss {
    let owners = if verdict.is_wider() { touched(agreement, &verdict.at) } else { BTreeSet::new() };
    let waived = TermPath::new(&verdict.at).map(|at| state.waived(digest, room, &at));
    let waived_by: BTreeSet<MemberId> = &waived.unwrap_or_default() & &owners;
    let needs = &owners - &waived_by;
    let closed = verdict.is_wider() && needs.is_empty();
    Loss {
        term: verdict.term,
        at: verdict.at.clone(),
        fidelity: verdict.fidelity,
        residual: if closed { Residual::Waived } else { verdict.residual },
        reason: verdict.reason.clone(),
        waived_by,
        needs,
    }
}

/// The owners of what a term is about: a dataset's, those of everything that a template reads, or else all.
pub(super) fn touched(agreement: &Agreement, at: &str) -> BTreeSet<MemberId> {
    let mut path = at.split('.');
    let (kind, name) = (path.next(), path.next().unwrap_or_default());
    let of_dataset = || agreement.datasets.iter().find(|(known, _)| known.as_str() == name);
    let of_template = || {
        let name = TemplateName::new(name).ok()?;
        let guarded = guard(agreement, &name).ok()?;
        Some(guarded.datasets.into_values().map(|used| used.owner).collect())
    };
    let found = match kind {
        Some("datasets") => {
            of_dataset().map(|(_, dataset)| BTreeSet::from([dataset.owner.clone()]))
        }
        Some("templates") => of_template(),
        Some(_) | None => None,
    };
    let all = || agreement.datasets.values().map(|dataset| dataset.owner.clone()).collect();
    found.unwrap_or_else(all)
}

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

impl App {
    /// Refuses a room that holds something more loosely than agreed without the waivers that it needs.
    pub(super) fn waived(
        &self,
        agreement: &Agreement,
        state: &State,
        room: &PlatformId,
    ) -> Result<()> {
        let assessed = self.rooms.adapter(room)?.assess(agreement);
        let losses = losses(agreement, &assessed, state);
        unwaived(&losses, room, &agreement.collaboration).map_or(Ok(()), Err)
    }

    /// Records an owner's consent to a room's holding one term more loosely; refused where no such loss touches it.
    pub async fn waive(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
        at: &TermPath,
        member: &MemberId,
    ) -> Result<(Verdict, Recorded)> {
        let key = members::signing_key(&self.home, member)?;
        let state = self.load(collaboration).await?.state;
        let agreement = known(&state)?.clone();
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
        let recorded = self.decide(collaboration, (member, &key), |_| {
            Ok(Body::WaiverGiven {
                member: member.clone(),
                platform: room.clone(),
                at: at.clone(),
                agreement: digest,
            })
        });
        Ok(((*verdict).clone(), recorded.await?))
    }
}
