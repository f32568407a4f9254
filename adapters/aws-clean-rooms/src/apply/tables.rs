//! Calls on configured tables, their rules and their associations.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enums grow, and each hand here takes some calls only; whatever is not named is refused or unknown"
)]

use super::{CHANGED, Done, changed, gone, misplaced, stale, there, unbuilt};
use crate::call::{Call, version};
use crate::connection::{Client, listed, sent};
use crate::observe::{is_rule, received_by, receivers_of, rule_of};
use crate::rule::Rule;
use adapter_spi::{Applied, Effect, Result};
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
            let request = client.writes.update_configured_table().configured_table_identifier(id);
            let request = request
                .table_reference(glue(operation, database, table)?)
                .set_allowed_columns(Some(columns.clone()));
            sent!(write, client, operation, request).map(|_| CHANGED)
        }
        Call::DeleteConfiguredTable { id } => {
            let request = client.writes.delete_configured_table().configured_table_identifier(id);
            gone(sent!(write, client, "DeleteConfiguredTable", request))
        }
        Call::CreateConfiguredTableAnalysisRule { table, rule } => {
            let operation = "CreateConfiguredTableAnalysisRule";
            let request = client.writes.create_configured_table_analysis_rule();
            let request = request
                .configured_table_identifier(table)
                .analysis_rule_type(ConfiguredTableAnalysisRuleType::Custom)
                .analysis_rule_policy(policy(operation, rule)?);
            there(sent!(write, client, operation, request), |answer| {
                is_rule(answer.analysis_rule(), rule)
            })
        }
        Call::UpdateConfiguredTableAnalysisRule { table, rule, was } => {
            let operation = "UpdateConfiguredTableAnalysisRule";
            let Some(current) = rule_of(client, table).await? else {
                return Err(stale(operation, "the rule"));
            };
            if current == *rule {
                return Ok(Applied::Already);
            }
            if version(&current) == *was {
                return set(client, table, rule).await;
            }
            if !effect.takes_away() {
                return Err(stale(operation, "the rule"));
            }
            // What was taken out meanwhile stays out: a narrowing only ever narrows.
            let narrowed = narrowed(rule, &current);
            if narrowed == current {
                return Ok(Applied::Already);
            }
            set(client, table, &narrowed).await
        }
        Call::DeleteConfiguredTableAnalysisRule { table, kind } => {
            let request = client.writes.delete_configured_table_analysis_rule();
            let request = request
                .configured_table_identifier(table)
                .analysis_rule_type(ConfiguredTableAnalysisRuleType::from(kind.as_str()));
            gone(sent!(write, client, "DeleteConfiguredTableAnalysisRule", request))
        }
        _ => association(client, call, effect).await,
    }
}

/// A planned narrowing on a rule that changed since: what both allow, and nothing under controls that are not those that were
/// planned.
fn narrowed(planned: &Rule, current: &Rule) -> Rule {
    if planned.controls_as(current) {
        let both = planned.analyses.intersection(&current.analyses);
        return planned.allowing(both.cloned().collect());
    }
    planned.allowing(BTreeSet::new())
}

async fn create(client: &Client, call: &Call) -> Done {
    let operation = "CreateConfiguredTable";
    let Call::CreateConfiguredTable { name, database, table, columns, tags } = call else {
        return Err(misplaced());
    };
    let all = client.rooms.list_configured_tables();
    let all = listed!(client, "ListConfiguredTables", all, configured_table_summaries);
    if all.iter().any(|found| found.name() == name) {
        return Ok(Applied::Already);
    }
    let request = client
        .writes
        .create_configured_table()
        .name(name)
        .table_reference(glue(operation, database, table)?)
        .set_allowed_columns(Some(columns.clone()))
        .analysis_method(AnalysisMethod::DirectQuery)
        .set_tags(Some(tags.clone().into_iter().collect::<HashMap<_, _>>()));
    there(sent!(write, client, operation, request), |answer| {
        answer.configured_table().is_some_and(|made| made.name() == name)
    })
}

fn glue(operation: &'static str, database: &str, table: &str) -> Result<TableReference> {
    let built = GlueTableReference::builder().database_name(database).table_name(table).build();
    built.map(TableReference::Glue).map_err(|_| unbuilt(operation))
}

async fn set(client: &Client, table: &str, rule: &Rule) -> Done {
    let operation = "UpdateConfiguredTableAnalysisRule";
    let request = client.writes.update_configured_table_analysis_rule();
    let request = request
        .configured_table_identifier(table)
        .analysis_rule_type(ConfiguredTableAnalysisRuleType::Custom)
        .analysis_rule_policy(policy(operation, rule)?);
    let answer = sent!(write, client, operation, request)?;
    Ok(changed(is_rule(answer.analysis_rule(), rule)))
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

async fn association(client: &Client, call: &Call, effect: Effect) -> Done {
    match call {
        Call::CreateConfiguredTableAssociation { membership, name, table, role, tags } => {
            let request = client.writes.create_configured_table_association();
            let request = request
                .membership_identifier(membership)
                .name(name)
                .configured_table_identifier(table)
                .role_arn(role)
                .set_tags(Some(tags.clone().into_iter().collect::<HashMap<_, _>>()));
            let answer = sent!(write, client, "CreateConfiguredTableAssociation", request);
            there(answer, |answer| {
                answer.configured_table_association().is_some_and(|made| made.name() == name)
            })
        }
        Call::UpdateConfiguredTableAssociation { membership, id, role } => {
            let request = client.writes.update_configured_table_association();
            let request = request
                .membership_identifier(membership)
                .configured_table_association_identifier(id)
                .role_arn(role);
            sent!(write, client, "UpdateConfiguredTableAssociation", request).map(|_| CHANGED)
        }
        Call::DeleteConfiguredTableAssociation { membership, id } => {
            let request = client.writes.delete_configured_table_association();
            let request = request
                .membership_identifier(membership)
                .configured_table_association_identifier(id);
            gone(sent!(write, client, "DeleteConfiguredTableAssociation", request))
        }
        _ => receivers(client, call, effect).await,
    }
}

async fn receivers(client: &Client, call: &Call, effect: Effect) -> Done {
    let custom = ConfiguredTableAssociationAnalysisRuleType::Custom;
    match call {
        Call::CreateConfiguredTableAssociationAnalysisRule {
            membership,
            association,
            receivers,
        } => {
            let request = client.writes.create_configured_table_association_analysis_rule();
            let request = request
                .membership_identifier(membership)
                .configured_table_association_identifier(association)
                .analysis_rule_type(custom)
                .analysis_rule_policy(received(receivers));
            let operation = "CreateConfiguredTableAssociationAnalysisRule";
            there(sent!(write, client, operation, request), |answer| {
                received_by(answer.analysis_rule()).as_ref() == Some(receivers)
            })
        }
        Call::UpdateConfiguredTableAssociationAnalysisRule {
            membership,
            association,
            receivers,
            was,
        } => {
            let operation = "UpdateConfiguredTableAssociationAnalysisRule";
            let current = receivers_of(client, membership, association).await?;
            let Some(current) = current else { return Err(stale(operation, "who may receive")) };
            if current == *receivers {
                return Ok(Applied::Already);
            }
            let both: BTreeSet<String> = receivers.intersection(&current).cloned().collect();
            let moved = current != *was;
            if effect.takes_away() && both == current {
                return Ok(Applied::Already);
            }
            if moved && (!effect.takes_away() || both.is_empty()) {
                return Err(stale(operation, "who may receive"));
            }
            let request = client.writes.update_configured_table_association_analysis_rule();
            let set = if moved { &both } else { receivers };
            let request = request
                .membership_identifier(membership)
                .configured_table_association_identifier(association)
                .analysis_rule_type(custom)
                .analysis_rule_policy(received(set));
            let answer = sent!(write, client, operation, request)?;
            Ok(changed(received_by(answer.analysis_rule()).as_ref() == Some(set)))
        }
        Call::DeleteConfiguredTableAssociationAnalysisRule { membership, association } => {
            let request = client.writes.delete_configured_table_association_analysis_rule();
            let request = request
                .membership_identifier(membership)
                .configured_table_association_identifier(association)
                .analysis_rule_type(custom);
            gone(sent!(write, client, "DeleteConfiguredTableAssociationAnalysisRule", request))
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

#[cfg(test)]
mod tests {
    //! A narrowing that comes late never gives back what was taken away meanwhile.
    use super::*;

    fn rule(analyses: &[&str]) -> Rule {
        Rule { analyses: analyses.iter().map(ToString::to_string).collect(), ..Rule::default() }
    }

    #[test]
    fn a_late_narrowing_gives_nothing_back() {
        let planned = rule(&["arn:a", "arn:b"]);
        assert_eq!(narrowed(&planned, &rule(&["arn:b", "arn:c"])), rule(&["arn:b"]));
        assert_eq!(narrowed(&planned, &rule(&[])), rule(&[]), "everything was taken out");
        let other = Rule { literals: BTreeSet::from(["x".to_owned()]), ..rule(&["arn:a"]) };
        assert_eq!(narrowed(&planned, &other), rule(&[]), "nothing runs under other controls");
    }
}
