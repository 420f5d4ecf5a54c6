//! Any call at all, for property tests.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};
use ulid::Ulid;

use crate::chat::{Effort, Finish, Media, MediaKind, MediaSource, Message, Params, Part, Request, Role};
use crate::ledger::StoredCall;
use crate::model::ModelRef;
use crate::money::{Bill, Cost, CostSource, Tokens, Usage, UsageSource};
use crate::outcome::{Attempt, Clock, CountedUsage, Outcome, Status};
use crate::wire::{ApiError, Dropped, FailureKind};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "\\PC{1,20}", "(.|\n|\0|\u{202e}|\u{1b}){1,20}"]
}

fn duration() -> impl Strategy<Value = Duration> {
    (0..i64::MAX.unsigned_abs()).prop_map(Duration::from_nanos)
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-4_000_i32..4_000).prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text(), inner), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn media() -> impl Strategy<Value = Media> {
    let source = prop_oneof![
        vec(any::<u8>(), 0..20).prop_map(|bytes| MediaSource::Bytes(Arc::from(bytes))),
        text().prop_map(MediaSource::Url),
    ];
    let kind = select(&[MediaKind::Image, MediaKind::Pdf, MediaKind::Audio][..]);
    (kind, text(), text(), source).prop_map(|(kind, mime, name, source)| Media { kind, mime, name, source })
}

fn message() -> impl Strategy<Value = Message> {
    let part = prop_oneof![text().prop_map(Part::Text), media().prop_map(Part::Media)];
    let role = select(&[Role::User, Role::Assistant][..]);
    (role, vec(part, 0..4)).prop_map(|(role, parts)| Message { role, parts })
}

fn params() -> impl Strategy<Value = Params> {
    let effort = prop_oneof![select(&Effort::LEVELS[..]), any::<u32>().prop_map(Effort::Budget)];
    let extra = vec((text(), json()), 0..3).prop_map(|fields| fields.into_iter().collect::<Map<_, _>>());
    (
        option::of(-1e9..1e9),
        option::of(0.0..1.0),
        option::of(any::<u32>()),
        option::of(any::<i64>()),
        vec(text(), 0..3),
        option::of(effort),
        extra,
    )
        .prop_map(|(temperature, top_p, max_tokens, seed, stop, effort, extra)| Params {
            temperature,
            top_p,
            max_tokens,
            seed,
            stop,
            effort,
            extra,
        })
}

fn request() -> impl Strategy<Value = Request> {
    (option::of(text()), vec(message(), 0..5), params(), option::of(json()), any::<bool>()).prop_map(
        |(system, messages, params, schema, stream)| Request { system, messages, params, schema, stream },
    )
}

fn error() -> impl Strategy<Value = ApiError> {
    (
        option::of(any::<u16>()),
        select(&FailureKind::ALL[..]),
        option::of(text()),
        text(),
        option::of(duration()),
        option::of(any::<bool>()),
        option::of(text()),
    )
        .prop_map(|(status, kind, code, message, retry_after, should_retry, request_id)| ApiError {
            status,
            kind,
            code,
            message,
            retry_after,
            should_retry,
            request_id,
        })
}

fn attempt() -> impl Strategy<Value = Attempt> {
    (duration(), duration(), option::of(any::<u16>()), option::of(error()), option::of(duration()))
        .prop_map(|(started, took, status, error, waited)| Attempt { started, took, status, error, waited })
}

fn clock() -> impl Strategy<Value = Clock> {
    (
        (option::of(duration()), option::of(duration()), option::of(duration()), option::of(duration())),
        (option::of(duration()), duration(), any::<u32>(), option::of(duration()), any::<bool>()),
    )
        .prop_map(
            |(
                (connected, headers, first_token, first_visible),
                (last_token, end, token_reads, longest_gap, reused),
            )| Clock {
                connected,
                headers,
                first_token,
                first_visible,
                last_token,
                end,
                token_reads,
                longest_gap,
                reused,
            },
        )
}

fn usage() -> impl Strategy<Value = CountedUsage> {
    let count = || (0_u64..=1_000_000_000_000).prop_map(Tokens);
    let source = select(&[UsageSource::Reported, UsageSource::Estimated][..]);
    ([count(), count(), count(), count()], [count(), count(), count(), count()], source).prop_map(
        |(input, output, source)| CountedUsage {
            usage: Usage {
                input_uncached: input[0],
                cache_read: input[1],
                cache_write_5m: input[2],
                cache_write_1h: input[3],
                input_audio: output[0],
                output: output[1],
                reasoning: output[2],
                output_audio: output[3],
            },
            source,
        },
    )
}

fn bill() -> impl Strategy<Value = Bill> {
    let million = 1_000_000 * 1_000_000_000_000_000_000_i128;
    let known = [
        CostSource::Billed,
        CostSource::Computed,
        CostSource::Estimated,
        CostSource::Local,
        CostSource::Free,
    ];
    let cost = prop_oneof![-million + 1..million, 0..10_000_000_000_i128].prop_map(Cost::from_atto);
    let known = (cost, select(known.to_vec())).prop_map(|(cost, source)| (Some(cost), source));
    (prop_oneof![Just((None, CostSource::Unknown)), known], any::<bool>())
        .prop_map(|((cost, source), approximate)| Bill { cost, source, approximate })
}

fn how_it_ended() -> impl Strategy<Value = Outcome> {
    let statuses = [Status::Ok, Status::Partial, Status::Error, Status::Cancelled, Status::Skipped];
    let finishes = [
        Finish::Stop,
        Finish::Length,
        Finish::ContentFilter,
        Finish::Refusal,
        Finish::ToolCalls,
        Finish::Cut,
    ];
    let dropped = (text(), text()).prop_map(|(param, reason)| Dropped { param, reason });
    let texts = (text(), option::of(text()), option::of(text()), option::of(text()));
    let more = (option::of(text()), option::of(text()), text(), text(), text());
    let time = any::<i64>().prop_map(|ns| Timestamp::from_nanosecond(i128::from(ns)).unwrap());
    (
        (any::<u128>(), time, texts, more),
        (select(statuses.to_vec()), option::of(select(finishes.to_vec())), vec(dropped, 0..3)),
        (option::of(error()), vec(attempt(), 0..4), any::<u32>()),
    )
        .prop_map(
            |(
                (id, time, (text, reasoning, served_model, served_by), (native, request_id, a, b, lane)),
                (status, finish, dropped),
                (error, attempts, malformed_events),
            )| Outcome {
                id: Ulid::from(id),
                served_model,
                served_by,
                status,
                text,
                reasoning,
                finish,
                native_finish: native,
                dropped,
                attempts,
                malformed_events,
                request_id,
                error,
                ..Outcome::new(ModelRef::new(a, b), lane, time)
            },
        )
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let flags = any::<[bool; 3]>();
    (how_it_ended(), option::of(usage()), bill(), clock(), duration(), flags).prop_map(
        |(ended, usage, bill, clock, wall, [possibly_billed, cached, streamed])| Outcome {
            usage,
            bill,
            clock,
            wall,
            possibly_billed,
            cached,
            streamed,
            ..ended
        },
    )
}

/// Any call that a ledger keeps exactly.
pub(super) fn call() -> impl Strategy<Value = StoredCall> {
    let id = || any::<u128>().prop_map(Ulid::from);
    (outcome(), text(), request(), id(), option::of(id())).prop_map(
        |(outcome, command, request, conversation, parent)| StoredCall {
            outcome,
            command,
            request,
            conversation,
            parent,
        },
    )
}
