//! What a look ends: intents that nobody knows the end of, and withdrawals that have to be seen closed.

use super::memory::{Memory, closing_looks};
use super::pass::{Look, SEND_MAX_MS, Work};
use super::record;
use crate::log::{Body, Cause, Closure, Effect, Outcome, Revocable, State};
use adapter_spi::{Lag, Probe, ResourceKind};
use mappings::agreement::canonical;
use mappings::model::{Digest, PlatformId};
use std::collections::BTreeSet;

/// Intents of unknown end that can take effect no more, each with the end that a whole look shows.
pub(super) fn settled(
    state: &State,
    platform: &PlatformId,
    held: &BTreeSet<Revocable>,
    (memory, lag, now_ms): (&mut Memory, &Lag, i64),
) -> Vec<Body> {
    let open: Vec<_> = state.unsettled(platform).collect();
    memory.open_only(&open.iter().map(|(step, _)| (*step).clone()).collect());
    let late_ms = i64::try_from(lag.late_ms.saturating_add(lag.settles_ms)).unwrap_or(i64::MAX);
    let mut ended = Vec::new();
    for (step, record) in open {
        let since_ms = memory.open_since(step, now_ms);
        if now_ms.saturating_sub(since_ms) <= late_ms.saturating_add(SEND_MAX_MS) {
            continue;
        }
        let there = record.itself().all(|thing| held.contains(thing)) && !record.of.is_empty();
        let gives = record.effect > Effect::Restrict;
        let outcome = if there == gives { Outcome::Applied } else { Outcome::NotApplied };
        ended.push(Body::EffectOutcome { step: step.clone(), outcome, shown: false });
    }
    ended
}

/// What can be recorded as seen closed, after enough looks that agree and a try that was refused.
pub(super) async fn confirmations(work: &mut Work<'_>, look: &Look) -> Vec<Body> {
    let adapter = work.turn.adapter;
    let (platform, lag) = (adapter.platform(), adapter.capabilities().lag);
    let mut bodies = Vec::new();
    for (index, closure) in look.state.awaited(platform) {
        // What may still be given is not closed, however often nothing is seen of it; nor does a look prove anything of what was
        // withdrawn after it began.
        let since = closure.platforms.get(platform).map_or(index, |awaited| awaited.since);
        let late = look.state.is_late(closure, platform);
        let proves = look.is_whole() && look.stopped && look.when.basis > since && !late;
        if !proves || !is_closed(look, closure, platform) {
            work.memory.seen_open(index);
            continue;
        }
        let (reads, basis) = work.memory.seen_closed((index, since), &lag, look.when);
        if reads < closing_looks(&lag) {
            continue;
        }
        let probe = probed(work, look, closure).await;
        let Some(answer) = probe.filter(|probe| *probe != Probe::Served).map(said) else {
            work.memory.seen_open(index);
            continue;
        };
        let Ok(probe) = record::code(answer) else { continue };
        let (revocation, platform, seen) = (index, platform.clone(), digest(look));
        let confirmed =
            Body::RevocationConfirmed { revocation, platform, reads, basis, probe, seen };
        bodies.push(confirmed);
    }
    bodies
}

/// Whether nothing of it is open there, nor left to be taken away.
fn is_closed(look: &Look, closure: &Closure, platform: &PlatformId) -> bool {
    let concerns = |of: &[Revocable]| look.state.concerns(closure, platform, of);
    let open = look.subject.too_open(&look.desired, &look.seen);
    let open = open.iter().any(|kind| {
        let of = look.subject.rests_on(kind);
        // What nobody ever offered may be anybody's.
        concerns(&of) || of.iter().any(|thing| !look.state.was_offered(thing))
    });
    let parts = parts(look).into_iter().any(|kind| match look.subject.thing(&kind) {
        Some(part) => concerns(&[part]),
        None => closure.what.iter().any(|what| is_part(&kind, what)),
    });
    let outdated = look.subject.outdated(&look.seen);
    !open
        && !parts
        && !outdated.iter().any(|part| concerns(std::slice::from_ref(part)))
        && !look.taking().any(|(_, of)| concerns(&of))
}

/// Memberships and owners' parts that are there and not wanted: where nobody operates their account, no step says so.
fn parts(look: &Look) -> Vec<ResourceKind> {
    let Look { desired, seen, .. } = look;
    let members = seen.members.iter().map(|member| ResourceKind::Member(member.clone()));
    let approvals = seen.approvals.iter();
    let approvals = approvals.map(|(name, of)| ResourceKind::Approval(name.clone(), of.clone()));
    let wanted = |kind: &ResourceKind| match kind {
        ResourceKind::Member(member) => desired.open && desired.members.contains(member),
        ResourceKind::Approval(template, owner) => {
            let given = desired.approvals.get(template);
            desired.open && given.is_some_and(|given| given.contains(owner))
        }
        ResourceKind::Dataset(_) | ResourceKind::Template(_) | ResourceKind::Native(_) => true,
    };
    let there = members.chain(approvals).chain(seen.remains.iter().cloned());
    there.filter(|kind| !wanted(kind)).collect()
}

/// Whether an owner's part in a template that is agreed no more, of whatever version, is part of what was withdrawn.
fn is_part(kind: &ResourceKind, what: &Revocable) -> bool {
    let ResourceKind::Approval(name, owner) = kind else { return true };
    match what {
        Revocable::Template { template, .. } => template == name,
        Revocable::Approval { template, of, .. } => template == name && of == owner,
        Revocable::Member { member } => member == owner,
        Revocable::Room => true,
        Revocable::Dataset { .. } | Revocable::Column { .. } => false,
    }
}

/// Tries it as the one who could use it would. `None` where the platform did not answer.
async fn probed(work: &Work<'_>, look: &Look, closure: &Closure) -> Option<Probe> {
    let mut worst = Probe::NotPossible;
    if closure.cause == Cause::Narrowed {
        return Some(worst);
    }
    for what in &closure.what {
        let Some(kind) = kind(look, what) else { continue };
        match work.turn.adapter.probe(&kind, &look.scope, &work.turn.cx).await {
            Ok(Probe::Served) => return Some(Probe::Served),
            Ok(Probe::Denied) => worst = Probe::Denied,
            Ok(Probe::NotPossible) => {}
            Err(_) => return None,
        }
    }
    Some(worst)
}

/// What can be tried of it. A version of a template that is agreed no more can't: whoever asks is answered by the one that is.
fn kind(look: &Look, what: &Revocable) -> Option<ResourceKind> {
    match what {
        Revocable::Template { template, digest } | Revocable::Approval { template, digest, .. }
            if look.state.version_of(template) != Some(*digest) =>
        {
            None
        }
        Revocable::Member { member } => Some(ResourceKind::Member(member.clone())),
        Revocable::Dataset { dataset } => Some(ResourceKind::Dataset(dataset.clone())),
        Revocable::Template { template, .. } => Some(ResourceKind::Template(template.clone())),
        Revocable::Approval { template, of, .. } => {
            Some(ResourceKind::Approval(template.clone(), of.clone()))
        }
        Revocable::Column { .. } | Revocable::Room => None,
    }
}

const fn said(probe: Probe) -> &'static str {
    match probe {
        Probe::Denied => "denied",
        Probe::Served => "served",
        Probe::NotPossible => "not-possible",
    }
}

/// Names what was seen, so that two gateways can say that they saw the same.
fn digest(look: &Look) -> Digest {
    let seen = &look.seen;
    let document = serde_json::json!({
        "resources": seen.resources, "members": seen.members, "native": seen.native,
    });
    Digest::of(&canonical(&document))
}
