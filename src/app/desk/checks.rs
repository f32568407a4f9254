//! What the guard and the rooms say to an agreement before anybody proposes it. Nothing is kept of it, and no log is asked.

use super::{Desk, said_as, texts};
use crate::access::Action;
use crate::app::agreements;
use crate::error::{Error, Result};
use crate::wire;
use adapter_spi::Assessment;
use mappings::guard::Guarded;
use mappings::model::{Agreement, TemplateName};

impl Desk<'_> {
    /// Checks a document. Refused, it says everything that stands against it.
    pub(crate) async fn check(&self, text: String) -> Result<wire::Checked> {
        self.member()?;
        self.may(Action::Check)?;
        let checked = move || checked(&agreements::read_text(&text, "the document")?);
        self.guarding(checked).await
    }
}

/// What the guard and the rooms say to it.
pub(super) fn checked(agreement: &Agreement) -> Result<wire::Checked> {
    let (guarded, rooms) =
        both(agreements::guard_all(agreement), agreements::assess_all(agreement))?;
    Ok(wire::Checked {
        collaboration: agreement.collaboration.to_string(),
        digest: agreement.digest().to_string(),
        templates: guarded.iter().map(|(name, one)| template(agreement, name, one)).collect(),
        rooms: rooms.iter().map(room).collect(),
    })
}

/// Two results, or what stands against either.
fn both<A, B>(one: Result<A>, other: Result<B>) -> Result<(A, B)> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(mut error), Err(Error { problems, .. })) => {
            error.problems.extend(problems);
            Err(error)
        }
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
    }
}

fn template(of: &Agreement, name: &TemplateName, guarded: &Guarded) -> wire::CheckedTemplate {
    let received_by = of.templates.get(name).map(|template| texts(&template.received_by));
    let output = guarded
        .output
        .iter()
        .map(|column| wire::Output { column: column.name.clone(), kind: said_as(&column.r#type) });
    wire::CheckedTemplate {
        template: name.to_string(),
        digest: guarded.digest.to_string(),
        class: said_as(&guarded.class),
        datasets: texts(guarded.datasets.keys()),
        received_by: received_by.unwrap_or_default(),
        output: output.collect(),
        thresholds: thresholds(guarded),
        warnings: guarded.warnings.clone(),
    }
}

/// The thresholds of a template, each with the member whose rule asks for it.
pub(super) fn thresholds(guarded: &Guarded) -> Vec<wire::Threshold> {
    let threshold = |one: &mappings::guard::Threshold| wire::Threshold {
        dataset: one.dataset.to_string(),
        entities_min: one.entities_min,
        rule_of: one.rule_of.to_string(),
    };
    guarded.thresholds.iter().map(threshold).collect()
}

fn room(assessed: &Assessment) -> wire::Assessed {
    let terms = assessed.verdicts.iter().map(|verdict| wire::Term {
        term: said_as(&verdict.term),
        at: verdict.at.clone(),
        fidelity: said_as(&verdict.fidelity),
        residual: said_as(&verdict.residual),
        reason: verdict.reason.clone(),
    });
    wire::Assessed { room: assessed.platform.to_string(), terms: terms.collect() }
}
