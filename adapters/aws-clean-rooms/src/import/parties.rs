//! Who takes part, what each may do, what the collaboration is called and where results may be. Pure.

use super::found::{Collaboration, Entry};
use super::{Draft, Unexpressed};
use crate::names;
use mappings::agreement::identifier;
use mappings::model::{Ability, CollaborationId, Member, MemberId, PlatformId, Region, Room};
use std::collections::{BTreeMap, BTreeSet};

impl Draft<'_> {
    /// The name of the whole.
    pub(super) fn called(&mut self) -> Option<CollaborationId> {
        let first = self.found.collaborations.first()?;
        let made = names::made(&first.name).map(|(agreement, _)| agreement);
        let chosen = self.ask.name.clone().or(made);
        let called = chosen
            .or_else(|| identifier(&first.name, '-', CollaborationId::new, &mut BTreeSet::new()))?;
        if called.as_str() != first.name && names::made(&first.name).is_none() {
            self.remark("collaboration", format!("called {} there", first.name));
        }
        Some(called)
    }

    /// Members under the names that were given to them, else under those made of their display names.
    pub(super) fn parties(&mut self) {
        let found = self.found;
        let mut entries: BTreeMap<(String, String), Vec<(&Collaboration, &Entry)>> =
            BTreeMap::new();
        for (room, entry) in found
            .collaborations
            .iter()
            .flat_map(|room| room.members.iter().map(move |entry| (room, entry)))
        {
            if ["LEFT", "REMOVED"].contains(&entry.status.as_str()) {
                self.gone(room, entry);
                continue;
            }
            let key = (entry.display.clone(), entry.account.clone());
            entries.entry(key).or_default().push((room, entry));
        }
        let mut taken: BTreeSet<String> =
            self.ask.accounts.keys().map(ToString::to_string).collect();
        for ((display, account), seats) in entries {
            let given = self.ask.accounts.iter().find(|(_, of)| **of == account);
            let known = self.members.get(&account).cloned();
            let id = known.or_else(|| given.map(|(member, _)| member.clone()));
            let id = id.or_else(|| identifier(&display, '-', MemberId::new, &mut taken));
            let Some(id) = id else { continue };
            self.members.insert(account.clone(), id.clone());
            if id.as_str() != display {
                self.remark(&format!("members.{id}"), format!("called {display} there"));
            }
            self.party(&id, (&display, &account), &seats);
        }
    }

    fn party(
        &mut self,
        id: &MemberId,
        (display, account): (&str, &str),
        seats: &[(&Collaboration, &Entry)],
    ) {
        let mut abilities = BTreeSet::new();
        for (room, entry) in seats {
            abilities.extend(entry.queries.then_some(Ability::Run));
            abilities.extend(entry.receives.then_some(Ability::Receive));
            // Without anybody named, whoever queries pays.
            let runner_alone = room.members.iter().all(|one| one.pays == one.queries);
            abilities.extend((entry.pays && !runner_alone).then_some(Ability::Pay));
            for further in &entry.further {
                self.unsaid(Unexpressed {
                    code: "member-ability",
                    at: format!("member {id}"),
                    what: further.clone(),
                    why: "agreements have no word for it".to_owned(),
                    change: "a change request there that takes it away".to_owned(),
                    wider: true,
                });
            }
        }
        let name: String = display.chars().filter(|c| !c.is_control()).collect();
        let name = if name.trim().is_empty() { id.to_string() } else { name };
        let identity = [(PlatformId::aws_clean_rooms(), account.to_owned())].into();
        let found = Member { name, abilities, identity, key: None };
        let known = self.agreement.members.entry(id.clone()).or_insert_with(|| found.clone());
        known.abilities.extend(found.abilities);
    }

    fn gone(&mut self, room: &Collaboration, entry: &Entry) {
        self.unsaid(Unexpressed {
            code: "member-gone",
            at: format!("member {}", entry.display),
            what: format!("{} of {}", entry.status, room.name),
            why: "whoever is out never comes back into that collaboration".to_owned(),
            change: "nothing, unless it is to take part again: then in a new one".to_owned(),
            wider: false,
        });
    }

    /// The room, and where data and results may be.
    pub(super) fn rooms(&mut self) {
        let region = Region::new(&self.found.region).ok();
        let platform = PlatformId::aws_clean_rooms();
        self.agreement.rooms = vec![Room { platform, region: region.clone() }];
        let limited = |room: &&Collaboration| !room.result_regions.is_empty();
        let limits: Vec<BTreeSet<Region>> = self
            .found
            .collaborations
            .iter()
            .filter(limited)
            .map(|room| room.result_regions.iter().filter_map(|r| Region::new(r).ok()).collect())
            .collect();
        let Some(mut all) = limits.into_iter().reduce(|one, two| &one & &two) else { return };
        if let Some(region) = region.filter(|region| !all.contains(region)) {
            self.remark("residency", "results may not lie in the collaboration's own Region there; agreements have one list for data, runs and results".to_owned());
            all = [region].into();
        }
        self.agreement.residency = all.into_iter().collect();
    }

    /// Settings of the whole that agreements have no word for.
    pub(super) fn settings(&mut self) {
        let found = self.found;
        for room in &found.collaborations {
            for further in &room.further {
                let at = format!("collaboration {}", room.name);
                let approves = further.starts_with("autoApprovedChangeTypes");
                self.unsaid(Unexpressed {
                    code: "collaboration-setting",
                    at,
                    what: further.clone(),
                    why: if approves {
                        "under an agreement every member says yes to every change".to_owned()
                    } else {
                        "agreements have no word for it".to_owned()
                    },
                    change: "a collaboration without it, which Airlock makes".to_owned(),
                    wider: approves,
                });
            }
        }
        for (at, code) in &found.unseen {
            self.unsaid(Unexpressed {
                code: "not-seen",
                at: at.clone(),
                what: code.clone(),
                why: "it could not be looked at, so nothing is known of it".to_owned(),
                change: "a connection that may read it, and the import again".to_owned(),
                wider: true,
            });
        }
        for name in &found.beside {
            self.unsaid(Unexpressed {
                code: "beside",
                at: format!("collaboration {name}"),
                what: "another collaboration of the same agreement".to_owned(),
                why: "it was not named".to_owned(),
                change: "name it as well with --collaboration".to_owned(),
                wider: true,
            });
        }
    }
}
