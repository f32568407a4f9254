//! No step that closes, or that says that it changes nothing, gives anything: what a member made narrower by hand is widened by
//! grants alone, which wait.

use super::*;

/// The steps that change a world's association, membership or cap, by operation and effect.
fn planned(world: &World, desired: &Desired) -> Vec<(String, Effect)> {
    let steps = world.plan(desired).unwrap().steps;
    let named = |step: &Step| step.call["operation"].as_str().unwrap().to_owned();
    steps.iter().map(|step| (named(step), step.effect)).collect()
}

fn membership(world: &mut World) -> &mut Membership {
    let rooms = world.account(&member("provider")).rooms.values_mut();
    rooms.into_iter().next().unwrap().membership.as_mut().unwrap()
}

fn budget(period: &str, uses: i32) -> Budget {
    Budget { period: period.to_owned(), uses }
}

#[test]
fn a_cap_that_was_lowered_by_hand_rises_by_a_grant() {
    let (world, desired) = settled();
    let agreed = wanted(&desired).budget;
    let (longer, shorter) = ("LIFETIME", "CALENDAR_DAY");
    let none = Some(Budget { uses: 0, ..agreed.clone() });
    assert!(agreed.period != longer && agreed.uses > 1, "{agreed:?}");
    let cases: [(Option<Budget>, Effect, Option<Budget>); 6] = [
        (Some(budget(&agreed.period, 0)), Effect::Grant, Some(agreed.clone())),
        (Some(budget(longer, agreed.uses)), Effect::Grant, Some(agreed.clone())),
        (Some(budget(&agreed.period, agreed.uses + 1)), Effect::Restrict, Some(agreed.clone())),
        (Some(budget(longer, agreed.uses + 1)), Effect::Restrict, none.clone()),
        (Some(budget("CALENDAR_HOUR", 1)), Effect::Restrict, none.clone()),
        (None, Effect::Restrict, none),
    ];
    for (had, effect, set) in cases {
        let mut world = world.clone();
        membership(&mut world).budgets.values_mut().for_each(|one| one.budget = had.clone());
        let steps = world.plan(&desired).unwrap().steps;
        let step = steps.iter().find(|s| s.call["operation"] == "UpdatePrivacyBudgetTemplate");
        let step = step.unwrap();
        let uses = step.call["budget"].clone();
        assert_eq!((step.effect, uses), (effect, serde_json::json!(set.unwrap())), "{had:?}");
        world.settle(&desired);
        let found = membership(&mut world).budgets.values().next().unwrap().budget.clone();
        assert_eq!(found, Some(agreed.clone()), "{had:?}");
    }
    assert_eq!(budget(shorter, 5).against(&budget(longer, 5)), Some(std::cmp::Ordering::Greater));
    assert_eq!(budget(shorter, 4).against(&budget(longer, 5)), None);
}

#[test]
fn a_role_that_cannot_read_is_replaced_by_a_grant() {
    let (mut world, desired) = settled();
    membership(&mut world).associations.values_mut().for_each(|one| one.role = "blind".to_owned());
    let update = ("UpdateConfiguredTableAssociation".to_owned(), Effect::Grant);
    assert_eq!(planned(&world, &desired), [update]);
}

#[test]
fn a_table_comes_back_only_under_a_rule_that_is_closed() {
    let (mut world, desired) = settled();
    let own = membership(&mut world);
    own.associations.clear();
    own.budgets.clear();
    world.derive();
    let first = planned(&world, &desired);
    let close = ("UpdateConfiguredTableAnalysisRule".to_owned(), Effect::Neutral);
    assert_eq!(first, [close], "the table doesn't come in beside its closing, which takes nothing");
    world.settle(&desired);
    assert!(world.is_open());
}

#[test]
fn nobody_receives_by_the_making_of_a_list() {
    let (mut world, desired) = settled();
    membership(&mut world).associations.values_mut().for_each(|one| one.receivers = None);
    let close = ("UpdateConfiguredTableAnalysisRule".to_owned(), Effect::Restrict);
    assert_eq!(planned(&world, &desired), [close]);
    world.settle(&desired);
    assert!(world.is_open());
}

#[test]
fn another_table_under_the_name_goes_with_all_that_holds_it() {
    let (mut world, desired) = settled();
    membership(&mut world).associations.values_mut().for_each(|one| one.table = "own".to_owned());
    let steps = planned(&world, &desired);
    let lifted = ["DeletePrivacyBudgetTemplate", "DeleteConfiguredTableAssociationAnalysisRule"];
    assert!(steps.iter().all(|(call, _)| !lifted.contains(&call.as_str())), "{steps:?}");
    let delete = ("DeleteConfiguredTableAssociation".to_owned(), Effect::Revoke);
    assert!(steps.contains(&delete), "{steps:?}");
}

#[test]
fn a_cap_is_a_narrowing_only_where_something_is_open() {
    let (mut world, desired) = settled();
    membership(&mut world).budgets.clear();
    let call = || "CreatePrivacyBudgetTemplate".to_owned();
    assert_eq!(planned(&world, &desired), [(call(), Effect::Restrict)]);
    let provider = world.account(&member("provider"));
    provider.tables.values_mut().for_each(|t| t.rule.as_mut().unwrap().analyses.clear());
    assert!(planned(&world, &desired).contains(&(call(), Effect::Neutral)));
}

#[test]
fn whoever_joins_what_is_in_use_is_given_something() {
    let (mut world, desired) = settled();
    for room in world.account(&member("provider")).rooms.values_mut() {
        room.membership = None;
    }
    let join = ("CreateMembership".to_owned(), Effect::Grant);
    assert!(planned(&world, &desired).contains(&join));
    let first = World::new();
    let mut begun = first.clone();
    first.plan(&desired).unwrap().steps.iter().for_each(|step| begun.step(step));
    let join = ("CreateMembership".to_owned(), Effect::Neutral);
    assert!(planned(&begun, &desired).contains(&join), "nothing is there yet");
}

#[test]
fn who_left_is_not_invited() {
    let mut desired = Desired::whole(agreement());
    desired.members.remove(&member("provider"));
    let steps = World::new().plan(&desired).unwrap().steps;
    let create = steps.iter().find(|s| s.call["operation"] == "CreateCollaboration").unwrap();
    assert_eq!(create.call["members"], serde_json::json!([]));
    assert_eq!(create.touches, [ResourceKind::Member(member("analyst"))].into());
}

#[test]
fn who_is_invited_no_more_does_not_join() {
    let (mut world, desired) = (World::new(), Desired::whole(agreement()));
    let steps = world.plan(&desired).unwrap().steps;
    for step in &steps {
        world.step(step);
    }
    for account in world.seen.accounts.values_mut() {
        for room in account.rooms.values_mut() {
            room.members.get_mut(OWNER).unwrap().status = "PAUSED".to_owned();
        }
    }
    let joins = world.plan(&desired).unwrap().steps;
    let joins = joins.iter().filter(|step| step.call["operation"] == "CreateMembership");
    let ResourceKind::Native(native) = &joins.clone().next().unwrap().resource.kind else {
        panic!("no native step")
    };
    assert_eq!((joins.count(), native.member.as_str()), (1, "analyst"));
}

#[test]
fn a_cap_and_receivers_stay_until_the_rule_is_seen_closed() {
    type Withdrawal = fn(&mut Desired);
    let withdrawals: [Withdrawal; 3] = [
        |d| d.datasets.retain(|name| *name != orders()),
        |d| d.members.retain(|name| name.as_str() != "provider"),
        |d| *d = Desired::closed(Arc::clone(&d.agreement)),
    ];
    let lifting = ["DeletePrivacyBudgetTemplate", "DeleteConfiguredTableAssociationAnalysisRule"];
    for withdraw in withdrawals {
        let (mut world, mut desired) = settled();
        withdraw(&mut desired);
        let lifts = |world: &World| {
            let steps = planned(world, &desired).into_iter();
            steps.filter(|(call, _)| lifting.contains(&call.as_str())).count()
        };
        assert_eq!(lifts(&world), 0, "the rule may not be written: all stays as it is");
        for step in world.plan(&desired).unwrap().steps {
            if step.call["operation"].as_str().unwrap().ends_with("AnalysisRule") {
                world.step(&step);
            }
        }
        assert!(lifts(&world) > 0, "closed: it goes");
    }
}

#[test]
fn a_further_place_of_a_table_that_stays_goes_with_what_hangs_on_it() {
    let (mut world, desired) = settled();
    let before = world.rules();
    let own = membership(&mut world);
    let one = own.associations.values().next().unwrap().clone();
    let budget = own.budgets[&one.id].clone();
    let further = Association { id: "by-hand".to_owned(), ..one };
    own.budgets.insert(further.id.clone(), SeenBudget { id: "by-hand".to_owned(), ..budget });
    own.associations.insert("more".to_owned(), further);
    let calls = planned(&world, &desired);
    assert_eq!(calls, [("DeleteConfiguredTableAssociation".to_owned(), Effect::Revoke)]);
    world.settle(&desired);
    assert_eq!(world.rules(), before);
    world.settle(&Desired::closed(Arc::clone(&desired.agreement)));
    assert!(world.seen.accounts.values().all(|account| account.rooms.is_empty()));
}
