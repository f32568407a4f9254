//! Datasets: whose rows, how many of whom behind every row, which of them at all; and tables that nothing reads in the end. Pure.

use super::found::TableRule;
use super::tables::Source;
use super::texts::Read;
use super::{Draft, Unexpressed};
use mappings::guard::guard;
use mappings::heard::{Scan, Within};
use mappings::model::{
    Ability, AnalysisRule, Column, ColumnName, ColumnType, ColumnUse, Dataset, JoinRule, Location,
    MemberId, PlatformId, RowFilter,
};
use std::collections::{BTreeMap, BTreeSet};

/// Airlock's own threshold where a rule names none.
const ENTITIES_MIN: u64 = 100;
const ENTITIES_MIN_MAX: u64 = 1_000_000;

impl Draft<'_> {
    pub(super) fn dataset(
        &mut self,
        source: &Source<'_>,
        read: &[&Read<'_>],
        columns: BTreeMap<ColumnName, Column>,
    ) {
        let touching: Vec<&Read<'_>> =
            read.iter().copied().filter(|one| one.touches(source)).collect();
        let by_rule =
            matches!(source.shared.rule, Some(TableRule::Aggregation(_) | TableRule::List { .. }));
        if touching.is_empty() && !by_rule {
            return;
        }
        let Some(entity) = entity(source, &touching, &columns) else {
            self.unsaid(Unexpressed {
                code: "table-no-entity",
                at: format!("table {}", source.there),
                what: "no column says whose rows these are".to_owned(),
                why: "thresholds of an agreement count entities; it is left out".to_owned(),
                change: "a key that is joined on, or a threshold on an identity".to_owned(),
                wider: true,
            });
            return;
        };
        let rule = AnalysisRule {
            entities_min: self.entities_min(source, &touching, columns.get(&entity)),
            join: match &source.shared.rule {
                Some(TableRule::Aggregation(rule)) if !rule.join_required => JoinRule::Optional,
                Some(_) | None => JoinRule::Required,
            },
            receivers: None,
            activation: None,
        };
        let glue = source.place.glue.clone().unwrap_or_default();
        let glue = [("database".to_owned(), glue.0), ("table".to_owned(), glue.1)].into();
        let dataset = Dataset {
            owner: source.owner.clone(),
            at: [(PlatformId::aws_clean_rooms(), Location::Glue { glue })].into(),
            entity,
            columns,
            rule,
            consent: None,
            rows: self.rows(source, &touching),
        };
        if let Some(member) = self.agreement.members.get_mut(&source.owner) {
            member.abilities.insert(Ability::Contribute);
        }
        self.agreement.datasets.insert(source.name.clone(), dataset);
    }

    /// Row filters as the texts have them. Consent is one of them there.
    fn rows(&mut self, source: &Source<'_>, touching: &[&Read<'_>]) -> Vec<RowFilter> {
        let scan = touching.iter().find_map(|one| one.scan(source));
        let rows = scan.map(|scan| scan.rows.clone()).unwrap_or_default();
        if !rows.is_empty() {
            let path = format!("datasets.{}.rows", source.name);
            let said = "a consent column is a row filter like any other there; say `consent:` where one is";
            self.remark(&path, said.to_owned());
        }
        let filter = |(from, kind, within): (String, ColumnType, Within)| RowFilter {
            from,
            r#type: kind,
            any_of: within.any_of,
            min: within.min,
            max: within.max,
        };
        rows.into_iter().map(filter).collect()
    }

    /// The threshold of a dataset: what its rule names, what the texts count, else Airlock's own.
    fn entities_min(
        &mut self,
        source: &Source<'_>,
        touching: &[&Read<'_>],
        entity: Option<&Column>,
    ) -> u64 {
        let path = format!("datasets.{}.rule", source.name);
        let bounded =
            |least: i32| u64::try_from(least).unwrap_or(ENTITIES_MIN).clamp(1, ENTITIES_MIN_MAX);
        let by_rule = match &source.shared.rule {
            Some(TableRule::Custom(custom)) => {
                custom.rule.threshold.as_ref().map(|(_, least)| *least)
            }
            Some(TableRule::Aggregation(rule)) => rule.constraints.values().next().copied(),
            Some(TableRule::List { .. } | TableRule::Unknown(_)) | None => None,
        };
        if let Some(least) = by_rule {
            return bounded(least);
        }
        if !source.is_own {
            let said =
                "chosen: its rule has no threshold there; 100 is Airlock's own, 1 asks for nothing";
            self.remark(&path, said.to_owned());
            return ENTITIES_MIN;
        }
        let counted: Option<u64> = touching
            .iter()
            .filter_map(|one| one.heard.least.get(source.name.as_str()).copied())
            .min();
        let audiences = touching.iter().filter_map(|one| one.heard.audience);
        let audience = audiences.filter(|least| *least > 0).min();
        let hands_out = touching.iter().any(|one| one.heard.audience.is_some());
        // Of rows of entities the text says the audience alone: no group of fewer is let go by what is chosen.
        let unsaid = if hands_out { audience.unwrap_or(ENTITIES_MIN).min(ENTITIES_MIN) } else { 1 };
        let is_text = entity.is_some_and(|column| column.r#type == ColumnType::Utf8);
        let least = counted.unwrap_or(unsaid).clamp(1, ENTITIES_MIN_MAX);
        if is_text && !hands_out && least <= 100_000 {
            return 1;
        }
        if least > 1 {
            let said = "the texts count so many; where several datasets are joined they don't say whose rule asks for it";
            self.remark(&path, said.to_owned());
        }
        least
    }

    /// Tables that nothing reads of what was taken up.
    pub(super) fn unused(&mut self, sources: &[Source<'_>], read: &[&Read<'_>]) {
        for source in sources {
            let of = self.agreement.templates.keys().any(|name| {
                guard(&self.agreement, name)
                    .is_ok_and(|one| one.datasets.contains_key(&source.name))
            });
            let by_rule = matches!(
                source.shared.rule,
                Some(TableRule::Aggregation(_) | TableRule::List { .. })
            );
            if of || (by_rule && self.agreement.datasets.contains_key(&source.name)) {
                continue;
            }
            self.agreement.datasets.remove(&source.name);
            let prefix = format!("datasets.{}", source.name);
            self.remarks
                .retain(|path, _| *path != prefix && !path.starts_with(&format!("{prefix}.")));
            let read = read.iter().any(|one| one.touches(source));
            self.unsaid(Unexpressed {
                code: "table-unread",
                at: format!("table {}", source.there),
                what: if read {
                    "no template that reads it was taken up"
                } else {
                    "no template reads it"
                }
                .to_owned(),
                why: "a dataset that nothing reads is not listed".to_owned(),
                change: "a template, or the dataset added by hand".to_owned(),
                wider: false,
            });
        }
        let owners: BTreeSet<MemberId> =
            self.agreement.datasets.values().map(|one| one.owner.clone()).collect();
        for (member, known) in &mut self.agreement.members {
            if !owners.contains(member) {
                known.abilities.remove(&Ability::Contribute);
            }
        }
    }
}

/// The column that names the privacy unit.
fn entity(
    source: &Source<'_>,
    touching: &[&Read<'_>],
    columns: &BTreeMap<ColumnName, Column>,
) -> Option<ColumnName> {
    let is_match = |column: &&Column| matches!(column.r#use, ColumnUse::Match { .. });
    let keys: Vec<(&ColumnName, &Column)> =
        columns.iter().filter(|(_, column)| is_match(column)).collect();
    let identity = match &source.shared.rule {
        Some(TableRule::Custom(custom)) => custom.rule.threshold.as_ref().map(|(of, _)| of),
        Some(TableRule::Aggregation(rule)) => rule.constraints.keys().next(),
        Some(TableRule::List { .. } | TableRule::Unknown(_)) | None => None,
    };
    let by_rule = identity.and_then(|of| {
        let mut all = keys.iter();
        all.find(|(_, column)| column.from.eq_ignore_ascii_case(of))
    });
    // Airlock's texts have it wherever the dataset is.
    let scans: Vec<&Scan> = touching.iter().filter_map(|one| one.scan(source)).collect();
    let always = keys.iter().find(|(name, _)| {
        !scans.is_empty() && scans.iter().all(|scan| scan.columns.contains_key(name.as_str()))
    });
    let chosen = by_rule.or(always).or(keys.first())?;
    Some(chosen.0.clone())
}
