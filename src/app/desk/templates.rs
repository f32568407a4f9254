//! Templates of the agreement in force, or else of the one that waits.

use super::checks::thresholds;
use super::{Desk, Seen, absent, named, texts};
use crate::access::Action;
use crate::app::agreements;
use crate::error::Result;
use crate::log::fold::Version;
use crate::store::Stands;
use crate::wire;
use mappings::guard::Guarded;
use mappings::model::{Agreement, Literal, Parameter, ParameterName, PlatformId, TemplateName};
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
        let (template, version) = (named::<TemplateName>(template)?, version(&seen)?);
        let guarded = self.guarded(version, &template).await?;
        shown(&seen, &version.agreement, &template, &guarded)
    }

    /// What the guard makes of it, its text as it was agreed beside what each room runs, and why it is refused where it is.
    pub(crate) async fn explanation(
        &self,
        name: &str,
        template: &str,
    ) -> Result<wire::Explanation> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let (template, agreement) = (named::<TemplateName>(template)?, agreement(&seen)?);
        let of = Arc::clone(&agreement);
        self.guarding(move || explained(&of, &template)).await
    }

    /// What the guard makes of one, now or lately.
    async fn guarded(&self, of: &Version, template: &TemplateName) -> Result<Arc<Guarded>> {
        if !of.agreement.templates.contains_key(template) {
            return Err(absent());
        }
        if let Some(guarded) = self.house.guarded.get(of.digest, template) {
            return Ok(guarded);
        }
        let (agreement, template) = (Arc::clone(&of.agreement), template.clone());
        let guarded = self.guarding(move || agreements::guard_one(&agreement, &template)).await?;
        let guarded = Arc::new(guarded);
        self.house.guarded.keep(of.digest, &guarded);
        Ok(guarded)
    }
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
    let guarded = match mappings::guard::guard(agreement, name) {
        Ok(guarded) => guarded,
        Err(refusals) => {
            let place = |one: crate::error::Problem| wire::Place {
                code: one.code,
                at: one.at,
                detail: one.message,
                help: one.help,
            };
            let refusals = agreements::problems(name, &refusals);
            let refusals = refusals.into_iter().map(place).collect();
            return Ok(wire::Explanation { refusals, ..refused });
        }
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
    Ok(Arc::clone(&version(seen)?.agreement))
}

fn version(seen: &Seen) -> Result<&Version> {
    let state = seen.state();
    let version = match seen.stands {
        Stands::Member => state.in_force().or(state.waiting()),
        Stands::Invited => state.waiting(),
        Stands::Former => None,
    };
    version.ok_or_else(absent)
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
        parameters: template.parameters.iter().map(parameter).collect(),
        run_by: texts(&template.run_by),
        received_by: texts(&template.received_by),
        approved_by: texts(approved_by),
        waits_for: texts(waits_for),
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
