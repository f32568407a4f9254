//! `airlock run`: one run of an approved template; Ctrl-C cancels it and leaves nothing behind.

use super::screen::Screen;
use crate::app::{App, RunPhase, RunReport, RunRequest};
use crate::error::{Error, Result};
use adapter_spi::RunLimits;
use mappings::model::{CollaborationId, MemberId, PlatformId, ResultClass, RunId, TemplateName};
use std::collections::BTreeMap;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// The collaboration.
    pub(super) collaboration: CollaborationId,
    /// The template.
    pub(super) template: TemplateName,
    /// The member who runs it.
    #[arg(long = "as")]
    pub(super) member: MemberId,
    /// The room it runs in, one of the agreement's.
    #[arg(long, default_value = "native")]
    pub(super) room: PlatformId,
    /// A parameter, as NAME=VALUE; repeat for more.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(super) parameters: Vec<String>,
    /// The run's id; made up when left out. Using one twice is refused.
    #[arg(long = "run-id")]
    pub(super) id: Option<RunId>,
    #[command(flatten)]
    pub(super) limits: Limits,
}

/// What a run may take; beyond it the run fails and leaves nothing.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_field_names,
    reason = "limits end in `_max`, and clap names the flags after them"
)]
pub(super) struct Limits {
    /// Memory for joins, groups and sorts; beyond it they spill to disk [default: 2048].
    #[arg(long, value_name = "MIB", env = "AIRLOCK_MEMORY_MIB_MAX")]
    pub(super) memory_mib_max: Option<u64>,
    /// Disk for spilling, inside the gateway's folder [default: 65536].
    #[arg(long, value_name = "MIB", env = "AIRLOCK_SPILL_MIB_MAX")]
    pub(super) spill_mib_max: Option<u64>,
    /// Rows of the result [default: 50000000].
    #[arg(long, value_name = "N", env = "AIRLOCK_ROWS_MAX")]
    pub(super) rows_max: Option<u64>,
    /// Wall time [default: 3600].
    #[arg(long, value_name = "SECONDS", env = "AIRLOCK_DURATION_S_MAX")]
    pub(super) duration_s_max: Option<u64>,
}

impl Limits {
    pub(super) fn of_run(&self) -> RunLimits {
        let usual = RunLimits::default();
        let mib = |given: Option<u64>, usual| given.map_or(usual, |n| n.saturating_mul(1 << 20));
        RunLimits {
            memory_bytes_max: mib(self.memory_mib_max, usual.memory_bytes_max),
            spill_bytes_max: mib(self.spill_mib_max, usual.spill_bytes_max),
            rows_max: self.rows_max.unwrap_or(usual.rows_max),
            duration_ms_max: self
                .duration_s_max
                .map_or(usual.duration_ms_max, |s| s.saturating_mul(1000)),
        }
    }
}

impl Limits {
    /// The same as a gateway elsewhere is told.
    pub(super) const fn asked(&self) -> crate::wire::RunLimits {
        crate::wire::RunLimits {
            memory_mib_max: self.memory_mib_max,
            spill_mib_max: self.spill_mib_max,
            rows_max: self.rows_max,
            duration_s_max: self.duration_s_max,
        }
    }
}

impl Run {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let parameters = named(&self.parameters)?;
        let app = App::existing(home).await?;
        let request = RunRequest {
            collaboration: self.collaboration,
            template: self.template,
            digest: None,
            room: self.room,
            by: self.member,
            parameters,
            run: self.id,
            salt: None,
            limits: self.limits.of_run(),
        };
        let report = watched(&app, request, screen).await?;
        show(&report, screen);
        screen.object(&serde_json::json!(report));
        Ok(())
    }
}

/// Parameters by name, each given once.
pub(super) fn named(given: &[String]) -> Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for text in given {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Error::invalid("parameter-shape", "a parameter is NAME=VALUE"))?;
        if all.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Error::invalid("parameter-twice", "a parameter is given twice")
                .help("each --set once"));
        }
    }
    Ok(all)
}

/// Runs with a progress line; Ctrl-C cancels.
pub(super) async fn watched(app: &App, request: RunRequest, screen: Screen) -> Result<RunReport> {
    let cancel = CancellationToken::new();
    let stopper = cancel.clone();
    let ctrl_c = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopper.cancel();
        }
    });
    let mut progress = screen.progress(request.template.as_str());
    let mut told = |phase| {
        if let RunPhase::Running(so_far) = phase {
            progress.tell(so_far.rows_read, so_far.bytes_read);
        }
    };
    let report = app.run(request, &cancel, &mut told).await;
    ctrl_c.abort();
    report
}

/// Shows what a run gave. An activation's rows are not shown: the runner sees a count.
pub(super) fn show(report: &RunReport, screen: Screen) {
    match report.class {
        ResultClass::Aggregate => {
            let header: Vec<&str> = report.preview.columns.iter().map(String::as_str).collect();
            // Whoever does not receive sees no rows.
            if !header.is_empty() {
                screen.table(&header, report.preview.rows.iter().cloned());
            }
            screen.say(match report.withheld {
                Some(withheld) => format!(
                    "{} rows; {withheld} groups withheld by rule (too few entities)",
                    report.rows
                ),
                None => format!(
                    "{} rows; groups with too few entities were left out, the room doesn't say how many",
                    report.rows
                ),
            });
        }
        ResultClass::Activation if report.withheld.unwrap_or_default() > 0 || report.rows == 0 => {
            screen
                .say("the audience is below its minimum: withheld by rule, nothing was delivered");
        }
        ResultClass::Activation => {
            screen.say(format!(
                "{} rows delivered to the receiver; the runner sees this count",
                report.rows
            ));
        }
    }
    for result in &report.results {
        screen.say(format!("  {} → {}", result.receiver, result.manifest));
    }
}
