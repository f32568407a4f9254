//! Who the caller is, and the collaborations that its member is part of.

use super::{Desk, absent, named, word};
use crate::access::Action;
use crate::error::{Error, Result};
use crate::log::LogError;
use crate::reconcile::said;
use crate::store::Stands;
use crate::wire;
use mappings::model::CollaborationId;

impl Desk<'_> {
    /// Who calls.
    pub(crate) fn me(&self) -> wire::Me {
        let member = self.caller.tenant();
        let key = member
            .and_then(|member| super::super::members::signing_key(&self.app.home, member).ok());
        wire::Me {
            member: member.map(ToString::to_string),
            roles: super::texts(self.caller.roles()),
            expires_ms: self.caller.expires_ms(),
            gateway_key: self.app.log.gateway().to_string(),
            member_key: key.map(|key| key.public().to_string()),
        }
    }

    /// A page of the collaborations that the caller's member is part of, after a name.
    pub(crate) async fn collaborations(
        &self,
        after: Option<&str>,
        max: usize,
    ) -> Result<(Vec<wire::Listed>, Option<String>)> {
        let member = self.member()?;
        self.may(Action::ReadCollaboration)?;
        let after = after.map(named::<CollaborationId>).transpose()?;
        let more = max.saturating_add(1);
        let found = self.app.store.logs_of(member, after.as_ref(), more).await;
        let mut found = found.map_err(LogError::from)?;
        let is_last = found.len() <= max;
        found.truncate(max);
        let next = found.last().filter(|_| !is_last).map(|(name, _)| name.to_string());
        let is_shown = |(name, stands): &(CollaborationId, Stands)| self.is_listed(name, *stands);
        let listed = |(name, stands): (CollaborationId, _)| wire::Listed {
            name: name.to_string(),
            standing: word(stands).to_owned(),
        };
        Ok((found.into_iter().filter(is_shown).map(listed).collect(), next))
    }

    /// A collaboration as it stands, and the mark of what is decided in it.
    pub(crate) async fn collaboration(&self, name: &str) -> Result<(wire::Collaboration, String)> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let (state, whole) = (seen.state(), seen.is_whole());
        let agreement = state.in_force().or(state.waiting()).ok_or_else(absent)?;
        let waiting = state.waiting().filter(|_| seen.stands != Stands::Former);
        let pending = if whole { self.app.pending(&seen.collaboration) } else { Vec::new() };
        let standing = wire::Collaboration {
            name: seen.collaboration.to_string(),
            standing: word(seen.stands).to_owned(),
            leaves: if whole { seen.loaded.size } else { 0 },
            doubt: seen.loaded.doubt.clone().map(|doubt| Error::from(doubt).code),
            agreement: state.in_force().filter(|_| whole).map(|version| version.digest.to_string()),
            waiting: waiting.map(|version| version.digest.to_string()),
            withdrawn: if whole {
                state.revocations().keys().map(said).collect()
            } else {
                Vec::new()
            },
            pending,
            runs_left: if whole { self.app.runs_left(&agreement.agreement, state) } else { 0 },
        };
        Ok((standing, self.app.marks.mark(state)))
    }
}
