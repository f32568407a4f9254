//! What a member would make there, for teams that apply by their own pipeline: as AWS CLI commands, as a `CloudFormation` template or as
//! Terraform (provider awscc) in JSON. Pure; nothing here looks at what is there already.
//!
//! A value that another member's resources give is a parameter. Rules allow templates by ARN, so an owner fills those in when the
//! runner has made them.

mod render;

use crate::connection::Connections;
use crate::rule::Rule;
use crate::wanted::{Room, Table, Wanted, wanted};
use adapter_spi::Desired;
use mappings::model::{DatasetName, MemberId, PlatformId, Region};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A shell script of AWS CLI commands.
    Cli,
    /// A `CloudFormation` template in JSON.
    CloudFormation,
    /// Terraform configuration in JSON.
    Terraform,
}

/// One thing to make. Properties are named as the service's API names them.
pub(crate) struct Made {
    /// Its name in the document: letters and digits.
    pub(crate) logical: String,
    pub(crate) kind: Kind,
    pub(crate) properties: Value,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Collaboration,
    Membership,
    Table,
    Association,
    Template,
    Budget,
}

/// A reference to another thing, by logical name, or to a parameter of that name.
pub(crate) fn reference(logical: &str) -> Value {
    json!({ "$ref": logical })
}

/// A member's part of an agreement in one of the forms.
#[must_use]
pub fn export(
    desired: &Desired,
    member: &MemberId,
    connections: &Connections,
    form: Form,
) -> String {
    let made = parts(&wanted(desired), desired, member, connections);
    match form {
        Form::Cli => render::cli(&made, region(desired)),
        Form::CloudFormation => render::cloudformation(&made),
        Form::Terraform => render::terraform(&made),
    }
}

fn region(desired: &Desired) -> &str {
    let own = PlatformId::aws_clean_rooms();
    let room = desired.agreement.rooms.iter().find(|room| room.platform == own);
    room.and_then(|room| room.region.as_ref()).map_or("", Region::as_str)
}

fn tags(desired: &Desired) -> Value {
    json!({ crate::observe::TAG_COLLABORATION: desired.agreement.collaboration.as_str() })
}

/// The commands by which an owner brings a table into a collaboration that it has joined, its rule allowing nothing yet. The role
/// is its own to name. A table that stands in another collaboration of the agreement is not made again.
pub(crate) fn bring(
    (wanted, desired): (&Wanted, &Desired),
    (room, id): (&Room, &str),
    dataset: &DatasetName,
    is_made: bool,
) -> Option<String> {
    let (one, receivers) = (wanted.tables.get(dataset)?, room.datasets.get(dataset)?);
    let (tags, name, region) = (tags(desired), dataset.as_str(), region(desired));
    let mut script = format!(
        "{}=$(aws cleanrooms list-memberships --region {region} --status ACTIVE --query \"membershipSummaries[?collaborationId=='{id}'].id | [0]\" --output text)\n",
        logical("Membership", room.runner.as_str())
    );
    let mut made = Vec::new();
    if is_made {
        let found = format!("{}=$({})\n", logical("Table", name), id_of(one, region));
        script.push_str(&found);
    } else {
        made.push(configured(name, one, &[], &tags));
    }
    made.push(association(room, name, receivers, &reference("DataRole"), &tags));
    made.push(budget(room, name, wanted, &tags));
    Some(script + &render::cli(&made, region))
}

/// The command by which an owner's rule allows these templates and no others.
pub(crate) fn allow(desired: &Desired, table: &Table, analyses: &BTreeSet<String>) -> String {
    let analyses: Vec<Value> = analyses.iter().map(|arn| json!(arn)).collect();
    let policy = json!({ "v1": { "custom": custom(&table.controls, &analyses) } });
    let region = region(desired);
    format!(
        "aws cleanrooms update-configured-table-analysis-rule --region {region} --configured-table-identifier \"$({})\" --analysis-rule-type CUSTOM --analysis-rule-policy '{policy}'",
        id_of(table, region)
    )
}

/// The command that finds a configured table of ours by its name.
fn id_of(table: &Table, region: &str) -> String {
    format!(
        "aws cleanrooms list-configured-tables --region {region} --query \"configuredTableSummaries[?name=='{}'].id | [0]\" --output text",
        table.name
    )
}

/// A name of letters and digits.
fn logical(kind: &str, name: &str) -> String {
    let mut text = kind.to_owned();
    for word in name.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

fn parts(
    wanted: &Wanted,
    desired: &Desired,
    member: &MemberId,
    connections: &Connections,
) -> Vec<Made> {
    let tags = tags(desired);
    let mut made = Vec::new();
    let rooms = || wanted.rooms.values().filter(|room| room.parties.contains_key(member));
    for room in rooms() {
        if room.runner == *member {
            made.push(collaboration(room, &tags));
        }
        made.push(membership(room, member, connections, &tags));
    }
    let own = wanted.tables.iter().filter(|(_, table)| table.owner == *member);
    for (dataset, one) in own.clone() {
        made.push(table(wanted, dataset.as_str(), one, &tags));
    }
    let role = connections.members.get(member).and_then(|c| c.data_role.clone());
    let role = role.map_or_else(|| reference("DataRole"), Value::from);
    for room in rooms() {
        for (dataset, _) in own.clone() {
            let Some(receivers) = room.datasets.get(dataset) else { continue };
            let name = dataset.as_str();
            made.push(association(room, name, receivers, &role, &tags));
            made.push(budget(room, name, wanted, &tags));
        }
        if room.runner == *member {
            made.extend(templates(room, &tags));
        }
    }
    made
}

fn collaboration(room: &Room, tags: &Value) -> Made {
    let abilities = |party: &crate::wanted::Party| {
        let queries = party.queries.then_some("CAN_QUERY");
        let receives = party.receives.then_some("CAN_RECEIVE_RESULTS");
        queries.into_iter().chain(receives).collect::<Vec<_>>()
    };
    let pays =
        |party: &crate::wanted::Party| json!({ "queryCompute": { "isResponsible": party.pays } });
    let others = room.parties.iter().filter(|(name, _)| **name != room.runner);
    let members: Vec<Value> = others
        .map(|(_, party)| {
            json!({ "accountId": party.account, "displayName": party.display,
                "memberAbilities": abilities(party), "paymentConfiguration": pays(party) })
        })
        .collect();
    let mut properties = json!({
        "name": room.name, "description": "Held by Airlock.", "members": members,
        "queryLogStatus": "ENABLED", "analyticsEngine": "SPARK", "tags": tags,
    });
    if let (Some(creator), Some(all)) = (room.parties.get(&room.runner), properties.as_object_mut())
    {
        all.insert("creatorDisplayName".to_owned(), json!(creator.display));
        all.insert("creatorMemberAbilities".to_owned(), json!(abilities(creator)));
        all.insert("creatorPaymentConfiguration".to_owned(), pays(creator));
        if !room.result_regions.is_empty() {
            all.insert("allowedResultRegions".to_owned(), json!(room.result_regions));
        }
    }
    let logical = logical("Collaboration", room.runner.as_str());
    Made { logical, kind: Kind::Collaboration, properties }
}

fn membership(room: &Room, member: &MemberId, connections: &Connections, tags: &Value) -> Made {
    let mut properties = json!({
        "collaborationIdentifier": reference(&logical("Collaboration", room.runner.as_str())),
        "queryLogStatus": "ENABLED", "tags": tags,
    });
    let connection = connections.members.get(member);
    let place = connection.and_then(crate::connection::Connection::landing);
    let role = connection.and_then(|connection| connection.result_role.as_ref());
    let receives = room.parties.get(member).is_some_and(|party| party.receives);
    if let (true, Some((bucket, prefix)), Some(role), Some(all)) =
        (receives, place, role, properties.as_object_mut())
    {
        let s3 = json!({ "bucket": bucket, "keyPrefix": prefix, "resultFormat": "PARQUET" });
        let results = json!({ "outputConfiguration": { "s3": s3 }, "roleArn": role });
        all.insert("defaultResultConfiguration".to_owned(), results);
    }
    let logical = logical("Membership", room.runner.as_str());
    Made { logical, kind: Kind::Membership, properties }
}

fn table(wanted: &Wanted, dataset: &str, table: &Table, tags: &Value) -> Made {
    let touching = wanted.rooms.values().flat_map(|room| {
        room.templates.values().filter_map(move |text| {
            let reads = text.touches.iter().any(|touched| touched.as_str() == dataset);
            (reads && text.approved_by.contains(&table.owner))
                .then(|| reference(&template_name(room, &text.alias)))
        })
    });
    configured(dataset, table, &touching.collect::<Vec<_>>(), tags)
}

/// A CUSTOM rule in the service's words.
fn custom(rule: &Rule, analyses: &[Value]) -> Value {
    let mut custom = json!({
        "allowedAnalyses": analyses,
        "comparisonControls": {
            "allowedLiteralComparisonColumns": rule.literals,
            "allowedColumnComparisonColumns": rule.columns,
        },
    });
    if let Some(all) = custom.as_object_mut() {
        if !rule.disallowed.is_empty() {
            all.insert("disallowedOutputColumns".to_owned(), json!(rule.disallowed));
        }
        if let Some((column, minimum)) = &rule.threshold {
            let threshold = json!([{ "identityColumns": [column], "minimumIdentityCount": minimum,
                "type": "COUNT_DISTINCT", "allowedAggregateExpressionType": "ANY_EXPRESSION" }]);
            all.insert("aggregationThresholds".to_owned(), threshold);
        }
    }
    custom
}

/// A configured table whose rule allows these templates.
fn configured(dataset: &str, table: &Table, analyses: &[Value], tags: &Value) -> Made {
    let custom = custom(&table.controls, analyses);
    let properties = json!({
        "name": table.name,
        "tableReference": { "glue": { "databaseName": table.database, "tableName": table.glue } },
        "allowedColumns": table.columns, "analysisMethod": "DIRECT_QUERY", "tags": tags,
        "analysisRules": [{ "type": "CUSTOM", "policy": { "v1": { "custom": custom } } }],
    });
    Made { logical: logical("Table", dataset), kind: Kind::Table, properties }
}

fn association(
    room: &Room,
    dataset: &str,
    receivers: &BTreeSet<String>,
    role: &Value,
    tags: &Value,
) -> Made {
    let runner = room.runner.as_str();
    let policy = json!({ "v1": { "custom": { "allowedResultReceivers": receivers } } });
    let properties = json!({
        "membershipIdentifier": reference(&logical("Membership", runner)),
        "configuredTableIdentifier": reference(&logical("Table", dataset)),
        "name": dataset, "roleArn": role, "tags": tags,
        "configuredTableAssociationAnalysisRules": [{ "type": "CUSTOM", "policy": policy }],
    });
    let logical = logical("Association", &format!("{dataset} {runner}"));
    Made { logical, kind: Kind::Association, properties }
}

fn budget(room: &Room, dataset: &str, wanted: &Wanted, tags: &Value) -> Made {
    let runner = room.runner.as_str();
    let mut parameter = json!({ "type": wanted.budget.period, "budget": wanted.budget.uses });
    if let (true, Some(all)) = (wanted.budget.period != "LIFETIME", parameter.as_object_mut()) {
        all.insert("autoRefresh".to_owned(), json!("ENABLED"));
    }
    let association = logical("Association", &format!("{dataset} {runner}"));
    let properties = json!({
        "membershipIdentifier": reference(&logical("Membership", runner)),
        "privacyBudgetType": "ACCESS_BUDGET", "autoRefresh": "NONE", "tags": tags,
        "parameters": { "accessBudget": { "resourceArn": reference(&format!("{association}Budgeted")),
            "budgetParameters": [parameter] } },
    });
    let logical = logical("Budget", &format!("{dataset} {runner}"));
    Made { logical, kind: Kind::Budget, properties }
}

fn template_name(room: &Room, alias: &str) -> String {
    logical("Template", &format!("{alias} {}", room.runner))
}

fn templates<'a>(room: &'a Room, tags: &'a Value) -> impl Iterator<Item = Made> + 'a {
    room.templates.values().map(move |text| {
        let parameters: Vec<Value> = text
            .parameters
            .iter()
            .map(|parameter| match &parameter.default {
                Some(value) => json!({ "name": parameter.name, "type": parameter.r#type, "defaultValue": value }),
                None => json!({ "name": parameter.name, "type": parameter.r#type }),
            })
            .collect();
        let mut properties = json!({
            "membershipIdentifier": reference(&logical("Membership", room.runner.as_str())),
            "name": text.alias, "description": text.description, "format": "SQL",
            "source": { "text": text.sql }, "tags": tags,
        });
        if let (false, Some(all)) = (parameters.is_empty(), properties.as_object_mut()) {
            all.insert("analysisParameters".to_owned(), json!(parameters));
        }
        Made { logical: template_name(room, &text.alias), kind: Kind::Template, properties }
    })
}

#[cfg(test)]
mod tests;
