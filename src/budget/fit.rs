//! `--fit`: the largest limit on tokens with which calls fit what is left.

use jiff::Timestamp;

use super::Planned;
use super::worst::{Bounds, Worst};
use crate::ledger::Scope;
use crate::money::Cost;

/// A shorter answer is not worth its prompt.
const LEAST_TOKENS: u64 = 16;

/// What is tried where no call's longest answer is known.
const USUAL_TOKENS: u64 = 8_192;

/// One limit for all calls alike, so that what they say can be compared: the
/// largest with which the calls of each scope (`None`: all) fit what is left.
/// Calls whose own limit is lower, or that are told theirs by `-o`, keep it.
/// `None` where even the least is too much.
pub(super) fn limit(
    planned: &[Planned<'_>],
    bounds: &[Bounds<'_>],
    left: &[(Option<Scope>, Cost)],
    now: Timestamp,
) -> Option<u32> {
    let fits = |tokens: u64| {
        left.iter().all(|(scope, left)| {
            let covered = planned
                .iter()
                .zip(bounds)
                .filter(|(call, _)| scope.as_ref().is_none_or(|scope| scope.covers(&call.lane.model)));
            let sum = covered.map(|(call, bounds)| match bounds.worst(Some(tokens), call.sends, now) {
                Worst::AtMost(cost) => cost,
                Worst::Nothing | Worst::Unknown(_) => Cost::ZERO,
            });
            sum.sum::<Cost>() <= *left
        })
    };
    let longest = bounds.iter().filter_map(Bounds::shrinkable).max().unwrap_or(USUAL_TOKENS);
    if longest < LEAST_TOKENS || !fits(LEAST_TOKENS) {
        return None;
    }
    let (mut fit, mut too_long) = (LEAST_TOKENS, longest.saturating_add(1));
    while fit + 1 < too_long {
        let middle = u64::midpoint(fit, too_long);
        if fits(middle) {
            fit = middle;
        } else {
            too_long = middle;
        }
    }
    u32::try_from(fit).ok()
}
