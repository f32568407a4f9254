//! How rooms hold an agreement, and what it lets members learn: the same to every member and whoever is invited, and nothing of where data lies.

use super::*;

#[tokio::test]
async fn members_and_whoever_is_invited_are_told_how_rooms_hold_what_is_agreed() {
    let door = Door::open().await;
    let digest = door.propose(AGREEMENT).await;
    let path = format!("{AT}/fidelity");
    let invited = door.get("brand", &path).await.done();
    for member in ["grocer", "brand"] {
        door.answer(member, "joins", &digest).await.done();
    }
    let told = door.get("grocer", &path).await.done();
    assert_eq!(told, invited);
    assert_eq!(told, door.get("brand", &path).await.done());
    assert_eq!(told["agreement"], digest);
    assert_eq!(told["rooms"], json!(["native", "aws-clean-rooms"]));
    let terms = told["terms"].as_array().unwrap();
    let of = |at: &str| terms.iter().find(|term| term["at"] == at).unwrap()["rooms"].clone();
    let min = of("datasets.sales.rule.entities_min");
    assert_eq!((&min[0]["held"], &min[0]["by"]), (&json!("exact"), &json!("template")), "{min}");
    assert_eq!(min[1]["room"], "aws-clean-rooms", "{min}");
    assert!(min[1]["reason"].as_str().unwrap().len() > 20, "{min}");
    assert_eq!(told["behaviours"].as_array().unwrap().len(), 2);
    door.get("press", &path).await.is(404, "not-found");
}

#[tokio::test]
async fn what_members_could_learn_is_said_of_each_of_them() {
    let door = Door::open().await;
    let digest = door.agreed().await;
    let path = format!("{AT}/learn");
    let told = door.get("grocer", &path).await.done();
    assert_eq!(told, door.get("brand", &path).await.done());
    assert_eq!((&told["agreement"], &told["runs_max"]), (&json!(digest), &json!(100)));
    let [brand, grocer] = told["members"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!((&grocer["member"], &grocer["templates"]), (&json!("grocer"), &json!([])));
    let names: Vec<_> =
        brand["templates"].as_array().unwrap().iter().map(|one| &one["template"]).collect();
    assert_eq!(names, ["reach", "segments"]);
    let segments = &brand["templates"][1];
    assert_eq!(
        segments["columns"][0],
        json!({ "name": "segment", "shows": "sales.segment", "of": "grocer" })
    );
    assert_eq!(
        segments["thresholds"],
        json!([{ "dataset": "sales", "entities_min": 3, "rule_of": "grocer" }])
    );
    door.get("press", &path).await.is(404, "not-found");
}
