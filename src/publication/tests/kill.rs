//! Whatever call a publication ends at, what is published is whole, and the next one goes on.

use super::*;
use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A store that dies at a call, before or after it took effect, and remembers every checkpoint that it was given.
#[derive(Debug)]
struct Mortal {
    inner: Arc<InMemory>,
    left: AtomicUsize,
    /// Whether the call at which it dies takes effect.
    acts: bool,
    /// Held while a head is put, so that they stand here in the order in which they were.
    heads: Arc<tokio::sync::Mutex<Vec<u64>>>,
}

impl Mortal {
    fn after(calls: usize, acts: bool, inner: &Arc<InMemory>) -> Self {
        let (inner, heads) = (Arc::<InMemory>::clone(inner), Arc::default());
        Self { inner, left: AtomicUsize::new(calls), acts, heads }
    }

    /// Whether the call takes effect, and whether that is told.
    fn call(&self) -> (bool, bool) {
        let one_less = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
            Ok(left) => (left > 1 || self.acts, left > 1),
            Err(_) => (false, false),
        }
    }

    fn dead() -> Error {
        let source = Box::new(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        Error::Generic { store: "mortal", source }
    }
}

impl fmt::Display for Mortal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mortal")
    }
}

#[async_trait]
impl ObjectStore for Mortal {
    async fn put_opts(
        &self,
        at: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        tokio::task::yield_now().await;
        let (acts, tells) = self.call();
        if !acts {
            return Err(Self::dead());
        }
        let text: Vec<u8> = payload.iter().flat_map(|bytes| bytes.to_vec()).collect();
        let mut heads = self.heads.lock().await;
        let put = self.inner.put_opts(at, payload, options).await;
        if put.is_ok() && at.as_ref().ends_with("checkpoint") {
            let head = crate::log::Checkpoint::parse(&String::from_utf8(text).unwrap()).unwrap();
            let there = objects(&self.inner).await;
            for tile in crate::log::tiles::added(0, head.size) {
                assert!(there.contains_key(&tile.path()), "{} is not there", tile.path());
            }
            let leaves = there.keys().filter(|path| path.starts_with("leaf/")).count();
            assert!(leaves as u64 >= head.size, "a leaf is not there");
            heads.push(head.size);
        }
        if tells { put } else { Err(Self::dead()) }
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        tokio::task::yield_now().await;
        if self.call() == (true, true) {
            self.inner.get_opts(at, options).await
        } else {
            Err(Self::dead())
        }
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(Self::dead())
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        Box::pin(futures::stream::once(async { Err(Self::dead()) }))
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        Box::pin(futures::stream::once(async { Err(Self::dead()) }))
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(Self::dead())
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(Self::dead())
    }
}

#[tokio::test]
async fn a_publication_that_dies_at_any_call_leaves_a_whole_log_and_is_gone_on_with() {
    for acts in [false, true] {
        let (log, (first, place)) = (new_log(1), memory());
        grown(&log, 250).await;
        published(&log, &place).await.unwrap();
        grown(&log, 258).await;
        let (mut calls, mut old, mut new) = (0, 0, 0);
        loop {
            calls += 1;
            let store = Arc::new(first.fork());
            let mortal = Mortal::after(calls, acts, &store);
            let died = published(&log, &Place::over(Arc::new(mortal))).await.is_err();
            let healthy = Place::over(Arc::<InMemory>::clone(&store));
            match verified(&healthy).await.unwrap().checkpoint.size {
                250 => old += 1,
                258 => new += 1,
                size => panic!("{size} leaves were never published"),
            }
            assert_eq!(published(&log, &healthy).await.unwrap().size, 258);
            assert_eq!(verified(&healthy).await.unwrap().checkpoint.size, 258);
            if !died {
                break;
            }
        }
        assert!(calls > 12 && old > 10 && new == 1 + usize::from(acts), "{calls}, {old}, {new}");
    }
}

#[tokio::test]
async fn from_nothing_as_well() {
    let log = new_log(1);
    grown(&log, 4).await;
    for calls in 1.. {
        let (store, healthy) = memory();
        let mortal = Mortal::after(calls, false, &store);
        let died = published(&log, &Place::over(Arc::new(mortal))).await.is_err();
        assert_eq!(
            code(verified(&healthy).await),
            if died { "checkpoint-missing" } else { "good" }
        );
        published(&log, &healthy).await.unwrap();
        verified(&healthy).await.unwrap();
        if !died {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_at_once_neither_takes_the_other_back() {
    let (leaves, store) = (Arc::new(MemoryStore::default()), Arc::new(InMemory::new()));
    grown(&log_over(&leaves, 1), 3).await;
    let heads = Arc::default();
    let mortal = Mortal::after(usize::MAX, true, &store);
    let shared: Arc<dyn ObjectStore> = Arc::new(Mortal { heads: Arc::clone(&heads), ..mortal });
    let publisher = |place: Place, log: AgreementLog| async move {
        for _ in 0..60 {
            match published(&log, &place).await {
                Ok(_) | Err(PublicationError::Busy) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    let one = tokio::spawn(publisher(Place::over(Arc::clone(&shared)), log_over(&leaves, 1)));
    let two = tokio::spawn(publisher(Place::over(Arc::clone(&shared)), log_over(&leaves, 1)));
    let log = log_over(&leaves, 1);
    for size in (5..90).step_by(2) {
        grown(&log, size).await;
        tokio::task::yield_now().await;
    }
    one.await.unwrap();
    two.await.unwrap();
    let place = Place::over(Arc::<InMemory>::clone(&store));
    published(&log, &place).await.unwrap();
    assert_eq!(verified(&place).await.unwrap().checkpoint.size, 89);
    let heads: Vec<u64> = heads.lock().await.clone();
    assert!(heads.is_sorted() && !heads.is_empty(), "{heads:?}");
}
