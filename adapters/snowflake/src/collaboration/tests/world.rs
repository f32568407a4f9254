//! A model of the platform: what calls do, some of it later. Plans are made over it and applied to it, with no sockets at all.

use crate::collaboration::call::{AT, At, Call};
use crate::collaboration::plan::view_sql;
use crate::collaboration::seen::{
    Account, Asks, Past, Request, Room as View, Runner, Seen, Spec, State, Status, Text,
};
use crate::collaboration::yaml::{self, Tree};
use crate::collaboration::{names, specs};
use adapter_spi::Step;
use mappings::model::{Digest, MemberId};
use std::collections::{BTreeMap, BTreeSet};

/// One collaboration, as it is.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pub(super) owner: String,
    pub(super) spec: Spec,
    pub(super) states: BTreeMap<String, State>,
    pub(super) requests: Vec<(Request, BTreeSet<String>)>,
}

/// What goes on after its answer.
#[derive(Debug, Clone)]
pub(super) enum Later {
    Become(String, String, State),
    Link(String, String, String, String),
    Unlink(String, String, String, BTreeSet<String>),
    List(String, String, BTreeSet<String>),
    Unlist(String, String, BTreeSet<String>),
    Out(String, String),
}

/// In which collaboration, from which states, through which one, and what comes later.
type Walk = (String, &'static [State], State, fn(String, String) -> Later);

/// The platform.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub(super) rooms: BTreeMap<String, Room>,
    /// Texts of registered specs, by account.
    pub(super) offerings: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) templates: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) views: BTreeMap<String, BTreeMap<String, Digest>>,
    pub(super) schemas: BTreeSet<String>,
    pub(super) later: Vec<Later>,
    serial: usize,
}

fn name_of(text: &str, with_version: bool) -> String {
    let tree = yaml::read(text).unwrap();
    let part = |key: &str| tree.get(key).and_then(Tree::text).unwrap().to_owned();
    if with_version { names::id(&part("name"), &part("version")) } else { part("name") }
}

impl World {
    /// What these members see, each in its own account.
    pub(super) fn seen(&self, members: &BTreeMap<MemberId, String>) -> Seen {
        let accounts =
            members.iter().map(|(member, account)| (member.clone(), self.account(member, account)));
        Seen { accounts: accounts.collect(), ..Seen::default() }
    }

    /// The same, with what they see in accounts that they had.
    pub(super) fn seen_past(
        &self,
        members: &BTreeMap<MemberId, String>,
        past: &[(MemberId, String)],
    ) -> Seen {
        let past = past.iter().map(|(member, account)| {
            let account = self.account(member, account);
            Past { member: member.clone(), account }
        });
        Seen { past: past.collect(), ..self.seen(members) }
    }

    fn is_used(&self, id: &str) -> bool {
        let mut runners = self.rooms.values().flat_map(|room| room.spec.runners.values());
        runners.any(|runner| {
            runner.templates.contains(id) || runner.providers.values().any(|ids| ids.contains(id))
        })
    }

    fn account(&self, member: &MemberId, account: &str) -> Account {
        let alias = names::alias(member);
        let meant = |all: Option<&BTreeMap<String, String>>| {
            let all = all.into_iter().flatten();
            all.map(|(id, text)| (id.clone(), specs::meaning(text))).collect()
        };
        let rooms = self.rooms.iter().filter_map(|(name, room)| {
            let own = room
                .states
                .get(&alias)
                .filter(|_| room.spec.aliases.get(&alias).map(String::as_str) == Some(account))?;
            (*own != State::Out).then(|| (name.clone(), self.view(room, &alias, *own)))
        });
        Account {
            identifier: account.to_owned(),
            region: "AWS_US_EAST_1".to_owned(),
            database: "AIRLOCK".to_owned(),
            rooms: rooms.collect(),
            offerings: meant(self.offerings.get(account)),
            templates: meant(self.templates.get(account)),
            schema: self.schemas.contains(account),
            views: self.views.get(account).cloned().unwrap_or_default(),
            ..Account::default()
        }
    }

    fn view(&self, room: &Room, alias: &str, own: State) -> View {
        let installed = own != State::Invited;
        let is_in = own.is_in();
        let texts = room.spec.runners.values().flat_map(|runner| &runner.templates);
        let texts = texts.filter_map(|id| {
            let text = self.templates.values().find_map(|all| all.get(id))?;
            let sql =
                yaml::read(text)?.get("template")?.text().map(|sql| Digest::of(sql.as_bytes()));
            Some((id.clone(), Text { spec: specs::meaning(text), sql }))
        });
        let requests = room.requests.iter().map(|(request, waits)| {
            let mine = request.status == Status::Others && waits.contains(alias);
            let status = if mine { Status::Mine } else { request.status };
            Request { status, ..request.clone() }
        });
        View {
            installed,
            owner: room.owner.clone(),
            updated: String::new(),
            spec: room.spec.clone(),
            states: if installed { room.states.clone() } else { BTreeMap::new() },
            requests: if is_in { requests.collect() } else { Vec::new() },
            texts: if is_in { texts.collect() } else { BTreeMap::new() },
        }
    }

    /// What is open: the datasets that a template can read that is listed, by whoever's view.
    pub(super) fn open(&self) -> BTreeSet<String> {
        let rooms = self
            .rooms
            .values()
            .filter(|room| room.states.get(&room.spec.owner) == Some(&State::Joined));
        let runners = rooms.flat_map(|room| room.spec.runners.values());
        let live = runners.filter(|runner| !runner.templates.is_empty());
        live.flat_map(|runner| runner.providers.values().flatten().cloned()).collect()
    }

    /// The oldest of what goes on later, done; or not, with the state that says so.
    pub(super) fn tick(&mut self, fails: bool) {
        if self.later.is_empty() {
            return;
        }
        let later = self.later.remove(0);
        if let (true, Later::Become(room, alias, to)) = (fails, &later) {
            let failed = match to {
                State::Created => State::CreateFailed,
                State::InReview => State::InstallFailed,
                State::Joined => State::JoinFailed,
                State::DropPending | State::Out => State::LeaveFailed,
                State::Moving
                | State::CreateFailed
                | State::Invited
                | State::InstallFailed
                | State::JoinFailed
                | State::Leaving
                | State::LeaveFailed
                | State::Unknown => return,
            };
            self.becomes(room, alias, failed);
            return;
        }
        self.done(later);
    }

    /// Everything that goes on later.
    pub(super) fn settle(&mut self) {
        while !self.later.is_empty() {
            self.tick(false);
        }
    }

    fn becomes(&mut self, room: &str, alias: &str, state: State) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.states.insert(alias.to_owned(), state);
        }
    }

    fn runner(&mut self, room: &str, runner: &str) -> Option<&mut Runner> {
        self.rooms.get_mut(room)?.spec.runners.get_mut(runner)
    }

    fn done(&mut self, later: Later) {
        match later {
            Later::Become(room, alias, state) => {
                if state == State::Created {
                    let others = self.rooms.get(&room).map(|room| room.spec.aliases.clone());
                    for other in others
                        .into_iter()
                        .flatten()
                        .map(|(other, _)| other)
                        .filter(|one| *one != alias)
                    {
                        self.becomes(&room, &other, State::Invited);
                    }
                }
                self.becomes(&room, &alias, state);
            }
            Later::Link(room, runner, provider, id) => {
                let held = self.runner(&room, &runner);
                if let Some(ids) = held.and_then(|held| held.providers.get_mut(&provider)) {
                    ids.insert(id);
                }
            }
            Later::Unlink(room, provider, id, runners) => {
                for runner in runners {
                    let held = self.runner(&room, &runner);
                    if let Some(ids) = held.and_then(|held| held.providers.get_mut(&provider)) {
                        ids.remove(&id);
                    }
                }
            }
            Later::List(room, id, runners) => {
                for runner in runners {
                    if let Some(held) = self.runner(&room, &runner) {
                        held.templates.insert(id.clone());
                    }
                }
                if let Some(room) = self.rooms.get_mut(&room) {
                    for (request, _) in &mut room.requests {
                        let same =
                            matches!(&request.asks, Asks::Template { id: of, .. } if *of == id);
                        if same && request.status == Status::Approved {
                            request.status = Status::Done;
                        }
                    }
                }
            }
            Later::Unlist(room, id, runners) => {
                for runner in runners {
                    if let Some(held) = self.runner(&room, &runner) {
                        held.templates.remove(&id);
                    }
                }
            }
            Later::Out(room, alias) => {
                if let Some(room) = self.rooms.get_mut(&room) {
                    room.spec.runners.remove(&alias);
                    for runner in room.spec.runners.values_mut() {
                        runner.providers.remove(&alias);
                    }
                }
                self.becomes(&room, &alias, State::DropPending);
            }
        }
    }

    fn state(&self, room: &str, alias: &str) -> Option<State> {
        self.rooms.get(room)?.states.get(alias).copied()
    }

    fn needs(&self, room: &str, alias: &str, states: &[State]) -> Result<(), &'static str> {
        let state = self.state(room, alias);
        if state.is_some_and(|state| states.contains(&state)) {
            Ok(())
        } else {
            Err("another state")
        }
    }

    /// Makes a step's call, or refuses it as the platform does.
    pub(super) fn apply(&mut self, step: &Step) -> Result<(), &'static str> {
        let call: Call = serde_json::from_value(step.call.clone()).unwrap();
        let at: At = serde_json::from_value(step.call[AT].clone()).unwrap();
        let (account, alias) = (at.account, names::alias(&at.member));
        match call {
            Call::CreateSchema { .. } => {
                self.schemas.insert(account);
            }
            Call::CreateView { database, schema, view, entry } => {
                let text = view_sql([&database, &schema, &view], &entry);
                let digest = Digest::of(text.as_text().unwrap().as_bytes());
                self.views.entry(account).or_default().insert(view, digest);
            }
            Call::DropView { view, .. } => {
                self.views.entry(account).or_default().remove(&view);
            }
            Call::RegisterOffering { id, spec } => {
                assert_eq!(id, name_of(&spec, true));
                self.offerings.entry(account).or_default().insert(id, spec);
            }
            Call::RegisterTemplate { id, spec } => {
                assert_eq!(id, name_of(&spec, true));
                self.templates.entry(account).or_default().insert(id, spec);
            }
            Call::UnregisterOffering { id } => {
                if self.is_used(&id) {
                    return Err("linked");
                }
                self.offerings.entry(account).or_default().remove(&id);
            }
            Call::UnregisterTemplate { id } => {
                if self.is_used(&id) {
                    return Err("linked");
                }
                self.templates.entry(account).or_default().remove(&id);
            }
            Call::Initialize { room, spec } => {
                return self.initialize((account, alias), room, &spec);
            }
            Call::Review { .. }
            | Call::Join { .. }
            | Call::Leave { .. }
            | Call::Teardown { .. } => {
                return self.walk(alias, call);
            }
            Call::Link { .. }
            | Call::Unlink { .. }
            | Call::RequestTemplate { .. }
            | Call::RemoveTemplate { .. }
            | Call::Approve { .. }
            | Call::Reject { .. }
            | Call::Edit { .. } => return self.change(alias, call),
        }
        Ok(())
    }

    fn initialize(
        &mut self,
        (account, alias): (String, String),
        room: String,
        spec: &str,
    ) -> Result<(), &'static str> {
        assert_eq!(room, name_of(spec, false));
        let spec = Spec::read(&yaml::read(spec).unwrap()).unwrap();
        if self.rooms.get(&room).is_some_and(|old| old.states.get(&alias) != Some(&State::Out)) {
            return Err("exists");
        }
        let states = BTreeMap::from([(alias.clone(), State::Moving)]);
        let made = Room { owner: account, spec, states, requests: Vec::new() };
        self.rooms.insert(room.clone(), made);
        self.later.push(Later::Become(room, alias, State::Created));
        Ok(())
    }

    fn walk(&mut self, alias: String, call: Call) -> Result<(), &'static str> {
        use State::{Created, DropPending, InReview, InstallFailed, Invited, JoinFailed, Joined};
        let (room, from, through, later): Walk = match call {
            Call::Review { room, .. } => {
                (room, &[Invited, InstallFailed], State::Moving, |room, alias| {
                    Later::Become(room, alias, InReview)
                })
            }
            Call::Join { room } => {
                let from = &[Created, InReview, JoinFailed, InstallFailed];
                (room, from, State::Moving, |room, alias| Later::Become(room, alias, Joined))
            }
            Call::Leave { room, again: true } | Call::Teardown { room, again: true } => {
                (room, &[DropPending], State::Leaving, |room, alias| {
                    Later::Become(room, alias, State::Out)
                })
            }
            Call::Leave { room, .. } | Call::Teardown { room, .. } => {
                (room, &[Joined, State::LeaveFailed], State::Leaving, Later::Out)
            }
            Call::CreateSchema { .. }
            | Call::CreateView { .. }
            | Call::DropView { .. }
            | Call::RegisterOffering { .. }
            | Call::RegisterTemplate { .. }
            | Call::UnregisterOffering { .. }
            | Call::UnregisterTemplate { .. }
            | Call::Initialize { .. }
            | Call::Link { .. }
            | Call::Unlink { .. }
            | Call::RequestTemplate { .. }
            | Call::RemoveTemplate { .. }
            | Call::Approve { .. }
            | Call::Reject { .. }
            | Call::Edit { .. } => {
                return Err("no walk");
            }
        };
        self.needs(&room, &alias, from)?;
        self.becomes(&room, &alias, through);
        self.later.push(later(room, alias));
        Ok(())
    }

    fn change(&mut self, alias: String, call: Call) -> Result<(), &'static str> {
        let joined = |world: &Self, room: &str| world.needs(room, &alias, &[State::Joined]);
        match call {
            Call::Link { room, offering, runner } => {
                joined(self, &room)?;
                self.later.push(Later::Link(room, runner, alias, offering));
            }
            Call::Unlink { room, offering, runners } => {
                joined(self, &room)?;
                self.later.push(Later::Unlink(room, alias, offering, runners));
            }
            Call::RequestTemplate { room, template, runner } => {
                joined(self, &room)?;
                self.ask(&room, &alias, (template, runner));
            }
            Call::RemoveTemplate { room, template, runners } => {
                joined(self, &room)?;
                self.later.push(Later::Unlist(room, template, runners));
            }
            Call::Approve { room, request, .. } => {
                joined(self, &room)?;
                self.decide(&room, &request, Some(&alias));
            }
            Call::Reject { room, request } => {
                joined(self, &room)?;
                self.decide(&room, &request, None);
            }
            Call::CreateSchema { .. }
            | Call::CreateView { .. }
            | Call::DropView { .. }
            | Call::RegisterOffering { .. }
            | Call::RegisterTemplate { .. }
            | Call::UnregisterOffering { .. }
            | Call::UnregisterTemplate { .. }
            | Call::Initialize { .. }
            | Call::Review { .. }
            | Call::Join { .. }
            | Call::Leave { .. }
            | Call::Teardown { .. } => {}
            Call::Edit { room, .. } => {
                joined(self, &room)?;
                self.serial += 1;
                let (id, status) = (format!("REQ_{}", self.serial), Status::Others);
                let request = Request { id, status, asks: Asks::Edit, by_us: false };
                if let Some(found) = self.rooms.get_mut(&room) {
                    found.requests.push((request, BTreeSet::new()));
                }
            }
        }
        Ok(())
    }

    fn ask(&mut self, room: &str, by: &str, (id, runner): (String, String)) {
        self.serial += 1;
        let name = format!("REQ_{}", self.serial);
        let Some(found) = self.rooms.get_mut(room) else { return };
        let providers = found.spec.runners.get(&runner).map(|held| held.providers.clone());
        let mut waits: BTreeSet<String> = providers.unwrap_or_default().into_keys().collect();
        waits.insert(runner.clone());
        waits.remove(by);
        let asks = Asks::Template { id, runners: BTreeSet::from([runner]) };
        let request = Request { id: name.clone(), status: Status::Others, asks, by_us: false };
        found.requests.push((request, waits));
        self.through(room, &name);
    }

    fn decide(&mut self, room: &str, id: &str, by: Option<&String>) {
        let Some(found) = self.rooms.get_mut(room) else { return };
        for (request, waits) in &mut found.requests {
            if request.id == id && request.status == Status::Others {
                if let Some(by) = by {
                    waits.remove(by);
                } else {
                    (request.status, request.by_us) = (Status::Rejected, true);
                }
            }
        }
        self.through(room, id);
    }

    fn through(&mut self, room: &str, id: &str) {
        let Some(found) = self.rooms.get_mut(room) else { return };
        for (request, waits) in &mut found.requests {
            if request.id == id && request.status == Status::Others && waits.is_empty() {
                request.status = Status::Approved;
                if let Asks::Template { id, runners } = &request.asks {
                    self.later.push(Later::List(room.to_owned(), id.clone(), runners.clone()));
                }
            }
        }
    }
}
