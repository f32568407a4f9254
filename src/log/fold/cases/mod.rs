//! A small room to try leaves on, and what each kind of leaf may and may not do.

mod landing;
mod parties;
mod platforms;
mod schedules;
mod shares;
mod versions;
mod whole;
mod withdrawals;

use super::*;
use crate::log::keys::SecretKey;
use crate::log::leaf::{Actor, Code, Effect, Outcome, Touched};

use mappings::model::DatasetName;

fn key(n: u8) -> SecretKey {
    SecretKey::from_seed([n; 32])
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// Two members with a dataset each; the brand runs and receives.
fn agreement(runs_max: u32) -> Agreement {
    let column = serde_json::json!({ "from": "x", "type": "utf8", "use": "dimension" });
    let dataset = |owner: &str| {
        serde_json::json!({
            "owner": owner, "at": { "native": format!("file:///{owner}") }, "entity": "age", "columns": { "age": column, "income": column },
            "rule": { "entities_min": 1, "join": "optional" },
        })
    };
    let value = serde_json::json!({
        "agreement": "v1", "collaboration": "spring",
        "members": {
            "grocer": { "name": "Grocer", "abilities": ["contribute"] },
            "brand": { "name": "Brand", "abilities": ["contribute", "run", "receive"] },
        },
        "rooms": [{ "platform": "native" }],
        "datasets": { "shoppers": dataset("grocer"), "exposures": dataset("brand") },
        "templates": { "reach": { "class": "aggregate", "sql": "SELECT 1", "run_by": ["brand"], "received_by": ["brand"] } },
        "limits": { "runs_max": runs_max, "within_s": 86400 },
        "destinations": { "brand": "file:///r" },
    });
    serde_json::from_value(value).unwrap()
}

struct Room {
    state: State,
    agreement: Agreement,
    at_ms: i64,
}

impl Room {
    fn opened() -> Self {
        let mut room = Self { state: State::default(), agreement: agreement(3), at_ms: 1000 };
        room.gateway(Body::Opened { gateway: key(9).public() }).unwrap();
        room
    }

    fn joined() -> Self {
        let mut room = Self::opened();
        room.propose().unwrap();
        room.join("grocer", 1).unwrap();
        room.join("brand", 2).unwrap();
        room
    }

    fn ready() -> Self {
        let mut room = Self::joined();
        room.approve("grocer").unwrap();
        room.approve("brand").unwrap();
        room
    }

    fn leaf(&self, actor: Actor, body: Body) -> Leaf {
        Leaf { actor, at_ms: self.at_ms, body, collaboration: id("spring"), signature: None }
    }

    fn take(&mut self, leaf: &Leaf) -> Result<(), &'static str> {
        let (size, checked) = (self.state.size(), self.state.check(leaf));
        let before = self.state.parties();
        let applied = self.state.apply(size, leaf);
        assert_eq!(checked, applied, "check says what apply does");
        assert_eq!(self.state.size(), size + u64::from(applied.is_ok()));
        assert!(moves_parties(&leaf.body) || self.state.parties() == before, "{:?}", leaf.body);
        applied.map_err(|error| error.code())
    }

    fn gateway(&mut self, body: Body) -> Result<(), &'static str> {
        self.at_ms += 1;
        let leaf = self.leaf(Actor::Gateway, body);
        self.take(&leaf)
    }

    fn member(&mut self, who: &str, body: Body) -> Result<(), &'static str> {
        let key = key(match who {
            "grocer" => 1,
            "brand" => 2,
            _ => 3,
        });
        self.at_ms += 1;
        let leaf = self.leaf(Actor::Member(id(who)), body).signed(&key);
        self.take(&leaf)
    }

    fn propose(&mut self) -> Result<(), &'static str> {
        if self.state.in_force().is_some() {
            return self.propose_as("grocer");
        }
        let body = self.proposed();
        self.gateway(body)
    }

    fn propose_as(&mut self, who: &str) -> Result<(), &'static str> {
        let body = self.proposed();
        self.member(who, body)
    }

    fn proposed(&self) -> Body {
        let (agreement, digest) = (Box::new(self.agreement.clone()), self.agreement.digest());
        Body::Proposed { agreement, digest }
    }

    fn join(&mut self, who: &str, n: u8) -> Result<(), &'static str> {
        self.at_ms += 1;
        let (key, agreement) = (key(n), self.agreement.digest());
        let body = Body::Joined { member: id(who), key: key.public(), agreement };
        let leaf = self.leaf(Actor::Member(id(who)), body).signed(&key);
        self.take(&leaf)
    }

    fn template(&self) -> Digest {
        self.agreement.templates[&id::<TemplateName>("reach")].digest(&id("reach"))
    }

    fn approve(&mut self, who: &str) -> Result<(), &'static str> {
        let digest = self.template();
        self.member(who, Body::Approved { member: id(who), template: id("reach"), digest })
    }

    fn revoke(&mut self, who: &str, what: Revocable) -> Result<(), &'static str> {
        self.member(who, Body::Revoked { by: id(who), what })
    }

    fn request(&mut self, run: &str) -> Result<(), &'static str> {
        let body = self.requested(run);
        self.member("brand", body)
    }

    fn requested(&self, run: &str) -> Body {
        let template = &self.agreement.templates[&id::<TemplateName>("reach")];
        Body::RunRequested {
            run: id(run),
            agreement: self.state.digest().unwrap_or_else(|| self.agreement.digest()),
            template: id("reach"),
            digest: self.template(),
            text_digest: Digest::of(b"text"),
            platform: PlatformId::native(),
            by: id("brand"),
            receivers: template.received_by.iter().cloned().collect(),
            parameters: Digest::of(b"salted"),
            touched: touched(),
        }
    }

    fn intend(&mut self, run: &str) -> Result<(), &'static str> {
        let manifests = BTreeMap::from([(id("brand"), Digest::of(b"m"))]);
        self.gateway(Body::DeliveryIntended {
            run: id(run),
            files: vec![],
            rows: 2,
            withheld: Some(1),
            manifests,
        })
    }

    fn succeed(&mut self, run: &str, rows: u64) -> Result<(), &'static str> {
        let manifests = BTreeMap::from([(id("brand"), Digest::of(b"m"))]);
        self.gateway(Body::RunSucceeded { run: id(run), rows, withheld: Some(1), manifests })
    }
}

fn touched() -> Touched {
    BTreeMap::from([
        (id("shoppers"), BTreeSet::from([id("age")])),
        (id("exposures"), BTreeSet::from([id("age")])),
    ])
}

fn whole_template(room: &Room) -> Revocable {
    Revocable::Template { template: id("reach"), digest: room.template() }
}

fn approval(room: &Room, of: &str) -> Revocable {
    Revocable::Approval { template: id("reach"), digest: room.template(), of: id(of) }
}

#[test]
fn a_collaboration_runs_from_beginning_to_end() {
    let mut room = Room::ready();
    room.request("run-1").unwrap();
    assert_eq!(room.state.open_intents(), vec![OpenIntent::Run(id("run-1"))]);
    room.intend("run-1").unwrap();
    room.succeed("run-1", 2).unwrap();
    assert!(room.state.open_intents().is_empty());
    assert_eq!(
        room.state.runs()[&id("run-1")].status,
        RunStatus::Succeeded { rows: 2, withheld: Some(1) }
    );
    assert_eq!(room.succeed("run-1", 2), Err("run-ended"));
    assert_eq!(room.request("run-1"), Err("run-id-used"));
}

#[test]
fn nothing_runs_before_everyone_has_joined_and_every_owner_approved() {
    let mut room = Room::opened();
    assert_eq!(room.request("run-1"), Err("agreement-missing"));
    room.propose().unwrap();
    room.join("brand", 2).unwrap();
    assert_eq!(room.request("run-1"), Err("member-not-joined"));
    room.approve("brand").unwrap();
    assert_eq!(room.approve("grocer"), Err("member-not-joined"));
    room.join("grocer", 1).unwrap();
    assert_eq!(room.request("run-1"), Err("approval-missing"));
    room.approve("grocer").unwrap();
    room.request("run-1").unwrap();
}

#[test]
fn a_log_opens_once_and_first() {
    let mut room = Room::opened();
    assert_eq!(room.gateway(Body::Opened { gateway: key(9).public() }), Err("log-not-opened"));
    let mut closed = Room { state: State::default(), ..Room::opened() };
    assert_eq!(closed.propose(), Err("log-not-opened"));
    assert_eq!(room.propose(), Ok(()));
}

#[test]
fn members_decide_under_their_own_key_only() {
    let mut room = Room::opened();
    room.propose().unwrap();
    room.join("grocer", 1).unwrap();
    assert_eq!(room.join("grocer", 1), Err("member-already-joined"));
    assert_eq!(room.join("grocer", 5), Err("key-differs"));
    assert_eq!(room.join("brand", 1), Err("key-taken"));
    room.join("brand", 2).unwrap();
    room.at_ms += 1;
    let digest = room.template();
    let body = Body::Approved { member: id("grocer"), template: id("reach"), digest };
    let leaf = room.leaf(Actor::Member(id("grocer")), body);
    assert_eq!(room.take(&leaf), Err("signature-wrong"));
    assert_eq!(room.take(&leaf.clone().signed(&key(2))), Err("signature-wrong"));
    let posing = Leaf { actor: Actor::Member(id("brand")), ..leaf.clone() };
    assert_eq!(room.take(&posing.signed(&key(2))), Err("actor-differs"));
    assert_eq!(room.take(&leaf.signed(&key(1))), Ok(()));
}

#[test]
fn a_pinned_key_is_the_only_one_that_joins() {
    let mut room = Room::opened();
    let pin = key(1).public().to_string();
    room.agreement.members.get_mut(&id::<MemberId>("grocer")).unwrap().key = Some(pin);
    room.propose().unwrap();
    assert_eq!(room.join("grocer", 5), Err("key-not-pinned"));
    assert_eq!(room.join("grocer", 1), Ok(()));
}

#[test]
fn a_signed_leaf_counts_once() {
    let mut room = Room::joined();
    room.at_ms += 1;
    let digest = room.template();
    let body = Body::Approved { member: id("grocer"), template: id("reach"), digest };
    let approved = room.leaf(Actor::Member(id("grocer")), body).signed(&key(1));
    room.take(&approved).unwrap();
    let what = approval(&room, "grocer");
    let body = Body::Revoked { by: id("grocer"), what: what.clone() };
    let revoked = room.leaf(Actor::Member(id("grocer")), body).signed(&key(1));
    room.take(&revoked).unwrap();
    assert_eq!(room.take(&approved), Err("leaf-repeated"), "in the same millisecond");
    room.revoke("grocer", what).unwrap();
    assert_eq!(room.take(&approved), Err("time-not-monotone"), "later");
    assert_eq!(room.approve("grocer"), Ok(()), "a fresh approval is a new grant");
}

#[test]
fn only_owners_approve_and_withdraw_what_is_theirs() {
    let mut room = Room::ready();
    let dataset = Revocable::Dataset { dataset: id("shoppers") };
    assert_eq!(room.revoke("brand", dataset.clone()), Err("not-an-owner"));
    let column = Revocable::Column { dataset: id("shoppers"), column: id("age") };
    assert_eq!(room.revoke("brand", column), Err("not-an-owner"));
    let of_other = approval(&room, "grocer");
    assert_eq!(room.revoke("brand", of_other), Err("not-an-owner"));
    assert_eq!(
        room.revoke("brand", Revocable::Member { member: id("grocer") }),
        Err("not-an-owner")
    );
    assert_eq!(
        room.revoke("grocer", Revocable::Dataset { dataset: id("nowhere") }),
        Err("dataset-unknown")
    );
    let digest = Digest::of(b"unknown");
    let unknown = Body::Approved { member: id("grocer"), template: id("reach"), digest };
    assert_eq!(room.member("grocer", unknown), Err("template-unknown"));
    room.agreement.datasets.remove(&id::<DatasetName>("exposures"));
    room.propose().unwrap();
    assert_eq!(room.revoke("grocer", dataset), Ok(()));
}

#[test]
fn the_cap_counts_attempts_in_log_time() {
    let day = 86_400_000;
    let mut room = Room::ready();
    for run in ["run-1", "run-2", "run-3"] {
        room.request(run).unwrap();
        let code = Code::new("memory").unwrap();
        room.gateway(Body::RunFailed { run: id(run), code, delivered: BTreeMap::new() }).unwrap();
    }
    assert_eq!(room.request("run-4"), Err("cap-spent"), "failures count");
    let denied = |at_ms| {
        let (run, template, by) = (id("run-4"), id("reach"), id("brand"));
        let request = RunRequest {
            run: &run,
            agreement: room.agreement.digest(),
            template: &template,
            digest: room.template(),
            by: &by,
            receivers: std::slice::from_ref(&by),
            touched: &touched(),
            at_ms,
        };
        room.state.may_run(&request).map_err(|denied| denied.code)
    };
    assert_eq!(denied(0), Err("cap-spent"), "a clock that steps back refills nothing");
    assert_eq!(denied(room.at_ms + day - 1000), Err("cap-spent"));
    assert_eq!(denied(room.at_ms + day), Ok(()));
    room.at_ms += day;
    assert_eq!(room.request("run-4"), Ok(()));
}

#[test]
fn time_never_goes_back() {
    let mut room = Room::ready();
    room.at_ms -= 2;
    assert_eq!(room.request("run-1"), Err("time-not-monotone"));
    room.at_ms += 2;
    assert_eq!(room.request("run-1"), Ok(()));
}

#[test]
fn a_delivery_is_intended_first_and_ends_as_intended() {
    let mut room = Room::ready();
    room.request("run-1").unwrap();
    assert_eq!(room.succeed("run-1", 2), Err("intent-missing"));
    let manifests = BTreeMap::from([(id("grocer"), Digest::of(b"m"))]);
    let stray = Body::DeliveryIntended {
        run: id("run-1"),
        files: vec![],
        rows: 2,
        withheld: Some(1),
        manifests,
    };
    assert_eq!(room.gateway(stray), Err("receiver-differs"));
    room.intend("run-1").unwrap();
    assert_eq!(room.intend("run-1"), Err("intent-repeated"));
    assert_eq!(room.succeed("run-1", 3), Err("outcome-differs"));
    assert_eq!(room.succeed("run-1", 2), Ok(()));
}

#[test]
fn a_delivery_on_record_fails_for_those_who_did_not_get_it_and_is_not_cancelled() {
    let two = || {
        let mut room = Room::opened();
        let template = room.agreement.templates.get_mut(&id::<TemplateName>("reach")).unwrap();
        template.received_by.insert(id("grocer"));
        let grocer = room.agreement.members.get_mut(&id::<MemberId>("grocer")).unwrap();
        grocer.abilities.insert(mappings::model::Ability::Receive);
        room.agreement.destinations.insert(id("grocer"), "file:///results/grocer".to_owned());
        room.propose().unwrap();
        room.join("grocer", 1).unwrap();
        room.join("brand", 2).unwrap();
        room.approve("grocer").unwrap();
        room.approve("brand").unwrap();
        room.request("run-1").unwrap();
        room
    };
    let all = BTreeMap::from([(id("brand"), Digest::of(b"b")), (id("grocer"), Digest::of(b"g"))]);
    let one = BTreeMap::from([(id("brand"), Digest::of(b"b"))]);
    let other = BTreeMap::from([(id("brand"), Digest::of(b"g"))]);
    let code = || Code::new("destination-full").unwrap();
    let failed = |delivered: &BTreeMap<_, _>| Body::RunFailed {
        run: id("run-1"),
        code: code(),
        delivered: delivered.clone(),
    };
    let mut room = two();
    assert_eq!(room.gateway(failed(&one)), Err("outcome-differs"), "nothing was intended yet");
    let manifests = all.clone();
    room.gateway(Body::DeliveryIntended {
        run: id("run-1"),
        files: vec![],
        rows: 2,
        withheld: Some(1),
        manifests,
    })
    .unwrap();
    assert_eq!(room.gateway(failed(&other)), Err("outcome-differs"));
    assert_eq!(room.gateway(failed(&all)), Err("outcome-differs"), "that is success");
    let cancelled = Body::RunCancelled { run: id("run-1"), code: code() };
    assert_eq!(room.gateway(cancelled.clone()), Err("cancelled-late"));
    assert_eq!(room.member("brand", cancelled), Err("cancelled-late"));
    assert_eq!(room.gateway(failed(&one)), Ok(()));
}

#[test]
fn a_run_neither_starts_nor_delivers_under_rules_that_it_was_not_guarded_with() {
    let mut room = Room::ready();
    room.request("run-1").unwrap();
    let stale = room.requested("run-2");
    room.agreement.limits.runs_max = 9;
    room.propose().unwrap();
    room.join("grocer", 1).unwrap();
    assert_eq!(room.state.may_deliver(&id("run-1")).map_err(|denied| denied.code), Ok(()));
    room.join("brand", 2).unwrap();
    assert_eq!(room.intend("run-1"), Err("agreement-changed"));
    assert_eq!(room.member("brand", stale), Err("agreement-changed"));
    assert_eq!(room.request("run-2"), Ok(()));
}

#[test]
fn effects_are_intended_first_and_settle_once() {
    let mut room = Room::ready();
    let step = Code::new("step-1").unwrap();
    let outcome = |outcome| Body::EffectOutcome { step: step.clone(), outcome, shown: false };
    assert_eq!(room.gateway(outcome(Outcome::Applied)), Err("intent-missing"));
    let intent = Body::EffectIntended {
        leaves: Vec::new(),
        step: step.clone(),
        platform: id("native"),
        effect: Effect::Grant,
        of: Vec::new(),
        basis: None,
    };
    room.gateway(intent).unwrap();
    room.gateway(outcome(Outcome::Unknown)).unwrap();
    assert_eq!(room.state.open_intents(), vec![OpenIntent::Effect(step.clone())]);
    room.gateway(outcome(Outcome::Applied)).unwrap();
    assert_eq!(room.gateway(outcome(Outcome::NotApplied)), Err("outcome-repeated"));
    room.revoke("grocer", Revocable::Room).unwrap();
    let again = |effect| Body::EffectIntended {
        leaves: Vec::new(),
        step: Code::new("step-2").unwrap(),
        platform: id("native"),
        effect,
        of: Vec::new(),
        basis: None,
    };
    assert_eq!(room.gateway(again(Effect::Grant)), Err("room-revoked"));
    assert_eq!(room.gateway(again(Effect::Revoke)), Ok(()));
}

#[test]
fn every_leaf_reads_back_as_it_was_written() {
    let mut room = Room::ready();
    room.request("run-1").unwrap();
    let body = room.requested("run-2");
    let leaf = room.leaf(Actor::Member(id("brand")), body).signed(&key(2));
    let bytes = leaf.canonical();
    assert_eq!(Leaf::parse(&bytes), Ok(leaf.clone()));
    let made = leaf.signature.unwrap();
    assert_eq!(crate::log::leaf::signed_bytes_of(&bytes, &made), Some(leaf.signed_bytes()));
}

#[test]
fn a_waiver_is_an_owners_own_and_holds_for_one_agreement() {
    let mut room = Room::joined();
    let waiver = |room: &Room, who: &str, platform: &str| Body::WaiverGiven {
        member: id(who),
        platform: id(platform),
        at: TermPath::new("templates.reach.received_by").unwrap(),
        agreement: room.agreement.digest(),
    };
    let at = TermPath::new("templates.reach.received_by").unwrap();
    let body = waiver(&room, "brand", "native");
    assert_eq!(room.member("grocer", body), Err("actor-differs"));
    let body = waiver(&room, "grocer", "snowflake");
    assert_eq!(room.member("grocer", body), Err("room-unknown"));
    let body = waiver(&room, "grocer", "native");
    assert_eq!(room.member("grocer", body), Ok(()));
    let first = room.agreement.digest();
    assert_eq!(room.state.waived(first, &id("native"), &at), [id("grocer")].into());
    room.agreement.description.push('x');
    let body = waiver(&room, "grocer", "native");
    assert_eq!(room.member("grocer", body), Err("agreement-not-proposed"));
    room.propose().unwrap();
    let body = waiver(&room, "grocer", "native");
    assert_eq!(room.member("grocer", body), Err("member-not-joined"));
    room.join("grocer", 1).unwrap();
    room.join("brand", 2).unwrap();
    assert!(room.state.waived(room.agreement.digest(), &id("native"), &at).is_empty());
    room.revoke("grocer", Revocable::Member { member: id("grocer") }).unwrap();
    assert!(
        room.state.waived(first, &id("native"), &at).is_empty(),
        "who left consents to nothing"
    );
    for prose in ["", "a b", "Ärger", &"a".repeat(257)] {
        TermPath::new(prose).unwrap_err();
    }
}

#[test]
fn decisions_move_what_is_desired_and_effects_do_not() {
    let mut room = Room::joined();
    let decided = room.state.decided();
    assert_eq!(decided, room.state.size());
    let step = Code::new("step-1").unwrap();
    let effect = Effect::Grant;
    room.gateway(Body::EffectIntended {
        leaves: Vec::new(),
        step,
        platform: id("native"),
        effect,
        of: Vec::new(),
        basis: None,
    })
    .unwrap();
    assert_eq!(room.state.decided(), decided);
    room.approve("grocer").unwrap();
    assert_eq!(room.state.decided(), room.state.size());
    let first = room.agreement.digest();
    assert_eq!(room.state.rooms()[&id::<PlatformId>("native")].digest(), first);
    room.agreement.rooms.clear();
    room.propose().unwrap();
    room.join("grocer", 1).unwrap();
    room.join("brand", 2).unwrap();
    let kept = &room.state.rooms()[&id::<PlatformId>("native")];
    assert_eq!(kept.digest(), first, "a dropped room is still there to be closed");
}
