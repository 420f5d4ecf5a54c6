//! The caps of the configuration, each with the time that it is for: the
//! user's own day or month, whatever the provider's is.

use std::fmt;

use jiff::Zoned;

use crate::config::{BudgetConfig, Caps};
use crate::error::{Error, Result};
use crate::ledger::{Cap, Scope};
use crate::model::ProviderId;
use crate::money::Cost;

/// How long a cap counts before it begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From the first to the last of a month.
    Month,
}

impl Period {
    /// The word used in the configuration and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The moments at which the period around `now` begins and ends.
    ///
    /// # Errors
    /// Dates beyond the calendar.
    pub fn around(self, now: &Zoned) -> Result<(Zoned, Zoned), jiff::Error> {
        let (first, next) = match self {
            Self::Day => (now.clone(), now.tomorrow()?),
            Self::Month => (now.first_of_month()?, now.last_of_month()?.tomorrow()?),
        };
        Ok((first.start_of_day()?, next.start_of_day()?))
    }
}

/// A cap of `[budget]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetCap {
    /// Which calls, since when, and how much.
    pub cap: Cap,
    /// How long it counts.
    pub period: Period,
    /// When it begins anew.
    pub resets: Zoned,
}

/// `$5.00 a day`, `$5.00 a day for openai`.
impl fmt::Display for BudgetCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} a {}", self.cap.limit.to_display(), self.period.as_str())?;
        match &self.cap.scope {
            Scope::All => Ok(()),
            Scope::Provider(provider) => write!(f, " for {provider}"),
            Scope::Model(model) => write!(f, " for {model}"),
        }
    }
}

/// The caps that are set, the widest first.
///
/// # Errors
/// A clock beyond the calendar.
pub fn caps(budget: &BudgetConfig, now: &Zoned) -> Result<Vec<BudgetCap>> {
    let providers =
        budget.providers.iter().map(|(id, caps)| (Scope::Provider(ProviderId::new(id.as_str())), caps));
    let models = budget.models.iter().map(|(model, caps)| (Scope::Model(model.clone()), caps));
    let mut found = Vec::new();
    for (scope, Caps { day, month }) in
        std::iter::once((Scope::All, &budget.all)).chain(providers).chain(models)
    {
        for (period, limit) in [(Period::Day, day), (Period::Month, month)] {
            let Some(limit) = *limit else { continue };
            let (since, resets) = period
                .around(now)
                .map_err(|error| Error::failed("the clock's time is in no calendar").because(&error))?;
            let cap = Cap { scope: scope.clone(), since: since.timestamp(), limit };
            found.push(BudgetCap { cap, period, resets });
        }
    }
    Ok(found)
}

/// What a refusal is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// `--max-cost`.
    MaxCost(Cost),
    /// A cap of the configuration.
    Budget(BudgetCap),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(period: Period, now: &str) -> [String; 2] {
        let now: Zoned = now.parse().unwrap();
        let (since, resets) = period.around(&now).unwrap();
        [since, resets].map(|at| at.timestamp().to_string())
    }

    #[test]
    fn days_and_months_are_the_user_s() {
        let late = "2026-11-30T23:59:59.999[America/New_York]";
        assert_eq!(around(Period::Day, late), ["2026-11-30T05:00:00Z", "2026-12-01T05:00:00Z"]);
        assert_eq!(around(Period::Month, late), ["2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"]);
        let midnight = "2026-12-01T00:00:00[America/New_York]";
        assert_eq!(around(Period::Day, midnight)[0], "2026-12-01T05:00:00Z");
        assert_eq!(around(Period::Month, midnight)[0], "2026-12-01T05:00:00Z");
    }

    /// In Havana clocks go from 23:59:59 to 01:00.
    #[test]
    fn a_day_without_a_midnight_begins_with_its_first_moment() {
        let day = around(Period::Day, "2026-03-08T12:00:00[America/Havana]");
        assert_eq!(day, ["2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"]);
    }

    #[test]
    fn caps_are_told_apart_in_words() {
        let usd = |text| Cost::parse_usd(text).ok();
        let budget = BudgetConfig {
            all: Caps { day: usd("5"), month: usd("60.5") },
            providers: [("openai".to_owned(), Caps { day: usd("0.01"), month: None })].into(),
            models: [(crate::model::ModelRef::new("a", "b/c"), Caps { day: None, month: usd("0") })].into(),
        };
        let now = "2026-11-22T12:00:00[UTC]".parse().unwrap();
        let words: Vec<String> = caps(&budget, &now).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            ["$5.00 a day", "$60.50 a month", "$0.01 a day for openai", "$0.00 a month for a/b/c"]
        );
    }
}
