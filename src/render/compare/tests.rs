//! Comparisons to be shown.

use std::time::Duration;

mod any;
mod figures;
mod files;
mod views;
mod words;

use super::sheet::{Figure, sheet};
use super::*;
use crate::chat::Finish;
use crate::comparison::{Checked, LaneResult, Run};
use crate::model::ModelRef;
use crate::money::{Bill, Cost, CostSource, Tokens, Usage, UsageSource};
use crate::outcome::{Attempt, Clock, CountedUsage, Outcome, Status};
use crate::render::output::OutputInputs;
use crate::wire::{ApiError, FailureKind};

fn output(width: usize) -> Output {
    Output { width, ..Output::decide(&OutputInputs::default()) }
}

/// A complete answer; the first word came after `first` milliseconds, the end
/// after three times as many.
fn run(model: &str, text: &str, first: u64, usd: &str) -> Run {
    let model = ModelRef::split(model).unwrap();
    let at = Duration::from_millis;
    let mut outcome = Outcome::new(model, String::new(), "2026-11-22T12:00:00Z".parse().unwrap());
    outcome.id = "01KAM0000000000000000000AB".parse().unwrap();
    outcome.status = Status::Ok;
    outcome.finish = Some(Finish::Stop);
    outcome.text = text.to_owned();
    outcome.clock = Clock {
        first_token: Some(at(first)),
        first_visible: Some(at(first)),
        last_token: Some(at(first * 3)),
        end: at(first * 3),
        token_reads: 9,
        ..Clock::default()
    };
    outcome.wall = outcome.clock.end;
    outcome.attempts =
        vec![Attempt { started: at(0), took: outcome.wall, status: Some(200), error: None, waited: None }];
    let usage = Usage { input_uncached: Tokens(12), output: Tokens(101), ..Usage::default() };
    outcome.usage = Some(CountedUsage { usage, source: UsageSource::Reported });
    outcome.bill =
        Bill { cost: Some(Cost::parse_usd(usd).unwrap()), source: CostSource::Computed, approximate: false };
    Run { outcome, is_warmup: false, checks: Vec::new() }
}

fn failed(model: &str, text: &str, kind: FailureKind, message: &str) -> Run {
    let mut run = run(model, text, 100, "0.0005");
    run.outcome.status = if text.is_empty() { Status::Error } else { Status::Partial };
    run.outcome.finish = (!text.is_empty()).then_some(Finish::Cut);
    run.outcome.error = Some(ApiError::new(kind, message));
    if text.is_empty() {
        run.outcome.usage = None;
        run.outcome.bill.cost = Some(Cost::ZERO);
    } else {
        run.outcome.possibly_billed = true;
        run.outcome.bill.source = CostSource::Estimated;
        run.outcome.usage.as_mut().unwrap().source = UsageSource::Estimated;
    }
    run
}

fn lane(name: &str, runs: Vec<Run>) -> LaneResult {
    LaneResult { name: name.to_owned(), route: serde_json::Value::Null, runs }
}

fn comparison(lanes: Vec<LaneResult>) -> Comparison {
    Comparison {
        id: "01KAM0000000000000000000AA".parse().unwrap(),
        started_at: "2026-11-22T12:00:00Z".parse().unwrap(),
        prompt: "Where is the Eiffel Tower?".to_owned(),
        wall: Duration::from_secs(2),
        lanes,
        agreement: None,
    }
}

fn one(name: &str, text: &str, first: u64, usd: &str) -> LaneResult {
    lane(name, vec![run(name, text, first, usd)])
}

fn two() -> Comparison {
    let code = "In **Paris**:\n\n```sh\ncurl https://example.com/a/long/address\n```\n";
    comparison(vec![
        one("openai/gpt-6.1-sol", code, 410, "0.001904"),
        one("groq/openai/gpt-oss-120b", "埃菲尔铁塔位于巴黎。🎉 It is in Paris.", 210, "0.0000731"),
    ])
}

fn with_failures() -> Comparison {
    let mut partial = failed("groq/x", "It is in", FailureKind::Broken, "connection reset");
    // Only whole answers are judged.
    partial.checks =
        vec![Checked { check: "json".to_owned(), failure: Some("the answer is not whole".to_owned()) }];
    let nothing = failed("ollama/qwen3", "", FailureKind::Connect, "connection refused");
    let mut asked = one("openai/gpt", "Paris", 300, "0.002");
    asked.runs[0].checks = vec![
        Checked { check: "contains:Paris".to_owned(), failure: None },
        Checked { check: "json".to_owned(), failure: Some("not JSON".to_owned()) },
    ];
    comparison(vec![asked, lane("groq/x", vec![partial]), lane("ollama/qwen3", vec![nothing])])
}

fn cells(comparison: &Comparison, figure: Figure) -> Vec<String> {
    let row = sheet(comparison).row(figure).cloned().unwrap();
    row.cells.iter().map(|cell| table::figure(cell, &output(80))).collect()
}
