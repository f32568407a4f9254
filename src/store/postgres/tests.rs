//! `PostgreSQL` passes the suite, with every step in a newly opened store, and what only a server can suffer. Runs where
//! `AIRLOCK_POSTGRES_URL` names a server in which databases may be made; each test makes its own.

mod hostile;

use super::*;
use crate::store::{Once, suite};
use sqlx::AssertSqlSafe;
use std::fmt::Write as _;
use std::sync::Arc;

/// A database that one test has for itself.
#[derive(Debug)]
pub(crate) struct Database {
    server: url::Url,
    name: String,
}

impl Database {
    /// A new database; without a server it is said, loudly, that the test is not run.
    pub(crate) async fn fresh() -> Option<Self> {
        use std::io::Write as _;
        let Ok(server) = std::env::var("AIRLOCK_POSTGRES_URL") else {
            // Past the harness's capture, which hides what a passing test prints.
            let said = b"NOT RUN: the PostgreSQL store: AIRLOCK_POSTGRES_URL is not set; localstack/harness up postgres\n";
            std::io::stderr().write_all(said).unwrap();
            return None;
        };
        let mut unique = [0u8; 8];
        getrandom::fill(&mut unique).unwrap();
        let mut name = "airlock_test_".to_owned();
        for byte in unique {
            write!(name, "{byte:02x}").unwrap();
        }
        let database = Self { server: server.parse().unwrap(), name };
        database.maintain(&format!("CREATE DATABASE {}", database.name)).await;
        Some(database)
    }

    async fn maintain(&self, statement: &str) {
        let options = Address::new(self.server.as_str(), None).unwrap().options();
        let mut server = PgConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut server).await.unwrap();
    }

    pub(crate) async fn removed(self) {
        self.maintain(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }

    fn url(&self) -> url::Url {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url
    }

    fn address(&self) -> Address {
        Address::new(self.url().as_str(), None).unwrap()
    }

    pub(crate) async fn open(&self) -> Result<PostgresStore, StoreError> {
        PostgresStore::open(&self.address()).await
    }

    /// Does something behind the store's back, as the database's owner, who may go past triggers.
    async fn meddle(&self, statement: &str) -> sqlx::Result<()> {
        let mut direct = PgConnection::connect_with(&self.address().options()).await?;
        let all = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut direct).await;
        all.map(drop)
    }

    /// Puts a clock that can be stepped in the place of the database's.
    async fn steppable(&self) {
        const SKEW: &str = "CREATE TABLE airlock.skew (by_ms bigint); INSERT INTO airlock.skew VALUES (0); \
            CREATE OR REPLACE FUNCTION airlock.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS \
            'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint + (SELECT by_ms FROM airlock.skew)'";
        self.meddle(SKEW).await.unwrap();
    }

    async fn step(&self, by_ms: i64) {
        let step = format!("UPDATE airlock.skew SET by_ms = by_ms + {by_ms}");
        self.meddle(&step).await.unwrap();
    }
}

fn named(name: &str) -> CollaborationId {
    CollaborationId::new(name).unwrap()
}

fn of(leaves: &[&str]) -> Appended {
    let leaves = leaves.iter().map(|leaf| leaf.as_bytes().to_vec()).collect();
    Appended::new(leaves, "signed".to_owned())
}

/// The head of a log of so many leaves.
fn after(size: u64) -> Head {
    Head { size, checkpoint: (size > 0).then(|| "signed".to_owned()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms() {
    let Some(database) = Database::fresh().await else { return };
    drop(database.open().await.unwrap());
    database.steppable().await;
    let open = || async {
        let store: Arc<dyn Store> = Arc::new(database.open().await.unwrap());
        store
    };
    let pass = |by: Duration| database.step(i64::try_from(by.as_millis()).unwrap());
    suite::conforms(open, pass).await;
    suite::clock_steps_do_no_harm(open, |by_ms| database.step(by_ms)).await;
    let counted = database.open().await.unwrap();
    let count = async || {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM airlock.once");
        usize::try_from(count.fetch_one(&counted.pool).await.unwrap()).unwrap()
    };
    suite::keys_are_swept(&counted, pass, count).await;
    database.removed().await;
}

#[tokio::test]
async fn a_lease_expires_by_the_servers_clock() {
    let Some(database) = Database::fresh().await else { return };
    let store = database.open().await.unwrap();
    store.acquire("one", "a", Duration::from_millis(50)).await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(80)).await;
    assert_eq!(store.acquire("one", "b", Duration::from_hours(1)).await.unwrap().unwrap().token, 2);
    assert_eq!(store.acquire("one", "c", Duration::from_hours(1)).await, Ok(None));
    database.removed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openers_at_once_share_one_log() {
    let Some(database) = Database::fresh().await else { return };
    let (one, other, third) = tokio::join!(database.open(), database.open(), database.open());
    let (one, other) = (one.unwrap(), other.unwrap());
    drop(third.unwrap());
    let own = named("shared");
    assert_eq!(one.append(&own, &after(0), of(&["a"]), None).await, Ok(1));
    assert_eq!(
        other.append(&own, &after(0), of(&["b"]), None).await,
        Err(StoreError::Conflict { size: 1 })
    );
    assert_eq!(other.append(&own, &after(1), of(&["b"]), None).await, Ok(2));
    assert_eq!(one.read(&own, 0, 9).await, Ok(vec![b"a".to_vec(), b"b".to_vec()]));
    database.removed().await;
}

#[tokio::test]
async fn a_database_of_before_there_were_parties_goes_on_and_says_which_are_not_known() {
    let Some(database) = Database::fresh().await else { return };
    for (script, number) in MIGRATIONS[..3].iter().zip(1..) {
        database.meddle(script).await.unwrap();
        let mark = format!("INSERT INTO airlock.version VALUES ({number})");
        database.meddle(&mark).await.unwrap();
    }
    let append = |name: &str, expected: i64| {
        let note = if expected == 0 { "NULL" } else { "'signed'" };
        format!(
            "SELECT airlock.append('{name}', {expected}, {note}, ARRAY['x'::bytea], 'signed', NULL, NULL)"
        )
    };
    for name in ["a", "b", "c"] {
        database.meddle(&append(name, 0)).await.unwrap();
    }
    let store = database.open().await.unwrap();
    suite::behind_until_told(&store).await;
    // A gateway of an earlier version that is still at work is not let in.
    assert!(database.meddle(&append("c", 1)).await.is_err());
    database.removed().await;
}

#[tokio::test]
async fn a_commit_is_durable_whatever_the_database_defaults_to() {
    let Some(database) = Database::fresh().await else { return };
    for (default, held_to) in [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")] {
        let set = format!("ALTER DATABASE {} SET synchronous_commit = {default}", database.name);
        database.maintain(&set).await;
        let store = database.open().await.unwrap();
        let shown = sqlx::query_scalar::<_, String>("SHOW synchronous_commit");
        assert_eq!(shown.fetch_one(&store.pool).await.unwrap(), held_to);
    }
    database.removed().await;
}

#[tokio::test]
async fn a_decision_waits_for_no_lease() {
    let Some(database) = Database::fresh().await else { return };
    let store = database.open().await.unwrap();
    let lease = store.acquire("one", "a", Duration::from_hours(1)).await.unwrap().unwrap();
    // Somebody stands still in the middle of a takeover.
    let mut stuck = PgConnection::connect_with(&database.address().options()).await.unwrap();
    let lock = "BEGIN; SELECT 1 FROM airlock.lease FOR UPDATE";
    sqlx::raw_sql(lock).execute(&mut stuck).await.unwrap();
    // Whoever waited for it would not be answered: a lock that is not given is given up.
    assert_eq!(store.append(&named("own"), &after(0), of(&["a"]), None).await, Ok(1));
    let fenced = store.append(&named("own"), &after(1), of(&["b"]), Some(&lease.fence())).await;
    assert_eq!(fenced, Err(StoreError::Unavailable), "it gives up rather than wait for ever");
    stuck.close().await.unwrap();
    assert_eq!(
        store.append(&named("own"), &after(1), of(&["b"]), Some(&lease.fence())).await,
        Ok(2)
    );
    database.removed().await;
}

#[tokio::test]
async fn cut_connections_are_made_anew() {
    let Some(database) = Database::fresh().await else { return };
    let store = database.open().await.unwrap();
    for size in 0..3 {
        assert_eq!(store.append(&named("own"), &after(size), of(&["a"]), None).await, Ok(size + 1));
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        database.meddle(cut).await.unwrap();
    }
    database.removed().await;
}

#[tokio::test]
async fn a_full_disk_is_told_and_passes() {
    let Some(database) = Database::fresh().await else { return };
    let store = database.open().await.unwrap();
    let own = named("full");
    store.append(&own, &after(0), of(&["a"]), None).await.unwrap();
    let fill = "CREATE FUNCTION airlock.full() RETURNS trigger LANGUAGE plpgsql AS \
        'BEGIN RAISE disk_full; END'; CREATE TRIGGER disk_is_full BEFORE INSERT OR UPDATE ON airlock.checkpoint \
        FOR EACH ROW EXECUTE FUNCTION airlock.full()";
    database.meddle(fill).await.unwrap();
    let (scope, ann) = ([1; 32], "ann".parse::<MemberId>().unwrap());
    let once = Some(Once { scope, fingerprint: [2; 32] });
    let parties = Some([(ann.clone(), Stands::Member)].into());
    let told = Appended { parties, once, ..of(&["b"]) };
    assert_eq!(store.append(&own, &after(1), told, None).await, Err(StoreError::Full));
    assert_eq!(store.spent(&scope).await, Ok(None), "nothing of it is there");
    assert_eq!(store.stands(&own, &ann).await, Ok(None));
    assert_eq!(store.read(&own, 0, 9).await, Ok(vec![b"a".to_vec()]));
    database.meddle("DROP TRIGGER disk_is_full ON airlock.checkpoint").await.unwrap();
    assert_eq!(store.append(&own, &after(1), of(&["b"]), None).await, Ok(2));
    database.removed().await;
}

#[tokio::test]
async fn a_read_only_database_goes_on_being_read() {
    let Some(database) = Database::fresh().await else { return };
    database
        .open()
        .await
        .unwrap()
        .append(&named("own"), &after(0), of(&["a"]), None)
        .await
        .unwrap();
    let set = format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name);
    database.maintain(&set).await;
    let store = database.open().await.unwrap();
    assert_eq!(store.size(&named("own")).await, Ok(1));
    assert_eq!(
        store.append(&named("own"), &after(1), of(&["b"]), None).await,
        Err(StoreError::ReadOnly)
    );
    let hour = Duration::from_hours(1);
    assert_eq!(store.acquire("one", "a", hour).await, Err(StoreError::ReadOnly));
    database.removed().await;
}
