//! Who is a party, and for how long.

use super::*;
use crate::stands::Stands;
use crate::stands::Stands::{Former, Invited, Member};

fn stands(room: &Room) -> Vec<(String, Stands)> {
    let parties = room.state.parties();
    parties.into_iter().map(|(member, stands)| (member.to_string(), stands)).collect()
}

fn are(room: &Room, expected: &[(&str, Stands)]) {
    let expected: Vec<_> =
        expected.iter().map(|(who, stands)| ((*who).to_owned(), *stands)).collect();
    assert_eq!(stands(room), expected);
}

fn tenure(room: &Room, who: &str) -> Option<(u64, Option<u64>)> {
    room.state.tenure(&id(who)).map(|tenure| (tenure.since, tenure.until))
}

fn membership(who: &str) -> Revocable {
    Revocable::Member { member: id(who) }
}

fn invite_press(room: &mut Room) {
    let brand = room.agreement.members[&id::<MemberId>("brand")].clone();
    room.agreement.members.insert(id("press"), brand);
}

/// The agreement without the grocer and what is its own.
fn drop_grocer(room: &mut Room) {
    room.agreement.members.remove(&id::<MemberId>("grocer"));
    room.agreement.datasets.remove(&id::<DatasetName>("shoppers"));
}

/// How long the log is: the position of the next leaf.
fn next(room: &Room) -> u64 {
    room.state.size()
}

#[test]
fn whoever_is_named_is_invited_and_whoever_accepts_is_a_member() {
    let mut room = Room::opened();
    are(&room, &[]);
    room.propose().unwrap();
    are(&room, &[("brand", Invited), ("grocer", Invited)]);
    room.join("grocer", 1).unwrap();
    are(&room, &[("brand", Invited), ("grocer", Member)]);
    assert_eq!(tenure(&room, "grocer"), None, "nothing is in force");
    let last = next(&room);
    room.join("brand", 2).unwrap();
    are(&room, &[("brand", Member), ("grocer", Member)]);
    for who in ["brand", "grocer"] {
        assert_eq!(tenure(&room, who), Some((last, None)));
    }
    assert_eq!(tenure(&room, "press"), None);
}

#[test]
fn whoever_declines_is_nobody_until_asked_anew() {
    let mut room = Room::opened();
    room.propose().unwrap();
    room.join("grocer", 1).unwrap();
    let leaf = room.leaf(Actor::Member(id("brand")), Body::Declined { member: id("brand") });
    room.take(&leaf).unwrap();
    are(&room, &[("grocer", Member)]);
    room.propose().unwrap();
    are(&room, &[("brand", Invited), ("grocer", Invited)]);
}

#[test]
fn a_member_stays_one_whatever_it_says_to_the_next_version_and_a_guest_is_none_before_all_accepted()
{
    let mut room = Room::joined();
    let first = tenure(&room, "brand");
    invite_press(&mut room);
    room.propose().unwrap();
    are(&room, &[("brand", Member), ("grocer", Member), ("press", Invited)]);
    room.join("press", 3).unwrap();
    are(&room, &[("brand", Member), ("grocer", Member), ("press", Invited)]);
    room.member("brand", Body::Declined { member: id("brand") }).unwrap();
    are(&room, &[("brand", Member), ("grocer", Member), ("press", Invited)]);
    assert_eq!(tenure(&room, "press"), None);
    room.propose().unwrap();
    for (who, key) in [("press", 3), ("grocer", 1)] {
        room.join(who, key).unwrap();
    }
    let last = next(&room);
    room.join("brand", 2).unwrap();
    are(&room, &[("brand", Member), ("grocer", Member), ("press", Member)]);
    assert_eq!(tenure(&room, "press"), Some((last, None)));
    assert_eq!(tenure(&room, "brand"), first, "the first version with it counts");
}

#[test]
fn whoever_left_is_a_former_one_from_its_own_leaf_on() {
    let mut room = Room::joined();
    let (since, left) = (tenure(&room, "grocer").unwrap().0, next(&room));
    room.revoke("grocer", membership("grocer")).unwrap();
    let over = Some((since, Some(left)));
    are(&room, &[("brand", Member), ("grocer", Former)]);
    assert_eq!(tenure(&room, "grocer"), over);
    room.revoke("grocer", membership("grocer")).unwrap();
    assert_eq!(tenure(&room, "grocer"), over, "it can't leave later by saying it again");
    drop_grocer(&mut room);
    room.propose_as("brand").unwrap();
    are(&room, &[("brand", Member), ("grocer", Former)]);
    room.join("brand", 2).unwrap();
    are(&room, &[("brand", Member), ("grocer", Former)]);
    assert_eq!(tenure(&room, "grocer"), over, "a version without it comes too late to matter");
}

#[test]
fn whoever_leaves_what_is_not_in_force_was_never_of_it() {
    let mut room = Room::opened();
    room.propose().unwrap();
    room.join("grocer", 1).unwrap();
    let left = next(&room);
    room.revoke("grocer", membership("grocer")).unwrap();
    are(&room, &[("brand", Invited)]);
    assert_eq!(tenure(&room, "grocer"), None);
    // It had accepted: with the last of the others the version is in force, and it may still take away what is its own.
    let bound = next(&room);
    room.join("brand", 2).unwrap();
    are(&room, &[("brand", Member), ("grocer", Former)]);
    assert_eq!(tenure(&room, "grocer"), Some((bound, Some(left))));
    // A guest of the version that waits is gone when it leaves.
    let mut room = Room::joined();
    invite_press(&mut room);
    room.propose().unwrap();
    room.join("press", 3).unwrap();
    room.revoke("press", membership("press")).unwrap();
    are(&room, &[("brand", Member), ("grocer", Member)]);
    assert_eq!(tenure(&room, "press"), None);
}

#[test]
fn only_its_own_leaf_on_record_makes_a_member_a_former_one() {
    let mut room = Room::joined();
    let pending = room.state.denying(vec![membership("grocer")]);
    assert_eq!(pending.parties(), room.state.parties());
    assert_eq!(pending.tenure(&id("grocer")), room.state.tenure(&id("grocer")));
    room.revoke("grocer", Revocable::Room).unwrap();
    room.revoke("brand", Revocable::Dataset { dataset: id("exposures") }).unwrap();
    are(&room, &[("brand", Member), ("grocer", Member)]);
}

#[test]
fn whoever_is_left_out_is_a_former_one_from_that_version_on() {
    // No legal log leaves out whoever has not left; if one did, its sight would end there.
    let mut room = Room::opened();
    room.state.tenures.bind(3, &room.agreement);
    drop_grocer(&mut room);
    room.state.tenures.bind(5, &room.agreement);
    are(&room, &[("brand", Member), ("grocer", Former)]);
    assert_eq!(
        (tenure(&room, "brand"), tenure(&room, "grocer")),
        (Some((3, None)), Some((3, Some(5))))
    );
}
