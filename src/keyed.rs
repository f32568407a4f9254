//! Words that one gateway alone can make: the same for the same, under a key that is made of its own for each purpose. Must not know what they
//! are for.

use crate::log::SecretKey;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use std::fmt;

/// Makes them for one purpose.
pub(crate) struct Keyed(Hmac<Sha256>);

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyed")
    }
}

impl Keyed {
    /// Under a gateway's key: what it signs here is shown to nobody.
    pub(crate) fn of(key: &SecretKey, purpose: &str) -> Self {
        let secret = key.sign(purpose.as_bytes()).to_string();
        let keyed = Hmac::new_from_slice(secret.as_bytes());
        // Keys of any length are taken.
        Self(keyed.unwrap_or_else(|_| Hmac::new(&hmac::digest::Key::<Hmac<Sha256>>::default())))
    }

    /// So many hex digits for this.
    pub(crate) fn word(&self, of: &[u8], digits: usize) -> String {
        let bytes = self.0.clone().chain_update(of).finalize().into_bytes();
        let mut text = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        text.truncate(digits);
        text
    }
}
