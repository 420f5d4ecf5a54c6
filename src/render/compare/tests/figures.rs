//! Which figures are shown, how they are ranked, and what they come to.

use insta::assert_snapshot;

use super::*;
use crate::comparison::{Agreement, Group};
use crate::money::Bill;

#[test]
fn figures_of_several_runs_are_medians_with_their_spread() {
    let series = |name: &str, base: u64| {
        let runs = (0..12).map(|at| run(name, "Paris", base + at * 7 % 40, "0.002"));
        let warmup = Run { is_warmup: true, ..run(name, "Paris", base * 9, "0.002") };
        let broken = failed(name, "", FailureKind::Server, "oops");
        lane(name, std::iter::once(warmup).chain(runs).chain([broken]).collect())
    };
    let several = comparison(vec![series("a/fast", 200), series("b/slow", 500), series("c/alike", 203)]);
    assert_snapshot!(cells(&several, Figure::FirstWord).join("\n"), @r#"
    0.22 s * (± 11 ms, p90 0.24 s, n=12)
    0.52 s (± 11 ms, p90 0.54 s, n=12)
    0.22 s * (± 11 ms, p90 0.24 s, n=12)
    "#);
    assert_snapshot!(cells(&several, Figure::Cost).join("\n"), @r#"
    $0.002 ($0.026 for all 14)
    $0.002 ($0.026 for all 14)
    $0.002 ($0.026 for all 14)
    "#);
    assert_snapshot!(cells(&several, Figure::Finish).join("\n"), @r#"
    12/13 ok (1 error)
    12/13 ok (1 error)
    12/13 ok (1 error)
    "#);
    assert_snapshot!(summary(&several, &output(80)), @r#"
    a/fast and c/alike were first: 0.22 s to the first word (median)
      2.37 times faster than b/slow (between 2.24 and 2.52)
    all cost the same: $0.002
    3 of 39 calls failed
      a/fast: the provider failed
      b/slow: the provider failed
      c/alike: the provider failed
    cost of all 42 calls: $0.078
    "#);
}

#[test]
fn calls_that_connected_first_are_left_out_where_others_did_not() {
    let mut cold = one("a/a", "Paris", 900, "0.1");
    for first in [300, 310] {
        let mut warm = run("a/a", "Paris", first, "0.1");
        warm.outcome.clock.reused = true;
        cold.runs.push(warm);
    }
    assert_snapshot!(cells(&comparison(vec![cold]), Figure::FirstWord).join("\n"), @"0.31 s (± 5 ms, n=2)");
}

#[test]
fn the_best_is_a_whole_answer_and_truly_better() {
    let best = |lanes: Vec<LaneResult>, figure| {
        let row = sheet(&comparison(lanes)).row(figure).cloned().unwrap();
        row.cells.iter().map(|cell| cell.best).collect::<Vec<_>>()
    };
    let lanes =
        |firsts: &[u64]| firsts.iter().map(|first| one("a/a", "x", *first, "0.1")).collect::<Vec<_>>();
    assert_eq!(best(lanes(&[300, 200, 400]), Figure::FirstWord), [false, true, false]);
    // The text says the same of both, and of all.
    assert_eq!(best(lanes(&[202, 201, 400]), Figure::FirstWord), [true, true, false]);
    assert_eq!(best(lanes(&[202, 201]), Figure::FirstWord), [false, false]);
    assert_eq!(best(lanes(&[200]), Figure::FirstWord), [false]);
    assert_eq!(best(lanes(&[300, 200, 400]), Figure::Output), [false; 3]);
    // Refusals, blank answers, answers from caches and failures win nothing.
    let mut some = lanes(&[300, 100, 90, 80, 400]);
    some[1].runs[0].outcome.finish = Some(Finish::Refusal);
    some[2].runs[0].outcome.text = " \n".to_owned();
    some[3].runs[0].outcome.cached = true;
    some[3].runs[0].outcome.bill.cost = Some(Cost::ZERO);
    some.push(lane("b/b", vec![failed("b/b", "half", FailureKind::Broken, "")]));
    assert_eq!(best(some.clone(), Figure::FirstWord), [true, false, false, false, false, false]);
    assert_eq!(best(some.clone(), Figure::Cost), [false; 6]);
    assert_eq!(cells(&comparison(some), Figure::FirstWord)[3..], ["– (cached)", "0.40 s", "–"]);
}

#[test]
fn what_is_unknown_is_no_zero() {
    let mut lanes = vec![one("a/a", "x", 300, "0.1"), one("b/b", "x", 300, "0.2"), one("c/c", "x", 300, "0")];
    lanes[0].runs[0].outcome.bill = Bill::UNKNOWN;
    lanes[0].runs[0].outcome.usage = None;
    lanes[1].runs[0].outcome.streamed = false;
    lanes[2].runs[0].outcome.bill = Bill::LOCAL;
    lanes.push(lane(
        "d/d",
        vec![Run {
            outcome: Outcome::new(
                ModelRef::new("d", "d"),
                String::new(),
                "2026-11-22T12:00:00Z".parse().unwrap(),
            ),
            is_warmup: false,
            checks: Vec::new(),
        }],
    ));
    let of = comparison(lanes);
    assert_eq!(cells(&of, Figure::Cost), ["?", "$0.20", "local *", "–"]);
    assert_eq!(cells(&of, Figure::Output), ["–", "101", "101", "–"]);
    assert_eq!(cells(&of, Figure::Speed), ["–", "–", "167 tok/s", "–"]);
    assert_eq!(cells(&of, Figure::FirstWord), ["0.30 s", "–", "0.30 s", "–"]);
    assert_snapshot!(summary(&of, &output(80)), @r#"
    a/a and c/c were first: 0.30 s to the first word
    c/c was cheapest of those with a known price: local
      the price of a/a is unknown
    1 of 4 models failed
      d/d: not asked
    cost of all 4 calls: ≥ $0.20 (1 call unpriced)
    "#);
}

#[test]
fn lanes_are_ordered_by_a_figure_and_those_without_it_stand_last() {
    let of = with_failures();
    assert_eq!(order(&of, Sort::Cost), [0, 1, 2]);
    let lanes = vec![
        lane("f/f", vec![failed("f/f", "", FailureKind::Server, "")]),
        one("a/a", "x", 300, "0.1"),
        one("b/b", "x", 200, "0.3"),
        one("c/c", "x", 400, "0.2"),
    ];
    let of = comparison(lanes);
    assert_eq!(order(&of, Sort::Given), [0, 1, 2, 3]);
    assert_eq!(order(&of, Sort::Latency), [2, 1, 3, 0]);
    assert_eq!(order(&of, Sort::Cost), [1, 3, 2, 0]);
    assert_eq!(order(&of, Sort::Speed), [2, 1, 3, 0]);
}

#[test]
fn agreement_names_the_odd_ones_in_any_order() {
    let mut of = comparison(vec![
        one("a/a", "paris", 300, "0.1"),
        one("b/b", "lyon", 200, "0.1"),
        one("c/c", "paris", 250, "0.1"),
    ]);
    let group = |lanes: &[usize], answer: &str| Group { lanes: lanes.to_vec(), answer: answer.to_owned() };
    of.agreement = Some(Agreement {
        groups: vec![group(&[0, 2], "paris"), group(&[1], "ly\x1b[2Jon")],
        fields: vec!["city".to_owned()],
    });
    let shown = text(&of, View::Cards, Sort::Latency, &output(80));
    let shown: Vec<&str> = shown
        .lines()
        .filter(|line| {
            line.contains("answer") || line.contains(": p") || line.contains("lyon") || line.contains("city")
        })
        .collect();
    assert_snapshot!(shown.join("\n"), @r#"
    lyon
    2 different answers among 3
      c/c, a/a agree: paris
      b/b stands alone: lyon
      they differ in `city`
    "#);
    of.agreement = Some(Agreement { groups: vec![group(&[0, 1, 2], "x")], fields: Vec::new() });
    assert!(summary(&of, &output(80)).contains("all 3 answers agree\ncost of"));
    let again = of.lanes[0].runs[0].clone();
    of.lanes[0].runs.push(again);
    let said = summary(&of, &output(80));
    assert!(said.contains("all 3 answers agree\n  of several runs the answer shown counts\n"), "{said}");
}

fn said(comparison: &Comparison) -> String {
    summary(comparison, &output(100))
}

#[test]
fn as_many_runs_are_asked_for_as_will_count() {
    // The first of four connects, so three count where four are needed.
    let series = |name: &str, first: u64| {
        let runs = (0..4).map(|at| {
            let mut run = run(name, "Paris", first + at, "0.1");
            run.outcome.clock.reused = at > 0;
            run
        });
        lane(name, runs.collect())
    };
    let four = comparison(vec![series("a/a", 200), series("b/b", 400)]);
    assert!(
        said(&four).contains("too few runs, so this may be chance; `--runs 5` could tell"),
        "{}",
        said(&four)
    );
    let legend = |of: &Comparison| text(of, View::Table, Sort::Given, &output(150));
    let shown = legend(&four);
    assert!(shown.contains("runs that had to connect first are left out"), "{shown}");
    // Of one run each it is known, too: the embedded model has nothing to connect to.
    let mut one_each = comparison(vec![one("a/a", "x", 200, "0.1"), one("b/b", "x", 400, "0.1")]);
    assert!(said(&one_each).contains("`--runs 4` could tell"), "{}", said(&one_each));
    one_each.lanes[1].runs[0].outcome.clock.connected = Some(Duration::from_millis(9));
    assert!(said(&one_each).contains("`--runs 5` could tell"), "{}", said(&one_each));
    let warm = four.lanes.into_iter().map(|mut lane| {
        lane.runs[0].outcome.clock.reused = true;
        lane
    });
    let warm = comparison(warm.collect());
    assert!(!said(&warm).contains("could tell"), "{}", said(&warm));
    assert!(!legend(&warm).contains("left out"));
}

#[test]
fn prompt_tokens_from_a_cache_are_told_where_they_differ() {
    let with = |name: &str, cached: &[u64]| {
        let runs = cached.iter().map(|cached| {
            let mut run = run(name, "Paris", 300, "0.1");
            let usage = Usage {
                input_uncached: Tokens(2_000 - cached),
                cache_read: Tokens(*cached),
                output: Tokens(9),
                ..Usage::default()
            };
            run.outcome.usage = Some(CountedUsage { usage, source: UsageSource::Reported });
            run
        });
        lane(name, runs.collect())
    };
    let told = |lanes: Vec<LaneResult>| {
        let said = said(&comparison(lanes));
        let lines = said.lines().skip_while(|line| !line.starts_with("cached prompt tokens differ"));
        lines.take_while(|line| !line.starts_with("cost of")).collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(told(vec![with("a/a", &[0, 1_024, 1_024]), with("b/b", &[0, 0, 0])]), @r#"
    cached prompt tokens differ, which changes times and costs
      a/a: 0 to 1024 of 2000
      b/b: none
    "#);
    assert_snapshot!(told(vec![with("a/a", &[1_024]), with("b/b", &[0])]), @r#"
    cached prompt tokens differ, which changes times and costs
      a/a: 1024 of 2000
      b/b: none
    "#);
    // Providers cut their caches differently; that alone is not worth a word.
    assert_eq!(told(vec![with("a/a", &[1_024, 1_024]), with("b/b", &[1_152, 1_152])]), "");
    assert_eq!(told(vec![with("a/a", &[0]), with("b/b", &[0])]), "");
}

#[test]
fn who_had_to_be_asked_again_was_first_only_in_a_way() {
    let mut quick = one("a/a", "Paris", 100, "0.1");
    let again = quick.runs[0].outcome.attempts[0].clone();
    quick.runs[0].outcome.attempts.push(again);
    quick.runs[0].outcome.wall = Duration::from_millis(3_210);
    let both = comparison(vec![quick, one("b/b", "Paris", 400, "0.1")]);
    let said = said(&both);
    assert!(
        said.starts_with(
            "a/a was first: 0.10 s to the first word\n  that leaves out 1 retry of a/a: 3.21 s in all\n"
        ),
        "{said}"
    );
}

#[test]
fn of_several_failures_the_first_is_shown_and_is_no_answer() {
    let error = |message| failed("a/a", "", FailureKind::Server, message);
    let said = remarks::remarks(&lane("a/a", vec![error("the first"), error("the second")]));
    assert!(said[0].text.contains("the first"), "{said:?}");
    assert!(!said.iter().any(|remark| remark.text.contains("the answer of run")), "{said:?}");
}

#[test]
fn two_are_called_both() {
    let alike = |usd| comparison(vec![one("a/a", "Yes", 300, usd), one("b/b", "No", 300, usd)]);
    let agreement = Agreement { groups: Vec::new(), fields: Vec::new() };
    let groups = [0, 1].map(|at| Group { lanes: vec![at], answer: "yes".to_owned() }).into();
    let differ = Comparison { agreement: Some(Agreement { groups, ..agreement }), ..alike("0.1") };
    assert_snapshot!(summary(&differ, &output(80)), @r#"
    a/a and b/b were first: 0.30 s to the first word
    both cost the same: $0.10
    both answers differ
    cost of both calls: $0.20
    "#);
    assert_snapshot!(summary(&alike("0"), &output(80)), @r#"
    a/a and b/b were first: 0.30 s to the first word
    neither cost anything
    cost of both calls: $0.00
    "#);
}
