//! What measures may be put together before they are aggregated. Knows nothing of text or of aggregates.

use super::code;
use super::refuse::{Resolved, refuse};
use super::relation::{Mark, Measure, Typed};
use super::typing::{measure_refusal, measures};
use crate::model::Aggregate;
use sqlparser::ast::{Expr, Spanned};
use std::collections::BTreeSet;

/// The most measures in one product, and occurrences of a dataset in one join: the sum of high powers is the maximum.
pub(super) const FACTORS_MAX: usize = 3;

/// A sum or product of one member's measures. A constant or another member's value beside a measure would be a weight that
/// whoever writes the text chooses, and a chosen weight singles out one entity's value.
pub(super) fn combined(sides: [&Typed; 2], product: bool, expr: &Expr) -> Resolved<Measure> {
    let may = BTreeSet::from([Aggregate::Sum, Aggregate::Avg]);
    let mut all = Measure { may, owners: BTreeSet::new(), factors: 0 };
    for side in sides {
        let Some(one) = measures(&side.mark) else {
            if side.mark == Mark::Constant {
                let message = "a constant beside a measure may single out one entity's value";
                let change = "the constant outside the aggregate, such as SUM(x) * 2";
                return Err(refuse(code::AGGREGATE, expr.span(), message, change));
            }
            return Err(measure_refusal(expr));
        };
        all.may = &all.may & &one.may;
        all.owners.extend(one.owners.iter().cloned());
        all.factors =
            if product { all.factors + one.factors } else { all.factors.max(one.factors) };
    }
    if all.owners.len() > 1 || all.factors > FACTORS_MAX {
        let message = "a combination that may single out one entity's value: another member's measure as a weight, or a high power";
        let change = "sums and products of at most three measures of one member";
        return Err(refuse(code::AGGREGATE, expr.span(), message, change));
    }
    Ok(all)
}
