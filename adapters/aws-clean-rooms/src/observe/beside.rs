//! Ways to a dataset's data beside what is agreed: a table that Airlock did not make, over the same data, with a rule, in a
//! collaboration with another member of the agreement. Whoever let it stand is told; nothing of it is touched. What a connection may
//! not read is not looked at.

use super::TAG_COLLABORATION;
use super::account::Look;
use crate::connection::{listed, sent};
use crate::names;
use crate::seen::Beside;
use adapter_spi::{AdapterError, ErrorKind, Result};
use aws_sdk_cleanrooms::types::{
    CommercialRegion, ConfiguredTableSummary, MemberStatus, MembershipStatus, TableReference,
};
use mappings::model::{Agreement, DatasetName, Location, PlatformId};
use std::collections::{BTreeMap, BTreeSet};

/// Database and table, by the table's ARN and when it was changed.
pub(super) type Kept = BTreeMap<String, (i64, Over)>;

/// The Glue table that a table is over, if it is over one.
#[derive(Debug, Clone)]
pub(super) struct Over(Option<(String, String)>);

/// What can't be seen is none of ours to look at.
fn seen<T>(answer: Result<T, AdapterError>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if [ErrorKind::PermissionDenied, ErrorKind::NotFound].contains(&error.kind) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

impl Look<'_> {
    /// Those among all tables of the account.
    pub(super) async fn beside(&self, all: &[ConfiguredTableSummary]) -> Result<BTreeSet<Beside>> {
        let Some(agreement) = self.agreements.first() else { return Ok(BTreeSet::new()) };
        let mut tables: BTreeMap<String, (DatasetName, String)> = BTreeMap::new();
        // What has a name of ours is another agreement's, which looks at it itself: an account with a thousand of them costs no call.
        let foreign = all.iter().filter(|one| !names::is_ours(one.name()));
        for one in foreign.filter(|one| !one.analysis_rule_types().is_empty()) {
            let Some(glue) = self.glue(one).await? else { continue };
            let Some(dataset) = self.over(agreement, &glue) else { continue };
            if !self.is_tagged(one.arn()).await? {
                tables.insert(one.id().to_owned(), (dataset, one.name().to_owned()));
            }
        }
        if tables.is_empty() {
            return Ok(BTreeSet::new());
        }
        self.open(agreement, &tables).await
    }

    /// The Glue table that a table is over, asked once for each of its versions.
    async fn glue(&self, of: &ConfiguredTableSummary) -> Result<Option<(String, String)>> {
        let changed_ms = of.update_time().to_millis().unwrap_or_default();
        if let Some(Over(known)) = self.known.glue(of.arn(), changed_ms) {
            return Ok(known);
        }
        let request = self.client.rooms.get_configured_table();
        let request = request.configured_table_identifier(of.id());
        let answer = seen(sent!(read, self.client, "GetConfiguredTable", request))?;
        let found = answer.and_then(|answer| answer.configured_table);
        let glue = match found.and_then(|table| table.table_reference) {
            Some(TableReference::Glue(glue)) => {
                let region = glue.region.as_ref().map(CommercialRegion::as_str);
                let own = region.is_none_or(|region| region == self.client.region);
                own.then_some((glue.database_name, glue.table_name))
            }
            _ => None,
        };
        self.known.keep_glue(of.arn(), changed_ms, Over(glue.clone()));
        Ok(glue)
    }

    /// The dataset of this member that lies in a Glue table. The catalogue folds its names.
    fn over(
        &self,
        agreement: &Agreement,
        (database, table): &(String, String),
    ) -> Option<DatasetName> {
        let platform = PlatformId::aws_clean_rooms();
        let own = agreement.datasets.iter().filter(|(_, dataset)| dataset.owner == *self.member);
        let same = |place: &Location| match place {
            Location::Glue { glue } => {
                let is = |part: &str, name: &str| {
                    glue.get(part).is_some_and(|own| own.eq_ignore_ascii_case(name))
                };
                is("database", database) && is("table", table)
            }
            Location::Name(_) => false,
        };
        let mut lies = own.filter(|(_, dataset)| dataset.at.get(&platform).is_some_and(same));
        lies.next().map(|(name, _)| name.clone())
    }

    /// Whether Airlock made a thing, for whichever agreement: that one says who may use it.
    async fn is_tagged(&self, arn: &str) -> Result<bool> {
        let request = self.client.rooms.list_tags_for_resource().resource_arn(arn);
        let answer = seen(sent!(read, self.client, "ListTagsForResource", request))?;
        Ok(answer.is_some_and(|tags| tags.tags().contains_key(TAG_COLLABORATION)))
    }

    /// Where those tables are open to other members of the agreement.
    async fn open(
        &self,
        agreement: &Agreement,
        tables: &BTreeMap<String, (DatasetName, String)>,
    ) -> Result<BTreeSet<Beside>> {
        let mut found = BTreeSet::new();
        let request = self.client.rooms.list_memberships();
        let all = listed!(self.client, "ListMemberships", request, membership_summaries);
        let ours = names::rooms(&agreement.collaboration);
        let active = all.into_iter().filter(|one| *one.status() == MembershipStatus::Active);
        for membership in active.filter(|one| !one.collaboration_name().starts_with(&ours)) {
            let request = self.client.rooms.list_configured_table_associations();
            let request = request.membership_identifier(membership.id());
            let operation = "ListConfiguredTableAssociations";
            let places =
                listed!(self.client, operation, request, configured_table_association_summaries);
            for place in places {
                let Some((dataset, table)) = tables.get(place.configured_table_id()) else {
                    continue;
                };
                let with = self.others(agreement, membership.collaboration_id()).await?;
                if with.is_empty() {
                    continue;
                }
                found.insert(Beside {
                    dataset: dataset.clone(),
                    table: table.clone(),
                    collaboration: membership.collaboration_id().to_owned(),
                    membership: membership.id().to_owned(),
                    association: place.id().to_owned(),
                    with,
                });
            }
        }
        Ok(found)
    }

    /// Other members of the agreement who are in a collaboration.
    async fn others(
        &self,
        agreement: &Agreement,
        id: &str,
    ) -> Result<BTreeSet<mappings::model::MemberId>> {
        let request = self.client.rooms.list_members().collaboration_identifier(id);
        let all = listed!(self.client, "ListMembers", request, member_summaries);
        let platform = PlatformId::aws_clean_rooms();
        let there = |account: &String| {
            let mut all = all.iter().filter(|one| *one.status() == MemberStatus::Active);
            all.any(|one| one.account_id() == account)
        };
        let others = agreement.members.iter().filter(|(name, member)| {
            *name != self.member && member.identity.get(&platform).is_some_and(there)
        });
        Ok(others.map(|(name, _)| name.clone()).collect())
    }
}
