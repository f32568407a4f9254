//! What Snowflake is told, and what it can't be told.

use super::*;
use crate::agreement::read;
use crate::guard::guard;
use crate::model::TemplateName;

const AGREEMENT: &str = include_str!("../../tests/corpus/agreement.yaml");

fn said_in(room: Room, sql: &str) -> Said {
    let hashed =
        ["email", "mail", "phone", "tel"].iter().fold(AGREEMENT.to_owned(), |text, from| {
            text.replace(
                &format!("from: {from}, type: utf8"),
                &format!("from: {from}, type: utf8, hashed: sha256-hex"),
            )
        });
    let mut agreement = read(&hashed).unwrap();
    let name = TemplateName::new("subject").unwrap();
    sql.clone_into(&mut agreement.templates.get_mut(&name).unwrap().sql);
    let guarded = guard(&agreement, &name).unwrap();
    snowflake(&agreement, &guarded, room).map(|text| text.sql)
}

const JOINED: &str = "FROM sales t JOIN exposures e ON t.household = e.household";

#[test]
fn look() {
    for room in [Room::Shares, Room::Collaboration] {
        println!("{}\n", said_in(room, &format!("SELECT e.campaign, COUNT(DISTINCT t.household) AS households, AVG(t.amount) AS a {JOINED} WHERE t.week BETWEEN :from_week AND 53 GROUP BY e.campaign ORDER BY households DESC LIMIT 3")).unwrap());
        println!(
            "{:?}\n",
            said_in(
                room,
                "SELECT c.segment, COUNT(DISTINCT c.person) AS people FROM customers c JOIN readers r ON c.person = r.person GROUP BY c.segment"
            )
        );
    }
    let agreement = read(AGREEMENT).unwrap();
    for (name, dataset) in &agreement.datasets {
        println!("{:?}\n", view(name, dataset, &["DB", "PUBLIC", "T"]));
    }
}
