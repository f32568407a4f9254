//! Whether a member can be reached as its connection says: the account, each reading call by its name, the landing. Reads only; a
//! privilege to write shows itself at the first step that needs it, by its call's name.

use super::observe::listed_rooms;
use super::room::SnowflakeCollaborations;
use super::verify::{history, registry, shares};
use crate::error::Told;
use crate::landing::Landing;
use crate::session::Session;
use adapter_spi::{Cx, ErrorKind, Result, Retry, TestsConnections, Tried};
use async_trait::async_trait;
use mappings::model::{Agreement, MemberId};

/// What has to be so.
fn held(session: &Session, answer: Result<bool>) -> Result<()> {
    if answer? {
        return Ok(());
    }
    let told: Told = (ErrorKind::PermissionDenied, "privilege-missing", Retry::Never);
    Err(session.error(told, "test", "the role does not hold it; what would pass: a GRANT of it"))
}

#[async_trait]
impl TestsConnections for SnowflakeCollaborations {
    fn operated(&self) -> Vec<MemberId> {
        self.reach.connections().members.keys().cloned().collect()
    }

    /// What it needs for being looked at, for offering data and for fetching results.
    async fn test(&self, agreement: &Agreement, member: &MemberId) -> Vec<Tried> {
        let cx = Cx::default();
        let session = match Box::pin(self.reach.session(agreement, member, &cx)).await {
            Ok(session) => session,
            Err(error) => return vec![Tried::new("connect", Err::<(), _>(error))],
        };
        let Some(connection) = self.reach.connection(member) else { return Vec::new() };
        let database = connection.database();
        let mut all = vec![
            Tried::new("connect", Ok(())),
            Tried::new("VIEW_COLLABORATIONS", Box::pin(listed_rooms(&session)).await),
            Tried::new("VIEW_REGISTERED_TEMPLATES", Box::pin(registry(&session)).await),
            Tried::new("QUERY_HISTORY", Box::pin(history(&session, database)).await),
        ];
        let owns = agreement.datasets.values().any(|dataset| dataset.owner == *member);
        if owns {
            let answer = Box::pin(shares(&session, database)).await;
            all.push(Tried::new("REFERENCE_USAGE with grant option", held(&session, answer)));
        }
        if connection.landing.is_some() || connection.unload.is_some() {
            let landing = Landing::of(self.reach.platform(), connection);
            let answer = match landing {
                Ok(landing) => landing.reachable().await,
                Err(error) => Err(error),
            };
            all.push(Tried::new("the landing", answer));
        }
        all
    }
}
