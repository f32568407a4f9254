//! Shares over a log in memory and a clock that is set: how long a URL lives, what is on record of it, and what is closed where nothing can be
//! put on record.

use super::*;
use crate::app::House;
use crate::app::revocations::tests::Refusing;
use crate::clock::{Clock as _, FixedClock};
use crate::home::Home;
use crate::log::FileDigest;
use crate::results::{ColumnLine, FileLine, Manifest};
use crate::sharing::{URL_S_MAX, Wants};
use crate::store::StoreError;
use futures::TryStreamExt as _;
use mappings::model::{Agreement, ColumnType, PlatformId, ResultClass};
use std::collections::BTreeMap;
use std::sync::Arc;

const NOW: i64 = 1_795_759_200_000;
const HOUR: i64 = 3_600_000;
const CONTENT: &[u8] = b"PAR1 and so on PAR1";

struct Gateway {
    _folder: tempfile::TempDir,
    app: App,
    store: Arc<Refusing>,
    clock: Arc<FixedClock>,
    house: House,
}

fn name<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().unwrap()
}

fn spring() -> CollaborationId {
    name("spring")
}

fn agreement(results: &str) -> Agreement {
    let text = format!(
        "agreement: v1
collaboration: spring
members:
  grocer: {{ name: Grocer, abilities: [contribute] }}
  brand: {{ name: Brand, abilities: [contribute, run, receive] }}
rooms: [native]
datasets:
  sales:
    owner: grocer
    at: {{ native: 'file:///nowhere/sales.parquet' }}
    entity: person
    columns:
      person: {{ use: match, key: email, from: email, type: utf8 }}
      segment: {{ type: utf8, use: dimension }}
    rule: {{ entities_min: 3, join: optional }}
templates:
  reach:
    class: aggregate
    sql: SELECT s.segment, COUNT(DISTINCT s.person) AS people FROM sales s GROUP BY s.segment
    run_by: [brand]
    received_by: [brand]
limits: {{ runs_max: 3, within: 24h }}
destinations: {{ brand: '{results}' }}
"
    );
    mappings::agreement::read(&text).unwrap()
}

impl Gateway {
    /// Everything agreed, and a run that delivered to the brand.
    async fn delivered() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("home")).unwrap();
        let (store, clock) = (Refusing::new(), Arc::new(FixedClock::new(NOW)));
        let app =
            App::over_at(home, Arc::<Refusing>::clone(&store), Arc::<FixedClock>::clone(&clock))
                .await
                .unwrap();
        let tied = Tied::default();
        for member in ["grocer", "brand"] {
            members::keygen(&app.home, &name(member)).unwrap();
        }
        let results = format!("file://{}/results", folder.path().display());
        let agreement = agreement(&results);
        app.propose(&agreement, &name("grocer"), &tied).await.unwrap();
        for member in ["grocer", "brand"] {
            clock.step(1);
            app.join(&spring(), &name(member), None, &tied).await.unwrap();
        }
        app.approve(&spring(), None, &name("grocer")).await.unwrap();
        let gateway = Self { _folder: folder, app, store, clock, house: House::default() };
        gateway.deliver(&agreement, &results).await;
        gateway
    }

    async fn deliver(&self, agreement: &Agreement, results: &str) {
        let (app, template) = (&self.app, name::<mappings::model::TemplateName>("reach"));
        let digest = agreement.templates[&template].digest(&template);
        let run: RunId = name("run-1");
        let requested = Body::RunRequested {
            run: run.clone(),
            agreement: agreement.digest(),
            template: template.clone(),
            digest,
            text_digest: Digest::of(b"text"),
            platform: PlatformId::native(),
            by: name("brand"),
            receivers: vec![name("brand")],
            parameters: Digest::of(b"salted"),
            touched: BTreeMap::from([(
                name("sales"),
                [name("person"), name("segment")].into_iter().collect(),
            )]),
        };
        let key = members::signing_key(&app.home, &name("brand")).unwrap();
        let signer = (&name("brand"), &key);
        app.decide(&spring(), signer, &Tied::default(), |_| Ok(requested.clone())).await.unwrap();
        let line = FileLine {
            name: "part-0.parquet".to_owned(),
            bytes: CONTENT.len() as u64,
            rows: 2,
            sha256: Digest::of(CONTENT),
        };
        let manifest = Manifest {
            format: "airlock-result/v1".to_owned(),
            collaboration: spring(),
            run: run.clone(),
            template,
            template_digest: digest,
            text_digest: Digest::of(b"text"),
            agreement_digest: agreement.digest(),
            class: ResultClass::Aggregate,
            platform: PlatformId::native(),
            receiver: name("brand"),
            columns: vec![ColumnLine { name: "segment".to_owned(), r#type: ColumnType::Utf8 }],
            files: vec![line.clone()],
            rows: 2,
            withheld: None,
            suppression: "dropped".to_owned(),
            rules: Vec::new(),
            log_index: 4,
            signature: None,
        };
        let manifest = manifest.signed(&app.key).canonical();
        let manifests = BTreeMap::from([(name("brand"), Digest::of(&manifest))]);
        let file = FileDigest {
            receiver: name("brand"),
            name: line.name,
            bytes: line.bytes,
            sha256: line.sha256,
        };
        let intended = Body::DeliveryIntended {
            run: run.clone(),
            files: vec![file],
            rows: 2,
            withheld: None,
            manifests: manifests.clone(),
        };
        app.record(&spring(), intended).await.unwrap();
        let place = Place::open(results).unwrap();
        place.create("spring/run-1/part-0.parquet", CONTENT.to_vec()).await.unwrap();
        place.create("spring/run-1/manifest.json", manifest).await.unwrap();
        let done = Body::RunSucceeded { run, rows: 2, withheld: None, manifests };
        app.record(&spring(), done).await.unwrap();
    }

    /// Opens it to the agency for so long; its token.
    async fn share(&self, for_ms: i64) -> String {
        let asked = ShareRequest {
            collaboration: spring(),
            run: name("run-1"),
            by: name("brand"),
            recipient: name("agency"),
            until_ms: NOW + for_ms,
            presigned: false,
            new_token: true,
        };
        let opened = self.app.share(Some(&self.house), &asked, &Tied::default()).await.unwrap();
        opened.fresh.unwrap().text
    }

    async fn unshare(&self) -> Result<Recorded> {
        let (by, recipient) = (name("brand"), name("agency"));
        self.app.unshare(&spring(), (&by, &recipient), None, &Tied::default()).await
    }

    /// The URL of the file, and until when it is said to live.
    async fn url(&self, token: &str) -> Result<(String, i64)> {
        let guest = self.app.guest(token).await?;
        let asked = (&Query::read(b"").unwrap(), Wants::read(None).unwrap());
        let (of, table) = ((&self.house, &guest), ("spring", "reach", "run-1"));
        let told = self.app.shared_files(of, table, asked, "http://here").await?;
        let line: serde_json::Value =
            serde_json::from_str(told.lines.lines().nth(2).unwrap()).unwrap();
        let url = line["file"]["url"].as_str().unwrap().to_owned();
        Ok((url, line["file"]["expirationTimestamp"].as_i64().unwrap()))
    }

    async fn read(&self, url: &str) -> Result<Vec<u8>> {
        let (place, sig) = url.split_once("&sig=").unwrap();
        let file = place.split('/').next_back().unwrap().split('?').next().unwrap();
        let whole = |_: u64, _: &str| Ok(None);
        let open = self.app.shared_file(&self.house, (file, sig), whole, false).await?;
        let parts: Vec<_> = open.parts.unwrap().try_collect().await?;
        Ok(parts.concat())
    }

    async fn lines(&self) -> usize {
        let size = self.app.log.size(&spring()).await.unwrap();
        let all = self.app.store.read(&spring(), 0, usize::try_from(size).unwrap()).await.unwrap();
        let is = |leaf: &Vec<u8>| String::from_utf8_lossy(leaf).contains("\"share-read\"");
        all.iter().filter(|leaf| is(leaf)).count()
    }
}

fn code<T>(found: Result<T>) -> String {
    found.err().map_or_else(|| "nothing is wrong".to_owned(), |error| error.code)
}

#[tokio::test]
async fn a_url_lives_for_five_minutes_and_no_longer_than_its_token() {
    let gateway = Gateway::delivered().await;
    let token = gateway.share(HOUR).await;
    let (url, until) = gateway.url(&token).await.unwrap();
    assert_eq!(until, gateway.clock.now_ms() + URL_S_MAX * 1_000);
    assert_eq!(gateway.read(&url).await.unwrap(), CONTENT);
    gateway.clock.step(URL_S_MAX * 1_000 - 1);
    assert_eq!(gateway.read(&url).await.unwrap(), CONTENT);
    gateway.clock.step(1);
    assert_eq!(code(gateway.read(&url).await), "share-url-expired");
    gateway.clock.step(HOUR - URL_S_MAX * 1_000 - 60_000);
    let (url, until) = gateway.url(&token).await.unwrap();
    assert_eq!(until, NOW + HOUR, "the token's own end");
    gateway.clock.step(60_000);
    assert_eq!(code(gateway.read(&url).await), "share-token-expired");
    assert_eq!(code(gateway.url(&token).await), "share-token-expired");
}

#[tokio::test]
async fn what_is_read_has_one_line_in_five_minutes() {
    let gateway = Gateway::delivered().await;
    let token = gateway.share(HOUR).await;
    let (url, _) = gateway.url(&token).await.unwrap();
    for _ in 0..3 {
        gateway.read(&url).await.unwrap();
        gateway.url(&token).await.unwrap();
    }
    assert_eq!(gateway.lines().await, 2, "one of the query, one of the file");
    gateway.clock.step(5 * 60_000);
    let (url, _) = gateway.url(&token).await.unwrap();
    gateway.read(&url).await.unwrap();
    assert_eq!(gateway.lines().await, 4);
    let many = (0..16).map(|_| gateway.read(&url));
    let all = futures::future::join_all(many).await;
    assert!(all.iter().any(Result::is_ok) && gateway.lines().await == 4);
}

#[tokio::test]
async fn what_cant_be_put_on_record_is_not_given() {
    let gateway = Gateway::delivered().await;
    let token = gateway.share(HOUR).await;
    gateway.store.refuses(usize::MAX, StoreError::Full);
    assert_eq!(code(gateway.url(&token).await), "store-full");
    gateway.store.refuses(0, StoreError::Full);
    let (url, _) = gateway.url(&token).await.unwrap();
    gateway.store.refuses(usize::MAX, StoreError::Full);
    assert_eq!(code(gateway.read(&url).await), "store-full");
    assert_eq!(gateway.lines().await, 1);
}

#[tokio::test]
async fn what_is_taken_back_is_closed_here_before_it_is_on_record() {
    let gateway = Gateway::delivered().await;
    let token = gateway.share(HOUR).await;
    let (url, _) = gateway.url(&token).await.unwrap();
    gateway.read(&url).await.unwrap();
    let (_, ticket) = url.split_once("&sig=").unwrap();
    assert!(gateway.app.still_open(ticket).await);
    gateway.store.refuses(usize::MAX, StoreError::Full);
    assert_eq!(code(gateway.unshare().await), "store-full");
    for found in [code(gateway.read(&url).await), code(gateway.url(&token).await)] {
        assert_eq!(found, "share-closed");
    }
    assert!(!gateway.app.still_open(ticket).await, "a file on its way ends");
    gateway.store.refuses(0, StoreError::Full);
    assert_eq!(code(gateway.read(&url).await), "share-closed", "until it is on record");
    gateway.unshare().await.unwrap();
    assert_eq!(code(gateway.read(&url).await), "share-closed");
    let again = gateway.share(HOUR).await;
    assert_eq!(code(gateway.read(&url).await), "share-closed", "a URL of before stays closed");
    let (url, _) = gateway.url(&again).await.unwrap();
    assert_eq!(gateway.read(&url).await.unwrap(), CONTENT);
    // What is refused takes nothing away.
    let (by, other) = (name("brand"), name("press"));
    let ended = gateway.app.unshare(&spring(), (&by, &other), None, &Tied::default()).await;
    assert_eq!(code(ended), "recipient-unknown");
    assert!(gateway.app.sharing.ending.lock().unwrap().is_empty());
}
