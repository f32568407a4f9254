//! What is said over HTTP, as types: the shapes of the `OpenAPI` document, of the server's answers and of the client's questions. No I/O, and
//! nothing decided. Names and digests are texts here; whoever reads them judges them. Times are in milliseconds since 1970 UTC.

mod agreement;
mod bytes;
mod check;
mod collaboration;
mod configuration;
mod dataset;
mod decision;
mod fidelity;
mod health;
mod learn;
mod log;
mod plan;
mod problem;
mod revocation;
mod room;
mod run;
mod schedule;
mod second;
mod share;
mod template;
mod token;
mod verified;

pub use agreement::{
    AgreementDiff, AgreementListed, AgreementVersion, Agreements, Change, Invitation, Invitations,
};
pub use bytes::Bytes;
pub use check::{Assessed, Checked, CheckedTemplate, Output, Term, Threshold};
pub use collaboration::{Collaboration, Collaborations, Listed, Me, Member, Members, Standing};
pub use configuration::{Configuration, Setting};
pub use dataset::{Dataset, DatasetColumn, DatasetKey, DatasetRule, Datasets};
pub use decision::{Answer, Given, Receipt, Thing, Version, Waived};
pub use fidelity::{Fidelity, RoomHeld, TermHeld};
pub use health::{
    Check, Health, HealthDetail, LogInDoubt, ReserveHealth, RoomBehind, StoreHealth, WorkerHealth,
};
pub use learn::{Learnable, Learner, Learnt, LearntColumn, LearntFrom, LearntMin};
pub use log::{Leaf, LeafKind, Leaves, Proof};
pub use plan::{
    Behaviour, ConnectionTested, ConnectionsTested, LookAsked, PlanDrift, PlanLoss, PlanProblem,
    PlanStep, PlanWaits, RoomPlan,
};
pub use problem::{Place, ProblemDocument};
pub use revocation::{Revocation, Revocations, Revoked, RoomClosure};
pub use room::{Condition, Export, ExportForm, Held, Room, Rooms, WaiverGiven, Waivers};
pub use run::{ResultRows, Run, RunAsked, RunGiven, RunLimits, RunPhase, RunState, Runs};
pub use schedule::{Schedule, ScheduleAsked, ScheduleSlot, Schedules, SlotState};
pub use second::{AllWaits, ForTwo, Waits};
pub use share::{
    Recipient, ShareAsked, ShareEnd, ShareGiven, ShareProfile, ShareTokenAsked, SharedResult,
    Shares,
};
pub use template::{
    Explanation, Template, TemplateParameter, TemplateVersion, TemplateVersions, Templates, Text,
};
pub use token::{KeySet, TokenAsked, TokenGiven, TokenRefused};
pub use verified::Verified;
