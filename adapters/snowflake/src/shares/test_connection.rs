//! Whether a member can be reached as its connection says: the account, each privilege by its name, tables, the landing. Reads only;
//! what is written later needs privileges that are looked up here among the grants of the role and of the roles that it has.

use super::room::SnowflakeShares;
use super::wanted::{Offer, wanted};
use crate::connection::Connection;
use crate::entry::table;
use crate::landing::Landing;
use crate::session::Session;
use crate::sql::Sql;
use crate::tables::described;
use adapter_spi::{CallClass, Cx, Desired, ErrorKind, Result, Retry, TestsConnections, Tried};
use async_trait::async_trait;
use mappings::model::{Agreement, MemberId, PlatformId};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

const OPERATION: &str = "test";
/// So many roles below a role are looked into.
const ROLES_MAX: usize = 50;

/// A privilege that a part in an agreement takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Need {
    privilege: &'static str,
    /// `ACCOUNT`, `DATABASE`, `WAREHOUSE` or `INTEGRATION`.
    on: &'static str,
    /// Which; nothing of the account.
    name: String,
    /// Whether it is given on to shares.
    grantable: bool,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { privilege, on, name, grantable } = self;
        let on = on.to_ascii_lowercase();
        if name.is_empty() {
            write!(f, "{privilege} on the {on}")?;
        } else {
            write!(f, "{privilege} on {on} {name}")?;
        }
        if *grantable { f.write_str(" with grant option, or its ownership") } else { Ok(()) }
    }
}

/// What a role holds, with all the roles that it has.
#[derive(Debug, Default)]
struct Held {
    roles: BTreeSet<String>,
    /// Privilege, on what, which, and whether it can be given on.
    grants: BTreeSet<(String, String, String, bool)>,
    /// Databases that one of the roles owns.
    databases: BTreeSet<String>,
}

impl Held {
    fn has(&self, need: &Need) -> bool {
        // The system's own administrator holds what no grant says.
        if self.roles.contains("ACCOUNTADMIN") {
            return true;
        }
        if need.on == "DATABASE" && self.databases.contains(&need.name) {
            return true;
        }
        self.grants.iter().any(|(privilege, on, name, grantable)| {
            let same =
                on == need.on && (need.name.is_empty() || name.trim_matches('"') == need.name);
            let owns = privilege == "OWNERSHIP";
            same && (owns || (privilege == need.privilege && (*grantable || !need.grantable)))
        })
    }
}

/// The privileges that a member's part takes.
fn needs(agreement: &Agreement, member: &MemberId, connection: &Connection) -> BTreeSet<Need> {
    let whole = wanted(&Desired::whole(Arc::new(agreement.clone())));
    let shared = |offer: &&Offer| offer.owner == *member && !offer.is_own();
    let shared: Vec<&Offer> = whole.offers.values().filter(shared).collect();
    let runs = whole.runners.contains_key(member);
    let database = connection.database();
    let need = |privilege, on, name: &str, grantable| Need {
        privilege,
        on,
        name: name.to_owned(),
        grantable,
    };
    let mut all = BTreeSet::new();
    if !shared.is_empty() || runs {
        all.insert(need("CREATE SCHEMA", "DATABASE", database, false));
        all.insert(need("USAGE", "DATABASE", database, !shared.is_empty()));
    }
    if !shared.is_empty() {
        all.insert(need("CREATE SHARE", "ACCOUNT", "", false));
        all.insert(need("MANAGE SHARE TARGET", "ACCOUNT", "", false));
    }
    for offer in shared.iter().filter(|offer| offer.source != database) {
        all.insert(need("REFERENCE_USAGE", "DATABASE", &offer.source, true));
    }
    let own = agreement.datasets.values().filter(|dataset| dataset.owner == *member);
    for [source, ..] in own.filter_map(|dataset| table(&PlatformId::snowflake(), dataset)) {
        if source != database {
            all.insert(need("USAGE", "DATABASE", &source, false));
        }
    }
    if runs {
        all.insert(need("IMPORT SHARE", "ACCOUNT", "", false));
        all.insert(need("CREATE DATABASE", "ACCOUNT", "", false));
        let integration = connection.storage_integration.as_deref();
        all.extend(integration.map(|name| need("USAGE", "INTEGRATION", name, false)));
        let warehouse = connection.warehouse.as_deref();
        all.extend(warehouse.map(|name| need("USAGE", "WAREHOUSE", name, false)));
    }
    all
}

#[async_trait]
impl TestsConnections for SnowflakeShares {
    fn operated(&self) -> Vec<MemberId> {
        self.connections().members.keys().cloned().collect()
    }

    /// What it needs, as its part in the agreement asks for.
    async fn test(&self, agreement: &Agreement, member: &MemberId) -> Vec<Tried> {
        let cx = Cx::default();
        let session = match self.reach.session(agreement, member, &cx).await {
            Ok(session) => session,
            Err(error) => return vec![Tried::new("connect", Err::<(), _>(error))],
        };
        let Some(connection) = self.reach.connection(member) else { return Vec::new() };
        let mut all = vec![Tried::new("connect", Ok(()))];
        match Box::pin(held(&session)).await {
            Ok(held) => {
                let needs = needs(agreement, member, connection).into_iter();
                all.extend(needs.map(|need| {
                    let told = (ErrorKind::PermissionDenied, "privilege-missing", Retry::Never);
                    let lacks = || session.error(told, OPERATION, format!("the role lacks {need}"));
                    let answer = if held.has(&need) { Ok(()) } else { Err(lacks()) };
                    Tried::new(need.to_string(), answer)
                }));
            }
            Err(error) => all.push(Tried::new("SHOW GRANTS", Err::<(), _>(error))),
        }
        let database = connection.database();
        all.push(Tried::new(format!("database {database}"), there(&session, database).await));
        all.extend(Box::pin(self.tables(agreement, &session)).await);
        if agreement.templates.values().any(|template| template.run_by.contains(member)) {
            all.push(Tried::new(
                "unload, storage_integration, landing",
                self.lands(connection).await,
            ));
        }
        all
    }
}

impl SnowflakeShares {
    /// Whether a member's tables are shown to its role.
    async fn tables(&self, agreement: &Agreement, session: &Session) -> Vec<Tried> {
        let own = agreement.datasets.values().filter(|one| one.owner == session.seat.member);
        let mut all = Vec::new();
        for path in own.filter_map(|dataset| table(self.reach.platform(), dataset)) {
            let told = (ErrorKind::NotFound, "table-missing", Retry::Never);
            let lacks = || {
                let reason = "the table is not there, or not shown to the role";
                session.error(told, OPERATION, reason)
            };
            let found = described(session, &path).await;
            let found = found.and_then(|columns| columns.ok_or_else(lacks));
            all.push(Tried::new(format!("SELECT on table {}", path.join(".")), found));
        }
        all
    }

    async fn lands(&self, connection: &Connection) -> Result<()> {
        if connection.unloads().is_none() {
            let told = (ErrorKind::PermissionDenied, "landing-missing", Retry::Never);
            let reason = "its results have no place; add `unload` and `storage_integration` to its connection";
            return Err(self.error(told, OPERATION, reason));
        }
        Landing::of(&PlatformId::snowflake(), connection)?.reachable().await
    }
}

/// The role of a session with all that it has.
async fn held(session: &Session) -> Result<Held> {
    let sql = Sql::new("SELECT CURRENT_ROLE() AS ROLE");
    let found = session.rows(OPERATION, CallClass::Read, sql).await?.of(["role"])?;
    let mut left: Vec<String> = found.into_iter().filter_map(|[role]| role).collect();
    let mut held = Held::default();
    while let Some(role) = left.pop().filter(|_| held.roles.len() < ROLES_MAX) {
        if !held.roles.insert(role.clone()) {
            continue;
        }
        let sql = Sql::new("SHOW GRANTS TO ROLE ").name(&role);
        let found = session.rows(OPERATION, CallClass::List, sql).await?;
        for row in found.of(["privilege", "granted_on", "name", "grant_option"])? {
            let [Some(privilege), Some(on), Some(name), option] = row else { continue };
            if on == "ROLE" {
                left.push(name.trim_matches('"').to_owned());
            }
            held.grants.insert((privilege, on, name, option.as_deref() == Some("true")));
        }
    }
    let found = session.rows(OPERATION, CallClass::List, Sql::new("SHOW DATABASES")).await?;
    let rows = found.of(["name", "owner"])?.into_iter();
    let owned = rows.filter_map(|[name, owner]| held.roles.contains(&owner?).then_some(name?));
    held.databases = owned.collect();
    Ok(held)
}

/// Whether a database is there.
async fn there(session: &Session, database: &str) -> Result<()> {
    let sql = Sql::new("SHOW SCHEMAS IN DATABASE ").name(database);
    session.rows(OPERATION, CallClass::List, sql).await.map(drop)
}
