//! Versions of templates: one that waits is read beside the one in force, by whoever may; the same lists in pages.

use super::*;

/// Another version: one template with another text, one that is new, and somebody who is invited.
fn next() -> String {
    let press = "\n  press: { name: Press, abilities: [contribute], identity: { aws-clean-rooms: \"333333333333\" } }\nrooms:";
    let amounts = "  amounts:
    class: aggregate
    sql: SELECT segment, SUM(amount) AS amount FROM sales GROUP BY segment
    run_by: [brand]
    received_by: [brand]
limits:";
    let text = AGREEMENT.replacen("\nrooms:", press, 1).replace("limits:", amounts);
    text.replace(
        "SELECT segment, COUNT(DISTINCT person) AS people",
        "SELECT COUNT(DISTINCT person) AS people, segment",
    )
}

#[tokio::test]
async fn a_version_that_waits_is_read_and_explained_beside_the_one_in_force() {
    let door = Door::open().await;
    let first = door.agreed().await;
    let second = door.propose(&next()).await;
    let one = |template: &str, of: &str| format!("{AT}/templates/{template}{of}");
    let named = format!("?agreement={second}");
    let now = door.get("brand", &one("segments", "")).await.done();
    let then = door.get("brand", &one("segments", &named)).await.done();
    assert_ne!(now["digest"], then["digest"]);
    assert!(then["sql"].as_str().unwrap().starts_with("SELECT COUNT(DISTINCT person)"), "{then}");
    let same = door.get("brand", &one("segments", &format!("?agreement={first}"))).await.done();
    assert_eq!(same, now);
    let explained =
        door.get("brand", &one("segments", &format!("/explanation{named}"))).await.done();
    assert_eq!((&explained["sql"], &explained["digest"]), (&then["sql"], &then["digest"]));
    for room in ["native", "aws-clean-rooms"] {
        assert!(explained["texts"][room]["sql"].is_string(), "{explained}");
    }
    // One that is there only then, and is not there now.
    door.get("brand", &one("amounts", &named)).await.done();
    door.get("brand", &one("amounts", "")).await.is(404, "not-found");
    // Which version has which.
    let listed = door.get("grocer", &one("segments", "/versions")).await.done();
    let states: Vec<_> =
        listed["versions"].as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["in-force", "waiting"]);
    let of = |n: usize, key: &str| listed["versions"][n][key].clone();
    assert_eq!((of(0, "agreement"), of(1, "agreement")), (json!(first), json!(second)));
    assert_eq!((of(0, "digest"), of(1, "digest")), (now["digest"].clone(), then["digest"].clone()));
    let newest = door.get("grocer", &one("amounts", "/versions")).await.done();
    assert_eq!(newest["versions"].as_array().unwrap().len(), 1, "{newest}");
    // Whoever is invited sees the one that waits, and of the other as much as of none.
    let invited = door.get("press", &one("segments", "/versions")).await.done();
    assert_eq!(invited["versions"], json!([listed["versions"][1]]));
    door.get("press", &one("segments", &named)).await.done();
    let nothing = format!("?agreement=sha256:{}", "0".repeat(64));
    let absent = door.get("press", &one("segments", &nothing)).await;
    for (template, of) in [
        ("segments", format!("?agreement={first}")),
        ("segments", "?agreement=x".to_owned()),
        ("nowhere", named.clone()),
        ("nowhere", "/versions".to_owned()),
        ("segments", format!("/explanation?agreement={first}")),
    ] {
        let told = door.get("press", &one(template, &of)).await;
        assert_eq!((told.status, &told.json()["code"]), (404, &absent.json()["code"]), "{of}");
        assert_eq!(told.json()["detail"], absent.json()["detail"], "{of}");
    }
}

#[tokio::test]
async fn versions_and_things_by_name_come_in_pages() {
    let door = Door::open().await;
    door.agreed().await;
    for sql in ["a", "b", "c"] {
        door.propose(
            &AGREEMENT.replace("AS people FROM sales GROUP", &format!("AS {sql} FROM sales GROUP")),
        )
        .await;
    }
    let at = format!("{AT}/templates/segments/versions?limit=1");
    let (all, pages) = door.walk("brand", (&at, "versions", "after")).await;
    let states: Vec<_> = all.iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["in-force", "superseded", "superseded", "waiting"]);
    assert!(pages.iter().all(|page| *page <= 1), "{pages:?}");
    for (list, name) in [
        ("members", "member"),
        ("datasets", "dataset"),
        ("templates", "template"),
        ("rooms", "room"),
    ] {
        let path = format!("{AT}/{list}");
        let whole = door.get("brand", &path).await.done();
        assert!(whole.get("next").is_none(), "{whole}");
        let (found, pages) = door.walk("brand", (&format!("{path}?limit=1"), list, "after")).await;
        assert_eq!(json!(found), whole[list]);
        assert_eq!(pages.len(), found.len(), "{list}");
        let last = found[found.len() - 1][name].as_str().unwrap();
        let beyond = door.get("brand", &format!("{path}?after={last}")).await.done();
        assert_eq!(beyond, json!({ list: [] }));
        for bad in ["limit=0", "limit=201", "after=NO", "more=1"] {
            door.get("brand", &format!("{path}?{bad}")).await.is(400, "query-invalid");
        }
        door.get("press", &format!("{path}?limit=1")).await.is(404, "not-found");
    }
    let names = |told: Value, list: &str, name: &str| {
        let all = told[list].as_array().unwrap().clone();
        all.iter().map(|one| one[name].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let of = async |query: &str| door.get("brand", &format!("{AT}/{query}")).await.done();
    assert_eq!(names(of("datasets?owner=brand").await, "datasets", "dataset"), ["seen"]);
    assert_eq!(names(of("members?state=joined").await, "members", "member"), ["brand", "grocer"]);
    assert_eq!(names(of("members?state=revoked").await, "members", "member").len(), 0);
    assert_eq!(names(of("templates?waits_for=brand").await, "templates", "template"), ["reach"]);
}

#[tokio::test]
async fn a_member_exports_its_own_part_and_waivers_are_listed() {
    let door = Door::open().await;
    let digest = door.agreed().await;
    let at = format!("{AT}/rooms/aws-clean-rooms/export?form=terraform");
    let told =
        door.ask((Method::GET, &at), &door.token("grocer", &Role::ALL[..5]), &[], "").await.done();
    let document: Value = serde_json::from_str(told["document"].as_str().unwrap()).unwrap();
    assert!(document.get("resource").is_some(), "{document}");
    door.get("grocer", &at.replace("terraform", "pulumi")).await.is(400, "query-invalid");
    door.get("grocer", &at.replace("aws-clean-rooms", "native")).await.is(422, "room-unknown");
    door.get("press", &at).await.is(404, "not-found");
    let given = door.get("brand", &format!("{AT}/waivers")).await.done();
    assert_eq!(given, json!({ "agreement": digest, "waivers": [] }));
    door.get("press", &format!("{AT}/waivers")).await.is(404, "not-found");
}
