//! Who the caller is, and the collaborations that its member is part of.

use super::{Desk, absent, named, word};
use crate::access::Action;
use crate::error::{Error, Result};
use crate::log::LogError;
use crate::reconcile::said;
use crate::store::Stands;
use crate::wire;
use mappings::model::CollaborationId;

/// Names that are looked at for one page of a standing: so many times so many.
const TURNS: usize = if cfg!(test) { 2 } else { 10 };
const AT_A_TIME: usize = if cfg!(test) { 2 } else { 200 };

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

    /// A page of the collaborations that the caller's member is part of, after a name, perhaps of one standing alone. Of a standing that is rare
    /// a page may have few or none, and the next begins behind all that was looked at.
    pub(crate) async fn collaborations(
        &self,
        (after, max): (Option<&str>, usize),
        standing: Option<wire::Standing>,
    ) -> Result<(Vec<wire::Listed>, Option<String>)> {
        let member = self.member()?;
        self.may(Action::ReadCollaboration)?;
        let mut after = after.map(named::<CollaborationId>).transpose()?;
        let (turns, more) = if standing.is_some() { (TURNS, AT_A_TIME) } else { (1, max) };
        let (mut page, wanted) = (Vec::new(), standing.map(stands_of));
        for _ in 0..turns {
            let found =
                self.app.store.logs_of(member, after.as_ref(), more.saturating_add(1)).await;
            let mut found = found.map_err(LogError::from)?;
            let is_last = found.len() <= more;
            found.truncate(more);
            let mut found = found.into_iter().peekable();
            while let Some((name, stands)) = found.next() {
                let fits = wanted.is_none_or(|wanted| wanted == stands);
                if fits && self.is_listed(&name, stands) {
                    let standing = word(stands).to_owned();
                    page.push(wire::Listed { name: name.to_string(), standing });
                }
                let is_over = is_last && found.peek().is_none();
                if page.len() == max {
                    return Ok((page, (!is_over).then(|| name.to_string())));
                }
                after = Some(name);
            }
            if is_last {
                return Ok((page, None));
            }
        }
        Ok((page, after.map(|after| after.to_string())))
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

const fn stands_of(standing: wire::Standing) -> Stands {
    match standing {
        wire::Standing::Member => Stands::Member,
        wire::Standing::Invited => Stands::Invited,
        wire::Standing::Former => Stands::Former,
    }
}
