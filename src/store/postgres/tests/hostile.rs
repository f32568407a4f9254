//! What is in the database, at the address, or in its answers that must not be believed or shown.

use super::*;
use std::time::Instant;

#[tokio::test]
async fn what_is_stored_can_neither_be_changed_nor_removed() {
    let Some(database) = Database::fresh().await else { return };
    let store = database.open().await.unwrap();
    store.append(&named("kept"), &after(0), of(&["a"]), None).await.unwrap();
    let hour = Duration::from_hours(1);
    for _ in 0..2 {
        store.acquire("kept", "a", hour).await.unwrap();
    }
    for statement in [
        "UPDATE airlock.leaf SET body = 'x'",
        "DELETE FROM airlock.leaf",
        "TRUNCATE airlock.leaf",
        "UPDATE airlock.lease SET token = 1",
        "DELETE FROM airlock.lease",
        "TRUNCATE airlock.lease",
    ] {
        assert!(database.meddle(statement).await.is_err(), "{statement}");
    }
    assert_eq!(store.read(&named("kept"), 0, 9).await, Ok(vec![b"a".to_vec()]));
    assert_eq!(store.acquire("kept", "a", hour).await.unwrap().unwrap().token, 3);
    database.removed().await;
}

#[tokio::test]
async fn damage_is_refused() {
    const PAST: &str = "SET session_replication_role = replica;";
    let Some(database) = Database::fresh().await else { return };
    let store = database.open().await.unwrap();
    let (own, other) = (named("own"), named("other"));
    store.append(&own, &after(0), of(&["a", "b", "c", "d"]), None).await.unwrap();
    store.append(&other, &after(0), of(&["a"]), None).await.unwrap();
    let meddle = |statement: &str| {
        let statement = format!("{PAST} {statement}");
        async { database.meddle(&{ statement }).await.unwrap() }
    };
    meddle("INSERT INTO airlock.leaf SELECT log, 4, body FROM airlock.leaf WHERE position = 1")
        .await;
    assert_eq!(store.read(&own, 3, 9).await, Ok(vec![b"d".to_vec()]), "past the end is nothing");
    assert_eq!(store.append(&own, &after(4), of(&["e"]), None).await, Err(StoreError::Corrupt));
    assert_eq!(store.size(&own).await, Ok(4));
    meddle("DELETE FROM airlock.leaf WHERE position IN (1, 3)").await;
    assert_eq!(store.read(&own, 0, 9).await, Err(StoreError::Corrupt), "a gap");
    assert_eq!(store.read(&own, 0, 2).await, Err(StoreError::Corrupt), "a gap in a page");
    assert_eq!(store.read(&own, 2, 9).await, Err(StoreError::Corrupt), "a lost end");
    assert_eq!(store.read(&own, 3, 9).await, Err(StoreError::Corrupt), "only the lost end");
    assert_eq!(store.read(&own, 2, 1).await, Ok(vec![b"c".to_vec()]));
    assert_eq!(store.read(&other, 0, 9).await, Ok(vec![b"a".to_vec()]), "others are not touched");
    meddle("UPDATE airlock.log SET collaboration = '../..' WHERE collaboration = 'own'").await;
    assert_eq!(store.collaborations().await, Err(StoreError::Corrupt));
    meddle(
        "ALTER TABLE airlock.log DROP CONSTRAINT log_size_check; UPDATE airlock.log SET size = -1",
    )
    .await;
    assert_eq!(store.size(&other).await, Err(StoreError::Corrupt));
    meddle("ALTER TABLE airlock.checkpoint ALTER note TYPE bytea USING 'x'; UPDATE airlock.log SET size = 1").await;
    let again = database.open().await.unwrap();
    assert_eq!(again.head(&other).await, Err(StoreError::Corrupt));
    meddle("DROP FUNCTION airlock.append").await;
    assert_eq!(again.append(&other, &after(1), of(&["b"]), None).await, Err(StoreError::Corrupt));
    database.removed().await;
}

#[tokio::test]
async fn a_newer_or_strange_schema_is_left_alone() {
    let Some(database) = Database::fresh().await else { return };
    drop(database.open().await.unwrap());
    database.meddle("INSERT INTO airlock.version VALUES (99)").await.unwrap();
    assert_eq!(database.open().await.map(drop), Err(StoreError::Newer));
    database.meddle("DROP TABLE airlock.version").await.unwrap();
    assert_eq!(database.open().await.map(drop), Err(StoreError::Corrupt));
    assert!(database.meddle("SELECT 1 FROM airlock.version").await.is_err(), "it left nothing");
    database.removed().await;
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_so_without_secrets() {
    let Some(database) = Database::fresh().await else { return };
    let secret = "hunter2hunter2";
    let mut wrong = database.url();
    wrong.set_password(Some(secret)).unwrap();
    let wrong = Address::new(wrong.as_str(), None).unwrap();
    let error = PostgresStore::open(&wrong).await.unwrap_err();
    assert_eq!(error, StoreError::Denied);
    for shown in [format!("{wrong} {wrong:?}"), format!("{error} {error:?}")] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let mut missing = database.url();
    missing.set_path("no_such_database");
    let missing = Address::new(missing.as_str(), None).unwrap();
    assert_eq!(PostgresStore::open(&missing).await.map(drop), Err(StoreError::Denied));
    let store = database.open().await.unwrap();
    let real = database.url().password().unwrap().to_owned();
    assert!(!format!("{store:?} {database:?}", database = database.address()).contains(&real));
    let mut other = database.url();
    other.set_password(None).unwrap();
    let by_reference = Address::new(other.as_str(), Some(&real)).unwrap();
    assert!(PostgresStore::open(&by_reference).await.is_ok());
    database.removed().await;
}

#[tokio::test]
async fn nobody_at_the_address_is_told_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = Address::new(&format!("postgres://a:b@{free}/c"), None).unwrap();
    let began = Instant::now();
    assert_eq!(PostgresStore::open(&address).await.map(drop), Err(StoreError::Unavailable));
    assert!(began.elapsed() < CONNECT_MAX, "it was not tried until a connection had to stand");
}

#[test]
fn addresses() {
    let bad = |url: &str| Address::new(url, None).unwrap_err();
    for url in ["", "db", "mysql://a@b/c", "postgres://a:b#c@d/e", "postgres://[::1", "sqlite:x"] {
        assert_eq!(bad(url), AddressError::Malformed, "{url}");
    }
    for url in [
        "postgres://a@b/c?password=x",
        "postgres://a@b/c?options=-c%20x",
        "postgres://a@b/c?pasword=x",
    ] {
        assert_eq!(bad(url), AddressError::Parameter, "{url}");
    }
    assert_eq!(bad("postgres://a@b/c?sslmode=sometimes"), AddressError::Malformed);
    let shown = |url: &str| Address::new(url, None).unwrap().to_string();
    assert_eq!(
        shown("postgres://me:secret@db.example:6432/logs"),
        "postgres://me@db.example:6432/logs"
    );
    assert_eq!(shown("postgresql://me@db.example"), "postgres://me@db.example:5432/me");
    assert_eq!(shown("postgres://me@%2Frun%2Fpg/logs"), "postgres://me@/run/pg/logs");
    assert!(
        Address::holds_password("postgres://a:b@c/d")
            && !Address::holds_password("postgres://a@c/d")
    );
}

#[test]
fn other_machines_are_spoken_to_over_verified_tls() {
    let mode =
        |url: &str| format!("{:?}", Address::new(url, None).unwrap().options().get_ssl_mode());
    if std::env::var_os("PGSSLMODE").is_none() {
        assert_eq!(mode("postgres://a@db.example/c"), "VerifyFull");
        assert_eq!(mode("postgres://a@10.0.0.1/c"), "VerifyFull");
        for here in ["localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpg"] {
            assert_eq!(mode(&format!("postgres://a@{here}/c")), "Prefer", "{here}");
        }
    }
    assert_eq!(mode("postgres://a@db.example/c?sslmode=disable"), "Disable");
    assert_eq!(mode("postgres://a@db.example/c?sslmode=require"), "Require");
}
