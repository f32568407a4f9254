//! The log from outside: its leaves held against a signed head, and that against what was seen before.

use super::Client;
use super::ask::unreadable;
use super::proof::forked;
use crate::error::{Error, Result};
use crate::log::tree::{Frontier, leaf_hash};
use crate::log::{Checkpoint, Leaf};
use crate::wire;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mappings::model::CollaborationId;

/// Leaves that are asked for at a time; fewer where they are long.
const PAGE: usize = 200;

/// A whole log that is what its checkpoint signs.
#[derive(Debug)]
pub struct Whole {
    /// The signed note.
    pub note: String,
    /// What it signs.
    pub head: Checkpoint,
}

impl Client {
    pub(super) async fn leaf_at(&self, of: &CollaborationId, index: u64) -> Result<wire::Leaf> {
        let index = index.to_string();
        let path = ["v1", "collaborations", of.as_str(), "leaves", &index];
        self.link.get(&path, &[]).await?.json()
    }

    pub(super) async fn leaves_from(
        &self,
        of: &CollaborationId,
        from: u64,
    ) -> Result<wire::Leaves> {
        let path = ["v1", "collaborations", of.as_str(), "leaves"];
        let mut limit = PAGE;
        loop {
            let query = [("from", from.to_string()), ("limit", limit.to_string())];
            match self.link.get(&path, &query).await {
                Ok(told) => return told.json(),
                Err(error) if error.code == "gateway-answer-long" && limit > 1 => limit /= 4,
                Err(error) => return Err(error),
            }
            limit = limit.max(1);
        }
    }

    /// Reads a whole log up to its newest signed head, leaf by leaf, and tells whether it is what was signed and goes on from what was seen
    /// before. What `each` was given before an error is worth nothing.
    pub async fn whole_log(
        &self,
        of: &CollaborationId,
        mut each: impl FnMut(u64, &[u8]) -> Result<()> + Send,
    ) -> Result<Whole> {
        let before = self.known.head(&self.key, of)?;
        let path = ["v1", "collaborations", of.as_str(), "checkpoint"];
        let note = self.link.get(&path, &[]).await?.text()?;
        let head = self.signed(&note, of)?;
        let (mut tree, mut seen) = (Frontier::default(), None);
        while tree.size() < head.size {
            let page = self.leaves_from(of, tree.size()).await?;
            if page.leaves.is_empty() {
                return Err(unreadable("its log is shorter than its checkpoint"));
            }
            for leaf in page.leaves {
                if tree.size() == head.size {
                    break;
                }
                if leaf.index != tree.size() {
                    return Err(unreadable("its leaves are not in order"));
                }
                let bytes = STANDARD.decode(&leaf.bytes);
                let bytes = bytes.map_err(|_| unreadable("a leaf of it is none"))?;
                tree.push(leaf_hash(&bytes));
                if before.as_ref().is_some_and(|before| before.size == tree.size()) {
                    seen = Some(tree.root());
                }
                each(leaf.index, &bytes)?;
            }
        }
        if tree.root() != head.root {
            let message = "the leaves that the gateway shows do not make the root that it signed";
            return Err(Error::refused("root-differs", message).help("the leaves as they were"));
        }
        match &before {
            Some(before) if before.size > head.size => {
                self.follows(&note, Some(before)).await?;
            }
            Some(before) if seen != Some(before.root) => return Err(forked(&head)),
            Some(_) | None => self.known.keep(&self.key, &head, &note)?,
        }
        Ok(Whole { note, head })
    }

    /// Every leaf as it reads, of a log that holds together.
    pub async fn leaves(&self, of: &CollaborationId) -> Result<Vec<Leaf>> {
        let mut all = Vec::new();
        self.whole_log(of, |_, bytes| {
            let leaf = Leaf::parse(bytes);
            let unread = |error: crate::log::leaf::NotALeaf| {
                Error::failed("log-unreadable", error.to_string())
            };
            all.push(leaf.map_err(unread)?);
            Ok(())
        })
        .await?;
        Ok(all)
    }
}
