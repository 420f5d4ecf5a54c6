//! The live board: a line a model on the terminal while they answer.

use std::sync::LazyLock;
use std::time::Instant;

use insta::assert_snapshot;
use regex::Regex;
use serde_json::json;

use super::{compare, lab_of};
use crate::support::process::{Run, Running};
use crate::support::streams::{openai_chunks, openai_delta};
use crate::support::{Lab, Script};

/// The boards that were drawn, oldest first, without colours. A board follows
/// the erasing of the one before, and ends with the way back to its beginning.
fn boards(written: &str) -> Vec<String> {
    static BOARD: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?s)\x1b\[C\x1b\[J\r(?:\x1b\[\d+A)?(\w.*?)\r(?:\x1b\[\d+A|\r\x1b\[2K|\z)").unwrap()
    });
    let board = |found: regex::Captures<'_>| uncoloured(&found[1]).replace("\r\r\n", "\n");
    BOARD.captures_iter(written).map(board).collect()
}

fn uncoloured(text: &str) -> String {
    static COLOUR: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\x1b\[\d+(;\d+)?m").unwrap());
    COLOUR.replace_all(text, "").into_owned()
}

/// A board without what differs between runs.
fn told(board: &str) -> String {
    static MEASURED: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(\d+ min )?[\d.]+ m?s\b|[\d.,]+ tok/s").unwrap());
    MEASURED
        .replace_all(
            board,
            |found: &regex::Captures<'_>| {
                if found[0].ends_with("tok/s") { "SPEED" } else { "TIME" }
            },
        )
        .into_owned()
}

/// Waits for a board that has all of these words.
#[track_caller]
fn wait_for_board(running: &mut Running, words: &[&str]) -> String {
    running.find_in_stderr(|written| {
        boards(written).into_iter().rev().find(|board| words.iter().all(|word| board.contains(word)))
    })
}

/// Answers by the name of the model.
fn answer(name: &str, _: usize) -> Script {
    let silent = Script::sse([] as [&str; 0]).head();
    match name.split('-').next().unwrap() {
        "quick" => Script::sse(openai_chunks(&["hello"])),
        "talks" => silent.body(openai_delta(&json!({"content": "one two three"}))).hang(),
        "thinks" => silent.body(openai_delta(&json!({"reasoning_content": "let me think"}))).hang(),
        "busy" => Script::json(503, &json!({"error": {"message": "come back"}})).header("retry-after", "50"),
        "refuses" => Script::json(400, &json!({"error": {"message": "\u{1b}[31mno\u{1b}[0m such\nthing"}})),
        _ => silent.hang(),
    }
}

/// `pollm compare` with stderr on a terminal, and stdout in a pipe.
fn on_terminal(lab: &Lab, names: &[&str], columns: u16, rows: u16, args: &[&str]) -> Run {
    compare(lab, names, args).terminal(columns, rows).pipe_stdout()
}

#[test]
fn each_model_has_a_line_that_says_what_it_does() {
    let names = ["quick", "talks", "thinks", "waits", "busy", "refuses"];
    let lab = lab_of(&names, answer);
    let mut running = on_terminal(&lab, &names, 110, 24, &["hello"]).spawn();
    let words =
        ["done in", "first token after", "reasoning after", "waiting,", "retrying in", "failed after"];
    let board = running.find_in_stderr(|written| {
        // Speeds are told after a moment.
        let is_whole = |board: &String| {
            words.iter().all(|word| board.contains(word)) && board.matches("tok/s").count() == 2
        };
        boards(written).into_iter().find(is_whole)
    });
    assert_snapshot!(told(&board), @r"
        quick/one    done in TIME, $0.000011
        talks/one    first token after TIME, ~3 tokens at ~SPEED, ~$0.000008 so far
        thinks/one   reasoning after TIME, ~3 tokens at ~SPEED, ~$0.000008 so far
        waits/one    waiting, TIME
        busy/one     the provider is overloaded (HTTP 503); retrying in TIME
        refuses/one  failed after TIME: the provider refused the request (HTTP 400): no such thing
    ");
    running.interrupt();
    let _ = running.finish().exited(130);
}

#[test]
fn nothing_of_it_is_left() {
    let names = ["quick", "waits"];
    let lab = lab_of(&names, answer);
    let mut running = compare(&lab, &names, &["hello"]).terminal(100, 24).spawn();
    running.wait_for_stdout("done in ");
    running.send("\u{3}");
    let shown = uncoloured(&running.finish().exited(130).stdout);
    // The terminal shows `^C` over the board; both lines are erased.
    let (_, behind) = shown.split_once("^C").unwrap();
    let erasing = "\r\u{1b}[2K\r\r\n\u{1b}[2K\u{1b}[C\u{1b}[J\r\u{1b}[1A";
    let (_, behind) = behind.rsplit_once(erasing).unwrap_or_else(|| panic!("{behind:?}"));
    assert!(behind.starts_with("prompt: hello\r\n"), "{behind:?}");
    assert!(!behind.contains("waiting, ") && !behind.contains("done in"), "{behind:?}");
}

#[test]
fn long_names_stay_apart_on_a_narrow_terminal() {
    let long = |name: &str| format!("{name}-{}", "a".repeat(40));
    let names = [long("quick") + "1", long("talks") + "2", "refuses".to_owned()];
    let names = names.each_ref().map(String::as_str);
    let lab = lab_of(&names, answer);
    let mut running = on_terminal(&lab, &names, 46, 24, &["hello"]).spawn();
    let board = wait_for_board(&mut running, &["done in", "first token", "failed after"]);
    assert!(board.lines().all(|line| line.chars().count() < 46), "{board}");
    // What is behind the times depends on how long they are.
    let begins = |line: &str| told(line).chars().take(24).collect::<String>();
    assert_snapshot!(board.lines().map(begins).collect::<Vec<_>>().join("\n"), @r"
        1  …aaaaaaaaaa1/one  don
        2  …aaaaaaaaaa2/one  fir
        3  refuses/one       fai
    ");
    running.interrupt();
    let _ = running.finish().exited(130);
}

#[test]
fn more_models_than_rows_are_one_line() {
    let names = ["quick", "talks", "waits", "busy", "refuses"];
    let lab = lab_of(&names, answer);
    let mut running = on_terminal(&lab, &names, 100, 5, &["hello"]).spawn();
    let board = wait_for_board(&mut running, &["2 of 5", "1 waiting to retry"]);
    assert_snapshot!(told(&board), @"2 of 5 calls done (1 failed), 2 running, 1 waiting to retry, TIME");
    running.interrupt();
    let _ = running.finish().exited(130);
}

#[test]
fn it_follows_the_size_of_the_window() {
    let names = ["quick", "refuses", "waits"];
    let lab = lab_of(&names, answer);
    // What the user says of the width of tables makes no terminal wider.
    let mut running = on_terminal(&lab, &names, 60, 24, &["hello"]).env("COLUMNS", "200").spawn();
    let all = ["done in", "failed after", "waiting, "];
    let widest = |board: &str| board.lines().map(|line| line.chars().count()).max().unwrap();
    assert_eq!(widest(&wait_for_board(&mut running, &all)), 59);
    running.resize(40, 24);
    running.find_in_stderr(|written| (widest(boards(written).last()?) == 39).then_some(()));
    for (columns, rows) in [(40, 3), (19, 24)] {
        running.resize(100, 24);
        running.find_in_stderr(|written| (boards(written).last()?.lines().count() == 3).then_some(()));
        running.resize(columns, rows);
        let line = running
            .find_in_stderr(|written| boards(written).pop().filter(|board| board.lines().count() == 1));
        assert!(line.starts_with("2 of 3 calls done") && line.chars().count() < columns.into(), "{line}");
    }
    running.interrupt();
    let _ = running.finish().exited(130);
}

#[test]
fn runs_are_numbered_as_they_end() {
    let names = ["quick", "waits"];
    let lab = lab_of(&names, answer);
    let mut running = on_terminal(&lab, &names, 100, 24, &["--runs", "2", "--warmup", "1", "hello"]).spawn();
    // The next round begins when this one is over.
    let board = wait_for_board(&mut running, &["done in", "waiting, "]);
    assert_snapshot!(told(&board), @r"
        quick/one  1/3  done in TIME, $0.000011
        waits/one  1/3  waiting, TIME
    ");
    running.interrupt();
    let _ = running.finish().exited(130);
    // The second of two that take turns.
    let mut running = on_terminal(&lab, &["waits", "quick"], 100, 24, &["-j", "1", "hello"]).spawn();
    assert_snapshot!(told(&wait_for_board(&mut running, &["waiting, "])), @r"
        waits/one  waiting, TIME
        quick/one  waits for its turn
    ");
    running.interrupt();
    let _ = running.finish().exited(130);
}

/// Neither the first request nor the wait is part of the times, as in the table.
#[test]
fn a_retry_begins_anew() {
    let lab = lab_of(&["late", "quick"], |name, n| match (name, n) {
        ("late", 0 | 1) => Script::new(503).header("retry-after", "2"),
        ("late", _) => answer("talks", n),
        _ => answer("quick", n),
    });
    let began = Instant::now();
    let mut running = on_terminal(&lab, &["late", "quick"], 100, 24, &["hello"]).spawn();
    let board = wait_for_board(&mut running, &["first token after"]);
    let passed = began.elapsed().as_secs_f64();
    let took = Regex::new(r"^late/one +first token after ([\d.]+) (m?s)").unwrap();
    let took = took.captures(&board).unwrap_or_else(|| panic!("{board}"));
    let took = took[1].parse::<f64>().unwrap() / if &took[2] == "ms" { 1000.0 } else { 1.0 };
    // The figure is rounded.
    assert!(took + 2.0 < passed + 0.1, "{passed} s: {board}");
    running.interrupt();
    let _ = running.finish().exited(130);
}

#[test]
fn it_is_for_people_who_look_at_a_terminal() {
    let names = ["quick", "quick-too"];
    let lab = lab_of(&names, answer);
    let run = |args: &[&str]| compare(&lab, &names, &[args, &["hello"]].concat()).terminal(100, 24);
    for (variable, value) in [("ACCESSIBLE", "1"), ("TERM", "dumb")] {
        let output = run(&[]).pipe_stdout().env(variable, value).run().success();
        assert_eq!(output.stderr, "", "{variable}");
    }
    assert_eq!(run(&["--quiet"]).pipe_stdout().run().success().stderr, "");
    // It would be drawn over events that are on the same terminal.
    let events = run(&["--jsonl"]).run().success();
    assert!(!events.stdout.contains('\u{1b}') && events.jsonl().len() > 2, "{events}");
    let apart = run(&["--jsonl"]).pipe_stdout().run().success();
    assert!(!boards(&apart.stderr).is_empty() && apart.jsonl().len() > 2, "{apart}");
}
