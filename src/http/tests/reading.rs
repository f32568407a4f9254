//! Reading and planning, through the whole door: what each caller sees, and what it does not. Whatever is one member's place, account or key column
//! carries a sentinel of that member, and every answer to another is searched for it.

mod fidelity;
mod paging;
mod tiles;
mod versions;

use super::*;
use crate::access::Role;
use crate::app::Inbox;
use crate::clock::Clock as _;
use crate::home::Home;
use crate::tokens::DevIssuer;
use crate::{app, settings, tokens};
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};

const AGREEMENT: &str = "agreement: v1
collaboration: spring
members:
  grocer: { name: Grocer, abilities: [contribute], identity: { aws-clean-rooms: \"111111111111\" } }
  brand: { name: Brand, abilities: [contribute, run, receive], identity: { aws-clean-rooms: \"222222222222\" } }
rooms: [native, { platform: aws-clean-rooms, region: eu-central-1 }]
datasets:
  sales:
    owner: grocer
    at: { native: file:///zqgrocer/sales.parquet, aws-clean-rooms: { glue: { database: zqgrocer, table: sales } } }
    entity: person
    columns:
      person: { use: match, key: person-id, from: person, type: int64 }
      segment: { type: utf8, use: dimension }
      amount: { type: float64, use: measure, aggregates: [sum, avg] }
    rule: { entities_min: 3, join: optional }
  seen:
    owner: brand
    at: { native: file:///zqbrand/seen.parquet, aws-clean-rooms: { glue: { database: zqbrand, table: seen } } }
    entity: person
    columns:
      person: { use: match, key: person-id, from: person, type: int64 }
      campaign: { type: utf8, use: dimension }
    rule: { entities_min: 1 }
templates:
  reach:
    class: aggregate
    sql: SELECT e.campaign, COUNT(DISTINCT s.person) AS people FROM sales s JOIN seen e ON s.person = e.person GROUP BY e.campaign
    run_by: [brand]
    received_by: [brand]
  segments:
    class: aggregate
    sql: SELECT segment, COUNT(DISTINCT person) AS people FROM sales GROUP BY segment
    run_by: [brand]
    received_by: [brand]
limits: { runs_max: 100, within: 24h }
destinations: { brand: file:///zqbrand/results }
";
const AT: &str = "/v1/collaborations/spring";
const CONNECTIONS: &str = "[aws-clean-rooms.members.grocer]\nprofile = \"zqprofile\"\n";

/// A gateway of three members, on which `grocer` has a connection to a platform.
struct Door {
    folder: tempfile::TempDir,
    app: Arc<App>,
    router: Router,
    inbox: Arc<Inbox>,
    issuer: DevIssuer,
    /// A key for each change.
    asked: AtomicU32,
}

/// What was answered.
#[derive(Debug)]
struct Told {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    #[track_caller]
    fn done(self) -> Value {
        assert!(matches!(self.status, 200..=202), "{self:?}");
        self.json()
    }

    #[track_caller]
    fn is(&self, status: u16, code: &str) -> Value {
        let problem = self.json();
        assert_eq!((self.status, problem["code"].as_str()), (status, Some(code)), "{self:?}");
        problem
    }
}

impl Door {
    async fn open() -> Self {
        Self::with(House::default(), true).await
    }

    async fn with(house: House, worker: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::fs::write(home.settings(), "[http]\ndevelopment_issuer = true\n").unwrap();
        std::fs::write(home.connections(), CONNECTIONS).unwrap();
        for name in ["grocer", "brand", "press"] {
            app::members::keygen(&home, &name.parse().unwrap()).unwrap();
        }
        let app = Arc::new(App::open(folder.path()).await.unwrap());
        let set = settings::http(&home).unwrap();
        let verifier = tokens::verifier(&set, &home, Arc::new(SystemClock)).unwrap();
        let issuer = DevIssuer::of(&set, &home).unwrap();
        let inbox = Arc::<Inbox>::default();
        let house = if worker { house.with_worker(Arc::clone(&inbox)) } else { house };
        let gateway = Gateway::new(Arc::clone(&app), house, verifier).unwrap();
        let router = gateway.router(BTreeSet::from(["localhost".to_owned()]));
        Self { folder, app, router, inbox, issuer, asked: AtomicU32::new(0) }
    }

    fn token(&self, member: &str, roles: &[Role]) -> String {
        let (member, now) = (member.parse().unwrap(), SystemClock.now_ms());
        let roles = roles.iter().copied().collect();
        self.issuer.for_member((&member, None), &roles, now).unwrap().token
    }

    async fn ask(
        &self,
        (method, path): (Method, &str),
        token: &str,
        lines: &[(&str, &str)],
        body: &str,
    ) -> Told {
        let (status, headers, body) = self.raw((method, path), token, lines, body).await;
        Told { status, headers, text: String::from_utf8(body).unwrap() }
    }

    /// The bytes of an answer, of whatever kind.
    async fn raw(
        &self,
        (method, path): (Method, &str),
        token: &str,
        lines: &[(&str, &str)],
        body: &str,
    ) -> (u16, HeaderMap, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        request = request.header("authorization", format!("Bearer {token}"));
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let answer =
            self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap());
        let (head, body) = answer.await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 24).await.unwrap();
        (head.status.as_u16(), head.headers, body.to_vec())
    }

    /// A look of somebody who has every role of a member; it finds nothing that is another's alone.
    async fn get(&self, member: &str, path: &str) -> Told {
        let token = self.token(member, &Role::ALL[..5]);
        let told = self.ask((Method::GET, path), &token, &[], "").await;
        // The documents themselves are every member's, whole.
        if !path.contains("/agreements/sha256") || path.contains("/diff") {
            hides(member, &told);
        }
        told
    }

    async fn post(&self, member: &str, path: &str, body: &str) -> Told {
        let token = self.token(member, &Role::ALL[..5]);
        let kind = if body.starts_with("agreement:") { "yaml" } else { "json" };
        let kind = format!("application/{kind}");
        let n = self.asked.fetch_add(1, Ordering::Relaxed);
        let key = format!("reading-{n:016}");
        let lines =
            [("content-type", kind.as_str()), ("if-match", "*"), ("idempotency-key", key.as_str())];
        let told = self.ask((Method::POST, path), &token, &lines, body).await;
        hides(member, &told);
        told
    }

    async fn propose(&self, text: &str) -> String {
        self.post("grocer", &format!("{AT}/agreements"), text).await.done();
        let all = self.get("grocer", &format!("{AT}/agreements")).await.done();
        all["agreements"].as_array().unwrap().last().unwrap()["digest"].as_str().unwrap().to_owned()
    }

    async fn answer(&self, member: &str, answer: &str, digest: &str) -> Told {
        let body = json!({ "agreement": digest }).to_string();
        self.post(member, &format!("{AT}/{answer}"), &body).await
    }

    /// What both members joined; its digest.
    async fn agreed(&self) -> String {
        let digest = self.propose(AGREEMENT).await;
        for member in ["grocer", "brand"] {
            self.answer(member, "joins", &digest).await.done();
        }
        digest
    }
}

/// Nothing of another member's places and accounts is in it.
#[track_caller]
fn hides(member: &str, told: &Told) {
    for (owner, account) in [("grocer", "111111111111"), ("brand", "222222222222")] {
        let place = format!("zq{owner}");
        let found = told.text.contains(&place) || told.text.contains(account);
        assert!(owner == member || !found, "{member} is told of {owner}: {told:?}");
    }
    assert!(!told.text.contains("zqprofile"), "{told:?}");
}

#[tokio::test]
async fn a_check_says_what_everybody_would_and_keeps_nothing() {
    let door = Door::open().await;
    let checked = door.post("press", "/v1/checks", AGREEMENT).await;
    // What a caller wrote itself it is not told again.
    let checked = checked.done();
    assert_eq!(checked["collaboration"], "spring");
    assert_eq!(checked["templates"][0]["template"], "reach");
    assert_eq!(checked["templates"][0]["class"], "aggregate");
    assert_eq!(checked["templates"][0]["received_by"], json!(["brand"]));
    assert_eq!(
        checked["templates"][0]["output"],
        json!([{ "column": "campaign", "type": "utf8" }, { "column": "people", "type": "int64" }])
    );
    let threshold = json!({ "dataset": "sales", "entities_min": 3, "rule_of": "grocer" });
    assert!(checked["templates"][0]["thresholds"].as_array().unwrap().contains(&threshold));
    let rooms: Vec<_> = checked["rooms"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&rooms[0]["room"], &rooms[1]["room"]),
        (&json!("native"), &json!("aws-clean-rooms"))
    );
    assert!(rooms.iter().all(|room| room["terms"].as_array().unwrap().len() > 10));
    assert_eq!(rooms[0]["terms"][0]["fidelity"], "exact");
    // The digest is the one that its members would accept.
    let digest = door.propose(AGREEMENT).await;
    assert_eq!(checked["digest"], digest);
    let all = door.get("press", "/v1/collaborations").await.done();
    assert_eq!(all["collaborations"], json!([]));

    let both = AGREEMENT
        .replace("class: aggregate", "class: nothing")
        .replace("join: optional", "join: never");
    let problem = door.post("press", "/v1/checks", &both).await.is(422, "agreement-invalid");
    assert_eq!(problem["problems"].as_array().unwrap().len(), 3, "{problem}");
    let refused = AGREEMENT.replace("GROUP BY segment", "GROUP BY segment HAVING segment = 'x'");
    let refused =
        refused.replace("COUNT(DISTINCT s.person) AS people FROM sales s", "s.amount FROM sales s");
    let problem = door.post("press", "/v1/checks", &refused).await.is(409, "template-refused");
    assert!(!problem["problems"].as_array().unwrap().is_empty(), "{problem}");
    let token = door.token("press", &[Role::Auditor]);
    let text = [("content-type", "text/plain")];
    let told = door.ask((Method::POST, "/v1/checks"), &token, &text, AGREEMENT).await;
    told.is(415, "media-type-unknown");
}

#[tokio::test]
async fn every_version_is_seen_by_its_members_and_what_waits_by_whoever_is_invited() {
    let door = Door::open().await;
    let first = door.agreed().await;
    let second = door.propose(&AGREEMENT.replace("entities_min: 3", "entities_min: 4")).await;
    door.answer("brand", "declines", &second).await.done();
    let named = AGREEMENT.replace("entities_min: 3", "entities_min: 5").replace(
        "rooms: [",
        "  press: { name: Press, abilities: [contribute] , identity: { aws-clean-rooms: \"333333333333\" } }\nrooms: [",
    );
    let third = door.propose(&named).await;
    let at = format!("{AT}/agreements");
    let listed = |told: Value| -> Vec<(String, u64, String)> {
        let all = told["agreements"].as_array().unwrap().clone();
        let one = |v: &Value| {
            (
                v["digest"].as_str().unwrap().to_owned(),
                v["number"].as_u64().unwrap(),
                v["state"].as_str().unwrap().to_owned(),
            )
        };
        all.iter().map(one).collect()
    };
    let of = |digest: &str, number: u64, state: &str| (digest.to_owned(), number, state.to_owned());
    let whole =
        vec![of(&first, 1, "in-force"), of(&second, 2, "declined"), of(&third, 3, "waiting")];
    for member in ["grocer", "brand"] {
        assert_eq!(listed(door.get(member, &at).await.done()), whole);
    }
    assert_eq!(listed(door.get("press", &at).await.done()), [of(&third, 3, "waiting")]);
    // Page by page it is the same.
    let (mut pages, mut next) = (Vec::new(), String::new());
    loop {
        let page = door.get("brand", &format!("{at}?limit=1{next}")).await.done();
        next = page["next"].as_str().map(|after| format!("&after={after}")).unwrap_or_default();
        pages.extend(listed(page));
        if next.is_empty() {
            break;
        }
    }
    assert_eq!(pages, whole);
    // An older document is in its leaf.
    let old = door.get("brand", &format!("{at}/{second}")).await.done();
    assert_eq!(old["document"]["datasets"]["sales"]["rule"]["entities_min"], 4);
    assert_eq!((&old["declined"], &old["proposed_by"]), (&json!(["brand"]), &json!("grocer")));
    let diff = door.get("brand", &format!("{at}/{second}/diff?from={first}")).await.done();
    assert_eq!(
        diff["changes"],
        json!([{ "path": "datasets.sales.rule.entities_min", "of": "rule", "change": "changed", "before": 3, "after": 4 }])
    );
    let diff = door.get("brand", &format!("{at}/{third}/diff?from={first}")).await.done();
    assert_eq!(
        (&diff["changes"][1]["path"], &diff["changes"][1]["change"]),
        (&json!("members.press"), &json!("added"))
    );
    assert_eq!(diff["changes"][1]["withheld"], true, "the account of press");
    assert!(!diff.to_string().contains("333333333333"));
    // Whoever is invited has nothing to compare with.
    door.get("press", &format!("{at}/{third}")).await.done();
    door.get("press", &format!("{at}/{first}")).await.is(404, "not-found");
    door.get("press", &format!("{at}/{third}/diff?from={first}")).await.is(404, "not-found");
    assert_eq!(
        door.get("press", &format!("{at}/{third}/diff?from={third}")).await.done()["changes"],
        json!([])
    );
    door.get("brand", &format!("{at}/{third}/diff")).await.is(400, "query-invalid");
    for member in ["grocer", "brand", "press"] {
        door.answer(member, "joins", &third).await.done();
    }
    let now = listed(door.get("press", &at).await.done());
    assert_eq!(
        now,
        [of(&first, 1, "superseded"), of(&second, 2, "declined"), of(&third, 3, "in-force")]
    );
}

#[tokio::test]
async fn invitations_are_of_whoever_is_invited_and_end_with_the_answer() {
    let door = Door::open().await;
    let digest = door.propose(AGREEMENT).await;
    for name in ["summer", "autumn"] {
        let text = AGREEMENT.replace("collaboration: spring", &format!("collaboration: {name}"));
        door.post("grocer", &format!("/v1/collaborations/{name}/agreements"), &text).await.done();
    }
    let invited = door.get("brand", "/v1/invitations").await.done();
    let names: Vec<_> = invited["invitations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["collaboration"].clone())
        .collect();
    assert_eq!(names, ["autumn", "spring", "summer"]);
    assert_eq!(invited["invitations"][1]["agreement"], digest);
    assert_eq!(
        invited["invitations"][1]["proposed_by"], "gateway",
        "no key of grocer is on record"
    );
    assert_eq!(invited.get("next"), None);
    let page = door.get("brand", "/v1/invitations?limit=1").await.done();
    assert_eq!(
        (&page["invitations"][0]["collaboration"], &page["next"]),
        (&json!("autumn"), &json!("autumn"))
    );
    let page = door.get("brand", "/v1/invitations?limit=1&after=autumn").await.done();
    assert_eq!(page["invitations"][0]["collaboration"], "spring");
    assert_eq!(door.get("press", "/v1/invitations").await.done()["invitations"], json!([]));
    door.answer("brand", "joins", &digest).await.done();
    let invited = door.get("brand", "/v1/invitations").await.done().to_string();
    assert!(invited.contains("autumn") && !invited.contains("spring"), "{invited}");
}

#[tokio::test]
async fn a_dataset_says_where_it_lies_to_its_owner_alone() {
    let door = Door::open().await;
    door.agreed().await;
    let own = door.get("grocer", &format!("{AT}/datasets/sales")).await.done();
    assert_eq!(own["at"]["native"], "file:///zqgrocer/sales.parquet");
    assert_eq!(own["state"], "offered");
    assert_eq!(own["rule"]["entities_min"], 3);
    assert_eq!(
        own["keys"],
        json!([{ "column": "person", "key": "person-id", "normalise": "none" }])
    );
    assert_eq!(
        own["columns"][0],
        json!({ "column": "amount", "type": "float64", "use": "measure", "aggregates": ["sum", "avg"], "activate": false })
    );
    let all = door.get("brand", &format!("{AT}/datasets")).await.done();
    assert_eq!(all["datasets"][0]["dataset"], "sales");
    assert_eq!(
        (all["datasets"][0].get("at"), &all["datasets"][1]["at"]["native"]),
        (None, &json!("file:///zqbrand/seen.parquet"))
    );
    door.get("brand", &format!("{AT}/datasets/nowhere")).await.is(404, "not-found");
    door.get("press", &format!("{AT}/datasets")).await.is(404, "not-found");
    let revoke = |what: Value| {
        let body = what.to_string();
        let door = &door;
        async move { door.post("grocer", &format!("{AT}/revocations"), &body).await.done() }
    };
    revoke(json!({ "kind": "column", "dataset": "sales", "column": "amount" })).await;
    let seen = door.get("brand", &format!("{AT}/datasets/sales")).await.done();
    assert_eq!(
        (&seen["state"], &seen["withdrawn_columns"]),
        (&json!("offered"), &json!(["amount"]))
    );
    revoke(json!({ "kind": "dataset", "dataset": "sales" })).await;
    let seen = door.get("brand", &format!("{AT}/datasets/sales")).await.done();
    assert_eq!(seen["state"], "withdrawn");
    assert_eq!(door.get("brand", &format!("{AT}/datasets/seen")).await.done()["state"], "offered");
}

#[tokio::test]
async fn an_explanation_has_the_text_beside_what_each_room_runs() {
    let door = Door::open().await;
    door.agreed().await;
    let explained = door.get("brand", &format!("{AT}/templates/reach/explanation")).await.done();
    assert_eq!(explained["passes"], true);
    assert!(explained["sql"].as_str().unwrap().starts_with("SELECT e.campaign"));
    let texts = explained["texts"].as_object().unwrap();
    assert_eq!(texts.keys().collect::<Vec<_>>(), ["aws-clean-rooms", "native"]);
    assert!(
        texts.values().all(|text| text["sql"].as_str().is_some_and(|sql| sql.contains("campaign")))
    );
    let threshold = json!({ "dataset": "sales", "entities_min": 3, "rule_of": "grocer" });
    assert!(explained["thresholds"].as_array().unwrap().contains(&threshold), "{explained}");
}

#[tokio::test]
async fn an_approval_is_of_an_owner_that_the_template_touches() {
    let door = Door::open().await;
    door.agreed().await;
    let template = door.get("brand", &format!("{AT}/templates/segments")).await.done();
    let body = json!({ "digest": template["digest"] }).to_string();
    let at = format!("{AT}/templates/segments/approvals");
    door.post("brand", &at, &body).await.is(409, "not-an-owner");
    assert_eq!(door.post("grocer", &at, &body).await.status, 201);
    let template = door.get("brand", &format!("{AT}/templates/reach")).await.done();
    let both = json!({ "digest": template["digest"] }).to_string();
    assert_eq!(
        door.post("brand", &format!("{AT}/templates/reach/approvals"), &both).await.status,
        201
    );
    door.post("grocer", &at, &both).await.is(409, "template-changed");
    door.post("grocer", &format!("{AT}/templates/nowhere/approvals"), &both)
        .await
        .is(409, "template-changed");
    // The command line says the same by the same rule.
    let (of, brand) = ("spring".parse().unwrap(), "brand".parse().unwrap());
    let names = ["segments".parse().unwrap()];
    let refused = door.app.approve(&of, Some(&names), &brand).await.unwrap_err();
    assert_eq!(refused.code, "not-an-owner");
    assert!(door.app.approve(&of, None, &brand).await.unwrap().is_empty(), "all of its own are");
}

#[tokio::test]
async fn a_plan_is_of_a_room_of_the_agreement() {
    let door = Door::open().await;
    door.agreed().await;
    let plan = door.post("grocer", &format!("{AT}/rooms/native/plans"), "").await.done();
    assert_eq!(plan["room"], "native");
    assert!(plan["exact"].as_u64().unwrap() > 10 && plan["losses"] == json!([]), "{plan}");
    let calls = plan["steps"].as_array().unwrap();
    assert!(calls.iter().any(|step| step["what"] == "dataset sales"), "{plan}");
    door.post("grocer", &format!("{AT}/rooms/snowflake/plans"), "")
        .await
        .is(409, "room-not-agreed");
    door.post("press", &format!("{AT}/rooms/native/plans"), "").await.is(404, "not-found");
    let token = door.token("grocer", &[Role::Analyst]);
    let told = door.ask((Method::POST, &format!("{AT}/rooms/native/plans")), &token, &[], "").await;
    told.is(403, "not-permitted");
}

#[tokio::test]
async fn a_look_is_asked_of_the_worker_that_is_there() {
    let door = Door::open().await;
    door.agreed().await;
    let at = format!("{AT}/rooms/aws-clean-rooms/looks");
    let told = door.post("brand", &at, "").await;
    assert_eq!((told.status, &told.json()["room"]), (202, &json!("aws-clean-rooms")));
    door.post("brand", &at, "").await.done();
    let asked = door.inbox.emptied();
    let room = Some(mappings::model::PlatformId::aws_clean_rooms());
    let expected = app::Trigger::Room { collaboration: "spring".parse().unwrap(), room };
    assert_eq!(asked.into_iter().collect::<Vec<_>>(), [expected]);
    door.post("brand", &format!("{AT}/rooms/native/looks"), "").await.is(409, "nothing-to-look-at");
    door.post("brand", &format!("{AT}/rooms/snowflake/looks"), "").await.is(409, "room-not-agreed");
    door.post("press", &at, "").await.is(404, "not-found");
    // As many names as are kept in mind wait already.
    let platform = mappings::model::PlatformId::aws_clean_rooms();
    let mut n = 0;
    while door
        .inbox
        .take_in(vec![app::Trigger::Account { platform: platform.clone(), account: n.to_string() }])
        .is_ok()
    {
        n += 1;
    }
    let full = door.post("brand", &at, "").await;
    full.is(503, "triggers-full");
    assert_eq!(full.headers["retry-after"], "1");
    drop(door.inbox.emptied());
    door.post("brand", &at, "").await.done();
    // The worker has ended.
    door.inbox.leave();
    door.post("brand", &at, "").await.is(409, "no-worker");
    let alone = Door::with(House::default(), false).await;
    alone.agreed().await;
    alone.post("brand", &at, "").await.is(409, "no-worker");
    drop((door.folder, alone.folder));
}

#[tokio::test]
async fn only_ones_own_connection_is_tried() {
    let door = Door::open().await;
    door.agreed().await;
    let at = format!("{AT}/connections/tests");
    // Brand has none here, and is not told of that of grocer.
    let told = door.post("brand", &at, "").await;
    told.is(422, "connections-missing");
    door.post("press", &at, "").await.is(404, "not-found");
}

#[tokio::test]
async fn what_is_shown_beside_what_is_decided_is_never_hidden_and_keeps_nobody_from_deciding() {
    let door = Door::open().await;
    door.agreed().await;
    let token = door.token("brand", &Role::ALL[..5]);
    let told = door.get("brand", AT).await;
    let mark = told.headers["etag"].to_str().unwrap().to_owned();
    let again = [("if-none-match", mark.as_str())];
    assert_eq!(door.ask((Method::GET, AT), &token, &again, "").await.status, 304);
    door.post(
        "grocer",
        &format!("{AT}/revocations"),
        &json!({ "kind": "column", "dataset": "sales", "column": "amount" }).to_string(),
    )
    .await
    .done();
    assert_eq!(door.ask((Method::GET, AT), &token, &again, "").await.status, 200);
}

#[tokio::test]
async fn every_code_has_a_page() {
    let door = Door::open().await;
    let all = crate::error::codes::all().map(|one| one.code);
    for code in all.chain(["token-invalid", "not-found"]) {
        let (status, _, text) =
            asked(&door.router, Method::GET, &format!("/problems/{code}")).await;
        assert_eq!(status, 200, "{code}");
        assert!(text.contains("would pass: ") && text.len() > 40, "{text}");
    }
    assert_eq!(asked(&door.router, Method::GET, "/problems/nothing-of-it").await.0, 404);
}
