//! An issuer at a socket of this machine: its document, keys, and a token endpoint that keeps to RFC 6749 and RFC 7636 unless it is told to lie. It signs in
//! whoever asks. Must not know the gateway.

use super::NOW_S;
use crate::log::SecretKey;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

pub(super) type Fields = BTreeMap<String, String>;

/// How it lies; members of JSON that are `null` are left out.
#[derive(Debug, Clone, Default)]
pub(super) struct Lie {
    pub(super) id_claims: Vec<(&'static str, Value)>,
    pub(super) id_header: Vec<(&'static str, Value)>,
    pub(super) access_claims: Vec<(&'static str, Value)>,
    pub(super) access_header: Vec<(&'static str, Value)>,
    pub(super) answer: Vec<(&'static str, Value)>,
    /// The seed of another key than its own, for either.
    pub(super) id_key: Option<u8>,
    pub(super) access_key: Option<u8>,
    /// The whole answer of the token endpoint instead; an empty one never comes.
    pub(super) whole: Option<String>,
    /// What it would refuse is taken: codes twice, without their verifier, of other places.
    pub(super) takes_all: bool,
    /// The access token is the ID token.
    pub(super) one_token: bool,
}

/// Who is signed in by it, and how.
#[derive(Debug)]
pub(super) struct Persona {
    pub(super) issuer: &'static str,
    pub(super) organisation: &'static str,
    pub(super) seed: u8,
    pub(super) client: &'static str,
    pub(super) secret: Option<&'static str>,
}

#[derive(Debug, Default)]
struct State {
    lie: Lie,
    /// What was asked for, by the code that was given for it.
    asked: BTreeMap<String, Fields>,
    spent: Vec<String>,
    /// All that was ever given: none of it may be seen anywhere.
    given: Vec<String>,
    exchanged: usize,
    kid: Option<&'static str>,
}

/// Several issuers at one port.
pub(super) struct Fake {
    pub(super) port: u16,
    all: &'static [Persona],
    state: Arc<Mutex<State>>,
}

impl Fake {
    pub(super) async fn new(all: &'static [Persona]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<Mutex<State>>::default();
        let kept = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(served(stream, all, Arc::clone(&kept), port));
            }
        });
        Self { port, all, state }
    }

    pub(super) fn lie(&self, lie: Lie) {
        self.state.lock().unwrap().lie = lie;
    }

    /// Its keys have another name from now on.
    pub(super) fn rotate(&self, kid: &'static str) {
        self.state.lock().unwrap().kid = Some(kid);
    }

    pub(super) fn exchanged(&self) -> usize {
        self.state.lock().unwrap().exchanged
    }

    pub(super) fn given(&self) -> Vec<String> {
        self.state.lock().unwrap().given.clone()
    }

    /// Somebody presses the button of its page, and is sent back with this query.
    pub(super) fn pressed(&self, sent: &Url) -> Fields {
        let asked: Fields = sent.query_pairs().into_owned().collect();
        let persona = of(self.all, sent.path());
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["client_id"], persona.client);
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"));
        let mut state = self.state.lock().unwrap();
        let code = format!("zqcode-{}-{}", persona.seed, state.asked.len());
        let back = [
            ("code", code.clone()),
            ("state", asked["state"].clone()),
            ("iss", persona.issuer.to_owned()),
        ];
        state.asked.insert(code.clone(), asked);
        state.given.push(code);
        back.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn of<'a>(all: &'a [Persona], path: &str) -> &'a Persona {
    let name = path.split('/').nth(1).unwrap();
    all.iter().find(|it| it.issuer == format!("https://{name}.example")).unwrap()
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn key_set(persona: &Persona, kid: Option<&str>) -> Value {
    let x = text(SecretKey::from_seed([persona.seed; 32]).public().as_bytes());
    let kid = kid.map_or_else(|| format!("key-{}", persona.seed), str::to_owned);
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "alg": "EdDSA", "x": x }] })
}

fn with(mut value: Value, more: &[(&'static str, Value)]) -> Value {
    let members = value.as_object_mut().unwrap();
    for (name, value) in more {
        members.insert((*name).to_owned(), value.clone());
    }
    members.retain(|_, value| !value.is_null());
    value
}

fn signed(header: &Value, claims: &Value, seed: u8) -> String {
    let signed =
        format!("{}.{}", text(header.to_string().as_bytes()), text(claims.to_string().as_bytes()));
    let key = SecretKey::from_seed([seed; 32]);
    let signature = match header["alg"].as_str() {
        Some("none") => text(b"none"),
        // The public key as attackers take it for a secret.
        Some("HS256") => {
            let keyed = Hmac::<Sha256>::new_from_slice(key.public().as_bytes()).unwrap();
            text(&keyed.chain_update(&signed).finalize().into_bytes())
        }
        _ => text(key.sign(signed.as_bytes()).as_bytes()),
    };
    format!("{signed}.{signature}")
}

fn json_answer(status: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

async fn served(
    mut stream: TcpStream,
    all: &'static [Persona],
    state: Arc<Mutex<State>>,
    port: u16,
) {
    let (head, body) = read(&mut stream).await;
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let persona = of(all, &path);
    let place = format!("http://127.0.0.1:{port}/{}", path.split('/').nth(1).unwrap());
    let kid = state.lock().unwrap().kid;
    let answer = if path.ends_with("/token") {
        assert!(head.starts_with("POST "), "{head}");
        exchange(persona, &head, &body, &mut state.lock().unwrap())
    } else if path.ends_with("/keys") {
        json_answer("200 OK", &key_set(persona, kid))
    } else {
        json_answer(
            "200 OK",
            &json!({ "issuer": persona.issuer, "jwks_uri": format!("{place}/keys"),
            "authorization_endpoint": format!("{place}/authorize"), "token_endpoint": format!("{place}/token"),
            "end_session_endpoint": format!("{place}/out"),
            "authorization_response_iss_parameter_supported": true }),
        )
    };
    if answer.is_empty() {
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    drop(stream.write_all(answer.as_bytes()).await);
    drop(stream.shutdown().await);
}

async fn read(stream: &mut TcpStream) -> (String, String) {
    let (mut all, mut piece) = (Vec::new(), [0; 4_096]);
    loop {
        let read = stream.read(&mut piece).await.unwrap_or_default();
        all.extend_from_slice(&piece[..read]);
        let asked = String::from_utf8_lossy(&all).into_owned();
        if let Some((head, body)) = asked.split_once("\r\n\r\n") {
            let mut lengths = head.lines().filter_map(|line| {
                line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()
            });
            if body.len() >= lengths.next_back().unwrap_or(0) {
                return (head.to_owned(), body.to_owned());
            }
        }
        if read == 0 {
            return (asked, String::new());
        }
    }
}

fn exchange(persona: &Persona, head: &str, body: &str, state: &mut State) -> String {
    state.exchanged += 1;
    let lie = state.lie.clone();
    if let Some(whole) = &lie.whole {
        return whole.clone();
    }
    let fields: Fields = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let basic = head.lines().find_map(|line| line.strip_prefix("authorization: Basic "));
    let known = match persona.secret {
        Some(secret) => {
            basic == Some(&STANDARD.encode(format!("{}:{secret}", persona.client)))
                && !fields.contains_key("client_id")
        }
        None => {
            basic.is_none() && fields.get("client_id").map(String::as_str) == Some(persona.client)
        }
    };
    if !known {
        return json_answer(
            "401 Unauthorized",
            &json!({ "error": "invalid_client", "error_description": "<b>zqtext</b>" }),
        );
    }
    let code = fields.get("code").cloned().unwrap_or_default();
    let asked = state.asked.get(&code).cloned();
    let is_its = asked.as_ref().is_some_and(|asked| {
        let challenge = text(&Sha256::digest(fields["code_verifier"].as_bytes()));
        fields["grant_type"] == "authorization_code"
            && asked["code_challenge"] == challenge
            && asked["redirect_uri"] == fields["redirect_uri"]
            && asked["client_id"] == persona.client
            && !state.spent.contains(&code)
    });
    let Some(asked) = asked.filter(|_| is_its || lie.takes_all) else {
        return json_answer(
            "400 Bad Request",
            &json!({ "error": "invalid_grant", "error_description": "<b>zqtext</b>" }),
        );
    };
    state.spent.push(code);
    let answer = tokens(persona, &asked, &lie, state.kid);
    let given = ["access_token", "id_token", "refresh_token"]
        .map(|name| answer[name].as_str().map(str::to_owned));
    state.given.extend(given.into_iter().flatten().filter(|text| text.len() > 8));
    json_answer("200 OK", &answer)
}

fn tokens(persona: &Persona, asked: &Fields, lie: &Lie, kid: Option<&str>) -> Value {
    let kid = kid.map_or_else(|| format!("key-{}", persona.seed), str::to_owned);
    let access = json!({ "iss": persona.issuer, "aud": "airlock", "sub": "zqalice", "jti": "one", "iat": NOW_S - 5, "exp": NOW_S + 295,
        "org": persona.organisation, "roles": ["analyst", "auditor"], "client_id": persona.client });
    let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid });
    let seed = lie.access_key.unwrap_or(persona.seed);
    let access = signed(&with(header, &lie.access_header), &with(access, &lie.access_claims), seed);
    let id = json!({ "iss": persona.issuer, "aud": persona.client, "sub": "zqalice", "nonce": asked["nonce"], "iat": NOW_S - 5, "exp": NOW_S + 3_595 });
    let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": kid });
    let seed = lie.id_key.unwrap_or(persona.seed);
    let id = signed(&with(header, &lie.id_header), &with(id, &lie.id_claims), seed);
    let access = if lie.one_token { id.clone() } else { access };
    let answer = json!({ "access_token": access, "id_token": id, "token_type": "Bearer", "expires_in": 300, "refresh_token": "zqrefresh-zqrefresh" });
    with(answer, &lie.answer)
}
