//! What is said of a comparison in words, where it is not what it usually is.

use insta::assert_snapshot;

use super::*;
use crate::comparison::{Agreement, Group};

fn said(lanes: Vec<LaneResult>) -> String {
    summary(&comparison(lanes), &output(80))
}

/// The same without any first word, as of an answer in one piece.
fn in_one_piece(mut lane: LaneResult) -> LaneResult {
    for run in &mut lane.runs {
        let clock = &mut run.outcome.clock;
        (clock.first_token, clock.first_visible, clock.last_token) = (None, None, None);
    }
    lane
}

fn runs(name: &str, firsts: impl IntoIterator<Item = u64>) -> LaneResult {
    lane(name, firsts.into_iter().map(|first| run(name, "Yes", first, "0.001")).collect())
}

#[test]
fn answers_in_one_piece_are_compared_by_their_end() {
    let lanes = [one("a/x", "Yes", 100, "0.001"), one("b/y", "Yes", 200, "0.002")].map(in_one_piece);
    let page = html(&comparison(lanes.to_vec()));
    assert!(page.contains("<title>a/x: 0.30 s in all</title>"), "{page}");
    assert_snapshot!(said(lanes.into()), @"
    a/x was fastest: 0.30 s in all
      2.00 times faster than b/y
      one run each, so this may be chance; `--runs 4` could tell
    a/x was cheapest: $0.001
      2.00 times cheaper than b/y
    cost of both calls: $0.003
    ");
}

#[test]
fn who_begins_first_may_be_done_last() {
    let mut late = one("a/x", "Yes", 100, "0.001");
    late.runs[0].outcome.clock.end = Duration::from_secs(9);
    assert_snapshot!(said(vec![late, one("b/y", "Yes", 200, "0.001")]), @"
    a/x was first: 0.10 s to the first word
      2.00 times faster than b/y
      one run each, so this may be chance; `--runs 4` could tell
    b/y was done first: 0.60 s in all
    both cost the same: $0.001
    cost of both calls: $0.002
    ");
}

#[test]
fn ratios_have_the_figures_that_count() {
    assert_snapshot!(said(vec![one("a/x", "Yes", 3, "0.000001"), one("b/y", "Yes", 60, "0.001"), one("c/z", "Yes", 600, "0.1")]), @"
    a/x was first: 3 ms to the first word
      20.0 times faster than b/y
      200 times faster than c/z
      one run each, so this may be chance; `--runs 4` could tell
    a/x was cheapest: $0.000001
      1000 times cheaper than b/y
      100000 times cheaper than c/z
    cost of all 3 calls: $0.101001
    ");
    assert_snapshot!(said(vec![one("a/x", "Yes", 0, "0"), one("b/y", "Yes", 60, "0")]), @"
    a/x was first: 0 ms to the first word
      faster than b/y
      one run each, so this may be chance
    neither cost anything
    cost of both calls: $0.00
    ");
}

/// Linear axes would put all but one of them into a corner.
#[test]
fn far_apart_are_drawn_on_a_log_scale() {
    let lanes = [(3, "0.000001"), (60, "0.001"), (6_000, "0.1")];
    let lanes =
        lanes.into_iter().enumerate().map(|(at, (first, usd))| one(&format!("a/{at}"), "Yes", first, usd));
    let page = html(&comparison(lanes.collect()));
    assert!(page.contains("<span class=\"key\">time and cost on a log scale</span>"), "{page}");
}

#[test]
fn a_difference_that_may_be_chance_is_none() {
    let even = [100, 140, 90, 130, 110, 120];
    assert_snapshot!(said(vec![runs("a/x", even), runs("b/y", even.map(|first| first + 12))]), @"
    a/x was first: 0.12 s to the first word (median)
      no difference shown to b/y
    both cost the same: $0.001
    cost of all 12 calls: $0.012
    ");
}

#[test]
fn a_call_that_was_ended_has_no_error() {
    let mut ended = one("b/y", "", 100, "0");
    (ended.runs[0].outcome.status, ended.runs[0].outcome.finish) = (Status::Cancelled, None);
    let mut skipped = ended.clone();
    (skipped.name, skipped.runs[0].outcome.status) = ("c/z".to_owned(), Status::Skipped);
    assert_snapshot!(said(vec![one("a/x", "Yes", 100, "0.001"), ended, skipped]), @"
    2 of 3 models failed
      b/y: interrupted
      c/z: not asked
    cost of all 3 calls: $0.001
    ");
}

#[test]
fn of_a_long_answer_the_beginning_stands_for_it() {
    let long = "word ".repeat(40);
    let mut all = comparison(vec![
        one("a/x", &long, 100, "0.001"),
        one("b/y", &long, 100, "0.001"),
        one("c/z", "No", 100, "0.001"),
    ]);
    let group = |lanes: &[usize], answer: &str| Group { lanes: lanes.into(), answer: answer.to_owned() };
    let groups = vec![group(&[0, 1], &long), group(&[2], "No")];
    all.agreement = Some(Agreement { groups, fields: Vec::new() });
    let said = summary(&all, &output(80));
    assert!(
        said.contains("\n  a/x, b/y agree: word word word word word word word word word word word word…\n"),
        "{said}"
    );
}

#[test]
fn an_answer_from_a_cache_has_no_times() {
    let mut cached = one("a/x", "Yes", 100, "0.001");
    cached.runs[0].outcome.cached = true;
    let both = comparison(vec![cached, one("b/y", "Yes", 200, "0.001")]);
    let text = cards::cards(&both, &sheet(&both), &output(80));
    assert!(text.contains("\nnote: from the provider's cache: no time is a measurement\n"), "{text}");
    assert_eq!(cells(&both, Figure::Total), ["– (cached)", "0.60 s"]);
}

#[test]
fn of_some_runs_the_cost_is_unknown() {
    let mut some = runs("a/x", [100, 100, 100]);
    some.runs[2].outcome.bill.cost = None;
    let both = comparison(vec![some, runs("b/y", [100, 100, 100])]);
    let shown = ["$0.001 (≥ $0.002 for all 3, 1 unpriced)", "$0.001 ($0.003 for all 3)"];
    assert_eq!(cells(&both, Figure::Cost), shown);
}

#[test]
fn a_first_run_that_was_slow_is_told() {
    let slow = runs("a/x", [900, 100, 101, 102, 99, 100]);
    let both = comparison(vec![slow, runs("b/y", [100, 101, 102, 99, 100, 101])]);
    let shown = ["0.10 s (± 1 ms, n=6, first run slow)", "0.10 s (± 1 ms, n=6)"];
    assert_eq!(cells(&both, Figure::FirstWord), shown);
}

#[test]
fn a_rough_price_is_explained() {
    let mut rough = one("a/x", "Yes", 100, "0.001");
    rough.runs[0].outcome.bill.approximate = true;
    let both = comparison(vec![rough, one("b/y", "Yes", 200, "0.002")]);
    let text = text(&both, View::Table, Sort::Given, &output(80));
    assert!(text.contains("\n* the best · ≈ the price is approximate\n"), "{text}");
    let mut unpriced = both.clone();
    unpriced.lanes[1].runs[0].outcome.bill.cost = None;
    assert!(said(unpriced.lanes).ends_with("cost of both calls: ≥ ~$0.001 (1 call unpriced)\n"));
}
