//! `airlock import`: the agreement that describes what lies on a platform, whoever made it, and what none describes.

use super::screen::{Screen, put};
use crate::app::import::import;
use crate::app::{ImportReport, ImportRequest};
use crate::error::{Error, Result};
use mappings::model::{CollaborationId, DatasetName, MemberId, PlatformId};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

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
    /// From shares or data clean rooms of Snowflake, by the accounts that connections.toml reaches. Reads only.
    Snowflake(Snowflake),
}

/// What every import asks for.
#[derive(Debug, clap::Args)]
struct Asking {
    /// What the agreement is called; else what is made of the name there.
    #[arg(long)]
    name: Option<CollaborationId>,
    /// Where a receiver's results go: `brand=s3://brand-results/airlock`.
    #[arg(long, value_name = "NAME=PLACE", value_parser = pair::<MemberId>)]
    destination: Vec<(MemberId, String)>,
    /// The file to write, which must not be there; without it, the output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Arguments of `import snowflake`.
#[derive(Debug, clap::Args)]
struct Snowflake {
    /// A share, as `ORG.ACCOUNT.NAME`; again for each further one that is one agreement's.
    #[arg(
        long,
        value_name = "SHARE",
        required_unless_present = "collaboration",
        conflicts_with = "collaboration"
    )]
    share: Vec<String>,
    /// A data clean room of the Collaboration API, by its source name; again for each further one that is one agreement's.
    #[arg(long, value_name = "NAME")]
    collaboration: Vec<String>,
    /// A member as it is called here, and its account: `grocer=ACME.PROVIDER`. Those in connections.toml are looked at.
    #[arg(long, required = true, value_name = "NAME=ACCOUNT", value_parser = pair::<MemberId>)]
    member: Vec<(MemberId, String)>,
    /// The column that says whose rows a dataset's are, where no policy there does: `sales=EMAIL_HASH`.
    #[arg(long, value_name = "DATASET=COLUMN", value_parser = pair::<DatasetName>)]
    entity: Vec<(DatasetName, String)>,
    #[command(flatten)]
    asking: Asking,
}

/// Arguments of `import aws`.
#[derive(Debug, clap::Args)]
struct Aws {
    /// A collaboration, by its id or ARN; again for each further one that is one agreement's.
    #[arg(long, required = true, value_name = "ID")]
    collaboration: Vec<String>,
    /// A member as it is called here, and its account: `grocer=111111111111`. Those in connections.toml are looked at.
    #[arg(long, required = true, value_name = "NAME=ACCOUNT", value_parser = pair::<MemberId>)]
    member: Vec<(MemberId, String)>,
    /// The Region, where no ARN says it.
    #[arg(long)]
    region: Option<String>,
    #[command(flatten)]
    asking: Asking,
}

fn pair<T: FromStr<Err: ToString>>(text: &str) -> Result<(T, String), String> {
    let (name, value) = text.split_once('=').ok_or("a name, `=` and what is said of it")?;
    let name = name.parse().map_err(|error: T::Err| error.to_string())?;
    if value.is_empty() {
        Err("nothing stands behind `=`".to_owned())
    } else {
        Ok((name, value.to_owned()))
    }
}

impl Importing {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let (request, out) = match self.from {
            From::Aws(aws) => aws.request(),
            From::Snowflake(snowflake) => snowflake.request(),
        };
        let report = import(home, &request).await?;
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
    fn request(self) -> (ImportRequest, Option<PathBuf>) {
        let request = ImportRequest {
            platform: PlatformId::aws_clean_rooms(),
            collaborations: self.collaboration,
            region: self.region,
            members: self.member.into_iter().collect(),
            name: self.asking.name,
            destinations: self.asking.destination.into_iter().collect(),
            entities: BTreeMap::new(),
        };
        (request, self.asking.out)
    }
}

impl Snowflake {
    fn request(self) -> (ImportRequest, Option<PathBuf>) {
        let request = ImportRequest {
            platform: if self.share.is_empty() {
                PlatformId::snowflake_dcr()
            } else {
                PlatformId::snowflake()
            },
            collaborations: self.share.into_iter().chain(self.collaboration).collect(),
            region: None,
            members: self.member.into_iter().collect(),
            name: self.asking.name,
            destinations: self.asking.destination.into_iter().collect(),
            entities: self.entity.into_iter().collect(),
        };
        (request, self.asking.out)
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
    let mut anew = report.unexpressed.iter().filter(|one| one.code == "made-anew");
    screen.say(if report.is_own {
        "Airlock made all of it: `airlock apply` makes nothing anew"
    } else if anew.all(|one| !one.wider) {
        "Airlock made all of it, for other terms: `airlock apply` closes what the agreement does not have as it is there"
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
