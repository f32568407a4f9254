//! The same commands at a gateway elsewhere: `--gateway URL`. What is said and printed is as at its own folder, as far as the gateway tells it.
//! What can't go over a gateway is refused, with its reason. Decides nothing.

mod audit;
mod decisions;
mod revoke;
mod rooms;
mod run;
mod schedule;
mod share;
mod status;

use super::Command;
use super::audit::{Act, Audit};
use super::screen::Screen;
use crate::client::{Client, Known, Token};
use crate::error::{Error, Problem, Result};
use crate::log::{PublicKey, Receipt};
use crate::wire;
use std::io::Write as _;
use std::path::PathBuf;

/// The variable that holds the token.
const TOKEN: &str = "AIRLOCK_TOKEN";

/// Which gateway, and who asks it.
#[derive(Debug, clap::Args)]
pub(super) struct Elsewhere {
    /// Ask this gateway over HTTP instead of working in a folder of this machine; the token is in the variable `AIRLOCK_TOKEN`.
    #[arg(long, global = true, env = "AIRLOCK_GATEWAY", value_name = "URL")]
    gateway: Option<String>,
    /// With --gateway, the file that holds the token; nobody else may read it.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// With --gateway, the key that it has to show, `ed25519:…`; else the one that it showed first.
    #[arg(long, global = true, value_name = "KEY")]
    gateway_key: Option<PublicKey>,
}

impl Elsewhere {
    /// The gateway's address, where one is asked.
    fn url(&self) -> Option<&str> {
        self.gateway.as_deref().filter(|url| !url.is_empty())
    }

    /// Whether a command is for a gateway elsewhere; refused where it makes no sense there.
    pub(super) fn takes(&self, command: &Command) -> Result<bool> {
        if self.url().is_none() {
            return Ok(false);
        }
        let (here, why) = match command {
            // Pure, or about files that somebody has in hand, and that no gateway is to see.
            Command::Schema
            | Command::Completions { .. }
            | Command::Check(_)
            | Command::Explain(_)
            | Command::Prepare(_)
            | Command::Witness(_)
            | Command::Audit(Audit { act: Act::Verify { .. } | Act::Result { .. } }) => {
                return Ok(false);
            }
            Command::Apply(apply) if apply.room.is_some() => {
                ("apply --room", "the gateway's own worker makes rooms as agreed")
            }
            Command::Run(run) if run.id.is_some() => {
                ("--run-id", "a run's id there comes from the key that it is asked under")
            }
            Command::Connections(asked) if asked.is_verify() => (
                "connections verify",
                "it makes things in an account that only its owner may have made",
            ),
            Command::Apply(_)
            | Command::Join(_)
            | Command::Decline(_)
            | Command::Approve(_)
            | Command::Waive(_)
            | Command::Waiting(_)
            | Command::Revoke(_)
            | Command::Reoffer(_)
            | Command::Plan(_)
            | Command::Connections(_)
            | Command::Export(_)
            | Command::Run(_)
            | Command::Schedule(_)
            | Command::Share(_)
            | Command::Status(_)
            | Command::Config(_)
            | Command::Audit(_) => return Ok(true),
            Command::Quickstart(_) => ("quickstart", "it is a folder of its own"),
            Command::Keygen(_) => ("keygen", "a key is made where it stays"),
            Command::Import(_) => {
                ("import", "before there is an agreement nothing says whose an account is")
            }
            Command::Sync(_) => ("sync", "it is the worker itself"),
            Command::Serve(_) => ("serve", "it is the gateway itself"),
            Command::Token(_) => ("token", "the development issuer speaks to its own machine"),
            Command::Policies(_) => ("policies", "an operator's policies are files of its own"),
        };
        let message = format!("{here} can't be asked of a gateway elsewhere: {why}");
        Err(Error::invalid("gateway-not-here", message)
            .help("the same without --gateway and AIRLOCK_GATEWAY, where the gateway is"))
    }

    fn token(&self) -> Result<Token> {
        match (&self.token_file, std::env::var(TOKEN)) {
            (Some(file), _) => Token::read(file),
            (None, Ok(token)) => Token::new(&token),
            (None, Err(_)) => Err(Error::invalid("token-missing", "no access token is given")
                .help("the variable AIRLOCK_TOKEN, or --token-file FILE")),
        }
    }

    /// What the gateway is set to, for its operator, who speaks for no member.
    async fn configuration(&self) -> Result<wire::Configuration> {
        let known = Known::of_user()?.with_key(self.gateway_key);
        Client::configuration(self.url().unwrap_or_default(), self.token()?, &known).await
    }

    async fn open(&self) -> Result<Client> {
        let token = self.token()?;
        let known = Known::of_user()?.with_key(self.gateway_key);
        let client = Client::open(self.url().unwrap_or_default(), token, known).await?;
        if client.is_new() {
            let _ = writeln!(
                std::io::stderr(),
                "airlock: this gateway is known by its key {} from now on; its operator can say whether that is the one",
                client.key()
            );
        }
        Ok(client)
    }
}

/// Runs a command there.
pub(super) async fn run(command: Command, at: &Elsewhere, screen: Screen) -> Result<()> {
    if let Command::Config(_) = command {
        let found = at.configuration().await?;
        let problems = found.problems.into_iter().map(Problem::from).collect();
        return super::config::told(&found.settings, problems, screen);
    }
    let client = at.open().await?;
    match command {
        Command::Apply(apply) => decisions::apply(&client, apply, screen).await,
        Command::Join(join) => decisions::join(&client, join, screen).await,
        Command::Decline(decline) => decisions::decline(&client, decline, screen).await,
        Command::Approve(approve) => decisions::approve(&client, approve, screen).await,
        Command::Waive(waive) => decisions::waive(&client, waive, screen).await,
        Command::Reoffer(reoffer) => decisions::reoffer(&client, reoffer, screen).await,
        Command::Waiting(waiting) => decisions::waiting(&client, waiting, screen).await,
        Command::Export(export) => rooms::export(&client, export, screen).await,
        Command::Revoke(revoke) => revoke::revoke(&client, revoke, screen).await,
        Command::Plan(plan) => rooms::plan(&client, plan, screen).await,
        Command::Connections(connections) => rooms::connections(&client, connections, screen).await,
        Command::Run(run) => run::run(&client, run, screen).await,
        Command::Schedule(asked) => schedule::schedule(&client, asked, screen).await,
        Command::Share(asked) => share::share(&client, asked, screen).await,
        Command::Status(status) => status::status(client, status, (at, screen)).await,
        Command::Audit(audit) => audit::audit(&client, audit, screen).await,
        Command::Quickstart(_)
        | Command::Check(_)
        | Command::Schema
        | Command::Explain(_)
        | Command::Keygen(_)
        | Command::Prepare(_)
        | Command::Import(_)
        | Command::Sync(_)
        | Command::Serve(_)
        | Command::Token(_)
        | Command::Policies(_)
        | Command::Witness(_)
        | Command::Config(_)
        | Command::Completions { .. } => {
            Err(Error::failed("bug", "a command of this machine was sent elsewhere"))
        }
    }
}

/// A receipt as it is printed at the gateway itself.
fn receipt(of: &Receipt) -> serde_json::Value {
    let proof: Vec<String> = of.inclusion.iter().map(ToString::to_string).collect();
    serde_json::json!({
        "index": of.index, "size": of.size, "checkpoint": of.checkpoint, "proof": proof,
    })
}

/// Something of an answer that is no name.
fn misnamed() -> Error {
    Error::failed("gateway-answer", "the gateway's answer can't be read: a name of it is none")
        .help("the address of an Airlock gateway of this version")
}

/// A name of an answer.
fn named<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| misnamed())
}

/// A digest of an answer.
fn digest(text: &str) -> Result<mappings::model::Digest> {
    mappings::model::Digest::try_from(text.to_owned()).map_err(|_| misnamed())
}
