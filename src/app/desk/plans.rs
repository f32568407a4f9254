//! What it would take to make a room as agreed, and a look at it that comes sooner. Of another member's account its own words are not said: not
//! what is there, nor what its platform answered.

use super::{Desk, absent, said_as, texts};
use crate::access::Action;
use crate::app::{RoomPlan, StepLine, Trigger};
use crate::error::{Error, Kind, Result, codes};
use crate::reconcile::{Drift, Loss};
use crate::wire;
use adapter_spi::{Behaviour, NeedsCounterparty};
use mappings::model::{MemberId, PlatformId};

impl Desk<'_> {
    /// Asks a room's platform, and changes nothing there.
    pub(crate) async fn plan(&self, name: &str, room: &str) -> Result<wire::RoomPlan> {
        let seen = self.seen_whole(name, Action::Plan).await?;
        let room = room.parse::<PlatformId>().map_err(|_| absent())?;
        self.app.is_room(seen.state(), &room)?;
        let _turn = self.house.asking.take(&seen.member)?;
        let plan = self.app.plan_room_in_turn(&seen.collaboration, &room).await;
        let plan = plan.map_err(|error| without_words(error, &room))?;
        Ok(shown(&seen.member, plan))
    }

    /// Has the worker look at a room soon.
    pub(crate) async fn look(&self, name: &str, room: &str) -> Result<wire::LookAsked> {
        let seen = self.seen_whole(name, Action::Look).await?;
        let room = room.parse::<PlatformId>().map_err(|_| absent())?;
        if room == PlatformId::native() {
            let message = "the native room holds what the log says, and nobody looks at it";
            return Err(Error::refused("nothing-to-look-at", message).help("another room"));
        }
        self.app.is_room(seen.state(), &room)?;
        let inbox = self.house.inbox.as_ref().filter(|inbox| inbox.is_read()).ok_or_else(|| {
            let message = "no worker runs in this gateway that could look";
            Error::refused("no-worker", message).help("airlock serve without --no-sync")
        })?;
        let (collaboration, shown) = (seen.collaboration, room.to_string());
        let asked = Trigger::Room { collaboration, room: Some(room) };
        inbox.take_in(vec![asked]).map_err(|crate::app::Full| {
            let message = "more rooms wait to be looked at than are kept in mind";
            Error::failed("triggers-full", message).help("the same again, later")
        })?;
        Ok(wire::LookAsked { room: shown })
    }
}

/// An error without what a platform or an adapter said.
fn without_words(error: Error, room: &PlatformId) -> Error {
    let Error { kind, code, .. } = &error;
    let is_ours = ["room-not-agreed", "no-agreement", "connections-missing", "room-unknown"];
    let of_log = ["store-", "log-", "lease-"].iter().any(|begin| code.starts_with(begin));
    if of_log || is_ours.contains(&code.as_str()) {
        return error;
    }
    if *kind == Kind::Failed {
        let message = format!("{room} could not be looked at now: {code}");
        return Error::failed("room-unseen", message)
            .help("POST …/connections/tests; then the same again");
    }
    let known = codes::explained(code);
    let message = known.map_or("the room can't be brought to what is agreed", |one| one.means);
    Error::new(*kind, code, message).help(known.map_or("another agreement", |one| one.pass))
}

/// A plan as a member may see it.
fn shown(viewer: &MemberId, plan: RoomPlan) -> wire::RoomPlan {
    let trouble = |(member, code): (Option<MemberId>, String)| wire::PlanProblem {
        code,
        member: member.map(|member| member.to_string()),
    };
    wire::RoomPlan {
        room: plan.room.to_string(),
        open: plan.open,
        steps: plan.steps.into_iter().map(|one| step(viewer, one)).collect(),
        waiting: plan.waiting.into_iter().map(|one| waits(viewer, one)).collect(),
        pending: plan.pending,
        closing: plan.closing,
        problems: plan.troubles.into_iter().map(trouble).collect(),
        drift: plan.drift.into_iter().map(|one| drift(viewer, one)).collect(),
        losses: plan.losses.into_iter().map(loss).collect(),
        exact: plan.exact as u64,
        unverified: plan.unverified.into_iter().map(behaviour).collect(),
    }
}

/// Whether something may be said whole: it is the viewer's own, or of no account.
fn may(viewer: &MemberId, whose: Option<&MemberId>) -> bool {
    whose.is_none_or(|whose| whose == viewer)
}

fn step(viewer: &MemberId, step: StepLine) -> wire::PlanStep {
    let may = may(viewer, step.member.as_ref());
    // A word of a platform that this version does not know may come from anybody's account.
    let why = step.waits_for.filter(|_| may && step.waits != Some("word"));
    wire::PlanStep {
        effect: said_as(&step.effect),
        call: step.call,
        member: step.member.map(|member| member.to_string()),
        what: may.then_some(step.what),
        waits_for: step.waits.map(str::to_owned),
        why,
    }
}

fn waits(viewer: &MemberId, needs: NeedsCounterparty) -> wire::PlanWaits {
    let NeedsCounterparty { member, what, act } = needs;
    let own = member == *viewer;
    wire::PlanWaits {
        member: member.to_string(),
        what: own.then_some(what),
        act: own.then_some(act),
    }
}

fn drift(viewer: &MemberId, drift: Drift) -> wire::PlanDrift {
    let may = may(viewer, drift.member.as_ref());
    wire::PlanDrift {
        class: said_as(&drift.class),
        member: drift.member.map(|member| member.to_string()),
        on: may.then_some(drift.on),
        detail: may.then_some(drift.detail),
    }
}

/// What a room counts on, as it is said everywhere.
pub(super) fn behaviour(one: Behaviour) -> wire::Behaviour {
    wire::Behaviour {
        code: one.code,
        expects: one.expects,
        standing: said_as(&one.standing),
        otherwise: said_as(&one.otherwise),
        reason: one.reason,
        settled_by: one.settled_by,
        terms: texts(one.terms),
    }
}

fn loss(loss: Loss) -> wire::PlanLoss {
    wire::PlanLoss {
        held: wire::Term {
            term: said_as(&loss.term),
            at: loss.at,
            fidelity: said_as(&loss.fidelity),
            residual: said_as(&loss.residual),
            reason: loss.reason,
        },
        waived_by: texts(loss.waived_by),
        needs: texts(loss.needs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::DriftClass;
    use adapter_spi::Effect;

    const SECRET: &str = "arn:aws:cleanrooms:eu-central-1:111111111111:zqsentinel";

    fn member(name: &str) -> MemberId {
        name.parse().unwrap()
    }

    /// Everything in it that is grocer's account says the sentinel.
    fn plan() -> RoomPlan {
        let step = |member: Option<MemberId>, what: &str| StepLine {
            effect: Effect::Grant,
            what: what.to_owned(),
            call: "CreateMembership".to_owned(),
            waits_for: Some(format!("a version that knows what {what} means")),
            waits: Some("sight"),
            member,
        };
        let drift = |member: Option<MemberId>, on: &str| Drift {
            class: DriftClass::ServerDefault,
            on: on.to_owned(),
            detail: on.to_owned(),
            member,
        };
        let grocer = || Some(member("grocer"));
        RoomPlan {
            room: PlatformId::aws_clean_rooms(),
            open: vec!["dataset sales".to_owned()],
            steps: vec![step(grocer(), SECRET), step(None, "template reach")],
            waiting: vec![NeedsCounterparty {
                member: member("grocer"),
                what: format!("it joins {SECRET}"),
                act: format!("aws cleanrooms create-membership {SECRET}"),
            }],
            pending: true,
            closing: vec!["dataset sales, leaf 7".to_owned()],
            problems: vec![crate::error::Problem {
                code: "access-denied".to_owned(),
                at: SECRET.to_owned(),
                message: SECRET.to_owned(),
                help: SECRET.to_owned(),
            }],
            drift: vec![drift(grocer(), SECRET), drift(None, "dataset sales")],
            losses: Vec::new(),
            exact: 12,
            unverified: Vec::new(),
            troubles: vec![(grocer(), "access-denied".to_owned())],
        }
    }

    #[test]
    fn of_anothers_account_there_is_a_code_and_whose_it_is() {
        let shown = shown(&member("brand"), plan());
        let text = serde_json::to_string(&shown).unwrap();
        assert!(!text.contains("zqsentinel") && !text.contains("111111111111"), "{text}");
        assert_eq!(shown.steps[0].member.as_deref(), Some("grocer"));
        assert_eq!(
            (shown.steps[0].call.as_str(), shown.steps[0].what.as_deref()),
            ("CreateMembership", None)
        );
        assert_eq!(shown.steps[1].what.as_deref(), Some("template reach"));
        assert_eq!(
            (shown.problems[0].code.as_str(), shown.problems[0].member.as_deref()),
            ("access-denied", Some("grocer"))
        );
        assert_eq!((shown.waiting[0].member.as_str(), &shown.waiting[0].act), ("grocer", &None));
        assert_eq!((shown.drift[0].class.as_str(), &shown.drift[0].on), ("server-default", &None));
        assert_eq!(shown.drift[1].on.as_deref(), Some("dataset sales"));
    }

    #[test]
    fn of_ones_own_account_all_is_said_but_what_went_wrong_in_the_platforms_words() {
        let shown = shown(&member("grocer"), plan());
        assert!(shown.steps[0].what.as_deref().unwrap().contains("zqsentinel"));
        assert!(shown.waiting[0].act.as_deref().unwrap().contains("zqsentinel"));
        let problems = serde_json::to_string(&shown.problems).unwrap();
        assert!(!problems.contains("zqsentinel"), "{problems}");
    }

    #[test]
    fn an_error_says_nothing_in_a_platforms_words() {
        let room = PlatformId::aws_clean_rooms();
        let told = |error: Error| without_words(error.help(SECRET), &room);
        for error in [
            Error::failed("access-denied", SECRET),
            Error::refused("data-role-missing", SECRET),
            Error::refused("unheard-of", SECRET),
        ] {
            let told = told(error);
            assert!(!told.to_string().contains("zqsentinel"), "{told}");
        }
        assert_eq!(told(Error::failed("access-denied", SECRET)).code, "room-unseen");
        assert_eq!(told(Error::refused("data-role-missing", SECRET)).code, "data-role-missing");
        let ours = told(Error::refused("room-not-agreed", "the agreement is not held there"));
        assert_eq!(ours.message, "the agreement is not held there");
        assert_eq!(told(Error::failed("store-unavailable", "away")).code, "store-unavailable");
    }
}
