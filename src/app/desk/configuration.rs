//! What this gateway is set to, for the operator. Secrets are named, never shown, as `settings` does. Must not know what a setting is for.

use super::Desk;
use crate::access::Action;
use crate::error::Result;
use crate::settings::{Environment, Row, shown};
use crate::wire;

impl Desk<'_> {
    /// The same, as it stands now.
    pub(crate) fn configuration(&self) -> Result<wire::Configuration> {
        self.may(Action::ReadConfiguration)?;
        let shown = shown(&self.app.home, &Environment::of_process());
        Ok(wire::Configuration {
            settings: shown.rows.into_iter().map(Row::told).collect(),
            problems: shown.problems.into_iter().map(wire::Place::from).collect(),
        })
    }
}
