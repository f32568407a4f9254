//! Whom this gateway acts for: one client an account, found to be the account that the agreement pins before anything else is asked.
//! Must not know what is asked then.

use crate::connection::{Connection, Connections, TokenKind};
use crate::error::{Act, Told, made, told};
use crate::session::Session;
use crate::sql::Sql;
use adapter_spi::{AdapterError, CallClass, Cx, ErrorKind, Outcome, Result, Retry, Scope};
use mappings::model::{Agreement, MemberId, PlatformId};
use serde::{Deserialize, Serialize};
use snowflake_sql_api as api;
use snowflake_sql_api::{
    AccountIdentifier, Address, Client, Clock, Context, FetchedTokens, KeyPair, KeyPairTokens,
    Settings, Token, TokenUnavailable, Tokens,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const OPERATION: &str = "connect";
/// For how long an account that gave no answer is not asked again, so that one that is silent holds up nothing but itself.
const LEFT_ALONE: Duration = Duration::from_secs(30);
/// The code of credentials that are another account's.
const WRONG_ACCOUNT: &str = "wrong-account";
/// A key or a token.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Whose account, and which: `ORG.ACCOUNT`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Seat {
    pub(crate) member: MemberId,
    pub(crate) account: String,
}

/// The account that an agreement pins for a member on a platform, as sharing statements spell it.
pub(crate) fn seat(
    platform: &PlatformId,
    agreement: &Agreement,
    member: &MemberId,
) -> Result<Seat> {
    let pinned = agreement.members.get(member).and_then(|one| one.identity.get(platform));
    let missing = |code, reason: String| {
        made(platform, (ErrorKind::PermissionDenied, code, Retry::Never), OPERATION, reason)
    };
    let pinned = pinned.ok_or_else(|| {
        missing("identity-missing", format!("the agreement pins no account of {member}"))
    })?;
    let account = account_of(pinned).ok_or_else(|| {
        let reason = format!("the account of {member} is no ORG.ACCOUNT");
        missing("identity-unreadable", reason)
    })?;
    Ok(Seat { member: member.clone(), account })
}

/// Where earlier agreements put their members and the newest puts nobody. An account that the newest gives to another member is that
/// member's now.
pub(crate) fn past(platform: &PlatformId, scope: &Scope) -> BTreeSet<Seat> {
    let seats = |agreement: &Agreement| {
        let members = agreement.members.keys();
        members.filter_map(|member| seat(platform, agreement, member).ok()).collect::<Vec<_>>()
    };
    let taken: BTreeSet<String> =
        seats(&scope.agreement).into_iter().map(|seat| seat.account).collect();
    let earlier = scope.past.iter().flat_map(|agreement| seats(agreement));
    earlier.filter(|seat| !taken.contains(&seat.account)).collect()
}

/// Whether an error says that a connection is of another account.
pub(crate) fn is_elsewhere(error: &AdapterError) -> bool {
    [WRONG_ACCOUNT, "credentials-refused", "access-refused"].contains(&error.code)
}

/// An account as sharing statements spell it; a locator has no such name.
pub(crate) fn account_of(pinned: &str) -> Option<String> {
    pinned.parse::<AccountIdentifier>().ok()?.sharing()
}

/// The accounts of the members whom this gateway operates, for one room.
pub(crate) struct Reach {
    platform: PlatformId,
    connections: Connections,
    clock: Clock,
    kept: Mutex<BTreeMap<Seat, Session>>,
    silent: Mutex<BTreeMap<Seat, (Instant, AdapterError)>>,
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach")
            .field("platform", &self.platform)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

impl Reach {
    /// Nobody is called yet. The clock is for the tokens that keys sign.
    pub(crate) fn new(platform: PlatformId, connections: Connections, clock: Clock) -> Self {
        let (kept, silent) = Default::default();
        Self { platform, connections, clock, kept, silent }
    }

    pub(crate) const fn platform(&self) -> &PlatformId {
        &self.platform
    }

    pub(crate) const fn connections(&self) -> &Connections {
        &self.connections
    }

    /// How a member is reached.
    pub(crate) fn connection(&self, member: &MemberId) -> Option<&Connection> {
        self.connections.members.get(member)
    }

    /// The account of an operated member of an agreement, known to be the one that is pinned there.
    pub(crate) async fn session(
        &self,
        agreement: &Agreement,
        member: &MemberId,
        cx: &Cx,
    ) -> Result<Session> {
        self.seated(&seat(&self.platform, agreement, member)?, cx).await
    }

    /// An account.
    pub(crate) async fn seated(&self, seat: &Seat, cx: &Cx) -> Result<Session> {
        self.heard(seat)?;
        let reached = Box::pin(self.reached(seat, cx)).await;
        reached.inspect_err(|error| self.note(seat, error))
    }

    /// The error of an account that gave no answer a moment ago: nothing is sent there.
    fn heard(&self, seat: &Seat) -> Result<()> {
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = silent.get(seat).filter(|(since, _)| since.elapsed() < LEFT_ALONE);
        fresh.map_or(Ok(()), |(_, error)| Err(error.clone()))
    }

    /// Notes what a look at an account ended with: whether nobody answered is kept in mind.
    pub(crate) fn note(&self, seat: &Seat, error: &AdapterError) {
        let silence = ["no-answer-in-time", "deadline-passed", "unreachable"];
        if silence.contains(&error.code) {
            let error = AdapterError { outcome: Outcome::NotApplied, ..error.clone() };
            let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
            silent.retain(|_, (since, _)| since.elapsed() < LEFT_ALONE);
            silent.insert(seat.clone(), (Instant::now(), error));
        }
    }

    async fn reached(&self, seat: &Seat, cx: &Cx) -> Result<Session> {
        if let Some(session) = self.kept(seat) {
            return Ok(session.within(cx));
        }
        let connection = self.connection(&seat.member).ok_or_else(|| {
            let told = (ErrorKind::PermissionDenied, "not-operated", Retry::Never);
            let reason = format!("this gateway does not operate {} there", seat.member);
            made(&self.platform, told, OPERATION, reason)
        })?;
        let client = self.client(connection, seat)?;
        let context = Context {
            role: connection.role.clone(),
            warehouse: connection.warehouse.clone(),
            ..Context::default()
        };
        let session = Session::new(self.platform.clone(), seat.clone(), client, context);
        let session = verified(session.within(cx)).await?.within(&Cx::default());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(seat.clone(), session.clone());
        drop(kept);
        Ok(session.within(cx))
    }

    /// The accounts of a scope in which this gateway acts: those of the agreement in force, and those of earlier ones that it was
    /// found to reach.
    pub(crate) fn seats(&self, scope: &Scope) -> BTreeSet<Seat> {
        let agreement = &scope.agreement;
        let now =
            agreement.members.keys().filter_map(|one| seat(&self.platform, agreement, one).ok());
        let now = now.filter(|seat| self.connection(&seat.member).is_some());
        let past = past(&self.platform, scope).into_iter();
        now.chain(past.filter(|seat| self.kept(seat).is_some())).collect()
    }

    /// One that was reached before.
    pub(crate) fn kept(&self, seat: &Seat) -> Option<Session> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(seat).cloned()
    }

    fn client(&self, connection: &Connection, seat: &Seat) -> Result<Client> {
        let failed = |error: api::Error| told(&self.platform, OPERATION, Act::Read, &error);
        let account: AccountIdentifier = seat.account.parse().map_err(failed)?;
        let address = match &connection.endpoint {
            Some(endpoint) => Address::new(endpoint),
            None => Address::of_account(&account),
        };
        let address = address.map_err(failed)?;
        let tokens = self.tokens(connection, &account, &seat.member)?;
        Client::new(address, tokens, Arc::clone(&self.clock), Settings::default()).map_err(failed)
    }

    fn tokens(
        &self,
        connection: &Connection,
        account: &AccountIdentifier,
        member: &MemberId,
    ) -> Result<Arc<dyn Tokens>> {
        let wrong = |code: &'static str, reason: String| {
            let told: Told = (ErrorKind::Unauthenticated, code, Retry::Never);
            made(&self.platform, told, OPERATION, reason)
        };
        match (&connection.key_file, &connection.token_file) {
            (Some(file), None) => {
                let Some(user) = &connection.user else {
                    let reason = format!("the connection of {member} has a key and no `user`");
                    return Err(wrong("user-missing", reason));
                };
                let pem = secret(file).map_err(|why| wrong("key-unreadable", why))?;
                let key = KeyPair::from_pem(&pem)
                    .map_err(|error| wrong(error.code(), format!("{}: {error}", file.display())))?;
                let tokens = KeyPairTokens::new(account, user, key, Arc::clone(&self.clock));
                let failed = |error| told(&self.platform, OPERATION, Act::Read, &error);
                Ok(Arc::new(tokens.map_err(failed)?))
            }
            (None, Some(file)) => Ok(Arc::new(of_file(file.clone(), connection.token_kind))),
            (None, None) | (Some(_), Some(_)) => {
                let reason = format!(
                    "the connection of {member} needs one of `key_file` (with `user`) and `token_file`"
                );
                Err(wrong("credentials-missing", reason))
            }
        }
    }
}

/// Tokens that lie in a file, which somebody else keeps fresh.
fn of_file(file: PathBuf, kind: TokenKind) -> impl Tokens {
    let kind = match kind {
        TokenKind::Oauth => api::TokenKind::OAuth,
        TokenKind::ProgrammaticAccessToken => api::TokenKind::ProgrammaticAccessToken,
    };
    FetchedTokens::new(move |_| {
        let read = secret(&file).map_err(|_| TokenUnavailable);
        std::future::ready(read.map(|text| Token::new(text.trim(), kind)))
    })
}

/// A secret out of a file that nobody else may read.
fn secret(file: &Path) -> std::result::Result<String, String> {
    let said = |why: &str| format!("{}: {why}", file.display());
    let found = std::fs::metadata(file).map_err(|_| said("no file that can be read"))?;
    if !found.is_file() || found.len() > SECRET_BYTES_MAX {
        return Err(said("no file of a key or a token"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if found.permissions().mode() & 0o077 != 0 {
            return Err(said("others may read it; chmod 600"));
        }
    }
    std::fs::read_to_string(file).map_err(|_| said("no file that can be read"))
}

/// Asks an account which it is, and where.
async fn verified(session: Session) -> Result<Session, AdapterError> {
    const WHO: &str = "SELECT CURRENT_ORGANIZATION_NAME() AS ORGANIZATION, CURRENT_ACCOUNT_NAME() AS ACCOUNT, CURRENT_REGION() AS REGION";
    let found = session.rows(OPERATION, CallClass::Read, Sql::new(WHO)).await?;
    let found = found.of(["organization", "account", "region"])?;
    let Some([Some(organization), Some(account), Some(region)]) = found.into_iter().next() else {
        let told = (ErrorKind::InvalidNative, "answer-unreadable", Retry::NextCycle);
        return Err(session.error(told, OPERATION, "the account does not say which it is"));
    };
    if account_of(&format!("{organization}.{account}")).as_ref() != Some(&session.seat.account) {
        let told = (ErrorKind::PermissionDenied, WRONG_ACCOUNT, Retry::Never);
        let reason = format!(
            "the credentials are of another account than the agreement pins, {}",
            session.seat.account
        );
        return Err(session.error(told, OPERATION, reason));
    }
    Ok(session.placed(region))
}
