//! `SQLite` passes the suite, with every step in a newly opened store.

use super::*;
use std::sync::Arc;

#[tokio::test]
async fn conforms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    crate::store::suite::conforms(|| async {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).await.unwrap());
        store
    })
    .await;
}
