//! Costs as people read them. What is unknown is called so.

use crate::money::{Bill, CostSource};

/// A bill in a few characters: `$0.001904`, `~$…` estimated, `≈$…` approximate,
/// `$… billed`, `local`, `free` or `cost unknown`.
pub fn bill(bill: &Bill) -> String {
    let Some(cost) = bill.cost.map(|cost| cost.to_display()) else {
        return "cost unknown".to_owned();
    };
    match bill.source {
        CostSource::Local | CostSource::Free => bill.source.as_str().to_owned(),
        CostSource::Billed => format!("{cost} billed"),
        // That the tokens are a guess weighs more than that the price may be off.
        CostSource::Estimated => format!("~{cost}"),
        _ if bill.approximate => format!("≈{cost}"),
        _ => cost,
    }
}

/// The same without signs that screen readers pass over: `$0.001904 (estimated)`.
pub fn bill_in_words(bill: &Bill) -> String {
    let Some(cost) = bill.cost.map(|cost| cost.to_display()) else {
        return "unknown".to_owned();
    };
    match bill.source {
        CostSource::Local | CostSource::Free => bill.source.as_str().to_owned(),
        CostSource::Billed | CostSource::Estimated => format!("{cost} ({})", bill.source.as_str()),
        _ if bill.approximate => format!("{cost} (approximate)"),
        _ => cost,
    }
}
