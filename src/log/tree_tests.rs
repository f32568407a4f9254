//! The tree against the definition of RFC 6962: every root, every inclusion proof, every extension.

use super::*;

fn tree(size: u64) -> Tree {
    let mut tree = Tree::default();
    (0..size).for_each(|n| tree.push(leaf_hash(&n.to_be_bytes())));
    tree
}

/// RFC 6962 section 2.1, written a second time as the definition reads.
fn defined(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [one] => *one,
        many => {
            let split = many.len().next_power_of_two() / 2;
            node_hash(&defined(&many[..split]), &defined(&many[split..]))
        }
    }
}

#[test]
fn every_root_is_the_definition() {
    let all = tree(70);
    let leaves: Vec<Hash> = (0..70).map(|n| all.leaf(n).unwrap()).collect();
    for size in 0..=70u64 {
        let want = defined(&leaves[..usize::try_from(size).unwrap()]);
        assert!(all.root(size).unwrap() == want, "size {size}");
    }
}

#[test]
fn every_leaf_proves_in_and_no_other_does() {
    let all = tree(70);
    for size in 1..=70u64 {
        let root = all.root(size).unwrap();
        for index in 0..size {
            let proof = all.inclusion_proof(index, size).unwrap();
            assert!(verify_inclusion(
                &all.leaf(index).unwrap(),
                index,
                size,
                &proof,
                &root
            ));
            assert!(!verify_inclusion(
                &leaf_hash(b"another"),
                index,
                size,
                &proof,
                &root
            ));
        }
    }
}

#[test]
fn every_head_extends_the_ones_before_and_no_other() {
    let all = tree(40);
    let other = leaf_hash(b"another");
    for new in 1..=40u64 {
        let root = all.root(new).unwrap();
        for old in 1..=new {
            let proof = all.consistency_proof(old, new).unwrap();
            let before = all.root(old).unwrap();
            assert!(verify_consistency((old, &before), (new, &root), &proof));
            assert!(!verify_consistency((old, &other), (new, &root), &proof));
        }
    }
}
