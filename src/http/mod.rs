//! The HTTP gateway: bytes to calls and back. Decides nothing, and must not know platforms, stores, or what a rule means.

mod agreements;
mod asked;
pub(crate) mod body;
mod checks;
mod collaborations;
mod configuration;
mod connections;
mod console;
mod datasets;
mod delta;
mod deprecated;
mod document;
mod done;
mod entry;
mod etag;
mod fidelity;
mod health;
mod learn;
mod leaves;
mod limits;
mod listen;
mod members;
mod metrics;
mod problem;
mod request;
mod results;
mod revocations;
mod rooms;
mod runs;
mod said;
mod schedules;
mod seats;
mod seconds;
mod shares;
mod templates;
#[cfg(test)]
mod tests;
mod tiles;
mod token;
mod visitor;
mod wrong;

pub(crate) use listen::Listener;
pub(crate) use metrics::metrics;

use crate::access::Caller;
use crate::app::desk::Desk;
use crate::app::{App, House, Runs};
use crate::error::Result;
use crate::tokens::Verifier;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use done::Begun;
use health::Looked;
use limits::{Limits, Shares};
use problem::Own;
use request::Entrance;
use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A decision takes no longer: a withdrawal tries the log for ten seconds before it takes the reserve.
const FINISHED_WITHIN: Duration = Duration::from_secs(20);

/// What every handler works with.
#[derive(Debug, Clone)]
pub(crate) struct Gateway(Arc<Shared>);

/// The same.
#[derive(Debug)]
pub(crate) struct Shared {
    app: Arc<App>,
    house: House,
    runs: Arc<Runs>,
    verifier: Verifier,
    looked: Looked,
    /// Decisions that were begun; they are done to their end.
    begun: Begun,
    denying: Shares,
    following: Shares,
    ordinary: Shares,
}

impl Deref for Gateway {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Shared {
    /// Where a caller is served.
    fn desk<'a>(&'a self, caller: &'a Caller) -> Desk<'a> {
        Desk::new((&self.app, &self.house, &self.runs), caller)
    }
}

impl Gateway {
    pub(crate) fn new(app: Arc<App>, house: House, verifier: Verifier) -> Result<Self> {
        let (looked, begun) = (Looked::default(), Begun::default());
        let (denying, following) = (Shares::of_denying(), Shares::of_following());
        let ordinary = Shares::of_ordinary();
        let runs = Runs::new(Arc::clone(&app), house.runs_max().clone())?;
        Ok(Self(Arc::new(Shared {
            app,
            house,
            runs,
            verifier,
            looked,
            begun,
            denying,
            following,
            ordinary,
        })))
    }

    /// Who says who calls.
    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Runs under way.
    pub(crate) fn runs(&self) -> &Arc<Runs> {
        &self.runs
    }

    /// Waits for every decision that was begun, once nothing more is asked.
    pub(crate) async fn finished(&self) {
        if tokio::time::timeout(FINISHED_WITHIN, self.begun.done()).await.is_err() {
            tracing::warn!("decisions were under way at the end");
        }
    }

    /// Every path, and what holds of all of them. `hosts` are the names under which it is asked.
    pub(crate) fn router(&self, hosts: BTreeSet<String>) -> Router {
        self.router_with(hosts, console::router(self.clone()))
    }

    /// The same with this console.
    fn router_with(&self, hosts: BTreeSet<String>, console: Router) -> Router {
        let callers =
            paths_of_callers().route_layer(from_fn_with_state(self.clone(), entry::known));
        let marked = from_fn_with_state(deprecated::DEPRECATED, deprecated::marked);
        let callers = callers.route_layer(marked);
        let (router, document) = paths_of_all().merge(callers).split_for_parts();
        let text = document::text(&document);
        let limits = Arc::<Limits>::default();
        let entrance = Entrance::new(hosts, self.app.metrics());
        router
            .merge(delta::router())
            .route("/openapi.json", get(document::served(text)))
            .fallback(|| async { Own::PathUnknown })
            .method_not_allowed_fallback(|| async { Own::MethodUnknown })
            .with_state(self.clone())
            .merge(console)
            .layer(from_fn_with_state(limits, limits::bounded))
            .layer(from_fn_with_state(entrance, request::answered))
    }
}

/// Paths that need no token, with what the document says of them; none is there without.
fn paths_of_all() -> OpenApiRouter<Gateway> {
    OpenApiRouter::with_openapi(document::Whole::openapi())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(document::problem))
        .routes(routes!(token::token))
        .routes(routes!(token::key_set))
}

/// Paths of whoever shows a token.
fn paths_of_callers() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(health::detail))
        .routes(routes!(configuration::configuration))
        .routes(routes!(collaborations::me))
        .routes(routes!(collaborations::invitations))
        .routes(routes!(checks::check))
        .routes(routes!(collaborations::collaborations))
        .routes(routes!(collaborations::collaboration))
        .routes(routes!(agreements::agreements, agreements::propose))
        .routes(routes!(agreements::agreement))
        .routes(routes!(agreements::agreement_diff))
        .routes(routes!(datasets::datasets))
        .routes(routes!(datasets::dataset))
        .routes(routes!(members::members))
        .routes(routes!(members::join))
        .routes(routes!(members::decline))
        .routes(routes!(templates::templates))
        .routes(routes!(templates::template))
        .routes(routes!(templates::versions))
        .routes(routes!(templates::explanation))
        .routes(routes!(templates::approve))
        .routes(routes!(runs::runs, runs::request))
        .routes(routes!(runs::run))
        .routes(routes!(runs::cancel))
        .routes(routes!(runs::events))
        .routes(routes!(schedules::schedules, schedules::add))
        .routes(routes!(schedules::schedule))
        .routes(routes!(schedules::remove))
        .routes(routes!(shares::shares, shares::share))
        .routes(routes!(shares::rotate))
        .routes(routes!(shares::end))
        .routes(routes!(results::manifest))
        .routes(routes!(results::file))
        .routes(routes!(fidelity::fidelity))
        .routes(routes!(learn::learn))
        .routes(routes!(rooms::rooms))
        .routes(routes!(rooms::plan))
        .routes(routes!(rooms::look))
        .routes(routes!(connections::test))
        .routes(routes!(rooms::export))
        .routes(routes!(rooms::waivers, rooms::waive))
        .routes(routes!(rooms::reoffer))
        .routes(routes!(revocations::revocations, revocations::revoke))
        .routes(routes!(seconds::waiting))
        .routes(routes!(seconds::take_back))
        .routes(routes!(revocations::revocation))
        .routes(routes!(leaves::leaves))
        .routes(routes!(leaves::leaf))
        .routes(routes!(leaves::checkpoint))
        .routes(routes!(leaves::consistency))
        .routes(routes!(tiles::tile))
}
