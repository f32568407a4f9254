//! The whole list of hostile texts through runs of both rooms: as values that are bound, and as names of the columns and the table that a
//! text reads. What comes home is what the agreement means, which is what the native room gives, or a refusal by code; and nothing is
//! said to the platform that plain ones don't say.

use crate::connection::Connections;
use crate::entry::entry;
use crate::hostile::hostile;
use crate::twin::{CONSUMER, PROVIDER, Twin, clock};
use crate::twin_tests::{Making, ROOMS};
use adapter_spi::{
    Adapter, Cx, Desired, Landing, ProtectedQuery, RunLimits, RunStatus, RunsQueries, Scope, suite,
};
use futures::StreamExt as _;
use mappings::guard::guard;
use mappings::model::{Agreement, Literal};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::RowAccessor as _;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use url::Url;

const PASSES: usize = 60;
/// So many texts are bound in one run.
const BATCH: usize = 12;
/// So many runs are under way at the same time.
const TOGETHER: usize = 4;
/// So many people have each text: one more than every minimum.
const PEOPLE: usize = 12;
/// A text that nobody has.
const NOBODYS: &str = "no such text";

/// The list, each text once.
fn texts() -> Vec<String> {
    let mut seen = BTreeSet::new();
    hostile().into_iter().filter(|text| seen.insert(text.clone())).collect()
}

fn key(text: usize, person: usize) -> String {
    format!("{:064x}", text * 1_000 + person)
}

/// What the canary says as long as nobody touched it.
async fn is_untouched(twin: &Twin) {
    for account in [PROVIDER, CONSUMER] {
        let kept = twin.sql(account, &["SELECT A FROM GUARDED.PUBLIC.KEPT"]).await;
        assert_eq!(kept, [[json!("1")]], "{account}");
    }
}

/// Both members' tables with so many people of each of these texts, and a canary beside them.
async fn furnish(twin: &Twin, texts: &[String]) {
    twin.furnish().await;
    let all = texts.iter().enumerate();
    let all = all.flat_map(|(at, text)| (0..PEOPLE).map(move |person| (key(at, person), text)));
    let (orders, people): (Vec<Value>, Vec<Value>) =
        all.map(|(key, text)| (json!([key, 1.0]), json!([key, text]))).unzip();
    let columns = [("email_sha256", "VARCHAR"), ("spent", "FLOAT")];
    twin.table(PROVIDER, "SUITE/PUBLIC/ORDERS", &columns, &json!(orders)).await;
    let columns = [("email_sha256", "VARCHAR"), ("segment", "VARCHAR")];
    twin.table(CONSUMER, "SUITE/PUBLIC/PEOPLE", &columns, &json!(people)).await;
    for account in [PROVIDER, CONSUMER] {
        let canary =
            ["CREATE DATABASE GUARDED", "CREATE TABLE GUARDED.PUBLIC.KEPT AS SELECT 1 AS A"];
        twin.sql(account, &canary).await;
    }
}

fn agreed(make: Making, change: impl FnOnce(&mut Value)) -> Arc<Agreement> {
    let platform = make(Connections::default(), clock()).platform().clone();
    let mut document = suite::agreement(&platform, "suite-said", 1);
    change(&mut document);
    Arc::new(serde_json::from_value(document).unwrap())
}

async fn open(room: &dyn Adapter, agreement: &Arc<Agreement>) {
    let (desired, scope) = (Desired::whole(Arc::clone(agreement)), Scope::of(agreement));
    for _ in 0..PASSES {
        let seen = room.observe(&scope, &Cx::default()).await.unwrap();
        let made = room.plan(&desired, &seen).unwrap();
        assert_eq!(made.refused, None);
        if made.is_settled() {
            assert_eq!(seen.resources, desired.resources());
            return;
        }
        for step in &made.steps {
            let _again = room.apply(step, &Cx::default()).await;
        }
    }
    panic!("it does not settle");
}

fn query(agreement: &Arc<Agreement>, run: &str, landing: &Path) -> ProtectedQuery {
    let analyst = "analyst".parse().unwrap();
    ProtectedQuery {
        run: run.parse().unwrap(),
        receivers: vec!["analyst".parse().unwrap()],
        by: analyst,
        agreement: Arc::clone(agreement),
        hidden: BTreeSet::new(),
        guarded: Arc::new(guard(agreement, &"overlap".parse().unwrap()).unwrap()),
        parameters: BTreeMap::new(),
        landing: Landing { url: Url::from_directory_path(landing).unwrap() },
        limits: RunLimits::default(),
        base: None,
    }
}

/// The rows that a run brings home, each cell as text; or the code that refuses it.
async fn rows(
    runs: &dyn RunsQueries,
    query: &ProtectedQuery,
) -> Result<BTreeSet<Vec<String>>, String> {
    let cx = Cx::default();
    runs.submit(query, &cx).await.map_err(|error| error.code.to_owned())?;
    for _ in 0..PASSES * 10 {
        match runs.status(&query.run, &cx).await.map_err(|error| error.code.to_owned())? {
            RunStatus::Running(_) | RunStatus::Cancelling => {}
            RunStatus::Succeeded(output) => {
                let folder = query.landing.url.to_file_path().unwrap();
                return Ok(output.files.iter().flat_map(|name| read(&folder.join(name))).collect());
            }
            RunStatus::Failed(failure) => return Err(failure.code),
            RunStatus::Cancelled => return Err("cancelled".to_owned()),
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it does not end");
}

fn read(file: &Path) -> Vec<Vec<String>> {
    let reader = SerializedFileReader::new(std::fs::File::open(file).unwrap()).unwrap();
    let cells = |row: &parquet::record::Row| -> Vec<String> {
        let last = row.len() - 1;
        let texts = (0..last).map(|at| row.get_string(at).unwrap().clone());
        let count = row.get_column_iter().last().unwrap().1.to_string();
        texts.chain([count.trim_end_matches('.').to_owned()]).collect()
    };
    reader.get_row_iter(None).unwrap().map(|row| cells(&row.unwrap())).collect()
}

/// The statements that an act sends, with how often; unloads by their first words, since each has a place of its own.
async fn said<T>(twin: &Twin, act: impl Future<Output = T>) -> (T, BTreeMap<String, usize>) {
    let before = twin.statements("").await.len();
    let done = act.await;
    let mut counts = BTreeMap::new();
    for one in twin.statements("").await.split_off(before) {
        let text = one["text"].as_str().unwrap();
        let text = if text.starts_with("COPY INTO") { "COPY INTO" } else { text };
        *counts.entry(text.to_owned()).or_default() += 1;
    }
    (done, counts)
}

/// Rows of each of some batches of texts, bound in one run each.
async fn bound(
    runs: &dyn RunsQueries,
    agreement: &Arc<Agreement>,
    (name, batches): (&str, &[Vec<String>]),
) -> Vec<Result<BTreeSet<Vec<String>>, String>> {
    let one = |(number, batch): (usize, &Vec<String>)| {
        let (batch, name) = (batch.clone(), name.to_owned());
        async move {
            let folder = tempfile::tempdir().unwrap();
            let mut query = query(agreement, &format!("run-{name}-{number}"), folder.path());
            for at in 0..BATCH {
                let text = batch.get(at).map_or(NOBODYS, String::as_str).to_owned();
                query.parameters.insert(format!("s{at:02}").parse().unwrap(), Literal::Utf8(text));
            }
            rows(runs, &query).await
        }
    };
    let all = batches.iter().enumerate().map(one);
    futures::stream::iter(all).buffered(TOGETHER).collect().await
}

fn asking(document: &mut Value) {
    let names: Vec<String> = (0..BATCH).map(|at| format!("s{at:02}")).collect();
    let template = &mut document["templates"]["overlap"];
    for name in &names {
        template["parameters"][name] = json!({ "type": "utf8" });
    }
    let any = names.iter().map(|name| format!("p.measured = :{name}")).collect::<Vec<_>>();
    template["sql"] = json!(format!(
        "SELECT p.measured, COUNT(DISTINCT p.person) AS persons FROM people p JOIN orders o ON p.person = o.person WHERE {} GROUP BY p.measured",
        any.join(" OR ")
    ));
}

#[tokio::test]
async fn every_hostile_value_is_a_value_in_a_run_or_is_refused() {
    let texts = texts();
    for make in ROOMS {
        let Some(twin) = Twin::fresh().await else { return };
        furnish(&twin, &texts).await;
        let mut connections = twin.connections();
        connections.verified.insert("parameters-bound".to_owned());
        let agreement = agreed(make, asking);
        let room = make(connections, clock());
        open(&*room, &agreement).await;
        let runs = room.runs_queries().unwrap();
        let plain = [vec![NOBODYS.to_owned()]];
        let first = said(&twin, bound(runs, &agreement, ("first", &plain))).await.0;
        assert_eq!(first, [Ok(BTreeSet::new())], "{}: nobody has it", room.platform());
        let (_, known) = said(&twin, bound(runs, &agreement, ("plain", &plain))).await;
        let batches: Vec<Vec<String>> = texts.chunks(BATCH).map(<[String]>::to_vec).collect();
        let (found, sent) = said(&twin, bound(runs, &agreement, ("hostile", &batches))).await;
        for (batch, found) in batches.iter().zip(found) {
            let own = |text: &String| vec![text.clone(), PEOPLE.to_string()];
            let wanted: BTreeSet<Vec<String>> = batch.iter().map(own).collect();
            assert_eq!(found, Ok(wanted), "{}: {batch:?}", room.platform());
        }
        let wanted: BTreeMap<_, _> =
            known.into_iter().map(|(text, count)| (text, count * batches.len())).collect();
        assert_eq!(sent, wanted, "{}: nothing else is said", room.platform());
        is_untouched(&twin).await;
        if room.platform().as_str() == "snowflake-dcr" {
            unseen(&twin, &texts, (make, &agreement)).await;
        }
    }
}

/// A clean room of which nobody saw that values are bound gets no text that would be more than one otherwise.
async fn unseen(twin: &Twin, texts: &[String], (make, agreement): (Making, &Arc<Agreement>)) {
    let room = make(twin.connections(), clock());
    let runs = room.runs_queries().unwrap();
    let (plain, refused): (Vec<String>, Vec<String>) =
        texts.iter().cloned().partition(|text| crate::behaviours::is_plain(text));
    let one = |text: String| vec![text];
    let refused: Vec<Vec<String>> = refused.into_iter().map(one).collect();
    assert!(plain.len() >= 40 && refused.len() >= 60, "{} {}", plain.len(), refused.len());
    let (found, sent) = said(twin, bound(runs, agreement, ("refused", &refused))).await;
    for (text, found) in refused.iter().zip(found) {
        assert_eq!(found, Err("parameter-unverified".to_owned()), "{text:?}");
    }
    assert!(!sent.keys().any(|text| text.contains("COLLABORATION.RUN(")), "{sent:?}");
    let plain: Vec<Vec<String>> = plain.chunks(BATCH).map(<[String]>::to_vec).collect();
    let found = bound(runs, agreement, ("unseen", &plain)).await;
    let count: usize = found.into_iter().map(|rows| rows.unwrap().len()).sum();
    assert_eq!(count, plain.iter().map(Vec::len).sum::<usize>());
    is_untouched(twin).await;
}

/// The names that a view can say, in groups in which no two differ in upper and lower case alone: the twin's engine folds them.
fn names(agreement: &Agreement) -> Vec<Vec<String>> {
    let people = "people".parse().unwrap();
    let platform = agreement.rooms[0].platform.clone();
    let says = |name: &String| {
        let mut dataset = agreement.datasets[&people].clone();
        dataset.columns.get_mut(&"measured".parse().unwrap()).unwrap().from.clone_from(name);
        entry(&platform, &people, &dataset).is_some()
    };
    let mut groups: Vec<(BTreeSet<String>, Vec<String>)> = Vec::new();
    for name in texts().into_iter().filter(says) {
        let folded = name.to_lowercase();
        match groups.iter_mut().find(|(all, _)| !all.contains(&folded)) {
            Some((all, group)) => {
                all.insert(folded);
                group.push(name);
            }
            None => groups.push((BTreeSet::from([folded]), vec![name])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

#[tokio::test]
async fn every_hostile_name_of_a_column_is_a_name_in_a_run() {
    const TABLE: &str = "a\"b'; DROP SHARE X; -- {{ x }}$$";
    for make in ROOMS {
        let groups = names(&agreed(make, |_| ()));
        assert!(groups.iter().map(Vec::len).sum::<usize>() >= 100, "{groups:?}");
        for group in groups {
            let Some(twin) = Twin::fresh().await else { return };
            furnish(&twin, &[NOBODYS.to_owned()]).await;
            let keyed = [("email_sha256", "VARCHAR")].into_iter();
            let columns: Vec<(&str, &str)> =
                keyed.chain(group.iter().map(|name| (name.as_str(), "VARCHAR"))).collect();
            let row = |person| {
                let cells = [key(0, person)].into_iter().chain(group.iter().cloned());
                cells.collect::<Vec<_>>()
            };
            let people: Vec<Vec<String>> = (0..PEOPLE).map(row).collect();
            let at = format!("SUITE/PUBLIC/{TABLE}");
            twin.table(CONSUMER, &at, &columns, &json!(people)).await;
            let path = at.replace('/', ".");
            let canonical: Vec<String> = (0..group.len()).map(|at| format!("c{at:03}")).collect();
            let agreement = agreed(make, |document| {
                let people = &mut document["datasets"]["people"];
                people["at"] = json!({ "snowflake": path, "snowflake-dcr": path });
                for (name, from) in canonical.iter().zip(&group) {
                    people["columns"][name] =
                        json!({ "from": from, "type": "utf8", "use": "dimension" });
                }
                people["columns"].as_object_mut().unwrap().remove("measured");
                let all = canonical.iter().map(|name| format!("p.{name}")).collect::<Vec<_>>();
                let all = all.join(", ");
                document["templates"]["overlap"]["sql"] = json!(format!(
                    "SELECT {all}, COUNT(DISTINCT p.person) AS persons FROM people p JOIN orders o ON p.person = o.person GROUP BY {all}"
                ));
            });
            let room = make(twin.connections(), clock());
            open(&*room, &agreement).await;
            let folder = tempfile::tempdir().unwrap();
            let query = query(&agreement, "run-names", folder.path());
            let found = rows(room.runs_queries().unwrap(), &query).await;
            let wanted = group.iter().cloned().chain([PEOPLE.to_string()]).collect();
            assert_eq!(found, Ok(BTreeSet::from([wanted])), "{}", room.platform());
            is_untouched(&twin).await;
        }
    }
}
