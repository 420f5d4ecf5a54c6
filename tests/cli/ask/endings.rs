//! What is said of an answer that ended early, and of a call that failed.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::lab::KEY;
use crate::support::streams::{OPENAI_DONE, openai_delta, openai_finish, openai_usage};
use crate::support::{Lab, Script};

/// What stands on stderr for an answer that ends so.
fn note(delta: &serde_json::Value, finish: &str, usage: Option<usize>) -> String {
    let frames = [openai_delta(delta), openai_finish(finish)];
    let usage = usage.map(openai_usage);
    let script = Script::sse(frames).bodies(usage).bodies([OPENAI_DONE]);
    Lab::always(script).ask(&["hello"]).run().success().stderr
}

#[test]
fn each_early_end_has_its_words() {
    let half = json!({"content": "Half"});
    assert_eq!(note(&half, "length", Some(1)), "the answer was cut at 1 token\n");
    assert_eq!(note(&half, "length", Some(2)), "the answer was cut at 2 tokens\n");
    assert_eq!(note(&half, "content_filter", Some(1)), "the provider's filter cut the answer\n");
    assert_eq!(note(&json!({"refusal": "I can't"}), "stop", Some(1)), "the model refused to answer\n");
    assert_eq!(
        note(&json!({"reasoning_content": "Hm"}), "length", Some(1)),
        "the token limit was reached while reasoning: raise `--max-tokens`\n"
    );
    let call = json!({"tool_calls": [{"index": 0, "id": "1", "type": "function",
        "function": {"name": "look", "arguments": "{}"}}]});
    assert_eq!(note(&call, "tool_calls", Some(1)), "the model wants to call a tool; pollm runs none\n");
}

#[test]
fn parameters_that_were_left_out_are_named() {
    let lab = Lab::always(Script::sse([openai_delta(&json!({"content": "Yes"})), openai_finish("stop")]));
    lab.env.configure(&format!(
        "[providers.anthropic]\nprotocol = \"openai-chat\"\nbase_url = \"{}/v1\"\n",
        lab.server.url()
    ));
    let args = ["ask", "-m", "anthropic/claude-opus-5-5", "--temperature", "0", "hello"];
    let output = lab.pollm(args).env("ANTHROPIC_API_KEY", KEY).run().success();
    assert_eq!(output.stderr, "`temperature` was left out: `claude-opus-5-5` does not take it\n");
}

/// Where the key came from decides what to do about it.
#[test]
fn a_key_that_is_rejected() {
    let lab = Lab::always(Script::json(401, &json!({"error": {"message": "Wrong key"}})));
    let base = format!("protocol = \"openai-chat\"\nbase_url = \"{}/v1\"\n", lab.server.url());
    lab.env.configure(&format!(
        "[providers.printed]\n{base}key_command = [\"echo\", \"{KEY}\"]\n[providers.open]\n{base}"
    ));
    assert_snapshot!(lab.pollm(["ask", "-m", "printed/one", "hello"]).run(), @"
    ------- stderr -------
    error: printed/one: the API key was rejected (HTTP 401)
      because: Wrong key

    hint: the key came from the command `echo`; check what it prints
    [exit status: 5]
    ");
    let hint = |lab: &Lab| {
        let output = lab.pollm(["ask", "-m", "open/one", "hello"]).run().exited(5);
        output.stderr.lines().last().unwrap().to_owned()
    };
    assert_eq!(hint(&lab), "hint: store a key with `pollm keys set open`");
    let _ = lab.pollm(["keys", "set", "open"]).stdin(KEY).run().success();
    assert_eq!(hint(&lab), "hint: replace the stored key with `pollm keys set open`");
}

/// Only of a model that pollm does not know itself: a known one may be missing for another reason.
#[test]
fn a_model_that_is_unknown_there_but_like_one_that_is_known() {
    let lab = Lab::always(Script::json(404, &json!({"error": {"message": "No such model"}})));
    let hint = |model: &str| {
        let output = lab.pollm(["ask", "-m", model, "hello"]).run().exited(1);
        output.stderr.lines().last().unwrap().to_owned()
    };
    assert_eq!(hint("lab/oen"), "hint: did you mean `lab/one`?");
    assert!(hint("lab/one").starts_with("hint: check the address, http://127.0.0.1:"));
}

/// Nor is one of an earlier call touched.
#[test]
fn a_call_without_an_answer_leaves_no_file() {
    let lab = Lab::always(Script::json(402, &json!({"error": {"message": "No credit"}})));
    let output = lab.ask(&["--output", "answer.txt", "hello"]).run().exited(1);
    assert!(output.stderr.starts_with("error: lab/one: out of credit"), "{output}");
    assert_eq!(std::fs::read_dir(lab.env.root().join("work")).unwrap().count(), 0);
    lab.env.write("answer.txt", "of an earlier call\n");
    let _ = lab.ask(&["--output", "answer.txt", "hello"]).run().exited(1);
    let kept = std::fs::read_to_string(lab.env.root().join("work/answer.txt")).unwrap();
    assert_eq!(kept, "of an earlier call\n");
}
