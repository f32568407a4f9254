//! Calls on configured tables, their rules and their associations.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enums grow, and each hand here takes some calls only; whatever is not named is refused or unknown"
)]

use super::{CHANGED, Done, gone, misplaced, there, unbuilt};
use crate::call::{Call, version};
use crate::connection::Client;
use crate::error::{Act, made, told};
use crate::observe::rule_of;
use crate::rule::Rule;
use adapter_spi::{Applied, Effect, ErrorKind, Result, Retry};
use aws_sdk_cleanrooms::types::{
    AggregationThreshold, AggregationThresholdType, AllowedAggregateExpressionType, AnalysisMethod,
    AnalysisRuleCustom, ComparisonControls, ConfiguredTableAnalysisRulePolicy,
    ConfiguredTableAnalysisRulePolicyV1, ConfiguredTableAnalysisRuleType,
    ConfiguredTableAssociationAnalysisRuleCustom, ConfiguredTableAssociationAnalysisRulePolicy,
    ConfiguredTableAssociationAnalysisRulePolicyV1, ConfiguredTableAssociationAnalysisRuleType,
    GlueTableReference, TableReference,
};
use std::collections::{BTreeSet, HashMap};

pub(super) async fn apply(client: &Client, call: &Call, effect: Effect) -> Done {
    match call {
        Call::CreateConfiguredTable { .. } => create(client, call).await,
        Call::UpdateConfiguredTable { id, database, table, columns } => {
            let operation = "UpdateConfiguredTable";
            let request = client.rooms.update_configured_table().configured_table_identifier(id);
            let request = request
                .table_reference(glue(operation, database, table)?)
                .set_allowed_columns(Some(columns.clone()));
            let answer = request.send().await;
            answer.map_err(|error| told(operation, Act::Write, &error)).map(|_| CHANGED)
        }
        Call::DeleteConfiguredTable { id } => {
            let answer =
                client.rooms.delete_configured_table().configured_table_identifier(id).send().await;
            gone(answer.map_err(|error| told("DeleteConfiguredTable", Act::Write, &error)))
        }
        Call::CreateConfiguredTableAnalysisRule { table, rule } => {
            let operation = "CreateConfiguredTableAnalysisRule";
            let request = client.rooms.create_configured_table_analysis_rule();
            let request = request
                .configured_table_identifier(table)
                .analysis_rule_type(ConfiguredTableAnalysisRuleType::Custom)
                .analysis_rule_policy(policy(operation, rule)?);
            let answer = request.send().await;
            there(answer.map_err(|error| told(operation, Act::Write, &error)))
        }
        Call::UpdateConfiguredTableAnalysisRule { table, rule, was } => {
            let current = rule_of(client, table).await?;
            if current.as_ref() == Some(rule) {
                return Ok(Applied::Already);
            }
            let moved = current.as_ref().map(version) != Some(*was);
            if moved && effect > Effect::Restrict {
                return Err(stale("UpdateConfiguredTableAnalysisRule"));
            }
            set(client, table, rule).await
        }
        Call::DeleteConfiguredTableAnalysisRule { table, kind } => {
            let request = client.rooms.delete_configured_table_analysis_rule();
            let request = request
                .configured_table_identifier(table)
                .analysis_rule_type(ConfiguredTableAnalysisRuleType::from(kind.as_str()));
            let answer = request.send().await;
            let answer = answer
                .map_err(|error| told("DeleteConfiguredTableAnalysisRule", Act::Write, &error));
            gone(answer)
        }
        _ => association(client, call).await,
    }
}

fn stale(operation: &'static str) -> adapter_spi::AdapterError {
    let reason = "the rule changed since this step was planned";
    made(ErrorKind::StaleVersion, "stale-version", Retry::NextCycle, operation, reason)
}

async fn create(client: &Client, call: &Call) -> Done {
    let operation = "CreateConfiguredTable";
    let Call::CreateConfiguredTable { name, database, table, columns, tags } = call else {
        return Err(misplaced());
    };
    let mut pages = client.rooms.list_configured_tables().into_paginator().items().send();
    while let Some(found) = pages.next().await {
        let found = found.map_err(|error| told("ListConfiguredTables", Act::Read, &error))?;
        if found.name() == name {
            return Ok(Applied::Already);
        }
    }
    let request = client
        .rooms
        .create_configured_table()
        .name(name)
        .table_reference(glue(operation, database, table)?)
        .set_allowed_columns(Some(columns.clone()))
        .analysis_method(AnalysisMethod::DirectQuery)
        .set_tags(Some(tags.clone().into_iter().collect::<HashMap<_, _>>()));
    let answer = request.send().await;
    there(answer.map_err(|error| told(operation, Act::Write, &error)))
}

fn glue(operation: &'static str, database: &str, table: &str) -> Result<TableReference> {
    let built = GlueTableReference::builder().database_name(database).table_name(table).build();
    built.map(TableReference::Glue).map_err(|_| unbuilt(operation))
}

async fn set(client: &Client, table: &str, rule: &Rule) -> Done {
    let operation = "UpdateConfiguredTableAnalysisRule";
    let request = client.rooms.update_configured_table_analysis_rule();
    let request = request
        .configured_table_identifier(table)
        .analysis_rule_type(ConfiguredTableAnalysisRuleType::Custom)
        .analysis_rule_policy(policy(operation, rule)?);
    let answer = request.send().await;
    answer.map_err(|error| told(operation, Act::Write, &error)).map(|_| CHANGED)
}

/// A rule as the platform takes it. Both lists of comparisons are always sent: an empty one blocks all.
fn policy(operation: &'static str, rule: &Rule) -> Result<ConfiguredTableAnalysisRulePolicy> {
    let list = |set: &BTreeSet<String>| Some(set.iter().cloned().collect::<Vec<_>>());
    let thresholds = match &rule.threshold {
        Some((column, minimum)) => {
            let threshold = AggregationThreshold::builder()
                .identity_columns(column)
                .minimum_identity_count(*minimum)
                .r#type(AggregationThresholdType::CountDistinct)
                .allowed_aggregate_expression_type(AllowedAggregateExpressionType::AnyExpression)
                .build()
                .map_err(|_| unbuilt(operation))?;
            Some(vec![threshold])
        }
        None => None,
    };
    let controls = ComparisonControls::builder()
        .set_allowed_literal_comparison_columns(list(&rule.literals))
        .set_allowed_column_comparison_columns(list(&rule.columns))
        .build()
        .map_err(|_| unbuilt(operation))?;
    let custom = AnalysisRuleCustom::builder()
        .set_allowed_analyses(list(&rule.analyses))
        .set_disallowed_output_columns(list(&rule.disallowed).filter(|list| !list.is_empty()))
        .set_aggregation_thresholds(thresholds)
        .comparison_controls(controls)
        .build()
        .map_err(|_| unbuilt(operation))?;
    let custom = ConfiguredTableAnalysisRulePolicyV1::Custom(custom);
    Ok(ConfiguredTableAnalysisRulePolicy::V1(custom))
}

async fn association(client: &Client, call: &Call) -> Done {
    match call {
        Call::CreateConfiguredTableAssociation { membership, name, table, role, tags } => {
            let request = client.rooms.create_configured_table_association();
            let request = request
                .membership_identifier(membership)
                .name(name)
                .configured_table_identifier(table)
                .role_arn(role)
                .set_tags(Some(tags.clone().into_iter().collect::<HashMap<_, _>>()));
            let answer = request.send().await;
            let answer = answer
                .map_err(|error| told("CreateConfiguredTableAssociation", Act::Write, &error));
            there(answer)
        }
        Call::UpdateConfiguredTableAssociation { membership, id, role } => {
            let request = client.rooms.update_configured_table_association();
            let request = request
                .membership_identifier(membership)
                .configured_table_association_identifier(id)
                .role_arn(role);
            let answer = request.send().await;
            answer
                .map_err(|error| told("UpdateConfiguredTableAssociation", Act::Write, &error))
                .map(|_| CHANGED)
        }
        Call::DeleteConfiguredTableAssociation { membership, id } => {
            let request = client.rooms.delete_configured_table_association();
            let request = request
                .membership_identifier(membership)
                .configured_table_association_identifier(id);
            let answer = request.send().await;
            let answer = answer
                .map_err(|error| told("DeleteConfiguredTableAssociation", Act::Write, &error));
            gone(answer)
        }
        _ => receivers(client, call).await,
    }
}

async fn receivers(client: &Client, call: &Call) -> Done {
    let custom = ConfiguredTableAssociationAnalysisRuleType::Custom;
    match call {
        Call::CreateConfiguredTableAssociationAnalysisRule {
            membership,
            association,
            receivers,
        } => {
            let request = client.rooms.create_configured_table_association_analysis_rule();
            let request = request
                .membership_identifier(membership)
                .configured_table_association_identifier(association)
                .analysis_rule_type(custom)
                .analysis_rule_policy(received(receivers));
            let answer = request.send().await;
            let operation = "CreateConfiguredTableAssociationAnalysisRule";
            there(answer.map_err(|error| told(operation, Act::Write, &error)))
        }
        Call::UpdateConfiguredTableAssociationAnalysisRule {
            membership,
            association,
            receivers,
        } => {
            let request = client.rooms.update_configured_table_association_analysis_rule();
            let request = request
                .membership_identifier(membership)
                .configured_table_association_identifier(association)
                .analysis_rule_type(custom)
                .analysis_rule_policy(received(receivers));
            let answer = request.send().await;
            let operation = "UpdateConfiguredTableAssociationAnalysisRule";
            answer.map_err(|error| told(operation, Act::Write, &error)).map(|_| CHANGED)
        }
        Call::DeleteConfiguredTableAssociationAnalysisRule { membership, association } => {
            let request = client.rooms.delete_configured_table_association_analysis_rule();
            let request = request
                .membership_identifier(membership)
                .configured_table_association_identifier(association)
                .analysis_rule_type(custom);
            let answer = request.send().await;
            let operation = "DeleteConfiguredTableAssociationAnalysisRule";
            gone(answer.map_err(|error| told(operation, Act::Write, &error)))
        }
        _ => Err(misplaced()),
    }
}

fn received(receivers: &BTreeSet<String>) -> ConfiguredTableAssociationAnalysisRulePolicy {
    let custom = ConfiguredTableAssociationAnalysisRuleCustom::builder()
        .set_allowed_result_receivers(Some(receivers.iter().cloned().collect()))
        .build();
    let custom = ConfiguredTableAssociationAnalysisRulePolicyV1::Custom(custom);
    ConfiguredTableAssociationAnalysisRulePolicy::V1(custom)
}
