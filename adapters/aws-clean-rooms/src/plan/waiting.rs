//! What members do whom this gateway does not operate, down to a command that they can run. They are waited for, never
//! impersonated.

use super::Subject;
use super::rooms::agrees;
use crate::export::{allow, bring};
use crate::seen::{self, Beside};
use crate::wanted::Room;
use adapter_spi::NeedsCounterparty;
use mappings::model::{DatasetName, MemberId};

impl Subject<'_> {
    /// One entry a member and what it is about.
    pub(super) fn waiting(&self) -> Vec<NeedsCounterparty> {
        let mut waiting = Vec::new();
        for (member, code) in &self.seen.unseen {
            waiting.push(NeedsCounterparty {
                member: member.clone(),
                what: format!("its account could not be looked at: {code}"),
                act: "airlock connections test".to_owned(),
            });
        }
        for room in self.wanted.rooms.values() {
            waiting.extend(self.waiting_in(room));
        }
        waiting
    }

    /// Where the data of operated owners is open beside what is agreed. It keeps nothing that is agreed from being there.
    pub(super) fn open_beside(&self) -> Vec<NeedsCounterparty> {
        let accounts = self.seen.accounts.iter().filter(|_| self.desired.open);
        let beside = accounts
            .flat_map(|(member, account)| account.beside.iter().map(move |one| wider(member, one)));
        beside.collect()
    }

    fn operates(&self, member: &MemberId) -> bool {
        self.seen.accounts.contains_key(member) || self.seen.unseen.contains_key(member)
    }

    /// Members of the agreement who are in a collaboration no more, and how that came: by its creator's hand, by their own, or by
    /// its end. None of them is ever put back.
    fn gone<'a>(&'a self, room: &'a Room, seen: &seen::Room) -> Vec<(&'a MemberId, &'static str)> {
        let stays = room.parties.iter().filter(|(name, _)| self.desired.members.contains(*name));
        let gone = stays.filter_map(|(name, party)| {
            let own =
                self.seen.accounts.get(name).and_then(|account| account.rooms.get(&room.name));
            let own = own.and_then(|room| room.membership.as_ref()).map(|own| own.status.as_str());
            let listed = seen.members.get(&party.account).map(|member| member.status.as_str());
            match (own, listed) {
                (Some("REMOVED"), _) | (_, Some("REMOVED")) => Some((name, "was removed from")),
                (Some("COLLABORATION_DELETED"), _) => Some((name, "saw the end of")),
                (_, Some("LEFT")) => Some((name, "left")),
                _ => None,
            }
        });
        gone.collect()
    }

    fn waiting_in(&self, room: &Room) -> Vec<NeedsCounterparty> {
        let Some((_, seen)) = self.seen.room(&room.name, &room.runner) else {
            if self.operates(&room.runner) {
                return Vec::new();
            }
            let what = format!("it makes the collaboration {}", room.name);
            let act = format!(
                "airlock apply {} --room aws-clean-rooms, on its own gateway; or the commands of: airlock export cli {} --member {}",
                self.desired.agreement.collaboration,
                self.desired.agreement.collaboration,
                room.runner
            );
            return vec![needs(&room.runner, what, act)];
        };
        if !agrees(room, seen) {
            let what = format!(
                "the collaboration {} has other members or abilities than were agreed; nothing goes into it",
                room.name
            );
            return vec![needs(&room.runner, what, "make it anew as agreed".to_owned())];
        }
        let gone = self.gone(room, seen);
        let mut waiting = Vec::new();
        for (name, how) in &gone {
            let what =
                format!("it {how} the collaboration {}, into which nobody comes back", room.name);
            let act = format!(
                "airlock revoke {} --membership --as {name}, or an agreement under another name",
                self.desired.agreement.collaboration
            );
            waiting.push(needs(name, what, act));
        }
        for (name, party) in room.parties.iter().filter(|(name, _)| !self.operates(name)) {
            let invited = seen.members.get(&party.account).is_some_and(|m| m.status == "INVITED");
            if invited {
                let act = format!(
                    "aws cleanrooms create-membership --collaboration-identifier {} --query-log-status ENABLED",
                    seen.id
                );
                waiting.push(needs(name, format!("it joins the collaboration {}", room.name), act));
            }
        }
        let stays = |owner: &MemberId| !gone.iter().any(|(name, _)| *name == owner);
        waiting.extend(self.brought(room, seen).into_iter().filter(|one| stays(&one.member)));
        waiting
    }

    /// Tables that others bring, and what their rules allow.
    fn brought(&self, room: &Room, seen: &seen::Room) -> Vec<NeedsCounterparty> {
        let mut waiting = Vec::new();
        for (dataset, table) in &self.wanted.tables {
            if self.operates(&table.owner) || !room.datasets.contains_key(dataset) {
                continue;
            }
            let act = format!(
                "the commands of: airlock export cli {} --member {}",
                self.desired.agreement.collaboration, table.owner
            );
            match seen.schemas.get(dataset.as_str()) {
                None => {
                    let what = format!("it brings table {dataset} into {}", room.name);
                    let is_made = self.is_elsewhere(room, dataset);
                    let subject = (&self.wanted, self.desired);
                    let act =
                        bring(subject, (room, seen.id.as_str()), dataset, is_made).unwrap_or(act);
                    waiting.push(needs(&table.owner, what, act));
                }
                Some(schema) if !schema.ready && !allows_nothing(schema) => {
                    let reasons: Vec<&str> = schema.reasons.iter().map(String::as_str).collect();
                    let what = format!("table {dataset} is not ready: {}", reasons.join(", "));
                    waiting.push(needs(&table.owner, what, act));
                }
                Some(schema) => {
                    let rooms = self.wanted.rooms.values();
                    let agreed = rooms.flat_map(|one| self.approved(one, dataset, &table.owner));
                    let act = allow(self.desired, table, &agreed.collect());
                    let touching = room.templates.values().filter(|t| t.touches.contains(dataset));
                    for text in touching {
                        let found = seen.templates.get(&text.alias);
                        let Some(found) = found.filter(|found| text.is(found)) else { continue };
                        if !schema.analyses.contains(&found.arn) {
                            let what = format!("its rule on {dataset} allows {}", text.alias);
                            waiting.push(needs(&table.owner, what, act.clone()));
                        }
                    }
                }
            }
        }
        waiting
    }

    /// Whether another collaboration of the agreement has the table already.
    fn is_elsewhere(&self, room: &Room, dataset: &DatasetName) -> bool {
        let others = self.wanted.rooms.values().filter(|other| other.name != room.name);
        let mut seen = others.filter_map(|other| self.seen.room(&other.name, &other.runner));
        seen.any(|(_, seen)| seen.schemas.contains_key(dataset.as_str()))
    }
}

/// Whether all that a table lacks is a template in its rule.
fn allows_nothing(schema: &seen::Schema) -> bool {
    let mut reasons = schema.reasons.iter();
    reasons.len() == 1 && reasons.all(|reason| reason == "ANALYSIS_TEMPLATES_NOT_CONFIGURED")
}

/// The same data, open beside what is agreed: its owner let it stand, and its owner closes it. The agreement holds nothing there.
fn wider(member: &MemberId, one: &Beside) -> NeedsCounterparty {
    let Beside { dataset, table, collaboration, membership, association, with } = one;
    let with = with.iter().map(MemberId::as_str).collect::<Vec<_>>().join(", ");
    let table: String =
        table.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect();
    let what = format!(
        "{dataset} is open wider than agreed: to {with} in collaboration {collaboration}, by table {table}, which Airlock did not make"
    );
    let act = format!(
        "aws cleanrooms delete-configured-table-association --membership-identifier {membership} --configured-table-association-identifier {association}"
    );
    needs(member, what, act)
}

fn needs(member: &MemberId, what: String, act: String) -> NeedsCounterparty {
    NeedsCounterparty { member: member.clone(), what, act }
}
