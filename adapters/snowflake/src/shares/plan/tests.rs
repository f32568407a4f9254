//! Plans over a platform that does what statements say and nothing else: from anywhere to anything, killed anywhere.

use super::plan;
use crate::connection::{Connection, Connections};
use crate::names;
use crate::reach::Seat;
use crate::shares::call::{AT, Call, Guarded, Privilege, PutView, Shown};
use crate::shares::held::holding;
use crate::shares::mark::{Comment, Mark};
use crate::shares::seen::{Account, Beside, Schema, Seen, Share, View, inbound};
use crate::shares::wanted::wanted;
use adapter_spi::{Coverage, Desired, Effect, Observation, Plan, ResourceKind, Scope, Step};
use mappings::model::{Agreement, MemberId, PlatformId};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const PASSES_MAX: usize = 8;

fn agreement(seed: u8) -> Arc<Agreement> {
    let document = adapter_spi::suite::agreement(&PlatformId::snowflake(), "spring", seed);
    Arc::new(serde_json::from_value(document).unwrap())
}

fn connections() -> Connections {
    let members =
        ["provider", "analyst"].map(|name| (name.parse().unwrap(), Connection::default()));
    Connections { members: members.into(), ..Connections::default() }
}

/// The platform, as it is seen.
struct Platform {
    seen: Seen,
}

fn account(name: &str) -> Account {
    Account {
        identifier: name.to_owned(),
        region: "AWS_US_EAST_1".to_owned(),
        database: "AIRLOCK".to_owned(),
        has_database: true,
        ..Account::default()
    }
}

impl Platform {
    fn new() -> Self {
        let accounts = [("provider", "ACME.PROVIDER"), ("analyst", "ACME.CONSUMER")];
        let accounts = accounts.map(|(member, name)| (member.parse().unwrap(), account(name)));
        Self { seen: Seen { accounts: accounts.into(), ..Seen::default() } }
    }

    fn observation(&self, scope: &Scope) -> Observation {
        let holding = holding(scope, &self.seen);
        Observation {
            coverage: Coverage::Complete,
            offered: Some(holding.offered),
            native: serde_json::json!(self.seen),
            ..Observation::whole(scope, 0, holding.resources.into_iter().collect())
        }
    }

    fn plan(&self, desired: &Desired, scope: &Scope) -> Plan {
        plan(desired, &self.observation(scope), &connections()).unwrap()
    }

    fn held(&self, scope: &Scope) -> BTreeSet<ResourceKind> {
        let resources = self.observation(scope).resources;
        resources.into_iter().map(|resource| resource.kind).collect()
    }

    fn act(&mut self, step: &Step) -> bool {
        let mut call = step.call.clone();
        let at: Seat = serde_json::from_value(call[AT].clone()).unwrap();
        call.as_object_mut().unwrap().remove(AT);
        let call: Call = serde_json::from_value(call).unwrap();
        assert!(call.sql().as_text().is_ok());
        let done = self.done(&at.member, call);
        self.see();
        done
    }

    /// Whether it could be done.
    #[expect(clippy::too_many_lines, reason = "one arm a statement")]
    fn done(&mut self, member: &MemberId, call: Call) -> bool {
        let offered = self.offered();
        let account = self.seen.accounts.get_mut(member).unwrap();
        match call {
            Call::CreateSchema { path, mark } => {
                let (views, policies) = (BTreeMap::new(), BTreeMap::new());
                let made = Schema { mark: mark.into(), views, policies };
                let _there = schema(account, &path[1]).get_or_insert(made);
            }
            Call::MarkSchema { path, mark, .. } => {
                let Some(schema) = schema(account, &path[1]) else { return false };
                schema.mark = mark.into();
            }
            Call::DropSchema { path } => {
                *schema(account, &path[1]) = None;
                forget(account, |on| on.len() > 1 && on[1] == path[1]);
            }
            Call::CreatePolicy { schema: path, entities_min }
            | Call::SetPolicyBody { schema: path, entities_min } => {
                let Some(schema) = schema(account, &path[1]) else { return false };
                schema.policies.insert(names::minimum(entities_min), true);
            }
            Call::PutView(view) => return put(account, &view),
            Call::SetPolicy { path, guarded } => {
                let view = schema(account, &path[1]).as_mut();
                let Some(view) = view.and_then(|one| one.views.get_mut(&path[2])) else {
                    return false;
                };
                view.guarded = Some(guarded);
            }
            Call::DropView { path } => {
                if let Some(schema) = schema(account, &path[1]) {
                    schema.views.remove(&path[2]);
                }
                forget(account, |on| on == path);
            }
            Call::CreateShare { share, mark } => {
                let (to, grants, unknown) = Default::default();
                let made = Share { mark: mark.into(), to, grants, unknown };
                account.shares.entry(share).or_insert(made);
            }
            Call::GrantToShare { share, grant, .. } => {
                let there = grant.on.len() < 3 || has_view(account, &grant.on);
                let Some(share) = account.shares.get_mut(&share).filter(|_| there) else {
                    return false;
                };
                share.grants.insert(grant);
            }
            Call::RevokeFromShare { share, grant } => {
                account
                    .shares
                    .entry(share)
                    .and_modify(|one| one.grants.retain(|own| *own != grant));
            }
            Call::AddAccount { share, account: to, grants, view } => {
                let mut reads = grants.iter().filter(|grant| grant.privilege == Privilege::Select);
                let shows = reads.next().is_some_and(|grant| is_shown(account, &grant.on, &view));
                let share = account.shares.get_mut(&share);
                let share = share.filter(|one| shows && one.grants == grants);
                let Some(share) = share else { return false };
                share.to.insert(to);
            }
            Call::RemoveAccounts { share, accounts } => {
                account
                    .shares
                    .entry(share)
                    .and_modify(|one| one.to.retain(|to| !accounts.contains(to)));
            }
            Call::DropShare { share } => drop(account.shares.remove(&share)),
            Call::Mount { database, provider, share } => {
                let from = inbound(&provider, &share);
                if !offered.contains(&(account.identifier.clone(), from.clone())) {
                    return false;
                }
                account.mounts.insert(database.clone());
                account.inbound.insert(from, Some(database));
            }
            Call::DropMount { database } => {
                account.mounts.remove(&database);
                for mounted in account.inbound.values_mut() {
                    mounted.take_if(|mounted| *mounted == database);
                }
            }
        }
        true
    }

    /// Whom each share lets in.
    fn offered(&self) -> BTreeSet<(String, String)> {
        let all = self.seen.accounts.values().flat_map(|account| {
            account.shares.iter().flat_map(move |(name, share)| {
                let from = inbound(&account.identifier, name);
                share.to.iter().map(move |to| (to.clone(), from.clone()))
            })
        });
        all.collect()
    }

    /// What comes in follows from what goes out.
    fn see(&mut self) {
        let offered = self.offered();
        for account in self.seen.accounts.values_mut() {
            let own = account.identifier.clone();
            account.inbound.retain(|from, _| offered.contains(&(own.clone(), from.clone())));
            for (_, from) in offered.iter().filter(|(to, _)| *to == own) {
                account.inbound.entry(from.clone()).or_insert(None);
            }
        }
    }
}

fn schema<'a>(account: &'a mut Account, name: &str) -> &'a mut Option<Schema> {
    if name.ends_with("$RUNS") { &mut account.runs } else { &mut account.offers }
}

fn forget(account: &mut Account, of: impl Fn(&[String]) -> bool) {
    for share in account.shares.values_mut() {
        share.grants.retain(|grant| !of(&grant.on));
    }
}

fn has_view(account: &mut Account, on: &[String]) -> bool {
    schema(account, &on[1]).as_ref().is_some_and(|one| one.views.contains_key(&on[2]))
}

fn is_shown(account: &mut Account, on: &[String], shown: &Shown) -> bool {
    let schema = schema(account, &on[1]).as_ref();
    schema.and_then(|schema| schema.views.get(&on[2])).is_some_and(|view| view.text == shown.text)
}

fn put(account: &mut Account, view: &PutView) -> bool {
    let made = View {
        mark: Mark::whose(&view.comment).unwrap().without_terms().into(),
        text: view.text().unwrap(),
        secure: true,
        guarded: view.guarded.clone(),
    };
    let Some(schema) = schema(account, &view.path[1]) else { return false };
    let has =
        |guarded: &Guarded| schema.policies.contains_key(&names::minimum(guarded.entities_min));
    if !view.guarded.iter().all(has) {
        return false;
    }
    schema.views.insert(view.path[2].clone(), made);
    true
}

/// At most so many steps of each pass, until nothing is left to do.
fn settle(platform: &mut Platform, desired: &Desired, scope: &Scope, stride: usize) {
    for _ in 0..PASSES_MAX * 20 {
        let plan = platform.plan(desired, scope);
        assert_eq!(plan.refused, None);
        if plan.is_settled() {
            return;
        }
        let mut steps = plan.steps.iter().take(stride);
        let _ = steps.all(|step| platform.act(step));
    }
    panic!("no fixed point: {:#?}", platform.plan(desired, scope));
}

fn desired(parts: &Parts, seed: u8) -> Desired {
    let mut desired = Desired::whole(agreement(seed));
    desired.open = parts.open;
    let mut left = |name: &str, stays: bool| {
        if !stays {
            desired.members.remove(&name.parse().unwrap());
        }
    };
    left("provider", parts.provider);
    left("analyst", parts.analyst);
    for (name, stays) in [("orders", parts.orders), ("people", parts.people)] {
        if !stays {
            desired.datasets.remove(&name.parse().unwrap());
        }
    }
    for (name, hidden) in [("orders", parts.hides_orders), ("people", parts.hides_people)] {
        if hidden {
            desired.hidden.insert((name.parse().unwrap(), "measured".parse().unwrap()));
        }
    }
    match parts.approved {
        0 => desired.approvals.clear(),
        1 => desired
            .approvals
            .values_mut()
            .for_each(|of| of.retain(|one| one.as_str() != "provider")),
        _ => {}
    }
    desired
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each part of what can be withdrawn, by itself")]
struct Parts {
    open: bool,
    provider: bool,
    analyst: bool,
    orders: bool,
    people: bool,
    hides_orders: bool,
    hides_people: bool,
    approved: u8,
}

prop_compose! {
    fn parts()(
        open in prop::bool::weighted(0.9), provider in prop::bool::weighted(0.9), analyst in prop::bool::weighted(0.9),
        orders in prop::bool::weighted(0.8), people in prop::bool::weighted(0.8),
        hides_orders in prop::bool::weighted(0.3), hides_people in prop::bool::weighted(0.2), approved in 0..4_u8,
    ) -> Parts {
        Parts { open, provider, analyst, orders, people, hides_orders, hides_people, approved }
    }
}

/// Whether a step is none that is never made: whoever is in stays in, and no policy leaves a view before another is on it.
fn is_gentle(step: &Step) -> bool {
    let mut call = step.call.clone();
    call.as_object_mut().unwrap().remove(AT);
    let call: Call = serde_json::from_value(call).unwrap();
    let said = call.sql().as_text().unwrap().to_owned();
    !said.contains("SET ACCOUNTS")
        && !said.contains("REPLACE SHARE")
        && !said.contains("UNSET")
        && (!said.contains("REPLACE SECURE VIEW") || said.contains(" COPY GRANTS "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// From one wish to another and on to a third, killed after so many steps of each pass.
    #[test]
    fn every_wish_is_reached_and_what_closes_comes_first(
        wishes in prop::collection::vec((parts(), 1..3_u8), 1..4), stride in 1..9_usize, torn in 0..6_usize,
    ) {
        let mut platform = Platform::new();
        let mut past = Vec::new();
        for (parts, seed) in &wishes {
            let desired = desired(parts, *seed);
            let scope = Scope { past: past.clone(), ..Scope::of(&desired.agreement) };
            let plan = platform.plan(&desired, &scope);
            prop_assert!(plan.steps.is_sorted_by_key(|step| step.effect));
            prop_assert!(plan.steps.iter().all(is_gentle));
            for step in plan.steps.iter().take(torn) {
                platform.act(step);
            }
            // What takes away is enough by itself: nothing is open then that is not wanted.
            let plan = platform.plan(&desired, &scope);
            for step in plan.steps.iter().filter(|step| step.effect.takes_away()) {
                platform.act(step);
            }
            let room = wanted(&desired);
            let allowed: BTreeSet<ResourceKind> = room.offers.values().filter(|offer| offer.given)
                .map(|offer| ResourceKind::Dataset(offer.dataset.clone()))
                .chain(room.runners.values().flat_map(|one| one.templates.keys().cloned().map(ResourceKind::Template)))
                .collect();
            let open = platform.held(&scope);
            prop_assert!(open.is_subset(&allowed), "{open:?} beyond {allowed:?}");
            let terms = platform.observation(&scope).resources;
            let agreed = Desired::whole(Arc::clone(&desired.agreement)).resources();
            prop_assert!(terms.iter().all(|one| agreed.contains(one)), "none in another version");
            settle(&mut platform, &desired, &scope, stride);
            prop_assert_eq!(platform.held(&scope), allowed);
            past.push(Arc::clone(&desired.agreement));
        }
        let agreement = past.pop().unwrap();
        let scope = Scope { past, ..Scope::of(&agreement) };
        settle(&mut platform, &Desired::closed(agreement), &scope, stride);
        for account in platform.seen.accounts.values() {
            let left = account.shares.len() + account.mounts.len() + account.inbound.len();
            prop_assert_eq!((left, &account.offers, &account.runs), (0, &None, &None), "nothing is left");
        }
    }

    /// Whatever a look finds lying about, closing closes it.
    #[test]
    fn strange_grants_and_accounts_leave(
        to in prop::collection::btree_set("ACME\\.[A-Z]{1,4}", 0..3), select in any::<bool>(), marked in any::<bool>(),
    ) {
        let mut platform = Platform::new();
        let (whole, scope) = (Desired::whole(agreement(1)), Scope::of(&agreement(1)));
        settle(&mut platform, &whole, &scope, 99);
        let provider = platform.seen.accounts.get_mut(&"provider".parse().unwrap()).unwrap();
        let share = provider.shares.values_mut().next().unwrap();
        share.to.extend(to);
        if select {
            let mut stray = share.grants.iter().find(|one| one.privilege == Privilege::Select).unwrap().clone();
            "ANYTHING".clone_into(stray.on.last_mut().unwrap());
            share.grants.insert(stray);
        }
        if !marked {
            share.mark = Comment::Other;
        }
        platform.see();
        let closed = Desired::closed(agreement(1));
        let plan = platform.plan(&closed, &scope);
        for step in &plan.steps {
            platform.act(step);
        }
        prop_assert!(platform.held(&scope).is_empty());
        let open = platform.seen.accounts.values().flat_map(|one| one.shares.values());
        prop_assert!(open.into_iter().all(|share| share.to.is_empty()));
    }
}

#[test]
fn an_owner_whom_nobody_here_operates_is_told_what_to_run() {
    let (whole, scope) = (Desired::whole(agreement(1)), Scope::of(&agreement(1)));
    let mut platform = Platform::new();
    platform.seen.accounts.remove(&"provider".parse().unwrap());
    let mut own = connections();
    own.members.remove(&"provider".parse().unwrap());
    let plan = plan(&whole, &platform.observation(&scope), &own).unwrap();
    let [waits] = plan.waiting.as_slice() else { panic!("{:?}", plan.waiting) };
    assert_eq!(
        (waits.member.as_str(), waits.what.as_str()),
        ("provider", "dataset orders for analyst")
    );
    let lines: Vec<&str> = waits.act.lines().collect();
    assert!(lines.last().unwrap().ends_with("ADD ACCOUNTS = ACME.CONSUMER;"), "{}", waits.act);
    assert!(lines.iter().any(|line| line.starts_with("GRANT SELECT ON VIEW ")));
    assert!(plan.steps.iter().all(|step| step.effect != Effect::Grant), "nothing to mount yet");
}

#[test]
fn what_is_open_beside_is_told_with_the_statement_that_closes_it_and_nothing_is_done() {
    let scope = Scope::of(&agreement(1));
    let desired = Desired::whole(Arc::clone(&scope.agreement));
    let mut platform = Platform::new();
    settle(&mut platform, &desired, &scope, 99);
    let beside = Beside {
        dataset: "orders".parse().unwrap(),
        share: "By \"hand\"".to_owned(),
        to: [("analyst".parse().unwrap(), "ACME.CONSUMER".to_owned())].into(),
    };
    let owner = "provider".parse().unwrap();
    platform.seen.accounts.get_mut(&owner).unwrap().beside.insert(beside);
    let plan = platform.plan(&desired, &scope);
    assert!(plan.steps.is_empty() && !plan.pending && plan.refused.is_none(), "{plan:?}");
    let [told] = plan.waiting.as_slice() else { panic!("{plan:?}") };
    assert_eq!(told.member, owner);
    assert!(told.what.starts_with("orders is open wider than agreed: to analyst by share"));
    assert_eq!(told.act, "ALTER SHARE \"By \"\"hand\"\"\" REMOVE ACCOUNTS = ACME.CONSUMER;");
    // Of what is over or was withdrawn nothing is told that its owner gave elsewhere.
    let mut without = Desired::whole(Arc::clone(&scope.agreement));
    without.datasets.remove(&"orders".parse().unwrap());
    for desired in [Desired::closed(Arc::clone(&scope.agreement)), without] {
        let mut platform = Platform { seen: platform.seen.clone() };
        settle(&mut platform, &desired, &scope, 99);
        assert!(platform.plan(&desired, &scope).waiting.is_empty());
    }
}

/// The wishes by which a template is withdrawn, one way each.
fn without_it() -> [Desired; 4] {
    let whole = || Desired::whole(agreement(1));
    let (mut unapproved, mut without, mut left) = (whole(), whole(), whole());
    unapproved.approvals.clear();
    without.datasets.remove(&"people".parse().unwrap());
    left.members.remove(&"analyst".parse().unwrap());
    [unapproved, without, left, Desired::closed(agreement(1))]
}

#[test]
fn a_list_that_can_not_be_read_is_never_an_empty_one_and_is_cut_by_a_withdrawal() {
    let (whole, scope) = (Desired::whole(agreement(1)), Scope::of(&agreement(1)));
    let template = ResourceKind::Template("overlap".parse().unwrap());
    let mut opened = Platform::new();
    settle(&mut opened, &whole, &scope, 99);
    let runner = opened.seen.accounts.get_mut(&"analyst".parse().unwrap()).unwrap();
    runner.runs.as_mut().unwrap().mark = Comment::Unread;
    // What others run is no matter of this list.
    let mut more = (*agreement(1)).clone();
    let mut one = more.templates[&"overlap".parse().unwrap()].clone();
    one.run_by = ["provider".parse().unwrap()].into();
    more.templates.insert("others".parse().unwrap(), one);
    let found = opened.observation(&Scope::of(&Arc::new(more))).resources;
    let others = ResourceKind::Template("others".parse().unwrap());
    assert!(
        found.iter().any(|one| one.kind == template) && !found.iter().any(|one| one.kind == others)
    );
    let found = opened.observation(&scope).resources;
    let of: Vec<_> = found.iter().filter(|one| one.kind == template).collect();
    assert!(of.len() == 1 && !whole.resources().contains(of[0]), "in no agreed version: {of:?}");
    let plan = opened.plan(&whole, &scope);
    assert_eq!(plan.refused.map(|one| one.code).as_deref(), Some("mark-unread"));
    assert!(plan.steps.is_empty(), "all that it may have is wanted: {:#?}", plan.steps);
    for desired in without_it() {
        let mut platform = Platform { seen: opened.seen.clone() };
        let plan = platform.plan(&desired, &scope);
        let cuts = plan.steps.iter().find(|step| step.call["statement"] == "MarkSchema");
        let cuts = cuts.unwrap_or_else(|| panic!("{plan:#?}"));
        assert!(cuts.effect == Effect::Revoke && cuts.touches.contains(&template));
        platform.act(cuts);
        assert!(!platform.held(&scope).contains(&template), "one statement is enough");
        settle(&mut platform, &desired, &scope, 1);
        assert!(!platform.held(&scope).contains(&template));
        settle(&mut platform, &whole, &scope, 99);
        assert_eq!(platform.observation(&scope).resources, whole.resources(), "given again");
    }
    // What was no list of any version is none: no gateway runs anything by it.
    let runner = opened.seen.accounts.get_mut(&"analyst".parse().unwrap()).unwrap();
    runner.runs.as_mut().unwrap().mark = Comment::Other;
    assert!(!opened.held(&scope).contains(&template));
    let refused = opened.plan(&whole, &scope).refused.map(|one| one.code);
    assert_eq!(refused.as_deref(), Some("name-taken"));
}

#[test]
fn what_has_a_mark_that_can_not_be_read_is_refused_and_closes_without_a_rest() {
    let (whole, scope) = (Desired::whole(agreement(1)), Scope::of(&agreement(1)));
    let unread: [fn(&mut Account); 3] = [
        |owner| owner.shares.values_mut().for_each(|share| share.mark = Comment::Unread),
        |owner| owner.offers.as_mut().unwrap().mark = Comment::Unread,
        |owner| {
            let views = owner.offers.as_mut().unwrap().views.values_mut();
            views.for_each(|view| view.mark = Comment::Unread);
        },
    ];
    for (number, unread) in unread.into_iter().enumerate() {
        let mut platform = Platform::new();
        settle(&mut platform, &whole, &scope, 99);
        unread(platform.seen.accounts.get_mut(&"provider".parse().unwrap()).unwrap());
        let orders = ResourceKind::Dataset("orders".parse().unwrap());
        assert!(platform.held(&scope).contains(&orders), "{number}: it is as open as before");
        let refused = platform.plan(&whole, &scope).refused.map(|one| one.code);
        // Another view than the agreed one is made anew; it is no list.
        assert_eq!(refused.as_deref(), (number < 2).then_some("mark-unread"), "{number}");
        settle(&mut platform, &Desired::closed(agreement(1)), &scope, 1);
        let owner = &platform.seen.accounts[&"provider".parse().unwrap()];
        assert!(owner.is_empty(), "{number}: {owner:#?}");
    }
}
