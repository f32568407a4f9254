//! `simulate --seeds N [--from S] [--trace]`, `simulate --replay FILE`, `simulate crash [--pairs [--whole]] [--only WORKFLOW] [--every N]`.

use simulate::{Replay, Tally, Violation, crash, replay, run_seed, smaller};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

/// Lines of a trace that are printed with a failure.
const LINES_MAX: usize = 14;
/// Faults and acts that are printed with a failure.
const CASE_MAX: usize = 18;

struct Args(Vec<String>);

impl Args {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|arg| arg == name)
    }

    fn text(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|arg| arg == name)?;
        self.0.get(at + 1).map(String::as_str)
    }

    fn number(&self, name: &str, or: u64) -> u64 {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or(or)
    }
}

fn main() -> io::Result<ExitCode> {
    let args = Args(std::env::args().skip(1).collect());
    let mut out = io::stdout().lock();
    let good = if args.has("crash") {
        crashes(&args, &mut out)?
    } else if let Some(file) = args.text("--replay") {
        let kept = serde_json::from_slice(&std::fs::read(file)?)?;
        again(&kept, &args, &mut out)?
    } else {
        seeds(&args, &mut out)?
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn again(kept: &Replay, args: &Args, out: &mut impl Write) -> io::Result<bool> {
    let outcome = replay(kept, true);
    let from = if args.has("--trace") { 0 } else { outcome.lines.len().saturating_sub(LINES_MAX) };
    for line in outcome.lines.iter().skip(from) {
        writeln!(out, "{line}")?;
    }
    if let Some(Violation { invariant, at_ms, why }) = &outcome.broken {
        writeln!(out, "invariant {invariant} at {at_ms}: {why}")?;
    }
    writeln!(out, "{} steps, trace {}", outcome.steps, outcome.hash)?;
    Ok(outcome.broken.is_none())
}

fn seeds(args: &Args, out: &mut impl Write) -> io::Result<bool> {
    let (count, from) = (args.number("--seeds", 500), args.number("--from", 0));
    let (begun, mut tally) = (Instant::now(), Tally::default());
    let mut broken = BTreeMap::<u32, Vec<u64>>::new();
    for seed in from..from.saturating_add(count) {
        let outcome = run_seed(seed, args.has("--trace"));
        for line in &outcome.lines {
            writeln!(out, "{line}")?;
        }
        tally.add(&outcome);
        let Some(Violation { invariant, at_ms, why }) = outcome.broken else { continue };
        writeln!(out, "seed {seed}: invariant {invariant} at {at_ms}: {why}")?;
        let known = broken.entry(invariant).or_default();
        known.push(seed);
        if known.len() == 1 && !args.has("--trace") {
            failed(seed, invariant, out)?;
        }
    }
    for (invariant, seeds) in &broken {
        writeln!(out, "invariant {invariant}: broken by {} seeds", seeds.len())?;
    }
    for (kind, times) in &tally.fired {
        writeln!(out, "{:>24} {times}", kind.name())?;
    }
    let spent = begun.elapsed();
    let rate = u128::from(tally.steps) * 1000 / spent.as_millis().max(1);
    let days = tally.virtual_ms / 86_400_000;
    writeln!(
        out,
        "{} seeds, {} steps, {} leaves, {days} virtual days, {} ms, {rate} steps/s; never struck: {}; not run: quorum of 20",
        tally.seeds,
        tally.steps,
        tally.leaves,
        spent.as_millis(),
        tally.missing().join(" "),
    )?;
    Ok(broken.is_empty())
}

/// The smallest case that breaks the same, kept and shown.
fn failed(seed: u64, invariant: u32, out: &mut impl Write) -> io::Result<()> {
    let kept = smaller(seed, invariant);
    let file = std::env::temp_dir().join(format!("simulate-{seed}-{invariant}.json"));
    std::fs::write(&file, serde_json::to_vec(&kept)?)?;
    writeln!(out, "  --replay {}", file.display())?;
    let lines = kept.lines();
    for line in lines.iter().rev().take(CASE_MAX).rev() {
        writeln!(out, "  {line}")?;
    }
    let outcome = replay(&kept, true);
    for line in outcome.lines.iter().skip(outcome.lines.len().saturating_sub(LINES_MAX)) {
        let line: String = line.chars().take(200).collect();
        writeln!(out, "    {line}")?;
    }
    Ok(())
}

fn crashes(args: &Args, out: &mut impl Write) -> io::Result<bool> {
    let every = usize::try_from(args.number("--every", 1)).unwrap_or(1).max(1);
    let mut good = true;
    // Two deaths are a square of the effects: all of them on a small agreement, on the whole one where that is asked for.
    let small = args.has("--pairs") && !args.has("--whole");
    let size = if small { crash::Size::Small } else { crash::Size::Whole };
    for workflow in crash::workflows(size) {
        if args.text("--only").is_some_and(|only| only != workflow.name) {
            continue;
        }
        let begun = Instant::now();
        let matrix = workflow.matrix(args.has("--pairs"), every);
        good &= matrix.broken.is_empty();
        writeln!(
            out,
            "{:>22}: {} effects, {} runs, {} steps, {} broken, {} ms",
            workflow.name,
            matrix.effects,
            matrix.runs,
            matrix.steps,
            matrix.broken.len(),
            begun.elapsed().as_millis(),
        )?;
        for (at, Violation { invariant, why, .. }) in matrix.broken.iter().take(4) {
            writeln!(out, "    {at}: invariant {invariant}: {why}")?;
        }
    }
    Ok(good)
}
