//! What Snowflake calls a statement by. Must not know any connection.

use std::fmt;
use std::str::FromStr;

const LENGTH_MAX: usize = 64;

/// A statement handle. Letters, digits and hyphens only, so that it can stand in a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(String);

impl Handle {
    /// A handle that was kept, or that an answer names.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let fits = (1..=LENGTH_MAX).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        fits.then(|| Self(text.to_owned()))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Handle {
    type Err = crate::error::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text).ok_or_else(|| Self::Err::invalid(crate::error::Invalid::Handle))
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
