//! Who calls, from a token: its form (`jws`, `json`), its issuer (`issuer`) and that one's keys (`keys`), what it says (`claims`), and why it
//! is not taken (`refused`). Keys at a URL are kept new in the background (`remote`). `dev` makes tokens, for trying things out on one machine, and
//! `clients` for programs that prove who they are; `sign_in` has people sign in at an issuer. Nothing of a token is believed before its signature,
//! and time is asked of the injected clock alone. Must not know HTTP, nor what a caller may do.

mod claims;
mod clients;
mod dev;
mod issuer;
mod json;
mod jws;
mod keys;
mod memory;
mod mint;
mod refused;
mod remote;
mod sign_in;
#[cfg(test)]
mod tests;

pub(crate) use clients::TOKEN_PATH;
pub use clients::{Clients, Proven};
pub use dev::DevIssuer;
pub use issuer::Issuer;
pub use mint::Minted;
pub use refused::Refused;
pub(crate) use sign_in::{LASTS_MS as SIGN_IN_LASTS_MS, Leaves, NotIn, SignedIn, Way};

use crate::access::Caller;
use crate::clock::Clock;
use crate::egress::{Egress, Limits};
use crate::error::Result;
use crate::home::Home;
use crate::metrics::Metrics;
use crate::settings::{Http, IssuerSetting, KeysAt};
use jws::{Jws, TOKEN_MAX};
use keys::{KeySet, KeySource};
use memory::{Memory, Remembered};
use sha2::{Digest as _, Sha256};
use sign_in::SignIns;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Requests that wait at a time for a key that was never seen, and how long each does. Anybody can make up a key's name.
const WAITING_MAX: usize = 16;
const WAITS: Duration = Duration::from_secs(3);
/// What asking for keys may have of the network.
const KEYS: Limits = Limits {
    at_once: 16,
    connect: Duration::from_secs(3),
    total: Duration::from_secs(5),
    answer_max: 64 * 1_024,
};

/// Says who calls.
#[derive(Debug)]
pub struct Verifier {
    issuers: Vec<Issuer>,
    clock: Arc<dyn Clock>,
    memory: Memory,
    clients: Clients,
    sign_ins: SignIns,
    waiting: Semaphore,
}

impl Verifier {
    /// Takes tokens of these issuers, of which no two have one name. Their keys are looked at now: what is wrong with them is said at the start.
    #[must_use]
    pub fn new(issuers: Vec<Issuer>, clock: Arc<dyn Clock>) -> Self {
        for issuer in &issuers {
            issuer.keys().current(clock.steady_ms());
        }
        let (memory, clients) = (Memory::default(), Clients::default());
        let (sign_ins, waiting) = (SignIns::default(), Semaphore::new(WAITING_MAX));
        Self { issuers, clock, memory, clients, sign_ins, waiting }
    }

    /// The same, with programs that get tokens of this gateway.
    fn with_clients(mut self, clients: Clients) -> Self {
        self.issuers.extend(clients.issuer());
        self.clients = clients;
        self
    }

    /// The same, with issuers at which people sign in.
    fn with_sign_ins(self, sign_ins: SignIns) -> Self {
        Self { sign_ins, ..self }
    }

    /// Programs that get tokens of this gateway.
    #[must_use]
    pub fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Keeps keys new that are asked for over the network, for as long as it is polled.
    pub(crate) async fn follow(&self, metrics: &Metrics) {
        let issuers = self.issuers.iter().map(Issuer::keys);
        let all = issuers.chain(self.clients.sources()).filter_map(KeySource::remote);
        futures::future::join_all(all.map(|keys| keys.follow(metrics))).await;
        // Nothing to keep is kept for ever.
        std::future::pending::<()>().await;
    }

    /// Who has this token. Where its key was never seen, it is waited for as long as it may be asked for.
    pub async fn verify_soon(&self, token: &str) -> Result<Caller, Refused> {
        match self.verify(token) {
            Err(Refused::Key) => {
                let issuer = Jws::read(token).ok().and_then(|jws| self.issuer(&jws).ok());
                self.wait(issuer.map(|(_, issuer)| issuer.keys())).await;
                self.verify(token)
            }
            other => other,
        }
    }

    /// Which client signed this, in the same way.
    pub async fn proven_soon(&self, assertion: &str) -> Result<Proven<'_>, Refused> {
        let now = || (self.clock.now_ms(), self.clock.steady_ms());
        match self.clients.proven(assertion, now()) {
            Err(Refused::Key) => {
                self.wait(self.clients.source_of(assertion)).await;
                self.clients.proven(assertion, now())
            }
            other => other,
        }
    }

    async fn wait(&self, keys: Option<&dyn KeySource>) {
        let remote = keys.and_then(KeySource::remote);
        let Ok(_place) = self.waiting.try_acquire() else { return };
        if let Some(mut asked) = remote.and_then(|it| it.want(self.clock.steady_ms())) {
            // Whether it was asked is seen by whoever looks again.
            let _ = tokio::time::timeout(WAITS, asked.changed()).await;
        }
    }

    fn issuer(&self, jws: &Jws<'_>) -> Result<(usize, &Issuer), Refused> {
        let name = jws.claims.get("iss").and_then(json::Json::text).ok_or(Refused::Issuer)?;
        let mut issuers = self.issuers.iter().enumerate();
        issuers.find(|(_, issuer)| issuer.name() == name).ok_or(Refused::Issuer)
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
        let (number, issuer) = self.issuer(jws)?;
        if !jws.typ.as_deref().is_some_and(|typ| issuer.writes(typ)) {
            return Err(Refused::Type);
        }
        let keys = signed(jws, issuer, steady_ms)?;
        let good = claims::good(&jws.claims, issuer, now_ms)?;
        Ok(Remembered { good, issuer: number, keys })
    }
}

/// The keys of an issuer, if one of them made this signature.
fn signed(jws: &Jws<'_>, issuer: &Issuer, steady_ms: i64) -> Result<Arc<KeySet>, Refused> {
    let keys = issuer.keys().current(steady_ms);
    let key = keys.get(&jws.kid).ok_or(Refused::Key)?;
    if key.algorithm() != jws.algorithm {
        return Err(Refused::KeyAlgorithm);
    }
    if !key.verifies(jws.signed.as_bytes(), &jws.signature) {
        return Err(Refused::Signature);
    }
    Ok(keys)
}

/// The verifier of what is set. Where nobody is set, nobody gets in, and that is said.
pub(crate) fn verifier(http: &Http, home: &Home, clock: Arc<dyn Clock>) -> Result<Verifier> {
    let is_remote = |at: &KeysAt| !matches!(at, KeysAt::File(_));
    let mut all =
        http.issuers.iter().map(|it| &it.keys).chain(http.clients.iter().map(|it| &it.keys));
    let egress = all.any(|keys| is_remote(&keys.at));
    let egress = egress.then(|| Egress::new(Arc::clone(&http.egress), KEYS)).transpose()?;
    let egress = egress.map(Arc::new);
    let issuer = |(at, set): (usize, &IssuerSetting)| {
        let named = (&set.keys, set.issuer.as_str());
        let keys = keys::source(format!("issuer-{at}"), named, egress.as_ref(), &clock);
        Issuer::of(set.clone(), keys, &http.audience)
    };
    let mut issuers: Vec<Issuer> = http.issuers.iter().enumerate().map(issuer).collect();
    let clients = Clients::of(http, home, egress.as_ref(), &clock)?;
    let sign_ins = SignIns::of(http)?;
    if http.development_issuer {
        issuers.push(DevIssuer::of(http, home)?.issuer());
    }
    if issuers.is_empty() && http.clients.is_empty() {
        tracing::warn!(
            code = "issuers-none",
            "no issuer is set, so nobody gets in; [[http.issuers]] or development_issuer = true would let somebody in"
        );
    }
    Ok(Verifier::new(issuers, clock).with_clients(clients).with_sign_ins(sign_ins))
}
