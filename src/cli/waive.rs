//! `airlock waive`: an owner's consent to a room's holding terms more loosely than agreed. Each is a decision of its own on record; all
//! of a room's are shown before, and given by the digest of what was shown.

use super::screen::Screen;
use crate::app::{App, Tied, Waivable};
use crate::error::{Error, Result};
use crate::log::TermPath;
use crate::wire;
use adapter_spi::Verdict;
use mappings::model::{CollaborationId, Digest, MemberId, PlatformId};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// Arguments of `waive`.
#[derive(Debug, clap::Args)]
pub(super) struct Waive {
    /// The collaboration.
    pub(super) collaboration: CollaborationId,
    /// The room.
    #[arg(long)]
    pub(super) room: PlatformId,
    /// A term, as `airlock plan` names it, such as `templates.overlap.received_by`; as often as there are terms.
    #[arg(long, required_unless_present = "all")]
    pub(super) at: Vec<TermPath>,
    /// All terms of the room that touch the owner: they are shown, and waived by `--losses`.
    #[arg(long, conflicts_with = "at")]
    pub(super) all: bool,
    /// The digest that `--all` showed: what is waived is what was looked at.
    #[arg(long, value_name = "DIGEST", value_parser = digest, requires = "all")]
    pub(super) losses: Option<Digest>,
    /// The owner who consents.
    #[arg(long = "as")]
    pub(super) member: MemberId,
}

fn digest(text: &str) -> std::result::Result<Digest, String> {
    Digest::try_from(text.to_owned())
}

/// A waiver on record.
pub(super) struct Given {
    pub(super) waived: Verdict,
    pub(super) receipt: Value,
}

impl Waive {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::existing(home).await?;
        let (terms, mut only) = if self.all {
            let looked = app.waivable(&self.collaboration, &self.room, &self.member).await?;
            let Some(terms) = self.looked_at(&looked.0, &looked.1, screen)? else {
                return Ok(());
            };
            (terms, Some(looked.0.agreement))
        } else {
            (self.at.clone(), None)
        };
        let (tied, mut given) = (Tied::default(), Vec::new());
        for at in &terms {
            let done =
                app.waive(&self.collaboration, (&self.room, at), &self.member, (only, &tied));
            let (waived, recorded, agreement) = done.await?;
            // All of them are for the agreement that the first was for.
            only = Some(agreement);
            self.say(&waived, recorded.index, screen);
            given.push(Given { waived, receipt: json!(recorded) });
        }
        self.told(given, &[], screen);
        Ok(())
    }

    /// The terms that are still to be waived, where the owner says that it looked at them; else they are shown.
    pub(super) fn looked_at(
        &self,
        looked: &Waivable,
        given: &BTreeSet<String>,
        screen: Screen,
    ) -> Result<Option<Vec<TermPath>>> {
        let Waive { collaboration, room, member, .. } = self;
        let Some(losses) = self.losses else {
            self.show(looked, given, screen);
            return Ok(None);
        };
        if losses != looked.digest {
            let message = format!("the losses of {room} are others than were looked at");
            let help = format!("airlock waive {collaboration} --room {room} --all --as {member}");
            return Err(Error::refused("changed-meanwhile", message).help(help));
        }
        let open = looked.losses.iter().filter(|one| !given.contains(&one.at));
        let terms = open.map(|one| TermPath::new(&one.at)).collect::<std::result::Result<_, _>>();
        terms.map(Some).map_err(|_| Error::failed("bug", "a room names a term that is none"))
    }

    fn show(&self, looked: &Waivable, given: &BTreeSet<String>, screen: Screen) {
        let Waive { collaboration, room, member, .. } = self;
        for one in &looked.losses {
            let word = if given.contains(&one.at) { "waived" } else { "open" };
            screen.say(format!("{word:6} {}: {}", one.at, one.reason));
        }
        let (digest, all) = (looked.digest, looked.losses.len());
        screen.say(format!(
            "nothing was waived; to consent to these {all}, for agreement {} alone: airlock waive {collaboration} --room {room} --all --losses {digest} --as {member}",
            looked.agreement
        ));
        screen.object(&json!({
            "collaboration": collaboration, "member": member, "room": room,
            "agreement": looked.agreement, "losses": digest, "wider": looked.losses, "given": given,
        }));
    }

    /// Says that a waiver is on record.
    pub(super) fn say(&self, waived: &Verdict, leaf: u64, screen: Screen) {
        screen.say(format!(
            "{} waived {} in {}, leaf {leaf}, for this agreement alone: {}",
            self.member, waived.at, self.room, waived.reason
        ));
    }

    /// The answer for programs: of one term as it is, of several as a list.
    pub(super) fn told(&self, given: Vec<Given>, waiting: &[wire::Waits], screen: Screen) {
        let mut object = json!({
            "collaboration": self.collaboration, "member": self.member, "room": self.room,
        });
        let one = !self.all && self.at.len() == 1;
        let mut set = |name: &str, value: Value| {
            if let Some(object) = object.as_object_mut() {
                object.insert(name.to_owned(), value);
            }
        };
        let mut given = given.into_iter();
        if one {
            if let Some(Given { waived, receipt }) = given.next() {
                set("waived", json!(waived));
                set("receipt", receipt);
            } else {
                set("waiting", json!(waiting));
            }
        } else {
            let of = |one: Given| json!({ "waived": one.waived, "receipt": one.receipt });
            set("waived", given.map(of).collect());
            set("waiting", json!(waiting));
        }
        screen.object(&object);
    }
}
