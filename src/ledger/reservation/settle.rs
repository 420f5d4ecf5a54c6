//! What a call counts under caps once it is over.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{amount, parts};
use crate::ledger::columns::{split, time_ns};
use crate::money::{Cost, CostSource};
use crate::outcome::Outcome;

/// Settles a call's reservation, where there is one. What `calls` says of a
/// call that is `logged` is not counted twice.
pub(in crate::ledger) fn settle(
    transaction: &Transaction<'_>,
    outcome: &Outcome,
    logged: bool,
) -> rusqlite::Result<()> {
    let id = outcome.id.to_string();
    let found = transaction
        .prepare("SELECT worst_nano, worst_atto FROM reservations WHERE call = ?1")?
        .query_row([&id], |row| amount(row, "worst_nano", "worst_atto"))
        .optional()?;
    let Some(worst) = found else { return Ok(()) };
    let counted = counted(outcome, worst);
    let in_calls = outcome.bill.cost.filter(|cost| logged && split(*cost).is_some());
    let rest = match counted.cost {
        Some(cost) => Some(cost - in_calls.unwrap_or_default().max(Cost::ZERO)),
        // Unknown is counted once: there where the call is kept.
        None if logged => Some(Cost::ZERO),
        None => None,
    };
    if rest.is_some_and(|rest| rest <= Cost::ZERO) {
        return transaction.execute("DELETE FROM reservations WHERE call = ?1", [&id]).map(drop);
    }
    let [nano, atto] = parts(rest);
    transaction
        .execute(
            "UPDATE reservations SET state = 'settled', at_ns = ?2, counted_nano = ?3, counted_atto = ?4,
                 possibly_billed = ?5 WHERE call = ?1",
            params![id, time_ns(outcome.started_at), nano, atto, counted.is_doubtful],
        )
        .map(drop)
}

/// What a call counts under caps once it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The amount; `None` where neither a price nor a bill is known.
    pub cost: Option<Cost>,
    /// The provider may have billed less, or did not say what it billed.
    pub is_doubtful: bool,
}

/// The real cost where it is known for certain; else no less than the worst
/// case: of an answer that was cut off, or whose tokens nobody counted, the
/// provider alone knows what it bills.
pub fn counted(outcome: &Outcome, worst: Option<Cost>) -> Counted {
    let is_certain = !outcome.possibly_billed
        && !matches!(outcome.bill.source, CostSource::Estimated | CostSource::Unknown);
    match outcome.bill.cost {
        Some(cost) if is_certain => Counted { cost: Some(cost), is_doubtful: false },
        cost => Counted { cost: cost.max(worst), is_doubtful: true },
    }
}
