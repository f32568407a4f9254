//! The specs as they are sent: a golden text of each, names that try to be more than names, and ids that every gateway comes to.

use super::agreement;
use crate::collaboration::wanted::{Wanted, wanted};
use crate::collaboration::yaml::{self, Tree};
use crate::collaboration::{names, specs};
use adapter_spi::Desired;
use mappings::agreement::canonical;
use mappings::model::Agreement;
use std::collections::BTreeMap;
use std::sync::Arc;

fn whole(agreement: &Arc<Agreement>) -> Wanted {
    wanted(&Desired::whole(Arc::clone(agreement)))
}

fn changed(from: &str, to: &str) -> Arc<Agreement> {
    let document = serde_json::to_string(&*agreement("suite-words", 1)).unwrap();
    assert!(document.contains(from), "{from}");
    Arc::new(serde_json::from_str(&document.replace(from, to)).unwrap())
}

#[test]
fn a_collaboration_reads_as_its_partners_would_write_it() {
    let all = whole(&agreement("suite-words", 1));
    let room = all.rooms.values().next().unwrap();
    let text = room.spec(&room.base, |_| true).unwrap();
    assert_eq!(text, include_str!("golden/collaboration.yaml").trim_end());
}

#[test]
fn an_offering_reads_as_its_partners_would_write_it() {
    let all = whole(&agreement("suite-words", 1));
    let offering = &all.offerings[&"orders".parse().unwrap()];
    let text = offering.spec("AIRLOCK", "AIRLOCK$SUITE_WORDS$REGISTERED").unwrap();
    assert_eq!(text, include_str!("golden/data_offering.yaml").trim_end());
}

#[test]
fn a_template_reads_as_its_partners_would_write_it() {
    let all = whole(&agreement("suite-words", 1));
    let room = all.rooms.values().next().unwrap();
    let said = room.templates.values().next().unwrap();
    assert_eq!(said.spec, include_str!("golden/template.yaml").trim_end());
    let tree = yaml::read(&said.spec).unwrap();
    let sql = tree.get("template").and_then(Tree::text).unwrap();
    assert!(
        sql.contains("HAVING COUNT(DISTINCT") && sql.contains("preset_tables['orders']"),
        "{sql}"
    );
}

#[test]
fn an_analysis_holds_values_of_their_types() {
    let arguments = BTreeMap::from([
        ("a".to_owned(), specs::Argument::Integer(-7)),
        ("b".to_owned(), specs::Argument::Number(1e22)),
        ("c".to_owned(), specs::Argument::Boolean(true)),
        ("d".to_owned(), specs::Argument::Text("yes: 'no' \"\n- {{ x }} \u{2028}".to_owned())),
    ]);
    let template_configuration = specs::Configuration { arguments };
    let spec = specs::Analysis { template: "t_h1".to_owned(), template_configuration };
    assert_eq!(spec.text().unwrap(), include_str!("golden/analysis.yaml").trim_end());
    let endless = specs::Configuration {
        arguments: BTreeMap::from([("a".to_owned(), specs::Argument::Number(f64::NAN))]),
    };
    let spec = specs::Analysis { template: "t_h1".to_owned(), template_configuration: endless };
    assert!(spec.text().is_none_or(|text| !text.contains("NaN")));
}

#[test]
fn the_same_agreement_has_the_same_ids_and_another_has_others() {
    let (one, other) = (whole(&agreement("suite-words", 1)), whole(&agreement("suite-words", 1)));
    assert_eq!(one, other);
    let ids = |all: &Wanted| {
        let rooms = all.rooms.values();
        let texts =
            rooms.clone().flat_map(|room| room.templates.values().map(|said| said.id.clone()));
        let rooms: Vec<String> = rooms.map(|room| room.base.clone()).collect();
        let offerings: Vec<String> = all.offerings.values().map(|one| one.id.clone()).collect();
        (rooms, offerings, texts.collect::<Vec<_>>())
    };
    let (rooms, offerings, texts) = ids(&one);
    let threshold = ids(&whole(&agreement("suite-words", 2)));
    assert_eq!(threshold.0, rooms, "seen by the same");
    assert_ne!(threshold.1, offerings, "an offering tells its terms");
    assert_ne!(threshold.2, texts, "a threshold is in the text");
    let account = ids(&whole(&changed("ACME.PROVIDER", "ACME.OTHER")));
    assert_ne!(account.0, rooms, "who takes part can't be changed in a collaboration");
    let filtered = ids(&whole(&changed("\"from\":\"spent\"", "\"from\":\"paid\"")));
    assert_ne!(filtered.1, offerings, "the view says something else");
    let elsewhere = ids(&whole(&agreement("suite-other", 1)));
    assert!(elsewhere.0 != rooms && elsewhere.1 != offerings && elsewhere.2 != texts);
}

#[test]
fn names_and_texts_of_others_stay_in_their_fields() {
    let hostile = "A\"'.\u{2028}: }]\n- &x !!y {{ z }} $$; DROP".replace('.', "_");
    let quoted = serde_json::to_string(&format!("SUITE.PUBLIC.{hostile}")).unwrap();
    let document = serde_json::to_string(&*agreement("suite-words", 1)).unwrap();
    let document = document.replace("\"SUITE.PUBLIC.ORDERS\"", &quoted);
    let made: Result<Agreement, _> = serde_json::from_str(&document);
    let agreement = Arc::new(made.unwrap());
    // A table that can't be said has no view: nothing reads it there.
    assert!(!whole(&agreement).offerings.contains_key(&"orders".parse().unwrap()));
    let plain = whole(&changed("SUITE.PUBLIC.ORDERS", "SUITE.PUBLIC.my \\\"table': x"));
    let offering = &plain.offerings[&"orders".parse().unwrap()];
    for database in ["AIRLOCK", "my db", "a\"b: 'c' - {{ d }}\n&e"] {
        let text = offering.spec(database, "S\"X").unwrap();
        let tree = yaml::read(&text).unwrap();
        let dataset = &tree.get("datasets").unwrap().items()[0];
        let path = names::path([database, "S\"X", &offering.view]);
        assert_eq!(dataset.get("data_object_fqn").and_then(Tree::text), Some(path.as_str()));
        assert_eq!(dataset.get("allowed_analyses").and_then(Tree::text), Some("template_only"));
        assert_eq!(tree.entries().count(), 6, "{text}");
    }
}

#[test]
fn what_a_spec_says_does_not_depend_on_how_it_is_written() {
    let flow = "{\"a\": [\"1\", \"x\"], \"b\": {\"c\": \"true\"}}";
    let block = "b:\n  c: true\na:\n- 1\n- x\n";
    assert_eq!(specs::meaning(flow), specs::meaning(block));
    assert_ne!(specs::meaning(flow), specs::meaning("{\"a\": [\"1\"], \"b\": {\"c\": \"true\"}}"));
    assert_eq!(specs::meaning("a: 1\na: 2"), None);
    assert!(!canonical(&serde_json::json!(1)).is_empty());
}
