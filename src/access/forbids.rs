//! An operator's own policies, from their texts: they forbid and grant nothing, and never keep anybody from taking something away. Whatever of
//! them is not understood keeps all of them from being taken. Must not know where the texts lie.

use super::caller::Caller;
use super::permits::{Action, On};
use super::policy::{Asking, Cedar, Named};
use crate::error::{Error, Kind, Problem, Result};
use cedar_policy::{
    ActionConstraint, Effect, EntityUid, Policy, PolicyId, PolicySet, PrincipalConstraint,
    ResourceConstraint, ValidationMode, Validator,
};
use mappings::model::{CollaborationId, MemberId};
use miette::Diagnostic;
use std::collections::{BTreeMap, BTreeSet};

/// Policies in all, at most.
const POLICIES_MAX: usize = 1_000;
/// What the others stand against.
const ALL: &str = "permit (principal, action, resource);";

/// One file of policies.
#[derive(Debug, Clone)]
pub struct PolicyText {
    /// Its name, for whoever is told of it.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// One policy, for whoever looks.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Forbid {
    /// File and line.
    pub at: String,
    /// What it is called there (`@id`), if it is called anything.
    pub name: Option<String>,
    /// The actions that it may forbid.
    pub actions: Vec<String>,
    /// To whom, as it says.
    pub principal: String,
    /// Of what, as it says.
    pub resource: String,
    /// Whether only under conditions of its own.
    pub conditional: bool,
}

/// What an operator forbids.
#[derive(Debug)]
pub struct Forbids {
    set: PolicySet,
    told: Vec<Forbid>,
    /// The actions that any of them reaches; of no other they are asked.
    reached: BTreeSet<Action>,
}

impl Forbids {
    /// Reads policies; all that stands against them at once. Where it is known who the tenants are, no policy names another.
    pub fn read(texts: &[PolicyText], tenants: Option<&BTreeSet<MemberId>>) -> Result<Self> {
        let cedar = Cedar::get().ok_or_else(|| Error::failed("bug", "Cedar could not begin"))?;
        let reading = Reading { cedar, tenants };
        let mut problems = Vec::new();
        let mut found: Vec<(Policy, Forbid)> = Vec::new();
        let mut reached = BTreeSet::new();
        for text in texts {
            match reading.file(text) {
                Ok(policies) => found.extend(policies),
                Err(wrong) => problems.extend(wrong),
            }
        }
        if problems.is_empty() && (found.is_empty() || found.len() > POLICIES_MAX) {
            problems.push(problem(
                NONE,
                "the folder",
                format!("there are {} policies", found.len()),
            ));
        }
        if let Some(first) = problems.first() {
            let message = "the operator's policies are not taken";
            return Err(Error::new(Kind::Refused, &first.code, message)
                .help("every policy as it is asked for below")
                .problems(problems));
        }
        let (policies, told): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        for policy in &policies {
            reached.extend(reached_by(cedar, &policy.action_constraint()));
        }
        // Two may stand in one line.
        let numbered = |(n, policy): (usize, Policy)| policy.new_id(PolicyId::new(n.to_string()));
        let policies = policies.into_iter().enumerate().map(numbered);
        let all = Policy::parse(Some(PolicyId::new("airlock")), ALL).ok();
        let set = PolicySet::from_policies(policies.chain(all));
        let set = set.map_err(|_| Error::failed("bug", "two policies of one name"))?;
        Ok(Self { set, told, reached })
    }

    /// Each of them.
    #[must_use]
    pub fn told(&self) -> &[Forbid] {
        &self.told
    }

    /// Whether they keep a caller from this. Nothing keeps anybody from taking away.
    #[must_use]
    pub fn forbid(
        &self,
        caller: &Caller,
        action: Action,
        on: On,
        collaboration: Option<&CollaborationId>,
    ) -> bool {
        if action.takes_away() || !self.reached.contains(&action) {
            return false;
        }
        let named = Named {
            tenant: caller.tenant(),
            issuer: caller.who().issuer(),
            subject: caller.who().subject(),
            is_person: caller.is_person(),
            collaboration,
        };
        let of_member = caller.tenant().is_some();
        let asking = Asking { roles: caller.roles(), of_member, action, on, named };
        !Cedar::get().is_some_and(|cedar| cedar.decides(&self.set, &asking))
    }
}

const NONE: Rule = Rule(
    "policy-none",
    "at least one policy, and a thousand at most; to have none, no [http] policies",
);
const MALFORMED: Rule = Rule("policy-malformed", "policies in Cedar's syntax");
const GRANTS: Rule =
    Rule("policy-grants", "forbid (...); what a role may do is not an operator's to widen");
const TEMPLATE: Rule = Rule("policy-template", "a policy without ?principal and ?resource");
const UNKNOWN: Rule = Rule(
    "policy-unknown",
    "actions, types and attributes of the schema, and tenants of this gateway; README, \"Who may do what\"",
);
const NEVER: Rule = Rule("policy-never", "a policy that can forbid something, in plain letters");
const OVER: Rule = Rule(
    "policy-over-withdrawals",
    "its actions named: action in [Airlock::Action::\"read\", Airlock::Action::\"change\"] are all that may be forbidden of members",
);

/// A code, and what would pass.
#[derive(Clone, Copy)]
struct Rule(&'static str, &'static str);

fn problem(rule: Rule, at: &str, message: String) -> Problem {
    Problem { code: rule.0.to_owned(), at: at.to_owned(), message, help: rule.1.to_owned() }
}

fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

/// Where an error of Cedar's points, or the beginning.
fn offset(error: &dyn Diagnostic) -> usize {
    error.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset())
}

struct Reading<'a> {
    cedar: &'static Cedar,
    tenants: Option<&'a BTreeSet<MemberId>>,
}

impl Reading<'_> {
    fn file(&self, of: &PolicyText) -> Result<Vec<(Policy, Forbid)>, Vec<Problem>> {
        let set = of.text.parse::<PolicySet>().map_err(|errors| {
            let told = |error: &cedar_policy::ParseError| {
                let at = format!("{}:{}", of.name, line(&of.text, offset(error)));
                problem(MALFORMED, &at, error.to_string())
            };
            errors.iter().map(told).collect::<Vec<_>>()
        })?;
        let templates: Vec<_> = set
            .templates()
            .map(|template| {
                let at = place(of, &template.to_cedar(), 0);
                problem(TEMPLATE, &at.1, "this is a template, and not a policy".to_owned())
            })
            .collect();
        if !templates.is_empty() {
            return Err(templates);
        }
        // In the order of the text: Cedar numbers them so.
        let number = |policy: &Policy| {
            policy
                .id()
                .to_string()
                .trim_start_matches("policy")
                .parse::<usize>()
                .unwrap_or(usize::MAX)
        };
        let in_order: BTreeMap<usize, &Policy> =
            set.policies().map(|policy| (number(policy), policy)).collect();
        let (mut found, mut problems, mut from) = (Vec::new(), Vec::new(), 0);
        for policy in in_order.into_values() {
            let text = policy.to_cedar().unwrap_or_default();
            let (begins, at) = place(of, &text, from);
            from = begins + text.len();
            match self.policy(policy, &at) {
                Ok(one) => found.push(one),
                Err(wrong) => problems.extend(wrong),
            }
        }
        if problems.is_empty() { Ok(found) } else { Err(problems) }
    }

    fn policy(&self, policy: &Policy, at: &str) -> Result<(Policy, Forbid), Vec<Problem>> {
        let mut problems = Vec::new();
        if policy.effect() != Effect::Forbid {
            problems.push(problem(GRANTS, at, "this policy permits".to_owned()));
        }
        let actions = reached_by(self.cedar, &policy.action_constraint());
        if actions.iter().any(|action| action.takes_away()) {
            let message = "it would reach withdrawals, refusals or other ways of taking away";
            problems.push(problem(OVER, at, message.to_owned()));
        }
        problems.extend(self.unknown(policy, at));
        if problems.is_empty() && actions.is_empty() {
            problems.push(problem(NEVER, at, "it reaches no action".to_owned()));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let told = Forbid {
            at: at.to_owned(),
            name: policy.annotation("id").map(str::to_owned),
            actions: actions.iter().map(ToString::to_string).collect(),
            principal: principal(&policy.principal_constraint()),
            resource: resource(&policy.resource_constraint()),
            conditional: policy.has_non_scope_constraint(),
        };
        Ok((policy.clone(), told))
    }

    /// What the schema, or the list of tenants, does not know; and what can never hold.
    fn unknown(&self, policy: &Policy, at: &str) -> Vec<Problem> {
        let Ok(alone) = PolicySet::from_policies([policy.clone()]) else {
            return vec![problem(MALFORMED, at, "it is no policy by itself".to_owned())];
        };
        let checked =
            Validator::new(self.cedar.schema().clone()).validate(&alone, ValidationMode::Strict);
        let errors =
            checked.validation_errors().map(|error| problem(UNKNOWN, at, error.to_string()));
        let never = checked.validation_warnings().map(|one| problem(NEVER, at, one.to_string()));
        let strangers = policy.entity_literals().into_iter().filter(|uid| self.is_stranger(uid));
        let strangers =
            strangers.map(|uid| problem(UNKNOWN, at, format!("{uid} is no tenant here")));
        errors.chain(never).chain(strangers).collect()
    }

    fn is_stranger(&self, uid: &EntityUid) -> bool {
        let is_known = |known: &BTreeSet<MemberId>| {
            known.iter().any(|member| member.as_str() == uid.id().unescaped())
        };
        uid.type_name() == self.cedar.tenants()
            && self.tenants.is_some_and(|known| !is_known(known))
    }
}

/// Where a policy's text begins in its file, from an offset on; and that as file and line.
fn place(of: &PolicyText, policy: &str, from: usize) -> (usize, String) {
    let rest = of.text.get(from..).unwrap_or_default();
    let begins = from + rest.find(policy).unwrap_or_default();
    (begins, format!("{}:{}", of.name, line(&of.text, begins)))
}

/// The actions that a scope reaches: those it names, and those of groups it names.
fn reached_by(cedar: &Cedar, scope: &ActionConstraint) -> Vec<Action> {
    let named: Vec<&EntityUid> = match scope {
        ActionConstraint::Any => return Action::all().collect(),
        ActionConstraint::In(all) => all.iter().collect(),
        ActionConstraint::Eq(one) => vec![one],
    };
    let is_group = matches!(scope, ActionConstraint::In(_));
    let is_reached = |action: &Action| {
        let own = cedar.action(*action);
        named.contains(&&own)
            || is_group && cedar.groups(&own).iter().any(|group| named.contains(group))
    };
    Action::all().filter(is_reached).collect()
}

fn principal(scope: &PrincipalConstraint) -> String {
    match scope {
        PrincipalConstraint::Any => "anybody".to_owned(),
        PrincipalConstraint::In(uid) | PrincipalConstraint::Eq(uid) => uid.to_string(),
        PrincipalConstraint::Is(of) => of.to_string(),
        PrincipalConstraint::IsIn(of, uid) => format!("{of} in {uid}"),
    }
}

fn resource(scope: &ResourceConstraint) -> String {
    match scope {
        ResourceConstraint::Any => "anything".to_owned(),
        ResourceConstraint::In(uid) | ResourceConstraint::Eq(uid) => uid.to_string(),
        ResourceConstraint::Is(of) => of.to_string(),
        ResourceConstraint::IsIn(of, uid) => format!("{of} in {uid}"),
    }
}

#[cfg(test)]
#[path = "forbids_tests.rs"]
mod tests;
