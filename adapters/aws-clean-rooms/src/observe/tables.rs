//! Configured tables, their rules, and what hangs on a table's place: who may receive, how often it is used.

use super::account::Look;
use super::unreadable;
use crate::connection::{Client, sent};
use crate::rule::Rule;
use crate::seen::{Account, Table};
use crate::wanted::Budget;
use adapter_spi::{ErrorKind, NoteClass, Result};
use aws_sdk_cleanrooms::types::{
    AccessBudgetType, AggregationThreshold, AggregationThresholdType,
    AllowedAggregateExpressionType, AnalysisRuleCustom, AutoRefreshMode, CommercialRegion,
    ComparisonControls, ConfiguredTableAnalysisRule, ConfiguredTableAnalysisRulePolicy,
    ConfiguredTableAnalysisRulePolicyV1, ConfiguredTableAnalysisRuleType,
    ConfiguredTableAssociationAnalysisRule, ConfiguredTableAssociationAnalysisRulePolicy,
    ConfiguredTableAssociationAnalysisRulePolicyV1, ConfiguredTableAssociationAnalysisRuleType,
    ConfiguredTableSummary, PrivacyBudgetTemplateParametersOutput, TableReference,
};
use std::collections::BTreeSet;

impl Look<'_> {
    /// A configured table and its rule.
    pub(super) async fn table(&mut self, summary: &ConfiguredTableSummary) -> Result<Table> {
        let (id, kinds) = (summary.id(), summary.analysis_rule_types());
        let kind = self.dataset("configured-table", summary.name());
        let request = self.client.rooms.get_configured_table().configured_table_identifier(id);
        let answer = sent!(read, self.client, "GetConfiguredTable", request)?;
        let found = answer
            .configured_table()
            .ok_or_else(|| unreadable("GetConfiguredTable", "no table in the answer"))?;
        let glue = match found.table_reference() {
            Some(TableReference::Glue(glue)) => {
                let region = glue.region().map(CommercialRegion::as_str);
                // Without a Region it is the table's own. One that is named and another makes it another table.
                let own = region.is_none_or(|region| region == self.client.region);
                if region.is_some() && own {
                    let at = "tableReference.glue.region";
                    self.note(kind.clone(), NoteClass::ServerDefault, at);
                }
                own.then(|| (glue.database_name().to_owned(), glue.table_name().to_owned()))
            }
            _ => None,
        };
        let known = ConfiguredTableAnalysisRuleType::values();
        if kinds.iter().any(|kind| !known.contains(&kind.as_str())) {
            self.note(kind.clone(), NoteClass::Unknown, "analysisRuleTypes");
        }
        if !in_order(found.allowed_columns()) {
            self.note(kind.clone(), NoteClass::FormatOnly, "allowedColumns");
        }
        let rule = if kinds.contains(&ConfiguredTableAnalysisRuleType::Custom) {
            let told = told_rule(self.client, id).await?;
            for (class, at) in told.iter().flat_map(|(_, notes)| notes) {
                self.note(kind.clone(), *class, at);
            }
            told.map(|(rule, _)| rule)
        } else {
            None
        };
        Ok(Table {
            id: id.to_owned(),
            arn: found.arn().to_owned(),
            glue,
            columns: found.allowed_columns().iter().cloned().collect(),
            rules: kinds.iter().map(|kind| kind.as_str().to_owned()).collect(),
            rule,
        })
    }
}

/// Takes up one of the tables of ours under a name: the one that is in a collaboration, or the first that was made. The others are
/// spare; of two that are in use nobody can say which is meant.
pub(super) fn take_up(account: &mut Account, name: String, mut same: Vec<(i64, Table)>) {
    same.sort_by(|(one, a), (two, b)| (one, &a.id).cmp(&(two, &b.id)));
    let memberships = account.rooms.values().filter_map(|room| room.membership.as_ref());
    let used: BTreeSet<&String> =
        memberships.flat_map(|own| own.associations.values()).map(|one| &one.table).collect();
    let (mut used, mut spare): (Vec<Table>, Vec<Table>) =
        same.into_iter().map(|(_, table)| table).partition(|table| used.contains(&table.id));
    if used.is_empty() && !spare.is_empty() {
        used.push(spare.remove(0));
    }
    account.spare.extend(spare.into_iter().map(|table| (name.clone(), table)));
    match (used.pop(), used.is_empty()) {
        (Some(only), true) => drop(account.tables.insert(name, only)),
        (Some(_), false) => drop(account.strangers.insert(name)),
        (None, _) => {}
    }
}

/// Whether a list stands as this gateway writes it: sorted, nothing twice.
fn in_order(list: &[String]) -> bool {
    list.windows(2).all(|pair| matches!(pair, [one, next] if one < next))
}

type Told = (Rule, Vec<(NoteClass, &'static str)>);

/// The CUSTOM rule of a table, as it is now.
pub(crate) async fn rule(client: &Client, table: &str) -> Result<Option<Rule>> {
    Ok(told_rule(client, table).await?.map(|(rule, _)| rule))
}

async fn told_rule(client: &Client, table: &str) -> Result<Option<Told>> {
    let request = client
        .rooms
        .get_configured_table_analysis_rule()
        .configured_table_identifier(table)
        .analysis_rule_type(ConfiguredTableAnalysisRuleType::Custom);
    let answer = match sent!(read, client, "GetConfiguredTableAnalysisRule", request) {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    if let Some(custom) = answer.analysis_rule().and_then(custom) {
        return Ok(Some((read(custom), noted(custom))));
    }
    // Whatever it allows, it is none of ours: it is closed like one.
    let foreign = Rule { foreign: true, ..Rule::default() };
    Ok(Some((foreign, vec![(NoteClass::Unknown, "analysisRule.policy")])))
}

fn custom(rule: &ConfiguredTableAnalysisRule) -> Option<&AnalysisRuleCustom> {
    match rule.policy() {
        Some(ConfiguredTableAnalysisRulePolicy::V1(
            ConfiguredTableAnalysisRulePolicyV1::Custom(custom),
        )) => Some(custom),
        _ => None,
    }
}

/// Whether an answer's rule is this.
pub(crate) fn is_rule(answered: Option<&ConfiguredTableAnalysisRule>, rule: &Rule) -> bool {
    answered.and_then(custom).is_some_and(|custom| read(custom) == *rule)
}

/// A rule in our words; what ours never have makes it foreign.
fn read(custom: &AnalysisRuleCustom) -> Rule {
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

/// Lists of a rule in another order, and words that this version does not know.
fn noted(custom: &AnalysisRuleCustom) -> Vec<(NoteClass, &'static str)> {
    let controls = custom.comparison_controls();
    let literals =
        controls.map(ComparisonControls::allowed_literal_comparison_columns).unwrap_or_default();
    let columns =
        controls.map(ComparisonControls::allowed_column_comparison_columns).unwrap_or_default();
    let lists = [
        ("allowedAnalyses", custom.allowed_analyses()),
        ("disallowedOutputColumns", custom.disallowed_output_columns()),
        ("allowedLiteralComparisonColumns", literals),
        ("allowedColumnComparisonColumns", columns),
    ];
    let otherwise = lists.into_iter().filter(|(_, list)| !in_order(list));
    let mut notes: Vec<_> = otherwise.map(|(at, _)| (NoteClass::FormatOnly, at)).collect();
    let unknown = |one: &AggregationThreshold| {
        let expression = one.allowed_aggregate_expression_type().as_str();
        !AggregationThresholdType::values().contains(&one.r#type().as_str())
            || !AllowedAggregateExpressionType::values().contains(&expression)
    };
    if custom.aggregation_thresholds().iter().any(unknown) {
        notes.push((NoteClass::Unknown, "aggregationThresholds"));
    }
    notes
}

/// Who may receive what is computed from a table in a collaboration; nothing where nobody is named, or not in words that this
/// version knows.
pub(crate) async fn receivers(
    client: &Client,
    membership: &str,
    association: &str,
) -> Result<Option<BTreeSet<String>>> {
    let request = client
        .rooms
        .get_configured_table_association_analysis_rule()
        .membership_identifier(membership)
        .configured_table_association_identifier(association)
        .analysis_rule_type(ConfiguredTableAssociationAnalysisRuleType::Custom);
    let answer = match sent!(read, client, "GetConfiguredTableAssociationAnalysisRule", request) {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    Ok(received(answer.analysis_rule()))
}

/// Who may receive by a rule; `None` of one that ours never look like.
pub(crate) fn received(
    rule: Option<&ConfiguredTableAssociationAnalysisRule>,
) -> Option<BTreeSet<String>> {
    match rule.and_then(|rule| rule.policy()) {
        Some(ConfiguredTableAssociationAnalysisRulePolicy::V1(
            ConfiguredTableAssociationAnalysisRulePolicyV1::Custom(custom),
        )) => Some(custom.allowed_result_receivers().iter().cloned().collect()),
        _ => None,
    }
}

/// A cap: the id of the association that it counts, and how often it may be used; `None` of one that ours never look like.
pub(crate) async fn budget(
    client: &Client,
    membership: &str,
    id: &str,
) -> Result<Option<(String, Option<Budget>)>> {
    let request = client.rooms.get_privacy_budget_template();
    let request = request.membership_identifier(membership).privacy_budget_template_identifier(id);
    let answer = match sent!(read, client, "GetPrivacyBudgetTemplate", request) {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    let parameters = answer.privacy_budget_template().and_then(|found| found.parameters());
    let Some(PrivacyBudgetTemplateParametersOutput::AccessBudget(access)) = parameters else {
        return Ok(None);
    };
    let Some(association) = access.resource_arn().rsplit('/').next() else { return Ok(None) };
    let budget = match access.budget_parameters() {
        [only]
            if only.auto_refresh() != Some(&AutoRefreshMode::Disabled)
                && AccessBudgetType::values().contains(&only.r#type().as_str()) =>
        {
            Some(Budget { period: only.r#type().as_str().to_owned(), uses: only.budget() })
        }
        _ => None,
    };
    Ok(Some((association.to_owned(), budget)))
}

#[cfg(test)]
mod tests {
    //! What a rule says in other words, or in words that are not known here.
    use super::*;
    use crate::seen::{Association, Membership, Room};
    use std::collections::BTreeMap;

    fn custom(analyses: &[&str], threshold: Option<&str>) -> AnalysisRuleCustom {
        let controls = ComparisonControls::builder()
            .set_allowed_literal_comparison_columns(Some(vec!["a".to_owned(), "b".to_owned()]))
            .set_allowed_column_comparison_columns(Some(Vec::new()))
            .build()
            .unwrap();
        let threshold = threshold.map(|kind| {
            AggregationThreshold::builder()
                .identity_columns("mail")
                .minimum_identity_count(10)
                .r#type(AggregationThresholdType::from(kind))
                .allowed_aggregate_expression_type(AllowedAggregateExpressionType::AnyExpression)
                .build()
                .unwrap()
        });
        let analyses = analyses.iter().map(ToString::to_string).collect();
        AnalysisRuleCustom::builder()
            .set_allowed_analyses(Some(analyses))
            .set_aggregation_thresholds(threshold.map(|one| vec![one]))
            .comparison_controls(controls)
            .build()
            .unwrap()
    }

    fn table(id: &str) -> Table {
        Table {
            id: id.to_owned(),
            arn: String::new(),
            glue: None,
            columns: BTreeSet::new(),
            rules: BTreeSet::new(),
            rule: None,
        }
    }

    /// An account in whose collaboration these tables are.
    fn with(used: &[&str]) -> Account {
        let associations = used.iter().map(|id| {
            let (id, table) = (format!("of-{id}"), (*id).to_owned());
            (id.clone(), Association { id, table, role: String::new(), receivers: None })
        });
        let membership = Membership {
            id: String::new(),
            status: "ACTIVE".to_owned(),
            associations: associations.collect(),
            templates: BTreeMap::new(),
            budgets: BTreeMap::new(),
        };
        let room = Room {
            id: String::new(),
            arn: String::new(),
            creator: String::new(),
            members: BTreeMap::new(),
            membership: Some(membership),
            schemas: BTreeMap::new(),
            templates: BTreeMap::new(),
        };
        Account { rooms: [("room".to_owned(), room)].into(), ..Account::default() }
    }

    #[test]
    fn of_tables_under_one_name_the_one_in_use_is_taken_up_or_the_first() {
        let cases: [(&[&str], Option<&str>, &[&str]); 4] = [
            (&[], Some("b"), &["a", "c"]),
            (&["c"], Some("c"), &["b", "a"]),
            (&["a", "c"], None, &["b"]),
            (&["x"], Some("b"), &["a", "c"]),
        ];
        for (used, taken, spare) in cases {
            let mut account = with(used);
            let same = vec![(2, table("a")), (1, table("b")), (2, table("c"))];
            take_up(&mut account, "one".to_owned(), same);
            assert_eq!(account.tables.get("one").map(|one| one.id.as_str()), taken, "{used:?}");
            let left: Vec<&str> = account.spare.iter().map(|(_, one)| one.id.as_str()).collect();
            assert_eq!(left, spare, "{used:?}");
            assert_eq!(account.strangers.contains("one"), taken.is_none(), "{used:?}");
        }
    }

    #[test]
    fn the_same_list_in_another_order_is_only_noted() {
        let (as_written, otherwise) =
            (custom(&["arn:a", "arn:b"], None), custom(&["arn:b", "arn:a"], None));
        assert_eq!(read(&as_written), read(&otherwise));
        assert!(noted(&as_written).is_empty());
        assert_eq!(noted(&otherwise), [(NoteClass::FormatOnly, "allowedAnalyses")]);
    }

    #[test]
    fn a_threshold_of_an_unknown_type_is_foreign_and_noted() {
        let (known, unknown) =
            (custom(&[], Some("COUNT_DISTINCT")), custom(&[], Some("COUNT_ROUGHLY")));
        assert!(!read(&known).foreign && noted(&known).is_empty());
        assert!(read(&unknown).foreign);
        assert_eq!(noted(&unknown), [(NoteClass::Unknown, "aggregationThresholds")]);
    }
}
