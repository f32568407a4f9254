//! Plans over the model: they converge whatever was half done, take away first, and give nothing that is not desired.

use super::world::World;
use super::{agreement, member};
use crate::collaboration::held::holding;
use crate::collaboration::plan::plan;
use crate::collaboration::seen::{Account, Asks, State, Status};
use adapter_spi::{Desired, Effect, Observation, Plan, ResourceKind, Scope};
use mappings::model::{Agreement, MemberId};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const PASSES: usize = 60;

fn members() -> BTreeMap<MemberId, String> {
    BTreeMap::from([
        (member("provider"), "ACME.PROVIDER".to_owned()),
        (member("analyst"), "ACME.CONSUMER".to_owned()),
    ])
}

fn look(world: &World, scope: &Scope, operated: &BTreeMap<MemberId, String>) -> Observation {
    let seen = world.seen(operated);
    let held = holding(scope, &seen);
    Observation {
        members: held.members,
        remains: held.remains,
        offered: Some(held.offered),
        gone: held.gone,
        notes: held.notes,
        native: serde_json::json!(seen),
        ..Observation::whole(scope, seen.version(), held.resources.into_iter().collect())
    }
}

/// What an operator says who saw that preset tables bind.
fn presets() -> BTreeSet<String> {
    BTreeSet::from(["preset-tables".to_owned()])
}

pub(super) fn planned(desired: &Desired, seen: &Observation) -> Plan {
    let made = plan(desired, seen, &presets()).unwrap();
    let effects: Vec<Effect> = made.steps.iter().map(|step| step.effect).collect();
    assert!(effects.is_sorted(), "{effects:?}");
    // A platform that makes no collaborations is the only thing here that stands in the way.
    let refused = made.refused.as_ref().map(|refused| refused.code.as_str());
    assert!(refused.is_none_or(|code| code == "collaboration-failed"), "{refused:?}");
    made
}

pub(super) fn words(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| {
            let word = |key: &str| step.call[key].as_str().unwrap_or_default().to_owned();
            format!("{} {}", step.call["at"]["member"].as_str().unwrap(), word("operation"))
        })
        .collect()
}

/// Passes until nothing is left to do; everything that was done.
fn converge(world: &mut World, scope: &Scope, desired: &Desired) -> Vec<String> {
    let mut done = Vec::new();
    for _ in 0..PASSES {
        let seen = look(world, scope, &members());
        let made = planned(desired, &seen);
        if made.is_settled() {
            return done;
        }
        assert!(made.waiting.is_empty(), "{:?}", made.waiting);
        let all = words(&made);
        let has = |call: &str| all.iter().any(|word| word.ends_with(call));
        assert!(
            !has(" RequestTemplate") || !has(" Link"),
            "what a text reads is linked before: {all:?}"
        );
        done.extend(all);
        for step in &made.steps {
            let _refused = world.apply(step);
        }
        world.settle();
    }
    panic!("no fixed point: {:?}", words(&planned(desired, &look(world, scope, &members()))));
}

fn kinds(seen: &Observation) -> BTreeSet<ResourceKind> {
    seen.resources.iter().map(|one| one.kind.clone()).collect()
}

fn wanted_kinds(desired: &Desired) -> BTreeSet<ResourceKind> {
    desired.resources().into_iter().map(|one| one.kind).collect()
}

fn opened(agreement: &Arc<Agreement>) -> (World, Scope, Desired) {
    let (mut world, scope) = (World::default(), Scope::of(agreement));
    let whole = Desired::whole(Arc::clone(agreement));
    converge(&mut world, &scope, &whole);
    (world, scope, whole)
}

#[test]
fn a_room_is_made_in_the_order_in_which_nothing_opens_early() {
    let agreement = agreement("suite-order", 1);
    let (mut world, scope) = (World::default(), Scope::of(&agreement));
    let whole = Desired::whole(agreement);
    let done = converge(&mut world, &scope, &whole);
    let expected = [
        "provider CreateSchema",
        "analyst CreateSchema",
        "provider RegisterTemplate",
        "analyst Initialize",
    ];
    for word in expected {
        assert!(done.contains(&word.to_owned()), "{word}: {done:#?}");
    }
    let at = |word: &str| {
        done.iter().position(|one| one == word).unwrap_or_else(|| panic!("{word}: {done:#?}"))
    };
    let order = [
        at("provider CreateSchema"),
        at("provider CreateView"),
        at("provider RegisterOffering"),
        at("provider Link"),
        at("provider RequestTemplate"),
        at("analyst Approve"),
    ];
    assert!(order.is_sorted(), "{done:#?}");
    assert!(
        at("analyst Join") < at("provider Review") && at("provider Review") < at("provider Join")
    );
    let seen = look(&world, &scope, &members());
    assert_eq!(kinds(&seen), wanted_kinds(&whole));
    assert_eq!(seen.members, members().into_keys().collect());
    assert_eq!(seen.offered, Some(whole.datasets.clone()));
    assert!(seen.notes.is_empty() && seen.gone.is_empty() && seen.remains.is_empty());
}

#[test]
fn a_withdrawal_cuts_own_data_then_texts_then_memberships() {
    let (mut world, scope, whole) = opened(&agreement("suite-cut", 1));
    let closed = Desired::closed(Arc::clone(&whole.agreement));
    let first = words(&planned(&closed, &look(&world, &scope, &members())));
    let rank = |word: &String| {
        ["Unlink", "DropView", "Reject", "RemoveTemplate", "Edit", "Leave", "Teardown"]
            .iter()
            .position(|call| word.ends_with(call))
    };
    let ranks: Vec<_> = first.iter().map(rank).collect();
    assert!(ranks.iter().all(Option::is_some) && ranks.is_sorted(), "{first:?}");
    assert!(
        first.contains(&"provider Unlink".to_owned())
            && first.contains(&"analyst Unlink".to_owned())
    );
    assert!(!first.contains(&"provider Leave".to_owned()), "nobody leaves with data linked");
    let done = converge(&mut world, &scope, &closed);
    let count = |word: &str| done.iter().filter(|one| *one == word).count();
    assert_eq!((count("provider Leave"), count("analyst Teardown")), (2, 2), "{done:?}");
    let seen = look(&world, &scope, &members());
    assert!(seen.resources.is_empty() && seen.members.is_empty());
    assert!(world.open().is_empty());
    // Opened again, it is another making of it.
    converge(&mut world, &scope, &whole);
    assert_eq!(kinds(&look(&world, &scope, &members())), wanted_kinds(&whole));
}

#[test]
fn a_leave_that_is_killed_between_its_calls_goes_on() {
    let (mut world, scope, whole) = opened(&agreement("suite-killed", 1));
    let mut without = whole.clone();
    without.members.remove(&member("provider"));
    for _ in 0..PASSES {
        let made = planned(&without, &look(&world, &scope, &members()));
        for step in &made.steps {
            let _refused = world.apply(step);
        }
        world.settle();
        let pending =
            world.rooms.values().any(|room| room.states["provider"] == State::DropPending);
        if pending {
            break;
        }
    }
    // The room was never to be closed meanwhile, and is wanted with everybody again: what began goes on, since nothing brings it back.
    let made = planned(&whole, &look(&world, &scope, &members()));
    assert!(words(&made).contains(&"provider Leave".to_owned()), "{:?}", words(&made));
    converge(&mut world, &scope, &without);
    let seen = look(&world, &scope, &members());
    assert!(!seen.members.contains(&member("provider")));
    assert!(seen.gone.contains(&ResourceKind::Member(member("provider"))));
}

#[test]
fn a_member_that_nobody_operates_is_waited_for_with_its_own_calls() {
    let agreement = agreement("suite-alone", 1);
    let (mut world, scope) = (World::default(), Scope::of(&agreement));
    let whole = Desired::whole(Arc::clone(&agreement));
    let own = BTreeMap::from([(member("analyst"), "ACME.CONSUMER".to_owned())]);
    for _ in 0..PASSES {
        let made = planned(&whole, &look(&world, &scope, &own));
        assert!(words(&made).iter().all(|word| word.starts_with("analyst ")));
        if made.steps.is_empty() {
            break;
        }
        for step in &made.steps {
            let _refused = world.apply(step);
        }
        world.settle();
    }
    let made = planned(&whole, &look(&world, &scope, &own));
    let acts: Vec<&str> = made.waiting.iter().map(|one| one.act.as_str()).collect();
    let has = |word: &str| acts.iter().any(|act| act.contains(word));
    assert!(
        has("COLLABORATION.REVIEW('airlock_suite_alone_analyst_") && has(".JOIN('"),
        "{acts:?}"
    );
    assert!(has("LINK_DATA_OFFERING(") && has("ADD_TEMPLATE_REQUEST("), "{acts:?}");
    assert!(made.waiting.iter().all(|one| one.member == member("provider")));
    // It does all of that by itself, and one thing more: what it registered nobody here has read.
    let mut elsewhere = world.clone();
    converge_of(
        &mut elsewhere,
        &scope,
        &whole,
        &BTreeMap::from([(member("provider"), "ACME.PROVIDER".to_owned())]),
    );
    let made = planned(&whole, &look(&elsewhere, &scope, &own));
    let acts: Vec<String> = made.waiting.iter().map(|one| one.act.clone()).collect();
    assert!(!words(&made).iter().any(|word| word.ends_with("Approve")), "{:?}", words(&made));
    assert!(
        acts.iter().any(|act| act.contains("APPROVE_UPDATE_REQUEST('")),
        "{acts:?} {:?}",
        words(&made)
    );
}

/// Whoever has an account can run there by hand: nothing is given before its operator saw that preset tables bind; taking away goes on.
#[test]
fn nothing_is_given_before_preset_tables_were_seen_to_bind() {
    let agreement = agreement("suite-presets", 1);
    let (world, scope) = (World::default(), Scope::of(&agreement));
    let whole = Desired::whole(Arc::clone(&agreement));
    let planned = |world: &World, desired: &Desired, said: &BTreeSet<String>| {
        plan(desired, &look(world, &scope, &members()), said).unwrap()
    };
    let made = planned(&world, &whole, &BTreeSet::new());
    let refused = made.refused.unwrap();
    assert_eq!(
        (refused.code.as_str(), made.steps.len(), made.pending),
        ("preset-tables-unverified", 0, false)
    );
    assert!(refused.message.contains("verified = [\"preset-tables\"]"), "{}", refused.message);
    let made = planned(&world, &whole, &presets());
    assert!(made.refused.is_none() && !made.steps.is_empty());
    let (world, _, whole) = opened(&agreement);
    let closed = Desired::closed(agreement);
    let made = planned(&world, &closed, &BTreeSet::new());
    assert!(made.refused.is_none() && words(&made).contains(&"provider Unlink".to_owned()));
    // What is open already is told of; how to open more, nobody is.
    assert!(planned(&world, &whole, &BTreeSet::new()).refused.is_some());
    let own = BTreeMap::from([(member("analyst"), "ACME.CONSUMER".to_owned())]);
    let mut fresh = World::default();
    converge_of(&mut fresh, &scope, &whole, &own);
    let waits =
        |said: &BTreeSet<String>| plan(&whole, &look(&fresh, &scope, &own), said).unwrap().waiting;
    assert!(waits(&BTreeSet::new()).is_empty() && !waits(&presets()).is_empty());
}

/// As far as these members get.
fn converge_of(
    world: &mut World,
    scope: &Scope,
    desired: &Desired,
    operated: &BTreeMap<MemberId, String>,
) {
    for _ in 0..PASSES {
        let made = planned(desired, &look(world, scope, operated));
        for step in &made.steps {
            let _refused = world.apply(step);
        }
        world.settle();
    }
}

#[test]
fn whoever_left_and_is_operated_by_nobody_is_asked_to_be_let_out() {
    let (world, scope, whole) = opened(&agreement("suite-edit", 1));
    let own = BTreeMap::from([(member("analyst"), "ACME.CONSUMER".to_owned())]);
    let mut without = whole.clone();
    without.members.remove(&member("provider"));
    let made = planned(&without, &look(&world, &scope, &own));
    let edit = made.steps.iter().find(|step| step.call["operation"] == "Edit").unwrap();
    assert_eq!(edit.effect, Effect::Revoke);
    let spec = edit.call["spec"].as_str().unwrap();
    assert!(spec.contains("ACME.CONSUMER") && !spec.contains("\"provider\""), "{spec}");
    assert!(
        !spec.contains("overlap"),
        "a text that it registers is refused with all of it: {spec}"
    );
    let data = made.waiting.iter().find(|one| one.act.contains("UNLINK_DATA_OFFERING(")).unwrap();
    assert_eq!(data.member, member("provider"), "it cuts its own data, and nobody else does");
    let leaves = made.waiting.iter().find(|one| one.act.contains("LEAVE(")).unwrap();
    assert_eq!(leaves.member, member("provider"), "nobody leaves for another");
}

#[test]
fn an_edit_that_is_lost_or_refused_is_asked_for_again_and_not_for_ever() {
    let (mut world, scope, whole) = opened(&agreement("suite-again", 1));
    let own = BTreeMap::from([(member("analyst"), "ACME.CONSUMER".to_owned())]);
    let mut without = whole.clone();
    without.members.remove(&member("provider"));
    let asks = |world: &World| {
        let made = planned(&without, &look(world, &scope, &own));
        let edit = made.steps.iter().find(|step| step.call["operation"] == "Edit").cloned();
        (edit, made)
    };
    // What the platform never heard of is asked for as if for the first time.
    assert!(asks(&world).0.is_some() && asks(&world).0.is_some());
    for ended in [Status::Rejected, Status::Failed, Status::Rejected] {
        let (edit, _) = asks(&world);
        world.apply(&edit.expect("it is asked for again")).unwrap();
        let (again, made) = asks(&world);
        assert!(again.is_none(), "one is open");
        assert!(!made.is_settled(), "it is waited for");
        for (request, _) in world.rooms.values_mut().flat_map(|room| &mut room.requests) {
            if request.asks == Asks::Edit && request.status == Status::Others {
                request.status = ended;
            }
        }
    }
    let (edit, made) = asks(&world);
    assert!(edit.is_none(), "enough were refused");
    let told = made.waiting.iter().find(|one| one.what.contains("too often")).unwrap();
    assert_eq!(told.member, member("analyst"));
    // What was through and took nobody out is no reason to go on for ever either.
    for (request, _) in world.rooms.values_mut().flat_map(|room| &mut room.requests) {
        if request.asks == Asks::Edit {
            request.status = Status::Done;
        }
    }
    assert!(asks(&world).0.is_none());
}

#[test]
fn old_specs_are_taken_back_once_nothing_needs_them_and_never_one_that_is_linked() {
    let (mut world, scope, whole) = opened(&agreement("suite-old", 1));
    let wanted = crate::collaboration::wanted::wanted(&whole);
    let (offering, said) = (&wanted.offerings[&"orders".parse().unwrap()], &wanted.rooms);
    let said = said.values().next().unwrap().templates.values().next().unwrap();
    let old = |id: &str, n: usize| format!("{}_h{n:016x}", id.rsplit_once('_').unwrap().0);
    let text = "{\"spec_type\": \"other\"}".to_owned();
    for n in 0..20 {
        let offerings = world.offerings.get_mut("ACME.PROVIDER").unwrap();
        offerings.insert(old(&offering.id, n), text.clone());
        let templates = world.templates.get_mut("ACME.PROVIDER").unwrap();
        templates.insert(old(&said.id, n), text.clone());
    }
    let done = converge(&mut world, &scope, &whole);
    let count = |word: &str| done.iter().filter(|one| one.ends_with(word)).count();
    assert_eq!((count("UnregisterOffering"), count("UnregisterTemplate")), (4, 4), "{done:?}");
    let left = &world.offerings["ACME.PROVIDER"];
    assert!(left.contains_key(&offering.id), "{left:?}");
    assert_eq!(kinds(&look(&world, &scope, &members())), wanted_kinds(&whole));
    // What the platform keeps is not asked for for ever.
    for n in 20..30 {
        let offerings = world.offerings.get_mut("ACME.PROVIDER").unwrap();
        offerings.insert(old(&offering.id, n), "{}".to_owned());
    }
    let mut native = world.seen(&members());
    let provider = native.accounts.get_mut(&member("provider")).unwrap();
    provider.kept = provider.offerings.keys().cloned().collect();
    let mut seen = look(&world, &scope, &members());
    seen.native = serde_json::json!(native);
    assert!(planned(&whole, &seen).is_settled());
}

#[test]
fn a_text_that_an_owner_withdrew_goes_and_another_stays_as_it_was() {
    let (mut world, scope, whole) = opened(&agreement("suite-text", 1));
    let mut less = whole.clone();
    let name = less.approvals.keys().next().cloned().unwrap();
    less.approvals.get_mut(&name).unwrap().remove(&member("analyst"));
    let done = converge(&mut world, &scope, &less);
    assert!(done.contains(&"provider RemoveTemplate".to_owned()), "{done:?}");
    let seen = look(&world, &scope, &members());
    assert!(!kinds(&seen).contains(&ResourceKind::Template(name)));
    assert!(world.open().is_empty());
    converge(&mut world, &scope, &whole);
    assert_eq!(kinds(&look(&world, &scope, &members())), wanted_kinds(&whole));
}

#[test]
fn data_is_cut_from_a_text_that_nobody_here_can_take_out() {
    let (mut world, scope, whole) = opened(&agreement("suite-foreign", 1));
    // Somebody listed a text of its own in the runner's list.
    for room in world.rooms.values_mut() {
        for runner in room.spec.runners.values_mut() {
            runner.templates.insert("theirs_v1".to_owned());
        }
    }
    let seen = look(&world, &scope, &members());
    assert!(seen.notes.iter().any(|note| note.at == "template"));
    let made = planned(&whole, &seen);
    let taken = words(&made);
    assert_eq!(taken.iter().filter(|word| word.ends_with("Unlink")).count(), 2, "{taken:?}");
    for step in &made.steps {
        world.apply(step).unwrap();
    }
    world.settle();
    let made = planned(&whole, &look(&world, &scope, &members()));
    assert!(!made.steps.iter().any(|step| step.effect == Effect::Grant), "{:?}", words(&made));
    assert!(world.open().is_empty());
}

#[test]
fn another_wording_under_an_agreed_id_is_taken_out_and_nothing_linked_for_it() {
    let (mut world, scope, whole) = opened(&agreement("suite-wording", 1));
    for text in world.templates.values_mut().flat_map(BTreeMap::values_mut) {
        *text = text.replace(">= 11", ">= 1");
    }
    for runner in world.rooms.values_mut().flat_map(|room| room.spec.runners.values_mut()) {
        runner.providers.get_mut("analyst").unwrap().clear();
    }
    let made = planned(&whole, &look(&world, &scope, &members()));
    let all = words(&made);
    assert!(all.contains(&"provider RemoveTemplate".to_owned()), "{all:?}");
    assert!(!all.iter().any(|word| word.ends_with(" Link")), "{all:?}");
    // Where it is not shown it is not another one.
    let mut native = world.seen(&members());
    for room in native.accounts.values_mut().flat_map(|account| account.rooms.values_mut()) {
        room.texts.clear();
    }
    let mut seen = look(&world, &scope, &members());
    seen.native = serde_json::json!(native);
    let all = words(&planned(&whole, &seen));
    assert!(!all.contains(&"provider RemoveTemplate".to_owned()), "{all:?}");
    assert!(!all.iter().any(|word| word.ends_with(" Link")), "{all:?}");
}

#[test]
fn nothing_is_given_in_a_collaboration_that_somebody_changed() {
    let (mut world, scope, whole) = opened(&agreement("suite-changed", 1));
    for room in world.rooms.values_mut() {
        room.spec.aliases.insert("stranger".to_owned(), "ACME.FAR".to_owned());
    }
    let made = planned(&whole, &look(&world, &scope, &members()));
    assert!(made.steps.iter().all(|step| step.effect.takes_away()), "{:?}", words(&made));
    let cut = words(&made).iter().filter(|word| word.ends_with("Unlink")).count();
    assert_eq!(cut, 2, "{:?}", words(&made));
    for step in &made.steps {
        world.apply(step).unwrap();
    }
    world.settle();
    let made = planned(&whole, &look(&world, &scope, &members()));
    assert!(made.steps.iter().all(|step| step.effect.takes_away()), "{:?}", words(&made));
    assert!(world.open().is_empty());
}

#[test]
fn what_stands_in_the_way_of_giving_keeps_all_of_it() {
    let agreement = agreement("suite-way", 1);
    let (world, scope) = (World::default(), Scope::of(&agreement));
    let mut native = world.seen(&members());
    let provider = native.accounts.get_mut(&member("provider")).unwrap();
    provider.strangers = BTreeSet::from(["airlock_x".to_owned()]);
    let mut seen = look(&world, &scope, &members());
    seen.native = serde_json::json!(native);
    let made = plan(&Desired::whole(agreement), &seen, &presets()).unwrap();
    assert!(made.refused.is_some() && made.steps.is_empty(), "{:?}", words(&made));
}

#[test]
fn a_view_that_its_owner_dropped_is_a_withdrawal_and_not_made_again_unasked() {
    let (mut world, scope, whole) = opened(&agreement("suite-view", 1));
    world.views.get_mut("ACME.PROVIDER").unwrap().clear();
    let seen = look(&world, &scope, &members());
    let orders = "orders".parse().unwrap();
    assert!(!seen.offered.as_ref().unwrap().contains(&orders));
    let made = planned(&whole, &seen);
    let again = made.steps.iter().find(|step| step.call["operation"] == "CreateView").unwrap();
    assert_eq!(again.effect, Effect::Grant, "it opens what is linked over it");
}

#[test]
fn whoever_is_unlinked_by_hand_in_one_place_offers_no_more() {
    let (mut world, scope, _) = opened(&agreement("suite-hand", 1));
    for room in world.rooms.values_mut() {
        for runner in room.spec.runners.values_mut() {
            runner.providers.get_mut("provider").unwrap().clear();
        }
    }
    let seen = look(&world, &scope, &members());
    assert_eq!(seen.offered, Some(BTreeSet::from(["people".parse().unwrap()])));
    assert!(!kinds(&seen).contains(&ResourceKind::Dataset("orders".parse().unwrap())));
}

#[test]
fn strangers_and_misfits_stand_in_the_way_of_giving_alone() {
    let (world, scope, whole) = opened(&agreement("suite-stranger", 1));
    let with = |change: &dyn Fn(&mut Account)| {
        let mut seen = look(&world, &scope, &members());
        let mut native = world.seen(&members());
        change(native.accounts.get_mut(&member("provider")).unwrap());
        seen.native = serde_json::json!(native);
        let closed =
            plan(&Desired::closed(Arc::clone(&whole.agreement)), &seen, &presets()).unwrap();
        assert!(!closed.steps.is_empty());
        plan(&whole, &seen, &presets()).unwrap().refused.map(|refused| refused.code)
    };
    let code = |text: &str| Some(text.to_owned());
    assert_eq!(with(&|_| ()), None);
    assert_eq!(with(&|one| one.strangers = BTreeSet::from(["x".to_owned()])), code("name-taken"));
    assert_eq!(with(&|one| one.region = "AWS_EU_CENTRAL_1".to_owned()), code("account-elsewhere"));
    let orders = || "orders".parse().unwrap();
    assert_eq!(with(&|one| drop(one.tables.insert(orders(), None))), code("table-missing"));
    assert_eq!(
        with(&|one| drop(one.tables.insert(orders(), Some(BTreeMap::new())))),
        code("column-misfit")
    );
}

/// What is done to a room.
#[derive(Debug, Clone)]
enum Act {
    Pass(usize),
    Tick(bool),
    Wish(u8),
}

fn wish(whole: &Desired, number: u8) -> Desired {
    let mut desired = whole.clone();
    match number {
        0 => {}
        1 => return Desired::closed(Arc::clone(&whole.agreement)),
        2 => {
            desired.datasets.remove(&"orders".parse().unwrap());
        }
        3 => desired.approvals.clear(),
        4 => {
            desired.datasets.remove(&"people".parse().unwrap());
        }
        _ => {
            desired.hidden.insert(("orders".parse().unwrap(), "measured".parse().unwrap()));
        }
    }
    desired
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (1_usize..6).prop_map(Act::Pass),
        4 => (0..10_u8).prop_map(|n| Act::Tick(n == 0)),
        1 => (0..6_u8).prop_map(Act::Wish),
    ];
    prop::collection::vec(act, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_half_done_closes_and_opens_again(acts in acts()) {
        let agreement = agreement("suite-any", 1);
        let (mut world, scope) = (World::default(), Scope::of(&agreement));
        let whole = Desired::whole(Arc::clone(&agreement));
        let mut desired = whole.clone();
        for act in acts {
            match act {
                Act::Tick(fails) => world.tick(fails),
                Act::Wish(number) => desired = wish(&whole, number),
                Act::Pass(most) => {
                    let made = planned(&desired, &look(&world, &scope, &members()));
                    if !desired.open {
                        prop_assert!(made.steps.iter().all(|step| step.effect.takes_away()), "{:?}", words(&made));
                    }
                    for step in made.steps.iter().take(most) {
                        let _refused = world.apply(step);
                    }
                }
            }
        }
        world.settle();
        let closed = Desired::closed(Arc::clone(&agreement));
        converge(&mut world, &scope, &closed);
        prop_assert!(world.open().is_empty());
        let seen = look(&world, &scope, &members());
        prop_assert!(seen.resources.is_empty());
    }
}
