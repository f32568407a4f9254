//! Withdrawals while runs are under way: programs of this gateway that run, one that is asked to run what was just withdrawn, and this
//! one, which withdraws. The storage that runs read from takes every connection and never answers. Must not know how a run watches its log.

#![expect(
    clippy::disallowed_methods,
    reason = "several processes compare times, which only the machine's clock tells all of them"
)]

use crate::Fallible;
use crate::gateways::{Gateway, Held, Kept, brand};
use crate::idle::{held, say, spent_ms};
use airlock::app::{App, RunRequest};
use futures::StreamExt as _;
use mappings::model::{CollaborationId, PlatformId};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Semaphore;

/// Programs that the runs are dealt out to.
const PROGRAMS: usize = 4;
const REVOKE_EVERY: Duration = Duration::from_millis(100);
const REVOKED_MAX: usize = 200;
/// Of so many withdrawals one is followed by a new run, or those would be what the machine is busy with.
const ASKED_EVERY: usize = 5;
const ALONE: usize = 40;
const BEGUN_WITHIN: Duration = Duration::from_mins(10);
const ANSWERED_WITHIN: Duration = Duration::from_mins(1);
/// What was asked for.
const DENIED_WITHIN: Duration = Duration::from_secs(1);

pub(crate) fn deny(runs: usize) -> Fallible {
    let storage = silence()?;
    if cfg!(debug_assertions) {
        say("(a debug build: times are overstated)")?;
    }
    say(
        "from a withdrawal's append to the end of its run, and to the refusal of a new one; asked: p99 under 1 s",
    )?;
    say(&format!("  {:<44} {:>8} {:>8} {:>8}   many", "", "p50", "p99", "most"))?;
    for kept in Kept::all()? {
        for (wide, many) in [(1, ALONE.min(runs)), (runs, runs)] {
            measured(&kept, (wide, many), &storage)?;
        }
    }
    Ok(())
}

/// One setting: so many runs at a time, of so many collaborations.
fn measured(kept: &Kept, (wide, many): (usize, usize), storage: &str) -> Fallible {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let gateway = runtime.block_on(Gateway::new(kept, Held::Native, many))?;
    let (tell, told) = channel();
    let mut programs = Programs::begin(&gateway, wide, storage, &tell)?;
    let mut play = Play {
        told,
        ready: Vec::new(),
        revoked: BTreeMap::new(),
        ended: Vec::new(),
        refused: Vec::new(),
    };
    let played = play.through(&gateway, &runtime, wide, &mut programs);
    programs.end()?;
    let busy = played?;
    let what = format!("{wide} at a time on {}", kept.name());
    row(&format!("{what}: ended"), &mut play.ended)?;
    row(&format!("{what}: refused"), &mut play.refused)?;
    say(&format!("    the programs took {busy:.2} of {} cores meanwhile", cores()))?;
    runtime.block_on(gateway.removed())
}

/// The programs beside this one.
struct Programs {
    run: Vec<Child>,
    asks: Child,
}

impl Programs {
    fn begin(gateway: &Gateway, wide: usize, storage: &str, tell: &Sender<Said>) -> Fallible<Self> {
        let own = std::env::current_exe()?;
        let programs = PROGRAMS.min(wide);
        let mut run = Vec::new();
        for at in 0..programs {
            let names = gateway.names.iter().skip(at).step_by(programs);
            let mut command = spoken(gateway, &own, storage);
            command.args(["deny-runs", &wide.div_ceil(programs).to_string()]);
            command.args(names.map(CollaborationId::as_str));
            run.push(heard(command.spawn()?, tell));
        }
        let mut asks = spoken(gateway, &own, storage);
        let asks = heard(asks.arg("deny-asks").spawn()?, tell);
        Ok(Self { run, asks })
    }

    fn ask(&mut self, name: &CollaborationId) -> Fallible {
        let pipe = self.asks.stdin.as_mut().ok_or("no pipe")?;
        writeln!(pipe, "{name}")?;
        Ok(pipe.flush()?)
    }

    fn spent_ms(&self) -> Fallible<u64> {
        self.run.iter().chain([&self.asks]).map(|one| spent_ms(one.id())).sum()
    }

    fn end(mut self) -> Fallible {
        for one in self.run.iter_mut().chain([&mut self.asks]) {
            one.kill()?;
            one.wait()?;
        }
        Ok(())
    }
}

fn spoken(gateway: &Gateway, own: &Path, storage: &str) -> std::process::Command {
    let mut command = gateway.command(own);
    let credentials = [("AWS_ACCESS_KEY_ID", "none"), ("AWS_SECRET_ACCESS_KEY", "none")];
    command.envs(credentials).env("AWS_ENDPOINT_URL", storage).env("AWS_REGION", "eu-central-1");
    command.env("AWS_TIMEOUT", "1 hour").stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// What a program says: of which collaboration, what, and when that was.
type Said = (String, String, SystemTime);

fn heard(mut program: Child, tell: &Sender<Said>) -> Child {
    let (said, tell) = (program.stdout.take(), tell.clone());
    std::thread::spawn(move || {
        for line in said.into_iter().flat_map(|said| BufReader::new(said).lines()).flatten() {
            let words: Vec<&str> = line.split(' ').collect();
            let &[name, what, nanos] = words.as_slice() else { continue };
            let Ok(nanos) = nanos.parse() else { continue };
            let at = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos);
            if tell.send((name.to_owned(), what.to_owned(), at)).is_err() {
                return;
            }
        }
    });
    program
}

struct Play {
    told: Receiver<Said>,
    /// Whose run is under way.
    ready: Vec<String>,
    revoked: BTreeMap<String, SystemTime>,
    ended: Vec<Duration>,
    refused: Vec<Duration>,
}

impl Play {
    /// Withdraws one by one; how much of how many cores the programs took meanwhile.
    fn through(
        &mut self,
        gateway: &Gateway,
        runtime: &tokio::runtime::Runtime,
        wide: usize,
        programs: &mut Programs,
    ) -> Fallible<f64> {
        let until = Instant::now() + BEGUN_WITHIN;
        while self.ready.len() < wide {
            self.hear(until)?;
        }
        let (since, before) = (Instant::now(), programs.spent_ms()?);
        let (many, mut seed) = (gateway.names.len().min(REVOKED_MAX), 1_usize);
        for at in 1..=many {
            let until = Instant::now() + ANSWERED_WITHIN;
            while self.ready.is_empty() {
                self.hear(until)?;
            }
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let name = self.ready.swap_remove((seed >> 33) % self.ready.len());
            let collaboration = name.parse()?;
            runtime.block_on(gateway.revoke(&collaboration))?;
            self.revoked.insert(name, SystemTime::now());
            if at % ASKED_EVERY == 0 {
                programs.ask(&collaboration)?;
            }
            let next = since + REVOKE_EVERY * u32::try_from(at)?;
            while self.hear(next).is_ok() {}
        }
        let until = Instant::now() + ANSWERED_WITHIN;
        while self.ended.len() < many || self.refused.len() < many / ASKED_EVERY {
            self.hear(until)?;
        }
        let spent = Duration::from_millis(programs.spent_ms()? - before);
        Ok(spent.as_secs_f64() / since.elapsed().as_secs_f64())
    }

    fn hear(&mut self, until: Instant) -> Fallible {
        let left = until.saturating_duration_since(Instant::now());
        let (name, what, at) = self.told.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => "not in time",
            RecvTimeoutError::Disconnected => "a program ended",
        })?;
        let revoked = self.revoked.get(&name).copied();
        let took = |since: SystemTime| at.duration_since(since).unwrap_or_default();
        match (what.as_str(), revoked) {
            ("begun", _) => self.ready.push(name),
            ("ended:dataset-revoked", Some(since)) => self.ended.push(took(since)),
            ("refused:dataset-revoked", Some(since)) => self.refused.push(took(since)),
            (other, _) => return Err(format!("{name}: {other}").into()),
        }
        Ok(())
    }
}

/// An endpoint that takes every connection and never answers.
fn silence() -> Fallible<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        let held: Vec<_> = listener.incoming().collect();
        drop(held);
    });
    Ok(url)
}

/// A program of this gateway that runs what it is told, so many at a time.
pub(crate) fn runs(wide: usize, names: &[&str]) -> Fallible {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let app = Arc::new(opened().await?);
        // One begins after the other: what is measured is many that are under way, not many that begin.
        let turn = Arc::new(Semaphore::new(1));
        let runs =
            names.iter().map(|name| {
                let (app, name, turn) = (Arc::clone(&app), (*name).to_owned(), Arc::clone(&turn));
                async move {
                    tokio::spawn(async move { run(&app, &name, ("ended", &turn)).await }).await
                }
            });
        let mut runs = futures::stream::iter(runs).buffer_unordered(wide);
        while let Some(run) = runs.next().await {
            run??;
        }
        // Whoever began this one ends it.
        std::future::pending().await
    })
}

/// The same for what it reads, one after the other.
pub(crate) fn asks() -> Fallible {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (app, turn) = (opened().await?, Semaphore::new(1));
        for line in std::io::stdin().lines() {
            Box::pin(run(&app, &line?, ("refused", &turn))).await?;
        }
        Ok(())
    })
}

async fn opened() -> Fallible<App> {
    let home = std::env::var("AIRLOCK_HOME")?;
    Ok(App::existing(Path::new(&home)).await?)
}

/// Says when the run is under way, and how it ended.
async fn run(app: &App, name: &str, (word, turn): (&str, &Semaphore)) -> Fallible {
    let request = RunRequest {
        collaboration: name.parse()?,
        template: "sales-by-campaign".parse()?,
        room: PlatformId::native(),
        by: brand()?,
        parameters: BTreeMap::new(),
        digest: None,
        run: None,
        limits: adapter_spi::RunLimits::default(),
        salt: None,
    };
    let cancel = tokio_util::sync::CancellationToken::new();
    let mut begins = Some(turn.acquire().await?);
    let mut progress = |_| {
        if begins.take().is_some() {
            let _ = told(name, "begun");
        }
    };
    let ended = Box::pin(app.run(request, &cancel, &mut progress)).await;
    let code = ended.map_or_else(|error| error.code, |_| "succeeded".to_owned());
    told(name, &format!("{word}:{code}"))
}

fn told(name: &str, what: &str) -> Fallible {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos();
    say(&format!("{name} {what} {now}"))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn row(what: &str, took: &mut [Duration]) -> Fallible {
    took.sort_unstable();
    let at = |percent: usize| {
        let at = (took.len() * percent / 100).min(took.len().saturating_sub(1));
        took.get(at).copied().unwrap_or_default()
    };
    let (p50, p99, most) = (at(50), at(99), took.last().copied().unwrap_or_default());
    let ms = |time: Duration| format!("{} ms", time.as_millis());
    say(&format!(
        "  {what:<44} {:>8} {:>8} {:>8}   {}   {}",
        ms(p50),
        ms(p99),
        ms(most),
        took.len(),
        held(p99 < DENIED_WITHIN)
    ))
}
