//! `--resume` after a kill, an interruption and failures; `--last`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::{THREE, answering, asked, compare, echo, field};
use crate::support::Script;
use crate::support::streams::openai_chunks;

fn numbers(count: usize) -> String {
    (1..=count).map(|n| format!("number {n}\n")).collect()
}

/// Kills a run of three models in the middle and goes on with it.
fn killed_and_resumed(prompts: usize, at: usize) {
    let lab = echo();
    lab.env.write("p.txt", numbers(prompts));
    let args = ["--prompts", "p.txt", "--agree", "--jsonl"];
    let running = compare(&lab, &THREE, &args).spawn();
    lab.server.wait_for_requests(at);
    running.kill();
    let printed = running.finish().stdout;
    // Whatever was printed is in the history.
    let printed = printed.lines().filter(|line| line.ends_with('}')).count();
    assert!(printed <= lab.ledger().len());
    let before = asked(&lab);
    assert!(before.len() >= at && before.len() < 3 * prompts, "{} calls", before.len());

    let output = compare(&lab, &THREE, &[&args[..], &["--resume"]].concat()).run();
    let events = output.jsonl();
    let (summary, calls) = events.split_last().unwrap();
    assert_eq!(calls.len(), 3 * prompts);
    let places: BTreeSet<String> =
        calls.iter().map(|call| format!("{} {}", call["lane"], call["prompt_id"])).collect();
    assert_eq!(places.len(), 3 * prompts);
    // Each call was seen once, but for those that were begun and never sent.
    let seen = asked(&lab);
    assert!(seen.values().all(|times| *times == 1), "a call was made twice");
    let lost: Vec<_> = calls.iter().filter(|call| call["event"] == "error").collect();
    assert!(lost.iter().all(|call| call["outcome"]["possibly_billed"] == true));
    assert!(lost.len() <= 12, "{} calls under way", lost.len());
    assert!(seen.len() + lost.len() >= 3 * prompts);
    let total = &summary["summary"]["total"];
    assert_eq!((&total["unpriced"], &total["possibly_billed"]), (&json!(lost.len()), &json!(lost.len())));
    let good = 3 * prompts - lost.len();
    // 9 tokens in at one dollar a million and 2 out at two.
    assert_eq!(total["usd"].as_str().unwrap().parse::<f64>().unwrap(), (good * 13) as f64 / 1e6);
    assert_eq!(output.code, Some(if lost.is_empty() { 0 } else { 4 }), "{}", output.stderr);

    // Only those are made again, and what they may have cost stays in the sum.
    let again = compare(&lab, &THREE, &[&args[..], &["--resume", "--retry-failed"]].concat());
    let events = again.run().success().jsonl();
    assert_eq!(asked(&lab).values().sum::<usize>(), seen.len() + lost.len());
    let total = &events.last().unwrap()["summary"]["total"];
    assert_eq!((&total["unpriced"], &total["possibly_billed"]), (&json!(lost.len()), &json!(lost.len())));
    let agreement = &events.last().unwrap()["summary"]["agreement"];
    assert_eq!(*agreement, json!({"compared": prompts, "unanimous": prompts}));
}

#[test]
fn a_killed_run_is_gone_on_with_and_nothing_is_paid_twice() {
    killed_and_resumed(60, 70);
}

#[test]
fn a_thousand_prompts_survive_a_kill() {
    killed_and_resumed(1_000, 1_500);
}

#[test]
fn what_was_interrupted_goes_on() {
    let well = Arc::new(AtomicBool::new(false));
    let healed = Arc::clone(&well);
    let lab = answering(move |_, prompt| match prompt {
        "number 7" if !healed.load(Ordering::SeqCst) => Script::sse([] as [&str; 0]).head().hang(),
        _ => Script::sse(openai_chunks(&["yes"])),
    });
    lab.env.write("p.txt", numbers(20));
    let args = ["--prompts", "p.txt", "-j", "1", "--json"];
    let running = compare(&lab, &THREE, &args).spawn();
    lab.server.wait_until_hanging(18);
    running.interrupt();
    let object = running.finish().exited(130).json();
    assert_eq!((&object["not_made"], &object["failed"]), (&json!(41), &json!(1)));
    well.store(true, Ordering::SeqCst);
    let object = compare(&lab, &THREE, &[&args[..], &["--resume"]].concat()).run().exited(4).json();
    assert_eq!((&object["not_made"], &object["failed"]), (&json!(0), &json!(1)));
    assert_eq!(lab.server.requests().len(), 60);
    let all = [&args[..], &["--resume", "--retry-failed"]].concat();
    let object = compare(&lab, &THREE, &all).run().success().json();
    assert_eq!((&object["failed"], lab.server.requests().len()), (&json!(0), 61));
}

#[test]
fn only_the_same_is_gone_on_with() {
    let lab = echo();
    lab.env.write("p.txt", numbers(2));
    lab.env.write("q.jsonl", r#"{"id": "other", "prompt": "number 1"}"#);
    let _ = compare(&lab, &THREE, &["--prompts", "p.txt"]).run().success();
    let mut sent = 6;
    for (names, args, new) in [
        (&THREE[..], &["--prompts", "p.txt"][..], 0),
        (&THREE, &["--prompts", "p.txt", "--check", "contains:number", "--format", "csv"], 0),
        (&THREE, &["--prompts", "p.txt", "--temperature", "0"], 6),
        (&THREE, &["--prompts", "p.txt", "-s", "be brief"], 6),
        (&THREE, &["--prompts", "p.txt", "--runs", "2"], 12),
        (&["a", "b"], &["--prompts", "p.txt"], 4),
        (&THREE, &["--prompts", "q.jsonl"], 3),
        (&THREE, &["--prompts", "q.jsonl"], 0),
    ] {
        let output = compare(&lab, names, &[args, &["--resume"]].concat()).run().success();
        sent += new;
        assert_eq!(lab.server.requests().len(), sent, "{args:?}");
        assert_eq!(output.stderr.contains("starting a new one"), new > 0, "{}", output.stderr);
    }
    // Without `--resume` the same is asked anew.
    let _ = compare(&lab, &THREE, &["--prompts", "p.txt"]).run().success();
    assert_eq!(lab.server.requests().len(), sent + 6);
}

#[test]
fn answers_of_the_history_are_held_against_new_checks() {
    let lab = echo();
    lab.env.write("p.txt", numbers(2));
    let _ = compare(&lab, &THREE, &["--prompts", "p.txt"]).run().success();
    let check = ["--check", "contains:number 1"];
    let resumed = [&["--prompts", "p.txt", "--resume"][..], &check].concat();
    let _ = compare(&lab, &THREE, &resumed).run().exited(7);
    // The history knows of them now.
    let shown = lab.pollm(["compare", "--last", "--json"]).run().exited(7).json();
    let checks = field(shown["lanes"].as_array().unwrap(), "checks");
    assert_eq!(checks, [&json!({"passed": 1, "failed": 1}); 3]);
    assert_eq!(lab.server.requests().len(), 6);
}

#[test]
fn the_last_one_is_shown_again_without_a_call() {
    let lab = answering(|name, prompt| match (name, prompt) {
        ("b", "number 3") => Script::json(400, &json!({"error": {"message": "Not that"}})),
        _ => Script::sse(openai_chunks(&["yes"])),
    });
    lab.env.write("p.txt", numbers(5));
    let args = ["--prompts", "p.txt", "--agree", "--runs", "2", "--warmup", "1", "--json"];
    let first = compare(&lab, &THREE, &args).run().exited(4).json();
    let sent = lab.server.requests().len();
    assert_eq!(sent, 45);
    let again = lab.pollm(["compare", "--last", "--json"]).run().success().json();
    for field in ["id", "started_at", "file", "prompts", "runs", "failed", "not_made", "agreement", "total"] {
        assert_eq!(again[field], first[field], "{field}");
    }
    for (lane, before) in again["lanes"].as_array().unwrap().iter().zip(first["lanes"].as_array().unwrap()) {
        for field in ["lane", "calls", "answered", "tokens", "usd_per_answer", "agreed"] {
            assert_eq!(lane[field], before[field], "{field}");
        }
        assert_eq!(lane["statistics"]["ttfv_ms"], before["statistics"]["ttfv_ms"]);
    }
    assert_eq!(again["results"].as_array().unwrap().len(), 45);
    assert_eq!(
        lab.pollm(["compare", "--last", "--format", "csv"]).run().success().stdout.lines().count(),
        46
    );
    assert!(lab.pollm(["compare", "--last"]).run().success().stdout.contains("b/one, prompt 3:"));
    for (args, said) in [
        (&["--last", "--retry-failed"][..], "--resume --retry-failed"),
        (&["--last", "--add", "-m", "a/one"], "takes no further models"),
        (&["--last", "--view", "diff"], "`--view` does not apply"),
    ] {
        let refused = lab.pollm(["compare"].iter().chain(args).copied()).run().exited(2);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    assert_eq!(lab.server.requests().len(), sent);
}

/// A call under way looks as one whose process was killed: while that process
/// lives, it is not made again.
#[test]
fn what_is_under_way_elsewhere_is_not_made_twice() {
    let well = Arc::new(AtomicBool::new(false));
    let healed = Arc::clone(&well);
    let lab = answering(move |_, prompt| match prompt {
        "number 2" if !healed.load(Ordering::SeqCst) => Script::sse([] as [&str; 0]).head().hang(),
        _ => Script::sse(openai_chunks(&["yes"])),
    });
    lab.env.write("p.txt", numbers(3));
    let args = ["--prompts", "p.txt", "--json"];
    let running = compare(&lab, &THREE, &args).spawn();
    lab.server.wait_for_requests(9);
    while lab.ledger().len() < 6 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let again = [&args[..], &["--resume", "--retry-failed"]].concat();
    let output = compare(&lab, &THREE, &again).run().exited(1);
    assert!(output.stderr.contains("still makes calls of this comparison"), "{}", output.stderr);
    let resumed = compare(&lab, &THREE, &[&args[..], &["--resume"]].concat()).run().exited(4);
    assert!(resumed.stderr.contains("makes calls of this run too"), "{}", resumed.stderr);
    assert_eq!(lab.server.requests().len(), 9);
    running.kill();
    let _ = running.finish();
    well.store(true, Ordering::SeqCst);
    let object = compare(&lab, &THREE, &again).run().success().json();
    assert_eq!((&object["failed"], lab.server.requests().len()), (&json!(0), 12));
}
