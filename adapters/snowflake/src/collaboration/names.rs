//! Names of ours in the Collaboration API: letters, digits and underscores, 75 signs at most, versions 20. What a name stands for is
//! in its digest, so that nothing is called by a name that means something else. Must not know what is there.
//! Source: Snowflake Data Clean Rooms Documentation, Collaboration, Data offering and Template spec.

pub(crate) use crate::names::registered as schema;

use mappings::agreement::canonical;
use mappings::model::{CollaborationId, DatasetName, Digest, MemberId, TemplateName};
use serde_json::{Value, json};

/// Members and templates have hyphens and no underscores, datasets the other way round: no two become one.
fn slug(id: &str) -> String {
    id.replace('-', "_")
}

fn hex(of: &Value, length: usize) -> String {
    let digest = Digest::of(&canonical(of)).to_string();
    digest.chars().skip("sha256:".len()).take(length).collect()
}

fn cut(text: &str, length: usize) -> &str {
    text.get(..length).unwrap_or(text)
}

/// A member as a collaborator.
pub(crate) fn alias(member: &MemberId) -> String {
    slug(member.as_str())
}

/// A runner's collaboration. What can't be changed in one is in the digest: an agreement of other members makes another.
pub(crate) fn base(collaboration: &CollaborationId, runner: &MemberId, fixed: &Value) -> String {
    let digest = hex(&json!([collaboration, runner, fixed]), 16);
    let (one, other) = (slug(collaboration.as_str()), alias(runner));
    format!("airlock_{}_{}_{digest}", cut(&one, 24), cut(&other, 16))
}

/// The name of a collaboration that is made again once the last was torn down: nobody returns to one that it left.
pub(crate) fn generation(base: &str, number: u32) -> String {
    if number <= 1 { base.to_owned() } else { format!("{base}_g{number}") }
}

/// Which making of a collaboration a name is, if it is one.
pub(crate) fn generation_of(base: &str, name: &str) -> Option<u32> {
    let rest = name.strip_prefix(base)?;
    if rest.is_empty() {
        return Some(1);
    }
    let number = rest.strip_prefix("_g")?.parse().ok()?;
    (number > 1 && generation(base, number) == name).then_some(number)
}

/// A dataset's offerings. Two agreements never have one in common.
pub(crate) fn offering(collaboration: &CollaborationId, dataset: &DatasetName) -> String {
    format!("{dataset}_{}", hex(&json!(["offering", collaboration, dataset]), 8))
}

/// A template's versions.
pub(crate) fn template(collaboration: &CollaborationId, template: &TemplateName) -> String {
    format!("{}_{}", slug(template.as_str()), hex(&json!(["template", collaboration, template]), 8))
}

/// The version that a content is.
pub(crate) fn version(content: &Value) -> String {
    format!("h{}", hex(content, 16))
}

/// What a version of something is called in collaborations.
pub(crate) fn id(name: &str, version: &str) -> String {
    format!("{name}_{version}")
}

/// The view of one version of a dataset's offering.
pub(crate) fn view(dataset: &DatasetName, version: &str) -> String {
    format!("{dataset}${version}").to_ascii_uppercase()
}

/// A path as a spec spells it: bare where nobody has to quote it.
pub(crate) fn path(names: [&str; 3]) -> String {
    let plain = |name: &str| {
        let sign = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '$';
        name.chars().all(sign) && name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
    };
    let said = names.map(|name| if plain(name) { name.to_owned() } else { quoted(name) });
    said.join(".")
}

/// A name in quotation marks: its case is kept.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    //! Every name fits, and none means two things.
    use super::*;
    use proptest::prelude::*;

    fn fits(name: &str) -> bool {
        let sign = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.len() <= 75
            && name.chars().all(sign)
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
    }

    proptest! {
        #[test]
        fn names_fit(c in "[a-z](-?[a-z0-9]){1,31}", m in "[a-z](-?[a-z0-9]){1,31}", d in "[a-z](_?[a-z0-9]){1,31}", number in 1_u32..100_000) {
            let (c, m): (CollaborationId, MemberId) = (c.parse().unwrap(), m.parse().unwrap());
            let (d, t): (DatasetName, TemplateName) = (d.parse().unwrap(), m.as_str().parse().unwrap());
            let base = base(&c, &m, &json!([1]));
            let name = generation(&base, number);
            prop_assert!(fits(&name) && fits(&alias(&m)));
            prop_assert!(fits(&offering(&c, &d)) && fits(&template(&c, &t)));
            prop_assert_eq!(generation_of(&base, &name), Some(number));
            prop_assert_eq!(version(&json!([number])).len(), 17);
        }
    }

    #[test]
    fn what_is_no_making_of_a_collaboration() {
        for name in ["a", "a_b_g1", "a_b_g02", "a_b_g", "a_b_gx", "a_bc", "a_b_g2_g3"] {
            assert_eq!(generation_of("a_b", name), None, "{name}");
        }
        assert_eq!(
            (generation_of("a_b", "a_b"), generation_of("a_b", "a_b_g12")),
            (Some(1), Some(12))
        );
    }

    #[test]
    fn other_terms_are_another_collaboration() {
        let (c, m): (CollaborationId, MemberId) = ("a-b".parse().unwrap(), "cd".parse().unwrap());
        let (other, mm): (CollaborationId, MemberId) =
            ("a-b-cd".parse().unwrap(), "cd".parse().unwrap());
        let all = [base(&c, &m, &json!(1)), base(&c, &m, &json!(2)), base(&other, &mm, &json!(1))];
        assert!(all[0] != all[1] && all[0] != all[2] && all[1] != all[2]);
    }

    #[test]
    fn a_path_is_quoted_where_it_must_be() {
        assert_eq!(
            path(["AIRLOCK", "AIRLOCK$A$REGISTERED", "V$H1"]),
            "AIRLOCK.AIRLOCK$A$REGISTERED.V$H1"
        );
        assert_eq!(path(["my db", "S\"X", "a.b"]), "\"my db\".\"S\"\"X\".\"a.b\"");
    }
}
