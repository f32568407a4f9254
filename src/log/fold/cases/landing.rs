//! Calls that land late, and what an answer showed that no look has shown yet.

use super::platforms::{AWS, dataset, everything, member};
use super::*;

impl Room {
    /// A step whose value leaves something open.
    pub(super) fn leaving(
        &mut self,
        effect: Effect,
        of: Vec<Revocable>,
        leaves: Vec<Revocable>,
    ) -> Code {
        self.intend_leaving(AWS, (effect, of, leaves), self.state.size()).unwrap()
    }

    /// Done, as the answer shows.
    pub(super) fn shown(&mut self, step: &Code) {
        let outcome = Outcome::Applied;
        self.gateway(Body::EffectOutcome { step: step.clone(), outcome, shown: true }).unwrap();
    }

    fn part(&self, of: &str) -> Revocable {
        let (template, digest) = (id("reach"), self.template());
        Revocable::Approval { template, digest, of: id(of) }
    }

    /// Both members are in, and nothing else is seen.
    fn empty_on_aws() -> Self {
        let mut room = Self::open_on_aws();
        let held = vec![member("grocer"), member("brand")];
        for one in everything(&room).into_iter().filter(|one| !held.contains(one)) {
            let step = room.leaving(Effect::Revoke, vec![one], Vec::new());
            room.end(&step, Outcome::Applied).unwrap();
        }
        room.observe(AWS, held).unwrap();
        room
    }
}

#[test]
fn what_a_late_value_leaves_open_is_not_closed() {
    for (effect, outcome) in [
        (Effect::Restrict, None),
        (Effect::Restrict, Some(Outcome::Unknown)),
        (Effect::Neutral, None),
        (Effect::Grant, None),
    ] {
        for leaves in [true, false] {
            let mut room = Room::open_on_aws();
            let left = if leaves { vec![room.part("grocer")] } else { Vec::new() };
            let step = room.leaving(effect, vec![room.part("brand")], left);
            if let Some(outcome) = outcome {
                room.end(&step, outcome).unwrap();
            }
            let what = room.part("grocer");
            room.revoke("grocer", what).unwrap();
            let revocation = room.newest();
            let confirmed = room.confirm(AWS, revocation, "denied");
            if !leaves {
                assert_eq!(confirmed, Ok(()), "{effect:?}");
                continue;
            }
            assert_eq!(confirmed, Err("grant-unsettled"), "{effect:?}");
            let basis = room.state.size();
            room.end(&step, Outcome::Applied).unwrap();
            assert_eq!(room.confirm_on(AWS, revocation, "denied", basis), Err("seen-before"));
            assert_eq!(room.confirm(AWS, revocation, "denied"), Ok(()));
        }
    }
}

#[test]
fn what_an_answer_showed_can_be_found_withdrawn_and_what_only_was_said_cannot() {
    for effect in [Effect::Grant, Effect::Neutral] {
        let mut room = Room::empty_on_aws();
        let both = vec![dataset("shoppers"), dataset("exposures")];
        let step = room.leaving(effect, both, Vec::new());
        room.end(&step, Outcome::Applied).unwrap();
        assert_eq!(room.find(dataset("shoppers")), Err("never-held"));
        let both = vec![dataset("shoppers"), dataset("exposures")];
        let step = room.leaving(effect, both, Vec::new());
        room.shown(&step);
        assert_eq!(room.find(dataset("shoppers")), Ok(()));
        assert_eq!(room.find(dataset("exposures")), Ok(()), "each for itself");
        assert_eq!(room.find(dataset("exposures")), Err("never-held"), "once");
    }
}

#[test]
fn what_a_thing_rests_on_was_not_given_with_it() {
    let mut room = Room::empty_on_aws();
    let of = vec![room.part("grocer"), dataset("shoppers"), member("brand")];
    let step = room.leaving(Effect::Grant, of, Vec::new());
    room.shown(&step);
    assert_eq!(room.find(dataset("shoppers")), Err("never-held"));
    let part = room.part("grocer");
    assert_eq!(room.find(part), Ok(()));
}

#[test]
fn what_was_withdrawn_while_it_was_given_is_missed_by_nobody() {
    for late in [true, false] {
        let mut room = Room::empty_on_aws();
        let part = room.part("grocer");
        let step = room.leaving(Effect::Grant, vec![part.clone()], Vec::new());
        if !late {
            room.shown(&step);
        }
        room.revoke("grocer", part.clone()).unwrap();
        let revocation = room.newest();
        if late {
            room.shown(&step);
        }
        assert_eq!(room.confirm(AWS, revocation, "denied"), Ok(()));
        assert_eq!(room.confirm("snowflake", revocation, "denied"), Ok(()));
        room.approve("grocer").unwrap();
        assert_eq!(room.find(part), Err("never-held"), "{late}");
    }
}

#[test]
fn what_was_taken_away_after_it_was_intended_is_missed_by_nobody() {
    let mut room = Room::empty_on_aws();
    let step = room.leaving(Effect::Grant, vec![dataset("shoppers")], Vec::new());
    let away = room.leaving(Effect::Revoke, vec![dataset("shoppers")], Vec::new());
    room.end(&away, Outcome::Applied).unwrap();
    room.shown(&step);
    assert_eq!(room.find(dataset("shoppers")), Err("never-held"));
}

#[test]
fn a_look_that_shows_it_ends_the_doubt() {
    let mut room = Room::empty_on_aws();
    let step = room.leaving(Effect::Grant, vec![dataset("shoppers")], Vec::new());
    room.shown(&step);
    let now = room.state.size();
    assert_eq!(room.state.given_by(&id(AWS), now).count(), 1);
    assert_eq!(room.state.given_by(&id(AWS), now - 1).count(), 0, "it was not given then");
    let holds = vec![member("grocer"), member("brand"), dataset("shoppers")];
    room.observe_on(AWS, holds.clone(), now - 1).unwrap();
    assert_eq!(room.state.given_by(&id(AWS), now).count(), 1, "an old look");
    room.observe(AWS, holds).unwrap();
    assert_eq!(room.state.given_by(&id(AWS), now).count(), 0);
}

#[test]
fn a_whole_room_is_offered_again_by_all() {
    let mut room = Room::open_on_aws();
    room.find(Revocable::Room).unwrap();
    let again =
        |room: &mut Room, by: &str, what| room.member(by, Body::Reoffered { by: id(by), what });
    assert_eq!(again(&mut room, "brand", Revocable::Room), Ok(()));
    assert!(room.state.revoked(&Revocable::Room).is_some(), "the other has not");
    assert_eq!(again(&mut room, "brand", Revocable::Room), Err("reoffered-already"));
    assert_eq!(again(&mut room, "grocer", Revocable::Room), Ok(()));
    assert!(room.state.revoked(&Revocable::Room).is_none());
}
