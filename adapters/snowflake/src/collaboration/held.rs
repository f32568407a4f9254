//! What runs can use and who is in, by what is applied in every collaboration of every agreement that ever was in force: only what is
//! nowhere any more counts as closed. Pure.

use super::known::Known;
use super::names;
use super::plan::made_by;
use super::seen::{Asks, Request, Room, Seen, Spec, State, Status};
use super::wanted::{Offering, Room as Made, Said, wanted};
use crate::reach::seat;
use adapter_spi::{Desired, Native, Note, NoteClass, Resource, ResourceKind, Scope};
use mappings::model::{CollaborationId, DatasetName, Digest, MemberId, PlatformId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything that an observation says in words of the agreement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) resources: BTreeSet<Resource>,
    pub(crate) offered: BTreeSet<DatasetName>,
    pub(crate) members: BTreeSet<MemberId>,
    pub(crate) remains: BTreeSet<ResourceKind>,
    pub(crate) gone: BTreeSet<ResourceKind>,
    pub(crate) notes: BTreeSet<Note>,
}

/// The names of all collaborations that anybody sees.
pub(crate) fn names_of(seen: &Seen) -> BTreeSet<&String> {
    seen.all().flat_map(|(_, account)| account.rooms.keys()).collect()
}

/// Whether its owner ended a collaboration, or never made it.
pub(crate) fn is_over(seen: &Seen, runner: &MemberId, name: &str) -> bool {
    match seen.state(name, runner) {
        Some(state) => state.is_over(),
        // An owner that is looked at and does not list it has it no more.
        None => seen.account(name, runner).is_some(),
    }
}

/// What is held of a scope.
pub(crate) fn holding(scope: &Scope, seen: &Seen) -> Holding {
    let known = Known::of(scope);
    let (mut holding, mut taken) = (Holding::default(), BTreeSet::new());
    let (mut members, mut out) = (BTreeSet::new(), BTreeSet::new());
    let newest = newest(&known, seen);
    // Who left a collaboration of an earlier agreement left nothing that is agreed now.
    let agreed = wanted(&Desired::whole(Arc::clone(&scope.agreement))).rooms.into_values();
    let agreed: BTreeSet<String> = agreed.map(|room| room.base).collect();
    for name in names_of(seen) {
        let Some((room, making)) = known.room(name) else { continue };
        let Some(view) = seen.view(name, &room.runner) else { continue };
        let place = Place { scope, known: &known, seen, name, view, room };
        // What is on its way out is not out: it may fail there.
        let leaves = |member: &MemberId| seen.state(name, member) == Some(State::Leaving);
        let over = is_over(seen, &room.runner, name) && !leaves(&room.runner);
        if !over {
            place.held(&mut holding, &mut taken);
        }
        let is_newest = newest.get(&room.base) == Some(&making) && agreed.contains(&room.base);
        for member in room.parties.keys() {
            match seen.state(name, member) {
                // Whoever did not leave a collaboration that its owner ended has nothing in it.
                Some(state)
                    if (state.is_in() || leaves(member)) && (!over || *member != room.runner) =>
                {
                    members.insert(member.clone());
                }
                Some(State::Out) if is_newest => drop(out.insert(member.clone())),
                Some(_) | None => {}
            }
        }
    }
    holding.offered.retain(|dataset| !taken.contains(dataset));
    let both = members.intersection(&out).cloned().map(ResourceKind::Member);
    holding.remains = both.collect();
    holding.members = members.difference(&out).cloned().collect();
    holding.gone = out.into_iter().map(ResourceKind::Member).collect();
    holding
}

/// The newest making of each collaboration that anybody sees.
fn newest(known: &Known, seen: &Seen) -> BTreeMap<String, u32> {
    let mut newest = BTreeMap::new();
    for name in names_of(seen) {
        if let Some((room, making)) = known.room(name) {
            let most = newest.entry(room.base.clone()).or_insert(making);
            *most = making.max(*most);
        }
    }
    newest
}

/// One collaboration.
struct Place<'a> {
    scope: &'a Scope,
    known: &'a Known,
    seen: &'a Seen,
    name: &'a str,
    view: &'a Room,
    /// As some agreement has it.
    room: &'a Made,
}

impl Place<'_> {
    fn held(&self, holding: &mut Holding, taken: &mut BTreeSet<DatasetName>) {
        for (alias, runner) in &self.view.spec.runners {
            let linked: BTreeSet<DatasetName> = runner
                .providers
                .values()
                .flatten()
                .filter_map(|id| self.linked(id, holding, taken))
                .collect();
            for id in listed(self.view, alias) {
                let reads = self.listed(&id, &linked, holding);
                // A template is asked for once its data is there.
                if runner.templates.contains(&id) {
                    taken.extend(reads.difference(&linked).cloned());
                }
            }
        }
        for (alias, state) in &self.view.states {
            if *state == State::Unknown {
                let mut members = self.scope.agreement.members.keys();
                let member = members.find(|one| names::alias(one) == *alias).cloned();
                holding.notes.insert(self.unknown(member.map(ResourceKind::Member), "status"));
            }
        }
    }

    /// The dataset that is linked under an id.
    fn linked(
        &self,
        id: &str,
        holding: &mut Holding,
        taken: &mut BTreeSet<DatasetName>,
    ) -> Option<DatasetName> {
        let agreement = &self.scope.agreement;
        let Some(name) = self.known.dataset(agreement, id) else {
            holding.notes.insert(self.unknown(None, "data-offering"));
            return None;
        };
        holding.offered.insert(name.clone());
        if !self.is_there(id, &name) {
            taken.insert(name.clone());
            return Some(name);
        }
        // A version without a column that was withdrawn is of the agreement's terms.
        let now = || agreement.datasets.get(&name).map(|dataset| Resource::dataset(&name, dataset));
        let known = self.known.offerings.get(id);
        let resource = known.map(|one| one.offering.resource.clone()).or_else(now);
        // Another view under an agreed offering is a version that nobody agreed.
        let id_of = &self.scope.collaboration;
        let stands = !self.is_elsewhere()
            && known.is_none_or(|one| stands((self.seen, self.name), id_of, &one.offering));
        holding.resources.extend(resource.map(|one| {
            if stands { one } else { Resource { digest: Digest::of(id.as_bytes()), ..one } }
        }));
        Some(name)
    }

    /// A listed template, with what it reads.
    fn listed(
        &self,
        id: &str,
        linked: &BTreeSet<DatasetName>,
        holding: &mut Holding,
    ) -> BTreeSet<DatasetName> {
        let Some(name) = self.known.template(&self.scope.agreement, id) else {
            holding.notes.insert(self.unknown(None, "template"));
            return BTreeSet::new();
        };
        let kind = ResourceKind::Template(name);
        let found = self.view.texts.get(id).and_then(|text| text.sql);
        let same = |said: &&Said| said.version.kind == kind && Some(said.sql) == found;
        let mut all = self.known.templates.values();
        let said = self.known.templates.get(id).or_else(|| all.find(same));
        let any = || self.known.templates.values().find(|said| said.version.kind == kind);
        let reads: BTreeSet<DatasetName> =
            said.or_else(any).into_iter().flat_map(|said| said.reads.keys().cloned()).collect();
        let version = said.map(|said| said.version.clone());
        // Another text under a name of ours is a version that nobody agreed.
        let other = || Resource { kind: kind.clone(), digest: Digest::of(id.as_bytes()) };
        if reads.is_subset(linked) {
            let version = version.filter(|_| !self.is_elsewhere());
            holding.resources.insert(version.unwrap_or_else(other));
        }
        reads
    }

    /// Whether somebody is in it under another account than the agreement pins: whatever it holds is nothing that is agreed now.
    fn is_elsewhere(&self) -> bool {
        let (platform, agreement) = (PlatformId::snowflake_dcr(), &self.scope.agreement);
        self.room.parties.iter().any(|(member, account)| {
            let now = seat(&platform, agreement, member);
            now.is_ok_and(|now| now.account != *account)
        })
    }

    /// Whether the view behind an offering is there still; of an owner who is not looked at, whatever is linked is.
    fn is_there(&self, id: &str, dataset: &DatasetName) -> bool {
        let Some((_, version)) = id.rsplit_once('_') else { return true };
        let owner = self.scope.agreement.datasets.get(dataset).map(|one| &one.owner);
        let account = owner.and_then(|owner| self.seen.account(self.name, owner));
        account.is_none_or(|account| account.views.contains_key(&names::view(dataset, version)))
    }

    fn unknown(&self, kind: Option<ResourceKind>, noun: &str) -> Note {
        let native = || {
            let (member, name) = (self.room.runner.clone(), self.name.to_owned());
            ResourceKind::Native(Native { member, noun: "collaboration".to_owned(), name })
        };
        Note { kind: kind.unwrap_or_else(native), class: NoteClass::Unknown, at: noun.to_owned() }
    }
}

/// Whether the view behind an offering is the statement that was agreed; of an owner who is not looked at, it counts as that.
pub(crate) fn stands(
    (seen, room): (&Seen, &str),
    collaboration: &CollaborationId,
    offering: &Offering,
) -> bool {
    let Some(account) = seen.account(room, &offering.owner) else { return true };
    let (schema, view) = (names::schema(collaboration), offering.view.as_str());
    let made = made_by([account.database.as_str(), schema.as_str(), view], &offering.entry);
    made.is_some() && made == account.views.get(view).copied()
}

/// The templates that a runner may run, or will be able to without anybody's further word.
pub(crate) fn listed(view: &Room, alias: &str) -> BTreeSet<String> {
    let Spec { runners, .. } = &view.spec;
    let mut listed: BTreeSet<String> =
        runners.get(alias).into_iter().flat_map(|runner| runner.templates.clone()).collect();
    let coming = view.requests.iter().filter_map(|Request { status, asks, .. }| match asks {
        Asks::Template { id, runners }
            if *status == Status::Approved && runners.contains(alias) =>
        {
            Some(id.clone())
        }
        Asks::Template { .. } | Asks::Edit | Asks::Other => None,
    });
    listed.extend(coming);
    listed
}
