//! The match operator in the engine's plans: a rule finds the aggregates over a join of tokens that `matching` can answer,
//! a planner puts the operator there. What neither recognises keeps the stock plan. Must not know agreements.

mod answer;
mod exec;
mod find;
mod node;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::optimizer::optimizer::Optimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use datafusion::prelude::SessionContext;
use exec::Match;
use node::Matched;
use std::sync::Arc;

/// What the operator may use beside the engine's memory.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// The run's private folder; held until the last thread of a run is through with it.
    pub(crate) folder: Arc<tempfile::TempDir>,
    /// Bytes that may lie in it.
    pub(crate) spill_bytes_max: u64,
    /// Distinct groups of one side that are numbered; a run with more takes the stock plan, which can spill its groups.
    pub(crate) groups_max: usize,
}

/// An engine that matches with the operator wherever it can.
pub(crate) fn with_matching(builder: SessionStateBuilder, bounds: Bounds) -> SessionContext {
    let mut rules = Optimizer::new().rules;
    // The stock rule for COUNT(DISTINCT) would hide what ours looks for; filters must be at the scans by then.
    let before = rules
        .iter()
        .position(|rule| rule.name() == "single_distinct_aggregation_to_group_by")
        .unwrap_or(rules.len());
    rules.insert(before, Arc::new(find::UseMatching));
    let planner = Arc::new(Planner { bounds });
    let state = builder.with_optimizer_rules(rules).with_query_planner(planner).build();
    SessionContext::new_with_state(state)
}

#[derive(Debug, Clone)]
struct Planner {
    bounds: Bounds,
}

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let extension: Arc<dyn ExtensionPlanner + Send + Sync> = Arc::new(self.clone());
        DefaultPhysicalPlanner::with_extension_planners(vec![extension])
            .create_physical_plan(plan, session)
            .await
    }
}

#[async_trait]
impl ExtensionPlanner for Planner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let (Some(node), [left, right]) = (node.as_any().downcast_ref::<Matched>(), inputs) else {
            return Ok(None);
        };
        let inputs = [Arc::clone(left), Arc::clone(right)];
        Ok(Some(Arc::new(Match::new(node, inputs, self.bounds.clone()))))
    }
}
