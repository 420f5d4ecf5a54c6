//! Lines of an answer that are no events, or have no end.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::streams::openai_delta;
use crate::support::{Lab, Script};

fn text(text: &str) -> String {
    openai_delta(&json!({"content": text}))
}

#[test]
fn words_instead_of_an_answer() {
    let lab = Lab::always(Script::new(200).body("upstream connect error. reset reason: overflow\n"));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: the answer can't be understood
          because: the server says: upstream connect error. reset reason: overflow
          because: it may have been served, and billed: ~$0.000002

        hint: is http://127.0.0.1:PORT/v1 the address of an API that speaks `openai-chat`?
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "protocol" null, HTTP [200], 2+0 tokens "estimated", cost "0.000002" "estimated", possibly billed
    "#);
}

/// Behind words of a proxy, and over several lines.
#[test]
fn a_bare_error_in_a_stream() {
    let bare =
        "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"The model is overloaded\"\n  }\n}\n";
    let lab = Lab::always(Script::sse([text("Half"), "a note: of no use\n".to_owned(), bare.to_owned()]));
    assert_snapshot!(lab.told(&[]), @r#"
        Half
        ------- stderr -------
        error: lab/one: the provider is overloaded (HTTP 503)
          because: The model is overloaded
          because: request id chatcmpl-scripted

        hint: try again later, or name further models: `-m first,second`
        hint: the part that came is kept: `pollm history show ULID`
        [exit status: 1]
        requests: 1
        ledger: lab/one "partial" "Half", finish "cut", "overloaded" 503, HTTP [200], 2+1 tokens "estimated", cost "0.000004" "estimated", possibly billed
    "#);
}

#[cfg_attr(not(target_os = "linux"), ignore = "macOS has no limit on the address space")]
#[test]
fn a_line_of_fifty_megabytes() {
    let lab = Lab::start(|_, _| {
        Script::sse([text("Before"), "data: ".to_owned()]).bodies((0..50).map(|_| vec![b'x'; 1 << 20]))
    });
    // The address space of the whole process is a bound that no buffer gets past.
    let pollm = env!("CARGO_BIN_EXE_pollm");
    let script = format!("ulimit -v 600000; exec {pollm} ask -m lab/one hello");
    let output = lab.env.command("/bin/sh", ["-c", &script]).env("LAB_KEY", crate::support::lab::KEY).run();
    assert_snapshot!(lab.tell(&output), @r#"
        Before
        ------- stderr -------
        error: lab/one: the answer can't be understood
          because: an event of the answer is longer than 32 MiB
          because: request id chatcmpl-scripted

        hint: the part that came is kept: `pollm history show ULID`
        [exit status: 1]
        requests: 1
        ledger: lab/one "partial" "Before", finish "cut", "protocol" null, HTTP [200], 2+1 tokens "estimated", cost "0.000004" "estimated", possibly billed
    "#);
}

#[test]
fn a_line_without_an_end() {
    let lab = Lab::always(Script::sse([text("Before"), "data: ".to_owned()]).forever(vec![b'x'; 1 << 20]));
    let output = lab.ask(&["hello"]).run().exited(1);
    assert_eq!(output.stdout, "Before\n");
    assert!(output.stderr.contains("an event of the answer is longer than 32 MiB"), "{output}");
    let _ = lab.server.wait_for_departure(0);
}
