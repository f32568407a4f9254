//! `airlock quickstart`: the main job from nothing to a verified result, in one folder that can be looked into.

use super::run::{show, watched};
use super::screen::Screen;
use crate::app::{App, RunReport, RunRequest, Tied, Withdrawal, agreements, audit, members};
use crate::demo;
use crate::error::{Error, Kind, Result};
use crate::home::Home;
use adapter_spi::RunLimits;
use mappings::model::{Agreement, DatasetName, MemberId, TemplateName};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Arguments of `quickstart`.
#[derive(Debug, clap::Args)]
pub(super) struct Quickstart {
    /// The folder to make; it must not exist.
    #[arg(long, default_value = "airlock-quickstart")]
    dir: PathBuf,
    /// People in each member's data.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(5_000..=20_000_000))]
    people: u64,
    /// Seed of the generated data.
    #[arg(long, default_value_t = 2026)]
    seed: u64,
}

impl Quickstart {
    pub(super) async fn run(self, screen: Screen) -> Result<()> {
        let started = Instant::now();
        let file = self.prepare(screen)?;
        let agreement = agreements::read(&file)?;
        let home = self.dir.join("gateway");
        let app = enrol(&home, &agreement, screen).await?;
        let runs = run_all(&app, &agreement, screen).await?;
        let revocation = revoke(&app, &agreement, screen).await?;
        let log = self.verify(&app, &agreement, screen).await?;
        self.farewell(&agreement, screen, started);
        screen.object(&json!({
            "elapsed_ms": elapsed_ms(started),
            "dir": self.dir,
            "runs": runs.iter().map(|r| json!({
                "template": r.template, "class": r.class, "rows": r.rows,
                "suppressed_by_rule": r.withheld,
                "result": r.results.first().map(|d| &d.manifest),
            })).collect::<Vec<_>>(),
            "revocation": revocation,
            "log": log,
        }));
        Ok(())
    }

    fn prepare(&self, screen: Screen) -> Result<PathBuf> {
        if self.dir.exists() {
            return Err(Error::invalid(
                "dir-exists",
                format!("{} exists already", self.dir.display()),
            )
            .help("remove it, or name another with --dir"));
        }
        std::fs::create_dir_all(&self.dir)
            .map_err(|error| Error::io("make the folder", &self.dir, &error))?;
        screen.heading("1  Two members' data");
        let generated = demo::generate(&self.dir, self.seed, self.people)
            .map_err(|error| Error::failed("demo-data", error.to_string()))?;
        for made in &generated {
            screen.say(format!("  {} ({} rows, {})", made.path.display(), made.rows, made.owner));
        }
        let file = self.dir.join("agreement.yaml");
        std::fs::write(&file, demo::agreement_yaml())
            .map_err(|error| Error::io("write the agreement", &file, &error))?;
        Ok(file)
    }

    async fn verify(
        &self,
        app: &App,
        agreement: &Agreement,
        screen: Screen,
    ) -> Result<serde_json::Value> {
        screen.heading("5  The record, verified offline");
        let folder = self.dir.join("evidence");
        let exported = app.export(&agreement.collaboration, &folder).await?;
        let verified = audit::verify(&folder, Some(&exported.key), None)?;
        screen.say(format!(
            "  {} leaves in {}: every hash, signature and decision checked",
            verified.leaves,
            folder.display()
        ));
        Ok(json!({ "leaves": verified.leaves, "verified": true }))
    }

    fn farewell(&self, agreement: &Agreement, screen: Screen, started: Instant) {
        let dir = self.dir.display();
        let name = &agreement.collaboration;
        screen.heading(&format!("Done in {:.1} s", started.elapsed().as_secs_f64()));
        screen.say(format!("  {dir}/agreement.yaml   what was agreed"));
        screen.say(format!("  {dir}/data             both members' Parquet files, never copied"));
        screen.say(format!("  {dir}/results          what was delivered, with manifests"));
        screen.say(format!("  {dir}/evidence         the whole log and its signed head"));
        screen.say("Try next:");
        screen.say(format!("  airlock explain {dir}/agreement.yaml overlap-by-segment"));
        screen.say(format!("  airlock --home {dir}/gateway status {name}"));
        screen.say(format!("  airlock --home {dir}/gateway audit show {name}"));
    }
}

async fn enrol(home: &Path, agreement: &Agreement, screen: Screen) -> Result<App> {
    screen.heading("2  One agreement");
    let folder = Home::open(home)?;
    for member in agreement.members.keys() {
        members::keygen(&folder, member)?;
    }
    let app = App::open(home).await?;
    let proposer = agreement
        .members
        .keys()
        .next()
        .ok_or_else(|| Error::failed("bug", "the demo agreement has no members"))?;
    app.propose(agreement, proposer, &Tied::default()).await?;
    for member in agreement.members.keys() {
        app.join(&agreement.collaboration, member, Some(agreement.digest()), &Tied::default())
            .await?;
        screen.say(format!("  {member} joined"));
    }
    for member in agreement.members.keys() {
        let approved = app.approve(&agreement.collaboration, None, member).await?;
        screen.say(format!("  {member} approved {} templates", approved.len()));
    }
    Ok(app)
}

fn request(agreement: &Agreement, template: &TemplateName) -> Result<RunRequest> {
    let runner = agreement.templates.get(template).and_then(|t| t.run_by.iter().next());
    let by: MemberId =
        runner.cloned().ok_or_else(|| Error::failed("bug", "a demo template has no runner"))?;
    Ok(RunRequest {
        collaboration: agreement.collaboration.clone(),
        template: template.clone(),
        by,
        room: mappings::model::PlatformId::native(),
        parameters: BTreeMap::new(),
        digest: None,
        run: None,
        salt: None,
        limits: RunLimits::default(),
    })
}

async fn run_all(app: &App, agreement: &Agreement, screen: Screen) -> Result<Vec<RunReport>> {
    screen.heading("3  Three approved templates, run where the data lies");
    let mut runs = Vec::new();
    for template in agreement.templates.keys() {
        screen.heading(template.as_str());
        let report = watched(app, request(agreement, template)?, screen).await?;
        show(&report, screen);
        runs.push(report);
    }
    Ok(runs)
}

async fn revoke(app: &App, agreement: &Agreement, screen: Screen) -> Result<serde_json::Value> {
    screen.heading("4  A dataset is withdrawn");
    let (dataset, owner): (DatasetName, MemberId) = agreement
        .datasets
        .iter()
        .next()
        .map(|(name, d)| (name.clone(), d.owner.clone()))
        .ok_or_else(|| Error::failed("bug", "the demo agreement has no dataset"))?;
    let decided = Instant::now();
    app.revoke(&agreement.collaboration, &Withdrawal::Dataset(dataset.clone()), &owner).await?;
    let template = agreement
        .templates
        .keys()
        .next()
        .ok_or_else(|| Error::failed("bug", "the demo agreement has no template"))?;
    match watched(app, request(agreement, template)?, screen).await {
        Err(error) if error.kind == Kind::Refused => {
            let after_ms = elapsed_ms(decided);
            screen.say(format!(
                "  {owner} withdrew {dataset}; {after_ms} ms later the next run: {error}"
            ));
            Ok(json!({ "refused": true, "after_ms": after_ms, "code": error.code }))
        }
        Err(error) => Err(error),
        Ok(_) => Err(Error::failed("bug", "a run passed after its dataset was withdrawn")),
    }
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
