//! What is made and given: a collaboration, its members, views, offerings and texts; then what opens it: data that is linked, a text that
//! every provider approves.

use super::{Planned, Subject, made_by, names};
use crate::collaboration::call::Call;
use crate::collaboration::seen::{Asks, Room as View, State, Status};
use crate::collaboration::wanted::{Offering, Room, Said};
use adapter_spi::{Effect, ResourceKind};
use mappings::model::{DatasetName, MemberId};
use std::collections::BTreeSet;

const ROOM: &str = "collaboration";

impl Subject<'_> {
    /// The steps that make or give, of all operated members.
    pub(super) fn giving(&self) -> Vec<Planned> {
        let mut planned = Vec::new();
        for (dataset, offering) in &self.wanted.offerings {
            planned.extend(self.offer(dataset, offering));
        }
        let mut registered = BTreeSet::new();
        for room in self.wanted.rooms.values() {
            for said in room.templates.values().filter(|said| registered.insert(said.id.clone())) {
                planned.extend(self.register(said));
            }
            let Some((name, view)) = self.lives(room) else {
                planned.extend(self.initialize(room));
                continue;
            };
            planned.extend(self.join(room, &name, view));
            if Self::agrees(room, view) && self.is_joined(&name, &room.runner) {
                planned.extend(self.link(room, &name, view));
                planned.extend(self.request(room, &name, view));
                planned.extend(self.approve(room, &name));
            }
        }
        planned
    }

    /// Whoever left the agreement is not invited.
    fn initialize(&self, room: &Room) -> Option<Planned> {
        self.seen.accounts.get(&room.runner)?;
        let all = super::names_of(self.seen).into_iter();
        let makings = all.filter_map(|name| names::generation_of(&room.base, name));
        let name = names::generation(&room.base, makings.max().unwrap_or(0) + 1);
        let spec = room.spec(&name, |member| self.stays(member))?;
        let call = Call::Initialize { room: name.clone(), spec };
        let step = Planned::new(&room.runner, Effect::Neutral, ROOM, call).named(name);
        let touched = room.parties.keys().filter(|member| self.stays(member)).cloned();
        Some(step.touching(touched.map(ResourceKind::Member)))
    }

    /// Each member's own way in. Nobody comes before the owner, so that a collaboration can always be ended; and nobody comes into one
    /// that is not what was agreed.
    fn join(&self, room: &Room, name: &str, view: &View) -> Vec<Planned> {
        let step = |member: &MemberId, call| {
            let step = Planned::new(member, Effect::Neutral, "membership", call).named(name);
            step.touching([ResourceKind::Member(member.clone())])
        };
        let mut planned = Vec::new();
        let owner_in = !self.operates(&room.runner) || self.is_joined(name, &room.runner);
        for member in room.parties.keys().filter(|member| self.stays(member)) {
            if !self.seen.accounts.contains_key(member) || !Self::agrees(room, view) {
                continue;
            }
            let room_name = name.to_owned();
            let joins = || Call::Join { room: room_name.clone() };
            let call = match (*member == room.runner, self.state(name, member)) {
                (true, Some(State::Created | State::JoinFailed | State::InstallFailed)) => joins(),
                (false, Some(State::Invited | State::InstallFailed)) if owner_in => {
                    Call::Review { room: name.to_owned(), owner: view.owner.clone() }
                }
                (false, Some(State::InReview | State::JoinFailed)) if owner_in => joins(),
                (_, _) => continue,
            };
            planned.push(step(member, call));
        }
        planned
    }

    /// An owner's view, and its offering over it.
    fn offer(&self, dataset: &DatasetName, offering: &Offering) -> Option<Planned> {
        let account = self.seen.accounts.get(&offering.owner)?;
        let schema = names::schema(&self.desired.agreement.collaboration);
        let (database, kind) = (account.database.clone(), ResourceKind::Dataset(dataset.clone()));
        let step = |effect, noun, call| {
            let step = Planned::new(&offering.owner, effect, noun, call);
            step.touching([kind.clone()])
        };
        if !account.schema {
            let call = Call::CreateSchema { database, schema: schema.clone() };
            return Some(step(Effect::Neutral, "schema", call).named(schema));
        }
        let made = made_by([&database, &schema, &offering.view], &offering.entry);
        let Some(found) = account.views.get(&offering.view) else {
            // Under an offering that is linked it opens what it shows.
            let linked = self.is_linked_anywhere(offering);
            let effect = if linked { Effect::Grant } else { Effect::Neutral };
            let (view, entry) = (offering.view.clone(), offering.entry.clone());
            let call = Call::CreateView { database, schema, view, entry };
            return Some(step(effect, "view", call).named(offering.view.clone()));
        };
        if made != Some(*found) || account.offerings.contains_key(&offering.id) {
            return None;
        }
        let spec = offering.spec(&database, &schema)?;
        let call = Call::RegisterOffering { id: offering.id.clone(), spec };
        Some(step(Effect::Neutral, "data-offering", call).named(offering.id.clone()))
    }

    fn is_linked_anywhere(&self, offering: &Offering) -> bool {
        let rooms = self.seen.accounts.values().flat_map(|account| account.rooms.values());
        let runners = rooms.flat_map(|room| room.spec.runners.values());
        let mut linked = runners.flat_map(|runner| runner.providers.values());
        linked.any(|ids| ids.contains(&offering.id))
    }

    /// Whether an owner's registered offering is the agreed one, over the view that is there.
    fn is_offered(&self, offering: &Offering) -> bool {
        let Some(account) = self.seen.accounts.get(&offering.owner) else { return false };
        let schema = names::schema(&self.desired.agreement.collaboration);
        let spec = offering.spec(&account.database, &schema);
        let meant = spec.and_then(|spec| crate::collaboration::specs::meaning(&spec));
        let view = made_by([&account.database, &schema, &offering.view], &offering.entry);
        let found = account.offerings.get(&offering.id).copied().flatten();
        meant.is_some()
            && found == meant
            && view.is_some()
            && view == account.views.get(&offering.view).copied()
    }

    fn register(&self, said: &Said) -> Option<Planned> {
        let account = self.seen.accounts.get(&said.registrar)?;
        if account.templates.contains_key(&said.id) {
            return None;
        }
        let call = Call::RegisterTemplate { id: said.id.clone(), spec: said.spec.clone() };
        let step = Planned::new(&said.registrar, Effect::Neutral, "template", call);
        Some(step.named(said.id.clone()).touching([said.version.kind.clone()]))
    }

    /// Data is linked once no text that is not agreed could read it.
    fn link(&self, room: &Room, name: &str, view: &View) -> Vec<Planned> {
        let runner = names::alias(&room.runner);
        let offerings = room
            .datasets
            .iter()
            .filter_map(|dataset| Some((dataset, self.wanted.offerings.get(dataset)?)));
        let ready = offerings.filter(|(dataset, offering)| {
            !Self::is_linked(view, room, offering)
                && self.is_offered(offering)
                && self.is_joined(name, &offering.owner)
                && self.readers(name, room, dataset).is_empty()
        });
        let steps = ready.map(|(dataset, offering)| {
            let (room_name, id, runner) = (name.to_owned(), offering.id.clone(), runner.clone());
            let call = Call::Link { room: room_name, offering: id, runner };
            let step = Planned::new(&offering.owner, Effect::Grant, "data-offering", call);
            let readers = room.templates.values().filter(|said| said.reads.contains_key(dataset));
            let readers = readers.map(|said| said.version.kind.clone());
            let step = step.named(format!("{name}/{}", offering.id)).leaving(readers);
            step.touching([ResourceKind::Dataset(dataset.clone())])
        });
        steps.collect()
    }

    /// A text is asked for once all that it reads is linked.
    fn request(&self, room: &Room, name: &str, view: &View) -> Vec<Planned> {
        let runner = names::alias(&room.runner);
        let listed = crate::collaboration::held::listed(view, &runner);
        let ready = room.templates.values().filter(|said| {
            let mut offerings = said.reads.keys().map(|dataset| self.wanted.offerings.get(dataset));
            let linked =
                offerings.all(|one| one.is_some_and(|one| Self::is_linked(view, room, one)));
            let asked = Self::requests(view, &said.id)
                .any(|(status, by_us)| status.is_open() || (status == Status::Rejected && !by_us));
            linked
                && !asked
                && !listed.contains(&said.id)
                && self.is_registered(&said.registrar, said)
                && self.is_joined(name, &said.registrar)
        });
        let steps = ready.map(|said| {
            let (room_name, template) = (name.to_owned(), said.id.clone());
            let call = Call::RequestTemplate { room: room_name, template, runner: runner.clone() };
            let step = Planned::new(&said.registrar, Effect::Grant, "template-request", call);
            step.named(format!("{name}/{}", said.id)).touching([said.version.kind.clone()])
        });
        steps.collect()
    }

    /// How far requests for a template are.
    pub(super) fn requests<'a>(
        view: &'a View,
        template: &'a str,
    ) -> impl Iterator<Item = (Status, bool)> + 'a {
        view.requests.iter().filter_map(move |request| match &request.asks {
            Asks::Template { id, .. } if id == template => Some((request.status, request.by_us)),
            Asks::Template { .. } | Asks::Edit | Asks::Other => None,
        })
    }

    /// A member approves a text that this gateway read where it was registered. Every owner of what it reads approved it in the log; a
    /// provider whose data it does not read has no say but the platform's.
    fn approve(&self, room: &Room, name: &str) -> Vec<Planned> {
        let mut planned = Vec::new();
        let runner = BTreeSet::from([names::alias(&room.runner)]);
        for member in room.parties.keys().filter(|member| self.stays(member)) {
            let own = self.seen.accounts.get(member).and_then(|account| account.rooms.get(name));
            let Some(own) = own.filter(|_| self.is_joined(name, member)) else { continue };
            for request in own.requests.iter().filter(|request| request.status == Status::Mine) {
                let Asks::Template { id, runners } = &request.asks else { continue };
                let said = room.said(id).filter(|_| *runners == runner);
                let Some(said) = said.filter(|said| self.is_registered(&said.registrar, said))
                else {
                    continue;
                };
                let (request, template) = (request.id.clone(), id.clone());
                let call = Call::Approve { room: name.to_owned(), request, template };
                let step = Planned::new(member, Effect::Grant, "update-request", call);
                let step = step.named(format!("{name}/{id}/{member}"));
                planned.push(step.touching([said.version.kind.clone()]));
            }
        }
        planned
    }
}
