//! Result shares by the console's forms: opened, read by whoever has the profile, given another token, taken back; each on record, and a profile
//! shown once.

use crate::asked::Browsing;
use crate::http::Served;
use crate::world::World;
use serde_json::Value;

const AT: &str = "/console/collaborations/spring";
const TABLES: &str = "/delta-sharing/shares/spring/all-tables";

fn world() -> World {
    let world = World::settled(20);
    std::fs::write(world.path("home/gateway.toml"), "[http]\ndevelopment_issuer = true\n").unwrap();
    for run in ["run-1", "run-2"] {
        world.airlock(&["run", "spring", "reach", "--as", "brand", "--run-id", run]).done();
    }
    world
}

/// The profile on a page, as somebody copies it.
fn profile(page: &str) -> Value {
    let (_, rest) = page.split_once("<textarea ").unwrap_or_else(|| panic!("no profile: {page}"));
    let text = rest.split_once('>').unwrap().1.split("</textarea>").next().unwrap();
    serde_json::from_str(&text.replace("&quot;", "\"")).unwrap()
}

fn token(page: &str) -> String {
    profile(page)["bearerToken"].as_str().unwrap().to_owned()
}

fn reads(served: &Served<'_>, token: &str) -> u16 {
    served.ask("GET", TABLES, &[format!("Authorization: Bearer {token}")], "").status
}

#[test]
fn a_member_opens_a_result_gives_another_token_and_takes_it_back_by_forms() {
    let world = world();
    let served = Served::start(&world);
    let officer = Browsing::signed_in(&served, "brand", &["privacy-officer"]);
    let (page, shares) = (format!("{AT}/shares"), format!("{AT}/shares"));
    let shown = officer.get(&page).body;
    assert!(shown.contains("Nothing is open to anybody outside.") && shown.contains("run-2"));
    let asked = [("run", "run-1"), ("recipient", "agency"), ("days", "30")];
    let opened = officer.send(&page, &shares, &asked);
    assert_eq!(opened.status, 201, "{opened:?}");
    let first = profile(&opened.body);
    assert_eq!(first["endpoint"], format!("http://{}/delta-sharing/", served.at));
    assert!(opened.body.contains("The checkpoint of the receipt"), "{}", opened.body);
    let first = token(&opened.body);
    assert_eq!(reads(&served, &first), 200);
    // It has a good token, so another result comes without one, and is on record all the same.
    let more =
        officer.send(&page, &shares, &[("run", "run-2"), ("recipient", "agency"), ("days", "1")]);
    assert_eq!(more.status, 303, "{more:?}");
    let told = officer.get(&more.headers["location"]).body;
    assert!(told.contains("You opened run-2 to agency") && !told.contains("<textarea"), "{told}");
    // Who looks later sees what is open, and no token.
    let shown = officer.get(&page).body;
    assert!(shown.contains("open to it") && shown.contains("not yet") && !shown.contains(&first));
    let renewed =
        officer.send(&page, &format!("{shares}/tokens"), &[("days", "7"), ("alone", "yes")]);
    assert_eq!(renewed.status, 201, "{renewed:?}");
    let second = token(&renewed.body);
    assert_eq!((reads(&served, &first), reads(&served, &second)), (403, 200));
    // One result, and then everything.
    let ended = officer.send(&page, &format!("{shares}/revocations"), &[]);
    assert_eq!(ended.status, 303, "{ended:?}");
    assert!(
        officer.get(&ended.headers["location"]).body.contains("You took run-1 back from agency")
    );
    assert_eq!(reads(&served, &second), 200, "the other is open");
    officer.send(&page, &format!("{shares}/revocations"), &[]);
    let shown = officer.get(&page).body;
    assert!(shown.contains("No result.") && shown.contains("agency"), "{shown}");
    officer.send(&page, &format!("{shares}/revocations"), &[]);
    assert_eq!(reads(&served, &second), 403);
    assert!(officer.get(&page).body.contains("Nothing is open to anybody outside."));
    world.log_is_whole();
}

#[test]
fn a_form_is_taken_once_within_its_bounds_and_from_whoever_may() {
    let world = world();
    let served = Served::start(&world);
    let officer = Browsing::signed_in(&served, "brand", &["privacy-officer"]);
    let page = format!("{AT}/shares");
    let form = |days: &str| {
        officer.filled(&page, &page, &[("run", "run-1"), ("recipient", "agency"), ("days", days)])
    };
    for days in ["0", "91", "-1", "", "x", "1.5"] {
        assert_eq!(officer.put(&page, &form(days)).status, 400, "{days}");
    }
    for (name, recipient) in [("markup", "<b>"), ("none", "")] {
        let asked = [("run", "run-1"), ("recipient", recipient), ("days", "1")];
        assert!(matches!(officer.send(&page, &page, &asked).status, 400 | 422), "{name}");
    }
    let good = form("90");
    assert_eq!(officer.put(&page, &good).status, 201);
    // The same form again is on record already, and shows nothing a second time.
    let again = officer.put(&page, &good);
    assert_eq!(again.status, 303, "{again:?}");
    let told = officer.get(&again.headers["location"]).body;
    assert!(told.contains("It was on record before") && !told.contains("<textarea"), "{told}");
    // An admin takes back and opens nothing; an analyst looks; the other member sees to whom it went, and no form.
    let admin = Browsing::signed_in(&served, "brand", &["member-admin"]).get(&page).body;
    assert!(admin.contains("/shares/revocations\"") && !admin.contains("/shares/tokens\""));
    let analyst = Browsing::signed_in(&served, "brand", &["analyst"]).get(&page).body;
    assert!(
        analyst.contains("agency")
            && !analyst.contains("method=\"post\" action=\"/console/collaborations")
    );
    let grocer = Browsing::signed_in(&served, "grocer", &["privacy-officer"]);
    let theirs = grocer.get(&page).body;
    assert!(theirs.contains("Of other members") && theirs.contains("agency"), "{theirs}");
    assert!(!theirs.contains("/shares/revocations\"") && !theirs.contains("/shares/tokens\""));
    world.log_is_whole();
}
