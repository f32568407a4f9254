//! What each member could learn under an agreement, and by whose rule: what the guard says of each template that the member runs or receives.
//! `learnable` is pure, over the agreement alone.

use super::templates::agreement;
use super::{Desk, texts};
use crate::access::Action;
use crate::app::agreements;
use crate::error::Result;
use crate::wire;
use mappings::guard::{Guarded, OutputColumn, OutputOrigin};
use mappings::model::{Agreement, JoinRule, MemberId, ResultClass, TemplateName};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Desk<'_> {
    /// What each member could learn.
    pub(crate) async fn learnable(&self, name: &str) -> Result<wire::Learnable> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let agreement = agreement(&seen)?;
        let of = Arc::clone(&agreement);
        let guarded = self.guarding(move || agreements::guard_all(&of)).await?;
        Ok(learnable(&agreement, &guarded))
    }
}

/// The same of an agreement whose templates passed the guard.
fn learnable(agreement: &Agreement, guarded: &BTreeMap<TemplateName, Guarded>) -> wire::Learnable {
    let learner = |member: &MemberId| {
        let owned = agreement.datasets.iter().filter(|(_, dataset)| dataset.owner == *member);
        let templates = guarded.values().filter_map(|of| learnt(agreement, of, member));
        wire::Learner {
            member: member.to_string(),
            owns: owned.map(|(name, _)| name.to_string()).collect(),
            templates: templates.collect(),
        }
    };
    wire::Learnable {
        agreement: agreement.digest().to_string(),
        runs_max: agreement.limits.runs_max,
        within_s: agreement.limits.within_s,
        members: agreement.members.keys().map(learner).collect(),
    }
}

/// What a member learns from one template; nothing from one that it neither runs nor receives.
fn learnt(agreement: &Agreement, of: &Guarded, member: &MemberId) -> Option<wire::Learnt> {
    let template = agreement.templates.get(&of.template)?;
    let (runs, receives) =
        (template.run_by.contains(member), template.received_by.contains(member));
    if !runs && !receives {
        return None;
    }
    let min = |one: &mappings::guard::Threshold| wire::LearntMin {
        dataset: one.dataset.to_string(),
        entities_min: one.entities_min,
        rule_of: one.rule_of.to_string(),
    };
    Some(wire::Learnt {
        template: of.template.to_string(),
        class: match of.class {
            ResultClass::Aggregate => "aggregate",
            ResultClass::Activation => "activation",
        }
        .to_owned(),
        runs,
        receives,
        columns: of.output.iter().map(|column| leaving(agreement, column)).collect(),
        reads: of.datasets.keys().filter_map(|name| read(agreement, of, name)).collect(),
        thresholds: of.thresholds.iter().map(min).collect(),
        parameters: texts(template.parameters.keys()),
    })
}

fn leaving(agreement: &Agreement, column: &OutputColumn) -> wire::LearntColumn {
    let (shows, of) = match &column.origin {
        OutputOrigin::Dimension(dataset, shown) => {
            let owner = agreement.datasets.get(dataset).map(|of| of.owner.to_string());
            (Some(format!("{dataset}.{shown}")), owner)
        }
        OutputOrigin::Expression => (None, None),
    };
    wire::LearntColumn { name: column.name.clone(), shows, of }
}

fn read(
    agreement: &Agreement,
    of: &Guarded,
    name: &mappings::model::DatasetName,
) -> Option<wire::LearntFrom> {
    let (dataset, used) = (agreement.datasets.get(name)?, of.datasets.get(name)?);
    Some(wire::LearntFrom {
        dataset: name.to_string(),
        owner: used.owner.to_string(),
        columns: texts(&used.columns),
        join_required: dataset.rule.join == JoinRule::Required,
        consent: dataset.consent.is_some(),
        filtered: !dataset.rows.is_empty(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> wire::Learnable {
        let agreement = agreements::read_text(text, "test").unwrap();
        learnable(&agreement, &agreements::guard_all(&agreement).unwrap())
    }

    #[test]
    fn what_a_member_learns_is_what_its_templates_let_leave_and_by_whose_rule() {
        let all = of(include_str!("../../demo/agreement.yaml"));
        assert_eq!((all.runs_max, all.within_s), (100, 86_400));
        let [publisher, retailer] = all.members.as_slice() else { panic!("{all:?}") };
        assert_eq!(
            (publisher.member.as_str(), &publisher.owns[..]),
            ("publisher", &["exposures".to_owned()][..])
        );
        let [audience] = publisher.templates.as_slice() else { panic!("{publisher:?}") };
        assert!(audience.receives && !audience.runs && audience.class == "activation");
        let shows: Vec<_> =
            audience.columns.iter().filter_map(|one| one.shows.as_deref()).collect();
        assert!(shows.contains(&"customers.segment"), "{audience:?}");
        let names: Vec<_> = retailer.templates.iter().map(|one| one.template.as_str()).collect();
        assert_eq!(names, ["overlap-by-segment", "reach-and-frequency", "winter-audience"]);
        let overlap = &retailer.templates[0];
        let asked = |dataset: &str| {
            let found = overlap.thresholds.iter().find(|one| one.dataset == dataset);
            found.map(|one| (one.entities_min, one.rule_of.as_str()))
        };
        assert_eq!(asked("customers"), Some((100, "retailer")));
        assert_eq!(asked("exposures"), Some((50, "publisher")));
        assert_eq!(overlap.columns[0].of.as_deref(), Some("retailer"));
        assert_eq!(overlap.columns[1].shows, None, "a count is computed");
        let customers = overlap.reads.iter().find(|one| one.dataset == "customers").unwrap();
        assert!(customers.consent && customers.join_required && !customers.filtered);
        let runs_only = &retailer.templates[2];
        assert!(runs_only.runs && !runs_only.receives, "it sees how many rows left");
    }
}
