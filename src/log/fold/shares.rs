//! Result shares as the log tells them: who outside was opened which result until when, by which tokens it shows itself, and what it read. A share
//! is open while its own time, its token's, and everything that its result rests on allow it. Must not know tokens, only their digests; nor how a
//! result is read.

use super::legal::{Signer, by_gateway, by_member};
use super::{Illegal, State};
use crate::log::leaf::{Body, Leaf};
use mappings::model::{Digest, MemberId, RecipientId, RunId};
use std::collections::{BTreeMap, BTreeSet};

/// A share or a token lasts no longer.
const UNTIL_MAX_MS: i64 = 90 * 24 * 3_600_000;
/// Tokens of a recipient that are good at a time: the newest, and the one before it.
const TOKENS_MAX: usize = 2;
/// Recipients that a member may have in one collaboration at a time.
const RECIPIENTS_MAX: usize = 64;
/// Results that may be open to a recipient at a time.
const SHARES_MAX: usize = 512;
/// For so long a line stands for the same read again.
const READ_WINDOW_MS: i64 = 5 * 60_000;
/// Lines of one recipient within that.
pub const READS_MAX: usize = 256;

/// Every recipient, by whose it is and its name.
pub type Recipients = BTreeMap<(MemberId, RecipientId), Recipient>;

/// A token, by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareToken {
    /// Of the token.
    pub digest: Digest,
    /// Until when it is good.
    pub until_ms: i64,
}

/// One result, open to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The position of the leaf that opened it last.
    pub index: u64,
    /// Until when.
    pub until_ms: i64,
    /// Whether its files may be handed out as URLs of the storage.
    pub presigned: bool,
    /// When it was last put on record that it is read.
    pub read_ms: Option<i64>,
}

/// Somebody outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipient {
    /// The newest tokens, oldest first.
    pub tokens: Vec<ShareToken>,
    /// What was opened to it and not taken away.
    pub shares: BTreeMap<RunId, Share>,
    /// When it read what last, within the window.
    reads: BTreeMap<(RunId, Digest), i64>,
}

impl Recipient {
    fn keyed(&mut self, digest: Digest, until_ms: i64, alone: bool) {
        if alone {
            self.tokens.clear();
        }
        self.tokens.push(ShareToken { digest, until_ms });
        let over = self.tokens.len().saturating_sub(TOKENS_MAX);
        self.tokens.drain(..over);
    }

    fn recent(&self, now_ms: i64) -> impl Iterator<Item = &(RunId, Digest)> {
        let since = now_ms.saturating_sub(READ_WINDOW_MS);
        self.reads.iter().filter(move |(_, at)| **at > since).map(|(what, _)| what)
    }
}

impl State {
    /// Every recipient that has not lost everything.
    #[must_use]
    pub const fn recipients(&self) -> &Recipients {
        &self.recipients
    }

    /// A time as this log has it: what it has seen does not unhappen.
    #[must_use]
    pub fn log_time(&self, now_ms: i64) -> i64 {
        now_ms.max(self.last_at_ms)
    }

    /// What is open to a recipient at a time, as things are agreed now.
    #[must_use]
    pub fn share(
        &self,
        (by, recipient): (&MemberId, &RecipientId),
        run: &RunId,
        now_ms: i64,
    ) -> Option<&Share> {
        let known = self.recipients.get(&(by.clone(), recipient.clone()))?;
        let share = known.shares.get(run).filter(|share| self.log_time(now_ms) < share.until_ms)?;
        self.may_share(run, by).is_ok().then_some(share)
    }

    /// Whether reading this now takes a line of its own.
    #[must_use]
    pub fn read_is_due(
        &self,
        (by, recipient): (&MemberId, &RecipientId),
        what: &(RunId, Digest),
        now_ms: i64,
    ) -> bool {
        let known = self.recipients.get(&(by.clone(), recipient.clone()));
        let now_ms = self.log_time(now_ms);
        !known.is_some_and(|known| known.recent(now_ms).any(|one| one == what))
    }

    pub(super) fn legal_share(&self, leaf: &Leaf) -> Signer {
        if let Body::ResultShared { by, recipient, run, until_ms, token, .. } = &leaf.body {
            by_member(leaf, by)?;
            self.may_share(run, by)?;
            lasts(leaf.at_ms, *until_ms)?;
            self.legal_shared((by, recipient), run, (*token, leaf.at_ms))?;
            return self.known_key(by);
        }
        if let Body::RecipientKeyed { by, recipient, token, until_ms, .. } = &leaf.body {
            by_member(leaf, by)?;
            lasts(leaf.at_ms, *until_ms)?;
            self.recipient(by, recipient)?;
            self.is_new(*token)?;
            return self.known_key(by);
        }
        if let Body::ShareEnded { by, recipient, run } = &leaf.body {
            by_member(leaf, by)?;
            let known = self.recipient(by, recipient)?;
            let is_open = |run: &RunId| known.shares.contains_key(run);
            let named = run.as_ref().is_none_or(is_open);
            return if named { self.known_key(by) } else { Err(Illegal::ShareUnknown) };
        }
        let Body::ShareRead { by, recipient, run, sha256 } = &leaf.body else {
            return Err(Illegal::Actor);
        };
        let (of, now) = ((by, recipient), leaf.at_ms);
        self.share(of, run, now).ok_or(Illegal::ShareUnknown)?;
        let known = self.recipient(by, recipient)?;
        if !known.tokens.iter().any(|token| now < token.until_ms) {
            return Err(Illegal::RecipientUnknown);
        }
        if !self.read_is_due(of, &(run.clone(), *sha256), now) {
            return Err(Illegal::ReadRepeated);
        }
        let is_full = known.recent(now).count() >= READS_MAX;
        if is_full { Err(Illegal::ReadsMax) } else { by_gateway(leaf) }
    }

    fn recipient(&self, by: &MemberId, recipient: &RecipientId) -> Result<&Recipient, Illegal> {
        let known = self.recipients.get(&(by.clone(), recipient.clone()));
        known.ok_or(Illegal::RecipientUnknown)
    }

    fn legal_shared(
        &self,
        (by, recipient): (&MemberId, &RecipientId),
        run: &RunId,
        (token, now_ms): (Option<Digest>, i64),
    ) -> Result<(), Illegal> {
        let known = self.recipients.get(&(by.clone(), recipient.clone()));
        match (token, known) {
            (Some(token), _) => self.is_new(token)?,
            (None, Some(known)) if known.tokens.iter().any(|one| now_ms < one.until_ms) => {}
            (None, _) => return Err(Illegal::RecipientUnknown),
        }
        let others = known.into_iter().flat_map(|known| &known.shares);
        let open = others.filter(|(of, share)| *of != run && now_ms < share.until_ms);
        if open.count() >= SHARES_MAX {
            return Err(Illegal::SharesMax);
        }
        let own = self.recipients.keys().filter(|(of, _)| of == by).count();
        if known.is_none() && own >= RECIPIENTS_MAX {
            return Err(Illegal::RecipientsMax);
        }
        Ok(())
    }

    /// A token is given once, to one recipient.
    fn is_new(&self, token: Digest) -> Result<(), Illegal> {
        let used = self.share_tokens.contains(&token);
        if used { Err(Illegal::TokenUsed) } else { Ok(()) }
    }

    pub(super) fn record_share(&mut self, index: u64, leaf: &Leaf) {
        let at_ms = leaf.at_ms;
        if let Body::ResultShared { by, recipient, run, until_ms, presigned, token } = &leaf.body {
            self.share_tokens.extend(*token);
            let known = self.recipients.entry((by.clone(), recipient.clone())).or_default();
            // What is over makes room.
            known.shares.retain(|_, share| at_ms < share.until_ms);
            let (until_ms, presigned) = (*until_ms, *presigned);
            let read_ms = known.shares.get(run).and_then(|share| share.read_ms);
            known.shares.insert(run.clone(), Share { index, until_ms, presigned, read_ms });
            if let Some(token) = token {
                known.keyed(*token, until_ms, false);
            }
        }
        if let Body::RecipientKeyed { by, recipient, token, until_ms, alone } = &leaf.body
            && let Some(known) = self.recipients.get_mut(&(by.clone(), recipient.clone()))
        {
            known.keyed(*token, *until_ms, *alone);
            self.share_tokens.insert(*token);
        }
        if let Body::ShareEnded { by, recipient, run } = &leaf.body {
            let of = (by.clone(), recipient.clone());
            match run {
                Some(run) => {
                    if let Some(known) = self.recipients.get_mut(&of) {
                        known.shares.remove(run);
                    }
                }
                None => drop(self.recipients.remove(&of)),
            }
        }
        if let Body::ShareRead { by, recipient, run, sha256 } = &leaf.body
            && let Some(known) = self.recipients.get_mut(&(by.clone(), recipient.clone()))
        {
            let since = at_ms.saturating_sub(READ_WINDOW_MS);
            known.reads.retain(|_, at| *at > since);
            known.reads.insert((run.clone(), *sha256), at_ms);
            if let Some(share) = known.shares.get_mut(run) {
                share.read_ms = Some(at_ms);
            }
        }
    }
}

/// Digests of every token that was given.
pub(super) type Given = BTreeSet<Digest>;

fn lasts(at_ms: i64, until_ms: i64) -> Result<(), Illegal> {
    let lasts = until_ms.saturating_sub(at_ms);
    if (1..=UNTIL_MAX_MS).contains(&lasts) { Ok(()) } else { Err(Illegal::ShareTime) }
}
