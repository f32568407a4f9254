//! `airlock check`: is this file an agreement? Touches no log and no data.

use super::screen::Screen;
use crate::app::agreements;
use crate::error::Result;
use std::path::PathBuf;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The agreement file, YAML or JSON.
    file: PathBuf,
}

impl Check {
    pub(super) fn run(self, screen: Screen) -> Result<()> {
        let agreement = agreements::read(&self.file)?;
        let digest = agreement.digest();
        screen.say(format!(
            "{}: collaboration {}, {digest}",
            self.file.display(),
            agreement.collaboration
        ));
        let versions: Vec<_> = agreement
            .templates
            .iter()
            .map(|(name, t)| (name, t.class, t.digest(name)))
            .collect();
        screen.table(
            &["template", "class", "version"],
            versions.iter().map(|(name, class, digest)| {
                vec![
                    name.to_string(),
                    format!("{class:?}").to_lowercase(),
                    digest.short(),
                ]
            }),
        );
        screen.object(&serde_json::json!({
            "collaboration": agreement.collaboration,
            "digest": digest,
            "templates": versions.iter().map(|(name, class, digest)| serde_json::json!({
                "template": name, "class": class, "digest": digest,
            })).collect::<Vec<_>>(),
        }));
        Ok(())
    }
}
