//! Revocations: in force the moment they are on record; where nothing can be put on record, the moment they are in the reserve.
//! Denying never waits for anything.

use super::{App, Recorded, agreements, known, members, recorded};
use crate::error::{Error, Kind, Problem, Result};
use crate::log::{
    Actor, Body, DecideError, Entry, Leaf, Loaded, LogError, Pending, Revocable, SecretKey, State,
};
use crate::store::StoreError;
use mappings::model::{CollaborationId, ColumnName, DatasetName, MemberId, TemplateName};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::Instant;

/// How long the log is tried before the reserve is taken.
const TRY_FOR: Duration = Duration::from_secs(10);
/// Withdrawals of one member that may wait for their record: there is place for 512 of all.
const SHARE_MAX: usize = 128;
/// How long a withdrawal for the reserve waits to be judged by the log.
const LOOK_FOR: Duration = Duration::from_secs(2);

/// What a member withdraws, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withdrawal {
    /// Its own membership.
    Membership,
    /// A dataset it owns.
    Dataset(DatasetName),
    /// A column of a dataset it owns.
    Column(DatasetName, ColumnName),
    /// A template version.
    Template(TemplateName),
    /// Its own approval of a template version.
    Approval(TemplateName),
    /// The whole room.
    Room,
}

impl Withdrawal {
    /// In the log's words: a template is withdrawn in the version that the newest agreement has.
    fn named(&self, state: &State, member: &MemberId) -> Result<Revocable> {
        let digest = |name: &TemplateName| {
            let newest = known(state).map_err(|error| {
                error.help("a dataset or the membership, which need no agreement; or this again once the log can be read")
            })?;
            agreements::digest(newest, name)
        };
        Ok(match self {
            Self::Membership => Revocable::Member { member: member.clone() },
            Self::Dataset(dataset) => Revocable::Dataset { dataset: dataset.clone() },
            Self::Column(dataset, column) => {
                Revocable::Column { dataset: dataset.clone(), column: column.clone() }
            }
            Self::Template(name) => {
                Revocable::Template { template: name.clone(), digest: digest(name)? }
            }
            Self::Approval(name) => Revocable::Approval {
                template: name.clone(),
                digest: digest(name)?,
                of: member.clone(),
            },
            Self::Room => Revocable::Room,
        })
    }
}

impl fmt::Display for Withdrawal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Membership => f.write_str("its membership"),
            Self::Dataset(dataset) => write!(f, "dataset {dataset}"),
            Self::Column(dataset, column) => write!(f, "column {dataset}.{column}"),
            Self::Template(template) => write!(f, "template {template}"),
            Self::Approval(template) => write!(f, "its approval of {template}"),
            Self::Room => f.write_str("the whole room"),
        }
    }
}

/// A withdrawal that is in force.
#[derive(Debug, Clone)]
pub enum Revoked {
    /// On record, for everybody.
    OnRecord(Recorded),
    /// In this gateway alone, on its disk, until the log can be written: here is why it can't.
    Here(Error),
}

impl App {
    /// Withdraws. Runs in progress see it and stop; new ones are refused. Where the log can't be written, or is not the one that this
    /// gateway saw, it is in force here all the same, and is put on record later.
    pub async fn revoke(
        &self,
        collaboration: &CollaborationId,
        what: &Withdrawal,
        member: &MemberId,
    ) -> Result<Revoked> {
        let key = members::signing_key(&self.home, member)?;
        let until = Instant::now() + TRY_FOR;
        // How long the log was before the first try: one whose answer was lost makes no second leaf.
        let before = OnceLock::new();
        let why = loop {
            let entry = |state: &State| {
                before.get_or_init(|| state.size());
                let what = what.named(state, member)?;
                let body = Body::Revoked { by: member.clone(), what };
                Ok::<_, Error>(vec![Entry::member(member, &key, body)])
            };
            let decided = self.log.decide(collaboration, entry);
            match tokio::time::timeout_at(until, decided).await {
                Ok(Ok(receipt)) => return Ok(Revoked::OnRecord(recorded(receipt))),
                // Others were faster each time: nothing is wrong with the log.
                Ok(Err(DecideError::Log(LogError::Busy))) if Instant::now() < until => {}
                Ok(Err(DecideError::Log(error))) if is_unwritable(&error) => break error,
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => break LogError::Store(StoreError::Unavailable),
            }
        };
        let why = Error::from(why);
        match self.reserved(collaboration, what, (member, &key), before.get().copied()).await {
            Ok(()) => Ok(Revoked::Here(why)),
            // Not the reserve's but the rules' refusal.
            Err(error) if error.kind != Kind::Failed => Err(error),
            Err(error) => {
                let Error { code, message, .. } = error;
                let problem = Problem {
                    code,
                    at: "denials.reserve".to_owned(),
                    message,
                    help: String::new(),
                };
                Err(why.problems(vec![problem]))
            }
        }
    }

    /// Puts a withdrawal into the reserve, judged by as much of the log as can be read.
    async fn reserved(
        &self,
        collaboration: &CollaborationId,
        what: &Withdrawal,
        (member, key): (&MemberId, &SecretKey),
        before: Option<u64>,
    ) -> Result<()> {
        let loaded = tokio::time::timeout(LOOK_FOR, self.log.load_denying(collaboration)).await;
        let loaded = loaded.ok().and_then(std::result::Result::ok);
        let unknown = Arc::new(State::default());
        let state = loaded.as_ref().map_or(&unknown, |loaded| &loaded.state);
        let what = what.named(state, member)?;
        let done = state.revoked(&what).zip(before).is_some_and(|(at, before)| at >= before);
        let at_ms = self.clock.now_ms().max(state.last_at_ms());
        let body = Body::Revoked { by: member.clone(), what };
        let (actor, collaboration) = (Actor::Member(member.clone()), collaboration.clone());
        let leaf = Leaf { actor, at_ms, body, collaboration, signature: None }.signed(key);
        if !done && loaded.as_ref().is_some_and(|loaded| loaded.doubt.is_none()) {
            state.check(&leaf).map_err(LogError::from)?;
        }
        let lacks = loaded.as_ref().is_some_and(Loaded::may_lack);
        let since = before.or(loaded.map(|loaded| loaded.size)).filter(|_| !lacks);
        if self.waits(&leaf)? {
            return Ok(());
        }
        self.home.reserve(&Pending { leaf, since })
    }

    /// Whether the same waits for its record already. Refuses to one member what would leave no place for the others'.
    fn waits(&self, leaf: &Leaf) -> Result<bool> {
        let waiting = self.home.withdrawals().unwrap_or_default();
        let own = waiting.iter().map(|one| &one.leaf).filter(|one| one.actor == leaf.actor);
        let own: Vec<&Leaf> = own.collect();
        let same = |one: &&Leaf| one.collaboration == leaf.collaboration && one.body == leaf.body;
        if own.iter().any(same) || own.len() < SHARE_MAX {
            return Ok(own.iter().any(same));
        }
        let message = "too many withdrawals of this member wait for the log";
        Err(Error::failed("reserve-share-spent", message)
            .help("the log as it was, so that they are put on record"))
    }
}

/// Whether a log could not be written for a reason that does not lie in the withdrawal.
const fn is_unwritable(error: &LogError) -> bool {
    match error {
        LogError::Store(_)
        | LogError::Tampered(_)
        | LogError::Checkpoint(_)
        | LogError::RolledBack(_)
        | LogError::Newer
        | LogError::Pin(_)
        | LogError::Reserve(_)
        | LogError::Busy => true,
        LogError::Fold(_) | LogError::OtherGateway | LogError::NotFound | LogError::Empty => false,
    }
}

#[cfg(test)]
pub(super) mod tests;
