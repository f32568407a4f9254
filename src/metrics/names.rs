//! Names that an operator reads in place of those of collaborations: the same for the same, on this gateway alone, and nobody comes back from
//! them. Must not know what is named.

use crate::log::SecretKey;
use hmac::{Hmac, Mac as _};
use mappings::model::CollaborationId;
use sha2::Sha256;
use std::fmt;

/// Hex digits of one.
const LENGTH: usize = 16;

/// Makes them.
pub(crate) struct Pseudonyms(Hmac<Sha256>);

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms")
    }
}

impl Pseudonyms {
    /// Under a gateway's key: what it signs here is shown to nobody.
    pub(crate) fn of(key: &SecretKey) -> Self {
        let secret = key.sign(b"airlock/names/v1").to_string();
        let keyed = Hmac::new_from_slice(secret.as_bytes());
        // Keys of any length are taken.
        Self(keyed.unwrap_or_else(|_| Hmac::new(&hmac::digest::Key::<Hmac<Sha256>>::default())))
    }

    /// A collaboration's.
    pub(crate) fn name(&self, collaboration: &CollaborationId) -> String {
        let bytes = self.0.clone().chain_update(collaboration.as_str()).finalize().into_bytes();
        let mut text = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        text.truncate(LENGTH);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_for_the_same_on_one_gateway_alone() {
        let [one, other] = [1, 2].map(|seed| Pseudonyms::of(&SecretKey::from_seed([seed; 32])));
        let [spring, autumn] = ["spring", "autumn"].map(|name| name.parse().unwrap());
        assert_eq!(one.name(&spring), one.name(&spring));
        assert!(one.name(&spring) != one.name(&autumn) && one.name(&spring) != other.name(&spring));
        assert_eq!(one.name(&spring).len(), LENGTH);
    }
}
