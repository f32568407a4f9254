//! Accounts and Regions that only earlier agreements named: whatever is left there goes, in that account and no other.

use super::*;
use crate::seen::{Past, Seat};

const FORMER: &str = "333333333333";

/// The owner had another account, which still holds all that it held.
fn moved() -> (World, Desired) {
    let (mut world, desired) = settled();
    let account = world.seen.accounts.get(&member("provider")).cloned().unwrap();
    let mut account: Account =
        serde_json::from_str(&serde_json::json!(account).to_string().replace("\"id-", "\"old-"))
            .unwrap();
    account.rooms = account
        .rooms
        .into_iter()
        .map(|(name, room)| (format!("{name}f"), seen::Room { members: BTreeMap::new(), ..room }))
        .collect();
    let seat = Seat {
        member: member("provider"),
        account: FORMER.to_owned(),
        region: "us-east-1".to_owned(),
    };
    world.seen.past.push(Past { seat, account });
    (world, desired)
}

/// Does a step in the former account.
fn step(world: &mut World, step: &Step) {
    let at = serde_json::json!({ "member": "provider", "account": FORMER, "region": "us-east-1" });
    assert_eq!(step.call["at"], at);
    let mut inside = World { made: world.made, ..World::default() };
    let past = &mut world.seen.past[0];
    inside.seen.accounts.insert(past.seat.member.clone(), past.account.clone());
    inside.step(step);
    past.account = inside.seen.accounts.remove(&past.seat.member).unwrap();
}

#[test]
fn what_a_former_account_holds_is_taken_away_there() {
    let (mut world, desired) = moved();
    let mut done = 0;
    for _ in 0..12 {
        for one in world.plan(&desired).unwrap().steps {
            assert_eq!(one.effect.max(Effect::Restrict), Effect::Restrict, "{}", one.call);
            assert!(!one.touches.is_empty(), "{}", one.call);
            step(&mut world, &one);
            done += 1;
        }
    }
    let left = &world.seen.past[0].account;
    assert!(left.rooms.is_empty() && left.tables.is_empty(), "{left:?}");
    assert!(done >= 6 && world.is_open(), "what is agreed now stays: {done}");
}

#[test]
fn a_step_of_now_names_the_account_of_now() {
    let steps = World::new().plan(&Desired::whole(agreement())).unwrap().steps;
    let accounts: BTreeSet<&str> =
        steps.iter().map(|step| step.call["at"]["account"].as_str().unwrap()).collect();
    assert_eq!(accounts, BTreeSet::from([OWNER, RUNNER]));
}

#[test]
fn a_collaboration_waits_for_what_a_former_account_has_in_it() {
    let (mut world, desired) = moved();
    let analyst = world.seen.accounts.get(&member("analyst")).cloned().unwrap();
    let (name, room) = analyst.rooms.into_iter().next().unwrap();
    let own = world.seen.past[0].account.rooms.values().next().unwrap().membership.clone();
    let left = seen::Room { membership: own, ..room };
    world.seen.past[0].account.rooms = [(name, left)].into();
    world.seen.accounts.remove(&member("provider"));
    for room in world.account(&member("analyst")).rooms.values_mut() {
        let own = room.membership.as_mut().unwrap();
        own.associations.clear();
        own.budgets.clear();
        own.templates.clear();
    }
    let closed = Desired::closed(Arc::clone(&desired.agreement));
    let ends = |world: &World| {
        let steps = world.plan(&closed).unwrap().steps;
        steps.iter().any(|step| step.call["operation"] == "DeleteCollaboration")
    };
    assert!(!ends(&world));
    world.seen.past.clear();
    assert!(ends(&world));
}
