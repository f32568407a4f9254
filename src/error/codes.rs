//! Every stable code that an answer may have, in words: what it means, and what would pass. Codes of a request itself (`http::problem`) carry their
//! own words. A test looks for every code in the sources, so that none is answered with that nobody explained.

mod agreement;
mod client;
mod egress;
mod gateway;
mod guard;
mod log;
mod platform;

/// A code in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explained {
    /// The code.
    pub code: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What would pass.
    pub pass: &'static str,
}

/// Code, meaning, and what would pass.
type Row = (&'static str, &'static str, &'static str);

/// All of them.
pub fn all() -> impl Iterator<Item = Explained> {
    let tables = [
        gateway::CODES,
        client::CODES,
        egress::CODES,
        log::CODES,
        agreement::CODES,
        guard::CODES,
        platform::CODES,
    ];
    let rows = tables.into_iter().flatten();
    rows.map(|(code, means, pass)| Explained { code, means, pass })
}

/// One of them.
#[must_use]
pub fn explained(code: &str) -> Option<Explained> {
    all().find(|one| one.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_code_is_explained_once_and_whole() {
        let mut known = BTreeSet::new();
        for Explained { code, means, pass } in all() {
            assert!(known.insert(code), "{code} is there twice");
            assert!(crate::log::Code::new(code).is_ok(), "{code}");
            assert!(means.len() > 10 && pass.len() > 3, "{code}: {means}; {pass}");
            assert!(!means.ends_with('.') && !pass.ends_with('.'), "{code}");
        }
        assert!(known.len() > 200, "{}", known.len());
    }

    #[test]
    fn every_refusal_of_the_guard_is_explained_as_the_guard_means_it() {
        for (code, _) in mappings::guard::CODES {
            assert!(explained(code).is_some(), "{code}");
        }
        assert_eq!(explained("nothing-of-the-kind"), None);
    }
}
