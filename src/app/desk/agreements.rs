//! Versions of an agreement, as members and those who are invited see them.

use super::{Desk, Seen, absent, texts};
use crate::access::Action;
use crate::error::Result;
use crate::log::fold::Version;
use crate::store::Stands;
use crate::wire;

impl Desk<'_> {
    /// The version in force and the one that waits; whoever is invited sees the latter only, and whoever left neither.
    pub(crate) async fn agreements(&self, name: &str) -> Result<wire::Agreements> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        Ok(wire::Agreements { agreements: visible(&seen) })
    }

    /// One of them by its digest.
    pub(crate) async fn agreement(
        &self,
        name: &str,
        digest: &str,
    ) -> Result<wire::AgreementVersion> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let found = visible(&seen).into_iter().find(|version| version.digest == digest);
        found.ok_or_else(absent)
    }
}

fn visible(seen: &Seen) -> Vec<wire::AgreementVersion> {
    let state = seen.state();
    let in_force = state.in_force().filter(|_| seen.is_whole());
    let waiting = state.waiting().filter(|version| match seen.stands {
        Stands::Member | Stands::Invited => version.agreement.members.contains_key(&seen.member),
        Stands::Former => false,
    });
    let in_force = in_force.map(|version| shown(version, "in-force"));
    in_force.into_iter().chain(waiting.map(|version| shown(version, "waiting"))).collect()
}

fn shown(version: &Version, state: &str) -> wire::AgreementVersion {
    wire::AgreementVersion {
        digest: version.digest.to_string(),
        state: state.to_owned(),
        index: version.index,
        accepted: texts(&version.accepted),
        declined: texts(&version.declined),
        document: serde_json::json!(*version.agreement),
    }
}
