//! Every version that was put before the members, in order, and what they said to it. Must not know who may see which; the documents are in
//! their leaves.

use super::State;
use crate::log::leaf::{Actor, Leaf};
use mappings::model::{Digest, MemberId};
use std::collections::BTreeSet;

/// A version that was put before the members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The position of the leaf that has the document.
    pub index: u64,
    /// When.
    pub at_ms: i64,
    /// The document's digest.
    pub digest: Digest,
    /// Who put it there: a member by its signature, or the gateway for one whose key nobody knew yet.
    pub by: Actor,
    /// Who accepted it.
    pub accepted: BTreeSet<MemberId>,
    /// Who refused it.
    pub declined: BTreeSet<MemberId>,
    /// By which leaf it came into force.
    pub in_force: Option<u64>,
}

/// What became of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It is in force.
    InForce,
    /// It waits for members.
    Waiting,
    /// A member refused it, and it never came into force.
    Declined,
    /// Another took its place.
    Superseded,
}

impl Proposal {
    pub(super) fn new(index: u64, leaf: &Leaf, digest: Digest) -> Self {
        Self {
            index,
            at_ms: leaf.at_ms,
            digest,
            by: leaf.actor.clone(),
            accepted: BTreeSet::new(),
            declined: BTreeSet::new(),
            in_force: None,
        }
    }
}

impl State {
    /// All of them, the oldest first.
    #[must_use]
    pub fn proposals(&self) -> &[Proposal] {
        &self.proposals
    }

    /// What became of one of them.
    #[must_use]
    pub fn became(&self, proposal: &Proposal) -> Became {
        let is = |version: Option<&super::Version>| {
            version.is_some_and(|version| version.index == proposal.index)
        };
        if is(self.in_force()) {
            Became::InForce
        } else if proposal.in_force.is_none() && !proposal.declined.is_empty() {
            Became::Declined
        } else if is(self.waiting()) {
            Became::Waiting
        } else {
            Became::Superseded
        }
    }

    /// Writes down what was said to the version that waits, which is the newest.
    pub(super) fn answered(&mut self, said: impl FnOnce(&mut Proposal) -> bool) {
        self.proposals.last_mut().map(said);
    }
}
