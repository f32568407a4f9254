//! One pass over one collaboration in one room: read the log, look, write down what was seen, close, confirm what is closed, give.
//! The only file here that waits for anything; it sets no timer and remembers nothing but what [`Memory`] keeps.

use super::desired::desired_on;
use super::drift::{Account, Sight, UNSURE, unseen};
use super::gate::gate;
use super::losses::losses;
use super::memory::{Memory, When};
use super::record::{self, Refused};
use super::report::{End, Report, Turn, Waiting};
use super::settle::{confirmations, settled};
use super::things::{Subject, outcome};
use crate::log::{Body, Code, LogError, Outcome, Revocable, State};
use adapter_spi::{
    Adapter, AdapterError, Applied, Assessment, Coverage, Desired, ErrorKind, Observation, Plan,
    Retry, Scope, Step,
};
use mappings::model::PlatformId;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument as _;

/// What was seen could not be written down, since the log has moved on: nothing is given on that look.
const STALE: &str = "look-stale";
/// Looks of one pass; what is left is the next one's.
const ROUNDS_MAX: usize = 4;
/// Calls of one pass.
const STEPS_MAX: usize = 64;
/// A call that gives leaves within this time of its intent, or not at all: how late it may land is counted from there.
pub(super) const SEND_MAX_MS: i64 = 10_000;

/// One pass. Can be dropped at any await, run again, and run against others.
pub async fn pass(turn: &Turn<'_>, memory: &mut Memory) -> Report {
    let mut work = Work { turn, memory, report: Report::default() };
    let end = work.rounds().await.unwrap_or_else(|end| end);
    Report { end, ..work.report }
}

/// A look and everything that follows from it.
pub(super) struct Look {
    pub(super) state: Arc<State>,
    /// On how long a log, and when: only of what was withdrawn by then, and could not come back any more, does it prove anything.
    pub(super) when: When,
    pub(super) subject: Arc<Subject>,
    pub(super) scope: Scope,
    pub(super) desired: Desired,
    pub(super) seen: Observation,
    pub(super) plan: Plan,
    /// Whether something is there that this gateway took away, and the record doesn't say yet that it stays.
    pub(super) stays: bool,
    pub(super) unsure: BTreeSet<Revocable>,
    /// Whether what runs there without leave was stopped.
    pub(super) stopped: bool,
}

impl Look {
    pub(super) fn is_whole(&self) -> bool {
        self.seen.coverage == Coverage::Complete
    }

    /// Steps that take something away, and what each is about.
    pub(super) fn taking(&self) -> impl Iterator<Item = (&Step, Vec<Revocable>)> {
        let taking = self.plan.steps.iter().filter(|step| step.effect.takes_away());
        taking.map(|step| (step, self.subject.of(step)))
    }
}

pub(super) struct Work<'a> {
    pub(super) turn: &'a Turn<'a>,
    pub(super) memory: &'a mut Memory,
    pub(super) report: Report,
}

impl Work<'_> {
    fn adapter(&self) -> &dyn Adapter {
        self.turn.adapter
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.turn.clock.steady_ms()
    }

    async fn rounds(&mut self) -> Result<End, End> {
        for _ in 0..ROUNDS_MAX {
            let look = self.look().await?;
            self.tell(&look);
            if self.turn.looks_only {
                self.wait(&look);
                return Ok(self.ended(&look));
            }
            if look.is_whole() {
                let open = look.taking().map(|(step, _)| step.key()).collect();
                let closed = self.memory.closed_wider(&open, self.now_ms());
                self.alarm(closed).await?;
            }
            if look.taking().next().is_some() {
                if let Err(end) = self.take_away(&look).await {
                    // What is left open keeps nothing else from being seen closed.
                    self.confirm(&look).await?;
                    return Err(end);
                }
            } else if !self.confirm(&look).await? && !self.give(&look).await? {
                return Ok(self.ended(&look));
            }
        }
        Ok(End::Again)
    }

    /// Looks, and writes down what was seen before anything is planned on it.
    async fn look(&mut self) -> Result<Look, End> {
        if !self.turn.looks_only {
            self.catch_up().await;
        }
        let state = self.load().await?;
        let (subject, assessed) = self.subject(&state)?;
        let scope = Scope { past: state.past().to_vec(), ..Scope::of(&subject.agreement) };
        let desired = self.desired(&state, &subject, &assessed);
        let stopped = self.stop(&state, &desired, &scope).await;
        let began_ms = self.now_ms();
        let seen = self
            .adapter()
            .observe(&scope, &self.turn.cx)
            .instrument(tracing::info_span!("look"))
            .await
            .map_err(|error| End::Failed { code: error.code, retry_ms: retry_ms(&error) })?;
        let platform = self.adapter().platform().clone();
        let whole = seen.coverage == Coverage::Complete;
        let sight = Sight {
            state: &state,
            platform: &platform,
            subject: &subject,
            desired: &desired,
            seen: &seen,
        };
        let lag = self.adapter().capabilities().lag;
        let when = When { basis: state.size(), began_ms, ended_ms: self.now_ms() };
        let held = subject.held(&seen);
        let plan = self.planned(&desired, &seen)?;
        let taking = plan.steps.iter().filter(|step| step.effect.takes_away());
        let taking: Vec<_> = taking.flat_map(|step| subject.itself(step)).collect();
        let account = if whole {
            let undone = sight.undone(&held, &plan, when.basis);
            sight.account((&held, &undone), &taking, (self.memory, &lag, when))
        } else {
            Account::default()
        };
        let loosened = self.loosened(&state, &subject, &plan);
        // What an earlier look of this pass found is told as well.
        let drift = sight.drift(&account, &loosened);
        let fresh = drift.into_iter().filter(|one| !self.report.drift.contains(one));
        let fresh: Vec<_> = fresh.collect();
        self.report.drift.retain(|one| one.detail != UNSURE);
        self.report.drift.extend(fresh);
        let (state, desired, plan) =
            if whole && self.write_down(&state, &held, (&account, when)).await? {
                let state = self.load().await?;
                let desired = self.desired(&state, &subject, &assessed);
                let plan = self.planned(&desired, &seen)?;
                (state, desired, plan)
            } else {
                (state, desired, plan)
            };
        let unsure = account.unsure;
        let stays = state
            .holding(&platform)
            .is_some_and(|last| last.taken.keys().any(|thing| held.contains(thing)));
        Ok(Look { state, when, subject, scope, desired, seen, plan, stays, unsure, stopped })
    }

    /// Puts on record what was sent while nothing could be and may still land: it stays open until it can't.
    async fn catch_up(&mut self) {
        for (id, (step, of, leaves, basis)) in std::mem::take(&mut self.memory.unrecorded) {
            if self.intend(&step, (&of, &leaves), basis).await.is_err() {
                self.memory.unrecorded.insert(id, (step, of, leaves, basis));
            }
        }
    }

    /// The newest state; while the log can't be read, or is not the one that was seen, the one that is known, on which nothing
    /// but closing goes on.
    async fn load(&mut self) -> Result<Arc<State>, End> {
        let loaded = self.turn.log.load_denying(self.turn.collaboration).await;
        let loaded = loaded.map_err(|error| End::Failed { code: error.code(), retry_ms: None })?;
        self.report.unread = loaded.doubt.as_ref().map(LogError::code);
        self.report.may_lack = loaded.may_lack();
        Ok(loaded.state)
    }

    fn subject(&mut self, state: &State) -> Result<(Arc<Subject>, Arc<Assessment>), End> {
        let platform = self.adapter().platform();
        let unknown = End::Failed { code: "no-agreement", retry_ms: None };
        let newest = state.in_force().or(state.waiting());
        let (agreement, digest) = match (newest, state.rooms().get(platform)) {
            (Some(newest), _) if newest.agreement.is_held_in(platform) => {
                (Arc::clone(&newest.agreement), newest.digest)
            }
            (_, Some(last)) => (Arc::clone(last), last.digest()),
            (Some(_) | None, None) => return Err(unknown),
        };
        if let Some((subject, assessed)) = &self.memory.subject
            && subject.digest == digest
        {
            return Ok((Arc::clone(subject), Arc::clone(assessed)));
        }
        let assessed = Arc::new(self.adapter().assess(&agreement));
        let subject = Arc::new(Subject::new(agreement, digest));
        self.memory.subject = Some((Arc::clone(&subject), Arc::clone(&assessed)));
        Ok((subject, assessed))
    }

    /// What is wanted there: nothing of a room that the newest agreement dropped, that would hold something more loosely without
    /// a waiver, or of whose log withdrawals may be missing.
    fn desired(&mut self, state: &State, subject: &Subject, assessed: &Assessment) -> Desired {
        let lost = losses((&subject.agreement, subject.digest), assessed, state);
        self.report.exact = assessed.verdicts.len() - lost.len();
        self.report.unwaived = lost.iter().any(|loss| !loss.needs.is_empty());
        self.report.losses = lost;
        let current = state.digest() == Some(subject.digest);
        let named = subject.agreement.is_held_in(self.adapter().platform());
        if self.report.unwaived || self.report.may_lack || !current || !named {
            return Desired::closed(Arc::clone(&subject.agreement));
        }
        desired_on(&subject.agreement, state, self.adapter().platform())
    }

    fn planned(&self, desired: &Desired, seen: &Observation) -> Result<Plan, End> {
        self.adapter()
            .plan(desired, seen)
            .map_err(|refused| End::Refused { code: refused.code, message: refused.message })
    }

    /// Where anything has to be closed, what runs without leave ends first: steps may take their time.
    async fn stop(&mut self, state: &State, desired: &Desired, scope: &Scope) -> bool {
        let platform = self.adapter().platform();
        let needed = !desired.open || state.awaited(platform).next().is_some();
        let Some(runs) = self.adapter().runs_queries().filter(|_| needed) else { return true };
        if self.turn.looks_only {
            return true;
        }
        match runs.stop(desired, scope, &self.turn.cx).await {
            // What was stopped now may still have ended well: the next look proves something.
            Ok(stopped) => {
                self.report.stopped += stopped;
                stopped == 0
            }
            Err(error) => {
                self.report.problems.push((error.code.to_owned(), error.reason));
                false
            }
        }
    }

    /// Records what a whole look says that the log does not: settled ends, what owners took away, what is held. Whether anything
    /// was recorded.
    async fn write_down(
        &mut self,
        state: &State,
        held: &BTreeSet<Revocable>,
        (account, when): (&Account, When),
    ) -> Result<bool, End> {
        if self.turn.looks_only || self.turn.fence.is_none() || self.report.unread.is_some() {
            return Ok(false);
        }
        let platform = self.adapter().platform().clone();
        let lag = self.adapter().capabilities().lag;
        let ended = settled(state, &platform, held, (self.memory, &lag, when.began_ms));
        let mut bodies = Vec::new();
        for (what, how) in &account.found {
            let how = record::code(how)?;
            let (platform, what) = (platform.clone(), what.clone());
            bodies.push(Body::FoundWithdrawn { platform, what, how });
        }
        // What is seen where no agreement ever was in force is nobody's to record.
        let known = state.rooms().contains_key(&platform);
        if let Some((holds, basis)) = account.holds.clone().filter(|_| known) {
            bodies.push(Body::RoomObserved { platform, holds, basis });
        }
        // Last: what is missing while nobody knows the end of a call may be that call's doing.
        bodies.extend(ended);
        if bodies.is_empty() {
            return Ok(false);
        }
        match self.record_under_lease(bodies).await {
            Ok(()) => Ok(true),
            Err(lost @ Refused::Failed("lease-lost")) => Err(refused(lost)),
            // Closing goes on by what is known; nothing is given.
            Err(Refused::Failed(code)) => {
                self.report.unread = Some(code);
                Ok(false)
            }
            Err(Refused::Stale) => {
                self.report.unread = Some(STALE);
                Ok(false)
            }
        }
    }

    /// Closes, most restrictive first. Nothing is given in the same round: a new look says whether it is closed.
    async fn take_away(&mut self, look: &Look) -> Result<(), End> {
        let ids: Vec<_> = look.taking().map(|(step, _)| step.id).collect();
        if ids == self.memory.done {
            // Done, and not seen yet.
            self.memory.done.clear();
            return Err(End::Again);
        }
        let unexplained = self.loosened(&look.state, &look.subject, &look.plan);
        let (mut closed, mut done_any) = (BTreeSet::new(), false);
        let (mut undone_end, mut moved) = (None, None);
        let round = self.memory.round(&ids, STEPS_MAX);
        for (step, of) in look.taking().filter(|(step, _)| round.contains(&step.id)) {
            let taken = self.take(look, step).await;
            match &taken {
                _ if !unexplained.contains(&of) => {}
                Ok(Applied::Changed { .. }) => closed.extend(of),
                Err(error) if error.outcome != adapter_spi::Outcome::NotApplied => {
                    self.memory.wider(step.key(), of, self.now_ms());
                }
                Ok(Applied::Already) | Err(_) => {}
            }
            match taken {
                Ok(_) => {
                    self.report.steps += 1;
                    done_any = true;
                }
                // Whatever stands in the way of one stands in the way of no other. Where only the world moved, it is looked at again.
                Err(error) if error.kind == ErrorKind::StaleVersion => {}
                Err(error) if error.retry == Retry::NextCycle => {
                    moved = moved.or(Some(undone(step, error)));
                }
                Err(error) => undone_end = undone_end.or(Some(undone(step, error))),
            }
        }
        self.memory.done = ids;
        self.alarm(closed).await?;
        undone_end.or(moved.filter(|_| !done_any)).map_or(Ok(()), Err)
    }

    /// Tells of what was open beyond the agreement and is closed.
    async fn alarm(&mut self, closed: BTreeSet<Revocable>) -> Result<(), End> {
        if closed.is_empty() {
            return Ok(());
        }
        let platform = self.adapter().platform().clone();
        let (class, of) = (record::code("loosened")?, closed.into_iter().collect());
        let found = Body::DriftFound { platform, class, of };
        self.report.unrecorded += usize::from(self.record(vec![found]).await.is_err());
        Ok(())
    }

    /// One call that takes away, whether or not it can be recorded. What was tried before and has no end yet is tried under the same
    /// intent: what is refused for a month makes no leaf a minute.
    async fn take(&mut self, look: &Look, step: &Step) -> Result<Applied, AdapterError> {
        // What is missing already it does not take away.
        let mut of = look.subject.itself(step);
        of.retain(|thing| !look.unsure.contains(thing));
        let leaves = look.subject.leaves(step);
        let known = open_intent(look, step, &of, self.turn.adapter.platform());
        let begun = self.begun();
        let name = match known {
            Some((name, _)) => Some(name.clone()),
            None => self.intend(step, (&of, &leaves), look.state.size()).await.ok(),
        };
        self.report.unrecorded += usize::from(name.is_none());
        // A value that leaves something open may come as late as one that gives.
        let bound = (!leaves.is_empty() && name.is_some()).then_some(begun);
        let answer = self.sent(step, bound).await;
        self.memory.tried(step.id, answer.is_ok());
        let (outcome, _) = outcome(&answer);
        let denied = outcome == Outcome::NotApplied
            && matches!(&answer, Err(error) if error.retry == Retry::Never);
        let Some(name) = name else {
            if outcome == Outcome::Unknown && !leaves.is_empty() {
                let planned = look.state.size();
                self.memory.unrecorded.insert(step.id, (step.clone(), of, leaves, planned));
            }
            return answer;
        };
        let may_land =
            known.is_some_and(|(name, ended)| ended.is_some() || !self.memory.was_denied(name));
        if known.is_some() {
            self.memory.sent_again(&name, self.now_ms());
        }
        self.memory.answered(&name, known.is_none(), denied);
        // Its answer says nothing of a call under the same intent that may still land: that ends with time.
        let ends = outcome == Outcome::Unknown || !may_land;
        if !denied && ends && known.is_none_or(|known| known.1 != Some(outcome)) {
            let ended = Body::EffectOutcome { step: name, outcome, shown: false };
            self.report.unrecorded += usize::from(self.record(vec![ended]).await.is_err());
        }
        answer
    }

    /// The time on both clocks: a steady one may stand still while the machine sleeps.
    fn begun(&self) -> (i64, i64) {
        (self.turn.clock.steady_ms(), self.turn.clock.now_ms())
    }

    /// Makes a call: at any time, or soon after its intent was begun, or not at all.
    async fn sent(&self, step: &Step, begun: Option<(i64, i64)>) -> Result<Applied, AdapterError> {
        let span = tracing::info_span!("apply", effect = ?step.effect);
        let Some((steady, wall)) = begun else {
            return self.adapter().apply(step, &self.turn.cx).instrument(span).await;
        };
        let (steady_now, wall_now) = self.begun();
        let passed = steady_now.saturating_sub(steady).max(wall_now.saturating_sub(wall));
        let Ok(left) = u64::try_from(SEND_MAX_MS.saturating_sub(passed)) else {
            return Err(too_late(self.adapter()));
        };
        let cx = self.turn.cx.sending_within(Duration::from_millis(left));
        self.adapter().apply(step, &cx).instrument(span).await
    }

    /// Records what is seen closed. Whether anything was.
    async fn confirm(&mut self, look: &Look) -> Result<bool, End> {
        if !self.memory.unrecorded.is_empty() {
            return Ok(false);
        }
        let bodies = confirmations(self, look).await;
        if bodies.is_empty() || self.report.unread.is_some_and(|code| code != STALE) {
            return Ok(false);
        }
        self.record(bodies).await.map_err(refused)?;
        Ok(true)
    }

    /// The steps that give and may, and what they are about; the others wait.
    fn wait<'l>(&mut self, look: &'l Look) -> Vec<(&'l Step, Vec<Revocable>)> {
        self.report.waits.clear();
        let giving = look.plan.steps.iter().filter(|step| !step.effect.takes_away());
        let mut ready = Vec::new();
        for step in giving {
            let of = look.subject.of(step);
            match gate(self.turn, look, (step, &of), self.report.unread) {
                Ok(()) => ready.push((step, of)),
                Err(why) => self.report.waits.push(Waiting { of, why, ..Waiting::for_step(step) }),
            }
        }
        ready
    }

    /// Gives what nothing stands in the way of. Whether anything was done.
    async fn give(&mut self, look: &Look) -> Result<bool, End> {
        let ready = self.wait(look);
        let ids: Vec<_> = ready.iter().map(|(step, _)| step.id).collect();
        if ids.is_empty() || ids == self.memory.done {
            self.memory.done.clear();
            self.report.pending |= !ids.is_empty();
            return Ok(false);
        }
        let (mut end, mut moved) = (None, false);
        for (step, of) in ready.into_iter().take(STEPS_MAX) {
            match self.give_one(look, step, &of).await? {
                Ok(_) => self.report.steps += 1,
                // Whatever stands in the way of one stands in the way of no other. Where only the world moved, it is looked at again.
                Err(error) if error.retry == Retry::NextCycle => moved = true,
                Err(error) => end = end.or(Some(undone(step, error))),
            }
        }
        self.memory.done = ids;
        match end {
            Some(end) => Err(end),
            None if moved => Err(End::Again),
            None => Ok(true),
        }
    }

    /// One call that gives: made once, soon after its intent, or not at all.
    async fn give_one(
        &mut self,
        look: &Look,
        step: &Step,
        of: &[Revocable],
    ) -> Result<Result<Applied, AdapterError>, End> {
        let (begun, basis) = (self.begun(), look.state.size());
        let leaves = look.subject.leaves(step);
        let name = self.intend(step, (of, &leaves), basis).await.map_err(refused)?;
        let answer = self.sent(step, Some(begun)).await;
        let (outcome, shown) = outcome(&answer);
        let ended = Body::EffectOutcome { step: name, outcome, shown };
        match self.record(vec![ended]).await {
            // Somebody has settled it meanwhile.
            Ok(()) | Err(Refused::Stale) => Ok(answer),
            Err(failed) => Err(refused(failed)),
        }
    }

    /// What the look shows.
    fn tell(&mut self, look: &Look) {
        let platform = self.turn.adapter.platform();
        let report = &mut self.report;
        report.open = look.seen.resources.iter().map(|one| one.kind.to_string()).collect();
        report.unseen = unseen(&look.seen);
        report.unsure = look.unsure.len();
        report.needs.clone_from(&look.plan.waiting);
        report.plan = look.plan.steps.iter().map(Waiting::for_step).collect();
        report.pending = look.plan.pending;
        report.closing = look.state.awaited(platform).map(|(index, _)| index).collect();
        report.unsettled = look.state.unsettled(platform).count();
    }

    /// Where the room stands once nothing is left to do in this pass.
    fn ended(&self, look: &Look) -> End {
        if let Some(refused) = &look.plan.refused {
            return End::Refused { code: refused.code.clone(), message: refused.message.clone() };
        }
        let report = &self.report;
        let waits = !look.unsure.is_empty()
            || look.stays
            || !look.subject.too_open(&look.desired, &look.seen).is_empty()
            || !report.closing.is_empty()
            || report.unsettled > 0
            || !report.waits.is_empty()
            || !report.plan.is_empty()
            || report.pending
            || !report.needs.is_empty()
            || report.unread.is_some()
            || !look.is_whole();
        if waits { End::Waiting } else { End::Settled }
    }

    /// What has to be taken away that no withdrawal, no version, no missing waiver and no call of this gateway's explains.
    fn loosened(&self, state: &State, subject: &Subject, plan: &Plan) -> Vec<Vec<Revocable>> {
        let platform = self.turn.adapter.platform();
        let meets = |one: &[Revocable], of: &[Revocable]| {
            let any = |a| of.iter().any(|b| state.meets(a, b));
            of.is_empty() || one.is_empty() || one.iter().any(any)
        };
        let explained = |of: &[Revocable]| {
            let closing = state.awaited(platform).any(|(_, closure)| meets(&closure.what, of));
            let mut own = state.unsettled(platform).filter(|(_, record)| !record.of.is_empty());
            let own = own.any(|(_, record)| meets(&record.of, of));
            let pending = state.decided() > state.size();
            closing || own || pending || self.report.unwaived || self.report.may_lack
        };
        let taking = plan.steps.iter().filter(|step| step.effect.takes_away());
        // A version of a template that is agreed no more goes for that reason, whatever the step puts in its place.
        let alien = taking.filter(|step| !explained(&subject.itself(step)));
        // A part in a template is closed for whatever the template rests on.
        let alien = alien.filter(|step| !explained(&subject.behind(step)));
        alien.map(|step| subject.of(step)).filter(|of| !explained(of)).collect()
    }
}

const fn refused(why: Refused) -> End {
    match why {
        // Somebody was faster: what was planned is planned again.
        Refused::Stale => End::Again,
        Refused::Failed(code) => End::Failed { code, retry_ms: None },
    }
}

const fn retry_ms(error: &AdapterError) -> Option<u64> {
    match error.retry {
        Retry::AfterMs(ms) => Some(ms),
        Retry::Never | Retry::NextCycle => None,
    }
}

/// An intent of the same call that has no end yet.
fn open_intent<'l>(
    look: &'l Look,
    step: &Step,
    of: &[Revocable],
    platform: &'l PlatformId,
) -> Option<(&'l Code, Option<Outcome>)> {
    let call = step.key();
    let mut open = look.state.unsettled(platform);
    let same =
        open.find(|(name, record)| record.based && record.of == of && State::makes(name, &call));
    same.map(|(name, record)| (name, record.outcome))
}

fn undone(step: &Step, error: AdapterError) -> End {
    let retry_ms = retry_ms(&error);
    let (what, denied) = (Waiting::for_step(step), error.kind == ErrorKind::PermissionDenied);
    End::Undone {
        what: what.what,
        call: what.call,
        code: error.code,
        reason: error.reason,
        denied,
        retry_ms,
    }
}

/// The intent took so long to record that the call would count as late.
fn too_late(adapter: &dyn Adapter) -> AdapterError {
    AdapterError {
        kind: ErrorKind::Timeout,
        code: "sent-too-late",
        outcome: adapter_spi::Outcome::NotApplied,
        retry: Retry::NextCycle,
        platform: adapter.platform().clone(),
        operation: "apply",
        reason: "its intent took too long to record".to_owned(),
    }
}
