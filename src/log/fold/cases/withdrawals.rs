//! What a withdrawal takes away stays away, whatever follows, until a new grant.

use super::*;
use proptest::prelude::*;

/// Who withdraws, what, and the code of the denial.
type Case = (&'static str, fn(&Room) -> Revocable, &'static str);

#[test]
fn every_withdrawal_denies_the_next_run_and_the_delivery_of_one_under_way() {
    let cases: Vec<Case> = vec![
        ("grocer", |_| Revocable::Room, "room-revoked"),
        ("brand", |_| Revocable::Room, "room-revoked"),
        ("grocer", |_| Revocable::Member { member: id("grocer") }, "member-revoked"),
        ("grocer", |_| Revocable::Dataset { dataset: id("shoppers") }, "dataset-revoked"),
        (
            "grocer",
            |_| Revocable::Column { dataset: id("shoppers"), column: id("age") },
            "column-revoked",
        ),
        ("grocer", whole_template, "approval-missing"),
        ("grocer", |room| approval(room, "grocer"), "approval-missing"),
    ];
    for (who, what, code) in cases {
        let mut room = Room::ready();
        room.request("run-1").unwrap();
        let what = what(&room);
        room.revoke(who, what).unwrap();
        assert_eq!(room.state.may_deliver(&id("run-1")).unwrap_err().code, code);
        assert_eq!(room.intend("run-1"), Err(code));
        assert_eq!(room.request("run-2"), Err(code));
        let code = Code::new("revoked").unwrap();
        assert_eq!(room.gateway(Body::RunCancelled { run: id("run-1"), code }), Ok(()));
    }
}

#[test]
fn withdrawing_an_untouched_column_denies_nothing() {
    let mut room = Room::ready();
    room.request("run-1").unwrap();
    let column = Revocable::Column { dataset: id("shoppers"), column: id("income") };
    room.revoke("grocer", column).unwrap();
    assert_eq!(room.intend("run-1"), Ok(()));
    assert_eq!(room.request("run-2"), Ok(()));
}

#[test]
fn a_new_approval_grants_anew_but_not_to_the_run_that_lost_it() {
    let mut room = Room::ready();
    room.request("run-1").unwrap();
    let template = whole_template(&room);
    room.revoke("brand", template).unwrap();
    room.approve("grocer").unwrap();
    assert_eq!(
        room.request("run-2"),
        Err("approval-missing"),
        "one owner's approval is not enough"
    );
    room.approve("brand").unwrap();
    assert_eq!(room.intend("run-1"), Err("approval-revoked"));
    room.request("run-2").unwrap();
    assert_eq!(room.intend("run-2"), Ok(()));
}

#[test]
fn a_member_that_left_decides_nothing_more() {
    let mut room = Room::ready();
    room.revoke("grocer", Revocable::Member { member: id("grocer") }).unwrap();
    assert_eq!(room.approve("grocer"), Err("member-revoked"));
    room.agreement.description = "again".to_owned();
    assert_eq!(room.propose_as("brand"), Err("member-revoked"));
    assert_eq!(room.state.members()[&id("grocer")], MemberState::Revoked);
    assert_eq!(room.approve("brand"), Ok(()));
}

/// Moves that may follow a withdrawal; only some are new grants.
fn moves() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0_u8..10, 0..12)
}

fn play(room: &mut Room, step: u8, turn: usize) {
    let run = format!("turn-{turn}");
    let template = whole_template(room);
    let own = approval(room, "grocer");
    let _legal = match step {
        0 => room.approve("brand"),
        1 => room.join("grocer", 1),
        2 => room.join("brand", 2),
        3 => {
            room.agreement.description.push('x');
            room.propose_as("brand")
        }
        4 => room.request(&run),
        5 => room.revoke("brand", template),
        6 => room.revoke("grocer", own),
        7 => room.gateway(Body::EffectIntended {
            leaves: Vec::new(),
            step: Code::new(&run).unwrap(),
            platform: id("native"),
            effect: Effect::Grant,
            of: Vec::new(),
            basis: None,
        }),
        8 => room.member("brand", Body::Declined { member: id("brand") }),
        _ => {
            room.at_ms += 86_400_000;
            Ok(())
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn nothing_but_a_new_approval_by_its_owner_brings_a_template_back(moves in moves(), whole in any::<bool>()) {
        let mut room = Room::ready();
        let what = if whole { whole_template(&room) } else { approval(&room, "grocer") };
        room.revoke("grocer", what).unwrap();
        for (turn, step) in moves.iter().enumerate() {
            play(&mut room, *step, turn);
            prop_assert!(!room.state.approvals(&id("reach"), room.template()).contains(&id("grocer")));
            let probe = format!("probe-{turn}");
            prop_assert!(room.request(&probe).is_err());
        }
        prop_assert!(room.approve("grocer").is_ok());
        prop_assert!(room.state.approvals(&id("reach"), room.template()).contains(&id("grocer")));
    }

    #[test]
    fn nothing_at_all_brings_back_a_dataset_a_member_or_a_room(moves in moves(), which in 0..4) {
        let mut room = Room::ready();
        let what = match which {
            0 => Revocable::Room,
            1 => Revocable::Member { member: id("grocer") },
            2 => Revocable::Dataset { dataset: id("shoppers") },
            _ => Revocable::Column { dataset: id("shoppers"), column: id("age") },
        };
        room.revoke("grocer", what).unwrap();
        for (turn, step) in moves.iter().enumerate() {
            play(&mut room, *step, turn);
            let _ = room.approve("grocer");
            let probe = format!("probe-{turn}");
            prop_assert!(room.request(&probe).is_err());
        }
    }

    #[test]
    fn folding_is_incremental_and_deterministic(moves in moves()) {
        let mut room = Room::ready();
        for (turn, step) in moves.iter().enumerate() {
            let mut twin = Room { state: room.state.clone(), agreement: room.agreement.clone(), at_ms: room.at_ms };
            play(&mut room, *step, turn);
            play(&mut twin, *step, turn);
            prop_assert_eq!(format!("{:?}", room.state), format!("{:?}", twin.state));
        }
    }
}
