//! What is counted, and that nothing of what is counted tells whose it is.

use super::*;
use crate::store::{Appended, ClosedStore, Head, MemoryStore, Store, StoreError};
use mappings::model::{CollaborationId, PlatformId};
use std::sync::Arc;

fn named(name: &str) -> CollaborationId {
    name.parse().unwrap()
}

fn text(metrics: &Metrics) -> String {
    metrics.text(Waiting::default(), 100_000).unwrap()
}

fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

/// Every event once.
pub(crate) fn all_told(metrics: &Metrics) {
    let took = Duration::from_millis(7);
    metrics.told(Event::Answered { route: "/v1/me", method: "GET", status: 200, took });
    metrics.told(Event::Decided { kind: "join", outcome: "recorded" });
    metrics.told(Event::Passed { room: "native", end: "settled", took });
    metrics.told(Event::PassFailed { room: "native", code: "room-unreached" });
    metrics.told(Event::RunEnded { outcome: "succeeded" });
    metrics.told(Event::StoreFailed { call: "append", code: "store-full" });
    metrics.told(Event::Wrote { done: false });
    metrics.told(Event::Unpublished { leaves: 3 });
    metrics.told(Event::Keys { of: "issuer-0", outcome: "read" });
    metrics.told(Event::Noticed { event: "run-ended", outcome: "delivered" });
    metrics.told(Event::NoticeWaits { of: 0, since_ms: Some(90_000) });
    metrics.told(Event::Beat);
}

#[test]
fn what_happens_becomes_a_number() {
    let metrics = Metrics::new().unwrap();
    all_told(&metrics);
    let took = Duration::from_secs(1);
    metrics.told(Event::Answered { route: "/v1/me", method: "BREW", status: 429, took });
    let text = text(&metrics);
    for (series, expected) in [
        ("airlock_requests_total{method=\"GET\",route=\"/v1/me\",status=\"2xx\"}", 1.0),
        ("airlock_requests_total{method=\"other\",route=\"/v1/me\",status=\"4xx\"}", 1.0),
        ("airlock_requests_without_place_total", 1.0),
        ("airlock_request_duration_seconds_count{method=\"GET\",route=\"/v1/me\"}", 1.0),
        ("airlock_decisions_total{kind=\"join\",outcome=\"recorded\"}", 1.0),
        ("airlock_passes_total{end=\"settled\",room=\"native\"}", 1.0),
        ("airlock_pass_failures_total{code=\"room-unreached\",room=\"native\"}", 1.0),
        ("airlock_runs_total{outcome=\"succeeded\"}", 1.0),
        ("airlock_store_calls_failed_total{call=\"append\",code=\"store-full\"}", 1.0),
        ("airlock_keys_asked_total{of=\"issuer-0\",outcome=\"read\"}", 1.0),
        ("airlock_notices_total{event=\"run-ended\",outcome=\"delivered\"}", 1.0),
        ("airlock_notice_age_seconds", 10.0),
        ("airlock_log_unwritable", 1.0),
        ("airlock_leaves_unpublished", 3.0),
        ("airlock_revocation_age_seconds", 0.0),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series}\n{text}");
    }
    let version = format!("airlock_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(value(&text, &version), Some(1.0));
}

#[test]
fn the_oldest_that_is_open_has_an_age_wherever_it_waits() {
    let metrics = Metrics::new().unwrap();
    let log = LogNow { open_ms: vec![40_000, 70_000], ..LogNow::default() };
    metrics.standings.read(&named("spring"), log);
    assert_eq!(value(&text(&metrics), "airlock_revocation_age_seconds"), Some(60.0));
    assert_eq!(value(&text(&metrics), "airlock_revocations_open"), Some(2.0));
    let waiting = Waiting { pending: 1, oldest_ms: Some(10_000), unread: false };
    let with = metrics.text(waiting, 100_000).unwrap();
    assert_eq!(value(&with, "airlock_revocation_age_seconds"), Some(90.0));
    assert_eq!(value(&with, "airlock_withdrawals_pending"), Some(1.0));
    metrics.standings.read(&named("spring"), LogNow::default());
    assert_eq!(value(&text(&metrics), "airlock_revocation_age_seconds"), Some(0.0));
}

#[test]
fn the_oldest_notice_that_waits_has_an_age_until_it_is_taken() {
    let metrics = Metrics::new().unwrap();
    let age = || value(&text(&metrics), "airlock_notice_age_seconds");
    let waits = |of, since_ms| metrics.told(Event::NoticeWaits { of, since_ms });
    assert_eq!(age(), Some(0.0));
    waits(0, Some(70_000));
    waits(1, Some(40_000));
    assert_eq!(age(), Some(60.0), "the older one");
    waits(1, None);
    assert_eq!(age(), Some(30.0), "another receiver's waits on");
    waits(0, None);
    assert_eq!(age(), Some(0.0));
}

#[test]
fn the_cap_that_is_used_most_counts_and_time_frees_it() {
    let metrics = Metrics::new().unwrap();
    let log = |attempts_ms: Vec<i64>| LogNow {
        attempts_ms,
        runs_max: 4,
        window_ms: 50_000,
        ..LogNow::default()
    };
    metrics.standings.read(&named("spring"), log(vec![10, 60_000, 70_000, 80_000]));
    metrics.standings.read(&named("autumn"), log(vec![60_000]));
    assert_eq!(value(&text(&metrics), "airlock_cap_used_ratio"), Some(0.75));
    let later = metrics.text(Waiting::default(), 115_000).unwrap();
    assert_eq!(value(&later, "airlock_cap_used_ratio"), Some(0.5));
    metrics.standings.read(&named("none"), LogNow { runs_max: 0, ..log(vec![99_000]) });
    assert_eq!(value(&text(&metrics), "airlock_cap_used_ratio"), Some(0.75));
}

#[test]
fn rooms_that_are_wider_and_logs_in_doubt_are_counted_until_they_are_not() {
    let metrics = Metrics::new().unwrap();
    let room = PlatformId::aws_clean_rooms();
    let wider = RoomNow { wider: true, failed: Some("call-undone".to_owned()) };
    metrics.standings.looked(&named("spring"), &room, wider);
    let log = LogNow { open_ms: vec![1], closing: vec![room.clone()], ..LogNow::default() };
    metrics.standings.read(&named("spring"), log);
    metrics.standings.believed(&named("autumn"), Some("log-rolled-back"));
    metrics.standings.believed(&named("winter"), None);
    let now = text(&metrics);
    assert_eq!(value(&now, "airlock_rooms_wider"), Some(1.0));
    assert_eq!(value(&now, "airlock_logs_in_doubt"), Some(1.0));
    assert_eq!(value(&now, "airlock_logs"), Some(2.0));
    let why: Vec<_> = metrics.standings.behind(9).into_iter().map(|one| one.why).collect();
    assert_eq!(why, ["wider", "closing", "call-undone"]);
    assert_eq!(metrics.standings.behind(1).len(), 1);
    assert_eq!(metrics.standings.in_doubt(9), [(named("autumn"), "log-rolled-back")]);
    // Another worker has them now.
    metrics.standings.keep(|_| false);
    assert_eq!(value(&text(&metrics), "airlock_rooms_wider"), Some(0.0));
    assert_eq!(value(&text(&metrics), "airlock_logs_in_doubt"), Some(1.0));
    metrics.standings.believed(&named("autumn"), None);
    metrics.standings.looked(&named("spring"), &room, RoomNow::default());
    let now = text(&metrics);
    assert_eq!(value(&now, "airlock_rooms_wider"), Some(0.0));
    assert_eq!(value(&now, "airlock_logs_in_doubt"), Some(0.0));
}

#[test]
fn no_label_is_a_name_or_grows_without_end() {
    let metrics = Metrics::new().unwrap();
    all_told(&metrics);
    for name in ["zqspring", "zqautumn"] {
        metrics.standings.read(&named(name), LogNow { open_ms: vec![1], ..LogNow::default() });
        metrics.standings.believed(&named(name), Some("log-rolled-back"));
        metrics.standings.looked(
            &named(name),
            &PlatformId::native(),
            RoomNow { wider: true, failed: None },
        );
    }
    for code in ["Zq Account 111111111111", "zq_account", "", &"zq".repeat(40)] {
        metrics.told(Event::PassFailed { room: "native", code });
    }
    for n in 0..2 * CODES_MAX {
        metrics.told(Event::PassFailed { room: "native", code: &format!("code-{n}") });
    }
    let text = text(&metrics);
    assert!(!text.to_lowercase().contains("zq"), "{text}");
    let codes = text.lines().filter(|line| line.starts_with("airlock_pass_failures_total")).count();
    assert!((2..=CODES_MAX + 1).contains(&codes), "{codes}");
    assert!(
        value(&text, "airlock_pass_failures_total{code=\"other\",room=\"native\"}") > Some(4.0)
    );
}

#[tokio::test]
async fn a_store_is_counted_and_says_what_it_says() {
    let metrics = Arc::new(Metrics::new().unwrap());
    let closed = CountedStore::new(Arc::new(ClosedStore(StoreError::Full)), Arc::clone(&metrics));
    let leaves = || Appended::new(vec![b"leaf".to_vec()], "note".to_owned());
    let (spring, start) = (named("spring"), Head::default());
    assert_eq!(closed.append(&spring, &start, leaves(), None).await, Err(StoreError::Full));
    assert_eq!(closed.size(&spring).await, Err(StoreError::Full));
    assert!(!metrics.is_writable());
    let open = CountedStore::new(Arc::new(MemoryStore::new()), Arc::clone(&metrics));
    assert_eq!(open.append(&spring, &start, leaves(), None).await, Ok(1));
    assert!(metrics.is_writable());
    // Another was faster: an answer, and no failure.
    assert_eq!(
        open.append(&spring, &start, leaves(), None).await,
        Err(StoreError::Conflict { size: 1 })
    );
    assert!(metrics.is_writable());
    let text = text(&metrics);
    for call in ["append", "size"] {
        let series =
            format!("airlock_store_calls_failed_total{{call=\"{call}\",code=\"store-full\"}}");
        assert_eq!(value(&text, &series), Some(1.0), "{text}");
    }
    assert!(!text.contains("store-conflict"));
}
