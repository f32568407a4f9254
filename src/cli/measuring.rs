//! Where metrics are read while a server or a worker lasts. Decides nothing.

use crate::app::measured;
use crate::clock::{Clock as _, SystemClock};
use crate::error::Result;
use crate::home::Home;
use crate::http::{self, Listener};
use crate::metrics::Metrics;
use crate::settings;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// It ends with this.
#[derive(Debug)]
pub(super) struct Measuring {
    pub(super) place: SocketAddr,
    _end: DropGuard,
}

impl Measuring {
    /// Answers where the settings say so; a place that is taken is an error.
    pub(super) async fn start(home: &Home, metrics: &Arc<Metrics>) -> Result<Option<Self>> {
        let Some(place) = settings::metrics(home)? else { return Ok(None) };
        let listener = Listener::of_metrics(place).await?;
        let place = listener.place()?;
        let (home, metrics, end) = (home.clone(), Arc::clone(metrics), CancellationToken::new());
        let read = move || measured(&home, &metrics, SystemClock.now_ms());
        tokio::spawn(listener.serve(http::metrics(Arc::new(read)), end.clone()));
        Ok(Some(Self { place, _end: end.drop_guard() }))
    }
}
