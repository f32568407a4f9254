//! How a member's account is reached: by a profile of the machine's AWS configuration, perhaps through a role. No keys here.

use crate::clients::Silent;
use crate::error::{Act, made, told};
use crate::seen::Seat;
use adapter_spi::{AdapterError, CallClass, Cx, ErrorKind, Retry};
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cleanrooms::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use mappings::model::MemberId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const CONNECT_MAX: Duration = Duration::from_secs(5);
const ATTEMPT_MAX: Duration = Duration::from_secs(20);
const CALL_MAX: Duration = Duration::from_mins(1);
const ATTEMPTS_MAX: u32 = 4;

/// The code of credentials that are another account's.
pub(crate) const WRONG_ACCOUNT: &str = "wrong-account";

/// The members that this gateway operates, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connections {
    /// By member.
    #[serde(default)]
    pub members: BTreeMap<MemberId, Connection>,
}

/// One member's account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The profile of the AWS configuration files; without one the environment's credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// A role to assume with those, always with this gateway's external id of the collaboration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<String>,
    /// The role through which the platform reads the member's tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_role: Option<String>,
    /// Where results for the member land: an `s3://` prefix in its own account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landing: Option<String>,
    /// The role through which the platform writes there, when another member runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_role: Option<String>,
    /// `parquet` or `csv`.
    #[serde(default)]
    pub result_format: ResultFormat,
}

/// What the platform writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResultFormat {
    /// Parquet.
    #[default]
    Parquet,
    /// CSV with a header.
    Csv,
}

impl Connection {
    /// The landing as bucket and prefix, the prefix without slashes at its ends.
    pub(crate) fn landing(&self) -> Option<(String, String)> {
        let rest = self.landing.as_ref()?.strip_prefix("s3://")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        (!bucket.is_empty()).then(|| (bucket.to_owned(), prefix.trim_matches('/').to_owned()))
    }

    /// The configuration of this member's clients in a Region.
    pub(crate) async fn load(&self, region: &str, external_id: &str) -> SdkConfig {
        let role = self.assume_role.as_deref().map(|role| (role, Some(external_id)));
        let reach = Reach { profile: self.profile.as_deref(), assume_role: role };
        config(reach, region, ATTEMPT_MAX).await
    }
}

/// Whose credentials: a profile's, or else the environment's; perhaps a role's that is assumed with them, under an external id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach<'a> {
    pub(crate) profile: Option<&'a str>,
    pub(crate) assume_role: Option<(&'a str, Option<&'a str>)>,
}

/// The configuration of clients in a Region.
pub(crate) async fn config(reach: Reach<'_>, region: &str, attempt_max: Duration) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_MAX)
        .operation_attempt_timeout(attempt_max)
        .operation_timeout(CALL_MAX)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
        .timeout_config(timeouts);
    if let Some(profile) = reach.profile {
        // The profile's own: keys that happen to lie in the environment are somebody else's.
        let own = ProfileFileCredentialsProvider::builder().profile_name(profile).build();
        loader = loader.profile_name(profile).credentials_provider(own);
    }
    let base = loader.load().await;
    let Some((role, external_id)) = reach.assume_role else { return base };
    let mut assumed =
        aws_config::sts::AssumeRoleProvider::builder(role).session_name("airlock").configure(&base);
    if let Some(external_id) = external_id {
        assumed = assumed.external_id(external_id);
    }
    let assumed = assumed.build().await;
    let provider = aws_credential_types::provider::SharedCredentialsProvider::new(assumed);
    base.into_builder().credentials_provider(provider).build()
}

/// The clients of one member.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// For calls that change nothing: sent again when the platform stumbles.
    pub(crate) rooms: aws_sdk_cleanrooms::Client,
    /// For calls that change something: sent once, so that what is known after an error is known of the only attempt.
    pub(crate) writes: aws_sdk_cleanrooms::Client,
    pub(crate) config: SdkConfig,
    pub(crate) account: String,
    pub(crate) region: String,
    seat: Seat,
    /// Which accounts gave no answer, for all clients of an adapter.
    silent: Arc<Silent>,
    cx: Cx,
    sent: Arc<AtomicBool>,
}

impl Client {
    /// Clients that are known to act for this account and no other.
    pub(crate) async fn of(
        connection: &Connection,
        seat: &Seat,
        external_id: &str,
    ) -> Result<Self, AdapterError> {
        let config = connection.load(&seat.region, external_id).await;
        let answer = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await;
        let found = match &answer {
            Ok(identity) => identity.account().unwrap_or_default(),
            Err(error) => {
                return Err(told("GetCallerIdentity", Act::Read, error));
            }
        };
        if found != seat.account {
            let reason = format!(
                "the credentials are of another account than the agreement pins, {}",
                seat.account
            );
            return Err(made(
                ErrorKind::PermissionDenied,
                WRONG_ACCOUNT,
                Retry::Never,
                "GetCallerIdentity",
                reason,
            ));
        }
        Ok(Self::over(config, seat))
    }

    /// Clients over a configuration.
    pub(crate) fn over(config: SdkConfig, seat: &Seat) -> Self {
        let once = aws_sdk_cleanrooms::config::Builder::from(&config)
            .retry_config(RetryConfig::disabled())
            .build();
        Self {
            rooms: aws_sdk_cleanrooms::Client::new(&config),
            writes: aws_sdk_cleanrooms::Client::from_conf(once),
            config,
            account: seat.account.clone(),
            region: seat.region.clone(),
            seat: seat.clone(),
            silent: Arc::default(),
            cx: Cx::default(),
            sent: Arc::default(),
        }
    }

    /// The same clients, which mind what others found silent.
    pub(crate) fn minding(self, silent: &Arc<Silent>) -> Self {
        Self { silent: Arc::clone(silent), ..self }
    }

    /// The same clients for one act, which takes turns as its context says.
    pub(crate) fn within(&self, cx: &Cx) -> Self {
        Self { cx: cx.clone(), sent: Arc::default(), ..self.clone() }
    }

    /// Waits for the turn of a call. From a write's turn on it may have been sent; one whose turn comes too late never is.
    pub(crate) async fn turn(
        &self,
        operation: &'static str,
        class: CallClass,
    ) -> Result<(), AdapterError> {
        self.cx.turn(&self.seat.member, operation, class).await;
        if class == CallClass::Write {
            if self.cx.is_late() {
                let reason = "its turn came too late after its intent";
                return Err(made(
                    ErrorKind::Timeout,
                    "sent-too-late",
                    Retry::NextCycle,
                    operation,
                    reason,
                ));
            }
            self.sent.store(true, Ordering::SeqCst);
        }
        Ok(())
    }

    /// The error of an account that gave no answer a moment ago: nothing is sent there.
    pub(crate) fn heard(&self) -> Result<(), AdapterError> {
        self.silent.check(&self.seat)
    }

    /// An error of a call in canonical words. Whether nobody answered is kept in mind.
    pub(crate) fn told<E: ProvideErrorMetadata>(
        &self,
        operation: &'static str,
        act: Act,
        error: &SdkError<E, HttpResponse>,
    ) -> AdapterError {
        let error = told(operation, act, error);
        self.silent.note(&self.seat, act, &error);
        error
    }

    /// Whether a call that changes something may have been sent in this act.
    pub(crate) fn has_sent(&self) -> bool {
        self.sent.load(Ordering::SeqCst)
    }
}

/// One call in its turn, its error in canonical words: `read` changes nothing, `write` may have changed something.
macro_rules! sent {
    (read, $client:expr, $operation:expr, $request:expr) => {
        $crate::connection::sent!(Read, $client, $operation, $request)
    };
    (write, $client:expr, $operation:expr, $request:expr) => {
        $crate::connection::sent!(Write, $client, $operation, $request)
    };
    ($act:ident, $client:expr, $operation:expr, $request:expr) => {
        match $client.heard() {
            Ok(()) => match $client.turn($operation, adapter_spi::CallClass::$act).await {
                Ok(()) => {
                    let answer = $request.send().await;
                    let act = $crate::error::Act::$act;
                    answer.map_err(|error| $client.told($operation, act, &error))
                }
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        }
    };
}

/// A list to its end, each page in its turn.
macro_rules! listed {
    ($client:expr, $operation:expr, $request:expr, $items:ident) => {{
        let mut pages = $request.into_paginator().send();
        let mut found = Vec::new();
        loop {
            $client.heard()?;
            $client.turn($operation, adapter_spi::CallClass::List).await?;
            let Some(page) = pages.next().await else { break };
            let act = $crate::error::Act::Read;
            let page = page.map_err(|error| $client.told($operation, act, &error))?;
            let more = page.next_token.as_ref().is_some_and(|token| !token.is_empty());
            found.extend(page.$items);
            if !more {
                break;
            }
        }
        found
    }};
}

pub(crate) use {listed, sent};
