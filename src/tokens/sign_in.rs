//! People who sign in at an issuer: an authorization code with PKCE (`OpenID` Connect Core 1.0, section 3.1; RFC 7636; RFC 9207; RFC 9700). Where a
//! browser is sent, and what is made of what it brings back: the code is exchanged, what comes for it is held against what was asked, and the access
//! token says who it is as every other does. No token outlives that, but the ID token of whoever shall be signed out at the issuer (RP-Initiated Logout). Must not know pages, nor what a session is.

mod answers;
mod attempt;
mod client_key;
mod id_token;
use super::jws::Jws;
use super::{Issuer, Refused, Verifier, signed};
use crate::access::Caller;
use crate::egress::{Egress, Limits, Target};
use crate::error::{Error, Result};
use crate::settings::{ClientSecret, Http, SignInSetting};
use answers::{Brought, Given, Said};
use attempt::{Attempt, Secret, Spent};
use id_token::Expected;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

pub(crate) use attempt::LASTS_MS;
use client_key::ClientKey;

/// Codes that are exchanged at a time: whoever signs in is nobody yet, and keeps nobody else from anything.
const AT_ONCE: usize = 16;
/// What exchanging codes may have of the network.
const EXCHANGE: Limits = Limits {
    at_once: AT_ONCE,
    connect: Duration::from_secs(3),
    total: Duration::from_secs(if cfg!(test) { 1 } else { 5 }),
    answer_max: 64 * 1_024,
};

/// Why nobody is signed in. What an issuer said of it is a code of a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotIn {
    /// It is not known yet, or no more, where people sign in there.
    Away,
    /// As many sign in as may at a time.
    Busy,
    /// What the browser brings is no answer of an issuer.
    Unreadable,
    /// It answers nothing that this browser asked lately, or did before.
    State,
    /// It is another issuer's.
    Mixed,
    /// The issuer, or whoever was asked there, said no.
    Denied,
    /// The issuer gave no tokens.
    Issuer(&'static str),
    /// It gave tokens that are not good.
    Tokens(&'static str),
    /// The access token is good, and names no role.
    NoRole,
}

impl NotIn {
    /// For the gateway's own log.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Away => "sign-in-away",
            Self::Busy => "sign-in-busy",
            Self::Unreadable => "sign-in-unreadable",
            Self::State => "sign-in-state",
            Self::Mixed => "sign-in-mixed",
            Self::Denied => "sign-in-denied",
            Self::Issuer(code) | Self::Tokens(code) => code,
            Self::NoRole => "role-missing",
        }
    }

    /// Whether it was this browser's turn, which is over now.
    pub(crate) const fn is_over(self) -> bool {
        !matches!(self, Self::Away | Self::Busy | Self::Unreadable | Self::State)
    }
}

/// An issuer at which people sign in.
#[derive(Debug)]
pub(crate) struct Way {
    /// Its place among the issuers.
    issuer: usize,
    set: SignInSetting,
    secret: Option<ClientSecret>,
    key: Option<ClientKey>,
}

impl Way {
    /// Its name in paths of this gateway.
    pub(crate) fn name(&self) -> &str {
        &self.set.name
    }

    /// As people are told of it.
    pub(crate) fn label(&self) -> &str {
        &self.set.label
    }

    /// Scheme and authority under which people come back.
    pub(crate) fn origin(&self) -> &str {
        &self.set.origin
    }
}

/// Somebody who signed in at an issuer.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) caller: Caller,
    /// What signs it out there again, where that is set.
    pub(crate) leaves: Option<Leaves>,
}

/// What an issuer needs to know whom to sign out. It is not shown by accident.
#[derive(Clone)]
pub(crate) struct Leaves {
    way: String,
    id_token: String,
}

impl fmt::Debug for Leaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leaves")
    }
}

/// A browser that is sent to an issuer.
#[derive(Debug)]
pub(crate) struct Sent {
    /// Where to.
    pub(crate) to: String,
    /// What it keeps until it comes back, and nobody else sees.
    pub(crate) keeps: String,
}

/// All issuers at which people sign in.
#[derive(Debug)]
pub(super) struct SignIns {
    ways: Vec<Way>,
    egress: Option<Egress>,
    secret: Secret,
    spent: Spent,
    places: Semaphore,
    /// What was told of each issuer since somebody signed in there, the newest last: a browser can bring any of it, as often as it likes.
    told: Mutex<Vec<(usize, &'static str)>>,
}

impl Default for SignIns {
    fn default() -> Self {
        Self {
            ways: Vec::new(),
            egress: None,
            secret: Secret::default(),
            spent: Spent::default(),
            places: Semaphore::new(AT_ONCE),
            told: Mutex::default(),
        }
    }
}

impl SignIns {
    /// Those that are set.
    pub(super) fn of(http: &Http) -> Result<Self> {
        let mut ways = Vec::new();
        for (issuer, set) in http.issuers.iter().enumerate() {
            let Some(set) = &set.sign_in else { continue };
            let (secret, key) = (set.secret()?, key_of(set)?);
            ways.push(Way { issuer, secret, key, set: set.clone() });
        }
        if ways.is_empty() {
            return Ok(Self::default());
        }
        let egress = Some(Egress::new(Arc::clone(&http.egress), EXCHANGE)?);
        Ok(Self { ways, egress, secret: Secret::random()?, ..Self::default() })
    }

    /// Tells the operator of what is the issuer's doing, each thing once until somebody signs in there.
    fn tell(&self, way: &Way, code: Option<&'static str>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(code) = code else {
            return told.retain(|(issuer, _)| *issuer != way.issuer);
        };
        let before = told.len();
        told.retain(|one| *one != (way.issuer, code));
        let is_new = told.len() == before;
        told.push((way.issuer, code));
        if is_new {
            let issuer = format!("issuer-{}", way.issuer);
            tracing::warn!(code, issuer, "nobody is signed in by this issuer");
        }
    }
}

/// The client's own key, where it signs.
fn key_of(set: &SignInSetting) -> Result<Option<ClientKey>> {
    let Some(pem) = set.key() else { return Ok(None) };
    let key = ClientKey::of(pem.text(), set.key_id.clone());
    key.map(Some).ok_or_else(|| {
        let message = format!("the key of the client at {} is not set, or none that it signs with", set.label);
        Error::invalid("settings-invalid", message).help(
            "PEM in the variable that client_key_env names: PKCS#8 without a passphrase, RSA of 2048 bits or more, P-256 or Ed25519",
        )
    })
}

/// Both endpoints of a way.
struct Ends {
    authorization: Target,
    token: Target,
    names_issuer: bool,
}

impl Verifier {
    /// Issuers at which people sign in.
    pub(crate) fn ways(&self) -> &[Way] {
        &self.sign_ins.ways
    }

    /// What the operator was told last of issuers, until somebody signed in.
    #[cfg(test)]
    pub(crate) fn told_last(&self) -> Option<&'static str> {
        let told = self.sign_ins.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.last().map(|(_, code)| *code)
    }

    /// Sends a browser to an issuer.
    pub(crate) fn send(&self, way: &Way) -> Result<Sent, NotIn> {
        let Ends { authorization, .. } = self.ends(way)?;
        let keeps = attempt::kept(self.clock.steady_ms()).ok_or(NotIn::Away)?;
        let attempt = Attempt::of(&self.sign_ins.secret, way.name(), &keeps);
        let (state, nonce) = (attempt.state(), attempt.nonce());
        let challenge = attempt::challenge(&attempt.verifier());
        let to = authorization.with(&[
            ("response_type", "code"),
            ("client_id", &way.set.client_id),
            ("redirect_uri", &way.set.redirect_uri),
            ("scope", &way.set.scopes),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        Ok(Sent { to, keeps })
    }

    /// Who comes back with this query, from a browser that kept this.
    pub(crate) async fn came_back(
        &self,
        way: &Way,
        kept: Option<&str>,
        query: &str,
    ) -> Result<SignedIn, NotIn> {
        let brought = answers::brought(query).ok_or(NotIn::Unreadable)?;
        let kept = kept.ok_or(NotIn::State)?;
        let attempt = Attempt::of(&self.sign_ins.secret, way.name(), kept);
        let steady_ms = self.clock.steady_ms();
        let ends_ms = attempt.asked(&brought.state, steady_ms).ok_or(NotIn::State)?;
        let ends = self.ends(way)?;
        let _place = self.sign_ins.places.try_acquire().map_err(|_| NotIn::Busy)?;
        self.sign_ins.spent.spend(kept, ends_ms, steady_ms)?;
        let code = self.code((way, &ends), brought)?;
        let signed_in = self.exchanged((way, &ends), &attempt, &code).await;
        match &signed_in {
            Ok(_) => self.sign_ins.tell(way, None),
            Err(NotIn::Issuer(code) | NotIn::Tokens(code)) => {
                self.sign_ins.tell(way, Some(code));
            }
            Err(_) => {}
        }
        signed_in
    }

    /// The code that a browser brings, if it is this issuer's.
    fn code(&self, (way, ends): (&Way, &Ends), brought: Brought) -> Result<String, NotIn> {
        let name = self.issuers.get(way.issuer).map(Issuer::name);
        let is_its = match &brought.issuer {
            Some(issuer) => Some(issuer.as_str()) == name,
            None => !ends.names_issuer,
        };
        if !is_its {
            return Err(NotIn::Mixed);
        }
        match brought.said {
            Said::Code(code) => Ok(code),
            Said::Denied => Err(NotIn::Denied),
            Said::Failed(code) => {
                self.sign_ins.tell(way, Some(code));
                Err(NotIn::Issuer(code))
            }
        }
    }

    /// Who the issuer says it is, for a code.
    async fn exchanged(
        &self,
        (way, ends): (&Way, &Ends),
        attempt: &Attempt<'_>,
        code: &str,
    ) -> Result<SignedIn, NotIn> {
        let egress = self.sign_ins.egress.as_ref().ok_or(NotIn::Away)?;
        let (set, verifier) = (&way.set, attempt.verifier());
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", set.redirect_uri.as_str()),
            ("code_verifier", &verifier),
        ];
        let client = way.secret.as_ref().map(|secret| (set.client_id.as_str(), secret.text()));
        if client.is_none() {
            fields.push(("client_id", &set.client_id));
        }
        let assertion = match &way.key {
            None => None,
            Some(key) => {
                let made = key.assertion(&set.client_id, ends.token.whole(), self.clock.now_ms());
                Some(made.ok_or(NotIn::Away)?)
            }
        };
        if let Some(assertion) = &assertion {
            fields.push(("client_assertion_type", client_key::KIND));
            fields.push(("client_assertion", assertion));
        }
        let answer = egress.form(&ends.token, &fields, client).await;
        let answer = answer.map_err(|refused| NotIn::Issuer(refused.code()))?;
        let given = answers::given(answer.status.as_u16(), &answer.body).map_err(NotIn::Issuer)?;
        self.matches(way, attempt, &given).await.map_err(NotIn::Tokens)?;
        let caller = self.verify_soon(&given.access_token).await.map_err(|refused| {
            if refused == Refused::NoRole { NotIn::NoRole } else { NotIn::Tokens(refused.code()) }
        })?;
        let issuer = self.issuers.get(way.issuer).map(Issuer::name);
        if Some(caller.who().issuer()) != issuer {
            return Err(NotIn::Tokens("access-token-of-other-issuer"));
        }
        let way = Some(way.name().to_owned()).filter(|_| way.set.sign_out);
        let leaves = way.map(|way| Leaves { way, id_token: given.id_token });
        Ok(SignedIn { caller, leaves })
    }

    /// Where a browser is sent to sign out at the issuer as well; nothing where nobody says where that is.
    pub(crate) fn sign_out(&self, leaves: &Leaves) -> Option<String> {
        let way = self.ways().iter().find(|way| way.name() == leaves.way)?;
        let set = &way.set;
        let said = || {
            let remote = self.issuers.get(way.issuer)?.keys().remote()?;
            remote.endpoints(self.clock.steady_ms()).end_session.clone()
        };
        let place = set.end_session.clone().or_else(said);
        let place =
            place.filter(|place| !place.names(&["id_token_hint", "post_logout_redirect_uri"]));
        if place.is_none() {
            self.sign_ins.tell(way, Some("end-session-missing"));
        }
        Some(place?.with(&[
            ("id_token_hint", &leaves.id_token),
            ("client_id", &set.client_id),
            ("post_logout_redirect_uri", &set.signed_out_uri()),
        ]))
    }

    /// Whether an ID token is this issuer's word on this attempt.
    async fn matches(
        &self,
        way: &Way,
        attempt: &Attempt<'_>,
        given: &Given,
    ) -> Result<(), &'static str> {
        let issuer = self.issuers.get(way.issuer).ok_or("iss-unknown")?;
        let jws = Jws::read(&given.id_token).map_err(Refused::code)?;
        let (number, _) = self.issuer(&jws).map_err(Refused::code)?;
        if number != way.issuer {
            return Err("id-token-of-other-issuer");
        }
        // An access token is no ID token, whoever made it.
        if !matches!(jws.typ.as_deref(), None | Some("JWT")) {
            return Err(Refused::Type.code());
        }
        let mut found = signed(&jws, issuer, self.clock.steady_ms()).map(drop);
        if found == Err(Refused::Key) {
            self.wait(Some(issuer.keys())).await;
            found = signed(&jws, issuer, self.clock.steady_ms()).map(drop);
        }
        found.map_err(Refused::code)?;
        let expected = Expected {
            client_id: &way.set.client_id,
            nonce: &attempt.nonce(),
            access_token: &given.access_token,
            algorithm: jws.algorithm,
            now_ms: self.clock.now_ms(),
        };
        id_token::matches(&jws.claims, &expected)
    }

    fn ends(&self, way: &Way) -> Result<Ends, NotIn> {
        let remote = self.issuers.get(way.issuer).and_then(|issuer| issuer.keys().remote());
        let said = remote.map(|remote| remote.endpoints(self.clock.steady_ms()));
        let said = said.as_ref();
        let authorization = way.set.authorization.clone();
        let authorization = authorization.or_else(|| said?.authorization.clone());
        let token = way.set.token.clone().or_else(|| said?.token.clone());
        let names_issuer = said.is_some_and(|said| said.names_issuer);
        let (authorization, token) = authorization.zip(token).ok_or(NotIn::Away)?;
        Ok(Ends { authorization, token, names_issuer })
    }
}

/// SHA-256, as codes are challenged by (RFC 7636, section 4.2).
fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
