//! Answers that someone on this side ends.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;

use crate::support::process::Running;
use crate::support::streams::openai_delta;
use crate::support::{Lab, Script};

fn text(text: &str) -> String {
    openai_delta(&json!({"content": text}))
}

/// Long enough for a busy machine, and far below what an unnoticed departure takes.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_reader_that_leaves_an_endless_stream() {
    let lab = Lab::always(Script::sse([text("start ")]).forever(text("and on ")));
    let output = lab.ask(&["hello"]).stdout_limit(100).run().success();
    assert_eq!(output.stdout.len(), 100);
    assert_eq!(output.stderr, "");
    assert!(lab.server.wait_for_departure(0) < SOON);
    let row = &lab.ledger()[0];
    assert_eq!((&row["status"], &row["finish"]), (&json!("cancelled"), &json!("cut")));
    let kept = row["text"].as_str().unwrap();
    assert!(kept.starts_with("start and on ") && kept.len() >= 100, "{} bytes", kept.len());
}

#[test]
fn a_reader_that_leaves_a_silent_stream() {
    let lab = Lab::always(Script::sse([text("start ")]).hang());
    let output = lab.ask(&["hello"]).stdout_limit(3).run().success();
    assert!(lab.server.wait_for_departure(0) < SOON);
    assert_snapshot!(lab.tell(&output), @r#"
        sta
        [no final newline]
        ------- stderr -------
        [exit status: 0]
        requests: 1
        ledger: lab/one "cancelled" "start ", finish "cut", "cancelled" null, HTTP [200], 2+1 tokens "estimated", cost "0.000004" "estimated", possibly billed
    "#);
}

/// Nothing is left to be written then, so no write can find out.
#[test]
fn a_reader_that_leaves_between_two_lines() {
    let lab = Lab::always(Script::sse([text("start\n")]).hang());
    let output = lab.ask(&["hello"]).stdout_limit(3).run().success();
    assert!(lab.server.wait_for_departure(0) < SOON);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("sta", ""));
}

/// What is told of an answer that is ended in its middle.
fn stopped_half_way(stop: impl Fn(&Running)) -> String {
    let lab = Lab::always(Script::sse([text("Half a th")]).hang());
    let mut running = lab.ask(&["hello"]).spawn();
    running.wait_for_stdout("Half a th");
    stop(&running);
    let output = running.finish();
    assert!(lab.server.wait_for_departure(0) < SOON);
    lab.tell(&output)
}

#[test]
fn ctrl_c_in_the_middle_of_an_answer() {
    assert_snapshot!(stopped_half_way(Running::interrupt), @r#"
        Half a th
        ------- stderr -------
        error: lab/one: interrupted
          because: request id chatcmpl-scripted

        hint: the part that came is kept: `pollm history show ULID`
        [exit status: 130]
        requests: 1
        ledger: lab/one "cancelled" "Half a th", finish "cut", "cancelled" null, HTTP [200], 2+3 tokens "estimated", cost "0.000008" "estimated", possibly billed
    "#);
}

#[test]
fn sigterm_in_the_middle_of_an_answer() {
    assert_eq!(stopped_half_way(Running::terminate), stopped_half_way(Running::interrupt));
}

#[test]
fn ctrl_c_before_an_answer() {
    let lab = Lab::always(Script::new(200).hang());
    let running = lab.ask(&["hello"]).spawn();
    lab.server.wait_until_hanging(0);
    running.interrupt();
    assert_snapshot!(lab.tell(&running.finish()), @r#"
        ------- stderr -------
        error: lab/one: interrupted
        [exit status: 130]
        requests: 1
        ledger: lab/one "cancelled" "", finish null, "cancelled" null, HTTP [null], 2+0 tokens "estimated", cost "0.000002" "estimated", possibly billed
    "#);
}

#[test]
fn ctrl_c_while_waiting_for_a_retry() {
    let lab = Lab::always(Script::new(503).header("retry-after", "50"));
    let mut running = lab.ask(&["hello"]).spawn();
    running.wait_for_stderr("retrying in ");
    running.interrupt();
    assert_snapshot!(lab.tell(&running.finish()), @r#"
        ------- stderr -------
        HTTP 503 with an empty body; retrying in N s
        error: lab/one: interrupted
        [exit status: 130]
        requests: 1
        ledger: lab/one "cancelled" "", finish null, "cancelled" null, HTTP [503], cost "0" "computed"
    "#);
}
