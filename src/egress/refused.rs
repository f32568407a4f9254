//! Why a URL is not asked, or gave no answer: one code a cause. Nothing of the URL or of an answer is in it.

use crate::error::{Error, Kind};
use std::fmt;

/// Why a URL is not asked, or gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refused {
    /// It is no URL in the one way of writing it.
    Url,
    /// It is not of https.
    Scheme,
    /// Its host is no name with a dot and no address in the one way of writing it.
    Host,
    /// Its port is none of those that may be asked.
    Port,
    /// It lies inside, or leads there.
    Inside,
    /// Its name leads nowhere.
    Unresolved,
    /// It can't be reached, has no certificate that verifies, or broke off.
    Unreachable,
    /// It did not answer in time.
    Late,
    /// It answered with another place.
    Redirect,
    /// Its answer is longer than is read.
    Long,
    /// As much is asked as may be at a time.
    Busy,
}

impl Refused {
    /// All of them.
    #[cfg(test)]
    pub const ALL: [Self; 11] = [
        Self::Url,
        Self::Scheme,
        Self::Host,
        Self::Port,
        Self::Inside,
        Self::Unresolved,
        Self::Unreachable,
        Self::Late,
        Self::Redirect,
        Self::Long,
        Self::Busy,
    ];

    /// Its stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.said().0
    }

    /// What a tenant is told whose URL it is: where a name leads from inside this network, and what is there, is for the operator alone.
    #[must_use]
    pub const fn told(self) -> Self {
        match self {
            Self::Url | Self::Scheme | Self::Host | Self::Port | Self::Busy => self,
            Self::Inside
            | Self::Unresolved
            | Self::Unreachable
            | Self::Late
            | Self::Redirect
            | Self::Long => Self::Unreachable,
        }
    }

    /// What was wrong, in words.
    #[must_use]
    pub const fn means(self) -> &'static str {
        self.said().1
    }

    const fn said(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Url => (
                "egress-url",
                "this is no URL in the one way of writing it",
                "https://HOST/PATH in plain letters, without a user, a fragment or a backslash",
            ),
            Self::Scheme => ("egress-scheme", "the URL is not of https", "https://HOST/PATH"),
            Self::Host => (
                "egress-host",
                "the URL's host is no name with a dot and no address in the one way of writing it",
                "a whole name, four decimal numbers, or an IPv6 address in brackets",
            ),
            Self::Port => (
                "egress-port",
                "the URL's port may not be asked",
                "443, or a port that [egress] ports lists",
            ),
            Self::Inside => (
                "egress-inside",
                "the URL lies inside a network, or leads there",
                "a host that everybody reaches, or one that [egress] admit lists",
            ),
            Self::Unresolved => {
                ("egress-unresolved", "the URL's host has no address", "a host that there is")
            }
            Self::Unreachable => (
                "egress-unreachable",
                "the URL can't be reached",
                "a host that answers, with a certificate that verifies",
            ),
            Self::Late => ("egress-late", "the URL was not answered in time", "a quicker answer"),
            Self::Redirect => (
                "egress-redirect",
                "the URL was answered with another place",
                "the URL where the answer is",
            ),
            Self::Long => (
                "egress-answer-long",
                "the URL's answer is longer than is read",
                "a shorter answer",
            ),
            Self::Busy => (
                "egress-busy",
                "as many URLs are asked as this gateway asks at a time",
                "the same again, in a moment",
            ),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.means())
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let kind = match refused {
            Refused::Url | Refused::Scheme | Refused::Host | Refused::Port => Kind::Invalid,
            Refused::Inside | Refused::Redirect => Kind::Refused,
            Refused::Unresolved
            | Refused::Unreachable
            | Refused::Late
            | Refused::Long
            | Refused::Busy => Kind::Failed,
        };
        let (code, message, help) = refused.said();
        Self::new(kind, code, message).help(help)
    }
}
