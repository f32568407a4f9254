//! The conformance suite against whatever speaks the service's wire protocol: endpoint and profiles come from the environment,
//! as for any AWS client. `tests/judge/aws.py` sets the stage and runs it. Prints the report.

#![expect(clippy::print_stdout, reason = "an example tells what it saw")]

use adapter_aws_clean_rooms::{AwsCleanRooms, Connection, Connections, ExternalIds};
use adapter_spi::suite;
use mappings::model::{CollaborationId, MemberId};
use std::error::Error;
use std::sync::Arc;

#[derive(Debug)]
struct OneId;

impl ExternalIds for OneId {
    fn external_id(&self, _: &CollaborationId) -> Option<String> {
        Some("airlock-stage".to_owned())
    }
}

fn adapter() -> Result<AwsCleanRooms, Box<dyn Error>> {
    let member = |name: &str, account: &str| -> Result<_, Box<dyn Error>> {
        let connection = Connection {
            profile: Some(name.to_owned()),
            data_role: Some(format!("arn:aws:iam::{account}:role/airlock-data-reader")),
            landing: Some(format!("s3://{name}-landing/airlock")),
            ..Connection::default()
        };
        Ok((MemberId::new(name)?, connection))
    };
    let members = [member("provider", "111111111111")?, member("analyst", "222222222222")?];
    Ok(AwsCleanRooms::new(Connections { members: members.into() }, Arc::new(OneId)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", suite::conforms(&adapter()?).await?);
    Ok(())
}
