use proptest::prelude::*;
use serde_json::json;

use super::Gemini;
use crate::model::ModelRef;
use crate::wire::fixtures::{self, lines};
use crate::wire::replay::Replay;
use crate::wire::{Auth, Facts, FailureKind, Protocol, Quirks, StreamError, Target, Wire};

pub(super) fn target(id: &str, facts: Facts) -> Target {
    Target {
        model: ModelRef::new("google", id),
        api_model: id.to_owned(),
        protocol: Protocol::Gemini,
        base_url: "https://generativelanguage.googleapis.com/v1beta".to_owned(),
        auth: Auth::Header("x-goog-api-key".to_owned()),
        headers: Vec::new(),
        quirks: Quirks::default(),
        facts,
    }
}

macro_rules! fixtures {
    ($($name:ident = $file:literal;)*) => {
        $(const $name: &[u8] =
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/gemini/", $file));)*
        const FIXTURES: &[&[u8]] = &[$($name),*];
    };
}

fixtures! {
    TEXT = "text.sse";
    TOOL = "tool.sse";
    BLOCKED = "blocked.sse";
    FILTERED = "filtered.sse";
    FAILED = "failed.sse";
    CUT = "cut.sse";
    ERROR = "error.sse";
    BROKEN = "broken.sse";
    ARRAY = "array.json";
    WHOLE = "whole.json";
    WHOLE_SAFETY = "safety.json";
    WHOLE_ERROR = "error.json";
}

fn replay(bytes: &[u8]) -> Replay {
    fixtures::replay(&Gemini, bytes)
}

#[test]
fn thoughts_and_answer_come_apart_and_split_characters_join() {
    assert_eq!(
        lines(&replay(TEXT)),
        [
            "id heron-1",
            "model gemini-3.8-flash",
            "reasoning \"**Counting**\\n\\nThree birds\"",
            "usage in 14",
            "reasoning \", or a crab 🦀?\"",
            "text \"Three her\"",
            "usage in 14 out 90 reasoning 88",
            "text \"ons, naïvely \"",
            "usage in 14 out 94 reasoning 88",
            "text \"🦀.\"",
            "usage in 14 out 96 reasoning 88",
            "usage in 10 read 4 out 96 reasoning 88",
            "end stop",
        ]
    );
}

#[test]
fn a_call_makes_stop_mean_tool_calls() {
    assert_eq!(
        lines(&replay(TOOL))[2..],
        [
            r#"arguments "{\"port\": \"Brest\",\"days\": [1,2]}{}""#,
            "usage in 50 out 9",
            "usage in 50 out 12",
            "end tool_calls",
        ]
    );
}

#[test]
fn filters_are_no_success_and_no_error() {
    assert_eq!(lines(&replay(BLOCKED))[1..], ["usage in 9", "end content_filter (PROHIBITED_CONTENT)"]);
    assert_eq!(
        lines(&replay(FILTERED))[2..],
        [
            "text \"The recipe\"",
            "usage in 9 out 2",
            "refusal \"\\n\\nWithheld by the shop's rules.\"",
            "end content_filter (MODEL_ARMOR)",
        ]
    );
    assert_eq!(lines(&replay(WHOLE_SAFETY))[1..], ["usage in 14", "end content_filter (SAFETY)"]);
    let said = br#"{"promptFeedback":{"blockReason":"JAILBREAK","blockReasonMessage":"No."}}"#;
    assert_eq!(lines(&replay(said)), ["refusal \"No.\"", "end content_filter (JAILBREAK)"]);
}

#[test]
fn a_models_failure_is_an_error_that_is_not_retried() {
    let replay = replay(FAILED);
    assert_eq!(
        lines(&replay)[2..],
        ["text \"Calling\"", "usage in 9 out 2", "failed server None: Malformed function call: tide(port=)",]
    );
    let Err(StreamError::Api(error)) = replay.ending else { panic!("no error") };
    assert_eq!((error.code.as_deref(), error.is_retryable()), (Some("MALFORMED_FUNCTION_CALL"), false));
}

#[test]
fn errors_in_the_stream_end_it() {
    let data = replay(ERROR);
    assert_eq!(
        lines(&data)[2..],
        ["text \"So far\"", "usage in 9 out 2", "failed overloaded Some(503): The model is overloaded."]
    );
    let Err(StreamError::Api(error)) = replay(WHOLE_ERROR).ending else { panic!("no error") };
    assert_eq!((error.kind, error.status), (FailureKind::RateLimit, Some(429)));
    assert_eq!(error.retry_after, Some(std::time::Duration::from_secs(37)));
}

#[test]
fn an_answer_without_a_finish_reason_is_truncated() {
    assert_eq!(replay(CUT).ending, Err(StreamError::Truncated));
    assert_eq!(replay(b"").ending, Err(StreamError::Truncated));
}

#[test]
fn what_is_broken_is_counted_and_other_parts_and_candidates_are_passed_over() {
    let broken = replay(BROKEN);
    assert_eq!(
        lines(&broken)[2..],
        [
            "text \"Still \"",
            "usage in 9 out 1",
            "text \"here.\"",
            "usage in 9 out 3",
            "malformed 1",
            "end length",
        ]
    );
    for other in [&b"{\"ok\": true}"[..], b"[1]"] {
        assert!(matches!(replay(other).ending, Err(StreamError::Malformed(_))));
    }
}

#[test]
fn a_stream_may_be_one_array() {
    let told = lines(&replay(ARRAY));
    assert_eq!(
        told[2..],
        [
            "reasoning \"Hm.\"",
            "usage in 11",
            "text \"Four, I 🦀 say\"",
            "usage in 11 out 34 reasoning 30",
            "text \".\"",
            "usage in 11 out 35 reasoning 30",
            "end stop",
        ]
    );
    let cut = replay(&ARRAY[..ARRAY.len() - 40]);
    assert_eq!(lines(&cut)[..6], told[..6]);
    assert_eq!(cut.ending, Err(StreamError::Truncated));
}

#[test]
fn whole_answers_give_the_same_events() {
    assert_eq!(
        lines(&replay(WHOLE)),
        [
            "id heron-1",
            "model gemini-3.8-flash",
            "reasoning \"Adding.\"",
            "text \"Four, I say.\"",
            "usage in 14 out 35 reasoning 30",
            "end length (CONTINUATION)",
        ]
    );
}

#[test]
fn each_finish_reason_has_its_place() {
    let ending = |reason: &str| {
        let body = json!({"candidates": [{"finishReason": reason}]}).to_string();
        lines(&replay(body.as_bytes())).concat()
    };
    assert_eq!(
        ["STOP", "MAX_TOKENS", "RECITATION"].map(ending),
        ["end stop", "end length", "end content_filter (RECITATION)"]
    );
    assert_eq!(ending("OTHER"), "failed server None: the answer ended with `OTHER`");
    assert_eq!(ending("LOW_TIDE"), "failed server None: the answer ended with `LOW_TIDE`");
}

#[test]
fn failed_answers_are_read() {
    let body = br#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT",
        "details":[{"reason":"API_KEY_INVALID"}]}}"#;
    let error = Gemini.error(400, &crate::wire::Headers::default(), body);
    assert_eq!((error.kind, error.message.as_str()), (FailureKind::Auth, "API key not valid."));
}

proptest! {
    #[test]
    fn cuts_and_line_ends_change_nothing(
        fixture in prop::sample::select(FIXTURES),
        cuts in fixtures::cuts(),
        crlf: bool,
    ) {
        fixtures::check_cuts(&Gemini, fixture, &cuts, crlf);
    }

    #[test]
    fn damaged_answers_never_panic(
        fixture in prop::sample::select(FIXTURES),
        damage in fixtures::damage(),
        end: prop::sample::Index,
    ) {
        fixtures::check_damage(&Gemini, fixture, &damage, end);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        replay(&bytes);
        replay(&[b"data: {\"candidates\":", &bytes[..], b"}\n\n"].concat());
        replay(&[b"[{},", &bytes[..]].concat());
    }
}

#[test]
fn usage_that_is_not_as_expected_takes_no_text_down_with_it() {
    let told = |usage: &str| {
        let answer = format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":"Hi"}}]}},"finishReason":"STOP"}}],"usageMetadata":{usage}}}"#
        );
        lines(&replay(answer.as_bytes()))
    };
    let with_usage = ["text \"Hi\"", "usage in 3 out 4", "end stop"];
    assert_eq!(told(r#"{"promptTokenCount":"3","totalTokenCount":7.0}"#), with_usage);
    for odd in [r#"{"promptTokensDetails":7}"#, "7", "true"] {
        assert_eq!(told(odd), ["text \"Hi\"", "end stop"], "{odd}");
    }
}
