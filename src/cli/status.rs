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
        let app = App::existing(home).await?;
        let (standings, unread) = app.status(self.collaboration.as_ref()).await?;
        for s in &standings {
            screen.heading(&format!("{} ({} leaves)", s.collaboration, s.leaves));
            if let Some(doubt) = &s.doubt {
                screen.say(format!("nothing is granted: {doubt}"));
            }
            if let Some((agreement, missing)) = &s.waiting {
                screen.say(format!(
                    "agreement {} waits for {}",
                    agreement.short(),
                    join(missing.iter())
                ));
            }
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
            if !s.pending.is_empty() {
                let pending = s.pending.join(", ");
                screen.say(format!("of that in force here and not yet on record: {pending}"));
            }
            screen.table(
                &["run", "state"],
                s.runs.iter().map(|(run, state)| vec![run.to_string(), state.clone()]),
            );
            screen.say(format!("runs left in the window: {}", s.runs_left));
        }
        if standings.is_empty() && unread.is_empty() {
            screen.say("no collaboration yet: airlock apply FILE --as MEMBER");
        }
        let unreadable: serde_json::Map<_, _> = unread
            .iter()
            .map(|(name, error)| (name.to_string(), serde_json::json!(error)))
            .collect();
        screen
            .object(&serde_json::json!({ "collaborations": standings, "unreadable": unreadable }));
        for (name, error) in &unread {
            screen.say(format!("{name} can't be read: {error}"));
        }
        Ok(())
    }
}
