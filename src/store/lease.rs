//! Leases: who may work on something for a while, and the fence that makes a late write harmless. A lease only keeps two
//! workers from doing the same work twice; what keeps the log safe is its fence, whatever any clock says.
//! Must not know what is leased.

use std::time::Duration;

/// No lease is longer; a holder that is gone holds nothing up for more than this.
const TTL_MAX: Duration = Duration::from_hours(24);

/// Leave to work on something, until it expires and somebody else asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What is worked on.
    pub resource: String,
    /// Who works: one life of one process, so that a restarted one is told from what it was.
    pub holder: String,
    /// Larger with every acquisition of this resource, and never given out twice.
    pub token: u64,
}

impl Lease {
    /// What a write under this lease carries.
    #[must_use]
    pub fn fence(&self) -> Fence {
        Fence { resource: self.resource.clone(), token: self.token }
    }
}

/// Carried by a write, which is refused once a newer token was given out for that resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// What the lease is for.
    pub resource: String,
    /// The lease's token.
    pub token: u64,
}

/// A lease as it is kept. Never removed: its token is what the next one grows from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// Nobody after a release.
    pub(super) holder: Option<String>,
    pub(super) token: u64,
    pub(super) ttl_ms: i64,
    pub(super) until_ms: i64,
}

/// A lease's length as it is stored.
pub(super) fn ttl_ms(ttl: Duration) -> i64 {
    i64::try_from(ttl.clamp(Duration::from_millis(1), TTL_MAX).as_millis()).unwrap_or(1)
}

impl Kept {
    /// What is kept once `holder` acquired it; `None` when another holds it. Whoever asks again for its own gets a new
    /// token: it has lost the answer, and what it sent under the old one must come too late.
    pub(super) fn acquired(
        kept: Option<&Self>,
        holder: &str,
        ttl_ms: i64,
        now_ms: i64,
    ) -> Option<Self> {
        let token = match kept {
            Some(kept) if !kept.is_free(now_ms) && kept.holder.as_deref() != Some(holder) => {
                return None;
            }
            Some(kept) => kept.token.checked_add(1)?,
            None => 1,
        };
        let until_ms = now_ms.saturating_add(ttl_ms);
        Some(Self { holder: Some(holder.to_owned()), token, ttl_ms, until_ms })
    }

    /// What is kept once its holder renewed it; `None` when it isn't this lease any more.
    pub(super) fn renewed(&self, lease: &Lease, ttl_ms: i64, now_ms: i64) -> Option<Self> {
        let until_ms = now_ms.saturating_add(ttl_ms);
        self.is(lease).then(|| Self { ttl_ms, until_ms, ..self.clone() })
    }

    /// What is kept once its holder released it; `None` when it isn't this lease any more.
    pub(super) fn released(&self, lease: &Lease) -> Option<Self> {
        self.is(lease).then(|| Self { holder: None, ..self.clone() })
    }

    /// The lease, while somebody holds it.
    pub(super) fn held(&self, resource: &str, now_ms: i64) -> Option<Lease> {
        let holder = self.holder.clone().filter(|_| !self.is_free(now_ms))?;
        Some(Lease { resource: resource.to_owned(), holder, token: self.token })
    }

    fn is(&self, lease: &Lease) -> bool {
        self.token == lease.token && self.holder.as_ref() == Some(&lease.holder)
    }

    /// Released, expired, or from a clock that was ahead: no lease runs for longer than twice its length.
    fn is_free(&self, now_ms: i64) -> bool {
        let ahead = now_ms.saturating_add(self.ttl_ms.saturating_mul(2));
        self.holder.is_none() || self.until_ms <= now_ms || self.until_ms > ahead
    }
}
