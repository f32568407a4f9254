//! Signing in at an issuer: the good way, and what somebody does who is up to something, each beside a twin that passes.

mod attacks;
mod fake;

use super::*;
use crate::http::console::session::LASTS_MS;
use crate::metrics::Metrics;
use crate::tokens::SIGN_IN_LASTS_MS;
use attacks::{Brought, access_tokens, answers, endpoints, id_tokens, states};
use fake::{Fake, Fields, Lie, Persona, key_set};
use serde_json::{Value, json};
use url::Url;

const NOW_S: i64 = NOW_MS / 1_000;
const ONE: &str = "/console/sign-in/one";
const TWO: &str = "/console/sign-in/two";
const ALL_OF_THEM: [Persona; 3] = [
    Persona {
        issuer: "https://one.example",
        organisation: "org-grocer",
        seed: 1,
        client: "console-1",
        secret: None,
    },
    Persona {
        issuer: "https://two.example",
        organisation: "org-brand",
        seed: 2,
        client: "console-2",
        secret: None,
    },
    Persona {
        issuer: "https://three.example",
        organisation: "org-grocer",
        seed: 3,
        client: "console-3",
        secret: Some("airlock"),
    },
];

/// A gateway at which people of two members sign in at three issuers.
struct World {
    place: Place,
    fake: Fake,
}

/// A browser that was sent to an issuer, and what that sends it back with.
#[derive(Debug, Clone)]
struct Away {
    sent: Url,
    cookie: String,
    back: Fields,
}

impl Away {
    fn with(&self, name: &str, value: &str) -> Fields {
        let mut back = self.back.clone();
        back.insert(name.to_owned(), value.to_owned());
        back
    }

    fn without(&self, name: &str) -> Fields {
        let mut back = self.back.clone();
        back.remove(name);
        back
    }
}

fn query(fields: &Fields) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn settings_of(port: u16) -> String {
    let at = format!("http://127.0.0.1:{port}");
    let back = |origin: &str, name: &str, client: u8, more: &str| {
        format!(
            "sign_in = {{ client_id = \"console-{client}\", redirect_uri = \"{origin}/console/sign-in/{name}\"{more} }}"
        )
    };
    let one = back("http://localhost", "one", 1, ", label = \"One <b>&\", sign_out = true");
    let ends = format!(
        ", authorization_endpoint = \"{at}/two/authorize?prompt=login\", token_endpoint = \"{at}/two/token\", scopes = [\"openid\", \"api://x\"]"
    );
    let two = back("http://localhost", "two", 2, &ends);
    let three =
        back("https://airlock.example", "three", 3, ", client_secret_env = \"CARGO_PKG_NAME\"");
    let document = |name: &str| format!("discovery = \"{at}/{name}/openid\"");
    let issuer = |name: &str, keys: &str, tenant: &str, sign_in: &str| {
        format!(
            "[[http.issuers]]\nissuer = \"https://{name}.example\"\n{keys}\ntenants = [\"{tenant}\"]\n{sign_in}\n"
        )
    };
    let tenants = ["grocer", "brand"].map(|name| {
        format!("[[http.tenants]]\nmember = \"{name}\"\norganisation = \"org-{name}\"\n")
    });
    [
        "[egress]\nloopback = true\n[http]\ndevelopment_issuer = true\nhosts = [\"airlock.example\"]\n",
        &tenants.concat(),
        &issuer("one", &document("one"), "grocer", &one),
        &issuer("two", "jwks_file = \"two.json\"", "brand", &two),
        &issuer("three", &document("three"), "grocer", &three),
    ]
    .concat()
}

impl World {
    async fn new() -> Self {
        let fake = Fake::new(&ALL_OF_THEM).await;
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::fs::write(home.settings(), settings_of(fake.port)).unwrap();
        let two = key_set(&ALL_OF_THEM[1], None).to_string();
        std::fs::write(home.root().join("two.json"), two).unwrap();
        let place = Place::at(folder).await;
        let gateway = place.console.gateway.clone();
        let known = || gateway.verifier.ways().iter().all(|way| gateway.verifier.send(way).is_ok());
        assert!(!known(), "nobody is sent before the documents were read");
        let followed = gateway.clone();
        tokio::spawn(async move { followed.verifier.follow(&Metrics::new().unwrap()).await });
        for _ in 0..3_000 {
            if known() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert!(known());
        Self { place, fake }
    }

    /// Somebody presses the button of the page, and the issuer's.
    async fn away(&self, at: &str) -> Away {
        let form = self.place.get("", "/console/sign-in").await.is(200).form(at);
        let page = self.place.send("", &form).await.is(200);
        let (_, to) = page.body.split_once("http-equiv=\"refresh\" content=\"0; url=").unwrap();
        let to = unescaped(&to[..to.find('"').unwrap()]);
        assert!(page.body.contains("Go on</a>"), "{}", page.body);
        let sent = Url::parse(&to).unwrap();
        let cookie = cookie_of(&page, "airlock-sign-in").unwrap();
        Away { back: self.fake.pressed(&sent), sent, cookie }
    }

    async fn back(&self, cookie: &str, at: &str, back: &Fields) -> Answer {
        self.place.get(cookie, &format!("{at}?{}", query(back))).await
    }

    /// That somebody signs in, by the cookie of the session.
    async fn signs_in(&self, at: &str, member: &str) -> String {
        let away = self.away(at).await;
        let answer = self.back(&away.cookie, at, &away.back).await.is(200);
        let session = cookie_of(&answer, "airlock-console").unwrap();
        let page = self.place.get(&session, "/console").await.is(200);
        assert!(page.body.contains(&format!("<strong>{member}</strong>")), "{}", page.body);
        session
    }

    /// The cause of the last refusal that was the issuer's doing.
    #[track_caller]
    fn is_for(&self, name: &str, cause: &'static str) {
        let told = self.place.console.gateway.verifier.told_last();
        assert!(told == Some(cause) || cause == "role-missing", "{name}: {told:?}, not {cause}");
    }

    /// That it is refused, and nobody is signed in, nor told what the issuer said.
    #[track_caller]
    fn refused(&self, name: &str, answer: &Answer, code: &str) {
        let shown = format!("<code>{code}</code>");
        assert!(answer.status >= 400 && answer.body.contains(&shown), "{name}: {code}: {answer:?}");
        assert_eq!(cookie_of(answer, "airlock-console"), None, "{name}");
        for secret in self.fake.given().iter().map(String::as_str).chain(["zqtext", "<b>"]) {
            assert!(!answer.body.contains(secret), "{name}: {secret} is shown");
        }
    }
}

/// A cookie that an answer sets, unless it takes it away.
fn cookie_of(answer: &Answer, name: &str) -> Option<String> {
    let all = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let mut own = all.filter_map(|line| line.split(';').next());
    own.find(|pair| pair.strip_prefix(&format!("{name}=")).is_some_and(|rest| !rest.is_empty()))
        .map(str::to_owned)
}

#[tokio::test]
async fn somebody_signs_in_at_an_issuer_for_half_an_hour_and_out() {
    let world = World::new().await;
    let (place, away) = (&world.place, world.away(ONE).await);
    let asked: Fields = away.sent.query_pairs().into_owned().collect();
    assert_eq!(asked["redirect_uri"], "http://localhost/console/sign-in/one");
    assert_eq!(asked.len(), 8, "{asked:?}");
    let answer = world.back(&away.cookie, ONE, &away.back).await.is(200);
    assert!(answer.body.contains("content=\"0; url=/console\""), "{}", answer.body);
    let lines: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0]
            .to_str()
            .unwrap()
            .ends_with("; Max-Age=1800; Path=/console; HttpOnly; SameSite=Strict")
    );
    assert!(lines[1].to_str().unwrap().starts_with("airlock-sign-in=; Max-Age=0; "), "{lines:?}");
    let session = cookie_of(&answer, "airlock-console").unwrap();
    let page = place.get(&session, "/console").await.is(200);
    assert!(page.body.contains("<strong>grocer</strong>") && page.body.contains("analyst"));
    // The token ends after five minutes, the session after thirty.
    place.clock.step(LASTS_MS - 1);
    place.get(&session, "/console").await.is(200);
    place.clock.step(1);
    place.get(&session, "/console").await.is(303);
    place.clock.set(NOW_MS);
    let session = world.signs_in(TWO, "brand").await;
    let out = place.get(&session, "/console").await.is(200).form("/console/sign-out");
    place.send(&session, &out).await.is(303);
    place.get(&session, "/console").await.is(303);
    for secret in world.fake.given() {
        assert!(!format!("{:?}", place.console).contains(&secret), "what was given is not kept");
        assert!(!answer.body.contains(&secret) && !page.body.contains(&secret));
    }
}

#[tokio::test]
async fn whoever_signed_in_at_an_issuer_signs_out_there_where_that_is_set() {
    let world = World::new().await;
    let place = &world.place;
    let session = world.signs_in(ONE, "grocer").await;
    let id_token = world.fake.given().into_iter().rfind(|text| text.len() > 200).unwrap();
    let form = place.get(&session, "/console").await.is(200).form("/console/sign-out");
    // Nothing leads there but the form of this session.
    place.get(&session, "/console/sign-out").await.is(405);
    place
        .send(&session, &form.clone().with("form", &"0".repeat(64)))
        .await
        .refused(403, "form-forged");
    let page = place.send(&session, &form).await.is(200);
    assert_eq!(cookie_of(&page, "airlock-console"), None);
    assert!(page.header("set-cookie").starts_with("airlock-console=; Max-Age=0;"), "{page:?}");
    place.get(&session, "/console").await.is(303);
    let (_, to) = page.body.split_once("http-equiv=\"refresh\" content=\"0; url=").unwrap();
    let to = Url::parse(&unescaped(&to[..to.find('"').unwrap()])).unwrap();
    assert_eq!(to.path(), "/one/out");
    let asked: Fields = to.query_pairs().into_owned().collect();
    assert!(world.fake.given().contains(&asked["id_token_hint"]));
    assert_eq!(asked["id_token_hint"], id_token);
    assert_eq!(asked["client_id"], "console-1");
    assert_eq!(asked["post_logout_redirect_uri"], "http://localhost/console/sign-in");
    assert_eq!(asked.len(), 3, "{asked:?}");
    // The twins: where it is not set, and where somebody signed in with a token, one is signed out here alone.
    let token = place.signed_in("grocer", &[Role::Analyst]).await;
    for session in [world.signs_in(TWO, "brand").await, token] {
        let form = place.get(&session, "/console").await.is(200).form("/console/sign-out");
        let answer = place.send(&session, &form).await.is(303);
        assert_eq!(answer.header("location"), "/console/sign-in");
        place.get(&session, "/console").await.is(303);
    }
    assert!(!format!("{:?}", place.console).contains(&id_token), "what is kept is not shown");
}

#[tokio::test]
async fn what_a_browser_keeps_meanwhile_is_kept_for_one_name_and_comes_back_from_elsewhere() {
    let world = World::new().await;
    let at = |host: &'static str, method: Method, path: &str, cookie: &str| {
        let request = Request::builder().method(method).uri(path).header("host", host);
        let request = request.header("sec-fetch-site", "same-origin").header("cookie", cookie);
        world.place.ask(request.body(Body::empty()).unwrap())
    };
    let page = at("localhost", Method::GET, "/console/sign-in", "").await.is(200);
    assert!(page.body.contains("One &lt;b&gt;&amp;"), "a label is text: {}", page.body);
    assert!(
        page.body.contains("href=\"https://airlock.example/console/sign-in\""),
        "the third is elsewhere"
    );
    assert!(!page.body.contains("action=\"/console/sign-in/three\""));
    at("localhost", Method::POST, "/console/sign-in/three", "").await.refused(404, "not-found");
    at("airlock.example", Method::POST, ONE, "").await.refused(404, "not-found");
    at("localhost", Method::POST, "/console/sign-in/four", "").await.refused(404, "not-found");
    at("localhost", Method::GET, "/console/sign-in/four", "").await.refused(404, "not-found");
    let sent = at("airlock.example", Method::POST, "/console/sign-in/three", "").await.is(200);
    let kept: Vec<_> =
        sent.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect();
    assert!(kept[0].starts_with("__Host-airlock-sign-in="), "{kept:?}");
    assert!(kept[0].ends_with("; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax"), "{kept:?}");
    assert!(
        kept[1].starts_with("__Host-airlock-console=; Max-Age=0; "),
        "what was signed in is over"
    );
    let (_, to) = sent.body.split_once("0; url=").unwrap();
    let to = Url::parse(&unescaped(&to[..to.find('"').unwrap()])).unwrap();
    let back = format!("/console/sign-in/three?{}", query(&world.fake.pressed(&to)));
    let cookie = kept[0].split(';').next().unwrap();
    let plain = cookie.replace("__Host-", "");
    at("airlock.example", Method::GET, &back, &plain).await.refused(403, "sign-in-state");
    let answer = at("airlock.example", Method::GET, &back, cookie).await.is(200);
    let session = cookie_of(&answer, "__Host-airlock-console").unwrap();
    at("airlock.example", Method::GET, "/console", &session).await.is(200);
}

#[tokio::test]
async fn whoever_begins_anew_ends_what_the_browser_had_and_no_other_site_begins_it() {
    let world = World::new().await;
    let first = world.place.signed_in("brand", &ALL).await;
    let form = Form { to: ONE.to_owned(), fields: BTreeMap::new() };
    for lines in [
        &[][..],
        &[("origin", "http://evil.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "http://localhost")],
    ] {
        world.place.post(&first, ONE, lines, &form).await.refused(403, "form-foreign");
    }
    world.place.get(&first, "/console").await.is(200);
    world.place.send(&first, &form).await.is(200);
    world.place.get(&first, "/console").await.is(303);
}

#[tokio::test]
async fn what_does_not_belong_together_signs_nobody_in() {
    let world = World::new().await;
    let all: Vec<Brought> = states().into_iter().chain(answers()).collect();
    assert!(all.len() >= 25);
    for (name, code, brings) in all {
        let (me, they, two) = (world.away(ONE).await, world.away(ONE).await, world.away(TWO).await);
        let (cookie, at, back) = brings(&me, &they, &two);
        let before = world.fake.exchanged();
        let answer = world.back(&cookie, at, &back).await;
        world.refused(name, &answer, code);
        assert_eq!(world.fake.exchanged() > before, code == "sign-in-issuer", "{name}");
        // Nothing that was not this browser's turn ends it.
        let mut twin = me.clone();
        if !matches!(code, "sign-in-state" | "sign-in-unreadable") {
            let forgets = answer
                .headers
                .get_all("set-cookie")
                .iter()
                .any(|it| it.to_str().unwrap().starts_with("airlock-sign-in=; Max-Age=0"));
            assert!(forgets, "{name}: {answer:?}");
            world.refused(name, &world.back(&me.cookie, ONE, &me.back).await, "sign-in-state");
            twin = world.away(ONE).await;
        }
        world.back(&twin.cookie, ONE, &twin.back).await.is(200);
        world.back(&two.cookie, TWO, &two.without("iss")).await.is(200);
    }
}

#[tokio::test]
async fn an_answer_has_no_part_twice() {
    let world = World::new().await;
    let me = world.away(ONE).await;
    for name in ["code", "state", "iss"] {
        let more = Fields::from([(name.to_owned(), me.back[name].clone())]);
        let path = format!("{ONE}?{}&{}", query(&me.back), query(&more));
        world.refused(name, &world.place.get(&me.cookie, &path).await, "sign-in-unreadable");
    }
    let more = format!(
        "{ONE}?{}&next=//evil.example&next=x&return_to=https://evil.example",
        query(&me.back)
    );
    let answer = world.place.get(&me.cookie, &more).await.is(200);
    assert!(
        !answer.body.contains("evil") && answer.body.contains("url=/console\""),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn an_answer_is_taken_once_and_for_ten_minutes() {
    let world = World::new().await;
    let me = world.away(ONE).await;
    let both = [(); 8].map(|()| world.back(&me.cookie, ONE, &me.back));
    let both = futures::future::join_all(both).await;
    assert_eq!(both.iter().filter(|answer| answer.status == 200).count(), 1, "{both:?}");
    for answer in both.iter().filter(|answer| answer.status != 200) {
        world.refused("at once", answer, "sign-in-state");
    }
    assert_eq!(world.fake.exchanged(), 1, "a code is shown once");
    world.refused("again", &world.back(&me.cookie, ONE, &me.back).await, "sign-in-state");
    // The code again, in an attempt of one's own: also where the issuer forgot that it was used, and does not hold it against its challenge.
    let code = me.back["code"].clone();
    let again = world.away(ONE).await;
    let answer = world.back(&again.cookie, ONE, &again.with("code", &code)).await;
    world.refused("the code again", &answer, "sign-in-issuer");
    world.fake.lie(Lie { takes_all: true, ..Lie::default() });
    let again = world.away(ONE).await;
    let answer = world.back(&again.cookie, ONE, &again.with("code", &code)).await;
    world.refused("the code again, of a lax issuer", &answer, "sign-in-tokens");
    let two = world.away(TWO).await;
    let (late, early) = (world.away(ONE).await, world.away(ONE).await);
    world.place.clock.step(SIGN_IN_LASTS_MS);
    world.refused("late", &world.back(&late.cookie, ONE, &late.back).await, "sign-in-state");
    world.place.clock.step(-1);
    world.place.clock.set(NOW_MS - 1);
    world.refused("before", &world.back(&early.cookie, ONE, &early.back).await, "sign-in-state");
    world.place.clock.set(NOW_MS);
    world.back(&early.cookie, ONE, &early.back).await.is(200);
    world.back(&two.cookie, TWO, &two.back).await.is(200);
}

#[tokio::test]
async fn what_an_issuer_says_instead_is_a_page_with_a_code_of_ours() {
    let world = World::new().await;
    for (error, status, code) in [
        ("access_denied", 403, "sign-in-denied"),
        ("login_required", 502, "sign-in-issuer"),
        ("server_error", 502, "sign-in-issuer"),
        ("<script>zqtext</script>", 502, "sign-in-issuer"),
        ("", 502, "sign-in-issuer"),
        ("'\"><b>zqtext", 502, "sign-in-issuer"),
    ] {
        let me = world.away(ONE).await;
        let mut back = me.without("code");
        back.insert("error".to_owned(), error.to_owned());
        for name in ["error_description", "error_uri"] {
            back.insert(name.to_owned(), "https://evil.example/<script>zqtext</script>".to_owned());
        }
        let answer = world.back(&me.cookie, ONE, &back).await.is(status);
        assert!(
            !answer.body.contains("script>zq") && !answer.body.contains("evil"),
            "{}",
            answer.body
        );
        world.refused(error, &answer, code);
        world.refused(error, &world.back("", ONE, &back).await, "sign-in-state");
    }
    assert_eq!(world.fake.exchanged(), 0);
    world.signs_in(ONE, "grocer").await;
}

#[tokio::test]
async fn what_an_issuer_gives_is_looked_at_as_every_token_and_as_the_answer_to_this() {
    let world = World::new().await;
    let all: Vec<_> = id_tokens().into_iter().chain(access_tokens()).collect();
    assert!(all.len() >= 30);
    for (name, cause, lie) in all {
        let me = world.away(ONE).await;
        world.fake.lie(lie);
        let answer = world.back(&me.cookie, ONE, &me.back).await;
        let code = match cause {
            "role-missing" => cause,
            "access-token-is-id-token" => "sign-in-issuer",
            _ => "sign-in-tokens",
        };
        world.refused(name, &answer, code);
        world.is_for(name, cause);
        world.fake.lie(Lie::default());
        world.signs_in(ONE, "grocer").await;
    }
    // What is allowed to differ does.
    for lie in [
        Lie {
            id_claims: vec![("aud", json!(["console-1", "x"])), ("azp", json!("console-1"))],
            ..Lie::default()
        },
        Lie { id_header: vec![("typ", Value::Null)], ..Lie::default() },
        Lie { id_claims: vec![("sub", json!("pairwise"))], ..Lie::default() },
        Lie {
            answer: vec![("token_type", json!("bearer")), ("expires_in", Value::Null)],
            ..Lie::default()
        },
    ] {
        world.fake.lie(lie);
        world.signs_in(ONE, "grocer").await;
    }
}

#[tokio::test]
async fn a_token_endpoint_gives_two_tokens_in_time_or_nobody_is_signed_in() {
    let world = World::new().await;
    for (name, cause, lie) in endpoints() {
        let me = world.away(ONE).await;
        world.fake.lie(lie);
        let answer = world.back(&me.cookie, ONE, &me.back).await;
        world.refused(name, &answer, "sign-in-issuer");
        world.is_for(name, cause);
        world.fake.lie(Lie::default());
        world.signs_in(ONE, "grocer").await;
    }
    for garbage in ["x", "a.b.c", &"x".repeat(9_000)] {
        let me = world.away(ONE).await;
        world.fake.lie(Lie { answer: vec![("id_token", json!(garbage))], ..Lie::default() });
        world.refused(garbage, &world.back(&me.cookie, ONE, &me.back).await, "sign-in-tokens");
    }
}

#[tokio::test]
async fn whoever_signs_in_keeps_no_more_than_sixteen_places() {
    let world = World::new().await;
    world.fake.lie(Lie { whole: Some(String::new()), ..Lie::default() });
    let mut all = Vec::new();
    for _ in 0..17 {
        all.push(world.away(ONE).await);
    }
    let answers = all.iter().map(|me| world.back(&me.cookie, ONE, &me.back));
    let answers = futures::future::join_all(answers).await;
    let busy: Vec<_> = (0..).zip(&answers).filter(|(_, answer)| answer.status == 429).collect();
    assert_eq!(busy.len(), 1, "{answers:?}");
    assert_eq!(busy[0].1.header("retry-after"), "1");
    // It was not its turn yet.
    world.fake.lie(Lie::default());
    let me: &Away = &all[busy[0].0];
    world.back(&me.cookie, ONE, &me.back).await.is(200);
}

#[tokio::test]
async fn a_key_that_was_never_seen_is_asked_for() {
    let world = World::new().await;
    world.fake.rotate("new");
    let me = world.away(ONE).await;
    world.refused("just asked", &world.back(&me.cookie, ONE, &me.back).await, "sign-in-tokens");
    world.place.clock.step(61_000);
    world.signs_in(ONE, "grocer").await;
}
