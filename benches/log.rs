//! How fast the agreement log is: durable appends a second on `SQLite` with eight writers at once, decisions a second
//! through the whole log, and the time to verify a log of a million leaves offline.
//! `cargo bench --bench log [-- LEAVES]` prints it.

use airlock::clock::FixedClock;
use airlock::log::tree::Frontier;
use airlock::log::{
    Actor, AgreementLog, Body, Checkpoint, Code, Effect, Entry, Leaf, SecretKey, bundle, verify,
};
use airlock::store::{Appended, Head, SqliteStore, Store};
use mappings::model::{Agreement, CollaborationId, Digest, MemberId};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

type Fallible<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const WRITERS: u64 = 8;
const ROUNDS: usize = 3;

fn main() -> Fallible {
    let leaves = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut out = std::io::stdout().lock();
    let mut appends: Vec<f64> = Vec::new();
    let mut decisions: Vec<f64> = Vec::new();
    for _ in 0..ROUNDS {
        appends.push(runtime.block_on(appends_a_second(1000))?);
        decisions.push(runtime.block_on(decisions_a_second(250))?);
    }
    writeln!(out, "durable appends, {WRITERS} writers: {:.0} leaves/s", median(&mut appends))?;
    writeln!(
        out,
        "decisions with receipts, {WRITERS} rooms: {:.0} leaves/s",
        median(&mut decisions)
    )?;
    let folder = tempfile::tempdir()?;
    let written = million(&folder.path().join("bundle"), leaves)?;
    let mut seconds: Vec<f64> = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let verified = verify(&written, &gateway().public(), None)?;
        seconds.push(start.elapsed().as_secs_f64());
        if verified.leaves != leaves {
            return Err("the log lost leaves".into());
        }
    }
    let signatures = leaves / 3;
    let middle = median(&mut seconds);
    writeln!(out, "verify {leaves} leaves, about {signatures} signatures: {middle:.2} s")?;
    writeln!(out, "peak memory: {}", peak_memory())?;
    Ok(())
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |found| found.trim().to_owned())
}

fn gateway() -> SecretKey {
    SecretKey::from_seed([9; 32])
}

fn named(n: u64) -> Fallible<CollaborationId> {
    Ok(CollaborationId::new(&format!("room-{n}"))?)
}

async fn appends_a_second(each: u64) -> Fallible<f64> {
    let folder = tempfile::tempdir()?;
    let store = Arc::new(SqliteStore::open(&folder.path().join("airlock.db")).await?);
    let start = Instant::now();
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let own = named(writer)?;
            let mut head = Head::default();
            for _ in 0..each {
                let checkpoint = "x".repeat(200);
                let leaves = vec![vec![b'x'; 400]];
                let appended = Appended::new(leaves, checkpoint.clone());
                let size = store.append(&own, &head, appended, None).await?;
                head = Head { size, checkpoint: Some(checkpoint) };
            }
            Fallible::Ok(())
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await??;
    }
    Ok(rate(WRITERS * each, start))
}

async fn decisions_a_second(each: u64) -> Fallible<f64> {
    let folder = tempfile::tempdir()?;
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&folder.path().join("airlock.db")).await?);
    let log = Arc::new(AgreementLog::new(store, gateway(), Arc::new(FixedClock::new(1))));
    let start = Instant::now();
    let writers = (0..WRITERS).map(|writer| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let own = named(writer)?;
            for n in 0..each {
                let step = Code::new(&format!("step-{n}"))?;
                let platform = "native".parse()?;
                let body = Body::EffectIntended {
                    leaves: Vec::new(),
                    step,
                    platform,
                    effect: Effect::Neutral,
                    of: Vec::new(),
                    basis: None,
                };
                let entry = Entry::gateway(body);
                log.decide(&own, |_| Ok::<_, std::convert::Infallible>(vec![entry.clone()]))
                    .await?;
            }
            Fallible::Ok(())
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await??;
    }
    Ok(rate(WRITERS * each, start))
}

fn rate(leaves: u64, start: Instant) -> f64 {
    u32::try_from(leaves).map_or(f64::NAN, f64::from) / start.elapsed().as_secs_f64()
}

fn agreement() -> Fallible<Agreement> {
    let column = serde_json::json!({ "from": "x", "type": "utf8", "use": "dimension" });
    let dataset = |owner: &str| {
        serde_json::json!({
            "owner": owner, "at": { "native": "file:///d" }, "entity": "age",
            "columns": { "age": column }, "rule": { "entities_min": 1, "join": "optional" },
        })
    };
    let value = serde_json::json!({
        "agreement": "v1", "collaboration": "spring",
        "members": {
            "grocer": { "name": "Grocer", "abilities": ["contribute"] },
            "brand": { "name": "Brand", "abilities": ["contribute", "run", "receive"] },
        },
        "rooms": [{ "platform": "native" }],
        "datasets": { "shoppers": dataset("grocer"), "exposures": dataset("brand") },
        "templates": { "reach": {
            "class": "aggregate", "sql": "SELECT 1", "run_by": ["brand"], "received_by": ["brand"],
        } },
        "limits": { "runs_max": 1000, "within_s": 86400 },
        "destinations": { "brand": "file:///r" },
    });
    Ok(serde_json::from_value(value)?)
}

/// Writes leaves and remembers what a checkpoint needs.
struct Scribe {
    writer: bundle::Writer,
    frontier: Frontier,
    at_ms: i64,
}

impl Scribe {
    fn put(&mut self, who: Option<(&MemberId, &SecretKey)>, body: Body) -> Fallible {
        self.at_ms += 60_000;
        let actor = who.map_or(Actor::Gateway, |(member, _)| Actor::Member(member.clone()));
        let collaboration = "spring".parse()?;
        let leaf = Leaf { actor, at_ms: self.at_ms, body, collaboration, signature: None };
        let leaf = match who {
            Some((_, key)) => leaf.signed(key),
            None => leaf,
        };
        let bytes = leaf.canonical();
        self.frontier.push(airlock::log::tree::leaf_hash(&bytes));
        Ok(self.writer.leaf(&bytes)?)
    }
}

/// A log as runs make it: of three leaves, one is a signed request, one an intent and one an outcome.
fn million(folder: &Path, leaves: u64) -> Fallible<bundle::Bundle> {
    let (frontier, writer) = (Frontier::default(), bundle::Writer::create(folder)?);
    let mut scribe = Scribe { writer, frontier, at_ms: 1_700_000_000_000 };
    let parties: [(MemberId, SecretKey); 2] = [
        ("grocer".parse()?, SecretKey::from_seed([1; 32])),
        ("brand".parse()?, SecretKey::from_seed([2; 32])),
    ];
    let document = agreement()?;
    let accepted = document.digest();
    let template = "reach".parse()?;
    let digest = document.templates.get(&template).ok_or("no template")?.digest(&template);
    scribe.put(None, Body::Opened { gateway: gateway().public() })?;
    let agreement = Box::new(document);
    scribe.put(None, Body::Proposed { agreement, digest: accepted })?;
    for (member, key) in &parties {
        let joined =
            Body::Joined { member: member.clone(), key: key.public(), agreement: accepted };
        scribe.put(Some((member, key)), joined)?;
    }
    for (member, key) in &parties {
        let (member_id, template) = (member.clone(), "reach".parse()?);
        scribe.put(Some((member, key)), Body::Approved { member: member_id, template, digest })?;
    }
    let [_, (brand, key)] = &parties;
    let mut run = 0;
    while scribe.frontier.size() < leaves {
        one_run(&mut scribe, (brand, key), (accepted, digest), run, leaves)?;
        run += 1;
    }
    let (size, root) = (scribe.frontier.size(), scribe.frontier.root());
    let head = Checkpoint { collaboration: "spring".parse()?, size, root };
    let note = head.sign(&gateway());
    Ok(scribe.writer.finish(&note, &head.collaboration, &gateway().public())?)
}

fn one_run(
    scribe: &mut Scribe,
    who: (&MemberId, &SecretKey),
    (agreement, digest): (Digest, Digest),
    number: u64,
    leaves: u64,
) -> Fallible {
    let run: mappings::model::RunId = format!("run-{number}").parse()?;
    let of = |text: &str| Digest::of(text.as_bytes());
    let columns = BTreeSet::from(["age".parse()?]);
    let touched =
        BTreeMap::from([("shoppers".parse()?, columns.clone()), ("exposures".parse()?, columns)]);
    let requested = Body::RunRequested {
        run: run.clone(),
        agreement,
        template: "reach".parse()?,
        digest,
        text_digest: of("text"),
        platform: "native".parse()?,
        by: who.0.clone(),
        receivers: vec![who.0.clone()],
        parameters: of("salted"),
        touched,
    };
    scribe.put(Some(who), requested)?;
    let manifests = BTreeMap::from([(who.0.clone(), of("manifest"))]);
    if scribe.frontier.size() < leaves {
        let (run, manifests) = (run.clone(), manifests.clone());
        let intended = Body::DeliveryIntended {
            run,
            files: Vec::new(),
            rows: 18,
            withheld: Some(9),
            manifests,
        };
        scribe.put(None, intended)?;
    }
    if scribe.frontier.size() < leaves {
        scribe.put(None, Body::RunSucceeded { run, rows: 18, withheld: Some(9), manifests })?;
    }
    Ok(())
}
