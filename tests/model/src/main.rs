//! `revocation-model [--platforms N] [--epochs N] [--at-once] [--break NAME]… [--limit STATES]`: visits every state within the
//! bounds and says how many there were, or the shortest way to a broken promise; then it exits with 1.
//!
//! Without any bound, three worlds (release, one busy core, at most 1.6 GB):
//!
//! | platforms | withdrawals open at once | answers | states | transitions | depth | time |
//! |---|---|---|---|---|---|---|
//! | 3 | 1 | may be old | 8,599,505 | 90,563,620 | 71 | 25 s |
//! | 2 | 3 | may be old | 12,799,584 | 119,712,335 | 64 | 38 s |
//! | 3 | 3 | at once | 24,773,528 | 248,698,105 | 97 | 83 s |

use revocation_model::explore::{Found, explore};
use revocation_model::rules::{Break, Rules};
use revocation_model::words::{said, shown};
use revocation_model::world::World;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

/// What is visited at most, unless said otherwise.
const STATES_MAX: usize = 40_000_000;
/// What is visited when nothing else is asked for.
const ROWS: [Rules; 3] = [Rules::new(3, 1, true), Rules::new(2, 3, true), Rules::new(3, 3, false)];

fn rows(args: &[String]) -> Option<(Vec<Rules>, usize)> {
    let mut args = args.iter();
    let (mut rules, mut limit, mut sized) = (Rules::new(2, 2, true), STATES_MAX, false);
    let mut broken = Vec::new();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--limit" => limit = args.next()?.parse().ok()?,
            "--break" => broken.push(Break::named(args.next()?)?),
            "--at-once" => (rules.lags, sized) = (false, true),
            "--platforms" => (rules.platforms, sized) = (bounded(args.next()?)?, true),
            "--epochs" => (rules.epochs, sized) = (bounded(args.next()?)?, true),
            _ => return None,
        }
    }
    let sized = sized || !broken.is_empty();
    let rows = if sized { vec![rules] } else { ROWS.to_vec() };
    let without = |row: Rules| broken.iter().fold(row, |row, rule| row.without(*rule));
    Some((rows.into_iter().map(without).collect(), limit))
}

fn bounded(text: &str) -> Option<u8> {
    text.parse().ok().filter(|number| (1..=3).contains(number))
}

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let args: Vec<_> = std::env::args().skip(1).collect();
    let Some((rows, limit)) = rows(&args) else {
        let names: Vec<_> = Break::ALL.into_iter().map(Break::name).collect();
        let usage = "--platforms 1-3, --epochs 1-3, --at-once, --limit STATES, --break one of";
        let _ = writeln!(out, "{usage} {}", names.join(", "));
        return ExitCode::from(2);
    };
    let mut kept = true;
    for rules in rows {
        let began = Instant::now();
        let found = explore(rules, limit);
        let seconds = began.elapsed().as_secs_f64();
        kept &= found.broken.is_none() && found.whole;
        kept &= told(&mut out, rules, &found, seconds).is_ok();
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn told(out: &mut impl Write, rules: Rules, found: &Found, seconds: f64) -> io::Result<()> {
    let Found { states, transitions, depth, .. } = found;
    let answers = if rules.lags { "old answers" } else { "answers at once" };
    let size =
        format!("{} platforms, {} open withdrawals, {answers}", rules.platforms, rules.epochs);
    let numbers = format!("{states} states, {transitions} transitions, depth {depth}");
    writeln!(out, "{size}: {numbers}, {seconds:.1} s")?;
    if !found.whole {
        writeln!(out, "cut off: not every state within the bounds was seen")?;
    }
    let Some((promise, way)) = &found.broken else { return Ok(()) };
    writeln!(out, "{promise}")?;
    writeln!(out, "  0  {}", shown(rules, &World::first()))?;
    for (number, (step, world)) in way.iter().enumerate() {
        writeln!(out, "{:3}  {:64} [{}]", number + 1, said(*step), shown(rules, world))?;
    }
    Ok(())
}
