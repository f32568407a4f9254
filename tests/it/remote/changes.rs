//! Every change that a member types at a gateway elsewhere: with its receipt it is believed, without it isn't, and where it is done it says what the
//! same says here.

use super::between::Between;
use super::waivers::in_shares;
use super::{ALL, Far, alike, settled, typed_here};
use crate::http::{Served, Told};
use crate::serve;
use crate::world::{AGREEMENT, Answer, World};
use airlock::client::{Client, Known, Token};
use airlock::clock::SystemClock;
use airlock::error::Error;
use airlock::log::{AgreementLog, Body, Code, Entry, Revocable, SecretKey};
use airlock::store::SqliteStore;
use mappings::model::PlatformId;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Takes the receipt out of the answer to every change whose path ends so.
fn without_receipt(ending: &'static str) -> impl FnMut(&str, &mut Told) -> bool + Send {
    move |request, told| {
        if request.starts_with("POST") && request.ends_with(ending) {
            let mut document = told.json();
            assert!(document.as_object_mut().unwrap().remove("receipt").is_some(), "{document}");
            told.body = document.to_string();
        }
        false
    }
}

/// A gateway that is asked through one in between, and the next version of its agreement.
fn between(world: &World) -> (Served<'_>, Between, Far) {
    std::fs::write(world.path("next.yaml"), AGREEMENT.replace("runs_max: 100", "runs_max: 99"))
        .unwrap();
    let served = Served::start(world);
    let between = Between::to(served.at);
    let far = Far::to(between.at);
    (served, between, far)
}

/// Types changes, each with the end of the path that it is asked at. The gateway does each, and is believed where it is honest alone.
fn typed(
    (served, between, far): (&Served<'_>, &Between, &Far),
    is_honest: bool,
    changes: &[(&str, &str, &'static str)],
) {
    for (member, line, ending) in changes {
        if !is_honest {
            between.tells(without_receipt(ending));
        }
        let answer: Answer = far.types(served, member, line);
        between.is_honest();
        if is_honest {
            assert_eq!(answer.code, Some(0), "{line}: {}", answer.stderr);
        } else {
            assert_eq!((answer.code, answer.error()), (Some(3), "receipt-missing"), "{line}");
        }
    }
}

/// The newest run's name, once it has succeeded.
fn succeeded(served: &Served<'_>) -> String {
    let brand = served.caller("brand", &ALL);
    let since = Instant::now();
    loop {
        let runs = brand.get("/v1/collaborations/spring/runs").done();
        let run = &runs["runs"][0];
        let state = run["state"].as_str().unwrap();
        if state == "succeeded" {
            return run["run"].as_str().unwrap().to_owned();
        }
        assert!(!["failed", "cancelled"].contains(&state), "{run}");
        assert!(since.elapsed() < Duration::from_mins(1), "{run}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn every_change_without_its_receipt_is_refused_and_with_it_believed() {
    for is_honest in [false, true] {
        let world = serve::world();
        let (served, between, far) = between(&world);
        let at = (&served, &between, &far);
        let agreed = [
            ("grocer", "apply agreement.yaml --as grocer", "/agreements"),
            ("grocer", "join spring --as grocer", "/joins"),
            ("brand", "join spring --as brand", "/joins"),
            ("grocer", "apply next.yaml --as grocer", "/agreements"),
            ("brand", "decline spring --as brand", "/declines"),
            ("grocer", "approve spring reach --as grocer", "/approvals"),
            ("brand", "approve spring --all --as brand", "/approvals"),
            ("brand", "run spring reach --as brand", "/runs"),
            (
                "brand",
                "schedule add spring nightly reach --cron 0~6~1~1~* --as brand",
                "/schedules",
            ),
            ("brand", "schedule remove spring nightly --as brand", "/removals"),
        ];
        typed(at, is_honest, &agreed);
        let run = succeeded(&served);
        let share = format!("share add spring {run} --to agency --as brand --expires 1d");
        let shared = [
            ("brand", share.as_str(), "/shares"),
            ("brand", "share rotate spring --to agency --as brand --expires 1d --alone", "/tokens"),
            ("brand", "share revoke spring --to agency --as brand", "/revocations"),
            ("brand", "revoke spring --approval reach --as brand", "/revocations"),
        ];
        typed(at, is_honest, &shared);
        world.log_is_whole();
        let log = world.airlock(&["audit", "show", "spring"]).done();
        for kind in ["declined", "run-succeeded", "unscheduled", "recipient-keyed", "share-ended"] {
            assert!(log.to_string().contains(kind), "{kind}: {log}");
        }
    }
}

#[test]
fn consent_and_an_offer_without_their_receipts_are_refused_and_with_them_believed() {
    for is_honest in [false, true] {
        let world = serve::world();
        world.agree(&in_shares());
        let served = Served::start(&world);
        let between = Between::to(served.at);
        let far = Far::to(between.at);
        joined(&|member, line| far.types(&served, member, line));
        let all = "waive spring --room snowflake --all --as grocer";
        let shown = far.types(&served, "grocer", all).done();
        let at = shown["wider"][0]["at"].as_str().unwrap();
        found_withdrawn(&world);
        let waive = format!("waive spring --room snowflake --at {at} --as grocer");
        let changes = [
            ("grocer", waive.as_str(), "/waivers"),
            ("grocer", "reoffer spring --dataset sales --as grocer", "/reoffers"),
        ];
        typed((&served, &between, &far), is_honest, &changes);
        world.log_is_whole();
    }
}

#[test]
fn a_cancellation_without_its_receipt_is_refused() {
    let world = World::of(300_000);
    for member in ["grocer", "brand"] {
        world.airlock(&["keygen", "--member", member]).done();
    }
    std::fs::write(world.path("home/gateway.toml"), "[http]\ndevelopment_issuer = true\n").unwrap();
    let (served, between, far) = between(&world);
    settled(&served, &far);
    for is_honest in [false, true] {
        let brand = served.caller("brand", &ALL);
        let at = "/v1/collaborations/spring";
        let digest = brand.get(&format!("{at}/templates")).done()["templates"][0]["digest"].clone();
        let body = serde_json::json!({ "template": "reach", "digest": digest }).to_string();
        let key = format!("run-{is_honest:0>20}");
        let run = brand.change(&format!("{at}/runs"), &key, Some("*"), &body).done()["run"].clone();
        if !is_honest {
            between.tells(without_receipt("/cancellations"));
        }
        let cancelled = cancelled(&far, &brand.token, run.as_str().unwrap());
        between.is_honest();
        assert_eq!(
            cancelled.err().map(|error| error.code),
            (!is_honest).then(|| "receipt-missing".to_owned())
        );
    }
    world.log_is_whole();
}

fn cancelled(far: &Far, token: &str, run: &str) -> Result<(), Error> {
    let (config, state) =
        (far.folder.path().join("config/airlock"), far.folder.path().join("state/airlock"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let known = Known::in_folders(&config, &state);
        let client = Client::open(&far.at, Token::new(token).unwrap(), known).await?;
        client.cancel(&"spring".parse().unwrap(), &run.parse().unwrap()).await.map(drop)
    })
}

fn joined(type_it: &dyn Fn(&str, &str) -> Answer) {
    for (member, line) in [
        ("grocer", "apply agreement.yaml --as grocer"),
        ("grocer", "join spring --as grocer"),
        ("brand", "join spring --as brand"),
    ] {
        type_it(member, line).done();
    }
}

/// A worker saw a dataset in the other room, and that its owner took it away there.
fn found_withdrawn(world: &World) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(&world.path("home/airlock.db")).await.unwrap();
        let key = SecretKey::load(&world.path("home/keys/gateway.key")).unwrap();
        let log = AgreementLog::new(Arc::new(store), key, Arc::new(SystemClock));
        let platform: PlatformId = "snowflake".parse().unwrap();
        let sales = || Revocable::Dataset { dataset: "sales".parse().unwrap() };
        let how = || Code::new("final-on-platform").unwrap();
        let of = "spring".parse().unwrap();
        log.decide(&of, |state| {
            let holds = vec![sales()];
            let observed =
                Body::RoomObserved { platform: platform.clone(), holds, basis: state.size() };
            let found =
                Body::FoundWithdrawn { platform: platform.clone(), what: sales(), how: how() };
            Ok::<_, Error>(vec![Entry::gateway(observed), Entry::gateway(found)])
        })
        .await
        .unwrap();
    });
}

#[test]
fn what_is_declined_scheduled_consented_and_offered_is_alike_here_and_there() {
    let (near, world) = (serve::world(), serve::world());
    for world in [&near, &world] {
        world.agree(&in_shares());
        let next = in_shares().replace("runs_max: 100", "runs_max: 99");
        std::fs::write(world.path("next.yaml"), next).unwrap();
    }
    let served = Served::start(&world);
    let far = Far::to(served.at);
    joined(&|_, line| typed_here(&near, line));
    joined(&|member, line| far.types(&served, member, line));
    let wider: Value = typed_here(&near, "waive spring --room snowflake --all --as grocer").done();
    let at = wider["wider"][0]["at"].as_str().unwrap();
    let waive = format!("waive spring --room snowflake --at {at} --as grocer");
    let done = [
        ("grocer", "apply next.yaml --as grocer"),
        ("brand", "decline spring --as brand"),
        ("grocer", "approve spring reach --as grocer"),
        ("brand", "approve spring reach --as brand"),
        ("grocer", "waive spring --room snowflake --all --as grocer"),
        ("grocer", waive.as_str()),
        ("brand", "schedule add spring nightly reach --cron 0~6~1~1~* --as brand"),
        ("brand", "schedule list spring"),
        ("brand", "schedule remove spring nightly --as brand"),
        ("brand", "schedule list spring"),
    ];
    alike(&near, &served, &far, &done);
    for world in [&near, &world] {
        found_withdrawn(world);
    }
    let again = [("grocer", "reoffer spring --dataset sales --as grocer")];
    alike(&near, &served, &far, &again);
    // Each was done, and not refused alike.
    let log = world.airlock(&["audit", "show", "spring"]).done().to_string();
    for kind in ["declined", "waiver-given", "scheduled", "unscheduled", "reoffered"] {
        assert!(log.contains(&format!("\"{kind}\"")), "{kind}: {log}");
    }
    assert_eq!(served.end("-TERM"), Some(0));
}
