//! What both rooms meet alike: credentials that are not taken, clocks that are off, replies that are cut or say something else. Whoever
//! can't be looked at is named, with why; nothing of it counts as gone, and nothing is given in its account.

use crate::SnowflakeShares;
use crate::collaboration::SnowflakeCollaborations;
use crate::connection::Connections;
use crate::twin::{PROVIDER, Twin, clock};
use adapter_spi::{Adapter, Coverage, Cx, Desired, Effect, Observation, Scope, suite};
use mappings::model::{Agreement, MemberId};
use serde_json::{Value, json};
use snowflake_sql_api::Clock;
use std::sync::Arc;

const PASSES: usize = 40;

pub(crate) type Making = fn(Connections, Clock) -> Box<dyn Adapter>;

/// Both rooms.
pub(crate) const ROOMS: [Making; 2] = [
    |connections, clock| Box::new(SnowflakeShares::new(connections, clock)),
    |connections, clock| Box::new(SnowflakeCollaborations::new(connections, clock)),
];

fn agreement(room: &dyn Adapter, name: &str) -> Arc<Agreement> {
    let document = suite::agreement(room.platform(), name, 1);
    Arc::new(serde_json::from_value(document).unwrap())
}

async fn look(room: &dyn Adapter, scope: &Scope) -> Observation {
    room.observe(scope, &Cx::default()).await.unwrap()
}

/// Everything open.
async fn opened(room: &dyn Adapter, name: &str) -> (Desired, Scope) {
    let agreement = agreement(room, name);
    let (desired, scope) = (Desired::whole(Arc::clone(&agreement)), Scope::of(&agreement));
    for _ in 0..PASSES {
        let made = room.plan(&desired, &look(room, &scope).await).unwrap();
        if made.is_settled() {
            return (desired, scope);
        }
        for step in &made.steps {
            let _again = room.apply(step, &Cx::default()).await;
        }
    }
    panic!("it does not settle");
}

/// That a member is not seen, and why; and that nothing follows from it.
fn is_unseen(room: &dyn Adapter, (desired, found): (&Desired, &Observation), codes: &[&str]) {
    let provider: MemberId = "provider".parse().unwrap();
    let (platform, code) = (room.platform(), found.unseen.get(&provider).map(String::as_str));
    assert!(code.is_some_and(|code| codes.contains(&code)), "{platform}: {code:?}, not {codes:?}");
    assert_eq!((found.coverage, found.gone.len()), (Coverage::Partial, 0), "{platform} {codes:?}");
    let made = room.plan(desired, found).unwrap();
    let given = made.steps.iter().filter(|step| step.effect == Effect::Grant);
    let there = given.filter(|step| step.call["at"]["account"] == PROVIDER).count();
    assert_eq!(there, 0, "{platform} {codes:?}");
}

/// The machine's clock, so many milliseconds off.
fn off(ms: i64) -> Clock {
    let real = clock();
    Arc::new(move || real() + ms)
}

#[tokio::test]
async fn credentials_that_are_not_taken_are_told_apart() {
    for make in ROOMS {
        let Some(twin) = Twin::fresh().await else { return };
        twin.furnish().await;
        let (desired, scope) = opened(&*make(twin.connections(), clock()), "suite-who").await;
        for skew in [-7_200_000, 7_200_000] {
            let room = make(twin.connections(), off(skew));
            is_unseen(&*room, (&desired, &look(&*room, &scope).await), &["clock-skewed"]);
        }
        // A token that ran out is renewed once.
        let room = make(twin.connections(), clock());
        twin.fault(&json!({ "kind": "expired", "times": 1 })).await;
        assert!(look(&*room, &scope).await.unseen.is_empty());
        twin.fault(&json!({ "kind": "expired", "account": PROVIDER, "times": 99 })).await;
        is_unseen(&*room, (&desired, &look(&*room, &scope).await), &["credentials-refused"]);
        twin.calm().await;
        // The key is no user's any more.
        let user = std::env::var("AIRLOCK_SNOWFLAKE_USER").unwrap();
        let keys = json!({ "public_key": null, "public_key_2": null });
        twin.control("PUT", &format!("users/{PROVIDER}/{user}"), &keys).await;
        let room = make(twin.connections(), clock());
        is_unseen(&*room, (&desired, &look(&*room, &scope).await), &["credentials-refused"]);
    }
}

#[tokio::test]
async fn a_reply_that_is_cut_or_malformed_says_nothing() {
    let lists = [
        ["SHOW SHARES", "SHOW SCHEMAS", "SHOW VIEWS", "SHOW GRANTS", "POLICY_REFERENCES"],
        ["VIEW_COLLABORATIONS", "GET_STATUS", "VIEW_TEMPLATES", "VIEW_REGISTERED", "SHOW VIEWS"],
    ];
    for (make, lists) in ROOMS.into_iter().zip(lists) {
        let Some(twin) = Twin::fresh().await else { return };
        twin.furnish().await;
        let room = make(twin.connections(), clock());
        let (desired, scope) = opened(&*room, "suite-reply").await;
        for (at, list) in lists.into_iter().enumerate() {
            let kind = ["truncate", "malformed"][at % 2];
            let fault: Value =
                json!({ "kind": kind, "account": PROVIDER, "match": list, "times": 99 });
            twin.fault(&fault).await;
            let codes = ["answer-unreadable", "no-answer-in-time", "unreachable"];
            is_unseen(&*room, (&desired, &look(&*room, &scope).await), &codes);
            twin.calm().await;
            // Who was silent is left alone for a while; another process is not in doubt.
            let again = make(twin.connections(), clock());
            assert_eq!(look(&*again, &scope).await.coverage, Coverage::Complete, "{list}");
        }
    }
}
