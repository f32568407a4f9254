//! From a run's landing to its receivers: staged, intended on record, delivered, done on record.

use super::App;
use super::runs::{Delivered, Preview, RunReport, Started, cancelled};
use crate::error::{Error, Result};
use crate::log::{Body, FileDigest};
use crate::results::{
    self, ColumnLine, Expected, FileLine, Manifest, Place, RuleLine, Staged, preview,
};
use adapter_spi::{RunOutput, Verdict};
use mappings::model::{Digest, MemberId, ResultClass};
use mappings::table::Term;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// Rows shown of an aggregate.
const PREVIEW_ROWS_MAX: usize = 40;

/// A verified result with its manifests, before anything is delivered.
pub(super) struct Ready {
    staged: Staged,
    manifests: BTreeMap<MemberId, Manifest>,
    withheld: Option<u64>,
}

/// Verifies what landed and prepares each receiver's manifest.
pub(super) async fn stage(
    app: &App,
    started: &Started,
    landing: &Path,
    output: &RunOutput,
) -> Result<Ready> {
    let columns: Vec<_> =
        started.guarded.output.iter().map(|column| (column.name.clone(), column.r#type)).collect();
    let rows_max = started.limits.rows_max;
    let expected = Expected { columns, rows: output.rows, rows_max };
    let landed: Vec<PathBuf> = output.files.iter().map(|file| landing.join(file)).collect();
    let staging = landing.join("staged");
    std::fs::create_dir(&staging)
        .map_err(|error| Error::io("make the folder", &staging, &error))?;
    let staged = tokio::task::spawn_blocking(move || results::stage(&landed, &expected, &staging));
    let staged = staged.await.map_err(|_| Error::failed("bug", "staging the result gave up"))??;
    let loaded = app.load(&started.collaboration).await?;
    let log_index = loaded.state.runs().get(&started.run).map(|run| run.index).unwrap_or_default();
    let suppression = suppression(app, started)?;
    let manifest = |receiver: &MemberId| {
        manifest(started, (&staged, output.withheld, suppression), receiver, log_index)
            .signed(&app.key)
    };
    let manifests =
        started.receivers.iter().map(|receiver| (receiver.clone(), manifest(receiver))).collect();
    Ok(Ready { staged, manifests, withheld: output.withheld })
}

/// What became of groups below a minimum: a room that doesn't hold the class of a template as agreed may have merged them.
fn suppression(app: &App, started: &Started) -> Result<&'static str> {
    let assessed = app.rooms.adapter(&started.room)?.assess(&started.agreement);
    let at = format!("templates.{}.class", started.guarded.template);
    let merges = |verdict: &Verdict| verdict.term == Term::Aggregate && verdict.at == at;
    Ok(if assessed.wider().into_iter().any(merges) { "merged" } else { "dropped" })
}

fn manifest(
    started: &Started,
    (staged, withheld, suppression): (&Staged, Option<u64>, &str),
    receiver: &MemberId,
    log_index: u64,
) -> Manifest {
    let guarded = &started.guarded;
    Manifest {
        format: "airlock-result/v1".to_owned(),
        collaboration: started.collaboration.clone(),
        run: started.run.clone(),
        template: guarded.template.clone(),
        template_digest: guarded.digest,
        text_digest: guarded.text_digest,
        agreement_digest: started.agreement.digest(),
        class: guarded.class,
        platform: started.room.clone(),
        receiver: receiver.clone(),
        columns: guarded
            .output
            .iter()
            .map(|column| ColumnLine { name: column.name.clone(), r#type: column.r#type })
            .collect(),
        files: staged
            .files
            .iter()
            .map(|file| FileLine {
                name: file.name.clone(),
                bytes: file.bytes,
                rows: file.rows,
                sha256: file.sha256,
            })
            .collect(),
        rows: staged.rows,
        withheld,
        suppression: suppression.to_owned(),
        rules: guarded
            .thresholds
            .iter()
            .map(|rule| RuleLine {
                dataset: rule.dataset.clone(),
                entities_min: rule.entities_min,
                rule_of: rule.rule_of.clone(),
            })
            .collect(),
        log_index,
        signature: None,
    }
}

/// Delivers to every receiver's registered destination: everybody's files first, then everybody's manifest, so that
/// what can go wrong goes wrong while nobody has a result.
pub(super) async fn commit(
    app: &App,
    started: &Started,
    ready: &Ready,
    cancel: &CancellationToken,
) -> Result<Vec<Delivered>> {
    let mut placed = Vec::new();
    for (receiver, manifest) in &ready.manifests {
        let Some(destination) = started.agreement.destinations.get(receiver) else {
            return Err(Error::failed(
                "destination-missing",
                format!("{receiver} has no destination"),
            ));
        };
        let place = Place::open(destination)?;
        app.may_deliver(started).await?;
        results::place_files(&place, &ready.staged.files, manifest).await?;
        placed.push((receiver, place, manifest));
    }
    app.may_deliver(started).await?;
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    let mut delivered = Vec::new();
    for (receiver, place, manifest) in placed {
        let url = results::publish(&place, manifest).await?;
        delivered.push(Delivered { receiver: receiver.clone(), manifest: url });
    }
    Ok(delivered)
}

impl Ready {
    fn digests(&self) -> BTreeMap<MemberId, Digest> {
        let digest = |manifest: &Manifest| Digest::of(&manifest.canonical());
        self.manifests
            .iter()
            .map(|(receiver, manifest)| (receiver.clone(), digest(manifest)))
            .collect()
    }

    /// What is put on record before delivery.
    pub(super) fn intent(&self, started: &Started) -> Body {
        let files = started.receivers.iter().flat_map(|receiver| {
            self.staged.files.iter().map(|file| FileDigest {
                receiver: receiver.clone(),
                name: file.name.clone(),
                bytes: file.bytes,
                sha256: file.sha256,
            })
        });
        Body::DeliveryIntended {
            run: started.run.clone(),
            files: files.collect(),
            rows: self.staged.rows,
            withheld: self.withheld,
            manifests: self.digests(),
        }
    }

    /// What is put on record after it.
    pub(super) fn outcome(&self, started: &Started) -> Body {
        let (rows, withheld) = (self.staged.rows, self.withheld);
        Body::RunSucceeded { run: started.run.clone(), rows, withheld, manifests: self.digests() }
    }

    /// What the runner is told. Rows are shown only of aggregates, and only to a runner who also receives.
    pub(super) fn report(
        &self,
        started: &Started,
        output: RunOutput,
        results: Vec<Delivered>,
    ) -> Result<RunReport> {
        let sees = started.guarded.class == ResultClass::Aggregate
            && started.receivers.contains(&started.by);
        let rows = if sees { preview(&self.staged, PREVIEW_ROWS_MAX)? } else { Vec::new() };
        let columns = started.guarded.output.iter().map(|column| column.name.clone()).collect();
        Ok(RunReport {
            run: started.run.clone(),
            template: started.guarded.template.clone(),
            class: started.guarded.class,
            state: "succeeded",
            rows: self.staged.rows,
            withheld: self.withheld,
            rows_read: output.rows_read,
            results,
            preview: Preview { columns, rows },
        })
    }
}
