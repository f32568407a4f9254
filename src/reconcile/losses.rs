//! What a room holds otherwise than agreed, with the waivers on record. Pure: must not know adapters, stores or platforms by name.

use crate::log::{State, TermPath};
use adapter_spi::{Assessment, Fidelity, Residual, Verdict};
use mappings::guard::guard;
use mappings::model::{Agreement, Digest, MemberId, PlatformId, TemplateName};
use mappings::table::Term;
use serde::Serialize;
use std::collections::BTreeSet;

/// How a room holds one term that it does not hold exactly as agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The term.
    pub term: Term,
    /// Where it stands in the agreement.
    pub at: String,
    /// What the platform does with it.
    pub fidelity: Fidelity,
    /// Who closes the gap.
    pub residual: Residual,
    /// Why.
    pub reason: String,
    /// The owners who waived it.
    pub waived_by: BTreeSet<MemberId>,
    /// The owners without whose waiver nothing is given to the room.
    pub needs: BTreeSet<MemberId>,
}

/// Every term that a room does not hold exactly, with the waivers on record.
#[must_use]
pub fn losses(
    (agreement, digest): (&Agreement, Digest),
    room: &Assessment,
    state: &State,
) -> Vec<Loss> {
    let lost = room.verdicts.iter().filter(|verdict| verdict.fidelity != Fidelity::Exact);
    lost.map(|verdict| loss(agreement, digest, &room.platform, verdict, state)).collect()
}

fn loss(
    agreement: &Agreement,
    digest: Digest,
    room: &PlatformId,
    verdict: &Verdict,
    state: &State,
) -> Loss {
    let owners = if verdict.is_wider() { touched(agreement, &verdict.at) } else { BTreeSet::new() };
    let waived = TermPath::new(&verdict.at).map(|at| state.waived(digest, room, &at));
    let waived_by: BTreeSet<MemberId> = &waived.unwrap_or_default() & &owners;
    let needs = &owners - &waived_by;
    let closed = verdict.is_wider() && needs.is_empty();
    Loss {
        term: verdict.term,
        at: verdict.at.clone(),
        fidelity: verdict.fidelity,
        residual: if closed { Residual::Waived } else { verdict.residual },
        reason: verdict.reason.clone(),
        waived_by,
        needs,
    }
}

/// The owners of what a term is about: a dataset's, those of everything that a template reads, or else all.
#[must_use]
pub fn touched(agreement: &Agreement, at: &str) -> BTreeSet<MemberId> {
    let mut path = at.split('.');
    let (kind, name) = (path.next(), path.next().unwrap_or_default());
    let of_dataset = || agreement.datasets.iter().find(|(known, _)| known.as_str() == name);
    let of_template = || {
        let name = TemplateName::new(name).ok()?;
        let guarded = guard(agreement, &name).ok()?;
        Some(guarded.datasets.into_values().map(|used| used.owner).collect())
    };
    let found = match kind {
        Some("datasets") => {
            of_dataset().map(|(_, dataset)| BTreeSet::from([dataset.owner.clone()]))
        }
        Some("templates") => of_template(),
        Some(_) | None => None,
    };
    let all = || agreement.datasets.values().map(|dataset| dataset.owner.clone()).collect();
    found.unwrap_or_else(all)
}
