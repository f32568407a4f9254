//! What lies in collaborations, whoever made them, as an agreement; and everything of them that no agreement says. What can be said
//! only wider is left out and named; nothing is said weaker than it is there. Pure but for `look`. Must not know what is planned.

mod found;
mod look;
mod reached;
mod sources;
#[cfg(test)]
mod tests;

use super::names;
use super::seen::State;
use super::wanted::{Room as Taken, Wanted, wanted};
use crate::import::{Draft, Import};
use crate::reach::account_of;
use crate::region::canonical;
use adapter_spi::{Desired, Imported, Unexpressed, delivered};
use found::{Found, Room};
use mappings::agreement::identifier;
use mappings::model::{
    Ability, CollaborationId, Digest, Member, MemberId, PlatformId, Region, Room as Place,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is made of collaborations.
struct Rooms<'a> {
    found: &'a Found,
    ask: &'a Import,
    draft: Draft<'a>,
    /// Members by account.
    members: BTreeMap<String, MemberId>,
}

/// The agreement that describes what was found; `None` where nothing has a name.
fn import(found: &Found, ask: &Import) -> Option<Imported> {
    let called = called(found, ask)?;
    let draft = Draft::new(PlatformId::snowflake_dcr(), called, (&ask.entities, &found.tables));
    let mut rooms = Rooms { found, ask, draft, members: BTreeMap::new() };
    rooms.parties();
    let region = Region::new(&canonical(&found.region)).ok();
    rooms.draft.agreement.rooms = vec![Place { platform: PlatformId::snowflake_dcr(), region }];
    for source in rooms.sources() {
        rooms.draft.dataset(&source);
    }
    for (name, room) in &found.rooms {
        rooms.offered(name, room);
        rooms.listed(name, room);
    }
    let is_own = rooms.is_own();
    for (name, room) in found.rooms.iter().filter(|_| !is_own) {
        rooms.anew(name, room);
    }
    let Rooms { mut draft, .. } = rooms;
    draft.unseen(&found.unseen);
    draft.remark("limits", "a collaboration has no cap; 100 runs in 24 hours is Airlock's own");
    delivered(&mut draft.agreement, &mut draft.remarks, &ask.destinations);
    let Draft { agreement, remarks, unexpressed, .. } = draft;
    let unexpressed = unexpressed.into_iter().collect();
    Some(Imported { agreement, remarks, unexpressed, is_own })
}

/// Whether a runner's collaboration has what is wanted of it linked and listed, and nothing else.
fn is_held(wanted: &Wanted, room: &Taken, there: &Room) -> bool {
    let Some(held) = there.spec.runners.get(&names::alias(&room.runner)) else { return false };
    let linked: BTreeSet<&String> = held.providers.values().flatten().collect();
    let offered = room.datasets.iter().filter_map(|name| wanted.offerings.get(name));
    let listed: BTreeSet<&String> = room.templates.values().map(|said| &said.id).collect();
    let party = |member: &MemberId, account: &String| (names::alias(member), account.clone());
    let parties: BTreeMap<_, _> = room.parties.iter().map(|(one, at)| party(one, at)).collect();
    there.spec.owner == names::alias(&room.runner)
        && there.spec.aliases == parties
        && held.receivers.is_empty()
        && there.spec.runners.len() == 1
        && linked == offered.map(|one| &one.id).collect()
        && held.templates.iter().eq(listed)
}

/// The name of the whole.
fn called(found: &Found, ask: &Import) -> Option<CollaborationId> {
    let mut objects = found.offerings.values().flatten().filter_map(|one| one.object.as_ref());
    let first = found.rooms.keys().next()?;
    let made = objects.find_map(sources::agreement_of).filter(|_| first.starts_with("airlock_"));
    let called = || identifier(first, '-', CollaborationId::new, &mut BTreeSet::new());
    ask.name.clone().or(made).or_else(called)
}

impl Rooms<'_> {
    /// Everybody whom a spec names, under the names that were given to them, else under those made of their aliases.
    fn parties(&mut self) {
        let found = self.found;
        let given = self.ask.accounts.iter();
        self.members = given
            .filter_map(|(member, account)| Some((account_of(account)?, member.clone())))
            .collect();
        let mut taken: BTreeSet<String> =
            self.ask.accounts.keys().map(ToString::to_string).collect();
        for (name, room) in &found.rooms {
            for (alias, account) in &room.spec.aliases {
                if room.states.get(alias) == Some(&State::Out) {
                    self.draft.unsaid(Unexpressed {
                        code: "member-gone",
                        at: format!("member {alias}"),
                        what: format!("left collaboration {name}"),
                        why: "whoever is out never comes back into that collaboration".to_owned(),
                        change: "nothing, unless it is to take part again: then in a new one"
                            .to_owned(),
                        wider: false,
                    });
                    continue;
                }
                let known = self.members.get(account).cloned();
                let id = known.or_else(|| identifier(alias, '-', MemberId::new, &mut taken));
                let (Some(id), Some(account)) = (id, account_of(account)) else {
                    self.draft.unsaid(Unexpressed {
                        code: "member-account",
                        at: format!("member {alias}"),
                        what: format!("of collaboration {name}"),
                        why: "its account is no ORG.ACCOUNT, so that no agreement can pin it"
                            .to_owned(),
                        change: "a collaboration with its organisation's name for it".to_owned(),
                        wider: true,
                    });
                    continue;
                };
                self.members.insert(account.clone(), id.clone());
                self.party(&id, &account, (alias, room));
            }
        }
    }

    fn party(&mut self, id: &MemberId, account: &str, (alias, room): (&String, &Room)) {
        let mut abilities = BTreeSet::new();
        if room.spec.runners.contains_key(alias) {
            abilities.extend([Ability::Run, Ability::Receive]);
        }
        let runners = room.spec.runners.values();
        if runners.clone().any(|runner| runner.providers.contains_key(alias)) {
            abilities.insert(Ability::Contribute);
        }
        if runners.clone().any(|runner| runner.receivers.contains(alias)) {
            abilities.insert(Ability::Receive);
            self.draft.unsaid(Unexpressed {
                code: "results-sent",
                at: format!("member {id}"),
                what: "the collaboration sends results to it".to_owned(),
                why: "who receives is a matter of each template, and those that are not read back name nobody".to_owned(),
                change: "`received_by` of templates that it may receive, and this collaboration closed".to_owned(),
                wider: true,
            });
        }
        let identity = [(PlatformId::snowflake_dcr(), account.to_owned())].into();
        let member =
            Member { name: id.to_string(), abilities: BTreeSet::new(), identity, key: None };
        let known = self.draft.agreement.members.entry(id.clone()).or_insert(member);
        known.abilities.extend(abilities);
    }

    /// Offerings that were not looked at: where they lie only their owner sees.
    fn offered(&mut self, name: &str, room: &Room) {
        for (alias, id) in room.spec.runners.values().flat_map(|runner| {
            let held = runner.providers.iter();
            held.flat_map(|(alias, ids)| ids.iter().map(move |id| (alias, id)))
        }) {
            let account = room.spec.aliases.get(alias).cloned().unwrap_or_default();
            if self.found.offerings.contains_key(&(account, id.clone())) {
                continue;
            }
            let change =
                "a connection and --member for its owner, or the import at its owner's gateway";
            let why = "where it lies only its owner's registry says";
            let what = format!("it is {alias}'s, in collaboration {name}");
            self.draft.left_out("not-operated", format!("offering {id}"), (&what, why, change));
        }
    }

    /// Listed templates: their texts are of the platform's language, and are not read back; the questions of Airlock's own are told.
    fn listed(&mut self, name: &str, room: &Room) {
        for (id, text) in &room.templates {
            let at = format!("template {id}");
            let change = "its question in the language of templates, added to the agreement";
            if text.kind != "sql_analysis" {
                let why = "an agreement's templates answer a question in SQL";
                let what = format!("another kind, in collaboration {name}");
                self.draft.left_out("template-format", at, (&what, why, change));
                continue;
            }
            if let Some((called, told)) = &text.told {
                let sql = Digest::of(text.sql.as_bytes());
                self.draft.template(called, told.clone(), |agreement| {
                    let wanted = wanted(&Desired::whole(Arc::new(agreement.clone())));
                    let mut said = wanted.rooms.values().filter_map(|room| room.said(id));
                    said.any(|one| one.sql == sql)
                });
                continue;
            }
            let why = "its spec tells no question in the language of templates: Airlock did not make it, or there was no room; a text of Jinja in Snowflake SQL is not read back";
            let what = format!("its text, in collaboration {name}");
            self.draft.left_out("template-unheard", at, (&what, why, change));
        }
        for (runner, held) in &room.spec.runners {
            for id in held.templates.iter().filter(|id| !room.templates.contains_key(*id)) {
                let why = "its text could not be looked at";
                let change = "a connection of a member who joined, and the import again";
                let what = format!("listed for {runner} in collaboration {name}");
                self.draft.left_out("not-seen", format!("template {id}"), (&what, why, change));
            }
        }
    }

    /// Whether what the agreement takes is what lies there, version by version: nothing is made anew.
    fn is_own(&self) -> bool {
        let found = self.found;
        let wanted = wanted(&Desired::whole(Arc::new(self.draft.agreement.clone())));
        self.draft.unexpressed.is_empty()
            && found.unseen.is_empty()
            && wanted.rooms.len() == found.rooms.len()
            && wanted.rooms.values().all(|room| {
                let mut named = found.rooms.iter();
                let there =
                    named.find(|(name, _)| names::generation_of(&room.base, name).is_some());
                there.is_some_and(|(_, there)| is_held(&wanted, room, there))
            })
    }

    /// What becomes of a collaboration under the agreement.
    fn anew(&mut self, name: &str, room: &Room) {
        let owner = room.spec.aliases.get(&room.spec.owner);
        let owner = owner.and_then(|account| self.members.get(account));
        let owner = owner.map_or_else(|| "its owner".to_owned(), ToString::to_string);
        let called = self.draft.agreement.collaboration.as_str().replace('-', "_");
        let called: String = called.chars().take(24).collect();
        let ours = name.starts_with(&format!("airlock_{called}_"));
        self.draft.unsaid(Unexpressed {
            code: "made-anew",
            at: format!("collaboration {name}"),
            what: format!("owned by {owner}"),
            why: if ours {
                "what lies there is not all that the agreement takes, or is another version of it: `airlock apply` closes what the agreement does not have".to_owned()
            } else {
                "Airlock takes up nothing that it did not make: it makes a collaboration, views, offerings and templates of its own beside this one, which stays open".to_owned()
            },
            change: if ours {
                "the agreement's own file or log, under which nothing is closed; or templates added to this one".to_owned()
            } else {
                format!("once the new one is in use, by {owner}, twice: CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.TEARDOWN('{name}')")
            },
            wider: !ours,
        });
    }
}
