//! The last comparison again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::{compare, lab_of};
use crate::support::Script;
use crate::support::streams::openai_chunks;

#[test]
fn shown_again_in_any_form_without_a_call() {
    let lab = lab_of(&["a", "b"], |name, _| Script::sse(openai_chunks(&["I am ", name])));
    let first = compare(&lab, &["a", "b"], &["--runs", "2", "--json", "who are you?"]).run().success().json();
    let sent = lab.server.requests().len();
    let mut again = lab.pollm(["compare", "--last", "--json"]).run().success().json();
    // The time from the first call to the last end is that of the clock on the wall.
    again["wall_ms"] = first["wall_ms"].clone();
    assert_eq!(again, first);
    for view in ["table", "cards", "diff"] {
        let output = lab.pollm(["compare", "--last", "--view", view]).env("COLUMNS", "90").run().success();
        assert!(output.stdout.contains("a/one") && output.stdout.contains("b/one"), "{}", output.stdout);
    }
    let csv = lab.pollm(["compare", "--last", "--format", "csv"]).run().success();
    assert_eq!(csv.stdout.lines().count(), 5);
    assert_eq!(lab.server.requests().len(), sent);
}

#[test]
fn another_lane_is_asked_the_same() {
    let lab = lab_of(&["a", "b", "c"], |name, _| Script::sse(openai_chunks(&["I am ", name])));
    let args = ["-s", "be brief", "--temperature", "0.25", "hello"];
    let _ = compare(&lab, &["a", "b"], &args).run().success();
    let object = lab.pollm(["compare", "--last", "--add", "-m", "c/one", "--json"]).run().success().json();
    let names: Vec<_> = object["lanes"].as_array().unwrap().iter().map(|lane| &lane["lane"]).collect();
    assert_eq!(json!(names), json!(["a/one", "b/one", "c/one"]));
    let requests = lab.server.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].json()["messages"], requests[2].json()["messages"]);
    assert_eq!(requests[2].json()["temperature"], 0.25);
    let last = lab.pollm(["compare", "--last", "--json"]).run().success().json();
    assert_eq!(last["lanes"].as_array().unwrap().len(), 3);
}

#[test]
fn only_what_failed_is_asked_once_more() {
    let well = Arc::new(AtomicBool::new(false));
    let healed = Arc::clone(&well);
    let lab = lab_of(&["a", "b"], move |name, _| match name {
        "b" if !healed.load(Ordering::SeqCst) => {
            Script::json(401, &json!({"error": {"message": "Wrong key"}}))
        }
        _ => Script::sse(openai_chunks(&["I am ", name])),
    });
    let _ = compare(&lab, &["a", "b"], &["hello"]).run().exited(4);
    well.store(true, Ordering::SeqCst);
    let object = lab.pollm(["compare", "--last", "--retry-failed", "--json"]).run().success().json();
    assert_eq!(
        (&object["lanes"][0]["text"], &object["lanes"][1]["text"]),
        (&json!("I am a"), &json!("I am b"))
    );
    assert_eq!(lab.server.requests().len(), 3);
    let again = lab.pollm(["compare", "--last", "--retry-failed"]).run().exited(2);
    assert!(again.stderr.contains("no call of the last comparison failed"), "{}", again.stderr);
}

#[test]
fn without_one_it_says_so() {
    let lab = lab_of(&["a"], |_, _| Script::new(500));
    let output = lab.pollm(["compare", "--last"]).run().exited(2);
    assert!(output.stderr.contains("there is no comparison to show again"), "{}", output.stderr);
}

#[test]
fn rounds_belong_to_new_comparisons() {
    let lab = lab_of(&["a"], |_, _| Script::new(500));
    for flag in [["--runs", "3"], ["--warmup", "1"], ["--schema", "{}"]] {
        let output = lab.pollm(["compare", "--last"].iter().chain(&flag).copied()).run().exited(2);
        assert!(output.stderr.contains("cannot be used with"), "{}", output.stderr);
    }
}

#[test]
fn options_that_would_change_nothing_are_refused() {
    let lab = lab_of(&["a", "b", "c"], |name, _| Script::sse(openai_chunks(&["I am ", name])));
    let _ = compare(&lab, &["a", "b"], &["hello"]).run().success();
    let idle: [&[&str]; 9] = [
        &["--temperature", "0.5"],
        &["-o", "top_k=3"],
        &["--max-tokens", "5"],
        &["-j", "2"],
        &["--timeout", "3"],
        &["--retries", "0"],
        &["--max-cost", "1"],
        &["--dry-run"],
        &["--no-log"],
    ];
    for option in idle {
        let output = lab.pollm(["compare", "--last"].iter().chain(option).copied()).run().exited(2);
        assert!(output.stderr.contains("changes nothing"), "{option:?}: {}", output.stderr);
        assert!(output.stderr.contains("`--add -m MODEL`"), "{}", output.stderr);
        let add = ["compare", "--last", "--add", "-m", "c/one", "-q"];
        let _ = lab.pollm(add.iter().chain(option).copied()).run().success();
    }
    let output = lab.pollm(["compare", "--last", "--retry-failed", "-m", "c/one"]).run().exited(2);
    assert!(output.stderr.contains("others are asked with `--add`"), "{}", output.stderr);
}

#[test]
fn the_prompt_stands_above_every_view() {
    let lab = lab_of(&["a", "b"], |_, _| Script::sse(openai_chunks(&["It is."])));
    let prompt = "Is it\nso? \u{1b}[31mRed\u{1b}[0m or not?";
    let live = compare(&lab, &["a", "b"], &[prompt]).run().success();
    assert!(live.stdout.starts_with("prompt: Is it so? Red or not?\n\n"), "{}", live.stdout);
    for view in ["table", "cards", "diff"] {
        let output = lab.pollm(["compare", "--last", "--view", view]).run().success();
        assert!(output.stdout.starts_with("prompt: Is it so? Red or not?\n\n"), "{}", output.stdout);
    }
}

/// What is under way is none that failed: it would be paid twice.
#[test]
fn a_comparison_that_is_under_way_is_not_retried() {
    let lab = lab_of(&["a", "b"], |name, _| match name {
        "a" => Script::sse(openai_chunks(&["done"])),
        _ => Script::sse([] as [&str; 0]).head().hang(),
    });
    let running = compare(&lab, &["a", "b"], &["hello"]).spawn();
    lab.server.wait_for_requests(2);
    while lab.ledger().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let output = lab.pollm(["compare", "--last", "--retry-failed"]).run().exited(1);
    assert!(output.stderr.contains("still makes calls of this comparison"), "{}", output.stderr);
    assert_eq!(lab.server.requests().len(), 2);
    running.kill();
    let _ = running.finish();
    let again = lab.pollm(["compare", "--last", "--retry-failed", "--timeout", "0.5"]).run().exited(4);
    assert_eq!(lab.server.requests().len(), 3, "{}", again.stderr);
}
