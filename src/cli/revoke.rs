//! `airlock revoke`: a withdrawal, in force the moment it is on record; or here, where nothing can be put on record.

use super::screen::Screen;
use crate::app::{App, Closed, Evidence, Recorded, Revoked, RoomEvidence, Withdrawal};
use crate::error::{Error, Problem, Result};
use mappings::model::{CollaborationId, ColumnName, DatasetName, MemberId, TemplateName};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Arguments of `revoke`.
#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    /// The collaboration.
    pub(super) collaboration: CollaborationId,
    #[command(flatten)]
    pub(super) what: What,
    /// The member who withdraws.
    #[arg(long = "as")]
    pub(super) member: MemberId,
    /// Show how each platform is closed, as it happens, until all of them were seen closed.
    #[arg(long)]
    pub(super) wait: bool,
    /// With --wait, give up after so many minutes, and name what is open.
    #[arg(long, value_name = "MINUTES", default_value_t = 10, requires = "wait", value_parser = clap::value_parser!(u64).range(1..=1440))]
    pub(super) within: u64,
}

/// What is withdrawn: exactly one.
#[derive(Debug, Default, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct What {
    /// The member's own membership.
    #[arg(long)]
    pub(super) membership: bool,
    /// A dataset that the member owns.
    #[arg(long)]
    pub(super) dataset: Option<DatasetName>,
    /// A column, as DATASET.COLUMN.
    #[arg(long)]
    pub(super) column: Option<String>,
    /// A template version.
    #[arg(long)]
    pub(super) template: Option<TemplateName>,
    /// The member's own approval of a template.
    #[arg(long)]
    pub(super) approval: Option<TemplateName>,
    /// The whole room.
    #[arg(long)]
    pub(super) room: bool,
}

impl What {
    pub(super) fn withdrawal(self) -> Result<Withdrawal> {
        let shape = || Error::invalid("column-shape", "a column is named DATASET.COLUMN");
        Ok(match self {
            Self { dataset: Some(dataset), .. } => Withdrawal::Dataset(dataset),
            Self { column: Some(text), .. } => {
                let (dataset, column) = text.split_once('.').ok_or_else(shape)?;
                Withdrawal::Column(
                    DatasetName::new(dataset).map_err(|_| shape())?,
                    ColumnName::new(column).map_err(|_| shape())?,
                )
            }
            Self { template: Some(template), .. } => Withdrawal::Template(template),
            Self { approval: Some(template), .. } => Withdrawal::Approval(template),
            Self { room: true, .. } => Withdrawal::Room,
            Self { .. } => Withdrawal::Membership,
        })
    }
}

impl Revoke {
    pub(super) async fn run(mut self, home: &Path, screen: Screen) -> Result<()> {
        let what = std::mem::take(&mut self.what);
        let withdrawal = what.withdrawal()?;
        let app = App::denying(home).await?;
        let revoked = app.revoke(&self.collaboration, &withdrawal, &self.member).await?;
        let who = format!("{} withdrew {withdrawal} from {}", self.member, self.collaboration);
        let (receipt, because) = match revoked {
            Revoked::OnRecord(recorded) => {
                let at = recorded.index;
                screen.say(format!("{who}, leaf {at}; the native room denies from now on"));
                if self.wait {
                    return waited(&app, &self, &withdrawal.to_string(), &recorded, screen).await;
                }
                (Some(recorded), None)
            }
            Revoked::Here(why) => {
                screen.say(format!(
                    "{who}: in force here, not yet on record; the native room of this gateway denies from now on. It is put on record by the next command or `airlock sync` that can; others don't know of it before. Why: {why}"
                ));
                (None, Some(why))
            }
        };
        let (closed, unread) = match app.close(&self.collaboration).await {
            Ok(closed) => (closed, None),
            Err(error) => (Closed::default(), Some(error)),
        };
        for room in &closed.rooms {
            let open = super::plan::or_nothing(&room.open);
            screen.say(format!(
                "{}: closed in {} steps; still open there: {open}",
                room.room, room.steps
            ));
            super::plan::waiting(&room.waiting, screen);
        }
        // Whatever is said after it: it is in force.
        screen.object(&serde_json::json!({
            "collaboration": self.collaboration, "withdrawn": withdrawal.to_string(), "receipt": receipt,
            "durable": receipt.is_some(), "because": because, "rooms": closed.rooms,
            "unread": unread.as_ref().map(|error| &error.code),
        }));
        let durable = receipt.is_some();
        ended((durable, self.wait), closed.problems, unread, screen)
    }
}

/// How a withdrawal that is in force ends.
pub(super) fn ended(
    (durable, wait): (bool, bool),
    problems: Vec<Problem>,
    unread: Option<Error>,
    screen: Screen,
) -> Result<()> {
    if let Some(error) = unread {
        screen.say(format!("what to close on platforms is not known now: {error}"));
        // Where the log can't be read, what it is about is not known; it is in force here all the same.
        if !wait && !durable && error.code.starts_with("store-") {
            return Ok(());
        }
        let Error { code, message, help, .. } = error;
        let at = "its log".to_owned();
        return Err(not_closed(durable, vec![Problem { code, at, message, help }]));
    }
    if !problems.is_empty() {
        return Err(not_closed(durable, problems));
    }
    if wait && !durable {
        let problem = Problem {
            code: "not-on-record".to_owned(),
            at: "its log".to_owned(),
            message: "what is seen closed is recorded once the withdrawal is".to_owned(),
            help: "airlock sync, or the same again once the log can be written".to_owned(),
        };
        return Err(not_closed(durable, vec![problem]));
    }
    Ok(())
}

fn not_closed(durable: bool, problems: Vec<Problem>) -> Error {
    let message = if durable {
        "withdrawn on record, and not seen closed everywhere"
    } else {
        "in force here and not yet on record, and not seen closed everywhere"
    };
    let help = "airlock sync, which goes on until it says so; airlock status COLLABORATION";
    Error::failed("room-not-closed", message).help(help).problems(problems)
}

/// How often the record is read for what is new in it.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Closes, and says what is seen closed as it comes onto the record, whoever puts it there.
async fn waited(
    app: &App,
    of: &Revoke,
    withdrawn: &str,
    receipt: &Recorded,
    screen: Screen,
) -> Result<()> {
    let told = std::sync::Mutex::new(BTreeSet::new());
    let tell = async || -> Result<Vec<Evidence>> {
        let mut all = app.evidence(&of.collaboration).await?;
        all.retain(|one| one.revocation == receipt.index || !one.is_complete());
        let mut told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (one, room) in all.iter().flat_map(|one| one.rooms.iter().map(move |room| (one, room)))
        {
            let Some(confirmed) = room.confirmed else { continue };
            if told.insert((one.revocation, confirmed)) {
                say(one, room, screen);
            }
        }
        Ok(all)
    };
    let closing = async {
        // What one try leaves open, the next or a worker closes.
        loop {
            match app.close(&of.collaboration).await {
                Ok(closed) if closed.problems.is_empty() => return,
                Ok(closed) => {
                    for problem in &closed.problems {
                        screen
                            .say(format!("{}: {} [{}]", problem.at, problem.message, problem.code));
                    }
                }
                Err(error) => screen.say(error.to_string()),
            }
            tokio::time::sleep(LOOK_EVERY * 10).await;
        }
    };
    let looking = async {
        loop {
            // What can't be read now can be later.
            let _ = tell().await;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        () = closing => {}
        () = looking => {}
        () = tokio::time::sleep(Duration::from_secs(of.within * 60)) => {}
    }
    let (evidence, unread) = match tell().await {
        Ok(evidence) => (evidence, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    screen.object(&serde_json::json!({
        "collaboration": of.collaboration, "withdrawn": withdrawn, "receipt": receipt,
        "durable": true, "evidence": evidence, "unread": unread.as_ref().map(|error| &error.code),
    }));
    let open = still_open(&evidence, "airlock sync goes on; airlock status COLLABORATION");
    if open.is_empty() && unread.is_none() {
        screen.say("seen closed everywhere");
    }
    ended((true, true), open, unread, screen)
}

/// Every room in which something was not seen closed, as what is wrong.
pub(super) fn still_open<'e>(
    all: impl IntoIterator<Item = &'e Evidence>,
    help: &str,
) -> Vec<Problem> {
    all.into_iter()
        .flat_map(|one| one.exposure.rooms.iter().map(move |room| (one, room)))
        .map(|(one, room)| Problem {
            code: "room-not-closed".to_owned(),
            at: room.to_string(),
            message: format!("{} was not seen closed there", one.what.join(", ")),
            help: help.to_owned(),
        })
        .collect()
}

/// That a platform was seen closed.
pub(super) fn say(one: &Evidence, room: &RoomEvidence, screen: Screen) {
    let latency_ms = room.latency_ms.unwrap_or_default();
    screen.say(format!(
        "{}: {} seen closed after {latency_ms} ms, {} looks, a try was {}, leaf {}",
        room.room,
        one.what.join(", "),
        room.reads.unwrap_or_default(),
        room.probe.as_deref().unwrap_or("not made"),
        room.confirmed.unwrap_or_default(),
    ));
    screen.object(&serde_json::json!({ "revocation": one.revocation, "closed": room }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(durable: bool, wait: bool, unread: Option<&str>) -> Option<(String, String)> {
        let unread = unread.map(|code| Error::failed(code, "away"));
        let ended = ended((durable, wait), Vec::new(), unread, Screen::new(true));
        ended.err().map(|error| (error.code, error.message))
    }

    #[test]
    fn who_waits_is_not_told_that_all_is_closed_where_nobody_can_tell() {
        assert_eq!(end(true, true, None), None);
        assert_eq!(end(true, false, None), None);
        assert_eq!(end(false, false, None), None);
        assert_eq!(end(false, false, Some("store-unavailable")), None);
        for (durable, wait, unread) in [
            (false, true, None),
            (false, true, Some("store-unavailable")),
            (true, true, Some("store-unavailable")),
            (true, false, Some("store-unavailable")),
            (false, false, Some("log-tampered")),
        ] {
            let (code, message) = end(durable, wait, unread).unwrap();
            assert_eq!(code, "room-not-closed", "{durable} {wait} {unread:?}");
            assert_eq!(message.contains("not yet on record"), !durable, "{message}");
        }
    }
}
