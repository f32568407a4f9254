//! Rules as the platform writes them, in plain values; what agreements have no word for is named. Pure.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enums grow; whatever is not named here is told as unknown"
)]

use super::found::{Aggregation, Custom, TableRule};
use crate::rule::Rule;
use aws_sdk_cleanrooms::types::{
    AdditionalAnalyses, AllowedAggregateExpressionType, AnalysisRuleAggregation,
    AnalysisRuleCustom, AnalysisRulePolicy, AnalysisRulePolicyV1, AnalysisRuleType,
    ConfiguredTableAssociationAnalysisRulePolicy, ConfiguredTableAssociationAnalysisRulePolicyV1,
    JoinOperator, OutputColumnThreshold,
};
use std::collections::{BTreeMap, BTreeSet};

type Receivers = Option<BTreeSet<String>>;

/// A table's rule, and who may receive by it.
pub(super) fn rule(
    kind: &AnalysisRuleType,
    policy: Option<&AnalysisRulePolicy>,
) -> (TableRule, Receivers) {
    match policy {
        Some(AnalysisRulePolicy::V1(AnalysisRulePolicyV1::Custom(custom))) => {
            let receivers = custom.allowed_result_receivers.as_ref();
            let receivers = receivers.map(|all| all.iter().cloned().collect());
            (TableRule::Custom(of_custom(custom)), receivers)
        }
        Some(AnalysisRulePolicy::V1(AnalysisRulePolicyV1::Aggregation(rule))) => {
            (TableRule::Aggregation(aggregation(rule)), None)
        }
        Some(AnalysisRulePolicy::V1(AnalysisRulePolicyV1::List(rule))) => {
            let (joins, lists) = (set(rule.join_columns()), set(rule.list_columns()));
            (TableRule::List { joins, lists }, None)
        }
        _ => (TableRule::Unknown(kind.as_str().to_owned()), None),
    }
}

fn set(list: &[String]) -> BTreeSet<String> {
    list.iter().cloned().collect()
}

fn of_custom(custom: &AnalysisRuleCustom) -> Custom {
    let controls = custom.comparison_controls();
    let mut further = BTreeSet::new();
    let analyses = custom.allowed_analyses();
    further.extend(analyses.iter().filter(|one| !one.starts_with("arn:")).cloned());
    if !custom.allowed_analysis_providers().is_empty() {
        further.insert("allowedAnalysisProviders".to_owned());
    }
    if custom.differential_privacy().is_some() {
        further.insert("differentialPrivacy".to_owned());
    }
    further.extend(additional(custom.additional_analyses()));
    if !custom.allowed_additional_analyses().is_empty() {
        further.insert("allowedAdditionalAnalyses".to_owned());
    }
    let threshold = match custom.aggregation_thresholds() {
        [] => None,
        [one, rest @ ..] => {
            if !one.output_column_thresholds().is_empty() || !rest.is_empty() {
                further.insert("outputColumnThresholds".to_owned());
            }
            if *one.allowed_aggregate_expression_type()
                != AllowedAggregateExpressionType::AnyExpression
            {
                further.insert("allowedAggregateExpressionType COLUMNS_ONLY".to_owned());
            }
            // The most that any of them asks for.
            let all = custom.aggregation_thresholds().iter();
            let least = all.flat_map(|one| {
                let own = one.output_column_thresholds().iter();
                own.map(OutputColumnThreshold::minimum_identity_count)
                    .chain([one.minimum_identity_count()])
            });
            let least = least.max().unwrap_or_default();
            one.identity_columns().first().map(|identity| (identity.clone(), least))
        }
    };
    let rule = Rule {
        analyses: analyses.iter().filter(|one| one.starts_with("arn:")).cloned().collect(),
        threshold,
        literals: controls.map(|c| set(c.allowed_literal_comparison_columns())).unwrap_or_default(),
        columns: controls.map(|c| set(c.allowed_column_comparison_columns())).unwrap_or_default(),
        disallowed: set(custom.disallowed_output_columns()),
        foreign: false,
    };
    Custom { rule, compares: controls.is_some(), further }
}

fn additional(of: Option<&AdditionalAnalyses>) -> Option<String> {
    let more = of.filter(|one| **one != AdditionalAnalyses::NotAllowed)?;
    Some(format!("additionalAnalyses {}", more.as_str()))
}

fn aggregation(rule: &AnalysisRuleAggregation) -> Aggregation {
    let mut aggregates: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for pair in rule.aggregate_columns() {
        for column in pair.column_names() {
            let functions = aggregates.entry(column.clone()).or_default();
            functions.insert(pair.function().as_str().to_owned());
        }
    }
    let mut further: BTreeSet<String> =
        additional(rule.additional_analyses()).into_iter().collect();
    if rule.allowed_join_operators().contains(&JoinOperator::Or) {
        further.insert("allowedJoinOperators OR".to_owned());
    }
    Aggregation {
        aggregates,
        joins: set(rule.join_columns()),
        dimensions: set(rule.dimension_columns()),
        join_required: rule.join_required().is_some(),
        constraints: rule
            .output_constraints()
            .iter()
            .map(|one| (one.column_name().to_owned(), one.minimum()))
            .collect(),
        further,
    }
}

/// Who may receive by the rule of a table's place in a collaboration, and what else that has.
pub(super) fn receivers(
    policy: Option<&ConfiguredTableAssociationAnalysisRulePolicy>,
) -> (Receivers, BTreeSet<String>) {
    use ConfiguredTableAssociationAnalysisRulePolicyV1 as V1;
    let Some(policy) = policy else { return (None, BTreeSet::new()) };
    let (receivers, more) = match policy {
        ConfiguredTableAssociationAnalysisRulePolicy::V1(V1::Custom(rule)) => {
            (rule.allowed_result_receivers.as_ref(), rule.allowed_additional_analyses())
        }
        ConfiguredTableAssociationAnalysisRulePolicy::V1(V1::Aggregation(rule)) => {
            (rule.allowed_result_receivers.as_ref(), rule.allowed_additional_analyses())
        }
        ConfiguredTableAssociationAnalysisRulePolicy::V1(V1::List(rule)) => {
            (rule.allowed_result_receivers.as_ref(), rule.allowed_additional_analyses())
        }
        _ => return (Some(BTreeSet::new()), ["collaborationAnalysisRule".to_owned()].into()),
    };
    let further = (!more.is_empty()).then(|| "allowedAdditionalAnalyses".to_owned());
    (receivers.map(|all| set(all)), further.into_iter().collect())
}
