//! Looking at shares by their names: all that their owners see of them, and what runners' schemas of Airlock's hold. Never writes.
//! Whatever can't be seen is named; nothing is left out in silence.

use super::found::{Found, Runs, Share};
use super::sources::query_of;
use crate::error::{Told, made};
use crate::import::look::{object, path, tables};
use crate::names;
use crate::reach::account_of;
use crate::session::Session;
use crate::shares::call::{Kind, Privilege};
use crate::shares::mark::{Comment, Mark};
use crate::shares::observe::{Look, grants};
use crate::shares::seen::let_in;
use crate::sql::Sql;
use adapter_spi::{AdapterError, CallClass, ErrorKind, Result, Retry};
use mappings::model::{CollaborationId, MemberId, PlatformId};
use std::collections::BTreeSet;

/// A member, its account, the database of the gateway in it, and how it is reached or why it is not.
pub(super) struct Viewer {
    pub(super) member: MemberId,
    pub(super) account: String,
    pub(super) database: String,
    pub(super) session: Result<Session>,
}

/// A share as it is asked for: whose, and its name.
pub(super) type Asked = (String, String);

/// A share as SHOW lists it.
struct Listed {
    name: String,
    to: String,
    mark: Option<Mark>,
    listing: Option<String>,
}

/// Everything of these shares that these members see.
pub(super) async fn look(asked: &BTreeSet<Asked>, viewers: &[Viewer]) -> Result<Found> {
    let mut found = Found::default();
    let mut failed: Option<AdapterError> = None;
    for viewer in viewers {
        let session = match &viewer.session {
            Ok(session) => session,
            Err(error) => {
                found.unseen.push((format!("member {}", viewer.member), error.code.to_owned()));
                failed = failed.or_else(|| Some(error.clone()));
                continue;
            }
        };
        found.region.clone_from(&session.region);
        if let Err(error) = Box::pin(shares(session, viewer, asked, &mut found)).await {
            found.unseen.push((format!("member {}", viewer.member), error.code.to_owned()));
            failed = failed.or(Some(error));
        }
    }
    if found.shares.is_empty() {
        return Err(failed.unwrap_or_else(|| none(asked)));
    }
    for (owner, name) in asked {
        let is_there = |share: &&Share| share.owner == *owner && share.name == *name;
        let at = format!("share {owner}.{name}");
        let is_told = found.unseen.iter().any(|(known, _)| *known == at);
        if !is_told && !found.shares.iter().any(|share| is_there(&share)) {
            let operated = viewers.iter().any(|one| one.account == *owner && one.session.is_ok());
            let code = if operated { "share-missing" } else { "not-operated" };
            found.unseen.push((at, code.to_owned()));
        }
    }
    // Of several agreements the first is what is described; shares of the others are as those of anybody.
    let own: Option<CollaborationId> =
        found.shares.first().and_then(|share| Some(share.mark.as_ref()?.airlock.clone()));
    for viewer in viewers {
        let Ok(session) = &viewer.session else { continue };
        if let Some(collaboration) = &own {
            match Box::pin(runs(session, viewer, collaboration)).await {
                Ok(Some(runs)) => drop(found.runs.insert(viewer.account.clone(), runs)),
                Ok(None) => {}
                Err(error) => {
                    let schema = names::runs(collaboration);
                    let at = format!("schema {schema} of {}", viewer.member);
                    found.unseen.push((at, error.code.to_owned()));
                }
            }
        }
        let queries = queries(&found, &viewer.account);
        tables(session, queries, (&mut found.tables, &mut found.unseen)).await;
    }
    Ok(found)
}

/// Nobody who looks has any of them.
fn none(asked: &BTreeSet<Asked>) -> AdapterError {
    let told: Told = (ErrorKind::NotFound, "share-missing", Retry::Never);
    let reason = format!(
        "none of the {} shares is one of a member that was named and is reached; what would pass: --share ORG.ACCOUNT.NAME as `SHOW SHARES` spells it, and --member for its account",
        asked.len()
    );
    made(&PlatformId::snowflake(), told, "SHOW SHARES", reason)
}

/// The shares of one account that are asked for, and those of the same agreements beside them.
async fn shares(
    session: &Session,
    viewer: &Viewer,
    asked: &BTreeSet<Asked>,
    found: &mut Found,
) -> Result<()> {
    let all = listed(session).await?;
    let is_asked = |one: &Listed| asked.contains(&(viewer.account.clone(), one.name.clone()));
    let (named, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_asked);
    let ours: BTreeSet<CollaborationId> =
        named.iter().filter_map(|one| Some(one.mark.as_ref()?.airlock.clone())).collect();
    let beside = others.into_iter().filter(|one| {
        one.mark.as_ref().is_some_and(|mark| {
            ours.contains(&mark.airlock) && one.name.starts_with(&names::prefix(&mark.airlock))
        })
    });
    let mut failed = None;
    found.beside.extend(beside.map(|one| format!("{}.{}", viewer.account, one.name)));
    for one in named {
        let at = format!("share {}.{}", viewer.account, one.name);
        match share(session, &viewer.account, one, &mut found.unseen).await {
            Ok(share) => found.shares.push(share),
            Err(error) => {
                found.unseen.push((at, error.code.to_owned()));
                failed = Some(error);
            }
        }
    }
    failed.filter(|_| found.shares.is_empty()).map_or(Ok(()), Err)
}

/// All shares that go out of an account.
async fn listed(session: &Session) -> Result<Vec<Listed>> {
    let sql = Sql::new("SHOW SHARES");
    let found = session.rows("SHOW SHARES", CallClass::List, sql).await?;
    let mut all = Vec::new();
    let columns = ["kind", "owner_account", "name", "to", "comment", "listing_global_name"];
    for [kind, owner, name, to, comment, listing] in found.of(columns)? {
        if kind.as_deref() != Some("OUTBOUND") {
            continue;
        }
        let name = name.unwrap_or_default();
        all.push(Listed {
            name: bare(&name, owner.as_deref()).to_owned(),
            to: to.unwrap_or_default(),
            mark: comment.and_then(|comment| Mark::whose(&comment)),
            listing,
        });
    }
    Ok(all)
}

/// A share's own name. Answers that say no owner have it before the name.
pub(crate) fn bare<'a>(name: &'a str, owner: Option<&str>) -> &'a str {
    let is_whole = owner.is_some_and(|owner| !owner.is_empty());
    let cut = || name.rsplit('.').next().unwrap_or(name);
    if is_whole { name } else { cut() }
}

async fn share(
    session: &Session,
    owner: &str,
    listed: Listed,
    unseen: &mut Vec<(String, String)>,
) -> Result<Share> {
    let name = listed.name.clone();
    let mark = listed.mark.filter(|mark| name.starts_with(&names::prefix(&mark.airlock)));
    let mut share = Share { owner: owner.to_owned(), name: name.clone(), mark, ..Share::default() };
    (share.to, share.further) = let_in(&listed.to, listed.listing.as_deref());
    let (grants, unknown) = grants(session, &name).await?;
    share.further.extend(unknown);
    for grant in grants.into_iter().filter(|grant| grant.privilege == Privilege::Select) {
        let Ok(path) = <[String; 3]>::try_from(grant.on) else { continue };
        let noun = if grant.kind == Kind::View { "view" } else { "table" };
        let at = format!("{noun} {}", path.join("."));
        match Box::pin(object(session, path, grant.kind == Kind::View)).await {
            Ok(object) => share.objects.push(object),
            Err(error) => unseen.push((at, error.code.to_owned())),
        }
    }
    Ok(share)
}

/// What Airlock's schema of a runner holds, if it is there.
async fn runs(
    session: &Session,
    viewer: &Viewer,
    collaboration: &CollaborationId,
) -> Result<Option<Runs>> {
    let look = Look { session: session.clone(), collaboration: collaboration.clone() };
    let schema = [viewer.database.clone(), names::runs(collaboration)];
    let mark = match look.mark(&schema).await {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        mark => mark?,
    };
    let mark = match mark {
        Comment::Mark(mark) => *mark,
        Comment::Other => return Ok(None),
        Comment::Unread => {
            let told: Told = (ErrorKind::InvalidNative, "mark-unread", Retry::NextCycle);
            return Err(session.error(told, "SHOW SCHEMAS", "this version can't read its mark"));
        }
    };
    let [database, within] = schema.each_ref().map(String::as_str);
    let sql = Sql::new("SHOW VIEWS IN SCHEMA ").path(&[database, within]);
    let found = session.rows("SHOW VIEWS", CallClass::List, sql).await?;
    let mut objects = Vec::new();
    for [name] in found.of(["name"])? {
        let Some(name) = name else { continue };
        let path = [database.to_owned(), within.to_owned(), name];
        objects.push(Box::pin(object(session, path, true)).await?);
    }
    Ok(Some(Runs { member: Some(viewer.member.clone()), mark: Some(mark), objects }))
}

/// What Airlock's views of one account read.
fn queries(found: &Found, account: &str) -> BTreeSet<String> {
    let shared = found.shares.iter().filter(|share| share.owner == account);
    let shared = shared.flat_map(|share| &share.objects);
    let own = found.runs.get(account).into_iter().flat_map(|runs| &runs.objects);
    shared.chain(own).filter_map(query_of).map(ToOwned::to_owned).collect()
}

/// A share's name as the command line has it: `ORG.ACCOUNT.NAME`.
pub(super) fn named(text: &str) -> Option<Asked> {
    let names = path(text).filter(|names| names.len() == 3)?;
    let [organization, account, share] = <[String; 3]>::try_from(names).ok()?;
    Some((account_of(&format!("{organization}.{account}"))?, share))
}
