//! What members do whom this gateway does not operate, and what nobody may do for an operated one, down to a statement that they can
//! run. They are waited for, never impersonated.

use super::taking::{Edits, asked};
use super::{Subject, names};
use crate::collaboration::seen::{Asks, Beside, Room as View, State, Status};
use crate::collaboration::wanted::{Room, Said};
use adapter_spi::NeedsCounterparty;
use mappings::model::MemberId;

const HOME: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.";

/// A statement that a member can run. All words of it are names of ours: letters, digits, underscores, and dots in accounts.
fn call(procedure: &str, words: &[&str]) -> String {
    let words = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ");
    format!("{HOME}{procedure}({words});")
}

fn with_runner(procedure: &str, (room, id, runner): (&str, &str, &str)) -> String {
    format!("{HOME}{procedure}('{room}', '{id}', ['{runner}']);")
}

fn waits(member: &MemberId, what: String, act: String) -> NeedsCounterparty {
    NeedsCounterparty { member: member.clone(), what, act }
}

fn wider(owner: &MemberId, one: &Beside) -> NeedsCounterparty {
    let Beside { dataset, room, offering, runner, member } = one;
    let plain = |name: &&String| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let what = format!(
        "{dataset} is open wider than agreed: to {member} by an offering that Airlock did not make"
    );
    let act = if [room, offering, runner].iter().all(plain) {
        with_runner("UNLINK_DATA_OFFERING", (room, offering, runner))
    } else {
        "the offering unlinked; no statement says its name plainly".to_owned()
    };
    waits(owner, what, act)
}

impl Subject<'_> {
    /// One entry a member and what it is about. Where nothing is given, nobody is told how to open anything.
    pub(super) fn waiting(&self, gives: bool) -> Vec<NeedsCounterparty> {
        let mut waiting = Vec::new();
        for (member, code) in &self.seen.unseen {
            let what = format!("its account could not be looked at: {code}");
            waiting.push(waits(member, what, "airlock connections test".to_owned()));
        }
        for room in self.wanted.rooms.values() {
            let Some((name, view)) = self.lives(room) else {
                if gives && !self.operates(&room.runner) {
                    let what = format!("makes its collaboration {}", room.base);
                    let act = "apply this room on its own gateway".to_owned();
                    waiting.push(waits(&room.runner, what, act));
                }
                continue;
            };
            waiting.extend(self.leavers(room, (&name, view)));
            if !gives {
                continue;
            }
            waiting.extend(self.members(room, &name));
            waiting.extend(self.data(room, &name, view));
            waiting.extend(self.texts(room, &name, view));
        }
        for name in super::names_of(self.seen) {
            waiting.extend(self.left_over(name));
        }
        waiting
    }

    /// The same data, open beside what is agreed: its owner let it stand, and its owner closes it. Of what is over nothing is said.
    pub(super) fn beside(&self) -> Vec<NeedsCounterparty> {
        let accounts = self.seen.accounts.iter();
        let all = accounts
            .flat_map(|(member, account)| account.beside.iter().map(move |one| (member, one)));
        let stands = all.filter(|(_, one)| self.desired.offers(&one.dataset));
        stands.map(|(member, one)| wider(member, one)).collect()
    }

    /// Members who have to come in, and those who left for good.
    fn members(&self, room: &Room, name: &str) -> Vec<NeedsCounterparty> {
        let mut waiting = Vec::new();
        for member in room.parties.keys().filter(|member| self.stays(member)) {
            let state = self.state(name, member);
            if state.is_some_and(State::is_over) {
                let what = format!("left {name}, and can't come back to it");
                let act = "agree on a new version of the agreement without it, or end the room and open it again";
                waiting.push(waits(member, what, act.to_owned()));
            } else if !self.operates(member) && state != Some(State::Joined) {
                let owner = room.owner().map_or("", String::as_str);
                let act = [call("REVIEW", &[name, owner, name]), call("JOIN", &[name])].join(" ");
                waiting.push(waits(member, format!("joins {name}"), act));
            }
        }
        waiting
    }

    /// Members who are in still though they left the agreement, and whom only others' approval takes out.
    fn leavers(&self, room: &Room, (name, view): (&str, &View)) -> Vec<NeedsCounterparty> {
        let gone = self.gone(room, (name, view));
        let Some(first) = gone.first() else { return Vec::new() };
        let leaves =
            |member: &&MemberId| waits(member, format!("leaves {name}"), call("LEAVE", &[name]));
        let mut waiting: Vec<NeedsCounterparty> = gone.iter().map(leaves).collect();
        if asked(view, room) == Edits::Enough {
            let what =
                format!("{name} without {first}: others refused it, or it failed, too often");
            let act = "ask them why, or end the room and open it again".to_owned();
            waiting.push(waits(&room.runner, what, act));
        }
        for member in room.parties.keys().filter(|member| self.stays(member)) {
            let own = self.seen.accounts.get(member).and_then(|one| one.rooms.get(name));
            let requests = own.map_or(&view.requests, |own| &own.requests);
            // What an edit does may be more than its details say: a person reads it.
            let wanted = if own.is_some() { Status::Mine } else { Status::Others };
            let edit = requests.iter().find(|one| one.asks == Asks::Edit && one.status == wanted);
            if let Some(request) = edit.filter(|_| own.is_some() || !self.operates(member)) {
                let act = call("APPROVE_UPDATE_REQUEST", &[name, &request.id]);
                waiting.push(waits(member, format!("approves {name} without {first}"), act));
            }
        }
        waiting
    }

    /// Data that its owner has to link.
    fn data(&self, room: &Room, name: &str, view: &View) -> Vec<NeedsCounterparty> {
        let offerings = room
            .datasets
            .iter()
            .filter_map(|dataset| Some((dataset, self.wanted.offerings.get(dataset)?)));
        let missing = offerings.filter(|(_, offering)| {
            !self.operates(&offering.owner) && !Self::is_linked(view, room, offering)
        });
        let waiting = missing.map(|(dataset, offering)| {
            let runner = names::alias(&room.runner);
            let act = with_runner("LINK_DATA_OFFERING", (name, &offering.id, &runner));
            waits(&offering.owner, format!("links {dataset} for {}", room.runner), act)
        });
        waiting.collect()
    }

    /// Texts that somebody has to ask for or to approve, and those that were refused.
    fn texts(&self, room: &Room, name: &str, view: &View) -> Vec<NeedsCounterparty> {
        let runner = names::alias(&room.runner);
        let applied = view.spec.runners.get(&runner);
        let mut waiting = Vec::new();
        for said in room.templates.values() {
            if applied.is_some_and(|applied| applied.templates.contains(&said.id)) {
                continue;
            }
            let asked: Vec<(Status, bool)> = Self::requests(view, &said.id).collect();
            let open = asked.iter().any(|(status, _)| status.is_open());
            if asked.contains(&(Status::Rejected, false)) && !open {
                let what = format!("{} was refused in {name}", said.id);
                let act = "withdraw the template, or agree on a new version of it".to_owned();
                waiting.push(waits(&said.registrar, what, act));
            } else if open {
                waiting.extend(self.approvals(room, (name, view), said));
            } else if !self.operates(&said.registrar) {
                let act = with_runner("ADD_TEMPLATE_REQUEST", (name, &said.id, &runner));
                waiting.push(waits(&said.registrar, format!("asks for {}", said.id), act));
            }
        }
        waiting
    }

    /// Whoever has to approve a text. One that this gateway can't read is for a person to read, whoever is operated.
    fn approvals(
        &self,
        room: &Room,
        (name, view): (&str, &View),
        said: &Said,
    ) -> Vec<NeedsCounterparty> {
        let is_read = self.is_registered(&said.registrar, said);
        let is_it = |asks: &Asks| matches!(asks, Asks::Template { id, .. } if *id == said.id);
        let mut waiting = Vec::new();
        for member in room.parties.keys().filter(|member| **member != said.registrar) {
            let own = self.seen.accounts.get(member).and_then(|one| one.rooms.get(name));
            let requests = own.map_or(&view.requests, |own| &own.requests);
            let request = requests.iter().find(|one| is_it(&one.asks) && one.status.is_open());
            let Some(request) = request else { continue };
            let waits_for = if own.is_some() {
                request.status == Status::Mine && !is_read
            } else {
                request.status != Status::Approved && !self.operates(member)
            };
            if waits_for {
                let act = call("APPROVE_UPDATE_REQUEST", &[name, &request.id]);
                let what = format!("reads {} there and approves it", said.id);
                waiting.push(waits(member, what, act));
            }
        }
        waiting
    }

    /// Whether this gateway acts for a member under the account that it has in a collaboration.
    fn reaches(&self, name: &str, member: &MemberId) -> bool {
        self.seen.account(name, member).is_some() || self.seen.unseen.contains_key(member)
    }

    /// Data that an owner nobody operates keeps linked, though it is not wanted.
    fn left_over(&self, name: &str) -> Vec<NeedsCounterparty> {
        let Some((room, _)) = self.known.room(name) else { return Vec::new() };
        let Some(view) = self.seen.view(name, &room.runner) else { return Vec::new() };
        let mut waiting = Vec::new();
        for (runner, held) in &view.spec.runners {
            let linked = held
                .providers
                .iter()
                .flat_map(|(alias, ids)| ids.iter().map(move |id| (alias, id)));
            for (alias, id) in linked {
                let member = crate::collaboration::known::Known::member(room, alias);
                let Some(member) = member.filter(|member| !self.reaches(name, member)) else {
                    continue;
                };
                let wanted = self.wanted.rooms.get(&room.runner);
                let wanted = wanted.is_some_and(|wanted| wanted.base == room.base)
                    && self.wanted.offerings.values().any(|one| one.id == *id);
                if !wanted && !super::is_over(self.seen, &room.runner, name) {
                    let act = with_runner("UNLINK_DATA_OFFERING", (name, id, runner));
                    let account = room.parties.get(&member).map_or("", String::as_str);
                    let what = format!("takes {id} out of {name}, in its account {account}");
                    waiting.push(waits(&member, what, act));
                }
            }
        }
        waiting
    }
}
