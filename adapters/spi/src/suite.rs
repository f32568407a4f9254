//! The conformance suite: what every adapter must hold, as functions over `&dyn Adapter`.
//! A check returns the promise it found broken; a capability that is not declared must be refused, never skipped.

use crate::{Adapter, Coverage, Cx, Effect, Resource, ResourceKind, Scope};
use mappings::model::{CollaborationId, DatasetName, Digest, TemplateName};

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{check}: {promise}")]
pub struct Broken {
    /// Which check.
    pub check: &'static str,
    /// What should have held.
    pub promise: String,
}

fn hold(check: &'static str, held: bool, promise: &str) -> Result<(), Broken> {
    if held { Ok(()) } else { Err(Broken { check, promise: promise.to_owned() }) }
}

fn called<T, E: std::fmt::Display>(check: &'static str, answer: Result<T, E>) -> Result<T, Broken> {
    answer.map_err(|error| Broken { check, promise: format!("the call succeeds: {error}") })
}

fn resources(seed: u8) -> Result<Vec<Resource>, Broken> {
    let named = |text: &str| called("names", DatasetName::new(text));
    Ok(vec![
        Resource { kind: ResourceKind::Dataset(named("orders")?), digest: Digest::of(&[seed, 1]) },
        Resource { kind: ResourceKind::Dataset(named("people")?), digest: Digest::of(&[seed, 2]) },
        Resource {
            kind: ResourceKind::Template(called("names", TemplateName::new("overlap"))?),
            digest: Digest::of(&[seed, 3]),
        },
    ])
}

async fn converge(adapter: &dyn Adapter, scope: &Scope, to: &[Resource]) -> Result<usize, Broken> {
    const CHECK: &str = "converge";
    let cx = Cx::default();
    for pass in 0..8 {
        let seen = called(CHECK, adapter.observe(scope, &cx).await)?;
        let plan = called(CHECK, adapter.plan(to, &seen))?;
        if plan.steps.is_empty() {
            return Ok(pass);
        }
        for step in &plan.steps {
            if adapter.apply(step, &cx).await.is_err() {
                break;
            }
        }
    }
    Err(Broken { check: CHECK, promise: "eight passes reach the fixed point".to_owned() })
}

/// Runs every check. Collaborations named `suite-…` are used and left empty.
///
/// # Errors
/// The first broken promise.
pub async fn conforms(adapter: &dyn Adapter) -> Result<(), Broken> {
    observe_never_writes(adapter).await?;
    plan_is_deterministic_and_reaches_a_fixed_point(adapter).await?;
    steps_are_idempotent_and_stale_grants_refused(adapter).await?;
    revocations_come_first_and_close(adapter).await?;
    collaborations_do_not_touch(adapter).await?;
    hold(
        "refuse",
        adapter.capabilities().runs_queries == adapter.runs_queries().is_some(),
        "an adapter that declares no runs offers none",
    )
}

fn scope(name: &str) -> Result<Scope, Broken> {
    Ok(Scope { collaboration: called("names", CollaborationId::new(name))? })
}

async fn observe_never_writes(adapter: &dyn Adapter) -> Result<(), Broken> {
    const CHECK: &str = "observe";
    let (scope, cx) = (scope("suite-observe")?, Cx::default());
    let first = called(CHECK, adapter.observe(&scope, &cx).await)?;
    let second = called(CHECK, adapter.observe(&scope, &cx).await)?;
    hold(CHECK, first == second, "two observations of an unchanged world are equal")?;
    hold(CHECK, first.resources.is_empty(), "an unknown collaboration holds nothing")?;
    hold(CHECK, first.coverage == Coverage::Complete, "an idle platform is seen completely")
}

async fn plan_is_deterministic_and_reaches_a_fixed_point(
    adapter: &dyn Adapter,
) -> Result<(), Broken> {
    const CHECK: &str = "plan";
    let (scope, cx, desired) = (scope("suite-plan")?, Cx::default(), resources(1)?);
    let seen = called(CHECK, adapter.observe(&scope, &cx).await)?;
    let plans = [adapter.plan(&desired, &seen), adapter.plan(&desired, &seen)];
    hold(CHECK, plans.first() == plans.last(), "the same input gives the same plan")?;
    converge(adapter, &scope, &desired).await?;
    let seen = called(CHECK, adapter.observe(&scope, &cx).await)?;
    let mut want = desired;
    want.sort();
    hold(CHECK, seen.resources == want, "what was applied is what is seen")?;
    converge(adapter, &scope, &[]).await.map(drop)
}

async fn steps_are_idempotent_and_stale_grants_refused(
    adapter: &dyn Adapter,
) -> Result<(), Broken> {
    const CHECK: &str = "apply";
    let (scope, cx, desired) = (scope("suite-apply")?, Cx::default(), resources(2)?);
    let before = called(CHECK, adapter.observe(&scope, &cx).await)?;
    let stale = called(CHECK, adapter.plan(&desired, &before))?;
    converge(adapter, &scope, &desired).await?;
    converge(adapter, &scope, &[]).await?;
    for step in &stale.steps {
        hold(
            CHECK,
            adapter.apply(step, &cx).await.is_err(),
            "a grant planned on a state that is gone is refused",
        )?;
    }
    converge(adapter, &scope, &desired).await?;
    let seen = called(CHECK, adapter.observe(&scope, &cx).await)?;
    let closing = called(CHECK, adapter.plan(&[], &seen))?;
    for step in closing.steps.iter().chain(&closing.steps) {
        called(CHECK, adapter.apply(step, &cx).await)?;
    }
    let seen = called(CHECK, adapter.observe(&scope, &cx).await)?;
    hold(CHECK, seen.resources.is_empty(), "a revocation applied twice is applied once")
}

async fn revocations_come_first_and_close(adapter: &dyn Adapter) -> Result<(), Broken> {
    const CHECK: &str = "revoke";
    let (scope, cx) = (scope("suite-revoke")?, Cx::default());
    converge(adapter, &scope, &resources(3)?).await?;
    let seen = called(CHECK, adapter.observe(&scope, &cx).await)?;
    let changed = called(CHECK, adapter.plan(&resources(4)?, &seen))?;
    let effects: Vec<Effect> = changed.steps.iter().map(|s| s.effect).collect();
    hold(CHECK, effects.is_sorted(), "steps run in the order revoke, restrict, neutral, grant")?;
    hold(CHECK, effects.contains(&Effect::Revoke), "a changed value is taken away first")?;
    converge(adapter, &scope, &[]).await.map(drop)
}

async fn collaborations_do_not_touch(adapter: &dyn Adapter) -> Result<(), Broken> {
    const CHECK: &str = "isolation";
    let (one, two, cx) = (scope("suite-one")?, scope("suite-two")?, Cx::default());
    converge(adapter, &one, &resources(5)?).await?;
    converge(adapter, &two, &resources(5)?).await?;
    converge(adapter, &one, &[]).await?;
    let seen = called(CHECK, adapter.observe(&two, &cx).await)?;
    hold(CHECK, seen.resources.len() == 3, "closing one collaboration leaves the other alone")?;
    converge(adapter, &two, &[]).await.map(drop)
}
