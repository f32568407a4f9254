//! Verdicts: the platform's table, and what only a look at the agreement itself can say. Pure and total.

use super::wanted::{Texts, is_run, texts};
use crate::entry::table;
use crate::verdicts::{identities, keys, narrower, place, refused};
use adapter_spi::{Assessment, Fidelity, Residual, Verdict};
use mappings::guard::guard;
use mappings::model::{Agreement, PlatformId, ResultClass};
use mappings::snowflake::{Room, snowflake};
use mappings::table::{TableError, Term};

/// What a clean room of the Collaboration API can hold of an agreement: a verdict for every term, wherever it is agreed.
pub fn assess(agreement: &Agreement) -> Result<Assessment, TableError> {
    let table = mappings::table::snowflake_dcr()?;
    let platform = PlatformId::snowflake_dcr();
    let mut assessment = Assessment::by_table(platform.clone(), &table, agreement);
    let mut found = identities(agreement, &platform);
    found.extend(region(agreement, &platform));
    found.extend(keys(agreement, &table));
    for (name, dataset) in &agreement.datasets {
        found.extend(place(name, dataset, &platform));
    }
    let texts = texts(agreement);
    found.extend(away(agreement, &texts, &platform));
    found.extend(received(&texts));
    for verdict in found {
        assessment.say(verdict);
    }
    Ok(assessment)
}

/// Between regions the platform replicates: a room says where it is, and accounts elsewhere are refused.
fn region(agreement: &Agreement, platform: &PlatformId) -> Option<Verdict> {
    let room = agreement.rooms.iter().find(|room| room.platform == *platform)?;
    let reason = "between regions data would be replicated; add `region:` to the room";
    let unsaid = room.region.is_none() && !agreement.residency.is_empty();
    unsaid.then(|| refused(Term::Residency, Term::Residency.name(), reason))
}

/// The templates that don't run there, and why not: nobody is admitted to anything by them.
fn away(agreement: &Agreement, held: &Texts<'_>, platform: &PlatformId) -> Vec<Verdict> {
    let mut found = Vec::new();
    for (name, template) in agreement.templates.iter().filter(|(name, _)| !held.contains_key(*name))
    {
        let Ok(guarded) = guard(agreement, name) else { continue };
        let mut touched = guarded.datasets.keys();
        let lacking = touched.find(|dataset| {
            let dataset = agreement.datasets.get(*dataset);
            dataset.is_none_or(|dataset| table(platform, dataset).is_none())
        });
        let why = match (lacking, snowflake(agreement, &guarded, Room::Collaboration)) {
            _ if !is_run(guarded.class) => {
                "this version brings no activation home from there; another room does".to_owned()
            }
            (Some(dataset), _) => format!("it touches {dataset}, which has no table there"),
            (None, Err(unsaid)) => unsaid.to_string(),
            (None, Ok(_)) => continue,
        };
        let at = format!("templates.{name}.sql");
        found.push(narrower(Term::TemplateText, at, format!("it does not run there: {why}")));
        let class = match template.class {
            ResultClass::Aggregate => Term::Aggregate,
            ResultClass::Activation => Term::Activation,
        };
        let at = format!("templates.{name}.class");
        found.push(narrower(class, at, "it does not run there"));
        let at = format!("templates.{name}.received_by");
        found.push(narrower(Term::ReceivedBy, at, "it does not run there"));
    }
    found
}

/// Rows are the runner's: as agreed where every runner of a template receives it.
fn received(texts: &Texts<'_>) -> Vec<Verdict> {
    let exact = |term, at: String, reason: &str| Verdict {
        fidelity: Fidelity::Exact,
        residual: Residual::None,
        construct: "the runner's own session".to_owned(),
        ..refused(term, at, reason)
    };
    let own =
        |template: &mappings::model::Template| template.run_by.is_subset(&template.received_by);
    let mut found: Vec<Verdict> = texts
        .iter()
        .filter(|(_, text)| own(text.template))
        .map(|(name, _)| {
            let at = format!("templates.{name}.received_by");
            exact(
                Term::ReceivedBy,
                at,
                "whoever runs it receives it; the gateway delivers to the others",
            )
        })
        .collect();
    if texts.values().all(|text| own(text.template)) {
        let at = Term::Receive.name().to_owned();
        found.push(exact(Term::Receive, at, "whoever runs a template there receives it"));
    }
    found
}
