//! What two people decide and what an operator forbids, through the whole door: who counts, what makes it void, and that nothing of it is in the way
//! of whoever takes something away.

use super::*;
use crate::access::{Forbids, PolicyText, Role};
use crate::clock::Clock as _;
use crate::home::Home;
use crate::tokens::DevIssuer;
use crate::{app, settings, tokens};
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};

const AGREEMENT: &str = "agreement: v1
collaboration: spring
members:
  grocer: { name: Grocer, abilities: [contribute] }
  brand: { name: Brand, abilities: [run, receive] }
rooms: [native]
datasets:
  sales:
    owner: grocer
    at: { native: file:///srv/sales.parquet }
    entity: person
    columns:
      person: { use: match, key: person-id, from: person, type: int64 }
      segment: { type: utf8, use: dimension }
    rule: { entities_min: 3, join: optional }
templates:
  segments:
    class: aggregate
    sql: SELECT segment, COUNT(DISTINCT person) AS people FROM sales GROUP BY segment
    run_by: [brand]
    received_by: [brand]
limits: { runs_max: 100, within: 24h }
destinations: { brand: file:///srv/results }
";
const AT: &str = "/v1/collaborations/spring";
const SETTINGS: &str = "[http]\ndevelopment_issuer = true\n\
    [[http.tenants]]\nmember = \"grocer\"\nplaces = [\"file:///srv/\"]\nfour_eyes = [\"approve\", \"waive\"]\n\
    [[http.tenants]]\nmember = \"brand\"\ndestinations = [\"file:///srv/\"]\n\
    [[http.tenants]]\nmember = \"press\"\n";

struct Told {
    status: u16,
    body: Value,
}

impl Told {
    #[track_caller]
    fn is(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status, self.body["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.body
        );
    }

    #[track_caller]
    fn status(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

/// A gateway at which two people of `grocer` approve.
struct Door {
    _folder: tempfile::TempDir,
    app: Arc<App>,
    router: Router,
    issuer: DevIssuer,
    asked: AtomicU32,
}

impl Door {
    async fn open() -> Arc<Self> {
        Self::forbidding(None).await
    }

    /// The same with policies of the operator's, and a collaboration that both members joined.
    async fn forbidding(policies: Option<&str>) -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::fs::write(home.settings(), SETTINGS).unwrap();
        for name in ["grocer", "brand", "press"] {
            app::members::keygen(&home, &name.parse().unwrap()).unwrap();
        }
        let app = Arc::new(App::open(folder.path()).await.unwrap());
        let set = settings::http(&home).unwrap();
        let forbids = policies.map(|text| {
            let text = PolicyText { name: "own.cedar".to_owned(), text: text.to_owned() };
            Arc::new(Forbids::read(&[text], None).unwrap())
        });
        let verifier = tokens::verifier(&set, &home, Arc::new(SystemClock)).unwrap();
        let issuer = DevIssuer::of(&set, &home).unwrap();
        let house = House::of(&set).with_policies(forbids);
        let gateway = Gateway::new(Arc::clone(&app), house, verifier).unwrap();
        let router = gateway.router(BTreeSet::from(["localhost".to_owned()]));
        let asked = AtomicU32::new(0);
        let door = Self { _folder: folder, app, router, issuer, asked };
        door.agree(AGREEMENT).await;
        Arc::new(door)
    }

    async fn agree(&self, text: &str) {
        let agreement = app::agreements::read_text(text, "the document").unwrap();
        let (of, tied) = (agreement.collaboration.clone(), app::Tied::default());
        self.app.propose(&agreement, &"grocer".parse().unwrap(), &tied).await.unwrap();
        for member in ["grocer", "brand"] {
            self.app.join(&of, &member.parse().unwrap(), None, &tied).await.unwrap();
        }
    }

    async fn ask(
        &self,
        (method, path): (Method, &str),
        (member, person, role): (&str, Option<&str>, Role),
        key: &str,
        body: &Value,
    ) -> Told {
        let member = member.parse().unwrap();
        let token = self.issuer.for_member((&member, person), &[role].into(), SystemClock.now_ms());
        let mut request = Request::builder().method(&method).uri(path).header("host", "localhost");
        request = request.header("authorization", format!("Bearer {}", token.unwrap().token));
        let mut said = String::new();
        if method == Method::POST {
            said = body.to_string();
            request = request.header("content-type", "application/json");
            request = request.header("if-match", "*").header("idempotency-key", key);
        }
        let answer = self.router.clone().oneshot(request.body(Body::from(said)).unwrap());
        let (head, body) = answer.await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 24).await.unwrap();
        Told {
            status: head.status.as_u16(),
            body: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }

    fn key(&self) -> String {
        format!("seconds-{:016}", self.asked.fetch_add(1, Ordering::Relaxed))
    }

    async fn version(&self) -> Value {
        let who = ("grocer", None, Role::Auditor);
        let told = self
            .ask((Method::GET, &format!("{AT}/templates/segments")), who, "", &Value::Null)
            .await;
        told.status(200)["digest"].clone()
    }

    async fn approve(&self, who: (&str, Option<&str>)) -> Told {
        let (key, version) = (self.key(), self.version().await);
        self.approve_as(who, &key, &version).await
    }

    async fn approve_as(
        &self,
        (member, person): (&str, Option<&str>),
        key: &str,
        version: &Value,
    ) -> Told {
        let path = format!("{AT}/templates/segments/approvals");
        let who = (member, person, Role::PrivacyOfficer);
        self.ask((Method::POST, &path), who, key, &json!({ "digest": version })).await
    }

    async fn waiting(&self, member: &str) -> Told {
        let who = (member, Some("reader"), Role::Auditor);
        self.ask((Method::GET, &format!("{AT}/waiting")), who, "", &Value::Null).await
    }

    async fn all_waiting(&self) -> Vec<Value> {
        self.waiting("grocer").await.status(200)["waiting"].as_array().unwrap().clone()
    }

    async fn take_back(&self, member: &str, id: &str) -> Told {
        let who = (member, Some("carol"), Role::PrivacyOfficer);
        self.ask((Method::DELETE, &format!("{AT}/waiting/{id}")), who, "", &Value::Null).await
    }

    async fn approvals(&self) -> usize {
        let who = ("grocer", None, Role::Auditor);
        let path = format!("{AT}/leaves?limit=200");
        let leaves = self.ask((Method::GET, &path), who, "", &Value::Null).await.status(200);
        let leaves = leaves["leaves"].as_array().unwrap();
        leaves.iter().filter(|leaf| leaf["kind"] == json!("approved")).count()
    }
}

const ALICE: (&str, Option<&str>) = ("grocer", Some("alice"));
const BOB: (&str, Option<&str>) = ("grocer", Some("bob"));

#[tokio::test]
async fn the_second_person_makes_it_and_nobody_else_does() {
    let door = Door::open().await;
    let version = door.version().await;
    let waits = door.approve(ALICE).await.status(202);
    assert_eq!(
        waits["what"],
        json!({ "kind": "approval", "template": "segments", "digest": version })
    );
    assert_eq!((&waits["yours"], &waits["stands"]), (&json!(true), &json!(true)));
    assert_eq!(waits["until_ms"].as_i64().unwrap() - waits["at_ms"].as_i64().unwrap(), 86_400_000);
    // The same person twice, under the same key or another, is one person.
    let again = door.approve(ALICE).await.status(202);
    assert_eq!(again, waits);
    // A program is nobody of two, whatever it is called.
    door.approve(("grocer", None)).await.is(403, "person-needed");
    assert_eq!(door.approvals().await, 0);
    let listed = door.all_waiting().await;
    assert_eq!((listed.len(), &listed[0]["id"]), (1, &waits["id"]));
    assert_eq!(listed[0]["yours"], json!(false), "another looks");
    let key = door.key();
    let given = door.approve_as(BOB, &key, &version).await.status(201);
    assert_eq!(door.approvals().await, 1);
    assert!(door.all_waiting().await.is_empty());
    // The second's answer is told again under its key; whoever else asks is told that it holds.
    let again = door.approve_as(BOB, &key, &version).await.status(201);
    assert_eq!(again["receipt"]["index"], given["receipt"]["index"]);
    door.approve(ALICE).await.is(409, "already-decided");
    door.approve(BOB).await.is(409, "already-decided");
    assert_eq!(door.approvals().await, 1);
}

#[tokio::test]
async fn sixteen_seconds_at_once_make_one_leaf() {
    let door = Door::open().await;
    let version = door.version().await;
    door.approve(ALICE).await.status(202);
    let racers = (0..16).map(|n| {
        let (door, version, person) = (Arc::clone(&door), version.clone(), format!("second-{n}"));
        tokio::spawn(async move {
            let key = door.key();
            door.approve_as(("grocer", Some(&person)), &key, &version).await.status
        })
    });
    let mut done = Vec::new();
    for racer in racers.collect::<Vec<_>>() {
        done.push(racer.await.unwrap());
    }
    assert_eq!(done.iter().filter(|status| **status == 201).count(), 1, "{done:?}");
    assert!(done.iter().all(|status| matches!(status, 201 | 202 | 409)), "{done:?}");
    assert_eq!(door.approvals().await, 1);
}

#[tokio::test]
async fn two_who_begin_at_once_are_one_first_and_one_second() {
    let door = Door::open().await;
    let version = door.version().await;
    let (one, other) = (door.key(), door.key());
    let (one, other) = tokio::join!(
        door.approve_as(ALICE, &one, &version),
        door.approve_as(BOB, &other, &version)
    );
    let mut both = [one.status, other.status];
    both.sort_unstable();
    assert!(matches!(both, [201, 202]), "{both:?}");
    assert_eq!(door.approvals().await, 1);
}

#[tokio::test]
async fn a_withdrawn_approval_takes_two_again() {
    let door = Door::open().await;
    door.approve(ALICE).await.status(202);
    door.approve(BOB).await.status(201);
    // One person, or a program, takes it away: at once.
    let who = ("grocer", None, Role::PrivacyOfficer);
    let body = json!({ "kind": "approval", "template": "segments" });
    let told = door.ask((Method::POST, &format!("{AT}/revocations")), who, "", &body).await;
    assert_eq!(told.status(201)["durable"], json!(true));
    let version = door.version().await;
    let key = door.key();
    door.approve_as(BOB, &key, &version).await.status(202);
    assert_eq!(door.approvals().await, 1);
    door.approve(ALICE).await.status(201);
    assert_eq!(door.approvals().await, 2);
}

#[tokio::test]
async fn what_waits_is_void_once_the_agreement_is_another() {
    let door = Door::open().await;
    let before = door.version().await;
    let waits = door.approve(ALICE).await.status(202);
    door.agree(&AGREEMENT.replace("runs_max: 100", "runs_max: 99")).await;
    assert_eq!(door.version().await, before, "the template is the same");
    let listed = door.all_waiting().await;
    assert_eq!((&listed[0]["id"], &listed[0]["stands"]), (&waits["id"], &json!(false)));
    let anew = door.approve(BOB).await.status(202);
    assert_ne!(anew["id"], waits["id"], "it is a first one, on the other agreement");
    assert_eq!(door.approvals().await, 0);
    door.approve(ALICE).await.status(201);
    assert_eq!(door.approvals().await, 1);
    // Another version of the template is another decision as well.
    door.agree(&AGREEMENT.replace("AS people", "AS persons")).await;
    let key = door.key();
    door.approve_as(BOB, &key, &before).await.is(409, "template-changed");
}

#[tokio::test]
async fn it_is_taken_back_by_its_member_alone() {
    let door = Door::open().await;
    let waits = door.approve(ALICE).await.status(202);
    let id = waits["id"].as_str().unwrap().to_owned();
    door.take_back("brand", &id).await.is(404, "not-found");
    door.take_back("press", &id).await.is(404, "not-found");
    door.take_back("grocer", &id[1..]).await.is(404, "not-found");
    let who = ("grocer", Some("dave"), Role::MemberAdmin);
    let told =
        door.ask((Method::DELETE, &format!("{AT}/waiting/{id}")), who, "", &Value::Null).await;
    told.is(403, "not-permitted");
    assert_eq!(
        door.waiting("brand").await.status(200)["waiting"],
        json!([]),
        "it is nobody else's"
    );
    door.waiting("press").await.is(404, "not-found");
    assert_eq!(door.all_waiting().await.len(), 1);
    door.take_back("grocer", &id).await.status(204);
    door.take_back("grocer", &id).await.is(404, "not-found");
    door.approve(BOB).await.status(202);
    assert_eq!(door.approvals().await, 0);
}

#[tokio::test]
async fn what_could_not_be_decided_does_not_wait() {
    let door = Door::open().await;
    let nothing = json!(format!("sha256:{}", "0".repeat(64)));
    let key = door.key();
    door.approve_as(ALICE, &key, &nothing).await.is(409, "template-changed");
    assert!(door.all_waiting().await.is_empty());
    let path = format!("{AT}/waivers");
    let body = json!({ "room": "native", "at": "limits", "agreement": nothing });
    let who = ("grocer", Some("alice"), Role::PrivacyOfficer);
    let told = door.ask((Method::POST, &path), who, &door.key(), &body).await;
    assert!(matches!(told.status, 409 | 412 | 422), "{}", told.body);
    assert!(door.all_waiting().await.is_empty());
    // Where one decides, nothing waits either.
    let who = ("brand", None, Role::PrivacyOfficer);
    let path = format!("{AT}/templates/segments/approvals");
    let body = json!({ "digest": door.version().await });
    let told = door.ask((Method::POST, &path), who, &door.key(), &body).await;
    told.is(409, "not-an-owner");
}

#[tokio::test]
async fn an_operator_forbids_and_is_named_but_keeps_nobody_from_taking_away() {
    let door = Door::forbidding(Some(
        "forbid (principal, action in [Airlock::Action::\"read\", Airlock::Action::\"change\"], resource == Airlock::Collaboration::\"spring\") \
         when { principal.tenant == Airlock::Tenant::\"grocer\" && principal.subject like \"*:mallory\" };",
    ))
    .await;
    let mallory = |role| ("grocer", Some("mallory"), role);
    let look = (Method::GET, AT);
    let told = door.ask(look.clone(), mallory(Role::Auditor), "", &Value::Null).await;
    told.is(403, "policy-forbids");
    let told =
        door.ask(look.clone(), ("grocer", Some("alice"), Role::Auditor), "", &Value::Null).await;
    told.status(200);
    let all = (Method::GET, "/v1/collaborations");
    let listed = door.ask(all.clone(), mallory(Role::Auditor), "", &Value::Null).await;
    assert_eq!(listed.status(200)["collaborations"], json!([]));
    let listed = door.ask(all, ("grocer", None, Role::Auditor), "", &Value::Null).await;
    assert_eq!(listed.status(200)["collaborations"].as_array().unwrap().len(), 1);
    let key = door.key();
    let version = door.version().await;
    door.approve_as(("grocer", Some("mallory")), &key, &version).await.is(403, "policy-forbids");
    // To a stranger there is nothing, and a role that does not suffice is told so first.
    let stranger = ("press", Some("mallory"), Role::Auditor);
    door.ask(look, stranger, "", &Value::Null).await.is(404, "not-found");
    let path = format!("{AT}/runs");
    let body = json!({ "template": "segments", "digest": version });
    door.ask((Method::POST, &path), mallory(Role::Auditor), &door.key(), &body)
        .await
        .is(403, "not-permitted");
    let body = json!({ "kind": "dataset", "dataset": "sales" });
    let told = door
        .ask((Method::POST, &format!("{AT}/revocations")), mallory(Role::DataSteward), "", &body)
        .await;
    told.status(201);
}
