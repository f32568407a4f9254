//! Why a leaf may not come next. Codes are stable; texts name no values.

use super::permit::Denied;

/// A leaf that is refused, and where it stood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("leaf {index}: {why}")]
pub struct FoldError {
    /// The position at which it was refused.
    pub index: u64,
    /// Why.
    pub why: Illegal,
}

impl FoldError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.why.code()
    }
}

macro_rules! illegal {
    ($($name:ident, $code:literal, $text:literal;)*) => {
        /// Why a leaf is refused.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        pub enum Illegal {
            $(#[doc = $text] #[error($text)] $name,)*
            /// The run may not start or go on.
            #[error(transparent)]
            Run(#[from] Denied),
        }

        impl Illegal {
            /// The stable code.
            #[must_use]
            pub const fn code(&self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                    Self::Run(denied) => denied.code,
                }
            }
        }
    };
}

illegal! {
    Position, "position-wrong", "the leaf is not the next one";
    NotOpened, "log-not-opened", "a log begins with exactly one opening leaf";
    OtherCollaboration, "collaboration-differs", "the leaf belongs to another collaboration";
    Time, "time-not-monotone", "the leaf is earlier than the one before it, or beyond what the log can write";
    Number, "number-out-of-range", "a number is beyond what canonical JSON holds exactly";
    Actor, "actor-differs", "the actor is not the one whose decision this is";
    Signature, "signature-wrong", "the signature is missing, wrong, or where none belongs";
    Repeated, "leaf-repeated", "the same signed leaf was appended before";
    KeyUnknown, "key-unknown", "the member has shown no key to decide under";
    KeyDiffers, "key-differs", "the member decides under another key";
    KeyNotPinned, "key-not-pinned", "the agreement pins another key for the member";
    KeyTaken, "key-taken", "another member decides under this key";
    AgreementDigest, "agreement-digest-wrong", "the digest is not that of the document";
    AgreementInconsistent, "agreement-inconsistent", "the document names a party that is not its member, or a key that is none";
    AgreementRepeated, "agreement-already-proposed", "the same document is in force or waits already";
    AgreementNotProposed, "agreement-not-proposed", "the agreement accepted is not the one that waits";
    MemberUnknown, "member-unknown", "the agreement has no such member";
    MemberRevoked, "member-revoked", "the member has left this collaboration for good";
    MemberDropped, "member-dropped", "the agreement leaves out a member that has not left; a member leaves by its own withdrawal";
    OwnerChanged, "owner-changed", "a dataset of this name belongs to another member";
    PlaceOfAnother, "place-of-another", "another member offered what lies there";
    MemberNotJoined, "member-not-joined", "the member has not accepted this agreement";
    AlreadyJoined, "member-already-joined", "the member has accepted this agreement already";
    AlreadyDeclined, "invitation-declined", "the member has declined this proposal; it has to be invited anew";
    RoomUnknown, "room-unknown", "the agreement is not held in this room";
    RoomRevoked, "room-revoked", "the room is closed for good";
    NotAnOwner, "not-an-owner", "only an owner of datasets can decide this";
    TemplateUnknown, "template-unknown", "no agreement in force or waiting has this template version";
    DatasetUnknown, "dataset-unknown", "the agreement has no such dataset";
    ColumnUnknown, "column-unknown", "the dataset has no such column";
    ApprovalUnknown, "approval-unknown", "there is no such approval to withdraw";
    RunUnknown, "run-unknown", "no such run was requested";
    RunEnded, "run-ended", "the run has ended";
    IntentMissing, "intent-missing", "no intent is on the record";
    IntentRepeated, "intent-repeated", "the intent is on the record already";
    OutcomeDiffers, "outcome-differs", "the outcome is not what was intended";
    CancelledLate, "cancelled-late", "the run's delivery is on record; it ends delivered or failed";
    OutcomeRepeated, "outcome-repeated", "the outcome is on the record already";
    StepName, "step-name-wrong", "a step's name ends with the position of its intent";
    BasisMissing, "basis-missing", "the intent does not say on how long a log it was planned";
    PlanStale, "plan-stale", "something was decided since it was planned";
    Withdrawn, "withdrawn", "what would be given is not agreed, or was withdrawn";
    Unconfirmed, "closing-unconfirmed", "a withdrawal of the same thing has not been seen closed everywhere";
    Unexplained, "absence-unexplained", "something that stands is missing, and nobody is on record for having taken it away";
    NeverHeld, "never-held", "the platform was not seen to hold it";
    OwnAct, "own-act", "this gateway itself set out to take it away";
    AlreadyWithdrawn, "already-withdrawn", "it was withdrawn already, or is not agreed";
    NothingToConfirm, "nothing-to-confirm", "no withdrawal at that position has to be seen closed there";
    ConfirmedAlready, "confirmed-already", "it was seen closed there already";
    SeenOpen, "seen-open", "it was not seen closed";
    SeenBefore, "seen-before", "what was seen there is older than the withdrawal, or than a call that gave the same thing";
    GrantUnsettled, "grant-unsettled", "a call that gives the same thing may still take effect there";
    NotFoundWithdrawn, "not-found-withdrawn", "nothing was found withdrawn that could be offered again";
    ReofferedAlready, "reoffered-already", "this member has offered it again already; a whole room waits for every member";
    ApproveInstead, "approve-instead", "an approval is given anew by approving";
    ReceiverDiffers, "receiver-differs", "the files or manifests do not match the run's receivers";
    ScheduleUsed, "schedule-id-used", "a schedule of this name was there before";
    ScheduleUnknown, "schedule-unknown", "there is no such schedule";
    ScheduleEnded, "schedule-ended", "the schedule has ended";
    ScheduleOfAnother, "schedule-of-another", "the schedule is another member's";
    SchedulesMax, "schedules-max", "the member has as many schedules here as it may have";
    SlotDiffers, "slot-differs", "the run is called after a schedule and is not what was scheduled";
    SlotNotDue, "slot-not-due", "the schedule has no such time, or it has not come yet";
    SlotPassed, "slot-passed", "this time of the schedule, or a later one, was seen to already";
    ShareTime, "share-time", "a share or a token ends in the future, within ninety days";
    RecipientUnknown, "recipient-unknown", "the member has no such recipient, or it has no token that is good";
    RecipientsMax, "recipients-max", "the member has as many recipients here as it may have";
    ShareUnknown, "share-unknown", "nothing is opened to this recipient under this name";
    SharesMax, "shares-max", "as many results are opened to this recipient as may be";
    TokenUsed, "share-token-used", "the digest is that of a token that was given before";
    ReadRepeated, "share-read-repeated", "the same was read within five minutes, and is on record";
    ReadsMax, "share-reads-max", "the recipient has asked for as much as is put on record in five minutes";
    FileName, "file-name-malformed", "a delivered file's name is not a generated relative name";
}
