//! Members: their signing keys. Knows nothing of what they sign.

use crate::error::{Error, Result};
use crate::home::Home;
use crate::log::{PublicKey, SecretKey};
use mappings::model::MemberId;

/// Makes a member's signing key; refuses to replace one.
pub fn keygen(home: &Home, member: &MemberId) -> Result<PublicKey> {
    let failed = |error: crate::log::keys::KeyError| Error::failed("key", error.to_string());
    let key = SecretKey::generate().map_err(failed)?;
    key.save(&home.member_key(member)).map_err(failed)?;
    Ok(key.public())
}
