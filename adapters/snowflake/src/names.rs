//! Names of ours on the platform. Each begins with whose agreement it belongs to, so that nothing else is ever looked at, and each
//! part can be read out of it again. Letters, digits, `_` and `$` alone: nobody has to quote them.
//!
//! An agreement's ids are of lower-case letters and digits, members and collaborations with hyphens, datasets with underscores. In
//! upper case, with hyphens as underscores and `$` between, no two read alike. The longest is below 255 signs.

use mappings::model::{CollaborationId, DatasetName, MemberId};

const OURS: &str = "AIRLOCK";

/// These parts, as the platform spells names, with `$` between.
fn joined(parts: &[&str]) -> String {
    let mut name = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            name.push('$');
        }
        let spelled = |c: char| if c == '-' { '_' } else { c.to_ascii_uppercase() };
        name.extend(part.chars().map(spelled));
    }
    name
}

/// What every name of an agreement's begins with, and no other agreement's does.
pub(crate) fn prefix(collaboration: &CollaborationId) -> String {
    joined(&[OURS, collaboration.as_str(), ""])
}

/// The schema of what an owner shares.
pub(crate) fn offers(collaboration: &CollaborationId) -> String {
    joined(&[OURS, collaboration.as_str(), "OFFERS"])
}

/// The schema in which a runner's texts find the datasets.
pub(crate) fn runs(collaboration: &CollaborationId) -> String {
    joined(&[OURS, collaboration.as_str(), "RUNS"])
}

/// The schema of the views that a data clean room registers.
pub(crate) fn registered(collaboration: &CollaborationId) -> String {
    joined(&[OURS, collaboration.as_str(), "REGISTERED"])
}

/// The share of a dataset with one runner. A dataset's part is told from the schemas' by the one behind it.
pub(crate) fn share(
    collaboration: &CollaborationId,
    dataset: &DatasetName,
    runner: &MemberId,
) -> String {
    joined(&[OURS, collaboration.as_str(), dataset.as_str(), runner.as_str()])
}

/// The view of a dataset for one runner, in the schema of offers.
pub(crate) fn view(dataset: &DatasetName, runner: &MemberId) -> String {
    joined(&[dataset.as_str(), runner.as_str()])
}

/// The database under which a runner mounts a dataset's share.
pub(crate) fn mount(collaboration: &CollaborationId, dataset: &DatasetName) -> String {
    joined(&[OURS, collaboration.as_str(), dataset.as_str()])
}

/// The aggregation policy of a minimum.
pub(crate) fn minimum(entities_min: u64) -> String {
    format!("MIN${entities_min}")
}

/// The minimum of a policy's name.
pub(crate) fn minimum_of(name: &str) -> Option<u64> {
    name.strip_prefix("MIN$")?.parse().ok().filter(|n| minimum(*n) == name)
}

#[cfg(test)]
mod tests {
    //! No two things have one name, and no name is too long.
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "[a-z](-?[a-z0-9]){1,20}";
    const NAME: &str = "[a-z](_?[a-z0-9]){1,20}";

    type Ids = (CollaborationId, DatasetName, MemberId);

    fn ids() -> impl Strategy<Value = Ids> {
        (ID, NAME, ID)
            .prop_map(|(c, d, m)| (c.parse().unwrap(), d.parse().unwrap(), m.parse().unwrap()))
    }

    proptest! {
        #[test]
        fn names_are_of_one_thing(one in ids(), two in ids()) {
            let share = |(c, d, m): &Ids| share(c, d, m);
            prop_assert_eq!(share(&one) == share(&two), one == two);
            let mount = |(c, d, _): &Ids| mount(c, d);
            prop_assert_eq!(mount(&one) == mount(&two), (&one.0, &one.1) == (&two.0, &two.1));
            prop_assert_eq!(share(&one).starts_with(&prefix(&two.0)), one.0 == two.0);
        }
    }

    #[test]
    fn the_longest_names_fit() {
        let (c, d, m) = ("c".repeat(63), "d".repeat(63), "m".repeat(63));
        let (c, d, m) = (c.parse().unwrap(), d.parse().unwrap(), m.parse().unwrap());
        assert!(share(&c, &d, &m).len() <= 255);
        let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '$' || c == '_';
        assert!(share(&c, &d, &m).chars().all(plain));
    }

    #[test]
    fn a_minimum_is_read_out_of_its_name() {
        assert_eq!(minimum_of(&minimum(100)), Some(100));
        for name in ["MIN$", "MIN$007", "MIN$+1", "min$1", "MIN$1 "] {
            assert_eq!(minimum_of(name), None, "{name}");
        }
    }
}
