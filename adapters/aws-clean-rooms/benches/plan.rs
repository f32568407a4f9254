//! Assessing and planning an agreement of 100 datasets and 50 templates; medians. `cargo bench --bench plan`.

#![expect(clippy::print_stdout, reason = "a benchmark tells what it measured")]

use adapter_aws_clean_rooms::{AwsCleanRooms, Connection, Connections, ExternalIds, assess};
use adapter_spi::{Adapter, Desired, Observation, Scope};
use mappings::model::{Agreement, CollaborationId, MemberId};
use serde_json::{Value, json};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

const DATASETS: usize = 100;
const TEMPLATES: usize = 50;
const ROUNDS: usize = 21;

#[derive(Debug)]
struct NoIds;

impl ExternalIds for NoIds {
    fn external_id(&self, _: &CollaborationId) -> Option<String> {
        None
    }
}

/// Half of the datasets are either member's; each template joins one of each.
fn agreement() -> Result<Agreement, Box<dyn Error>> {
    let platform = mappings::model::PlatformId::aws_clean_rooms();
    let mut document = adapter_spi::suite::agreement(&platform, "suite-large", 1);
    let part =
        |name: &str| document.pointer(&format!("/datasets/{name}")).cloned().unwrap_or_default();
    let (orders, people) = (part("orders"), part("people"));
    let template = document.pointer("/templates/overlap").cloned().unwrap_or_default();
    let mut datasets = serde_json::Map::new();
    let mut templates = serde_json::Map::new();
    for n in 0..DATASETS / 2 {
        for (name, whole) in [("orders", &orders), ("people", &people)] {
            let mut one = whole.clone();
            if let Some(glue) = one.pointer_mut("/at/aws-clean-rooms/glue/table") {
                *glue = json!(format!("{name}{n}"));
            }
            datasets.insert(format!("{name}{n}"), one);
        }
    }
    for n in 0..TEMPLATES {
        let mut one = template.clone();
        if let Some(sql) = one.get_mut("sql") {
            let text = sql.as_str().unwrap_or_default();
            *sql = json!(
                text.replace("orders o", &format!("orders{n} o"))
                    .replace("people p", &format!("people{n} p"))
            );
        }
        templates.insert(format!("overlap-{n}"), one);
    }
    if let Some(all) = document.as_object_mut() {
        all.insert("datasets".to_owned(), Value::Object(datasets));
        all.insert("templates".to_owned(), Value::Object(templates));
    }
    Ok(serde_json::from_value(document)?)
}

fn median(
    mut work: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<Duration, Box<dyn Error>> {
    let mut seen = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        work()?;
        seen.push(begun.elapsed());
    }
    seen.sort();
    Ok(seen.get(ROUNDS / 2).copied().unwrap_or_default())
}

fn main() -> Result<(), Box<dyn Error>> {
    let agreement = Arc::new(agreement()?);
    let assessed = median(|| {
        assess(&agreement)?;
        Ok(())
    })?;
    let connection = Connection {
        data_role: Some("arn:aws:iam::111111111111:role/read".to_owned()),
        ..Connection::default()
    };
    let members = ["provider", "analyst"].map(|name| (name, connection.clone()));
    let members = members.into_iter().map(|(name, one)| Ok((MemberId::new(name)?, one)));
    let members = members.collect::<Result<_, Box<dyn Error>>>()?;
    let adapter = AwsCleanRooms::new(Connections { members }, Arc::new(NoIds));
    let account = json!({ "rooms": {}, "tables": {}, "strangers": [] });
    let seen = Observation {
        native: json!({ "accounts": { "provider": account, "analyst": account }, "unseen": {} }),
        ..Observation::whole(&Scope::of(&agreement), 0, Vec::new())
    };
    let desired = Desired::whole(Arc::clone(&agreement));
    let steps = adapter.plan(&desired, &seen)?.steps.len();
    let planned = median(|| {
        adapter.plan(&desired, &seen)?;
        Ok(())
    })?;
    println!(
        "{DATASETS} datasets, {TEMPLATES} templates: assessed in {assessed:?}, {steps} steps planned in {planned:?}"
    );
    Ok(())
}
