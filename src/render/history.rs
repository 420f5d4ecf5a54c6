//! `history list` and `history show` as text.
//!
//! All text that a model, a provider or a file had a hand in goes through the
//! caller's filter before it is measured or shown.

use crate::money::UsageSource;
use crate::outcome::CountedUsage;

mod list;
mod show;

pub use list::list;
pub use show::show;

/// A filter for text from elsewhere.
pub type Clean<'a> = &'a dyn Fn(&str) -> String;

/// The mark of what was estimated.
const fn about(counted: &CountedUsage) -> &'static str {
    match counted.source {
        UsageSource::Reported => "",
        UsageSource::Estimated => "~",
    }
}

#[cfg(test)]
mod tests;
