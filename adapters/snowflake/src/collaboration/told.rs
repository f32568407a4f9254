//! What the free texts of specs tell of the agreement: a dataset's terms in its offering's description, a template's question in its
//! methodology, and the rest of a template in its description. A text that has no room tells what it is of alone. Whoever is in a
//! collaboration reads them: where data lies is not in them. Pure. Must not know what is done with what is read.
//! Source: Snowflake Data Clean Rooms Documentation, Collaboration, Data offering and Template spec.

use crate::entry;
use mappings::agreement::canonical;
use mappings::model::{Dataset, DatasetName, Digest, Template, TemplateName};

/// The longest description or methodology, in signs.
const SIGNS_MAX: usize = 1000;
/// What stands between a dataset's name and its terms.
const TERMS: &str = " of the agreement: ";

fn fits(text: &str) -> bool {
    text.chars().count() <= SIGNS_MAX
}

fn json(value: &impl serde::Serialize) -> Option<String> {
    String::from_utf8(canonical(&serde_json::to_value(value).ok()?)).ok()
}

/// An offering's description.
pub(crate) fn offering(name: &DatasetName, dataset: &Dataset) -> String {
    let terms = json(&entry::terms(dataset)).map(|terms| format!("{name}{TERMS}{terms}"));
    terms.filter(|text| fits(text)).unwrap_or_else(|| format!("{name} of the agreement"))
}

/// The terms that an offering's description tells.
pub(crate) fn terms(description: &str) -> Option<Dataset> {
    let (_, terms) = description.split_once(TERMS)?;
    serde_json::from_str(terms).ok()
}

/// A template's description and methodology, with the digest of its guarded text.
pub(crate) fn template(
    name: &TemplateName,
    template: &Template,
    guarded: &Digest,
) -> (String, Option<String>) {
    let rest = Template { sql: String::new(), ..template.clone() };
    let rest = json(&rest).map(|rest| format!("{name} {guarded} {rest}"));
    match rest.filter(|rest| fits(rest) && fits(&template.sql)) {
        Some(rest) => (rest, Some(template.sql.clone())),
        None => (format!("{name} {guarded}"), None),
    }
}

/// The template that a description and a methodology tell.
pub(crate) fn asked(description: &str, methodology: &str) -> Option<(TemplateName, Template)> {
    let mut parts = description.splitn(3, ' ');
    let (name, rest) = (parts.next()?, parts.nth(1)?);
    let rest: Template = serde_json::from_str(rest).ok().filter(|_| !methodology.is_empty())?;
    Some((name.parse().ok()?, Template { sql: methodology.to_owned(), ..rest }))
}

#[cfg(test)]
mod tests {
    //! What is told reads as itself, says no place, and is left out whole where there is no room.
    use super::*;
    use mappings::model::{Agreement, PlatformId};

    #[test]
    fn what_is_told_reads_as_itself_or_is_not_told() {
        let document = adapter_spi::suite::agreement(&PlatformId::snowflake_dcr(), "spring", 1);
        let agreement: Agreement = serde_json::from_value(document).unwrap();
        let name = "orders".parse().unwrap();
        let dataset = &agreement.datasets[&name];
        let told = offering(&name, dataset);
        assert_eq!(terms(&told), Some(entry::terms(dataset)));
        assert!(!told.contains("SUITE") && fits(&told), "{told}");
        let mut long = dataset.clone();
        let column = long.columns.values().next().unwrap().clone();
        for n in 0..20 {
            long.columns.insert(format!("c{n}").parse().unwrap(), column.clone());
        }
        assert_eq!(offering(&name, &long), "orders of the agreement");
        let (called, one) = agreement.templates.first_key_value().unwrap();
        let guarded = Digest::of(b"x");
        let (description, methodology) = template(called, one, &guarded);
        let read = asked(&description, methodology.as_deref().unwrap());
        assert_eq!(read, Some((called.clone(), one.clone())));
        let long = Template { sql: "ü".repeat(SIGNS_MAX + 1), ..one.clone() };
        assert_eq!(template(called, &long, &guarded), (format!("{called} {guarded}"), None));
        for (description, methodology) in [("", ""), ("a b", "x"), ("a b {}", "x"), ("a b {}", "")]
        {
            assert_eq!(asked(description, methodology), None, "{description}");
        }
    }
}
