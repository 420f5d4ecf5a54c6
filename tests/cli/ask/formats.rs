//! The forms in which an answer is printed.

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::streams::{
    OPENAI_DONE, anthropic_chunks, openai_chunks, openai_delta, openai_finish, openai_usage,
};
use crate::support::{Lab, Script};

fn lab() -> Lab {
    Lab::always(Script::sse(openai_chunks(&["Good day"])))
}

#[test]
fn a_pipe_gets_the_answer_and_a_newline() {
    let output = lab().ask(&["hello"]).run().success();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("Good day\n", ""));
}

#[test]
fn usage_adds_the_receipt() {
    assert_snapshot!(lab().ask(&["-u", "hello"]).run(), @r"
        Good day
        ------- stderr -------
        lab/one · TIME to first word, TIME · 9 → 1 tokens · $0.000011 · answered by scripted-1
        [exit status: 0]
    ");
}

#[test]
fn one_json_object() {
    let output = lab().ask(&["--json", "hello"]).run().success();
    assert_eq!(output.stdout.lines().count(), 1);
    assert_snapshot!(output, @r#"
        {"schema":"pollm/1","id":"ULID","command":"ask","started_at":"TIMESTAMP","model":"lab/one","served_model":"scripted-1","status":"ok","text":"Good day","reasoning":null,"finish":"stop","dropped":[],"usage":{"input":9,"cache_read":0,"cache_write":0,"output":1,"reasoning":0,"source":"reported","cache_write_1h":0},"cost":{"usd":"0.000011","source":"computed","approximate":false},"timing":{"connect_ms":N,"ttft_ms":N,"ttfv_ms":N,"e2e_ms":N,"wall_ms":N,"tpot_ms":null,"decode_tps":null,"attempts":1},"route":null,"request_id":"chatcmpl-scripted","error":null,"lane":"lab/one","conversation":"ULID","served_by":null,"native_finish":null,"possibly_billed":false,"cached":false,"malformed_events":0,"requests":[{"status":200,"error_kind":null,"took_ms":N,"waited_ms":null}],"failed":[]}
        ------- stderr -------
        [exit status: 0]
    "#);
}

#[test]
fn a_json_object_of_a_failure() {
    let lab = Lab::always(Script::json(402, &json!({"error": {"message": "No credit"}})));
    let output = lab.ask(&["--json", "hello"]).run().exited(1);
    let object = output.json();
    assert_eq!((&object["status"], &object["error"]["kind"]), (&json!("error"), &json!("money")));
    assert!(object["error"]["hint"].as_str().unwrap().starts_with("add credit"), "{output}");
}

#[test]
fn events_a_line() {
    let lab = Lab::in_turn([
        Script::new(503).header("retry-after-ms", "1"),
        Script::sse([openai_delta(&json!({"reasoning_content": "hm"}))])
            .bodies(openai_chunks(&["Good", " day"])),
    ]);
    let events = lab.ask(&["--jsonl", "hello"]).run().success().jsonl();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["start", "retry", "first_token", "reasoning", "delta", "delta", "done"]);
    let seqs: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [0, 1, 2, 3, 4, 5, 6]);
    let times: Vec<_> = events.iter().map(|event| event["t_ms"].as_f64().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let text: String = events
        .iter()
        .filter(|event| event["event"] == "delta")
        .filter_map(|event| event["text"].as_str())
        .collect();
    assert_eq!(text, "Good day");
    let outcome = &events[6]["outcome"];
    assert_eq!((&outcome["text"], &outcome["reasoning"]), (&json!("Good day"), &json!("hm")));
    assert_eq!(outcome["timing"]["attempts"], 2);
}

const WITH_CODE: &str = "Here:\n\n```sh\nls -l\n```\n\nAnd:\n\n```\nother\n```\n";

#[test]
fn the_first_code_block() {
    let lab = Lab::always(Script::sse(openai_chunks(&[WITH_CODE])));
    assert_eq!(lab.ask(&["-x", "hello"]).run().success().stdout, "ls -l\n");
    // A name that asks for JSON asks for something else.
    for as_json in [["--format", "json"], ["--output", "block.json"]] {
        let refused = lab.ask(&["-x", as_json[0], as_json[1], "hello"]).run().exited(2);
        assert!(refused.stderr.starts_with("error: `--extract` prints text; "), "{refused}");
    }
    assert_snapshot!(self::lab().ask(&["-x", "hello"]).run(), @r"
        ------- stderr -------
        Good day
        error: lab/one: the answer has no code block
        [exit status: 7]
    ");
}

#[test]
fn a_file_picks_its_format() {
    let lab = lab();
    let file = |name: &str| lab.env.root().join("work").join(name);
    let output = lab.ask(&["--output", "answer.txt", "hello"]).run().success();
    assert_eq!(
        (output.stdout.as_str(), fs::read_to_string(file("answer.txt")).unwrap().as_str()),
        ("", "Good day\n")
    );
    let _ = lab.ask(&["--output", "answer.json", "hello"]).run().success();
    let object: Value = serde_json::from_slice(&fs::read(file("answer.json")).unwrap()).unwrap();
    assert_eq!(object["text"], "Good day");
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let lab = Lab::always(Script::sse([openai_delta(&json!({"content": "Half"}))]).close());
    lab.env.write("answer.txt", "of an earlier call\n");
    assert_snapshot!(lab.ask(&["--output", "answer.txt", "hello"]).run(), @r#"
        ------- stderr -------
        the part that came is in answer.txt.partial
        error: lab/one: the connection broke
          because: unexpected EOF during chunk size line
          because: request id chatcmpl-scripted

        hint: `pollm ask -c "go on"` goes on from what came
        hint: the part that came is kept: `pollm history show ULID`
        [exit status: 1]
    "#);
    let mut files: Vec<_> =
        fs::read_dir(lab.env.root().join("work")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let contents: Vec<_> = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    assert_eq!(contents, ["of an earlier call\n", "Half\n"]);
    assert!(files[1].ends_with("answer.txt.partial"), "{files:?}");
}

#[test]
fn quiet_says_nothing_but_the_answer() {
    let lab = Lab::in_turn([Script::new(500), Script::sse(openai_chunks(&["Good day"]))]);
    let output = lab.ask(&["-q", "hello"]).run().success();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("Good day\n", ""));
}

#[test]
fn an_answer_that_is_not_whole_says_so_even_quietly() {
    let cut = [openai_delta(&json!({"content": "Half"})), openai_finish("length"), OPENAI_DONE.to_owned()];
    let broken = [openai_delta(&json!({"content": "Good"})), "data: {broken\n\n".to_owned()]
        .into_iter()
        .chain(openai_chunks(&[" day"]));
    let lab = Lab::in_turn([Script::sse(cut), Script::sse(broken)]);
    let output = lab.ask(&["-q", "hello"]).run().success();
    assert_eq!(output.stdout, "Half\n");
    assert!(output.stderr.starts_with("the answer was cut at "), "{output}");
    let output = lab.ask(&["-q", "hello"]).run().success();
    assert_eq!(output.stderr, "skipped 1 event of the answer that could not be read\n");
}

#[test]
fn an_answer_without_code_is_not_lost_and_drives_no_terminal() {
    let lab = Lab::always(Script::sse(openai_chunks(&["No \u{1b}]0;title\u{7}code"])));
    let output = lab.ask(&["-q", "-n", "-x", "hello"]).run().exited(7);
    assert_eq!(output.stdout, "");
    assert!(output.stderr.starts_with("No \u{1b}]0;title\u{7}code\nerror: "), "{output}");
    let shown = lab.ask(&["-x", "--color", "never", "hello"]).terminal(80, 24).run().exited(7).stdout;
    assert!(shown.contains("No code\r\n") && !shown.contains("title"), "{shown:?}");
}

#[test]
fn a_file_of_events_holds_the_last_one() {
    let lab = lab();
    let _ = lab.ask(&["--output", "answer.jsonl", "hello"]).run().success();
    let text = fs::read_to_string(lab.env.root().join("work/answer.jsonl")).unwrap();
    let event: Value = serde_json::from_str(&text).unwrap();
    let fields = ["event", "lane", "model", "seq"].map(|name| event[name].clone());
    assert_eq!(fields, [json!("done"), json!(0), json!("lab/one"), json!(0)]);
    assert!(event["t_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{event}");
    assert_eq!(event["outcome"]["text"], "Good day");
}

#[test]
fn what_is_not_kept_is_not_gone_on_with() {
    let lab = Lab::always(Script::sse([openai_delta(&json!({"content": "Half"}))]));
    let output = lab.ask(&["-n", "hello"]).run().exited(1);
    assert!(!output.stderr.contains("pollm ask -c"), "{output}");
    let output = lab.ask(&["hello"]).run().exited(1);
    assert!(output.stderr.contains("`pollm ask -c \"go on\"` goes on from what came"), "{output}");
}

/// What a person has to know of an answer that ended early, or not as asked.
#[test]
fn answers_that_end_early_say_why() {
    let ended = |delta: Value, reason: &str| {
        Lab::always(Script::sse([
            openai_delta(&delta),
            openai_finish(reason),
            openai_usage(7),
            OPENAI_DONE.to_owned(),
        ]))
    };
    for (delta, reason, said) in [
        (json!({"content": "Half a"}), "length", "the answer was cut at 7 tokens\n"),
        (
            json!({"reasoning_content": "Let me"}),
            "length",
            "the token limit was reached while reasoning: raise `--max-tokens`\n",
        ),
        (json!({"content": ""}), "tool_calls", "the model wants to call a tool; pollm runs none\n"),
        (json!({"content": ""}), "stop", "the answer is empty\n"),
    ] {
        let output = ended(delta, reason).ask(&["-q", "hello"]).run().success();
        assert_eq!(output.stderr, said);
    }
    let lab = Lab::always(Script::sse([
        openai_delta(&json!({"content": "Half a"})),
        openai_finish("length"),
        OPENAI_DONE.to_owned(),
    ]));
    // Where the provider counts nothing, the number is an estimate.
    let estimated = "the answer was cut at ~2 tokens\n";
    assert_eq!(lab.ask(&["hello"]).run().success().stderr, estimated);
}

#[test]
fn what_is_left_out_of_a_request_is_said() {
    let lab = Lab::speaking("anthropic", |_, _| Script::sse(anthropic_chunks(&["hello"])));
    assert_snapshot!(lab.ask(&["--seed", "1", "hello"]).run().success(), @r"
        hello
        ------- stderr -------
        `seed` was left out: the Messages API has no seed
        [exit status: 0]
    ");
}
