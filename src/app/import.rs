//! What lies on a platform, as an agreement's file: asked of the platform, written, read again and guarded before anybody has it.
//! Touches no log. Knows no platform by name.

use super::agreements;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::wiring;
use adapter_spi::{Imported, Unexpressed};
use mappings::agreement::written;
use mappings::model::{CollaborationId, DatasetName, Digest, MemberId, PlatformId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// What is to be imported.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// From which platform.
    pub platform: PlatformId,
    /// What is looked at there, in the platform's own names.
    pub collaborations: Vec<String>,
    /// Where on it, when the names don't say.
    pub region: Option<String>,
    /// Accounts by the names that their members get.
    pub members: BTreeMap<MemberId, String>,
    /// What the agreement is called.
    pub name: Option<CollaborationId>,
    /// Where receivers' results go, as far as the caller says.
    pub destinations: BTreeMap<MemberId, String>,
    /// Of datasets, the column that says whose rows they are, where the platform does not.
    pub entities: BTreeMap<DatasetName, String>,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct ImportReport {
    /// The agreement's name.
    pub collaboration: CollaborationId,
    /// Its digest, with its places as they are written.
    pub digest: Digest,
    /// The file.
    pub document: String,
    /// Whether what is there is Airlock's already, so that nothing is made anew.
    pub is_own: bool,
    /// Datasets and templates that were taken up.
    pub datasets: usize,
    /// The same of templates.
    pub templates: usize,
    /// What is there and not in the agreement, or was not seen.
    pub unexpressed: Vec<Unexpressed>,
}

/// Looks at a platform and writes what an agreement says of it. Writes nothing there, nor in the gateway's log.
pub async fn import(home: &Path, request: &ImportRequest) -> Result<ImportReport> {
    if !home.join("connections.toml").is_file() {
        let message = "there is no connections.toml in the gateway's folder";
        return Err(Error::invalid("connections-missing", message)
            .help("how each member is reached, as for any other act there"));
    }
    let rooms = wiring::rooms(&Home::open(home)?)?;
    let imported = rooms.import(request).await?;
    let document = document(&imported);
    let read = mappings::agreement::read(&document).map_err(|found| {
        let problems = found.iter().map(agreements::problem).collect();
        let message = "what is there makes no agreement as it is";
        Error::failed("import-incomplete", message)
            .help("--name, --member and --destination where a name or place is at fault")
            .problems(problems)
    })?;
    agreements::guard_all(&read)?;
    Ok(ImportReport {
        collaboration: read.collaboration.clone(),
        digest: read.digest(),
        document,
        is_own: imported.is_own,
        datasets: read.datasets.len(),
        templates: read.templates.len(),
        unexpressed: imported.unexpressed,
    })
}

/// The file: the agreement with its remarks, and behind it what it does not say.
fn document(imported: &Imported) -> String {
    let mut text = written(&imported.agreement, &imported.remarks);
    if imported.unexpressed.is_empty() {
        return text;
    }
    text.push_str("\n# Not in this agreement:\n");
    for one in &imported.unexpressed {
        let wider = if one.wider { ", and lets more happen there" } else { "" };
        let _ = writeln!(text, "# - {}: {} [{}{wider}]", one.at, one.what, one.code);
        let _ = writeln!(text, "#   {}; what would do: {}", one.why, one.change);
    }
    text
}
