//! What was seen on the platform, as plain values: one view an account that this gateway operates. Must not know clients.

use super::call::{Grant, Guarded, Privilege};
use super::mark::Comment;
use crate::reach::{Seat, account_of};
use mappings::model::{DatasetName, Digest, MemberId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything of one agreement that the operated members see.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) accounts: BTreeMap<MemberId, Account>,
    /// Accounts of earlier agreements in which something is left: nothing there is wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) past: Vec<Past>,
    /// Members that are operated and could not be looked at, with the code of the error.
    pub(crate) unseen: BTreeMap<MemberId, String>,
}

/// What is left in an account that no agreement in force names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Past {
    pub(crate) seat: Seat,
    pub(crate) account: Account,
}

/// What one member's account has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Account {
    /// `ORG.ACCOUNT`.
    pub(crate) identifier: String,
    /// As the platform says it.
    pub(crate) region: String,
    /// The database in which the gateway makes its schemas.
    pub(crate) database: String,
    /// Whether that is there.
    pub(crate) has_database: bool,
    /// Shares that go out, by name.
    pub(crate) shares: BTreeMap<String, Share>,
    /// Shares of others that let this account in: whose and which, with the database that it is mounted as.
    pub(crate) inbound: BTreeMap<String, Option<String>>,
    /// Databases that are named like mounts of ours.
    pub(crate) mounts: BTreeSet<String>,
    /// What is shared from.
    pub(crate) offers: Option<Schema>,
    /// What runs read.
    pub(crate) runs: Option<Schema>,
    /// Shares that Airlock did not make and that give the very table of a dataset to other members.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) beside: BTreeSet<Beside>,
    /// The columns of the member's tables with their types; none of a table that is not there, or not shown.
    pub(crate) tables: BTreeMap<DatasetName, Option<BTreeMap<String, String>>>,
}

impl Account {
    /// Whether what is there shows that something of ours is not shown: the gateway's database under shares or mounts of it, or the
    /// schema that a share has a grant on. A schema that was dropped has no grants.
    pub(crate) fn is_hidden(&self, offers: &str) -> bool {
        let leans = !self.shares.is_empty() || !self.mounts.is_empty();
        let mut grants = self.shares.values().flat_map(|share| &share.grants);
        let on = |path: &[String]| {
            path.first() == Some(&self.database) && path.get(1).map(String::as_str) == Some(offers)
        };
        (leans && !self.has_database)
            || (self.offers.is_none() && grants.any(|grant| on(&grant.on)))
    }

    /// Whether nothing of ours is there.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { shares, mounts, offers, runs, .. } = self;
        shares.is_empty() && mounts.is_empty() && offers.is_none() && runs.is_none()
    }
}

/// A share that goes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Share {
    pub(crate) mark: Comment,
    /// The accounts that it lets in.
    pub(crate) to: BTreeSet<String>,
    pub(crate) grants: BTreeSet<Grant>,
    /// Grants that this version has no word for, and, behind `TO`, those whom it lets in and no statement can name.
    pub(crate) unknown: BTreeSet<String>,
}

/// What stands before somebody who is let in, among what has no word.
pub(crate) const TO: &str = "to ";

/// Whom a share lets in, of its list's columns `to` and `listing_global_name`: accounts, and behind `TO` those whom no statement can name
/// and whoever a listing lets in.
pub(crate) fn let_in(to: &str, listing: Option<&str>) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut accounts, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    let to = to.split(',').map(|one| one.trim().to_ascii_uppercase());
    for one in to.filter(|one| !one.is_empty()) {
        match account_of(&one) {
            Some(account) => drop(accounts.insert(account)),
            None => drop(unknown.insert(format!("{TO}an account of another form"))),
        }
    }
    if listing.is_some_and(|listing| !listing.is_empty()) {
        unknown.insert(format!("{TO}a listing"));
    }
    (accounts, unknown)
}

impl Share {
    /// Whether it lets anybody in who can read something by it.
    pub(crate) fn is_given(&self) -> bool {
        let reads = self.grants.iter().any(|grant| grant.privilege == Privilege::Select);
        let (others, unread): (Vec<&String>, Vec<&String>) =
            self.unknown.iter().partition(|one| one.starts_with(TO));
        (!self.to.is_empty() || !others.is_empty()) && (reads || !unread.is_empty())
    }
}

/// A share of somebody's that gives the table of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Beside {
    pub(crate) dataset: DatasetName,
    pub(crate) share: String,
    /// The members that it lets in, with their accounts.
    pub(crate) to: BTreeMap<MemberId, String>,
}

/// A schema of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schema {
    pub(crate) mark: Comment,
    pub(crate) views: BTreeMap<String, View>,
    /// By name; whether each has the body that its name says.
    pub(crate) policies: BTreeMap<String, bool>,
}

/// A view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct View {
    pub(crate) mark: Comment,
    /// The digest of the statement that made it.
    pub(crate) text: Digest,
    pub(crate) secure: bool,
    /// The policy of ours that is on it.
    pub(crate) guarded: Option<Guarded>,
}

/// How a share of another account is known.
pub(crate) fn inbound(account: &str, share: &str) -> String {
    format!("{account}.{share}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_no_statement_names_is_let_in_all_the_same() {
        let all = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let other = "to an account of another form";
        for (to, listing, accounts, unknown) in [
            ("", None, vec![], vec![]),
            ("", Some(""), vec![], vec![]),
            ("acme.consumer, OTHER.ONE", None, vec!["ACME.CONSUMER", "OTHER.ONE"], vec![]),
            ("ACME.CONSUMER,XY12345", None, vec!["ACME.CONSUMER"], vec![other]),
            ("A.B.C, \u{1F980}.X", Some(""), vec![], vec![other]),
            ("ACME.CONSUMER", Some("GZ1"), vec!["ACME.CONSUMER"], vec!["to a listing"]),
        ] {
            let found: (BTreeSet<String>, BTreeSet<String>) = let_in(to, listing);
            assert_eq!(found, (all(&accounts), all(&unknown)), "{to}");
        }
    }
}
