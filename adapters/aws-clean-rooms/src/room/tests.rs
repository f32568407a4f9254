//! What goes over the wire, and what is known after it: a server that answers as it is told, cuts or hangs.

use super::*;
use adapter_spi::{CallClass, Effect, Native, Pace, Resource};
use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_types::retry::RetryConfig;
use mappings::model::Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What a request gets.
#[derive(Debug, Clone)]
enum Gets {
    Answer(u16, &'static str, Value),
    Cut,
    Nothing,
}

/// A server that answers by what a request's first line begins with.
#[derive(Debug, Clone)]
struct Server {
    endpoint: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn new(gets: Vec<(&'static str, Gets)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (server, kept) = (Self { endpoint, asked: Arc::clone(&asked) }, Arc::new(gets));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept), Arc::clone(&asked)));
            }
        });
        server
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: tokio::net::TcpStream,
    gets: Arc<Vec<(&'static str, Gets)>>,
    asked: Arc<Mutex<Vec<String>>>,
) {
    loop {
        let mut read = Vec::new();
        let mut part = [0; 4096];
        let line = loop {
            let count = stream.read(&mut part).await.unwrap_or_default();
            if count == 0 {
                return;
            }
            read.extend_from_slice(&part[..count]);
            let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let mut headers = head.lines().filter_map(|line| line.strip_prefix("content-length:"));
            let length = headers.next().map_or(0, |text| text.trim().parse::<usize>().unwrap());
            if body.len() >= length {
                break String::from_utf8_lossy(&read).lines().next().unwrap().to_owned();
            }
        };
        asked.lock().unwrap().push(line.clone());
        let found = gets.iter().find(|(begins, _)| line.starts_with(begins)).map(|(_, gets)| gets);
        match found.unwrap_or_else(|| panic!("nothing is told for {line}")) {
            Gets::Answer(status, headers, body) => {
                let body = body.to_string();
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\n{headers}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            Gets::Cut => return,
            Gets::Nothing => tokio::time::sleep(Duration::from_mins(10)).await,
        }
    }
}

#[derive(Debug)]
struct OneId;

impl ExternalIds for OneId {
    fn external_id(&self, _: &CollaborationId) -> Option<String> {
        Some("suite".to_owned())
    }
}

#[derive(Debug)]
struct NoKeys;

impl ProvideCredentials for NoKeys {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::ready(Err(CredentialsError::not_loaded("none")))
    }
}

/// A second is how far apart AWS's own handlers look, and the quarter of an hour of a signature is no bound without the minute that
/// they look for.
#[test]
fn looks_are_a_second_apart_and_no_call_lands_after_a_signature_and_a_minute() {
    assert_eq!(LAG.settles_ms, 1_000);
    assert_eq!(LAG.late_ms, (15 + 1) * 60_000);
}

fn agreement() -> Arc<Agreement> {
    let platform = PlatformId::aws_clean_rooms();
    let document = adapter_spi::suite::agreement(&platform, "suite-wire", 1);
    Arc::new(serde_json::from_value(document).unwrap())
}

fn member(name: &str) -> MemberId {
    name.parse().unwrap()
}

/// An adapter that reaches the server for these members.
fn adapter(server: &Server, members: &[&str], keys: bool) -> AwsCleanRooms {
    let operated = members.iter().map(|name| (member(name), Connection::default()));
    let connections = Connections { members: operated.collect() };
    let adapter = AwsCleanRooms::new(connections, Arc::new(OneId));
    for name in members {
        reach(&adapter, server, &seat(&agreement(), &member(name)).unwrap(), keys);
    }
    adapter
}

/// Lets an adapter reach the server as an account.
fn reach(adapter: &AwsCleanRooms, server: &Server, seat: &Seat, keys: bool) {
    let keys = if keys {
        let own = Credentials::new("AKID", "secret", None, None, "suite");
        SharedCredentialsProvider::new(own)
    } else {
        SharedCredentialsProvider::new(NoKeys)
    };
    let retry = RetryConfig::standard().with_max_attempts(3);
    let config = aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new(seat.region.clone()))
        .endpoint_url(&server.endpoint)
        .credentials_provider(keys)
        .retry_config(retry.with_initial_backoff(Duration::from_millis(1)))
        .build();
    adapter.clients.keep(&agreement().collaboration, seat, Client::over(config, seat));
}

fn step(call: Value) -> Step {
    let agreement = agreement();
    let seat = seat(&agreement, &member("provider")).unwrap();
    let mut call = call;
    call["at"] = json!({ "member": "provider", "account": seat.account, "region": seat.region });
    let (noun, name) = ("configured-table".to_owned(), "one".to_owned());
    let kind = ResourceKind::Native(Native { member: member("provider"), noun, name });
    let resource = Resource { kind, digest: Digest::of(b"") };
    Step::new(agreement.collaboration.clone(), Effect::Revoke, resource, 0).calling(call)
}

fn delete() -> Step {
    step(json!({ "operation": "DeleteConfiguredTable", "id": "one" }))
}

/// What is known after a deletion that gets this, and how often it was asked for.
async fn deleted(gets: Gets) -> (AdapterError, usize) {
    let server = Server::new(vec![("DELETE /configuredTables/", gets)]).await;
    let error = adapter(&server, &["provider"], true).apply(&delete(), &Cx::default()).await;
    (error.unwrap_err(), server.asked().len())
}

#[tokio::test]
async fn a_write_is_sent_once_and_a_cut_one_is_unknown() {
    let (error, times) = deleted(Gets::Cut).await;
    assert_eq!((error.code, error.outcome, times), ("platform-unreachable", Outcome::Unknown, 1));
    let failed = json!({ "__type": "InternalServerException", "message": "m" });
    let (error, times) = deleted(Gets::Answer(500, "", failed.clone())).await;
    assert_eq!((error.code, error.outcome, times), ("platform-failed", Outcome::Unknown, 1));
    let throttled = json!({ "__type": "ThrottlingException", "message": "m" });
    let (error, times) = deleted(Gets::Answer(429, "retry-after: 7\r\n", throttled)).await;
    assert_eq!((error.code, error.outcome, times), ("throttled", Outcome::NotApplied, 1));
    assert_eq!(error.retry, Retry::AfterMs(7_000));
}

#[tokio::test]
async fn a_read_is_sent_again() {
    let failed = json!({ "__type": "InternalServerException", "message": "m" });
    let server = Server::new(vec![("GET /configuredTables", Gets::Answer(500, "", failed))]).await;
    let create = json!({
        "operation": "CreateConfiguredTable", "name": "one", "database": "d", "table": "t",
        "columns": ["a"], "tags": {},
    });
    let adapter = adapter(&server, &["provider"], true);
    let error = adapter.apply(&step(create), &Cx::default()).await.unwrap_err();
    let known = (error.code, error.outcome, server.asked().len());
    assert_eq!(known, ("platform-failed", Outcome::NotApplied, 3), "nothing was written yet");
}

#[tokio::test]
async fn without_keys_nothing_leaves() {
    let server = Server::new(Vec::new()).await;
    let adapter = adapter(&server, &["provider"], false);
    let error = adapter.apply(&delete(), &Cx::default()).await.unwrap_err();
    assert_eq!((error.code, error.outcome), ("credentials-missing", Outcome::NotApplied));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_cancelled_write_is_unknown_only_when_it_was_on_its_way() {
    let server = Server::new(vec![("DELETE /configuredTables/", Gets::Nothing)]).await;
    let adapter = Arc::new(adapter(&server, &["provider"], true));
    let before = Cx::default();
    before.cancel.cancel();
    let error = adapter.apply(&delete(), &before).await.unwrap_err();
    assert_eq!((error.code, error.outcome), ("cancelled", Outcome::NotApplied));
    assert!(server.asked().is_empty());
    let cx = Cx::default();
    let (during, acting) = (cx.clone(), Arc::clone(&adapter));
    let act = tokio::spawn(async move { acting.apply(&delete(), &during).await });
    while server.asked().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cx.cancel.cancel();
    let error = act.await.unwrap().unwrap_err();
    assert_eq!((error.code, error.outcome), ("cancelled", Outcome::Unknown));
}

#[tokio::test]
async fn a_write_whose_turn_comes_too_late_is_not_sent() {
    let server = Server::new(vec![("DELETE /configuredTables/", Gets::Nothing)]).await;
    let adapter = adapter(&server, &["provider"], true);
    let cx = Cx::default().sending_within(Duration::ZERO);
    let error = adapter.apply(&delete(), &cx).await.unwrap_err();
    assert_eq!((error.code, error.outcome), ("sent-too-late", Outcome::NotApplied));
    assert!(server.asked().is_empty());
}

#[derive(Debug, Default)]
struct Counted(Mutex<Vec<(String, &'static str, CallClass)>>);

#[async_trait]
impl Pace for Counted {
    async fn turn(&self, member: &MemberId, operation: &'static str, class: CallClass) {
        self.0.lock().unwrap().push((member.to_string(), operation, class));
    }
}

#[tokio::test]
async fn each_call_and_each_page_waits_for_its_turn() {
    let listing = |next: Value| {
        let mut body = json!({ "configuredTableSummaries": [] });
        body["nextToken"] = next;
        Gets::Answer(200, "", body)
    };
    let server = Server::new(vec![
        ("GET /configuredTables?nextToken=more", listing(Value::Null)),
        ("GET /configuredTables", listing(json!("more"))),
        ("POST /configuredTables", Gets::Answer(200, "", json!({}))),
    ])
    .await;
    let create = json!({
        "operation": "CreateConfiguredTable", "name": "one", "database": "d", "table": "t",
        "columns": ["a"], "tags": {},
    });
    let counted = Arc::new(Counted::default());
    let pace: Arc<dyn Pace> = Arc::<Counted>::clone(&counted);
    let cx = Cx { pace: Some(pace), ..Cx::default() };
    adapter(&server, &["provider"], true).apply(&step(create), &cx).await.unwrap();
    let turn = |operation, class| ("provider".to_owned(), operation, class);
    let list = turn("ListConfiguredTables", CallClass::List);
    let create = turn("CreateConfiguredTable", CallClass::Write);
    assert_eq!(*counted.0.lock().unwrap(), [list.clone(), list, create]);
    assert_eq!(server.asked().len(), 3);
}

/// What the runner is offered: a table's state, and the templates that its rule allows.
fn offers(
    state: &'static str,
    allowed: &[&str],
    status: &'static str,
) -> Vec<(&'static str, Gets)> {
    let all = crate::wanted::wanted(&Desired::whole(agreement()));
    let room = all.rooms.values().next().unwrap();
    let text = room.templates.values().next().unwrap();
    let collaboration = json!({
        "id": "room", "arn": "arn:room", "name": room.name, "memberStatus": status,
        "creatorAccountId": "222222222222", "membershipId": "own",
    });
    let schema = |name: &str| {
        json!({
            "name": name, "creatorAccountId": "111111111111",
            "schemaStatusDetails": [{ "status": state, "analysisType": "DIRECT_ANALYSIS" }],
        })
    };
    let rule = |name: &str| {
        let custom = json!({ "custom": { "allowedAnalyses": allowed } });
        json!({ "name": name, "type": "CUSTOM", "policy": { "v1": custom } })
    };
    let template = json!({
        "arn": "arn:overlap", "name": text.alias, "creatorAccountId": "222222222222",
        "source": { "text": text.sql },
    });
    let both = ["orders", "people"];
    let answers = [
        ("GET /collaborations ", json!({ "collaborationList": [collaboration] })),
        (
            "POST /collaborations/room/batch-schema-analysis-rule",
            json!({ "analysisRules": both.map(rule), "errors": [] }),
        ),
        (
            "POST /collaborations/room/batch-schema",
            json!({ "schemas": both.map(schema), "errors": [] }),
        ),
        (
            "GET /collaborations/room/analysistemplates",
            json!({ "collaborationAnalysisTemplateSummaries": [template.clone()] }),
        ),
        (
            "POST /collaborations/room/batch-analysistemplates",
            json!({ "collaborationAnalysisTemplates": [template], "errors": [] }),
        ),
    ];
    answers.into_iter().map(|(path, body)| (path, Gets::Answer(200, "", body))).collect()
}

/// What trying gives: of the dataset, the template, the owner's part of it, and the runner's membership.
async fn tried(offered: Vec<(&'static str, Gets)>, operated: &[&str]) -> Vec<Probe> {
    let server = Server::new(offered).await;
    let (adapter, scope) = (adapter(&server, operated, true), Scope::of(&agreement()));
    let template: mappings::model::TemplateName = "overlap".parse().unwrap();
    let kinds = [
        ResourceKind::Dataset("orders".parse().unwrap()),
        ResourceKind::Template(template.clone()),
        ResourceKind::Approval(template, member("provider")),
        ResourceKind::Member(member("analyst")),
    ];
    let mut answers = Vec::new();
    for kind in &kinds {
        answers.push(adapter.probe(kind, &scope, &Cx::default()).await.unwrap());
    }
    let wrote = server
        .asked()
        .into_iter()
        .filter(|line| !line.starts_with("GET ") && !line.contains("/batch-"));
    assert_eq!(wrote.count(), 0, "a try changes nothing");
    answers
}

#[tokio::test]
async fn what_is_offered_is_served_and_what_is_not_is_denied() {
    use Probe::{Denied, NotPossible, Served};
    let runner = ["analyst"];
    let open = tried(offers("READY", &["arn:overlap"], "ACTIVE"), &runner).await;
    assert_eq!(open, [Served; 4]);
    let closed = tried(offers("NOT_READY", &[], "ACTIVE"), &runner).await;
    assert_eq!(closed, [Denied, Denied, Denied, Served]);
    let left = tried(offers("READY", &["arn:overlap"], "INVITED"), &runner).await;
    assert_eq!(left, [Denied; 4]);
    let away =
        vec![("GET /collaborations ", Gets::Answer(200, "", json!({ "collaborationList": [] })))];
    assert_eq!(tried(away, &runner).await, [Denied; 4]);
    assert_eq!(tried(Vec::new(), &["provider"]).await, [NotPossible; 4], "nobody who could try");
}

#[tokio::test]
async fn a_probe_that_cannot_look_says_so() {
    let refused = json!({ "__type": "AccessDeniedException", "message": "m" });
    let gets = vec![("GET /collaborations", Gets::Answer(403, "", refused))];
    let server = Server::new(gets).await;
    let adapter = adapter(&server, &["analyst"], true);
    let kind = ResourceKind::Dataset("orders".parse().unwrap());
    let error = adapter.probe(&kind, &Scope::of(&agreement()), &Cx::default()).await;
    assert_eq!(error.unwrap_err().code, "access-denied");
}

/// The same agreement with something else in it.
fn other(from: &str, to: &str) -> Arc<Agreement> {
    let text = serde_json::to_string(&*agreement()).unwrap();
    assert!(text.contains(from), "{from}");
    Arc::new(serde_json::from_str(&text.replace(from, to)).unwrap())
}

#[tokio::test]
async fn a_look_goes_where_an_earlier_agreement_was_held() {
    let empty = |list: &str| Gets::Answer(200, "", json!({ list: [] }));
    let server = Server::new(vec![
        ("GET /collaborations", empty("collaborationList")),
        ("GET /memberships", empty("membershipSummaries")),
        ("GET /configuredTables", empty("configuredTableSummaries")),
    ])
    .await;
    let region = seat(&agreement(), &member("provider")).unwrap().region;
    let away = other(&region, if region == "us-east-1" { "us-west-2" } else { "us-east-1" });
    let moved = other("111111111111", "333333333333");
    let cases = [
        (Vec::new(), 2),
        (vec![Arc::clone(&away)], 4),
        (vec![Arc::clone(&moved)], 2),
        (vec![away, moved], 4),
    ];
    for (past, looks) in cases {
        let adapter = adapter(&server, &["provider", "analyst"], true);
        for (agreement, name) in
            past.iter().flat_map(|one| ["provider", "analyst"].map(|name| (one, name)))
        {
            let seat = seat(agreement, &member(name)).unwrap();
            if seat.account != "333333333333" {
                reach(&adapter, &server, &seat, true);
            }
        }
        let scope = Scope { past, ..Scope::of(&agreement()) };
        let counted = Arc::new(Counted::default());
        let pace: Arc<dyn Pace> = Arc::<Counted>::clone(&counted);
        let cx = Cx { pace: Some(pace), ..Cx::default() };
        let seen = adapter.observe(&scope, &cx).await.unwrap();
        assert_eq!(seen, adapter.observe(&scope, &Cx::default()).await.unwrap());
        assert_eq!(seen.coverage, Coverage::Complete, "{:?}", seen.unseen);
        let asked = counted.0.lock().unwrap().clone();
        let lists = asked.iter().filter(|(_, operation, _)| *operation == "ListCollaborations");
        assert_eq!(lists.count(), looks);
        assert!(asked.iter().all(|(_, _, class)| *class < CallClass::Write), "{asked:?}");
    }
}

/// What runs in the runner's membership: one query each of these states, all of them on this template.
fn running(states: &[&str], template: &str) -> Vec<(&'static str, Gets)> {
    let lists = [
        ("SUBMITTED", "GET /memberships/own/protectedQueries?status=SUBMITTED"),
        ("STARTED", "GET /memberships/own/protectedQueries?status=STARTED"),
        ("CANCELLING", "GET /memberships/own/protectedQueries?status=CANCELLING"),
    ];
    let listed = lists.into_iter().map(|(state, path)| {
        let found: Vec<Value> = [json!({ "id": state, "status": state })]
            .into_iter()
            .filter(|_| states.contains(&state))
            .collect();
        (path, json!({ "protectedQueries": found }))
    });
    let sql = json!({ "analysisTemplateArn": template });
    let query = json!({ "protectedQuery": { "id": "one", "sqlParameters": sql } });
    let rest = [
        ("GET /memberships/own/protectedQueries/", query.clone()),
        ("PATCH /memberships/own/protectedQueries/", query),
        (
            "GET /memberships/own/configuredTable",
            json!({ "configuredTableAssociationSummaries": [] }),
        ),
        ("GET /memberships/own/analysis", json!({ "analysisTemplateSummaries": [] })),
        ("GET /memberships/own/privacy", json!({ "privacyBudgetTemplateSummaries": [] })),
        ("GET /memberships ", json!({ "membershipSummaries": [] })),
        ("GET /collaborations/room/members", json!({ "memberSummaries": [] })),
        (
            "GET /collaborations/room/schemas",
            json!({ "schemaSummaries": [{ "name": "orders" }, { "name": "people" }] }),
        ),
        ("GET /tags/", json!({ "tags": { "airlock:collaboration": "suite-wire" } })),
        ("GET /configuredTables", json!({ "configuredTableSummaries": [] })),
    ];
    listed.chain(rest).map(|(path, body)| (path, Gets::Answer(200, "", body))).collect()
}

/// How much ran without leave, and what was told to stop.
async fn stopped(states: &[&str], template: &str, desired: &Desired) -> (usize, Vec<String>) {
    let mut gets = running(states, template);
    gets.extend(offers("READY", &["arn:overlap"], "ACTIVE"));
    let server = Server::new(gets).await;
    let (adapter, scope) = (adapter(&server, &["analyst"], true), Scope::of(&agreement()));
    let still = adapter.stop(desired, &scope, &Cx::default()).await.unwrap();
    let patched = server.asked().into_iter().filter(|line| line.starts_with("PATCH "));
    let patched = patched.map(|line| line.split(['/', ' ']).nth(5).unwrap().to_owned());
    (still, patched.collect())
}

#[tokio::test]
async fn what_is_being_cancelled_runs_still() {
    let all = ["SUBMITTED", "STARTED", "CANCELLING"];
    let closed = Desired::closed(agreement());
    let (still, told) = stopped(&all, "arn:overlap", &closed).await;
    assert_eq!((still, told), (3, vec!["STARTED".to_owned(), "SUBMITTED".to_owned()]));
    assert_eq!(stopped(&["CANCELLING"], "arn:overlap", &closed).await, (1, Vec::new()));
    assert_eq!(stopped(&[], "arn:overlap", &closed).await, (0, Vec::new()));
    let open = Desired::whole(agreement());
    assert_eq!(stopped(&all, "arn:overlap", &open).await, (0, Vec::new()), "it may run");
    assert_eq!(stopped(&all, "arn:other", &open).await.0, 3, "of something else");
}

#[tokio::test]
async fn where_a_runner_was_not_seen_nothing_is_said_to_have_stopped() {
    let throttled = json!({ "__type": "ThrottlingException", "message": "m" });
    let gets = || vec![("GET /collaborations", Gets::Answer(429, "", throttled.clone()))];
    let closed = Desired::closed(agreement());
    for (operated, code) in [("analyst", Some("runs-unseen")), ("provider", None)] {
        let server = Server::new(gets()).await;
        let adapter = adapter(&server, &[operated], true);
        let told = adapter.stop(&closed, &Scope::of(&agreement()), &Cx::default()).await;
        assert_eq!(told.as_ref().err().map(|error| error.code), code, "{operated}: {told:?}");
    }
}

#[tokio::test]
async fn an_account_that_gave_no_answer_is_left_alone_for_a_while() {
    let server = Server::new(vec![("", Gets::Cut)]).await;
    let adapter = adapter(&server, &["provider"], true);
    let (scope, cx) = (Scope::of(&agreement()), Cx::default());
    let silent = BTreeMap::from([(member("provider"), "platform-unreachable".to_owned())]);
    let error = adapter.apply(&delete(), &cx).await.unwrap_err();
    assert_eq!((error.code, error.outcome), ("platform-unreachable", Outcome::Unknown));
    assert_eq!(adapter.observe(&scope, &cx).await.unwrap().unseen, silent);
    let asked = server.asked().len();
    assert_eq!(asked, 1 + 3, "one cut write is no silence");
    assert_eq!(adapter.observe(&scope, &cx).await.unwrap().unseen, silent);
    let error = adapter.apply(&delete(), &cx).await.unwrap_err();
    assert_eq!((error.code, error.outcome), ("platform-unreachable", Outcome::NotApplied));
    assert_eq!(server.asked().len(), asked, "nothing was sent");
}

#[derive(Debug, Default)]
struct Exchanges(AtomicUsize);

impl ExternalIds for Exchanges {
    fn external_id(&self, _: &CollaborationId) -> Option<String> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Some("suite".to_owned())
    }
}

#[tokio::test]
async fn credentials_that_failed_are_not_tried_again_at_once() {
    let profile = Some("airlock-suite-has-none".to_owned());
    let none = Connection { profile, ..Connection::default() };
    let connections = Connections { members: [(member("provider"), none)].into() };
    let exchanges = Arc::new(Exchanges::default());
    let ids: Arc<dyn ExternalIds> = Arc::<Exchanges>::clone(&exchanges);
    let adapter = AwsCleanRooms::new(connections, ids);
    let scope = Scope::of(&agreement());
    let first = adapter.observe(&scope, &Cx::default()).await.unwrap().unseen;
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(adapter.observe(&scope, &Cx::default()).await.unwrap().unseen, first);
    assert_eq!(exchanges.0.load(Ordering::SeqCst), 1);
}
