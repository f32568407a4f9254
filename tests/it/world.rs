//! A temporary folder with two members' files, an agreement over them, and a gateway's home that the binary works in.
//! What must never be shown carries a sentinel; every answer is searched for it.

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

/// In every identifier, label and literal of this world.
pub(crate) const SENTINEL: &str = "zqsentinel";

pub(crate) const AGREEMENT: &str = "agreement: v1
collaboration: spring
members:
  grocer: { name: Grocer, abilities: [contribute] }
  brand: { name: Brand, abilities: [contribute, run, receive] }
rooms: [native]
datasets:
  sales:
    owner: grocer
    at: { native: data/sales.parquet }
    entity: person
    columns:
      person: { use: match, key: email, from: email, type: utf8 }
      segment: { type: utf8, use: dimension }
      amount: { type: float64, use: measure, aggregates: [sum, avg] }
    rule: { entities_min: 3, join: required }
  seen:
    owner: brand
    at: { native: data/seen.parquet }
    entity: person
    columns:
      person: { use: match, key: email, from: mail, type: utf8 }
      campaign: { type: utf8, use: dimension }
    rule: { entities_min: 1 }
templates:
  reach:
    class: aggregate
    sql: SELECT e.campaign, COUNT(DISTINCT s.person) AS people, SUM(s.amount) AS spent FROM sales s JOIN seen e ON s.person = e.person GROUP BY e.campaign
    run_by: [brand]
    received_by: [brand]
limits: { runs_max: 100, within: 24h }
destinations: { brand: results/brand }
";

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    /// The one object on stdout.
    pub(crate) json: Value,
    pub(crate) stderr: String,
}

impl Answer {
    /// Reads a process's end; holds it to what every command promises.
    pub(crate) fn of(output: Output) -> Self {
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let json = serde_json::from_str(&stdout).unwrap_or_else(|_| {
            panic!("stdout is no single JSON object: {stdout:.300}; {stderr:.300}")
        });
        let code = output.status.code();
        if code != Some(0) {
            assert!(!stdout.contains(SENTINEL) && !stderr.contains(SENTINEL), "{stdout}{stderr}");
            assert!(!stderr.contains("panicked"), "{stderr}");
        }
        Self { code, json, stderr }
    }

    /// The stable code of the error.
    pub(crate) fn error(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_else(|| panic!("no error: {self:?}"))
    }

    /// Ended with this exit code and this error.
    #[track_caller]
    pub(crate) fn is(&self, code: i32, error: &str) {
        assert_eq!((self.code, self.error()), (Some(code), error), "{}", self.stderr);
    }

    #[track_caller]
    pub(crate) fn done(self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.json
    }
}

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    /// What the binary finds in its environment besides ours.
    pub(crate) variables: Vec<(&'static str, String)>,
}

impl World {
    /// Files of this many people on each side, all shared, in five segments and two campaigns.
    pub(crate) fn of(people: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let world = Self { folder, variables: Vec::new() };
        let mails = || (0..people).map(|n| format!("{SENTINEL}{n}@example.org"));
        let label = |what: &str, n: usize, of: usize| format!("{SENTINEL}-{what}-{}", n % of);
        write(
            &world.path("data/sales.parquet"),
            vec![
                ("email", texts(mails())),
                ("segment", texts((0..people).map(|n| label("segment", n, 5)))),
                ("amount", Arc::new(Float64Array::from_iter_values((0..people).map(|_| 1.5)))),
            ],
        );
        write(
            &world.path("data/seen.parquet"),
            vec![
                ("mail", texts(mails())),
                ("campaign", texts((0..people).map(|n| label("campaign", n, 2)))),
            ],
        );
        world.agree(AGREEMENT);
        world
    }

    /// The same, with everything joined and approved.
    pub(crate) fn settled(people: usize) -> Self {
        let world = Self::of(people);
        world.settle();
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the agreement file.
    pub(crate) fn agree(&self, text: &str) {
        std::fs::write(self.path("agreement.yaml"), text).unwrap();
    }

    /// Applies the agreement file; every member joins and approves.
    pub(crate) fn settle(&self) {
        for member in ["grocer", "brand"] {
            self.airlock(&["keygen", "--member", member]).done();
        }
        self.airlock(&["apply", "agreement.yaml", "--as", "grocer"]).done();
        for member in ["grocer", "brand"] {
            self.airlock(&["join", "spring", "--as", member]).done();
        }
        for member in ["grocer", "brand"] {
            self.airlock(&["approve", "spring", "--all", "--as", member]).done();
        }
    }

    /// The binary with arguments, in this world's folder and with its home.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of("home", arguments)
    }

    /// The same with another gateway's home.
    pub(crate) fn command_of(&self, home: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_airlock"));
        command.args(["--json", "--home", home]).args(arguments).current_dir(self.folder.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn airlock(&self, arguments: &[&str]) -> Answer {
        Answer::of(self.command(arguments).output().unwrap())
    }

    pub(crate) fn run(&self) -> Answer {
        self.airlock(&["run", "spring", "reach", "--as", "brand"])
    }

    /// Every file of the receiver.
    pub(crate) fn delivered(&self) -> Vec<PathBuf> {
        files(&self.path("results"))
    }

    /// Takes back everything of the receiver.
    pub(crate) fn taken_back(&self) {
        let _ = std::fs::remove_dir_all(self.path("results"));
    }

    /// Nothing was delivered, and nothing of a run is left in scratch.
    #[track_caller]
    pub(crate) fn nothing_left(&self) {
        assert_eq!(self.delivered(), Vec::<PathBuf>::new());
        assert_eq!(self.scratch(), Vec::<PathBuf>::new());
    }

    /// What runs left in the gateway's folder.
    pub(crate) fn scratch(&self) -> Vec<PathBuf> {
        files(&self.path("home/scratch"))
    }

    /// The log verifies, and each run in it has an end.
    #[track_caller]
    pub(crate) fn log_is_whole(&self) {
        let shown = self.airlock(&["audit", "show", "spring"]).done().to_string();
        let count = |kind: &str| shown.matches(&format!("\"{kind}\"")).count();
        let ended: usize = ["run-succeeded", "run-failed", "run-cancelled"].map(count).iter().sum();
        assert_eq!(count("run-requested"), ended, "{shown}");
        let to = self.path("evidence");
        let _ = std::fs::remove_dir_all(&to);
        self.airlock(&["audit", "export", "spring", "--to", "evidence"]).done();
        self.airlock(&["audit", "verify", "evidence"]).done();
    }
}

pub(crate) fn texts(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

pub(crate) fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder().set_compression(zstd).build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
