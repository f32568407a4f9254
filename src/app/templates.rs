//! Templates: an owner's approval of the versions that touch its datasets.

use super::runs::template_changed;
use super::{App, Recorded, Tied, agreements, known, members};
use crate::error::{Error, Result};
use crate::log::{Body, Entry, State};
use mappings::model::{Agreement, CollaborationId, Digest, MemberId, TemplateName};

/// The templates of an agreement that touch a dataset of this owner.
fn touching(agreement: &Agreement, owner: &MemberId) -> Result<Vec<TemplateName>> {
    let guarded = agreements::guard_all(agreement)?;
    Ok(guarded
        .into_iter()
        .filter(|(_, g)| g.datasets.values().any(|d| &d.owner == owner))
        .map(|(name, _)| name)
        .collect())
}

impl App {
    /// Approves the named templates, or (`None`) every one that touches the member's datasets and waits for it.
    pub async fn approve(
        &self,
        collaboration: &CollaborationId,
        names: Option<&[TemplateName]>,
        member: &MemberId,
    ) -> Result<Vec<(TemplateName, Digest)>> {
        members::signing_key(&self.home, member)?;
        let loaded = self.load(collaboration).await?;
        let agreement = known(&loaded.state)?.clone();
        let wanted = match names {
            None => touching(&agreement, member)?
                .into_iter()
                .filter(|name| {
                    let digest = agreement.templates.get(name).map(|t| t.digest(name));
                    digest.is_some_and(|d| !loaded.state.approvals(name, d).contains(member))
                })
                .collect(),
            Some(names) => {
                for name in names {
                    agreements::known(&agreement, name)?;
                }
                names.to_vec()
            }
        };
        let digest = |name: TemplateName| {
            let digest = agreement.templates.get(&name)?.digest(&name);
            Some((name, digest))
        };
        let approved: Vec<_> = wanted.into_iter().filter_map(digest).collect();
        if !approved.is_empty() {
            self.approve_versions(collaboration, &approved, member, &Tied::default()).await?;
        }
        Ok(approved)
    }

    /// Refuses an approval of a template that touches nothing of whoever would approve it. Whose a dataset is never changes once it is agreed, so it is
    /// looked at before the decision.
    async fn touches(
        &self,
        collaboration: &CollaborationId,
        versions: &[(TemplateName, Digest)],
        member: &MemberId,
    ) -> Result<()> {
        let state = self.load(collaboration).await?.state;
        let Some(version) = state.in_force().or(state.waiting()).cloned() else { return Ok(()) };
        // One that has another version by now is refused for that.
        let same = |(template, digest): &&(TemplateName, Digest)| {
            version.templates.get(template) == Some(digest)
        };
        let names: Vec<_> = versions.iter().filter(same).map(|(name, _)| name.clone()).collect();
        let member = member.clone();
        let looked = tokio::task::spawn_blocking(move || {
            for name in names {
                let guarded = agreements::guard_one(&version.agreement, &name)?;
                if !guarded.datasets.values().any(|dataset| dataset.owner == member) {
                    let message = format!("template {name} touches no dataset of {member}");
                    return Err(Error::refused("not-an-owner", message)
                        .help("an owner of a dataset that it reads approves it"));
                }
            }
            Ok(())
        });
        looked.await.map_err(|_| Error::failed("bug", "the guard failed at a template"))?
    }

    /// Approves templates in the versions that were looked at, all of them or none; refused where another version is in their place, or one touches
    /// nothing of the member's.
    pub async fn approve_versions(
        &self,
        collaboration: &CollaborationId,
        versions: &[(TemplateName, Digest)],
        member: &MemberId,
        tied: &Tied,
    ) -> Result<Recorded> {
        let key = members::signing_key(&self.home, member)?;
        self.touches(collaboration, versions, member).await?;
        let entry = |state: &State| {
            let newest = state.in_force().or(state.waiting());
            let approved = versions.iter().map(|(template, digest)| {
                let (template, digest) = (template.clone(), *digest);
                if newest.and_then(|version| version.templates.get(&template)) != Some(&digest) {
                    return Err(template_changed(&template, "an approval"));
                }
                let body = Body::Approved { member: member.clone(), template, digest };
                Ok(Entry::member(member, &key, body))
            });
            approved.collect()
        };
        self.decide_tied(collaboration, tied, entry).await
    }
}
