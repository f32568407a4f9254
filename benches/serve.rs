//! What `airlock serve` bears: the real program over many collaborations, asked by a client on the same machine over connections that
//! stay. Times count from when a request was due, whether or not the client could send it then.
//!
//! - `cargo bench --bench serve -- mixed [RATE] [SECONDS] [COLLABORATIONS]`: four fifths reads, three twentieths decisions that end
//!   without a leaf, one twentieth writes, each a leaf on disk with its receipt; 1,000 a second for ten minutes over 10,000 if not said otherwise.
//! - `… -- reads [SECONDS] [COLLABORATIONS] [HOT]`: reads alone as fast as they are answered, of HOT collaborations out of all.
//! - `… -- beyond [SECONDS] [COLLABORATIONS]`: more at a time than there are places for; then how soon it is as before.
//! - `… -- start [COLLABORATIONS]`: from the start of the program to ready.
//!
//! Each also with `PostgreSQL` where `AIRLOCK_POSTGRES_URL` names a server in which databases may be made, or on one store alone where
//! its name is said as well. Must not know how the gateway answers.

#[path = "serve/connection.rs"]
mod connection;
#[expect(dead_code, reason = "what is measured elsewhere takes more of it")]
#[path = "sync/gateways.rs"]
mod gateways;
#[path = "serve/load.rs"]
mod load;
#[path = "serve/requests.rs"]
mod requests;
#[path = "serve/served.rs"]
mod served;

use gateways::{Gateway, Held, Kept};
use load::{Told, at_rate, closed};
use requests::{Kind, Requests};
use served::Served;
use std::error::Error;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

type Fallible<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// What was asked for.
const P99_MAX: Duration = Duration::from_millis(50);
const READS_MIN: f64 = 10_000.0;
const START_MAX: Duration = Duration::from_secs(2);
const RECOVERED_MAX: Duration = Duration::from_secs(5);
const RESIDENT_MIB_MAX: u64 = 300;
/// Connections of the client; of them none waits for another.
const CONNECTIONS: usize = 64;
/// Connections that ask at the same time when there are too many.
const TOO_MANY: usize = 900;

fn main() -> Fallible {
    let words = std::env::args().skip(1).filter(|word| word != "--bench");
    let (alone, words): (Vec<String>, Vec<String>) = words.partition(|word| is_store(word));
    let stores = Kept::all()?.into_iter().filter(|kept| {
        let said = |name: &String| name.eq_ignore_ascii_case(kept.name());
        alone.is_empty() || alone.iter().any(said)
    });
    let stores: Vec<Kept> = stores.collect();
    if stores.is_empty() {
        return Err("that store isn't here: AIRLOCK_POSTGRES_URL names no server".into());
    }
    let number = |at: usize, usual: u64| words.get(at).map_or(Ok(usual), |word| word.parse());
    let collaborations = |at| number(at, 10_000).map(usize::try_from);
    let seconds = |at, usual| number(at, usual).map(Duration::from_secs);
    match words.first().map(String::as_str) {
        Some("mixed") => each(&stores, collaborations(3)??, |bench| {
            bench.mixed(number(1, 1_000)?, seconds(2, 600)?)
        }),
        Some("reads") => {
            let hot = usize::try_from(number(3, 1_000)?)?;
            each(&stores, collaborations(2)??, |bench| bench.reads(seconds(1, 30)?, hot))
        }
        Some("beyond") => each(&stores, collaborations(2)??, |bench| bench.beyond(seconds(1, 20)?)),
        Some("start") => each(&stores, collaborations(1)??, Bench::start),
        _ => Err("see the head of benches/serve.rs".into()),
    }
}

/// One gateway with its client.
struct Bench {
    gateway: Gateway,
    /// One thread: the client leaves the rest of the machine to the gateway.
    client: Runtime,
}

/// The same with each store that there is.
fn is_store(word: &str) -> bool {
    ["sqlite", "postgresql"].iter().any(|name| word.eq_ignore_ascii_case(name))
}

fn each(stores: &[Kept], collaborations: usize, measured: impl Fn(&Bench) -> Fallible) -> Fallible {
    if cfg!(debug_assertions) {
        say("(a debug build: what it takes is overstated)")?;
    }
    for kept in stores {
        let made = Runtime::new()?;
        let gateway = made.block_on(Gateway::new(kept, Held::Unapproved, collaborations))?;
        let client = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        say(&format!("{collaborations} collaborations on {}", kept.name()))?;
        let bench = Bench { gateway, client };
        let outcome = measured(&bench);
        made.block_on(bench.gateway.removed())?;
        outcome?;
    }
    Ok(())
}

impl Bench {
    fn mixed(&self, rate: u64, long: Duration) -> Fallible {
        let served = Served::start(&self.gateway)?;
        let requests = Requests::new(&self.gateway, &served)?;
        let before = served.taken()?;
        let over = AtomicBool::new(false);
        let (told, resident) = std::thread::scope(|scope| {
            let watched = scope.spawn(|| watched(&served, &requests, long / 10, &over));
            let load = at_rate(&served, &requests, (rate, long), CONNECTIONS, Kind::mixed);
            let told = self.client.block_on(load);
            over.store(true, Ordering::Relaxed);
            Fallible::Ok((told?, watched.join().map_err(|_| "nobody watched")??))
        })?;
        say(&format!(
            "  {rate} a second for {} s: {} answered, {:.0} a second",
            long.as_secs(),
            told.answered(),
            told.rate()
        ))?;
        for kind in Kind::ALL {
            row(kind.name(), &told.of(kind))?;
        }
        row("all", &told)?;
        say(&format!(
            "  p99 at most {} ms: {}; no error: {}",
            P99_MAX.as_millis(),
            held(told.at(99.0) <= P99_MAX),
            held(told.wrong.is_empty())
        ))?;
        for (what, many) in &told.wrong {
            say(&format!("    {many} x {what}"))?;
        }
        served.told(before, told.answered())?;
        say(&format!("  resident, each tenth of the time: {resident:?} MiB"))?;
        let most = served.resident_mib("VmHWM:")?;
        say(&format!(
            "  {most} MiB at the most (asked: under {RESIDENT_MIB_MAX} MiB: {})",
            held(most < RESIDENT_MIB_MAX)
        ))?;
        served.end()
    }

    fn reads(&self, long: Duration, hot: usize) -> Fallible {
        let served = Served::start(&self.gateway)?;
        let requests = Requests::new(&self.gateway, &served)?.of(hot);
        // What is asked for the first time is read from the store.
        let warm = Duration::from_secs(5);
        self.client.block_on(closed(&served, &requests, warm, CONNECTIONS, Kind::reads))?;
        let before = served.taken()?;
        let told =
            self.client.block_on(closed(&served, &requests, long, CONNECTIONS, Kind::reads))?;
        row("reads", &told)?;
        say(&format!(
            "  {:.0} reads a second (asked: {READS_MIN}: {}), {CONNECTIONS} at a time, of {hot} collaborations",
            told.rate(),
            held(told.rate() >= READS_MIN && told.wrong.is_empty())
        ))?;
        for (what, many) in &told.wrong {
            say(&format!("    {many} x {what}"))?;
        }
        served.told(before, told.answered())?;
        served.end()
    }

    fn beyond(&self, long: Duration) -> Fallible {
        let served = Served::start(&self.gateway)?;
        let requests = Requests::new(&self.gateway, &served)?;
        let before =
            at_rate(&served, &requests, (200, Duration::from_secs(5)), CONNECTIONS, Kind::reads);
        row("before, 200 reads a second", &self.client.block_on(before)?)?;
        let told = self.client.block_on(closed(&served, &requests, long, TOO_MANY, Kind::reads))?;
        row(&format!("{TOO_MANY} at a time"), &told)?;
        let later = told.wrong.get("429").copied().unwrap_or_default();
        let others = told.wrong.len() - usize::from(later > 0);
        say(&format!(
            "  {later} told to ask again later, each with Retry-After: {}; nothing else went wrong: {}",
            held(later > 0 && told.without_retry_after == 0),
            held(others == 0)
        ))?;
        let since = Instant::now();
        let recovered = loop {
            let again = at_rate(
                &served,
                &requests,
                (200, Duration::from_secs(1)),
                CONNECTIONS,
                Kind::reads,
            );
            let told = self.client.block_on(again)?;
            if told.wrong.is_empty() && told.at(99.0) <= P99_MAX {
                row("after, 200 reads a second", &told)?;
                // It was as before when this second began.
                break since.elapsed().saturating_sub(Duration::from_secs(1));
            }
            if since.elapsed() > Duration::from_mins(1) {
                return Err("it is not as it was before".into());
            }
        };
        say(&format!(
            "  as before after {:.1} s (asked: within {} s: {})",
            recovered.as_secs_f64(),
            RECOVERED_MAX.as_secs(),
            held(recovered <= RECOVERED_MAX)
        ))?;
        served.end()
    }

    fn start(&self) -> Fallible {
        for nth in ["first", "second", "third"] {
            let since = Instant::now();
            let served = Served::start(&self.gateway)?;
            served.ready()?;
            let took = since.elapsed();
            say(&format!(
                "  the {nth} time: ready after {:.2} s (asked: under {} s: {}), {} MiB resident",
                took.as_secs_f64(),
                START_MAX.as_secs(),
                held(took < START_MAX),
                served.resident_mib("VmRSS:")?
            ))?;
            served.end()?;
        }
        Ok(())
    }
}

/// The gateway's memory from time to time, until it is over; keeps the callers' tokens good meanwhile.
fn watched(
    served: &Served<'_>,
    requests: &Requests,
    every: Duration,
    over: &AtomicBool,
) -> Fallible<Vec<u64>> {
    let (since, mut resident) = (Instant::now(), Vec::new());
    while !over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(100));
        requests.refresh(served)?;
        if since.elapsed() >= every * u32::try_from(resident.len() + 1)? {
            resident.push(served.resident_mib("VmRSS:")?);
        }
    }
    Ok(resident)
}

fn row(what: &str, told: &Told) -> Fallible {
    let [p50, p99, p999] =
        [50.0, 99.0, 99.9].map(|percent| told.at(percent).as_secs_f64() * 1_000.0);
    let most = told.at(100.0).as_secs_f64() * 1_000.0;
    say(&format!(
        "    {what:<28} {:>8} answers   p50 {p50:>7.2} ms   p99 {p99:>7.2} ms   p99.9 {p999:>7.2} ms   most {most:>7.1} ms",
        told.answered()
    ))
}

const fn held(holds: bool) -> &'static str {
    if holds { "holds" } else { "DOES NOT HOLD" }
}

fn say(line: &str) -> Fallible {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}
