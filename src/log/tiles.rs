//! The log as C2SP tlog-tiles: which tiles a log of some length has, what each is called and holds, and the root that tiles make again.
//! Must not know where tiles lie.

use super::tree::{Frontier, Hash, Tree};

/// Hashes in a full tile.
pub const WIDTH: u16 = 256;
/// Bytes of a full tile.
pub const TILE_BYTES_MAX: usize = 8_192;
const HEIGHT: u32 = 8;
/// Levels of a log of `2^64` leaves.
const LEVEL_MAX: u8 = 7;
const HASH_BYTES: usize = 32;

/// Which tile: consecutive roots of complete subtrees of `256^level` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

impl Tile {
    /// One with so many hashes; `None` where the specification has no such tile.
    #[must_use]
    pub fn new(level: u8, index: u64, width: u16) -> Option<Self> {
        let is_one = level <= LEVEL_MAX && (1..=WIDTH).contains(&width);
        is_one.then_some(Self { level, index, width })
    }

    /// How many leaves a log has at least that has it; `None` where no log is so long.
    #[must_use]
    pub fn leaves(&self) -> Option<u64> {
        let hashes =
            self.index.checked_mul(u64::from(WIDTH))?.checked_add(u64::from(self.width))?;
        let each = 1_u64.checked_shl(HEIGHT * u32::from(self.level))?;
        hashes.checked_mul(each)
    }

    /// Its level; leaf hashes are at 0.
    #[must_use]
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// How many hashes it has: 256, or fewer at the end of a log.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// The full tile at its place.
    #[must_use]
    pub const fn filled(self) -> Self {
        Self { width: WIDTH, ..self }
    }

    /// `tile/<L>/<N>`, and `.p/<W>` of one that is not full.
    #[must_use]
    pub fn path(&self) -> String {
        let whole = format!("tile/{}/{}", self.level, numbered(self.index));
        if self.width == WIDTH { whole } else { format!("{whole}.p/{}", self.width) }
    }

    /// Its bytes, as a tree has them; `None` where the tree is not so long.
    #[must_use]
    pub fn bytes(&self, tree: &Tree) -> Option<Vec<u8>> {
        let height = usize::from(self.level) * 8;
        let from = self.index.checked_mul(u64::from(WIDTH))?;
        tree.nodes(height, from, u64::from(self.width)).map(encoded)
    }

    /// Its hashes out of its own bytes, or those of the full tile at its place.
    #[must_use]
    pub fn hashes(&self, bytes: &[u8]) -> Option<Vec<Hash>> {
        let own = usize::from(self.width) * HASH_BYTES;
        if bytes.len() != own && bytes.len() != TILE_BYTES_MAX {
            return None;
        }
        let (hashes, _) = bytes.get(..own)?.as_chunks::<HASH_BYTES>();
        Some(hashes.iter().copied().map(Hash::from_bytes).collect())
    }
}

/// Where leaf `index` lies: a file of its own, since an entry of the specification's bundles has 65,535 bytes at most.
#[must_use]
pub fn leaf_path(index: u64) -> String {
    format!("leaf/{}", numbered(index))
}

/// `x001/x234/067`.
fn numbered(index: u64) -> String {
    let (mut text, mut rest) = (format!("{:03}", index % 1_000), index / 1_000);
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1_000);
        rest /= 1_000;
    }
    text
}

fn encoded(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// The tiles that a log of `new` leaves has and that of `old`, with which it begins, has not: lowest level first.
#[must_use]
pub fn added(old: u64, new: u64) -> Vec<Tile> {
    let (mut tiles, mut level) = (Vec::new(), 0_u8);
    while let Some(count) = new.checked_shr(HEIGHT * u32::from(level)).filter(|count| *count > 0) {
        let had = old >> (HEIGHT * u32::from(level));
        let (first, last) = (had / u64::from(WIDTH), count / u64::from(WIDTH));
        tiles.extend((first..last).map(|index| Tile { level, index, width: WIDTH }));
        let width = u16::try_from(count % u64::from(WIDTH)).unwrap_or(0);
        if width > 0 && had != count {
            tiles.push(Tile { level, index: last, width });
        }
        level += 1;
    }
    tiles
}

/// The tiles of leaf hashes of a log of `size` leaves, in order.
pub fn of_leaves(size: u64) -> impl Iterator<Item = Tile> {
    let full = size / u64::from(WIDTH);
    let width = u16::try_from(size % u64::from(WIDTH)).unwrap_or(0);
    let last = (width > 0).then_some(Tile { level: 0, index: full, width });
    (0..full).map(|index| Tile { level: 0, index, width: WIDTH }).chain(last)
}

/// The tiles that leaf hashes make, one after the other: a tile a level is all that is kept.
#[derive(Debug, Default)]
pub struct Tiler {
    frontier: Frontier,
    rows: Vec<(u64, Vec<Hash>)>,
}

impl Tiler {
    /// Takes a leaf's hash; gives the tiles that it fills, lowest level first.
    pub fn push(&mut self, leaf: Hash) -> Vec<(Tile, Vec<u8>)> {
        self.frontier.push(leaf);
        let (mut filled, mut hash, mut level) = (Vec::new(), leaf, 0_u8);
        loop {
            if self.rows.len() <= usize::from(level) {
                self.rows.push((0, Vec::new()));
            }
            let Some((index, row)) = self.rows.get_mut(usize::from(level)) else { return filled };
            row.push(hash);
            if row.len() < usize::from(WIDTH) {
                return filled;
            }
            let tile = Tile { level, index: *index, width: WIDTH };
            filled.push((tile, encoded(row)));
            hash = root_of(row);
            *index += 1;
            row.clear();
            level += 1;
        }
    }

    /// The tiles that are not full as yet.
    #[must_use]
    pub fn partial(&self) -> Vec<(Tile, Vec<u8>)> {
        let rows = (0_u8..).zip(&self.rows).filter(|(_, (_, row))| !row.is_empty());
        let tile = |level, index, row: &[Hash]| {
            let width = u16::try_from(row.len()).ok()?;
            Some((Tile { level, index, width }, encoded(row)))
        };
        rows.filter_map(|(level, (index, row))| tile(level, *index, row)).collect()
    }

    /// How many leaves there were.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over them.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }
}

fn root_of(row: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for hash in row {
        frontier.push(*hash);
    }
    frontier.root()
}

#[cfg(test)]
#[path = "tiles_tests.rs"]
mod tests;
