//! What was seen on the platform, as plain values: one view an account that this gateway operates. Must not know clients.

use crate::rule::Rule;
use crate::wanted::Budget;
use adapter_spi::Note;
use mappings::model::{DatasetName, Digest, MemberId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything of one agreement that the operated members see.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) accounts: BTreeMap<MemberId, Account>,
    /// Accounts and Regions of earlier agreements in which something is left: nothing there is wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) past: Vec<Past>,
    /// Members that are operated and could not be looked at, with the code of the error.
    pub(crate) unseen: BTreeMap<MemberId, String>,
}

/// What one member sees.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Account {
    /// By name.
    pub(crate) rooms: BTreeMap<String, Room>,
    /// By name.
    pub(crate) tables: BTreeMap<String, Table>,
    /// Further tables of ours under a name, in no collaboration: left by a call that came late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) spare: Vec<(String, Table)>,
    /// Names that begin like ours, and carry no tag of ours or stand in use twice: left alone.
    pub(crate) strangers: BTreeSet<String>,
    /// The same data, open beside what is agreed by somebody's hand.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) beside: BTreeSet<Beside>,
    /// What differs and is neither missing nor too much.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) notes: BTreeSet<Note>,
}

/// A table that Airlock did not make, over a dataset's data, in a collaboration that is not the agreement's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Beside {
    pub(crate) dataset: DatasetName,
    /// Its name in the account.
    pub(crate) table: String,
    pub(crate) collaboration: String,
    pub(crate) membership: String,
    pub(crate) association: String,
    /// Other members of the agreement who are in that collaboration.
    pub(crate) with: BTreeSet<MemberId>,
}

/// What is left in an account, or in a Region, that no agreement in force names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Past {
    pub(crate) seat: Seat,
    pub(crate) account: Account,
}

/// Whose account, which, and in which Region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Seat {
    pub(crate) member: MemberId,
    pub(crate) account: String,
    pub(crate) region: String,
}

/// A collaboration as one member sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Room {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) creator: String,
    /// By account.
    pub(crate) members: BTreeMap<String, Member>,
    /// One's own membership.
    pub(crate) membership: Option<Membership>,
    /// Tables as partners see them, by name; seen by one member of each collaboration.
    pub(crate) schemas: BTreeMap<String, Schema>,
    /// Templates as partners see them, by name.
    pub(crate) templates: BTreeMap<String, Template>,
}

/// A member's entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// `INVITED`, `ACTIVE`, `LEFT` or `REMOVED`.
    pub(crate) status: String,
    pub(crate) queries: bool,
    pub(crate) receives: bool,
    pub(crate) pays: Option<bool>,
}

/// One's own membership and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Membership {
    pub(crate) id: String,
    /// `ACTIVE`, `REMOVED` or `COLLABORATION_DELETED`.
    pub(crate) status: String,
    /// By name.
    pub(crate) associations: BTreeMap<String, Association>,
    /// Own templates by name, each with its id.
    pub(crate) templates: BTreeMap<String, String>,
    /// By the association's id.
    pub(crate) budgets: BTreeMap<String, SeenBudget>,
}

/// A table in a collaboration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Association {
    pub(crate) id: String,
    pub(crate) table: String,
    pub(crate) role: String,
    /// Who may receive; `None` where nothing is said.
    pub(crate) receivers: Option<BTreeSet<String>>,
}

/// An access budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenBudget {
    pub(crate) id: String,
    /// `None` of one that ours never look like.
    pub(crate) budget: Option<Budget>,
}

/// A configured table and its rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) id: String,
    pub(crate) arn: String,
    /// Database and table, where it is a Glue table.
    pub(crate) glue: Option<(String, String)>,
    pub(crate) columns: BTreeSet<String>,
    /// The types of rules that it has.
    pub(crate) rules: BTreeSet<String>,
    /// Its CUSTOM rule.
    pub(crate) rule: Option<Rule>,
}

/// A table as partners see it: the platform's own word on whether it can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schema {
    pub(crate) creator: String,
    pub(crate) ready: bool,
    /// Why it is not.
    pub(crate) reasons: BTreeSet<String>,
    /// The templates that its rule allows.
    pub(crate) analyses: BTreeSet<String>,
    /// When its rule was last written, in milliseconds; 0 where that is not said.
    #[serde(default)]
    pub(crate) ruled_ms: i64,
}

/// A template as partners see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Template {
    pub(crate) arn: String,
    pub(crate) creator: String,
    /// The digest of its text; `None` where the platform shows none.
    pub(crate) text: Option<Digest>,
    /// Names and types of its parameters.
    pub(crate) parameters: Vec<(String, String)>,
    /// When it was made, in milliseconds.
    #[serde(default)]
    pub(crate) made_ms: i64,
}

impl Seen {
    /// A collaboration as its members see it, the runner first; with whose view it is.
    pub(crate) fn room<'a>(
        &'a self,
        name: &'a str,
        runner: &MemberId,
    ) -> Option<(&'a MemberId, &'a Room)> {
        let of = |member: &MemberId| {
            let (member, account) = self.accounts.get_key_value(member)?;
            Some((member, account.rooms.get(name)?))
        };
        of(runner).or_else(|| self.accounts.keys().find_map(of))
    }
}
