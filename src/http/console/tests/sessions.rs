//! Signing in and out, cookies, and sessions that are over.

use super::*;
use crate::http::console::session::LASTS_MS;

fn form(token: &str) -> Form {
    Form { to: "/console/sign-in".to_owned(), fields: BTreeMap::new() }.with("token", token)
}

#[tokio::test]
async fn a_session_begins_with_a_good_token_alone() {
    let place = Place::agreed().await;
    let operator = place.issuer.for_operator(NOW_MS).unwrap().token;
    place.send("", &form(&operator)).await.refused(403, "console-of-members");
    for bad in ["", "a.b.c", &place.token("grocer", &ALL)[1..]] {
        let answer = place.send("", &form(bad)).await.refused(403, "sign-in-refused");
        assert!(answer.header("set-cookie").is_empty() && !answer.body.contains("a.b.c"));
    }
    place.clock.step(11 * 60 * 1000);
    let old = place.token("grocer", &ALL);
    place.clock.step(10 * 60 * 1000);
    place.send("", &form(&old)).await.refused(403, "sign-in-refused");
    let good = form(&format!(" {}\n", place.token("grocer", &ALL)));
    assert_eq!(place.send("", &good).await.is(303).header("location"), "/console");
    for lines in
        [&[][..], &[("origin", "http://evil.example")], &[("sec-fetch-site", "cross-site")]]
    {
        place.post("", "/console/sign-in", lines, &good).await.refused(403, "form-foreign");
    }
    let own = [("origin", "http://localhost")];
    place.post("", "/console/sign-in", &own, &good).await.is(303);
    let json = Request::builder().method(Method::POST).uri("/console/sign-in");
    let json = json.header("host", "localhost").header("sec-fetch-site", "same-origin");
    let json = json.header("content-type", "application/json").body(Body::from(good.encoded()));
    place.ask(json.unwrap()).await.refused(415, "media-type-unknown");
}

#[tokio::test]
async fn the_cookie_is_kept_as_strictly_as_the_name_allows() {
    let place = Place::agreed().await;
    let kept = place.send("", &form(&place.token("grocer", &ALL))).await.is(303);
    let kept = kept.header("set-cookie").to_owned();
    assert!(kept.ends_with("; Max-Age=1800; Path=/console; HttpOnly; SameSite=Strict"), "{kept}");
    let request = Request::builder().method(Method::POST).uri("/console/sign-in");
    let request = request.header("host", "airlock.example").header("sec-fetch-site", "same-origin");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let body = form(&place.token("grocer", &ALL)).encoded();
    let kept = place.ask(request.body(Body::from(body)).unwrap()).await.is(303);
    let kept = kept.header("set-cookie").to_owned();
    assert!(kept.starts_with("__Host-airlock-console="), "{kept}");
    assert!(kept.ends_with("; Max-Age=1800; Path=/; Secure; HttpOnly; SameSite=Strict"), "{kept}");
    let id = kept.split(['=', ';']).nth(1).unwrap();
    assert_eq!(id.len(), 64);
    assert!(!format!("{:?}", place.console).contains(id), "what lets somebody in is not kept");
    // A cookie of the other name is none.
    place.get(&format!("airlock-console={id}"), "/console").await.is(200);
    place.get(&format!("__Host-airlock-console={id}"), "/console").await.is(303);
}

#[tokio::test]
async fn a_session_is_over_after_half_an_hour_or_when_somebody_signs_out() {
    let place = Place::agreed().await;
    let grocer = place.signed_in("grocer", &ALL).await;
    place.clock.step(LASTS_MS - 1);
    let page = place.get(&grocer, AT).await.is(200);
    let out = page.form("/console/sign-out");
    let leave = place.get(&grocer, &format!("{AT}/withdraw?kind=membership")).await.is(200);
    let leave = leave.form(&format!("{AT}/revocations"));
    place.clock.step(1);
    place.get(&grocer, AT).await.is(303);
    let before = place.kinds().await;
    place.send(&grocer, &leave).await.refused(403, "session-missing");
    place.send(&grocer, &out).await.refused(403, "session-missing");
    let again = place.signed_in("grocer", &ALL).await;
    place.send(&again, &leave).await.refused(403, "form-forged");
    assert_eq!(place.kinds().await, before, "a form of a session that is over does nothing");
    let out = place.get(&again, "/console").await.is(200).form("/console/sign-out");
    place.send(&again, &out.clone().without("form")).await.refused(403, "form-forged");
    place.get(&again, "/console").await.is(200);
    let ended = place.send(&again, &out).await.is(303);
    assert_eq!(ended.header("location"), "/console/sign-in");
    assert!(ended.header("set-cookie").contains("airlock-console=; Max-Age=0"));
    place.get(&again, "/console").await.is(303);
}

#[tokio::test]
async fn whoever_signs_in_anew_ends_what_the_browser_had() {
    let place = Place::agreed().await;
    let first = place.signed_in("grocer", &ALL).await;
    let answer = place.send(&first, &form(&place.token("brand", &ALL))).await.is(303);
    let second = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    assert_ne!(first, second);
    place.get(&first, "/console").await.is(303);
    let page = place.get(&second, "/console").await.is(200);
    assert!(page.body.contains("<strong>brand</strong>"));
}

#[tokio::test]
async fn a_session_has_the_roles_of_its_token_and_no_others() {
    let place = Place::agreed().await;
    for role in ALL {
        let cookie = place.signed_in("grocer", &[role]).await;
        let page = place.get(&cookie, AT).await.is(200);
        assert!(page.body.contains(role.name()), "{role}");
        let may = roles(&[role]);
        let reads = crate::access::permits(&may, crate::access::Action::ReadLog);
        let log = place.get(&cookie, &format!("{AT}/log")).await;
        assert_eq!(log.status, if reads { 200 } else { 403 }, "{role}");
    }
}

#[tokio::test]
async fn pages_are_of_their_members_share_and_withdrawals_need_none() {
    let place = Place::agreed().await;
    let (grocer, brand) =
        (place.signed_in("grocer", &ALL).await, place.signed_in("brand", &ALL).await);
    let page = place.get(&grocer, AT).await.is(200);
    let leave = place.get(&grocer, &format!("{AT}/withdraw?kind=membership")).await.is(200);
    let (out, leave) = (page.form("/console/sign-out"), leave.form(&format!("{AT}/revocations")));
    let member: MemberId = id("grocer");
    let ordinary = &place.console.gateway.ordinary;
    let mut all: Vec<_> = std::iter::from_fn(|| ordinary.take(Some(&member)).ok()).collect();
    for told in [place.get(&grocer, AT).await, place.send(&grocer, &out).await] {
        assert_eq!(told.refused(429, "too-many-requests").header("retry-after"), "1");
    }
    place.get(&brand, AT).await.is(200);
    all.pop();
    place.get(&grocer, AT).await.is(200);
    place.get(&grocer, AT).await.is(200);
    let last = ordinary.take(Some(&member)).unwrap();
    place.send(&grocer, &leave).await.is(303);
    assert_eq!(place.kinds().await.last().map(String::as_str), Some("revoked"));
    drop((all, last));
    assert_eq!(place.send(&grocer, &out).await.is(303).header("location"), "/console/sign-in");
}
