//! How patient and how large: limits of a client. Must not know what is asked.

use std::fmt;
use std::time::Duration;

/// How much is taken, and for how long is waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until one answer is there whole. A synchronous submission is answered after 45 seconds at the latest.
    pub answer: Duration,
    /// For how long a cancellation is waited for.
    pub cancel: Duration,
    /// The longest answer in bytes, as it comes and unpacked.
    pub answer_bytes_max: usize,
    /// The most rows of a result.
    pub rows_max: u64,
    /// The most partitions of a result.
    pub partitions_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(75),
            cancel: Duration::from_secs(5),
            answer_bytes_max: 128 * 1024 * 1024,
            rows_max: 50_000_000,
            partitions_max: 10_000,
        }
    }
}

/// Waits between tries: the first, the longest; each is twice the last, less up to a half by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The first wait.
    pub first: Duration,
    /// The longest.
    pub most: Duration,
}

/// How a client behaves.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// Limits.
    pub limits: Limits,
    /// How often a statement that runs is asked after.
    pub polling: Pace,
    /// How a request that failed for now is sent again.
    pub retrying: Pace,
    /// How often one request is sent at most.
    pub tries_max: u32,
    /// The name of the client, `name/version`: Snowflake wants one.
    pub user_agent: String,
    /// A proxy, if there is one. None is taken from the environment.
    pub proxy: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let of = |first, most| Pace {
            first: Duration::from_millis(first),
            most: Duration::from_millis(most),
        };
        Self {
            limits: Limits::default(),
            polling: of(100, 5_000),
            retrying: of(250, 10_000),
            tries_max: 5,
            user_agent: concat!("airlock/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxy: None,
        }
    }
}

/// A proxy's address may hold a password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("limits", &self.limits)
            .field("polling", &self.polling)
            .field("retrying", &self.retrying)
            .field("tries_max", &self.tries_max)
            .field("user_agent", &self.user_agent)
            .field("proxy", &self.proxy.is_some())
            .finish()
    }
}
