//! Somebody whose tokens are taken: what they look like, whom it may speak for, and where its keys are. Must not know what callers may do.

use super::keys::{FixedKeys, KeySource};
use crate::log::PublicKey;
use crate::settings::{IssuerSetting, TokenType};
use mappings::model::MemberId;
use std::collections::BTreeMap;

/// The longest that a token may be good for.
const LIFE_MAX_S: i64 = 15 * 60;

/// The claim by which this gateway's own issuer says that somebody is a person.
pub(super) const PERSON: &str = "person";

/// Somebody whose tokens are taken.
#[derive(Debug)]
pub struct Issuer {
    name: String,
    audience: String,
    typ: TokenType,
    life_max_s: i64,
    organisation_claim: String,
    roles_claim: String,
    person_claim: Option<String>,
    tenants: BTreeMap<String, MemberId>,
    operators: bool,
    keys: Box<dyn KeySource>,
}

impl Issuer {
    /// One that is set, with its keys.
    pub(super) fn of(setting: IssuerSetting, keys: Box<dyn KeySource>, audience: &str) -> Self {
        let tenants = setting.tenants.into_iter().map(|it| (it.organisation, it.member));
        Self {
            name: setting.issuer,
            audience: audience.to_owned(),
            typ: setting.typ,
            life_max_s: LIFE_MAX_S,
            organisation_claim: setting.organisation_claim,
            roles_claim: setting.roles_claim,
            person_claim: setting.person_claim,
            tenants: tenants.collect(),
            operators: setting.operators,
            keys,
        }
    }

    /// One of which this process has the key: it calls members by their own names, and may speak for the operator.
    pub(super) fn of_key(
        (name, kid): (&str, &str),
        key: PublicKey,
        audience: &str,
        life_max_s: i64,
        members: impl Iterator<Item = MemberId>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            audience: audience.to_owned(),
            typ: TokenType::AccessToken,
            life_max_s,
            organisation_claim: "org".to_owned(),
            roles_claim: "roles".to_owned(),
            person_claim: Some(PERSON.to_owned()),
            tenants: members.map(|member| (member.to_string(), member)).collect(),
            operators: true,
            keys: Box::new(FixedKeys::new(kid, key)),
        }
    }

    /// The same, where it may not speak for the operator.
    pub(super) fn of_members(self) -> Self {
        Self { operators: false, ..self }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn audience(&self) -> &str {
        &self.audience
    }

    pub(super) const fn life_max_s(&self) -> i64 {
        self.life_max_s
    }

    pub(super) fn organisation_claim(&self) -> &str {
        &self.organisation_claim
    }

    pub(super) fn roles_claim(&self) -> &str {
        &self.roles_claim
    }

    /// The claim that only people have, where it has one.
    pub(super) fn person_claim(&self) -> Option<&str> {
        self.person_claim.as_deref()
    }

    pub(super) const fn names_operators(&self) -> bool {
        self.operators
    }

    /// The tenant that this issuer calls so, if it may speak for it.
    pub(super) fn tenant(&self, organisation: &str) -> Option<&MemberId> {
        self.tenants.get(organisation)
    }

    /// Whether its access tokens say so of themselves. RFC 9068 has two ways of writing one type.
    pub(super) fn writes(&self, typ: &str) -> bool {
        match self.typ {
            TokenType::AccessToken => typ == "at+jwt" || typ == "application/at+jwt",
            TokenType::Jwt => typ == "JWT",
        }
    }

    pub(super) fn keys(&self) -> &dyn KeySource {
        self.keys.as_ref()
    }
}
