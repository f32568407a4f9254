//! `airlock status`: where each collaboration stands, folded from its log.

use super::check::join;
use super::screen::Screen;
use crate::app::App;
use crate::error::Result;
use mappings::model::CollaborationId;
use std::path::Path;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub(super) struct Status {
    /// Only this collaboration.
    collaboration: Option<CollaborationId>,
}

impl Status {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::open(home).await?;
        let standings = app.status(self.collaboration.as_ref()).await?;
        for s in &standings {
            screen.heading(&format!("{} ({} leaves)", s.collaboration, s.leaves));
            screen.table(
                &["member", "state"],
                s.members.iter().map(|(m, st)| vec![m.to_string(), st.clone()]),
            );
            screen.table(
                &["template", "version", "approved by", "waits for"],
                s.templates.iter().map(|t| {
                    vec![
                        t.template.to_string(),
                        t.digest.short(),
                        join(t.approved_by.iter()),
                        join(t.waits_for.iter()),
                    ]
                }),
            );
            if !s.revocations.is_empty() {
                screen.say(format!("withdrawn: {}", s.revocations.join(", ")));
            }
            screen.table(
                &["run", "state"],
                s.runs.iter().map(|(run, state)| vec![run.to_string(), state.clone()]),
            );
            screen.say(format!("runs left in the window: {}", s.runs_left));
        }
        if standings.is_empty() {
            screen.say("no collaboration yet: airlock apply FILE --as MEMBER");
        }
        screen.object(&serde_json::json!({ "collaborations": standings }));
        Ok(())
    }
}
