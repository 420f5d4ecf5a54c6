//! What `history` says of calls, their costs above all.

use serde_json::json;

use crate::support::streams::openai_chunks;
use crate::support::{Env, Lab, Script};

/// A call of `lab/one` was refused, and of `lab/two` nothing could be read; all others are good.
fn refused_and_broken() -> Lab {
    let lab = Lab::in_turn([
        Script::json(400, &json!({"error": {"message": "No"}})),
        Script::sse(["data: {broken\n\n", "data: {too\n\n"]),
        Script::sse(openai_chunks(&["Good  day"])),
    ]);
    let _ = lab.ask(&["hello"]).run().exited(1);
    let _ = lab.pollm(["ask", "-m", "lab/two", "hello"]).run().exited(1);
    lab
}

#[test]
fn no_cost_is_not_an_amount_and_an_unknown_one_is_not_zero() {
    let lab = refused_and_broken();
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

#[test]
fn a_history_is_read_out_a_line_a_fact() {
    let lab = refused_and_broken();
    let _ = lab.ask(&["a b\nsecond line"]).run().success();
    let listed = lab.pollm(["history"]).env("ACCESSIBLE", "1").run().success().to_string();
    let ids = regex::Regex::new(r"\bid: \w+").unwrap();
    insta::assert_snapshot!(ids.replace_all(&listed, "id: ID"), @"
    id: ID
    at: TIMESTAMP
    model: lab/one
    status: ok
    tokens: 9 in, 1 out
    cost: $0.000011
    prompt: a b

    id: ID
    at: TIMESTAMP
    model: lab/two
    status: error
    tokens: about 2 in, about 0 out
    cost: unknown
    prompt: hello

    id: ID
    at: TIMESTAMP
    model: lab/one
    status: error
    cost: none
    prompt: hello
    ------- stderr -------
    [exit status: 0]
    ");
    let last = lab.ledger()[2]["id"].as_str().unwrap().to_owned();
    let shown = lab.pollm(["history", "show", &last]).env("ACCESSIBLE", "1").run().success().stdout;
    let (facts, said) = shown.split_once("\n\n").unwrap();
    assert!(facts.lines().all(|line| line.contains(": ") && !line.contains("  ")), "{shown}");
    assert!(facts.contains("\ncost: $0.000011 (computed)\n"), "{shown}");
    assert_eq!(said, "prompt:\na b\nsecond line\n\nanswer:\nGood  day\n");
}

#[test]
fn a_call_is_shown_as_it_was_and_drives_no_terminal() {
    let lab = Lab::always(Script::sse(openai_chunks(&["Good\u{1b}[2J day"])));
    let _ = lab.ask(&["hello"]).run().success();
    let id = lab.ledger()[0]["id"].as_str().unwrap().to_owned();
    let show = |args: &[&str]| lab.pollm(["history", "show", &id].into_iter().chain(args.iter().copied()));
    assert!(show(&[]).run().success().stdout.contains("Good\u{1b}[2J day"));
    assert!(!show(&[]).terminal(80, 24).run().success().stdout.contains("\u{1b}[2J"));
    let object = show(&["--json"]).run().success().json();
    assert_eq!((&object["id"], object["request"].is_object()), (&json!(id), true));
}

#[test]
fn an_empty_history_and_a_wrong_id_are_told_apart() {
    let env = Env::new();
    let run = |args: &[&str]| env.pollm(["history"].iter().chain(args).copied()).run();
    assert_eq!(run(&[]).success().stderr, "no calls yet: `pollm ask` writes them\n");
    assert_eq!(run(&["-q"]).success().stderr, "");
    insta::assert_snapshot!(run(&["show", "01M8KR4NX0"]), @"
    ------- stderr -------
    error: there is no call `01M8KR4NX0` in the history

    hint: `pollm history list` shows ids
    [exit status: 2]
    ");
    insta::assert_snapshot!(run(&["show", "yesterday"]), @"
    ------- stderr -------
    error: `yesterday` is not an id: give at least 4 of its letters and digits

    hint: `pollm history list` shows ids
    [exit status: 2]
    ");
    let _ = run(&["delete", "01M8KR4NX0"]).exited(2);
}

#[test]
fn a_deletion_is_asked_for_on_a_terminal_and_can_be_refused() {
    let lab = Lab::always(Script::sse(openai_chunks(&["Good day"])));
    for _ in 0..2 {
        let _ = lab.ask(&["hello"]).run().success();
    }
    let answered = |answer: &str| {
        let mut asked = lab.pollm(["history", "delete", "--all"]).terminal(80, 24).spawn();
        asked.wait_for_stdout("delete 2 calls with their texts for good?");
        asked.send(answer);
        asked.finish()
    };
    assert!(answered("n\n").exited(2).stdout.contains("nothing was deleted"));
    assert_eq!(lab.ledger().len(), 2);
    let id = lab.ledger()[0]["id"].as_str().unwrap().to_owned();
    let _ = lab.ask(&["hello"]).run().success();
    let one = lab.pollm(["history", "delete", &id, &id]).run().success();
    assert_eq!(one.stderr, "deleted 1 call\n");
    assert!(answered("y\n").exited(0).stdout.contains("deleted 2 calls"));
    assert_eq!(lab.ledger().len(), 0);
}
