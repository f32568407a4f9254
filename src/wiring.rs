//! The one file that names concrete adapters and stores: which rooms there are, where their keys come from, where the log is, and whose
//! queues and events tell of what happened.

use crate::app::{ConnectionLine, ImportRequest, Started, Trigger, Verified, VerifiedLine};
use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, Result};
use crate::home::{Home, others_may};
use crate::log::{LogError, State};
use crate::reconcile::desired;
use crate::settings;
use crate::store::{ClosedStore, PostgresStore, SqliteStore, Store, StoreError};
use crate::triggers;
use crate::wire::ExportForm;
use adapter_aws_clean_rooms::{AwsCleanRooms, Connections, ExternalIds, Form};
use adapter_native::{KeySource, NativeRoom};
use adapter_snowflake::{SnowflakeCollaborations, SnowflakeShares};
use adapter_spi::{
    Adapter, Assessment, Behaviour, Cx, Desired, ErrorKind, Imported, RunsQueries, Scope,
    TestsConnections as _,
};
use async_trait::async_trait;
use mappings::model::{Agreement, CollaborationId, MemberId, PlatformId};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use adapter_native::{Preparation, PreparedKey, prepare};

/// A key file holds 64 digits and perhaps a line's end.
const KEY_FILE_BYTES_MAX: u64 = 128;

/// The rooms of one gateway.
#[derive(Debug)]
pub struct Rooms {
    native: NativeRoom,
    aws: Option<AwsCleanRooms>,
    shares: Option<SnowflakeShares>,
    collaborations: Option<SnowflakeCollaborations>,
}

/// The rooms, all empty.
pub fn rooms(home: &Home) -> Result<Rooms> {
    let scratch = home
        .scratch()
        .canonicalize()
        .map_err(|error| Error::io("find the folder", &home.scratch(), &error))?;
    let ConnectionsFile { aws_clean_rooms, snowflake } = connections(home)?;
    let now_ms = || Arc::new(|| SystemClock.now_ms());
    Ok(Rooms {
        native: NativeRoom::new(Arc::new(KeyFiles(home.clone())), scratch),
        aws: aws_clean_rooms.map(|to| AwsCleanRooms::new(to, Arc::new(KeyFiles(home.clone())))),
        shares: snowflake.clone().map(|to| SnowflakeShares::new(to, now_ms())),
        collaborations: snowflake.map(|to| SnowflakeCollaborations::new(to, now_ms())),
    })
}

/// How the members whom this gateway operates are reached on each platform: `connections.toml` in its folder.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ConnectionsFile {
    #[serde(default)]
    aws_clean_rooms: Option<Connections>,
    #[serde(default)]
    snowflake: Option<adapter_snowflake::Connections>,
}

fn connections(home: &Home) -> Result<ConnectionsFile> {
    const HELP: &str = "[aws-clean-rooms.members.NAME] with profile, assume_role, data_role, landing, result_role, result_format; \
        [snowflake.members.NAME] with user, key_file or token_file, token_kind, role, warehouse, database, unload, storage_integration, landing, keep_unloaded, endpoint; \
        [snowflake] settles_ms, verified";
    let file: ConnectionsFile =
        settings::toml_file(&home.connections(), "connections-invalid", HELP)?;
    if file.snowflake.as_ref().is_some_and(|to| !SnowflakeCollaborations::may_settle(to)) {
        let message = "[snowflake] settles_ms is less than a minute, and not every endpoint is a stand-in on this machine";
        return Err(Error::invalid("connections-invalid", message)
            .help("no settles_ms, or an http endpoint on loopback for every member"));
    }
    let unknown = file.snowflake.as_ref().map(adapter_snowflake::unknown_behaviours);
    if let Some([first, ..]) = unknown.as_deref() {
        let message = format!("[snowflake] verified names {first}, which no question settles");
        return Err(Error::invalid("connections-invalid", message)
            .help("codes of questions that `airlock connections verify` answered with yes, and preset-tables, seen by hand"));
    }
    Ok(file)
}

/// The store that a gateway's folder names, or the file in it.
pub(crate) async fn store(home: &Home) -> Result<Arc<dyn Store>> {
    opened(home).await?.map_err(|(_, error)| error)
}

/// The same for whoever denies: one that can't be opened says so to whatever it is asked.
pub(crate) async fn store_or_closed(home: &Home) -> Result<Arc<dyn Store>> {
    Ok(opened(home).await?.unwrap_or_else(|(why, _)| Arc::new(ClosedStore(why))))
}

async fn opened(home: &Home) -> Result<Result<Arc<dyn Store>, (StoreError, Error)>> {
    let Some(address) = settings::store(home)? else {
        return Ok(match SqliteStore::open(&home.database()).await {
            Ok(store) => Ok(Arc::new(store)),
            Err(why) => Err((why, LogError::from(why).into())),
        });
    };
    Ok(match PostgresStore::open(&address).await {
        Ok(store) => Ok(Arc::new(store)),
        Err(why) => {
            let error = Error::failed(why.code(), format!("{address}: {why}"))
                .help("a server that answers, by verified TLS or with the sslmode of the URL; a role with a password, and CREATE on the database");
            Err((why, error))
        }
    })
}

/// A queue that the settings name. Nobody is asked anything yet.
pub(crate) async fn queue(set: &settings::QueueSetting) -> Result<Box<dyn triggers::Queue>> {
    let url = set.queue_url.as_str();
    let own = adapter_aws_clean_rooms::Queue::region(url);
    let Some(region) = set.region.as_deref().or(own) else {
        let message = "a queue's Region can't be told from its queue_url";
        return Err(Error::invalid("settings-invalid", message)
            .help("region = \"REGION\" in its [[triggers.sqs]]"));
    };
    let (profile, role) = (set.profile.as_deref(), set.assume_role.as_deref());
    let open = adapter_aws_clean_rooms::Queue::open(url, region, profile, role);
    let queue = Box::pin(open).await;
    Ok(Box::new(Sqs { name: url.to_owned(), queue }))
}

#[derive(Debug)]
struct Sqs {
    name: String,
    queue: adapter_aws_clean_rooms::Queue,
}

#[async_trait]
impl triggers::Queue for Sqs {
    fn name(&self) -> &str {
        &self.name
    }

    async fn receive(&self) -> Result<Vec<triggers::Message>, &'static str> {
        let found = self.queue.receive().await?.into_iter();
        Ok(found.map(|one| triggers::Message { body: one.body, receipt: one.receipt }).collect())
    }

    async fn delete(&self, receipts: Vec<String>) -> Result<(), &'static str> {
        self.queue.delete(receipts).await
    }
}

/// What a platform's event is about; `None` of bytes that are no platform's event.
pub(crate) fn event(bytes: &[u8]) -> Option<Vec<Trigger>> {
    let accounts = adapter_aws_clean_rooms::accounts_told(bytes).ok()?;
    let platform = PlatformId::aws_clean_rooms();
    let trigger = |account| Trigger::Account { platform: platform.clone(), account };
    Some(accounts.into_iter().map(trigger).collect())
}

/// What each room of an agreement can hold of it, in the agreement's order. A platform that this build has no adapter for
/// holds nothing.
pub(crate) fn assess(agreement: &Agreement) -> Result<Vec<Assessment>> {
    let assessed = agreement.rooms.iter().map(|room| match room.platform.as_str() {
        "native" => Ok(adapter_native::assess(agreement)),
        "aws-clean-rooms" => adapter_aws_clean_rooms::assess(agreement)
            .map_err(|error| Error::failed("bug", error.to_string())),
        "snowflake" => adapter_snowflake::assess_shares(agreement)
            .map_err(|error| Error::failed("bug", error.to_string())),
        "snowflake-dcr" => adapter_snowflake::assess_collaborations(agreement)
            .map_err(|error| Error::failed("bug", error.to_string())),
        _ => Ok(Assessment::none(room.platform.clone())),
    });
    assessed.collect()
}

impl Rooms {
    /// Brings the native room to what the log says of a run's collaboration.
    pub(crate) async fn grant(&self, started: &Started, state: &State) -> Result<()> {
        // Other rooms keep what they were granted; `apply --room` and the withdrawals see to that.
        if started.room != PlatformId::native() {
            return Ok(());
        }
        let cx = Cx::default();
        let (scope, desired) = (Scope::of(&started.agreement), desired(&started.agreement, state));
        for _ in 0..3 {
            let seen = self.native.observe(&scope, &cx).await?;
            let plan = self
                .native
                .plan(&desired, &seen)
                .map_err(|refused| Error::refused(&refused.code, refused.message))?;
            if plan.steps.is_empty() {
                return Ok(());
            }
            for step in &plan.steps {
                if self.native.apply(step, &cx).await.is_err() {
                    break;
                }
            }
        }
        Err(Error::failed("room-unsettled", "the native room did not settle on what the log says"))
    }

    /// Whether this gateway reaches any platform but itself.
    pub(crate) const fn reach_a_platform(&self) -> bool {
        self.aws.is_some() || self.shares.is_some()
    }

    /// The adapter of a room.
    pub(crate) fn adapter(&self, room: &PlatformId) -> Result<&dyn Adapter> {
        let reached = match room.as_str() {
            "native" => return Ok(&self.native),
            "aws-clean-rooms" => self.aws.as_ref().map(|aws| aws as &dyn Adapter),
            "snowflake" => self.shares.as_ref().map(|shares| shares as &dyn Adapter),
            "snowflake-dcr" => self.collaborations.as_ref().map(|all| all as &dyn Adapter),
            _ => {
                let message = format!("this version has no adapter for {room}");
                return Err(Error::invalid("room-unknown", message));
            }
        };
        reached.ok_or_else(|| {
            let message = format!("this gateway operates no member in {room}");
            Error::invalid("connections-missing", message)
                .help("connections.toml in the gateway's folder")
        })
    }

    /// A member's part of a room as a document.
    pub(crate) fn export(
        &self,
        desired: &Desired,
        room: &PlatformId,
        member: &MemberId,
        form: ExportForm,
    ) -> Result<String> {
        if *room != PlatformId::aws_clean_rooms() {
            return Err(Error::invalid("room-unknown", format!("nothing is exported for {room}"))
                .help("--room aws-clean-rooms"));
        }
        let form = match form {
            ExportForm::Cli => Form::Cli,
            ExportForm::Cloudformation => Form::CloudFormation,
            ExportForm::Terraform => Form::Terraform,
        };
        let none = Connections::default();
        let connections = self.aws.as_ref().map_or(&none, AwsCleanRooms::connections);
        Ok(adapter_aws_clean_rooms::export(desired, member, connections, form))
    }

    /// What lies on a platform, as an agreement.
    pub(crate) async fn import(&self, request: &ImportRequest) -> Result<Imported> {
        self.adapter(&request.platform)?;
        let cx = Cx::default();
        let imported = if let Some(aws) =
            self.aws.as_ref().filter(|_| request.platform == PlatformId::aws_clean_rooms())
        {
            let ask = adapter_aws_clean_rooms::Import {
                collaborations: request.collaborations.clone(),
                region: request.region.clone(),
                accounts: request.members.clone(),
                name: request.name.clone(),
                destinations: request.destinations.clone(),
            };
            Box::pin(aws.import(&ask, &cx)).await
        } else {
            let ask = adapter_snowflake::Import {
                named: request.collaborations.clone(),
                accounts: request.members.clone(),
                name: request.name.clone(),
                destinations: request.destinations.clone(),
                entities: request.entities.clone(),
            };
            match (request.platform.as_str(), &self.shares, &self.collaborations) {
                ("snowflake", Some(shares), _) => Box::pin(shares.import(&ask, &cx)).await,
                ("snowflake-dcr", _, Some(rooms)) => Box::pin(rooms.import(&ask, &cx)).await,
                (_, _, _) => {
                    let message = format!("nothing is imported from {}", request.platform);
                    let help = "airlock import aws, or airlock import snowflake";
                    return Err(Error::invalid("room-unknown", message).help(help));
                }
            }
        };
        imported.map_err(|error| {
            // What was asked for is at fault, not the platform.
            if error.kind == ErrorKind::Unsupported {
                return Error::invalid(error.code, error.reason);
            }
            error.into()
        })
    }

    /// Tries the connections of every member of an agreement that is operated, or of one, on the platforms whose rooms it names.
    pub(crate) async fn test(
        &self,
        agreement: &Agreement,
        only: Option<&MemberId>,
    ) -> Result<Vec<ConnectionLine>> {
        let named = |member: &MemberId| {
            agreement.members.contains_key(member) && only.is_none_or(|only| only == member)
        };
        let (mut lines, mut unreached, mut is_tried) = (Vec::new(), None, false);
        for room in agreement.rooms.iter().map(|room| &room.platform) {
            let reached = match self.adapter(room) {
                Ok(adapter) => adapter.tests_connections(),
                Err(error) => {
                    unreached = Some(error);
                    continue;
                }
            };
            let Some(reached) = reached else { continue };
            is_tried = true;
            for member in reached.operated().into_iter().filter(named) {
                let tried = reached.test(agreement, &member).await.into_iter();
                lines.extend(tried.map(|one| ConnectionLine {
                    room: room.to_string(),
                    member: member.clone(),
                    permission: one.permission,
                    error: one.error.map(|error| format!("{}: {}", error.code, error.reason)),
                }));
            }
        }
        if is_tried {
            return Ok(lines);
        }
        Err(unreached.unwrap_or_else(|| {
            let message = "the agreement is held in no room to which there is a connection";
            Error::invalid("connections-missing", message)
        }))
    }

    /// Tries in the account of an operated member what no document says of Snowflake's rooms, with throwaway things of its own if that is
    /// asked for. The reports are for whoever maintains this gateway, and name nobody.
    pub(crate) async fn verify(
        &self,
        agreement: &Agreement,
        member: &MemberId,
        (room, trial): (Option<&PlatformId>, bool),
    ) -> Result<Vec<Verified>> {
        let cx = Cx::default();
        let asked = |platform: &PlatformId| {
            agreement.is_held_in(platform) && room.is_none_or(|room| room == platform)
        };
        if let Some(room) = room {
            self.holds(agreement, room)?;
        }
        let mut found = Vec::new();
        if let Some(all) = self.shares.as_ref().filter(|_| asked(&PlatformId::snowflake()))
            && all.operated().contains(member)
        {
            found.push(Box::pin(all.verify(agreement, member, trial, &cx)).await);
        }
        if let Some(all) =
            self.collaborations.as_ref().filter(|_| asked(&PlatformId::snowflake_dcr()))
            && all.operated().contains(member)
        {
            found.push(Box::pin(all.verify(agreement, member, trial, &cx)).await);
        }
        if found.is_empty() {
            let message =
                format!("this gateway does not operate {member} in a room of Snowflake's");
            return Err(Error::invalid("connections-missing", message)
                .help("[snowflake.members.NAME] in connections.toml in the gateway's folder, and one of its rooms in the agreement"));
        }
        found.into_iter().map(verified).collect()
    }

    /// Refuses a room that the agreement doesn't name.
    pub(crate) fn holds(&self, agreement: &Agreement, room: &PlatformId) -> Result<()> {
        if agreement.is_held_in(room) {
            return self.adapter(room).map(drop);
        }
        let rooms: Vec<&str> = agreement.rooms.iter().map(|room| room.platform.as_str()).collect();
        Err(Error::refused("room-not-agreed", format!("the agreement is not held in {room}"))
            .help(rooms.join(", ")))
    }

    /// A room's power to run.
    pub(crate) fn runs(&self, room: &PlatformId) -> Result<&dyn RunsQueries> {
        self.adapter(room)?
            .runs_queries()
            .ok_or_else(|| Error::invalid("room-runs-nothing", format!("{room} runs nothing")))
    }
}

/// A self-test's report, as it is shown and sent.
fn verified(report: adapter_snowflake::Report) -> Result<Verified> {
    let unsaid = |_| Error::failed("bug", "a report has no form");
    let whole = serde_json::to_value(&report).map_err(unsaid)?;
    let line = |one: adapter_snowflake::Found| VerifiedLine {
        question: one.question,
        asks: one.asks,
        answer: one.answer,
        detail: one.detail,
        took_ms: one.statements.iter().map(|one| one.took_ms).sum(),
    };
    let lines = report.found.into_iter().map(line).collect();
    Ok(Verified { room: report.room, lines, report: whole })
}

/// What a room counts on of its platform, whether or not this gateway reaches it.
pub(crate) fn behaviours(room: &PlatformId) -> Vec<Behaviour> {
    adapter_snowflake::behaviours(room, None)
}

/// Room keys in the gateway's folder, read when a run needs one.
#[derive(Debug)]
struct KeyFiles(Home);

impl ExternalIds for KeyFiles {
    fn external_id(&self, collaboration: &CollaborationId) -> Option<String> {
        let path = self.0.external_id(collaboration);
        secret(&path).ok()?;
        let id = KeyFile(path).read()?;
        Some(id.iter().fold("airlock-".to_owned(), |text, byte| text + &format!("{byte:02x}")))
    }
}

impl KeySource for KeyFiles {
    fn key(&self, collaboration: &CollaborationId) -> Option<[u8; 32]> {
        KeyFile(self.0.room_key(collaboration)).read()
    }
}

/// A key by reference: a file of 64 hex digits.
#[derive(Debug)]
pub(crate) struct KeyFile(pub(crate) PathBuf);

impl KeyFile {
    /// Its 32 bytes.
    pub(crate) fn read(&self) -> Option<[u8; 32]> {
        let mut text = String::new();
        std::fs::File::open(&self.0)
            .ok()?
            .take(KEY_FILE_BYTES_MAX)
            .read_to_string(&mut text)
            .ok()?;
        let text = text.trim();
        let mut key = [0u8; 32];
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (n, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(n * 2..n * 2 + 2)?, 16).ok()?;
        }
        Some(key)
    }
}

/// A path or URL that a user typed, as a URL.
pub(crate) fn location(text: &str) -> Result<String> {
    if text.contains("://") {
        return Ok(text.to_owned());
    }
    let path = Path::new(text);
    let whole = std::path::absolute(path).map_err(|error| Error::io("find", path, &error))?;
    let url = url::Url::from_file_path(&whole);
    url.map(String::from).map_err(|()| Error::invalid("location", "a path that has no URL"))
}

/// Makes a collaboration's room key when there is none; refuses one that others can read.
pub(crate) fn room_key(home: &Home, collaboration: &CollaborationId) -> Result<()> {
    secret(&home.room_key(collaboration))
}

/// Makes a file of 32 random bytes when there is none; refuses one that others can read.
fn secret(path: &Path) -> Result<()> {
    if let Ok(found) = std::fs::metadata(path) {
        if !others_may(&found) {
            return Ok(());
        }
        let message = format!("{} can be read by others", path.display());
        return Err(Error::refused("key-file-exposed", message)
            .help("chmod 600, and a new collaboration when others may have read it"));
    }
    let mut key = [0u8; 32];
    getrandom::fill(&mut key).map_err(|_| Error::failed("random", "no randomness to be had"))?;
    let text = key.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|kept| kept.error)?;
        Ok(())
    };
    match write() {
        // Another process was faster: its key counts.
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Error::io("write", path, &error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
