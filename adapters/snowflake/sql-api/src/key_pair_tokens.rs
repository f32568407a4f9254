//! Tokens that a user's key signs: kept for a while, signed again before they end. Must not know any request.

use crate::account::AccountIdentifier;
use crate::error::{Error, Invalid, Result};
use crate::key::KeyPair;
use crate::tokens::{Clock, Renewal, Token, TokenKind, TokenUnavailable, Tokens};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Snowflake takes an hour at most.
const LIFE_S: i64 = 59 * 60;
/// After this a new one is signed.
const KEPT_S: i64 = 50 * 60;
const USER_MAX: usize = 255;

/// Tokens of one user of one account, signed with its key.
pub struct KeyPairTokens {
    claims: String,
    key: KeyPair,
    clock: Clock,
    kept: Mutex<Option<(i64, Token)>>,
}

impl KeyPairTokens {
    /// Tokens of a user.
    pub fn new(
        account: &AccountIdentifier,
        user: &str,
        key: KeyPair,
        clock: Clock,
    ) -> Result<Self> {
        let fits = (1..=USER_MAX).contains(&user.len()) && !user.chars().any(char::is_control);
        if !fits {
            return Err(Error::invalid(Invalid::User));
        }
        let claims = format!("{}.{}", account.claim(), user.to_uppercase());
        Ok(Self { claims, key, clock, kept: Mutex::default() })
    }

    /// The fingerprint that the user must have in Snowflake.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        self.key.fingerprint()
    }

    fn signed(&self, now_s: i64) -> Option<Token> {
        let claims = serde_json::json!({
            "iss": format!("{}.{}", self.claims, self.key.fingerprint()),
            "sub": self.claims,
            "iat": now_s,
            "exp": now_s.checked_add(LIFE_S)?,
        });
        let head = URL_SAFE_NO_PAD.encode(br#"{"alg":"RS256","typ":"JWT"}"#);
        let body = URL_SAFE_NO_PAD.encode(claims.to_string());
        let text = format!("{head}.{body}");
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(text.as_bytes())?);
        Some(Token::new(format!("{text}.{signature}"), TokenKind::KeyPairJwt))
    }
}

#[async_trait]
impl Tokens for KeyPairTokens {
    async fn token(&self, renewal: Renewal) -> std::result::Result<Token, TokenUnavailable> {
        let now_s = (self.clock)().div_euclid(1_000);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, token)) = kept.as_ref() {
            // A clock that went back makes a token of the future.
            let is_good = (*since..since.saturating_add(KEPT_S)).contains(&now_s);
            if is_good && renewal == Renewal::WhenDue {
                return Ok(token.clone());
            }
        }
        let token = self.signed(now_s).ok_or(TokenUnavailable)?;
        *kept = Some((now_s, token.clone()));
        Ok(token)
    }
}

impl fmt::Debug for KeyPairTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPairTokens").field("key", &self.key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    //! Claims, signature, and when a new token is signed.
    use super::*;
    use crate::key::made;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    fn claims(token: &Token) -> serde_json::Value {
        let body = token.reveal().split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
    }

    fn tokens(now: &Arc<AtomicI64>, account: &str) -> KeyPairTokens {
        let now = Arc::clone(now);
        let clock: Clock = Arc::new(move || now.load(Ordering::SeqCst));
        KeyPairTokens::new(&account.parse().unwrap(), "gateway", made().0, clock).unwrap()
    }

    #[tokio::test]
    async fn claims_and_signature() {
        use aws_lc_rs::signature::KeyPair as _;
        let now = Arc::new(AtomicI64::new(1_800_000_000_999));
        let token = tokens(&now, "acme-eu_west").token(Renewal::WhenDue).await.unwrap();
        let (key, _) = made();
        let expected = serde_json::json!({
            "iss": format!("ACME-EU_WEST.GATEWAY.{}", key.fingerprint()), "sub": "ACME-EU_WEST.GATEWAY",
            "iat": 1_800_000_000, "exp": 1_800_003_540,
        });
        assert_eq!(claims(&token), expected);
        let (text, signature) = token.reveal().rsplit_once('.').unwrap();
        let public = aws_lc_rs::rsa::KeyPair::from_pkcs8(&der_of_made()).unwrap();
        let public =
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.public_key().as_ref());
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(public.verify(text.as_bytes(), &signature).is_ok());
        let located = tokens(&now, "xy12345.eu-central-1").token(Renewal::WhenDue).await.unwrap();
        assert_eq!(claims(&located)["sub"], "XY12345.GATEWAY");
    }

    fn der_of_made() -> Vec<u8> {
        use base64::engine::general_purpose::STANDARD;
        STANDARD.decode(made().1.lines().nth(1).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_token_is_kept_for_fifty_minutes_and_no_longer_than_wanted() {
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let source = tokens(&now, "acme-a");
        let issued = async |renewal| claims(&source.token(renewal).await.unwrap())["iat"].clone();
        assert_eq!(issued(Renewal::WhenDue).await, 1_800_000_000);
        now.fetch_add(2_999_000, Ordering::SeqCst);
        assert_eq!(issued(Renewal::WhenDue).await, 1_800_000_000);
        assert_eq!(issued(Renewal::Now).await, 1_800_002_999, "it was refused");
        now.fetch_add(3_000_000, Ordering::SeqCst);
        assert_eq!(issued(Renewal::WhenDue).await, 1_800_005_999, "it ends soon");
        now.fetch_add(-10_000_000, Ordering::SeqCst);
        assert_eq!(issued(Renewal::WhenDue).await, 1_799_995_999, "the clock went back");
    }

    #[test]
    fn who_is_no_user_and_what_is_shown() {
        let clock: Clock = Arc::new(|| 0);
        let account = "acme-a".parse().unwrap();
        for user in ["", "a\nb", &"u".repeat(256)] {
            assert!(KeyPairTokens::new(&account, user, made().0, Arc::clone(&clock)).is_err());
        }
        assert_eq!(format!("{:?}", Token::new("zqsentinel", TokenKind::OAuth)), "Token(OAuth)");
        assert!(Token::new("a\r\nb", TokenKind::OAuth).header().is_err());
        assert!(Token::new("", TokenKind::OAuth).header().is_err());
        assert!(Token::new("a", TokenKind::OAuth).header().unwrap().is_sensitive());
    }
}
