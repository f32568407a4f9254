//! `airlock serve`: the gateway over HTTP, with its sync worker.

use super::ending::signalled;
use super::measuring::Measuring;
use super::screen::Screen;
use crate::app::{App, House, Inbox, Pass, Projected, Scheduler};
use crate::clock::SystemClock;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::http::{Gateway, Listener};
use crate::metrics::Metrics;
use crate::triggers::Listening;
use crate::{settings, tokens, wiring};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often a log that could not be opened is tried again.
const REOPEN_EVERY: Duration = Duration::from_secs(2);
/// How often what runs left is looked for.
const SETTLE_EVERY: Duration = Duration::from_secs(20);

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// Where it listens, in place of [http] listen: another loopback address; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Answer only; another process of this folder keeps the rooms (`airlock sync`).
    #[arg(long)]
    no_sync: bool,
    /// Seconds until a room that has just changed is looked at again when its log has not grown; later while nothing changes.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    every: u64,
}

impl Serve {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let folder = Home::open(home)?;
        let set = settings::http(&folder)?;
        settings::publish(&folder)?;
        settings::known_variables(&folder)?;
        let forbids = super::policies::read(&set)?.map(Arc::new);
        let listen = self.listen.unwrap_or(set.listen);
        if self.listen.is_some() && !listen.ip().is_loopback() {
            let message = "the command line names a loopback address only";
            return Err(Error::refused("http-exposed", message)
                .help("[http] listen and beyond_loopback = true, where it is written down"));
        }
        let metrics = Arc::new(Metrics::new()?);
        let measuring = Measuring::start(&folder, &metrics).await?;
        let measured = measuring.as_ref().map(|measuring| measuring.place);
        let end = CancellationToken::new();
        let signals = tokio::spawn(signalled(end.clone()));
        let (mut place, mut told) = (listen, false);
        // Where the log can't be opened it is served as it is known here, which is enough to deny, until it can.
        while !end.is_cancelled() {
            let listener = Listener::at(place).await?;
            place = listener.place()?;
            let (app, is_open) = opened(home, &metrics).await?;
            if !std::mem::replace(&mut told, true) {
                screen.say(format!("answering at http://{place}; Ctrl-C ends it"));
                if let Some(measured) = measured {
                    screen.say(format!("metrics at http://{measured}/metrics"));
                }
                screen.object(&serde_json::json!({ "listening": place, "metrics": measured }));
            }
            let turn = end.child_token();
            let house = House::of(&set).with_policies(forbids.clone());
            let served = self.served((&folder, &set), house, (Arc::new(app), listener), &turn);
            let mut served = std::pin::pin!(served);
            tokio::select! {
                ended = &mut served => ended?,
                () = reopened(&folder, &turn), if !is_open => served.await?,
            }
        }
        signals.abort();
        Ok(())
    }

    /// Serves until it is to end.
    async fn served(
        &self,
        (home, set): (&Home, &settings::Http),
        house: House,
        (app, listener): (Arc<App>, Listener),
        end: &CancellationToken,
    ) -> Result<()> {
        let inbox = Arc::<Inbox>::default();
        // Whoever keeps the rooms is told what comes from outside, and nobody else.
        let listening =
            if self.no_sync { None } else { Listening::start(home.root(), &inbox).await? };
        let verifier = tokens::verifier(set, home, Arc::new(SystemClock))?;
        let house = if self.no_sync { house } else { house.with_worker(Arc::clone(&inbox)) };
        let gateway = Gateway::new(Arc::clone(&app), house, verifier)?;
        let answers = async {
            listener.serve(gateway.router(set.hosts.clone()), end.clone()).await;
            gateway.finished().await;
        };
        let publish = if self.no_sync { None } else { settings::publish(home)? };
        let publishing =
            publish.map(|set| tokio::spawn(Arc::clone(&app).publish(set, end.clone())));
        let telling = if self.no_sync { None } else { Some(settings::notify(home)?) };
        let telling = telling.map(|set| tokio::spawn(Arc::clone(&app).notify(set, end.clone())));
        let scheduler = Scheduler::new(Arc::clone(&app), Arc::clone(gateway.runs()));
        let scheduling = (!self.no_sync).then(|| tokio::spawn(scheduler.keep(end.clone())));
        let keeping = async {
            if !self.no_sync {
                kept(&app, &inbox, Duration::from_secs(self.every), end).await;
            }
        };
        let projecting = async {
            tokio::select! {
                () = end.cancelled() => {}
                () = async {
                    projected(&app).await;
                    if self.no_sync {
                        app.look_at_all().await;
                    }
                } => {}
            }
        };
        let running = async {
            end.cancelled().await;
            gateway.runs().end().await;
        };
        let settling = async {
            tokio::select! {
                () = end.cancelled() => {}
                () = settled(&app) => {}
            }
        };
        let metrics = app.metrics();
        let following = async {
            tokio::select! {
                () = end.cancelled() => {}
                () = gateway.verifier().follow(&metrics) => {}
            }
        };
        tokio::join!(answers, keeping, projecting, running, settling, following);
        drop(listening);
        for task in publishing.into_iter().chain(scheduling).chain(telling) {
            task.abort();
        }
        Ok(())
    }
}

/// The gateway of a folder; where its log can't be reached now, one that denies. Whether it is open.
async fn opened(home: &Path, metrics: &Arc<Metrics>) -> Result<(App, bool)> {
    match App::open_counted(home, Arc::clone(metrics)).await {
        Ok(app) => Ok((app, true)),
        Err(error) if error.code.starts_with("store-") => {
            tracing::warn!(
                code = error.code,
                "the log can't be opened; withdrawals are taken here until it can"
            );
            Ok((App::denying_counted(home, Arc::clone(metrics)).await?, false))
        }
        Err(error) => Err(error),
    }
}

/// Ends a turn once the log can be opened.
async fn reopened(home: &Home, turn: &CancellationToken) {
    loop {
        tokio::select! {
            () = turn.cancelled() => return,
            () = tokio::time::sleep(REOPEN_EVERY) => {}
        }
        if wiring::store(home).await.is_ok() {
            turn.cancel();
            return;
        }
    }
}

/// Logs that an earlier version wrote are seen by their members once it is known who these are.
async fn projected(app: &App) {
    match app.project_parties().await {
        Ok(done) if done == Projected::default() => {}
        Ok(Projected { told, left }) => {
            tracing::warn!(told, left, "older logs are shown to their members");
        }
        Err(error) => {
            tracing::warn!(code = error.code, "older logs are not shown yet: {}", error.message);
        }
    }
}

/// Runs whose end this folder could not put on record, as when its process died, are settled as soon as their logs and destinations can be
/// reached.
async fn settled(app: &App) {
    loop {
        app.recover_all(app.interrupted()).await;
        tokio::time::sleep(SETTLE_EVERY).await;
    }
}

/// Keeps rooms at what their logs say. A worker that can't begin, or ends, keeps nobody from asking and denying.
async fn kept(app: &App, inbox: &Inbox, every: Duration, end: &CancellationToken) {
    let tell = |pass: &Pass| {
        for problem in &pass.problems {
            let (at, code) = (&problem.at, &problem.code);
            tracing::warn!(collaboration = %pass.collaboration, at, code, "{}", problem.message);
        }
    };
    let ended = app.sync(every, Some(inbox), end, tell).await;
    inbox.leave();
    if let Err(error) = ended {
        tracing::warn!(code = error.code, "rooms are not kept from here: {}", error.message);
    }
}
