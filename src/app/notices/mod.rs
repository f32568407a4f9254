//! Tenants are told what became of their runs, schedules and withdrawals, each by itself: leaf by leaf, in order, until its receiver has taken what
//! was said or a day has passed. How far each was told is on disk, and needs no queue: the log has what is to be said. A receiver that is away
//! holds up its own notices and nothing else. Must not know HTTP's answers here, nor where a URL may lead; that is `egress`'s.

mod notice;
#[cfg(test)]
mod tests;

use super::App;
use crate::egress::{Egress, Limits, Policy};
use crate::error::{Error, Result};
use crate::home::Told;
use crate::log::{Leaf, LogError};
use crate::metrics::Event;
use crate::settings::Receiver;
use crate::store::Stands;
use mappings::model::CollaborationId;
use notice::{Notice, notices, overdue};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often logs are asked whether they have grown.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often withdrawals that are open are counted.
const OPEN_EVERY: Duration = Duration::from_secs(30);
/// A store that is silent longer is asked again.
const LIST_WITHIN: Duration = Duration::from_secs(30);
/// How long is waited after a failure, at first and at most.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_MAX: Duration = Duration::from_mins(15);
/// What is older and was tried is given up.
const KEPT_MS: i64 = 24 * 3_600_000;
/// Leaves that are read at a time.
const PAGE: usize = 256;
/// One receiver is asked once at a time, and what it answers is not read.
const LIMITS: Limits = Limits {
    at_once: 1,
    connect: Duration::from_secs(5),
    total: Duration::from_secs(15),
    answer_max: 64 * 1_024,
};
const SIGNATURE: HeaderName = HeaderName::from_static("airlock-signature");
const ID: HeaderName = HeaderName::from_static("webhook-id");

type Sizes = Arc<Vec<(CollaborationId, u64)>>;

impl App {
    /// Tells every receiver until it is cancelled, at any moment.
    pub(crate) async fn notify(
        self: Arc<Self>,
        (receivers, policy): (Vec<Receiver>, Arc<Policy>),
        cancel: CancellationToken,
    ) {
        if receivers.is_empty() {
            return;
        }
        let (listed, sizes) = watch::channel(Sizes::default());
        let tellers = receivers.into_iter().enumerate().filter_map(|(number, receiver)| {
            let name = receiver.member.clone();
            match Teller::new(Arc::clone(&self), (number, receiver), &policy) {
                Ok(teller) => Some(tokio::spawn(teller.keep(sizes.clone(), cancel.clone()))),
                Err(error) => {
                    tracing::warn!(code = error.code, "notices of {name} are not sent");
                    None
                }
            }
        });
        let tellers: Vec<_> = tellers.collect();
        tokio::select! {
            () = cancel.cancelled() => {}
            () = self.listing(&listed) => {}
        }
        for teller in tellers {
            teller.abort();
        }
    }

    /// Lists the logs whenever one has grown.
    async fn listing(&self, listed: &watch::Sender<Sizes>) {
        let (mut mark, mut look) = (None, tokio::time::interval(LOOK_EVERY));
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let grown = self.store.sizes_since(mark.as_ref());
            if let Ok(Ok(grown)) = tokio::time::timeout(LIST_WITHIN, grown).await
                && let Some(sizes) = grown.sizes
            {
                mark = grown.mark;
                listed.send_replace(Arc::new(sizes));
            }
        }
    }
}

/// Whoever tells one tenant.
struct Teller {
    app: Arc<App>,
    /// Its place among the receivers.
    number: usize,
    receiver: Receiver,
    egress: Egress,
    /// How far each log was seen through.
    through: BTreeMap<CollaborationId, u64>,
    /// Logs with withdrawals that are not seen closed.
    open: BTreeSet<CollaborationId>,
    /// Logs that were not seen as far as they are listed.
    behind: BTreeMap<CollaborationId, Behind>,
    failures: u32,
}

/// A log that could not be read, or was shorter than it is listed.
#[derive(Default)]
struct Behind {
    /// It is not looked at before.
    until_ms: i64,
    looks: u32,
}

/// What was seen of a log.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// As far as there is nothing more to tell.
    through: u64,
    /// Whether withdrawals in it are not seen closed.
    is_open: bool,
}

impl Teller {
    fn new(
        app: Arc<App>,
        (number, receiver): (usize, Receiver),
        policy: &Arc<Policy>,
    ) -> Result<Self> {
        let egress = Egress::new(Arc::clone(policy), LIMITS)?;
        let (through, open, behind) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Ok(Self { app, number, receiver, egress, through, open, behind, failures: 0 })
    }

    async fn keep(mut self, mut sizes: watch::Receiver<Sizes>, cancel: CancellationToken) {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = self.telling(&mut sizes) => {}
        }
    }

    async fn telling(&mut self, sizes: &mut watch::Receiver<Sizes>) {
        let member = self.receiver.member.clone();
        let _telling = loop {
            match self.app.home.telling(&member) {
                Ok(Some(held)) => break held,
                Ok(None) => {}
                Err(error) => tracing::warn!(code = error.code, "notices wait for their folder"),
            }
            tokio::time::sleep(OPEN_EVERY).await;
        };
        loop {
            let known = Arc::clone(&sizes.borrow_and_update());
            match self.turn(&known, self.app.clock.now_ms()).await {
                Ok(()) => {
                    self.failures = 0;
                    let _ = tokio::time::timeout(self.pause(), sizes.changed()).await;
                }
                Err(error) => {
                    if self.failures == 0 {
                        tracing::warn!(code = error.code, "notices wait: {}", error.message);
                    }
                    tokio::time::sleep(again(self.failures)).await;
                    self.failures = self.failures.saturating_add(1);
                }
            }
        }
    }

    /// How long nothing is done where no log grows.
    fn pause(&self) -> Duration {
        if self.behind.is_empty() { OPEN_EVERY } else { AGAIN }
    }

    /// Tells what there is to tell of each log that has grown, and of those with open withdrawals.
    async fn turn(&mut self, sizes: &[(CollaborationId, u64)], now_ms: i64) -> Result<()> {
        let member = self.receiver.member.clone();
        let since_ms = self.app.home.told_since(&member, now_ms)?;
        for (name, size) in sizes {
            let grew = self.through.get(name).is_none_or(|through| through < size);
            let is_early = self.behind.get(name).is_some_and(|behind| now_ms < behind.until_ms);
            if is_early || !grew && !self.open.contains(name) {
                continue;
            }
            let stands = self.app.store.stands(name, &member).await.map_err(LogError::from)?;
            let seen = if matches!(stands, Some(Stands::Member | Stands::Former)) {
                self.one(name, since_ms, now_ms).await
            } else {
                Ok(Seen { through: *size, is_open: false })
            };
            match seen {
                Ok(seen) => self.saw(name, seen),
                // What can't be read, or was rolled back, keeps nobody from hearing of others.
                Err(Stopped::Log) => {}
                Err(Stopped::Untold(error)) => return Err(error),
            }
            self.is_behind(name, *size, now_ms);
        }
        self.waits(None);
        Ok(())
    }

    fn saw(&mut self, name: &CollaborationId, seen: Seen) {
        self.through.insert(name.clone(), seen.through);
        if seen.is_open {
            self.open.insert(name.clone());
        } else {
            self.open.remove(name);
        }
    }

    /// A log that was not seen through as far as the store lists it is looked at again, a while later.
    fn is_behind(&mut self, name: &CollaborationId, size: u64, now_ms: i64) {
        if self.through.get(name).is_some_and(|through| *through >= size) {
            self.behind.remove(name);
            return;
        }
        let behind = self.behind.entry(name.clone()).or_default();
        let pause = again(behind.looks).min(OPEN_EVERY).as_millis();
        behind.until_ms = now_ms.saturating_add(i64::try_from(pause).unwrap_or(i64::MAX));
        behind.looks = behind.looks.saturating_add(1);
    }

    /// One log, as far as it can be read now.
    async fn one(
        &self,
        name: &CollaborationId,
        since_ms: i64,
        now_ms: i64,
    ) -> Result<Seen, Stopped> {
        let (app, member) = (&self.app, &self.receiver.member);
        let state = app.load_denying(name).await.map_err(|_| Stopped::Log)?.state;
        let Some(tenure) = state.tenure(member) else {
            return Ok(Seen { through: state.size(), is_open: false });
        };
        let mut told = app.home.told(member, name);
        let end = tenure.until.map_or(state.size(), |until| state.size().min(until + 1));
        let (mut position, begun) = (told.position.max(tenure.since), told.position);
        while position < end {
            let page = app.store.read(name, position, PAGE).await.map_err(|_| Stopped::Log)?;
            if page.is_empty() {
                break;
            }
            for bytes in page {
                let leaf = Leaf::parse(&bytes).map_err(|_| Stopped::Log)?;
                if position >= end {
                    break;
                }
                if leaf.at_ms >= since_ms {
                    for notice in notices(&leaf, position, &state, member) {
                        let mark = Told { position, ..told.clone() };
                        self.told(&notice, now_ms, (name, &mark)).await?;
                    }
                }
                position += 1;
            }
        }
        told.position = position;
        if position != begun {
            self.kept(name, &told)?;
        }
        let due = overdue(name, &state, now_ms).filter(|one| one.at_ms >= since_ms);
        for notice in due.filter(|_| tenure.until.is_none()) {
            if !told.open.contains(&notice.index) {
                self.told(&notice, now_ms, (name, &told)).await?;
                told.open.insert(notice.index);
                self.kept(name, &told)?;
            }
        }
        let through = if position < end { position } else { state.size() };
        Ok(Seen { through, is_open: state.unconfirmed().next().is_some() })
    }

    fn kept(&self, name: &CollaborationId, told: &Told) -> Result<(), Stopped> {
        self.app.home.keep_told(&self.receiver.member, name, told).map_err(Stopped::Untold)
    }

    /// Tells it, or says why not; what is too old by then is given up. Where it stops, everything before it was told.
    async fn told(
        &self,
        notice: &Notice,
        now_ms: i64,
        (name, mark): (&CollaborationId, &Told),
    ) -> Result<(), Stopped> {
        let counted = |outcome| {
            let event = Event::Noticed { event: notice.event, outcome };
            self.app.metrics().told(event);
        };
        let Err(error) = self.send(notice).await else {
            counted("delivered");
            return Ok(());
        };
        if now_ms.saturating_sub(notice.at_ms) > KEPT_MS {
            let (event, code) = (notice.event, error.code.as_str());
            tracing::warn!(event, code, "a notice was not taken for a day and is given up");
            counted("given-up");
            return Ok(());
        }
        counted("retried");
        self.waits(Some(notice.at_ms));
        self.kept(name, mark)?;
        Err(Stopped::Untold(error))
    }

    /// Since when what this receiver did not take waits.
    fn waits(&self, since_ms: Option<i64>) {
        self.app.metrics().told(Event::NoticeWaits { of: self.number, since_ms });
    }

    async fn send(&self, notice: &Notice) -> Result<()> {
        let body = notice.body();
        let target = self.egress.policy().target(&self.receiver.url)?;
        let at_s = self.app.clock.now_ms().div_euclid(1_000);
        let mut headers = HeaderMap::new();
        let unsent = |_| Error::failed("bug", "a notice's header can't be written");
        let signature = self.receiver.secret.sign(at_s, &body);
        headers.insert(SIGNATURE, HeaderValue::from_str(&signature).map_err(unsent)?);
        headers.insert(ID, HeaderValue::from_str(&notice.id).map_err(unsent)?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let answer = self.egress.post(&target, headers, body).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(Error::failed("notice-refused", "a receiver of notices did not take one")
            .help("an answer of 200 to 299"))
    }
}

/// Why a log was not seen through.
enum Stopped {
    /// It can't be read now.
    Log,
    /// A notice was not taken.
    Untold(Error),
}

/// How long is waited after so many failures before this one.
fn again(failures: u32) -> Duration {
    AGAIN.saturating_mul(1_u32.checked_shl(failures.min(16)).unwrap_or(u32::MAX)).min(AGAIN_MAX)
}
