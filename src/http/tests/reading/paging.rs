//! Lists that come in pages: every page goes on where the one before ended, and none shows more than its caller sees.

use super::*;
use crate::log::{AgreementLog, Body as Says, Entry, Revocable, SecretKey, State};

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
    async fn walk(
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
async fn left() -> Door {
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
    let (last, first) = (&all[all.len() - 1]["index"], &all[0]["index"]);
    for beyond in [last.clone(), json!(i64::MAX)] {
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
    let told = door.get("brand", &format!("{list}?after={last}")).await.done();
    assert_eq!(told, json!({ "revocations": [] }));
    door.get("brand", &format!("{list}/{last}")).await.is(404, "not-found");
    // One by its leaf is that one, and no other's position leads to it.
    assert_eq!(door.get("brand", &format!("{list}/{first}")).await.done(), all[0]);
    assert_eq!(door.get("grocer", &format!("{list}/{last}")).await.done(), all[all.len() - 1]);
    door.get("grocer", &format!("{list}/0")).await.is(404, "not-found");
    door.get("press", &at(1)).await.is(404, "not-found");
}
