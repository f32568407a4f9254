//! What a run means: who is counted, who is matched, who has consented.

use crate::world::{Ended, World, batch};
use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
use mappings::model::ResultClass;
use std::sync::Arc;

type Sale<'a> = (Option<&'a str>, Option<&'a str>, &'a str, f64, Option<&'a str>, &'a str);
type Seen<'a> = (Option<&'a str>, Option<&'a str>, &'a str);

pub(crate) fn sales(rows: &[Sale<'_>]) -> RecordBatch {
    batch(vec![
        ("email", Arc::new(rows.iter().map(|row| row.0).collect::<StringArray>())),
        ("phone", Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>())),
        ("segment", Arc::new(rows.iter().map(|row| Some(row.2)).collect::<StringArray>())),
        ("amount", Arc::new(rows.iter().map(|row| row.3).collect::<Float64Array>())),
        ("secret", Arc::new(rows.iter().map(|_| Some("s")).collect::<StringArray>())),
        ("ads_ok", Arc::new(rows.iter().map(|row| row.4).collect::<StringArray>())),
        ("country", Arc::new(rows.iter().map(|row| Some(row.5)).collect::<StringArray>())),
        ("hidden", Arc::new(rows.iter().map(|_| Some("h")).collect::<StringArray>())),
    ])
}

pub(crate) fn seen(rows: &[Seen<'_>]) -> RecordBatch {
    batch(vec![
        ("mail", Arc::new(rows.iter().map(|row| row.0).collect::<StringArray>())),
        ("tel", Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>())),
        ("campaign", Arc::new(rows.iter().map(|row| Some(row.2)).collect::<StringArray>())),
        (
            "reader",
            Arc::new((0..rows.len()).map(|n| i64::try_from(n).unwrap()).collect::<Int64Array>()),
        ),
    ])
}

const COUNT: &str = "SELECT s.segment, COUNT(DISTINCT s.person) AS people, SUM(s.amount) AS amount
                     FROM sales s JOIN seen e ON s.person = e.person GROUP BY s.segment";

fn buyer<'a>(email: &'a str, segment: &'a str) -> Sale<'a> {
    (Some(email), None, segment, 1.0, Some("yes"), "DE")
}

fn viewer(mail: &str) -> Seen<'_> {
    (Some(mail), None, "summer")
}

async fn count(sales_rows: &[Sale<'_>], seen_rows: &[Seen<'_>]) -> Ended {
    World::new(&sales(sales_rows), &seen(seen_rows)).run(COUNT, ResultClass::Aggregate).await
}

fn rows(expected: &[&[&str]]) -> Vec<Vec<String>> {
    expected.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
}

#[tokio::test]
async fn exactly_the_minimum_passes_and_one_below_does_not() {
    let people = ["a@x.io", "b@x.io", "c@x.io", "d@x.io", "e@x.io"];
    let mut bought: Vec<Sale<'_>> = people[..3].iter().map(|who| buyer(who, "three")).collect();
    bought.extend(people[3..].iter().map(|who| buyer(who, "two")));
    // Rows don't make people: the group of two has many rows.
    bought.extend((0..50).map(|_| buyer("d@x.io", "two")));
    let viewers: Vec<Seen<'_>> = people.iter().map(|who| viewer(who)).collect();
    assert_eq!(count(&bought, &viewers).await, Ok((rows(&[&["three", "3", "3.0"]]), 1)));
}

#[tokio::test]
async fn nothing_matches_nothing() {
    let none: Vec<Sale<'_>> =
        (0..9).map(|_| (None, None, "none", 1.0, Some("yes"), "DE")).collect();
    let blank: Vec<Seen<'_>> = (0..9).map(|_| (None, Some(""), "summer")).collect();
    assert_eq!(count(&none, &blank).await, Ok((Vec::new(), 0)));
}

#[tokio::test]
async fn consent_and_rows_are_filtered_before_the_join() {
    let people = ["a@x.io", "b@x.io", "c@x.io", "d@x.io", "e@x.io", "f@x.io"];
    let consent = [Some("yes"), Some("yes"), Some("no"), None, Some("yes"), Some("YES")];
    let country = ["DE", "FR", "DE", "DE", "US", "DE"];
    let bought: Vec<Sale<'_>> =
        (0..6).map(|n| (Some(people[n]), None, "all", 1.0, consent[n], country[n])).collect();
    let viewers: Vec<Seen<'_>> = people.iter().map(|who| viewer(who)).collect();
    assert_eq!(count(&bought, &viewers).await, Ok((Vec::new(), 1)));
    let willing: Vec<Sale<'_>> =
        bought.iter().map(|row| (row.0, row.1, row.2, row.3, Some("yes"), "DE")).collect();
    assert_eq!(count(&willing, &viewers).await, Ok((rows(&[&["all", "6", "6.0"]]), 0)));
}

#[tokio::test]
async fn keys_are_tried_in_order_and_dirt_does_not_matter() {
    let bought: Vec<Sale<'_>> = vec![
        (Some(" ANNA@X.IO "), Some("+12025550101"), "all", 1.0, Some("yes"), "DE"),
        (None, Some("+1 (202) 555-0102"), "all", 1.0, Some("yes"), "DE"),
        (Some("carl@x.io"), Some("+12025550103"), "all", 1.0, Some("yes"), "DE"),
    ];
    let viewers: Vec<Seen<'_>> = vec![
        (Some("anna@x.io"), None, "summer"),
        (Some("other@x.io"), Some("001-202-555-0102"), "summer"),
        // Carl by telephone, under an e-mail that nobody else has.
        (Some("karl@x.io"), Some("+1 202 555 0103"), "summer"),
        // Anna's telephone under Carl's e-mail is Carl: the first key decides.
        (Some("carl@x.io"), Some("+12025550101"), "summer"),
    ];
    assert_eq!(count(&bought, &viewers).await, Ok((rows(&[&["all", "3", "4.0"]]), 0)));
}

#[tokio::test]
async fn a_parameter_is_bound_by_value() {
    let people = ["a@x.io", "b@x.io", "c@x.io"];
    let bought: Vec<Sale<'_>> = people.iter().map(|who| buyer(who, "all")).collect();
    let viewers: Vec<Seen<'_>> = people.iter().map(|who| viewer(who)).collect();
    let world = World::new(&sales(&bought), &seen(&viewers));
    let sql = "SELECT e.campaign, COUNT(DISTINCT s.person) AS n FROM sales s JOIN seen e ON s.person = e.person
               WHERE e.campaign = :wanted GROUP BY e.campaign";
    assert_eq!(world.run(sql, ResultClass::Aggregate).await, Ok((rows(&[&["summer", "3"]]), 0)));
}

#[tokio::test]
async fn an_audience_leaves_whole_or_not_at_all() {
    let people = ["a@x.io", "b@x.io", "c@x.io", "d@x.io"];
    let bought: Vec<Sale<'_>> = people.iter().map(|who| buyer(who, "all")).collect();
    let viewers: Vec<Seen<'_>> = people.iter().map(|who| viewer(who)).collect();
    let sql = "SELECT e.reader, s.segment FROM sales s JOIN seen e ON s.person = e.person";
    let four = World::new(&sales(&bought), &seen(&viewers)).run(sql, ResultClass::Activation).await;
    assert_eq!(four, Ok((rows(&[&["0", "all"], &["1", "all"], &["2", "all"], &["3", "all"]]), 0)));
    let three =
        World::new(&sales(&bought[..3]), &seen(&viewers)).run(sql, ResultClass::Activation).await;
    assert_eq!(three, Ok((Vec::new(), 1)));
}
