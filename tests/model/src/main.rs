//! `revocation-model [--platforms N] [--epochs N] [--at-once] [--break NAME]… [--limit STATES]`: visits every state within the
//! bounds and says how many there were, or the shortest way to a broken promise; then it exits with 1.

use revocation_model::explore::{Found, explore};
use revocation_model::rules::{Break, Rules};
use revocation_model::words::{said, shown};
use revocation_model::world::World;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

/// What is visited at most, unless said otherwise.
const STATES_MAX: usize = 40_000_000;

fn rules(mut args: impl Iterator<Item = String>) -> Option<(Rules, usize)> {
    let (mut rules, mut limit) = (Rules::new(3, 3, true), STATES_MAX);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--at-once" => rules.lags = false,
            "--platforms" => rules.platforms = bounded(&args.next()?)?,
            "--epochs" => rules.epochs = bounded(&args.next()?)?,
            "--limit" => limit = args.next()?.parse().ok()?,
            "--break" => rules = rules.without(Break::named(&args.next()?)?),
            _ => return None,
        }
    }
    Some((rules, limit))
}

fn bounded(text: &str) -> Option<u8> {
    text.parse().ok().filter(|number| (1..=3).contains(number))
}

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let Some((rules, limit)) = rules(std::env::args().skip(1)) else {
        let names: Vec<_> = Break::ALL.into_iter().map(Break::name).collect();
        let usage = "--platforms 1-3, --epochs 1-3, --at-once, --limit STATES, --break one of";
        let _ = writeln!(out, "{usage} {}", names.join(", "));
        return ExitCode::from(2);
    };
    let began = Instant::now();
    let found = explore(&rules, limit);
    let seconds = began.elapsed().as_secs_f64();
    match told(&mut out, &rules, &found, seconds) {
        Ok(()) if found.broken.is_none() && found.whole => ExitCode::SUCCESS,
        Ok(()) | Err(_) => ExitCode::FAILURE,
    }
}

fn told(out: &mut impl Write, rules: &Rules, found: &Found, seconds: f64) -> io::Result<()> {
    let Found { states, transitions, depth, .. } = found;
    let size = format!("{} platforms, {} withdrawals", rules.platforms, rules.epochs);
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
