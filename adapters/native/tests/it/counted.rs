//! Who is counted where people have several keys: the owner's own people, however many partners they found.

use crate::meaning::{sales, seen};
use crate::world::{Ended, World, subject};
use mappings::guard::guard;
use mappings::model::{Digest, ResultClass};

const PARTNERS: usize = 10;
const FLAT: &str = "SELECT s.segment, COUNT(DISTINCT e.person) AS partners
                    FROM seen e JOIN sales s ON e.person = s.person GROUP BY s.segment";
const STAGED: &str = "WITH per AS (
                        SELECT s.person, COUNT(*) AS n FROM seen e JOIN sales s ON e.person = s.person GROUP BY s.person)
                      SELECT CASE WHEN n > 0 THEN 'some' ELSE 'none' END AS often, COUNT(DISTINCT person) AS partners
                      FROM per GROUP BY often";
const PROJECTED: &str = "WITH rows AS (SELECT s.person, s.segment FROM seen e JOIN sales s ON e.person = s.person)
                         SELECT segment, COUNT(DISTINCT person) AS partners FROM rows GROUP BY segment";
const AUDIENCE: &str = "SELECT s.segment FROM seen e JOIN sales s ON e.person = s.person";

/// So many people in `sales`, each of whom has the telephones of ten people of `seen`.
fn world(people: usize) -> World {
    let phone = |person: usize, n: usize| format!("+1202555{:04}", person * PARTNERS + n);
    let all: Vec<(String, String)> = (0..people)
        .flat_map(|person| {
            (0..PARTNERS).map(move |n| (format!("own{person}@x.io"), phone(person, n)))
        })
        .collect();
    let bought: Vec<_> = all
        .iter()
        .map(|(mail, tel)| (Some(mail.as_str()), Some(tel.as_str()), "all", 1.0, Some("yes"), "DE"))
        .collect();
    let viewers: Vec<_> = all.iter().map(|(_, tel)| (None, Some(tel.as_str()), "summer")).collect();
    World::new(&sales(&bought), &seen(&viewers))
}

async fn ended(people: usize, sql: &str, class: ResultClass) -> Ended {
    world(people).run(sql, class).await
}

fn one(cells: &[&str]) -> (Vec<Vec<String>>, u64) {
    (vec![cells.iter().map(|cell| (*cell).to_owned()).collect()], 0)
}

#[tokio::test]
async fn exactly_the_minimum_of_own_people_passes_and_one_below_does_not() {
    for (sql, shown) in [(FLAT, "all"), (STAGED, "some"), (PROJECTED, "all")] {
        assert_eq!(ended(3, sql, ResultClass::Aggregate).await, Ok(one(&[shown, "30"])), "{sql}");
        assert_eq!(ended(2, sql, ResultClass::Aggregate).await, Ok((Vec::new(), 1)), "{sql}");
    }
}

#[tokio::test]
async fn an_audience_is_of_own_people() {
    assert_eq!(ended(4, AUDIENCE, ResultClass::Activation).await, Ok(one(&["all"])));
    assert_eq!(ended(3, AUDIENCE, ResultClass::Activation).await, Ok((Vec::new(), 1)));
}

#[tokio::test]
async fn the_checker_asks_for_own_people_by_itself() {
    let own = ", COUNT(DISTINCT \"s\".\"person\"), 3)";
    let parts = "\"k\".\"person__email\", \"k\".\"person__phone\"";
    let swapped = "\"k\".\"person__phone\", \"k\".\"person__email\"";
    // One key of several, all of them in another order, and the partner are not who the owner says they are.
    let cases = [
        (FLAT, own, ")"),
        (FLAT, own, ", COUNT(DISTINCT \"s\".\"person__phone\"), 3)"),
        (FLAT, own, ", COUNT(DISTINCT \"s\".\"person\"), 2)"),
        (FLAT, parts, swapped),
        (STAGED, "MIN(\"s\".\"person\") AS", "MIN(\"s\".\"airlock_person\") AS"),
        (STAGED, "MIN(\"s\".\"person\") AS", "MIN(\"s\".\"person__email\") AS"),
    ];
    for (sql, from, to) in cases {
        let world = world(3);
        let agreement = world.agreement(sql, ResultClass::Aggregate);
        let mut guarded = guard(&agreement, &subject()).unwrap();
        assert!(guarded.datafusion.contains(from), "{from} is not in\n{}", guarded.datafusion);
        guarded.datafusion = guarded.datafusion.replacen(from, to, 1);
        guarded.text_digest = Digest::of(guarded.datafusion.as_bytes());
        let refused = world.run_text(agreement, guarded).await.unwrap_err();
        assert!(refused.contains("no threshold of at least 3 entities of sales"), "{refused}");
    }
}
