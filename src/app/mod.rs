//! The use cases, one file a resource: authorise → decide → record. Knows nothing of terminals or HTTP,
//! and no adapter by name.

pub mod agreements;
pub mod audit;
mod conditions;
mod connections;
mod delivery;
pub(crate) mod desk;
mod evidence;
mod glance;
mod guarded;
pub mod import;
mod leases;
pub(crate) mod leaves;
mod measures;
pub mod members;
mod notices;
mod pace;
mod parties;
mod places;
mod publication;
mod readiness;
mod received;
mod recovery;
mod reoffer;
mod reserve;
mod revocations;
mod rooms;
mod runs;
mod scheduler;
mod schedules;
mod shards;
mod shares;
pub(crate) mod sharing;
mod status;
mod supervisor;
mod sync;
mod templates;
mod tied;
mod turns;
mod waiting;
mod waivers;
mod watch;
pub mod witness;

pub use audit::{Exported, LeafLine};
pub use conditions::{Condition, RoomStanding, Thing};
pub use connections::{ConnectionLine, Verified, VerifiedLine};
pub use evidence::{Evidence, Exposure, RoomEvidence};
pub use import::{ImportReport, ImportRequest};
pub(crate) use measures::measured;
pub use parties::Projected;
pub(crate) use places::House;
pub use readiness::Readiness;
pub use revocations::{Revoked, Withdrawal};
pub use rooms::{Closed, RoomPlan, RoomReport, StepLine};
pub(crate) use runs::Started;
pub use runs::{Delivered, Preview, RunPhase, RunReport, RunRequest, Told};
pub(crate) use scheduler::Scheduler;
pub use schedules::ScheduleRequest;
pub(crate) use shares::{Most, Share, Shares};
pub use sharing::{ShareRequest, TokenRequest};
pub use status::{Standing, TemplateStanding};
pub(crate) use supervisor::Runs;
pub use sync::{Full, Inbox, Pass, Trigger};
pub use tied::Tied;
pub(crate) use tied::{Eyes, Looked, Marks, late};
pub use waivers::Waivable;
pub(crate) use waivers::waivable;
pub(crate) use watch::Watched;

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::log::{
    AgreementLog, Body, DecideError, Decided, Denied, Entry, KeyError, Loaded, LogError, Receipt,
    SecretKey, State,
};
use crate::metrics::{CountedStore, Metrics};
use crate::reconcile::budget::Budgets;
use crate::store::{Fence, Mark, Store, StoreError};
use crate::wiring::{self, Rooms};
use glance::Glances;
use mappings::model::{Agreement, CollaborationId, MemberId};
use serde::Serialize;
use sharing::Sharing;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Mutex;
use watch::Watch;

/// A gateway at work in one process.
#[derive(Debug)]
pub struct App {
    home: Home,
    log: AgreementLog,
    store: Arc<dyn Store>,
    key: SecretKey,
    rooms: Rooms,
    clock: Arc<dyn Clock>,
    /// Held by whoever puts what is pending on record.
    recording: Mutex<()>,
    /// Asked by every run under way.
    watch: Watch,
    /// Asked by whoever only looks.
    glances: Glances,
    marks: Marks,
    sharing: Sharing,
    /// What each account is good for, in calls: the worker's and those of whoever asks from outside.
    budgets: Arc<std::sync::Mutex<Budgets>>,
    metrics: Arc<Metrics>,
}

/// What a recorded decision gives back: where it stands in the log, and the signed head that covers it.
#[derive(Debug, Clone, Serialize)]
pub struct Recorded {
    /// The leaf's index.
    pub index: u64,
    /// Leaves in the log.
    pub size: u64,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// RFC 6962 inclusion proof, each hash in hex digits.
    pub proof: Vec<String>,
    /// All of that, and what it is over.
    #[serde(skip)]
    pub receipt: Receipt,
    /// Whether it was recorded before, under the same key.
    #[serde(skip)]
    pub repeated: bool,
}

impl App {
    /// Opens the gateway of a folder that has one; looking makes nothing.
    pub async fn existing(home: &Path) -> Result<Self> {
        Self::existing_counted(home, Arc::new(Metrics::new()?)).await
    }

    /// The same, counted with others.
    pub(crate) async fn existing_counted(home: &Path, metrics: Arc<Metrics>) -> Result<Self> {
        let home = Home::existing(home)?;
        let store = wiring::store(&home).await?;
        Self::counted(home, store, metrics).await
    }

    /// The same for whoever denies: also where the log can't be read now.
    pub async fn denying(home: &Path) -> Result<Self> {
        Self::denying_counted(home, Arc::new(Metrics::new()?)).await
    }

    /// The same, counted with others.
    pub(crate) async fn denying_counted(home: &Path, metrics: Arc<Metrics>) -> Result<Self> {
        let home = Home::existing(home)?;
        let store = wiring::store_or_closed(&home).await?;
        Self::counted(home, store, metrics).await
    }

    /// Opens the gateway of a folder: its log, its key (made at first use), its rooms.
    pub async fn open(home: &Path) -> Result<Self> {
        Self::open_counted(home, Arc::new(Metrics::new()?)).await
    }

    /// The same, counted with others.
    pub(crate) async fn open_counted(home: &Path, metrics: Arc<Metrics>) -> Result<Self> {
        let home = Home::open(home)?;
        let store = wiring::store(&home).await?;
        Self::counted(home, store, metrics).await
    }

    #[cfg(test)]
    async fn over(home: Home, store: Arc<dyn Store>) -> Result<Self> {
        Self::counted(home, store, Arc::new(Metrics::new()?)).await
    }

    #[cfg(test)]
    async fn over_at(home: Home, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Result<Self> {
        Self::counted_at((home, clock), store, Arc::new(Metrics::new()?)).await
    }

    async fn counted(home: Home, store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Result<Self> {
        Self::counted_at((home, Arc::new(SystemClock)), store, metrics).await
    }

    async fn counted_at(
        (home, clock): (Home, Arc<dyn Clock>),
        store: Arc<dyn Store>,
        metrics: Arc<Metrics>,
    ) -> Result<Self> {
        let key = gateway_key(&home)?;
        let store: Arc<dyn Store> = Arc::new(CountedStore::new(store, Arc::clone(&metrics)));
        let log = AgreementLog::new(Arc::clone(&store), key.clone(), Arc::clone(&clock))
            .with_pins(Arc::new(home.clone()))
            .with_reserve(Arc::new(home.clone()));
        let rooms = wiring::rooms(&home)?;
        let (recording, watch) = (Mutex::default(), Watch::default());
        let budgets = Arc::new(std::sync::Mutex::new(Budgets::new(pace::LIMIT)));
        let (glances, marks) = (Glances::default(), Marks::of(&key));
        let sharing = Sharing::of(&key);
        let app = Self {
            home,
            log,
            store,
            key,
            rooms,
            clock,
            recording,
            watch,
            glances,
            marks,
            sharing,
            budgets,
            metrics,
        };
        app.record_pending().await;
        Ok(app)
    }

    /// The log, as far as it continues what this gateway saw of it.
    async fn load(&self, collaboration: &CollaborationId) -> Result<Loaded> {
        let loaded = self.log.load(collaboration).await;
        self.believed(collaboration, loaded.as_ref().err(), loaded.is_ok());
        Ok(loaded?)
    }

    /// The log for whoever takes away or only looks: of one that was rolled back as well, marked so.
    async fn load_denying(&self, collaboration: &CollaborationId) -> Result<Loaded> {
        self.look(collaboration, None).await
    }

    /// The same, where there is a mark of the store's, as it was read since it had that.
    async fn look(&self, collaboration: &CollaborationId, mark: Option<&Mark>) -> Result<Loaded> {
        let loaded = match mark {
            Some(mark) => self.log.look(collaboration, mark).await,
            None => self.log.load_denying(collaboration).await,
        };
        let doubt = loaded.as_ref().map_or_else(Some, |loaded| loaded.doubt.as_ref());
        self.believed(collaboration, doubt, doubt.is_none());
        Ok(loaded?)
    }

    /// Decides on the state as it is and records the decision, signed by the member; tried again on a race.
    async fn decide<F>(
        &self,
        collaboration: &CollaborationId,
        (member, key): (&MemberId, &SecretKey),
        tied: &Tied,
        body: F,
    ) -> Result<Recorded>
    where
        F: Fn(&State) -> Result<Body> + Send + Sync,
    {
        let entry = |state: &State| Ok(vec![Entry::member(member, key, body(state)?)]);
        self.decide_tied(collaboration, tied, entry).await
    }

    /// Decides on the state as it is, if it is the one that the caller looked at; once, where it asks under a key.
    async fn decide_tied<F>(
        &self,
        collaboration: &CollaborationId,
        tied: &Tied,
        entries: F,
    ) -> Result<Recorded>
    where
        F: Fn(&State) -> Result<Vec<Entry>> + Send + Sync,
    {
        let entry = |state: &State| {
            tied.looked.holds(state, &self.marks)?;
            tied.eyes.hold(state)?;
            entries(state)
        };
        let decided = match (&tied.eyes, tied.once) {
            (Eyes::First(_), _) => {
                self.log.would(collaboration, entry).await?;
                return Err(tied::second_needed());
            }
            (Eyes::Second(second, _), once) => {
                self.log.decide_seconded(collaboration, (once, second.clone()), entry).await?
            }
            (Eyes::Enough, Some(once)) => self.log.decide_once(collaboration, once, entry).await?,
            (Eyes::Enough, None) => {
                return Ok(recorded(self.log.decide(collaboration, entry).await?));
            }
        };
        match decided {
            Decided::Fresh(receipt) => Ok(recorded(receipt)),
            Decided::Repeated { .. } => {
                let repeated = self.repeated(tied).await?.map(|(_, recorded)| recorded);
                repeated.ok_or_else(|| Error::failed("bug", "a key that was spent is not"))
            }
        }
    }

    /// What was recorded under the key before; refused where something else was asked for under it.
    async fn repeated(&self, tied: &Tied) -> Result<Option<(CollaborationId, Recorded)>> {
        let Some(once) = tied.once else { return Ok(None) };
        let Some(spent) = self.log.spent(&once.scope).await? else { return Ok(None) };
        if spent.fingerprint != once.fingerprint {
            let message = "something else was asked for under this key";
            return Err(Error::invalid("idempotency-key-reused", message)
                .help("a new key for each change; the same for the same again"));
        }
        let last = spent.index.saturating_add(spent.count).saturating_sub(1);
        let receipt = self.log.receipt(&spent.collaboration, last).await?;
        Ok(Some((spent.collaboration, Recorded { repeated: true, ..recorded(receipt) })))
    }

    /// Spends a key that goes with no decision. Whether it was not spent before, here or by another gateway on the same store.
    pub(crate) async fn spend(&self, scope: &[u8; 32]) -> Result<bool> {
        Ok(self.store.spend(scope).await.map_err(LogError::Store)?)
    }

    /// Records what the gateway itself did or saw.
    async fn record(&self, collaboration: &CollaborationId, body: Body) -> Result<Recorded> {
        self.record_under(collaboration, None, body).await
    }

    /// The same under a lease, which nobody may have taken over.
    async fn record_under(
        &self,
        collaboration: &CollaborationId,
        fence: Option<&Fence>,
        body: Body,
    ) -> Result<Recorded> {
        let entry = |_: &State| Ok::<_, Error>(vec![Entry::gateway(body.clone())]);
        let recorded = recorded(self.log.decide_under(collaboration, fence, entry).await?);
        self.run_ended(&body);
        Ok(recorded)
    }

    /// Puts an agreement before its members. Opens the collaboration's log and makes its room key at first use.
    pub async fn propose(
        &self,
        agreement: &Agreement,
        member: &MemberId,
        tied: &Tied,
    ) -> Result<Recorded> {
        agreements::guard_all(agreement)?;
        agreements::assess_all(agreement)?;
        agreements::names(agreement, member)?;
        let key = members::signing_key(&self.home, member)?;
        let body =
            Body::Proposed { agreement: Box::new(agreement.clone()), digest: agreement.digest() };
        let entry = |state: &State| {
            if !state.may_propose(member) {
                let message =
                    format!("{member} is no member of the agreement that this would replace");
                return Err(Error::refused("not-a-member", message)
                    .help("a member of it proposes; or an agreement under a name of its own"));
            }
            let body = body.clone();
            Ok(vec![match state.key(member) {
                Some(_) => Entry::member(member, &key, body),
                None => Entry::gateway(body),
            }])
        };
        let recorded = self.decide_tied(&agreement.collaboration, tied, entry).await?;
        wiring::room_key(&self.home, &agreement.collaboration)?;
        Ok(recorded)
    }
}

fn gateway_key(home: &Home) -> Result<SecretKey> {
    let path = home.gateway_key();
    if !path.exists() {
        let key = SecretKey::generate().map_err(|e| key_error(&e))?;
        // Another process may have made it in between: what is on disk counts.
        let _ = key.save(&path);
    }
    SecretKey::load(&path).map_err(|e| key_error(&e))
}

fn key_error(error: &KeyError) -> Error {
    Error::failed("key", error.to_string())
}

fn recorded(receipt: Receipt) -> Recorded {
    Recorded {
        index: receipt.index,
        size: receipt.size,
        checkpoint: receipt.checkpoint.clone(),
        proof: receipt.inclusion.iter().map(ToString::to_string).collect(),
        receipt,
        repeated: false,
    }
}

/// The agreement in force.
fn standing(state: &State) -> Result<&Agreement> {
    state.in_force().map(|version| version.agreement.as_ref()).ok_or_else(|| {
        Error::refused(
            "no-agreement",
            "this collaboration has no agreement that every member joined",
        )
        .help("every member joins: airlock join COLLABORATION --as MEMBER")
    })
}

/// The agreement in force, or else the one that waits for members.
fn known(state: &State) -> Result<&Agreement> {
    state.agreement().ok_or_else(|| {
        Error::refused("no-agreement", "this collaboration has no agreement yet")
            .help("airlock apply FILE --as MEMBER")
    })
}

impl From<LogError> for Error {
    fn from(error: LogError) -> Self {
        let (code, message) = (error.code(), error.to_string());
        match error {
            // Where it would have stood tells how long the log is, which not everybody who decides may see.
            LogError::Fold(error) => Self::refused(code, error.why.to_string()),
            LogError::RolledBack(_) => Self::refused(code, message).help(
                "the newer database, or an agreement under a new name; withdrawals may be missing here",
            ),
            LogError::Newer => Self::failed(code, message).help("a gateway of the newer version"),
            LogError::NotFound | LogError::Empty => Self::invalid(code, message),
            LogError::Reserve(_) => Self::failed(code, message).help(
                "the file denials.reserve in the gateway's folder as it was; or, once every withdrawal is on record, none there",
            ),
            LogError::Pin(_) => Self::failed(code, message)
                .help("the gateway's folder as it was, with the keys that belong to it"),
            LogError::Store(StoreError::Unseconded) => Self::refused(code, message)
                .help("the decision again, which then waits for a second person anew"),
            LogError::Store(_)
            | LogError::Tampered(_)
            | LogError::Checkpoint(_)
            | LogError::OtherGateway
            | LogError::Busy => Self::failed(code, message),
        }
    }
}

impl From<DecideError<Self>> for Error {
    fn from(error: DecideError<Self>) -> Self {
        match error {
            DecideError::Refused(error) => error,
            DecideError::Log(error) => error.into(),
        }
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Self::refused(denied.code, denied.message).help(denied.remedy)
    }
}

impl From<adapter_spi::AdapterError> for Error {
    fn from(error: adapter_spi::AdapterError) -> Self {
        if error.kind == adapter_spi::ErrorKind::PermissionDenied {
            Self::refused(error.code, error.reason)
        } else {
            Self::failed(error.code, error.reason)
        }
    }
}

impl From<crate::results::ResultsError> for Error {
    fn from(error: crate::results::ResultsError) -> Self {
        Self::failed(error.code(), error.to_string())
    }
}
