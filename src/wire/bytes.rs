//! Bytes as they are, as the document has them.

use utoipa::ToSchema;

/// Bytes as they are.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct Bytes(pub Vec<u8>);
