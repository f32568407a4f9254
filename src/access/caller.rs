//! Somebody who proved who it is: a tenant (none for the operator), a principal, roles, an end. Only `tokens` makes one, from a token that
//! it verified; nothing else in this crate may. Must not know HTTP, nor what a token is.

use super::permits::{Action, permits};
use super::roles::Role;
use mappings::model::MemberId;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fmt;

/// Hex digits of a principal that may be shown.
const SHOWN: usize = 12;

/// One person or program, as its issuer names it: a digest, for comparing and for nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal([u8; 32]);

impl Principal {
    /// Of an issuer and its name for somebody.
    pub(crate) fn new(issuer: &str, subject: &str) -> Self {
        let mut hash = Sha256::new_with_prefix(b"airlock/principal/v1");
        for part in [issuer, subject] {
            // The length keeps `a` + `bc` apart from `ab` + `c`.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The whole digest, for scopes and for keys of tables; not to be shown.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(SHOWN / 2).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Principal({self})")
    }
}

/// Somebody who proved who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    tenant: Option<MemberId>,
    principal: Principal,
    roles: BTreeSet<Role>,
    expires_ms: i64,
}

impl Caller {
    /// Of a member; `None` without a role, or with the operator's, who belongs to no member.
    pub(crate) fn of_member(
        tenant: MemberId,
        principal: Principal,
        roles: BTreeSet<Role>,
        expires_ms: i64,
    ) -> Option<Self> {
        let is_member = !roles.is_empty() && !roles.contains(&Role::Operator);
        is_member.then_some(Self { tenant: Some(tenant), principal, roles, expires_ms })
    }

    /// The operator.
    pub(crate) fn operator(principal: Principal, expires_ms: i64) -> Self {
        Self { tenant: None, principal, roles: BTreeSet::from([Role::Operator]), expires_ms }
    }

    /// The same for as long as a session lasts that it began with its token.
    pub(crate) fn in_session(self, expires_ms: i64) -> Self {
        Self { expires_ms, ..self }
    }

    /// In whose name it acts; none for the operator only.
    #[must_use]
    pub const fn tenant(&self) -> Option<&MemberId> {
        self.tenant.as_ref()
    }

    /// Who it is, for comparing.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Its roles, of which there is at least one.
    #[must_use]
    pub const fn roles(&self) -> &BTreeSet<Role> {
        &self.roles
    }

    /// From this time on it is nobody any more.
    #[must_use]
    pub const fn expires_ms(&self) -> i64 {
        self.expires_ms
    }

    /// Whether its roles let it ask for this. Without a tenant it may ask for nothing that is a tenant's.
    #[must_use]
    pub fn may(&self, action: Action) -> bool {
        self.tenant.is_some() != action.is_operators() && permits(&self.roles, action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member() -> MemberId {
        MemberId::new("grocer").unwrap()
    }

    #[test]
    fn a_principal_is_compared_and_hardly_shown() {
        let one = Principal::new("https://a", "bc");
        assert_eq!(one, Principal::new("https://a", "bc"));
        assert_ne!(one, Principal::new("https://ab", "c"));
        assert_ne!(one, Principal::new("https://a", "bd"));
        assert_eq!(one.to_string().len(), SHOWN);
        let shown = format!("{one} {one:?}");
        assert!(!shown.contains("https") && shown.len() < 50, "{shown}");
    }

    #[test]
    fn members_are_no_operators_and_operators_no_members() {
        let principal = Principal::new("i", "s");
        let of = |roles: &[Role]| {
            Caller::of_member(member(), principal, roles.iter().copied().collect(), 1)
        };
        assert!(of(&[]).is_none());
        assert!(of(&[Role::Operator]).is_none());
        assert!(of(&[Role::Analyst, Role::Operator]).is_none());
        let analyst = of(&[Role::Analyst]).unwrap();
        assert_eq!(analyst.tenant(), Some(&member()));
        let operator = Caller::operator(principal, 1);
        assert_eq!(operator.tenant(), None);
        for action in Action::all() {
            assert!(!(analyst.may(action) && operator.may(action)), "{action}");
            assert_eq!(operator.may(action), action.is_operators(), "{action}");
        }
    }

    #[test]
    fn without_a_tenant_a_role_of_members_gives_nothing() {
        let nobody = Caller {
            tenant: None,
            principal: Principal::new("i", "s"),
            roles: Role::ALL.into_iter().collect(),
            expires_ms: 1,
        };
        for action in Action::all() {
            assert_eq!(nobody.may(action), action.is_operators(), "{action}");
        }
    }
}
