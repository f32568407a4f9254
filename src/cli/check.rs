//! `airlock check`: is this file an agreement, and does the guard pass its templates? Touches no log and no data.

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
        let guarded = agreements::guard_all(&agreement)?;
        screen.say(format!(
            "{}: collaboration {}, {}",
            self.file.display(),
            agreement.collaboration,
            agreement.digest()
        ));
        screen.table(
            &["template", "class", "datasets", "thresholds", "digest"],
            guarded.values().map(|g| {
                vec![
                    g.template.to_string(),
                    format!("{:?}", g.class).to_lowercase(),
                    join(g.datasets.keys()),
                    join(
                        g.thresholds.iter().map(|t| format!("{} ≥ {}", t.dataset, t.entities_min)),
                    ),
                    g.digest.short(),
                ]
            }),
        );
        screen.object(&serde_json::json!({
            "collaboration": agreement.collaboration,
            "digest": agreement.digest(),
            "templates": guarded.values().map(|g| serde_json::json!({
                "template": g.template, "class": g.class, "digest": g.digest,
                "thresholds": g.thresholds,
            })).collect::<Vec<_>>(),
        }));
        Ok(())
    }
}

pub(super) fn join<T: ToString>(items: impl Iterator<Item = T>) -> String {
    items.map(|i| i.to_string()).collect::<Vec<_>>().join(", ")
}
