//! Against the twin of Snowflake in `localstack/`: tokens that are really checked, statements that really run once. Runs where
//! `AIRLOCK_SNOWFLAKE` names one; the tests take turns, since its faults and settings are everybody's.

use super::{call, ms, quick};
use crate::{
    Address, Binding, Client, Clock, Context, ErrorKind, Fate, FetchedTokens, KeyPair,
    KeyPairTokens, ResultSet, Settings, Statement, Token, TokenKind, Tokens,
};
use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{DataType, Int64Type, TimestampNanosecondType};
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tokio::sync::{Mutex, MutexGuard};

static TURN: Mutex<()> = Mutex::const_new(());

pub(super) struct Twin {
    endpoint: String,
    control: String,
    http: reqwest::Client,
    _turn: MutexGuard<'static, ()>,
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

impl Twin {
    /// The twin as new; without one it is said, loudly, that the test is not run.
    pub(super) async fn fresh() -> Option<Self> {
        use std::io::Write as _;
        let Ok(endpoint) = std::env::var("AIRLOCK_SNOWFLAKE") else {
            // Past the harness's capture, which hides what a passing test prints.
            let said = b"NOT RUN: the SQL API against the Snowflake twin: AIRLOCK_SNOWFLAKE is not set; localstack/harness up snowflake\n";
            std::io::stderr().write_all(said).unwrap();
            return None;
        };
        let turn = TURN.lock().await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let control = variable("AIRLOCK_SNOWFLAKE_CONTROL");
        let twin = Self { endpoint, control, http, _turn: turn };
        twin.control("POST", "reset", &json!({})).await;
        Some(twin)
    }

    async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/{path}", self.control);
        let request = self.http.request(method.parse().unwrap(), url).body(body.to_string());
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    async fn set(&self, settings: &Value) {
        self.control("POST", "settings", settings).await;
    }

    async fn fault(&self, fault: &Value) {
        self.control("POST", "faults", &json!({ "faults": [fault] })).await;
    }

    /// What became of the statements of this text.
    async fn statements(&self, matching: &str) -> Vec<Value> {
        let found = self.control("GET", &format!("statements?match={matching}"), &json!({})).await;
        found["statements"].as_array().unwrap().clone()
    }

    /// The first statement of this text, once there is one and this holds of it.
    async fn until(&self, matching: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut found = Vec::new();
        for _ in 0..1_000 {
            found = self.statements(matching).await;
            if found.first().is_some_and(&holds) {
                return found.swap_remove(0);
            }
            tokio::time::sleep(ms(30)).await;
        }
        panic!("never: {found:?}");
    }

    fn tokens(key: KeyPair, late_ms: i64) -> Arc<dyn Tokens> {
        let account = "ACME-PROVIDER".parse().unwrap();
        let user = variable("AIRLOCK_SNOWFLAKE_USER");
        Arc::new(KeyPairTokens::new(&account, &user, key, clock(late_ms)).unwrap())
    }

    fn with(&self, tokens: Arc<dyn Tokens>, clock: Clock) -> Client {
        let address = Address::new(&format!("{}/accounts/ACME-PROVIDER", self.endpoint)).unwrap();
        Client::new(address, tokens, clock, Settings { tries_max: 4, ..quick() }).unwrap()
    }

    pub(super) fn client(&self) -> Client {
        self.with(Self::tokens(key(), 0), clock(0))
    }
}

#[expect(clippy::disallowed_methods, reason = "the twin's clock is the machine's")]
fn clock(late_ms: i64) -> Clock {
    Arc::new(move || {
        let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(now.as_millis()).unwrap() - late_ms
    })
}

fn key() -> KeyPair {
    let pem = std::fs::read_to_string(variable("AIRLOCK_SNOWFLAKE_KEY_FILE")).unwrap();
    KeyPair::from_pem(&pem).unwrap()
}

pub(super) async fn run(client: &Client, text: &str) -> ResultSet {
    match client.execute(&Statement::new(text), call()).await {
        Ok(found) => found,
        Err(error) => panic!("{error}: {text}"),
    }
}

async fn refused(client: &Client, text: &str) -> (ErrorKind, Fate) {
    let error = client.execute(&Statement::new(text), call()).await.unwrap_err();
    (error.kind(), error.fate())
}

#[tokio::test]
async fn a_result_becomes_arrow() {
    let Some(twin) = Twin::fresh().await else { return };
    for case in ["lower", "upper"] {
        twin.set(&json!({ "type_case": case })).await;
        let text = "SELECT 7 AS N, 1.25::NUMBER(10,2) AS D, 0.5::FLOAT AS R, 'it''s' AS T, TRUE AS B, '2026-02-03'::DATE AS DAY, \
                    '2026-02-03 04:05:06.789'::TIMESTAMP_NTZ AS M, NULL AS NOTHING";
        let found = run(&twin.client(), text).await;
        let batch = found.partition(0).await.unwrap();
        assert_eq!((batch.num_rows(), batch.num_columns()), (1, 8));
        let schema = batch.schema();
        assert_eq!(schema.field(1).data_type(), &DataType::Decimal128(10, 2));
        assert_eq!(schema.field(2).data_type(), &DataType::Float64);
        assert_eq!(batch.column(3).as_string::<i32>().value(0), "it's");
        assert!(batch.column(4).as_boolean().value(0) && batch.column(7).is_null(0));
        assert_eq!(schema.field(5).data_type(), &DataType::Date32);
        let moment = batch.column(6).as_primitive::<TimestampNanosecondType>().value(0);
        assert_eq!(moment, 1_770_091_506_789_000_000);
    }
}

#[tokio::test]
async fn values_are_bound_by_type() {
    let Some(twin) = Twin::fresh().await else { return };
    let statement = Statement::new("SELECT ? AS A, ? AS B, ? AS C, ? AS D, ? AS E")
        .bind(Binding::Fixed(-7))
        .bind(Binding::Boolean(true))
        .bind(Binding::text("x"))
        .bind(Binding::Date(20_000))
        .bind(Binding::Null(crate::BindingType::Text));
    let found = twin.client().execute(&statement, call()).await.unwrap();
    let table = found.table().await.unwrap();
    let cell = |name: &str| table.column(name).unwrap()[0].map(str::to_owned);
    assert_eq!(cell("a").as_deref(), Some("-7"));
    assert_eq!((cell("b").as_deref(), cell("c").as_deref()), (Some("true"), Some("x")));
    assert_eq!((cell("d").as_deref(), cell("e")), (Some("20000"), None));
}

#[tokio::test]
async fn partitions_are_packed_and_whole() {
    let Some(twin) = Twin::fresh().await else { return };
    let client = twin.client();
    run(&client, "CREATE DATABASE D").await;
    let values: Vec<_> = (0..25).map(|n| format!("({n})")).collect();
    let text =
        format!("CREATE TABLE D.PUBLIC.T AS SELECT column1 AS N FROM VALUES {}", values.join(", "));
    run(&client, &text).await;
    twin.set(&json!({ "partition_rows": 10 })).await;
    let found = run(&client, "SELECT N::NUMBER(10,0) AS N FROM D.PUBLIC.T ORDER BY 1").await;
    assert_eq!((found.row_count(), found.partition_count()), (25, 3));
    twin.fault(&json!({ "kind": "partition_error" })).await;
    let batches: Vec<_> = found.batches().try_collect().await.unwrap();
    let numbers: Vec<_> = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter().collect::<Vec<_>>())
        .collect();
    assert_eq!(numbers, (0..25).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_statement_runs_once_whatever_becomes_of_its_answer() {
    let Some(twin) = Twin::fresh().await else { return };
    let client = twin.client();
    run(&client, "CREATE DATABASE D").await;
    run(&client, "CREATE TABLE D.PUBLIC.T (N NUMBER)").await;
    let faults = [
        "cut_before",
        "cut_after",
        "error_before",
        "error_after",
        "truncate",
        "malformed",
        "throttle",
    ];
    for (number, kind) in faults.iter().enumerate() {
        twin.fault(&json!({ "kind": kind, "route": "submit" })).await;
        let found = run(&client, &format!("INSERT INTO D.PUBLIC.T VALUES ({number})")).await;
        assert_eq!(found.stats().get("numRowsInserted"), Some(&1), "{kind}");
    }
    let found = run(&client, "SELECT COUNT(*) AS N, COUNT(DISTINCT N) AS M FROM D.PUBLIC.T").await;
    let table = found.table().await.unwrap();
    let seven = vec![Some("7")];
    assert_eq!((table.column("N").unwrap(), table.column("M").unwrap()), (seven.clone(), seven));
}

#[tokio::test]
async fn a_statement_that_takes_time_is_followed() {
    let Some(twin) = Twin::fresh().await else { return };
    twin.set(&json!({ "statement_run_s": 0.2, "sync_s_max": 0.05 })).await;
    let client = twin.client();
    for statement in
        [Statement::new("SELECT 1 AS N"), Statement::new("SELECT 1 AS N").asynchronous()]
    {
        twin.fault(&json!({ "kind": "error_before", "route": "poll", "status": 503 })).await;
        twin.fault(&json!({ "kind": "truncate", "route": "poll", "skip": 1 })).await;
        let found = client.execute(&statement, call()).await.unwrap();
        assert_eq!(found.row_count(), 1);
    }
}

#[tokio::test]
async fn what_nobody_waits_for_is_cancelled() {
    let Some(twin) = Twin::fresh().await else { return };
    twin.set(&json!({ "statement_run_s": 30, "sync_s_max": 0.2 })).await;
    let client = twin.client();
    let short = call().at_most(ms(1_000));
    let error = client.execute(&Statement::new("SELECT 'deadline'"), short).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::DeadlinePassed, Fate::Failed));
    let other = client.clone();
    let task =
        tokio::spawn(
            async move { other.execute(&Statement::new("SELECT 'dropped'"), call()).await },
        );
    twin.until("dropped", |_| true).await;
    task.abort();
    let found = twin.until("dropped", |one| one["code"] == "000604").await;
    assert_eq!(found["executed"], json!(false));
    assert_eq!(twin.statements("deadline").await[0]["executed"], json!(false));
}

#[tokio::test]
async fn a_statements_own_time_is_over() {
    let Some(twin) = Twin::fresh().await else { return };
    twin.set(&json!({ "statement_run_s": 3 })).await;
    let statement = Statement::new("SELECT 1").timeout_s(1);
    let error = twin.client().execute(&statement, call()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::StatementTimeout, Some(408)));
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let Some(twin) = Twin::fresh().await else { return };
    let client = twin.client();
    run(&client, "CREATE DATABASE D").await;
    run(&client, "CREATE TABLE D.PUBLIC.T (N NUMBER)").await;
    let known = [
        ("SELECT * FROM D.PUBLIC.NONE", ErrorKind::MissingOrHidden),
        ("CREATE TABLE D.PUBLIC.T (N NUMBER)", ErrorKind::AlreadyExists),
        ("SELEC 1", ErrorKind::Syntax),
        ("SELECT NONE FROM D.PUBLIC.T", ErrorKind::NameUnknown),
    ];
    for (text, kind) in known {
        assert_eq!(refused(&client, text).await, (kind, Fate::Failed), "{text}");
    }
    let context = Context { role: Some("NOBODY".to_owned()), ..Context::default() };
    let statement = Statement::new("SELECT 1").within(context);
    let error = client.execute(&statement, call()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingOrHidden);
    twin.fault(&json!({ "kind": "expired" })).await;
    run(&client, "SELECT 1").await;
}

#[tokio::test]
async fn who_is_not_known() {
    let Some(twin) = Twin::fresh().await else { return };
    let stranger = twin.with(Twin::tokens(crate::key::made().0, 0), clock(0));
    let error = stranger.execute(&Statement::new("SELECT 1"), call()).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::CredentialsRefused, Fate::NotStarted));
    let late = twin.with(Twin::tokens(key(), 7_200_000), clock(7_200_000));
    let error = late.execute(&Statement::new("SELECT 1"), call()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ClockSkewed);
    let token = json!({ "account": "ACME.PROVIDER", "user": "GATEWAY" });
    twin.control("PUT", "tokens/zqoauth", &token).await;
    let fetched = |text: &'static str| -> Arc<dyn Tokens> {
        Arc::new(FetchedTokens::new(move |_| async move { Ok(Token::new(text, TokenKind::OAuth)) }))
    };
    run(&twin.with(fetched("zqoauth"), clock(0)), "SELECT 1").await;
    let unknown = twin.with(fetched("zqother"), clock(0));
    let error = unknown.execute(&Statement::new("SELECT 1"), call()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.snowflake_code()),
        (ErrorKind::CredentialsRefused, Some("390303"))
    );
}

#[tokio::test]
async fn several_statements() {
    let Some(twin) = Twin::fresh().await else { return };
    let client = twin.client();
    let text = "SELECT 1 AS A; SELECT 'x' AS B UNION ALL SELECT 'y'";
    let found = client.execute(&Statement::new(text).several(2), call()).await.unwrap();
    assert_eq!(found.children().len(), 2);
    let second = client.wait(&found.children()[1], call()).await.unwrap();
    assert_eq!((second.row_count(), second.columns()[0].name.as_str()), (2, "B"));
    let error = client.execute(&Statement::new(text), call()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
