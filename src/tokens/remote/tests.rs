//! Keys at a URL that rotates, stalls, lies and is away, asked over a socket of this machine.

use super::*;
use crate::clock::FixedClock;
use crate::egress::{Limits, Policy};
use crate::log::SecretKey;
use crate::tokens::jws::encoded;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const HOUR_MS: i64 = 3_600_000;
/// Where an answer is to come, on a busy machine too.
const LIMITS: Limits = Limits {
    at_once: 4,
    connect: Duration::from_secs(10),
    total: Duration::from_secs(10),
    answer_max: 64 * 1_024,
};
/// Where none comes.
const SHORT: Limits =
    Limits { connect: Duration::from_millis(400), total: Duration::from_millis(800), ..LIMITS };

/// Whoever asks within these limits.
fn egress(limits: Limits) -> Arc<Egress> {
    let policy = Arc::new(Policy::new(&[], [443], true).unwrap());
    Arc::new(Egress::new(policy, limits).unwrap())
}

/// A set with keys of these names.
fn keys(names: &[&str]) -> Value {
    let key = |name: &&str| {
        let x = encoded(SecretKey::from_seed([7; 32]).public().as_bytes());
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": name, "use": "sig", "alg": "EdDSA", "x": x })
    };
    json!({ "keys": names.iter().map(key).collect::<Vec<_>>() })
}

fn ok(head: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n{head}\r\n{body}",
        body.len()
    )
}

/// Somebody who gives these answers one after the other, and the last of them from then on.
struct Issuer {
    port: u16,
    answers: Arc<Mutex<VecDeque<String>>>,
    came: Arc<AtomicUsize>,
}

impl Issuer {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answers, came) =
            (Arc::<Mutex<VecDeque<String>>>::default(), Arc::<AtomicUsize>::default());
        let (given, count) = (Arc::clone(&answers), Arc::clone(&came));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = {
                    let mut given = given.lock().unwrap();
                    if given.len() > 1 { given.pop_front() } else { given.front().cloned() }
                };
                tokio::spawn(async move {
                    let mut asked = [0; 4_096];
                    drop(stream.read(&mut asked).await);
                    match answer {
                        Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
                        None => tokio::time::sleep(Duration::from_mins(1)).await,
                    }
                });
            }
        });
        Self { port, answers, came }
    }

    fn say(&self, answers: &[String]) {
        *self.answers.lock().unwrap() = answers.iter().cloned().collect();
    }

    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }

    fn keys(&self, clock: &Arc<FixedClock>, is_discovery: bool) -> RemoteKeys {
        let egress = egress(LIMITS);
        let target = format!("http://127.0.0.1:{}/keys", self.port);
        let target = egress.policy().target(&target).unwrap();
        let source = if is_discovery {
            Source::Discovery(target, "https://id.example".to_owned())
        } else {
            Source::Url(target)
        };
        let clock: Arc<dyn Clock> = Arc::<FixedClock>::clone(clock);
        RemoteKeys::new("issuer-0".to_owned(), source, 24 * HOUR_MS, (egress, clock))
    }
}

fn has(keys: &RemoteKeys, clock: &FixedClock, name: &str) -> bool {
    keys.current(clock.steady_ms()).get(name).is_some()
}

async fn ask(keys: &RemoteKeys, clock: &FixedClock) -> Duration {
    let metrics = Metrics::new().unwrap();
    keys.ask(&metrics, clock.steady_ms(), &mut 0).await
}

#[tokio::test]
async fn old_keys_live_as_long_as_the_newest_answer_has_them() {
    let (issuer, clock) = (Issuer::new().await, Arc::new(FixedClock::new(1_000)));
    let remote = issuer.keys(&clock, false);
    assert!(!has(&remote, &clock, "one"), "nothing is known before it was asked");
    for (names, old, new) in
        [(&["one"][..], true, false), (&["one", "two"], true, true), (&["two"], false, true)]
    {
        issuer.say(&[ok("", &keys(names).to_string())]);
        ask(&remote, &clock).await;
        assert_eq!((has(&remote, &clock, "one"), has(&remote, &clock, "two")), (old, new));
    }
    let before = remote.current(clock.steady_ms());
    ask(&remote, &clock).await;
    assert!(
        Arc::ptr_eq(&before, &remote.current(clock.steady_ms())),
        "the same answer changes nothing"
    );
    issuer.say(&[ok("", &keys(&[]).to_string())]);
    ask(&remote, &clock).await;
    assert!(!has(&remote, &clock, "two"), "a set without keys is a good one: it takes them away");
}

#[tokio::test]
async fn the_last_good_keys_outlive_what_is_no_answer_for_as_long_as_is_set() {
    let (issuer, clock) = (Issuer::new().await, Arc::new(FixedClock::new(1_000)));
    let mut remote = issuer.keys(&clock, false);
    issuer.say(&[ok("", &keys(&["one"]).to_string())]);
    ask(&remote, &clock).await;
    let long = format!("{}{}", keys(&["two"]), " ".repeat(64 * 1_024));
    let short = keys(&["two"]).to_string();
    let exact = format!("{short}{}", " ".repeat(64 * 1_024 - short.len()));
    let many: Vec<String> = (0..101).map(|n| format!("k{n}")).collect();
    let many = keys(&many.iter().map(String::as_str).collect::<Vec<_>>()).to_string();
    let twice = r#"{"keys":[],"keys":[]}"#.to_owned();
    for wrong in [
        ok("", "not JSON"),
        ok("", &long),
        ok("", &many),
        ok("", &twice),
        ok("", &keys(&["two", "two"]).to_string()),
        "HTTP/1.1 500 Gone\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 404 Gone\r\nContent-Length: 2\r\n\r\n{}".to_owned(),
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
            .to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_owned(),
    ] {
        issuer.say(std::slice::from_ref(&wrong));
        let wait = ask(&remote, &clock).await;
        assert!(has(&remote, &clock, "one") && !has(&remote, &clock, "two"), "{wrong:.60}");
        assert_eq!(wait, RETRY, "it is asked again soon");
    }
    issuer.say(&[]);
    let usual = std::mem::replace(&mut remote.egress, egress(SHORT));
    ask(&remote, &clock).await;
    remote.egress = usual;
    assert!(has(&remote, &clock, "one"), "it stalled");
    clock.step(24 * HOUR_MS - 1);
    assert!(has(&remote, &clock, "one"));
    clock.step(1);
    assert!(!has(&remote, &clock, "one"), "never longer");
    clock.step(-HOUR_MS);
    assert!(!has(&remote, &clock, "one"), "nor by a clock that goes back");
    issuer.say(&[ok("", &exact)]);
    ask(&remote, &clock).await;
    assert!(has(&remote, &clock, "two"), "64 KiB are read");
}

#[tokio::test]
async fn an_answer_holds_as_long_as_it_says_within_bounds() {
    let (issuer, clock) = (Issuer::new().await, Arc::new(FixedClock::new(1_000)));
    let remote = issuer.keys(&clock, false);
    for (said, seconds) in [
        ("", 600),
        ("Cache-Control: public, max-age=1200\r\n", 1_200),
        ("Cache-Control: max-age=\"90\"\r\n", 90),
        ("Cache-Control: max-age=5\r\n", 60),
        ("Cache-Control: max-age=999999\r\n", 3_600),
        ("Cache-Control: max-age=99999999999999999999\r\n", 600),
        ("Cache-Control: no-store\r\n", 60),
        ("Cache-Control: NO-CACHE, max-age=1200\r\n", 60),
    ] {
        issuer.say(&[ok(said, &keys(&["one"]).to_string())]);
        assert_eq!(ask(&remote, &clock).await, Duration::from_secs(seconds), "{said}");
    }
}

#[tokio::test]
async fn a_document_is_believed_of_its_own_issuer_and_its_keys_are_guarded_again() {
    let (issuer, clock) = (Issuer::new().await, Arc::new(FixedClock::new(1_000)));
    let document = |name: &str, at: &str| {
        ok(
            "",
            &json!({ "issuer": name, "jwks_uri": at, "scopes_supported": ["a"], "ok": true })
                .to_string(),
        )
    };
    let here = format!("http://127.0.0.1:{}/keys", issuer.port);
    let set = ok("", &keys(&["one"]).to_string());
    for (document, code) in [
        (document("https://id.example", &here), None),
        (document("https://id.example/", &here), Some("discovery-of-other")),
        (document("https://evil.example", &here), Some("discovery-of-other")),
        (document("https://id.example", "http://169.254.169.254/latest"), Some("egress-scheme")),
        (document("https://id.example", "https://169.254.169.254/latest"), Some("egress-inside")),
        (document("https://id.example", "https://10.0.0.1/"), Some("egress-inside")),
        (document("https://id.example", "file:///etc/passwd"), Some("egress-scheme")),
        (document("https://id.example", "https://id.example:22/"), Some("egress-port")),
        (ok("", r#"{"issuer":"https://id.example"}"#), Some("discovery-unreadable")),
        (
            ok("", r#"{"issuer":"https://id.example","issuer":"https://id.example"}"#),
            Some("discovery-unreadable"),
        ),
        (ok("", "[]"), Some("discovery-unreadable")),
    ] {
        let remote = issuer.keys(&clock, true);
        issuer.say(&[document.clone(), set.clone()]);
        let before = issuer.came();
        let found = remote.read().await.map(drop);
        assert_eq!(found.err(), code, "{document}");
        assert_eq!(issuer.came() - before, if code.is_none() { 2 } else { 1 });
    }
}

#[tokio::test]
async fn a_flood_of_made_up_names_asks_once_a_minute() {
    let (issuer, clock) = (Issuer::new().await, Arc::new(FixedClock::new(1_000)));
    let remote = Arc::new(issuer.keys(&clock, false));
    issuer.say(&[ok("", &keys(&["one"]).to_string())]);
    let (followed, metrics) = (Arc::clone(&remote), Arc::new(Metrics::new().unwrap()));
    let counted = Arc::clone(&metrics);
    let following = tokio::spawn(async move { followed.follow(&counted).await });
    until(|| issuer.came() == 1 && has(&remote, &clock, "one")).await;
    // The keys have changed, and somebody shows the new one.
    issuer.say(&[ok("", &keys(&["two"]).to_string())]);
    for _ in 0..1_000 {
        assert!(remote.want(clock.steady_ms()).is_none(), "it was asked just now");
    }
    clock.step(60_000);
    let mut asked = remote.want(clock.steady_ms()).unwrap();
    for _ in 0..1_000 {
        drop(remote.want(clock.steady_ms()));
    }
    asked.changed().await.unwrap();
    assert!(has(&remote, &clock, "two") && !has(&remote, &clock, "one"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(issuer.came(), 2, "one question for all of them");
    let text = metrics.text(crate::metrics::Waiting::default(), 0).unwrap();
    assert!(
        text.contains("airlock_keys_asked_total{of=\"issuer-0\",outcome=\"read\"} 2"),
        "{text}"
    );
    assert!(text.contains("airlock_keys_age_seconds{of=\"issuer-0\"}"));
    following.abort();
}

async fn until(holds: impl Fn() -> bool) {
    for _ in 0..1_500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never");
}
