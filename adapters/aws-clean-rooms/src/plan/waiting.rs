//! What members do whom this gateway does not operate, down to a command that they can run. They are waited for, never
//! impersonated.

use super::Subject;
use super::rooms::agrees;
use crate::wanted::Room;
use adapter_spi::NeedsCounterparty;
use mappings::model::MemberId;

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

    fn operates(&self, member: &MemberId) -> bool {
        self.seen.accounts.contains_key(member) || self.seen.unseen.contains_key(member)
    }

    fn waiting_in(&self, room: &Room) -> Vec<NeedsCounterparty> {
        let needs = |member: &MemberId, what: String, act: String| NeedsCounterparty {
            member: member.clone(),
            what,
            act,
        };
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
        let mut waiting = Vec::new();
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
        for (dataset, table) in &self.wanted.tables {
            let elsewhere = !self.operates(&table.owner) && room.datasets.contains_key(dataset);
            if !elsewhere {
                continue;
            }
            let act = format!(
                "the commands of: airlock export cli {} --member {}",
                self.desired.agreement.collaboration, table.owner
            );
            match seen.schemas.get(dataset.as_str()) {
                None => {
                    let what = format!("it brings table {dataset} into {}", room.name);
                    waiting.push(needs(&table.owner, what, act));
                }
                Some(schema) if !schema.ready => {
                    let reasons: Vec<&str> = schema.reasons.iter().map(String::as_str).collect();
                    let what = format!("table {dataset} is not ready: {}", reasons.join(", "));
                    waiting.push(needs(&table.owner, what, act));
                }
                Some(schema) => {
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
}
