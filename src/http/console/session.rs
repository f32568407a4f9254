//! Sessions: who signed in, for how long, and what was told to whom since. They are kept in this process, under the digest of what the
//! browser has, so that nothing that is kept lets anybody in. Must not know HTTP, nor what a caller may do.

use super::super::problem::Own;
use crate::access::Caller;
use crate::clock::Clock;
use crate::tokens::{Leaves, SignedIn};
use crate::wire::Receipt;
use hmac::{Hmac, Mac as _};
use mappings::model::MemberId;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A session lasts at most so long, whatever is done in it.
pub(super) const LASTS_MS: i64 = 30 * 60 * 1000;
/// Sessions of one member, and of all.
const OF_MEMBER_MAX: usize = 32;
const ALL_MAX: usize = 1_024;
/// What is told of decisions is kept for so many.
const TOLD_MAX: usize = 8;

/// Random bytes that only this process knows.
#[derive(Clone, PartialEq, Eq)]
struct Secret([u8; 32]);

impl Secret {
    fn new() -> Result<Self, Own> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|_| Own::Bug)?;
        Ok(Self(bytes))
    }

    fn hex(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A decision.
    Decided,
    /// A withdrawal, which may be in force in this gateway alone.
    Denied,
    /// Something of which nothing is recorded.
    Asked,
}

/// What came of it.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) collaboration: String,
    /// What was decided, in words.
    pub(super) what: String,
    /// The proof that it is on record; none while it is in force in this gateway alone.
    pub(super) receipt: Option<Receipt>,
    /// Why it is not on record, by code.
    pub(super) why: Option<String>,
    /// Whether it was on record before, by the same form.
    pub(super) repeated: bool,
    pub(super) kind: Kind,
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    caller: Caller,
    secret: Secret,
    ends_ms: i64,
    told: Mutex<(u64, VecDeque<(u64, Told)>)>,
    /// What signs out at the issuer as well.
    leaves: Option<Leaves>,
}

impl Session {
    /// Who signed in.
    pub(super) const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What signs out at the issuer as well, where somebody signed in there and that is set.
    pub(super) const fn leaves(&self) -> Option<&Leaves> {
        self.leaves.as_ref()
    }

    /// The token of a form of this session, for one action on one object, each part with its length before it.
    pub(super) fn token(&self, action: &str, object: &[&str]) -> String {
        hex(&self.keyed(action, object).finalize().into_bytes())
    }

    /// Whether a token is that.
    pub(super) fn made(&self, token: &str, action: &str, object: &[&str]) -> bool {
        let bytes = unhex(token);
        bytes.is_some_and(|bytes| self.keyed(action, object).verify_slice(&bytes).is_ok())
    }

    fn keyed(&self, action: &str, object: &[&str]) -> Hmac<Sha256> {
        let key = hmac::digest::Key::<Hmac<Sha256>>::default();
        let keyed = Hmac::<Sha256>::new_from_slice(&self.secret.0);
        let mut keyed = keyed.unwrap_or_else(|_| <Hmac<Sha256> as hmac::Mac>::new(&key));
        for part in ["airlock/form/v1", action].iter().chain(object) {
            keyed.update(&(part.len() as u64).to_be_bytes());
            keyed.update(part.as_bytes());
        }
        keyed
    }

    /// Keeps what is told, under a number.
    pub(super) fn tell(&self, told: Told) -> u64 {
        let mut kept = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let number = kept.0;
        kept.0 += 1;
        kept.1.push_back((number, told));
        if kept.1.len() > TOLD_MAX {
            kept.1.pop_front();
        }
        number
    }

    /// What was told under this number, of this collaboration.
    pub(super) fn told(&self, number: u64, collaboration: &str) -> Option<Told> {
        let kept = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.1.iter().find(|(known, _)| *known == number);
        found.map(|(_, told)| told.clone()).filter(|told| told.collaboration == collaboration)
    }
}

/// Everybody who signed in.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<BTreeMap<[u8; 32], Arc<Session>>>);

impl Sessions {
    /// Begins one; what names it is for the browser alone. A member that has its share loses the oldest of whoever has most of them; no
    /// member's sign-in takes anything from another's.
    pub(super) fn begin(&self, caller: Caller, clock: &dyn Clock) -> Result<String, Own> {
        self.begin_at(SignedIn { caller, leaves: None }, clock)
    }

    /// The same for whoever signed in at an issuer.
    pub(super) fn begin_at(&self, who: SignedIn, clock: &dyn Clock) -> Result<String, Own> {
        let SignedIn { caller, leaves } = who;
        let (id, secret) = (Secret::new()?.hex(), Secret::new()?);
        let (now_ms, steady_ms) = (clock.now_ms(), clock.steady_ms());
        let caller = caller.in_session(now_ms.saturating_add(LASTS_MS));
        let member = caller.tenant().cloned().ok_or(Own::ConsoleOfMembers)?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, session| session.ends_ms > steady_ms);
        if of(&all, &member).count() >= OF_MEMBER_MAX
            && let Some(oldest) = spared(&all, &member)
        {
            all.remove(&oldest);
        }
        if all.len() >= ALL_MAX {
            return Err(Own::TooManyRequests);
        }
        let ends_ms = steady_ms.saturating_add(LASTS_MS);
        let session = Session { caller, secret, ends_ms, told: Mutex::default(), leaves };
        all.insert(digest(&id), Arc::new(session));
        Ok(id)
    }

    /// The session that a browser names, while it lasts.
    pub(super) fn known(&self, id: &str, clock: &dyn Clock) -> Option<Arc<Session>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = digest(id);
        let found = all.get(&key).map(Arc::clone)?;
        if found.ends_ms > clock.steady_ms() {
            return Some(found);
        }
        all.remove(&key);
        None
    }

    /// Ends one.
    pub(super) fn end(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest(id));
    }
}

type Kept = BTreeMap<[u8; 32], Arc<Session>>;

fn of<'a>(
    all: &'a Kept,
    member: &'a MemberId,
) -> impl Iterator<Item = (&'a [u8; 32], &'a Session)> {
    let all = all.iter().map(|(key, session)| (key, session.as_ref()));
    all.filter(move |(_, session)| session.caller.tenant() == Some(member))
}

/// The oldest session of whoever has most of a member's.
fn spared(all: &Kept, member: &MemberId) -> Option<[u8; 32]> {
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for (_, session) in of(all, member) {
        *counts.entry(session.caller.principal()).or_default() += 1;
    }
    let (most, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    let theirs = of(all, member).filter(|(_, session)| session.caller.principal() == most);
    theirs.min_by_key(|(_, session)| session.ends_ms).map(|(key, _)| *key)
}

fn digest(id: &str) -> [u8; 32] {
    Sha256::new_with_prefix("airlock/session/v1").chain_update(id).finalize().into()
}

/// A new name for something that is done once.
pub(super) fn key() -> String {
    Secret::new().map(|secret| secret.hex()).unwrap_or_default()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let good = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let pairs = (0..32).map(|n| u8::from_str_radix(text.get(n * 2..n * 2 + 2)?, 16).ok());
    if good { pairs.collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Role, Who};
    use crate::clock::FixedClock;
    use std::collections::BTreeSet;

    fn caller(member: &str, subject: &str) -> Caller {
        let roles = BTreeSet::from([Role::Analyst]);
        let member = MemberId::new(member).unwrap();
        Caller::of_member(member, Who::new("issuer", subject, false), roles, 1).unwrap()
    }

    #[test]
    fn a_session_lasts_half_an_hour_and_no_longer_whatever_is_done_in_it() {
        let (sessions, clock) = (Sessions::default(), FixedClock::new(1_000));
        let id = sessions.begin(caller("grocer", "a"), &clock).unwrap();
        clock.step(LASTS_MS - 1);
        let known = sessions.known(&id, &clock).unwrap();
        assert_eq!(known.caller().expires_ms(), 1_000 + LASTS_MS);
        clock.step(1);
        assert!(sessions.known(&id, &clock).is_none());
        clock.step(-LASTS_MS);
        assert!(sessions.known(&id, &clock).is_none(), "it does not begin again");
        let other = sessions.begin(caller("grocer", "a"), &clock).unwrap();
        assert!(sessions.known(&other, &clock).is_some() && sessions.known("", &clock).is_none());
        sessions.end(&other);
        assert!(sessions.known(&other, &clock).is_none());
    }

    #[test]
    fn whoever_signs_in_often_signs_out_nobody_else() {
        let (sessions, clock) = (Sessions::default(), FixedClock::new(1_000));
        let officer = sessions.begin(caller("grocer", "officer"), &clock).unwrap();
        let brand = sessions.begin(caller("brand", "a"), &clock).unwrap();
        for _ in 0..OF_MEMBER_MAX * 3 {
            clock.step(1);
            sessions.begin(caller("grocer", "often"), &clock).unwrap();
        }
        assert!(sessions.known(&officer, &clock).is_some());
        assert!(sessions.known(&brand, &clock).is_some());
        assert_eq!(sessions.0.lock().unwrap().len(), OF_MEMBER_MAX + 1);
    }

    #[test]
    fn there_are_so_many_in_all_and_then_nobody_gets_in() {
        let (sessions, clock) = (Sessions::default(), FixedClock::new(1_000));
        let begin =
            |n: usize| sessions.begin(caller(&format!("m{}", n / OF_MEMBER_MAX), "a"), &clock);
        for n in 0..ALL_MAX {
            begin(n).unwrap();
        }
        assert_eq!(begin(ALL_MAX), Err(Own::TooManyRequests));
        clock.step(LASTS_MS);
        assert!(begin(ALL_MAX).is_ok(), "those that are over take no place");
    }

    #[test]
    fn a_forms_token_is_of_one_session_one_action_and_one_object() {
        let (sessions, clock) = (Sessions::default(), FixedClock::new(1_000));
        let begin =
            || sessions.known(&sessions.begin(caller("grocer", "a"), &clock).unwrap(), &clock);
        let (one, other) = (begin().unwrap(), begin().unwrap());
        let token = one.token("join", &["spring"]);
        assert!(one.made(&token, "join", &["spring"]));
        assert!(!other.made(&token, "join", &["spring"]));
        assert!(!one.made(&token, "decline", &["spring"]));
        assert!(
            !one.made(&token, "join", &["autumn"]) && !one.made(&token, "join", &["spring", ""])
        );
        assert!(!one.made(&one.token("join", &["a", "b"]), "join", &["ab", ""]));
        for forged in ["", "0", &token[1..], &token.to_uppercase(), &"0".repeat(64)] {
            assert!(!one.made(forged, "join", &["spring"]), "{forged}");
        }
        let shown = format!("{one:?}");
        assert!(!shown.contains(&one.secret.hex()), "{shown}");
    }

    #[test]
    fn what_was_told_is_told_again_in_its_own_session_for_a_while() {
        let (sessions, clock) = (Sessions::default(), FixedClock::new(1_000));
        let id = sessions.begin(caller("grocer", "a"), &clock).unwrap();
        let session = sessions.known(&id, &clock).unwrap();
        let told = || Told {
            collaboration: "spring".to_owned(),
            what: "joined".to_owned(),
            receipt: None,
            why: None,
            repeated: false,
            kind: Kind::Decided,
        };
        let first = session.tell(told());
        assert!(session.told(first, "spring").is_some() && session.told(first, "autumn").is_none());
        for _ in 0..TOLD_MAX {
            session.tell(told());
        }
        assert!(session.told(first, "spring").is_none());
    }
}
