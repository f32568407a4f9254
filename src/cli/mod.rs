//! The command line: one file a command. Reads arguments, calls a use case, shows what it answered.
//! Decides nothing.

mod apply;
mod approve;
mod audit;
mod check;
mod config;
mod connections;
mod decline;
mod ending;
mod explain;
mod export;
mod import;
mod join;
mod keygen;
mod measuring;
mod plan;
mod policies;
mod prepare;
mod printer;
mod quickstart;
mod remote;
mod reoffer;
mod revoke;
mod run;
mod schedule;
mod screen;
mod serve;
mod share;
mod status;
mod sync;
mod token;
mod waiting;
mod waive;
mod witness;

use crate::error::{Error, Kind, Result};
use crate::home::Home;
use crate::settings;
use crate::traces::Traces;
use clap::{CommandFactory, Parser, Subcommand};
use screen::Screen;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// One collaboration, every clean room.
#[derive(Debug, Parser)]
#[command(name = "airlock", version, about, long_about = LONG_ABOUT)]
struct Arguments {
    /// Print one JSON object for machines instead of tables.
    #[arg(long, global = true)]
    json: bool,
    /// The gateway's own folder: log, keys, scratch.
    #[arg(long, global = true, env = "AIRLOCK_HOME", default_value = ".airlock")]
    home: PathBuf,
    /// How what happens is written down on the error stream; the variable `AIRLOCK_LOG` says what is.
    #[arg(
        long,
        global = true,
        env = "AIRLOCK_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    log_format: LogFormat,
    #[command(flatten)]
    elsewhere: remote::Elsewhere,
    #[command(subcommand)]
    command: Command,
}

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

const LONG_ABOUT: &str = "One collaboration, every clean room.

Exit codes: 0 done; 1 tried and failed; 2 bad input or usage; 3 refused by a rule; 130 cancelled.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Make two members with data, run three templates, revoke, verify: all in one folder.
    Quickstart(quickstart::Quickstart),
    /// Validate an agreement file and guard its templates.
    Check(check::Check),
    /// Print the JSON Schema of the agreement file.
    Schema,
    /// Say what the guard refuses or compiles for a template, without running it.
    Explain(explain::Explain),
    /// Make a member's signing key.
    Keygen(keygen::Keygen),
    /// Record an agreement in its collaboration's log; or, with --room, make a room as agreed.
    Apply(apply::Apply),
    /// Say what the next pass would do in each room, or in one, and why.
    Plan(plan::PlanRoom),
    /// Join a collaboration as a member.
    Join(join::Join),
    /// Decline the agreement that waits, as a member.
    Decline(decline::Decline),
    /// Approve templates as the owner of datasets they touch.
    Approve(approve::Approve),
    /// Consent, as an owner, to a room's holding a term more loosely.
    Waive(waive::Waive),
    /// What of a member's waits for a second person, or is taken back.
    Waiting(waiting::Waiting),
    /// Withdraw a membership, dataset, column, template, approval or the whole room.
    Revoke(revoke::Revoke),
    /// Offer again what was found taken away on a platform.
    Reoffer(reoffer::Reoffer),
    /// Hash identifiers of a Parquet file in your own domain, before any room sees them.
    Prepare(prepare::Prepare),
    /// Try how members are reached on platforms.
    Connections(connections::Connections),
    /// Print what a member would make on a platform, for its own pipeline.
    Export(export::Export),
    /// Write the agreement that describes what lies on a platform, and say what none can describe.
    Import(import::Importing),
    /// Keep every room at what its log says, over and over: close first, then give.
    Sync(sync::Sync),
    /// Answer over HTTP, and keep every room at what its log says.
    Serve(serve::Serve),
    /// Run an approved template.
    Run(run::Run),
    /// Runs of an approved template at times to come: add, list, remove.
    Schedule(schedule::Scheduling),
    /// Results that a member received, open to recipients outside: add, list, rotate, revoke.
    Share(share::Sharing),
    /// Show collaborations: members, approvals, revocations, runs.
    Status(status::Status),
    /// Show, export or verify the agreement log.
    Audit(audit::Audit),
    /// Cosign the head of a published log as a member's own witness, if it continues what this witness saw.
    Witness(witness::Witnessing),
    /// Print a token of the development issuer, for one machine and five minutes.
    Token(token::Token),
    /// What this gateway is set to, and where each value stands.
    Config(config::Config),
    /// What an operator's own policies would forbid.
    Policies(policies::Policies),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Where a bug of ours struck, and nothing of what it was about: a payload may hold values.
fn hush() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "somewhere".to_owned(), ToString::to_string);
        let _ = writeln!(std::io::stderr(), "airlock: panicked at {place}; please report it");
    }));
}

/// Parses, runs, reports.
#[must_use]
pub fn main() -> ExitCode {
    hush();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return unread(&error),
    };
    let screen = Screen::new(arguments.json);
    match dispatch(arguments, screen) {
        Ok(()) if screen::lost() => {
            let _ = writeln!(
                std::io::stderr(),
                "airlock: the output could not be written [output-lost]"
            );
            ExitCode::from(1)
        }
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            screen.object(&serde_json::json!({ "error": error }));
            let _ = writeln!(std::io::stderr(), "airlock: {error}");
            ExitCode::from(match error.kind {
                Kind::Failed => 1,
                Kind::Invalid => 2,
                Kind::Refused => 3,
                Kind::Cancelled => 130,
            })
        }
    }
}

/// Usage that can't be read, or help that was asked for. A machine gets its object here as well.
fn unread(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    let machine = std::env::args_os().any(|argument| argument == "--json");
    let usage = Error::invalid("usage", format!("the command line: {}", error.kind()))
        .help("airlock help COMMAND");
    Screen::new(machine).object(&serde_json::json!({ "error": usage }));
    ExitCode::from(2)
}

fn dispatch(arguments: Arguments, screen: Screen) -> Result<()> {
    if arguments.elsewhere.takes(&arguments.command)? {
        logging("off", arguments.log_format, None);
        let Arguments { elsewhere, command, .. } = arguments;
        return runtime()?.block_on(Box::pin(remote::run(command, &elsewhere, screen)));
    }
    match arguments.command {
        Command::Schema => schema(),
        Command::Completions { shell } => completions(shell),
        Command::Check(command) => command.run(screen),
        Command::Explain(command) => command.run(screen),
        Command::Token(command) => command.run(&arguments.home, screen),
        Command::Config(command) => command.run(&arguments.home, screen),
        Command::Policies(command) => command.run(&arguments.home, screen),
        command @ (Command::Quickstart(_)
        | Command::Keygen(_)
        | Command::Apply(_)
        | Command::Join(_)
        | Command::Decline(_)
        | Command::Plan(_)
        | Command::Export(_)
        | Command::Import(_)
        | Command::Connections(_)
        | Command::Prepare(_)
        | Command::Approve(_)
        | Command::Waive(_)
        | Command::Waiting(_)
        | Command::Revoke(_)
        | Command::Reoffer(_)
        | Command::Sync(_)
        | Command::Serve(_)
        | Command::Run(_)
        | Command::Schedule(_)
        | Command::Share(_)
        | Command::Status(_)
        | Command::Witness(_)
        | Command::Audit(_)) => {
            asynchronous(command, (arguments.home, arguments.log_format), screen)
        }
    }
}

fn asynchronous(command: Command, (home, log): (PathBuf, LogFormat), screen: Screen) -> Result<()> {
    // A worker that nobody looks at says what it could not do.
    let lasts = matches!(command, Command::Sync(_) | Command::Serve(_));
    let runtime = runtime()?;
    let traces = if lasts { traced(&home, runtime.handle())? } else { None };
    logging(if lasts { "warn" } else { "off" }, log, traces.as_ref());
    let ended = runtime.block_on(Box::pin(done(command, home, screen)));
    if let Some(traces) = traces {
        traces.end();
    }
    ended
}

/// Where what is done is traced to, if anywhere.
fn traced(home: &Path, runtime: &tokio::runtime::Handle) -> Result<Option<Traces>> {
    let set = settings::traces(&Home::open(home)?)?;
    set.map(|set| Traces::start(&set, runtime)).transpose()
}

async fn done(command: Command, home: PathBuf, screen: Screen) -> Result<()> {
    match command {
        Command::Quickstart(command) => command.run(screen).await,
        Command::Keygen(command) => command.run(&home, screen),
        Command::Apply(command) => command.run(&home, screen).await,
        Command::Join(command) => command.run(&home, screen).await,
        Command::Connections(command) => Box::pin(command.run(&home, screen)).await,
        Command::Export(command) => command.run(&home, screen).await,
        Command::Import(command) => Box::pin(command.run(&home, screen)).await,
        Command::Plan(command) => command.run(&home, screen).await,
        Command::Decline(command) => command.run(&home, screen).await,
        Command::Prepare(command) => Box::pin(command.run(screen)).await,
        Command::Approve(command) => command.run(&home, screen).await,
        Command::Waive(command) => command.run(&home, screen).await,
        Command::Waiting(command) => command.run(&home, screen).await,
        Command::Revoke(command) => command.run(&home, screen).await,
        Command::Reoffer(command) => command.run(&home, screen).await,
        Command::Sync(command) => Box::pin(command.run(&home, screen)).await,
        Command::Serve(command) => Box::pin(command.run(&home, screen)).await,
        Command::Run(command) => command.run(&home, screen).await,
        Command::Schedule(command) => Box::pin(command.run(&home, screen)).await,
        Command::Share(command) => Box::pin(command.run(&home, screen)).await,
        Command::Status(command) => command.run(&home, screen).await,
        Command::Audit(command) => Box::pin(command.run(&home, screen)).await,
        Command::Witness(command) => Box::pin(command.run(screen)).await,
        Command::Schema
        | Command::Completions { .. }
        | Command::Check(_)
        | Command::Token(_)
        | Command::Config(_)
        | Command::Policies(_)
        | Command::Explain(_) => Ok(()),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(8 << 20)
        .build()
        .map_err(|_| Error::failed("runtime", "the asynchronous runtime did not start"))
}

fn logging(unless_told: &str, format: LogFormat, traces: Option<&Traces>) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("AIRLOCK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(unless_told));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true);
            lines.with_current_span(true).with_span_list(false).boxed()
        }
    };
    let all = tracing_subscriber::registry().with(lines.with_filter(filter));
    let _ = all.with(traces.map(Traces::layer)).try_init();
}

fn schema() -> Result<()> {
    let mut schema = mappings::agreement::json_schema();
    schema.sort_all_objects();
    let text = serde_json::to_string_pretty(&schema)
        .map_err(|_| Error::failed("schema", "the schema can't be printed"))?;
    screen::put(&text);
    Ok(())
}

fn completions(shell: clap_complete::Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "airlock", &mut script);
    std::io::stdout().write_all(&script).map_err(|_| Error::failed("io", "write the completions"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_command_has_a_word_twice() {
        Arguments::command().debug_assert();
    }
}
