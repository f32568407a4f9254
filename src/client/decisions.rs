//! Decisions in the caller's member's name. Each is believed with its receipt alone.

use super::ask::{Question, Told};
use super::proof::Proven;
use super::{About, Client, Withdrawn};
use crate::error::Result;
use crate::log::{Checkpoint, Receipt, TermPath};
use crate::wire;
use mappings::model::{Agreement, CollaborationId, Digest, PlatformId, TemplateName};
use std::time::Duration;
use tokio::time::Instant;

/// A withdrawal that is not on record is asked again for so long.
const AGAIN_WITHIN: Duration = Duration::from_secs(20);
const AGAIN_MAX: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// What was looked at before a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// The mark of what was decided then.
    At(String),
    /// Nothing: the collaboration is not there yet.
    Nothing,
}

/// A decision that is on record.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The proof, verified.
    pub receipt: Receipt,
    /// The leaf.
    pub leaf: crate::log::Leaf,
}

/// What came of a decision that may take two people of a member.
#[derive(Debug, Clone)]
pub enum Seconded {
    /// On record.
    Decided(Box<Decided>),
    /// It waits for a second person.
    Waits(Box<wire::Waits>),
}

/// A withdrawal that is in force.
#[derive(Debug, Clone)]
pub enum Withdrawal {
    /// On record, for everybody.
    OnRecord(Box<Decided>),
    /// At that gateway alone, until its log can be written; why, by code.
    There(String),
}

impl From<Proven> for Decided {
    fn from(Proven { leaf, receipt }: Proven) -> Self {
        Self { receipt, leaf }
    }
}

impl Client {
    /// What is decided in a collaboration, for a decision that is tied to it.
    pub async fn looked(&self, of: &CollaborationId) -> Result<Looked> {
        match self.collaboration(of).await {
            Ok((_, mark)) => Ok(Looked::At(mark)),
            Err(error) if error.code == "not-found" => Ok(Looked::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Puts an agreement before its members; `text` is its document, YAML or JSON.
    pub async fn propose(
        &self,
        (agreement, text): (&Agreement, &str),
        looked: &Looked,
    ) -> Result<Decided> {
        let of = &agreement.collaboration;
        let path = ["v1", "collaborations", of.as_str(), "agreements"];
        let question = Question::change(&path)?.yaml(text);
        let question = match looked {
            Looked::At(mark) => question.tied(mark),
            Looked::Nothing => question,
        };
        let about = About::Proposed(agreement.digest());
        Ok(self.changed(of, &question, &about).await?.into())
    }

    /// Accepts the agreement that waits, if it is this one.
    pub async fn join(&self, of: &CollaborationId, digest: Digest, mark: &str) -> Result<Decided> {
        let answer = wire::Answer { agreement: digest.to_string() };
        self.decided((of, &["joins"]), (&answer, mark), &About::Joined(digest)).await
    }

    /// Declines the agreement that waits, if it is this one.
    pub async fn decline(
        &self,
        of: &CollaborationId,
        digest: Digest,
        mark: &str,
    ) -> Result<Decided> {
        let answer = wire::Answer { agreement: digest.to_string() };
        self.decided((of, &["declines"]), (&answer, mark), &About::Declined).await
    }

    /// Approves a template in this version.
    pub async fn approve(
        &self,
        of: &CollaborationId,
        template: &TemplateName,
        digest: Digest,
    ) -> Result<Seconded> {
        let version = wire::Version { digest: digest.to_string() };
        let about = About::Approved(template.clone(), digest);
        let below = ["templates", template.as_str(), "approvals"];
        self.seconded((of, &below), (&version, "*"), &about).await
    }

    /// Consents to a room's holding a term more loosely, for this agreement alone.
    pub async fn waive(
        &self,
        of: &CollaborationId,
        (room, at): (&PlatformId, &TermPath),
        agreement: Digest,
        mark: &str,
    ) -> Result<Seconded> {
        let waived = wire::Waived {
            room: room.to_string(),
            at: at.to_string(),
            agreement: agreement.to_string(),
        };
        let about = About::Waived(room.clone(), at.clone(), agreement);
        self.seconded((of, &["waivers"]), (&waived, mark), &about).await
    }

    /// Offers again what was found taken away on a platform.
    pub async fn reoffer(
        &self,
        of: &CollaborationId,
        thing: &Withdrawn,
        mark: &str,
    ) -> Result<Decided> {
        let about = About::Reoffered(thing.clone());
        self.decided((of, &["reoffers"]), (&thing.thing(), mark), &about).await
    }

    /// A decision that may take two people. That it waits is no decision, and has no proof.
    async fn seconded(
        &self,
        (of, below): (&CollaborationId, &[&str]),
        (body, mark): (&(impl serde::Serialize + Sync), &str),
        about: &About,
    ) -> Result<Seconded> {
        let path = [&["v1", "collaborations", of.as_str()], below].concat();
        let question = Question::change(&path)?.json(body)?.tied(mark);
        let before = self.before(of).await?;
        let told = self.link.ask(&question).await?;
        if told.status == reqwest::StatusCode::ACCEPTED {
            return Ok(Seconded::Waits(Box::new(told.json()?)));
        }
        let proven = self.proven(of, &told, (about, before.as_ref())).await?;
        Ok(Seconded::Decided(Box::new(proven.into())))
    }

    async fn decided(
        &self,
        (of, below): (&CollaborationId, &[&str]),
        (body, mark): (&(impl serde::Serialize + Sync), &str),
        about: &About,
    ) -> Result<Decided> {
        let path = [&["v1", "collaborations", of.as_str()], below].concat();
        let question = Question::change(&path)?.json(body)?.tied(mark);
        Ok(self.changed(of, &question, about).await?.into())
    }

    /// Withdraws. Nothing is looked at before it is asked, and it is asked until it is on record, for a while: the same twice is on record twice,
    /// and takes nothing more away.
    pub async fn withdraw(&self, of: &CollaborationId, thing: &Withdrawn) -> Result<Withdrawal> {
        let path = ["v1", "collaborations", of.as_str(), "revocations"];
        let question = Question::denial(&path, &thing.thing())?;
        let about = About::Revoked(thing.clone());
        // What can't be read here keeps nobody from withdrawing.
        let before = self.known.head(&self.key, of);
        let (since, mut kept) = (Instant::now(), None);
        for asked in 0.. {
            let told = match self.link.ask(&question).await {
                Ok(told) => told,
                Err(error) => match kept {
                    Some(why) => return Ok(Withdrawal::There(why)),
                    None => return Err(error),
                },
            };
            let revoked: serde_json::Value = told.json()?;
            if revoked.get("durable") != Some(&serde_json::Value::Bool(false)) {
                let proven = self.withdrawn(of, &told, (&about, before?.as_ref())).await?;
                return Ok(Withdrawal::OnRecord(Box::new(proven.into())));
            }
            let why = revoked.get("why").and_then(serde_json::Value::as_str);
            let why = why.filter(|why| crate::log::Code::new(why).is_ok());
            kept = Some(why.unwrap_or("store-unavailable").to_owned());
            if asked >= AGAIN_MAX || since.elapsed() + PAUSE > AGAIN_WITHIN {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(Withdrawal::There(kept.unwrap_or_default()))
    }

    /// The proof of a withdrawal; its leaf from the log where the answer could not show it.
    async fn withdrawn(
        &self,
        of: &CollaborationId,
        told: &Told,
        (about, before): (&About, Option<&Checkpoint>),
    ) -> Result<Proven> {
        let answer: wire::Revoked = match told.json() {
            Ok(answer) => answer,
            Err(_) => return self.proven(of, told, (about, before)).await,
        };
        let (Some(receipt), None) = (&answer.receipt, &answer.leaf_bytes) else {
            return self.proven(of, told, (about, before)).await;
        };
        let leaf = self.leaf_at(of, receipt.index).await?;
        let body = serde_json::json!({ "receipt": receipt, "leaf_bytes": leaf.bytes });
        let told = told.saying(&body);
        self.proven(of, &told, (about, before)).await
    }
}
