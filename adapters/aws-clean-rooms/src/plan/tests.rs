//! Planning against a platform in memory that does what it is told: fixed points, every drift that widens access closed first,
//! and nothing of somebody else's let in.

#![expect(
    clippy::too_many_lines,
    clippy::type_complexity,
    reason = "a list of calls or of cases is one story"
)]

mod beside;
mod hostile;
mod narrow;
mod past;
mod touches;

use super::*;
use crate::connection::Connection;
use crate::rule::Rule;
use crate::seen::{self, Account, Association, Member, Membership, Schema, SeenBudget, Template};
use crate::wanted::Budget;
use adapter_spi::Scope;
use mappings::model::{Agreement, DatasetName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const OWNER: &str = "111111111111";
const RUNNER: &str = "222222222222";

/// Everything there is, in the one place where only a test may see it.
#[derive(Clone, Default)]
struct World {
    seen: Seen,
    made: usize,
}

fn agreement() -> Arc<Agreement> {
    let platform = mappings::model::PlatformId::aws_clean_rooms();
    let document = adapter_spi::suite::agreement(&platform, "suite-plan", 1);
    Arc::new(serde_json::from_value(document).unwrap())
}

fn member(name: &str) -> MemberId {
    name.parse().unwrap()
}

/// In whose account a step is done.
fn by(step: &Step) -> MemberId {
    member(step.call["at"]["member"].as_str().unwrap())
}

fn connections() -> Connections {
    let of = |account: &str| Connection {
        data_role: Some(format!("arn:aws:iam::{account}:role/read")),
        ..Connection::default()
    };
    let members = [(member("provider"), of(OWNER)), (member("analyst"), of(RUNNER))];
    Connections { members: members.into() }
}

impl World {
    fn new() -> Self {
        let mut world = Self::default();
        for name in ["provider", "analyst"] {
            world.seen.accounts.insert(member(name), Account::default());
        }
        world
    }

    fn id(&mut self) -> String {
        self.made += 1;
        format!("id-{}", self.made)
    }

    fn account(&mut self, name: &MemberId) -> &mut Account {
        self.seen.accounts.get_mut(name).unwrap()
    }

    fn membership(&mut self, id: &str) -> &mut Membership {
        let rooms = self.seen.accounts.values_mut().flat_map(|a| a.rooms.values_mut());
        rooms.filter_map(|room| room.membership.as_mut()).find(|own| own.id == id).unwrap()
    }

    fn rooms(&mut self, id: &str) -> impl Iterator<Item = &mut seen::Room> {
        let rooms = self.seen.accounts.values_mut().flat_map(|a| a.rooms.values_mut());
        rooms.filter(move |room| room.id == id)
    }

    fn table(&mut self, id: &str) -> &mut seen::Table {
        let tables = self.seen.accounts.values_mut().flat_map(|account| {
            let spare = account.spare.iter_mut().map(|(_, table)| table);
            account.tables.values_mut().chain(spare)
        });
        tables.into_iter().find(|table| table.id == id).unwrap()
    }

    /// Does a call.
    fn enact(&mut self, by: &MemberId, call: &Call) {
        let id = self.id();
        match call.clone() {
            Call::CreateCollaboration { name, creator, members, .. } => {
                let entry = |party: &crate::wanted::Party| {
                    let (queries, receives) = (party.queries, party.receives);
                    let status = "INVITED".to_owned();
                    (party.account.clone(), Member { status, queries, receives, pays: None })
                };
                let all = members.iter().chain([&creator]).map(entry);
                let room = seen::Room {
                    id: id.clone(),
                    arn: format!("arn:{id}"),
                    creator: creator.account.clone(),
                    members: all.collect(),
                    membership: None,
                    schemas: BTreeMap::new(),
                    templates: BTreeMap::new(),
                };
                for account in self.seen.accounts.values_mut() {
                    account.rooms.insert(name.clone(), room.clone());
                }
            }
            Call::DeleteCollaboration { name, .. } => {
                for account in self.seen.accounts.values_mut() {
                    account.rooms.remove(&name);
                }
            }
            Call::DeleteMember { collaboration, account } => {
                for room in self.rooms(&collaboration) {
                    room.members.get_mut(&account).unwrap().status = "REMOVED".to_owned();
                }
            }
            Call::CreateMembership { collaboration, .. } => {
                let own = Membership {
                    id,
                    status: "ACTIVE".to_owned(),
                    associations: BTreeMap::new(),
                    templates: BTreeMap::new(),
                    budgets: BTreeMap::new(),
                };
                let rooms = self.account(by).rooms.values_mut();
                rooms.into_iter().find(|room| room.id == collaboration).unwrap().membership =
                    Some(own);
            }
            Call::DeleteMembership { id } => {
                let rooms = &mut self.account(by).rooms;
                rooms.retain(|_, room| room.membership.as_ref().is_none_or(|own| own.id != id));
            }
            Call::CreateConfiguredTable { name, database, table, columns, .. } => {
                let glue = Some((database, table));
                let columns = columns.into_iter().collect();
                let (arn, rules) = (format!("arn:{id}"), BTreeSet::new());
                let table = seen::Table { id, arn, glue, columns, rules, rule: None };
                self.account(by).tables.insert(name, table);
            }
            Call::UpdateConfiguredTable { id, database, table, columns } => {
                let seen = self.table(&id);
                seen.glue = Some((database, table));
                seen.columns = columns.into_iter().collect();
            }
            Call::DeleteConfiguredTable { id } => {
                self.account(by).tables.retain(|_, table| table.id != id);
                self.account(by).spare.retain(|(_, table)| table.id != id);
            }
            Call::CreateConfiguredTableAnalysisRule { table, rule }
            | Call::UpdateConfiguredTableAnalysisRule { table, rule, .. } => {
                let seen = self.table(&table);
                seen.rules.insert("CUSTOM".to_owned());
                seen.rule = Some(rule);
            }
            Call::DeleteConfiguredTableAnalysisRule { table, kind } => {
                let seen = self.table(&table);
                seen.rules.remove(&kind);
                seen.rule = None;
            }
            Call::CreateConfiguredTableAssociation { membership, name, table, role, .. } => {
                let association = Association { id, table, role, receivers: None };
                self.membership(&membership).associations.insert(name, association);
            }
            Call::UpdateConfiguredTableAssociation { membership, id, role } => {
                let all = &mut self.membership(&membership).associations;
                all.values_mut().find(|one| one.id == id).unwrap().role = role;
            }
            Call::DeleteConfiguredTableAssociation { membership, id } => {
                self.membership(&membership).associations.retain(|_, one| one.id != id);
            }
            Call::CreateConfiguredTableAssociationAnalysisRule {
                membership,
                association,
                receivers,
            }
            | Call::UpdateConfiguredTableAssociationAnalysisRule {
                membership,
                association,
                receivers,
                ..
            } => {
                let all = &mut self.membership(&membership).associations;
                let one = all.values_mut().find(|one| one.id == association).unwrap();
                one.receivers = Some(receivers);
            }
            Call::DeleteConfiguredTableAssociationAnalysisRule { membership, association } => {
                let all = &mut self.membership(&membership).associations;
                all.values_mut().find(|one| one.id == association).unwrap().receivers = None;
            }
            Call::CreateAnalysisTemplate { membership, name, text, parameters, .. } => {
                self.membership(&membership).templates.insert(name.clone(), id.clone());
                let template = Template {
                    arn: format!("arn:{id}"),
                    creator: RUNNER.to_owned(),
                    text: Some(Digest::of(text.as_bytes())),
                    parameters: parameters.into_iter().map(|p| (p.name, p.r#type)).collect(),
                    made_ms: 0,
                };
                for room in self.seen.accounts.values_mut().flat_map(|a| a.rooms.values_mut()) {
                    room.templates.insert(name.clone(), template.clone());
                }
            }
            Call::DeleteAnalysisTemplate { membership, id } => {
                let own = &mut self.membership(&membership).templates;
                let name = own.iter().find(|(_, known)| **known == id).unwrap().0.clone();
                own.remove(&name);
                for room in self.seen.accounts.values_mut().flat_map(|a| a.rooms.values_mut()) {
                    room.templates.remove(&name);
                }
            }
            Call::CreatePrivacyBudgetTemplate { membership, resource, budget, .. } => {
                let seen = SeenBudget { id, budget: Some(budget) };
                self.membership(&membership).budgets.insert(resource, seen);
            }
            Call::UpdatePrivacyBudgetTemplate { membership, id, budget, .. } => {
                let all = &mut self.membership(&membership).budgets;
                all.values_mut().find(|one| one.id == id).unwrap().budget = Some(budget);
            }
            Call::DeletePrivacyBudgetTemplate { membership, id } => {
                self.membership(&membership).budgets.retain(|_, one| one.id != id);
            }
        }
        self.derive();
    }

    /// What partners see of the tables.
    fn derive(&mut self) {
        let mut shared = Vec::new();
        for (name, account) in &self.seen.accounts {
            let creator = if name.as_str() == "provider" { OWNER } else { RUNNER };
            for (room, seen) in &account.rooms {
                for (dataset, one) in seen.membership.iter().flat_map(|own| &own.associations) {
                    let table = account.tables.values().find(|table| table.id == one.table);
                    let rule = table.and_then(|table| table.rule.as_ref());
                    let analyses = rule.map(|rule| rule.analyses.clone()).unwrap_or_default();
                    let schema = Schema {
                        creator: creator.to_owned(),
                        ready: !analyses.is_empty(),
                        reasons: BTreeSet::new(),
                        analyses,
                        ruled_ms: 0,
                    };
                    shared.push((room.clone(), dataset.clone(), schema));
                }
            }
        }
        for room in self.seen.accounts.values_mut().flat_map(|a| a.rooms.values_mut()) {
            room.schemas.clear();
        }
        for (name, dataset, schema) in shared {
            for account in self.seen.accounts.values_mut() {
                let room = account.rooms.get_mut(&name).unwrap();
                room.schemas.insert(dataset.clone(), schema.clone());
            }
        }
    }

    fn plan(&self, desired: &Desired) -> Result<Plan, PlanRefused> {
        self.plan_after(&[], desired)
    }

    /// The plan where other agreements were in force before.
    fn plan_after(&self, past: &[&Desired], desired: &Desired) -> Result<Plan, PlanRefused> {
        let past = past.iter().map(|one| Arc::clone(&one.agreement)).collect();
        let scope = Scope { past, ..Scope::of(&desired.agreement) };
        let observation = Observation {
            native: serde_json::json!(self.seen),
            ..Observation::whole(&scope, 0, Vec::new())
        };
        plan(desired, &observation, &connections())
    }

    fn step(&mut self, step: &Step) {
        let call: Call = serde_json::from_value(step.call.clone()).unwrap();
        self.enact(&by(step), &call);
    }

    /// Passes until nothing is left; every step's effect, in the order in which they were done.
    fn settle(&mut self, desired: &Desired) -> Vec<Effect> {
        let mut done = Vec::new();
        for _ in 0..30 {
            let plan = self.plan(desired).unwrap();
            assert!(plan.waiting.is_empty(), "{:?}", plan.waiting);
            if plan.steps.is_empty() {
                return done;
            }
            for step in &plan.steps {
                done.push(step.effect);
                self.step(step);
            }
        }
        panic!("no fixed point: {:?}", self.plan(desired).unwrap());
    }

    /// The rules of all tables, which are where access is.
    fn rules(&self) -> Vec<Rule> {
        let tables = self.seen.accounts.values().flat_map(|a| a.tables.values());
        tables.filter_map(|table| table.rule.clone()).collect()
    }

    fn is_open(&self) -> bool {
        self.rules().iter().any(|rule| !rule.analyses.is_empty())
    }
}

fn settled() -> (World, Desired) {
    let (mut world, desired) = (World::new(), Desired::whole(agreement()));
    world.settle(&desired);
    assert!(world.is_open());
    (world, desired)
}

fn orders() -> DatasetName {
    "orders".parse().unwrap()
}

#[test]
fn nothing_is_open_before_the_last_step() {
    let (mut world, desired) = (World::new(), Desired::whole(agreement()));
    let mut opened = 0;
    for _ in 0..30 {
        let plan = world.plan(&desired).unwrap();
        for step in &plan.steps {
            world.step(step);
            let open = world.is_open();
            assert_eq!(open, opened > 0 || step.effect == Effect::Grant, "{step:?}");
            opened += usize::from(step.effect == Effect::Grant);
        }
    }
    assert_eq!(opened, 2, "one rule of each owner");
    assert!(world.plan(&desired).unwrap().is_settled());
}

#[test]
fn what_is_closed_leaves_nothing_behind() {
    let (mut world, desired) = settled();
    let effects = world.settle(&Desired::closed(Arc::clone(&desired.agreement)));
    assert_eq!(effects.first(), Some(&Effect::Revoke));
    assert!(!effects.contains(&Effect::Grant));
    for account in world.seen.accounts.values() {
        assert!(account.rooms.is_empty() && account.tables.is_empty(), "{account:?}");
    }
}

#[test]
fn a_collaboration_ends_when_nobody_has_anything_in_it() {
    let (mut world, desired) = settled();
    let closed = Desired::closed(Arc::clone(&desired.agreement));
    // The owner is slow: nothing of its part is done.
    for _ in 0..12 {
        for step in world.plan(&closed).unwrap().steps {
            assert_ne!(step.call["operation"], "DeleteCollaboration");
            if by(&step).as_str() == "analyst" {
                world.step(&step);
            }
        }
    }
    world.settle(&closed);
    assert!(world.seen.accounts.values().all(|account| account.rooms.is_empty()));
}

#[test]
fn a_text_that_reads_a_withdrawn_column_is_taken_down() {
    let (mut world, mut desired) = settled();
    desired.hidden.insert(("people".parse().unwrap(), "measured".parse().unwrap()));
    world.settle(&desired);
    let analyst = &world.seen.accounts[&member("analyst")];
    assert!(analyst.rooms.values().all(|room| room.templates.is_empty()));
    assert!(!world.is_open());
}

/// Every change by hand that could widen access is taken back, and before anything is given.
#[test]
fn every_drift_is_closed_first() {
    type Drift = fn(&mut World);
    let rule = |world: &mut World, change: fn(&mut Rule)| {
        let provider = world.account(&member("provider"));
        change(provider.tables.values_mut().next().unwrap().rule.as_mut().unwrap());
    };
    let drifts: &[(&str, Drift)] = &[
        ("another template", |w| {
            let provider = w.account(&member("provider"));
            let rule = provider.tables.values_mut().next().unwrap().rule.as_mut().unwrap();
            rule.analyses.insert("arn:other".to_owned());
        }),
        ("any query", |w| {
            let provider = w.account(&member("provider"));
            let rule = provider.tables.values_mut().next().unwrap().rule.as_mut().unwrap();
            rule.foreign = true;
        }),
        ("another type of rule", |w| {
            let provider = w.account(&member("provider"));
            provider.tables.values_mut().next().unwrap().rules.insert("AGGREGATION".to_owned());
        }),
        ("another column", |w| {
            let provider = w.account(&member("provider"));
            let table = provider.tables.values_mut().next().unwrap();
            table.columns.insert("income".to_owned());
        }),
        ("another table", |w| {
            let provider = w.account(&member("provider"));
            let table = provider.tables.values_mut().next().unwrap();
            table.glue = Some(("suite".to_owned(), "raw".to_owned()));
        }),
        ("another receiver", |w| {
            let provider = w.account(&member("provider"));
            let own = provider.rooms.values_mut().next().unwrap().membership.as_mut().unwrap();
            let one = own.associations.values_mut().next().unwrap();
            one.receivers = Some(BTreeSet::from([RUNNER.to_owned(), "999999999999".to_owned()]));
        }),
        ("another association", |w| {
            let provider = w.account(&member("provider"));
            let own = provider.rooms.values_mut().next().unwrap().membership.as_mut().unwrap();
            let mut one = own.associations.values().next().unwrap().clone();
            one.id = "by-hand".to_owned();
            one.receivers = None;
            own.associations.insert("more".to_owned(), one);
        }),
        ("another own template", |w| {
            let analyst = w.account(&member("analyst"));
            let own = analyst.rooms.values_mut().next().unwrap().membership.as_mut().unwrap();
            own.templates.insert("by-hand".to_owned(), "by-hand".to_owned());
        }),
    ];
    let controls: &[(&str, fn(&mut Rule))] = &[
        ("no threshold", |r| r.threshold = None),
        ("a lower threshold", |r| r.threshold.as_mut().unwrap().1 -= 1),
        ("a threshold on another column", |r| r.threshold.as_mut().unwrap().0 = "spent".to_owned()),
        ("a column compared with constants", |r| {
            r.literals.extend(["email_sha256".to_owned()]);
        }),
        ("a column compared", |r| r.columns.extend(["income".to_owned()])),
    ];
    let mut worlds: Vec<(&str, World, Desired)> = Vec::new();
    for (name, drift) in drifts {
        let (mut world, desired) = settled();
        drift(&mut world);
        worlds.push((name, world, desired));
    }
    for (name, change) in controls {
        let (mut world, desired) = settled();
        rule(&mut world, *change);
        worlds.push((name, world, desired));
    }
    for (name, mut world, desired) in worlds {
        let before = settled().0.rules();
        let effects = world.settle(&desired);
        assert!(
            effects.first().is_some_and(|first| *first <= Effect::Restrict),
            "{name}: {effects:?}"
        );
        assert_eq!(world.rules(), before, "{name}");
        for account in world.seen.accounts.values() {
            let own = account.rooms.values().filter_map(|room| room.membership.as_ref());
            assert!(own.into_iter().all(|own| own.associations.len() == 1), "{name}");
        }
    }
}

#[test]
fn only_the_agreed_text_by_the_runner_is_allowed() {
    type Forgery = fn(&mut Template);
    let forgeries: [(&str, Forgery); 4] = [
        ("another text", |t| t.text = Some(Digest::of(b"SELECT 1"))),
        ("no text", |t| t.text = None),
        ("another maker", |t| t.creator = OWNER.to_owned()),
        ("other parameters", |t| t.parameters.push(("p".to_owned(), "STRING".to_owned()))),
    ];
    for (name, forge) in forgeries {
        let (mut world, desired) = settled();
        for room in world.seen.accounts.values_mut().flat_map(|a| a.rooms.values_mut()) {
            room.templates.values_mut().for_each(forge);
        }
        world.settle(&desired);
        assert!(!world.is_open(), "{name}");
    }
}

#[test]
fn an_owner_who_did_not_approve_allows_nothing() {
    let (mut world, mut desired) = settled();
    let owners = desired.approvals.values_mut().next().unwrap();
    owners.remove(&member("provider"));
    let effects = world.settle(&desired);
    assert_eq!(effects, [Effect::Restrict]);
    let provider = &world.seen.accounts[&member("provider")];
    assert!(provider.tables.values().all(|t| t.rule.as_ref().unwrap().analyses.is_empty()));
}

#[test]
fn withdrawals_close_the_rule_in_the_first_step() {
    type Withdrawal = fn(&mut Desired);
    let withdrawals: [(&str, Withdrawal); 5] = [
        ("dataset", |d| d.datasets.retain(|name| *name != orders())),
        ("column", |d| d.hidden.extend([(orders(), "measured".parse().unwrap())])),
        ("template", |d| d.approvals.clear()),
        ("member", |d| d.members.retain(|name| name.as_str() != "provider")),
        ("room", |d| *d = Desired::closed(Arc::clone(&d.agreement))),
    ];
    for (name, withdraw) in withdrawals {
        let (mut world, mut desired) = settled();
        withdraw(&mut desired);
        let plan = world.plan(&desired).unwrap();
        assert!(
            plan.steps.iter().take(3).all(|s| s.effect <= Effect::Restrict),
            "{name}: {plan:?}"
        );
        for step in plan.steps.iter().filter(|step| step.effect <= Effect::Restrict) {
            world.step(step);
        }
        let provider = &world.seen.accounts[&member("provider")];
        let allowing = |table: &&seen::Table| {
            table.rule.as_ref().is_some_and(|rule| !rule.analyses.is_empty())
        };
        let left = provider.tables.values().filter(allowing).count();
        // A hidden measure is read by no template of the suite, so only the table changes.
        assert_eq!(left, 0, "{name}");
    }
}

#[test]
fn a_member_of_another_gateway_is_waited_for_with_a_command() {
    let (mut world, desired) = settled();
    world.seen.accounts.remove(&member("provider"));
    for room in world.account(&member("analyst")).rooms.values_mut() {
        room.schemas.remove("orders");
        room.members.get_mut(OWNER).unwrap().status = "INVITED".to_owned();
    }
    let plan = world.plan(&desired).unwrap();
    let acts: Vec<&str> = plan.waiting.iter().map(|one| one.act.as_str()).collect();
    assert_eq!(acts.len(), 2, "{acts:?}");
    assert!(acts[0].starts_with("aws cleanrooms create-membership --collaboration-identifier id-"));
    assert!(plan.waiting.iter().all(|one| one.member == member("provider")));
}

#[test]
fn nothing_is_allowed_on_a_table_before_receivers_and_cap_are_seen() {
    type Hole = fn(&mut Membership);
    let holes: [(&str, Hole); 3] = [
        ("no receivers named", |own| {
            own.associations.values_mut().for_each(|a| a.receivers = None);
        }),
        ("no cap", |own| own.budgets.clear()),
        ("no place", |own| own.associations.clear()),
    ];
    for (name, dig) in holes {
        let (mut world, desired) = settled();
        let provider = world.account(&member("provider"));
        provider.tables.values_mut().for_each(|t| t.rule.as_mut().unwrap().analyses.clear());
        dig(provider.rooms.values_mut().next().unwrap().membership.as_mut().unwrap());
        let plan = world.plan(&desired).unwrap();
        assert!(plan.steps.iter().all(|step| step.effect < Effect::Grant), "{name}: {plan:?}");
    }
}

#[test]
fn a_cap_is_counted_anew_only_when_the_agreement_changes_it() {
    let (world, desired) = settled();
    let other = Budget { period: "CALENDAR_DAY".to_owned(), uses: 7 };
    assert_ne!(wanted(&desired).budget, other);
    assert!(world.plan(&desired).unwrap().steps.is_empty());
    let mut agreement = (*desired.agreement).clone();
    agreement.limits.runs_max = 7;
    let plan = world.plan(&Desired::whole(Arc::new(agreement))).unwrap();
    let calls: Vec<&str> =
        plan.steps.iter().map(|s| s.call["operation"].as_str().unwrap()).collect();
    assert_eq!(calls, ["UpdatePrivacyBudgetTemplate", "UpdatePrivacyBudgetTemplate"]);
}
