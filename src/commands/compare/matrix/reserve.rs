//! Money for all calls, set aside before the first is sent.

use std::collections::HashMap;

use super::Planned;
use super::plan::Plan;
use crate::budget::{self, Granted, Guard};
use crate::chat::Request;
use crate::context::Context;
use crate::error::Result;
use crate::store::Store;

/// Sets money aside for every call, or for none, where a cap holds.
///
/// Prompts of about one length are taken for the longest of them, so that not
/// all requests have to be in memory at once: the most that a call can cost is
/// never below what it is, and above it by an eighth of the prompt at most.
///
/// # Errors
/// As [`Guard::reserve`]; nothing may be sent then.
pub(super) fn reserve(
    plan: &Plan,
    planned: &[Planned],
    store: &mut Store,
    context: &Context,
) -> Result<Granted> {
    let granted = admit(plan, planned, context, &mut |guard, calls| guard.reserve(store, calls))?;
    Ok(granted.unwrap_or_default())
}

/// What [`reserve`] would say now; `None` where no cap holds. Nothing is set aside.
///
/// # Errors
/// As [`reserve`].
pub(super) fn look(plan: &Plan, planned: &[Planned], context: &Context) -> Result<Option<Granted>> {
    admit(plan, planned, context, &mut |guard, calls| guard.look(calls))
}

/// Has the calls admitted in one way or the other, where any cap holds.
fn admit(
    plan: &Plan,
    planned: &[Planned],
    context: &Context,
    ask: &mut dyn FnMut(&mut Guard<'_>, &[budget::Planned<'_>]) -> Result<Granted>,
) -> Result<Option<Granted>> {
    let mut guard = Guard::new(context, "compare", plan.caps);
    if !plan.lanes.iter().any(|lane| guard.holds_for(lane)) {
        return Ok(None);
    }
    let lengths: Vec<usize> = plan.items.iter().map(|item| length(&item.prompt)).collect();
    let mut longest: HashMap<usize, usize> = HashMap::new();
    for (item, bytes) in lengths.iter().enumerate() {
        let known = longest.entry(class(*bytes)).or_insert(item);
        if lengths[*known] < *bytes {
            *known = item;
        }
    }
    let mut requests: HashMap<(usize, usize), Request> = HashMap::new();
    for planned in planned {
        let class = class(lengths[planned.slot.item]);
        let request = || plan.wanted(super::Slot { item: longest[&class], ..planned.slot });
        requests.entry((class, planned.slot.lane)).or_insert_with(request);
    }
    let sends = plan.manner.retries.paid_sends();
    let calls = planned.iter().filter_map(|planned| {
        let request = requests.get(&(class(lengths[planned.slot.item]), planned.slot.lane))?;
        Some(budget::Planned { id: planned.id, lane: &plan.lanes[planned.slot.lane], request, sends })
    });
    let calls: Vec<budget::Planned<'_>> = calls.collect();
    ask(&mut guard, &calls).map(Some)
}

/// Bytes of a prompt in a request, where some letters take several.
fn length(prompt: &str) -> usize {
    serde_json::to_string(prompt).map_or(prompt.len(), |json| json.len())
}

/// Lengths of one class differ by an eighth at most.
fn class(bytes: usize) -> usize {
    let shift = (usize::BITS - bytes.leading_zeros()).saturating_sub(4);
    (bytes >> shift) + (shift as usize) * 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_narrow_and_there_are_few() {
        let mut classes: Vec<(usize, usize)> = (1..100_000).map(|bytes| (class(bytes), bytes)).collect();
        assert!(classes.is_sorted_by_key(|(class, _)| *class));
        for same in classes.chunk_by(|a, b| a.0 == b.0) {
            let (first, last) = (same[0].1, same[same.len() - 1].1);
            assert!((last - first) * 8 <= first, "{first} to {last}");
        }
        classes.dedup_by_key(|(class, _)| *class);
        assert!(classes.len() < 150, "{}", classes.len());
    }
}
