//! Logs are published while a worker lasts: what has grown at once, each log by itself. Nothing that closes waits for it. Must not know what a
//! place looks like.

use super::App;
use crate::error::{Error, Problem, Result};
use crate::metrics::Event;
use crate::publication::{Due, PublicationError, Published, publish};
use crate::results::Place;
use crate::settings::Publish;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _, stream};
use mappings::model::CollaborationId;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often logs are asked whether they have grown.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A store that is silent longer is asked again.
const LIST_WITHIN: Duration = Duration::from_secs(30);
/// Logs that are published at a time.
const AT_ONCE: usize = 4;
/// One that takes longer goes on later from where it is.
const WITHIN: Duration = Duration::from_mins(5);

impl App {
    /// Publishes logs until it is cancelled, at any moment: what was begun goes on the next time.
    pub(crate) async fn publish(self: Arc<Self>, set: Publish, cancel: CancellationToken) {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = self.publishing(&set) => {}
        }
    }

    async fn publishing(&self, set: &Publish) {
        let (mut due, mut mark, mut troubles) =
            (Due::new(set.witnesses.len()), None, BTreeMap::new());
        let mut work = FuturesUnordered::new();
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some((name, end)) = work.next() => {
                    due.ended(&name, &end, self.clock.now_ms());
                    trouble(&mut troubles, &name, end.as_ref().err());
                }
                _ = look.tick() => {
                    let grown = self.store.sizes_since(mark.as_ref());
                    if let Ok(Ok(grown)) = tokio::time::timeout(LIST_WITHIN, grown).await
                        && let Some(sizes) = grown.sizes
                    {
                        mark = grown.mark;
                        due.listed(&sizes, self.clock.now_ms());
                    }
                }
            }
            for name in due.begun(AT_ONCE.saturating_sub(work.len()), self.clock.now_ms()) {
                work.push(async move {
                    let end = self.published(&name, set).await;
                    (name, end)
                });
            }
            self.metrics.told(Event::Unpublished { leaves: due.behind() });
        }
    }

    /// Publishes every log once; tells what could not be.
    pub(crate) async fn publish_once(&self, set: &Publish) -> Result<Vec<Problem>> {
        let all = self.store.sizes().await.map_err(crate::log::LogError::from)?;
        let ends = all.into_iter().filter(|(_, size)| *size > 0).map(|(name, _)| async move {
            let end = self.published(&name, set).await;
            end.err().map(|error| problem(&name, error))
        });
        let mut problems: Vec<Problem> = stream::iter(ends)
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        problems.sort_by(|one, other| one.at.cmp(&other.at));
        Ok(problems)
    }

    /// One log, whatever becomes of it: none other is touched by that.
    async fn published(
        &self,
        name: &CollaborationId,
        set: &Publish,
    ) -> Result<Published, PublicationError> {
        let work = async {
            let place = Place::open(&set.to)?.below(name.as_str())?;
            publish(&self.log, name, &place, &set.witnesses).await
        };
        let ended = tokio::time::timeout(WITHIN, AssertUnwindSafe(work).catch_unwind()).await;
        match ended {
            Ok(Ok(end)) => end,
            Ok(Err(_)) => {
                self.log.forget(name);
                Err(PublicationError::Bug)
            }
            Err(_) => {
                Err(PublicationError::Place(crate::results::ResultsError::StorageUnavailable))
            }
        }
    }
}

/// Says what goes wrong when it begins and when it is over.
fn trouble(
    troubles: &mut BTreeMap<CollaborationId, &'static str>,
    name: &CollaborationId,
    error: Option<&PublicationError>,
) {
    let code = error.map(PublicationError::code);
    if troubles.get(name).copied() == code {
        return;
    }
    if let (Some(error), Some(code)) = (error, code) {
        tracing::warn!(collaboration = %name, code, "a log is not published: {error}");
        troubles.insert(name.clone(), code);
    } else {
        troubles.remove(name);
        tracing::warn!(collaboration = %name, "over: the log is published again");
    }
}

fn problem(name: &CollaborationId, error: PublicationError) -> Problem {
    let Error { code, message, help, .. } = Error::from(error);
    Problem { code, at: name.to_string(), message, help }
}

impl From<PublicationError> for Error {
    fn from(error: PublicationError) -> Self {
        let (code, message) = (error.code(), error.to_string());
        match error {
            PublicationError::Place(error) => error.into(),
            PublicationError::Log(error) => error.into(),
            PublicationError::RolledBack { .. } | PublicationError::Forked { .. } => {
                Self::refused(code, message).help(
                    "the log that was seen; two notes of one log under one key that contradict each other are the proof that there are two",
                )
            }
            PublicationError::Conflict { .. } => {
                Self::failed(code, message).help("the place without that object")
            }
            PublicationError::Missing => Self::failed(code, message)
                .help("PLACE/COLLABORATION, where the gateway's [publish] puts it"),
            PublicationError::Checkpoint(_)
            | PublicationError::Bundle(_)
            | PublicationError::Busy
            | PublicationError::TileMissing { .. }
            | PublicationError::TileDiffers { .. }
            | PublicationError::LeafMissing { .. }
            | PublicationError::LeafDiffers { .. }
            | PublicationError::State(_)
            | PublicationError::Bug
            | PublicationError::WitnessBusy => Self::failed(code, message),
        }
    }
}
