//! What is said over HTTP, as types: the shapes of the `OpenAPI` document, of the server's answers and of the client's questions. No I/O, and
//! nothing decided. Names and digests are texts here; whoever reads them judges them. Times are in milliseconds since 1970 UTC.

mod agreement;
mod collaboration;
mod decision;
mod health;
mod log;
mod problem;
mod revocation;
mod room;
mod run;
mod template;

pub use agreement::{AgreementVersion, Agreements};
pub use collaboration::{Collaboration, Collaborations, Listed, Me, Member, Members};
pub use decision::{Answer, Given, Receipt, Thing, Version, Waived};
pub use health::{Check, Health};
pub use log::{Leaf, Leaves, Proof};
pub use problem::{Place, ProblemDocument};
pub use revocation::{Revocation, Revocations, Revoked, RoomClosure};
pub use room::{Condition, Held, Room, Rooms};
pub use run::{Run, RunAsked, RunGiven, RunLimits, RunPhase, RunState, Runs};
pub use template::{Explanation, Template, Templates, Text};
