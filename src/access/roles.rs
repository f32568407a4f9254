//! The closed list of roles. Must not know what they may do.

use std::fmt;
use std::str::FromStr;

/// What somebody is to its organisation, or to this gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Enters and leaves collaborations in its member's name.
    MemberAdmin,
    /// Looks after its member's datasets.
    DataSteward,
    /// Runs approved templates, and reads results.
    Analyst,
    /// Says what may be done with its member's data.
    PrivacyOfficer,
    /// Reads what is on record.
    Auditor,
    /// Runs the service, belongs to no member, and reads no one's data.
    Operator,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::MemberAdmin,
        Self::DataSteward,
        Self::Analyst,
        Self::PrivacyOfficer,
        Self::Auditor,
        Self::Operator,
    ];

    /// As tokens name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MemberAdmin => "member-admin",
            Self::DataSteward => "data-steward",
            Self::Analyst => "analyst",
            Self::PrivacyOfficer => "privacy-officer",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Not one of the six.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is member-admin, data-steward, analyst, privacy-officer, auditor or operator")]
pub struct RoleUnknown;

impl FromStr for Role {
    type Err = RoleUnknown;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or(RoleUnknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact_and_come_back() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
            assert_eq!(role.to_string(), role.name());
        }
        for other in ["", "Analyst", "analyst ", "member_admin", "operators", "admin"] {
            assert_eq!(other.parse::<Role>(), Err(RoleUnknown), "{other}");
        }
    }
}
