use proptest::prelude::*;
use serde_json::json;

use super::Anthropic;
use crate::model::ModelRef;
use crate::wire::fixtures::{self, lines};
use crate::wire::replay::Replay;
use crate::wire::{Auth, Facts, FailureKind, Protocol, Quirks, StreamError, Target, Wire};

pub(super) fn target(id: &str, facts: Facts) -> Target {
    Target {
        model: ModelRef::new("anthropic", id),
        api_model: id.to_owned(),
        protocol: Protocol::Anthropic,
        base_url: "https://api.anthropic.com/v1".to_owned(),
        auth: Auth::Header("x-api-key".to_owned()),
        headers: Vec::new(),
        quirks: Quirks::default(),
        facts,
    }
}

macro_rules! fixtures {
    ($($name:ident = $file:literal;)*) => {
        $(const $name: &[u8] =
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/anthropic/", $file));)*
        const FIXTURES: &[&[u8]] = &[$($name),*];
    };
}

fixtures! {
    TEXT = "text.sse";
    THINKING = "thinking.sse";
    TOOL = "tool.sse";
    REFUSAL = "refusal.sse";
    OVERLOADED = "overloaded.sse";
    CUT = "cut.sse";
    FUTURE = "future.sse";
    SPARSE = "sparse.sse";
    WHOLE = "whole.json";
    WHOLE_REFUSAL = "refusal.json";
    WHOLE_ERROR = "error.json";
}

fn replay(bytes: &[u8]) -> Replay {
    fixtures::replay(&Anthropic, bytes)
}

#[test]
fn text_blocks_follow_each_other() {
    assert_eq!(
        lines(&replay(TEXT)),
        [
            "id msg_heron",
            "model claude-haiku-5-5-20261007",
            "usage in 21 read 4000 write 300 write-long 1000 out 1",
            "text \"Herons stand very still, naïvely so.\"",
            "usage in 21 read 4000 write 300 write-long 1000 out 12",
            "end stop",
        ]
    );
}

#[test]
fn thinking_need_not_come_first_and_split_characters_join() {
    assert_eq!(
        lines(&replay(THINKING)),
        [
            "id msg_heron",
            "model claude-opus-4-6",
            "usage in 30 out 2",
            "text \"\\n\\n\"",
            "reasoning \"A crab 🦀 walks sideways.\"",
            "text \"Crab: 🦀!half \u{fffd}\"",
            "usage in 30 out 40 reasoning 25",
            "usage in 30 out 57 reasoning 31",
            "end stop (stop_sequence)",
        ]
    );
}

#[test]
fn tool_arguments_come_in_pieces() {
    let told = lines(&replay(TOOL));
    assert_eq!(
        told[3..],
        [
            "text \"Let me look.\"",
            r#"arguments "{\"port\": \"Brest\"}""#,
            "usage in 400 out 48",
            "end tool_calls",
        ]
    );
}

#[test]
fn a_refusal_keeps_what_was_said_and_says_why() {
    assert_eq!(
        lines(&replay(REFUSAL))[3..],
        [
            "text \"First, you\"",
            "usage in 18 out 6",
            "refusal \"\\n\\nThis touches on a pathogen.\"",
            "end refusal (refusal: bio)",
        ]
    );
    assert_eq!(lines(&replay(WHOLE_REFUSAL))[2..], ["usage in 9", "end refusal"]);
}

#[test]
fn an_error_in_the_stream_ends_it() {
    let replay = replay(OVERLOADED);
    assert_eq!(lines(&replay)[3..], ["text \"So far\"", "failed overloaded None: Overloaded"]);
    let Err(StreamError::Api(error)) = replay.ending else { panic!("no error") };
    assert_eq!(error.request_id.as_deref(), Some("req_tern"));
    let unreadable = fixtures::replay(&Anthropic, b"event: error\ndata: upstream broke\n\n");
    assert_eq!(lines(&unreadable), ["failed server None: upstream broke"]);
    let untyped = fixtures::replay(&Anthropic, b"data: {\"error\":{\"message\":\"no\"}}\n\n");
    assert_eq!(lines(&untyped), ["failed server None: no"]);
}

#[test]
fn a_stream_without_its_end_marker_is_truncated() {
    assert_eq!(replay(CUT).ending, Err(StreamError::Truncated));
    assert_eq!(replay(b"").ending, Err(StreamError::Truncated));
    let no_reason = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    assert_eq!(replay(no_reason).ending, Err(StreamError::Truncated));
}

#[test]
fn what_is_not_known_is_passed_over_and_what_is_broken_is_counted() {
    let replay = replay(FUTURE);
    assert_eq!(lines(&replay)[3..], ["text \"Still here.\"", "usage in 5 out 4", "malformed 1", "end stop"]);
}

#[test]
fn sparse_servers_are_understood() {
    let replay = replay(SPARSE);
    assert_eq!(
        lines(&replay),
        ["reasoning \"Hm. Tern?\"", "text \"A tern.\"", "usage in 7 out 5", "end length",]
    );
}

#[test]
fn whole_answers_give_the_same_events() {
    assert_eq!(
        lines(&replay(WHOLE)),
        [
            "id msg_whole",
            "model claude-opus-5",
            "reasoning \"Two and two.\"",
            "text \"Four, I 🦀 say.\"",
            r#"arguments "{\"port\": \"Brest\"}""#,
            "usage in 13 out 44 reasoning 33",
            "end tool_calls",
        ]
    );
    assert_eq!(lines(&replay(WHOLE_ERROR)), ["failed rate_limit None: Slow down, please"]);
    assert!(matches!(replay(b"{\"ok\": true}").ending, Err(StreamError::Malformed(_))));
}

#[test]
fn each_stop_reason_has_its_place() {
    let ending = |reason: &str| {
        let body = json!({"content": [], "stop_reason": reason}).to_string();
        lines(&replay(body.as_bytes())).concat()
    };
    let endings =
        ["end_turn", "stop_sequence", "pause_turn", "max_tokens", "tool_use", "refusal"].map(ending);
    assert_eq!(
        endings,
        [
            "end stop",
            "end stop (stop_sequence)",
            "end stop (pause_turn)",
            "end length",
            "end tool_calls",
            "end refusal"
        ]
    );
    assert_eq!(ending("model_context_window_exceeded"), "end length (model_context_window_exceeded)");
    assert_eq!(
        ending("low_tide"),
        "failed protocol None: the answer ended with an unknown reason, `low_tide`"
    );
    assert_eq!(replay(b"{\"content\":[],\"stop_reason\":null}").ending, Err(StreamError::Truncated));
}

#[test]
fn failed_answers_are_read() {
    let body = br#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-sonet"}}"#;
    let error = Anthropic.error(404, &crate::wire::Headers::default(), body);
    assert_eq!((error.kind, error.message.as_str()), (FailureKind::NotFound, "model: claude-sonet"));
}

proptest! {
    #[test]
    fn cuts_and_line_ends_change_nothing(
        fixture in prop::sample::select(FIXTURES),
        cuts in fixtures::cuts(),
        crlf: bool,
    ) {
        fixtures::check_cuts(&Anthropic, fixture, &cuts, crlf);
    }

    #[test]
    fn damaged_answers_never_panic(
        fixture in prop::sample::select(FIXTURES),
        damage in fixtures::damage(),
        end: prop::sample::Index,
    ) {
        fixtures::check_damage(&Anthropic, fixture, &damage, end);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        replay(&bytes);
        replay(&[b"event: message_delta\ndata: ", &bytes[..], b"\n\n"].concat());
        replay(&[b"{", &bytes[..]].concat());
    }
}

#[test]
fn usage_that_is_not_as_expected_takes_nothing_down_with_it() {
    let stream = |usage: &str| {
        format!(
            "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"id\":\"m\"}}}}\n\ndata:\n\n\
             event: content_block_delta\ndata: {{\"delta\":{{\"type\":\"text_delta\",\"text\":\"Hi\"}}}}\n\n\
             event: message_delta\ndata: {{\"delta\":{{\"stop_reason\":\"end_turn\"}},\"usage\":{usage}}}\n\n\
             event: message_stop\ndata: {{}}\n\n"
        )
    };
    let told = |usage: &str| lines(&replay(stream(usage).as_bytes()));
    let with_usage = ["id m", "text \"Hi\"", "usage in 3 out 4", "end stop"];
    assert_eq!(told(r#"{"input_tokens":3.0,"output_tokens":"4"}"#), with_usage);
    for odd in [r#"{"cache_creation":"none","output_tokens":4}"#, "[]", "7"] {
        assert_eq!(told(odd), ["id m", "text \"Hi\"", "end stop"], "{odd}");
    }
}
