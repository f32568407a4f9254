//! What each member could learn under the agreement, and by whose rule.

use super::super::problem::Problem;
use super::Console;
use super::entered::Entered;
use super::page::{self, Frame, Tab, pair, place, table};
use super::shown::{digest, list, text, window};
use crate::wire;
use axum::extract::{Path, State};
use axum::response::Html;
use maud::{Markup, html};

pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Path(name): Path<String>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    let (of, _) = desk.collaboration(&name).await?;
    let all = desk.learnable(&name).await?;
    let me = session.caller().tenant().map(ToString::to_string).unwrap_or_default();
    let body = html! {
        h1 { "What each member could learn" }
        p.lead { "Under agreement " (digest(&all.agreement)) ", from approved templates alone: nothing else leaves." }
        dl.facts {
            (pair("Cap", &html! { (all.runs_max) " attempts in any " (window(all.within_s)) ", of all members and templates together" }))
            (pair("Everybody", &html! { "reads in the log who asked for which template, when, and how many rows left or were withheld; never a parameter or a row" }))
            (pair("Withdrawn things", &html! { "do not run, whatever is said here" }))
        }
        @for member in &all.members { (learner(&name, member, &me)) }
    };
    let frame = Frame::of("What is learnt", &of.name, Tab::Learn).seen_as(&of.standing);
    Ok(page::page(&frame, &session, &desk, &body))
}

fn learner(collaboration: &str, member: &wire::Learner, me: &str) -> Markup {
    html! {
        section {
            h2 { (member.member) @if member.member == me { " " span.dim { "you" } } }
            @if !member.owns.is_empty() { p.dim { "Its own: " (list(&member.owns)) } }
            @if member.templates.is_empty() { p { "Nothing: it neither runs nor receives any template." } }
            @for one in &member.templates { (learnt(collaboration, one)) }
        }
    }
}

fn learnt(collaboration: &str, one: &wire::Learnt) -> Markup {
    let how = match (one.runs, one.receives) {
        (true, true) => "runs it and receives the result",
        (true, false) => "runs it, and sees only how many rows left",
        _ => "receives the result when another runs it",
    };
    html! {
        h3 { a href=(place(collaboration, &format!("/templates/{}", one.template))) { (one.template) } " " span.dim { (one.class) ": " (how) } }
        @if one.receives { (leaves(one)) }
        (rules(one))
        @if !one.parameters.is_empty() { p.dim { "Its runner chooses " (list(&one.parameters)) " within the agreed bounds." } }
    }
}

fn leaves(one: &wire::Learnt) -> Markup {
    table(
        &format!("Columns of {} that leave", one.template),
        &["Column", "Shows", "Of"],
        &html! {
            @for column in &one.columns {
                tr {
                    th scope="row" { (text(&column.name)) }
                    @match (&column.shows, &column.of) {
                        (Some(shows), Some(of)) => { td { "the values of " code { (shows) } } td { (of) } },
                        _ => { td { (if one.class == "aggregate" { "computed over the group" } else { "computed" }) } td { span.none { "nobody's by itself" } } },
                    }
                }
            }
        },
    )
}

fn rules(one: &wire::Learnt) -> Markup {
    let asked = |dataset: &str| {
        let of = one.thresholds.iter().filter(move |min| min.dataset == dataset);
        of.map(|min| (min.entities_min, min.rule_of.as_str())).collect::<Vec<_>>()
    };
    table(
        &format!("Rules that {} is under", one.template),
        &["Dataset", "Rule of", "Reads", "Distinct entities at least", "And"],
        &html! {
            @for from in &one.reads {
                tr {
                    th scope="row" { (from.dataset) }
                    td { (from.owner) }
                    td { (list(&from.columns)) }
                    td {
                        @let asked = asked(&from.dataset);
                        @if asked.is_empty() { span.none { "no threshold" } }
                        @for (n, (min, rule_of)) in asked.iter().enumerate() { @if n > 0 { ", " } strong { (min) } " by the rule of " (rule_of) }
                    }
                    td {
                        @if from.join_required { "only joined with another's. " }
                        @if from.consent { "Only with consent. " }
                        @if from.filtered { "Only rows that pass its filter. " }
                    }
                }
            }
        },
    )
}
