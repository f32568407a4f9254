//! `airlock config`: what this gateway is set to, and where each value stands. Decides nothing.

use super::screen::Screen;
use crate::error::{Error, Problem, Result};
use crate::home::Home;
use crate::settings::{Environment, Row, shown, text_of};
use crate::wire;
use std::path::Path;

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
pub(super) struct Config {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Every setting with its value and where that stands: a line of gateway.toml, a variable, or nowhere. Secrets are named, never shown.
    Show,
}

impl Config {
    pub(super) fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let Act::Show = self.act;
        if !home.join("gateway.toml").is_file() {
            Home::existing(home)?;
        }
        let found = shown(&Home::open(home)?, &Environment::of_process());
        told(&found.rows.into_iter().map(Row::told).collect::<Vec<_>>(), found.problems, screen)
    }
}

/// What is set, and what of it may not be.
pub(super) fn told(
    settings: &[wire::Setting],
    problems: Vec<Problem>,
    screen: Screen,
) -> Result<()> {
    let line =
        |one: &wire::Setting| vec![one.key.clone(), text_of(&one.key, &one.value), one.at.clone()];
    screen.table(&["setting", "value", "from"], settings.iter().map(line));
    if !problems.is_empty() {
        let message = "something that is set may not stand where it stands";
        return Err(Error::invalid("settings-invalid", message).problems(problems));
    }
    screen.object(&serde_json::json!({ "settings": settings }));
    Ok(())
}
