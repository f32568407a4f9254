//! Rooms on platforms, on somebody's word: what would be done there, done, and closed. The passes are `reconcile`'s; here is how
//! often, for how long, and what is said. Knows no platform by name.

use super::pace::Paced;
use super::sync::{beside, problems};
use super::{App, known};
use crate::error::{Error, Problem, Result};
use crate::home::KeptLook;
use crate::log::State;
use crate::reconcile::{
    Drift, DriftClass, End, Loss, Memory, Report, Turn, Wait, Waiting, pass, said,
};
use crate::store::Fence;
use adapter_spi::{Behaviour, Capabilities, Cx, Lag, NeedsCounterparty, Standing};
use mappings::model::{CollaborationId, MemberId, PlatformId};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// More passes than any agreement needs; each ends with a new look.
const PASSES_MAX: usize = 200;
/// Between passes that found nothing to do yet.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So many looks in a row may find nothing to do, and nothing settled, where no answer is old.
const LOOKS_MAX: usize = 60;
/// Tries of calls that the platform asks time for.
const TRIES_MAX: usize = 6;
/// Looks at a room of which somebody's part can't be seen, before that is said.
pub(super) const BLIND_MAX: usize = 3;
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
    /// What it waits for, if it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// In whose account, of the platform's own things.
    #[serde(skip)]
    pub member: Option<MemberId>,
    /// What it waits for, by code.
    #[serde(skip)]
    pub waits: Option<&'static str>,
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
    /// What was withdrawn and not seen closed there yet.
    pub closing: Vec<String>,
    /// What went wrong: whose part was not seen, or that its log can't be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// How what was seen differs from what is wanted.
    pub drift: Vec<Drift>,
    /// What it does not hold exactly as agreed, and who closes or waived that.
    pub losses: Vec<Loss>,
    /// Terms held exactly as agreed.
    pub exact: usize,
    /// What it counts on of the platform that nobody saw there.
    pub unverified: Vec<Behaviour>,
    /// The problems by code, and whose part each is about.
    #[serde(skip)]
    pub troubles: Vec<(Option<MemberId>, String)>,
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
    /// How what was seen differs from what is wanted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
}

impl RoomReport {
    pub(super) fn of(room: &PlatformId, report: Report) -> Self {
        let Report { steps, open, needs: waiting, drift, .. } = report;
        Self { room: room.clone(), steps, open, waiting, drift }
    }
}

/// What became of closing every room.
#[derive(Debug, Clone, Default)]
pub struct Closed {
    /// The rooms that were closed, as they were left.
    pub rooms: Vec<RoomReport>,
    /// The rooms that were not seen closed, and why.
    pub problems: Vec<Problem>,
}

/// What passes are made for.
#[derive(Debug, Clone, Copy)]
enum For<'a> {
    /// To take away.
    Closing,
    /// To hold what is agreed, under the lease.
    Holding(&'a Fence),
}

fn unverified(of: &Capabilities) -> Vec<Behaviour> {
    let unseen = of.behaviours.iter().filter(|one| one.standing == Standing::Unverified);
    unseen.cloned().collect()
}

impl App {
    /// What it would take to make a room as agreed. Writes nothing.
    pub async fn plan_room(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
    ) -> Result<RoomPlan> {
        self.planned(collaboration, room, Cx::default()).await
    }

    /// The same for whoever asks from outside: its calls take their turns among the worker's, and nothing of what is kept for closing.
    pub(super) async fn plan_room_in_turn(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
    ) -> Result<RoomPlan> {
        let pace = Paced {
            budgets: Arc::clone(&self.budgets),
            platform: room.clone(),
            urgent: false,
            clock: Arc::clone(&self.clock),
            used: Arc::default(),
        };
        let cx = Cx { pace: Some(Arc::new(pace)), ..Cx::default() };
        self.planned(collaboration, room, cx).await
    }

    /// Refuses a room that is none of the agreement's and never was.
    pub(super) fn is_room(&self, state: &State, room: &PlatformId) -> Result<()> {
        let newest = known(state)?;
        let last = state.rooms().get(room).filter(|_| !newest.is_held_in(room));
        self.rooms.holds(last.map_or(newest, |last| last), room)
    }

    async fn planned(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
        cx: Cx,
    ) -> Result<RoomPlan> {
        let state = self.load_denying(collaboration).await?.state;
        self.is_room(&state, room)?;
        let turn = Turn { looks_only: true, cx, ..self.turn(collaboration, room, None)? };
        let report = pass(&turn, &mut Memory::default()).await;
        match report.end {
            End::Refused { code, message } if report.plan.is_empty() => {
                return Err(Error::refused(&code, message));
            }
            End::Failed { code, .. } => return Err(failed(code, room)),
            End::Settled | End::Waiting | End::Again | End::Refused { .. } | End::Undone { .. } => {
            }
        }
        let why = |step: &Waiting| {
            let same = |other: &&Waiting| (&other.what, &other.call) == (&step.what, &step.call);
            report.waits.iter().find(same).map(|waits| &waits.why)
        };
        let line = |step: &Waiting| StepLine {
            effect: step.effect,
            what: step.what.clone(),
            call: step.call.clone(),
            waits_for: why(step).map(ToString::to_string),
            member: step.member.clone(),
            waits: why(step).map(Wait::code),
        };
        let unseen =
            report.unseen.iter().map(|(member, code)| (Some(member.clone()), code.clone()));
        let others = beside(room, &report).into_iter().map(|one| (None, one.code));
        let still = state.awaited(room).map(|(index, closure)| {
            let what: Vec<_> = closure.what.iter().map(said).collect();
            let what = if what.is_empty() { "all of it".to_owned() } else { what.join(", ") };
            format!("{what}, leaf {index}")
        });
        Ok(RoomPlan {
            room: room.clone(),
            closing: still.collect(),
            problems: problems(room, &report),
            troubles: unseen.chain(others).collect(),
            steps: report.plan.iter().map(line).collect(),
            open: report.open,
            waiting: report.needs,
            pending: report.pending,
            drift: report.drift,
            losses: report.losses,
            exact: report.exact,
            unverified: unverified(self.rooms.adapter(room)?.capabilities()),
        })
    }

    /// The same of every room but the native one, which holds what the log says; and why of some nothing can be said.
    pub async fn plan_rooms(
        &self,
        collaboration: &CollaborationId,
    ) -> Result<(Vec<RoomPlan>, Vec<(PlatformId, Error)>)> {
        let state = self.load_denying(collaboration).await?.state;
        let mut rooms: Vec<PlatformId> = state.rooms().keys().cloned().collect();
        let newest = known(&state)?.rooms.iter().map(|room| room.platform.clone());
        rooms.extend(newest.filter(|room| !state.rooms().contains_key(room)));
        rooms.retain(|room| *room != PlatformId::native());
        let (mut plans, mut failed) = (Vec::new(), Vec::new());
        for room in rooms {
            match self.plan_room(collaboration, &room).await {
                Ok(plan) => plans.push(plan),
                Err(error) => failed.push((room, error)),
            }
        }
        Ok((plans, failed))
    }

    /// Makes a room as agreed, as far as this gateway can: passes until nothing is left to do. A room that would hold something
    /// more loosely is closed instead, until its owners waive that.
    pub async fn apply_room(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
    ) -> Result<RoomReport> {
        let state = self.load(collaboration).await?.state;
        self.rooms.holds(known(&state)?, room)?;
        let report = match self.hold(collaboration).await? {
            Some(held) => {
                let fence = held.fence(collaboration);
                let passes = async {
                    match &fence {
                        Some(fence) => self.passes(collaboration, room, For::Holding(fence)).await,
                        None => self.looked_on(collaboration, room).await,
                    }
                };
                self.under(held, Box::pin(passes)).await?
            }
            None => self.looked_on(collaboration, room).await?,
        };
        let state = self.load(collaboration).await?.state;
        self.waived(known(&state)?, &state, room)?;
        Ok(report)
    }

    /// Looks on while a worker has the lease, and does it.
    async fn looked_on(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
    ) -> Result<RoomReport> {
        for _ in 0..LOOKS_MAX {
            let plan = self.plan_room(collaboration, room).await?;
            if !plan.pending && plan.steps.iter().all(|step| step.waits_for.is_some()) {
                let RoomPlan { room, open, waiting, drift, .. } = plan;
                return Ok(RoomReport { room, steps: 0, open, waiting, drift });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let message = "the worker that has the lease on it did not settle it within a minute";
        Err(Error::failed("room-unsettled", message).help("airlock plan COLLABORATION --room ROOM"))
    }

    /// Takes away on every platform what is not desired any more, all of them at once, and stops what still runs there: in
    /// every room that ever was in force, since a later version may have dropped one. An error says that nothing is known of
    /// the log; the withdrawal itself stands.
    pub async fn close(&self, collaboration: &CollaborationId) -> Result<Closed> {
        let state = match self.load_denying(collaboration).await {
            Ok(loaded) => loaded.state,
            // The native room denies what it can't look up, and there is no other.
            Err(_) if !self.rooms.reach_a_platform() => return Ok(Closed::default()),
            Err(error) => return Err(error),
        };
        let foreign = state.rooms().keys().filter(|room| **room != PlatformId::native());
        let closings = foreign.map(|room| self.close_room(collaboration, room, &state));
        let mut closed = Closed::default();
        for ended in futures::future::join_all(closings).await {
            match ended {
                Ok(report) => closed.rooms.extend(report),
                Err(problem) => closed.problems.push(problem),
            }
        }
        Ok(closed)
    }

    /// `None` of a room that this gateway never reached and never changed.
    async fn close_room(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
        state: &State,
    ) -> Result<Option<RoomReport>, Problem> {
        if self.rooms.adapter(room).is_err() {
            return unreached(room, state).map_or(Ok(None), Err);
        }
        let close = Box::pin(self.passes(collaboration, room, For::Closing));
        match tokio::time::timeout(CLOSE_MAX, close).await {
            Ok(Ok(report)) => Ok(Some(report)),
            Ok(Err(error)) => Err(problem(room, &error.code, &error.message, &error.help)),
            Err(_) => {
                Err(problem(room, "no-answer-in-time", "the platform did not answer in time", ""))
            }
        }
    }

    /// One room to work on.
    pub(super) fn turn<'a>(
        &'a self,
        collaboration: &'a CollaborationId,
        room: &PlatformId,
        fence: Option<&'a Fence>,
    ) -> Result<Turn<'a>> {
        Ok(Turn {
            log: &self.log,
            adapter: self.rooms.adapter(room)?,
            clock: self.clock.as_ref(),
            collaboration,
            fence,
            looks_only: false,
            cx: Cx::default(),
        })
    }

    /// Keeps what a look said, for whoever asks where the room stands.
    pub(super) fn keep_look(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
        report: &Report,
    ) {
        let waits = report.waits.iter().map(|step| format!("{}: {}", step.what, step.why));
        let class = |class: DriftClass| match class {
            DriftClass::ServerDefault => "server-default",
            DriftClass::FormatOnly => "format-only",
            DriftClass::Tightened => "tightened",
            DriftClass::Loosened => "loosened",
            DriftClass::Unknown => "unknown",
        };
        let drift = report.drift.iter();
        let drift =
            drift.map(|one| (class(one.class).to_owned(), one.on.clone(), one.detail.clone()));
        let look = KeptLook {
            since_ms: self.clock.now_ms(),
            open: report.open.clone(),
            needs: report.needs.clone(),
            waits: waits.collect(),
            drift: drift.collect(),
            problems: problems(room, report).into_iter().map(|one| one.message).collect(),
        };
        if let Err(error) = self.home.keep_look(collaboration, room, &look) {
            tracing::warn!(%collaboration, code = error.code, "what a look said is not kept");
        }
    }

    /// Passes until the room is settled, or waits for somebody else.
    async fn passes(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
        what_for: For<'_>,
    ) -> Result<RoomReport> {
        let fence = match what_for {
            For::Closing => None,
            For::Holding(fence) => Some(fence),
        };
        let turn = self.turn(collaboration, room, fence)?;
        let lag = turn.adapter.capabilities().lag;
        let looks_max = LOOKS_MAX.saturating_add(settling(lag, LOOK_EVERY));
        let mut memory = Memory::default();
        let (mut steps, mut looks, mut tries, mut blind) = (0, 0, 0, 0);
        for _ in 0..PASSES_MAX {
            let mut report = pass(&turn, &mut memory).await;
            self.keep_look(collaboration, room, &report);
            steps += report.steps;
            if report.steps > 0 {
                looks = 0;
            }
            blind = if report.unseen.is_empty() { 0 } else { blind + 1 };
            if blind == BLIND_MAX {
                return Err(unseen(room, &report));
            }
            let wait = match Self::verdict(room, &mut report, what_for)? {
                Verdict::Ended => return Ok(RoomReport { steps, ..RoomReport::of(room, report) }),
                Verdict::Again if report.steps > 0 => Duration::ZERO,
                Verdict::Again => {
                    looks += 1;
                    LOOK_EVERY
                }
                Verdict::After(wait, error) => {
                    tries += 1;
                    if tries > TRIES_MAX {
                        return Err(error);
                    }
                    wait
                }
            };
            if looks > looks_max {
                break;
            }
            tokio::time::sleep(wait).await;
        }
        Err(Error::failed("room-unsettled", "the room did not settle on what was agreed"))
    }

    fn verdict(room: &PlatformId, report: &mut Report, what_for: For<'_>) -> Result<Verdict> {
        match std::mem::take(&mut report.end) {
            End::Settled => Ok(Verdict::Ended),
            End::Again => Ok(Verdict::Again),
            End::Waiting => {
                Ok(if is_over(report, what_for) { Verdict::Ended } else { Verdict::Again })
            }
            End::Refused { code, message } => match what_for {
                For::Closing if is_over(report, what_for) => Ok(Verdict::Ended),
                For::Closing => Ok(Verdict::Again),
                For::Holding(_) => Err(Error::refused(&code, message)),
            },
            End::Undone { what, call, code, reason, retry_ms, denied } => {
                let (help, message) = (String::new(), format!("{call} was not done"));
                let problem = Problem { code: code.to_owned(), at: what, message, help };
                let kind = if denied { Error::refused } else { Error::failed };
                let error = kind(code, reason).problems(vec![problem]);
                after(retry_ms, error)
            }
            End::Failed { code, retry_ms } => after(retry_ms, failed(code, room)),
        }
    }
}

/// How many looks fit into the time for which a platform's answers may be old.
pub(super) fn settling(lag: Lag, every: Duration) -> usize {
    let settles = Duration::from_millis(lag.settles_ms);
    let looks = settles.as_millis().div_ceil(every.as_millis().max(1));
    usize::try_from(looks).unwrap_or(usize::MAX)
}

enum Verdict {
    Ended,
    Again,
    After(Duration, Error),
}

fn after(retry_ms: Option<u64>, error: Error) -> Result<Verdict> {
    retry_ms.map_or(Err(error.clone()), |ms| Ok(Verdict::After(Duration::from_millis(ms), error)))
}

/// Whether nothing that is waited for comes about by looking again.
fn is_over(report: &Report, what_for: For<'_>) -> bool {
    let closed = report.closing.is_empty()
        && report.unseen.is_empty()
        && !report.plan.iter().any(|step| step.effect.takes_away());
    match what_for {
        For::Closing => closed,
        // Each look brings certainty nearer; whatever waits for another platform is the worker's.
        For::Holding(_) => {
            let elsewhere = report.plan.len() == report.waits.len();
            closed && report.unsure == 0 && !report.pending && elsewhere
        }
    }
}

/// Nothing is left to do in what was seen, but somebody's part was not.
fn unseen(room: &PlatformId, report: &Report) -> Error {
    let problems = report.unseen.iter().map(|(member, code)| Problem {
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

pub(super) fn problem(room: &PlatformId, code: &str, message: &str, help: &str) -> Problem {
    Problem {
        code: code.to_owned(),
        at: room.to_string(),
        message: message.to_owned(),
        help: help.to_owned(),
    }
}

/// Why nothing could be seen or recorded.
fn failed(code: &str, room: &PlatformId) -> Error {
    Error::failed(code, format!("{room} could not be looked at, or its log not be used"))
        .help("airlock connections test COLLABORATION; airlock status")
}

/// What is wrong with a room that this gateway has no connection to, if it ever changed anything there.
pub(super) fn unreached(room: &PlatformId, state: &State) -> Option<Problem> {
    let message = "this gateway changed it once and has no connection to it now";
    let help = "its section in connections.toml";
    state.changed(room).then(|| problem(room, "room-unreached", message, help))
}
