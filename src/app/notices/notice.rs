//! What a tenant is told of a leaf: names, digests and codes, and never data, parameters or counts of rows. Pure. Must not know how anybody is told.

use crate::log::{Body, Leaf, Run, Slot, State};
use mappings::model::{
    Ability, CollaborationId, Digest, MemberId, RunId, ScheduleId, TemplateName,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// A withdrawal that is not seen closed everywhere after so long is told.
const CLOSED_WITHIN_MS: i64 = 15 * 60_000;

/// One notice, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Notice {
    /// The same for the same, whoever sends it and however often.
    pub(super) id: String,
    pub(super) event: &'static str,
    pub(super) collaboration: CollaborationId,
    /// The leaf that it is about.
    pub(super) index: u64,
    pub(super) at_ms: i64,
    #[serde(flatten)]
    of: Of,
}

/// What it names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Of {
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<ScheduleId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slot_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<TemplateName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation: Option<u64>,
}

impl Notice {
    fn new(
        (collaboration, index, at_ms): (&CollaborationId, u64, i64),
        event: &'static str,
        of: Of,
    ) -> Self {
        let subject = of.schedule.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut hash = Sha256::new_with_prefix("airlock/notice/v1");
        for part in [collaboration.as_str(), event, subject.as_str(), &index.to_string()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digits = hash
            .finalize()
            .iter()
            .take(16)
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let (id, collaboration) = (format!("ntc_{digits}"), collaboration.clone());
        Self { id, event, collaboration, index, at_ms, of }
    }

    /// What is sent.
    pub(super) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// What a tenant is told of a leaf, on the state of some later moment.
pub(super) fn notices(leaf: &Leaf, index: u64, state: &State, to: &MemberId) -> Vec<Notice> {
    let at = (&leaf.collaboration, index, leaf.at_ms);
    let mut all: Vec<Notice> = ended(leaf, state, to)
        .map(|of| Notice::new(at, "run-ended", of))
        .into_iter()
        .chain(cap(leaf, index, state, to).map(|of| Notice::new(at, "cap-nearly-spent", of)))
        .chain(closed(leaf, index, state).map(|of| Notice::new(at, "revocation-closed", of)))
        .collect();
    if let Body::SlotRefused { schedule, slot_ms, code } = &leaf.body
        && let Some(known) = state.schedules().get(schedule).filter(|known| known.by == *to)
    {
        let of = Of {
            schedule: Some(schedule.clone()),
            slot_ms: Some(*slot_ms),
            code: Some(code.to_string()),
            template: Some(known.template.clone()),
            digest: Some(known.digest),
            ..Of::default()
        };
        all.push(Notice::new(at, "schedule-refused", of));
    }
    let own = state.schedules().iter().filter(|(_, one)| one.by == *to && one.ended.is_none());
    for (schedule, one) in own {
        if let Some((_, why)) = one.suspended.filter(|(since, _)| *since == index) {
            let of = Of {
                schedule: Some(schedule.clone()),
                code: Some(why.to_owned()),
                template: Some(one.template.clone()),
                digest: Some(one.digest),
                ..Of::default()
            };
            all.push(Notice::new(at, "schedule-suspended", of));
        }
    }
    all
}

/// Withdrawals that were not seen closed everywhere in time.
pub(super) fn overdue<'a>(
    collaboration: &'a CollaborationId,
    state: &'a State,
    now_ms: i64,
) -> impl Iterator<Item = Notice> + 'a {
    let late = move |at_ms: i64| now_ms.saturating_sub(at_ms) >= CLOSED_WITHIN_MS;
    let open = state.unconfirmed().filter(move |(_, closure)| late(closure.at_ms));
    open.map(move |(index, closure)| {
        let of = Of { revocation: Some(index), ..Of::default() };
        Notice::new((collaboration, index, closure.at_ms), "revocation-open", of)
    })
}

/// The end of a run that the tenant asked for, or receives.
fn ended(leaf: &Leaf, state: &State, to: &MemberId) -> Option<Of> {
    let (run, outcome, code, manifest) =
        if let Body::RunSucceeded { run, manifests, .. } = &leaf.body {
            (run, "succeeded", None, manifests.get(to).copied())
        } else if let Body::RunFailed { run, code, delivered } = &leaf.body {
            (run, "failed", Some(code.to_string()), delivered.get(to).copied())
        } else if let Body::RunCancelled { run, code } = &leaf.body {
            (run, "cancelled", Some(code.to_string()), None)
        } else {
            return None;
        };
    let known: &Run = state.runs().get(run)?;
    if known.by != *to && !known.receivers.contains(to) {
        return None;
    }
    let slot = Slot::of(run).filter(|slot| state.schedules().contains_key(&slot.schedule));
    Some(Of {
        run: Some(run.clone()),
        slot_ms: slot.as_ref().map(|slot| slot.at_ms),
        schedule: slot.map(|slot| slot.schedule),
        template: Some(known.template.clone()),
        digest: Some(known.digest),
        outcome: Some(outcome),
        code,
        manifest,
        revocation: None,
    })
}

/// Four fifths of the cap are spent by this request. Told to those who may run.
fn cap(leaf: &Leaf, index: u64, state: &State, to: &MemberId) -> Option<Of> {
    let Body::RunRequested { run, .. } = &leaf.body else { return None };
    let agreement = &state.in_force()?.agreement;
    if !agreement.members.get(to)?.abilities.contains(&Ability::Run) {
        return None;
    }
    let limits = agreement.limits;
    let window_ms = i64::try_from(limits.within_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let since = leaf.at_ms.saturating_sub(window_ms);
    let before = state.runs().values().filter(|run| run.index < index).count();
    let used = (before + 1).saturating_sub(state.attempts().partition_point(|at| *at <= since));
    let most = usize::try_from(limits.runs_max).unwrap_or(usize::MAX);
    (used == (most.saturating_mul(4).div_ceil(5)).max(1))
        .then(|| Of { run: Some(run.clone()), ..Of::default() })
}

/// What was taken away is seen closed on the last platform; or at once, where there is none but the native room.
fn closed(leaf: &Leaf, index: u64, state: &State) -> Option<Of> {
    let revocation = if let Body::RevocationConfirmed { revocation, .. } = &leaf.body {
        let closure = state.closures().get(revocation)?;
        let seen = closure.platforms.values().map(|one| Some(one.confirmed.as_ref()?.index));
        let all: Vec<u64> = seen.collect::<Option<_>>()?;
        (all.into_iter().max() == Some(index)).then_some(*revocation)?
    } else if let Body::Revoked { .. } = &leaf.body {
        (!state.closures().contains_key(&index)).then_some(index)?
    } else {
        return None;
    };
    Some(Of { revocation: Some(revocation), ..Of::default() })
}
