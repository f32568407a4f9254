//! A node that has nothing to do: the real worker over many settled logs, its memory and its share of a core by what the kernel
//! counts. Must not know how a worker works.

use crate::Fallible;
use crate::gateways::{Gateway, Held, Kept};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const SAMPLE: Duration = Duration::from_secs(5);
/// Two samples in a row that differ by less than this are calm.
const CALM_MS: u64 = 100;
const CALM_WITHIN: Duration = Duration::from_mins(5);
const MEASURED: Duration = Duration::from_mins(1);
/// The kernel counts in hundredths of a second towards programs.
const TICK_MS: u64 = 10;
/// What was asked for.
const RESIDENT_MIB_MAX: u64 = 300;
const CORE_PERCENT_MAX: u64 = 5;

pub(crate) fn idle(collaborations: usize) -> Fallible {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for kept in Kept::all()? {
        let since = Instant::now();
        let gateway = runtime.block_on(Gateway::new(&kept, Held::Both, collaborations))?;
        say(&format!(
            "{collaborations} collaborations on {}, each in the native room and in AWS Clean Rooms, made in {:.0} s",
            kept.name(),
            since.elapsed().as_secs_f64()
        ))?;
        say(
            "  this gateway operates nobody in AWS: what is kept up is leases, logs and what waits for a log, and no platform is asked",
        )?;
        if cfg!(debug_assertions) {
            say("  (a debug build: what it takes of a core is overstated)")?;
        }
        let program = Path::new(env!("CARGO_BIN_EXE_airlock"));
        let mut command = gateway.command(program);
        let mut worker = command.arg("sync").stdout(Stdio::null()).spawn()?;
        let measured = measured(&mut worker, &gateway, &runtime);
        let ended = ended(&mut worker);
        measured?;
        ended?;
        runtime.block_on(gateway.removed())?;
    }
    Ok(())
}

fn measured(worker: &mut Child, gateway: &Gateway, runtime: &tokio::runtime::Runtime) -> Fallible {
    let (pid, since) = (worker.id(), Instant::now());
    let (mut spent, mut last) = (0, None);
    let calm = loop {
        std::thread::sleep(SAMPLE);
        let now = spent_ms(pid)?;
        let sample = now - std::mem::replace(&mut spent, now);
        if last.is_some_and(|last: u64| last.abs_diff(sample) < CALM_MS) {
            break true;
        }
        if since.elapsed() > CALM_WITHIN {
            break false;
        }
        last = Some(sample);
    };
    let word = if calm { "to calm" } else { "and never calm" };
    say(&format!(
        "  from its start {word}: {:.0} s, {:.1} s of a core, {} MiB resident",
        since.elapsed().as_secs_f64(),
        seconds(spent),
        resident_mib(pid, "VmRSS:")?
    ))?;
    let since = Instant::now();
    std::thread::sleep(MEASURED);
    let spent = spent_ms(pid)? - spent;
    let wall_ms = u64::try_from(since.elapsed().as_millis())?;
    let (resident, most) = (resident_mib(pid, "VmRSS:")?, resident_mib(pid, "VmHWM:")?);
    let share = spent * 1_000 / wall_ms.max(1);
    say(&format!(
        "  in {} s then: {}.{} % of a core (asked: under {CORE_PERCENT_MAX} %: {})",
        wall_ms / 1_000,
        share / 10,
        share % 10,
        held(share < CORE_PERCENT_MAX * 10)
    ))?;
    say(&format!(
        "  resident {resident} MiB, {most} MiB at the most (asked: under {RESIDENT_MIB_MAX} MiB: {})",
        held(most < RESIDENT_MIB_MAX)
    ))?;
    let leases = runtime.block_on(gateway.store.leases("sync/shard/"))?;
    say(&format!("  it holds {} leases", leases.len()))?;
    if leases.is_empty() || worker.try_wait()?.is_some() {
        return Err("the worker did not work".into());
    }
    Ok(())
}

fn ended(worker: &mut Child) -> Fallible {
    let pid = worker.id().to_string();
    std::process::Command::new("kill").args(["-TERM", &pid]).status()?;
    let ended = worker.wait()?;
    if ended.success() { Ok(()) } else { Err(format!("the worker ended with {ended}").into()) }
}

pub(crate) const fn held(holds: bool) -> &'static str {
    if holds { "holds" } else { "DOES NOT HOLD" }
}

pub(crate) fn say(line: &str) -> Fallible {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}

fn seconds(ms: u64) -> f64 {
    Duration::from_millis(ms).as_secs_f64()
}

/// What a process has used of processors so far, in its own code and in the kernel.
pub(crate) fn spent_ms(pid: u32) -> Fallible<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no process")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    Ok(ticks.sum::<Result<u64, _>>()? * TICK_MS)
}

fn resident_mib(pid: u32, line: &str) -> Fallible<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kilobytes = status.lines().find_map(|found| found.strip_prefix(line));
    let kilobytes =
        kilobytes.and_then(|text| text.split_whitespace().next()).ok_or("no process")?;
    Ok(kilobytes.parse::<u64>()? / 1024)
}
