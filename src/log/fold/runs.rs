//! Runs as the log tells them: requested, delivering, ended. Must not know whether one may start; that is `permit`'s.

use super::State;
use crate::log::leaf::{Body, Code, Leaf, Touched};
use mappings::model::{Agreement, Digest, MemberId, PlatformId, RunId, TemplateName};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a run carries while it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRun {
    /// Who shall receive.
    pub receivers: Vec<MemberId>,
    /// What it reads.
    pub touched: Arc<Touched>,
    /// The agreement it runs under.
    pub agreement: Arc<Agreement>,
    /// Its digest.
    pub agreement_digest: Digest,
    /// The digest of the guarded text.
    pub text_digest: Digest,
    /// Rows and withheld rows, and each receiver's manifest, once delivery was intended.
    pub intended: Option<(u64, Option<u64>, BTreeMap<MemberId, Digest>)>,
    /// Every file that was to be delivered, by receiver.
    pub files: BTreeMap<MemberId, Vec<String>>,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunStatus {
    /// On the record, not delivered yet.
    Requested(Box<OpenRun>),
    /// Delivery is on the record, its end is not.
    Delivering(Box<OpenRun>),
    /// Delivered whole.
    Succeeded {
        /// Rows that left.
        rows: u64,
        /// Rows held back by rule.
        withheld: Option<u64>,
    },
    /// Ended without a result.
    Failed(Code),
    /// Stopped, or its result withheld.
    Cancelled(Code),
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The position of the request.
    pub index: u64,
    /// When it was requested, in log time.
    pub requested_at_ms: i64,
    /// Who asked.
    pub by: MemberId,
    /// The template.
    pub template: TemplateName,
    /// Its version.
    pub digest: Digest,
    /// The agreement it runs under.
    pub agreement: Digest,
    /// What that says.
    pub(super) agreed: Arc<Agreement>,
    /// Where it runs.
    pub platform: PlatformId,
    /// Who shall receive.
    pub receivers: Vec<MemberId>,
    /// What it reads.
    pub touched: Arc<Touched>,
    /// The position of the newest leaf about it.
    pub newest: u64,
    /// Where it stands.
    pub status: RunStatus,
}

impl Run {
    /// What it carries while it is open; `None` once it has ended.
    #[must_use]
    pub fn open(&self) -> Option<&OpenRun> {
        match &self.status {
            RunStatus::Requested(open) | RunStatus::Delivering(open) => Some(open),
            RunStatus::Succeeded { .. } | RunStatus::Failed(_) | RunStatus::Cancelled(_) => None,
        }
    }
}

impl State {
    pub(super) fn record_run(&mut self, index: u64, leaf: &Leaf) {
        if let Body::RunRequested {
            run,
            template,
            digest,
            by,
            receivers,
            touched,
            text_digest,
            platform,
            ..
        } = &leaf.body
        {
            self.attempts.push(leaf.at_ms);
            self.record_slot(run);
            let touched = self.reads(template, touched);
            let Some(version) = &self.in_force else { return };
            let open = OpenRun {
                agreement: Arc::clone(&version.agreement),
                agreement_digest: version.digest,
                receivers: receivers.clone(),
                touched: Arc::clone(&touched),
                text_digest: *text_digest,
                intended: None,
                files: BTreeMap::new(),
            };
            let requested = Run {
                index,
                requested_at_ms: leaf.at_ms,
                by: by.clone(),
                template: template.clone(),
                digest: *digest,
                agreement: version.digest,
                agreed: Arc::clone(&version.agreement),
                platform: platform.clone(),
                receivers: receivers.clone(),
                touched,
                newest: index,
                status: RunStatus::Requested(Box::new(open)),
            };
            self.runs.insert(run.clone(), requested);
            return;
        }
        let Some(run) = ended_run(&leaf.body).and_then(|id| self.runs.get_mut(id)) else {
            return;
        };
        run.status = next_status(&run.status, &leaf.body);
        run.newest = index;
    }

    /// What a run reads, kept once where the newest run of the same template reads the same.
    fn reads(&mut self, template: &TemplateName, touched: &Touched) -> Arc<Touched> {
        let known = self.touched.get(template).filter(|known| ***known == *touched);
        if let Some(known) = known {
            return Arc::clone(known);
        }
        let kept = Arc::new(touched.clone());
        self.touched.insert(template.clone(), Arc::clone(&kept));
        kept
    }
}

/// The run that a later leaf of its life names.
pub(super) const fn ended_run(body: &Body) -> Option<&RunId> {
    match body {
        Body::RunFailed { run, .. }
        | Body::RunCancelled { run, .. }
        | Body::DeliveryIntended { run, .. }
        | Body::RunSucceeded { run, .. } => Some(run),
        Body::Opened { .. }
        | Body::Proposed { .. }
        | Body::Joined { .. }
        | Body::Declined { .. }
        | Body::Approved { .. }
        | Body::WaiverGiven { .. }
        | Body::Revoked { .. }
        | Body::RunRequested { .. }
        | Body::ResultShared { .. }
        | Body::RecipientKeyed { .. }
        | Body::ShareEnded { .. }
        | Body::ShareRead { .. }
        | Body::Scheduled { .. }
        | Body::Unscheduled { .. }
        | Body::SlotRefused { .. }
        | Body::EffectIntended { .. }
        | Body::EffectOutcome { .. }
        | Body::RoomObserved { .. }
        | Body::FoundWithdrawn { .. }
        | Body::Reoffered { .. }
        | Body::RevocationConfirmed { .. }
        | Body::DriftFound { .. } => None,
    }
}

fn next_status(status: &RunStatus, body: &Body) -> RunStatus {
    if let Body::RunFailed { code, .. } = body {
        return RunStatus::Failed(code.clone());
    }
    if let Body::RunCancelled { code, .. } = body {
        return RunStatus::Cancelled(code.clone());
    }
    if let Body::RunSucceeded { rows, withheld, .. } = body {
        return RunStatus::Succeeded { rows: *rows, withheld: *withheld };
    }
    if let (
        Body::DeliveryIntended { rows, withheld, manifests, files, .. },
        RunStatus::Requested(open),
    ) = (body, status)
    {
        let mut open = open.clone();
        for file in files {
            open.files.entry(file.receiver.clone()).or_default().push(file.name.clone());
        }
        open.intended = Some((*rows, *withheld, manifests.clone()));
        return RunStatus::Delivering(open);
    }
    status.clone()
}
