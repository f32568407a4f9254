//! What the operated members see, as plain values: collaborations of ours with what is applied in them, what is registered, which views
//! there are. Must not know sessions, nor what is wanted.

use super::yaml::Tree;
use mappings::model::{DatasetName, Digest, MemberId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What all operated members see.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) accounts: BTreeMap<MemberId, Account>,
    /// Accounts that only earlier agreements give these members: nothing there is wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) past: Vec<Past>,
    /// Members who could not be looked at, with the code of what failed.
    pub(crate) unseen: BTreeMap<MemberId, String>,
}

/// An account that a member had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Past {
    pub(crate) member: MemberId,
    pub(crate) account: Account,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Account {
    /// `ORG.ACCOUNT`.
    pub(crate) identifier: String,
    /// As `CURRENT_REGION()` says it.
    pub(crate) region: String,
    /// The database of its views.
    pub(crate) database: String,
    /// The types of the physical columns of its datasets; nothing where the table is not seen.
    pub(crate) tables: BTreeMap<DatasetName, Option<BTreeMap<String, String>>>,
    /// Collaborations of ours, by name.
    pub(crate) rooms: BTreeMap<String, Room>,
    /// Registered offerings of ours, each with what its spec says; nothing where it can't be read.
    pub(crate) offerings: BTreeMap<String, Option<Digest>>,
    /// Registered templates of ours.
    pub(crate) templates: BTreeMap<String, Option<Digest>>,
    /// Specs of ours that the platform would not take back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) kept: BTreeSet<String>,
    /// Whether the schema of the views is there.
    pub(crate) schema: bool,
    /// The views in it, each with the digest of the statement that made it.
    pub(crate) views: BTreeMap<String, Digest>,
    /// Offerings that Airlock did not make, of the very table of a dataset, linked for other members.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) beside: BTreeSet<Beside>,
    /// Collaborations under our names that are not ours.
    pub(crate) strangers: BTreeSet<String>,
}

/// An offering of somebody's that gives the table of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Beside {
    pub(crate) dataset: DatasetName,
    /// What the collaboration is called in the owner's account.
    pub(crate) room: String,
    pub(crate) offering: String,
    /// The runner's alias there.
    pub(crate) runner: String,
    pub(crate) member: MemberId,
}

/// A collaboration as one member sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Room {
    /// Whether it is installed here: only then it answers.
    pub(crate) installed: bool,
    pub(crate) owner: String,
    /// When it changed last, in the platform's words.
    pub(crate) updated: String,
    /// What is applied.
    pub(crate) spec: Spec,
    /// How far each collaborator is, by alias; nobody where it is not installed.
    pub(crate) states: BTreeMap<String, State>,
    /// What awaits approvals, or was decided.
    pub(crate) requests: Vec<Request>,
    /// Listed templates.
    pub(crate) texts: BTreeMap<String, Text>,
}

/// A listed template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Text {
    /// What its whole spec says; nothing where it can't be read.
    pub(crate) spec: Option<Digest>,
    /// The digest of the text that runs.
    pub(crate) sql: Option<Digest>,
}

/// What is applied in a collaboration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) owner: String,
    /// Accounts, by alias.
    pub(crate) aliases: BTreeMap<String, String>,
    pub(crate) runners: BTreeMap<String, Runner>,
}

/// What a runner may use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Runner {
    /// Offerings by provider.
    pub(crate) providers: BTreeMap<String, BTreeSet<String>>,
    pub(crate) templates: BTreeSet<String>,
    /// To whom it may activate.
    pub(crate) receivers: BTreeSet<String>,
}

/// A request for a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) asks: Asks,
    /// Whether it was refused by a gateway, for what was withdrawn.
    pub(crate) by_us: bool,
}

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Asks {
    /// A template for these runners.
    Template { id: String, runners: BTreeSet<String> },
    /// Another target of the whole: its details may leave something out, so that nobody approves it unread.
    Edit,
    /// Something that is not read here.
    Other,
}

/// How far a request is, as one member sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Status {
    Mine,
    Others,
    Approved,
    Done,
    Rejected,
    Failed,
    Unknown,
}

impl Status {
    /// As the platform says it.
    pub(crate) fn read(text: &str) -> Self {
        match text {
            "PENDING_MY_APPROVAL" => Self::Mine,
            "REQUESTED" | "PENDING_PARTNER_APPROVAL" => Self::Others,
            "APPROVED" => Self::Approved,
            "COMPLETED" => Self::Done,
            "REJECTED" => Self::Rejected,
            "FAILED" => Self::Failed,
            _ => Self::Unknown,
        }
    }

    /// Whether it may still give what it asks for.
    pub(crate) const fn is_open(self) -> bool {
        match self {
            Self::Mine | Self::Others | Self::Approved | Self::Unknown => true,
            Self::Done | Self::Rejected | Self::Failed => false,
        }
    }
}

/// How far a collaborator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// On its way to somewhere.
    Moving,
    /// The owner's, before it joins.
    Created,
    CreateFailed,
    Invited,
    InstallFailed,
    InReview,
    JoinFailed,
    Joined,
    /// It began to leave or to tear down.
    Leaving,
    /// It has to say so again.
    DropPending,
    LeaveFailed,
    /// Out for good.
    Out,
    /// A word that this version does not know: nothing is given.
    Unknown,
}

impl State {
    /// As `GET_STATUS` says it.
    pub(crate) fn read(text: &str) -> Self {
        match text {
            "CREATING" | "INSTALLING" | "JOINING" | "REPLICATING" => Self::Moving,
            "CREATED" => Self::Created,
            "CREATE_FAILED" | "CREATE_TIMED_OUT" => Self::CreateFailed,
            "INVITED" => Self::Invited,
            "INSTALLATION_FAILED" => Self::InstallFailed,
            "IN_REVIEW" => Self::InReview,
            "JOIN_FAILED" => Self::JoinFailed,
            "JOINED" => Self::Joined,
            "LEAVING" | "DROPPING" => Self::Leaving,
            "LOCAL_DROP_PENDING" => Self::DropPending,
            "LEAVE_FAILED" | "DROP_FAILED" => Self::LeaveFailed,
            "LEFT" | "DROPPED" => Self::Out,
            _ => Self::Unknown,
        }
    }

    /// Whether it is over, or will be whatever anybody does.
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::CreateFailed | Self::Leaving | Self::DropPending | Self::Out)
    }

    /// Whether its data or its runs may count.
    pub(crate) const fn is_in(self) -> bool {
        matches!(self, Self::Joined | Self::LeaveFailed | Self::Unknown)
    }
}

impl Spec {
    /// Out of the text of what is applied; nothing of what is no such spec. Ids are read without their case.
    pub(crate) fn read(tree: &Tree) -> Option<Self> {
        let aliases = tree.get("collaborator_identifier_aliases")?.entries();
        let aliases = aliases
            .map(|(alias, account)| Some((alias.clone(), account.text()?.to_ascii_uppercase())));
        let runners = tree.get("analysis_runners")?.entries();
        let runners = runners.map(|(alias, runner)| Some((alias.clone(), Runner::read(runner)?)));
        Some(Self {
            owner: tree.get("owner")?.text()?.to_owned(),
            aliases: aliases.collect::<Option<_>>()?,
            runners: runners.collect::<Option<_>>()?,
        })
    }
}

fn ids(list: Option<&Tree>) -> Option<BTreeSet<String>> {
    let items = list.map(Tree::items).unwrap_or_default().iter();
    items.map(|item| Some(item.get("id")?.text()?.to_ascii_lowercase())).collect()
}

pub(crate) fn texts(list: Option<&Tree>) -> Option<BTreeSet<String>> {
    let items = list.map(Tree::items).unwrap_or_default().iter();
    items.map(|item| Some(item.text()?.to_owned())).collect()
}

impl Runner {
    fn read(tree: &Tree) -> Option<Self> {
        let providers = tree.get("data_providers")?.entries();
        let providers = providers
            .map(|(alias, held)| Some((alias.clone(), ids(held.get("data_offerings"))?)))
            .collect::<Option<_>>()?;
        let places = tree.get("activation_destinations");
        let receivers = places.and_then(|places| places.get("snowflake_collaborators"));
        Some(Self {
            providers,
            templates: ids(tree.get("templates"))?,
            receivers: texts(receivers)?,
        })
    }
}

impl Request {
    /// Out of the parts of an answer.
    pub(crate) fn read(id: String, status: &str, (kind, details): (&str, Option<&Tree>)) -> Self {
        let asks = details.and_then(|tree| asks(kind, tree)).unwrap_or(Asks::Other);
        Self { id, status: Status::read(status), asks, by_us: false }
    }
}

/// What the details of a request say; nothing where they say more than is read.
fn asks(kind: &str, tree: &Tree) -> Option<Asks> {
    match kind {
        "ADD_TEMPLATE" => Some(Asks::Template {
            id: tree.get("template")?.text()?.to_ascii_lowercase(),
            runners: texts(tree.get("analysis_runners"))?,
        }),
        "EDIT" => Some(Asks::Edit),
        _ => None,
    }
}

impl Seen {
    /// What says whether anything changed since.
    pub(crate) fn version(&self) -> u64 {
        let value = serde_json::json!(self);
        let digest = Digest::of(&mappings::agreement::canonical(&value));
        digest.as_bytes().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }

    /// Every account that is looked at, with whose it is or was.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&MemberId, &Account)> {
        let past = self.past.iter().map(|one| (&one.member, &one.account));
        self.accounts.iter().chain(past)
    }

    /// A member's account in a collaboration: the one under which it is in there, where that is looked at.
    pub(crate) fn account(&self, name: &str, member: &MemberId) -> Option<&Account> {
        let alias = super::names::alias(member);
        let mut rooms = self.all().filter_map(|(_, account)| account.rooms.get(name));
        let Some(named) = rooms.find_map(|room| room.spec.aliases.get(&alias)) else {
            return self.accounts.get(member);
        };
        let mut own = self.all().filter(|(one, _)| *one == member).map(|(_, account)| account);
        own.find(|account| account.identifier == *named)
    }

    /// Whether an account is one that a member had, and not the one that it has.
    pub(crate) fn is_past(&self, member: &MemberId, account: &Account) -> bool {
        let own = self.accounts.get(member);
        own.is_none_or(|own| own.identifier != account.identifier)
    }

    /// A collaboration as somebody sees it: this member if it does, else whoever it is installed for, else anybody.
    pub(crate) fn view(&self, name: &str, first: &MemberId) -> Option<&Room> {
        let rooms = || self.all().filter_map(|(_, account)| account.rooms.get(name));
        let own = self.account(name, first).and_then(|account| account.rooms.get(name));
        let own = own.filter(|room| room.installed);
        own.or_else(|| rooms().find(|room| room.installed)).or_else(|| rooms().next())
    }

    /// How far a member is in a collaboration: by its own account there, else by what others see.
    pub(crate) fn state(&self, name: &str, member: &MemberId) -> Option<State> {
        let alias = super::names::alias(member);
        let told = || self.view(name, member)?.states.get(&alias).copied();
        let Some(account) = self.account(name, member) else { return told() };
        match account.rooms.get(name) {
            Some(room) => Some(room.states.get(&alias).copied().unwrap_or(State::Invited)),
            // What it is out of its own list does not have.
            None => told().filter(|state| *state == State::Out),
        }
    }
}
