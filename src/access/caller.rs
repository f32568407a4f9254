//! Somebody who proved who it is: a tenant (none for the operator), a principal, roles, an end. Only `tokens` makes one, from a token that
//! it verified; nothing else in this crate may. Must not know HTTP, nor what a token is.

use super::permits::{Action, On, permitted};
use super::roles::Role;
use mappings::model::MemberId;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

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

/// One person or program in its issuer's words. They are compared with those of policies, and not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Who {
    issuer: String,
    subject: String,
    is_person: bool,
}

impl Who {
    /// Of an issuer and its name for somebody, who is a person where the issuer says so.
    pub(crate) fn new(issuer: &str, subject: &str, is_person: bool) -> Self {
        Self { issuer: issuer.to_owned(), subject: subject.to_owned(), is_person }
    }

    /// Who names it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What it is called there.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    fn principal(&self) -> Principal {
        Principal::new(&self.issuer, &self.subject)
    }
}

impl fmt::Debug for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Who").field("is_person", &self.is_person).finish_non_exhaustive()
    }
}

/// Somebody who proved who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    tenant: Option<MemberId>,
    who: Arc<Who>,
    principal: Principal,
    roles: BTreeSet<Role>,
    expires_ms: i64,
}

impl Caller {
    /// Of a member; `None` without a role, or with the operator's, who belongs to no member.
    pub(crate) fn of_member(
        tenant: MemberId,
        who: Who,
        roles: BTreeSet<Role>,
        expires_ms: i64,
    ) -> Option<Self> {
        let is_member = !roles.is_empty() && !roles.contains(&Role::Operator);
        is_member.then(|| Self::new(Some(tenant), who, roles, expires_ms))
    }

    /// The operator.
    pub(crate) fn operator(who: Who, expires_ms: i64) -> Self {
        Self::new(None, who, BTreeSet::from([Role::Operator]), expires_ms)
    }

    fn new(tenant: Option<MemberId>, who: Who, roles: BTreeSet<Role>, expires_ms: i64) -> Self {
        Self { tenant, principal: who.principal(), who: Arc::new(who), roles, expires_ms }
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

    /// Who it is in its issuer's words.
    #[must_use]
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// Whether its issuer says that it is a person. What nobody says is a program.
    #[must_use]
    pub fn is_person(&self) -> bool {
        self.who.is_person
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

    /// Whether its roles let it ask for this, about this. Without a tenant it may ask for nothing that is a tenant's.
    #[must_use]
    pub fn may_on(&self, action: Action, on: On) -> bool {
        permitted(&self.roles, self.tenant.is_some(), action, on)
    }

    /// Whether they let it where its member stands as close as anybody does.
    #[must_use]
    pub fn may(&self, action: Action) -> bool {
        On::ALL.into_iter().any(|on| self.may_on(action, on))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member() -> MemberId {
        MemberId::new("grocer").unwrap()
    }

    fn is_operators(action: Action) -> bool {
        crate::access::roles_for(action) == [Role::Operator]
    }

    #[test]
    fn nobody_is_shown_by_accident() {
        let who = Who::new("https://id.example", "alice@example", true);
        let caller = Caller::operator(who, 1);
        let shown = format!("{caller:?}");
        assert!(!shown.contains("example") && shown.contains("is_person: true"), "{shown}");
        assert_eq!(caller.principal(), &Principal::new("https://id.example", "alice@example"));
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
        let who = || Who::new("i", "s", false);
        let of =
            |roles: &[Role]| Caller::of_member(member(), who(), roles.iter().copied().collect(), 1);
        assert!(of(&[]).is_none());
        assert!(of(&[Role::Operator]).is_none());
        assert!(of(&[Role::Analyst, Role::Operator]).is_none());
        let analyst = of(&[Role::Analyst]).unwrap();
        assert_eq!(analyst.tenant(), Some(&member()));
        let operator = Caller::operator(who(), 1);
        assert_eq!(operator.tenant(), None);
        for action in Action::all() {
            assert!(!(analyst.may(action) && operator.may(action)), "{action}");
            assert_eq!(operator.may(action), is_operators(action), "{action}");
        }
    }

    #[test]
    fn without_a_tenant_a_role_of_members_gives_nothing() {
        let who = Who::new("i", "s", false);
        let nobody = Caller::new(None, who, Role::ALL.into_iter().collect(), 1);
        for action in Action::all() {
            assert_eq!(nobody.may(action), is_operators(action), "{action}");
        }
    }
}
