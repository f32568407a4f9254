//! Names like ours, rooms that are not as agreed, and receivers whom nobody agreed on.

use super::*;

#[test]
fn a_room_that_somebody_else_made_gets_nothing() {
    let (mut world, desired) = (World::new(), Desired::whole(agreement()));
    let first = world.plan(&desired).unwrap();
    first.steps.iter().for_each(|step| world.step(step));
    for account in world.seen.accounts.values_mut() {
        account.rooms.values_mut().for_each(|room| room.creator = OWNER.to_owned());
    }
    let plan = world.plan(&desired).unwrap();
    let joins = |step: &&Step| step.call["operation"] == "CreateMembership";
    assert_eq!(plan.steps.iter().filter(joins).count(), 0, "{plan:?}");
    assert_eq!(plan.waiting.len(), 1);
}

#[test]
fn strangers_under_our_names_are_left_alone() {
    let (mut world, desired) = settled();
    world.account(&member("provider")).strangers.insert("airlock.suite-plan.orders".to_owned());
    let plan = world.plan(&desired).unwrap();
    assert_eq!(plan.refused.as_ref().map(|refused| refused.code.as_str()), Some("name-taken"));
    assert!(plan.steps.is_empty() && !plan.is_settled());
}

#[test]
fn where_only_strangers_receive_the_rule_closes_first() {
    let (mut world, desired) = settled();
    let before = world.rules();
    let others = BTreeSet::from(["999999999999".to_owned()]);
    for room in world.account(&member("provider")).rooms.values_mut() {
        let own = room.membership.as_mut().unwrap();
        own.associations.values_mut().for_each(|one| one.receivers = Some(others.clone()));
    }
    let plan = world.plan(&desired).unwrap();
    let calls: Vec<&str> =
        plan.steps.iter().map(|s| s.call["operation"].as_str().unwrap()).collect();
    assert_eq!(calls, ["UpdateConfiguredTableAnalysisRule"], "nobody is named while it is open");
    assert_eq!(plan.steps[0].effect, Effect::Restrict);
    world.step(&plan.steps[0]);
    let plan = world.plan(&desired).unwrap();
    let named = plan.steps.iter().find(|step| step.call.to_string().contains(RUNNER));
    assert_eq!(named.map(|step| step.effect), Some(Effect::Neutral), "{plan:?}");
    assert_eq!(world.settle(&desired).last(), Some(&Effect::Grant));
    assert_eq!(world.rules(), before);
}

#[test]
fn a_collaboration_that_is_not_as_agreed_any_more_is_closed() {
    let (mut world, desired) = settled();
    for account in world.seen.accounts.values_mut() {
        for room in account.rooms.values_mut() {
            let stranger =
                Member { status: "ACTIVE".to_owned(), queries: false, receives: true, pays: None };
            room.members.insert("999999999999".to_owned(), stranger);
        }
    }
    let plan = world.plan(&desired).unwrap();
    let rules = |step: &&Step| step.call["operation"] == "UpdateConfiguredTableAnalysisRule";
    let closing: Vec<&Step> = plan.steps.iter().filter(rules).collect();
    assert!(!closing.is_empty(), "{plan:?}");
    assert!(closing.iter().all(|step| step.effect <= Effect::Restrict), "{plan:?}");
}

#[test]
fn a_stranger_stands_in_the_way_of_giving_and_never_of_taking_away() {
    let (mut world, desired) = settled();
    world.account(&member("provider")).strangers.insert("airlock.suite-plan.x.0".to_owned());
    let mut withdrawn = desired.clone();
    withdrawn.datasets.clear();
    let plan = world.plan(&withdrawn).unwrap();
    assert!(plan.refused.is_some());
    assert!(!plan.steps.is_empty() && plan.steps.iter().all(|s| s.effect <= Effect::Restrict));
    world.account(&member("provider")).strangers.clear();
    assert!(world.plan(&withdrawn).unwrap().refused.is_none());
}

#[test]
fn a_spare_table_of_ours_is_swept_and_stands_in_the_way_of_nothing() {
    let (mut world, desired) = settled();
    let (before, provider) = (world.rules(), world.account(&member("provider")));
    let (name, table) = provider.tables.iter().next().unwrap();
    let spare = seen::Table { id: "late".to_owned(), ..table.clone() };
    let spare = (name.clone(), spare);
    provider.spare.push(spare);
    let plan = world.plan(&desired).unwrap();
    assert!(plan.refused.is_none());
    let swept: Vec<Step> = std::iter::from_fn(|| {
        let step = world.plan(&desired).unwrap().steps.into_iter().next()?;
        world.step(&step);
        Some(step)
    })
    .collect();
    let calls: Vec<&str> =
        swept.iter().map(|step| step.call["operation"].as_str().unwrap()).collect();
    assert_eq!(calls, ["DeleteConfiguredTableAnalysisRule", "DeleteConfiguredTable"]);
    assert!(swept.iter().all(|step| step.effect == Effect::Revoke));
    assert!(swept.iter().all(|step| step.call.to_string().contains("late")));
    assert_eq!(world.rules(), before, "the one in use stays as it is");
}

#[test]
fn a_further_collaboration_of_the_name_is_ended_and_stands_in_the_way_of_nothing() {
    let (mut world, desired) = settled();
    let analyst = world.account(&member("analyst"));
    let (name, room) = analyst.rooms.iter().next().unwrap();
    let further = seen::Room {
        id: "late".to_owned(),
        membership: None,
        schemas: BTreeMap::new(),
        templates: BTreeMap::new(),
        ..room.clone()
    };
    let known_as = crate::names::spare(name, "late");
    for account in world.seen.accounts.values_mut() {
        account.rooms.insert(known_as.clone(), further.clone());
    }
    let plan = world.plan(&desired).unwrap();
    assert!(plan.refused.is_none());
    let calls: Vec<_> = plan.steps.iter().map(|s| (&s.call["operation"], &s.call["id"])).collect();
    assert_eq!(calls, [(&"DeleteCollaboration".into(), &"late".into())]);
    world.settle(&desired);
    assert!(world.is_open());
}
