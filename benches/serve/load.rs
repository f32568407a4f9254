//! A client's load: so many requests a second, whether or not those before are answered, or as many as are answered. Must not know what
//! is asked.

#![expect(clippy::future_not_send, reason = "the client is one thread")]

use crate::Fallible;
use crate::connection::Connection;
use crate::requests::{Kind, Requests};
use crate::served::Served;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What became of a load.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// How long each answer took, sorted.
    took: Vec<(Kind, Duration)>,
    long: Duration,
    /// Answers that had to be others, by status, and what went wrong elsewhere.
    pub(crate) wrong: BTreeMap<String, usize>,
    /// Of those told to come later, how many were not told when.
    pub(crate) without_retry_after: usize,
}

impl Told {
    pub(crate) fn answered(&self) -> usize {
        self.took.len()
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate to be printed")]
    pub(crate) fn rate(&self) -> f64 {
        self.took.len() as f64 / self.long.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// Those of a kind.
    pub(crate) fn of(&self, kind: Kind) -> Self {
        let took = self.took.iter().copied().filter(|(of, _)| *of == kind).collect();
        Self { took, long: self.long, ..Self::default() }
    }

    /// How long so many of a hundred took at most.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place among samples"
    )]
    pub(crate) fn at(&self, percent: f64) -> Duration {
        let at = (self.took.len() as f64 * percent / 100.0).ceil() as usize;
        let at = at.clamp(1, self.took.len().max(1)) - 1;
        self.took.get(at).map_or(Duration::ZERO, |(_, took)| *took)
    }
}

/// What all connections of a load share, on one thread.
struct Load<'a> {
    requests: &'a Requests,
    served: &'a Served<'a>,
    kind: fn(usize) -> Kind,
    next: Cell<usize>,
    told: RefCell<Told>,
}

impl Load<'_> {
    /// Asks once, and takes down how long it took since it was due.
    async fn ask(&self, connection: &mut Option<Connection>, nth: usize, due: Instant) -> Fallible {
        let kind = (self.kind)(nth);
        let request = self.requests.nth(kind, nth)?;
        let mut at = match connection.take() {
            Some(at) => at,
            None => Connection::to(self.served.place()).await?,
        };
        let outcome = at.ask(request.text.as_bytes()).await;
        let mut told = self.told.borrow_mut();
        match outcome {
            Ok(answer) => {
                if answer.status != request.status {
                    if answer.status == 429 && !answer.retry_after {
                        told.without_retry_after += 1;
                    }
                    let said = String::from_utf8_lossy(at.body(&answer)).into_owned();
                    let said = if answer.status == 429 { String::new() } else { said };
                    let what = format!(
                        "{}{}",
                        answer.status,
                        said.get(..200.min(said.len())).unwrap_or_default()
                    );
                    *told.wrong.entry(what).or_default() += 1;
                }
                told.took.push((kind, due.elapsed()));
                *connection = Some(at);
            }
            Err(error) => *told.wrong.entry(error.to_string()).or_default() += 1,
        }
        Ok(())
    }

    fn ended(self, long: Duration) -> Told {
        let mut told = self.told.into_inner();
        told.took.sort_unstable_by_key(|(_, took)| *took);
        told.long = long;
        told
    }
}

fn new<'a>(served: &'a Served<'a>, requests: &'a Requests, kind: fn(usize) -> Kind) -> Load<'a> {
    Load { requests, served, kind, next: Cell::new(0), told: RefCell::default() }
}

/// So many a second for so long. A request that no connection could send when it was due has waited since then.
pub(crate) async fn at_rate(
    served: &Served<'_>,
    requests: &Requests,
    (rate, long): (u64, Duration),
    connections: usize,
    kind: fn(usize) -> Kind,
) -> Fallible<Told> {
    let load = new(served, requests, kind);
    let many = usize::try_from(rate * long.as_secs())?;
    let since = Instant::now();
    let due = |nth: usize| since + Duration::from_micros(nth as u64 * 1_000_000 / rate.max(1));
    let one = async || {
        let mut connection = None;
        loop {
            let nth = load.next.get();
            if nth >= many {
                return Fallible::Ok(());
            }
            load.next.set(nth + 1);
            tokio::time::sleep_until(due(nth).into()).await;
            load.ask(&mut connection, nth, due(nth)).await?;
        }
    };
    futures::future::try_join_all((0..connections).map(|_| one())).await?;
    Ok(load.ended(since.elapsed()))
}

/// As many as are answered in so long, each connection with one at a time.
pub(crate) async fn closed(
    served: &Served<'_>,
    requests: &Requests,
    long: Duration,
    connections: usize,
    kind: fn(usize) -> Kind,
) -> Fallible<Told> {
    let load = new(served, requests, kind);
    let since = Instant::now();
    let one = async || {
        let mut connection = None;
        while since.elapsed() < long {
            let nth = load.next.get();
            load.next.set(nth + 1);
            load.ask(&mut connection, nth, Instant::now()).await?;
        }
        Fallible::Ok(())
    };
    futures::future::try_join_all((0..connections).map(|_| one())).await?;
    Ok(load.ended(since.elapsed()))
}
