use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::json;
use ulid::Ulid;
use unicode_width::UnicodeWidthStr;

use super::list::{LEAST_MODEL, short_ids};
use super::*;
use crate::chat::{Effort, Finish, Media, MediaKind, MediaSource, Message, Part, Request, Role};
use crate::ledger::{Listed, StoredCall};
use crate::model::ModelRef;
use crate::money::{Bill, Cost, CostSource, Tokens, Usage};
use crate::outcome::{Attempt, Clock, Outcome, Status};
use crate::render::columns::GAP;
use crate::wire::{ApiError, Dropped, FailureKind};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_348_800 + second).unwrap()
}

fn id(ms: u64, random: u128) -> Ulid {
    Ulid::from_parts(1_795_348_800_000 + ms, random << 60)
}

fn usage(input: u64, output: u64, source: UsageSource) -> CountedUsage {
    let usage = Usage { input_uncached: Tokens(input), output: Tokens(output), ..Usage::default() };
    CountedUsage { usage, source }
}

fn listed(id: Ulid, model: &str, prompt: &str) -> Listed {
    Listed {
        id,
        conversation: id,
        command: "ask".into(),
        started_at: at(0),
        model: ModelRef::split(model).unwrap(),
        lane: model.into(),
        status: Status::Ok,
        usage: Some(usage(312, 128, UsageSource::Reported)),
        bill: Bill::billed(Cost::parse_usd("0.001904").unwrap()),
        possibly_billed: false,
        prompt: prompt.into(),
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

fn some_calls() -> Vec<Listed> {
    vec![
        listed(id(90_000, 77), "openai/gpt-6.1-sol", "Why is the sky blue, and why is it red at dusk?"),
        Listed {
            status: Status::Partial,
            usage: Some(usage(20, 7, UsageSource::Estimated)),
            possibly_billed: true,
            ..listed(
                id(80_000, 1),
                "openrouter/meta-llama/llama-3.3-70b-instruct",
                "日本語の質問です。答えてください。",
            )
        },
        Listed {
            status: Status::Error,
            usage: None,
            bill: Bill::UNKNOWN,
            ..listed(id(80_000, 2), "local/smollm2-135m", "red \x1b[31mletters")
        },
    ]
}

#[test]
fn a_wide_list_has_every_column() {
    let text = list(&some_calls(), 140, &TimeZone::UTC, &plain);
    assert_snapshot!(text, @r#"
    01M81J40CG002D  2026-11-22 12:00  openai/gpt-6.1-sol                                     312 → 128   $0.001904  Why is the sky blue, and wh…
    01M81J3PM00001  2026-11-22 12:00  openrouter/meta-llama/llama-3.3-70b-instruct  partial   ~20 → ~7  ~$0.001904  日本語の質問です。答えてく…
    01M81J3PM00002  2026-11-22 12:00  local/smollm2-135m                            error                        ?  red [31mletters
    "#);
}

#[test]
fn a_list_of_eighty_columns_keeps_what_matters() {
    let text = list(&some_calls(), 80, &TimeZone::UTC, &plain);
    assert_snapshot!(text, @r#"
    01M81J40CG002D  11-22 12:00  openai/gpt-6.1-sol           Why is the sky blue, …
    01M81J3PM00001  11-22 12:00  …-3.3-70b-instruct  partial  日本語の質問です。答…
    01M81J3PM00002  11-22 12:00  local/smollm2-135m  error    red [31mletters
    "#);
}

#[test]
fn a_narrow_list_still_finds_calls() {
    let text = list(&some_calls(), 40, &TimeZone::UTC, &plain);
    assert_snapshot!(text, @r#"
    01M81J40CG002D  …6.1-sol  Why is the sk…
    01M81J3PM00001  …nstruct  日本語の質問…
    01M81J3PM00002  …m2-135m  red [31mlette…
    "#);
}

#[test]
fn tabs_and_line_breaks_stay_out_of_columns() {
    let call = listed(id(0, 0), "a/b", "one\ttwo\r\nthree");
    let text = list(&[call], 120, &TimeZone::UTC, &|text| text.to_owned());
    assert!(text.ends_with("  one two  three\n"), "{text:?}");
}

#[test]
fn only_an_amount_is_shown_as_one() {
    let cost = |status, usage: bool, bill: Bill, possibly_billed| {
        let call = listed(id(1, 1), "a/b", "hello");
        let usage = call.usage.filter(|_| usage);
        let line = list(
            &[Listed { status, usage, bill, possibly_billed, ..call }],
            usize::MAX,
            &TimeZone::UTC,
            &plain,
        );
        line.split_whitespace().rev().nth(1).unwrap().to_owned()
    };
    let none = Bill { cost: Some(Cost::ZERO), source: CostSource::Computed, approximate: false };
    let free = Bill { source: CostSource::Free, ..none.clone() };
    assert_eq!(cost(Status::Ok, true, Bill::LOCAL, false), "local");
    assert_eq!(cost(Status::Ok, true, free, false), "free");
    assert_eq!(cost(Status::Error, false, none.clone(), false), "–");
    assert_eq!(cost(Status::Cancelled, false, none.clone(), false), "–");
    assert_eq!(cost(Status::Cancelled, true, Bill::UNKNOWN, true), "?");
    assert_eq!(cost(Status::Ok, true, none, false), "$0.00");
}

#[test]
fn a_list_of_nothing_is_empty() {
    assert_eq!(list(&[], 80, &TimeZone::UTC, &plain), "");
}

#[test]
fn a_pipe_has_no_width_and_nothing_is_cut() {
    let text = list(&some_calls(), usize::MAX, &TimeZone::UTC, &plain);
    assert!(text.contains("openrouter/meta-llama/llama-3.3-70b-instruct"), "{text}");
    assert!(text.contains("答えてください。\n") && !text.contains('…'), "{text}");
}

proptest! {
    #[test]
    fn no_line_is_wider_than_asked(
        width in 0_usize..200,
        calls in prop::collection::vec((any::<u128>(), "\\PC{1,40}", "(\\PC|日|👩‍👧|\u{301}){0,80}"), 0..5),
    ) {
        let calls: Vec<Listed> = calls
            .into_iter()
            .map(|(id, model, prompt)| Listed { lane: model, prompt, ..listed(Ulid::from(id), "a/b", "") })
            .collect();
        let text = list(&calls, width, &TimeZone::UTC, &plain);
        prop_assert_eq!(text.lines().count(), calls.len());
        let longest_id = short_ids(&calls).first().map_or(0, String::len);
        for line in text.lines() {
            prop_assert!(line.width() <= width.max(longest_id + GAP + LEAST_MODEL[1]), "{} > {width}: {line}", line.width());
        }
    }
}

fn a_call() -> StoredCall {
    let mut outcome = Outcome::new(
        ModelRef::new("openrouter", "meta-llama/llama-3.3-70b-instruct"),
        "openrouter/meta-llama/llama-3.3-70b-instruct@effort=low".into(),
        at(3),
    );
    let limited = ApiError::new(FailureKind::RateLimit, "slow down");
    let ms = Duration::from_millis;
    outcome.id = id(3_000, 9);
    outcome.served_model = Some("llama-3.3-70b".into());
    outcome.served_by = Some("Acme".into());
    outcome.status = Status::Partial;
    outcome.finish = Some(Finish::Cut);
    outcome.text = "It is blue because\x1b[2J".into();
    outcome.reasoning = Some("Light is scattered.".into());
    outcome.usage = Some(CountedUsage {
        usage: Usage {
            input_uncached: Tokens(272),
            cache_read: Tokens(40),
            output: Tokens(128),
            reasoning: Tokens(30),
            ..Usage::default()
        },
        source: UsageSource::Reported,
    });
    outcome.bill = Bill {
        cost: Some(Cost::parse_usd("0.00000075").unwrap()),
        source: CostSource::Computed,
        approximate: true,
    };
    outcome.possibly_billed = true;
    outcome.malformed_events = 1;
    outcome.clock = Clock {
        first_token: Some(ms(410)),
        first_visible: Some(ms(410)),
        last_token: Some(ms(1_300)),
        end: ms(1_320),
        token_reads: 60,
        ..Clock::default()
    };
    outcome.wall = ms(4_520);
    outcome.attempts = vec![
        Attempt {
            started: ms(0),
            took: ms(200),
            status: Some(429),
            error: Some(limited),
            waited: Some(ms(3_000)),
        },
        Attempt { started: ms(3_200), took: ms(1_320), status: Some(200), error: None, waited: None },
    ];
    outcome.error = Some(ApiError::new(FailureKind::Truncated, "the answer stopped\nearly"));
    outcome.dropped = vec![Dropped { param: "seed".into(), reason: "not known to this API".into() }];
    outcome.request_id = Some("gen-1".into());
    StoredCall { outcome, command: "ask".into(), request: a_request(), conversation: id(0, 1), parent: None }
}

fn a_request() -> Request {
    let picture = Media {
        kind: MediaKind::Image,
        mime: "image/png".into(),
        name: "sky.png".into(),
        source: MediaSource::Bytes(Arc::from(&b"pixels"[..])),
    };
    let mut request = Request {
        system: Some("Be brief.\n".into()),
        messages: vec![
            Message::text(Role::User, "Hello?"),
            Message::text(Role::Assistant, "Hello."),
            Message { role: Role::User, parts: vec![Part::Text("Why blue?".into()), Part::Media(picture)] },
        ],
        ..Request::default()
    };
    request.params.temperature = Some(0.5);
    request.params.effort = Some(Effort::Low);
    request.params.stop = vec!["\n\n".into()];
    request.params.extra.insert("top_k".into(), json!(40));
    request
}

#[test]
fn a_call_is_shown_with_facts_prompt_and_answer() {
    let text = show(&a_call(), &TimeZone::UTC, &|text| text.replace('\x1b', ""));
    assert_snapshot!(text, @r#"
    id            01M81J1BDR0009000000000000
    conversation  01M81J18G00001000000000000
    begun         2026-11-22 12:00:03 +00:00
    command       ask
    model         openrouter/meta-llama/llama-3.3-70b-instruct
    lane          openrouter/meta-llama/llama-3.3-70b-instruct@effort=low
    served by     llama-3.3-70b at Acme
    status        partial (cut), unreadable events skipped: 1
    error         truncated: the answer stopped early
    tokens        312 in (40 from cache), 128 out (30 reasoning)
    cost          $0.00000075 (computed), approximate, possibly billed
    time          0.41 s to first word, 4.52 s in all, 143 tok/s
    attempts      429 rate_limit after 0.20 s, waited 3.00 s; 200 after 1.32 s
    options       temperature=0.5 effort=low stop="\n\n" top_k=40
    dropped       seed: not known to this API
    request id    gen-1

    system:
    Be brief.

    prompt:
    Hello?

    earlier answer:
    Hello.

    prompt:
    Why blue?

    [image sky.png, image/png, 6 bytes]

    reasoning:
    Light is scattered.

    answer:
    It is blue because[2J
    "#);
}

#[test]
fn a_call_that_was_never_sent_has_no_times() {
    let mut call = a_call();
    call.outcome = Outcome { id: call.outcome.id, ..Outcome::new(call.outcome.model, "lane".into(), at(3)) };
    let text = show(&call, &TimeZone::UTC, &plain);
    assert!(text.contains("status        skipped\ncost          unknown\noptions"), "{text}");
    assert!(!text.contains("answer:\n\n") && text.contains("[image sky.png, image/png, 6 bytes]"), "{text}");
}
