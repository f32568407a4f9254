//! Every page: who sees it, what it is made of, and that nothing in it does anything but be read.

use super::*;

/// Every path of the console that is read, and those to which forms are sent, with the action and the object of each.
const READ: [&str; 15] = [
    "",
    "/agreements/DIGEST",
    "/templates/reach",
    "/templates/odd",
    "/fidelity",
    "/learn",
    "/runs",
    "/shares",
    "/revocations",
    "/revocations/INDEX",
    "/withdraw?kind=membership",
    "/withdraw?kind=column&dataset=sales&column=segment",
    "/log",
    "/log?from=2",
    "/log/0",
];
const SENT: [(&str, &str, &[&str]); 14] = [
    ("/schedules", "schedule", &["spring", "", ""]),
    ("/schedules/nightly/removals", "unschedule", &["spring", "nightly"]),
    ("/runs", "run", &["spring", "", ""]),
    ("/runs/run-1/cancellations", "cancel", &["spring", "run-1"]),
    ("/join", "join", &["spring", ""]),
    ("/decline", "decline", &["spring", ""]),
    ("/templates/reach/approvals", "approve", &["spring", "reach", ""]),
    ("/waivers", "waive", &["spring", "", "", ""]),
    ("/revocations", "revoke", &["spring", "membership", "", "", ""]),
    ("/shares", "share", &["spring"]),
    ("/shares/tokens", "rotate", &["spring", ""]),
    ("/shares/revocations", "unshare", &["spring", "", ""]),
    ("/log/verification", "verify", &["spring"]),
    ("/rooms/aws-clean-rooms/looks", "look", &["spring", "aws-clean-rooms"]),
];

/// The pages of a place in which something was withdrawn.
async fn withdrawn() -> (Place, Vec<String>) {
    let place = Place::agreed().await;
    place.seen_there().await;
    let digest = mappings::agreement::read(AGREEMENT).unwrap().digest().to_string();
    let what = crate::app::Withdrawal::Column(id("sales"), id("amount"));
    place.app.revoke(&spring(), &what, &id("grocer")).await.unwrap();
    let grocer = place.signed_in("grocer", &ALL).await;
    let list = place.get(&grocer, &format!("{AT}/revocations")).await.is(200);
    let link = format!("{AT}/revocations/");
    let index = list.body.split(&link).nth(1).map(|rest| rest.split('"').next().unwrap());
    let index = index.unwrap_or_else(|| panic!("nothing was withdrawn: {}", list.body)).to_owned();
    let paths = READ.map(|path| path.replace("DIGEST", &digest).replace("INDEX", &index));
    (place, paths.into())
}

#[test]
fn every_route_is_walked_by_these_tests() {
    let source = include_str!("../mod.rs");
    let mut routes: Vec<String> = Vec::new();
    for part in source.split(".route(").skip(1) {
        let text = part.split('"').nth(1).unwrap();
        routes.push(
            text.replace("{digest}", "*")
                .replace("{template}", "*")
                .replace("{room}", "*")
                .replace("{run}", "*")
                .replace("{schedule}", "*")
                .replace("{index}", "*"),
        );
    }
    let of = |path: &str| {
        let path = path.split('?').next().unwrap();
        let whole: Vec<&str> = path.split('/').collect();
        let is_name = |n: usize| {
            let before = whole.get(n - 1);
            matches!(before, Some(&"agreements" | &"templates" | &"rooms" | &"runs" | &"schedules"))
        };
        let part = |(n, part): (usize, &&str)| {
            let name = n > 0 && is_name(n) || matches!(*part, "INDEX" | "0");
            if name { "*".to_owned() } else { (*part).to_owned() }
        };
        whole.iter().enumerate().map(part).collect::<Vec<_>>().join("/")
    };
    let walked: BTreeSet<String> =
        READ.iter().chain(SENT.iter().map(|(path, _, _)| path)).map(|path| of(path)).collect();
    // Those that are of no collaboration, and the page that is told in its session, are walked elsewhere.
    let others = ["/console", "/console/sign-out", "/console/sign-in", "/console/style.css"];
    let others = others.into_iter().chain([
        "/console/console.js",
        "/console/icon.svg",
        "/console/sign-in/{issuer}",
        "/recorded/{number}",
    ]);
    // An offer is of no collaboration that is there yet.
    let others = others.chain(["/console/offer", "/console/offer/checks"]);
    // A run and its result are there once one ran, which `tests/it` sees to.
    let others = others.chain(["/runs/*", "/runs/*/files/{file}"]);
    let others: BTreeSet<&str> = others.collect();
    for route in &routes {
        assert!(
            walked.contains(route) || others.contains(route.as_str()),
            "{route} is not walked: {walked:?}"
        );
    }
    assert!(routes.len() > 20, "{routes:?}");
}

#[tokio::test]
async fn a_member_sees_every_page_and_a_stranger_none() {
    let (place, paths) = withdrawn().await;
    let grocer = place.signed_in("grocer", &ALL).await;
    let press = place.signed_in("press", &ALL).await;
    for path in &paths {
        place.get(&grocer, &format!("{AT}{path}")).await.is(200);
        let foreign = place.get(&press, &format!("{AT}{path}")).await.refused(404, "not-found");
        let nowhere = format!("/console/collaborations/nowhere{path}");
        let nowhere = place.get(&press, &nowhere).await.refused(404, "not-found");
        let request =
            |answer: &Answer| answer.body.replace(answer.header("airlock-request-id"), "");
        assert_eq!(request(&foreign), request(&nowhere), "{path}");
    }
    let list = place.get(&grocer, "/console").await.is(200);
    assert!(list.body.contains(&format!("href=\"{AT}\"")));
    let none = place.get(&press, "/console").await.is(200);
    assert!(!none.body.contains("spring"));
    for path in [
        "/recorded/0",
        "/nothing",
        "/templates/nothing",
        "/agreements/nothing",
        "/log/99999",
        "/revocations/99999",
        "/withdraw?kind=nothing",
        "/log/x",
    ] {
        let answer = place.get(&grocer, &format!("{AT}{path}")).await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
    }
    place.get(&grocer, &format!("{AT}/log?nothing=1")).await.refused(400, "query-invalid");
}

#[tokio::test]
async fn a_stranger_sends_forms_for_nothing() {
    let place = Place::agreed().await;
    let press = place.signed_in("press", &ALL).await;
    let before = place.kinds().await;
    for (path, action, object) in SENT {
        let fields = ["room", "at"]
            .into_iter()
            .fold(place.made_up(&press, &format!("{AT}{path}"), action, object), |form, field| {
                form.with(field, "")
            });
        let form = fields.with("kind", if action == "revoke" { "membership" } else { "" });
        // What names the object has to be what the token is over, so the digests are empty: a member is told that.
        let answer = place.send(&press, &form).await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
    }
    let digest = format!("sha256:{}", "0".repeat(64));
    for (path, action, object, fields) in [
        ("/join", "join", vec!["spring", &digest], vec![("agreement", digest.as_str())]),
        ("/decline", "decline", vec!["spring", &digest], vec![("agreement", &digest)]),
        (
            "/templates/reach/approvals",
            "approve",
            vec!["spring", "reach", &digest],
            vec![("digest", &digest)],
        ),
        (
            "/waivers",
            "waive",
            vec!["spring", "aws-clean-rooms", "limits", &digest],
            vec![("room", "aws-clean-rooms"), ("at", "limits"), ("agreement", &digest)],
        ),
        (
            "/revocations",
            "revoke",
            vec!["spring", "membership", "", "", ""],
            vec![("kind", "membership")],
        ),
        ("/log/verification", "verify", vec!["spring"], vec![]),
        ("/rooms/aws-clean-rooms/looks", "look", vec!["spring", "aws-clean-rooms"], vec![]),
    ] {
        let form = place.made_up(&press, &format!("{AT}{path}"), action, &object);
        let form = fields.into_iter().fold(form, |form, (name, value)| form.with(name, value));
        place.send(&press, &form).await.refused(404, "not-found");
    }
    assert_eq!(place.kinds().await, before);
}

#[tokio::test]
async fn without_a_session_there_is_the_way_in_and_nothing_else() {
    let (place, paths) = withdrawn().await;
    let before = place.kinds().await;
    for cookie in ["", "airlock-console=0000", "__Host-airlock-console=0000"] {
        for path in paths.iter().map(|path| format!("{AT}{path}")).chain(["/console".to_owned()]) {
            let answer = place.get(cookie, &path).await.is(303);
            assert_eq!(answer.header("location"), "/console/sign-in");
        }
        for (path, _, _) in SENT {
            let form = Form { to: format!("{AT}{path}"), fields: BTreeMap::new() };
            place.send(cookie, &form).await.refused(403, "session-missing");
        }
        let out = Form { to: "/console/sign-out".to_owned(), fields: BTreeMap::new() };
        place.send(cookie, &out).await.refused(403, "session-missing");
    }
    assert_eq!(place.kinds().await, before);
    place.get("", "/console/sign-in").await.is(200);
    let style = place.get("", "/console/style.css").await.is(200);
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    let script = place.get("", "/console/console.js").await.is(200);
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    let icon = place.get("", "/console/icon.svg").await.is(200);
    assert_eq!(icon.header("content-type"), "image/svg+xml");
    place.get("", "/console/nothing").await.refused(404, "not-found");
    let token = place.token("grocer", &ALL);
    let request = Request::builder().uri("/console").header("host", "localhost");
    let request = request.header("authorization", format!("Bearer {token}"));
    let answer = place.ask(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 303, "a token is for the API, and for signing in");
}

/// The inside of each element of this name.
fn inside<'a>(body: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let parts = body.split(&open).skip(1).filter(|part| part.starts_with([' ', '>']));
    parts.map(|part| part.split(&close).next().unwrap()).collect()
}

#[track_caller]
pub(super) fn assert_page(path: &str, body: &str) {
    assert!(body.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{path}: {body:.80}");
    assert_eq!(inside(body, "h1").len(), 1, "{path}: one h1");
    let title = inside(body, "title");
    assert!(
        title.len() == 1 && title[0].ends_with("Airlock") && title[0].len() > 10,
        "{path}: {title:?}"
    );
    assert!(body.contains("href=\"#main\"") && inside(body, "main").len() == 1, "{path}");
    for table in inside(body, "table") {
        assert!(
            table.contains("<caption>") && table.contains("<th scope=\"col\">"),
            "{path}: {table:.200}"
        );
        for row in inside(table, "tbody").iter().flat_map(|body| inside(body, "tr")) {
            assert!(row.contains("<th scope=\"row\""), "{path}: {row:.200}");
        }
    }
    for input in body.split("<input ").skip(1).map(|input| input.split('>').next().unwrap()) {
        if !input.contains("type=\"hidden\"") {
            let id = input.split("id=\"").nth(1).unwrap().split('"').next().unwrap();
            assert!(body.contains(&format!("<label for=\"{id}\"")), "{path}: {input}");
        }
    }
    for area in body.split("<textarea ").skip(1).map(|area| area.split('>').next().unwrap()) {
        let id = area.split("id=\"").nth(1).map(|id| id.split('"').next().unwrap());
        let labelled = id.is_some_and(|id| body.contains(&format!("<label for=\"{id}\"")));
        assert!(labelled || area.contains("aria-labelledby="), "{path}: {area}");
    }
    for form in inside(body, "form") {
        assert!(
            form.contains("method=\"post\"") && form.contains("type=\"submit\""),
            "{path}: {form:.200}"
        );
    }
    // Nothing runs but our own script, and nothing is styled but by our own sheet.
    for script in inside(body, "script") {
        assert_eq!(script, " src=\"/console/console.js\" defer>", "{path}");
    }
    let bare: String = body.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(!bare.contains(" style=") && !bare.contains("<style"), "{path}");
    for tag in bare.split('<').skip(1).map(|tag| tag.split('>').next().unwrap()) {
        let outside: String = tag.split('"').step_by(2).collect();
        assert!(!outside.contains(" on"), "{path}: {tag}");
        assert!(!tag.starts_with("img") && !tag.starts_with("iframe"), "{path}: {tag}");
    }
    let ids: Vec<&str> =
        bare.split(" id=\"").skip(1).map(|id| id.split('"').next().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{path}: {ids:?}");
}

#[tokio::test]
async fn a_page_has_what_a_page_has_and_nothing_that_runs() {
    let (place, paths) = withdrawn().await;
    let grocer = place.signed_in("grocer", &ALL).await;
    let own = ["/console", "/console/sign-in", "/console/nothing", "/console/offer"];
    let own = own.into_iter().chain(["/console/offer?of=spring"]).map(str::to_owned);
    for path in paths.iter().map(|path| format!("{AT}{path}")).chain(own) {
        let answer = place.get(&grocer, &path).await;
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_page(&path, &answer.body);
    }
    let waiting = Place::proposed().await;
    let brand = waiting.signed_in("brand", &ALL).await;
    let digest = mappings::agreement::read(AGREEMENT).unwrap().digest();
    let path = format!("{AT}/agreements/{digest}");
    assert_page(&path, &waiting.get(&brand, &path).await.is(200).body);
    for code in [Own::FormForged, Own::Bug, Own::TimedOut] {
        let problem = super::super::super::problem::Problem::from(code);
        let page = written(&problem, ("an-id", AT), &axum::response::Response::default());
        let body = to_bytes(page.into_body(), 1 << 20).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert_page("a problem", &body);
        assert_eq!(body.contains("/withdraw?kind=membership"), code != Own::FormForged);
    }
}

#[tokio::test]
async fn what_members_write_is_shown_and_does_nothing() {
    let (place, paths) = withdrawn().await;
    let grocer = place.signed_in("grocer", &ALL).await;
    let mut all = String::new();
    for path in &paths {
        let page = place.get(&grocer, &format!("{AT}{path}")).await.is(200);
        for hostile in
            ["<script>alert", "<img src=x", "</code></pre><script", "\u{61c}", "\u{200b}"]
        {
            assert!(!page.body.contains(hostile), "{path}: {hostile:?}");
        }
        all.push_str(&page.body);
    }
    for shown in [
        "&lt;script&gt;alert('description')&lt;/script&gt; &quot;quoted&quot;",
        "&lt;img src=x onerror=alert('name')&gt;",
        "&lt;/code&gt;&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
        "Brand &amp; Söhne",
        "alert('consent')",
        "U+061C",
        "U+200B",
        "שלום",
    ] {
        assert!(all.contains(shown), "{shown}");
    }
    // What stands in an address is nobody's to choose.
    let evil = "/console/collaborations/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E/withdraw?kind=membership";
    let answer = place.get(&grocer, evil).await.refused(404, "not-found");
    assert!(!answer.body.contains("<script>alert"));
}

#[tokio::test]
async fn each_sees_as_much_as_over_the_api() {
    let place = Place::proposed().await;
    let brand = place.signed_in("brand", &ALL).await;
    let digest = mappings::agreement::read(AGREEMENT).unwrap().digest().to_string();
    let asks = |path: &str| format!("{AT}{}", path.replace("DIGEST", &digest));
    for seen in [
        "",
        "/agreements/DIGEST",
        "/templates/reach",
        "/fidelity",
        "/learn",
        "/withdraw?kind=membership",
    ] {
        let page = place.get(&brand, &asks(seen)).await.is(200);
        assert!(
            !page.body.contains(&format!("{AT}/templates/reach/approvals")),
            "nothing to approve yet: {seen}"
        );
    }
    for unseen in ["/log", "/log/0", "/runs", "/shares", "/revocations", "/recorded/0"] {
        place.get(&brand, &asks(unseen)).await.refused(404, "not-found");
    }
    place.join(&["grocer", "brand"]).await;
    let analyst = place.signed_in("brand", &[Role::Analyst]).await;
    let page = place.get(&analyst, AT).await.is(200);
    assert!(!page.body.contains(&format!("{AT}/log")), "its roles do not read the log");
    assert!(!page.body.contains("/withdraw?kind="), "and withdraw nothing");
    place.get(&analyst, &format!("{AT}/log")).await.refused(403, "not-permitted");
    place.get(&analyst, &format!("{AT}/runs")).await.is(200);
    let left = crate::app::Withdrawal::Membership;
    place.app.revoke(&spring(), &left, &id("brand")).await.unwrap();
    place.get(&brand, AT).await.is(200);
    place.get(&brand, &format!("{AT}/log")).await.is(200);
    for unseen in ["/agreements/DIGEST", "/templates/reach", "/fidelity", "/learn", "/runs"] {
        place.get(&brand, &asks(unseen)).await.refused(404, "not-found");
    }
}

#[tokio::test]
async fn evidence_is_looked_at_again_while_something_is_open() {
    let (place, paths) = withdrawn().await;
    let grocer = place.signed_in("grocer", &ALL).await;
    let path = paths.iter().find(|path| path.starts_with("/revocations/")).unwrap();
    let page = place.get(&grocer, &format!("{AT}{path}")).await.is(200).body;
    assert!(page.contains("<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>"));
    assert!(page.contains("aria-live=\"polite\"") && page.contains("data-live=\"open\""));
    assert!(page.contains("aws-clean-rooms") && page.contains("not yet"), "{page}");
    let other = place.get(&grocer, AT).await.is(200).body;
    assert!(!other.contains("http-equiv") && !other.contains("data-live"));
    assert!(other.contains("Drift in aws-clean-rooms"), "{other}");
}

#[tokio::test]
async fn the_matrix_says_how_each_room_holds_each_term_and_why() {
    let place = Place::agreed().await;
    let grocer = place.signed_in("grocer", &ALL).await;
    let page = place.get(&grocer, &format!("{AT}/fidelity")).await.is(200).body;
    for word in ["exact", "gateway", "template", "wider"] {
        assert!(
            page.contains(&format!("\">{word}</span></summary>"))
                || page.contains(&format!("\">{word}</span> ")),
            "{word}: {page}"
        );
    }
    let row = page.split("templates.reach.received_by").nth(1).unwrap();
    assert!(
        row.contains("title=\"other templates of the runner") && row.contains("for a waiver of"),
        "{row:.900}"
    );
    let all = place.console.desk(&caller(&place, "grocer")).fidelity("spring").await.unwrap();
    assert_eq!(all.rooms, ["native", "aws-clean-rooms"]);
    assert!(all.terms.iter().all(|term| term.rooms.len() == 2));
    let wider: Vec<_> = all
        .terms
        .iter()
        .filter(|term| term.rooms[1].as_ref().is_some_and(|room| room.held == "wider"))
        .collect();
    assert!(
        !wider.is_empty()
            && wider.iter().all(|term| !term.rooms[1].as_ref().unwrap().needs.is_empty())
    );
}

fn caller(place: &Place, member: &str) -> Caller {
    place.console.gateway.verifier.verify(&place.token(member, &ALL)).unwrap()
}

use super::super::super::problem::Own;
