//! Keys at a URL, asked for in the background and remembered: nobody who shows a token waits for the network, unless for a key that was never seen, and
//! then few do and not for long. While a URL gives no answer its last good keys stay for as long as is set, and no longer. What an issuer's document
//! says beside its keys is remembered for as long as these. Must not know what is signed.

use super::json::{self, Json, Object};
use super::keys::{KeySet, KeySource};
use crate::clock::Clock;
use crate::egress::{Answer, Egress, Target};
use crate::metrics::{Event, Metrics};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// What keys and the documents that name them are served as.
const ACCEPT: &str = "application/jwk-set+json, application/json";
const DOCUMENT_DEPTH_MAX: usize = 8;
/// An answer holds for so long when it says nothing of it, and for no less and no more whatever it says.
const GOOD_FOR: Duration = Duration::from_mins(10);
const GOOD_FOR_MIN: Duration = Duration::from_mins(1);
const GOOD_FOR_MAX: Duration = Duration::from_hours(1);
/// A key that is not there is asked for again after so long, whoever names it how often.
const AGAIN_MS: u64 = 60 * 1_000;
/// The first time that it is asked again after a failure; each further one after twice as long, up to a minute.
const RETRY: Duration = Duration::from_secs(5);

/// Where they are.
#[derive(Debug)]
pub(super) enum Source {
    /// At this URL.
    Url(Target),
    /// Where the document there says, if it is this issuer's.
    Discovery(Target, String),
}

/// Where an issuer's document says that people sign in (`OpenID` Connect Discovery 1.0, section 3), as far as it may be asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Endpoints {
    /// Where a browser is sent.
    pub(super) authorization: Option<Target>,
    /// Where a code is exchanged.
    pub(super) token: Option<Target>,
    /// Where a browser is sent that signs out there (`OpenID` Connect RP-Initiated Logout, section 2.1).
    pub(super) end_session: Option<Target>,
    /// Whether every answer to a browser names the issuer (RFC 9207, section 3).
    pub(super) names_issuer: bool,
}

impl Endpoints {
    fn of(document: &Object, egress: &Egress) -> Self {
        let target = |name: &str| {
            let text = document.get(name).and_then(Json::text)?;
            egress.policy().target(text).ok()
        };
        let said = document.get("authorization_response_iss_parameter_supported");
        Self {
            authorization: target("authorization_endpoint"),
            token: target("token_endpoint"),
            end_session: target("end_session_endpoint"),
            names_issuer: said == Some(&Json::Flag(true)),
        }
    }
}

/// What was read at once.
struct Read {
    keys: KeySet,
    digest: [u8; 32],
    endpoints: Arc<Endpoints>,
    good_for: Duration,
}

/// Keys at a URL.
pub(super) struct RemoteKeys {
    /// What metrics and the log call it.
    name: String,
    source: Source,
    kept_ms: u64,
    egress: Arc<Egress>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    wanted: Notify,
    /// How often it was asked.
    asked: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Known {
    keys: Arc<KeySet>,
    digest: Option<[u8; 32]>,
    endpoints: Arc<Endpoints>,
    /// When they were read, by the steady clock and by the other.
    read: Option<(i64, i64)>,
    asked_ms: Option<i64>,
    is_asking: bool,
    /// What is wrong is said once.
    is_told: bool,
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeys").field("name", &self.name).finish_non_exhaustive()
    }
}

impl RemoteKeys {
    pub(super) fn new(
        name: String,
        source: Source,
        kept_ms: i64,
        (egress, clock): (Arc<Egress>, Arc<dyn Clock>),
    ) -> Self {
        Self {
            name,
            source,
            kept_ms: kept_ms.unsigned_abs(),
            egress,
            clock,
            known: Mutex::default(),
            wanted: Notify::new(),
            asked: watch::Sender::new(0),
        }
    }

    fn known<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        act(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A key is named that is not there. What is asked, or will be at once, is told to whoever waits for it; nothing where it was asked just now.
    pub(super) fn want(&self, steady_ms: i64) -> Option<watch::Receiver<u64>> {
        self.known(|known| {
            let may = is_again(known.asked_ms, steady_ms);
            if may {
                self.wanted.notify_one();
            }
            (may || known.is_asking).then(|| self.asked.subscribe())
        })
    }

    /// Keeps them new, for as long as it is polled.
    pub(super) async fn follow(&self, metrics: &Metrics) {
        metrics.told(Event::Keys { of: &self.name, outcome: "followed" });
        let (mut due, mut failed) = (Instant::now(), 0);
        loop {
            let is_wanted = tokio::select! {
                () = tokio::time::sleep_until(due) => false,
                () = self.wanted.notified() => true,
            };
            let steady_ms = self.clock.steady_ms();
            // It may have been asked since it was wanted.
            let may = self.known(|known| !is_wanted || is_again(known.asked_ms, steady_ms));
            if may {
                due = Instant::now() + self.ask(metrics, steady_ms, &mut failed).await;
            }
        }
    }

    /// Asks once; until when that is enough.
    async fn ask(&self, metrics: &Metrics, steady_ms: i64, failed: &mut u32) -> Duration {
        self.known(|known| (known.asked_ms, known.is_asking) = (Some(steady_ms), true));
        let found = self.read().await;
        let outcome = found.as_ref().map_or_else(|why| *why, |_| "read");
        metrics.told(Event::Keys { of: &self.name, outcome });
        let wait = match found {
            Ok(read) => {
                let now = (self.clock.steady_ms(), self.clock.now_ms());
                let good_for = read.good_for;
                self.known(|known| known.take(read, now));
                *failed = 0;
                good_for
            }
            Err(why) => {
                if !self.known(|known| std::mem::replace(&mut known.is_told, true)) {
                    let keys = &self.name;
                    tracing::warn!(
                        code = "keys-unread",
                        keys,
                        why,
                        "the last good keys stay in use for as long as is set"
                    );
                }
                let wait = RETRY * 2_u32.saturating_pow(*failed);
                *failed = failed.saturating_add(1);
                wait.min(GOOD_FOR_MIN)
            }
        };
        self.known(|known| known.is_asking = false);
        self.asked.send_modify(|times| *times = times.wrapping_add(1));
        wait
    }

    async fn read(&self) -> Result<Read, &'static str> {
        let mut endpoints = Endpoints::default();
        let answer = match &self.source {
            Source::Url(target) => self.got(target).await?,
            Source::Discovery(target, issuer) => {
                let document = self.got(target).await?;
                let document = json::object(&document.body, DOCUMENT_DEPTH_MAX);
                let document = document.map_err(|_| "discovery-unreadable")?;
                let text = |name: &str| document.get(name).and_then(Json::text);
                // Whoever answers for another is not asked where its keys are.
                if text("issuer") != Some(issuer.as_str()) {
                    return Err("discovery-of-other");
                }
                endpoints = Endpoints::of(&document, &self.egress);
                let keys = text("jwks_uri").ok_or("discovery-unreadable")?;
                let keys =
                    self.egress.policy().target(keys).map_err(crate::egress::Refused::code)?;
                self.got(&keys).await?
            }
        };
        let keys = KeySet::read(&answer.body).map_err(|_| "keys-unreadable")?;
        let good_for = good_for(answer.header("cache-control").unwrap_or_default());
        let (digest, endpoints) = (Sha256::digest(&answer.body).into(), Arc::new(endpoints));
        Ok(Read { keys, digest, endpoints, good_for })
    }

    /// What the issuer's document says of signing in, for as long as its keys are good.
    pub(super) fn endpoints(&self, steady_ms: i64) -> Arc<Endpoints> {
        self.current(steady_ms);
        self.known(|known| Arc::clone(&known.endpoints))
    }

    async fn got(&self, target: &Target) -> Result<Answer, &'static str> {
        let answer = self.egress.get(target, ACCEPT).await;
        let answer = answer.map_err(crate::egress::Refused::code)?;
        if answer.status.as_u16() == 200 { Ok(answer) } else { Err("keys-status") }
    }
}

impl Known {
    /// The newest answer: what it does not have is gone.
    fn take(&mut self, read: Read, now: (i64, i64)) {
        if self.digest != Some(read.digest) {
            self.keys = Arc::new(read.keys);
            self.digest = Some(read.digest);
        }
        self.endpoints = read.endpoints;
        self.read = Some(now);
        self.is_told = false;
    }
}

impl KeySource for RemoteKeys {
    fn current(&self, steady_ms: i64) -> Arc<KeySet> {
        let now_ms = self.clock.now_ms();
        let kept_ms = self.kept_ms;
        // A machine that slept has a steady clock that slept as well, so both are asked.
        let is_over = |(steady, now): (i64, i64)| {
            steady_ms.abs_diff(steady) >= kept_ms
                || u64::try_from(now_ms.saturating_sub(now)).is_ok_and(|age| age >= kept_ms)
        };
        self.known(|known| {
            if known.read.is_some_and(is_over) {
                (known.keys, known.digest, known.read) = (Arc::default(), None, None);
                known.endpoints = Arc::default();
                let keys = &self.name;
                tracing::warn!(
                    code = "keys-over",
                    keys,
                    "no keys were read for as long as the last good ones live"
                );
            }
            Arc::clone(&known.keys)
        })
    }

    fn remote(&self) -> Option<&RemoteKeys> {
        Some(self)
    }
}

fn is_again(asked_ms: Option<i64>, steady_ms: i64) -> bool {
    asked_ms.is_none_or(|at| at.abs_diff(steady_ms) >= AGAIN_MS)
}

/// How long an answer holds, by what it says of it (RFC 9111, section 5.2).
fn good_for(said: &str) -> Duration {
    let mut good_for = GOOD_FOR;
    for directive in said.split(',').map(|one| one.trim().to_ascii_lowercase()) {
        if matches!(directive.as_str(), "no-store" | "no-cache") {
            return GOOD_FOR_MIN;
        }
        if let Some(seconds) = directive.strip_prefix("max-age=")
            && let Ok(seconds) = seconds.trim_matches('"').parse::<u64>()
        {
            good_for = Duration::from_secs(seconds);
        }
    }
    good_for.clamp(GOOD_FOR_MIN, GOOD_FOR_MAX)
}

#[cfg(test)]
mod tests;
