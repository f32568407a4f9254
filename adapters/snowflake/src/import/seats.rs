//! Whose accounts an import looks from, as they were named. Must not know what is looked at.

use super::Import;
use crate::error::{Told, made};
use crate::reach::{Seat, account_of};
use adapter_spi::{AdapterError, ErrorKind, Result, Retry};
use mappings::model::PlatformId;
use std::collections::BTreeSet;

/// Nothing is looked at, since something was named wrong.
pub(crate) fn refused(
    platform: &PlatformId,
    code: &'static str,
    reason: impl Into<String>,
) -> AdapterError {
    let told: Told = (ErrorKind::Unsupported, code, Retry::Never);
    made(platform, told, "import", reason)
}

impl Import {
    /// Each member with its account, no account twice.
    pub(crate) fn seats(&self, platform: &PlatformId) -> Result<Vec<Seat>> {
        let (mut seats, mut taken) = (Vec::new(), BTreeSet::new());
        for (member, account) in &self.accounts {
            let account = account_of(account).filter(|one| taken.insert(one.clone()));
            let account = account.ok_or_else(|| {
                let reason =
                    format!("--member {member} wants its account as ORG.ACCOUNT, each once");
                refused(platform, "account-unclear", reason)
            })?;
            seats.push(Seat { member: member.clone(), account });
        }
        Ok(seats)
    }
}
