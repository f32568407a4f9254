//! Two owners' files in a temporary folder, an agreement over them, and a room that runs templates.

use adapter_native::{KeySource, NativeRoom};
use adapter_spi::{
    Adapter, Cx, Desired, Landing, ProtectedQuery, RunLimits, RunStatus, RunsQueries, Scope,
};
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::util::display::array_value_to_string;
use mappings::guard::{Guarded, guard};
use mappings::model::{
    Agreement, CollaborationId, ColumnName, ColumnType, ColumnUse, DatasetName, Hashed, Literal,
    Location, Normaliser, ParameterName, PlatformId, ResultClass, RunId, TemplateName,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

#[derive(Debug)]
struct OneKey;

impl KeySource for OneKey {
    fn key(&self, _: &CollaborationId) -> Option<[u8; 32]> {
        Some([7; 32])
    }
}

/// A world with `sales` (grocer) and `seen` (brand).
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) room: NativeRoom,
    pub(crate) limits: RunLimits,
}

/// How a run ended: its rows as text and the groups withheld, or a code.
pub(crate) type Ended = Result<(Vec<Vec<String>>, u64), String>;

const AGREEMENT: &str = "agreement: v1
collaboration: spring
members:
  grocer: { name: Grocer, abilities: [contribute] }
  brand: { name: Brand, abilities: [contribute, run, receive] }
rooms: [native]
datasets:
  sales:
    owner: grocer
    at: { native: 'SALES' }
    entity: person
    columns:
      person: { use: match, keys: [{ key: email, from: email, type: utf8 }, { key: phone, from: phone, type: utf8 }] }
      segment: { type: utf8, use: dimension, activate: true }
      amount: { type: float64, use: measure, aggregates: [sum, avg] }
      secret: { type: utf8, use: filter }
    consent: { from: ads_ok, granted: ['yes'] }
    rows: [{ from: country, type: utf8, any_of: [DE, FR] }]
    rule: { entities_min: 3, join: required, activation: { to: [brand], audience_min: 4 } }
  seen:
    owner: brand
    at: { native: 'SEEN' }
    entity: person
    columns:
      person: { use: match, keys: [{ key: email, from: mail, type: utf8 }, { key: phone, from: tel, type: utf8 }] }
      campaign: { type: utf8, use: dimension }
      reader: { type: int64, use: dimension, activate: true }
    rule: { entities_min: 1, join: optional }
templates:
  subject: { class: aggregate, sql: 'SELECT 1', run_by: [brand], received_by: [brand], parameters: { wanted: { type: utf8 } } }
destinations: { brand: /nowhere/brand }
";

impl World {
    /// Files with these batches.
    pub(crate) fn new(sales: &RecordBatch, seen: &RecordBatch) -> Self {
        let world = Self::empty();
        write(&world.folder.path().join("sales.parquet"), sales);
        write(&world.folder.path().join("seen.parquet"), seen);
        world
    }

    /// No files yet.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("scratch")).unwrap();
        let room = NativeRoom::new(Arc::new(OneKey), folder.path().join("scratch"));
        Self { folder, room, limits: RunLimits::default() }
    }

    pub(crate) fn agreement(&self, sql: &str, class: ResultClass) -> Agreement {
        let place = |file: &str| format!("file://{}", self.folder.path().join(file).display());
        let text = AGREEMENT
            .replace("SALES", &place("sales.parquet"))
            .replace("SEEN", &place("seen.parquet"));
        let mut agreement = mappings::agreement::read(&text).unwrap();
        let template = agreement.templates.get_mut(&subject()).unwrap();
        sql.clone_into(&mut template.sql);
        template.class = class;
        agreement
    }

    /// The agreement with `seen` as its owner prepared it.
    pub(crate) fn prepared(mut agreement: Agreement, file: &Path) -> Agreement {
        let seen = agreement.datasets.get_mut(&DatasetName::new("seen").unwrap()).unwrap();
        let place = Location::Name(format!("file://{}", file.display()));
        seen.at.insert(PlatformId::native(), place);
        let person = seen.columns.get_mut(&ColumnName::new("person").unwrap()).unwrap();
        let ColumnUse::Match { keys } = &mut person.r#use else { unreachable!() };
        for key in keys {
            key.from = format!("{}_token", key.key);
            key.r#type = ColumnType::Binary;
            key.hashed = Some(Hashed::HmacBytes);
            key.normalise = Normaliser::None;
        }
        agreement
    }

    /// Guards and runs a template.
    pub(crate) async fn run(&self, sql: &str, class: ResultClass) -> Ended {
        let agreement = self.agreement(sql, class);
        let guarded = guard(&agreement, &subject()).map_err(|refusals| refusals[0].to_string())?;
        self.run_text(agreement, guarded).await
    }

    /// Runs a text as it is, guarded or tampered with.
    pub(crate) async fn run_text(&self, agreement: Agreement, guarded: Guarded) -> Ended {
        let run = RunId::new(&format!("run-{}", guarded.text_digest.short())).unwrap();
        let query = self.query(agreement, guarded, run);
        self.grant(&query).await;
        let cx = Cx::default();
        self.room.submit(&query, &cx).await.map_err(|error| error.code.to_owned())?;
        let status = self.end_of(&query.run).await;
        self.outcome(&query, status)
    }

    pub(crate) fn query(
        &self,
        agreement: Agreement,
        guarded: Guarded,
        run: RunId,
    ) -> ProtectedQuery {
        let landing = self.folder.path().join(format!("landing-{run}"));
        std::fs::create_dir_all(&landing).unwrap();
        ProtectedQuery {
            run,
            by: agreement.members.keys().next().unwrap().clone(),
            receivers: Vec::new(),
            agreement: Arc::new(agreement),
            hidden: BTreeSet::new(),
            guarded: Arc::new(guarded),
            parameters: BTreeMap::from([(
                ParameterName::new("wanted").unwrap(),
                Literal::Utf8("summer".to_owned()),
            )]),
            landing: Landing { url: url::Url::from_directory_path(landing).unwrap() },
            limits: self.limits,
            base: None,
        }
    }

    pub(crate) async fn grant(&self, query: &ProtectedQuery) {
        let cx = Cx::default();
        let (scope, desired) =
            (Scope::of(&query.agreement), Desired::whole(Arc::clone(&query.agreement)));
        for _ in 0..3 {
            let seen = self.room.observe(&scope, &cx).await.unwrap();
            for step in self.room.plan(&desired, &seen).unwrap().steps {
                let _ = self.room.apply(&step, &cx).await;
            }
        }
    }

    pub(crate) async fn end_of(&self, run: &RunId) -> RunStatus {
        loop {
            match self.room.status(run, &Cx::default()).await.unwrap() {
                RunStatus::Running(_) | RunStatus::Cancelling => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                ended @ (RunStatus::Cancelled | RunStatus::Failed(_) | RunStatus::Succeeded(_)) => {
                    return ended;
                }
            }
        }
    }

    fn outcome(&self, query: &ProtectedQuery, status: RunStatus) -> Ended {
        let landing = query.landing.url.to_file_path().unwrap();
        match status {
            RunStatus::Succeeded(output) => {
                let mut rows: Vec<Vec<String>> =
                    output.files.iter().flat_map(|file| read(&landing.join(file))).collect();
                rows.sort();
                assert_eq!(Some(rows.len() as u64), output.rows);
                Ok((rows, output.withheld.unwrap()))
            }
            RunStatus::Failed(failure) => {
                self.nothing_left(&landing);
                Err(if failure.code == "check-failed" { failure.reason } else { failure.code })
            }
            RunStatus::Cancelled => {
                self.nothing_left(&landing);
                Err("cancelled".to_owned())
            }
            RunStatus::Running(_) | RunStatus::Cancelling => unreachable!("waited for the end"),
        }
    }

    /// A run that did not end well leaves nothing at its landing and nothing spilled.
    pub(crate) fn nothing_left(&self, landing: &Path) {
        assert_eq!(std::fs::read_dir(landing).unwrap().count(), 0, "the landing is empty");
        assert_eq!(
            std::fs::read_dir(self.folder.path().join("scratch")).unwrap().count(),
            0,
            "nothing is spilled"
        );
    }
}

pub(crate) fn subject() -> TemplateName {
    TemplateName::new("subject").unwrap()
}

pub(crate) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap()
}

pub(crate) fn write(path: &PathBuf, batch: &RecordBatch) {
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn read(path: &Path) -> Vec<Vec<String>> {
    let file = std::fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let mut rows = Vec::new();
    for batch in reader.map(Result::unwrap) {
        for row in 0..batch.num_rows() {
            let shown = |column: &ArrayRef| {
                if column.is_null(row) {
                    "NULL".to_owned()
                } else {
                    array_value_to_string(column, row).unwrap()
                }
            };
            rows.push(batch.columns().iter().map(shown).collect());
        }
    }
    rows
}
