//! Programs that prove who they are by a signature of their own (RFC 7523) and get a token of this gateway for it (RFC 6749, section 4.4): what they
//! sign, what is looked at of it, and the token. What was shown once is spent by whoever calls. Must not know HTTP, nor what a caller may do.

use super::claims::{LEEWAY_S, seconds};
use super::issuer::Issuer;
use super::json::{Json, Object};
use super::jws::{Jws, plain_text};
use super::keys::{KeySource, source};
use super::mint::{For, LIFE_S, Mint, Minted};
use super::refused::Refused;
use crate::access::Role;
use crate::clock::Clock;
use crate::egress::Egress;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::settings::{ClientSetting, Http, OWN_ISSUER};
use mappings::model::MemberId;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The longest that what a client signs is good for.
const LIFE_MAX_S: i64 = 5 * 60;
/// Tokens of one client: one a second, and so many at once after a pause.
const EVERY_MS: i64 = 1_000;
const BURST: i64 = 30;
/// Where tokens are asked for.
pub(crate) const TOKEN_PATH: &str = "/v1/token";

/// A program that is known.
#[derive(Debug)]
struct Client {
    name: String,
    member: MemberId,
    roles: BTreeSet<Role>,
    keys: Box<dyn KeySource>,
    /// When the next of its tokens would be due, by the steady clock.
    due_ms: Mutex<i64>,
}

/// All that are known, and the issuer of their tokens.
#[derive(Debug, Default)]
pub struct Clients {
    known: Vec<Client>,
    mint: Option<Mint>,
    /// Names under which the gateway is reached.
    hosts: BTreeSet<String>,
}

/// A program that proved who it is, and the digest that is spent for it.
#[derive(Debug)]
pub struct Proven<'c> {
    client: &'c Client,
    /// Of the client and of the name of what it signed: two that are equal are one.
    pub scope: [u8; 32],
}

impl Clients {
    /// Those that are set, and the key under which their tokens are made.
    pub(super) fn of(
        http: &Http,
        home: &Home,
        egress: Option<&Arc<Egress>>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self> {
        if http.clients.is_empty() {
            return Ok(Self::default());
        }
        let client = |(at, set): (usize, &ClientSetting)| Client {
            name: set.client.clone(),
            member: set.member.clone(),
            roles: set.roles.clone(),
            keys: source(format!("client-{at}"), (&set.keys, set.client.as_str()), egress, clock),
            due_ms: Mutex::new(i64::MIN),
        };
        let mint = Mint::of(OWN_ISSUER, &home.issuer_key(), &http.audience)?;
        let known = http.clients.iter().enumerate().map(client).collect();
        Ok(Self { known, mint: Some(mint), hosts: http.hosts.clone() })
    }

    /// The issuer of their tokens, whose tokens are taken like everybody's.
    pub(super) fn issuer(&self) -> Option<Issuer> {
        let mint = self.mint.as_ref()?;
        let members = self.known.iter().map(|client| client.member.clone());
        let names = (mint.name(), mint.kid());
        Some(Issuer::of_key(names, mint.public(), mint.audience(), LIFE_S, members).of_members())
    }

    /// The public key under which tokens are made, as others read it.
    #[must_use]
    pub fn key_set(&self) -> Value {
        json!({ "keys": self.mint.iter().map(Mint::jwk).collect::<Vec<_>>() })
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &dyn KeySource> {
        self.known.iter().map(|client| client.keys.as_ref())
    }

    /// The keys of whoever an assertion says it is from.
    pub(super) fn source_of(&self, assertion: &str) -> Option<&dyn KeySource> {
        let jws = Jws::read(assertion).ok()?;
        Some(self.client(&jws.claims)?.keys.as_ref())
    }

    fn client(&self, claims: &Object) -> Option<&Client> {
        let name = claims.get("iss").and_then(Json::text)?;
        self.known.iter().find(|client| client.name == name)
    }

    /// Who signed this, if it is for this gateway and for now. Whether it was shown before is for the caller to find out.
    pub(super) fn proven(
        &self,
        assertion: &str,
        (now_ms, steady_ms): (i64, i64),
    ) -> Result<Proven<'_>, Refused> {
        let jws = Jws::read(assertion)?;
        // An access token is no assertion, whoever made it.
        if !matches!(jws.typ.as_deref(), None | Some("JWT" | "client-authentication+jwt")) {
            return Err(Refused::Type);
        }
        let client = self.client(&jws.claims).ok_or(Refused::Issuer)?;
        let keys = client.keys.current(steady_ms);
        let key = keys.get(&jws.kid).ok_or(Refused::Key)?;
        if key.algorithm() != jws.algorithm {
            return Err(Refused::KeyAlgorithm);
        }
        if !key.verifies(jws.signed.as_bytes(), &jws.signature) {
            return Err(Refused::Signature);
        }
        if jws.claims.get("sub").and_then(Json::text) != Some(&client.name) {
            return Err(Refused::Subject);
        }
        if !jws.claims.get("aud").is_some_and(|aud| self.is_audience(aud)) {
            return Err(Refused::Audience);
        }
        timely(&jws.claims, now_ms)?;
        let named = jws.claims.get("jti").and_then(plain_text).ok_or(Refused::TokenId)?;
        Ok(Proven { client, scope: scope(&client.name, named) })
    }

    /// One audience, which is this gateway: what is for several could be shown here by any of them.
    fn is_audience(&self, aud: &Json) -> bool {
        let one = if let Json::List(all) = aud {
            all.first().filter(|_| all.len() == 1).and_then(Json::text)
        } else {
            aud.text()
        };
        let Some((one, mint)) = one.zip(self.mint.as_ref()) else { return false };
        one == mint.name() || one == mint.audience() || self.is_endpoint(one)
    }

    /// Whether this is where tokens are asked for, by one of the gateway's names.
    fn is_endpoint(&self, text: &str) -> bool {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let Some(place) = rest.and_then(|rest| rest.strip_suffix(TOKEN_PATH)) else {
            return false;
        };
        let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        let host = match place.rsplit_once(':') {
            Some((host, port)) if is_port(port) => host,
            Some(_) | None => place,
        };
        self.hosts.contains(&host.to_ascii_lowercase())
    }

    /// A token for whoever proved who it is: of its roles, or of fewer where it asks for fewer.
    pub fn mint(&self, proven: &Proven<'_>, roles: &BTreeSet<Role>, now_ms: i64) -> Result<Minted> {
        let off = || Error::refused("issuer-off", "this gateway makes no tokens for clients");
        let mint = self.mint.as_ref().ok_or_else(off)?;
        let client = proven.client;
        let subject = format!("client:{}", client.name);
        let whom = For {
            subject: &subject,
            member: Some(&client.member),
            person: None,
            client: Some(&client.name),
        };
        mint.mint(whom, roles, now_ms)
    }
}

impl Proven<'_> {
    /// As it calls itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.client.name
    }

    /// As what it may call.
    #[must_use]
    pub fn roles(&self) -> &BTreeSet<Role> {
        &self.client.roles
    }

    /// A turn of its own; none while it asks faster than it may.
    #[must_use]
    pub fn turn(&self, steady_ms: i64) -> bool {
        let mut due_ms = self.client.due_ms.lock().unwrap_or_else(PoisonError::into_inner);
        let next = steady_ms.max(*due_ms).saturating_add(EVERY_MS);
        let may = next <= steady_ms.saturating_add(BURST * EVERY_MS);
        if may {
            *due_ms = next;
        }
        may
    }
}

/// Whether an assertion is for now, and not for long.
fn timely(claims: &Object, now_ms: i64) -> Result<(), Refused> {
    let at_s = now_ms.div_euclid(1_000);
    let expires = seconds(claims.get("exp"), Refused::Expiry)?;
    if at_s >= expires + LEEWAY_S {
        return Err(Refused::Expired);
    }
    let issued = claims.get("iat").map(|iat| seconds(Some(iat), Refused::Issued)).transpose()?;
    let is_short = issued.is_none_or(|issued| (1..=LIFE_MAX_S).contains(&(expires - issued)));
    if !is_short || expires - at_s > LIFE_MAX_S + LEEWAY_S {
        return Err(Refused::Life);
    }
    if issued.is_some_and(|issued| at_s < issued - LEEWAY_S) {
        return Err(Refused::IssuedLater);
    }
    let begins = claims.get("nbf").map(|nbf| seconds(Some(nbf), Refused::NotBefore)).transpose()?;
    if begins.is_some_and(|begins| at_s < begins - LEEWAY_S) {
        return Err(Refused::NotYet);
    }
    Ok(())
}

fn scope(client: &str, named: &str) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"airlock/assertion/v1");
    // The length keeps `a` + `bc` apart from `ab` + `c`.
    hash.update(u64::try_from(client.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(client);
    hash.update(named);
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
