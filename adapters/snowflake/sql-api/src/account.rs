//! Account identifiers in their three spellings: of host names, of tokens, of sharing statements. Must not know any connection.

use crate::error::{Error, Invalid, Result};
use std::fmt;
use std::str::FromStr;

const NAME_MAX: usize = 255;
const LABEL_MAX: usize = 63;

/// Which account: `ORG-ACCOUNT` (or `ORG.ACCOUNT`, as sharing statements spell it), or a locator with its region
/// (`xy12345.eu-central-1`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccountIdentifier(Parts);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Parts {
    Named { organization: String, account: String },
    Locator { locator: String, region: Option<String> },
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// An account's name may have underscores inside.
fn is_name(text: &str) -> bool {
    let sign = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let outside = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.chars().all(sign) && outside(text.chars().next()) && outside(text.chars().last())
}

/// A region, with the cloud behind it where there is one. Every region's name has a hyphen.
fn is_region(text: &str) -> bool {
    let label = |l: &str| {
        l.split('-').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric()))
    };
    text.contains('-') && text.split('.').all(label)
}

impl FromStr for AccountIdentifier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::invalid(Invalid::Account);
        if text.len() > NAME_MAX {
            return Err(wrong());
        }
        let named = |organization: &str, account: &str| Parts::Named {
            organization: organization.to_ascii_uppercase(),
            account: account.to_ascii_uppercase(),
        };
        let parts = match (text.split_once('.'), text.split_once('-')) {
            (Some((locator, region)), _) if is_plain(locator) && is_region(region) => {
                Parts::Locator {
                    locator: locator.to_ascii_uppercase(),
                    region: Some(region.to_ascii_lowercase()),
                }
            }
            (Some((organization, account)), _) | (None, Some((organization, account)))
                if is_plain(organization) && is_name(account) =>
            {
                named(organization, account)
            }
            (None, None) if is_plain(text) => {
                Parts::Locator { locator: text.to_ascii_uppercase(), region: None }
            }
            _ => return Err(wrong()),
        };
        let made = Self(parts);
        let fits = made.host().split('.').all(|label| label.len() <= LABEL_MAX);
        if fits { Ok(made) } else { Err(wrong()) }
    }
}

impl AccountIdentifier {
    /// The host that answers for it. An underscore cannot stand in a host name: it is a hyphen there.
    #[must_use]
    pub fn host(&self) -> String {
        let account = match &self.0 {
            Parts::Named { organization, account } => {
                format!("{organization}-{}", account.replace('_', "-"))
            }
            Parts::Locator { locator, region: None } => locator.clone(),
            Parts::Locator { locator, region: Some(region) } => format!("{locator}.{region}"),
        };
        format!("{}.snowflakecomputing.com", account.to_ascii_lowercase())
    }

    /// As tokens say it: in upper case, a locator without its region.
    #[must_use]
    pub fn claim(&self) -> String {
        match &self.0 {
            Parts::Named { organization, account } => format!("{organization}-{account}"),
            Parts::Locator { locator, .. } => locator.clone(),
        }
    }

    /// As sharing statements say it; a locator has no such name.
    #[must_use]
    pub fn sharing(&self) -> Option<String> {
        match &self.0 {
            Parts::Named { organization, account } => Some(format!("{organization}.{account}")),
            Parts::Locator { .. } => None,
        }
    }
}

impl fmt::Display for AccountIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Parts::Named { .. } | Parts::Locator { region: None, .. } => f.write_str(&self.claim()),
            Parts::Locator { locator, region: Some(region) } => write!(f, "{locator}.{region}"),
        }
    }
}

#[cfg(test)]
mod tests {
    //! Each spelling, and what is none.
    use super::*;

    #[test]
    fn spellings() {
        let of = |text: &str| {
            let account: AccountIdentifier = text.parse().unwrap();
            (account.host(), account.claim(), account.sharing())
        };
        let named = (
            "acme-marketing-eu.snowflakecomputing.com".to_owned(),
            "ACME-MARKETING_EU".to_owned(),
            Some("ACME.MARKETING_EU".to_owned()),
        );
        assert_eq!(of("acme-marketing_eu"), named);
        assert_eq!(of("ACME.MARKETING_EU"), named);
        let located = |host: &str| {
            (format!("{host}.snowflakecomputing.com"), "XY12345".to_owned(), None::<String>)
        };
        assert_eq!(of("xy12345"), located("xy12345"));
        assert_eq!(of("XY12345.eu-central-1"), located("xy12345.eu-central-1"));
        assert_eq!(of("xy12345.west-europe.azure"), located("xy12345.west-europe.azure"));
    }

    #[test]
    fn what_is_no_account() {
        let long = format!("acme-{}", "a".repeat(64));
        let wrong = [
            "",
            "-",
            ".",
            "acme-",
            "-acme",
            "acme.",
            "a-b-c",
            "acme-_a",
            "acme-a_",
            "evil.com/x",
            "acme-a@evil",
            "acme-a#",
            "acme-a:443",
            "acme-a b",
            "äcme-a",
            "acme-a\r\n",
            "a.b.c",
            "xy.eu--1",
            &long,
        ];
        for text in wrong {
            assert!(text.parse::<AccountIdentifier>().is_err(), "{text:?}");
        }
    }
}
