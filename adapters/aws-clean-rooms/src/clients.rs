//! The clients that are kept, and the accounts that gave no answer: those are left alone for a while, so that one that is silent
//! holds up nothing but itself. Must not know what is called.

use crate::connection::Client;
use crate::error::Act;
use crate::seen::Seat;
use adapter_spi::{AdapterError, Outcome, Result};
use mappings::model::CollaborationId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For how long an account that gave no answer is not asked again.
const LEFT_ALONE: Duration = Duration::from_secs(30);
/// Clients that are kept; of more, the one that was not used for longest is made anew when it is needed.
const KEPT_MAX: usize = 4_096;

/// Errors that are answered again for a while, without a call.
#[derive(Debug)]
struct Failed<K>(Mutex<BTreeMap<K, (Instant, AdapterError)>>);

impl<K> Default for Failed<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord + Clone> Failed<K> {
    fn note(&self, of: &K, error: &AdapterError, now: Instant) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (since, _)| is_fresh(*since, now));
        // The next one is not sent at all.
        let error = AdapterError { outcome: Outcome::NotApplied, ..error.clone() };
        all.insert(of.clone(), (now, error));
    }

    fn check(&self, of: &K, now: Instant) -> Result<()> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.get(of).filter(|(since, _)| is_fresh(*since, now));
        found.map_or(Ok(()), |(_, error)| Err(error.clone()))
    }
}

fn is_fresh(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) < LEFT_ALONE
}

/// Accounts that gave no answer.
#[derive(Debug, Default)]
pub(crate) struct Silent(Failed<Seat>);

impl Silent {
    /// Notes what a call ended with.
    pub(crate) fn note(&self, seat: &Seat, act: Act, error: &AdapterError) {
        if is_silence(act, error) {
            self.0.note(seat, error, Instant::now());
        }
    }

    /// The error of an account that gave no answer a moment ago.
    pub(crate) fn check(&self, seat: &Seat) -> Result<()> {
        self.0.check(seat, Instant::now())
    }
}

/// Whether nobody answered. A call that changes something is sent once, and its connection may be cut by chance; one that reads was
/// sent again.
fn is_silence(act: Act, error: &AdapterError) -> bool {
    error.code == "no-answer-in-time" || (error.code == "platform-unreachable" && act == Act::Read)
}

type Key = (CollaborationId, Seat);

/// Each with when it was used last.
#[derive(Debug, Default)]
struct Kept {
    uses: u64,
    clients: BTreeMap<Key, (u64, Client)>,
}

/// The clients of an adapter.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    kept: Mutex<Kept>,
    silent: Arc<Silent>,
    /// Exchanges of credentials that failed.
    refused: Failed<Key>,
}

impl Clients {
    /// One that was made before.
    pub(crate) fn kept(&self, collaboration: &CollaborationId, seat: &Seat) -> Option<Client> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let now = kept.uses;
        let (last, client) = kept.clients.get_mut(&(collaboration.clone(), seat.clone()))?;
        *last = now;
        Some(client.clone())
    }

    /// Keeps one.
    pub(crate) fn keep(
        &self,
        collaboration: &CollaborationId,
        seat: &Seat,
        client: Client,
    ) -> Client {
        let client = client.minding(&self.silent);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let now = kept.uses;
        kept.clients.insert((collaboration.clone(), seat.clone()), (now, client.clone()));
        if kept.clients.len() > KEPT_MAX {
            let oldest = kept.clients.iter().min_by_key(|(_, (last, _))| *last);
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.and_then(|key| kept.clients.remove(&key));
        }
        client
    }

    /// Whether a client for an account can be asked for now: it did not fail a moment ago.
    pub(crate) fn check(&self, collaboration: &CollaborationId, seat: &Seat) -> Result<()> {
        self.silent.check(seat)?;
        self.refused.check(&(collaboration.clone(), seat.clone()), Instant::now())
    }

    /// Notes that one could not be made.
    pub(crate) fn failed(
        &self,
        collaboration: &CollaborationId,
        seat: &Seat,
        error: AdapterError,
    ) -> AdapterError {
        self.silent.note(seat, Act::Read, &error);
        let key = (collaboration.clone(), seat.clone());
        self.refused.note(&key, &error, Instant::now());
        error
    }
}

#[cfg(test)]
mod tests {
    //! How long a failure is answered again, what counts as silence, and that what is kept has an end.
    use super::*;
    use crate::error::made;
    use adapter_spi::{ErrorKind, Retry};

    fn seat(member: &str) -> Seat {
        let (account, region) = ("111111111111".to_owned(), "eu-central-1".to_owned());
        Seat { member: member.parse().unwrap(), account, region }
    }

    fn error(kind: ErrorKind, code: &'static str) -> AdapterError {
        let error = made(kind, code, Retry::NextCycle, "ListCollaborations", "none");
        AdapterError { outcome: Outcome::Unknown, ..error }
    }

    #[test]
    fn a_failure_is_answered_again_for_half_a_minute() {
        let (failed, began) = (Failed::<Seat>::default(), Instant::now());
        failed.note(&seat("one"), &error(ErrorKind::Timeout, "no-answer-in-time"), began);
        let after = |member, seconds| {
            let answer = failed.check(&seat(member), began + Duration::from_secs(seconds));
            answer.err().map(|error| (error.code, error.outcome))
        };
        let again = Some(("no-answer-in-time", Outcome::NotApplied));
        assert_eq!((after("one", 0), after("one", 29)), (again, again));
        assert_eq!((after("one", 30), after("other", 0)), (None, None));
    }

    #[test]
    fn only_no_answer_is_silence_and_one_cut_is_none() {
        let (timeout, unreachable, failed) = (
            error(ErrorKind::Timeout, "no-answer-in-time"),
            error(ErrorKind::Unavailable, "platform-unreachable"),
            error(ErrorKind::Unavailable, "platform-failed"),
        );
        assert!(is_silence(Act::Write, &timeout) && is_silence(Act::Read, &timeout));
        assert!(is_silence(Act::Read, &unreachable) && !is_silence(Act::Write, &unreachable));
        assert!(!is_silence(Act::Read, &failed));
    }

    #[test]
    fn of_too_many_clients_the_one_unused_for_longest_goes() {
        let config = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .build();
        let (clients, seat) = (Clients::default(), seat("one"));
        let client = Client::over(config, &seat);
        let of = |n: usize| format!("suite-{n}").parse::<CollaborationId>().unwrap();
        for n in 0..KEPT_MAX {
            clients.keep(&of(n), &seat, client.clone());
        }
        assert!(clients.kept(&of(0), &seat).is_some());
        clients.keep(&of(KEPT_MAX), &seat, client);
        assert!(clients.kept(&of(1), &seat).is_none(), "it was not used for longest");
        assert!(
            clients.kept(&of(0), &seat).is_some() && clients.kept(&of(KEPT_MAX), &seat).is_some()
        );
    }
}
