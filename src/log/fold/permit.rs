//! Whether a run may start, and whether a started one may still deliver. Deny by default; every denial says who
//! could change it and how.

use super::{RunStatus, State, Version};
use crate::log::leaf::{Revocable, Touched};
use mappings::model::{
    Ability, Agreement, DatasetName, Digest, MemberId, PlatformId, ResultClass, RunId, TemplateName,
};
use std::collections::BTreeSet;

/// A run that someone would like to start.
#[derive(Debug, Clone, Copy)]
pub struct RunRequest<'a> {
    /// Its id, never used before.
    pub run: &'a RunId,
    /// The agreement whose rules the guard applied.
    pub agreement: Digest,
    /// The template.
    pub template: &'a TemplateName,
    /// Its version.
    pub digest: Digest,
    /// Who asks.
    pub by: &'a MemberId,
    /// Who shall receive.
    pub receivers: &'a [MemberId],
    /// The datasets and columns that the guard found in the template's text. Owners come from the agreement.
    pub touched: &'a Touched,
    /// Now.
    pub at_ms: i64,
}

/// A run that may not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {remedy}")]
pub struct Denied {
    /// The stable code.
    pub code: &'static str,
    /// What stands against it.
    pub message: String,
    /// Who would have to do what.
    pub remedy: String,
}

impl Denied {
    fn new(code: &'static str, message: String, remedy: impl Into<String>) -> Self {
        Self { code, message, remedy: remedy.into() }
    }
}

/// The parts of a request that stay true while the run goes on.
#[derive(Clone, Copy)]
struct Standing<'a> {
    agreement: Digest,
    template: &'a TemplateName,
    digest: Digest,
    by: &'a MemberId,
    receivers: &'a [MemberId],
    touched: &'a Touched,
    /// Withdrawals after this position count even when they were superseded since.
    since: Option<u64>,
}

const FINAL: &str =
    "a withdrawal is final here; the parties can begin a new collaboration without it";

impl State {
    /// Whether this run may be requested now.
    pub fn may_run(&self, request: &RunRequest<'_>) -> Result<(), Denied> {
        let RunRequest { run, agreement, template, digest, by, receivers, touched, at_ms } =
            *request;
        let standing =
            Standing { agreement, template, digest, by, receivers, touched, since: None };
        let version = self.permitted(standing)?;
        if self.runs.contains_key(run) {
            let message = format!("run `{run}` was requested before");
            return Err(Denied::new("run-id-used", message, "choose another run id"));
        }
        self.within_cap(&version.agreement, at_ms)
    }

    /// Whether anybody may have runs of this template version made for it at times to come; what each reads, and whether its owners approve of
    /// that, is asked when its time has come.
    pub fn may_schedule(
        &self,
        (template, digest): (&TemplateName, Digest),
        (by, room): (&MemberId, &PlatformId),
    ) -> Result<(), Denied> {
        self.room_is_open()?;
        let version = self.everyone_joined()?;
        let named = version.agreement.templates.get(template);
        let receivers: Vec<MemberId> =
            named.map(|one| one.received_by.iter().cloned().collect()).unwrap_or_default();
        let (agreement, since, touched) = (version.digest, None, &Touched::new());
        let receivers = &receivers[..];
        let standing = Standing { agreement, template, digest, by, receivers, touched, since };
        template_is_current(version, standing)?;
        parties_are_named(&version.agreement, standing)?;
        if version.agreement.is_held_in(room) {
            return Ok(());
        }
        let message = format!("the agreement is not held in room `{room}`");
        Err(Denied::new("room-unknown", message, "a room of the agreement"))
    }

    /// Whether a requested run may still go on and deliver. False once anything it rests on was withdrawn after its
    /// request, whatever was granted since.
    pub fn may_deliver(&self, run: &RunId) -> Result<(), Denied> {
        let known = self.runs.get(run).and_then(|found| found.open().map(|open| (found, open)));
        let Some((found, open)) = known else {
            let message = format!("run `{run}` is not open");
            return Err(Denied::new("run-ended", message, "request a new run"));
        };
        let standing = Standing {
            agreement: open.agreement_digest,
            template: &found.template,
            digest: found.digest,
            by: &found.by,
            receivers: &open.receivers,
            touched: &open.touched,
            since: Some(found.index),
        };
        self.rests(standing)
    }

    /// Whether everything that a run rests on stands, and none of it was withdrawn since its request.
    fn rests(&self, standing: Standing<'_>) -> Result<(), Denied> {
        self.permitted(standing)?;
        let rests = |what: &Revocable| match what {
            Revocable::Room | Revocable::Member { .. } => true,
            Revocable::Dataset { dataset } => standing.touched.contains_key(dataset),
            // Their positions are compared above.
            Revocable::Column { .. } | Revocable::Template { .. } | Revocable::Approval { .. } => {
                false
            }
        };
        if self.found.iter().any(|(what, taken)| Some(taken.index) > standing.since && rests(what))
        {
            let message = "something it rests on was withdrawn on a platform during the run";
            let message = message.to_owned();
            return Err(Denied::new("withdrawn-meanwhile", message, "request a new run"));
        }
        Ok(())
    }

    /// Whether a member may open the result of a run to somebody outside, and it may be read there: it was delivered whole, to this member among
    /// others; it is an aggregate, since rows of an activation are for declared receivers alone; and everything that the run rested on stands under
    /// the agreement in force, by the rules under which it ran and without a withdrawal since it was requested.
    pub fn may_share(&self, run: &RunId, by: &MemberId) -> Result<(), Denied> {
        let delivered = self.runs.get(run).filter(|run| {
            matches!(run.status, RunStatus::Succeeded { .. }) && run.receivers.contains(by)
        });
        let Some(found) = delivered else {
            let message = format!("run `{run}` delivered no whole result to `{by}`");
            return Err(Denied::new("result-missing", message, "name a run that has succeeded"));
        };
        self.room_is_open()?;
        let version = self.everyone_joined()?;
        self.rests(Standing {
            agreement: version.digest,
            template: &found.template,
            digest: found.digest,
            by: &found.by,
            receivers: std::slice::from_ref(by),
            touched: &found.touched,
            since: Some(found.index),
        })?;
        if !rules_stand(&found.agreed, &version.agreement, &found.touched) {
            let message = "what the run read has other rules now than it ran under".to_owned();
            let remedy = "request the run under the agreement in force";
            return Err(Denied::new("agreement-changed", message, remedy));
        }
        let template = version.agreement.templates.get(&found.template);
        if template.is_some_and(|one| one.class == ResultClass::Aggregate) {
            return Ok(());
        }
        let message = format!("template `{}` gives rows of entities", found.template);
        Err(Denied::new("share-of-rows", message, "share the result of an aggregate template"))
    }

    /// Whether this member's approval of the template version holds: given, and newer than every withdrawal.
    pub(super) fn approved(
        &self,
        member: &MemberId,
        template: &TemplateName,
        digest: Digest,
    ) -> bool {
        let key = (template.clone(), digest);
        let given = self.approvals.get(&key).and_then(|by| by.get(member).copied());
        let left = || self.revoked(&Revocable::Member { member: member.clone() }).is_some();
        given.is_some_and(|at| self.withdrawn(member, template, digest) < Some(at) && !left())
    }

    /// Spares most logs the look-ups.
    fn nothing_withdrawn(&self) -> bool {
        self.tombstones.is_empty() && self.found.is_empty()
    }

    /// The newest withdrawal of the template version or of this member's approval of it.
    fn withdrawn(&self, of: &MemberId, template: &TemplateName, digest: Digest) -> Option<u64> {
        if self.nothing_withdrawn() {
            return None;
        }
        let (template, of) = (template.clone(), of.clone());
        let whole = self.revoked(&Revocable::Template { template: template.clone(), digest });
        whole.max(self.revoked(&Revocable::Approval { template, digest, of }))
    }

    fn permitted(&self, standing: Standing<'_>) -> Result<&Version, Denied> {
        self.room_is_open()?;
        let version = self.everyone_joined()?;
        agreement_is_current(version, standing)?;
        template_is_current(version, standing)?;
        parties_are_named(&version.agreement, standing)?;
        self.datasets_are_offered(&version.agreement, standing)?;
        self.owners_approve(&version.agreement, standing)?;
        Ok(version)
    }

    fn room_is_open(&self) -> Result<(), Denied> {
        if self.revoked(&Revocable::Room).is_none() {
            return Ok(());
        }
        Err(Denied::new("room-revoked", "the room was closed".to_owned(), FINAL))
    }

    fn everyone_joined(&self) -> Result<&Version, Denied> {
        let Some(version) = &self.in_force else {
            let Some(waiting) = &self.waiting else {
                let message = "no agreement was proposed".to_owned();
                return Err(Denied::new("agreement-missing", message, "a member proposes one"));
            };
            let members = waiting.agreement.members.keys();
            let missing = members.filter(|m| !waiting.accepted.contains(*m));
            let missing = listed(missing);
            let message = format!("not every member has joined: {missing}");
            return Err(Denied::new("member-not-joined", message, format!("{missing} must join")));
        };
        if !self.nothing_withdrawn() {
            let members = version.agreement.members.keys();
            let left =
                |m: &&MemberId| self.revoked(&Revocable::Member { member: (*m).clone() }).is_some();
            if let Some(member) = members.into_iter().find(left) {
                let message = format!("member `{member}` has left");
                return Err(Denied::new("member-revoked", message, FINAL));
            }
        }
        Ok(version)
    }

    fn datasets_are_offered(
        &self,
        agreement: &Agreement,
        standing: Standing<'_>,
    ) -> Result<(), Denied> {
        if standing.touched.is_empty() {
            let message = "the run names no dataset".to_owned();
            return Err(Denied::new(
                "dataset-missing",
                message,
                "take the datasets from the guard",
            ));
        }
        for (name, columns) in standing.touched {
            let Some(dataset) = agreement.datasets.get(name) else {
                let message = format!("dataset `{name}` is not in the agreement");
                return Err(Denied::new(
                    "dataset-unknown",
                    message,
                    "its owner proposes an agreement with it",
                ));
            };
            if let Some(column) = columns.iter().find(|c| !dataset.columns.contains_key(*c)) {
                let message = format!("column `{column}` of `{name}` is not in the agreement");
                return Err(Denied::new(
                    "column-unknown",
                    message,
                    "its owner proposes an agreement with it",
                ));
            }
            if self.nothing_withdrawn() {
                continue;
            }
            if self.revoked(&Revocable::Dataset { dataset: name.clone() }).is_some() {
                let message = format!("dataset `{name}` was withdrawn by `{}`", dataset.owner);
                return Err(Denied::new("dataset-revoked", message, FINAL));
            }
            let gone = columns.iter().find(|column| {
                let (dataset, column) = (name.clone(), (*column).clone());
                self.revoked(&Revocable::Column { dataset, column }).is_some()
            });
            if let Some(column) = gone {
                let message =
                    format!("column `{column}` of `{name}` was withdrawn by `{}`", dataset.owner);
                return Err(Denied::new("column-revoked", message, FINAL));
            }
        }
        Ok(())
    }

    fn owners_approve(&self, agreement: &Agreement, standing: Standing<'_>) -> Result<(), Denied> {
        let Standing { template, digest, since, .. } = standing;
        let owners = owners(agreement, standing.touched.keys());
        let missing: Vec<_> =
            owners.iter().filter(|o| !self.approved(o, template, digest)).collect();
        if !missing.is_empty() {
            let missing = listed(missing.into_iter().copied());
            let message =
                format!("template `{template}` ({}) lacks approval by {missing}", digest.short());
            let remedy = format!("{missing} must approve this version");
            return Err(Denied::new("approval-missing", message, remedy));
        }
        let withdrawn = |owner: &MemberId| self.withdrawn(owner, template, digest) > since;
        if since.is_some() && owners.iter().any(|owner| withdrawn(owner)) {
            let message = format!("approval of template `{template}` was withdrawn during the run");
            return Err(Denied::new("approval-revoked", message, "request a new run"));
        }
        Ok(())
    }

    fn within_cap(&self, agreement: &Agreement, at_ms: i64) -> Result<(), Denied> {
        let limits = agreement.limits;
        let window_ms = i64::try_from(limits.within_s.saturating_mul(1000)).unwrap_or(i64::MAX);
        let used = self.attempts_within(at_ms, window_ms);
        if used < u64::from(limits.runs_max) {
            return Ok(());
        }
        let message =
            format!("{used} of {} runs in {} seconds are spent", limits.runs_max, limits.within_s);
        let oldest =
            usize::try_from(limits.runs_max).ok().and_then(|n| self.attempts.len().checked_sub(n));
        let free_at =
            oldest.and_then(|at| self.attempts.get(at)).map(|at| at.saturating_add(window_ms));
        let remedy = free_at.map_or_else(
            || "the members must agree a larger cap".to_owned(),
            |at| format!("the next run is free at {at} (milliseconds since 1970)"),
        );
        Err(Denied::new("cap-spent", message, remedy))
    }
}

fn agreement_is_current(version: &Version, standing: Standing<'_>) -> Result<(), Denied> {
    if version.digest == standing.agreement {
        return Ok(());
    }
    let (now, then) = (version.digest.short(), standing.agreement.short());
    let message = format!("the agreement is now {now}, not {then}: its rules may differ");
    Err(Denied::new("agreement-changed", message, "request the run under the agreement in force"))
}

/// Whether what a run read is agreed as it was then. Where it lies, and columns that it did not read, are no matter.
fn rules_stand(then: &Agreement, now: &Agreement, touched: &Touched) -> bool {
    touched.iter().all(|(name, columns)| {
        let both = then.datasets.get(name).zip(now.datasets.get(name));
        both.is_some_and(|(then, now)| {
            let before = (&then.rule, &then.entity, &then.consent, &then.rows);
            before == (&now.rule, &now.entity, &now.consent, &now.rows)
                && columns.iter().all(|name| then.columns.get(name) == now.columns.get(name))
        })
    })
}

fn template_is_current(version: &Version, standing: Standing<'_>) -> Result<(), Denied> {
    let Standing { template, digest, .. } = standing;
    match version.templates.get(template) {
        Some(current) if *current == digest => Ok(()),
        Some(current) => {
            let message =
                format!("template `{template}` is now {}, not {}", current.short(), digest.short());
            Err(Denied::new("template-differs", message, "run the version in the agreement"))
        }
        None => {
            let message = format!("template `{template}` is not in the agreement");
            Err(Denied::new("template-unknown", message, "a member proposes an agreement with it"))
        }
    }
}

fn parties_are_named(agreement: &Agreement, standing: Standing<'_>) -> Result<(), Denied> {
    let Standing { template: name, by, receivers, .. } = standing;
    let able = |member: &MemberId, ability| {
        agreement.members.get(member).is_some_and(|known| known.abilities.contains(&ability))
    };
    let Some(template) = agreement.templates.get(name) else {
        let message = format!("template `{name}` is not in the agreement");
        return Err(Denied::new(
            "template-unknown",
            message,
            "a member proposes an agreement with it",
        ));
    };
    if !template.run_by.contains(by) || !able(by, Ability::Run) {
        let message = format!("member `{by}` may not run template `{name}`");
        let remedy = "the members must agree that it may run it";
        return Err(Denied::new("runner-not-allowed", message, remedy));
    }
    if receivers.is_empty() {
        let message = "the run names no receiver".to_owned();
        return Err(Denied::new("receiver-missing", message, "name a receiver of the template"));
    }
    let allowed = |m: &&MemberId| template.received_by.contains(*m) && able(m, Ability::Receive);
    if let Some(receiver) = receivers.iter().find(|m| !allowed(m)) {
        let message = format!("member `{receiver}` may not receive results of template `{name}`");
        let remedy = "the members must agree that it may receive them";
        return Err(Denied::new("receiver-not-allowed", message, remedy));
    }
    Ok(())
}

fn owners<'a>(
    agreement: &'a Agreement,
    datasets: impl Iterator<Item = &'a DatasetName>,
) -> BTreeSet<&'a MemberId> {
    datasets.filter_map(|name| agreement.datasets.get(name)).map(|dataset| &dataset.owner).collect()
}

fn listed<'a>(members: impl IntoIterator<Item = &'a MemberId>) -> String {
    members.into_iter().map(|m| format!("`{m}`")).collect::<Vec<_>>().join(", ")
}
