//! What whoever only looks is shown may be so old: whether anything was written to the store is asked that often for all who look, and while nothing
//! was, what is known of a log and of its parties is not asked again. Must not know what is looked at. Nothing is decided on it.

use crate::store::{Mark, Stands, Store};
use mappings::model::{CollaborationId, MemberId};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// One answer is good for as long.
const GOOD_FOR: Duration = Duration::from_millis(25);
/// Where more is kept, all of it is forgotten.
const KEPT_MAX: usize = 16_384;

/// What a store said of a member, and how long the log was then.
type Said = (Stands, u64);

#[derive(Debug, Default)]
struct Answer {
    at: Option<Instant>,
    mark: Option<Mark>,
    stands: BTreeMap<CollaborationId, Vec<(MemberId, Said)>>,
}

/// The same.
#[derive(Debug, Default)]
pub(crate) struct Glances(Mutex<Answer>);

impl Glances {
    /// The store's mark, and what it said under that mark of a member's part in a collaboration. No mark where nobody knows.
    pub(crate) async fn of(
        &self,
        store: &dyn Store,
        (collaboration, member): (&CollaborationId, &MemberId),
    ) -> (Option<Mark>, Option<Said>) {
        let mut answer = self.0.lock().await;
        if answer.at.is_none_or(|at| at.elapsed() >= GOOD_FOR) {
            // Taken before it is asked: what is written meanwhile is found by the next.
            let at = Instant::now();
            let mark = store.mark().await.ok().flatten();
            if mark.is_none() || mark != answer.mark {
                answer.stands.clear();
            }
            (answer.at, answer.mark) = (Some(at), mark);
        }
        let said = answer.stands.get(collaboration);
        let said = said.and_then(|all| all.iter().find(|(of, _)| of == member));
        (answer.mark.clone(), said.map(|(_, said)| *said))
    }

    /// Keeps what the store said since this mark.
    pub(crate) async fn keep(
        &self,
        mark: Option<&Mark>,
        (collaboration, member): (&CollaborationId, &MemberId),
        said: Said,
    ) {
        let mut answer = self.0.lock().await;
        if mark.is_none() || mark != answer.mark.as_ref() {
            return;
        }
        if answer.stands.len() >= KEPT_MAX {
            answer.stands.clear();
        }
        let all = answer.stands.entry(collaboration.clone()).or_default();
        all.retain(|(of, _)| of != member);
        all.push((member.clone(), said));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Appended, ClosedStore, MemoryStore, StoreError};

    async fn grow(store: &MemoryStore, name: &CollaborationId) {
        let head = store.head(name).await.unwrap();
        let appended = Appended::new(vec![vec![1]], format!("{}", head.size + 1));
        store.append(name, &head, appended, None).await.unwrap();
    }

    #[tokio::test]
    async fn what_was_said_is_good_until_something_is_written() {
        let (store, glances) = (MemoryStore::new(), Glances::default());
        let names: (CollaborationId, MemberId) =
            ("spring".parse().unwrap(), "grocer".parse().unwrap());
        let of = (&names.0, &names.1);
        let other = "brand".parse().unwrap();
        grow(&store, of.0).await;
        let (mark, said) = glances.of(&store, of).await;
        assert_eq!(said, None);
        glances.keep(mark.as_ref(), of, (Stands::Invited, 1)).await;
        glances.keep(mark.as_ref(), of, (Stands::Member, 2)).await;
        for _ in 0..3 {
            tokio::time::sleep(GOOD_FOR).await;
            assert_eq!(glances.of(&store, of).await, (mark.clone(), Some((Stands::Member, 2))));
            assert_eq!(glances.of(&store, (of.0, &other)).await.1, None, "another's");
        }
        grow(&store, &"autumn".parse().unwrap()).await;
        tokio::time::sleep(GOOD_FOR).await;
        let (newer, said) = glances.of(&store, of).await;
        assert!(newer != mark && said.is_none());
        glances.keep(mark.as_ref(), of, (Stands::Member, 2)).await;
        assert_eq!(glances.of(&store, of).await.1, None, "said under another mark");
    }

    #[tokio::test]
    async fn where_nobody_knows_nothing_is_kept() {
        let (store, glances) = (ClosedStore(StoreError::Unavailable), Glances::default());
        let names = ("spring".parse().unwrap(), "grocer".parse().unwrap());
        let of = (&names.0, &names.1);
        assert_eq!(glances.of(&store, of).await, (None, None));
        glances.keep(None, of, (Stands::Member, 2)).await;
        assert_eq!(glances.of(&store, of).await, (None, None));
    }
}
