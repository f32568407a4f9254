//! What a call is given besides its subject: a way to stop it, whose turn it is, and where output may land. Must not know how
//! turns are given.

use async_trait::async_trait;
use mappings::model::MemberId;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use url::Url;

/// The context of one call.
#[derive(Debug, Clone, Default)]
pub struct Cx {
    /// Cancelled when nobody waits for the answer any more.
    pub cancel: CancellationToken,
    /// Gives each native call its turn; without one nothing waits.
    pub pace: Option<Arc<dyn Pace>>,
    /// A call that changes something leaves before this, or not at all: how long whoever waits for its end counts on that.
    pub send_by: Option<Instant>,
}

impl Cx {
    /// The same for an act whose calls leave within so long, or not at all.
    #[must_use]
    pub fn sending_within(&self, limit: Duration) -> Self {
        Self { send_by: Instant::now().checked_add(limit), ..self.clone() }
    }

    /// Whether a call that changes something must not leave any more.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.send_by.is_some_and(|by| Instant::now() >= by)
    }

    /// Waits until a native call may be made.
    pub async fn turn(&self, member: &MemberId, operation: &'static str, class: CallClass) {
        if let Some(pace) = &self.pace {
            pace.turn(member, operation, class).await;
        }
    }
}

/// What a native call costs a platform, as its quotas count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallClass {
    /// It reads one thing, or a few that are named.
    Read,
    /// It reads a page of a list.
    List,
    /// It may change something.
    Write,
}

/// Whose turn it is on a platform that counts calls.
#[async_trait]
pub trait Pace: Debug + Send + Sync {
    /// Returns when one native call may be made in a member's account. Asked before each call that looks or changes something;
    /// what a library sends again of itself is the same call.
    async fn turn(&self, member: &MemberId, operation: &'static str, class: CallClass);
}

/// A private prefix in object storage where a platform leaves a run's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// `file://` or `s3://`, ending in `/`.
    pub url: Url,
}

#[cfg(test)]
mod tests {
    //! Who asks for a turn gets it, and nobody waits where turns are not given.
    use super::*;
    use std::sync::Mutex;
    use std::task::{Context, Waker};

    #[derive(Debug, Default)]
    struct Counted(Mutex<Vec<(String, &'static str, CallClass)>>);

    #[async_trait]
    impl Pace for Counted {
        async fn turn(&self, member: &MemberId, operation: &'static str, class: CallClass) {
            self.0.lock().unwrap().push((member.to_string(), operation, class));
        }
    }

    /// Nothing here waits for anything outside.
    fn done(future: impl Future<Output = ()>) -> bool {
        let mut future = std::pin::pin!(future);
        future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_turn_is_asked_where_turns_are_given() {
        let member: MemberId = "grocer".parse().unwrap();
        assert!(done(Cx::default().turn(&member, "GetTable", CallClass::Read)));
        let counted = Arc::new(Counted::default());
        let pace: Arc<dyn Pace> = Arc::<Counted>::clone(&counted);
        let cx = Cx { pace: Some(pace), ..Cx::default() };
        assert!(done(cx.clone().turn(&member, "ListTables", CallClass::List)));
        let asked = counted.0.lock().unwrap().clone();
        assert_eq!(asked, [("grocer".to_owned(), "ListTables", CallClass::List)]);
    }
}
