//! Receipts: an answer to a change is believed where its receipt verifies under the gateway's key, its leaf says what was asked, and the log that
//! it is in goes on from what was seen of it before.

use super::ask::{Question, Told, unreadable};
use super::{About, Client};
use crate::error::{Error, Result};
use crate::log::tree::{Hash, leaf_hash, verify_consistency};
use crate::log::{Checkpoint, Leaf, Receipt};
use crate::wire;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mappings::model::CollaborationId;
use serde_json::Value;

/// How a head is held against one that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follows {
    /// It is the same, or proven to go on from it.
    Proven,
    /// It is longer, and nobody shows more to this caller.
    Longer,
}

/// Something that was proven to be on record.
#[derive(Debug, Clone)]
pub(super) struct Proven {
    pub(super) leaf: Leaf,
    pub(super) receipt: Receipt,
}

fn missing(message: &str) -> Error {
    Error::refused("receipt-missing", format!("the gateway says that it was done, and {message}"))
        .help("nothing is taken on its word: a look at the log, then the same again")
}

fn wrong(message: &str) -> Error {
    Error::refused("receipt-wrong", format!("the gateway's receipt does not hold: {message}"))
        .help("nothing is taken on its word: a look at the log, and a word with whoever runs it")
}

impl Client {
    /// What is known of a log before something is asked of it: the head that was kept; else, where the caller reads logs, the newest there is.
    pub(super) async fn before(&self, of: &CollaborationId) -> Result<Option<Checkpoint>> {
        let kept = self.known.head(&self.key, of)?;
        if kept.is_some() || !self.reads_logs() {
            return Ok(kept);
        }
        // Whoever is invited sees none yet.
        let path = ["v1", "collaborations", of.as_str(), "checkpoint"];
        let Ok(told) = self.link.get(&path, &[]).await else { return Ok(None) };
        let note = told.text()?;
        let head = self.signed(&note, of)?;
        self.known.keep(&self.key, &head, &note)?;
        Ok(Some(head))
    }

    /// A checkpoint of this gateway's.
    pub(super) fn signed(&self, note: &str, of: &CollaborationId) -> Result<Checkpoint> {
        Checkpoint::verify(note, &self.key, of)
            .map_err(|error| wrong(&format!("{error} [{}]", error.code())))
    }

    /// Asks for a change and proves that it was made.
    pub(super) async fn changed(
        &self,
        of: &CollaborationId,
        question: &Question<'_>,
        about: &About,
    ) -> Result<Proven> {
        let before = self.before(of).await?;
        let told = self.link.ask(question).await?;
        self.proven(of, &told, (about, before.as_ref())).await
    }

    /// Proves that an answer's leaf says what was asked, and is on record.
    pub(super) async fn proven(
        &self,
        of: &CollaborationId,
        told: &Told,
        (about, before): (&About, Option<&Checkpoint>),
    ) -> Result<Proven> {
        let answer: Value = told.json()?;
        let proven = self.received(of, &answer)?;
        if !about.is(&proven.leaf, &self.member, of) {
            let kind = proven.leaf.body.kind();
            return Err(wrong(&format!("its leaf ({kind}) is not what was asked for")));
        }
        self.follows(&proven.receipt.checkpoint, before).await?;
        // Whatever was asked for now is newer than what was seen before.
        if before.is_some_and(|before| proven.receipt.index < before.size) {
            return Err(wrong("its leaf was there before it was asked for"));
        }
        Ok(proven)
    }

    /// The leaf and the receipt of an answer, which hold together under the gateway's key.
    pub(super) fn received(&self, of: &CollaborationId, answer: &Value) -> Result<Proven> {
        let receipt = answer.get("receipt").filter(|receipt| !receipt.is_null());
        let receipt = receipt.ok_or_else(|| missing("gives no receipt"))?;
        let receipt = serde_json::from_value::<Receipt>(receipt.clone())
            .map_err(|_| wrong("it can't be read"))?;
        let bytes = answer.get("leaf_bytes").and_then(Value::as_str);
        let bytes = bytes.ok_or_else(|| missing("does not show what was recorded"))?;
        let bytes = STANDARD.decode(bytes).map_err(|_| wrong("its leaf can't be read"))?;
        receipt.verify(&self.key, of).map_err(|error| wrong(&error.to_string()))?;
        if leaf_hash(&bytes) != receipt.leaf {
            return Err(wrong("it is another leaf's"));
        }
        let leaf = Leaf::parse(&bytes).map_err(|error| wrong(&error.to_string()))?;
        Ok(Proven { leaf, receipt })
    }

    /// Holds a signed head against the one that was kept before it was asked for, and keeps it.
    pub(super) async fn follows(&self, note: &str, before: Option<&Checkpoint>) -> Result<()> {
        let head = Checkpoint::parse(note).map_err(|error| wrong(&error.to_string()))?;
        let Some(before) = before else {
            return self.known.keep(&self.key, &head, note);
        };
        if head.size < before.size {
            let (now, was) = (head.size, before.size);
            let message = format!(
                "the gateway shows a log of {now} leaves, and it had {was}: an older one was put back"
            );
            return Err(Error::refused("log-rolled-back", message)
                .help("the newer database at the gateway; withdrawals may be missing there"));
        }
        match self.goes_on(before, &head).await? {
            // A head that nothing proves does not take the place of one that something did.
            Follows::Longer if self.reads_logs() => Ok(()),
            Follows::Proven | Follows::Longer => self.known.keep(&self.key, &head, note),
        }
    }

    async fn goes_on(&self, old: &Checkpoint, new: &Checkpoint) -> Result<Follows> {
        if old.size == new.size {
            return if old.root == new.root { Ok(Follows::Proven) } else { Err(forked(new)) };
        }
        if !self.reads_logs() {
            return Ok(Follows::Longer);
        }
        let path = ["v1", "collaborations", new.collaboration.as_str(), "proofs", "consistency"];
        let lengths = [("old", old.size.to_string()), ("new", new.size.to_string())];
        let proof: wire::Proof = match self.link.get(&path, &lengths).await {
            Ok(told) => told.json()?,
            // Whoever is invited, or has left, sees no proof.
            Err(error) if matches!(error.code.as_str(), "not-found" | "not-permitted") => {
                return Ok(Follows::Longer);
            }
            Err(error) => return Err(error),
        };
        let hashes = proof.hashes.into_iter().map(Hash::try_from);
        let hashes: Vec<Hash> = hashes
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| unreadable("its proof has hashes that are none"))?;
        if verify_consistency((old.size, &old.root), (new.size, &new.root), &hashes) {
            Ok(Follows::Proven)
        } else {
            Err(forked(new))
        }
    }
}

/// Two signed heads of one log that do not go on from each other.
pub(super) fn forked(head: &Checkpoint) -> Error {
    let message = format!(
        "the log of {} that the gateway shows does not go on from the one that was seen before",
        head.collaboration
    );
    Error::refused("log-forked", message)
        .help("both signed heads, held against each other by its members: the gateway signed two logs of one name")
}
