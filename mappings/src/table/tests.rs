//! A table is whole, or no table.

use super::*;
use crate::agreement::read;
use std::collections::BTreeSet;

const AWS: &str = include_str!("../../tables/aws-clean-rooms.toml");

#[test]
fn the_tables_are_whole() {
    let table = aws_clean_rooms().unwrap();
    assert_eq!(table.term.len(), Term::ALL.len());
    assert!(table.row(Term::Consent).is_some());
    assert_eq!(table.aggregate(Aggregate::CountDistinct).unwrap().native, "COUNT(DISTINCT …)");
}

#[test]
fn a_table_without_any_one_row_is_refused_and_so_is_one_with_a_row_twice() {
    let starts: Vec<usize> = AWS.match_indices("\n[[").map(|(at, _)| at + 1).collect();
    assert!(starts.len() > 70, "{}", starts.len());
    for (n, start) in starts.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(AWS.len());
        let row = &AWS[*start..end];
        let without = format!("{}{}", &AWS[..*start], &AWS[end..]);
        assert!(
            matches!(Table::read(&without), Err(TableError::Missing(names)) if names.len() == 1),
            "{row}"
        );
        let twice = format!("{AWS}\n{row}");
        assert!(
            matches!(Table::read(&twice), Err(TableError::Surplus(names)) if names.len() == 1),
            "{row}"
        );
    }
}

#[test]
fn a_row_of_something_else_or_without_a_reason_is_refused() {
    let changed = |from: &str, to: &str| {
        assert!(AWS.contains(from), "{from}");
        Table::read(&AWS.replacen(from, to, 1)).unwrap_err()
    };
    assert!(matches!(changed("term = \"members\"", "term = \"guests\""), TableError::Shape(_)));
    assert!(matches!(changed("fidelity = \"exact\"", "fidelity = \"fine\""), TableError::Shape(_)));
    assert!(matches!(
        changed("reason = \"a template's", "because = \"a template's"),
        TableError::Shape(_)
    ));
    assert!(matches!(changed("native = \"bigint\"", "native = \"\""), TableError::Bare(_)));
    let extra = format!(
        "{AWS}\n[[function]]\nfunction = \"reflect\"\nfidelity = \"exact\"\nnative = \"REFLECT\"\n"
    );
    assert_eq!(Table::read(&extra), Err(TableError::Surplus(vec!["function reflect".to_owned()])));
}

#[test]
fn terms_stand_where_they_were_agreed() {
    let agreement = read(include_str!("../../tests/corpus/agreement.yaml")).unwrap();
    let names: BTreeSet<&str> = Term::ALL.iter().map(|term| term.name()).collect();
    assert_eq!(names.len(), Term::ALL.len());
    assert!(Term::Consent.places(&agreement).contains(&"datasets.sales.consent".to_owned()));
    assert!(!Term::Consent.places(&agreement).contains(&"datasets.exposures.consent".to_owned()));
    assert!(
        Term::SeveralKeys
            .places(&agreement)
            .contains(&"datasets.customers.columns.person".to_owned())
    );
    assert_eq!(Term::RevokeRoom.places(&agreement), ["revocation.room"]);
    assert_eq!(Term::Residency.places(&agreement), Vec::<String>::new());
}
