//! Streams that begin well and do not end so.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::streams::{
    OPENAI_DONE, event, openai_body, openai_chunks, openai_delta, openai_finish, openai_usage,
    responses_chunks,
};
use crate::support::{Lab, Script};

fn text(text: &str) -> String {
    openai_delta(&json!({"content": text}))
}

/// The error event of a Chat Completions stream.
fn fault() -> String {
    event(&json!({"error": {"message": "The engine went away", "code": "server_error"}}))
}

#[test]
fn an_error_event_before_any_text() {
    let lab = Lab::in_turn([Script::sse([fault()]), Script::sse(openai_chunks(&["Fine"]))]);
    assert_snapshot!(lab.told(&[]), @r#"
        Fine
        ------- stderr -------
        The engine went away; retrying in N s
        [exit status: 0]
        requests: 2
        ledger: lab/one "ok" "Fine", finish "stop", HTTP [200,200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
}

#[test]
fn an_error_event_behind_text() {
    let lab = Lab::always(Script::sse([text("Half an a"), fault(), text("nswer")]));
    assert_snapshot!(lab.told(&[]), @r#"
        Half an a
        ------- stderr -------
        error: lab/one: the provider failed
          because: The engine went away
          because: request id chatcmpl-scripted

        hint: `pollm ask -c "go on"` goes on from what came
        hint: the part that came is kept: `pollm history show ULID`
        [exit status: 1]
        requests: 1
        ledger: lab/one "partial" "Half an a", finish "cut", "server" null, HTTP [200], 2+3 tokens "estimated", cost "0.000008" "estimated", possibly billed
    "#);
}

#[test]
fn an_empty_answer() {
    let lab = Lab::always(Script::new(200).header("content-type", "text/event-stream"));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: the answer can't be understood
          because: the server answered with nothing

        hint: is http://127.0.0.1:PORT/v1 the address of an API that speaks `openai-chat`?
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "protocol" null, HTTP [200], cost "0" "computed"
    "#);
}

#[test]
fn html_with_a_200() {
    let page = "<!doctype html><html><head><title>Sign in to the hotel's network</title></head></html>";
    let lab = Lab::always(Script::new(200).header("content-type", "text/html").body(page));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: the answer can't be understood
          because: HTTP 200 with an HTML page instead of JSON: Sign in to the hotel's network

        hint: is http://127.0.0.1:PORT/v1 the address of an API that speaks `openai-chat`?
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "protocol" null, HTTP [200], cost "0" "computed"
    "#);
}

#[test]
fn a_stream_of_comments_and_an_end() {
    let lab = Lab::always(Script::sse([": PROCESSING\n\n", OPENAI_DONE]));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: the answer can't be understood
          because: the answer ended without ever having begun: no `choices` came
          because: it may have been served, and billed: ~$0.000002

        hint: is http://127.0.0.1:PORT/v1 the address of an API that speaks `openai-chat`?
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "protocol" null, HTTP [200], 2+0 tokens "estimated", cost "0.000002" "estimated", possibly billed
    "#);
}

#[test]
fn one_bad_event_among_good_ones() {
    let mut frames = openai_chunks(&["One ", "two"]);
    frames.insert(2, "data: {\"choices\":[{\"delta\":{\"content\":\n\n".to_owned());
    assert_snapshot!(Lab::always(Script::sse(frames)).told(&[]), @r#"
        One two
        ------- stderr -------
        skipped 1 event of the answer that could not be read
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "One two", finish "stop", HTTP [200], 9+2 tokens "reported", cost "0.000013" "computed", 1 malformed
    "#);
}

#[test]
fn no_event_that_can_be_read() {
    let lab = Lab::always(Script::sse(["data: {\"a\n\n", "data: {\"b\n\n"]));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: the answer can't be understood
          because: none of the answer's 2 events can be read
          because: 2 events could not be read
          because: it may have been served, and billed: ~$0.000002

        hint: is http://127.0.0.1:PORT/v1 the address of an API that speaks `openai-chat`?
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "protocol" null, HTTP [200], 2+0 tokens "estimated", cost "0.000002" "estimated", possibly billed, 2 malformed
    "#);
}

#[test]
fn cut_in_the_middle_of_a_word() {
    let lab = Lab::always(Script::sse([text("The answer is forty-t")]).close());
    assert_snapshot!(lab.told(&["-u"]), @r#"
        The answer is forty-t
        ------- stderr -------
        lab/one · TIME to first word, TIME · ~2 → ~6 tokens · ~$0.000014 · possibly billed · answered by scripted-1 · cut
        error: lab/one: the connection broke
          because: unexpected EOF during chunk size line
          because: request id chatcmpl-scripted

        hint: `pollm ask -c "go on"` goes on from what came
        hint: the part that came is kept: `pollm history show ULID`
        [exit status: 1]
        requests: 1
        ledger: lab/one "partial" "The answer is forty-t", finish "cut", "broken" null, HTTP [200], 2+6 tokens "estimated", cost "0.000014" "estimated", possibly billed
    "#);
}

#[test]
fn broken_off_in_the_middle_of_an_event() {
    // What was not read yet when a connection is reset is lost, so that waits.
    let event = text("never whole");
    let lab = Lab::always(Script::sse([text("The answer"), event[..40].to_owned()]).sleep(1_000).reset());
    let output = lab.ask(&["hello"]).run().exited(1);
    assert_eq!(output.stdout, "The answer\n");
    assert_eq!(lab.server.requests().len(), 1);
    let row = &lab.ledger()[0];
    assert_eq!(
        (&row["status"], &row["text"], &row["finish"]),
        (&json!("partial"), &json!("The answer"), &json!("cut"))
    );
}

#[test]
fn no_end_marker_and_no_reason_to_stop() {
    let lab = Lab::always(Script::sse([text("All of it"), openai_usage(3)]));
    assert_snapshot!(lab.told(&[]), @r#"
        All of it
        ------- stderr -------
        error: lab/one: the answer was cut off before its end
          because: request id chatcmpl-scripted

        hint: `pollm ask -c "go on"` goes on from what came
        hint: the part that came is kept: `pollm history show ULID`
        [exit status: 1]
        requests: 1
        ledger: lab/one "partial" "All of it", finish "cut", "truncated" null, HTTP [200], 9+3 tokens "reported", cost "0.000015" "computed", possibly billed
    "#);
}

#[test]
fn no_end_marker_behind_a_reason_to_stop() {
    let lab = Lab::always(Script::sse([text("All of it"), openai_finish("stop"), openai_usage(3)]));
    assert_snapshot!(lab.told(&[]), @r#"
        All of it
        ------- stderr -------
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "All of it", finish "stop", HTTP [200], 9+3 tokens "reported", cost "0.000015" "computed"
    "#);
}

#[test]
fn a_character_split_over_chunks() {
    let stream = openai_chunks(&["naïve 🎉 日本"]).concat().into_bytes();
    // A chunk a byte cuts every character there is.
    let lab = Lab::always(Script::sse(stream.chunks(1).map(<[u8]>::to_vec)));
    assert_snapshot!(lab.told(&[]), @r#"
        naïve 🎉 日本
        ------- stderr -------
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "naïve 🎉 日本", finish "stop", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
}

#[test]
fn an_emoji_split_over_two_events() {
    let mut frames = openai_chunks(&["FIRST", "SECOND"]);
    for frame in &mut frames {
        *frame = frame.replace("FIRST", r"Party \ud83c").replace("SECOND", r"\udf89 time");
    }
    assert_snapshot!(Lab::always(Script::sse(frames)).told(&[]), @r#"
        Party 🎉 time
        ------- stderr -------
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "Party 🎉 time", finish "stop", HTTP [200], 9+2 tokens "reported", cost "0.000013" "computed"
    "#);
}

#[test]
fn half_an_emoji() {
    let mut frames = openai_chunks(&["FIRST", " time"]);
    frames[1] = frames[1].replace("FIRST", r"Party \ud83c");
    assert_snapshot!(Lab::always(Script::sse(frames)).told(&[]), @r#"
        Party � time
        ------- stderr -------
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "Party � time", finish "stop", HTTP [200], 9+2 tokens "reported", cost "0.000013" "computed"
    "#);
}

/// An answer that the token limit ended.
fn at_the_limit() -> Lab {
    Lab::always(Script::sse([
        text("Once upon a"),
        openai_finish("length"),
        openai_usage(3),
        OPENAI_DONE.into(),
    ]))
}

#[test]
fn the_token_limit() {
    assert_snapshot!(at_the_limit().told(&[]), @r#"
        Once upon a
        ------- stderr -------
        the answer was cut at 3 tokens
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "Once upon a", finish "length", HTTP [200], 9+3 tokens "reported", cost "0.000015" "computed"
    "#);
}

#[test]
fn the_token_limit_under_strict() {
    assert_snapshot!(at_the_limit().told(&["--strict"]), @r#"
        Once upon a
        ------- stderr -------
        the answer was cut at 3 tokens
        error: lab/one: the answer was truncated
        [exit status: 8]
        requests: 1
        ledger: lab/one "partial" "Once upon a", finish "length", HTTP [200], 9+3 tokens "reported", cost "0.000015" "computed"
    "#);
}

/// The Responses API's word for an answer that is not whole, for a reason that is no limit and no filter.
#[test]
fn an_answer_that_the_provider_calls_incomplete() {
    let lab = Lab::speaking("openai-responses", |_, _| {
        let mut frames = responses_chunks(&["Half an"]);
        let last = frames.pop().unwrap();
        let steered = r#""incomplete_details":{"reason":"steered"}"#;
        let last = last.replace(r#""incomplete_details":null"#, steered);
        frames.push(last.replace(r#""status":"completed""#, r#""status":"incomplete""#));
        Script::sse(frames)
    });
    assert_snapshot!(lab.told(&[]), @r#"
        Half an
        ------- stderr -------
        the answer is not complete
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "Half an", finish "cut", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
    assert_snapshot!(lab.tell(&lab.ask(&["--strict", "hello"]).run()), @r#"
        Half an
        ------- stderr -------
        the answer is not complete
        error: lab/one: the answer is not complete
        [exit status: 8]
        requests: 2
        ledger: lab/one "ok" "Half an", finish "cut", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
        ledger: lab/one "partial" "Half an", finish "cut", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
    let compared = lab.pollm(["compare", "-m", "lab/one,lab/two", "--strict", "hello"]).run().exited(8);
    assert!(compared.stderr.contains("lab/one: the answer is not complete"), "{}", compared.stderr);
}

#[test]
fn a_refusal() {
    let refusal = openai_delta(&json!({"refusal": "I can't help with that"}));
    let lab = Lab::always(Script::sse([refusal, openai_finish("stop"), openai_usage(6), OPENAI_DONE.into()]));
    assert_snapshot!(lab.told(&[]), @r#"
        I can't help with that
        ------- stderr -------
        the model refused to answer
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "I can't help with that", finish "refusal", HTTP [200], 9+6 tokens "reported", cost "0.000021" "computed"
    "#);
    assert_snapshot!(lab.tell(&lab.ask(&["--strict", "hello"]).run()), @r#"
        I can't help with that
        ------- stderr -------
        the model refused to answer
        error: lab/one: the model refused
        [exit status: 8]
        requests: 2
        ledger: lab/one "ok" "I can't help with that", finish "refusal", HTTP [200], 9+6 tokens "reported", cost "0.000021" "computed"
        ledger: lab/one "partial" "I can't help with that", finish "refusal", HTTP [200], 9+6 tokens "reported", cost "0.000021" "computed"
    "#);
}

#[test]
fn lines_that_end_with_crlf() {
    let frames = openai_chunks(&["One", " two"]).concat().replace('\n', "\r\n").into_bytes();
    // Cut between CR and LF too.
    let lab = Lab::always(Script::sse(frames.chunks(7).map(<[u8]>::to_vec)));
    assert_snapshot!(lab.told(&[]), @r#"
        One two
        ------- stderr -------
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "One two", finish "stop", HTTP [200], 9+2 tokens "reported", cost "0.000013" "computed"
    "#);
}

#[test]
fn json_where_a_stream_was_asked_for() {
    let lab = Lab::always(Script::json(200, &openai_body("In one piece")));
    assert_snapshot!(lab.told(&[]), @r#"
        In one piece
        ------- stderr -------
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "In one piece", finish "stop", HTTP [200], 9+1 tokens "reported", cost "0.000011" "computed"
    "#);
}

#[test]
fn an_error_in_a_json_answer() {
    let lab = Lab::always(Script::json(
        200,
        &json!({"error": {"message": "No such thing", "code": "model_not_found"}}),
    ));
    assert_snapshot!(lab.told(&[]), @r#"
        ------- stderr -------
        error: lab/one: no such model or address
          because: No such thing

        hint: check the id; `pollm models --provider lab` lists what is known
        [exit status: 1]
        requests: 1
        ledger: lab/one "error" "", finish null, "not_found" null, HTTP [200], cost "0" "computed"
    "#);
}

#[test]
fn a_compressed_stream() {
    let lab = Lab::always(Script::sse(openai_chunks(&["Small", " words"])).gzip());
    assert_snapshot!(lab.told(&[]), @r#"
        Small words
        ------- stderr -------
        [exit status: 0]
        requests: 1
        ledger: lab/one "ok" "Small words", finish "stop", HTTP [200], 9+2 tokens "reported", cost "0.000013" "computed"
    "#);
}
