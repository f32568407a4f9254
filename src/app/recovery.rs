//! What a run left open in a log is settled: when delivery fails, by the run itself; when a process was killed, by the next command
//! on that log in the same gateway, or in any other once the run's lease has expired. A delivery whose manifests are all there is
//! recorded as done; of anything less, what has no manifest is taken back, and the record names who got the whole result all the same.
//! A run of a living process is left alone.

use super::App;
use crate::error::Result;
use crate::log::{Body, Code, OpenRun, Run, State};
use crate::results::{self, Delivery, Place};
use crate::store::Fence;
use mappings::model::{CollaborationId, MemberId, PlatformId, RunId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a destination may keep a command waiting for what an older run left there.
const SETTLE_MAX: Duration = Duration::from_secs(10);

/// What a run that ended has in its member's own storage, once it was to be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing that this gateway could take.
    Nothing,
    /// It could not be taken away.
    Something,
    /// The storage does not answer.
    Unknown,
}

/// What becomes of runs that ended and may go on at their platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lingering {
    /// What they left until now is taken away.
    Cleared,
    /// They wait until they can't go on: nobody's command does.
    Left,
}

impl App {
    /// Settles every open run of a collaboration that no living process works on. One whose destination can't be seen
    /// now stays open for a later command; it keeps nobody from running.
    pub(super) async fn recover(&self, collaboration: &CollaborationId) -> Result<()> {
        self.recover_as(collaboration, Lingering::Left).await
    }

    async fn recover_as(&self, collaboration: &CollaborationId, how: Lingering) -> Result<()> {
        let loaded = self.load(collaboration).await?;
        self.home.sweep();
        self.forget_ended(collaboration, &loaded.state).await?;
        self.clear_going_on(collaboration, &loaded.state, how).await;
        for (run, known) in loaded.state.runs() {
            let Some(open) = known.open() else { continue };
            let here = self.home.requested(collaboration, run);
            if !here && is_local(open) {
                continue;
            }
            // A claim is a file lock: it says of a run that was requested from this folder whether its process lives.
            let claim = if here { self.home.claim(run)? } else { None };
            if here && claim.is_none() {
                continue;
            }
            let Some(lease) = self.lease(collaboration, run).await? else { continue };
            let fence = lease.fence();
            let settled = self.settle(collaboration, run, Code::interrupted(), Some(&fence));
            match tokio::time::timeout(SETTLE_MAX, settled).await {
                Ok(Ok(())) => {
                    let of = (collaboration, run);
                    if let Some(claim) = &claim
                        && self.clear(&known.platform, of, &known.by).await == Left::Nothing
                    {
                        claim.is_over();
                    }
                }
                Ok(Err(error)) => tracing::warn!(%run, code = error.code, "an open run stays open"),
                Err(_) => tracing::warn!(%run, "an open run stays open: its storage is silent"),
            }
            lease.release().await;
        }
        Ok(())
    }

    /// Lays by what was kept of runs that have ended, or never came to be, and that nobody works on.
    async fn forget_ended(&self, collaboration: &CollaborationId, state: &State) -> Result<()> {
        let mut silent = BTreeSet::new();
        for run in self.home.unsettled(collaboration) {
            let known = state.runs().get(&run);
            if known.is_some_and(|known| known.open().is_some()) {
                continue;
            }
            // A place that does not answer keeps nobody waiting twice.
            if known.is_some_and(|known| silent.contains(&(&known.platform, &known.by))) {
                continue;
            }
            let Some(claim) = self.home.claim(&run)? else { continue };
            let Some(known) = known else {
                self.home.forget_opening(collaboration, &run);
                claim.is_over();
                continue;
            };
            match self.clear(&known.platform, (collaboration, &run), &known.by).await {
                Left::Nothing => claim.is_over(),
                Left::Something => {}
                Left::Unknown => drop(silent.insert((&known.platform, &known.by))),
            }
        }
        Ok(())
    }

    /// Takes away what platforms may have gone on with after runs' ends. What could still go on is looked at again.
    async fn clear_going_on(&self, collaboration: &CollaborationId, state: &State, how: Lingering) {
        let mut silent = BTreeSet::new();
        for (run, until) in self.home.going_on(collaboration) {
            // Whoever requests one may not have put it on record yet, and whoever works on one clears it.
            let known = state.runs().get(&run);
            if known.is_some_and(|known| known.open().is_some() || silent.contains(&known.by)) {
                continue;
            }
            let of = known.map(|known| (&known.platform, &known.by));
            if self.clear_ended((collaboration, &run), of, (until, how)).await == Left::Unknown {
                silent.extend(known.map(|known| &known.by));
            }
        }
    }

    /// The same of one that nobody works on; `None` of one that is not on record.
    async fn clear_ended(
        &self,
        (collaboration, run): (&CollaborationId, &RunId),
        of: Option<(&PlatformId, &MemberId)>,
        (until, how): (i64, Lingering),
    ) -> Left {
        let is_later = self.clock.now_ms() < until;
        if is_later && how == Lingering::Left {
            return Left::Nothing;
        }
        let left = match of {
            Some((room, by)) => self.clear(room, (collaboration, run), by).await,
            None => Left::Nothing,
        };
        if left == Left::Nothing && !is_later {
            self.home.goes_on_no_more(collaboration, run);
        }
        left
    }

    /// Whether what a run started may go on at a platform after its end.
    pub(super) fn lingers(&self, room: &PlatformId) -> bool {
        self.rooms.runs(room).is_ok_and(adapter_spi::RunsQueries::lingers)
    }

    /// Takes away what a run that ended left in a member's own storage.
    pub(super) async fn clear(
        &self,
        room: &PlatformId,
        (collaboration, run): (&CollaborationId, &RunId),
        by: &MemberId,
    ) -> Left {
        // Who is not operated there, any more, left nothing that this gateway could take.
        let Ok(room) = self.rooms.runs(room) else { return Left::Nothing };
        let cleared = room.clear(collaboration, run, by);
        let (left, code) = match tokio::time::timeout(SETTLE_MAX, cleared).await {
            Ok(Ok(())) => return Left::Nothing,
            Ok(Err(error)) => (Left::Something, error.code),
            Err(_) => (Left::Unknown, "no-answer-in-time"),
        };
        tracing::warn!(%run, code, "what a run left in its member's storage is not removed yet");
        left
    }

    /// Collaborations of which a process of this folder died at a run.
    pub(crate) fn interrupted(&self) -> BTreeSet<CollaborationId> {
        self.home.interrupted()
    }

    /// Settles what there is to settle in each, as far as its log and its destinations can be reached.
    pub(crate) async fn recover_all(&self, all: BTreeSet<CollaborationId>) {
        for collaboration in all {
            if let Err(error) = self.recover_as(&collaboration, Lingering::Cleared).await {
                tracing::warn!(code = error.code, "runs that were left are not settled yet");
            }
        }
    }

    /// Ends a run that nothing works on any more, as its destinations say. Nothing happens to one that has ended.
    pub(super) async fn settle(
        &self,
        collaboration: &CollaborationId,
        run: &RunId,
        code: Code,
        fence: Option<&Fence>,
    ) -> Result<()> {
        let loaded = self.load(collaboration).await?;
        let Some(open) = loaded.state.runs().get(run).and_then(Run::open) else { return Ok(()) };
        let wanted = open.intended.as_ref().map(|(_, _, wanted)| wanted);
        let mut delivered = BTreeMap::new();
        // Nothing is anywhere before that is intended.
        for receiver in open.receivers.iter().filter(|_| wanted.is_some()) {
            let Some(destination) = open.agreement.destinations.get(receiver) else { continue };
            let place = Place::look(destination)?;
            match results::state(&place, collaboration, run).await? {
                Delivery::Complete(found)
                    if wanted.and_then(|all| all.get(receiver)) == Some(&found) =>
                {
                    delivered.insert(receiver.clone(), found);
                }
                Delivery::Complete(_) | Delivery::Absent => {
                    let files = open.files.get(receiver).map_or(&[][..], Vec::as_slice);
                    results::withdraw(&place, collaboration, run, files).await?;
                }
            }
        }
        let run = run.clone();
        let body = match open.intended.clone() {
            Some((rows, withheld, manifests)) if manifests == delivered => {
                Body::RunSucceeded { run, rows, withheld, manifests }
            }
            _ => Body::RunFailed { run, code, delivered },
        };
        self.record_under(collaboration, fence, body).await?;
        Ok(())
    }
}

/// Whether part of a delivery may lie in a folder of the machine that began it, which another can't look into.
fn is_local(open: &OpenRun) -> bool {
    let local = |place: &String| !place.contains("://") || place.starts_with("file:");
    let mut places = open.receivers.iter().filter_map(|to| open.agreement.destinations.get(to));
    open.intended.is_some() && places.any(local)
}

#[cfg(test)]
mod tests {
    //! What a run leaves at a platform is taken away for as long as the platform may leave more.
    use super::*;
    use crate::clock::FixedClock;
    use crate::home::Home;
    use crate::store::MemoryStore;
    use std::sync::Arc;

    #[tokio::test]
    async fn what_lands_after_a_run_ended_is_taken_away_while_more_may_come() {
        let (folder, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let connections = format!(
            "[snowflake.members.brand]\nunload = \"s3://brand/airlock\"\nstorage_integration = \"AIRLOCK\"\nlanding = \"file://{}\"\n",
            there.path().display()
        );
        let home = Home::open(folder.path()).unwrap();
        std::fs::write(folder.path().join("connections.toml"), connections).unwrap();
        let clock = Arc::new(FixedClock::new(1_000));
        let (store, at) = (Arc::new(MemoryStore::new()), Arc::<FixedClock>::clone(&clock));
        let app = App::over_at(home, store, at).await.unwrap();
        let (spring, run, brand) =
            ("spring".parse().unwrap(), "run-1".parse().unwrap(), "brand".parse().unwrap());
        let file = there.path().join("collaboration=spring/run=run-1/h/data_0.parquet");
        let (room, native) = (PlatformId::snowflake(), PlatformId::native());
        assert!(
            app.lingers(&room)
                && app.lingers(&PlatformId::snowflake_dcr())
                && !app.lingers(&native)
        );
        app.home.goes_on_until(&spring, &run, 2_000).unwrap();
        let (cleared, left) = (Lingering::Cleared, Lingering::Left);
        // When, how, of what is on record: whether the file is taken, and whether the run is forgotten.
        for (now_ms, how, known, is_taken, is_forgotten) in [
            (1_000, left, true, false, false),
            (1_000, cleared, true, true, false),
            (1_999, cleared, true, true, false),
            (1_999, cleared, false, false, false),
            (2_000, left, true, true, true),
            (2_000, left, false, false, true),
        ] {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, "x").unwrap();
            app.home.goes_on_until(&spring, &run, 2_000).unwrap();
            clock.set(now_ms);
            let of = known.then_some((&room, &brand));
            let found = app.clear_ended((&spring, &run), of, (2_000, how)).await;
            assert_eq!(
                (found, file.exists()),
                (Left::Nothing, !is_taken),
                "{now_ms} {how:?} {known}"
            );
            assert_eq!(app.home.going_on(&spring).is_empty(), is_forgotten, "{now_ms} {how:?}");
        }
        // What can't be taken is tried again, by whichever command.
        std::fs::remove_dir_all(there.path()).unwrap();
        app.home.goes_on_until(&spring, &run, 2_000).unwrap();
        let found = app.clear_ended((&spring, &run), Some((&room, &brand)), (2_000, left)).await;
        assert_eq!((found, app.home.going_on(&spring).len()), (Left::Something, 1));
    }

    #[test]
    fn a_statement_goes_on_for_as_long_as_its_run_may_take() {
        let limits =
            |duration_ms_max| adapter_spi::RunLimits { duration_ms_max, ..Default::default() };
        let until = |ms| super::super::runs::goes_on_until(10, &limits(ms));
        assert_eq!(until(1_000), 61_010);
        assert_eq!(until(u64::MAX), 604_860_010);
    }
}
