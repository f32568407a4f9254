//! Whether what was withdrawn is really closed, tried as the one who could use it: from the runner's own account, by what the platform
//! shows it. No rows are read.

use super::held::holding;
use super::observe::Look;
use super::room::SnowflakeShares;
use super::seen::{Seen, inbound};
use crate::names;
use crate::reach::{Seat, account_of};
use crate::session::Session;
use crate::sql::Sql;
use adapter_spi::{CallClass, Cx, ErrorKind, Probe, ResourceKind, Result, Scope};
use mappings::model::{Agreement, Dataset, DatasetName, MemberId, PlatformId};
use std::sync::Arc;

const OPERATION: &str = "probe";

impl SnowflakeShares {
    /// Tries it from the account of everybody who runs, of every agreement of a scope, whom this gateway operates.
    pub(crate) async fn tried(&self, what: &ResourceKind, scope: &Scope, cx: &Cx) -> Result<Probe> {
        let mut answer = Probe::NotPossible;
        for seat in self.reach.seats(scope) {
            for agreement in std::iter::once(&scope.agreement).chain(&scope.past) {
                let named = agreement.members.contains_key(&seat.member);
                if !named {
                    continue;
                }
                match self.tried_by(&seat, what, (scope, agreement), cx).await? {
                    Some(true) => return Ok(Probe::Served),
                    Some(false) => answer = Probe::Denied,
                    None => {}
                }
            }
        }
        Ok(answer)
    }

    /// Whether a runner is served; nothing where it could not use it anyway.
    async fn tried_by(
        &self,
        seat: &Seat,
        what: &ResourceKind,
        (scope, agreement): (&Scope, &Arc<Agreement>),
        cx: &Cx,
    ) -> Result<Option<bool>> {
        let runner = &seat.member;
        let runs = agreement.templates.values().any(|template| template.run_by.contains(runner));
        if !runs {
            return Ok(None);
        }
        let session = self.reach.seated(seat, cx).await?;
        let foreign = |name: &DatasetName| {
            let dataset = agreement.datasets.get(name)?;
            (dataset.owner != *runner).then_some(dataset)
        };
        match what {
            ResourceKind::Dataset(name) => match foreign(name) {
                Some(dataset) => {
                    let tried = Tried { session: &session, agreement, runner };
                    tried.serves(name, dataset).await.map(Some)
                }
                None => self.lists(&session, what, scope).await,
            },
            ResourceKind::Template(_) => self.lists(&session, what, scope).await,
            // Whoever left is let into nothing.
            ResourceKind::Member(member) if member == runner => {
                for (name, dataset) in
                    agreement.datasets.iter().filter(|(n, _)| foreign(n).is_some())
                {
                    let tried = Tried { session: &session, agreement, runner };
                    if tried.serves(name, dataset).await? {
                        return Ok(Some(true));
                    }
                }
                Ok(Some(false))
            }
            ResourceKind::Member(member) => {
                for (name, dataset) in agreement.datasets.iter().filter(|(_, d)| d.owner == *member)
                {
                    let tried = Tried { session: &session, agreement, runner };
                    if tried.serves(name, dataset).await? {
                        return Ok(Some(true));
                    }
                }
                Ok(Some(false))
            }
            ResourceKind::Approval(template, _) => {
                let what = ResourceKind::Template(template.clone());
                self.lists(&session, &what, scope).await
            }
            ResourceKind::Native(_) => Ok(None),
        }
    }

    /// Whether the runner's own schema lets something run, by what its account alone shows.
    async fn lists(
        &self,
        session: &Session,
        what: &ResourceKind,
        scope: &Scope,
    ) -> Result<Option<bool>> {
        let member = &session.seat.member;
        let collaboration = scope.collaboration.clone();
        let look = Look { session: session.clone(), collaboration };
        let database = self.reach.connection(member).map(|one| one.database().to_owned());
        let account = look.account(database.unwrap_or_default()).await?;
        let mut seen = Seen::default();
        seen.accounts.insert(member.clone(), account);
        let open = holding(scope, &seen).resources;
        Ok(Some(open.iter().any(|resource| resource.kind == *what)))
    }
}

/// Somebody who tries.
struct Tried<'a> {
    session: &'a Session,
    agreement: &'a Agreement,
    runner: &'a MemberId,
}

impl Tried<'_> {
    /// Whether a share of another's shows its view to the runner: mounted, by name; else by what the platform says of it.
    async fn serves(&self, name: &DatasetName, dataset: &Dataset) -> Result<bool> {
        let collaboration = &self.agreement.collaboration;
        let owner = self.agreement.members.get(&dataset.owner);
        let pinned = owner.and_then(|owner| owner.identity.get(&PlatformId::snowflake()));
        let Some(owner) = pinned.and_then(|pinned| account_of(pinned)) else { return Ok(false) };
        let share = names::share(collaboration, name, self.runner);
        let look = Look { session: self.session.clone(), collaboration: collaboration.clone() };
        let all = look.inbound(&share).await?;
        let Some(mount) = all.get(&inbound(&owner, &share)) else { return Ok(false) };
        // A share that lets the account in and is mounted nowhere can be mounted.
        let Some(mount) = mount else { return self.describes(&owner, &share).await };
        let sql = Sql::new("DESC VIEW ").path(&[
            mount,
            &names::offers(collaboration),
            &names::view(name, self.runner),
        ]);
        self.shown(sql).await
    }

    async fn describes(&self, owner: &str, share: &str) -> Result<bool> {
        let sql = Sql::new("DESC SHARE ").account(owner).word(".").name(share);
        match self.session.rows(OPERATION, CallClass::Read, sql).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
            found => Ok(found?
                .of(["kind"])?
                .iter()
                .any(|[kind]| matches!(kind.as_deref(), Some("VIEW" | "TABLE")))),
        }
    }

    async fn shown(&self, sql: Sql) -> Result<bool> {
        match self.session.rows(OPERATION, CallClass::Read, sql).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
            found => found.map(|_| true),
        }
    }
}
