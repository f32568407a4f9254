//! Where a collaboration stands, for people: a reading of the folded state, nothing stored.

use super::evidence::evidence;
use super::{App, Evidence, RoomStanding, agreements};
use crate::error::{Error, Result};
use crate::log::{MemberState, Reserve, RunStatus, State};
use crate::reconcile::said;
use mappings::model::{Agreement, CollaborationId, Digest, MemberId, RunId, TemplateName};
use serde::Serialize;

/// One template's approvals.
#[derive(Debug, Clone, Serialize)]
pub struct TemplateStanding {
    /// The template.
    pub template: TemplateName,
    /// Its version.
    pub digest: Digest,
    /// Owners who approved it.
    pub approved_by: Vec<MemberId>,
    /// Owners whose approval is missing.
    pub waits_for: Vec<MemberId>,
}

/// One collaboration.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// Which.
    pub collaboration: CollaborationId,
    /// Leaves in its log.
    pub leaves: u64,
    /// Why nothing is granted, where this is not the log that this gateway saw, or it can't be read now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Error>,
    /// The agreement in force.
    pub agreement: Option<Digest>,
    /// The agreement that waits, and for whom.
    pub waiting: Option<(Digest, Vec<MemberId>)>,
    /// Members and their states.
    pub members: Vec<(MemberId, String)>,
    /// Templates and their approvals.
    pub templates: Vec<TemplateStanding>,
    /// What was withdrawn.
    pub revocations: Vec<String>,
    /// What of that is in force in this gateway alone, until it can be put on record.
    pub pending: Vec<String>,
    /// Every room but the native one: what is wanted there, what was seen, what holds.
    pub rooms: Vec<RoomStanding>,
    /// Withdrawals that were not seen closed everywhere.
    pub closing: Vec<Evidence>,
    /// Runs and their states.
    pub runs: Vec<(RunId, String)>,
    /// Attempts left in the current window.
    pub runs_left: u32,
}

impl App {
    /// One collaboration, or all; beside them those that could not be read, which keep nobody from seeing the rest.
    pub async fn status(
        &self,
        only: Option<&CollaborationId>,
    ) -> Result<(Vec<Standing>, Vec<(CollaborationId, Error)>)> {
        let collaborations = match only {
            Some(one) => vec![one.clone()],
            None => self.log.collaborations().await?,
        };
        let worker = self.is_kept().await;
        let (mut standings, mut unread) = (Vec::new(), Vec::new());
        for collaboration in collaborations {
            match self.recovered(&collaboration, worker).await {
                Ok(standing) => standings.push(standing),
                Err(error) if only.is_some() => return Err(error),
                Err(error) => unread.push((collaboration, error)),
            }
        }
        Ok((standings, unread))
    }

    async fn recovered(
        &self,
        collaboration: &CollaborationId,
        worker: Option<bool>,
    ) -> Result<Standing> {
        if self.load_denying(collaboration).await?.doubt.is_none() {
            self.recover(collaboration).await?;
        }
        self.standing_of(collaboration, worker).await
    }

    pub(super) fn pending(&self, collaboration: &CollaborationId) -> Vec<String> {
        let pending = Reserve::pending(&self.home, collaboration).unwrap_or_default();
        pending.iter().filter_map(|one| one.withdrawal().map(|(_, what)| said(what))).collect()
    }

    /// Attempts to run that are left in the window that ends now.
    pub(super) fn runs_left(&self, agreement: &Agreement, state: &State) -> u32 {
        let window_ms = i64::try_from(agreement.limits.within_s).unwrap_or(i64::MAX);
        let spent = state.attempts_within(self.clock.now_ms(), window_ms.saturating_mul(1000));
        agreement.limits.runs_max.saturating_sub(u32::try_from(spent).unwrap_or(u32::MAX))
    }

    async fn standing_of(
        &self,
        collaboration: &CollaborationId,
        worker: Option<bool>,
    ) -> Result<Standing> {
        let loaded = self.load_denying(collaboration).await?;
        let state = &loaded.state;
        let agreement = super::known(state)?;
        let mut templates = Vec::new();
        for (name, guarded) in agreements::guard_all(agreement)? {
            let owners: std::collections::BTreeSet<_> =
                guarded.datasets.values().map(|d| d.owner.clone()).collect();
            let approvals = state.approvals(&name, guarded.digest);
            let (approved_by, waits_for) =
                owners.into_iter().partition(|owner| approvals.contains(owner));
            templates.push(TemplateStanding {
                template: name,
                digest: guarded.digest,
                approved_by,
                waits_for,
            });
        }
        Ok(Standing {
            collaboration: collaboration.clone(),
            leaves: loaded.size,
            doubt: loaded.doubt.clone().map(Error::from),
            agreement: state.in_force().map(|version| version.digest),
            waiting: waiting(state),
            members: members(state).into_iter().map(|(m, at)| (m, word(at).to_owned())).collect(),
            templates,
            revocations: state.revocations().keys().map(said).collect(),
            pending: self.pending(collaboration),
            rooms: self.rooms_standing(collaboration, state, worker),
            closing: evidence(state).into_iter().filter(|one| !one.is_complete()).collect(),
            runs: state
                .runs()
                .iter()
                .map(|(run, known)| (run.clone(), stands(&known.status)))
                .collect(),
            runs_left: self.runs_left(agreement, state),
        })
    }
}

/// How a member's state is called.
pub(super) const fn word(stands: MemberState) -> &'static str {
    match stands {
        MemberState::Invited => "invited",
        MemberState::Joined => "joined",
        MemberState::Declined => "declined",
        MemberState::Revoked => "revoked",
    }
}

fn waiting(state: &State) -> Option<(Digest, Vec<MemberId>)> {
    let version = state.waiting()?;
    let members = state.members();
    let missing = members.iter().filter(|(_, stands)| **stands == MemberState::Invited);
    Some((version.digest, missing.map(|(member, _)| member.clone()).collect()))
}

/// Members as the agreement in force has them; those who are new in the one that waits as they stand there.
pub(super) fn members(state: &State) -> Vec<(MemberId, MemberState)> {
    let holds = |member: &MemberId| {
        state.in_force().is_some_and(|version| version.accepted.contains(member))
    };
    let seen = |member: &MemberId, stands: MemberState| match stands {
        MemberState::Invited | MemberState::Declined if holds(member) => MemberState::Joined,
        MemberState::Invited
        | MemberState::Joined
        | MemberState::Declined
        | MemberState::Revoked => stands,
    };
    let all = state.members().into_iter();
    all.map(|(member, stands)| (member.clone(), seen(&member, stands))).collect()
}

fn stands(status: &RunStatus) -> String {
    match status {
        RunStatus::Requested(_) => "requested".to_owned(),
        RunStatus::Delivering(_) => "delivering".to_owned(),
        RunStatus::Succeeded { rows, withheld } => {
            let withheld = withheld.map(|n| format!(", {n} withheld")).unwrap_or_default();
            format!("succeeded: {rows} rows{withheld}")
        }
        RunStatus::Failed(code) => format!("failed: {code}"),
        RunStatus::Cancelled(code) => format!("cancelled: {code}"),
    }
}
