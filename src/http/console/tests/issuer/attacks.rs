//! What somebody does who is up to something: in the browser, at the issuer, with its tokens. Must not know why it is refused but by code.

use super::fake::{Fields, Lie};
use super::{Away, NOW_S, ONE, TWO};
use serde_json::{Value, json};

const STATE: &str = "sign-in-state";
const UNREAD: &str = "sign-in-unreadable";
const MIXED: &str = "sign-in-mixed";

/// What a browser brings: its own attempt, that of another browser, and its own at the other issuer.
pub(super) type Brings = fn(&Away, &Away, &Away) -> (String, &'static str, Fields);

/// A name, the code of the answer, and what is brought.
pub(super) type Brought = (&'static str, &'static str, Brings);

/// What belongs to no attempt of this browser's.
pub(super) fn states() -> Vec<Brought> {
    vec![
        ("no cookie", STATE, |me, _, _| (String::new(), ONE, me.back.clone())),
        ("a made up state", STATE, |me, _, _| {
            (me.cookie.clone(), ONE, me.with("state", &"A".repeat(43)))
        }),
        ("an empty state", STATE, |me, _, _| (me.cookie.clone(), ONE, me.with("state", ""))),
        ("no state", UNREAD, |me, _, _| (me.cookie.clone(), ONE, me.without("state"))),
        ("a state with more", STATE, |me, _, _| {
            (me.cookie.clone(), ONE, me.with("state", &format!("{}=", me.back["state"])))
        }),
        ("the nonce for a state", STATE, |me, _, _| {
            let nonce =
                me.sent.query_pairs().find(|(name, _)| name == "nonce").unwrap().1.into_owned();
            (me.cookie.clone(), ONE, me.with("state", &nonce))
        }),
        ("another browser's state", STATE, |me, they, _| {
            (me.cookie.clone(), ONE, me.with("state", &they.back["state"]))
        }),
        ("another browser's cookie", STATE, |me, they, _| {
            (they.cookie.clone(), ONE, me.back.clone())
        }),
        ("another's whole answer, as a trap", STATE, |me, they, _| {
            (me.cookie.clone(), ONE, they.back.clone())
        }),
        ("the same where no sign-in was begun", STATE, |_, they, _| {
            (String::new(), ONE, they.back.clone())
        }),
        ("two cookies of the name", STATE, |me, they, _| {
            (format!("{}; {}", they.cookie, me.cookie), ONE, me.back.clone())
        }),
        ("a cookie of a later time", STATE, |me, _, _| {
            (me.cookie.replace(".17", ".18"), ONE, me.back.clone())
        }),
        ("a cookie without its time", STATE, |me, _, _| {
            (me.cookie.split('.').next().unwrap().to_owned(), ONE, me.back.clone())
        }),
        ("the answer of one at the place of two", STATE, |me, _, _| {
            (me.cookie.clone(), TWO, me.back.clone())
        }),
        ("the state of two at the place of one", STATE, |_, _, two| {
            (two.cookie.clone(), ONE, two.back.clone())
        }),
        ("the state of two with the cookie of one", STATE, |me, _, two| {
            (me.cookie.clone(), ONE, me.with("state", &two.back["state"]))
        }),
    ]
}

/// The same of what an issuer says by way of it.
pub(super) fn answers() -> Vec<Brought> {
    vec![
        ("an answer of two, by its name", MIXED, |me, _, _| {
            (me.cookie.clone(), ONE, me.with("iss", "https://two.example"))
        }),
        ("an issuer's name with more", MIXED, |me, _, _| {
            (me.cookie.clone(), ONE, me.with("iss", "https://one.example/"))
        }),
        ("an empty name", MIXED, |me, _, _| (me.cookie.clone(), ONE, me.with("iss", ""))),
        ("no name of one that always says it", MIXED, |me, _, _| {
            (me.cookie.clone(), ONE, me.without("iss"))
        }),
        ("another name beside an error", MIXED, |me, _, _| {
            let mut back = me.without("code");
            back.extend(
                [("error", "access_denied"), ("iss", "https://two.example")]
                    .map(|(a, b)| (a.to_owned(), b.to_owned())),
            );
            (me.cookie.clone(), ONE, back)
        }),
        ("neither a code nor an error", UNREAD, |me, _, _| {
            (me.cookie.clone(), ONE, me.without("code"))
        }),
        ("a code and an error", UNREAD, |me, _, _| {
            (me.cookie.clone(), ONE, me.with("error", "access_denied"))
        }),
        ("an empty code", UNREAD, |me, _, _| (me.cookie.clone(), ONE, me.with("code", ""))),
        ("a code with a line end", UNREAD, |me, _, _| {
            (me.cookie.clone(), ONE, me.with("code", "a\r\nb"))
        }),
        ("a made up code", "sign-in-issuer", |me, _, _| {
            (me.cookie.clone(), ONE, me.with("code", "zqcode-made-up"))
        }),
        ("another browser's code", "sign-in-issuer", |me, they, _| {
            (me.cookie.clone(), ONE, me.with("code", &they.back["code"]))
        }),
        ("a code of the other issuer", "sign-in-issuer", |me, _, two| {
            (me.cookie.clone(), ONE, me.with("code", &two.back["code"]))
        }),
    ]
}

/// A name, the cause in the gateway's own log, and how the issuer lies.
pub(super) type Lied = (&'static str, &'static str, Lie);

fn id_claims(name: &'static str, value: Value) -> Lie {
    Lie { id_claims: vec![(name, value)], ..Lie::default() }
}

fn id_header(name: &'static str, value: Value) -> Lie {
    Lie { id_header: vec![(name, value)], ..Lie::default() }
}

fn access_claims(name: &'static str, value: Value) -> Lie {
    Lie { access_claims: vec![(name, value)], ..Lie::default() }
}

fn access_header(name: &'static str, value: Value) -> Lie {
    Lie { access_header: vec![(name, value)], ..Lie::default() }
}

/// ID tokens that are no answer of this issuer to this attempt.
pub(super) fn id_tokens() -> Vec<Lied> {
    let (two, kid) = (vec![("iss", json!("https://two.example"))], vec![("kid", json!("key-2"))]);
    vec![
        ("another nonce", "id-token-nonce", id_claims("nonce", json!("A"))),
        ("no nonce", "id-token-nonce", id_claims("nonce", Value::Null)),
        (
            "an ID token for another client",
            "id-token-audience",
            id_claims("aud", json!("console-2")),
        ),
        ("an ID token for the gateway", "id-token-audience", id_claims("aud", json!("airlock"))),
        (
            "one for several",
            "id-token-audience",
            id_claims("aud", json!(["console-1", "console-2"])),
        ),
        ("one that was given to another", "id-token-party", id_claims("azp", json!("console-2"))),
        ("an ID token that is over", "id-token-expired", id_claims("exp", json!(NOW_S - 61))),
        ("an ID token of later", "id-token-not-yet", id_claims("iat", json!(NOW_S + 61))),
        ("an ID token of nobody", "id-token-subject", id_claims("sub", Value::Null)),
        ("an ID token of nobody's", "iss-unknown", id_claims("iss", json!("https://evil.example"))),
        (
            "the other issuer's name under this one's key",
            "id-token-of-other-issuer",
            id_claims("iss", json!("https://two.example")),
        ),
        (
            "the other issuer's ID token",
            "id-token-of-other-issuer",
            Lie { id_claims: two, id_header: kid, id_key: Some(2), ..Lie::default() },
        ),
        (
            "another access token's hash",
            "id-token-access-hash",
            id_claims("at_hash", json!("AAAA")),
        ),
        ("alg none", "alg-refused", id_header("alg", json!("none"))),
        ("HS256 under the public key", "alg-refused", id_header("alg", json!("HS256"))),
        ("a key that is not there", "key-unknown", id_header("kid", json!("key-9"))),
        ("no key's name", "kid-malformed", id_header("kid", Value::Null)),
        ("a key that it brings", "header-member-refused", id_header("jwk", json!({}))),
        ("an access token for an ID token", "typ-refused", id_header("typ", json!("at+jwt"))),
        ("another's signature", "signature-wrong", Lie { id_key: Some(9), ..Lie::default() }),
    ]
}

/// Access tokens that would not be taken of anybody.
pub(super) fn access_tokens() -> Vec<Lied> {
    // All that the other issuer would say of somebody, under its own key.
    let two = vec![("iss", json!("https://two.example")), ("org", json!("org-brand"))];
    let kid = vec![("kid", json!("key-2"))];
    vec![
        ("an access token for another", "aud-wrong", access_claims("aud", json!("payments"))),
        (
            "an access token that is over",
            "token-expired",
            Lie {
                access_claims: vec![("iat", json!(NOW_S - 300)), ("exp", json!(NOW_S - 60))],
                ..Lie::default()
            },
        ),
        ("one of an hour", "life-refused", access_claims("exp", json!(NOW_S + 3_600))),
        ("one without its own name", "jti-malformed", access_claims("jti", Value::Null)),
        (
            "the other issuer's good access token",
            "access-token-of-other-issuer",
            Lie { access_claims: two, access_header: kid, access_key: Some(2), ..Lie::default() },
        ),
        (
            "an organisation that nobody knows",
            "organisation-unknown",
            access_claims("org", json!("org-press")),
        ),
        (
            "a member of which it may not speak",
            "organisation-unknown",
            access_claims("org", json!("org-brand")),
        ),
        (
            "the operator",
            "operator-not-of-issuer",
            Lie {
                access_claims: vec![("roles", json!(["operator"])), ("org", Value::Null)],
                ..Lie::default()
            },
        ),
        ("no role", "role-missing", access_claims("roles", json!(["guest"]))),
        ("roles in a text", "roles-malformed", access_claims("roles", json!("analyst"))),
        ("an access token by none", "alg-refused", access_header("alg", json!("none"))),
        ("an access token by HS256", "alg-refused", access_header("alg", json!("HS256"))),
        ("an access token of the wrong type", "typ-refused", access_header("typ", json!("JWT"))),
        (
            "an access token under another key",
            "signature-wrong",
            Lie { access_key: Some(9), ..Lie::default() },
        ),
        (
            "an ID token twice",
            "access-token-is-id-token",
            Lie { one_token: true, ..Lie::default() },
        ),
    ]
}

/// Token endpoints that give no two tokens.
pub(super) fn endpoints() -> Vec<Lied> {
    let whole = |text: &str| Lie { whole: Some(text.to_owned()), ..Lie::default() };
    let of = |status: &str, head: &str, body: &str| {
        whole(&format!("HTTP/1.1 {status}\r\n{head}Content-Length: {}\r\n\r\n{body}", body.len()))
    };
    let answer =
        |name: &'static str, value: Value| Lie { answer: vec![(name, value)], ..Lie::default() };
    vec![
        ("it stalls", "egress-late", whole("")),
        (
            "half an answer",
            "egress-unreachable",
            whole("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        ),
        (
            "it leads elsewhere",
            "egress-redirect",
            of("302 Found", "Location: http://127.0.0.1:9/token\r\n", ""),
        ),
        (
            "it leads elsewhere with the form",
            "egress-redirect",
            of("307 Temporary Redirect", "Location: http://127.0.0.1:9/token\r\n", "{}"),
        ),
        (
            "a page",
            "token-answer-unreadable",
            of("200 OK", "Content-Type: text/html\r\n", "<html>zqtext</html>"),
        ),
        (
            "10 MB",
            "egress-answer-long",
            of(
                "200 OK",
                "Content-Type: application/json\r\n",
                &format!("{{\"a\":\"{}\"}}", "x".repeat(10 << 20)),
            ),
        ),
        (
            "10 MB that are not announced",
            "egress-answer-long",
            whole(&format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "x".repeat(10 << 20))),
        ),
        ("it fails", "token-answer-status", of("500 Internal Server Error", "", "zqtext")),
        ("no HTTP", "egress-unreachable", whole("zqtext\r\n\r\n")),
        (
            "an unknown client",
            "token-invalid-client",
            of(
                "401 Unauthorized",
                "",
                "{\"error\":\"invalid_client\",\"error_description\":\"zqtext\"}",
            ),
        ),
        (
            "a name twice",
            "token-answer-unreadable",
            of(
                "200 OK",
                "",
                "{\"token_type\":\"Bearer\",\"access_token\":\"a\",\"access_token\":\"b\",\"id_token\":\"c\"}",
            ),
        ),
        ("deep JSON", "token-answer-unreadable", of("200 OK", "", &"[".repeat(10_000))),
        ("another kind of token", "token-answer-type", answer("token_type", json!("DPoP"))),
        ("no ID token", "id-token-missing", answer("id_token", Value::Null)),
        ("no access token", "access-token-missing", answer("access_token", Value::Null)),
        ("a number for a token", "access-token-missing", answer("access_token", json!(7))),
    ]
}
