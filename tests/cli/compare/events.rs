//! `--jsonl`: whole lines, whatever happens.

use serde_json::json;

use super::{compare, lab_of};
use crate::support::Script;
use crate::support::streams::{openai_chunks, openai_delta};

#[test]
fn each_line_says_whose_it_is() {
    let lab = lab_of(&["a", "b"], |name, _| Script::sse(openai_chunks(&["I am ", name])));
    let events = compare(&lab, &["a", "b"], &["--jsonl", "hello"]).run().success().jsonl();
    for (lane, model) in [(0, "a/one"), (1, "b/one")] {
        let of_lane: Vec<_> = events.iter().filter(|event| event["lane"] == lane).collect();
        assert!(of_lane.iter().all(|event| event["model"] == model));
        let names: Vec<_> = of_lane.iter().map(|event| event["event"].as_str().unwrap()).collect();
        assert_eq!((names[0], names[1], *names.last().unwrap()), ("start", "first_token", "done"));
    }
    let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_killed_process_leaves_whole_lines() {
    let lab = lab_of(&["a", "b"], |name, _| match name {
        "a" => Script::sse(openai_chunks(&["done ", "and stored"])),
        _ => Script::sse([openai_delta(&json!({"content": "word "}))])
            .forever(openai_delta(&json!({"content": "more "}))),
    });
    let mut running = compare(&lab, &["a", "b"], &["--jsonl", "hello"]).spawn();
    running.wait_for_stdout(r#""event":"done""#);
    running.kill();
    let output = running.finish();
    let whole = output.stdout.rsplit_once('\n').map_or("", |(whole, _)| whole);
    for line in whole.lines() {
        let _: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}

#[test]
fn a_file_and_the_last_comparison_have_the_ends_of_the_stream() {
    let lab = lab_of(&["a", "b"], |name, _| {
        let wait = if name == "a" { 200 } else { 0 };
        Script::late_sse(wait, openai_chunks(&["I am ", name]))
    });
    let args = ["--runs", "2", "--warmup", "1", "--output", "x.jsonl", "hello"];
    let _ = compare(&lab, &["a", "b"], &args).run().success();
    let file = std::fs::read_to_string(lab.env.root().join("work/x.jsonl")).unwrap();
    let last = lab.pollm(["compare", "--last", "--jsonl"]).run().success().stdout;
    for text in [file, last] {
        let events: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.len(), 6, "{text}");
        assert!(events.iter().all(|event| event["event"] == "done" && event["outcome"]["status"] == "ok"));
        let runs: Vec<_> = events.iter().map(|event| event["run"].as_i64().unwrap()).collect();
        assert_eq!(runs, [0, 0, 1, 1, 2, 2]);
        assert!(events.is_sorted_by_key(|event| event["t_ms"].as_f64().unwrap() as u64));
        assert!(events[1]["t_ms"].as_f64().unwrap() >= 200.0, "{text}");
        assert_eq!((&events[0]["lane"], &events[0]["model"]), (&json!(1), &json!("b/one")));
    }
}
