//! Versions of an agreement: who proposes one, who is bound by it, and what it can't change without those whom it touches.

use super::*;

/// The agreement with one more member.
fn with_stranger(agreement: &Agreement) -> Agreement {
    let mut wider = agreement.clone();
    let brand = wider.members[&id::<MemberId>("brand")].clone();
    wider.members.insert(id("press"), brand);
    wider
}

#[test]
fn what_members_accepted_is_theirs_to_replace() {
    let mut room = Room::ready();
    room.agreement = with_stranger(&room.agreement);
    assert_eq!(room.propose_as("press"), Err("member-unknown"));
    assert_eq!(room.propose_as("brand"), Ok(()));
    room.agreement.description = "again".to_owned();
    let body = room.proposed();
    assert_eq!(room.gateway(body), Err("actor-differs"));
    assert_eq!(room.propose_as("brand"), Ok(()));
    // A log of an earlier build, in which the gateway wrote for its members, is read all the same.
    let mut room = Room::ready();
    room.agreement.description = "again".to_owned();
    let body = room.proposed();
    assert_eq!(room.gateway(body), Ok(()));
    // Nor does whoever waits to come in replace what waits with it.
    let mut room = Room::opened();
    room.propose().unwrap();
    room.agreement = with_stranger(&room.agreement);
    assert_eq!(room.propose_as("press"), Err("member-unknown"));
}

#[test]
fn whoever_is_named_in_a_proposal_has_no_say_before_all_accepted_it() {
    let mut room = Room::ready();
    room.agreement = with_stranger(&room.agreement);
    room.propose().unwrap();
    room.join("press", 3).unwrap();
    let template = whole_template(&room);
    assert_eq!(room.revoke("press", Revocable::Room), Err("member-not-joined"));
    assert_eq!(room.revoke("press", template.clone()), Err("member-not-joined"));
    assert_eq!(room.revoke("press", Revocable::Member { member: id("press") }), Ok(()));
    room.request("run-1").unwrap();
    // Once all have, it does; and so does whoever accepted the first one that waits.
    let mut room = Room::ready();
    room.agreement = with_stranger(&room.agreement);
    room.propose().unwrap();
    for (who, key) in [("press", 3), ("grocer", 1), ("brand", 2)] {
        room.join(who, key).unwrap();
    }
    assert_eq!(room.revoke("press", template), Ok(()));
    assert_eq!(room.revoke("press", Revocable::Room), Ok(()));
    let mut room = Room::opened();
    room.propose().unwrap();
    assert_eq!(room.revoke("grocer", Revocable::Room), Err("member-not-joined"));
    room.join("grocer", 1).unwrap();
    assert_eq!(room.revoke("grocer", Revocable::Room), Ok(()));
}

#[test]
fn a_refused_invitation_is_final_until_invited_anew() {
    let mut room = Room::opened();
    room.propose().unwrap();
    assert_eq!(room.propose(), Err("agreement-already-proposed"));
    let leaf = room.leaf(Actor::Member(id("grocer")), Body::Declined { member: id("grocer") });
    room.take(&leaf).unwrap();
    assert_eq!(room.state.members()[&id("grocer")], MemberState::Declined);
    assert_eq!(room.join("grocer", 1), Err("invitation-declined"));
    room.propose().unwrap();
    assert_eq!(room.join("grocer", 1), Ok(()));
}

#[test]
fn a_new_agreement_binds_once_everyone_accepted_it() {
    let mut room = Room::ready();
    let before = room.agreement.digest();
    room.agreement.limits.runs_max = 1;
    room.propose().unwrap();
    room.join("grocer", 1).unwrap();
    assert_eq!(room.state.digest(), Some(before));
    room.request("run-1").unwrap();
    room.join("brand", 2).unwrap();
    assert_eq!(room.state.digest(), Some(room.agreement.digest()));
    assert_eq!(room.request("run-2"), Err("cap-spent"));
}

#[test]
fn nobody_is_left_out_and_nothing_changes_hands_without_its_owner() {
    let mut room = Room::ready();
    let agreed = room.agreement.clone();
    let shoppers = agreed.datasets[&id::<DatasetName>("shoppers")].clone();
    room.agreement.members.remove(&id::<MemberId>("grocer"));
    room.agreement.datasets.retain(|_, dataset| dataset.owner != id("grocer"));
    assert_eq!(room.propose(), Err("member-dropped"));
    room.agreement = agreed.clone();
    room.agreement.datasets.get_mut(&id::<DatasetName>("shoppers")).unwrap().owner = id("brand");
    assert_eq!(room.propose(), Err("owner-changed"));
    room.agreement = agreed.clone();
    let copy = mappings::model::Dataset { owner: id("brand"), ..shoppers };
    room.agreement.datasets.insert(id("clients"), copy);
    assert_eq!(room.propose(), Err("place-of-another"));
    // Its own withdrawal lets a member go; what it offered stays its own.
    room.revoke("grocer", Revocable::Dataset { dataset: id("shoppers") }).unwrap();
    room.revoke("grocer", Revocable::Member { member: id("grocer") }).unwrap();
    room.revoke("grocer", Revocable::Room).unwrap();
    let mut room = Room::ready();
    room.revoke("grocer", Revocable::Member { member: id("grocer") }).unwrap();
    room.agreement.members.remove(&id::<MemberId>("grocer"));
    for dataset in room.agreement.datasets.values_mut() {
        dataset.owner = id("brand");
    }
    assert_eq!(room.propose_as("brand"), Err("owner-changed"));
    room.agreement.datasets.remove(&id::<DatasetName>("shoppers"));
    assert_eq!(room.propose_as("brand"), Ok(()));
}

#[test]
fn a_document_that_contradicts_itself_is_not_proposed() {
    let mut room = Room::opened();
    let (agreement, digest) = (Box::new(room.agreement.clone()), Digest::of(b"another"));
    assert_eq!(room.gateway(Body::Proposed { agreement, digest }), Err("agreement-digest-wrong"));
    room.agreement.members.remove(&id::<MemberId>("grocer"));
    assert_eq!(room.propose(), Err("agreement-inconsistent"));
    room.agreement = agreement_of("autumn");
    assert_eq!(room.propose(), Err("collaboration-differs"));
    room.agreement = agreement_of("spring");
    assert_eq!(room.propose(), Ok(()));
}

fn agreement_of(name: &str) -> Agreement {
    Agreement { collaboration: id(name), ..agreement(3) }
}
