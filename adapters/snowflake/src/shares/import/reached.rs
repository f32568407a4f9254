//! Which members look, and how they are reached: by the same connections as everything else.

use super::import;
use super::look::{Viewer, look, named};
use crate::import::Import;
use crate::import::seats::refused;
use crate::reach::Seat;
use crate::shares::SnowflakeShares;
use adapter_spi::{Cx, Imported, Result};
use mappings::model::PlatformId;
use std::collections::BTreeSet;

impl SnowflakeShares {
    /// What shares give, as an agreement. Reads only.
    pub async fn import(&self, ask: &Import, cx: &Cx) -> Result<Imported> {
        let platform = PlatformId::snowflake();
        let asked: Option<BTreeSet<_>> = ask.named.iter().map(|text| named(text)).collect();
        let asked = asked.ok_or_else(|| {
            let reason = "a share is named as ORG.ACCOUNT.NAME, quoted where `SHOW SHARES` shows signs other than letters, digits, `_` and `$`";
            refused(&platform, "share-unclear", reason)
        })?;
        let mut viewers = Vec::new();
        for seat in ask.seats(&platform)? {
            let session = Box::pin(self.reach.seated(&seat, cx)).await;
            let connection = self.reach.connection(&seat.member);
            let database = connection.map(|one| one.database().to_owned()).unwrap_or_default();
            let Seat { member, account } = seat;
            viewers.push(Viewer { member, account, database, session });
        }
        let found = Box::pin(look(&asked, &viewers)).await?;
        let unclear = || refused(&platform, "share-unclear", "it has no name that can be read");
        import(&found, ask).ok_or_else(unclear)
    }
}
