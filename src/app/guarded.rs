//! What the guard made of templates not long ago, for whoever only looks: the same for the same agreement. Must not know who looks. Whoever runs a
//! template has it guarded anew.

use mappings::guard::Guarded;
use mappings::model::{Digest, TemplateName};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// The one that was made first goes first.
const KEPT_MAX: usize = 1_024;

type Of = (Digest, TemplateName);

#[derive(Debug, Default)]
struct Kept {
    all: BTreeMap<Of, Arc<Guarded>>,
    oldest: VecDeque<Of>,
}

/// The same.
#[derive(Debug, Default)]
pub(crate) struct GuardedLately(Mutex<Kept>);

impl GuardedLately {
    /// Of an agreement, by its digest, and one of its templates.
    pub(crate) fn get(&self, agreement: Digest, template: &TemplateName) -> Option<Arc<Guarded>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.all.get(&(agreement, template.clone())).cloned()
    }

    pub(crate) fn keep(&self, agreement: Digest, guarded: &Arc<Guarded>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (agreement, guarded.template.clone());
        if kept.all.insert(of.clone(), Arc::clone(guarded)).is_none() {
            kept.oldest.push_back(of);
        }
        while kept.oldest.len() > KEPT_MAX
            && let Some(first) = kept.oldest.pop_front()
        {
            kept.all.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_first_is_forgotten_first() {
        let text = "agreement: v1
collaboration: spring
members: { grocer: { name: Grocer, abilities: [contribute, run, receive] } }
rooms: [native]
datasets:
  sales:
    owner: grocer
    at: { native: data/sales.parquet }
    entity: household
    columns:
      household: { type: int64, use: match, key: household-id }
      segment: { type: utf8, use: dimension }
    rule: { entities_min: 1, join: optional }
templates:
  reach:
    class: aggregate
    sql: SELECT segment, COUNT(DISTINCT household) AS households FROM sales GROUP BY segment
    run_by: [grocer]
    received_by: [grocer]
destinations: { grocer: results/ }
";
        let agreement = mappings::agreement::read(text).unwrap();
        let reach: TemplateName = "reach".parse().unwrap();
        let guarded = Arc::new(mappings::guard::guard(&agreement, &reach).unwrap());
        let (lately, of) = (GuardedLately::default(), |n: usize| Digest::of(&n.to_be_bytes()));
        for n in 0..=KEPT_MAX {
            lately.keep(of(n), &guarded);
            lately.keep(of(n), &guarded);
        }
        assert!(lately.get(of(0), &reach).is_none() && lately.get(of(1), &reach).is_some());
        assert!(lately.get(of(1), &"other".parse().unwrap()).is_none());
        assert_eq!(lately.0.lock().unwrap().oldest.len(), KEPT_MAX);
    }
}
