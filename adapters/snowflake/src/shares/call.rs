//! The statements that change something, as plain values: what a step carries, and how each is said. Pure.

use super::mark::Mark;
use crate::entry::View;
use crate::names;
use crate::reach::Seat;
use crate::sql::Sql;
use mappings::model::{Digest, TemplateName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Database and schema.
pub(crate) type SchemaPath = [String; 2];
/// Database, schema and name.
pub(crate) type Path = [String; 3];

/// What a view reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Body {
    /// A dataset's table, as the agreement lets it be read.
    Entry(View),
    /// The view of another account's share, under its mount.
    Mounted {
        /// Its columns.
        columns: Vec<String>,
        /// Where it is.
        from: Path,
    },
}

/// An aggregation policy on a view.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Guarded {
    /// The policy's schema is the view's.
    pub(crate) entities_min: u64,
    /// The columns that name an entity.
    pub(crate) key: String,
}

/// A view, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PutView {
    pub(crate) path: Path,
    pub(crate) guarded: Option<Guarded>,
    /// The text of its mark.
    pub(crate) comment: String,
    pub(crate) body: Body,
}

/// What a share is given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// `USAGE`, `REFERENCE_USAGE` or `SELECT`.
    pub(crate) privilege: Privilege,
    /// Names one below the other: a database, a schema or a view.
    pub(crate) on: Vec<String>,
    /// What that is.
    pub(crate) kind: Kind,
}

/// Privileges that shares have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Privilege {
    Usage,
    ReferenceUsage,
    Select,
}

/// Things that shares have privileges on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Kind {
    Database,
    Schema,
    Table,
    View,
}

/// One statement with its whole value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "statement")]
pub(crate) enum Call {
    CreateSchema {
        path: SchemaPath,
        mark: Mark,
    },
    /// The list of templates is another; where it grows, this is what it has to be before.
    MarkSchema {
        path: SchemaPath,
        mark: Mark,
        was: BTreeMap<TemplateName, Digest>,
    },
    DropSchema {
        path: SchemaPath,
    },
    CreatePolicy {
        schema: SchemaPath,
        entities_min: u64,
    },
    SetPolicyBody {
        schema: SchemaPath,
        entities_min: u64,
    },
    PutView(PutView),
    SetPolicy {
        path: Path,
        guarded: Guarded,
    },
    DropView {
        path: Path,
    },
    CreateShare {
        share: String,
        mark: Mark,
    },
    GrantToShare {
        share: String,
        grant: Grant,
        view: Option<Shown>,
    },
    RevokeFromShare {
        share: String,
        grant: Grant,
    },
    AddAccount {
        share: String,
        account: String,
        grants: BTreeSet<Grant>,
        view: Shown,
    },
    RemoveAccounts {
        share: String,
        accounts: BTreeSet<String>,
    },
    DropShare {
        share: String,
    },
    Mount {
        database: String,
        provider: String,
        share: String,
    },
    DropMount {
        database: String,
    },
}

/// What a view has to be when it is given: read again before it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) text: Digest,
    pub(crate) guarded: Option<Guarded>,
}

/// Where a statement is run, beside it in its step.
pub(crate) type At = Seat;

/// Its name there.
pub(crate) const AT: &str = "at";

fn refs<const N: usize>(path: &[String; N]) -> [&str; N] {
    path.each_ref().map(String::as_str)
}

/// All of a view's statement but its query.
pub(crate) fn head(path: &Path, guarded: Option<&Guarded>, comment: &str) -> Sql {
    let [database, schema, _] = refs(path);
    let mut sql = Sql::new("CREATE OR REPLACE SECURE VIEW ").path(&refs(path));
    if let Some(Guarded { entities_min, key }) = guarded {
        let policy = names::minimum(*entities_min);
        sql = sql.word(" WITH AGGREGATION POLICY ").path(&[database, schema, &policy]);
        sql = sql.word(" ENTITY KEY (").name(key).word(")");
    }
    sql.word(" COPY GRANTS COMMENT = ").text(comment).word(" AS ")
}

impl PutView {
    /// The same statement each time, whether the view is there or not: grants stay, and policies with them.
    pub(crate) fn sql(&self) -> Sql {
        let sql = head(&self.path, self.guarded.as_ref(), &self.comment);
        match &self.body {
            Body::Entry(view) => sql.view(view),
            Body::Mounted { columns, from } => {
                let columns = columns.iter().map(String::as_str);
                sql.word("SELECT ").names(columns).word(" FROM ").path(&refs(from))
            }
        }
    }

    /// The digest of its text, by which it is known again; none of one that can't be said.
    pub(crate) fn text(&self) -> Option<Digest> {
        self.sql().as_text().ok().map(|text| Digest::of(text.as_bytes()))
    }
}

impl Grant {
    /// A privilege on what these names lead to.
    pub(crate) fn new(privilege: Privilege, kind: Kind, on: &[&str]) -> Self {
        Self { privilege, kind, on: on.iter().map(|part| (*part).to_owned()).collect() }
    }

    fn sql(&self, begin: &'static str) -> Sql {
        let sql = Sql::new(begin).word(match self.privilege {
            Privilege::Usage => "USAGE",
            Privilege::ReferenceUsage => "REFERENCE_USAGE",
            Privilege::Select => "SELECT",
        });
        let sql = sql.word(match self.kind {
            Kind::Database => " ON DATABASE ",
            Kind::Schema => " ON SCHEMA ",
            Kind::Table => " ON TABLE ",
            Kind::View => " ON VIEW ",
        });
        sql.path(&self.on.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

fn accounts(sql: Sql, accounts: &BTreeSet<String>) -> Sql {
    accounts
        .iter()
        .enumerate()
        .fold(sql, |sql, (at, account)| if at == 0 { sql } else { sql.word(", ") }.account(account))
}

fn provider(sql: Sql, provider: &str, share: &str) -> Sql {
    sql.account(provider).word(".").name(share)
}

impl Call {
    /// The statement.
    pub(crate) fn sql(&self) -> Sql {
        const BODY: &str = " AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => ";
        let policy = |sql: Sql, [database, schema]: [&str; 2], entities_min: u64| {
            sql.path(&[database, schema, &names::minimum(entities_min)])
        };
        match self {
            Self::CreateSchema { path, mark } => {
                let sql = Sql::new("CREATE SCHEMA IF NOT EXISTS ").path(&refs(path));
                sql.word(" COMMENT = ").text(&mark.text())
            }
            Self::MarkSchema { path, mark, .. } => {
                let sql = Sql::new("ALTER SCHEMA ").path(&refs(path));
                sql.word(" SET COMMENT = ").text(&mark.text())
            }
            Self::DropSchema { path } => Sql::new("DROP SCHEMA IF EXISTS ").path(&refs(path)),
            Self::CreatePolicy { schema, entities_min } => {
                let sql = Sql::new("CREATE AGGREGATION POLICY IF NOT EXISTS ");
                let sql = policy(sql, refs(schema), *entities_min);
                let sql = sql.word(" AS () RETURNS AGGREGATION_CONSTRAINT ->").word(BODY);
                sql.number(*entities_min).word(")")
            }
            Self::SetPolicyBody { schema, entities_min } => {
                let sql =
                    policy(Sql::new("ALTER AGGREGATION POLICY "), refs(schema), *entities_min);
                sql.word(" SET BODY ->").word(BODY).number(*entities_min).word(")")
            }
            Self::PutView(view) => view.sql(),
            Self::SetPolicy { path, guarded: Guarded { entities_min, key } } => {
                let [database, schema, _] = refs(path);
                let sql = Sql::new("ALTER VIEW ").path(&refs(path));
                let sql = sql.word(" SET AGGREGATION POLICY ");
                let sql = policy(sql, [database, schema], *entities_min);
                sql.word(" ENTITY KEY (").name(key).word(") FORCE")
            }
            Self::DropView { path } => Sql::new("DROP VIEW IF EXISTS ").path(&refs(path)),
            Self::CreateShare { share, mark } => {
                let sql = Sql::new("CREATE SHARE IF NOT EXISTS ").name(share);
                sql.word(" COMMENT = ").text(&mark.text())
            }
            Self::GrantToShare { share, grant, .. } => {
                grant.sql("GRANT ").word(" TO SHARE ").name(share)
            }
            Self::RevokeFromShare { share, grant } => {
                grant.sql("REVOKE ").word(" FROM SHARE ").name(share)
            }
            Self::AddAccount { share, account, .. } => {
                let sql = Sql::new("ALTER SHARE ").name(share);
                sql.word(" ADD ACCOUNTS = ").account(account)
            }
            Self::RemoveAccounts { share, accounts: all } => {
                let sql = Sql::new("ALTER SHARE IF EXISTS ").name(share);
                accounts(sql.word(" REMOVE ACCOUNTS = "), all)
            }
            Self::DropShare { share } => Sql::new("DROP SHARE IF EXISTS ").name(share),
            Self::Mount { database, provider: from, share } => {
                let sql = Sql::new("CREATE DATABASE ").name(database).word(" FROM SHARE ");
                provider(sql, from, share)
            }
            Self::DropMount { database } => Sql::new("DROP DATABASE IF EXISTS ").name(database),
        }
    }

    /// Its name in the record.
    pub(crate) const fn operation(&self) -> &'static str {
        match self {
            Self::CreateSchema { .. } => "CREATE SCHEMA",
            Self::MarkSchema { .. } => "ALTER SCHEMA",
            Self::DropSchema { .. } => "DROP SCHEMA",
            Self::CreatePolicy { .. } => "CREATE AGGREGATION POLICY",
            Self::SetPolicyBody { .. } => "ALTER AGGREGATION POLICY",
            Self::PutView(_) => "CREATE VIEW",
            Self::SetPolicy { .. } => "ALTER VIEW",
            Self::DropView { .. } => "DROP VIEW",
            Self::CreateShare { .. } => "CREATE SHARE",
            Self::GrantToShare { .. } => "GRANT TO SHARE",
            Self::RevokeFromShare { .. } => "REVOKE FROM SHARE",
            Self::AddAccount { .. } => "ALTER SHARE ADD ACCOUNTS",
            Self::RemoveAccounts { .. } => "ALTER SHARE REMOVE ACCOUNTS",
            Self::DropShare { .. } => "DROP SHARE",
            Self::Mount { .. } => "CREATE DATABASE FROM SHARE",
            Self::DropMount { .. } => "DROP DATABASE",
        }
    }

    /// The privileges that its role needs, by name.
    pub(crate) const fn needs(&self) -> &'static str {
        match self {
            Self::CreateSchema { .. } => "CREATE SCHEMA on the gateway's database",
            Self::MarkSchema { .. } | Self::DropSchema { .. } => "OWNERSHIP of the schema",
            Self::CreatePolicy { .. } => {
                "CREATE AGGREGATION POLICY on the schema, and an account of Enterprise edition"
            }
            Self::SetPolicyBody { .. } => "OWNERSHIP of the policy",
            Self::PutView(_) => {
                "CREATE VIEW on the schema, SELECT on what the view reads with USAGE on its database and schema, and APPLY on the policy"
            }
            Self::SetPolicy { .. } => "OWNERSHIP of the view, and APPLY on the policy",
            Self::DropView { .. } => "OWNERSHIP of the view",
            Self::CreateShare { .. } => "CREATE SHARE on the account",
            Self::GrantToShare { .. } | Self::RevokeFromShare { .. } => {
                "OWNERSHIP of the share, and the privilege itself with the right to grant it"
            }
            Self::AddAccount { .. } | Self::RemoveAccounts { .. } => {
                "OWNERSHIP of the share, and MANAGE SHARE TARGET on the account"
            }
            Self::DropShare { .. } => "OWNERSHIP of the share",
            Self::Mount { .. } => "IMPORT SHARE and CREATE DATABASE on the account",
            Self::DropMount { .. } => "OWNERSHIP of the database",
        }
    }
}
