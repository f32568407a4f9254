//! People: what they decide is signed and appended by a desk that has the log open like any worker; what they do on a platform's
//! console just happens there.

use crate::case::{Deed, What};
use crate::pool::{self, Pool};
use airlock::log::{
    AgreementLog, Body, DecideError, Entry, LogError, Receipt, Revocable, State, commitment,
};
use mappings::model::{CollaborationId, MemberId, PlatformId, RunId, TemplateName};
use std::sync::Arc;

/// What became of a deed.
#[derive(Debug)]
pub(crate) enum Told {
    /// It is on record.
    Recorded(Box<Receipt>),
    /// It may not be, or there is nothing to do.
    Refused,
    /// It has to be asked again.
    Later,
}

/// What a deed writes down on the state as it is.
fn entries(pool: &'static Pool, deed: &Deed, act: usize, state: &State) -> Option<Vec<Entry>> {
    let by = |member: usize| pool::MEMBERS.get(member).map(|name| pool::member(name));
    let signed =
        |member: &MemberId, body: Body| vec![Entry::member(member, &pool::key(member), body)];
    match deed {
        Deed::Propose { version } => {
            let (agreement, digest) = pool.versions.get(*version)?;
            let agreement = Box::new(agreement.as_ref().clone());
            let proposed = Body::Proposed { agreement, digest: *digest };
            let Some(standing) = state.in_force() else {
                return Some(vec![Entry::gateway(proposed)]);
            };
            let stays = |m: &&MemberId| {
                state.revoked(&Revocable::Member { member: (*m).clone() }).is_none()
            };
            let by = standing.agreement.members.keys().find(stays)?;
            Some(signed(by, proposed))
        }
        Deed::Join { member } => {
            let member = by(*member)?;
            let agreement = state.waiting()?.digest;
            let key = pool::key(&member).public();
            Some(signed(&member, Body::Joined { member: member.clone(), key, agreement }))
        }
        Deed::Approve { member, template } => {
            let member = by(*member)?;
            let template = name(*template)?;
            let digest = *state.in_force()?.templates.get(&template)?;
            Some(signed(&member, Body::Approved { member: member.clone(), template, digest }))
        }
        Deed::Revoke { member, what } => {
            let by = by(*member)?;
            let what = withdrawn(*what, &by, state)?;
            Some(signed(&by, Body::Revoked { by: by.clone(), what }))
        }
        Deed::Reoffer { member } => {
            let by = by(*member)?;
            let own = |what: &Revocable| match what {
                Revocable::Member { member } => *member == by,
                Revocable::Dataset { dataset } | Revocable::Column { dataset, .. } => {
                    pool.owner(dataset) == Some(&by)
                }
                Revocable::Approval { of, .. } => *of == by,
                Revocable::Template { .. } | Revocable::Room => true,
            };
            let found = state.found().iter();
            let found =
                found.filter(|(_, found)| found.lifted.is_none() && !found.again.contains(&by));
            let mut own = found.map(|(what, _)| what).filter(|what| own(what));
            let what = own.next_back()?.clone();
            Some(signed(&by, Body::Reoffered { by: by.clone(), what }))
        }
        Deed::Run { template } => request(pool, *template, act, state),
        _ => None,
    }
}

fn name(template: usize) -> Option<TemplateName> {
    pool::TEMPLATES.get(template).map(|name| pool::template(name))
}

fn withdrawn(what: What, by: &MemberId, state: &State) -> Option<Revocable> {
    let version = state.in_force()?;
    let own = version.agreement.datasets.iter().find(|(_, dataset)| dataset.owner == *by);
    let versioned = |template: usize| {
        let template = name(template)?;
        let digest = *version.templates.get(&template)?;
        Some((template, digest))
    };
    Some(match what {
        What::Member => Revocable::Member { member: by.clone() },
        What::Dataset => Revocable::Dataset { dataset: own?.0.clone() },
        What::Column => {
            let (name, dataset) = own?;
            let column = dataset.columns.keys().find(|column| **column != dataset.entity)?;
            Revocable::Column { dataset: name.clone(), column: column.clone() }
        }
        What::Template(template) => {
            let (template, digest) = versioned(template)?;
            Revocable::Template { template, digest }
        }
        What::Approval(template) => {
            let (template, digest) = versioned(template)?;
            Revocable::Approval { template, digest, of: by.clone() }
        }
        What::Room => Revocable::Room,
    })
}

fn run_id(act: usize) -> Option<RunId> {
    RunId::new(&format!("run-{act}")).ok()
}

fn request(pool: &'static Pool, template: usize, act: usize, state: &State) -> Option<Vec<Entry>> {
    let version = state.in_force()?;
    let template = name(template)?;
    let digest = *version.templates.get(&template)?;
    let by = pool::member("brand");
    let body = Body::RunRequested {
        run: run_id(act)?,
        agreement: version.digest,
        touched: pool.reads(&template, digest)?.datasets.clone(),
        text_digest: digest,
        template,
        digest,
        platform: PlatformId::native(),
        by: by.clone(),
        receivers: vec![by.clone()],
        parameters: commitment(&[7; 32], &serde_json::json!(crate::check::SECRET)),
    };
    Some(vec![Entry::member(&by, &pool::key(&by), body)])
}

/// Does what a person decided.
pub(crate) async fn decide(
    pool: &'static Pool,
    log: Arc<AgreementLog>,
    collaboration: CollaborationId,
    (deed, act): (Deed, usize),
) -> Told {
    let entry = |state: &State| entries(pool, &deed, act, state).ok_or(());
    told(log.decide(&collaboration, entry).await)
}

/// Delivers what a run found, as far as it may; or else says that it was stopped.
pub(crate) async fn deliver(
    log: Arc<AgreementLog>,
    collaboration: CollaborationId,
    act: usize,
) -> Told {
    let delivered = |state: &State| {
        let run = run_id(act).ok_or(())?;
        let manifest = mappings::model::Digest::of(b"manifest");
        let manifests = [(pool::member("brand"), manifest)].into();
        let cancelled = || {
            let code = airlock::log::Code::new("withdrawn").map_err(drop)?;
            Ok(vec![Entry::gateway(Body::RunCancelled { run: run.clone(), code })])
        };
        if state.may_deliver(&run).is_err() {
            return cancelled();
        }
        let intended = Body::DeliveryIntended {
            run: run.clone(),
            files: Vec::new(),
            rows: 1,
            withheld: None,
            manifests,
        };
        Ok(vec![Entry::gateway(intended)])
    };
    match told(log.decide(&collaboration, delivered).await) {
        Told::Recorded(_) => {}
        other => return other,
    }
    let succeeded = |_: &State| {
        let run = run_id(act).ok_or(())?;
        let manifest = mappings::model::Digest::of(b"manifest");
        let manifests = [(pool::member("brand"), manifest)].into();
        Ok(vec![Entry::gateway(Body::RunSucceeded { run, rows: 1, withheld: None, manifests })])
    };
    told(log.decide(&collaboration, succeeded).await)
}

fn told(decided: Result<Receipt, DecideError<()>>) -> Told {
    match decided {
        Ok(receipt) => Told::Recorded(Box::new(receipt)),
        Err(DecideError::Refused(()) | DecideError::Log(LogError::Fold(_) | LogError::Empty)) => {
            Told::Refused
        }
        Err(DecideError::Log(_)) => Told::Later,
    }
}
