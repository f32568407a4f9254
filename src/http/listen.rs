//! Where the gateway is reached: so many connections at a time, each with so long for a request's head. Ends in order: no new connection is
//! taken, requests under way are finished. Must not know what is asked.

use super::seats::{Seat, Seats};
use super::visitor::Visitor;
use crate::error::{Error, Result};
use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// A request's head, in bytes and in header lines.
const HEAD_MAX: usize = 16 * 1_024;
const LINES_MAX: usize = 64;
/// It is there within so long, counted from the answer before it on a connection that stays.
const HEAD_WITHIN: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 20 });
/// Once it ends, requests under way have this long.
const END_WITHIN: Duration = Duration::from_secs(10);
/// When no connection can be taken, as when all files are in use.
const TAKEN_AGAIN: Duration = Duration::from_millis(100);

/// The same, at a place.
#[derive(Debug)]
pub(crate) struct Listener {
    tcp: TcpListener,
    seats: Seats,
}

/// What is asked on one connection.
#[derive(Debug)]
struct Asked {
    router: TowerToHyperService<Router>,
    seat: Arc<Seat>,
}

impl Service<Request<Incoming>> for Asked {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(Arc::clone(&self.seat));
        self.router.call(request)
    }
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
        Ok(Self { tcp, seats: Seats::default() })
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
        while let Some((stream, seat)) = self.next(&end).await {
            let io = TokioIo::new(Visitor::new(stream));
            let router = TowerToHyperService::new(router.clone());
            let asked = Asked { router, seat: Arc::clone(&seat) };
            let talk = graceful.watch(http.serve_connection(io, asked));
            tokio::spawn(async move {
                tokio::select! {
                    talked = talk => drop(talked),
                    () = seat.left() => {}
                }
            });
        }
        drop(self.tcp);
        if tokio::time::timeout(END_WITHIN, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were under way at the end");
        }
    }

    /// The next connection; none once it is to end.
    async fn next(&self, end: &CancellationToken) -> Option<(TcpStream, Arc<Seat>)> {
        loop {
            let taken = tokio::select! {
                () = end.cancelled() => return None,
                taken = self.tcp.accept() => taken,
            };
            let Ok((stream, _)) = taken else {
                self.seats.free();
                tokio::time::sleep(TAKEN_AGAIN).await;
                continue;
            };
            // Where all that are there are served, it is left.
            if let Some(seat) = self.seats.take() {
                return Some((stream, seat));
            }
        }
    }
}
