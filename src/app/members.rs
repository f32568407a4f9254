//! Members: their keys, and their own acceptance of an agreement.

use super::{App, Recorded, Tied, key_error};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::log::{Body, Entry, PublicKey, SecretKey, State};
use mappings::model::{CollaborationId, Digest, MemberId};

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
    /// Joins as a member: accepts the agreement that waits, under the member's key. With a digest, only that one.
    pub async fn join(
        &self,
        collaboration: &CollaborationId,
        member: &MemberId,
        only: Option<Digest>,
        tied: &Tied,
    ) -> Result<(Digest, Recorded)> {
        let key = signing_key(&self.home, member)?;
        let state = self.load(collaboration).await?.state;
        let agreement = state.waiting().or(state.in_force()).map(|version| version.digest);
        let agreement = agreement.ok_or_else(|| {
            Error::refused("no-agreement", "this collaboration has no agreement yet")
                .help("airlock apply FILE --as MEMBER")
        })?;
        if only.is_some_and(|only| only != agreement) {
            return Err(other_waits(agreement));
        }
        // Whatever is proposed meanwhile, only what was looked at is accepted.
        let recorded = self.decide(collaboration, (member, &key), tied, |_| {
            Ok(Body::Joined { member: member.clone(), key: key.public(), agreement })
        });
        Ok((agreement, recorded.await?))
    }

    /// Declines the agreement that waits: final for that proposal. With a digest, only that one. A member whose key nobody knows yet
    /// declines without a signature; it binds nobody to anything.
    pub async fn decline(
        &self,
        collaboration: &CollaborationId,
        member: &MemberId,
        only: Option<Digest>,
        tied: &Tied,
    ) -> Result<(Digest, Recorded)> {
        let key = signing_key(&self.home, member)?;
        let state = self.load(collaboration).await?.state;
        let waits = state.waiting().map(|version| version.digest).ok_or_else(|| {
            Error::refused("agreement-not-proposed", "no agreement waits for members")
        })?;
        if only.is_some_and(|only| only != waits) {
            return Err(other_waits(waits));
        }
        let body = Body::Declined { member: member.clone() };
        let entry = |state: &State| {
            if state.waiting().map(|version| version.digest) != Some(waits) {
                let message = "another agreement was proposed meanwhile";
                return Err(Error::refused("agreement-not-proposed", message));
            }
            let entry = match state.expected_key(member) {
                Some(_) => Entry::member(member, &key, body.clone()),
                None => Entry::member_without_key(member, body.clone()),
            };
            Ok(vec![entry])
        };
        Ok((waits, self.decide_tied(collaboration, tied, entry).await?))
    }
}

fn other_waits(agreement: Digest) -> Error {
    Error::refused("agreement-not-proposed", format!("the agreement that waits is {agreement}"))
        .help("the digest that `airlock check` prints for the agreed file")
}
