//! What of a member's waits for a second person, for whoever has the gateway's folder: it is of nobody that a token names, so it seconds nothing.

use super::desk::{WAITING_MAX, read_id, told};
use super::{App, members};
use crate::error::{Error, Result};
use crate::log::LogError;
use crate::wire;
use mappings::model::{CollaborationId, MemberId};

impl App {
    /// What of a member's waits in a collaboration, the oldest first.
    pub async fn waiting(
        &self,
        collaboration: &CollaborationId,
        member: &MemberId,
    ) -> Result<Vec<wire::Waits>> {
        members::signing_key(&self.home, member)?;
        let now = self.load_denying(collaboration).await?.state.digest();
        let all = self.store.waiting(collaboration, member, WAITING_MAX).await;
        all.map_err(LogError::from)?.iter().map(|waits| told(waits, now, None)).collect()
    }

    /// Ends the waiting of something, by its fingerprint.
    pub async fn take_back(
        &self,
        collaboration: &CollaborationId,
        member: &MemberId,
        id: &str,
    ) -> Result<()> {
        members::signing_key(&self.home, member)?;
        let nothing = || {
            let message = "nothing of this member's waits under this id";
            Error::invalid("not-found", message)
                .help(format!("airlock waiting {collaboration} --as {member}"))
        };
        let fingerprint = read_id(id).ok_or_else(nothing)?;
        let taken = self.store.take_back(collaboration, member, &fingerprint).await;
        if taken.map_err(LogError::from)? { Ok(()) } else { Err(nothing()) }
    }
}
