use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::chat::Finish;
use crate::model::ModelRef;
use crate::money::{Cost, Tokens, Usage, UsageSource};
use crate::outcome::{Clock, Status};
use crate::wire::{Dropped, FailureKind};

pub(super) fn asked() -> Outcome {
    let model = ModelRef::new("openai", "gpt-6.1-sol");
    let at = Timestamp::from_second(1_795_348_800).unwrap();
    Outcome {
        id: Ulid::from_parts(1_795_348_800_000, 7),
        ..Outcome::new(model, "openai/gpt-6.1-sol@effort=low".to_owned(), at)
    }
}

pub(super) fn full() -> Outcome {
    let at = Duration::from_micros;
    let limited = Attempt {
        started: Duration::ZERO,
        took: at(95_449),
        status: Some(429),
        error: Some(ApiError::new(FailureKind::RateLimit, "slow down")),
        waited: Some(at(500_000)),
    };
    let good =
        Attempt { started: at(595_449), took: at(1_322_449), status: Some(200), error: None, waited: None };
    let usage = Usage {
        input_uncached: Tokens(200),
        cache_read: Tokens(100),
        cache_write_5m: Tokens(10),
        cache_write_1h: Tokens(2),
        output: Tokens(128),
        reasoning: Tokens(96),
        ..Usage::default()
    };
    Outcome {
        served_model: Some("gpt-6.1-sol-2026-09-30".to_owned()),
        served_by: Some("Azure".to_owned()),
        status: Status::Ok,
        text: "Hi.\n".to_owned(),
        reasoning: Some("Hm.".to_owned()),
        finish: Some(Finish::Stop),
        native_finish: Some("completed".to_owned()),
        dropped: vec![Dropped::new("temperature", "the model does not take it")],
        usage: Some(CountedUsage { usage, source: UsageSource::Reported }),
        bill: Bill { approximate: true, ..Bill::billed(Cost::parse_usd("0.001904").unwrap()) },
        clock: Clock {
            connected: Some(at(38_149)),
            headers: Some(at(390_000)),
            first_token: Some(at(402_749)),
            first_visible: Some(at(410_051)),
            last_token: Some(at(1_322_000)),
            end: at(1_322_449),
            token_reads: 9,
            ..Clock::default()
        },
        wall: at(1_917_898),
        attempts: vec![limited, good],
        malformed_events: 1,
        request_id: Some("req_1".to_owned()),
        ..asked()
    }
}

/// One that lost to another, of an unknown cost.
fn late() -> Outcome {
    let error = Some(ApiError { status: Some(429), ..ApiError::new(FailureKind::RateLimit, "Slow down") });
    Outcome { status: Status::Cancelled, possibly_billed: true, error, ..asked() }
}

#[test]
fn an_answer_has_every_field_in_the_documented_order() {
    let conversation = Some(Ulid::from_parts(1, 1));
    let value = ask(
        &full(),
        &Extra {
            command: "ask",
            conversation,
            hint: Some("unused".to_owned()),
            failed: Some(&[late()]),
            route: None,
        },
    );
    let fields = value.as_object().unwrap().iter();
    let fields: Vec<String> = fields.map(|(name, value)| format!("{name}: {}", line(value))).collect();
    insta::assert_snapshot!(fields.join("\n"), @r#"
    schema: "pollm/1"
    id: "01M81J18G00000000000000007"
    command: "ask"
    started_at: "2026-11-22T12:00:00Z"
    model: "openai/gpt-6.1-sol"
    served_model: "gpt-6.1-sol-2026-09-30"
    status: "ok"
    text: "Hi.\n"
    reasoning: "Hm."
    finish: "stop"
    dropped: ["temperature"]
    usage: {"input":312,"cache_read":100,"cache_write":12,"output":128,"reasoning":96,"source":"reported","cache_write_1h":2}
    cost: {"usd":"0.001904","source":"billed","approximate":true}
    timing: {"connect_ms":38.1,"ttft_ms":402.7,"ttfv_ms":410.1,"e2e_ms":1322.4,"wall_ms":1917.9,"tpot_ms":7.24,"decode_tps":138.16,"attempts":2}
    route: null
    request_id: "req_1"
    error: null
    lane: "openai/gpt-6.1-sol@effort=low"
    conversation: "00000000010000000000000001"
    served_by: "Azure"
    native_finish: "completed"
    possibly_billed: false
    cached: false
    malformed_events: 1
    requests: [{"status":429,"error_kind":"rate_limit","took_ms":95.4,"waited_ms":500.0},{"status":200,"error_kind":null,"took_ms":1322.4,"waited_ms":null}]
    failed: [{"id":"01M81J18G00000000000000007","model":"openai/gpt-6.1-sol","lane":"openai/gpt-6.1-sol@effort=low","status":"cancelled","error_kind":"rate_limit","http_status":429,"usd":null,"possibly_billed":true,"attempts":0,"wall_ms":null}]
    "#);
}

#[test]
fn what_is_unknown_is_null() {
    let value = ask(&asked(), &Extra { command: "compare", ..Extra::default() });
    insta::assert_snapshot!(line(&value), @r#"{"schema":"pollm/1","id":"01M81J18G00000000000000007","command":"compare","started_at":"2026-11-22T12:00:00Z","model":"openai/gpt-6.1-sol","served_model":null,"status":"skipped","text":"","reasoning":null,"finish":null,"dropped":[],"usage":null,"cost":{"usd":null,"source":"unknown","approximate":false},"timing":{"connect_ms":null,"ttft_ms":null,"ttfv_ms":null,"e2e_ms":null,"wall_ms":null,"tpot_ms":null,"decode_tps":null,"attempts":0},"route":null,"request_id":null,"error":null,"lane":"openai/gpt-6.1-sol@effort=low","conversation":null,"served_by":null,"native_finish":null,"possibly_billed":false,"cached":false,"malformed_events":0,"requests":[],"failed":null}"#);
}

#[test]
fn an_error_has_the_servers_words_and_the_hint() {
    let error = ApiError { status: Some(401), ..ApiError::new(FailureKind::Auth, "Bad key.\n") };
    let outcome = Outcome { status: Status::Error, error: Some(error), ..asked() };
    let extra = Extra { command: "ask", hint: Some("set `OPENAI_API_KEY`".to_owned()), ..Extra::default() };
    insta::assert_snapshot!(line(&ask(&outcome, &extra)["error"]), @r#"{"kind":"auth","status":401,"message":"Bad key.\n","retryable":false,"hint":"set `OPENAI_API_KEY`"}"#);
}

#[test]
fn a_line_of_json_drives_no_terminal() {
    let outcome = Outcome { text: "Hi \u{9b}31m\u{202e}\n".to_owned(), ..full() };
    let text = line(&ask(&outcome, &Extra { command: "ask", ..Extra::default() }));
    assert!(text.contains(r#""text":"Hi \u009b31m\u202e\n""#), "{text}");
    assert_eq!(line(&json!({"a\u{ad}": "\u{e0041}é😀\x7f"})), r#"{"a\u00ad":"\udb40\udc41é😀\u007f"}"#);
}

proptest! {
    #[test]
    fn a_line_reads_back_as_the_same_value(key in any::<String>(), text in any::<String>()) {
        let value = json!({ key: [text, null, 1.5] });
        let written = line(&value);
        prop_assert!(!written.chars().any(|c| is_forbidden(c) || c == '\n'), "{written:?}");
        prop_assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value);
    }
}
