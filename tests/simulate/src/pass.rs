//! A pass as it was made before there was one: look, plan, and for each step an intent before and an outcome after; given only what
//! was planned on the newest decision. A stand-in.

use crate::turn::Turn;
use adapter_spi::{Adapter as _, Coverage, Cx, Desired, Effect, Scope, Step};
use airlock::log::{self, Body, Code, Entry, Outcome, Revocable, State};
use airlock::store::Fence;
use mappings::model::{Agreement, MemberId, TemplateName};
use std::sync::{Arc, Mutex};

/// What a pass remembers.
#[derive(Debug, Default)]
pub(crate) struct Memory;

/// What a pass says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    pub(crate) settled: bool,
    pub(crate) retry_ms: Option<i64>,
    pub(crate) said: String,
}

pub(crate) async fn pass(turn: &Turn, fence: Option<&Fence>, _: &mut Memory) -> Report {
    let mut report = Report::default();
    for _ in 0..6 {
        match round(turn, fence).await {
            Some(true) => {}
            Some(false) => {
                report.settled = true;
                return report;
            }
            None => return report,
        }
    }
    report
}

/// One look and what it takes; whether there was anything to do. Nothing when it has to be tried later.
async fn round(turn: &Turn, fence: Option<&Fence>) -> Option<bool> {
    let state = turn.log.load(&turn.collaboration).await.ok()?.state;
    let platform = turn.adapter.platform();
    let newest = Arc::new(state.agreement()?.clone());
    let named = newest.rooms.iter().any(|room| room.platform == *platform);
    let desired = match state.in_force() {
        Some(version) if named => desired(&version.agreement, &state),
        _ => Desired::closed(Arc::clone(&newest)),
    };
    let mut scope = Scope::of(&desired.agreement);
    scope.past = state.rooms().values().cloned().collect();
    let seen = turn.adapter.observe(&scope, &Cx::default()).await.ok()?;
    let plan = turn.adapter.plan(&desired, &seen).ok()?;
    let steps = plan.steps.iter().filter(|step| step.effect <= Effect::Restrict || fence.is_some());
    let steps: Vec<&Step> = steps.collect();
    if steps.is_empty() {
        let whole = seen.coverage == Coverage::Complete && plan.refused.is_none();
        return (whole && plan.steps.is_empty() && plan.waiting.is_empty() && !plan.pending)
            .then_some(false);
    }
    for step in steps {
        act(turn, fence, step, state.decided()).await?;
    }
    Some(true)
}

async fn act(turn: &Turn, fence: Option<&Fence>, step: &Step, decided: u64) -> Option<()> {
    let denies = step.effect <= Effect::Restrict;
    let named = Mutex::new(None);
    let entry = |state: &State| {
        if !denies && state.decided() != decided {
            return Err(());
        }
        let name = Code::new(&format!("step-{}-{}", step.id.short(), state.size()));
        let name = name.map_err(drop)?;
        *crate::executor::lock(&named) = Some(name.clone());
        let (platform, effect) = (step_platform(turn), effect(step.effect));
        Ok(vec![Entry::gateway(Body::EffectIntended { step: name, platform, effect })])
    };
    let guard = if denies { None } else { fence };
    let intent = turn.log.decide_under(&turn.collaboration, guard, entry).await;
    let name = crate::executor::lock(&named).clone().filter(|_| intent.is_ok());
    if name.is_none() && !denies {
        return None;
    }
    let applied = turn.adapter.apply(step, &Cx::default()).await;
    if let Some(step) = name {
        let outcome = match &applied {
            Ok(_) => Outcome::Applied,
            Err(error) => match error.outcome {
                adapter_spi::Outcome::NotApplied => Outcome::NotApplied,
                adapter_spi::Outcome::Applied => Outcome::Applied,
                adapter_spi::Outcome::Unknown => Outcome::Unknown,
            },
        };
        let body = Body::EffectOutcome { step, outcome };
        let entry = |_: &State| Ok::<_, ()>(vec![Entry::gateway(body.clone())]);
        turn.log.decide(&turn.collaboration, entry).await.ok()?;
    }
    applied.ok().map(drop)
}

fn step_platform(turn: &Turn) -> mappings::model::PlatformId {
    turn.adapter.platform().clone()
}

const fn effect(effect: Effect) -> log::Effect {
    match effect {
        Effect::Revoke => log::Effect::Revoke,
        Effect::Restrict => log::Effect::Restrict,
        Effect::Neutral => log::Effect::Neutral,
        Effect::Grant => log::Effect::Grant,
    }
}

fn desired(agreement: &Arc<Agreement>, state: &State) -> Desired {
    let stands = |what: Revocable| state.revoked(&what).is_none();
    let hidden = agreement.datasets.iter().flat_map(|(dataset, declared)| {
        declared.columns.keys().map(move |column| (dataset.clone(), column.clone()))
    });
    let approved = |name: &TemplateName, text: &mappings::model::Template| {
        let digest = text.digest(name);
        let given = state.approvals(name, digest);
        let kept = stands(Revocable::Template { template: name.clone(), digest });
        (kept || !given.is_empty()).then(|| (name.clone(), given))
    };
    Desired {
        agreement: Arc::clone(agreement),
        open: stands(Revocable::Room),
        members: agreement
            .members
            .keys()
            .filter(|m: &&MemberId| stands(Revocable::Member { member: (*m).clone() }))
            .cloned()
            .collect(),
        datasets: agreement
            .datasets
            .keys()
            .filter(|d| stands(Revocable::Dataset { dataset: (*d).clone() }))
            .cloned()
            .collect(),
        hidden: hidden
            .filter(|(dataset, column)| {
                let (dataset, column) = (dataset.clone(), column.clone());
                !stands(Revocable::Column { dataset, column })
            })
            .collect(),
        approvals: agreement.templates.iter().filter_map(|(n, t)| approved(n, t)).collect(),
    }
}
