//! What of the agreement a native thing is about. Whatever no agreement has a name for is about the member in whose account it is.

use super::{Planned, Subject};
use crate::call::Call;
use crate::names;
use crate::seen::{Past, Room};
use crate::wanted::wanted;
use adapter_spi::{Desired, Resource, ResourceKind};
use mappings::model::{DatasetName, MemberId, PlatformId, TemplateName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Kinds of things; of none, the member whose account it is.
pub(super) type Touches = BTreeSet<ResourceKind>;

/// The agreements' texts as they are called there.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// The version that each name stands for; of several with the same text the newest agreement's.
    versions: BTreeMap<String, Resource>,
    /// The templates that read each dataset.
    readers: BTreeMap<DatasetName, BTreeSet<TemplateName>>,
}

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

    fn said(&self) -> &Said {
        self.said.get_or_init(|| {
            let mut said = Said::default();
            for agreement in &self.agreements {
                let all = wanted(&Desired::whole(Arc::clone(agreement)));
                for (name, text) in all.rooms.values().flat_map(|room| &room.templates) {
                    let Some(template) = agreement.templates.get(name) else { continue };
                    let version = || Resource::template(name, template);
                    said.versions.entry(text.alias.clone()).or_insert_with(version);
                    for dataset in &text.touches {
                        said.readers.entry(dataset.clone()).or_default().insert(name.clone());
                    }
                }
            }
            said
        })
    }

    /// The version of a template that a text's name there stands for.
    pub(super) fn version(&self, alias: &str) -> Option<&Resource> {
        self.said().versions.get(alias)
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

    /// A table's rule that allows these from now on, or no more: the dataset, and each template with its owner's part. What is no
    /// template there is about those of them that are not there any more, and else the dataset alone; any query may be any
    /// template's.
    pub(super) fn of_rule<'a>(
        &self,
        owner: &MemberId,
        table: &str,
        arns: impl IntoIterator<Item = &'a String>,
    ) -> Touches {
        let mut touches = self.of_dataset(table);
        let Some(ResourceKind::Dataset(dataset)) = touches.first().cloned() else { return touches };
        let there: BTreeMap<&String, &String> = self
            .views()
            .flat_map(|room| &room.templates)
            .map(|(alias, one)| (&one.arn, alias))
            .collect();
        let part = |name: &TemplateName| ResourceKind::Approval(name.clone(), owner.clone());
        let readers = || self.said().readers.get(&dataset).into_iter().flatten();
        for arn in arns {
            if let Some(name) = there.get(arn).and_then(|alias| self.template(alias)) {
                touches.extend([part(&name), ResourceKind::Template(name)]);
            } else if !arn.starts_with("arn:") {
                let any =
                    readers().flat_map(|name| [part(name), ResourceKind::Template(name.clone())]);
                touches.extend(any);
                touches.insert(ResourceKind::Member(owner.clone()));
            } else if !there.contains_key(arn) {
                let left: BTreeSet<TemplateName> =
                    there.values().filter_map(|alias| self.template(alias)).collect();
                touches.extend(readers().filter(|name| !left.contains(*name)).map(part));
            }
        }
        touches
    }

    /// What the whole value that a call sets leaves open: whatever else it changes, landing late it opens that again.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other call makes, ends or counts something, and opens nothing"
    )]
    pub(super) fn leaves(&self, planned: &Planned) -> Touches {
        let Planned { member, name, call, .. } = planned;
        match call {
            Call::CreateConfiguredTableAnalysisRule { rule, .. }
            | Call::UpdateConfiguredTableAnalysisRule { rule, .. }
                if !rule.analyses.is_empty() =>
            {
                self.of_rule(member, name, &rule.analyses)
            }
            // Its columns.
            Call::UpdateConfiguredTable { .. } => self.of_dataset(name),
            Call::CreateConfiguredTableAssociationAnalysisRule { receivers, .. }
            | Call::UpdateConfiguredTableAssociationAnalysisRule { receivers, .. } => {
                self.of_members(receivers)
            }
            _ => Touches::new(),
        }
    }

    /// Members by their accounts, as far as an agreement names these.
    pub(super) fn of_members<'a>(&self, accounts: impl IntoIterator<Item = &'a String>) -> Touches {
        let members = accounts.into_iter().filter_map(|account| self.member(account));
        members.map(ResourceKind::Member).collect()
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
