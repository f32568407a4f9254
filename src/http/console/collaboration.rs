//! One collaboration: where its members stand, its datasets, templates with approvals, rooms with drift, what waits and what is withdrawn.

use super::super::problem::Problem;
use super::Console;
use super::document;
use super::entered::Entered;
use super::form::token;
use super::page::{self, Frame, Tab, forbidden, lacking, notice, pair, place, table};
use super::schedules;
use super::session::Session;
use super::shown::{digest, list, mark, text, time};
use super::template;
use crate::access::{Action, Withdrawn};
use crate::app::desk::{Offers, Part};
use crate::error::Result;
use crate::wire;
use axum::extract::{Path, State};
use axum::response::Html;
use mappings::model::Agreement;
use maud::{Markup, html};

/// What the page is made of.
struct Standing {
    of: wire::Collaboration,
    in_force: Option<Agreement>,
    waiting: Option<wire::AgreementVersion>,
    members: Vec<wire::Member>,
    templates: Result<wire::Templates>,
    rooms: Vec<wire::Room>,
    schedules: Vec<wire::Schedule>,
    offers: Offers,
}

pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Path(name): Path<String>,
) -> Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    let (of, _) = desk.collaboration(&name).await?;
    let (is_member, is_former) = (of.standing == "member", of.standing == "former");
    let in_force = match &of.agreement {
        Some(digest) => Some(document::of(&desk.agreement(&name, digest).await?)?),
        None => None,
    };
    let waiting = match &of.waiting {
        Some(digest) => Some(desk.agreement(&name, digest).await?),
        None => None,
    };
    let standing = Standing {
        in_force,
        waiting,
        members: if is_former {
            Vec::new()
        } else {
            desk.members(&name, None, Part::whole()).await?.members
        },
        templates: if is_former {
            Ok(wire::Templates { templates: Vec::new(), next: None })
        } else {
            desk.templates(&name, (None, None), Part::whole()).await
        },
        rooms: if is_member { desk.rooms(&name, Part::whole()).await?.rooms } else { Vec::new() },
        schedules: if is_member { desk.schedules(&name).await?.schedules } else { Vec::new() },
        offers: desk.offers(&of.name, &of.standing),
        of,
    };
    let body = body(&standing, &session)?;
    let frame =
        Frame::of("Overview", &standing.of.name, Tab::Overview).seen_as(&standing.of.standing);
    Ok(page::page(&frame, &session, &desk, &body))
}

fn body(standing: &Standing, session: &Session) -> Result<Markup> {
    let of = &standing.of;
    let name = of.name.as_str();
    let waiting = standing.waiting.as_ref().map(document::of).transpose()?;
    let shown = standing.in_force.as_ref().or(waiting.as_ref());
    Ok(html! {
        h1 { (name) }
        (warnings(of))
        @if let Some(version) = &standing.waiting { (waits(name, version)) }
        dl.facts {
            (pair("You are", &mark(&of.standing)))
            (pair("In force", &in_force(of)))
            @if let Some(agreement) = shown { (document::facts(agreement)) }
            @if of.standing == "member" {
                (pair("Runs left", &html! { (of.runs_left) }))
                (pair("Leaves", &html! { (of.leaves) }))
            }
        }
        @if of.standing == "member" && standing.offers.may(Action::Propose) {
            p { a href={ "/console/offer?of=" (name) } { "Offer another version of the agreement" } }
        }
        @if let Some(agreement) = shown {
            (members(standing, agreement))
            (datasets(standing, agreement, session))
            (templates(standing, name, session))
        }
        @if of.standing == "member" {
            (schedules::section(name, &standing.schedules, session, &standing.offers))
            (rooms(standing, session))
        }
        (withdrawn(of, &standing.offers))
    })
}

fn in_force(of: &wire::Collaboration) -> Markup {
    html! {
        @if let Some(digest_of) = &of.agreement {
            a href=(place(&of.name, &format!("/agreements/{digest_of}"))) { (digest(digest_of)) }
        } @else {
            span.none { "no agreement that every member joined" }
        }
    }
}

fn warnings(of: &wire::Collaboration) -> Markup {
    html! {
        @if let Some(doubt) = &of.doubt {
            (notice(true, &html! { p { "This log is in doubt, so nothing is granted on it: " code { (doubt) } ". It can be looked at, and things can be taken away." } }))
        }
        @if !of.pending.is_empty() {
            (notice(true, &html! { p { "In force in this gateway alone until the log can be written: " (list(&of.pending)) } }))
        }
    }
}

fn waits(name: &str, version: &wire::AgreementVersion) -> Markup {
    notice(
        false,
        &html! {
            p {
                strong { "An agreement waits." } " " (digest(&version.digest)) " was accepted by " (list(&version.accepted)) "."
                @if !version.declined.is_empty() { " Declined by " (list(&version.declined)) "." }
            }
            p { a.button href=(place(name, &format!("/agreements/{}", version.digest))) { "Read it, and join or decline" } }
        },
    )
}

fn members(standing: &Standing, agreement: &Agreement) -> Markup {
    let heads = ["Member", "Name", "May", "Stands", "Decides under"];
    let rows = html! {
        @for one in &standing.members {
            tr {
                th scope="row" { (one.member) }
                (document::member(agreement, &one.member))
                td { (mark(&one.state)) }
                td { @match &one.key { Some(key) => (digest(key)), None => span.none { "no key shown yet" } } }
            }
        }
    };
    html! { section { h2 #members { "Members" } (table("Members and where each stands", &heads, &rows)) } }
}

fn datasets(standing: &Standing, agreement: &Agreement, session: &Session) -> Markup {
    let name = standing.of.name.as_str();
    let own = session.caller().tenant();
    let may =
        |what| standing.offers.may(Action::Withdraw(what)) && standing.of.standing == "member";
    html! {
        section {
            h2 #datasets { "Datasets" }
            @for (dataset, of) in &agreement.datasets {
                @let is_own = own == Some(&of.owner);
                @let act = |column: &str| {
                    let to = place(name, &format!("/withdraw?kind=column&dataset={dataset}&column={column}"));
                    (is_own && may(Withdrawn::Column)).then(|| html! { a.act href=(to) { "Withdraw" span.unseen { " column " (column) } } })
                };
                details open[agreement.datasets.len() <= 3] {
                    summary { h3 { (dataset) } span.dim { "of " (of.owner) ", " (of.columns.len()) " columns" } }
                    (document::dataset(dataset.as_str(), of, is_own, &act))
                    @if is_own && may(Withdrawn::Dataset) {
                        p { a.act href=(place(name, &format!("/withdraw?kind=dataset&dataset={dataset}"))) { "Withdraw dataset " (dataset) } }
                    }
                }
            }
        }
    }
}

fn templates(standing: &Standing, name: &str, session: &Session) -> Markup {
    let heads = ["Template", "Version", "Run by", "Received by", "Approved"];
    let me = session.caller().tenant().map(ToString::to_string).unwrap_or_default();
    let may = standing.offers.may(Action::Approve);
    html! {
        section {
            h2 #templates { "Templates" }
            @match &standing.templates {
                Err(error) => (lacking("templates", error)),
                Ok(all) => (table("Templates and their approvals", &heads, &html! {
                    @for one in &all.templates {
                        tr {
                            th scope="row" { a href=(place(name, &format!("/templates/{}", one.template))) { (one.template) } }
                            td { (digest(&one.digest)) }
                            td { (list(&one.run_by)) }
                            td { (list(&one.received_by)) }
                            td {
                                (template::approvals(one))
                                @if may && one.waits_for.contains(&me) { " " a href=(place(name, &format!("/templates/{}", one.template))) { "read and approve" } }
                            }
                        }
                    }
                })),
            }
        }
    }
}

fn rooms(standing: &Standing, session: &Session) -> Markup {
    let name = standing.of.name.as_str();
    let may_look = standing.offers.may(Action::Look);
    html! {
        section {
            h2 #rooms { "Rooms" }
            p { (mark("current")) " native: it holds what the log says, and begins empty." }
            @for room in &standing.rooms {
                (one_room(room))
                (forbidden(&standing.offers, Action::Look, &format!("Look at {} soon", room.room)))
                @if may_look {
                    form method="post" action=(place(name, &format!("/rooms/{}/looks", room.room))) {
                        (token(session, "look", &[name, &room.room]))
                        button type="submit" { "Look at " (room.room) " soon" }
                    }
                }
            }
        }
    }
}

fn one_room(room: &wire::Room) -> Markup {
    let drift: Vec<&wire::Held> =
        room.things.iter().filter(|it| it.desired != it.observed).collect();
    html! {
        h3 { (room.room) }
        ul.plain {
            @for one in &room.conditions {
                li { (mark(&one.kind)) " " (text(&one.reason)) @if let Some(at) = one.since_ms { " " span.dim { "since " (time(at)) } } }
            }
        }
        p.dim {
            @match room.looked_ms { Some(at) => { "Last looked at from this gateway " (time(at)) "." }, None => "Not looked at from this gateway." }
            " " (room.things.len()) " things, " (drift.len()) " otherwise than wanted."
        }
        @if !drift.is_empty() {
            (table(&format!("Drift in {}", room.room), &["What", "Wanted", "Seen there"], &html! {
                @for one in drift {
                    tr { th scope="row" { (text(&one.of)) } td { (if one.desired { "yes" } else { "no" }) } td { (if one.observed { "yes" } else { "no" }) } }
                }
            }))
        }
    }
}

fn withdrawn(of: &wire::Collaboration, offers: &Offers) -> Markup {
    let name = of.name.as_str();
    let may = |what| offers.may(Action::Withdraw(what));
    html! {
        section {
            h2 #withdrawn { "Withdrawn" }
            @if of.withdrawn.is_empty() { p { "Nothing." } } @else {
                ul { @for one in &of.withdrawn { li { (text(one)) } } }
                p { a href=(place(name, "/revocations")) { "What became of it, room by room" } }
            }
            @if of.standing != "former" {
                p.acts {
                    @if may(Withdrawn::Membership) { a.act href=(place(name, "/withdraw?kind=membership")) { "Leave this collaboration" } }
                    @if may(Withdrawn::Room) && of.standing == "member" { a.act href=(place(name, "/withdraw?kind=room")) { "Close the whole room" } }
                }
            }
        }
    }
}
