//! Who a request is from: tokens, and where they come from. Tokens have no `Debug` that shows them. Must not know any request.

use crate::error::{Error, ErrorKind, Fate, Result};
use async_trait::async_trait;
use reqwest::header::HeaderValue;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Tells the time, in milliseconds since 1970 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

const LENGTH_MAX: usize = 64 * 1024;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Signed with a key of the user.
    KeyPairJwt,
    /// Of an OAuth server.
    OAuth,
    /// Made in Snowflake for a program.
    ProgrammaticAccessToken,
}

impl TokenKind {
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::KeyPairJwt => "KEYPAIR_JWT",
            Self::OAuth => "OAUTH",
            Self::ProgrammaticAccessToken => "PROGRAMMATIC_ACCESS_TOKEN",
        }
    }
}

/// A token. Nothing shows it but the header that it is sent in.
#[derive(Clone)]
pub struct Token {
    text: Zeroizing<String>,
    kind: TokenKind,
}

impl Token {
    /// A token of a kind.
    pub fn new(text: impl Into<String>, kind: TokenKind) -> Self {
        Self { text: Zeroizing::new(text.into()), kind }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    pub(crate) fn header(&self) -> Result<HeaderValue> {
        let wrong = || Error::new(ErrorKind::TokenUnavailable, Fate::NotStarted);
        let is_plain = self.text.bytes().all(|b| b.is_ascii_graphic());
        if !(1..=LENGTH_MAX).contains(&self.text.len()) || !is_plain {
            return Err(wrong());
        }
        let bearer = Zeroizing::new(format!("Bearer {}", self.text.as_str()));
        let mut value = HeaderValue::from_str(&bearer).map_err(|_| wrong())?;
        value.set_sensitive(true);
        Ok(value)
    }

    #[cfg(test)]
    pub(crate) fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?})", self.kind)
    }
}

/// Whether the token that was given last will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// Any that is still good.
    WhenDue,
    /// A new one: the last was refused.
    Now,
}

/// No token could be had. Why is for the log of whoever fetches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenUnavailable;

impl fmt::Display for TokenUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no token could be had")
    }
}

impl std::error::Error for TokenUnavailable {}

/// Where tokens come from.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// A token that is good now.
    async fn token(&self, renewal: Renewal) -> std::result::Result<Token, TokenUnavailable>;
}

/// Tokens that a closure fetches, as of an OAuth server. It keeps them as long as it likes.
pub struct FetchedTokens<F>(F);

impl<F> FetchedTokens<F> {
    /// Tokens of this closure.
    pub fn new(fetch: F) -> Self {
        Self(fetch)
    }
}

impl<F> fmt::Debug for FetchedTokens<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FetchedTokens")
    }
}

#[async_trait]
impl<F, T> Tokens for FetchedTokens<F>
where
    F: Fn(Renewal) -> T + Send + Sync,
    T: Future<Output = std::result::Result<Token, TokenUnavailable>> + Send,
{
    async fn token(&self, renewal: Renewal) -> std::result::Result<Token, TokenUnavailable> {
        (self.0)(renewal).await
    }
}
