//! Ways to a dataset's data beside what is agreed: a share that Airlock did not make, which gives the dataset's own table to another
//! member of the agreement. Whoever let it stand is told; nothing of it is touched. What a role may not see is not looked at.

use super::call::Privilege;
use super::import::bare;
use super::observe::Look;
use super::seen::Beside;
use crate::entry::table;
use crate::reach::account_of;
use crate::sql::Sql;
use adapter_spi::{CallClass, ErrorKind, Result};
use mappings::model::{Agreement, DatasetName, MemberId, PlatformId};
use std::collections::{BTreeMap, BTreeSet};

/// What every name of Airlock's begins with: such a share is another agreement's, which looks at it itself.
const OURS: &str = "AIRLOCK$";

/// What can't be seen is none of ours to look at; nor is what more shares are than the platform shows.
fn seen<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error)
            if [ErrorKind::PermissionDenied, ErrorKind::NotFound].contains(&error.kind)
                || error.code == "answer-cut" =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

impl Look {
    /// Those among all shares of the account.
    pub(crate) async fn beside(&self, agreement: &Agreement) -> Result<BTreeSet<Beside>> {
        let (platform, member) = (PlatformId::snowflake(), &self.session.seat.member);
        let own = agreement.datasets.iter().filter(|(_, dataset)| dataset.owner == *member);
        let tables: BTreeMap<Vec<String>, &DatasetName> = own
            .filter_map(|(name, dataset)| Some((table(&platform, dataset)?.to_vec(), name)))
            .collect();
        let others: BTreeMap<String, &MemberId> = agreement
            .members
            .iter()
            .filter(|(name, _)| *name != member)
            .filter_map(|(name, one)| Some((account_of(one.identity.get(&platform)?)?, name)))
            .collect();
        let mut found = BTreeSet::new();
        if tables.is_empty() || others.is_empty() {
            return Ok(found);
        }
        let all = self.session.rows("SHOW SHARES", CallClass::List, Sql::new("SHOW SHARES"));
        let Some(all) = seen(all.await)? else { return Ok(found) };
        for [kind, owner, name, to] in all.of(["kind", "owner_account", "name", "to"])? {
            let name = name.unwrap_or_default();
            let name = bare(&name, owner.as_deref());
            if kind.as_deref() != Some("OUTBOUND") || name.starts_with(OURS) {
                continue;
            }
            let to: BTreeMap<MemberId, String> = to
                .unwrap_or_default()
                .split(',')
                .filter_map(|one| account_of(&one.trim().to_ascii_uppercase()))
                .filter_map(|one| Some(((*others.get(&one)?).clone(), one)))
                .collect();
            if to.is_empty() {
                continue;
            }
            let Some((grants, _)) = seen(self.grants(name).await)? else { continue };
            let given = grants.into_iter().filter(|grant| grant.privilege == Privilege::Select);
            found.extend(given.filter_map(|grant| {
                let dataset = (*tables.get(&grant.on)?).clone();
                Some(Beside { dataset, share: name.to_owned(), to: to.clone() })
            }));
        }
        Ok(found)
    }
}
