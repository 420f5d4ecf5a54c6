//! Answers on a terminal: rendered, and harmless whatever a model writes.

use serde_json::json;

use crate::support::streams::{OPENAI_DONE, openai_chunks, openai_delta, openai_finish, openai_usage};
use crate::support::{Lab, Script};

const MARKDOWN: &str = "# Plan\n\nDo **this** and `that`.\n\n- one\n- two\n\n```python\nprint(1)\n```\n";

#[test]
fn markdown_is_rendered_and_the_receipt_follows() {
    let lab = Lab::always(Script::sse(openai_chunks(&[&MARKDOWN[..12], &MARKDOWN[12..40], &MARKDOWN[40..]])));
    let shown = lab.ask(&["hello"]).terminal(80, 24).run().success().stdout;
    assert!(shown.contains("\u{1b}["), "{shown:?}");
    for (present, absent) in [("Plan", "# Plan"), ("this", "**this**"), ("that", "`that`"), ("one", "- one")]
    {
        assert!(shown.contains(present) && !shown.contains(absent), "{absent} in {shown:?}");
    }
    assert!(shown.contains("lab/one · ") && shown.contains(" · 9 → 3 tokens · "), "{shown:?}");
    assert_eq!(lab.ledger()[0]["text"], MARKDOWN);
}

#[test]
fn accessible_output_is_lines_of_words() {
    let lab = Lab::always(Script::sse(openai_chunks(&["Do **this**"])));
    let run = lab.ask(&["hello", "--color", "never"]).env("ACCESSIBLE", "1").terminal(80, 24);
    let shown = run.run().success().stdout;
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    assert!(shown.contains("Do **this**\r\n") && shown.contains("model: lab/one\r\n"), "{shown:?}");
    assert!(shown.contains("cost: ") && shown.contains("tokens out: 1\r\n"), "{shown:?}");
}

#[test]
fn raw_markdown_is_not_rendered() {
    let lab = Lab::always(Script::sse(openai_chunks(&["Do **this**"])));
    let shown = lab.ask(&["--raw", "hello"]).terminal(80, 24).run().success().stdout;
    assert!(shown.contains("Do **this**\r\n"), "{shown:?}");
}

#[test]
fn quiet_leaves_the_receipt_out_unless_it_is_asked_for() {
    let lab = Lab::always(Script::sse(openai_chunks(&["Good day"])));
    let shown = lab.ask(&["-q", "hello"]).terminal(80, 24).run().success().stdout;
    assert!(shown.contains("Good day") && !shown.contains("tokens"), "{shown:?}");
    let shown = lab.ask(&["-q", "-u", "hello"]).terminal(80, 24).run().success().stdout;
    assert!(shown.contains(" · 9 → 1 tokens · "), "{shown:?}");
}

#[test]
fn an_answer_in_one_piece_is_rendered_too() {
    let body = json!({"id": "c", "model": "one", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "Do **this**"}}]});
    let lab = Lab::always(Script::json(200, &body));
    let shown = lab.ask(&["--no-stream", "hello"]).terminal(80, 24).run().success().stdout;
    assert!(shown.contains("this") && !shown.contains("**this**"), "{shown:?}");
    let raw = lab.ask(&["--no-stream", "--raw", "hello"]).terminal(80, 24).run().success().stdout;
    assert!(raw.contains("Do **this**\r\n"), "{raw:?}");
}

fn with_reasoning() -> Lab {
    Lab::always(Script::sse([
        openai_delta(&json!({"reasoning_content": "Let me think"})),
        openai_delta(&json!({"content": "Answer"})),
        openai_finish("stop"),
        openai_usage(4),
        OPENAI_DONE.to_owned(),
    ]))
}

#[test]
fn reasoning_is_dim_and_not_the_answer() {
    let lab = with_reasoning();
    let shown = lab.ask(&["hello"]).terminal(80, 24).run().success().stdout;
    let dim = shown.find("\u{1b}[2mLet me think").unwrap_or_else(|| panic!("no dim reasoning in {shown:?}"));
    assert!(dim < shown.find("Answer").unwrap(), "{shown:?}");
    let hidden = lab.ask(&["-R", "hello"]).terminal(80, 24).run().success().stdout;
    assert!(!hidden.contains("Let me think") && hidden.contains("Answer"), "{hidden:?}");
    // Where stdout is a pipe, only the answer is in it.
    let piped = lab.ask(&["hello"]).terminal(80, 24).pipe_stdout().run().success();
    assert_eq!(piped.stdout, "Answer\n");
    assert!(!piped.stderr.contains("9 → 4 tokens"), "{piped}");
}

/// A title, a clipboard write (OSC 52), a C1 control, a colour, a bell, a
/// cursor that goes up to overwrite, and text that runs backwards.
const HOSTILE: &str =
    "a\u{1b}]0;title\u{7}b\u{1b}]52;c;ZXZpbA==\u{7}c\u{9b}31md\u{1b}[2Ae\rf\u{7}g\u{202e}h\u{2066}i";

#[test]
fn hostile_bytes_are_harmless_on_a_terminal() {
    for flags in [&["hello"][..], &["--raw", "hello"], &["--no-stream", "hello"], &["--json", "hello"]] {
        let lab = Lab::always(Script::sse(openai_chunks(&[HOSTILE])));
        let shown = lab.ask(flags).arg("--color=never").terminal(80, 24).run().success().stdout;
        for harmful in ["\u{1b}]", "\u{9b}", "\u{1b}[2A", "\u{7}", "\u{202e}", "\u{2066}", "e\rf"] {
            assert!(!shown.contains(harmful), "{harmful:?} with {flags:?} in {shown:?}");
        }
        assert_eq!(lab.ledger()[0]["text"], HOSTILE);
    }
}

#[test]
fn hostile_bytes_are_harmless_in_reasoning_and_errors() {
    let frames = [
        openai_delta(&json!({"reasoning_content": HOSTILE})),
        openai_delta(&json!({"content": "text"})),
        format!("data: {}\n\n", json!({"error": {"message": HOSTILE, "code": "server_error"}})),
    ];
    let lab = Lab::always(Script::sse(frames));
    let shown = lab.ask(&["hello"]).terminal(80, 24).run().exited(1).stdout;
    for harmful in ["\u{1b}]0", "\u{1b}]52", "\u{9b}", "\u{1b}[2A", "\u{7}", "\u{202e}", "\u{2066}"] {
        assert!(!shown.contains(harmful), "{harmful:?} in {shown:?}");
    }
}

#[test]
fn hostile_bytes_are_unchanged_in_a_pipe() {
    let lab = Lab::always(Script::sse(openai_chunks(&[HOSTILE])));
    assert_eq!(lab.ask(&["hello"]).run().success().stdout_bytes, format!("{HOSTILE}\n").as_bytes());
    let on_terminal = lab.ask(&["hello"]).terminal(80, 24).pipe_stdout().run().success();
    assert_eq!(on_terminal.stdout_bytes, format!("{HOSTILE}\n").as_bytes());
    assert_eq!(lab.ask(&["--json", "hello"]).run().success().json()["text"], HOSTILE);
}
