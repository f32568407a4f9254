//! What an adapter does not declare, asked for all the same: it refuses by a code that stays, and nothing changes there. Must not know
//! any platform.

use super::{Broken, Case, Subject, called, hold, kinds};
use crate::{
    AdapterError, Capabilities, ErrorKind, Fidelity, Landing, Outcome, ProtectedQuery, Result,
    RunLimits, RunsQueries,
};
use mappings::guard::guard;
use mappings::model::{MemberId, RunId, TemplateName};
use mappings::table::Term;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const CHECK: &str = "refuse";
/// The template of rows of matched entities, whose receiver runs it.
const AUDIENCE: &str = "audience";
const RUNNER: &str = "analyst";
/// Refusals of what a platform, or its adapter, never does.
const NEVER: [ErrorKind; 2] = [ErrorKind::Unsupported, ErrorKind::PermissionDenied];

/// The suite's agreement with a template of that kind, which every rule lets through.
fn with_audience(mut document: serde_json::Value) -> serde_json::Value {
    let mut put = |at: &str, name: &str, value: serde_json::Value| {
        let place = document.pointer_mut(at).and_then(serde_json::Value::as_object_mut);
        place.and_then(|place| place.insert(name.to_owned(), value));
    };
    for dataset in ["orders", "people"] {
        let to = serde_json::json!({ "to": [RUNNER], "audience_min": 100 });
        put(&format!("/datasets/{dataset}/rule"), "activation", to);
    }
    put("/datasets/people/columns/measured", "activate", true.into());
    let template = serde_json::json!({
        "class": "activation",
        "sql": "SELECT p.measured FROM people p JOIN orders o ON p.person = o.person",
        "run_by": [RUNNER],
        "received_by": [RUNNER],
    });
    put("/templates", AUDIENCE, template);
    document
}

/// Whether both answers are refusals of these kinds by one code, after which nothing changed.
fn refuses<T>(answers: [Result<T>; 2], of: &[ErrorKind], promise: &str) -> Result<(), Broken> {
    let refused = |answer: Result<T>| -> Option<AdapterError> {
        let error = answer.err()?;
        let is_it = of.contains(&error.kind) && error.outcome == Outcome::NotApplied;
        (is_it && !error.code.is_empty()).then_some(error)
    };
    let codes = answers.map(|answer| refused(answer).map(|error| error.code));
    hold(CHECK, codes.iter().all(Option::is_some), promise)?;
    hold(CHECK, codes.first() == codes.last(), "a refusal has one code, each time")
}

impl Subject<'_> {
    /// Whoever adds a capability says here what it would do, and what refuses that.
    pub(super) async fn what_is_not_declared_is_refused(&self) -> Result<(), Broken> {
        let Capabilities { version: _, runs_queries, activation, cancels, lag: _, behaviours: _ } =
            *self.adapter.capabilities();
        let runs = self.adapter.runs_queries();
        let offers = runs.is_some();
        hold(CHECK, runs_queries == offers, "an adapter that declares no runs offers none")?;
        let stands = runs_queries || !cancels;
        hold(CHECK, stands, "nothing is cancelled where nothing runs")?;
        if !activation {
            self.no_audience_leaves(runs).await?;
        }
        if let Some(runs) = runs.filter(|_| !cancels) {
            self.no_run_is_cancelled(runs).await?;
        }
        Ok(())
    }

    /// Rows of matched entities: no leave for them is held, the assessment says so, and whoever runs them is refused.
    async fn no_audience_leaves(&self, runs: Option<&dyn RunsQueries>) -> Result<(), Broken> {
        let document = super::agreement(self.adapter.platform(), "suite-activation", 10);
        let case = Case::of(with_audience(document))?;
        let template: TemplateName = called(CHECK, AUDIENCE.parse())?;
        let agreement = &case.scope.agreement;
        let at = format!("templates.{AUDIENCE}.class");
        let verdicts = self.adapter.assess(agreement).verdicts;
        let said = verdicts.iter().find(|one| one.term == Term::Activation && one.at == at);
        let less = |of| matches!(of, Fidelity::Narrower | Fidelity::Unsupported);
        let is_said = said.is_some_and(|said| less(said.fidelity));
        hold(CHECK, is_said, "the assessment says that no activation leaves")?;
        self.converge(CHECK, &case, &case.whole, usize::MAX).await?;
        let before = self.seen(CHECK, &case).await?;
        let held = kinds(&before).contains(&crate::ResourceKind::Template(template.clone()));
        hold(CHECK, !held, "no leave is held for an activation that is not declared")?;
        if let Some(runs) = runs {
            let query = query(&case, &template)?;
            let answers =
                [runs.submit(&query, &self.cx).await, runs.submit(&query, &self.cx).await];
            refuses(answers, &NEVER, "an activation that is not declared is refused")?;
            let unknown = runs.status(&query.run, &self.cx).await.is_err();
            hold(CHECK, unknown, "of a run that was refused nothing is known")?;
        }
        let after = self.seen(CHECK, &case).await?;
        hold(CHECK, before == after, "a refusal changes nothing")?;
        self.converge(CHECK, &case, &case.closed, usize::MAX).await.map(drop)
    }

    /// Cancelling, whichever run: it is refused before anybody looks for that.
    async fn no_run_is_cancelled(&self, runs: &dyn RunsQueries) -> Result<(), Broken> {
        let case = Case::named(self.adapter, "suite-cancels", 11)?;
        self.converge(CHECK, &case, &case.whole, usize::MAX).await?;
        let before = self.seen(CHECK, &case).await?;
        let run: RunId = called(CHECK, "run-of-nobody".parse())?;
        let answers = [runs.cancel(&run, &self.cx).await, runs.cancel(&run, &self.cx).await];
        let of = [ErrorKind::Unsupported];
        refuses(answers, &of, "cancelling that is not declared is refused")?;
        let after = self.seen(CHECK, &case).await?;
        hold(CHECK, before == after, "a refusal changes nothing")?;
        self.converge(CHECK, &case, &case.closed, usize::MAX).await.map(drop)
    }
}

/// A run as its runner asks for it.
fn query(case: &Case, template: &TemplateName) -> Result<ProtectedQuery, Broken> {
    let agreement = Arc::clone(&case.scope.agreement);
    let by: MemberId = called(CHECK, RUNNER.parse())?;
    let guarded = guard(&agreement, template).map_err(|_| Broken {
        check: CHECK,
        promise: "the suite's activation passes the guard".to_owned(),
    })?;
    Ok(ProtectedQuery {
        run: called(CHECK, "run-undeclared".parse())?,
        receivers: vec![by.clone()],
        by,
        agreement,
        hidden: BTreeSet::new(),
        guarded: Arc::new(guarded),
        parameters: BTreeMap::new(),
        landing: Landing { url: called(CHECK, "file:///suite/landing/".parse())? },
        limits: RunLimits::default(),
        base: None,
    })
}
