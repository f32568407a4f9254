//! From the bytes of a message to what it asks for. Whoever sent it is not believed: names come out of it, and nothing else. Pure.

use crate::app::Trigger;
use crate::log::Code;
use crate::wiring;
use mappings::model::{CollaborationId, PlatformId};

/// The longest message that is read at all.
pub(super) const BYTES_MAX: usize = 256 * 1_024;

/// Bytes that ask for nothing that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotATrigger;

/// The gateway's own form.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    collaboration: String,
    #[serde(default)]
    room: Option<String>,
}

/// A notice of another gateway's, as far as it is read.
#[derive(Debug, serde::Deserialize)]
struct Noticed {
    id: String,
    event: String,
    collaboration: String,
}

/// What a message asks for: the gateway's own form, or a platform's event. None where something happened that changes nothing.
pub(super) fn triggers(bytes: &[u8]) -> Result<Vec<Trigger>, NotATrigger> {
    if bytes.len() > BYTES_MAX {
        return Err(NotATrigger);
    }
    if let Ok(Named { collaboration, room }) = serde_json::from_slice(bytes) {
        let collaboration = CollaborationId::new(&collaboration).map_err(|_| NotATrigger)?;
        let room = room.map(|room| PlatformId::new(&room)).transpose().map_err(|_| NotATrigger)?;
        return Ok(vec![Trigger::Room { collaboration, room }]);
    }
    if let Ok(Noticed { id, event, collaboration }) = serde_json::from_slice(bytes)
        && id.starts_with("ntc_")
        && Code::new(&event).is_ok()
    {
        let collaboration = CollaborationId::new(&collaboration).map_err(|_| NotATrigger)?;
        return Ok(vec![Trigger::Room { collaboration, room: None }]);
    }
    wiring::event(bytes).ok_or(NotATrigger)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn room(collaboration: &str, room: Option<&str>) -> Vec<Trigger> {
        let collaboration = CollaborationId::new(collaboration).unwrap();
        let room = room.map(|room| PlatformId::new(room).unwrap());
        vec![Trigger::Room { collaboration, room }]
    }

    #[test]
    fn a_room_is_named_or_all_of_a_collaboration() {
        let whole = br#"{"collaboration":"spring-campaign","room":"aws-clean-rooms"}"#;
        assert_eq!(triggers(whole), Ok(room("spring-campaign", Some("aws-clean-rooms"))));
        assert_eq!(triggers(br#"{"collaboration":"spring"}"#), Ok(room("spring", None)));
    }

    #[test]
    fn a_notice_of_another_gateway_is_a_word_about_its_collaboration() {
        let notice = br#"{"id":"ntc_00","event":"revocation-closed","collaboration":"spring","index":7,"at_ms":1,"revocation":5}"#;
        assert_eq!(triggers(notice), Ok(room("spring", None)));
        let other = br#"{"id":"ntc_00","event":"A sentence.","collaboration":"spring"}"#;
        assert_eq!(triggers(other), Err(NotATrigger));
    }

    #[test]
    fn an_event_names_accounts() {
        let event = br#"{"source":"aws.cleanrooms","account":"111111111111","detail":{}}"#;
        let platform = PlatformId::aws_clean_rooms();
        let account = "111111111111".to_owned();
        assert_eq!(triggers(event), Ok(vec![Trigger::Account { platform, account }]));
        let read =
            br#"{"source":"aws.cleanrooms","account":"111111111111","detail":{"readOnly":true}}"#;
        assert_eq!(triggers(read), Ok(Vec::new()));
    }

    #[test]
    fn all_else_is_nothing() {
        let long = format!("{{\"collaboration\":\"spring\"{}}}", " ".repeat(BYTES_MAX));
        for none in [
            "",
            "{}",
            "[]",
            "spring",
            r#"{"collaboration":"Spring Campaign"}"#,
            r#"{"collaboration":7}"#,
            r#"{"collaboration":"spring","room":"../x"}"#,
            r#"{"collaboration":"spring","grant":true}"#,
            r#"{"source":"aws.s3","account":"111111111111","detail":{}}"#,
            &long,
        ] {
            assert_eq!(
                triggers(none.as_bytes()),
                Err(NotATrigger),
                "{}",
                none.get(..40).unwrap_or(none)
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_comes_names_something_or_nothing(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..400),
                r#"\{"collaboration":"[ -~]{0,80}"(,"room":"[ -~]{0,80}")?\}"#.prop_map(String::into_bytes),
                r#"\{("source"|"account"|"detail"|"resources"|[\[\]{}:,"0-9a-z.]){0,60}\}"#.prop_map(String::into_bytes),
            ],
        ) {
            if let Ok(found) = triggers(&bytes) {
                prop_assert!(found.len() <= 16);
            }
        }
    }
}
