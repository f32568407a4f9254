//! Hostile files, limits, cancellation: a clear code, and nothing left behind.

use crate::meaning::{sales, seen};
use crate::world::{World, batch, subject, write};
use adapter_spi::{Adapter, Cx, Effect, Resource, ResourceKind, RunStatus, RunsQueries, Step};
use arrow::array::{DictionaryArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::Int32Type;
use mappings::guard::guard;
use mappings::model::{ResultClass, RunId};
use std::sync::Arc;
use std::time::{Duration, Instant};

const COUNT: &str = "SELECT s.segment, COUNT(DISTINCT s.person) AS people
                     FROM sales s JOIN seen e ON s.person = e.person GROUP BY s.segment";

fn many(people: usize) -> World {
    let mails: Vec<String> = (0..people).map(|n| format!("p{n}@x.io")).collect();
    let bought: Vec<_> = mails
        .iter()
        .map(|mail| (Some(mail.as_str()), None, "all", 1.0, Some("yes"), "DE"))
        .collect();
    let viewers: Vec<_> = mails.iter().map(|mail| (Some(mail.as_str()), None, "summer")).collect();
    World::new(&sales(&bought), &seen(&viewers))
}

async fn code_after(change: impl FnOnce(&std::path::Path)) -> String {
    let world = many(5);
    change(world.folder.path());
    world.run(COUNT, ResultClass::Aggregate).await.unwrap_err()
}

#[tokio::test]
async fn broken_files_have_codes() {
    many(5).run(COUNT, ResultClass::Aggregate).await.unwrap();
    let path = |folder: &std::path::Path| folder.join("sales.parquet");
    assert_eq!(code_after(|f| std::fs::remove_file(path(f)).unwrap()).await, "dataset-missing");
    let cut = code_after(|f| {
        let whole = std::fs::read(path(f)).unwrap();
        std::fs::write(path(f), &whole[..whole.len() / 2]).unwrap();
    });
    assert_eq!(cut.await, "dataset-unreadable");
    assert_eq!(
        code_after(|f| std::fs::write(path(f), b"PAR1PAR1PA").unwrap()).await,
        "dataset-unreadable"
    );
    let claim = code_after(|f| std::fs::write(path(f), b"\xff\xff\xff\x7fPAR1").unwrap());
    assert_eq!(claim.await, "dataset-unreadable");
    let garbage = code_after(|f| {
        let mut whole = std::fs::read(path(f)).unwrap();
        for byte in &mut whole[4..60] {
            *byte ^= 0x5a;
        }
        std::fs::write(path(f), whole).unwrap();
    });
    assert!(["dataset-unreadable", "engine-failed"].contains(&garbage.await.as_str()));
}

#[tokio::test]
async fn a_changed_schema_is_refused_by_name() {
    let missing = code_after(|folder| {
        write(
            &folder.join("sales.parquet"),
            &batch(vec![("email", Arc::new(StringArray::from(vec!["a@x.io"])))]),
        );
    });
    assert_eq!(missing.await, "schema-mismatch");
    let world = many(5);
    let path = world.folder.path().join("seen.parquet");
    write(
        &path,
        &batch(vec![
            ("mail", Arc::new(StringArray::from(vec!["a@x.io"]))),
            ("tel", Arc::new(StringArray::from(vec!["1"]))),
            ("campaign", Arc::new(Int64Array::from(vec![1]))),
            ("reader", Arc::new(Int64Array::from(vec![1]))),
        ]),
    );
    assert_eq!(world.run(COUNT, ResultClass::Aggregate).await, Err("schema-mismatch".to_owned()));
}

#[tokio::test]
async fn limits_hold_and_leave_nothing() {
    let mut world = many(20_000);
    world.limits.rows_max = 0;
    assert_eq!(world.run(COUNT, ResultClass::Aggregate).await, Err("row-limit".to_owned()));
    world = many(20_000);
    world.limits.duration_ms_max = 0;
    assert_eq!(world.run(COUNT, ResultClass::Aggregate).await, Err("time-limit".to_owned()));
    world = many(20_000);
    world.limits.memory_bytes_max = 1_000;
    world.limits.spill_bytes_max = 0;
    let starved = world.run(COUNT, ResultClass::Aggregate).await.unwrap_err();
    assert!(["memory-limit", "spill-limit"].contains(&starved.as_str()), "{starved}");
}

#[tokio::test]
async fn a_cancelled_run_leaves_nothing() {
    let world = many(50_000);
    let agreement = world.agreement(COUNT, ResultClass::Aggregate);
    let guarded = guard(&agreement, &subject()).unwrap();
    let query = world.query(agreement, guarded, RunId::new("run-one").unwrap());
    world.grant(&query).await;
    let cx = Cx::default();
    world.room.submit(&query, &cx).await.unwrap();
    assert_eq!(world.room.submit(&query, &cx).await.unwrap_err().code, "run-exists");
    world.room.cancel(&query.run, &cx).await.unwrap();
    assert_eq!(world.end_of(&query.run).await, RunStatus::Cancelled);
    world.nothing_left(&query.landing.url.to_file_path().unwrap());
}

/// Files say one long text once and mean it for every row.
#[tokio::test]
async fn a_text_that_is_too_long_is_refused_before_anything_is_made_of_it() {
    let sql = "SELECT upper(s.segment) AS segment, COUNT(*) AS n FROM sales s JOIN seen e ON s.person = e.person
               GROUP BY upper(s.segment)";
    let code = |bytes: usize| {
        let who = (0..8192).map(|n| ["a@x.io", "b@x.io", "c@x.io"][n % 3]);
        let segment = DictionaryArray::<Int32Type>::new(
            vec![0; 8192].into(),
            Arc::new(StringArray::from(vec!["x".repeat(bytes)])),
        );
        let text = |value: &str| Arc::new(StringArray::from(vec![value; 8192]));
        let bought = batch(vec![
            (
                "email",
                Arc::new(who.collect::<Vec<_>>().into_iter().map(Some).collect::<StringArray>()),
            ),
            ("phone", Arc::new(StringArray::from(vec![None::<&str>; 8192]))),
            ("segment", Arc::new(segment)),
            ("amount", Arc::new(Float64Array::from(vec![1.0; 8192]))),
            ("secret", text("s")),
            ("ads_ok", text("yes")),
            ("country", text("DE")),
        ]);
        let viewers = ["a@x.io", "b@x.io", "c@x.io"].map(|who| (Some(who), None, "summer"));
        let world = World::new(&bought, &seen(&viewers));
        async move { world.run(sql, ResultClass::Aggregate).await.map(|(rows, _)| rows.len()) }
    };
    assert_eq!(code(16 << 10).await, Ok(1));
    assert_eq!(code((16 << 10) + 1).await, Err("value-too-large".to_owned()));
    assert_eq!(code(1 << 20).await, Err("value-too-large".to_owned()));
}

/// Planning a long text takes a while, and holds up neither the room nor a limit.
#[tokio::test]
async fn a_run_that_is_still_planned_ends_at_once() {
    let mut world = many(5);
    let figures: Vec<String> =
        (0..120).map(|n| format!("SUM(s.amount) + COUNT(*) * {n} AS n{n}")).collect();
    let sql = format!(
        "SELECT s.segment, {} FROM sales s JOIN seen e ON s.person = e.person GROUP BY s.segment",
        figures.join(", ")
    );
    let agreement = world.agreement(&sql, ResultClass::Aggregate);
    let guarded = guard(&agreement, &subject()).unwrap();
    // Of each the fastest: the machine may be busy.
    let (mut ended, mut whole) = (Duration::MAX, Duration::MAX);
    for number in 0..5 {
        world.limits.duration_ms_max = 1;
        let run = RunId::new(&format!("run-long-{number}")).unwrap();
        let query = world.query(agreement.clone(), guarded.clone(), run);
        world.grant(&query).await;
        world.room.submit(&query, &Cx::default()).await.unwrap();
        let started = Instant::now();
        let RunStatus::Failed(failure) = world.end_of(&query.run).await else {
            panic!("it ended well")
        };
        ended = ended.min(started.elapsed());
        assert_eq!(failure.code, "time-limit");
        world.limits.duration_ms_max = 600_000;
        let run = RunId::new(&format!("run-whole-{number}")).unwrap();
        let query = world.query(agreement.clone(), guarded.clone(), run);
        let started = Instant::now();
        world.room.submit(&query, &Cx::default()).await.unwrap();
        let RunStatus::Succeeded(_) = world.end_of(&query.run).await else { panic!("it failed") };
        whole = whole.min(started.elapsed());
    }
    assert!(ended < whole / 4, "ended after {ended:?} of {whole:?}");
}

#[tokio::test]
async fn what_is_not_granted_does_not_run_and_what_is_taken_away_stops() {
    let world = many(50_000);
    let agreement = world.agreement(COUNT, ResultClass::Aggregate);
    let guarded = guard(&agreement, &subject()).unwrap();
    let query = world.query(agreement, guarded, RunId::new("run-one").unwrap());
    let cx = Cx::default();
    assert_eq!(world.room.submit(&query, &cx).await.unwrap_err().code, "not-granted");
    world.grant(&query).await;
    world.room.submit(&query, &cx).await.unwrap();
    let kind = ResourceKind::Template(query.guarded.template.clone());
    let resource = Resource { kind, digest: query.guarded.digest };
    let step = Step::new(query.agreement.collaboration.clone(), Effect::Revoke, resource, 0);
    world.room.apply(&step, &cx).await.unwrap();
    assert_eq!(world.end_of(&query.run).await, RunStatus::Cancelled);
}

#[tokio::test]
async fn the_room_conforms() {
    let report = adapter_spi::suite::conforms(&many(1).room).await.unwrap();
    assert_eq!(report.to_string(), include_str!("../../../../tests/conformance/native.txt"));
}
