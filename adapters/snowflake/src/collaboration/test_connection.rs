//! Whether a member can be reached as its connection says: the account, each reading call by its name, the landing. Reads only; a
//! privilege to write shows itself at the first step that needs it, by its call's name.

use super::observe::listed_rooms;
use super::room::SnowflakeCollaborations;
use super::verify::{history, registry, shares};
use crate::Tried;
use crate::error::Told;
use crate::landing::Landing;
use crate::session::Session;
use adapter_spi::{Cx, ErrorKind, Result, Retry};
use mappings::model::{Agreement, MemberId};

fn tried<T>(permission: &str, answer: Result<T>) -> Tried {
    Tried { permission: permission.to_owned(), error: answer.err() }
}

/// What has to be so.
fn held(session: &Session, answer: Result<bool>) -> Result<()> {
    if answer? {
        return Ok(());
    }
    let told: Told = (ErrorKind::PermissionDenied, "privilege-missing", Retry::Never);
    Err(session.error(told, "test", "the role does not hold it; what would pass: a GRANT of it"))
}

impl SnowflakeCollaborations {
    /// Tries what a member of an agreement needs for being looked at, for offering data and for fetching results.
    pub async fn test(&self, agreement: &Agreement, member: &MemberId) -> Vec<Tried> {
        let cx = Cx::default();
        let session = match Box::pin(self.reach.session(agreement, member, &cx)).await {
            Ok(session) => session,
            Err(error) => return vec![tried("connect", Err::<(), _>(error))],
        };
        let Some(connection) = self.reach.connection(member) else { return Vec::new() };
        let database = connection.database();
        let mut all = vec![
            tried("connect", Ok(())),
            tried("VIEW_COLLABORATIONS", Box::pin(listed_rooms(&session)).await),
            tried("VIEW_REGISTERED_TEMPLATES", Box::pin(registry(&session)).await),
            tried("QUERY_HISTORY", Box::pin(history(&session, database)).await),
        ];
        let owns = agreement.datasets.values().any(|dataset| dataset.owner == *member);
        if owns {
            let answer = Box::pin(shares(&session, database)).await;
            all.push(tried("REFERENCE_USAGE with grant option", held(&session, answer)));
        }
        if connection.landing.is_some() || connection.unload.is_some() {
            let landing = Landing::of(self.reach.platform(), connection);
            let answer = match landing {
                Ok(landing) => landing.reachable().await,
                Err(error) => Err(error),
            };
            all.push(tried("the landing", answer));
        }
        all
    }
}
