//! Why a token is not taken: one code a cause, for the gateway's own log. Whoever calls is told nothing but that it isn't. Must not know
//! what was in the token.

use std::fmt;

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident => $code:literal,)+) => {
        /// Why a token is not taken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Refused { $($(#[$doc])* $name,)+ }

        impl Refused {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The cause's stable code, for the gateway's own log.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

causes! {
    /// There is none.
    Missing => "token-missing",
    /// More than 8 KiB.
    TooLong => "token-too-long",
    /// Not three parts with something in each.
    Parts => "token-parts",
    /// A part is not base64url without padding, in the one way of writing it.
    Encoding => "token-encoding",
    /// The header is no JSON object.
    Header => "header-malformed",
    /// The header has a member that nothing here may depend on.
    HeaderMember => "header-member-refused",
    /// The claims are no JSON object.
    Claims => "claims-malformed",
    /// An object has one name twice.
    Repeated => "json-name-repeated",
    /// More objects and arrays in one another than any token needs.
    Deep => "json-too-deep",
    /// `alg` is not one of those that are taken.
    Algorithm => "alg-refused",
    /// `typ` is not what this issuer writes into access tokens.
    Type => "typ-refused",
    /// `kid` is not there, or no text.
    KeyId => "kid-malformed",
    /// `iss` is not there, or no issuer that is set.
    Issuer => "iss-unknown",
    /// The issuer has no key of this name that can be used.
    Key => "key-unknown",
    /// The key is for another algorithm.
    KeyAlgorithm => "key-of-other-alg",
    /// The signature is not that key's.
    Signature => "signature-wrong",
    /// `aud` is not there, or does not name this gateway.
    Audience => "aud-wrong",
    /// `exp` is not there, or no integer.
    Expiry => "exp-malformed",
    /// It was good once.
    Expired => "token-expired",
    /// `iat` is not there, or no integer.
    Issued => "iat-malformed",
    /// `iat` is yet to come.
    IssuedLater => "iat-in-future",
    /// `nbf` is no integer.
    NotBefore => "nbf-malformed",
    /// `nbf` is yet to come.
    NotYet => "token-not-yet",
    /// It is good for longer than this issuer's tokens may be, or for no time.
    Life => "life-refused",
    /// `sub` is not there, or no text of at most 256 bytes.
    Subject => "sub-malformed",
    /// `jti` is not there, or no text of at most 256 bytes.
    TokenId => "jti-malformed",
    /// The organisation is not there, or no text.
    Organisation => "organisation-malformed",
    /// This issuer speaks for no such organisation.
    OrganisationUnknown => "organisation-unknown",
    /// The roles are not there, or not an array of texts.
    Roles => "roles-malformed",
    /// Nothing that is a role here: the one cause that is no doubt about who calls.
    NoRole => "role-missing",
    /// An operator with an organisation, or with another role.
    OperatorMixed => "operator-mixed",
    /// This issuer may not say who the operator is.
    OperatorUnknown => "operator-not-of-issuer",
}

impl Refused {
    /// What the caller is told.
    #[must_use]
    pub const fn told(self) -> &'static str {
        if matches!(self, Self::Missing | Self::NoRole) { self.code() } else { "token-invalid" }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for Refused {}
