use insta::assert_snapshot;

use super::*;
use crate::comparison::{Agreement, Checked, Group, Run};
use crate::matrix::tests::{empty, good, lost};
use crate::money::Bill;
use crate::render::output::OutputInputs;

fn plain() -> Output {
    Output::decide(&OutputInputs::default())
}

fn group(lanes: &[usize]) -> Group {
    Group { lanes: lanes.to_vec(), answer: "yes".to_owned() }
}

/// Ten prompts; the second lane is twice as slow, fails once, is wrong once
/// and once of another opinion.
fn ten() -> Matrix {
    let mut matrix = empty(10);
    for prompt in 0..10_u64 {
        let id = format!("p{prompt}");
        matrix.add(0, &id, &good(400 + prompt, "0.001"), false);
        let second = Run {
            checks: vec![Checked {
                check: "contains:yes".to_owned(),
                failure: (prompt == 3).then(|| "no \x1b[31myes".to_owned()),
            }],
            ..good(800 + prompt, "0.002")
        };
        matrix.add(1, &id, &if prompt == 7 { lost() } else { second }, false);
        let groups = if prompt == 4 { vec![group(&[0]), group(&[1])] } else { vec![group(&[0, 1])] };
        matrix.add_agreement(&id, &Agreement { groups, fields: Vec::new() });
    }
    matrix
}

#[test]
fn totals_stand_in_a_column_a_lane() {
    assert_snapshot!(text(&ten(), &plain()), @r"
    prompts.txt: 10 prompts, 2 models, 20 calls in 2.50 s

    model        a/one     b/one
    answered     10/10      9/10
    first word  0.40 s    0.80 s
      p90       0.41 s         –
    total       0.81 s    1.61 s
      p90       0.82 s         –
    tokens in      100        90
    tokens out      50        45
    cost         $0.01  ≥ $0.018
    per answer  $0.001  ≥ $0.002
    checks           –       8/9
    agrees        9/10      9/10

    a/one was first: 0.40 s to the first word (median)
      1.99 times faster than b/one (between 1.97 and 2.00)
    1 of 20 calls failed
      b/one, prompt p7: timed out: nothing came (possibly billed)
    1 check failed
      b/one, prompt p3: `contains:yes`: no yes
    answers differ on 1 of 10 prompts
      those: p4
    cost of 20 calls: ≥ $0.028 (1 call unpriced, 1 call possibly billed)
    ");
}

#[test]
fn a_narrow_terminal_has_the_lanes_one_below_the_other() {
    let narrow = Output::decide(&OutputInputs { columns: Some(24), ..OutputInputs::default() });
    let shown = text(&ten(), &narrow);
    assert!(shown.contains("\n\na/one\n  answered    10/10\n  first word  0.40 s\n"), "{shown}");
    assert!(shown.contains("\nb/one\n  answered    9/10\n"), "{shown}");
}

#[test]
fn screen_readers_get_a_fact_a_line() {
    let output = Output::decide(&OutputInputs { accessible: true, ..OutputInputs::default() });
    let shown = text(&ten(), &output);
    assert!(shown.contains("model: b/one\nanswered: 9/10\nfirst word: 0.80 s\n"), "{shown}");
}

#[test]
fn an_unknown_price_is_no_low_one() {
    let mut matrix = empty(1);
    let mut unpriced = good(5, "0");
    unpriced.outcome.bill = Bill::UNKNOWN;
    matrix.add(0, "1", &unpriced, false);
    matrix.add(1, "1", &good(5, "0.5"), false);
    let shown = text(&matrix, &plain());
    assert!(
        shown.contains("cost            ?  $0.50") && shown.contains("per answer      ?  $0.50"),
        "{shown}"
    );
    assert!(!shown.contains("cheapest") && shown.contains("≥ $0.50 (1 call unpriced)"), "{shown}");
}

#[test]
fn lanes_are_put_in_order_by_what_is_asked_for() {
    let first = |sort| arranged(&ten(), sort).lanes[0].name.clone();
    assert_eq!([Sort::Given, Sort::Latency, Sort::Cost].map(first), ["a/one"; 3]);
    let mut matrix = ten();
    matrix.lanes.swap(0, 1);
    assert_eq!(arranged(&matrix, Sort::Latency).lanes[0].name, "a/one");
    // Not all of the costs of the second lane are known.
    assert_eq!(arranged(&matrix, Sort::Cost).lanes[0].name, "a/one");
}

#[test]
fn markdown_has_no_live_marks_of_others() {
    let mut matrix = ten();
    matrix.file = "a|b_*.txt".to_owned();
    let shown = markdown(&matrix);
    assert!(shown.contains("a\\|b\\_\\*.txt") && shown.contains("| | `a/one` | `b/one` |"), "{shown}");
    assert!(shown.contains("| answered | 10/10 | 9/10 |"), "{shown}");
}
