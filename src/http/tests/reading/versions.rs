//! Versions of templates: one that waits is read beside the one in force, by whoever may; the same lists in pages.

use super::*;
use crate::log::{AgreementLog, Body as Says, Entry, SecretKey, State};

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

/// An agreement whose second template no guard of today passes, as if an earlier build had: put on record, with an owner's approval, and joined.
async fn passed_once(door: &Door) -> (String, mappings::model::Digest) {
    let text = AGREEMENT
        .replace("SELECT segment, COUNT(DISTINCT person) AS people", "SELECT segment, person");
    let agreement = mappings::agreement::read(&text).unwrap();
    let (of, grocer) = ("spring".parse().unwrap(), "grocer".parse().unwrap());
    let home = Home::open(door.folder.path()).unwrap();
    let key = SecretKey::load(&home.gateway_key()).unwrap();
    let own = SecretKey::load(&home.member_key(&grocer)).unwrap();
    let store = crate::wiring::store(&home).await.unwrap();
    let log = AgreementLog::new(store, key, Arc::new(SystemClock));
    let put = async |body: Says, entry: &(dyn Fn(Says) -> Entry + Sync)| {
        let entries = |_: &State| Ok::<_, crate::error::Error>(vec![entry(body.clone())]);
        log.decide(&of, entries).await.unwrap();
    };
    let (digest, template) = (agreement.digest(), "segments".parse().unwrap());
    let version = agreement.templates[&template].digest(&template);
    let body = Says::Proposed { agreement: Box::new(agreement), digest };
    put(body, &Entry::gateway).await;
    door.answer("grocer", "joins", &digest.to_string()).await.done();
    let body = Says::Approved { member: grocer.clone(), template, digest: version };
    put(body, &|body| Entry::member(&grocer, &own, body)).await;
    door.answer("brand", "joins", &digest.to_string()).await.done();
    (digest.to_string(), version)
}

#[tokio::test]
async fn a_template_that_todays_guard_refuses_is_listed_with_why_beside_the_others() {
    let door = Door::open().await;
    let (old, refused) = passed_once(&door).await;
    let see = async |of: &str| {
        let listed = door.get("brand", &format!("{AT}/templates{of}")).await.done();
        let (reach, segments) = (&listed["templates"][0], &listed["templates"][1]);
        assert_eq!(
            (&reach["template"], &reach["waits_for"]),
            (&json!("reach"), &json!(["brand", "grocer"]))
        );
        assert!(reach.get("refusals").is_none(), "{reach}");
        let names = (&segments["template"], &segments["digest"], &segments["run_by"]);
        assert_eq!(names, (&json!("segments"), &json!(refused), &json!(["brand"])));
        // What is on record stays there; while it is refused nothing runs by it.
        let approvals = (&segments["approved_by"], &segments["waits_for"]);
        assert_eq!(approvals, (&json!(["grocer"]), &json!([])));
        let why = &segments["refusals"][0];
        assert!(why["code"].is_string() && why["detail"].is_string(), "{segments}");
        assert!(why["at"].as_str().unwrap().starts_with("templates.segments.sql"), "{why}");
        assert_eq!(
            door.get("brand", &format!("{AT}/templates/segments{of}")).await.done(),
            *segments
        );
        let path = format!("{AT}/templates/segments/explanation{of}");
        let explained = door.get("brand", &path).await.done();
        assert_eq!(
            (&explained["passes"], &explained["refusals"]),
            (&json!(false), &segments["refusals"])
        );
        listed
    };
    // In force nobody approves it now.
    let listed = see("").await;
    let waiting = door.get("brand", &format!("{AT}/templates?waits_for=grocer")).await.done();
    assert_eq!(waiting["templates"], json!([listed["templates"][0]]));
    let body = json!({ "digest": refused }).to_string();
    let path = format!("{AT}/templates/segments/approvals");
    door.post("grocer", &path, &body).await.is(409, "template-refused");
    // Nor is the list of an older version less than that of the one in force.
    door.agreed().await;
    assert_eq!(see(&format!("?agreement={old}")).await, listed);
    let now = door.get("brand", &format!("{AT}/templates/segments")).await.done();
    assert!(now.get("refusals").is_none() && now["waits_for"] == json!(["grocer"]), "{now}");
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
