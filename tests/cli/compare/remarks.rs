//! What is said beside an answer: why it ends where it ends, and what may help.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{compare, lab_of};
use crate::support::lab::KEY;
use crate::support::streams::{OPENAI_DONE, openai_chunks, openai_delta, openai_finish, openai_usage};
use crate::support::{CommandOutput, Script};

/// An answer that begins and ends so.
fn ending(delta: &Value, finish: &str) -> Script {
    Script::sse([openai_delta(delta), openai_finish(finish), openai_usage(1), OPENAI_DONE.to_owned()])
}

/// The names of the cards and the remarks on them.
fn remarks(output: &CommandOutput) -> String {
    let told = |line: &&str| {
        ["── ", "warning: ", "note: ", "error: ", "hint: "].iter().any(|word| line.starts_with(word))
    };
    let lines = output.stdout.lines().filter(told).map(|line| line.trim_end_matches(['─', ' ']));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_early_end_has_its_words() {
    let names = ["cut", "thinking", "filtered", "refused", "calling", "empty", "broken"];
    let lab = lab_of(&names, |name, _| match name {
        "cut" => ending(&json!({"content": "Half"}), "length"),
        "thinking" => ending(&json!({"reasoning_content": "Hm"}), "length"),
        "filtered" => ending(&json!({"content": "Half"}), "content_filter"),
        "refused" => ending(&json!({"refusal": "I can't"}), "stop"),
        "calling" => {
            let function = json!({"name": "look", "arguments": "{}"});
            let call =
                json!({"tool_calls": [{"index": 0, "id": "1", "type": "function", "function": function}]});
            ending(&call, "tool_calls")
        }
        "empty" => ending(&json!({"content": ""}), "stop"),
        _ => Script::sse(["data: {broken\n\n"]).bodies(openai_chunks(&["Whole"])),
    });
    let output = compare(&lab, &names, &["--view", "cards", "hello"]).run().success();
    assert_snapshot!(remarks(&output), @"
    ── cut/one
    warning: the answer was cut at 1 token
    ── thinking/one
    warning: the token limit was reached while reasoning: raise `--max-tokens`
    ── filtered/one
    warning: the provider's filter cut the answer
    ── refused/one
    warning: the model refused to answer
    ── calling/one
    warning: the model wants to call a tool; pollm runs none
    ── empty/one
    warning: the answer is empty
    ── broken/one
    warning: skipped 1 event that could not be read
    ");
    // The same is said later, and wherever else it is shown.
    let later = lab.pollm(["compare", "--last", "--view", "cards"]).run().success();
    assert_eq!(remarks(&later), remarks(&output));
    let markdown = lab.pollm(["compare", "--last", "--format", "markdown"]).run().success().stdout;
    assert!(markdown.contains("the provider's filter cut the answer"), "{markdown}");
    let strict = compare(&lab, &["empty", "cut"], &["--strict", "hello"]).run().exited(8);
    assert_eq!(strict.stderr, "error: cut/one: the answer was truncated\n");
}

/// A parameter that one of the models does not take is left out for this one.
#[test]
fn what_was_left_out_is_named() {
    let lab = lab_of(&["a"], |_, _| Script::sse(openai_chunks(&["Yes"])));
    let base = lab.server.url();
    let row = crate::support::lab::row("a", "openai-chat", &format!("{base}/a"));
    let openai = format!("[providers.openai]\nbase_url = \"{base}/openai\"\n");
    lab.env.configure(&format!("{row}{openai}"));
    let args = ["compare", "-m", "a/one,openai/gpt-6-sol", "--temperature", "0", "--view", "cards", "hello"];
    let output = lab.pollm(args).env("OPENAI_API_KEY", KEY).run().success();
    assert_snapshot!(remarks(&output), @"
    ── a/one
    ── openai/gpt-6-sol
    note: `temperature` was left out: `gpt-6-sol` does not take it
    ");
    assert_eq!(lab.server.requests().len(), 2);
}

#[test]
fn each_failure_has_its_hint() {
    let names = ["key", "money", "model", "long", "busy", "fine"];
    let lab = lab_of(&names, |name, _| {
        let failed = |status, code: Value| {
            Script::json(status, &json!({"error": {"message": "So it is", "code": code}}))
        };
        match name {
            "key" => failed(401, Value::Null),
            "money" => failed(402, Value::Null),
            "model" => failed(404, Value::Null),
            "long" => failed(400, json!("context_length_exceeded")),
            "busy" => failed(503, Value::Null),
            _ => Script::sse(openai_chunks(&["Yes"])),
        }
    });
    let output = compare(&lab, &names, &["--retries", "0", "--view", "cards", "hello"]).run().exited(4);
    assert_snapshot!(remarks(&output), @"
    ── key/one
    error: the API key was rejected (HTTP 401): So it is
    hint: check the key; `pollm models providers` shows where it was found
    ── money/one
    error: out of credit, or over a spending limit (HTTP 402): So it is
    hint: add credit at the provider
    ── model/one
    error: no such model or address (HTTP 404): So it is
    hint: check the id; `pollm models --provider model` lists what is known
    ── long/one
    error: the prompt does not fit the model's context (HTTP 400): So it is
    hint: shorten the prompt, or ask a model with a larger context
    ── busy/one
    error: the provider is overloaded (HTTP 503): So it is
    hint: `pollm compare --last --retry-failed` asks only what failed
    ── fine/one
    ");
    assert_snapshot!(output.stderr, @"
    error: 5 of 6 models failed
      because: key/one: the API key was rejected (HTTP 401): So it is
      because: money/one: out of credit, or over a spending limit (HTTP 402): So it is
      because: model/one: no such model or address (HTTP 404): So it is
      because: long/one: the prompt does not fit the model's context (HTTP 400): So it is
      because: busy/one: the provider is overloaded (HTTP 503): So it is
    ");
    let retry = lab.pollm(["compare", "--last", "--retry-failed", "--retries", "0"]).run().exited(1);
    assert!(retry.stderr.starts_with("error: all calls failed\n"), "{retry}");
}

/// Of several runs one answer is shown; that others failed is not lost.
#[test]
fn other_runs_that_failed_are_counted() {
    let (made, slots) = (std::sync::atomic::AtomicUsize::new(0), 4);
    let lab = lab_of(&["a", "b"], move |name, _| {
        let at = if name == "b" { made.fetch_add(1, std::sync::atomic::Ordering::SeqCst) } else { slots };
        match at {
            0 | 1 => Script::json(500, &json!({"error": {"message": "Oh no"}})),
            2 => Script::json(429, &json!({"error": {"message": "Slow down"}})),
            _ => Script::sse(openai_chunks(&["Yes"])),
        }
    });
    let args = ["--runs", "4", "--retries", "0", "--view", "cards", "hello"];
    let output = compare(&lab, &["a", "b"], &args).run().exited(4);
    assert_snapshot!(remarks(&output), @"
    ── a/one
    note: the answer of run 1 of 4
    ── b/one
    note: the answer of run 4 of 4
    error: 2 other runs: the provider failed (HTTP 500)
    error: another run: the rate limit is reached (HTTP 429)
    ");
}

/// A screen of causes is enough.
#[test]
fn of_many_causes_the_first_are_told() {
    let names: Vec<String> = (10..24).map(|n| format!("p{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let lab =
        lab_of(&names, |name, _| Script::json(400, &json!({"error": {"message": format!("No, {name}")}})));
    let output = compare(&lab, &names, &["hello"]).run().exited(1);
    let causes: Vec<&str> = output.stderr.lines().collect();
    assert_eq!(causes[0], "error: all models failed");
    assert_eq!(causes[1], "  because: p10/one: the provider refused the request (HTTP 400): No, p10");
    assert_eq!((causes.len(), causes[13]), (14, "  because: and 2 more"));
}
