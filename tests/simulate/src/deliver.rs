//! Calls on their way: sent, arriving, answered; and where a worker is to die.

use crate::answer::{arrive, late_ms};
use crate::case::{Kind, Point};
use crate::faults::Treat;
use crate::platform::{Change, Hand};
use crate::wire::{Answer, Ask, PlatformAsk, Request, StoreAsk, Stored};
use crate::world::{Event, Gift, Phase, Travel, World};
use adapter_spi::{AdapterError, Effect, ErrorKind, Outcome, ResourceKind};
use airlock::store::StoreError;
use std::collections::BTreeMap;

const NOBODY: usize = 99;
/// How long an adapter waits for an answer.
const PATIENCE_MS: i64 = 30_000;

impl World {
    /// A worker sent a call.
    pub(crate) fn send(&mut self, request: Request) {
        let (worker, now) = (request.worker, self.now());
        let at = match &request.ask {
            Ask::Platform(name, _) => self.platforms.iter().position(|p| p.name == *name),
            Ask::Store(_) => None,
        };
        let doomed = self.kill(&request);
        if doomed == Some(Point::BeforeSend) {
            self.line(worker, format_args!("dies before it sends"));
            self.die(worker);
            return;
        }
        let mut treat = self.faults.treat(worker, at, &request.ask, now);
        if let (Treat::Well, Ask::Platform(_, PlatformAsk::Apply(step, _))) = (&treat, &request.ask)
        {
            let account = crate::rule::account(self.pool, step);
            if account.is_some_and(|of| self.faults.expired(&of, now)) {
                self.faults.count(Kind::CredentialsExpired);
                treat = Treat::WrongAccount;
            }
        }
        let mut intent = None;
        if let Ask::Platform(name, PlatformAsk::Apply(step, _)) = &request.ask {
            intent = self.check.intent(name, step);
            if step.effect > Effect::Restrict {
                self.check.sent(name, step, intent);
            }
        }
        let latency = match at {
            Some(_) => self.rng.range(5, 120),
            None => self.rng.range(1, 6),
        };
        if let Treat::Dying { arrives } = treat {
            self.line(worker, format_args!("dies with an append on its way"));
            self.die(worker);
            if arrives {
                let travel =
                    Travel { request, treat: Treat::Well, intent, answered: false, doomed: None };
                self.after(latency, Event::Arrive(Box::new(travel)));
            }
            let back = self.rng.range(500, 20_000);
            self.after(back, Event::Restart { worker });
            return;
        }
        self.later(&request, &treat, (intent, at));
        let travel = Travel { request, treat, intent, answered: true, doomed };
        self.after(latency, Event::Arrive(Box::new(travel)));
    }

    /// A call that arrives long after, or once more.
    fn later(
        &mut self,
        request: &Request,
        treat: &Treat,
        (intent, at): (Option<u64>, Option<usize>),
    ) {
        let (Treat::Late { by } | Treat::Twice { by }) = treat else { return };
        let Some(platform) = at.and_then(|at| self.platforms.get(at)) else { return };
        let ms = late_ms(platform, *by);
        let (request, treat) = (request.clone(), Treat::Well);
        let travel = Travel { request, treat, intent, answered: false, doomed: None };
        self.after(ms, Event::Arrive(Box::new(travel)));
    }

    /// Where the worker is to die with this call, if it is an effect and its turn.
    fn kill(&mut self, request: &Request) -> Option<Point> {
        if self.is_desk(request.worker) || self.now() < self.case.kills_from_ms {
            return None;
        }
        let effect = matches!(
            request.ask,
            Ask::Store(StoreAsk::Append { .. }) | Ask::Platform(_, PlatformAsk::Apply(..))
        );
        if !effect || self.phase != Phase::Faults {
            return None;
        }
        let number = self.effects;
        self.effects += 1;
        let next = self.kills.first().filter(|kill| kill.effect == number).copied()?;
        self.kills.remove(0);
        Some(next.point)
    }

    /// A call arrives.
    pub(crate) fn arrived(&mut self, travel: Travel) {
        let Travel { request, treat, intent, answered, doomed } = travel;
        let worker = request.worker;
        let mut shown = None;
        let answer = match &request.ask {
            Ask::Store(ask) => Answer::Store(self.stored(worker, ask, &treat)),
            Ask::Platform(name, ask) => {
                let Some(at) = self.platforms.iter().position(|p| p.name == *name) else { return };
                let (answer, shown_ms) = self.on_platform(worker, (at, ask), &treat, intent);
                shown = shown_ms.map(|shown_ms| (at, shown_ms));
                answer
            }
        };
        if doomed == Some(Point::AfterSend) {
            self.line(worker, format_args!("dies before the answer"));
            self.die(worker);
            return;
        }
        if !answered {
            return;
        }
        let mut latency = match (&request.ask, &treat) {
            (_, Treat::Slow { by }) => *by,
            (_, Treat::TimedOut | Treat::Late { .. } | Treat::Lost | Treat::Unanswered) => {
                PATIENCE_MS
            }
            (Ask::Platform(..), _) => self.rng.range(5, 120),
            (Ask::Store(_), _) => self.rng.range(1, 6),
        };
        let mut answer = answer;
        if matches!(treat, Treat::Slow { .. }) && latency > PATIENCE_MS {
            latency = PATIENCE_MS;
            answer = given_up(&request, answer);
        }
        let call = request.id;
        if let Some(point) = doomed {
            let mark = if point == Point::AfterPersist { call } else { u64::MAX };
            self.doomed = Some((worker, mark));
        }
        self.after(latency, Event::Reply { call, worker, answer: Box::new(answer), shown });
    }

    /// An answer arrives.
    pub(crate) fn replied(
        &mut self,
        (call, worker): (u64, usize),
        answer: Answer,
        shown: Option<(usize, i64)>,
    ) {
        match self.doomed {
            Some((who, u64::MAX)) if who == worker => {
                self.doomed = None;
                self.line(worker, format_args!("dies before it looks at the answer"));
                self.die(worker);
                return;
            }
            Some((who, mark)) if who == worker && mark == call => self.doomed = Some((worker, 0)),
            _ => {}
        }
        let taken = crate::executor::lock(&self.net).answer(call, answer);
        if let (true, Some((at, shown_ms))) = (taken, shown)
            && let Some(platform) = self.platforms.get(at)
        {
            self.check.shown.insert((worker, platform.name.clone()), shown_ms);
        }
    }

    fn stored(
        &mut self,
        worker: usize,
        ask: &StoreAsk,
        treat: &Treat,
    ) -> Result<Stored, StoreError> {
        let now = self.now();
        match treat {
            Treat::Newer => return Err(StoreError::Newer),
            Treat::Failover => {
                self.store.down_until = now + 4_000;
                return Err(StoreError::Unavailable);
            }
            _ => {}
        }
        let older = self.store.is_older();
        let done = self.store.enact(ask, now);
        if matches!(done, Err(StoreError::Full)) {
            self.faults.count(Kind::StoreFull);
        }
        match (ask, &done) {
            (StoreAsk::Append { expected, appended, fence, .. }, Ok(_)) => {
                let before = self.check.oracle.size;
                let fence = fence.as_ref();
                let leaves = (expected.size, &**appended);
                self.check.appended((worker, older), leaves, fence, &self.platforms);
                self.line(
                    worker,
                    format_args!("append {before}+{}: {}", appended.leaves.len(), kinds(appended)),
                );
                self.grown(appended);
            }
            (StoreAsk::Acquire { resource, .. }, Ok(Stored::Lease(Some(lease)))) => {
                self.check.leased(resource, lease.token);
                self.line(worker, format_args!("lease {resource} {}", lease.token));
            }
            (StoreAsk::Append { expected, .. }, Err(error)) => {
                self.line(worker, format_args!("append at {}: {}", expected.size, error.code()));
            }
            _ => {}
        }
        if *treat == Treat::AnswerLost { Err(StoreError::Unavailable) } else { done }
    }

    fn on_platform(
        &mut self,
        worker: usize,
        (at, ask): (usize, &PlatformAsk),
        treat: &Treat,
        intent: Option<u64>,
    ) -> (Answer, Option<i64>) {
        let now = self.now();
        let unreached = Answer::Seen(Err(crate::adapter::error(
            &mappings::model::PlatformId::native(),
            ErrorKind::Bug,
            "bug",
            Outcome::Unknown,
        )));
        let Some(platform) = self.platforms.get_mut(at) else { return (unreached, None) };
        let answered = arrive(platform, self.pool, ask, treat, now);
        if let PlatformAsk::Apply(step, _) = ask {
            let echo = self.check.is_echo(intent);
            let gone = answered.changes.iter().filter(|change| change.after.is_none());
            for change in gone {
                let person = change.before.as_ref().is_some_and(|before| before.by == Hand::Person);
                let hand = match intent {
                    None => Hand::Unrecorded,
                    Some(_) if echo => Hand::Echo,
                    // Who took away what was there before a person put something else in its place stays who did.
                    Some(_) if person => continue,
                    Some(_) => Hand::Gateway(step.id),
                };
                platform.taken.insert(change.kind.clone(), hand);
            }
        }
        let name = platform.name.clone();
        match ask {
            PlatformAsk::Apply(step, sets) => {
                let kind = step.resource.kind.to_string();
                let said = if let Answer::Applied(Err(error)) = &answered.answer {
                    error.code
                } else {
                    "ok"
                };
                let did = if answered.changes.is_empty() { "no change" } else { "changed" };
                let all = sets.iter().flat_map(BTreeMap::keys).map(|name| format!(" {name}"));
                let all: String = all.collect();
                self.line(
                    worker,
                    format_args!(
                        "{name} {:?} {kind}{all} by {intent:?}: {did}, {said}",
                        step.effect
                    ),
                );
                let shown_ms = self.check.shown.get(&(worker, name)).copied().unwrap_or(0);
                if let Some(platform) = self.platforms.get(at) {
                    for change in &answered.changes {
                        self.check.changed(platform, step, change, (intent, shown_ms));
                    }
                }
                self.taken_at_once(at, &answered.changes, intent);
            }
            PlatformAsk::Observe(_) => {
                self.line(worker, format_args!("{name} looked at: {}", look(&answered.answer)));
            }
            PlatformAsk::Peek(_)
            | PlatformAsk::Rule(_)
            | PlatformAsk::Probe(_)
            | PlatformAsk::Stop(_) => {}
        }
        (answered.answer, answered.shown_ms)
    }

    /// Somebody may take away at once what has just been given.
    fn taken_at_once(&mut self, at: usize, changes: &[Change], intent: Option<u64>) {
        let given =
            changes.iter().filter_map(|change| Some((&change.kind, change.after.as_ref()?)));
        let mut given = given.filter(|(kind, _)| match kind {
            ResourceKind::Native(native) => native.noun == "association",
            // A text is nobody's part: where it is wanted still, it is put back.
            ResourceKind::Template(_) => false,
            _ => true,
        });
        let (Some((kind, held)), Some(intent)) = (given.next(), intent) else { return };
        if self.check.is_echo(Some(intent)) {
            return;
        }
        let Some(amount) = self.faults.taken_at_once(at) else { return };
        let gift = Gift { kind: kind.clone(), held: held.clone(), intent };
        self.after(amount.max(1), Event::TakeBack { at, gift });
    }

    /// A log grew: workers are told, sooner or later or not at all.
    fn grown(&mut self, appended: &airlock::store::Appended) {
        let news = appended.leaves.iter().any(|bytes| {
            let leaf: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
            !leaf.pointer("/body/kind").and_then(|kind| kind.as_str()).is_some_and(|kind| {
                kind.starts_with("effect-") || kind == "room-observed" || kind == "drift-found"
            })
        });
        if !news {
            return;
        }
        self.decided += 1;
        for worker in 0..self.case.workers {
            let ms = self.rng.range(20, 600);
            match self.faults.wake(worker) {
                Some((Kind::MissedWake, _)) => {}
                Some((Kind::DuplicateWake, amount)) => {
                    self.after(ms, Event::Wake { worker });
                    self.after(ms + amount, Event::Wake { worker });
                }
                Some((_, amount)) => self.after(ms + amount * 60, Event::Wake { worker }),
                None => self.after(ms, Event::Wake { worker }),
            }
        }
        if self.case.apart.is_some() {
            for at in 0..self.platforms.len() {
                let ms = self.rng.range(60_000, 3_600_000);
                self.after(ms, Event::Follow { at });
            }
        }
    }
}

fn kinds(appended: &airlock::store::Appended) -> String {
    let kinds = appended.leaves.iter().map(|bytes| {
        let leaf: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
        let body = leaf.get("body").cloned().unwrap_or_default();
        let text =
            |key: &str| body.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let what = body
            .get("what")
            .or(body.get("of"))
            .or(body.get("holds"))
            .map(|what| what.to_string().replace('"', ""));
        [
            text("kind"),
            text("platform"),
            text("effect"),
            text("outcome"),
            text("step"),
            text("member"),
            what.unwrap_or_default(),
        ]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
    });
    kinds.collect::<Vec<_>>().join("; ")
}

fn look(answer: &Answer) -> String {
    match answer {
        Answer::Seen(Ok(seen)) => {
            let things = seen.native.get("things").and_then(|things| things.as_array());
            let unseen: Vec<&str> =
                seen.unseen.keys().map(mappings::model::MemberId::as_str).collect();
            format!("{} things, unseen {}", things.map_or(0, Vec::len), unseen.join(" "))
        }
        Answer::Seen(Err(error)) => error.code.to_owned(),
        _ => String::new(),
    }
}

/// What an adapter says that waited long enough.
fn given_up(request: &Request, answer: Answer) -> Answer {
    let Ask::Platform(name, _) = &request.ask else { return answer };
    let error = |outcome| AdapterError {
        ..crate::adapter::error(name, ErrorKind::Timeout, "no-answer", outcome)
    };
    match answer {
        Answer::Seen(_) => Answer::Seen(Err(error(Outcome::NotApplied))),
        Answer::Applied(_) => Answer::Applied(Err(error(Outcome::Unknown))),
        Answer::Rule(_) => Answer::Rule(Err(error(Outcome::NotApplied))),
        Answer::Probed(_) => Answer::Probed(Err(error(Outcome::NotApplied))),
        Answer::Stopped(_) => Answer::Stopped(Err(error(Outcome::Unknown))),
        other @ Answer::Store(_) => other,
    }
}

pub(crate) const WORLD: usize = NOBODY;
