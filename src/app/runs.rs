//! One run, from decision to delivery: request on record, the room brought to desire, watch, verify, deliver.
//! Whatever stops it leaves either a whole result with its manifest, or nothing.

use super::leases::RenewedLease;
use super::recovery::Left;
use super::watch::Watched;
use super::{App, House, Recorded, Tied, agreements, delivery, members, standing};
use crate::error::{Error, Kind, Result};
use crate::home::Claim;
use crate::log::{self, Body, Code, Entry, State, Touched};
use crate::reconcile::desired_on;
use crate::{settings, wiring};
use adapter_spi::{
    Cx, Failure, Landing, ProtectedQuery, RunLimits, RunOutput, RunProgress, RunStatus,
};
use mappings::guard::Guarded;
use mappings::model::{
    Agreement, CollaborationId, ColumnName, DatasetName, Digest, Literal, MemberId, ParameterName,
    PlatformId, ResultClass, RunId, TemplateName,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use tracing::field::Empty;

/// How often a run's status and the log are looked at: well inside the second in which a revocation must act.
const WATCH_EVERY: Duration = Duration::from_millis(25);

/// A request to run.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The collaboration.
    pub collaboration: CollaborationId,
    /// The template.
    pub template: TemplateName,
    /// The version that was looked at, or `None` for the one there is.
    pub digest: Option<Digest>,
    /// Where it runs.
    pub room: PlatformId,
    /// Who runs it.
    pub by: MemberId,
    /// Parameters as text.
    pub parameters: BTreeMap<String, String>,
    /// The run's id, or `None` for a new one.
    pub run: Option<RunId>,
    /// The salt of the commitment to its parameters, where that was made before; or `None` for a new one.
    pub salt: Option<[u8; 32]>,
    /// What it may take of this machine, and how much may come out.
    pub limits: RunLimits,
}

/// Where one receiver's result is.
#[derive(Debug, Clone, Serialize)]
pub struct Delivered {
    /// Who received.
    pub receiver: MemberId,
    /// The manifest, as a URL.
    pub manifest: String,
}

/// The first rows of an aggregate, for the terminal of a runner who also receives. Empty otherwise.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Preview {
    /// Column names.
    pub columns: Vec<String>,
    /// Values as text.
    pub rows: Vec<Vec<String>>,
}

/// What a run gave.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// The run.
    pub run: RunId,
    /// The template.
    pub template: TemplateName,
    /// Its class.
    pub class: ResultClass,
    /// Always `succeeded`; anything else is an error.
    pub state: &'static str,
    /// Rows of the result.
    pub rows: u64,
    /// Groups (or audiences) withheld by a threshold; `None` where the platform doesn't say.
    pub withheld: Option<u64>,
    /// Rows read, by dataset.
    pub rows_read: BTreeMap<String, u64>,
    /// Where results are.
    pub results: Vec<Delivered>,
    /// The first rows, where the runner may see them.
    #[serde(skip)]
    pub preview: Preview,
}

/// How far a run is, between its request and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPhase {
    /// Its room reads and computes.
    Running(RunProgress),
    /// What came out is verified and written anew.
    Verifying,
    /// Files go to their receivers.
    Delivering,
}

/// Whoever is told how far a run is.
pub type Told<'a> = &'a mut (dyn FnMut(RunPhase) + Send);

/// Everything that is fixed before a run starts.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) collaboration: CollaborationId,
    pub(crate) run: RunId,
    pub(crate) room: PlatformId,
    pub(crate) by: MemberId,
    pub(crate) agreement: Arc<Agreement>,
    pub(crate) guarded: Arc<Guarded>,
    pub(crate) parameters: BTreeMap<ParameterName, Literal>,
    pub(crate) receivers: Vec<MemberId>,
    pub(crate) limits: RunLimits,
    /// Held while this process works on the run; another process of this gateway that gets it knows that this one died.
    claim: Claim,
    /// The same towards other gateways of the log.
    lease: RenewedLease,
}

/// Until when statements of a run that begin by then may go on at a platform, each no longer than the run may take, and none for more than
/// the week that is the longest of any platform.
pub(super) fn goes_on_until(at_ms: i64, limits: &RunLimits) -> i64 {
    const WEEK_MS: u64 = 7 * 24 * 3_600_000;
    const MARGIN_MS: i64 = 60_000;
    let each = i64::try_from(limits.duration_ms_max.min(WEEK_MS)).unwrap_or(i64::MAX);
    at_ms.saturating_add(each).saturating_add(MARGIN_MS)
}

impl App {
    /// Runs a template and delivers its result.
    ///
    /// # Errors
    /// `Refused` by a rule, `Cancelled`, or `Failed`; each is on the record, and nothing is delivered.
    pub async fn run(
        &self,
        request: RunRequest,
        cancel: &CancellationToken,
        told: Told<'_>,
    ) -> Result<RunReport> {
        self.recover(&request.collaboration).await?;
        let (started, _) = self.request_run(request, &Tied::default()).await?;
        self.finish_run(&started, (cancel, &cancelled), told).await
    }

    /// Carries out a run that was requested, to its end on record. Where it is stopped from here, `why` says what that was.
    ///
    /// # Errors
    /// Why there is no result; it is on the record, and nothing is delivered.
    pub(crate) async fn finish_run(
        &self,
        started: &Started,
        (cancel, why): (&CancellationToken, &(dyn Fn() -> Error + Sync)),
        told: Told<'_>,
    ) -> Result<RunReport> {
        let outcome = match self.landing(&started.run) {
            Ok(landing) => {
                let span = tracing::info_span!("run", room = %started.room, code = Empty);
                let work = self.carry_out(started, &landing, cancel, told);
                let outcome = work.instrument(span.clone()).await;
                if let Err(error) = &outcome {
                    span.record("code", error.code.as_str());
                }
                let _ = std::fs::remove_dir_all(&landing);
                let was_stopped = cancel.is_cancelled();
                outcome.map_err(|error| {
                    if was_stopped && error.kind == Kind::Cancelled { why() } else { error }
                })
            }
            Err(error) => Err(error),
        };
        let ended = match &outcome {
            Ok(_) => Ok(()),
            Err(error) => self.end(started, error).await,
        };
        let on_record =
            ended.is_ok() || ended.as_ref().is_err_and(|error| error.kind == Kind::Cancelled);
        // What could not be put on record, or is still in somebody's storage, is settled later, by whoever finds the claim's file.
        let Started { collaboration, run, room, by, limits, .. } = started;
        if outcome.is_ok() {
            self.home.goes_on_no_more(collaboration, run);
        } else if self.lingers(room) {
            // Of one that can't be kept the time that was kept when it began holds.
            let until = goes_on_until(self.clock.now_ms(), limits);
            let _kept = self.home.goes_on_until(collaboration, run, until);
        }
        if on_record && self.clear(room, (collaboration, run), by).await == Left::Nothing {
            started.claim.is_over();
        }
        started.lease.release().await;
        ended.and(outcome)
    }

    /// Puts the end of a run without a result on record, where nobody else did; what was being delivered is settled as far as it got.
    async fn end(&self, started: &Started, error: &Error) -> Result<()> {
        let Started { collaboration, run, .. } = started;
        let loaded = self.load(collaboration).await?;
        let Some(known) = loaded.state.runs().get(run) else { return Ok(()) };
        let Some(open) = known.open() else {
            // Its member, or another gateway, ended it.
            let was_cancelled = matches!(known.status, log::RunStatus::Cancelled(_));
            return if was_cancelled { Err(cancelled()) } else { Ok(()) };
        };
        if open.intended.is_some() {
            return self.settle(collaboration, run, code_of(error), None).await;
        }
        self.record(collaboration, end_of(run.clone(), error)).await?;
        Ok(())
    }

    /// Guards, binds and decides; the request is durable when this returns, and counts against the cap whatever follows.
    pub(crate) async fn request_run(
        &self,
        request: RunRequest,
        tied: &Tied,
    ) -> Result<(Started, Recorded)> {
        let RunRequest { collaboration, template, digest, room, by, parameters, run, salt, limits } =
            request;
        let key = members::signing_key(&self.home, &by)?;
        let loaded = self.load(&collaboration).await?;
        tied.looked.holds(&loaded.state, &self.marks)?;
        let agreement = Arc::new(standing(&loaded.state)?.clone());
        let guarded = Arc::new(agreements::guard_one(&agreement, &template)?);
        if digest.is_some_and(|digest| digest != guarded.digest) {
            return Err(template_changed(&template, "a run"));
        }
        self.room_holds(&agreement, &loaded.state, &room)?;
        let parameters = agreements::bind(&agreement, &template, &parameters)?;
        let run = run.map_or_else(|| self.new_run_id(), Ok)?;
        let (receivers, touched) = (receivers(&agreement, &template), touched(&guarded));
        let values = serde_json::json!(parameters);
        let salt = salt.map_or_else(self::salt, Ok)?;
        let commitment = log::commitment(&salt, &values);
        let at_ms = self.clock.now_ms();
        let agreed = agreement.digest();
        let asked = |state: &State| {
            state.may_run(&log::RunRequest {
                run: &run,
                agreement: agreed,
                template: &template,
                digest: guarded.digest,
                by: &by,
                receivers: &receivers,
                touched: &touched,
                at_ms,
            })?;
            let body = Body::RunRequested {
                run: run.clone(),
                agreement: agreed,
                template: template.clone(),
                digest: guarded.digest,
                text_digest: agreements::text_digest(&room, &agreement, &guarded)?,
                platform: room.clone(),
                by: by.clone(),
                receivers: receivers.clone(),
                parameters: commitment,
                touched: touched.clone(),
            };
            Ok::<_, Error>(vec![Entry::member(&by, &key, body)])
        };
        // What is refused claims nothing.
        asked(&loaded.state)?;
        let (claim, lease) = self.claim((&collaboration, &run), &room, (at_ms, &limits)).await?;
        self.home.keep_opening(&collaboration, &run, &salt, &values)?;
        let recorded = match self.decide_tied(&collaboration, tied, asked).await {
            Ok(recorded) if !recorded.repeated => recorded,
            decided => {
                let of = (&collaboration, &run);
                return Err(self.given_up(of, (&claim, &lease), decided.err()).await);
            }
        };
        let started = Started {
            collaboration,
            run,
            room,
            by,
            agreement,
            guarded,
            parameters,
            receivers,
            limits,
            claim,
            lease,
        };
        Ok((started, recorded))
    }

    /// A request that is not this process's to carry out. Of a store that failed nobody knows whether it is on record: it is settled as what it
    /// turns out to be.
    async fn given_up(
        &self,
        (collaboration, run): (&CollaborationId, &RunId),
        (claim, lease): (&Claim, &RenewedLease),
        error: Option<Error>,
    ) -> Error {
        lease.release().await;
        let refused = error.as_ref().is_some_and(|error| error.kind != Kind::Failed);
        if refused {
            self.home.forget_opening(collaboration, run);
            self.home.goes_on_no_more(collaboration, run);
        }
        if refused || error.is_none() {
            claim.is_over();
        }
        let message = "this run was requested before, under the same key";
        error.unwrap_or_else(|| Error::refused("run-id-used", message))
    }

    /// Refuses a room that may not run it as things are.
    fn room_holds(&self, agreement: &Agreement, state: &State, room: &PlatformId) -> Result<()> {
        self.rooms.holds(agreement, room)?;
        self.waived(agreement, state, room)?;
        self.places_hold(agreement)
    }

    /// Claims a run's id for this process; refused when it was requested before, or is being requested.
    async fn claim(
        &self,
        (collaboration, run): (&CollaborationId, &RunId),
        room: &PlatformId,
        (at_ms, limits): (i64, &RunLimits),
    ) -> Result<(Claim, RenewedLease)> {
        let used = |what: &str| {
            Error::refused("run-id-used", format!("run {run} {what}"))
                .help("another run id, or none")
        };
        let claim = self.home.claim(run)?.ok_or_else(|| used("is at work"))?;
        if self.load(collaboration).await?.state.runs().contains_key(run) {
            return Err(used("was requested before"));
        }
        let lease = self.lease(collaboration, run).await?;
        let lease = lease.ok_or_else(|| used("is at work in another gateway"))?;
        if self.lingers(room) {
            // Where this process is killed: its text may take as long as it may, and its unload begin only then.
            let until = goes_on_until(goes_on_until(at_ms, limits), limits);
            self.home.goes_on_until(collaboration, run, until)?;
        }
        Ok((claim, lease))
    }

    /// Places are looked at again: a link may lead elsewhere than when the agreement was recorded.
    fn places_hold(&self, agreement: &Agreement) -> Result<()> {
        agreements::places_apart(agreement)?;
        // What an operator wrote down holds for every run, whoever asked for it and however its agreement came here.
        House::of(&settings::http(&self.home)?).still_takes(agreement)?;
        wiring::room_key(&self.home, &agreement.collaboration)?;
        let home = wiring::location(&self.home.root().to_string_lossy())?;
        let inside = |place: &&String| crate::results::overlaps(&home, place);
        if agreement.destinations.values().any(|place| inside(&place)) {
            let message = "a destination and the gateway's own folder lie in each other";
            return Err(
                Error::refused("destination-is-home", message).help("a destination of its own")
            );
        }
        Ok(())
    }

    fn new_run_id(&self) -> Result<RunId> {
        let mut random = [0u8; 6];
        getrandom::fill(&mut random)
            .map_err(|_| Error::failed("random", "no randomness to be had"))?;
        let hex = random.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        RunId::new(&format!("run-{}-{hex}", self.clock.now_ms()))
            .map_err(|error| Error::failed("bug", error.to_string()))
    }

    fn landing(&self, run: &RunId) -> Result<PathBuf> {
        let folder = self.home.scratch().join(format!("landing-{run}"));
        std::fs::create_dir_all(&folder)
            .map_err(|error| Error::io("make the folder", &folder, &error))?;
        folder.canonicalize().map_err(|error| Error::io("find the folder", &folder, &error))
    }

    async fn carry_out(
        &self,
        started: &Started,
        landing: &Path,
        cancel: &CancellationToken,
        told: Told<'_>,
    ) -> Result<RunReport> {
        let loaded = self.load(&started.collaboration).await?;
        self.rooms.grant(started, &loaded.state).await?;
        let desired = desired_on(&started.agreement, &loaded.state, &started.room);
        let query = started.query(landing, desired.hidden)?;
        let query = self.watch(started, query, cancel, told);
        let output = query.instrument(tracing::info_span!("query")).await?;
        told(RunPhase::Verifying);
        let ready = delivery::stage(self, started, landing, &output).await?;
        self.intend(started, ready.intent(started)).await?;
        told(RunPhase::Delivering);
        let delivered = delivery::commit(self, started, &ready, cancel);
        let delivered = delivered.instrument(tracing::info_span!("deliver")).await?;
        self.record(&started.collaboration, ready.outcome(started)).await?;
        ready.report(started, output, delivered)
    }

    /// Puts the delivery on record, unless anything that the run rests on was withdrawn by then.
    async fn intend(&self, started: &Started, intent: Body) -> Result<()> {
        let entry = |state: &State| {
            state.may_deliver(&started.run)?;
            Ok::<_, Error>(vec![Entry::gateway(intent.clone())])
        };
        self.log.decide(&started.collaboration, entry).await?;
        Ok(())
    }

    /// Submits the run and waits for its end; whatever went wrong, nothing of it goes on.
    async fn watch(
        &self,
        started: &Started,
        query: ProtectedQuery,
        cancel: &CancellationToken,
        told: Told<'_>,
    ) -> Result<RunOutput> {
        let room = self.rooms.runs(&started.room)?;
        let ended = self.watched(started, query, cancel, told).await;
        if ended.is_err() {
            let _ended_already = room.cancel(&started.run, &Cx::default()).await;
        }
        ended
    }

    /// Looks at the log all the while.
    async fn watched(
        &self,
        started: &Started,
        query: ProtectedQuery,
        cancel: &CancellationToken,
        told: Told<'_>,
    ) -> Result<RunOutput> {
        let room = self.rooms.runs(&started.room)?;
        let cx = Cx { cancel: cancel.child_token(), ..Cx::default() };
        room.submit(&query, &cx).await?;
        let (mut stopped, mut looked) = (None, None::<std::time::Instant>);
        let mut watched = Watched::default();
        loop {
            if looked.is_none_or(|at| at.elapsed() >= room.patience()) {
                match room.status(&started.run, &cx).await? {
                    RunStatus::Succeeded(output) => return stopped.map_or(Ok(output), Err),
                    RunStatus::Failed(failure) => {
                        return Err(stopped.unwrap_or_else(|| failed(failure)));
                    }
                    RunStatus::Cancelled => return Err(stopped.unwrap_or_else(cancelled)),
                    RunStatus::Running(so_far) => told(RunPhase::Running(so_far)),
                    RunStatus::Cancelling => {}
                }
                looked = Some(std::time::Instant::now());
            }
            if stopped.is_none() {
                stopped = self.stop_reason(started, cancel, &mut watched).await?;
                if stopped.is_some() {
                    room.cancel(&started.run, &cx).await?;
                }
            }
            tokio::time::sleep(WATCH_EVERY).await;
        }
    }

    async fn stop_reason(
        &self,
        started: &Started,
        cancel: &CancellationToken,
        watched: &mut Watched,
    ) -> Result<Option<Error>> {
        if cancel.is_cancelled() {
            return Ok(Some(cancelled()));
        }
        if !self.grew(&started.collaboration, watched).await {
            return Ok(None);
        }
        Ok(self.may_deliver(started).await.err())
    }

    /// Stops an own run, on record: whoever works on it finds that there.
    pub(crate) async fn cancel_run(
        &self,
        (collaboration, run): (&CollaborationId, &RunId),
        member: &MemberId,
        tied: &Tied,
    ) -> Result<Recorded> {
        let key = members::signing_key(&self.home, member)?;
        let body = |_: &State| {
            let code = code_of(&cancelled());
            Ok(Body::RunCancelled { run: run.clone(), code })
        };
        let recorded = self.decide(collaboration, (member, &key), tied, body).await?;
        if !recorded.repeated {
            self.run_cancelled();
        }
        Ok(recorded)
    }

    /// Whether a collaboration's log had better be read again by whoever watches something in it.
    pub(crate) async fn grew(
        &self,
        collaboration: &CollaborationId,
        watched: &mut Watched,
    ) -> bool {
        self.watch.is_due((&*self.store, &self.home), collaboration, watched).await
    }

    /// Refuses once anything that the run rests on was withdrawn.
    pub(super) async fn may_deliver(&self, started: &Started) -> Result<()> {
        let loaded = self.load(&started.collaboration).await?;
        loaded.state.may_deliver(&started.run).map_err(Error::from)
    }
}

pub(super) fn template_changed(template: &TemplateName, what: &str) -> Error {
    let message = format!("{template} has another version than was looked at");
    Error::refused("template-changed", message)
        .help(format!("another look, and {what} of what it shows"))
}

fn receivers(agreement: &Agreement, template: &TemplateName) -> Vec<MemberId> {
    let template = agreement.templates.get(template);
    template.map(|one| one.received_by.iter().cloned().collect()).unwrap_or_default()
}

/// The datasets and columns that a text reads.
fn touched(guarded: &Guarded) -> Touched {
    let of = guarded.datasets.iter();
    of.map(|(name, used)| (name.clone(), used.columns.clone())).collect()
}

pub(super) fn salt() -> Result<[u8; 32]> {
    let mut salt = [0u8; 32];
    getrandom::fill(&mut salt).map_err(|_| Error::failed("random", "no randomness to be had"))?;
    Ok(salt)
}

impl Started {
    fn query(
        &self,
        landing: &Path,
        hidden: BTreeSet<(DatasetName, ColumnName)>,
    ) -> Result<ProtectedQuery> {
        let url = url::Url::from_directory_path(landing)
            .map_err(|()| Error::failed("bug", "the landing folder has no absolute path"))?;
        Ok(ProtectedQuery {
            run: self.run.clone(),
            by: self.by.clone(),
            receivers: self.receivers.clone(),
            agreement: Arc::clone(&self.agreement),
            hidden,
            guarded: Arc::clone(&self.guarded),
            parameters: self.parameters.clone(),
            landing: Landing { url },
            limits: self.limits,
            base: None,
        })
    }
}

/// The end of a run without a result, as it is recorded.
fn end_of(run: RunId, error: &Error) -> Body {
    let code = code_of(error);
    match error.kind {
        Kind::Refused | Kind::Cancelled => Body::RunCancelled { run, code },
        Kind::Failed | Kind::Invalid => Body::RunFailed { run, code, delivered: BTreeMap::new() },
    }
}

fn code_of(error: &Error) -> Code {
    Code::new(&error.code).unwrap_or_else(|_| Code::interrupted())
}

pub(super) fn cancelled() -> Error {
    Error::new(Kind::Cancelled, "cancelled", "the run was cancelled; nothing of it is left")
}

fn failed(failure: Failure) -> Error {
    Error::failed(&failure.code, failure.reason)
}
