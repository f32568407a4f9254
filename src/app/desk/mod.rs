//! The use cases as one caller has them: what it may see, what its roles let it ask for, then `App`. The member is always the caller's own, from
//! what it proved, and never what a request says. What is absent and what may not be seen are answered alike. Must not know HTTP or tokens.

mod agreements;
mod checks;
mod collaborations;
mod configuration;
mod connections;
mod datasets;
mod decisions;
mod differences;
mod fidelity;
mod health;
mod learn;
mod leaves;
mod members;
mod offered;
mod offers;
mod part;
mod plans;
mod results;
mod revocations;
mod rooms;
mod runs;
mod schedules;
mod seconds;
mod shares;
mod templates;
mod verified;

pub(crate) use decisions::Done;
pub(crate) use offered::Offered;
pub(crate) use offers::Offers;
pub(crate) use part::Part;
pub(crate) use results::{FetchedFile, in_time};
pub(crate) use runs::RunsAsked;
pub(crate) use seconds::Decided;
pub(in crate::app) use seconds::{WAITING_MAX, read_id, told};
pub(crate) use shares::Opened;

use super::{App, House, Runs};
use crate::access::{Action, Caller, On, roles_for};
use crate::error::{Error, Result};
use crate::log::{Loaded, LogError, State};
use crate::store::{Stands, StoreError};
use mappings::model::{CollaborationId, MemberId};
use std::sync::Arc;
use std::time::Duration;

/// Whoever takes something away waits for a look at most so long.
const LOOK_FOR: Duration = Duration::from_secs(2);

/// One caller at this gateway.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Desk<'a> {
    app: &'a App,
    house: &'a House,
    runs: &'a Arc<Runs>,
    caller: &'a Caller,
}

/// A collaboration as one caller sees it.
#[derive(Debug)]
pub(crate) struct Seen {
    collaboration: CollaborationId,
    member: MemberId,
    stands: Stands,
    loaded: Loaded,
}

impl Seen {
    fn state(&self) -> &State {
        &self.loaded.state
    }

    /// Whether all of it may be seen: its members see it whole.
    const fn is_whole(&self) -> bool {
        matches!(self.stands, Stands::Member)
    }
}

impl<'a> Desk<'a> {
    pub(crate) const fn new(
        (app, house, runs): (&'a App, &'a House, &'a Arc<Runs>),
        caller: &'a Caller,
    ) -> Self {
        Self { app, house, runs, caller }
    }

    /// In whose name the caller acts; for an operator there is nothing of a member's.
    fn member(&self) -> Result<&'a MemberId> {
        self.caller.tenant().ok_or_else(absent)
    }

    /// Whether it may ask the gateway for this.
    fn may(&self, action: Action) -> Result<()> {
        self.may_on(action, On::Gateway, None)
    }

    /// Whether it may ask for this about that: its roles first, by the policies; then how close its member stands, and whoever is not close enough
    /// is told that there is nothing; then the operator's own policies.
    fn may_on(&self, action: Action, on: On, of: Option<&CollaborationId>) -> Result<()> {
        if !self.caller.may(action) {
            let roles = texts(roles_for(action)).join(", ");
            let message = format!("the caller's roles do not permit {action}");
            return Err(Error::refused("not-permitted", message).help(format!("a role of {roles}")));
        }
        if !self.caller.may_on(action, on) {
            return Err(absent());
        }
        if self.house.forbids(self.caller, action, on, of) {
            let message = format!("a policy of this gateway's operator forbids {action}");
            return Err(Error::refused("policy-forbids", message)
                .help("whoever runs the gateway says by which, and to whom it is left"));
        }
        Ok(())
    }

    /// A collaboration that the caller may see at all. The store is asked first, and says no of most names without any log being read; then
    /// the log itself, by which it must be so as well.
    async fn seen(&self, name: &str, action: Action) -> Result<Seen> {
        let member = self.member()?.clone();
        let collaboration = name.parse::<CollaborationId>().map_err(|_| absent())?;
        let (stands, loaded) = self.glanced(&collaboration, &member).await?;
        let found = loaded.state.parties().get(&member).copied().ok_or_else(absent)?;
        let stands = narrower(stands, found);
        self.may_on(action, On::Collaboration(Some(stands)), Some(&collaboration))?;
        Ok(Seen { collaboration, member, stands, loaded })
    }

    /// Where a member stands by the store's word, and the log: as they are, or were a moment ago where nothing was written since. What this
    /// process wrote is there at once.
    async fn glanced(
        &self,
        collaboration: &CollaborationId,
        member: &MemberId,
    ) -> Result<(Stands, Loaded)> {
        let (app, of) = (self.app, (collaboration, member));
        let (mark, said) = app.glances.of(&*app.store, of).await;
        if let Some((stands, size)) = said {
            let loaded = app.look(collaboration, mark.as_ref()).await?;
            if loaded.size == size {
                return Ok((stands, loaded));
            }
        }
        let stands = app.store.stands(collaboration, member).await;
        let stands = stands.map_err(LogError::from)?.ok_or_else(absent)?;
        let loaded = app.look(collaboration, mark.as_ref()).await?;
        app.glances.keep(mark.as_ref(), of, (stands, loaded.size)).await;
        Ok((stands, loaded))
    }

    /// A collaboration in which the caller takes something away. Neither a store that is away nor one that does not know yet who the parties of
    /// an older log are keeps it from that: what this process knows of the log counts then.
    async fn seen_denying(&self, name: &str) -> Result<Seen> {
        let member = self.member()?.clone();
        let collaboration = name.parse::<CollaborationId>().map_err(|_| absent())?;
        let asked = self.app.store.stands(&collaboration, &member);
        let known = tokio::time::timeout(LOOK_FOR, asked).await;
        let is_away = !matches!(known, Ok(Ok(_)));
        if let Ok(Ok(None)) = known {
            let any = tokio::time::timeout(LOOK_FOR, self.app.store.size(&collaboration)).await;
            if matches!(any, Ok(Ok(0))) {
                return Err(absent());
            }
        }
        let loaded = tokio::time::timeout(LOOK_FOR, self.app.load_denying(&collaboration)).await;
        match loaded {
            Ok(Ok(loaded)) => {
                let stands = loaded.state.parties().get(&member).copied().ok_or_else(absent)?;
                Ok(Seen { collaboration, member, stands, loaded })
            }
            Ok(Err(error)) if !is_away => Err(error),
            // Nobody can say whose anything is.
            Ok(Err(_)) | Err(_) => Err(Error::from(LogError::Store(StoreError::Unavailable))),
        }
    }

    /// Guards templates, few at a time and beside what answers.
    async fn guarding<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let leave = Arc::clone(&self.house.guarding).acquire_owned().await;
        // The work goes on where nobody waits for it any more, and so does its leave.
        let done = tokio::task::spawn_blocking(move || {
            let _leave = leave;
            work()
        });
        let done = done.await;
        done.map_err(|_| Error::failed("bug", "the guard failed at a template"))?
    }

    /// The same for what only members see.
    async fn seen_whole(&self, name: &str, action: Action) -> Result<Seen> {
        let seen = self.seen(name, action).await?;
        if seen.is_whole() { Ok(seen) } else { Err(absent()) }
    }
}

/// Of two words about a member that which shows less.
const fn narrower(one: Stands, other: Stands) -> Stands {
    match (one, other) {
        (Stands::Member, _) | (Stands::Invited, Stands::Former) => other,
        (Stands::Invited | Stands::Former, _) => one,
    }
}

/// There is nothing, or nothing that the caller may see: the same words for both.
fn absent() -> Error {
    Error::invalid(
        "not-found",
        "there is nothing of this name, or nothing that this caller may see",
    )
}

/// A thing of a collaboration by its name.
fn named<T: std::str::FromStr>(name: &str) -> Result<T> {
    name.parse().map_err(|_| absent())
}

/// A word of a closed list, as documents say it.
fn said_as(word: &impl serde::Serialize) -> String {
    let said = serde_json::to_value(word).ok();
    said.and_then(|said| said.as_str().map(str::to_owned)).unwrap_or_default()
}

fn texts<T: ToString>(all: impl IntoIterator<Item = T>) -> Vec<String> {
    all.into_iter().map(|one| one.to_string()).collect()
}

/// How a standing is called.
const fn word(stands: Stands) -> &'static str {
    match stands {
        Stands::Member => "member",
        Stands::Invited => "invited",
        Stands::Former => "former",
    }
}
