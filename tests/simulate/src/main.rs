//! Runs seeds from the command line.

use simulate::{Tally, run_seed};
use std::io::Write as _;
use std::time::Instant;

fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let number = |name: &str, or: u64| {
        let at = args.iter().position(|arg| arg == name);
        at.and_then(|at| args.get(at + 1)).and_then(|text| text.parse().ok()).unwrap_or(or)
    };
    let (seeds, from) = (number("--seeds", 100), number("--from", 0));
    let mut out = std::io::stdout().lock();
    let begun = Instant::now();
    let mut tally = Tally::default();
    let mut broken = BTreeMap::<u32, Vec<u64>>::new();
    for seed in from..from + seeds {
        let keep = args.iter().any(|arg| arg == "--trace");
        let outcome = run_seed(seed, keep);
        for line in &outcome.lines {
            writeln!(out, "{line}")?;
        }
        tally.add(&outcome);
        if let Some(violation) = outcome.broken {
            let all = broken.entry(violation.invariant).or_default();
            all.push(seed);
            if all.len() <= 3 {
                writeln!(
                    out,
                    "seed {seed}: {} at {}: {}",
                    violation.invariant, violation.at_ms, violation.why
                )?;
            }
        }
    }
    for (invariant, seeds) in &broken {
        writeln!(out, "invariant {invariant}: {} seeds", seeds.len())?;
    }
    let spent = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let rate = tally.steps as f64 / spent;
    writeln!(
        out,
        "{} seeds, {} steps, {} leaves, {} virtual days, {spent:.1} s, {rate:.0} steps/s; never: {}",
        tally.seeds,
        tally.steps,
        tally.leaves,
        tally.virtual_ms / 86_400_000,
        tally.missing().join(", ")
    )
}

use std::collections::BTreeMap;
