//! A Parquet file's footer, its claims bounded before they are believed, and a reader of the file that it describes.
//! Must not know what the columns mean.

use crate::storage::Place;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use std::ops::Range;
use std::sync::Arc;

const TAIL_BYTES: u64 = 8;
const FOOTER_BYTES_MAX: u64 = 64 << 20;

/// The footer; nothing where the file has none that can be read.
pub(crate) async fn footer(place: &Place, meta: &ObjectMeta) -> Option<ParquetMetaData> {
    let tail_at = meta.size.checked_sub(TAIL_BYTES)?;
    let tail = place.store.get_range(&meta.location, tail_at..meta.size).await.ok()?;
    let (length, magic) = tail.split_first_chunk::<4>()?;
    let length = u64::from(u32::from_le_bytes(*length));
    if magic != b"PAR1" || length > FOOTER_BYTES_MAX {
        return None;
    }
    let start = tail_at.checked_sub(length)?;
    let bytes = place.store.get_range(&meta.location, start..tail_at).await.ok()?;
    ParquetMetaDataReader::decode_metadata(&bytes).ok()
}

/// Reads a file whose footer is known.
#[derive(Debug)]
pub(crate) struct Reader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    footer: Arc<ParquetMetaData>,
}

impl Reader {
    pub(crate) fn new(place: &Place, meta: &ObjectMeta, footer: ParquetMetaData) -> Self {
        let (store, path) = (Arc::clone(&place.store), meta.location.clone());
        Self { store, path, footer: Arc::new(footer) }
    }
}

fn failed(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move { self.store.get_range(&self.path, range).await.map_err(failed) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(failed) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move { Ok(Arc::clone(&self.footer)) }.boxed()
    }
}
