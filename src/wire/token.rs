//! How a program gets an access token (RFC 6749, section 4.4; RFC 7523).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What is asked, as a form. Fields that are not listed are passed over.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
pub struct TokenAsked {
    /// `client_credentials`.
    #[schema(example = "client_credentials")]
    pub grant_type: String,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    #[schema(example = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")]
    pub client_assertion_type: String,
    /// What the client signed: `iss` and `sub` are its name, `aud` is this gateway, `exp` at most five minutes away, `jti` used once.
    pub client_assertion: String,
    /// The client's name once more, where it is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Roles with spaces between them, of those that the client has; all of them where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// A token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenGiven {
    /// The access token.
    pub access_token: String,
    /// `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: String,
    /// Seconds that it is good for.
    #[schema(example = 300)]
    pub expires_in: i64,
    /// The roles that it has, with spaces between them.
    #[schema(example = "analyst auditor")]
    pub scope: String,
}

impl std::fmt::Debug for TokenGiven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenGiven").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// Why there is no token (RFC 6749, section 5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRefused {
    /// `invalid_request`, `invalid_client`, `unsupported_grant_type` or `invalid_scope`.
    #[schema(example = "invalid_client")]
    pub error: String,
    /// The same in words.
    pub error_description: String,
}

/// Public keys (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeySet {
    /// One JSON Web Key each.
    #[schema(value_type = Vec<Object>)]
    pub keys: Vec<Value>,
}
