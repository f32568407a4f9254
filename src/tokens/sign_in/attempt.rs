//! One attempt to sign in: what its browser keeps, and what is derived from that under a secret of this process, so that nothing is kept here of
//! whoever never comes back. What came back once is remembered until it would be too old anyway. Must not know issuers, nor tokens.

use super::{NotIn, sha256};
use crate::error::{Error, Result};
use crate::tokens::jws::{decoded, encoded};
use hmac::digest::{Key, Output};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Whoever was sent comes back within so long.
pub(crate) const LASTS_MS: i64 = 10 * 60 * 1_000;
/// Attempts that came back and are not too old; more than would be made in ten minutes without ill will.
const SPENT_MAX: usize = 16 * 1_024;

/// Random bytes that only this process knows. The one that is made by default is for nobody's attempts.
#[derive(Default)]
pub(super) struct Secret(Key<Hmac<Sha256>>);

impl Secret {
    /// A new one.
    pub(super) fn random() -> Result<Self> {
        let mut bytes = Key::<Hmac<Sha256>>::default();
        getrandom::fill(&mut bytes).map_err(|_| {
            Error::failed("randomness-unavailable", "the system gave no randomness")
        })?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What a browser keeps of a new attempt: what nobody guesses, and when it began. Nothing where the system gives no randomness.
pub(super) fn kept(steady_ms: i64) -> Option<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).ok()?;
    Some(format!("{}.{steady_ms}", encoded(&bytes)))
}

/// The S256 challenge of a verifier (RFC 7636, section 4.2).
pub(super) fn challenge(verifier: &str) -> String {
    encoded(&sha256(verifier))
}

/// An attempt by one way.
pub(super) struct Attempt<'a> {
    secret: &'a Secret,
    way: &'a str,
    kept: &'a str,
}

impl<'a> Attempt<'a> {
    /// That of a browser that keeps this; whether it was sent from here is not known yet.
    pub(super) const fn of(secret: &'a Secret, way: &'a str, kept: &'a str) -> Self {
        Self { secret, way, kept }
    }

    /// What the browser has to bring back beside what it keeps.
    pub(super) fn state(&self) -> String {
        encoded(&self.derived("state").finalize().into_bytes())
    }

    /// What the ID token has to have in it.
    pub(super) fn nonce(&self) -> String {
        encoded(&self.derived("nonce").finalize().into_bytes())
    }

    /// What shows that a code is exchanged by whoever asked for it; 43 letters.
    pub(super) fn verifier(&self) -> String {
        encoded(&self.derived("verifier").finalize().into_bytes())
    }

    /// Until when what is brought would be taken, if it belongs to what is kept and is not too old.
    pub(super) fn asked(&self, state: &str, steady_ms: i64) -> Option<i64> {
        let state = decoded(state).ok()?;
        if state.len() != Output::<Sha256>::default().len() {
            return None;
        }
        self.derived("state").verify_slice(&state).ok()?;
        // What is kept was made here, or no state would belong to it.
        let began_ms: i64 = self.kept.rsplit_once('.')?.1.parse().ok()?;
        let ends_ms = began_ms.saturating_add(LASTS_MS);
        (began_ms <= steady_ms && steady_ms < ends_ms).then_some(ends_ms)
    }

    fn derived(&self, what: &str) -> Hmac<Sha256> {
        let mut keyed = <Hmac<Sha256> as hmac::Mac>::new(&self.secret.0);
        for part in ["airlock/sign-in/v1", what, self.way, self.kept] {
            keyed.update(&(part.len() as u64).to_be_bytes());
            keyed.update(part.as_bytes());
        }
        keyed
    }
}

/// Attempts that came back.
#[derive(Debug, Default)]
pub(super) struct Spent(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    spent: BTreeSet<[u8; 32]>,
    /// The first to end first.
    by_end: BTreeSet<(i64, [u8; 32])>,
    /// The last end of those that were forgotten before it: of none that ends no later can be said whether it came back.
    forgotten_ms: Option<i64>,
}

impl Spent {
    /// Takes an attempt, which nobody does twice. Where too many came back, the one that ends first is forgotten, and none that ends as early is
    /// taken any more: whoever begins anew is not kept out by strangers.
    pub(super) fn spend(&self, kept: &str, ends_ms: i64, steady_ms: i64) -> Result<(), NotIn> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = sha256(kept);
        if known.forgotten_ms.is_some_and(|last_ms| ends_ms <= last_ms) || !known.spent.insert(key)
        {
            return Err(NotIn::State);
        }
        known.by_end.insert((ends_ms, key));
        while let Some((first_ms, first)) = known.by_end.first().copied()
            && (first_ms <= steady_ms || known.by_end.len() > SPENT_MAX)
        {
            known.by_end.remove(&(first_ms, first));
            known.spent.remove(&first);
            known.forgotten_ms = known.forgotten_ms.max(Some(first_ms));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_brought_belongs_to_what_is_kept_for_ten_minutes() {
        let secret = Secret::random().unwrap();
        let keeps = kept(5_000).unwrap();
        let attempt = Attempt::of(&secret, "corp", &keeps);
        let state = attempt.state();
        let until = 5_000 + LASTS_MS;
        assert_eq!(attempt.asked(&state, 5_000), Some(until));
        assert_eq!(attempt.asked(&state, until - 1), Some(until));
        assert_eq!(attempt.asked(&state, until), None);
        assert_eq!(attempt.asked(&state, 4_999), None, "nor before");
        let other = kept(5_000).unwrap();
        assert_ne!(keeps, other);
        let later = keeps.replace(".5000", ".9000");
        for (way, kept) in
            [("corp", other.as_str()), ("other", &keeps), ("corp", &later), ("corp", "")]
        {
            assert_eq!(Attempt::of(&secret, way, kept).asked(&state, 9_500), None, "{way} {kept}");
        }
        let restarted = Secret::random().unwrap();
        assert_eq!(Attempt::of(&restarted, "corp", &keeps).asked(&state, 5_000), None);
        for wrong in
            ["", "x", &state[1..], &format!("{state}="), &format!("{state}A"), &attempt.nonce()]
        {
            assert_eq!(attempt.asked(wrong, 5_000), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_derived_is_apart_and_what_is_sent_tells_nothing_of_what_is_not() {
        let secret = Secret::random().unwrap();
        let keeps = kept(0).unwrap();
        let attempt = Attempt::of(&secret, "corp", &keeps);
        let all =
            [attempt.state(), attempt.nonce(), attempt.verifier(), challenge(&attempt.verifier())];
        for (n, one) in all.iter().enumerate() {
            assert_eq!(one.len(), 43);
            assert!(
                all.iter().skip(n + 1).all(|other| other != one) && !keeps.contains(one.as_str())
            );
        }
        // RFC 7636, appendix B.
        let challenged = challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenged, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(!format!("{secret:?}").contains('0'));
    }

    #[test]
    fn an_attempt_is_taken_once_also_where_it_was_forgotten() {
        let spent = Spent::default();
        assert_eq!(spent.spend("one", 100, 0), Ok(()));
        assert_eq!(spent.spend("one", 100, 0), Err(NotIn::State));
        for n in 1..SPENT_MAX {
            assert_eq!(spent.spend(&n.to_string(), 200, 0), Ok(()));
        }
        assert_eq!(spent.spend("one", 100, 99), Err(NotIn::State));
        assert_eq!(spent.spend("more", 300, 0), Ok(()), "nobody is kept out");
        assert_eq!(spent.spend("more", 300, 0), Err(NotIn::State));
        assert_eq!(spent.spend("2", 200, 0), Err(NotIn::State), "those that end later are known");
        assert_eq!(
            spent.spend("one", 100, 99),
            Err(NotIn::State),
            "it was forgotten, and is refused"
        );
        assert_eq!(spent.spend("as early", 100, 99), Err(NotIn::State), "as is what might be it");
        assert_eq!(spent.spend("later", 101, 99), Ok(()), "its twin is not");
    }

    #[test]
    fn none_is_taken_twice_however_many_come_back() {
        let spent = Spent::default();
        let all =
            || (0..i64::try_from(SPENT_MAX).unwrap() + 500).map(|n| (n.to_string(), 1_000 + n));
        assert!(all().all(|(kept, ends_ms)| spent.spend(&kept, ends_ms, 0) == Ok(())));
        assert!(all().all(|(kept, ends_ms)| spent.spend(&kept, ends_ms, 0).is_err()));
        let known = spent.0.lock().unwrap();
        assert_eq!((known.spent.len(), known.by_end.len()), (SPENT_MAX, SPENT_MAX));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_made_up_is_taken(kept in ".{0,80}", way in "[a-z]{1,8}", state in "[A-Za-z0-9_-]{43}", at in any::<i64>()) {
            let secret = Secret::random().unwrap();
            prop_assert_eq!(Attempt::of(&secret, &way, &kept).asked(&state, at), None);
        }
    }
}
