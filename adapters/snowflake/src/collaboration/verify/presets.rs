//! Whether a run that names tables of its own reads them where a template names one: every place of a run's spec in which a runner could
//! write one by hand, over a second view whose row tells that it was read. Must not know what else a trial tries.
//! Source: Snowflake Data Clean Rooms Documentation, Analysis spec (`view_mappings`, `local_view_mappings`, `arguments`).

use super::trial::{DATASET, HOSTILE, NUMBER, OTHER, OTHER_VIEW, RUN, SAID, Trial};
use crate::collaboration::specs;
use adapter_spi::{AdapterError, ErrorKind, Outcome, Result};
use serde_json::{Value, json};
use snowflake_sql_api::ResultSet;

const PRESETS: &str = "preset_tables";
/// A statement that can't be read, by the client's code.
const SYNTAX: &str = "statement-syntax";

/// A run by each way is refused, or answers what it answers without, as the run before all of them did and one after does. Where one answers otherwise that is it;
/// an error is no answer to the question.
pub(super) async fn kept(trial: &Trial<'_>, before: &ResultSet) -> Result<bool> {
    if !reads_its_own(trial, before).await? {
        return Ok(false);
    }
    for way in ways(trial) {
        match ran_by(trial, &way).await {
            Ok(done) => {
                if !reads_its_own(trial, &done).await? {
                    return Ok(false);
                }
            }
            Err(error) if is_refusal(&error) => {}
            Err(error) => return Err(error),
        }
    }
    // What was refused was not refused because nothing runs any more.
    let after = Box::pin(trial.ran()).await?;
    reads_its_own(trial, &after).await
}

/// A run by a configuration that no document of ours has.
async fn ran_by(trial: &Trial<'_>, way: &Value) -> Result<ResultSet> {
    let spec = json!({ "template": trial.template, "template_configuration": way });
    let text = specs::said("analysis", &spec).unwrap_or_default();
    trial.called(RUN, &[&trial.name, &text]).await
}

/// Whether a run answered the row of the template's own table.
async fn reads_its_own(trial: &Trial<'_>, done: &ResultSet) -> Result<bool> {
    Ok(trial.read(done).await?.column("number") == Some(vec![Some(NUMBER)]))
}

/// Whether the platform answered that it does not: silence and what can't be read refuse nothing. A text that names what is not named there may be none
/// to it.
fn is_refusal(error: &AdapterError) -> bool {
    use ErrorKind::{Conflict, NotFound, PermissionDenied, Unsupported};
    let refused = matches!(error.kind, Conflict | NotFound | PermissionDenied | Unsupported)
        || error.code == SYNTAX;
    error.outcome == Outcome::NotApplied && refused
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
