//! One lane's failure is its own.

use serde_json::json;

use super::{compare, lab_of};
use crate::support::streams::{openai_chunks, openai_delta};
use crate::support::{Lab, Script};

const ALL: [&str; 5] = ["good", "denied", "busy", "cut", "mute"];

/// A good one, one that rejects the key, one that is busy once, one whose
/// stream ends in the middle, and one that never says anything.
fn mixed() -> Lab {
    let busy = std::sync::atomic::AtomicUsize::new(0);
    lab_of(&ALL, move |name, _| match name {
        "good" => Script::sse(openai_chunks(&["All ", "is ", "well"])),
        "denied" => Script::json(401, &json!({"error": {"message": "Wrong key"}})),
        "busy" if busy.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 => {
            Script::json(429, &json!({"error": {"message": "Slow down"}})).header("retry-after-ms", "20")
        }
        "busy" => Script::sse(openai_chunks(&["At ", "last"])),
        "cut" => Script::sse([openai_delta(&json!({"content": "Half of"}))]).close(),
        _ => Script::sse([] as [&str; 0]).head().hang(),
    })
}

fn states(object: &serde_json::Value) -> Vec<(String, String)> {
    let lanes = object["lanes"].as_array().unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    lanes.iter().map(|lane| (text(&lane["status"]), text(&lane["text"]))).collect()
}

#[test]
fn five_fates_at_once() {
    let lab = mixed();
    let output = compare(&lab, &ALL, &["--timeout", "2", "--json", "hello"]).run().exited(4);
    let expected =
        [("ok", "All is well"), ("error", ""), ("ok", "At last"), ("partial", "Half of"), ("error", "")];
    assert_eq!(states(&output.json()), expected.map(|(status, text)| (status.to_owned(), text.to_owned())));
    let lanes = &output.json()["lanes"];
    assert_eq!(lanes[1]["error"]["kind"], "auth");
    assert_eq!((&lanes[2]["timing"]["attempts"], &lanes[4]["error"]["kind"]), (&json!(2), &json!("timeout")));
    assert!(output.stderr.contains("3 of 5 models failed"), "{}", output.stderr);
    assert_eq!(lab.ledger().len(), 5);
    assert_eq!(lab.server.requests().len(), 6);
}

#[test]
fn ctrl_c_keeps_what_is_finished() {
    let lab = mixed();
    let mut running = compare(&lab, &ALL, &["--jsonl", "hello"]).spawn();
    running.wait_for_stdout(r#""text":"At last""#);
    running.wait_for_stdout("Half of");
    running.interrupt();
    let events = running.finish().exited(130).jsonl();
    let ends = events.iter().filter(|event| event["event"] == "done" || event["event"] == "error");
    assert_eq!(ends.count(), 5);
    let rows = lab.ledger();
    assert_eq!(rows.len(), 5);
    let cancelled = rows.iter().find(|row| row["status"] == "cancelled").unwrap();
    assert_eq!((&cancelled["model"], &cancelled["possibly_billed"]), (&json!("mute/one"), &json!(true)));
}

#[test]
fn ctrl_c_prints_the_finished_answers() {
    let lab = lab_of(&["good", "mute"], |name, _| match name {
        "good" => Script::sse(openai_chunks(&["All is well"])),
        _ => Script::sse([] as [&str; 0]).head().hang(),
    });
    let running = compare(&lab, &["good", "mute"], &["hello"]).spawn();
    lab.server.wait_for_requests(2);
    // The good answer is in the ledger as soon as it is there.
    while lab.ledger().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    running.interrupt();
    let output = running.finish().exited(130);
    assert!(output.stdout.contains("All is well"), "{}", output.stdout);
}

#[test]
fn all_fail() {
    let lab = lab_of(&["a", "b"], |_, _| Script::json(402, &json!({"error": {"message": "No credit"}})));
    let output = compare(&lab, &["a", "b"], &["hello"]).run().exited(1);
    assert!(output.stderr.contains("error: all models failed"), "{}", output.stderr);
    assert!(output.stderr.contains("a/one: out of credit"), "{}", output.stderr);
    assert_eq!(lab.ledger().len(), 2);
}

#[test]
fn what_all_failed_of_decides_the_exit_code() {
    let all = |answer: fn() -> Script| lab_of(&["a", "b"], move |_, _| answer());
    let mute = all(|| Script::sse([] as [&str; 0]).head().hang());
    let denied = all(|| Script::json(401, &json!({"error": {"message": "Wrong key"}})));
    mute.env.write("p.txt", "hello\n");
    for what in [&["hello"][..], &["--prompts", "p.txt"]] {
        let args = [&["--timeout", "0.5"], what].concat();
        let _ = compare(&mute, &["a", "b"], &args).run().exited(6);
    }
    let _ = compare(&denied, &["a", "b"], &["hello"]).run().exited(5);
    let mixed = lab_of(&["a", "b"], |name, _| match name {
        "a" => Script::json(401, &json!({"error": {"message": "Wrong key"}})),
        _ => Script::json(402, &json!({"error": {"message": "No credit"}})),
    });
    let _ = compare(&mixed, &["a", "b"], &["hello"]).run().exited(1);
}

#[test]
fn an_output_that_cannot_be_written_is_found_before_anything_is_paid() {
    let lab = lab_of(&["a", "b"], |_, _| Script::sse(openai_chunks(&["hello"])));
    lab.env.write("p.txt", "hello\n");
    for file in [".", "no/such/folder/x.json"] {
        for what in [&["hello"][..], &["--prompts", "p.txt"]] {
            let output = compare(&lab, &["a", "b"], &[&["--output", file], what].concat()).run().exited(2);
            assert!(output.stderr.contains("could not write"), "{}", output.stderr);
        }
    }
    assert_eq!(lab.server.connections(), 0);
}

#[test]
fn a_dash_is_stdout() {
    let lab = lab_of(&["a", "b"], |_, _| Script::sse(openai_chunks(&["hello"])));
    let shown = compare(&lab, &["a", "b"], &["--output", "-", "hello"]).run().success().stdout;
    assert!(shown.contains("first word"), "{shown}");
    lab.env.write("p.txt", "hello\n");
    for args in [&["--last"][..], &["-m", "a/one,b/one", "--prompts", "p.txt"], &["--last"]] {
        let args = [&["compare", "--no-stdin"], args, &["--output", "-", "--format", "csv"]].concat();
        let csv = lab.pollm(args).run().success().stdout;
        assert!(csv.lines().count() >= 3, "{csv}");
    }
    assert!(!lab.env.root().join("work/-").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_no_reader_that_left() {
    let lab = lab_of(&["a", "b"], |_, _| Script::sse(openai_chunks(&["hello"])));
    for format in ["--json", "--jsonl"] {
        let args = [format, "--output", "/dev/full", "hello"];
        let output = compare(&lab, &["a", "b"], &args).run().exited(1);
        assert!(output.stderr.contains("`pollm compare --last` shows"), "{}", output.stderr);
        let output = compare(&lab, &["a", "b"], &[format, "hello"]).stdout_full().run().exited(1);
        assert!(output.stderr.contains("could not be written"), "{}", output.stderr);
    }
    assert_eq!(lab.ledger().len(), 8);
    lab.env.write("p.txt", "hello\n");
    let args = ["--prompts", "p.txt", "--output", "/dev/full"];
    let output = compare(&lab, &["a", "b"], &args).run().exited(1);
    assert!(output.stderr.contains("`pollm compare --last` shows the totals"), "{}", output.stderr);
}

#[test]
fn a_reader_that_leaves_ends_all_calls() {
    let lab = lab_of(&["a", "b"], |_, _| {
        Script::sse([openai_delta(&json!({"content": "start "}))])
            .forever(openai_delta(&json!({"content": "more "})))
    });
    let _ = compare(&lab, &["a", "b"], &["--jsonl", "hello"]).stdout_limit(500).run().success();
    lab.server.wait_for_departure(0);
    lab.server.wait_for_departure(1);
    assert_eq!(lab.ledger().len(), 2);
}

#[test]
fn a_reader_that_leaves_has_seen_enough() {
    let lab = lab_of(&["a", "b"], |_, _| Script::sse([] as [&str; 0]).head().hang());
    let output = compare(&lab, &["a", "b"], &["hello"]).stdout_limit(0).run().success();
    assert!(!output.stderr.contains("interrupted"), "{}", output.stderr);
}

#[test]
fn who_reads_stdout_does_not_matter_to_a_file() {
    let lab = lab_of(&["a", "b"], |_, _| Script::late_sse(500, openai_chunks(&["slow"])));
    lab.env.write("p.txt", "hello\n");
    for (file, what) in [("one.json", &["hello"][..]), ("many.json", &["--prompts", "p.txt"])] {
        let args = [&["--output", file], what].concat();
        let _ = compare(&lab, &["a", "b"], &args).stdout_limit(0).run().success();
        assert!(lab.env.root().join("work").join(file).exists());
    }
}

/// What a command would have said of an answer is unknown: it did not fail.
#[cfg(unix)]
#[test]
fn a_check_that_is_interrupted_says_nothing() {
    let lab = lab_of(&["a", "b"], |_, _| Script::sse(openai_chunks(&["hello"])));
    lab.env.write("p.txt", "hello\n");
    let check = "cmd:test -e over || { touch begun; sleep 600; }";
    let work = lab.env.root().join("work");
    for what in [&["hello"][..], &["--prompts", "p.txt"]] {
        let args = [&["--check", check], what].concat();
        let running = compare(&lab, &["a", "b"], &args).spawn();
        while !work.join("begun").exists() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        running.interrupt();
        let output = running.finish().exited(130);
        assert!(!output.stdout.contains("failed"), "{output}");
        std::fs::remove_file(work.join("begun")).unwrap();
        let _ = lab.pollm(["compare", "--last"]).run().success();
    }
    lab.env.write("over", "");
    let args = ["--check", check, "--prompts", "p.txt", "--resume", "--json"];
    let object = compare(&lab, &["a", "b"], &args).run().success().json();
    assert_eq!(object["lanes"][1]["checks"], json!({"passed": 1, "failed": 0}));
}

#[test]
fn truncated_under_strict() {
    let lab = lab_of(&["a", "b"], |name, _| match name {
        "a" => Script::sse(openai_chunks(&["whole"])),
        _ => Script::sse([
            openai_delta(&json!({"content": "cut short"})),
            crate::support::streams::openai_finish("length"),
            crate::support::streams::OPENAI_DONE.to_owned(),
        ]),
    });
    let _ = compare(&lab, &["a", "b"], &["hello"]).run().success();
    let output = compare(&lab, &["a", "b"], &["--strict", "hello"]).run().exited(8);
    assert!(output.stderr.contains("b/one: the answer was truncated"), "{}", output.stderr);
}

#[test]
fn what_a_schema_asks_for_and_is_not_there_is_said() {
    let lab = lab_of(&["a", "b"], |_, _| Script::sse(openai_chunks(&[r#"{"city": "Paris"}"#])));
    let schema = r#"{"type": "object", "required": ["zip"]}"#;
    let output = compare(&lab, &["a", "b"], &["--schema", schema, "where?"]).run().exited(7);
    assert!(output.stderr.contains("zip"), "{}", output.stderr);
    assert!(output.stdout.contains("zip"), "{}", output.stdout);
}
