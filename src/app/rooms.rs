//! Rooms on platforms: what would be done there, done with an intent on record before each call and its outcome after, and
//! closed when something is withdrawn. Knows no platform by name.

use super::waivers::{Loss, losses, unwaived};
use super::{App, known};
use crate::error::{Error, Problem, Result};
use crate::log::{Body, Code, Effect, Entry, Outcome, State};
use crate::wiring;
use adapter_spi::{
    Adapter, AdapterError, Applied, Cx, Desired, NeedsCounterparty, Observation, Plan, Retry,
    Scope, Step,
};
use mappings::model::{CollaborationId, Digest, MemberId, PlatformId};
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
}

impl App {
    /// What it would take to make a room as agreed. Writes nothing.
    pub async fn plan_room(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
    ) -> Result<RoomPlan> {
        let look = self.look(collaboration, room).await?;
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
        let known = self.home.size(collaboration)?;
        Self::granting(known, &self.load(collaboration).await?.state)?;
        let report = self.passes(collaboration, room, |_| true).await?;
        let look = self.look(collaboration, room).await?;
        match unwaived(&look.losses, room, collaboration) {
            Some(error) => Err(error),
            None => Ok(report),
        }
    }

    /// Takes away on every platform what is not desired any more, and stops what still runs on it. The rooms that are not
    /// seen closed are named in the error; the withdrawal itself stands.
    pub async fn close(&self, collaboration: &CollaborationId) -> Result<Vec<RoomReport>> {
        let state = self.load(collaboration).await?.state;
        let agreement = known(&state)?;
        let (mut closed, mut problems) = (Vec::new(), Vec::new());
        for room in agreement.rooms.iter().filter(|room| self.rooms.is_foreign(&room.platform)) {
            let less = |effect| effect <= adapter_spi::Effect::Restrict;
            let close = self.passes(collaboration, &room.platform, less);
            match tokio::time::timeout(CLOSE_MAX, close).await {
                Ok(Ok(report)) => closed.push(report),
                Ok(Err(error)) => problems.push(Problem {
                    code: error.code,
                    at: room.platform.to_string(),
                    message: error.message,
                    help: error.help,
                }),
                Err(_) => problems.push(Problem {
                    code: "no-answer-in-time".to_owned(),
                    at: room.platform.to_string(),
                    message: "the platform did not answer in time".to_owned(),
                    help: String::new(),
                }),
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

    async fn look(&self, collaboration: &CollaborationId, room: &PlatformId) -> Result<Look> {
        let state = self.load(collaboration).await?.state;
        let agreement = Arc::new(known(&state)?.clone());
        self.rooms.holds(&agreement, room)?;
        let scope = Scope::of(&agreement);
        let adapter = self.rooms.adapter(room)?;
        let assessed = adapter.assess(&agreement);
        let losses = losses(&agreement, &assessed, &state);
        let desired = match unwaived(&losses, room, collaboration) {
            Some(_) => Desired::closed(Arc::clone(&agreement)),
            None => wiring::desired(&agreement, &state),
        };
        let seen = adapter.observe(&scope, &Cx::default()).await?;
        let plan = adapter
            .plan(&desired, &seen)
            .map_err(|refused| Error::refused(&refused.code, refused.message))?;
        let exact = assessed.verdicts.len() - losses.len();
        Ok(Look { scope, desired, seen, plan, losses, exact })
    }

    /// Passes over steps of these effects. Access is only given on a log that is whole.
    async fn passes(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
        takes: impl Fn(adapter_spi::Effect) -> bool,
    ) -> Result<RoomReport> {
        let adapter = self.rooms.adapter(room)?;
        let (mut done, mut passes, mut looks) = (0, 0, 0);
        let mut last: Vec<Digest> = Vec::new();
        while passes < PASSES_MAX && looks < LOOKS_MAX {
            let look = self.look(collaboration, room).await?;
            let steps: Vec<&Step> =
                look.plan.steps.iter().filter(|step| takes(step.effect)).collect();
            let ids: Vec<Digest> = steps.iter().map(|step| step.id).collect();
            let late =
                !is_closed(&look) || (look.plan.pending && takes(adapter_spi::Effect::Grant));
            if (steps.is_empty() && late) || (!steps.is_empty() && ids == last) {
                looks += 1;
                last.clear();
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            (last, passes) = (ids, passes + 1);
            if steps.is_empty() {
                if let Some(runs) = adapter.runs_queries() {
                    runs.stop(&look.desired, &look.scope, &Cx::default()).await?;
                }
                let (room, open) = (room.clone(), open(&look.seen));
                return Ok(RoomReport { room, steps: done, open, waiting: look.plan.waiting });
            }
            for step in steps {
                match self.act(collaboration, adapter, step).await {
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
    ) -> Result<Applied, AdapterError> {
        let denies = step.effect <= adapter_spi::Effect::Restrict;
        let name = match self.intend_effect(collaboration, adapter.platform(), step).await {
            Ok(name) => Some(name),
            Err(error) if denies => {
                tracing::warn!(code = error.code, "a withdrawal goes on without its record");
                None
            }
            Err(_) => return Err(unrecorded(adapter)),
        };
        let applied = retried(adapter, step).await;
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

    /// Puts the intent on record under a name that no other step has.
    async fn intend_effect(
        &self,
        collaboration: &CollaborationId,
        platform: &PlatformId,
        step: &Step,
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
        let known = self.home.size(collaboration)?;
        let name = std::sync::Mutex::new(None);
        let entry = |state: &State| {
            if effect == Effect::Grant {
                Self::granting(known, state)?;
            }
            let step = named(state.size())?;
            *name.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(step.clone());
            let platform = platform.clone();
            Ok::<_, Error>(vec![Entry::gateway(Body::EffectIntended { step, platform, effect })])
        };
        let receipt = self.log.decide(collaboration, entry).await?;
        self.remembered(collaboration, receipt, false);
        let name = name.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        name.ok_or_else(|| Error::failed("bug", "a recorded step has no name"))
    }
}

/// Whether partners see nothing open that is not desired.
fn is_closed(look: &Look) -> bool {
    let desired = look.desired.resources();
    let wanted = |kind| desired.iter().any(|resource| resource.kind == kind);
    look.seen.resources.iter().all(|resource| wanted(resource.kind.clone()))
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
