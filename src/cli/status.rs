//! `airlock status`: where each collaboration stands, folded from its log.

use super::check::join;
use super::screen::Screen;
use crate::app::{App, RoomStanding, Standing};
use crate::error::{Error, Result};
use mappings::model::CollaborationId;
use std::path::Path;
use std::time::Duration;

/// How often it is read.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub(super) struct Status {
    /// Only this collaboration.
    pub(super) collaboration: Option<CollaborationId>,
    /// Show it again whenever it has changed, until Ctrl-C.
    #[arg(long)]
    pub(super) watch: bool,
}

impl Status {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let (app, mut watched) = (App::existing(home).await?, Watched::default());
        loop {
            watched.show(&self, app.status(self.collaboration.as_ref()).await, screen)?;
            if !self.watch {
                return Ok(());
            }
            tokio::time::sleep(WATCH_EVERY).await;
        }
    }
}

/// Where collaborations stand, and those that can't be read.
pub(super) type Standings = (Vec<Standing>, Vec<(CollaborationId, Error)>);

/// What was shown last.
#[derive(Debug, Default)]
pub(super) struct Watched(Option<serde_json::Value>);

impl Watched {
    /// Shows where things stand, where that is news. What can't be read is an error; whoever watches and saw something before sees that nothing
    /// can be seen, and what comes after.
    pub(super) fn show(
        &mut self,
        asked: &Status,
        read: Result<Standings>,
        screen: Screen,
    ) -> Result<()> {
        match read {
            Ok((standings, unread)) => {
                let mut now = serde_json::json!([standings, unread]);
                forget_looks(&mut now);
                if self.is_news(now) {
                    show(&standings, &unread, screen);
                }
            }
            Err(error) if asked.watch && self.0.is_some() => {
                let now = serde_json::json!({ "error": error });
                if self.is_news(now.clone()) {
                    screen.say(error.to_string());
                    screen.object(&now);
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn is_news(&mut self, now: serde_json::Value) -> bool {
        let is_news = self.0.as_ref() != Some(&now);
        self.0 = Some(now);
        is_news
    }
}

/// That somebody looked again is no news.
fn forget_looks(standing: &mut serde_json::Value) {
    match standing {
        serde_json::Value::Object(fields) => {
            fields.remove("looked_ms");
            fields.values_mut().for_each(forget_looks);
        }
        serde_json::Value::Array(all) => all.iter_mut().for_each(forget_looks),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

/// Where each stands.
fn show(standings: &[Standing], unread: &[(CollaborationId, Error)], screen: Screen) {
    for s in standings {
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
        for room in &s.rooms {
            show_room(room, screen);
        }
        for one in &s.closing {
            let rooms = one.exposure.rooms.iter().map(ToString::to_string).collect::<Vec<_>>();
            let (what, rooms) = (one.what.join(", "), rooms.join(", "));
            screen.say(format!("leaf {}: {what}: not seen closed on {rooms}", one.revocation));
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
    let unreadable: serde_json::Map<_, _> =
        unread.iter().map(|(name, error)| (name.to_string(), serde_json::json!(error))).collect();
    screen.object(&serde_json::json!({ "collaborations": standings, "unreadable": unreadable }));
    for (name, error) in unread {
        screen.say(format!("{name} can't be read: {error}"));
    }
}

fn show_room(room: &RoomStanding, screen: Screen) {
    let seen = room.observed_generation.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let looked = room.looked_ms.map(|ms| format!(", last looked at from here {}", at(ms)));
    screen.say(format!(
        "{}: wanted as of leaf {}, seen as of leaf {seen}{}",
        room.room,
        room.generation,
        looked.unwrap_or_default()
    ));
    for condition in &room.conditions {
        let since = condition.since_ms.map(|ms| format!(", since {}", at(ms))).unwrap_or_default();
        screen.say(format!("  {}: {}{since}", condition.kind, condition.reason));
    }
    let word = |is| if is { "yes" } else { "no" };
    let rows = room.things.iter().map(|thing| {
        vec![thing.of.clone(), word(thing.desired).to_owned(), word(thing.observed).to_owned()]
    });
    screen.table(&["thing", "wanted", "seen"], rows);
    let Some(look) = &room.look else { return };
    super::plan::waiting(&look.needs, screen);
    for wait in &look.waits {
        screen.say(format!("  waits: {wait}"));
    }
    for (class, on, detail) in &look.drift {
        screen.say(format!("  {class}: {on} ({detail})"));
    }
    for problem in &look.problems {
        screen.say(format!("  {problem}"));
    }
}

/// A time as people write it, in UTC.
pub(super) fn at(ms: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(ms);
    time.map_or_else(|| ms.to_string(), |time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}
