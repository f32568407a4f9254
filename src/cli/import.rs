//! `airlock import`: the agreement that describes what lies on a platform, whoever made it, and what none describes.

use super::screen::{Screen, put};
use crate::app::import::import;
use crate::app::{ImportReport, ImportRequest};
use crate::error::{Error, Result};
use mappings::model::{CollaborationId, MemberId, PlatformId};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub(super) struct Importing {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, clap::Subcommand)]
enum From {
    /// From AWS Clean Rooms, by the accounts that connections.toml reaches. Reads only.
    Aws(Aws),
}

/// Arguments of `import aws`.
#[derive(Debug, clap::Args)]
struct Aws {
    /// A collaboration, by its id or ARN; again for each further one that is one agreement's.
    #[arg(long, required = true, value_name = "ID")]
    collaboration: Vec<String>,
    /// A member as it is called here, and its account: `grocer=111111111111`. Those in connections.toml are looked at.
    #[arg(long, required = true, value_name = "NAME=ACCOUNT", value_parser = pair)]
    member: Vec<(MemberId, String)>,
    /// The Region, where no ARN says it.
    #[arg(long)]
    region: Option<String>,
    /// What the agreement is called; else what is made of the name there.
    #[arg(long)]
    name: Option<CollaborationId>,
    /// Where a receiver's results go: `brand=s3://brand-results/airlock`.
    #[arg(long, value_name = "NAME=PLACE", value_parser = pair)]
    destination: Vec<(MemberId, String)>,
    /// The file to write, which must not be there; without it, the output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(MemberId, String), String> {
    let (name, value) = text.split_once('=').ok_or("a member, `=` and what is said of it")?;
    let name = MemberId::new(name).map_err(|error| error.to_string())?;
    if value.is_empty() {
        Err("nothing stands behind `=`".to_owned())
    } else {
        Ok((name, value.to_owned()))
    }
}

impl Importing {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let From::Aws(aws) = self.from;
        let out = aws.out.clone();
        let report = import(home, &aws.request()).await?;
        if let Some(out) = &out {
            create(out, &report.document)?;
        } else if !screen.is_json() {
            put(report.document.trim_end());
            return Ok(());
        }
        show(&report, out.as_deref(), screen);
        Ok(())
    }
}

impl Aws {
    fn request(self) -> ImportRequest {
        ImportRequest {
            platform: PlatformId::aws_clean_rooms(),
            collaborations: self.collaboration,
            region: self.region,
            members: self.member.into_iter().collect(),
            name: self.name,
            destinations: self.destination.into_iter().collect(),
        }
    }
}

fn create(file: &Path, text: &str) -> Result<()> {
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(file);
    let mut made = made.map_err(|error| Error::io("write", file, &error))?;
    made.write_all(text.as_bytes()).map_err(|error| Error::io("write", file, &error))
}

fn show(report: &ImportReport, out: Option<&Path>, screen: Screen) {
    if let Some(out) = out {
        let place = out.display();
        let (datasets, templates) = (report.datasets, report.templates);
        screen.say(format!(
            "{place}: collaboration {}, {datasets} datasets, {templates} templates",
            report.collaboration
        ));
    }
    screen.say(if report.is_own {
        "Airlock made all of it: `airlock apply` makes nothing anew"
    } else {
        "`airlock apply` makes it anew; what is there stays open until it is closed by hand, and `airlock plan` says so"
    });
    let rows = report.unexpressed.iter().map(|one| {
        let wider = if one.wider { "lets more happen" } else { "" };
        vec![
            one.at.clone(),
            one.what.clone(),
            wider.to_owned(),
            one.why.clone(),
            one.change.clone(),
        ]
    });
    if !report.unexpressed.is_empty() {
        screen.heading("not in the agreement");
        screen.table(&["on", "what", "there", "why", "what would do"], rows);
    }
    screen.object(&serde_json::json!({ "import": report }));
}
