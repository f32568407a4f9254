//! `airlock revoke`: a withdrawal, in force the moment it is on record.

use super::screen::Screen;
use crate::app::{App, Withdrawal};
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
        let app = App::existing(home).await?;
        let recorded = app.revoke(&self.collaboration, &withdrawal, &self.member).await?;
        screen.say(format!(
            "{} withdrew {withdrawal} from {}, leaf {}; the native room denies from now on",
            self.member, self.collaboration, recorded.index
        ));
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
            "collaboration": self.collaboration, "withdrawn": withdrawal.to_string(), "receipt": recorded,
            "rooms": rooms,
        }));
        Ok(())
    }
}
