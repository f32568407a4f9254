//! What each role may ask for: one table, and what is not in it is refused. Pure, and about roles alone; it stands behind one function so that
//! policies can take its place. Must not know tokens, HTTP or the state of any collaboration.

use super::roles::Role;
use std::collections::BTreeSet;
use std::fmt;

/// What a caller asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Collaborations, agreements, members, datasets, templates, kept plans, rooms, withdrawals with their evidence, the state of own runs.
    ReadCollaboration,
    /// What the guard and the fold would say to an agreement; nothing is kept.
    Check,
    /// An agreement, first or next.
    Propose,
    /// The agreement that waits, accepted.
    Join,
    /// The agreement that waits, declined.
    Decline,
    /// A template, as an owner of datasets that it touches.
    Approve,
    /// A term, held more loosely by a room.
    Waive,
    /// What was found taken away, offered again.
    Reoffer,
    /// A withdrawal. Leaving is that of the membership.
    Withdraw(Withdrawn),
    /// What the next pass would do in a room, asked of its platform.
    Plan,
    /// A room, looked at soon.
    Look,
    /// A run.
    Run,
    /// The end of an own run.
    Cancel,
    /// Results of which its tenant is a receiver.
    ReadResult,
    /// What a result's manifest says, without the result.
    ReadManifest,
    /// Leaves, proofs, checkpoints, tiles.
    ReadLog,
    /// How its own member is reached on platforms, tried.
    TestConnections,
    /// What is well and what isn't, in detail.
    ReadHealthDetail,
    /// Metrics.
    ReadMetrics,
    /// What is set, without secrets.
    ReadConfiguration,
    /// What the worker does, without names.
    ReadWorker,
}

/// What is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Withdrawn {
    /// The tenant's own membership.
    Membership,
    /// A dataset of the tenant.
    Dataset,
    /// A column of the tenant's dataset.
    Column,
    /// A template version.
    Template,
    /// The tenant's approval of a template version.
    Approval,
    /// The whole room.
    Room,
}

impl Withdrawn {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Membership, Self::Dataset, Self::Column, Self::Template, Self::Approval, Self::Room];
}

impl Action {
    const OTHERS: [Self; 20] = [
        Self::ReadCollaboration,
        Self::Check,
        Self::Propose,
        Self::Join,
        Self::Decline,
        Self::Approve,
        Self::Waive,
        Self::Reoffer,
        Self::Plan,
        Self::Look,
        Self::Run,
        Self::Cancel,
        Self::ReadResult,
        Self::ReadManifest,
        Self::ReadLog,
        Self::TestConnections,
        Self::ReadHealthDetail,
        Self::ReadMetrics,
        Self::ReadConfiguration,
        Self::ReadWorker,
    ];

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::OTHERS.into_iter().chain(Withdrawn::ALL.map(Self::Withdraw))
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadCollaboration => "read-collaboration",
            Self::Check => "check",
            Self::Propose => "propose",
            Self::Join => "join",
            Self::Decline => "decline",
            Self::Approve => "approve",
            Self::Waive => "waive",
            Self::Reoffer => "reoffer",
            Self::Withdraw(Withdrawn::Membership) => "withdraw-membership",
            Self::Withdraw(Withdrawn::Dataset) => "withdraw-dataset",
            Self::Withdraw(Withdrawn::Column) => "withdraw-column",
            Self::Withdraw(Withdrawn::Template) => "withdraw-template",
            Self::Withdraw(Withdrawn::Approval) => "withdraw-approval",
            Self::Withdraw(Withdrawn::Room) => "withdraw-room",
            Self::Plan => "plan",
            Self::Look => "look",
            Self::Run => "run",
            Self::Cancel => "cancel",
            Self::ReadResult => "read-result",
            Self::ReadManifest => "read-manifest",
            Self::ReadLog => "read-log",
            Self::TestConnections => "test-connections",
            Self::ReadHealthDetail => "read-health-detail",
            Self::ReadMetrics => "read-metrics",
            Self::ReadConfiguration => "read-configuration",
            Self::ReadWorker => "read-worker",
        }
    }

    /// Whether it is about the service and no member's: the operator's, and nobody else's.
    #[must_use]
    pub fn is_operators(self) -> bool {
        roles_for(self) == [Role::Operator]
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The table: whoever has one of these roles may ask for it, and nobody else.
#[must_use]
pub const fn roles_for(action: Action) -> &'static [Role] {
    use Role::{Analyst, Auditor, DataSteward, MemberAdmin, Operator, PrivacyOfficer};
    match action {
        Action::ReadCollaboration | Action::Check => {
            &[MemberAdmin, DataSteward, Analyst, PrivacyOfficer, Auditor]
        }
        Action::Propose | Action::Join | Action::Decline => &[MemberAdmin],
        Action::Approve | Action::Waive => &[PrivacyOfficer],
        Action::Reoffer | Action::Plan => &[DataSteward],
        Action::Withdraw(what) => match what {
            Withdrawn::Membership => &[MemberAdmin, PrivacyOfficer],
            Withdrawn::Dataset | Withdrawn::Column => &[DataSteward, PrivacyOfficer],
            Withdrawn::Template | Withdrawn::Approval | Withdrawn::Room => &[PrivacyOfficer],
        },
        Action::Look | Action::TestConnections => &[MemberAdmin, DataSteward],
        Action::Run | Action::Cancel | Action::ReadResult => &[Analyst],
        Action::ReadManifest => &[Analyst, PrivacyOfficer],
        Action::ReadLog => &[MemberAdmin, PrivacyOfficer, Auditor],
        Action::ReadHealthDetail
        | Action::ReadMetrics
        | Action::ReadConfiguration
        | Action::ReadWorker => &[Operator],
    }
}

/// Whether somebody with these roles may ask for it. Whose the thing is, and whether it is there for the caller, is asked as well, elsewhere.
#[must_use]
pub fn permits(roles: &BTreeSet<Role>, action: Action) -> bool {
    roles_for(action).iter().any(|role| roles.contains(role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// By hand, from what each role is for. `x` may, `.` may not.
    const TABLE: &str = "
                          member-admin data-steward analyst privacy-officer auditor operator
        read-collaboration           x            x       x               x       x        .
        check                        x            x       x               x       x        .
        propose                      x            .       .               .       .        .
        join                         x            .       .               .       .        .
        decline                      x            .       .               .       .        .
        approve                      .            .       .               x       .        .
        waive                        .            .       .               x       .        .
        reoffer                      .            x       .               .       .        .
        withdraw-membership          x            .       .               x       .        .
        withdraw-dataset             .            x       .               x       .        .
        withdraw-column              .            x       .               x       .        .
        withdraw-template            .            .       .               x       .        .
        withdraw-approval            .            .       .               x       .        .
        withdraw-room                .            .       .               x       .        .
        plan                         .            x       .               .       .        .
        look                         x            x       .               .       .        .
        run                          .            .       x               .       .        .
        cancel                       .            .       x               .       .        .
        read-result                  .            .       x               .       .        .
        read-manifest                .            .       x               x       .        .
        read-log                     x            .       .               x       x        .
        test-connections             x            x       .               .       .        .
        read-health-detail           .            .       .               .       .        x
        read-metrics                 .            .       .               .       .        x
        read-configuration           .            .       .               .       .        x
        read-worker                  .            .       .               .       .        x";

    fn table() -> BTreeMap<(String, String), bool> {
        let mut lines = TABLE.trim().lines().map(|line| line.split_whitespace());
        let roles: Vec<&str> = lines.next().unwrap().collect();
        let mut cells = BTreeMap::new();
        for mut line in lines {
            let action = line.next().unwrap();
            let marks: Vec<&str> = line.collect();
            assert_eq!(marks.len(), roles.len(), "{action}");
            for (role, mark) in roles.iter().zip(marks) {
                assert!(mark == "x" || mark == ".", "{action}: {mark}");
                let cell = (action.to_owned(), (*role).to_owned());
                assert_eq!(cells.insert(cell, mark == "x"), None, "{action} twice");
            }
        }
        cells
    }

    #[test]
    fn each_role_may_what_the_table_says_and_nothing_else() {
        let mut table = table();
        for action in Action::all() {
            for role in Role::ALL {
                let cell = table.remove(&(action.to_string(), role.to_string()));
                let may = permits(&BTreeSet::from([role]), action);
                assert_eq!(Some(may), cell, "{role}: {action}");
            }
        }
        assert!(table.is_empty(), "cells that nobody asked for: {table:?}");
    }

    #[test]
    fn roles_add_up_and_none_is_nothing() {
        for bits in 0_usize..64 {
            let roles: BTreeSet<Role> =
                (0..6).filter(|n| bits >> n & 1 == 1).map(|n| Role::ALL[n]).collect();
            for action in Action::all() {
                let any = roles.iter().any(|role| permits(&BTreeSet::from([*role]), action));
                assert_eq!(permits(&roles, action), any, "{roles:?}: {action}");
            }
        }
    }

    #[test]
    fn what_is_the_operators_is_nobody_elses() {
        for action in Action::all() {
            let may = roles_for(action);
            assert!(!may.is_empty(), "{action}");
            assert!(!may.contains(&Role::Operator) || may.len() == 1, "{action}");
        }
    }
}
