//! What tiles promise: every length has those of the specification, they make the root again, and what is added to a log adds tiles only.

use super::super::tree::leaf_hash;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn leaf(n: u64) -> Hash {
    leaf_hash(&n.to_be_bytes())
}

fn tree(size: u64) -> Tree {
    let mut tree = Tree::default();
    for n in 0..size {
        tree.push(leaf(n));
    }
    tree
}

/// Everything under its path.
fn published(tree: &Tree, old: u64, new: u64) -> BTreeMap<String, Vec<u8>> {
    let tiles = added(old, new).into_iter();
    tiles.map(|tile| (tile.path(), tile.bytes(tree).unwrap())).collect()
}

/// What a reader makes of the tiles of leaf hashes: the tiles that there must be, and the root.
fn read_back(files: &BTreeMap<String, Vec<u8>>, size: u64) -> (BTreeMap<String, Vec<u8>>, Hash) {
    let (mut tiler, mut all) = (Tiler::default(), BTreeMap::new());
    for tile in of_leaves(size) {
        for hash in tile.hashes(&files[&tile.path()]).unwrap() {
            all.extend(tiler.push(hash).into_iter().map(|(tile, bytes)| (tile.path(), bytes)));
        }
    }
    all.extend(tiler.partial().into_iter().map(|(tile, bytes)| (tile.path(), bytes)));
    assert_eq!(tiler.size(), size);
    (all, tiler.root())
}

#[test]
fn paths_are_those_of_the_specification() {
    let path = |level, index, width| Tile { level, index, width }.path();
    assert_eq!(path(0, 1_234_067, 256), "tile/0/x001/x234/067");
    assert_eq!(path(0, 1_234_067, 8), "tile/0/x001/x234/067.p/8");
    assert_eq!(path(3, 0, 256), "tile/3/000");
    assert_eq!(path(1, 999, 255), "tile/1/999.p/255");
    assert_eq!(path(1, 1_000, 256), "tile/1/x001/000");
    assert_eq!(leaf_path(0), "leaf/000");
    assert_eq!(leaf_path(70_000), "leaf/x070/000");
}

#[test]
fn a_log_of_seventy_thousand_has_the_tiles_of_the_specification() {
    let mut count = BTreeMap::<(u8, u16), usize>::new();
    for tile in added(0, 70_000) {
        *count.entry((tile.level(), tile.width())).or_default() += 1;
    }
    let wanted = [((0, 256), 273), ((0, 112), 1), ((1, 256), 1), ((1, 17), 1), ((2, 1), 1)];
    assert_eq!(count, BTreeMap::from(wanted));
    let paths: Vec<_> = added(0, 256).iter().map(Tile::path).collect();
    assert_eq!(paths, ["tile/0/000", "tile/1/000.p/1"]);
    assert!(added(0, 0).is_empty() && added(70_000, 70_000).is_empty());
    assert!(!added(u64::MAX - 1, u64::MAX).is_empty(), "the longest log has an end");
}

#[test]
fn every_length_to_six_hundred_makes_its_root_again() {
    let tree = tree(600);
    for size in 0..=600 {
        let files = published(&tree, 0, size);
        let (all, root) = read_back(&files, size);
        assert_eq!(Some(root), tree.root(size), "{size}");
        assert_eq!(all, files, "{size}");
    }
}

#[test]
fn a_tile_is_there_from_the_leaf_on_that_ends_it() {
    let tree = tree(600);
    for of in added(0, 600)
        .into_iter()
        .flat_map(|of| (1..=of.width).map(move |width| Tile { width, ..of }))
    {
        let tile = Tile::new(of.level, of.index, of.width).unwrap();
        let leaves = tile.leaves().unwrap();
        assert!(leaves <= 600 && tile.bytes(&tree).is_some());
        let mut short = tree.clone();
        short.truncate(leaves);
        assert_eq!(tile.bytes(&short), tile.bytes(&tree));
        short.truncate(leaves - 1);
        assert_eq!(tile.bytes(&short), None, "{}", tile.path());
    }
    assert_eq!(Tile::new(7, 255, WIDTH).unwrap().leaves(), None, "the longest log has not as many");
    assert_eq!(Tile::new(7, 0, 255).unwrap().leaves(), Some(255 << 56));
    assert_eq!(Tile::new(0, u64::MAX, 1).unwrap().leaves(), None);
    let none = [(8, 0, 1), (0, 0, 0), (0, 0, WIDTH + 1)];
    assert!(none.iter().all(|(level, index, width)| Tile::new(*level, *index, *width).is_none()));
}

#[test]
fn so_do_lengths_around_two_levels() {
    let around = 256_u64 * 256;
    let tree = tree(around + 257);
    for size in [around - 1, around, around + 1, around + 255, around + 256, around + 257] {
        let files = published(&tree, 0, size);
        let (all, root) = read_back(&files, size);
        assert_eq!(Some(root), tree.root(size), "{size}");
        assert!(all == files, "{size}");
    }
}

#[test]
fn a_tile_of_another_length_is_none_and_a_full_one_stands_for_its_beginning() {
    let tree = tree(300);
    let partial = Tile { level: 0, index: 0, width: 3 };
    let (own, full) = (partial.bytes(&tree).unwrap(), partial.filled().bytes(&tree).unwrap());
    assert_eq!(own.len(), 96);
    assert_eq!(partial.hashes(&own), partial.hashes(&full));
    assert_eq!(partial.hashes(&own).unwrap(), [leaf(0), leaf(1), leaf(2)]);
    for wrong in [&own[..95], &full[..128], &[][..]] {
        assert_eq!(partial.hashes(wrong), None);
    }
    assert_eq!(partial.filled().hashes(&own), None);
    assert_eq!(Tile { level: 0, index: 1, width: 45 }.bytes(&tree), None, "no leaf, no hash");
}

proptest! {
    #[test]
    fn what_is_added_makes_the_tiles_of_the_longer_log(old in 0_u64..1_200, more in 0_u64..700) {
        let new = old + more;
        let tree = tree(new);
        let mut files = published(&tree, 0, old);
        for (path, bytes) in published(&tree, old, new) {
            prop_assert_eq!(files.insert(path.clone(), bytes), None, "{} is written twice", path);
        }
        for (path, bytes) in published(&tree, 0, new) {
            prop_assert_eq!(files.get(&path), Some(&bytes), "{} is not there", path);
        }
        let (_, root) = read_back(&files, new);
        prop_assert_eq!(Some(root), tree.root(new));
    }
}
