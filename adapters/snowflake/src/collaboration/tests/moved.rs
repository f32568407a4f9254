//! A member that moved to another account: what it had in the first is closed there, or somebody is told to; and nothing of it counts
//! as agreed. Over the model, and from the first account's side against the twin.

use super::planning::{planned, words};
use super::world::World;
use super::{agreement, member};
use crate::collaboration::held::holding;
use crate::collaboration::room::SnowflakeCollaborations;
use crate::twin::{CONSUMER, PROVIDER, Twin, clock};
use adapter_spi::{Adapter as _, Cx, Desired, Observation, Probe, ResourceKind, Scope};
use mappings::model::{Agreement, MemberId};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const PASSES: usize = 60;
const FIRST: &str = "ACME.SECURED";

/// The suite's agreement, with one account in the place of another.
fn moved(name: &str, from: &str, to: &str) -> Arc<Agreement> {
    let text = serde_json::to_string(&*agreement(name, 1)).unwrap().replace(from, to);
    Arc::new(serde_json::from_str(&text).unwrap())
}

fn seats(agreement: &Agreement) -> BTreeMap<MemberId, String> {
    let platform = mappings::model::PlatformId::snowflake_dcr();
    let all = agreement.members.iter();
    all.map(|(member, one)| (member.clone(), one.identity[&platform].clone())).collect()
}

/// What is seen by members in their accounts, and in those that they had.
fn look(world: &World, scope: &Scope, past: &[(MemberId, String)]) -> Observation {
    let seen = world.seen_past(&seats(&scope.agreement), past);
    let held = holding(scope, &seen);
    Observation {
        members: held.members,
        remains: held.remains,
        offered: Some(held.offered),
        gone: held.gone,
        notes: held.notes,
        native: json!(seen),
        ..Observation::whole(scope, seen.version(), held.resources.into_iter().collect())
    }
}

fn converge(
    world: &mut World,
    (scope, desired): (&Scope, &Desired),
    past: &[(MemberId, String)],
) -> Vec<String> {
    let mut acts = Vec::new();
    for _ in 0..PASSES {
        let made = planned(desired, &look(world, scope, past));
        if made.steps.is_empty() && !made.pending {
            return acts;
        }
        for step in &made.steps {
            let at = step.call["at"]["account"].as_str().unwrap();
            let act = words(&adapter_spi::Plan { steps: vec![step.clone()], ..made.clone() });
            acts.push(format!("{at} {}", act.concat()));
            let _refused = world.apply(step);
        }
        world.settle();
    }
    panic!("no fixed point: {acts:#?}");
}

/// One after the other: the agreement over the first account, and the one over the second.
fn both(who: &str, name: &str) -> (Scope, Desired, Scope, Desired) {
    let own = if who == "provider" { PROVIDER } else { CONSUMER };
    let (first, second) = (moved(name, own, FIRST), agreement(name, 1));
    let before = Desired::whole(Arc::clone(&first));
    let scope = Scope { past: vec![Arc::clone(&first)], ..Scope::of(&second) };
    (Scope::of(&first), before, scope, Desired::whole(second))
}

#[test]
fn what_lies_in_the_first_account_is_taken_there_and_is_nothing_agreed() {
    for who in ["provider", "analyst"] {
        let (then, before, scope, desired) = both(who, "suite-moved");
        let mut world = World::default();
        converge(&mut world, (&then, &before), &[]);
        let past = [(member(who), FIRST.to_owned())];
        let first = look(&world, &scope, &past);
        let agreed = desired.resources();
        assert!(!first.resources.is_empty(), "{who}: it is open where it was");
        assert!(
            first.resources.iter().all(|one| !agreed.contains(one)),
            "{who}: no agreed version"
        );
        let made = planned(&desired, &first);
        assert!(made.steps.first().unwrap().effect.takes_away());
        let done = converge(&mut world, (&scope, &desired), &past);
        let in_first: Vec<&String> = done.iter().filter(|one| one.starts_with(FIRST)).collect();
        let taken = if who == "provider" { "Unlink" } else { "Teardown" };
        assert!(in_first.iter().any(|one| one.ends_with(taken)), "{who}: {in_first:?}");
        assert!(!in_first.iter().any(|one| one.ends_with("Link") && !one.ends_with("Unlink")));
        let found = look(&world, &scope, &past);
        assert_eq!(found.resources, agreed, "{who}");
        assert!(world.views.get(FIRST).is_none_or(BTreeMap::is_empty), "{who}");
        let closed = Desired::closed(Arc::clone(&scope.agreement));
        converge(&mut world, (&scope, &closed), &past);
        assert!(look(&world, &scope, &past).resources.is_empty() && world.open().is_empty());
    }
}

#[test]
fn a_first_account_that_no_connection_reaches_is_told_of_and_never_counts_as_closed() {
    let (then, before, scope, desired) = both("provider", "suite-away");
    let mut world = World::default();
    converge(&mut world, (&then, &before), &[]);
    // The runner sees it still: its owner's connection is for the second account.
    let seen = look(&world, &scope, &[]);
    let orders = ResourceKind::Dataset("orders".parse().unwrap());
    assert!(seen.resources.iter().any(|one| one.kind == orders));
    let made = planned(&desired, &seen);
    let told = made.waiting.iter().find(|one| one.act.contains("UNLINK_DATA_OFFERING(")).unwrap();
    assert_eq!(told.member, member("provider"));
    assert!(told.what.contains(FIRST), "{}", told.what);
    assert!(!made.is_settled());
    // The runner ends what it owns all the same.
    converge(&mut world, (&scope, &desired), &[]);
    assert_eq!(look(&world, &scope, &[]).resources, desired.resources());
}

#[test]
fn a_runner_that_moved_has_nothing_in_a_room_that_others_left() {
    let (then, before, scope, desired) = both("analyst", "suite-runner");
    let mut world = World::default();
    converge(&mut world, (&then, &before), &[]);
    // Its first account is out of reach: the provider sees a room that is alive there.
    let seen = look(&world, &scope, &[]);
    let orders = ResourceKind::Dataset("orders".parse().unwrap());
    assert!(seen.resources.iter().any(|one| one.kind == orders), "it is not taken for over");
    // The same where the look says nothing of how its owner stands in it.
    let mut native = world.seen_past(&seats(&scope.agreement), &[]);
    let rooms = native.accounts.values_mut().flat_map(|account| account.rooms.iter_mut());
    let mut names = BTreeSet::new();
    for (name, room) in rooms {
        room.states.remove("analyst");
        names.insert(name.clone());
    }
    let is_over =
        |name: &String| crate::collaboration::held::is_over(&native, &member("analyst"), name);
    assert!(!names.is_empty() && !names.iter().any(is_over));
    let done = converge(&mut world, (&scope, &desired), &[]);
    assert!(done.contains(&format!("{PROVIDER} provider Unlink")), "{done:#?}");
    let rooms = world.rooms.values();
    let old = rooms.filter(|room| room.owner == FIRST).flat_map(|room| room.spec.runners.values());
    let linked: BTreeSet<&String> =
        old.filter_map(|one| one.providers.get("provider")).flatten().collect();
    assert!(linked.is_empty(), "{linked:?}");
}

/// The room over connections that reach any account by their keys.
async fn anywhere(twin: &Twin) -> SnowflakeCollaborations {
    twin.furnish().await;
    twin.control("PUT", &format!("accounts/{FIRST}"), &json!({ "edition": "ENTERPRISE" })).await;
    for (table, columns, row) in [
        ("ORDERS", [("email_sha256", "VARCHAR"), ("spent", "FLOAT")], json!(["x", 1.0])),
        ("PEOPLE", [("email_sha256", "VARCHAR"), ("segment", "VARCHAR")], json!(["x", "y"])),
    ] {
        twin.table(FIRST, &format!("SUITE/PUBLIC/{table}"), &columns, &json!([row])).await;
    }
    twin.sql(FIRST, &["CREATE DATABASE AIRLOCK"]).await;
    let mut connections = twin.connections();
    for connection in connections.members.values_mut() {
        let endpoint = connection.endpoint.take().unwrap();
        connection.endpoint = endpoint.split("/accounts").next().map(str::to_owned);
    }
    SnowflakeCollaborations::new(connections, clock())
}

async fn settle(room: &SnowflakeCollaborations, scope: &Scope, desired: &Desired) {
    for _ in 0..PASSES {
        let seen = room.observe(scope, &Cx::default()).await.unwrap();
        assert_eq!(seen.unseen, BTreeMap::new());
        let made = room.plan(desired, &seen).unwrap();
        if made.is_settled() {
            return;
        }
        assert_eq!(made.refused, None);
        for step in &made.steps {
            let _again = room.apply(step, &Cx::default()).await;
        }
    }
    panic!("no fixed point");
}

/// Whether an account can run anything by itself in any collaboration of this agreement.
async fn runs_by_hand(twin: &Twin, account: &str, agreement: &Arc<Agreement>) -> bool {
    let all = crate::collaboration::wanted::wanted(&Desired::whole(Arc::clone(agreement)));
    let room = all.rooms.values().next().unwrap();
    let template = &room.templates.values().next().unwrap().id;
    let text = format!(
        "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.RUN('{}', '{template}', [], [], {{}})",
        room.base
    );
    let body = json!({ "account": account, "statements": [text] });
    twin.asked("POST", "sql", &body).await.0 == 200
}

#[tokio::test]
async fn twin_the_first_account_runs_and_holds_nothing_any_more() {
    let Some(twin) = Twin::fresh().await else { return };
    let room = anywhere(&twin).await;
    for who in ["provider", "analyst"] {
        let (then, before, scope, desired) = both(who, &format!("suite-moved-{who}"));
        settle(&room, &then, &before).await;
        let runner = if who == "analyst" { FIRST } else { CONSUMER };
        assert!(runs_by_hand(&twin, runner, &then.agreement).await, "{who}");
        let orders = ResourceKind::Dataset("orders".parse().unwrap());
        assert_eq!(room.probe(&orders, &scope, &Cx::default()).await, Ok(Probe::Served));
        settle(&room, &scope, &desired).await;
        assert!(!runs_by_hand(&twin, runner, &then.agreement).await, "{who}: in its first account");
        assert!(runs_by_hand(&twin, CONSUMER, &scope.agreement).await, "{who}: in the second");
        let schema = format!("AIRLOCK$SUITE_MOVED_{}$REGISTERED", who.to_uppercase());
        let views = format!("SHOW VIEWS IN SCHEMA AIRLOCK.{schema}");
        assert_eq!(twin.sql(FIRST, &[&views]).await.len(), 0, "{who}");
        let found = room.observe(&scope, &Cx::default()).await.unwrap();
        assert_eq!(found.resources, desired.resources(), "{who}");
        settle(&room, &scope, &Desired::closed(Arc::clone(&scope.agreement))).await;
        assert_eq!(room.probe(&orders, &scope, &Cx::default()).await, Ok(Probe::Denied));
    }
}

#[tokio::test]
async fn twin_a_connection_of_the_second_account_alone_says_nothing_of_the_first() {
    let Some(twin) = Twin::fresh().await else { return };
    twin.furnish().await;
    let room = SnowflakeCollaborations::new(twin.connections(), clock());
    let (_, _, scope, desired) = both("provider", "suite-second");
    settle(&room, &scope, &desired).await;
    let found = room.observe(&scope, &Cx::default()).await.unwrap();
    assert_eq!((found.unseen.len(), found.resources), (0, desired.resources()));
}
