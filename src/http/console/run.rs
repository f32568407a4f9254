//! One run: where it stands, looked at again until it has ended; and its result as a table and a chart, for who receives it.

use super::super::problem::Problem;
use super::super::results::downloaded;
use super::Console;
use super::entered::Entered;
use super::form::{once, token};
use super::page::{self, Frame, Tab, forbidden, lacking, pair, place, table};
use super::runs::word;
use super::session::Session;
use super::shown::{list, mark, text, time, whole};
use crate::access::Action;
use crate::error::Result;
use crate::wire::{ResultRows, Run, RunPhase, RunState};
use axum::extract::{Path, State};
use axum::response::{Html, Response};
use maud::{Markup, html};

/// Seconds between two looks.
const AGAIN_S: u32 = 2;
/// Bars of a chart, and the width of the longest, in its own units.
const BARS_MAX: usize = 20;
const LONGEST: f64 = 560.0;

pub(super) async fn page(
    State(console): State<Console>,
    Entered(session): Entered,
    Path((name, run)): Path<(String, String)>,
) -> std::result::Result<Html<String>, Problem> {
    let desk = console.desk(session.caller());
    let (one, _) = desk.run(&name, &run).await?;
    let me = session.caller().tenant().map(ToString::to_string).unwrap_or_default();
    let offers = desk.offers(&name, "member");
    let receives = one.state == RunState::Succeeded
        && one.receivers.contains(&me)
        && offers.may(Action::ReadResult);
    let rows = if receives { Some(desk.rows(&name, &one.run).await) } else { None };
    let (title, is_over) = (format!("Run {}", one.run), one.state.is_end());
    let live = if is_over { "done" } else { "open" };
    let body = html! {
        h1 { (title) }
        section #run aria-live="polite" aria-labelledby="run-is" data-live=(live) data-again=(AGAIN_S) {
            h2 #run-is { "Stands " (mark(word(one.state))) }
            (facts(&name, &one))
            @if let Some(rows) = &rows { (result(&name, &one.run, rows)) }
            (forbidden(&offers, Action::ReadResult, "Read the result"))
            (cancellation(&name, &one, &session, offers.may(Action::Cancel)))
        }
        @if !is_over { p.dim { "Looked at again every " (AGAIN_S) " seconds until it has ended." } }
    };
    let frame =
        Frame { again_s: (!is_over).then_some(AGAIN_S), ..Frame::of(&title, &name, Tab::Runs) };
    Ok(page::page(&frame, &session, &desk, &body))
}

fn facts(name: &str, one: &Run) -> Markup {
    let phase = one.phase.map(|phase| match phase {
        RunPhase::Running => "its room reads and computes",
        RunPhase::Verifying => "what came out is verified and written anew",
        RunPhase::Delivering => "files go to their receivers",
    });
    html! {
        dl.facts {
            (pair("Template", &html! { a href=(place(name, &format!("/templates/{}", one.template))) { (one.template) } }))
            (pair("Version", &whole(&one.digest)))
            (pair("Asked for by", &html! { (one.by) " at " (time(one.requested_at_ms)) }))
            (pair("On record", &html! { "leaf " (one.index) }))
            (pair("Room", &html! { (one.room) }))
            (pair("Received by", &list(&one.receivers)))
            @if let Some(phase) = phase { (pair("Under way", &html! { (phase) })) }
            @if let Some(code) = &one.code { (pair("Why", &html! { a href={ "/problems/" (code) } { code { (code) } } })) }
            @if let Some(rows) = one.rows { (pair("Rows", &html! { (rows) })) }
            @if let Some(withheld) = one.withheld { (pair("Groups withheld by rule", &html! { (withheld) })) }
        }
    }
}

fn cancellation(name: &str, one: &Run, session: &Session, may: bool) -> Markup {
    let is_own = session.caller().tenant().is_some_and(|own| own.as_str() == one.by);
    let may = may && one.state == RunState::Requested && is_own;
    html! {
        @if may {
            form.stack method="post" action=(place(name, &format!("/runs/{}/cancellations", one.run))) {
                (token(session, "cancel", &[name, &one.run]))
                (once())
                p { "Nothing of a stopped run is left; it counts against the cap all the same." }
                button type="submit" { "Stop this run" }
            }
        }
    }
}

fn result(name: &str, run: &str, rows: &Result<Option<ResultRows>>) -> Markup {
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => return lacking("result", error),
    };
    html! {
        h2 { "Result" }
        @match rows {
            None => p { "Rows of matched entities are at the destination, and are not shown here." },
            Some(rows) if rows.rows.is_empty() => p { "No group has entities enough." },
            Some(rows) => {
                @let heads: Vec<&str> = rows.columns.iter().map(|(name, _)| name.as_str()).collect();
                (chart(rows))
                (table(&format!("The first {} of {} rows", rows.rows.len(), rows.in_all), &heads, &html! {
                    @for row in &rows.rows { tr {
                        @for (cell, (_, of)) in row.iter().zip(&rows.columns) { td.number[is_number(of)] { (text(cell)) } }
                    } }
                }))
            }
        }
        @if let Some(rows) = rows {
            p.acts { @for file in &rows.files { a.act href=(place(name, &format!("/runs/{run}/files/{file}"))) download="" { "Download " (file) } } }
        }
    }
}

fn is_number(of: &str) -> bool {
    matches!(of, "int64" | "float64")
}

/// Bars of the first number of each row, by the first column that is none. The table beside it says the same.
fn chart(rows: &ResultRows) -> Markup {
    let at = |number: bool| rows.columns.iter().position(|(_, of)| is_number(of) == number);
    let (Some(label), Some(value)) = (at(false), at(true)) else { return html! {} };
    let bars: Vec<(&str, &str, f64)> = rows
        .rows
        .iter()
        .take(BARS_MAX)
        .filter_map(|row| {
            let (label, said) = (row.get(label)?, row.get(value)?);
            Some((label.as_str(), said.as_str(), said.parse::<f64>().ok()?))
        })
        .collect();
    let most = bars.iter().map(|(_, _, value)| *value).fold(0.0, f64::max);
    if bars.iter().any(|(_, _, value)| *value < 0.0) || !most.is_normal() {
        return html! {};
    }
    let of = rows.columns.get(value).map_or("", |(name, _)| name.as_str());
    let by = rows.columns.get(label).map_or("", |(name, _)| name.as_str());
    let height = bars.len() * 28 + 8;
    html! {
        figure.chart {
            figcaption { (text(of)) " by " (text(by)) @if rows.in_all > bars.len() as u64 { ", the first " (bars.len()) " rows" } }
            div.wide tabindex="0" role="region" aria-label="Chart" {
                svg viewBox={ "0 0 960 " (height) } width="960" height=(height) role="img" aria-label={ (of) " by " (by) ", as in the table below" } {
                    @for (n, (label, said, value)) in bars.iter().enumerate() {
                        @let y = n * 28 + 6;
                        text x="190" y=(y + 15) text-anchor="end" { (text(&short(label))) }
                        rect x="200" y=(y) width=(format!("{:.1}", value / most * LONGEST)) height="20" rx="2" {}
                        text.number x=(format!("{:.1}", 208.0 + value / most * LONGEST)) y=(y + 15) { (said) }
                    }
                }
            }
        }
    }
}

/// A label that has room beside its bar.
fn short(label: &str) -> String {
    if label.chars().count() <= 24 {
        return label.to_owned();
    }
    label.chars().take(23).chain(['…']).collect()
}

/// A file of the result.
pub(super) async fn file(
    State(console): State<Console>,
    Entered(session): Entered,
    Path((name, run, file)): Path<(String, String, String)>,
) -> std::result::Result<Response, Problem> {
    downloaded(console.desk(session.caller()).file(&name, &run, &file).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[(&str, &str)]) -> ResultRows {
        let row = |(label, value): &(&str, &str)| vec![(*label).to_owned(), (*value).to_owned()];
        let column = |name: &str, of: &str| (name.to_owned(), of.to_owned());
        ResultRows {
            columns: vec![column("campaign", "utf8"), column("people", "int64")],
            rows: values.iter().map(row).collect(),
            in_all: values.len() as u64,
            files: Vec::new(),
        }
    }

    #[test]
    fn a_chart_shows_each_row_in_proportion_and_nothing_that_would_mislead() {
        let shown = chart(&rows(&[("spring</svg>", "50"), ("autumn", "100")])).into_string();
        assert!(shown.contains("width=\"280.0\"") && shown.contains("width=\"560.0\""), "{shown}");
        assert!(shown.contains("spring&lt;/svg&gt;") && !shown.contains("style="), "{shown}");
        for none in [&[("loss", "-1"), ("gain", "1")][..], &[("none", "0")], &[]] {
            assert_eq!(chart(&rows(none)).into_string(), "", "{none:?}");
        }
        assert_eq!(short(&"x".repeat(40)).chars().count(), 24);
    }
}
