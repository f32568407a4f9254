//! Which members look, and how they are reached: by the same connections as everything else.

use super::import;
use super::look::{Viewer, look, named};
use crate::collaboration::SnowflakeCollaborations;
use crate::import::Import;
use crate::import::seats::refused;
use crate::reach::Seat;
use adapter_spi::{Cx, Imported, Result};
use mappings::model::PlatformId;
use std::collections::BTreeSet;

impl SnowflakeCollaborations {
    /// What lies in collaborations, as an agreement. Reads only.
    pub async fn import(&self, ask: &Import, cx: &Cx) -> Result<Imported> {
        let platform = PlatformId::snowflake_dcr();
        let asked: Option<BTreeSet<_>> = ask.named.iter().map(|text| named(text)).collect();
        let asked = asked.ok_or_else(|| {
            let reason =
                "a collaboration is named by its source name: letters, digits and `_`, 75 at most";
            refused(&platform, "collaboration-unclear", reason)
        })?;
        let mut viewers = Vec::new();
        for seat in ask.seats(&platform)? {
            let session = Box::pin(self.reach.seated(&seat, cx)).await;
            let Seat { member, account } = seat;
            viewers.push(Viewer { member, account, session });
        }
        let found = Box::pin(look(&asked, &viewers)).await?;
        let unclear =
            || refused(&platform, "collaboration-unclear", "it has no name that can be read");
        import(&found, ask).ok_or_else(unclear)
    }
}
