//! `run` at a gateway elsewhere: asked for, followed, and stopped by Ctrl-C. The rows themselves are with their receivers.

use super::decisions::template_of;
use super::{digest, named};
use crate::app::{Delivered, Preview, RunReport};
use crate::cli::run::{Run, named as parameters, show};
use crate::cli::screen::Screen;
use crate::client::{Client, Requested};
use crate::error::{Error, Kind, Result, codes};
use crate::wire;
use mappings::model::{Agreement, CollaborationId, MemberId, ResultClass};
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

pub(super) async fn run(client: &Client, run: Run, screen: Screen) -> Result<()> {
    client.speaks_for(&run.member)?;
    let parameters = parameters(&run.parameters)?;
    let of = &run.collaboration;
    let (stands, _) = client.collaboration(of).await?;
    if stands.agreement.is_none() {
        let message = "this collaboration has no agreement that every member joined";
        return Err(Error::refused("no-agreement", message)
            .help("every member joins: airlock join COLLABORATION --as MEMBER"));
    }
    let templates = client.templates(of).await?;
    let (template, version) = template_of(&templates, &run.template)?;
    let asked = wire::RunAsked {
        template: template.to_string(),
        digest: version.to_string(),
        room: Some(run.room.to_string()),
        parameters,
        limits: run.limits.asked(),
    };
    let stop = CancellationToken::new();
    let stopper = stop.clone();
    let ctrl_c = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopper.cancel();
        }
    });
    let requested = client.request_run(of, &asked).await;
    let ended = match &requested {
        Ok(requested) => followed(client, of, requested, &stop).await,
        Err(error) => Err(error.clone()),
    };
    ctrl_c.abort();
    let ended = ended?;
    if ended.state != wire::RunState::Succeeded {
        return Err(without_result(&ended));
    }
    let agreement = client.agreement(of, &digest(&ended.agreement)?).await?;
    let report = report(&ended, &agreement)?;
    show(&report, screen);
    let mut report = serde_json::json!(report);
    // What was read is not told over HTTP.
    if let Some(fields) = report.as_object_mut() {
        fields.remove("rows_read");
    }
    screen.object(&report);
    Ok(())
}

/// Follows it to its end; asked to stop, it is stopped there, and what became of that is followed.
async fn followed(
    client: &Client,
    of: &CollaborationId,
    requested: &Requested,
    stop: &CancellationToken,
) -> Result<wire::Run> {
    tokio::select! {
        ended = client.followed(of, &requested.run, |_| ()) => return ended,
        () = stop.cancelled() => {}
    }
    match client.cancel(of, &requested.run).await {
        Ok(_) => {}
        // It was over, or nearly so, before it could be stopped.
        Err(error) if matches!(error.code.as_str(), "run-ended" | "cancelled-late") => {}
        Err(error) => return Err(error),
    }
    client.followed(of, &requested.run, |_| ()).await
}

/// Why there is no result, as the command would say at the gateway itself.
fn without_result(run: &wire::Run) -> Error {
    let code = run.code.as_deref().unwrap_or("interrupted");
    if run.state == wire::RunState::Cancelled && code == "cancelled" {
        let message = "the run was cancelled; nothing of it is left";
        return Error::new(Kind::Cancelled, code, message);
    }
    let known = codes::explained(code);
    let message = known.map_or("the run ended without a result", |one| one.means);
    let kind = if run.state == wire::RunState::Cancelled { Kind::Refused } else { Kind::Failed };
    Error::new(kind, code, message).help(known.map_or("a new run", |one| one.pass))
}

fn report(run: &wire::Run, agreement: &Agreement) -> Result<RunReport> {
    let template = named(&run.template)?;
    let version = agreement.templates.get(&template);
    let class = version.map(|version| version.class).ok_or_else(super::misnamed)?;
    let place = |receiver: &String| -> Result<Option<Delivered>> {
        let receiver = named::<MemberId>(receiver)?;
        let destination = agreement.destinations.get(&receiver);
        Ok(destination.map(|at| Delivered {
            manifest: format!(
                "{}/{}/{}/manifest.json",
                at.trim_end_matches('/'),
                agreement.collaboration,
                run.run
            ),
            receiver,
        }))
    };
    let results = run.receivers.iter().filter_map(|one| place(one).transpose());
    let results = results.collect::<Result<Vec<_>>>()?;
    // Of an audience that is too small nothing is delivered.
    let is_none = class == ResultClass::Activation && run.rows.unwrap_or_default() == 0;
    Ok(RunReport {
        run: named(&run.run)?,
        template,
        class,
        state: "succeeded",
        rows: run.rows.unwrap_or_default(),
        withheld: run.withheld,
        rows_read: BTreeMap::new(),
        results: if is_none { Vec::new() } else { results },
        preview: Preview::default(),
    })
}
