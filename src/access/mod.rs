//! Who a caller is (`caller`), and what its roles may do (`roles`, `permits`). Whether a thing is there for a caller, and whose it is, is
//! asked elsewhere. Must not know HTTP, tokens, or where a caller's word came from.

mod caller;
mod permits;
mod roles;

pub use caller::{Caller, Principal};
pub use permits::{Action, Withdrawn, permits, roles_for};
pub use roles::{Role, RoleUnknown};
