//! A figure over a column that is NULL for most: it leaves only where enough entities have a value.

use crate::meaning::seen;
use crate::world::{Ended, World, batch, subject};
use arrow::array::{Float64Array, RecordBatch, StringArray};
use mappings::guard::guard;
use mappings::model::{Digest, ResultClass};
use std::sync::Arc;

const FIGURES: &str = "SELECT s.segment, COUNT(DISTINCT s.person) AS people, SUM(s.amount) AS amount, AVG(s.amount) AS mean, COUNT(e.campaign) AS named
                       FROM sales s JOIN seen e ON s.person = e.person GROUP BY s.segment";
const SUMMED: &str = "SELECT s.segment, COUNT(*) AS n, SUM(s.amount) AS amount
                      FROM sales s JOIN seen e ON s.person = e.person GROUP BY s.segment";
const STAGED: &str = "WITH per AS (
                        SELECT s.person, SUM(s.amount) AS amount FROM sales s JOIN seen e ON s.person = e.person GROUP BY s.person)
                      SELECT COUNT(DISTINCT person) AS people, SUM(amount) AS amount FROM per";

/// Five people, the first of whom have an amount; each has two rows, one of them without.
fn world(with_amount: usize) -> World {
    let who: Vec<String> = (0..10).map(|n| format!("p{}@x.io", n % 5)).collect();
    let text = |all: &str| Arc::new(StringArray::from(vec![all; 10]));
    let amount = |n: usize| (n < with_amount).then_some(2.5);
    let sales: RecordBatch = batch(vec![
        ("email", Arc::new(StringArray::from(who.clone()))),
        ("phone", Arc::new(StringArray::from(vec![None::<&str>; 10]))),
        ("segment", text("all")),
        ("amount", Arc::new((0..10).map(amount).collect::<Float64Array>())),
        ("secret", text("s")),
        ("ads_ok", text("yes")),
        ("country", text("DE")),
    ]);
    let viewers: Vec<_> = who[..5].iter().map(|who| (Some(who.as_str()), None, "summer")).collect();
    World::new(&sales, &seen(&viewers))
}

async fn ended(with_amount: usize, sql: &str) -> Ended {
    world(with_amount).run(sql, ResultClass::Aggregate).await
}

fn one(cells: &[&str]) -> (Vec<Vec<String>>, u64) {
    (vec![cells.iter().map(|cell| (*cell).to_owned()).collect()], 0)
}

#[tokio::test]
async fn a_figure_of_too_few_is_null_and_the_row_stays() {
    assert_eq!(ended(3, FIGURES).await, Ok(one(&["all", "5", "7.5", "2.5", "10"])));
    assert_eq!(ended(2, FIGURES).await, Ok(one(&["all", "5", "NULL", "NULL", "10"])));
    assert_eq!(ended(0, FIGURES).await, Ok(one(&["all", "5", "NULL", "NULL", "10"])));
    assert_eq!(ended(3, STAGED).await, Ok(one(&["5", "7.5"])));
    assert_eq!(ended(1, STAGED).await, Ok(one(&["5", "NULL"])));
}

#[tokio::test]
async fn the_checker_asks_for_a_value_of_enough_entities_by_itself() {
    let backing =
        "COUNT(DISTINCT CASE WHEN \"s\".\"amount\" IS NOT NULL THEN \"s\".\"person\" END)";
    let whole = format!("CASE WHEN {backing} >= 3 THEN SUM(\"s\".\"amount\") END");
    let sum = "SUM(\"s\".\"amount\")";
    let cases = [
        whole.clone(),
        whole.replace(">= 3", ">= 2"),
        whole.replace(">= 3", "<= 3"),
        whole.replace("IS NOT NULL", "IS NULL"),
        whole.replace("\"s\".\"person\" END", "\"s\".\"segment\" END"),
        whole.replace("\"s\".\"amount\" IS", "\"s\".\"segment\" IS"),
        whole.replace(" THEN SUM", &format!(" OR {backing} >= 3 THEN SUM")),
        whole.replace("COUNT(DISTINCT", "COUNT("),
        format!("CASE WHEN {backing} >= 3 THEN {sum} ELSE {sum} END"),
        format!("CASE WHEN NOT {backing} >= 3 THEN {sum} END"),
        backing.to_owned(),
        sum.to_owned(),
    ];
    for (number, tampered) in cases.iter().enumerate() {
        let world = world(5);
        let agreement = world.agreement(SUMMED, ResultClass::Aggregate);
        let mut guarded = guard(&agreement, &subject()).unwrap();
        assert!(guarded.datafusion.contains(&whole), "{}", guarded.datafusion);
        guarded.datafusion = guarded.datafusion.replace(&whole, tampered);
        guarded.text_digest = Digest::of(guarded.datafusion.as_bytes());
        let ended = world.run_text(agreement, guarded).await;
        assert_eq!(ended.is_ok(), number == 0, "{tampered}: {ended:?}");
    }
}
