//! Which of several collaborations of one name and maker is meant: a call that came late may have made a further one. Pure.

use crate::names;
use crate::seen::{Account, Room};

/// Takes up the one that its maker is in, or the first that was made: so every member says, whatever else it sees. The others stand
/// under names of their own, where nothing is wanted; while its maker is in several, nothing is given.
pub(super) fn take_up(account: &mut Account, name: &str, mut same: Vec<(i64, Room)>) {
    let is_in =
        |room: &Room| room.members.get(&room.creator).is_some_and(|one| one.status == "ACTIVE");
    same.sort_by(|(one, a), (two, b)| (!is_in(a), one, &a.id).cmp(&(!is_in(b), two, &b.id)));
    if same.iter().filter(|(_, room)| is_in(room)).count() > 1 {
        account.strangers.insert(name.to_owned());
    }
    for (index, (_, room)) in same.into_iter().enumerate() {
        let name = if index == 0 { name.to_owned() } else { names::spare(name, &room.id) };
        account.rooms.insert(name, room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seen::Member;
    use std::collections::BTreeMap;

    fn room(id: &str, status: &str) -> Room {
        let (queries, receives) = (true, true);
        let entry = Member { status: status.to_owned(), queries, receives, pays: None };
        Room {
            id: id.to_owned(),
            arn: String::new(),
            creator: "222222222222".to_owned(),
            members: [("222222222222".to_owned(), entry)].into(),
            membership: None,
            schemas: BTreeMap::new(),
            templates: BTreeMap::new(),
        }
    }

    #[test]
    fn of_collaborations_under_one_name_the_one_that_its_maker_is_in_is_meant_or_the_first() {
        let (invited, active) = ("INVITED", "ACTIVE");
        let cases = [
            ([invited, invited, invited], "b", false),
            ([invited, invited, active], "c", false),
            ([active, invited, active], "a", true),
        ];
        for (statuses, meant, ambiguous) in cases {
            let [a, b, c] = statuses;
            let same = vec![(2, room("a", a)), (1, room("b", b)), (3, room("c", c))];
            let mut account = Account::default();
            take_up(&mut account, "airlock.x.analyst.0", same);
            assert_eq!(account.rooms["airlock.x.analyst.0"].id, meant, "{statuses:?}");
            assert_eq!(account.strangers.is_empty(), !ambiguous, "{statuses:?}");
            let spare =
                account.rooms.keys().filter(|key| names::is_spare(key, "airlock.x.analyst.0"));
            assert_eq!(spare.count(), 2, "{statuses:?}");
        }
    }
}
