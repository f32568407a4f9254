//! Refusals that need another agreement or a text of their own. All others are data: `mappings/tests/corpus`.

use super::*;

const GOOD: &str = "SELECT campaign, COUNT(*) AS n FROM exposures GROUP BY campaign";

fn codes(refusals: &[Refusal]) -> Vec<&str> {
    refusals.iter().map(|refusal| refusal.code).collect()
}

#[test]
fn a_text_that_is_too_long_and_a_name_that_is_unknown() {
    let long = format!("{GOOD}{}", " ".repeat(TEMPLATE_BYTES_MAX));
    assert_eq!(codes(&judged(&long).unwrap_err()), ["template-too-long"]);
    let name = TemplateName::new("another").unwrap();
    let agreement = agreement(GOOD, ResultClass::Aggregate, "brand");
    assert_eq!(codes(&guard(&agreement, &name).unwrap_err()), ["template-unknown"]);
}

#[test]
fn a_receiver_that_the_rule_leaves_out() {
    let mut agreement = agreement(GOOD, ResultClass::Aggregate, "press");
    assert!(guard(&agreement, &subject()).is_ok());
    for dataset in agreement.datasets.values_mut() {
        dataset.rule.receivers = Some([MemberId::new("brand").unwrap()].into());
    }
    let refusals = guard(&agreement, &subject()).unwrap_err();
    assert_eq!(codes(&refusals), ["receiver-not-allowed"]);
    assert_eq!(refusals[0].rule_of.as_ref().unwrap().1.as_str(), "exposures");
}

#[test]
fn a_refusal_names_the_place_the_rule_and_a_change_and_no_value() {
    let refusals =
        judged("SELECT t.week, COUNT(*) AS n FROM sales t WHERE t.week = 424242 GROUP BY t.week")
            .unwrap_err();
    let refusal = &refusals[0];
    assert_eq!(refusal.rule_of.as_ref().unwrap().0.as_str(), "grocer");
    assert!(!refusal.to_string().contains("424242") && !refusal.change.is_empty());
    let refusals = judged("SELECT COUNT(*) AS n FROM exposures WHERE\n  campaign = 'secret value'")
        .unwrap_err();
    assert!(refusals[0].span.is_some() && !refusals[0].to_string().contains("secret"));
}

#[test]
fn a_text_that_is_no_sql_is_refused_where_it_stops_to_be() {
    for (sql, line, column) in [
        ("SELECT COUNT(*) AS n\nFROM exposures WHERE AND campaign = 1", 2, 26),
        ("SELECT COUNT(*) AS n FROM exposures WHERE campaign = 'secret", 1, 54),
        ("SELECT COUNT(*) AS n FROM exposures secret word", 1, 44),
    ] {
        let refusals = judged(sql).unwrap_err();
        assert_eq!(codes(&refusals), ["syntax"]);
        let span = refusals[0].span.unwrap();
        assert_eq!((span.line, span.column), (line, column), "{sql}");
        assert!(!refusals[0].to_string().contains("secret"));
    }
}
