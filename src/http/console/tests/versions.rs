//! Versions of templates as pages show them: one that waits beside the one in force, and one that today's guard refuses.

use super::*;

const REACH: &str = "/templates/reach";

fn other(from: &str, to: &str) -> String {
    let text = AGREEMENT.replacen(from, to, 1);
    assert_ne!(text, AGREEMENT);
    text
}

/// With a text of `reach` that no guard of today passes.
fn refused() -> String {
    other(
        "SELECT e.campaign, COUNT(DISTINCT s.person) AS people FROM",
        "SELECT e.campaign, s.person FROM",
    )
}

/// What a page says of the version that waits, with the sections in it.
fn waits(page: &Answer) -> &str {
    let heading = page.body.find("In the agreement that waits");
    let said = &page.body[heading.unwrap_or_else(|| panic!("nothing waits: {}", page.body))..];
    let mut open = 1;
    for (at, _) in said.match_indices("section") {
        if said[..at].ends_with("</") {
            open -= 1;
        } else if said[..at].ends_with('<') {
            open += 1;
        }
        if open == 0 {
            return &said[..at];
        }
    }
    said
}

#[tokio::test]
async fn what_waits_is_shown_beside_what_runs() {
    let place = Place::agreed().await;
    let brand = place.signed_in("brand", &ALL).await;
    let page = place.get(&brand, &format!("{AT}{REACH}")).await.is(200);
    assert!(!page.body.contains("In the agreement that waits"), "nothing waits");
    // Another text, another rule, the same, and none.
    let longer = "SELECT e.campaign, COUNT(DISTINCT s.person) AS reached FROM";
    let text = other("SELECT e.campaign, COUNT(DISTINCT s.person) AS people FROM", longer);
    let next = place.propose(&text).await;
    let at = format!("{AT}{REACH}?agreement={}", next.digest());
    let page = place.get(&brand, &format!("{AT}{REACH}")).await.is(200);
    let said = waits(&page);
    let version = next.templates[&id("reach")].digest(&id("reach")).to_string();
    assert!(said.contains(&version) && said.contains("AS reached"), "{said}");
    assert!(
        said.contains(&format!("href=\"{at}\"")) && !said.contains("The guard refuses it"),
        "{said}"
    );
    page.form(&format!("{AT}/runs"));
    let that = place.get(&brand, &at).await.is(200);
    assert!(
        that.body.contains("another version of the agreement")
            && that.body.contains("What would run")
    );
    assert!(
        !that.body.contains("action=\"/console/collaborations/spring/runs\""),
        "what waits is not run"
    );
    let same = place.get(&brand, &format!("{AT}/templates/spent")).await.is(200);
    assert!(waits(&same).contains("It says the same, and the same runs."), "{}", same.body);
    place.propose(&other("entities_min: 100", "entities_min: 200")).await;
    let page = place.get(&brand, &format!("{AT}{REACH}")).await.is(200);
    assert!(
        waits(&page).contains("200") && !waits(&page).contains("says the same"),
        "{}",
        page.body
    );
    let from = AGREEMENT.find("  odd:").unwrap();
    let without =
        format!("{}{}", &AGREEMENT[..from], &AGREEMENT[AGREEMENT.find("destinations:").unwrap()..]);
    place.propose(&without).await;
    let page = place.get(&brand, &format!("{AT}/templates/odd")).await.is(200);
    assert!(waits(&page).contains("It is not there any more."), "{}", page.body);
}

#[tokio::test]
async fn a_version_that_the_guard_refuses_is_read_with_why_and_nothing_is_done_with_it() {
    let place = Place::agreed().await;
    let next = place.propose_unguarded(&refused()).await.digest();
    let brand = place.signed_in("brand", &ALL).await;
    let page = place.get(&brand, &format!("{AT}{REACH}")).await.is(200);
    let at = format!("{AT}{REACH}?agreement={next}");
    assert!(waits(&page).contains("The guard refuses it:"), "{}", page.body);
    assert!(waits(&page).contains(&format!("href=\"{at}\"")), "{}", page.body);
    assert!(page.body.contains("What runs") && !page.body.contains("What does not run"));
    // That version, waiting, in force, and once it is superseded.
    let form = |page: &Answer, what: &str| page.body.contains(&format!("action=\"{AT}{what}\""));
    let assert_refused = |page: &Answer| {
        assert!(page.body.contains("What does not run"), "{}", page.body);
        assert!(page.body.contains("SELECT e.campaign, s.person FROM"), "{}", page.body);
        assert!(page.body.contains("templates.reach.sql"), "{}", page.body);
        let forms = ["/runs", "/schedules", "/templates/reach/approvals"];
        assert!(!forms.iter().any(|what| form(page, what)), "{}", page.body);
    };
    assert_refused(&place.get(&brand, &at).await.is(200));
    place.join(&["grocer", "brand"]).await;
    for path in [&at, &format!("{AT}{REACH}")] {
        assert_refused(&place.get(&brand, path).await.is(200));
    }
    let overview = place.get(&brand, AT).await.is(200).body;
    assert!(
        overview.contains("by the guard") && overview.contains("read and approve"),
        "{overview}"
    );
    let twin = place.get(&brand, &format!("{AT}/templates/odd")).await.is(200);
    assert!(twin.body.contains("What runs") && form(&twin, "/runs"), "{}", twin.body);
    assert!(form(&twin, "/templates/odd/approvals"), "{}", twin.body);
    place.propose(AGREEMENT).await;
    place.join(&["grocer", "brand"]).await;
    assert_refused(&place.get(&brand, &at).await.is(200));
    let now = place.get(&brand, &format!("{AT}{REACH}")).await.is(200);
    assert!(now.body.contains("What runs") && form(&now, "/runs"), "{}", now.body);
}
