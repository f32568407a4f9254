//! The twin of Snowflake in `localstack/`, for tests of both rooms: as new for each, one at a time, since its faults are everybody's.

use crate::connection::{Connection, Connections};
use crate::model;
use serde_json::{Value, json};
use snowflake_sql_api::Clock;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tokio::sync::{Mutex, MutexGuard};

static TURN: Mutex<()> = Mutex::const_new(());

pub(crate) const PROVIDER: &str = "ACME.PROVIDER";
pub(crate) const CONSUMER: &str = "ACME.CONSUMER";
/// Where results are unloaded to.
pub(crate) const BUCKET: &str = "airlock-results";

/// How many statements there were of each kind.
pub(crate) type Counts = BTreeMap<String, usize>;

/// What kind of statement a text is.
fn words(text: &str) -> String {
    let name = |text: &str| {
        text.split(|c: char| !c.is_ascii_uppercase() && c != '_').next().unwrap().to_owned()
    };
    if let Some((_, rest)) = text.split_once(".INFORMATION_SCHEMA.") {
        return format!("SELECT … INFORMATION_SCHEMA.{}", name(rest));
    }
    match text.strip_prefix("CALL ") {
        Some(rest) => format!("CALL {}", name(rest.rsplit_once('.').unwrap().1)),
        None => text.split(['"', '\'']).next().unwrap().trim().to_owned(),
    }
}

/// Counts as a golden file has them: one line a kind.
pub(crate) fn lines(counts: &Counts) -> String {
    let lines = counts.iter().map(|(kind, count)| format!("{count:5} {kind}\n"));
    let all: usize = counts.values().sum();
    lines.chain([format!("{all:5} in all\n")]).collect()
}

pub(crate) struct Twin {
    endpoint: String,
    control: String,
    http: reqwest::Client,
    _turn: MutexGuard<'static, ()>,
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

/// The machine's clock, in milliseconds: tokens are signed by it.
#[expect(clippy::disallowed_methods, reason = "the twin's clock is the machine's")]
pub(crate) fn clock() -> Clock {
    Arc::new(|| {
        let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(now.as_millis()).unwrap()
    })
}

impl Twin {
    /// The twin as new; without one it is said, loudly, that the test is not run.
    pub(crate) async fn fresh() -> Option<Self> {
        let Ok(endpoint) = std::env::var("AIRLOCK_SNOWFLAKE") else {
            // Past the harness's capture, which hides what a passing test prints.
            let said = b"NOT RUN: the Snowflake rooms against their twin: AIRLOCK_SNOWFLAKE is not set; localstack/harness up snowflake\n";
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

    pub(crate) async fn asked(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/{path}", self.control);
        let request = self.http.request(method.parse().unwrap(), url).body(body.to_string());
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.asked(method, path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Runs statements in an account, as its administrator; the rows of the last.
    pub(crate) async fn sql(&self, account: &str, statements: &[&str]) -> Vec<Vec<Value>> {
        let body = json!({ "account": account, "statements": statements });
        let answer = self.control("POST", "sql", &body).await;
        let rows = answer["results"].as_array().unwrap().last().unwrap()["rows"].clone();
        serde_json::from_value(rows).unwrap()
    }

    /// The code with which a statement is refused.
    pub(crate) async fn refused(&self, account: &str, statement: &str) -> String {
        let body = json!({ "account": account, "statements": [statement] });
        let (status, answer) = self.asked("POST", "sql", &body).await;
        assert_eq!(status, 422, "{statement}: {answer}");
        answer["code"].as_str().unwrap().to_owned()
    }

    /// A table of an account, `DB/SCHEMA/TABLE`, with columns of these names and types.
    pub(crate) async fn table(
        &self,
        account: &str,
        path: &str,
        columns: &[(&str, &str)],
        rows: &Value,
    ) {
        let columns: Vec<Value> =
            columns.iter().map(|(name, of)| json!({ "name": name, "type": of })).collect();
        let body = json!({ "columns": columns, "rows": rows });
        self.control("PUT", &format!("tables/{account}/{path}"), &body).await;
    }

    pub(crate) async fn fault(&self, fault: &Value) {
        self.control("POST", "faults", &json!({ "faults": [fault] })).await;
    }

    /// How many files lie below a prefix of the landing, where that is a folder.
    pub(crate) fn unloaded(below: &str) -> usize {
        fn files(folder: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|one| if one.path().is_dir() { files(&one.path()) } else { 1 }).sum()
        }
        let store = variable("AIRLOCK_SNOWFLAKE_STORE");
        let folder = store.strip_prefix("file://").unwrap();
        files(&PathBuf::from(format!("{folder}/{BUCKET}/landing/{below}")))
    }

    /// Whether every fault that was asked for was met.
    pub(crate) async fn struck(&self) -> bool {
        self.control("GET", "faults", &json!({})).await["faults"].as_array().unwrap().is_empty()
    }

    /// No faults any more.
    pub(crate) async fn calm(&self) {
        self.control("DELETE", "faults", &json!({})).await;
    }

    pub(crate) async fn set(&self, settings: &Value) {
        self.control("POST", "settings", settings).await;
    }

    /// What became of the statements whose text matches.
    pub(crate) async fn statements(&self, matching: &str) -> Vec<Value> {
        let found = self.control("GET", &format!("statements?match={matching}"), &json!({})).await;
        found["statements"].as_array().unwrap().clone()
    }

    /// What an act sends: how many statements of each kind, by their words before any name, and what came of the act.
    pub(crate) async fn counted<T>(&self, act: impl Future<Output = T>) -> (T, Counts) {
        let before = self.statements("").await.len();
        let done = act.await;
        let mut counts = Counts::new();
        for statement in self.statements("").await.split_off(before) {
            *counts.entry(words(statement["text"].as_str().unwrap())).or_default() += 1;
        }
        (done, counts)
    }

    /// The empty tables of an agreement of so many datasets out of `model`, in the accounts of its first two members.
    pub(crate) async fn tables(&self, datasets: usize) {
        let columns = [
            ("EMAIL_SHA256", "VARCHAR"),
            ("C01", "VARCHAR"),
            ("C02", "FLOAT"),
            ("C03", "NUMBER(38,0)"),
        ];
        for number in 0..datasets {
            let (_, account) = model::member(number % 2);
            let (_, table) = model::dataset(number);
            self.table(&account, &table.replace('.', "/"), &columns, &json!([])).await;
        }
    }

    /// How an account is reached: `ACME-PROVIDER`.
    pub(crate) fn connection(&self, account: &str) -> Connection {
        let store = variable("AIRLOCK_SNOWFLAKE_STORE");
        Connection {
            endpoint: Some(format!("{}/accounts/{account}", self.endpoint)),
            user: Some(variable("AIRLOCK_SNOWFLAKE_USER")),
            key_file: Some(PathBuf::from(variable("AIRLOCK_SNOWFLAKE_KEY_FILE"))),
            unload: Some(format!("s3://{BUCKET}/landing")),
            storage_integration: Some("LANDING".to_owned()),
            landing: Some(format!("{store}/{BUCKET}/landing")),
            warehouse: Some("COMPUTE_WH".to_owned()),
            ..Connection::default()
        }
    }

    /// The members of the suite's agreements, both operated.
    pub(crate) fn connections(&self) -> Connections {
        let of = |member: &str, account: &str| (member.parse().unwrap(), self.connection(account));
        let members = [of("provider", "ACME-PROVIDER"), of("analyst", "ACME-CONSUMER")];
        // The twin's do, which is a guess of its README.
        let verified = [crate::behaviours::PRESET_TABLES.to_owned()].into();
        Connections { members: members.into(), verified, ..Connections::default() }
    }

    /// What the suite's agreements stand on: a table of each member with so many people, and places for results.
    pub(crate) async fn furnish(&self) {
        let key = |n: u32| format!("{n:064x}");
        let orders: Vec<_> = (0..60).map(|n| json!([key(n), f64::from(n)])).collect();
        let people: Vec<_> =
            (20..80).map(|n| json!([key(n), format!("segment {}", n % 3)])).collect();
        let columns = [("email_sha256", "VARCHAR"), ("spent", "FLOAT")];
        self.table(PROVIDER, "SUITE/PUBLIC/ORDERS", &columns, &json!(orders)).await;
        let columns = [("email_sha256", "VARCHAR"), ("segment", "VARCHAR")];
        self.table(CONSUMER, "SUITE/PUBLIC/PEOPLE", &columns, &json!(people)).await;
        self.sql(PROVIDER, &["CREATE DATABASE AIRLOCK"]).await;
        let integration = format!(
            "CREATE STORAGE INTEGRATION LANDING TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE STORAGE_AWS_ROLE_ARN = 'arn:aws:iam::111111111111:role/landing' STORAGE_ALLOWED_LOCATIONS = ('s3://{BUCKET}/')"
        );
        self.sql(CONSUMER, &["CREATE DATABASE AIRLOCK", &integration]).await;
        if let Some(folder) = variable("AIRLOCK_SNOWFLAKE_STORE").strip_prefix("file://") {
            std::fs::create_dir_all(format!("{folder}/{BUCKET}/landing")).unwrap();
        }
    }
}
