//! The checker: judges the engine's plan of a guarded text by rules of its own. It shares no code with the guard that wrote
//! the text; both must agree before anything runs (decision 0001). Must not know how the text was made.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the engine's plans and expressions grow; whatever is not named here is refused"
)]

mod activation;
mod expression;
mod flow;
mod scan;

use crate::failure::failure;
use adapter_spi::{Failure, ProtectedQuery};
use datafusion::logical_expr::LogicalPlan;
use flow::Checker;
use mappings::model::ResultClass;

/// Accepts a plan, or says what is wrong with it.
pub(crate) fn check(plan: &LogicalPlan, query: &ProtectedQuery) -> Result<(), Failure> {
    let mut checker = Checker::new(query);
    let accepted = match query.guarded.class {
        ResultClass::Aggregate => checker.flow(plan).and_then(|flow| flow.is_released()),
        ResultClass::Activation => activation::check(&mut checker, plan),
    };
    accepted.map_err(|reason| failure("check-failed", reason))
}

/// A plan is accepted, or there is a reason of names only.
pub(crate) type Checked<T> = Result<T, String>;

fn wrong<T>(reason: impl Into<String>) -> Checked<T> {
    Err(reason.into())
}
