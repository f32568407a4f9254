//! `SQLite` passes the suite, with every step in a newly opened store, and what only a file can suffer.

use super::*;
use crate::clock::FixedClock;
use crate::store::{Once, suite};

#[tokio::test]
async fn conforms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let clock = Arc::new(FixedClock::default());
    let open = || async {
        let clock = Arc::<FixedClock>::clone(&clock);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::with_clock(&path, clock).await.unwrap());
        store
    };
    let pass = async |by: Duration| clock.step(i64::try_from(by.as_millis()).unwrap());
    suite::conforms(open, pass).await;
    suite::clock_steps_do_no_harm(open, async |by_ms| clock.step(by_ms)).await;
    let count = async || {
        let mut direct = direct(&path).await;
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM once");
        usize::try_from(count.fetch_one(&mut direct).await.unwrap()).unwrap()
    };
    suite::keys_are_swept(&*open().await, pass, count).await;
}

/// Past the store.
async fn direct(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap()
}

fn named(name: &str) -> CollaborationId {
    CollaborationId::new(name).unwrap()
}

fn of(leaf: Vec<u8>) -> Appended {
    Appended::new(vec![leaf], "signed".to_owned())
}

/// The head of a log of so many leaves.
fn after(size: u64) -> Head {
    Head { size, checkpoint: (size > 0).then(|| "signed".to_owned()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_openers_at_once_share_one_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("airlock.db");
    let (one, other) = tokio::join!(SqliteStore::open(&path), SqliteStore::open(&path));
    let (one, other) = (one.unwrap(), other.unwrap());
    let own = named("shared");
    assert_eq!(one.append(&own, &after(0), of(b"a".to_vec()), None).await, Ok(1));
    assert_eq!(
        other.append(&own, &after(0), of(b"b".to_vec()), None).await,
        Err(StoreError::Conflict { size: 1 })
    );
    assert_eq!(other.append(&own, &after(1), of(b"b".to_vec()), None).await, Ok(2));
    assert_eq!(one.size(&own).await, Ok(2));
    assert_eq!(one.read(&own, 0, 9).await, Ok(vec![b"a".to_vec(), b"b".to_vec()]));
}

#[tokio::test]
async fn the_mark_stays_while_nothing_is_written_and_is_told_of_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("airlock.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.append(&named("kept"), &after(0), of(b"a".to_vec()), None).await.unwrap();
    let first = store.mark().await.unwrap();
    store.sizes().await.unwrap();
    assert_eq!(store.mark().await.unwrap(), first);
    let other = SqliteStore::open(&path).await.unwrap();
    other.append(&named("kept"), &after(1), of(b"b".to_vec()), None).await.unwrap();
    let second = store.mark().await.unwrap();
    assert_ne!(second, first);
    // A connection that was lost begins to count anew.
    store.watch.lock().await.lose();
    assert_ne!(store.mark().await.unwrap(), second);
}

#[tokio::test]
async fn stored_leaves_can_neither_be_changed_nor_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("airlock.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.append(&named("kept"), &after(0), of(b"a".to_vec()), None).await.unwrap();
    let mut direct = direct(&path).await;
    assert!(sqlx::raw_sql("UPDATE leaf SET body = x'00'").execute(&mut direct).await.is_err());
    assert!(sqlx::raw_sql("DELETE FROM leaf").execute(&mut direct).await.is_err());
    assert_eq!(store.read(&named("kept"), 0, 9).await, Ok(vec![b"a".to_vec()]));
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("airlock.db");
    drop(SqliteStore::open(&path).await.unwrap());
    let mut direct = direct(&path).await;
    sqlx::raw_sql("PRAGMA user_version = 99").execute(&mut direct).await.unwrap();
    assert_eq!(SqliteStore::open(&path).await.map(|_| ()), Err(StoreError::Newer));
}

#[tokio::test]
async fn a_file_of_before_there_were_parties_goes_on_and_says_which_are_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("airlock.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut old = SqliteConnection::connect_with(&options).await.unwrap();
    for script in &MIGRATIONS[..2] {
        sqlx::raw_sql(*script).execute(&mut old).await.unwrap();
    }
    let rows = "PRAGMA user_version = 2; INSERT INTO log (collaboration, size) VALUES ('a', 1), ('b', 1), ('c', 1); \
        INSERT INTO leaf SELECT id, 0, x'61' FROM log; INSERT INTO checkpoint SELECT id, 1, 'signed' FROM log";
    sqlx::raw_sql(rows).execute(&mut old).await.unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    suite::behind_until_told(&store).await;
    // An earlier version that has the file open still appends to it.
    let append = "UPDATE log SET size = size + 1 WHERE collaboration = 'a'";
    sqlx::raw_sql(append).execute(&mut old).await.unwrap();
    assert_eq!(store.unprojected(None, 9).await, Ok(vec![named("a")]));
}

#[tokio::test]
async fn leases_can_neither_be_deleted_nor_their_tokens_lowered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("airlock.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let day = Duration::from_hours(24);
    for _ in 0..2 {
        store.acquire("kept", "a", day).await.unwrap();
    }
    let mut direct = direct(&path).await;
    assert!(sqlx::raw_sql("UPDATE lease SET token = 1").execute(&mut direct).await.is_err());
    assert!(sqlx::raw_sql("DELETE FROM lease").execute(&mut direct).await.is_err());
    assert_eq!(store.acquire("kept", "a", day).await.unwrap().unwrap().token, 3);
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("airlock.db");
    std::fs::write(&path, vec![b'x'; 8192]).unwrap();
    assert_eq!(SqliteStore::open(&path).await.map(|_| ()), Err(StoreError::Corrupt));
}

#[tokio::test]
async fn a_full_disk_is_told_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("airlock.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut connection = connect(&options).await.unwrap();
    sqlx::raw_sql("PRAGMA max_page_count = 28").execute(&mut connection).await.unwrap();
    let (queue, requests) = mpsc::channel(4);
    tokio::spawn(Writer::new(connection, Arc::new(FixedClock::default())).run(requests));
    let readers = SqlitePoolOptions::new().connect_lazy_with(options);
    let watch = Mutex::new(Watch::new(SqliteConnectOptions::new()));
    let store = SqliteStore { readers, watch, queue, clock: Arc::new(SystemClock) };
    let own = named("full");
    assert_eq!(
        store.append(&own, &after(0), of(vec![0; 1 << 20]), None).await,
        Err(StoreError::Full)
    );
    assert_eq!(store.size(&own).await, Ok(0));
    let (scope, ann) = ([1; 32], "ann".parse::<MemberId>().unwrap());
    let once = Some(Once { scope, fingerprint: [2; 32] });
    let parties = Some([(ann.clone(), Stands::Member)].into());
    let large = Appended { parties, once, ..of(vec![0; 1 << 20]) };
    assert_eq!(store.append(&own, &after(0), large, None).await, Err(StoreError::Full));
    assert_eq!(store.spent(&scope).await, Ok(None), "nothing of it is there");
    assert_eq!(store.stands(&own, &ann).await, Ok(None));
    assert_eq!(store.append(&own, &after(0), of(b"small".to_vec()), None).await, Ok(1));
}
