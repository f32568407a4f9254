//! Whether a member can be reached as its connection says: the account, each privilege by its name, the landing. Reads only; what
//! is written later needs privileges that are looked up here among the grants of the role.

use super::room::SnowflakeShares;
use super::wanted::{Offer, wanted};
use crate::landing::Landing;
use crate::session::Session;
use crate::sql::Sql;
use adapter_spi::{AdapterError, CallClass, Cx, Desired, ErrorKind, Result, Retry};
use mappings::model::{Agreement, MemberId, PlatformId};
use std::collections::BTreeSet;
use std::sync::Arc;

const OPERATION: &str = "test";
/// What an owner's role needs on its account.
const OF_OWNERS: [&str; 2] = ["CREATE SHARE", "MANAGE SHARE TARGET"];
/// What a runner's role needs on its account.
const OF_RUNNERS: [&str; 2] = ["IMPORT SHARE", "CREATE DATABASE"];

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The privilege, such as `CREATE SHARE on the account`.
    pub permission: String,
    /// Why it does not work.
    pub error: Option<AdapterError>,
}

fn tried<T>(permission: impl Into<String>, answer: Result<T>) -> Tried {
    Tried { permission: permission.into(), error: answer.err() }
}

/// Privileges of a role, its account's and those on one database.
#[derive(Debug, Default)]
struct Privileges {
    held: BTreeSet<(String, String, String)>,
}

impl Privileges {
    fn on_account(&self, privilege: &str) -> bool {
        self.held.iter().any(|(own, on, _)| on == "ACCOUNT" && own == privilege)
    }

    fn on_database(&self, privilege: &str, database: &str) -> bool {
        self.held.iter().any(|(own, on, name)| {
            let bare = name.trim_matches('"');
            on == "DATABASE" && bare == database && (own == privilege || own == "OWNERSHIP")
        })
    }
}

impl SnowflakeShares {
    /// Tries what a member of an agreement needs, as its part in it asks for.
    pub async fn test(&self, agreement: &Agreement, member: &MemberId) -> Vec<Tried> {
        let cx = Cx::default();
        let session = match self.reach.session(agreement, member, &cx).await {
            Ok(session) => session,
            Err(error) => return vec![tried("connect", Err::<(), _>(error))],
        };
        let Some(connection) = self.reach.connection(member) else { return Vec::new() };
        let mut all = vec![tried("connect", Ok(()))];
        let (role, held) = match privileges(&session).await {
            Ok(found) => found,
            Err(error) => {
                all.push(tried("SHOW GRANTS", Err::<(), _>(error)));
                return all;
            }
        };
        let mut need = |permission: String, has: bool| {
            // The system's own roles hold what no grant says.
            let answer = if has || is_system(&role) {
                Ok(())
            } else {
                let told = (ErrorKind::PermissionDenied, "privilege-missing", Retry::Never);
                Err(session.error(told, OPERATION, format!("the role lacks {permission}")))
            };
            all.push(tried(permission, answer));
        };
        let database = connection.database();
        let whole = wanted(&Desired::whole(Arc::new(agreement.clone())));
        let shares = |offer: &Offer| offer.owner == *member && !offer.is_own();
        let owns = whole.offers.values().any(shares);
        let runs = agreement.templates.values().any(|template| template.run_by.contains(member));
        for (privilege, is_needed) in OF_OWNERS.map(|one| (one, owns)) {
            if is_needed {
                need(format!("{privilege} on the account"), held.on_account(privilege));
            }
        }
        for (privilege, is_needed) in OF_RUNNERS.map(|one| (one, runs)) {
            if is_needed {
                need(format!("{privilege} on the account"), held.on_account(privilege));
            }
        }
        for privilege in ["USAGE", "CREATE SCHEMA"] {
            let has = held.on_database(privilege, database);
            need(format!("{privilege} on database {database}"), has);
        }
        all.push(tried(format!("database {database}"), there(&session, database).await));
        if runs {
            all.push(tried("unload and storage_integration", self.lands(member).await));
        }
        all
    }

    async fn lands(&self, member: &MemberId) -> Result<()> {
        let platform = PlatformId::snowflake();
        let connection = self.reach.connection(member);
        let Some(connection) = connection.filter(|one| one.unloads().is_some()) else {
            let told = (ErrorKind::PermissionDenied, "landing-missing", Retry::Never);
            let reason = "its results have no place; add `unload` and `storage_integration` to its connection";
            return Err(self.error(told, OPERATION, reason));
        };
        Landing::of(&platform, connection)?.reachable().await
    }
}

fn is_system(role: &str) -> bool {
    role == "ACCOUNTADMIN"
}

/// The role of a session, and what it holds.
async fn privileges(session: &Session) -> Result<(String, Privileges)> {
    let sql = Sql::new("SELECT CURRENT_ROLE() AS ROLE");
    let found = session.rows(OPERATION, CallClass::Read, sql).await?.of(["role"])?;
    let role = found.into_iter().next().and_then(|[role]| role).unwrap_or_default();
    let sql = Sql::new("SHOW GRANTS TO ROLE ").name(&role);
    let found = session.rows(OPERATION, CallClass::List, sql).await?;
    let rows = found.of(["privilege", "granted_on", "name"])?.into_iter();
    let held = rows.filter_map(|[privilege, on, name]| Some((privilege?, on?, name?))).collect();
    Ok((role, Privileges { held }))
}

/// Whether a database is there.
async fn there(session: &Session, database: &str) -> Result<()> {
    let sql = Sql::new("SHOW SCHEMAS IN DATABASE ").name(database);
    session.rows(OPERATION, CallClass::List, sql).await.map(drop)
}
