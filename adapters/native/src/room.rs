//! The room as an adapter: what is granted, what runs. Grants live in memory; a restart forgets them all.

use crate::assess::assess;
use crate::failure::failure;
use crate::run::{Watch, carry_out};
use crate::token::Tokens;
use adapter_spi::{
    Adapter, AdapterError, Applied, Assessment, Capabilities, Cx, Desired, ErrorKind, Held, Lag,
    Observation, Outcome, Plan, PlanRefused, ProtectedQuery, Resource, ResourceKind, Result, Retry,
    RunStatus, RunsQueries, Scope, Stale, Step,
};
use async_trait::async_trait;
use mappings::model::{Agreement, CollaborationId, PlatformId, RunId};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::Instrument as _;

/// Gives a collaboration's key, by reference: the room asks for it once a run and keeps nothing.
pub trait KeySource: Debug + Send + Sync {
    /// The 32 bytes under which match keys of this collaboration are hashed.
    fn key(&self, collaboration: &CollaborationId) -> Option<[u8; 32]>;
}

/// The native room of one process.
#[derive(Debug)]
pub struct NativeRoom {
    platform: PlatformId,
    capabilities: Capabilities,
    keys: Arc<dyn KeySource>,
    scratch: PathBuf,
    held: Mutex<BTreeMap<CollaborationId, Held>>,
    runs: Mutex<BTreeMap<RunId, Running>>,
}

/// A run of this process.
#[derive(Debug, Clone)]
struct Running {
    collaboration: CollaborationId,
    needs: Vec<Resource>,
    watch: Arc<Watch>,
    ended: Arc<Mutex<Option<RunStatus>>>,
}

impl NativeRoom {
    /// An empty room that spills below this folder.
    #[must_use]
    pub fn new(keys: Arc<dyn KeySource>, scratch: PathBuf) -> Self {
        Self {
            platform: PlatformId::native(),
            capabilities: Capabilities {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                runs_queries: true,
                activation: true,
                cancels: true,
                lag: Lag::AT_ONCE,
                behaviours: Vec::new(),
            },
            keys,
            scratch,
            held: Mutex::default(),
            runs: Mutex::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<CollaborationId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<RunId, Running>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(
        &self,
        kind: ErrorKind,
        code: &'static str,
        operation: &'static str,
        reason: String,
    ) -> AdapterError {
        let (outcome, retry) = (Outcome::NotApplied, Retry::Never);
        AdapterError {
            kind,
            code,
            outcome,
            retry,
            platform: self.platform.clone(),
            operation,
            reason,
        }
    }

    /// What a run needs, or a refusal when some of it is not granted.
    fn needs(&self, query: &ProtectedQuery) -> Result<Vec<Resource>> {
        let template = Resource {
            kind: ResourceKind::Template(query.guarded.template.clone()),
            digest: query.guarded.digest,
        };
        let datasets = query.guarded.datasets.keys().filter_map(|name| {
            query.agreement.datasets.get(name).map(|dataset| Resource::dataset(name, dataset))
        });
        let needs: Vec<Resource> = datasets.chain([template]).collect();
        let all = self.held();
        let held = all.get(&query.agreement.collaboration);
        let missing =
            needs.iter().find(|need| !held.is_some_and(|held| held.resources.contains(need)));
        match missing {
            None => Ok(needs),
            Some(need) => {
                let what = format!("{} is not granted to the room", need.kind);
                Err(self.error(ErrorKind::PermissionDenied, "not-granted", "submit", what))
            }
        }
    }

    fn run_of(&self, run: &RunId, operation: &'static str) -> Result<Running> {
        let unknown = || {
            self.error(
                ErrorKind::NotFound,
                "run-unknown",
                operation,
                format!("no run {run} in this room"),
            )
        };
        self.runs().get(run).cloned().ok_or_else(unknown)
    }
}

#[async_trait]
impl Adapter for NativeRoom {
    fn platform(&self) -> &PlatformId {
        &self.platform
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn assess(&self, desired: &Agreement) -> Assessment {
        assess(desired)
    }

    async fn observe(&self, scope: &Scope, _: &Cx) -> Result<Observation> {
        let held = self.held().get(&scope.collaboration).cloned().unwrap_or_default();
        Ok(Observation::whole(scope, held.version, held.resources.into_iter().collect()))
    }

    fn plan(
        &self,
        desired: &Desired,
        seen: &Observation,
    ) -> std::result::Result<Plan, PlanRefused> {
        Ok(Plan::between(&desired.resources(), seen))
    }

    async fn apply(&self, step: &Step, _: &Cx) -> Result<Applied> {
        let applied = self.held().entry(step.collaboration.clone()).or_default().apply(step);
        let applied = applied.map_err(|Stale| AdapterError {
            retry: Retry::NextCycle,
            ..self.error(
                ErrorKind::StaleVersion,
                "stale-version",
                "apply",
                "the room changed since this step was planned".to_owned(),
            )
        })?;
        // A run that stands on what was just taken away stops now.
        for running in
            self.runs().values().filter(|running| running.collaboration == step.collaboration)
        {
            let gone = !self
                .held()
                .get(&step.collaboration)
                .is_some_and(|held| running.needs.iter().all(|need| held.resources.contains(need)));
            if gone {
                running.watch.cancel.cancel();
            }
        }
        Ok(applied)
    }

    fn runs_queries(&self) -> Option<&dyn RunsQueries> {
        Some(self)
    }
}

#[async_trait]
impl RunsQueries for NativeRoom {
    async fn submit(&self, query: &ProtectedQuery, _: &Cx) -> Result<()> {
        let needs = self.needs(query)?;
        let collaboration = query.agreement.collaboration.clone();
        let key = self.keys.key(&collaboration).ok_or_else(|| {
            self.error(
                ErrorKind::PermissionDenied,
                "room-key-missing",
                "submit",
                format!("the room has no key of {collaboration}"),
            )
        })?;
        let running =
            Running { collaboration, needs, watch: Arc::default(), ended: Arc::default() };
        {
            let mut runs = self.runs();
            if runs.contains_key(&query.run) {
                return Err(self.error(
                    ErrorKind::AlreadyExists,
                    "run-exists",
                    "submit",
                    format!("run {} exists", query.run),
                ));
            }
            runs.insert(query.run.clone(), running.clone());
        }
        let slot = Arc::clone(&running.ended);
        let (query, scratch, tokens) = (query.clone(), self.scratch.clone(), Tokens::new(&key));
        let work = async move {
            let ended = Box::pin(carry_out(&query, tokens, &scratch, &running.watch)).await;
            let status = match ended {
                Ok(output) => RunStatus::Succeeded(output),
                Err(failure) if failure.code == "cancelled" => RunStatus::Cancelled,
                Err(failure) => RunStatus::Failed(failure),
            };
            *running.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
        };
        // A panic in the engine ends the run, not the room.
        let ended = Arc::clone(&slot);
        let work = tokio::spawn(work.in_current_span());
        tokio::spawn(async move {
            if work.await.is_err() {
                let crashed = RunStatus::Failed(failure("engine-panicked", "the engine gave up"));
                *ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(crashed);
            }
        });
        Ok(())
    }

    async fn status(&self, run: &RunId, _: &Cx) -> Result<RunStatus> {
        let running = self.run_of(run, "status")?;
        let ended = running.ended.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(ended.unwrap_or_else(|| {
            if running.watch.cancel.is_cancelled() {
                RunStatus::Cancelling
            } else {
                RunStatus::Running(running.watch.progress())
            }
        }))
    }

    async fn cancel(&self, run: &RunId, cx: &Cx) -> Result<RunStatus> {
        self.run_of(run, "cancel")?.watch.cancel.cancel();
        self.status(run, cx).await
    }
}
