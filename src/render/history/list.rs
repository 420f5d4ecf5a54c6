//! A line a call, in columns.

use jiff::tz::TimeZone;

use super::{Clean, NOTHING, about, costs_nothing};
use crate::ledger::Listed;
use crate::money::CostSource;
use crate::outcome::{CountedUsage, Status};
use crate::render::columns::{self, Column, Place, one_line, rows, taken};
use crate::render::spending::in_words;

/// Letters of an id that make up its time, to the millisecond. More are shown
/// where two calls began within the same one.
const SHORT_ID: usize = 10;

/// The least room for the beginning of a prompt; where a terminal is too
/// narrow for it, other columns give way.
const LEAST_PROMPT: usize = 20;

/// The room that a model's name may be cut down to: at first, and where
/// nothing else is left to give way.
pub(super) const LEAST_MODEL: [usize; 2] = [18, 8];

/// One line a call, in columns, none wider than `width` unless ids alone fill
/// it; `usize::MAX` cuts nothing. Where it is narrow,
/// the tokens go first, then the year, then names of models get shorter, then
/// cost, time and status go.
pub fn list(calls: &[Listed], width: usize, zone: &TimeZone, clean: Clean<'_>) -> String {
    let mut columns = columns(calls, zone, clean);
    fit(&mut columns, Column::new(times(calls, zone, "%m-%d %H:%M"), Place::Left), width);
    rows(&columns, calls.len()).into_iter().map(|line| line + "\n").collect()
}

/// The same as a Markdown table.
pub fn markdown(calls: &[Listed], zone: &TimeZone, clean: Clean<'_>) -> String {
    let mut columns = columns(calls, zone, clean);
    let heads = ["id", "at", "model", "status", "tokens", "cost", "prompt"];
    for (column, head) in columns.iter_mut().zip(heads) {
        column.cells.insert(0, head.to_owned());
    }
    columns::markdown(&columns, calls.len() + 1)
}

/// The same for screen readers: a line a fact, a blank line between calls.
pub fn read_out(calls: &[Listed], zone: &TimeZone, clean: Clean<'_>) -> String {
    let (ids, times) = (short_ids(calls), times(calls, zone, "%Y-%m-%d %H:%M"));
    let block = |((call, id), at): ((&Listed, String), String)| {
        let mut text = format!("id: {id}\nat: {at}\nmodel: {}\n", one_line(&clean(&call.lane)));
        text += &format!("status: {}\n", call.status.as_str());
        if let Some(counted) = &call.usage {
            let (about, usage) = (in_words(about(counted)), &counted.usage);
            text += &format!("tokens: {about}{} in, {about}{} out\n", usage.input(), usage.output);
        }
        let cost = Some(price(call)).filter(|cost| cost != NOTHING);
        text += &format!("cost: {}\n", cost.map_or_else(|| "none".to_owned(), |cost| in_words(&cost)));
        text + &format!("prompt: {}\n", one_line(&clean(&call.prompt)))
    };
    calls.iter().zip(ids).zip(times).map(block).collect::<Vec<_>>().join("\n")
}

fn columns(calls: &[Listed], zone: &TimeZone, clean: Clean<'_>) -> Vec<Column> {
    let column =
        |place, cell: &dyn Fn(&Listed) -> String| Column::new(calls.iter().map(cell).collect(), place);
    let status = |call: &Listed| match call.status {
        Status::Ok => String::new(),
        other => other.as_str().to_owned(),
    };
    vec![
        Column::new(short_ids(calls), Place::Left),
        Column::new(times(calls, zone, "%Y-%m-%d %H:%M"), Place::Left),
        column(Place::End, &|call| one_line(&clean(&call.lane))),
        column(Place::Left, &status),
        column(Place::Right, &|call| call.usage.map(|counted| arrow(&counted)).unwrap_or_default()),
        column(Place::Right, &price),
        column(Place::Left, &|call| one_line(&clean(&call.prompt))),
    ]
}

fn times(calls: &[Listed], zone: &TimeZone, format: &str) -> Vec<String> {
    let time = |call: &Listed| call.started_at.to_zoned(zone.clone()).strftime(format).to_string();
    calls.iter().map(time).collect()
}

const TIME: usize = 1;
const MODEL: usize = 2;
const STATUS: usize = 3;
const TOKENS: usize = 4;
const COST: usize = 5;

/// Narrows columns until all of them fit.
fn fit(columns: &mut [Column], time_without_year: Column, width: usize) {
    let excess = |columns: &[Column]| {
        let prompt = columns.last().map_or(0, |prompt| prompt.width);
        let others = &columns[..columns.len().saturating_sub(1)];
        (taken(others) + prompt.min(LEAST_PROMPT)).saturating_sub(width)
    };
    let shrink = |columns: &mut [Column], which: usize, least: usize| {
        let now = columns[which].width;
        columns[which].width = now.saturating_sub(excess(columns)).max(now.min(least));
    };
    let drop = |columns: &mut [Column], which: usize| {
        if excess(columns) > 0 {
            columns[which].width = 0;
        }
    };
    drop(columns, TOKENS);
    if excess(columns) > 0 {
        columns[TIME] = time_without_year;
    }
    shrink(columns, MODEL, LEAST_MODEL[0]);
    for which in [COST, TIME, STATUS] {
        drop(columns, which);
    }
    shrink(columns, MODEL, LEAST_MODEL[1]);
    if let Some((prompt, others)) = columns.split_last_mut() {
        prompt.width = prompt.width.min(width.saturating_sub(taken(others)));
    }
}

/// The beginnings of the ids, as long as it takes to tell them apart.
pub(super) fn short_ids(calls: &[Listed]) -> Vec<String> {
    let ids: Vec<String> = calls.iter().map(|call| call.id.to_string()).collect();
    let mut sorted: Vec<&str> = ids.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let shared = |pair: &[&str]| pair[0].bytes().zip(pair[1].bytes()).take_while(|(a, b)| a == b).count();
    let longest = sorted.windows(2).map(shared).max().unwrap_or(0);
    let length = SHORT_ID.max(longest + 1);
    ids.into_iter().map(|id| id.chars().take(length).collect()).collect()
}

/// `312 → 128`, with `~` where it was estimated.
fn arrow(counted: &CountedUsage) -> String {
    let about = about(counted);
    format!("{about}{} → {about}{}", counted.usage.input(), counted.usage.output)
}

/// A cost in one word; `?` where it is unknown, `–` where nothing was served,
/// `local` or `free` where there is nothing to pay.
fn price(call: &Listed) -> String {
    let bill = &call.bill;
    let Some(cost) = bill.cost else { return "?".to_owned() };
    if costs_nothing(call.status, call.usage.as_ref(), bill, call.possibly_billed) {
        return NOTHING.to_owned();
    }
    if matches!(bill.source, CostSource::Local | CostSource::Free) {
        return bill.source.as_str().to_owned();
    }
    let about = bill.approximate || call.possibly_billed || bill.source == CostSource::Estimated;
    format!("{}{}", if about { "~" } else { "" }, cost.to_display())
}
