use super::*;
use crate::comparison::{Checked, Group};
use crate::model::ModelRef;
use crate::money::{Bill, CostSource, Tokens, Usage};
use crate::outcome::{Attempt, Clock, CountedUsage};
use crate::wire::{ApiError, FailureKind};

/// A matrix of so many prompts and the lanes `a/one` and `b/one`, without a call.
pub(crate) fn empty(prompts: usize) -> Matrix {
    Matrix {
        id: Ulid::from_parts(1_800_000_000_000, 7),
        started_at: Timestamp::from_second(1_800_000_000).unwrap(),
        file: "prompts.txt".to_owned(),
        prompts,
        runs: 1,
        wall: Duration::from_millis(2_500),
        lanes: vec![Tally::new("a/one", "a/one"), Tally::new("b/one", "b/one")],
        concord: Some(Concord::default()),
        left: 0,
        failures: Few::default(),
        fates: Vec::new(),
        wrong: Few::default(),
        early: Few::default(),
    }
}

/// A good call that took so many milliseconds and cost so many dollars.
pub(crate) fn good(ms: u64, usd: &str) -> Run {
    let usage = Usage { input_uncached: Tokens(10), output: Tokens(5), ..Usage::default() };
    let at = Duration::from_millis;
    let attempt =
        Attempt { started: Duration::ZERO, took: at(ms), status: Some(200), error: None, waited: None };
    let outcome = Outcome {
        status: Status::Ok,
        text: "yes".to_owned(),
        usage: Some(CountedUsage { usage, source: UsageSource::Reported }),
        bill: Bill { cost: Cost::parse_usd(usd).ok(), source: CostSource::Computed, approximate: false },
        clock: Clock {
            first_token: Some(at(ms)),
            first_visible: Some(at(ms)),
            end: at(2 * ms),
            reused: true,
            ..Clock::default()
        },
        attempts: vec![attempt],
        ..Outcome::new(ModelRef::new("a", "one"), "a/one".to_owned(), Timestamp::UNIX_EPOCH)
    };
    Run { outcome, is_warmup: false, checks: Vec::new() }
}

/// A call that may have been billed.
pub(crate) fn lost() -> Run {
    let mut run = good(1, "0");
    run.outcome.status = Status::Error;
    run.outcome.error = Some(ApiError::new(FailureKind::Timeout, "nothing came"));
    run.outcome.usage = None;
    run.outcome.bill = Bill::UNKNOWN;
    run.outcome.possibly_billed = true;
    run
}

#[test]
fn what_is_unknown_stays_unknown_in_the_sums() {
    let mut matrix = empty(3);
    matrix.add(0, "1", &good(100, "0.25"), false);
    matrix.add(0, "2", &lost(), false);
    matrix.add(0, "3", &good(300, "0.5"), false);
    let lane = &matrix.lanes[0];
    assert_eq!((lane.calls, lane.measured, lane.ok, lane.input, lane.output), (3, 3, 2, 20, 10));
    assert_eq!((lane.total.unpriced, lane.total.possibly_billed), (1, 1));
    assert_eq!(lane.per_answer().map(Cost::to_usd).as_deref(), Some("0.375"));
    assert_eq!(lane.samples().ttfv_ms, [100.0, 300.0]);
    assert_eq!(matrix.failures.first[0].what, "timed out: nothing came (possibly billed)");
    assert_eq!(matrix.lanes[1].per_answer(), None);
}

#[test]
fn warm_ups_and_replaced_calls_are_paid_and_measured_nowhere() {
    let mut matrix = empty(1);
    matrix.add(0, "1", &Run { is_warmup: true, ..good(9, "0.1") }, false);
    matrix.add(0, "1", &lost(), true);
    matrix.add(0, "1", &good(5, "0.1"), false);
    let lane = &matrix.lanes[0];
    assert_eq!((lane.calls, lane.measured, lane.ok, matrix.failures.count), (3, 1, 1, 0));
    assert_eq!((lane.total.known.to_usd().as_str(), lane.total.unpriced), ("0.2", 1));
    assert_eq!(lane.samples().ttfv_ms, [5.0]);
}

#[test]
fn calls_that_had_to_connect_are_left_out_where_others_did_not() {
    let mut matrix = empty(2);
    let mut first = good(900, "0.1");
    first.outcome.clock.reused = false;
    matrix.add(0, "1", &first, false);
    assert_eq!(matrix.lanes[0].samples().ttfv_ms, [900.0]);
    matrix.add(0, "2", &good(100, "0.1"), false);
    assert_eq!(matrix.lanes[0].samples().ttfv_ms, [100.0]);
}

#[test]
fn lists_are_bounded_and_counts_are_not() {
    let mut matrix = empty(100);
    let check = Checked { check: "json".to_owned(), failure: Some("it is not".to_owned()) };
    for prompt in 0..100 {
        let id = prompt.to_string();
        matrix.add(0, &id, &lost(), false);
        matrix.add(1, &id, &Run { checks: vec![check.clone()], ..good(1, "1") }, false);
        let groups = vec![
            Group { lanes: vec![0], answer: "yes".to_owned() },
            Group { lanes: vec![1], answer: "no".to_owned() },
        ];
        matrix.add_agreement(&id, &Agreement { groups, fields: Vec::new() });
    }
    assert_eq!((matrix.failures.count, matrix.failures.first.len(), matrix.failures.more()), (100, 12, 88));
    assert_eq!((matrix.wrong.count, matrix.wrong.first[11].prompt_id.as_str()), (100, "11"));
    let concord = matrix.concord.as_ref().unwrap();
    assert_eq!((concord.compared, concord.unanimous, concord.split.len()), (100, 0, 12));
    // One against one is no majority.
    assert_eq!((matrix.lanes[0].agreed, matrix.lanes[1].odd), (0, 0));
}
