//! `apply`, `join`, `decline`, `approve`, `waive`, `waiting` and `reoffer` at a gateway elsewhere. Each decides on what was looked at, by its digest.

use super::{digest, misnamed, named, receipt};
use crate::app::{agreements, waivable};
use crate::cli::apply::Apply;
use crate::cli::approve::Approve;
use crate::cli::decline::Decline;
use crate::cli::join::Join;
use crate::cli::reoffer::{self, Reoffer};
use crate::cli::screen::Screen;
use crate::cli::waiting::Waiting;
use crate::cli::waive::{Given, Waive};
use crate::client::{Client, Seconded, Withdrawn};
use crate::error::{Error, Result};
use crate::wire;
use crate::wiring;
use adapter_spi::{Assessment, Verdict};
use mappings::model::{Agreement, CollaborationId, Digest, MemberId, PlatformId, TemplateName};
use std::collections::BTreeSet;
use std::path::Path;

pub(super) async fn apply(client: &Client, apply: Apply, screen: Screen) -> Result<()> {
    let member = apply.member.ok_or_else(|| Error::invalid("usage", "who proposes it"))?;
    client.speaks_for(&member)?;
    let (agreement, text) = agreements::read_whole(Path::new(&apply.what))?;
    let looked = client.looked(&agreement.collaboration).await?;
    let decided = client.propose((&agreement, &text), &looked).await?;
    screen.say(format!(
        "{}: agreement {} proposed by {member}, leaf {}",
        agreement.collaboration,
        agreement.digest().short(),
        decided.receipt.index
    ));
    screen.say("every member joins next: airlock join COLLABORATION --as MEMBER");
    screen.object(&serde_json::json!({
        "collaboration": agreement.collaboration, "digest": agreement.digest(),
        "receipt": receipt(&decided.receipt),
    }));
    Ok(())
}

fn no_agreement() -> Error {
    Error::refused("no-agreement", "this collaboration has no agreement yet")
        .help("airlock apply FILE --as MEMBER")
}

fn other_waits(agreement: Digest) -> Error {
    Error::refused("agreement-not-proposed", format!("the agreement that waits is {agreement}"))
        .help("the digest that `airlock check` prints for the agreed file")
}

fn digest_of(text: Option<&String>) -> Result<Option<Digest>> {
    text.map(|text| digest(text)).transpose()
}

pub(super) async fn join(client: &Client, join: Join, screen: Screen) -> Result<()> {
    let (of, member) = (&join.collaboration, &join.member);
    client.speaks_for(member)?;
    let (stands, mark) = client.collaboration(of).await?;
    let agreement = digest_of(stands.waiting.as_ref().or(stands.agreement.as_ref()))?;
    let agreement = agreement.ok_or_else(no_agreement)?;
    if join.agreement.is_some_and(|only| only != agreement) {
        return Err(other_waits(agreement));
    }
    let decided = client.join(of, agreement, &mark).await?;
    let index = decided.receipt.index;
    screen.say(format!("{member} joined {of} under agreement {agreement}, leaf {index}"));
    screen.object(&serde_json::json!({
        "collaboration": of, "member": member, "agreement": agreement,
        "receipt": receipt(&decided.receipt),
    }));
    Ok(())
}

pub(super) async fn decline(client: &Client, decline: Decline, screen: Screen) -> Result<()> {
    let (of, member) = (&decline.collaboration, &decline.member);
    client.speaks_for(member)?;
    let (stands, mark) = client.collaboration(of).await?;
    let agreement = digest_of(stands.waiting.as_ref())?.ok_or_else(|| {
        Error::refused("agreement-not-proposed", "no agreement waits for members")
    })?;
    let decided = client.decline(of, agreement, &mark).await?;
    screen.say(format!(
        "{member} declined agreement {agreement} of {of}, leaf {}; what was in force stays so",
        decided.receipt.index
    ));
    screen.object(&serde_json::json!({
        "collaboration": of, "member": member, "agreement": agreement,
        "receipt": receipt(&decided.receipt),
    }));
    Ok(())
}

/// A template as it is looked at now.
pub(super) fn template_of(
    all: &[wire::Template],
    name: &TemplateName,
) -> Result<(TemplateName, Digest)> {
    let found = all.iter().find(|one| one.template == name.as_str());
    let found = found.ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|one| one.template.as_str()).collect();
        Error::invalid("template-unknown", format!("the agreement has no template {name}"))
            .help(names.join(", "))
    })?;
    Ok((name.clone(), digest(&found.digest)?))
}

pub(super) async fn approve(client: &Client, approve: Approve, screen: Screen) -> Result<()> {
    if !approve.all && approve.templates.is_empty() {
        return Err(Error::invalid("template-missing", "name templates, or say --all"));
    }
    let (of, member) = (&approve.collaboration, &approve.member);
    client.speaks_for(member)?;
    let all = client.templates(of).await?;
    let waits = |one: &&wire::Template| one.waits_for.iter().any(|owner| owner == member.as_str());
    let wanted: Vec<TemplateName> = if approve.all {
        let names = all.iter().filter(waits).map(|one| named(&one.template));
        names.collect::<Result<_>>()?
    } else {
        approve.templates
    };
    let looked = wanted.iter().map(|name| template_of(&all, name));
    let (mut approved, mut waiting) = (Vec::new(), Vec::new());
    for (name, version) in looked.collect::<Result<Vec<_>>>()? {
        match client.approve(of, &name, version).await? {
            Seconded::Decided(_) => {
                screen.say(format!("{member} approved {name} {version}"));
                approved.push((name, version));
            }
            Seconded::Waits(waits) => {
                screen.say(format!("the approval of {name} {version} {}", second(member)));
                waiting.push(waits);
            }
        }
    }
    if approved.is_empty() && waiting.is_empty() {
        screen.say(format!("no template waits for {member}"));
    }
    screen.object(&serde_json::json!({
        "collaboration": of, "member": member, "approved": approved, "waiting": waiting,
    }));
    Ok(())
}

/// What it waits for.
fn second(member: &MemberId) -> String {
    format!("waits for a second person of {member}, who has to ask for the same within a day")
}

/// The agreement in force, or else the one that waits, and the mark that it was looked at under.
pub(super) async fn agreement(
    client: &Client,
    of: &CollaborationId,
) -> Result<(Agreement, String)> {
    let (stands, mark) = client.collaboration(of).await?;
    let version = digest_of(stands.agreement.as_ref().or(stands.waiting.as_ref()))?;
    let version = version.ok_or_else(no_agreement)?;
    Ok((client.agreement(of, &version).await?, mark))
}

/// Each is asked for on its own, tied to a look of its own, and on the one agreement that was looked at first.
pub(super) async fn waive(client: &Client, waive: Waive, screen: Screen) -> Result<()> {
    let (of, member, room) = (&waive.collaboration, &waive.member, &waive.room);
    client.speaks_for(member)?;
    let (agreement, mark) = agreement(client, of).await?;
    let terms = if waive.all {
        let looked = waivable(&agreement, room, member)?;
        waive.looked_at(&looked, &given_before(client, &agreement, &waive).await?, screen)?
    } else {
        Some(waive.at.clone())
    };
    let (mut given, mut waiting) = (Vec::new(), Vec::new());
    let mut mark = Some(mark);
    for at in terms.iter().flatten() {
        let mark = match mark.take() {
            Some(mark) => mark,
            None => client.collaboration(of).await?.1,
        };
        match client.waive(of, (room, at), agreement.digest(), &mark).await {
            Ok(Seconded::Decided(decided)) => {
                let waived = verdict(&agreement, room, at.as_str())?;
                waive.say(&waived, decided.receipt.index, screen);
                given.push(Given { waived, receipt: receipt(&decided.receipt) });
            }
            Ok(Seconded::Waits(waits)) => {
                screen.say(format!("the waiver of {at} in {room} {}", second(member)));
                waiting.push(*waits);
            }
            // Of two people the other may go through them at the same time.
            Err(error) if waive.all && error.code == "already-decided" => {
                screen.say(format!("{at} in {room} is waived already"));
            }
            Err(error) => return Err(error),
        }
    }
    if terms.is_some() {
        waive.told(given, &waiting, screen);
    }
    Ok(())
}

pub(super) async fn waiting(client: &Client, waiting: Waiting, screen: Screen) -> Result<()> {
    client.speaks_for(&waiting.member)?;
    if let Some(id) = &waiting.take_back {
        client.take_back(&waiting.collaboration, id).await?;
        waiting.taken(id, screen);
    } else {
        waiting.show(&client.waiting(&waiting.collaboration).await?, screen);
    }
    Ok(())
}

/// The terms of a room that an owner waived for this agreement, by the gateway's word.
async fn given_before(
    client: &Client,
    agreement: &Agreement,
    waive: &Waive,
) -> Result<BTreeSet<String>> {
    let given = client.waivers(&waive.collaboration, agreement.digest()).await?.into_iter();
    let is_of = |one: &wire::WaiverGiven| {
        one.room == waive.room.as_str() && one.by.iter().any(|by| by == waive.member.as_str())
    };
    Ok(given.filter(is_of).map(|one| one.at).collect())
}

/// How the room holds it, by this version's own reading of the agreement.
fn verdict(agreement: &Agreement, room: &PlatformId, at: &str) -> Result<Verdict> {
    let assessed = wiring::assess(agreement)?;
    let held = assessed.iter().find(|assessment| assessment.platform == *room);
    let mut wider = held.into_iter().flat_map(Assessment::wider);
    wider.find(|verdict| verdict.at == at).cloned().ok_or_else(misnamed)
}

pub(super) async fn reoffer(client: &Client, reoffer: Reoffer, screen: Screen) -> Result<()> {
    let (of, member) = (&reoffer.collaboration, &reoffer.member);
    client.speaks_for(member)?;
    let what = match reoffer.what {
        reoffer::What { dataset: Some(dataset), .. } => Withdrawn::Dataset(dataset),
        reoffer::What { room: true, .. } => Withdrawn::Room,
        reoffer::What { .. } => Withdrawn::Membership,
    };
    let (_, mark) = client.collaboration(of).await?;
    let decided = client.reoffer(of, &what, &mark).await?;
    screen.say(format!(
        "{member} offers {what} again, leaf {}; platforms get it once they were seen closed{}",
        decided.receipt.index,
        if what == Withdrawn::Room { " and every member has said so" } else { "" }
    ));
    screen.object(&serde_json::json!({
        "collaboration": of, "offered": what.to_string(), "receipt": receipt(&decided.receipt),
    }));
    Ok(())
}
