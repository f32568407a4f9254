//! Who calls, from a token: its form (`jws`, `json`), its issuer (`issuer`) and that one's keys (`keys`), what it says (`claims`), and why it
//! is not taken (`refused`). `dev` makes tokens, for trying things out on one machine. Nothing of a token is believed before its signature,
//! and time is asked of the injected clock alone. Must not know HTTP, nor what a caller may do.

mod claims;
mod dev;
mod issuer;
mod json;
mod jws;
mod keys;
mod memory;
mod refused;
#[cfg(test)]
mod tests;

pub use dev::{DevIssuer, Minted};
pub use issuer::Issuer;
pub use refused::Refused;

use crate::access::Caller;
use crate::clock::Clock;
use crate::error::Result;
use crate::home::Home;
use crate::settings::Http;
use jws::{Jws, TOKEN_MAX};
use memory::{Memory, Remembered};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Says who calls.
#[derive(Debug)]
pub struct Verifier {
    issuers: Vec<Issuer>,
    clock: Arc<dyn Clock>,
    memory: Memory,
}

impl Verifier {
    /// Takes tokens of these issuers, of which no two have one name. Their keys are looked at now: what is wrong with them is said at the start.
    #[must_use]
    pub fn new(issuers: Vec<Issuer>, clock: Arc<dyn Clock>) -> Self {
        for issuer in &issuers {
            issuer.keys().current(clock.steady_ms());
        }
        Self { issuers, clock, memory: Memory::default() }
    }

    /// The clock by which tokens are judged.
    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Who has this token, now.
    pub fn verify(&self, token: &str) -> Result<Caller, Refused> {
        if token.len() > TOKEN_MAX {
            return Err(Refused::TooLong);
        }
        let (now_ms, steady_ms) = (self.clock.now_ms(), self.clock.steady_ms());
        let digest = Sha256::digest(token).into();
        if let Some(known) = self.memory.get(&digest) {
            let keys = self.issuers.get(known.issuer).map(|it| it.keys().current(steady_ms));
            if keys.is_some_and(|keys| Arc::ptr_eq(&keys, &known.keys)) && known.good.is_at(now_ms)
            {
                return Ok(known.good.caller);
            }
            self.memory.forget(&digest);
        }
        let token = self.verified(&Jws::read(token)?, now_ms, steady_ms)?;
        let caller = token.good.caller.clone();
        self.memory.keep(digest, token, now_ms);
        Ok(caller)
    }

    fn verified(&self, jws: &Jws<'_>, now_ms: i64, steady_ms: i64) -> Result<Remembered, Refused> {
        let name = jws.claims.get("iss").and_then(json::Json::text).ok_or(Refused::Issuer)?;
        let mut issuers = self.issuers.iter().enumerate();
        let found = issuers.find(|(_, issuer)| issuer.name() == name);
        let (number, issuer) = found.ok_or(Refused::Issuer)?;
        if !issuer.writes(&jws.typ) {
            return Err(Refused::Type);
        }
        let keys = issuer.keys().current(steady_ms);
        let key = keys.get(&jws.kid).ok_or(Refused::Key)?;
        if key.algorithm() != jws.algorithm {
            return Err(Refused::KeyAlgorithm);
        }
        if !key.verifies(jws.signed.as_bytes(), &jws.signature) {
            return Err(Refused::Signature);
        }
        let good = claims::good(&jws.claims, issuer, now_ms)?;
        Ok(Remembered { good, issuer: number, keys })
    }
}

/// The verifier of what is set. Where nobody is set, nobody gets in, and that is said.
pub(crate) fn verifier(http: &Http, home: &Home, clock: Arc<dyn Clock>) -> Result<Verifier> {
    let of_file = |issuer| Issuer::of_file(issuer, &http.audience);
    let mut issuers: Vec<Issuer> = http.issuers.iter().cloned().map(of_file).collect();
    if http.development_issuer {
        issuers.push(DevIssuer::of(http, home)?.issuer());
    }
    if issuers.is_empty() {
        tracing::warn!(
            code = "issuers-none",
            "no issuer is set, so nobody gets in; [[http.issuers]] or development_issuer = true would let somebody in"
        );
    }
    Ok(Verifier::new(issuers, clock))
}
