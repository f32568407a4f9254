//! Values that are written whole: what a call that lands late takes away that nobody withdrew; and what was given by several calls
//! and is found withdrawn by one.

use super::platforms::{AWS, member};
use super::*;

fn approval(room: &Room, template: &str, of: &str) -> Revocable {
    Revocable::Approval { template: id(template), digest: room.template(), of: id(of) }
}

#[test]
fn what_a_whole_value_may_take_along_is_no_withdrawal_of_its_owner() {
    for (effect, leaves) in [(Effect::Restrict, false), (Effect::Neutral, true)] {
        let mut room = Room::agreed_on(&[AWS]);
        let (own, other) = (approval(&room, "reach", "grocer"), approval(&room, "old", "grocer"));
        let left = if leaves { vec![other.clone()] } else { Vec::new() };
        let step = room.leaving(effect, vec![other], left);
        // Given since the call was planned.
        room.observe(AWS, vec![own.clone(), approval(&room, "reach", "brand")]).unwrap();
        assert_eq!(room.find(own.clone()), Err("own-act"), "it may have landed");
        room.end(&step, Outcome::Unknown).unwrap();
        assert_eq!(room.find(own.clone()), Err("own-act"), "it may land still");
        let brand = approval(&room, "reach", "brand");
        assert!(room.observe(AWS, vec![own.clone()]).is_err(), "it is another owner's value");
        room.end(&step, Outcome::Applied).unwrap();
        assert_eq!(room.find(own.clone()), Err("own-act"), "it did");
        assert_eq!(room.observe(AWS, vec![brand.clone()]), Ok(()));
        assert_eq!(room.find(brand), Ok(()));
    }
}

#[test]
fn what_a_value_leaves_open_it_does_not_take_along() {
    let mut room = Room::agreed_on(&[AWS]);
    let (own, other) = (approval(&room, "reach", "grocer"), approval(&room, "old", "grocer"));
    room.observe(AWS, vec![own.clone()]).unwrap();
    room.leaving(Effect::Restrict, vec![other.clone()], vec![own.clone()]);
    room.leaving(Effect::Revoke, vec![other], Vec::new());
    assert_eq!(room.find(own), Ok(()));
}

#[test]
fn several_owners_parts_of_one_text_may_be_found_at_once() {
    let mut room = Room::agreed_on(&[AWS]);
    for owner in ["grocer", "brand"] {
        let of = vec![approval(&room, "reach", owner), member("grocer"), member("brand")];
        let step = room.leaving(Effect::Grant, of, Vec::new());
        room.shown(&step);
    }
    assert_eq!(room.find(approval(&room, "reach", "grocer")), Ok(()));
    assert_eq!(room.find(approval(&room, "reach", "brand")), Ok(()), "it rests on no part");
}

#[test]
fn what_rests_on_a_member_goes_with_it() {
    let mut room = Room::agreed_on(&[AWS]);
    let of = vec![approval(&room, "reach", "brand"), member("grocer")];
    let step = room.leaving(Effect::Grant, of, Vec::new());
    room.shown(&step);
    room.observe(AWS, vec![member("grocer")]).unwrap();
    assert_eq!(room.find(member("grocer")), Ok(()));
    assert_eq!(room.find(approval(&room, "reach", "brand")), Err("never-held"));
}

#[test]
fn what_was_there_when_a_value_was_planned_that_says_nothing_of_it_is_of_another_value() {
    for outcome in [None, Some(Outcome::Applied)] {
        let mut room = Room::agreed_on(&[AWS]);
        let (own, other) = (approval(&room, "reach", "grocer"), approval(&room, "old", "grocer"));
        room.observe(AWS, vec![own.clone(), other.clone()]).unwrap();
        let step = room.leaving(Effect::Restrict, vec![other], Vec::new());
        if let Some(outcome) = outcome {
            room.end(&step, outcome).unwrap();
        }
        assert_eq!(room.find(own), Ok(()), "an owner has several tables, each with a rule");
    }
}
