//! What an agreement is in the platform's words: which collaborations, tables, rules, templates and budgets it takes. Pure.
//! Must not know clients, nor what is there already.
//!
//! One member can query in a collaboration, so each runner has a collaboration of its own, which the runner creates. A table's
//! rule holds in every collaboration, so each dataset has one configured table, made for this agreement alone.

use crate::names;
use crate::rule::{Rule, controls};
use adapter_spi::Desired;
use mappings::guard::{Guarded, guard};
use mappings::model::{
    Ability, Agreement, ColumnType, Dataset, DatasetName, Digest, Literal, Location, MemberId,
    PlatformId, TemplateName,
};
use mappings::spark::{SparkText, spark};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// A member as a collaboration knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Party {
    pub(crate) account: String,
    pub(crate) display: String,
    pub(crate) queries: bool,
    pub(crate) receives: bool,
    pub(crate) pays: bool,
}

/// One runner's collaboration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) name: String,
    pub(crate) runner: MemberId,
    /// Everybody whom some template of the runner needs; the runner, who creates it, among them.
    pub(crate) parties: BTreeMap<MemberId, Party>,
    pub(crate) result_regions: Vec<String>,
    /// The datasets that its templates touch, each with the accounts that may receive.
    pub(crate) datasets: BTreeMap<DatasetName, BTreeSet<String>>,
    pub(crate) templates: BTreeMap<TemplateName, Text>,
}

/// A template as the platform gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// Its name there: the template's and the beginning of its text's digest.
    pub(crate) alias: String,
    pub(crate) sql: String,
    pub(crate) description: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) touches: BTreeSet<DatasetName>,
    /// Owners whose approval of this version holds.
    pub(crate) approved_by: BTreeSet<MemberId>,
}

impl Text {
    /// Whether a template that was found is this text, byte for byte, with the same parameters.
    pub(crate) fn is(&self, found: &crate::seen::Template) -> bool {
        let own = self.parameters.iter().map(|p| (&p.name, &p.r#type));
        let found_parameters = found.parameters.iter().map(|(name, kind)| (name, kind));
        found.text == Some(Digest::of(self.sql.as_bytes())) && own.eq(found_parameters)
    }
}

/// A parameter of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) r#type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<String>,
}

/// One dataset's configured table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) owner: MemberId,
    pub(crate) database: String,
    /// Its name in the Glue catalog.
    pub(crate) glue: String,
    pub(crate) columns: Vec<String>,
    /// The rule without the templates that it allows.
    pub(crate) controls: Rule,
}

/// How often a table may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Budget {
    /// `CALENDAR_DAY`, `CALENDAR_WEEK`, `CALENDAR_MONTH` or `LIFETIME`.
    pub(crate) period: String,
    pub(crate) uses: i32,
}

impl Budget {
    /// Whether this lets a table be used less or more than another; `None` where neither can be said. A longer period with as
    /// many uses is less.
    pub(crate) fn against(&self, other: &Self) -> Option<Ordering> {
        let rank = |budget: &Self| {
            let known = ["LIFETIME", "CALENDAR_MONTH", "CALENDAR_WEEK", "CALENDAR_DAY"];
            known.iter().position(|period| *period == budget.period)
        };
        let period = rank(self)?.cmp(&rank(other)?);
        match (period, self.uses.cmp(&other.uses)) {
            (one, two) if one == two || two == Ordering::Equal => Some(one),
            (Ordering::Equal, two) => Some(two),
            _ => None,
        }
    }
}

/// All that an agreement takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) rooms: BTreeMap<MemberId, Room>,
    pub(crate) tables: BTreeMap<DatasetName, Table>,
    pub(crate) budget: Budget,
}

/// What is desired, in the platform's words. A term that has none was refused by the assessment; what only can't run there
/// (a dataset without a table, a text without words) is left out.
pub(crate) fn wanted(desired: &Desired) -> Wanted {
    let agreement = &desired.agreement;
    let said = texts(desired);
    let runners: BTreeSet<&MemberId> = said
        .values()
        .flat_map(|text| text.run_by)
        .filter(|runner| desired.open && desired.members.contains(*runner))
        .collect();
    let rooms = runners.into_iter().filter_map(|runner| {
        let room = room(desired, runner, &said)?;
        Some((runner.clone(), room))
    });
    let rooms: BTreeMap<_, _> = rooms.collect();
    let touched: BTreeSet<&DatasetName> =
        rooms.values().flat_map(|room| room.datasets.keys()).collect();
    let tables = touched.into_iter().filter_map(|name| {
        let dataset = agreement.datasets.get(name)?;
        Some((name.clone(), table(desired, name, dataset, &said)?))
    });
    let tables = tables.collect();
    Wanted { rooms, tables, budget: budget(agreement) }
}

/// A template that has words there, before anything was withdrawn.
struct Said<'a> {
    guarded: Guarded,
    text: SparkText,
    run_by: &'a BTreeSet<MemberId>,
    received_by: &'a BTreeSet<MemberId>,
}

fn texts(desired: &Desired) -> BTreeMap<&TemplateName, Said<'_>> {
    let agreement = &desired.agreement;
    let said = agreement.templates.iter().filter_map(|(name, template)| {
        let guarded = guard(agreement, name).ok()?;
        let held = guarded.datasets.keys().all(|dataset| place(agreement, dataset).is_some());
        let text = spark(&guarded).ok().filter(|_| held)?;
        let (run_by, received_by) = (&template.run_by, &template.received_by);
        Some((name, Said { guarded, text, run_by, received_by }))
    });
    said.collect()
}

fn place<'a>(agreement: &'a Agreement, dataset: &DatasetName) -> Option<(&'a String, &'a String)> {
    match agreement.datasets.get(dataset)?.at.get(&PlatformId::aws_clean_rooms())? {
        Location::Glue { glue } => Some((glue.get("database")?, glue.get("table")?)),
        Location::Name(_) => None,
    }
}

fn account(agreement: &Agreement, member: &MemberId) -> Option<String> {
    agreement.members.get(member)?.identity.get(&PlatformId::aws_clean_rooms()).cloned()
}

/// Who is in a runner's collaboration is fixed by the agreement, so that no withdrawal ever makes a new one.
fn room(
    desired: &Desired,
    runner: &MemberId,
    said: &BTreeMap<&TemplateName, Said<'_>>,
) -> Option<Room> {
    let agreement = &desired.agreement;
    let own: BTreeMap<&TemplateName, &Said<'_>> = said
        .iter()
        .filter(|(_, text)| text.run_by.contains(runner))
        .map(|(n, t)| (*n, t))
        .collect();
    let receivers: BTreeSet<&MemberId> =
        own.values().flat_map(|text| text.received_by.iter()).collect();
    let owners = own.values().flat_map(|text| text.guarded.datasets.values().map(|d| &d.owner));
    let names: BTreeSet<&MemberId> =
        owners.chain(receivers.iter().copied()).chain([runner]).collect();
    let payers: BTreeSet<&MemberId> = names
        .iter()
        .copied()
        .filter(|name| {
            agreement.members.get(*name).is_some_and(|m| m.abilities.contains(&Ability::Pay))
        })
        .collect();
    let party = |name: &MemberId| {
        Some(Party {
            account: account(agreement, name)?,
            display: name.to_string(),
            queries: name == runner,
            receives: receivers.contains(name),
            pays: if payers.is_empty() { name == runner } else { payers.contains(name) },
        })
    };
    let parties: Option<BTreeMap<MemberId, Party>> =
        names.iter().map(|name| Some(((*name).clone(), party(name)?))).collect();
    let parties = parties?;
    let result_regions = result_regions(agreement);
    let fixed = serde_json::json!([parties, result_regions]);
    let digest = Digest::of(&mappings::agreement::canonical(&fixed));
    Some(Room {
        name: names::room(&agreement.collaboration, runner, &digest),
        runner: runner.clone(),
        datasets: datasets(desired, &own),
        templates: own
            .iter()
            .filter_map(|(name, said)| Some(((*name).clone(), text(desired, name, said)?)))
            .collect(),
        parties,
        result_regions,
    })
}

fn result_regions(agreement: &Agreement) -> Vec<String> {
    let regions = agreement.residency.iter().map(ToString::to_string);
    regions.filter(|region| region != "local").collect()
}

/// The datasets that are offered, and who may receive what is computed from each.
fn datasets(
    desired: &Desired,
    own: &BTreeMap<&TemplateName, &Said<'_>>,
) -> BTreeMap<DatasetName, BTreeSet<String>> {
    let agreement = &desired.agreement;
    let mut datasets: BTreeMap<DatasetName, BTreeSet<String>> = BTreeMap::new();
    for said in own.values() {
        for name in said.guarded.datasets.keys().filter(|name| desired.offers(name)) {
            let receivers = said.received_by.iter().filter(|r| desired.members.contains(*r));
            let accounts = receivers.filter_map(|receiver| account(agreement, receiver));
            datasets.entry(name.clone()).or_default().extend(accounts);
        }
    }
    datasets
}

/// A template as it is put there; `None` of one that something it needs was withdrawn from.
fn text(desired: &Desired, name: &TemplateName, said: &Said<'_>) -> Option<Text> {
    let template = desired.agreement.templates.get(name)?;
    let used = &said.guarded.datasets;
    let whole = used.iter().all(|(dataset, used)| {
        let hidden = |column| desired.hidden.contains(&(dataset.clone(), column));
        desired.offers(dataset) && !used.columns.iter().cloned().any(hidden)
    });
    let received = said.received_by.iter().all(|receiver| desired.members.contains(receiver));
    let approved_by = desired.approvals.get(name).filter(|_| whole && received)?;
    let parameters = template.parameters.iter().map(|(name, parameter)| Parameter {
        name: name.to_string(),
        r#type: type_of(parameter.r#type).to_owned(),
        default: parameter.default.as_ref().map(value_of),
    });
    Some(Text {
        alias: names::template(name, &said.text.digest),
        sql: said.text.sql.clone(),
        description: format!("template {} text {}", said.guarded.digest, said.text.digest),
        parameters: parameters.collect(),
        touches: used.keys().cloned().collect(),
        approved_by: approved_by.clone(),
    })
}

/// The platform's name of a parameter's type.
const fn type_of(column: ColumnType) -> &'static str {
    match column {
        ColumnType::Int64 => "BIGINT",
        ColumnType::Float64 => "DOUBLE",
        ColumnType::Utf8 | ColumnType::Binary => "STRING",
        ColumnType::Boolean => "BOOLEAN",
        ColumnType::Date => "DATE",
        ColumnType::Timestamp => "TIMESTAMP",
    }
}

/// A value as the platform takes parameters: text, whatever the type.
pub(crate) fn value_of(literal: &Literal) -> String {
    match literal {
        Literal::Boolean(value) => value.to_string(),
        Literal::Int64(value) => value.to_string(),
        Literal::Float64(value) => value.to_string(),
        Literal::Utf8(value) => value.clone(),
    }
}

fn table(
    desired: &Desired,
    name: &DatasetName,
    dataset: &Dataset,
    said: &BTreeMap<&TemplateName, Said<'_>>,
) -> Option<Table> {
    let agreement = &desired.agreement;
    let (database, table) = place(agreement, name)?;
    let touching: Vec<&Guarded> = said
        .values()
        .map(|text| &text.guarded)
        .filter(|guarded| guarded.datasets.contains_key(name))
        .collect();
    let hidden = |column| desired.hidden.contains(&(name.clone(), column));
    let mut left = dataset.clone();
    left.columns.retain(|column, _| !hidden(column.clone()));
    Some(Table {
        name: names::table(&agreement.collaboration, name),
        owner: dataset.owner.clone(),
        database: database.clone(),
        glue: table.clone(),
        columns: names::physical(&left).into_iter().collect(),
        controls: controls(&left, &touching),
    })
}

/// The agreement's cap on each table, over the platform's next longer period. It counts uses of the table and begins anew
/// with each period; the gateway counts attempts in any window.
fn budget(agreement: &Agreement) -> Budget {
    const DAY: u64 = 86_400;
    let period = match agreement.limits.within_s {
        0..=DAY => "CALENDAR_DAY",
        s if s <= 7 * DAY => "CALENDAR_WEEK",
        s if s <= 31 * DAY => "CALENDAR_MONTH",
        _ => "LIFETIME",
    };
    let uses = i32::try_from(agreement.limits.runs_max).unwrap_or(i32::MAX).min(1_000_000);
    Budget { period: period.to_owned(), uses }
}

#[cfg(test)]
mod tests;
