//! A published log read back: checkpoint, tiles, leaves, each held to the one before it, into a bundle that is verified like any other. Must not know
//! whose gateway it was.

use super::{CHECKPOINT, NOTE_BYTES_MAX, PublicationError};
use crate::log::bundle::{Bundle, Writer};
use crate::log::checkpoint::CheckpointError;
use crate::log::cosignature::same_head;
use crate::log::tiles::{TILE_BYTES_MAX, Tile, Tiler, leaf_path, of_leaves};
use crate::log::tree::{Hash, leaf_hash};
use crate::log::{Checkpoint, PublicKey, Witness};
use crate::results::{Place, ResultsError};
use futures::{StreamExt as _, stream};
use std::path::Path;

/// No leaf is longer; an agreement has 4 MiB at most.
const LEAF_BYTES_MAX: usize = 32 << 20;
/// Objects that are asked for at a time.
const READS_AT_ONCE: usize = 8;

/// The published head, signed by this gateway, and its note.
pub async fn head(
    place: &Place,
    gateway: &PublicKey,
) -> Result<(Checkpoint, String), PublicationError> {
    let note = note(place, CHECKPOINT).await?.ok_or(PublicationError::Missing)?;
    let collaboration = Checkpoint::parse(&note)?.collaboration;
    Ok((Checkpoint::verify(&note, gateway, &collaboration)?, note))
}

/// The first leaf, which names the gateway's key, of a log that is published there.
pub async fn opened(place: &Place) -> Result<Vec<u8>, PublicationError> {
    note(place, CHECKPOINT).await?.ok_or(PublicationError::Missing)?;
    leaf(place, 0).await
}

/// The witnesses, of these, who cosigned exactly this head: in the note itself, or in one of their own beside it.
pub async fn witnessed<'a>(
    place: &Place,
    head: &str,
    witnesses: &'a [Witness],
) -> Result<Vec<(&'a Witness, u64)>, PublicationError> {
    let mut all = Vec::new();
    for witness in witnesses {
        let beside = note(place, &witness.path()).await?.filter(|beside| same_head(beside, head));
        let notes = beside.iter().map(String::as_str).chain([head]);
        let made = notes.filter_map(|note| witness.cosigned(note).ok().flatten());
        all.extend(made.map(|(_, at_s)| (witness, at_s)).max_by_key(|(_, at_s)| *at_s));
    }
    Ok(all)
}

/// Reads a log whole into a folder, which becomes a bundle: every tile is what the leaf hashes make, they make the signed root, and each leaf is the
/// one that its hash says.
pub async fn fetch(
    place: &Place,
    gateway: &PublicKey,
    into: &Path,
) -> Result<Bundle, PublicationError> {
    let (head, note) = head(place, gateway).await?;
    let hashes = leaf_hashes(place, &head).await?;
    let mut writer = Writer::create(into)?;
    let reads = (0_u64..).zip(hashes).map(|(index, hash)| async move {
        let bytes = leaf(place, index).await?;
        let is_it = leaf_hash(&bytes) == hash;
        if is_it { Ok(bytes) } else { Err(PublicationError::LeafDiffers { index }) }
    });
    let mut leaves = stream::iter(reads).buffered(READS_AT_ONCE);
    while let Some(bytes) = leaves.next().await {
        writer.leaf(&bytes?)?;
    }
    Ok(writer.finish(&note, &head.collaboration, gateway)?)
}

/// The hash of every leaf under a head, out of the tiles; all tiles are looked at.
pub async fn leaf_hashes(place: &Place, head: &Checkpoint) -> Result<Vec<Hash>, PublicationError> {
    let (mut made, mut hashes) = (Tiler::default(), Vec::new());
    let reads = of_leaves(head.size).map(|tile| tile_hashes(place, tile));
    let mut rows = stream::iter(reads).buffered(READS_AT_ONCE);
    while let Some(own) = rows.next().await {
        for hash in own? {
            let filled = made.push(hash);
            hashes.push(hash);
            above(place, filled).await?;
        }
    }
    above(place, made.partial()).await?;
    if made.root() != head.root {
        return Err(PublicationError::TileDiffers { path: CHECKPOINT.to_owned() });
    }
    Ok(hashes)
}

/// Holds the tiles above the leaf hashes to what these make.
async fn above(place: &Place, made: Vec<(Tile, Vec<u8>)>) -> Result<(), PublicationError> {
    for (tile, bytes) in made.into_iter().filter(|(tile, _)| tile.level() > 0) {
        let there = tile_hashes(place, tile).await?;
        if Some(there) != tile.hashes(&bytes) {
            return Err(PublicationError::TileDiffers { path: tile.path() });
        }
    }
    Ok(())
}

/// A tile's hashes; where a partial one was taken away, out of the full one.
async fn tile_hashes(place: &Place, tile: Tile) -> Result<Vec<Hash>, PublicationError> {
    let differs = || PublicationError::TileDiffers { path: tile.path() };
    for one in [tile, tile.filled()] {
        match place.read(&one.path(), TILE_BYTES_MAX).await {
            Ok(None) => {}
            // A tile is as long as its own name says.
            Ok(Some(found)) if found.bytes.len() != usize::from(one.width()) * 32 => {
                return Err(differs());
            }
            Ok(Some(found)) => return tile.hashes(&found.bytes).ok_or_else(differs),
            Err(ResultsError::TooLarge) => return Err(differs()),
            Err(error) => return Err(error.into()),
        }
    }
    Err(PublicationError::TileMissing { path: tile.path() })
}

async fn leaf(place: &Place, index: u64) -> Result<Vec<u8>, PublicationError> {
    match place.read(&leaf_path(index), LEAF_BYTES_MAX).await {
        Ok(found) => {
            let bytes = found.map(|found| found.bytes);
            bytes.ok_or(PublicationError::LeafMissing { index })
        }
        Err(ResultsError::TooLarge) => Err(PublicationError::LeafDiffers { index }),
        Err(error) => Err(error.into()),
    }
}

async fn note(place: &Place, name: &str) -> Result<Option<String>, PublicationError> {
    let found = match place.read(name, NOTE_BYTES_MAX).await {
        Ok(found) => found,
        Err(ResultsError::TooLarge) => return Err(CheckpointError::Malformed.into()),
        Err(error) => return Err(error.into()),
    };
    let text = found.map(|found| String::from_utf8(found.bytes)).transpose();
    text.map_err(|_| CheckpointError::Malformed.into())
}
