//! Whether a member can be reached as its connection says: the account, each reading permission by its name, the landing. Reads
//! only; a writing permission shows itself at the first step that needs it, by the same name.

use crate::error::{Act, told};
use crate::fetch;
use crate::room::AwsCleanRooms;
use adapter_spi::{TestsConnections, Tried};
use async_trait::async_trait;
use mappings::model::{Agreement, MemberId};

#[async_trait]
impl TestsConnections for AwsCleanRooms {
    fn operated(&self) -> Vec<MemberId> {
        self.members().cloned().collect()
    }

    /// What it needs for being looked at and for fetching results.
    async fn test(&self, agreement: &Agreement, member: &MemberId) -> Vec<Tried> {
        let client = match self.client(agreement, member).await {
            Ok(client) => client,
            Err(error) => return vec![Tried::new("sts:GetCallerIdentity", Err::<(), _>(error))],
        };
        let mut all = vec![Tried::new("sts:GetCallerIdentity", Ok(()))];
        let answer = client.rooms.list_collaborations().max_results(1).send().await;
        let answer = answer.map_err(|error| told("ListCollaborations", Act::Read, &error));
        all.push(Tried::new("cleanrooms:ListCollaborations", answer));
        let answer = client.rooms.list_memberships().max_results(1).send().await;
        let answer = answer.map_err(|error| told("ListMemberships", Act::Read, &error));
        all.push(Tried::new("cleanrooms:ListMemberships", answer));
        let answer = client.rooms.list_configured_tables().max_results(1).send().await;
        let answer = answer.map_err(|error| told("ListConfiguredTables", Act::Read, &error));
        all.push(Tried::new("cleanrooms:ListConfiguredTables", answer));
        let landing = self.connection(member).and_then(crate::connection::Connection::landing);
        if let Some((bucket, prefix)) = landing {
            let answer = fetch::reachable(&client, &bucket, &prefix).await;
            all.push(Tried::new("s3:ListBucket", answer));
        }
        all
    }
}
