//! Looking at collaborations by their ids: all that their operated members see of them. Never writes. Whatever can't be seen is
//! named; nothing is left out in silence.

use super::found::{Asked, Collaboration, Entry, Found, Own, Place, Shared, Text};
use super::policy;
use crate::connection::{Client, listed, sent};
use crate::error::made;
use crate::names;
use adapter_spi::{AdapterError, ErrorKind, Result, Retry};
use aws_sdk_cleanrooms::types::{
    self as native, AnalysisFormat, AnalysisMethod, AnalysisRuleType, AnalysisSource,
    AutoRefreshMode, CommercialRegion, ErrorMessageType, MemberAbility, MemberSummary,
    PrivacyBudgetTemplateParametersOutput, TableReference,
};
use mappings::model::MemberId;
use std::collections::BTreeSet;

/// A member and how its account is reached, or why it is not.
pub(crate) type Viewer = (MemberId, String, Result<Client>);

/// Everything of these collaborations that these members see.
pub(crate) async fn look(ids: &[String], region: &str, viewers: &[Viewer]) -> Result<Found> {
    let mut found = Found { region: region.to_owned(), ..Found::default() };
    for (member, account, client) in viewers {
        let own = found.own.entry(account.clone()).or_default();
        own.member = Some(member.clone());
        if let Err(error) = client {
            found.unseen.push((format!("member {member}"), error.code.to_owned()));
            found.own.remove(account);
        }
    }
    for id in ids {
        one(id, viewers, &mut found).await?;
    }
    for (member, account, _) in viewers {
        let mut all = found.collaborations.iter().flat_map(|room| &room.members);
        if !all.any(|entry| entry.account == *account) {
            found.unseen.push((format!("member {member}"), "not-a-member".to_owned()));
        }
    }
    let named: BTreeSet<&str> = found.collaborations.iter().map(|one| one.name.as_str()).collect();
    let own: Vec<String> = named.iter().filter_map(|name| names::agreement_of(name)).collect();
    let mut beside = BTreeSet::new();
    for client in viewers.iter().filter_map(|(.., client)| client.as_ref().ok()) {
        let request = client.rooms.list_collaborations();
        let all = listed!(client, "ListCollaborations", request, collaboration_list);
        let others = all.into_iter().map(|one| one.name).filter(|name| {
            let of = names::agreement_of(name);
            of.is_some_and(|of| own.contains(&of)) && !named.contains(name.as_str())
        });
        beside.extend(others);
    }
    found.beside = beside;
    Ok(found)
}

/// One collaboration, by the first member that sees it; and what each of them has in it.
async fn one(id: &str, viewers: &[Viewer], found: &mut Found) -> Result<()> {
    let mut failed: Vec<(&Viewer, AdapterError)> = Vec::new();
    let mut seen: Option<Collaboration> = None;
    for viewer in viewers {
        let (member, account, client) = viewer;
        let Ok(client) = client else { continue };
        let request = client.rooms.get_collaboration().collaboration_identifier(id);
        let answer = match sent!(read, client, "GetCollaboration", request) {
            Ok(answer) => answer,
            Err(error) => {
                failed.push((viewer, error));
                continue;
            }
        };
        let Some(native) = answer.collaboration() else { continue };
        if seen.is_none() {
            seen = Some(collaboration(client, native, &mut found.unseen).await?);
        }
        let Some(membership) = native.membership_id() else {
            found.unseen.push((format!("membership of {member}"), "not-joined".to_owned()));
            continue;
        };
        let own = found.own.entry(account.clone()).or_default();
        places(client, (id, membership), own, &mut found.unseen).await?;
    }
    let unreached = || viewers.iter().find_map(|(.., client)| client.as_ref().err().cloned());
    // Whoever is in none of it sees none of it: that is no part that is missing.
    if let Some(seen) = &seen {
        let is_in = |account: &String| seen.members.iter().any(|one| one.account == *account);
        let denied = failed.iter().filter(|((_, account, _), _)| is_in(account));
        found.unseen.extend(denied.map(|((member, ..), error)| {
            (format!("collaboration {id} as {member}"), error.code.to_owned())
        }));
    }
    let failed = failed.into_iter().map(|(_, error)| error).next();
    match (seen, failed.or_else(unreached)) {
        (Some(seen), _) => found.collaborations.push(seen),
        (None, Some(error)) => return Err(error),
        (None, None) => {
            let reason = "none of the members that were named is in it";
            let never = Retry::Never;
            let kind = ErrorKind::PermissionDenied;
            return Err(made(kind, "not-operated", never, "GetCollaboration", reason));
        }
    }
    Ok(())
}

type Unseen = Vec<(String, String)>;

async fn collaboration(
    client: &Client,
    native: &native::Collaboration,
    unseen: &mut Unseen,
) -> Result<Collaboration> {
    let id = native.id();
    let request = client.rooms.list_members().collaboration_identifier(id);
    let members = listed!(client, "ListMembers", request, member_summaries);
    let request = client.rooms.list_schemas().collaboration_identifier(id);
    let all = listed!(client, "ListSchemas", request, schema_summaries);
    let mut tables = Vec::new();
    for table in all {
        match shared(client, id, &table).await {
            Ok(table) => tables.push(table),
            Err(error) => {
                unseen.push((format!("table {}", table.name()), error.code.to_owned()));
            }
        }
    }
    let request = client.rooms.list_collaboration_analysis_templates();
    let request = request.collaboration_identifier(id);
    let operation = "ListCollaborationAnalysisTemplates";
    let all = listed!(client, operation, request, collaboration_analysis_template_summaries);
    let mut templates = Vec::new();
    for template in all {
        let request = client.rooms.get_collaboration_analysis_template();
        let request = request.collaboration_identifier(id).analysis_template_arn(template.arn());
        match sent!(read, client, "GetCollaborationAnalysisTemplate", request) {
            Ok(answer) => templates.extend(answer.collaboration_analysis_template().map(text)),
            Err(error) => {
                unseen.push((format!("template {}", template.name()), error.code.to_owned()));
            }
        }
    }
    Ok(Collaboration {
        id: id.to_owned(),
        name: native.name().to_owned(),
        description: native.description().unwrap_or_default().to_owned(),
        creator: native.creator_account_id().to_owned(),
        members: members.iter().map(entry).collect(),
        result_regions: native
            .allowed_result_regions()
            .iter()
            .map(|region| region.as_str().to_owned())
            .collect(),
        tables,
        templates,
        further: further(native),
    })
}

/// What a collaboration has that agreements have no word for.
fn further(native: &native::Collaboration) -> BTreeSet<String> {
    let mut further: BTreeSet<String> = native
        .auto_approved_change_types()
        .iter()
        .map(|kind| format!("autoApprovedChangeTypes {}", kind.as_str()))
        .collect();
    if native.data_encryption_metadata().is_some() {
        further.insert("dataEncryptionMetadata".to_owned());
    }
    let engine = native.analytics_engine().map(native::AnalyticsEngine::as_str);
    further
        .extend(engine.filter(|one| *one != "SPARK").map(|one| format!("analyticsEngine {one}")));
    further
}

fn entry(member: &MemberSummary) -> Entry {
    let plain = [MemberAbility::CanQuery, MemberAbility::CanReceiveResults];
    let abilities = member.abilities();
    let more = abilities.iter().filter(|one| !plain.contains(one)).map(MemberAbility::as_str);
    let ml = member
        .ml_abilities()
        .into_iter()
        .flat_map(native::MlMemberAbilities::custom_ml_member_abilities);
    let more = more.chain(ml.map(native::CustomMlMemberAbility::as_str));
    let mut further: BTreeSet<String> = more.map(str::to_owned).collect();
    let pays = member.payment_configuration();
    if pays.is_some_and(|pays| pays.machine_learning().is_some()) {
        further.insert("paymentConfiguration.machineLearning".to_owned());
    }
    Entry {
        account: member.account_id().to_owned(),
        display: member.display_name().to_owned(),
        status: member.status().as_str().to_owned(),
        queries: abilities.contains(&MemberAbility::CanQuery),
        receives: abilities.contains(&MemberAbility::CanReceiveResults),
        pays: pays
            .and_then(|pays| pays.query_compute())
            .is_some_and(native::QueryComputePaymentConfig::is_responsible),
        further,
    }
}

/// A table as partners see it, with its rule.
async fn shared(client: &Client, id: &str, of: &native::SchemaSummary) -> Result<Shared> {
    let request = client.rooms.get_schema().collaboration_identifier(id).name(of.name());
    let answer = sent!(read, client, "GetSchema", request)?;
    let Some(schema) = answer.schema() else {
        return Err(unreadable("GetSchema"));
    };
    let columns = schema.columns().iter().chain(schema.partition_keys());
    let mut shared = Shared {
        name: of.name().to_owned(),
        creator: of.creator_account_id().to_owned(),
        kind: of.r#type().as_str().to_owned(),
        columns: columns
            .map(|column| (column.name().to_owned(), column.r#type().to_ascii_lowercase()))
            .collect(),
        ..Shared::default()
    };
    let method = schema.analysis_method().filter(|one| **one != AnalysisMethod::DirectQuery);
    shared.further.extend(method.map(|one| format!("analysisMethod {}", one.as_str())));
    for kind in schema.analysis_rule_types() {
        rule(client, id, kind, &mut shared).await?;
    }
    Ok(shared)
}

async fn rule(
    client: &Client,
    id: &str,
    kind: &AnalysisRuleType,
    shared: &mut Shared,
) -> Result<()> {
    let request = client.rooms.get_schema_analysis_rule().collaboration_identifier(id);
    let request = request.name(&shared.name).r#type(kind.clone());
    let answer = sent!(read, client, "GetSchemaAnalysisRule", request)?;
    let Some(found) = answer.analysis_rule() else {
        return Err(unreadable("GetSchemaAnalysisRule"));
    };
    let (rule, named) = policy::rule(kind, found.policy());
    let extra = found.collaboration_policy();
    let (receivers, further) = policy::receivers(extra);
    shared.further.extend(further);
    // Of two lists both have to name whoever receives.
    shared.receivers = match (named, receivers) {
        (Some(one), Some(two)) => Some(&one & &two),
        (one, two) => one.or(two),
    };
    shared.rule = Some(rule);
    Ok(())
}

fn text(of: &native::CollaborationAnalysisTemplate) -> Text {
    let mut further = BTreeSet::new();
    if *of.format() != AnalysisFormat::Sql {
        further.insert(format!("format {}", of.format().as_str()));
    }
    let told = of.error_message_configuration().map(native::ErrorMessageConfiguration::r#type);
    if told == Some(&ErrorMessageType::Detailed) {
        further.insert("errorMessageConfiguration DETAILED".to_owned());
    }
    if of.synthetic_data_parameters().is_some() {
        further.insert("syntheticDataParameters".to_owned());
    }
    let source = of.source().filter(|_| *of.format() == AnalysisFormat::Sql);
    Text {
        name: of.name().to_owned(),
        arn: of.arn().to_owned(),
        creator: of.creator_account_id().to_owned(),
        sql: match source {
            Some(AnalysisSource::Text(text)) => Some(text.clone()),
            _ => None,
        },
        parameters: of
            .analysis_parameters()
            .iter()
            .map(|one| Asked {
                name: one.name().to_owned(),
                r#type: one.r#type().as_str().to_owned(),
                default: one.default_value().map(str::to_owned),
            })
            .collect(),
        further,
    }
}

/// One's own tables in a collaboration.
async fn places(
    client: &Client,
    (id, membership): (&str, &str),
    own: &mut Own,
    unseen: &mut Unseen,
) -> Result<()> {
    let request = client.rooms.list_configured_table_associations();
    let request = request.membership_identifier(membership);
    let operation = "ListConfiguredTableAssociations";
    let all = listed!(client, operation, request, configured_table_association_summaries);
    for found in all {
        match place(client, found.configured_table_id()).await {
            Ok(mut place) => {
                place.table = found.configured_table_id().to_owned();
                let caps = caps(client, membership, found.id()).await;
                match caps {
                    Ok((caps, further)) => {
                        place.caps = caps;
                        place.further.extend(further);
                        own.places.insert((id.to_owned(), found.name().to_owned()), place);
                    }
                    Err(error) => {
                        unseen.push((format!("table {}", found.name()), error.code.to_owned()));
                    }
                }
            }
            Err(error) => unseen.push((format!("table {}", found.name()), error.code.to_owned())),
        }
    }
    Ok(())
}

async fn place(client: &Client, table: &str) -> Result<Place> {
    let request = client.rooms.get_configured_table().configured_table_identifier(table);
    let answer = sent!(read, client, "GetConfiguredTable", request)?;
    let Some(found) = answer.configured_table() else {
        return Err(unreadable("GetConfiguredTable"));
    };
    let mut place = Place {
        named: found.name().to_owned(),
        columns: found.allowed_columns().iter().cloned().collect(),
        ..Place::default()
    };
    match found.table_reference() {
        Some(TableReference::Glue(glue)) => {
            let region = glue.region().map(CommercialRegion::as_str);
            let away = region.filter(|region| *region != client.region);
            "glue".clone_into(&mut place.kind);
            if let Some(region) = away {
                place.kind = format!("glue in {region}");
            } else {
                let names = (glue.database_name().to_owned(), glue.table_name().to_owned());
                place.glue = Some(names);
            }
        }
        Some(TableReference::Athena(_)) => "athena".clone_into(&mut place.kind),
        Some(TableReference::Snowflake(_)) => "snowflake".clone_into(&mut place.kind),
        Some(TableReference::Databricks(_)) => "databricks".clone_into(&mut place.kind),
        _ => "unknown".clone_into(&mut place.kind),
    }
    Ok(place)
}

type Caps = (Vec<(String, i32, bool)>, BTreeSet<String>);

/// How often one table may be used, and privacy budgets that agreements have no word for.
async fn caps(client: &Client, membership: &str, association: &str) -> Result<Caps> {
    let (mut caps, mut further) = (Vec::new(), BTreeSet::new());
    let request = client.rooms.list_privacy_budget_templates();
    let request = request.membership_identifier(membership);
    let operation = "ListPrivacyBudgetTemplates";
    let all = listed!(client, operation, request, privacy_budget_template_summaries);
    for found in all {
        let request = client.rooms.get_privacy_budget_template();
        let request = request.membership_identifier(membership);
        let request = request.privacy_budget_template_identifier(found.id());
        let answer = sent!(read, client, "GetPrivacyBudgetTemplate", request)?;
        let parameters = answer.privacy_budget_template().and_then(|one| one.parameters());
        match parameters {
            Some(PrivacyBudgetTemplateParametersOutput::AccessBudget(access)) => {
                if access.resource_arn().rsplit('/').next() != Some(association) {
                    continue;
                }
                caps.extend(access.budget_parameters().iter().map(|one| {
                    let again = one.auto_refresh() != Some(&AutoRefreshMode::Disabled);
                    (one.r#type().as_str().to_owned(), one.budget(), again)
                }));
            }
            _ => drop(further.insert(found.privacy_budget_type().as_str().to_owned())),
        }
    }
    Ok((caps, further))
}

fn unreadable(operation: &'static str) -> AdapterError {
    let reason = "the answer lacks what was asked for";
    made(ErrorKind::InvalidNative, "answer-unreadable", Retry::NextCycle, operation, reason)
}
