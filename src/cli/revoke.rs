//! `airlock revoke`: a withdrawal, in force the moment it is on record; or here, where nothing can be put on record.

use super::screen::Screen;
use crate::app::{App, Revoked, Withdrawal};
use crate::error::{Error, Result};
use mappings::model::{CollaborationId, ColumnName, DatasetName, MemberId, TemplateName};
use std::path::Path;

/// Arguments of `revoke`.
#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    /// The collaboration.
    collaboration: CollaborationId,
    #[command(flatten)]
    what: What,
    /// The member who withdraws.
    #[arg(long = "as")]
    member: MemberId,
}

/// What is withdrawn: exactly one.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// The member's own membership.
    #[arg(long)]
    membership: bool,
    /// A dataset that the member owns.
    #[arg(long)]
    dataset: Option<DatasetName>,
    /// A column, as DATASET.COLUMN.
    #[arg(long)]
    column: Option<String>,
    /// A template version.
    #[arg(long)]
    template: Option<TemplateName>,
    /// The member's own approval of a template.
    #[arg(long)]
    approval: Option<TemplateName>,
    /// The whole room.
    #[arg(long)]
    room: bool,
}

impl What {
    fn withdrawal(self) -> Result<Withdrawal> {
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
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let withdrawal = self.what.withdrawal()?;
        let app = App::denying(home).await?;
        let revoked = app.revoke(&self.collaboration, &withdrawal, &self.member).await?;
        let who = format!("{} withdrew {withdrawal} from {}", self.member, self.collaboration);
        let (receipt, because) = match revoked {
            Revoked::OnRecord(recorded) => {
                let at = recorded.index;
                screen.say(format!("{who}, leaf {at}; the native room denies from now on"));
                (Some(recorded), None)
            }
            Revoked::Here(why) => {
                screen.say(format!(
                    "{who}: in force here, not yet on record; the native room of this gateway denies from now on. It is put on record by the next command or `airlock sync` that can; others don't know of it before. Why: {why}"
                ));
                (None, Some(why))
            }
        };
        let rooms = app.close(&self.collaboration).await?;
        for room in &rooms {
            let open = super::plan::or_nothing(&room.open);
            screen.say(format!(
                "{}: closed in {} steps; still open there: {open}",
                room.room, room.steps
            ));
            super::plan::waiting(&room.waiting, screen);
        }
        screen.object(&serde_json::json!({
            "collaboration": self.collaboration, "withdrawn": withdrawal.to_string(), "receipt": receipt,
            "durable": receipt.is_some(), "because": because, "rooms": rooms,
        }));
        Ok(())
    }
}
