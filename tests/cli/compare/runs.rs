//! Repeated rounds.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::{compare, lab_of};
use crate::support::Script;
use crate::support::streams::openai_chunks;

#[test]
fn rounds_take_turns_and_warm_ups_are_apart() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&order);
    let lab = lab_of(&["a", "b"], move |name, _| {
        seen.lock().unwrap().push(name.to_owned());
        Script::sse(openai_chunks(&["hello"]))
    });
    let args = ["--runs", "3", "--warmup", "1", "--json", "hello"];
    let object = compare(&lab, &["a", "b"], &args).run().success().json();
    let order = order.lock().unwrap();
    assert_eq!(order.len(), 8);
    // Each round has each lane once.
    assert!(order.chunks(2).all(|round| round.contains(&"a".to_owned()) && round.contains(&"b".to_owned())));
    let lane = &object["lanes"][0];
    let samples = lane["samples"].as_array().unwrap();
    let warm: Vec<_> = samples.iter().map(|sample| &sample["warmup"]).collect();
    assert_eq!(json!(warm), json!([true, false, false, false]));
    assert_eq!(lane["statistics"]["n"], 3);
    assert!(lane["statistics"]["ttfv_ms"]["median"].is_number(), "{}", lane["statistics"]);
    // Eight calls of 9 + 1 tokens were paid.
    assert_eq!(object["total"]["usd"], "0.000088");
}

#[test]
fn later_runs_use_the_open_connection() {
    let lab = lab_of(&["a", "b"], |_, _| Script::sse(openai_chunks(&["hello"])));
    let object = compare(&lab, &["a", "b"], &["--runs", "4", "--json", "hello"]).run().success().json();
    assert_eq!(lab.server.connections(), 2);
    let samples = object["lanes"][0]["samples"].as_array().unwrap();
    assert!(samples[1..].iter().all(|sample| sample["timing"]["connect_ms"] == 0.0), "{samples:?}");
}

/// Servers end a body some time after the end of the answer.
#[test]
fn a_late_end_keeps_the_connection() {
    let lab = lab_of(&["a", "b"], |_, _| Script::sse(openai_chunks(&["hello"])).sleep(30));
    let _ = compare(&lab, &["a", "b"], &["--runs", "3", "hello"]).run().success();
    assert_eq!((lab.server.connections(), lab.server.requests().len()), (2, 6));
}

#[test]
fn a_single_run_claims_nothing() {
    let lab = lab_of(&["a", "b"], |_, _| Script::sse(openai_chunks(&["hello"])));
    let output = compare(&lab, &["a", "b"], &["hello"]).run().success();
    assert!(!output.stdout.contains('±'), "{}", output.stdout);
}
