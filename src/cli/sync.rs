//! `airlock sync`: takes away on every platform what no log grants, over and over.

use super::plan::or_nothing;
use super::screen::Screen;
use crate::app::{App, Pass};
use crate::error::{Error, Result};
use std::path::Path;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Arguments of `sync`.
#[derive(Debug, clap::Args)]
pub(super) struct Sync {
    /// Look at every collaboration once and end: 0 when everything was seen closed that is not granted, else 1.
    #[arg(long)]
    once: bool,
    /// Seconds between two looks at a collaboration whose log has not grown.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    every: u64,
}

impl Sync {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::existing(home).await?;
        if self.once {
            let passes = app.sync_once(|pass| told(pass, screen, false)).await?;
            let problems: Vec<_> =
                passes.iter().flat_map(|pass| pass.problems.iter().cloned()).collect();
            if problems.is_empty() {
                screen.object(&serde_json::json!({ "passes": passes }));
                return Ok(());
            }
            let message = "not everything that is withdrawn was seen closed";
            return Err(Error::failed("room-not-closed", message).problems(problems));
        }
        let cancel = CancellationToken::new();
        let ended = cancel.clone();
        let ctrl_c = tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                ended.cancel();
            }
        });
        screen.say(format!("closing what is not granted, every {} s; Ctrl-C ends it", self.every));
        let every = Duration::from_secs(self.every);
        let end = app.sync(every, &cancel, |pass| told(pass, screen, true)).await;
        ctrl_c.abort();
        end
    }
}

/// A line a pass that did or found something; for machines an object, in the loop.
fn told(pass: &Pass, screen: Screen, object: bool) {
    if !pass.is_news() {
        return;
    }
    for room in pass.rooms.iter().filter(|room| room.steps > 0) {
        let open = or_nothing(&room.open);
        screen.say(format!(
            "{}: {}: closed in {} steps; open there: {open}",
            pass.collaboration, room.room, room.steps
        ));
    }
    for problem in &pass.problems {
        screen.say(format!(
            "{}: {}: {} [{}]",
            pass.collaboration, problem.at, problem.message, problem.code
        ));
    }
    if object {
        screen.object(&serde_json::json!({ "pass": pass }));
    }
}
