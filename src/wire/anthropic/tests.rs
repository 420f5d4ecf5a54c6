use proptest::prelude::*;
use serde_json::json;

use super::Anthropic;
use crate::model::ModelRef;
use crate::wire::replay::{Replay, decode};
use crate::wire::transcript::{self, lines};
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
    decode(&Anthropic, bytes, &[])
}

#[test]
fn text_blocks_follow_each_other() {
    assert_eq!(
        lines(&replay(TEXT)),
        [
            "id msg_heron",
            "model claude-haiku-5-5-20261007",
            "usage uncached 21, read 4000, 5m 300, 1h 1000, output 1",
            "text \"Herons stand \"",
            "text \"very still\"",
            "text \", \"",
            "text \"naïvely so.\"",
            "usage uncached 21, read 4000, 5m 300, 1h 1000, output 12",
            "stop",
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
            "usage uncached 30, output 2",
            "text \"\\n\\n\"",
            "reasoning \"A crab \"",
            "reasoning \"🦀 walks sideways.\"",
            "text \"Crab: \"",
            "text \"🦀!\"",
            "text \"half \"",
            "text \"\u{fffd}\"",
            "usage uncached 30, output 40, reasoning 25",
            "usage uncached 30, output 57, reasoning 31",
            "stop (stop_sequence)",
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
            "arguments {\"port\":",
            "arguments  \"Brest\"}",
            "usage uncached 400, output 48",
            "tool_calls",
        ]
    );
}

#[test]
fn a_refusal_keeps_what_was_said_and_says_why() {
    assert_eq!(
        lines(&replay(REFUSAL))[3..],
        [
            "text \"First, you\"",
            "usage uncached 18, output 6",
            "refusal \"This touches on a pathogen.\"",
            "refusal (refusal: bio)",
        ]
    );
    assert_eq!(lines(&replay(WHOLE_REFUSAL))[2..], ["usage uncached 9", "refusal"]);
}

#[test]
fn an_error_in_the_stream_ends_it() {
    let replay = replay(OVERLOADED);
    assert_eq!(lines(&replay)[3..], ["text \"So far\"", "overloaded: Overloaded"]);
    let Err(StreamError::Api(error)) = replay.ending else { panic!("no error") };
    assert_eq!(error.request_id.as_deref(), Some("req_tern"));
    let unreadable = decode(&Anthropic, b"event: error\ndata: upstream broke\n\n", &[]);
    assert_eq!(lines(&unreadable), ["server: upstream broke"]);
    let untyped = decode(&Anthropic, b"data: {\"error\":{\"message\":\"no\"}}\n\n", &[]);
    assert_eq!(lines(&untyped), ["server: no"]);
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
    assert_eq!(lines(&replay)[3..], ["text \"Still here.\"", "usage uncached 5, output 4", "stop"]);
    assert_eq!(replay.malformed, 1);
}

#[test]
fn sparse_servers_are_understood() {
    let replay = replay(SPARSE);
    assert_eq!(
        lines(&replay),
        [
            "reasoning \"Hm.\"",
            "reasoning \" Tern?\"",
            "text \"A tern.\"",
            "usage uncached 7, output 5",
            "length",
        ]
    );
    assert_eq!(replay.malformed, 0);
}

#[test]
fn whole_answers_give_the_same_events() {
    assert_eq!(
        lines(&replay(WHOLE)),
        [
            "id msg_whole",
            "model claude-opus-5",
            "reasoning \"Two and two.\"",
            "text \"Four\"",
            "text \", I 🦀 say.\"",
            "arguments {\"port\": \"Brest\"}",
            "usage uncached 13, output 44, reasoning 33",
            "tool_calls",
        ]
    );
    assert_eq!(lines(&replay(WHOLE_ERROR)), ["rate_limit: Slow down, please"]);
    assert_eq!(replay(b"{\"ok\": true}").malformed, 1);
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
        ["stop", "stop (stop_sequence)", "stop (pause_turn)", "length", "tool_calls", "refusal"]
    );
    assert_eq!(ending("model_context_window_exceeded"), "length (model_context_window_exceeded)");
    assert_eq!(ending("low_tide"), "protocol: the answer ended with an unknown reason, `low_tide`");
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
        cuts in transcript::cuts(),
        crlf: bool,
    ) {
        transcript::check_cuts(&Anthropic, fixture, &cuts, crlf);
    }

    #[test]
    fn damaged_answers_never_panic(
        fixture in prop::sample::select(FIXTURES),
        damage in transcript::damage(),
        end: prop::sample::Index,
    ) {
        transcript::check_damage(&Anthropic, fixture, &damage, end);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        replay(&bytes);
        replay(&[b"event: message_delta\ndata: ", &bytes[..], b"\n\n"].concat());
        replay(&[b"{", &bytes[..]].concat());
    }
}
