//! What is withdrawn and not on record is laid over every state that something is granted on.

use super::*;
use mappings::model::MemberId;

#[derive(Debug)]
struct Held(Mutex<Result<Vec<Pending>, ReserveError>>);

impl Reserve for Held {
    fn pending(&self, _: &CollaborationId) -> Result<Vec<Pending>, ReserveError> {
        self.0.lock().unwrap().clone()
    }
}

fn grocer() -> MemberId {
    "grocer".parse().unwrap()
}

fn withdrawal(what: Revocable) -> Body {
    Body::Revoked { by: grocer(), what }
}

fn own() -> Revocable {
    Revocable::Member { member: grocer() }
}

fn pending(what: Revocable, since: Option<u64>) -> Pending {
    let entry = Entry::member(&grocer(), &SecretKey::from_seed([1; 32]), withdrawal(what));
    Pending { leaf: entry.leaf(&named("spring"), 1000), since }
}

/// A log of three leaves, and the reserve beside it.
async fn with_reserve() -> (AgreementLog, Arc<Held>) {
    let held = Arc::new(Held(Mutex::new(Ok(Vec::new()))));
    let log = on(&memory()).with_reserve(Arc::<Held>::clone(&held));
    put(&log, "spring", vec![proposal("spring"), joining("spring")]).await.unwrap();
    (log, held)
}

async fn withdrawn(log: &AgreementLog, what: &Revocable) -> bool {
    let loaded = log.load(&named("spring")).await.unwrap();
    let denying = log.load_denying(&named("spring")).await.unwrap();
    let spring = named("spring");
    let seen = log
        .decide(&spring, |state| Err::<Vec<Entry>, _>(state.revoked(what).is_some().to_string()));
    let Err(DecideError::Refused(seen)) = seen.await else { panic!("nothing was to be appended") };
    let all = [&loaded, &denying].map(|loaded| loaded.state.revoked(what).is_some().to_string());
    assert_eq!(all, [seen.clone(), seen.clone()]);
    seen == "true"
}

#[tokio::test]
async fn what_is_pending_denies_until_it_is_on_record() {
    let (log, held) = with_reserve().await;
    assert!(!withdrawn(&log, &own()).await);
    let before = log.load(&named("spring")).await.unwrap().state;
    *held.0.lock().unwrap() = Ok(vec![pending(own(), Some(3))]);
    assert!(withdrawn(&log, &own()).await);
    assert!(!withdrawn(&log, &Revocable::Room).await);
    let after = log.load(&named("spring")).await.unwrap();
    assert_eq!(after.size, 3, "it is no leaf");
    assert_ne!(after.state.decided(), before.decided(), "a plan from before is stale");
    assert_eq!(pending(own(), Some(3)).due(&after.state), [own()], "laid over is not on record");
    let entry = Entry::member(&grocer(), &SecretKey::from_seed([1; 32]), withdrawal(own()));
    put(&log, "spring", vec![entry]).await.unwrap();
    let state = log.load(&named("spring")).await.unwrap().state;
    assert_eq!((state.size(), state.revoked(&own())), (4, Some(3)));
    assert_eq!(state.decided(), after.state.decided(), "nothing else is desired than before");
    assert!(pending(own(), Some(3)).due(&state).is_empty());
    assert_eq!(pending(own(), Some(4)).due(&state), [own()], "a newer one of the same");
    assert_eq!(pending(own(), None).due(&state), [own()]);
}

#[tokio::test]
async fn a_reserve_that_cannot_be_read_grants_nothing() {
    let (log, held) = with_reserve().await;
    *held.0.lock().unwrap() = Err(ReserveError);
    assert_eq!(log.load(&named("spring")).await.unwrap_err().code(), "reserve-unreadable");
    let denying = log.load_denying(&named("spring")).await.unwrap();
    assert!(denying.may_lack() && denying.state.revoked(&Revocable::Room).is_some());
    let spring = named("spring");
    let decided = log.decide(&spring, |state| {
        assert!(state.revoked(&Revocable::Room).is_some());
        Ok::<_, Never>(vec![Entry::member(
            &grocer(),
            &SecretKey::from_seed([1; 32]),
            withdrawal(own()),
        )])
    });
    decided.await.unwrap();
    assert_eq!(log.size(&named("spring")).await.unwrap(), 4, "denying goes on");
}

#[tokio::test]
async fn a_template_withdrawn_without_its_log_is_withdrawn_in_every_version() {
    let versions = |sql: &str| {
        let mut agreement = serde_json::to_value(agreement("spring")).unwrap();
        agreement["templates"]["reach"] = serde_json::json!({ "class": "aggregate", "sql": sql, "run_by": [], "received_by": [] });
        serde_json::from_value::<Agreement>(agreement).unwrap()
    };
    let log = on(&memory());
    for sql in ["SELECT 1", "SELECT 2"] {
        let agreement = versions(sql);
        let digest = agreement.digest();
        let body = Body::Proposed { agreement: Box::new(agreement), digest };
        put(&log, "spring", vec![Entry::gateway(body)]).await.unwrap();
    }
    let state = log.load(&named("spring")).await.unwrap().state;
    let template: mappings::model::TemplateName = "reach".parse().unwrap();
    let newest = state.waiting().unwrap().templates[&template];
    let old = versions("SELECT 1").templates[&template].digest(&template);
    assert_ne!(old, newest);
    let of = |digest| Revocable::Template { template: template.clone(), digest };
    assert_eq!(pending(of(old), None).due(&state), [of(old), of(newest)]);
    assert_eq!(pending(of(newest), None).due(&state), [of(newest)]);
    assert_eq!(pending(of(old), Some(1)).due(&state), [of(old)]);
}
