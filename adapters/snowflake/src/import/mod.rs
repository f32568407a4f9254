//! What an import of either room makes of tables and views: datasets of an agreement, and what none says. What can be said only wider
//! is left out and named; nothing is said weaker than it is there. Pure but for `look`. Must not know shares or collaborations.

mod kinds;
pub(crate) mod look;
mod others;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod seats;
pub(crate) mod templates;
mod views;

pub(crate) use views::placed;

use adapter_spi::{Unexpressed, blank, remarked};
use mappings::agreement::Remarks;
use mappings::model::{
    Ability, Agreement, AnalysisRule, CollaborationId, Column, ColumnType, ColumnUse, Dataset,
    DatasetName, Hashed, JoinRule, KeyName, Location, MatchKey, MemberId, Normaliser, PlatformId,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be imported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Import {
    /// Shares, each as `ORG.ACCOUNT.NAME`, the name as `SHOW SHARES` spells it; or collaborations by their source names.
    pub named: Vec<String>,
    /// Accounts by the names that their members get: `ORG.ACCOUNT`.
    pub accounts: BTreeMap<MemberId, String>,
    /// What the agreement is called; else what is made of the first name.
    pub name: Option<CollaborationId>,
    /// Where receivers' results go, as far as that was said.
    pub destinations: BTreeMap<MemberId, String>,
    /// Of datasets, the column that says whose rows they are, where no policy does.
    pub entities: BTreeMap<DatasetName, String>,
}

/// Columns with their types, by the tables that Airlock's views read.
pub(crate) type Tables = BTreeMap<Vec<String>, BTreeMap<String, String>>;

/// A table or a view, as it lies there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Object {
    pub(crate) path: [String; 3],
    pub(crate) is_view: bool,
    pub(crate) secure: bool,
    /// The statement that made a view.
    pub(crate) text: String,
    pub(crate) comment: String,
    /// Columns in their order, with their types.
    pub(crate) columns: Vec<(String, String)>,
    pub(crate) policies: Vec<Policy>,
}

impl Object {
    /// How it is named.
    pub(crate) fn at(&self) -> String {
        let noun = if self.is_view { "view" } else { "table" };
        format!("{noun} {}", self.path.join("."))
    }
}

/// A policy on an object, or on a column of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Policy {
    /// `AGGREGATION` and the like, in upper case with underscores.
    pub(crate) kind: String,
    pub(crate) path: [String; 3],
    /// The column that it is on.
    pub(crate) column: Option<String>,
    /// The columns that it takes.
    pub(crate) takes: Vec<String>,
    /// Its body, where that was looked at and is shown.
    pub(crate) body: String,
}

/// An object that can be a dataset.
#[derive(Debug, Clone)]
pub(crate) struct Source<'a> {
    pub(crate) name: DatasetName,
    pub(crate) owner: MemberId,
    pub(crate) object: &'a Object,
    /// Of a view that Airlock wrote for this agreement, what it wrote.
    pub(crate) own: Option<Own<'a>>,
    /// The columns that are offered, each with whether it is a key; without a list, all.
    pub(crate) offered: Option<BTreeMap<String, bool>>,
}

/// What Airlock wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own<'a> {
    pub(crate) query: &'a str,
    /// The column that names an entity, and how many there must be, where the room says it.
    pub(crate) guarded: Option<(String, u64)>,
    /// How many where it does not; none where that stands in texts alone.
    pub(crate) otherwise: Option<u64>,
    /// The dataset as it was agreed, once its version and its view are those that are there.
    pub(crate) told: Option<Dataset>,
}

/// An agreement that is being put together.
pub(crate) struct Draft<'a> {
    platform: PlatformId,
    /// The column that says whose rows a dataset's are, as far as that was said.
    entities: &'a BTreeMap<DatasetName, String>,
    tables: &'a Tables,
    pub(crate) agreement: Agreement,
    pub(crate) remarks: Remarks,
    pub(crate) unexpressed: BTreeSet<Unexpressed>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(
        platform: PlatformId,
        collaboration: CollaborationId,
        (entities, tables): (&'a BTreeMap<DatasetName, String>, &'a Tables),
    ) -> Self {
        let (remarks, unexpressed) = (Remarks::new(), BTreeSet::new());
        Self { platform, entities, tables, agreement: blank(collaboration), remarks, unexpressed }
    }

    pub(crate) fn remark(&mut self, path: &str, remark: &str) {
        remarked(&mut self.remarks, path, remark.to_owned());
    }

    /// Notes what the agreement does not say.
    pub(crate) fn unsaid(&mut self, one: Unexpressed) {
        self.unexpressed.insert(one.shown());
    }

    /// Notes what can't be said without being wider.
    pub(crate) fn left_out(
        &mut self,
        code: &'static str,
        at: String,
        (what, why, change): (&str, &str, &str),
    ) {
        self.unsaid(Unexpressed {
            code,
            at,
            what: what.to_owned(),
            why: format!("{why}; it is left out"),
            change: change.to_owned(),
            wider: true,
        });
    }

    /// Notes what could not be looked at.
    pub(crate) fn unseen(&mut self, all: &[(String, String)]) {
        for (at, code) in all {
            let why = "it could not be looked at, so nothing is known of it";
            let change = "a connection that may read it, and the import again";
            self.left_out("not-seen", at.clone(), (code, why, change));
        }
    }

    /// Takes up a dataset, if an agreement can say it.
    pub(crate) fn dataset(&mut self, source: &Source<'_>) {
        let made = match &source.own {
            Some(own) => self.heard(source, own),
            None => self.foreign(source),
        };
        if let Some(dataset) = made {
            if let Some(member) = self.agreement.members.get_mut(&source.owner) {
                member.abilities.insert(Ability::Contribute);
            }
            self.agreement.datasets.insert(source.name.clone(), dataset);
        }
    }

    fn place(&self, path: &[String]) -> BTreeMap<PlatformId, Location> {
        [(self.platform.clone(), Location::Name(path.join(".")))].into()
    }
}

/// A rule that asks for so many entities behind every row, and for a join.
const fn rule(entities_min: u64) -> AnalysisRule {
    AnalysisRule { entities_min, join: JoinRule::Required, receivers: None, activation: None }
}

/// Airlock's own threshold, where what is there names none.
const ENTITIES_MIN: u64 = 100;

impl Draft<'_> {
    /// A threshold that is Airlock's own: what is there may let smaller groups out.
    fn chosen(&mut self, name: &DatasetName, at: String, why: &str) -> u64 {
        self.remark(
            &format!("datasets.{name}.rule"),
            &format!("chosen: {why}; {ENTITIES_MIN} is Airlock's own"),
        );
        self.unsaid(Unexpressed {
            code: "threshold-unread",
            at,
            what: "how small a group may be".to_owned(),
            why: format!("{why}; the agreement asks for {ENTITIES_MIN}, which may be more than what is there does"),
            change: "the threshold that its owner means, in the agreement".to_owned(),
            wider: true,
        });
        ENTITIES_MIN
    }
}

/// What may be done with a column of which nothing more is known.
fn usable(of: ColumnType) -> ColumnUse {
    use mappings::model::Aggregate::{Avg, Count, CountDistinct, Sum};
    match of {
        ColumnType::Int64 | ColumnType::Float64 => {
            ColumnUse::Measure { aggregates: [Count, CountDistinct, Sum, Avg].into() }
        }
        ColumnType::Utf8 | ColumnType::Boolean | ColumnType::Date | ColumnType::Timestamp => {
            ColumnUse::Dimension
        }
        ColumnType::Binary => ColumnUse::Measure { aggregates: [Count].into() },
    }
}

/// Whether a key can be of a type.
const fn is_key(of: ColumnType) -> bool {
    matches!(of, ColumnType::Int64 | ColumnType::Utf8 | ColumnType::Binary)
}

/// A key. Keys of one name are of one kind.
fn key(name: &str, from: &str, (of, hashed): (ColumnType, Option<Hashed>)) -> Option<Column> {
    let kind = mappings::agreement::identifier(name, '-', KeyName::new, &mut BTreeSet::new())?;
    let from = from.to_owned();
    let normalise = Normaliser::None;
    let key = MatchKey { key: kind, from: from.clone(), r#type: of, normalise, hashed };
    Some(Column { from, r#type: of, r#use: ColumnUse::Match { keys: vec![key] }, activate: false })
}

/// A name that an agreement's place can hold.
fn is_plain(name: &str) -> bool {
    let begins = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    begins && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$'))
}

/// A column name that an agreement can hold and show.
fn is_shown(name: &str) -> bool {
    let shown = |c: char| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric();
    !name.trim().is_empty() && name.chars().count() <= 255 && name.chars().all(shown)
}
