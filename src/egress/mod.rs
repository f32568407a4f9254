//! The one place through which the gateway asks a URL that a setting or a tenant names: keys of issuers, receivers of notices, a collector. https alone, to
//! hosts that lie outside: `target` reads the URL, `address` says where an address lies, `policy` what of it may be asked; all three are pure. The addresses
//! that a name leads to are looked at before any of them is connected to, and are the ones that are connected to. Redirects are not followed,
//! and no proxy is taken from the environment. Must not know what is asked for.

mod address;
mod asking;
mod names;
mod policy;
mod refused;
mod target;
#[cfg(test)]
pub(crate) mod tests;

pub use asking::{Answer, Egress, Limits};
pub use policy::{Network, Policy};
pub use refused::Refused;
pub use target::Target;
