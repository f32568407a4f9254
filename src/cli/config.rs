//! `airlock config`: what this gateway is set to, and where each value stands. Decides nothing.

use super::screen::Screen;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::settings::{Environment, Row, shown};
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
        let shown = shown(&Home::open(home)?, &Environment::of_process());
        screen.table(
            &["setting", "value", "from"],
            shown.rows.iter().map(|row| vec![row.key.clone(), row.text(), row.source.at()]),
        );
        if !shown.problems.is_empty() {
            let message = "something that is set may not stand where it stands";
            return Err(Error::invalid("settings-invalid", message).problems(shown.problems));
        }
        let object = |row: &Row| {
            let (from, at) = (row.source.kind(), row.source.at());
            serde_json::json!({ "key": row.key, "value": row.value, "from": from, "at": at })
        };
        let settings: Vec<_> = shown.rows.iter().map(object).collect();
        screen.object(&serde_json::json!({ "settings": settings }));
        Ok(())
    }
}
