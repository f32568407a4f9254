//! `plan`, `export` and `connections test` at a gateway elsewhere. Of another member's account it tells a code, and whose it is.

use super::decisions::agreement;
use super::named;
use crate::app::{RoomPlan, StepLine};
use crate::cli::connections::{Act, Connections};
use crate::cli::export::Export;
use crate::cli::plan::{PlanRoom, planned, show};
use crate::cli::screen::Screen;
use crate::client::Client;
use crate::error::{Error, Problem, Result, codes};
use crate::reconcile::{Drift, DriftClass, Loss};
use crate::wire;
use adapter_spi::{Behaviour, NeedsCounterparty};
use mappings::model::PlatformId;
use serde::de::DeserializeOwned;

pub(super) async fn plan(client: &Client, plan: PlanRoom, screen: Screen) -> Result<()> {
    let of = &plan.collaboration;
    if let Some(room) = &plan.room {
        let plan = room_plan(client.plan(of, room).await?)?;
        show(&plan, screen);
        screen.object(&serde_json::json!({ "collaboration": of, "plan": plan }));
        return Ok(());
    }
    let (agreed, _) = agreement(client, of).await?;
    let rooms = agreed.rooms.iter().map(|room| &room.platform);
    let (mut plans, mut failed) = (Vec::new(), Vec::new());
    for room in rooms.filter(|room| **room != PlatformId::native()) {
        match client.plan(of, room).await.and_then(room_plan) {
            Ok(plan) => plans.push(plan),
            Err(error) => failed.push((room.clone(), error)),
        }
    }
    planned(of, &plans, failed, screen)
}

/// A word of an answer, as the type that it is said with.
fn word<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_value(serde_json::json!(text)).map_err(|_| super::misnamed())
}

fn account_of(member: Option<&str>) -> String {
    format!("something in the account of {}", member.unwrap_or("another member"))
}

/// A plan as it is shown at the gateway itself.
fn room_plan(plan: wire::RoomPlan) -> Result<RoomPlan> {
    let problem = |one: wire::PlanProblem| {
        let known = codes::explained(&one.code);
        Problem {
            at: one.member.unwrap_or_else(|| "the room".to_owned()),
            message: known.map_or("it was not seen", |known| known.means).to_owned(),
            help: known.map_or("", |known| known.pass).to_owned(),
            code: one.code,
        }
    };
    Ok(RoomPlan {
        room: named(&plan.room)?,
        open: plan.open,
        steps: plan.steps.into_iter().map(step).collect::<Result<_>>()?,
        waiting: plan.waiting.into_iter().map(waits).collect::<Result<_>>()?,
        pending: plan.pending,
        closing: plan.closing,
        problems: plan.problems.into_iter().map(problem).collect(),
        drift: plan.drift.into_iter().map(drift).collect(),
        losses: plan.losses.into_iter().map(loss).collect::<Result<_>>()?,
        exact: usize::try_from(plan.exact).unwrap_or(usize::MAX),
        unverified: plan.unverified.into_iter().map(behaviour).collect::<Result<_>>()?,
        troubles: Vec::new(),
    })
}

fn step(one: wire::PlanStep) -> Result<StepLine> {
    let what = one.what.unwrap_or_else(|| account_of(one.member.as_deref()));
    Ok(StepLine {
        effect: word(&one.effect)?,
        what,
        call: one.call,
        waits_for: one.why.or(one.waits_for),
        member: None,
        waits: None,
    })
}

fn waits(one: wire::PlanWaits) -> Result<NeedsCounterparty> {
    Ok(NeedsCounterparty {
        what: one.what.unwrap_or_else(|| account_of(Some(&one.member))),
        act: one.act.unwrap_or_else(|| format!("told to {} alone", one.member)),
        member: named(&one.member)?,
    })
}

fn drift(one: wire::PlanDrift) -> Drift {
    let class = match one.class.as_str() {
        "server-default" => DriftClass::ServerDefault,
        "format-only" => DriftClass::FormatOnly,
        "tightened" => DriftClass::Tightened,
        "loosened" => DriftClass::Loosened,
        _ => DriftClass::Unknown,
    };
    Drift {
        class,
        on: one.on.unwrap_or_else(|| account_of(one.member.as_deref())),
        detail: one.detail.unwrap_or_else(|| "not told".to_owned()),
        member: None,
    }
}

fn behaviour(one: wire::Behaviour) -> Result<Behaviour> {
    Ok(Behaviour {
        code: one.code,
        expects: one.expects,
        standing: word(&one.standing)?,
        otherwise: word(&one.otherwise)?,
        reason: one.reason,
        settled_by: one.settled_by,
        terms: one.terms.iter().map(|term| word(term)).collect::<Result<_>>()?,
    })
}

fn loss(one: wire::PlanLoss) -> Result<Loss> {
    let members = |all: Vec<String>| all.iter().map(|one| named(one)).collect::<Result<_>>();
    Ok(Loss {
        term: word(&one.held.term)?,
        at: one.held.at,
        fidelity: word(&one.held.fidelity)?,
        residual: word(&one.held.residual)?,
        reason: one.held.reason,
        waived_by: members(one.waived_by)?,
        needs: members(one.needs)?,
    })
}

pub(super) async fn export(client: &Client, export: Export, screen: Screen) -> Result<()> {
    client.speaks_for(&export.member)?;
    let text = client.export(&export.collaboration, &export.room, export.form).await?;
    if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err(Error::failed("gateway-answer", "the document has signs that show nothing"));
    }
    export.shown(&text, screen);
    Ok(())
}

pub(super) async fn connections(
    client: &Client,
    connections: Connections,
    screen: Screen,
) -> Result<()> {
    let collaboration = match connections.act {
        Act::Test { collaboration } => collaboration,
        Act::Verify { .. } => return Err(Error::failed("bug", "it is not asked of a gateway")),
    };
    let tried = client.test_connections(&collaboration).await?;
    let member = client.member();
    let means = |code: &str| codes::explained(code).map_or("it does not work", |one| one.means);
    let error = |one: &wire::ConnectionTested| {
        one.code.as_deref().map(|code| format!("{code}: {}", means(code)))
    };
    screen.table(
        &["room", "member", "permission", "works"],
        tried.iter().map(|one| {
            let works = error(one).unwrap_or_else(|| "yes".to_owned());
            vec![one.room.clone(), member.to_string(), one.permission.clone(), works]
        }),
    );
    let broken = tried.iter().filter(|one| !one.works).count();
    if broken == 0 {
        let lines = tried.iter().map(|one| {
            serde_json::json!({ "room": one.room, "member": member, "permission": one.permission,
                "error": error(one) })
        });
        let lines: Vec<_> = lines.collect();
        screen.object(&serde_json::json!({ "collaboration": collaboration, "connections": lines }));
        return Ok(());
    }
    let problem = |one: &wire::ConnectionTested| Problem {
        code: one.code.clone().unwrap_or_default(),
        at: format!("{}, {member}: {}", one.room, one.permission),
        message: error(one).unwrap_or_default(),
        help: format!("leave for {}", one.permission),
    };
    let problems = tried.iter().filter(|one| !one.works).map(problem).collect();
    Err(Error::failed("connection-broken", format!("{broken} of {} don't work", tried.len()))
        .problems(problems))
}
