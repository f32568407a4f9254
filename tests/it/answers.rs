//! Answers over data that is made to be counted wrongly.

use crate::world::{AGREEMENT, World, texts, write};
use arrow::array::{ArrayRef, Float64Array};
use std::sync::Arc;

/// Ten customers with ten addresses each, and a visit from every address: a hundred partners for ten people.
fn many_addresses(minimum: u64) -> World {
    let world = World::of(1);
    let mail = |n: usize| format!("p{n}@example.org");
    let ones: ArrayRef = Arc::new(Float64Array::from_iter_values((0..100).map(|_| 1.0)));
    write(
        &world.path("data/sales.parquet"),
        vec![
            ("number", texts((0..100).map(|n| format!("c{}", n / 10)))),
            ("email", texts((0..100).map(mail))),
            ("amount", ones),
        ],
    );
    write(
        &world.path("data/seen.parquet"),
        vec![
            ("mail", texts((0..100).map(mail))),
            ("campaign", texts((0..100).map(|_| "one".to_owned()))),
        ],
    );
    let keys = "person: { use: match, keys: [{ key: number, from: number, type: utf8 }, { key: email, from: email, type: utf8 }] }";
    let text = AGREEMENT
        .replacen("person: { use: match, key: email, from: email, type: utf8 }", keys, 1)
        .replace("      segment: { type: utf8, use: dimension }\n", "")
        .replace("entities_min: 3", &format!("entities_min: {minimum}"))
        .replace("FROM sales s JOIN seen e", "FROM seen e JOIN sales s");
    let staged = "  staged:
    class: aggregate
    sql: |
      WITH per AS (SELECT e.person, e.campaign, COUNT(*) AS times FROM seen e JOIN sales s ON s.person = e.person GROUP BY e.person, e.campaign)
      SELECT campaign, COUNT(DISTINCT person) AS people FROM per GROUP BY campaign
    run_by: [brand]
    received_by: [brand]
limits:";
    world.agree(&text.replace("limits:", staged));
    world.settle();
    world
}

#[test]
fn one_person_with_many_partners_counts_once() {
    for (minimum, rows, withheld) in [(10, 1, 0), (11, 0, 1)] {
        let world = many_addresses(minimum);
        for template in ["reach", "staged"] {
            let run = world.airlock(&["run", "spring", template, "--as", "brand"]).done();
            let seen = (run["rows"].as_u64(), run["withheld"].as_u64());
            assert_eq!(seen, (Some(rows), Some(withheld)), "{template} of {minimum}");
        }
    }
}
