//! What may be written down about platforms, and what that makes of what may be given there.

use super::*;

pub(super) const AWS: &str = "aws-clean-rooms";

pub(super) fn dataset(name: &str) -> Revocable {
    Revocable::Dataset { dataset: id(name) }
}

pub(super) fn member(name: &str) -> Revocable {
    Revocable::Member { member: id(name) }
}

/// Both members, both datasets, the template and its approvals.
pub(super) fn everything(room: &Room) -> Vec<Revocable> {
    let (template, digest) = (id("reach"), room.template());
    let approval = |of: &str| Revocable::Approval { template: id("reach"), digest, of: id(of) };
    vec![
        member("grocer"),
        member("brand"),
        dataset("shoppers"),
        dataset("exposures"),
        Revocable::Template { template, digest },
        approval("grocer"),
        approval("brand"),
    ]
}

impl Room {
    /// A room that is held on these platforms, agreed and approved, and nothing given yet.
    pub(super) fn agreed_on(platforms: &[&str]) -> Self {
        let mut room = Self::opened();
        let held = ["native"].iter().chain(platforms);
        let held: Vec<_> = held.map(|name| serde_json::json!({ "platform": name })).collect();
        room.agreement.rooms = serde_json::from_value(held.into()).unwrap();
        room.propose().unwrap();
        room.join("grocer", 1).unwrap();
        room.join("brand", 2).unwrap();
        room.approve("grocer").unwrap();
        room.approve("brand").unwrap();
        room
    }

    /// A room that is held on two platforms, and open on both.
    pub(super) fn open_on_aws() -> Self {
        let mut room = Self::agreed_on(&[AWS, "snowflake"]);
        for platform in [AWS, "snowflake"] {
            let step = room.grant(platform, everything(&room)).unwrap();
            room.end(&step, Outcome::Applied).unwrap();
            room.observe(platform, everything(&room)).unwrap();
        }
        room
    }

    fn intend_on(
        &mut self,
        platform: &str,
        effect: Effect,
        of: Vec<Revocable>,
        basis: u64,
    ) -> Result<Code, &'static str> {
        self.intend_leaving(platform, (effect, of, Vec::new()), basis)
    }

    /// A step whose value leaves something open.
    pub(super) fn intend_leaving(
        &mut self,
        platform: &str,
        (effect, of, leaves): (Effect, Vec<Revocable>, Vec<Revocable>),
        basis: u64,
    ) -> Result<Code, &'static str> {
        let step = Code::new(&format!("step-{0}-{0}", self.state.size())).unwrap();
        let (name, platform, basis) = (step.clone(), id(platform), Some(basis));
        self.gateway(Body::EffectIntended { step: name, platform, effect, of, leaves, basis })?;
        Ok(step)
    }

    fn grant(&mut self, platform: &str, of: Vec<Revocable>) -> Result<Code, &'static str> {
        self.intend_on(platform, Effect::Grant, of, self.state.size())
    }

    pub(super) fn end(&mut self, step: &Code, outcome: Outcome) -> Result<(), &'static str> {
        self.gateway(Body::EffectOutcome { step: step.clone(), outcome, shown: false })
    }

    pub(super) fn observe(
        &mut self,
        platform: &str,
        holds: Vec<Revocable>,
    ) -> Result<(), &'static str> {
        self.observe_on(platform, holds, self.state.size())
    }

    pub(super) fn observe_on(
        &mut self,
        platform: &str,
        holds: Vec<Revocable>,
        basis: u64,
    ) -> Result<(), &'static str> {
        self.gateway(Body::RoomObserved { platform: id(platform), holds, basis })
    }

    pub(super) fn find(&mut self, what: Revocable) -> Result<(), &'static str> {
        let how = Code::new("final-on-platform").unwrap();
        self.gateway(Body::FoundWithdrawn { platform: id(AWS), what, how })
    }

    pub(super) fn confirm(
        &mut self,
        platform: &str,
        revocation: u64,
        probe: &str,
    ) -> Result<(), &'static str> {
        self.confirm_after(platform, revocation, (probe, 1), self.state.size())
    }

    pub(super) fn confirm_on(
        &mut self,
        platform: &str,
        revocation: u64,
        probe: &str,
        basis: u64,
    ) -> Result<(), &'static str> {
        self.confirm_after(platform, revocation, (probe, 1), basis)
    }

    fn confirm_after(
        &mut self,
        platform: &str,
        revocation: u64,
        (probe, reads): (&str, u32),
        basis: u64,
    ) -> Result<(), &'static str> {
        let (platform, probe) = (id(platform), Code::new(probe).unwrap());
        let seen = Digest::of(b"seen");
        self.gateway(Body::RevocationConfirmed { revocation, platform, reads, basis, probe, seen })
    }

    pub(super) fn newest(&self) -> u64 {
        self.state.size() - 1
    }
}

#[test]
fn nothing_is_given_on_a_plan_that_is_older_than_a_decision() {
    let mut room = Room::open_on_aws();
    let basis = room.state.size();
    let of = vec![dataset("exposures")];
    assert!(room.intend_on(AWS, Effect::Grant, of.clone(), basis).is_ok());
    room.revoke("grocer", dataset("shoppers")).unwrap();
    let basis_of_then = room.state.size() - 1;
    for effect in [Effect::Grant, Effect::Neutral] {
        assert_eq!(room.intend_on(AWS, effect, of.clone(), basis_of_then), Err("plan-stale"));
        let ahead = room.state.size() + 1;
        assert_eq!(room.intend_on(AWS, effect, of.clone(), ahead), Err("plan-stale"));
    }
    for effect in [Effect::Revoke, Effect::Restrict] {
        assert!(room.intend_on(AWS, effect, vec![dataset("shoppers")], 0).is_ok());
    }
    let now = room.state.size();
    assert!(room.intend_on(AWS, Effect::Neutral, of, now).is_ok());
}

#[test]
fn once_intents_say_their_basis_they_always_do() {
    let mut room = Room::open_on_aws();
    let intent = |effect| Body::EffectIntended {
        leaves: Vec::new(),
        step: Code::new("step-old").unwrap(),
        platform: id(AWS),
        effect,
        of: Vec::new(),
        basis: None,
    };
    assert_eq!(room.gateway(intent(Effect::Grant)), Err("basis-missing"));
    assert_eq!(room.gateway(intent(Effect::Revoke)), Ok(()));
    let (step, platform) = (Code::new("step-1").unwrap(), id(AWS));
    let (effect, of) = (Effect::Grant, Vec::new());
    let basis = Some(room.state.size());
    let named = Body::EffectIntended { step, platform, effect, of, leaves: Vec::new(), basis };
    assert_eq!(room.gateway(named), Err("step-name-wrong"));
}

#[test]
fn nothing_of_the_same_thing_is_given_anywhere_before_it_was_seen_closed_everywhere() {
    let mut room = Room::open_on_aws();
    let template = room.template();
    let what = Revocable::Template { template: id("reach"), digest: template };
    room.revoke("brand", what.clone()).unwrap();
    let revocation = room.newest();
    room.approve("grocer").unwrap();
    room.approve("brand").unwrap();
    for platform in [AWS, "snowflake"] {
        assert_eq!(room.grant(platform, vec![what.clone()]), Err("closing-unconfirmed"));
        assert_eq!(room.grant(platform, Vec::new()), Err("withdrawn"), "everything is never given");
        let approval = everything(&room).pop().unwrap();
        assert_eq!(room.grant(platform, vec![approval]), Err("closing-unconfirmed"));
    }
    let other = room.grant(AWS, vec![dataset("exposures")]).unwrap();
    room.end(&other, Outcome::Applied).unwrap();
    assert_eq!(room.confirm(AWS, revocation, "denied"), Ok(()));
    assert_eq!(room.confirm(AWS, revocation, "denied"), Err("confirmed-already"));
    assert_eq!(room.grant(AWS, vec![what.clone()]), Err("closing-unconfirmed"), "the other is not");
    assert_eq!(room.confirm("snowflake", revocation, "served"), Err("seen-open"));
    let unseen = room.confirm_after("snowflake", revocation, ("denied", 0), room.state.size());
    assert_eq!(unseen, Err("seen-open"), "nobody has looked");
    assert_eq!(room.confirm("snowflake", revocation, "not-possible"), Ok(()));
    assert!(room.state.unconfirmed().next().is_none());
    assert!(room.grant(AWS, vec![what]).is_ok());
}

#[test]
fn a_look_proves_nothing_of_what_was_withdrawn_after_it_began() {
    let mut room = Room::open_on_aws();
    room.revoke("grocer", dataset("shoppers")).unwrap();
    let revocation = room.newest();
    for (basis, verdict) in [
        (0, Err("seen-before")),
        (revocation, Err("seen-before")),
        (revocation + 2, Err("seen-before")),
        (revocation + 1, Ok(())),
    ] {
        assert_eq!(room.confirm_on(AWS, revocation, "denied", basis), verdict, "{basis}");
    }
}

#[test]
fn what_was_withdrawn_is_not_given() {
    let mut room = Room::open_on_aws();
    room.revoke("grocer", dataset("shoppers")).unwrap();
    let revocation = room.newest();
    for platform in [AWS, "snowflake"] {
        room.confirm(platform, revocation, "denied").unwrap();
    }
    assert_eq!(room.grant(AWS, vec![dataset("shoppers")]), Err("withdrawn"));
    assert_eq!(room.grant(AWS, vec![dataset("unheard_of")]), Err("withdrawn"));
    assert!(room.grant(AWS, vec![dataset("exposures")]).is_ok());
    room.revoke("grocer", member("grocer")).unwrap();
    assert_eq!(room.grant(AWS, vec![member("grocer")]), Err("withdrawn"));
}

#[test]
fn a_member_holds_its_datasets_and_a_dataset_its_columns() {
    let mut room = Room::open_on_aws();
    let column = Revocable::Column { dataset: id("shoppers"), column: id("age") };
    room.revoke("grocer", column).unwrap();
    let first = room.newest();
    assert_eq!(room.grant(AWS, vec![dataset("shoppers")]), Err("closing-unconfirmed"));
    assert_eq!(room.grant(AWS, vec![member("grocer")]), Err("closing-unconfirmed"));
    assert!(room.grant(AWS, vec![dataset("exposures"), member("brand")]).is_ok());
    for platform in [AWS, "snowflake"] {
        room.confirm(platform, first, "denied").unwrap();
    }
    assert!(room.grant(AWS, vec![dataset("shoppers")]).is_ok(), "it stays, without that column");
    room.revoke("brand", Revocable::Room).unwrap();
    assert_eq!(room.grant(AWS, vec![dataset("exposures")]), Err("room-revoked"));
}

#[test]
fn a_call_that_may_still_land_keeps_it_from_being_closed() {
    let mut room = Room::open_on_aws();
    let late = room.grant(AWS, vec![dataset("shoppers"), member("brand")]).unwrap();
    let other = room.grant(AWS, vec![dataset("exposures")]).unwrap();
    room.revoke("grocer", dataset("shoppers")).unwrap();
    let revocation = room.newest();
    assert_eq!(room.confirm(AWS, revocation, "denied"), Err("grant-unsettled"));
    assert_eq!(room.confirm("snowflake", revocation, "denied"), Ok(()), "it is not there");
    room.end(&late, Outcome::Unknown).unwrap();
    assert_eq!(room.confirm(AWS, revocation, "denied"), Err("grant-unsettled"));
    let before = room.state.size();
    room.end(&late, Outcome::NotApplied).unwrap();
    assert_eq!(
        room.confirm_on(AWS, revocation, "denied", before),
        Err("seen-before"),
        "it could still land when that was seen"
    );
    assert_eq!(
        room.confirm(AWS, revocation, "denied"),
        Ok(()),
        "the other grant is of something else"
    );
    assert_eq!(room.end(&late, Outcome::Applied), Err("intent-missing"), "it has ended");
    assert_eq!(room.state.open_intents(), vec![OpenIntent::Effect(other)]);
    assert_eq!(room.confirm(AWS, 1, "denied"), Err("nothing-to-confirm"));
}

#[test]
fn a_late_call_of_what_holds_it_or_of_everything_keeps_it_open_too() {
    for (effect, of, what) in [
        (Effect::Grant, vec![member("grocer")], dataset("shoppers")),
        (Effect::Neutral, vec![member("grocer")], member("grocer")),
        (Effect::Neutral, Vec::new(), Revocable::Room),
    ] {
        let mut room = Room::open_on_aws();
        let late = room.intend_on(AWS, effect, of, room.state.size()).unwrap();
        room.revoke("grocer", what).unwrap();
        let revocation = room.newest();
        assert_eq!(room.confirm(AWS, revocation, "denied"), Err("grant-unsettled"));
        room.end(&late, Outcome::Applied).unwrap();
        assert_eq!(room.confirm(AWS, revocation, "denied"), Ok(()));
    }
}

#[test]
fn a_late_call_that_brings_a_table_in_lets_nobody_read_it() {
    let mut room = Room::open_on_aws();
    let size = room.state.size();
    room.intend_on(AWS, Effect::Neutral, vec![dataset("shoppers")], size).unwrap();
    room.revoke("grocer", dataset("shoppers")).unwrap();
    assert_eq!(room.confirm(AWS, room.newest(), "denied"), Ok(()));
}

#[test]
fn what_was_set_out_to_be_given_has_to_be_seen_closed_even_if_nobody_looked_yet() {
    let mut room = Room::open_on_aws();
    room.state.platforms.holds.clear();
    room.revoke("grocer", dataset("shoppers")).unwrap();
    let awaited: Vec<&PlatformId> =
        room.state.closures()[&room.newest()].platforms.keys().collect();
    assert_eq!(awaited, [&id::<PlatformId>(AWS), &id("snowflake")]);
}

#[test]
fn what_was_given_again_can_be_found_withdrawn_again() {
    let mut room = Room::open_on_aws();
    let size = room.state.size();
    let taken = room.intend_on(AWS, Effect::Revoke, vec![dataset("shoppers")], size).unwrap();
    room.end(&taken, Outcome::Applied).unwrap();
    assert_eq!(room.find(dataset("shoppers")), Err("own-act"));
    let given = room.grant(AWS, vec![dataset("shoppers")]).unwrap();
    assert_eq!(room.find(dataset("shoppers")), Err("own-act"), "it is not there yet");
    room.end(&given, Outcome::Applied).unwrap();
    assert_eq!(room.find(dataset("shoppers")), Ok(()));
}

#[test]
fn what_an_owner_took_away_there_is_withdrawn_until_it_is_offered_again() {
    let mut room = Room::open_on_aws();
    room.request("run-1").unwrap();
    room.find(dataset("shoppers")).unwrap();
    let index = room.newest();
    assert_eq!(room.find(dataset("shoppers")), Err("already-withdrawn"));
    assert_eq!(room.request("run-2"), Err("dataset-revoked"));
    assert_eq!(room.grant("snowflake", vec![dataset("shoppers")]), Err("withdrawn"));
    let again = |by: &str, what| Body::Reoffered { by: id(by), what };
    assert_eq!(room.member("brand", again("brand", dataset("shoppers"))), Err("not-an-owner"));
    assert_eq!(room.member("brand", again("grocer", dataset("shoppers"))), Err("actor-differs"));
    assert_eq!(
        room.member("brand", again("brand", dataset("exposures"))),
        Err("not-found-withdrawn")
    );
    assert_eq!(room.member("grocer", again("grocer", dataset("shoppers"))), Ok(()));
    assert_eq!(
        room.member("grocer", again("grocer", dataset("shoppers"))),
        Err("not-found-withdrawn")
    );
    assert_eq!(room.state.may_deliver(&id("run-1")).unwrap_err().code, "withdrawn-meanwhile");
    assert_eq!(room.request("run-2"), Ok(()));
    assert_eq!(room.grant("snowflake", vec![dataset("shoppers")]), Err("closing-unconfirmed"));
    for platform in [AWS, "snowflake"] {
        room.confirm(platform, index, "denied").unwrap();
    }
    assert!(room.grant("snowflake", vec![dataset("shoppers")]).is_ok());
}

#[test]
fn offering_again_lifts_no_signed_withdrawal() {
    let mut room = Room::open_on_aws();
    room.find(dataset("shoppers")).unwrap();
    room.revoke("grocer", dataset("shoppers")).unwrap();
    let (by, what) = (id("grocer"), dataset("shoppers"));
    room.member("grocer", Body::Reoffered { by, what }).unwrap();
    assert_eq!(room.request("run-1"), Err("dataset-revoked"));
}

#[test]
fn a_platform_says_nothing_for_a_member_but_that_it_is_gone() {
    let mut room = Room::open_on_aws();
    room.find(member("grocer")).unwrap();
    assert_eq!(room.request("run-1"), Err("member-revoked"));
    // The other can't use that to write it out of the agreement.
    let mut without = room.agreement.clone();
    without.members.remove(&id::<MemberId>("grocer"));
    without.datasets.remove(&id::<DatasetName>("shoppers"));
    room.agreement = without;
    assert_eq!(room.propose_as("brand"), Err("member-dropped"));
    let (by, what) = (id("grocer"), member("grocer"));
    assert_eq!(room.member("grocer", Body::Reoffered { by, what }), Ok(()));
    assert_eq!(room.request("run-1"), Ok(()));
}

#[test]
fn only_what_was_held_and_not_taken_by_ourselves_is_found_withdrawn() {
    let mut room = Room::open_on_aws();
    let column = Revocable::Column { dataset: id("shoppers"), column: id("age") };
    assert_eq!(room.find(column), Err("never-held"));
    assert_eq!(room.find(dataset("unheard_of")), Err("never-held"));
    let size = room.state.size();
    room.intend_on(AWS, Effect::Revoke, vec![dataset("shoppers")], size).unwrap();
    assert_eq!(room.find(dataset("shoppers")), Err("own-act"));
    let size = room.state.size();
    room.intend_on(AWS, Effect::Revoke, Vec::new(), size).unwrap();
    assert_eq!(room.find(member("brand")), Ok(()), "what has no name is nothing of the agreement");
}

#[test]
fn nothing_that_stands_goes_missing_without_a_word() {
    let mut room = Room::open_on_aws();
    let without = |room: &Room, gone: &Revocable| {
        everything(room).into_iter().filter(|one| one != gone).collect::<Vec<_>>()
    };
    let less = without(&room, &dataset("shoppers"));
    assert_eq!(room.observe(AWS, less.clone()), Err("absence-unexplained"));
    assert_eq!(room.observe("native", Vec::new()), Ok(()));
    assert_eq!(room.observe("elsewhere", Vec::new()), Err("room-unknown"));
    room.find(dataset("shoppers")).unwrap();
    assert_eq!(room.observe(AWS, less), Ok(()));
    assert!(!room.state.holding(&id(AWS)).unwrap().things.contains(&dataset("shoppers")));
    // Whoever has left takes its own along, and nobody else's.
    room.revoke("grocer", member("grocer")).unwrap();
    assert_eq!(room.observe(AWS, Vec::new()), Err("absence-unexplained"));
    let left = [member("brand"), dataset("exposures"), everything(&room).remove(6)];
    assert_eq!(room.observe(AWS, left.to_vec()), Ok(()));
    // Who runs makes a room: without one there is none, and nobody else has left it.
    let mut room = Room::open_on_aws();
    room.find(member("brand")).unwrap();
    let less = without(&room, &dataset("shoppers"));
    assert_eq!(room.observe(AWS, less), Err("absence-unexplained"), "who was in is in");
    assert_eq!(room.observe(AWS, Vec::new()), Ok(()));
}

#[test]
fn what_this_gateway_takes_away_is_its_own_act_until_it_was_seen_to_stay() {
    let mut room = Room::open_on_aws();
    let all = everything(&room);
    let shoppers = || vec![dataset("shoppers")];
    let take = |room: &mut Room| {
        room.intend_on(AWS, Effect::Restrict, shoppers(), room.state.size()).unwrap()
    };
    // While its end is unknown, however often it is seen.
    let step = take(&mut room);
    room.end(&step, Outcome::Unknown).unwrap();
    room.observe(AWS, all.clone()).unwrap();
    assert_eq!(room.find(dataset("shoppers")), Err("own-act"));
    // What ended while it was looked at may not show itself in that yet.
    let began = room.state.size();
    room.end(&step, Outcome::Applied).unwrap();
    room.observe_on(AWS, all.clone(), began).unwrap();
    assert_eq!(room.find(dataset("shoppers")), Err("own-act"));
    assert_eq!(room.observe_on(AWS, all.clone(), room.state.size() + 1), Err("seen-before"));
    // It is there all the same, so whatever takes it away later is somebody else.
    room.observe(AWS, all).unwrap();
    // What is known to have failed took nothing away.
    let step = take(&mut room);
    room.end(&step, Outcome::NotApplied).unwrap();
    assert_eq!(room.find(dataset("shoppers")), Ok(()));
}

#[test]
fn a_version_that_says_otherwise_closes_what_it_leaves() {
    let mut room = Room::open_on_aws();
    let mut next = room.agreement.clone();
    next.rooms.retain(|held| held.platform != id("snowflake"));
    let rule = serde_json::json!({ "entities_min": 2, "join": "optional" });
    next.datasets.get_mut(&id::<DatasetName>("shoppers")).unwrap().rule =
        serde_json::from_value(rule).unwrap();
    room.agreement = next;
    room.propose().unwrap();
    room.join("grocer", 1).unwrap();
    assert!(room.state.closures().is_empty(), "not in force yet");
    room.join("brand", 2).unwrap();
    let index = room.newest();
    let closure = &room.state.closures()[&index];
    assert_eq!(closure.what, vec![dataset("shoppers")]);
    let left: Vec<bool> = closure.platforms.values().map(|awaited| awaited.left).collect();
    assert_eq!(left, [false, true], "aws-clean-rooms, snowflake");
    assert_eq!(room.grant(AWS, vec![dataset("shoppers")]), Err("closing-unconfirmed"));
    assert!(room.grant(AWS, vec![dataset("exposures")]).is_ok());
    assert_eq!(
        room.grant("snowflake", vec![dataset("exposures")]),
        Err("withdrawn"),
        "a room that was left gets nothing"
    );
    assert_eq!(room.state.past().len(), 1);
}

#[test]
fn a_platform_that_was_never_touched_has_nothing_to_close() {
    let mut room = Room::ready();
    room.revoke("grocer", dataset("shoppers")).unwrap();
    assert!(room.state.closures().is_empty());
}

#[test]
fn alarms_are_kept_and_only_of_rooms_that_are_known() {
    let mut room = Room::open_on_aws();
    let alarm = |platform: &str| Body::DriftFound {
        platform: id(platform),
        class: Code::new("loosened").unwrap(),
        of: vec![dataset("shoppers")],
    };
    assert_eq!(room.gateway(alarm("elsewhere")), Err("room-unknown"));
    for _ in 0..20 {
        room.gateway(alarm(AWS)).unwrap();
    }
    assert_eq!(room.state.alarms().len(), 16);
    assert_eq!(room.member("brand", alarm(AWS)), Err("actor-differs"));
}
