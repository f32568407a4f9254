//! Looking at collaborations by their names: what is applied in them, which templates are listed, and of the operated owners what
//! they offer. Never writes. Whatever can't be seen is named.

use super::found::{Found, Offered, Room, Text};
use crate::collaboration::observe::{listed_rooms, states};
use crate::collaboration::told;
use crate::collaboration::yaml::{self, Tree};
use crate::import::look::{object, path, tables};
use crate::session::Session;
use crate::sql::Sql;
use adapter_spi::{AdapterError, CallClass, ErrorKind, Result, Retry};
use mappings::model::{MemberId, PlatformId};
use snowflake_sql_api::Binding;
use std::collections::{BTreeMap, BTreeSet};

/// A member, its account, and how it is reached or why it is not.
pub(super) struct Viewer {
    pub(super) member: MemberId,
    pub(super) account: String,
    pub(super) session: Result<Session>,
}

/// Everything of these collaborations that these members see.
pub(super) async fn look(asked: &BTreeSet<String>, viewers: &[Viewer]) -> Result<Found> {
    let mut found = Found::default();
    let mut failed: Option<AdapterError> = None;
    for viewer in viewers {
        let looked = match &viewer.session {
            Ok(session) => Box::pin(one(session, asked, &mut found)).await,
            Err(error) => Err(error.clone()),
        };
        if let Err(error) = looked {
            found.unseen.push((format!("member {}", viewer.member), error.code.to_owned()));
            failed = failed.or(Some(error));
        }
    }
    if found.rooms.is_empty() {
        return Err(failed.unwrap_or_else(none));
    }
    for name in asked.iter().filter(|name| !found.rooms.contains_key(*name)) {
        found.unseen.push((format!("collaboration {name}"), "collaboration-missing".to_owned()));
    }
    for viewer in viewers {
        let Ok(session) = &viewer.session else { continue };
        Box::pin(offerings(session, viewer, &mut found)).await;
        let offered = found.offerings.iter().filter(|((owner, _), _)| *owner == viewer.account);
        let objects = offered.flat_map(|(_, all)| all).filter_map(|one| one.object.as_ref());
        let queries = objects.filter_map(super::sources::query_of).map(ToOwned::to_owned).collect();
        Box::pin(tables(session, queries, (&mut found.tables, &mut found.unseen))).await;
    }
    Ok(found)
}

fn none() -> AdapterError {
    let told = (ErrorKind::NotFound, "collaboration-missing", Retry::Never);
    let reason = "none of the members that were named and reached lists such a collaboration; what would pass: its source name as VIEW_COLLABORATIONS says it";
    crate::error::made(&PlatformId::snowflake_dcr(), told, "VIEW_COLLABORATIONS", reason)
}

async fn one(session: &Session, asked: &BTreeSet<String>, found: &mut Found) -> Result<()> {
    found.region.clone_from(&session.region);
    for listed in listed_rooms(session).await? {
        if !asked.contains(&listed.name) {
            continue;
        }
        let at = format!("collaboration {}", listed.name);
        if listed.spec.aliases.is_empty() {
            found.unseen.push((at.clone(), "answer-unreadable".to_owned()));
        }
        let installed = listed.local.is_some();
        let room = found
            .rooms
            .entry(listed.name.clone())
            .or_insert_with(|| Room { spec: listed.spec, ..Room::default() });
        let local = listed.local.unwrap_or(listed.name);
        if !installed {
            found
                .unseen
                .push((format!("{at} of {}", session.seat.member), "not-joined".to_owned()));
            continue;
        }
        match states(session, &local).await {
            Ok(states) => room.states.extend(states),
            Err(error) => found.unseen.push((at.clone(), error.code.to_owned())),
        }
        match texts(session, &local).await {
            Ok(texts) => room.templates.extend(texts),
            Err(error) => found.unseen.push((format!("templates of {at}"), error.code.to_owned())),
        }
    }
    Ok(())
}

async fn texts(session: &Session, room: &str) -> Result<BTreeMap<String, Text>> {
    const TEXT: &str = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_TEMPLATES(?)";
    let sql = Sql::new(TEXT).bind(Binding::text(room));
    let rows = session.rows("VIEW_TEMPLATES", CallClass::List, sql).await?;
    let rows = rows.of(["template_id", "template_spec"])?.into_iter();
    let texts = rows.filter_map(|[id, spec]| {
        let tree = yaml::read(&spec.unwrap_or_default());
        let part = |name: &str| {
            let part = tree.as_ref().and_then(|tree| tree.get(name)).and_then(Tree::text);
            part.unwrap_or_default().to_owned()
        };
        let (kind, sql) = (part("type"), part("template"));
        let told = told::asked(&part("description"), &part("methodology"));
        Some((id?.to_ascii_lowercase(), Text { kind, sql, told }))
    });
    Ok(texts.collect())
}

/// What an account offers in these collaborations.
async fn offerings(session: &Session, viewer: &Viewer, found: &mut Found) {
    const TEXT: &str =
        "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS()";
    let linked: BTreeSet<String> = found
        .rooms
        .values()
        .flat_map(|room| {
            let own = room.spec.aliases.iter().find(|(_, account)| **account == viewer.account);
            let own = own.map(|(alias, _)| alias.as_str());
            let runners = room.spec.runners.values().flat_map(|runner| &runner.providers);
            let held = runners.filter(move |(alias, _)| Some(alias.as_str()) == own);
            held.flat_map(|(_, ids)| ids.iter().cloned())
        })
        .collect();
    let rows = session.rows("VIEW_REGISTERED_DATA_OFFERINGS", CallClass::List, Sql::new(TEXT));
    let rows = rows.await.and_then(|rows| rows.of(["data_offering_id", "data_offering_spec"]));
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => {
            let at = format!("offerings of {}", viewer.member);
            return found.unseen.push((at, error.code.to_owned()));
        }
    };
    for [id, spec] in rows {
        let id = id.unwrap_or_default().to_ascii_lowercase();
        if !linked.contains(&id) {
            continue;
        }
        let read = spec.as_deref().and_then(yaml::read).as_ref().and_then(datasets);
        let Some(read) = read else {
            found.unseen.push((format!("offering {id}"), "answer-unreadable".to_owned()));
            continue;
        };
        let mut offered = Vec::new();
        for (mut one, place) in read {
            match Box::pin(placed(session, &place)).await {
                Ok(object) => one.object = Some(object),
                Err(error) => {
                    let at = format!("dataset {} of offering {id}", one.alias);
                    found.unseen.push((at, error.code.to_owned()));
                }
            }
            offered.push(one);
        }
        found.offerings.insert((viewer.account.clone(), id), offered);
    }
}

/// The table or view of an offering.
async fn placed(session: &Session, place: &str) -> Result<crate::import::Object> {
    let names = path(place).and_then(|names| <[String; 3]>::try_from(names).ok());
    let names = names.ok_or_else(|| {
        let told = (ErrorKind::InvalidNative, "answer-unreadable", Retry::NextCycle);
        session.error(told, "VIEW_REGISTERED_DATA_OFFERINGS", "a place of other than three names")
    })?;
    let sql = Sql::new("SHOW VIEWS IN SCHEMA ").path(&[names[0].as_str(), names[1].as_str()]);
    let rows = session.rows("SHOW VIEWS", CallClass::List, sql).await?;
    let is_view = rows.of(["name"])?.into_iter().any(|[name]| name.as_deref() == Some(&names[2]));
    object(session, names, is_view).await
}

/// The datasets of an offering's spec, each with where it is; nothing of what is no such spec.
fn datasets(tree: &Tree) -> Option<Vec<(Offered, String)>> {
    let items = tree.get("datasets")?.items();
    let told = tree.get("description").and_then(Tree::text).and_then(told::terms);
    let all = items.iter().map(|tree| {
        let mut offered = Offered {
            alias: tree.get("alias")?.text()?.to_ascii_lowercase(),
            told: told.clone().filter(|_| items.len() == 1),
            ..Offered::default()
        };
        let analyses = tree.get("allowed_analyses").and_then(Tree::text).unwrap_or_default();
        if analyses != "template_only" {
            offered.further.insert("allowed_analyses: queries of a runner's own".to_owned());
        }
        for (column, held) in tree.get("schema_and_template_policies")?.entries() {
            // Columns are identifiers: upper case unless quoted.
            let named = if column.starts_with('"') {
                path(column)?
            } else {
                vec![column.to_ascii_uppercase()]
            };
            let [named] = <[String; 1]>::try_from(named).ok()?;
            let category = held.get("category")?.text()?.to_owned();
            if held.get("activation_allowed").and_then(Tree::text) == Some("true") {
                offered.further.insert(format!("activation_allowed on {named}"));
            }
            offered.columns.insert(named, category);
        }
        Some((offered, tree.get("data_object_fqn")?.text()?.to_owned()))
    });
    all.collect()
}

/// A collaboration's source name as it was asked for.
pub(super) fn named(text: &str) -> Option<String> {
    let sign = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let begins = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    (begins && text.len() <= 75 && text.bytes().all(sign)).then(|| text.to_ascii_lowercase())
}
