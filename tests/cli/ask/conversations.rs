//! Going on with a conversation.

use serde_json::{Value, json};

use crate::support::streams::openai_chunks;
use crate::support::{Lab, Script};

fn turns(body: &Value) -> Vec<(&str, &str)> {
    let messages = body["messages"].as_array().unwrap().iter();
    messages.map(|turn| (turn["role"].as_str().unwrap(), turn["content"].as_str().unwrap())).collect()
}

#[test]
fn the_next_request_carries_all_turns() {
    let lab = Lab::start(|_, n| Script::sse(openai_chunks(&[&format!("answer {n}")])));
    let _ = lab.ask(&["-s", "be brief", "first"]).run().success();
    let _ = lab.pollm(["ask", "-c", "second"]).run().success();
    let body = lab.body();
    assert_eq!(
        turns(&body),
        [("system", "be brief"), ("user", "first"), ("assistant", "answer 0"), ("user", "second")]
    );
    assert_eq!(body["model"], "one");
    // On another model, where one is named.
    let _ = lab.pollm(["ask", "-c", "-m", "lab/two", "third"]).run().success();
    let body = lab.body();
    assert_eq!(
        (turns(&body).len(), turns(&body)[4], &body["model"]),
        (6, ("assistant", "answer 1"), &json!("two"))
    );
    let conversations: Vec<_> = lab.ledger().iter().map(|row| row["conversation"].clone()).collect();
    assert!(conversations.iter().all(|id| *id == conversations[0]), "{conversations:?}");
}

#[test]
fn a_conversation_by_its_id() {
    let lab = Lab::start(|_, n| Script::sse(openai_chunks(&[&format!("answer {n}")])));
    let _ = lab.ask(&["one thing"]).run().success();
    let _ = lab.ask(&["another thing"]).run().success();
    let first = lab.ledger()[0]["conversation"].as_str().unwrap().to_owned();
    let _ = lab.pollm(["ask", "--conversation", &first, "more"]).run().success();
    assert_eq!(turns(&lab.body()), [("user", "one thing"), ("assistant", "answer 0"), ("user", "more")]);
    // The latest conversation is now the one that was gone on with.
    let _ = lab.pollm(["ask", "-c", "still more"]).run().success();
    assert_eq!(turns(&lab.body()).len(), 5);
}

#[test]
fn a_cut_answer_can_be_gone_on_with() {
    let half = crate::support::streams::openai_delta(&json!({"content": "Half"}));
    let lab = Lab::in_turn([Script::sse([half]).close(), Script::sse(openai_chunks(&[" whole"]))]);
    let _ = lab.ask(&["tell"]).run().exited(1);
    let _ = lab.pollm(["ask", "-c", "go on"]).run().success();
    assert_eq!(turns(&lab.body()), [("user", "tell"), ("assistant", "Half"), ("user", "go on")]);
}

#[test]
fn after_a_comparison_an_answer_has_to_be_named() {
    let lab = Lab::always(Script::sse(openai_chunks(&["Good day"])));
    let none = lab.pollm(["ask", "-c", "more"]).run().exited(2);
    assert!(none.stderr.contains("hint: ask something first"), "{none}");
    let _ = lab.pollm(["compare", "-m", "lab/one", "-m", "lab/two", "hello"]).run().success();
    let refused = lab.pollm(["ask", "-c", "more"]).run().exited(2);
    let id = refused.stderr.split("--conversation ").nth(1).and_then(|rest| rest.split(' ').next());
    let id = id.unwrap_or_else(|| panic!("{refused}")).to_owned();
    let _ = lab.pollm(["ask", "--conversation", &id, "more"]).run().success();
    assert_eq!(turns(&lab.body()), [("user", "hello"), ("assistant", "Good day"), ("user", "more")]);
}

#[test]
fn a_route_chooses_among_all_models_for_a_conversation_too() {
    let lab = Lab::start(|_, n| Script::sse(openai_chunks(&[&format!("answer {n}")])));
    let _ = lab.ask(&["first"]).run().success();
    let again = ["ask", "-c", "--route", "cheapest", "--dry-run", "--json", "second"];
    let output = lab.pollm(again).env("OPENAI_API_KEY", "sk-never-sent").run().success();
    let first = &output.jsonl()[0];
    assert!(first["route"]["candidates"].as_array().unwrap().len() > 1, "{first:#}");
    assert_eq!(turns(&first["body"]).len(), 3);
}
