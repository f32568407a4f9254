//! Versions of an agreement, as members and those who are invited see them, and what differs between two. A member sees every version that
//! there ever was; whoever is invited the one that waits; whoever left none.

use super::differences::differences;
use super::{Desk, Seen, absent, named, texts};
use crate::access::Action;
use crate::error::{Error, Result};
use crate::log::{Actor, Became, LogError, Proposal};
use crate::store::Stands;
use crate::wire;
use mappings::model::{Agreement, CollaborationId};
use std::sync::Arc;

/// Collaborations that are asked about for one page of invitations.
const ASKED_MAX: usize = 2_000;
/// So many at a time.
const PAGE: usize = 200;

impl Desk<'_> {
    /// A page of the versions that the caller may see, after the position of a proposal.
    pub(crate) async fn agreements(
        &self,
        name: &str,
        after: Option<u64>,
        max: usize,
    ) -> Result<wire::Agreements> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let mut rest = visible(&seen)
            .skip_while(|(_, proposal)| after.is_some_and(|after| proposal.index <= after));
        let page: Vec<_> = rest.by_ref().take(max).collect();
        let last = page.last().map(|(_, proposal)| proposal.index.to_string());
        let next = last.filter(|_| rest.next().is_some());
        let listed = |(number, proposal): (u64, &Proposal)| wire::AgreementListed {
            digest: proposal.digest.to_string(),
            number,
            state: word(seen.state().became(proposal)).to_owned(),
            proposed_by: proposer(proposal),
            index: proposal.index,
            at_ms: proposal.at_ms,
        };
        Ok(wire::Agreements { agreements: page.into_iter().map(listed).collect(), next })
    }

    /// One of them by its digest; of several with the same document the newest.
    pub(crate) async fn agreement(
        &self,
        name: &str,
        digest: &str,
    ) -> Result<wire::AgreementVersion> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let (number, proposal) = version(&seen, digest)?;
        let document = self.document(&seen, proposal).await?;
        Ok(wire::AgreementVersion {
            digest: proposal.digest.to_string(),
            number,
            state: word(seen.state().became(proposal)).to_owned(),
            proposed_by: proposer(proposal),
            index: proposal.index,
            at_ms: proposal.at_ms,
            accepted: texts(&proposal.accepted),
            declined: texts(&proposal.declined),
            document: serde_json::json!(*document),
        })
    }

    /// The one in force, or else the one that waits, as a file to go on with; what shows nothing is written by its number.
    pub(crate) async fn written(&self, name: &str) -> Result<String> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let of =
            |wanted| visible(&seen).filter(|(_, one)| seen.state().became(one) == wanted).last();
        let (_, proposal) =
            of(Became::InForce).or_else(|| of(Became::Waiting)).ok_or_else(absent)?;
        let document = self.document(&seen, proposal).await?;
        Ok(mappings::agreement::written(&document, &mappings::agreement::Remarks::new()))
    }

    /// What differs between two of them.
    pub(crate) async fn agreement_diff(
        &self,
        name: &str,
        (from, to): (&str, &str),
    ) -> Result<wire::AgreementDiff> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let ((_, from), (_, to)) = (version(&seen, from)?, version(&seen, to)?);
        let (before, after) = (self.document(&seen, from).await?, self.document(&seen, to).await?);
        let viewer = seen.member.clone();
        let changes = self.guarding(move || Ok(differences(&viewer, &before, &after))).await?;
        let (from, to) = (from.digest.to_string(), to.digest.to_string());
        Ok(wire::AgreementDiff { from, to, changes })
    }

    /// A page of the collaborations that the caller's member is invited to, after a name.
    pub(crate) async fn invitations(
        &self,
        after: Option<&str>,
        max: usize,
    ) -> Result<wire::Invitations> {
        let member = self.member()?;
        self.may(Action::ReadCollaboration)?;
        let mut after = after.map(named::<CollaborationId>).transpose()?;
        let (mut invitations, mut asked) = (Vec::new(), 0);
        loop {
            let page = self.app.store.logs_of(member, after.as_ref(), PAGE).await;
            let page = page.map_err(LogError::from)?;
            let is_last = page.len() < PAGE;
            asked += page.len();
            for (of, stands) in page {
                if stands == Stands::Invited && self.is_listed(&of, stands) {
                    invitations.extend(self.invitation(&of).await?);
                }
                after = Some(of);
                if invitations.len() == max {
                    let next = after.map(|after| after.to_string());
                    return Ok(wire::Invitations { invitations, next });
                }
            }
            if is_last || asked >= ASKED_MAX {
                let next = after.filter(|_| !is_last).map(|after| after.to_string());
                return Ok(wire::Invitations { invitations, next });
            }
        }
    }

    /// What waits for the caller's member there; nothing where the log says otherwise than the store.
    async fn invitation(&self, of: &CollaborationId) -> Result<Option<wire::Invitation>> {
        let invitation = |agreement, proposed_by, at_ms, doubt| wire::Invitation {
            collaboration: of.to_string(),
            agreement,
            proposed_by,
            at_ms,
            doubt,
        };
        let loaded = match self.app.log.load_denying(of).await {
            Ok(loaded) => loaded,
            Err(LogError::Store(error)) => return Err(LogError::from(error).into()),
            // One log that can't be read keeps nobody from seeing the others.
            Err(error) => {
                return Ok(Some(invitation(None, None, None, Some(Error::from(error).code))));
            }
        };
        let state = &loaded.state;
        if state.parties().get(self.member()?) != Some(&Stands::Invited) {
            return Ok(None);
        }
        let waits = state.proposals().last().filter(|_| state.waiting().is_some());
        Ok(waits.map(|proposal| {
            let doubt = loaded.doubt.clone().map(|doubt| Error::from(doubt).code);
            let digest = proposal.digest.to_string();
            invitation(Some(digest), Some(proposer(proposal)), Some(proposal.at_ms), doubt)
        }))
    }

    /// The document of a version: of those that count now it is at hand, of others in its leaf.
    pub(super) async fn document(
        &self,
        seen: &Seen,
        proposal: &Proposal,
    ) -> Result<Arc<Agreement>> {
        self.app.document(&seen.collaboration, (&seen.member, seen.state()), proposal).await
    }
}

/// The versions that the caller may see, with their numbers.
pub(super) fn visible(seen: &Seen) -> impl Iterator<Item = (u64, &Proposal)> {
    let state = seen.state();
    let waits = state.waiting().filter(|one| one.agreement.members.contains_key(&seen.member));
    let waits = waits.map(|one| one.index);
    let may = move |proposal: &Proposal| match seen.stands {
        Stands::Member => true,
        Stands::Invited => waits == Some(proposal.index),
        Stands::Former => false,
    };
    (1..).zip(state.proposals()).filter(move |(_, proposal)| may(proposal))
}

/// One of them by its digest; of several with the same document the newest.
pub(super) fn version<'s>(seen: &'s Seen, digest: &str) -> Result<(u64, &'s Proposal)> {
    let found = visible(seen).filter(|(_, proposal)| proposal.digest.to_string() == digest);
    found.last().ok_or_else(absent)
}

fn proposer(proposal: &Proposal) -> String {
    match &proposal.by {
        Actor::Member(member) => member.to_string(),
        Actor::Gateway => "gateway".to_owned(),
    }
}

/// How what became of a version is called.
pub(super) const fn word(became: Became) -> &'static str {
    match became {
        Became::InForce => "in-force",
        Became::Waiting => "waiting",
        Became::Declined => "declined",
        Became::Superseded => "superseded",
    }
}
