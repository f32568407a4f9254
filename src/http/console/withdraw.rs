//! What a withdrawal would do, and the form that does it. It is shown also where the log can't be read: what can't be read can still be
//! taken away.

use super::super::asked::Asked;
use super::super::problem::Problem;
use super::Console;
use super::entered::Entered;
use super::form::token;
use super::page::{self, Frame, Tab, notice, pair, place};
use super::shown::text;
use crate::error::Kind;
use crate::wire::Thing;
use axum::extract::{Path, State};
use axum::response::Html;
use maud::html;
use serde::Deserialize;

/// What is to be withdrawn.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct What {
    kind: String,
    dataset: String,
    column: String,
    template: String,
}

/// Fields that name a thing, in the order in which a form's token is over them.
pub(super) const NAMES: [&str; 4] = ["kind", "dataset", "column", "template"];

/// The thing that a kind and names are; `None` of a kind that there is not, or with names that it does not have.
pub(super) fn thing([kind, dataset, column, template]: [&str; 4]) -> Option<Thing> {
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let only = |others: [&str; 2]| others.iter().all(|other| other.is_empty()).then_some(());
    Some(match kind {
        "membership" | "room" => {
            only([dataset, column]).and_then(|()| only([template, ""]))?;
            if kind == "room" { Thing::Room {} } else { Thing::Membership {} }
        }
        "dataset" => only([column, template])
            .and_then(|()| Some(Thing::Dataset { dataset: named(dataset)? }))?,
        "column" => {
            only([template, ""])?;
            Thing::Column { dataset: named(dataset)?, column: named(column)? }
        }
        "template" => only([dataset, column])
            .and_then(|()| Some(Thing::Template { template: named(template)? }))?,
        "approval" => only([dataset, column])
            .and_then(|()| Some(Thing::Approval { template: named(template)? }))?,
        _ => return None,
    })
}

/// A thing in words, and what its withdrawal does.
pub(super) fn told(thing: &Thing) -> (String, &'static str) {
    match thing {
        Thing::Membership {} => (
            "your membership".to_owned(),
            "Your member leaves for good, with its datasets, its approvals and its right to run and to receive. Only another agreement brings it back.",
        ),
        Thing::Room {} => (
            "the whole room".to_owned(),
            "Nothing runs in this collaboration any more, for anybody, on any platform. It is final.",
        ),
        Thing::Dataset { dataset } => (
            format!("dataset {dataset}"),
            "It is not read again, and templates that read it do not run. It is final for this dataset under this agreement.",
        ),
        Thing::Column { dataset, column } => (
            format!("column {dataset}.{column}"),
            "It is not read again, and templates that read it do not run.",
        ),
        Thing::Template { template } => (
            format!("template {template}"),
            "Its newest version does not run again unless every owner whom it touches approves it again.",
        ),
        Thing::Approval { template } => (
            format!("your approval of {template}"),
            "The template does not run until you approve it again.",
        ),
    }
}

pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Path(name): Path<String>,
    Asked(what): Asked<What>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    let found = desk.collaboration(&name).await;
    let is_away = match found {
        Ok(_) => false,
        // Whose it is can't be asked now, and is asked when it is withdrawn.
        Err(error) if error.kind == Kind::Failed => true,
        Err(error) => return Err(error.into()),
    };
    let names = [what.kind.as_str(), &what.dataset, &what.column, &what.template];
    let thing = thing(names).ok_or(super::super::problem::Own::PathUnknown)?;
    let (of, does) = told(&thing);
    let body = html! {
        h1 { "Withdraw " (text(&of)) }
        @if is_away {
            (notice(true, &html! { p { "The log can't be read now. The withdrawal is taken all the same: it is in force in this gateway at once, and on record as soon as the log can be written." } }))
        }
        dl.facts {
            (pair("Here", &html! { "in force at once: running queries that use it are stopped, and their results withheld" }))
            (pair("On other platforms", &html! { "closed by the worker, and seen closed before that is said" }))
            (pair("What it does", &html! { (does) }))
            (pair("What it can't do", &html! { "results that were delivered before stay where they are" }))
        }
        form.stack method="post" action=(place(&name, "/revocations")) {
            @let object: Vec<&str> = std::iter::once(name.as_str()).chain(names).collect();
            (token(&session, "revoke", &object))
            @for (field, value) in NAMES.iter().zip(names) {
                @if !value.is_empty() { input type="hidden" name=(field) value=(value); }
            }
            button.grave type="submit" { "Withdraw " (text(&of)) " now" }
        }
        p { a href=(place(&name, "")) { "Leave it as it is" } }
    };
    // It is shown where the log can't be read, so nobody knows here how one stands.
    let frame = Frame::of("Withdraw", &name, Tab::Withdrawals).seen_as("");
    Ok(page::page(&frame, &session, &desk, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_its_kind_with_the_names_that_it_has() {
        assert_eq!(thing(["membership", "", "", ""]), Some(Thing::Membership {}));
        assert_eq!(thing(["room", "", "", ""]), Some(Thing::Room {}));
        let (dataset, column, template) = ("d".to_owned(), "c".to_owned(), "t".to_owned());
        assert_eq!(
            thing(["dataset", "d", "", ""]),
            Some(Thing::Dataset { dataset: dataset.clone() })
        );
        assert_eq!(thing(["column", "d", "c", ""]), Some(Thing::Column { dataset, column }));
        assert_eq!(
            thing(["template", "", "", "t"]),
            Some(Thing::Template { template: template.clone() })
        );
        assert_eq!(thing(["approval", "", "", "t"]), Some(Thing::Approval { template }));
        for none in [
            ["", "", "", ""],
            ["all", "", "", ""],
            ["dataset", "", "", ""],
            ["column", "d", "", ""],
            ["template", "", "", ""],
            ["membership", "d", "", ""],
            ["room", "", "", "t"],
            ["dataset", "d", "c", ""],
            ["column", "d", "c", "t"],
            ["approval", "d", "", "t"],
        ] {
            assert_eq!(thing(none), None, "{none:?}");
        }
    }
}
