//! What every room must hold: the agreement, less what was withdrawn. Pure: must not know adapters, stores or clocks.

use crate::log::{Cause, Revocable, State};
use adapter_spi::Desired;
use mappings::model::{Agreement, Digest, MemberId, PlatformId, Template, TemplateName};
use std::sync::Arc;

/// What every room must hold: the agreement, less what was withdrawn.
#[must_use]
pub fn desired(agreement: &Arc<Agreement>, state: &State) -> Desired {
    let stands = |what: Revocable| state.revoked(&what).is_none();
    let member = |name: &MemberId| {
        let left = !stands(Revocable::Member { member: name.clone() });
        !left && state.in_force().is_some_and(|version| version.accepted.contains(name))
    };
    let hidden = agreement.datasets.iter().flat_map(|(dataset, declared)| {
        declared.columns.keys().map(move |column| (dataset.clone(), column.clone()))
    });
    let approved = |(name, template): (&TemplateName, &Template)| {
        let digest = template.digest(name);
        let stands = stands(Revocable::Template { template: name.clone(), digest })
            || !state.approvals(name, digest).is_empty();
        stands.then(|| (name.clone(), state.approvals(name, digest)))
    };
    Desired {
        agreement: Arc::clone(agreement),
        open: stands(Revocable::Room),
        members: agreement.members.keys().filter(|name| member(name)).cloned().collect(),
        datasets: agreement
            .datasets
            .keys()
            .filter(|name| stands(Revocable::Dataset { dataset: (*name).clone() }))
            .cloned()
            .collect(),
        hidden: hidden
            .filter(|(dataset, column)| {
                let (dataset, column) = (dataset.clone(), column.clone());
                !stands(Revocable::Column { dataset, column })
            })
            .collect(),
        approvals: agreement.templates.iter().filter_map(approved).collect(),
    }
}

/// The same for one platform: what has not been seen closed there yet is left out, even when it was granted anew since. Else it
/// would be wanted and open, and never be seen closed.
#[must_use]
pub fn desired_on(agreement: &Arc<Agreement>, state: &State, platform: &PlatformId) -> Desired {
    let mut desired = desired(agreement, state);
    for (_, closure) in state.awaited(platform) {
        if closure.cause != Cause::Narrowed {
            closure.what.iter().for_each(|what| leave_out(&mut desired, what));
        }
    }
    desired
}

fn leave_out(desired: &mut Desired, what: &Revocable) {
    match what {
        Revocable::Room => desired.open = false,
        Revocable::Member { member } => drop(desired.members.remove(member)),
        Revocable::Dataset { dataset } => drop(desired.datasets.remove(dataset)),
        Revocable::Column { dataset, column } => {
            desired.hidden.insert((dataset.clone(), column.clone()));
        }
        Revocable::Template { template, digest } if is_version(desired, template, *digest) => {
            desired.approvals.remove(template);
        }
        Revocable::Approval { template, digest, of } if is_version(desired, template, *digest) => {
            if let Some(given) = desired.approvals.get_mut(template) {
                given.remove(of);
            }
        }
        // Of a version that is not agreed any more.
        Revocable::Template { .. } | Revocable::Approval { .. } => {}
    }
}

fn is_version(desired: &Desired, name: &TemplateName, digest: Digest) -> bool {
    desired.agreement.templates.get(name).is_some_and(|template| template.digest(name) == digest)
}
