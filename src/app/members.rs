//! Members: their keys, and their own acceptance of an agreement.

use super::{App, Recorded, key_error};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::log::{Body, PublicKey, SecretKey};
use mappings::model::{CollaborationId, MemberId};

/// Makes a member's signing key; refuses to replace one.
pub fn keygen(home: &Home, member: &MemberId) -> Result<PublicKey> {
    let key = SecretKey::generate().map_err(|e| key_error(&e))?;
    key.save(&home.member_key(member)).map_err(|e| key_error(&e))?;
    Ok(key.public())
}

/// The signing key of a member that this gateway acts for.
pub(super) fn signing_key(home: &Home, member: &MemberId) -> Result<SecretKey> {
    let path = home.member_key(member);
    if !path.exists() {
        return Err(Error::invalid(
            "key-missing",
            format!("this gateway holds no key of {member}"),
        )
        .help(format!("airlock keygen --member {member}")));
    }
    SecretKey::load(&path).map_err(|e| key_error(&e))
}

impl App {
    /// Joins as a member: accepts the agreement as it stands now, under the member's key.
    pub async fn join(
        &self,
        collaboration: &CollaborationId,
        member: &MemberId,
    ) -> Result<Recorded> {
        let key = signing_key(&self.home, member)?;
        self.decide(collaboration, (member, &key), |state| {
            self.granting(collaboration, state)?;
            let waits = state.waiting().map(|version| version.agreement.as_ref());
            let agreement = waits.map_or_else(|| super::known(state), Ok)?;
            Ok(Body::Joined {
                member: member.clone(),
                key: key.public(),
                agreement: agreement.digest(),
            })
        })
        .await
    }
}
