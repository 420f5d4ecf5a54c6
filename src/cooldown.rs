//! Which providers and models chains leave alone for a while, because they
//! said so or failed again and again. A command line has no process that could
//! remember it, so the ledger does.
//!
//! | What happened | How long | Of what |
//! |---|---|---|
//! | 429, 503 or 529 that says when to come back | as said, at most 1 h | the model |
//! | 429 that does not say | 5 s, doubled by each in a row, at most 60 s | the model |
//! | overloaded, 5xx, timeout, broken or cut answer, 3 in a row | 30 s, doubled by each further one, at most 10 min | the model |
//! | no connection, 3 in a row | the same | the provider |
//! | out of credit | as said, else 5 min | the provider |
//!
//! Every request counts, retries too. An hour without a failure begins a new
//! row, and a good answer ends it: it clears the model and its provider. A
//! rejected key (401, 403) has no pause: it must be usable the moment that the
//! user mends it, and the refusal is fast and free.
//!
//! The figures are those of others where there are any: `LiteLLM` leaves a
//! deployment alone for 5 s after a 429 and never counts requests that are at
//! fault themselves; Portkey's breaker pauses 30 s or more after a number of
//! failures (both read in their sources, 2026). `LiteLLM` leaves failed
//! connections out, since its server would lose all deployments at once; here
//! a pause only moves a candidate to the end of a chain, so they count.
//!
//! A pause decides nothing but an order: candidates of a chain or a route that
//! are left alone are asked after the others. One that is named alone, or all
//! of them, are asked as if nothing had been.

use std::time::Duration;

use jiff::Timestamp;

use crate::context::Context;
use crate::explain;
use crate::ledger::Ledger;
use crate::model::{ModelRef, ProviderId};
use crate::outcome::{Outcome, Status};
use crate::wire::failure::Class;
use crate::wire::{ApiError, FailureKind};

/// The longest pause that a provider may ask for.
pub const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// Failures further apart than this are not in a row.
pub const ROW: Duration = Duration::from_hours(1);

/// After so many failures in a row a model is left alone.
const FAILURES: u32 = 3;

/// One provider or model that is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cooling {
    /// Who.
    pub provider: ProviderId,
    /// Which of its models; `None` for all of them.
    pub model: Option<String>,
    /// Until when.
    pub until: Timestamp,
    /// Failures in a row so far.
    pub failures: u32,
    /// What the last of them was.
    pub reason: FailureKind,
}

impl Cooling {
    /// Whether a model is left alone by this.
    pub fn covers(&self, model: &ModelRef) -> bool {
        self.provider == model.provider && self.model.as_ref().is_none_or(|name| *name == model.model)
    }

    /// How long from `now`.
    pub fn left(&self, now: Timestamp) -> Duration {
        Duration::try_from(self.until.duration_since(now)).unwrap_or_default()
    }

    /// For how long and why: `28 s (the rate limit is reached)`.
    pub fn in_words(&self, now: Timestamp) -> String {
        let seconds = Duration::from_secs(self.left(now).as_secs_f64().ceil().max(1.0) as u64);
        format!("{} ({})", explain::words(seconds), explain::what(self.reason))
    }
}

/// Everything that is left alone at `now`, as far as the ledger can be read.
/// It must never cost an answer: a ledger that can't be read says nothing.
pub fn cooling(context: &Context, now: Timestamp) -> Vec<Cooling> {
    let read = Ledger::open_existing(&context.paths.ledger).and_then(|ledger| ledger.cooling(now));
    read.unwrap_or_else(|error| {
        log::info!("what is to be left alone can't be read: {error}");
        Vec::new()
    })
}

/// The places of models in the order in which they are asked: those that are
/// left alone behind the others, each with what holds it back. Where all are,
/// the order is as it was, and nothing holds anyone back.
pub fn order<'c>(models: &[&ModelRef], cooling: &'c [Cooling]) -> Vec<(usize, Option<&'c Cooling>)> {
    // The longest pause is the one that counts.
    let held = |model: &ModelRef| cooling.iter().filter(|one| one.covers(model)).max_by_key(|one| one.until);
    let mut order: Vec<_> = models.iter().map(|model| held(model)).enumerate().collect();
    if order.iter().all(|(_, held)| held.is_some()) {
        order.iter_mut().for_each(|(_, held)| *held = None);
    }
    order.sort_by_key(|(_, held)| held.is_some());
    order
}

/// What one call says of its model and provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// They answer.
    Good,
    /// Nothing.
    Nothing,
    /// They failed.
    Failed(Failed),
}

/// A failure that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// It concerns all models of the provider.
    pub whole_provider: bool,
    /// What it was.
    pub kind: FailureKind,
    /// How long the provider asks to be left alone.
    pub asked: Option<Duration>,
    /// How many requests failed.
    pub times: u32,
}

/// What a call says of its model and provider.
pub fn lesson(outcome: &Outcome) -> Lesson {
    let Some(error) = &outcome.error else {
        return if outcome.status == Status::Ok { Lesson::Good } else { Lesson::Nothing };
    };
    if !counts(error) {
        return Lesson::Nothing;
    }
    let failed = outcome.attempts.iter().filter(|attempt| attempt.error.as_ref().is_some_and(counts)).count();
    Lesson::Failed(Failed {
        whole_provider: matches!(error.kind, FailureKind::Money | FailureKind::Connect),
        kind: error.kind,
        asked: error.retry_after,
        times: u32::try_from(failed).unwrap_or(u32::MAX).max(1),
    })
}

/// Whether a failure is the model's or the provider's, and may last.
fn counts(error: &ApiError) -> bool {
    let kind = error.kind;
    kind == FailureKind::Money || matches!(kind.class(), Class::Transient | Class::Ambiguous)
}

impl Failed {
    /// How long to leave it alone after `in_a_row` failures, this one included.
    pub fn pause(&self, in_a_row: u32) -> Option<Duration> {
        let doubled = |first: u64, times: u32, most: u64| {
            Duration::from_secs(first.saturating_mul(1 << times.min(16)).min(most))
        };
        let asked = self.asked.filter(|asked| !asked.is_zero()).map(|asked| asked.min(LONGEST_ASKED));
        match self.kind {
            FailureKind::Money => Some(asked.unwrap_or(Duration::from_mins(5))),
            FailureKind::RateLimit => {
                Some(asked.unwrap_or_else(|| doubled(5, in_a_row.saturating_sub(1), 60)))
            }
            FailureKind::Overloaded if asked.is_some() => asked,
            _ => (in_a_row >= FAILURES).then(|| doubled(30, in_a_row - FAILURES, 600)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str) -> ModelRef {
        ModelRef::split(name).unwrap()
    }

    fn failed(kind: FailureKind, asked: Option<u64>) -> Failed {
        Failed { whole_provider: false, kind, asked: asked.map(Duration::from_secs), times: 1 }
    }

    #[test]
    fn pauses_grow_and_are_bounded() {
        use FailureKind as K;
        let pause = |kind, asked, row| failed(kind, asked).pause(row).map(|pause| pause.as_secs());
        assert_eq!(
            [1, 2, 3, 4, 5, 9].map(|row| pause(K::RateLimit, None, row)),
            [5, 10, 20, 40, 60, 60].map(Some)
        );
        assert_eq!([1, 99].map(|row| pause(K::RateLimit, Some(7), row)), [Some(7); 2]);
        assert_eq!(pause(K::RateLimit, Some(86_400), 1), Some(3_600));
        for kind in [K::Server, K::Overloaded, K::Connect, K::Timeout, K::Broken, K::Truncated] {
            let pauses = [1, 2, 3, 4, 7, 8, u32::MAX].map(|row| pause(kind, None, row));
            assert_eq!(pauses, [None, None, Some(30), Some(60), Some(480), Some(600), Some(600)], "{kind:?}");
        }
        assert_eq!(pause(K::Overloaded, Some(4), 1), Some(4));
        assert_eq!((pause(K::Money, None, 1), pause(K::Money, Some(90), 1)), (Some(300), Some(90)));
    }

    #[test]
    fn only_what_may_last_counts() {
        use FailureKind as K;
        let lesson_of = |kind| {
            let (model, error) = (model("a/one"), Some(ApiError::new(kind, "")));
            let outcome = Outcome {
                error,
                status: Status::Error,
                ..Outcome::new(model, "a/one".into(), Timestamp::UNIX_EPOCH)
            };
            lesson(&outcome)
        };
        for kind in K::ALL {
            let expected = match kind {
                K::Money | K::Connect => Some(true),
                K::RateLimit | K::Overloaded | K::Server | K::Timeout | K::Broken | K::Truncated => {
                    Some(false)
                }
                K::Auth
                | K::Permission
                | K::NotFound
                | K::TooLarge
                | K::ContextLength
                | K::ContentFilter
                | K::BadRequest
                | K::Tls
                | K::Protocol
                | K::Cancelled
                | K::Local => None,
            };
            let found = match lesson_of(kind) {
                Lesson::Failed(failed) => Some(failed.whole_provider),
                Lesson::Nothing => None,
                Lesson::Good => panic!("{kind:?} is no good answer"),
            };
            assert_eq!(found, expected, "{kind:?}");
        }
    }

    #[test]
    fn who_is_left_alone_comes_last_unless_all_are() {
        let of = |provider: &str, name: Option<&str>, until| Cooling {
            provider: ProviderId::new(provider),
            model: name.map(str::to_owned),
            until: Timestamp::from_second(until).unwrap(),
            failures: 1,
            reason: FailureKind::RateLimit,
        };
        let cooling = [of("a", Some("one"), 10), of("b", None, 30), of("b", Some("one"), 20)];
        let [a1, a2, b1, c1] = ["a/one", "a/two", "b/one", "c/one"].map(model);
        let places = |models: &[&ModelRef]| {
            order(models, &cooling).into_iter().map(|(at, held)| (at, held.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(places(&[&a1, &a2, &b1, &c1]), [(1, false), (3, false), (0, true), (2, true)]);
        assert_eq!(places(&[&b1, &a1]), [(0, false), (1, false)]);
        assert_eq!(places(&[&a1]), [(0, false)]);
        assert_eq!(order(&[&b1, &c1], &cooling)[1].1.unwrap().until.as_second(), 30);
    }

    #[test]
    fn a_pause_in_words() {
        let now = Timestamp::from_second(1_000).unwrap();
        let cooling = Cooling {
            provider: ProviderId::new("a"),
            model: None,
            until: now + Duration::from_millis(27_400),
            failures: 1,
            reason: FailureKind::RateLimit,
        };
        assert_eq!(cooling.in_words(now), "28 s (the rate limit is reached)");
    }
}
