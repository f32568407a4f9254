//! One template: its text beside what each room runs for it, its thresholds and whose rule asks for them, its approvals.

use super::super::asked::Asked;
use super::super::problem::Problem;
use super::super::templates::Version;
use super::Console;
use super::entered::Entered;
use super::form::{tied, token};
use super::page::{self, Frame, Tab, done_and_due, forbidden, lacking, notice, pair, place, table};
use super::schedules;
use super::session::Session;
use super::shown::{code, list, mark, text, whole};
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
    Asked(Version { agreement }): Asked<Version>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    // The mark first: what is decided while the rest is read makes the form too late, and not blind.
    let (of, shown) = desk.collaboration(&name).await?;
    let named = agreement.as_deref().filter(|named| of.agreement.as_deref() != Some(named));
    let version = match named {
        Some(digest) => Some(desk.agreement(&name, digest).await?),
        None => None,
    };
    let one = desk.template(&name, &template, named).await?;
    let explained = desk.explanation(&name, &template, named).await?;
    let next = match of.waiting.as_deref().filter(|_| named.is_none() && of.agreement.is_some()) {
        Some(digest) => Some((digest, desk.explanation(&name, &template, Some(digest)).await)),
        None => None,
    };
    let takes_two = desk.takes_two(FourEyes::Approve);
    let waiting = if takes_two { desk.waiting(&name).await.ok() } else { None };
    let title = format!("Template {}", one.template);
    let offers = desk.offers(&of.name, &of.standing);
    let body = html! {
        h1 { (title) }
        @if let Some(version) = &version { (other(&of, version, &one.template)) }
        dl.facts {
            (pair("Version", &whole(&one.digest)))
            (pair("Run by", &list(&one.run_by)))
            (pair("Received by", &list(&one.received_by)))
            (pair("Approved by", &approvals(&one)))
        }
        @if !explained.warnings.is_empty() {
            (notice(true, &html! {
                p { strong { "Worth a look before it is approved" } }
                ul { @for one in &explained.warnings { li { (text(one)) } } }
            }))
        }
        @if explained.passes {
            section { h2 { "What holds of every row" } (thresholds(&explained)) }
            section { h2 { @if version.is_some() { "What would run" } @else { "What runs" } } (texts(&explained)) }
        } @else {
            section { h2 { "What does not run" } (refused(&explained)) }
        }
        @if let Some((digest, next)) = &next { (waits(&of, digest, (&explained, next))) }
        @if version.as_ref().is_none_or(|version| waits_for(version, &session)) {
            (approval((&of, &shown), &one, &session, &offers))
        }
        @if takes_two { (eyes(&one, waiting.as_ref())) }
        @if version.is_none() {
            (run((&of, &shown), &one, &explained, &session, &offers))
            (withdrawal(&of, &one, &session, &offers))
        }
    };
    let frame = Frame::of(&title, &of.name, Tab::Overview).seen_as(&of.standing);
    Ok(page::page(&frame, &session, &desk, &body))
}

/// Whose approvals it has, and lacks; of one that is refused none counts.
pub(super) fn approvals(one: &wire::Template) -> Markup {
    html! {
        @if one.refusals.is_empty() {
            (done_and_due(&one.approved_by, &one.waits_for, "approved"))
        } @else {
            (mark("refused")) " by the guard"
        }
    }
}

/// That this is not the version in force, and where that is.
fn other(of: &wire::Collaboration, version: &wire::AgreementVersion, template: &str) -> Markup {
    let agreement = place(&of.name, &format!("/agreements/{}", version.digest));
    notice(
        true,
        &html! {
            p {
                strong { "As " a href=(agreement) { "another version of the agreement" } " has it" } ", which stands: "
                (mark(&version.state.replace('-', " "))) "."
                @if of.agreement.is_some() { " " a href=(place(&of.name, &format!("/templates/{template}"))) { "The version in force" } "." }
            }
        },
    )
}

/// Whether the version waits and the one who looks has joined it: only then may its templates be approved.
fn waits_for(version: &wire::AgreementVersion, session: &Session) -> bool {
    let me = session.caller().tenant().map(ToString::to_string).unwrap_or_default();
    version.state == "waiting" && version.accepted.contains(&me)
}

/// The same template in the version that waits, before anybody answers to that.
fn waits(
    of: &wire::Collaboration,
    digest: &str,
    (now, next): (&wire::Explanation, &Result<wire::Explanation>),
) -> Markup {
    let at = |template: &str| place(&of.name, &format!("/templates/{template}?agreement={digest}"));
    html! {
        section aria-labelledby="waiting" {
            h2 #waiting { "In the agreement that waits" }
            @match next {
                Err(error) if error.code == "not-found" => p { "It is not there any more." },
                Err(error) => (lacking("version that waits", error)),
                Ok(next) if next == now && now.passes => p { "It says the same, and the same runs." },
                Ok(next) => {
                    dl.facts { (pair("Version", &whole(&next.digest))) }
                    @if next.passes {
                        (thresholds(next))
                        (texts(next))
                    } @else {
                        (refused(next))
                    }
                    p { a.act href=(at(&next.template)) { "Read that version" } }
                }
            }
        }
    }
}

/// Why the guard refuses a version.
fn refused(one: &wire::Explanation) -> Markup {
    html! {
        (code(&one.sql, "SQL as proposed"))
        p { "The guard refuses it:" }
        ul {
            @for place in &one.refusals {
                li { code { (text(&place.at)) } " " (text(&place.detail)) " " code { (text(&place.code)) } }
            }
        }
    }
}

/// The thresholds, and whose rule asks for each.
fn thresholds(explained: &wire::Explanation) -> Markup {
    let heads = ["Dataset", "Distinct entities at least", "By the rule of"];
    html! {
        @if explained.thresholds.is_empty() {
            p { "No owner asks for a threshold." }
        } @else {
            (table("Thresholds", &heads, &html! {
                @for min in &explained.thresholds {
                    tr { th scope="row" { (min.dataset) } td.number { (min.entities_min) } td { (min.rule_of) } }
                }
            }))
        }
    }
}

/// The agreed text beside that of each room.
fn texts(explained: &wire::Explanation) -> Markup {
    html! {
        div.side {
            section { h3 { "As agreed" } (code(&explained.sql, "SQL as agreed")) }
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
    let may = may && explained.passes && one.refusals.is_empty();
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
