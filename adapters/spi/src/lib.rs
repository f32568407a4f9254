//! What a platform adapter is: one trait, its types, and the suite that every adapter must pass.
//! Must not know any platform, the gateway's store, HTTP, or a clock.

mod adapter;
mod assessment;
mod behaviour;
mod connections;
mod context;
mod desired;
mod error;
mod held;
mod import;
mod observation;
mod plan;
mod query;
mod runs;
pub mod suite;

pub use adapter::{Adapter, Capabilities, Lag, Probe, RunsQueries};
pub use assessment::{Assessment, Fidelity, Residual, Verdict};
pub use behaviour::{Behaviour, Otherwise, Standing};
pub use connections::{TestsConnections, Tried};
pub use context::{CallClass, Cx, Landing, Pace};
pub use desired::Desired;
pub use error::{AdapterError, ErrorKind, Outcome, Result, Retry};
pub use held::{Held, Stale};
pub use import::{Imported, Unexpressed, blank, delivered, remarked};
pub use observation::{
    Coverage, Native, Note, NoteClass, Observation, Resource, ResourceKind, Scope,
};
pub use plan::{Applied, Effect, NeedsCounterparty, Plan, PlanRefused, Step};
pub use query::{Failure, ProtectedQuery, RunLimits, RunOutput, RunProgress, RunStatus};
pub use runs::{Ends, Remembered};
