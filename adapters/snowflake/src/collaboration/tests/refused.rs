//! Every call refused for a privilege, which is named, and cut in its middle, of which nothing is known then.

use super::hostile::everywhere;
use super::twin::Stage;
use super::{agreement, member};
use crate::collaboration::call::{AT, Call};
use crate::hostile::{kinds, kinds_of};
use crate::reach::seat;
use crate::twin::CONSUMER;
use adapter_spi::{Adapter as _, Cx, Desired, Effect, Outcome, Scope, Step};
use mappings::model::{Digest, PlatformId};
use serde_json::json;
use std::sync::Arc;

/// By what a call is known in the twin's log. Whoever adds a call says here how it is cut.
pub(super) const fn known_by(call: &Call) -> &'static str {
    match call {
        Call::CreateSchema { .. } => "^CREATE SCHEMA",
        Call::CreateView { .. } => "^CREATE SECURE VIEW",
        Call::DropView { .. } => "^DROP VIEW",
        Call::RegisterOffering { .. } => "\\bREGISTER_DATA_OFFERING",
        Call::RegisterTemplate { .. } => "\\bREGISTER_TEMPLATE",
        Call::UnregisterOffering { .. } => "\\bUNREGISTER_DATA_OFFERING",
        Call::UnregisterTemplate { .. } => "\\bUNREGISTER_TEMPLATE",
        Call::Initialize { .. } => "\\bINITIALIZE",
        Call::Review { .. } => "\\bREVIEW",
        Call::Join { .. } => "\\bJOIN\\(",
        Call::Leave { .. } => "\\bLEAVE",
        Call::Teardown { .. } => "\\bTEARDOWN",
        Call::Link { .. } => "\\bLINK_DATA",
        Call::Unlink { .. } => "\\bUNLINK_DATA",
        Call::RequestTemplate { .. } => "\\bADD_TEMPLATE_REQUEST",
        Call::RemoveTemplate { .. } => "\\bREMOVE_TEMPLATE",
        Call::Approve { .. } => "\\bAPPROVE_UPDATE_REQUEST",
        Call::Reject { .. } => "\\bREJECT_UPDATE_REQUEST",
        Call::Edit { .. } => "\\bEDIT\\(",
    }
}

#[test]
fn no_call_is_forgotten() {
    assert_eq!(kinds_of(&everywhere("x"), "operation"), kinds::<Call>("operation"));
}

/// Each call as a step that takes away: it is made without a look before.
async fn steps(stage: &Stage) -> Vec<(Call, Step)> {
    let agreement = agreement("suite-refused", 1);
    let (scope, whole) = (Scope::of(&agreement), Desired::whole(Arc::clone(&agreement)));
    let plan = stage.plan(&scope, &whole).await;
    let first = plan.steps.first().unwrap().clone();
    let seat = seat(&PlatformId::snowflake_dcr(), &agreement, &member("analyst")).unwrap();
    assert_eq!(seat.account, CONSUMER);
    let step = |(number, call): (usize, Call)| {
        let mut body = json!(call);
        body[AT] = json!(seat);
        let id = Digest::of(format!("refused {number}").as_bytes());
        (call, Step { id, effect: Effect::Revoke, call: body, ..first.clone() })
    };
    everywhere("x").into_iter().enumerate().map(step).collect()
}

#[tokio::test]
async fn the_privilege_that_a_call_lacks_is_named() {
    let Some(stage) = Stage::set().await else { return };
    for (call, step) in steps(&stage).await {
        for (code, state, kind) in
            [("003001", "42501", "privilege-missing"), ("100357", "P0000", "statement-failed")]
        {
            let fault = json!({ "kind": "statement_error", "match": known_by(&call), "times": 1, "code": code, "state": state, "message": "zqsentinel" });
            stage.twin.fault(&fault).await;
            let done = stage.adapter().apply(&step, &Cx::default()).await;
            assert!(stage.twin.struck().await, "{}", call.operation());
            let Err(error) = done else {
                // What takes away is done where a look finds nothing of it.
                assert_eq!(kind, "statement-failed", "{}", call.operation());
                continue;
            };
            assert_eq!((error.code, error.outcome), (kind, Outcome::NotApplied), "{error}");
            assert!(error.reason.ends_with(call.needs()), "{error}");
            assert!(!error.to_string().contains("zqsentinel"), "{error}");
            assert_eq!(error.operation, call.operation());
        }
    }
}

#[tokio::test]
async fn of_a_call_that_is_cut_nothing_is_known() {
    let Some(stage) = Stage::set().await else { return };
    for (call, step) in steps(&stage).await {
        let fault = json!({ "kind": "cut_before", "match": known_by(&call), "times": 20 });
        stage.twin.fault(&fault).await;
        let error = stage.adapter().apply(&step, &Cx::default()).await.unwrap_err();
        assert_eq!(error.outcome, Outcome::Unknown, "{error}");
        stage.twin.calm().await;
    }
}
