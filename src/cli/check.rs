//! `airlock check`: is this file an agreement, and does the guard pass its templates? Touches no log and no data.

use super::plan::unverified;
use super::screen::Screen;
use crate::app::agreements;
use crate::error::Result;
use adapter_spi::{Assessment, Fidelity, Residual, Verdict};
use std::path::PathBuf;

/// Why all that a room counts on is unverified here.
const NOT_ASKED: &str = "nobody was asked: check has no account; plan tells what is verified there, or connections verify";

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
        let rooms = agreements::assess_all(&agreement)?;
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
        let behaviours: Vec<_> =
            rooms.iter().map(|room| agreements::counts_on(&room.platform)).collect();
        for (room, behaviours) in rooms.iter().zip(&behaviours) {
            show(room, screen);
            if !behaviours.is_empty() {
                unverified(behaviours, screen);
                screen.say(NOT_ASKED);
            }
        }
        screen.object(&serde_json::json!({
            "rooms": rooms,
            "unverified": rooms.iter().zip(&behaviours).map(|(room, behaviours)| serde_json::json!({
                "room": room.platform, "behaviours": behaviours, "asked": false,
            })).collect::<Vec<_>>(),
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

/// How a room holds the agreement: what it holds by itself in one line, and every other term with its reason.
fn show(room: &Assessment, screen: Screen) {
    let alone = |v: &&Verdict| v.fidelity == Fidelity::Exact;
    let exact = room.verdicts.iter().filter(alone).count();
    screen.heading(&format!(
        "{}: {exact} of {} terms held as agreed",
        room.platform,
        room.verdicts.len()
    ));
    let others: Vec<&Verdict> = room.verdicts.iter().filter(|v| !alone(v)).collect();
    if others.is_empty() {
        return;
    }
    let rows = others
        .into_iter()
        .map(|v| vec![v.at.clone(), held(v.residual, v.fidelity).to_owned(), v.reason.clone()]);
    screen.table(&["term", "held", "why"], rows);
}

/// How a term is held, in the words of the agreement's parties.
pub(super) const fn held(residual: Residual, fidelity: Fidelity) -> &'static str {
    match (residual, fidelity) {
        (Residual::Gateway, _) => "held by the gateway",
        (Residual::Template, _) => "compiled into the template",
        (Residual::Waived, _) => "wider, waived by",
        (Residual::None, Fidelity::Exact) => "exact",
        (Residual::None, Fidelity::Narrower) => "narrower",
        (Residual::None, Fidelity::Wider) => "wider: refused without the owners' waiver",
        (Residual::None, Fidelity::Unsupported) => "unsupported: refused",
    }
}

pub(super) fn join<T: ToString>(items: impl Iterator<Item = T>) -> String {
    items.map(|i| i.to_string()).collect::<Vec<_>>().join(", ")
}
