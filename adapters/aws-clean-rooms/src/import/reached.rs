//! Which members look, and how they are reached: by the same connections as everything else.

use super::{Import, Viewer, import, look};
use crate::connection::{Client, Connection};
use crate::error::made;
use crate::room::AwsCleanRooms;
use crate::seen::Seat;
use adapter_spi::{AdapterError, Cx, ErrorKind, Imported, Result, Retry};
use mappings::model::MemberId;

fn refused(code: &'static str, reason: impl Into<String>) -> AdapterError {
    made(ErrorKind::Unsupported, code, Retry::Never, "import", reason)
}

/// A collaboration's id, and the Region where an ARN says it.
fn named(text: &str) -> Result<(String, Option<String>)> {
    let (region, id) = match text.strip_prefix("arn:") {
        None => (None, text),
        Some(arn) => {
            let parts: Vec<&str> = arn.split(':').collect();
            match parts.as_slice() {
                [_, "cleanrooms", region, _, tail] => {
                    let id = tail.strip_prefix("collaboration/").unwrap_or_default();
                    (Some((*region).to_owned()), id)
                }
                _ => (None, ""),
            }
        }
    };
    let sign = |b: u8| b.is_ascii_hexdigit() && !b.is_ascii_uppercase() || b == b'-';
    if id.len() != 36 || !id.bytes().all(sign) {
        let reason = "a collaboration is named by its id, 36 digits and hyphens, or its ARN";
        return Err(refused("collaboration-unclear", reason));
    }
    Ok((id.to_owned(), region))
}

impl AwsCleanRooms {
    /// What lies in collaborations, as an agreement. Reads only.
    pub async fn import(&self, ask: &Import, cx: &Cx) -> Result<Imported> {
        let mut ids = Vec::new();
        let mut regions: Vec<String> = ask.region.iter().cloned().collect();
        for text in &ask.collaborations {
            let (id, region) = named(text)?;
            ids.push(id);
            regions.extend(region);
        }
        ids.sort();
        ids.dedup();
        regions.sort();
        regions.dedup();
        let [region] = regions.as_slice() else {
            let reason = "one Region is needed, and one alone: --region, or ARNs of one Region";
            return Err(refused("region-missing", reason));
        };
        let mut viewers: Vec<Viewer> = Vec::new();
        for (member, account) in &ask.accounts {
            let client = self.viewer(ask, member, account, region).await;
            let client = client.map(|client| client.within(cx));
            viewers.push((member.clone(), account.clone(), client));
        }
        let found = look(&ids, region, &viewers).await?;
        let unclear = || refused("collaboration-unclear", "it has no name that can be read");
        import(&found, ask).ok_or_else(unclear)
    }

    async fn viewer(
        &self,
        ask: &Import,
        member: &MemberId,
        account: &str,
        region: &str,
    ) -> Result<Client> {
        let connection = self.connection(member).ok_or_else(|| {
            let reason = format!("connections.toml has no {member}");
            made(ErrorKind::PermissionDenied, "not-operated", Retry::Never, "import", reason)
        })?;
        let (member, account, region) = (member.clone(), account.to_owned(), region.to_owned());
        let id = self.external_id(ask, connection)?;
        Client::of(connection, &Seat { member, account, region }, &id).await
    }

    /// A role is assumed under the external id of the collaboration as it will be called here.
    fn external_id(&self, ask: &Import, connection: &Connection) -> Result<String> {
        if connection.assume_role.is_none() {
            return Ok(String::new());
        }
        let id = ask.name.as_ref().and_then(|name| self.external_ids().external_id(name));
        id.ok_or_else(|| {
            let reason =
                "a role is assumed under the external id of a collaboration: --name says of which";
            made(ErrorKind::PermissionDenied, "external-id-missing", Retry::Never, "import", reason)
        })
    }
}

#[cfg(test)]
mod tests {
    //! What names a collaboration.
    use super::*;

    const ID: &str = "0a1b2c3d-0000-4000-8000-0123456789ab";

    #[test]
    fn an_id_or_an_arn_names_a_collaboration_and_nothing_else_does() {
        assert_eq!(named(ID).unwrap(), (ID.to_owned(), None));
        let arn = format!("arn:aws:cleanrooms:eu-central-1:111111111111:collaboration/{ID}");
        assert_eq!(named(&arn).unwrap(), (ID.to_owned(), Some("eu-central-1".to_owned())));
        for other in [
            "",
            "spring",
            "arn:aws:s3:::bucket",
            "arn:aws:cleanrooms:eu-central-1:111111111111:membership/0a1b2c3d-0000-4000-8000-0123456789ab",
            "../0a1b2c3d-0000-4000-8000-0123456789a",
            "0A1B2C3D-0000-4000-8000-0123456789AB",
        ] {
            assert_eq!(named(other).unwrap_err().code, "collaboration-unclear", "{other}");
        }
    }
}
