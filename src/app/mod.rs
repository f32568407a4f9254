//! The use cases, one file a resource: authorise → decide → record. Knows nothing of terminals or HTTP,
//! and no adapter by name.

pub mod agreements;
pub mod audit;
mod delivery;
pub mod members;
mod recovery;
mod revocations;
mod rooms;
mod runs;
mod status;
mod sync;
mod templates;
mod waivers;

pub use audit::{Exported, LeafLine};
pub use revocations::Withdrawal;
pub use rooms::{ConnectionLine, ExportForm, RoomPlan, RoomReport, StepLine};
pub(crate) use runs::Started;
pub use runs::{Delivered, Preview, RunReport, RunRequest};
pub use status::{Standing, TemplateStanding};
pub use sync::Pass;
pub use waivers::Loss;

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::log::{
    AgreementLog, Body, DecideError, Denied, Entry, KeyError, Loaded, LogError, Receipt, SecretKey,
    State,
};
use crate::store::Store;
use crate::wiring::{self, Rooms};
use mappings::model::{Agreement, CollaborationId, MemberId};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// A gateway at work in one process.
#[derive(Debug)]
pub struct App {
    home: Home,
    log: AgreementLog,
    store: Arc<dyn Store>,
    key: SecretKey,
    rooms: Rooms,
    clock: Arc<dyn Clock>,
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
    /// RFC 6962 inclusion proof, each hash in base64.
    pub proof: Vec<String>,
}

impl App {
    /// Opens the gateway of a folder that has one; looking makes nothing.
    pub async fn existing(home: &Path) -> Result<Self> {
        Self::over(Home::existing(home)?).await
    }

    /// Opens the gateway of a folder: its log, its key (made at first use), its rooms.
    pub async fn open(home: &Path) -> Result<Self> {
        Self::over(Home::open(home)?).await
    }

    async fn over(home: Home) -> Result<Self> {
        let store = wiring::store(&home).await?;
        let key = gateway_key(&home)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let log = AgreementLog::new(Arc::clone(&store), key.clone(), Arc::clone(&clock));
        let rooms = wiring::rooms(&home)?;
        Ok(Self { home, log, store, key, rooms, clock })
    }

    /// Keeps how long the log was seen to be, whoever made it so: on a shared store that is mostly another gateway.
    async fn load(&self, collaboration: &CollaborationId) -> Result<Loaded> {
        let loaded = self.log.load(collaboration).await?;
        self.keep_size(collaboration, loaded.size);
        Ok(loaded)
    }

    fn keep_size(&self, collaboration: &CollaborationId, size: u64) {
        if let Err(error) = self.home.keep_size(collaboration, size) {
            tracing::warn!(%collaboration, code = error.code, "the log's length is not kept");
        }
    }

    /// Decides on the state as it is and records the decision, signed by the member; tried again on a race.
    async fn decide<F>(
        &self,
        collaboration: &CollaborationId,
        (member, key): (&MemberId, &SecretKey),
        body: F,
    ) -> Result<Recorded>
    where
        F: Fn(&State) -> Result<Body> + Send + Sync,
    {
        let known = self.home.size(collaboration).unwrap_or_default();
        let entry = |state: &State| Ok(vec![Entry::member(member, key, body(state)?)]);
        let receipt = self.log.decide(collaboration, entry).await?;
        Ok(recorded(self.remembered(collaboration, receipt, known)))
    }

    /// Keeps, beside the database, how long the log has been: an older copy put back is told by that. What is appended to an
    /// older copy, a leaf no further than was `known` before, never catches up with what was lost.
    fn remembered(&self, collaboration: &CollaborationId, receipt: Receipt, known: u64) -> Receipt {
        let older = receipt.size <= known;
        let newest = self.home.size(collaboration).unwrap_or_default();
        self.keep_size(collaboration, if older { newest.saturating_add(1) } else { receipt.size });
        receipt
    }

    /// Refuses to grant anything on a log that is shorter than it was. Denying never asks. What is known was read before the
    /// log was: whoever appends in between makes the log longer, never shorter.
    fn granting(known: u64, state: &State) -> Result<()> {
        if state.size() >= known {
            return Ok(());
        }
        let message = format!(
            "the log has {} leaves and had {known}: an older database was put back",
            state.size()
        );
        Err(Error::refused("log-rolled-back", message).help(
            "the newer database, or an agreement under a new name; withdrawals may be missing here",
        ))
    }

    /// Records what the gateway itself did or saw.
    async fn record(&self, collaboration: &CollaborationId, body: Body) -> Result<Recorded> {
        let known = self.home.size(collaboration).unwrap_or_default();
        let entry = |_: &State| Ok::<_, Error>(vec![Entry::gateway(body.clone())]);
        let receipt = self.log.decide(collaboration, entry).await?;
        Ok(recorded(self.remembered(collaboration, receipt, known)))
    }

    /// Puts an agreement before its members. Opens the collaboration's log and makes its room key at first use.
    pub async fn propose(&self, agreement: &Agreement, member: &MemberId) -> Result<Recorded> {
        agreements::guard_all(agreement)?;
        agreements::assess_all(agreement)?;
        if !agreement.members.contains_key(member) {
            let message = format!("{member} is no member of this agreement");
            return Err(Error::refused("not-a-member", message));
        }
        members::signing_key(&self.home, member)?;
        wiring::room_key(&self.home, &agreement.collaboration)?;
        let known = self.home.size(&agreement.collaboration)?;
        if let Ok(loaded) = self.load(&agreement.collaboration).await {
            Self::granting(known, &loaded.state)?;
        }
        let body =
            Body::Proposed { agreement: Box::new(agreement.clone()), digest: agreement.digest() };
        self.record(&agreement.collaboration, body).await
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
        checkpoint: receipt.checkpoint,
        proof: receipt.inclusion.iter().map(ToString::to_string).collect(),
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
            LogError::Fold(_) => Self::refused(code, message),
            LogError::NotFound | LogError::Empty => Self::invalid(code, message),
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
