//! Notices to a receiver on this machine that answers as it is told to.

use super::*;
use crate::app::revocations::tests::Refusing;
use crate::app::{ScheduleRequest, Tied, Withdrawal, members};
use crate::clock::FixedClock;
use crate::home::Home;
use crate::log::{Body, Code};
use crate::triggers::Secret;
use adapter_spi::RunLimits;
use mappings::model::{MemberId, PlatformId};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// In the value of a parameter.
const CANARY: &str = "zqcanary";
const HOUR: i64 = 3_600_000;
/// 2026-11-27 06:00 UTC.
const SIX: i64 = 1_795_759_200_000;
const AGREEMENT: &str = "agreement: v1
collaboration: spring
members:
  grocer: { name: Grocer, abilities: [contribute] }
  brand: { name: Brand, abilities: [contribute, run, receive] }
rooms: [native]
datasets:
  sales:
    owner: grocer
    at: { native: 'file:///nowhere/sales.parquet' }
    entity: person
    columns:
      person: { use: match, key: email, from: email, type: utf8 }
      segment: { type: utf8, use: dimension }
    rule: { entities_min: 3, join: optional }
templates:
  reach:
    class: aggregate
    sql: SELECT s.segment, COUNT(DISTINCT s.person) AS people FROM sales s WHERE s.segment = :segment GROUP BY s.segment
    parameters: { segment: { type: utf8 } }
    run_by: [brand]
    received_by: [brand]
limits: { runs_max: 3, within: 24h }
destinations: { brand: 'file:///nowhere/results' }
";

/// What came: its id, its signature, its body.
type Heard = Mutex<Vec<(String, String, Vec<u8>)>>;

/// Whoever is told, and what it answers.
struct Hook {
    url: String,
    heard: Arc<Heard>,
    answers: Arc<Mutex<u16>>,
}

impl Hook {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (heard, answers) = (Arc::default(), Arc::new(Mutex::new(204)));
        let hook = Self { url, heard: Arc::clone(&heard), answers: Arc::clone(&answers) };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                let (lines, body) = loop {
                    let mut piece = [0; 4_096];
                    let read = stream.read(&mut piece).await.unwrap_or(0);
                    bytes.extend_from_slice(&piece[..read]);
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let Some((lines, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = line(lines, "content-length").parse::<usize>().unwrap();
                    if body.len() >= length {
                        break (lines.to_owned(), body.as_bytes().to_vec());
                    }
                };
                let (id, signature) =
                    (line(&lines, "webhook-id"), line(&lines, "airlock-signature"));
                heard.lock().unwrap().push((id, signature, body));
                let status = *answers.lock().unwrap();
                let answer = format!(
                    "HTTP/1.1 {status} x\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        hook
    }

    fn events(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let event = |body: &[u8]| {
            let body: serde_json::Value = serde_json::from_slice(body).unwrap();
            body["event"].as_str().unwrap().to_owned()
        };
        heard.iter().map(|(_, _, body)| event(body)).collect()
    }
}

fn line(head: &str, name: &str) -> String {
    let found = head.lines().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case(name).then(|| value.to_owned())
    });
    found.unwrap_or_default()
}

fn member(name: &str) -> MemberId {
    name.parse().unwrap()
}

fn spring() -> CollaborationId {
    "spring".parse().unwrap()
}

struct World {
    folder: tempfile::TempDir,
    store: Arc<Refusing>,
    app: Arc<App>,
    clock: Arc<FixedClock>,
}

impl World {
    /// A collaboration of two with a schedule of the brand's.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let clock = Arc::new(FixedClock::new(SIX - HOUR));
        let (store, time) = (Refusing::new(), Arc::clone(&clock));
        let over = Arc::<Refusing>::clone(&store);
        let app = Arc::new(App::over_at(home, over, time).await.unwrap());
        let tied = Tied::default();
        for name in ["grocer", "brand"] {
            members::keygen(&app.home, &member(name)).unwrap();
        }
        let agreement = mappings::agreement::read(AGREEMENT).unwrap();
        app.propose(&agreement, &member("grocer"), &tied).await.unwrap();
        for name in ["grocer", "brand"] {
            clock.step(1);
            app.join(&spring(), &member(name), None, &tied).await.unwrap();
        }
        clock.step(1);
        let request = ScheduleRequest {
            collaboration: spring(),
            schedule: "nightly".parse().unwrap(),
            template: "reach".parse().unwrap(),
            digest: None,
            room: PlatformId::native(),
            by: member("brand"),
            cron: "0 * * * *".parse().unwrap(),
            parameters: BTreeMap::from([("segment".to_owned(), CANARY.to_owned())]),
            limits: RunLimits::default(),
        };
        app.schedule(request, &tied).await.unwrap();
        Self { folder, store, app, clock }
    }

    /// Another process of the same gateway.
    async fn beside(&self) -> App {
        let home = Home::open(self.folder.path()).unwrap();
        let (store, time) = (Arc::<Refusing>::clone(&self.store), Arc::clone(&self.clock));
        App::over_at(home, store, time).await.unwrap()
    }

    async fn refused(&self, slot_ms: i64, code: &str) {
        self.refused_by(&self.app, slot_ms, code).await;
    }

    async fn refused_by(&self, app: &App, slot_ms: i64, code: &str) {
        self.clock.set(self.app.clock.now_ms().max(slot_ms));
        let (schedule, code) = ("nightly".parse().unwrap(), Code::new(code).unwrap());
        let body = Body::SlotRefused { schedule, slot_ms, code };
        app.record(&spring(), body).await.unwrap();
    }

    fn teller(&self, name: &str, hook: &Hook) -> Teller {
        let secret = Secret::new(SECRET);
        let receiver = Receiver { member: member(name), url: hook.url.clone(), secret };
        let here = Arc::new(Policy::new(&[], [443], true).unwrap());
        Teller::new(Arc::clone(&self.app), (0, receiver), &here).unwrap()
    }

    /// What is measured of notices: those of refused slots by outcome, and the age of the oldest that waits, in seconds.
    fn measured(&self) -> ([u64; 3], f64) {
        let text =
            self.app.metrics().text(crate::metrics::Waiting::default(), self.app.clock.now_ms());
        let text = text.unwrap();
        let value = |series: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
            line.map_or(0.0, |value| value.parse::<f64>().unwrap())
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let all = ["delivered", "retried", "given-up"].map(|outcome| {
            let labels = format!("{{event=\"schedule-refused\",outcome=\"{outcome}\"}}");
            value(&format!("airlock_notices_total{labels}")) as u64
        });
        assert!(!text.contains("spring") && !text.contains("brand") && !text.contains("nightly"));
        (all, value("airlock_notice_age_seconds"))
    }

    async fn turn(&self, teller: &mut Teller) -> Result<()> {
        let sizes = self.app.store.sizes().await.unwrap();
        teller.turn(&sizes, self.app.clock.now_ms()).await
    }
}

#[tokio::test]
async fn what_is_told_is_signed_and_says_names_alone_and_begins_with_now() {
    let (world, hook) = (World::new().await, Hook::new().await);
    world.refused(SIX, "cap-spent").await;
    world.clock.step(1);
    let mut teller = world.teller("brand", &hook);
    world.turn(&mut teller).await.unwrap();
    assert!(hook.events().is_empty(), "what was before nobody was to be told");
    world.refused(SIX + HOUR, "approval-missing").await;
    world.turn(&mut teller).await.unwrap();
    assert_eq!(hook.events(), ["schedule-refused"]);
    let (id, signature, body) = hook.heard.lock().unwrap()[0].clone();
    assert!(Secret::new(SECRET).signs(&signature, &body, world.app.clock.now_ms()));
    assert!(!Secret::new(SECRET).signs(&signature, b"{}", world.app.clock.now_ms()));
    let said: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(said["id"], id);
    assert_eq!((&said["schedule"], &said["code"]), (&"nightly".into(), &"approval-missing".into()));
    assert!(!String::from_utf8_lossy(&body).contains(CANARY));
    // Once, also by one that begins anew; and nothing of another's schedule.
    world.turn(&mut world.teller("brand", &hook)).await.unwrap();
    world.app.home.told_since(&member("grocer"), 0).unwrap();
    world.turn(&mut world.teller("grocer", &hook)).await.unwrap();
    assert_eq!(hook.events().len(), 1);
}

#[tokio::test]
async fn what_is_not_taken_is_told_again_under_the_same_name_and_after_a_day_given_up() {
    let (world, hook) = (World::new().await, Hook::new().await);
    let mut teller = world.teller("brand", &hook);
    world.turn(&mut teller).await.unwrap();
    for status in [500, 302, 404] {
        *hook.answers.lock().unwrap() = status;
        if status == 500 {
            world.refused(SIX, "cap-spent").await;
        }
        world.turn(&mut teller).await.unwrap_err();
    }
    world.clock.step(60_000);
    assert_eq!(world.measured(), ([0, 3, 0], 60.0));
    *hook.answers.lock().unwrap() = 204;
    world.turn(&mut world.teller("brand", &hook)).await.unwrap();
    assert_eq!(hook.events(), ["schedule-refused"; 4]);
    let ids: BTreeSet<String> =
        hook.heard.lock().unwrap().iter().map(|one| one.0.clone()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(world.measured(), ([1, 3, 0], 0.0));
    *hook.answers.lock().unwrap() = 500;
    world.refused(SIX + HOUR, "approval-missing").await;
    world.turn(&mut teller).await.unwrap_err();
    world.clock.step(KEPT_MS + HOUR);
    world.turn(&mut teller).await.unwrap();
    world.turn(&mut teller).await.unwrap();
    assert_eq!(hook.events().len(), 6);
    assert_eq!(world.measured(), ([1, 4, 1], 0.0));
    assert!(again(0) == AGAIN && again(9) < AGAIN_MAX && again(90) == AGAIN_MAX);
}

#[tokio::test]
async fn a_withdrawal_and_what_it_suspends_are_told_to_those_whom_they_are_about() {
    let (world, brand, grocer) = (World::new().await, Hook::new().await, Hook::new().await);
    let (mut to_brand, mut to_grocer) =
        (world.teller("brand", &brand), world.teller("grocer", &grocer));
    world.turn(&mut to_brand).await.unwrap();
    world.turn(&mut to_grocer).await.unwrap();
    world.clock.step(1);
    world.app.revoke(&spring(), &Withdrawal::Room, &member("grocer")).await.unwrap();
    world.turn(&mut to_brand).await.unwrap();
    world.turn(&mut to_grocer).await.unwrap();
    assert_eq!(brand.events(), ["revocation-closed", "schedule-suspended"]);
    assert_eq!(grocer.events(), ["revocation-closed"]);
}

#[tokio::test]
async fn a_receiver_that_says_nothing_holds_up_no_other() {
    let (world, hook) = (World::new().await, Hook::new().await);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let is_given_up = Arc::<AtomicBool>::default();
    let given_up = Arc::clone(&is_given_up);
    tokio::spawn(async move {
        let (mut stream, _) = silent.accept().await.unwrap();
        drop(stream.read_to_end(&mut Vec::new()).await);
        given_up.store(true, Ordering::SeqCst);
    });
    let of = |name: &str, url: String| Receiver {
        member: member(name),
        url,
        secret: Secret::new(SECRET),
    };
    let here = Arc::new(Policy::new(&[], [443], true).unwrap());
    for name in ["brand", "grocer"] {
        world.app.home.told_since(&member(name), world.app.clock.now_ms()).unwrap();
    }
    world.clock.step(1);
    world.app.revoke(&spring(), &Withdrawal::Room, &member("grocer")).await.unwrap();
    let receivers = vec![of("brand", url), of("grocer", hook.url.clone())];
    let end = CancellationToken::new();
    let telling = tokio::spawn(Arc::clone(&world.app).notify((receivers, here), end.clone()));
    let heard = async {
        while hook.events().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), heard).await.unwrap();
    assert!(!is_given_up.load(Ordering::SeqCst), "the silent one was waited for first");
    end.cancel();
    telling.await.unwrap();
}

#[tokio::test]
async fn what_could_not_be_read_is_told_once_it_can_be_and_at_a_pace() {
    let (world, hook) = (World::new().await, Hook::new().await);
    let mut teller = world.teller("brand", &hook);
    world.turn(&mut teller).await.unwrap();
    let pause_ms = i64::try_from(AGAIN.as_millis()).unwrap();
    // Its leaves can't be read, once. Nothing is written afterwards that would make anybody look again.
    world.refused(SIX, "cap-spent").await;
    world.store.fails_reads(1);
    world.turn(&mut teller).await.unwrap();
    assert!(hook.events().is_empty());
    assert_eq!(teller.pause(), AGAIN);
    world.clock.step(pause_ms - 1);
    world.turn(&mut teller).await.unwrap();
    assert!(hook.events().is_empty(), "it is asked again at a pace");
    world.clock.step(1);
    world.turn(&mut teller).await.unwrap();
    assert_eq!(hook.events(), ["schedule-refused"]);
    assert_eq!(teller.pause(), OPEN_EVERY);
    // What another process wrote can't be read: this one knows what was before.
    let beside = world.beside().await;
    world.refused_by(&beside, SIX + HOUR, "approval-missing").await;
    world.store.fails_reads(1);
    world.turn(&mut teller).await.unwrap();
    assert_eq!(hook.events().len(), 1);
    world.clock.step(pause_ms);
    world.turn(&mut teller).await.unwrap();
    assert_eq!(hook.events(), ["schedule-refused"; 2]);
    world.clock.step(pause_ms);
    world.turn(&mut teller).await.unwrap();
    assert_eq!(hook.events().len(), 2, "each once");
}
