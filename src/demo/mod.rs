//! The quickstart's world: two members with people, dirty e-mails and phones, and an agreement between them.
//! Deterministic for a seed. Knows nothing of the gateway.

mod data;

pub use data::{Made, generate};

/// The agreement of the quickstart; its places are relative to its file.
#[must_use]
pub const fn agreement_yaml() -> &'static str {
    include_str!("agreement.yaml")
}
