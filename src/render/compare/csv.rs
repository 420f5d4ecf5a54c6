//! A comparison as CSV: a line a call, every call of it. An empty field is
//! unknown. Texts from outside are no formulas: see [`crate::render::csv`].

use ulid::Ulid;

use crate::comparison::{Comparison, Run};
use crate::render::csv::{row, text};

/// The names of the fields. New ones are only ever added at the end.
const HEADER: [&str; 41] = [
    "comparison",
    "call",
    "started_at",
    "lane",
    "model",
    "run",
    "warmup",
    "status",
    "finish",
    "native_finish",
    "served_model",
    "served_by",
    "cached",
    "connect_ms",
    "ttft_ms",
    "ttfv_ms",
    "e2e_ms",
    "wall_ms",
    "tpot_ms",
    "decode_tps",
    "longest_gap_ms",
    "reused",
    "requests",
    "input",
    "input_uncached",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "reasoning",
    "usage_source",
    "cost_usd",
    "cost_source",
    "cost_approximate",
    "possibly_billed",
    "checks_passed",
    "checks_failed",
    "error_kind",
    "error_status",
    "error",
    "text",
];

/// The header of many prompts: a line a call, and the prompt's id at its end.
pub fn csv_of_prompts() -> String {
    row(HEADER.into_iter().chain(["prompt_id"]))
}

/// The line of one call of one of many prompts. `number`: which run of the lane
/// and the prompt, warm-ups and measured ones each counted from 1.
pub fn csv_of_prompt(comparison: Ulid, name: &str, run: &Run, number: usize, prompt_id: &str) -> String {
    let mut fields = fields(comparison, name, run, number);
    fields.push(text(prompt_id));
    row(fields.iter().map(String::as_str))
}

/// A header and a line a call. Runs count from 1 within their lane, warm-ups
/// and measured ones each for themselves.
pub fn csv(comparison: &Comparison) -> String {
    let mut out = row(HEADER);
    for lane in &comparison.lanes {
        let (mut warmups, mut measured) = (0, 0);
        for run in &lane.runs {
            let count: &mut usize = if run.is_warmup { &mut warmups } else { &mut measured };
            *count += 1;
            let fields = fields(comparison.id, &lane.name, run, *count);
            out.push_str(&row(fields.iter().map(String::as_str)));
        }
    }
    out
}

fn fields(comparison: Ulid, name: &str, run: &Run, number: usize) -> Vec<String> {
    let outcome = &run.outcome;
    let error = outcome.error.as_ref();
    let known = |value: Option<&String>| value.map(|value| text(value)).unwrap_or_default();
    let mut fields = vec![
        comparison.to_string(),
        outcome.id.to_string(),
        outcome.started_at.to_string(),
        text(name),
        text(&outcome.model.to_string()),
        number.to_string(),
        run.is_warmup.to_string(),
        outcome.status.as_str().to_owned(),
        outcome.finish.map_or("", |finish| finish.as_str()).to_owned(),
        known(outcome.native_finish.as_ref()),
        known(outcome.served_model.as_ref()),
        known(outcome.served_by.as_ref()),
        outcome.cached.to_string(),
    ];
    fields.extend(times(run));
    fields.extend(tokens(run));
    let failed = run.checks.iter().filter(|check| check.failure.is_some()).count();
    let checks = |count: usize| if run.checks.is_empty() { String::new() } else { count.to_string() };
    fields.extend([
        outcome.bill.cost.map(|cost| cost.to_usd()).unwrap_or_default(),
        outcome.bill.source.as_str().to_owned(),
        outcome.bill.approximate.to_string(),
        outcome.possibly_billed.to_string(),
        checks(run.checks.len() - failed),
        checks(failed),
        error.map_or("", |error| error.kind.as_str()).to_owned(),
        error.and_then(|error| error.status).map(|status| status.to_string()).unwrap_or_default(),
        error.map(|error| text(&error.message)).unwrap_or_default(),
        text(&outcome.text),
    ]);
    fields
}

fn times(run: &Run) -> [String; 10] {
    let timing = run.outcome.timing();
    let figure = |value: Option<f64>, decimals: usize| {
        value.map(|value| format!("{value:.decimals$}")).unwrap_or_default()
    };
    [
        figure(timing.connect_ms, 1),
        figure(timing.ttft_ms, 1),
        figure(timing.ttfv_ms, 1),
        figure(timing.e2e_ms, 1),
        figure(timing.wall_ms, 1),
        figure(timing.tpot_ms, 2),
        figure(timing.decode_tps, 2),
        figure(timing.longest_gap_ms, 1),
        timing.reused.to_string(),
        run.outcome.attempts.len().to_string(),
    ]
}

fn tokens(run: &Run) -> [String; 8] {
    let Some(counted) = run.outcome.usage else { return Default::default() };
    let usage = &counted.usage;
    [
        usage.input().to_string(),
        usage.input_uncached.to_string(),
        usage.cache_read.to_string(),
        usage.cache_write_5m.to_string(),
        usage.cache_write_1h.to_string(),
        usage.output.to_string(),
        usage.reasoning.to_string(),
        counted.source.as_str().to_owned(),
    ]
}
