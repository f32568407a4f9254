//! Names as agreements have them, made of whatever stands on the platform: the same each time, never two alike. Pure.

use crate::model::{Digest, IdError};
use std::collections::BTreeSet;

const LENGTH_MAX: usize = 63;

/// An identifier for a name. What it can't hold is left out; of two that would be alike the later one gets a mark of its own.
pub fn identifier<T>(
    name: &str,
    joiner: char,
    new: fn(&str) -> Result<T, IdError>,
    taken: &mut BTreeSet<String>,
) -> Option<T> {
    let plain = plain(name, joiner);
    let mark: String = Digest::of(name.as_bytes()).to_string().chars().skip(7).take(8).collect();
    let room = LENGTH_MAX - mark.len() - 1;
    let begin: String = plain.chars().take(room).collect();
    let marked = match begin.trim_end_matches(joiner) {
        "" => format!("x{joiner}{mark}"),
        begin => format!("{begin}{joiner}{mark}"),
    };
    let free = |text: &&String| !taken.contains(*text) && new(text).is_ok();
    let chosen = [plain, marked].iter().find(free)?.clone();
    let made = new(&chosen).ok();
    taken.insert(chosen);
    made
}

fn plain(name: &str, joiner: char) -> String {
    let mut plain = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            plain.push(c);
        } else if !plain.ends_with(joiner) && !plain.is_empty() {
            plain.push(joiner);
        }
    }
    let plain = plain.trim_end_matches(joiner);
    let reserved = plain.starts_with("airlock") || plain == "room";
    let letter = plain.starts_with(|c: char| c.is_ascii_lowercase());
    if plain.is_empty() || (letter && !reserved) {
        return plain.to_owned();
    }
    format!("x{joiner}{plain}")
}

#[cfg(test)]
mod tests {
    //! Hostile names become plain ones.
    use super::*;
    use crate::model::{DatasetName, MemberId};
    use proptest::prelude::*;

    fn dataset(name: &str, taken: &mut BTreeSet<String>) -> String {
        identifier(name, '_', DatasetName::new, taken).unwrap().to_string()
    }

    #[test]
    fn what_is_an_identifier_stays_and_the_rest_is_brought_to_one() {
        let mut taken = BTreeSet::new();
        assert_eq!(dataset("sales", &mut taken), "sales");
        assert_eq!(dataset("sales 2026-q1", &mut taken), "sales_2026_q1");
        let again = format!("sales_2026_q1{}", mark("sales_2026-q1"));
        assert_eq!(dataset("sales_2026-q1", &mut taken), again);
        assert_eq!(dataset("2026", &mut taken), "x_2026");
        assert_eq!(dataset("airlock_sales", &mut taken), "x_airlock_sales");
        assert_eq!(dataset("room", &mut taken), "x_room");
    }

    fn mark(name: &str) -> String {
        let digest = Digest::of(name.as_bytes()).to_string();
        format!("_{}", digest.chars().skip(7).take(8).collect::<String>())
    }

    proptest! {
        #[test]
        fn any_name_has_one_and_no_two_are_alike(names in prop::collection::btree_set("\\PC{0,90}", 1..20)) {
            let mut taken = BTreeSet::new();
            let made: BTreeSet<_> = names
                .iter()
                .filter_map(|name| identifier(name, '-', MemberId::new, &mut taken))
                .collect();
            prop_assert_eq!(made.len(), names.len());
        }
    }
}
