//! Answers and figures next to each other.

use std::time::Duration;

use serde_json::json;

use super::{compare, lab_of};
use crate::support::Script;
use crate::support::streams::{OPENAI_DONE, openai_chunks, openai_delta, openai_finish, openai_usage};

#[test]
fn every_lane_is_there_in_the_order_asked() {
    let lab = lab_of(&["a", "b", "c"], |name, _| {
        let slow = if name == "a" { 300 } else { 0 };
        Script::sse([openai_delta(&json!({"content": format!("I am {name}")}))]).sleep(slow).bodies([
            openai_finish("stop"),
            openai_usage(3),
            OPENAI_DONE.to_owned(),
        ])
    });
    let object = compare(&lab, &["a", "b", "c"], &["--json", "who?"]).run().success().json();
    let lanes = object["lanes"].as_array().unwrap();
    let texts: Vec<_> = lanes.iter().map(|lane| (&lane["model"], &lane["text"])).collect();
    assert_eq!(json!(texts), json!([["a/one", "I am a"], ["b/one", "I am b"], ["c/one", "I am c"]]));
    assert_eq!((&object["command"], &object["schema"]), (&json!("compare"), &json!("pollm/1")));
    // 9 tokens in at one dollar a million and 3 out at two, three times.
    assert_eq!(object["total"]["usd"], "0.000045");
    let rows = lab.ledger();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row["command"] == "compare"));
    // The slow one is written last, and was not waited for.
    assert_eq!(rows[2]["model"], "a/one");
}

#[test]
fn the_text_names_all_and_the_pipe_has_no_progress() {
    let lab = lab_of(&["a", "b"], |name, _| Script::sse(openai_chunks(&["An", " answer of ", name])));
    let output = compare(&lab, &["a", "b"], &["hello"]).env("COLUMNS", "100").run().success();
    for word in ["a/one", "b/one", "An answer of a", "An answer of b", "first word", "cost"] {
        assert!(output.stdout.contains(word), "no `{word}`\n{}", output.stdout);
    }
    assert_eq!(output.stderr, "");
    assert!(!output.stdout.contains('\x1b'), "{}", output.stdout);
}

#[test]
fn the_same_lane_twice_is_told_apart() {
    let lab = lab_of(&["a"], |_, n| Script::sse(openai_chunks(&[["first", "second"][n.min(1)]])));
    let object = compare(&lab, &["a", "a"], &["--json", "hello"]).run().success().json();
    let names: Vec<_> = object["lanes"].as_array().unwrap().iter().map(|lane| &lane["lane"]).collect();
    assert_eq!(json!(names), json!(["a/one", "a/one (2)"]));
    assert_eq!(lab.server.requests().len(), 2);
}

#[test]
fn lanes_run_at_the_same_time() {
    // Each answer is held back until all three requests have come.
    let arrived = std::sync::Arc::new(std::sync::Barrier::new(3));
    let lab = lab_of(&["a", "b", "c"], move |name, _| {
        arrived.wait();
        Script::sse(openai_chunks(&["hello from ", name]))
    });
    let _ = compare(&lab, &["a", "b", "c"], &["hello"]).run().success();
    assert_eq!(lab.server.requests().len(), 3);
}

#[test]
fn one_at_a_time_where_that_is_asked_for() {
    let active = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let lab = lab_of(&["a", "b", "c"], move |_, n| {
        use std::sync::atomic::Ordering;
        // A request that comes while another one is being answered would find it here.
        assert_eq!(active.fetch_add(1, Ordering::SeqCst), 0, "request {n}");
        std::thread::sleep(Duration::from_millis(20));
        active.fetch_sub(1, Ordering::SeqCst);
        Script::sse(openai_chunks(&["hello"]))
    });
    let _ = compare(&lab, &["a", "b", "c"], &["-j", "1", "hello"]).run().success();
    assert_eq!(lab.server.requests().len(), 3);
}

#[test]
fn options_of_one_lane_stay_its_own() {
    let lab = lab_of(&["a", "b"], |_, _| Script::sse(openai_chunks(&["hello"])));
    let args = ["compare", "-m", "a/one@temperature=0.5", "-m", "b/one", "--max-tokens", "9", "hello"];
    let _ = lab.pollm(args).run().success();
    let mut bodies: Vec<_> =
        lab.server.requests().iter().map(|request| (request.target.clone(), request.json())).collect();
    bodies.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!((&bodies[0].1["temperature"], &bodies[1].1["temperature"]), (&json!(0.5), &json!(null)));
}

#[test]
fn files_are_whole_and_their_names_pick_the_format() {
    let lab = lab_of(&["a", "b"], |name, _| Script::sse(openai_chunks(&["<b>", name, "</b>"])));
    let file = |name: &str| lab.env.root().join(name);
    for (name, begins) in [
        ("x.html", "<!doctype html>"),
        ("x.csv", "comparison,"),
        ("x.md", "#"),
        ("x.json", "{"),
        ("x.jsonl", "{"),
    ] {
        let path = file(name);
        let output =
            compare(&lab, &["a", "b"], &["--output", path.to_str().unwrap(), "hello"]).run().success();
        assert_eq!(output.stdout, "");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.to_lowercase().starts_with(begins), "{name}: {text}");
        if name == "x.html" {
            assert!(!text.contains("<b>a</b>"), "the answer is not escaped");
        }
    }
}

#[test]
fn a_set_of_the_configuration() {
    let lab = lab_of(&["a", "b"], |_, _| Script::sse(openai_chunks(&["hello"])));
    let base = lab.server.url();
    let rows =
        ["a", "b"].map(|name| crate::support::lab::row(name, "openai-chat", &format!("{base}/{name}")));
    lab.env.configure(&format!("sets.daily = [\"a/one\", \"b/one\"]\n{}", rows.concat()));
    let object = lab.pollm(["compare", "--set", "daily", "--json", "hello"]).run().success().json();
    assert_eq!(object["lanes"].as_array().unwrap().len(), 2);
    let refused = lab.pollm(["compare", "--set", "dayly", "hello"]).run().exited(2);
    assert!(refused.stderr.contains("did you mean `daily`?"), "{}", refused.stderr);
}
