//! A table is whole, or no table.

use super::*;
use crate::agreement::read;
use std::collections::BTreeSet;

const AWS: &str = include_str!("../../tables/aws-clean-rooms.toml");
const SHARES: &str = include_str!("../../tables/snowflake.toml");
const COLLABORATION: &str = include_str!("../../tables/snowflake-dcr.toml");

#[test]
fn the_tables_are_whole() {
    for table in [aws_clean_rooms(), snowflake(), snowflake_dcr()] {
        let table = table.unwrap();
        assert_eq!(table.term.len(), Term::ALL.len());
        assert!(table.row(Term::Consent).is_some());
        assert_eq!(table.aggregate(Aggregate::CountDistinct).unwrap().native, "COUNT(DISTINCT …)");
        // A table can't waive what is an owner's.
        assert!(table.term.iter().all(|row| row.residual != Residual::Waived));
    }
}

/// What somebody who asks without the gateway may do in a share is nobody's to close but the owner's to waive.
#[test]
fn what_a_share_can_not_hold_waits_for_its_owner() {
    let (shares, rooms) = (snowflake().unwrap(), snowflake_dcr().unwrap());
    let held =
        |table: &Table, term| table.row(term).map(|row| (row.fidelity, row.residual)).unwrap();
    let open = (Fidelity::Wider, Residual::None);
    for term in [
        Term::TemplateText,
        Term::Approval,
        Term::RunBy,
        Term::ReceivedBy,
        Term::Receive,
        Term::Limits,
        Term::MatchUse,
        Term::Dimension,
        Term::Measure,
        Term::Filter,
        Term::EntitiesMin,
        Term::JoinRequired,
        Term::Aggregate,
        Term::RevokeTemplate,
        Term::RevokeApproval,
    ] {
        assert_eq!(held(&shares, term), open, "{term}");
    }
    for term in [Term::Members, Term::Run, Term::Consent, Term::Rows, Term::HiddenColumns] {
        assert_eq!(held(&shares, term).0, Fidelity::Exact, "{term}");
    }
    assert_eq!(held(&rooms, Term::TemplateText), (Fidelity::Exact, Residual::None));
    assert_eq!(held(&rooms, Term::Approval), (Fidelity::Exact, Residual::Gateway));
    assert_eq!(held(&rooms, Term::EntitiesMin), (Fidelity::Unsupported, Residual::Template));
    assert_eq!(held(&rooms, Term::Limits), open);
}

/// What no documentation settles says so where it is read.
#[test]
fn what_is_unverified_says_so() {
    let says = |table: &Table, term| {
        table.row(term).unwrap().reason.contains("unverified on a real account")
    };
    let (shares, rooms) = (snowflake().unwrap(), snowflake_dcr().unwrap());
    for term in [Term::Entity, Term::Aggregate, Term::RevokeDataset, Term::RevokeRunning] {
        assert!(says(&shares, term), "{term}");
    }
    for term in [Term::TemplateText, Term::Parameters, Term::RevokeDataset, Term::RevokeRunning] {
        assert!(says(&rooms, term), "{term}");
    }
}

#[test]
fn a_table_without_any_one_row_is_refused_and_so_is_one_with_a_row_twice() {
    for whole in [AWS, SHARES, COLLABORATION] {
        each_row_is_wanted_once(whole);
    }
}

fn each_row_is_wanted_once(whole: &str) {
    let starts: Vec<usize> = whole.match_indices("\n[[").map(|(at, _)| at + 1).collect();
    assert!(starts.len() > 70, "{}", starts.len());
    for (n, start) in starts.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(whole.len());
        let row = &whole[*start..end];
        let without = format!("{}{}", &whole[..*start], &whole[end..]);
        assert!(
            matches!(Table::read(&without), Err(TableError::Missing(names)) if names.len() == 1),
            "{row}"
        );
        let twice = format!("{whole}\n{row}");
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
        "{AWS}\n[[function]]\nfunction = \"reflect\"\nfidelity = \"exact\"\nnative = \"REFLECT\"\nreason = \"r\"\nsource = \"s\"\n"
    );
    assert_eq!(Table::read(&extra), Err(TableError::Surplus(vec!["function reflect".to_owned()])));
}

/// Any row of any table, whatever its fidelity.
#[test]
fn no_row_goes_without_its_reason_or_its_source() {
    for whole in [AWS, SHARES, COLLABORATION] {
        let mut rows = 0;
        for field in ["reason", "source"] {
            let begin = format!("\n{field} = \"");
            for (at, _) in whole.match_indices(&begin) {
                let from = at + begin.len();
                let to = from + whole[from..].find("\"\n").unwrap();
                let bare = format!("{}{}", &whole[..from], &whole[to..]);
                assert!(matches!(Table::read(&bare), Err(TableError::Bare(of)) if of.len() == 1));
                let none = format!("{}{}", &whole[..at], &whole[to + 1..]);
                assert!(matches!(Table::read(&none), Err(TableError::Shape(_))), "{field}");
                rows += 1;
            }
        }
        assert_eq!(rows, 2 * (Term::ALL.len() + TYPES.len() + FUNCTIONS.len()));
    }
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
