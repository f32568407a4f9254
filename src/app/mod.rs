//! The use cases, one file a resource: authorise → decide → record. Knows nothing of terminals or HTTP,
//! and no adapter by name.

pub mod agreements;
pub mod members;
