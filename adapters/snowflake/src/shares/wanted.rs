//! What an agreement is in the platform's words: which views, which shares, which of them are given, and which templates run where.
//! Pure. Must not know clients, nor what is there already.
//!
//! A dataset has a view and a share of its own for each member who runs, so that what one loses no other does. The runner's own
//! datasets have a view where its texts find them, and no share.

use super::call::{Body, Grant, Guarded, Kind, Privilege, PutView};
use super::mark::Mark;
use crate::entry::{View, entry, left, table, version, views};
use crate::names;
use crate::reach::account_of;
use crate::side_by_side;
use adapter_spi::Desired;
use mappings::guard::guard;
use mappings::model::{
    Agreement, ColumnName, DatasetName, Digest, MemberId, PlatformId, Template, TemplateName,
};
use mappings::snowflake::{Room, SnowflakeText, text_over_views};
use std::collections::{BTreeMap, BTreeSet};

/// A dataset for one runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) dataset: DatasetName,
    pub(crate) owner: MemberId,
    pub(crate) runner: MemberId,
    /// The runner's account.
    pub(crate) consumer: String,
    /// The owner's account.
    pub(crate) provider: String,
    pub(crate) guarded: Option<Guarded>,
    pub(crate) mark: Mark,
    /// What stands in the comment of its view: the mark with the dataset's terms, as far as there is room.
    pub(crate) comment: String,
    pub(crate) view: View,
    /// The database of the physical table.
    pub(crate) source: String,
    /// The runner's templates that read it.
    pub(crate) readers: BTreeSet<TemplateName>,
    /// Whether one of these may run.
    pub(crate) given: bool,
}

/// One who runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Runner {
    /// The templates that may run, with their versions.
    pub(crate) templates: BTreeMap<TemplateName, Digest>,
    /// What each of these says.
    pub(crate) texts: BTreeMap<TemplateName, Template>,
    /// What each of these reads.
    pub(crate) reads: BTreeMap<TemplateName, BTreeSet<DatasetName>>,
}

/// All that an agreement takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    pub(crate) offers: BTreeMap<(DatasetName, MemberId), Offer>,
    pub(crate) runners: BTreeMap<MemberId, Runner>,
}

/// A template that has words there, before anything was withdrawn.
pub(crate) struct Said {
    pub(crate) text: SnowflakeText,
    /// The columns that it reads.
    columns: BTreeSet<(DatasetName, ColumnName)>,
}

/// The texts of an agreement that can run there.
pub(crate) fn texts(agreement: &Agreement) -> BTreeMap<TemplateName, Said> {
    texts_over(agreement, &views(&PlatformId::snowflake(), agreement))
}

fn texts_over(
    agreement: &Agreement,
    views: &BTreeMap<&DatasetName, View>,
) -> BTreeMap<TemplateName, Said> {
    let names: Vec<&TemplateName> = agreement.templates.keys().collect();
    let said = side_by_side::each(&names, |name| {
        let guarded = guard(agreement, name).ok()?;
        let entered = guarded.datasets.keys().all(|dataset| views.contains_key(dataset));
        let text = text_over_views(agreement, &guarded, Room::Shares).ok().filter(|_| entered)?;
        let columns = guarded.datasets.iter().flat_map(|(dataset, used)| {
            used.columns.iter().map(|column| (dataset.clone(), column.clone()))
        });
        let columns = columns.collect();
        Some(((*name).clone(), Said { text, columns }))
    });
    said.into_iter().flatten().collect()
}

fn account(agreement: &Agreement, member: &MemberId) -> Option<String> {
    account_of(agreement.members.get(member)?.identity.get(&PlatformId::snowflake())?)
}

/// What is desired, in the platform's words. A term that has none was refused by the assessment; what only can't run there is left
/// out.
pub(crate) fn wanted(desired: &Desired) -> Wanted {
    let agreement = &desired.agreement;
    let mut wanted = Wanted::default();
    if !desired.open {
        return wanted;
    }
    let views = views(&PlatformId::snowflake(), agreement);
    let said = texts_over(agreement, &views);
    let read: BTreeSet<&DatasetName> = said
        .values()
        .flat_map(|said| &said.text.datasets)
        .filter(|one| desired.offers(one))
        .collect();
    let read: Vec<&DatasetName> = read.into_iter().collect();
    let entered = side_by_side::each(&read, |name| {
        Some(((*name).clone(), Entered::of(desired, name, views.get(*name))?))
    });
    let entered: BTreeMap<DatasetName, Entered> = entered.into_iter().flatten().collect();
    for (name, said) in &said {
        let Some(template) = agreement.templates.get(name) else { continue };
        let stands = stands(desired, name, said);
        for runner in template.run_by.iter().filter(|one| desired.members.contains(*one)) {
            let room = wanted.runners.entry(runner.clone()).or_default();
            if stands {
                room.templates.insert(name.clone(), template.digest(name));
                room.texts.insert(name.clone(), template.clone());
                room.reads.insert(name.clone(), said.text.datasets.clone());
            }
            for dataset in &said.text.datasets {
                let key = (dataset.clone(), runner.clone());
                if !wanted.offers.contains_key(&key) {
                    let entered = entered.get(dataset);
                    let offer = entered.and_then(|one| one.offer(agreement, dataset, runner));
                    let Some(offer) = offer else { continue };
                    wanted.offers.insert(key.clone(), offer);
                }
                if let Some(offer) = wanted.offers.get_mut(&key) {
                    offer.readers.insert(name.clone());
                    offer.given |= stands;
                }
            }
        }
    }
    wanted
}

/// Whether a template may run: all owners approved it, nothing that it reads was withdrawn, and its receivers are there.
fn stands(desired: &Desired, name: &TemplateName, said: &Said) -> bool {
    let agreement = &desired.agreement;
    let Some(approved) = desired.approvals.get(name) else { return false };
    let owners = said.text.datasets.iter().filter_map(|one| agreement.datasets.get(one));
    let approved = owners.into_iter().all(|dataset| approved.contains(&dataset.owner));
    let whole = said.text.datasets.iter().all(|dataset| desired.offers(dataset))
        && said.columns.is_disjoint(&desired.hidden);
    let template = agreement.templates.get(name);
    let received = template.is_some_and(|one| one.received_by.is_subset(&desired.members));
    approved && whole && received
}

/// A dataset for a runner, less what was withdrawn of it.
pub(crate) fn offer(desired: &Desired, name: &DatasetName, runner: &MemberId) -> Option<Offer> {
    Entered::of(desired, name, None)?.offer(&desired.agreement, name, runner)
}

/// What a dataset is for whoever runs, less what was withdrawn of it.
struct Entered {
    owner: MemberId,
    guarded: Option<Guarded>,
    mark: Mark,
    comment: String,
    view: View,
    source: String,
}

impl Entered {
    /// `whole` is its view while nothing of it was withdrawn, where that is known.
    fn of(desired: &Desired, name: &DatasetName, whole: Option<&View>) -> Option<Self> {
        let platform = PlatformId::snowflake();
        let agreement = &desired.agreement;
        let agreed = agreement.datasets.get(name)?;
        let dataset = left(desired, name)?;
        let [source, ..] = table(&platform, &dataset)?;
        let without = desired.hidden.iter().filter(|(of, _)| of == name).map(|(_, column)| column);
        let mark = Mark {
            terms: Some(version(&platform, name, agreed)),
            without: without.cloned().collect(),
            ..Mark::of(&agreement.collaboration)
        };
        let (entities_min, key) = (dataset.rule.entities_min, dataset.entity.to_string());
        Some(Self {
            view: match whole.filter(|_| dataset.columns.len() == agreed.columns.len()) {
                Some(whole) => whole.clone(),
                None => entry(&platform, name, &dataset)?,
            },
            guarded: (entities_min > 1).then_some(Guarded { entities_min, key }),
            owner: dataset.owner,
            comment: mark.telling(agreed),
            mark,
            source,
        })
    }

    fn offer(&self, agreement: &Agreement, name: &DatasetName, runner: &MemberId) -> Option<Offer> {
        Some(Offer {
            dataset: name.clone(),
            owner: self.owner.clone(),
            runner: runner.clone(),
            consumer: account(agreement, runner)?,
            provider: account(agreement, &self.owner)?,
            guarded: self.guarded.clone(),
            mark: self.mark.clone(),
            comment: self.comment.clone(),
            view: self.view.clone(),
            source: self.source.clone(),
            readers: BTreeSet::new(),
            given: false,
        })
    }
}

impl Offer {
    /// Whether it is the runner's own.
    pub(crate) fn is_own(&self) -> bool {
        self.owner == self.runner
    }

    /// Its share's name.
    pub(crate) fn share(&self) -> String {
        names::share(&self.mark.airlock, &self.dataset, &self.runner)
    }

    /// The schema and the name of its view, in its owner's account.
    pub(crate) fn place(&self) -> (String, String) {
        let collaboration = &self.mark.airlock;
        if self.is_own() {
            (names::runs(collaboration), self.dataset.to_string())
        } else {
            (names::offers(collaboration), names::view(&self.dataset, &self.runner))
        }
    }

    /// Its view in the gateway's database of the owner's account.
    pub(crate) fn put(&self, database: &str) -> PutView {
        let (schema, name) = self.place();
        PutView {
            path: [database.to_owned(), schema, name],
            guarded: self.guarded.clone(),
            comment: self.comment.clone(),
            body: Body::Entry(self.view.clone()),
        }
    }

    /// The view by which its runner's texts find it, over the share's mount.
    pub(crate) fn mounted(&self, database: &str, mount: &str) -> PutView {
        let collaboration = &self.mark.airlock;
        let from = [
            mount.to_owned(),
            names::offers(collaboration),
            names::view(&self.dataset, &self.runner),
        ];
        let columns = self.view.columns().to_vec();
        PutView {
            path: [database.to_owned(), names::runs(collaboration), self.dataset.to_string()],
            guarded: None,
            comment: self.mark.text(),
            body: Body::Mounted { columns, from },
        }
    }

    /// What its share is given, in the order in which it is: the last is what lets data be read.
    pub(crate) fn grants(&self, database: &str) -> Vec<Grant> {
        let (schema, name) = self.place();
        let mut grants = vec![Grant::new(Privilege::Usage, Kind::Database, &[database])];
        if self.source != database {
            let source = self.source.as_str();
            grants.push(Grant::new(Privilege::ReferenceUsage, Kind::Database, &[source]));
        }
        grants.push(Grant::new(Privilege::Usage, Kind::Schema, &[database, &schema]));
        grants.push(Grant::new(Privilege::Select, Kind::View, &[database, &schema, &name]));
        grants
    }
}

#[cfg(test)]
#[path = "wanted_tests.rs"]
mod tests;
