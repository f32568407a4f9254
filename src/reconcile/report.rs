//! What a pass is given, and what it says at its end. Must not know how a pass is made.

use super::drift::Drift;
use super::gate::Wait;
use super::losses::Loss;
use crate::clock::Clock;
use crate::log::{AgreementLog, Revocable};
use crate::store::Fence;
use adapter_spi::{Adapter, Cx, Effect, NeedsCounterparty, ResourceKind, Step};
use mappings::model::{CollaborationId, MemberId};
use serde::Serialize;

/// One collaboration in one room, and with what.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The logs.
    pub log: &'a AgreementLog,
    /// The room's adapter.
    pub adapter: &'a dyn Adapter,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Which collaboration.
    pub collaboration: &'a CollaborationId,
    /// The lease under which it gives and records what it saw. Without one it only takes away, and confirms what is closed.
    pub fence: Option<&'a Fence>,
    /// Whether it changes nothing at all.
    pub looks_only: bool,
    /// Of every call.
    pub cx: Cx,
}

/// One step, for people; and why it waits, where it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// What it does to access.
    pub effect: Effect,
    /// What it changes.
    pub what: String,
    /// The native call.
    pub call: String,
    /// In whose account, of the platform's own things.
    #[serde(skip)]
    pub member: Option<MemberId>,
    /// What it is about; everything when it names nothing.
    #[serde(skip)]
    pub of: Vec<Revocable>,
    /// Why it is not done.
    pub why: Wait,
}

impl Waiting {
    pub(super) fn for_step(step: &Step) -> Self {
        let call = step.call.get("operation").or_else(|| step.call.get("statement"));
        let call = call.and_then(serde_json::Value::as_str);
        Self {
            effect: step.effect,
            what: step.resource.kind.to_string(),
            call: call.unwrap_or_default().to_owned(),
            member: whose(&step.resource.kind),
            of: Vec::new(),
            why: Wait::Nothing,
        }
    }
}

/// How a pass ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "kebab-case", tag = "end")]
pub enum End {
    /// The room holds what is wanted, and everything is on record.
    Settled,
    /// Something waits: for a look, for another platform, for a member.
    Waiting,
    /// There is more to do at once.
    #[default]
    Again,
    /// The platform can't be brought to it, and why; closing went on.
    Refused {
        /// Stable code.
        code: String,
        /// What was refused and what would pass.
        message: String,
    },
    /// A call was not done.
    Undone {
        /// Of what.
        what: String,
        /// Which call.
        call: String,
        /// Stable code.
        code: &'static str,
        /// A sentence of names.
        reason: String,
        /// Whether the platform, or our own default deny, refused.
        denied: bool,
        /// Not before this many milliseconds.
        retry_ms: Option<u64>,
    },
    /// The log or the platform did not answer.
    Failed {
        /// Stable code.
        code: &'static str,
        /// Not before this many milliseconds.
        retry_ms: Option<u64>,
    },
}

/// In whose account a platform's own thing is.
pub(super) fn whose(kind: &ResourceKind) -> Option<MemberId> {
    match kind {
        ResourceKind::Native(native) => Some(native.member.clone()),
        ResourceKind::Dataset(_)
        | ResourceKind::Template(_)
        | ResourceKind::Member(_)
        | ResourceKind::Approval(..) => None,
    }
}

/// What a pass did and found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// How it ended.
    pub end: End,
    /// Calls that were made.
    pub steps: usize,
    /// Runs that were stopped.
    pub stopped: usize,
    /// Entries that the log did not take while closing went on.
    pub unrecorded: usize,
    /// Why the newest log could not be read, if so: closing went on by what was known.
    pub unread: Option<&'static str>,
    /// Whether withdrawals may be missing in the log, so that everything is closed.
    pub may_lack: bool,
    /// What runs can use there now.
    pub open: Vec<String>,
    /// The steps that the last look leaves.
    pub plan: Vec<Waiting>,
    /// Steps that wait, and for what.
    pub waits: Vec<Waiting>,
    /// What others have to do first.
    pub needs: Vec<NeedsCounterparty>,
    /// Whether something was done that doesn't show itself yet.
    pub pending: bool,
    /// Things that are missing there, and it is not certain yet whether their owners took them away.
    pub unsure: usize,
    /// Members whose part was not seen, with the code of what failed.
    pub unseen: Vec<(MemberId, String)>,
    /// Withdrawals that were not seen closed there yet, by their position.
    pub closing: Vec<u64>,
    /// Calls of unknown end that may still take effect.
    pub unsettled: usize,
    /// How what was seen differs from what is wanted.
    pub drift: Vec<Drift>,
    /// What the room does not hold exactly as agreed.
    pub losses: Vec<Loss>,
    /// Whether something is held more loosely without the waivers that it needs, so that nothing is given.
    pub unwaived: bool,
    /// Terms held exactly.
    pub exact: usize,
    /// What went wrong beside it: code and reason.
    pub problems: Vec<(String, String)>,
}
