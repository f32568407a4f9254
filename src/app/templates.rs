//! Templates: an owner's approval of the versions that touch its datasets.

use super::{App, agreements, known, members};
use crate::error::{Error, Result};
use crate::log::Body;
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
        let key = members::signing_key(&self.home, member)?;
        let loaded = self.load(collaboration).await?;
        let agreement = known(&loaded.state)?.clone();
        let mine = touching(&agreement, member)?;
        let wanted = match names {
            None => mine
                .into_iter()
                .filter(|name| {
                    let digest = agreement.templates.get(name).map(|t| t.digest(name));
                    digest.is_some_and(|d| !loaded.state.approvals(name, d).contains(member))
                })
                .collect(),
            Some(names) => {
                for name in names {
                    agreements::known(&agreement, name)?;
                    if !mine.contains(name) {
                        return Err(Error::refused(
                            "not-an-owner",
                            format!("template {name} touches no dataset of {member}"),
                        ));
                    }
                }
                names.to_vec()
            }
        };
        let mut approved = Vec::new();
        for name in wanted {
            let Some(template) = agreement.templates.get(&name) else { continue };
            let digest = template.digest(&name);
            self.decide(collaboration, (member, &key), |_| {
                Ok(Body::Approved { member: member.clone(), template: name.clone(), digest })
            })
            .await?;
            approved.push((name, digest));
        }
        Ok(approved)
    }
}
