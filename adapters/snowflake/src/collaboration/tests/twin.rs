//! Against the twin in `localstack/`: the suite, runs, faults in every step, a member that nobody operates, and the trial. Runs where
//! `AIRLOCK_SNOWFLAKE` names one, and says loudly where it does not.

use super::hostile::everywhere;
use super::refused::known_by;
use super::{agreement, member};
use crate::behaviours::behaviours;
use crate::collaboration::room::SnowflakeCollaborations;
use crate::connection::Connections;
use crate::twin::{CONSUMER, PROVIDER, Twin, clock};
use adapter_spi::{
    Adapter, Cx, Desired, Landing, Observation, Plan, Probe, ProtectedQuery, ResourceKind,
    RunLimits, RunStatus, RunsQueries as _, Scope, suite,
};
use mappings::guard::guard;
use mappings::model::{Agreement, Literal, PlatformId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use url::Url;

const PASSES: usize = 40;

pub(super) struct Stage {
    pub(super) twin: Twin,
    pub(super) adapter: SnowflakeCollaborations,
}

impl Stage {
    pub(super) async fn set() -> Option<Self> {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut Connections)) -> Option<Self> {
        let twin = Twin::fresh().await?;
        twin.furnish().await;
        let mut connections = twin.connections();
        change(&mut connections);
        let adapter = SnowflakeCollaborations::new(connections, clock());
        Some(Self { twin, adapter })
    }

    pub(super) const fn adapter(&self) -> &SnowflakeCollaborations {
        &self.adapter
    }

    pub(super) async fn look(&self, scope: &Scope) -> Observation {
        self.adapter.observe(scope, &Cx::default()).await.unwrap()
    }

    pub(super) async fn plan(&self, scope: &Scope, desired: &Desired) -> Plan {
        let seen = self.look(scope).await;
        assert_eq!(seen.unseen, BTreeMap::new());
        self.adapter.plan(desired, &seen).unwrap()
    }

    /// Passes until nothing is left to do; how many steps failed.
    pub(super) async fn converge(&self, scope: &Scope, desired: &Desired) -> usize {
        let mut failed = 0;
        for _ in 0..PASSES {
            let made = self.plan(scope, desired).await;
            if made.is_settled() {
                return failed;
            }
            assert_eq!((&made.refused, made.waiting.len()), (&None, 0), "{:?}", made.waiting);
            for step in &made.steps {
                failed += usize::from(self.adapter.apply(step, &Cx::default()).await.is_err());
            }
        }
        panic!("no fixed point: {:#?}", self.plan(scope, desired).await);
    }

    /// What the runner's account can run by itself.
    pub(super) async fn by_hand(&self, room: &str, template: &str) -> Result<usize, String> {
        let text = format!(
            "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.RUN('{room}', '{template}', [], [], {{}})"
        );
        let body = json!({ "account": CONSUMER, "statements": [text] });
        let (status, answer) = self.twin.asked("POST", "sql", &body).await;
        match status {
            200 => Ok(answer["results"][0]["rows"].as_array().unwrap().len()),
            _ => Err(answer["code"].as_str().unwrap_or_default().to_owned()),
        }
    }
}

pub(super) fn kinds(seen: &Observation) -> BTreeSet<ResourceKind> {
    seen.resources.iter().map(|one| one.kind.clone()).collect()
}

pub(super) fn wanted(desired: &Desired) -> BTreeSet<ResourceKind> {
    desired.resources().into_iter().map(|one| one.kind).collect()
}

pub(super) fn case(name: &str) -> (Arc<Agreement>, Scope, Desired) {
    let agreement = agreement(name, 1);
    let (scope, whole) = (Scope::of(&agreement), Desired::whole(Arc::clone(&agreement)));
    (agreement, scope, whole)
}

/// The names of the room and of its template, as the platform knows them.
pub(super) fn named(agreement: &Arc<Agreement>) -> (String, String) {
    let all = crate::collaboration::wanted::wanted(&Desired::whole(Arc::clone(agreement)));
    let room = all.rooms.values().next().unwrap();
    (room.base.clone(), room.templates.values().next().unwrap().id.clone())
}

#[tokio::test]
async fn the_adapter_conforms() {
    let Some(stage) = Stage::set().await else { return };
    let report = Box::pin(suite::conforms(&stage.adapter)).await.unwrap();
    let kept = include_str!("../../../../../tests/conformance/snowflake-dcr.txt");
    assert_eq!(report.to_string(), kept);
}

#[tokio::test]
async fn what_is_withdrawn_is_closed_from_the_runners_account() {
    let Some(stage) = Stage::set().await else { return };
    let (agreement, scope, whole) = case("suite-withdrawn");
    let (room, template) = named(&agreement);
    assert!(stage.by_hand(&room, &template).await.is_err(), "there is nothing yet");
    stage.converge(&scope, &whole).await;
    assert_eq!(kinds(&stage.look(&scope).await), wanted(&whole));
    assert_eq!(stage.by_hand(&room, &template).await, Ok(3));
    let orders = ResourceKind::Dataset("orders".parse().unwrap());
    let overlap = ResourceKind::Template("overlap".parse().unwrap());
    let try_it = async |what: &ResourceKind| {
        stage.adapter.probe(what, &scope, &Cx::default()).await.unwrap()
    };
    assert_eq!((try_it(&orders).await, try_it(&overlap).await), (Probe::Served, Probe::Served));
    let mut less = whole.clone();
    less.datasets.remove(&"orders".parse().unwrap());
    // One pass is enough, and its first step is.
    let made = stage.plan(&scope, &less).await;
    assert_eq!(made.steps[0].call["operation"], "Unlink");
    stage.adapter.apply(&made.steps[0], &Cx::default()).await.unwrap();
    assert!(stage.by_hand(&room, &template).await.is_err());
    stage.converge(&scope, &less).await;
    assert_eq!((try_it(&orders).await, try_it(&overlap).await), (Probe::Denied, Probe::Denied));
    let people = ResourceKind::Dataset("people".parse().unwrap());
    assert_eq!(kinds(&stage.look(&scope).await), BTreeSet::from([people]));
    stage.converge(&scope, &whole).await;
    assert_eq!(stage.by_hand(&room, &template).await, Ok(3));
}

#[tokio::test]
async fn runs_are_looked_for_where_the_gateway_has_no_database() {
    let Some(stage) = Stage::set().await else { return };
    let (agreement, scope, whole) = case("suite-history");
    stage.converge(&scope, &whole).await;
    let mut connections = stage.twin.connections();
    for connection in connections.members.values_mut() {
        connection.database = Some("NOWHERE".to_owned());
    }
    let adapter = SnowflakeCollaborations::new(connections, clock());
    let runs = adapter.runs_queries().unwrap();
    let closed = Desired::closed(agreement);
    let answered = async |database: &str| {
        let looked = stage.twin.statements(database).await;
        looked.iter().filter(|one| one["state"] == "SUCCEEDED").count()
    };
    assert_eq!(runs.stop(&closed, &scope, &Cx::default()).await.unwrap(), 0);
    let local = "LOCAL_DB%22.INFORMATION_SCHEMA.QUERY_HISTORY";
    assert!(answered(local).await > 0, "the application's own database is asked");
    let (before, all) = (answered(local).await, answered("QUERY_HISTORY").await);
    stage.twin.set(&json!({ "dcr_history": "refuse" })).await;
    assert_eq!(runs.stop(&closed, &scope, &Cx::default()).await.unwrap(), 0);
    assert_eq!(answered(local).await, before);
    assert!(answered("QUERY_HISTORY").await > all, "another is asked where it shows nothing");
    let fault = json!({ "kind": "statement_error", "match": "QUERY_HISTORY", "times": 99, "code": "002003", "state": "02000", "message": "no" });
    stage.twin.fault(&fault).await;
    let blind = runs.stop(&closed, &scope, &Cx::default()).await;
    assert!(blind.is_err(), "nothing was looked at");
}

#[tokio::test]
async fn dropping_the_view_stops_what_an_unlink_has_not_reached_yet() {
    let Some(stage) = Stage::set().await else { return };
    let (agreement, scope, whole) = case("suite-stopped");
    let (room, template) = named(&agreement);
    stage.converge(&scope, &whole).await;
    let mut less = whole.clone();
    less.datasets.remove(&"orders".parse().unwrap());
    let made = stage.plan(&scope, &less).await;
    let drop_view = made.steps.iter().find(|step| step.call["operation"] == "DropView").unwrap();
    stage.adapter.apply(drop_view, &Cx::default()).await.unwrap();
    assert!(stage.by_hand(&room, &template).await.is_err());
    assert!(
        !kinds(&stage.look(&scope).await)
            .contains(&ResourceKind::Dataset("orders".parse().unwrap()))
    );
}

#[tokio::test]
async fn a_step_that_fails_anywhere_is_gone_on_from() {
    let Some(stage) = Stage::set().await else { return };
    for (number, account) in [PROVIDER, CONSUMER].into_iter().enumerate() {
        for skip in 0..6 {
            let (_, scope, whole) = case(&format!("suite-fault-{number}-{skip}"));
            stage
                .twin
                .fault(&json!({ "kind": "dcr_step", "account": account, "skip": skip }))
                .await;
            stage.converge(&scope, &whole).await;
            assert_eq!(kinds(&stage.look(&scope).await), wanted(&whole), "{account} {skip}");
            stage.converge(&scope, &Desired::closed(Arc::clone(&whole.agreement))).await;
            assert!(stage.look(&scope).await.resources.is_empty(), "{account} {skip}");
            stage.twin.calm().await;
        }
    }
}

#[tokio::test]
async fn answers_that_are_lost_change_nothing_in_the_end() {
    let Some(stage) = Stage::set().await else { return };
    let mut never = BTreeSet::new();
    for (number, call) in everywhere("x").iter().enumerate() {
        let kind = ["cut_after", "error_before"][number % 2];
        let (_, scope, whole) = case(&format!("suite-lost-{number}"));
        let fault = json!({ "kind": kind, "match": known_by(call), "route": "submit", "times": 3, "status": 500 });
        stage.twin.fault(&fault).await;
        stage.converge(&scope, &whole).await;
        stage.converge(&scope, &Desired::closed(Arc::clone(&whole.agreement))).await;
        assert!(stage.look(&scope).await.resources.is_empty(), "{}", call.operation());
        if !stage.twin.struck().await {
            never.insert(call.operation());
        }
        stage.twin.calm().await;
    }
    // No opening and closing sends these: `cuts` has the sequences that do.
    let others =
        ["EDIT", "REJECT_UPDATE_REQUEST", "UNREGISTER_DATA_OFFERING", "UNREGISTER_TEMPLATE"];
    assert_eq!(never, BTreeSet::from(others));
}

#[tokio::test]
async fn a_leave_takes_two_calls_and_time_and_another_process_goes_on() {
    let Some(stage) = Stage::set().await else { return };
    let (agreement, scope, whole) = case("suite-slow");
    stage.converge(&scope, &whole).await;
    stage.twin.set(&json!({ "dcr_step_s": 2.0 })).await;
    let closed = Desired::closed(Arc::clone(&agreement));
    let (mut calls, mut waited) = (BTreeSet::new(), 0);
    for _ in 0..200 {
        // Another process each time: it knows nothing of the calls before.
        let adapter = SnowflakeCollaborations::new(stage.twin.connections(), clock());
        let seen = adapter.observe(&scope, &Cx::default()).await.unwrap();
        let made = adapter.plan(&closed, &seen).unwrap();
        if made.is_settled() {
            break;
        }
        waited += usize::from(made.pending);
        for step in &made.steps {
            calls.insert(format!("{} {}", step.call["operation"], step.call["again"]));
            let _refused = adapter.apply(step, &Cx::default()).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    for call in ["\"Leave\" false", "\"Leave\" true", "\"Teardown\" false", "\"Teardown\" true"] {
        assert!(calls.contains(call), "{call}: {calls:?}");
    }
    assert!(waited > 0, "what was asked for takes its time");
    let seen = stage.look(&scope).await;
    assert!(seen.members.is_empty() && seen.resources.is_empty());
}

#[tokio::test]
async fn a_member_that_nobody_operates_is_waited_for() {
    let only = |connections: &mut Connections| {
        connections.members.retain(|name, _| *name == member("analyst"));
    };
    let Some(stage) = Stage::with(only).await else { return };
    let (_, scope, whole) = case("suite-half");
    for _ in 0..PASSES {
        let made = stage.plan(&scope, &whole).await;
        if made.steps.is_empty() {
            break;
        }
        for step in &made.steps {
            assert_eq!(step.call["at"]["member"], "analyst");
            stage.adapter.apply(step, &Cx::default()).await.unwrap();
        }
    }
    let made = stage.plan(&scope, &whole).await;
    assert!(made.waiting.iter().all(|one| one.member == member("provider")));
    // What it is told to run, it can run.
    let acts: Vec<&str> = made.waiting.iter().map(|one| one.act.as_str()).collect();
    let joins = acts.iter().find(|act| act.contains("REVIEW(")).unwrap();
    let joins: Vec<&str> =
        joins.split_inclusive(';').map(|one| one.trim().trim_end_matches(';')).collect();
    stage.twin.sql(PROVIDER, &joins).await;
    let made = stage.plan(&scope, &whole).await;
    assert!(!made.waiting.iter().any(|one| one.act.contains("REVIEW(")), "{:?}", made.waiting);
    assert!(stage.look(&scope).await.members.contains(&member("provider")));
}

fn query(agreement: &Arc<Agreement>, run: &str, landing: &std::path::Path) -> ProtectedQuery {
    let guarded = guard(agreement, &"overlap".parse().unwrap()).unwrap();
    ProtectedQuery {
        run: run.parse().unwrap(),
        by: member("analyst"),
        receivers: vec![member("analyst")],
        agreement: Arc::clone(agreement),
        hidden: BTreeSet::new(),
        guarded: Arc::new(guarded),
        parameters: BTreeMap::new(),
        landing: Landing { url: Url::from_directory_path(landing).unwrap() },
        limits: RunLimits::default(),
        base: None,
    }
}

async fn ended(adapter: &SnowflakeCollaborations, run: &str) -> RunStatus {
    let run = run.parse().unwrap();
    for _ in 0..PASSES {
        let status = adapter.status(&run, &Cx::default()).await.unwrap();
        if !matches!(status, RunStatus::Running(_) | RunStatus::Cancelling) {
            return status;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it does not end");
}

fn rows_of(landing: &std::path::Path, status: &RunStatus) -> usize {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    let RunStatus::Succeeded(output) = status else { panic!("{status:?}") };
    let rows = output.files.iter().map(|name| {
        let file = std::fs::File::open(landing.join(name)).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let columns = reader.metadata().file_metadata().schema_descr().columns().iter();
        let columns: Vec<String> = columns.map(|column| column.name().to_owned()).collect();
        assert_eq!(columns, ["measured", "persons"]);
        usize::try_from(reader.metadata().file_metadata().num_rows()).unwrap()
    });
    rows.sum()
}

#[tokio::test]
async fn a_run_brings_its_rows_home_by_either_way() {
    for unloads in [true, false] {
        let change = |connections: &mut Connections| {
            if !unloads {
                connections.members.values_mut().for_each(|one| one.unload = None);
            }
        };
        let Some(stage) = Stage::with(change).await else { return };
        let (agreement, scope, whole) = case("suite-run");
        let folder = tempfile::tempdir().unwrap();
        let query = query(&agreement, "run-1", folder.path());
        let refused = stage.adapter.submit(&query, &Cx::default()).await.unwrap_err();
        assert_eq!(refused.code, "not-granted");
        stage.converge(&scope, &whole).await;
        stage.adapter.submit(&query, &Cx::default()).await.unwrap();
        let status = ended(&stage.adapter, "run-1").await;
        assert_eq!(rows_of(folder.path(), &status), 3, "unloads: {unloads}");
        assert_eq!(stage.twin.statements("COPY").await.len(), usize::from(unloads));
    }
}

#[tokio::test]
async fn a_text_runs_on_over_what_is_left_of_a_dataset_and_another_does_not() {
    let Some(stage) = Stage::set().await else { return };
    let (agreement, scope, whole) = case("suite-left");
    stage.converge(&scope, &whole).await;
    let folder = tempfile::tempdir().unwrap();
    let hidden = |dataset: &str| (dataset.parse().unwrap(), "measured".parse().unwrap());
    // The text reads no such column of orders.
    let mut less = whole.clone();
    less.hidden.insert(hidden("orders"));
    let before = query(&agreement, "run-before", folder.path());
    let after = ProtectedQuery {
        hidden: less.hidden.clone(),
        ..query(&agreement, "run-after", folder.path())
    };
    let refused = async |query: &ProtectedQuery| {
        stage.adapter.submit(query, &Cx::default()).await.unwrap_err().code
    };
    assert_eq!(refused(&after).await, "not-granted", "the wider view is there still");
    stage.converge(&scope, &less).await;
    assert_eq!(refused(&before).await, "not-granted", "the wider view is there no more");
    stage.adapter.submit(&after, &Cx::default()).await.unwrap();
    assert_eq!(rows_of(folder.path(), &ended(&stage.adapter, "run-after").await), 3);
    // It groups by this one of people.
    less.hidden.insert(hidden("people"));
    stage.converge(&scope, &less).await;
    let none = ProtectedQuery { hidden: less.hidden.clone(), ..after.clone() };
    assert_eq!((refused(&none).await, refused(&after).await), ("not-granted", "not-granted"));
    stage.converge(&scope, &whole).await;
    stage.adapter.submit(&before, &Cx::default()).await.unwrap();
    assert!(matches!(ended(&stage.adapter, "run-before").await, RunStatus::Succeeded(_)));
}

#[tokio::test]
async fn a_provider_of_a_lower_edition_never_comes_in_and_it_is_said() {
    let Some(stage) = Stage::set().await else { return };
    stage.twin.control("PUT", "accounts/ACME.PROVIDER", &json!({ "edition": "STANDARD" })).await;
    let (_, scope, whole) = case("suite-edition");
    let mut said = BTreeSet::new();
    for _ in 0..PASSES {
        for step in &stage.plan(&scope, &whole).await.steps {
            if let Err(error) = stage.adapter.apply(step, &Cx::default()).await {
                said.insert((error.operation, step.call["at"]["member"].to_string()));
            }
        }
    }
    assert!(said.contains(&("JOIN", "\"provider\"".to_owned())), "{said:?}");
    let seen = stage.look(&scope).await;
    assert!(!seen.members.contains(&member("provider")));
    assert_eq!(seen.resources.len(), 1, "the runner's own alone: {:?}", seen.resources);
}

#[tokio::test]
async fn old_specs_are_taken_back_and_what_the_platform_keeps_is_not_asked_for_again() {
    let Some(stage) = Stage::set().await else { return };
    let (agreement, scope, whole) = case("suite-specs");
    stage.converge(&scope, &whole).await;
    let all = crate::collaboration::wanted::wanted(&Desired::whole(Arc::clone(&agreement)));
    let said = all.rooms.values().next().unwrap().templates.values().next().unwrap().clone();
    let version = said.id.rsplit_once('_').unwrap().1;
    for n in 0..18 {
        let spec = said.spec.replace(&format!("\"{version}\""), &format!("\"h{n:016x}\""));
        let text = format!(
            "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.REGISTER_TEMPLATE('{}')",
            spec.replace('\\', "\\\\").replace('\'', "''")
        );
        stage.twin.sql(PROVIDER, &[&text]).await;
    }
    let listed = async || {
        let text = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_TEMPLATES()";
        stage.twin.sql(PROVIDER, &[text]).await.len()
    };
    assert_eq!(listed().await, 19);
    let fault = json!({ "kind": "statement_error", "match": "UNREGISTER", "times": 1, "code": "100357", "state": "P0001", "message": "linked" });
    stage.twin.fault(&fault).await;
    assert_eq!(stage.converge(&scope, &whole).await, 0, "that it keeps one is no failure");
    assert_eq!(listed().await, 18, "one of the two over the number, and one that was kept");
    assert_eq!(kinds(&stage.look(&scope).await), wanted(&whole));
    assert_eq!(stage.converge(&scope, &whole).await, 0);
}

#[tokio::test]
async fn values_stay_values_and_names_stay_names() {
    const DATABASE: &str = "Air \"lock'; --";
    let change = |connections: &mut Connections| {
        connections.members.values_mut().for_each(|one| one.database = Some(DATABASE.to_owned()));
    };
    let Some(stage) = Stage::with(change).await else { return };
    for account in [PROVIDER, CONSUMER] {
        let made = format!("CREATE DATABASE \"{}\"", DATABASE.replace('"', "\"\""));
        stage.twin.sql(account, &[&made]).await;
    }
    let mut document = serde_json::to_value(&*agreement("suite-values", 1)).unwrap();
    let template = &mut document["templates"]["overlap"];
    template["parameters"] = json!({ "said": { "type": "utf8" } });
    template["sql"] = json!(
        "SELECT p.measured, COUNT(DISTINCT p.person) AS persons FROM people p JOIN orders o ON p.person = o.person WHERE p.measured <> :said GROUP BY p.measured"
    );
    let agreement: Arc<Agreement> = Arc::new(serde_json::from_value(document).unwrap());
    let (scope, whole) = (Scope::of(&agreement), Desired::whole(Arc::clone(&agreement)));
    stage.converge(&scope, &whole).await;
    let mut bound = stage.twin.connections();
    bound.members.values_mut().for_each(|one| one.database = Some(DATABASE.to_owned()));
    bound.verified.insert("parameters-bound".to_owned());
    let bound = SnowflakeCollaborations::new(bound, clock());
    let hostile = "x' OR '1'='1 \\' -- {{ said }} {% if %} \u{2028}\u{85}\ty: [z]\n\"";
    for (number, (said, rows)) in
        [(hostile, 3), ("segment 0", 2), ("yes", 3)].into_iter().enumerate()
    {
        let folder = tempfile::tempdir().unwrap();
        let run = format!("run-{number}");
        let mut query = query(&agreement, &run, folder.path());
        let unbound = stage.adapter.submit(&query, &Cx::default()).await.unwrap_err();
        assert_eq!(unbound.code, "parameter-unbound");
        query.parameters.insert("said".parse().unwrap(), Literal::Utf8(said.to_owned()));
        // Nobody saw that it is bound: what would be more than a value otherwise is not sent.
        let unseen = stage.adapter.submit(&query, &Cx::default()).await;
        let code = unseen.err().map(|error| error.code);
        assert_eq!(code, (said == hostile).then_some("parameter-unverified"));
        if code.is_some() {
            bound.submit(&query, &Cx::default()).await.unwrap();
        }
        let adapter = if code.is_some() { &bound } else { &stage.adapter };
        assert_eq!(rows_of(folder.path(), &ended(adapter, &run).await), rows, "{number}");
    }
    stage.converge(&scope, &Desired::closed(agreement)).await;
    assert!(stage.look(&scope).await.resources.is_empty());
}

#[tokio::test]
async fn a_platform_that_returns_nothing_is_said_so() {
    let Some(stage) = Stage::set().await else { return };
    stage.twin.set(&json!({ "dcr_results": "refuse" })).await;
    let (agreement, scope, whole) = case("suite-refuse");
    stage.converge(&scope, &whole).await;
    let folder = tempfile::tempdir().unwrap();
    stage.adapter.submit(&query(&agreement, "run-1", folder.path()), &Cx::default()).await.unwrap();
    let RunStatus::Failed(failure) = ended(&stage.adapter, "run-1").await else {
        panic!("it ends badly")
    };
    assert_eq!(failure.code, "results-not-returned");
}

#[tokio::test]
async fn what_is_unverified_is_tried_and_said_without_a_name() {
    let Some(stage) = Stage::set().await else { return };
    let (agreement, ..) = case("suite-verify");
    let analyst = member("analyst");
    let read = stage.adapter.verify(&agreement, &analyst, false, &Cx::default()).await;
    let made =
        |statements: &[Value]| statements.iter().filter(|one| one["executed"] == true).count();
    for word in ["INITIALIZE", "REGISTER_DATA", "CREATE%20SCHEMA", "LINK_"] {
        assert_eq!(
            made(&stage.twin.statements(word).await),
            0,
            "{word}: reading alone makes nothing"
        );
    }
    assert!(read.found.iter().any(|one| one.answer == "not-tried"));
    let tried = stage.adapter.verify(&agreement, &analyst, true, &Cx::default()).await;
    let answers: BTreeMap<&str, &str> =
        tried.found.iter().map(|one| (one.question, one.answer)).collect();
    let mut not: Vec<&str> =
        answers.iter().filter(|(_, answer)| **answer != "yes").map(|(name, _)| *name).collect();
    not.sort_unstable();
    // The twin's user has what a new user has: secondary roles. Letters and floats are its engine's.
    not.retain(|code| !["letters", "float-overflow"].contains(code));
    assert_eq!(not, ["secondary-roles-off"], "{tried}");
    for one in behaviours(&PlatformId::snowflake_dcr(), None) {
        let asked = one.settled_by.is_none_or(|code| answers.contains_key(code.as_str()));
        assert!(asked, "no question {}", one.code);
    }
    assert_eq!(answers.len(), tried.found.len());
    let shown = tried.to_string().to_lowercase();
    let sent = serde_json::to_string(&tried).unwrap().to_lowercase();
    for name in ["acme", "consumer", "analyst", "suite", "gateway\"", "127.0.0.1", "made up\""] {
        assert!(!shown.contains(name) && !sent.contains(name), "{name}: {sent}");
    }
    assert!(sent.contains("took_ms") && tried.region.contains("US_EAST_1"), "{}", tried.region);
    let left = stage
        .twin
        .sql(CONSUMER, &["CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS()"])
        .await;
    assert!(left.is_empty(), "{left:?}");
    stage.twin.set(&json!({ "dcr_presets": "named" })).await;
    let loose = stage.adapter.verify(&agreement, &analyst, true, &Cx::default()).await;
    let kept = loose.found.iter().find(|one| one.question == "preset-kept").unwrap();
    assert_eq!((kept.answer, kept.detail.as_str()), ("no", ""), "{loose}");
    stage.twin.set(&json!({ "dcr_presets": "kept", "dcr_results": "refuse" })).await;
    let refused = stage.adapter.verify(&agreement, &analyst, true, &Cx::default()).await;
    let run = refused.found.iter().find(|one| one.question == "run-returns-rows").unwrap();
    assert_eq!(
        (run.answer, run.detail.as_str()),
        ("no", "unsupported, Snowflake 391916, SQL state 0A000")
    );
}
