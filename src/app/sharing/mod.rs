//! Results that members open to recipients outside: opened, ended, rotated, shown. Each is a decision on record; what is read under them is
//! `guest`'s. A token is made here, shown once, and known by its digest from then on. Must not know HTTP, nor how a result is written.

mod guest;

pub(crate) use guest::{Guest, OpenFile, Query, Told, table_id};

use super::desk::in_time;
use super::{App, House, Recorded, Tied, members};
use crate::error::{Error, Result};
use crate::log::{Body, Recipient, SecretKey, State};
use crate::results::{self, Place, ResultsError, Verified};
use crate::sharing::{Bearer, Fresh, Words};
use crate::wire;
use mappings::model::{CollaborationId, Digest, MemberId, RecipientId, RunId};
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};

/// What this process keeps for shares.
#[derive(Debug)]
pub(crate) struct Sharing {
    words: Words,
    verified: Verified,
    ending: Mutex<BTreeSet<Ending>>,
}

/// Something that is being taken away, on record or not yet.
type Ending = (CollaborationId, MemberId, RecipientId, Option<RunId>);

impl Sharing {
    pub(crate) fn of(key: &SecretKey) -> Self {
        let (verified, ending) = (Verified::default(), Mutex::default());
        Self { words: Words::of(key), verified, ending }
    }

    /// Whether a member is taking this away. While its log can't be written, that is so here until it can.
    fn is_ending(&self, of: &Bearer, run: Option<&RunId>) -> bool {
        let all = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = |run: Option<&RunId>| {
            let (by, recipient) = (of.by.clone(), of.recipient.clone());
            all.contains(&(of.collaboration.clone(), by, recipient, run.cloned()))
        };
        !all.is_empty() && (ends(None) || run.is_some() && ends(run))
    }

    fn begin(&self, ending: Ending) {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).insert(ending);
    }

    fn done(&self, ending: &Ending) {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).remove(ending);
    }
}

/// A result that a member would open.
#[derive(Debug, Clone)]
pub struct ShareRequest {
    /// The collaboration.
    pub collaboration: CollaborationId,
    /// The run.
    pub run: RunId,
    /// Who received it, and opens it.
    pub by: MemberId,
    /// To whom.
    pub recipient: RecipientId,
    /// Until when, in milliseconds since 1970.
    pub until_ms: i64,
    /// Whether its files may be handed out as URLs of the storage.
    pub presigned: bool,
    /// Whether the recipient gets another token, also where it has a good one.
    pub new_token: bool,
}

/// Another token for a recipient.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The collaboration.
    pub collaboration: CollaborationId,
    /// Whose recipient.
    pub by: MemberId,
    /// Which.
    pub recipient: RecipientId,
    /// Until when, in milliseconds since 1970.
    pub until_ms: i64,
    /// Whether older tokens end now.
    pub alone: bool,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) recorded: Recorded,
    /// The token that is good from now on; none where the recipient had one, or it was shown before.
    pub(crate) fresh: Option<Fresh>,
}

impl App {
    /// Opens a result to a recipient, if it lies at the member's destination as it was signed. `house` says which destinations are a member's.
    pub(crate) async fn share(
        &self,
        house: Option<&House>,
        asked: &ShareRequest,
        tied: &Tied,
    ) -> Result<Opened> {
        let ShareRequest { collaboration: of, run, by, recipient, until_ms, presigned, .. } = asked;
        let key = members::signing_key(&self.home, by)?;
        self.lies_there(house, (of, by), run).await?;
        let fresh = self.sharing.words.token((of, by), recipient)?;
        let body = |state: &State| {
            let known = state.recipients().get(&(by.clone(), recipient.clone()));
            let now = state.log_time(self.clock.now_ms());
            let has = known.is_some_and(|known| known.tokens.iter().any(|one| now < one.until_ms));
            Ok(Body::ResultShared {
                run: run.clone(),
                by: by.clone(),
                recipient: recipient.clone(),
                until_ms: *until_ms,
                presigned: *presigned,
                token: (asked.new_token || !has).then_some(fresh.digest),
            })
        };
        let recorded = self.decide(of, (by, &key), tied, body).await?;
        let of = (of, (by.clone(), recipient.clone()));
        Ok(Opened { fresh: self.given(of, fresh, recorded.repeated).await?, recorded })
    }

    async fn lies_there(
        &self,
        house: Option<&House>,
        (of, by): (&CollaborationId, &MemberId),
        run: &RunId,
    ) -> Result<()> {
        let state = self.load(of).await?.state;
        state.may_share(run, by)?;
        let known = state.runs().get(run).ok_or_else(absent)?;
        let found = self.received(of, (&*state, known), by).await?;
        if let Some(house) = house {
            house.receives(by, &found.destination)?;
        }
        let place = Place::look(&found.destination)?;
        let manifest = in_time(results::manifest_of(&place, (of, run), found.manifest)).await?.0;
        if manifest.verifies(&self.key.public()) && manifest.receiver == *by {
            return Ok(());
        }
        Err(ResultsError::ManifestSignature.into())
    }

    /// Gives a recipient another token.
    pub(crate) async fn rotate(&self, asked: &TokenRequest, tied: &Tied) -> Result<Opened> {
        let TokenRequest { collaboration: of, by, recipient, until_ms, alone } = asked;
        let key = members::signing_key(&self.home, by)?;
        let fresh = self.sharing.words.token((of, by), recipient)?;
        let body = Body::RecipientKeyed {
            by: by.clone(),
            recipient: recipient.clone(),
            token: fresh.digest,
            until_ms: *until_ms,
            alone: *alone,
        };
        let recorded = self.decide(of, (by, &key), tied, |_| Ok(body.clone())).await?;
        let fresh = (!recorded.repeated).then_some(fresh);
        Ok(Opened { recorded, fresh })
    }

    /// The token, if it is the one that was put on record.
    async fn given(
        &self,
        (of, whose): (&CollaborationId, (MemberId, RecipientId)),
        fresh: Fresh,
        is_repeated: bool,
    ) -> Result<Option<Fresh>> {
        if is_repeated {
            return Ok(None);
        }
        let state = self.load(of).await?.state;
        let known = state.recipients().get(&whose);
        let is = known.is_some_and(|known| known.tokens.iter().any(|t| t.digest == fresh.digest));
        Ok(is.then_some(fresh))
    }

    /// Takes a share away, or all of a recipient's with its tokens. It is closed here before it is on record, and stays so while that can't be.
    pub async fn unshare(
        &self,
        of: &CollaborationId,
        (by, recipient): (&MemberId, &RecipientId),
        run: Option<&RunId>,
        tied: &Tied,
    ) -> Result<Recorded> {
        let key = members::signing_key(&self.home, by)?;
        let ending = (of.clone(), by.clone(), recipient.clone(), run.cloned());
        self.sharing.begin(ending.clone());
        let body =
            Body::ShareEnded { by: by.clone(), recipient: recipient.clone(), run: run.cloned() };
        let ended = self.decide(of, (by, &key), tied, |_| Ok(body.clone())).await;
        // Whatever else is wrong, a log that was rolled back among it, it may be open as soon as that is over.
        let is_nothing =
            |error: &Error| matches!(error.code.as_str(), "share-unknown" | "recipient-unknown");
        if ended.as_ref().err().is_none_or(is_nothing) {
            self.sharing.done(&ending);
        }
        ended
    }

    /// Recipients of a collaboration and what is open to each.
    pub async fn recipients(&self, of: &CollaborationId) -> Result<Vec<wire::Recipient>> {
        let state = self.load_denying(of).await?.state;
        Ok(self.recipients_of(&state, None).collect())
    }

    /// The same of a state, after one of them.
    pub(crate) fn recipients_of<'s>(
        &self,
        state: &'s State,
        after: Option<&(MemberId, RecipientId)>,
    ) -> impl Iterator<Item = wire::Recipient> + use<'s> {
        let now = state.log_time(self.clock.now_ms());
        let shown =
            move |((by, recipient), known): (&'s (MemberId, RecipientId), &'s Recipient)| {
                let good = known.tokens.iter().filter(|token| now < token.until_ms);
                wire::Recipient {
                    recipient: recipient.to_string(),
                    by: by.to_string(),
                    tokens_until_ms: good.map(|token| token.until_ms).collect(),
                    results: shared(state, (by, known), now),
                }
            };
        let from = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        state.recipients().range::<(MemberId, RecipientId), _>(from).map(shown)
    }
}

fn shared(
    state: &State,
    (by, known): (&MemberId, &Recipient),
    now: i64,
) -> Vec<wire::SharedResult> {
    let shown = known.shares.iter().map(|(run, share)| {
        let over = (now >= share.until_ms).then_some("share-over");
        let denied = || state.may_share(run, by).err().map(|denied| denied.code);
        wire::SharedResult {
            run: run.to_string(),
            template: state.runs().get(run).map(|run| run.template.to_string()),
            index: share.index,
            until_ms: share.until_ms,
            presigned: share.presigned,
            read_ms: share.read_ms,
            closed: over.or_else(denied).map(str::to_owned),
        }
    });
    shown.collect()
}

/// What a recipient works with: a profile file of the protocol.
pub(crate) fn profile(endpoint: &str, fresh: &Fresh, until_ms: i64) -> wire::ShareProfile {
    let until = chrono::DateTime::from_timestamp_millis(until_ms);
    wire::ShareProfile {
        share_credentials_version: 1,
        endpoint: format!("{}/delta-sharing/", endpoint.trim_end_matches('/')),
        bearer_token: fresh.text.clone(),
        expiration_time: until.map(|at| at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()),
    }
}

/// A digest without what names its kind, for a URL.
fn bare(digest: Digest) -> String {
    digest.to_string().replace("sha256:", "")
}

/// There is nothing, or nothing that the recipient may see.
fn absent() -> Error {
    Error::invalid(
        "not-found",
        "there is nothing of this name, or nothing that this caller may see",
    )
}

#[cfg(test)]
mod tests;
