//! `--json` of every command: each prints the object that the schema has for it.

use serde_json::{Value, json};

use crate::support::schema::check_as;
use crate::support::streams::{openai_body, openai_delta};
use crate::support::{Lab, Script};

/// A provider with a past: a good call, one that was cut, one that was refused.
fn lab() -> Lab {
    let lab = Lab::in_turn([
        Script::json(200, &openai_body("Hello.")),
        Script::sse([openai_delta(&json!({"content": "Half"}))]).close(),
        Script::json(429, &json!({"error": {"message": "slow down"}})).header("retry-after", "300"),
        Script::json(200, &json!({"object": "list", "data": [{"id": "one", "object": "model"}]})),
    ]);
    lab.configure(
        "[sets]\ntwo = [\"lab/one\", \"openai/gpt-6.1-sol\"]\n\
         [routes.quick]\npolicy = \"fastest\"\nmodels = [\"lab/one\"]\n[budget]\nday = \"5\"\n",
    );
    let _ = lab.ask(&["--no-stream", "hello"]).run().success();
    let _ = lab.ask(&["--max-tokens", "100", "hello"]).run().exited(1);
    let _ = lab.ask(&["--retries", "0", "hello"]).run().exited(1);
    lab
}

#[test]
fn every_object_is_the_one_that_the_schema_has_for_it() {
    let lab = lab();
    for (kind, line) in [
        ("model_list", "models list --all"),
        ("shown_model", "models show deepseek/deepseek-flash"),
        ("shown_model", "models show lab/one"),
        ("shown_route", "models show quick"),
        ("model_set", "models show two"),
        ("sources", "models --about"),
        ("provider_list", "models providers"),
        ("cost_report", "cost report --by model"),
        ("cost_report", "cost report --by provider"),
        ("cost_report", "cost report --by day --since 7d"),
        ("cost_report", "cost report --by command"),
        ("cost_estimate", "cost estimate -m lab/one,openai/gpt-6.1-sol,local/smollm2-135m words"),
        ("cost_price", "cost price openai/gpt-6.1-sol --input 1234 --output 567 --batch"),
        ("cost_price", "cost price lab/unknown --input 1 --output 1"),
        ("cost_what_if", "cost what-if openai/gpt-6.1-sol"),
        ("cost_audit", "cost audit --offline"),
        ("cost_budget", "cost budget"),
        ("dry_run", "ask -m quick --dry-run words"),
        ("dry_run", "ask -m local/smollm2-135m --dry-run words"),
        ("history_list", "history list"),
        ("clearing", "models check --clear-cooldowns"),
        // The last, since it asks the server.
        ("provider_checks", "models check lab"),
    ] {
        let object = lab.pollm(line.split(' ').chain(["--json"])).run().success().json();
        check_as(kind, &object);
    }
}

#[test]
fn the_lines_of_every_table_are_those_of_its_object() {
    let lab = lab();
    for (kind, line) in [
        ("listed_model", "models list --provider lab --jsonl"),
        ("provider", "models providers --jsonl"),
        ("spending_group", "cost report --by model --jsonl"),
        ("estimate", "cost estimate -m lab/one,openai/gpt-6.1-sol words --jsonl"),
        ("what_if_group", "cost what-if openai/gpt-6.1-sol --jsonl"),
        ("cap", "cost budget --jsonl"),
        ("past_call", "history list --jsonl"),
        ("past_call", "history export"),
    ] {
        let objects = lab.pollm(line.split(' ')).run().success().jsonl();
        objects.iter().for_each(|object| check_as(kind, object));
        assert!(!objects.is_empty(), "{line}");
    }
}

#[test]
fn what_is_rare_is_described_too() {
    let lab = lab();
    let run = |line: &str| lab.pollm(line.split(' ')).run().success().json();
    assert_eq!(run("cost budget --json")["held"][0]["state"], "doubtful");
    assert_eq!(run("cost audit --offline --json")["possibly_billed"][0]["model"], "lab/one");
    assert_eq!(run("models check lab --json")["providers"][0]["cooldowns"][0]["kind"], "rate_limit");

    let mut catalog: Value = serde_json::from_str(include_str!("../../src/catalog/catalog.json")).unwrap();
    catalog["p"]["openai"]["m"]["gpt-6-sol"]["$"][0]["i"] = json!(1.5);
    lab.env.write("catalog.json", catalog.to_string());
    let changes = run("models refresh --from catalog.json --json");
    check_as("refresh", &changes);
    assert_eq!(changes["price_changes"][0]["model"], "openai/gpt-6-sol", "{changes:#}");
}
