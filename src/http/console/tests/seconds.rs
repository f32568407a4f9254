//! Two people of a member decide by forms: the first is told that it waits, the page says so to both, and the second makes it.

use super::*;

const SETTINGS: &str = "[http]\ndevelopment_issuer = true\n\
    [[http.tenants]]\nmember = \"grocer\"\nfour_eyes = [\"approve\", \"waive\"]\n[[http.tenants]]\nmember = \"brand\"\n";

async fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(Home::open(folder.path()).unwrap().settings(), SETTINGS).unwrap();
    let place = Place::at(folder).await;
    place.propose(AGREEMENT).await;
    place.join(&["grocer", "brand"]).await;
    place
}

/// What a form of a page comes to, as it is told.
async fn sent(place: &Place, cookie: &str, (page, to): (&str, &str)) -> String {
    let page = place.get(cookie, &format!("{AT}{page}")).await.is(200);
    let form = page.form(&format!("{AT}{to}"));
    let answer = place.send(cookie, &form).await.is(303);
    place.get(cookie, answer.header("location")).await.is(200).body
}

#[tokio::test]
async fn two_people_approve_and_waive_by_forms() {
    let place = place().await;
    let of = |person| place.token_of(("grocer", Some(person)), &[Role::PrivacyOfficer]);
    let alice = place.signed_in_with(&of("alice")).await;
    let bob = place.signed_in_with(&of("bob")).await;
    let template = ("/templates/reach", "/templates/reach/approvals");
    let shown = place.get(&alice, &format!("{AT}/templates/reach")).await.is(200).body;
    assert!(shown.contains("needs a second person") && !shown.contains("waits for a"), "{shown}");
    let told = sent(&place, &alice, template).await;
    assert!(told.contains("it waits for a second person"), "{told}");
    let shown = place.get(&alice, &format!("{AT}/templates/reach")).await.is(200).body;
    assert!(shown.contains("Yours waits for another person."), "{shown}");
    let shown = place.get(&bob, &format!("{AT}/templates/reach")).await.is(200).body;
    assert!(
        shown.contains("Another person&#39;s waits for a second one.")
            || shown.contains("Another person's waits for a second one."),
        "{shown}"
    );
    assert_eq!(place.kinds().await.len(), 4);
    let told = sent(&place, &bob, template).await;
    assert!(told.contains("Receipt"), "{told}");
    let waiver = ("/fidelity", "/waivers");
    let shown = place.get(&bob, &format!("{AT}/fidelity")).await.is(200).body;
    assert!(shown.contains("Two people waive"), "{shown}");
    let told = sent(&place, &bob, waiver).await;
    assert!(told.contains("it waits for a second person"), "{told}");
    let told = sent(&place, &alice, waiver).await;
    assert!(told.contains("Receipt"), "{told}");
    assert_eq!(place.kinds().await[4..], ["approved", "waiver-given"]);
}
