//! An agreement that somebody is about to propose, looked at before: what the guard and the rooms say to it, what it would replace, how it
//! differs from that, and what would keep it from being proposed. Nothing is kept of it. Must not know how it is shown.

use super::checks::checked;
use super::differences::differences;
use super::{Desk, Seen};
use crate::access::{Action, On};
use crate::app::agreements;
use crate::error::{Error, Kind, Result};
use crate::wire;
use mappings::model::{Agreement, MemberId};
use std::sync::Arc;

/// The same.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) checked: wire::Checked,
    /// The collaboration as it stands and the mark of what is decided in it; none where there is none that the caller may see.
    pub(crate) stands: Option<(wire::Collaboration, String)>,
    /// How it differs from the agreement in force; none where none is that the caller may see.
    pub(crate) changes: Option<Vec<wire::Change>>,
    /// Why it would not be taken from this caller.
    pub(crate) against: Option<Error>,
}

impl Desk<'_> {
    /// Refuses whoever may propose nothing at all.
    pub(crate) fn may_offer(&self) -> Result<()> {
        self.member()?;
        self.may_on(Action::Propose, On::Collaboration(None), None)
    }

    /// Looks at a document. Refused, it says everything that stands against it.
    pub(crate) async fn offered(&self, text: String) -> Result<Offered> {
        let member = self.member()?;
        self.may(Action::Check)?;
        let read = move || {
            let agreement = agreements::read_text(&text, "the document")?;
            let checked = checked(&agreement)?;
            Ok((Arc::new(agreement), checked))
        };
        let (agreement, checked) = self.guarding(read).await?;
        let name = agreement.collaboration.as_str();
        // The mark first: what is decided while the rest is read makes the offer too late, and not blind.
        let stands = there(self.collaboration(name).await)?;
        let seen = there(self.seen(name, Action::ReadCollaboration).await)?;
        let changes = match seen {
            Some(seen) => self.changes(&seen, &agreement).await?,
            None => None,
        };
        let against = match self.offers_it(&agreement, member).await {
            Ok(()) => None,
            Err(error) if error.kind == Kind::Failed => return Err(error),
            Err(error) => Some(error),
        };
        Ok(Offered { checked, stands, changes, against })
    }

    async fn changes(
        &self,
        seen: &Seen,
        after: &Arc<Agreement>,
    ) -> Result<Option<Vec<wire::Change>>> {
        let Some(version) = seen.state().in_force().filter(|_| seen.is_whole()) else {
            return Ok(None);
        };
        let (before, after) = (Arc::clone(&version.agreement), Arc::clone(after));
        let viewer = seen.member.clone();
        self.guarding(move || Ok(Some(differences(&viewer, &before, &after)))).await
    }

    async fn offers_it(&self, agreement: &Agreement, member: &MemberId) -> Result<()> {
        let of = Some(&agreement.collaboration);
        self.may_on(Action::Propose, On::Collaboration(None), of)?;
        self.takes(agreement, member).await?;
        agreements::names(agreement, member)
    }
}

/// What is there for the caller.
fn there<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code == "not-found" => Ok(None),
        Err(error) => Err(error),
    }
}
