//! Shares of results: who opens one, to whom, until when, what closes it, and how much of reading is put on record.

use super::*;
use mappings::model::{ColumnName, Dataset, RecipientId};

const DAY_MS: i64 = 24 * 3_600_000;

impl Room {
    /// Everything agreed, and a run that delivered to the brand.
    fn delivered(run: &str) -> Self {
        let mut room = Self::ready();
        room.deliver(run);
        room
    }

    fn deliver(&mut self, run: &str) {
        self.request(run).unwrap();
        self.intend(run).unwrap();
        self.succeed(run, 2).unwrap();
    }

    fn opened_by(&self, by: &str, run: &str, token: Option<&str>) -> Body {
        Body::ResultShared {
            run: id(run),
            by: id(by),
            recipient: id("agency"),
            until_ms: self.at_ms + DAY_MS,
            presigned: false,
            token: token.map(|token| Digest::of(token.as_bytes())),
        }
    }

    fn share(&mut self, run: &str, token: Option<&str>) -> Result<(), &'static str> {
        let body = self.opened_by("brand", run, token);
        self.member("brand", body)
    }

    fn rotate(&mut self, token: &str, alone: bool) -> Result<(), &'static str> {
        let (by, recipient, until_ms) = (id("brand"), id("agency"), self.at_ms + DAY_MS);
        let token = Digest::of(token.as_bytes());
        self.member("brand", Body::RecipientKeyed { by, recipient, token, until_ms, alone })
    }

    fn unshare(&mut self, who: &str, run: Option<&str>) -> Result<(), &'static str> {
        let (by, recipient) = (id(who), id("agency"));
        self.member(who, Body::ShareEnded { by, recipient, run: run.map(id) })
    }

    fn read(&mut self, run: &str, what: &str) -> Result<(), &'static str> {
        let (by, recipient, run) = (id("brand"), id("agency"), id(run));
        let sha256 = Digest::of(what.as_bytes());
        self.gateway(Body::ShareRead { by, recipient, run, sha256 })
    }

    fn is_open(&self, run: &str) -> bool {
        let (by, recipient) = (id("brand"), id("agency"));
        self.state.share((&by, &recipient), &id(run), self.at_ms).is_some()
    }

    fn is_good(&self, token: &str) -> bool {
        let of = (id("brand"), id::<RecipientId>("agency"));
        let known = self.state.recipients().get(&of);
        let digest = Digest::of(token.as_bytes());
        let is = |one: &ShareToken| one.digest == digest && self.at_ms < one.until_ms;
        known.is_some_and(|known| known.tokens.iter().any(is))
    }
}

#[test]
fn a_receiver_opens_what_it_received_and_nobody_else_does() {
    let mut room = Room::ready();
    assert_eq!(room.share("r1", Some("t1")), Err("result-missing"), "no such run");
    room.request("r1").unwrap();
    assert_eq!(room.share("r1", Some("t1")), Err("result-missing"), "not delivered yet");
    let mut room = Room::delivered("r1");
    let body = room.opened_by("grocer", "r1", Some("t1"));
    assert_eq!(room.member("grocer", body), Err("result-missing"), "it received nothing");
    let body = room.opened_by("brand", "r1", Some("t1"));
    assert_eq!(room.member("grocer", body.clone()), Err("actor-differs"));
    assert_eq!(room.gateway(body), Err("actor-differs"), "no gateway opens anything");
    assert_eq!(room.share("r1", None), Err("recipient-unknown"), "it has no token");
    assert_eq!(room.read("r1", "file"), Err("share-unknown"));
    room.share("r1", Some("t1")).unwrap();
    assert!(room.is_open("r1") && room.is_good("t1"));
    room.deliver("r2");
    assert!(!room.is_open("r2"));
    room.share("r2", None).unwrap();
    assert!(room.is_open("r2"));
}

#[test]
fn a_run_that_failed_and_rows_of_entities_are_not_shared() {
    let mut room = Room::ready();
    room.request("r1").unwrap();
    let (code, delivered) = (Code::interrupted(), BTreeMap::new());
    room.gateway(Body::RunFailed { run: id("r1"), code, delivered }).unwrap();
    assert_eq!(room.share("r1", Some("t1")), Err("result-missing"));

    let mut room = Room::opened();
    let reach = room.agreement.templates.get_mut(&id("reach")).unwrap();
    reach.class = mappings::model::ResultClass::Activation;
    room.propose().unwrap();
    room.join("grocer", 1).unwrap();
    room.join("brand", 2).unwrap();
    room.approve("grocer").unwrap();
    room.approve("brand").unwrap();
    room.deliver("r1");
    assert_eq!(room.share("r1", Some("t1")), Err("share-of-rows"));
}

#[test]
fn a_share_ends_by_itself_and_within_ninety_days() {
    let mut room = Room::delivered("r1");
    let until = |room: &Room, after: i64| {
        let mut body = room.opened_by("brand", "r1", Some("t1"));
        let Body::ResultShared { until_ms, .. } = &mut body else { unreachable!() };
        *until_ms = room.at_ms + after;
        body
    };
    for wrong in [0, -1, 90 * DAY_MS + 2, i64::MAX / 2] {
        let body = until(&room, wrong);
        assert_eq!(room.member("brand", body), Err("share-time"), "{wrong}");
    }
    room.share("r1", Some("t1")).unwrap();
    room.at_ms += DAY_MS - 10;
    assert!(room.is_open("r1") && room.is_good("t1"));
    room.at_ms += 10;
    assert!(!room.is_open("r1") && !room.is_good("t1"));
    assert_eq!(room.read("r1", "file"), Err("share-unknown"));
    // A clock that steps back opens nothing again.
    room.rotate("t2", false).unwrap();
    let (by, recipient) = (id("brand"), id("agency"));
    assert!(room.state.share((&by, &recipient), &id("r1"), 0).is_none());
}

#[test]
fn two_tokens_are_good_at_a_time_and_one_alone_where_that_is_said() {
    let mut room = Room::delivered("r1");
    assert_eq!(room.rotate("t0", false), Err("recipient-unknown"));
    room.share("r1", Some("t1")).unwrap();
    assert_eq!(room.rotate("t1", false), Err("share-token-used"));
    room.rotate("t2", false).unwrap();
    assert!(room.is_good("t1") && room.is_good("t2"));
    room.rotate("t3", false).unwrap();
    assert!(!room.is_good("t1") && room.is_good("t2") && room.is_good("t3"));
    room.rotate("t4", true).unwrap();
    assert!(!room.is_good("t2") && !room.is_good("t3") && room.is_good("t4"));
    assert_eq!(room.rotate("t1", false), Err("share-token-used"), "a token serves once");
    assert!(room.is_open("r1"));
}

#[test]
fn what_is_taken_away_is_closed_at_once() {
    let mut room = Room::delivered("r1");
    room.deliver("r2");
    room.share("r1", Some("t1")).unwrap();
    room.share("r2", None).unwrap();
    assert_eq!(room.unshare("grocer", Some("r1")), Err("recipient-unknown"), "it has no such one");
    assert_eq!(room.unshare("brand", Some("r3")), Err("share-unknown"));
    room.unshare("brand", Some("r1")).unwrap();
    assert!(!room.is_open("r1") && room.is_open("r2") && room.is_good("t1"));
    assert_eq!(room.unshare("brand", Some("r1")), Err("share-unknown"));
    room.share("r1", None).unwrap();
    room.unshare("brand", None).unwrap();
    assert!(!room.is_open("r1") && !room.is_open("r2") && !room.is_good("t1"));
    assert_eq!(room.unshare("brand", None), Err("recipient-unknown"));
    assert_eq!(room.share("r1", None), Err("recipient-unknown"));
    assert_eq!(room.share("r1", Some("t1")), Err("share-token-used"));
    room.share("r1", Some("t2")).unwrap();
    assert!(room.is_open("r1") && !room.is_open("r2"));
}

#[test]
fn whatever_a_result_rests_on_closes_its_shares() {
    let template = Room::ready().template();
    let withdrawals: [(&str, Revocable); 6] = [
        ("brand", Revocable::Member { member: id("brand") }),
        ("grocer", Revocable::Member { member: id("grocer") }),
        ("grocer", Revocable::Room),
        ("grocer", Revocable::Dataset { dataset: id("shoppers") }),
        ("brand", Revocable::Template { template: id("reach"), digest: template }),
        (
            "grocer",
            Revocable::Approval { template: id("reach"), digest: template, of: id("grocer") },
        ),
    ];
    for (by, what) in withdrawals {
        let mut room = Room::delivered("r1");
        room.share("r1", Some("t1")).unwrap();
        let pending = room.state.denying(vec![what.clone()]);
        let (who, recipient) = (id("brand"), id("agency"));
        let open = pending.share((&who, &recipient), &id("r1"), room.at_ms);
        assert!(open.is_none(), "{what:?} while it is not on record yet");
        room.member(by, Body::Revoked { by: id(by), what: what.clone() }).unwrap();
        assert!(!room.is_open("r1"), "{what:?}");
        assert_eq!(room.read("r1", "file"), Err("share-unknown"), "{what:?}");
        if let Revocable::Approval { .. } = what {
            room.approve("grocer").unwrap();
            assert!(!room.is_open("r1"), "an approval given anew opens nothing of before");
            room.deliver("r2");
            room.share("r2", None).unwrap();
        }
    }
}

type Change = fn(&mut Agreement);

#[test]
fn a_result_made_under_other_rules_is_closed_and_one_made_under_these_is_not() {
    let renew = |room: &mut Room| {
        room.propose().unwrap();
        room.join("grocer", 1).unwrap();
        room.join("brand", 2).unwrap();
    };
    let changes: [(Change, bool); 4] = [
        (|one| one.description = "the same in other words".to_owned(), true),
        (|one| drop(dataset_of(one).columns.remove(&id::<ColumnName>("income"))), true),
        (|one| dataset_of(one).rule.entities_min += 1, false),
        (|one| dataset_of(one).entity = id("income"), false),
    ];
    for (n, (change, stands)) in changes.into_iter().enumerate() {
        let mut room = Room::delivered("r1");
        room.share("r1", Some("t1")).unwrap();
        change(&mut room.agreement);
        renew(&mut room);
        assert_eq!(room.is_open("r1"), stands, "{n}");
        let found = room.share("r1", None);
        assert_eq!(found, if stands { Ok(()) } else { Err("agreement-changed") }, "{n}");
        room.deliver("r2");
        room.share("r2", None).unwrap();
    }
}

fn dataset_of(agreement: &mut Agreement) -> &mut Dataset {
    agreement.datasets.get_mut(&id::<DatasetName>("shoppers")).unwrap()
}

#[test]
fn a_line_stands_for_five_minutes_and_there_are_so_many() {
    let mut room = Room::delivered("r1");
    room.share("r1", Some("t1")).unwrap();
    room.read("r1", "file").unwrap();
    assert_eq!(room.read("r1", "file"), Err("share-read-repeated"));
    room.read("r1", "other").unwrap();
    let body = Body::ShareRead {
        by: id("brand"),
        recipient: id("agency"),
        run: id("r1"),
        sha256: Digest::of(b"third"),
    };
    assert_eq!(room.member("brand", body), Err("actor-differs"), "the gateway alone says so");
    room.at_ms += 5 * 60_000;
    room.read("r1", "file").unwrap();
    for n in 1..256 {
        room.at_ms -= 1; // The room's clock goes on by one with each leaf.
        room.read("r1", &format!("file {n}")).unwrap();
    }
    assert_eq!(room.read("r1", "one more"), Err("share-reads-max"));
    room.at_ms += 5 * 60_000;
    room.read("r1", "one more").unwrap();
    room.unshare("brand", Some("r1")).unwrap();
    assert_eq!(room.read("r1", "another"), Err("share-unknown"));
}

#[test]
fn a_member_has_so_many_recipients() {
    let mut room = Room::delivered("r1");
    let named = |room: &Room, n: usize| {
        let mut body = room.opened_by("brand", "r1", Some(&format!("t{n}")));
        let Body::ResultShared { recipient, .. } = &mut body else { unreachable!() };
        *recipient = id(&format!("agency-{n}"));
        body
    };
    for n in 0..64 {
        let body = named(&room, n);
        room.member("brand", body).unwrap();
    }
    let body = named(&room, 64);
    assert_eq!(room.member("brand", body.clone()), Err("recipients-max"));
    let (by, recipient, run) = (id("brand"), id("agency-7"), None);
    room.member("brand", Body::ShareEnded { by, recipient, run }).unwrap();
    let body = named(&room, 64);
    room.member("brand", body).unwrap();
}
