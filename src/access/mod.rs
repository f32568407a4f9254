//! Who a caller is (`caller`), and what its roles may do (`roles`, `permits`): the policies in `policies` say so, as Cedar reads them (`policy`),
//! and an operator's own may forbid more (`forbids`). Whether a thing is there for a caller, and whose it is, is asked elsewhere. Must not know
//! HTTP, tokens, or where a caller's word came from.

mod caller;
mod forbids;
mod permits;
mod policy;
mod roles;

pub use caller::{Caller, Principal, Who};
pub use forbids::{Forbid, Forbids, PolicyText};
pub use permits::{Action, On, Withdrawn, permits, permitted, roles_for};
pub use roles::{Role, RoleUnknown};
