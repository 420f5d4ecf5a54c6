//! Fallback chains: one model after the other until one answers.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::lab::{KEY, row};
use crate::support::process::Run;
use crate::support::streams::{openai_chunks, openai_delta};
use crate::support::{Lab, Script};

/// Three providers; each answers as the function says of its name.
fn chain(answer: impl Fn(&str) -> Script + Send + Sync + 'static) -> Lab {
    let lab = Lab::start(move |request, _| answer(request.target.split('/').nth(1).unwrap()));
    let rows = ["a", "b", "c"].map(|name| row(name, "openai-chat", &format!("{}/{name}", lab.server.url())));
    lab.env.configure(&rows.concat());
    lab
}

fn ask(lab: &Lab, args: &[&str]) -> Run {
    lab.pollm(["ask", "-m", "a/one,b/one", "-m", "c/one", "--retries", "0"].iter().chain(args).copied())
}

#[test]
fn the_third_answers() {
    let lab = chain(|name| match name {
        "a" => Script::json(429, &json!({"error": {"message": "Slow down"}})),
        "b" => Script::json(500, &json!({"error": {"message": "Broken"}})),
        _ => Script::sse(openai_chunks(&["Here I am"])),
    });
    let output = ask(&lab, &["-u", "hello"]).run();
    assert_snapshot!(lab.tell(&output), @r#"
        Here I am
        ------- stderr -------
        a/one: the rate limit is reached (HTTP 429); trying the next model
        b/one: the provider failed (HTTP 500); trying the next model
        c/one · TIME to first word, TIME · 9 → 1 tokens · $0.000011 · answered by scripted-1 · 3 attempts, TIME in all · a/one and b/one failed
        [exit status: 0]
        requests: 3
        ledger: a/one "error" "", finish null, "rate_limit" 429, HTTP [429], cost "0" "computed"
        ledger: b/one "error" "", finish null, "server" 500, HTTP [500], cost "0" "computed"
        ledger: c/one "ok" "Here I am", finish "stop", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
}

#[test]
fn all_fail() {
    let lab = chain(|_| Script::json(402, &json!({"error": {"message": "No credit"}})));
    let output = ask(&lab, &["hello"]).run();
    assert_snapshot!(lab.tell(&output), @r#"
        ------- stderr -------
        a/one: out of credit, or over a spending limit (HTTP 402); trying the next model
        b/one: out of credit, or over a spending limit (HTTP 402); trying the next model
        error: c/one: out of credit, or over a spending limit (HTTP 402)
          because: No credit

        hint: add credit at the provider, or ask another model with `-m`
        [exit status: 1]
        requests: 3
        ledger: a/one "error" "", finish null, "money" 402, HTTP [402], cost "0" "computed"
        ledger: b/one "error" "", finish null, "money" 402, HTTP [402], cost "0" "computed"
        ledger: c/one "error" "", finish null, "money" 402, HTTP [402], cost "0" "computed"
    "#);
}

#[test]
fn nobody_takes_over_behind_the_first_word() {
    let lab = chain(|_| Script::sse([openai_delta(&json!({"content": "Half"}))]).close());
    let output = ask(&lab, &["hello"]).run().exited(1);
    assert_eq!(output.stdout, "Half\n");
    assert_eq!((lab.server.requests().len(), lab.ledger().len()), (1, 1));
}

#[test]
fn what_is_wrong_everywhere_is_asked_once() {
    let lab = chain(|_| Script::json(400, &json!({"error": {"message": "No such field `x`"}})));
    let _ = ask(&lab, &["-o", "x=1", "hello"]).run().exited(1);
    assert_eq!((lab.server.requests().len(), lab.ledger().len()), (1, 1));
}

#[test]
fn a_model_without_a_key_is_passed_over() {
    let lab = chain(|_| Script::sse(openai_chunks(&["Here I am"])));
    let output = lab.pollm(["ask", "-m", "openai/gpt-6.1-sol,b/one", "hello"]).run().success();
    assert_eq!(output.stdout, "Here I am\n");
    assert!(output.stderr.contains("trying the next model") && !output.stderr.contains(KEY), "{output}");
    assert_eq!(lab.server.requests().len(), 1);
}

#[test]
fn events_of_a_chain_end_once() {
    let lab = chain(|name| match name {
        "a" => Script::json(429, &json!({"error": {"message": "Slow down"}})),
        _ => Script::sse(openai_chunks(&["Here"])),
    });
    let events = ask(&lab, &["--jsonl", "hello"]).run().success().jsonl();
    let told: Vec<_> = events
        .iter()
        .map(|event| format!("{} {}", event["event"].as_str().unwrap(), event["model"].as_str().unwrap()))
        .collect();
    assert_eq!(told, ["start a/one", "start b/one", "first_token b/one", "delta b/one", "done b/one"]);
}
