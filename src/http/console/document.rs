//! An agreement's document, part by part: members, datasets with what each column may be used for, templates, limits. Pure: from the document
//! as the wire has it.

use super::page::{pair, table};
use super::shown::{code, list, mark, text, window};
use crate::error::{Error, Result};
use crate::wire;
use mappings::model::{
    Ability, Agreement, Column, ColumnUse, Dataset, JoinRule, Literal, Location, MatchKey, Template,
};
use maud::{Markup, html};

/// The document of a version.
pub(super) fn of(version: &wire::AgreementVersion) -> Result<Agreement> {
    serde_json::from_value(version.document.clone())
        .map_err(|_| Error::failed("bug", "an agreement that was taken can't be read"))
}

fn texts<T: ToString>(all: impl IntoIterator<Item = T>) -> Vec<String> {
    all.into_iter().map(|one| one.to_string()).collect()
}

/// A word of the language, as documents write it.
fn word(of: impl serde::Serialize) -> String {
    serde_json::json!(of).as_str().unwrap_or_default().to_owned()
}

/// Purpose, residency, caps, rooms.
pub(super) fn facts(agreement: &Agreement) -> Markup {
    let rooms = agreement.rooms.iter().map(|room| match &room.region {
        Some(region) => format!("{} ({region})", room.platform),
        None => room.platform.to_string(),
    });
    html! {
        @if !agreement.description.is_empty() { (pair("Purpose", &text(&agreement.description))) }
        (pair("Rooms", &list(&rooms.collect::<Vec<_>>())))
        (pair("Residency", &if agreement.residency.is_empty() { html! { "anywhere" } } else { list(&texts(&agreement.residency)) }))
        (pair("Runs", &html! { (agreement.limits.runs_max) " attempts in any " (window(agreement.limits.within_s)) ", over all rooms" }))
    }
}

/// A member's name for people, and what it may do.
pub(super) fn member(agreement: &Agreement, name: &str) -> Markup {
    let found = agreement.members.iter().find(|(known, _)| known.as_str() == name);
    html! {
        @match found {
            Some((_, member)) => {
                td { (text(&member.name)) }
                td { (list(&member.abilities.iter().map(|one: &Ability| word(one)).collect::<Vec<_>>())) }
            },
            None => { td { span.none { "not in this version" } } td {} },
        }
    }
}

/// The members of a version by themselves.
pub(super) fn members(agreement: &Agreement) -> Markup {
    let heads = ["Member", "Name", "May", "Results go to"];
    let rows = html! {
        @for name in agreement.members.keys() {
            tr {
                th scope="row" { (name) }
                (member(agreement, name.as_str()))
                td { @match agreement.destinations.get(name) { Some(place) => code.whole { (text(place)) }, None => span.none { "none" } } }
            }
        }
    };
    table("Members of this version", &heads, &rows)
}

/// A dataset, and what each of its columns may be used for; where it lies is its owner's, unless the document itself is shown.
pub(super) fn dataset(
    name: &str,
    dataset: &Dataset,
    says_where: bool,
    column_act: &dyn Fn(&str) -> Option<Markup>,
) -> Markup {
    let acts = dataset.columns.keys().any(|column| column_act(column.as_str()).is_some());
    let mut heads = vec!["Column", "Type", "Use", "May leave in an activation"];
    if acts {
        heads.push("Withdraw");
    }
    let rows = html! {
        @for (column, of) in &dataset.columns {
            tr {
                th scope="row" { (column) @if *column == dataset.entity { " " span.dim { "entity" } } }
                td { (word(of.r#type)) }
                td { (usage(of)) }
                td { (if of.activate { "yes" } else { "no" }) }
                @if acts { td { @if let Some(act) = column_act(column.as_str()) { (act) } } }
            }
        }
    };
    html! {
        dl.facts {
            (pair("Owner", &html! { (dataset.owner) }))
            (rule(dataset))
            @if says_where { @for (room, place) in &dataset.at { (pair(room.as_str(), &at(place))) } }
        }
        (table(&format!("Columns of {name}"), &heads, &rows))
    }
}

fn at(place: &Location) -> Markup {
    match place {
        Location::Name(place) => html! { code.whole { (text(place)) } },
        Location::Glue { glue } => {
            let parts = glue.values().cloned().collect::<Vec<_>>().join(".");
            html! { "Glue " code.whole { (text(&parts)) } }
        }
    }
}

fn rule(dataset: &Dataset) -> Markup {
    let rule = &dataset.rule;
    html! {
        (pair("Behind every row", &html! { strong { (rule.entities_min) } " distinct " code { (dataset.entity) } }))
        (pair("Alone", &html! { (match rule.join { JoinRule::Required => "no, only joined with another member's data", JoinRule::Optional => "yes" }) }))
        @if let Some(receivers) = &rule.receivers { (pair("Results to", &list(&texts(receivers)))) }
        @if let Some(activation) = &rule.activation {
            (pair("Rows may go to", &html! { (list(&texts(&activation.to))) ", audiences of " (activation.audience_min) " at least" }))
        }
        @if let Some(consent) = &dataset.consent {
            (pair("Consent", &html! { "only rows whose " code { (text(&consent.from)) } " is " (literals(&consent.granted)) }))
        }
        @for filter in &dataset.rows {
            (pair("Rows", &html! {
                code { (text(&filter.from)) }
                @if !filter.any_of.is_empty() { " is " (literals(&filter.any_of)) }
                @if let Some(min) = &filter.min { " from " (literals(std::slice::from_ref(min))) }
                @if let Some(max) = &filter.max { " to " (literals(std::slice::from_ref(max))) }
            }))
        }
    }
}

fn literals(all: &[Literal]) -> Markup {
    let all: Vec<String> = all.iter().map(|one| serde_json::json!(one).to_string()).collect();
    html! { @for (n, one) in all.iter().enumerate() { @if n > 0 { " or " } code { (text(one)) } } }
}

fn usage(column: &Column) -> Markup {
    match &column.r#use {
        ColumnUse::Match { keys } => {
            let key = |key: &MatchKey| match &key.hashed {
                Some(hashed) => format!("{} (hashed: {})", key.key, word(hashed)),
                None => format!("{} (raw)", key.key),
            };
            html! { "match key, never shown: " (list(&keys.iter().map(key).collect::<Vec<_>>())) }
        }
        ColumnUse::Dimension => html! { "shown, grouped by, filtered on" },
        ColumnUse::Measure { aggregates } => {
            html! { "only inside " (list(&aggregates.iter().map(word).collect::<Vec<_>>())) }
        }
        ColumnUse::Filter => html! { "only in WHERE" },
    }
}

/// A template's text and terms.
pub(super) fn template(name: &str, template: &Template) -> Markup {
    html! {
        dl.facts {
            (pair("What leaves", &html! { (mark(&word(template.class))) }))
            (pair("Run by", &list(&texts(&template.run_by))))
            (pair("Received by", &list(&texts(&template.received_by))))
            @if !template.parameters.is_empty() { (pair("Parameters", &list(&texts(template.parameters.keys())))) }
        }
        (code(&template.sql, &format!("SQL of {name}")))
    }
}
