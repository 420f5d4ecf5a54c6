//! The last comparison again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use insta::assert_snapshot;
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
    // What lay between the calls is known no more.
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
    let lab = lab_of(&["a"], |_, _| Script::sse(openai_chunks(&["hello"])));
    let output = lab.pollm(["compare", "--last"]).run().exited(2);
    assert!(output.stderr.contains("there is no comparison to show again"), "{}", output.stderr);
    let _ = compare(&lab, &["a", "a"], &["hello"]).run().success();
    let calls = lab.ledger();
    let ids = calls.iter().map(|call| call["id"].as_str().unwrap());
    let _ = lab.pollm(["history", "delete", "--yes"].into_iter().chain(ids)).run().success();
    let output = lab.pollm(["compare", "--last"]).run().exited(2);
    assert!(output.stderr.contains("there is no comparison to show again"), "{}", output.stderr);
}

#[test]
fn of_a_damaged_history_nothing_is_shown() {
    let lab = lab_of(&["a"], |_, _| Script::new(500));
    let folder = lab.env.root().join("data/pollm");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("ledger.db"), "no ledger at all").unwrap();
    let output = lab.pollm(["compare", "--last"]).run().exited(1);
    assert!(
        output.stderr.starts_with("error: the history can't be read\n  because: the ledger "),
        "{output}"
    );
}

/// Whoever ends first is not whoever was named first.
#[test]
fn lanes_that_are_added_keep_the_order_named() {
    let (done, others) = std::sync::mpsc::channel::<()>();
    let others = std::sync::Mutex::new(others);
    let lab = lab_of(&["a", "b", "c", "d"], move |name, _| {
        if name == "c" {
            let _ = others.lock().unwrap().recv();
        }
        Script::sse(openai_chunks(&["I am ", name]))
    });
    let _ = compare(&lab, &["a", "b"], &["hello"]).run().success();
    let running = lab.pollm(["compare", "--last", "--add", "-m", "c/one,d/one", "--json"]).spawn();
    while lab.ledger().len() < 3 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    drop(done);
    let added = running.finish().success().json();
    let names: Vec<_> = added["lanes"].as_array().unwrap().iter().map(|lane| &lane["lane"]).collect();
    assert_eq!(json!(names), json!(["a/one", "b/one", "c/one", "d/one"]));
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
    // Two that add lanes at once would give them the same place.
    let output = lab.pollm(["compare", "--last", "--add", "-m", "a/one"]).run().exited(1);
    assert!(output.stderr.contains("still makes calls of this comparison"), "{}", output.stderr);
    assert_eq!(lab.server.requests().len(), 2);
    running.kill();
    let _ = running.finish();
    let again = lab.pollm(["compare", "--last", "--retry-failed", "--timeout", "0.5"]).run().exited(6);
    assert_eq!(lab.server.requests().len(), 3, "{}", again.stderr);
}

#[test]
fn the_exit_code_speaks_of_the_calls_that_are_made_now() {
    let lab = lab_of(&["a", "b", "c", "d"], |name, _| match name {
        "b" => Script::json(401, &json!({"error": {"message": "Wrong key"}})),
        "d" => Script::json(402, &json!({"error": {"message": "No credit"}})),
        _ => Script::sse(openai_chunks(&["I am ", name])),
    });
    let _ = compare(&lab, &["a", "b"], &["--check", "contains:am", "hello"]).run().exited(4);
    let add = |models: &'static str| ["compare", "--last", "--add", "-m", models];
    let added = lab.pollm(add("c/one")).run().success();
    assert!(added.stdout.contains("1 of 3 models failed"), "{}", added.stdout);
    let output = lab.pollm(add("c/one,d/one")).run().exited(4);
    assert!(output.stderr.contains("1 of 2 models failed"), "{}", output.stderr);
    let output = lab.pollm(add("b/one")).run().exited(5);
    assert!(output.stderr.contains("error: the call failed"), "{}", output.stderr);
    // A check that is given holds for all, those of then for what is new.
    let other = [&add("c/one")[..], &["--check", "contains:I am a"]].concat();
    let output = lab.pollm(other).run().exited(7);
    assert!(output.stderr.contains("3 checks failed"), "{}", output.stderr);
}

#[test]
fn the_time_between_two_commands_is_none_of_the_comparison() {
    let lab = lab_of(&["a", "b", "c"], |name, _| Script::sse(openai_chunks(&["I am ", name])));
    let _ = compare(&lab, &["a", "b"], &["hello"]).run().success();
    std::thread::sleep(std::time::Duration::from_secs(1));
    let _ = lab.pollm(["compare", "--last", "--add", "-m", "c/one"]).run().success();
    let object = lab.pollm(["compare", "--last", "--json"]).run().success().json();
    let calls = object["lanes"].as_array().unwrap().iter().map(|lane| lane["timing"]["wall_ms"].as_f64());
    let calls: f64 = calls.flatten().sum();
    // Each is rounded to a tenth.
    assert!(object["wall_ms"].as_f64().unwrap() <= calls + 0.5, "{object:#}");
}

/// A call that gave way counts before the others, as a warm-up does.
#[test]
fn runs_keep_their_numbers_where_one_was_made_again() {
    let well = Arc::new(AtomicBool::new(false));
    let healed = Arc::clone(&well);
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let lab = lab_of(&["a", "b"], move |name, _| {
        let cut = name == "b" && asked.fetch_add(1, Ordering::SeqCst) == 1 && !healed.load(Ordering::SeqCst);
        let half = crate::support::streams::openai_delta(&json!({"content": "Half"}));
        if cut { Script::sse([half]).close() } else { Script::sse(openai_chunks(&["I am ", name])) }
    });
    let _ = compare(&lab, &["a", "b"], &["--runs", "2", "hello"]).run().exited(4);
    well.store(true, Ordering::SeqCst);
    let retry = ["compare", "--last", "--retry-failed", "--output", "now.jsonl"];
    let _ = lab.pollm(retry).run().success();
    let now = std::fs::read_to_string(lab.env.root().join("work/now.jsonl")).unwrap();
    let later = lab.pollm(["compare", "--last", "--format", "jsonl"]).run().success().stdout;
    for events in [now, later] {
        let events = events.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let mut ends: Vec<_> = events
            .filter(|event| event["lane"] == 1)
            .map(|event| (event["run"].as_i64(), event["event"].as_str().unwrap().to_owned()))
            .collect();
        ends.sort();
        let expected = [(0, "error"), (1, "done"), (2, "done")].map(|(run, end)| (Some(run), end.to_owned()));
        assert_eq!(ends, expected);
    }
}

#[test]
fn models_beside_last_are_a_misunderstanding() {
    let lab = lab_of(&["a", "b"], |_, _| Script::sse(openai_chunks(&["hello"])));
    let _ = compare(&lab, &["a", "b"], &["hello"]).run().success();
    let said = |args: &[&str]| compare(&lab, &["a"], args).run().exited(2).stderr;
    assert_snapshot!(said(&["--last"]), @"error: `--last` shows what is there; to ask further models add `--add`");
    assert_snapshot!(said(&["--last", "--retry-failed"]), @"error: `--retry-failed` asks the models that failed; others are asked with `--add`");
}
