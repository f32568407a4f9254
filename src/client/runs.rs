//! Runs from outside: asked for, followed to their end, stopped.

use super::ask::{Question, unreadable};
use super::{About, Client, Decided};
use crate::error::{Error, Result};
use crate::wire;
use mappings::model::{CollaborationId, Digest, PlatformId, RunId};
use std::time::Duration;

/// How often a run is looked at, at first and later.
const LOOKED_EVERY: Duration = Duration::from_millis(50);
const LOOKED_EVERY_MAX: Duration = Duration::from_secs(1);
/// Looks in a row that may fail.
const BLIND_MAX: u32 = 10;

/// A run that is on record.
#[derive(Debug, Clone)]
pub struct Requested {
    /// Its id, of the gateway's giving.
    pub run: RunId,
    /// The proof.
    pub decided: Decided,
}

impl Client {
    /// Asks for a run of an approved template. It is on record when this answers, and counts against the cap.
    pub async fn request_run(
        &self,
        of: &CollaborationId,
        asked: &wire::RunAsked,
    ) -> Result<Requested> {
        let malformed =
            |_| Error::invalid("digest-malformed", "a run names a version by its digest");
        let digest = Digest::try_from(asked.digest.clone()).map_err(malformed)?;
        let named = |_| Error::invalid("template-unknown", "a run names a template and a room");
        let template = asked.template.parse().map_err(named)?;
        let room = asked.room.as_deref().map_or(Ok(PlatformId::native()), str::parse);
        let room = room.map_err(named)?;
        let path = ["v1", "collaborations", of.as_str(), "runs"];
        let question = Question::change(&path)?.json(asked)?;
        let before = self.before(of).await?;
        let told = self.link.ask(&question).await?;
        let answer: serde_json::Value = told.json()?;
        let run = answer.get("run").and_then(serde_json::Value::as_str);
        let run = run.and_then(|run| run.parse::<RunId>().ok());
        let run = run.ok_or_else(|| unreadable("it names no run"))?;
        let about = About::Requested(run.clone(), template, digest, room);
        let proven = self.proven(of, &told, (&about, before.as_ref())).await?;
        Ok(Requested { run, decided: proven.into() })
    }

    /// Stops an own run that delivers nothing yet.
    pub async fn cancel(&self, of: &CollaborationId, run: &RunId) -> Result<Decided> {
        let path = ["v1", "collaborations", of.as_str(), "runs", run.as_str(), "cancellations"];
        let about = About::Cancelled(run.clone());
        Ok(self.changed(of, &Question::change(&path)?, &about).await?.into())
    }

    /// Looks at a run until it has ended; `told` hears where it stands whenever it was looked at.
    pub async fn followed(
        &self,
        of: &CollaborationId,
        run: &RunId,
        mut told: impl FnMut(&wire::Run) + Send,
    ) -> Result<wire::Run> {
        let (mut every, mut blind) = (LOOKED_EVERY, 0);
        loop {
            match self.run(of, run).await {
                Ok(stands) => {
                    blind = 0;
                    told(&stands);
                    if stands.state.is_end() {
                        return Ok(stands);
                    }
                }
                Err(error) => {
                    blind += 1;
                    let is_final = !matches!(
                        error.code.as_str(),
                        "gateway-unreachable" | "too-many-requests" | "timed-out"
                    );
                    if is_final || blind > BLIND_MAX {
                        return Err(error.help(format!(
                            "it goes on there: airlock status {of} shows what becomes of {run}"
                        )));
                    }
                }
            }
            tokio::time::sleep(every).await;
            every = (every * 3 / 2).min(LOOKED_EVERY_MAX);
        }
    }
}
