//! Identifiers: bounded, typed, and impossible to mix up. They are safe to log; nothing else here is.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must match {pattern} and be at most {length_max} characters")]
pub struct IdError {
    /// Which identifier was being read.
    pub kind: &'static str,
    /// The pattern that would pass.
    pub pattern: &'static str,
    /// The longest accepted length, in characters.
    pub length_max: usize,
}

fn shaped(text: &str, joiner: &[u8], length_max: usize) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    bytes.len() <= length_max
        && first.is_ascii_lowercase()
        && !joiner.contains(last)
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || joiner.contains(b))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $kind:literal, $joiner:expr, $pattern:literal, $max:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads an identifier, refusing what its pattern does not admit.
            pub fn new(text: &str) -> Result<Self, IdError> {
                if shaped(text, $joiner, $max) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError { kind: $kind, pattern: $pattern, length_max: $max })
                }
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
    )*};
}

ids! {
    /// Names one collaboration: letters, digits and hyphens.
    CollaborationId, "a collaboration", b"-", "[a-z][a-z0-9-]*[a-z0-9]", 63;
    /// Names one member of a collaboration.
    MemberId, "a member", b"-", "[a-z][a-z0-9-]*[a-z0-9]", 63;
    /// Names one dataset; also its table name in templates.
    DatasetName, "a dataset", b"_", "[a-z][a-z0-9_]*[a-z0-9]", 63;
    /// Names one column as templates see it.
    ColumnName, "a column", b"_", "[a-z][a-z0-9_]*[a-z0-9]", 63;
    /// Names one template.
    TemplateName, "a template", b"-", "[a-z][a-z0-9-]*[a-z0-9]", 63;
    /// Names one parameter of a template.
    ParameterName, "a parameter", b"_", "[a-z][a-z0-9_]*[a-z0-9]", 63;
    /// Names a kind of match key; columns join only when they share one.
    KeyName, "a match key", b"-", "[a-z][a-z0-9-]*[a-z0-9]", 63;
    /// Names a platform, such as `native` or `aws-clean-rooms`.
    PlatformId, "a platform", b"-", "[a-z][a-z0-9-]*[a-z0-9]", 63;
    /// Names a place where data may be: a cloud region, or `local`.
    Region, "a region", b"-", "[a-z][a-z0-9-]*[a-z0-9]", 63;
    /// Names one run: letters, digits and hyphens, chosen by the gateway or the caller.
    RunId, "a run", b"-", "[a-z][a-z0-9-]*[a-z0-9]", 63;
    /// Names one schedule of runs, chosen by whoever made it. With a slot's time behind it, it names a run.
    ScheduleId, "a schedule", b"-", "[a-z][a-z0-9-]*[a-z0-9]", 40;
    /// Names somebody outside to whom a member opens results. A name is that member's own; it says an organisation, not a person.
    RecipientId, "a recipient", b"-", "[a-z][a-z0-9-]*[a-z0-9]", 63;
}

impl PlatformId {
    /// The native room's name.
    #[must_use]
    pub fn native() -> Self {
        Self("native".to_owned())
    }

    /// AWS Clean Rooms.
    #[must_use]
    pub fn aws_clean_rooms() -> Self {
        Self("aws-clean-rooms".to_owned())
    }

    /// Snowflake: shares under policies.
    #[must_use]
    pub fn snowflake() -> Self {
        Self("snowflake".to_owned())
    }

    /// Snowflake: a data clean room of its Collaboration API.
    #[must_use]
    pub fn snowflake_dcr() -> Self {
        Self("snowflake-dcr".to_owned())
    }
}
