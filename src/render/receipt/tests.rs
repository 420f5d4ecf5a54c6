use std::time::Duration;

use insta::assert_snapshot;
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::model::ModelRef;
use crate::money::{Bill, Cost, CostSource, Tokens, Usage};
use crate::outcome::{Attempt, Clock};
use crate::render::filter::is_forbidden;
use crate::render::output::OutputInputs;
use crate::wire::{ApiError, FailureKind};

fn plain() -> Output {
    Output::decide(&OutputInputs::default())
}

fn accessible() -> Output {
    Output { accessible: true, color_stderr: true, ..plain() }
}

fn attempt(took: u64) -> Attempt {
    Attempt {
        started: Duration::ZERO,
        took: Duration::from_millis(took),
        status: Some(200),
        error: None,
        waited: None,
    }
}

fn counted(input: u64, output: u64, source: UsageSource) -> Option<CountedUsage> {
    let usage = Usage { input_uncached: Tokens(input), output: Tokens(output), ..Usage::default() };
    Some(CountedUsage { usage, source })
}

fn dollars(usd: &str, source: CostSource) -> Bill {
    Bill { cost: Some(Cost::parse_usd(usd).unwrap()), source, approximate: false }
}

/// 312 → 128 tokens; the 127 after the first come within 1.323 s.
fn answered() -> Outcome {
    let at = Duration::from_millis;
    Outcome {
        served_model: Some("gpt-6.1-sol-2026-09-30".to_owned()),
        status: Status::Ok,
        text: "An answer.".to_owned(),
        finish: Some(Finish::Stop),
        usage: counted(312, 128, UsageSource::Reported),
        bill: dollars("0.001904", CostSource::Computed),
        clock: Clock {
            connected: Some(at(38)),
            headers: Some(at(380)),
            first_token: Some(at(405)),
            first_visible: Some(at(405)),
            last_token: Some(at(1_728)),
            end: at(1_731),
            token_reads: 60,
            ..Clock::default()
        },
        wall: at(1_731),
        attempts: vec![attempt(1_731)],
        ..Outcome::new(
            ModelRef::new("openai", "gpt-6.1-sol"),
            "openai/gpt-6.1-sol".to_owned(),
            Timestamp::UNIX_EPOCH,
        )
    }
}

fn line(change: impl FnOnce(&mut Outcome)) -> String {
    let mut outcome = answered();
    change(&mut outcome);
    receipt(&outcome, &[], Duration::ZERO, &plain())
}

fn lines(change: impl FnOnce(&mut Outcome)) -> String {
    let mut outcome = answered();
    change(&mut outcome);
    receipt(&outcome, &[], Duration::ZERO, &accessible())
}

#[test]
fn an_answer_in_one_line() {
    assert_snapshot!(line(|_| {}), @"openai/gpt-6.1-sol · 0.41 s to first word, 1.73 s · 312 → 128 tokens · 96 tok/s · $0.001904");
    let painted = receipt(&answered(), &[], Duration::ZERO, &Output { color_stderr: true, ..plain() });
    assert_eq!(painted, format!("\x1b[2m{}\x1b[0m", line(|_| {})));
}

#[test]
fn screen_readers_get_a_line_a_fact() {
    assert_snapshot!(lines(|_| {}), @r#"
    model: openai/gpt-6.1-sol
    first word: 0.41 s
    total: 1.73 s
    tokens in: 312
    tokens out: 128
    speed: 96 tok/s
    cost: $0.001904
    "#);
}

#[test]
fn a_lane_keeps_its_options() {
    assert_snapshot!(line(|o| o.lane = "openai/gpt-6.1-sol@effort=low".to_owned()), @"openai/gpt-6.1-sol@effort=low · 0.41 s to first word, 1.73 s · 312 → 128 tokens · 96 tok/s · $0.001904");
    assert_snapshot!(line(|o| o.lane = String::new()), @"openai/gpt-6.1-sol · 0.41 s to first word, 1.73 s · 312 → 128 tokens · 96 tok/s · $0.001904");
}

#[test]
fn without_a_first_word_there_is_only_the_whole_time() {
    assert_snapshot!(line(|o| o.streamed = false), @"openai/gpt-6.1-sol · 1.73 s · 312 → 128 tokens · $0.001904");
    assert_snapshot!(line(|o| o.clock.first_visible = None), @"openai/gpt-6.1-sol · 1.73 s · 312 → 128 tokens · 96 tok/s · $0.001904");
    assert_snapshot!(lines(|o| o.streamed = false), @r#"
    model: openai/gpt-6.1-sol
    total: 1.73 s
    tokens in: 312
    tokens out: 128
    cost: $0.001904
    "#);
}

#[test]
fn tokens_are_marked_as_guesses_or_left_open() {
    assert_snapshot!(line(|o| {
        o.usage = counted(312, 128, UsageSource::Estimated);
        o.bill = dollars("0.0019", CostSource::Estimated);
    }), @"openai/gpt-6.1-sol · 0.41 s to first word, 1.73 s · ~312 → ~128 tokens · ~96 tok/s · ~$0.0019");
    assert_snapshot!(lines(|o| {
        o.usage = counted(312, 128, UsageSource::Estimated);
        o.bill = dollars("0.0019", CostSource::Estimated);
    }), @r#"
    model: openai/gpt-6.1-sol
    first word: 0.41 s
    total: 1.73 s
    tokens in: 312 (estimated)
    tokens out: 128 (estimated)
    speed: 96 tok/s (estimated)
    cost: $0.0019 (estimated)
    "#);
    assert_snapshot!(line(|o| { o.usage = None; o.bill = Bill::UNKNOWN; }), @"openai/gpt-6.1-sol · 0.41 s to first word, 1.73 s · ? tokens · cost unknown");
    assert_snapshot!(lines(|o| { o.usage = None; o.bill = Bill::UNKNOWN; }), @r#"
    model: openai/gpt-6.1-sol
    first word: 0.41 s
    total: 1.73 s
    tokens: unknown
    cost: unknown
    "#);
}

#[test]
fn many_tokens_are_grouped_and_reasoning_is_told_apart() {
    let change = |o: &mut Outcome| {
        o.usage = counted(123_456, 9_999, UsageSource::Reported);
        if let Some(counted) = &mut o.usage {
            counted.usage.reasoning = Tokens(9_600);
            counted.usage.cache_read = Tokens(1_000);
        }
    };
    assert_snapshot!(line(change), @"openai/gpt-6.1-sol · 0.41 s to first word, 1.73 s · 124,456 → 9999 tokens (9600 reasoning) · 7557 tok/s · $0.001904");
    assert_snapshot!(lines(change), @r#"
    model: openai/gpt-6.1-sol
    first word: 0.41 s
    total: 1.73 s
    tokens in: 124,456
    tokens out: 9999
    reasoning tokens: 9600
    speed: 7557 tok/s
    cost: $0.001904
    "#);
}

#[test]
fn retries_show_what_the_waiting_took() {
    let failed = |waited| Attempt {
        status: Some(429),
        error: Some(ApiError::new(FailureKind::RateLimit, "slow down")),
        waited: Some(Duration::from_millis(waited)),
        ..attempt(300)
    };
    let change = |o: &mut Outcome| {
        o.attempts = vec![failed(500), failed(1_000), attempt(1_731)];
        o.wall = Duration::from_millis(3_831);
    };
    assert_snapshot!(line(change), @"openai/gpt-6.1-sol · 0.41 s to first word, 1.73 s · 312 → 128 tokens · 96 tok/s · $0.001904 · 2 retries, 3.83 s in all");
    assert_snapshot!(lines(change), @r#"
    model: openai/gpt-6.1-sol
    first word: 0.41 s
    total: 1.73 s
    tokens in: 312
    tokens out: 128
    speed: 96 tok/s
    cost: $0.001904
    retries: 2
    total with retries: 3.83 s
    "#);
    let once = line(|o| {
        o.attempts.insert(0, failed(500));
        o.wall = Duration::from_millis(2_531);
    });
    assert!(once.ends_with(" · 1 retry, 2.53 s in all"), "{once}");
}

#[test]
fn an_answer_from_a_cache_has_no_speed() {
    assert_snapshot!(line(|o| { o.cached = true; o.bill = dollars("0", CostSource::Billed); }), @"openai/gpt-6.1-sol · 0.41 s to first word, 1.73 s · 312 → 128 tokens · $0.00 billed · cached");
    assert_snapshot!(lines(|o| o.cached = true), @r#"
    model: openai/gpt-6.1-sol
    first word: 0.41 s
    total: 1.73 s
    tokens in: 312
    tokens out: 128
    cost: $0.001904
    cached: yes
    "#);
}

#[test]
fn another_model_than_asked_is_named() {
    assert_snapshot!(line(|o| o.served_model = Some("gpt-6.1-sol-mini".to_owned())), @"openai/gpt-6.1-sol · 0.41 s to first word, 1.73 s · 312 → 128 tokens · 96 tok/s · $0.001904 · answered by gpt-6.1-sol-mini");
    assert_snapshot!(line(|o| o.served_by = Some("Together".to_owned())), @"openai/gpt-6.1-sol · 0.41 s to first word, 1.73 s · 312 → 128 tokens · 96 tok/s · $0.001904 · via Together");
    assert_snapshot!(lines(|o| {
        o.served_model = Some("gpt-6.1-sol-mini".to_owned());
        o.served_by = Some("Together".to_owned());
    }), @r#"
    model: openai/gpt-6.1-sol
    first word: 0.41 s
    total: 1.73 s
    tokens in: 312
    tokens out: 128
    speed: 96 tok/s
    cost: $0.001904
    answered by: gpt-6.1-sol-mini
    via: Together
    "#);
}

#[test]
fn an_end_that_is_no_good_end_is_named() {
    assert_snapshot!(line(|o| o.finish = Some(Finish::Length)), @"openai/gpt-6.1-sol · 0.41 s to first word, 1.73 s · 312 → 128 tokens · 96 tok/s · $0.001904 · length");
    assert_snapshot!(lines(|o| o.finish = Some(Finish::ContentFilter)), @r#"
    model: openai/gpt-6.1-sol
    first word: 0.41 s
    total: 1.73 s
    tokens in: 312
    tokens out: 128
    speed: 96 tok/s
    cost: $0.001904
    ending: content filter
    "#);
    assert_snapshot!(line(|o| {
        o.status = Status::Partial;
        o.finish = Some(Finish::Cut);
        o.possibly_billed = true;
    }), @"openai/gpt-6.1-sol · 0.41 s to first word, 1.73 s · 312 → 128 tokens · 96 tok/s · $0.001904 · possibly billed · cut");
    assert_snapshot!(line(|o| {
        o.status = Status::Cancelled;
        o.finish = Some(Finish::Cut);
        o.possibly_billed = true;
        o.bill = Bill::UNKNOWN;
    }), @"openai/gpt-6.1-sol · 0.41 s to first word, 1.73 s · 312 → 128 tokens · 96 tok/s · cost unknown · possibly billed · cancelled");
    for (finish, word) in
        [(Finish::Refusal, "refusal"), (Finish::ToolCalls, "tool calls"), (Finish::Cut, "cut")]
    {
        assert!(line(|o| o.finish = Some(finish)).ends_with(&format!(" · {word}")));
    }
    assert!(line(|o| (o.status, o.finish) = (Status::Partial, None)).ends_with(" · partial"));
}

#[test]
fn where_no_answer_began_there_is_little_to_say() {
    let nothing = |o: &mut Outcome, status: Status| {
        (o.status, o.finish, o.usage, o.bill) = (status, None, None, Bill::UNKNOWN);
        o.clock = Clock { end: Duration::from_millis(212), ..Clock::default() };
    };
    assert_snapshot!(line(|o| nothing(o, Status::Error)), @"openai/gpt-6.1-sol · 0.21 s · error");
    assert_snapshot!(line(|o| { nothing(o, Status::Error); o.possibly_billed = true; }), @"openai/gpt-6.1-sol · 0.21 s · possibly billed · error");
    assert_snapshot!(line(|o| { nothing(o, Status::Skipped); o.attempts.clear(); }), @"openai/gpt-6.1-sol · skipped");
}

#[test]
fn names_of_a_server_stay_on_the_line_and_drive_nothing() {
    assert_snapshot!(line(|o| {
        o.served_model = Some("evil\x1b[2J\nmodel\u{202e}".to_owned());
        o.served_by = Some("\x1b]0;title\x07\r\nGroup".to_owned());
    }), @"openai/gpt-6.1-sol · 0.41 s to first word, 1.73 s · 312 → 128 tokens · 96 tok/s · $0.001904 · answered by evil model · via Group");
    assert_eq!(line(|o| o.served_by = Some("\x1b[0m".to_owned())), line(|_| {}));
    let long = line(|o| o.served_by = Some("é".repeat(100_000)));
    assert!(long.ends_with(&format!(" · via {}…", "é".repeat(99))), "{long:.300}");
}

proptest! {
    #[test]
    fn no_name_breaks_the_line(lane in any::<String>(), model in any::<String>(), by in any::<String>()) {
        let text = line(|o| {
            o.lane = lane;
            o.served_model = Some(model);
            o.served_by = Some(by);
        });
        prop_assert!(!text.chars().any(|c| is_forbidden(c) || matches!(c, '\n' | '\t')), "{text:?}");
    }
}

#[test]
fn a_narrow_terminal_gets_whole_facts() {
    let line = "openai/gpt · 0.41 s to first word, 1.32 s · 312 → 128 tokens · $0.001904";
    assert_eq!(fitted(line, 200), line);
    let narrow = fitted(line, 40);
    assert_eq!(narrow.lines().collect::<Vec<_>>().join(" · "), line);
    assert!(narrow.lines().all(|line| line.width() <= 40), "{narrow}");
}

#[test]
fn who_failed_before_and_what_that_may_have_cost() {
    let model = ModelRef::new("a", "one");
    let before = |name: &str, status, bill: Bill, possibly_billed| Outcome {
        status,
        bill,
        possibly_billed,
        attempts: vec![attempt(10)],
        ..Outcome::new(model.clone(), name.to_owned(), Timestamp::UNIX_EPOCH)
    };
    let refused = before("a/one", Status::Error, dollars("0", CostSource::Computed), false);
    let broken = before("b/one", Status::Error, dollars("0.002", CostSource::Estimated), true);
    let late = before("c/one", Status::Cancelled, dollars("0.001", CostSource::Estimated), true);
    let unknown = before("d/one", Status::Cancelled, Bill::UNKNOWN, true);
    let tail = |before: &[Outcome]| {
        let all = receipt(&answered(), before, Duration::from_secs(3), &plain());
        all.split_once("$0.001904 · ").unwrap().1.to_owned()
    };
    assert_snapshot!(tail(std::slice::from_ref(&refused)), @"2 attempts, 3.00 s in all · a/one failed");
    assert_snapshot!(tail(&[refused.clone(), broken.clone(), late.clone()]), @"4 attempts, 3.00 s in all · a/one and b/one failed · c/one stopped · ~$0.003 more possibly billed");
    assert_snapshot!(tail(&[late, unknown]), @"3 attempts, 3.00 s in all · c/one and d/one stopped · an unknown amount more possibly billed");
    assert_snapshot!(receipt(&answered(), &[refused, broken], Duration::from_secs(3), &accessible()), @r"
    model: openai/gpt-6.1-sol
    first word: 0.41 s
    total: 1.73 s
    tokens in: 312
    tokens out: 128
    speed: 96 tok/s
    cost: $0.001904
    attempts in all: 3
    total of all: 3.00 s
    failed before: a/one, b/one
    possibly billed before: $0.002 (estimated)
    ");
}
