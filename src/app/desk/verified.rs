//! A whole log verified for a caller, by the code that verifies an export offline.

use super::{Desk, texts};
use crate::access::Action;
use crate::app::audit::{Report, verify};
use crate::error::{Error, Result};
use crate::wire;

impl Desk<'_> {
    /// Exports the log, and verifies the export under this gateway's key as `audit verify` does.
    pub(crate) async fn verified(&self, name: &str) -> Result<wire::Verified> {
        let seen = self.seen_whole(name, Action::ReadLog).await?;
        let _leave = self.house.fetching.take(&seen.member)?;
        let scratch = self.app.home.scratch();
        let folder = tempfile::tempdir_in(&scratch)
            .map_err(|error| Error::io("make a folder in", &scratch, &error))?;
        let log = folder.path().join("log");
        let key = self.app.export(&seen.collaboration, &log).await?.key;
        let report = self.guarding(move || {
            let report = verify(&log, Some(&key), None);
            drop(folder);
            report
        });
        Ok(shown(report.await?))
    }
}

fn shown(report: Report) -> wire::Verified {
    let members = report.members.into_iter();
    wire::Verified {
        leaves: report.leaves,
        signatures: report.signatures,
        root: report.root,
        key: report.key,
        members: members.map(|(member, key)| (member.to_string(), key)).collect(),
        open: report.open,
        other_texts: texts(report.other_texts),
    }
}
