//! One member's account, as one act asks it: each statement in its turn, with the role, warehouse and database of the connection.
//! Must not know what is asked.

use crate::error::{Act, Told, made, told};
use crate::reach::Seat;
use crate::sql::{NotSaid, Sql};
use adapter_spi::{AdapterError, CallClass, Cx, ErrorKind, Result, Retry};
use mappings::model::{Digest, PlatformId};
use snowflake_sql_api::{
    Call, Canceled, Client, Context, Fate, Handle, Progress, RequestId, ResultSet, Statement, Table,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::Instrument as _;
use tracing::field::Empty;

/// How long a statement is waited for that looks or changes an object.
const WITHIN: Duration = Duration::from_secs(90);
/// How long a procedure of the platform is waited for that gives: cancelled in its middle, its work is half done.
const WITHIN_PROCEDURE: Duration = Duration::from_mins(10);
/// So many rows SHOW answers at most, and says nothing of those that it leaves out.
const SHOWN_MAX: usize = 10_000;

/// An account that was found to be the one that is pinned, within one act.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) platform: PlatformId,
    pub(crate) seat: Seat,
    /// As `CURRENT_REGION()` says it.
    pub(crate) region: String,
    client: Client,
    context: Context,
    cx: Cx,
    sent: Arc<AtomicBool>,
    /// Whether what it changes goes on when nobody waits for it any more.
    lasting: bool,
    /// How long a statement is waited for.
    within: Duration,
    /// Where it is noted how long each statement took, if anybody asks.
    times: Option<Times>,
}

/// How long one statement took, and the code that it ended with, if with any.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Took {
    /// Its operation.
    pub statement: &'static str,
    /// From its sending until its answer was read, in milliseconds.
    pub took_ms: u64,
    /// Why it failed, by code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
}

/// Statements as they are timed.
pub(crate) type Times = Arc<Mutex<Vec<Took>>>;

/// How far a statement was seen to be.
#[derive(Debug)]
pub(crate) enum Looked {
    /// It runs.
    Running,
    /// It ended well.
    Done(Box<ResultSet>),
    /// It ended with an error.
    Failed(AdapterError),
    /// It was cancelled.
    Canceled,
}

/// Rows of an answer, read by names of columns.
#[derive(Debug)]
pub(crate) struct Rows {
    platform: PlatformId,
    operation: &'static str,
    table: Table,
}

impl Rows {
    /// The cells of these columns, row by row. A column that is not there, or twice, is an answer of another version.
    pub(crate) fn of<const N: usize>(&self, names: [&str; N]) -> Result<Vec<[Option<String>; N]>> {
        let mut columns = Vec::with_capacity(N);
        for name in names {
            columns.push(self.table.column(name).ok_or_else(|| self.unreadable(name))?);
        }
        let rows = (0..self.table.len()).map(|row| {
            std::array::from_fn(|at| {
                let cell = columns.get(at).and_then(|column| column.get(row).copied().flatten());
                cell.map(str::to_owned)
            })
        });
        Ok(rows.collect())
    }

    /// Whether there is a column of this name, in whatever case.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.table.names().iter().any(|one| one.eq_ignore_ascii_case(name))
    }

    /// The names of the columns, as the platform spells them.
    pub(crate) fn names(&self) -> &[String] {
        self.table.names()
    }

    fn unreadable(&self, column: &str) -> AdapterError {
        let told: Told = (ErrorKind::InvalidNative, "answer-unreadable", Retry::NextCycle);
        made(&self.platform, told, self.operation, format!("no one column {column} in the answer"))
    }
}

impl Session {
    /// An account whose place is not known yet.
    pub(crate) fn new(platform: PlatformId, at: Seat, client: Client, context: Context) -> Self {
        let (region, lasting, within) = (String::new(), false, WITHIN);
        let (cx, sent) = (Cx::default(), Arc::default());
        let times = None;
        Self { platform, seat: at, region, client, context, cx, sent, lasting, within, times }
    }

    /// Which room's.
    pub(crate) const fn platform(&self) -> &PlatformId {
        &self.platform
    }

    /// The same account, where it said that it is.
    pub(crate) fn placed(self, region: String) -> Self {
        Self { region, ..self }
    }

    /// The same account, whose statements are timed.
    pub(crate) fn timed(&self, times: &Times) -> Self {
        Self { times: Some(Arc::clone(times)), ..self.clone() }
    }

    /// The same account for one act, which takes turns as its context says.
    pub(crate) fn within(&self, cx: &Cx) -> Self {
        Self { cx: cx.clone(), sent: Arc::default(), ..self.clone() }
    }

    /// The same account where statements find names in a schema first.
    pub(crate) fn in_schema(&self, database: &str, schema: &str) -> Self {
        let (database, schema) = (Some(database.to_owned()), Some(schema.to_owned()));
        Self { context: Context { database, schema, ..self.context.clone() }, ..self.clone() }
    }

    /// The same act, whose changes go on whoever stops waiting: what takes away is never called back.
    pub(crate) fn lasting(&self) -> Self {
        Self { lasting: true, ..self.clone() }
    }

    /// The same act, which waits as long as a procedure of the platform may take.
    pub(crate) fn patient(&self) -> Self {
        Self { within: WITHIN_PROCEDURE, ..self.clone() }
    }

    /// Whether a statement that changes something may have been sent in this act.
    pub(crate) fn has_sent(&self) -> bool {
        self.sent.load(Ordering::SeqCst)
    }

    /// An error of ours about this account; nothing changed.
    pub(crate) fn error(
        &self,
        told: Told,
        operation: &'static str,
        reason: impl Into<String>,
    ) -> AdapterError {
        made(&self.platform, told, operation, reason)
    }

    /// An id that nothing was sent under.
    pub(crate) fn fresh(&self, operation: &'static str) -> Result<RequestId> {
        RequestId::random().map_err(|_| {
            let told: Told = (ErrorKind::Bug, "no-randomness", Retry::Never);
            self.error(told, operation, "no random id could be made")
        })
    }

    fn told(
        &self,
        operation: &'static str,
        act: Act,
        error: &snowflake_sql_api::Error,
    ) -> AdapterError {
        told(&self.platform, operation, act, error)
    }

    fn unsaid(&self, operation: &'static str) -> impl Fn(NotSaid) -> AdapterError {
        let platform = self.platform.clone();
        move |NotSaid| {
            let told: Told = (ErrorKind::Unsupported, "name-unsayable", Retry::Never);
            let reason =
                "a name is empty, too long or has NUL in it; what would pass: 1 to 255 signs";
            made(&platform, told, operation, reason)
        }
    }

    /// Waits for the turn of a call. From a write's turn on it may have been sent; one whose turn comes too late never is.
    async fn turn(&self, operation: &'static str, class: CallClass) -> Result<()> {
        self.cx.turn(&self.seat.member, operation, class).await;
        if class == CallClass::Write {
            if self.cx.is_late() {
                let told: Told = (ErrorKind::Timeout, "sent-too-late", Retry::NextCycle);
                return Err(self.error(told, operation, "its turn came too late after its intent"));
            }
            self.sent.store(true, Ordering::SeqCst);
        }
        Ok(())
    }

    fn call(&self, request: RequestId) -> Call {
        Call::new(request).at_most(self.within).until(self.cx.cancel.clone())
    }

    /// Every call goes through here: its span has the operation's words and the code that it ended with, and nothing that was said.
    async fn traced<T>(
        &self,
        operation: &'static str,
        act: Act,
        call: impl Future<Output = Result<T, snowflake_sql_api::Error>> + Send,
    ) -> Result<T, snowflake_sql_api::Error> {
        let span = tracing::info_span!("statement", call = operation, code = Empty);
        let begun = Instant::now();
        let done = Box::pin(call).instrument(span.clone()).await;
        let code = done.as_ref().err().map(|error| self.told(operation, act, error).code);
        if let Some(code) = code {
            span.record("code", code);
        }
        if let Some(times) = &self.times {
            let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            let took = Took { statement: operation, took_ms, code };
            times.lock().unwrap_or_else(PoisonError::into_inner).push(took);
        }
        done
    }

    /// What a statement answers that changes nothing.
    pub(crate) async fn rows(
        &self,
        operation: &'static str,
        class: CallClass,
        sql: Sql,
    ) -> Result<Rows> {
        self.turn(operation, class).await?;
        let statement = sql.statement().map_err(self.unsaid(operation))?;
        let statement = statement.within(self.context.clone());
        let failed = |error: snowflake_sql_api::Error| self.told(operation, Act::Read, &error);
        let request = RequestId::random().map_err(failed)?;
        let call = self.call(request);
        let found = async { self.client.execute(&statement, call).await?.table().await };
        let table = self.traced(operation, Act::Read, found).await.map_err(failed)?;
        if operation.starts_with("SHOW ") && table.len() >= SHOWN_MAX {
            let told: Told = (ErrorKind::InvalidNative, "answer-cut", Retry::NextCycle);
            let reason = "there is more than the platform shows: 10000 rows";
            return Err(self.error(told, operation, reason));
        }
        Ok(Rows { platform: self.platform.clone(), operation, table })
    }

    /// Runs a statement that changes something, under an id that is the same each time, so that what is sent again runs once.
    pub(crate) async fn write(
        &self,
        operation: &'static str,
        request: RequestId,
        sql: Sql,
    ) -> Result<ResultSet> {
        let statement = sql.statement().map_err(self.unsaid(operation))?;
        self.turn(operation, CallClass::Write).await?;
        let statement = statement.within(self.context.clone());
        let call = self.call(request);
        let call = if self.lasting { call.leaving() } else { call };
        let done = self.traced(operation, Act::Write, self.client.execute(&statement, call));
        done.await.map_err(|error| self.told(operation, Act::Write, &error))
    }

    /// Starts a statement that runs on whatever becomes of the caller. `again`: it may have been started under this id before.
    pub(crate) async fn start(
        &self,
        operation: &'static str,
        (request, again): (RequestId, bool),
        (sql, prepare): (Sql, &(dyn Fn(Statement) -> Statement + Send + Sync)),
    ) -> Result<Progress> {
        let statement = sql.statement().map_err(self.unsaid(operation))?;
        self.turn(operation, CallClass::Write).await?;
        let statement = prepare(statement.within(self.context.clone()).asynchronous());
        let call = self.call(request);
        let call = if again { call.resent() } else { call };
        let begun = self.traced(operation, Act::Write, self.client.submit(&statement, call));
        begun.await.map_err(|error| self.told(operation, Act::Write, &error))
    }

    /// How far a statement is. That a look failed says nothing of it.
    pub(crate) async fn look(&self, operation: &'static str, handle: &Handle) -> Result<Looked> {
        self.turn(operation, CallClass::Read).await?;
        match self.traced(operation, Act::Read, self.client.look(handle)).await {
            Ok(Progress::Running(_)) => Ok(Looked::Running),
            Ok(Progress::Done(done)) => Ok(Looked::Done(done)),
            Err(error) => {
                let told = self.told(operation, Act::Read, &error);
                if error.kind() == snowflake_sql_api::ErrorKind::Canceled {
                    Ok(Looked::Canceled)
                } else if error.fate() == Fate::Failed {
                    Ok(Looked::Failed(told))
                } else {
                    Err(told)
                }
            }
        }
    }

    /// How many rows an unload says that it wrote.
    pub(crate) async fn unloaded(&self, of: &ResultSet, operation: &'static str) -> Result<u64> {
        let table = Box::pin(of.table()).await;
        let table = table.map_err(|error| self.told(operation, Act::Read, &error))?;
        let rows = Rows { platform: self.platform.clone(), operation, table };
        let counts = rows.of(["row_count"])?.into_iter();
        Ok(counts.filter_map(|[count]| count?.parse::<u64>().ok()).sum())
    }

    /// Cancels a statement.
    pub(crate) async fn cancel(
        &self,
        operation: &'static str,
        handle: &Handle,
    ) -> Result<Canceled> {
        self.turn(operation, CallClass::Write).await?;
        let done = self.traced(operation, Act::Write, self.client.cancel(handle));
        done.await.map_err(|error| self.told(operation, Act::Write, &error))
    }
}

/// The id under which a step's statement is sent, the same each time: of its digest, and of which of its statements it is.
pub(crate) fn request_of(step: &Digest, number: u8) -> RequestId {
    let digest = Digest::of(format!("{step} {number}").as_bytes());
    let mut bytes = [0; 16];
    for (byte, from) in bytes.iter_mut().zip(digest.as_bytes()) {
        *byte = *from;
    }
    RequestId::from_bytes(bytes)
}
