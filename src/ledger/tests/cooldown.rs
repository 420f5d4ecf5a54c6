//! What the ledger remembers of failures.

use std::time::Duration;

use super::*;
use crate::cooldown::Cooling;
use crate::model::ProviderId;
use crate::outcome::Attempt;
use crate::wire::{ApiError, FailureKind};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// Appends a call that ended at a second, with so many failed requests.
fn ended(ledger: &mut Ledger, model: &str, second: i64, error: Option<(FailureKind, Option<u64>, usize)>) {
    let failure = error.map(|(kind, asked, _)| ApiError {
        retry_after: asked.map(Duration::from_secs),
        ..ApiError::new(kind, "")
    });
    let attempt = Attempt {
        started: Duration::ZERO,
        took: Duration::ZERO,
        status: None,
        error: failure.clone(),
        waited: None,
    };
    let outcome = Outcome {
        status: if failure.is_some() { Status::Error } else { Status::Ok },
        error: failure,
        attempts: vec![attempt; error.map_or(1, |(_, _, times)| times)],
        ..Outcome::new(ModelRef::split(model).unwrap(), model.to_owned(), at(second))
    };
    append(ledger, &asked("x"), &outcome, Ulid::generate());
}

fn cooling(ledger: &Ledger, second: i64) -> Vec<String> {
    let words = |cooling: Cooling| {
        let model = cooling.model.as_deref().unwrap_or("*").to_owned();
        format!("{}/{model} {} {}", cooling.provider, cooling.failures, cooling.in_words(at(second)))
    };
    ledger.cooling(at(second)).unwrap().into_iter().map(words).collect()
}

#[test]
fn a_pause_ends_by_itself_or_with_a_good_answer() {
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    ended(&mut ledger, "a/one", 0, Some((FailureKind::RateLimit, Some(20), 1)));
    ended(&mut ledger, "b/one", 0, Some((FailureKind::Money, None, 1)));
    let both =
        ["a/one 1 15 s (the rate limit is reached)", "b/* 1 5 min (out of credit, or over a spending limit)"];
    assert_eq!(cooling(&ledger, 5), both);
    assert_eq!(cooling(&ledger, 20), both[1..]);
    // Another model of the provider answers: the provider is well, the model not.
    ended(&mut ledger, "a/two", 6, None);
    ended(&mut ledger, "b/two", 6, None);
    assert_eq!(cooling(&ledger, 5), both[..1]);
    ended(&mut ledger, "a/one", 7, None);
    assert_eq!(cooling(&ledger, 8), [""; 0]);
}

#[test]
fn failures_in_a_row_lengthen_the_pause() {
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    let server = |times| Some((FailureKind::Server, None, times));
    ended(&mut ledger, "a/one", 0, server(2));
    assert_eq!(cooling(&ledger, 0), [""; 0]);
    ended(&mut ledger, "a/one", 1, server(1));
    assert_eq!(cooling(&ledger, 1), ["a/one 3 30 s (the provider failed)"]);
    // A failure of the request itself is not the model's.
    ended(&mut ledger, "a/one", 2, Some((FailureKind::BadRequest, None, 1)));
    ended(&mut ledger, "a/one", 40, server(1));
    assert_eq!(cooling(&ledger, 40), ["a/one 4 60 s (the provider failed)"]);
    // An hour later a new row begins.
    ended(&mut ledger, "a/one", 40 + 3_601, server(2));
    assert_eq!(cooling(&ledger, 40 + 3_601), [""; 0]);
}

#[test]
fn a_lesser_failure_does_not_shorten_a_pause() {
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    ended(&mut ledger, "a/one", 0, Some((FailureKind::RateLimit, Some(600), 1)));
    ended(&mut ledger, "a/one", 10, Some((FailureKind::Timeout, None, 1)));
    assert_eq!(cooling(&ledger, 10), ["a/one 2 10 min (timed out)"]);
    // A clock that was set back does not make it longer than any pause can be.
    assert_eq!(cooling(&ledger, -3_100), [""; 0]);
}

#[test]
fn pauses_are_cleared_by_provider_or_all_at_once() {
    let mut ledger = Ledger::open_existing(Path::new("/nowhere/at/all")).unwrap();
    for model in ["a/one", "a/two", "b/one", "c/one"] {
        ended(&mut ledger, model, 0, Some((FailureKind::RateLimit, Some(60), 1)));
    }
    ended(&mut ledger, "d/one", 0, Some((FailureKind::Server, None, 1)));
    let clear = |ledger: &mut Ledger, names: &[&str]| {
        let providers: Vec<_> = names.iter().map(|name| ProviderId::new(*name)).collect();
        ledger.clear_cooldowns(&providers, at(1)).unwrap()
    };
    assert_eq!(clear(&mut ledger, &["a", "d"]), 2);
    assert_eq!(count(&ledger, "cooldowns"), 2);
    assert_eq!((clear(&mut ledger, &[]), clear(&mut ledger, &[])), (2, 0));
    assert_eq!(count(&ledger, "cooldowns"), 0);
}
