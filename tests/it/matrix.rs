//! Who may ask for what: every operation of the document, every role, and everybody by where it stands towards a collaboration. What is expected is
//! in `matrix.toml`; an operation without a row, and a row without an operation, fails.

use crate::http::{Served, Told};
use crate::serve::{document, propose, world};
use crate::token::{expired_and_foreign, with_claims};
use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ROLES: [&str; 5] = ["member-admin", "data-steward", "analyst", "privacy-officer", "auditor"];
/// Where each member stands.
const STANDS: [(&str, &str); 4] =
    [("member", "grocer"), ("invited", "press"), ("former", "bank"), ("stranger", "agency")];

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    operation: String,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    only_refusals: bool,
    roles: BTreeSet<String>,
    member: String,
    invited: String,
    former: String,
    stranger: String,
}

impl Row {
    fn expected(&self, stands: &str) -> &str {
        match stands {
            "member" => &self.member,
            "invited" => &self.invited,
            "former" => &self.former,
            _ => &self.stranger,
        }
    }
}

#[derive(serde::Deserialize)]
struct Rows {
    row: Vec<Row>,
}

/// A collaboration of three, of whom one left, with a version that waits for a fourth.
fn agreed(world: &World, served: &Served<'_>) -> String {
    let named =
        |name: &str| format!("  {name}: {{ name: {name}, abilities: [contribute] }}\nrooms:");
    let text = document(world);
    let first =
        propose(served, "propose-0000000000", None, &text.replace("rooms:", &named("bank")));
    assert_eq!(first.status, 201, "{first:?}");
    for member in ["grocer", "brand", "bank"] {
        world.airlock(&["join", "spring", "--as", member]).done();
    }
    for member in ["grocer", "brand"] {
        world.airlock(&["approve", "spring", "--all", "--as", member]).done();
    }
    let run = ["run", "spring", "reach", "--as", "brand", "--run-id", "run-matrix"];
    world.airlock(&run).done();
    let daily =
        ["schedule", "add", "spring", "nightly", "reach", "--cron", "0 6 1 1 *", "--as", "brand"];
    world.airlock(&daily).done();
    world.airlock(&["revoke", "spring", "--membership", "--as", "bank"]).done();
    let second =
        propose(served, "propose-0000000001", Some("*"), &text.replace("rooms:", &named("press")));
    assert_eq!(second.status, 201, "{second:?}");
    let grocer = served.caller("grocer", &["member-admin"]);
    let versions = grocer.get("/v1/collaborations/spring/agreements").done();
    versions["agreements"][0]["digest"].as_str().unwrap().to_owned()
}

/// What is asked of an operation that changes something, when its row says nothing: it is read, and comes to nothing.
fn body(operation: &str, digest: &str, text: &str) -> String {
    let nothing = format!("sha256:{}", "0".repeat(64));
    match operation {
        "check" => text.to_owned(),
        "plan" | "look" | "test-connections" | "cancel" | "remove-schedule" => String::new(),
        "propose" => text.replace("collaboration: spring", "collaboration: autumn"),
        "join" | "decline" => json!({ "agreement": nothing }).to_string(),
        "approve" => json!({ "digest": nothing }).to_string(),
        "waive" => {
            json!({ "room": "aws-clean-rooms", "at": "limits", "agreement": nothing }).to_string()
        }
        "request-run" => json!({ "template": "reach", "digest": nothing }).to_string(),
        "add-schedule" => {
            json!({ "schedule": "daily", "template": "reach", "digest": nothing, "cron": "0 6 * * *" })
                .to_string()
        }
        "reoffer" => json!({ "kind": "dataset", "dataset": "sales" }).to_string(),
        _ => digest.to_owned(),
    }
}

/// Tokens that are over or for another service, well signed, of each role of a member of the collaboration and of the operator.
fn well_signed_and_bad(served: &Served<'_>, operator: &str) -> Vec<(&'static str, Vec<String>)> {
    let good = ROLES.map(|role| (role, served.caller("grocer", &[role]).token));
    let good = good.into_iter().chain([("operator", operator.to_owned())]);
    good.map(|(role, token)| {
        // The same key signs what is let in.
        let same = with_claims(served.world, &token, |_| {});
        let shown = [format!("Authorization: Bearer {same}")];
        assert_eq!(served.ask("GET", "/v1/me", &shown, "").status, 200, "{role}");
        (role, expired_and_foreign(served.world, &token).to_vec())
    })
    .collect()
}

struct Asking<'w> {
    served: &'w Served<'w>,
    digest: String,
    text: String,
    asked: usize,
}

impl Asking<'_> {
    fn ask(&mut self, (method, path): (&str, &str), row: &Row, token: Option<&str>) -> Told {
        self.asked += 1;
        let path = path.replace("{collaboration}", "spring").replace("{template}", "reach");
        let path = path.replace("{dataset}", "sales").replace("{room}", "native");
        let path = path.replace("{id}", &"0".repeat(64));
        let mut path = path.replace("{digest}", &self.digest).replace("{index}", "5");
        path = path.replace("{schedule}", "nightly");
        path = path.replace("{run}", "run-matrix").replace("{file}", "part-0.parquet");
        if row.operation == "consistency" {
            path.push_str("?old=1&new=2");
        }
        if row.operation == "agreement-diff" {
            path = format!("{path}?from={}", self.digest);
        }
        if row.operation == "export" {
            path.push_str("?form=terraform");
        }
        if row.operation == "tile" {
            path = path.replace("{level}/5", "0/0?width=1");
        }
        if row.operation == "leaf" {
            path = path.replace("/5", "/1");
        }
        let mut lines: Vec<String> =
            token.map(|token| format!("Authorization: Bearer {token}")).into_iter().collect();
        let mut said = String::new();
        if method == "post" {
            let is_document = matches!(row.operation.as_str(), "propose" | "check");
            let kind = if is_document { "yaml" } else { "json" };
            lines.push(format!("Content-Type: application/{kind}"));
            lines.push("If-Match: *".to_owned());
            lines.push(format!("Idempotency-Key: matrix-{:020}", self.asked));
            said = row
                .body
                .as_ref()
                .map_or_else(|| body(&row.operation, &self.digest, &self.text), Value::to_string);
        }
        self.served.ask(&method.to_uppercase(), &path, &lines, &said)
    }

    /// Whatever is asked, and in whose name: whoever does not show who calls is not told anything.
    fn lets_nobody_in(&mut self, at: (&str, &str), row: &Row, bad: &[(&str, Vec<String>)]) {
        self.ask(at, row, None).is(401, "token-missing");
        self.ask(at, row, Some("a.b.c")).is(401, "token-invalid");
        for (role, tokens) in bad {
            for token in tokens {
                let told = self.ask(at, row, Some(token));
                assert_eq!(told.status, 401, "{} of a {role}: {told:?}", row.operation);
                told.is(401, "token-invalid");
            }
        }
    }

    fn judge(&mut self, at: (&str, &str), row: &Row, (stands, role): (&str, &str), token: &str) {
        let may = row.roles.contains(role);
        let expected = match row.expected(stands) {
            "404" if !may && stands != "stranger" => "403",
            "passes" | "ok" if !may => "403",
            expected => expected,
        };
        if row.only_refusals && expected == "passes" {
            return;
        }
        let told = self.ask(at, row, Some(token));
        let holds = match expected {
            "ok" => matches!(told.status, 200..=202),
            "passes" => !matches!(told.status, 401 | 403 | 404 | 500..),
            status => told.status.to_string() == status,
        };
        assert!(holds, "{} of a {role} of a {stands}: {expected}, not {told:?}", row.operation);
        if expected == "403" {
            told.is(403, "not-permitted");
        }
    }
}

#[test]
fn every_operation_is_for_those_whom_it_is_for() {
    let world = world();
    for member in ["bank", "agency"] {
        world.airlock(&["keygen", "--member", member]).done();
    }
    let served = Served::start(&world);
    let digest = agreed(&world, &served);
    let rows = toml::from_str::<Rows>(include_str!("matrix.toml")).unwrap().row;
    let document_of: Value =
        serde_json::from_str(include_str!("../../src/http/openapi.json")).unwrap();
    let text = document(&world);
    let mut asking = Asking { served: &served, digest, text, asked: 0 };
    let mut known = BTreeSet::new();
    let tokens: Vec<_> = STANDS
        .iter()
        .flat_map(|(stands, member)| {
            ROLES.map(|role| (*stands, role, served.caller(member, &[role]).token))
        })
        .collect();
    let operator =
        world.airlock(&["token", "--operator"]).done()["token"].as_str().unwrap().to_owned();
    let bad = well_signed_and_bad(&served, &operator);
    for (path, methods) in document_of["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if operation["security"] == json!([{}]) {
                continue;
            }
            let id = operation["operationId"].as_str().unwrap();
            known.insert(id.to_owned());
            let own: Vec<&Row> = rows.iter().filter(|row| row.operation == id).collect();
            assert!(!own.is_empty(), "{id} has no row");
            for row in own {
                let at = (method.as_str(), path.as_str());
                for (stands, role, token) in &tokens {
                    asking.judge(at, row, (stands, role), token);
                }
                asking.lets_nobody_in(at, row, &bad);
                let told = asking.ask(at, row, Some(&operator));
                if row.roles.contains("operator") {
                    assert_eq!(told.status, 200, "{id}");
                } else {
                    told.is(404, "not-found");
                }
            }
        }
    }
    let named: BTreeSet<String> = rows.iter().map(|row| row.operation.clone()).collect();
    assert_eq!(named, known, "rows without an operation");
    assert!(asking.asked > 1_000, "{}", asking.asked);
}
