//! How soon the sync worker knows and closes, and at how many calls: the scheduler and the budgets in virtual time, and what they
//! cost in real time and memory; and the real program: what it takes while it has nothing to do, and how soon it denies.
//!
//! - `cargo bench --bench sync [-- COLLABORATIONS]`: the model; the seeds are fixed, so its virtual time is the same again.
//! - `… -- outages [COLLABORATIONS]`: of the model only what becomes of withdrawals while a platform is silent.
//! - `… -- idle [COLLABORATIONS]`: `airlock sync` over so many settled logs, for a minute by the kernel's own counts.
//! - `… -- deny [RUNS]`: so many native runs under way, and one withdrawal after the other.
//!
//! The last two need the feature `gateway`, and try `PostgreSQL` as well where `AIRLOCK_POSTGRES_URL` names a server in which
//! databases may be made. `--profile dev` spares the release build, and overstates what processors do.
//!
//! The model, all of it in `benches/sync/world.rs`: each collaboration has a room on three platforms, dealt out to several accounts
//! there. An account allows five calls a second of each operation, ten at once. A call takes 100 ms, one to
//! a silent platform 10 s. One list call surveys 100 collaborations of an account; a whole look at a room of one table is seven calls of as many
//! operations. With surveys, a look at a room whose mark is what its log says costs no call, but every twelfth is whole; a
//! changed mark wakes the room. Closing is a look, two writes and a look; one time of five it takes a second look to see it
//! closed. Closing appends leaves to the log, which wakes the collaboration's other rooms. What is not in the model: how long logs take
//! to load, and platforms that throttle before the limit.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a model that is wrong may end by panicking; no product code is here"
)]

#[cfg(feature = "gateway")]
#[path = "sync/deny.rs"]
mod deny;
#[cfg(feature = "gateway")]
#[path = "sync/gateways.rs"]
mod gateways;
#[cfg(feature = "gateway")]
#[path = "sync/idle.rs"]
mod idle;
#[path = "sync/world.rs"]
mod world;

use airlock::reconcile::budget::{Budgets, Key, Limit};
use airlock::reconcile::schedule::{Class, End, Interval, Pace, Schedule, Slots};
use mappings::model::{CollaborationId, PlatformId};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{StdoutLock, Write as _};
use std::time::Instant;
use world::{Closed, Notice, PLATFORMS, Setting, World, not_before_ms};

type Fallible<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const MINUTE: i64 = 60_000;
const SLOTS: Slots = Slots { ordinary: 64, reserved: 16 };
/// A page of marks is good for half a minute.
const SURVEY: Option<i64> = Some(30_000);

fn main() -> Fallible {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let many = |word: Option<&&str>, usual| word.map_or(Ok(usual), |word| word.parse());
    match words.as_slice() {
        #[cfg(feature = "gateway")]
        ["idle", rest @ ..] => idle::idle(many(rest.first(), 10_000)?),
        #[cfg(feature = "gateway")]
        ["deny", rest @ ..] => deny::deny(many(rest.first(), 1_000)?),
        #[cfg(feature = "gateway")]
        ["deny-runs", wide, names @ ..] => deny::runs(wide.parse()?, names),
        #[cfg(feature = "gateway")]
        ["deny-asks"] => deny::asks(),
        ["outages", rest @ ..] => {
            outages(&mut std::io::stdout().lock(), base(many(rest.first(), 10_000)?))
        }
        rest => modelled(many(rest.first(), 10_000)?),
    }
}

fn base(collaborations: usize) -> Setting {
    Setting {
        collaborations,
        accounts: 4,
        pace: Pace::default(),
        slots: SLOTS,
        survey_ms: SURVEY,
        changed: 50,
        drift_ms: None,
        revoke_ms: None,
        notice: Notice::Asked(500),
        silent: (0, 0),
    }
}

fn modelled(collaborations: usize) -> Fallible {
    let mut out = std::io::stdout().lock();
    let base = base(collaborations);
    // Memory first: what the worlds leave free would hide it.
    writeln!(out, "{collaborations} collaborations x {PLATFORMS} rooms, real time")?;
    real(&mut out, collaborations)?;
    writeln!(out, "\nvirtual time, {} + {} turns at a time", SLOTS.ordinary, SLOTS.reserved)?;
    scans(&mut out, base)?;
    staleness(&mut out, base)?;
    closings(&mut out, base)?;
    outages(&mut out, base)
}

fn scans(out: &mut StdoutLock<'_>, base: Setting) -> Fallible {
    writeln!(out, "\nfirst scan: until every room is known; asked: under 15 min")?;
    let surveyed = |accounts, changed| Setting { accounts, changed, ..base };
    let whole = |accounts| Setting { survey_ms: None, changed: 1, ..surveyed(accounts, 1) };
    let rows = [
        ("survey first, 2 % changed, 1 account", surveyed(1, 50)),
        ("survey first, 2 % changed, 4 accounts", surveyed(4, 50)),
        ("whole looks at all, 1 account", whole(1)),
        ("whole looks at all, 4 accounts", whole(4)),
        ("whole looks at all, 16 accounts", whole(16)),
    ];
    for (what, setting) in rows {
        let mut world = World::new(setting);
        world.run(6 * 60 * MINUTE, true);
        let told = world.end();
        let took = told.scanned_ms.map_or_else(|| "not in 6 h".to_owned(), minutes);
        writeln!(out, "  {what:<48} {took:>10}   {:>7} calls", told.calls)?;
    }
    Ok(())
}

/// Measured over an hour, after half an hour.
fn staleness(out: &mut StdoutLock<'_>, base: Setting) -> Fallible {
    writeln!(out, "\nfrom a change on a platform to the look that sees it, a change each 2 s")?;
    writeln!(out, "  {:<48} {:>8} {:>8} {:>8}   calls/s", "", "p50", "p90", "p99")?;
    let base = Setting { drift_ms: Some(2_000), ..base };
    let mut row = |what: &str, setting: Setting| -> Fallible<i64> {
        let mut world = World::new(setting);
        world.run(30 * MINUTE, false);
        let calls = world.told.calls;
        world.told.stale_ms.clear();
        world.run(90 * MINUTE, false);
        let mut told = world.end();
        let calls = i64::try_from(told.calls - calls)?;
        let [p50, p90, p99] = percentiles(&mut told.stale_ms).map(minutes);
        writeln!(out, "  {what:<48} {p50:>8} {p90:>8} {p99:>8}   {}", calls / 3_600)?;
        Ok(calls)
    };
    let calls = row("survey first, by class and calm", base)?;
    let looks = i64::try_from(base.collaborations * PLATFORMS)? * 7 * 60 * MINUTE;
    let fixed = |every_ms: i64, accounts: usize| {
        let exposed = Interval { base_ms: every_ms, max_ms: every_ms };
        let pace = Pace { exposed, ..Pace::default() };
        Setting { survey_ms: None, pace, accounts, ..base }
    };
    let every_ms = looks / calls.max(1);
    let what = format!("fixed, whole looks each {}, as many calls", minutes(every_ms));
    row(&what, fixed(every_ms, 4))?;
    row("fixed, whole looks each 1.0 min, what 4 allow", fixed(MINUTE, 4))?;
    let calls = row("whole looks by class and calm, 24 accounts", {
        Setting { survey_ms: None, accounts: 24, ..base }
    })?;
    let every_ms = looks / calls.max(1);
    let what = format!("fixed, whole looks each {}, 24 accounts", minutes(every_ms));
    row(&what, fixed(every_ms, 24))?;
    Ok(())
}

fn closings(out: &mut StdoutLock<'_>, base: Setting) -> Fallible {
    writeln!(out, "\nfrom a revocation to a room seen closed, one each 5 s, busy as above")?;
    writeln!(out, "  {:<48} {:>8} {:>8} {:>8}   rooms", "", "p50", "p99", "most")?;
    let base = Setting { drift_ms: Some(2_000), revoke_ms: Some(5_000), ..base };
    let rows = [
        ("woken as it is appended; asked: p99 under 5 s", Notice::AtOnce),
        ("logs asked each 0.5 s; asked: p99 under 60 s", Notice::Asked(500)),
        ("told by nobody: found by the next look", Notice::Lost),
    ];
    for (what, notice) in rows {
        let mut world = World::new(Setting { notice, ..base });
        world.run(60 * MINUTE, false);
        let mut took: Vec<i64> = world
            .told
            .closed
            .iter()
            .filter(|one| one.since_ms > 20 * MINUTE)
            .map(|one| one.took_ms)
            .collect();
        let [p50, _, p99] = percentiles(&mut took).map(seconds);
        let most = seconds(took.last().copied().unwrap_or_default());
        writeln!(out, "  {what:<48} {p50:>8} {p99:>8} {most:>8}   {}", took.len())?;
    }
    Ok(())
}

/// The first platform is silent for half an hour.
fn outages(out: &mut StdoutLock<'_>, base: Setting) -> Fallible {
    writeln!(
        out,
        "\na platform silent for 30 min: from its return to closed; asked: p99 under 30 s.\nbeside it the p99 of what an account's calls allow at all: {} s for each {} rooms of one account",
        not_before_ms(102) / 1_000 - not_before_ms(2) / 1_000,
        100
    )?;
    writeln!(
        out,
        "  {:<48} {:>8} {:>8} {:>8} {:>10}   rooms   others meanwhile p99",
        "", "p50", "p99", "most", "not before"
    )?;
    let silent = (20 * MINUTE, 50 * MINUTE);
    for (what, revoke_ms, accounts) in [
        ("a revocation a minute, 4 accounts", MINUTE, 4),
        ("a revocation each 5 s, 4 accounts", 5_000, 4),
        ("a revocation each 5 s, 24 accounts", 5_000, 24),
        ("a revocation each 5 s, 96 accounts", 5_000, 96),
    ] {
        let drift_ms = Some(2_000);
        let setting = Setting { drift_ms, revoke_ms: Some(revoke_ms), accounts, silent, ..base };
        let mut world = World::new(setting);
        world.run(70 * MINUTE, false);
        let inside = |one: &Closed| (silent.0..silent.1).contains(&one.since_ms);
        let closed = world.told.closed.iter().copied().filter(inside);
        let (there, others): (Vec<Closed>, Vec<Closed>) = closed.partition(|one| one.platform == 0);
        let mut after: Vec<i64> =
            there.iter().map(|one| one.since_ms + one.took_ms - silent.1).collect();
        let mut others: Vec<i64> = others.iter().map(|one| one.took_ms).collect();
        let [p50, _, p99] = percentiles(&mut after).map(seconds);
        let most = seconds(after.last().copied().unwrap_or_default());
        let [_, _, least] = percentiles(&mut allowed(&there)).map(seconds);
        let [_, _, meanwhile] = percentiles(&mut others).map(seconds);
        let rooms = after.len();
        writeln!(
            out,
            "  {what:<48} {p50:>8} {p99:>8} {most:>8} {least:>10}   {rooms:>5}   {meanwhile}"
        )?;
    }
    Ok(())
}

/// When each room could have been closed at the earliest, had every call of its account gone to closing, and to nothing else.
fn allowed(closed: &[Closed]) -> Vec<i64> {
    let mut rooms = BTreeMap::new();
    let allowed = closed.iter().map(|one| {
        let before = rooms.entry(one.account).or_insert(0);
        *before += 1;
        not_before_ms(*before)
    });
    allowed.collect()
}

fn real(out: &mut StdoutLock<'_>, collaborations: usize) -> Fallible {
    let names: Vec<CollaborationId> = (0..collaborations)
        .map(|n| CollaborationId::new(&format!("deal-{n:05}")))
        .collect::<Result<_, _>>()?;
    let rooms: Vec<PlatformId> = (0..PLATFORMS)
        .map(|n| PlatformId::new(&format!("platform-{n}")))
        .collect::<Result<_, _>>()?;
    let all = Slots { ordinary: usize::MAX / 4, reserved: usize::MAX / 4 };
    let end = |class| End { class, changed: true, failed: None, size: 1 };
    let before = resident();
    let mut schedule = Schedule::new(Pace::default(), 42);
    schedule.heads(0, names.iter().cloned().map(|name| (name, 1)));
    for turn in schedule.due(MINUTE, all) {
        let rooms = rooms.iter().cloned().map(|room| (room, Class::Exposed));
        schedule.rooms(&turn.collaboration, rooms, MINUTE);
        schedule.ended(turn, end(Class::Exposed), MINUTE);
    }
    let (kept, slots) = (schedule.bytes(), schedule.len() - collaborations);
    let grown = resident().zip(before).map(|(after, before)| after.saturating_sub(before));
    let grown = grown.map_or_else(|| "unknown".to_owned(), |kb| format!("{kb} kB"));
    writeln!(out, "  {slots} rooms: {} kB by count, resident memory grew by {grown}", kept / 1024)?;
    let (mut turns, mut now, start) = (0_u32, MINUTE, Instant::now());
    for _ in 0..200 {
        now += 1_000;
        let due = schedule.due(now, all);
        turns += u32::try_from(due.len())?;
        for turn in due {
            schedule.ended(turn, end(Class::Exposed), now);
        }
    }
    writeln!(out, "  turns given out and ended: {}", rate(turns, start))?;
    let (start, mut woken) = (Instant::now(), 0);
    for name in &names {
        schedule.wake(name, rooms.first(), Class::Loosened, now);
        woken += 1;
    }
    writeln!(out, "  rooms woken, one by one: {}", rate(woken, start))?;
    let start = Instant::now();
    for _ in 0..20 {
        schedule.heads(now, names.iter().cloned().map(|name| (name, 1)));
    }
    let each = start.elapsed().as_secs_f64() * 50.0;
    writeln!(out, "  the lengths of {collaborations} logs taken in: {each:.1} ms")?;
    let mut budgets = Budgets::new(Limit { calls: 5, within_ms: 1_000, burst: 10 });
    let platform = PlatformId::aws_clean_rooms();
    let keys: Vec<Key> = (0..64)
        .map(|n| Key { platform: platform.clone(), account: n.to_string(), operation: "GetTable" })
        .collect();
    let (start, mut asked) = (Instant::now(), 0);
    for now in 0..4_000 {
        for key in &keys {
            asked += 1;
            let _ = std::hint::black_box(budgets.take(key, 1, false, now));
        }
    }
    writeln!(out, "  calls asked of 64 buckets: {}", rate(asked, start))?;
    Ok(())
}

fn percentiles(samples: &mut [i64]) -> [i64; 3] {
    samples.sort_unstable();
    [50, 90, 99].map(|percent| {
        let at = (samples.len() * percent / 100).min(samples.len().saturating_sub(1));
        samples.get(at).copied().unwrap_or_default()
    })
}

fn minutes(ms: i64) -> String {
    format!("{}.{} min", ms / MINUTE, ms % MINUTE * 10 / MINUTE)
}

fn seconds(ms: i64) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}

fn rate(many: u32, start: Instant) -> String {
    format!("{:.0}/s", f64::from(many) / start.elapsed().as_secs_f64())
}

/// In kilobytes.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
