//! Each step says what of the agreement it is about, and no more.

use super::*;
use ResourceKind::{Approval, Dataset, Member as In, Template as Of};

fn overlap() -> mappings::model::TemplateName {
    "overlap".parse().unwrap()
}

/// What a dataset's rule is about when it opens or closes for the template.
fn rule(dataset: &str, owner: &str) -> BTreeSet<ResourceKind> {
    let dataset = Dataset(dataset.parse().unwrap());
    [dataset, Of(overlap()), Approval(overlap(), member(owner))].into()
}

fn expected(step: &Step) -> BTreeSet<ResourceKind> {
    let by = by(step);
    let dataset = if by.as_str() == "provider" { "orders" } else { "people" };
    let own: BTreeSet<ResourceKind> = [Dataset(dataset.parse().unwrap())].into();
    let allows = step.call["rule"]["analyses"].as_array().is_some_and(|all| !all.is_empty());
    match step.call["operation"].as_str().unwrap() {
        "CreateCollaboration" | "DeleteCollaboration" => {
            [In(member("analyst")), In(member("provider"))].into()
        }
        "CreateMembership" | "DeleteMembership" => [In(by)].into(),
        "CreateAnalysisTemplate" | "DeleteAnalysisTemplate" => [Of(overlap())].into(),
        "UpdateConfiguredTableAnalysisRule" if allows => rule(dataset, by.as_str()),
        "DeleteConfiguredTableAnalysisRule" => rule(dataset, by.as_str()),
        _ => own,
    }
}

#[test]
fn every_step_of_a_life_says_what_it_is_about() {
    let (mut world, desired) = (World::new(), Desired::whole(agreement()));
    let closed = Desired::closed(Arc::clone(&desired.agreement));
    for (goal, least) in [(&desired, 15), (&closed, 12)] {
        let mut steps = Vec::new();
        for _ in 0..30 {
            let plan = world.plan(goal).unwrap();
            for step in plan.steps {
                assert_eq!(step.touches, expected(&step), "{}", step.call);
                world.step(&step);
                steps.push(step);
            }
        }
        assert!(steps.len() >= least, "{}", steps.len());
    }
}

#[test]
fn a_withdrawn_approval_touches_that_template_alone() {
    let (world, mut desired) = settled();
    desired.approvals.values_mut().next().unwrap().remove(&member("provider"));
    let steps = world.plan(&desired).unwrap().steps;
    let touched: Vec<_> = steps.iter().map(|step| step.touches.clone()).collect();
    assert_eq!(touched, [rule("orders", "provider")]);
}

/// The things that steps take away, by operation.
fn taken(steps: &[Step]) -> Vec<(&str, String, Digest)> {
    let kind = |step: &Step| step.resource.kind.to_string();
    let of = |step: &Step| (kind(step), step.resource.digest);
    let called = |step: &Step| step.call["operation"].as_str().unwrap().to_owned();
    let short = |name: String| if name.starts_with("Update") { "rule" } else { "template" };
    let taking = steps.iter().filter(|step| step.effect.takes_away());
    taking.map(|step| (short(called(step)), of(step).0, of(step).1)).collect()
}

#[test]
fn a_step_that_removes_a_version_names_the_version_that_is_there() {
    let (mut world, old) = settled();
    let text = serde_json::to_string(&*old.agreement).unwrap().replace("persons", "humans");
    let new = Desired::whole(Arc::new(serde_json::from_str(&text).unwrap()));
    let version = |desired: &Desired| desired.agreement.templates[&overlap()].digest(&overlap());
    assert_ne!(version(&old), version(&new));
    let plan = world.plan_after(&[&old], &new).unwrap();
    let gone = |what| (what, "template overlap".to_owned(), version(&old));
    let template = gone("template");
    assert_eq!(taken(&plan.steps), [template, gone("rule"), gone("rule")]);
    for step in plan.steps.iter().filter(|step| step.effect.takes_away()) {
        world.step(step);
    }
    world.settle(&new);
    assert!(world.is_open());
    let mut none = new.clone();
    none.approvals.values_mut().next().unwrap().remove(&member("provider"));
    let steps = world.plan_after(&[&old], &none).unwrap().steps;
    let approval = "approval of overlap by provider".to_owned();
    assert_eq!(taken(&steps), [("rule", approval, version(&new))], "its owner's part alone");
}

#[test]
fn versions_leave_a_rule_one_by_one_and_none_comes_back() {
    let (mut world, old) = settled();
    let text = serde_json::to_string(&*old.agreement).unwrap().replace("persons", "humans");
    let new = Desired::whole(Arc::new(serde_json::from_str(&text).unwrap()));
    let provider = world.account(&member("provider"));
    let rule = provider.tables.values_mut().next().unwrap().rule.as_mut().unwrap();
    rule.analyses.insert("arn:other".to_owned());
    let steps = world.plan_after(&[&old], &new).unwrap().steps;
    let rules: Vec<&Step> = steps
        .iter()
        .filter(|step| step.call["operation"] == "UpdateConfiguredTableAnalysisRule")
        .filter(|step| by(step) == member("provider"))
        .collect();
    let left: Vec<usize> =
        rules.iter().map(|step| step.call["rule"]["analyses"].as_array().unwrap().len()).collect();
    assert_eq!(left, [1, 0]);
    let first: Rule = serde_json::from_value(rules[0].call["rule"].clone()).unwrap();
    assert_eq!(rules[1].call["was"], serde_json::json!(crate::call::version(&first)));
}

#[test]
fn what_no_agreement_has_a_name_for_is_about_the_member_in_whose_account_it_is() {
    let (mut world, desired) = settled();
    let analyst = world.account(&member("analyst"));
    let own = analyst.rooms.values_mut().next().unwrap().membership.as_mut().unwrap();
    own.templates.insert("by-hand-00000000".to_owned(), "by-hand".to_owned());
    let steps = world.plan(&desired).unwrap().steps;
    let touched: Vec<_> = steps.iter().map(|step| step.touches.clone()).collect();
    assert_eq!(touched, [BTreeSet::from([In(member("analyst"))])]);
    let (mut world, desired) = settled();
    let provider = world.account(&member("provider"));
    let table = provider.tables.values().next().unwrap().clone();
    let table = seen::Table { id: "by-hand".to_owned(), ..table };
    provider.tables.insert("airlock.suite-plan.nothing".to_owned(), table);
    let steps = world.plan(&desired).unwrap().steps;
    let touched: Vec<_> = steps.iter().map(|step| step.touches.clone()).collect();
    assert_eq!(touched, [BTreeSet::from([In(member("provider"))])]);
}

#[test]
fn an_unknown_analysis_in_a_rule_is_about_the_dataset() {
    let (mut world, desired) = settled();
    let provider = world.account(&member("provider"));
    let rule = provider.tables.values_mut().next().unwrap().rule.as_mut().unwrap();
    rule.analyses.insert("arn:other".to_owned());
    let steps = world.plan(&desired).unwrap().steps;
    let touched: Vec<_> = steps.iter().map(|step| step.touches.clone()).collect();
    assert_eq!(touched, [BTreeSet::from([Dataset(orders())])]);
}

#[test]
fn any_query_in_a_rule_is_about_each_template_that_reads_the_dataset() {
    let (mut world, desired) = settled();
    let provider = world.account(&member("provider"));
    let open = provider.tables.values_mut().next().unwrap().rule.as_mut().unwrap();
    (open.analyses, open.foreign) = (BTreeSet::from(["ANY_QUERY".to_owned()]), true);
    let steps = world.plan(&desired).unwrap().steps;
    let touched: Vec<_> = steps.iter().map(|step| step.touches.clone()).collect();
    let mut all = rule("orders", "provider");
    all.insert(In(member("provider")));
    assert_eq!(touched, [all]);
}

#[test]
fn a_stranger_who_is_put_out_is_about_who_puts_it_out() {
    let (mut world, desired) = settled();
    for account in world.seen.accounts.values_mut() {
        for room in account.rooms.values_mut() {
            let stranger =
                Member { status: "ACTIVE".to_owned(), queries: false, receives: true, pays: None };
            room.members.insert("999999999999".to_owned(), stranger);
        }
    }
    let steps = world.plan(&desired).unwrap().steps;
    let out = steps.iter().find(|step| step.call["operation"] == "DeleteMember").unwrap();
    assert_eq!(out.touches, BTreeSet::from([In(member("analyst"))]));
}

/// The runner, whom nobody here operates, ended the collaboration: what is left in it is taken down, and said to be that.
#[test]
fn what_is_left_in_a_collaboration_that_another_ended_is_taken_down_as_an_own_act() {
    let (mut world, mut desired) = settled();
    world.seen.accounts.remove(&member("analyst"));
    for room in world.account(&member("provider")).rooms.values_mut() {
        (room.schemas, room.templates) = (BTreeMap::new(), BTreeMap::new());
        room.members.clear();
        room.membership.as_mut().unwrap().status = "COLLABORATION_DELETED".to_owned();
    }
    let own: BTreeSet<ResourceKind> =
        [Dataset(orders()), Approval(overlap(), member("provider"))].into();
    let narrowed = world.plan(&desired).unwrap().steps;
    assert!(!narrowed.is_empty());
    assert!(narrowed.iter().all(|step| step.touches == own), "before it is on record");
    desired.members.remove(&member("analyst"));
    let mut steps = Vec::new();
    for _ in 0..8 {
        for step in world.plan(&desired).unwrap().steps {
            assert!(step.effect.takes_away(), "{}", step.call);
            world.step(&step);
            steps.push(step);
        }
        for room in world.account(&member("provider")).rooms.values_mut() {
            room.schemas.clear();
        }
    }
    assert_eq!(steps[0].touches, own);
    let membership = BTreeSet::from([In(member("provider"))]);
    assert_eq!(steps.iter().filter(|step| step.touches == membership).count(), 1);
    let left = &world.seen.accounts[&member("provider")];
    assert!(left.rooms.is_empty() && left.tables.is_empty(), "{left:?}");
}
