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
