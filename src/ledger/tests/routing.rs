//! What routing reads of the ledger.

use std::time::Duration;

use super::*;
use crate::outcome::Clock;
use crate::wire::{ApiError, FailureKind};

/// A streamed call of `a/one`, changed as a test wants it.
fn call(ledger: &mut Ledger, prompt: &str, change: &dyn Fn(&mut Outcome)) {
    let mut outcome = answered("yes");
    outcome.model = ModelRef::new("a", "one");
    outcome.clock = Clock {
        connected: Some(Duration::from_millis(20)),
        first_visible: Some(Duration::from_millis(300)),
        end: Duration::from_millis(900),
        ..Clock::default()
    };
    let usage = Usage { output: Tokens(40), ..Usage::default() };
    outcome.usage = Some(CountedUsage { usage, source: UsageSource::Reported });
    change(&mut outcome);
    append(ledger, &asked(prompt), &outcome, outcome.id);
}

fn failed(outcome: &mut Outcome, kind: FailureKind) {
    outcome.status = Status::Error;
    outcome.error = Some(ApiError::new(kind, "no"));
}

fn empty() -> Ledger {
    Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap()
}

#[test]
fn samples_come_newest_first_and_only_from_what_measures_something() {
    let mut ledger = empty();
    call(&mut ledger, &"x".repeat(400), &|outcome| outcome.served_by = Some("Upstream".to_owned()));
    call(&mut ledger, "?", &|outcome| outcome.clock.reused = true);
    call(&mut ledger, "?", &|outcome| outcome.streamed = false);
    call(&mut ledger, "?", &|outcome| outcome.cached = true);
    call(&mut ledger, "?", &|outcome| outcome.status = Status::Cancelled);
    call(&mut ledger, "?", &|outcome| outcome.status = Status::Partial);
    call(&mut ledger, "?", &|outcome| failed(outcome, FailureKind::BadRequest));
    call(&mut ledger, "?", &|outcome| failed(outcome, FailureKind::ContextLength));
    call(&mut ledger, "?", &|outcome| failed(outcome, FailureKind::Overloaded));
    call(&mut ledger, "?", &|outcome| outcome.model = ModelRef::new("b", "one"));
    let (one, other) = (ModelRef::new("a", "one"), ModelRef::new("a", "none"));
    let samples = ledger.samples(&[&one, &other]).unwrap();
    assert_eq!((samples[0].len(), samples[1].len()), (4, 0));
    let [failure, whole, warm, first] = samples[0].as_slice() else { panic!("{samples:?}") };
    assert_eq!((failure.failed, whole.first_visible_ms, warm.connect_ms), (true, None, Some(0.0)));
    assert_eq!((first.input, first.output, first.host.as_deref()), (100, Some(40), Some("Upstream")));
    assert_eq!((first.connect_ms, first.first_visible_ms, first.end_ms), (Some(20.0), Some(300.0), 900.0));
    assert_eq!(ledger.calls_made().unwrap(), 10);
}

#[test]
fn only_the_latest_of_a_model_are_read_and_from_the_index_alone() {
    let mut ledger = empty();
    for n in 0..60_u64 {
        call(&mut ledger, "?", &|outcome| outcome.clock.end = Duration::from_millis(n));
    }
    let samples = ledger.samples(&[&ModelRef::new("a", "one")]).unwrap().remove(0);
    let ends: Vec<f64> = samples.iter().map(|sample| sample.end_ms).collect();
    assert_eq!((ends.len(), ends[0], ends[49]), (50, 59.0, 10.0));
    let plan: String = ledger
        .connection
        .query_row(
            &format!("EXPLAIN QUERY PLAN {}", crate::ledger::routing::LATEST),
            ["a", "one", "50"],
            |row| row.get("detail"),
        )
        .unwrap();
    assert!(plan.contains("COVERING INDEX calls_by_model"), "{plan}");
}

#[test]
fn the_usual_answer_is_the_median_to_prompts_of_about_that_size() {
    let mut ledger = empty();
    for (chars, tokens) in [(40, 10), (50, 30), (60, 20), (4_000, 900), (4_000, 901)] {
        let prompt = "x".repeat(chars);
        call(&mut ledger, &prompt, &|outcome| {
            let usage = Usage { output: Tokens(tokens), ..Usage::default() };
            outcome.usage = Some(CountedUsage { usage, source: UsageSource::Reported });
        });
    }
    let usual = |chars| ledger.usual_output(chars).unwrap();
    assert_eq!([usual(50), usual(4_000), usual(2_000_000)], [Some(20), Some(900), None]);
}
