//! Leaves: what is written into an agreement log, byte for byte. Personal data, row values and parameter
//! values never are. Must not know what a leaf means; that is the fold's.

pub use super::code::{Code, TermPath};
use super::cron::Cron;
use super::keys::{PublicKey, SecretKey, Signature};
use super::tree::{Hash, leaf_hash};
use mappings::agreement::canonical;
use mappings::model::{
    Agreement, CollaborationId, ColumnName, DatasetName, Digest, MemberId, PlatformId, RecipientId,
    RunId, ScheduleId, TemplateName,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

const SIGNED_DOMAIN: &[u8] = b"airlock/leaf/v1\n";
const COMMITMENT_DOMAIN: &[u8] = b"airlock/parameters/v1\n";
const SHARE_TOKEN_DOMAIN: &[u8] = b"airlock/share-token/v1\n";

/// The datasets a run reads, and which of their columns.
pub type Touched = BTreeMap<DatasetName, BTreeSet<ColumnName>>;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// A member, by its own signature.
    Member(MemberId),
    /// The gateway, under its signed checkpoints.
    Gateway,
}

/// What can be withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Revocable {
    /// A membership, by the member itself. Final for this collaboration.
    Member {
        /// Who leaves.
        member: MemberId,
    },
    /// A dataset, by its owner. Final for this collaboration.
    Dataset {
        /// Which one.
        dataset: DatasetName,
    },
    /// A column, by its dataset's owner. Final for this collaboration.
    Column {
        /// The dataset it belongs to.
        dataset: DatasetName,
        /// Which one.
        column: ColumnName,
    },
    /// A template version, by any member. Every owner must approve anew before it runs again.
    Template {
        /// Its name.
        template: TemplateName,
        /// Its version.
        digest: Digest,
    },
    /// One's own approval of a template version. A newer approval supersedes the withdrawal.
    Approval {
        /// The template's name.
        template: TemplateName,
        /// Its version.
        digest: Digest,
        /// Whose approval it was.
        of: MemberId,
    },
    /// The whole room, by any member. Final.
    Room,
}

/// What a platform effect does to access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Takes access away.
    Revoke,
    /// Narrows access.
    Restrict,
    /// Changes no access.
    Neutral,
    /// Gives access.
    Grant,
}

/// How a platform effect ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It did not happen.
    NotApplied,
    /// It happened and was seen.
    Applied,
    /// Nobody knows yet; the intent stays open until an observation settles it.
    Unknown,
}

/// One file that a run delivers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// Who gets it.
    pub receiver: MemberId,
    /// Its generated name below the receiver's destination.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// The digest of its content.
    pub sha256: Digest,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Body {
    /// The log begins; always and only the first leaf.
    Opened {
        /// The key under which checkpoints are signed.
        gateway: PublicKey,
    },
    /// An agreement was put before its members; it replaces one that still waits.
    Proposed {
        /// The whole document.
        agreement: Box<Agreement>,
        /// The digest of its canonical bytes.
        digest: Digest,
    },
    /// A member accepted the waiting agreement and shows its key.
    Joined {
        /// Who.
        member: MemberId,
        /// Under which key it decides from now on.
        key: PublicKey,
        /// What it accepted.
        agreement: Digest,
    },
    /// A member refused the waiting agreement; final for that proposal.
    Declined {
        /// Who.
        member: MemberId,
    },
    /// A dataset owner approved a template version.
    Approved {
        /// Who.
        member: MemberId,
        /// The template's name.
        template: TemplateName,
        /// Its version.
        digest: Digest,
    },
    /// An owner consented to a platform that admits more than was agreed; holds for this agreement alone.
    WaiverGiven {
        /// Who.
        member: MemberId,
        /// Which platform.
        platform: PlatformId,
        /// The term that it holds more loosely.
        at: TermPath,
        /// Under which agreement.
        agreement: Digest,
    },
    /// A member withdrew something.
    Revoked {
        /// Who.
        by: MemberId,
        /// What.
        what: Revocable,
    },
    /// A member asked for a run; counts against the cap whatever becomes of it.
    RunRequested {
        /// The run.
        run: RunId,
        /// The agreement whose rules it runs under; it neither starts nor delivers under another.
        agreement: Digest,
        /// The template.
        template: TemplateName,
        /// Its version.
        digest: Digest,
        /// The digest of the guarded text that will run.
        text_digest: Digest,
        /// Where it runs.
        #[serde(default = "PlatformId::native", skip_serializing_if = "is_native")]
        platform: PlatformId,
        /// Who asks.
        by: MemberId,
        /// Who shall receive.
        receivers: Vec<MemberId>,
        /// Salted commitment to the bound parameters.
        parameters: Digest,
        /// What the guard says the text reads.
        touched: Touched,
    },
    /// A member asked for runs of a template version at times to come; each of them is requested when its time has come, and counts against the cap then.
    Scheduled {
        /// The schedule; its runs are called after it.
        schedule: ScheduleId,
        /// The template.
        template: TemplateName,
        /// Its version.
        digest: Digest,
        /// Where it runs.
        #[serde(default = "PlatformId::native", skip_serializing_if = "is_native")]
        platform: PlatformId,
        /// Who asks.
        by: MemberId,
        /// When, in UTC.
        cron: Cron,
        /// Salted commitment to the bound parameters, the same for each of its runs.
        parameters: Digest,
    },
    /// A schedule makes no more runs, by the word of whoever made it. Final.
    Unscheduled {
        /// The schedule.
        schedule: ScheduleId,
        /// Who.
        by: MemberId,
    },
    /// The time of a schedule's run came, and a rule refused it. Written when the reason is another than for the slot before.
    SlotRefused {
        /// The schedule.
        schedule: ScheduleId,
        /// The slot, in milliseconds since 1970.
        slot_ms: i64,
        /// Which rule.
        code: Code,
    },
    /// A run ended without a result, or with one that only some of its receivers got.
    RunFailed {
        /// The run.
        run: RunId,
        /// Why, without any detail of data.
        code: Code,
        /// Who got the whole result all the same, with the digest of the manifest: no delivery can be unread.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        delivered: BTreeMap<MemberId, Digest>,
    },
    /// A run was stopped or its result withheld.
    RunCancelled {
        /// The run.
        run: RunId,
        /// Why.
        code: Code,
    },
    /// A verified result is about to be delivered.
    DeliveryIntended {
        /// The run.
        run: RunId,
        /// Every file that will be created.
        files: Vec<FileDigest>,
        /// Rows that leave.
        rows: u64,
        /// Rows held back by rule, where the platform says how many.
        withheld: Option<u64>,
        /// The digest of each receiver's manifest.
        manifests: BTreeMap<MemberId, Digest>,
    },
    /// A result was delivered whole.
    RunSucceeded {
        /// The run.
        run: RunId,
        /// Rows that left.
        rows: u64,
        /// Rows held back by rule, where the platform says how many.
        withheld: Option<u64>,
        /// The digest of each receiver's manifest.
        manifests: BTreeMap<MemberId, Digest>,
    },
    /// A member opened a result that it received to a recipient outside, until a time.
    ResultShared {
        /// The run.
        run: RunId,
        /// Who.
        by: MemberId,
        /// To whom, in this member's words.
        recipient: RecipientId,
        /// Until when, in milliseconds since 1970.
        until_ms: i64,
        /// Whether its files may be handed out as URLs of the storage itself, which nobody can take back while they live.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        presigned: bool,
        /// The digest of a token that is new, and good until the same time; without it the recipient has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<Digest>,
    },
    /// A recipient has another token. The newest two are good, or this one alone.
    RecipientKeyed {
        /// Whose recipient.
        by: MemberId,
        /// Which.
        recipient: RecipientId,
        /// The digest of the token.
        token: Digest,
        /// Until when, in milliseconds since 1970.
        until_ms: i64,
        /// Whether every older token ends now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        alone: bool,
    },
    /// A member took a share away; or a recipient, with everything that it was opened and every token.
    ShareEnded {
        /// Who.
        by: MemberId,
        /// From whom.
        recipient: RecipientId,
        /// Which result; all of them where it names none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunId>,
    },
    /// A recipient is about to be given what it asked for. A line stands for the same again within five minutes.
    ShareRead {
        /// Whose recipient.
        by: MemberId,
        /// Which.
        recipient: RecipientId,
        /// Of which result.
        run: RunId,
        /// What: the digest of a file, or of the manifest where it asked which files there are.
        sha256: Digest,
    },
    /// A platform is about to be changed.
    EffectIntended {
        /// The step; one intent a step.
        step: Code,
        /// Where.
        platform: PlatformId,
        /// What it does to access.
        effect: Effect,
        /// What it is about, in the words in which that would be withdrawn; everything when it names nothing.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        of: Vec<Revocable>,
        /// What else the value that it sets leaves open: landing late, it opens that again.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        leaves: Vec<Revocable>,
        /// How long the log was that it was planned on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basis: Option<u64>,
    },
    /// What became of a step.
    EffectOutcome {
        /// The step.
        step: Code,
        /// How it ended.
        outcome: Outcome,
        /// Whether the platform's answer showed what was given.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shown: bool,
    },
    /// A platform was seen whole, and holds other things than when it was last seen.
    RoomObserved {
        /// Where.
        platform: PlatformId,
        /// Everything that it holds of what was agreed.
        holds: Vec<Revocable>,
        /// How long the log was when the look began.
        basis: u64,
    },
    /// An owner took something away on a platform itself. It counts as withdrawn everywhere, until it is offered again.
    FoundWithdrawn {
        /// Where it was seen.
        platform: PlatformId,
        /// What.
        what: Revocable,
        /// How that is known: the platform's final word for it, or repeated whole looks.
        how: Code,
    },
    /// Who could withdraw it says that what was found withdrawn is offered still.
    Reoffered {
        /// Who.
        by: MemberId,
        /// What.
        what: Revocable,
    },
    /// A platform was seen closed after a withdrawal.
    RevocationConfirmed {
        /// The position of the withdrawal.
        revocation: u64,
        /// Where.
        platform: PlatformId,
        /// Whole looks that agreed.
        reads: u32,
        /// How long the log was when the first of them began.
        basis: u64,
        /// What became of an attempt to use it all the same: `denied`, or `not-possible` where that can't be tried.
        probe: Code,
        /// The digest of what was seen.
        seen: Digest,
    },
    /// A platform held more than was agreed, and not by an act of this gateway; it was closed first.
    DriftFound {
        /// Where.
        platform: PlatformId,
        /// What kind of difference.
        class: Code,
        /// On what; something of the platform's own when it names nothing.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        of: Vec<Revocable>,
    },
}

fn is_native(platform: &PlatformId) -> bool {
    *platform == PlatformId::native()
}

impl Body {
    /// Whether it can change what is desired of platforms: a decision, and neither a run nor an effect.
    #[must_use]
    pub const fn is_decision(&self) -> bool {
        match self {
            Self::Opened { .. }
            | Self::Proposed { .. }
            | Self::Joined { .. }
            | Self::Declined { .. }
            | Self::Approved { .. }
            | Self::WaiverGiven { .. }
            | Self::Revoked { .. }
            | Self::FoundWithdrawn { .. }
            | Self::Reoffered { .. } => true,
            Self::RunRequested { .. }
            | Self::ResultShared { .. }
            | Self::RecipientKeyed { .. }
            | Self::ShareEnded { .. }
            | Self::ShareRead { .. }
            | Self::Scheduled { .. }
            | Self::Unscheduled { .. }
            | Self::SlotRefused { .. }
            | Self::RunFailed { .. }
            | Self::RunCancelled { .. }
            | Self::DeliveryIntended { .. }
            | Self::RunSucceeded { .. }
            | Self::EffectIntended { .. }
            | Self::EffectOutcome { .. }
            | Self::RoomObserved { .. }
            | Self::RevocationConfirmed { .. }
            | Self::DriftFound { .. } => false,
        }
    }

    /// The stable name of the kind, as it is written.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Proposed { .. } => "proposed",
            Self::Joined { .. } => "joined",
            Self::Declined { .. } => "declined",
            Self::Approved { .. } => "approved",
            Self::WaiverGiven { .. } => "waiver-given",
            Self::Revoked { .. } => "revoked",
            Self::RunRequested { .. } => "run-requested",
            Self::Scheduled { .. } => "scheduled",
            Self::Unscheduled { .. } => "unscheduled",
            Self::SlotRefused { .. } => "slot-refused",
            Self::RunFailed { .. } => "run-failed",
            Self::RunCancelled { .. } => "run-cancelled",
            Self::DeliveryIntended { .. } => "delivery-intended",
            Self::RunSucceeded { .. } => "run-succeeded",
            Self::ResultShared { .. } => "result-shared",
            Self::RecipientKeyed { .. } => "recipient-keyed",
            Self::ShareEnded { .. } => "share-ended",
            Self::ShareRead { .. } => "share-read",
            Self::EffectIntended { .. } => "effect-intended",
            Self::EffectOutcome { .. } => "effect-outcome",
            Self::RoomObserved { .. } => "room-observed",
            Self::FoundWithdrawn { .. } => "found-withdrawn",
            Self::Reoffered { .. } => "reoffered",
            Self::RevocationConfirmed { .. } => "revocation-confirmed",
            Self::DriftFound { .. } => "drift-found",
        }
    }
}

/// One entry of the log; its position is its index. `signature` sorts last: `signed_bytes` relies on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// Who did it.
    pub actor: Actor,
    /// When, in milliseconds since 1970; never less than the leaf before it.
    pub at_ms: i64,
    /// What happened.
    pub body: Body,
    /// Whose log this is in.
    pub collaboration: CollaborationId,
    /// The actor's signature, when the actor is a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// Why bytes are not a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a leaf that this version can read")]
pub struct NotALeaf;

impl Leaf {
    /// Canonical bytes: what is stored and hashed.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        canonical(&serde_json::json!(self))
    }

    /// Reads stored bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotALeaf> {
        serde_json::from_slice(bytes).map_err(|_| NotALeaf)
    }

    /// The hash of this leaf in the Merkle tree.
    #[must_use]
    pub fn hash(&self) -> Hash {
        leaf_hash(&self.canonical())
    }

    /// What a member signs: a domain line and the canonical bytes without the signature.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        let unsigned = Self { signature: None, ..self.clone() };
        [SIGNED_DOMAIN, &unsigned.canonical()].concat()
    }

    /// The same leaf, signed.
    #[must_use]
    pub fn signed(mut self, key: &SecretKey) -> Self {
        self.signature = Some(key.sign(&self.signed_bytes()));
        self
    }
}

/// What the signer of stored canonical bytes signed, without building the document again. `None` when the bytes
/// don't end in this signature, as canonical bytes do.
pub(super) fn signed_bytes_of(stored: &[u8], signature: &Signature) -> Option<Vec<u8>> {
    let tail = format!(",\"signature\":\"{signature}\"}}");
    let head = stored.strip_suffix(tail.as_bytes())?;
    Some([SIGNED_DOMAIN, head, b"}"].concat())
}

/// The salted commitment to a run's bound parameters. The salt has 32 random bytes and is kept by whoever may open it.
#[must_use]
pub fn commitment(salt: &[u8; 32], parameters: &serde_json::Value) -> Digest {
    Digest::of(&[COMMITMENT_DOMAIN, salt, &canonical(parameters)].concat())
}

/// What a log keeps of a recipient's token: it has 256 random bits, so that nobody finds it by its digest.
#[must_use]
pub fn share_token(text: &str) -> Digest {
    Digest::of(&[SHARE_TOKEN_DOMAIN, text.as_bytes()].concat())
}
