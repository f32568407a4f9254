//! The use cases, one file a resource: authorise → decide → record. Knows nothing of terminals or HTTP,
//! and no adapter by name.

pub mod agreements;
pub mod audit;
pub mod members;
mod recovery;
mod revocations;
mod runs;
mod status;
mod templates;

pub use audit::{Exported, LeafLine};
pub use revocations::Withdrawal;
pub use runs::{Delivered, Preview, RunReport, RunRequest};
pub use status::{Standing, TemplateStanding};

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::log::{Actor, AgreementLog, Body, Entry, KeyError, Loaded, LogError, Receipt, SecretKey, State};
use crate::store::SqliteStore;
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
    /// Opens the gateway of a folder: its log, its key (made at first use), its rooms.
    pub async fn open(home: &Path) -> Result<Self> {
        let home = Home::open(home)?;
        let store = SqliteStore::open(&home.database()).await.map_err(LogError::from)?;
        let key = gateway_key(&home)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let log = AgreementLog::new(Arc::new(store), key, Arc::clone(&clock));
        let rooms = wiring::rooms(&home)?;
        Ok(Self { home, log, rooms, clock })
    }

    async fn load(&self, collaboration: &CollaborationId) -> Result<Loaded> {
        self.log.load(collaboration).await.map_err(Error::from)
    }

    /// Decides on the state as it is and records the decision, signed by the member; tried again on a race.
    async fn decide<F>(
        &self,
        collaboration: &CollaborationId,
        member: &MemberId,
        key: &SecretKey,
        body: F,
    ) -> Result<Recorded>
    where
        F: Fn(&State) -> Result<Body> + Send + Sync,
    {
        let entry = |state: &State, _: i64| {
            Ok(vec![Entry { actor: Actor::Member(member.clone()), body: body(state)?, key: Some(key.clone()) }])
        };
        self.log.decide(collaboration, entry).await.map(recorded)
    }

    /// Records what the gateway itself did or saw.
    async fn record(&self, collaboration: &CollaborationId, body: Body) -> Result<Recorded> {
        let entry = |_: &State, _: i64| {
            Ok(vec![Entry { actor: Actor::Gateway, body: body.clone(), key: None }])
        };
        self.log.decide(collaboration, entry).await.map(recorded)
    }

    /// Puts an agreement before its members. Opens the collaboration's log and makes its room key at first use.
    pub async fn propose(&self, agreement: &Agreement, member: &MemberId) -> Result<Recorded> {
        agreements::guard_all(agreement)?;
        if !agreement.members.contains_key(member) {
            return Err(Error::refused("not-a-member", format!("{member} is no member of this agreement")));
        }
        wiring::room_key(&self.home, &agreement.collaboration)?;
        let key = members::signing_key(&self.home, member)?;
        self.log.open(&agreement.collaboration).await?;
        self.decide(&agreement.collaboration, member, &key, |_| {
            Ok(Body::Proposed { agreement: Box::new(agreement.clone()), digest: agreement.digest() })
        })
        .await
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
        proof: receipt.proof,
    }
}

/// The agreement in force.
fn standing(state: &State) -> Result<&Agreement> {
    state.agreement().ok_or_else(|| {
        Error::refused("no-agreement", "this collaboration has no agreement in force")
            .help("airlock apply FILE --as MEMBER, then every member joins")
    })
}

/// The agreement that waits for members, or the one in force.
fn waiting(state: &State) -> Result<&Agreement> {
    state.proposed().or_else(|| state.agreement()).ok_or_else(|| {
        Error::refused("no-agreement", "this collaboration has no agreement yet")
            .help("airlock apply FILE --as MEMBER")
    })
}
