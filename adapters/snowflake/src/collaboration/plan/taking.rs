//! What takes away: own data first, which its provider cuts alone; then texts, by whoever registered them; then memberships, which others
//! may veto or which take two calls.

use super::{Planned, Subject, made_by, names};
use crate::collaboration::call::Call;
use crate::collaboration::held::listed;
use crate::collaboration::known::Known;
use crate::collaboration::seen::{Account, Asks, Room as View, State, Status};
use crate::collaboration::wanted::Room;
use adapter_spi::{Effect, ResourceKind};
use mappings::model::{DatasetName, Digest, MemberId};
use std::collections::{BTreeMap, BTreeSet};

const UNLINK: u8 = 0;
const VIEW: u8 = 1;
const REJECT: u8 = 2;
const REMOVE: u8 = 3;
const EDIT: u8 = 4;
const LEAVE: u8 = 5;
const TEARDOWN: u8 = 6;

/// A collaboration of ours, as one operated member sees it.
struct Place<'a> {
    member: &'a MemberId,
    account: &'a Account,
    name: &'a str,
    view: &'a View,
    /// As some agreement has it.
    room: &'a Room,
    /// As it is wanted, where it is the one that lives and the member stays in it.
    wanted: Option<&'a Room>,
}

fn is_applied(view: &View, id: &str) -> bool {
    view.spec.runners.values().any(|runner| runner.templates.contains(id))
}

/// How far the edits of a collaboration are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edits {
    /// None is on its way.
    ToAsk,
    /// One waits for approvals, or is being applied.
    Open,
    /// Enough were refused, or came to nothing.
    Enough,
}

/// How often an edit is asked for that is refused, or that fails.
const EDITS_MAX: usize = 3;

pub(super) fn asked(view: &View, room: &Room) -> Edits {
    let edits = || view.requests.iter().filter(|request| request.asks == Asks::Edit);
    let of = |all: &[Status]| edits().filter(|edit| all.contains(&edit.status)).count();
    let ended = of(&[Status::Rejected, Status::Failed]);
    if edits().any(|edit| edit.status.is_open()) {
        Edits::Open
    } else if ended >= EDITS_MAX || of(&[Status::Done]) >= room.parties.len() {
        // One that is through takes somebody out: more of them than there are parties did not.
        Edits::Enough
    } else {
        Edits::ToAsk
    }
}

impl Subject<'_> {
    /// The steps that take away, of all operated members.
    pub(super) fn taking(&self) -> Vec<Planned> {
        let mut planned = Vec::new();
        for (member, account) in self.seen.all() {
            let mut taken = Vec::new();
            for (name, view) in &account.rooms {
                let Some((room, _)) = self.known.room(name) else { continue };
                let wanted = self.wanted.rooms.get(&room.runner);
                let wanted = wanted.filter(|wanted| {
                    wanted.base == room.base && self.live(wanted).as_ref() == Some(name)
                });
                let wanted =
                    wanted.filter(|wanted| self.stays(member) && Self::agrees(wanted, view));
                let place = Place { member, account, name, view, room, wanted };
                taken.extend(self.leaving(&place));
            }
            taken.extend(self.views(member, account));
            let at = Some(&account.identifier).filter(|_| self.seen.is_past(member, account));
            planned.extend(taken.into_iter().map(|one| Planned { at: at.cloned(), ..one }));
        }
        for room in self.wanted.rooms.values() {
            planned.extend(self.edit(room));
        }
        planned
    }

    fn leaving(&self, place: &Place<'_>) -> Vec<Planned> {
        let state = self.state(place.name, place.member);
        let mut planned = Vec::new();
        if state.is_some_and(State::is_in) {
            planned.extend(self.unlink(place));
            planned.extend(self.reject(place));
            planned.extend(self.remove(place));
        }
        planned.extend(self.part(place, state));
        planned
    }

    /// Own data that is linked and not wanted, or that something unwanted could read.
    fn unlink(&self, place: &Place<'_>) -> Vec<Planned> {
        let Place { member, name, view, wanted, .. } = place;
        let own = names::alias(member);
        let mut cut: BTreeMap<&String, BTreeSet<String>> = BTreeMap::new();
        for (alias, runner) in &view.spec.runners {
            for id in runner.providers.get(&own).into_iter().flatten() {
                let keeps = wanted.is_some_and(|wanted| {
                    let dataset = self.known.offerings.get(id).map(|one| &one.dataset);
                    let dataset = dataset.filter(|dataset| {
                        let offering = self.wanted.offerings.get(*dataset);
                        wanted.datasets.contains(*dataset)
                            && offering.is_some_and(|one| one.id == *id)
                    });
                    *alias == names::alias(&wanted.runner)
                        && dataset.is_some_and(|one| !self.is_exposed(place, wanted, one))
                });
                if !keeps {
                    cut.entry(id).or_default().insert(alias.clone());
                }
            }
        }
        let cut = cut.into_iter().map(|(id, runners)| {
            let dataset = self.known.dataset(&self.desired.agreement, id);
            let (room, offering) = ((*name).to_owned(), id.clone());
            let call = Call::Unlink { room, offering, runners };
            let step = Planned::new(member, Effect::Revoke, "data-offering", call);
            let step = step.named(format!("{name}/{id}")).ranked(UNLINK);
            step.touching(dataset.map(ResourceKind::Dataset))
        });
        cut.collect()
    }

    /// The texts of a runner's list, or about to be in it, that could read a dataset and are not wanted, or not what was agreed.
    pub(super) fn readers(
        &self,
        name: &str,
        room: &Room,
        dataset: &DatasetName,
    ) -> BTreeSet<String> {
        let Some(view) = self.seen.view(name, &room.runner) else { return BTreeSet::new() };
        let owner = self.desired.agreement.datasets.get(dataset).map(|one| &one.owner);
        let reader = owner.unwrap_or(&room.runner);
        let mut readers = listed(view, &names::alias(&room.runner));
        readers.retain(|id| {
            let good = || {
                room.said(id).is_some_and(|said| {
                    // A text that is only approved yet is not shown: whoever approved it read it.
                    Self::is_said(said, self.reads(name, reader, id)) || !is_applied(view, id)
                })
            };
            self.may_read(id, dataset) && !good()
        });
        readers
    }

    /// Whether something could read a dataset that nobody operated can take out, or not yet.
    fn is_exposed(&self, place: &Place<'_>, wanted: &Room, dataset: &DatasetName) -> bool {
        self.readers(place.name, wanted, dataset).iter().any(|id| {
            // What is only coming can't be taken out yet.
            !is_applied(place.view, id) || self.remover(place.name, id).is_none()
        })
    }

    /// The operated member who can take a template out of a collaboration.
    fn remover(&self, name: &str, id: &str) -> Option<&MemberId> {
        let mut accounts = self.seen.all().filter(|(_, account)| account.rooms.contains_key(name));
        let found = accounts.find(|(member, account)| {
            let state = self.seen.state(name, member);
            account.templates.contains_key(id) && state.is_some_and(State::is_in)
        });
        found.map(|(member, _)| member)
    }

    /// Requests for what is not wanted, that wait for this member. A refusal can't be taken back; a new version is asked for anew.
    fn reject(&self, place: &Place<'_>) -> Vec<Planned> {
        let Place { member, name, view, wanted, .. } = place;
        let mine = view.requests.iter().filter(|request| request.status == Status::Mine);
        let unwanted = mine.filter_map(|request| match &request.asks {
            Asks::Template { id, runners } => {
                let is_wanted = wanted.is_some_and(|wanted| {
                    let runner = BTreeSet::from([names::alias(&wanted.runner)]);
                    *runners == runner && wanted.said(id).is_some()
                });
                (!is_wanted).then_some((request, id))
            }
            Asks::Edit | Asks::Other => None,
        });
        let steps = unwanted.map(|(request, id)| {
            let call = Call::Reject { room: (*name).to_owned(), request: request.id.clone() };
            let step = Planned::new(member, Effect::Revoke, "update-request", call);
            let template = self.known.template(&self.desired.agreement, id);
            let step = step.named(format!("{name}/{}", request.id)).ranked(REJECT);
            step.touching(template.map(ResourceKind::Template))
        });
        steps.collect()
    }

    /// Listed texts that are not wanted, or are not what was agreed, by whoever registered them.
    fn remove(&self, place: &Place<'_>) -> Vec<Planned> {
        let Place { member, account, name, view, wanted, .. } = place;
        let mut out: BTreeMap<&String, BTreeSet<String>> = BTreeMap::new();
        for (alias, runner) in &view.spec.runners {
            for id in runner.templates.iter().filter(|id| account.templates.contains_key(*id)) {
                let keeps = wanted.is_some_and(|wanted| {
                    let said = wanted.said(id);
                    let shown = self.shown(name, member, id);
                    // What is not shown yet is not another text.
                    let same = |said| shown.is_none_or(|text| Self::is_said(said, text.spec));
                    *alias == names::alias(&wanted.runner) && said.is_some_and(same)
                });
                if !keeps {
                    out.entry(id).or_default().insert(alias.clone());
                }
            }
        }
        let steps = out.into_iter().map(|(id, runners)| {
            let (room, template) = ((*name).to_owned(), id.clone());
            let call = Call::RemoveTemplate { room, template, runners };
            let step = Planned::new(member, Effect::Revoke, "template", call);
            let takes = self.known.templates.get(id).map(|said| said.version.clone());
            let template = self.known.template(&self.desired.agreement, id);
            let step = step.named(format!("{name}/{id}")).ranked(REMOVE).taking(takes);
            step.touching(template.map(ResourceKind::Template))
        });
        steps.collect()
    }

    /// A member's way out of a collaboration that is not wanted, or that it is in no more: first its data, then itself, in two calls.
    fn part(&self, place: &Place<'_>, state: Option<State>) -> Vec<Planned> {
        let Place { member, name, view, room, .. } = place;
        let owns = **member == room.runner;
        let is_wanted = self.wanted.rooms.get(&room.runner).is_some_and(|wanted| {
            wanted.base == room.base && self.live(wanted).as_deref() == Some(*name)
        });
        let begun = state == Some(State::DropPending);
        if is_wanted && self.stays(member) && !begun && !(owns && self.is_spent(place)) {
            return Vec::new();
        }
        let linked = |alias: &String| {
            let mut runners = view.spec.runners.values();
            runners.any(|one| one.providers.get(alias).is_some_and(|ids| !ids.is_empty()))
        };
        let others = || {
            let mut own = view.spec.aliases.keys();
            let operated = |alias: &String| {
                let member = Known::member(room, alias);
                member.is_some_and(|member| {
                    let state = self.state(name, &member);
                    self.seen.account(name, &member).is_some() && state.is_some_and(State::is_in)
                })
            };
            own.any(|alias| operated(alias) && linked(alias))
        };
        let has_data = if owns { others() } else { linked(&names::alias(member)) };
        let again = match state {
            Some(State::DropPending) => true,
            Some(State::Joined | State::LeaveFailed) if !has_data => false,
            Some(_) | None => return Vec::new(),
        };
        let room_name = (*name).to_owned();
        let (call, rank) = if owns {
            (Call::Teardown { room: room_name, again }, TEARDOWN)
        } else {
            (Call::Leave { room: room_name, again }, LEAVE)
        };
        let step = Planned::new(member, Effect::Revoke, "membership", call).ranked(rank);
        let all = view.spec.aliases.keys().filter_map(|alias| Known::member(room, alias));
        let touched: BTreeSet<MemberId> =
            if owns { all.collect() } else { BTreeSet::from([(*member).clone()]) };
        vec![step.named(*name).touching(touched.into_iter().map(ResourceKind::Member))]
    }

    /// Whether everybody but its owner left a collaboration for good, so that it serves nobody any more. One who left does not come back:
    /// it is made anew.
    fn is_spent(&self, place: &Place<'_>) -> bool {
        let Place { member, name, room, .. } = place;
        let mut others =
            room.parties.keys().filter(|one| one != member && self.stays(one)).peekable();
        others.peek().is_some()
            && others.all(|one| self.state(name, one).is_some_and(State::is_over))
    }

    /// Views of ours that are not wanted, or are not what was agreed: whatever is linked over one reads nothing from then on.
    fn views(&self, member: &MemberId, account: &Account) -> Vec<Planned> {
        let schema = names::schema(&self.desired.agreement.collaboration);
        let is_past = self.seen.is_past(member, account);
        let wanted = |view: &String, found: &Digest| {
            !is_past
                && self.wanted.offerings.values().any(|one| {
                    let path = [account.database.as_str(), &schema, view];
                    one.owner == *member
                        && one.view == *view
                        && made_by(path, &one.entry) == Some(*found)
                })
        };
        let steps =
            account.views.iter().filter(|(view, found)| !wanted(view, found)).map(|(view, _)| {
                let (database, schema) = (account.database.clone(), schema.clone());
                let call = Call::DropView { database, schema, view: view.clone() };
                let step = Planned::new(member, Effect::Revoke, "view", call).ranked(VIEW);
                let name = view.split('$').next().unwrap_or_default().to_ascii_lowercase();
                let dataset = DatasetName::new(&name).ok();
                step.named(view.clone()).touching(dataset.map(ResourceKind::Dataset))
            });
        steps.collect()
    }

    /// Members who left the agreement and are in still, and whom nobody here operates.
    pub(super) fn gone<'r>(
        &self,
        room: &'r Room,
        (name, view): (&str, &View),
    ) -> BTreeSet<&'r MemberId> {
        let gone = room.parties.keys().filter(|member| {
            let alias = names::alias(member);
            let state = self.state(name, member);
            !self.stays(member)
                && !self.operates(member)
                && view.spec.aliases.contains_key(&alias)
                && !state.is_some_and(State::is_over)
        });
        gone.collect()
    }

    /// The owner asks for another target of the whole, without those who are gone. Others may veto it; their data is not used meanwhile.
    /// One that was refused or that failed is asked for again, some times.
    fn edit(&self, room: &Room) -> Option<Planned> {
        let (name, view) = self.lives(room)?;
        if !self.seen.accounts.contains_key(&room.runner) || !self.is_joined(&name, &room.runner) {
            return None;
        }
        let gone = self.gone(room, (&name, view));
        if gone.is_empty() || asked(view, room) != Edits::ToAsk {
            return None;
        }
        let spec = room.target(&name, &view.spec, |alias| {
            !gone.iter().any(|member| names::alias(member) == *alias)
        })?;
        let call = Call::Edit { room: name.clone(), spec };
        let step = Planned::new(&room.runner, Effect::Revoke, "collaboration", call).ranked(EDIT);
        Some(step.named(name).touching(gone.into_iter().cloned().map(ResourceKind::Member)))
    }
}
