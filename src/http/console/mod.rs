//! The console: pages for people, over the same desk as the API, with the same sight and permissions. It works without a script. What is shown
//! is escaped by `maud`, and what is sent comes back with a token of the session that it was shown in. Must not know the app, platforms,
//! stores, or what a rule means.

mod agreement;
mod collaboration;
mod collaborations;
mod cookie;
mod decisions;
mod document;
mod entered;
mod fidelity;
mod form;
mod issuer;
mod learn;
mod log;
mod offer;
mod page;
mod problem;
mod recorded;
mod revocations;
mod run;
mod runs;
mod schedules;
mod session;
mod shares;
mod shown;
mod sign_in;
mod template;
#[cfg(test)]
mod tests;
mod withdraw;

pub(super) use problem::{is_console, sealed, written};

use super::Gateway;
use crate::access::Caller;
use crate::app::desk::Desk;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use session::Sessions;
use std::sync::Arc;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("console.js");
const ICON: &str = include_str!("icon.svg");

/// What every page works with.
#[derive(Debug, Clone)]
struct Console {
    gateway: Gateway,
    sessions: Arc<Sessions>,
}

impl Console {
    /// Where somebody who signed in is served.
    fn desk<'a>(&'a self, caller: &'a Caller) -> Desk<'a> {
        self.gateway.desk(caller)
    }
}

/// Every path of the console. Its withdrawals are posted to a path that ends as the API's does, so that they have the places of those
/// (`limits`).
pub(super) fn router(gateway: Gateway) -> Router {
    router_with(Console { gateway, sessions: Arc::default() })
}

fn router_with(console: Console) -> Router {
    let of = |rest: &str| format!("/console/collaborations/{{collaboration}}{rest}");
    let within = Router::new()
        .route("/console", get(collaborations::page))
        .route("/console/sign-out", post(sign_in::leave))
        .route("/console/offer", get(offer::page).post(offer::propose))
        .route("/console/offer/checks", post(offer::check))
        .route(&of(""), get(collaboration::page))
        .route(&of("/agreements/{digest}"), get(agreement::page))
        .route(&of("/templates/{template}"), get(template::page))
        .route(&of("/fidelity"), get(fidelity::page))
        .route(&of("/learn"), get(learn::page))
        .route(&of("/runs"), get(runs::page).post(decisions::run))
        .route(&of("/schedules"), post(schedules::add))
        .route(&of("/schedules/{schedule}/removals"), post(schedules::remove))
        .route(&of("/runs/{run}"), get(run::page))
        .route(&of("/runs/{run}/cancellations"), post(decisions::cancel))
        .route(&of("/runs/{run}/files/{file}"), get(run::file))
        .route(&of("/revocations"), get(revocations::page).post(decisions::revoke))
        .route(&of("/revocations/{index}"), get(revocations::one))
        .route(&of("/shares"), get(shares::page).post(shares::open))
        .route(&of("/shares/tokens"), post(shares::renew))
        .route(&of("/shares/revocations"), post(shares::end_share))
        .route(&of("/withdraw"), get(withdraw::page))
        .route(&of("/log"), get(log::page))
        .route(&of("/log/{index}"), get(log::leaf))
        .route(&of("/log/verification"), post(log::verify))
        .route(&of("/recorded/{number}"), get(recorded::page))
        .route(&of("/join"), post(decisions::join))
        .route(&of("/decline"), post(decisions::decline))
        .route(&of("/templates/{template}/approvals"), post(decisions::approve))
        .route(&of("/waivers"), post(decisions::waive))
        .route(&of("/rooms/{room}/looks"), post(decisions::look))
        .route_layer(from_fn_with_state(console.clone(), entered::entered));
    Router::new()
        .route("/console/sign-in", get(sign_in::page).post(sign_in::enter))
        .route("/console/sign-in/{issuer}", get(issuer::back).post(issuer::go))
        .merge(within)
        .route_layer(from_fn(entered::from_here))
        .route(
            "/console/style.css",
            get(async || ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)),
        )
        .route("/console/icon.svg", get(async || ([(CONTENT_TYPE, "image/svg+xml")], ICON)))
        .route(
            "/console/console.js",
            get(async || ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT)),
        )
        .with_state(console)
}
