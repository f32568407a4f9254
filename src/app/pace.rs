//! The worker's calls within what each account is good for: a budget for each member and operation, of which a part is for what
//! closes. Knows no platform by name.

use crate::clock::Clock;
use crate::reconcile::budget::{Budgets, Key, Limit};
use adapter_spi::{CallClass, Pace};
use async_trait::async_trait;
use mappings::model::{MemberId, PlatformId};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Of one operation in one account: five a second, and ten at once after a pause. AWS Clean Rooms counts by operation, account and
/// Region, single digits a second each (AWS Clean Rooms quotas, "Rate of … requests").
pub(super) const LIMIT: Limit = Limit { calls: 5, within_ms: 1_000, burst: 10 };
/// Whoever waits asks again after this long at most: others may have been given back.
const ASK_EVERY_MS: u64 = 1_000;

/// One turn's calls on one platform.
#[derive(Debug)]
pub(super) struct Paced {
    pub(super) budgets: Arc<Mutex<Budgets>>,
    pub(super) platform: PlatformId,
    pub(super) urgent: bool,
    pub(super) clock: Arc<dyn Clock>,
    /// Which reads and lists it asked for.
    pub(super) used: Arc<Mutex<BTreeSet<Key>>>,
}

#[async_trait]
impl Pace for Paced {
    async fn turn(&self, member: &MemberId, operation: &'static str, class: CallClass) {
        let (platform, account) = (self.platform.clone(), member.to_string());
        let key = Key { platform, account, operation };
        match class {
            CallClass::Read | CallClass::List => {
                self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
            }
            CallClass::Write => {}
        }
        loop {
            let now_ms = self.clock.steady_ms();
            let asked = {
                let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
                budgets.take(&key, 1, self.urgent, now_ms)
            };
            match asked {
                Ok(()) => return,
                Err(wait_ms) => {
                    tokio::time::sleep(Duration::from_millis(wait_ms.min(ASK_EVERY_MS))).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedClock;

    #[tokio::test]
    async fn ordinary_calls_wait_and_leave_something_for_what_closes() {
        let clock = Arc::new(FixedClock::new(0));
        let budgets =
            Arc::new(Mutex::new(Budgets::new(Limit { calls: 10, within_ms: 1_000, burst: 10 })));
        let paced = |urgent| Paced {
            budgets: Arc::clone(&budgets),
            platform: PlatformId::aws_clean_rooms(),
            urgent,
            clock: Arc::<FixedClock>::clone(&clock),
            used: Arc::default(),
        };
        let member: MemberId = "grocer".parse().unwrap();
        let soon = async |paced: &Paced| {
            let turn = paced.turn(&member, "ListTables", CallClass::List);
            tokio::time::timeout(Duration::from_millis(20), turn).await.is_ok()
        };
        let (ordinary, urgent) = (paced(false), paced(true));
        let mut given = 0;
        while soon(&ordinary).await {
            given += 1;
        }
        assert_eq!(given, 7);
        assert!(soon(&urgent).await && soon(&urgent).await, "three are kept for it");
        let waits = ordinary.turn(&member, "ListTables", CallClass::List);
        tokio::join!(biased; waits, async { clock.step(1_000) });
    }
}
