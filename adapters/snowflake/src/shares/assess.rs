//! Verdicts: the platform's table, and what only a look at the agreement itself can say. Pure and total.

use super::wanted::texts;
use crate::entry::table;
use crate::verdicts::{identities, keys, narrower, place, refused};
use adapter_spi::{Assessment, Fidelity, Verdict};
use mappings::guard::guard;
use mappings::model::{Agreement, ColumnUse, Dataset, DatasetName, PlatformId, ResultClass};
use mappings::snowflake::{Room, snowflake};
use mappings::table::{TableError, Term};

/// What shares of views can hold of an agreement: a verdict for every term, wherever it is agreed.
pub fn assess(agreement: &Agreement) -> Result<Assessment, TableError> {
    let table = mappings::table::snowflake()?;
    let platform = PlatformId::snowflake();
    let mut assessment = Assessment::by_table(platform.clone(), &table, agreement);
    let mut found = identities(agreement, &platform);
    found.extend(keys(agreement, &table));
    for (name, dataset) in &agreement.datasets {
        found.extend(place(name, dataset, &platform));
        found.extend(unguarded(name, dataset));
    }
    found.extend(away(agreement, &platform));
    for verdict in found {
        assessment.say(verdict);
    }
    Ok(assessment)
}

/// A dataset whose rule asks for one entity is under no policy: who mounts its share reads rows, whatever a column is agreed for.
fn unguarded(name: &DatasetName, dataset: &Dataset) -> Vec<Verdict> {
    if dataset.rule.entities_min > 1 {
        return Vec::new();
    }
    let tails = [(Term::ActivationTo, "to"), (Term::AudienceMin, "audience_min")];
    let activation = tails.into_iter().filter(|_| dataset.rule.activation.is_some());
    let activation =
        activation.map(|(term, tail)| (term, format!("datasets.{name}.rule.activation.{tail}")));
    let columns = dataset.columns.iter().map(|(column, declared)| {
        let term = match &declared.r#use {
            ColumnUse::Match { .. } => Term::MatchUse,
            ColumnUse::Dimension => Term::Dimension,
            ColumnUse::Measure { .. } => Term::Measure,
            ColumnUse::Filter => Term::Filter,
        };
        (term, format!("datasets.{name}.columns.{column}"))
    });
    let said = activation.chain(columns).map(|(term, at)| {
        let reason = "with a minimum of one there is no policy on the view: the account that mounts it reads its rows";
        Verdict { fidelity: Fidelity::Wider, ..refused(term, at, reason) }
    });
    said.collect()
}

/// The templates that don't run there, and why not: nobody is admitted to anything by them.
fn away(agreement: &Agreement, platform: &PlatformId) -> Vec<Verdict> {
    let held = texts(agreement);
    let mut found = Vec::new();
    for (name, template) in agreement.templates.iter().filter(|(name, _)| !held.contains_key(*name))
    {
        let Ok(guarded) = guard(agreement, name) else { continue };
        let mut touched = guarded.datasets.keys();
        let lacking = touched.find(|dataset| {
            let dataset = agreement.datasets.get(*dataset);
            dataset.is_none_or(|dataset| table(platform, dataset).is_none())
        });
        let why = match (lacking, snowflake(agreement, &guarded, Room::Shares)) {
            (Some(dataset), _) => format!("it touches {dataset}, which has no table there"),
            (None, Err(unsaid)) => unsaid.to_string(),
            (None, Ok(_)) => continue,
        };
        let at = format!("templates.{name}.sql");
        found.push(narrower(Term::TemplateText, at, format!("it does not run there: {why}")));
        if template.class == ResultClass::Aggregate {
            let at = format!("templates.{name}.class");
            found.push(narrower(Term::Aggregate, at, "it does not run there"));
        }
    }
    found
}
