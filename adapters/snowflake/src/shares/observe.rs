//! Looking: lists of the platform, read by their columns' names, of everything that is named like ours. Never writes.

use super::call::{Grant, Guarded, Kind, Privilege};
use super::mark::Comment;
use super::seen::{Account, Past, Schema, Seen, Share, View, inbound, let_in};
use crate::entry::{Table, table};
use crate::import::look::path;
use crate::names;
use crate::reach::{Reach, Seat, is_elsewhere, past, seat};
use crate::session::Session;
use crate::sql::Sql;
use crate::tables::Tables;
use adapter_spi::{CallClass, Cx, ErrorKind, Result, Scope};
use futures::future::try_join_all;
use mappings::model::{CollaborationId, DatasetName, Digest, PlatformId};
use std::collections::{BTreeMap, BTreeSet};

/// What a database is that was made from a share (`SHOW DATABASES`, column `kind`).
const IMPORTED: &str = "IMPORTED DATABASE";

/// A role that lost its privilege on the gateway's database or schema sees nothing of what it made there.
const HIDDEN: &str = "privilege-missing";
/// So many shares are asked at the same time what they are given.
const TOGETHER: usize = 8;

/// How accounts are reached, and what is remembered of their tables.
pub(crate) type Eyes<'a> = (&'a Reach, &'a Tables);

/// What all operated members see. A member that can't be looked at is named; whatever is missing from its view is unknown, not
/// gone.
pub(crate) async fn observe((reach, tables): Eyes<'_>, scope: &Scope, cx: &Cx) -> Seen {
    let mut seen = Seen::default();
    let agreement = &scope.agreement;
    for member in agreement.members.keys().filter(|one| reach.connection(one).is_some()) {
        let looked = match seat(reach.platform(), agreement, member) {
            Ok(seat) => look((reach, tables), scope, &seat, cx).await,
            Err(error) => Err(error),
        };
        match looked {
            Ok(account) => {
                // What is seen of it can be taken away all the same.
                if account.is_hidden(&names::offers(&scope.collaboration)) {
                    seen.unseen.insert(member.clone(), HIDDEN.to_owned());
                }
                seen.accounts.insert(member.clone(), account);
            }
            Err(error) => drop(seen.unseen.insert(member.clone(), error.code.to_owned())),
        }
    }
    for seat in past(reach.platform(), scope) {
        if reach.connection(&seat.member).is_none() {
            continue;
        }
        match look((reach, tables), scope, &seat, cx).await {
            Ok(account) if account.is_empty() => {}
            Ok(account) => seen.past.push(Past { seat, account }),
            // The member's connection is for the account that is in force: there is none for this one.
            Err(error) if is_elsewhere(&error) && seen.accounts.contains_key(&seat.member) => {}
            Err(error) => drop(seen.unseen.insert(seat.member, error.code.to_owned())),
        }
    }
    seen
}

async fn look(eyes: Eyes<'_>, scope: &Scope, seat: &Seat, cx: &Cx) -> Result<Account> {
    let (reach, _) = eyes;
    let session = reach.seated(seat, cx).await?;
    let looked = Box::pin(looked(eyes, scope, session)).await;
    looked.inspect_err(|error| reach.note(seat, error))
}

async fn looked((reach, tables): Eyes<'_>, scope: &Scope, session: Session) -> Result<Account> {
    let member = &session.seat.member.clone();
    let database = reach.connection(member).map(|one| one.database().to_owned());
    let look = Look { session, collaboration: scope.collaboration.clone() };
    let mut account = look.account(database.unwrap_or_default()).await?;
    let own = scope.agreement.datasets.iter().filter(|(_, dataset)| dataset.owner == *member);
    let own = own.filter_map(|(name, dataset)| {
        Some((name.clone(), table(&PlatformId::snowflake(), dataset)?))
    });
    let own: BTreeMap<DatasetName, Table> = own.collect();
    let found = tables.columns(&look.session, own.values().cloned().collect()).await?;
    let own = own.into_iter().map(|(name, table)| (name, found.get(&table).cloned().flatten()));
    account.tables = own.collect();
    account.beside = look.beside(&scope.agreement).await?;
    Ok(account)
}

/// One account, for one agreement.
pub(crate) struct Look {
    pub(crate) session: Session,
    pub(crate) collaboration: CollaborationId,
}

impl Look {
    pub(crate) async fn account(&self, database: String) -> Result<Account> {
        let mut account = Account {
            identifier: self.session.seat.account.clone(),
            region: self.session.region.clone(),
            ..Account::default()
        };
        let prefix = names::prefix(&self.collaboration);
        self.shares(&prefix, &mut account).await?;
        let sql = Sql::new("SHOW DATABASES LIKE ").beginning(&prefix);
        let found = self.session.rows("SHOW DATABASES", CallClass::List, sql).await?;
        // A database that came from no share is its owner's, whatever it is called.
        let found = found.of(["name", "kind"])?.into_iter().filter_map(|[name, kind]| {
            name.filter(|name| name.starts_with(&prefix) && kind.as_deref() == Some(IMPORTED))
        });
        account.mounts = found.collect();
        account.database = database;
        let sql = Sql::new("SHOW SCHEMAS LIKE ").beginning(&prefix);
        let sql = sql.word(" IN DATABASE ").name(&account.database);
        let found = match self.session.rows("SHOW SCHEMAS", CallClass::List, sql).await {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(account),
            found => found?,
        };
        account.has_database = true;
        for [name, comment] in found.of(["name", "comment"])? {
            let Some(name) = name else { continue };
            let mark = Comment::read(&comment.unwrap_or_default(), &self.collaboration);
            if name == names::offers(&self.collaboration) {
                account.offers = Some(self.schema(&account.database, &name, mark).await?);
            } else if name == names::runs(&self.collaboration) {
                account.runs = Some(self.schema(&account.database, &name, mark).await?);
            }
        }
        Ok(account)
    }

    /// Shares that go out, and those of others that come in.
    async fn shares(&self, prefix: &str, account: &mut Account) -> Result<()> {
        let sql = Sql::new("SHOW SHARES LIKE ").beginning(prefix);
        let found = self.session.rows("SHOW SHARES", CallClass::List, sql).await?;
        let columns = [
            "kind",
            "owner_account",
            "name",
            "database_name",
            "to",
            "comment",
            "listing_global_name",
        ];
        let mut outbound = Vec::new();
        for [kind, owner, name, database, to, comment, listing] in found.of(columns)? {
            let name = name.unwrap_or_default();
            // Older answers have the account before the name, which has no dot.
            let bare = name.rsplit('.').next().unwrap_or(&name).to_owned();
            if !bare.starts_with(prefix) {
                continue;
            }
            if kind.as_deref() == Some("INBOUND") {
                let owner = owner.unwrap_or_default().to_ascii_uppercase();
                let mounted = database.filter(|database| !database.is_empty());
                account.inbound.insert(inbound(&owner, &bare), mounted);
                continue;
            }
            let (to, unknown) = let_in(&to.unwrap_or_default(), listing.as_deref());
            let mark = Comment::read(&comment.unwrap_or_default(), &self.collaboration);
            let grants = BTreeSet::new();
            outbound.push((bare, Share { mark, to, grants, unknown }));
        }
        // No list says what shares are given, nor when that changed: each is asked.
        for some in outbound.chunks(TOGETHER) {
            let all = try_join_all(some.iter().map(|(name, _)| self.grants(name))).await?;
            for ((name, share), (grants, unread)) in some.iter().zip(all) {
                let unknown = share.unknown.union(&unread).cloned().collect();
                account.shares.insert(name.clone(), Share { grants, unknown, ..share.clone() });
            }
        }
        Ok(())
    }

    /// Shares of others by this name that let the account in, with what each is mounted as.
    pub(crate) async fn inbound(&self, name: &str) -> Result<BTreeMap<String, Option<String>>> {
        let mut account = Account::default();
        self.shares(name, &mut account).await?;
        Ok(account.inbound)
    }

    /// What a share is given, and what of that has no word here.
    pub(crate) async fn grants(&self, share: &str) -> Result<(BTreeSet<Grant>, BTreeSet<String>)> {
        grants(&self.session, share).await
    }

    /// What the comment of a schema says; nothing of ours where it is not there.
    pub(crate) async fn mark(&self, [database, schema]: &[String; 2]) -> Result<Comment> {
        let sql = Sql::new("SHOW SCHEMAS LIKE ").text(schema).word(" IN DATABASE ").name(database);
        let found = self.session.rows("SHOW SCHEMAS", CallClass::List, sql).await?;
        let found = found.of(["name", "comment"])?.into_iter();
        let mut own = found.filter(|[name, _]| name.as_ref() == Some(schema));
        let comment = own.next().and_then(|[_, comment]| comment);
        Ok(Comment::read(&comment.unwrap_or_default(), &self.collaboration))
    }

    async fn schema(&self, database: &str, name: &str, mark: Comment) -> Result<Schema> {
        let policies = self.policies(database, name).await?;
        let minima: BTreeSet<u64> =
            policies.keys().filter_map(|policy| names::minimum_of(policy)).collect();
        let mut on = self.on([database, name], &minima).await?;
        let sql = Sql::new("SHOW VIEWS IN SCHEMA ").path(&[database, name]);
        let found = self.session.rows("SHOW VIEWS", CallClass::List, sql).await?;
        let mut views = BTreeMap::new();
        for [view, text, secure, comment] in found.of(["name", "text", "is_secure", "comment"])? {
            let Some(view) = view else { continue };
            let made = View {
                mark: Comment::read(&comment.unwrap_or_default(), &self.collaboration)
                    .without_terms(),
                text: Digest::of(text.unwrap_or_default().as_bytes()),
                secure: secure.as_deref() == Some("true"),
                guarded: on.remove(&view),
            };
            views.insert(view, made);
        }
        Ok(Schema { mark, views, policies })
    }

    /// The aggregation policies of a schema that are named like ours; whether each has the body that its name says.
    async fn policies(&self, database: &str, schema: &str) -> Result<BTreeMap<String, bool>> {
        let sql = Sql::new("SHOW AGGREGATION POLICIES IN SCHEMA ").path(&[database, schema]);
        let found = self.session.rows("SHOW AGGREGATION POLICIES", CallClass::List, sql).await?;
        let mut policies = BTreeMap::new();
        for [name] in found.of(["name"])? {
            let Some(name) = name else { continue };
            let Some(entities_min) = names::minimum_of(&name) else { continue };
            let whole = self.body(&[database, schema, &name], entities_min).await?;
            policies.insert(name, whole);
        }
        Ok(policies)
    }

    /// Whether a policy has the body that its name says.
    pub(crate) async fn body(&self, policy: &[&str; 3], entities_min: u64) -> Result<bool> {
        let sql = Sql::new("DESC AGGREGATION POLICY ").path(policy);
        let found = self.session.rows("DESC AGGREGATION POLICY", CallClass::Read, sql).await?;
        let body = found.of(["body"])?.into_iter().next().and_then(|[body]| body);
        Ok(is_body(&body.unwrap_or_default(), entities_min))
    }

    /// The views of a schema that its policies of these minima are on, each with its key: one statement for all.
    pub(crate) async fn on(
        &self,
        [database, schema]: [&str; 2],
        minima: &BTreeSet<u64>,
    ) -> Result<BTreeMap<String, Guarded>> {
        let mut on = BTreeMap::new();
        if minima.is_empty() {
            return Ok(on);
        }
        let mut sql = Sql::new("");
        for (at, minimum) in minima.iter().map(|one| names::minimum(*one)).enumerate() {
            sql = if at == 0 { sql } else { sql.word(" UNION ALL ") }.word("SELECT POLICY_NAME, REF_DATABASE_NAME, REF_SCHEMA_NAME, REF_ENTITY_NAME, REF_ARG_COLUMN_NAMES, POLICY_STATUS FROM TABLE(");
            sql = sql.name(database).word(".INFORMATION_SCHEMA.POLICY_REFERENCES(POLICY_NAME => ");
            sql = sql.path_text(&[database, schema, &minimum]).word("))");
        }
        let found = self.session.rows("POLICY_REFERENCES", CallClass::Read, sql).await?;
        let columns = [
            "policy_name",
            "ref_database_name",
            "ref_schema_name",
            "ref_entity_name",
            "ref_arg_column_names",
            "policy_status",
        ];
        for [policy, of, within, view, key, status] in found.of(columns)? {
            let here = of.as_deref() == Some(database) && within.as_deref() == Some(schema);
            let minimum = policy.and_then(|policy| names::minimum_of(&policy));
            let (Some(view), Some(key), Some(entities_min)) =
                (view, key.and_then(|key| one_name(&key)), minimum)
            else {
                continue;
            };
            if here && status.as_deref() == Some("ACTIVE") {
                on.insert(view, Guarded { entities_min, key });
            }
        }
        Ok(on)
    }
}

/// What a share is given, and what of that has no word here. One that is listed and not shown may be given anything.
pub(crate) async fn grants(
    session: &Session,
    share: &str,
) -> Result<(BTreeSet<Grant>, BTreeSet<String>)> {
    let (mut grants, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    let sql = Sql::new("SHOW GRANTS TO SHARE ").name(share);
    let found = match session.rows("SHOW GRANTS", CallClass::List, sql).await {
        Err(error) if error.kind == ErrorKind::NotFound => {
            unknown.insert("what is not shown".to_owned());
            return Ok((grants, unknown));
        }
        found => found?,
    };
    for [privilege, on, name] in found.of(["privilege", "granted_on", "name"])? {
        let (privilege, on) = (privilege.unwrap_or_default(), on.unwrap_or_default());
        match grant(&privilege, &on, &name.unwrap_or_default()) {
            Some(grant) => drop(grants.insert(grant)),
            None => drop(unknown.insert(format!("{privilege} ON {on}"))),
        }
    }
    Ok((grants, unknown))
}

/// Whether a policy's body is the constraint with this minimum and nothing else.
pub(crate) fn is_body(body: &str, entities_min: u64) -> bool {
    let bare: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    bare.eq_ignore_ascii_case(&format!("AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE=>{entities_min})"))
}

/// The one name in a list of names.
fn one_name(list: &str) -> Option<String> {
    let names: Vec<String> = serde_json::from_str(list).ok()?;
    <[String; 1]>::try_from(names).ok().map(|[name]| name)
}

/// A grant as the platform says it.
fn grant(privilege: &str, on: &str, name: &str) -> Option<Grant> {
    let privilege = match privilege {
        "USAGE" => Privilege::Usage,
        "REFERENCE_USAGE" => Privilege::ReferenceUsage,
        "SELECT" => Privilege::Select,
        _ => return None,
    };
    let (kind, parts) = match on {
        "DATABASE" => (Kind::Database, 1),
        "SCHEMA" => (Kind::Schema, 2),
        "TABLE" => (Kind::Table, 3),
        "VIEW" => (Kind::View, 3),
        _ => return None,
    };
    let on = path(name).filter(|path| path.len() == parts)?;
    Some(Grant { privilege, on, kind })
}

#[cfg(test)]
mod tests {
    //! What the platform writes is read as what it is, or as nothing.
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn grants_and_bodies() {
        let select = grant("SELECT", "VIEW", "D.\"a.b\".\"V\"\"x\"").unwrap();
        assert_eq!(select.on, ["D", "a.b", "V\"x"]);
        for (privilege, on, name) in [
            ("OWNERSHIP", "VIEW", "D.S.V"),
            ("SELECT", "FUNCTION", "D.S.F"),
            ("SELECT", "VIEW", "D.S"),
            ("USAGE", "SCHEMA", "D.\"S"),
            ("USAGE", "SCHEMA", "D..S"),
            ("USAGE", "DATABASE", ""),
        ] {
            assert_eq!(grant(privilege, on, name), None, "{privilege} {on} {name}");
        }
        assert!(is_body("AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 10)", 10));
        assert!(!is_body("AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 100)", 10));
        let lenient = "CASE WHEN TRUE THEN NO_AGGREGATION_CONSTRAINT() ELSE AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 10) END";
        assert!(!is_body(lenient, 10) && !is_body("NO_AGGREGATION_CONSTRAINT()", 10));
        assert_eq!(one_name("[ \"person\" ]"), Some("person".to_owned()));
        assert_eq!((one_name("[\"a\",\"b\"]"), one_name("person")), (None, None));
    }

    proptest! {
        #[test]
        fn a_quoted_path_reads_as_its_names(names in prop::collection::vec("[^\0]{1,12}", 1..4)) {
            let quoted = names.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\"")));
            let text = quoted.collect::<Vec<_>>().join(".");
            prop_assert_eq!(path(&text), Some(names));
        }
    }
}
