//! `history list` and `history show` as text.
//!
//! All text that a model, a provider or a file had a hand in goes through the
//! caller's filter before it is measured or shown.

use crate::money::{Bill, Cost, UsageSource};
use crate::outcome::{CountedUsage, Status};

mod list;
mod show;

pub use list::{list, markdown, read_out as list_read_out};
pub use show::{read_out, show};

/// A filter for text from elsewhere.
pub type Clean<'a> = &'a dyn Fn(&str) -> String;

/// Where there is nothing to say.
const NOTHING: &str = "–";

/// Nothing was served that could be billed: that cost is none, not an amount.
fn costs_nothing(status: Status, usage: Option<&CountedUsage>, bill: &Bill, possibly_billed: bool) -> bool {
    let nothing_came = matches!(status, Status::Error | Status::Cancelled | Status::Skipped);
    nothing_came && usage.is_none() && bill.cost == Some(Cost::ZERO) && !possibly_billed
}

/// The mark of what was estimated.
const fn about(counted: &CountedUsage) -> &'static str {
    match counted.source {
        UsageSource::Reported => "",
        UsageSource::Estimated => "~",
    }
}

#[cfg(test)]
mod tests;
