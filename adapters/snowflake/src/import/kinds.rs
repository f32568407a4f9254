//! Types and policies of the platform in an agreement's words. Pure.

use super::Policy;
use crate::entry::fits;
use mappings::model::ColumnType;

/// The type of a column, where agreements have one for it.
pub(super) fn of_native(native: &str) -> Option<ColumnType> {
    use ColumnType as Of;
    // A whole number fits a float as well.
    let all = [Of::Int64, Of::Float64, Of::Utf8, Of::Boolean, Of::Date, Of::Timestamp, Of::Binary];
    all.into_iter().find(|of| fits(native, *of))
}

/// The smallest group of an aggregation policy; none of one that says anything else.
pub(super) fn least(policy: &Policy) -> Option<u64> {
    let bare: String = policy.body.chars().filter(|c| !c.is_whitespace()).collect();
    let bare = bare.to_ascii_uppercase();
    let number = bare.strip_prefix("AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE=>")?.strip_suffix(')')?;
    number.parse().ok().filter(|least: &u64| *least > 0)
}

/// Whether a projection policy lets a column be shown to everybody.
pub(super) fn shows(policy: &Policy) -> bool {
    let bare: String = policy.body.chars().filter(|c| !c.is_whitespace()).collect();
    bare.eq_ignore_ascii_case("PROJECTION_CONSTRAINT(ALLOW=>TRUE)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(body: &str) -> Policy {
        Policy { body: body.to_owned(), ..Policy::default() }
    }

    #[test]
    fn what_is_not_the_plain_constraint_says_nothing() {
        assert_eq!(least(&policy("AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 25)")), Some(25));
        for body in [
            "",
            "NO_AGGREGATION_CONSTRAINT()",
            "AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 0)",
            "AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 25) + 0",
            "PRIVACY_POLICY(MIN_GROUP_SIZE => 25)",
            "CASE WHEN TRUE THEN NO_AGGREGATION_CONSTRAINT() ELSE AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 25) END",
        ] {
            assert_eq!(least(&policy(body)), None, "{body}");
        }
        assert!(shows(&policy("PROJECTION_CONSTRAINT(ALLOW => true)")));
        assert!(!shows(&policy("PROJECTION_CONSTRAINT(ALLOW => false)")) && !shows(&policy("")));
    }

    #[test]
    fn a_type_is_the_narrowest_that_holds_it() {
        for (native, of) in [
            ("NUMBER(38,0)", Some(ColumnType::Int64)),
            ("NUMBER(12,2)", Some(ColumnType::Float64)),
            ("VARCHAR(16777216)", Some(ColumnType::Utf8)),
            ("TIMESTAMP_LTZ(9)", None),
            ("VARCHAR(9) COLLATE 'en-ci'", None),
            ("VARIANT", None),
        ] {
            assert_eq!(of_native(native), of, "{native}");
        }
    }
}
