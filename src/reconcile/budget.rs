//! How many calls a platform is asked for: a bucket of tokens for each operation of each account. What closes may empty a bucket,
//! all else leaves a share of it. Whoever asks tells the time, of any clock. Must not know what a call is for, nor make one.

#[cfg(test)]
mod tests;

use super::steady::Steady;
use mappings::model::PlatformId;
use std::collections::BTreeMap;

/// Which calls a platform counts together: those of one operation in one account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// On which platform.
    pub platform: PlatformId,
    /// In which account there, in the platform's words.
    pub account: String,
    /// Which operation, in the platform's words.
    pub operation: &'static str,
}

/// How many calls are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// So many calls …
    pub calls: u32,
    /// … in so many milliseconds, in the long run.
    pub within_ms: u32,
    /// So many at once, when none was made for a while.
    pub burst: u32,
}

/// Of a bucket, this part is for what is urgent only: three tenths.
const RESERVED: (u64, u64) = (3, 10);
/// The wait for what a bucket never holds.
const NEVER_MS: u64 = u64::MAX;

/// Every bucket. One that nothing was taken from yet is full.
#[derive(Debug)]
pub struct Budgets {
    limit: Limit,
    limits: BTreeMap<(PlatformId, &'static str), Limit>,
    steady: Steady,
    buckets: BTreeMap<Key, Bucket>,
}

impl Budgets {
    /// Budgets of this limit, wherever no other is said.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        let (limits, buckets) = (BTreeMap::new(), BTreeMap::new());
        Self { limit, limits, steady: Steady::default(), buckets }
    }

    /// Another limit of one operation on one platform, for buckets that are not in use yet.
    #[must_use]
    pub fn with(mut self, platform: PlatformId, operation: &'static str, limit: Limit) -> Self {
        self.limits.insert((platform, operation), limit);
        self
    }

    /// Takes so many calls together, or says in how many milliseconds to ask again; nothing is taken then. More than a bucket
    /// holds for whoever asks is never to be had: the wait is [`u64::MAX`].
    pub fn take(&mut self, key: &Key, calls: u32, urgent: bool, now_ms: i64) -> Result<(), u64> {
        self.take_all(&[(key, calls)], urgent, now_ms)
    }

    /// The same of several buckets, each named once: all of it, or nothing and the longest wait.
    pub fn take_all(
        &mut self,
        asked: &[(&Key, u32)],
        urgent: bool,
        now_ms: i64,
    ) -> Result<(), u64> {
        let now_ms = self.steady.at(now_ms);
        let waits = asked
            .iter()
            .map(|(key, calls)| self.bucket(key, now_ms).wait_ms(*calls, urgent, now_ms));
        match waits.max() {
            Some(wait_ms) if wait_ms > 0 => return Err(wait_ms),
            Some(_) | None => {}
        }
        for (key, calls) in asked {
            self.bucket(key, now_ms).spend(*calls);
        }
        Ok(())
    }

    /// In how many milliseconds so many calls of each would be to be had; nothing is taken.
    pub fn wait_ms(&mut self, of: &[Key], calls: u32, urgent: bool, now_ms: i64) -> u64 {
        let now_ms = self.steady.at(now_ms);
        let waits = of.iter().map(|key| self.bucket(key, now_ms).wait_ms(calls, urgent, now_ms));
        waits.max().unwrap_or_default()
    }

    fn bucket(&mut self, key: &Key, now_ms: i64) -> &mut Bucket {
        let own = self.limits.get(&(key.platform.clone(), key.operation));
        let limit = own.copied().unwrap_or(self.limit);
        self.buckets.entry(key.clone()).or_insert_with(|| Bucket::full(limit, now_ms))
    }
}

/// One bucket, in whole parts of a call so that nothing is lost by rounding: a call is `within_ms` parts, and a millisecond
/// brings `calls` of them.
#[derive(Debug)]
struct Bucket {
    limit: Limit,
    parts: u64,
    at_ms: i64,
}

impl Bucket {
    fn full(limit: Limit, now_ms: i64) -> Self {
        let mut bucket = Self { limit, parts: 0, at_ms: now_ms };
        bucket.parts = bucket.parts_of(limit.burst);
        bucket
    }

    fn parts_of(&self, calls: u32) -> u64 {
        u64::from(calls) * u64::from(self.limit.within_ms.max(1))
    }

    /// Fills up what time has brought; until so many calls are to be had.
    fn wait_ms(&mut self, calls: u32, urgent: bool, now_ms: i64) -> u64 {
        let most = self.parts_of(self.limit.burst);
        let passed_ms = u64::try_from(now_ms.saturating_sub(self.at_ms)).unwrap_or_default();
        let brought = passed_ms.saturating_mul(u64::from(self.limit.calls));
        self.parts = self.parts.saturating_add(brought).min(most);
        self.at_ms = now_ms;
        let (part, of) = RESERVED;
        let kept = if urgent { 0 } else { (most * part).div_ceil(of) };
        let needed = self.parts_of(calls).saturating_add(kept);
        if needed > most {
            return NEVER_MS;
        }
        let missing = needed.saturating_sub(self.parts);
        match u64::from(self.limit.calls) {
            0 if missing > 0 => NEVER_MS,
            0 => 0,
            calls => missing.div_ceil(calls),
        }
    }

    fn spend(&mut self, calls: u32) {
        self.parts = self.parts.saturating_sub(self.parts_of(calls));
    }
}
