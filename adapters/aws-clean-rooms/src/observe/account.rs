//! One member's own account: its collaborations, memberships and what they hold, its configured tables and their rules.

use super::{Known, is_named, is_ours, put, unreadable};
use crate::connection::Client;
use crate::error::{Act, told};
use crate::rule::Rule;
use crate::seen::{Account, Association, Member, Membership, Room, SeenBudget, Table};
use crate::wanted::Budget;
use adapter_spi::{ErrorKind, Result};
use aws_sdk_cleanrooms::types::{
    AnalysisRuleCustom, AutoRefreshMode, CollaborationSummary, ConfiguredTableAnalysisRulePolicy,
    ConfiguredTableAnalysisRulePolicyV1, ConfiguredTableAnalysisRuleType,
    ConfiguredTableAssociationAnalysisRulePolicy, ConfiguredTableAssociationAnalysisRulePolicyV1,
    ConfiguredTableAssociationAnalysisRuleType, MemberAbility, MemberStatus, MembershipStatus,
    PrivacyBudgetTemplateParametersOutput, TableReference,
};
use mappings::model::{Agreement, CollaborationId, MemberId, PlatformId};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

pub(super) async fn account(
    agreement: &Agreement,
    client: &Client,
    known: &Known,
) -> Result<Account> {
    let collaboration = &agreement.collaboration;
    let mut account = Account::default();
    let mut rooms = BTreeMap::new();
    let all = collaborations(client, collaboration).await?;
    let (by_runner, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|one| is_by_runner(agreement, one));
    for summary in by_runner {
        let room = room(client, &summary).await?;
        let own = summary.creator_account_id() == client.account;
        if own && !is_ours(client, summary.arn(), collaboration, known).await? {
            account.strangers.insert(summary.name);
            continue;
        }
        put(&mut rooms, &mut account, summary.name, room);
    }
    // Anybody can name a collaboration like ours and invite us. It counts only where we are in it, and never hides the runner's.
    for summary in others.into_iter().filter(|one| one.membership_id().is_some()) {
        if let Entry::Vacant(free) = rooms.entry(summary.name.clone()) {
            free.insert(room(client, &summary).await?);
        }
    }
    for (name, room) in left_behind(client, collaboration).await? {
        rooms.entry(name).or_insert(room);
    }
    account.rooms = rooms;
    let mut tables = BTreeMap::new();
    let mut pages = client.rooms.list_configured_tables().into_paginator().items().send();
    while let Some(summary) = pages.next().await {
        let summary = summary.map_err(|error| told("ListConfiguredTables", Act::Read, &error))?;
        if !is_named(summary.name(), collaboration) {
            continue;
        }
        if !is_ours(client, summary.arn(), collaboration, known).await? {
            account.strangers.insert(summary.name);
            continue;
        }
        let rules = summary.analysis_rule_types();
        let table = table(client, summary.id(), rules).await?;
        put(&mut tables, &mut account, summary.name, table);
    }
    account.tables = tables;
    Ok(account)
}

/// Whether a collaboration was made by the account that the agreement pins for the runner in its name.
fn is_by_runner(agreement: &Agreement, summary: &CollaborationSummary) -> bool {
    let runner = summary.name().rsplit('.').nth(1).and_then(|name| MemberId::new(name).ok());
    let known = runner.and_then(|runner| agreement.members.get(&runner));
    let account = known.and_then(|member| member.identity.get(&PlatformId::aws_clean_rooms()));
    account.is_some_and(|account| account == summary.creator_account_id())
}

/// Collaborations of this agreement, those that still wait for this member's acceptance among them.
async fn collaborations(
    client: &Client,
    collaboration: &CollaborationId,
) -> Result<Vec<CollaborationSummary>> {
    let mut found = Vec::new();
    let mut pages = client.rooms.list_collaborations().into_paginator().items().send();
    while let Some(summary) = pages.next().await {
        let summary = summary.map_err(|error| told("ListCollaborations", Act::Read, &error))?;
        if is_named(summary.name(), collaboration) {
            found.push(summary);
        }
    }
    Ok(found)
}

/// Memberships whose collaboration was deleted, or that were removed from it: what hangs on them has to be taken down still.
async fn left_behind(
    client: &Client,
    collaboration: &CollaborationId,
) -> Result<Vec<(String, Room)>> {
    let mut found = Vec::new();
    let mut pages = client.rooms.list_memberships().into_paginator().items().send();
    while let Some(summary) = pages.next().await {
        let summary = summary.map_err(|error| told("ListMemberships", Act::Read, &error))?;
        let ended = *summary.status() != MembershipStatus::Active;
        if !ended || !is_named(summary.collaboration_name(), collaboration) {
            continue;
        }
        let status = summary.status().as_str().to_owned();
        let membership = Membership { status, ..membership(client, summary.id()).await? };
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

async fn room(client: &Client, summary: &CollaborationSummary) -> Result<Room> {
    let mut members = BTreeMap::new();
    let pages = client.rooms.list_members().collaboration_identifier(summary.id());
    let mut pages = pages.into_paginator().items().send();
    while let Some(member) = pages.next().await {
        let member = member.map_err(|error| told("ListMembers", Act::Read, &error))?;
        if !MemberStatus::values().contains(&member.status().as_str()) {
            return Err(unreadable(
                "ListMembers",
                "a member's status that this version does not know",
            ));
        }
        let has = |ability: &MemberAbility| member.abilities().contains(ability);
        let pays = member.payment_configuration().and_then(|p| p.query_compute());
        let entry = Member {
            status: member.status().as_str().to_owned(),
            queries: has(&MemberAbility::CanQuery),
            receives: has(&MemberAbility::CanReceiveResults),
            pays: pays.map(aws_sdk_cleanrooms::types::QueryComputePaymentConfig::is_responsible),
        };
        members.insert(member.account_id, entry);
    }
    let membership = match summary.membership_id() {
        Some(id) if *summary.member_status() == MemberStatus::Active => {
            Some(membership(client, id).await?)
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

async fn membership(client: &Client, id: &str) -> Result<Membership> {
    let mut associations = BTreeMap::new();
    let pages = client.rooms.list_configured_table_associations().membership_identifier(id);
    let mut pages = pages.into_paginator().items().send();
    while let Some(found) = pages.next().await {
        let found = found.map_err(|e| told("ListConfiguredTableAssociations", Act::Read, &e))?;
        let (role, receivers) = association(client, id, found.id()).await?;
        let (id, table) = (found.id, found.configured_table_id);
        associations.insert(found.name, Association { id, table, role, receivers });
    }
    let mut templates = BTreeMap::new();
    let pages = client.rooms.list_analysis_templates().membership_identifier(id);
    let mut pages = pages.into_paginator().items().send();
    while let Some(found) = pages.next().await {
        let found = found.map_err(|error| told("ListAnalysisTemplates", Act::Read, &error))?;
        templates.insert(found.name, found.id);
    }
    let budgets = budgets(client, id).await?;
    Ok(Membership {
        id: id.to_owned(),
        status: "ACTIVE".to_owned(),
        associations,
        templates,
        budgets,
    })
}

type Receivers = Option<BTreeSet<String>>;

async fn association(client: &Client, membership: &str, id: &str) -> Result<(String, Receivers)> {
    let answer = client
        .rooms
        .get_configured_table_association()
        .membership_identifier(membership)
        .configured_table_association_identifier(id)
        .send()
        .await
        .map_err(|error| told("GetConfiguredTableAssociation", Act::Read, &error))?;
    let found = answer.configured_table_association().ok_or_else(|| {
        unreadable("GetConfiguredTableAssociation", "no association in the answer")
    })?;
    let custom = ConfiguredTableAssociationAnalysisRuleType::Custom;
    let role = found.role_arn().to_owned();
    if !found.analysis_rule_types().contains(&custom) {
        return Ok((role, None));
    }
    let answer = client
        .rooms
        .get_configured_table_association_analysis_rule()
        .membership_identifier(membership)
        .configured_table_association_identifier(id)
        .analysis_rule_type(custom)
        .send()
        .await;
    let answer = answer
        .map_err(|error| told("GetConfiguredTableAssociationAnalysisRule", Act::Read, &error));
    let answer = match answer {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok((role, None)),
        read => read?,
    };
    let policy = answer.analysis_rule().and_then(|rule| rule.policy());
    let receivers = match policy {
        Some(ConfiguredTableAssociationAnalysisRulePolicy::V1(
            ConfiguredTableAssociationAnalysisRulePolicyV1::Custom(custom),
        )) => Some(custom.allowed_result_receivers().iter().cloned().collect()),
        _ => None,
    };
    Ok((role, receivers))
}

async fn budgets(client: &Client, membership: &str) -> Result<BTreeMap<String, SeenBudget>> {
    let mut budgets = BTreeMap::new();
    let pages = client.rooms.list_privacy_budget_templates().membership_identifier(membership);
    let mut pages = pages.into_paginator().items().send();
    while let Some(found) = pages.next().await {
        let found = found.map_err(|e| told("ListPrivacyBudgetTemplates", Act::Read, &e))?;
        let answer = client
            .rooms
            .get_privacy_budget_template()
            .membership_identifier(membership)
            .privacy_budget_template_identifier(found.id())
            .send()
            .await
            .map_err(|error| told("GetPrivacyBudgetTemplate", Act::Read, &error))?;
        let parameters = answer.privacy_budget_template().and_then(|t| t.parameters());
        let Some(PrivacyBudgetTemplateParametersOutput::AccessBudget(access)) = parameters else {
            continue;
        };
        let Some(association) = access.resource_arn().rsplit('/').next() else { continue };
        let budget = match access.budget_parameters() {
            [only] if only.auto_refresh() != Some(&AutoRefreshMode::Disabled) => {
                Some(Budget { period: only.r#type().as_str().to_owned(), uses: only.budget() })
            }
            _ => None,
        };
        budgets.insert(association.to_owned(), SeenBudget { id: found.id, budget });
    }
    Ok(budgets)
}

async fn table(
    client: &Client,
    id: &str,
    rules: &[ConfiguredTableAnalysisRuleType],
) -> Result<Table> {
    let answer = client.rooms.get_configured_table().configured_table_identifier(id).send().await;
    let answer = answer.map_err(|error| told("GetConfiguredTable", Act::Read, &error))?;
    let found = answer
        .configured_table()
        .ok_or_else(|| unreadable("GetConfiguredTable", "no table in the answer"))?;
    let glue = match found.table_reference() {
        Some(TableReference::Glue(glue)) => {
            Some((glue.database_name().to_owned(), glue.table_name().to_owned()))
        }
        _ => None,
    };
    let custom = rules.contains(&ConfiguredTableAnalysisRuleType::Custom);
    let rule = if custom { rule(client, id).await? } else { None };
    Ok(Table {
        id: id.to_owned(),
        arn: found.arn().to_owned(),
        glue,
        columns: found.allowed_columns().iter().cloned().collect(),
        rules: rules.iter().map(|kind| kind.as_str().to_owned()).collect(),
        rule,
    })
}

/// The CUSTOM rule of a table, as it is now.
pub(crate) async fn rule(client: &Client, table: &str) -> Result<Option<Rule>> {
    let answer = client
        .rooms
        .get_configured_table_analysis_rule()
        .configured_table_identifier(table)
        .analysis_rule_type(ConfiguredTableAnalysisRuleType::Custom)
        .send()
        .await
        .map_err(|error| told("GetConfiguredTableAnalysisRule", Act::Read, &error));
    let answer = match answer {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    match answer.analysis_rule().and_then(|rule| rule.policy()) {
        Some(ConfiguredTableAnalysisRulePolicy::V1(
            ConfiguredTableAnalysisRulePolicyV1::Custom(custom),
        )) => Ok(Some(read(custom))),
        _ => Err(unreadable("GetConfiguredTableAnalysisRule", "a policy that is none")),
    }
}

/// A rule in our words; what ours never have makes it foreign.
fn read(custom: &AnalysisRuleCustom) -> Rule {
    use aws_sdk_cleanrooms::types::{AggregationThresholdType, AllowedAggregateExpressionType};
    let set = |list: &[String]| list.iter().cloned().collect::<BTreeSet<String>>();
    let arns = custom.allowed_analyses().iter().all(|analysis| analysis.starts_with("arn:"));
    let (threshold, ours) = match custom.aggregation_thresholds() {
        [] => (None, true),
        [one] => {
            let identity = one.identity_columns().first().cloned().unwrap_or_default();
            let ours = one.identity_columns().len() == 1
                && *one.r#type() == AggregationThresholdType::CountDistinct
                && *one.allowed_aggregate_expression_type()
                    == AllowedAggregateExpressionType::AnyExpression
                && one.output_column_thresholds().is_empty();
            (Some((identity, one.minimum_identity_count())), ours)
        }
        _ => (None, false),
    };
    let controls = custom.comparison_controls();
    let foreign = !arns
        || !ours
        || controls.is_none()
        || !custom.allowed_analysis_providers().is_empty()
        || custom.differential_privacy().is_some()
        || custom.additional_analyses().is_some()
        || !custom.allowed_additional_analyses().is_empty()
        || !custom.allowed_result_receivers().is_empty();
    Rule {
        analyses: set(custom.allowed_analyses()),
        threshold,
        literals: controls.map(|c| set(c.allowed_literal_comparison_columns())).unwrap_or_default(),
        columns: controls.map(|c| set(c.allowed_column_comparison_columns())).unwrap_or_default(),
        disallowed: set(custom.disallowed_output_columns()),
        foreign,
    }
}
