//! What of the agreement a native thing is about. Whatever no agreement has a name for is about everything.

use super::Subject;
use crate::names;
use crate::seen::{Past, Room};
use adapter_spi::ResourceKind;
use mappings::model::{DatasetName, MemberId, PlatformId, TemplateName};
use std::collections::BTreeSet;

/// Kinds of things; none of them means everything.
pub(super) type Touches = BTreeSet<ResourceKind>;

impl Subject<'_> {
    /// The dataset of an association or of a configured table.
    pub(super) fn of_dataset(&self, name: &str) -> Touches {
        let prefix = names::tables(&self.desired.agreement.collaboration);
        let bare = name.strip_prefix(&prefix).unwrap_or(name);
        let known = DatasetName::new(bare).ok().filter(|dataset| {
            self.agreements.iter().any(|agreement| agreement.datasets.contains_key(dataset))
        });
        known.map(ResourceKind::Dataset).into_iter().collect()
    }

    /// The template of a text's name there.
    pub(super) fn of_template(&self, alias: &str) -> Touches {
        self.template(alias).map(ResourceKind::Template).into_iter().collect()
    }

    fn template(&self, alias: &str) -> Option<TemplateName> {
        let name = TemplateName::new(alias.rsplit_once('-')?.0).ok()?;
        let mut known = self.agreements.iter();
        known.any(|agreement| agreement.templates.contains_key(&name)).then_some(name)
    }

    /// A table's rule that allows these from now on, or no more: the dataset, and each template with its owner's part. The ARN of
    /// something that is no template of the agreement is about the dataset alone; any query at all is about everything.
    pub(super) fn of_rule<'a>(
        &self,
        owner: &MemberId,
        table: &str,
        arns: impl IntoIterator<Item = &'a String>,
    ) -> Touches {
        let mut touches = self.of_dataset(table);
        if touches.is_empty() {
            return touches;
        }
        let rooms: Vec<&Room> = self.views().collect();
        for arn in arns {
            if !arn.starts_with("arn:") {
                // Any query may be any template's.
                return Touches::new();
            }
            let templates = rooms.iter().flat_map(|room| &room.templates);
            let mut aliases = templates.filter(|(_, one)| one.arn == *arn).map(|(alias, _)| alias);
            if let Some(name) = aliases.find_map(|alias| self.template(alias)) {
                touches.insert(ResourceKind::Approval(name.clone(), owner.clone()));
                touches.insert(ResourceKind::Template(name));
            }
        }
        touches
    }

    /// Members by their accounts.
    pub(super) fn of_members<'a>(&self, accounts: impl IntoIterator<Item = &'a String>) -> Touches {
        let members = accounts.into_iter().map(|account| self.member(account));
        let members: Option<BTreeSet<MemberId>> = members.collect();
        members.unwrap_or_default().into_iter().map(ResourceKind::Member).collect()
    }

    fn member(&self, account: &String) -> Option<MemberId> {
        let members = self.agreements.iter().flat_map(|agreement| &agreement.members);
        let platform = PlatformId::aws_clean_rooms();
        let mut known = members.filter(|(_, one)| one.identity.get(&platform) == Some(account));
        known.next().map(|(name, _)| name.clone())
    }

    /// All collaborations as all accounts see them.
    pub(super) fn views(&self) -> impl Iterator<Item = &Room> {
        let past = self.seen.past.iter().map(|Past { account, .. }| account);
        self.seen.accounts.values().chain(past).flat_map(|account| account.rooms.values())
    }
}
