//! Costs as people read them. What is unknown is called so.

use crate::money::{Bill, CostSource, Price};

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

/// A price in USD per million tokens, with no fewer than two decimals and none
/// left out: `$0.30`, `$0.0375`, `$15.00`.
pub fn price(price: Price) -> String {
    let exact = price.to_string();
    let (whole, fraction) = exact.split_once('.').unwrap_or((&exact, ""));
    format!("${whole}.{fraction:0<2}")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::money::Cost;

    fn both(usd: &str, source: CostSource, approximate: bool) -> String {
        let of = Bill { cost: Some(Cost::parse_usd(usd).unwrap()), source, approximate };
        format!("{} | {}", bill(&of), bill_in_words(&of))
    }

    #[test]
    fn a_cost_says_how_it_is_known() {
        use CostSource as S;
        assert_snapshot!(both("0.5", S::Computed, false), @"$0.50 | $0.50");
        assert_snapshot!(both("0.5", S::Computed, true), @"≈$0.50 | $0.50 (approximate)");
        assert_snapshot!(both("0.5", S::Estimated, false), @"~$0.50 | $0.50 (estimated)");
        assert_snapshot!(both("0.5", S::Estimated, true), @"~$0.50 | $0.50 (estimated)");
        assert_snapshot!(both("0.0000000123", S::Billed, false), @"$0.000000012 billed | $0.000000012 (billed)");
        assert_snapshot!(both("0", S::Computed, false), @"$0.00 | $0.00");
        assert_snapshot!(both("0", S::Free, false), @"free | free");
        assert_snapshot!(both("0", S::Local, false), @"local | local");
    }

    #[test]
    fn what_is_unknown_is_not_zero() {
        assert_eq!(bill(&Bill::UNKNOWN), "cost unknown");
        assert_eq!(bill_in_words(&Bill::UNKNOWN), "unknown");
    }
}
