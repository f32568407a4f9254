//! Looking at tables and views with their policies. Never writes.

use super::{Object, Policy, Tables};
use crate::error::Told;
use crate::session::Session;
use crate::sql::Sql;
use adapter_spi::{AdapterError, CallClass, ErrorKind, Result, Retry};
use mappings::heard::hear_view;
use std::collections::BTreeSet;

/// One table or view, with its policies.
pub(crate) async fn object(session: &Session, path: [String; 3], is_view: bool) -> Result<Object> {
    let parts = path.each_ref().map(String::as_str);
    let mut object =
        Object { is_view, columns: described(session, &parts).await?, ..Object::default() };
    if is_view {
        let [database, schema, view] = parts;
        let sql = Sql::new("SHOW VIEWS IN SCHEMA ").path(&[database, schema]);
        let found = session.rows("SHOW VIEWS", CallClass::List, sql).await?;
        let mut all = found.of(["name", "text", "is_secure", "comment"])?.into_iter();
        let own = all.find(|[name, ..]| name.as_deref() == Some(view));
        let [_, text, secure, comment] = own.ok_or_else(|| missing(session))?;
        object.text = text.unwrap_or_default();
        object.secure = secure.as_deref() == Some("true");
        object.comment = comment.unwrap_or_default();
    }
    object.policies = policies(session, &parts, is_view).await?;
    object.path = path;
    Ok(object)
}

fn missing(session: &Session) -> AdapterError {
    let told: Told = (ErrorKind::NotFound, "object-missing", Retry::NextCycle);
    session.error(told, "SHOW VIEWS", "what a share is granted is not shown to the role")
}

async fn described(session: &Session, path: &[&str; 3]) -> Result<Vec<(String, String)>> {
    for words in ["DESC TABLE ", "DESC VIEW "] {
        let sql = Sql::new(words).path(path);
        let found = match session.rows("DESC TABLE", CallClass::Read, sql).await {
            Err(error) if error.kind == ErrorKind::NotFound => continue,
            found => found?,
        };
        let columns = found.of(["name", "type"])?.into_iter();
        return Ok(columns.filter_map(|[name, of]| Some((name?, of?))).collect());
    }
    Err(missing(session))
}

/// The policies on an object and on its columns.
async fn policies(session: &Session, of: &[&str; 3], is_view: bool) -> Result<Vec<Policy>> {
    let sql = Sql::new(
        "SELECT POLICY_DB, POLICY_SCHEMA, POLICY_NAME, POLICY_KIND, REF_COLUMN_NAME, REF_ARG_COLUMN_NAMES FROM TABLE(",
    );
    let [database, ..] = of;
    let sql = sql.name(database).word(".INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => ");
    let domain = if is_view { "VIEW" } else { "TABLE" };
    let sql = sql.path_text(of).word(", REF_ENTITY_DOMAIN => ").text(domain).word("))");
    let found = session.rows("POLICY_REFERENCES", CallClass::Read, sql).await?;
    let columns = [
        "policy_db",
        "policy_schema",
        "policy_name",
        "policy_kind",
        "ref_column_name",
        "ref_arg_column_names",
    ];
    let mut all = Vec::new();
    for [database, schema, name, kind, column, takes] in found.of(columns)? {
        let kind = kind.unwrap_or_default().to_ascii_uppercase();
        let kind = kind.strip_suffix("_POLICY").unwrap_or(&kind).to_owned();
        let path = [database, schema, name].map(Option::unwrap_or_default);
        let takes = takes.map(|list| serde_json::from_str(&list));
        // A list that can't be read is a list of more than this version knows.
        let takes = takes.unwrap_or_else(|| Ok(Vec::new()));
        let takes = takes.unwrap_or_else(|_| vec![String::new(), String::new()]);
        let body = body(session, &kind, &path).await?;
        all.push(Policy { kind, path, column, takes, body });
    }
    all.sort_by(|one, two| {
        (&one.kind, &one.path, &one.column).cmp(&(&two.kind, &two.path, &two.column))
    });
    Ok(all)
}

/// What a policy says; nothing of one whose kind is not read, or that is not shown.
async fn body(session: &Session, kind: &str, path: &[String; 3]) -> Result<String> {
    let words = match kind {
        "AGGREGATION" => "DESC AGGREGATION POLICY ",
        "PROJECTION" => "DESC PROJECTION POLICY ",
        _ => return Ok(String::new()),
    };
    let sql = Sql::new(words).path(&path.each_ref().map(String::as_str));
    match session.rows("DESC POLICY", CallClass::Read, sql).await {
        Err(error) if [ErrorKind::NotFound, ErrorKind::PermissionDenied].contains(&error.kind) => {
            Ok(String::new())
        }
        found => {
            let found = found?.of(["body"])?.into_iter().next();
            Ok(found.and_then(|[body]| body).unwrap_or_default())
        }
    }
}

/// The columns of the tables that Airlock's views of an account read, by their queries.
pub(crate) async fn tables(
    session: &Session,
    queries: BTreeSet<String>,
    (tables, unseen): (&mut Tables, &mut Vec<(String, String)>),
) {
    let read: BTreeSet<Vec<String>> =
        queries.iter().filter_map(|one| hear_view(one).ok()).map(|(table, _)| table).collect();
    for table in read {
        let Ok(names) = <[String; 3]>::try_from(table.clone()) else { continue };
        match described(session, &names.each_ref().map(String::as_str)).await {
            Ok(columns) => drop(tables.insert(table, columns.into_iter().collect())),
            Err(error) => {
                unseen.push((format!("table {}", table.join(".")), error.code.to_owned()));
            }
        }
    }
}

/// The names of a path as the platform writes it: quoted where they need it.
pub(crate) fn path(text: &str) -> Option<Vec<String>> {
    let mut signs = text.chars().peekable();
    let mut names = Vec::new();
    loop {
        let mut name = String::new();
        if signs.next_if_eq(&'"').is_some() {
            loop {
                match signs.next()? {
                    '"' if signs.next_if_eq(&'"').is_some() => name.push('"'),
                    '"' => break,
                    sign => name.push(sign),
                }
            }
        } else {
            while let Some(sign) = signs.next_if(|sign| *sign != '.' && *sign != '"') {
                name.push(sign);
            }
        }
        if name.is_empty() {
            return None;
        }
        names.push(name);
        match signs.next() {
            None => return Some(names),
            Some('.') => {}
            Some(_) => return None,
        }
    }
}
