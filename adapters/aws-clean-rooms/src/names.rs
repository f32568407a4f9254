//! Names of ours on the platform, and physical columns as it spells them. A name says whose agreement it belongs to, so that
//! nothing else is ever looked at.

use mappings::model::{
    CollaborationId, ColumnUse, Dataset, DatasetName, Digest, MemberId, TemplateName,
};
use std::collections::BTreeSet;

/// The longest name of a collaboration or a configured table.
pub(crate) const NAME_MAX: usize = 100;

fn short(digest: &Digest) -> String {
    digest.to_string().chars().skip("sha256:".len()).take(8).collect()
}

/// What the names of all collaborations of an agreement begin with. A member's name can't hold a dot, so no agreement's
/// begins like another's.
pub(crate) fn rooms(collaboration: &CollaborationId) -> String {
    format!("airlock.{collaboration}.")
}

/// Whether a name is one that some agreement's things have.
pub(crate) fn is_ours(name: &str) -> bool {
    let mut parts = name.splitn(3, '.');
    parts.next() == Some("airlock")
        && parts.next().is_some_and(|part| CollaborationId::new(part).is_ok())
        && parts.next().is_some()
}

/// A runner's collaboration. What can't be changed later is in the digest.
pub(crate) fn room(collaboration: &CollaborationId, runner: &MemberId, fixed: &Digest) -> String {
    format!("{}{runner}.{}", rooms(collaboration), short(fixed))
}

/// What a further collaboration of one name is known by here. No name of ours holds a space.
pub(crate) fn spare(name: &str, id: &str) -> String {
    format!("{name} {id}")
}

/// Whether something is known as a further one of a name.
pub(crate) fn is_spare(known_as: &str, name: &str) -> bool {
    known_as.strip_prefix(name).is_some_and(|rest| rest.starts_with(' '))
}

/// What the names of all configured tables of an agreement begin with.
pub(crate) fn tables(collaboration: &CollaborationId) -> String {
    rooms(collaboration)
}

/// A dataset's configured table.
pub(crate) fn table(collaboration: &CollaborationId, dataset: &DatasetName) -> String {
    format!("{}{dataset}", tables(collaboration))
}

/// A template's version.
pub(crate) fn template(name: &TemplateName, text: &Digest) -> String {
    format!("{name}-{}", short(text))
}

/// The physical columns that the agreement knows, as the platform spells them.
pub(crate) fn physical(dataset: &Dataset) -> BTreeSet<String> {
    let columns = dataset.columns.values().flat_map(|column| match &column.r#use {
        ColumnUse::Match { keys } => keys.iter().map(|key| key.from.as_str()).collect::<Vec<_>>(),
        ColumnUse::Dimension | ColumnUse::Measure { .. } | ColumnUse::Filter => {
            vec![column.from.as_str()]
        }
    });
    let consent = dataset.consent.iter().map(|consent| consent.from.as_str());
    let rows = dataset.rows.iter().map(|filter| filter.from.as_str());
    columns.chain(consent).chain(rows).map(str::to_ascii_lowercase).collect()
}

/// The agreement and the runner that a collaboration's name of ours speaks of.
pub(crate) fn made(name: &str) -> Option<(CollaborationId, MemberId)> {
    let mut parts = name.strip_prefix("airlock.")?.split('.');
    let (agreement, runner, fixed) = (parts.next()?, parts.next()?, parts.next()?);
    let shaped = fixed.len() == 8 && fixed.bytes().all(|b| b.is_ascii_hexdigit());
    if !shaped || parts.next().is_some() {
        return None;
    }
    Some((CollaborationId::new(agreement).ok()?, MemberId::new(runner).ok()?))
}

/// The agreement alone.
pub(crate) fn agreement_of(name: &str) -> Option<String> {
    made(name).map(|(agreement, _)| agreement.to_string())
}

/// The template that a text's name of ours speaks of.
pub(crate) fn said(alias: &str, text: &Digest) -> Option<TemplateName> {
    let name = TemplateName::new(alias.rsplit_once('-')?.0).ok()?;
    (template(&name, text) == alias).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ours_are_told_from_others() {
        let spring: CollaborationId = "spring".parse().unwrap();
        let ours = [table(&spring, &"orders".parse().unwrap()), rooms(&spring) + "brand.0123abcd"];
        assert!(ours.iter().all(|name| is_ours(name)));
        for other in ["orders", "airlock", "airlock.spring", "airlock..x", "my.airlock.spring.x"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
