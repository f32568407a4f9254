//! Templates of the agreement in force, or else of the one that waits.

use super::{Desk, Seen, absent, named, texts};
use crate::access::Action;
use crate::app::agreements;
use crate::error::Result;
use crate::store::Stands;
use crate::wire;
use mappings::guard::Guarded;
use mappings::model::{Agreement, PlatformId, TemplateName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Desk<'_> {
    /// All of them.
    pub(crate) async fn templates(&self, name: &str) -> Result<wire::Templates> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let agreement = agreement(&seen)?;
        let of = Arc::clone(&agreement);
        let all = self.guarding(move || agreements::guard_all(&of)).await?;
        let shown =
            all.iter().map(|(template, guarded)| shown(&seen, &agreement, template, guarded));
        Ok(wire::Templates { templates: shown.collect::<Result<_>>()? })
    }

    /// One by its name.
    pub(crate) async fn template(&self, name: &str, template: &str) -> Result<wire::Template> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let (template, agreement) = (named::<TemplateName>(template)?, agreement(&seen)?);
        let guarded = self.guarded(&agreement, &template).await?;
        shown(&seen, &agreement, &template, &guarded)
    }

    /// What the guard makes of it, and what each room runs.
    pub(crate) async fn explanation(
        &self,
        name: &str,
        template: &str,
    ) -> Result<wire::Explanation> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let (template, agreement) = (named::<TemplateName>(template)?, agreement(&seen)?);
        let guarded = self.guarded(&agreement, &template).await?;
        let rooms = agreement.rooms.iter().map(|room| &room.platform);
        let texts = rooms.filter_map(|room| Some((room.to_string(), text(room, &guarded)?)));
        let thresholds = guarded.thresholds.iter();
        Ok(wire::Explanation {
            template: template.to_string(),
            digest: guarded.digest.to_string(),
            entities_min: most(thresholds.map(|one| (one.dataset.to_string(), one.entities_min))),
            warnings: guarded.warnings.clone(),
            texts: texts.collect(),
        })
    }

    async fn guarded(&self, of: &Arc<Agreement>, template: &TemplateName) -> Result<Guarded> {
        if !of.templates.contains_key(template) {
            return Err(absent());
        }
        let (of, template) = (Arc::clone(of), template.clone());
        self.guarding(move || agreements::guard_one(&of, &template)).await
    }
}

/// Where several rules ask for entities of one dataset, the strictest.
fn most(all: impl Iterator<Item = (String, u64)>) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for (dataset, entities_min) in all {
        let most = found.entry(dataset).or_insert(entities_min);
        *most = entities_min.max(*most);
    }
    found
}

/// The agreement whose templates the caller may see.
pub(super) fn agreement(seen: &Seen) -> Result<Arc<Agreement>> {
    let state = seen.state();
    let version = match seen.stands {
        Stands::Member => state.in_force().or(state.waiting()),
        Stands::Invited => state.waiting(),
        Stands::Former => None,
    };
    version.map(|version| Arc::clone(&version.agreement)).ok_or_else(absent)
}

fn shown(
    seen: &Seen,
    agreement: &Agreement,
    name: &TemplateName,
    guarded: &Guarded,
) -> Result<wire::Template> {
    let template = agreement.templates.get(name).ok_or_else(absent)?;
    let owners: BTreeSet<_> = guarded.datasets.values().map(|dataset| &dataset.owner).collect();
    let approvals = seen.state().approvals(name, guarded.digest);
    let (approved_by, waits_for): (Vec<_>, Vec<_>) =
        owners.into_iter().partition(|owner| approvals.contains(owner));
    Ok(wire::Template {
        template: name.to_string(),
        digest: guarded.digest.to_string(),
        sql: template.sql.clone(),
        run_by: texts(&template.run_by),
        received_by: texts(&template.received_by),
        approved_by: texts(approved_by),
        waits_for: texts(waits_for),
    })
}

/// What a room runs; none where it runs no text of ours.
fn text(room: &PlatformId, guarded: &Guarded) -> Option<wire::Text> {
    agreements::text_for(room, guarded).map(|text| match text {
        Ok(sql) => wire::Text { sql: Some(sql), unsaid: None },
        Err(why) => wire::Text { sql: None, unsaid: Some(why.to_string()) },
    })
}
