//! How long both Snowflake rooms take to assess an agreement of many datasets and to plan for it, with nothing there, with
//! everything there, with one dataset withdrawn, and closed. No platform, no sockets.
//! `cargo bench -p adapter-snowflake --features model --bench plan [-- DATASETS]` prints it; `adapters/snowflake/benches/README.md` has figures.

use adapter_snowflake::model::{Size, agreement, settled_collaborations, settled_shares};
use adapter_snowflake::{Connection, Connections, SnowflakeCollaborations, SnowflakeShares};
use adapter_spi::{Adapter, Desired, Observation, Plan, Scope};
use mappings::model::{Agreement, PlatformId};
use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

type Fallible<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;
type Settled = fn(&Desired, &Scope) -> Observation;

const ROUNDS: usize = 15;
/// What is asked of each.
const ASKED_MS: f64 = 50.0;

fn main() -> Fallible {
    let datasets = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(100);
    let size = Size { members: 4, datasets, columns: 20, templates: datasets };
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{datasets} datasets of {} columns, {} templates, {} members; median and most of {ROUNDS}, at most {ASKED_MS:.0} ms asked",
        size.columns, size.templates, size.members
    )?;
    for (platform, settled) in [
        (PlatformId::snowflake(), settled_shares as Settled),
        (PlatformId::snowflake_dcr(), settled_collaborations as Settled),
    ] {
        let agreement = Arc::new(agreement(&platform, "bench", size)?);
        let room = room(&platform, &agreement);
        measured(&mut out, room.as_ref(), (&agreement, settled))?;
    }
    Ok(())
}

fn room(platform: &PlatformId, agreement: &Agreement) -> Box<dyn Adapter> {
    let members = agreement.members.keys().map(|one| (one.clone(), Connection::default()));
    let verified = ["preset-tables".to_owned()].into();
    let connections =
        Connections { members: members.collect(), verified, ..Connections::default() };
    // Nobody is called, so that no token is signed.
    let clock = Arc::new(|| 0);
    if *platform == PlatformId::snowflake() {
        Box::new(SnowflakeShares::new(connections, clock))
    } else {
        Box::new(SnowflakeCollaborations::new(connections, clock))
    }
}

fn measured(
    out: &mut impl std::io::Write,
    room: &dyn Adapter,
    (agreement, settled): (&Arc<Agreement>, Settled),
) -> Fallible {
    let scope = Scope::of(agreement);
    let (whole, closed) =
        (Desired::whole(Arc::clone(agreement)), Desired::closed(Arc::clone(agreement)));
    let mut less = whole.clone();
    less.datasets.pop_first();
    let (nothing, all) = (settled(&closed, &scope), settled(&whole, &scope));
    let name = room.platform();
    let verdicts = room.assess(agreement).verdicts.len();
    told(out, (&format!("{name} assess"), &format!("{verdicts} verdicts")), || {
        drop(room.assess(agreement));
        Ok(())
    })?;
    for (what, desired, seen) in [
        ("plan, nothing there", &whole, &nothing),
        ("plan, all there", &whole, &all),
        ("plan, one withdrawn", &less, &all),
        ("plan, closed", &closed, &all),
    ] {
        let plan = planned(room, desired, seen)?;
        let steps = format!("{} steps", plan.steps.len());
        told(out, (&format!("{name} {what}"), &steps), || planned(room, desired, seen).map(drop))?;
    }
    Ok(())
}

fn planned(room: &dyn Adapter, desired: &Desired, seen: &Observation) -> Fallible<Plan> {
    room.plan(desired, seen).map_err(|refused| refused.message.into())
}

fn told(
    out: &mut impl std::io::Write,
    (what, of): (&str, &str),
    act: impl Fn() -> Fallible,
) -> Fallible {
    let mut samples = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        act()?;
        samples.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    samples.sort_by(f64::total_cmp);
    let median = samples.get(ROUNDS / 2).copied().unwrap_or(f64::NAN);
    let most = samples.last().copied().unwrap_or(f64::NAN);
    let holds = if median <= ASKED_MS { "holds" } else { "MISSES" };
    writeln!(out, "{what:<36} {median:7.1} ms  {most:7.1} ms  {holds}  ({of})")?;
    Ok(())
}
