//! What an agreement is in the words of the Collaboration API: which collaborations, offerings and templates it takes. Pure. Must not
//! know sessions, nor what is there already.
//!
//! Each runner has a collaboration of its own, which it owns, so that whoever stops running ends its own alone and nobody's approval
//! is asked for another's template. Ids are of the agreement alone: every gateway of a collaboration comes to the same ones.

use super::seen::Spec;
use super::{names, specs, told};
use crate::entry::{View, entry, left, table, views};
use crate::reach::account_of;
use crate::side_by_side;
use adapter_spi::{Desired, Resource};
use mappings::guard::{Guarded, guard};
use mappings::model::{
    Agreement, CollaborationId, ColumnType, ColumnUse, Dataset, DatasetName, Digest, MemberId,
    PlatformId, ResultClass, Template, TemplateName,
};
use mappings::snowflake::{Room as Text, columns, text_over_views};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// A collaboration's description can't be changed: it says nothing that could.
const DESCRIPTION: &str = "kept by Airlock as agreed; see the agreement log";

/// One runner's collaboration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Room {
    /// Its name, whichever making of it.
    pub(crate) base: String,
    pub(crate) runner: MemberId,
    /// Everybody whose data some template of the runner reads, with their accounts; the runner, who owns it, among them.
    pub(crate) parties: BTreeMap<MemberId, String>,
    /// Whose data that is.
    pub(crate) providers: BTreeSet<MemberId>,
    /// The datasets that its templates read and that are offered.
    pub(crate) datasets: BTreeSet<DatasetName>,
    /// The templates that may run.
    pub(crate) templates: BTreeMap<TemplateName, Said>,
    /// Their names, by id.
    by_id: BTreeMap<String, TemplateName>,
}

/// One version of what an owner offers: a view of its own, for this agreement alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offering {
    pub(crate) owner: MemberId,
    pub(crate) id: String,
    name: String,
    version: String,
    alias: String,
    description: String,
    /// The view's name, in the schema of the agreement's.
    pub(crate) view: String,
    /// The view's query.
    pub(crate) entry: View,
    /// The physical table.
    pub(crate) table: [String; 3],
    /// The version of the agreement's that it is.
    pub(crate) resource: Resource,
    /// The dataset without what was withdrawn of it.
    pub(crate) dataset: Dataset,
    policies: BTreeMap<String, specs::Policy>,
}

/// A template as it is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) id: String,
    /// The spec's text.
    pub(crate) spec: String,
    /// What that says.
    pub(crate) meant: Option<Digest>,
    /// The digest of the text that runs.
    pub(crate) sql: Digest,
    /// Who registers it, and alone can take it out again.
    pub(crate) registrar: MemberId,
    /// The datasets that it reads, each with its owner.
    pub(crate) reads: BTreeMap<DatasetName, MemberId>,
    /// The version of the agreement's that it is.
    pub(crate) version: Resource,
}

/// All that an agreement takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    pub(crate) rooms: BTreeMap<MemberId, Room>,
    pub(crate) offerings: BTreeMap<DatasetName, Offering>,
}

/// What is desired, in the platform's words. A term that has none was refused by the assessment; what only can't run there (a
/// dataset without a table, a text without words, an activation) is left out.
pub(crate) fn wanted(desired: &Desired) -> Wanted {
    wanted_of(desired, &texts(&desired.agreement))
}

/// The same, of an agreement whose texts are there already.
pub(crate) fn wanted_of(desired: &Desired, texts: &Texts<'_>) -> Wanted {
    let offerings = offerings(desired, texts);
    let runners: BTreeSet<&MemberId> = texts
        .values()
        .flat_map(|text| &text.template.run_by)
        .filter(|runner| desired.open && desired.members.contains(*runner))
        .collect();
    let rooms = runners
        .into_iter()
        .filter_map(|runner| Some((runner.clone(), room(desired, runner, (texts, &offerings))?)));
    let rooms: BTreeMap<MemberId, Room> = rooms.collect();
    let used: BTreeSet<&DatasetName> = rooms.values().flat_map(|room| &room.datasets).collect();
    let offerings = offerings.into_iter().filter(|(name, _)| used.contains(name)).collect();
    Wanted { rooms, offerings }
}

/// A template that has words there, before anything was withdrawn.
pub(crate) struct Worded<'a> {
    pub(crate) template: &'a Template,
    pub(crate) guarded: Guarded,
    sql: String,
}

/// The templates of an agreement that have words there.
pub(crate) type Texts<'a> = BTreeMap<&'a TemplateName, Worded<'a>>;

/// Whether a text of this class runs there.
pub(crate) fn is_run(class: ResultClass) -> bool {
    matches!(class, ResultClass::Aggregate)
}

/// The templates that have words there.
pub(crate) fn texts(agreement: &Agreement) -> Texts<'_> {
    let views = views(&PlatformId::snowflake_dcr(), agreement);
    let templates: Vec<_> = agreement.templates.iter().collect();
    let said = side_by_side::each(&templates, |&(name, template)| {
        let guarded = guard(agreement, name).ok()?;
        let entered = guarded.datasets.keys().all(|dataset| views.contains_key(dataset));
        let held = is_run(guarded.class) && entered;
        let text = text_over_views(agreement, &guarded, Text::Collaboration);
        let text = text.ok().filter(|_| held)?;
        Some((name, Worded { template, guarded, sql: text.sql }))
    });
    said.into_iter().flatten().collect()
}

fn offerings(desired: &Desired, texts: &Texts<'_>) -> BTreeMap<DatasetName, Offering> {
    let read: BTreeSet<&DatasetName> =
        texts.values().flat_map(|text| text.guarded.datasets.keys()).collect();
    let offered: Vec<&DatasetName> = read.into_iter().filter(|name| desired.offers(name)).collect();
    let made =
        side_by_side::each(&offered, |name| Some(((*name).clone(), offering(desired, name)?)));
    made.into_iter().flatten().collect()
}

/// A dataset's offering. Its version is of what it says: the view's text, what each column is, and the terms that it tells.
fn offering(desired: &Desired, name: &DatasetName) -> Option<Offering> {
    let agreed = desired.agreement.datasets.get(name)?;
    let made = offering_of(&desired.agreement.collaboration, name, left(desired, name)?)?;
    if made.dataset == *agreed {
        return Some(made);
    }
    Some(Offering { resource: Resource::dataset(name, agreed), ..made })
}

/// The same, of a dataset without what was withdrawn of it.
pub(crate) fn offering_of(
    collaboration: &CollaborationId,
    name: &DatasetName,
    dataset: Dataset,
) -> Option<Offering> {
    let platform = PlatformId::snowflake_dcr();
    let (entry, table) = (entry(&platform, name, &dataset)?, table(&platform, &dataset)?);
    let policies = policies(&dataset);
    let called = names::offering(collaboration, name);
    let description = told::offering(name, &dataset);
    let version = names::version(&json!([called, name, entry.query(), policies, description]));
    Some(Offering {
        owner: dataset.owner.clone(),
        id: names::id(&called, &version),
        view: names::view(name, &version),
        alias: name.to_string(),
        description,
        name: called,
        version,
        entry,
        table,
        resource: Resource::dataset(name, &dataset),
        dataset,
        policies,
    })
}

/// What each column of the view is, by its quoted name: keys are keys under their own names; the room can't tell the others apart.
fn policies(dataset: &Dataset) -> BTreeMap<String, specs::Policy> {
    // What is not declared is a single key beside others.
    let is_key = |column: &str| {
        let declared = dataset.columns.iter().find(|(name, _)| name.as_str() == column);
        declared.is_none_or(|(_, declared)| matches!(declared.r#use, ColumnUse::Match { .. }))
    };
    let all = columns(dataset).into_keys().map(|column| {
        let key = is_key(&column);
        let category = if key { specs::Category::JoinCustom } else { specs::Category::Passthrough };
        (names::quoted(&column), specs::Policy { category })
    });
    all.collect()
}

impl Offering {
    /// Whether these are its columns, each with its category.
    pub(crate) fn has(&self, columns: &BTreeMap<String, String>) -> bool {
        let own = self.policies.iter().map(|(column, one)| (column.clone(), one.category.word()));
        own.eq(columns.iter().map(|(column, of)| (names::quoted(column), of.as_str())))
    }

    /// The spec's text over a view of this database.
    pub(crate) fn spec(&self, database: &str, schema: &str) -> Option<String> {
        let path = names::path([database, schema, &self.view]);
        let dataset = specs::Dataset::new(self.alias.clone(), path, self.policies.clone());
        let spec = specs::Offering {
            name: self.name.clone(),
            version: self.version.clone(),
            description: self.description.clone(),
            datasets: vec![dataset],
        };
        spec.text()
    }
}

fn account(agreement: &Agreement, member: &MemberId) -> Option<String> {
    let pinned = agreement.members.get(member)?.identity.get(&PlatformId::snowflake_dcr())?;
    account_of(pinned)
}

type Made<'a, 'b> = (&'b Texts<'a>, &'b BTreeMap<DatasetName, Offering>);

/// Who is in a runner's collaboration is fixed by the agreement, so that no withdrawal ever makes a new one.
fn room(desired: &Desired, runner: &MemberId, (texts, offerings): Made<'_, '_>) -> Option<Room> {
    let agreement = &desired.agreement;
    let own = || texts.iter().filter(|(_, text)| text.template.run_by.contains(runner));
    let owners = own().flat_map(|(_, text)| text.guarded.datasets.values());
    let providers: BTreeSet<MemberId> = owners.map(|used| used.owner.clone()).collect();
    let parties = providers.iter().chain([runner]);
    let parties = parties.map(|member| Some((member.clone(), account(agreement, member)?)));
    let parties: BTreeMap<MemberId, String> = parties.collect::<Option<_>>()?;
    let read = own().flat_map(|(_, text)| text.guarded.datasets.keys());
    let datasets = read.filter(|name| offerings.contains_key(*name)).cloned().collect();
    let all: Vec<_> = own().collect();
    let templates = side_by_side::each(&all, |(name, text)| {
        Some(((**name).clone(), said(desired, name, (*text, offerings))?))
    });
    let templates: BTreeMap<TemplateName, Said> = templates.into_iter().flatten().collect();
    let by_id = templates.iter().map(|(name, said)| (said.id.clone(), name.clone())).collect();
    let fixed = json!([parties, providers]);
    let base = names::base(&agreement.collaboration, runner, &fixed);
    Some(Room { base, runner: runner.clone(), parties, providers, datasets, templates, by_id })
}

/// A template as it is put there; none of one that something it needs was withdrawn from, or that an owner did not approve.
fn said(
    desired: &Desired,
    name: &TemplateName,
    (text, offerings): (&Worded<'_>, &BTreeMap<DatasetName, Offering>),
) -> Option<Said> {
    let used = &text.guarded.datasets;
    let whole = used.iter().all(|(dataset, used)| {
        let hidden = |column| desired.hidden.contains(&(dataset.clone(), column));
        offerings.contains_key(dataset) && !used.columns.iter().cloned().any(hidden)
    });
    let received = text.template.received_by.is_subset(&desired.members);
    let approved_by = desired.approvals.get(name).filter(|_| whole && received)?;
    if !used.values().all(|used| approved_by.contains(&used.owner)) {
        return None;
    }
    let presets = used.keys().filter_map(|dataset| {
        let offering = offerings.get(dataset)?;
        let owner = names::alias(&offering.owner);
        Some(specs::Preset {
            alias: dataset.to_string(),
            template_view_name: format!("{owner}.{}.{dataset}", offering.id),
        })
    });
    let parameters = text.template.parameters.iter().map(|(name, one)| specs::Parameter {
        name: name.to_string(),
        required: true,
        r#type: type_of(one.r#type),
    });
    let called = names::template(&desired.agreement.collaboration, name);
    let (description, methodology) = told::template(name, text.template, &text.guarded.digest);
    let mut spec = specs::Template {
        name: called.clone(),
        version: String::new(),
        r#type: "sql_analysis",
        description,
        methodology,
        parameters: parameters.collect(),
        preset_tables: presets.collect(),
        sql: text.sql.clone(),
    };
    let version = names::version(&json!(spec));
    spec.version.clone_from(&version);
    let spec = spec.text()?;
    Some(Said {
        id: names::id(&called, &version),
        sql: Digest::of(text.sql.as_bytes()),
        meant: specs::meaning(&spec),
        spec,
        registrar: registrar(&text.guarded, text.template)?,
        reads: used.iter().map(|(name, used)| (name.clone(), used.owner.clone())).collect(),
        version: Resource::template(name, text.template),
    })
}

/// Who registers a template can take it out alone: an owner whose data it reads and who does not run it, if there is one.
fn registrar(guarded: &Guarded, template: &Template) -> Option<MemberId> {
    let owners: BTreeSet<&MemberId> = guarded.datasets.values().map(|used| &used.owner).collect();
    let other = owners.iter().find(|owner| !template.run_by.contains(**owner));
    other.or_else(|| owners.iter().next()).map(|owner| (*owner).clone())
}

/// The platform's name of a parameter's type.
const fn type_of(of: ColumnType) -> &'static str {
    match of {
        ColumnType::Int64 => "integer",
        ColumnType::Float64 => "number",
        ColumnType::Boolean => "boolean",
        ColumnType::Utf8 | ColumnType::Date | ColumnType::Timestamp | ColumnType::Binary => {
            "string"
        }
    }
}

impl Room {
    /// The spec of its making: who is in stays in, and nothing is linked or listed yet.
    pub(crate) fn spec(&self, name: &str, stays: impl Fn(&MemberId) -> bool) -> Option<String> {
        let parties = self.parties.iter().filter(|(member, _)| stays(member));
        let aliases = parties.map(|(member, account)| (names::alias(member), account.clone()));
        let providers = self.providers.iter().filter(|member| stays(member));
        let providers =
            providers.map(|member| (names::alias(member), specs::Provider::default())).collect();
        let runner = specs::Runner { data_providers: providers, templates: Vec::new() };
        let spec = specs::Collaboration {
            name: name.to_owned(),
            description: DESCRIPTION.to_owned(),
            owner: names::alias(&self.runner),
            collaborator_identifier_aliases: aliases.collect(),
            analysis_runners: BTreeMap::from([(names::alias(&self.runner), runner)]),
        };
        spec.text()
    }

    /// The spec of what is applied, without those who left and without the texts that are not wanted: a target that lists what somebody
    /// registers who is not in it is refused as a whole.
    pub(crate) fn target(
        &self,
        name: &str,
        applied: &Spec,
        stays: impl Fn(&String) -> bool,
    ) -> Option<String> {
        let named = |ids: &BTreeSet<String>| -> Vec<specs::Named> {
            ids.iter().map(|id| specs::Named { id: id.clone() }).collect()
        };
        let aliases = applied.aliases.iter().filter(|(alias, _)| stays(alias));
        let runners = applied.runners.iter().filter(|(alias, _)| stays(alias));
        let runners = runners.map(|(alias, held)| {
            let providers = held.providers.iter().filter(|(alias, _)| stays(alias));
            let providers = providers.map(|(alias, ids)| {
                (alias.clone(), specs::Provider { data_offerings: named(ids) })
            });
            let held = held.templates.iter().filter(|id| self.said(id).is_some());
            let templates = named(&held.cloned().collect());
            (alias.clone(), specs::Runner { data_providers: providers.collect(), templates })
        });
        let spec = specs::Collaboration {
            name: name.to_owned(),
            description: DESCRIPTION.to_owned(),
            owner: applied.owner.clone(),
            collaborator_identifier_aliases: aliases
                .map(|(alias, account)| (alias.clone(), account.clone()))
                .collect(),
            analysis_runners: runners.collect(),
        };
        spec.text()
    }

    /// The template of an id that may run.
    pub(crate) fn said(&self, id: &str) -> Option<&Said> {
        self.templates.get(self.by_id.get(id)?)
    }

    /// The account that owns it.
    pub(crate) fn owner(&self) -> Option<&String> {
        self.parties.get(&self.runner)
    }
}
