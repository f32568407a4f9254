//! What a decision is about, and whether a leaf says just that. Pure.

use crate::log::{Actor, Body, Cron, Leaf, Revocable, TermPath};
use crate::wire;
use mappings::model::{
    CollaborationId, ColumnName, DatasetName, Digest, MemberId, PlatformId, RecipientId, RunId,
    ScheduleId, TemplateName,
};
use std::fmt;

/// What is taken away, or offered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withdrawn {
    /// The member's own membership.
    Membership,
    /// A dataset.
    Dataset(DatasetName),
    /// A column of a dataset.
    Column(DatasetName, ColumnName),
    /// A template, in its newest version.
    Template(TemplateName),
    /// The member's own approval of a template.
    Approval(TemplateName),
    /// The whole room.
    Room,
}

impl fmt::Display for Withdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Membership => f.write_str("its membership"),
            Self::Dataset(dataset) => write!(f, "dataset {dataset}"),
            Self::Column(dataset, column) => write!(f, "column {dataset}.{column}"),
            Self::Template(template) => write!(f, "template {template}"),
            Self::Approval(template) => write!(f, "its approval of {template}"),
            Self::Room => f.write_str("the whole room"),
        }
    }
}

impl Withdrawn {
    pub(super) fn thing(&self) -> wire::Thing {
        match self {
            Self::Membership => wire::Thing::Membership {},
            Self::Dataset(dataset) => wire::Thing::Dataset { dataset: dataset.to_string() },
            Self::Column(dataset, column) => {
                wire::Thing::Column { dataset: dataset.to_string(), column: column.to_string() }
            }
            Self::Template(template) => wire::Thing::Template { template: template.to_string() },
            Self::Approval(template) => wire::Thing::Approval { template: template.to_string() },
            Self::Room => wire::Thing::Room {},
        }
    }

    /// Whether a leaf names the same. Which version of a template is the newest, the gateway says.
    fn is(&self, what: &Revocable, by: &MemberId) -> bool {
        match (self, what) {
            (Self::Membership, Revocable::Member { member }) => member == by,
            (Self::Dataset(dataset), Revocable::Dataset { dataset: named }) => dataset == named,
            (Self::Column(dataset, column), Revocable::Column { dataset: of, column: named }) => {
                (dataset, column) == (of, named)
            }
            (Self::Template(template), Revocable::Template { template: named, .. }) => {
                template == named
            }
            (Self::Approval(template), Revocable::Approval { template: named, of, .. }) => {
                template == named && of == by
            }
            (Self::Room, Revocable::Room) => true,
            _ => false,
        }
    }
}

/// What a member asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// An agreement, put before its members.
    Proposed(Digest),
    /// The agreement that waits, accepted.
    Joined(Digest),
    /// The agreement that waits, declined.
    Declined,
    /// A version of a template, approved.
    Approved(TemplateName, Digest),
    /// A room's holding a term more loosely, for one agreement.
    Waived(PlatformId, TermPath, Digest),
    /// Something taken away.
    Revoked(Withdrawn),
    /// Something offered again.
    Reoffered(Withdrawn),
    /// A run of a version of a template in a room, under an id.
    Requested(RunId, TemplateName, Digest, PlatformId),
    /// A run, stopped.
    Cancelled(RunId),
    /// Runs of a version of a template in a room at times to come, under a name.
    Scheduled(ScheduleId, TemplateName, Digest, PlatformId, Cron),
    /// A schedule, ended.
    Unscheduled(ScheduleId),
    /// A result, opened to a recipient until a time, with URLs of the storage or without.
    Shared(RunId, RecipientId, i64, bool),
    /// Another token for a recipient until a time, alone or beside an older one.
    Keyed(RecipientId, i64, bool),
    /// A share, or everything of a recipient's, taken away.
    Unshared(RecipientId, Option<RunId>),
}

impl About {
    /// Whether a leaf says that this member did this, in this collaboration.
    pub(super) fn is(&self, leaf: &Leaf, by: &MemberId, of: &CollaborationId) -> bool {
        let own = leaf.actor == Actor::Member(by.clone());
        // Before a member has shown a key, the gateway writes down that it proposed.
        let own = own || matches!(self, Self::Proposed(_)) && leaf.actor == Actor::Gateway;
        leaf.collaboration == *of && own && self.said(&leaf.body, by)
    }

    fn said(&self, body: &Body, by: &MemberId) -> bool {
        match (self, body) {
            (Self::Proposed(asked), Body::Proposed { agreement, digest }) => {
                asked == digest && agreement.digest() == *digest
            }
            (Self::Joined(asked), Body::Joined { member, agreement, .. }) => {
                member == by && asked == agreement
            }
            (Self::Declined, Body::Declined { member }) => member == by,
            (Self::Approved(name, asked), Body::Approved { member, template, digest }) => {
                member == by && (name, asked) == (template, digest)
            }
            (
                Self::Waived(room, place, asked),
                Body::WaiverGiven { member, platform, at, agreement },
            ) => member == by && (room, place, asked) == (platform, at, agreement),
            (Self::Revoked(thing), Body::Revoked { by: member, what })
            | (Self::Reoffered(thing), Body::Reoffered { by: member, what }) => {
                member == by && thing.is(what, by)
            }
            (
                Self::Requested(id, name, asked, room),
                Body::RunRequested { run, template, digest, platform, by: member, .. },
            ) => member == by && (id, name, asked, room) == (run, template, digest, platform),
            (
                Self::Scheduled(id, name, asked, room, when),
                Body::Scheduled { schedule, template, digest, platform, by: member, cron, .. },
            ) => {
                member == by
                    && (id, name, asked, room, when) == (schedule, template, digest, platform, cron)
            }
            (Self::Unscheduled(id), Body::Unscheduled { schedule, by: member }) => {
                member == by && id == schedule
            }
            (
                Self::Shared(id, to, until, urls),
                Body::ResultShared { run, by: member, recipient, until_ms, presigned, .. },
            ) => member == by && (id, to, until, urls) == (run, recipient, until_ms, presigned),
            (
                Self::Keyed(to, until, only),
                Body::RecipientKeyed { by: member, recipient, until_ms, alone, .. },
            ) => member == by && (to, until, only) == (recipient, until_ms, alone),
            (Self::Unshared(to, id), Body::ShareEnded { by: member, recipient, run }) => {
                member == by && (to, id) == (recipient, run)
            }
            (Self::Cancelled(id), Body::RunCancelled { run, .. }) => id == run,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Code, SecretKey};
    use std::collections::BTreeMap;

    fn name<T: std::str::FromStr>(text: &str) -> T {
        text.parse().ok().unwrap()
    }

    /// What is asked, and the leaf's body that says it.
    fn pairs() -> Vec<(About, Body)> {
        let text = include_str!("../demo/agreement.yaml");
        let agreement = Box::new(mappings::agreement::read(text).unwrap());
        let (digest, other) = (agreement.digest(), Digest::of(b"other"));
        let member = || name::<MemberId>("grocer");
        let template = |text: &str| name::<TemplateName>(text);
        let mut all = vec![
            (About::Proposed(digest), Body::Proposed { agreement, digest }),
            (About::Declined, Body::Declined { member: member() }),
        ];
        for agreement in [digest, other] {
            let key = SecretKey::from_seed([1; 32]).public();
            let body = Body::Joined { member: member(), key, agreement };
            all.push((About::Joined(agreement), body));
            for (template, digest) in [(template("reach"), agreement), (template("own"), agreement)]
            {
                let body = Body::Approved { member: member(), template: template.clone(), digest };
                all.push((About::Approved(template.clone(), digest), body));
                for platform in [PlatformId::native(), PlatformId::aws_clean_rooms()] {
                    let asked =
                        (name::<RunId>("run-1"), template.clone(), digest, platform.clone());
                    let body = Body::RunRequested {
                        run: asked.0.clone(),
                        agreement,
                        template: template.clone(),
                        digest,
                        text_digest: digest,
                        platform: platform.clone(),
                        by: member(),
                        receivers: Vec::new(),
                        parameters: digest,
                        touched: BTreeMap::new(),
                    };
                    all.push((About::Requested(asked.0, asked.1, asked.2, asked.3), body));
                }
            }
            for at in ["templates.reach.received_by", "templates.own.received_by"] {
                let (platform, at) = (PlatformId::aws_clean_rooms(), name::<TermPath>(at));
                let asked = About::Waived(platform.clone(), at.clone(), agreement);
                all.push((asked, Body::WaiverGiven { member: member(), platform, at, agreement }));
            }
        }
        all.extend(withdrawals(other));
        all.extend(schedules(digest, other));
        all.extend(shares(digest));
        for run in [name::<RunId>("run-1"), name::<RunId>("run-2")] {
            let code = Code::interrupted();
            all.push((About::Cancelled(run.clone()), Body::RunCancelled { run, code }));
        }
        all
    }

    fn shares(token: Digest) -> Vec<(About, Body)> {
        let (mut all, by) = (Vec::new(), name::<MemberId>("grocer"));
        for (recipient, until_ms) in [("agency", 7), ("agency", 8), ("press", 7)] {
            let recipient = name::<RecipientId>(recipient);
            for is in [true, false] {
                let (alone, run) = (is, name::<RunId>("run-1"));
                let body = Body::RecipientKeyed {
                    by: by.clone(),
                    recipient: recipient.clone(),
                    token,
                    until_ms,
                    alone,
                };
                all.push((About::Keyed(recipient.clone(), until_ms, alone), body));
                let asked = About::Shared(run.clone(), recipient.clone(), until_ms, is);
                let body = Body::ResultShared {
                    run,
                    by: by.clone(),
                    recipient: recipient.clone(),
                    until_ms,
                    presigned: is,
                    token: Some(token),
                };
                all.push((asked, body));
            }
            if until_ms == 8 {
                continue;
            }
            for run in [None, Some(name::<RunId>("run-1"))] {
                let (by, recipient) = (by.clone(), recipient.clone());
                let asked = About::Unshared(recipient.clone(), run.clone());
                all.push((asked, Body::ShareEnded { by, recipient, run }));
            }
        }
        all
    }

    fn schedules(digest: Digest, other: Digest) -> Vec<(About, Body)> {
        let mut all = Vec::new();
        let (by, parameters) = (name::<MemberId>("grocer"), digest);
        for id in [name::<ScheduleId>("nightly"), name::<ScheduleId>("weekly")] {
            let body = Body::Unscheduled { schedule: id.clone(), by: by.clone() };
            all.push((About::Unscheduled(id.clone()), body));
            for (template, digest, cron) in [
                ("reach", digest, "0 6 * * *"),
                ("reach", digest, "0 7 * * *"),
                ("reach", other, "0 6 * * *"),
                ("own", digest, "0 6 * * *"),
            ] {
                let (template, cron) = (name::<TemplateName>(template), Cron::new(cron).unwrap());
                let (platform, by) = (PlatformId::native(), by.clone());
                let asked = (id.clone(), template.clone(), platform.clone(), cron.clone());
                let asked = About::Scheduled(asked.0, asked.1, digest, asked.2, asked.3);
                let schedule = id.clone();
                let body =
                    Body::Scheduled { schedule, template, digest, platform, by, cron, parameters };
                all.push((asked, body));
            }
        }
        all
    }

    /// Each thing withdrawn, and offered again.
    fn withdrawals(other: Digest) -> Vec<(About, Body)> {
        let member = || name::<MemberId>("grocer");
        let (sales, seen) = (name::<DatasetName>("sales"), name::<DatasetName>("seen"));
        let column = |of: &DatasetName, column: &str| (of.clone(), name::<ColumnName>(column));
        let mut all = Vec::new();
        let things = [
            (Withdrawn::Membership, Revocable::Member { member: member() }),
            (Withdrawn::Dataset(sales.clone()), Revocable::Dataset { dataset: sales.clone() }),
            (Withdrawn::Dataset(seen.clone()), Revocable::Dataset { dataset: seen.clone() }),
            (Withdrawn::Room, Revocable::Room),
        ];
        let columns =
            [column(&sales, "amount"), column(&sales, "segment"), column(&seen, "amount")];
        let columns = columns.map(|(dataset, column)| {
            let asked = Withdrawn::Column(dataset.clone(), column.clone());
            (asked, Revocable::Column { dataset, column })
        });
        let of = |text: &str| (name::<TemplateName>(text), other);
        let versions = ["reach", "own"].into_iter().flat_map(|text| {
            let ((template, digest), asked) = (of(text), of(text).0);
            let approval = Revocable::Approval { template: template.clone(), digest, of: member() };
            let whole = Revocable::Template { template, digest };
            [(Withdrawn::Template(asked.clone()), whole), (Withdrawn::Approval(asked), approval)]
        });
        for (asked, what) in things.into_iter().chain(columns).chain(versions) {
            let body = Body::Revoked { by: member(), what: what.clone() };
            all.push((About::Revoked(asked.clone()), body));
            all.push((About::Reoffered(asked), Body::Reoffered { by: member(), what }));
        }
        all
    }

    #[test]
    fn a_leaf_says_what_was_asked_and_nothing_beside() {
        let (grocer, brand) = (name::<MemberId>("grocer"), name::<MemberId>("brand"));
        let (spring, autumn) = (name::<CollaborationId>("spring"), name("autumn"));
        let pairs = pairs();
        assert!(pairs.len() > 30);
        for (n, (asked, _)) in pairs.iter().enumerate() {
            for (m, (_, body)) in pairs.iter().enumerate() {
                let leaf = |actor: Actor| Leaf {
                    actor,
                    at_ms: 1,
                    body: body.clone(),
                    collaboration: spring.clone(),
                    signature: None,
                };
                let own = leaf(Actor::Member(grocer.clone()));
                assert_eq!(asked.is(&own, &grocer, &spring), n == m, "{asked:?} {body:?}");
                assert!(!asked.is(&own, &brand, &spring), "{asked:?} {body:?}");
                assert!(!asked.is(&own, &grocer, &autumn), "{asked:?} {body:?}");
                let others = leaf(Actor::Member(brand.clone()));
                assert!(!asked.is(&others, &grocer, &spring), "{asked:?} {body:?}");
                // Who has shown no key yet is said by the gateway to have proposed, and to nothing else.
                let gateways = leaf(Actor::Gateway);
                let may = n == m && matches!(asked, About::Proposed(_));
                assert_eq!(asked.is(&gateways, &grocer, &spring), may, "{asked:?} {body:?}");
            }
        }
    }
}
