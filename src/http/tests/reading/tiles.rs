//! Tiles over HTTP: the hashes of the leaves that are told, as far as their reader sees.

use super::paging::left;
use super::*;
use crate::log::tree::leaf_hash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

impl Door {
    async fn tile(&self, member: &str, path: &str) -> (u16, Vec<u8>) {
        let token = self.token(member, &[Role::Auditor]);
        let path = format!("{AT}/tiles/{path}");
        let (status, headers, bytes) = self.raw((Method::GET, &path), &token, &[], "").await;
        let kind = headers["content-type"].to_str().unwrap();
        assert_eq!(kind == "application/octet-stream", status == 200, "{kind}");
        (status, bytes)
    }

    async fn hashes(&self, member: &str) -> Vec<u8> {
        let (leaves, _) =
            self.walk(member, (&format!("{AT}/leaves?limit=3"), "leaves", "from")).await;
        let hash = |leaf: &Value| {
            let bytes = STANDARD.decode(leaf["bytes"].as_str().unwrap()).unwrap();
            *leaf_hash(&bytes).as_bytes()
        };
        leaves.iter().flat_map(hash).collect()
    }
}

#[tokio::test]
async fn a_tile_has_the_hashes_of_the_leaves_that_its_reader_sees() {
    let door = left().await;
    let (all, until) = (door.hashes("grocer").await, door.hashes("brand").await);
    let (many, few) = (all.len() / 32, until.len() / 32);
    assert!(0 < few && few < many && all.starts_with(&until));
    for (member, seen, hashes) in [("grocer", many, &all), ("brand", few, &until)] {
        assert_eq!(door.tile(member, &format!("0/0?width={seen}")).await, (200, hashes.clone()));
        assert_eq!(door.tile(member, "0/0?width=1").await, (200, hashes[..32].to_vec()));
        assert_eq!(door.tile(member, &format!("0/0?width={}", seen + 1)).await.0, 404, "{member}");
    }
    // A full one is not there yet, nor one of a level of which there is none; no tile is so wide.
    for (path, status) in [
        ("0/0", 404),
        ("0/1?width=1", 404),
        ("1/0?width=1", 404),
        ("7/18446744073709551615?width=1", 404),
        ("8/0?width=1", 404),
        ("256/0?width=1", 404),
        ("0/0?width=0", 400),
        ("0/0?width=257", 400),
        ("0/0?width=70000", 400),
        ("0/0?with=1", 400),
    ] {
        assert_eq!(door.tile("grocer", path).await.0, status, "{path}");
    }
    assert_eq!(door.tile("press", "0/0?width=1").await.0, 404);
}
