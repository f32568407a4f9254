//! Revocations: in force the moment they are on record. Denying never waits for anything.

use super::{App, Recorded, agreements, known, members};
use crate::error::Result;
use crate::log::{Body, Revocable};
use mappings::model::{CollaborationId, ColumnName, DatasetName, MemberId, TemplateName};
use std::fmt;

/// What a member withdraws, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withdrawal {
    /// Its own membership.
    Membership,
    /// A dataset it owns.
    Dataset(DatasetName),
    /// A column of a dataset it owns.
    Column(DatasetName, ColumnName),
    /// A template version.
    Template(TemplateName),
    /// Its own approval of a template version.
    Approval(TemplateName),
    /// The whole room.
    Room,
}

impl fmt::Display for Withdrawal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Membership => f.write_str("its membership"),
            Self::Dataset(dataset) => write!(f, "dataset {dataset}"),
            Self::Column(dataset, column) => write!(f, "column {dataset}.{column}"),
            Self::Template(template) => write!(f, "template {template}"),
            Self::Approval(template) => write!(f, "its approval of {template}"),
            Self::Room => f.write_str("the whole room"),
        }
    }
}

impl App {
    /// Records a withdrawal. Runs in progress see it and stop; new ones are refused.
    pub async fn revoke(
        &self,
        collaboration: &CollaborationId,
        what: &Withdrawal,
        member: &MemberId,
    ) -> Result<Recorded> {
        let key = members::signing_key(&self.home, member)?;
        self.decide(collaboration, (member, &key), |state| {
            let digest = |name: &TemplateName| agreements::digest(known(state)?, name);
            let what = match what {
                Withdrawal::Membership => Revocable::Member { member: member.clone() },
                Withdrawal::Dataset(dataset) => Revocable::Dataset { dataset: dataset.clone() },
                Withdrawal::Column(dataset, column) => {
                    Revocable::Column { dataset: dataset.clone(), column: column.clone() }
                }
                Withdrawal::Template(name) => {
                    Revocable::Template { template: name.clone(), digest: digest(name)? }
                }
                Withdrawal::Approval(name) => Revocable::Approval {
                    template: name.clone(),
                    digest: digest(name)?,
                    of: member.clone(),
                },
                Withdrawal::Room => Revocable::Room,
            };
            Ok(Body::Revoked { by: member.clone(), what })
        })
        .await
    }
}
