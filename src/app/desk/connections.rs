//! How the caller's own member is reached on platforms, tried permission by permission.

use super::Desk;
use crate::access::Action;
use crate::app::ConnectionLine;
use crate::error::{Error, Result};
use crate::wire;

impl Desk<'_> {
    /// Tries every connection of the caller's member in a collaboration.
    pub(crate) async fn connections(&self, name: &str) -> Result<wire::ConnectionsTested> {
        let seen = self.seen_whole(name, Action::TestConnections).await?;
        let _turn = self.house.asking.take(&seen.member)?;
        let member = Some(&seen.member);
        let tried = self.app.test_connections_of(&seen.collaboration, member).await?;
        if tried.is_empty() {
            let message = "this gateway operates no connection of the caller's member";
            return Err(Error::invalid("connections-missing", message)
                .help("its section in connections.toml of the gateway"));
        }
        Ok(wire::ConnectionsTested { connections: tried.into_iter().map(shown).collect() })
    }
}

/// What the platform itself said stays here.
fn shown(line: ConnectionLine) -> wire::ConnectionTested {
    let code = line.problem().map(|problem| problem.code);
    wire::ConnectionTested {
        room: line.room,
        permission: line.permission,
        works: code.is_none(),
        code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_permission_that_is_missing_is_named_and_nothing_that_the_platform_said() {
        let line = |error: Option<&str>| {
            shown(ConnectionLine {
                room: "aws-clean-rooms".to_owned(),
                member: "grocer".parse().unwrap(),
                permission: "cleanrooms:ListMemberships".to_owned(),
                error: error.map(str::to_owned),
            })
        };
        let broken = line(Some("access-denied: arn:aws:iam::111111111111:role/zqsentinel: no"));
        assert_eq!((broken.works, broken.code.as_deref()), (false, Some("access-denied")));
        assert_eq!(broken.permission, "cleanrooms:ListMemberships");
        assert!(!serde_json::to_string(&broken).unwrap().contains("zqsentinel"));
        assert_eq!((line(None).works, line(None).code), (true, None));
    }
}
