//! What may be asked for, by name, and whether somebody of these roles may ask for it: the policies say so (`policy`), once for everything that
//! they look at, and what they said is kept. Must not know tokens, HTTP or the state of any collaboration.

use super::policy::{Asking, Cedar};
use super::roles::Role;
use crate::stands::Stands;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{LazyLock, PoisonError, RwLock};

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
    /// What waits for a second person, taken back.
    TakeBack,
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
    /// A result that its tenant received, opened to somebody outside.
    Share,
    /// Such a share, or all of a recipient's, taken away.
    Unshare,
    /// Leaves, proofs, checkpoints, tiles.
    ReadLog,
    /// How its own member is reached on platforms, tried.
    TestConnections,
    /// What is well and what isn't, in detail.
    ReadHealthDetail,
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
    const OTHERS: [Self; 22] = [
        Self::ReadCollaboration,
        Self::Check,
        Self::Propose,
        Self::Join,
        Self::Decline,
        Self::Approve,
        Self::Waive,
        Self::Reoffer,
        Self::TakeBack,
        Self::Plan,
        Self::Look,
        Self::Run,
        Self::Cancel,
        Self::ReadResult,
        Self::ReadManifest,
        Self::Share,
        Self::Unshare,
        Self::ReadLog,
        Self::TestConnections,
        Self::ReadHealthDetail,
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
            Self::TakeBack => "take-back",
            Self::Plan => "plan",
            Self::Look => "look",
            Self::Run => "run",
            Self::Cancel => "cancel",
            Self::ReadResult => "read-result",
            Self::ReadManifest => "read-manifest",
            Self::Share => "share",
            Self::Unshare => "unshare",
            Self::ReadLog => "read-log",
            Self::TestConnections => "test-connections",
            Self::ReadHealthDetail => "read-health-detail",
            Self::ReadConfiguration => "read-configuration",
            Self::ReadWorker => "read-worker",
        }
    }

    /// Whether it takes something away, or leaves it untaken: no policy of an operator is asked about these.
    #[must_use]
    pub const fn takes_away(self) -> bool {
        matches!(
            self,
            Self::Withdraw(_) | Self::Decline | Self::Cancel | Self::TakeBack | Self::Unshare
        )
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an action is asked about, as far as roles depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum On {
    /// The gateway.
    Gateway,
    /// A collaboration, and where the caller's member stands towards it; nothing where it is not there yet, or nobody can say.
    Collaboration(Option<Stands>),
}

impl On {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Gateway,
        Self::Collaboration(None),
        Self::Collaboration(Some(Stands::Invited)),
        Self::Collaboration(Some(Stands::Member)),
        Self::Collaboration(Some(Stands::Former)),
    ];
}

/// Everything that an outcome depends on: roles by bits, whether somebody calls in a member's name, what is asked for and about what.
type Key = (u8, bool, Action, On);

/// What the policies said already. Whatever is asked, there are some twenty thousand keys at most.
static SAID: LazyLock<RwLock<HashMap<Key, bool>>> = LazyLock::new(RwLock::default);

/// Whether the policies let somebody of these roles ask for it, who calls in a member's name or in nobody's. Whose the thing is, is asked as well,
/// elsewhere.
#[must_use]
pub fn permitted(roles: &BTreeSet<Role>, of_member: bool, action: Action, on: On) -> bool {
    let key = (bits(roles), of_member, action, on);
    let known = SAID.read().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
    known.unwrap_or_else(|| {
        let may = asked_anew(roles, of_member, action, on);
        SAID.write().unwrap_or_else(PoisonError::into_inner).insert(key, may);
        may
    })
}

/// The same, asked of the policies themselves. Where they can't be asked, nobody may do anything.
fn asked_anew(roles: &BTreeSet<Role>, of_member: bool, action: Action, on: On) -> bool {
    let asking = Asking::of_roles(roles, of_member, action, on);
    Cedar::get().is_some_and(|cedar| cedar.permits(&asking))
}

fn bits(roles: &BTreeSet<Role>) -> u8 {
    let bit = |(n, role): (usize, &Role)| u8::from(roles.contains(role)) << n;
    Role::ALL.iter().enumerate().map(bit).fold(0, |all, one| all | one)
}

/// Whether somebody with these roles may ask for it where it stands as close as anybody does.
#[must_use]
pub fn permits(roles: &BTreeSet<Role>, action: Action) -> bool {
    let may = |of_member| On::ALL.into_iter().any(|on| permitted(roles, of_member, action, on));
    may(true) || may(false)
}

/// The roles that may ask for it, each by itself.
#[must_use]
pub fn roles_for(action: Action) -> Vec<Role> {
    let may = |role: &Role| permits(&BTreeSet::from([*role]), action);
    Role::ALL.into_iter().filter(may).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
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
        take-back                    .            .       .               x       .        .
        plan                         .            x       .               .       .        .
        look                         x            x       .               .       .        .
        run                          .            .       x               .       .        .
        cancel                       .            .       x               .       .        .
        read-result                  .            .       x               .       .        .
        read-manifest                .            .       x               x       .        .
        share                        .            .       .               x       .        .
        unshare                      x            .       .               x       .        .
        read-log                     x            .       .               x       x        .
        test-connections             x            x       .               .       .        .
        read-health-detail           .            .       .               .       .        x
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

    /// How close a member has to stand, by hand.
    fn stands_close_enough(action: Action, on: On) -> bool {
        use Stands::{Invited, Member};
        match action {
            Action::Check
            | Action::ReadHealthDetail
            | Action::ReadConfiguration
            | Action::ReadWorker => on == On::Gateway,
            Action::ReadCollaboration => on != On::Collaboration(None),
            Action::ReadLog | Action::Reoffer => matches!(on, On::Collaboration(Some(_))),
            Action::Propose | Action::Withdraw(_) => matches!(on, On::Collaboration(_)),
            Action::Join | Action::Decline => {
                matches!(on, On::Collaboration(Some(Member | Invited)))
            }
            Action::Approve
            | Action::Waive
            | Action::TakeBack
            | Action::Plan
            | Action::Look
            | Action::Run
            | Action::Cancel
            | Action::ReadResult
            | Action::ReadManifest
            | Action::Share
            | Action::Unshare
            | Action::TestConnections => on == On::Collaboration(Some(Member)),
        }
    }

    fn of_bits(bits: usize) -> BTreeSet<Role> {
        (0..6).filter(|n| bits >> n & 1 == 1).map(|n| Role::ALL[n]).collect()
    }

    /// Two who were not told of each other: the policies, and this table with the one above, over everything there is to ask.
    #[test]
    fn the_policies_say_what_the_tables_say_over_the_whole_space() {
        let table = table();
        let mut asked = 0;
        for action in Action::all() {
            let in_table = |role: &Role| table[&(action.to_string(), role.to_string())];
            for on in On::ALL {
                for bits in 0..64 {
                    let roles = of_bits(bits);
                    for of_member in [true, false] {
                        let is_service = roles_for(action) == [Role::Operator];
                        let expected = is_service != of_member
                            && roles.iter().any(in_table)
                            && stands_close_enough(action, on);
                        let may = permitted(&roles, of_member, action, on);
                        assert_eq!(may, expected, "{roles:?} {of_member}: {action} on {on:?}");
                        asked += 1;
                    }
                }
            }
        }
        assert_eq!(asked, 28 * 5 * 64 * 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn what_was_said_is_what_would_be_said(
            bits in 0_usize..64, of_member: bool, action in 0_usize..28, on in 0_usize..5,
        ) {
            let (roles, on) = (of_bits(bits), On::ALL[on]);
            let action = Action::all().nth(action).unwrap();
            let anew = asked_anew(&roles, of_member, action, on);
            for _ in 0..2 {
                prop_assert_eq!(permitted(&roles, of_member, action, on), anew);
            }
        }
    }
}
