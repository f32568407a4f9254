//! The console as a whole, without a socket or a browser: who sees what, what a page is, and what its forms do.

mod forms;
mod issuer;
mod offers;
mod pages;
mod policies;
mod seconds;
mod sessions;
mod versions;

use super::*;
use crate::access::{Forbids, Role};
use crate::app::{App, House, Tied, members};
use crate::clock::FixedClock;
use crate::home::Home;
use crate::log::{AgreementLog, Body as Says, Entry, Revocable, SecretKey};
use crate::settings;
use crate::tokens::{DevIssuer, verifier};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use mappings::model::{Agreement, CollaborationId, MemberId};
use std::collections::{BTreeMap, BTreeSet};
use tower::ServiceExt as _;

const NOW_MS: i64 = 1_700_000_000_000;
const ALL: [Role; 5] =
    [Role::MemberAdmin, Role::DataSteward, Role::Analyst, Role::PrivacyOfficer, Role::Auditor];

/// Two rooms; two templates of one runner that differ in receivers; names and texts that would do something if they were not escaped.
const AGREEMENT: &str = r#"agreement: v1
collaboration: spring
description: "</dd><script>alert('description')</script> \"quoted\" \u061cשלום"
residency: [local, eu-central-1]
members:
  grocer: { name: "<img src=x onerror=alert('name')>", abilities: [contribute, receive], identity: { aws-clean-rooms: '111111111111' } }
  brand: { name: Brand & Söhne, abilities: [contribute, run, receive], identity: { aws-clean-rooms: '222222222222' } }
rooms: [native, { platform: aws-clean-rooms, region: eu-central-1 }]
datasets:
  sales:
    owner: grocer
    at: { native: "file:///srv/grocer/sales.parquet", aws-clean-rooms: { glue: { database: grocer, table: sales } } }
    entity: person
    columns:
      person: { from: email_hash, type: utf8, use: match, key: email, hashed: sha256-hex }
      segment: { type: utf8, use: dimension }
      amount: { type: float64, use: measure, aggregates: [sum] }
    rule: { entities_min: 100, join: required }
    consent: { from: ads_ok, granted: ["yes\"><script>alert('consent')</script>"] }
  seen:
    owner: brand
    at: { native: "file:///srv/brand/seen.parquet", aws-clean-rooms: { glue: { database: brand, table: seen } } }
    entity: person
    columns:
      person: { from: mail_hash, type: utf8, use: match, key: email, hashed: sha256-hex }
      campaign: { type: utf8, use: dimension }
    rule: { entities_min: 1 }
templates:
  reach:
    class: aggregate
    sql: SELECT e.campaign, COUNT(DISTINCT s.person) AS people FROM sales s JOIN seen e ON s.person = e.person GROUP BY e.campaign
    run_by: [brand]
    received_by: [brand]
  spent:
    class: aggregate
    sql: SELECT e.campaign, COUNT(DISTINCT s.person) AS people, SUM(s.amount) AS spent FROM sales s JOIN seen e ON s.person = e.person GROUP BY e.campaign
    run_by: [brand]
    received_by: [grocer]
  odd:
    class: aggregate
    sql: "SELECT s.segment, COUNT(DISTINCT s.person) AS people FROM sales s JOIN seen e ON s.person = e.person WHERE e.campaign <> '</code></pre><script>alert(1)</script>\u200b' GROUP BY s.segment"
    run_by: [brand]
    received_by: [brand]
destinations: { brand: "file:///srv/results/brand", grocer: "file:///srv/results/grocer" }
"#;

pub(super) struct Place {
    folder: tempfile::TempDir,
    app: Arc<App>,
    console: Console,
    router: Router,
    clock: Arc<FixedClock>,
    issuer: DevIssuer,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    #[track_caller]
    fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {:?}", self.body, self.headers);
        self
    }

    /// A page of a problem.
    #[track_caller]
    fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.is(status);
        assert!(answer.body.contains(&format!("<code>{code}</code>")), "{code}: {}", answer.body);
        answer
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The form that is sent to a place, with all that stands in it.
    #[track_caller]
    fn form(&self, action: &str) -> Form {
        let at = self.body.find(&format!("action=\"{action}\""));
        let from = at.unwrap_or_else(|| panic!("no form to {action}: {}", self.body));
        let form = &self.body[from..];
        let form = &form[..form.find("</form>").unwrap()];
        let input = |input: &str| {
            let of = |name: &str| {
                let (_, rest) = input.split_once(&format!("{name}=\""))?;
                Some(unescaped(&rest[..rest.find('"')?]))
            };
            Some((of("name")?, of("value").unwrap_or_default()))
        };
        let inputs = form.split("<input ").skip(1);
        let inputs = inputs.map(|one| &one[..one.find('>').unwrap()]);
        Form { to: action.to_owned(), fields: inputs.filter_map(input).collect() }
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// A form as a browser has it.
#[derive(Debug, Clone)]
pub(super) struct Form {
    to: String,
    fields: BTreeMap<String, String>,
}

impl Form {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.insert(name.to_owned(), value.to_owned());
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.remove(name);
        self
    }

    fn encoded(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.fields).finish()
    }
}

pub(super) fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(name: &str) -> T {
    name.parse().unwrap()
}

impl Place {
    async fn empty() -> Self {
        Self::at(tempfile::tempdir().unwrap()).await
    }

    async fn at(folder: tempfile::TempDir) -> Self {
        Self::with_policies(folder, None).await
    }

    async fn with_policies(folder: tempfile::TempDir, forbids: Option<Arc<Forbids>>) -> Self {
        let home = Home::open(folder.path()).unwrap();
        for name in ["grocer", "brand", "press", "bank"] {
            if !home.member_key(&id(name)).exists() {
                members::keygen(&home, &id(name)).unwrap();
            }
        }
        if !home.settings().exists() {
            std::fs::write(home.settings(), "[http]\ndevelopment_issuer = true\n").unwrap();
        }
        let set = settings::http(&home).unwrap();
        let house = if set.one_house { House::default() } else { House::of(&set) };
        let clock = Arc::new(FixedClock::new(NOW_MS));
        let house = house.with_policies(forbids);
        let verifier = verifier(&set, &home, Arc::<FixedClock>::clone(&clock)).unwrap();
        let issuer = DevIssuer::of(&set, &home).unwrap();
        let app = Arc::new(App::open(folder.path()).await.unwrap());
        let gateway = Gateway::new(Arc::clone(&app), house, verifier).unwrap();
        let console = Console { gateway: gateway.clone(), sessions: Arc::default() };
        let hosts = ["localhost", "airlock.example"].map(str::to_owned).into();
        let router = gateway.router_with(hosts, router_with(console.clone()));
        Self { folder, app, console, router, clock, issuer }
    }

    /// With an agreement that waits for both.
    async fn proposed() -> Self {
        let place = Self::empty().await;
        place.propose(AGREEMENT).await;
        place
    }

    /// With one that both joined.
    async fn agreed() -> Self {
        let place = Self::proposed().await;
        place.join(&["grocer", "brand"]).await;
        place
    }

    async fn propose(&self, text: &str) -> Agreement {
        let agreement = mappings::agreement::read(text).unwrap();
        self.app.propose(&agreement, &id("grocer"), &Tied::default()).await.unwrap();
        agreement
    }

    /// One that an earlier build put before them, whatever today's guard says of it.
    async fn propose_unguarded(&self, text: &str) -> Agreement {
        let agreement = mappings::agreement::read(text).unwrap();
        let home = Home::open(self.folder.path()).unwrap();
        let grocer = id::<MemberId>("grocer");
        let own = SecretKey::load(&home.member_key(&grocer)).unwrap();
        let entry = |state: &crate::log::State| {
            let (document, digest) = (Box::new(agreement.clone()), agreement.digest());
            let body = Says::Proposed { agreement: document, digest };
            Ok::<_, crate::error::Error>(vec![match state.key(&grocer) {
                Some(_) => Entry::member(&grocer, &own, body),
                None => Entry::gateway(body),
            }])
        };
        self.log().await.decide(&spring(), entry).await.unwrap();
        agreement
    }

    async fn log(&self) -> AgreementLog {
        let home = Home::open(self.folder.path()).unwrap();
        let store = crate::wiring::store(&home).await.unwrap();
        let key = SecretKey::load(&home.gateway_key()).unwrap();
        AgreementLog::new(store, key, Arc::new(crate::clock::SystemClock))
    }

    async fn join(&self, all: &[&str]) {
        for member in all {
            self.app.join(&spring(), &id(member), None, &Tied::default()).await.unwrap();
        }
    }

    /// A worker wrote down that it saw a dataset on the other platform.
    async fn seen_there(&self) {
        let log = self.log().await;
        let platform = mappings::model::PlatformId::aws_clean_rooms();
        let entry = |state: &crate::log::State| {
            let holds = vec![Revocable::Dataset { dataset: id("sales") }];
            let (platform, basis) = (platform.clone(), state.size());
            let body = Says::RoomObserved { platform, holds, basis };
            Ok::<_, crate::error::Error>(vec![Entry::gateway(body)])
        };
        log.decide(&spring(), entry).await.unwrap();
    }

    /// Kinds of the log's leaves.
    async fn kinds(&self) -> Vec<String> {
        let leaves = self.app.leaves(&spring()).await.unwrap();
        leaves.into_iter().map(|leaf| leaf.what).collect()
    }

    fn token(&self, member: &str, roles: &[Role]) -> String {
        self.token_of((member, None), roles)
    }

    fn token_of(&self, (member, person): (&str, Option<&str>), roles: &[Role]) -> String {
        let (member, roles): (MemberId, _) = (id(member), roles.iter().copied().collect());
        let now_ms = crate::clock::Clock::now_ms(self.clock.as_ref());
        self.issuer.for_member((&member, person), &roles, now_ms).unwrap().token
    }

    /// Somebody who signed in, by its cookie.
    async fn signed_in(&self, member: &str, roles: &[Role]) -> String {
        self.signed_in_with(&self.token(member, roles)).await
    }

    async fn signed_in_with(&self, token: &str) -> String {
        let form = Form { to: "/console/sign-in".to_owned(), fields: BTreeMap::new() };
        let form = form.with("token", token);
        let answer = self.send("", &form).await.is(303);
        assert_eq!(answer.header("location"), "/console");
        answer.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, 1 << 24).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let answer = Answer { status: head.status.as_u16(), headers: head.headers, body };
        assert_sealed(&answer);
        answer
    }

    async fn get(&self, cookie: &str, path: &str) -> Answer {
        let request = Request::builder().uri(path).header("host", "localhost");
        self.ask(request.header("cookie", cookie).body(Body::empty()).unwrap()).await
    }

    /// Sends a form as a browser does.
    async fn send(&self, cookie: &str, form: &Form) -> Answer {
        self.post(cookie, &form.to, &[("sec-fetch-site", "same-origin"), ("origin", "null")], form)
            .await
    }

    async fn post(&self, cookie: &str, to: &str, lines: &[(&str, &str)], form: &Form) -> Answer {
        let mut request = Request::builder().method(Method::POST).uri(to);
        request = request.header("host", "localhost").header("cookie", cookie);
        request = request.header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        self.ask(request.body(Body::from(form.encoded())).unwrap()).await
    }

    /// A form that somebody makes up in a session of its own.
    fn made_up(&self, cookie: &str, to: &str, action: &str, object: &[&str]) -> Form {
        let id = cookie.split_once('=').unwrap().1;
        let session = self.console.sessions.known(id, self.clock.as_ref()).unwrap();
        let form = Form { to: to.to_owned(), fields: BTreeMap::new() };
        form.with("form", &session.token(action, object))
            .with("mark", &"0".repeat(24))
            .with("key", &"0".repeat(32))
    }
}

pub(super) fn spring() -> CollaborationId {
    id("spring")
}

pub(super) const AT: &str = "/console/collaborations/spring";

/// What every answer of the console says, whatever it is.
#[track_caller]
fn assert_sealed(answer: &Answer) {
    let policy = answer.header("content-security-policy");
    let asked = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    assert_eq!(policy, asked, "{answer:?}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!answer.header("airlock-request-id").is_empty());
}

fn roles(all: &[Role]) -> BTreeSet<Role> {
    all.iter().copied().collect()
}
