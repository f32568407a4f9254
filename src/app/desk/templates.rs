//! Templates of the agreement in force, or else of the one that waits, or of one that is named; and in which versions of the agreement one is.

use super::agreements::{version, visible, word};
use super::checks::thresholds;
use super::{Desk, Part, Seen, absent, named, texts};
use crate::access::Action;
use crate::app::agreements;
use crate::error::{Problem, Result};
use crate::log::Proposal;
use crate::store::Stands;
use crate::wire;
use mappings::guard::Guarded;
use mappings::model::{
    Agreement, Digest, Literal, MemberId, Parameter, ParameterName, PlatformId, TemplateName,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Documents that are read for one page of a template's versions.
const LOOKED_MAX: usize = if cfg!(test) { 2 } else { 50 };

/// The document of an agreement, by its digest.
struct Document {
    digest: Digest,
    agreement: Arc<Agreement>,
}

impl Desk<'_> {
    /// A page of them, in order of name; perhaps of the version that is named, perhaps those alone that wait for an owner.
    pub(crate) async fn templates(
        &self,
        name: &str,
        (agreement, waits_for): (Option<&str>, Option<&MemberId>),
        part: Part<TemplateName>,
    ) -> Result<wire::Templates> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let of = self.document_of(&seen, agreement).await?;
        let waits_for = waits_for.map(ToString::to_string);
        let mut templates = Vec::new();
        for template in of.agreement.templates.keys().filter(|name| part.has(name)) {
            let one = shown(&seen, &of, template, self.guarded(&of, template).await?)?;
            if waits_for.as_ref().is_none_or(|owner| one.waits_for.contains(owner)) {
                templates.push(one);
            }
            if templates.len() > part.max {
                break;
            }
        }
        let next = part.cut(&mut templates, |one| one.template.clone());
        Ok(wire::Templates { templates, next })
    }

    /// One by its name; perhaps of the version that is named.
    pub(crate) async fn template(
        &self,
        name: &str,
        template: &str,
        agreement: Option<&str>,
    ) -> Result<wire::Template> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let template = named::<TemplateName>(template)?;
        let of = self.document_of(&seen, agreement).await?;
        let guarded = self.guarded(&of, &template).await?;
        shown(&seen, &of, &template, guarded)
    }

    /// What the guard makes of it, its text as it was agreed beside what each room runs, and why it is refused where it is.
    pub(crate) async fn explanation(
        &self,
        name: &str,
        template: &str,
        agreement: Option<&str>,
    ) -> Result<wire::Explanation> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let template = named::<TemplateName>(template)?;
        let Document { agreement, .. } = self.document_of(&seen, agreement).await?;
        self.guarding(move || explained(&agreement, &template)).await
    }

    /// A page of the versions of the agreement that have it, after the position of a proposal. So many are looked at that a page may have few or
    /// none and still a next one.
    pub(crate) async fn template_versions(
        &self,
        name: &str,
        template: &str,
        (after, max): (Option<u64>, usize),
    ) -> Result<wire::TemplateVersions> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let template = named::<TemplateName>(template)?;
        let is_later = |proposal: &Proposal| after.is_none_or(|after| proposal.index > after);
        let all: Vec<_> = visible(&seen).filter(|(_, proposal)| is_later(proposal)).collect();
        let (mut versions, mut looked) = (Vec::new(), None);
        for (number, proposal) in all.iter().take(LOOKED_MAX) {
            let document = self.document(&seen, proposal).await?;
            if let Some(found) = document.templates.get(&template) {
                versions.push(wire::TemplateVersion {
                    agreement: proposal.digest.to_string(),
                    number: *number,
                    state: word(seen.state().became(proposal)).to_owned(),
                    index: proposal.index,
                    at_ms: proposal.at_ms,
                    digest: found.digest(&template).to_string(),
                });
            }
            looked = Some(proposal.index);
            if versions.len() == max {
                break;
            }
        }
        let last = all.last().map(|(_, proposal)| proposal.index);
        let next = looked.filter(|looked| last != Some(*looked)).map(|looked| looked.to_string());
        if versions.is_empty() && next.is_none() && after.is_none() {
            return Err(absent());
        }
        Ok(wire::TemplateVersions { versions, next })
    }

    /// The agreement that is named by its digest, where the caller may see it; else that in force, or the one that waits.
    async fn document_of(&self, seen: &Seen, agreement: Option<&str>) -> Result<Document> {
        let Some(digest) = agreement else { return current(seen) };
        let (_, proposal) = version(seen, digest)?;
        let agreement = self.document(seen, proposal).await?;
        Ok(Document { digest: proposal.digest, agreement })
    }

    /// What the guard makes of one, now or lately; why it refuses it, now: an older version may hold what today's guard does not pass.
    async fn guarded(&self, of: &Document, template: &TemplateName) -> Result<Verdict> {
        if !of.agreement.templates.contains_key(template) {
            return Err(absent());
        }
        if let Some(guarded) = self.house.guarded.get(of.digest, template) {
            return Ok(Ok(guarded));
        }
        let (agreement, template) = (Arc::clone(&of.agreement), template.clone());
        let verdict = self.guarding(move || Ok(verdict(&agreement, &template))).await?;
        if let Ok(guarded) = &verdict {
            self.house.guarded.keep(of.digest, guarded);
        }
        Ok(verdict)
    }
}

/// What the guard makes of a template, or why it refuses it.
type Verdict = std::result::Result<Arc<Guarded>, Vec<wire::Place>>;

fn verdict(agreement: &Agreement, name: &TemplateName) -> Verdict {
    let places = |problems: Vec<Problem>| problems.into_iter().map(wire::Place::from).collect();
    mappings::guard::guard(agreement, name)
        .map(Arc::new)
        .map_err(|refusals| places(agreements::problems(name, &refusals)))
}

/// A template that the guard passes or refuses, explained.
fn explained(agreement: &Agreement, name: &TemplateName) -> Result<wire::Explanation> {
    let template = agreement.templates.get(name).ok_or_else(absent)?;
    let refused = wire::Explanation {
        template: name.to_string(),
        digest: template.digest(name).to_string(),
        sql: template.sql.clone(),
        passes: false,
        refusals: Vec::new(),
        thresholds: Vec::new(),
        entities_min: BTreeMap::new(),
        warnings: Vec::new(),
        texts: BTreeMap::new(),
    };
    let guarded = match verdict(agreement, name) {
        Ok(guarded) => guarded,
        Err(refusals) => return Ok(wire::Explanation { refusals, ..refused }),
    };
    let rooms = agreement.rooms.iter().map(|room| &room.platform);
    let texts = rooms.filter_map(|room| Some((room.to_string(), text(room, agreement, &guarded)?)));
    let rules = guarded.thresholds.iter();
    Ok(wire::Explanation {
        passes: true,
        thresholds: thresholds(&guarded),
        entities_min: most(rules.map(|one| (one.dataset.to_string(), one.entities_min))),
        warnings: guarded.warnings.clone(),
        texts: texts.collect(),
        ..refused
    })
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
    Ok(current(seen)?.agreement)
}

fn current(seen: &Seen) -> Result<Document> {
    let state = seen.state();
    let version = match seen.stands {
        Stands::Member => state.in_force().or(state.waiting()),
        Stands::Invited => state.waiting(),
        Stands::Former => None,
    };
    let version = version.ok_or_else(absent)?;
    Ok(Document { digest: version.digest, agreement: Arc::clone(&version.agreement) })
}

fn shown(
    seen: &Seen,
    of: &Document,
    name: &TemplateName,
    verdict: Verdict,
) -> Result<wire::Template> {
    let template = of.agreement.templates.get(name).ok_or_else(absent)?;
    let digest = template.digest(name);
    let approvals = seen.state().approvals(name, digest);
    // Of one that is refused nobody can say whose data it reads, so it waits for nobody. What is on record of it stays there, and can be
    // taken back.
    let (approved_by, waits_for, refusals) = match verdict {
        Ok(guarded) => {
            let owners: BTreeSet<&MemberId> =
                guarded.datasets.values().map(|dataset| &dataset.owner).collect();
            let (approved, waits): (Vec<_>, Vec<_>) =
                owners.into_iter().partition(|owner| approvals.contains(owner));
            (texts(approved), texts(waits), Vec::new())
        }
        Err(refusals) => (texts(&approvals), Vec::new(), refusals),
    };
    Ok(wire::Template {
        template: name.to_string(),
        digest: digest.to_string(),
        sql: template.sql.clone(),
        parameters: template.parameters.iter().map(parameter).collect(),
        run_by: texts(&template.run_by),
        received_by: texts(&template.received_by),
        approved_by,
        waits_for,
        refusals,
    })
}

/// Values as they stand in the agreement, which whoever sees the template reads there as well.
fn parameter((name, one): (&ParameterName, &Parameter)) -> wire::TemplateParameter {
    let value = |literal: &Literal| serde_json::json!(literal);
    let of = serde_json::json!(one.r#type);
    wire::TemplateParameter {
        name: name.to_string(),
        of: of.as_str().unwrap_or_default().to_owned(),
        min: one.min.as_ref().map(value),
        max: one.max.as_ref().map(value),
        values: one.values.iter().map(value).collect(),
        default: one.default.as_ref().map(value),
    }
}

/// What a room runs; none where it runs no text of ours.
fn text(room: &PlatformId, agreement: &Agreement, guarded: &Guarded) -> Option<wire::Text> {
    mappings::text::text_for(room, agreement, guarded).map(|text| match text {
        Ok(text) => wire::Text { sql: Some(text.sql), unsaid: None },
        Err(why) => wire::Text { sql: None, unsaid: Some(why.to_string()) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGREEMENT: &str = "agreement: v1
collaboration: spring
members: { grocer: { name: Grocer, abilities: [contribute, run, receive] } }
rooms: [native]
datasets:
  sales:
    owner: grocer
    at: { native: file:///data/sales.parquet }
    entity: person
    columns:
      person: { use: match, key: email, from: email, type: utf8 }
      segment: { type: utf8, use: dimension }
    rule: { entities_min: 3, join: optional }
templates:
  good: { class: aggregate, sql: 'SELECT segment, COUNT(DISTINCT person) AS people FROM sales GROUP BY segment', run_by: [grocer], received_by: [grocer] }
  bad: { class: aggregate, sql: SELECT segment FROM sales, run_by: [grocer], received_by: [grocer] }
destinations: { grocer: file:///results }
";

    #[test]
    fn a_template_that_is_refused_says_why_beside_its_text() {
        let agreement = agreements::read_text(AGREEMENT, "the document").unwrap();
        let of = |name: &str| explained(&agreement, &name.parse().unwrap()).unwrap();
        let (good, bad) = (of("good"), of("bad"));
        assert!(good.passes && good.refusals.is_empty() && good.texts.contains_key("native"));
        assert_eq!(good.thresholds[0].rule_of, "grocer");
        assert_eq!(good.entities_min["sales"], 3);
        assert!(!bad.passes && bad.texts.is_empty() && bad.thresholds.is_empty());
        assert_eq!(bad.sql, "SELECT segment FROM sales");
        let refusal = &bad.refusals[0];
        assert!(refusal.at.starts_with("templates.bad.sql"), "{refusal:?}");
        assert!(!refusal.detail.is_empty() && !refusal.help.is_empty(), "{refusal:?}");
        assert!(explained(&agreement, &"none".parse().unwrap()).is_err());
    }
}
