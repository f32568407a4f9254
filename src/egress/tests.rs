//! URLs that are not asked, from the corpus in `tests/it/egress.toml`, with somebody listening who must see nobody; and answers that lie, stall
//! and run on.

use super::asking::{Egress, Limits};
use super::names::Names;
use super::{Policy, Refused};
use futures::future::BoxFuture;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const CORPUS: &str = include_str!("../../tests/it/egress.toml");
/// Where an answer is to come, on a busy machine too.
const LIMITS: Limits = Limits {
    at_once: 2,
    connect: Duration::from_secs(10),
    total: Duration::from_secs(10),
    answer_max: 1_024,
};
/// Where none comes.
const SHORT: Limits =
    Limits { connect: Duration::from_millis(500), total: Duration::from_millis(800), ..LIMITS };
/// Where a place is waited for that nobody gives back meanwhile.
const CROWDED: Limits =
    Limits { connect: Duration::from_secs(1), total: Duration::from_secs(8), ..LIMITS };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    family: Vec<Family>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    name: String,
    code: String,
    /// Where some of them are refused for something else before.
    also: Option<String>,
    attempts: Vec<String>,
    twins: Vec<String>,
}

/// Names that lead where a test says, and how often they were asked.
#[derive(Debug, Default)]
struct Said(Vec<Vec<IpAddr>>, Arc<AtomicUsize>);

impl Names for Said {
    fn addresses(&self, _name: String) -> BoxFuture<'static, Vec<IpAddr>> {
        let turn = self.1.fetch_add(1, Ordering::SeqCst);
        let found = self.0.get(turn).or(self.0.last()).cloned().unwrap_or_default();
        Box::pin(async move { found })
    }
}

/// A URL, and where its name leads.
fn entry(text: &str, port: u16) -> (String, Vec<IpAddr>) {
    let (url, to) = text.split_once(" -> ").unwrap_or((text, ""));
    let to = to.split(", ").filter(|one| !one.is_empty()).map(|one| one.parse().unwrap());
    (url.replace("PORT", &port.to_string()), to.collect())
}

/// URLs of the corpus that are refused by their text, wherever a name of theirs leads, and all their twins.
pub(crate) fn by_text(port: u16) -> (Vec<String>, Vec<String>) {
    let corpus: Corpus = toml::from_str(CORPUS).unwrap();
    let outside: IpAddr = "8.8.8.8".parse().unwrap();
    let (mut attempts, mut twins) = (Vec::new(), Vec::new());
    for family in &corpus.family {
        let of = family.attempts.iter().map(|text| entry(text, port));
        let of = of.filter(|(_, to)| {
            family.code != "egress-unresolved" && to.iter().all(|to| *to == outside)
        });
        attempts.extend(of.map(|(url, _)| url));
        twins.extend(family.twins.iter().map(|text| entry(text, port).0));
    }
    (attempts, twins)
}

/// Somebody who listens at every address of this machine, and how often anybody came.
async fn listener() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).await.unwrap();
    let (port, came) = (listener.local_addr().unwrap().port(), Arc::<AtomicUsize>::default());
    let count = Arc::clone(&came);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    (port, came)
}

#[tokio::test]
async fn nothing_inside_is_asked_and_its_twins_may_be() {
    let (port, came) = listener().await;
    let corpus: Corpus = toml::from_str(CORPUS).unwrap();
    let policy = Arc::new(Policy::new(&[], [443, 8443, port], false).unwrap());
    let (mut broken, mut names, mut attempts) = (Vec::new(), BTreeSet::new(), 0);
    for family in &corpus.family {
        assert!(names.insert(&family.name) && !family.twins.is_empty(), "{}", family.name);
        let mut by_code = BTreeSet::new();
        for text in &family.attempts {
            attempts += 1;
            let (url, to) = entry(text, port);
            let names = Arc::new(Said(vec![to], Arc::default()));
            let egress = Egress::with(Arc::clone(&policy), LIMITS, names).unwrap();
            let found = match policy.target(&url) {
                Ok(target) => egress.get(&target, "*/*").await.map(drop).map_err(Refused::code),
                Err(refused) => Err(refused.code()),
            };
            let expected = [Some(family.code.as_str()), family.also.as_deref()];
            match found {
                Err(code) if expected.contains(&Some(code)) => drop(by_code.insert(code)),
                other => broken.push(format!("{url}: {other:?}")),
            }
        }
        assert!(by_code.contains(family.code.as_str()), "{}", family.name);
        for text in &family.twins {
            let (url, to) = entry(text, port);
            let target = policy.target(&url);
            let name = url.split(['/', ':']).nth(3).unwrap_or_default();
            let pinned =
                if to.is_empty() { Ok(Vec::new()) } else { policy.pinned(name, &to, false) };
            if target.is_err() || pinned.is_err() {
                broken.push(format!("twin {url}: {target:?} {pinned:?}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(attempts >= 120, "{attempts}");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(came.load(Ordering::SeqCst), 0, "somebody was asked");
    // It would have seen them.
    let open = Arc::new(Policy::new(&[], [443], true).unwrap());
    let target = open.target(&format!("http://127.0.0.1:{port}/")).unwrap();
    let egress = Egress::with(open, LIMITS, Arc::<Said>::default()).unwrap();
    assert_eq!(egress.get(&target, "*/*").await.unwrap_err(), Refused::Unreachable);
    assert_eq!(came.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_name_is_asked_for_once_and_what_was_looked_at_is_connected_to() {
    let (port, came) = listener().await;
    let policy = Arc::new(Policy::new(&[], [port], false).unwrap());
    let asked = Arc::<AtomicUsize>::default();
    // The second answer is another: whoever asked again would come here.
    let outside = "192.31.195.1".parse().unwrap();
    let names = Said(vec![vec![outside], vec!["127.0.0.1".parse().unwrap()]], Arc::clone(&asked));
    let target = policy.target(&format!("https://id.example:{port}/")).unwrap();
    let egress = Egress::with(policy, SHORT, Arc::new(names)).unwrap();
    let found = egress.get(&target, "*/*").await.unwrap_err();
    assert!(matches!(found, Refused::Unreachable | Refused::Late), "{found:?}");
    assert_eq!((asked.load(Ordering::SeqCst), came.load(Ordering::SeqCst)), (1, 0));
    // The next time it is looked at anew.
    assert_eq!(egress.get(&target, "*/*").await.unwrap_err(), Refused::Inside);
    assert_eq!((asked.load(Ordering::SeqCst), came.load(Ordering::SeqCst)), (2, 0));
}

#[tokio::test]
async fn an_own_place_that_leads_outside_is_asked_by_https_alone() {
    let (port, came) = listener().await;
    let own = Arc::new(Policy::own());
    let asked = async |scheme: &str, to: &[&str]| {
        let to = to.iter().map(|one| one.parse().unwrap()).collect();
        let names = Arc::new(Said(vec![to], Arc::default()));
        let target = own.target(&format!("{scheme}://collector.example:{port}/")).unwrap();
        let egress = Egress::with(Arc::clone(&own), LIMITS, names).unwrap();
        egress.get(&target, "*/*").await.map(drop).unwrap_err()
    };
    assert_eq!(asked("http", &["192.31.195.1"]).await, Refused::Scheme);
    assert_eq!(asked("http", &["127.0.0.1", "192.31.195.1"]).await, Refused::Scheme);
    assert_eq!(came.load(Ordering::SeqCst), 0, "nobody is connected to before all are looked at");
    // Its twins: this machine without TLS, and outside with it, which is looked at and not called from a test.
    assert_eq!(asked("http", &["127.0.0.1"]).await, Refused::Unreachable);
    assert_eq!(came.load(Ordering::SeqCst), 1);
    let outside = ["192.31.195.1".parse().unwrap()];
    assert!(own.pinned("collector.example", &outside, false).is_ok());
}

/// Whoever answers so, once for every connection, and then says no more for a while.
async fn answering(answer: Vec<u8>) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, came) = (listener.local_addr().unwrap().port(), Arc::<AtomicUsize>::default());
    let count = Arc::clone(&came);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut asked = [0; 4_096];
                drop(stream.read(&mut asked).await);
                drop(stream.write_all(&answer).await);
                tokio::time::sleep(Duration::from_mins(1)).await;
            });
        }
    });
    (port, came)
}

async fn asked_here(answer: &str) -> Result<String, Refused> {
    asked_within(answer, LIMITS).await
}

async fn asked_within(answer: &str, limits: Limits) -> Result<String, Refused> {
    let (port, _) = answering(answer.as_bytes().to_vec()).await;
    let open = Arc::new(Policy::new(&[], [443], true).unwrap());
    let target = open.target(&format!("http://localhost:{port}/zq?zq"))?;
    let egress = Egress::with(open, limits, Arc::<Said>::default())?;
    let answer = egress.get(&target, "application/json").await?;
    Ok(format!("{} {}", answer.status.as_u16(), String::from_utf8_lossy(&answer.body)))
}

#[tokio::test]
async fn answers_have_their_length_and_their_time() {
    let of = |head: &str, body: &str| format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
    let long = "x".repeat(1_024);
    let sized = |body: &str| of(&format!("Content-Length: {}", body.len()), body);
    assert_eq!(asked_here(&sized("{}")).await, Ok("200 {}".to_owned()));
    assert_eq!(asked_here(&sized(&long)).await, Ok(format!("200 {long}")));
    assert_eq!(asked_here(&sized(&format!("{long}x"))).await, Err(Refused::Long));
    let pieces = |body: &str| {
        of("Transfer-Encoding: chunked", &format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()))
    };
    assert_eq!(asked_here(&pieces(&long)).await, Ok(format!("200 {long}")));
    assert_eq!(asked_here(&pieces(&format!("{long}x"))).await, Err(Refused::Long));
    for stalled in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"] {
        assert_eq!(asked_within(stalled, SHORT).await, Err(Refused::Late), "{stalled:?}");
    }
    assert_eq!(asked_here("HTTP/9 nonsense\r\n\r\n").await, Err(Refused::Unreachable));
    let other = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone";
    assert_eq!(asked_here(other).await, Ok("404 gone".to_owned()));
}

#[tokio::test]
async fn another_place_is_not_gone_to() {
    let (elsewhere, came) =
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec()).await;
    for status in [300, 301, 302, 303, 307, 308] {
        let head = format!(
            "HTTP/1.1 {status} Other\r\nLocation: http://127.0.0.1:{elsewhere}/\r\nContent-Length: 0\r\n\r\n"
        );
        assert_eq!(asked_here(&head).await, Err(Refused::Redirect), "{status}");
    }
    assert_eq!(came.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn no_more_are_asked_at_a_time_than_may_be() {
    let (port, came) = answering(Vec::new()).await;
    let open = Arc::new(Policy::new(&[], [443], true).unwrap());
    let target = open.target(&format!("http://127.0.0.1:{port}/")).unwrap();
    let egress = Egress::with(open, CROWDED, Arc::<Said>::default()).unwrap();
    let put = || egress.post(&target, HeaderMap::new(), b"{}".to_vec());
    let (one, two, three) = tokio::join!(put(), put(), put());
    let all = BTreeSet::from([one, two, three].map(Result::unwrap_err));
    assert_eq!(all, BTreeSet::from([Refused::Late, Refused::Busy]));
    assert_eq!(came.load(Ordering::SeqCst), 2);
}

#[test]
fn what_a_tenant_is_told_says_nothing_of_the_inside() {
    let told: BTreeSet<_> = Refused::ALL.iter().map(|it| it.told().code()).collect();
    let inside = [Refused::Inside, Refused::Unresolved, Refused::Late, Refused::Redirect];
    assert!(inside.iter().all(|it| !told.contains(it.code())), "{told:?}");
    let codes: BTreeSet<_> = Refused::ALL.iter().map(|it| it.code()).collect();
    assert_eq!(codes.len(), Refused::ALL.len());
    for refused in Refused::ALL {
        let error = crate::error::Error::from(refused);
        assert!(crate::error::codes::explained(&error.code).is_some(), "{error}");
    }
}
