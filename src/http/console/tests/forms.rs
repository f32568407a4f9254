//! Forms: what each does to the log, and that none does anything but as it was shown, to whom, and once.

use super::*;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::time::Duration;

/// Sends a form of a page, follows it, and gives the page that says what was recorded.
async fn recorded(place: &Place, cookie: &str, form: &Form) -> String {
    let answer = place.send(cookie, form).await.is(303);
    let to = answer.header("location").to_owned();
    assert!(to.starts_with(&format!("{AT}/recorded/")), "{to}");
    let page = place.get(cookie, &to).await.is(200).body;
    let size = place.kinds().await.len();
    assert!(page.contains(&format!("leaf {}.", size - 1)), "{page}");
    assert!(page.contains("The checkpoint of the receipt") && page.contains("airlock"), "{page}");
    page
}

async fn form_of(place: &Place, cookie: &str, page: &str, action: &str) -> Form {
    place.get(cookie, &format!("{AT}{page}")).await.is(200).form(&format!("{AT}{action}"))
}

fn digest() -> String {
    mappings::agreement::read(AGREEMENT).unwrap().digest().to_string()
}

#[tokio::test]
async fn two_members_join_approve_and_waive_by_forms() {
    let place = Place::proposed().await;
    let (grocer, brand) =
        (place.signed_in("grocer", &ALL).await, place.signed_in("brand", &ALL).await);
    let page = format!("/agreements/{}", digest());
    for cookie in [&grocer, &brand] {
        let form = form_of(&place, cookie, &page, "/join").await;
        recorded(&place, cookie, &form).await;
    }
    for cookie in [&grocer, &brand] {
        let form = form_of(&place, cookie, "/templates/reach", "/templates/reach/approvals").await;
        recorded(&place, cookie, &form).await;
    }
    let approved = place.get(&grocer, &format!("{AT}/templates/reach")).await.is(200);
    assert!(!approved.body.contains("/templates/reach/approvals\""), "nothing waits");
    let form = form_of(&place, &grocer, "/fidelity", "/waivers").await;
    recorded(&place, &grocer, &form).await;
    let kinds = place.kinds().await;
    assert_eq!(
        kinds,
        ["opened", "proposed", "joined", "joined", "approved", "approved", "waiver-given"]
    );
    let leaf = place.get(&grocer, &format!("{AT}/log/6")).await.is(200).body;
    assert!(leaf.contains("received_by") && leaf.contains(&digest()), "{leaf}");
}

#[tokio::test]
async fn an_agreement_is_declined_by_a_form() {
    let place = Place::proposed().await;
    let brand = place.signed_in("brand", &[Role::MemberAdmin]).await;
    let page = format!("/agreements/{}", digest());
    let form = form_of(&place, &brand, &page, "/decline").await;
    let answer = place.send(&brand, &form).await.is(303);
    place.get(&brand, answer.header("location")).await.is(200);
    assert_eq!(place.kinds().await, ["opened", "proposed", "declined"]);
    let officer = place.signed_in("grocer", &[Role::PrivacyOfficer]).await;
    let shown = place.get(&officer, &format!("{AT}{page}")).await.is(200);
    assert!(!shown.body.contains(&format!("{AT}/join")), "its roles do not answer");
    let form = place.made_up(&officer, &format!("{AT}/join"), "join", &["spring", &digest()]);
    place.send(&officer, &form.with("agreement", &digest())).await.refused(403, "not-permitted");
}

#[tokio::test]
async fn every_kind_of_withdrawal_is_a_form() {
    let place = Place::agreed().await;
    let grocer = place.signed_in("grocer", &ALL).await;
    let form = form_of(&place, &grocer, "/templates/reach", "/templates/reach/approvals").await;
    recorded(&place, &grocer, &form).await;
    for (n, query) in [
        "kind=approval&template=reach",
        "kind=template&template=spent",
        "kind=column&dataset=sales&column=segment",
        "kind=dataset&dataset=sales",
        "kind=room",
        "kind=membership",
    ]
    .into_iter()
    .enumerate()
    {
        let page = format!("/withdraw?{query}");
        let form = form_of(&place, &grocer, &page, "/revocations").await;
        let page = recorded(&place, &grocer, &form).await;
        assert!(page.contains("You withdrew"), "{page}");
        assert_eq!(place.kinds().await.len(), 6 + n, "{query}");
    }
    let kinds = place.kinds().await;
    assert!(kinds[5..].iter().all(|kind| kind == "revoked"), "{kinds:?}");
    let theirs = place.signed_in("brand", &ALL).await;
    let form =
        form_of(&place, &theirs, "/withdraw?kind=dataset&dataset=sales", "/revocations").await;
    let answer = place.send(&theirs, &form).await;
    assert!(answer.status == 409 || answer.status == 404, "another's dataset: {answer:?}");
}

#[tokio::test]
async fn a_form_is_of_its_session_its_action_and_its_object() {
    let place = Place::agreed().await;
    let (grocer, brand) =
        (place.signed_in("grocer", &ALL).await, place.signed_in("brand", &ALL).await);
    let other = place.signed_in("grocer", &ALL).await;
    let before = place.kinds().await;
    let approve = |template: &str| format!("{AT}/templates/{template}/approvals");
    let good = place.get(&grocer, &format!("{AT}/templates/reach")).await.is(200);
    let good = good.form(&approve("reach"));
    let token = good.fields["form"].clone();
    let refused = async |cookie: &str, form: Form| {
        place.send(cookie, &form).await.refused(403, "form-forged");
    };
    refused(&grocer, good.clone().without("form")).await;
    refused(&grocer, good.clone().with("form", "")).await;
    refused(&grocer, good.clone().with("form", &"0".repeat(64))).await;
    refused(&grocer, good.clone().with("form", &format!("{token}0"))).await;
    refused(&brand, good.clone()).await;
    refused(&other, good.clone()).await;
    let spent = place.get(&grocer, &format!("{AT}/templates/spent")).await.is(200);
    let spent = spent.form(&approve("spent"));
    refused(&grocer, good.clone().with("form", &spent.fields["form"])).await;
    refused(&grocer, good.clone().with("digest", &spent.fields["digest"])).await;
    refused(&grocer, Form { to: approve("spent"), ..good.clone() }).await;
    let leave = form_of(&place, &grocer, "/withdraw?kind=membership", "/revocations").await;
    refused(&grocer, good.clone().with("form", &leave.fields["form"])).await;
    refused(&grocer, leave.clone().with("kind", "room")).await;
    refused(&grocer, leave.clone().with("form", &token)).await;
    refused(&grocer, leave.with("dataset", "sales")).await;
    let foreign = [("sec-fetch-site", "cross-site"), ("origin", "http://evil.example")];
    for lines in [&foreign[..], &foreign[..1], &foreign[1..], &[]] {
        place.post(&grocer, &good.to, lines, &good).await.refused(403, "form-foreign");
    }
    let twice = format!("{}&digest=x", good.encoded());
    let request = Request::builder().method(Method::POST).uri(&good.to);
    let request = request.header("host", "localhost").header("cookie", &grocer);
    let request = request.header("sec-fetch-site", "same-origin");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    place.ask(request.body(Body::from(twice)).unwrap()).await.refused(400, "form-unreadable");
    for field in ["mark", "key"] {
        place.send(&grocer, &good.clone().without(field)).await.refused(400, "form-unreadable");
        place.send(&grocer, &good.clone().with(field, "*")).await.refused(400, "form-unreadable");
    }
    assert_eq!(place.kinds().await, before, "none of that did anything");
    recorded(&place, &grocer, &good).await;
}

#[tokio::test]
async fn a_form_is_done_once_and_only_on_what_was_shown() {
    let place = Place::agreed().await;
    let grocer = place.signed_in("grocer", &ALL).await;
    let brand = place.signed_in("brand", &ALL).await;
    let path = |template: &str| format!("/templates/{template}/approvals");
    let form = form_of(&place, &grocer, "/templates/reach", &path("reach")).await;
    let late = form_of(&place, &grocer, "/templates/spent", &path("spent")).await;
    let theirs = form_of(&place, &brand, "/templates/reach", &path("reach")).await;
    recorded(&place, &grocer, &form).await;
    let size = place.kinds().await.len();
    let again = recorded(&place, &grocer, &form).await;
    assert!(again.contains("It was on record before"), "{again}");
    assert_eq!(place.kinds().await.len(), size, "it is done once");
    place.send(&grocer, &late).await.refused(412, "changed-meanwhile");
    place.send(&brand, &theirs).await.refused(412, "changed-meanwhile");
    let other = form.clone().with("mark", &"0".repeat(24));
    place.send(&grocer, &other).await.refused(422, "idempotency-key-reused");
    assert_eq!(place.kinds().await.len(), size);
    let fresh = form_of(&place, &grocer, "/templates/spent", &path("spent")).await;
    recorded(&place, &grocer, &fresh).await;
    // What was told is told in the session that decided, and nowhere else.
    let other = place.signed_in("grocer", &ALL).await;
    place.get(&other, &format!("{AT}/recorded/0")).await.refused(404, "not-found");
    place.get(&grocer, &format!("{AT}/recorded/0")).await.is(200);
    let elsewhere = "/console/collaborations/autumn/recorded/0";
    place.get(&grocer, elsewhere).await.refused(404, "not-found");
}

#[tokio::test]
async fn a_look_is_asked_for_and_told() {
    let place = Place::agreed().await;
    place.seen_there().await;
    let steward = place.signed_in("brand", &[Role::DataSteward]).await;
    let form = form_of(&place, &steward, "", "/rooms/aws-clean-rooms/looks").await;
    place.send(&steward, &form.clone().without("form")).await.refused(403, "form-forged");
    // This gateway reaches nobody's account there, and no worker runs beside this test.
    place.send(&steward, &form).await.refused(422, "connections-missing");
    let id = steward.split_once('=').unwrap().1;
    let session = place.console.sessions.known(id, place.clock.as_ref()).unwrap();
    let number = session.tell(session::Told {
        collaboration: "spring".to_owned(),
        what: "aws-clean-rooms is looked at soon".to_owned(),
        kind: session::Kind::Asked,
        receipt: None,
        why: None,
        repeated: false,
    });
    let page = place.get(&steward, &format!("{AT}/recorded/{number}")).await.is(200).body;
    assert!(page.contains("<h1>Asked for</h1>") && !page.contains("Receipt"), "{page}");
}

#[tokio::test]
async fn a_schedule_is_made_and_ended_by_forms_of_its_member() {
    let place = Place::agreed().await;
    let (brand, grocer) =
        (place.signed_in("brand", &ALL).await, place.signed_in("grocer", &ALL).await);
    let form = form_of(&place, &brand, "/templates/reach", "/schedules").await;
    let form = form.with("schedule", "nightly").with("room", "native");
    place.send(&brand, &form.clone().with("cron", "often")).await.refused(422, "schedule-time");
    recorded(&place, &brand, &form.with("cron", "0 6 1 1 *")).await;
    let end = format!("{AT}/schedules/nightly/removals");
    let seen = place.get(&grocer, AT).await.is(200).body;
    assert!(seen.contains("nightly") && seen.contains("0 6 1 1 *") && !seen.contains(&end));
    let form = form_of(&place, &brand, "", "/schedules/nightly/removals").await;
    recorded(&place, &brand, &form).await;
    let seen = place.get(&brand, AT).await.is(200).body;
    assert!(seen.contains("No run is scheduled.") && !seen.contains(&end));
    assert!(place.kinds().await.ends_with(&["scheduled".to_owned(), "unscheduled".to_owned()]));
}

#[tokio::test]
async fn the_whole_log_is_verified_on_demand() {
    let place = Place::agreed().await;
    let auditor = place.signed_in("brand", &[Role::Auditor]).await;
    let form = form_of(&place, &auditor, "/log", "/log/verification").await;
    let page = place.send(&auditor, &form).await.is(200).body;
    assert!(page.contains("4 leaves are good") && page.contains("2 leaves are members"), "{page}");
    place.send(&auditor, &form.without("form")).await.refused(403, "form-forged");
    let left = std::fs::read_dir(place.folder.path().join("scratch")).unwrap().count();
    assert_eq!(left, 0, "the export is gone");
}

/// The files of a folder's database.
fn database(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.is_file() && path.to_string_lossy().contains(".db")).collect()
}

/// Ends a gateway, and gives its folder once nobody has the database open.
async fn ended(place: Place) -> tempfile::TempDir {
    let Place { folder, app, router, console, .. } = place;
    drop((app, router, console));
    let file = folder.path().join("airlock.db");
    let (wal, options) = (folder.path().join("airlock.db-wal"), SqliteConnectOptions::new());
    let options = options.filename(file);
    let closed = async {
        while wal.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            // The last that closes takes it away, and two that close at once may each take the other for the last.
            let mut own = SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::query("SELECT count(*) FROM log").execute(&mut own).await.unwrap();
            own.close().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(30), closed).await.unwrap();
    folder
}

#[tokio::test]
async fn a_withdrawal_is_in_force_also_where_the_log_can_not_be_written() {
    let folder = ended(Place::agreed().await).await;
    let older = database(folder.path()).into_iter();
    let older: Vec<_> = older.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    assert!(!older.is_empty(), "where is the log?");
    let place = Place::at(folder).await;
    let grocer = place.signed_in("grocer", &ALL).await;
    let form = form_of(&place, &grocer, "/templates/reach", "/templates/reach/approvals").await;
    recorded(&place, &grocer, &form).await;
    let folder = ended(place).await;
    for path in database(folder.path()) {
        std::fs::remove_file(path).unwrap();
    }
    for (path, bytes) in older {
        std::fs::write(path, bytes).unwrap();
    }
    // An older copy was put back: nothing is granted, and things can be taken away.
    let place = Place::at(folder).await;
    let grocer = place.signed_in("grocer", &ALL).await;
    let page = place.get(&grocer, AT).await.is(200);
    assert!(page.body.contains("log-rolled-back"), "{}", page.body);
    let approve = form_of(&place, &grocer, "/templates/spent", "/templates/spent/approvals").await;
    place.send(&grocer, &approve).await.refused(409, "log-rolled-back");
    let page = "/withdraw?kind=dataset&dataset=sales";
    let leave = form_of(&place, &grocer, page, "/revocations").await;
    let answer = place.send(&grocer, &leave).await.is(202);
    assert!(answer.body.contains("In force here"), "{}", answer.body);
    assert!(answer.body.contains("log-rolled-back"), "{}", answer.body);
    let page = place.get(&grocer, AT).await.is(200);
    assert!(page.body.contains("In force in this gateway alone"), "{}", page.body);
}
