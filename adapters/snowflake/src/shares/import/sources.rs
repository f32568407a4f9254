//! Which of what shares give can be datasets, and which of it Airlock wrote for this agreement. Pure.

use super::Shares;
use super::found::Share;
use crate::entry::version;
use crate::import::{Object, Own, Source, placed};
use crate::names;
use crate::shares::call::{Guarded, head};
use crate::shares::mark::Mark;
use crate::shares::observe::is_body;
use mappings::agreement::identifier;
use mappings::model::{Dataset, DatasetName, MemberId, PlatformId};
use std::collections::BTreeSet;

/// Airlock's policy on one of its views.
fn guarded(object: &Object) -> Option<Guarded> {
    let own = object.policies.iter().find(|one| one.kind == "AGGREGATION")?;
    let ([database, schema, name], [of, within, _]) = (&own.path, &object.path);
    let entities_min = names::minimum_of(name)?;
    let [key] = own.takes.as_slice() else { return None };
    let is_beside = (database, schema) == (of, within) && is_body(&own.body, entities_min);
    is_beside.then(|| Guarded { entities_min, key: key.clone() })
}

/// The query of one of Airlock's views; none of one that is not all that Airlock writes and no more.
pub(super) fn query_of(object: &Object) -> Option<&str> {
    let mark = Mark::whose(&object.comment)?;
    let guarded = guarded(object);
    let head = head(&object.path, guarded.as_ref(), &mark.text());
    let alone = object.policies.len() == usize::from(guarded.is_some()) && object.secure;
    object.text.strip_prefix(head.as_text().ok()?).filter(|_| alone)
}

fn own<'a>(name: &DatasetName, object: &'a Object) -> Option<Own<'a>> {
    let query = query_of(object)?;
    let guarded = guarded(object).map(|one| (one.key, one.entities_min));
    let told = told(name, query, object).filter(|told| {
        let rule = (told.entity.to_string(), told.rule.entities_min);
        guarded == Some(rule).filter(|(_, least)| *least > 1)
    });
    Some(Own { query, guarded, otherwise: Some(1), told })
}

/// The dataset whose terms a view's mark holds, if they are of the version that it names and the view is what they make.
fn told(name: &DatasetName, query: &str, object: &Object) -> Option<Dataset> {
    let (mark, platform) = (Mark::whose(&object.comment)?, PlatformId::snowflake());
    let whole = placed(&platform, name, (mark.dataset.as_deref()?, &mark.without), query)?;
    let mut told = whole.clone();
    told.columns.retain(|column, _| !mark.without.contains(column));
    (mark.terms == Some(version(&platform, name, &whole))).then_some(told)
}

impl<'a> Shares<'a> {
    /// Everything that shares give and runners have of their own, each once.
    pub(super) fn sources(&mut self) -> Vec<Source<'a>> {
        let found = self.found;
        let mut sources: Vec<Source<'a>> = Vec::new();
        let mut taken = BTreeSet::new();
        for share in &found.shares {
            for object in &share.objects {
                self.source(share, object, (&mut sources, &mut taken));
            }
        }
        for (account, runs) in self.runs() {
            for object in &runs.objects {
                self.own_source(account, object, &mut sources);
            }
        }
        sources
    }

    fn source(
        &mut self,
        share: &'a Share,
        object: &'a Object,
        (sources, taken): (&mut Vec<Source<'a>>, &mut BTreeSet<String>),
    ) {
        let Some(owner) = self.members.get(&share.owner).cloned() else { return };
        if sources.iter().any(|one| one.owner == owner && one.object.path == object.path) {
            return;
        }
        if !self.is_ours(share) {
            let [.., spelled] = object.path.each_ref().map(|name| name.to_ascii_lowercase());
            let Some(name) = identifier(&spelled, '_', DatasetName::new, taken) else { return };
            sources.push(Source { name, owner, object, own: None, offered: None });
            return;
        }
        match self.of_view(object) {
            Some(dataset) => {
                taken.insert(dataset.to_string());
                self.ours((dataset, owner), object, sources);
            }
            None => self.differs(object),
        }
    }

    /// A view in a runner's schema of Airlock's: its own dataset, or another owner's over a mount.
    fn own_source(&mut self, account: &str, object: &'a Object, sources: &mut Vec<Source<'a>>) {
        let Some(owner) = self.members.get(account).cloned() else { return };
        let mounts = format!(" FROM \"{}", names::prefix(&self.draft.agreement.collaboration));
        if object.text.contains(&mounts) {
            return;
        }
        let [.., name] = &object.path;
        match DatasetName::new(name) {
            Ok(name) => self.ours((name, owner), object, sources),
            Err(_) => self.differs(object),
        }
    }

    fn ours(
        &mut self,
        (name, owner): (DatasetName, MemberId),
        object: &'a Object,
        sources: &mut Vec<Source<'a>>,
    ) {
        let Some(own) = own(&name, object) else { return self.differs(object) };
        match sources.iter().find(|one| one.name == name) {
            None => {
                let own = Some(own);
                sources.push(Source { name, owner, object, own, offered: None });
            }
            Some(known) if known.owner == owner && known.own.as_ref() == Some(&own) => {}
            Some(_) => {
                let why = "another runner has the dataset in another version";
                let change = "`airlock apply` under the agreement that they were made by";
                self.draft.left_out("view-differs", object.at(), ("its statement", why, change));
            }
        }
    }

    fn differs(&mut self, object: &Object) {
        let why = "it has a name of Airlock's, and is not what Airlock writes under it: its statement, its policy or its mark";
        let change = "`airlock apply` under the agreement that it was made by";
        self.draft.left_out("view-differs", object.at(), ("the view", why, change));
    }

    /// The dataset of a view of Airlock's by its name.
    fn of_view(&self, object: &Object) -> Option<DatasetName> {
        let [.., name] = &object.path;
        let (dataset, _) = name.split_once('$')?;
        let dataset: DatasetName = dataset.to_ascii_lowercase().parse().ok()?;
        let mut members = self.draft.agreement.members.keys();
        members.any(|member| names::view(&dataset, member) == *name).then_some(dataset)
    }
}
