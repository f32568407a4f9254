//! Results that the caller's member opens to recipients outside, and takes away again. Must not know how a recipient reads them.

use super::{Desk, Done, named};
use crate::access::{Action, On};
use crate::app::Tied;
use crate::app::sharing::{self, ShareRequest, TokenRequest};
use crate::error::Result;
use crate::log::Run;
use crate::wire;
use mappings::model::{MemberId, RecipientId, RunId};
use std::sync::Mutex;

/// Results that are offered to be opened, at most.
const SHAREABLE_MAX: usize = 100;

/// A decision, and the profile that came of it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) done: Done,
    pub(crate) profile: Option<wire::ShareProfile>,
}

impl Desk<'_> {
    /// A page of recipients and what is open to each, by member and name, after one of them.
    pub(crate) async fn shares(
        &self,
        name: &str,
        after: Option<&(MemberId, RecipientId)>,
        max: usize,
    ) -> Result<wire::Shares> {
        let seen = self.seen_whole(name, Action::ReadCollaboration).await?;
        let mut rest = self.app.recipients_of(seen.state(), after);
        let recipients: Vec<_> = rest.by_ref().take(max).collect();
        let last = recipients.last().map(|one| format!("{}/{}", one.by, one.recipient));
        let next = last.filter(|_| rest.next().is_some());
        Ok(wire::Shares { recipients, next })
    }

    /// Results that the caller's member may open, the newest first: each run with its template.
    pub(crate) async fn shareable(&self, name: &str) -> Result<Vec<(String, String)>> {
        let seen = self.seen_whole(name, Action::ReadCollaboration).await?;
        let state = seen.state();
        let runs =
            state.runs().iter().filter(|(run, _)| state.may_share(run, &seen.member).is_ok());
        let mut found: Vec<_> = runs.map(|(run, of)| (of.requested_at_ms, run, of)).collect();
        found.sort_by_key(|(at_ms, run, _)| (std::cmp::Reverse(*at_ms), *run));
        found.truncate(SHAREABLE_MAX);
        let told = |(_, run, of): (_, &RunId, &Run)| (run.to_string(), of.template.to_string());
        Ok(found.into_iter().map(told).collect())
    }

    /// Opens a result that the caller's member received. A token is shown to whoever asked first, and to nobody who asks the same again.
    pub(crate) async fn share(
        &self,
        name: &str,
        asked: &wire::ShareAsked,
        (tied, endpoint): (&Tied, &str),
    ) -> Result<Opened> {
        let fresh = Mutex::default();
        let work = async {
            let seen = self.seen_whole(name, Action::Share).await?;
            let request = ShareRequest {
                collaboration: seen.collaboration.clone(),
                run: named::<RunId>(&asked.run)?,
                by: seen.member,
                recipient: recipient(&asked.recipient)?,
                until_ms: asked.until_ms,
                presigned: asked.presigned,
                new_token: asked.new_token,
            };
            let opened = self.app.share(Some(self.house), &request, tied).await?;
            keep(&fresh, opened.fresh);
            Ok((seen.collaboration, opened.recorded))
        };
        let done = self.once("share", tied, work).await?;
        Ok(shown(done, fresh, (endpoint, asked.until_ms)))
    }

    /// Gives a recipient of the caller's member another token.
    pub(crate) async fn rotate(
        &self,
        name: &str,
        asked: &wire::ShareTokenAsked,
        (tied, endpoint): (&Tied, &str),
    ) -> Result<Opened> {
        let fresh = Mutex::default();
        let work = async {
            let seen = self.seen_whole(name, Action::Share).await?;
            let request = TokenRequest {
                collaboration: seen.collaboration.clone(),
                by: seen.member,
                recipient: recipient(&asked.recipient)?,
                until_ms: asked.until_ms,
                alone: asked.alone,
            };
            let opened = self.app.rotate(&request, tied).await?;
            keep(&fresh, opened.fresh);
            Ok((seen.collaboration, opened.recorded))
        };
        let done = self.once("rotate", tied, work).await?;
        Ok(shown(done, fresh, (endpoint, asked.until_ms)))
    }

    /// Takes a share of the caller's member away, or all of a recipient's. Nothing keeps it waiting, nor does a log that can't be read now.
    pub(crate) async fn unshare(&self, name: &str, asked: &wire::ShareEnd) -> Result<Done> {
        let tied = Tied::default();
        self.once("unshare", &tied, async {
            let seen = self.seen_denying(name).await?;
            let on = On::Collaboration(Some(seen.stands));
            self.may_on(Action::Unshare, on, Some(&seen.collaboration))?;
            let recipient = recipient(&asked.recipient)?;
            let run = asked.run.as_deref().map(named::<RunId>).transpose()?;
            let of = seen.collaboration;
            let whose = (&seen.member, &recipient);
            let recorded = self.app.unshare(&of, whose, run.as_ref(), &tied).await?;
            Ok((of, recorded))
        })
        .await
    }
}

type Kept = Mutex<Option<crate::sharing::Fresh>>;

fn keep(kept: &Kept, fresh: Option<crate::sharing::Fresh>) {
    *kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = fresh;
}

fn shown(done: Done, fresh: Kept, (endpoint, until_ms): (&str, i64)) -> Opened {
    let fresh = fresh.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let fresh = fresh.filter(|_| !done.repeated);
    let profile = fresh.map(|fresh| sharing::profile(endpoint, &fresh, until_ms));
    Opened { done, profile }
}

fn recipient(name: &str) -> Result<RecipientId> {
    name.parse().map_err(|error| {
        crate::error::Error::invalid("recipient-name", format!("{error}")).help("agency")
    })
}
