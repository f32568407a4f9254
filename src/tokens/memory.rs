//! Good tokens, remembered by their digest, so that one that comes often is verified once. Only good ones are, so nobody can fill it with
//! others. Must not know how a token is verified.

use super::claims::Good;
use super::keys::KeySet;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// How many are remembered.
const KEPT_MAX: usize = 10_000;

/// A token's SHA-256.
pub(super) type Digest = [u8; 32];

/// Good tokens.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_digest: HashMap<Digest, Remembered>,
    /// The first to end first.
    by_end: BTreeSet<(i64, Digest)>,
}

/// A token that was good under these keys.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    pub(super) good: Good,
    /// Which of the verifier's issuers made it.
    pub(super) issuer: usize,
    /// That issuer's keys at the time.
    pub(super) keys: Arc<KeySet>,
}

impl Memory {
    pub(super) fn get(&self, digest: &Digest) -> Option<Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_digest.get(digest).cloned()
    }

    pub(super) fn forget(&self, digest: &Digest) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).forget(digest);
    }

    /// Remembers one; those that are over go, and where there are too many, those that end first.
    pub(super) fn keep(&self, digest: Digest, token: Remembered, now_ms: i64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.forget(&digest);
        while let Some((until_ms, first)) = kept.by_end.first().copied()
            && (until_ms <= now_ms || kept.by_end.len() >= KEPT_MAX)
        {
            kept.forget(&first);
        }
        kept.by_end.insert((token.good.until_ms, digest));
        kept.by_digest.insert(digest, token);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let kept = self.0.lock().unwrap();
        assert_eq!(kept.by_digest.len(), kept.by_end.len());
        kept.by_digest.len()
    }
}

impl Kept {
    fn forget(&mut self, digest: &Digest) {
        if let Some(gone) = self.by_digest.remove(digest) {
            self.by_end.remove(&(gone.good.until_ms, *digest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Caller, Who};

    fn token(until_ms: i64) -> Remembered {
        let caller = Caller::operator(Who::new("i", "s", false), until_ms);
        let good = Good { caller, from_ms: 0, until_ms };
        Remembered { good, issuer: 0, keys: Arc::default() }
    }

    fn digest(n: usize) -> Digest {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&n.to_be_bytes());
        digest
    }

    #[test]
    fn it_is_bounded_and_those_go_that_end_first() {
        let memory = Memory::default();
        for n in 0..KEPT_MAX + 10 {
            memory.keep(digest(n), token(1_000 + i64::try_from(n).unwrap()), 0);
        }
        assert_eq!(memory.len(), KEPT_MAX);
        assert!(memory.get(&digest(9)).is_none() && memory.get(&digest(10)).is_some());
        memory.keep(digest(0), token(2_000), 1_500);
        assert_eq!(memory.len(), KEPT_MAX + 10 - 501 + 1);
    }

    #[test]
    fn one_token_is_kept_once_and_can_be_forgotten() {
        let memory = Memory::default();
        memory.keep(digest(1), token(5), 0);
        memory.keep(digest(1), token(9), 0);
        assert_eq!(memory.len(), 1);
        assert_eq!(memory.get(&digest(1)).unwrap().good.until_ms, 9);
        memory.forget(&digest(1));
        memory.forget(&digest(1));
        assert_eq!(memory.len(), 0);
    }
}
