//! What each platform runs for a guarded template: the one list of them, for whoever shows a text, records its digest or verifies
//! what was recorded. Must not know any platform's client.

use crate::guard::Guarded;
use crate::model::{Agreement, Digest, PlatformId};
use crate::snowflake::{Room, snowflake};
use crate::spark::spark;
use crate::unsaid::Unsaid;

/// A text as a platform runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub sql: String,
    /// What it is recorded by.
    pub digest: Digest,
}

/// What a platform runs for a template of this agreement, or why it can't be said there; none where a platform runs no text of ours.
#[must_use]
pub fn text_for(
    platform: &PlatformId,
    agreement: &Agreement,
    guarded: &Guarded,
) -> Option<Result<Text, Unsaid>> {
    let in_snowflake = |room| {
        snowflake(agreement, guarded, room).map(|said| Text { sql: said.sql, digest: said.digest })
    };
    match platform.as_str() {
        "native" => Some(Ok(Text { sql: guarded.datafusion.clone(), digest: guarded.text_digest })),
        "aws-clean-rooms" => {
            Some(spark(guarded).map(|said| Text { sql: said.sql, digest: said.digest }))
        }
        "snowflake" => Some(in_snowflake(Room::Shares)),
        "snowflake-dcr" => Some(in_snowflake(Room::Collaboration)),
        _ => None,
    }
}
