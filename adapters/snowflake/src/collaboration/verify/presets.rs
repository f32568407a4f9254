//! Whether a run that names tables of its own reads them where a template names one: every place of a run's spec in which a runner could
//! write one by hand, over a second view whose row tells that it was read. Must not know what else a trial tries.
//! Source: Snowflake Data Clean Rooms Documentation, Analysis spec (`view_mappings`, `local_view_mappings`, `arguments`).

use super::trial::{DATASET, HOSTILE, NUMBER, OTHER, OTHER_VIEW, RUN, SAID, Trial};
use crate::collaboration::specs;
use adapter_spi::{AdapterError, ErrorKind, Outcome, Result};
use serde_json::{Value, json};

const PRESETS: &str = "preset_tables";

/// A run by each way is refused, or answers what it answers without.
pub(super) async fn kept(trial: &Trial<'_>) -> Result<bool> {
    for way in ways(trial) {
        let spec = json!({ "template": trial.template, "template_configuration": way });
        let text = specs::said("analysis", &spec).unwrap_or_default();
        match trial.called(RUN, &[&trial.name, &text]).await {
            Ok(done) => {
                let table = trial.read(&done).await?;
                if table.column("number") != Some(vec![Some(NUMBER)]) {
                    return Ok(false);
                }
            }
            Err(error) if is_refusal(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Whether the platform answered that it does not: silence and what can't be read refuse nothing.
fn is_refusal(error: &AdapterError) -> bool {
    use ErrorKind::{Conflict, NotFound, PermissionDenied, Unsupported};
    error.outcome == Outcome::NotApplied
        && matches!(error.kind, Conflict | NotFound | PermissionDenied | Unsupported)
}

/// Configurations that name the second view: as it is offered, and as it lies in the account.
fn ways(trial: &Trial<'_>) -> Vec<Value> {
    let (offered, own) = (trial.offered_as(OTHER), trial.path(OTHER_VIEW));
    let mapped = |part: &str, name: &str, value: Value| json!({ "arguments": { SAID: HOSTILE }, part: { name: value } });
    let given = |name: &str, value: Value| json!({ "arguments": { SAID: HOSTILE, name: value } });
    let mut ways = Vec::new();
    for (part, usual, table) in
        [("view_mappings", "source_tables", &offered), ("local_view_mappings", "my_tables", &own)]
    {
        for name in [usual, PRESETS, DATASET] {
            ways.extend([json!(table), json!([table])].map(|value| mapped(part, name, value)));
        }
        ways.push(mapped(part, PRESETS, json!({ DATASET: table })));
        ways.push(given(PRESETS, json!({ DATASET: table })));
        ways.push(given(DATASET, json!(table)));
    }
    ways
}
