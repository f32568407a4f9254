//! Which members look, and how they are reached: by the same connections as everything else.

use super::import;
use super::look::{Viewer, look, named};
use crate::error::{Told, made};
use crate::import::Import;
use crate::reach::{Seat, account_of};
use crate::shares::SnowflakeShares;
use adapter_spi::{AdapterError, Cx, ErrorKind, Imported, Result, Retry};
use mappings::model::PlatformId;
use std::collections::BTreeSet;

fn refused(code: &'static str, reason: impl Into<String>) -> AdapterError {
    let told: Told = (ErrorKind::Unsupported, code, Retry::Never);
    made(&PlatformId::snowflake(), told, "import", reason)
}

impl SnowflakeShares {
    /// What shares give, as an agreement. Reads only.
    pub async fn import(&self, ask: &Import, cx: &Cx) -> Result<Imported> {
        let asked: Option<BTreeSet<_>> = ask.named.iter().map(|text| named(text)).collect();
        let asked = asked.ok_or_else(|| {
            let reason = "a share is named as ORG.ACCOUNT.NAME, quoted where `SHOW SHARES` shows signs other than letters, digits, `_` and `$`";
            refused("share-unclear", reason)
        })?;
        let mut viewers = Vec::new();
        let mut taken = BTreeSet::new();
        for (member, account) in &ask.accounts {
            let account = account_of(account).filter(|one| taken.insert(one.clone()));
            let account = account.ok_or_else(|| {
                let reason =
                    format!("--member {member} wants its account as ORG.ACCOUNT, each once");
                refused("account-unclear", reason)
            })?;
            let seat = Seat { member: member.clone(), account: account.clone() };
            let session = Box::pin(self.reach.seated(&seat, cx)).await;
            let connection = self.reach.connection(member);
            let database = connection.map(|one| one.database().to_owned()).unwrap_or_default();
            viewers.push(Viewer { member: member.clone(), account, database, session });
        }
        let found = Box::pin(look(&asked, &viewers)).await?;
        let unclear = || refused("share-unclear", "it has no name that can be read");
        import(&found, ask).ok_or_else(unclear)
    }
}
