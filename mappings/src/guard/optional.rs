//! Whether a text has an optional side: rows that stay though the other side of a join has nothing for them. Must not know platforms.

use crate::model::Template;
use sqlparser::ast::{JoinOperator, Query, SetExpr, Visit as _, Visitor};
use std::ops::ControlFlow;

/// Whether a template's text has a LEFT JOIN, in whichever of its queries. One that can't be read is none that runs.
#[must_use]
pub fn has_optional_side(template: &Template) -> bool {
    super::parse(&template.sql).is_ok_and(|query| query.visit(&mut Optional).is_break())
}

struct Optional;

impl Visitor for Optional {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if outer(&query.body) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn outer(body: &SetExpr) -> bool {
    if let SetExpr::SetOperation { left, right, .. } = body {
        return outer(left) || outer(right);
    }
    let SetExpr::Select(select) = body else { return false };
    let mut joins = select.from.iter().flat_map(|from| &from.joins);
    joins.any(|join| {
        matches!(join.join_operator, JoinOperator::Left(_) | JoinOperator::LeftOuter(_))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResultClass;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn a_left_join_is_found_wherever_it_stands() {
        let has = |sql: &str| {
            let (class, parameters) = (ResultClass::Aggregate, BTreeMap::new());
            let (run_by, received_by) = (BTreeSet::new(), BTreeSet::new());
            let sql = sql.to_owned();
            has_optional_side(&Template { class, sql, parameters, run_by, received_by })
        };
        for sql in [
            "SELECT 1 FROM a LEFT JOIN b ON a.k = b.k",
            "SELECT 1 FROM a left outer join b ON a.k = b.k JOIN c ON a.k = c.k",
            "WITH s AS (SELECT 1 FROM a LEFT JOIN b ON a.k = b.k) SELECT 1 FROM s",
            "SELECT 1 FROM (SELECT 1 FROM a LEFT JOIN b ON a.k = b.k) AS t",
            "SELECT 1 FROM a UNION ALL SELECT 1 FROM a LEFT JOIN b ON a.k = b.k",
        ] {
            assert!(has(sql), "{sql}");
        }
        for sql in [
            "SELECT LEFT(a.x, 1) FROM a JOIN b ON a.k = b.k",
            "WITH s AS (SELECT 'LEFT JOIN' AS x FROM a INNER JOIN b ON a.k = b.k) SELECT 1 FROM s",
            "SELECT 1 -- LEFT JOIN",
            "LEFT JOIN",
        ] {
            assert!(!has(sql), "{sql}");
        }
    }
}
