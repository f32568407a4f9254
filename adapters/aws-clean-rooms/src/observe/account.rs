//! One member's own account in one Region: its collaborations, memberships and what they hold, its configured tables. Must not
//! know what is wanted.

use super::{Known, is_named, is_ours, rooms, tables};
use crate::connection::{Client, listed, sent};
use crate::names;
use crate::seen::{Account, Association, Member, Membership, Room, SeenBudget, Table};
use adapter_spi::{Native, Note, NoteClass, ResourceKind, Result};
use aws_sdk_cleanrooms::types::{
    CollaborationSummary, MemberAbility, MemberStatus, MemberSummary, MembershipStatus,
    QueryComputePaymentConfig,
};
use mappings::model::{Agreement, DatasetName, MemberId, PlatformId};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One account that is looked at, and what is noted on the way.
pub(super) struct Look<'a> {
    pub(super) member: &'a MemberId,
    pub(super) client: &'a Client,
    /// The agreement whose account this is; of an earlier account, all that named it.
    pub(super) agreements: &'a [Arc<Agreement>],
    pub(super) known: &'a Known,
    pub(super) notes: BTreeSet<Note>,
    /// Whether no agreement in force names it.
    pub(super) is_past: bool,
}

impl Look<'_> {
    /// Everything of this collaboration in the account.
    pub(super) async fn account(mut self) -> Result<Account> {
        let mut account = Account::default();
        let mut by_name: BTreeMap<String, Vec<(i64, Room)>> = BTreeMap::new();
        let all = self.collaborations().await?;
        let (by_runner, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|one| self.is_by_runner(one));
        for summary in by_runner {
            let room = self.room(&summary).await?;
            let own = summary.creator_account_id() == self.client.account;
            if own && !self.is_ours(summary.arn()).await? {
                account.strangers.insert(summary.name);
                continue;
            }
            let made_ms = summary.create_time.to_millis().unwrap_or_default();
            by_name.entry(summary.name).or_default().push((made_ms, room));
        }
        for (name, same) in by_name {
            rooms::take_up(&mut account, &name, same);
        }
        // Anybody can name a collaboration like ours and invite us. It counts only where we are in it, and never hides the runner's.
        for summary in others.into_iter().filter(|one| one.membership_id().is_some()) {
            if let Entry::Vacant(free) = account.rooms.entry(summary.name.clone()) {
                free.insert(self.room(&summary).await?);
            }
        }
        for (name, room) in self.left_behind().await? {
            account.rooms.entry(name).or_insert(room);
        }
        let mut tables: BTreeMap<String, Vec<(i64, Table)>> = BTreeMap::new();
        let request = self.client.rooms.list_configured_tables();
        let all = listed!(self.client, "ListConfiguredTables", request, configured_table_summaries);
        if !self.is_past {
            account.beside = self.beside(&all).await?;
        }
        for summary in all {
            if !self.is_named(summary.name()) {
                continue;
            }
            if !self.is_ours(summary.arn()).await? {
                account.strangers.insert(summary.name);
                continue;
            }
            let table = self.table(&summary).await?;
            let made_ms = summary.create_time.to_millis().unwrap_or_default();
            tables.entry(summary.name).or_default().push((made_ms, table));
        }
        for (name, same) in tables {
            tables::take_up(&mut account, name, same);
        }
        account.notes = self.notes;
        Ok(account)
    }

    fn is_named(&self, name: &str) -> bool {
        self.agreements.iter().any(|agreement| is_named(name, &agreement.collaboration))
    }

    async fn is_ours(&self, arn: &str) -> Result<bool> {
        let Some(agreement) = self.agreements.first() else { return Ok(false) };
        is_ours(self.client, arn, &agreement.collaboration, self.known).await
    }

    /// Notes something on a thing of ours that is no withdrawal and no widening.
    pub(super) fn note(&mut self, kind: ResourceKind, class: NoteClass, at: &str) {
        self.notes.insert(Note { kind, class, at: at.to_owned() });
    }

    /// The dataset of an association or, with the agreement's prefix, of a configured table.
    pub(super) fn dataset(&self, noun: &str, name: &str) -> ResourceKind {
        let prefix = self.agreements.first().map(|one| names::tables(&one.collaboration));
        let bare = prefix.and_then(|prefix| name.strip_prefix(&prefix)).unwrap_or(name);
        let known = DatasetName::new(bare).ok().filter(|dataset| {
            self.agreements.iter().any(|agreement| agreement.datasets.contains_key(dataset))
        });
        known.map_or_else(|| self.native(noun, name), ResourceKind::Dataset)
    }

    fn native(&self, noun: &str, name: &str) -> ResourceKind {
        let (member, noun, name) = (self.member.clone(), noun.to_owned(), name.to_owned());
        ResourceKind::Native(Native { member, noun, name })
    }

    /// The member of an account, if any of the agreements knows it.
    fn member_of(&self, account: &str) -> Option<MemberId> {
        let members = self.agreements.iter().flat_map(|agreement| &agreement.members);
        let mut known = members.filter(|(_, member)| {
            member.identity.get(&PlatformId::aws_clean_rooms()).is_some_and(|own| own == account)
        });
        known.next().map(|(name, _)| name.clone())
    }

    /// Whether a collaboration was made by the account that an agreement pins for the runner in its name.
    fn is_by_runner(&self, summary: &CollaborationSummary) -> bool {
        let runner = summary.name().rsplit('.').nth(1).and_then(|name| MemberId::new(name).ok());
        let Some(runner) = runner else { return false };
        self.agreements.iter().any(|agreement| {
            let known = agreement.members.get(&runner);
            let account = known.and_then(|one| one.identity.get(&PlatformId::aws_clean_rooms()));
            account.is_some_and(|account| account == summary.creator_account_id())
        })
    }

    /// Collaborations of this agreement, those that still wait for this member's acceptance among them.
    async fn collaborations(&self) -> Result<Vec<CollaborationSummary>> {
        let request = self.client.rooms.list_collaborations();
        let all = listed!(self.client, "ListCollaborations", request, collaboration_list);
        Ok(all.into_iter().filter(|summary| self.is_named(summary.name())).collect())
    }

    /// Collaborations that are gone, or that one is in no more, and in which something of one's own is left.
    async fn left_behind(&mut self) -> Result<Vec<(String, Room)>> {
        let mut found = Vec::new();
        let request = self.client.rooms.list_memberships();
        let all = listed!(self.client, "ListMemberships", request, membership_summaries);
        for summary in all {
            let ended = *summary.status() != MembershipStatus::Active;
            if !ended || !self.is_named(summary.collaboration_name()) {
                continue;
            }
            let status = summary.status().as_str().to_owned();
            if !MembershipStatus::values().contains(&status.as_str()) {
                self.note(ResourceKind::Member(self.member.clone()), NoteClass::Unknown, "status");
            }
            let membership = Membership { status, ..self.membership(summary.id()).await? };
            let room = Room {
                id: summary.collaboration_id().to_owned(),
                arn: summary.collaboration_arn().to_owned(),
                creator: summary.collaboration_creator_account_id().to_owned(),
                members: BTreeMap::new(),
                membership: Some(membership),
                schemas: BTreeMap::new(),
                templates: BTreeMap::new(),
            };
            found.push((summary.collaboration_name, room));
        }
        Ok(found)
    }

    async fn room(&mut self, summary: &CollaborationSummary) -> Result<Room> {
        let request = self.client.rooms.list_members().collaboration_identifier(summary.id());
        let all = listed!(self.client, "ListMembers", request, member_summaries);
        let mut members = BTreeMap::new();
        for member in all {
            let entry = self.entry(summary.name(), &member);
            members.insert(member.account_id, entry);
        }
        let membership = match summary.membership_id() {
            Some(id) if *summary.member_status() == MemberStatus::Active => {
                Some(self.membership(id).await?)
            }
            Some(_) | None => None,
        };
        Ok(Room {
            id: summary.id().to_owned(),
            arn: summary.arn().to_owned(),
            creator: summary.creator_account_id().to_owned(),
            members,
            membership,
            schemas: BTreeMap::new(),
            templates: BTreeMap::new(),
        })
    }

    /// A member's entry. A status without a word for it here counts as being in.
    fn entry(&mut self, room: &str, member: &MemberSummary) -> Member {
        let status = member.status().as_str();
        let known = MemberStatus::values().contains(&status);
        let abilities = member.abilities();
        let able = |one: &MemberAbility| MemberAbility::values().contains(&one.as_str());
        let kind = self.member_of(member.account_id());
        let kind = kind.map_or_else(|| self.native("collaboration", room), ResourceKind::Member);
        if !known {
            self.note(kind.clone(), NoteClass::Unknown, "status");
        }
        if !abilities.iter().all(able) {
            self.note(kind, NoteClass::Unknown, "abilities");
        }
        let pays = member.payment_configuration().and_then(|p| p.query_compute());
        Member {
            status: status.to_owned(),
            queries: abilities.contains(&MemberAbility::CanQuery),
            receives: abilities.contains(&MemberAbility::CanReceiveResults),
            pays: pays.map(QueryComputePaymentConfig::is_responsible),
        }
    }

    async fn membership(&mut self, id: &str) -> Result<Membership> {
        let mut associations = BTreeMap::new();
        let request = self.client.rooms.list_configured_table_associations();
        let all = listed!(
            self.client,
            "ListConfiguredTableAssociations",
            request.membership_identifier(id),
            configured_table_association_summaries
        );
        for found in all {
            let (role, receivers) = self.association(id, found.id(), found.name()).await?;
            let (id, table) = (found.id, found.configured_table_id);
            associations.insert(found.name, Association { id, table, role, receivers });
        }
        let request = self.client.rooms.list_analysis_templates().membership_identifier(id);
        let all =
            listed!(self.client, "ListAnalysisTemplates", request, analysis_template_summaries);
        let templates = all.into_iter().map(|found| (found.name, found.id)).collect();
        let budgets = self.budgets(id, &associations).await?;
        let status = "ACTIVE".to_owned();
        Ok(Membership { id: id.to_owned(), status, associations, templates, budgets })
    }

    async fn association(
        &mut self,
        membership: &str,
        id: &str,
        name: &str,
    ) -> Result<(String, Option<BTreeSet<String>>)> {
        let request = self.client.rooms.get_configured_table_association();
        let request =
            request.membership_identifier(membership).configured_table_association_identifier(id);
        let operation = "GetConfiguredTableAssociation";
        let answer = sent!(read, self.client, operation, request)?;
        let found = answer.configured_table_association();
        let found =
            found.ok_or_else(|| super::unreadable(operation, "no association in the answer"))?;
        let role = found.role_arn().to_owned();
        let types = found.analysis_rule_types();
        let custom = aws_sdk_cleanrooms::types::ConfiguredTableAssociationAnalysisRuleType::Custom;
        let receivers = if types.contains(&custom) {
            super::receivers_of(self.client, membership, id).await?
        } else {
            None
        };
        if types.iter().any(|kind| *kind != custom) || (receivers.is_none() && !types.is_empty()) {
            let kind = self.dataset("association", name);
            self.note(kind, NoteClass::Unknown, "collaborationAnalysisRule");
        }
        Ok((role, receivers))
    }

    async fn budgets(
        &mut self,
        membership: &str,
        associations: &BTreeMap<String, Association>,
    ) -> Result<BTreeMap<String, SeenBudget>> {
        let mut budgets = BTreeMap::new();
        let request = self.client.rooms.list_privacy_budget_templates();
        let all = listed!(
            self.client,
            "ListPrivacyBudgetTemplates",
            request.membership_identifier(membership),
            privacy_budget_template_summaries
        );
        for found in all {
            let budget = super::budget_of(self.client, membership, found.id()).await?;
            let Some((association, budget)) = budget else { continue };
            if budget.is_none() {
                let name = associations.iter().find(|(_, one)| one.id == association);
                let name = name.map_or(association.as_str(), |(name, _)| name.as_str());
                let kind = self.dataset("association", name);
                self.note(kind, NoteClass::Unknown, "budgetParameters");
            }
            budgets.insert(association, SeenBudget { id: found.id, budget });
        }
        Ok(budgets)
    }
}
