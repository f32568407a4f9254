//! What becomes of columns in a text, and which of them it takes for the same. Knows no SQL.

use super::Of;
use crate::model::Aggregate;
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of one column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Use {
    /// What is done with it as it is.
    pub ways: BTreeSet<Way>,
    /// The aggregates that it goes into.
    pub aggregates: BTreeSet<Aggregate>,
}

/// A way in which a column is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It is compared with a column of another relation in a join.
    Joined,
    /// It is shown, grouped by, or computed with before any aggregate.
    Shown,
    /// It leaves as it is, in rows of entities.
    Leaves,
    /// Rows are left out by it.
    Filtered,
}

impl Use {
    /// Whether it is used in this way.
    #[must_use]
    pub fn is(&self, way: Way) -> bool {
        self.ways.contains(&way)
    }
}

/// A column of a relation as one SELECT has it.
pub(super) type Node = usize;

/// Columns that are the same by a join, or by being handed on.
#[derive(Debug, Default)]
pub(super) struct Classes {
    parents: Vec<Node>,
    origins: Vec<Option<Of>>,
    members: BTreeMap<Node, BTreeSet<Of>>,
}

impl Classes {
    /// A new column: of a table, or computed.
    pub(super) fn add(&mut self, origin: Option<Of>) -> Node {
        let node = self.parents.len();
        self.parents.push(node);
        self.members.insert(node, origin.iter().cloned().collect());
        self.origins.push(origin);
        node
    }

    /// The column of a table that this is.
    pub(super) fn origin(&self, node: Node) -> Option<&Of> {
        self.origins.get(node)?.as_ref()
    }

    fn root(&self, mut node: Node) -> Node {
        while let Some(parent) = self.parents.get(node).filter(|parent| **parent != node) {
            node = *parent;
        }
        node
    }

    /// Two columns are the same.
    pub(super) fn equate(&mut self, one: Node, two: Node) {
        let (one, two) = (self.root(one), self.root(two));
        if one == two {
            return;
        }
        let all = self.members.remove(&two).unwrap_or_default();
        self.members.entry(one).or_default().extend(all);
        if let Some(parent) = self.parents.get_mut(two) {
            *parent = one;
        }
    }

    /// The columns of tables that are the same as this one.
    pub(super) fn class(&self, node: Node) -> BTreeSet<Of> {
        self.members.get(&self.root(node)).cloned().unwrap_or_default()
    }
}
