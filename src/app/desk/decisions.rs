//! What a caller decides in its member's name. Its roles permit it first; then the log's own rules say whether its member may. A decision that
//! has begun is finished, whether or not anybody waits for its answer.

use super::leaves::receipt_of;
use super::{Desk, absent, named};
use crate::access::{Action, Withdrawn};
use crate::app::{Recorded, Revoked, Tied, Withdrawal};
use crate::error::{Error, Result};
use crate::log::{LogError, TermPath};
use crate::store::Stands;
use crate::wire;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mappings::model::{CollaborationId, Digest, MemberId, PlatformId, TemplateName};

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
    pub(crate) async fn propose(&self, name: &str, text: &str, tied: &Tied) -> Result<Done> {
        if let Some(done) = self.before(tied).await? {
            return Ok(done);
        }
        let member = self.member()?;
        self.may(Action::Propose)?;
        let agreement = crate::app::agreements::read_text(text, "the document")?;
        if agreement.collaboration.as_str() != name {
            let message = "the document is of another collaboration";
            return Err(Error::invalid("collaboration-differs", message)
                .help("the collaboration that the path names"));
        }
        self.places_hold(&agreement)?;
        let of = &agreement.collaboration;
        let known = self.app.store.stands(of, member).await.map_err(LogError::from)?;
        if known.is_none() && !self.house.names(of, member) {
            let message = "a new collaboration has a name of whoever proposes it";
            return Err(
                Error::invalid("collaboration-name", message).help(format!("{member}-NAME"))
            );
        }
        if known.is_none() && self.app.log.size(of).await? > 0 {
            let message = "a collaboration of this name is there already";
            return Err(Error::refused("collaboration-taken", message).help("another name"));
        }
        let recorded = self.app.propose(&agreement, member, tied).await?;
        self.done(of, recorded).await
    }

    /// Accepts the agreement that waits.
    pub(crate) async fn join(
        &self,
        name: &str,
        answer: &wire::Answer,
        tied: &Tied,
    ) -> Result<Done> {
        if let Some(done) = self.before(tied).await? {
            return Ok(done);
        }
        let (of, member, digest) = self.answers(name, Action::Join, answer).await?;
        let (_, recorded) = self.app.join(&of, &member, Some(digest), tied).await?;
        self.done(&of, recorded).await
    }

    /// Declines it: final for that proposal.
    pub(crate) async fn decline(
        &self,
        name: &str,
        answer: &wire::Answer,
        tied: &Tied,
    ) -> Result<Done> {
        if let Some(done) = self.before(tied).await? {
            return Ok(done);
        }
        let (of, member, digest) = self.answers(name, Action::Decline, answer).await?;
        let (_, recorded) = self.app.decline(&of, &member, Some(digest), tied).await?;
        self.done(&of, recorded).await
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
    ) -> Result<Done> {
        if let Some(done) = self.before(tied).await? {
            return Ok(done);
        }
        let seen = self.seen_whole(name, Action::Approve).await?;
        let template = named::<TemplateName>(template)?;
        let version = [(template, digest(&version.digest)?)];
        let recorded =
            self.app.approve_versions(&seen.collaboration, &version, &seen.member, tied).await?;
        self.done(&seen.collaboration, recorded).await
    }

    /// Consents to a room's holding a term more loosely.
    pub(crate) async fn waive(
        &self,
        name: &str,
        waived: &wire::Waived,
        tied: &Tied,
    ) -> Result<Done> {
        if let Some(done) = self.before(tied).await? {
            return Ok(done);
        }
        let seen = self.seen_whole(name, Action::Waive).await?;
        let room = waived.room.parse::<PlatformId>().map_err(|_| absent())?;
        let at = TermPath::new(&waived.at).map_err(|_| absent())?;
        let looked = digest(&waived.agreement)?;
        if seen.state().digest() != Some(looked) {
            let message = "another agreement is in force or waits";
            return Err(Error::refused("changed-meanwhile", message)
                .help("another look, and the decision again on what it shows"));
        }
        let (_, recorded) =
            self.app.waive(&seen.collaboration, (&room, &at), &seen.member, tied).await?;
        self.done(&seen.collaboration, recorded).await
    }

    /// Offers again what was found taken away on a platform.
    pub(crate) async fn reoffer(
        &self,
        name: &str,
        thing: &wire::Thing,
        tied: &Tied,
    ) -> Result<Done> {
        if let Some(done) = self.before(tied).await? {
            return Ok(done);
        }
        let seen = self.seen(name, Action::Reoffer).await?;
        let what = withdrawal(thing)?;
        let recorded = self.app.reoffer(&seen.collaboration, &what, &seen.member, tied).await?;
        self.done(&seen.collaboration, recorded).await
    }

    /// Withdraws. Nothing keeps it waiting: neither what was decided meanwhile, nor a log that can't be read now.
    pub(crate) async fn revoke(&self, name: &str, thing: &wire::Thing) -> Result<wire::Revoked> {
        let what = withdrawal(thing)?;
        let action = Action::Withdraw(kind(&what));
        let (of, member) = match self.seen(name, action).await {
            Ok(seen) => (seen.collaboration, seen.member),
            // Where nobody can say whose it is, a member takes away what is its own beyond doubt.
            Err(error)
                if error.kind == crate::error::Kind::Failed && what == Withdrawal::Membership =>
            {
                self.may(action)?;
                (named::<CollaborationId>(name)?, self.member()?.clone())
            }
            Err(error) => return Err(error),
        };
        match self.app.revoke(&of, &what, &member).await? {
            Revoked::OnRecord(recorded) => Ok(wire::Revoked {
                durable: true,
                receipt: Some(receipt_of(&recorded.receipt)),
                why: None,
            }),
            Revoked::Here(why) => {
                Ok(wire::Revoked { durable: false, receipt: None, why: Some(why.code) })
            }
        }
    }

    /// What was done before under the same key; it is told again, whatever was decided since.
    async fn before(&self, tied: &Tied) -> Result<Option<Done>> {
        let Some((of, recorded)) = self.app.repeated(tied).await? else { return Ok(None) };
        Ok(Some(self.done(&of, recorded).await?))
    }

    async fn done(&self, of: &CollaborationId, recorded: Recorded) -> Result<Done> {
        let stored = self.app.store.read(of, recorded.index, 1).await.map_err(LogError::from)?;
        let bytes = stored.first().ok_or_else(absent)?;
        let receipt = receipt_of(&recorded.receipt);
        let given = wire::Given { receipt, leaf_bytes: STANDARD.encode(bytes) };
        Ok(Done { given, repeated: recorded.repeated, collaboration: of.clone() })
    }
}

fn digest(text: &str) -> Result<Digest> {
    Digest::try_from(text.to_owned()).map_err(|shape| {
        Error::invalid("digest-malformed", shape).help("the digest of what was looked at")
    })
}

fn withdrawal(thing: &wire::Thing) -> Result<Withdrawal> {
    Ok(match thing {
        wire::Thing::Membership => Withdrawal::Membership,
        wire::Thing::Room => Withdrawal::Room,
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
