//! Names that an operator reads in place of those of collaborations: the same for the same, on this gateway alone, and nobody comes back from
//! them. Must not know what is named.

use crate::keyed::Keyed;
use crate::log::SecretKey;
use mappings::model::CollaborationId;

/// Hex digits of one.
const LENGTH: usize = 16;

/// Makes them.
#[derive(Debug)]
pub(crate) struct Pseudonyms(Keyed);

impl Pseudonyms {
    pub(crate) fn of(key: &SecretKey) -> Self {
        Self(Keyed::of(key, "airlock/names/v1"))
    }

    /// A collaboration's.
    pub(crate) fn name(&self, collaboration: &CollaborationId) -> String {
        self.0.word(collaboration.as_str().as_bytes(), LENGTH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_for_the_same_on_one_gateway_alone() {
        let [one, other] = [1, 2].map(|seed| Pseudonyms::of(&SecretKey::from_seed([seed; 32])));
        let [spring, autumn] = ["spring", "autumn"].map(|name| name.parse().unwrap());
        assert_eq!(one.name(&spring), one.name(&spring));
        assert!(one.name(&spring) != one.name(&autumn) && one.name(&spring) != other.name(&spring));
        assert_eq!(one.name(&spring).len(), LENGTH);
    }
}
