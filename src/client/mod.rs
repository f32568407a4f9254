//! A gateway from outside: the same calls as at its own folder, over HTTP, by somebody who does not believe it. What it says was decided counts
//! only with a receipt that verifies here, under a key that was known before. Must not know terminals, stores or platforms, nor how anything is decided.

mod about;
mod address;
mod ask;
mod decisions;
mod leaves;
mod pins;
mod proof;
mod reads;
mod runs;
mod schedules;
mod shares;
mod token;

pub use about::{About, Withdrawn};
#[cfg(feature = "gateway")]
pub(crate) use address::read as read_address;
pub use decisions::{Decided, Looked, Seconded, Withdrawal};
pub use leaves::Whole;
pub use pins::Known;
pub use runs::Requested;
pub use token::Token;

use crate::error::{Error, Result};
use crate::log::PublicKey;
use crate::wire;
use ask::Link;
use mappings::model::MemberId;

/// Roles that read the log, by the gateway's own table.
const LOG_READERS: [&str; 3] = ["member-admin", "privacy-officer", "auditor"];

/// A gateway, and whoever asks it.
#[derive(Debug)]
pub struct Client {
    link: Link,
    key: PublicKey,
    me: wire::Me,
    member: MemberId,
    known: Known,
    is_new: bool,
}

impl Client {
    /// Asks a gateway who calls, and holds it to the key that is known of it. `url` is its address alone: `https`, or `http` at loopback.
    pub async fn open(url: &str, token: Token, known: Known) -> Result<Self> {
        let (link, me) = linked(url, token).await?;
        let key = key_of(&me)?;
        let is_new = known.hold(&link.name(), &key)?;
        let member = me.member.as_deref().ok_or_else(|| {
            Error::refused("member-differs", "the token speaks for no member")
                .help("a token of the member in whose name it is asked")
        })?;
        let member = member.parse().map_err(|_| ask::unreadable("its member is none"))?;
        Ok(Self { link, key, me, member, known, is_new })
    }

    /// What a gateway is set to, as it says itself, for a token of its operator. Its key is held to what is known of it, and kept where nothing is.
    /// Secrets are named, never shown.
    pub async fn configuration(
        url: &str,
        token: Token,
        known: &Known,
    ) -> Result<wire::Configuration> {
        let (link, me) = linked(url, token).await?;
        known.hold(&link.name(), &key_of(&me)?)?;
        link.get(&["v1", "configuration"], &[]).await?.json()
    }

    /// The member that the token speaks for.
    #[must_use]
    pub const fn member(&self) -> &MemberId {
        &self.member
    }

    /// The key that the gateway is known by.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Whether nothing was known of the gateway before: its key was taken on its own word.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Refuses to ask in the name of another member than the token's.
    pub fn speaks_for(&self, member: &MemberId) -> Result<()> {
        if *member == self.member {
            return Ok(());
        }
        let message = format!("the token speaks for {}, not for {member}", self.member);
        Err(Error::refused("member-differs", message)
            .help(format!("--as {}, or a token of {member}", self.member)))
    }

    /// Whether the caller's roles read logs, by what the gateway says they are.
    fn reads_logs(&self) -> bool {
        self.me.roles.iter().any(|role| LOG_READERS.contains(&role.as_str()))
    }
}

/// A gateway at an address, and what it says of whoever asks.
async fn linked(url: &str, token: Token) -> Result<(Link, wire::Me)> {
    let link = Link::new(address::read(url)?, token)?;
    let me = link.get(&["v1", "me"], &[]).await?.json()?;
    Ok((link, me))
}

/// The key that a gateway shows.
fn key_of(me: &wire::Me) -> Result<PublicKey> {
    me.gateway_key.parse().map_err(|_| ask::unreadable("its key is none"))
}
