//! Cedar: the policies and the schema that are in the binary, and one question put to policies. What can't be asked, and what can't be
//! answered without an error, is not permitted. Must not know where a question comes from, nor what was asked before.

use super::permits::{Action, On};
use super::roles::Role;
use crate::stands::Stands;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression, Schema,
};
use mappings::model::{CollaborationId, MemberId};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

const SCHEMA: &str = include_str!("policies/airlock.cedarschema");
/// The policies of the binary.
pub(super) const POLICIES: [&str; 2] =
    [include_str!("policies/roles.cedar"), include_str!("policies/standing.cedar")];

/// Somebody in the words that policies are written in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Named<'a> {
    /// In whose name it calls.
    pub(super) tenant: Option<&'a MemberId>,
    pub(super) issuer: &'a str,
    pub(super) subject: &'a str,
    pub(super) is_person: bool,
    /// What is asked about.
    pub(super) collaboration: Option<&'a CollaborationId>,
}

/// One question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) roles: &'a BTreeSet<Role>,
    pub(super) of_member: bool,
    pub(super) action: Action,
    pub(super) on: On,
    pub(super) named: Named<'a>,
}

impl<'a> Asking<'a> {
    /// One in which nobody has a name: the binary's own policies look at none.
    pub(super) fn of_roles(
        roles: &'a BTreeSet<Role>,
        of_member: bool,
        action: Action,
        on: On,
    ) -> Self {
        Self { roles, of_member, action, on, named: Named::default() }
    }
}

/// The types of the schema.
#[derive(Debug)]
struct Types {
    action: EntityTypeName,
    role: EntityTypeName,
    standing: EntityTypeName,
    tenant: EntityTypeName,
    caller: EntityTypeName,
    operator: EntityTypeName,
    gateway: EntityTypeName,
    collaboration: EntityTypeName,
}

impl Types {
    fn new() -> Option<Self> {
        let named = |name: &str| format!("Airlock::{name}").parse().ok();
        Some(Self {
            action: named("Action")?,
            role: named("Role")?,
            standing: named("Standing")?,
            tenant: named("Tenant")?,
            caller: named("Caller")?,
            operator: named("Operator")?,
            gateway: named("Gateway")?,
            collaboration: named("Collaboration")?,
        })
    }
}

fn uid(of: &EntityTypeName, name: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(of.clone(), EntityId::new(name))
}

/// The schema, and the policies of the binary.
#[derive(Debug)]
pub(super) struct Cedar {
    schema: Schema,
    types: Types,
    own: PolicySet,
    /// The actions with their groups: there whatever is asked.
    actions: Entities,
    authorizer: Authorizer,
}

/// Read once. `None` would be a binary whose own policies can't be read, in which nobody may do anything; a test reads them.
static CEDAR: LazyLock<Option<Cedar>> = LazyLock::new(Cedar::read);

impl Cedar {
    pub(super) fn get() -> Option<&'static Self> {
        CEDAR.as_ref()
    }

    fn read() -> Option<Self> {
        let schema: Schema = SCHEMA.parse().ok()?;
        let own = POLICIES.concat().parse().ok()?;
        let actions = Entities::from_entities([], Some(&schema)).ok()?;
        Some(Self { types: Types::new()?, own, actions, authorizer: Authorizer::new(), schema })
    }

    pub(super) const fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(super) const fn tenants(&self) -> &EntityTypeName {
        &self.types.tenant
    }

    /// The groups that an action is in.
    pub(super) fn groups<'a>(&'a self, action: &EntityUid) -> Vec<&'a EntityUid> {
        self.actions.ancestors(action).map(Iterator::collect).unwrap_or_default()
    }

    pub(super) fn action(&self, action: Action) -> EntityUid {
        uid(&self.types.action, action.name())
    }

    /// What the policies of the binary say.
    pub(super) fn permits(&self, asking: &Asking<'_>) -> bool {
        self.decides(&self.own, asking)
    }

    /// What these say. An error of one of them is a no, whatever the others say: Cedar itself would go on without it.
    pub(super) fn decides(&self, policies: &PolicySet, asking: &Asking<'_>) -> bool {
        let Some((request, entities)) = self.request(asking) else { return false };
        let response = self.authorizer.is_authorized(&request, policies, &entities);
        response.diagnostics().errors().next().is_none() && response.decision() == Decision::Allow
    }

    /// The question in Cedar's words, held against the schema: an action that nobody knows, or that is not about such a thing, is none.
    fn request(&self, asking: &Asking<'_>) -> Option<(Request, Entities)> {
        let types = &self.types;
        let kind = if asking.of_member { &types.caller } else { &types.operator };
        let principal = uid(kind, "caller");
        let resource = match asking.on {
            On::Gateway => uid(&types.gateway, "gateway"),
            On::Collaboration(_) => {
                let name = asking.named.collaboration.map_or("", CollaborationId::as_str);
                uid(&types.collaboration, name)
            }
        };
        let standing = match asking.on {
            On::Gateway | On::Collaboration(None) => "none",
            On::Collaboration(Some(stands)) => Stands::name(stands),
        };
        let standing = RestrictedExpression::new_entity_uid(uid(&types.standing, standing));
        let context = Context::from_pairs([("standing".to_owned(), standing)]).ok()?;
        let action = self.action(asking.action);
        let schema = Some(&self.schema);
        let request = Request::new(principal.clone(), action, resource, context, schema).ok()?;
        let roles = asking.roles.iter().map(|role| uid(&types.role, role.name()));
        let roles: HashSet<_> = roles.collect();
        let caller = Entity::new(principal, self.facts(asking), roles).ok()?;
        let entities = self.actions.clone().add_entities([caller], schema).ok()?;
        Some((request, entities))
    }

    fn facts(&self, asking: &Asking<'_>) -> HashMap<String, RestrictedExpression> {
        let Named { tenant, issuer, subject, is_person, .. } = asking.named;
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let mut facts = HashMap::from([
            ("issuer".to_owned(), text(issuer)),
            ("subject".to_owned(), text(subject)),
        ]);
        if asking.of_member {
            let tenant = uid(&self.types.tenant, tenant.map_or("", MemberId::as_str));
            facts.insert("tenant".to_owned(), RestrictedExpression::new_entity_uid(tenant));
            facts.insert("person".to_owned(), RestrictedExpression::new_bool(is_person));
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cedar_policy::{ValidationMode, Validator};

    fn set(text: &str) -> PolicySet {
        text.parse().unwrap()
    }

    #[test]
    fn the_policies_of_the_binary_hold_against_the_schema_strictly() {
        let cedar = Cedar::get().expect("they can be read");
        let checked =
            Validator::new(cedar.schema.clone()).validate(&cedar.own, ValidationMode::Strict);
        assert!(checked.validation_passed_without_warnings(), "{checked}");
        assert_eq!(cedar.own.templates().count(), 0);
        for policy in cedar.own.policies() {
            assert!(policy.annotation("id").is_some(), "{policy} has a name");
        }
    }

    #[test]
    fn the_schema_has_every_action_and_no_other() {
        let cedar = Cedar::get().unwrap();
        let groups: BTreeSet<String> =
            cedar.schema.action_groups().map(|uid| uid.id().unescaped().to_owned()).collect();
        let known: BTreeSet<String> = cedar
            .schema
            .actions()
            .map(|uid| uid.id().unescaped().to_owned())
            .filter(|name| !groups.contains(name))
            .collect();
        let named: BTreeSet<String> = Action::all().map(|action| action.to_string()).collect();
        assert_eq!(known, named);
    }

    #[test]
    fn what_takes_away_is_one_group_and_every_other_action_is_of_one_that_may_be_forbidden() {
        let cedar = Cedar::get().unwrap();
        for action in Action::all() {
            let uid = cedar.action(action);
            let groups: BTreeSet<String> =
                cedar.groups(&uid).iter().map(|uid| uid.id().unescaped().to_owned()).collect();
            let kinds = ["read", "change", "operate", "take-away"];
            let own: Vec<&str> = kinds.into_iter().filter(|kind| groups.contains(*kind)).collect();
            assert_eq!(own.len(), 1, "{action}: {own:?}");
            assert_eq!(own == ["take-away"], action.takes_away(), "{action}");
        }
    }

    #[test]
    fn an_error_of_a_policy_is_a_no() {
        let cedar = Cedar::get().unwrap();
        let roles = BTreeSet::from([Role::Analyst]);
        let on = On::Collaboration(Some(Stands::Member));
        let asking = Asking::of_roles(&roles, true, Action::Run, on);
        let all = "permit (principal, action, resource);";
        assert!(cedar.decides(&set(all), &asking));
        for wrong in [
            "forbid (principal, action, resource) when { principal.nothing };",
            "forbid (principal, action, resource) when { context.nothing == 1 };",
            "permit (principal, action, resource) when { 9223372036854775807 + 1 == 0 };",
            "permit (principal, action, resource) when { principal.subject.nothing };",
        ] {
            assert!(!cedar.decides(&set(&format!("{all}{wrong}")), &asking), "{wrong}");
        }
        assert!(cedar.decides(
            &set(&format!("{all}forbid (principal, action, resource) when {{ false }};")),
            &asking
        ));
    }

    #[test]
    fn what_the_schema_does_not_know_is_not_asked() {
        let cedar = Cedar::get().unwrap();
        let all = set("permit (principal, action, resource);");
        let roles = BTreeSet::from([Role::MemberAdmin, Role::PrivacyOfficer]);
        let asking = |action, of_member, on| Asking::of_roles(&roles, of_member, action, on);
        let member = On::Collaboration(Some(Stands::Member));
        assert!(cedar.decides(&all, &asking(Action::Approve, true, member)));
        assert!(!cedar.decides(&all, &asking(Action::Approve, true, On::Gateway)));
        assert!(!cedar.decides(&all, &asking(Action::Approve, false, member)));
        assert!(!cedar.decides(&all, &asking(Action::ReadConfiguration, true, On::Gateway)));
    }

    #[test]
    fn names_make_no_difference_to_the_policies_of_the_binary() {
        let cedar = Cedar::get().unwrap();
        let (tenant, other) =
            (MemberId::new("grocer").unwrap(), CollaborationId::new("spring").unwrap());
        let named = Named {
            tenant: Some(&tenant),
            issuer: "https://id.example",
            subject: "alice",
            is_person: true,
            collaboration: Some(&other),
        };
        for role in Role::ALL {
            let roles = BTreeSet::from([role]);
            for action in Action::all() {
                for on in On::ALL {
                    let plain = Asking::of_roles(&roles, true, action, on);
                    let with = Asking { named, ..plain };
                    assert_eq!(
                        cedar.permits(&plain),
                        cedar.permits(&with),
                        "{role}: {action} on {on:?}"
                    );
                }
            }
        }
    }
}
