//! Offers: a document is checked, and then proposed just as it was checked, by whoever may, once, and on what was shown.

use super::pages::assert_page;
use super::*;
use crate::access::PolicyText;

const OFFER: &str = "/console/offer";
const CHECKS: &str = "/console/offer/checks";

/// The answer to a check, as a browser asks for it.
async fn checked(place: &Place, cookie: &str, text: &str) -> Answer {
    let form = place.get(cookie, OFFER).await.is(200).form(CHECKS);
    let answer = place.send(cookie, &form.with("text", text)).await;
    assert_page(CHECKS, &answer.body);
    answer
}

async fn offer_of(place: &Place, cookie: &str, text: &str) -> Form {
    let answer = checked(place, cookie, text).await.is(200);
    assert!(answer.body.contains("It passes."), "{}", answer.body);
    answer.form(OFFER)
}

fn digest(text: &str) -> String {
    mappings::agreement::read(text).unwrap().digest().to_string()
}

/// A next version, in which a rule is stricter.
fn stricter() -> String {
    let text = AGREEMENT.replace("entities_min: 100", "entities_min: 200");
    assert_ne!(text, AGREEMENT);
    text
}

fn but_admin() -> Vec<Role> {
    ALL.into_iter().filter(|role| *role != Role::MemberAdmin).collect()
}

#[tokio::test]
async fn an_agreement_is_checked_and_then_offered() {
    let place = Place::empty().await;
    let grocer = place.signed_in("grocer", &ALL).await;
    let home = place.get(&grocer, "/console").await.is(200);
    assert!(home.body.contains("href=\"/console/offer\""), "{}", home.body);
    // Browsers send the ends of lines so.
    let sent = AGREEMENT.replace('\n', "\r\n");
    let page = checked(&place, &grocer, &sent).await.is(200);
    assert!(page.body.contains("spring, a new one") && page.body.contains(&digest(AGREEMENT)));
    assert!(page.body.contains("Terms by how each room holds them"), "{}", page.body);
    assert!(page.body.contains("Terms that aws-clean-rooms holds otherwise"), "{}", page.body);
    assert!(!page.body.contains("How it differs"), "there is nothing to differ from");
    assert!(place.app.leaves(&spring()).await.unwrap_or_default().is_empty(), "nothing is kept");
    let form = page.form(OFFER);
    let to = place.send(&grocer, &form).await.is(303).header("location").to_owned();
    assert!(to.starts_with(&format!("{AT}/recorded/")), "{to}");
    let told = place.get(&grocer, &to).await.is(200).body;
    assert!(told.contains("You offered the agreement") && told.contains("leaf 1."), "{told}");
    assert!(told.contains(&format!("<a href=\"{AT}\">Back to spring</a>")), "{told}");
    assert_eq!(place.kinds().await, ["opened", "proposed"]);
    let link = format!("{AT}/agreements/{}", digest(AGREEMENT));
    let page = place.get(&grocer, AT).await.is(200).body;
    assert!(page.contains(&link) && page.contains("An agreement waits."), "{page}");
    // The same form again is the same offer.
    let again = place.send(&grocer, &form).await.is(303).header("location").to_owned();
    assert!(place.get(&grocer, &again).await.body.contains("It was on record before"));
    assert_eq!(place.kinds().await.len(), 2);
}

#[tokio::test]
async fn what_stands_against_it_is_said_by_line_and_column() {
    let place = Place::empty().await;
    let grocer = place.signed_in("grocer", &ALL).await;
    for (status, from, to, at) in [
        (422, "entities_min: 100", "entities_min: many", "the document:18:"),
        (422, "use: dimension", "use: everything", "the document:16:"),
        (409, "FROM sales s JOIN", "FROM nothing s JOIN", "templates.reach.sql:1:"),
        (422, "members:", "members: [", "the document:"),
    ] {
        let text = AGREEMENT.replacen(from, to, 1);
        assert_ne!(text, AGREEMENT);
        let answer = checked(&place, &grocer, &text).await.is(status);
        assert!(answer.body.contains("It can't be offered so:"), "{}", answer.body);
        assert!(answer.body.contains(at), "{at}: {}", answer.body);
        assert!(answer.body.contains("aria-invalid=\"true\""), "{}", answer.body);
        assert!(!answer.body.contains(&format!("action=\"{OFFER}\"")), "there is nothing to offer");
        // What was written is there to go on with, and does nothing.
        let area = answer.body.split("<textarea").nth(1).unwrap().split("</textarea>").next();
        let kept = unescaped(area.unwrap().split_once(">\n").unwrap().1);
        assert_eq!(kept, text);
        assert!(!answer.body.contains("<script>alert"));
    }
    checked(&place, &grocer, "").await.is(422);
    assert!(place.app.leaves(&spring()).await.unwrap_or_default().is_empty());
}

#[tokio::test]
async fn a_document_is_as_long_in_a_form_as_over_the_api() {
    let place = Place::empty().await;
    let grocer = place.signed_in("grocer", &ALL).await;
    // Browsers make three bytes of each of a letter's, and six of each line's end.
    let max = mappings::agreement::SOURCE_BYTES_MAX;
    let letters = "ü".repeat(max / 8);
    let text = format!("{AGREEMENT}# {letters}\n");
    let text = format!("{text}{}", "\n".repeat(max - text.len()));
    assert_eq!(text.len(), max);
    let sent = |text: &str| text.replace('\n', "\r\n");
    let (longest, longer) = (sent(&text), sent(&format!("{text}\n")));
    let check = place.get(&grocer, OFFER).await.is(200).form(CHECKS);
    place.send(&grocer, &check.clone().with("text", &longer)).await.refused(413, "body-too-large");
    let page = place.send(&grocer, &check.with("text", &longest)).await.is(200);
    assert!(page.body.contains("It passes."));
    let offer = page.form(OFFER);
    place.send(&grocer, &offer.clone().with("text", &longer)).await.refused(413, "body-too-large");
    assert!(place.app.leaves(&spring()).await.unwrap_or_default().is_empty());
    place.send(&grocer, &offer.with("text", &longest)).await.is(303);
    assert_eq!(place.kinds().await, ["opened", "proposed"]);
}

#[tokio::test]
async fn what_was_checked_is_what_is_offered() {
    let place = Place::empty().await;
    let grocer = place.signed_in("grocer", &ALL).await;
    let form = offer_of(&place, &grocer, AGREEMENT).await;
    let other = offer_of(&place, &grocer, &stricter()).await;
    assert_ne!(form.fields["digest"], other.fields["digest"]);
    let forged = async |form: Form| {
        place.send(&grocer, &form).await.refused(403, "form-forged");
    };
    forged(form.clone().with("text", &stricter())).await;
    forged(form.clone().with("text", &format!("{AGREEMENT}\n"))).await;
    forged(form.clone().without("text")).await;
    forged(form.clone().with("digest", &other.fields["digest"])).await;
    forged(form.clone().with("digest", &other.fields["digest"]).with("text", &stricter())).await;
    forged(form.clone().with("collaboration", "autumn")).await;
    let check = place.get(&grocer, OFFER).await.is(200).form(CHECKS);
    forged(form.clone().with("form", &check.fields["form"])).await;
    forged(check.clone().with("form", &form.fields["form"])).await;
    forged(check.without("form")).await;
    let session = place.signed_in("grocer", &ALL).await;
    place.send(&session, &form).await.refused(403, "form-forged");
    let foreign = [("sec-fetch-site", "cross-site")];
    place.post(&grocer, OFFER, &foreign, &form).await.refused(403, "form-foreign");
    assert!(place.app.leaves(&spring()).await.unwrap_or_default().is_empty());
    place.send(&grocer, &form).await.is(303);
    let digest = digest(AGREEMENT);
    place.get(&grocer, &format!("{AT}/agreements/{digest}")).await.is(200);
    // What was a new one when it was checked is none any more.
    place.send(&grocer, &other).await.refused(412, "changed-meanwhile");
    assert_eq!(place.kinds().await, ["opened", "proposed"]);
}

#[tokio::test]
async fn a_next_version_is_compared_and_offered_on_what_was_shown() {
    let place = Place::agreed().await;
    let grocer = place.signed_in("grocer", &ALL).await;
    let link = "/console/offer?of=spring";
    assert!(place.get(&grocer, AT).await.is(200).body.contains(&format!("href=\"{link}\"")));
    // It begins with what is in force, whole, and nothing in it is hidden.
    let page = place.get(&grocer, link).await.is(200);
    let area = page.body.split("<textarea").nth(1).unwrap().split("</textarea>").next().unwrap();
    let now = unescaped(area.split_once(">\n").unwrap().1);
    assert!(now.contains("\\U0000061c") && now.contains("\\U0000200b"), "{now}");
    assert_eq!(digest(&now), digest(AGREEMENT));
    let same = checked(&place, &grocer, &now).await.is(200).body;
    assert!(same.contains("It says the same."), "{same}");
    let late = offer_of(&place, &grocer, &stricter()).await;
    let page = checked(&place, &grocer, &stricter()).await.is(200).body;
    let differs = page.split("How it differs").nth(1).unwrap();
    assert!(differs.contains("datasets.sales.rule.entities_min"), "{differs}");
    assert!(differs.contains("100") && differs.contains("200"), "{differs}");
    let reach = place.get(&grocer, &format!("{AT}/templates/reach")).await.is(200);
    let approve = reach.form(&format!("{AT}/templates/reach/approvals"));
    place.send(&grocer, &approve).await.is(303);
    place.send(&grocer, &late).await.refused(412, "changed-meanwhile");
    let fresh = offer_of(&place, &grocer, &stricter()).await;
    place.send(&grocer, &fresh).await.is(303);
    assert_eq!(place.kinds().await.last().unwrap(), "proposed");
    let page = checked(&place, &grocer, AGREEMENT).await.is(200).body;
    assert!(page.contains("An agreement waits there already."), "{page}");
}

#[tokio::test]
async fn who_may_not_propose_sees_no_way_to_and_is_told_what_the_api_tells() {
    let place = Place::agreed().await;
    let officer = place.signed_in("grocer", &but_admin()).await;
    for page in ["/console", AT] {
        let seen = place.get(&officer, page).await.is(200).body;
        assert!(!seen.contains(OFFER), "{page}: {seen}");
    }
    let (text, before) = (stricter(), place.kinds().await);
    let named = offer::named(&text);
    place.get(&officer, OFFER).await.refused(403, "not-permitted");
    let check = place.made_up(&officer, CHECKS, "check-offer", &[]).with("text", &text);
    place.send(&officer, &check).await.refused(403, "not-permitted");
    let made_up = |cookie: &str| {
        let form = place.made_up(cookie, OFFER, "offer", &["spring", &named]);
        form.with("collaboration", "spring").with("digest", &named).with("text", &text)
    };
    place.send(&officer, &made_up(&officer)).await.refused(403, "not-permitted");
    // Whoever is no member of it sees nothing of it, and is told why it would not be taken.
    let press = place.signed_in("press", &ALL).await;
    place.get(&press, "/console/offer?of=spring").await.refused(404, "not-found");
    let page = checked(&place, &press, &text).await.is(200).body;
    assert!(page.contains("<code>collaboration-taken</code>"), "{page}");
    assert!(!page.contains(&format!("action=\"{OFFER}\"")) && !page.contains("How it differs"));
    place.send(&press, &made_up(&press)).await.refused(409, "collaboration-taken");
    let new = text.replace("collaboration: spring", "collaboration: autumn");
    let page = checked(&place, &press, &new).await.is(200).body;
    assert!(page.contains("<code>not-a-member</code>"), "{page}");
    for cookie in ["", "airlock-console=0000"] {
        place.get(cookie, OFFER).await.is(303);
        place.send(cookie, &check).await.refused(403, "session-missing");
        place.send(cookie, &made_up(&press)).await.refused(403, "session-missing");
    }
    assert_eq!(place.kinds().await, before);
}

#[tokio::test]
async fn what_a_policy_forbids_is_not_offered() {
    for (on, everywhere) in
        [("resource", true), ("resource == Airlock::Collaboration::\"spring\"", false)]
    {
        let text = format!("forbid (principal, action == Airlock::Action::\"propose\", {on});\n");
        let text = PolicyText { name: "own.cedar".to_owned(), text };
        let forbids = Arc::new(Forbids::read(&[text], None).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let place = Place::with_policies(folder, Some(forbids)).await;
        let grocer = place.signed_in("grocer", &ALL).await;
        let home = place.get(&grocer, "/console").await.is(200).body;
        assert_eq!(home.contains("href=\"/console/offer\""), !everywhere, "{home}");
        assert_eq!(home.contains("<code>policy-forbids</code>"), everywhere, "{home}");
        if everywhere {
            place.get(&grocer, OFFER).await.refused(403, "policy-forbids");
            continue;
        }
        let page = checked(&place, &grocer, AGREEMENT).await.is(200).body;
        assert!(page.contains("<code>policy-forbids</code>"), "{page}");
        assert!(!page.contains(&format!("action=\"{OFFER}\"")), "{page}");
        let autumn = AGREEMENT.replace("collaboration: spring", "collaboration: autumn");
        let form = offer_of(&place, &grocer, &autumn).await;
        place.send(&grocer, &form).await.is(303);
    }
}
