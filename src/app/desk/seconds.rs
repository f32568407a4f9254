//! What two people of a member decide: the first one's decision waits, and the second one's, of another person and of exactly the same, makes it.
//! A program is neither. Nothing that takes away comes here.

use super::{Desk, Done, Seen, absent};
use crate::access::{Action, On};
use crate::app::{Eyes, Tied};
use crate::error::{Error, Result};
use crate::log::{LogError, TermPath};
use crate::settings::FourEyes;
use crate::store::{Second, Stands, Waiting, Waits};
use crate::wire;
use mappings::model::{CollaborationId, Digest, MemberId};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// So much of one member's waits in one collaboration, at most.
pub(in crate::app) const WAITING_MAX: usize = 256;
/// Two who begin at once find each other within so many turns.
pub(super) const TURNS: usize = 3;

/// What came of a decision that may take two.
#[derive(Debug)]
pub(crate) enum Decided {
    /// It is on record.
    Done(Done),
    /// It waits for a second person.
    Waits { waits: wire::Waits, collaboration: CollaborationId },
}

/// What is kept of it, for whoever reads it.
#[derive(serde::Serialize, serde::Deserialize)]
struct About {
    what: wire::ForTwo,
    agreement: Digest,
}

impl Desk<'_> {
    /// Whether two people of the caller's member decide this.
    pub(crate) fn takes_two(&self, what: FourEyes) -> bool {
        self.caller.tenant().is_some_and(|member| self.house.takes_two(member, what))
    }

    /// What of its member's waits for a second person.
    pub(crate) async fn waiting(&self, name: &str) -> Result<wire::AllWaits> {
        let seen = self.seen_whole(name, Action::ReadCollaboration).await?;
        let waiting = self.all_waiting(&seen.collaboration, &seen.member).await?;
        let shown = waiting.iter().map(|waits| self.shown_waiting(&seen, waits));
        Ok(wire::AllWaits { waiting: shown.collect::<Result<_>>()? })
    }

    /// Ends the waiting of something.
    pub(crate) async fn take_back(&self, name: &str, id: &str) -> Result<()> {
        let seen = self.seen_whole(name, Action::TakeBack).await?;
        let fingerprint = read_id(id).ok_or_else(absent)?;
        let taken = self.app.store.take_back(&seen.collaboration, &seen.member, &fingerprint);
        if taken.await.map_err(LogError::from)? { Ok(()) } else { Err(absent()) }
    }

    /// Which of two people the caller is, for what one or two decide.
    pub(super) async fn eyes(
        &self,
        name: &str,
        (kind, action): (FourEyes, Action),
        what: &wire::ForTwo,
        tied: &Tied,
    ) -> Result<Tied> {
        // What was done before under the same key is told again, whoever is there now.
        if !self.takes_two(kind) || self.app.repeated(tied).await?.is_some() {
            return Ok(tied.clone());
        }
        let seen = self.seen_whole(name, action).await?;
        if !self.caller.is_person() {
            let message =
                "two people of this member decide this, and the caller is not known to be one";
            return Err(Error::refused("person-needed", message)
                .help("a person of the member, by a token whose issuer says that it is one"));
        }
        let agreement = seen.state().digest().ok_or_else(absent)?;
        still_to_decide(&seen, what, agreement)?;
        let fingerprint = fingerprint(&seen, what, agreement);
        let waiting = self.all_waiting(&seen.collaboration, &seen.member).await?;
        let first = waiting.iter().find(|waits| waits.waiting.fingerprint == fingerprint);
        let by = *self.caller.principal().as_bytes();
        let eyes = match first {
            Some(waits) if waits.waiting.by != by => {
                Eyes::Second(Second { tenant: seen.member, fingerprint, by }, agreement)
            }
            Some(_) | None => Eyes::First(agreement),
        };
        Ok(Tied { eyes, ..tied.clone() })
    }

    /// What came of a turn: what is done, or has to wait from now on. `None` where another person began meanwhile, and the caller is the second after all.
    pub(super) async fn awaited(
        &self,
        name: &str,
        what: &wire::ForTwo,
        tied: &Tied,
        done: Result<Done>,
    ) -> Result<Option<Decided>> {
        let (agreement, error) = match (&tied.eyes, done) {
            (_, Ok(done)) => return Ok(Some(Decided::Done(done))),
            (Eyes::First(agreement), Err(error)) if error.code == "second-needed" => {
                (*agreement, error)
            }
            (Eyes::Enough | Eyes::First(_) | Eyes::Second(..), Err(error)) => return Err(error),
        };
        let seen = self.seen_whole(name, Action::ReadCollaboration).await?;
        still_to_decide(&seen, what, agreement)?;
        let (of, member) = (&seen.collaboration, &seen.member);
        if self.all_waiting(of, member).await?.len() >= WAITING_MAX {
            let message = "as much waits for a second person of this member as may";
            return Err(Error::refused("waiting-full", message)
                .help("a second person for some of it, or some of it taken back"));
        }
        let about = About { what: what.clone(), agreement };
        let waiting = Waiting {
            collaboration: of.clone(),
            tenant: member.clone(),
            fingerprint: fingerprint(&seen, what, agreement),
            by: *self.caller.principal().as_bytes(),
            about: serde_json::to_string(&about).map_err(|_| error)?,
        };
        self.app.store.wait(&waiting).await.map_err(LogError::from)?;
        let all = self.all_waiting(of, member).await?;
        let found = all.iter().find(|waits| waits.waiting.fingerprint == waiting.fingerprint);
        let Some(waits) = found.filter(|waits| waits.waiting.by == waiting.by) else {
            return Ok(None);
        };
        let waits = self.shown_waiting(&seen, waits)?;
        Ok(Some(Decided::Waits { waits, collaboration: of.clone() }))
    }

    async fn all_waiting(&self, of: &CollaborationId, member: &MemberId) -> Result<Vec<Waits>> {
        let all = self.app.store.waiting(of, member, WAITING_MAX).await;
        Ok(all.map_err(LogError::from)?)
    }

    fn shown_waiting(&self, seen: &Seen, waits: &Waits) -> Result<wire::Waits> {
        told(waits, seen.state().digest(), Some(self.caller.principal().as_bytes()))
    }

    /// Whether the operator's policies leave a collaboration to the caller, for a list.
    pub(super) fn is_listed(&self, name: &CollaborationId, stands: Stands) -> bool {
        let on = On::Collaboration(Some(stands));
        !self.house.forbids(self.caller, Action::ReadCollaboration, on, Some(name))
    }
}

/// What waits, on the agreement that counts now, for whoever looks.
pub(in crate::app) fn told(
    waits: &Waits,
    now: Option<Digest>,
    by: Option<&[u8; 32]>,
) -> Result<wire::Waits> {
    let Waits { waiting, asked_ms, until_ms } = waits;
    let About { what, agreement } = serde_json::from_str(&waiting.about)
        .map_err(|_| Error::failed("store-corrupt", "what waits can't be read"))?;
    Ok(wire::Waits {
        id: hex(&waiting.fingerprint),
        stands: now == Some(agreement),
        what,
        agreement: agreement.to_string(),
        asked_by: hex(&waiting.by).chars().take(12).collect(),
        yours: by == Some(&waiting.by),
        at_ms: *asked_ms,
        until_ms: *until_ms,
    })
}

/// Refuses what holds already, whoever decided it.
fn still_to_decide(seen: &Seen, what: &wire::ForTwo, agreement: Digest) -> Result<()> {
    if is_decided(seen, what, agreement) {
        let message = "this member decided that already";
        return Err(Error::refused("already-decided", message).help("nothing: it holds"));
    }
    Ok(())
}

/// Whether the member decided it before, and it holds.
fn is_decided(seen: &Seen, what: &wire::ForTwo, agreement: Digest) -> bool {
    match what {
        wire::ForTwo::Approval { template, digest } => {
            let version = Digest::try_from(digest.clone()).ok();
            let named = template.parse().ok().zip(version);
            let newest = seen.state().in_force().or(seen.state().waiting());
            named.is_some_and(|(template, digest)| {
                newest.and_then(|version| version.templates.get(&template)) == Some(&digest)
                    && seen.state().approvals(&template, digest).contains(&seen.member)
            })
        }
        wire::ForTwo::Waiver { room, at } => {
            let named = room.parse().ok().zip(TermPath::new(at).ok());
            named.is_some_and(|(room, at)| {
                seen.state().waived(agreement, &room, &at).contains(&seen.member)
            })
        }
    }
}

/// Of exactly this decision, in this member's name, on this agreement.
fn fingerprint(seen: &Seen, what: &wire::ForTwo, agreement: Digest) -> [u8; 32] {
    let what = mappings::agreement::canonical(&serde_json::json!(what));
    let (of, member) = (seen.collaboration.as_str(), seen.member.as_str());
    let agreement = agreement.to_string();
    let mut hash = Sha256::new_with_prefix(b"airlock/second/v1");
    for part in [of.as_bytes(), member.as_bytes(), agreement.as_bytes(), &what] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A fingerprint as it is written.
pub(in crate::app) fn read_id(text: &str) -> Option<[u8; 32]> {
    let is_plain =
        text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let bytes: Vec<u8> = (0..64).step_by(2).filter(|_| is_plain).filter_map(byte).collect();
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_text() {
        let id = "0123456789abcdef".repeat(4);
        assert_eq!(hex(&read_id(&id).unwrap()), id);
        for wrong in ["", &id[1..], &id.to_uppercase(), &format!("{id}00"), &id.replace('0', "+")] {
            assert_eq!(read_id(wrong), None, "{wrong}");
        }
    }
}
