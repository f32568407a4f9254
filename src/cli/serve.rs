//! `airlock serve`: the gateway over HTTP, with its sync worker.

use super::ending::signalled;
use super::screen::Screen;
use crate::app::desk::{House, Places};
use crate::app::{App, Inbox, Pass, Projected};
use crate::clock::SystemClock;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::http::{Gateway, Listener};
use crate::triggers::Listening;
use crate::{settings, tokens};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

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
        let listen = self.listen.unwrap_or(set.listen);
        if self.listen.is_some() && !listen.ip().is_loopback() {
            let message = "the command line names a loopback address only";
            return Err(Error::refused("http-exposed", message)
                .help("[http] listen and beyond_loopback = true, where it is written down"));
        }
        let listener = Listener::at(listen).await?;
        let place = listener.place()?;
        let app = Arc::new(App::open(home).await?);
        let verifier = tokens::verifier(&set, &folder, Arc::new(SystemClock))?;
        let inbox = Arc::<Inbox>::default();
        let listening = Listening::start(home, &inbox).await?;
        let gateway = Gateway::new(Arc::clone(&app), house(&set), verifier);
        let router = gateway.router(set.hosts);
        let end = CancellationToken::new();
        let signals = tokio::spawn(signalled(end.clone()));
        screen.say(format!("answering at http://{place}; Ctrl-C ends it"));
        screen.object(&serde_json::json!({ "listening": place }));
        let worker = async {
            projected(&app).await;
            if !self.no_sync {
                kept(&app, &inbox, Duration::from_secs(self.every), &end).await;
            }
        };
        tokio::join!(listener.serve(router, end.clone()), worker);
        drop(listening);
        signals.abort();
        Ok(())
    }
}

/// What the operator set for those who call.
fn house(set: &settings::Http) -> House {
    let places = |tenant: &settings::TenantSetting| {
        let (data, destinations) = (tenant.places.clone(), tenant.destinations.clone());
        (tenant.member.clone(), Places { data, destinations })
    };
    let places = (!set.one_house).then(|| set.tenants.iter().map(places).collect());
    House { places }
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

/// Keeps rooms at what their logs say. A worker that can't begin, or ends, keeps nobody from asking and denying.
async fn kept(app: &App, inbox: &Inbox, every: Duration, end: &CancellationToken) {
    let tell = |pass: &Pass| {
        for problem in &pass.problems {
            let (at, code) = (&problem.at, &problem.code);
            tracing::warn!(collaboration = %pass.collaboration, at, code, "{}", problem.message);
        }
    };
    if let Err(error) = app.sync(every, Some(inbox), end, tell).await {
        tracing::warn!(code = error.code, "rooms are not kept from here: {}", error.message);
    }
}
