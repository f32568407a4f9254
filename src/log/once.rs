//! Decisions under a key that is spent once: whoever lost the answer asks again and is told what was appended then.
//! Must not know where a key comes from.

use super::{AgreementLog, DecideError, Entry, LogError, Receipt, State};
use crate::store::{Fence, Once, Second, Spent};
use mappings::model::CollaborationId;

/// What became of a decision under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// It is on record now. The receipt is of its last leaf.
    Fresh(Receipt),
    /// The key was spent before; nothing was decided or appended now.
    Repeated {
        /// The collaboration that it was spent in.
        collaboration: CollaborationId,
        /// The position of the first leaf that was appended under it; of a collaboration's first decision that is the one that
        /// opens the log.
        index: u64,
        /// How many leaves there were.
        count: u64,
        /// Whether the same was asked for.
        fingerprint_matches: bool,
    },
}

/// What an append is bound to.
#[derive(Debug, Clone, Default)]
pub(super) struct BoundTo<'a> {
    /// A lease, which nobody may have taken over.
    pub(super) fence: Option<&'a Fence>,
    /// A key, which is spent with it.
    pub(super) once: Option<Once>,
    /// Somebody for whom it waits.
    pub(super) second: Option<Second>,
}

impl AgreementLog {
    /// Decides as [`AgreementLog::decide`] does, once: of all that come with one key within a day, one at most is appended, and every
    /// other is told where. A refusal spends nothing.
    pub async fn decide_once<E, F>(
        &self,
        collaboration: &CollaborationId,
        once: Once,
        decision: F,
    ) -> Result<Decided, DecideError<E>>
    where
        E: Send,
        F: Fn(&State) -> Result<Vec<Entry>, E> + Send + Sync,
    {
        let bound = BoundTo { once: Some(once), ..BoundTo::default() };
        self.decided(collaboration, bound, decision).await
    }

    /// The same by a second person of a member: it uses up what waits for one, and is refused where nothing does.
    pub async fn decide_seconded<E, F>(
        &self,
        collaboration: &CollaborationId,
        (once, second): (Option<Once>, Second),
        decision: F,
    ) -> Result<Decided, DecideError<E>>
    where
        E: Send,
        F: Fn(&State) -> Result<Vec<Entry>, E> + Send + Sync,
    {
        let bound = BoundTo { once, second: Some(second), ..BoundTo::default() };
        self.decided(collaboration, bound, decision).await
    }

    /// What a key was spent on, without deciding anything.
    pub async fn spent(&self, scope: &[u8; 32]) -> Result<Option<Spent>, LogError> {
        Ok(self.store.spent(scope).await?)
    }

    pub(super) async fn repeated(&self, once: Option<Once>) -> Result<Option<Decided>, LogError> {
        let Some(Once { scope, fingerprint }) = once else { return Ok(None) };
        let spent = self.spent(&scope).await?;
        Ok(spent.map(|Spent { collaboration, index, count, fingerprint: before }| {
            let fingerprint_matches = before == fingerprint;
            Decided::Repeated { collaboration, index, count, fingerprint_matches }
        }))
    }
}
