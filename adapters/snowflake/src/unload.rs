//! A result from where a statement left it into object storage: `COPY INTO` under a run's own prefix, as Parquet with its columns'
//! names. Must not know what the statement was.

use crate::connection::Connection;
use crate::sql::Sql;
use mappings::model::{CollaborationId, RunId};
use snowflake_sql_api::Handle;

/// Below a landing, what a run leaves: another run never writes there, of whichever collaboration.
pub(crate) fn below(collaboration: &CollaborationId, run: &RunId) -> String {
    format!("collaboration={collaboration}/run={run}")
}

/// Where one statement of a run leaves its result: another statement never writes there.
pub(crate) fn prefix(below: &str, handle: &Handle) -> String {
    format!("{below}/{handle}")
}

/// The statement that unloads the result of another; none where a connection has no place or no integration for it.
pub(crate) fn unload(connection: &Connection, below: &str, handle: &Handle) -> Option<Sql> {
    let (place, integration) = connection.unloads()?;
    let to = format!("{place}/{}/", prefix(below, handle));
    let sql = Sql::new("COPY INTO ").text(&to);
    let sql = sql.word(" FROM (SELECT * FROM ").result_of(handle).word(")");
    let sql = sql.word(" STORAGE_INTEGRATION = ").name(integration);
    Some(sql.word(" FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE DETAILED_OUTPUT = TRUE"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_lands_under_its_run() {
        let connection = Connection {
            unload: Some("s3://bucket/o'k/".to_owned()),
            storage_integration: Some("LAND\"ING".to_owned()),
            ..Connection::default()
        };
        let run = below(&"spring".parse().unwrap(), &"run-7".parse().unwrap());
        let handle = "01ab-cd".parse().unwrap();
        let sql = unload(&connection, &run, &handle).unwrap();
        let text = "COPY INTO 's3://bucket/o''k/collaboration=spring/run=run-7/01ab-cd/' FROM (SELECT * FROM TABLE(RESULT_SCAN('01ab-cd'))) STORAGE_INTEGRATION = \"LAND\"\"ING\" FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE DETAILED_OUTPUT = TRUE";
        assert_eq!(sql.as_text(), Ok(text));
        assert!(unload(&Connection::default(), &run, &handle).is_none());
    }
}
