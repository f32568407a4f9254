//! Shares of results from outside: opened, rotated, ended. A token is taken for one only where its digest is in the leaf that was proven.

use super::ask::{Question, unreadable};
use super::{About, Client, Decided};
use crate::error::{Error, Result};
use crate::log::{Body, share_token};
use crate::wire;
use mappings::model::{CollaborationId, Digest, RecipientId, RunId};

impl Client {
    /// Opens a result to a recipient. The profile is there where the recipient has a new token.
    pub async fn share(
        &self,
        of: &CollaborationId,
        asked: &wire::ShareAsked,
    ) -> Result<(Decided, Option<wire::ShareProfile>)> {
        let run = asked.run.parse::<RunId>().map_err(|_| misnamed())?;
        let recipient = asked.recipient.parse::<RecipientId>().map_err(|_| misnamed())?;
        let about = About::Shared(run, recipient, asked.until_ms, asked.presigned);
        let path = ["v1", "collaborations", of.as_str(), "shares"];
        self.given(of, &Question::change(&path)?.json(asked)?, &about).await
    }

    /// Gives a recipient another token.
    pub async fn rotate(
        &self,
        of: &CollaborationId,
        asked: &wire::ShareTokenAsked,
    ) -> Result<(Decided, Option<wire::ShareProfile>)> {
        let recipient = asked.recipient.parse::<RecipientId>().map_err(|_| misnamed())?;
        let about = About::Keyed(recipient, asked.until_ms, asked.alone);
        let path = ["v1", "collaborations", of.as_str(), "shares", "tokens"];
        self.given(of, &Question::change(&path)?.json(asked)?, &about).await
    }

    /// Takes a share away, or everything of a recipient's.
    pub async fn unshare(
        &self,
        of: &CollaborationId,
        recipient: &RecipientId,
        run: Option<&RunId>,
    ) -> Result<Decided> {
        let about = About::Unshared(recipient.clone(), run.cloned());
        let asked =
            wire::ShareEnd { recipient: recipient.to_string(), run: run.map(ToString::to_string) };
        let path = ["v1", "collaborations", of.as_str(), "shares", "revocations"];
        Ok(self.changed(of, &Question::denial(&path, &asked)?, &about).await?.into())
    }

    async fn given(
        &self,
        of: &CollaborationId,
        question: &Question<'_>,
        about: &About,
    ) -> Result<(Decided, Option<wire::ShareProfile>)> {
        let before = self.before(of).await?;
        let told = self.link.ask(question).await?;
        let proven = self.proven(of, &told, (about, before.as_ref())).await?;
        let profile = told.json::<wire::ShareGiven>()?.profile;
        match (recorded(&proven.leaf.body), &profile) {
            (None, None) => {}
            (Some(token), Some(profile)) if share_token(&profile.bearer_token) == token => {}
            (Some(_), None) => {
                let message = "the answer with the token was lost, and it is shown once";
                return Err(Error::failed("share-token-lost", message)
                    .help("airlock share rotate, which gives another"));
            }
            (None | Some(_), Some(_)) => {
                return Err(unreadable("its token is not the one that is on record"));
            }
        }
        Ok((proven.into(), profile))
    }
}

/// The token that a leaf puts on record, by its digest.
fn recorded(body: &Body) -> Option<Digest> {
    if let Body::ResultShared { token, .. } = body {
        return *token;
    }
    if let Body::RecipientKeyed { token, .. } = body { Some(*token) } else { None }
}

fn misnamed() -> Error {
    Error::invalid("recipient-name", "a share names a run and a recipient").help("agency")
}
