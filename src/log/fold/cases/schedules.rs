//! Schedules: who makes and ends one, what its slots may be, and what suspends it.

use super::*;
use crate::log::cron::{Cron, Slot};
use mappings::model::ScheduleId;

/// A slot a minute: the first is at 60,000.
const EVERY_MINUTE: &str = "* * * * *";

impl Room {
    fn scheduled(&self, by: &str, schedule: &str) -> Body {
        Body::Scheduled {
            schedule: id(schedule),
            template: id("reach"),
            digest: self.template(),
            platform: PlatformId::native(),
            by: id(by),
            cron: Cron::new(EVERY_MINUTE).unwrap(),
            parameters: Digest::of(b"salted"),
        }
    }

    fn schedule(&mut self, schedule: &str) -> Result<(), &'static str> {
        let body = self.scheduled("brand", schedule);
        self.member("brand", body)
    }

    fn unschedule(&mut self, who: &str, schedule: &str) -> Result<(), &'static str> {
        self.member(who, Body::Unscheduled { schedule: id(schedule), by: id(who) })
    }

    /// The run of a slot, asked for at a time.
    fn slot(&mut self, slot_ms: i64, at_ms: i64) -> Result<(), &'static str> {
        self.at_ms = at_ms - 1;
        let run = run_of(slot_ms);
        self.request(run.as_str())
    }

    fn refuse(&mut self, slot_ms: i64, code: &str) -> Result<(), &'static str> {
        self.at_ms = self.at_ms.max(slot_ms);
        let (schedule, code) = (id("nightly"), Code::new(code).unwrap());
        self.gateway(Body::SlotRefused { schedule, slot_ms, code })
    }

    fn nightly(&self) -> &Schedule {
        &self.state.schedules()[&id::<ScheduleId>("nightly")]
    }
}

fn run_of(slot_ms: i64) -> RunId {
    Slot { schedule: id("nightly"), at_ms: slot_ms }.run().unwrap()
}

#[test]
fn whoever_may_run_a_template_schedules_it_and_ends_that_itself() {
    let mut room = Room::joined();
    // The grocer is no runner of it; owners need not have approved before.
    let body = room.scheduled("grocer", "nightly");
    assert_eq!(room.member("grocer", body), Err("runner-not-allowed"));
    let body = room.scheduled("brand", "nightly");
    assert_eq!(room.member("grocer", body), Err("actor-differs"));
    let body = room.scheduled("brand", "nightly");
    assert_eq!(room.gateway(body), Err("actor-differs"));
    room.schedule("nightly").unwrap();
    assert_eq!(room.schedule("nightly"), Err("schedule-id-used"));
    assert_eq!(room.unschedule("grocer", "nightly"), Err("schedule-of-another"));
    assert_eq!(room.unschedule("brand", "weekly"), Err("schedule-unknown"));
    room.unschedule("brand", "nightly").unwrap();
    assert_eq!(room.unschedule("brand", "nightly"), Err("schedule-ended"));
    assert_eq!(room.schedule("nightly"), Err("schedule-id-used"), "a name serves once");
    let other = Body::Scheduled {
        schedule: id("other"),
        template: id("reach"),
        digest: Digest::of(b"other"),
        platform: PlatformId::native(),
        by: id("brand"),
        cron: Cron::new(EVERY_MINUTE).unwrap(),
        parameters: Digest::of(b"salted"),
    };
    assert_eq!(room.member("brand", other), Err("template-differs"));
    let mut waiting = Room::opened();
    waiting.propose().unwrap();
    assert_eq!(waiting.schedule("nightly"), Err("member-not-joined"));
}

#[test]
fn a_member_has_so_many_at_a_time() {
    let mut room = Room::ready();
    for n in 0..32 {
        room.schedule(&format!("s{n}")).unwrap();
    }
    assert_eq!(room.schedule("s32"), Err("schedules-max"));
    room.unschedule("brand", "s7").unwrap();
    room.schedule("s33").unwrap();
}

#[test]
fn each_slot_is_seen_to_once_in_order_and_not_before_its_time() {
    let mut room = Room::ready();
    room.schedule("nightly").unwrap();
    assert_eq!(room.slot(60_000, 59_000), Err("slot-not-due"));
    room.slot(60_000, 60_500).unwrap();
    assert_eq!(room.nightly().last.as_ref().unwrap().at_ms, 60_000);
    assert_eq!(room.slot(60_000, 60_600), Err("run-id-used"), "two gateways make one run");
    assert_eq!(room.slot(61_000, 62_000), Err("slot-not-due"), "no time of this schedule");
    // One was missed: the latest is run, and the earlier one never is.
    room.slot(180_000, 181_000).unwrap();
    assert_eq!(room.slot(120_000, 182_000), Err("slot-passed"));
    assert_eq!(room.state.attempts().len(), 2, "each counts against the cap");
    room.slot(240_000, 240_001).unwrap();
    assert_eq!(room.slot(300_000, 300_001), Err("cap-spent"));
    room.unschedule("brand", "nightly").unwrap();
    room.at_ms += 86_400_000;
    let late = room.at_ms / 60_000 * 60_000;
    assert_eq!(room.slot(late, late + 10), Err("schedule-ended"));
    room.request("run-1").unwrap();
}

#[test]
fn a_run_that_is_called_after_a_slot_is_what_was_scheduled() {
    let mut room = Room::ready();
    let before = room.requested(run_of(60_000).as_str());
    room.schedule("nightly").unwrap();
    room.at_ms = 60_000;
    let Body::RunRequested {
        run,
        agreement,
        template,
        digest,
        text_digest,
        platform,
        by,
        receivers,
        touched,
        ..
    } = before.clone()
    else {
        panic!("a run")
    };
    let other = Digest::of(b"other parameters");
    let forged = Body::RunRequested {
        run,
        agreement,
        template,
        digest,
        text_digest,
        platform,
        by,
        receivers,
        parameters: other,
        touched,
    };
    assert_eq!(room.member("brand", forged), Err("slot-differs"));
    room.member("brand", before).unwrap();
    // Of a schedule that is not there, it is a name like any other.
    room.request("hourly-19700101t000100z").unwrap();
}

#[test]
fn a_refusal_is_told_once_and_kills_nothing() {
    let mut room = Room::ready();
    room.schedule("nightly").unwrap();
    room.revoke("grocer", approval(&room, "grocer")).unwrap();
    assert_eq!(room.slot(60_000, 60_001), Err("approval-missing"));
    room.refuse(60_000, "approval-missing").unwrap();
    assert_eq!(room.refuse(60_000, "cap-spent"), Err("slot-passed"), "by another gateway");
    assert_eq!(room.refuse(120_000, "approval-missing"), Err("outcome-repeated"));
    assert_eq!(room.refuse(121_000, "cap-spent"), Err("slot-not-due"));
    let by_member = Body::SlotRefused {
        schedule: id("nightly"),
        slot_ms: 120_000,
        code: Code::new("cap-spent").unwrap(),
    };
    assert_eq!(room.member("brand", by_member), Err("actor-differs"));
    room.approve("grocer").unwrap();
    room.slot(120_000, 130_000).unwrap();
    room.revoke("grocer", approval(&room, "grocer")).unwrap();
    room.refuse(180_000, "approval-missing").unwrap();
    assert_eq!(room.nightly().suspended, None);
}

#[test]
fn another_version_of_its_template_suspends_it_and_the_same_again_lets_it_go_on() {
    let mut room = Room::ready();
    room.schedule("nightly").unwrap();
    let agreed = room.agreement.clone();
    let template = room.agreement.templates.get_mut(&id::<TemplateName>("reach")).unwrap();
    template.sql = "SELECT 2".to_owned();
    room.propose().unwrap();
    room.join("grocer", 1).unwrap();
    assert_eq!(room.nightly().suspended, None, "what waits changes nothing");
    room.join("brand", 2).unwrap();
    let (at, why) = room.nightly().suspended.unwrap();
    assert_eq!((at, why), (room.state.size() - 1, "template-differs"));
    assert_eq!(room.slot(60_000, 60_001), Err("approval-missing"));
    room.agreement = Agreement { limits: agreement(9).limits, ..agreed };
    room.propose().unwrap();
    room.join("grocer", 1).unwrap();
    room.at_ms = 150_000;
    room.join("brand", 2).unwrap();
    assert_eq!(room.nightly().suspended, None);
    assert_eq!(room.slot(120_000, 150_100), Err("slot-passed"), "what was due meanwhile");
    room.slot(180_000, 180_100).unwrap();
}

#[test]
fn leaving_and_closing_the_room_suspend_for_good() {
    for what in [Revocable::Room, Revocable::Member { member: id("brand") }] {
        let mut room = Room::ready();
        room.schedule("nightly").unwrap();
        room.revoke("brand", what).unwrap();
        assert!(room.nightly().suspended.is_some());
        assert!(room.slot(60_000, 60_001).is_err());
        assert!(room.schedule("weekly").is_err());
    }
}
