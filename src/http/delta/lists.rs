//! What is open to a recipient: one share with the collaboration's name, schemas with those of templates, tables with those of runs. Lists come in
//! pages; where one goes on is a word that only this gateway makes.

use super::super::Gateway;
use super::super::problem::{Own, Problem};
use super::{Visiting, unread};
use crate::app::sharing::table_id;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use mappings::model::{RunId, TemplateName};
use serde::Deserialize;
use serde_json::{Value, json};

/// Items of a page.
const PAGE: usize = 500;

/// A page.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Page {
    max_results: Option<usize>,
    page_token: Option<String>,
}

type Asked = Result<Query<Page>, QueryRejection>;

/// The one share.
pub(super) async fn shares(
    State(gateway): State<Gateway>,
    visiting: Visiting,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let name = visiting.guest.share_name().to_owned();
    let items = vec![(name.clone(), json!({ "name": name, "id": name }))];
    paged(&gateway, &visiting, ("shares", asked), items)
}

/// The same by its name.
pub(super) async fn share(
    Path(share): Path<String>,
    visiting: Visiting,
) -> Result<Json<Value>, Problem> {
    let name = within(&visiting, &share)?;
    Ok(Json(json!({ "share": { "name": name, "id": name } })))
}

/// Templates of which a result is open.
pub(super) async fn schemas(
    State(gateway): State<Gateway>,
    Path(share): Path<String>,
    visiting: Visiting,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let share = within(&visiting, &share)?;
    let mut names: Vec<_> = visiting.guest.tables(&gateway.app);
    names.dedup_by(|(one, _), (other, _)| one == other);
    let shown = |(template, _): (TemplateName, RunId)| {
        let said = json!({ "name": template, "share": share });
        (template.to_string(), said)
    };
    paged(&gateway, &visiting, ("schemas", asked), names.into_iter().map(shown).collect())
}

/// Results of a template that are open.
pub(super) async fn tables(
    State(gateway): State<Gateway>,
    Path((share, schema)): Path<(String, String)>,
    visiting: Visiting,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    within(&visiting, &share)?;
    let mut all = visiting.guest.tables(&gateway.app);
    all.retain(|(template, _)| schema.eq_ignore_ascii_case(template.as_str()));
    if all.is_empty() {
        return Err(Own::PathUnknown.into());
    }
    let list = format!("tables {}", schema.to_ascii_lowercase());
    let items = all.iter().map(|one| named(&visiting, one)).collect();
    paged(&gateway, &visiting, (&list, asked), items)
}

/// All of them.
pub(super) async fn all_tables(
    State(gateway): State<Gateway>,
    Path(share): Path<String>,
    visiting: Visiting,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    within(&visiting, &share)?;
    let all = visiting.guest.tables(&gateway.app);
    let items = all.iter().map(|one| named(&visiting, one)).collect();
    paged(&gateway, &visiting, ("all-tables", asked), items)
}

fn within(visiting: &Visiting, share: &str) -> Result<String, Problem> {
    let is = visiting.guest.is_share(share);
    if is { Ok(visiting.guest.share_name().to_owned()) } else { Err(Own::PathUnknown.into()) }
}

/// A table by the word that it is sorted under.
fn named(visiting: &Visiting, (template, run): &(TemplateName, RunId)) -> (String, Value) {
    let share = visiting.guest.share_name();
    let said = json!({
        "name": run, "schema": template, "share": share, "shareId": share,
        "id": table_id(&visiting.guest, run), "accessModes": ["url"],
    });
    (format!("{template}/{run}"), said)
}

/// A page of items, which are in order of their words: what was opened or closed meanwhile moves none of the others.
fn paged(
    gateway: &Gateway,
    visiting: &Visiting,
    (list, asked): (&str, Asked),
    mut items: Vec<(String, Value)>,
) -> Result<Json<Value>, Problem> {
    let Query(page) = asked.map_err(|_| unread("maxResults or pageToken"))?;
    let token = page.page_token.filter(|token| !token.is_empty());
    if let Some(token) = token {
        let after = gateway.app.read_page(&visiting.guest, list, &token)?;
        items.retain(|(word, _)| *word > after);
    }
    let max = page.max_results.unwrap_or(PAGE).min(PAGE);
    let rest = items.len() > max;
    items.truncate(max);
    let end = items.last().map(|(word, _)| word.clone()).unwrap_or_default();
    let said: Vec<Value> = items.into_iter().map(|(_, said)| said).collect();
    let mut answer = json!({ "items": said });
    if rest && let Value::Object(answer) = &mut answer {
        let next = gateway.app.page_of(&visiting.guest, list, &end);
        answer.insert("nextPageToken".to_owned(), next.into());
    }
    Ok(Json(answer))
}
