//! Where the public keys of somebody are found whose signatures are believed: a file, a URL, or a document that names the URL. Must not know how
//! they are read.

use crate::egress::{Policy, Refused, Target};
use crate::home::Home;
use std::path::PathBuf;

/// The longest that keys of a URL live without a new answer.
const HOURS: std::ops::RangeInclusive<i64> = 1..=168;
const HOUR_MS: i64 = 60 * 60 * 1_000;
const ONE: &str = "keys are at one of jwks_file, jwks_url and, of an issuer, discovery";

/// Where keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeysAt {
    /// In a file.
    File(PathBuf),
    /// At a URL.
    Url(Target),
    /// Where an issuer's own document says (`OpenID` Connect Discovery 1.0).
    Discovery(Target),
}

/// Where keys are, and how long those of a URL live while it gives no new ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeysSetting {
    pub(crate) at: KeysAt,
    pub(crate) kept_ms: i64,
}

/// What is set of it.
#[derive(Debug)]
pub(super) struct KeysFile {
    pub(super) file: Option<PathBuf>,
    pub(super) url: Option<String>,
    pub(super) discovery: Option<String>,
    pub(super) hours_max: i64,
}

impl KeysFile {
    /// One place of the three, and one that may be asked.
    pub(super) fn read(self, home: &Home, policy: &Policy) -> Result<KeysSetting, &'static str> {
        if !HOURS.contains(&self.hours_max) {
            return Err("keys_hours_max is a number from 1 to 168");
        }
        let target = |text: &str| policy.target(text).map_err(Refused::means);
        let at = match (self.file, self.url, self.discovery) {
            (Some(file), None, None) => KeysAt::File(home.root().join(file)),
            (None, Some(url), None) => KeysAt::Url(target(&url)?),
            (None, None, Some(url)) => KeysAt::Discovery(target(&url)?),
            _ => return Err(ONE),
        };
        Ok(KeysSetting { at, kept_ms: self.hours_max * HOUR_MS })
    }
}
