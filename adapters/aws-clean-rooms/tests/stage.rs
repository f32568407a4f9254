//! The adapter on the stage: the conformance suite against a platform that speaks the service's wire protocol. The stage is set
//! by `tests/judge/aws.py`, which names endpoint, profiles and tables; without it nothing here is run, and it says so.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may end by panicking")]

use adapter_aws_clean_rooms::{AwsCleanRooms, Connection, Connections, ExternalIds};
use adapter_spi::suite;
use mappings::model::{CollaborationId, MemberId};
use std::sync::Arc;

#[derive(Debug)]
struct OneId;

impl ExternalIds for OneId {
    fn external_id(&self, _: &CollaborationId) -> Option<String> {
        Some("airlock-stage".to_owned())
    }
}

fn adapter() -> AwsCleanRooms {
    std::env::var("AIRLOCK_STAGE").expect("NOT RUN: no stage; tests/judge/aws.py sets it");
    let member = |name: &str, account: &str| {
        let connection = Connection {
            profile: Some(name.to_owned()),
            data_role: Some(format!("arn:aws:iam::{account}:role/airlock-data-reader")),
            landing: Some(format!("s3://{name}-landing/airlock")),
            ..Connection::default()
        };
        (MemberId::new(name).unwrap(), connection)
    };
    let members = [member("provider", "111111111111"), member("analyst", "222222222222")];
    AwsCleanRooms::new(Connections { members: members.into() }, Arc::new(OneId))
}

#[tokio::test]
#[ignore = "needs the stage: tests/judge/aws.py"]
async fn the_adapter_conforms() {
    let held = suite::conforms(&adapter()).await.unwrap();
    assert_eq!(held, ["observe", "plan", "kill", "apply", "revoke", "isolation", "refuse"]);
}
