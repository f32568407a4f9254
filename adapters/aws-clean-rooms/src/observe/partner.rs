//! A collaboration as its partners see it: which tables are ready, what their rules allow, which texts the templates have.
//! Access is judged by this, not by the success of our own writes.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enums grow, and each hand here takes some calls only; whatever is not named is refused or unknown"
)]

use super::unreadable;
use crate::connection::{Client, listed, sent};
use crate::seen::{Room, Schema, Template};
use adapter_spi::Result;
use aws_sdk_cleanrooms::types::{
    self as native, AnalysisRulePolicy, AnalysisRulePolicyV1, AnalysisRuleType, AnalysisSource,
    AnalysisType, BatchGetCollaborationAnalysisTemplateError, BatchGetSchemaAnalysisRuleError,
    BatchGetSchemaError, CollaborationAnalysisTemplate, SchemaAnalysisRuleRequest, SchemaStatus,
};
use aws_smithy_types::DateTime;
use mappings::model::Digest;
use std::collections::{BTreeMap, BTreeSet};

const SCHEMAS_MAX: usize = 25;
const TEMPLATES_MAX: usize = 10;

/// Tables and templates, by name.
pub(crate) type Views = (BTreeMap<String, Schema>, BTreeMap<String, Template>);

/// What whoever is in a collaboration sees of it.
pub(crate) async fn partner(client: &Client, room: &Room) -> Result<Views> {
    // One who has not joined yet sees who is there, and nothing of what they bring.
    if room.membership.as_ref().is_none_or(|own| own.status != "ACTIVE") {
        return Ok(Views::default());
    }
    Ok((schemas(client, &room.id).await?, templates(client, &room.id).await?))
}

async fn schemas(client: &Client, room: &str) -> Result<BTreeMap<String, Schema>> {
    let request = client.rooms.list_schemas().collaboration_identifier(room);
    let all = listed!(client, "ListSchemas", request, schema_summaries);
    let names: Vec<String> = all.into_iter().map(|found| found.name).collect();
    let mut schemas = BTreeMap::new();
    for names in names.chunks(SCHEMAS_MAX) {
        schemas.extend(batch(client, room, names).await?);
    }
    Ok(schemas)
}

/// Tables of a collaboration by their names; those that are not there are left out.
pub(crate) async fn batch(
    client: &Client,
    room: &str,
    names: &[String],
) -> Result<Vec<(String, Schema)>> {
    let request = client.rooms.batch_get_schema().collaboration_identifier(room);
    let request = request.set_names(Some(names.to_vec()));
    let answer = sent!(read, client, "BatchGetSchema", request)?;
    answered("BatchGetSchema", answer.errors().iter().map(BatchGetSchemaError::code))?;
    let mut ruled = rules(client, room, names).await?;
    let states = answer.schemas().iter().flat_map(native::Schema::schema_status_details);
    if states.into_iter().any(|one| !SchemaStatus::values().contains(&one.status().as_str())) {
        // Neither open nor closed can be said of it.
        return Err(unreadable(
            "BatchGetSchema",
            "a table's state that this version does not know",
        ));
    }
    let direct = |schema: &native::Schema| {
        let details = schema.schema_status_details().iter();
        details
            .filter(|detail| *detail.analysis_type() == AnalysisType::DirectAnalysis)
            .cloned()
            .collect::<Vec<_>>()
    };
    // One that is gone since it was listed stands among the errors: not there.
    let schemas = answer.schemas().iter().map(|schema| {
        let details = direct(schema);
        let reasons = details.iter().flat_map(native::SchemaStatusDetail::reasons);
        let (ruled_ms, analyses) = ruled.remove(schema.name()).unwrap_or_default();
        let seen = Schema {
            creator: schema.creator_account_id().to_owned(),
            ready: !details.is_empty()
                && details.iter().all(|detail| *detail.status() == SchemaStatus::Ready),
            reasons: reasons.map(|reason| reason.code().as_str().to_owned()).collect(),
            analyses,
            ruled_ms,
        };
        (schema.name().to_owned(), seen)
    });
    Ok(schemas.collect())
}

/// When each table's CUSTOM rule was written, and the templates that it allows.
async fn rules(
    client: &Client,
    room: &str,
    names: &[String],
) -> Result<BTreeMap<String, (i64, BTreeSet<String>)>> {
    let mut call = client.rooms.batch_get_schema_analysis_rule().collaboration_identifier(room);
    for name in names {
        let request = SchemaAnalysisRuleRequest::builder()
            .name(name)
            .r#type(AnalysisRuleType::Custom)
            .build();
        let request = request.map_err(|_| unreadable("BatchGetSchemaAnalysisRule", "a request"))?;
        call = call.schema_analysis_rule_requests(request);
    }
    let answer = sent!(read, client, "BatchGetSchemaAnalysisRule", call)?;
    let errors = answer.errors().iter().map(BatchGetSchemaAnalysisRuleError::code);
    answered("BatchGetSchemaAnalysisRule", errors)?;
    let rules = answer.analysis_rules().iter().filter_map(|rule| match rule.policy()? {
        AnalysisRulePolicy::V1(AnalysisRulePolicyV1::Custom(custom)) => {
            let allowed = custom.allowed_analyses().iter().cloned().collect();
            Some((rule.name().to_owned(), (at_ms(rule.update_time()), allowed)))
        }
        _ => None,
    });
    Ok(rules.collect())
}

pub(crate) async fn templates(client: &Client, room: &str) -> Result<BTreeMap<String, Template>> {
    let request = client.rooms.list_collaboration_analysis_templates();
    let all = listed!(
        client,
        "ListCollaborationAnalysisTemplates",
        request.collaboration_identifier(room),
        collaboration_analysis_template_summaries
    );
    let arns: Vec<String> = all.into_iter().map(|found| found.arn).collect();
    let mut templates = BTreeMap::new();
    for arns in arns.chunks(TEMPLATES_MAX) {
        let call = client.rooms.batch_get_collaboration_analysis_template();
        let call =
            call.collaboration_identifier(room).set_analysis_template_arns(Some(arns.to_vec()));
        let answer = sent!(read, client, "BatchGetCollaborationAnalysisTemplate", call)?;
        let errors = answer.errors().iter().map(BatchGetCollaborationAnalysisTemplateError::code);
        answered("BatchGetCollaborationAnalysisTemplate", errors)?;
        let found = answer.collaboration_analysis_templates();
        templates.extend(found.iter().map(|found| (found.name().to_owned(), template(found))));
    }
    Ok(templates)
}

/// An entry of a batch that is not found is not there; one that failed otherwise is unknown, and with it the whole look.
fn answered<'a>(operation: &'static str, mut codes: impl Iterator<Item = &'a str>) -> Result<()> {
    let gone = |code: &str| code.replace('_', "").to_ascii_uppercase().contains("NOTFOUND");
    if codes.all(gone) {
        return Ok(());
    }
    Err(unreadable(operation, "an entry of the answer is an error"))
}

/// A moment that can't be said is the first.
fn at_ms(time: &DateTime) -> i64 {
    time.to_millis().unwrap_or_default()
}

fn template(found: &CollaborationAnalysisTemplate) -> Template {
    let text = match found.source() {
        Some(AnalysisSource::Text(text)) => Some(Digest::of(text.as_bytes())),
        _ => None,
    };
    let parameters = found.analysis_parameters().iter();
    Template {
        made_ms: at_ms(found.create_time()),
        arn: found.arn().to_owned(),
        creator: found.creator_account_id().to_owned(),
        text,
        parameters: parameters
            .map(|p| (p.name().to_owned(), p.r#type().as_str().to_owned()))
            .collect(),
    }
}
