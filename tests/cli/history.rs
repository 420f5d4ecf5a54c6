//! What `history` says of calls, their costs above all.

use serde_json::json;

use crate::support::streams::openai_chunks;
use crate::support::{Lab, Script};

#[test]
fn no_cost_is_not_an_amount_and_an_unknown_one_is_not_zero() {
    let lab = Lab::in_turn([
        Script::json(400, &json!({"error": {"message": "No"}})),
        Script::sse(["data: {broken\n\n", "data: {too\n\n"]),
        Script::sse(openai_chunks(&["Good day"])),
    ]);
    let _ = lab.ask(&["hello"]).run().exited(1);
    let _ = lab.pollm(["ask", "-m", "lab/two", "hello"]).run().exited(1);
    let _ = lab.pollm(["ask", "-m", "lab/two", "hello"]).run().success();
    let _ = lab.ask(&["hello"]).run().success();
    let listed = lab.pollm(["history"]).run().success().stdout;
    let costs: Vec<&str> = listed.lines().map(|line| line.split_whitespace().rev().nth(1).unwrap()).collect();
    assert_eq!(costs, ["$0.000011", "?", "?", "–"], "{listed}");
    let refused = lab.ledger()[0]["id"].as_str().unwrap().to_owned();
    let shown = lab.pollm(["history", "show", &refused]).run().success().stdout;
    assert!(shown.contains("cost          none: nothing was served\n"), "{shown}");
}

#[test]
fn a_mistyped_command_is_no_mere_search() {
    let lab = Lab::always(Script::sse(openai_chunks(&["Good day"])));
    let output = lab.pollm(["history", "lst"]).run().success();
    assert_eq!(output.stderr, "no call has that text in it; did you mean `pollm history list`?\n");
}

#[test]
fn who_deletes_many_is_told_how_many() {
    let lab = Lab::always(Script::sse(openai_chunks(&["Good day"])));
    let _ = lab.ask(&["hello"]).run().success();
    let _ = lab.ask(&["hello"]).run().success();
    let asked = lab.pollm(["history", "delete", "--all"]).run().exited(2);
    assert!(asked.stderr.contains("delete 2 calls with their texts for good?"), "{asked}");
    // Nothing to delete is nothing to ask about.
    let old = lab.pollm(["history", "delete", "--before", "2001-01-01"]).run().success();
    assert_eq!(old.stderr, "deleted 0 calls\n");
    assert_eq!(lab.ledger().len(), 2);
}
