//! The agreements of a seed, built once for all seeds of a kind, with what the guard says of their templates: it is never asked
//! while a world runs.

use adapter_spi::ResourceKind;
use airlock::log::{Revocable, SecretKey};
use mappings::agreement::{canonical, read};
use mappings::guard::guard;
use mappings::model::{
    Agreement, CollaborationId, ColumnName, Dataset, DatasetName, Digest, MemberId, PlatformId,
    TemplateName,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// What a template version reads, as the guard says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reads {
    pub(crate) datasets: BTreeMap<DatasetName, BTreeSet<ColumnName>>,
    pub(crate) owners: BTreeSet<MemberId>,
}

/// A value that a platform may hold of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The digest of what the agreement says of it.
    pub(crate) agreed: Digest,
    /// Columns that are held back.
    pub(crate) hidden: BTreeSet<ColumnName>,
}

/// One family of agreements: the same parties and rooms, version after version.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) collaboration: CollaborationId,
    pub(crate) versions: Vec<(Arc<Agreement>, Digest)>,
    pub(crate) rooms: Vec<PlatformId>,
    reads: BTreeMap<(TemplateName, Digest), Reads>,
    terms: BTreeMap<Digest, (DatasetName, Terms)>,
    digests: BTreeMap<(Digest, TemplateName), Digest>,
    agreed: BTreeMap<(Digest, DatasetName), Digest>,
    owners: BTreeMap<DatasetName, MemberId>,
}

const SEED: &str = r"agreement: v1
collaboration: spring
members:
  agency: { name: Agency, abilities: [contribute, run, receive] }
  brand: { name: Brand, abilities: [contribute, run, receive] }
  grocer: { name: Grocer, abilities: [contribute] }
rooms: [native]
datasets:
  sales:
    owner: grocer
    at: { native: data/sales.parquet }
    entity: person
    columns:
      person: { type: utf8, use: match, key: email }
      week: { type: int64, use: dimension }
      store: { type: int64, use: dimension }
    rule: { entities_min: 100, join: optional }
  segments:
    owner: brand
    at: { native: data/segments.parquet }
    entity: person
    columns:
      person: { type: utf8, use: match, key: email }
      segment: { type: utf8, use: dimension }
    rule: { entities_min: 50, join: optional }
  visits:
    owner: agency
    at: { native: data/visits.parquet }
    entity: person
    columns:
      person: { type: utf8, use: match, key: email }
      day: { type: int64, use: dimension }
    rule: { entities_min: 50, join: optional }
templates:
  overlap:
    class: aggregate
    sql: SELECT g.segment, COUNT(DISTINCT g.person) AS people FROM segments g JOIN sales s ON g.person = s.person GROUP BY g.segment
    run_by: [brand]
    received_by: [brand]
  reach:
    class: aggregate
    sql: SELECT v.day, COUNT(DISTINCT v.person) AS people FROM visits v JOIN sales s ON v.person = s.person GROUP BY v.day
    run_by: [brand]
    received_by: [brand]
  weekly:
    class: aggregate
    sql: SELECT week, COUNT(DISTINCT person) AS people FROM sales GROUP BY week
    run_by: [brand]
    received_by: [brand]
limits: { runs_max: 100000, within: 24h }
destinations: { brand: /results/brand }
";

pub(crate) const MEMBERS: [&str; 3] = ["agency", "brand", "grocer"];
pub(crate) const DATASETS: [&str; 3] = ["sales", "segments", "visits"];
pub(crate) const TEMPLATES: [&str; 3] = ["overlap", "reach", "weekly"];
const KINDS: [&[&str]; 3] =
    [&["vault", "plain", "steps"], &["plain", "steps"], &["vault", "steps"]];

pub(crate) fn member(name: &str) -> MemberId {
    MemberId::new(name).unwrap_or_else(|error| unreachable!("{error}"))
}

pub(crate) fn dataset(name: &str) -> DatasetName {
    DatasetName::new(name).unwrap_or_else(|error| unreachable!("{error}"))
}

pub(crate) fn template(name: &str) -> TemplateName {
    TemplateName::new(name).unwrap_or_else(|error| unreachable!("{error}"))
}

pub(crate) fn platform(name: &str) -> PlatformId {
    PlatformId::new(name).unwrap_or_else(|error| unreachable!("{error}"))
}

/// A member's key.
pub(crate) fn key(of: &MemberId) -> SecretKey {
    let number = MEMBERS.iter().position(|name| *name == of.as_str()).unwrap_or(9);
    SecretKey::from_seed([u8::try_from(number + 1).unwrap_or(9); 32])
}

/// Which platform of a seed holds all that an owner allows as one value.
pub(crate) fn whole(seed: u64) -> usize {
    let kind = usize::try_from(seed % 3).unwrap_or(0);
    let rooms = KINDS.get(kind).copied().unwrap_or(&[]);
    rooms.iter().position(|room| *room == "steps").unwrap_or(0)
}

/// The pool of a seed.
pub(crate) fn of(seed: u64) -> &'static Pool {
    static POOLS: [OnceLock<Pool>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];
    let kind = usize::try_from(seed % 3).unwrap_or(0);
    let rooms = KINDS.get(kind).copied().unwrap_or(&[]);
    POOLS.get(kind).unwrap_or(&POOLS[0]).get_or_init(|| Pool::new(rooms))
}

impl Pool {
    fn new(rooms: &[&str]) -> Self {
        let mut base = read(SEED).unwrap_or_else(|why| unreachable!("{why:?}"));
        let native = base.rooms.first().cloned();
        let room = |name: &&str| mappings::model::Room { platform: platform(name), region: None };
        base.rooms = native.into_iter().chain(rooms.iter().map(room)).collect();
        let drafts: Vec<Agreement> = (0..8).map(|number| draft(&base, number)).collect();
        let mut pool = Self {
            collaboration: base.collaboration.clone(),
            versions: Vec::new(),
            rooms: rooms.iter().map(|name| platform(name)).collect(),
            reads: BTreeMap::new(),
            terms: BTreeMap::new(),
            digests: BTreeMap::new(),
            agreed: BTreeMap::new(),
            owners: BTreeMap::new(),
        };
        for draft in drafts {
            pool.take(draft);
        }
        pool
    }

    fn take(&mut self, draft: Agreement) {
        let agreement = Arc::new(draft);
        let version = agreement.digest();
        for (name, text) in &agreement.templates {
            let digest = text.digest(name);
            self.digests.insert((version, name.clone()), digest);
            let guarded = guard(&agreement, name).unwrap_or_else(|why| unreachable!("{why:?}"));
            let owners = guarded.datasets.values().map(|used| used.owner.clone()).collect();
            let datasets = guarded.datasets.into_iter().map(|(d, used)| (d, used.columns));
            let reads = Reads { datasets: datasets.collect(), owners };
            self.reads.insert((name.clone(), digest), reads);
        }
        for (name, declared) in &agreement.datasets {
            let agreed = agreed(name, declared);
            self.agreed.insert((version, name.clone()), agreed);
            self.owners.insert(name.clone(), declared.owner.clone());
            for hidden in subsets(declared) {
                let terms = Terms { agreed, hidden };
                self.terms.insert(value(&terms), (name.clone(), terms));
            }
        }
        self.versions.push((agreement, version));
    }

    /// What a template version reads.
    pub(crate) fn reads(&self, name: &TemplateName, digest: Digest) -> Option<&Reads> {
        self.reads.get(&(name.clone(), digest))
    }

    /// What a held value of a dataset says; nothing of one that no agreement ever said.
    pub(crate) fn terms(&self, value: &Digest) -> Option<&Terms> {
        self.terms.get(value).map(|(_, terms)| terms)
    }

    /// The digest of a template in a version.
    pub(crate) fn digest(&self, version: Digest, name: &TemplateName) -> Option<Digest> {
        self.digests.get(&(version, name.clone())).copied()
    }

    /// The digest of what a version says of a dataset.
    pub(crate) fn agreed(&self, version: Digest, name: &DatasetName) -> Option<Digest> {
        self.agreed.get(&(version, name.clone())).copied()
    }

    pub(crate) fn version(&self, digest: Digest) -> Option<&Arc<Agreement>> {
        self.versions.iter().find(|(_, known)| *known == digest).map(|(agreement, _)| agreement)
    }

    pub(crate) fn owner(&self, name: &DatasetName) -> Option<&MemberId> {
        self.owners.get(name)
    }

    /// Whether one withdrawal and one thing of an agreement have anything in common, by structure and by what templates read.
    pub(crate) fn meets(&self, what: &Revocable, thing: &Revocable) -> bool {
        what == thing || self.within(what, thing) || self.within(thing, what)
    }

    fn within(&self, part: &Revocable, whole: &Revocable) -> bool {
        match (part, whole) {
            (_, Revocable::Room) => true,
            (
                Revocable::Dataset { dataset } | Revocable::Column { dataset, .. },
                Revocable::Member { member },
            ) => self.owner(dataset) == Some(member),
            (Revocable::Approval { of, .. }, Revocable::Member { member }) => of == member,
            (Revocable::Column { dataset, .. }, Revocable::Dataset { dataset: whole }) => {
                dataset == whole
            }
            (
                Revocable::Approval { template, digest, .. },
                Revocable::Template { template: whole, digest: version },
            ) => template == whole && digest == version,
            (_, _) => false,
        }
    }
}

/// Version after version: a dataset more, another text, a tighter rule, a dataset less, a room less, a party less.
fn draft(base: &Agreement, number: u8) -> Agreement {
    let mut made = base.clone();
    let sales = dataset("sales");
    let without_visits = |made: &mut Agreement| {
        made.datasets.remove(&dataset("visits"));
        made.templates.remove(&template("reach"));
    };
    match number {
        0 => without_visits(&mut made),
        1 => {}
        2 => {
            if let Some(text) = made.templates.get_mut(&template("weekly")) {
                text.sql = text.sql.replace("GROUP BY week", "WHERE week > 9 GROUP BY week");
            }
        }
        3 => {
            if let Some(held) = made.datasets.get_mut(&sales) {
                held.rule.entities_min = 500;
            }
        }
        4 => {
            made.datasets.remove(&dataset("segments"));
            made.templates.remove(&template("overlap"));
        }
        5 => {
            made.rooms.pop();
            without_visits(&mut made);
        }
        6 => {
            without_visits(&mut made);
            made.members.remove(&member("agency"));
        }
        _ => {
            if let Some(text) = made.templates.get_mut(&template("overlap")) {
                text.sql = text.sql.replace("GROUP BY", "WHERE s.week > 9 GROUP BY");
            }
            if let Some(held) = made.datasets.get_mut(&dataset("segments")) {
                held.rule.entities_min = 60;
            }
        }
    }
    made
}

fn agreed(name: &DatasetName, declared: &Dataset) -> Digest {
    Digest::of(&canonical(&serde_json::json!({ "dataset": name, "terms": declared })))
}

/// The digest of a dataset's value with some columns held back.
pub(crate) fn value(terms: &Terms) -> Digest {
    if terms.hidden.is_empty() {
        return terms.agreed;
    }
    let hidden: Vec<&str> = terms.hidden.iter().map(ColumnName::as_str).collect();
    Digest::of(format!("{}{hidden:?}", terms.agreed.short()).as_bytes())
}

fn subsets(declared: &Dataset) -> Vec<BTreeSet<ColumnName>> {
    let mut all = vec![BTreeSet::new()];
    for column in declared.columns.keys() {
        let more: Vec<BTreeSet<ColumnName>> =
            all.iter().map(|set| set.iter().chain([column]).cloned().collect()).collect();
        all.extend(more);
    }
    all
}

/// What a platform's thing is, in the words in which it would be withdrawn.
pub(crate) fn revocable(kind: &ResourceKind, digest: Digest) -> Option<Revocable> {
    match kind {
        ResourceKind::Dataset(dataset) => Some(Revocable::Dataset { dataset: dataset.clone() }),
        ResourceKind::Template(template) => {
            Some(Revocable::Template { template: template.clone(), digest })
        }
        ResourceKind::Member(member) => Some(Revocable::Member { member: member.clone() }),
        ResourceKind::Approval(template, of) => {
            Some(Revocable::Approval { template: template.clone(), digest, of: of.clone() })
        }
        ResourceKind::Native(_) => None,
    }
}
