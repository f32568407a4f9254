//! Who takes part, what the agreement is called, and where it is. Pure.

use super::Shares;
use super::found::Found;
use crate::import::Import;
use crate::reach::account_of;
use crate::region::canonical;
use adapter_spi::Unexpressed;
use mappings::agreement::identifier;
use mappings::model::{Ability, CollaborationId, Member, MemberId, PlatformId, Region, Room};
use std::collections::BTreeSet;

/// The name of the whole.
pub(super) fn called(found: &Found, ask: &Import) -> Option<CollaborationId> {
    let first = found.shares.first()?;
    let made = first.mark.as_ref().map(|mark| mark.airlock.clone());
    let called = || identifier(&first.name, '-', CollaborationId::new, &mut BTreeSet::new());
    ask.name.clone().or(made).or_else(called)
}

impl Shares<'_> {
    /// Owners and those whom their shares let in, under the names that were given to them, else under those of their accounts.
    pub(super) fn parties(&mut self) {
        let found = self.found;
        let given = self
            .ask
            .accounts
            .iter()
            .filter_map(|(member, account)| Some((account_of(account)?, member.clone())));
        self.members = given.collect();
        let mut taken: BTreeSet<String> =
            self.ask.accounts.keys().map(ToString::to_string).collect();
        let owners: BTreeSet<&String> = found.shares.iter().map(|share| &share.owner).collect();
        let runners: BTreeSet<&String> = found.shares.iter().flat_map(|share| &share.to).collect();
        let named: Vec<String> = self.members.keys().cloned().collect();
        let all: BTreeSet<&String> = owners.iter().chain(&runners).copied().chain(&named).collect();
        for account in all {
            let known = self.members.get(account).cloned();
            let id = known.or_else(|| identifier(account, '-', MemberId::new, &mut taken));
            let Some(id) = id else { continue };
            let (owns, runs) = (owners.contains(account), runners.contains(account));
            if !owns && !runs {
                self.draft.unsaid(Unexpressed {
                    code: "member-elsewhere",
                    at: format!("member {id}"),
                    what: account.clone(),
                    why: "none of these shares is its own or lets it in".to_owned(),
                    change: "the share that it is in, with --share".to_owned(),
                    wider: false,
                });
            }
            let mut abilities = BTreeSet::new();
            abilities.extend(owns.then_some(Ability::Contribute));
            abilities
                .extend(runs.then_some([Ability::Run, Ability::Receive]).into_iter().flatten());
            let identity = [(PlatformId::snowflake(), account.clone())].into();
            let member = Member { name: id.to_string(), abilities, identity, key: None };
            self.members.insert(account.clone(), id.clone());
            self.draft.agreement.members.insert(id, member);
        }
    }

    /// The room.
    pub(super) fn room(&mut self) {
        let region = Region::new(&canonical(&self.found.region)).ok();
        self.draft.agreement.rooms = vec![Room { platform: PlatformId::snowflake(), region }];
    }

    /// Templates that Airlock's runners have listed, with the texts that stand beside the list.
    pub(super) fn templates(&mut self) {
        let all: Vec<_> = self.runs().map(|(_, runs)| runs).collect();
        for runs in all {
            let listed = runs.mark.iter().flat_map(|mark| &mark.templates);
            for (name, version) in listed {
                let texts = runs.mark.as_ref().and_then(|mark| mark.texts.get(name));
                if let Some(text) = texts.filter(|text| text.digest(name) == *version) {
                    self.draft.template(name, text.clone(), |_| true);
                    continue;
                }
                let member = runs.member.as_ref().map_or("a runner", MemberId::as_str);
                self.draft.unsaid(Unexpressed {
                    code: "template-text-missing",
                    at: format!("template {name}"),
                    what: format!("listed for {member}, version {version}"),
                    why: "the list has its name and version, and not its text: an earlier version made it, or there was no room for it".to_owned(),
                    change: "its text from the agreement that it was made by, in a new version of this one".to_owned(),
                    wider: false,
                });
            }
        }
    }
}
