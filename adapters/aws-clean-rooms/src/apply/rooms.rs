//! Calls on collaborations, memberships, templates and budgets.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enums grow, and each hand here takes some calls only; whatever is not named is refused or unknown"
)]

use super::{CHANGED, Done, gone, misplaced, stale, there, unbuilt};
use crate::call::{Call, Landing};
use crate::connection::{Client, listed, sent};
use crate::observe::budget_of;
use crate::wanted::{Budget, Party};
use adapter_spi::{Applied, ErrorKind, Result};
use aws_sdk_cleanrooms::types::{
    AccessBudgetType, AccessBudgetsPrivacyTemplateParametersInput,
    AccessBudgetsPrivacyTemplateUpdateParameters, AnalysisFormat, AnalysisParameter,
    AnalysisSource, AnalyticsEngine, AutoRefreshMode, BudgetParameter, CollaborationQueryLogStatus,
    CollaborationSummary, MemberAbility, MemberSpecification, Membership,
    MembershipPaymentConfiguration, MembershipProtectedQueryOutputConfiguration,
    MembershipProtectedQueryResultConfiguration, MembershipQueryComputePaymentConfig,
    MembershipQueryLogStatus, MembershipStatus, ParameterType, PaymentConfiguration,
    PrivacyBudgetTemplateAutoRefresh, PrivacyBudgetTemplateParametersInput,
    PrivacyBudgetTemplateUpdateParameters, PrivacyBudgetType, ProtectedQueryS3OutputConfiguration,
    QueryComputePaymentConfig, ResultFormat, SupportedS3Region,
};
use std::collections::{BTreeMap, HashMap};

pub(super) async fn apply(client: &Client, call: &Call) -> Done {
    match call {
        Call::CreateCollaboration { .. } => create(client, call).await,
        Call::DeleteCollaboration { id, .. } => delete(client, id).await,
        Call::DeleteMember { collaboration, account } => {
            let request = client.writes.delete_member();
            let request = request.collaboration_identifier(collaboration).account_id(account);
            gone(sent!(write, client, "DeleteMember", request))
        }
        Call::CreateMembership { .. } => join(client, call).await,
        Call::DeleteMembership { id } => {
            let request = client.writes.delete_membership().membership_identifier(id);
            gone(sent!(write, client, "DeleteMembership", request))
        }
        Call::CreateAnalysisTemplate { .. } | Call::DeleteAnalysisTemplate { .. } => {
            template(client, call).await
        }
        _ => budget(client, call).await,
    }
}

fn tagged(tags: &BTreeMap<String, String>) -> HashMap<String, String> {
    tags.clone().into_iter().collect()
}

fn abilities(party: &Party) -> Vec<MemberAbility> {
    let queries = party.queries.then_some(MemberAbility::CanQuery);
    queries.into_iter().chain(party.receives.then_some(MemberAbility::CanReceiveResults)).collect()
}

fn payment(operation: &'static str, pays: bool) -> Result<PaymentConfiguration> {
    let compute = QueryComputePaymentConfig::builder().is_responsible(pays).build();
    let compute = compute.map_err(|_| unbuilt(operation))?;
    Ok(PaymentConfiguration::builder().query_compute(compute).build())
}

async fn create(client: &Client, call: &Call) -> Done {
    let operation = "CreateCollaboration";
    let Call::CreateCollaboration { name, creator, members, regions, tags } = call else {
        return Err(misplaced());
    };
    // Names are not unique there and no token exists: whoever was killed after this call must not make a second one.
    let own = |one: &CollaborationSummary| {
        one.name() == name && one.creator_account_id() == client.account
    };
    if listed(client, own).await? {
        return Ok(Applied::Already);
    }
    let mut request = client
        .writes
        .create_collaboration()
        .name(name)
        .description("Held by Airlock; what is changed by hand is changed back.")
        .creator_display_name(&creator.display)
        .set_creator_member_abilities(Some(abilities(creator)))
        .creator_payment_configuration(payment(operation, creator.pays)?)
        .query_log_status(CollaborationQueryLogStatus::Enabled)
        .analytics_engine(AnalyticsEngine::Spark)
        .set_tags(Some(tagged(tags)))
        .set_members(Some(Vec::new()));
    for party in members {
        let member = MemberSpecification::builder()
            .account_id(&party.account)
            .display_name(&party.display)
            .set_member_abilities(Some(abilities(party)))
            .payment_configuration(payment(operation, party.pays)?)
            .build();
        request = request.members(member.map_err(|_| unbuilt(operation))?);
    }
    for region in regions {
        request = request.allowed_result_regions(SupportedS3Region::from(region.as_str()));
    }
    there(sent!(write, client, operation, request), |_| false)
}

/// Whether any collaboration is like that.
async fn listed(client: &Client, is: impl Fn(&CollaborationSummary) -> bool) -> Result<bool> {
    let request = client.rooms.list_collaborations();
    Ok(listed!(client, "ListCollaborations", request, collaboration_list).iter().any(is))
}

/// A collaboration that is gone answers as one that is forbidden; the list of one's own says which.
async fn delete(client: &Client, id: &str) -> Done {
    let request = client.writes.delete_collaboration().collaboration_identifier(id);
    match sent!(write, client, "DeleteCollaboration", request) {
        Ok(_) => Ok(CHANGED),
        Err(error) if error.kind == ErrorKind::PermissionDenied => {
            let there = listed(client, |one| one.id() == id).await?;
            if there { Err(error) } else { Ok(Applied::Already) }
        }
        Err(error) => gone::<()>(Err(error)),
    }
}

async fn join(client: &Client, call: &Call) -> Done {
    let operation = "CreateMembership";
    let Call::CreateMembership { collaboration, pays, landing, tags } = call else {
        return Err(misplaced());
    };
    let payment = match pays {
        Some(pays) => {
            let compute = MembershipQueryComputePaymentConfig::builder().is_responsible(*pays);
            let compute = compute.build().map_err(|_| unbuilt(operation))?;
            Some(MembershipPaymentConfiguration::builder().query_compute(compute).build())
        }
        None => None,
    };
    let results = landing.as_ref().map(|landing| results(operation, landing)).transpose()?;
    let request = client
        .writes
        .create_membership()
        .collaboration_identifier(collaboration)
        .query_log_status(MembershipQueryLogStatus::Enabled)
        .set_payment_configuration(payment)
        .set_default_result_configuration(results)
        .set_tags(Some(tagged(tags)));
    there(sent!(write, client, operation, request), |answer| {
        let shows = |made: &Membership| {
            made.collaboration_id() == collaboration && *made.status() == MembershipStatus::Active
        };
        answer.membership().is_some_and(shows)
    })
}

fn results(
    operation: &'static str,
    landing: &Landing,
) -> Result<MembershipProtectedQueryResultConfiguration> {
    let place = ProtectedQueryS3OutputConfiguration::builder()
        .bucket(&landing.bucket)
        .key_prefix(&landing.prefix)
        .result_format(ResultFormat::from(landing.format.as_str()))
        .build()
        .map_err(|_| unbuilt(operation))?;
    Ok(MembershipProtectedQueryResultConfiguration::builder()
        .output_configuration(MembershipProtectedQueryOutputConfiguration::S3(place))
        .set_role_arn(landing.role.clone())
        .build())
}

async fn template(client: &Client, call: &Call) -> Done {
    let operation = "CreateAnalysisTemplate";
    match call {
        Call::CreateAnalysisTemplate { membership, name, text, description, parameters, tags } => {
            let mut request = client
                .writes
                .create_analysis_template()
                .membership_identifier(membership)
                .name(name)
                .description(description)
                .format(AnalysisFormat::Sql)
                .source(AnalysisSource::Text(text.clone()))
                .set_tags(Some(tagged(tags)));
            for parameter in parameters {
                let built = AnalysisParameter::builder()
                    .name(&parameter.name)
                    .r#type(ParameterType::from(parameter.r#type.as_str()))
                    .set_default_value(parameter.default.clone())
                    .build();
                request = request.analysis_parameters(built.map_err(|_| unbuilt(operation))?);
            }
            there(sent!(write, client, operation, request), |answer| {
                answer.analysis_template().is_some_and(|made| made.name() == name)
            })
        }
        Call::DeleteAnalysisTemplate { membership, id } => {
            let request = client.writes.delete_analysis_template();
            let request =
                request.membership_identifier(membership).analysis_template_identifier(id);
            gone(sent!(write, client, "DeleteAnalysisTemplate", request))
        }
        _ => Err(misplaced()),
    }
}

fn parameter(operation: &'static str, budget: &Budget) -> Result<BudgetParameter> {
    let lifetime = budget.period == "LIFETIME";
    let built = BudgetParameter::builder()
        .r#type(AccessBudgetType::from(budget.period.as_str()))
        .budget(budget.uses)
        .set_auto_refresh((!lifetime).then_some(AutoRefreshMode::Enabled))
        .build();
    built.map_err(|_| unbuilt(operation))
}

async fn budget(client: &Client, call: &Call) -> Done {
    match call {
        Call::CreatePrivacyBudgetTemplate { membership, resource, budget, tags } => {
            let operation = "CreatePrivacyBudgetTemplate";
            // The resource of a budget has another ARN than the association itself.
            let region = client.config.region().map(ToString::to_string).unwrap_or_default();
            let account = &client.account;
            let resource = format!(
                "arn:aws:cleanrooms:{region}:{account}:membership/{membership}/configuredtableassociation/{resource}"
            );
            let parameters = AccessBudgetsPrivacyTemplateParametersInput::builder()
                .resource_arn(resource)
                .budget_parameters(parameter(operation, budget)?)
                .build()
                .map_err(|_| unbuilt(operation))?;
            let refresh = match budget.period.as_str() {
                "CALENDAR_MONTH" => PrivacyBudgetTemplateAutoRefresh::CalendarMonth,
                _ => PrivacyBudgetTemplateAutoRefresh::None,
            };
            let request = client
                .writes
                .create_privacy_budget_template()
                .membership_identifier(membership)
                .privacy_budget_type(PrivacyBudgetType::AccessBudget)
                .auto_refresh(refresh)
                .parameters(PrivacyBudgetTemplateParametersInput::AccessBudget(parameters))
                .set_tags(Some(tagged(tags)));
            there(sent!(write, client, operation, request), |_| false)
        }
        Call::UpdatePrivacyBudgetTemplate { membership, id, budget, was } => {
            let operation = "UpdatePrivacyBudgetTemplate";
            // An edit starts the count anew, and what somebody lowered meanwhile must not rise by it.
            let current = budget_of(client, membership, id).await?.map(|(_, found)| found);
            if current.as_ref() == Some(&Some(budget.clone())) {
                return Ok(Applied::Already);
            }
            if current.as_ref() != Some(was) {
                return Err(stale(operation, "the cap"));
            }
            let parameters = AccessBudgetsPrivacyTemplateUpdateParameters::builder()
                .budget_parameters(parameter(operation, budget)?)
                .build()
                .map_err(|_| unbuilt(operation))?;
            let request = client
                .writes
                .update_privacy_budget_template()
                .membership_identifier(membership)
                .privacy_budget_template_identifier(id)
                .privacy_budget_type(PrivacyBudgetType::AccessBudget)
                .parameters(PrivacyBudgetTemplateUpdateParameters::AccessBudget(parameters));
            sent!(write, client, operation, request).map(|_| CHANGED)
        }
        Call::DeletePrivacyBudgetTemplate { membership, id } => {
            let request = client.writes.delete_privacy_budget_template();
            let request =
                request.membership_identifier(membership).privacy_budget_template_identifier(id);
            gone(sent!(write, client, "DeletePrivacyBudgetTemplate", request))
        }
        _ => Err(misplaced()),
    }
}
