//! Values that are written whole: what a call that lands late takes away that nobody withdrew; and what was given by several calls
//! and is found withdrawn by one.

use super::*;

const AWS: &str = "aws-clean-rooms";

fn approval(room: &Room, template: &str, of: &str) -> Revocable {
    Revocable::Approval { template: id(template), digest: room.template(), of: id(of) }
}

fn member(name: &str) -> Revocable {
    Revocable::Member { member: id(name) }
}

impl Room {
    /// Agreed, approved, and nothing given yet.
    fn agreed_on_aws() -> Self {
        let mut room = Self::opened();
        let held = serde_json::json!([{ "platform": "native" }, { "platform": AWS }]);
        room.agreement.rooms = serde_json::from_value(held).unwrap();
        room.propose().unwrap();
        room.join("grocer", 1).unwrap();
        room.join("brand", 2).unwrap();
        room.approve("grocer").unwrap();
        room.approve("brand").unwrap();
        room
    }

    fn set(&mut self, effect: Effect, of: Vec<Revocable>, leaves: Vec<Revocable>) -> Code {
        let step = Code::new(&format!("step-{0}-{0}", self.state.size())).unwrap();
        let (name, platform, basis) = (step.clone(), id(AWS), Some(self.state.size()));
        self.gateway(Body::EffectIntended { step: name, platform, effect, of, leaves, basis })
            .unwrap();
        step
    }

    fn ended(&mut self, step: &Code, outcome: Outcome, shown: bool) {
        self.gateway(Body::EffectOutcome { step: step.clone(), outcome, shown }).unwrap();
    }

    fn seen(&mut self, holds: Vec<Revocable>) -> Result<(), &'static str> {
        let basis = self.state.size();
        self.gateway(Body::RoomObserved { platform: id(AWS), holds, basis })
    }

    fn missing(&mut self, what: Revocable) -> Result<(), &'static str> {
        let how = Code::new("missing-repeatedly").unwrap();
        self.gateway(Body::FoundWithdrawn { platform: id(AWS), what, how })
    }
}

#[test]
fn what_a_whole_value_may_take_along_is_no_withdrawal_of_its_owner() {
    for (effect, leaves) in [(Effect::Restrict, false), (Effect::Neutral, true)] {
        let mut room = Room::agreed_on_aws();
        let (own, other) = (approval(&room, "reach", "grocer"), approval(&room, "old", "grocer"));
        let left = if leaves { vec![other.clone()] } else { Vec::new() };
        let step = room.set(effect, vec![other], left);
        // Given since the call was planned.
        room.seen(vec![own.clone(), approval(&room, "reach", "brand")]).unwrap();
        assert_eq!(room.missing(own.clone()), Err("own-act"), "it may have landed");
        room.ended(&step, Outcome::Unknown, false);
        assert_eq!(room.missing(own.clone()), Err("own-act"), "it may land still");
        let brand = approval(&room, "reach", "brand");
        assert!(room.seen(vec![own.clone()]).is_err(), "it is another owner's value");
        room.ended(&step, Outcome::Applied, false);
        assert_eq!(room.missing(own.clone()), Err("own-act"), "it did");
        assert_eq!(room.seen(vec![brand.clone()]), Ok(()));
        assert_eq!(room.missing(brand), Ok(()));
    }
}

#[test]
fn what_a_value_leaves_open_it_does_not_take_along() {
    let mut room = Room::agreed_on_aws();
    let (own, other) = (approval(&room, "reach", "grocer"), approval(&room, "old", "grocer"));
    room.seen(vec![own.clone()]).unwrap();
    room.set(Effect::Restrict, vec![other.clone()], vec![own.clone()]);
    room.set(Effect::Revoke, vec![other], Vec::new());
    assert_eq!(room.missing(own), Ok(()));
}

#[test]
fn several_owners_parts_of_one_text_may_be_found_at_once() {
    let mut room = Room::agreed_on_aws();
    for owner in ["grocer", "brand"] {
        let of = vec![approval(&room, "reach", owner), member("grocer"), member("brand")];
        let step = room.set(Effect::Grant, of, Vec::new());
        room.ended(&step, Outcome::Applied, true);
    }
    assert_eq!(room.missing(approval(&room, "reach", "grocer")), Ok(()));
    assert_eq!(room.missing(approval(&room, "reach", "brand")), Ok(()), "it rests on no part");
}

#[test]
fn what_rests_on_a_member_goes_with_it() {
    let mut room = Room::agreed_on_aws();
    let of = vec![approval(&room, "reach", "brand"), member("grocer")];
    let step = room.set(Effect::Grant, of, Vec::new());
    room.ended(&step, Outcome::Applied, true);
    room.seen(vec![member("grocer")]).unwrap();
    assert_eq!(room.missing(member("grocer")), Ok(()));
    assert_eq!(room.missing(approval(&room, "reach", "brand")), Err("never-held"));
}

#[test]
fn what_was_there_when_a_value_was_planned_that_says_nothing_of_it_is_of_another_value() {
    for outcome in [None, Some(Outcome::Applied)] {
        let mut room = Room::agreed_on_aws();
        let (own, other) = (approval(&room, "reach", "grocer"), approval(&room, "old", "grocer"));
        room.seen(vec![own.clone(), other.clone()]).unwrap();
        let step = room.set(Effect::Restrict, vec![other], Vec::new());
        if let Some(outcome) = outcome {
            room.ended(&step, outcome, false);
        }
        assert_eq!(room.missing(own), Ok(()), "an owner has several tables, each with a rule");
    }
}
