//! Whether a member can be reached as its connection says: the account, each reading permission by its name, the landing. Reads
//! only; a writing permission shows itself at the first step that needs it, by the same name.

use crate::error::{Act, told};
use crate::fetch;
use crate::room::AwsCleanRooms;
use adapter_spi::AdapterError;
use mappings::model::{Agreement, MemberId};

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The permission, such as `cleanrooms:ListCollaborations`.
    pub permission: String,
    /// Why it does not work.
    pub error: Option<AdapterError>,
}

fn tried<T>(permission: &str, answer: Result<T, AdapterError>) -> Tried {
    Tried { permission: permission.to_owned(), error: answer.err() }
}

impl AwsCleanRooms {
    /// The members that this gateway operates.
    pub fn operated(&self) -> impl Iterator<Item = &MemberId> {
        self.members()
    }

    /// Tries what a member of an agreement needs for being looked at and for fetching results.
    pub async fn test(&self, agreement: &Agreement, member: &MemberId) -> Vec<Tried> {
        let client = match self.client(agreement, member).await {
            Ok(client) => client,
            Err(error) => return vec![tried("sts:GetCallerIdentity", Err::<(), _>(error))],
        };
        let mut all = vec![tried("sts:GetCallerIdentity", Ok(()))];
        let answer = client.rooms.list_collaborations().max_results(1).send().await;
        let answer = answer.map_err(|error| told("ListCollaborations", Act::Read, &error));
        all.push(tried("cleanrooms:ListCollaborations", answer));
        let answer = client.rooms.list_memberships().max_results(1).send().await;
        let answer = answer.map_err(|error| told("ListMemberships", Act::Read, &error));
        all.push(tried("cleanrooms:ListMemberships", answer));
        let answer = client.rooms.list_configured_tables().max_results(1).send().await;
        let answer = answer.map_err(|error| told("ListConfiguredTables", Act::Read, &error));
        all.push(tried("cleanrooms:ListConfiguredTables", answer));
        let landing = self.connection(member).and_then(crate::connection::Connection::landing);
        if let Some((bucket, prefix)) = landing {
            let answer = fetch::reachable(&client, &bucket, &prefix).await;
            all.push(tried("s3:ListBucket", answer));
        }
        all
    }
}
