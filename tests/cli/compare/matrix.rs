//! `--prompts`: every prompt of a file, every model.

mod going_on;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::compare;
use crate::support::server::Received;
use crate::support::streams::openai_chunks;
use crate::support::{Lab, Script};

const THREE: [&str; 3] = ["a", "b", "c"];

/// What a request asks.
fn prompt(request: &Received) -> String {
    request.json()["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned()
}

fn provider(request: &Received) -> String {
    request.target.split('/').nth(1).unwrap().to_owned()
}

/// How often each prompt was asked of each provider.
fn asked(lab: &Lab) -> BTreeMap<(String, String), usize> {
    let mut asked = BTreeMap::new();
    for request in lab.server.requests() {
        *asked.entry((provider(&request), prompt(&request))).or_default() += 1;
    }
    asked
}

/// A lab whose providers `a`, `b` and `c` answer as the function says of
/// provider and prompt.
fn answering(answer: impl Fn(&str, &str) -> Script + Send + Sync + 'static) -> Lab {
    let lab = Lab::start(move |request, _| answer(&provider(request), &prompt(request)));
    let rows = THREE
        .map(|name| crate::support::lab::row(name, "openai-chat", &format!("{}/{name}", lab.server.url())));
    lab.env.configure(&rows.concat());
    lab
}

/// Every provider repeats the prompt.
fn echo() -> Lab {
    answering(|_, prompt| Script::sse(openai_chunks(&["You said ", prompt])))
}

fn field<'v>(values: &'v [Value], name: &str) -> Vec<&'v Value> {
    values.iter().map(|value| &value[name]).collect()
}

#[test]
fn every_prompt_is_asked_of_every_model_with_all_that_goes_with_it() {
    let lab = echo();
    lab.env.write("p.jsonl", "{\"id\": \"x\", \"prompt\": \"{stdin}\"}\n{\"prompt\": \"-\"}\n");
    let args = ["--prompts", "p.jsonl", "-s", "be brief", "--temperature", "0.5", "--runs", "2", "--json"];
    let object = compare(&lab, &THREE, &args).stdin("not read").run().success().json();
    let asked = asked(&lab);
    assert_eq!(asked.len(), 6);
    assert!(asked.values().all(|times| *times == 2), "{asked:?}");
    assert!(asked.keys().all(|(_, prompt)| prompt == "{stdin}" || prompt == "-"));
    for request in lab.server.requests() {
        let body = request.json();
        assert_eq!(
            (&body["messages"][0]["content"], &body["temperature"]),
            (&json!("be brief"), &json!(0.5))
        );
    }
    let results = object["results"].as_array().unwrap();
    assert_eq!(results.len(), 12);
    let mut ids = field(results, "prompt_id");
    ids.dedup();
    assert!(ids.iter().all(|id| **id == "x" || **id == "2"), "{ids:?}");
    // Twelve calls of 9 + 2 tokens, at one and two dollars a million.
    assert_eq!(object["total"]["usd"], "0.000156");
    let lane = &object["lanes"][1];
    assert_eq!((&lane["lane"], &lane["calls"], &lane["answered"]), (&json!("b/one"), &json!(4), &json!(4)));
    assert_eq!((&lane["tokens"]["input"], &lane["usd_per_answer"]), (&json!(36), &json!("0.000013")));
    assert_eq!(lab.ledger().len(), 12);
}

#[test]
fn what_is_printed_as_it_lands() {
    let lab = echo();
    lab.env.write("p.csv", "id,prompt\nfirst,\"one, two\"\nsecond,three\n");
    let run =
        |args: &[&str]| compare(&lab, &THREE, &[&["--prompts", "p.csv"], args].concat()).run().success();
    let events = run(&["--jsonl"]).jsonl();
    assert_eq!(events.len(), 7);
    assert_eq!(
        field(&events, "seq"),
        (0..7).map(|n| json!(n)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
    );
    assert!(events[..6].iter().all(|event| event["event"] == "done" && event["outcome"]["status"] == "ok"));
    assert!(events[..6].iter().all(|event| event["prompt_id"] == "first" || event["prompt_id"] == "second"));
    assert_eq!((&events[6]["event"], &events[6]["summary"]["prompts"]), (&json!("summary"), &json!(2)));
    let csv = run(&["--format", "csv"]).stdout;
    assert_eq!(csv.lines().count(), 7);
    assert!(csv.lines().next().unwrap().ends_with(",text,prompt_id"));
    assert!(csv.contains("\"You said one, two\",first\n"), "{csv}");
    let text = run(&[]);
    assert!(text.stdout.starts_with("p.csv: 2 prompts, 3 models, 6 calls in "), "{text}");
    assert!(text.stdout.contains("answered") && text.stdout.contains("cost of 6 calls: $0.0000"), "{text}");
    assert_eq!(text.stderr, "");
    assert!(run(&["--format", "markdown"]).stdout.contains("| answered | 2/2 | 2/2 | 2/2 |"));
}

#[test]
fn a_page_has_all_prompts_and_answers() {
    let lab = answering(|name, prompt| match (name, prompt) {
        ("b", "fail") => Script::json(400, &json!({"error": {"message": "<i>no</i>"}})),
        _ => Script::sse(openai_chunks(&["<script>", name, "</script>", prompt])),
    });
    lab.env.write("p.jsonl", "{\"id\": \"x&y\", \"prompt\": \"</b>fine\"}\n{\"prompt\": \"fail\"}\n");
    let args = ["--prompts", "p.jsonl", "--output", "out.html", "--sort", "cost"];
    let _ = compare(&lab, &THREE, &args).run().exited(4);
    let page = std::fs::read_to_string(lab.env.root().join("work/out.html")).unwrap();
    assert_eq!(page.matches("<script>").count(), 1);
    for part in
        ["x&amp;y", "&lt;/b&gt;fine", "1 of 6 calls failed", "&lt;i&gt;no&lt;/i&gt;", "2 prompts", "3 models"]
    {
        assert!(page.contains(part), "no `{part}` in\n{page}");
    }
    for name in THREE {
        assert!(page.contains(&format!("&lt;script&gt;{name}&lt;/script&gt;&lt;/b&gt;fine")), "{page}");
    }
    // The same from the history, where prompts are those of the calls.
    let last = lab.pollm(["compare", "--last", "--format", "html", "--sort", "cost"]).run().success().stdout;
    let body = |page: &str| page.split_once("<main>").unwrap().1.to_owned();
    assert_eq!(body(&last), body(&page));
    for view in ["cards", "diff"] {
        let output = lab.pollm(["compare", "--last", "--view", view]).run().exited(2);
        assert!(output.stderr.contains("`--format html` shows the answers"), "{}", output.stderr);
    }
}

#[test]
fn files_are_whole_or_not_there() {
    let lab = answering(|name, prompt| match (name, prompt) {
        ("c", "stuck") => Script::sse([] as [&str; 0]).head().hang(),
        _ => Script::sse(openai_chunks(&["yes"])),
    });
    lab.env.write("p.txt", "quick\nstuck\n");
    lab.env.write("out.json", "before");
    let args = ["--prompts", "p.txt", "--output", "out.json"];
    let running = compare(&lab, &THREE, &args).spawn();
    while lab.ledger().len() < 5 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let path = lab.env.root().join("work/out.json");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
    running.interrupt();
    let output = running.finish().exited(130);
    assert!(output.stderr.contains("with `--resume` goes on from here"), "{}", output.stderr);
    // What has ended is there, as a whole.
    let object: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(object["results"].as_array().unwrap().len(), 6);
    assert_eq!((&object["lanes"][2]["answered"], &object["lanes"][2]["failed"]), (&json!(1), &json!(1)));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 2);
}

#[test]
fn checks_and_agreement_are_counted() {
    let lab = answering(|name, prompt| {
        let text = if name == "c" && prompt == "two" { "no" } else { "Yes." };
        Script::sse(openai_chunks(&[text]))
    });
    lab.env.write("p.txt", "one\ntwo\nthree\n");
    let run = |args: &[&str]| compare(&lab, &THREE, &[&["--prompts", "p.txt"], args].concat()).run();
    let output = run(&["--agree", "--json"]).exited(7);
    let object = output.json();
    assert_eq!(object["agreement"], json!({"compared": 3, "unanimous": 2}));
    assert_eq!(field(object["lanes"].as_array().unwrap(), "agreed"), [&json!(3), &json!(3), &json!(2)]);
    assert_eq!(object["lanes"][2]["outvoted"], 1);
    assert!(output.stderr.contains("the models disagree on 1 of 3 prompts"), "{}", output.stderr);
    let output = run(&["--check", "contains:Yes"]).exited(7);
    assert!(output.stdout.contains("3/3") && output.stdout.contains("2/3"), "{}", output.stdout);
    assert!(output.stderr.contains("c/one, prompt 2: `contains:Yes`"), "{}", output.stderr);
}

#[test]
fn some_or_all_may_fail() {
    let lab = answering(|name, prompt| match name {
        "b" => Script::json(402, &json!({"error": {"message": "No credit"}})),
        _ if prompt == "none" => Script::json(400, &json!({"error": {"message": "Not that"}})),
        _ => Script::sse(openai_chunks(&["yes"])),
    });
    lab.env.write("p.txt", "one\nnone\n");
    lab.env.write("q.txt", "none\n");
    let output = compare(&lab, &THREE, &["--prompts", "p.txt"]).run().exited(4);
    assert!(output.stderr.contains("4 of 6 calls failed"), "{}", output.stderr);
    assert!(output.stdout.contains("b/one, prompt 1: out of credit"), "{}", output.stdout);
    let output = compare(&lab, &THREE, &["--prompts", "q.txt"]).run().exited(1);
    assert!(output.stderr.contains("all calls failed"), "{}", output.stderr);
}

#[test]
fn mistakes_are_found_before_anything_is_sent() {
    let lab = echo();
    lab.env.write("bad.jsonl", "{\"prompt\": \"fine\"}\n{\"promt\": \"not\"}\n");
    lab.env.write("p.txt", "one\n");
    for (args, said) in [
        (&["--prompts", "bad.jsonl"][..], "bad.jsonl:2: missing field `prompt`"),
        (&["--prompts", "nowhere.txt"], "nowhere.txt"),
        (&["--prompts", "p.txt", "a prompt"], "cannot be used with"),
        (&["--prompts", "p.txt", "--view", "cards"], "`--view` does not apply"),
        (&["--prompts", "p.txt", "--resume", "--no-log"], "the history, which is off"),
        (&["--resume", "a prompt"], "--prompts"),
        (&["--prompts", "p.txt", "--retry-failed"], "--resume"),
        (&["--retry-failed", "a prompt"], "--last"),
        (&["--add", "a prompt"], "--last"),
        (&["--prompts", "p.txt", "--output", "nowhere/at/all.json"], "could not write"),
    ] {
        let output = compare(&lab, &THREE, args).run();
        assert_ne!(output.code, Some(0), "{output}");
        assert!(output.stderr.contains(said), "no `{said}` in\n{}", output.stderr);
    }
    let dry = compare(&lab, &THREE, &["--prompts", "p.txt", "--dry-run"]).run().success();
    assert_eq!(dry.stdout.matches("POST ").count(), 3);
    assert_eq!(lab.server.connections(), 0);
}

#[test]
fn a_model_gets_four_at_once_unless_told_otherwise() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (active, most) = (AtomicUsize::new(0), std::sync::Arc::new(AtomicUsize::new(0)));
    let seen = std::sync::Arc::clone(&most);
    let lab = answering(move |name, _| {
        if name == "a" {
            seen.fetch_max(active.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(5));
            active.fetch_sub(1, Ordering::SeqCst);
        }
        Script::sse(openai_chunks(&["yes"]))
    });
    lab.env.write("p.txt", (1..=40).map(|n| format!("{n}\n")).collect::<String>());
    let _ = compare(&lab, &["a", "b"], &["--prompts", "p.txt"]).run().success();
    assert!((1..=4).contains(&most.swap(0, Ordering::SeqCst)));
    let _ = compare(&lab, &["a", "b"], &["--prompts", "p.txt", "-j", "1"]).run().success();
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

#[test]
fn the_bar_is_taken_away() {
    let lab = answering(|name, prompt| match (name, prompt) {
        ("c", "stuck") => Script::sse([] as [&str; 0]).head().hang(),
        _ => Script::sse(openai_chunks(&["yes"])),
    });
    lab.env.write("p.txt", "one\nstuck\n");
    let mut running = compare(&lab, &THREE, &["--prompts", "p.txt"]).terminal(100, 30).pipe_stdout().spawn();
    running.wait_for_stderr("5/6 · $0.0000");
    running.send("\u{3}");
    let output = running.finish().exited(130);
    assert!(output.stdout.contains("2/2") && !output.stdout.contains('━'), "{}", output.stdout);
    // The bar is erased where it stood, and the error follows.
    let (_, last) = output.stderr.rsplit_once("^C").unwrap();
    let erased = last.rsplit_once("\r\x1b[2K\x1b[C\x1b[J\r").is_some_and(|(_, behind)| !behind.contains('━'));
    assert!(erased && last.contains("interrupted with 0 calls not made"), "{last:?}");
    for (variable, argument) in [("ACCESSIBLE", "--color=auto"), ("X", "--quiet")] {
        lab.env.write("q.txt", "one\n");
        let args = ["--prompts", "q.txt", argument];
        let output =
            compare(&lab, &THREE, &args).env(variable, "1").terminal(100, 30).pipe_stdout().run().success();
        assert_eq!(output.stderr, "");
    }
    // It would be drawn over calls that are printed on the same terminal.
    for format in ["csv", "json", "jsonl"] {
        let args = ["--prompts", "q.txt", "--format", format];
        let shown = compare(&lab, &THREE, &args).terminal(100, 30).run().success().stdout;
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }
    let args = ["--prompts", "q.txt", "--jsonl", "--output", "out.jsonl"];
    let shown = compare(&lab, &THREE, &args).terminal(100, 30).run().success().stdout;
    assert!(shown.contains("\u{1b}[2K"), "{shown:?}");
}

#[test]
fn caps_hold_for_all_calls_together() {
    let lab = echo();
    lab.env.write("p.txt", (1..=30).map(|n| format!("number {n}\n")).collect::<String>());
    let run = |cap: &str| {
        let args = ["--prompts", "p.txt", "--max-tokens", "10", "--max-cost", cap];
        compare(&lab, &THREE, &[&args[..], &["--json"]].concat()).run()
    };
    // One call may cost some $0.0012: 1,024 tokens and its bytes in, 10 tokens out.
    let refused = run("0.1").exited(3);
    assert_eq!((lab.server.connections(), refused.stdout.as_str()), (0, ""));
    assert_eq!(run("0.13").success().json()["total"]["usd"], "0.00117");
}
