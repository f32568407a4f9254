//! What an operator's policies forbid is not offered, and what is offered is what is done: the page and the form ask the same.

use super::*;
use crate::access::{Action, PolicyText};

const POLICY: &str = "forbid (principal, action == Airlock::Action::\"approve\", resource) unless { principal.person };\n\
    forbid (principal, action in [Airlock::Action::\"run\", Airlock::Action::\"look\", Airlock::Action::\"share\", Airlock::Action::\"waive\"], resource == Airlock::Collaboration::\"spring\");\n\
    forbid (principal, action == Airlock::Action::\"join\", resource == Airlock::Collaboration::\"autumn\");\n";

async fn place(policy: Option<&str>) -> Place {
    let forbids = policy.map(|text| {
        let text = PolicyText { name: "own.cedar".to_owned(), text: text.to_owned() };
        Arc::new(Forbids::read(&[text], None).unwrap())
    });
    let place = Place::with_policies(tempfile::tempdir().unwrap(), forbids).await;
    place.propose(AGREEMENT).await;
    place
}

/// Whether a page has a form that is sent there, and whether it says that a policy forbids something.
async fn offers(place: &Place, cookie: &str, page: &str, to: &str) -> (bool, bool) {
    let body = place.get(cookie, &format!("{AT}{page}")).await.is(200).body;
    (body.contains(&format!("action=\"{AT}{to}\"")), body.contains("<code>policy-forbids</code>"))
}

#[tokio::test]
async fn what_is_forbidden_is_shown_so_and_its_twin_is_offered() {
    let digest = mappings::agreement::read(AGREEMENT).unwrap().digest();
    let (forbidden, open) = (place(Some(POLICY)).await, place(None).await);
    for place in [&forbidden, &open] {
        let grocer = place.signed_in("grocer", &ALL).await;
        let agreement = format!("/agreements/{digest}");
        assert_eq!(offers(place, &grocer, &agreement, "/join").await, (true, false));
        place.join(&["grocer", "brand"]).await;
    }
    for (is_open, place) in [(false, &forbidden), (true, &open)] {
        let brand = place.signed_in("brand", &ALL).await;
        let grocer = place.signed_in("grocer", &ALL).await;
        let waives = offers(place, &grocer, "/fidelity", "/waivers").await;
        assert_eq!(waives, (is_open, !is_open));
        for (page, to) in [
            ("/templates/reach", "/templates/reach/approvals"),
            ("/templates/reach", "/runs"),
            ("", "/rooms/aws-clean-rooms/looks"),
        ] {
            assert_eq!(offers(place, &brand, page, to).await, (is_open, !is_open), "{page} {to}");
        }
        let page = place.get(&brand, &format!("{AT}/shares")).await.is(200).body;
        assert_eq!(page.contains("disabled>Open a result</button>"), !is_open, "{page}");
        // Nothing keeps anybody from taking away, and that is offered as before.
        let page = place.get(&brand, AT).await.is(200).body;
        assert!(page.contains("/withdraw?kind=membership") && page.contains("/withdraw?kind=room"));
    }
    // A person may approve where a program may not, and is offered what it may.
    let token = forbidden.token_of(("brand", Some("alice")), &[Role::PrivacyOfficer]);
    let alice = forbidden.signed_in_with(&token).await;
    let approval = ("/templates/reach", "/templates/reach/approvals");
    let page = forbidden.get(&alice, &format!("{AT}{}", approval.0)).await.is(200);
    let form = page.form(&format!("{AT}{}", approval.1));
    forbidden.send(&alice, &form).await.is(303);
    // Whoever makes the form up is told no by the same policy.
    let brand = forbidden.signed_in("brand", &ALL).await;
    let digest = "sha256:0";
    let to = format!("{AT}/runs");
    let form = forbidden.made_up(&brand, &to, "run", &["spring", "spent", digest]);
    let form = form.with("template", "spent").with("digest", digest).with("room", "native");
    forbidden.send(&brand, &form).await.refused(403, "policy-forbids");
}

#[tokio::test]
async fn what_is_offered_is_what_would_be_answered() {
    let place = place(Some(POLICY)).await;
    place.join(&["grocer", "brand"]).await;
    for roles in [&ALL[..], &[Role::Analyst], &[Role::Auditor]] {
        let token = place.token("brand", roles);
        let caller = place.console.gateway.verifier.verify(&token).unwrap();
        let desk = place.console.desk(&caller);
        let offers = desk.offers("spring", "member");
        for action in Action::all() {
            assert!(!(offers.may(action) && offers.is_forbidden(action)), "{action}");
            assert!(!(action.takes_away() && offers.is_forbidden(action)), "{action}");
            assert!(!offers.may(action) || caller.may(action), "{action}");
        }
        assert_eq!(offers.is_forbidden(Action::Run), caller.may(Action::Run));
        assert!(desk.offers("autumn", "member").may(Action::Run) == caller.may(Action::Run));
    }
}
