//! Which members look, and how they are reached: by the same connections as everything else.

use super::import;
use super::look::{Viewer, look, named};
use crate::collaboration::SnowflakeCollaborations;
use crate::error::{Told, made};
use crate::import::Import;
use crate::reach::{Seat, account_of};
use adapter_spi::{AdapterError, Cx, ErrorKind, Imported, Result, Retry};
use mappings::model::PlatformId;
use std::collections::BTreeSet;

fn refused(code: &'static str, reason: impl Into<String>) -> AdapterError {
    let told: Told = (ErrorKind::Unsupported, code, Retry::Never);
    made(&PlatformId::snowflake_dcr(), told, "import", reason)
}

impl SnowflakeCollaborations {
    /// What lies in collaborations, as an agreement. Reads only.
    pub async fn import(&self, ask: &Import, cx: &Cx) -> Result<Imported> {
        let asked: Option<BTreeSet<_>> = ask.named.iter().map(|text| named(text)).collect();
        let asked = asked.ok_or_else(|| {
            let reason =
                "a collaboration is named by its source name: letters, digits and `_`, 75 at most";
            refused("collaboration-unclear", reason)
        })?;
        let (mut viewers, mut taken) = (Vec::new(), BTreeSet::new());
        for (member, account) in &ask.accounts {
            let account = account_of(account).filter(|one| taken.insert(one.clone()));
            let account = account.ok_or_else(|| {
                let reason =
                    format!("--member {member} wants its account as ORG.ACCOUNT, each once");
                refused("account-unclear", reason)
            })?;
            let seat = Seat { member: member.clone(), account: account.clone() };
            let session = Box::pin(self.reach.seated(&seat, cx)).await;
            viewers.push(Viewer { member: member.clone(), account, session });
        }
        let found = Box::pin(look(&asked, &viewers)).await?;
        let unclear = || refused("collaboration-unclear", "it has no name that can be read");
        import(&found, ask).ok_or_else(unclear)
    }
}
