//! The self-test against the twin: it finds what the twin does, says nobody's name, and leaves nothing behind, whatever fails.

use super::{agreement, room};
use crate::behaviours::behaviours;
use crate::twin::{CONSUMER, PROVIDER, Twin};
use crate::verify::Report;
use adapter_spi::Cx;
use mappings::model::PlatformId;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn answers(report: &Report) -> BTreeMap<&str, &str> {
    let answers: BTreeMap<_, _> =
        report.found.iter().map(|one| (one.question, one.answer)).collect();
    assert_eq!(answers.len(), report.found.len(), "each question once: {report}");
    answers
}

/// What lies in an account that a trial could have made.
async fn left(twin: &Twin, account: &str) -> Vec<Vec<Value>> {
    let mut left = twin.sql(account, &["SHOW SHARES LIKE 'AIRLOCK_TRIAL%'"]).await;
    left.extend(twin.sql(account, &["SHOW SCHEMAS LIKE 'AIRLOCK_TRIAL%' IN ACCOUNT"]).await);
    left
}

#[tokio::test]
async fn what_shares_rest_on_is_tried_and_taken_away_again() {
    let Some((twin, room)) = room().await else { return };
    let (agreement, provider) = (agreement("verify"), "provider".parse().unwrap());
    let read = room.verify(&agreement, &provider, false, &Cx::default()).await;
    for word in ["CREATE", "DROP", "GRANT%20", "ALTER"] {
        assert!(twin.statements(&format!("^{word}")).await.is_empty(), "reading makes nothing");
    }
    assert_eq!((answers(&read)["made"], read.edition), ("not-tried", "unknown"));
    let tried = room.verify(&agreement, &provider, true, &Cx::default()).await;
    let found = answers(&tried);
    assert_eq!(found.keys().collect::<Vec<_>>(), answers(&read).keys().collect::<Vec<_>>());
    // The twin's HAVING sees what its policy lets through; letters, floats and collations are its engine's.
    let engine = ["letters", "float-overflow", "collation-shown"];
    let not: Vec<&str> = found
        .iter()
        .filter(|(code, answer)| **answer != "yes" && !engine.contains(code))
        .map(|(code, _)| *code)
        .collect();
    assert_eq!(not, ["remainder-left-out"], "{tried}");
    assert_eq!(tried.edition, "enterprise-or-higher");
    assert!(tried.region.contains("US_EAST_1"), "{}", tried.region);
    let views = tried.columns.iter().find(|one| one.statement == "SHOW VIEWS").unwrap();
    assert!(views.names.iter().any(|name| name == "is_secure"), "{views:?}");
    let timed = tried.found.iter().filter(|one| !one.statements.is_empty());
    assert!(timed.count() > 25, "{tried}");
    let sent = serde_json::to_string(&tried).unwrap().to_lowercase();
    for name in ["acme", "provider", "suite", "gateway\"", "127.0.0.1", "airlock_trial", "\"p1"] {
        assert!(!sent.contains(name), "{name}: {sent}");
    }
    assert_eq!(left(&twin, PROVIDER).await, Vec::<Vec<Value>>::new());
    for one in behaviours(&PlatformId::snowflake(), None) {
        let asked = one.settled_by.is_none_or(|code| found.contains_key(code.as_str()));
        assert!(asked, "no question {}", one.code);
    }
}

#[tokio::test]
async fn a_trial_that_fails_anywhere_leaves_nothing_behind() {
    let Some((twin, room)) = room().await else { return };
    let (agreement, analyst) = (agreement("verify"), "analyst".parse().unwrap());
    let words = [
        "CREATE TABLE",
        "CREATE AGGREGATION",
        "SECURE VIEW",
        "SHOW VIEWS",
        "PROJECTION",
        "ALTER TABLE",
        "CREATE SHARE",
        "GRANT USAGE",
        "DESC SHARE",
    ];
    for word in words {
        let fault = json!({ "kind": "statement_error", "match": format!("^{word}|^CREATE OR REPLACE {word}"), "times": 1, "code": "000603", "state": "XX000", "message": "zqsentinel" });
        twin.fault(&fault).await;
        let tried = room.verify(&agreement, &analyst, true, &Cx::default()).await;
        let found = answers(&tried);
        assert!(found.values().any(|answer| *answer == "no"), "{word}: {tried}");
        assert_eq!(found["removed"], "yes", "{word}: {tried}");
        assert!(!serde_json::to_string(&tried).unwrap().contains("zqsentinel"));
        assert_eq!(left(&twin, CONSUMER).await, Vec::<Vec<Value>>::new(), "{word}");
        twin.calm().await;
    }
    twin.control("PUT", "accounts/ACME.CONSUMER", &json!({ "edition": "STANDARD" })).await;
    let tried = room.verify(&agreement, &analyst, true, &Cx::default()).await;
    assert_eq!((answers(&tried)["policy-made"], tried.edition), ("no", "lower-or-not-let"));
    assert_eq!(left(&twin, CONSUMER).await, Vec::<Vec<Value>>::new());
}
