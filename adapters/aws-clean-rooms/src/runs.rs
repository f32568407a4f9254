//! Runs: an approved template started in its runner's collaboration, watched, cancelled, and its output brought from where it
//! landed in the receiver's account to the gateway's landing, as it is. What it says is verified later, elsewhere.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enums grow, and each hand here takes some calls only; whatever is not named is refused or unknown"
)]

mod stop;

use crate::connection::{Client, ResultFormat, sent};
use crate::error::made;
use crate::room::AwsCleanRooms;
use crate::wanted::{Room, value_of, wanted};
use crate::{fetch, seen};
use adapter_spi::{
    Cx, Desired, Ends, ErrorKind, Failure, ProtectedQuery, Remembered, Result, Retry, RunOutput,
    RunProgress, RunStatus, RunsQueries, Scope,
};
use async_trait::async_trait;
use aws_sdk_cleanrooms::types::{
    ProtectedQuery as NativeQuery, ProtectedQueryMemberOutputConfiguration, ProtectedQueryOutput,
    ProtectedQueryOutputConfiguration, ProtectedQueryResultConfiguration,
    ProtectedQueryS3OutputConfiguration, ProtectedQuerySqlParameters, ProtectedQueryStatus,
    ProtectedQueryType, TargetProtectedQueryStatus,
};
use mappings::model::{MemberId, RunId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The runs of this process.
pub(crate) type Runs = Remembered<Running>;

/// One run, where it is and where its output will be.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    runner: Client,
    membership: String,
    query: String,
    reader: Client,
    /// Bucket and prefix of the receiver's landing.
    place: (String, String),
    format: ResultFormat,
    landing: PathBuf,
    ended: Option<RunStatus>,
}

impl Ends for Running {
    fn has_ended(&self) -> bool {
        self.ended.is_some()
    }
}

fn refused(code: &'static str, reason: impl Into<String>) -> adapter_spi::AdapterError {
    made(ErrorKind::PermissionDenied, code, Retry::Never, "submit", reason)
}

fn unbuilt() -> adapter_spi::AdapterError {
    crate::apply::unbuilt("StartProtectedQuery")
}

impl AwsCleanRooms {
    fn run_of(&self, run: &RunId) -> Result<Running> {
        self.runs.of(run).ok_or_else(|| {
            made(
                ErrorKind::NotFound,
                "run-unknown",
                Retry::Never,
                "status",
                format!("no run {run} here"),
            )
        })
    }

    /// Who among the receivers the output lands with: the runner, else the first whom this gateway operates.
    fn lands_with(&self, query: &ProtectedQuery) -> Result<MemberId> {
        let landing = |member: &&MemberId| {
            let connection = self.connection(member);
            connection.is_some_and(|connection| connection.landing().is_some())
        };
        let runner = query.receivers.iter().find(|member| **member == query.by);
        runner.filter(landing).or_else(|| query.receivers.iter().find(landing)).cloned().ok_or_else(
            || {
                refused(
                    "landing-missing",
                    "no receiver has a landing; add `landing` to its connection",
                )
            },
        )
    }

    /// The ARN of the template, when it is there as agreed and every table that it reads allows it.
    fn granted(query: &ProtectedQuery, room: &Room, seen: &seen::Room) -> Result<String> {
        let name = &query.guarded.template;
        let not = |why: &str| {
            refused("not-granted", format!("template {name} is not granted there: {why}"))
        };
        let text = room.templates.get(name).ok_or_else(|| not("it has no text there"))?;
        let found = seen.templates.get(&text.alias).ok_or_else(|| not("it is not there"))?;
        if !text.is(found) {
            return Err(not("the text there is another one"));
        }
        for dataset in &text.touches {
            let schema = seen.schemas.get(dataset.as_str());
            if !schema.is_some_and(|schema| schema.ready && schema.analyses.contains(&found.arn)) {
                return Err(not(&format!("the rule of {dataset} does not allow it")));
            }
        }
        Ok(found.arn.clone())
    }

    fn output(
        &self,
        query: &ProtectedQuery,
        room: &Room,
        receiver: &MemberId,
        (bucket, prefix): &(String, String),
    ) -> Result<ProtectedQueryResultConfiguration> {
        let output = if *receiver == query.by {
            let format = match self.connection(receiver).map(|c| c.result_format) {
                Some(ResultFormat::Csv) => aws_sdk_cleanrooms::types::ResultFormat::Csv,
                Some(ResultFormat::Parquet) | None => {
                    aws_sdk_cleanrooms::types::ResultFormat::Parquet
                }
            };
            let place = ProtectedQueryS3OutputConfiguration::builder()
                .bucket(bucket)
                .key_prefix(prefix)
                .result_format(format)
                .build();
            ProtectedQueryOutputConfiguration::S3(place.map_err(|_| unbuilt())?)
        } else {
            let account = room.parties.get(receiver).map(|party| party.account.clone());
            let member =
                ProtectedQueryMemberOutputConfiguration::builder().set_account_id(account).build();
            ProtectedQueryOutputConfiguration::Member(member.map_err(|_| unbuilt())?)
        };
        Ok(ProtectedQueryResultConfiguration::builder().output_configuration(output).build())
    }
}

#[async_trait]
impl RunsQueries for AwsCleanRooms {
    async fn submit(&self, query: &ProtectedQuery, cx: &Cx) -> Result<()> {
        let runner = self.client(&query.agreement, &query.by).await?.within(cx);
        let receiver = self.lands_with(query)?;
        let reader = self.client(&query.agreement, &receiver).await?;
        let connection = self.connection(&receiver);
        let place = connection.and_then(crate::connection::Connection::landing);
        let (Some(place), Some(connection)) = (place, connection) else {
            return Err(refused("landing-missing", "the receiver's landing is no s3:// prefix"));
        };
        let seen = self.look(&Scope::of(&query.agreement), cx).await;
        let all = wanted(&Desired::whole(std::sync::Arc::clone(&query.agreement)));
        let away = || refused("not-granted", format!("{} has no collaboration there", query.by));
        let room = all.rooms.get(&query.by).ok_or_else(away)?;
        let (_, found) = seen.room(&room.name, &query.by).ok_or_else(away)?;
        let arn = Self::granted(query, room, found)?;
        let membership = found.membership.as_ref().ok_or_else(away)?.id.clone();
        let parameters =
            query.parameters.iter().map(|(name, value)| (name.to_string(), value_of(value)));
        let sql = ProtectedQuerySqlParameters::builder()
            .analysis_template_arn(arn)
            .set_parameters(Some(parameters.collect()))
            .build();
        let payers: Vec<&String> =
            room.parties.values().filter(|party| party.pays).map(|party| &party.account).collect();
        let request = runner
            .writes
            .start_protected_query()
            .r#type(ProtectedQueryType::Sql)
            .membership_identifier(&membership)
            .sql_parameters(sql)
            .result_configuration(self.output(query, room, &receiver, &place)?)
            .set_query_compute_payer_account_id(payers.first().map(ToString::to_string));
        let answer = sent!(write, runner, "StartProtectedQuery", request)?;
        let started = answer.protected_query().map(|query| query.id().to_owned());
        let landing = query.landing.url.to_file_path();
        let (Some(started), Ok(landing)) = (started, landing) else {
            return Err(made(
                ErrorKind::InvalidNative,
                "answer-unreadable",
                Retry::Never,
                "StartProtectedQuery",
                "no query in the answer",
            ));
        };
        let format = connection.result_format;
        let running = Running {
            runner,
            membership,
            query: started,
            reader,
            place,
            format,
            landing,
            ended: None,
        };
        self.runs.keep(&query.run, running);
        Ok(())
    }

    async fn status(&self, run: &RunId, _: &Cx) -> Result<RunStatus> {
        let running = self.run_of(run)?;
        if let Some(ended) = running.ended {
            return Ok(ended);
        }
        let request = running
            .runner
            .rooms
            .get_protected_query()
            .membership_identifier(&running.membership)
            .protected_query_identifier(&running.query);
        let answer = sent!(read, running.runner, "GetProtectedQuery", request)?;
        let unreadable = || {
            made(
                ErrorKind::InvalidNative,
                "answer-unreadable",
                Retry::NextCycle,
                "GetProtectedQuery",
                "no query in the answer",
            )
        };
        let found = answer.protected_query().ok_or_else(unreadable)?;
        let status = match found.status() {
            ProtectedQueryStatus::Submitted | ProtectedQueryStatus::Started => {
                return Ok(RunStatus::Running(RunProgress::default()));
            }
            ProtectedQueryStatus::Cancelling => return Ok(RunStatus::Cancelling),
            ProtectedQueryStatus::Cancelled => RunStatus::Cancelled,
            ProtectedQueryStatus::Success => RunStatus::Succeeded(output(&running, found).await?),
            ProtectedQueryStatus::TimedOut => {
                failed("platform-timed-out", "the platform's time limit")
            }
            ProtectedQueryStatus::Failed => failed_by(found),
            _ => failed(
                "status-unknown",
                "the platform says a state that this version does not know",
            ),
        };
        self.runs.keep(run, Running { ended: Some(status.clone()), ..running });
        Ok(status)
    }

    async fn cancel(&self, run: &RunId, cx: &Cx) -> Result<RunStatus> {
        let running = self.run_of(run)?;
        if running.ended.is_none() {
            let request = running
                .runner
                .writes
                .update_protected_query()
                .membership_identifier(&running.membership)
                .protected_query_identifier(&running.query)
                .target_status(TargetProtectedQueryStatus::Cancelled);
            match sent!(write, running.runner, "UpdateProtectedQuery", request) {
                // It ended by itself meanwhile.
                Err(error) if error.kind != ErrorKind::Conflict => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
        self.status(run, cx).await
    }

    /// The service takes a handful of calls a second.
    fn patience(&self) -> Duration {
        Duration::from_millis(500)
    }

    /// Everywhere that it can, before it says where it could not.
    async fn stop(&self, desired: &Desired, scope: &Scope, cx: &Cx) -> Result<usize> {
        let seen = self.look(scope, cx).await;
        let (mut running, mut failed) = (0, stop::unseen(scope, &seen));
        for place in stop::places(&wanted(desired), scope, &seen) {
            let stopped = match self.seated(&scope.collaboration, &place.seat).await {
                Ok(client) => stop::stop(&client.within(cx), &place).await,
                Err(error) => Err(error),
            };
            match stopped {
                Ok(still) => running += still,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(running), Err)
    }
}

fn failed(code: &str, reason: &str) -> RunStatus {
    RunStatus::Failed(Failure { code: code.to_owned(), reason: reason.to_owned() })
}

/// The platform's codes; its texts may quote what was asked.
fn failed_by(query: &NativeQuery) -> RunStatus {
    match query.error().map(aws_sdk_cleanrooms::types::ProtectedQueryError::code) {
        Some("MALFORMED_QUERY") => {
            failed("query-refused", "the platform refuses the text under the tables' rules")
        }
        Some("RESOURCE_NOT_FOUND" | "INVALID_RESOURCE") => {
            failed("resource-missing", "a table, or what it stands on, is gone")
        }
        Some("RESOURCE_ACCESS_DENIED") => {
            failed("resource-access-denied", "a role can't read a table, or can't write the result")
        }
        Some("INSUFFICIENT_COMPUTE") => {
            failed("insufficient-compute", "the platform had too little compute")
        }
        Some("TRANSIENT_ERROR") => {
            failed("platform-transient", "the platform failed for a moment; run it again")
        }
        Some(_) | None => failed("platform-failed", "the platform failed"),
    }
}

/// Brings the output to the landing.
async fn output(running: &Running, query: &NativeQuery) -> Result<RunOutput> {
    let told = query.result().and_then(|result| result.output());
    let place = match told {
        Some(ProtectedQueryOutput::S3(output)) => fetch::place(output.location()),
        _ => None,
    };
    let (bucket, prefix) = place.unwrap_or_else(|| {
        let (bucket, prefix) = &running.place;
        (bucket.clone(), format!("{prefix}/{}", running.query))
    });
    let files =
        fetch::fetch(&running.reader, &bucket, &prefix, running.format, &running.landing).await?;
    Ok(RunOutput { files, rows: None, withheld: None, rows_read: BTreeMap::new() })
}
