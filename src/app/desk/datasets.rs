//! Datasets of the agreement in force, or else of the one that waits. Where one lies is its owner's to know.

use super::templates::agreement;
use super::{Desk, Part, Seen, absent, named, said_as, texts};
use crate::access::Action;
use crate::error::Result;
use crate::log::Revocable;
use crate::wire;
use mappings::model::{
    Column, ColumnName, ColumnUse, Dataset, DatasetName, Location, MatchKey, MemberId, PlatformId,
};
use std::collections::BTreeMap;

impl Desk<'_> {
    /// A page of them, in order of name; perhaps those of one owner alone.
    pub(crate) async fn datasets(
        &self,
        name: &str,
        owner: Option<&MemberId>,
        part: Part<DatasetName>,
    ) -> Result<wire::Datasets> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let agreement = agreement(&seen)?;
        let later = agreement.datasets.iter().filter(|(name, _)| part.has(name));
        let fits = later.filter(|(_, one)| owner.is_none_or(|owner| one.owner == *owner));
        let mut datasets = part.first(fits.map(|(name, one)| shown(&seen, name, one)));
        let next = part.cut(&mut datasets, |one| one.dataset.clone());
        Ok(wire::Datasets { datasets, next })
    }

    /// One by its name.
    pub(crate) async fn dataset(&self, name: &str, dataset: &str) -> Result<wire::Dataset> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let (name, agreement) = (named::<DatasetName>(dataset)?, agreement(&seen)?);
        let dataset = agreement.datasets.get(&name).ok_or_else(absent)?;
        Ok(shown(&seen, &name, dataset))
    }
}

fn shown(seen: &Seen, name: &DatasetName, dataset: &Dataset) -> wire::Dataset {
    let columns = dataset.columns.iter();
    let keys = columns.clone().flat_map(|(column, one)| match &one.r#use {
        ColumnUse::Match { keys } => keys.iter().map(|one| key(column, one)).collect(),
        ColumnUse::Dimension | ColumnUse::Measure { .. } | ColumnUse::Filter => Vec::new(),
    });
    // What is withdrawn is the members' to know.
    let withdrawn = columns.clone().map(|(column, _)| column).filter(|column| {
        let (dataset, column) = (name.clone(), (*column).clone());
        seen.is_whole() && seen.state().revoked(&Revocable::Column { dataset, column }).is_some()
    });
    wire::Dataset {
        dataset: name.to_string(),
        owner: dataset.owner.to_string(),
        state: state(seen, name, dataset).to_owned(),
        entity: dataset.entity.to_string(),
        keys: keys.collect(),
        withdrawn_columns: texts(withdrawn),
        rule: rule(dataset),
        at: (dataset.owner == seen.member).then(|| at(&dataset.at)),
        columns: columns.map(|(name, one)| column(name, one)).collect(),
    }
}

fn state(seen: &Seen, name: &DatasetName, dataset: &Dataset) -> &'static str {
    let state = seen.state();
    let away = [
        Revocable::Dataset { dataset: name.clone() },
        Revocable::Member { member: dataset.owner.clone() },
        Revocable::Room,
    ];
    if !seen.is_whole() {
        "proposed"
    } else if away.iter().any(|what| state.revoked(what).is_some()) {
        "withdrawn"
    } else if state.in_force().is_some() {
        "offered"
    } else {
        "proposed"
    }
}

fn key(column: &ColumnName, one: &MatchKey) -> wire::DatasetKey {
    wire::DatasetKey {
        column: column.to_string(),
        key: one.key.to_string(),
        normalise: said_as(&one.normalise),
        hashed: one.hashed.as_ref().map(said_as),
    }
}

fn column(name: &ColumnName, one: &Column) -> wire::DatasetColumn {
    let (used, aggregates) = match &one.r#use {
        ColumnUse::Match { .. } => ("match", Vec::new()),
        ColumnUse::Dimension => ("dimension", Vec::new()),
        ColumnUse::Measure { aggregates } => ("measure", aggregates.iter().map(said_as).collect()),
        ColumnUse::Filter => ("filter", Vec::new()),
    };
    wire::DatasetColumn {
        column: name.to_string(),
        kind: said_as(&one.r#type),
        used: used.to_owned(),
        aggregates,
        activate: one.activate,
    }
}

fn rule(dataset: &Dataset) -> wire::DatasetRule {
    let rule = &dataset.rule;
    wire::DatasetRule {
        entities_min: rule.entities_min,
        join: said_as(&rule.join),
        receivers: rule.receivers.as_ref().map(texts),
        activation_to: rule.activation.as_ref().map(|one| texts(&one.to)),
        audience_min: rule.activation.as_ref().map(|one| one.audience_min),
        consent: dataset.consent.is_some(),
        row_filters: dataset.rows.len() as u64,
    }
}

fn at(places: &BTreeMap<PlatformId, Location>) -> BTreeMap<String, String> {
    let place = |place: &Location| match place {
        Location::Name(name) => name.clone(),
        Location::Glue { glue } => glue.values().cloned().collect::<Vec<_>>().join("."),
    };
    places.iter().map(|(platform, one)| (platform.to_string(), place(one))).collect()
}
