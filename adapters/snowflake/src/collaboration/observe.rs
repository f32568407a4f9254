//! Looking: everything that an account shows of our collaborations, registered specs and views, each list asked for at the same time as
//! the others. Never writes.

use super::beside::beside;
use super::call::WITHDRAWN;
use super::known::Known;
use super::seen::{Account, Past, Request, Room, Seen, Spec, State, Text};
use super::yaml::{self, Tree};
use super::{names, specs};
use crate::entry::{Table, table};
use crate::error::Told;
use crate::session::Session;
use crate::sql::Sql;
use crate::tables::{Columns, Tables};
use adapter_spi::{AdapterError, CallClass, ErrorKind, Result, Retry, Scope};
use futures::future::try_join_all;
use mappings::model::{DatasetName, Digest, MemberId, PlatformId};
use snowflake_sql_api::Binding;
use std::collections::{BTreeMap, BTreeSet};

/// An account that is looked at.
pub(crate) struct Watched {
    pub(crate) member: MemberId,
    pub(crate) session: Result<Session>,
    pub(crate) database: String,
    /// Whether only an earlier agreement names it.
    pub(crate) past: bool,
}

/// What all operated members see. A member that can't be looked at is named; whatever is missing from its view is unknown, not gone.
pub(crate) async fn observe(scope: &Scope, (watched, kept): (&[Watched], &Tables)) -> Seen {
    let known = Known::of(scope);
    let looks = watched.iter().map(|one| look(scope, &known, (one, kept)));
    let found = futures::future::join_all(looks).await;
    let mut seen = Seen::default();
    for (one, found) in watched.iter().zip(found) {
        match found {
            Ok(account) => {
                let member = one.member.clone();
                let has = scope.agreement.members.contains_key(&member);
                if one.past && (has || seen.accounts.contains_key(&member)) {
                    seen.past.push(Past { member, account });
                } else {
                    seen.accounts.insert(member, account);
                }
            }
            Err(error) => {
                seen.unseen.entry(one.member.clone()).or_insert_with(|| error.code.to_owned());
            }
        }
    }
    seen
}

async fn look(scope: &Scope, known: &Known, (one, kept): (&Watched, &Tables)) -> Result<Account> {
    let session = one.session.as_ref().map_err(Clone::clone)?;
    let schema = names::schema(&scope.collaboration);
    let (rooms, offerings, templates, views, tables) = futures::try_join!(
        listed_rooms(session),
        registered(session, true),
        registered(session, false),
        views(session, &one.database, &schema),
        tables((session, kept), scope, one),
    )?;
    let whose = (&one.member, session.seat.account.as_str());
    let beside = beside(&scope.agreement, whose, (&rooms, &offerings));
    let ours = |all: Vec<(String, Option<String>)>| -> BTreeMap<String, Option<Digest>> {
        let ours = all.into_iter().filter(|(id, _)| known.is_ours(id));
        ours.map(|(id, spec)| (id, spec.as_deref().and_then(specs::meaning))).collect()
    };
    let mut account = Account {
        identifier: session.seat.account.clone(),
        region: session.region.clone(),
        database: one.database.clone(),
        tables,
        offerings: ours(offerings),
        templates: ours(templates),
        beside,
        schema: views.is_some(),
        views: views.unwrap_or_default(),
        ..Account::default()
    };
    let (mut ours, mut locals) = (Vec::new(), BTreeSet::new());
    for found in rooms {
        let of = known.room(&found.name);
        let local = found.local.as_ref();
        let renamed = local.is_some_and(|local| *local != found.name);
        if of.is_some_and(|(room, _)| room.owner() == Some(&found.owner)) && !renamed {
            ours.push(found);
        } else if of.is_some() || local.is_some_and(|name| known.room(name).is_some()) {
            // Somebody else's under a name of ours, or ours under another: what it is called by here may mean either.
            account.strangers.insert(found.name);
        }
    }
    // Of two with one name only what is installed is told apart from an older invitation.
    ours.sort_by_key(|one| one.local.is_none());
    ours.retain(|one| locals.insert(one.name.clone()));
    let rooms = ours.into_iter().map(|found| room(session, found));
    account.rooms = try_join_all(rooms).await?.into_iter().collect();
    Ok(account)
}

fn unreadable(session: &Session, operation: &'static str, what: &'static str) -> AdapterError {
    let told: Told = (ErrorKind::InvalidNative, "answer-unreadable", Retry::NextCycle);
    session.error(told, operation, what)
}

/// A collaboration as the list of them says it.
pub(crate) struct Found {
    pub(crate) name: String,
    /// Its name here, once it is installed.
    pub(crate) local: Option<String>,
    pub(crate) owner: String,
    pub(crate) updated: String,
    pub(crate) spec: Spec,
}

/// The collaborations that an account takes part in or is invited to.
pub(crate) async fn listed_rooms(session: &Session) -> Result<Vec<Found>> {
    const OPERATION: &str = "VIEW_COLLABORATIONS";
    const TEXT: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_COLLABORATIONS()";
    let rows = session.rows(OPERATION, CallClass::List, Sql::new(TEXT)).await?;
    let rows = rows.of([
        "source_name",
        "collaboration_name",
        "owner_account",
        "updated_on",
        "collaboration_spec",
    ])?;
    let wrong = || unreadable(session, OPERATION, "a row without a name, an owner or a spec");
    let found = rows.into_iter().map(|[name, local, owner, updated, spec]| {
        let (name, owner) = (name.ok_or_else(wrong)?, owner.ok_or_else(wrong)?);
        let ours = name.to_ascii_lowercase().starts_with("airlock_");
        let spec = spec.as_deref().and_then(yaml::read).as_ref().and_then(Spec::read);
        // What another made may say what it likes.
        let spec = if ours { spec.ok_or_else(wrong)? } else { spec.unwrap_or_default() };
        Ok(Found {
            name: name.to_ascii_lowercase(),
            local: local.map(|local| local.to_ascii_lowercase()),
            owner: owner.to_ascii_uppercase(),
            updated: updated.unwrap_or_default(),
            spec,
        })
    });
    found.collect()
}

async fn room(session: &Session, found: Found) -> Result<(String, Room)> {
    let mut room = Room {
        installed: found.local.is_some(),
        owner: found.owner,
        updated: found.updated,
        spec: found.spec,
        states: BTreeMap::new(),
        requests: Vec::new(),
        texts: BTreeMap::new(),
    };
    let own = room.spec.aliases.iter().find(|(_, account)| **account == session.seat.account);
    let own = own.map(|(alias, _)| alias.clone());
    // Its maker has it before it is installed.
    let asks = room.installed || own.as_ref() == Some(&room.spec.owner);
    if asks {
        room.states = states(session, &found.name).await?;
    }
    let state = own.and_then(|alias| room.states.get(&alias).copied());
    // Whoever is not in is not answered.
    if state == Some(State::Joined) {
        let (requests, texts) =
            futures::try_join!(requests(session, &found.name), texts(session, &found.name))?;
        (room.requests, room.texts) = (requests, texts);
    }
    Ok((found.name, room))
}

/// How far each collaborator is.
pub(crate) async fn states(session: &Session, room: &str) -> Result<BTreeMap<String, State>> {
    const TEXT: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.GET_STATUS(?)";
    let sql = Sql::new(TEXT).bind(Binding::text(room));
    let rows = session.rows("GET_STATUS", CallClass::Read, sql).await?;
    let rows = rows.of(["collaborator_name", "status"])?.into_iter();
    let states = rows.filter_map(|[name, status]| Some((name?, State::read(&status?))));
    Ok(states.collect())
}

/// What awaits approvals, or was decided.
pub(crate) async fn requests(session: &Session, room: &str) -> Result<Vec<Request>> {
    const OPERATION: &str = "VIEW_UPDATE_REQUESTS";
    const TEXT: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS(?)";
    let sql = Sql::new(TEXT).bind(Binding::text(room));
    let rows = session.rows(OPERATION, CallClass::List, sql).await?;
    let rows = rows.of(["request_id", "request_type", "status", "details", "reason"])?;
    let requests = rows.into_iter().map(|[id, kind, status, details, reason]| {
        let (Some(id), Some(kind), Some(status)) = (id, kind, status) else {
            return Err(unreadable(session, OPERATION, "a request without an id, kind or status"));
        };
        let details = details.as_deref().and_then(yaml::read);
        let request = Request::read(id, &status, (&kind, details.as_ref()));
        Ok(Request { by_us: reason.as_deref() == Some(WITHDRAWN), ..request })
    });
    requests.collect()
}

/// The listed templates, as they will run.
pub(crate) async fn texts(session: &Session, room: &str) -> Result<BTreeMap<String, Text>> {
    const TEXT: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_TEMPLATES(?)";
    let sql = Sql::new(TEXT).bind(Binding::text(room));
    let rows = session.rows("VIEW_TEMPLATES", CallClass::List, sql).await?;
    let rows = rows.of(["template_id", "template_spec"])?.into_iter();
    let texts = rows.filter_map(|[id, spec]| {
        let spec = spec.unwrap_or_default();
        let tree = yaml::read(&spec);
        let sql = tree.as_ref().and_then(|tree| tree.get("template")).and_then(Tree::text);
        let sql = sql.map(|sql| Digest::of(sql.as_bytes()));
        Some((id?.to_ascii_lowercase(), Text { spec: specs::meaning(&spec), sql }))
    });
    Ok(texts.collect())
}

/// What an account's registry has, each with its spec's text: offerings, or templates.
async fn registered(session: &Session, offerings: bool) -> Result<Vec<(String, Option<String>)>> {
    let (operation, text, columns) = if offerings {
        let text = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS()";
        ("VIEW_REGISTERED_DATA_OFFERINGS", text, ["data_offering_id", "data_offering_spec"])
    } else {
        let text = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_TEMPLATES()";
        ("VIEW_REGISTERED_TEMPLATES", text, ["template_id", "template_spec"])
    };
    let rows = session.rows(operation, CallClass::List, Sql::new(text)).await?;
    let rows = rows.of(columns)?.into_iter();
    Ok(rows.filter_map(|[id, spec]| Some((id?.to_ascii_lowercase(), spec))).collect())
}

/// The views in our schema, each with the digest of the statement that made it; none where there is no schema.
async fn views(
    session: &Session,
    database: &str,
    schema: &str,
) -> Result<Option<BTreeMap<String, Digest>>> {
    let sql = Sql::new("SHOW VIEWS IN SCHEMA ").path(&[database, schema]);
    let rows = match session.rows("SHOW VIEWS", CallClass::List, sql).await {
        Ok(rows) => rows,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let rows = rows.of(["name", "text", "is_secure"])?.into_iter();
    // One that is not secure any more is not what its statement made.
    let views = rows.filter_map(|[name, text, secure]| {
        let text = text.filter(|_| secure.as_deref() == Some("true")).unwrap_or_default();
        Some((name?, Digest::of(text.as_bytes())))
    });
    Ok(Some(views.collect()))
}

/// The physical columns of a member's datasets, with their types; of an account that is none of the agreement nothing is asked.
async fn tables(
    (session, kept): (&Session, &Tables),
    scope: &Scope,
    one: &Watched,
) -> Result<BTreeMap<DatasetName, Option<Columns>>> {
    let platform = PlatformId::snowflake_dcr();
    let own = scope.agreement.datasets.iter();
    let own = own.filter(|(_, dataset)| !one.past && dataset.owner == one.member);
    let own = own.filter_map(|(name, dataset)| Some((name.clone(), table(&platform, dataset)?)));
    let own: BTreeMap<DatasetName, Table> = own.collect();
    let found = kept.columns(session, own.values().cloned().collect()).await?;
    let own = own.into_iter().map(|(name, table)| (name, found.get(&table).cloned().flatten()));
    Ok(own.collect())
}
