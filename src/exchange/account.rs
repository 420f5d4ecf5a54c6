//! What a call used and what it costs, counted or guessed.

use jiff::Timestamp;

use super::hearing::Hearing;
use super::{Backend, Call};
use crate::catalog::{Model, Pricing};
use crate::chat::{Effort, Request};
use crate::estimate;
use crate::money::{Bill, Cost, CostSource, UsageSource};
use crate::outcome::{Attempt, CountedUsage, Outcome, Status};
use crate::wire::failure::Class;
use crate::wire::{ApiError, FailureKind};

/// Whether the provider may have served and billed what was not received.
pub(super) fn is_ambiguous(error: &ApiError) -> bool {
    error.kind.class() == Class::Ambiguous || error.kind == FailureKind::Cancelled
}

/// The provider's counts, or an estimate where it gave none that can be true.
pub(super) fn count(call: &Call, hearing: &Hearing, outcome: &Outcome) -> Option<CountedUsage> {
    let generated = hearing.has_token();
    // Nothing was generated for what a cache repeats, and gateways count it so.
    let believable = hearing
        .usage
        .filter(|usage| hearing.cached || !generated || (usage.input().0 > 0 && usage.output.0 > 0));
    let guess = || estimate::usage(&call.request, &hearing.text, &hearing.reasoning, hearing.usage);
    // Counts of an answer that was cut may be those of its beginning (Anthropic
    // says at the start what it has generated so far, which is one token).
    let last_word = outcome.status == Status::Ok || !generated || counts_itself(call);
    match believable {
        Some(usage) if last_word || is_near(usage.output.0, guess().output.0) => {
            Some(CountedUsage { usage, source: UsageSource::Reported })
        }
        _ if generated || outcome.possibly_billed || outcome.status == Status::Ok => {
            Some(CountedUsage { usage: guess(), source: UsageSource::Estimated })
        }
        _ => None,
    }
}

/// Whether a count may be that of the whole text: a guess of it is off by a
/// few percent, a count of its beginning by far more.
const fn is_near(counted: u64, guessed: u64) -> bool {
    counted.saturating_mul(4) >= guessed.saturating_mul(3)
}

/// Whether every token is counted here as it comes.
fn counts_itself(call: &Call) -> bool {
    match &call.backend {
        Backend::Http(_) => false,
        #[cfg(feature = "local")]
        Backend::Local { .. } => true,
    }
}

/// Billed before computed before estimated before unknown.
pub(super) fn bill(call: &Call, billed: Option<Cost>, outcome: &Outcome) -> Bill {
    #[cfg(feature = "local")]
    if matches!(call.backend, Backend::Local { .. }) {
        return Bill::LOCAL;
    }
    if let Some(cost) = billed {
        return Bill::billed(cost);
    }
    // No model was asked: the gateways that say so charge nothing for it.
    if outcome.cached {
        return Bill::billed(Cost::ZERO);
    }
    match (&outcome.usage, &call.row) {
        // A request that was refused, or never arrived, costs nothing.
        (None, _) if !outcome.possibly_billed => {
            Bill { cost: Some(Cost::ZERO), source: CostSource::Computed, approximate: false }
        }
        (Some(counted), Some(row)) => {
            row.bill(&counted.usage, counted.source, Timestamp::now(), pricing(&call.request, counted))
        }
        _ => Bill::UNKNOWN,
    }
}

fn pricing(request: &Request, counted: &CountedUsage) -> Pricing {
    let thinking = match request.params.effort {
        Some(Effort::None) => false,
        Some(_) => true,
        None => counted.usage.reasoning.0 > 0,
    };
    Pricing { thinking, batch: false, ceiling: false }
}

/// What those requests may have cost that got no answer and were sent again
/// all the same (`--retry-ambiguous`): the prompt of each, as an estimate.
/// `None` where there is none.
pub fn possibly_lost(attempts: &[Attempt], request: &Request, row: Option<&Model>) -> Option<Bill> {
    let resent = attempts.iter().filter(|attempt| attempt.waited.is_some());
    let lost = resent.filter(|attempt| attempt.error.as_ref().is_some_and(is_ambiguous)).count();
    let usage = estimate::usage(request, "", "", None);
    let counted = CountedUsage { usage, source: UsageSource::Estimated };
    let once = row.map_or(Bill::UNKNOWN, |row| {
        row.bill(&usage, counted.source, Timestamp::now(), pricing(request, &counted))
    });
    (0..lost).map(|_| once.clone()).reduce(|sum, one| sum.and(&one))
}
