//! Where the gateway is reached: so many connections at a time, each with so long for a request's head. Ends in order: no new connection is
//! taken, requests under way are finished. Must not know what is asked.

use super::visitor::Visitor;
use crate::error::{Error, Result};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Connections at a time; others wait to be taken.
const VISITORS_MAX: usize = 1_024;
/// A request's head, in bytes and in header lines.
const HEAD_MAX: usize = 16 * 1_024;
const LINES_MAX: usize = 64;
/// It is there within so long, counted from the answer before it on a connection that stays.
const HEAD_WITHIN: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 20 });
/// Once it ends, requests under way have this long.
const END_WITHIN: Duration = Duration::from_secs(10);
/// When no connection can be taken, as when all files are in use.
const TAKEN_AGAIN: Duration = Duration::from_secs(1);

/// The same, at a place.
#[derive(Debug)]
pub(crate) struct Listener {
    tcp: TcpListener,
    places: Arc<Semaphore>,
}

impl Listener {
    /// Takes the place; one that is taken is an error.
    pub(crate) async fn at(place: SocketAddr) -> Result<Self> {
        Self::of(place, ("http-unbound", "another port in [http] listen, or whoever has it ended"))
            .await
    }

    /// The same for metrics.
    pub(crate) async fn of_metrics(place: SocketAddr) -> Result<Self> {
        let told = ("metrics-unbound", "another port in [metrics] listen, or whoever has it ended");
        Self::of(place, told).await
    }

    async fn of(place: SocketAddr, (code, help): (&str, &str)) -> Result<Self> {
        let tcp = TcpListener::bind(place).await.map_err(|error| {
            let message = format!("the gateway can't listen at {place}: {}", error.kind());
            Error::failed(code, message).help(help)
        })?;
        Ok(Self { tcp, places: Arc::new(Semaphore::new(VISITORS_MAX)) })
    }

    /// Where it is: the port that was found when none was asked for.
    pub(crate) fn place(&self) -> Result<SocketAddr> {
        let unknown =
            |_| Error::failed("http-unbound", "the gateway does not know where it listens");
        self.tcp.local_addr().map_err(unknown)
    }

    /// Answers until it is to end, and then what was asked before.
    pub(crate) async fn serve(self, router: Router, end: CancellationToken) {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_headers(LINES_MAX)
            .max_buf_size(HEAD_MAX);
        let graceful = GracefulShutdown::new();
        while let Some((stream, place)) = self.next(&end).await {
            let io = TokioIo::new(Visitor::new(stream, place));
            let asked = TowerToHyperService::new(router.clone());
            let talk = graceful.watch(http.serve_connection(io, asked));
            tokio::spawn(async move { drop(talk.await) });
        }
        drop(self.tcp);
        if tokio::time::timeout(END_WITHIN, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were under way at the end");
        }
    }

    /// The next connection; none once it is to end.
    async fn next(&self, end: &CancellationToken) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        loop {
            let taken = async {
                let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
                Some((self.tcp.accept().await, place))
            };
            tokio::select! {
                () = end.cancelled() => return None,
                taken = taken => match taken? {
                    (Ok((stream, _)), place) => return Some((stream, place)),
                    (Err(_), _) => tokio::time::sleep(TAKEN_AGAIN).await,
                },
            }
        }
    }
}
