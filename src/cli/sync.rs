//! `airlock sync`: keeps every room at what its log says, over and over.

use super::ending::signalled;
use super::measuring::Measuring;
use super::plan::or_nothing;
use super::printer::Printer;
use super::screen::Screen;
use crate::app::{App, House, Inbox, Pass, Runs, Scheduler};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::metrics::Metrics;
use crate::settings;
use crate::triggers::Listening;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Passes that wait to be shown.
const TOLD_MAX: usize = 1024;
/// What waits still at the end has this long.
const PRINTED_WITHIN: Duration = Duration::from_secs(2);

/// Arguments of `sync`.
#[derive(Debug, clap::Args)]
pub(super) struct Sync {
    /// Go on until every room is settled or waits for somebody else, and end: 0 when nothing went wrong, else 1.
    #[arg(long)]
    once: bool,
    /// Seconds until a room that has just changed is looked at again when its log has not grown; later while nothing changes.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    every: u64,
}

impl Sync {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let folder = Home::existing(home)?;
        let publish = settings::publish(&folder)?;
        let metrics = Arc::new(Metrics::new()?);
        let app = Arc::new(App::existing_counted(home, Arc::clone(&metrics)).await?);
        if self.once {
            let passes = app.sync_once(|pass| told(pass, screen, false)).await?;
            // After the rooms: whatever befalls it, they were seen to.
            let unpublished = match &publish {
                Some(set) => app.publish_once(set).await?,
                None => Vec::new(),
            };
            let problems: Vec<_> =
                passes.iter().flat_map(|pass| pass.problems.iter().cloned()).collect();
            if problems.is_empty() && !unpublished.is_empty() {
                let message = "every room was seen to, and not every log could be published";
                return Err(Error::failed("log-not-published", message).problems(unpublished));
            }
            if problems.is_empty() {
                screen.object(&serde_json::json!({ "passes": passes }));
                return Ok(());
            }
            let message = "not every room could be looked at, closed or brought to what is agreed";
            return Err(Error::failed("room-not-closed", message)
                .problems(problems.into_iter().chain(unpublished).collect()));
        }
        settings::known_variables(&folder)?;
        let measuring = Measuring::start(&folder, &metrics).await?;
        if let Some(place) = measuring.as_ref().map(|measuring| measuring.place) {
            screen.say(format!("metrics at http://{place}/metrics"));
            screen.object(&serde_json::json!({ "metrics": place }));
        }
        let inbox = Inbox::default().into();
        let listening = Listening::start(home, &inbox).await?;
        // Where nothing tells anything, nobody's names are kept in mind for it.
        let inbox = listening.as_ref().map(|_| inbox.as_ref());
        let cancel = CancellationToken::new();
        let signals = tokio::spawn(signalled(cancel.clone()));
        let publishing =
            publish.map(|set| tokio::spawn(Arc::clone(&app).publish(set, cancel.clone())));
        let receivers = settings::notify(&folder)?;
        let telling = tokio::spawn(Arc::clone(&app).notify(receivers, cancel.clone()));
        let scheduling = scheduling(&folder, &app, &cancel);
        screen.say("keeping rooms at what their logs say; Ctrl-C ends it");
        let printer = Printer::new(TOLD_MAX, move |missed, pass: Pass| {
            if missed > 0 {
                screen.say(format!("{missed} passes are not shown: nobody read them in time"));
                screen.object(&serde_json::json!({ "untold": missed }));
            }
            told(&pass, screen, true);
        });
        let tell = |pass: &Pass| {
            if pass.is_news() {
                printer.print(pass.clone());
            }
        };
        let end = app.sync(Duration::from_secs(self.every), inbox, &cancel, tell).await;
        drop(listening);
        for task in publishing.into_iter().chain([telling]) {
            task.abort();
        }
        if let Some((runs, task)) = scheduling {
            task.abort();
            runs.end().await;
        }
        signals.abort();
        let missed = printer.end(PRINTED_WITHIN);
        if missed > 0 {
            tracing::warn!(missed, "passes are not shown: nobody read them in time");
        }
        end
    }
}

/// Runs of schedules, and what makes them when they are due. Settings that can't be read keep nobody from closing: then there are none.
fn scheduling(
    home: &Home,
    app: &Arc<App>,
    cancel: &CancellationToken,
) -> Option<(Arc<Runs>, JoinHandle<()>)> {
    let runs = settings::http(home)
        .and_then(|set| Runs::new(Arc::clone(app), House::of(&set).runs_max().clone()));
    if let Err(error) = &runs {
        let code = error.code.as_str();
        tracing::warn!(code, "no scheduled run is made from here: {}", error.message);
    }
    let runs = runs.ok()?;
    let scheduler = Scheduler::new(Arc::clone(app), Arc::clone(&runs));
    Some((runs, tokio::spawn(scheduler.keep(cancel.clone()))))
}

/// A line a pass that did or found something; for machines an object, in the loop.
fn told(pass: &Pass, screen: Screen, object: bool) {
    if !pass.is_news() {
        return;
    }
    for room in pass.rooms.iter().filter(|room| room.steps > 0) {
        let open = or_nothing(&room.open);
        screen.say(format!(
            "{}: {}: {} steps; open there: {open}",
            pass.collaboration, room.room, room.steps
        ));
    }
    for room in &pass.rooms {
        super::plan::drift(&room.drift, screen);
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
