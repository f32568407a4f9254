//! The conformance suite: what every adapter must hold, as functions over `&dyn Adapter`.
//! A check returns the promise it found broken; a capability that is not declared must be refused, never skipped.

mod faults;
mod report;
mod undeclared;

pub use report::Report;

use crate::{Adapter, Coverage, Cx, Desired, Effect, Observation, Plan, ResourceKind, Scope, Step};
use mappings::model::{Agreement, PlatformId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// More passes than any platform needs for the suite's agreement.
const PASSES_MAX: usize = 24;
/// More steps than those passes have.
const STEPS_MAX: usize = 200;

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

/// The suite's agreement: two members with a dataset each, one template over both. Another `seed` changes every dataset's rule.
#[must_use]
pub fn agreement(platform: &PlatformId, collaboration: &str, seed: u8) -> serde_json::Value {
    let dataset = |owner: &str, table: &str, measure: serde_json::Value| {
        serde_json::json!({
            "owner": owner,
            "at": {
                "native": format!("file:///suite/{table}.parquet"),
                "memory": format!("file:///suite/{table}.parquet"),
                "aws-clean-rooms": { "glue": { "database": "suite", "table": table } },
                "snowflake": format!("SUITE.PUBLIC.{}", table.to_uppercase()),
                "snowflake-dcr": format!("SUITE.PUBLIC.{}", table.to_uppercase()),
            },
            "entity": "person",
            "columns": {
                "person": { "from": "", "type": "utf8", "use": "match", "keys": [
                    { "key": "email", "from": "email_sha256", "type": "utf8", "normalise": "email", "hashed": "sha256-hex" },
                ] },
                "measured": measure,
            },
            "rule": { "entities_min": 10 + u64::from(seed), "join": "optional" },
        })
    };
    let identity = |aws: &str, org: &str| serde_json::json!({ "aws-clean-rooms": aws, "snowflake": org, "snowflake-dcr": org });
    let snowflake = [PlatformId::snowflake(), PlatformId::snowflake_dcr()].contains(platform);
    let region = if snowflake { "us-east-1" } else { "eu-central-1" };
    serde_json::json!({
        "agreement": "v1",
        "collaboration": collaboration,
        "members": {
            "provider": { "name": "Provider", "abilities": ["contribute"],
                "identity": identity("111111111111", "ACME.PROVIDER") },
            "analyst": { "name": "Analyst", "abilities": ["contribute", "run", "receive"],
                "identity": identity("222222222222", "ACME.CONSUMER") },
        },
        "rooms": [{ "platform": platform, "region": region }],
        "datasets": {
            "orders": dataset("provider", "orders", serde_json::json!(
                { "from": "spent", "type": "float64", "use": "measure", "aggregates": ["sum"] })),
            "people": dataset("analyst", "people", serde_json::json!(
                { "from": "segment", "type": "utf8", "use": "dimension" })),
        },
        "templates": {
            "overlap": {
                "class": "aggregate",
                "sql": "SELECT p.measured, COUNT(DISTINCT p.person) AS persons FROM people p JOIN orders o ON p.person = o.person GROUP BY p.measured",
                "run_by": ["analyst"],
                "received_by": ["analyst"],
            },
        },
        "limits": { "runs_max": 100, "within_s": 86_400 },
        "destinations": { "analyst": "file:///suite/results" },
    })
}

/// An adapter at work on agreements named `suite-…`, which are left empty.
struct Subject<'a> {
    adapter: &'a dyn Adapter,
    cx: Cx,
}

/// One collaboration of the suite.
struct Case {
    scope: Scope,
    whole: Desired,
    closed: Desired,
}

impl Case {
    fn named(adapter: &dyn Adapter, name: &str, seed: u8) -> Result<Self, Broken> {
        Self::of(agreement(adapter.platform(), name, seed))
    }

    fn of(document: serde_json::Value) -> Result<Self, Broken> {
        let read: Result<Agreement, _> = serde_json::from_value(document);
        let agreement = Arc::new(called("agreement", read)?);
        Ok(Self {
            scope: Scope::of(&agreement),
            whole: Desired::whole(Arc::clone(&agreement)),
            closed: Desired::closed(agreement),
        })
    }
}

/// Runs every check; what held, as a report.
///
/// # Errors
/// The first broken promise.
pub async fn conforms(adapter: &dyn Adapter) -> Result<Report, Broken> {
    let subject = Subject { adapter, cx: Cx::default() };
    subject.observe_never_writes().await?;
    subject.plan_is_deterministic_and_reaches_a_fixed_point().await?;
    subject.a_kill_after_any_step_converges().await?;
    subject.steps_are_idempotent_and_stale_grants_refused().await?;
    subject.revocations_come_first_and_close().await?;
    subject.a_stale_look_does_no_harm().await?;
    subject.what_no_look_saw_is_closed_all_the_same().await?;
    subject.what_is_half_made_closes().await?;
    subject.collaborations_do_not_touch().await?;
    subject.what_is_not_declared_is_refused().await?;
    let (platform, capabilities) = (adapter.platform().clone(), adapter.capabilities().clone());
    Ok(Report { platform, capabilities, held: CHECKS.to_vec() })
}

const CHECKS: [(&str, &str); 10] = [
    ("observe", "looking changes nothing, and says how complete it is"),
    ("plan", "the same look gives the same plan, and passes end where nothing is left to do"),
    ("kill", "a pass that dies after any step gets there as well"),
    ("apply", "a step done twice is done once; a grant planned on a state that is gone is refused"),
    ("revoke", "what takes away comes first; a withdrawn dataset is not held, as partners see it"),
    ("stale", "steps of a look long past change nothing that was reached since"),
    ("unobserved", "what was made again between two looks is closed by the next"),
    ("intermediate", "whatever is half made closes"),
    ("isolation", "closing one collaboration leaves the other alone"),
    (
        "refuse",
        "what isn't declared isn't offered, and is refused by a code; nothing changes there",
    ),
];

impl Subject<'_> {
    async fn seen(&self, check: &'static str, case: &Case) -> Result<Observation, Broken> {
        called(check, self.adapter.observe(&case.scope, &self.cx).await)
    }

    fn plan(
        &self,
        check: &'static str,
        desired: &Desired,
        seen: &Observation,
    ) -> Result<Plan, Broken> {
        called(check, self.adapter.plan(desired, seen))
    }

    /// Passes of observe, plan and apply until nothing is left to do; at most `stride` steps a pass. The steps applied.
    async fn converge(
        &self,
        check: &'static str,
        case: &Case,
        desired: &Desired,
        stride: usize,
    ) -> Result<Vec<Step>, Broken> {
        let mut applied = Vec::new();
        let passes = if stride == 1 { STEPS_MAX } else { PASSES_MAX };
        for _ in 0..passes {
            let seen = self.seen(check, case).await?;
            let plan = self.plan(check, desired, &seen)?;
            hold(check, plan.waiting.is_empty(), "nobody is waited for, all members are operated")?;
            if plan.is_settled() {
                return Ok(applied);
            }
            for step in plan.steps.iter().take(stride) {
                if self.adapter.apply(step, &self.cx).await.is_err() {
                    break;
                }
                applied.push(step.clone());
            }
        }
        hold(check, false, "the passes reach a fixed point")?;
        Ok(applied)
    }

    async fn observe_never_writes(&self) -> Result<(), Broken> {
        const CHECK: &str = "observe";
        let case = Case::named(self.adapter, "suite-observe", 1)?;
        let first = self.seen(CHECK, &case).await?;
        let second = self.seen(CHECK, &case).await?;
        hold(CHECK, first == second, "two observations of an unchanged world are equal")?;
        hold(CHECK, first.resources.is_empty(), "an unknown collaboration holds nothing")?;
        hold(CHECK, first.coverage == Coverage::Complete, "an idle platform is seen completely")
    }

    async fn plan_is_deterministic_and_reaches_a_fixed_point(&self) -> Result<(), Broken> {
        const CHECK: &str = "plan";
        let case = Case::named(self.adapter, "suite-plan", 1)?;
        let seen = self.seen(CHECK, &case).await?;
        let plans = [self.plan(CHECK, &case.whole, &seen)?, self.plan(CHECK, &case.whole, &seen)?];
        hold(CHECK, plans.first() == plans.last(), "the same input gives the same plan")?;
        self.converge(CHECK, &case, &case.whole, usize::MAX).await?;
        let seen = self.seen(CHECK, &case).await?;
        hold(CHECK, kinds(&seen) == wanted(&case.whole), "what was applied is what is seen")?;
        self.converge(CHECK, &case, &case.closed, usize::MAX).await?;
        let seen = self.seen(CHECK, &case).await?;
        hold(CHECK, seen.resources.is_empty(), "a closed collaboration holds nothing")
    }

    async fn a_kill_after_any_step_converges(&self) -> Result<(), Broken> {
        const CHECK: &str = "kill";
        let case = Case::named(self.adapter, "suite-kill", 6)?;
        self.converge(CHECK, &case, &case.whole, 1).await?;
        let seen = self.seen(CHECK, &case).await?;
        hold(
            CHECK,
            kinds(&seen) == wanted(&case.whole),
            "a pass for each step gets there as well",
        )?;
        self.converge(CHECK, &case, &case.closed, 1).await?;
        let seen = self.seen(CHECK, &case).await?;
        hold(CHECK, seen.resources.is_empty(), "and closes as well")
    }

    async fn steps_are_idempotent_and_stale_grants_refused(&self) -> Result<(), Broken> {
        const CHECK: &str = "apply";
        let case = Case::named(self.adapter, "suite-apply", 2)?;
        let applied = self.converge(CHECK, &case, &case.whole, usize::MAX).await?;
        let grants: Vec<&Step> = applied.iter().filter(|s| s.effect == Effect::Grant).collect();
        hold(CHECK, !grants.is_empty(), "access is given by steps that say so")?;
        for _ in 0..PASSES_MAX {
            let seen = self.seen(CHECK, &case).await?;
            let closing = self.plan(CHECK, &case.closed, &seen)?;
            for step in &closing.steps {
                called(CHECK, self.adapter.apply(step, &self.cx).await)?;
                called(CHECK, self.adapter.apply(step, &self.cx).await)?;
            }
            if closing.steps.is_empty() {
                break;
            }
        }
        for step in grants {
            hold(
                CHECK,
                self.adapter.apply(step, &self.cx).await.is_err(),
                "a grant planned on a state that is gone is refused",
            )?;
        }
        let seen = self.seen(CHECK, &case).await?;
        hold(CHECK, seen.resources.is_empty(), "a revocation applied twice is applied once")
    }

    async fn revocations_come_first_and_close(&self) -> Result<(), Broken> {
        const CHECK: &str = "revoke";
        let case = Case::named(self.adapter, "suite-revoke", 3)?;
        self.converge(CHECK, &case, &case.whole, usize::MAX).await?;
        let changed = Case::named(self.adapter, "suite-revoke", 4)?;
        let seen = self.seen(CHECK, &case).await?;
        let plan = self.plan(CHECK, &changed.whole, &seen)?;
        let effects: Vec<Effect> = plan.steps.iter().map(|s| s.effect).collect();
        hold(
            CHECK,
            effects.is_sorted(),
            "steps run in the order revoke, restrict, neutral, grant",
        )?;
        let taken = effects.iter().any(|effect| effect.takes_away());
        hold(CHECK, taken, "a changed value is taken away first")?;
        let mut withdrawn = case.whole.clone();
        let gone = withdrawn.datasets.pop_first();
        self.converge(CHECK, &case, &withdrawn, usize::MAX).await?;
        let seen = self.seen(CHECK, &case).await?;
        let gone = gone.map(ResourceKind::Dataset);
        hold(
            CHECK,
            gone.is_some_and(|gone| !kinds(&seen).contains(&gone)),
            "a withdrawn dataset is not held",
        )?;
        self.converge(CHECK, &case, &case.closed, usize::MAX).await.map(drop)
    }

    async fn collaborations_do_not_touch(&self) -> Result<(), Broken> {
        const CHECK: &str = "isolation";
        let one = Case::named(self.adapter, "suite-one", 5)?;
        let two = Case::named(self.adapter, "suite-two", 5)?;
        self.converge(CHECK, &one, &one.whole, usize::MAX).await?;
        self.converge(CHECK, &two, &two.whole, usize::MAX).await?;
        self.converge(CHECK, &one, &one.closed, usize::MAX).await?;
        let seen = self.seen(CHECK, &two).await?;
        hold(
            CHECK,
            kinds(&seen) == wanted(&two.whole),
            "closing one collaboration leaves the other alone",
        )?;
        self.converge(CHECK, &two, &two.closed, usize::MAX).await.map(drop)
    }
}

fn kinds(seen: &Observation) -> BTreeSet<ResourceKind> {
    seen.resources.iter().map(|resource| resource.kind.clone()).collect()
}

fn wanted(desired: &Desired) -> BTreeSet<ResourceKind> {
    desired.resources().into_iter().map(|resource| resource.kind).collect()
}
