//! What differs between two versions of an agreement, place by place, as one member may see it. Another member's accounts and places are not
//! said; that they changed is. Pure.

use crate::wire;
use mappings::model::{Agreement, MemberId};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// All of them, in order of place.
pub(super) fn differences(
    viewer: &MemberId,
    before: &Agreement,
    after: &Agreement,
) -> Vec<wire::Change> {
    let mut compared = Compared { viewer, before, after, at: Vec::new(), changes: Vec::new() };
    compared.compare(Some(&document(before)), Some(&document(after)));
    compared.changes
}

/// The document with its rooms by their names.
fn document(of: &Agreement) -> Value {
    let mut whole = serde_json::json!(of);
    let rooms = of.rooms.iter().map(|room| (room.platform.to_string(), serde_json::json!(room)));
    let rooms: Map<String, Value> = rooms.collect();
    if let Some(whole) = whole.as_object_mut() {
        whole.insert("rooms".to_owned(), rooms.into());
    }
    whole
}

struct Compared<'a> {
    viewer: &'a MemberId,
    before: &'a Agreement,
    after: &'a Agreement,
    at: Vec<String>,
    changes: Vec<wire::Change>,
}

impl Compared<'_> {
    fn compare(&mut self, before: Option<&Value>, after: Option<&Value>) {
        if before == after {
            return;
        }
        let (Some(Value::Object(one)), Some(Value::Object(other))) = (before, after) else {
            return self.differ(before, after);
        };
        let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        for name in names {
            self.at.push(name.clone());
            self.compare(one.get(name), other.get(name));
            self.at.pop();
        }
    }

    fn differ(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let change = match (before, after) {
            (None, _) => "added",
            (_, None) => "removed",
            (Some(_), Some(_)) => "changed",
        };
        let (mut before, mut after) = (before.cloned(), after.cloned());
        let hid_before = self.withhold(self.before, &mut before);
        let hid_after = self.withhold(self.after, &mut after);
        self.changes.push(wire::Change {
            path: self.at.join("."),
            of: self.of().to_owned(),
            change: change.to_owned(),
            before,
            after,
            withheld: hid_before || hid_after,
        });
    }

    fn path(&self) -> Vec<&str> {
        self.at.iter().map(String::as_str).collect()
    }

    fn of(&self) -> &'static str {
        match self.path().as_slice() {
            ["members", ..] => "member",
            ["datasets", _, "columns", ..] => "column",
            ["datasets", _, "rule", ..] => "rule",
            ["datasets", ..] => "dataset",
            ["templates", ..] => "template",
            ["destinations", ..] => "destination",
            ["rooms", ..] => "room",
            ["limits", ..] => "limits",
            _ => "agreement",
        }
    }

    /// Takes out what is another member's account or place. Whether anything was.
    fn withhold(&self, of: &Agreement, value: &mut Option<Value>) -> bool {
        let owns = |dataset: &str| {
            let mut all = of.datasets.iter();
            all.any(|(name, one)| name.as_str() == dataset && one.owner == *self.viewer)
        };
        let part = match self.path().as_slice() {
            ["members", name] if *name != self.viewer.as_str() => Some("identity"),
            ["datasets", name] if !owns(name) => Some("at"),
            ["members", name, "identity", ..] if *name != self.viewer.as_str() => None,
            ["datasets", name, "at", ..] if !owns(name) => None,
            ["destinations", name] if *name != self.viewer.as_str() => None,
            _ => return false,
        };
        match part {
            Some(part) => {
                let whole = value.as_mut().and_then(Value::as_object_mut);
                whole.is_some_and(|whole| whole.remove(part).is_some())
            }
            None => value.take().is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn agreement() -> Value {
        json!({
            "agreement": "v1", "collaboration": "spring",
            "members": {
                "grocer": { "name": "Grocer", "abilities": ["contribute"], "identity": { "aws-clean-rooms": "111111111111" } },
                "brand": { "name": "Brand", "abilities": ["run"], "identity": { "aws-clean-rooms": "222222222222" } },
            },
            "rooms": [{ "platform": "native" }],
            "datasets": { "sales": {
                "owner": "grocer", "at": { "native": "file:///zqplace/sales.parquet" }, "entity": "person",
                "columns": { "segment": { "from": "segment", "type": "utf8", "use": "dimension" } },
                "rule": { "entities_min": 3, "join": "required" },
            } },
            "templates": { "reach": { "class": "aggregate", "sql": "SELECT 1", "run_by": ["brand"], "received_by": ["brand"] } },
            "limits": { "runs_max": 100, "within_s": 86_400 },
            "destinations": { "brand": "file:///zqplace/results" },
        })
    }

    fn read(of: &Value) -> Agreement {
        serde_json::from_value(of.clone()).unwrap()
    }

    fn changes(viewer: &str, change: impl FnOnce(&mut Value)) -> Vec<wire::Change> {
        let before = agreement();
        let mut after = before.clone();
        change(&mut after);
        differences(&viewer.parse().unwrap(), &read(&before), &read(&after))
    }

    fn told(viewer: &str, change: impl FnOnce(&mut Value)) -> Vec<(String, String, String)> {
        let all = changes(viewer, change).into_iter();
        all.map(|one| (one.path, one.of, one.change)).collect()
    }

    fn one(path: &str, of: &str, change: &str) -> Vec<(String, String, String)> {
        vec![(path.to_owned(), of.to_owned(), change.to_owned())]
    }

    #[test]
    fn each_kind_of_difference_has_its_place() {
        assert_eq!(told("brand", |_| ()), []);
        let column = json!({ "from": "x", "type": "utf8", "use": "filter" });
        for (at, value, expected) in [
            (
                "/datasets/sales/rule/entities_min",
                json!(4),
                ("datasets.sales.rule.entities_min", "rule", "changed"),
            ),
            (
                "/datasets/sales/columns/segment/use",
                json!("filter"),
                ("datasets.sales.columns.segment.use", "column", "changed"),
            ),
            (
                "/templates/reach/sql",
                json!("SELECT 2"),
                ("templates.reach.sql", "template", "changed"),
            ),
            ("/limits/runs_max", json!(7), ("limits.runs_max", "limits", "changed")),
            (
                "/members/brand/abilities",
                json!(["run", "receive"]),
                ("members.brand.abilities", "member", "changed"),
            ),
            ("/destinations", json!({}), ("destinations.brand", "destination", "removed")),
            (
                "/rooms",
                json!([{ "platform": "native" }, { "platform": "aws-clean-rooms", "region": "eu-central-1" }]),
                ("rooms.aws-clean-rooms", "room", "added"),
            ),
            ("/datasets", json!({}), ("datasets.sales", "dataset", "removed")),
            (
                "/datasets/sales/columns",
                json!({ "segment": { "from": "segment", "type": "utf8", "use": "dimension" }, "more": column }),
                ("datasets.sales.columns.more", "column", "added"),
            ),
        ] {
            let found = told("brand", |whole| *whole.pointer_mut(at).unwrap() = value.clone());
            let (path, of, change) = expected;
            assert_eq!(found, one(path, of, change), "{at}");
        }
        let found = changes("brand", |whole| whole["limits"]["runs_max"] = json!(7));
        assert_eq!(
            (found[0].before.clone(), found[0].after.clone()),
            (Some(json!(100)), Some(json!(7)))
        );
    }

    #[test]
    fn anothers_account_and_place_is_not_said_and_ones_own_is() {
        let all = |whole: &mut Value| {
            whole["members"]["grocer"]["identity"]["aws-clean-rooms"] = json!("333333333333");
            whole["datasets"]["sales"]["at"]["native"] = json!("file:///zqplace/other.parquet");
            whole["destinations"]["brand"] = json!("file:///zqplace/elsewhere");
            whole["datasets"]["more"] = whole["datasets"]["sales"].clone();
        };
        let own = |viewer: &str| {
            let found = changes(viewer, all);
            assert_eq!(found.len(), 4, "that it changed is told: {found:?}");
            let text = serde_json::to_string(&found).unwrap();
            (
                text.contains("333333333333"),
                text.contains("other.parquet"),
                text.contains("elsewhere"),
                text,
            )
        };
        let (account, place, destination, _) = own("grocer");
        assert!(account && place && !destination);
        let (account, place, destination, text) = own("brand");
        assert!(!account && !place && destination);
        assert!(
            text.contains("withheld") && text.contains("entities_min"),
            "the rest of it is: {text}"
        );
    }
}
