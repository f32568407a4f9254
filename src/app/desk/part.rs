//! A part of a list of named things, in order of name. Must not know what is listed.

/// What comes after a name, so much of it at most.
#[derive(Debug)]
pub(crate) struct Part<N> {
    pub(crate) after: Option<N>,
    pub(crate) max: usize,
}

impl<N: Ord> Part<N> {
    /// All of it.
    pub(crate) const fn whole() -> Self {
        Self { after: None, max: usize::MAX }
    }

    /// Whether a thing of this name comes after it.
    pub(super) fn has(&self, name: &N) -> bool {
        self.after.as_ref().is_none_or(|after| name > after)
    }

    /// The first of what fits, one more than has a place, so that it is known whether there is a next part.
    pub(super) fn first<T>(&self, fits: impl Iterator<Item = T>) -> Vec<T> {
        fits.take(self.max.saturating_add(1)).collect()
    }

    /// Leaves what has a place, and says after which name the next part begins.
    pub(super) fn cut<T>(&self, all: &mut Vec<T>, name: impl Fn(&T) -> String) -> Option<String> {
        let is_last = all.len() <= self.max;
        all.truncate(self.max);
        all.last().filter(|_| !is_last).map(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_put_together_are_the_whole() {
        let all: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        for max in 1..=6 {
            let (mut found, mut part, mut parts) =
                (Vec::new(), Part::<String> { after: None, max }, 0);
            loop {
                let mut some = part.first(all.iter().filter(|one| part.has(one)).cloned());
                let next = part.cut(&mut some, String::clone);
                assert!(some.len() <= max && !some.is_empty());
                found.extend(some);
                parts += 1;
                let Some(next) = next else { break };
                part.after = Some(next);
            }
            assert_eq!((&found, parts), (&all, all.len().div_ceil(max)));
        }
        let mut whole = Part::<String>::whole().first(all.iter().cloned());
        assert_eq!((Part::<String>::whole().cut(&mut whole, String::clone), whole), (None, all));
    }
}
