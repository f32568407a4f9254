//! A throwaway collaboration of one account: whether data, texts and runs go the way that this package counts on, over rows that are made
//! up here. Each step waits a while for the platform. What was made is taken down again, whatever failed.

use super::presets;
use crate::collaboration::observe::{listed_rooms, requests, states};
use crate::collaboration::seen::{State, Status};
use crate::collaboration::{names, specs};
use crate::error::Told;
use crate::session::Session;
use crate::sql::Sql;
use crate::verify::{Question, Report};
use adapter_spi::{CallClass, ErrorKind, Result, Retry};
use snowflake_sql_api::{Binding, ResultSet, Table};
use std::collections::BTreeMap;
use std::time::Duration;

const MADE: Question = ("made", "a collaboration is made and joined by its owner");
const LOWER: Question =
    ("quoted-names", "an offering takes a view and columns whose names need quotation marks");
const PRESET: Question = ("preset-named", "a template names its tables itself");
const LINKED: Question = ("linked", "an offering is linked, and shown in VIEW_COLLABORATIONS");
const LISTED: Question = ("approved", "a template is asked for, and listed");
const RUNS: Question = ("run-returns-rows", "RUN answers rows over the SQL API");
const BINDS: Question =
    ("parameters-bound", "a text with quotes and backslashes is bound, and is not read as SQL");
const KEPT: Question =
    ("preset-kept", "a run that names another table is refused, or reads the preset one");
const SCANNED: Question = ("run-scanned", "RESULT_SCAN reads what RUN answered");
const UNLINKED: Question = ("unlinked", "after UNLINK a run is refused");
const VIEWLESS: Question = ("view-dropped", "after DROP VIEW a run is refused");
const ENDED: Question = ("torn-down", "a collaboration is torn down by two calls");

/// What a trial asks.
pub(super) const ASKED: [Question; 12] =
    [MADE, LOWER, PRESET, LINKED, LISTED, RUNS, BINDS, SCANNED, KEPT, VIEWLESS, UNLINKED, ENDED];

/// So often is the platform asked again, and so far apart, at first.
const TRIES: u32 = 60;
const FIRST: Duration = Duration::from_millis(50);
const MOST: Duration = Duration::from_secs(10);

const REGISTER_OFFERING: &str =
    "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.REGISTER_DATA_OFFERING(?)";
const REGISTER_TEMPLATE: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.REGISTER_TEMPLATE(?)";
const APPROVE: &str =
    "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.APPROVE_UPDATE_REQUEST(?, ?)";
pub(super) const RUN: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.RUN(?, ?)";
const UNREGISTER_TEMPLATE: &str =
    "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.UNREGISTER_TEMPLATE(?)";
const UNREGISTER_OFFERING: &str =
    "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.UNREGISTER_DATA_OFFERING(?)";

/// A text that would be another statement, or another text, were it not bound.
pub(crate) const HOSTILE: &str =
    "a' OR '1'='1 \\ \" {{ x }} {% y %} $$ NULL) OR (TRUE; /* -- // \t\u{2028}\u{2029}";

/// What is waited for.
#[derive(Debug, Clone, Copy)]
enum Wait {
    For(State),
    Linked(bool),
    Listed,
    Refused,
    Gone,
}

pub(super) struct Trial<'a> {
    session: &'a Session,
    database: &'a str,
    /// Of everything that is made.
    pub(super) name: String,
    schema: String,
    offering: String,
    pub(super) template: String,
}

/// Goes through it, and says what was found.
pub(super) async fn trial(session: &Session, database: &str, report: &mut Report) {
    let Ok(request) = session.fresh("verify") else { return };
    let word: String =
        request.to_string().chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    let name = format!("airlock_trial_{word}");
    let trial = Trial {
        session,
        database,
        schema: name.to_ascii_uppercase(),
        offering: names::id(&name, "h1"),
        template: names::id(&name, "h1"),
        name,
    };
    Box::pin(trial.goes(report)).await;
    Box::pin(trial.ends(report)).await;
}

impl Trial<'_> {
    async fn call(&self, operation: &'static str, sql: Sql) -> Result<ResultSet> {
        Box::pin(self.session.write(operation, self.session.fresh(operation)?, sql)).await
    }

    pub(super) async fn called(&self, words: &'static str, texts: &[&str]) -> Result<ResultSet> {
        let sql = texts.iter().fold(Sql::new(words), |sql, text| sql.bind(Binding::text(*text)));
        self.call(name_of(words), sql).await
    }

    /// Asks again until something is so, for a while.
    async fn until(&self, what: Wait) -> Result<bool> {
        let mut wait = FIRST;
        for _ in 0..TRIES {
            if Box::pin(self.is(what)).await? {
                return Ok(true);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(MOST);
        }
        Ok(false)
    }

    async fn is(&self, what: Wait) -> Result<bool> {
        Ok(match what {
            Wait::For(state) => states(self.session, &self.name).await?.get(ALIAS) == Some(&state),
            Wait::Linked(linked) => self.is_applied(true).await? == linked,
            Wait::Listed => self.is_applied(false).await?,
            Wait::Refused => Box::pin(self.ran()).await.is_err(),
            Wait::Gone => {
                let rooms = listed_rooms(self.session).await?;
                !rooms.iter().any(|room| room.name == self.name)
            }
        })
    }

    async fn is_applied(&self, offering: bool) -> Result<bool> {
        let rooms = listed_rooms(self.session).await?;
        let room = rooms.into_iter().find(|room| room.name == self.name);
        let runner = room.and_then(|room| room.spec.runners.get(ALIAS).cloned());
        Ok(runner.is_some_and(|runner| {
            if offering {
                runner.providers.values().any(|ids| ids.contains(&self.offering))
            } else {
                runner.templates.contains(&self.template)
            }
        }))
    }

    /// As far as it goes: each question rests on the one before.
    async fn goes(&self, report: &mut Report) {
        let rests = report.say(MADE, &Box::pin(self.made()).await)
            && report.say(LOWER, &Box::pin(self.offered()).await)
            && report.say(PRESET, &Box::pin(self.registered()).await)
            && report.say(LINKED, &Box::pin(self.linked()).await)
            && report.say(LISTED, &Box::pin(self.listed()).await);
        if !rests {
            return;
        }
        match Box::pin(self.ran()).await {
            Ok(done) => {
                report.say(RUNS, &Ok(done.row_count() == 1));
                report.say(BINDS, &Box::pin(self.bound(&done)).await);
                report.say(SCANNED, &Box::pin(self.scanned(&done)).await);
                report.say(KEPT, &Box::pin(presets::kept(self, &done)).await);
            }
            Err(error) => {
                report.say(RUNS, &Err(error));
                return;
            }
        }
        let again = report.say(UNLINKED, &Box::pin(self.unlinked()).await)
            && Box::pin(self.linked()).await == Ok(true)
            && Box::pin(self.ran()).await.is_ok();
        if again {
            report.say(VIEWLESS, &Box::pin(self.viewless()).await);
        }
    }

    async fn made(&self) -> Result<bool> {
        let account = self.session.seat.account.clone();
        let providers = BTreeMap::from([(ALIAS.to_owned(), specs::Provider::default())]);
        let runner = specs::Runner { data_providers: providers, templates: Vec::new() };
        let spec = specs::Collaboration {
            name: self.name.clone(),
            description: "a trial of Airlock's; it can be torn down".to_owned(),
            owner: ALIAS.to_owned(),
            collaborator_identifier_aliases: BTreeMap::from([(ALIAS.to_owned(), account)]),
            analysis_runners: BTreeMap::from([(ALIAS.to_owned(), runner)]),
        };
        let text = spec.text().unwrap_or_default();
        self.called("CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.INITIALIZE(?)", &[&text])
            .await?;
        if !self.until(Wait::For(State::Created)).await? {
            return Ok(false);
        }
        self.called("CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.JOIN(?)", &[&self.name])
            .await?;
        self.until(Wait::For(State::Joined)).await
    }

    async fn offered(&self) -> Result<bool> {
        let schema = Sql::new("CREATE SCHEMA ").path(&[self.database, &self.schema]);
        self.call("CREATE SCHEMA", schema).await?;
        let policy = |category| specs::Policy { category };
        let columns = BTreeMap::from([
            (names::quoted("person"), policy(specs::Category::JoinCustom)),
            (names::quoted("number"), policy(specs::Category::Passthrough)),
        ]);
        let mut datasets = Vec::new();
        for (dataset, name, words) in [
            (DATASET, VIEW, " AS SELECT 'made up' AS \"person\", 1 AS \"number\""),
            (OTHER, OTHER_VIEW, " AS SELECT 'made up' AS \"person\", 2 AS \"number\""),
        ] {
            let view = Sql::new("CREATE SECURE VIEW ").path(&[self.database, &self.schema, name]);
            self.call("CREATE VIEW", view.word(words)).await?;
            let (alias, columns) = (dataset.to_owned(), columns.clone());
            datasets.push(specs::Dataset::new(alias, self.path(name), columns));
        }
        let spec = specs::Offering {
            name: self.name.clone(),
            version: "h1".to_owned(),
            description: "a trial".to_owned(),
            datasets,
        };
        let text = spec.text().unwrap_or_default();
        self.called(REGISTER_OFFERING, &[&text]).await.map(|_| true)
    }

    async fn registered(&self) -> Result<bool> {
        let view = self.offered_as(DATASET);
        let spec = specs::Template {
            name: self.name.clone(),
            version: "h1".to_owned(),
            r#type: "sql_analysis",
            description: "a trial".to_owned(),
            methodology: None,
            parameters: vec![specs::Parameter { name: SAID.to_owned(), required: true, r#type: "string" }],
            preset_tables: vec![specs::Preset { alias: DATASET.to_owned(), template_view_name: view }],
            sql: "SELECT \"number\", CAST({{ said }} AS VARCHAR) AS \"said\"\nFROM IDENTIFIER({{ preset_tables['trial'] }})".to_owned(),
        };
        let text = spec.text().unwrap_or_default();
        self.called(REGISTER_TEMPLATE, &[&text]).await.map(|_| true)
    }

    async fn linked(&self) -> Result<bool> {
        const TEXT: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.LINK_DATA_OFFERING(?, ?, ARRAY_CONSTRUCT(?))";
        self.called(TEXT, &[&self.name, &self.offering, ALIAS]).await?;
        self.until(Wait::Linked(true)).await
    }

    async fn listed(&self) -> Result<bool> {
        const TEXT: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.ADD_TEMPLATE_REQUEST(?, ?, ARRAY_CONSTRUCT(?))";
        self.called(TEXT, &[&self.name, &self.template, ALIAS]).await?;
        let all = requests(self.session, &self.name).await?;
        if let Some(mine) = all.into_iter().find(|one| one.status == Status::Mine) {
            self.called(APPROVE, &[&self.name, &mine.id]).await?;
        }
        self.until(Wait::Listed).await
    }

    /// A run of the template, by the only value that it is given.
    pub(super) async fn ran(&self) -> Result<ResultSet> {
        let arguments =
            BTreeMap::from([(SAID.to_owned(), specs::Argument::Text(HOSTILE.to_owned()))]);
        let template_configuration = specs::Configuration { arguments };
        let spec = specs::Analysis { template: self.template.clone(), template_configuration };
        let text = spec.text().unwrap_or_default();
        self.called(RUN, &[&self.name, &text]).await
    }

    /// The rows of a run.
    pub(super) async fn read(&self, done: &ResultSet) -> Result<Table> {
        let unreadable = |_| {
            let told: Told = (ErrorKind::InvalidNative, "answer-unreadable", Retry::NextCycle);
            self.session.error(told, "RUN", "its rows can't be read")
        };
        done.table().await.map_err(unreadable)
    }

    /// What a dataset is called in texts.
    pub(super) fn offered_as(&self, dataset: &str) -> String {
        format!("{ALIAS}.{}.{dataset}", self.offering)
    }

    /// Where a view lies, as a spec says it.
    pub(super) fn path(&self, view: &str) -> String {
        names::path([self.database, &self.schema, view])
    }

    async fn bound(&self, done: &ResultSet) -> Result<bool> {
        let table = self.read(done).await?;
        let said = table.column("said").and_then(|cells| cells.first().copied().flatten());
        Ok(said == Some(HOSTILE))
    }

    async fn scanned(&self, done: &ResultSet) -> Result<bool> {
        let sql = Sql::new("SELECT COUNT(*) AS N FROM ").result_of(done.handle());
        let rows = self.session.rows("RESULT_SCAN", CallClass::Read, sql).await?;
        Ok(rows.of(["n"])? == [[Some("1".to_owned())]])
    }

    async fn viewless(&self) -> Result<bool> {
        let view = Sql::new("DROP VIEW IF EXISTS ").path(&[self.database, &self.schema, VIEW]);
        self.call("DROP VIEW", view).await?;
        self.until(Wait::Refused).await
    }

    async fn unlinked(&self) -> Result<bool> {
        const TEXT: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.UNLINK_DATA_OFFERING(?, ?, ARRAY_CONSTRUCT(?))";
        self.called(TEXT, &[&self.name, &self.offering, ALIAS]).await?;
        Ok(self.until(Wait::Linked(false)).await? && Box::pin(self.ran()).await.is_err())
    }

    /// Takes down what was made; what was not asked is said to be so.
    async fn ends(&self, report: &mut Report) {
        for question in ASKED.iter().filter(|one| **one != ENDED) {
            if !report.found.iter().any(|found| found.question == question.0) {
                report.skip(*question);
            }
        }
        report.say(ENDED, &Box::pin(self.torn_down()).await);
        let _left_registered = self.called(UNREGISTER_TEMPLATE, &[&self.template]).await;
        let _left_registered = self.called(UNREGISTER_OFFERING, &[&self.offering]).await;
        let schema = Sql::new("DROP SCHEMA IF EXISTS ").path(&[self.database, &self.schema]);
        let _left_there = self.call("DROP SCHEMA", schema).await;
    }

    async fn torn_down(&self) -> Result<bool> {
        const TEXT: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.TEARDOWN(?)";
        self.called(TEXT, &[&self.name]).await?;
        if !self.until(Wait::For(State::DropPending)).await? {
            return Ok(false);
        }
        self.called(TEXT, &[&self.name]).await?;
        self.until(Wait::Gone).await
    }
}

/// The name of a procedure, out of the text that calls it.
fn name_of(words: &'static str) -> &'static str {
    let name = words.split('(').next().and_then(|path| path.rsplit('.').next());
    name.unwrap_or(words)
}

const ALIAS: &str = "own";
pub(super) const DATASET: &str = "trial";
const VIEW: &str = "TRIAL";
/// The template's parameter.
pub(super) const SAID: &str = "said";
/// What the row of a template's own table tells.
pub(super) const NUMBER: &str = "1";
/// Another, whose row tells that it was read.
pub(super) const OTHER: &str = "other";
pub(super) const OTHER_VIEW: &str = "OTHER";
