//! What a submission is known by when its answer was lost. Must not know any connection.

use crate::error::{Error, ErrorKind, Fate, Result};
use std::fmt;

/// A UUID of version 4. Whoever keeps one can send the same submission again, and it runs once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId([u8; 16]);

impl RequestId {
    /// A new one.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; 16];
        let filled = getrandom::fill(&mut bytes);
        filled.map_err(|_| Error::new(ErrorKind::Internal, Fate::NotStarted))?;
        Ok(Self::from_bytes(bytes))
    }

    /// One that is always the same for the same bytes, as of a digest of a plan and a step.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(bytes);
        let (version, variant) = (0xf_u128 << 76, 0x3_u128 << 62);
        Self(((number & !version & !variant) | (4 << 76) | (2 << 62)).to_be_bytes())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    //! The form, and that no two are the same.
    use super::*;

    #[test]
    fn version_and_variant() {
        let of = |byte| RequestId::from_bytes([byte; 16]).to_string();
        assert_eq!(of(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(of(0xff), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let (one, other) = (RequestId::random().unwrap(), RequestId::random().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.to_string().chars().nth(14), Some('4'));
    }
}
