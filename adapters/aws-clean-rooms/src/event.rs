//! What an event of the service says: whose account something happened in, and nothing else of it is used. Events come from
//! `EventBridge`, as the service's own or as a recorded call; anybody can write one, so nothing in it is believed. Pure.

use serde_json::Value;
use std::collections::BTreeSet;

/// Accounts that one event may be about.
const ACCOUNTS_MAX: usize = 16;
const SOURCE: &str = "aws.cleanrooms";
const CALLED: &str = "cleanrooms.amazonaws.com";

/// Bytes that are no event of this service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no event of the platform's")]
pub struct NotAnEvent;

/// The accounts that an event names; none when it tells of a call that changed nothing.
pub fn accounts_told(bytes: &[u8]) -> Result<BTreeSet<String>, NotAnEvent> {
    let event: Value = serde_json::from_slice(bytes).map_err(|_| NotAnEvent)?;
    let (source, detail) = (event.get("source"), event.get("detail"));
    let (Some(source), Some(detail @ Value::Object(_))) = (source.and_then(Value::as_str), detail)
    else {
        return Err(NotAnEvent);
    };
    let called = detail.get("eventSource").and_then(Value::as_str);
    if called.map_or(source != SOURCE, |called| called != CALLED) {
        return Err(NotAnEvent);
    }
    let found = accounts(&event, detail);
    if found.is_empty() {
        return Err(NotAnEvent);
    }
    Ok(if is_read(detail) { BTreeSet::new() } else { found })
}

fn accounts(event: &Value, detail: &Value) -> BTreeSet<String> {
    let account = |value: Option<&Value>| value.and_then(Value::as_str).and_then(account);
    let mut found: BTreeSet<String> = [
        event.get("account"),
        detail.get("recipientAccountId"),
        detail.pointer("/userIdentity/accountId"),
    ]
    .into_iter()
    .filter_map(account)
    .collect();
    for resource in listed(event).iter().chain(listed(detail)) {
        found.extend(owner(resource.get("ARN").unwrap_or(resource)));
        found.extend(account(resource.get("accountId")));
        if found.len() >= ACCOUNTS_MAX {
            break;
        }
    }
    found.into_iter().take(ACCOUNTS_MAX).collect()
}

fn listed(of: &Value) -> &[Value] {
    of.get("resources").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The account in an ARN.
fn owner(arn: &Value) -> Option<String> {
    account(arn.as_str()?.split(':').nth(4)?)
}

fn account(text: &str) -> Option<String> {
    let is = text.len() == 12 && text.bytes().all(|digit| digit.is_ascii_digit());
    is.then(|| text.to_owned())
}

/// Whether a recorded call only read.
fn is_read(detail: &Value) -> bool {
    match detail.get("readOnly") {
        Some(Value::Bool(read)) => *read,
        Some(Value::String(read)) => read == "true",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn told(event: &Value) -> Result<Vec<String>, NotAnEvent> {
        accounts_told(&serde_json::to_vec(event).unwrap()).map(|found| found.into_iter().collect())
    }

    fn own() -> Value {
        json!({
            "version": "0", "id": "1", "detail-type": "Membership Updated", "source": "aws.cleanrooms",
            "account": "111111111111", "time": "2026-01-01T00:00:00Z", "region": "eu-central-1",
            "resources": ["arn:aws:cleanrooms:eu-central-1:222222222222:membership/5b1e"],
            "detail": { "version": "1.0.0", "status": "COLLABORATION_DELETED" },
        })
    }

    fn recorded(call: &str, read: &Value) -> Value {
        json!({
            "version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.cleanrooms",
            "account": "111111111111", "resources": [],
            "detail": {
                "eventVersion": "1.08", "eventSource": "cleanrooms.amazonaws.com", "eventName": call, "readOnly": read,
                "userIdentity": { "type": "AssumedRole", "accountId": "333333333333" },
                "recipientAccountId": "111111111111",
                "requestParameters": { "configuredTableIdentifier": "5b1e" },
                "resources": [{ "accountId": "444444444444", "ARN": "arn:aws:cleanrooms:eu-central-1:555555555555:configuredtable/1" }],
            },
        })
    }

    #[test]
    fn the_services_own_events_name_an_account_and_resources() {
        assert_eq!(told(&own()).unwrap(), ["111111111111", "222222222222"]);
    }

    #[test]
    fn a_recorded_call_names_who_called_and_where_and_one_that_reads_names_nobody() {
        let wrote = told(&recorded("UpdateConfiguredTableAnalysisRule", &json!(false))).unwrap();
        let named = ["111111111111", "333333333333", "444444444444", "555555555555"];
        assert_eq!(wrote, named);
        for read in [json!(true), json!("true")] {
            assert!(told(&recorded("GetSchema", &read)).unwrap().is_empty());
        }
        assert_eq!(told(&recorded("UpdateMembership", &Value::Null)).unwrap(), named);
    }

    #[test]
    fn what_is_none_is_refused() {
        let with = |name: &str, value: Value| {
            let mut event = own();
            event[name] = value;
            event
        };
        let mut other_service = recorded("PutObject", &json!(false));
        other_service["detail"]["eventSource"] = json!("s3.amazonaws.com");
        let mut nobody = with("account", json!("12 345 678 9"));
        nobody["resources"] = json!("arn:aws:cleanrooms:eu-central-1:222222222222:membership/5b1e");
        for event in [
            json!(null),
            json!([own()]),
            with("source", json!("aws.s3")),
            with("source", json!(["aws.cleanrooms"])),
            with("detail", json!("none")),
            other_service,
            nobody,
        ] {
            assert_eq!(told(&event), Err(NotAnEvent), "{event}");
        }
        assert_eq!(accounts_told(b"not json"), Err(NotAnEvent));
        assert_eq!(accounts_told("[".repeat(200_000).as_bytes()), Err(NotAnEvent));
    }

    #[test]
    fn however_many_an_event_names_few_are_taken() {
        let arn = |n: usize| format!("arn:aws:cleanrooms:r:{n:012}:membership/m");
        let mut event = own();
        event["resources"] = (0..2_000).map(arn).collect();
        assert_eq!(told(&event).unwrap().len(), ACCOUNTS_MAX);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[0-9]{12}".prop_map(Value::from),
            "arn:aws:cleanrooms:[a-z:]{0,4}:[0-9]{11,13}:x".prop_map(Value::from),
            Just(json!("aws.cleanrooms")),
            Just(json!("cleanrooms.amazonaws.com")),
            ".{0,12}".prop_map(Value::from),
        ];
        let name = prop::sample::select(vec![
            "source",
            "detail",
            "account",
            "resources",
            "ARN",
            "accountId",
            "eventSource",
            "readOnly",
            "userIdentity",
            "recipientAccountId",
            "other",
        ]);
        leaf.prop_recursive(5, 64, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..8)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_comes_names_accounts_or_nobody(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..300),
                value().prop_map(|value| serde_json::to_vec(&value).unwrap()),
                value().prop_map(|value| {
                    let mut event = own();
                    event["detail"] = value.clone();
                    event["resources"] = value;
                    serde_json::to_vec(&event).unwrap()
                }),
            ],
        ) {
            if let Ok(found) = accounts_told(&bytes) {
                prop_assert!(found.len() <= ACCOUNTS_MAX);
                prop_assert!(found.iter().all(|one| account(one).is_some()));
            }
        }
    }
}
