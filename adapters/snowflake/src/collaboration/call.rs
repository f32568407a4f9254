//! The calls that change something, as plain values: what a step carries. Must not know sessions.

use crate::entry::View;
use crate::reach::Seat;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One call with its whole input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation")]
pub(crate) enum Call {
    CreateSchema {
        database: String,
        schema: String,
    },
    CreateView {
        database: String,
        schema: String,
        view: String,
        entry: View,
    },
    DropView {
        database: String,
        schema: String,
        view: String,
    },
    RegisterOffering {
        id: String,
        spec: String,
    },
    RegisterTemplate {
        id: String,
        spec: String,
    },
    UnregisterOffering {
        id: String,
    },
    UnregisterTemplate {
        id: String,
    },
    Initialize {
        room: String,
        spec: String,
    },
    Review {
        room: String,
        owner: String,
    },
    Join {
        room: String,
    },
    /// Twice: again once the first is through.
    Leave {
        room: String,
        again: bool,
    },
    Teardown {
        room: String,
        again: bool,
    },
    Link {
        room: String,
        offering: String,
        runner: String,
    },
    Unlink {
        room: String,
        offering: String,
        runners: BTreeSet<String>,
    },
    RequestTemplate {
        room: String,
        template: String,
        runner: String,
    },
    RemoveTemplate {
        room: String,
        template: String,
        runners: BTreeSet<String>,
    },
    Approve {
        room: String,
        request: String,
        template: String,
    },
    Reject {
        room: String,
        request: String,
    },
    Edit {
        room: String,
        spec: String,
    },
}

/// Under which words a gateway refuses what was withdrawn, so that it is known from an owner's own refusal.
pub(crate) const WITHDRAWN: &str = "airlock: withdrawn";

/// Where and for whom a call is made, beside it in its step.
pub(crate) const AT: &str = "at";

/// A member and its account.
pub(crate) type At = Seat;

impl Call {
    /// Its name in errors.
    pub(crate) const fn operation(&self) -> &'static str {
        match self {
            Self::CreateSchema { .. } => "CREATE SCHEMA",
            Self::CreateView { .. } => "CREATE VIEW",
            Self::DropView { .. } => "DROP VIEW",
            Self::RegisterOffering { .. } => "REGISTER_DATA_OFFERING",
            Self::RegisterTemplate { .. } => "REGISTER_TEMPLATE",
            Self::UnregisterOffering { .. } => "UNREGISTER_DATA_OFFERING",
            Self::UnregisterTemplate { .. } => "UNREGISTER_TEMPLATE",
            Self::Initialize { .. } => "INITIALIZE",
            Self::Review { .. } => "REVIEW",
            Self::Join { .. } => "JOIN",
            Self::Leave { .. } => "LEAVE",
            Self::Teardown { .. } => "TEARDOWN",
            Self::Link { .. } => "LINK_DATA_OFFERING",
            Self::Unlink { .. } => "UNLINK_DATA_OFFERING",
            Self::RequestTemplate { .. } => "ADD_TEMPLATE_REQUEST",
            Self::RemoveTemplate { .. } => "REMOVE_TEMPLATE",
            Self::Approve { .. } => "APPROVE_UPDATE_REQUEST",
            Self::Reject { .. } => "REJECT_UPDATE_REQUEST",
            Self::Edit { .. } => "EDIT",
        }
    }

    /// The privileges that its role needs, by name. Those of the API's own are granted by procedures of its schema `ADMIN`.
    pub(crate) const fn needs(&self) -> &'static str {
        match self {
            Self::CreateSchema { .. } => "CREATE SCHEMA on the gateway's database",
            Self::CreateView { .. } => {
                "CREATE VIEW on the schema, and SELECT on the dataset's table with USAGE on its database and schema"
            }
            Self::DropView { .. } => "OWNERSHIP of the view",
            Self::RegisterOffering { .. } | Self::UnregisterOffering { .. } => {
                "REGISTER DATA OFFERING on the account"
            }
            Self::RegisterTemplate { .. } | Self::UnregisterTemplate { .. } => {
                "REGISTER TEMPLATE on the account"
            }
            Self::Initialize { .. } => "CREATE COLLABORATION on the account",
            Self::Review { .. } => "REVIEW COLLABORATION on the account",
            Self::Join { .. } => "JOIN COLLABORATION on the account",
            Self::Leave { .. } | Self::Teardown { .. } | Self::Unlink { .. } => {
                "to be the role that joined the collaboration"
            }
            Self::Link { .. } => {
                "to be the role that joined the collaboration, and REFERENCE_USAGE on the database of the view with grant option, or its ownership"
            }
            Self::RequestTemplate { .. }
            | Self::RemoveTemplate { .. }
            | Self::Approve { .. }
            | Self::Reject { .. }
            | Self::Edit { .. } => "UPDATE on the collaboration, or to be the role that joined it",
        }
    }

    /// The spec that it takes back.
    pub(crate) fn takes_back(&self) -> Option<&String> {
        if let Self::UnregisterOffering { id } | Self::UnregisterTemplate { id } = self {
            Some(id)
        } else {
            None
        }
    }
}
