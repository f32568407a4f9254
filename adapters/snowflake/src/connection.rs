//! How a member's account is reached and what of it the gateway may use: keys and tokens by the files that hold them, never inline.
//! Must not know statements.

use mappings::model::MemberId;
use serde::{Deserialize, Serialize};
use snowflake_sql_api::Address;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The database in which the gateway makes its schemas where a connection names none.
const DATABASE: &str = "AIRLOCK";

/// The members that this gateway operates, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connections {
    /// By member.
    #[serde(default)]
    pub members: BTreeMap<MemberId, Connection>,
    /// How long a clean room's answers may be old, in milliseconds, where a stand-in answers in the platform's place; a minute without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settles_ms: Option<u64>,
    /// What of the platform was seen by `airlock connections verify`, by code, and `preset-tables`, which is seen by hand: it is not unverified
    /// any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub verified: BTreeSet<String>,
}

impl Connections {
    /// Whether what is said of old answers counts: less than the platform is given, of a stand-in alone.
    #[must_use]
    pub fn may_settle(&self, usual_ms: u64) -> bool {
        self.settles_ms.is_none_or(|ms| ms >= usual_ms) || self.are_here()
    }

    /// How long answers may be old.
    pub(crate) fn settles_ms(&self, usual_ms: u64) -> u64 {
        self.settles_ms.filter(|_| self.may_settle(usual_ms)).unwrap_or(usual_ms)
    }

    /// Whether everybody is reached in the clear, which is admitted on this machine's loopback alone: no account is there.
    fn are_here(&self) -> bool {
        let here = |one: &Connection| {
            let address = one.endpoint.as_deref().map(Address::new);
            address.is_some_and(|address| address.is_ok_and(|address| !address.is_https()))
        };
        !self.members.is_empty() && self.members.values().all(here)
    }
}

/// One member's account. Which account it is the agreement pins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The API's address where it is not the account's public one, as of a private link: `https://…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The user whose key it is. A token names its user itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A file with the user's private key: PKCS#8 in PEM, without a passphrase, read by nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// A file with a token, in the place of a key. It is read again whenever a token is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// What that token is.
    #[serde(default)]
    pub token_kind: TokenKind,
    /// The role that everything is done with, spelled as `SHOW ROLES` spells it; without one the user's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The warehouse of runs, spelled as `SHOW WAREHOUSES` spells it; without one the user's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<String>,
    /// The database in which the gateway makes its schemas, `AIRLOCK` without one. It has to exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Where results of the member's runs are unloaded to: an `s3://` prefix that the storage integration allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unload: Option<String>,
    /// The storage integration of that place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_integration: Option<String>,
    /// How the gateway reads what was unloaded, where that is not the same URL: `s3://…`, or `file:///…` of a folder that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landing: Option<String>,
    /// Whether what was unloaded stays there once it is delivered. Without it each run's own files are removed.
    #[serde(default)]
    pub keep_unloaded: bool,
}

/// What a token of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// Of an OAuth server.
    #[default]
    Oauth,
    /// Made in Snowflake for a program.
    ProgrammaticAccessToken,
}

impl Connection {
    /// The database in which the gateway makes its schemas.
    pub(crate) fn database(&self) -> &str {
        self.database.as_deref().unwrap_or(DATABASE)
    }

    /// Where results are unloaded to, with the integration, if both are said.
    pub(crate) fn unloads(&self) -> Option<(&str, &str)> {
        let unload = self.unload.as_deref().filter(|url| url.starts_with("s3://"))?;
        Some((unload.trim_end_matches('/'), self.storage_integration.as_deref()?))
    }
}

#[cfg(test)]
mod tests {
    //! What a connection may say, and that nothing secret is among it.
    use super::*;

    #[test]
    fn unknown_fields_are_refused_and_secrets_have_none() {
        let read = |text: &str| serde_json::from_str::<Connection>(text);
        let connection = read(r#"{ "user": "GATEWAY", "key_file": "/keys/one.pem" }"#).unwrap();
        assert_eq!((connection.database(), connection.token_kind), ("AIRLOCK", TokenKind::Oauth));
        for field in ["password", "key", "token", "private_key", "databases"] {
            assert!(read(&format!("{{ \"{field}\": \"x\" }}")).is_err(), "{field}");
        }
    }

    #[test]
    fn only_a_stand_in_on_this_machine_settles_sooner() {
        let at = |endpoint: Option<&str>| Connection {
            endpoint: endpoint.map(str::to_owned),
            ..Connection::default()
        };
        let all = |members: &[Option<&str>], settles_ms| Connections {
            members: ["brand", "grocer"]
                .iter()
                .zip(members)
                .map(|(name, one)| (name.parse().unwrap(), at(*one)))
                .collect(),
            settles_ms,
            ..Connections::default()
        };
        let here = Some("http://127.0.0.1:9/accounts/ACME-ONE");
        let (away, unclear) = (Some("https://127.0.0.1:9"), Some("http://acme.example"));
        assert_eq!(all(&[here, here], Some(500)).settles_ms(60_000), 500);
        for members in [&[here, away][..], &[here, None], &[here, unclear], &[None], &[]] {
            let sooner = all(members, Some(59_999));
            assert!(!sooner.may_settle(60_000), "{members:?}");
            assert_eq!(sooner.settles_ms(60_000), 60_000, "{members:?}");
            let (later, usual) = (all(members, Some(90_000)), all(members, None));
            assert!(later.may_settle(60_000) && usual.may_settle(60_000), "{members:?}");
            assert_eq!((later.settles_ms(60_000), usual.settles_ms(60_000)), (90_000, 60_000));
        }
    }

    #[test]
    fn an_unload_needs_its_integration() {
        let (unload, integration) = (Some("s3://b/p/".to_owned()), Some("I".to_owned()));
        let whole =
            Connection { unload, storage_integration: integration, ..Connection::default() };
        assert_eq!(whole.unloads(), Some(("s3://b/p", "I")));
        let none = Connection { storage_integration: None, ..whole.clone() };
        let file = Connection { unload: Some("file:///p".to_owned()), ..whole };
        assert_eq!((none.unloads(), file.unloads()), (None, None));
    }
}
