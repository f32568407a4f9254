//! Runs: asked for, looked at, stopped. All of its members see that a run was, as they do in the log; what was read for it nobody sees.

use super::{Desk, Done, Seen, absent, named, texts};
use crate::access::Action;
use crate::app::{RunPhase, RunRequest, Tied, Watched};
use crate::error::{Error, Result};
use crate::log::{Run, RunStatus};
use crate::wire;
use adapter_spi::RunLimits;
use mappings::model::{CollaborationId, PlatformId, RunId, TemplateName};

/// Which runs a page has.
#[derive(Debug, Default)]
pub(crate) struct RunsAsked {
    /// Requested before this position.
    pub(crate) before: Option<u64>,
    /// So many at most.
    pub(crate) max: usize,
    /// That stand so.
    pub(crate) state: Option<wire::RunState>,
    /// Of this template.
    pub(crate) template: Option<String>,
    /// Whether of which the caller's member receives the result.
    pub(crate) received: bool,
}

impl Desk<'_> {
    /// A page of runs, the newest first.
    pub(crate) async fn runs(&self, name: &str, asked: &RunsAsked) -> Result<wire::Runs> {
        let seen = self.seen_whole(name, Action::ReadCollaboration).await?;
        let template = asked.template.as_deref().map(named::<TemplateName>).transpose()?;
        let mut found: Vec<(&RunId, &Run)> = seen
            .state()
            .runs()
            .iter()
            .filter(|(_, run)| asked.before.is_none_or(|before| run.index < before))
            .filter(|(_, run)| asked.state.is_none_or(|state| state_of(run) == state))
            .filter(|(_, run)| template.as_ref().is_none_or(|template| run.template == *template))
            .filter(|(_, run)| !asked.received || run.receivers.contains(&seen.member))
            .collect();
        found.sort_by_key(|(_, run)| std::cmp::Reverse(run.index));
        let is_last = found.len() <= asked.max;
        found.truncate(asked.max);
        let next = found.last().filter(|_| !is_last).map(|(_, run)| run.index);
        let runs = found.into_iter().map(|(id, run)| self.shown(id, run)).collect();
        Ok(wire::Runs { runs, next })
    }

    /// One by its id, and the position of the newest leaf about it.
    pub(crate) async fn run(&self, name: &str, run: &str) -> Result<(wire::Run, u64)> {
        let seen = self.seen_whole(name, Action::ReadCollaboration).await?;
        let (id, run) = found(&seen, run)?;
        Ok((self.shown(&id, run), run.newest))
    }

    /// Whether something may have happened to a run since it was looked at: its log grew, or it is further.
    pub(crate) async fn has_moved(
        &self,
        (name, run): (&str, &str),
        phase: Option<wire::RunPhase>,
        watched: &mut Watched,
    ) -> Result<bool> {
        let of = named::<CollaborationId>(name)?;
        let is_further = self.phase(&named(run)?) != phase;
        Ok(self.app.grew(&of, watched).await || is_further)
    }

    /// Asks for a run of the template version that was looked at. Its id comes from the key, so the log itself takes none twice.
    pub(crate) async fn request_run(
        &self,
        name: &str,
        asked: &wire::RunAsked,
        tied: &Tied,
    ) -> Result<(RunId, Done)> {
        let run = run_of(tied)?;
        let done = self.once("run", tied, async {
            let seen = self.seen_whole(name, Action::Run).await?;
            let request = request(&seen, asked)?;
            let of = seen.collaboration;
            let requested = self.runs.request((request, run.clone()), tied.clone());
            Ok((of, requested.await?))
        });
        Ok((run.clone(), done.await?))
    }

    /// Stops an own run that delivers nothing yet.
    pub(crate) async fn cancel(&self, name: &str, run: &str, tied: &Tied) -> Result<Done> {
        self.once("cancel", tied, async {
            let seen = self.seen_whole(name, Action::Cancel).await?;
            let (id, run) = found(&seen, run)?;
            if run.by != seen.member {
                let message = "the run was asked for by another member";
                return Err(Error::refused("not-the-runner", message).help(
                    "a run of the caller's own member; an owner withdraws what the run rests on",
                ));
            }
            let (of, member) = (&seen.collaboration, &seen.member);
            let recorded = self.app.cancel_run((of, &id), member, tied).await?;
            self.runs.cancel(&id);
            Ok((of.clone(), recorded))
        })
        .await
    }

    fn phase(&self, run: &RunId) -> Option<wire::RunPhase> {
        self.runs.phase(run).map(|phase| match phase {
            RunPhase::Running(_) => wire::RunPhase::Running,
            RunPhase::Verifying => wire::RunPhase::Verifying,
            RunPhase::Delivering => wire::RunPhase::Delivering,
        })
    }

    fn shown(&self, id: &RunId, run: &Run) -> wire::Run {
        let (mut code, mut rows, mut withheld) = (None, None, None);
        match &run.status {
            RunStatus::Requested(_) | RunStatus::Delivering(_) => {}
            RunStatus::Succeeded { rows: all, withheld: thin } => {
                (rows, withheld) = (Some(*all), *thin);
            }
            RunStatus::Failed(why) | RunStatus::Cancelled(why) => code = Some(why.to_string()),
        }
        wire::Run {
            run: id.to_string(),
            index: run.index,
            template: run.template.to_string(),
            digest: run.digest.to_string(),
            agreement: run.agreement.to_string(),
            room: run.platform.to_string(),
            by: run.by.to_string(),
            receivers: texts(&run.receivers),
            requested_at_ms: run.requested_at_ms,
            state: state_of(run),
            phase: run.open().and_then(|_| self.phase(id)),
            code,
            rows,
            withheld,
        }
    }
}

pub(super) fn found<'s>(seen: &'s Seen, run: &str) -> Result<(RunId, &'s Run)> {
    let id = named::<RunId>(run)?;
    let run = seen.state().runs().get(&id).ok_or_else(absent)?;
    Ok((id, run))
}

const fn state_of(run: &Run) -> wire::RunState {
    match run.status {
        RunStatus::Requested(_) => wire::RunState::Requested,
        RunStatus::Delivering(_) => wire::RunState::Delivering,
        RunStatus::Succeeded { .. } => wire::RunState::Succeeded,
        RunStatus::Failed(_) => wire::RunState::Failed,
        RunStatus::Cancelled(_) => wire::RunState::Cancelled,
    }
}

/// The id of the run that is asked for under a key.
fn run_of(tied: &Tied) -> Result<RunId> {
    let scope = tied.once.as_ref().map(|once| &once.scope[..10]);
    let scope = scope.ok_or_else(|| Error::failed("bug", "a run is asked for without a key"))?;
    let hex = scope.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    RunId::new(&format!("run-{hex}")).map_err(|error| Error::failed("bug", error.to_string()))
}

fn request(seen: &Seen, asked: &wire::RunAsked) -> Result<RunRequest> {
    let room = asked.room.as_deref().map(named::<PlatformId>).transpose()?;
    Ok(RunRequest {
        collaboration: seen.collaboration.clone(),
        template: named(&asked.template)?,
        digest: Some(super::decisions::digest(&asked.digest)?),
        room: room.unwrap_or_else(PlatformId::native),
        by: seen.member.clone(),
        parameters: asked.parameters.clone(),
        run: None,
        salt: None,
        limits: limits(&asked.limits)?,
    })
}

/// No caller gives itself more of this machine than is usual.
pub(super) fn limits(asked: &wire::RunLimits) -> Result<RunLimits> {
    let usual = RunLimits::default();
    let within = |asked: Option<u64>, unit: u64, usual: u64| match asked {
        None => Ok(usual),
        Some(most) if most > 0 && most <= usual / unit => Ok(most.saturating_mul(unit)),
        Some(_) => Err(Error::invalid("limit-above", "a limit is none, or above what is usual")
            .help("1 up to 2048 MiB of memory, 65536 MiB of spill, 50000000 rows, 3600 seconds")),
    };
    Ok(RunLimits {
        memory_bytes_max: within(asked.memory_mib_max, 1 << 20, usual.memory_bytes_max)?,
        spill_bytes_max: within(asked.spill_mib_max, 1 << 20, usual.spill_bytes_max)?,
        rows_max: within(asked.rows_max, 1, usual.rows_max)?,
        duration_ms_max: within(asked.duration_s_max, 1_000, usual.duration_ms_max)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_lowered_and_never_raised() {
        let usual = RunLimits::default();
        let of = |change: fn(&mut wire::RunLimits)| {
            let mut asked = wire::RunLimits::default();
            change(&mut asked);
            limits(&asked)
        };
        assert_eq!(of(|_| ()).unwrap(), usual);
        let low = of(|asked| asked.memory_mib_max = Some(64)).unwrap();
        assert_eq!(low, RunLimits { memory_bytes_max: 64 << 20, ..usual });
        let most = of(|asked| asked.duration_s_max = Some(3_600)).unwrap();
        assert_eq!(most, usual);
        for bad in [
            of(|asked| asked.memory_mib_max = Some(2_049)),
            of(|asked| asked.spill_mib_max = Some(u64::MAX)),
            of(|asked| asked.rows_max = Some(0)),
            of(|asked| asked.duration_s_max = Some(3_601)),
        ] {
            assert_eq!(bad.unwrap_err().code, "limit-above");
        }
    }
}
