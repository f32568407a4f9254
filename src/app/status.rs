//! Where a collaboration stands, for people: a reading of the folded state, nothing stored.

use super::{App, agreements};
use crate::error::Result;
use mappings::model::{CollaborationId, Digest, MemberId, RunId, TemplateName};
use serde::Serialize;

/// One template's approvals.
#[derive(Debug, Clone, Serialize)]
pub struct TemplateStanding {
    /// The template.
    pub template: TemplateName,
    /// Its version.
    pub digest: Digest,
    /// Owners who approved it.
    pub approved_by: Vec<MemberId>,
    /// Owners whose approval is missing.
    pub waits_for: Vec<MemberId>,
}

/// One collaboration.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// Which.
    pub collaboration: CollaborationId,
    /// Leaves in its log.
    pub leaves: u64,
    /// Members and their states.
    pub members: Vec<(MemberId, String)>,
    /// Templates and their approvals.
    pub templates: Vec<TemplateStanding>,
    /// What was withdrawn.
    pub revocations: Vec<String>,
    /// Runs and their states.
    pub runs: Vec<(RunId, String)>,
    /// Attempts left in the current window.
    pub runs_left: u32,
}

impl App {
    /// One collaboration, or all.
    pub async fn status(&self, only: Option<&CollaborationId>) -> Result<Vec<Standing>> {
        let collaborations = match only {
            Some(one) => vec![one.clone()],
            None => self.log.collaborations().await?,
        };
        let mut standings = Vec::new();
        for collaboration in collaborations {
            self.recover(&collaboration).await?;
            standings.push(self.standing_of(&collaboration).await?);
        }
        Ok(standings)
    }

    async fn standing_of(&self, collaboration: &CollaborationId) -> Result<Standing> {
        let loaded = self.load(collaboration).await?;
        let state = &loaded.state;
        let agreement = super::waiting(state)?;
        let mut templates = Vec::new();
        for (name, guarded) in agreements::guard_all(agreement)? {
            let owners: std::collections::BTreeSet<_> =
                guarded.datasets.values().map(|d| d.owner.clone()).collect();
            let (approved_by, waits_for) =
                owners.into_iter().partition(|o| state.approved(&name, &guarded.digest, o));
            templates.push(TemplateStanding { template: name, digest: guarded.digest, approved_by, waits_for });
        }
        let spent = state.attempts_within(self.clock.now_ms(), agreement.limits.within_s);
        Ok(Standing {
            collaboration: collaboration.clone(),
            leaves: loaded.size,
            members: state.members().map(|(m, s)| (m.clone(), s.to_string())).collect(),
            templates,
            revocations: state.revocations().map(ToString::to_string).collect(),
            runs: state.runs().map(|(r, run)| (r.clone(), run.status.to_string())).collect(),
            runs_left: agreement.limits.runs_max.saturating_sub(spent),
        })
    }
}
