//! Lists that come in pages, perhaps of one kind alone: every page goes on where the one before ended, and none shows more than its caller sees.

use super::*;
use crate::log::{AgreementLog, Body as Says, Entry, Revocable, SecretKey, State};
use std::collections::BTreeMap;

impl Door {
    /// A worker wrote down that it saw both datasets on the other platform.
    async fn seen_there(&self) {
        let home = Home::open(self.folder.path()).unwrap();
        let store = crate::wiring::store(&home).await.unwrap();
        let key = SecretKey::load(&home.gateway_key()).unwrap();
        let log = AgreementLog::new(store, key, Arc::new(SystemClock));
        let entry = |state: &State| {
            let dataset = |name: &str| Revocable::Dataset { dataset: name.parse().unwrap() };
            let body = Says::RoomObserved {
                platform: mappings::model::PlatformId::aws_clean_rooms(),
                holds: vec![dataset("sales"), dataset("seen")],
                basis: state.size(),
            };
            Ok::<_, crate::error::Error>(vec![Entry::gateway(body)])
        };
        log.decide(&"spring".parse().unwrap(), entry).await.unwrap();
    }

    async fn revoke(&self, member: &str, what: Value) {
        let told = self.post(member, &format!("{AT}/revocations"), &what.to_string()).await;
        assert_eq!(told.status, 201, "{told:?}");
    }

    /// All of a list, page by page, and how long each was.
    pub(super) async fn walk(
        &self,
        member: &str,
        (path, list, cursor): (&str, &str, &str),
    ) -> (Vec<Value>, Vec<usize>) {
        let (mut all, mut pages, mut next) = (Vec::new(), Vec::new(), String::new());
        loop {
            let told = self.get(member, &format!("{path}{next}")).await.done();
            let page = told[list].as_array().unwrap().clone();
            pages.push(page.len());
            all.extend(page);
            let Some(at) = told.get("next") else { return (all, pages) };
            let at = at.as_str().map_or_else(|| at.to_string(), str::to_owned);
            next = format!("&{cursor}={at}");
            assert!(pages.len() < 100, "{path} does not end: {all:?}");
        }
    }
}

/// A collaboration that the brand left between two withdrawals of the grocer's.
pub(super) async fn left() -> Door {
    let door = Door::open().await;
    door.agreed().await;
    door.seen_there().await;
    let column = |name: &str| json!({ "kind": "column", "dataset": "sales", "column": name });
    door.revoke("grocer", column("amount")).await;
    door.revoke("grocer", column("segment")).await;
    door.revoke("brand", json!({ "kind": "membership" })).await;
    door.revoke("grocer", json!({ "kind": "dataset", "dataset": "sales" })).await;
    door
}

#[tokio::test]
async fn withdrawals_come_in_pages_and_whoever_left_sees_its_own_end() {
    let door = left().await;
    let list = format!("{AT}/revocations");
    let whole = door.get("grocer", &list).await.done();
    let all = whole["revocations"].as_array().unwrap().clone();
    assert!(all.len() >= 3 && whole.get("next").is_none(), "{whole}");
    let at = |limit: usize| format!("{list}?limit={limit}");
    for limit in 1..=all.len() {
        let path = at(limit);
        let (found, pages) = door.walk("grocer", (&path, "revocations", "after")).await;
        assert_eq!(found, all);
        assert_eq!(pages.len(), all.len().div_ceil(limit), "{pages:?}");
        assert!(pages.iter().all(|page| (1..=limit).contains(page)), "{pages:?}");
    }
    let (end, first) = (&all[all.len() - 1]["index"], &all[0]["index"]);
    for beyond in [end.clone(), json!(i64::MAX)] {
        let told = door.get("grocer", &format!("{list}?after={beyond}")).await.done();
        assert_eq!(told, json!({ "revocations": [] }));
    }
    for bad in ["limit=0", "limit=201", "after=x", "after=-1", "more=1"] {
        door.get("grocer", &format!("{list}?{bad}")).await.is(400, "query-invalid");
    }
    // The brand's list ends where it left, and says nothing of what came then.
    let path = at(1);
    let (seen, _) = door.walk("brand", (&path, "revocations", "after")).await;
    assert_eq!(seen, all[..seen.len()]);
    assert!(!seen.is_empty() && seen.len() < all.len(), "{seen:?}");
    let told = door.get("brand", &format!("{list}?after={end}")).await.done();
    assert_eq!(told, json!({ "revocations": [] }));
    door.get("brand", &format!("{list}/{end}")).await.is(404, "not-found");
    // One by its leaf is that one, and no other's position leads to it.
    assert_eq!(door.get("brand", &format!("{list}/{first}")).await.done(), all[0]);
    assert_eq!(door.get("grocer", &format!("{list}/{end}")).await.done(), all[all.len() - 1]);
    door.get("grocer", &format!("{list}/0")).await.is(404, "not-found");
    door.get("press", &at(1)).await.is(404, "not-found");
}

#[tokio::test]
async fn leaves_of_a_kind_are_all_found_and_whoever_left_sees_none_of_later() {
    let door = left().await;
    for member in ["grocer", "brand"] {
        let (all, _) =
            door.walk(member, (&format!("{AT}/leaves?limit=200"), "leaves", "from")).await;
        let kinds: BTreeSet<String> =
            all.iter().map(|leaf| leaf["kind"].as_str().unwrap().to_owned()).collect();
        assert!(kinds.len() >= 4, "{kinds:?}");
        for kind in kinds {
            let of: Vec<Value> = all.iter().filter(|leaf| leaf["kind"] == kind).cloned().collect();
            for limit in [1, 2, 200] {
                let path = format!("{AT}/leaves?limit={limit}&kind={kind}");
                let (found, pages) = door.walk(member, (&path, "leaves", "from")).await;
                assert_eq!(found, of, "{member}: {kind}");
                assert!(pages.iter().all(|page| *page <= limit), "{pages:?}");
            }
        }
    }
    // So few are looked at for a page that the first has none of the kind, and says where to go on.
    let told = door.get("grocer", &format!("{AT}/leaves?kind=revoked")).await.done();
    assert_eq!(told, json!({ "leaves": [], "next": "4" }));
    let told = door.get("grocer", &format!("{AT}/leaves?kind=run-requested&from=999")).await.done();
    assert_eq!(told, json!({ "leaves": [] }));
    door.get("grocer", &format!("{AT}/leaves?kind=nothing")).await.is(400, "query-invalid");
    door.get("press", &format!("{AT}/leaves?kind=revoked")).await.is(404, "not-found");
}

#[tokio::test]
async fn collaborations_of_a_standing_are_all_found() {
    let door = Door::open().await;
    let mut digests = BTreeMap::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        let at = format!("/v1/collaborations/grocer-{name}/agreements");
        let named = format!("collaboration: grocer-{name}");
        let text = AGREEMENT.replace("collaboration: spring", &named);
        door.post("grocer", &at, &text).await.done();
        let all = door.get("grocer", &at).await.done();
        digests.insert(name, all["agreements"][0]["digest"].clone());
    }
    let join = async |member: &str, name: &str| {
        let body = json!({ "agreement": digests[name] }).to_string();
        door.post(member, &format!("/v1/collaborations/grocer-{name}/joins"), &body).await.done();
    };
    join("brand", "b").await;
    join("grocer", "e").await;
    join("brand", "e").await;
    let leaves = json!({ "kind": "membership" }).to_string();
    door.post("brand", "/v1/collaborations/grocer-e/revocations", &leaves).await.done();
    for (standing, names) in
        [("member", &["b"][..]), ("former", &["e"]), ("invited", &["a", "c", "d", "f"])]
    {
        let listed =
            |name: &&str| json!({ "name": format!("grocer-{name}"), "standing": standing });
        let expected: Vec<Value> = names.iter().map(listed).collect();
        for limit in [1, 2, 200] {
            let path = format!("/v1/collaborations?limit={limit}&standing={standing}");
            let (found, pages) = door.walk("brand", (&path, "collaborations", "after")).await;
            assert_eq!(found, expected);
            assert!(pages.iter().all(|page| *page <= limit), "{pages:?}");
        }
    }
    // So few are looked at for a page that the first has none of the standing, and says where to go on.
    let told = door.get("brand", "/v1/collaborations?standing=former").await.done();
    assert_eq!(told, json!({ "collaborations": [], "next": "grocer-d" }));
    let (all, _) =
        door.walk("brand", ("/v1/collaborations?limit=4", "collaborations", "after")).await;
    assert_eq!(all.len(), 6);
    door.get("brand", "/v1/collaborations?standing=nobody").await.is(400, "query-invalid");
    let told = door.get("press", "/v1/collaborations?standing=invited").await.done();
    assert_eq!(told, json!({ "collaborations": [] }));
}
