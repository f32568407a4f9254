//! How a refusal is made: a code, a place, names, and the smallest change that would pass. Knows no rule.

use super::{Refusal, Span};
use crate::model::{DatasetName, MemberId};

/// The result of resolving something.
pub(super) type Resolved<T> = Result<T, Box<Refusal>>;

/// A refusal at a place.
pub(super) fn refuse(
    code: &'static str,
    at: sqlparser::tokenizer::Span,
    message: impl Into<String>,
    change: impl Into<String>,
) -> Box<Refusal> {
    let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let known = at.start.line > 0;
    let span = known.then(|| Span {
        line: narrow(at.start.line),
        column: narrow(at.start.column),
        end_line: narrow(at.end.line),
        end_column: narrow(at.end.column),
    });
    Box::new(Refusal { code, span, rule_of: None, message: message.into(), change: change.into() })
}

impl Refusal {
    pub(super) fn rule_of(
        mut self: Box<Self>,
        owner: &MemberId,
        dataset: &DatasetName,
    ) -> Box<Self> {
        self.rule_of = Some((owner.clone(), dataset.clone()));
        self
    }
}
