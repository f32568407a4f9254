//! What a caller decides in its member's name. Its roles permit it first; then the log's own rules say whether its member may. A decision that
//! has begun is finished, whether or not anybody waits for its answer.

use super::leaves::receipt_of;
use super::seconds::{Decided, TURNS};
use super::{Desk, Seen, absent, named};
use crate::access::{Action, On, Withdrawn};
use crate::app::{Recorded, Revoked, Tied, Withdrawal};
use crate::error::{Error, Kind, Result};
use crate::log::{LogError, TermPath};
use crate::metrics::Event;
use crate::settings::FourEyes;
use crate::store::Stands;
use crate::{wire, wiring};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mappings::model::{
    Agreement, CollaborationId, DatasetName, Digest, MemberId, PlatformId, TemplateName,
};

/// What came of a decision.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) given: wire::Given,
    /// Whether it was done before, under the same key.
    pub(crate) repeated: bool,
    pub(crate) collaboration: CollaborationId,
}

impl Desk<'_> {
    /// Puts an agreement before its members.
    pub(crate) async fn propose(&self, name: &str, text: String, tied: &Tied) -> Result<Done> {
        self.once("propose", tied, async {
            let member = self.member()?;
            let named = name.parse::<CollaborationId>().ok();
            self.may_on(Action::Propose, On::Collaboration(None), named.as_ref())?;
            let read = move || crate::app::agreements::read_text(&text, "the document");
            let agreement = self.guarding(read).await?;
            let of = agreement.collaboration.clone();
            if of.as_str() != name {
                let message = "the document is of another collaboration";
                return Err(Error::invalid("collaboration-differs", message)
                    .help("the collaboration that the path names"));
            }
            self.takes(&agreement, member).await?;
            let guarded = agreement.clone();
            self.guarding(move || crate::app::agreements::guard_all(&guarded)).await?;
            self.app.propose(&agreement, member, tied).await.map(|recorded| (of, recorded))
        })
        .await
    }

    /// Refuses what this gateway would not put before anybody for this member: places that are not its member's, a name that is not its to give.
    pub(super) async fn takes(&self, agreement: &Agreement, member: &MemberId) -> Result<()> {
        let home = wiring::location(&self.app.home.root().to_string_lossy())?;
        self.house.takes(agreement, &home)?;
        self.may_name(&agreement.collaboration, member).await
    }

    /// Whether the member may propose under this name: of what is agreed, as its member; else under a name of its own, or where it accepted
    /// what waits.
    async fn may_name(&self, of: &CollaborationId, member: &MemberId) -> Result<()> {
        let is_own = self.house.names(of, member);
        let another = || {
            let message = "a new collaboration has a name of whoever proposes it";
            Error::invalid("collaboration-name", message).help(format!("{member}-NAME"))
        };
        if self.app.log.size(of).await? == 0 {
            return if is_own { Ok(()) } else { Err(another()) };
        }
        let state = self.app.load(of).await?.state;
        // Whether a name that is not its own is taken, whoever is no party of it is not told.
        if !is_own && !state.parties().contains_key(member) {
            return Err(another());
        }
        let may = match (state.in_force(), state.waiting()) {
            (Some(version), _) => version.agreement.members.contains_key(member),
            (None, Some(version)) => {
                version.accepted.contains(member)
                    || is_own && version.agreement.members.contains_key(member)
            }
            (None, None) => is_own,
        };
        if may {
            return Ok(());
        }
        let message =
            "a collaboration of this name is there, and this is not its member's to replace";
        Err(Error::refused("collaboration-taken", message)
            .help("another name, or a proposal of one of its members"))
    }

    /// Accepts the agreement that waits.
    pub(crate) async fn join(
        &self,
        name: &str,
        answer: &wire::Answer,
        tied: &Tied,
    ) -> Result<Done> {
        self.once("join", tied, async {
            let (of, member, digest) = self.answers(name, Action::Join, answer).await?;
            let (_, recorded) = self.app.join(&of, &member, Some(digest), tied).await?;
            Ok((of, recorded))
        })
        .await
    }

    /// Declines it: final for that proposal.
    pub(crate) async fn decline(
        &self,
        name: &str,
        answer: &wire::Answer,
        tied: &Tied,
    ) -> Result<Done> {
        self.once("decline", tied, async {
            let (of, member, digest) = self.answers(name, Action::Decline, answer).await?;
            let (_, recorded) = self.app.decline(&of, &member, Some(digest), tied).await?;
            Ok((of, recorded))
        })
        .await
    }

    async fn answers(
        &self,
        name: &str,
        action: Action,
        answer: &wire::Answer,
    ) -> Result<(CollaborationId, MemberId, Digest)> {
        let seen = self.seen(name, action).await?;
        if seen.stands == Stands::Former {
            return Err(absent());
        }
        Ok((seen.collaboration, seen.member, digest(&answer.agreement)?))
    }

    /// Approves a template in the version that was looked at.
    pub(crate) async fn approve(
        &self,
        name: &str,
        template: &str,
        version: &wire::Version,
        tied: &Tied,
    ) -> Result<Decided> {
        let (template, digest) = (template.to_owned(), version.digest.clone());
        let what = wire::ForTwo::Approval { template: template.clone(), digest };
        for _ in 0..TURNS {
            let two = (FourEyes::Approve, Action::Approve);
            let tied = &self.eyes(name, two, &what, tied).await?;
            let done = self.approved(name, &template, version, tied).await;
            if let Some(decided) = self.awaited(name, &what, tied, done).await? {
                return Ok(decided);
            }
        }
        Err(LogError::Busy.into())
    }

    async fn approved(
        &self,
        name: &str,
        template: &str,
        version: &wire::Version,
        tied: &Tied,
    ) -> Result<Done> {
        self.once("approve", tied, async {
            let seen = self.seen_whole(name, Action::Approve).await?;
            let _leave = self.house.guarding.acquire().await;
            let version = [(named::<TemplateName>(template)?, digest(&version.digest)?)];
            let of = seen.collaboration;
            let recorded = self.app.approve_versions(&of, &version, &seen.member, tied).await?;
            Ok((of, recorded))
        })
        .await
    }

    /// Consents to a room's holding a term more loosely.
    pub(crate) async fn waive(
        &self,
        name: &str,
        waived: &wire::Waived,
        tied: &Tied,
    ) -> Result<Decided> {
        let (room, at) = (waived.room.clone(), waived.at.clone());
        let what = wire::ForTwo::Waiver { room, at };
        for _ in 0..TURNS {
            let two = (FourEyes::Waive, Action::Waive);
            let tied = &self.eyes(name, two, &what, tied).await?;
            let done = self.waived(name, waived, tied).await;
            if let Some(decided) = self.awaited(name, &what, tied, done).await? {
                return Ok(decided);
            }
        }
        Err(LogError::Busy.into())
    }

    async fn waived(&self, name: &str, waived: &wire::Waived, tied: &Tied) -> Result<Done> {
        self.once("waive", tied, async {
            let seen = self.seen_whole(name, Action::Waive).await?;
            let room = waived.room.parse::<PlatformId>().map_err(|_| absent())?;
            let at = TermPath::new(&waived.at).map_err(|_| absent())?;
            let tied = (Some(digest(&waived.agreement)?), tied);
            let of = seen.collaboration;
            let (_, recorded, _) = self.app.waive(&of, (&room, &at), &seen.member, tied).await?;
            Ok((of, recorded))
        })
        .await
    }

    /// Offers again what was found taken away on a platform.
    pub(crate) async fn reoffer(
        &self,
        name: &str,
        thing: &wire::Thing,
        tied: &Tied,
    ) -> Result<Done> {
        self.once("reoffer", tied, async {
            let seen = self.seen(name, Action::Reoffer).await?;
            let what = withdrawal(thing)?;
            if !may_name(&seen, &what) {
                return Err(absent());
            }
            let of = seen.collaboration;
            let recorded = self.app.reoffer(&of, &what, &seen.member, tied).await?;
            Ok((of, recorded))
        })
        .await
    }

    /// Withdraws. Nothing keeps it waiting: neither what was decided meanwhile, nor a log that can't be read now.
    pub(crate) async fn revoke(&self, name: &str, thing: &wire::Thing) -> Result<wire::Revoked> {
        let revoked = Box::pin(self.revoked(name, thing)).await;
        let kept = |done: &wire::Revoked| if done.durable { "recorded" } else { "kept-here" };
        let outcome = revoked.as_ref().map_or_else(refused, kept);
        self.app.metrics().told(Event::Decided { kind: "withdraw", outcome });
        revoked
    }

    async fn revoked(&self, name: &str, thing: &wire::Thing) -> Result<wire::Revoked> {
        let what = withdrawal(thing)?;
        let seen = self.seen_denying(name).await;
        if seen.as_ref().err().is_none_or(|error| error.kind == Kind::Failed) {
            self.may_on(Action::Withdraw(kind(&what)), On::Collaboration(None), None)?;
        }
        let (of, member) = match seen {
            Ok(seen) if !may_name(&seen, &what) => return Err(absent()),
            Ok(seen) => (seen.collaboration, seen.member),
            // Where nobody can say whose it is, a member of a log that was seen here takes away what is its own beyond doubt.
            Err(error) if error.kind == Kind::Failed && what == Withdrawal::Membership => {
                let of = named::<CollaborationId>(name)?;
                if !self.app.log.seen().contains(&of) {
                    return Err(error);
                }
                (of, self.member()?.clone())
            }
            Err(error) => return Err(error),
        };
        match self.app.revoke(&of, &what, &member).await? {
            Revoked::OnRecord(recorded) => {
                // It is in force, whether or not it can be read back now.
                let stored = self.app.leaf_of_own(&of, &member, recorded.index).await;
                Ok(wire::Revoked {
                    durable: true,
                    receipt: Some(receipt_of(&recorded.receipt)),
                    leaf_bytes: stored.ok().flatten().map(|bytes| STANDARD.encode(bytes)),
                    why: None,
                })
            }
            Revoked::Here(why) => {
                let (receipt, leaf_bytes) = (None, None);
                Ok(wire::Revoked { durable: false, receipt, leaf_bytes, why: Some(why.code) })
            }
        }
    }

    /// Does something once under the caller's key: what was done before is told again, whatever was decided since and whatever is refused now.
    pub(super) async fn once(
        &self,
        kind: &'static str,
        tied: &Tied,
        work: impl Future<Output = Result<(CollaborationId, Recorded)>> + Send,
    ) -> Result<Done> {
        let done = Box::pin(self.done_once(tied, work)).await;
        let fresh = |done: &Done| if done.repeated { "repeated" } else { "recorded" };
        let outcome = done.as_ref().map_or_else(refused, fresh);
        self.app.metrics().told(Event::Decided { kind, outcome });
        done
    }

    async fn done_once(
        &self,
        tied: &Tied,
        work: impl Future<Output = Result<(CollaborationId, Recorded)>> + Send,
    ) -> Result<Done> {
        if let Some((of, recorded)) = self.app.repeated(tied).await? {
            return self.done(&of, recorded).await;
        }
        match work.await {
            Ok((of, recorded)) => self.done(&of, recorded).await,
            // The same came twice at once, and the other was faster.
            Err(error) => match self.app.repeated(tied).await? {
                Some((of, recorded)) => self.done(&of, recorded).await,
                None => Err(error),
            },
        }
    }

    async fn done(&self, of: &CollaborationId, recorded: Recorded) -> Result<Done> {
        let stored = self.app.leaf_of_own(of, self.member()?, recorded.index).await?;
        let bytes = stored.ok_or_else(absent)?;
        let receipt = receipt_of(&recorded.receipt);
        let given = wire::Given { receipt, leaf_bytes: STANDARD.encode(bytes) };
        Ok(Done { given, repeated: recorded.repeated, collaboration: of.clone() })
    }
}

/// Why nothing was decided, by its kind alone; or that it waits.
fn refused(error: &Error) -> &'static str {
    match error.kind {
        Kind::Refused if error.code == "second-needed" => "waits",
        Kind::Invalid => "invalid",
        Kind::Refused => "refused",
        Kind::Failed => "failed",
        Kind::Cancelled => "cancelled",
    }
}

pub(super) fn digest(text: &str) -> Result<Digest> {
    Digest::try_from(text.to_owned()).map_err(|shape| {
        Error::invalid("digest-malformed", shape).help("the digest of what was looked at")
    })
}

/// Whether the caller may know that there is such a thing. Whoever is only asked, or has left, knows what is its own; and of what is in force,
/// as long as that names it, templates and the room.
fn may_name(seen: &Seen, what: &Withdrawal) -> bool {
    if seen.is_whole() {
        return true;
    }
    let versions = || [seen.state().in_force(), seen.state().waiting()].into_iter().flatten();
    let owns = |dataset: &DatasetName| {
        let mut all = versions().filter_map(|version| version.agreement.datasets.get(dataset));
        all.any(|one| one.owner == seen.member)
    };
    let named = || {
        let agreement = &seen.state().in_force()?.agreement;
        agreement.members.contains_key(&seen.member).then_some(agreement)
    };
    match what {
        Withdrawal::Membership => true,
        Withdrawal::Dataset(dataset) => owns(dataset),
        Withdrawal::Column(dataset, column) => {
            owns(dataset)
                && versions().any(|version| {
                    let of = version.agreement.datasets.get(dataset);
                    of.is_some_and(|one| one.columns.contains_key(column))
                })
        }
        Withdrawal::Template(template) | Withdrawal::Approval(template) => {
            named().is_some_and(|agreement| agreement.templates.contains_key(template))
        }
        Withdrawal::Room => named().is_some(),
    }
}

fn withdrawal(thing: &wire::Thing) -> Result<Withdrawal> {
    Ok(match thing {
        wire::Thing::Membership {} => Withdrawal::Membership,
        wire::Thing::Room {} => Withdrawal::Room,
        wire::Thing::Dataset { dataset } => Withdrawal::Dataset(named(dataset)?),
        wire::Thing::Column { dataset, column } => {
            Withdrawal::Column(named(dataset)?, named(column)?)
        }
        wire::Thing::Template { template } => Withdrawal::Template(named(template)?),
        wire::Thing::Approval { template } => Withdrawal::Approval(named(template)?),
    })
}

const fn kind(what: &Withdrawal) -> Withdrawn {
    match what {
        Withdrawal::Membership => Withdrawn::Membership,
        Withdrawal::Dataset(_) => Withdrawn::Dataset,
        Withdrawal::Column(..) => Withdrawn::Column,
        Withdrawal::Template(_) => Withdrawn::Template,
        Withdrawal::Approval(_) => Withdrawn::Approval,
        Withdrawal::Room => Withdrawn::Room,
    }
}
