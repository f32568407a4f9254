//! Rooms on platforms: what would be done there, done with an intent on record before each call and its outcome after, and
//! closed when something is withdrawn. Knows no platform by name.

use super::waivers::{Loss, losses, unwaived};
use super::{App, known};
use crate::error::{Error, Problem, Result};
use crate::log::{Body, Code, Effect, Entry, Outcome, State};
use crate::wiring;
use adapter_spi::{
    Adapter, AdapterError, Applied, Coverage, Cx, Desired, NeedsCounterparty, Observation, Plan,
    ResourceKind, Retry, Scope, Step,
};
use mappings::guard::guard;
use mappings::model::{CollaborationId, ColumnName, Digest, MemberId, PlatformId, TemplateName};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// More passes than any agreement needs; each ends with a new look.
const PASSES_MAX: usize = 40;
/// What was done may show itself late: looks that see nothing new, and the time between them.
const LOOKS_MAX: usize = 60;
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Tries of one call that may be tried again.
const TRIES_MAX: u32 = 6;
/// Looks at a room of which somebody's part can't be seen, before that is said.
const BLIND_MAX: usize = 3;
/// Closing is given up after this long, and said to be open.
const CLOSE_MAX: Duration = Duration::from_mins(5);

/// One step, for people.
#[derive(Debug, Clone, Serialize)]
pub struct StepLine {
    /// What it does to access.
    pub effect: adapter_spi::Effect,
    /// What it changes.
    pub what: String,
    /// The native call.
    pub call: String,
}

/// A room as it is, and what it takes to make it as agreed.
#[derive(Debug, Clone, Serialize)]
pub struct RoomPlan {
    /// Which room.
    pub room: PlatformId,
    /// What runs can use there now.
    pub open: Vec<String>,
    /// What can be done now; what needs it first comes after.
    pub steps: Vec<StepLine>,
    /// What others have to do.
    pub waiting: Vec<NeedsCounterparty>,
    /// Whether something was done that doesn't show itself yet.
    pub pending: bool,
    /// What it does not hold exactly as agreed, and who closes or waived that.
    pub losses: Vec<Loss>,
    /// Terms held exactly as agreed.
    pub exact: usize,
}

/// What was done to a room.
#[derive(Debug, Clone, Serialize)]
pub struct RoomReport {
    /// Which room.
    pub room: PlatformId,
    /// Steps done.
    pub steps: usize,
    /// What runs can use there now, as partners see it.
    pub open: Vec<String>,
    /// What others have to do before the rest can be done.
    pub waiting: Vec<NeedsCounterparty>,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportForm {
    /// A shell script of AWS CLI commands.
    Cli,
    /// A `CloudFormation` template in JSON.
    Cloudformation,
    /// Terraform (provider awscc) in JSON.
    Terraform,
}

/// One permission that was tried.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectionLine {
    /// Which room.
    pub room: String,
    /// Whose connection.
    pub member: MemberId,
    /// The permission, in the platform's words.
    pub permission: String,
    /// Why it does not work: code and reason.
    pub error: Option<String>,
}

impl ConnectionLine {
    /// What is wrong, where something is.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let message = self.error.clone()?;
        let code = message.split(':').next().unwrap_or_default().to_owned();
        let at = format!("{}, {}: {}", self.room, self.member, self.permission);
        Some(Problem { code, at, message, help: format!("leave for {}", self.permission) })
    }
}

/// An agreement's room, looked at.
struct Look {
    scope: Scope,
    desired: Desired,
    seen: Observation,
    plan: Plan,
    losses: Vec<Loss>,
    exact: usize,
    /// The newest decision that it rests on.
    decided: u64,
}

impl App {
    /// What it would take to make a room as agreed. Writes nothing.
    pub async fn plan_room(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
    ) -> Result<RoomPlan> {
        let look = self.look(collaboration, room).await?;
        if let Some(refused) = look.plan.refused.filter(|_| look.plan.steps.is_empty()) {
            return Err(Error::refused(&refused.code, refused.message));
        }
        Ok(RoomPlan {
            room: room.clone(),
            open: open(&look.seen),
            steps: look.plan.steps.iter().map(line).collect(),
            waiting: look.plan.waiting,
            pending: look.plan.pending,
            losses: look.losses,
            exact: look.exact,
        })
    }

    /// Makes a room as agreed, as far as this gateway can: passes of look, plan and act until nothing is left to do. A room
    /// that would hold something more loosely is closed instead, until its owners waive that.
    pub async fn apply_room(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
    ) -> Result<RoomReport> {
        self.load(collaboration).await?;
        let report = self.passes(collaboration, room, |_| true).await?;
        let state = self.load(collaboration).await?.state;
        self.waived(known(&state)?, &state, room)?;
        Ok(report)
    }

    /// Takes away on every platform what is not desired any more, all of them at once, and stops what still runs there: in
    /// every room that ever was in force, since a later version may have dropped one. The rooms that are not seen closed are
    /// named in the error; the withdrawal itself stands.
    pub async fn close(&self, collaboration: &CollaborationId) -> Result<Vec<RoomReport>> {
        let state = match self.load_denying(collaboration).await {
            Ok(loaded) => loaded.state,
            // The native room denies what it can't look up, and there is no other.
            Err(_) if !self.rooms.reach_a_platform() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let foreign = state.rooms().keys().filter(|room| **room != PlatformId::native());
        let closings = foreign.map(|room| self.close_room(collaboration, room, &state));
        let (mut closed, mut problems) = (Vec::new(), Vec::new());
        for ended in futures::future::join_all(closings).await {
            match ended {
                Ok(report) => closed.extend(report),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            return Ok(closed);
        }
        let help = format!("airlock apply {collaboration} --room ROOM, until it says so");
        Err(Error::failed("room-not-closed", "withdrawn on record, and not seen closed everywhere")
            .help(help)
            .problems(problems))
    }

    /// `None` of a room that this gateway never reached and never changed.
    async fn close_room(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
        state: &State,
    ) -> std::result::Result<Option<RoomReport>, Problem> {
        let problem = |code: &str, message: &str, help: &str| Problem {
            code: code.to_owned(),
            at: room.to_string(),
            message: message.to_owned(),
            help: help.to_owned(),
        };
        if self.rooms.adapter(room).is_err() {
            if !state.effects().values().any(|effect| effect.platform == *room) {
                return Ok(None);
            }
            let message = "this gateway changed it once and has no connection to it now";
            return Err(problem("room-unreached", message, "its section in connections.toml"));
        }
        let less = |effect| effect <= adapter_spi::Effect::Restrict;
        let close = Box::pin(self.passes(collaboration, room, less));
        match tokio::time::timeout(CLOSE_MAX, close).await {
            Ok(Ok(report)) => Ok(Some(report)),
            Ok(Err(error)) => Err(problem(&error.code, &error.message, &error.help)),
            Err(_) => Err(problem("no-answer-in-time", "the platform did not answer in time", "")),
        }
    }

    /// Tries the connections of every operated member of a collaboration.
    pub async fn test_connections(
        &self,
        collaboration: &CollaborationId,
    ) -> Result<Vec<ConnectionLine>> {
        let state = self.load(collaboration).await?.state;
        self.rooms.test(known(&state)?).await
    }

    /// A member's part of a room as a document.
    pub async fn export_room(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
        member: &MemberId,
        form: ExportForm,
    ) -> Result<String> {
        let state = self.load(collaboration).await?.state;
        let agreement = Arc::new(known(&state)?.clone());
        if !agreement.members.contains_key(member) {
            let message = format!("{member} is no member of this agreement");
            return Err(Error::refused("not-a-member", message));
        }
        self.rooms.export(&wiring::desired(&agreement, &state), room, member, form)
    }

    /// What is desired of a room: what the agreement says less what was withdrawn; nothing where withdrawals may be missing,
    /// of a room that the newest agreement dropped, or of one that would hold something more loosely without a waiver.
    async fn look(&self, collaboration: &CollaborationId, room: &PlatformId) -> Result<Look> {
        let loaded = self.load_denying(collaboration).await?;
        let (may_lack, state) = (loaded.may_lack(), loaded.state);
        let newest = known(&state)?;
        let named = newest.rooms.iter().any(|held| held.platform == *room);
        let agreement = match state.rooms().get(room).filter(|_| !named) {
            Some(last) => Arc::clone(last),
            None => Arc::new(newest.clone()),
        };
        self.rooms.holds(&agreement, room)?;
        let scope = Scope::of(&agreement);
        let adapter = self.rooms.adapter(room)?;
        let assessed = adapter.assess(&agreement);
        let losses = losses(&agreement, &assessed, &state);
        let desired = match unwaived(&losses, room, collaboration) {
            None if named && !may_lack => wiring::desired(&agreement, &state),
            Some(_) | None => Desired::closed(Arc::clone(&agreement)),
        };
        let seen = adapter.observe(&scope, &Cx::default()).await?;
        let plan = adapter
            .plan(&desired, &seen)
            .map_err(|refused| Error::refused(&refused.code, refused.message))?;
        let exact = assessed.verdicts.len() - losses.len();
        Ok(Look { scope, desired, seen, plan, losses, exact, decided: state.decided() })
    }

    /// Passes over steps of these effects. Access is only given on a log that is whole.
    async fn passes(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
        takes: impl Fn(adapter_spi::Effect) -> bool,
    ) -> Result<RoomReport> {
        let adapter = self.rooms.adapter(room)?;
        let (mut done, mut passes, mut looks, mut blind) = (0, 0, 0, 0);
        let mut last: Vec<Digest> = Vec::new();
        while passes < PASSES_MAX && looks < LOOKS_MAX {
            let look = self.look(collaboration, room).await?;
            let steps: Vec<&Step> =
                look.plan.steps.iter().filter(|step| takes(step.effect)).collect();
            // Where something is taken away, what runs without leave ends first: steps may take their time.
            let ends = steps.is_empty() || !takes(adapter_spi::Effect::Grant);
            let stopped = if ends { stop(adapter, &look).await } else { Ok(()) };
            let ids: Vec<Digest> = steps.iter().map(|step| step.id).collect();
            let late =
                !is_closed(&look) || (look.plan.pending && takes(adapter_spi::Effect::Grant));
            if steps.is_empty() && look.seen.coverage == Coverage::Partial {
                blind += 1;
                if blind == BLIND_MAX {
                    return Err(unseen(room, &look));
                }
            }
            let unsure = late || look.seen.coverage == Coverage::Partial;
            if (steps.is_empty() && unsure) || (!steps.is_empty() && ids == last) {
                looks += 1;
                last.clear();
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            (last, passes) = (ids, passes + 1);
            if steps.is_empty() {
                stopped?;
                if let Some(refused) =
                    look.plan.refused.filter(|_| takes(adapter_spi::Effect::Grant))
                {
                    return Err(Error::refused(&refused.code, refused.message));
                }
                let (room, open) = (room.clone(), open(&look.seen));
                return Ok(RoomReport { room, steps: done, open, waiting: look.plan.waiting });
            }
            for step in steps {
                match self.act(collaboration, adapter, step, look.decided).await {
                    Ok(_) => done += 1,
                    // The world moved: look again.
                    Err(error) if error.retry == Retry::NextCycle => break,
                    Err(error) => return Err(undone(step, error)),
                }
            }
        }
        Err(Error::failed("room-unsettled", "the room did not settle on what was agreed"))
    }

    /// One call: its intent durable before, its outcome after. Taking away goes on when nothing can be recorded.
    async fn act(
        &self,
        collaboration: &CollaborationId,
        adapter: &dyn Adapter,
        step: &Step,
        decided: u64,
    ) -> Result<Applied, AdapterError> {
        let denies = step.effect <= adapter_spi::Effect::Restrict;
        let intent = self.intend_effect(collaboration, adapter.platform(), step, decided).await;
        let name = match intent {
            Ok(name) => Some(name),
            Err(error) if denies => {
                tracing::warn!(code = error.code, "a withdrawal goes on without its record");
                None
            }
            Err(error) if error.code == "plan-stale" => return Err(stale(adapter)),
            Err(_) => return Err(unrecorded(adapter)),
        };
        let applied = if denies { retried(adapter, step).await } else { once(adapter, step).await };
        if let Some(name) = name {
            let outcome = match &applied {
                Ok(_) => Outcome::Applied,
                Err(error) => match error.outcome {
                    adapter_spi::Outcome::NotApplied => Outcome::NotApplied,
                    adapter_spi::Outcome::Applied => Outcome::Applied,
                    adapter_spi::Outcome::Unknown => Outcome::Unknown,
                },
            };
            let body = Body::EffectOutcome { step: name, outcome };
            if self.record(collaboration, body).await.is_err() && !denies {
                return Err(unrecorded(adapter));
            }
        }
        applied
    }

    /// Puts the intent on record under a name that no other step has. Nothing is given on a plan that is older than a decision.
    async fn intend_effect(
        &self,
        collaboration: &CollaborationId,
        platform: &PlatformId,
        step: &Step,
        decided: u64,
    ) -> Result<Code> {
        let named = |size: u64| {
            Code::new(&format!("step-{}-{size}", step.id.short()))
                .map_err(|reason| Error::failed("bug", reason))
        };
        let effect = match step.effect {
            adapter_spi::Effect::Revoke => Effect::Revoke,
            adapter_spi::Effect::Restrict => Effect::Restrict,
            adapter_spi::Effect::Neutral => Effect::Neutral,
            adapter_spi::Effect::Grant => Effect::Grant,
        };
        let name = std::sync::Mutex::new(None);
        let entry = |state: &State| {
            if effect > Effect::Restrict && state.decided() != decided {
                return Err(Error::failed("plan-stale", "something was decided since"));
            }
            let step = named(state.size())?;
            *name.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(step.clone());
            let platform = platform.clone();
            Ok::<_, Error>(vec![Entry::gateway(Body::EffectIntended {
                step,
                platform,
                effect,
                of: Vec::new(),
                basis: None,
            })])
        };
        self.log.decide(collaboration, entry).await?;
        let name = name.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        name.ok_or_else(|| Error::failed("bug", "a recorded step has no name"))
    }
}

/// Whether partners see nothing open that is not desired.
fn is_closed(look: &Look) -> bool {
    look.seen.resources.iter().all(|resource| match &resource.kind {
        ResourceKind::Dataset(name) => look.desired.offers(name),
        ResourceKind::Template(name) => may_stand(&look.desired, name),
        ResourceKind::Member(_) | ResourceKind::Approval(..) | ResourceKind::Native(_) => true,
    })
}

/// Whether a template may be open: approved by every owner that it touches, reading nothing that was withdrawn, for parties
/// who are there.
fn may_stand(desired: &Desired, name: &TemplateName) -> bool {
    let agreement = &desired.agreement;
    let (Some(approved), Some(template), Ok(guarded)) =
        (desired.approvals.get(name), agreement.templates.get(name), guard(agreement, name))
    else {
        return false;
    };
    let mut reads = guarded.datasets.iter();
    let whole = reads.all(|(dataset, used)| {
        let hidden =
            |column: &ColumnName| desired.hidden.contains(&(dataset.clone(), column.clone()));
        desired.offers(dataset)
            && approved.contains(&used.owner)
            && !used.columns.iter().any(hidden)
    });
    whole
        && template.received_by.is_subset(&desired.members)
        && !template.run_by.is_disjoint(&desired.members)
}

async fn stop(adapter: &dyn Adapter, look: &Look) -> Result<(), AdapterError> {
    match adapter.runs_queries() {
        Some(runs) => runs.stop(&look.desired, &look.scope, &Cx::default()).await.map(drop),
        None => Ok(()),
    }
}

/// Nothing is left to do in what was seen, but somebody's part was not.
fn unseen(room: &PlatformId, look: &Look) -> Error {
    let problems = look.seen.unseen.iter().map(|(member, code)| Problem {
        code: code.clone(),
        at: format!("{room}, {member}"),
        message: format!("what {member} has there could not be looked at"),
        help: "airlock connections test COLLABORATION".to_owned(),
    });
    Error::failed(
        "room-unseen",
        format!("{room} was not seen whole; what is open there is unknown"),
    )
    .problems(problems.collect())
}

/// A call that gives is made once for a plan: when the platform asks for time, the next look decides whether it is made still.
async fn once(adapter: &dyn Adapter, step: &Step) -> Result<Applied, AdapterError> {
    let answer = adapter.apply(step, &Cx::default()).await;
    let Err(AdapterError { retry: Retry::AfterMs(wait), .. }) = &answer else { return answer };
    tokio::time::sleep(Duration::from_millis(*wait)).await;
    answer.map_err(|error| AdapterError { retry: Retry::NextCycle, ..error })
}

/// A call again while the platform asks for time.
async fn retried(adapter: &dyn Adapter, step: &Step) -> Result<Applied, AdapterError> {
    let mut tries = 0;
    loop {
        match adapter.apply(step, &Cx::default()).await {
            Err(AdapterError { retry: Retry::AfterMs(wait), .. }) if tries < TRIES_MAX => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
            answer => return answer,
        }
    }
}

fn unrecorded(adapter: &dyn Adapter) -> AdapterError {
    AdapterError {
        kind: adapter_spi::ErrorKind::Unavailable,
        code: "not-recorded",
        outcome: adapter_spi::Outcome::NotApplied,
        retry: Retry::Never,
        platform: adapter.platform().clone(),
        operation: "record",
        reason: "the log could not be written, so nothing was done".to_owned(),
    }
}

fn stale(adapter: &dyn Adapter) -> AdapterError {
    AdapterError {
        kind: adapter_spi::ErrorKind::StaleVersion,
        code: "plan-stale",
        retry: Retry::NextCycle,
        reason: "something was decided since it was planned".to_owned(),
        ..unrecorded(adapter)
    }
}

/// Why a step was not done, with the call and whose account it was for.
fn undone(step: &Step, error: AdapterError) -> Error {
    let (StepLine { what, call, .. }, error) = (line(step), Error::from(error));
    let (code, message) = (error.code.clone(), format!("{call} was not done"));
    error.problems(vec![Problem { code, at: what, message, help: String::new() }])
}

fn open(seen: &Observation) -> Vec<String> {
    seen.resources.iter().map(|resource| resource.kind.to_string()).collect()
}

fn line(step: &Step) -> StepLine {
    let call = step.call.get("operation").and_then(serde_json::Value::as_str).unwrap_or_default();
    StepLine { effect: step.effect, what: step.resource.kind.to_string(), call: call.to_owned() }
}
