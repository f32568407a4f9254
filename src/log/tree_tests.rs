//! The vectors of Certificate Transparency, and `ct-merkle` as a judge that we didn't write.

use super::*;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof};
use proptest::prelude::*;
use sha2_judge::Sha256 as Judge;

type Judged = MemoryBackedTree<Judge, Vec<u8>>;

fn both(size: u64) -> (Tree, Judged) {
    let (mut tree, mut judge) = (Tree::default(), Judged::new());
    for n in 0..size {
        tree.push(leaf_hash(&n.to_le_bytes()));
        judge.push(n.to_le_bytes().to_vec());
    }
    (tree, judge)
}

fn bytes(proof: &[Hash]) -> Vec<u8> {
    proof.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

fn root_of(leaves: &[&str]) -> String {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        let bytes: Vec<u8> = (0..leaf.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&leaf[at..at + 2], 16).unwrap())
            .collect();
        frontier.push(leaf_hash(&bytes));
    }
    frontier.root().to_string()
}

#[test]
fn roots_are_those_of_certificate_transparency() {
    let leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    for (count, root) in roots.iter().enumerate() {
        assert_eq!(root_of(&leaves[..count]), *root, "{count} leaves");
    }
}

#[test]
fn the_judge_accepts_every_inclusion_proof() {
    let (tree, _) = both(66);
    for size in 1..=66 {
        let (_, judge) = both(size);
        let root = judge.root();
        assert_eq!(tree.root(size).unwrap().as_bytes()[..], root.as_bytes()[..]);
        for index in 0..size {
            let proof = tree.inclusion_proof(index, size).unwrap();
            let judged = InclusionProof::<Judge>::try_from_bytes(bytes(&proof)).unwrap();
            root.verify_inclusion(&index.to_le_bytes().to_vec(), index, &judged).unwrap();
            let leaf = leaf_hash(&index.to_le_bytes());
            assert!(verify_inclusion(&leaf, index, size, &proof, &tree.root(size).unwrap()));
        }
    }
}

#[test]
fn the_judge_accepts_every_consistency_proof() {
    let (tree, _) = both(66);
    let judged: Vec<_> = (0..=66).map(|size| both(size).1.root()).collect();
    for new in 1..=66 {
        for old in 1..=new {
            let proof = tree.consistency_proof(old, new).unwrap();
            let judge = ConsistencyProof::<Judge>::try_from_bytes(bytes(&proof)).unwrap();
            judged[usize::try_from(new).unwrap()]
                .verify_consistency(&judged[usize::try_from(old).unwrap()], &judge)
                .unwrap();
            let (old_root, new_root) = (tree.root(old).unwrap(), tree.root(new).unwrap());
            assert!(verify_consistency((old, &old_root), (new, &new_root), &proof));
        }
    }
}

#[test]
fn impossible_proofs_are_not_made() {
    let (tree, _) = both(5);
    assert!(tree.inclusion_proof(5, 5).is_none());
    assert!(tree.inclusion_proof(0, 6).is_none());
    assert!(tree.consistency_proof(4, 3).is_none());
    assert!(tree.consistency_proof(1, 6).is_none());
    assert!(tree.root(6).is_none());
    assert!(tree.inclusion_proof(4, 5).is_some());
}

proptest! {
    #[test]
    fn the_frontier_has_the_root_of_the_tree(size in 0_u64..600) {
        let (tree, _) = both(size);
        let mut frontier = Frontier::default();
        (0..size).for_each(|n| frontier.push(leaf_hash(&n.to_le_bytes())));
        prop_assert_eq!(Some(frontier.root()), tree.root(size));
    }

    #[test]
    fn what_was_forgotten_leaves_no_trace(size in 0_u64..300, more in 0_u64..300) {
        let (kept, _) = both(size);
        let (mut tree, _) = both(size + more);
        tree.truncate(size);
        prop_assert_eq!(tree.root(size), kept.root(size));
        tree.push(leaf_hash(b"next"));
        let mut next = kept;
        next.push(leaf_hash(b"next"));
        prop_assert_eq!(tree.root(size + 1), next.root(size + 1));
        prop_assert_eq!(tree.size(), size + 1);
    }

    #[test]
    fn a_changed_inclusion_proof_fails(size in 2_u64..300, at in 0_u64..300, bit in 0_usize..256, hash in 0_usize..9) {
        let (tree, _) = both(size);
        let index = at % size;
        let (leaf, root) = (leaf_hash(&index.to_le_bytes()), tree.root(size).unwrap());
        let mut proof = tree.inclusion_proof(index, size).unwrap();
        prop_assert!(verify_inclusion(&leaf, index, size, &proof, &root));
        prop_assert!(!verify_inclusion(&leaf, (index + 1) % size, size, &proof, &root));
        prop_assert!(!verify_inclusion(&leaf, index, size, &proof[1..], &root));
        let hash = hash % proof.len();
        let mut bytes = *proof[hash].as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        proof[hash] = Hash::from_bytes(bytes);
        prop_assert!(!verify_inclusion(&leaf, index, size, &proof, &root));
    }

    #[test]
    fn a_fork_has_no_consistency_proof(old in 1_u64..200, more in 1_u64..200, forged in 0_u64..200) {
        let new = old + more;
        let (tree, _) = both(new);
        let mut fork = Tree::default();
        for n in 0..new {
            let bytes = if n == forged % old { u64::MAX } else { n };
            fork.push(leaf_hash(&bytes.to_le_bytes()));
        }
        let (old_root, new_root) = (tree.root(old).unwrap(), fork.root(new).unwrap());
        for proof in [fork.consistency_proof(old, new).unwrap(), tree.consistency_proof(old, new).unwrap()] {
            prop_assert!(!verify_consistency((old, &old_root), (new, &new_root), &proof));
        }
    }
}
