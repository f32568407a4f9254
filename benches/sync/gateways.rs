//! Gateways to be measured: a folder, its keys, and logs of collaborations that everybody joined, as the commands leave them, in a
//! file of its own or in `PostgreSQL`. Must not know what is measured.

use crate::Fallible;
use airlock::app::agreements;
use airlock::clock::SystemClock;
use airlock::home::Home;
use airlock::log::{AgreementLog, Body, Entry, SecretKey, State};
use airlock::store::{Address, PostgresStore, SqliteStore, Store};
use futures::TryStreamExt as _;
use mappings::model::{Agreement, CollaborationId, MemberId};
use sqlx::Connection as _;
use std::convert::Infallible;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// The variable that the gateway's settings name.
const URL: &str = "AIRLOCK_BENCH_STORE";
/// Logs that are begun at the same time.
const AT_ONCE: usize = 16;

/// Where a gateway keeps its logs.
#[derive(Debug, Clone)]
pub(crate) enum Kept {
    Sqlite,
    /// In a database of its own on this server.
    Postgres(url::Url),
}

impl Kept {
    /// Every store that there is here.
    pub(crate) fn all() -> Fallible<Vec<Self>> {
        let server = std::env::var("AIRLOCK_POSTGRES_URL").ok();
        let server = server.map(|url| url.parse().map(Self::Postgres)).transpose()?;
        Ok([Self::Sqlite].into_iter().chain(server).collect())
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

/// What its collaborations are held in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// In this gateway and in AWS Clean Rooms.
    Both,
    /// In this gateway; storage is asked for the data.
    Native,
    /// The same, and nobody approved anything yet.
    Unapproved,
}

/// One gateway. Its folder goes with it.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) home: Home,
    pub(crate) log: AgreementLog,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) names: Vec<CollaborationId>,
    grocer: SecretKey,
    brand: SecretKey,
    held: Held,
    database: Option<(url::Url, String)>,
    folder: tempfile::TempDir,
}

impl Gateway {
    pub(crate) async fn new(kept: &Kept, held: Held, collaborations: usize) -> Fallible<Self> {
        let folder = tempfile::tempdir()?;
        let home = Home::open(&folder.path().join("gateway"))?;
        let keys = [home.gateway_key(), home.member_key(&grocer()?), home.member_key(&brand()?)];
        for path in &keys {
            SecretKey::generate()?.save(path)?;
        }
        let [own, grocer, brand] = keys.map(|path| SecretKey::load(&path));
        let database = match kept {
            Kept::Sqlite => None,
            Kept::Postgres(server) => {
                Some((server.clone(), format!("airlock_bench_{}", std::process::id())))
            }
        };
        if let Some((server, name)) = &database {
            maintain(server, format!("CREATE DATABASE {name}")).await?;
        }
        let store: Arc<dyn Store> = match database.as_ref().map(url_of) {
            None => Arc::new(SqliteStore::open(&home.database()).await?),
            Some(url) => Arc::new(PostgresStore::open(&Address::new(url.as_str(), None)?).await?),
        };
        let log = AgreementLog::new(Arc::clone(&store), own?, Arc::new(SystemClock))
            .with_pins(Arc::new(home.clone()))
            .with_reserve(Arc::new(home.clone()));
        let names = (0..collaborations).map(|n| CollaborationId::new(&format!("deal-{n:05}")));
        let names = names.collect::<Result<_, _>>()?;
        let (grocer, brand) = (grocer?, brand?);
        let gateway = Self { home, log, store, names, grocer, brand, held, database, folder };
        gateway.set("")?;
        gateway.agree().await?;
        Ok(gateway)
    }

    /// Proposed, joined and approved by everybody.
    async fn agree(&self) -> Fallible {
        // What `airlock apply` looks at; they differ in names alone.
        if let Some(name) = self.names.first() {
            let agreement = self.agreement(name)?;
            agreements::guard_all(&agreement)?;
            agreements::assess_all(&agreement)?;
        }
        let all = self.names.iter().map(|name| Ok(self.begin(name)));
        futures::stream::iter(all).try_buffer_unordered(AT_ONCE).try_collect::<()>().await
    }

    async fn begin(&self, name: &CollaborationId) -> Fallible {
        let agreement = self.agreement(name)?;
        let digest = agreement.digest();
        let members = [(grocer()?, &self.grocer), (brand()?, &self.brand)];
        let mut all =
            vec![Entry::gateway(Body::Proposed { agreement: Box::new(agreement.clone()), digest })];
        for (member, key) in &members {
            let body =
                Body::Joined { member: member.clone(), key: key.public(), agreement: digest };
            all.push(Entry::member(member, key, body));
        }
        let templates = agreement.templates.iter().filter(|_| self.held != Held::Unapproved);
        for (template, of) in templates {
            for (member, key) in &members {
                let (template, digest) = (template.clone(), of.digest(template));
                let body = Body::Approved { member: member.clone(), template, digest };
                all.push(Entry::member(member, key, body));
            }
        }
        let decided = |_: &State| Ok::<_, Infallible>(all.clone());
        self.log.decide(name, decided).await?;
        Ok(())
    }

    /// Puts a withdrawal of the grocer's dataset on record, as `airlock revoke` does.
    pub(crate) async fn revoke(&self, name: &CollaborationId) -> Fallible {
        let by = grocer()?;
        let what = airlock::log::Revocable::Dataset { dataset: "transactions".parse()? };
        let body = Body::Revoked { by: by.clone(), what };
        let decided =
            |_: &State| Ok::<_, Infallible>(vec![Entry::member(&by, &self.grocer, body.clone())]);
        self.log.decide(name, decided).await?;
        Ok(())
    }

    /// What one of its collaborations agreed to.
    pub(crate) fn agreement(&self, name: &CollaborationId) -> Fallible<Agreement> {
        agreement(name, self.held, &self.folder.path().join("results"))
    }

    /// Sets more than where its logs are.
    pub(crate) fn set(&self, more: &str) -> Fallible {
        let store = self.database.as_ref().map(|_| format!("[store]\nurl_env = \"{URL}\"\n"));
        Ok(std::fs::write(self.home.settings(), store.unwrap_or_default() + more)?)
    }

    /// A program that may open it.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("AIRLOCK_HOME", self.home.root());
        if let Some(database) = &self.database {
            command.env(URL, url_of(database).as_str());
        }
        command
    }

    pub(crate) async fn removed(self) -> Fallible {
        let Self { log, store, database, .. } = self;
        drop((log, store));
        match database {
            Some((server, name)) => {
                maintain(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await
            }
            None => Ok(()),
        }
    }
}

pub(crate) fn grocer() -> Fallible<MemberId> {
    Ok(MemberId::new("grocer")?)
}

pub(crate) fn brand() -> Fallible<MemberId> {
    Ok(MemberId::new("brand")?)
}

fn url_of((server, name): &(url::Url, String)) -> url::Url {
    let mut url = server.clone();
    url.set_path(name);
    url
}

async fn maintain(server: &url::Url, statement: String) -> Fallible {
    let mut server = sqlx::PgConnection::connect(server.as_str()).await?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut server).await?;
    Ok(())
}

fn agreement(name: &CollaborationId, held: Held, results: &Path) -> Fallible<Agreement> {
    let (rooms, glue) = match held {
        Held::Native | Held::Unapproved => ("", ["", ""]),
        Held::Both => (
            ", { platform: aws-clean-rooms, region: eu-central-1 }",
            [
                ", aws-clean-rooms: { glue: { database: grocer, table: transactions } }",
                ", aws-clean-rooms: { glue: { database: brand, table: exposures } }",
            ],
        ),
    };
    let identity = |account: &str| match held {
        Held::Native | Held::Unapproved => String::new(),
        Held::Both => format!(", identity: {{ aws-clean-rooms: \"{account}\" }}"),
    };
    let (one, two) = (identity("111111111111"), identity("222222222222"));
    let [transactions, exposures] = glue;
    let results = url::Url::from_file_path(results).map_err(|()| "a folder that has no URL")?;
    let text = format!(
        "agreement: v1
collaboration: {name}
members:
  grocer: {{ name: Complete Grocers, abilities: [contribute]{one} }}
  brand: {{ name: Sparkling Brands, abilities: [contribute, run, receive]{two} }}
rooms: [native{rooms}]
datasets:
  transactions:
    owner: grocer
    at: {{ native: 's3://grocer/{name}/transactions.parquet'{transactions} }}
    entity: household
    columns:
      household: {{ from: household_id, type: int64, use: match, key: household-id }}
      week: {{ type: int64, use: dimension }}
      sales_value: {{ type: float64, use: measure, aggregates: [sum, avg] }}
    rule: {{ entities_min: 100, join: required }}
  exposures:
    owner: brand
    at: {{ native: 's3://brand/{name}/exposures.parquet'{exposures} }}
    entity: household
    columns:
      household: {{ from: household_id, type: int64, use: match, key: household-id }}
      campaign: {{ from: campaign_id, type: int64, use: dimension }}
    rule: {{ entities_min: 1 }}
templates:
  sales-by-campaign:
    class: aggregate
    sql: |
      SELECT e.campaign, COUNT(DISTINCT t.household) AS households, SUM(t.sales_value) AS sales
      FROM transactions t JOIN exposures e ON t.household = e.household
      WHERE t.week BETWEEN 1 AND 53
      GROUP BY e.campaign
    run_by: [brand]
    received_by: [brand]
destinations: {{ brand: '{results}/{name}' }}
"
    );
    mappings::agreement::read(&text).map_err(|problems| format!("{problems:?}").into())
}
