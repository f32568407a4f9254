//! One template: its text beside what each room runs for it, its thresholds and whose rule asks for them, its approvals.

use super::super::problem::Problem;
use super::Console;
use super::entered::Entered;
use super::form::{tied, token};
use super::page::{self, Frame, Tab, done_and_due, forbidden, lacking, notice, pair, place, table};
use super::schedules;
use super::session::Session;
use super::shown::{code, list, text, whole};
use crate::access::{Action, Withdrawn};
use crate::app::desk::Offers;
use crate::error::Result;
use crate::settings::FourEyes;
use crate::wire;
use axum::extract::{Path, State};
use axum::response::Html;
use maud::{Markup, html};

pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Path((name, template)): Path<(String, String)>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    // The mark first: what is decided while the rest is read makes the form too late, and not blind.
    let (of, shown) = desk.collaboration(&name).await?;
    let one = desk.template(&name, &template).await?;
    let explained = desk.explanation(&name, &template).await?;
    let learnt = desk.learnable(&name).await;
    let takes_two = desk.takes_two(FourEyes::Approve);
    let waiting = if takes_two { desk.waiting(&name).await.ok() } else { None };
    let title = format!("Template {}", one.template);
    let offers = desk.offers(&of.name, &of.standing);
    let body = html! {
        h1 { (title) }
        dl.facts {
            (pair("Version", &whole(&one.digest)))
            (pair("Run by", &list(&one.run_by)))
            (pair("Received by", &list(&one.received_by)))
            (pair("Approved by", &done_and_due(&one.approved_by, &one.waits_for, "approved")))
        }
        @if !explained.warnings.is_empty() {
            (notice(true, &html! {
                p { strong { "Worth a look before it is approved" } }
                ul { @for one in &explained.warnings { li { (text(one)) } } }
            }))
        }
        section { h2 { "What holds of every row" } (thresholds(&one.template, &learnt)) }
        section { h2 { "What runs" } (texts(&one, &explained)) }
        (approval((&of, &shown), &one, &session, &offers))
        @if takes_two { (eyes(&one, waiting.as_ref())) }
        (run((&of, &shown), &one, &explained, &session, &offers))
        (withdrawal(&of, &one, &session, &offers))
    };
    let frame = Frame::of(&title, &of.name, Tab::Overview).seen_as(&of.standing);
    Ok(page::page(&frame, &session, &desk, &body))
}

/// The thresholds, and whose rule asks for each.
fn thresholds(template: &str, learnt: &Result<wire::Learnable>) -> Markup {
    let all = match learnt {
        Ok(all) => all.members.iter().flat_map(|member| &member.templates),
        Err(error) => return lacking("rules", error),
    };
    let mut of = all.filter(|one| one.template == template);
    let heads = ["Dataset", "Distinct entities at least", "By the rule of"];
    html! {
        @match of.next() {
            None => p { "Nobody runs or receives it." },
            Some(one) if one.thresholds.is_empty() => p { "No owner asks for a threshold." },
            Some(one) => (table("Thresholds", &heads, &html! {
                @for min in &one.thresholds {
                    tr { th scope="row" { (min.dataset) } td.number { (min.entities_min) } td { (min.rule_of) } }
                }
            })),
        }
    }
}

/// The agreed text beside that of each room.
fn texts(one: &wire::Template, explained: &wire::Explanation) -> Markup {
    html! {
        div.side {
            section { h3 { "As agreed" } (code(&one.sql, "SQL as agreed")) }
            @for (room, said) in &explained.texts {
                section {
                    h3 { "In " (room) }
                    @if let Some(sql) = &said.sql { (code(sql, &format!("SQL in {room}"))) }
                    @if let Some(why) = &said.unsaid { p { "It does not run there: " (text(why)) } }
                }
            }
        }
    }
}

fn approval(
    (of, shown): (&wire::Collaboration, &str),
    one: &wire::Template,
    session: &Session,
    offers: &Offers,
) -> Markup {
    let me = session.caller().tenant().map(ToString::to_string).unwrap_or_default();
    let is_due = one.waits_for.contains(&me) && of.standing == "member";
    html! {
        @if is_due { (forbidden(offers, Action::Approve, &format!("Approve {}", one.template))) }
        @if is_due && offers.may(Action::Approve) {
            section.answers aria-labelledby="approve" {
                h2 #approve { "Your approval, as " (me) }
                form.stack method="post" action=(place(&of.name, &format!("/templates/{}/approvals", one.template))) {
                    (token(session, "approve", &[&of.name, &one.template, &one.digest]))
                    (tied(shown))
                    input type="hidden" name="digest" value=(one.digest);
                    p { "You approve exactly this version, by its digest. It runs once every owner of a dataset that it reads has approved it." }
                    button.primary type="submit" { "Approve " (one.template) }
                }
            }
        }
    }
}

/// That two people approve, and who of them did.
fn eyes(one: &wire::Template, waiting: Option<&wire::AllWaits>) -> Markup {
    let is_this = |waits: &&wire::Waits| match &waits.what {
        wire::ForTwo::Approval { template, digest } => {
            *template == one.template && *digest == one.digest
        }
        wire::ForTwo::Waiver { .. } => false,
    };
    let all = waiting.map(|all| all.waiting.iter().filter(is_this).collect::<Vec<_>>());
    notice(
        true,
        &html! {
            p { strong { "Two people approve" } ": your organisation's approval needs a second person, who approves the same version within a day." }
            @for waits in all.unwrap_or_default() {
                p role="status" {
                    @if waits.yours { "Yours waits for another person." } @else { "Another person's waits for a second one." }
                    @if !waits.stands { " The agreement was changed since: it counts no more." }
                }
            }
        },
    )
}

/// What asks for a run of this version.
fn run(
    (of, shown): (&wire::Collaboration, &str),
    one: &wire::Template,
    explained: &wire::Explanation,
    session: &Session,
    offers: &Offers,
) -> Markup {
    let me = session.caller().tenant().map(ToString::to_string).unwrap_or_default();
    let may = of.standing == "member" && of.agreement.is_some() && one.run_by.contains(&me);
    html! {
        @if may { (forbidden(offers, Action::Run, &format!("Run {}", one.template))) }
        @if may && offers.may(Action::Run) {
            section.answers aria-labelledby="run" {
                h2 #run { "Run it, as " (me) }
                form.stack method="post" action=(place(&of.name, "/runs")) {
                    (token(session, "run", &[&of.name, &one.template, &one.digest]))
                    (tied(shown))
                    input type="hidden" name="template" value=(one.template);
                    input type="hidden" name="digest" value=(one.digest);
                    label for="room" { "Room" }
                    select #room name="room" { @for room in explained.texts.keys() { option value=(room) { (room) } } }
                    @for parameter in &one.parameters { (asked("set", parameter)) }
                    p { "Exactly this version runs. It counts against the cap of the collaboration, of which " (of.runs_left) " attempts are left." }
                    button.primary type="submit" { "Run " (one.template) }
                }
                (schedules::form((of, shown), one, explained, session))
            }
        }
    }
}

/// A field for a parameter. What it says is judged by its type where the run is asked for.
pub(super) fn asked(form: &str, one: &wire::TemplateParameter) -> Markup {
    let said =
        |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (name, id) = (format!("set.{}", one.name), format!("{form}.{}", one.name));
    let bound = |word: &str, value: &Option<serde_json::Value>| {
        value.as_ref().map(|value| format!(", {word} {}", said(value))).unwrap_or_default()
    };
    let hint = format!("{}{}{}", one.of, bound("from", &one.min), bound("to", &one.max));
    html! {
        label for=(id) { (text(&one.name)) " " span.dim { (text(&hint)) } }
        @if one.values.is_empty() {
            input type="text" id=(id) name=(name) value=[one.default.as_ref().map(said)] autocomplete="off";
        } @else {
            select id=(id) name=(name) {
                @for value in &one.values { option value=(said(value)) selected[one.default.as_ref() == Some(value)] { (text(&said(value))) } }
            }
        }
    }
}

fn withdrawal(
    of: &wire::Collaboration,
    one: &wire::Template,
    session: &Session,
    offers: &Offers,
) -> Markup {
    let me = session.caller().tenant().map(ToString::to_string).unwrap_or_default();
    let may = |what| of.standing == "member" && offers.may(Action::Withdraw(what));
    let to =
        |kind: &str| place(&of.name, &format!("/withdraw?kind={kind}&template={}", one.template));
    html! {
        p.acts {
            @if one.approved_by.contains(&me) && may(Withdrawn::Approval) { a.act href=(to("approval")) { "Withdraw your approval" } }
            @if may(Withdrawn::Template) { a.act href=(to("template")) { "Withdraw the template" } }
        }
    }
}
