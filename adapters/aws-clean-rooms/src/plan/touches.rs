//! What of the agreement a native thing is about. Whatever no agreement has a name for is about everything.

use super::Subject;
use crate::names;
use crate::seen::{Past, Room};
use crate::wanted::wanted;
use adapter_spi::{Desired, Resource, ResourceKind};
use mappings::model::{DatasetName, MemberId, PlatformId, TemplateName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Kinds of things; none of them means everything.
pub(super) type Touches = BTreeSet<ResourceKind>;

/// The version that each text's name there stands for; of several with the same text the newest agreement's.
pub(crate) type Said = BTreeMap<String, Resource>;

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

    /// The version of a template that a text's name there stands for.
    pub(super) fn version(&self, alias: &str) -> Option<&Resource> {
        let said = self.said.get_or_init(|| {
            let mut said = Said::new();
            for agreement in &self.agreements {
                let all = wanted(&Desired::whole(Arc::clone(agreement)));
                for (name, text) in all.rooms.values().flat_map(|room| &room.templates) {
                    let Some(template) = agreement.templates.get(name) else { continue };
                    let version = || Resource::template(name, template);
                    said.entry(text.alias.clone()).or_insert_with(version);
                }
            }
            said
        });
        said.get(alias)
    }

    /// What leaves an owner's rule with each of these: its part of an agreed version, or a version that is agreed no more.
    pub(super) fn by_version(
        &self,
        owner: &MemberId,
        arns: &BTreeSet<String>,
    ) -> BTreeMap<Option<Resource>, BTreeSet<String>> {
        let mut parts: BTreeMap<Option<Resource>, BTreeSet<String>> = BTreeMap::new();
        for arn in arns {
            let mut templates = self.views().flat_map(|room| &room.templates);
            let version = templates.find(|(_, one)| one.arn == *arn);
            let version = version.and_then(|(alias, _)| self.version(alias));
            let part = version.map(|version| self.part(owner, version));
            parts.entry(part).or_default().insert(arn.clone());
        }
        parts
    }

    fn part(&self, owner: &MemberId, version: &Resource) -> Resource {
        let ResourceKind::Template(name) = &version.kind else { return version.clone() };
        let agreed = self.desired.agreement.templates.get(name);
        if agreed.map(|agreed| agreed.digest(name)) != Some(version.digest) {
            return version.clone();
        }
        let kind = ResourceKind::Approval(name.clone(), owner.clone());
        Resource { kind, digest: version.digest }
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
